//! Channels whose spins are described in the laboratory frame: their rf field is linearly polarised and oscillates with the carrier.
//!
//! A pulse of amplitude `a(t)` and phase `phi(t)` is `a (Ix cos phi + Iy sin phi)` in the rotating frame, half of a linear field with twice
//! the amplitude, `2 a cos(w t + phi) Ix`; its other half turns against the spins. Here w is that of the precession, `-gamma B0` times 1 + the
//! carrier, and t the time since `prepare`: the carrier keeps its phase throughout the sequence. An ideal pulse is a rotation about the axis
//! that the rotating half has at its time.

use super::super::drive::Drive;
use super::super::interactions::zeeman;
use super::super::value::Fault;
use super::builder::Builder;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Event, EventKind};
use crate::source::Span;
use crate::units::TWO_PI;
use crate::waveform::{Function, Scalar};

/// The carriers of all passes of a loop together may be out of step by so much of a cycle, if the loop remains a loop.
const SAME_STEP: f64 = 1e-6;

impl Builder<'_, '_> {
    /// The coefficient of Fx of a pulse in the laboratory frame, rad/s, as a function of the time since `begin` of its statement; `None` in the
    /// rotating frame.
    ///
    /// # Errors
    /// If the pulse has a tabulated shape, whose derivatives are known in the rotating frame only.
    pub(super) fn in_laboratory(
        &self,
        nucleus: &str,
        drive: &Drive,
        (begin, lean): (f64, f64),
        span: Span,
    ) -> Result<Option<Scalar>, Fault> {
        let Some(carrier) = zeeman::carrier_in_laboratory(self.e, nucleus, span)? else { return Ok(None) };
        if drive.shape.is_some() {
            self.refuse_in_laboratory(nucleus, "a tabulated shape", span)?;
        }
        let angle = Scalar::time().scaled(carrier).delayed(-(self.clock + begin));
        let (x, y) = drive.delayed(drive.start - begin).along_xy(lean);
        let cosine = x.times(&angle.apply(Function::Cos));
        let linear = match y.constant() {
            Some(0.0) => cosine,
            _ => cosine.minus(&y.times(&angle.apply(Function::Sin))),
        };
        Ok(Some(linear.scaled(2.0)))
    }

    /// The phase of a carrier at a time within a statement, rad; 0 in the rotating frame.
    ///
    /// # Errors
    /// If no field is declared.
    pub(super) fn carrier_phase(&self, nucleus: &str, begin: f64, span: Span) -> Result<f64, Fault> {
        let carrier = zeeman::carrier_in_laboratory(self.e, nucleus, span)?;
        Ok(carrier.map_or(0.0, |w| (w * (self.clock + begin)).rem_euclid(TWO_PI)))
    }

    /// Refuses what exists in the rotating frame only.
    ///
    /// # Errors
    /// If the nuclei are described in the laboratory frame.
    pub(super) fn refuse_in_laboratory(&self, nucleus: &str, what: &str, span: Span) -> Result<(), Fault> {
        if !self.e.experiment.system.is_in_laboratory(nucleus) {
            return Ok(());
        }
        let message = format!("{what} of {nucleus} needs the rotating frame, but `frame lab` names it");
        Err(Diagnostic::new(Code::Contradiction, span, message)
            .label("the laboratory frame has no carrier to mix with")
            .help("measure expectation values at marks or in recorded statements, or leave it out of `frame lab`")
            .into())
    }

    /// True if every carrier in the laboratory frame that a loop transmits has the same phase in all passes.
    ///
    /// # Errors
    /// If no field is declared.
    pub(super) fn carriers_repeat(&self, body: &[Event], pass: f64, times: usize, span: Span) -> Result<bool, Fault> {
        for nucleus in self.e.experiment.system.frames.iter().filter(|n| sends(body, n)) {
            let Some(carrier) = zeeman::carrier_in_laboratory(self.e, nucleus, span)? else { continue };
            let turns = carrier * pass / TWO_PI;
            if (turns - turns.round()).abs() * times as f64 > SAME_STEP {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// True if events transmit on the channel of a nucleus.
fn sends(events: &[Event], nucleus: &str) -> bool {
    events.iter().any(|event| match &event.kind {
        EventKind::Pulse(p) | EventKind::Decouple(p) => p.nucleus == nucleus,
        EventKind::Parallel { pulses, .. } | EventKind::Acquire { decoupling: pulses, .. } => {
            pulses.iter().any(|p| p.nucleus == nucleus)
        }
        EventKind::Lock(l) => l.nucleus == nucleus,
        EventKind::Loop { body, .. } => sends(body, nucleus),
        EventKind::Project { up, down, .. } => sends(up, nucleus) || sends(down, nucleus),
        _ => false,
    })
}

/// The error for a loop with too many passes to write out, between which a carrier changes its phase.
pub(super) fn carriers_out_of_step(span: Span) -> Diagnostic {
    let message = "a pass of this loop is not a whole number of cycles of a carrier in the laboratory frame, and it has too many passes";
    Diagnostic::new(Code::OutOfRange, span, message)
        .label("not in step with the carrier")
        .help("a body that lasts a whole number of cycles may be repeated any number of times")
}
