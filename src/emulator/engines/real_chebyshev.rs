//! Constant Hamiltonians on large state vectors in real arithmetic: the Chebyshev series of [`super::chebyshev`] for a Hamiltonian with a
//! real form (see [`Bands`]).
//!
//! With `x = (H - c)/r` real, `T_k(x)` acts on the real and imaginary parts of the amplitudes separately, and `(-i)^k` exchanges them. With
//! `x = i A` imaginary, `S_k = (-i)^k T_k(i A)` is real and satisfies `S_(k+1) = 2 A S_k + S_(k-1)`: a real vector remains real. The vectors
//! `T_k psi` do not depend on time, so that one series gives the states at several times.

#![expect(
    clippy::indexing_slicing,
    reason = "planes are counted modulo 2, and every series has at least one coefficient"
)]

use super::chebyshev::{bessel, pieces};
use super::{StepError, Stepper};
use crate::emulator::generator::Generator;
use crate::linalg::{C64, Vector};
use crate::spin::{Bands, Form, State, WIDTH};

/// Largest number of times that one series gives.
const MOST_TIMES: usize = 16;

/// Amplitudes of the states of one series, at most.
const MOST_AMPLITUDES: usize = 1 << 20;

/// Cost of adding a term to a state, in multiplications of a matrix element.
const ADDITION: f64 = 1.0;

/// Cost of the recurrence per state and term, apart from the matrix, in multiplications of a matrix element.
const RECURRENCE: f64 = 2.0;

/// Nanoseconds of a multiplication of a matrix element in both planes, measured with vectors in the second-level cache.
const MULTIPLICATION: f64 = 0.3;

/// Real and imaginary parts of a state in the basis of the phases.
type Planes = [Vec<f64>; 2];

/// Chebyshev propagator in real arithmetic.
pub struct RealChebyshev {
    bands: Bands,
    dimension: usize,
    centre: f64,
    radius: f64,
    at_once: usize,
    /// Multiplications of matrix elements per time and state of the basis.
    cost: f64,
    /// Coefficients of the series by time step.
    known: Vec<(f64, Vec<f64>)>,
}

impl RealChebyshev {
    /// From a constant generator without dissipators; `spacing` is the expected distance of the times that are asked for. `None` if the
    /// Hamiltonian has no matrix in real form.
    pub fn new(generator: &Generator, spacing: f64) -> Option<RealChebyshev> {
        let matrix = generator.action()?.sparse()?;
        let (low, high) = matrix.spectral_bounds();
        let (centre, radius) = (0.5 * (low + high), (0.5 * (high - low)).max(f64::MIN_POSITIVE));
        let bands = Bands::of(matrix, centre, 2.0 / radius)?;
        let dimension = generator.dimension;
        let (at_once, cost) = best_number(radius * spacing, bands.entries() as f64 / dimension as f64);
        let at_once = at_once.min(MOST_AMPLITUDES / dimension).max(1);
        Some(RealChebyshev { bands, dimension, centre, radius, at_once, cost, known: vec![] })
    }

    /// Estimated nanoseconds per time.
    pub fn cost(&self) -> f64 {
        MULTIPLICATION * self.cost * self.dimension as f64
    }

    /// The states at several times after `from`, from one series.
    fn by_series(&mut self, psi: &Vector, from: f64, times: &[f64]) -> Vec<State> {
        let series: Vec<(f64, usize)> = times.iter().map(|t| (t - from, self.coefficients(t - from, *t))).collect();
        let empty = || vec![0.0; self.dimension + WIDTH];
        let mut sums: Vec<Planes> = times.iter().map(|_| [empty(), empty()]).collect();
        for (plane, start) in self.bands.planes(psi.as_slice()).into_iter().enumerate() {
            if let Some(start) = start {
                self.add_series(start, plane, &series, &mut sums);
            }
        }
        let state = |([re, im], (step, _)): (&Planes, &(f64, usize))| {
            State::Pure(self.bands.amplitudes([re, im], C64::cis(-self.centre * step)).into())
        };
        sums.iter().zip(&series).map(state).collect()
    }

    /// Index of the coefficients of a time step, computed once for steps that differ by the rounding of their ends.
    fn coefficients(&mut self, step: f64, end: f64) -> usize {
        let rounding = 4.0 * f64::EPSILON * end.abs();
        if let Some(found) = self.known.iter().position(|(known, _)| (known - step).abs() <= rounding) {
            return found;
        }
        if self.known.len() > 2 * MOST_TIMES {
            self.known.clear();
        }
        self.known.push((step, bessel((self.radius * step.abs()).max(1e-12))));
        self.known.len() - 1
    }

