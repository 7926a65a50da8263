//! How fast a battery charges, and how fast it could.
//!
//! * `dE/dt = Tr[rho' H]`;
//! * energy Fisher information `I_E = sum over distinct levels of (dp_e/dt)^2 / p_e`, with `|dE/dt| <= sqrt(Var(H) I_E)` for
//!   unitary and for dissipative charging (Julia-Farre et al., PRR 2, 023113);
//! * `|dE/dt| <= 2 sd(H) sd(H_drive)` for unitary charging;
//! * Mandelstam-Tamm `t >= bures_angle / sd(H_drive)`, Margolus-Levitin `t >= pi / (2 (E - E_0))` (the latter for a pure state that
//!   reaches an orthogonal one).
//!
//! Variances are `Tr[(H - E) rho (H - E)]`: the difference `<H^2> - <H>^2` would lose half of the digits near an eigenstate.

use super::moment::mean;
use super::{Argument, Moment, Undefined, Value, bures_angle};
use crate::linalg::{Eigen, Matrix, conjugate_back, hermitian_eigen, identity, product};

/// `sqrt(Tr[(H - E) rho (H - E)])`.
pub fn standard_deviation(rho: &Matrix, h: &Matrix) -> f64 {
    let centred = h - identity(h.nrows()).map(|x| x * mean(rho, h));
    crate::linalg::trace_of_product(&product(&centred, rho), &centred).re.max(0.0).sqrt()
}

/// The energy Fisher information of a state that changes at `rate`, over the distinct levels of a Hamiltonian.
///
/// # Errors
/// When a level that is not occupied fills at a finite rate: the information is infinite there.
pub fn energy_fisher_information(rho: &Matrix, rate: &Matrix, levels: &Eigen) -> Result<f64, Undefined> {
    let populations = conjugate_back(&levels.vectors, rho);
    let changes = conjugate_back(&levels.vectors, rate);
    let scale = changes.iter().map(|x| x.norm()).fold(0.0, f64::max);
    let mut sum = 0.0;
    for level in levels.levels(crate::spin::degeneracy(levels)) {
        let p: f64 = level.clone().map(|k| populations[(k, k)].re).sum();
        let dp: f64 = level.map(|k| changes[(k, k)].re).sum();
        if dp.abs() <= 1e-15 * scale {
            continue;
        }
        if p <= 1e-18 {
            return Err(Undefined::Domain(
                "a level that is empty fills at a finite rate: the information is infinite here".into(),
            ));
        }
        sum += dp * dp / p;
    }
    Ok(sum)
}

/// The Mandelstam-Tamm time from one state to another under a constant Hamiltonian.
///
/// # Errors
/// When the state has no energy spread, or eigenvalues cannot be computed.
pub fn mandelstam_tamm_time(from: &Matrix, to: &Matrix, h: &Matrix) -> Result<f64, Undefined> {
    let spread = standard_deviation(from, h);
    if spread <= 1e-14 * h.norm() {
        return Err(Undefined::Domain("the driving Hamiltonian has no spread in this state".into()));
    }
    Ok(bures_angle(from, to)? / spread)
}

/// The Margolus-Levitin time of a state under a Hamiltonian: `pi / (2 (E - E_0))`.
///
/// # Errors
/// When the state is a ground state, or eigenvalues cannot be computed.
pub fn margolus_levitin_time(rho: &Matrix, h: &Matrix) -> Result<f64, Undefined> {
    let eigen = hermitian_eigen(h)?;
    let above = mean(rho, h) - eigen.values[0];
    if above <= 1e-14 * eigen.spread() {
        return Err(Undefined::Domain("the state is the ground state of the driving Hamiltonian".into()));
    }
    Ok(std::f64::consts::PI / (2.0 * above))
}

pub(super) fn evaluate_charging_power(m: &Moment, _: &[Argument]) -> Value {
    m.energy_rate()
}

pub(super) fn evaluate_fisher(m: &Moment, _: &[Argument]) -> Value {
    energy_fisher_information(m.battery_state()?, &m.battery_rate()?, m.battery()?.eigen()?)
}

pub(super) fn evaluate_fisher_bound(m: &Moment, a: &[Argument]) -> Value {
    Ok(standard_deviation(m.battery_state()?, m.battery()?.hamiltonian()?) * evaluate_fisher(m, a)?.sqrt())
}

fn drive(m: &Moment) -> Result<Matrix, Undefined> {
    m.motion
        .and_then(|d| d.hamiltonian())
        .ok_or_else(|| Undefined::Domain("no Hamiltonian acts at this moment; record a trace instead".into()))
}

pub(super) fn evaluate_uncertainty_bound(m: &Moment, _: &[Argument]) -> Value {
    let battery = standard_deviation(m.battery_state()?, m.battery()?.hamiltonian()?);
    Ok(2.0 * battery * standard_deviation(m.density()?, &drive(m)?))
}

pub(super) fn evaluate_mandelstam_tamm(m: &Moment, _: &[Argument]) -> Value {
    mandelstam_tamm_time(m.scene.initial_density()?, m.density()?, &drive(m)?)
}

pub(super) fn evaluate_margolus_levitin(m: &Moment, _: &[Argument]) -> Value {
    margolus_levitin_time(m.scene.initial_density()?, &drive(m)?)
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state};
    use super::*;
    use crate::linalg::{C64, commutator};

    #[test]
    fn power_obeys_its_bounds() {
        for seed in 0..30 {
            let (rho, h, drive) = (state(4, seed), hamiltonian(4, seed + 1), hamiltonian(4, seed + 2));
            let rate = commutator(&drive, &rho).map(|x| x * C64::new(0.0, -1.0));
            let power = mean(&rate, &h);
            let eigen = hermitian_eigen(&h).unwrap();
            let fisher = energy_fisher_information(&rho, &rate, &eigen).unwrap();
            assert!(power.abs() <= standard_deviation(&rho, &h) * fisher.sqrt() + 1e-12);
            assert!(power.abs() <= 2.0 * standard_deviation(&rho, &h) * standard_deviation(&rho, &drive) + 1e-12);
            assert!(fisher <= 4.0 * standard_deviation(&rho, &drive).powi(2) + 1e-10);
        }
    }

    #[test]
    fn an_equatorial_qubit_saturates_mandelstam_tamm() {
        let h = super::super::single_site::pauli(3).map(|x| x * 0.5);
        let plus = (super::super::single_site::pauli(0) + super::super::single_site::pauli(1)).map(|x| x * 0.5);
        let u = hermitian_eigen(&h).unwrap().propagator(0.9);
        let later = crate::linalg::conjugate(&u, &plus);
        assert!((mandelstam_tamm_time(&plus, &later, &h).unwrap() - 0.9).abs() < 1e-8);
    }

    #[test]
    fn an_eigenstate_has_no_spread() {
        let eigen = hermitian_eigen(&hamiltonian(4, 9)).unwrap();
        let v = eigen.vectors.column(2);
        let rho = v * v.adjoint();
        assert!(standard_deviation(&rho, &hamiltonian(4, 9)) < 1e-14);
    }
}
