//! Coherence in a given basis (Baumgratz, Cramer, Plenio, PRL 113, 140401).
//!
//! l1 coherence `l1 = sum over i != j of |rho_ij|`, between 0 and d - 1; `1 + l1` is multiplicative on product states. Relative entropy of
//! coherence `S(D[rho]) - S(rho)` in bits, additive. In the energy basis a degenerate level counts as one block, since the basis within it
//! is arbitrary: `l1 = sum over levels a != b of |P_a rho P_b|_1`, the trace norms of the blocks between levels (Bischof, Kampermann,
//! Bruss, PRL 123, 110402). Without degeneracy this reduces to the sum of magnitudes; it never depends on the choice of eigenvectors.

use super::deviation::{Spectrum, traceless};
use super::entropy::entropy_gained;
use super::{Argument, BohrExpansion, Curve, Moment, Scene, Undefined, Value};
use crate::linalg::{C64, Eigen, LinalgError, Matrix, conjugate_back, groups, singular_values};
use crate::spin::degenerate_within;

/// l1 coherence in the basis of the matrix.
pub fn l1_coherence(rho: &Matrix) -> f64 {
    let mut sum = 0.0;
    for j in 0..rho.ncols() {
        for i in 0..rho.nrows() {
            if i != j {
                sum += rho[(i, j)].norm();
            }
        }
    }
    sum
}

/// l1 coherence between the levels of a Hamiltonian: sum of the trace norms of all blocks of the state between different levels.
///
/// # Errors
/// When singular values cannot be computed.
pub fn l1_between_levels(rho: &Matrix, levels: &Eigen) -> Result<f64, LinalgError> {
    let inside = conjugate_back(&levels.vectors, &traceless(rho));
    let all = levels.levels(crate::spin::degeneracy(levels));
    let mut sum = 0.0;
    for (k, a) in all.iter().enumerate() {
        for b in all.iter().take(k) {
            let block = inside.view((a.start, b.start), (a.len(), b.len()));
            sum += match (a.len(), b.len()) {
                (1, _) | (_, 1) => block.norm(),
                _ => singular_values(&block.into_owned())?.iter().sum::<f64>(),
            };
        }
    }
    Ok(2.0 * sum)
}

/// Relative entropy of coherence in the basis of the matrix, bits.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn relative_entropy_coherence(rho: &Matrix) -> Result<f64, LinalgError> {
    entropy_gained(rho, |m| Matrix::from_diagonal(&m.diagonal()))
}

/// Populations of the battery's levels in a pure state, levels ascending; `None` if the state is not pure.
pub(super) fn level_weights(m: &Moment) -> Result<Option<Vec<f64>>, Undefined> {
    let Some((psi, levels)) = m.pure_battery() else { return Ok(None) };
    let amplitudes = levels.resolve(psi)?;
    Ok(Some(by_level(levels.energies()?, &amplitudes.iter().map(C64::norm_sqr).collect::<Vec<_>>())))
}

/// Sums a quantity given per eigenvector over the eigenvectors of each level.
#[expect(clippy::indexing_slicing, reason = "levels are ranges of the energies, with one number per eigenvector")]
pub(super) fn by_level(energies: &[f64], of: &[f64]) -> Vec<f64> {
    let (low, high) = (energies.first().copied().unwrap_or(0.0), energies.last().copied().unwrap_or(0.0));
    groups(energies, degenerate_within(low, high)).into_iter().map(|level| of[level].iter().sum()).collect()
}

/// `(sum of |a_k|)^2 - 1` from the weights `|a_k|^2`: the l1 coherence of a pure state.
fn l1_of_weights(weights: impl Iterator<Item = f64>) -> f64 {
    let (roots, sum) = weights.fold((0.0, 0.0), |(roots, sum): (f64, f64), w| (roots + w.sqrt(), sum + w));
    (roots * roots - sum).max(0.0)
}

fn entropy_of_weights(weights: impl Iterator<Item = f64>) -> f64 {
    let parts: Vec<(f64, f64)> = weights.map(|w| (w, 1.0)).collect();
    let states = parts.len() as f64;
    Spectrum::new(0.0, parts, states).entropy()
}

pub(super) fn evaluate_l1(m: &Moment, a: &[Argument]) -> Value {
    m.tells_spins_apart(&m.battery()?.sites)?;
    let between_levels = matches!(a.first(), Some(Argument::EnergyBasis));
    if between_levels {
        if let Some(weights) = level_weights(m)? {
            return Ok(l1_of_weights(weights.into_iter()));
        }
        return Ok(l1_between_levels(m.battery_state()?, m.battery()?.eigen()?)?);
    }
    if let Some((psi, _)) = m.pure_battery() {
        return Ok(l1_of_weights(psi.iter().map(C64::norm_sqr)));
    }
    Ok(l1_coherence(m.battery_state()?))
}

pub(super) fn l1_along(t: &BohrExpansion, scene: &Scene) -> Option<Curve> {
    scene.whole_battery().map(|_| t.l1())
}

pub(super) fn evaluate_relative_entropy(m: &Moment, a: &[Argument]) -> Value {
    m.tells_spins_apart(&m.battery()?.sites)?;
    let between_levels = matches!(a.first(), Some(Argument::EnergyBasis));
    if between_levels {
        if let Some(weights) = level_weights(m)? {
            return Ok(entropy_of_weights(weights.into_iter()));
        }
        let levels = m.battery()?.eigen()?;
        return Ok(entropy_gained(m.battery_state()?, |m| crate::spin::dephase(m, levels))?);
    }
    if let Some((psi, _)) = m.pure_battery() {
        return Ok(entropy_of_weights(psi.iter().map(C64::norm_sqr)));
    }
    Ok(relative_entropy_coherence(m.battery_state()?)?)
}

#[cfg(test)]
mod tests {
    use super::super::random::{pure, state};
    use super::*;
    use crate::linalg::kron;

    #[test]
    fn laws_of_coherence() {
        for seed in 0..20 {
            let (a, b) = (state(2, seed), state(3, seed + 1));
            let ab = kron(&a, &b);
            assert!(((1.0 + l1_coherence(&a)) * (1.0 + l1_coherence(&b)) - 1.0 - l1_coherence(&ab)).abs() < 1e-12);
            let sum = relative_entropy_coherence(&a).unwrap() + relative_entropy_coherence(&b).unwrap();
            assert!((relative_entropy_coherence(&ab).unwrap() - sum).abs() < 1e-11);
            assert!(l1_coherence(&pure(5, seed)) <= 4.0 + 1e-12);
        }
    }
}
