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

/// What a channel sends without an end.
#[derive(Debug, Clone, PartialEq)]
pub struct Train {
    /// Its phase, as an expression.
    pub phase: String,
    /// Its nutation frequency, Hz.
    pub rf: Value,
    /// The word of a decoupling sequence.
    pub word: Option<&'static str>,
    /// How long it has been on.
    pub since: Elapsed,
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
