//! Decoupling sequences as numbers.

use super::drive::{self, Drive};
use super::envelope::Envelope;
use super::spectrometer;
use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::Pulse;
use crate::syntax::Expr;

/// The nutation frequency of a decoupling sequence as written: its own, or that of its channel.
fn amplitude(e: &Evaluator, p: &Pulse) -> Result<Option<f64>, Fault> {
    let given = p.rf.as_ref().map(|x| e.number(x)).transpose()?;
    Ok(given.or(drive::strength_of_channel(e, &p.nucleus)?))
}

/// A decoupling sequence as numbers, over a unit of time: its field repeats itself as long as it runs. Rounded to the steps of the
/// spectrometer, if one is named.
///
/// # Errors
/// If no spin has the nucleus, the amplitude is missing or exceeds its limit, or the shape is not a train of pulses.
pub fn drive(e: &Evaluator, p: &Pulse, said: &mut Vec<Diagnostic>) -> Result<Drive, Fault> {
    let span = p.place.span();
    if !e.basis.sites.iter().any(|s| s.isotope.is_some_and(|i| i.symbol == p.nucleus)) {
        return Err(drive::missing_strength(e, p, span));
    }
    let Some(rf) = amplitude(e, p)? else {
        return Err(Diagnostic::new(Code::MissingDeclaration, span, "no rf amplitude given for this decoupling")
            .label("no `rf`")
            .help(format!("write `rf = 5 kHz`, or set a default: `channel {} {{ rf = 5 kHz }}`", p.nucleus))
            .into());
    };
    if rf <= 0.0 {
        let place = p.rf.as_ref().map_or(span, Expr::span);
        return Err(Diagnostic::new(Code::OutOfRange, place, format!("rf must be positive, this is {rf}")).into());
    }
    if !Envelope::of(e, p.shape.as_deref())?.is_train() {
        let message = "decoupling needs a sequence of pulses that is repeated";
        return Err(Diagnostic::new(Code::WrongKind, span, message).help("for example `waltz16`").into());
    }
    let whole = Pulse { duration: Some(Expr::number(1.0)), angle: None, record: None, ideal: false, ..p.clone() };
    let drive = drive::pulse(e, &whole)?;
    let Some(hardware) = e.spectrometer.as_ref() else { return Ok(drive) };
    let limit = spectrometer::max_rf(e, &p.nucleus)?;
    let (sent, phase) = hardware.decoupling((rf, drive.phase), limit, span, said);
    let turning = drive.turning.as_ref().map(|turning| hardware.phases(turning, span, said));
    Ok(Drive { turning, ..drive.refitted(1.0, sent / rf, phase) })
}

/// The word of a decoupling sequence, and the length of its 90 degree pulse or of each of its pulses; 0 for a continuous wave.
///
/// # Errors
/// If a number cannot be evaluated.
pub fn sequence(e: &Evaluator, p: &Pulse) -> Result<(&'static str, f64), Fault> {
    let peak = amplitude(e, p)?.unwrap_or(0.0) * drive::angular(e);
    Ok(match Envelope::of(e, p.shape.as_deref())?.at_peak(peak) {
        Envelope::Named(shape, [length, ..]) if !shape.arguments.is_empty() => (shape.name, length),
        _ => ("cw", 0.0),
    })
}
