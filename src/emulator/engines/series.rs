//! A time-dependent field, by the power series of the solution in time.
//!
//! In the frame of the field (see [`super::frame`]) `H(t) = K + c(t) D` with a constant real K and a diagonal D. Over a step of length h
//! let `c(t + s h) = sum_j c_j s^j`. The solution `y(s) = sum_k y_k s^k` of `dy/dt = -i H y` then satisfies
//!
//! `y_(k+1) = -i h / (k + 1) (K y_k + D sum_j c_j y_(k-j))`,
//!
//! and the series is truncated where its terms are below rounding. The only approximation is the interpolation of c by a polynomial of
//! degree 4 at Chebyshev nodes, whose error is checked between them. The phase advance per step is at most 8 rad, because rounding grows
//! exponentially with it.
//!
//! Where the field is constant, one eigendecomposition covers the whole interval. Exponentials of mean Hamiltonians are not used: at
//! order 4 they need ten times as many steps for the seventh digit, and an eigendecomposition for each.

#![expect(
    clippy::indexing_slicing,
    reason = "polynomials have DEGREE + 1 coefficients, places of the ring of terms are taken modulo its length, and the \
              columns of a block are as long as its field"
)]

use super::frame::{Frame, Part};
use super::{StepError, Stepper};
use crate::emulator::generator::{Generator, deviation};
use crate::emulator::mesh::{Mesh, resolution};
use crate::hamiltonian::Scalar;
use crate::linalg::{C64, Matrix, hermitian_eigen, product, real};
use crate::spin::State;
use faer::{Accum, Mat, Par};

/// Degree of the polynomial that interpolates the field.
const DEGREE: usize = 4;

/// Maximum phase advance per step, rad.
const TURN: f64 = 8.0;

/// Upper bound of the number of terms that a step of this phase needs.
const MOST_TERMS: usize = 200;

/// An invariant block of the space: `K + c D`.
struct Block {
    k: Mat<f64>,
    norm: f64,
    field: Vec<f64>,
    strongest: f64,
}

/// Power-series integrator.
pub struct Series {
    frame: Frame,
    mesh: Mesh,
    blocks: Vec<Block>,
    field: Scalar,
    tolerance: f64,
    span: f64,
}

impl Series {
    /// Needs a closed generator whose only time-dependent term is one field acting on each site separately, and whose other terms are
    /// real in the frame of that field; `None` otherwise.
    ///
    /// # Errors
    /// If the field cannot be resolved.
    pub fn new(generator: &Generator, tolerance: f64, span: f64) -> Result<Option<Series>, StepError> {
        let frame = Frame::of(generator);
        // Several time-dependent terms with a frame have the same operator: their coefficients add up to the field.
        let changing = generator.terms().filter(|(c, _)| c.constant().is_none()).map(|(c, _)| c.clone());
        let field = changing.reduce(|a, b| a.plus(&b));
        let blocks = frame.parts.iter().map(block).collect::<Option<Vec<_>>>();
        let (true, Some(field), Some(blocks)) = (frame.is_turned(), field, blocks) else { return Ok(None) };
        let mesh = generator.mesh(tolerance)?.clone();
        Ok(Some(Series { frame, mesh, blocks, field, tolerance, span }))
    }

    /// `y(to)` from `y(from)` in one block: real parts of all columns, then imaginary parts.
    fn moved(&self, block: &Block, mut y: Mat<f64>, from: f64, to: f64) -> Result<Mat<f64>, StepError> {
        let smallest = resolution(self.span);
        let mut t = from;
        if to - t > smallest && self.is_still(from, to) {
            return still(block, self.field.at(0.5 * (from + to)), y, to - from);
        }
        while to - t > smallest {
            let (h, c) = self.step(block, t, to)?;
            y = term_by_term(block, y, h, &c)?;
            t += h;
        }
        Ok(y)
    }

