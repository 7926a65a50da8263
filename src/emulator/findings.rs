//! Results of propagating all members, before they are assigned to names.

use super::results::{Observed, RunInfo, Trace};
use super::tomography::Readings;
use std::collections::BTreeMap;

/// Results of propagating all members.
#[derive(Default)]
pub struct Findings {
    /// Keys of the observables, in the order of their values.
    pub keys: Vec<String>,
    /// Metrics at marks, and at the statements of an observation.
    pub observed: Vec<Observed>,
    /// Recorded curves.
    pub traces: Vec<Trace>,
    /// Free induction decays.
    pub signals: Vec<Trace>,
    /// Tomographies.
    pub readings: Vec<Readings>,
    /// Extrema over recorded statements.
    pub aggregates: BTreeMap<String, Option<f64>>,
    /// Notes, such as reasons why a metric is undefined.
    pub notes: Vec<String>,
    /// Information about the run: method and size.
    pub how: RunInfo,
}

impl Findings {
    /// Adds a note, once.
    pub fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
