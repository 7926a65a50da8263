//! What is observed once a pass of a loop.

use crate::syntax::Expr;
use serde::{Deserialize, Serialize};

/// What is observed stroboscopically, once a pass of a loop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    /// The requested metrics, before the first and after every pass: the name of the trace.
    Trace(String),
    /// The signal at the start of every pass.
    Signal(Box<Detection>),
}

/// Detection of one point of a signal per cycle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detection {
    /// Detected nucleus.
    pub nucleus: String,
    /// Receiver phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Box<Expr>>,
    /// Signal-to-noise ratio, as for an acquisition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snr: Option<Box<Expr>>,
    /// Seed of the noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<Box<Expr>>,
}
