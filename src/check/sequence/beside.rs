//! The surroundings of pulses in `parallel`.

use crate::syntax::Expr;

/// What acts at the same time as a pulse in `parallel`.
pub enum Beside {
    /// Other pulses.
    Pulses,
    /// A signal that is received, and its duration.
    Signal(Expr),
}
