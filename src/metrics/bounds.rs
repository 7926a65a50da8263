//! Thermodynamic bounds on the ergotropy.
//!
//! At every temperature `W <= F_T(rho) - F_T(tau_T)` with `F = E - T S` (entropy in nats); the tightest of these bounds is
//! `W <= E - E(tau)`, tau the Gibbs state of equal entropy (Alicki, Fannes, PRE 87, 042123), attained asymptotically with many copies.
//! Entropies are computed as deficits relative to the maximally mixed state and energies relative to the mean level: see `deviation`.

use super::deviation::{Spectrum, traceless};
use super::moment::mean;
use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{LinalgError, Matrix, hermitian_values};

/// Energy levels relative to their mean, with degeneracies.
struct Ladder {
    levels: Vec<(f64, f64)>,
    states: f64,
    lowest: f64,
    spread: f64,
}

/// `exp(x) - 1 - x`.
fn h(x: f64) -> f64 {
    if x.abs() > 0.1 {
        return x.exp_m1() - x;
    }
    let (mut term, mut sum) = (0.5 * x * x, 0.0);
    for k in 3..16 {
        sum += term;
        term *= x / f64::from(k);
    }
    sum
}

impl Ladder {
    fn new(levels: &[(f64, f64)]) -> Ladder {
        let states: f64 = levels.iter().map(|l| l.1).sum();
        let mean = levels.iter().map(|(e, c)| e * c).sum::<f64>() / states;
        let levels: Vec<(f64, f64)> = levels.iter().map(|(e, c)| (e - mean, *c)).collect();
        let lowest = levels.first().map_or(0.0, |l| l.0);
        let spread = levels.last().map_or(0.0, |l| l.0) - lowest;
        Ladder { levels, states, lowest, spread }
    }

    /// Energy above the mean level, and `ln N - S` in nats, of the Gibbs state at inverse temperature beta. For small beta the identity is
    /// subtracted from both analytically: the energy is of first order in beta, the entropy deficit of second.
    fn thermal(&self, beta: f64) -> (f64, f64) {
        let weighted = |f: &dyn Fn(f64) -> f64| self.levels.iter().map(|(e, c)| c * f(*e)).sum::<f64>();
        if beta * self.spread < 1.0 {
            // The levels sum to zero.
            let excess = weighted(&|e| h(-beta * e)) / self.states;
            let energy = weighted(&|e| e * (-beta * e).exp_m1()) / self.states / (1.0 + excess);
            return (energy, -beta * energy - excess.ln_1p());
        }
        let weight = |e: f64| (-beta * (e - self.lowest)).exp();
        let z = weighted(&weight);
        let energy = weighted(&|e| e * weight(e)) / z;
        (energy, self.states.ln() - beta * (energy - self.lowest) - z.ln())
    }

    /// The bound for a state with this energy above the mean level and this entropy deficit `ln N - S`.
    fn bound(&self, energy: f64, deficit: f64) -> f64 {
        let near = self.levels.iter().filter(|(e, _)| *e - self.lowest <= 1e-10 * self.spread);
        let ground: f64 = near.map(|(_, c)| c).sum();
        if self.spread == 0.0 || deficit >= (self.states / ground).ln() * (1.0 - 1e-15) {
            return energy - self.lowest;
        }
        if deficit <= 0.0 {
            return energy;
        }
        // The deficit increases with the inverse temperature: bisection in log(beta).
        let (mut low, mut high) = ((1e-18 / self.spread).ln(), (1e8 / self.spread).ln());
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if self.thermal(middle.exp()).1 < deficit { low = middle } else { high = middle }
        }
        energy - self.thermal((0.5 * (low + high)).exp()).0
    }

    /// `F_T(rho) - F_T(tau_T)`.
    fn free_energy(&self, energy: f64, deficit: f64, t: f64) -> Result<f64, Undefined> {
        if t.is_nan() || t <= 0.0 {
            return Err(Undefined::Domain("the temperature of a free energy must be positive".into()));
        }
        let (energy_of_tau, deficit_of_tau) = self.thermal(1.0 / t);
        Ok((energy - energy_of_tau) + t * (deficit - deficit_of_tau))
    }
}

fn ladder(h: &Matrix) -> Result<Ladder, LinalgError> {
    let values = hermitian_values(&traceless(h))?;
    Ok(Ladder::new(&values.into_iter().map(|e| (e, 1.0)).collect::<Vec<_>>()))
}

/// `F_T(rho) - F_T(tau_T)` in the units of `h`; `t` in the same units (Boltzmann constant 1).
///
/// # Errors
/// When the temperature is not positive, or eigenvalues cannot be computed.
pub fn free_energy_bound(rho: &Matrix, h: &Matrix, t: f64) -> Result<f64, Undefined> {
    let energy = mean(&traceless(rho), &traceless(h));
    ladder(h)?.free_energy(energy, Spectrum::of(rho)?.deficit(), t)
}

/// `E - E(tau)`, tau the Gibbs state with the entropy of rho, in the units of `h`. A state with no more entropy than the
/// ground level can hold has `E - e_0`, one of full entropy `E - mean(e)`.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn thermodynamic_bound(rho: &Matrix, h: &Matrix) -> Result<f64, LinalgError> {
    let energy = mean(&traceless(rho), &traceless(h));
    Ok(ladder(h)?.bound(energy, Spectrum::of(rho)?.deficit()))
}

/// The levels of the battery, its energy above their mean, and `ln N - S`.
fn battery(m: &Moment) -> Result<(Ladder, f64, f64), Undefined> {
    let cells = m.battery()?;
    let spectrum = m.battery_spectrum()?;
    let (reference, energy) = m.energy_above(&spectrum)?;
    let ladder = Ladder::new(cells.all_levels()?);
    let energy = if reference == 0.0 { energy - cells.mean_level() } else { energy };
    Ok((ladder, energy, spectrum.deficit()))
}

pub(super) fn evaluate_free_energy(m: &Moment, a: &[Argument]) -> Value {
    let (ladder, energy, deficit) = battery(m)?;
    ladder.free_energy(energy, deficit, m.number(a, 0)?)
}

pub(super) fn evaluate_thermodynamic(m: &Moment, _: &[Argument]) -> Value {
    let cells = m.battery()?;
    if m.battery_spectrum()?.is_pure() {
        return Ok(m.energy()? - cells.ends()?.0);
    }
    let (ladder, energy, deficit) = battery(m)?;
    Ok(ladder.bound(energy, deficit))
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
