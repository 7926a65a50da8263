//! States near the maximally mixed state, as deviations from it: the starting point of random vectors.

#![expect(clippy::indexing_slicing, reason = "local states are taken modulo the dimension of their site")]

use super::Prepared;
use super::form::{Form, Partial};
use crate::linalg::{C64, Matrix, Vector, hermitian_values, norm_squared, real};
use crate::metrics::Levels;
use crate::spin::{Action, Operator, Space};

/// Deviation `A` of a state `(1 + A)/N` near the maximally mixed state.
pub enum Deviation {
    /// Diagonal: one number per basis state.
    Diagonal(Vec<f64>),
    /// As an operator.
    Operator(Operator),
    /// As a matrix.
    Matrix(Matrix),
}

impl Deviation {
    /// `A psi`.
    pub fn apply(&self, space: &Space, psi: &[C64]) -> Vec<C64> {
        match self {
            Deviation::Diagonal(weights) => psi.iter().zip(weights).map(|(x, w)| x * real(*w)).collect(),
            Deviation::Operator(a) => {
                let mut out = vec![C64::default(); psi.len()];
                Action::of(a, space).apply_into(psi, &mut out);
                out
            }
            Deviation::Matrix(a) => (a * Vector::from_column_slice(psi)).as_slice().to_vec(),
        }
    }

    /// `Tr[A^2]/N`.
    pub fn square(&self) -> f64 {
        match self {
            Deviation::Diagonal(weights) => weights.iter().map(|w| w * w).sum::<f64>() / weights.len() as f64,
            Deviation::Operator(a) => a.overlap(a).re,
            Deviation::Matrix(a) => norm_squared(a) / a.nrows() as f64,
        }
    }
}

/// Ergotropy and capacity on the unitary orbit of the prepared state.
pub struct Orbit {
    /// Ergotropy: energy above the lowest reachable by unitaries.
    pub ergotropy: f64,
    /// Capacity: highest minus lowest reachable energy, or the reason why it is unknown.
    pub capacity: Result<f64, String>,
}

impl Deviation {
    /// Ergotropy and capacity of the state for a Hamiltonian, in the cases where they are known: both are diagonal, or the state is a Gibbs
    /// state of the Hamiltonian, exact or to first order, which is passive.
    ///
    /// # Errors
    /// The reason why they are unknown.
    pub fn orbit(&self, h: &Operator) -> Result<Orbit, String> {
        let n = h.dimension() as f64;
        let centred = h.clone().plus(Operator::scalar_like(h, -h.mean()));
        match self {
            Deviation::Diagonal(weights) => {
                let Some(energies) = centred.diagonal() else {
                    return Err("the prepared state is diagonal, but the battery Hamiltonian is not".into());
                };
                let energy: f64 = weights.iter().zip(&energies).map(|(w, e)| w * e).sum();
                Ok(range_of(weights, energies, energy / n))
            }
            Deviation::Operator(a) => {
                // Both are traceless: A = -x H with x = -Tr[A H]/Tr[H^2].
                let size = centred.overlap(&centred).re;
                let x = -a.overlap(&centred).re / size;
                if !(x > 0.0 && a.is_same(&centred.clone().times_number(real(-x)))) {
                    return Err("the prepared state is not a Gibbs state of the battery Hamiltonian".into());
                }
                // rho = (1 - x H)/N is passive; the state of highest energy occupies the levels in the opposite order.
                let capacity = match Levels::of(centred).all() {
                    Err(why) => Err(why.to_string()),
                    Ok(levels) => {
                        let levels: Vec<f64> =
                            levels.iter().flat_map(|(e, c)| std::iter::repeat_n(*e, c.round() as usize)).collect();
                        let opposite: f64 = levels.iter().zip(levels.iter().rev()).map(|(a, b)| a * b).sum();
                        Ok(x * (size - opposite / n))
                    }
                };
                Ok(Orbit { ergotropy: 0.0, capacity })
            }
            Deviation::Matrix(a) => {
                let m = centred.matrix();
                let (weights, energies) =
                    (hermitian_values(a).map_err(|e| e.to_string())?, hermitian_values(&m).map_err(|e| e.to_string())?);
                Ok(range_of(&weights, energies, crate::linalg::trace_of_product(a, &m).re / n))
            }
        }
    }
}

/// From the eigenvalues of A and H and the energy, all for the traceless parts.
fn range_of(weights: &[f64], mut energies: Vec<f64>, energy: f64) -> Orbit {
    let mut weights = weights.to_vec();
    let n = weights.len() as f64;
    weights.sort_by(f64::total_cmp);
    energies.sort_by(f64::total_cmp);
    let low = weights.iter().rev().zip(&energies).map(|(w, e)| w * e).sum::<f64>() / n;
    let high = weights.iter().zip(&energies).map(|(w, e)| w * e).sum::<f64>() / n;
    Orbit { ergotropy: energy - low, capacity: Ok(high - low) }
}

impl Prepared {
    /// `A` of a state `(1 + A)/N` with N states in total; `None` for pure states and for products of matrices.
    pub fn deviation(&self) -> Option<Deviation> {
        if let [Partial { form: Form::Near(a), .. }] = self.parts.as_slice() {
            return Some(Deviation::Operator(a.clone()));
        }
        if let [Partial { form: Form::Mixed(rho), .. }] = self.parts.as_slice() {
            let n = rho.nrows();
            return Some(Deviation::Matrix(rho * real(n as f64) - Matrix::identity(n, n)));
        }
        let diagonal: Option<Vec<(&Partial, &Vec<f64>)>> = self
            .parts
            .iter()
            .map(|part| match &part.form {
                Form::Diagonal(p) => Some((part, p)),
                Form::Pure(_) | Form::Mixed(_) | Form::Near(_) => None,
            })
            .collect();
        let mut weights = vec![1.0; self.basis.dimension()];
        for (part, p) in diagonal? {
            let states: Vec<usize> = part.sites.iter().map(|&s| self.basis.site(s).dimension).collect();
            let strides: Vec<usize> = part
                .sites
                .iter()
                .map(|&s| self.basis.sites.iter().skip(s + 1).map(|site| site.dimension).product())
                .collect();
            for (k, weight) in weights.iter_mut().enumerate() {
                let local = strides.iter().zip(&states).fold(0, |i, (stride, d)| i * d + k / stride % d);
                *weight *= p[local] * p.len() as f64;
            }
        }
        weights.iter_mut().for_each(|w| *w -= 1.0);
        Some(Deviation::Diagonal(weights))
    }
}
