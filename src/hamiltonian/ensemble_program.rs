//! Compiles the sequence once for all members of an ensemble: their offsets, rf amplitudes, positions and orientations are variables.

use super::prepare::Prepared;
use super::schedule::{Segment, Step, Term};
use super::substitution::MemberSchedules;
use super::value::{Evaluator, Variation};
use crate::spin::Operator;
use crate::waveform::{Numbers, Slot};
use std::iter;
use std::sync::Arc;

/// A Hamiltonian, rad/s: constant operators with coefficients by slot.
pub type Terms = Vec<(Slot, Arc<Operator>)>;

/// A program for ensemble members that differ in the same quantities.
pub struct EnsembleProgram {
    /// All numbers, as functions of the variables of [`super::value::Varying`].
    pub numbers: Numbers,
    /// The common initial state.
    pub prepared: Arc<Prepared>,
    /// The sequence.
    pub blocks: Vec<EnsembleBlock>,
}

/// A part of the sequence, the same for all members up to numbers.
pub enum EnsembleBlock {
    /// Evolution under a constant Hamiltonian, with samples if it is recorded.
    Evolve {
        /// The Hamiltonian.
        hamiltonian: Terms,
        /// Its duration.
        duration: f64,
        /// Number of samples, both ends included.
        record: Option<usize>,
    },
    /// An ideal pulse, or the transient at an edge of a finite one: evolution for a unit of time that does not advance the clock.
    Pulse {
        /// The Hamiltonian.
        hamiltonian: Terms,
        /// True for a transient.
        transient: bool,
    },
    /// A step that removes part of the state.
    Project(Step),
    /// A mark.
    Mark,
    /// A free induction decay.
    Acquire {
        /// The Hamiltonian.
        hamiltonian: Terms,
        /// The nucleus.
        nucleus: String,
        /// F+ of the nucleus.
        raising: Arc<Operator>,
        /// Receiver phase, rad.
        receiver: f64,
        /// Its duration.
        duration: f64,
    },
}

/// Maximum number of steps of unrolled loops; beyond it, members are run individually, with loops as powers of a propagator.
const MOST_UNROLLED: usize = 256;

/// Compiles the sequence for all members that vary in the same quantities as `member`, in its scan. `None` if members differ in more than
/// numbers: relaxation, a time-dependent Hamiltonian, a tomography, or a state or operator that depends on the member.
pub fn compile_ensemble(e: &Evaluator, member: &Variation) -> Option<EnsembleProgram> {
    let MemberSchedules { schedule, prepared, .. } = MemberSchedules::like(e, member)?;
    let mut compiler = Compiler { numbers: Numbers::default(), blocks: vec![] };
    compiler.steps(&schedule.steps)?;
    let Compiler { numbers, blocks } = compiler;
    Some(EnsembleProgram { numbers, prepared, blocks })
}

struct Compiler {
    numbers: Numbers,
    blocks: Vec<EnsembleBlock>,
}

impl Compiler {
    fn steps(&mut self, steps: &[Step]) -> Option<()> {
        for step in steps {
            let block = match step {
                Step::Segment(segment) => EnsembleBlock::Evolve {
                    hamiltonian: self.constant(segment)?,
                    duration: segment.duration,
                    record: segment.record.as_ref().map(|r| r.points),
                },
                Step::Kick(kick) => EnsembleBlock::Pulse {
                    hamiltonian: self.terms(iter::once(&(kick.angle.clone(), Arc::new(kick.generator()))))?,
                    transient: kick.transient,
                },
                Step::Crush(_) | Step::Dephase(..) => EnsembleBlock::Project(step.clone()),
                Step::Mark(_) => EnsembleBlock::Mark,
                Step::Acquire(acquire) => EnsembleBlock::Acquire {
                    hamiltonian: self.constant(&acquire.segment)?,
                    nucleus: acquire.receiver.nucleus.clone(),
                    raising: acquire.receiver.raising.clone(),
                    receiver: acquire.receiver.phase,
                    duration: acquire.segment.duration,
                },
                Step::Loop(count, body) => {
                    let count = usize::try_from(*count).ok()?;
                    if count.saturating_mul(body.len()) > MOST_UNROLLED {
                        return None;
                    }
                    (0..count).try_for_each(|_| self.steps(body))?;
                    continue;
                }
                Step::Strobe(_) | Step::Reset(_) | Step::Project(_) | Step::Feedback(_) | Step::Tomography(_) => {
                    return None;
                }
            };
            self.blocks.push(block);
        }
        Some(())
    }

    /// The Hamiltonian of a segment, if it is constant and without relaxation.
    fn constant(&mut self, segment: &Segment) -> Option<Terms> {
        if segment.relaxing.is_empty() { self.terms(segment.terms()) } else { None }
    }

    fn terms<'a>(&mut self, hamiltonian: impl Iterator<Item = &'a Term>) -> Option<Terms> {
        let nonzero = hamiltonian.filter(|(c, o)| c.constant() != Some(0.0) && !o.is_zero());
        nonzero.map(|(c, o)| Some((self.numbers.add(c)?, o.clone()))).collect()
    }
}