    /// True if the field is constant between two times, as within the amplitude steps of a ramp.
    fn is_still(&self, from: f64, to: f64) -> bool {
        let at = |k: u32| self.field.at(from + (to - from) * (f64::from(k) + 0.5) / 16.0);
        (1..16).all(|k| at(k) == at(0))
    }

    /// The longest step from time t within the allowed phase advance, and the field's polynomial over it.
    fn step(&self, block: &Block, t: f64, to: f64) -> Result<(f64, [f64; DEGREE + 1]), StepError> {
        let mut h = to - t;
        // Allowed error of the field such that the angle accumulated over the segment is accurate to the tolerance.
        let allowed = 0.1 * self.tolerance / (self.span * block.strongest.max(f64::MIN_POSITIVE));
        let smallest = resolution(self.span);
        while h > smallest {
            let at = |s: f64| self.field.at(t + s * h);
            let strength = (0..8).map(|k| at((f64::from(k) + 0.5) / 8.0).abs()).fold(0.0, f64::max);
            if !strength.is_finite() {
                return Err(StepError::Tolerance("the Hamiltonian is infinite or not a number at some time".into()));
            }
            let turn = h * (block.norm + strength * block.strongest);
            if turn > TURN {
                // No very short remainder is left.
                h = (h / (turn / TURN).ceil()).min(0.5 * h);
                continue;
            }
            let c = polynomial(at);
            let value = |s: f64| c.iter().rev().fold(0.0, |sum, c| sum * s + c);
            // The end points are not checked: a jump there belongs to the next step.
            let wrong = [0.001, 0.07, 0.2, 0.36, 0.64, 0.8, 0.93, 0.999].into_iter().map(|s| (value(s) - at(s)).abs());
            if wrong.fold(0.0, f64::max) <= allowed.max(1e-14 * strength) {
                return Ok((h, c));
            }
            h *= 0.5;
        }
        Err(StepError::Tolerance(format!("the field at t = {t:e} changes too fast: is the Hamiltonian finite there?")))
    }

    /// Propagates through all cells of the mesh.
    fn through_block(&self, block: &Block, y: Mat<f64>, from: f64, to: f64) -> Result<Mat<f64>, StepError> {
        let mut now = from;
        let mut y = y;
        for stop in self.mesh.stops(from, to)? {
            y = self.moved(block, y, now, stop)?;
            now = stop;
        }
        Ok(y)
    }

    fn propagators(&self, from: f64, to: f64) -> Result<Vec<Matrix>, StepError> {
        let one = |block: &Block| -> Result<Matrix, StepError> {
            let n = block.field.len();
            let y = self.through_block(block, Mat::from_fn(n, 2 * n, |i, j| f64::from(i == j)), from, to)?;
            Ok(Matrix::from_fn(n, n, |i, j| C64::new(y[(i, j)], y[(i, n + j)])))
        };
        self.blocks.iter().map(one).collect()
    }
}

/// K and D of a block; `None` if they are not real, or D is not diagonal.
fn block(part: &Part) -> Option<Block> {
    let n = part.terms.first()?.1.nrows();
    let mut k = Mat::<f64>::zeros(n, n);
    let mut field = vec![0.0; n];
    for (c, m) in &part.terms {
        if m.iter().any(|x| x.im != 0.0) {
            return None;
        }
        match c.constant() {
            Some(c) => (0..n).for_each(|j| (0..n).for_each(|i| k[(i, j)] += c * m[(i, j)].re)),
            None => {
                if (0..n).any(|j| (0..n).any(|i| i != j && m[(i, j)].re != 0.0)) {
                    return None;
                }
                // Several time-dependent terms share this operator; their coefficients are summed in the field.
                field.iter_mut().enumerate().for_each(|(i, d)| *d = m[(i, i)].re);
            }
        }
    }
    let row = |i: usize| (0..n).map(|j| k[(i, j)].abs()).sum::<f64>();
    let norm = (0..n).map(row).fold(0.0, f64::max);
    let strongest = field.iter().fold(0.0f64, |most, d| most.max(d.abs()));
    Some(Block { k, norm, field, strongest })
}

