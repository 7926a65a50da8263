//! What a run will need, before anything is allocated: what does not fit gets an error with the numbers, not an abort.

use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Fault, Schedule};
use crate::ir::State;

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

/// Whether a prepared state is pure by its kind.
fn is_pure(state: &State) -> bool {
    match state {
        State::Thermal | State::Mixed | State::Gibbs { .. } | State::Mix(_) => false,
        State::Ket { .. } | State::Up { .. } | State::Down { .. } | State::Fock { .. } | State::Dicke { .. } => true,
        State::Superposition(parts) => parts.iter().all(|(_, s)| is_pure(s)),
    }
}

/// Estimates a run.
pub fn estimate(schedule: &Schedule) -> Estimate {
    let d = schedule.basis.size();
    let pure = schedule.is_unitary() && schedule.prepare.iter().all(is_pure);
    let mut terms = 0usize;
    let mut open = false;
    schedule.segments(&mut |s| {
        terms = terms.max(s.hamiltonian.iter().map(|(_, o)| o.terms()).sum());
        open |= !s.collapse.is_empty();
    });
    let bytes = if pure && d > super::generator::DENSE_VECTORS as f64 {
        // Vectors of the expansion, and about one entry a row for each term of H.
        12.0 * COMPLEX * d + 24.0 * d * terms as f64
    } else if open && d * d <= super::step::DENSE_LIOUVILLE as f64 {
        8.0 * COMPLEX * d.powi(4) + 12.0 * COMPLEX * d * d
    } else {
        14.0 * COMPLEX * d * d
    };
    // The battery's Hamiltonian, its eigenvectors and its reduced state are dense matrices of its cells.
    let cells: f64 =
        schedule.battery.iter().flat_map(|b| &b.sites).map(|&s| schedule.basis.sites[s].dimension as f64).product();
    let bytes = if schedule.battery.is_some() { bytes + 8.0 * COMPLEX * cells * cells } else { bytes };
    Estimate { dimension: d, pure, bytes }
}

/// Bytes in words.
pub fn bytes_text(bytes: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    // Three digits are more than an estimate is worth.
    let digits = if value >= 1000.0 {
        format!("{value:.1e}")
    } else {
        format!("{value:.3}").chars().take(4).collect::<String>()
    };
    format!("{} {}", digits.trim_end_matches('.'), units[unit])
}

/// Refuses what does not fit.
///
/// # Errors
/// When more memory is needed than allowed.
pub fn check(schedule: &Schedule, allowed: f64) -> Result<Estimate, Fault> {
    let e = estimate(schedule);
    if e.bytes <= allowed && e.dimension < 4e9 {
        return Ok(e);
    }
    let what = if e.pure { "a state vector" } else { "a density matrix" };
    let sites = schedule.basis.sites.len();
    let span = schedule.prepare_place.0.unwrap_or_default();
    let diagnostic = Diagnostic::new(
        Code::TooLarge,
        span,
        format!(
            "{sites} subsystems span {} states: {what} and what moves it need about {}, {} are allowed",
            crate::syntax::number_text(e.dimension),
            bytes_text(e.bytes),
            bytes_text(allowed)
        ),
    )
    .label("prepared here");
    let diagnostic = if e.pure {
        diagnostic
    } else {
        diagnostic.help("a pure state (`prepare ket`) under unitary evolution needs only a vector")
    };
    Err(diagnostic.help("a run on a larger machine may be allowed more: --max-memory 16GB").into())
}
