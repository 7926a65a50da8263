//! Coherent and incoherent parts of ergotropy and capacity.
//!
//! `W_i = W(D[rho])`, `W_c = W - W_i`, where D removes coherence between levels of different energy and leaves degenerate blocks unchanged
//! (Francica et al., PRL 125, 180603). For a pure state D leaves one vector per level, so the populations of the levels suffice. Both parts
//! are non-negative; `W_c = 0` if `[rho, H] = 0`; and `W_c <= (e_max - e_0)/2 * l1(energy)`.

use super::coherence::level_weights;
use super::ergotropy::{asked, energies_with};
use super::{Argument, Moment, Undefined, Value, capacity, ergotropy};
use crate::linalg::{Eigen, LinalgError, Matrix};
use crate::spin::dephase;

/// Ergotropy of the state dephased between energy levels, in the units of `h`.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn incoherent_ergotropy(rho: &Matrix, h: &Matrix, levels: &Eigen) -> Result<f64, LinalgError> {
    ergotropy(&dephase(rho, levels), h)
}

/// Capacity of the state dephased between energy levels, in the units of `h`.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn incoherent_capacity(rho: &Matrix, h: &Matrix, levels: &Eigen) -> Result<f64, LinalgError> {
    capacity(&dephase(rho, levels), h)
}

/// Ergotropy and capacity of the dephased state.
fn incoherent(m: &Moment) -> Result<(f64, f64), Undefined> {
    let cells = m.battery()?;
    if let Some(mut weights) = level_weights(m)? {
        weights.sort_by(f64::total_cmp);
        let levels = cells.inside().energies()?;
        let passive: f64 = weights.iter().rev().zip(levels).map(|(w, e)| w * e).sum();
        let active: f64 = weights.iter().rev().zip(levels.iter().rev()).map(|(w, e)| w * e).sum();
        return Ok((m.energy()? - passive, active - passive));
    }
    if let Some(spectrum) = m.dephased_spectrum()? {
        let [energy, low, high] = energies_with(m, &spectrum)?;
        return Ok((energy - low, high - low));
    }
    let (rho, h, levels) = (m.battery_state()?, cells.hamiltonian()?, cells.eigen()?);
    Ok((incoherent_ergotropy(rho, h, levels)?, incoherent_capacity(rho, h, levels)?))
}

/// Ergotropy and capacity of the full state, for the same set of unitaries.
fn whole(m: &Moment) -> Result<(f64, f64), Undefined> {
    let cells = m.battery()?;
    if m.pure_battery().is_some() {
        let (low, high) = cells.inside().ends()?;
        return Ok((m.energy()? - low, high - low));
    }
    if cells.levels.is_some() {
        let [energy, low, high] = asked(m, &[])?;
        return Ok((energy - low, high - low));
    }
    let (rho, h) = (m.battery_state()?, cells.hamiltonian()?);
    Ok((ergotropy(rho, h)?, capacity(rho, h)?))
}

pub(super) fn evaluate_incoherent(m: &Moment, _: &[Argument]) -> Value {
    Ok(incoherent(m)?.0)
}

pub(super) fn evaluate_coherent(m: &Moment, _: &[Argument]) -> Value {
    Ok(whole(m)?.0 - incoherent(m)?.0)
}

pub(super) fn evaluate_incoherent_capacity(m: &Moment, _: &[Argument]) -> Value {
    Ok(incoherent(m)?.1)
}

pub(super) fn evaluate_coherent_capacity(m: &Moment, _: &[Argument]) -> Value {
    Ok(whole(m)?.1 - incoherent(m)?.1)
}

#[cfg(test)]
mod tests {
    use super::super::entropy::relative_entropy_nats;
    use super::super::random::{hamiltonian, state};
    use super::*;
    use crate::linalg::hermitian_eigen;
    use crate::spin::gibbs;

    #[test]
    fn both_parts_are_positive_and_bounded_by_coherence() {
        for seed in 0..40 {
            let (rho, h) = (state(4, seed), hamiltonian(4, seed + 9));
            let eigen = hermitian_eigen(&h).unwrap();
            let (w, wi) = (ergotropy(&rho, &h).unwrap(), incoherent_ergotropy(&rho, &h, &eigen).unwrap());
            let coherence = super::super::l1_coherence(&crate::linalg::conjugate_back(&eigen.vectors, &rho));
            assert!(wi >= -1e-13 && w - wi >= -1e-13);
            assert!(w - wi <= eigen.spread() / 2.0 * coherence + 1e-12);
            assert!(capacity(&rho, &h).unwrap() >= incoherent_capacity(&rho, &h, &eigen).unwrap() - 1e-13);
        }
    }

    /// W_c = T [C_rel + D(P_Delta || tau) - D(P || tau)] at every temperature T.
    #[test]
    fn the_coherent_part_is_an_entropy_for_every_temperature() {
        for seed in 0..10 {
            let (rho, h) = (state(3, seed), hamiltonian(3, seed + 5));
            let eigen = hermitian_eigen(&h).unwrap();
            let passive_of = |r: &Matrix| {
                let mut p = hermitian_eigen(r).unwrap().values;
                p.reverse();
                let mut scaled = eigen.vectors.clone();
                for (k, p) in p.iter().enumerate() {
                    scaled.column_mut(k).iter_mut().for_each(|x| *x *= *p);
                }
                &scaled * eigen.vectors.adjoint()
            };
            let dephased = dephase(&rho, &eigen);
            let wc = ergotropy(&rho, &h).unwrap() - ergotropy(&dephased, &h).unwrap();
            for t in [0.4, 1.0, 3.0] {
                let tau = gibbs(&h, t).unwrap();
                let c_rel =
                    (super::super::entropy(&dephased).unwrap() - super::super::entropy(&rho).unwrap()) * 2f64.ln();
                let right = t
                    * (c_rel + relative_entropy_nats(&passive_of(&dephased), &tau).unwrap()
                        - relative_entropy_nats(&passive_of(&rho), &tau).unwrap());
                assert!((wc - right).abs() < 1e-11, "{wc} {right}");
            }
        }
    }
}
