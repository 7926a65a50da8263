//! An experiment compiled once for a batch of points: constant operators, numbers as slots evaluated in SIMD lanes, and blocks that
//! refer to both.
//!
//! A program is valid for all points that give the same parameters. Experiments that cannot be expressed (see [`compile`]) are compiled
//! point by point, as are single points with irregular lanes; results and messages are the same.

use super::ensemble_program::Terms;
use super::prepare::{Prepared, prepare};
use super::value::Evaluator;
use crate::ir::{EventKind, Experiment, Record, SiteDeclaration, State};
use crate::source::Place;
use crate::spin::Basis;
use crate::syntax::Expr;
use crate::units::temperature_scale;
use crate::waveform::{Numbers, Scalar, Slot};
use std::sync::Arc;

/// An experiment compiled for batches.
pub struct Program {
    /// The basis.
    pub basis: Arc<Basis>,
    /// All numbers.
    pub numbers: Numbers,
    /// The variable parameters, in the order of their lanes.
    pub variables: Vec<String>,
    /// All parameters in the order of the file, with the slots of their values.
    pub params: Vec<(String, Slot)>,
    /// Conditions that every regular lane satisfies.
    pub conditions: Vec<Condition>,
    /// The initial state.
    pub prepare: Preparation,
    /// The sequence.
    pub blocks: Vec<Block>,
    /// Hamiltonian of the battery, which is the whole system.
    pub battery: Option<Terms>,
}

/// The prepared state.
pub enum Preparation {
    /// Gibbs state of a Hamiltonian of the whole system, rad/s, at a temperature in the units of the Hamiltonian.
    Gibbs(Terms, Slot),
    /// A mixed state without parameters.
    Fixed(Box<Prepared>),
}

/// A condition on numbers.
#[derive(Debug, Clone, Copy)]
pub enum Condition {
    /// The number is positive.
    Positive(Slot),
    /// The number is between two others, in either order.
    Between(Slot, Slot, Slot),
}

/// A part of the sequence.
pub enum Block {
    /// Evolution under a constant Hamiltonian, with samples if it is recorded.
    Evolve {
        /// The Hamiltonian.
        hamiltonian: Terms,
        /// Its duration.
        duration: Slot,
        /// Name of the trace and number of samples.
        record: Option<(String, usize)>,
    },
    /// A mark.
    Mark(String),
}

/// Compiles an experiment whose parameters `variables` differ from point to point, from an evaluator in which they are open. `None` if it
/// cannot (yet) be expressed as a program, which requires: spins without relaxation or an ensemble, a mixed state, `evolve` under constant
/// Hamiltonians, delays, marks, and a battery of all spins.
pub fn compile(e: &Evaluator, variables: &[String]) -> Option<Program> {
    let experiment = e.experiment;
    if !is_plain(experiment) {
        return None;
    }
    for named in &experiment.hamiltonians {
        // A non-Hermitian named Hamiltonian is rejected wherever it is used; a single run gives the message.
        if named.kind.is_hamiltonian() {
            e.symbolic_hamiltonian(&named.value).ok()??;
        }
        e.symbolic_declare(&named.name, &named.value).ok()?;
    }
    let mut c = Compiler { e, numbers: Numbers::default(), conditions: vec![] };
    let mut params = Vec::with_capacity(experiment.params.len());
    for param in &experiment.params {
        let slot = c.numbers.add(&e.symbolic_param(&param.name)?)?;
        if let Some((low, high)) = &param.range {
            let condition = Condition::Between(slot, c.number(low)?, c.number(high)?);
            c.conditions.push(condition);
        }
        params.push((param.name.clone(), slot));
    }
    // The pulses of `compile` depend on their values.
    if experiment.compiled.iter().flat_map(|c| &c.parameters).any(|(name, _)| variables.contains(name)) {
        return None;
    }
    let [first, rest @ ..] = experiment.sequence.as_slice() else { return None };
    let EventKind::Prepare(states) = &first.kind else { return None };
    let prepare = c.prepare(states, first.place)?;
    let mut blocks = Vec::with_capacity(rest.len());
    for event in rest {
        blocks.push(match &event.kind {
            EventKind::Mark { name } => Block::Mark(name.clone()),
            EventKind::Evolve { hamiltonian, duration, noise: None, record } => {
                let duration = c.number(duration)?;
                c.conditions.push(Condition::Positive(duration));
                Block::Evolve { hamiltonian: c.terms(hamiltonian)?, duration, record: c.record(record.as_deref())? }
            }
            EventKind::Delay { duration, record, between_centres: false, noise: None } => {
                let duration = c.number(duration)?;
                c.conditions.push(Condition::Positive(duration));
                Block::Evolve { hamiltonian: c.internal()?, duration, record: c.record(record.as_deref())? }
            }
            _ => return None,
        });
    }
    let battery = match &experiment.battery {
        Some(battery) if battery.cells.is_empty() => Some(c.terms(&battery.energy)?),
        Some(_) => return None,
        None => None,
    };
    let Compiler { numbers, conditions, .. } = c;
    Some(Program {
        basis: e.basis.clone(),
        numbers,
        variables: variables.to_vec(),
        params,
        conditions,
        prepare,
        blocks,
        battery,
    })
}

