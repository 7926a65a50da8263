//! Maps of density matrices that are neither evolution nor projections onto a part of the state: resets and outcomes of measurements.

#![expect(
    clippy::indexing_slicing,
    reason = "positions are those of states of the space, and matrices have its dimension"
)]

use crate::hamiltonian::{Project, Reset, Step};
use crate::linalg::{C64, Matrix, ONE, ZERO, add_to_diagonal, identity, real};
use crate::spin::{Operator, Space, Sparse};
use std::collections::BTreeMap;

/// `sigma (x) Tr_S[rho]`, with the factors of the sites S at their places; `None` if the space lacks a state that sigma occupies.
pub fn reset(reset: &Reset, space: &Space, rho: &Matrix) -> Option<Matrix> {
    let (basis, n) = (space.basis(), space.len());
    let d = reset.state.nrows();
    // By the state of the other sites: the positions of all states of S beside it.
    let mut beside: BTreeMap<usize, Vec<Option<usize>>> = BTreeMap::new();
    for position in 0..n {
        let mut digits = basis.digits(space.state(position));
        let mut own = 0;
        for &site in &reset.sites {
            own = own * basis.site(site).dimension + digits[site];
            digits[site] = 0;
        }
        beside.entry(basis.index(&digits)).or_insert_with(|| vec![None; d])[own] = Some(position);
    }
    let mut out = Matrix::zeros(n, n);
    for left in beside.values() {
        for right in beside.values() {
            let pairs = left.iter().zip(right);
            let traced: C64 = pairs.filter_map(|(i, j)| Some(rho[((*i)?, (*j)?)])).sum();
            if traced == ZERO {
                continue;
            }
            for (a, b) in (0..d).flat_map(|a| (0..d).map(move |b| (a, b))) {
                let element = reset.state[(a, b)] * traced;
                if element != ZERO {
                    out[(left[a]?, right[b]?)] = element;
                }
            }
        }
    }
    Some(out)
}

/// `P_l rho P_l` for every outcome l of a measurement.
pub fn outcomes(project: &Project, space: &Space, rho: &Matrix) -> Vec<Matrix> {
    let outcome = |(projector, _): &(Operator, Vec<Step>)| {
        let projector = Sparse::of(projector, space);
        projector.times_matrix(&projector.times_matrix(rho).adjoint()).adjoint()
    };
    project.branches.iter().map(outcome).collect()
}

/// `sum_l p(k|l) P_l rho P_l`: the state if outcome k is recorded, with its probability as trace, from those of all outcomes.
pub fn recorded(project: &Project, k: usize, outcomes: &[Matrix]) -> Matrix {
    let n = outcomes.first().map_or(0, Matrix::nrows);
    let mut sum = Matrix::zeros(n, n);
    for (l, outcome) in outcomes.iter().enumerate() {
        let probability = project.recorded(k, l);
        if probability > 0.0 {
            sum += outcome * real(probability);
        }
    }
    sum
}

/// A linear map on n states as a superoperator on stacked deviations with the mean as last element, as [`super::engines::exact::stacked`]
/// has them; `None` if the map has no value.
pub fn superoperator(n: usize, map: impl Fn(&Matrix) -> Option<Matrix>) -> Option<Matrix> {
    let mut out = Matrix::zeros(n * n + 1, n * n + 1);
    let mut column = |k: usize, from: &Matrix| -> Option<()> {
        let mut found = map(from)?;
        let mean = found.trace() / n as f64;
        add_to_diagonal(&mut found, -mean);
        found.iter().chain([&mean]).enumerate().for_each(|(row, x)| out[(row, k)] = *x);
        Some(())
    };
    for k in 0..n * n {
        let mut unit = Matrix::zeros(n, n);
        unit[(k % n, k / n)] = ONE;
        column(k, &unit)?;
    }
    column(n * n, &identity(n))?;
    Some(out)
}
