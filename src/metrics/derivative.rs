//! Derivatives of metrics with respect to the state: the Hermitian G with `d value = Tr[G d rho]` for every traceless Hermitian d rho.
//!
//! With eigenvectors `|k>` of rho and levels e of H, and since `d r_k = <k| d rho |k>`:
//!
//! ```text
//! energy, stored energy   H
//! expectation             A
//! population              Pi_k, the projector on a level
//! fidelity                |psi><psi| for a prepared state vector psi; otherwise sqrt(F) s (s rho s)^(-1/2) s, s = sqrt(rho_0)
//! ergotropy               H - P,  P = sum_k e_k(up) |k><k|, k by descending eigenvalues
//! anti-ergotropy          A - H,  A = sum_k e_k(up) |k><k|, k by ascending eigenvalues
//! capacity                A - P
//! state of charge         (dW - (W/C) dC) / C
//! efficiency              (dW - (W/(E - E_0)) H) / (E - E_0)
//! order                   B / sqrt(Tr[dr_0^2] Tr[B^2]),  B the traceless part of the operator
//! correlation             (B - (Tr[dr B]/Tr[dr^2]) dr) / sqrt(Tr[dr^2] Tr[B^2])
//! coherence order         2 (dr_k - c dr) / Tr[dr^2],  dr_k the part of orders +k and -k, c the value
//! purity                  2 rho
//! linear entropy          -2 d/(d-1) rho
//! trace distance          sign(rho - rho_0) / 2
//! entropy                 -log2 rho
//! ```
//!
//! Operators of a battery that is part of the system act as the identity on the rest. If eigenvalues of rho are degenerate, P and A are
//! not unique and the metric has a corner; so has the trace distance where an eigenvalue of the difference is zero.

#![expect(clippy::indexing_slicing, reason = "matrices have the dimensions of the scene")]

use super::deviation::traceless;
use super::{Argument, Moment};
use crate::linalg::{Eigen, Matrix, conjugate, groups, hermitian_eigen, hermitian_values, norm_squared, real};
use crate::spin::{Space, State};

/// Derivative of a metric at a moment, energies in rad/s; `None` if there is no closed form.
pub type Derivative = fn(&Moment, &[Argument]) -> Option<Matrix>;

/// An operator on some sites as one on the whole product space.
fn beside(m: &Moment, sites: &[usize], inside: &Matrix) -> Option<Matrix> {
    let dimensions = m.dimensions();
    // Larger matrices take longer than finite differences.
    const MOST: usize = 1024;
    let n = dimensions.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).filter(|n| *n <= MOST)?;
    let part: usize = sites.iter().map(|s| dimensions[*s]).product();
    if inside.nrows() != part {
        return None;
    }
    // The index within the sites, and that within the rest.
    let split = |k: usize| {
        let (mut left, mut digits) = (k, vec![0; dimensions.len()]);
        for (digit, d) in digits.iter_mut().zip(dimensions).rev() {
            (*digit, left) = (left % d, left / d);
        }
        let own = sites.iter().fold(0, |sum, s| sum * dimensions[*s] + digits[*s]);
        sites.iter().for_each(|s| digits[*s] = 0);
        (own, digits.iter().zip(dimensions).fold(0, |sum, (digit, d)| sum * d + digit))
    };
    let of: Vec<(usize, usize)> = (0..n).map(split).collect();
    Some(Matrix::from_fn(n, n, |i, j| if of[i].1 == of[j].1 { inside[(of[i].0, of[j].0)] } else { real(0.0) }))
}

/// An operator of the battery on the whole product space; `None` for collectives, whose states count several times.
fn of_battery(m: &Moment, inside: &Matrix) -> Option<Matrix> {
    let cells = m.scene.cells.as_ref().filter(|c| c.levels.is_none())?;
    beside(m, &cells.sites, inside)
}

