//! Batteries of non-interacting cells: `H = sum_i H_i`.
//!
//! Marginal ergotropy `sum_i W(rho_i; H_i)`; ergotropic gap `W(rho; H) - sum_i W(rho_i; H_i) >= 0`; residual capacity
//! `C(rho; H) - sum_i C(rho_i; H_i) >= 0` for every state. For separable two-qubit states the gap has an upper bound
//! ([`ergotropic_gap_bound`]) that entangled states can violate (Alimuddin, Guha, Parashar, PRA 99, 052320).
//!
//! The cells of a collective are its spins, in equal states.

#![expect(
    clippy::indexing_slicing,
    reason = "cell indices are within the dimensions, and two-qubit functions receive two-qubit matrices"
)]

use super::cells::LARGEST_MATRIX;
use super::deviation::traceless;
use super::ergotropy::asked;
use super::multiplets::one_of_many;
use super::{Argument, Moment, Undefined, Value, capacity, ergotropy, passive_energy};
use crate::linalg::{LinalgError, Matrix, hermitian_values, identity, kron, norm_squared};
use crate::spin::{Operator, reduce};

/// Local parts of a non-interacting Hamiltonian; the constant term is shared equally among them.
///
/// # Errors
/// When the Hamiltonian has interactions.
pub fn local_parts(h: &Matrix, dimensions: &[usize]) -> Result<Vec<Matrix>, Undefined> {
    let d = h.nrows() as f64;
    let constant = h.trace().re / d;
    let mut sum = Matrix::zeros(h.nrows(), h.nrows());
    let mut parts = Vec::new();
    for (site, &n) in dimensions.iter().enumerate() {
        let mean = reduce(h, dimensions, &[site]).map(|x| x * (n as f64 / d));
        let traceless = mean - identity(n).map(|x| x * constant);
        sum += embed(&traceless, dimensions, site);
        parts.push(traceless + identity(n).map(|x| x * (constant / dimensions.len() as f64)));
    }
    let rest = h - sum - identity(h.nrows()).map(|x| x * constant);
    if norm_squared(&rest) > 1e-18 * norm_squared(h).max(f64::MIN_POSITIVE) {
        return Err(Undefined::Domain(
            "the Hamiltonian couples the cells, so it is not a sum of local parts; give an operator without couplings"
                .into(),
        ));
    }
    Ok(parts)
}

fn embed(m: &Matrix, dimensions: &[usize], site: usize) -> Matrix {
    let before: usize = dimensions[..site].iter().product();
    let after: usize = dimensions[site + 1..].iter().product();
    kron(&kron(&identity(before), m), &identity(after))
}

/// Upper bound of the ergotropic gap of separable two-qubit states with the marginals of `rho`:
/// `E_p(rho_A) + E_p(rho_B) - max_X E_p^{AB}(spec(rho_X) padded with zeros)`, X = A, B.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn ergotropic_gap_bound(rho: &Matrix, local: &[Matrix; 2]) -> Result<f64, LinalgError> {
    let whole = kron(&local[0], &identity(2)) + kron(&identity(2), &local[1]);
    let levels = hermitian_values(&whole)?;
    let mut marginal = 0.0;
    let mut best = f64::NEG_INFINITY;
    for (site, h) in local.iter().enumerate() {
        let part = reduce(rho, &[2, 2], &[site]);
        marginal += passive_energy(&part, h)?;
        let spectrum = hermitian_values(&part)?;
        best = best.max(spectrum[1] * levels[0] + spectrum[0] * levels[1]);
    }
    Ok(marginal - best)
}

fn battery_dimensions(m: &Moment) -> Result<Vec<usize>, Undefined> {
    Ok(m.battery()?.sites.iter().map(|&s| m.dimension(s)).collect())
}

/// Index among the cells and traceless Hamiltonian of every cell, if the operator is a sum of local terms; traces do not affect the work of
/// unitaries.
fn parts_of(operator: &Operator) -> Option<Vec<(usize, Matrix)>> {
    Some(operator.locals(LARGEST_MATRIX)?.into_iter().map(|(site, m)| (site, traceless(&m))).collect())
}

