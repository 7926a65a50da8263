//! A unitary propagator by the invariant subspaces of its Hamiltonian.
//!
//! Blocks of a density matrix that connect two subspaces are propagated separately: `rho_ab -> U_a rho_ab U_b^dagger`. Under a secular
//! Hamiltonian most of them vanish, because a pulse on thermal polarisation excites single quanta only.

#![expect(
    clippy::indexing_slicing,
    reason = "the states of each block are within the dimension of the states propagated"
)]

use crate::linalg::{C64, Matrix, Vector, power, product, product_with_adjoint};

/// Unitaries of the blocks of a space, each with its basis states. States of no block have no amplitude.
#[derive(Clone)]
pub struct BlockUnitary {
    blocks: Vec<(Vec<usize>, Matrix)>,
}

impl BlockUnitary {
    /// From the basis states and the unitary of each block.
    pub fn new(blocks: Vec<(Vec<usize>, Matrix)>) -> BlockUnitary {
        BlockUnitary { blocks }
    }

    /// `U psi`.
    pub fn vector(&self, psi: &Vector) -> Vector {
        let mut out = Vector::zeros(psi.len());
        for (states, u) in &self.blocks {
            let moved = u * Vector::from_fn(states.len(), |k, _| psi[states[k]]);
            states.iter().zip(moved.iter()).for_each(|(&k, x)| out[k] = *x);
        }
        out
    }

    /// `U d U^dagger` of a Hermitian matrix. Blocks that vanish but for rounding are set to zero: a hard pulse of 90 deg leaves such
    /// blocks in all orders of coherence.
    pub fn matrix(&self, d: &Matrix) -> Matrix {
        let negligible = negligible(d);
        let n = d.nrows();
        let mut out = Matrix::zeros(n, n);
        for (p, (rows, left)) in self.blocks.iter().enumerate() {
            for (columns, right) in self.blocks.iter().skip(p) {
                let elements = columns.iter().flat_map(|c| {
                    let column = &d.as_slice()[c * n..(c + 1) * n];
                    rows.iter().map(|r| column[*r])
                });
                let block = Matrix::from_iterator(rows.len(), columns.len(), elements);
                if largest(&block) <= negligible {
                    continue;
                }
                let moved = product_with_adjoint(&product(left, &block), right);
                let whole = out.as_mut_slice();
                for (column, from) in columns.iter().zip(moved.as_slice().chunks_exact(rows.len())) {
                    for (row, x) in rows.iter().zip(from) {
                        whole[column * n + row] = *x;
                        whole[row * n + column] = x.conj();
                    }
                }
            }
        }
        out
    }

    /// The matrix on a space of this dimension.
    pub fn whole(&self, dimension: usize) -> Matrix {
        let mut out = Matrix::zeros(dimension, dimension);
        for (states, u) in &self.blocks {
            for (j, &column) in states.iter().enumerate() {
                states.iter().enumerate().for_each(|(i, &row)| out[(row, column)] = u[(i, j)]);
            }
        }
        out
    }

    /// `U^n`.
    pub fn power(&self, n: u64) -> BlockUnitary {
        BlockUnitary { blocks: self.blocks.iter().map(|(states, u)| (states.clone(), power(u, n))).collect() }
    }
}

/// Size of elements of a deviation that are rounding of its largest.
pub fn negligible(deviation: &Matrix) -> f64 {
    0.5 * f64::EPSILON * largest(deviation)
}

/// Largest real or imaginary part.
pub fn largest(m: &Matrix) -> f64 {
    m.iter().fold(0.0, |most: f64, x: &C64| most.max(x.re.abs()).max(x.im.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{conjugate, hermitian_eigen, make_hermitian};

    fn matrix(n: usize, seed: f64) -> Matrix {
        let at = |i: usize, j: usize| seed * (1 + i) as f64 + 0.7 * (j as f64 + seed).powi(2);
        let mut m = Matrix::from_fn(n, n, |i, j| C64::new(at(i, j).sin(), at(j, i).cos()));
        make_hermitian(&mut m);
        m
    }

    #[test]
    fn blocks_propagate_like_the_whole_matrix() {
        let lists = [vec![0, 3], vec![1, 4, 5], vec![2]];
        let of = |k: usize, states: &Vec<usize>| {
            let u = hermitian_eigen(&matrix(states.len(), 0.3 + k as f64)).expect("eigenvalues").propagator(1.3);
            (states.clone(), u)
        };
        let unitary = BlockUnitary::new(lists.iter().enumerate().map(|(k, states)| of(k, states)).collect());
        let (whole, d) = (unitary.whole(6), matrix(6, 2.1));
        assert!((unitary.matrix(&d) - conjugate(&whole, &d)).norm() < 1e-14);
        assert!((unitary.power(5).whole(6) - power(&whole, 5)).norm() < 1e-13);
        let psi = Vector::from_fn(6, |k, _| C64::new(k as f64, 1.0));
        assert!((unitary.vector(&psi) - whole * psi).norm() < 1e-13);
    }
}
