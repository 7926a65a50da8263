//! Daemonic ergotropy: work extraction assisted by a measured ancilla.
//!
//! `W_D = E_S - min over measurements of sum_a p_a E_passive(rho_S | a)`; the ancilla is one qubit, measured projectively
//! (Francica et al., npj Quantum Inf. 3, 12). `W_D >= W(rho_S)`, with equality for product states; `E_S - e_0` if the joint state is pure.
//! For two qubits there is a closed form ([`daemonic_ergotropy_two_qubits`]).

use super::deviation::traceless;
use super::discord::{best_measurement, components};
use super::ergotropy::fill;
use super::single_site::pauli;
use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{LinalgError, Matrix, Real3, hermitian_values, real, trace_of_product};
use crate::spin::reduce;

/// Largest battery dimension for which the measurement is optimised: each direction needs the eigenvalues of two battery states.
const LARGEST: usize = 256;

/// Daemonic ergotropy of a state, in the units of `h`; the first factor is the measured ancilla, the second the battery with
/// Hamiltonian `h`.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn daemonic_ergotropy(rho: &Matrix, h: &Matrix) -> Result<f64, LinalgError> {
    let parts = components(rho);
    let h = traceless(h);
    let levels = hermitian_values(&h)?;
    let energy = trace_of_product(&traceless(&parts[0]), &h).re;
    let passive = best_measurement(&parts, |m| {
        Ok(hermitian_values(&traceless(m))?.iter().rev().zip(&levels).map(|(r, e)| r * e).sum())
    })?;
    Ok(energy - passive)
}

/// Closed form for a qubit battery: `E_S - Tr[h]/2 + (gap/2) sqrt(a.a + max(0, l))` with the battery's Bloch vector a, the
/// correlation tensor T (battery index first) and the largest eigenvalue l of `T T^t - a a^t`. Ancilla first, as above.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn daemonic_ergotropy_two_qubits(rho: &Matrix, h: &Matrix) -> Result<f64, LinalgError> {
    let levels = hermitian_values(h)?;
    let battery = reduce(rho, &[2, 2], &[1]);
    let bloch = nalgebra::Vector3::from_fn(|k, _| trace_of_product(&battery, &pauli(k + 1)).re);
    let tensor = Real3::from_fn(|i, j| trace_of_product(rho, &pauli(j + 1).kronecker(&pauli(i + 1))).re);
    let difference = tensor * tensor.transpose() - bloch * bloch.transpose();
    let values = hermitian_values(&Matrix::from_iterator(3, 3, difference.iter().map(|x| real(*x))))?;
    let largest = values.last().copied().unwrap_or_default();
    let length = (bloch.norm_squared() + largest.max(0.0)).sqrt();
    let energy = trace_of_product(&traceless(&battery), &traceless(h)).re;
    let spread = levels.last().unwrap_or(&0.0) - levels.first().unwrap_or(&0.0);
    Ok(energy + spread / 2.0 * length)
}

pub(super) fn evaluate(m: &Moment, a: &[Argument]) -> Value {
    let cells = m.battery()?;
    let ancilla = m.site(a, 0)?;
    if m.dimension(ancilla) != 2 || cells.sites.contains(&ancilla) {
        return Err(Undefined::Domain("the ancilla must be a spin 1/2 outside the cells of the battery".into()));
    }
    let mut sites = vec![ancilla];
    sites.extend(&cells.sites);
    // If battery and ancilla together are pure, every outcome leaves the battery pure.
    if sites.len() == m.dimensions().len() && m.pure_system().is_some() {
        return Ok(m.energy()? - cells.ends()?.0);
    }
    if cells.dimension() > LARGEST {
        return Err(Undefined::Domain(format!(
            "the measurement is optimised for batteries of up to {LARGEST} states, this battery has {}",
            cells.dimension()
        )));
    }
    let rho = m.reduced(&sites)?;
    if let Some(multiplets) = m.multiplets()? {
        // `components` gives the states of the battery, which have no coherences between multiplets.
        let parts = components(&rho);
        let (reference, energy) = m.energy_above(&multiplets.spectrum(&parts[0])?)?;
        let passive = best_measurement(&parts, |state| {
            Ok(fill(&multiplets.spectrum(state)?.parts, multiplets.levels.iter(), reference))
        })?;
        return Ok(energy - passive);
    }
    let h = cells.hamiltonian()?;
    if h.nrows() == 2 {
        return Ok(daemonic_ergotropy_two_qubits(&rho, h)?);
    }
    Ok(daemonic_ergotropy(&rho, h)?)
}

#[cfg(test)]
mod tests {
    use super::super::ergotropy;
    use super::super::random::{hamiltonian, pure, state};
    use super::*;
    use crate::linalg::kron;

    #[test]
    fn the_closed_form_is_the_optimum() {
        for seed in 0..20 {
            let (rho, h) = (state(4, seed), hamiltonian(2, seed + 7));
            let (search, closed) =
                (daemonic_ergotropy(&rho, &h).unwrap(), daemonic_ergotropy_two_qubits(&rho, &h).unwrap());
            assert!((search - closed).abs() < 1e-9, "{search} {closed}");
            assert!(closed >= ergotropy(&reduce(&rho, &[2, 2], &[1]), &h).unwrap() - 1e-12);
        }
    }

    #[test]
    fn products_gain_nothing_and_pure_states_everything() {
        let h = hamiltonian(3, 4);
        let (a, b) = (state(2, 1), state(3, 2));
        assert!((daemonic_ergotropy(&kron(&a, &b), &h).unwrap() - ergotropy(&b, &h).unwrap()).abs() < 1e-10);
        let rho = pure(6, 3);
        let battery = reduce(&rho, &[2, 3], &[1]);
        let all = trace_of_product(&battery, &h).re - hermitian_values(&h).unwrap()[0];
        assert!((daemonic_ergotropy(&rho, &h).unwrap() - all).abs() < 1e-9);
    }
}
