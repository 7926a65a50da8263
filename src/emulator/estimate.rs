//! What a run will need, before anything is allocated: what does not fit gets an error with the numbers, not an abort.

use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Fault, Schedule};
use crate::spin::Space;

/// Size and method of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The dimension of the space.
    pub dimension: f64,
    /// Whether the state stays a vector.
    pub pure: bool,
    /// Bytes at the peak, roughly.
    pub bytes: f64,
}

const COMPLEX: f64 = 16.0;

/// How many states a space may have at the most: each needs at least a few vectors, or a few rows of matrices.
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
        jumps = jumps.max(s.relaxing.collapse.len());
        open |= !s.relaxing.is_empty();
    });
    let bytes = if pure && d > super::generator::DENSE_VECTORS as f64 {
        // Vectors of the expansion and, where there is a matrix, about one entry a row for each term of H.
        let matrix = if crate::spin::Action::without_matrix(space) { COMPLEX } else { 24.0 * terms as f64 };
        (12.0 * COMPLEX + matrix) * d
    } else if open && super::engines::liouville::Liouville::fits(space.len()) {
        // For each element a row of the Liouvillian: entries of H from both sides and of every collapse operator; and the dense
        // propagators of parts.
        let row = 1.25 * COMPLEX * (2 * terms + jumps) as f64;
        let dense = (d * d).min(super::engines::LARGEST_DENSE as f64);
        (row + 24.0 * COMPLEX) * d * d + 8.0 * COMPLEX * dense * dense
    } else {
        14.0 * COMPLEX * d * d
    };
    Estimate { dimension: d, pure, bytes }
}

/// Bytes in words.
pub fn bytes_text(bytes: f64) -> String {
    let mut value = bytes;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB", "PB"] {
        if value >= 1000.0 {
            value /= 1000.0;
            unit = larger;
        }
    }
    // Three digits are more than an estimate is worth.
    let digits = if value >= 1000.0 {
        format!("{value:.1e}")
    } else {
        format!("{value:.3}").chars().take(4).collect::<String>()
    };
    format!("{} {unit}", digits.trim_end_matches('.'))
}

/// Refuses what does not fit.
///
/// # Errors
/// When more memory is needed than allowed.
pub fn check(schedule: &Schedule, space: &Space, pure: bool, allowed: f64) -> Result<Estimate, Fault> {
    let e = estimate(schedule, space, pure);
    if e.bytes <= allowed && e.dimension < 4e9 {
        return Ok(e);
    }
    let reached = if space.is_whole() { String::new() } else { format!(", of which {} are reached", space.len()) };
    Err(too_large(schedule, pure, &reached, &format!("about {}", bytes_text(e.bytes)), allowed))
}

/// What is said of a run that does not fit: how much of the space is reached, and what that needs.
pub fn too_large(schedule: &Schedule, pure: bool, reached: &str, needed: &str, allowed: f64) -> Fault {
    let what = if pure { "a state vector" } else { "a density matrix" };
    let diagnostic = Diagnostic::new(
        Code::TooLarge,
        schedule.prepare_place.span(),
        format!(
            "{} subsystems span {} states{reached}: {what} and what moves it need {needed}, {} are allowed",
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
            "`--typical 16` takes random vectors: signals, energies and orders of thermal states, with their errors",
        )
    };
    diagnostic.help("a run on a larger machine may be allowed more: --max-memory 16GB").into()
}
