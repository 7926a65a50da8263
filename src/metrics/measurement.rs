//! A projective measurement of energy: levels and their projectors.

use crate::linalg::{Eigen, LinalgError, Matrix, conjugate, conjugate_back, hermitian_eigen};
use std::ops::Range;

/// Energies that differ by less than this fraction of the spread belong to one level.
pub const SAME_LEVEL: f64 = 1e-9;

/// An eigendecomposition with its levels.
pub struct Measurement {
    /// Eigenvalues and eigenvectors.
    pub eigen: Eigen,
    /// The eigenstates of every level.
    pub levels: Vec<Range<usize>>,
}

impl Measurement {
    /// The measurement of a Hermitian operator.
    ///
    /// # Errors
    /// If eigenvalues cannot be computed.
    pub fn of(h: &Matrix) -> Result<Measurement, LinalgError> {
        let eigen = hermitian_eigen(h)?;
        let levels = eigen.levels(SAME_LEVEL * eigen.spread());
        Ok(Measurement { eigen, levels })
    }

    /// For every level, its energy and `P_n rho P_n`.
    pub fn projected(&self, rho: &Matrix) -> Vec<(f64, Matrix)> {
        let part = |level: &Range<usize>| {
            let vectors = self.vectors(level);
            (self.energy(level), conjugate(&vectors, &conjugate_back(&vectors, rho)))
        };
        self.levels.iter().map(part).collect()
    }

    /// Mean energy of a level's states.
    pub fn energy(&self, level: &Range<usize>) -> f64 {
        let own = self.eigen.values.get(level.clone()).unwrap_or_default();
        own.iter().sum::<f64>() / own.len().max(1) as f64
    }

    /// Eigenvectors of a level, as columns.
    pub fn vectors(&self, level: &Range<usize>) -> Matrix {
        self.eigen.vectors.columns(level.start, level.len()).into_owned()
    }
}
