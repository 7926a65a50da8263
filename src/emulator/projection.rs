//! Steps that remove a part of the state and leave the rest as it is: gradients, gradients that keep some orders, and dephasing.

use crate::hamiltonian::Step;
use crate::linalg::{Eigen, LinalgError, Matrix, hermitian_eigen};
use crate::source::Place;
use crate::spin::{Space, Sparse, crush, dephase, keep_orders};

/// What remains: a projection of density matrices. It is its own adjoint, so observables go through it as states do.
pub enum Projection {
    /// Coherences of these total orders, by twice the quantum number of every state.
    Orders(Vec<i64>, Vec<i64>),
    /// Coherences between states of equal quantum numbers of every nucleus.
    Gradient(Vec<Vec<i64>>),
    /// What commutes with an operator.
    Commuting(Eigen),
}

impl Projection {
    /// That of a step; `None` where the step is none.
    ///
    /// # Errors
    /// When the eigenvalues of an operator cannot be computed, with the place of its statement.
    pub fn of(step: &Step, space: &Space) -> Result<Option<Projection>, (Place, LinalgError)> {
        let basis = space.basis();
        let twice_m = |nucleus, k| basis.twice_m_of(nucleus, space.state(k));
        Ok(Some(match step {
            Step::Crush(keep) if !keep.is_empty() => {
                let total = |k| basis.nuclei().into_iter().map(|n| twice_m(n, k)).sum();
                Projection::Orders((0..space.len()).map(total).collect(), keep.clone())
            }
            Step::Crush(_) => {
                let of = |nucleus| (0..space.len()).map(|k| twice_m(nucleus, k)).collect();
                Projection::Gradient(basis.nuclei().into_iter().map(of).collect())
            }
            Step::Dephase(operator, place) => {
                let inside = Sparse::of(operator, space).dense();
                Projection::Commuting(hermitian_eigen(&inside).map_err(|e| (*place, e))?)
            }
            Step::Segment(_)
            | Step::Kick(_)
            | Step::Mark(_)
            | Step::Acquire(_)
            | Step::Tomography(_)
            | Step::Loop(..) => return Ok(None),
        }))
    }

    /// What remains of a matrix.
    pub fn apply(&self, m: &Matrix) -> Matrix {
        match self {
            Projection::Orders(twice_m, keep) => keep_orders(m, twice_m, keep),
            Projection::Gradient(labels) => crush(m, labels),
            Projection::Commuting(eigen) => dephase(m, eigen),
        }
    }
}
