//! Readings of means, and statements whose strengths depend on them.

use super::builder::Builder;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::Fault;
use crate::hamiltonian::drive;
use crate::hamiltonian::schedule::{Feedback, Kick, Reading, Step};
use crate::ir::Pulse;
use crate::source::Place;
use crate::syntax::Expr;
use std::sync::Arc;

impl<'a> Builder<'a, '_> {
    /// A reading of the mean of an observable.
    pub(super) fn read(&mut self, name: &str, observable: &'a Expr, place: Place) -> Result<Step, Fault> {
        if self.e.spectrometer.is_some() {
            let message = "a spectrometer does not compute pulses from what it measures in the same scan";
            return Err(Diagnostic::new(Code::HardwareLimit, place.span(), message)
                .label("feedback")
                .help("leave `--spectrometer` out to emulate it")
                .into());
        }
        let operator = self.e.operator(observable)?;
        if !operator.is_hermitian() {
            let message = format!("`{observable}` is not Hermitian");
            return Err(Diagnostic::new(Code::NotHermitian, observable.span(), message).into());
        }
        let number = self.e.begin_reading(name);
        let reading = Reading { name: name.to_string(), number, observable: Arc::new(operator), place };
        Ok(Step::Feedback(Box::new(Feedback::Read(reading))))
    }

    /// The step of a statement; if its expression contains a reading, one whose strengths are bound while the sequence runs.
    pub(super) fn driven_by_readings(&self, expr: &Expr, step: Step) -> Result<Step, Fault> {
        let Some(name) = self.e.reading_in(expr) else { return Ok(step) };
        if let Step::Segment(segment) = &step
            && segment.record.is_some()
        {
            let message = format!("a statement that depends on the reading `{name}` cannot be recorded");
            return Err(Diagnostic::new(Code::NotEmulated, expr.span(), message)
                .label("depends on a reading")
                .help("record once a pass of the loop around it: `loop 100 record as passes { ... }`")
                .into());
        }
        Ok(Step::Feedback(Box::new(Feedback::Driven(step))))
    }

    /// An ideal pulse whose flip angle contains a reading; `None` for every other pulse.
    pub(super) fn kick_by_reading(&mut self, p: &'a Pulse, place: Place) -> Result<Option<Step>, Fault> {
        let angle = p.angle.as_ref().filter(|angle| p.ideal && self.e.reading_in(angle).is_some());
        let Some(angle) = angle else { return Ok(None) };
        let phase = drive::phase(self.e, p)? + self.carrier_phase(&p.nucleus, 0.0, place.span())?;
        let flip = self.e.symbolic_number(angle)?.times(&self.e.rf(&p.nucleus));
        let (x, y) = self.field(&p.nucleus, place.span());
        let kick = Kick { x, y, angle: flip, phase, transient: false, shape: None, place };
        self.driven_by_readings(angle, Step::Kick(kick)).map(Some)
    }
}
