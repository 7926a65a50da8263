//! What channels and gradients keep from statement to statement.

use super::value::Value;
use std::collections::BTreeMap;

/// What stays as it is until it is changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sending {
    /// The power level of every channel.
    pub powers: BTreeMap<usize, String>,
    /// How far every channel is from its carrier, hertz.
    pub offsets: BTreeMap<usize, Value>,
    /// Channels that send without an end: continuous waves and decoupling.
    pub on: BTreeMap<usize, Train>,
    /// A gradient that stays on, T/m.
    pub gradient: Option<Value>,
    /// Lists of phases: the entry they are at, and the angle that is added, degrees.
    pub phases: BTreeMap<usize, (usize, f64)>,
}

impl Sending {
    /// Whether a loop from here to a later state finds itself again: what has been on all the time goes on, and what was switched on
    /// meanwhile has been on as long as the one before.
    pub fn comes_back(&self, later: &Sending) -> bool {
        let mut later = later.clone();
        for (channel, train) in &mut later.on {
            let Some(before) = self.on.get(channel) else { return false };
            if before.start == train.start {
                train.since = before.since.clone();
            }
            train.start = before.start;
        }
        later == *self
    }

    /// The channels that have been on all the time from here to a later state.
    pub fn on_until<'a>(&'a self, later: &'a Sending) -> impl Iterator<Item = usize> + 'a {
        let goes_on =
            |(channel, train): &(&usize, &Train)| later.on.get(*channel).is_some_and(|t| t.start == train.start);
        self.on.iter().filter(goes_on).map(|(channel, _)| *channel)
    }
}

/// What a channel sends without an end.
#[derive(Debug, Clone, PartialEq)]
pub struct Train {
    /// Its phase, as an expression.
    pub phase: String,
    /// Its nutation frequency, Hz.
    pub rf: Value,
    /// The decoupling sequence; none for a continuous wave.
    pub sequence: Option<Sequence>,
    /// How long it has been on.
    pub since: Elapsed,
    /// Tells it apart from all others that are switched on.
    pub start: usize,
}

/// A decoupling sequence of the language.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    pub word: &'static str,
    /// The arguments that its word needs.
    pub arguments: Option<String>,
    /// All arguments before the time for which it has already run.
    pub whole: String,
}

impl Sequence {
    /// The sequence after a time.
    pub fn text(&self, since: Option<&str>) -> String {
        match (since, &self.arguments) {
            (Some(since), _) => format!("{}({}, {since})", self.word, self.whole),
            (None, Some(arguments)) => format!("{}({arguments})", self.word),
            (None, None) => self.word.to_string(),
        }
    }
}

/// Time that has passed: the same terms are counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Elapsed {
    known: f64,
    terms: BTreeMap<String, u32>,
}

impl Elapsed {
    /// Adds a time.
    pub fn add(&mut self, time: &Value) {
        if time.is_known() {
            self.known += time.number;
        } else {
            *self.terms.entry(time.text()).or_insert(0) += 1;
        }
    }

    /// The sum as an expression; `None` for no time.
    pub fn text(&self) -> Option<String> {
        let mut all: Vec<String> =
            self.terms.iter().map(|(t, n)| if *n == 1 { t.clone() } else { format!("{n} * {t}") }).collect();
        if self.known != 0.0 {
            all.push(Value::known(self.known, 1).text());
        }
        (!all.is_empty()).then(|| all.join(" + "))
    }
}
