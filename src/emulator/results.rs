//! The results of one point: metrics at marks, recorded curves, tomographies, and how they were computed.

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
    /// The time since `prepare` at which it begins.
    pub start: f64,
    /// Times since its statement began.
    pub time: Vec<f64>,
    /// By key, in the order of `measure`; `None` where a metric is not defined.
    pub values: Vec<(String, Vec<Option<f64>>)>,
}

/// Metrics at a moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Mark {
    /// Its name.
    pub name: String,
    /// The time since `prepare`.
    pub time: f64,
    /// By key, in the order of `measure`.
    pub values: Vec<(String, Option<f64>)>,
    /// The state on the whole space, where the options ask for it.
    pub state: Option<Matrix>,
}

/// What an observation found at a position of the sequence.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Observed {
    /// Where.
    pub position: Position,
    /// The times since `prepare` of the samples; a single one where no way is sampled.
    pub time: Vec<f64>,
    /// By metric, then by sample; `None` where a metric is not defined.
    pub values: Vec<Vec<Option<f64>>>,
    /// The state on the whole space at the last sample, where states are kept.
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
    /// Free induction decays, where they are kept.
    pub signals: Vec<Trace>,
    /// Reasons why a metric has no value somewhere.
    pub notes: Vec<String>,
    /// How they were computed.
    pub how: RunInfo,
}

impl Trace {
    /// The curve of a metric, by its key in `measure`; `None` at samples where it is not defined.
    pub fn curve(&self, key: &str) -> Option<&[Option<f64>]> {
        self.values.iter().find(|(k, _)| k == key).map(|(_, curve)| curve.as_slice())
    }
}

impl Mark {
    /// The value of a metric, by its key in `measure`, where it is defined.
    pub fn value(&self, key: &str) -> Option<f64> {
        self.values.iter().find(|(k, _)| k == key).and_then(|(_, value)| *value)
    }
}

impl Run {
    /// A named scalar of `measure`, where it is defined.
    pub fn scalar(&self, name: &str) -> Option<f64> {
        self.summary.iter().find(|(k, _)| k == name).and_then(|(_, value)| *value)
    }

    /// A mark by its name; `end` is the end of the sequence.
    pub fn mark(&self, name: &str) -> Option<&Mark> {
        self.marks.iter().find(|m| m.name == name)
    }

    /// A trace by its name.
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
    /// What tomographies found.
    pub tomographies: Vec<Readings>,
    /// The requested values, in the order of the requests; `None` where one is not defined.
    pub values: Vec<Option<f64>>,
    /// Reasons why a metric has no value somewhere.
    pub notes: Vec<String>,
    /// How it was computed.
    pub how: RunInfo,
}

/// How a point was computed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunInfo {
    /// The dimension of the product space.
    pub whole: f64,
    /// The dimension of the part that the state can reach.
    pub dimension: f64,
    /// Whether the state was a vector.
    pub pure: bool,
    /// How many random vectors stood for the state; 0 where none did.
    pub random_vectors: usize,
    /// How many members the ensemble has, scans of phase cycles included.
    pub members: usize,
    /// The methods that were used.
    pub methods: Vec<Cow<'static, str>>,
    /// The tolerance of adaptive methods.
    pub tolerance: f64,
    /// The time from `prepare` to the end.
    pub duration: f64,
    /// Modes whose cutoff can change the result, with the largest population that their highest Fock state has had.
    pub truncation: Vec<(String, f64)>,
}

impl RunInfo {
    /// What stood for the state, in words.
    pub fn state(&self) -> &'static str {
        match (self.random_vectors, self.pure) {
            (0, true) => "state vector",
            (0, false) => "density matrix",
            _ => "random vectors",
        }
    }
}
