//! Metrics of the evolution itself, from the propagator `U` between `prepare` and the moment: gates and quasienergies.
//!
//! * Average gate fidelity with `V = exp(-i G)`: `F = (|Tr[V^dagger U]|^2/d + 1)/(d + 1)`, the fidelity of `U psi` with `V psi`
//!   averaged over all pure states (Nielsen, Phys. Lett. A 303, 249). A global phase has no effect.
//! * Quasienergies of a cycle of length `t`: `U = sum_k exp(-i e_k t) |k><k|` with `-pi/t < e_k <= pi/t`.
//! * Effective Hamiltonian of a cycle: `H = sum_k e_k |k><k|`, and the coefficient `Tr[A H]/Tr[A^2]` of an operator A in it.

use super::moment::diagonal_element;
use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{C64, LinalgError, Matrix, hermitian_eigen, unitary_eigen};
use std::f64::consts::PI;

/// Average fidelity of the gate `u` with `exp(-i g)`, between `1/(d + 1)` and 1.
///
/// # Errors
/// When the eigenvalues of `g` cannot be computed.
pub fn gate_fidelity(u: &Matrix, g: &Matrix) -> Result<f64, LinalgError> {
    Ok(gate_fidelity_of(u, &hermitian_eigen(g)?.propagator(1.0)))
}

/// The same for a gate given as its propagator `V = exp(-i G)`: `F = (|Tr[V^+ U]|^2/d + 1)/(d + 1)`.
pub fn gate_fidelity_of(u: &Matrix, v: &Matrix) -> f64 {
    let d = u.nrows() as f64;
    (overlap(u, v).norm_sqr() / d + 1.0) / (d + 1.0)
}

/// `Tr[V^+ U]`.
fn overlap(u: &Matrix, v: &Matrix) -> C64 {
    v.iter().zip(u.iter()).map(|(v, u)| v.conj() * u).sum()
}

/// `W` with `dF = Re Tr[W dU]` of the fidelity of a gate V: `2 conj(Tr[V^+ U]) V^+ / (d (d + 1))`.
pub fn gate_fidelity_derivative(u: &Matrix, v: &Matrix) -> Matrix {
    let d = u.nrows() as f64;
    v.adjoint() * (overlap(u, v).conj() * C64::from(2.0 / (d * (d + 1.0))))
}

/// The phases `p_k` of a unitary, `U = sum_k exp(-i p_k) |k><k|`, ascending in `(-pi, pi]`.
///
/// # Errors
/// When the matrix is not unitary, or the eigenvectors cannot be computed.
pub fn unitary_phases(u: &Matrix) -> Result<Vec<f64>, LinalgError> {
    let (mut phases, _) = eigen_of(u)?;
    phases.sort_by(f64::total_cmp);
    Ok(phases)
}

/// Phases that differ from pi by less are equal to it.
const ACCURATE: f64 = 1e-11;

/// The phases of a unitary in `(-pi, pi]`, in no particular order, and its eigenvectors as columns.
fn eigen_of(u: &Matrix) -> Result<(Vec<f64>, Matrix), LinalgError> {
    let (mut phases, vectors) = unitary_eigen(u, ACCURATE)?;
    // -0.0 would give -pi in the place of pi.
    phases.iter_mut().filter(|p| **p <= -PI + ACCURATE).for_each(|p| *p = PI);
    Ok((phases, vectors))
}

pub(super) fn evaluate_gate_fidelity(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    Ok(gate_fidelity(m.propagator()?, m.operator(a, 0)?)?)
}

pub(super) fn gate_fidelity_by_propagator(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    m.counts_every_state().ok()?;
    let gate = hermitian_eigen(m.operator(a, 0).ok()?).ok()?.propagator(1.0);
    Some(gate_fidelity_derivative(m.propagator().ok()?, &gate))
}

pub(super) fn evaluate_quasienergy(m: &Moment, a: &[Argument]) -> Value {
    m.counts_every_state()?;
    let u = m.propagator()?;
    let time = m.elapsed()?;
    if time <= 0.0 {
        return Err(Undefined::Domain("no time has passed since `prepare`".into()));
    }
    let k = m.number(a, 0)?.max(0.0) as usize;
    let phases = unitary_phases(u)?;
    let found = k.checked_sub(1).and_then(|k| phases.get(k));
    found.map(|p| p / time).ok_or_else(|| Undefined::Domain(format!("the system has {} quasienergies", phases.len())))
}

/// The coefficient of A in the effective Hamiltonian, rad/s. A phase of pi belongs to the quasienergies pi/t and -pi/t alike, so that the
/// Hamiltonian is not unique.
pub(super) fn evaluate_effective(m: &Moment, a: &[Argument]) -> Value {
    const AT_EDGE: f64 = 1e-9;
    m.counts_every_state()?;
    let (u, time, operator) = (m.propagator()?, m.elapsed()?, m.operator(a, 0)?);
    if time <= 0.0 {
        return Err(Undefined::Domain("no time has passed since `prepare`".into()));
    }
    let (phases, vectors) = eigen_of(u)?;
    if phases.iter().any(|p| PI - p.abs() < AT_EDGE) {
        let why = "an eigenvalue of the propagator is -1, so that the effective Hamiltonian is not unique";
        return Err(Undefined::Domain(why.into()));
    }
    let size: f64 = operator.iter().map(C64::norm_sqr).sum();
    if size == 0.0 {
        return Err(Undefined::Domain("the operator is zero".into()));
    }
    let inside = phases.iter().enumerate().map(|(k, p)| p * diagonal_element(&vectors, k, operator));
    Ok(inside.sum::<f64>() / (size * time))
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, unitary};
    use super::*;
    use crate::linalg::{identity, product};

    #[test]
    fn a_gate_is_itself_whatever_its_phase() {
        for seed in 0..10 {
            let g = hamiltonian(4, seed);
            let u = hermitian_eigen(&g).unwrap().propagator(1.0);
            let turned = &u * C64::cis(0.3 * seed as f64);
            assert!((gate_fidelity(&turned, &g).unwrap() - 1.0).abs() < 1e-13);
            let other = unitary(4, seed);
            assert!(gate_fidelity(&other, &g).unwrap() < 1.0);
        }
        // |Tr U|^2 = d^2 cos(a)^2 for U = exp(-i a Z) on one spin against the identity.
        let z = Matrix::from_diagonal(&nalgebra::dvector![C64::from(1.0), C64::from(-1.0)]);
        let u = hermitian_eigen(&z).unwrap().propagator(0.4);
        let expected = (2.0 * 0.4f64.cos().powi(2) + 1.0) / 3.0;
        assert!((gate_fidelity(&u, &Matrix::zeros(2, 2)).unwrap() - expected).abs() < 1e-14);
    }

    #[test]
    fn phases_are_those_of_the_eigenvalues() {
        for seed in 0..10 {
            let v = unitary(5, seed);
            // Pairs that are mirror images, equal ones, and pi itself.
            let phases = [-1.2, 0.3, 0.3, 1.2, PI];
            let d = Matrix::from_fn(5, 5, |i, j| if i == j { C64::cis(-phases[i]) } else { C64::default() });
            let u = product(&product(&v, &d), &v.adjoint());
            let found = unitary_phases(&u).unwrap();
            assert!(found.iter().zip(&phases).all(|(a, b)| (a - b).abs() < 1e-11), "{found:?}");
        }
        assert!(unitary_phases(&identity(3)).unwrap().iter().all(|p| p.abs() < 1e-15));
    }
}
