//! What a spectroscopist asks of a state: how much of an interaction's order it carries, its coherence orders, its spin
//! temperature.
//!
//! At high temperature a state is the identity plus a deviation `dr = rho - 1/d` of size 1e-5. Uhlmann's fidelity with any other
//! such state is 1 to nine digits, so what is compared is the deviation:
//! `correlation(H) = Tr[dr H] / sqrt(Tr[dr^2] Tr[H^2])` with the traceless part of H; `order(H)` has the prepared state's `dr^2` in
//! the denominator: the share of the initial polarisation that H carries. A cold system of positive temperature has
//! negative energy, so both are negative for it.

use super::distance::fidelity;
use super::moment::mean;
use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{Matrix, ZERO, hermitian_values, norm_squared, real};
use crate::spin::gibbs;

fn traceless(m: &Matrix) -> Matrix {
    let mean = m.trace() / m.nrows() as f64;
    let mut out = m.clone();
    (0..m.nrows()).for_each(|k| out[(k, k)] -= mean);
    out
}

/// `Tr[dr H] / sqrt(norm2 Tr[H^2])`.
fn overlap(rho: &Matrix, h: &Matrix, norm2: f64) -> Value {
    let h = traceless(h);
    let scale = (norm2 * norm_squared(&h)).sqrt();
    if scale.is_nan() || scale <= f64::MIN_POSITIVE {
        return Err(Undefined::Domain("the state or the operator is a multiple of the identity".into()));
    }
    // The identity in the state would meet what rounding has left of a trace in h, which is large beside a deviation of 1e-5.
    Ok(mean(&traceless(rho), &h) / scale)
}

/// Correlation of a state's deviation from the identity with an operator, between -1 and 1.
///
/// # Errors
/// When the state or the operator is a multiple of the identity.
pub fn deviation_correlation(rho: &Matrix, h: &Matrix) -> Value {
    overlap(rho, h, norm_squared(&traceless(rho)))
}

/// The share of `Tr[dr^2]` in coherence orders +k and -k; `twice_m` is twice the magnetic quantum number of each basis state.
///
/// # Errors
/// When the state is a multiple of the identity.
pub fn coherence_order(rho: &Matrix, twice_m: &[i64], order: i64) -> Value {
    let deviation = traceless(rho);
    let whole = norm_squared(&deviation);
    if whole == 0.0 {
        return Err(Undefined::Domain("the state is the identity, which has no coherence".into()));
    }
    let mut sum = 0.0;
    for j in 0..rho.ncols() {
        for i in 0..rho.nrows() {
            if (twice_m[i] - twice_m[j]).abs() == 2 * order.abs() && deviation[(i, j)] != ZERO {
                sum += deviation[(i, j)].norm_sqr();
            }
        }
    }
    Ok(sum / whole)
}

/// The temperature of the Gibbs state of H whose energy is that of the state, in the units of H; negative where the energy
/// lies above the mean of the levels.
///
/// # Errors
/// When no Gibbs state has this energy, or it is the energy of infinite temperature.
pub fn spin_temperature(rho: &Matrix, h: &Matrix) -> Value {
    let values = hermitian_values(h)?;
    let n = values.len() as f64;
    let mean_level = values.iter().sum::<f64>() / n;
    let levels: Vec<f64> = values.iter().map(|e| e - mean_level).collect();
    let (low, high) = (levels[0], levels[levels.len() - 1]);
    // The energy of the deviation: subtracting the identity first keeps the digits of a polarisation of 1e-5.
    let energy = mean(&traceless(rho), h);
    if energy.abs() <= 1e-15 * (high - low) {
        return Err(Undefined::Domain("the energy is that of infinite temperature".into()));
    }
    if energy <= low || energy >= high {
        return Err(Undefined::Domain(
            "no Gibbs state has this energy: it is at or beyond the end of the spectrum".into(),
        ));
    }
    // E(beta) = sum e exp(-beta e) / sum exp(-beta e) falls with beta; expm1 keeps it exact for small beta, where
    // sum e exp(-beta e) = sum e (exp(-beta e) - 1) because the levels add up to zero.
    let at = |beta: f64| {
        let largest = levels.iter().map(|e| -beta * e).fold(f64::NEG_INFINITY, f64::max);
        if largest < 1.0 {
            let z: f64 = levels.iter().map(|e| (-beta * e).exp()).sum();
            return levels.iter().map(|e| e * (-beta * e).exp_m1()).sum::<f64>() / z;
        }
        let weights: Vec<f64> = levels.iter().map(|e| (-beta * e - largest).exp()).collect();
        levels.iter().zip(&weights).map(|(e, w)| e * w).sum::<f64>() / weights.iter().sum::<f64>()
    };
    let sign = -energy.signum();
    // |beta| is bracketed in its logarithm and halved: it spans many decades.
    let scale = 1.0 / (high - low);
    let (mut small, mut large) = ((1e-18 * scale).ln(), (1e6 * scale).ln());
    for _ in 0..200 {
        let middle = 0.5 * (small + large);
        if at(sign * middle.exp()).abs() < energy.abs() { small = middle } else { large = middle }
    }
    Ok(sign / (0.5 * (small + large)).exp())
}

