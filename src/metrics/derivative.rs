//! Derivatives of metrics with respect to the state: the Hermitian G with `d value = Tr[G d rho]` for every traceless Hermitian d rho.
//!
//! With eigenvectors `|k>` of rho and levels e of H, and since `d r_k = <k| d rho |k>`:
//!
//! ```text
//! energy, stored energy   H
//! ergotropy               H - P,  P = sum_k e_k(up) |k><k|, k by descending eigenvalues
//! anti-ergotropy          A - H,  A = sum_k e_k(up) |k><k|, k by ascending eigenvalues
//! capacity                A - P
//! purity                  2 rho
//! ```
//!
//! If eigenvalues of rho are degenerate, P and A are not unique and the metric has a corner.

use super::{Argument, Moment};
use crate::linalg::{Matrix, hermitian_eigen, hermitian_values, real};

/// Derivative of a metric at a moment, energies in rad/s; `None` if there is no closed form.
pub type Derivative = fn(&Moment, &[Argument]) -> Option<Matrix>;

/// Hamiltonian of a battery that is the whole system.
fn hamiltonian(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    m.scene.whole_battery()?;
    let (h, rho) = (m.hamiltonian(a).ok()?, m.density().ok()?);
    (h.shape() == rho.shape()).then_some(h)
}

/// `sum_k e_k |k><k|` with the levels e of H ascending and the eigenvectors of the state by ascending or descending eigenvalue.
fn arranged(m: &Moment, h: &Matrix, ascending: bool) -> Option<Matrix> {
    let rho = m.density().ok()?;
    let n = rho.nrows();
    // Diagonalise the deviation from the maximally mixed state: it may be only 1e-5 of the state.
    let deviation = rho - Matrix::identity(n, n) * real(1.0 / n as f64);
    let eigen = hermitian_eigen(&deviation).ok()?;
    let mut levels = hermitian_values(h).ok()?;
    if !ascending {
        levels.reverse();
    }
    let mut scaled = eigen.vectors.clone();
    scaled.column_iter_mut().zip(&levels).for_each(|(mut column, e)| column *= real(*e));
    Some(scaled * eigen.vectors.adjoint())
}

pub(super) fn energy(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    hamiltonian(m, a)
}

pub(super) fn ergotropy(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let h = hamiltonian(m, a)?;
    let passive = arranged(m, &h, false)?;
    Some(h - passive)
}

pub(super) fn anti_ergotropy(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let h = hamiltonian(m, a)?;
    Some(arranged(m, &h, true)? - h)
}

pub(super) fn capacity(m: &Moment, a: &[Argument]) -> Option<Matrix> {
    let h = hamiltonian(m, a)?;
    Some(arranged(m, &h, true)? - arranged(m, &h, false)?)
}

pub(super) fn purity(m: &Moment, _: &[Argument]) -> Option<Matrix> {
    if m.scene.cells.is_some() {
        m.scene.whole_battery()?;
    }
    Some(m.density().ok()? * real(2.0))
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state};
    use super::super::{Cells, METRICS, Moment, Scene};
    use crate::linalg::real;
    use crate::spin::{Basis, Local, Operator, Site, Space, State};
    use std::sync::Arc;

    /// Every closed-form derivative agrees with central differences of the metric.
    #[test]
    fn derivatives_are_those_of_differences() {
        const N: usize = 6;
        let basis = Arc::new(Basis::new(vec![Site::spin("a", N as u32 - 1, None)]));
        let mut compared = 0;
        for seed in 0..20 {
            let h = Operator::local(&basis, 0, Local::from_matrix(&hamiltonian(N, seed)));
            let (rho, direction) = (state(N, seed), hamiltonian(N, seed + 100));
            let mean = direction.trace() / real(N as f64);
            let direction = &direction - crate::linalg::identity(N) * mean;
            let space = Space::whole(basis.clone());
            let cells = Cells::new(&space, vec![0], &h, None).unwrap();
            let scene = Scene::new(space, Some(cells), State::Mixed(rho.clone()));
            for metric in METRICS.iter().filter(|m| m.derivative.is_some()) {
                let at = |by: f64| {
                    let moved = State::Mixed(&rho + &direction * real(by));
                    metric.value(&Moment::new(&scene, &moved, None, None), &[]).unwrap()
                };
                let here = State::Mixed(rho.clone());
                let moment = Moment::new(&scene, &here, None, None);
                let g = metric.derivative.and_then(|d| d(&moment, &[])).unwrap();
                let found = (g * &direction).trace().re;
                const BY: f64 = 1e-6;
                let expected = (at(BY) - at(-BY)) / (2.0 * BY);
                // Central differences of values of order 1 with steps of 1e-6 are accurate to about 1e-9, plus a term of the order of
                // the squared step over the eigenvalue gaps.
                assert!((found - expected).abs() < 1e-6, "{}: {found} {expected}", metric.name);
                compared += 1;
            }
        }
        assert_eq!(compared, 20 * 6);
    }
}
