//! A time-dependent field, by the power series of the solution in time.
//!
//! In the frame of the field (see [`super::frame`]) `H(t) = K + c(t) D` with a constant real K and a diagonal D. Over a step, c is
//! interpolated by a polynomial of degree 4 at Chebyshev nodes, whose error is checked between them; then the power series of the solution
//! (see [`super::power_series`]) is summed until its terms are below rounding, which is no further approximation. The phase advance over
//! which a series is summed is at most 8 rad, because rounding grows exponentially with it.
//!
//! A state vector is propagated from the start of a step. The series of a propagator starts in the middle of its step: its even and odd
//! terms give `V(+)` and `V(-)`, from the middle to the end and to the start, and `U = V(+) V(-)^dagger` over twice the phase.
//!
//! Where the field is constant, one eigendecomposition covers the whole interval. Exponentials of mean Hamiltonians are not used: at
//! order 4 they need ten times as many steps for the seventh digit, and an eigendecomposition for each.

#![expect(
    clippy::indexing_slicing,
    reason = "polynomials have DEGREE + 1 coefficients, and the rows and columns of a block are as many as the values of its field"
)]

use super::frame::{Frame, Part};
use super::panel::{PANEL, Row};
use super::power_series::{DEGREE, Ramp, Rows, Sums, TURN, columns_of_identity, propagator_from_middle};
use super::{StepError, Stepper};
use crate::emulator::generator::{Generator, deviation};
use crate::emulator::mesh::{Mesh, resolution};
use crate::emulator::step_error::check_phase;
use crate::hamiltonian::Scalar;
use crate::linalg::{C64, Eigen, Matrix, Vector, hermitian_eigen, product, real};
use crate::spin::State;

/// An invariant block of the space: `K + c D`.
struct Block {
    k: Rows,
    norm: f64,
    field: Vec<f64>,
    strongest: f64,
    /// K as a whole, for constant fields.
    whole: Matrix,
}

/// A piece of time between two stops of the mesh.
enum Piece {
    /// A length, and the constant field.
    Still(f64, f64),
    /// A length, and the polynomial of the field over it, in powers of `(t - start) / length`.
    Step(f64, [f64; DEGREE + 1]),
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

    /// Gives the pieces between two times within a cell of the mesh, each of a phase of at most `turn` unless the field is constant.
    fn pieces(
        &self,
        block: &Block,
        [from, to]: [f64; 2],
        turn: f64,
        each: &mut dyn FnMut(Piece) -> Result<(), StepError>,
    ) -> Result<(), StepError> {
        let smallest = resolution(self.span);
        let mut t = from;
        if to - t > smallest && self.is_still(from, to) {
            return each(Piece::Still(to - from, self.field.at(0.5 * (from + to))));
        }
        let at = |k: u32| self.field.at(from + (to - from) * (f64::from(k) + 0.5) / 16.0).abs();
        let phase = (to - from) * (block.norm + (0..16).map(at).fold(0.0, f64::max) * block.strongest);
        if phase.is_finite() {
            check_phase(phase, from, to)?;
        }
        while to - t > smallest {
            let (h, c) = self.step(block, t, to, turn)?;
            each(Piece::Step(h, c))?;
            t += h;
        }
        Ok(())
    }

    /// True if the field is constant between two times, as within the amplitude steps of a ramp.
    fn is_still(&self, from: f64, to: f64) -> bool {
        let at = |k: u32| self.field.at(from + (to - from) * (f64::from(k) + 0.5) / 16.0);
        (1..16).all(|k| at(k) == at(0))
    }

