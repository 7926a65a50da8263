//! What is measured, and how results are called.

use crate::syntax::{Expr, ExprKind};
use serde::{Deserialize, Serialize};

/// What is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// The key in results: the given name, or the text without spaces.
    pub key: String,
    /// Metrics, combined by arithmetic.
    pub value: Expr,
    /// Whether it is one number of the whole run (`max(ergotropy)`) rather than one of each moment.
    pub summary: bool,
}

/// Functions of a whole trace, in `measure` and `expect`.
pub const AGGREGATES: &[(&str, &str)] = &[
    ("max", "the maximum of the true continuous curve in the recorded window"),
    ("min", "the minimum of the true continuous curve"),
    ("argmax", "the time of the maximum, the earliest of equal ones"),
    ("argmin", "the time of the minimum"),
    ("first_max", "the first local maximum"),
];

/// Whether an expression is an aggregate of a trace: `max(ergotropy)`, which two arguments would make an ordinary function.
pub fn is_aggregate(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call(name, items) if items.len() == 1 && AGGREGATES.iter().any(|(a, _)| a == name))
}

/// The word of the mean over the members of a sample, each with its own state and its own Hamiltonian.
pub const MEMBER_MEAN: &str = "member_mean";

/// The text of a metric as it keys results: without spaces.
pub fn key_of(expr: &Expr) -> String {
    expr.to_string().replace(' ', "")
}
