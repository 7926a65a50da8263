//! What all engines do: they advance a state from one time of a segment to a later one.

use crate::emulator::step_error::StepError;
use crate::spin::State;

/// Up to this dimension of the superoperator it is formed as one matrix, which loops multiply: four spins 1/2.
pub const DENSE_LIOUVILLE: usize = 256;

/// Up to this dimension of the superoperator it is exponentiated step by step where that is needed under a changing Hamiltonian:
/// over one period, and where relaxation is stiff.
pub const SMALL_LIOUVILLE: usize = 64;

/// Advances a state from one time of a segment to a later one. A method whose Hamiltonian changes advances from end to end of the
/// cells of the generator's mesh, so that it never steps over an edge or a narrow feature.
pub trait Stepper {
    /// The state at time `to`, from the state at time `from`.
    ///
    /// # Errors
    /// When the method fails.
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError>;

    /// Whether any time is reached at the same cost and accuracy, so that no states between need to be kept.
    fn is_direct(&self) -> bool {
        false
    }

    /// What is printed of the method.
    fn name(&self) -> &'static str;
}
