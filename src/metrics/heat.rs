//! Heat, work and entropy production from `prepare` to a moment.
//!
//! `d rho/dt = -i [H(t), rho] + D(rho)` and the Hamiltonian `H_b` of the battery give
//!
//! `Q = integral of Tr[D(rho) H_b] dt + sum of the changes of Tr[rho H_b] by statements that are not unitary`, `W = E - E_0 - Q`
//!
//! (Alicki, J. Phys. A 12, L103). Both refer to the battery's own Hamiltonian, not to the one that drives it: the energy that relaxation
//! brings into a drive or into subsystems outside of the cells is no heat. With ancillas of a collision model among the cells, Q and W
//! are those of Barra, Sci. Rep. 5, 14873 (2015): a reset exchanges heat, and switching an interaction costs work.
//!
//! `Sigma = S - S_0 - Q/T`, S in nats, is not negative if `H_b` has the Gibbs state at T as a fixed point of D and the cells are the
//! whole system (Spohn, J. Math. Phys. 19, 1227): `d Sigma/dt = -Tr[D(rho) (ln rho - ln tau)]`.

use super::{Argument, Moment, Undefined, Value};

pub(super) fn heat(m: &Moment, _: &[Argument]) -> Value {
    m.battery()?;
    m.heat()
}

pub(super) fn work(m: &Moment, _: &[Argument]) -> Value {
    Ok(m.stored_energy()? - m.heat()?)
}

/// The entropies are compared as deficits `ln N - S`, which keep their digits near the maximally mixed state.
pub(super) fn entropy_production(m: &Moment, a: &[Argument]) -> Value {
    let temperature = m.number(a, 0)?;
    if temperature == 0.0 || !temperature.is_finite() {
        return Err(Undefined::Domain("the temperature of an entropy production is finite and not 0".into()));
    }
    let heat = heat(m, a)?;
    let begin = Moment::new(m.scene, &m.scene.initial, None, 0.0);
    Ok(begin.battery_spectrum()?.deficit() - m.battery_spectrum()?.deficit() - heat / temperature)
}
