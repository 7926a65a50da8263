//! Decoupling sequences that run during statements: their fields are added to every segment, from the time since they have run.
//!
//! A sequence starts where its block starts, with the rise time, droop and leading transient of its transmitter, and is not interrupted
//! until the block ends, with the trailing transient: its phase changes are instantaneous.

use super::builder::Builder;
use super::running::Running;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::decoupling;
use crate::hamiltonian::drive::{self, Drive, Edge};
use crate::hamiltonian::schedule::{Segment, Step};
use crate::hamiltonian::value::Fault;
use crate::ir::{self, Event, Pulse};
use crate::source::{Place, Span};
use crate::syntax::number_text;
use crate::waveform::{Scalar, common_period, out_of_step};

/// A pass of a loop differs from a whole number of cycles of a sequence by less than this, in cycles and for all passes together.
const SAME_STEP: f64 = 1e-9;

impl<'a> Builder<'a, '_> {
    /// Starts a decoupling sequence.
    pub(super) fn start_decoupling(&mut self, p: &'a Pulse, place: Place, steps: &mut Vec<Step>) -> Result<(), Fault> {
        self.refuse_in_laboratory(&p.nucleus, "a decoupling sequence", place.span())?;
        let mut drive = decoupling::drive(self.e, p, &mut self.warnings)?;
        self.phase_warnings(p, &drive)?;
        drive = drive.imperfect(self.e, &p.nucleus)?;
        let field = self.field(&p.nucleus, place.span());
        self.transient(&p.nucleus, &drive, Edge::Leading, place, steps)?;
        let strengths = drive.along_xy(drive::lean(self.e, &p.nucleus)?);
        let nucleus = p.nucleus.as_str().into();
        self.decoupling.push(Running { nucleus, strengths, field, drive, start: self.clock, place });
        Ok(())
    }

    /// Warns about the first phase of the sequence that the transmitter would round.
    fn phase_warnings(&mut self, p: &Pulse, drive: &Drive) -> Result<(), Fault> {
        let shifts = drive.turning.as_ref().and_then(Scalar::levels).unwrap_or(&[0.0]);
        for shift in shifts {
            let warning = drive::rounded_phase(self.e, &p.nucleus, drive.phase + shift, p.place.span())?;
            if warning.is_some() {
                self.warnings.extend(warning);
                break;
            }
        }
        Ok(())
    }

    /// Ends the decoupling of a nucleus, and accounts for its rf load.
    pub(super) fn end_decoupling(&mut self, nucleus: &str, place: Place, steps: &mut Vec<Step>) -> Result<(), Fault> {
        let Some(last) = self.decoupling.pop_if(|running| &*running.nucleus == nucleus) else {
            return Err(Diagnostic::new(
                Code::Contradiction,
                place.span(),
                format!("{nucleus} is not being decoupled"),
            )
            .label("nothing ends here")
            .help("`end_decoupling` ends the last `decouple` of the same list of events")
            .into());
        };
        let drive = Drive { duration: self.clock - last.start, ..last.drive };
        if let Some(hardware) = self.e.spectrometer.as_ref() {
            hardware.within_longest(drive.duration, last.place.span())?;
        }
        if drive.duration > 0.0 {
            self.heats(nucleus, &drive, last.place.span())?;
        }
        self.transient(nucleus, &drive, Edge::Trailing, place, steps)
    }

    /// Refuses a list of events that leaves more decoupling sequences running than before.
    pub(super) fn all_ended(&self, before: usize) -> Result<(), Fault> {
        match self.decoupling.get(before) {
            Some(running) => {
                let message = format!("the decoupling of {} does not end", running.nucleus);
                Err(Diagnostic::new(Code::Contradiction, running.place.span(), message)
                    .help("add `end_decoupling` to the same list of events")
                    .into())
            }
            None => Ok(()),
        }
    }

    /// Refuses an event that cannot take place during decoupling. The check of a file detects it earlier, but an experiment may have another
    /// origin.
    pub(super) fn refuse_during_decoupling(&self, event: &Event) -> Result<(), Fault> {
        let clash = |running: &Running| ir::clash(event, &running.nucleus, running.place);
        self.decoupling.iter().find_map(clash).map_or(Ok(()), |diagnostic| Err(diagnostic.into()))
    }

    /// Adds the fields of the decoupling sequences to a segment that starts at time `begin` of its statement.
    pub(super) fn decouple(&self, segment: &mut Segment, begin: f64) {
        if self.decoupling.is_empty() {
            return;
        }
        segment.controls.extend(self.decoupling.iter().map(|running| running.control(self.clock + begin)));
        segment.period = common_period(segment.terms().map(|(c, _)| c));
    }

    /// True if all decoupling sequences are the same in so many passes of this duration.
    pub(super) fn decoupling_repeats(&self, pass: f64, times: usize) -> bool {
        let in_step = |running: &Running| {
            out_of_step([&running.strengths.0, &running.strengths.1], pass)
                .is_some_and(|distance| distance * times as f64 <= SAME_STEP)
        };
        self.decoupling.iter().all(in_step)
    }

    /// The error for a loop of too many passes that are not whole cycles of the decoupling.
    pub(super) fn out_of_step(&self, span: Span) -> Diagnostic {
        let periods = || self.decoupling.iter().map(|r| common_period([&r.strengths.0, &r.strengths.1]));
        let (message, help) = match periods().flatten().reduce(f64::max) {
            Some(period) if self.decoupling.len() == periods().flatten().count() => (
                "a pass of this loop is not a whole number of decoupling cycles, and it has too many passes",
                format!(
                    "a body that lasts a multiple of the cycle, {} s, may be repeated any number of times",
                    number_text((period * 1e12).round() / 1e12)
                ),
            ),
            _ => (
                "the decoupling of this loop differs from pass to pass, by its offset or transmitter, and it has too many passes",
                "leave out `offset`, or `rise_time` and `droop_time` of the channel".to_string(),
            ),
        };
        Diagnostic::new(Code::OutOfRange, span, message).label("not synchronised with the decoupling").help(help)
    }
}
