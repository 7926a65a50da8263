//! The signal.

use super::environment::Definition;
use super::flow::{Flow, Lost, MACROS};
use super::value::Value;
use super::write::{Out, shown};
use crate::pulse_program::tree::ItemKind;

impl Flow<'_> {
    /// The signal: `go=2 ph31 cpd2:f2`; gives the number of the next item.
    pub fn receive(&mut self, at: usize) -> Result<usize, Lost> {
        if self.now.gradient.is_some() {
            return Err("an acquisition during a gradient".into());
        }
        let nucleus = self.nucleus(1);
        let mut next = at + 1;
        let statement = self.item(at).map(|p| p.statement);
        let mut phase = None;
        while let Some(place) = self.item(next).filter(|p| Some(p.statement) == statement) {
            match &place.item.kind {
                ItemKind::Phase { number, modifiers } if phase.is_none() => {
                    phase = Some(self.phase(*number, modifiers, &nucleus)?);
                    next += 1;
                }
                ItemKind::Command { word, modifiers, .. } => next = self.command(next, word, modifiers)?,
                ItemKind::Phase { .. } => next += 1,
                _ => break,
            }
        }
        if self.transmits(1) {
            return Err("the detected channel transmits".into());
        }
        self.acquire(phase, &nucleus);
        Ok(next)
    }

    /// Writes the signal.
    fn acquire(&mut self, phase: Option<String>, nucleus: &str) {
        let (points, dwell) = self.sampling();
        let phase = phase.unwrap_or_else(|| "0 deg".into());
        let text = format!("acquire {nucleus} points {points} dwell {dwell} phase {phase}");
        self.act(Out::Other(text), &Value::known(0.0, 1));
        self.received = true;
    }

    /// `ACQ_START(ph30,ph31)`: the receiver's phase is the second.
    pub fn opened(&mut self, rest: &str) -> Result<(), Lost> {
        let nucleus = self.nucleus(1);
        let number = rest.trim_matches(['(', ')', ' ']).rsplit(',').next().and_then(|w| w.trim().strip_prefix("ph"));
        let number: usize = number.and_then(|n| n.parse().ok()).ok_or("the receiver phase is not supported")?;
        self.receiver = Some(self.phase(number, &[], &nucleus)?);
        Ok(())
    }

    /// `aq` behind `ACQ_START`: the signal, with what the line turns on.
    pub fn sampled(&mut self, at: usize, phase: String) -> Result<usize, Lost> {
        if self.received {
            return Err("a segmented acquisition".into());
        }
        let statement = self.item(at).map(|p| p.statement);
        let mut next = at + 1;
        while let Some(place) = self.item(next).filter(|p| Some(p.statement) == statement) {
            match &place.item.kind {
                ItemKind::Command { word, modifiers, .. } => next = self.command(next, word, modifiers)?,
                ItemKind::Timed { length, .. } if length.name().is_some_and(|n| MACROS.contains(&n)) => next += 1,
                _ => break,
            }
        }
        let nucleus = self.nucleus(1);
        if self.now.gradient.is_some() || self.transmits(1) {
            return Err("a channel transmits during the acquisition".into());
        }
        self.acquire(Some(phase), &nucleus);
        Ok(next)
    }

    /// The number of points and the time between two.
    fn sampling(&mut self) -> (String, String) {
        let of = |name: &str| self.given.numbers.get(name).copied();
        if let Some((td, swh)) = of("td").zip(of("swh")).filter(|(td, swh)| *td >= 2.0 && *swh > 0.0) {
            return (shown((td / 2.0).floor()), format!("{} s", shown(1.0 / swh)));
        }
        self.names.assumed.extend(["td".to_string(), "swh".to_string()]);
        for (name, text) in [("signal_points", "128"), ("signal_dwell", "100 us")] {
            let definition = Definition { text: text.into(), note: Some(super::defaults::NOT_GIVEN) };
            self.names.definitions.entry(name.to_string()).or_insert(definition);
        }
        ("signal_points".into(), "signal_dwell".into())
    }
}