/// The Hamiltonian of the battery, and `sum_k e_k |k><k|` with its levels e ascending and the eigenvectors of the battery's state by
/// ascending or descending eigenvalue.
fn arranged(m: &Moment, a: &[Argument], ascending: bool) -> Option<(Matrix, Matrix)> {
    let (h, rho) = (m.hamiltonian(a).ok()?, m.battery_state().ok()?);
    let n = rho.nrows();
    if h.nrows() != n {
        return None;
    }
    // Diagonalise the deviation from the maximally mixed state: it may be only 1e-5 of the state.
    let deviation = rho - Matrix::identity(n, n) * real(1.0 / n as f64);
    let eigen = hermitian_eigen(&deviation).ok()?;
    let mut levels = hermitian_values(&h).ok()?;
    if !ascending {
        levels.reverse();
    }
    let mut levels = levels.into_iter();
    Some((h, function(&eigen, |_| levels.next().unwrap_or(0.0))))
}

/// A function of a matrix from its eigenvectors, applied to the eigenvalues in ascending order.
fn function(eigen: &Eigen, mut f: impl FnMut(f64) -> f64) -> Matrix {
    let mut scaled = eigen.vectors.clone();
    scaled.column_iter_mut().zip(&eigen.values).for_each(|(mut column, r)| column *= real(f(*r)));
    scaled * eigen.vectors.adjoint()
}

pub(super) fn energy(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    of_battery(m, &m.hamiltonian(a).ok()?)
}

pub(super) fn expectation(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    m.operator(a, 0).ok().cloned()
}

pub(super) fn population(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let level = m.number(a, 0).ok()?.max(0.0) as usize;
    let eigen = m.battery().ok()?.eigen().ok()?;
    let states = groups(&eigen.values, super::SAME_LEVEL * eigen.spread()).get(level.checked_sub(1)?)?.clone();
    let vectors = eigen.vectors.columns(states.start, states.len());
    of_battery(m, &(vectors * vectors.adjoint()))
}

/// The state that is compared with, on the whole product space: the named one, or the prepared one.
fn reference(m: &Moment, a: &[Argument]) -> Option<State> {
    match a.iter().find_map(|a| if let Argument::State(target) = a { Some(target) } else { None }) {
        Some(target) if target.is_averaged() => None,
        Some(target) => {
            // The size is checked before the target is formed.
            m.density().ok()?;
            Some(target.on(&Space::whole(m.scene.space.basis().clone())))
        }
        None => match &m.scene.initial {
            State::Pure(psi) => Some(m.scene.space.embedded(&State::Pure(psi.clone()))),
            State::Mixed(_) => m.initial_density().ok().cloned().map(State::Mixed),
        },
    }
}

pub(super) fn fidelity(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let reference = match reference(m, a)? {
        State::Pure(psi) => return Some(&psi * psi.adjoint()),
        State::Mixed(reference) => reference,
    };
    let initial = hermitian_eigen(&reference).ok()?;
    let largest = initial.values.last().copied()?;
    // A state vector that is kept as a density matrix.
    if initial.values.iter().rev().skip(1).all(|r| r.abs() < 1e-13 * largest) {
        return Some(reference);
    }
    let root = function(&initial, |r| r.max(0.0).sqrt());
    let inner = hermitian_eigen(&conjugate(&root, m.density().ok()?)).ok()?;
    let least = 1e-14 * inner.values.last().copied()?;
    // On the border of the states the fidelity has no derivative.
    if inner.values.iter().any(|r| *r <= least) {
        return None;
    }
    let root_fidelity: f64 = inner.values.iter().map(|r| r.sqrt()).sum();
    Some(conjugate(&root, &function(&inner, |r| 1.0 / r.sqrt())) * real(root_fidelity))
}

pub(super) fn ergotropy(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let (h, passive) = arranged(m, a, false)?;
    of_battery(m, &(h - passive))
}

pub(super) fn anti_ergotropy(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let (h, active) = arranged(m, a, true)?;
    of_battery(m, &(active - h))
}

pub(super) fn capacity(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let (active, passive) = (arranged(m, a, true)?.1, arranged(m, a, false)?.1);
    of_battery(m, &(active - passive))
}

