//! Maps of density matrices that are neither evolution nor projections onto a part of the state: resets and outcomes of measurements.

#![expect(
    clippy::indexing_slicing,
    reason = "positions are those of states of the space, and matrices have its dimension"
)]

use crate::hamiltonian::Reset;
use crate::linalg::{C64, Matrix, ONE, ZERO, add_to_diagonal, identity};
use crate::spin::{Space, Sparse};
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

/// `P rho P` of a projector.
pub fn outcome(projector: &Sparse, rho: &Matrix) -> Matrix {
    projector.times_matrix(&projector.times_matrix(rho).adjoint()).adjoint()
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
