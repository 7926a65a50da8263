//! Propagation methods, one per file, chosen by the structure of the segment and subject to the same tests:
//!
//! * [`exact`]: constant Hamiltonians by eigendecomposition.
//! * [`liouville`]: constant generators with relaxation, on each invariant part of Liouville space: dense exponentials or Chebyshev series.
//! * [`product_unitary`]: Hamiltonians that are sums of single-site terms, as for hard pulses.
//! * [`chebyshev`]: constant Hamiltonians on large state vectors, by a Chebyshev series without a dense matrix.
//! * [`real_chebyshev`]: the same in real arithmetic, where phases of the basis states make the Hamiltonian real or imaginary.
//! * [`smooth_series`]: smooth time dependence of closed systems with moderate phases in a cell of the mesh.
//! * [`commutator_free`]: smooth time dependence of closed systems with large phases, and of open ones with stiff relaxation; order 4 with
//!   error control.
//! * [`periodic`]: many periods of a periodic Hamiltonian, by powers of the propagator of one period.
//! * [`series`]: one time-dependent field added to a constant Hamiltonian, as in spin locks and shaped pulses.
//!   [`power_series`] sums it.
//! * [`dop853`]: an independent Runge-Kutta method of order 8 for any generator; used for time-dependent open systems, and where no other
//!   method applies.
//! * [`plain`]: classical fourth-order Runge-Kutta with many small steps; slow and simple, the reference for the others.

pub mod block_unitary;
pub mod chebyshev;
pub mod commutator_free;
pub mod dop853;
pub mod exact;
pub mod frame;
pub mod liouville;
mod panel;
pub mod periodic;
pub mod plain;
pub mod power_series;
pub mod product_unitary;
pub mod real_chebyshev;
pub mod series;
pub mod smooth_series;
mod stepper;
pub mod strang;

pub use super::step_error::StepError;
pub use liouville::LARGEST_DENSE;
pub use stepper::{DENSE_LIOUVILLE, SMALL_LIOUVILLE, Stepper};

use super::generator::Generator;
use super::settings::Method;
use crate::hamiltonian::Segment;
use crate::spin::State;

/// If the fastest relaxation rate times the duration exceeds this, an explicit Runge-Kutta method is limited by stability (about six
/// inverse rates per step), and exponentials of small superoperators are cheaper. Below, Dop853 is 2 to 50 times faster than they are, for
/// one spin and for three, at tolerances of 1e-5 to 1e-9.
const STIFF: f64 = 1e5;

/// True if a small open system under a time-dependent Hamiltonian is propagated by exponentials of its superoperator.
pub fn is_stiff(generator: &Generator, span: f64) -> bool {
    let elements = generator.dimension.saturating_mul(generator.dimension);
    elements <= SMALL_LIOUVILLE && generator.fastest_decay() * span > STIFF
}

/// Largest dimension at which a pure state under a time-dependent Hamiltonian is propagated by exponentials of dense matrices.
const LARGEST_STEPPED: usize = 600;

/// Below this dimension one small matrix is faster than single-site unitaries applied in sequence.
const SMALLEST_TURNED: usize = 16;

/// The method for a state vector under a constant Hamiltonian: eigendecomposition, or a Chebyshev series. Costs in nanoseconds, measured:
/// a diagonalisation takes about `0.13 d^3`, a sample in the eigenbasis `0.25 d^2 + 10 d`, a sparse complex matrix product `1.2` per entry;
/// a complex series needs as many products as half the bandwidth times the duration, and 17 more per sample.
fn constant_vector<'a>(generator: &'a Generator, segment: &Segment, state: &State) -> Box<dyn Stepper + 'a> {
    const SMALL: usize = 64;
    const LARGEST: usize = 4096;
    let parts = exact::ExactClosed::occupied(generator, state);
    let largest = parts.iter().copied().max().unwrap_or(1);
    if largest <= SMALL {
        return Box::new(exact::ExactClosed::new(generator));
    }
    let samples = segment.record.as_ref().map_or(1, |r| r.points.saturating_sub(1)).max(1) as f64;
    let real = real_chebyshev::RealChebyshev::new(generator, segment.duration / samples);
    let series = match &real {
        Some(real) => samples * real.cost(),
        None => {
            let phase = 0.5 * generator.bandwidth(0.0, segment.duration) * segment.duration;
            (phase + 17.0 * samples) * 1.2 * generator.entries() as f64
        }
    };
    let of_part = |d: f64| 0.13 * d.powi(3) + samples * (0.25 * d * d + 10.0 * d);
    let eigenvalues: f64 = parts.iter().map(|d| of_part(*d as f64)).sum();
    match real {
        _ if largest <= LARGEST && eigenvalues <= series => Box::new(exact::ExactClosed::new(generator)),
        Some(real) => Box::new(real),
        None => Box::new(chebyshev::Chebyshev::new(generator)),
    }
}

/// Chooses the method for a segment.
///
/// # Errors
/// If the eigenvalues cannot be computed.
pub fn choose<'a>(
    generator: &'a Generator,
    segment: &Segment,
    state: &State,
    method: Method,
    tolerance: f64,
) -> Result<Box<dyn Stepper + 'a>, StepError> {
    let span = segment.duration;
    let pure = matches!(state, State::Pure(_));
    match method {
        Method::Dop853 => return Ok(Box::new(dop853::Dop853Step::new(generator, tolerance)?)),
        Method::Plain => return Ok(Box::new(plain::PlainStep::new(generator, tolerance)?)),
        Method::Auto => {}
    }
    if let Some(periodic) = periodic::Periodic::new(generator, tolerance)? {
        return Ok(Box::new(periodic));
    }
    if generator.dimension >= SMALLEST_TURNED
        && let Some(turns) = product_unitary::Turns::new(generator)
    {
        return Ok(Box::new(turns));
    }
    if !generator.is_constant()
        && (!pure || generator.dimension <= LARGEST_STEPPED)
        && let Some(series) = series::Series::new(generator, tolerance, span)?
    {
        return Ok(Box::new(series));
    }
    Ok(match (generator.is_constant(), generator.is_closed()) {
        (true, true) if pure => constant_vector(generator, segment, state),
        (true, true) => Box::new(exact::ExactClosed::new(generator)),
        (true, false) if liouville::Liouville::fits(generator.dimension) => {
            let samples = segment.record.as_ref().map_or(1, |r| r.points.saturating_sub(1));
            Box::new(liouville::LiouvilleStep::new(generator, samples.max(1))?)
        }
        (false, true) if !pure || generator.dimension <= LARGEST_STEPPED => {
            Box::new(commutator_free::CommutatorFree::new(generator, tolerance, span)?)
        }
        (false, false) if is_stiff(generator, span) => {
            Box::new(commutator_free::CommutatorFree::new(generator, tolerance, span)?)
        }
        _ => Box::new(dop853::Dop853Step::new(generator, tolerance)?),
    })
}
