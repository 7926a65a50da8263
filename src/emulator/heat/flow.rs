//! Propagation of a state along a segment together with the integral of an observable: one more component of the equation of motion.

use super::super::engines::commutator_free::CommutatorFree;
use super::super::engines::dop853::Dop853Step;
use super::super::engines::exact::{stacked, unstacked};
use super::super::engines::liouville::{Liouville, TimeStep};
use super::super::engines::periodic::Periodic;
use super::super::engines::{StepError, is_stiff};
use super::super::functional::Functional;
use super::super::generator::Generator;
use super::super::settings::{Method, Options};
use crate::hamiltonian::Segment;
use crate::linalg::{Matrix, ZERO};
use crate::spin::State;

/// Propagates a density matrix and integrates a function of it.
pub trait Flow {
    /// The state at time `to` from that at time `from`, and the integral in between.
    ///
    /// # Errors
    /// If the method fails.
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<(State, f64), StepError>;
}

/// The state after a time under a constant generator, and the integral that it follows.
///
/// # Errors
/// Never; the form is that of [`Flow::advance`].
pub fn constant(liouville: &mut Liouville, state: &State, time: f64) -> Result<(State, f64), StepError> {
    Exact { liouville, samples: 1 }.advance(state, 0.0, time)
}

/// Constant generators.
struct Exact<L> {
    liouville: L,
    /// Expected number of equal steps.
    samples: usize,
}

impl<L: std::borrow::BorrowMut<Liouville>> Flow for Exact<L> {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<(State, f64), StepError> {
        if to == from {
            return Ok((state.clone(), 0.0));
        }
        let step = TimeStep { step: to - from, rounding: 4.0 * f64::EPSILON * to.abs(), times: self.samples };
        let v = stacked(&state.density());
        let (end, integral) = self.liouville.borrow_mut().advance_and_integrate(&v, step)?;
        Ok((State::Mixed(unstacked(&end)), integral))
    }
}

impl Flow for Dop853Step<'_> {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<(State, f64), StepError> {
        self.advance_and_integrate(state, from, to)
    }
}

/// Methods with superoperators: `over` gives that between two times, with one more row and column, those of the integral.
struct Matrices<F> {
    over: F,
    /// Unit of the integral.
    unit: f64,
}

impl<F: FnMut(f64, f64) -> Result<Option<Matrix>, StepError>> Flow for Matrices<F> {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<(State, f64), StepError> {
        if to == from {
            return Ok((state.clone(), 0.0));
        }
        let Some(map) = (self.over)(from, to)? else { return Ok((state.clone(), 0.0)) };
        let v = stacked(&state.density());
        let n = v.len();
        let moved = map * v.push(ZERO);
        let integral = moved.iter().next_back().map_or(0.0, |x| x.re);
        Ok((State::Mixed(unstacked(&moved.rows(0, n).into_owned())), integral * self.unit))
    }
}

/// The method for a segment with relaxation, chosen as that for the state alone. [`Method::Plain`], which integrates with fixed steps, has no
/// integral: [`Dop853Step`] takes its place.
///
/// # Errors
/// If a coefficient cannot be resolved, or eigenvalues cannot be computed.
pub fn flow<'a>(
    generator: &'a Generator,
    rate: Functional,
    segment: &Segment,
    options: &Options,
) -> Result<Box<dyn Flow + 'a>, StepError> {
    let tolerance = options.tolerance;
    let dop853 = |rate| Ok::<_, StepError>(Box::new(Dop853Step::new(generator, tolerance)?.following(rate)));
    if options.method != Method::Auto {
        return Ok(dop853(rate)?);
    }
    let span = segment.duration;
    // The largest element of the row of the integral over the whole segment is of the order 1.
    let largest = rate.largest();
    let unit = if largest > 0.0 { largest * span } else { 1.0 };
    let rows = rate.rows(unit);
    if let Some(periodic) = Periodic::new(generator, tolerance)? {
        let mut periodic = periodic.following(rows);
        return Ok(Box::new(Matrices { over: move |from, to| periodic.over(from, to).map(Some), unit }));
    }
    if generator.is_constant() && Liouville::fits(generator.dimension) {
        let samples = segment.record.as_ref().map_or(1, |r| r.points.saturating_sub(1)).max(1);
        return Ok(Box::new(Exact { liouville: Liouville::following(generator, &rate.constant)?, samples }));
    }
    if is_stiff(generator, span) {
        let mut method = CommutatorFree::new(generator, tolerance, span)?.following(rows);
        return Ok(Box::new(Matrices { over: move |from, to| method.over(from, to), unit }));
    }
    Ok(dop853(rate)?)
}
