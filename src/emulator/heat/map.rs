//! Linear maps of density matrices together with their heat, for loops: a superoperator with one more row, and its powers.

#![expect(clippy::indexing_slicing, reason = "rows and columns are those of the superoperator of n states")]

use super::super::engines::DENSE_LIOUVILLE;
use super::super::engines::exact::{observing, stacked, unstacked};
use super::super::propagator::Propagator;
use crate::linalg::{Matrix, ONE, Vector, ZERO, identity, power, product};
use crate::spin::State;

/// A map of stacked density matrices with the mean behind them, and of the heat behind both.
#[derive(Clone)]
pub struct HeatMap(Matrix);

impl HeatMap {
    /// True if the superoperator of this many states is formed.
    pub fn fits(states: usize) -> bool {
        states * states <= DENSE_LIOUVILLE
    }

    /// Nothing happens.
    pub fn identity(states: usize) -> HeatMap {
        HeatMap(identity(states * states + 2))
    }

    /// From a superoperator, and the row that gives its heat.
    pub fn new((map, row): (Matrix, Vector)) -> HeatMap {
        let n = map.nrows();
        let mut whole = map.resize(n + 1, n + 1, ZERO);
        whole[(n, n)] = ONE;
        (0..n).for_each(|k| whole[(n, k)] = row[k]);
        HeatMap(whole)
    }

    /// Unitary evolution, which has no heat; `None` if it would be too large.
    pub fn unitary(propagator: Propagator) -> Option<HeatMap> {
        let map = propagator.whole().superoperator()?;
        let n = map.nrows();
        Some(HeatMap::new((map, Vector::zeros(n))))
    }

    /// An instantaneous map of states, whose heat is the change of the energy.
    pub fn statement(map: &Matrix, energy: &Matrix) -> HeatMap {
        let row = change(map, energy);
        HeatMap::new((map.clone(), row))
    }

    /// A measurement: the maps of its outcomes, each with what follows it.
    pub fn measurement(branches: &[(Matrix, HeatMap)], energy: &Matrix) -> HeatMap {
        let n = energy.nrows() * energy.nrows() + 1;
        let (mut measured, mut sum, mut row) = (Matrix::zeros(n, n), Matrix::zeros(n, n), Vector::zeros(n));
        for (outcome, HeatMap(then)) in branches {
            measured += outcome;
            sum += product(&then.view((0, 0), (n, n)).into_owned(), outcome);
            row += (then.view((n, 0), (1, n)) * outcome).transpose();
        }
        let heat = row + change(&measured, energy);
        HeatMap::new((sum, heat))
    }

    /// This map followed by another.
    pub fn then(&self, next: &HeatMap) -> HeatMap {
        HeatMap(product(&next.0, &self.0))
    }

    /// Repetitions.
    pub fn power(&self, count: u64) -> HeatMap {
        HeatMap(power(&self.0, count))
    }

    /// The state after the map, and its heat.
    pub fn apply(&self, state: &State) -> (State, f64) {
        let v = stacked(&state.density());
        let n = v.len();
        let moved = &self.0 * v.push(ZERO);
        (State::Mixed(unstacked(&moved.rows(0, n).into_owned())), moved[n].re)
    }

    /// The heat from a state on.
    pub fn heat(&self, state: &State) -> f64 {
        let v = stacked(&state.density());
        let last = v.len();
        (0..last).map(|k| (self.0[(last, k)] * v[k]).re).sum()
    }
}

/// The row that gives the change of the energy by a map. The identity is subtracted first, so that what is conserved cancels exactly.
fn change(map: &Matrix, energy: &Matrix) -> Vector {
    let difference = map - identity(map.nrows());
    difference.transpose() * observing(energy)
}
