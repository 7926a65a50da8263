//! Thermodynamic bounds of the ergotropy.
//!
//! For every temperature `W <= F_T(rho) - F_T(tau_T)` with `F = E - T S` (entropy in nats); the tightest of them is
//! `W <= E - E(tau)` with the Gibbs state of equal entropy (Alicki, Fannes, PRE 87, 042123), reached by many copies.

use super::{Argument, Moment, Undefined, Value, entropy};
use crate::linalg::{LinalgError, Matrix, hermitian_values, trace_of_product};

/// Energy, entropy in nats, and log Z of the Gibbs state, from levels counted from the lowest.
fn thermal(levels: &[f64], t: f64) -> (f64, f64) {
    let weights: Vec<f64> = levels.iter().map(|e| (-e / t).exp()).collect();
    let z: f64 = weights.iter().sum();
    let energy: f64 = levels.iter().zip(&weights).map(|(e, w)| e * w).sum::<f64>() / z;
    (energy, energy / t + z.ln())
}

/// `F_T(rho) - F_T(tau_T)` in the units of `h`; `t` in the same units.
///
/// # Errors
/// When the temperature is not positive, or eigenvalues cannot be computed.
pub fn free_energy_bound(rho: &Matrix, h: &Matrix, t: f64) -> Result<f64, Undefined> {
    if t.is_nan() || t <= 0.0 {
        return Err(Undefined::Domain("the temperature of a free energy must be positive".into()));
    }
    let values = hermitian_values(h)?;
    let levels: Vec<f64> = values.iter().map(|e| e - values[0]).collect();
    let (energy, entropy_of_tau) = thermal(&levels, t);
    let here = trace_of_product(rho, h).re - values[0] - t * entropy(rho)? * std::f64::consts::LN_2;
    Ok(here - (energy - t * entropy_of_tau))
}

/// `E - E(tau)`, tau the Gibbs state with the entropy of rho, in the units of `h`. A state with no more entropy than the
/// ground level can hold has `E - e_0`, one of full entropy `E - mean(e)`.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn thermodynamic_bound(rho: &Matrix, h: &Matrix) -> Result<f64, LinalgError> {
    let values = hermitian_values(h)?;
    let levels: Vec<f64> = values.iter().map(|e| e - values[0]).collect();
    let energy = trace_of_product(rho, h).re - values[0];
    let spread = levels[levels.len() - 1];
    let target = entropy(rho)? * std::f64::consts::LN_2;
    let ground = levels.iter().filter(|e| **e <= 1e-10 * spread).count() as f64;
    if spread == 0.0 || target <= ground.ln() {
        return Ok(energy);
    }
    let mean = levels.iter().sum::<f64>() / levels.len() as f64;
    if target >= (levels.len() as f64).ln() - 1e-15 {
        return Ok(energy - mean);
    }
    // The entropy grows with T, so its logarithm is bracketed and halved.
    let (mut low, mut high) = ((1e-6 * spread).ln(), (1e12 * spread).ln());
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if thermal(&levels, middle.exp()).1 < target { low = middle } else { high = middle }
    }
    Ok(energy - thermal(&levels, (0.5 * (low + high)).exp()).0)
}

pub(super) fn evaluate_free_energy(m: &Moment, a: &[Argument]) -> Value {
    free_energy_bound(m.battery_state()?, m.battery()?.hamiltonian()?, m.number(a, 0)?)
}

pub(super) fn evaluate_thermodynamic(m: &Moment, _: &[Argument]) -> Value {
    Ok(thermodynamic_bound(m.battery_state()?, m.battery()?.hamiltonian()?)?)
}

#[cfg(test)]
mod tests {
    use super::super::ergotropy;
    use super::super::random::{hamiltonian, state};
    use super::*;
    use crate::spin::gibbs;

    #[test]
    fn ergotropy_obeys_its_bounds() {
        for seed in 0..30 {
            let (rho, h) = (state(4, seed), hamiltonian(4, seed + 3));
            let w = ergotropy(&rho, &h).unwrap();
            let tight = thermodynamic_bound(&rho, &h).unwrap();
            assert!(w <= tight + 1e-10);
            for t in [0.1, 1.0, 10.0] {
                assert!(tight <= free_energy_bound(&rho, &h, t).unwrap() + 1e-9);
            }
        }
    }

    #[test]
    fn gibbs_states_have_nothing_to_give() {
        let h = hamiltonian(5, 1);
        for t in [0.05, 1.0, 40.0] {
            assert!(thermodynamic_bound(&gibbs(&h, t).unwrap(), &h).unwrap().abs() < 1e-9);
            assert!(free_energy_bound(&gibbs(&h, t).unwrap(), &h, t).unwrap().abs() < 1e-10);
        }
    }
}
