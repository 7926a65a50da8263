//! Many periods of a small periodic Hamiltonian: the propagator of one period, raised to a power.
//!
//! A drive of a hundred thousand periods costs one period and its matrix powers. The rounding error of a power grows with the number of
//! periods; a run in which it would exceed the tolerance is refused.

use super::commutator_free::CommutatorFree;
use super::exact::{stacked, unstacked};
use super::{SMALL_LIOUVILLE, StepError, Stepper};
use crate::emulator::functional::Rows;
use crate::emulator::generator::{Generator, deviation};
use crate::linalg::{Matrix, conjugate, identity, power, product};
use crate::spin::State;

/// Largest dimension of a closed system.
const LARGEST: usize = 64;

/// A closed system with fewer periods than this is integrated directly. For an open system the minimum is the dimension of the
/// superoperator: its exponentials over one period cost about as much as Dop853 over that many periods (measured for dimensions 4 to 64).
const FEWEST: f64 = 2.0;

/// Propagator of a periodic generator.
pub struct Periodic<'a> {
    generator: &'a Generator,
    inner: CommutatorFree<'a>,
    period: f64,
    tolerance: f64,
    /// Dimension of the propagators.
    size: usize,
    /// Propagator of one period, computed on first use.
    once: Option<Matrix>,
}

impl<'a> Periodic<'a> {
    /// Builds it for a small periodic generator with enough periods; `None` otherwise.
    ///
    /// # Errors
    /// If a coefficient cannot be resolved.
    pub fn new(generator: &'a Generator, tolerance: f64) -> Result<Option<Periodic<'a>>, StepError> {
        let d = generator.dimension;
        let (fits, fewest) = match generator.is_closed() {
            true => (d <= LARGEST, FEWEST),
            false => (d * d <= SMALL_LIOUVILLE, (d * d) as f64),
        };
        let Some(period) = generator.period.filter(|p| fewest * p < generator.duration) else { return Ok(None) };
        if generator.is_constant() || !fits {
            return Ok(None);
        }
        let inner = CommutatorFree::new(generator, tolerance, generator.duration)?;
        let size = if generator.is_closed() { d } else { d * d + 1 };
        Ok(Some(Periodic { generator, inner, period, tolerance, size, once: None }))
    }

    /// Follows an integral too, as [`CommutatorFree::following`] does.
    pub fn following(self, rows: Rows) -> Periodic<'a> {
        Periodic { size: self.size + 1, inner: self.inner.following(rows), ..self }
    }

    /// Propagator from one time to a later one, of states, or of stacked density matrices if the system is open.
    ///
    /// # Errors
    /// If a step fails, or there are too many periods for floating-point precision.
    pub fn over(&mut self, from: f64, to: f64) -> Result<Matrix, StepError> {
        let size = self.size;
        let (first, last) = ((from / self.period).ceil(), (to / self.period).floor());
        let count = last - first;
        if count < FEWEST {
            return Ok(self.inner.over(from, to)?.unwrap_or_else(|| identity(size)));
        }
        // A few roundings per product, each of which is repeated in every later period.
        let rounding = 16.0 * f64::EPSILON * count;
        if rounding > self.tolerance {
            let message = format!(
                "the Hamiltonian has {count:e} periods, which leaves a rounding error of {rounding:.0e}; \
                 the tolerance is {:e}",
                self.tolerance
            );
            return Err(StepError::Tolerance(message));
        }
        if self.once.is_none() {
            self.once = self.inner.over(0.0, self.period)?;
        }
        let mut total = self.once.as_ref().map_or_else(|| identity(size), |once| power(once, count as u64));
        let start = first * self.period;
        if start > from
            && let Some(before) = self.inner.over(from, start)?
        {
            total = product(&total, &before);
        }
        // The remainder is measured from the start of a period.
        if let Some(after) = self.inner.over(0.0, to - last * self.period)? {
            total = product(&after, &total);
        }
        Ok(total)
    }
}

impl Stepper for Periodic<'_> {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let u = self.over(from, to)?;
        Ok(match state {
            State::Pure(psi) if self.generator.is_closed() => State::Pure(u * psi),
            State::Mixed(rho) if self.generator.is_closed() => State::Mixed(deviation(rho, |d| conjugate(&u, d))),
            _ => State::Mixed(unstacked(&(u * stacked(&state.density())))),
        })
    }

    fn name(&self) -> &'static str {
        "powers of one period"
    }
}