pub(super) fn state_of_charge(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let (w, c) = (super::ergotropy::evaluate_ergotropy(m, a).ok()?, super::ergotropy::evaluate_capacity(m, a).ok()?);
    Some((ergotropy(m, a)? - capacity(m, a)? * real(w / c)) * real(1.0 / c))
}

pub(super) fn efficiency(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let (w, stored) = (super::ergotropy::evaluate_ergotropy(m, a).ok()?, m.stored_energy().ok()?);
    Some((ergotropy(m, a)? - energy(m, a)? * real(w / stored)) * real(1.0 / stored))
}

/// The traceless part of the operator, the deviation of the state, and the square of the norm of the latter.
fn parts(m: &Moment, a: &[Argument]) -> Option<(Matrix, Matrix, f64)> {
    m.counts_every_state().ok()?;
    let (b, deviation) = (traceless(m.operator(a, 0).ok()?), traceless(m.density().ok()?));
    let norm2 = norm_squared(&deviation);
    Some((b, deviation, norm2))
}

pub(super) fn order(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let (b, _, _) = parts(m, a)?;
    let prepared = norm_squared(&traceless(m.initial_density().ok()?));
    let scale = (prepared * norm_squared(&b)).sqrt();
    Some(b * real(1.0 / scale))
}

pub(super) fn correlation(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let (b, deviation, norm2) = parts(m, a)?;
    let along = super::moment::mean(&deviation, &b) / norm2;
    let scale = (norm2 * norm_squared(&b)).sqrt();
    Some((b - deviation * real(along)) * real(1.0 / scale))
}

pub(super) fn coherence_order(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    m.counts_every_state().ok()?;
    let order = m.number(a, 0).ok()? as i64;
    let deviation = traceless(m.density().ok()?);
    let basis = m.scene.space.basis();
    let twice_m: Vec<i64> = (0..deviation.nrows()).map(|k| basis.twice_m(k)).collect();
    let mut kept = deviation.clone();
    for (j, mut column) in kept.column_iter_mut().enumerate() {
        for (i, x) in column.iter_mut().enumerate() {
            if (twice_m[i] - twice_m[j]).abs() != 2 * order.abs() {
                *x = real(0.0);
            }
        }
    }
    let whole = norm_squared(&deviation);
    let share = norm_squared(&kept) / whole;
    Some((kept - deviation * real(share)) * real(2.0 / whole))
}

pub(super) fn trace_distance(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let eigen = hermitian_eigen(&(m.density().ok()? - reference(m, a)?.density())).ok()?;
    Some(function(&eigen, |r| 0.5 * r.signum()))
}

pub(super) fn entropy(m: &Moment, _: &[Argument]) -> Option<Matrix> {
    by_state(m, |rho| {
        let eigen = hermitian_eigen(rho).ok()?;
        // The entropy has an infinite slope where an eigenvalue is zero.
        let mixed = eigen.values.iter().all(|r| *r >= 1e-14);
        mixed.then(|| function(&eigen, |r| -r.log2()))
    })
}

pub(super) fn purity(m: &Moment, _: &[Argument]) -> Option<Matrix> {
    by_state(m, |rho| Some(rho * real(2.0)))
}

