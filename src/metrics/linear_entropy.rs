//! Linear (normalised) entropy of a state.

use super::bohr_batch::BohrBatch;
use super::bohr_frequencies::BohrExpansion;
use super::curve::Curve;
use super::curve_batch::CurveBatch;
use super::derivative::purity;
use super::deviation::Spectrum;
use super::{Argument, Moment, Scene, SceneBatch, Undefined, Value};
use crate::lanes::Lane;
use crate::linalg::{LinalgError, Matrix, real};

/// Linear entropy `d/(d-1) (1 - Tr[rho^2])` of a state of shape (d, d): 0 for a pure state, 1 for the maximally mixed one, dimensionless;
/// 0 for d = 1. Peters, Wei, Kwiat, Phys. Rev. A 70, 052309 (2004).
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn linear_entropy(rho: &Matrix) -> Result<f64, LinalgError> {
    Ok(of_spectrum(&Spectrum::of(rho)?))
}

/// `d/(d-1)`, also for a d that is infinite in double precision.
fn normalisation(d: f64) -> f64 {
    1.0 / (1.0 - 1.0 / d)
}

/// Near the maximally mixed state from the deviations x of the eigenvalues from 1/d, `1 - d/(d-1) sum x^2`. Otherwise, as
/// `1 - sum r^2 = 2 sum over j < k of r_j r_k`, which is exactly 0 for a pure state and has no cancellation near one.
fn of_spectrum(spectrum: &Spectrum) -> f64 {
    if spectrum.states <= 1.0 {
        return 0.0;
    }
    if spectrum.mean > 0.0 {
        let squares: f64 = spectrum.parts.iter().map(|(x, copies)| x * x * copies).sum();
        if squares < 0.25 {
            return 1.0 - normalisation(spectrum.states) * squares;
        }
    }
    let (mut below, mut pairs) = (0.0, 0.0);
    for (x, copies) in &spectrum.parts {
        let r = (spectrum.mean + x).max(0.0);
        pairs += r * r * copies * (copies - 1.0) + 2.0 * r * copies * below;
        below += r * copies;
    }
    normalisation(spectrum.states) * pairs
}

pub(super) fn evaluate(m: &Moment, _: &[Argument]) -> Value {
    let spectrum = if m.scene.cells.is_some() { m.battery_spectrum()? } else { m.system_spectrum()? };
    if spectrum.states <= 1.0 {
        return Err(Undefined::Domain("the linear entropy needs a system of at least two states".into()));
    }
    Ok(of_spectrum(&spectrum))
}

/// Constant along unitary evolution.
pub(super) fn along(t: &BohrExpansion, scene: &Scene) -> Option<Curve> {
    if scene.cells.is_some() {
        scene.whole_battery()?;
    }
    Some(t.constant(linear_entropy(&t.begin()).ok()?))
}

/// `1 - Tr[rho^2] = 2 sum over j < k of (rho_jj rho_kk - |rho_jk|^2)`, constant along unitary evolution.
pub(super) fn in_lanes(b: &BohrBatch, _: &SceneBatch) -> Option<CurveBatch> {
    let (n, rho) = (b.begin().dimension(), b.begin());
    let mut sum = Lane::zero();
    for j in 0..n {
        for k in j + 1..n {
            let (re, im) = rho.at(j, k);
            sum += rho.at(j, j).0 * rho.at(k, k).0 - (re * re + im * im);
        }
    }
    Some(b.constant(sum * Lane::splat(2.0 * normalisation(n as f64))))
}

/// `-2 d/(d-1) rho`.
pub(super) fn derivative(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let states = if m.scene.cells.is_some() { m.battery_spectrum() } else { m.system_spectrum() }.ok()?.states;
    Some(purity(m, a)? * real(-normalisation(states)))
}

#[cfg(test)]
mod tests {
    use super::super::random::{pure, state};
    use super::*;
    use crate::linalg::identity;

    /// Werner states `p |psi><psi| + (1 - p)/4` have `1 - p^2`; in d dimensions the same holds.
    #[test]
    fn a_mixture_with_the_identity_has_one_minus_the_square_of_its_weight() {
        for d in 2..7 {
            for p in [0.0, 1e-5, 0.3, 0.7, 0.99, 1.0] {
                let rho = pure(d, d as u64) * real(p) + identity(d) * real((1.0 - p) / d as f64);
                let found = linear_entropy(&rho).unwrap();
                // Rounding of the eigenvalues, 1e-16 each, and of the pure state.
                assert!((found - (1.0 - p * p)).abs() < 4e-15, "{d} {p}: {found}");
            }
        }
    }

    #[test]
    fn it_is_the_purity_rescaled() {
        for seed in 0..20 {
            let rho = state(5, seed);
            let expected = 1.25 * (1.0 - super::super::purity(&rho));
            assert!((linear_entropy(&rho).unwrap() - expected).abs() < 1e-14);
        }
    }

    /// Of N spins 1/2 with populations (1 + x)/2 and (1 - x)/2, as multiplets: 1 - Tr[rho^2] = 1 - ((1 + x^2)/2)^N.
    #[test]
    fn copies_of_states_count() {
        let (n, x) = (4, 0.6f64);
        let (p, q) = (0.5 * (1.0 + x), 0.5 * (1.0 - x));
        let copies = [1.0, 4.0, 6.0, 4.0, 1.0];
        let parts = (0..=n).zip(copies).map(|(k, c)| (p.powi(n - k) * q.powi(k), c)).collect();
        let expected = (1.0 - (0.5 * (1.0 + x * x)).powi(n)) * 16.0 / 15.0;
        assert!((of_spectrum(&Spectrum::new(0.0, parts, 16.0)) - expected).abs() < 1e-15);
    }
}
