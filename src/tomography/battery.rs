//! A battery as a part of a system whose state is measured.

#![expect(
    clippy::indexing_slicing,
    reason = "the parts of a battery are places in its own state and in that of the rest, one for every state of the whole"
)]

use crate::linalg::{C64, Matrix, real};

/// How the battery lies in the system: the numbers of its states and of those of the rest, for every state of the whole.
pub struct Battery {
    /// Its Hamiltonian, on its own space.
    pub hamiltonian: Matrix,
    /// Of every state of the whole: the number of the battery's state, and that of the rest.
    pub parts: Vec<(usize, usize)>,
}

impl Battery {
    /// The state of the battery.
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

    /// An operator of the battery, on the whole.
    pub fn embed(&self, operator: &Matrix) -> Matrix {
        let n = self.parts.len();
        Matrix::from_fn(n, n, |i, j| {
            let ((bi, ri), (bj, rj)) = (self.parts[i], self.parts[j]);
            if ri == rj { operator[(bi, bj)] } else { C64::new(0.0, 0.0) }
        })
    }

    /// A change of the whole that changes the battery's state by this, and that of the rest not at all if it is traceless.
    pub fn shared_out(&self, change: &Matrix) -> Matrix {
        let rest = self.parts.len() / self.hamiltonian.nrows().max(1);
        self.embed(change) * real(1.0 / rest.max(1) as f64)
    }

    /// The whole with the battery in another state, without correlations with the rest.
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
