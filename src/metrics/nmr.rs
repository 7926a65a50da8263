//! NMR metrics: interaction order, coherence orders and spin temperature of a state.
//!
//! At high temperature a state is the identity plus a deviation `dr = rho - 1/d` of order 1e-5. Uhlmann's fidelity between any two such
//! states is 1 to nine digits, so the deviations are compared instead:
//! `correlation(H) = Tr[dr H] / sqrt(Tr[dr^2] Tr[H^2])` with the traceless part of H; `order(H)` has the prepared state's `dr^2` in
//! the denominator: the fraction of the initial polarisation stored as the order of H. A system at low positive temperature has
//! negative energy, so both are negative for it.

#![expect(clippy::indexing_slicing, reason = "there is one label per basis state of the matrix")]

use super::deviation::{is_rounding, traceless};
use super::distance::fidelity;
use super::levels::Levels;
use super::moment::mean;
use super::{Argument, Moment, OperatorArgument, Undefined, Value};
use crate::linalg::{C64, Matrix, ZERO, hermitian_values, norm_squared, real};
use crate::spin::{State, gibbs};

const NO_DEVIATION: &str = "the state is the maximally mixed state and has no deviation";

/// `Tr[dr H] / sqrt(norm2 Tr[H^2])`.
fn overlap(rho: &Matrix, h: &Matrix, norm2: f64) -> Value {
    let h = traceless(h);
    // Remove the identity first: otherwise rounding in Tr[h] exceeds a deviation of 1e-5.
    share(mean(&traceless(rho), &h), norm2, norm_squared(&h), rho.nrows() as f64)
}

/// `product / sqrt(norm2 size2)`; an error if either is zero.
fn share(product: f64, norm2: f64, size2: f64, dimension: f64) -> Value {
    if is_rounding(norm2, dimension) {
        return Err(Undefined::Domain(NO_DEVIATION.into()));
    }
    let scale = (norm2 * size2).sqrt();
    if scale.is_nan() || scale <= f64::MIN_POSITIVE {
        return Err(Undefined::Domain("the operator is a multiple of the identity".into()));
    }
    Ok(product / scale)
}

/// Correlation of the deviation of a state from the maximally mixed state with an operator, between -1 and 1.
///
/// # Errors
/// When the state or the operator is a multiple of the identity.
pub fn deviation_correlation(rho: &Matrix, h: &Matrix) -> Value {
    overlap(rho, h, norm_squared(&traceless(rho)))
}

