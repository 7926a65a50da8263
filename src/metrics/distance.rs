//! How far two states are apart.
//!
//! Fidelity `F = (Tr sqrt(sqrt(a) b sqrt(a)))^2`, the square of the nuclear norm of `sqrt(a) sqrt(b)` (the squared convention);
//! trace distance; Bures angle `arccos sqrt(F)`, good to 1e-8 near F = 1. `1 - sqrt(F) <= D <= sqrt(1 - F)`.

use super::{Argument, Moment, Value};
use crate::linalg::{LinalgError, Matrix, hermitian_values, positive_root, product, singular_values};
use crate::spin::State;

/// Fidelity, between 0 and 1.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn fidelity(a: &Matrix, b: &Matrix) -> Result<f64, LinalgError> {
    let norm: f64 = singular_values(&product(&positive_root(a)?, &positive_root(b)?))?.iter().sum();
    Ok((norm * norm).min(1.0))
}

/// Half the sum of the magnitudes of the eigenvalues of the difference.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn trace_distance(a: &Matrix, b: &Matrix) -> Result<f64, LinalgError> {
    Ok(hermitian_values(&(a - b))?.iter().map(|x| x.abs()).sum::<f64>() / 2.0)
}

/// `arccos sqrt(F)`.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn bures_angle(a: &Matrix, b: &Matrix) -> Result<f64, LinalgError> {
    Ok(fidelity(a, b)?.sqrt().min(1.0).acos())
}

pub(super) fn evaluate_fidelity(m: &Moment, _: &[Argument]) -> Value {
    if let (State::Pure(a), State::Pure(b)) = (&m.scene.initial, m.state) {
        return Ok(a.dotc(b).norm_sqr().min(1.0));
    }
    Ok(fidelity(m.scene.initial_density()?, m.density()?)?)
}

pub(super) fn evaluate_trace_distance(m: &Moment, a: &[Argument]) -> Value {
    if let (State::Pure(_), State::Pure(_)) = (&m.scene.initial, m.state) {
        return Ok((1.0 - evaluate_fidelity(m, a)?).max(0.0).sqrt());
    }
    Ok(trace_distance(m.scene.initial_density()?, m.density()?)?)
}

pub(super) fn evaluate_bures(m: &Moment, a: &[Argument]) -> Value {
    Ok(evaluate_fidelity(m, a)?.sqrt().min(1.0).acos())
}

#[cfg(test)]
mod tests {
    use super::super::random::{pure, state};
    use super::*;

    #[test]
    fn fidelity_and_distance_bound_each_other() {
        for seed in 0..30 {
            let (a, b) = (state(4, seed), state(4, seed + 1));
            let (f, d) = (fidelity(&a, &b).unwrap(), trace_distance(&a, &b).unwrap());
            assert!((f - fidelity(&b, &a).unwrap()).abs() < 1e-12);
            assert!(1.0 - f.sqrt() <= d + 1e-12 && d <= (1.0 - f).sqrt() + 1e-12);
            assert!((fidelity(&a, &a).unwrap() - 1.0).abs() < 1e-12);
            let (p, q) = (pure(4, seed), pure(4, seed + 5));
            assert!((fidelity(&p, &q).unwrap() - crate::linalg::trace_of_product(&p, &q).re).abs() < 1e-7);
        }
    }
}
