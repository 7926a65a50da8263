//! Purity, von Neumann entropy, mutual information. Entropies are in bits; exactly 0 for a pure state, never -1e-16.

use super::deviation::{Spectrum, entropy_gain, traceless};
use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{LinalgError, Matrix, identity, kron, norm_squared, real};
use crate::spin::reduce;
use std::f64::consts::LN_2;

/// Purity `Tr[rho^2]`, between 1/d and 1.
pub fn purity(rho: &Matrix) -> f64 {
    norm_squared(rho)
}

/// Von Neumann entropy `-sum r log2 r` over the positive eigenvalues, bits, between 0 and log2 d.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn entropy(rho: &Matrix) -> Result<f64, LinalgError> {
    Ok(Spectrum::of(rho)?.entropy())
}

/// `S(P[rho]) - S(rho)` in bits for a projection P that preserves the identity: their relative entropy, never negative.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn entropy_gained(rho: &Matrix, project: impl Fn(&Matrix) -> Matrix) -> Result<f64, LinalgError> {
    let (d, deviation) = (real(rho.nrows() as f64), traceless(rho));
    let lost = &deviation - project(&deviation);
    if let Some(gain) = entropy_gain(&(deviation * d), &(lost * d)) {
        return Ok(gain / LN_2);
    }
    Ok(((Spectrum::of(rho)?.deficit() - Spectrum::of(&project(rho))?.deficit()) / LN_2).max(0.0))
}

/// Mutual information `S(a) + S(b) - S(ab)` in bits of a state on a space of dimensions a x b.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn mutual_information(rho: &Matrix, a: usize, b: usize) -> Result<f64, LinalgError> {
    // With the deviations of the marginals, rho - rho_a x rho_b does not involve the identity.
    let deviation = traceless(rho);
    let (left, right) = (reduce(&deviation, &[a, b], &[0]), reduce(&deviation, &[a, b], &[1]));
    let (one_a, one_b) = (identity(a) / real(a as f64), identity(b) / real(b as f64));
    let apart = kron(&left, &one_b) + kron(&one_a, &right) + kron(&left, &right);
    let d = real((a * b) as f64);
    if let Some(gain) = entropy_gain(&(&deviation * d), &((&deviation - apart) * d)) {
        return Ok(gain / LN_2);
    }
    let part = |k: usize| entropy(&reduce(rho, &[a, b], &[k]));
    Ok((part(0)? + part(1)? - entropy(rho)?).max(0.0))
}

/// Relative entropy `Tr[rho (ln rho - ln sigma)]` in nats, for sigma of full rank.
#[cfg(test)]
pub(super) fn relative_entropy_nats(rho: &Matrix, sigma: &Matrix) -> Result<f64, LinalgError> {
    let log_sigma = crate::linalg::hermitian_eigen(sigma)?.function(|x| crate::linalg::real(x.ln()));
    Ok(-entropy(rho)? * 2f64.ln() - crate::linalg::trace_of_product(rho, &log_sigma).re)
}

pub(super) fn evaluate_purity(m: &Moment, _: &[Argument]) -> Value {
    Ok(match &m.scene.cells {
        Some(_) => m.battery_spectrum()?.purity(),
        None => m.system_spectrum()?.purity(),
    })
}

pub(super) fn evaluate_entropy(m: &Moment, _: &[Argument]) -> Value {
    Ok(match &m.scene.cells {
        Some(_) => m.battery_spectrum()?.entropy(),
        None => m.system_spectrum()?.entropy(),
    })
}

pub(super) fn evaluate_mutual(m: &Moment, a: &[Argument]) -> Value {
    let (first, second) = (m.sites(a, 0)?, m.sites(a, 1)?);
    if first.iter().any(|s| second.contains(s)) {
        return Err(Undefined::Domain("the two parts of a mutual information must not overlap".into()));
    }
    let size = |sites: &[usize]| sites.iter().map(|&s| m.dimension(s)).product::<usize>();
    let (a, b) = (size(&first), size(&second));
    let both: Vec<usize> = first.iter().chain(&second).copied().collect();
    // For a pure state, or if the joint matrix would be large, use the eigenvalues of each part.
    const LARGE: usize = 256;
    let large = (a as f64) * (b as f64) > LARGE as f64;
    if m.pure_system().is_some() || large {
        let of = |sites: &[usize]| Ok::<_, Undefined>(m.spectrum_of(sites)?.entropy());
        return Ok((of(&first)? + of(&second)? - of(&both)?).max(0.0));
    }
    Ok(mutual_information(&m.reduced(&both)?, a, b)?)
}

#[cfg(test)]
mod tests {
    use super::super::random::{pure, state};
    use super::*;
    use crate::linalg::kron;

    #[test]
    fn laws_of_entropy() {
        for seed in 0..20 {
            let (a, b) = (state(2, seed), state(3, seed + 1));
            let ab = kron(&a, &b);
            assert!((entropy(&ab).unwrap() - entropy(&a).unwrap() - entropy(&b).unwrap()).abs() < 1e-12);
            assert!((purity(&ab) - purity(&a) * purity(&b)).abs() < 1e-13);
            assert!(mutual_information(&ab, 2, 3).unwrap().abs() < 1e-12);
            assert!(entropy(&pure(6, seed)).unwrap() < 1e-12);
            let rho = state(6, seed);
            assert!(mutual_information(&rho, 2, 3).unwrap() > -1e-12);
        }
    }
}
