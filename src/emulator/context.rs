//! What all evaluations at one point share: the space, the battery, the requested quantities, and the notes.

use super::meeting::Stops;
use super::member_average::MemberAverages;
use super::request::Observables;
use super::truncation::Edge;
use crate::hamiltonian::Tomography;
use crate::metrics::{Moment, Motion, Scene};
use crate::spin::{Space, State};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// Everything that evaluations share at one point.
pub(crate) struct RunContext {
    pub scene: Scene,
    /// What is evaluated.
    pub requested: Arc<Observables>,
    /// The kinds of meeting points at which it is evaluated.
    pub stops: Stops,
    /// Up to which dimension of the whole space states are kept; 0 keeps none.
    pub kept_dimension: f64,
    /// What is evaluated for every member separately.
    pub member_averages: MemberAverages,
    /// The readout of the system as declared, where there is one.
    pub tomography: Option<Tomography>,
    pub edges: Vec<Edge>,
    /// How many scans of a phase cycle are propagated together.
    pub scans: usize,
    pub notes: RefCell<Vec<String>>,
    /// The part of the run in which a single member has evolved by unitaries alone; `None` for several members, and where something else
    /// acts.
    pub unitary_part: Cell<Option<u64>>,
}

impl RunContext {
    /// One without observables.
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

    /// The state at a moment; its time is `None` where members of an ensemble reach it at different ones.
    pub(crate) fn moment<'a>(
        &'a self,
        state: &'a State,
        motion: Option<&'a dyn Motion>,
        time: Option<f64>,
    ) -> Moment<'a> {
        Moment::new(&self.scene, state, motion, time).in_unitary_part(self.unitary_part.get())
    }

    /// Checks at a state whether the cutoff of a mode is too low.
    pub(crate) fn watch(&self, state: &State) {
        self.edges.iter().for_each(|e| e.watch(state));
    }

    /// The space in which states live.
    pub(crate) fn space(&self) -> &Space {
        &self.scene.space
    }

    /// Whether signals are all that is requested.
    pub(crate) fn only_signals(&self) -> bool {
        self.requested.observables.is_empty()
            && self.requested.aggregates.is_empty()
            && self.requested.at_marks.is_empty()
            && self.edges.is_empty()
            && self.member_averages.is_empty()
            && self.kept_dimension == 0.0
    }

    /// Notes, once, why a metric has no value.
    pub(crate) fn undefined(&self, key: &str, why: &str) {
        self.note(format!("`{key}` has no value somewhere: {why}"));
    }

    /// Notes something once.
    pub(crate) fn note(&self, note: String) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
}
