//! Estimates the memory of a run before anything is allocated: a run that does not fit ends with an error that gives the numbers.

use crate::budget::{DECAY_POINTS, SAMPLES};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Fault, Look, Schedule, Step};
use crate::spin::Space;

/// Size and kind of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Dimension of the space.
    pub dimension: f64,
    /// True if the state remains a state vector.
    pub pure: bool,
    /// Approximate peak memory, bytes.
    pub bytes: f64,
}

const COMPLEX: f64 = 16.0;

/// Largest number of basis states in `allowed` bytes: each needs at least a few vector elements, or a few rows of matrices.
pub fn most_states(pure: bool, allowed: f64) -> usize {
    let most = if pure { allowed / (16.0 * COMPLEX) } else { (allowed / (6.0 * COMPLEX)).sqrt() };
    most.clamp(1.0, 4e9) as usize
}

/// Estimates a run on a space.
pub fn estimate(schedule: &Schedule, space: &Space, pure: bool) -> Estimate {
    let d = space.len() as f64;
    let mut terms = 0usize;
    let mut jumps = 0usize;
    let mut open = false;
    schedule.segments(&mut |s| {
        terms = terms.max(s.terms().map(|(_, o)| o.terms()).sum());
        jumps = jumps.max(s.relaxing.collapse.len() + s.relaxing.changing.len());
        open |= !s.relaxing.is_empty();
    });
    let bytes = if pure && d > super::generator::DENSE_VECTORS as f64 {
        // Vectors of the expansion and, if there is a sparse matrix, about one entry per row and term of H.
        let matrix = if crate::spin::Action::without_matrix(space) { COMPLEX } else { 24.0 * terms as f64 };
        (12.0 * COMPLEX + matrix) * d
    } else if open && super::engines::liouville::Liouville::fits(space.len()) {
        // For each element one row of the Liouvillian: entries of H from both sides and of every collapse operator; plus the dense
        // propagators of its parts.
        let row = 1.25 * COMPLEX * (2 * terms + jumps) as f64;
        let dense = (d * d).min(super::engines::LARGEST_DENSE as f64);
        (row + 24.0 * COMPLEX) * d * d + 8.0 * COMPLEX * dense * dense
    } else {
        14.0 * COMPLEX * d * d
    };
    Estimate { dimension: d, pure, bytes }
}

/// Bytes with an SI prefix.
pub fn bytes_text(bytes: f64) -> String {
    let mut value = bytes;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB", "PB"] {
        if value >= 1000.0 {
            value /= 1000.0;
            unit = larger;
        }
    }
    // More than three digits would suggest a precision the estimate lacks.
    let digits = if value >= 1000.0 {
        format!("{value:.1e}")
    } else {
        format!("{value:.3}").chars().take(4).collect::<String>()
    };
    format!("{} {unit}", digits.trim_end_matches('.'))
}

/// Refuses more samples than a run may keep.
fn samples(schedule: &Schedule) -> Result<(), Fault> {
    let (mut samples, mut points) = (0u64, 0u64);
    for step in &schedule.steps {
        match step {
            Step::Segment(segment) => {
                samples += segment.record.as_ref().map_or(0, |r| r.points as u64);
                SAMPLES.check(samples, segment.place.0)?;
            }
            Step::Acquire(acquire) => {
                points += acquire.receiver.points as u64;
                DECAY_POINTS.check(points, acquire.segment.place.0)?;
            }
            Step::Strobe(strobe) => match &strobe.look {
                Look::Trace(_) => {
                    samples += strobe.passes() + 1;
                    SAMPLES.check(samples, strobe.place.0)?;
                }
                Look::Signal(_) => {
                    points += strobe.passes();
                    DECAY_POINTS.check(points, strobe.place.0)?;
                }
            },
            // Nothing is recorded inside of other loops.
            Step::Loop(..)
            | Step::Kick(_)
            | Step::Crush(_)
            | Step::Dephase(..)
            | Step::Reset(_)
            | Step::Project(_)
            | Step::Feedback(_)
            | Step::Mark(_)
            | Step::Tomography(_) => {}
        }
    }
    Ok(())
}

/// Refuses what does not fit.
///
/// # Errors
/// When more memory is needed than allowed, or more samples are recorded than a run may keep.
pub fn check(schedule: &Schedule, space: &Space, pure: bool, allowed: f64) -> Result<Estimate, Fault> {
    samples(schedule)?;
    let e = estimate(schedule, space, pure);
    if e.bytes <= allowed && e.dimension < 4e9 {
        return Ok(e);
    }
    let reached = if space.is_whole() { String::new() } else { format!(", of which {} are reachable", space.len()) };
    Err(too_large(schedule, pure, &reached, &format!("about {}", bytes_text(e.bytes)), allowed))
}

/// Builds the error for a run that does not fit: `reached` describes the reachable part of the space, `needed` the memory.
pub fn too_large(schedule: &Schedule, pure: bool, reached: &str, needed: &str, allowed: f64) -> Fault {
    let what = if pure { "a state vector" } else { "a density matrix" };
    let diagnostic = Diagnostic::new(
        Code::TooLarge,
        schedule.prepare_place.span(),
        format!(
            "{} subsystems have {} states{reached}: {what} and its propagator need {needed}, {} are allowed",
            schedule.basis.sites.len(),
            crate::syntax::number_text(schedule.basis.size()),
            bytes_text(allowed)
        ),
    )
    .label("prepared here");
    let diagnostic = if pure {
        diagnostic
    } else {
        diagnostic.help("a pure state (`prepare ket`) under unitary evolution needs only a vector").help(
            "`--typical 16` uses random vectors (quantum typicality): signals, energies and spin order of thermal states, with errors",
        )
    };
    diagnostic.help("on a larger machine allow more: --max-memory 16GB").into()
}
