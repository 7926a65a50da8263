//! Steps that remove part of the state and leave the rest unchanged: gradients, gradients that keep some orders, and dephasing.

use crate::hamiltonian::Step;
use crate::linalg::{Eigen, LinalgError, Matrix, hermitian_eigen};
use crate::source::Place;
use crate::spin::{Space, Sparse, crush, dephase, keep_orders};

/// A projection of density matrices. It is self-adjoint, so observables transform like states.
pub enum Projection {
    /// Keeps coherences of these total orders; twice the quantum number m of every basis state, and the orders.
    Orders(Vec<i64>, Vec<i64>),
    /// Keeps coherences between states with equal quantum numbers for every nucleus.
    Gradient(Vec<Vec<i64>>),
    /// Keeps the part that commutes with an operator.
    Commuting(Eigen),
}

impl Projection {
    /// The projection of a step; `None` if the step is not one.
    ///
    /// # Errors
    /// If the eigenvalues of an operator cannot be computed; with the place of its statement.
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
            | Step::Reset(_)
            | Step::Project(_)
            | Step::Feedback(_)
            | Step::Mark(_)
            | Step::Acquire(_)
            | Step::Tomography(_)
            | Step::Strobe(_)
            | Step::Loop(..) => return Ok(None),
        }))
    }

    /// Applies the projection to a matrix.
    pub fn apply(&self, m: &Matrix) -> Matrix {
        match self {
            Projection::Orders(twice_m, keep) => keep_orders(m, twice_m, keep),
            Projection::Gradient(labels) => crush(m, labels),
            Projection::Commuting(eigen) => dephase(m, eigen),
        }
    }
}