/// Sums a quantity over the cells.
fn over_parts(m: &Moment, a: &[Argument], f: fn(&Matrix, &Matrix) -> Result<f64, LinalgError>) -> Value {
    let cells = m.battery()?;
    let given = a.first().map(|_| m.operator_argument(a, 0)).transpose()?;
    let operator = match given {
        Some(argument) => argument.operator().restricted(&cells.sites),
        None => Some(cells.inside().operator().clone()),
    };
    let outside = || Undefined::Domain("the operator acts on subsystems outside the cells of the battery".into());
    let operator = operator.ok_or_else(outside)?;
    let basis = m.scene.space.basis();
    let of_cell = |position: usize, part: &Matrix| {
        let site = cells.sites[position];
        let (number, rho, h) = one_of_many(basis.site(site), &m.reduced(&[site])?, part)?;
        Ok::<_, Undefined>(number * f(&rho, &h)?)
    };
    let mut sum = 0.0;
    if let Some(parts) = parts_of(&operator) {
        for (position, part) in parts {
            sum += of_cell(position, &part)?;
        }
        return Ok(sum);
    }
    let (h, dimensions) = (m.hamiltonian(a)?, battery_dimensions(m)?);
    for (position, part) in local_parts(&h, &dimensions)?.iter().enumerate() {
        sum += of_cell(position, part)?;
    }
    Ok(sum)
}

/// The quantity for the whole battery minus the sum over the cells. `whole` gives it from the energy and from the lowest and highest energy
/// that unitaries reach.
fn beside_parts(
    m: &Moment,
    a: &[Argument],
    f: fn(&Matrix, &Matrix) -> Result<f64, LinalgError>,
    whole: impl Fn(f64, (f64, f64)) -> f64,
) -> Value {
    let parts = over_parts(m, a, f)?;
    if let (Some((_, levels)), true) = (m.pure_battery(), a.is_empty()) {
        return Ok(whole(m.energy()?, levels.ends()?) - parts);
    }
    if m.battery()?.levels.is_some() {
        let [energy, low, high] = asked(m, a)?;
        return Ok(whole(energy, (low, high)) - parts);
    }
    Ok(f(m.battery_state()?, &m.hamiltonian(a)?)? - parts)
}

pub(super) fn evaluate_marginal(m: &Moment, a: &[Argument]) -> Value {
    over_parts(m, a, ergotropy)
}

pub(super) fn evaluate_gap(m: &Moment, a: &[Argument]) -> Value {
    beside_parts(m, a, ergotropy, |energy, (low, _)| energy - low)
}

pub(super) fn evaluate_residual(m: &Moment, a: &[Argument]) -> Value {
    beside_parts(m, a, capacity, |_, (low, high)| high - low)
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state};
    use super::*;

    #[test]
    fn parts_add_up_and_gaps_are_positive() {
        for seed in 0..20 {
            let (a, b) = (hamiltonian(2, seed), hamiltonian(3, seed + 1));
            let h = kron(&a, &identity(3)) + kron(&identity(2), &b);
            let parts = local_parts(&h, &[2, 3]).unwrap();
            let again = embed(&parts[0], &[2, 3], 0) + embed(&parts[1], &[2, 3], 1);
            assert!((again - &h).norm() < 1e-12);
            let rho = state(6, seed + 2);
            let gap = |f: fn(&Matrix, &Matrix) -> Result<f64, LinalgError>| {
                f(&rho, &h).unwrap() - (0..2).map(|k| f(&reduce(&rho, &[2, 3], &[k]), &parts[k]).unwrap()).sum::<f64>()
            };
            assert!(gap(ergotropy) >= -1e-12 && gap(capacity) >= -1e-12);
        }
    }

    #[test]
    fn couplings_are_refused() {
        assert!(local_parts(&hamiltonian(4, 3), &[2, 2]).is_err());
    }
}