    /// The longest step from time t within the allowed phase advance, and the field's polynomial over it.
    fn step(&self, block: &Block, t: f64, to: f64, allowed_turn: f64) -> Result<(f64, [f64; DEGREE + 1]), StepError> {
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
            if turn > allowed_turn {
                // No very short remainder is left.
                h = (h / (turn / allowed_turn).ceil()).min(0.5 * h);
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

    /// Gives all pieces of an interval in turn, cell by cell of the mesh.
    fn path(
        &self,
        block: &Block,
        [from, to]: [f64; 2],
        turn: f64,
        mut each: impl FnMut(Piece) -> Result<(), StepError>,
    ) -> Result<(), StepError> {
        let mut now = from;
        for stop in self.mesh.stops(from, to)? {
            self.pieces(block, [now, stop], turn, &mut each)?;
            now = stop;
        }
        Ok(())
    }

    fn propagators(&self, from: f64, to: f64) -> Result<Vec<Matrix>, StepError> {
        let one = |block: &Block| -> Result<Matrix, StepError> {
            let mut whole: Option<Matrix> = None;
            self.path(block, [from, to], 2.0 * TURN, |piece| {
                let u = match piece {
                    Piece::Still(h, c) => block.eigen(c)?.propagator(h),
                    Piece::Step(h, c) => block.propagator(h, &c)?,
                };
                whole = Some(match whole.take() {
                    Some(before) => product(&u, &before),
                    None => u,
                });
                Ok(())
            })?;
            Ok(whole.unwrap_or_else(|| crate::linalg::identity(block.field.len())))
        };
        self.blocks.iter().map(one).collect()
    }

    fn moved_vector(&self, block: &Block, mut psi: Vector, from: f64, to: f64) -> Result<Vector, StepError> {
        self.path(block, [from, to], TURN, |piece| {
            psi = match piece {
                Piece::Still(h, c) => block.eigen(c)?.propagator(h) * &psi,
                Piece::Step(h, c) => block.moved(h, &c, &psi)?,
            };
            Ok(())
        })?;
        Ok(psi)
    }
}

impl Block {
    /// Eigenvalues of `K + c D`.
    fn eigen(&self, c: f64) -> Result<Eigen, StepError> {
        let mut h = self.whole.clone();
        self.field.iter().enumerate().for_each(|(i, d)| h[(i, i)] += real(c * d));
        Ok(hermitian_eigen(&h)?)
    }

    /// The vector after a step of length h.
    fn moved(&self, h: f64, c: &[f64; DEGREE + 1], psi: &Vector) -> Result<Vector, StepError> {
        let ramp = Ramp { constant: &self.k, field: &self.field, factor: h, polynomial: c };
        let length = psi.norm();
        let start = psi.iter().map(|x| Row { re: [x.re / length], im: [x.im / length] }).collect();
        if length == 0.0 {
            return Ok(psi.clone());
        }
        let Sums::<1> { even, odd } = ramp.solution(start)?;
        let after = even.iter().zip(&odd).map(|(e, o)| C64::new(e.re[0] + o.re[0], e.im[0] + o.im[0]) * length);
        Ok(Vector::from_iterator(psi.len(), after))
    }

    /// The propagator of a step of length h, from its middle in both directions.
    fn propagator(&self, h: f64, c: &[f64; DEGREE + 1]) -> Result<Matrix, StepError> {
        let n = self.field.len();
        let polynomial = about_the_middle(c);
        let ramp = Ramp { constant: &self.k, field: &self.field, factor: 0.5 * h, polynomial: &polynomial };
        propagator_from_middle(n, |first| ramp.solution::<PANEL>(columns_of_identity(n, first)))
    }
}

/// K and D of a block; `None` if they are not real, or D is not diagonal.
fn block(part: &Part) -> Option<Block> {
    let n = part.terms.first()?.1.nrows();
    let mut whole = Matrix::zeros(n, n);
    let mut field = vec![0.0; n];
    for (c, m) in &part.terms {
        if m.iter().any(|x| x.im != 0.0) {
            return None;
        }
        match c.constant() {
            Some(c) => whole.zip_apply(m, |x, y| *x += real(c * y.re)),
            None => {
                if (0..n).any(|j| (0..n).any(|i| i != j && m[(i, j)].re != 0.0)) {
                    return None;
                }
                // Several time-dependent terms share this operator; their coefficients are summed in the field.
                field.iter_mut().enumerate().for_each(|(i, d)| *d = m[(i, i)].re);
            }
        }
    }
    let k = Rows::of(n, |i, j| whole[(i, j)].re);
    let norm = k.norm();
    let strongest = field.iter().fold(0.0f64, |most, d| most.max(d.abs()));
    Some(Block { k, norm, field, strongest, whole })
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

/// The polynomial of s in 0 ..= 1 as one of `x = 2 s - 1`.
fn about_the_middle(c: &[f64; DEGREE + 1]) -> [f64; DEGREE + 1] {
    // Horner's rule with s = (1 + x) / 2.
    let mut out = [0.0; DEGREE + 1];
    for c in c.iter().rev() {
        for j in (1..=DEGREE).rev() {
            out[j] = 0.5 * (out[j] + out[j - 1]);
        }
        out[0] = 0.5 * out[0] + c;
    }
    out
}

impl Stepper for Series {
    /// Enters and leaves the frame once per call.
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        Ok(match state {
            State::Pure(psi) => {
                let inside = self.frame.enter_vector(psi);
                let mut moved = inside.clone();
                for (part, block) in self.frame.parts.iter().zip(&self.blocks) {
                    let own = Vector::from_fn(part.states.len(), |k, _| inside[part.states[k]]);
                    let own = self.moved_vector(block, own, from, to)?;
                    part.states.iter().zip(own.iter()).for_each(|(&s, x)| moved[s] = *x);
                }
                State::Pure(self.frame.leave_vector(&moved))
            }
            State::Mixed(rho) => {
                let parts = self.propagators(from, to)?;
                State::Mixed(deviation(rho, |d| self.frame.moved_matrix(parts, d)))
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

    #[test]
    fn a_polynomial_is_moved_to_the_middle() {
        let c = [0.3, -2.0, 0.5, 4.0, -1.0];
        let value = |c: &[f64], s: f64| c.iter().rev().fold(0.0, |sum, c| sum * s + c);
        for s in [0.0, 0.2, 0.5, 0.9, 1.0] {
            assert!((value(&about_the_middle(&c), 2.0 * s - 1.0) - value(&c, s)).abs() < 1e-14);
        }
        assert_eq!(about_the_middle(&[1.0, -1.0, 0.0, 0.0, 0.0])[2..], [0.0; 3]);
    }
}
