//! Energy, ergotropy and capacity as functions of a battery's state, and families of states along which they change.
//!
//! All three are `Q(rho) = Tr[rho A] + sum_k l_k r_k`, r the eigenvalues of rho in descending order and l a descending list:
//!
//! ```text
//! energy     A = H   l = 0
//! ergotropy  A = H   l_k = -e_k            e the levels in ascending order
//! capacity   A = 0   l_k = e_(n-1-k) - e_k
//! ```
//!
//! so all three are convex. States of smaller Q are given by the proximal map, `argmin Q(x) + |x - rho|^2 / 2t`: the eigenvalues of
//! `rho - t A` minus `t l`, made descending by isotonic regression and projected onto the simplex. States of larger Q are along the
//! gradient `A + sum_k l_k |r_k><r_k|`.

#![expect(clippy::indexing_slicing, reason = "indices are within the number of levels of the battery")]

use crate::lanes::{Lane, MatrixBatch};
use crate::linalg::{C64, LinalgError, Matrix, conjugate, conjugate_back, hermitian_eigen, hermitian_values, real};
use crate::linalg::{norm_squared, trace_of_product};
use crate::spin::project_to_simplex;

/// Kind of energy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Energy `Tr[rho H]`.
    Energy,
    /// Ergotropy: maximum work extracted by unitaries.
    Ergotropy,
    /// Capacity: highest minus lowest energy on the unitary orbit.
    Capacity,
}

/// An energy of a battery as a convex function of its state.
pub struct Functional {
    /// Kind of energy.
    pub kind: Kind,
    linear: Matrix,
    /// Coefficients l, descending.
    list: Vec<f64>,
    hamiltonian: Matrix,
    /// Energy levels, ascending.
    levels: Vec<f64>,
}

impl Functional {
    /// Functional for a battery with this Hamiltonian.
    ///
    /// # Errors
    /// When eigenvalues cannot be computed.
    pub fn new(kind: Kind, hamiltonian: &Matrix) -> Result<Functional, LinalgError> {
        let levels = hermitian_values(hamiltonian)?;
        let list = match kind {
            Kind::Energy => vec![0.0; levels.len()],
            Kind::Ergotropy => levels.iter().map(|e| -e).collect(),
            Kind::Capacity => levels.iter().rev().zip(&levels).map(|(upper, lower)| upper - lower).collect(),
        };
        let linear = if kind == Kind::Capacity { hamiltonian * real(0.0) } else { hamiltonian.clone() };
        Ok(Functional { kind, linear, list, hamiltonian: hamiltonian.clone(), levels })
    }

    /// Difference between the highest and the lowest level.
    pub fn range(&self) -> f64 {
        self.levels.last().copied().unwrap_or(0.0) - self.levels.first().copied().unwrap_or(0.0)
    }

    /// Value for a Hermitian matrix of trace 1, positive or not.
    ///
    /// # Errors
    /// When eigenvalues cannot be computed.
    pub fn value(&self, state: &Matrix) -> Result<f64, LinalgError> {
        let linear = match self.kind {
            Kind::Capacity => 0.0,
            _ => trace_of_product(state, &self.linear).re,
        };
        Ok(match self.kind {
            Kind::Energy => linear,
            _ => linear + hermitian_values(state)?.iter().rev().zip(&self.list).map(|(r, l)| r * l).sum::<f64>(),
        })
    }

    /// Values for a batch of states with these eigenvalues, ascending.
    pub fn values(&self, states: &MatrixBatch, eigenvalues: &[Lane]) -> Lane {
        let linear = match self.kind {
            Kind::Capacity => Lane::zero(),
            _ => states.mean_of(&self.linear),
        };
        match self.kind {
            Kind::Energy => linear,
            _ => eigenvalues.iter().rev().zip(&self.list).fold(linear, |sum, (r, l)| sum + *r * *l),
        }
    }

    /// Traceless gradient; for degenerate eigenvalues, one of the subgradients.
    ///
    /// # Errors
    /// When eigenvalues cannot be computed.
    pub fn gradient(&self, state: &Matrix) -> Result<Matrix, LinalgError> {
        let own = hermitian_eigen(state)?;
        let lists: Vec<f64> = self.list.iter().rev().copied().collect();
        let mut out = &self.linear + rotated(&own.vectors, &lists);
        let level = out.trace() / out.nrows() as f64;
        crate::linalg::add_to_diagonal(&mut out, -level);
        Ok(out)
    }

    /// The state of smaller value at parameter t of the proximal map.
    ///
    /// # Errors
    /// When eigenvalues cannot be computed.
    pub fn below(&self, state: &Matrix, t: f64) -> Result<Matrix, LinalgError> {
        let own = hermitian_eigen(&(state - &self.linear * real(t)))?;
        let wanted: Vec<f64> = own.values.iter().rev().zip(&self.list).map(|(a, l)| a - t * l).collect();
        Ok(rotated(&own.vectors, &spectrum(&wanted)))
    }

