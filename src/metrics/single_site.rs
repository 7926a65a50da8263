//! Single-site ergotropy: maximum work extracted by a unitary on one qubit, for the full interacting Hamiltonian.
//!
//! Writing `rho = (1/2) sum_b sigma_b x R_b` and `H = sum_a sigma_a x h_a`, a unitary on the qubit rotates the indices b, so the
//! energy is `const + sum_ab O_ab G_ab` with `G_ab = Tr[h_a R_b]`, and the minimum over rotations is
//! `-(s1 + s2 - det(U V^t) s3)` with `G = U s V^t` (Salvia, De Palma, Giovannetti, PRA 107, 012405).

#![expect(
    clippy::indexing_slicing,
    reason = "a site indexes the dimensions, and Pauli and correlation matrices have fixed size"
)]

use super::levels::space_of;
use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{C64, I, Matrix, ONE, Real3, Vector, ZERO, svd3, trace_of_product};
use crate::spin::{Action, Operator};

/// Pauli matrix for k = 0, 1, 2, 3: identity, x, y, z.
pub(super) fn pauli(k: usize) -> Matrix {
    let entries = match k {
        0 => [ONE, ZERO, ZERO, ONE],
        1 => [ZERO, ONE, ONE, ZERO],
        2 => [ZERO, -I, I, ZERO],
        _ => [ONE, ZERO, ZERO, -ONE],
    };
    Matrix::from_row_slice(2, 2, &entries)
}

/// `Tr_site[(sigma_k x 1) m]`: component of `m` on the rest of the system.
pub(super) fn component(m: &Matrix, dimensions: &[usize], site: usize, k: usize) -> Matrix {
    let after: usize = dimensions[site + 1..].iter().product();
    let before: usize = dimensions[..site].iter().product();
    let sigma = pauli(k);
    Matrix::from_fn(before * after, before * after, |i, j| {
        let at = |r: usize, bit: usize| ((r / after) * 2 + bit) * after + r % after;
        let mut sum = ZERO;
        for s in 0..2 {
            for t in 0..2 {
                let weight: C64 = sigma[(t, s)];
                if weight != ZERO {
                    sum += weight * m[(at(i, s), at(j, t))];
                }
            }
        }
        sum
    })
}

/// Correlation matrix `G_ab` of a site.
pub(super) fn correlation(rho: &Matrix, h: &Matrix, dimensions: &[usize], site: usize) -> Real3 {
    let states: Vec<Matrix> = (1..4).map(|k| component(rho, dimensions, site, k)).collect();
    let energies: Vec<Matrix> = (1..4).map(|k| component(h, dimensions, site, k).map(|x| x * 0.5)).collect();
    Real3::from_fn(|a, b| trace_of_product(&energies[a], &states[b]).re)
}

/// Correlation matrix from a state vector: mean of `sigma_b x h_a`, `H = sum_a sigma_a x h_a`, without forming a matrix. With `H_a`, the
/// part of H that changes sign under pi rotations about the axes other than a, it is the mean of `H_a sigma_a sigma_b`.
fn correlation_of_vector(psi: &Vector, h: &Operator, site: usize) -> Result<Real3, Undefined> {
    let dimensions = h.dimensions().to_vec();
    let stride: usize = dimensions[site + 1..].iter().product();
    let turned = |v: &Vector, k: usize| {
        let sigma = pauli(k);
        Vector::from_fn(v.len(), |i, _| {
            let bit = i / stride % 2;
            let base = i - bit * stride;
            sigma[(bit, 0)] * v[base] + sigma[(bit, 1)] * v[base + stride]
        })
    };
    // P_a[H] = (H + sum_k c_k sigma_k H sigma_k)/4, c_k = 1 for k = a and -1 for the others, is sigma_a x h_a.
    let action = Action::of(h, &space_of(h));
    let mut g = Real3::zeros();
    for b in 0..3 {
        for a in 0..3 {
            let right = turned(&turned(psi, b + 1), a + 1);
            let mut sum = psi.dotc(&action.apply(&right));
            for k in 1..4 {
                let sign = if k == a + 1 { 1.0 } else { -1.0 };
                sum += turned(psi, k).dotc(&action.apply(&turned(&right, k))) * sign;
            }
            // sigma_b is on the right of sigma_a here: <psi| sigma_a h_a sigma_a sigma_b |psi>.
            g[(a, b)] = (sum * 0.25).re;
        }
    }
    Ok(g)
}

/// Minimum of `sum_ab O_ab G_ab` over rotations O, and the minimising rotation.
pub(super) fn lowest(g: &Real3) -> Option<(f64, Real3)> {
    let (u, s, vt) = svd3(g)?;
    let sign = (u * vt).determinant().signum();
    // -U diag(1, 1, -sign) V^t has determinant +1.
    let rotation = -(u * Real3::from_diagonal(&nalgebra::Vector3::new(1.0, 1.0, -sign)) * vt);
    Some((-(s[0] + s[1] - sign * s[2]), rotation))
}

/// Maximum work extracted by a unitary on qubit `site`, in the units of `h`.
///
/// # Errors
/// When the subsystem is no qubit.
pub fn single_site_ergotropy(rho: &Matrix, h: &Matrix, dimensions: &[usize], site: usize) -> Result<f64, Undefined> {
    if dimensions.get(site) != Some(&2) {
        return Err(Undefined::Domain("single-site ergotropy is defined for a spin 1/2".into()));
    }
    let g = correlation(rho, h, dimensions, site);
    let Some((lowest, _)) = lowest(&g) else {
        return Err(Undefined::Linalg(crate::linalg::LinalgError::NotConverged));
    };
    Ok(g.trace() - lowest)
}

pub(super) fn evaluate(m: &Moment, a: &[Argument]) -> Value {
    let cells = m.battery()?;
    let dimensions: Vec<usize> = cells.sites.iter().map(|&s| m.dimension(s)).collect();
    let site = m.site(a, 0)?;
    let Some(position) = cells.sites.iter().position(|&s| s == site) else {
        return Err(Undefined::Domain("the site is not a cell of the battery".into()));
    };
    m.has_single_spins(&[site])?;
    if dimensions[position] != 2 {
        return Err(Undefined::Domain("single-site ergotropy is defined for a spin 1/2".into()));
    }
    let g = match m.pure_battery() {
        Some((psi, levels)) => correlation_of_vector(psi, levels.operator(), site)?,
        None => correlation(m.battery_state()?, cells.hamiltonian()?, &dimensions, position),
    };
    let Some((lowest, _)) = lowest(&g) else {
        return Err(Undefined::Linalg(crate::linalg::LinalgError::NotConverged));
    };
    Ok(g.trace() - lowest)
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state, unitary};
    use super::*;
    use crate::linalg::{conjugate, identity, kron};

    #[test]
    fn no_local_unitary_extracts_more() {
        for seed in 0..10 {
            let (rho, h) = (state(6, seed), hamiltonian(6, seed + 50));
            let w = single_site_ergotropy(&rho, &h, &[3, 2], 1).unwrap();
            assert!(w >= -1e-13);
            let mut best = 0.0f64;
            for k in 0..300 {
                let u = kron(&identity(3), &unitary(2, 1000 * seed + k));
                best = best.max((trace_of_product(&rho, &h) - trace_of_product(&conjugate(&u, &rho), &h)).re);
            }
            assert!(best <= w + 1e-12 && best > 0.5 * w, "{best} {w}");
        }
    }

    #[test]
    fn other_spins_are_refused() {
        assert!(single_site_ergotropy(&state(6, 1), &hamiltonian(6, 2), &[3, 2], 0).is_err());
    }
}
