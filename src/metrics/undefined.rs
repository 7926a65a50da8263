//! Result type of a metric, and the reasons for an undefined value.

use crate::linalg::LinalgError;
use std::fmt;

/// Reason why a metric is undefined for a state.
#[derive(Debug, Clone, PartialEq)]
pub enum Undefined {
    /// The metric does not apply; the sentence says why.
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

/// Value of a metric, or the reason why it is undefined.
pub type Value = Result<f64, Undefined>;
