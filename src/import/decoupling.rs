//! Channels that stay on: continuous waves, and decoupling by a program of its own.

use super::flow::{Flow, Lost};
use super::programs::{Kind, program};
use super::sending::{Elapsed, Sequence, Train};
use super::value::Value;
use super::write::{Decoupled, Out, shown};
use crate::pulse_program::tree::Modifier;
use crate::pulse_program::words::split;
use std::collections::BTreeMap;

/// Whether a command turns something on that stays on.
pub fn trains(word: &str) -> bool {
    matches!(split(word).0, "cw" | "cpd" | "cpds" | "cpdn" | "cpdns" | "cpdhd" | "cpdngs")
}

impl Flow<'_> {
    /// Whether a channel, or another one of its nucleus, is on.
    pub fn transmits(&self, channel: usize) -> bool {
        let nucleus = self.nucleus(channel);
        self.now.on.keys().any(|on| *on == channel || self.nucleus(*on) == nucleus)
    }

    /// Adds a line that takes a time, during which the channels that are on go on.
    pub fn act(&mut self, line: Out, time: &Value) {
        let on: BTreeMap<usize, Decoupled> =
            self.now.on.iter().map(|(channel, train)| (*channel, self.decoupled(*channel, train))).collect();
        self.lines.push(if on.is_empty() { line } else { Out::Under(on, Box::new(line)) });
        for train in self.now.on.values_mut() {
            train.since.add(time);
        }
    }

    /// The decoupling of a channel from now on.
    fn decoupled(&self, channel: usize, train: &Train) -> Decoupled {
        let nucleus = self.nucleus(channel);
        let since = train.since.text();
        let offset = self.now.offsets.get(&channel);
        let mut phase = train.phase.clone();
        if let Some((since, offset)) = since.as_ref().zip(offset) {
            phase += &format!(" + 360 deg * ({}) * ({since})", offset.text());
        }
        let rf = train.rf.text();
        let offset = offset.map_or(String::new(), |offset| format!(" offset = {}", offset.text()));
        let sequence = train.sequence.as_ref().map_or("cw".to_string(), |s| s.text(since.as_deref()));
        let turned = if phase == "0 deg" { String::new() } else { format!(" phase {phase}") };
        Decoupled {
            start: train.start,
            head: format!("decouple {nucleus} {sequence}{turned} rf = {rf}{offset}"),
            wave: train.sequence.is_none().then(|| (format!("pulse {nucleus} phase {phase} rf = {rf}"), offset)),
        }
    }

    /// A channel that is on goes on with another frequency: its block ends here.
    pub fn goes_on_otherwise(&mut self, channel: usize) {
        self.starts += 1;
        if let Some(train) = self.now.on.get_mut(&channel) {
            train.start = self.starts;
        }
    }

    /// A continuous wave, or decoupling.
    pub fn turn_on(&mut self, word: &str, channel: usize, phase: Option<(usize, &[Modifier])>) -> Result<(), Lost> {
        let (head, digits) = split(word);
        let nucleus = self.nucleus(channel);
        if self.now.on.keys().any(|on| *on != channel && self.nucleus(*on) == nucleus) {
            return Err(format!("{nucleus} is already transmitted on another channel"));
        }
        let phase = phase.map_or(Ok("0 deg".to_string()), |(n, m)| self.phase(n, m, &nucleus))?;
        let level = self.now.powers.get(&channel).cloned().unwrap_or_else(|| format!("pl{channel}"));
        let rf = self.names.strength(&level, channel);
        if rf.is_known() && rf.number <= 0.0 {
            return Err(format!("the power {level} is zero"));
        }
        let sequence = if head == "cw" { None } else { self.sequence(digits, &rf)? };
        self.starts += 1;
        self.now.on.insert(channel, Train { phase, rf, sequence, since: Elapsed::default(), start: self.starts });
        Ok(())
    }

    /// The sequence of a decoupling program, CPDPRG with a number; none for a continuous wave. Its pulses last PCPD with that number, or
    /// the pulse that the ending of its name says; without a number 90 degrees, or 180 degrees for pulses of one length.
    fn sequence(&mut self, number: &str, rf: &Value) -> Result<Option<Sequence>, Lost> {
        let name = format!("cpdprg{number}");
        let given = self.given.names.get(&name).filter(|n| !n.is_empty()).cloned();
        if given.is_none() {
            self.names.assumed.insert(name);
        }
        let given = given.unwrap_or_else(|| "waltz16".into());
        let Some((word, kind, phase)) = program(&given) else {
            return Err(format!("unknown decoupling program `{given}`"));
        };
        if kind == Kind::Wave {
            return Ok(None);
        }
        let ending = given.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        let length = match ending.filter(|e| matches!(split(e), ("p", digits) if !digits.is_empty())) {
            Some(pulse) => Some(self.names.of(&pulse)),
            None => {
                let length = self.given.numbers.get(&format!("pcpd{number}")).copied().filter(|x| *x > 0.0);
                length.map(|x| Value::known(x, 1))
            }
        };
        let share = if kind == Kind::Quarters { 0.25 } else { 0.5 };
        let own = format!("{share}/({})", rf.text());
        if length.is_none() && kind != Kind::Quarters {
            self.names.assumed.insert(format!("pcpd{number}"));
        }
        // Twelve digits are written of a pulse: one that lasts as long as the rf says needs no argument.
        let usual = |x: &Value| x.is_known() && rf.is_known() && (x.number * rf.number / share - 1.0).abs() < 1e-9;
        let length = length.filter(|x| !usual(x)).map(|x| x.text());
        let needed = length.is_some() || kind != Kind::Quarters;
        let angle = phase.map_or(String::new(), |x| format!(", {} deg", shown(x)));
        let whole = format!("{}{angle}", length.unwrap_or(own));
        Ok(Some(Sequence { word, arguments: needed.then(|| whole.clone()), whole }))
    }
}
