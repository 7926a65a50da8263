//! An experiment compiled once for a batch of points: operators without numbers in them, numbers as slots that are evaluated in lanes, and
//! blocks that refer to both.
//!
//! A program holds for all points that give the same parameters. What is not expressed here (see [`compile`]) is lowered point by point, as
//! are single points whose lanes are irregular: results and messages are the same.

use super::value::Evaluator;
use crate::ir::{EventKind, Experiment, SiteDeclaration, State};
use crate::spin::{Basis, Operator};
use crate::syntax::Expr;
use crate::units::temperature_scale;
use crate::waveform::{Numbers, Scalar, Slot};
use std::sync::Arc;

/// A Hamiltonian, rad/s: coefficients by slot, times constant operators.
pub type Terms = Vec<(Slot, Arc<Operator>)>;

/// An experiment compiled for batches.
pub struct Program {
    /// The basis.
    pub basis: Arc<Basis>,
    /// All numbers.
    pub numbers: Numbers,
    /// The parameters that are variables, in the order of their lanes.
    pub variables: Vec<String>,
    /// All parameters in the order of the file, with their values.
    pub params: Vec<(String, Slot)>,
    /// Conditions that every regular lane meets.
    pub conditions: Vec<Condition>,
    /// The Gibbs state that is prepared: H in rad/s, and T in the units of H.
    pub prepare: (Terms, Slot),
    /// What follows.
    pub blocks: Vec<Block>,
    /// The Hamiltonian of the battery, which is the whole system.
    pub battery: Option<Terms>,
}

/// A condition on numbers.
#[derive(Debug, Clone, Copy)]
pub enum Condition {
    /// The number is larger than zero.
    Positive(Slot),
    /// The number lies between two others, in either order.
    Between(Slot, Slot, Slot),
}

/// A part of the sequence.
pub enum Block {
    /// Evolution under a constant Hamiltonian, sampled where it is recorded.
    Evolve {
        /// The Hamiltonian.
        hamiltonian: Terms,
        /// How long.
        duration: Slot,
        /// The name of the trace and its number of samples.
        record: Option<(String, usize)>,
    },
    /// A mark.
    Mark(String),
}

/// Compiles an experiment whose parameters `variables` differ from point to point, from an evaluator in which they are open; `None` where it is not (yet) expressed as a program: spins
/// without relaxation or an ensemble, a Gibbs state of the whole system, `evolve` under constant Hamiltonians, marks, and a battery of all
/// spins.
pub fn compile(e: &Evaluator, variables: &[String]) -> Option<Program> {
    let experiment = e.experiment;
    if !is_plain(experiment) {
        return None;
    }
    for named in &experiment.hamiltonians {
        // A named Hamiltonian that is not Hermitian is refused wherever it is used, and has its message from a single point.
        e.symbolic_hamiltonian(&named.value).ok()??;
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
    let [first, rest @ ..] = experiment.sequence.as_slice() else { return None };
    let EventKind::Prepare(states) = &first.kind else { return None };
    let [State::Gibbs { hamiltonian, temperature }] = states.as_slice() else { return None };
    let scale = temperature_scale(experiment.units);
    let t = c.numbers.add(&e.symbolic_number(temperature).ok()?.times(&Scalar::Constant(scale)))?;
    c.conditions.push(Condition::Positive(t));
    let prepare = (c.terms(hamiltonian)?, t);
    let mut blocks = Vec::with_capacity(rest.len());
    for event in rest {
        blocks.push(match &event.kind {
            EventKind::Mark { name } => Block::Mark(name.clone()),
            EventKind::Evolve { hamiltonian, duration, noise: None, record } => {
                let record = match record {
                    Some(record) => Some((record.name.clone(), e.count(&record.points, 2).ok()?)),
                    None => None,
                };
                let duration = c.number(duration)?;
                c.conditions.push(Condition::Positive(duration));
                Block::Evolve { hamiltonian: c.terms(hamiltonian)?, duration, record }
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

/// Whether the sample and its surroundings are those of a program.
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

    /// The terms of a Hamiltonian, each with its slot.
    fn terms(&mut self, expr: &Expr) -> Option<Terms> {
        let operator = self.e.symbolic_hamiltonian(expr).ok()??;
        let nonzero = operator.terms.into_iter().filter(|(_, o)| !o.is_zero());
        nonzero.map(|(c, o)| Some((self.numbers.add(&c)?, Arc::new(o)))).collect()
    }
}