/// True if the sample can be expressed in a program.
fn is_plain(x: &Experiment) -> bool {
    let spins = x.system.sites.iter().all(|s| matches!(s, SiteDeclaration::Spin { .. }));
    spins && x.system.relax.is_empty() && x.system.spinning.is_none() && x.ensemble.is_empty() && x.cycles.is_empty()
}

struct Compiler<'e, 'a> {
    e: &'e Evaluator<'a>,
    numbers: Numbers,
    conditions: Vec<Condition>,
}

impl Compiler<'_, '_> {
    fn number(&mut self, expr: &Expr) -> Option<Slot> {
        self.numbers.add(&self.e.symbolic_number(expr).ok()?)
    }

    /// The prepared state.
    fn prepare(&mut self, states: &[State], place: Place) -> Option<Preparation> {
        if let [State::Gibbs { hamiltonian, temperature }] = states {
            let scale = Scalar::Constant(temperature_scale(self.e.experiment.units));
            let t = self.numbers.add(&self.e.symbolic_number(temperature).ok()?.times(&scale))?;
            self.conditions.push(Condition::Positive(t));
            return Some(Preparation::Gibbs(self.terms(hamiltonian)?, t));
        }
        if states.iter().any(State::is_steady) {
            return None;
        }
        // A state that depends on a variable cannot be prepared here. Pure states are propagated as vectors in a single run.
        let prepared = prepare(self.e, states, place.span()).ok()?;
        (!prepared.is_pure()).then(|| Preparation::Fixed(Box::new(prepared)))
    }

    /// The internal Hamiltonian, if it contains no parameter.
    fn internal(&mut self) -> Option<Terms> {
        let internal = self.e.internal().ok()?;
        if internal.changes() {
            return None;
        }
        let one = self.numbers.add(&Scalar::Constant(1.0))?;
        Some(vec![(one, Arc::new(internal.constant))])
    }

    /// Name of a trace and its number of samples, which must not depend on variables.
    fn record(&self, record: Option<&Record>) -> Option<Option<(String, usize)>> {
        match record {
            Some(record) => Some(Some((record.name.clone(), self.e.count(&record.points, 2).ok()?))),
            None => Some(None),
        }
    }

    /// The terms of a Hamiltonian, each with its slot.
    fn terms(&mut self, expr: &Expr) -> Option<Terms> {
        let operator = self.e.symbolic_hamiltonian(expr).ok()??;
        let nonzero = operator.terms.into_iter().filter(|(_, o)| !o.is_zero());
        nonzero.map(|(c, o)| Some((self.numbers.add(&c)?, Arc::new(o)))).collect()
    }
}
