//! The basis in which the time-dependent field is diagonal.
//!
//! While a locking field is ramped down, the parity under a rotation by pi about it is conserved. This is not visible in the product basis
//! along z. If each spin is quantised along the field instead, H is block diagonal in the states of even and odd parity, as it is
//! for any other conserved quantity, and dipolar Hamiltonians are real. Two half-size blocks take a quarter of the time of the whole, and
//! real matrices a quarter of that.

#![expect(clippy::indexing_slicing, reason = "parts are lists of basis states of the space of the state")]

use super::block_unitary::BlockUnitary;
use super::product_unitary::Turn;
use crate::emulator::generator::Generator;
use crate::hamiltonian::Scalar;
use crate::linalg::{C64, Matrix, Vector, ZERO, hermitian_eigen, real};

/// Below this dimension the basis change costs more than it saves.
const SMALLEST: usize = 4;

/// Relative size below which entries are rounding errors of the basis change.
const ROUNDING: f64 = 1e-14;

/// Basis states spanning a subspace invariant under H at all times, and the terms of H restricted to it.
pub struct Part {
    /// Indices of the basis states in the frame.
    pub states: Vec<usize>,
    /// Coefficients and matrices of the terms.
    pub terms: Vec<(Scalar, Matrix)>,
}

/// H in the frame.
pub struct Frame {
    dimension: usize,
    /// Basis change into the frame and back; `None` if the frame is the product basis.
    turns: Option<(Turn, Turn)>,
    /// The invariant blocks.
    pub parts: Vec<Part>,
}

impl Frame {
    /// The frame of a generator without dissipators.
    pub fn of(generator: &Generator) -> Frame {
        let dimension = generator.dimension;
        let turns = if dimension < SMALLEST { None } else { turns(generator) };
        let terms: Vec<(Scalar, Matrix)> = generator
            .terms()
            .map(|(c, m)| {
                let inside = turns.as_ref().map_or_else(|| m.clone(), |(into, _)| tidied(into.matrix(m)));
                (c.clone(), inside)
            })
            .collect();
        let parts = lists(dimension, &terms)
            .into_iter()
            .map(|states| {
                let block = |m: &Matrix| Matrix::from_fn(states.len(), states.len(), |i, j| m[(states[i], states[j])]);
                let terms = terms.iter().map(|(c, m)| (c.clone(), block(m))).collect();
                Part { states, terms }
            })
            .collect();

        Frame { dimension, turns, parts }
    }

    /// Assembles the whole matrix from its blocks.
    pub fn whole(&self, blocks: &[Matrix]) -> Matrix {
        let mut out = Matrix::zeros(self.dimension, self.dimension);
        for (part, block) in self.parts.iter().zip(blocks) {
            for (j, &column) in part.states.iter().enumerate() {
                part.states.iter().enumerate().for_each(|(i, &row)| out[(row, column)] = block[(i, j)]);
            }
        }
        out
    }

    /// Transforms a matrix from the frame to the product basis.
    pub fn leave(&self, m: &Matrix) -> Matrix {
        self.turns.as_ref().map_or_else(|| m.clone(), |(_, back)| back.matrix(m))
    }

    /// True if the frame differs from the product basis.
    pub fn is_turned(&self) -> bool {
        self.turns.is_some()
    }

    /// Transforms a vector from the product basis to the frame.
    pub fn enter_vector(&self, psi: &Vector) -> Vector {
        self.turns.as_ref().map_or_else(|| psi.clone(), |(into, _)| into.vector(psi))
    }

    /// Transforms a vector from the frame to the product basis.
    pub fn leave_vector(&self, psi: &Vector) -> Vector {
        self.turns.as_ref().map_or_else(|| psi.clone(), |(_, back)| back.vector(psi))
    }

    /// `U psi`, with U given by its blocks in the frame.
    pub fn moved_vector(&self, blocks: &[Matrix], psi: &Vector) -> Vector {
        let inside = self.enter_vector(psi);
        let mut moved = Vector::zeros(psi.len());
        for (part, u) in self.parts.iter().zip(blocks) {
            let own = u * Vector::from_fn(part.states.len(), |k, _| inside[part.states[k]]);
            part.states.iter().zip(own.iter()).for_each(|(&k, x)| moved[k] = *x);
        }
        self.leave_vector(&moved)
    }

