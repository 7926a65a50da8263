//! The value of a metric, and why it may have none.

use crate::linalg::LinalgError;
use std::fmt;

/// Why a metric has no value for a state.
#[derive(Debug, Clone, PartialEq)]
pub enum Undefined {
    /// The metric does not apply: a sentence that says why.
    Domain(String),
    /// A matrix operation failed.
    Linalg(LinalgError),
}

impl From<LinalgError> for Undefined {
    fn from(e: LinalgError) -> Undefined {
        Undefined::Linalg(e)
    }
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undefined::Domain(why) => f.write_str(why),
            Undefined::Linalg(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for Undefined {}

/// What a metric gives.
pub type Value = Result<f64, Undefined>;