    /// The minimiser at the end of the proximal map: the nearest mixture of ground states (energy), the nearest passive state
    /// (ergotropy), or the maximally mixed state (capacity).
    ///
    /// # Errors
    /// When eigenvalues cannot be computed.
    pub fn lowest(&self, state: &Matrix) -> Result<Matrix, LinalgError> {
        // Levels closer than this fraction of their range count as degenerate.
        const ALIKE: f64 = 1e-9;
        let n = self.levels.len();
        if self.kind == Kind::Capacity {
            return Ok(crate::linalg::identity(n) * real(1.0 / n as f64));
        }
        let h = hermitian_eigen(&self.hamiltonian)?;
        let inside = conjugate_back(&h.vectors, state);
        let (mut vectors, mut populations, mut from) = (h.vectors.clone(), vec![0.0; n], 0);
        while from < n {
            let same = |k: &usize| h.values[*k] - h.values[from] <= ALIKE * self.range();
            let to = from + (from..n).take_while(same).count();
            let size = to - from;
            let block = hermitian_eigen(&Matrix::from_fn(size, size, |i, j| inside[(from + i, from + j)]))?;
            // Within a degenerate level, larger populations first.
            for k in 0..size {
                let column = block.vectors.column(size - 1 - k);
                let own = (0..size).fold(h.vectors.column(from) * C64::new(0.0, 0.0), |sum, i| {
                    sum + h.vectors.column(from + i) * column[i]
                });
                vectors.set_column(from + k, &own);
                populations[from + k] = block.values[size - 1 - k];
            }
            from = to;
            if self.kind == Kind::Energy {
                break;
            }
        }
        let mut descending = match self.kind {
            Kind::Energy => project_to_simplex(&populations[..from]),
            _ => spectrum(&populations).into_iter().rev().collect(),
        };
        descending.resize(n, 0.0);
        Ok(rotated(&vectors, &descending))
    }
}

/// `V diag(values) V^dagger`.
pub fn rotated(vectors: &Matrix, values: &[f64]) -> Matrix {
    conjugate(
        vectors,
        &Matrix::from_diagonal(&crate::linalg::Vector::from_iterator(values.len(), values.iter().map(|x| real(*x)))),
    )
}

/// Spectrum (ascending, non-negative, sum 1) of the state nearest to a list that should be descending.
pub fn spectrum(wanted: &[f64]) -> Vec<f64> {
    project_to_simplex(&descending(wanted)).into_iter().rev().collect()
}

/// Nearest descending list: isotonic regression by pooling adjacent violators.
fn descending(list: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::with_capacity(list.len());
    for x in list {
        let mut pool = (*x, 1);
        while let Some((mean, size)) = pools.pop_if(|(mean, _)| *mean < pool.0) {
            let all = size + pool.1;
            pool = ((mean * size as f64 + pool.0 * pool.1 as f64) / all as f64, all);
        }
        pools.push(pool);
    }
    pools.into_iter().flat_map(|(mean, size)| std::iter::repeat_n(mean, size)).collect()
}

/// Squared norm of a gradient, with a lower bound proportional to the squared energy range.
pub fn steepness(functional: &Functional, gradient: &Matrix) -> f64 {
    const LEAST: f64 = 1e-6;
    norm_squared(gradient).max(LEAST * functional.range().powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{capacity, ergotropy, random};

    #[test]
    fn values_are_those_of_the_metrics() {
        for seed in 0..5 {
            let (state, h) = (random::state(4, seed), random::hamiltonian(4, 100 + seed));
            let of = |kind| Functional::new(kind, &h).unwrap().value(&state).unwrap();
            assert!((of(Kind::Energy) - trace_of_product(&state, &h).re).abs() < 1e-12);
            assert!((of(Kind::Ergotropy) - ergotropy(&state, &h).unwrap()).abs() < 1e-12);
            assert!((of(Kind::Capacity) - capacity(&state, &h).unwrap()).abs() < 1e-12);
            // The same in lanes.
            let mut states = MatrixBatch::zeros(4);
            states.set_lane(5, &state);
            let own: Vec<Lane> = hermitian_values(&state).unwrap().into_iter().map(Lane::splat).collect();
            for kind in [Kind::Energy, Kind::Ergotropy, Kind::Capacity] {
                let all = Functional::new(kind, &h).unwrap().values(&states, &own);
                assert!((all.0[5] - of(kind)).abs() < 1e-13, "{kind:?}");
            }
        }
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let (state, h, way) = (random::state(4, 1), random::hamiltonian(4, 2), random::hamiltonian(4, 3));
        for kind in [Kind::Energy, Kind::Ergotropy, Kind::Capacity] {
            let f = Functional::new(kind, &h).unwrap();
            let at = |by: f64| f.value(&(&state + &way * real(by))).unwrap();
            let traceless = &way - crate::linalg::identity(4) * (way.trace() / 4.0);
            let slope = (f.value(&(&state + &traceless * real(1e-6))).unwrap()
                - f.value(&(&state - &traceless * real(1e-6))).unwrap())
                / 2e-6;
            let expected = trace_of_product(&f.gradient(&state).unwrap(), &traceless).re;
            assert!((slope - expected).abs() < 1e-6, "{kind:?}: {slope} {expected} {}", at(0.0));
        }
    }

    #[test]
    fn the_proximal_map_is_the_minimum_and_ends_at_the_lowest_value() {
        let (state, h) = (random::state(4, 5), random::hamiltonian(4, 6));
        for kind in [Kind::Energy, Kind::Ergotropy, Kind::Capacity] {
            let f = Functional::new(kind, &h).unwrap();
            let t = 0.03;
            let cost = |x: &Matrix| f.value(x).unwrap() + norm_squared(&(x - &state)) / (2.0 * t);
            let best = f.below(&state, t).unwrap();
            // The cost is convex, so testing mixtures with any other state suffices.
            for seed in 0..50 {
                let other = &best * real(0.99) + random::state(4, 200 + seed) * real(0.01);
                assert!(cost(&best) <= cost(&other) + 1e-12, "{kind:?} {seed}");
            }
            let far = f.below(&state, 1e5 / f.range()).unwrap();
            let end = f.lowest(&state).unwrap();
            assert!((&far - &end).norm() < 1e-3, "{kind:?}: {far} {end}");
            let lowest = if kind == Kind::Energy { hermitian_values(&h).unwrap()[0] } else { 0.0 };
            assert!((f.value(&end).unwrap() - lowest).abs() < 1e-12, "{kind:?}");
        }
    }
}