    /// `U m U^dagger` of a Hermitian matrix, with U given by its blocks in the frame.
    pub fn moved_matrix(&self, blocks: Vec<Matrix>, m: &Matrix) -> Matrix {
        let blocks = self.parts.iter().map(|part| part.states.clone()).zip(blocks).collect();
        let unitary = BlockUnitary::new(blocks);
        match &self.turns {
            Some((into, back)) => back.matrix(&unitary.matrix(&into.matrix(m))),
            None => unitary.matrix(m),
        }
    }
}

/// Basis changes into the eigenbasis of the time-dependent field, and back.
fn turns(generator: &Generator) -> Option<(Turn, Turn)> {
    let (dimensions, field) = generator.changing_field()?;
    let vectors: Vec<(usize, Matrix)> =
        field.iter().map(|(site, m)| Some((*site, phased(hermitian_eigen(m).ok()?.vectors)))).collect::<Option<_>>()?;
    let into = vectors.iter().map(|(site, v)| (*site, v.adjoint())).collect();
    Some((Turn::new(&dimensions, into), Turn::new(&dimensions, vectors)))
}

/// Fixes eigenvector phases such that operators diagonal along z with equidistant values (Iz) are real in the frame.
fn phased(mut vectors: Matrix) -> Matrix {
    let n = vectors.nrows();
    for k in 1..n {
        let (before, now) = (vectors.column(k - 1), vectors.column(k));
        let element: C64 = (0..n).map(|i| before[i].conj() * now[i] * (n - 1 - i) as f64).sum();
        if element.norm() > 1e-9 {
            let phase = element.conj() / element.norm();
            vectors.column_mut(k).iter_mut().for_each(|x| *x *= phase);
        }
    }
    vectors
}

/// Removes the rounding of the basis change: nearly zero parts become zero, nearly real elements real.
fn tidied(m: Matrix) -> Matrix {
    let largest = m.iter().map(|x| x.norm()).fold(0.0, f64::max);
    let small = ROUNDING * largest * m.nrows() as f64;
    let cut = |x: f64| if x.abs() <= small { 0.0 } else { x };
    m.map(|x| C64::new(cut(x.re), cut(x.im)))
}

/// Lists of basis states that no term connects with each other.
fn lists(n: usize, terms: &[(Scalar, Matrix)]) -> Vec<Vec<usize>> {
    let mut all = Matrix::zeros(n, n);
    for (_, m) in terms {
        all.zip_apply(m, |x, y| *x += real(f64::from(y != ZERO)));
    }
    crate::linalg::blocks(&all).unwrap_or_else(|| vec![(0..n).collect()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::random::{hamiltonian, unitary};

    /// The basis change and its inverse compose to the identity, and the blocks of a unitary act as the whole.
    #[test]
    fn blocks_move_as_the_whole() {
        let vectors = vec![(0, unitary(2, 1)), (2, unitary(3, 2))];
        let into = vectors.iter().map(|(s, v)| (*s, v.adjoint())).collect();
        let turns = Some((Turn::new(&[2, 2, 3], into), Turn::new(&[2, 2, 3], vectors)));
        let parts = vec![(0..7).collect::<Vec<_>>(), (7..12).collect()];
        let parts = parts.into_iter().map(|states| Part { states, terms: vec![] }).collect();
        let frame = Frame { dimension: 12, turns, parts };
        let blocks = [unitary(7, 3), unitary(5, 4)];
        let u = frame.leave(&frame.whole(&blocks));
        let m = hamiltonian(12, 5);
        assert!((crate::linalg::conjugate(&u, &m) - frame.moved_matrix(blocks.to_vec(), &m)).norm() < 1e-12);
        let psi = Vector::from_fn(12, |k, _| C64::new(k as f64, 1.0));
        assert!((&u * &psi - frame.moved_vector(&blocks, &psi)).norm() < 1e-12);
    }
}
