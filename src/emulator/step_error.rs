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
