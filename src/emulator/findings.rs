//! What a propagation of all members has found, before results are named.

use super::results::{Observed, RunInfo, Trace};
use super::tomography::Readings;
use std::collections::BTreeMap;

/// What a propagation of all members has found.
#[derive(Default)]
pub struct Findings {
    /// The keys of the observables, in the order of the values.
    pub keys: Vec<String>,
    /// Metrics at marks, and at the statements of an observation.
    pub observed: Vec<Observed>,
    /// Recorded curves.
    pub traces: Vec<Trace>,
    /// Free induction decays.
    pub signals: Vec<Trace>,
    /// Tomographies.
    pub readings: Vec<Readings>,
    /// Extrema along recorded statements.
    pub aggregates: BTreeMap<String, Option<f64>>,
    /// Reasons why a metric has no value somewhere.
    pub notes: Vec<String>,
    /// How they were computed.
    pub how: RunInfo,
}

impl Findings {
    /// Notes something once.
    pub fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
