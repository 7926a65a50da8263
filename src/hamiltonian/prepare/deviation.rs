//! States near the even mixture, by what they deviate from it: what random vectors start from.

use super::{Form, Partial, Prepared};
use crate::linalg::{C64, Matrix, Vector, norm_squared, real};
use crate::spin::{Action, Operator, Space};

/// How a state near the even mixture deviates from it: `A` of `(1 + A)/N`.
pub enum Deviation {
    /// Without coherences: one number a state.
    Diagonal(Vec<f64>),
    /// By an operator.
    Operator(Operator),
    /// By its matrix.
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

impl Prepared {
    /// `A` of a state `(1 + A)/N` with N states in all; `None` of pure states, and of products
    /// of matrices.
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
            let states: Vec<usize> = part.sites.iter().map(|&s| self.basis.sites[s].dimension).collect();
            let strides: Vec<usize> = part
                .sites
                .iter()
                .map(|&s| self.basis.sites[s + 1..].iter().map(|site| site.dimension).product())
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
