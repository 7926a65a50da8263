//! The interface of all engines: propagate a state from one time of a segment to a later one.

use crate::emulator::step_error::StepError;
use crate::spin::State;

/// Largest dimension of the superoperator at which it is formed as one matrix, e.g. for loops by matrix powers: four spins 1/2.
pub const DENSE_LIOUVILLE: usize = 256;

/// Largest dimension of the superoperator at which it is exponentiated step by step under a time-dependent Hamiltonian: over one period,
/// and for stiff relaxation.
pub const SMALL_LIOUVILLE: usize = 64;

/// Propagates a state from one time of a segment to a later one. A method for time-dependent Hamiltonians advances cell by cell of the
/// generator's mesh, so that no step crosses an edge or a narrow feature.
pub trait Stepper {
    /// The state at time `to`, from the state at time `from`.
    ///
    /// # Errors
    /// If the method fails.
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError>;

    /// Number of times at which states are best computed together, from a given one.
    fn at_once(&self, _: &State) -> usize {
        1
    }

    /// The states at several ascending times, from the state at time `from`.
    ///
    /// # Errors
    /// If the method fails.
    fn advance_to_each(&mut self, state: &State, from: f64, times: &[f64]) -> Result<Vec<State>, StepError> {
        let mut states: Vec<State> = Vec::with_capacity(times.len());
        let mut now = from;
        for &to in times {
            let next = self.advance(states.last().unwrap_or(state), now, to)?;
            states.push(next);
            now = to;
        }
        Ok(states)
    }

    /// True if any time is reached at the same cost and accuracy, so that no intermediate states need to be stored.
    fn is_direct(&self) -> bool {
        false
    }

    /// Name of the method, as printed.
    fn name(&self) -> &'static str;
}