    /// Adds the series of one real vector to the states, `plane` being 1 if it is the imaginary part.
    fn add_series(&self, start: Vec<f64>, plane: usize, series: &[(f64, usize)], sums: &mut [Planes]) {
        let orders = series.iter().map(|(_, k)| self.known[*k].1.len()).max().unwrap_or(0);
        // S_(k+1) = 2 A S_k + S_(k-1), T_(k+1) = 2 x T_k - T_(k-1).
        let sign = if self.bands.form() == Form::Imaginary { 1.0 } else { -1.0 };
        let mut before = vec![0.0; start.len()];
        let mut now = start;
        for k in 0..orders {
            for (sum, (step, coefficients)) in sums.iter_mut().zip(series) {
                let Some(j) = self.known[*coefficients].1.get(k) else { continue };
                let (target, factor) = self.place(plane, k, step.signum());
                let weight = if k == 0 { *j } else { 2.0 * factor * j };
                pulp::Arch::new().dispatch(Add { to: &mut sum[target], from: &now, weight });
            }
            self.bands.next(&now, &mut before, sign);
            if k == 0 {
                // T_1 = x T_0 has no factor 2.
                before.iter_mut().for_each(|x| *x *= 0.5);
            }
            std::mem::swap(&mut before, &mut now);
        }
    }

    /// The plane of term k of a series, and its sign: `(-i s)^k` times a real or imaginary vector, s being the sign of the time step.
    fn place(&self, plane: usize, k: usize, s: f64) -> (usize, f64) {
        let direction = if k % 2 == 1 { s } else { 1.0 };
        if self.bands.form() == Form::Imaginary {
            return (plane, direction);
        }
        // i^plane (-i)^k, as a power of i.
        let power = (plane + 3 * k) % 4;
        (power % 2, if power >= 2 { -direction } else { direction })
    }
}

/// The number of times at which one series costs least per time, for times at a distance of `phase` rad, and this cost.
fn best_number(phase: f64, entries_per_row: f64) -> (usize, f64) {
    let terms = |n: usize| {
        let z = phase * n as f64;
        z + 8.0 + 9.0 * z.cbrt()
    };
    let cost = |n: usize| {
        let additions: f64 = (1..=n).map(|k| ADDITION * terms(k)).sum();
        (terms(n) * (entries_per_row + RECURRENCE) + additions) / n as f64
    };
    let costs = (1..=MOST_TIMES).map(|n| (n, cost(n)));
    costs.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((1, f64::INFINITY))
}

/// `to += weight from`. Compiled for every SIMD width; the widest available at run time is used.
struct Add<'a> {
    to: &'a mut [f64],
    from: &'a [f64],
    weight: f64,
}

impl pulp::NullaryFnOnce for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let weight = self.weight;
        self.to.iter_mut().zip(self.from).for_each(|(to, from)| *to += weight * from);
    }
}

impl Stepper for RealChebyshev {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let mut states = self.advance_to_each(state, from, &[to])?;
        states.pop().ok_or_else(|| StepError::Tolerance("no state".into()))
    }

    fn at_once(&self, _: &State) -> usize {
        self.at_once
    }

    fn advance_to_each(&mut self, state: &State, from: f64, times: &[f64]) -> Result<Vec<State>, StepError> {
        let State::Pure(psi) = state else {
            return Err(StepError::Tolerance("the Chebyshev method propagates state vectors".into()));
        };
        let farthest = times.iter().fold(from, |far, t| if (t - from).abs() > (far - from).abs() { *t } else { far });
        let pieces = pieces(self.radius, from, farthest)?;
        if pieces == 1 {
            return Ok(self.by_series(psi, from, times));
        }
        // One time after the other, each interval divided.
        let mut states: Vec<State> = Vec::with_capacity(times.len());
        let mut now = from;
        for &to in times {
            let t = (to - now) / pieces as f64;
            let mut reached = states.last().unwrap_or(state).clone();
            for _ in 0..pieces {
                let State::Pure(psi) = &reached else { break };
                reached = self.by_series(psi, 0.0, &[t]).pop().unwrap_or(reached);
            }
            states.push(reached);
            now = to;
        }
        Ok(states)
    }

    fn name(&self) -> &'static str {
        "Chebyshev"
    }
}
