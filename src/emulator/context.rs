//! What all evaluations at one point share: the space, the battery, the requested quantities, and the notes.

use super::member_average::MemberAverages;
use super::observable::{Aggregate, Observable};
use super::settings::Options;
use super::truncation::Edge;
use crate::hamiltonian::Tomography;
use crate::metrics::{Moment, Motion, Scene};
use crate::spin::{Space, State};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// What is asked of states.
#[derive(Default)]
pub(crate) struct Observables {
    /// At marks and along curves.
    pub observables: Vec<Observable>,
    /// Of curves as a whole.
    pub aggregates: Vec<Aggregate>,
}

impl Observables {
    /// Whether it is the same at every point of the parameters.
    pub fn is_fixed(&self) -> bool {
        self.observables.iter().chain(self.aggregates.iter().map(|a| &a.curve)).all(Observable::is_fixed)
    }
}

/// Everything that evaluations share at one point.
pub(crate) struct RunContext {
    pub scene: Scene,
    pub observables_of: Arc<Observables>,
    /// What is wanted of every member by itself.
    pub member_averages: MemberAverages,
    /// The readout of the system as declared, where there is one.
    pub tomography: Option<Tomography>,
    pub edges: Vec<Edge>,
    pub scans: usize, // of a phase cycle, side by side
    pub notes: RefCell<Vec<String>>,
    /// The part of the run in which a single member has moved by unitaries alone; `None` where several do, or something else acts.
    pub unitary_part: Cell<Option<u64>>,
}

impl RunContext {
    /// One of which nothing is asked.
    pub(crate) fn unasked(scene: Scene) -> RunContext {
        RunContext {
            scene,
            observables_of: Arc::default(),
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

    /// Looks at a state that was reached: whether a mode's cutoff is felt.
    pub(crate) fn watch(&self, state: &State) {
        self.edges.iter().for_each(|e| e.watch(state));
    }

    /// The space in which states live.
    pub(crate) fn space(&self) -> &Space {
        &self.scene.space
    }

    /// Whether nothing is asked of states, but signals.
    pub(crate) fn only_hears(&self, options: &Options) -> bool {
        self.observables_of.observables.is_empty()
            && self.observables_of.aggregates.is_empty()
            && self.edges.is_empty()
            && self.member_averages.is_empty()
            && options.states == 0
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
