//! Purity, von Neumann entropy, mutual information. Entropies in bits; a pure state has 0, never -1e-16.

use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{LinalgError, Matrix, hermitian_values, norm_squared};
use crate::spin::{State, reduce};

/// `Tr[rho^2]`, between 1/d and 1.
pub fn purity(rho: &Matrix) -> f64 {
    norm_squared(rho)
}

/// `-sum r log2 r` over positive eigenvalues, between 0 and log2 d.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn entropy(rho: &Matrix) -> Result<f64, LinalgError> {
    let values = hermitian_values(rho)?;
    Ok(values.iter().filter(|r| **r > 0.0).map(|r| -r * r.log2()).sum::<f64>().max(0.0))
}

/// `S(a) + S(b) - S(ab)` of a state on a space of dimensions a x b.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn mutual_information(rho: &Matrix, a: usize, b: usize) -> Result<f64, LinalgError> {
    let part = |k: usize| entropy(&reduce(rho, &[a, b], &[k]));
    Ok(part(0)? + part(1)? - entropy(rho)?)
}

/// `Tr[rho (ln rho - ln sigma)]` for sigma of full rank.
#[cfg(test)]
pub(super) fn relative_entropy_nats(rho: &Matrix, sigma: &Matrix) -> Result<f64, LinalgError> {
    let log_sigma = crate::linalg::hermitian_eigen(sigma)?.function(|x| crate::linalg::real(x.ln()));
    Ok(-entropy(rho)? * 2f64.ln() - crate::linalg::trace_of_product(rho, &log_sigma).re)
}

pub(super) fn evaluate_purity(m: &Moment, _: &[Argument]) -> Value {
    Ok(match (&m.scene.cells, m.state) {
        (Some(_), _) => m.battery_spectrum()?.iter().map(|(r, copies)| r * r * copies).sum(),
        (None, State::Pure(_)) => 1.0,
        (None, State::Mixed(rho)) => {
            m.counts_every_state()?;
            purity(rho)
        }
    })
}

pub(super) fn evaluate_entropy(m: &Moment, _: &[Argument]) -> Value {
    Ok(match (&m.scene.cells, m.state) {
        (Some(_), _) => {
            let spectrum = m.battery_spectrum()?.iter().filter(|(r, _)| *r > 0.0);
            spectrum.map(|(r, copies)| -r * r.log2() * copies).sum::<f64>().max(0.0)
        }
        (None, State::Pure(_)) => 0.0,
        (None, State::Mixed(rho)) => {
            m.counts_every_state()?;
            entropy(rho)?
        }
    })
}

pub(super) fn evaluate_mutual(m: &Moment, a: &[Argument]) -> Value {
    let (first, second) = (m.sites(a, 0)?, m.sites(a, 1)?);
    if first.iter().any(|s| second.contains(s)) {
        return Err(Undefined::Domain("the two parts of a mutual information must not overlap".into()));
    }
    let size = |sites: &[usize]| sites.iter().map(|&s| m.dimension(s)).product();
    let (a, b) = (size(&first), size(&second));
    let both: Vec<usize> = first.iter().chain(&second).copied().collect();
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
