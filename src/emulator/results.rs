//! The results of one point: metrics at marks, recorded traces, tomographies, and information about the run.

use super::request::Position;
use super::tomography::Readings;
use crate::linalg::Matrix;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A recorded curve.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Trace {
    /// Its name.
    pub name: String,
    /// Start time since `prepare`, s.
    pub start: f64,
    /// Sample times since the start of its statement, s.
    pub time: Vec<f64>,
    /// By key, in the order of `measure`; `None` where a metric is undefined.
    pub values: Vec<(String, Vec<Option<f64>>)>,
}

/// Metrics at a mark.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Mark {
    /// Its name.
    pub name: String,
    /// Time since `prepare`, s.
    pub time: f64,
    /// By key, in the order of `measure`.
    pub values: Vec<(String, Option<f64>)>,
    /// The state on the whole space, if requested by the options.
    pub state: Option<Matrix>,
}

/// The values of an observation at a position of the sequence.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Observed {
    /// The position.
    pub position: Position,
    /// Times of the samples since `prepare`; a single one if the statement is not sampled.
    pub time: Vec<f64>,
    /// By metric, then by sample; `None` where a metric is undefined.
    pub values: Vec<Vec<Option<f64>>>,
    /// The state on the whole space at the last sample, if states are kept.
    pub state: Option<Matrix>,
}

impl Observed {
    /// The value of a metric at the last sample.
    pub fn value(&self, metric: usize) -> Option<f64> {
        self.values.get(metric).and_then(|v| v.last()).copied().flatten()
    }
}

/// The results of an observation at one point.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Observations {
    /// In the order of the sequence.
    pub observed: Vec<Observed>,
    /// Free induction decays, if they are kept.
    pub signals: Vec<Trace>,
    /// Notes, such as reasons why a metric is undefined.
    pub notes: Vec<String>,
    /// Information about the run.
    pub how: RunInfo,
}

impl Trace {
    /// The curve of a metric, by its key in `measure`; `None` at samples where it is undefined.
    pub fn curve(&self, key: &str) -> Option<&[Option<f64>]> {
        self.values.iter().find(|(k, _)| k == key).map(|(_, curve)| curve.as_slice())
    }
}

impl Mark {
    /// The value of a metric, by its key in `measure`, if it is defined.
    pub fn value(&self, key: &str) -> Option<f64> {
        self.values.iter().find(|(k, _)| k == key).and_then(|(_, value)| *value)
    }
}

impl Run {
    /// A named scalar of `measure`, if it is defined.
    pub fn scalar(&self, name: &str) -> Option<f64> {
        self.summary.iter().find(|(k, _)| k == name).and_then(|(_, value)| *value)
    }

    /// A mark by name; `end` is the end of the sequence.
    pub fn mark(&self, name: &str) -> Option<&Mark> {
        self.marks.iter().find(|m| m.name == name)
    }

    /// A trace by name.
    pub fn trace(&self, name: &str) -> Option<&Trace> {
        self.traces.iter().find(|t| t.name == name)
    }
}

/// The results of one point.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Run {
    /// Every parameter with its value.
    pub params: Vec<(String, f64)>,
    /// Named scalars.
    pub summary: Vec<(String, Option<f64>)>,
    /// Marks in order; the last is `end`.
    pub marks: Vec<Mark>,
    /// Traces in order.
    pub traces: Vec<Trace>,
    /// Results of tomographies.
    pub tomographies: Vec<Readings>,
    /// The requested values, in the order of the requests; `None` if undefined.
    pub values: Vec<Option<f64>>,
    /// Notes, such as reasons why a metric is undefined.
    pub notes: Vec<String>,
    /// Information about the run.
    pub how: RunInfo,
}

/// How a point was computed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunInfo {
    /// Dimension of the product space.
    pub whole: f64,
    /// Dimension of the subspace that the state can reach.
    pub dimension: f64,
    /// True if the state was a state vector.
    pub pure: bool,
    /// Number of random vectors that represent the state; 0 if none.
    pub random_vectors: usize,
    /// Number of ensemble members, including scans of phase cycles.
    pub members: usize,
    /// Names of the methods used.
    pub methods: Vec<Cow<'static, str>>,
    /// Tolerance of adaptive methods.
    pub tolerance: f64,
    /// Time from `prepare` to the end, s.
    pub duration: f64,
    /// Modes whose cutoff can change the result, with the maximum population of their highest Fock state.
    pub truncation: Vec<(String, f64)>,
}

impl RunInfo {
    /// The representation of the state, in words.
    pub fn state(&self) -> &'static str {
        match (self.random_vectors, self.pure) {
            (0, true) => "state vector",
            (0, false) => "density matrix",
            _ => "random vectors",
        }
    }
}
