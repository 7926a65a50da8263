//! Delays that count from the middle of a pulse to the middle of the next.

use super::drive;
use super::fault::Fault;
use super::value::Evaluator;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Event, EventKind};
use crate::source::Place;

/// What the pulses on both sides take of event number `k`: nothing unless it is a delay between centres.
///
/// # Errors
/// When there is no pulse on one side, or their halves are longer than the delay.
pub fn halves(e: &Evaluator, events: &[Event], k: usize) -> Result<f64, Fault> {
    let Some(Event { kind: EventKind::Delay { between_centres: true, duration, .. }, place }) = events.get(k) else {
        return Ok(0.0);
    };
    let halves = half(e, events.iter().take(k).rev(), *place)? + half(e, events.iter().skip(k + 1), *place)?;
    let whole = e.number(duration)?;
    if whole >= halves {
        return Ok(halves);
    }
    // A picosecond is shown, the rounding of a sum of floats is not.
    let shown = |t: f64| crate::syntax::number_text((t * 1e12).round() / 1e12);
    let message = format!("the halves of the pulses around take {}, the delay has {}", shown(halves), shown(whole));
    Err(Diagnostic::new(Code::Contradiction, duration.span(), message)
        .label("the pulses would overlap")
        .help("shorter pulses need more `rf`")
        .into())
}

/// Half of the next pulse, marks passed over.
fn half<'a>(e: &Evaluator, mut events: impl Iterator<Item = &'a Event>, delay: Place) -> Result<f64, Fault> {
    match events.find(|e| !matches!(e.kind, EventKind::Mark { .. })).map(|e| &e.kind) {
        Some(EventKind::Pulse(p)) => Ok(drive::pulse(e, p)?.duration / 2.0),
        Some(EventKind::Parallel { align, pulses }) => {
            let mut drives = pulses.iter().map(|p| drive::pulse(e, p)).collect::<Result<Vec<_>, _>>()?;
            Ok(drive::align(&mut drives, *align) / 2.0)
        }
        _ => Err(Diagnostic::new(
            Code::Contradiction,
            delay.span(),
            "a delay between centres needs a pulse right before and right behind it",
        )
        .label("no pulse on one side")
        .into()),
    }
}