/// Fraction of `Tr[dr^2]` in coherence orders +k and -k; `twice_m` is twice the magnetic quantum number of each basis state.
///
/// # Errors
/// When the state is a multiple of the identity.
pub fn coherence_order(rho: &Matrix, twice_m: &[i64], order: i64) -> Value {
    let deviation = traceless(rho);
    let whole = norm_squared(&deviation);
    if is_rounding(whole, rho.nrows() as f64) {
        return Err(Undefined::Domain(NO_DEVIATION.into()));
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

/// Spin temperature: temperature of the Gibbs state of H with the same energy as the state, in the units of H; negative if the energy is
/// above the mean of the levels.
///
/// # Errors
/// When no Gibbs state has this energy, or the temperature is infinite.
pub fn spin_temperature(rho: &Matrix, h: &Matrix) -> Value {
    let levels: Vec<(f64, f64)> = hermitian_values(&traceless(h))?.into_iter().map(|e| (e, 1.0)).collect();
    // Energy of the deviation: subtracting the identity first keeps the digits of a polarisation of 1e-5.
    temperature_of(mean(&traceless(rho), &traceless(h)), &levels, rho.nrows() as f64)
}

/// Temperature of the Gibbs state with this energy above the mean level; levels are (energy, degeneracy).
fn temperature_of(energy: f64, levels: &[(f64, f64)], n: f64) -> Value {
    let mean_level = levels.iter().map(|(e, c)| e * c).sum::<f64>() / n;
    let levels: Vec<(f64, f64)> = levels.iter().map(|(e, c)| (e - mean_level, *c)).collect();
    let (low, high) = (levels.first().map_or(0.0, |l| l.0), levels.last().map_or(0.0, |l| l.0));
    if energy.abs() <= 1e-15 * (high - low) {
        return Err(Undefined::Domain("the energy corresponds to infinite temperature".into()));
    }
    if energy <= low || energy >= high {
        return Err(Undefined::Domain(
            "no Gibbs state has this energy: it is at or beyond the end of the spectrum".into(),
        ));
    }
    // E(beta) = sum e exp(-beta e) / sum exp(-beta e) decreases with beta; expm1 is accurate for small beta, where
    // sum e exp(-beta e) = sum e (exp(-beta e) - 1) because the levels sum to zero.
    let at = |beta: f64| {
        let largest = levels.iter().map(|(e, _)| -beta * e).fold(f64::NEG_INFINITY, f64::max);
        if largest < 1.0 {
            let z: f64 = levels.iter().map(|(e, c)| c * (-beta * e).exp()).sum();
            return levels.iter().map(|(e, c)| c * e * (-beta * e).exp_m1()).sum::<f64>() / z;
        }
        let weights: Vec<f64> = levels.iter().map(|(e, c)| c * (-beta * e - largest).exp()).collect();
        levels.iter().zip(&weights).map(|((e, _), w)| e * w).sum::<f64>() / weights.iter().sum::<f64>()
    };
    let sign = -energy.signum();
    // Bisection in log |beta|, which spans many decades.
    let scale = 1.0 / (high - low);
    let (mut small, mut large) = ((1e-18 * scale).ln(), (1e6 * scale).ln());
    for _ in 0..200 {
        let middle = 0.5 * (small + large);
        if at(sign * middle.exp()).abs() < energy.abs() { small = middle } else { large = middle }
    }
    Ok(sign / (0.5 * (small + large)).exp())
}

/// `Tr[dr A]` of the deviation dr from the maximally mixed state, and `Tr[dr^2]`; for a pure state no matrix is formed.
fn deviation_of(m: &Moment, argument: &OperatorArgument) -> (f64, f64) {
    let (action, d) = (argument.action(&m.scene.space), m.scene.space.basis().size());
    let mean_level = argument.sizes().0;
    match (m.state, m.deviation()) {
        (State::Pure(psi), _) => (action.mean(psi).re - mean_level, 1.0 - 1.0 / d),
        (State::Mixed(_), Some(deviation)) => {
            (action.trace_with(deviation).re - mean_level * deviation.trace().re, norm_squared(deviation))
        }
        (State::Mixed(rho), None) => (action.trace_with(rho).re - mean_level, norm_squared(rho) - 1.0 / d),
    }
}

/// `Tr[dr_0^2]` of the prepared state.
fn prepared_norm(m: &Moment) -> f64 {
    match (&m.scene.initial, m.scene.initial_deviation()) {
        (State::Pure(_), _) => 1.0 - 1.0 / m.scene.space.basis().size(),
        (State::Mixed(_), Some(deviation)) => norm_squared(deviation),
        (State::Mixed(rho), None) => norm_squared(rho) - 1.0 / m.scene.space.basis().size(),
    }
}

pub(super) fn evaluate_correlation(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    let (argument, d) = (m.operator_argument(a, 0)?, m.scene.space.basis().size());
    let (product, norm2) = deviation_of(m, argument);
    share(product, norm2, argument.sizes().1 * d, d)
}

pub(super) fn evaluate_order(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    let (argument, d) = (m.operator_argument(a, 0)?, m.scene.space.basis().size());
    share(deviation_of(m, argument).0, prepared_norm(m), argument.sizes().1 * d, d)
}

pub(super) fn evaluate_coherence_order(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    let order = m.number(a, 0)? as i64;
    let (space, d) = (&m.scene.space, m.scene.space.basis().size());
    let twice_m: Vec<i64> = (0..space.len()).map(|k| space.basis().twice_m(space.state(k))).collect();
    match (m.state, m.deviation()) {
        (State::Mixed(_), Some(deviation)) => coherence_order(deviation, &twice_m, order),
        (State::Mixed(rho), None) => {
            let inside = |i: usize, j: usize| (twice_m[i] - twice_m[j]).abs() == 2 * order.abs();
            let mut sum = 0.0;
            for j in 0..rho.ncols() {
                sum += (0..rho.nrows()).filter(|&i| inside(i, j)).map(|i| rho[(i, j)].norm_sqr()).sum::<f64>();
            }
            let identity = if order == 0 { 1.0 / d } else { 0.0 };
            Ok((sum - identity) / (norm_squared(rho) - 1.0 / d))
        }
        (State::Pure(psi), _) => {
            // The populations of the magnetic quantum numbers suffice.
            let mut weights = std::collections::BTreeMap::new();
            twice_m.iter().zip(psi.iter()).for_each(|(t, x)| *weights.entry(*t).or_insert(0.0) += x.norm_sqr());
            let beside =
                |shift: i64| -> f64 { weights.iter().filter_map(|(t, w)| Some(w * weights.get(&(t + shift))?)).sum() };
            let sum = match order.abs() {
                0 => beside(0) - 1.0 / d,
                k => 2.0 * beside(2 * k),
            };
            Ok(sum / (1.0 - 1.0 / d))
        }
    }
}

/// Spin temperature of a moment with respect to a Hamiltonian.
fn temperature(m: &Moment, argument: &OperatorArgument) -> Value {
    let d = m.scene.space.basis().size();
    temperature_of(deviation_of(m, argument).0, argument.levels().all()?, d)
}

pub(super) fn evaluate_spin_temperature(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    temperature(m, m.operator_argument(a, 0)?)
}

/// Gibbs state of H with the energy of the state.
fn gibbs_of_energy(rho: &Matrix, h: &Matrix) -> Result<Matrix, Undefined> {
    let t = spin_temperature(rho, h)?;
    let sign = real(t.signum());
    Ok(gibbs(&h.map(|x| x * sign), t.abs())?)
}

/// Uhlmann fidelity (squared convention) with the Gibbs state of H of equal energy: 1 for a state in internal equilibrium. At
/// polarisations of 1e-5 it is 1 to nine digits for every state; [`gibbs_correlation`] distinguishes such states.
///
/// # Errors
/// When no Gibbs state has this energy.
pub fn gibbs_fidelity(rho: &Matrix, h: &Matrix) -> Value {
    Ok(fidelity(rho, &gibbs_of_energy(rho, h)?)?)
}

/// Correlation of the deviation of a state with that of the Gibbs state of H of equal energy. At high temperature it equals the
/// magnitude of [`deviation_correlation`] with H.
///
/// # Errors
/// When no Gibbs state has this energy.
pub fn gibbs_correlation(rho: &Matrix, h: &Matrix) -> Value {
    deviation_correlation(rho, &gibbs_of_energy(rho, h)?)
}

/// Populations by eigenvector of H: those of the state, and those of the Gibbs state of equal energy.
type Populations = (Vec<f64>, Vec<f64>);

/// Populations of a pure state and of the Gibbs state of equal energy in the eigenvectors of H.
fn populations(m: &Moment, argument: &OperatorArgument) -> Result<Option<Populations>, Undefined> {
    let Some(psi) = m.pure_system() else { return Ok(None) };
    let t = temperature(m, argument)?;
    let levels: &Levels = argument.levels();
    let energies: Vec<f64> = levels.energies()?.iter().map(|e| e * t.signum()).collect();
    let hot = crate::spin::boltzmann(&energies, &vec![1.0; energies.len()], t.abs());
    Ok(Some((levels.resolve(psi)?.iter().map(C64::norm_sqr).collect(), hot)))
}

pub(super) fn evaluate_gibbs_correlation(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    if let Some((own, hot)) = populations(m, m.operator_argument(a, 0)?)? {
        let d = own.len() as f64;
        let product: f64 = own.iter().zip(&hot).map(|(p, q)| p * q).sum::<f64>() - 1.0 / d;
        let size2 = hot.iter().map(|q| (q - 1.0 / d).powi(2)).sum::<f64>();
        return share(product, 1.0 - 1.0 / d, size2, d);
    }
    gibbs_correlation(m.density()?, m.operator(a, 0)?)
}

pub(super) fn evaluate_gibbs_fidelity(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    if let Some((own, hot)) = populations(m, m.operator_argument(a, 0)?)? {
        return Ok(own.iter().zip(&hot).map(|(p, q)| p * q).sum());
    }
    gibbs_fidelity(m.density()?, m.operator(a, 0)?)
}

pub(super) fn evaluate_expectation(m: &Moment, a: &[Argument]) -> Value {
    m.mean_of(a, 0)
}

pub(super) fn evaluate_elapsed(m: &Moment, _: &[Argument]) -> Value {
    m.elapsed()
}

pub(super) fn evaluate_signal(_: &Moment, _: &[Argument]) -> Value {
    Err(Undefined::Domain("a signal is defined only during `acquire`".into()))
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
            // The deviation is of order 1/T, so rounding of the state contributes 1e-16 T.
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