/// A derivative by the state of the battery, if there is one, or of the system.
fn by_state(m: &Moment, of: impl FnOnce(&Matrix) -> Option<Matrix>) -> Option<Matrix> {
    if m.scene.cells.is_some() { of_battery(m, &of(m.battery_state().ok()?)?) } else { of(m.density().ok()?) }
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, pure, state};
    use super::super::{Argument, Cells, METRICS, Metric, Moment, Parameter, Scene};
    use crate::linalg::{Matrix, Vector, hermitian_eigen, identity, real};
    use crate::spin::{Basis, Local, Operator, Site, Space, State};
    use std::sync::Arc;

    const N: usize = 6;

    /// Arguments of a metric.
    fn arguments(metric: &Metric, operator: &Operator) -> Vec<Argument> {
        let argument = |parameter: &Parameter| match parameter {
            Parameter::Operator => Some(Argument::operator(operator.clone())),
            Parameter::Whole => Some(Argument::Number(2.0)),
            _ => None,
        };
        metric.parameters.iter().filter_map(argument).collect()
    }

    /// Compares all closed-form derivatives with differences; returns how many.
    fn compared(scene: &Scene, rho: &Matrix, direction: &Matrix, operator: &Operator) -> usize {
        let mut count = 0;
        for metric in METRICS.iter().filter(|m| m.derivative.is_some()) {
            let arguments = arguments(metric, operator);
            let at = |by: f64| {
                let moved = State::Mixed(rho + direction * real(by));
                metric.value(&Moment::new(scene, &moved, None, None), &arguments).unwrap()
            };
            let here = State::Mixed(rho.clone());
            let moment = Moment::new(scene, &here, None, None);
            // An efficiency is undefined where no energy is stored.
            if metric.value(&moment, &arguments).is_err() {
                continue;
            }
            let g = metric.derivative.and_then(|d| d(&moment, &arguments)).unwrap_or_else(|| panic!("{}", metric.name));
            let found = (g * direction).trace().re;
            const BY: f64 = 2e-5;
            let near = at(BY) - at(-BY);
            let expected = (8.0 * near - (at(2.0 * BY) - at(-2.0 * BY))) / (12.0 * BY);
            // An efficiency close to its pole, where little energy is stored: differences lose what its slope gains.
            if expected.abs() > 1e3 {
                continue;
            }
            // Four-point differences of values of order 1: rounding 1e-16 over the step, and the fourth power of the step over the
            // gaps of the eigenvalues.
            assert!((found - expected).abs() < 1e-7 * (1.0 + expected.abs()), "{}: {found} {expected}", metric.name);
            count += 1;
        }
        count
    }

    #[test]
    fn derivatives_are_those_of_differences() {
        let closed = METRICS.iter().filter(|m| m.derivative.is_some()).count();
        assert!(closed >= 16, "{closed}");
        let one = Arc::new(Basis::new(vec![Site::spin("a", N as u32 - 1, None)]));
        // The battery is the second of two spins: the coherence of the rest does not matter.
        let two = Arc::new(Basis::new(vec![Site::spin("a", 2, None), Site::spin("b", 1, None)]));
        for seed in 0..12 {
            // Without small eigenvalues, near which the entropy bends strongly.
            let rho = state(N, seed) * real(0.7) + identity(N) * real(0.3 / N as f64);
            let direction = hamiltonian(N, seed + 100);
            let direction = &direction - identity(N) * (direction.trace() / real(N as f64));
            let initial = match seed % 2 {
                0 => State::Mixed(state(N, seed + 200)),
                _ => {
                    let eigen = hermitian_eigen(&pure(N, seed)).unwrap();
                    State::Pure(Vector::from_column_slice(eigen.vectors.column(N - 1).as_slice()))
                }
            };
            let h = Operator::local(&one, 0, Local::from_matrix(&hamiltonian(N, seed)));
            let space = Space::whole(one.clone());
            let cells = Cells::new(&space, vec![0], &h, None).unwrap();
            let scene = Scene::new(space, Some(cells), initial.clone());
            let operator = Operator::local(&one, 0, Local::from_matrix(&hamiltonian(N, seed + 300)));
            assert!(compared(&scene, &rho, &direction, &operator) >= closed - 1);
            let h = Operator::local(&two, 1, Local::from_matrix(&hamiltonian(2, seed)));
            let space = Space::whole(two.clone());
            let cells = Cells::new(&space, vec![1], &h, None).unwrap();
            let scene = Scene::new(space, Some(cells), initial);
            let operator = Operator::local(&two, 0, Local::from_matrix(&hamiltonian(3, seed + 300)));
            assert!(compared(&scene, &rho, &direction, &operator) >= closed - 1);
        }
    }
}
