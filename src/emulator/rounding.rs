//! Checks that phases are small enough for 64-bit floating point: a phase of `x` rad has an error of about `x` times 2^-53.

use super::settings::Options;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Fault, Scalar, Schedule, Segment, Step};
use crate::spin::Operator;
use std::sync::Arc;

/// Rounding error of a phase at which a coherence has no correct digit left, rad.
const LOST: f64 = 1.0;

/// A note if the rounding error of phases exceeds the tolerance. The phase of a run is at most the sum of
/// `(E_max - E_min) t / hbar` over its segments.
///
/// # Errors
/// If the evolution is unitary and rounding has destroyed every digit of the phases.
pub(super) fn phases(schedule: &Schedule, options: &Options) -> Result<Option<String>, Fault> {
    let phase = accumulated(&schedule.steps);
    let error = phase * 0.5 * f64::EPSILON;
    if error <= options.tolerance {
        return Ok(None);
    }
    let help = "64-bit numbers represent phases of up to 1e8 rad to eight digits: reduce durations or amplitudes, or leave out terms that commute with everything";
    if error > LOST && schedule.is_unitary() {
        let message = format!("phases of up to {phase:.1e} rad are lost to rounding");
        return Err(Diagnostic::without_place(Code::OutOfRange, message).help(help).into());
    }
    Ok(Some(format!(
        "coherences accumulate phases of up to {phase:.1e} rad, with a rounding error of {error:.0e} rad, more than the tolerance {:.0e}",
        options.tolerance
    )))
}

fn accumulated(steps: &[Step]) -> f64 {
    let of = |step: &Step| match step {
        Step::Segment(segment) => of_segment(segment),
        Step::Acquire(acquire) => of_segment(&acquire.segment),
        Step::Loop(count, body) => *count as f64 * accumulated(body),
        Step::Strobe(strobe) => strobe.runs.iter().map(|(count, body)| *count as f64 * accumulated(body)).sum(),
        Step::Project(project) => project.branches.iter().map(|(_, steps)| accumulated(steps)).fold(0.0, f64::max),
        Step::Kick(_)
        | Step::Crush(_)
        | Step::Dephase(..)
        | Step::Reset(_)
        | Step::Feedback(_)
        | Step::Mark(_)
        | Step::Tomography(_) => 0.0,
    };
    steps.iter().map(of).sum()
}

/// Upper bound of the spectral width (largest difference of eigenvalues) times the duration.
fn of_segment(segment: &Segment) -> f64 {
    const SAMPLES: usize = 16;
    let term = |(scalar, operator): &(Scalar, Arc<Operator>)| {
        let most = match scalar.constant() {
            Some(x) => x.abs(),
            None => {
                let at = |k: usize| scalar.at(segment.duration * k as f64 / SAMPLES as f64).abs();
                (0..=SAMPLES).map(at).fold(0.0, f64::max)
            }
        };
        most * operator.spread_bound()
    };
    segment.duration * segment.terms().map(term).sum::<f64>()
}
