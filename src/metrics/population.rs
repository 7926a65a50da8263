//! Populations of the battery's levels.
//!
//! `P_k = Tr[Pi_k rho]`, with the projector `Pi_k` on the k-th level of the battery, counted from 1 at the lowest; states of equal
//! energy form one level, so the result does not depend on the choice of eigenvectors.

use super::measurement::SAME_LEVEL;
use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{C64, Eigen, Matrix, groups};

/// Population of a level of `h`, from the eigendecomposition of `h`.
///
/// # Errors
/// When there is no such level.
pub fn population(rho: &Matrix, eigen: &Eigen, level: usize) -> Result<f64, Undefined> {
    let levels = eigen.levels(SAME_LEVEL * eigen.spread());
    let Some(states) = level.checked_sub(1).and_then(|k| levels.get(k)) else {
        return Err(no_such_level(levels.len()));
    };
    Ok(states.clone().map(|k| super::moment::diagonal_element(&eigen.vectors, k, rho)).sum())
}

/// The same for a battery with collectives, of which not all levels need be stored.
fn population_of_multiplets(m: &Moment, energies: &[f64], level: usize) -> Value {
    let spread = energies.last().copied().unwrap_or(0.0) - energies.first().copied().unwrap_or(0.0);
    let all = groups(energies, SAME_LEVEL * spread);
    let Some(states) = level.checked_sub(1).and_then(|k| all.get(k)) else { return Err(no_such_level(all.len())) };
    let own = energies.get(states.clone()).unwrap_or_default();
    let (low, high) = (own.first().copied().unwrap_or(0.0), own.last().copied().unwrap_or(0.0));
    let (rho, eigen) = (m.average_battery_state()?, m.battery()?.eigen()?);
    let within = 0.5 * SAME_LEVEL * spread;
    let inside = |e: f64| e >= low - within && e <= high + within;
    let stored = eigen.values.iter().enumerate().filter(|(_, e)| inside(**e));
    Ok(stored.map(|(k, _)| super::moment::diagonal_element(&eigen.vectors, k, rho)).sum())
}

fn no_such_level(levels: usize) -> Undefined {
    Undefined::Domain(format!("the battery has {levels} levels"))
}

#[expect(clippy::indexing_slicing, reason = "levels are ranges of the energies, with one amplitude per eigenvector")]
pub(super) fn evaluate(m: &Moment, a: &[Argument]) -> Value {
    let level = m.number(a, 0)?.max(0.0) as usize;
    if let Some((psi, levels)) = m.pure_battery() {
        let energies = levels.energies()?;
        let spread = energies.last().copied().unwrap_or(0.0) - energies.first().copied().unwrap_or(0.0);
        let all = groups(energies, SAME_LEVEL * spread);
        let states = level.checked_sub(1).and_then(|k| all.get(k)).ok_or_else(|| no_such_level(all.len()))?;
        let amplitudes = levels.resolve(psi)?;
        return Ok(amplitudes[states.clone()].iter().map(C64::norm_sqr).sum());
    }
    if m.battery()?.levels.is_some() {
        let energies: Vec<f64> = m.battery()?.all_levels()?.iter().map(|l| l.0).collect();
        return population_of_multiplets(m, &energies, level);
    }
    population(m.average_battery_state()?, m.battery()?.eigen()?, level)
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state};
    use super::*;
    use crate::linalg::{C64, Matrix, hermitian_eigen, trace_of_product};

    #[test]
    fn populations_make_up_the_state_and_its_energy() {
        for seed in 0..10 {
            let (rho, h) = (state(5, seed), hamiltonian(5, seed + 3));
            let eigen = hermitian_eigen(&h).unwrap();
            let all: Vec<f64> = (1..=5).map(|k| population(&rho, &eigen, k).unwrap()).collect();
            assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let energy: f64 = all.iter().zip(&eigen.values).map(|(p, e)| p * e).sum();
            assert!((energy - trace_of_product(&rho, &h).re).abs() < 1e-11);
            assert!(population(&rho, &eigen, 0).is_err() && population(&rho, &eigen, 6).is_err());
        }
    }

    #[test]
    fn equal_energies_are_one_level() {
        let h = Matrix::from_diagonal(&nalgebra::DVector::from_vec([1.0, 0.0, 1.0].map(C64::from).to_vec()));
        let eigen = hermitian_eigen(&h).unwrap();
        let rho = Matrix::identity(3, 3).map(|x: C64| x / 3.0);
        assert!((population(&rho, &eigen, 2).unwrap() - 2.0 / 3.0).abs() < 1e-15);
        assert!(population(&rho, &eigen, 3).is_err());
    }
}
