//! Smooth time dependence of closed systems, by the power series of the propagator in time.
//!
//! Within a cell of the mesh every coefficient is a polynomial of degree 7 up to the allowed error (see [`crate::waveform::mesh()`]). It is
//! interpolated at the Chebyshev nodes of a step, so that `H(s) = sum_j s^j H_j` with s from -1 at the start of the step to 1 at its end. With
//! f half the length of the step, `y_(k+1) = -i f / (k + 1) sum_j H_j y_(k-j)` for the columns y of the propagator from the middle of the
//! step. The even and odd terms give `V(+)` and `V(-)`, from the middle to the end and to the start, and `U = V(+) V(-)^dagger`. As in
//! [`super::series`], the phase in each direction is at most 8 rad, because rounding grows exponentially with it.
//!
//! Where the phase is large and the Hamiltonian changes slowly, exponentials need fewer operations (see [`super::commutator_free`]).

#![expect(
    clippy::indexing_slicing,
    reason = "elements are within the rows and columns of their block, and places of the ring of terms are taken modulo its length"
)]

use super::StepError;
use super::frame::Part;
use super::panel::{PANEL, Row};
use super::power_series::{MOST_TERMS, SMALL, Sums, TURN, columns_of_identity, propagator_from_middle};
use crate::hamiltonian::Scalar;
use crate::linalg::{C64, I, Matrix, ZERO, product};
use std::f64::consts::PI;

/// Degree of the polynomials of the coefficients: the mesh holds for it.
const DEGREE: usize = 7;

/// Up to this number of steps, times the number of powers of the Hamiltonian, series are cheaper than exponentials: these need at least six a
/// step, of about 25 products each.
const CHEAPER: usize = 8;

/// An invariant block of the space: the terms of H by their elements that do not vanish.
pub struct SmoothSeries {
    coefficients: Vec<Scalar>,
    /// Where each row ends.
    ends: Vec<usize>,
    columns: Vec<u32>,
    /// Element by element, the values in all terms.
    values: Vec<C64>,
}

/// `H(s)` over a step, element by element.
struct Polynomial<'a> {
    block: &'a SmoothSeries,
    /// Half the length of the step.
    factor: f64,
    /// Coefficients of the powers of s.
    elements: Vec<[C64; DEGREE + 1]>,
    /// Number of powers with coefficients other than zero.
    depth: usize,
}

impl SmoothSeries {
    /// From the terms of an invariant block.
    pub fn of(part: &Part) -> SmoothSeries {
        let n = part.states.len();
        let (mut ends, mut columns, mut values) = (Vec::with_capacity(n), Vec::new(), Vec::new());
        for i in 0..n {
            for j in 0..n {
                if part.terms.iter().any(|(_, m)| m[(i, j)] != ZERO) {
                    columns.push(j as u32);
                    values.extend(part.terms.iter().map(|(_, m)| m[(i, j)]));
                }
            }
            ends.push(columns.len());
        }
        SmoothSeries { coefficients: part.terms.iter().map(|(c, _)| c.clone()).collect(), ends, columns, values }
    }

    /// The interval between two times of one cell of the mesh, in as many steps as its phase needs; `None` if exponentials are cheaper there.
    ///
    /// # Errors
    /// If H is not finite.
    pub fn interval(&self, from: f64, to: f64) -> Result<Option<Interval<'_>>, StepError> {
        let whole = self.polynomial(from, to)?;
        // The phase of a single state is an integral.
        let steps = if self.ends.len() == 1 { 1 } else { (whole.phase() / TURN).ceil().max(1.0) as usize };
        let is_cheaper = steps == 1 || whole.depth > 1 && steps.saturating_mul(whole.depth) <= CHEAPER;
        Ok(is_cheaper.then_some(Interval { block: self, whole, steps, from, to }))
    }

    fn polynomial(&self, from: f64, to: f64) -> Result<Polynomial<'_>, StepError> {
        let powers: Vec<[f64; DEGREE + 1]> = self.coefficients.iter().map(|c| powers(c, from, to)).collect();
        let element = |values: &[C64]| -> [C64; DEGREE + 1] {
            std::array::from_fn(|j| values.iter().zip(&powers).map(|(x, c)| x * c[j]).sum())
        };
        let elements: Vec<_> = self.values.chunks_exact(self.coefficients.len().max(1)).map(element).collect();
        // A product of a coefficient and an element may overflow.
        if elements.iter().flatten().any(|x| !x.is_finite()) {
            return Err(StepError::Tolerance("the Hamiltonian is infinite or not a number at some time".into()));
        }
        let depth = (1..=DEGREE).rev().find(|j| powers.iter().any(|c| c[*j] != 0.0)).unwrap_or(0) + 1;
        Ok(Polynomial { block: self, factor: 0.5 * (to - from), elements, depth })
    }
}