/// A step under a constant field, of any length, by one eigendecomposition.
fn still(block: &Block, c: f64, y: Mat<f64>, h: f64) -> Result<Mat<f64>, StepError> {
    let (n, half) = (y.nrows(), y.ncols() / 2);
    let element = |i: usize, j: usize| block.k[(i, j)] + if i == j { c * block.field[i] } else { 0.0 };
    let u = hermitian_eigen(&Matrix::from_fn(n, n, |i, j| real(element(i, j))))?.propagator(h);
    let y = product(&u, &Matrix::from_fn(n, half, |i, j| C64::new(y[(i, j)], y[(i, half + j)])));
    Ok(Mat::from_fn(n, 2 * half, |i, j| if j < half { y[(i, j)].re } else { y[(i, j - half)].im }))
}

/// Interpolating polynomial at the Chebyshev nodes of [0, 1], in ascending powers.
fn polynomial(at: impl Fn(f64) -> f64) -> [f64; DEGREE + 1] {
    let node = |k: usize| 0.5 - 0.5 * (std::f64::consts::PI * (k as f64 + 0.5) / (DEGREE + 1) as f64).cos();
    let nodes: [f64; DEGREE + 1] = std::array::from_fn(node);
    // Newton's divided differences, then expanded in powers.
    let mut d: [f64; DEGREE + 1] = std::array::from_fn(|k| at(nodes[k]));
    for order in 1..=DEGREE {
        for k in (order..=DEGREE).rev() {
            d[k] = (d[k] - d[k - 1]) / (nodes[k] - nodes[k - order]);
        }
    }
    let mut c = [0.0; DEGREE + 1];
    for k in (0..=DEGREE).rev() {
        for j in (1..=DEGREE).rev() {
            c[j] = c[j - 1] - nodes[k] * c[j];
        }
        c[0] = d[k] - nodes[k] * c[0];
    }
    // Remove rounding, so that a linear field costs two terms instead of five.
    let largest = c.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    c.map(|x| if x.abs() < 1e-14 * largest { 0.0 } else { x })
}

/// One step of the series.
fn term_by_term(block: &Block, start: Mat<f64>, h: f64, c: &[f64; DEGREE + 1]) -> Result<Mat<f64>, StepError> {
    let (n, columns) = (start.nrows(), start.ncols());
    let mut sum = start.clone();
    let mut terms: Vec<Mat<f64>> = vec![Mat::zeros(n, columns); DEGREE + 1];
    terms[0] = start;
    let mut turned = Mat::<f64>::zeros(n, columns);
    let mut next = Mat::<f64>::zeros(n, columns);
    let mut small = 0;
    for k in 0..MOST_TERMS {
        let term = |j: usize| &terms[(k + DEGREE + 1 - j) % (DEGREE + 1)];
        faer::linalg::matmul::matmul(turned.as_mut(), Accum::Replace, &block.k, term(0), 1.0, Par::Seq);
        let loops = Loops {
            turned: &mut turned,
            terms: std::array::from_fn(term),
            c,
            field: &block.field,
            factor: h / (k + 1) as f64,
            next: &mut next,
            sum: &mut sum,
        };
        pulp::Arch::new().dispatch(loops);
        // Checked every DEGREE + 1 terms, the number that enter the recurrence; two successive checks must be below rounding.
        if k % (DEGREE + 1) == DEGREE {
            small = if largest(&next) < 1e-17 { small + 1 } else { 0 };
            if small == 2 {
                return Ok(sum);
            }
        }
        std::mem::swap(&mut terms[(k + 1) % (DEGREE + 1)], &mut next);
    }
    Err(StepError::Tolerance("the series of a step does not converge".into()))
}

