//! The error of everything that is evaluated.

use crate::diagnostic::Diagnostic;

/// A mistake, boxed because it is large and rare.
pub type Fault = Box<Diagnostic>;