/// An interval of time of an invariant block.
pub struct Interval<'a> {
    block: &'a SmoothSeries,
    whole: Polynomial<'a>,
    steps: usize,
    from: f64,
    to: f64,
}

impl Interval<'_> {
    /// Its propagator.
    ///
    /// # Errors
    /// If H is not finite.
    pub fn propagator(&self) -> Result<Matrix, StepError> {
        if self.steps == 1 {
            return self.whole.propagator();
        }
        let at = |k: usize| self.from + (self.to - self.from) * k as f64 / self.steps as f64;
        let step = |k: usize| self.block.polynomial(at(k), at(k + 1))?.propagator();
        (1..self.steps).try_fold(step(0)?, |u, k| Ok(product(&step(k)?, &u)))
    }
}

impl Polynomial<'_> {
    #[inline(always)]
    fn row(&self, i: usize) -> std::ops::Range<usize> {
        let start = if i == 0 { 0 } else { self.block.ends[i - 1] };
        start..self.block.ends[i]
    }

    /// Upper bound of the phase from the middle of the step to an end, rad: the largest sum of magnitudes in a row.
    fn phase(&self) -> f64 {
        let size = |e: usize| self.elements[e][..self.depth].iter().map(|x| x.norm_sqr().sqrt()).sum::<f64>();
        let rows = (0..self.block.ends.len()).map(|i| self.row(i).map(size).sum::<f64>());
        self.factor * rows.fold(0.0, f64::max)
    }

    /// The propagator of the step.
    fn propagator(&self) -> Result<Matrix, StepError> {
        let n = self.block.ends.len();
        if n == 1 {
            let even =
                self.elements.first().map_or(0.0, |h| (0..=DEGREE).step_by(2).map(|j| h[j].re / (j + 1) as f64).sum());
            return Ok(Matrix::from_element(1, 1, C64::cis(-2.0 * self.factor * even)));
        }
        if n <= PANEL / 2 { self.by_panels::<{ PANEL / 2 }>(n) } else { self.by_panels::<PANEL>(n) }
    }

    fn by_panels<const P: usize>(&self, n: usize) -> Result<Matrix, StepError> {
        let arch = pulp::Arch::new();
        propagator_from_middle(n, |first| {
            let start = columns_of_identity::<P>(n, first);
            arch.dispatch(Summation { polynomial: self, start })
                .ok_or_else(|| StepError::Tolerance("the series of a step does not converge".into()))
        })
    }
}

/// The coefficients of a waveform between two times in powers of s, by its values at the Chebyshev nodes.
fn powers(c: &Scalar, from: f64, to: f64) -> [f64; DEGREE + 1] {
    const N: usize = DEGREE + 1;
    if let Some(c) = c.constant() {
        return std::array::from_fn(|j| if j == 0 { c } else { 0.0 });
    }
    // cos of the angles (k + 1/2) pi / N and of their multiples, from those of the quadrant.
    let cos = |m: usize| COSINES[m % (4 * N)];
    let (middle, radius) = (0.5 * (from + to), 0.5 * (to - from));
    let values: [f64; N] = std::array::from_fn(|k| c.at(middle + radius * cos(2 * k + 1)));
    let mut series: [f64; N] = std::array::from_fn(|j| {
        let sum: f64 = values.iter().enumerate().map(|(k, x)| x * cos(j * (2 * k + 1))).sum();
        sum * if j == 0 { 1.0 } else { 2.0 } / N as f64
    });
    // Rounding is removed, so that a linear coefficient costs two powers instead of eight.
    let largest = values.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    series.iter_mut().filter(|x| x.abs() < 1e-15 * largest).for_each(|x| *x = 0.0);
    // Clenshaw's recurrence, with polynomials of s for numbers.
    let (mut one, mut two) = ([0.0; N], [0.0; N]);
    for j in (0..N).rev() {
        let twice = if j == 0 { 1.0 } else { 2.0 };
        let next: [f64; N] = std::array::from_fn(|p| {
            let shifted = if p == 0 { 0.0 } else { twice * one[p - 1] };
            shifted - two[p] + if p == 0 { series[j] } else { 0.0 }
        });
        (one, two) = (next, one);
    }
    one
}

