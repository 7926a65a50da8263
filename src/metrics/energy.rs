//! Energy, stored energy and average power.
//!
//! `E = Tr[rho H]`; `dE = E(t) - E(0)`; `P = dE / t`. Linear in the state; `-C <= dE <= C` under unitary evolution.

use super::moment::mean;
use super::{Argument, BohrExpansion, Curve, Moment, Scene, Undefined, Value};
use crate::linalg::Matrix;
use crate::spin::State;

/// `Tr[rho H]`, in the units of H.
pub fn energy(rho: &Matrix, h: &Matrix) -> f64 {
    mean(rho, h)
}

pub(super) fn evaluate_energy(m: &Moment, a: &[Argument]) -> Value {
    if a.is_empty() {
        return m.energy();
    }
    // Check that the operator acts on the battery alone.
    let argument = m.operator_argument(a, 0)?;
    if argument.operator().restricted(&m.battery()?.sites).is_none() {
        m.hamiltonian(a)?;
    }
    m.mean_of(a, 0)
}

pub(super) fn along(t: &BohrExpansion, scene: &Scene) -> Option<Curve> {
    Some(t.mean_of(scene.whole_battery()?.hamiltonian().ok()?))
}

pub(super) fn stored_along(t: &BohrExpansion, scene: &Scene) -> Option<Curve> {
    let State::Mixed(initial) = &scene.initial else { return None };
    Some(t.change_of(scene.whole_battery()?.hamiltonian().ok()?, initial))
}

/// The eigenvalues of the state are constant, so the ergotropy changes at the same rate as the energy.
pub(super) fn rate_along(t: &BohrExpansion, scene: &Scene) -> Option<Curve> {
    Some(t.rate_of(scene.whole_battery()?.hamiltonian().ok()?))
}

pub(super) fn evaluate_stored(m: &Moment, _: &[Argument]) -> Value {
    m.stored_energy()
}

/// At t = 0 returns the limit, dE/dt.
pub(super) fn evaluate_average_power(m: &Moment, a: &[Argument]) -> Value {
    let time = m.elapsed()?;
    if time > 0.0 {
        return Ok(evaluate_stored(m, a)? / time);
    }
    if time == 0.0 {
        return super::speed::evaluate_charging_power(m, a);
    }
    Err(Undefined::Domain("the time since `prepare` is negative".into()))
}
