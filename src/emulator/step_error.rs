//! Errors of integration steps.

use crate::linalg::LinalgError;
use std::fmt;

/// Why an integration failed.
#[derive(Debug, Clone, PartialEq)]
pub enum StepError {
    /// A matrix operation failed.
    Linalg(LinalgError),
    /// An adaptive method cannot meet its tolerance.
    Tolerance(String),
    /// A graphics processor failed.
    Device(String),
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepError::Linalg(e) => e.fmt(f),
            StepError::Tolerance(why) | StepError::Device(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StepError {}

impl From<LinalgError> for StepError {
    fn from(e: LinalgError) -> StepError {
        StepError::Linalg(e)
    }
}

/// Largest phase within an interval that is followed step by step, rad: a quarter of an hour of Dop853 for two states, measured.
const LARGEST_PHASE: f64 = 5e8;

/// Refuses an evolution step by step that would not end.
///
/// # Errors
/// If the phase between two times exceeds 5e8 rad.
pub fn check_phase(phase: f64, from: f64, to: f64) -> Result<(), StepError> {
    // What is not a number is reported by the methods.
    if phase.is_nan() || phase <= LARGEST_PHASE {
        return Ok(());
    }
    let place = crate::waveform::interval_text(from, to);
    Err(StepError::Tolerance(format!("phases of {phase:.1e} rad {place}: the Hamiltonian is too large there")))
}