/// `cos(m pi / 16)` for m from 0 to 31.
static COSINES: std::sync::LazyLock<[f64; 4 * (DEGREE + 1)]> =
    std::sync::LazyLock::new(|| std::array::from_fn(|m| (PI * m as f64 / (2 * (DEGREE + 1)) as f64).cos()));

/// The series of the columns of a panel. Compiled for every SIMD width; the widest available at run time is used.
struct Summation<'a, const P: usize> {
    polynomial: &'a Polynomial<'a>,
    start: Vec<Row<P>>,
}

impl<const P: usize> pulp::NullaryFnOnce for Summation<'_, P> {
    type Output = Option<Sums<P>>;

    /// `None` if the series does not converge.
    #[inline(always)]
    fn call(self) -> Option<Sums<P>> {
        let Summation { polynomial, start } = self;
        let (n, depth) = (polynomial.block.ends.len(), polynomial.depth);
        let columns = &polynomial.block.columns;
        let mut even = start;
        let mut odd = vec![Row::ZERO; n];
        let mut ring: Vec<Vec<Row<P>>> = (0..=depth).map(|_| vec![Row::ZERO; n]).collect();
        ring[0].clone_from(&even);
        let mut negligible = 0;
        for k in 0..MOST_TERMS {
            let place = (k + 1) % (depth + 1);
            let mut next = std::mem::take(&mut ring[place]);
            let f = -I * (polynomial.factor / (k + 1) as f64);
            let sum = if k % 2 == 0 { &mut odd } else { &mut even };
            let mut largest = 0.0f64;
            for i in 0..n {
                let mut x = Row::ZERO;
                for e in polynomial.row(i) {
                    let column = columns[e] as usize;
                    for (j, h) in polynomial.elements[e][..depth].iter().enumerate().take(k + 1) {
                        let y = &ring[(k + depth + 1 - j) % (depth + 1)][column];
                        x = if h.im == 0.0 { x.plus(h.re, y) } else { x.plus_complex(*h, y) };
                    }
                }
                next[i] = x.times(f);
                sum[i] = sum[i].plus(1.0, &next[i]);
                for l in 0..P {
                    largest = largest.max(next[i].re[l].abs()).max(next[i].im[l].abs());
                }
            }
            ring[place] = next;
            negligible = if largest < SMALL { negligible + 1 } else { 0 };
            if negligible == depth {
                return Some(Sums { even, odd });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{exponential, hermitian_eigen, real};
    use crate::metrics::random::hamiltonian;
    use crate::waveform::Function;

    fn block(terms: Vec<(Scalar, Matrix)>) -> SmoothSeries {
        let states = (0..terms[0].1.nrows()).collect();
        SmoothSeries::of(&Part { states, terms })
    }

    fn propagator(block: &SmoothSeries, from: f64, to: f64) -> Matrix {
        let interval = block.interval(from, to).expect("a finite H").expect("a small phase");
        interval.propagator().expect("convergence")
    }

    /// `exp(-i w t Z/2)` applied to `exp(-i ((a - w) Z + b X) t / 2)` is the propagator under a field that rotates at w. Tolerance: the error
    /// of the interpolation, `(w t / 2)^8 / (2^7 8!) b t / 2 = 2e-9` and less.
    #[test]
    fn a_rotating_field_has_the_propagator_of_the_rotating_frame() {
        let (a, b, w) = (1.3, 0.9, 2.0);
        let pauli =
            |x: C64, z: f64| Matrix::from_row_slice(2, 2, &[real(0.5 * z), x.conj() * 0.5, x * 0.5, real(-0.5 * z)]);
        let phase = Scalar::time().scaled(w);
        let terms = vec![
            (Scalar::Constant(a), pauli(ZERO, 1.0)),
            (phase.apply(Function::Cos).scaled(b), pauli(real(1.0), 0.0)),
            (phase.apply(Function::Sin).scaled(b), pauli(I, 0.0)),
        ];
        let inside = pauli(real(b), a - w);
        for t in [0.1, 0.7] {
            let found = propagator(&block(terms.clone()), 0.0, t);
            let exact = product(
                &exponential(&pauli(ZERO, 1.0).map(|x| x * (-I * w * t))),
                &exponential(&inside.map(|x| x * (-I * t))),
            );
            assert!((found - exact).camax() < 1e-10, "{t}");
        }
    }

    /// Blocks that fill a panel, several, or part of one, under a constant H with phases of up to 8 rad each way: rounding of terms of up to
    /// `exp(8) = 3000`.
    #[test]
    fn constant_blocks_have_the_propagator_of_their_eigenvalues() {
        for n in [2, 3, 4, 5, 8, 19] {
            let h = hamiltonian(n, n as u64);
            let eigen = hermitian_eigen(&h).expect("eigenvalues");
            let blocks = block(vec![(Scalar::Constant(1.0), h)]);
            let size = blocks.polynomial(0.0, 2.0).expect("a finite H").phase();
            let t = 15.9 / size;
            let found = propagator(&blocks, 0.0, t);
            assert!((found - eigen.propagator(t)).camax() < 1e-11, "{n}");
            assert!(blocks.interval(0.0, 1.1 * t).expect("a finite H").is_none());
        }
    }

    /// A single state has the phase of the integral: of a polynomial of degree 7 exactly, but for rounding.
    #[test]
    fn a_state_has_the_phase_of_the_integral() {
        let t = Scalar::time();
        let seventh = (0..6).fold(t.clone(), |power, _| power.times(&t));
        let c = Scalar::Constant(0.4).plus(&seventh.scaled(8.0)).plus(&t.times(&t).scaled(-3.0));
        let found = propagator(&block(vec![(c, Matrix::from_element(1, 1, real(1.0)))]), 0.0, 1.2);
        let integral = 0.4 * 1.2 + 1.2f64.powi(8) - 1.2f64.powi(3);
        assert!((found[(0, 0)] - C64::cis(-integral)).norm() < 1e-14);
    }

    /// Steps of half the phase give the same as one: a ramp whose phase is 6 or 12 rad each way.
    #[test]
    fn a_ramp_is_divided_into_steps() {
        let (k, d) = (hamiltonian(4, 1), hamiltonian(4, 2));
        let terms = vec![(Scalar::Constant(1.0), k), (Scalar::time(), d)];
        let blocks = block(terms);
        let mut t = 1.0;
        while blocks.polynomial(0.0, t).expect("a finite H").phase() < 12.0 {
            t *= 1.02;
        }
        let whole = propagator(&blocks, 0.0, t);
        let fine = (0..16).fold(crate::linalg::identity(4), |u, j| {
            let at = |j: i32| t * f64::from(j) / 16.0;
            product(&propagator(&blocks, at(j), at(j + 1)), &u)
        });
        assert!((whole - fine).camax() < 1e-11);
    }

    /// A coefficient and an operator whose product overflows are refused, also for a single state.
    #[test]
    fn an_infinite_hamiltonian_is_refused() {
        let large = |n: usize| Matrix::from_diagonal_element(n, n, real(1e200));
        for n in [1, 3] {
            assert!(block(vec![(Scalar::time().scaled(1e200), large(n))]).interval(0.0, 1.0).is_err(), "{n}");
        }
    }
}
