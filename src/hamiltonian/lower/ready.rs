//! Times that the electronics of a spectrometer need between two events, as free evolution.

use super::super::gaps::Gaps;
use super::super::schedule::Step;
use super::super::value::Fault;
use super::builder::Builder;
use crate::ir::Event;
use crate::source::Place;

impl<'a> Builder<'a, '_> {
    /// Adds the time required before an event.
    pub(super) fn wait_for_electronics(&mut self, event: &'a Event, steps: &mut Vec<Step>) -> Result<(), Fault> {
        let Some(hardware) = self.e.spectrometer.as_ref() else { return Ok(()) };
        let gap = self.gaps.before(self.e, hardware, event)?;
        self.passes(gap, event.place, steps)
    }

    /// Adds the duration of a crusher gradient, during which the remaining coherences evolve freely.
    pub(super) fn crusher(&mut self, place: Place, steps: &mut Vec<Step>) -> Result<(), Fault> {
        let time = self.e.spectrometer.as_ref().map_or(0.0, |hardware| hardware.crusher());
        if time > 0.0 {
            let segment = self.free(time, None, place)?;
            steps.push(Step::Segment(segment));
        }
        Ok(())
    }

    /// The times required before the first event of a loop.
    pub(super) fn entry_of_loop(&self, times: usize, body: &'a [Event]) -> Result<Gaps, Fault> {
        let mut entry = self.gaps.clone();
        if self.e.spectrometer.is_some() && times > 1 {
            entry.repeats(self.e, body)?;
        }
        Ok(entry)
    }

    fn passes(&mut self, time: f64, place: Place, steps: &mut Vec<Step>) -> Result<(), Fault> {
        if time > 0.0 {
            let segment = self.free(time, None, place)?;
            steps.push(Step::Segment(segment));
            self.clock += time;
        }
        Ok(())
    }
}
