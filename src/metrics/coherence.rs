//! Coherence in a basis that is named (Baumgratz, Cramer, Plenio, PRL 113, 140401).
//!
//! `l1 = sum over i != j of |rho_ij|`, between 0 and d - 1, `1 + l1` multiplies on products; relative entropy of coherence
//! `S(D[rho]) - S(rho)` in bits, additive. In the energy basis, degenerate levels count as one block: l1 sums over elements
//! between different levels only there, since inside a level the basis is arbitrary.

use super::{Argument, Curve, Moment, Scene, Turning, Value, entropy};
use crate::linalg::{Eigen, LinalgError, Matrix, conjugate_back};

/// l1 coherence in the basis the matrix is written in.
pub fn l1_coherence(rho: &Matrix) -> f64 {
    let mut sum = 0.0;
    for j in 0..rho.ncols() {
        for i in 0..rho.nrows() {
            if i != j {
                sum += rho[(i, j)].norm();
            }
        }
    }
    sum
}

/// l1 coherence between the levels of a Hamiltonian.
fn l1_between_levels(rho: &Matrix, levels: &Eigen) -> f64 {
    let inside = conjugate_back(&levels.vectors, rho);
    let mut within = 0.0;
    for level in levels.levels(crate::spin::degeneracy(levels)) {
        for i in level.clone() {
            for j in level.clone() {
                if i != j {
                    within += inside[(i, j)].norm();
                }
            }
        }
    }
    l1_coherence(&inside) - within
}

/// Relative entropy of coherence in the basis the matrix is written in, bits.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn relative_entropy_coherence(rho: &Matrix) -> Result<f64, LinalgError> {
    let diagonal = Matrix::from_diagonal(&rho.diagonal());
    Ok((entropy(&diagonal)? - entropy(rho)?).max(0.0))
}

pub(super) fn evaluate_l1(m: &Moment, a: &[Argument]) -> Value {
    let rho = m.battery_state()?;
    Ok(match a.first() {
        Some(Argument::EnergyBasis) => l1_between_levels(rho, m.battery()?.eigen()?),
        _ => l1_coherence(rho),
    })
}

pub(super) fn l1_along(t: &Turning, scene: &Scene) -> Option<Curve> {
    scene.whole_battery().map(|_| t.l1())
}

pub(super) fn evaluate_relative_entropy(m: &Moment, a: &[Argument]) -> Value {
    let rho = m.battery_state()?;
    Ok(match a.first() {
        Some(Argument::EnergyBasis) => {
            let dephased = crate::spin::dephase(rho, m.battery()?.eigen()?);
            (entropy(&dephased)? - entropy(rho)?).max(0.0)
        }
        _ => relative_entropy_coherence(rho)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::random::{pure, state};
    use super::*;
    use crate::linalg::kron;

    #[test]
    fn laws_of_coherence() {
        for seed in 0..20 {
            let (a, b) = (state(2, seed), state(3, seed + 1));
            let ab = kron(&a, &b);
            assert!(((1.0 + l1_coherence(&a)) * (1.0 + l1_coherence(&b)) - 1.0 - l1_coherence(&ab)).abs() < 1e-12);
            let sum = relative_entropy_coherence(&a).unwrap() + relative_entropy_coherence(&b).unwrap();
            assert!((relative_entropy_coherence(&ab).unwrap() - sum).abs() < 1e-11);
            assert!(l1_coherence(&pure(5, seed)) <= 4.0 + 1e-12);
        }
    }
}
