//! L on one invariant part of Liouville space, and the two methods that propagate it.

#![expect(
    clippy::indexing_slicing,
    reason = "columns are positions in a part, a row begins where the previous one ends, and elements are those of an n x n matrix"
)]

use super::repeated;
use super::source::{Source, norm_bound};
use crate::emulator::engines::chebyshev::bessel;
use crate::emulator::step_error::{StepError, check_phase};
use crate::linalg::{C64, I, Matrix, PRODUCTS_OF_EXPONENTIAL, Vector, ZERO, exponential, real};
use std::collections::HashMap;

/// Largest part for which a dense propagator is formed.
pub const LARGEST_DENSE: usize = 1024;

/// Measured costs, s: a product of two dense matrices per cube of their dimension, a matrix-vector product per squared dimension, one
/// entry of a sparse product, and one Bessel function in the sum for a point of a decay. Only their ratios matter.
const PRODUCT: f64 = 1.2e-9;
const DENSE_ENTRY: f64 = 1.2e-9;
const SPARSE_ENTRY: f64 = 3e-9;
const TERM: f64 = 1e-8;

/// Number of propagators (of different time steps) cached per part.
const KEPT: usize = 4;

/// Largest phase `R t` of a single Chebyshev series.
const LONGEST: f64 = 500.0;

/// A part of Liouville space invariant under L.
pub(super) struct Part {
    /// Its elements `j n + i` (row i, column j of rho), ascending.
    pub elements: Vec<usize>,
    /// Index of the part that holds the transposed elements.
    pub mirror: usize,
    /// The frequencies of H are in `[centre - radius, centre + radius]`, rad/s.
    pub centre: f64,
    pub radius: f64,
    /// True if the part contributes to an integral that is followed.
    pub followed: bool,
    /// L on this part, built on first use.
    matrix: Option<PartMatrix>,
}

/// L on a part, in sparse row format. Vectors hold the elements of the part, followed by the mean diagonal element of rho and, if the part
/// contributes to it, an integral that is followed.
struct PartMatrix {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<C64>,
    /// `H_d`, and the row vector that gives `Tr[G rho]`; empty if they vanish.
    order: (Vec<C64>, Vec<C64>),
    /// Upper bound of the norm of the dissipator.
    decay: f64,
    /// Cached propagators by time step.
    propagators: Vec<(f64, Matrix)>,
}

/// A time step that is repeated.
#[derive(Debug, Clone, Copy)]
pub struct TimeStep {
    /// Its length.
    pub step: f64,
    /// Two step lengths closer than this are equal up to rounding.
    pub rounding: f64,
    /// Number of repetitions.
    pub times: usize,
}

impl Part {
    pub(super) fn new(elements: Vec<usize>, mirror: usize) -> Part {
        Part { elements, mirror, centre: 0.0, radius: 0.0, followed: false, matrix: None }
    }

    /// Builds L on the part unless it exists.
    pub(super) fn prepare(&mut self, source: &Source) {
        if self.matrix.is_none() {
            self.matrix = Some(PartMatrix::of(source, &self.elements));
        }
    }

    /// L as a dense matrix, with the column of the mean and a row of zeros behind the elements, then the row of an integral that is followed.
    pub(super) fn dense(&self) -> Matrix {
        self.matrix.as_ref().map_or_else(|| Matrix::zeros(0, 0), PartMatrix::dense)
    }

    /// R of the Chebyshev series. The non-normal part of the dissipator shifts frequencies by at most its norm.
    fn reach(&self, matrix: &PartMatrix) -> f64 {
        (self.radius + matrix.decay).max(f64::MIN_POSITIVE)
    }

    /// Longest time of one Chebyshev series.
    fn longest(&self, matrix: &PartMatrix) -> f64 {
        (LONGEST / self.reach(matrix)).min(2.0 / matrix.decay.max(f64::MIN_POSITIVE))
    }

