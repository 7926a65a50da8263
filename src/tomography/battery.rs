//! A battery as a subsystem of a measured system.

#![expect(
    clippy::indexing_slicing,
    reason = "parts are indices of battery and rest states, one pair per state of the whole system"
)]

use crate::lanes::MatrixBatch;
use crate::linalg::{C64, Matrix, real};

/// Embedding of the battery in the system: battery index and rest index of every basis state of the whole system.
pub struct Battery {
    /// Hamiltonian of the battery, on its own space.
    pub hamiltonian: Matrix,
    /// For every basis state of the whole system: (battery state, rest state).
    pub parts: Vec<(usize, usize)>,
}

impl Battery {
    /// Reduced density matrix of the battery (partial trace over the rest).
    pub fn reduce(&self, state: &Matrix) -> Matrix {
        let n = self.hamiltonian.nrows();
        let mut out = Matrix::zeros(n, n);
        for (j, (bj, rj)) in self.parts.iter().enumerate() {
            for (i, (bi, ri)) in self.parts.iter().enumerate() {
                if ri == rj {
                    out[(*bi, *bj)] += state[(i, j)];
                }
            }
        }
        out
    }

    /// True if it is the whole system, with the same order of states.
    pub fn is_whole(&self) -> bool {
        self.parts.iter().enumerate().all(|(k, (own, rest))| *own == k && *rest == 0)
    }

    /// Reduced density matrices of the battery, one per lane.
    pub fn reduce_all(&self, states: &MatrixBatch) -> MatrixBatch {
        let mut out = MatrixBatch::zeros(self.hamiltonian.nrows());
        for (j, (bj, rj)) in self.parts.iter().enumerate() {
            for (i, (bi, ri)) in self.parts.iter().enumerate() {
                if ri == rj {
                    let ((re, im), (x, y)) = (out.at(*bi, *bj), states.at(i, j));
                    out.put(*bi, *bj, re + x, im + y);
                }
            }
        }
        out
    }

    /// Embeds an operator of the battery in the whole system (tensor product with the identity).
    pub fn embed(&self, operator: &Matrix) -> Matrix {
        let n = self.parts.len();
        Matrix::from_fn(n, n, |i, j| {
            let ((bi, ri), (bj, rj)) = (self.parts[i], self.parts[j]);
            if ri == rj { operator[(bi, bj)] } else { C64::new(0.0, 0.0) }
        })
    }

    /// A change of the whole state that changes the battery's reduced state by `change`, and, for a traceless one, leaves the
    /// rest unchanged.
    pub fn shared_out(&self, change: &Matrix) -> Matrix {
        let rest = self.parts.len() / self.hamiltonian.nrows().max(1);
        self.embed(change) * real(1.0 / rest.max(1) as f64)
    }

    /// Product of the battery state `own` and the reduced state of the rest in `whole`.
    pub fn with(&self, whole: &Matrix, own: &Matrix) -> Matrix {
        let n = self.parts.len();
        let rests = n / self.hamiltonian.nrows().max(1);
        let mut rest = Matrix::zeros(rests, rests);
        for (j, (bj, rj)) in self.parts.iter().enumerate() {
            for (i, (bi, ri)) in self.parts.iter().enumerate() {
                if bi == bj {
                    rest[(*ri, *rj)] += whole[(i, j)];
                }
            }
        }
        Matrix::from_fn(n, n, |i, j| {
            let ((bi, ri), (bj, rj)) = (self.parts[i], self.parts[j]);
            own[(bi, bj)] * rest[(ri, rj)]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::random::{hamiltonian, state};

    #[test]
    fn lanes_are_reduced_like_single_states() {
        // The battery is the second of three spins.
        let parts = (0..8).map(|k| (k >> 1 & 1, 2 * (k >> 2) + (k & 1))).collect();
        let battery = Battery { hamiltonian: hamiltonian(2, 1), parts };
        let whole = Battery { hamiltonian: hamiltonian(8, 1), parts: (0..8).map(|k| (k, 0)).collect() };
        assert!(whole.is_whole() && !battery.is_whole());
        let mut states = MatrixBatch::zeros(8);
        states.set_lane(3, &state(8, 2));
        for battery in [battery, whole] {
            assert_eq!(battery.reduce_all(&states).lane(3), battery.reduce(&state(8, 2)));
        }
    }
}
