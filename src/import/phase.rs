//! Phases of pulses: entries of lists, what is added to them, and the cycles that they become.

use super::flow::{Flow, Lost};
use super::write::shown;
use crate::pulse_program::tree::Modifier;
use crate::spin::is_mirrored;

impl Flow<'_> {
    /// The entry that a list of phases is at moves.
    pub fn move_phase(&mut self, number: usize, step: impl Fn(usize, usize) -> usize) {
        let length = self.program.phases.iter().find(|p| p.number == number);
        let length = length.and_then(|p| p.degrees.as_ref()).map_or(1, |d| d.len().max(1));
        let entry = self.now.phases.entry(number).or_insert((0, 0.0));
        entry.0 = step(entry.0, length) % length;
        if *entry == (0, 0.0) {
            self.now.phases.remove(&number);
        }
    }

    /// A phase program as phases of a nucleus: an angle, or the name of a cycle.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn phase(&mut self, number: usize, modifiers: &[Modifier], nucleus: &str) -> Result<String, Lost> {
        let list = self.program.phases.iter().find(|p| p.number == number);
        let list =
            list.and_then(|p| p.degrees.clone()).ok_or_else(|| format!("the phases of ph{number} are unknown"))?;
        let (at, turned) = self.now.phases.get(&number).copied().unwrap_or_default();
        let corrected = modifiers.iter().any(|m| m.word == "r");
        let correction =
            if corrected { self.given.numbers.get(&format!("phcor{number}")).copied().unwrap_or(0.0) } else { 0.0 };
        let mirrored = is_mirrored(nucleus);
        let sense = |x: f64| {
            let x = (x + turned + correction).rem_euclid(360.0);
            if mirrored && x != 0.0 { (-x).rem_euclid(360.0) } else { x }
        };
        let length = list.len().max(1);
        let degrees: Vec<f64> =
            (0..list.len()).filter_map(|k| list.get((k + at) % length)).map(|x| sense(*x)).collect();
        if modifiers.iter().any(|m| m.word == "^") {
            self.move_phase(number, |k, _| k + 1);
        }
        let Some(first) = degrees.first() else { return Err(format!("ph{number} has no phases")) };
        if degrees.iter().all(|x| x == first) {
            return Ok(format!("{} deg", shown(*first)));
        }
        let base = if mirrored { format!("ph{number}") } else { format!("ph{number}_negative_gamma") };
        let mut name = base.clone();
        let mut k = 1;
        while self.cycles.get(&name).is_some_and(|known| *known != degrees) {
            k += 1;
            name = format!("{base}_{k}");
        }
        self.cycles.insert(name.clone(), degrees);
        Ok(name)
    }
}