    /// True if the dense propagator of a step, whose use takes the time `used`, costs less than `seconds`.
    fn prefers_dense(&self, matrix: &PartMatrix, step: TimeStep, used: f64, seconds: f64) -> bool {
        let m = matrix.len() as f64;
        if matrix.len() > LARGEST_DENSE {
            return false;
        }
        let squarings = ((self.reach(matrix) * 4.0 * step.step).log2()).max(0.0);
        let made = if matrix.known(step).is_some() {
            0.0
        } else {
            (PRODUCTS_OF_EXPONENTIAL + squarings) * m.powi(3) * PRODUCT
        };
        made + used < seconds
    }

    /// Number of series of an interval.
    fn pieces(&self, matrix: &PartMatrix, t: f64) -> Result<usize, StepError> {
        let pieces = (t / self.longest(matrix)).ceil().max(1.0);
        check_phase(LONGEST * pieces, 0.0, t)?;
        Ok(pieces as usize)
    }

    /// Propagates the elements of the part by `step`, once.
    ///
    /// # Errors
    /// If series are needed, and too many.
    pub(super) fn advance(&mut self, own: Vec<C64>, step: TimeStep) -> Result<Vec<C64>, StepError> {
        let Some(matrix) = &self.matrix else { return Ok(own) };
        let pieces = (step.step / self.longest(matrix)).ceil().max(1.0);
        let terms = terms_of(self.reach(matrix) * step.step / pieces);
        let times = step.times as f64;
        let dense = times * (matrix.len() as f64).powi(2) * DENSE_ENTRY;
        if self.prefers_dense(matrix, step, dense, times * pieces * terms * matrix.product_seconds()) {
            let Some(matrix) = &mut self.matrix else { return Ok(own) };
            return Ok((matrix.propagator(step) * Vector::from_vec(own)).as_slice().to_vec());
        }
        let mut now = own;
        for _ in 0..self.pieces(matrix, step.step)? {
            now = self.chebyshev(matrix, now, step.step / pieces);
        }
        Ok(now)
    }

    /// `exp(L t) v`.
    fn chebyshev(&self, matrix: &PartMatrix, v: Vec<C64>, t: f64) -> Vec<C64> {
        let coefficients = bessel((self.reach(matrix) * t).max(1e-12));
        let mut sum = vec![ZERO; v.len()];
        let mut factor = self.shift(matrix, t);
        for (k, (j, image)) in coefficients.iter().zip(self.polynomials(matrix, v)).enumerate() {
            let c = factor * if k == 0 { *j } else { 2.0 * j };
            sum.iter_mut().zip(&image).for_each(|(s, x)| *s += x * c);
            factor *= I;
        }
        sum
    }

    /// `exp(s t)`, `s = i centre - decay/2`.
    fn shift(&self, matrix: &PartMatrix, t: f64) -> C64 {
        C64::from_polar((-0.5 * matrix.decay * t).exp(), self.centre * t)
    }

