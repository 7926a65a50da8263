//! How a mistake in a pulse program is said.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// A mistake with what to do.
pub fn mistake(span: Span, message: impl Into<String>, label: &str, help: &str) -> Diagnostic {
    Diagnostic::new(Code::PulseProgram, span, message).label(label).help(help)
}
