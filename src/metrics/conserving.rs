//! Maximum work extractable by unitaries that conserve a quantity.
//!
//! Let `[H, A] = 0` and let `P_a` be the eigenprojectors of `A`. A unitary that commutes with `A` is block diagonal in its eigenspaces, and
//! the Hamiltonian has no elements between them, so
//!
//! `W_A = sum_a [ Tr(rho_a H_a) - sum_k r_ak(down) e_ak(up) ]`, `rho_a = P_a rho P_a`, `H_a = P_a H P_a`,
//!
//! with the eigenvalues `r_a` of `rho_a` and `e_a` of `H_a`: the final state is passive in every sector. `W_A <= W`, and `W_1 = W`. An
//! adiabatic ramp whose Hamiltonians share a parity cannot extract more than this.

use super::deviation::traceless;
use super::{Argument, Moment, Undefined, Value, ergotropy};
use crate::linalg::{Matrix, commutator, conjugate_back, hermitian_eigen};

/// Largest battery dimension for which the sectors are computed.
const LARGEST: usize = 1024;

/// Two eigenvalues of the conserved quantity count as equal within this tolerance, relative to the largest.
const SAME: f64 = 1e-9;

/// Ergotropy of `rho` under unitaries that commute with `kept`, in the units of `h`.
///
/// # Errors
/// When `h` and `kept` do not commute, or eigenvalues cannot be computed.
pub fn conserving_ergotropy(rho: &Matrix, h: &Matrix, kept: &Matrix) -> Result<f64, Undefined> {
    let size = |m: &Matrix| m.iter().fold(0.0f64, |n, x| n.max(x.norm()));
    if size(&commutator(h, kept)) > SAME * size(h) * size(kept) {
        return Err(Undefined::Domain("the energy of the battery does not commute with the conserved quantity".into()));
    }
    let eigen = hermitian_eigen(kept)?;
    let largest = eigen.values.iter().fold(0.0f64, |n, x| n.max(x.abs()));
    // The identity contributes the same energy before and after.
    let (rho, h) = (&traceless(rho), &traceless(h));
    let mut work = 0.0;
    for sector in eigen.levels(SAME * largest) {
        let columns = eigen.vectors.columns(sector.start, sector.len()).into_owned();
        work += ergotropy(&conjugate_back(&columns, rho), &conjugate_back(&columns, h))?;
    }
    Ok(work)
}

pub(super) fn evaluate(m: &Moment, a: &[Argument]) -> Value {
    let cells = m.battery()?;
    m.counts_every_state()?;
    if cells.sites.len() != m.dimensions().len() {
        return Err(Undefined::Domain("a conserved quantity requires the battery to be the whole system".into()));
    }
    if cells.dimension() > LARGEST {
        return Err(Undefined::Domain(format!(
            "symmetry sectors are computed for up to {LARGEST} states, the battery has {}",
            cells.dimension()
        )));
    }
    conserving_ergotropy(m.battery_state()?, cells.hamiltonian()?, m.operator(a, 0)?)
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state, unitary};
    use super::*;
    use crate::linalg::{C64, Matrix, identity};

    /// A random block-diagonal Hermitian matrix with two blocks and an operator that commutes with it, both rotated by a random unitary.
    fn blocks(seed: u64) -> (Matrix, Matrix) {
        let mut h = Matrix::zeros(6, 6);
        h.view_mut((0, 0), (4, 4)).copy_from(&hamiltonian(4, seed));
        h.view_mut((4, 4), (2, 2)).copy_from(&hamiltonian(2, seed + 50));
        let kept = Matrix::from_fn(6, 6, |i, j| {
            C64::from(if i != j {
                0.0
            } else if i < 4 {
                1.0
            } else {
                -1.0
            })
        });
        let u = unitary(6, seed + 7);
        (crate::linalg::conjugate(&u, &h), crate::linalg::conjugate(&u, &kept))
    }

    #[test]
    fn fewer_unitaries_extract_less() {
        for seed in 0..20 {
            let ((h, kept), rho) = (blocks(seed), state(6, seed + 1));
            let all = ergotropy(&rho, &h).unwrap();
            let some = conserving_ergotropy(&rho, &h, &kept).unwrap();
            assert!(-1e-12 < some && some < all, "{some} of {all}");
            assert!((conserving_ergotropy(&rho, &h, &identity(6)).unwrap() - all).abs() < 1e-11);
        }
    }

    /// If energy itself is conserved, no work can be extracted; an operator that does not commute with H is rejected.
    #[test]
    fn energy_is_kept_or_nothing() {
        let (rho, h) = (state(4, 3), hamiltonian(4, 8));
        assert!(conserving_ergotropy(&rho, &h, &h).unwrap().abs() < 1e-12);
        assert!(conserving_ergotropy(&rho, &h, &hamiltonian(4, 9)).is_err());
    }

    /// No commuting unitary extracts more; checked with random ones.
    #[test]
    fn no_commuting_unitary_does_better() {
        let ((h, kept), rho) = (blocks(5), state(6, 11));
        let bound = conserving_ergotropy(&rho, &h, &kept).unwrap();
        let eigen = hermitian_eigen(&kept).unwrap();
        for seed in 0..200 {
            let mut inside = Matrix::zeros(6, 6);
            inside.view_mut((0, 0), (2, 2)).copy_from(&unitary(2, seed));
            inside.view_mut((2, 2), (4, 4)).copy_from(&unitary(4, seed + 300));
            let u = &eigen.vectors * inside * eigen.vectors.adjoint();
            let after = crate::linalg::trace_of_product(&crate::linalg::conjugate(&u, &rho), &h).re;
            let before = crate::linalg::trace_of_product(&rho, &h).re;
            assert!(before - after <= bound + 1e-10);
        }
    }
}