    /// `T_0(X) v, T_1(X) v, ...` with `X = (L - s)/(i R)`.
    fn polynomials<'a>(&self, matrix: &'a PartMatrix, v: Vec<C64>) -> impl Iterator<Item = Vec<C64>> + 'a {
        let s = C64::new(-0.5 * matrix.decay, self.centre);
        let scale = -I / self.reach(matrix);
        let mut before: Option<Vec<C64>> = None;
        let mut now = v;
        std::iter::from_fn(move || {
            let mut next = matrix.times(&now);
            let factor = if before.is_some() { scale * 2.0 } else { scale };
            next.iter_mut().zip(&now).for_each(|(y, x)| *y = (*y - x * s) * factor);
            if let Some(before) = &before {
                next.iter_mut().zip(before).for_each(|(y, x)| *y -= x);
            }
            let current = std::mem::replace(&mut now, next);
            before = Some(current.clone());
            Some(current)
        })
    }

    /// The signal at every point, and the elements after the last interval. `observed`: the weight of each element and of its
    /// conjugate.
    ///
    /// # Errors
    /// If series are needed, and too many.
    pub(super) fn decay(
        &mut self,
        own: Vec<C64>,
        observed: &[(C64, C64)],
        dwell: f64,
        points: usize,
    ) -> Result<(Vec<C64>, Vec<C64>), StepError> {
        let Some(matrix) = &self.matrix else { return Ok((vec![], own)) };
        let step = TimeStep { step: dwell, rounding: 0.0, times: points };
        let see = |v: &[C64]| {
            let each = v.iter().zip(observed);
            each.fold((ZERO, ZERO), |(plain, conjugate), (x, (a, b))| (plain + a * x, conjugate + b * x.conj()))
        };
        let chunk = ((self.longest(matrix) / dwell) as usize).clamp(1, points.max(1));
        let (chunks, phase) = (points.div_ceil(chunk) as f64, self.reach(matrix) * dwell * chunk as f64);
        let products = chunks * terms_of(phase) * (dwell / self.longest(matrix)).max(1.0);
        let sums = points as f64 * (terms_of(phase) + 40.0);
        let (by_matrices, others) = repeated::multiplications(points, matrix.len());
        let dense = by_matrices * PRODUCT + others * DENSE_ENTRY;
        if self.prefers_dense(matrix, step, dense, products * matrix.product_seconds() + sums * TERM) {
            let Some(matrix) = &mut self.matrix else { return Ok((vec![], own)) };
            let rest = matrix.len() - observed.len();
            let row = |weights: &mut dyn Iterator<Item = C64>| weights.chain(std::iter::repeat_n(ZERO, rest)).collect();
            let rows = [row(&mut observed.iter().map(|o| o.0)), row(&mut observed.iter().map(|o| o.1.conj()))];
            return Ok(repeated::signal(matrix.propagator(step), &own, rows, points));
        }
        let mut signal = Vec::with_capacity(points);
        let mut now = own;
        while signal.len() < points {
            let here = chunk.min(points - signal.len());
            now = self.chunk(matrix, now, &see, (dwell, here), &mut signal)?;
        }
        Ok((signal, now))
    }

    /// Several points from the moments `Tr[O T_k(X) v]` of one Chebyshev recurrence: the state is formed only at the end.
    fn chunk(
        &self,
        matrix: &PartMatrix,
        v: Vec<C64>,
        see: &impl Fn(&[C64]) -> (C64, C64),
        (dwell, points): (f64, usize),
        signal: &mut Vec<C64>,
    ) -> Result<Vec<C64>, StepError> {
        let t = dwell * points as f64;
        if t > self.longest(matrix) {
            // A single interval that is longer than one series allows.
            let (plain, conjugate) = see(&v);
            signal.push(plain + conjugate);
            let pieces = self.pieces(matrix, t)?;
            return Ok((0..pieces).fold(v, |v, _| self.chebyshev(matrix, v, t / pieces as f64)));
        }
        let reach = self.reach(matrix);
        let coefficients = bessel((reach * t).max(1e-12));
        let mut end = vec![ZERO; v.len()];
        let mut moments = Vec::with_capacity(coefficients.len());
        let mut factor = self.shift(matrix, t);
        for (k, (j, image)) in coefficients.iter().zip(self.polynomials(matrix, v)).enumerate() {
            moments.push(see(&image));
            let c = factor * if k == 0 { *j } else { 2.0 * j };
            end.iter_mut().zip(&image).for_each(|(s, x)| *s += x * c);
            factor *= I;
        }
        for point in 0..points {
            let t = dwell * point as f64;
            let shift = self.shift(matrix, t);
            let mut factor = shift;
            let mut sum = ZERO;
            for (k, (j, (plain, conjugate))) in bessel((reach * t).max(1e-12)).iter().zip(&moments).enumerate() {
                let c = factor * if k == 0 { *j } else { 2.0 * j };
                sum += c * plain + c.conj() * conjugate;
                factor *= I;
            }
            signal.push(sum);
        }
        Ok(end)
    }
}

/// Approximate number of terms of a Chebyshev series for a phase.
fn terms_of(phase: f64) -> f64 {
    phase + 10.0 + 6.0 * phase.cbrt()
}

