//! The error type of evaluation.

use crate::diagnostic::Diagnostic;

/// An error, boxed because it is large and rare.
pub type Fault = Box<Diagnostic>;
