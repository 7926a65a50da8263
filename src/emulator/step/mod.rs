//! Ways through time. Each stands in its own file, is chosen by what the segment is like, and is held to the same laws:
//!
//! * [`exact`]: constant generators. Hamiltonians by their eigenvalues, dissipators by the exponential of the superoperator.
//! * [`chebyshev`]: constant Hamiltonians on large state vectors, without a matrix.
//! * [`commutator_free`]: smooth time dependence, order 4 with error control.
//! * [`dop853`]: an independent Runge-Kutta method of order 8, for everything; the method where no other fits.
//! * [`plain`]: many small steps of the classical fourth order. Slow and obvious; kept to judge the others.

pub mod chebyshev;
pub mod commutator_free;
pub mod dop853;
pub mod exact;
pub mod plain;

use super::Method;
use super::generator::{DENSE_VECTORS, Generator};
use crate::hamiltonian::Segment;
use crate::spin::State;
use std::fmt;

/// Up to this dimension of the superoperator its exponential is formed.
pub const DENSE_LIOUVILLE: usize = 1024;

/// Why an integration failed.
#[derive(Debug, Clone, PartialEq)]
pub enum StepError {
    /// A matrix operation failed.
    Linalg(crate::linalg::LinalgError),
    /// An adaptive method cannot meet its tolerance.
    Tolerance(String),
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepError::Linalg(e) => e.fmt(f),
            StepError::Tolerance(why) => f.write_str(why),
        }
    }
}

impl From<crate::linalg::LinalgError> for StepError {
    fn from(e: crate::linalg::LinalgError) -> StepError {
        StepError::Linalg(e)
    }
}

/// Moves a state from one time of a segment to a later one. No edge of the segment lies between them.
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

/// The method that fits a segment.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn choose<'a>(
    generator: &'a Generator,
    segment: &Segment,
    state: &State,
    method: Method,
    tolerance: f64,
) -> Result<Box<dyn Stepper + 'a>, StepError> {
    let span = segment.duration;
    match method {
        Method::Dop853 => return Ok(Box::new(dop853::Dop853Step::new(generator, tolerance, span))),
        Method::Plain => return Ok(Box::new(plain::PlainStep::new(generator, span))),
        Method::Auto => {}
    }
    let open = !generator.collapse.is_empty();
    let liouville = generator.dimension.saturating_mul(generator.dimension);
    if generator.is_constant() {
        if open {
            return Ok(if liouville <= DENSE_LIOUVILLE {
                Box::new(exact::ExactOpen::new(generator))
            } else {
                Box::new(dop853::Dop853Step::new(generator, tolerance, span))
            });
        }
        return Ok(if generator.is_dense() {
            Box::new(exact::ExactClosed::new(generator)?)
        } else {
            Box::new(chebyshev::Chebyshev::new(generator))
        });
    }
    if (open && liouville > DENSE_LIOUVILLE / 4)
        || !generator.is_dense()
        || (matches!(state, State::Pure(_)) && generator.dimension > DENSE_VECTORS)
    {
        return Ok(Box::new(dop853::Dop853Step::new(generator, tolerance, span)));
    }
    Ok(Box::new(commutator_free::CommutatorFree::new(generator, tolerance, span)))
}