/// Element-wise loops over a term of the series. Compiled for every SIMD width; the widest available at run time is used.
struct Loops<'a> {
    turned: &'a mut Mat<f64>,
    /// The latest term, the one before, and so on; terms with negative index are zero.
    terms: [&'a Mat<f64>; DEGREE + 1],
    c: &'a [f64; DEGREE + 1],
    field: &'a [f64],
    factor: f64,
    next: &'a mut Mat<f64>,
    sum: &'a mut Mat<f64>,
}

impl pulp::NullaryFnOnce for Loops<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for j in 2..=DEGREE {
            if self.c[j] != 0.0 {
                add_field(self.turned, self.terms[j], self.field, self.c[j]);
            }
        }
        let fields = [(self.c[0], self.terms[0]), (self.c[1], self.terms[1])];
        rotate(self.turned, fields, self.field, self.factor, self.next, self.sum);
    }
}

/// `turned += c D before`.
#[inline(always)]
fn add_field(turned: &mut Mat<f64>, before: &Mat<f64>, field: &[f64], c: f64) {
    let n = field.len();
    for column in 0..turned.ncols() {
        let (into, from) = (&mut turned.col_as_slice_mut(column)[..n], &before.col_as_slice(column)[..n]);
        (0..n).for_each(|i| into[i] += c * field[i] * from[i]);
    }
}

/// `next = -i factor (turned + D (c_0 y_0 + c_1 y_1))`, added to the sum. With y = a + i b, `-i y = b - i a`.
#[inline(always)]
fn rotate(
    turned: &Mat<f64>,
    [(c0, y0), (c1, y1)]: [(f64, &Mat<f64>); 2],
    field: &[f64],
    factor: f64,
    next: &mut Mat<f64>,
    sum: &mut Mat<f64>,
) {
    let (n, half) = (field.len(), turned.ncols() / 2);
    for column in 0..turned.ncols() {
        let (other, sign) = if column < half { (column + half, factor) } else { (column - half, -factor) };
        let from = &turned.col_as_slice(other)[..n];
        let (y0, y1) = (&y0.col_as_slice(other)[..n], &y1.col_as_slice(other)[..n]);
        let (into, total) = (&mut next.col_as_slice_mut(column)[..n], &mut sum.col_as_slice_mut(column)[..n]);
        for i in 0..n {
            let x = sign * (from[i] + field[i] * (c0 * y0[i] + c1 * y1[i]));
            into[i] = x;
            total[i] += x;
        }
    }
}

fn largest(m: &Mat<f64>) -> f64 {
    let column = |k: usize| m.col_as_slice(k).iter().fold(0.0f64, |most, x| most.max(x.abs()));
    (0..m.ncols()).map(column).fold(0.0, f64::max)
}

impl Stepper for Series {
    /// Enters and leaves the frame once per call.
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        Ok(match state {
            State::Pure(psi) => {
                let inside = self.frame.enter_vector(psi);
                let mut moved = inside.clone();
                for (part, block) in self.frame.parts.iter().zip(&self.blocks) {
                    let states = &part.states;
                    let re_im = |i: usize, j: usize| if j == 0 { inside[states[i]].re } else { inside[states[i]].im };
                    let y = self.through_block(block, Mat::from_fn(states.len(), 2, re_im), from, to)?;
                    states.iter().enumerate().for_each(|(i, &s)| moved[s] = C64::new(y[(i, 0)], y[(i, 1)]));
                }
                State::Pure(self.frame.leave_vector(&moved))
            }
            State::Mixed(rho) => {
                let parts = self.propagators(from, to)?;
                State::Mixed(deviation(rho, |d| self.frame.moved_matrix(&parts, d)))
            }
        })
    }

    fn name(&self) -> &'static str {
        "power series in the frame of the field"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polynomial_is_found() {
        let c = polynomial(|s| 3.0 - 2.0 * s + 0.5 * s * s * s);
        for (found, wanted) in c.iter().zip([3.0, -2.0, 0.0, 0.5, 0.0]) {
            assert!((found - wanted).abs() < 1e-13, "{c:?}");
        }
        assert_eq!(polynomial(|s| 1.0 - s)[2..], [0.0; 3]);
    }
}
