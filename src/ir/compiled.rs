//! The statement `compile`, and what is known of the pulses that stand in its place.

use crate::source::Place;
use crate::syntax::Expr;
use serde::{Deserialize, Serialize};

/// What `compile` asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compile {
    /// Hamiltonian H.
    pub hamiltonian: Expr,
    /// Time T: the pulses make `exp(-i H T)`.
    pub duration: Expr,
    /// True for ideal (instantaneous) pulses.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ideal: bool,
    /// The largest `1 - F`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infidelity: Option<Expr>,
    /// The longest duration of the pulses and delays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Expr>,
}

/// Settings of `compile`: (keyword, description).
pub const COMPILE_SETTINGS: &[(&str, &str)] = &[
    ("infidelity", "the largest infidelity `1 - F`, 1e-6 by default; a larger one is a warning"),
    ("within", "the longest duration of the pulses and delays"),
];

/// The pulses and delays in the place of a `compile` statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compiled {
    /// The statement.
    pub statement: Compile,
    /// The parameters on which H, T or a setting depends, with the values for which the pulses were found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<(String, f64)>,
    /// Fidelity, duration and robustness in one sentence, for the notes of a run.
    pub note: String,
    /// All that is known of the pulses, one sentence each.
    pub report: Vec<String>,
    /// Position of the statement.
    #[serde(skip)]
    pub place: Place,
}