pub(super) fn evaluate_correlation(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    deviation_correlation(m.density()?, m.operator(a, 0)?)
}

pub(super) fn evaluate_order(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    let prepared = norm_squared(&traceless(m.scene.initial_density()?));
    overlap(m.density()?, m.operator(a, 0)?, prepared)
}

pub(super) fn evaluate_coherence_order(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    coherence_order(m.density()?, m.scene.twice_m(), m.number(a, 0)? as i64)
}

pub(super) fn evaluate_spin_temperature(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    spin_temperature(m.density()?, m.operator(a, 0)?)
}

/// The Gibbs state of H with the energy of a state.
fn gibbs_of_energy(rho: &Matrix, h: &Matrix) -> Result<Matrix, Undefined> {
    let t = spin_temperature(rho, h)?;
    let sign = real(t.signum());
    Ok(gibbs(&h.map(|x| x * sign), t.abs())?)
}

/// Uhlmann's fidelity, squared, with the Gibbs state of H that has the state's energy: 1 for a state in equilibrium with itself. At
/// polarisations of 1e-5 it is 1 to nine digits for every state; [`gibbs_correlation`] tells those apart.
///
/// # Errors
/// When no Gibbs state has this energy.
pub fn gibbs_fidelity(rho: &Matrix, h: &Matrix) -> Value {
    Ok(fidelity(rho, &gibbs_of_energy(rho, h)?)?)
}

/// The correlation of a state's deviation from the identity with that of the Gibbs state of H that has the state's energy. At high
/// temperature it is the magnitude of [`deviation_correlation`] with H.
///
/// # Errors
/// When no Gibbs state has this energy.
pub fn gibbs_correlation(rho: &Matrix, h: &Matrix) -> Value {
    deviation_correlation(rho, &gibbs_of_energy(rho, h)?)
}

pub(super) fn evaluate_gibbs_correlation(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    gibbs_correlation(m.density()?, m.operator(a, 0)?)
}

pub(super) fn evaluate_gibbs_fidelity(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    gibbs_fidelity(m.density()?, m.operator(a, 0)?)
}

pub(super) fn evaluate_expectation(m: &Moment, a: &[Argument]) -> Value {
    m.mean_of(a, 0)
}

pub(super) fn evaluate_elapsed(m: &Moment, _: &[Argument]) -> Value {
    m.elapsed()
}

pub(super) fn evaluate_signal(_: &Moment, _: &[Argument]) -> Value {
    Err(Undefined::Domain("a signal exists only during `acquire`".into()))
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state};
    use super::*;

    #[test]
    fn gibbs_states_have_their_temperature() {
        let h = traceless(&hamiltonian(4, 2));
        for t in [0.3, 5.0, 1e5, 1e9, -0.3, -1e7] {
            let tau = gibbs(&h.map(|x| x * f64::signum(t)), f64::abs(t)).unwrap();
            let found = spin_temperature(&tau, &h).unwrap();
            // The deviation is of size 1/T, so rounding of the state enters as 1e-16 T.
            assert!((found / t - 1.0).abs() < 1e-11 + 1e-15 * t.abs(), "{found} {t}");
            assert!((gibbs_fidelity(&tau, &h).unwrap() - 1.0).abs() < 1e-12);
            let alike = gibbs_correlation(&tau, &h).unwrap();
            assert!((alike - 1.0).abs() < 1e-12 + 1e-15 * t.abs(), "{alike} {t}");
        }
    }

    #[test]
    fn hot_gibbs_states_correlate_with_their_hamiltonian() {
        let h = hamiltonian(4, 7);
        assert!((deviation_correlation(&gibbs(&h, 1e6).unwrap(), &h).unwrap() + 1.0).abs() < 1e-5);
    }

    #[test]
    fn coherence_orders_add_up() {
        let twice_m = [2, 0, 0, -2];
        let rho = state(4, 3);
        let sum: f64 = (0..3).map(|k| coherence_order(&rho, &twice_m, k).unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-13);
    }
}
