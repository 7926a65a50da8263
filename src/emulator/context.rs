//! Context shared by all evaluations at one parameter point: space, battery, requested quantities and notes.

use super::meeting::Stops;
use super::member_average::MemberAverages;
use super::request::Observables;
use super::truncation::Edge;
use crate::hamiltonian::Tomography;
use crate::metrics::{Moment, Motion, Scene};
use crate::spin::{Space, State};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// Everything shared by the evaluations at one parameter point.
pub(crate) struct RunContext {
    pub scene: Scene,
    /// The observables to evaluate.
    pub requested: Arc<Observables>,
    /// The kinds of stops at which they are evaluated.
    pub stops: Stops,
    /// Largest dimension of the whole space for which states are stored; 0 stores none.
    pub kept_dimension: f64,
    /// Observables evaluated for each member separately.
    pub member_averages: MemberAverages,
    /// Readout of the system, if one is declared.
    pub tomography: Option<Tomography>,
    pub edges: Vec<Edge>,
    /// Number of scans of a phase cycle propagated together.
    pub scans: usize,
    pub notes: RefCell<Vec<String>>,
    /// Index of the current part of the run in which a single member evolves unitarily; `None` for several members or non-unitary
    /// evolution.
    pub unitary_part: Cell<Option<u64>>,
}

impl RunContext {
    /// A context without observables.
    pub(crate) fn bare(scene: Scene) -> RunContext {
        RunContext {
            scene,
            requested: Arc::default(),
            stops: Stops::DECLARED,
            kept_dimension: 0.0,
            member_averages: MemberAverages::default(),
            tomography: None,
            edges: vec![],
            scans: 1,
            notes: RefCell::default(),
            unitary_part: Cell::default(),
        }
    }

    /// A state at a time, for metrics; `time` is `None` if ensemble members reach it at different times.
    pub(crate) fn moment<'a>(
        &'a self,
        state: &'a State,
        motion: Option<&'a dyn Motion>,
        time: Option<f64>,
    ) -> Moment<'a> {
        Moment::new(&self.scene, state, motion, time).in_unitary_part(self.unitary_part.get())
    }

    /// Checks whether a mode's Fock cutoff is too low for this state.
    pub(crate) fn watch(&self, state: &State) {
        self.edges.iter().for_each(|e| e.watch(state));
    }

    /// The space of the states.
    pub(crate) fn space(&self) -> &Space {
        &self.scene.space
    }

    /// True if signals are all that is requested.
    pub(crate) fn only_signals(&self) -> bool {
        self.requested.observables.is_empty()
            && self.requested.aggregates.is_empty()
            && self.requested.at_marks.is_empty()
            && self.edges.is_empty()
            && self.member_averages.is_empty()
            && self.kept_dimension == 0.0
    }

    /// Notes, once, why a metric is undefined.
    pub(crate) fn undefined(&self, key: &str, why: &str) {
        self.note(format!("`{key}` is undefined at some samples: {why}"));
    }

    /// Adds a note, once.
    pub(crate) fn note(&self, note: String) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
}