impl PartMatrix {
    fn of(source: &Source, elements: &[usize]) -> PartMatrix {
        let place: HashMap<usize, u32> = elements.iter().enumerate().map(|(k, e)| (*e, k as u32)).collect();
        let (mut starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        let mut row: Vec<(u32, C64)> = Vec::new();
        let mean = elements.len() as u32;
        for &element in elements {
            row.clear();
            source.visit_row(element, |other, x| row.extend(place.get(&other).map(|k| (*k, x))));
            row.sort_by_key(|(k, _)| *k);
            row.extend(source.drift.iter().map(|d| (mean, d[element])));
            for same in row.chunk_by(|a, b| a.0 == b.0) {
                let sum: C64 = same.iter().map(|(_, x)| x).sum();
                if sum != ZERO {
                    columns.push(same[0].0);
                    values.push(sum);
                }
            }
            starts.push(columns.len());
        }
        // The mean is constant.
        starts.push(columns.len());
        let rate = source.followed.iter().flat_map(|row| elements.iter().enumerate().map(|(k, &e)| (k as u32, row[e])));
        let (seen, weights): (Vec<u32>, Vec<C64>) = rate.filter(|(_, x)| *x != ZERO).unzip();
        if !seen.is_empty() {
            columns.extend(seen);
            values.extend(weights);
            starts.push(columns.len());
        }
        let gathered = |m: &Matrix| -> Vec<C64> {
            let found: Vec<C64> = elements.iter().map(|&e| m[e]).collect();
            if found.iter().all(|x| *x == ZERO) { vec![] } else { found }
        };
        // Tr[G rho] = sum conj(G_ij) rho_ij, since G is Hermitian.
        let order =
            source.order.as_ref().map(|(h, lost)| (gathered(h), gathered(&lost.conjugate()))).unwrap_or_default();
        let size = |v: &[C64]| v.iter().map(C64::norm_sqr).sum::<f64>().sqrt();
        let rates = source.collapse.iter().map(|c| norm_bound(c).powi(2)).sum::<f64>();
        let decay = 2.0 * rates + size(&order.0) * size(&order.1);
        PartMatrix { starts, columns, values, order, decay, propagators: vec![] }
    }

    /// Number of elements, plus one for the mean and one for an integral that is followed.
    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Approximate duration of a matrix-vector product with the sums of the recurrence, s.
    fn product_seconds(&self) -> f64 {
        self.values.len() as f64 * SPARSE_ENTRY + self.len() as f64 * 4.0 * DENSE_ENTRY
    }

    /// `L v`.
    fn times(&self, v: &[C64]) -> Vec<C64> {
        let row = |range: &[usize]| -> C64 {
            let (columns, values) = (&self.columns[range[0]..range[1]], &self.values[range[0]..range[1]]);
            columns.iter().zip(values).map(|(k, x)| v[*k as usize] * x).sum()
        };
        let mut out: Vec<C64> = self.starts.windows(2).map(row).collect();
        let (h, lost) = &self.order;
        if !h.is_empty() {
            let rate: C64 = lost.iter().zip(v).map(|(g, x)| g * x).sum();
            out.iter_mut().zip(h).for_each(|(y, h)| *y -= h * rate);
        }
        out
    }

    fn dense(&self) -> Matrix {
        let m = self.len();
        let mut out = Matrix::zeros(m, m);
        for (i, range) in self.starts.windows(2).enumerate() {
            for k in range[0]..range[1] {
                out[(i, self.columns[k] as usize)] += self.values[k];
            }
        }
        let (h, lost) = &self.order;
        for (i, h) in h.iter().enumerate() {
            lost.iter().enumerate().for_each(|(j, g)| out[(i, j)] -= h * g);
        }
        out
    }

    fn known(&self, step: TimeStep) -> Option<usize> {
        self.propagators.iter().position(|(known, _)| (known - step.step).abs() <= step.rounding)
    }

    /// `exp(L t)` of the step, dense.
    fn propagator(&mut self, step: TimeStep) -> &Matrix {
        let number = self.known(step).unwrap_or_else(|| {
            if self.propagators.len() == KEPT {
                self.propagators.remove(0);
            }
            self.propagators.push((step.step, exponential(&(self.dense() * real(step.step)))));
            self.propagators.len() - 1
        });
        &self.propagators[number].1
    }
}
