//! Entanglement: concurrence of two qubits, negativity of any bipartition.
//!
//! * Concurrence `max(0, s1 - s2 - s3 - s4)` with the singular values s of `sqrt(rho) (Y x Y) sqrt(rho)*` (Wootters). The eigenvalues
//!   of `rho rho~` would lose half of the digits near zero. Populations below 4e-15 count as zero, which changes C by up to their roots,
//!   about 1e-7; not for X states, where C is `2 max(0, |rho_03| - sqrt(rho_11 rho_22),
//!   |rho_12| - sqrt(rho_00 rho_33))` (Yu and Eberly, Quantum Inf. Comput. 7, 459).
//! * Negativity `(|rho^T_a|_1 - 1)/2`, logarithmic negativity `log2 |rho^T_a|_1` (Vidal, Werner). For two qubits in a pure state
//!   `N = C/2` and `E_N = log2(1 + C)`; always `2 N <= C`.

use super::single_site::pauli;
use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{C64, LinalgError, Matrix, hermitian_values, kron, positive_root, product, singular_values};
use crate::spin::partial_transpose;
use std::f64::consts::LN_2;

/// Concurrence of a two-qubit state.
///
/// # Errors
/// When singular values cannot be computed.
pub fn concurrence(rho: &Matrix) -> Result<f64, LinalgError> {
    if let Some(concurrence) = of_x_state(rho) {
        return Ok(concurrence);
    }
    wootters(rho)
}

/// The concurrence of a state that has exact zeros outside its diagonal and antidiagonal; `None` for other states.
fn of_x_state(rho: &Matrix) -> Option<f64> {
    let elements = rho.as_slice();
    let outside = |k: usize| k / 4 != k % 4 && k / 4 + k % 4 != 3;
    let is_x =
        elements.len() == 16 && elements.iter().enumerate().all(|(k, x)| !outside(k) || *x == C64::new(0.0, 0.0));
    if !is_x || elements.iter().any(|x| !x.re.is_finite() || !x.im.is_finite()) {
        return None;
    }
    let size = |i: usize, j: usize| 0.5 * (rho[(i, j)] + rho[(j, i)].conj()).norm();
    let mean = |i: usize, j: usize| (rho[(i, i)].re.max(0.0) * rho[(j, j)].re.max(0.0)).sqrt();
    Some(2.0 * (size(0, 3) - mean(1, 2)).max(size(1, 2) - mean(0, 3)).max(0.0))
}

fn wootters(rho: &Matrix) -> Result<f64, LinalgError> {
    let root = positive_root(rho)?;
    let flip = kron(&pauli(2), &pauli(2));
    let s = singular_values(&product(&product(&root, &flip), &root.conjugate()))?;
    let (largest, others) = s.split_first().unwrap_or((&0.0, &[]));
    Ok(others.iter().fold(*largest, |rest, x| rest - x).max(0.0))
}

/// Sum of the magnitudes of the negative eigenvalues of the partial transpose; exactly 0 if there are none.
fn below_zero(rho: &Matrix, dimensions: &[usize], sites: &[usize]) -> Result<f64, LinalgError> {
    Ok(hermitian_values(&partial_transpose(rho, dimensions, sites))?.iter().map(|x| (-x).max(0.0)).sum())
}

/// Negativity of the subsystems `sites` with respect to the rest.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn negativity(rho: &Matrix, dimensions: &[usize], sites: &[usize]) -> Result<f64, LinalgError> {
    below_zero(rho, dimensions, sites)
}

/// Logarithmic negativity of the subsystems `sites` with respect to the rest, in bits.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn log_negativity(rho: &Matrix, dimensions: &[usize], sites: &[usize]) -> Result<f64, LinalgError> {
    Ok((2.0 * below_zero(rho, dimensions, sites)?).ln_1p() / LN_2)
}

/// Negativity at a moment; for a pure state with Schmidt coefficients s, `((sum s)^2 - 1)/2`.
fn at(m: &Moment, a: &[Argument]) -> Value {
    let sites = m.sites(a, 0)?;
    if let Some(coefficients) = m.schmidt(&sites)? {
        let (sum, squares) = coefficients.iter().fold((0.0, 0.0), |(sum, squares), s| (sum + s, squares + s * s));
        return Ok(((sum * sum - squares) / 2.0f64).max(0.0));
    }
    Ok(negativity(m.density()?, m.dimensions(), &sites)?)
}

pub(super) fn evaluate_concurrence(m: &Moment, a: &[Argument]) -> Value {
    let (first, second) = (m.site(a, 0)?, m.site(a, 1)?);
    if first == second || m.dimension(first) != 2 || m.dimension(second) != 2 {
        return Err(Undefined::Domain("concurrence is defined for two different spins 1/2".into()));
    }
    Ok(concurrence(&m.reduced(&[first, second])?)?)
}

pub(super) fn evaluate_negativity(m: &Moment, a: &[Argument]) -> Value {
    at(m, a)
}

pub(super) fn evaluate_log_negativity(m: &Moment, a: &[Argument]) -> Value {
    Ok((2.0 * at(m, a)?).ln_1p() / LN_2)
}

#[cfg(test)]
mod tests {
    use super::super::random::{pure, state, unitary};
    use super::*;
    use crate::linalg::conjugate;
    use crate::spin::reduce;

    #[test]
    fn pure_states_agree_between_the_measures() {
        for seed in 0..40 {
            let rho = pure(4, seed);
            let c = concurrence(&rho).unwrap();
            assert!((negativity(&rho, &[2, 2], &[0]).unwrap() - c / 2.0).abs() < 1e-12);
            assert!((log_negativity(&rho, &[2, 2], &[0]).unwrap() - (1.0 + c).log2()).abs() < 1e-11);
            let part = reduce(&rho, &[2, 2], &[0]);
            let determinant = (part[(0, 0)] * part[(1, 1)] - part[(0, 1)] * part[(1, 0)]).re;
            assert!((c - 2.0 * determinant.max(0.0).sqrt()).abs() < 1e-7);
        }
    }

    /// States with only a diagonal and an antidiagonal, some of them pure: the closed form is that of Wootters.
    #[test]
    fn x_states_have_a_closed_form() {
        for seed in 0..60 {
            let mut rho = if seed % 3 > 0 { pure(4, seed) } else { state(4, seed) };
            (0..4).for_each(|i| (0..4).filter(|j| i != *j && i + j != 3).for_each(|j| rho[(i, j)] *= 0.0));
            let (closed, general) = (of_x_state(&rho).unwrap(), wootters(&rho).unwrap());
            assert!((closed - general).abs() < 1e-12, "seed {seed}: {closed} {general}");
        }
        assert!(of_x_state(&state(4, 1)).is_none() && of_x_state(&state(2, 1)).is_none());
    }

    #[test]
    fn local_unitaries_change_nothing_and_negativity_is_below_concurrence() {
        for seed in 0..20 {
            let rho = (state(4, seed) + pure(4, seed + 1).map(|x| x * 2.0)).map(|x| x / 3.0);
            let u = kron(&unitary(2, seed + 2), &unitary(2, seed + 3));
            let c = concurrence(&rho).unwrap();
            assert!((concurrence(&conjugate(&u, &rho)).unwrap() - c).abs() < 1e-12);
            assert!(2.0 * negativity(&rho, &[2, 2], &[1]).unwrap() <= c + 1e-12);
        }
    }
}
