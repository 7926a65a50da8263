//! Delays measured from the centre of a pulse to the centre of the next.

use super::drive;
use super::fault::Fault;
use super::value::Evaluator;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Event, EventKind};
use crate::source::Place;

/// Total time that the two half-pulses take from event number `k`; 0 unless it is a delay between centres.
///
/// # Errors
/// If there is no pulse on one side, or the half-pulses are longer than the delay.
pub fn halves(e: &Evaluator, events: &[Event], k: usize) -> Result<f64, Fault> {
    let Some(Event { kind: EventKind::Delay { between_centres: true, duration, .. }, place }) = events.get(k) else {
        return Ok(0.0);
    };
    let halves = half(e, events.iter().take(k).rev(), *place)? + half(e, events.iter().skip(k + 1), *place)?;
    let whole = e.number(duration)?;
    if whole >= halves {
        return Ok(halves);
    }
    // Show picoseconds, but not the rounding of a sum of floats.
    let shown = |t: f64| crate::syntax::number_text((t * 1e12).round() / 1e12);
    let message =
        format!("the halves of the adjacent pulses last {}, longer than the delay of {}", shown(halves), shown(whole));
    Err(Diagnostic::new(Code::Contradiction, duration.span(), message)
        .label("the pulses would overlap")
        .help("shorten the pulses with a higher `rf`")
        .into())
}

/// Half the duration of the next pulse; marks are skipped.
fn half<'a>(e: &Evaluator, mut events: impl Iterator<Item = &'a Event>, delay: Place) -> Result<f64, Fault> {
    match events.find(|e| !matches!(e.kind, EventKind::Mark { .. })).map(|e| &e.kind) {
        Some(EventKind::Pulse(p)) => Ok(drive::pulse(e, p)?.duration / 2.0),
        Some(EventKind::Parallel { align, pulses }) => {
            let mut drives = pulses.iter().map(|p| drive::pulse(e, p)).collect::<Result<Vec<_>, _>>()?;
            let whole = drive::align(&mut drives, *align);
            Ok(drive::begin(e, pulses, &mut drives, *align, whole)? / 2.0)
        }
        _ => Err(Diagnostic::new(
            Code::Contradiction,
            delay.span(),
            "a delay between centres needs a pulse directly before and directly after it",
        )
        .label("no pulse on one side")
        .into()),
    }
}
