//! State reconstruction from line amplitudes.
//!
//! * `linear`: least squares; the matrix has trace 1 and may have negative eigenvalues, which are reported.
//! * `maximum_likelihood`: the density matrix with the smallest residual, for white noise; projected gradients with Nesterov
//!   acceleration, each step projected onto the nearest density matrix.
//! * `maximum_entropy`: among the density matrices with the least-squares amplitudes the one of maximum entropy, `exp(sum l_k A_k)/Z`.
//!
//! Unobserved components are those of the maximally mixed state for `linear`, and determined by the estimator for the other two.

#![expect(clippy::indexing_slicing, reason = "the Gram matrix, its inverse and parameter vectors have the same size")]

use super::coordinates::{coordinates, matrix_of};
use super::plan::{Plan, gram};
use crate::linalg::{LinalgError, Matrix, hermitian_eigen, hermitian_values, real};
use crate::spin::nearest_state;

/// Reconstruction method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Linear least squares.
    Linear,
    /// Maximum likelihood.
    MaximumLikelihood,
    /// Maximum entropy.
    MaximumEntropy,
}

/// The methods: (keyword, method, description).
pub const METHODS: &[(&str, Method, &str)] = &[
    ("linear", Method::Linear, "least squares; eigenvalues may be negative"),
    ("maximum_likelihood", Method::MaximumLikelihood, "the physical density matrix that fits the amplitudes best"),
    (
        "maximum_entropy",
        Method::MaximumEntropy,
        "the density matrix of maximum entropy with the amplitudes of the least-squares fit",
    ),
];

/// Maximum number of iterations.
const MOST_STEPS: usize = 20_000;

/// A reconstructed state.
#[derive(Debug, Clone)]
pub struct Reconstruction {
    /// Its density matrix.
    pub state: Matrix,
    /// Its smallest eigenvalue.
    pub smallest: f64,
    /// Smallest eigenvalue of the least-squares state.
    pub smallest_linear: f64,
    /// Residual sum of squares in units of the noise variance; `None` without noise.
    pub chi_square: Option<f64>,
    /// Number of iterations.
    pub steps: usize,
    /// True if the iteration converged.
    pub converged: bool,
}

/// Data of a plan shared by all reconstructions.
pub struct Inverse {
    dimension: usize,
    design: Vec<Vec<f64>>,
    gram: Matrix,
    /// Pseudoinverse `(A^T A)^+`: covariance of the coordinates for noise of variance 1.
    pub covariance: Vec<Vec<f64>>,
    largest: f64,
}

impl Inverse {
    /// Computes the inverse for a plan.
    ///
    /// # Errors
    /// When eigenvalues cannot be computed.
    pub fn of(plan: &Plan) -> Result<Inverse, LinalgError> {
        let size = plan.parameters + 1;
        let gram = gram(&plan.design, size);
        let eigen = hermitian_eigen(&gram)?;
        let largest = eigen.values.iter().fold(0.0f64, |m, x| m.max(*x));
        let covariance = eigen.function(|x| real(if x > 1e-10 * largest { 1.0 / x } else { 0.0 }));
        Ok(Inverse {
            dimension: (size as f64).sqrt().round() as usize,
            design: plan.design.clone(),
            covariance: (0..size).map(|i| (0..size).map(|j| covariance[(i, j)].re).collect()).collect(),
            gram,
            largest,
        })
    }

    /// Amplitudes of a state: real and imaginary part of every line of every readout.
    pub fn amplitudes(&self, state: &Matrix) -> Vec<f64> {
        let v = coordinates(state);
        self.design.iter().map(|row| row.iter().zip(&v).map(|(a, x)| a * x).sum()).collect()
    }

    /// Product of the state's covariance, for noise of variance 1, with the coordinates of an operator.
    pub fn spread(&self, u: &[f64]) -> Vec<f64> {
        self.covariance.iter().map(|row| row.iter().zip(u).map(|(c, x)| c * x).sum()).collect()
    }

    /// `A^T y`.
    fn back(&self, amplitudes: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.gram.nrows()];
        for (row, y) in self.design.iter().zip(amplitudes) {
            out.iter_mut().zip(row).for_each(|(o, a)| *o += a * y);
        }
        out
    }

    /// Least-squares state.
    pub fn linear(&self, amplitudes: &[f64]) -> Matrix {
        let b = self.back(amplitudes);
        let v = self.spread(&b);
        let mut state = matrix_of(&v);
        // Amplitudes do not depend on the trace.
        let missing = (1.0 - state.trace().re) / self.dimension as f64;
        crate::linalg::add_to_diagonal(&mut state, real(missing));
        state
    }

    /// Maximum-likelihood density matrix, the number of steps, and whether it converged.
    fn likeliest(&self, amplitudes: &[f64]) -> Result<(Matrix, usize, bool), LinalgError> {
        let linear = self.linear(amplitudes);
        // If the least-squares matrix is positive semidefinite, it is the answer.
        if hermitian_values(&linear)?.first().is_some_and(|x| *x >= 0.0) {
            return Ok((linear, 0, true));
        }
        let b = self.back(amplitudes);
        let n = b.len();
        let gradient = |v: &[f64]| -> Vec<f64> {
            (0..n).map(|i| (0..n).map(|j| self.gram[(i, j)].re * v[j]).sum::<f64>() - b[i]).collect()
        };
        let mut now = coordinates(&nearest_state(&linear)?);
        let mut ahead = now.clone();
        let mut momentum = 1.0f64;
        for step in 1..=MOST_STEPS {
            let g = gradient(&ahead);
            let moved: Vec<f64> = ahead.iter().zip(&g).map(|(x, g)| x - g / self.largest).collect();
            let next = coordinates(&nearest_state(&matrix_of(&moved))?);
            let change: f64 = next.iter().zip(&now).map(|(a, b)| (a - b).powi(2)).sum();
            // Restart the momentum when the objective increases (O'Donoghue and Candes).
            let uphill: f64 = g.iter().zip(next.iter().zip(&now)).map(|(g, (a, b))| g * (a - b)).sum();
            let later = if uphill > 0.0 { 1.0 } else { 0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) };
            let weight = if uphill > 0.0 { 0.0 } else { (momentum - 1.0) / later };
            ahead = next.iter().zip(&now).map(|(a, b)| a + weight * (a - b)).collect();
            momentum = later;
            now = next;
            if change.sqrt() < 1e-13 {
                return Ok((matrix_of(&now), step, true));
            }
        }
        Ok((matrix_of(&now), MOST_STEPS, false))
    }

    /// Maximum-entropy state with the maximum-likelihood amplitudes: damped Newton's method on the dual, whose Hessian is the Kubo-Mori
    /// covariance of the observed operators.
    fn most_mixed(&self, amplitudes: &[f64]) -> Result<(Matrix, usize, bool), LinalgError> {
        // The maximum-likelihood state is physical, so a state with its amplitudes exists.
        let (target, ..) = self.likeliest(amplitudes)?;
        let eigen = hermitian_eigen(&self.gram)?;
        let seen: Vec<Vec<f64>> = (0..eigen.values.len())
            .filter(|k| eigen.values[*k] > 1e-10 * self.largest)
            .map(|k| eigen.vectors.column(k).iter().map(|z| z.re).collect())
            .collect();
        let operators: Vec<Matrix> = seen.iter().map(|v| matrix_of(v)).collect();
        let expectation = |m: &Matrix| -> Vec<f64> {
            let v = coordinates(m);
            seen.iter().map(|s| s.iter().zip(&v).map(|(a, b)| a * b).sum()).collect()
        };
        // For a pure state the multipliers diverge: mix in a small fraction of the maximally mixed state.
        let share = 1e-9;
        let even = crate::linalg::identity(self.dimension).map(|z| z * (share / self.dimension as f64));
        let wanted = expectation(&(target.map(|z| z * (1.0 - share)) + even));
        let mut multipliers = vec![0.0; seen.len()];
        let state_of = |l: &[f64]| -> Result<Matrix, LinalgError> {
            let mut sum = Matrix::zeros(self.dimension, self.dimension);
            l.iter().zip(&operators).for_each(|(x, o)| sum += o.map(|z| z * *x));
            let eigen = hermitian_eigen(&sum)?;
            let highest = eigen.values.iter().fold(f64::NEG_INFINITY, |m, x| m.max(*x));
            let weights = eigen.function(|x| real((x - highest).exp()));
            let trace = weights.trace();
            Ok(weights.map(|z| z / trace))
        };
        let mut state = state_of(&multipliers)?;
        for step in 1..=200 {
            let difference: Vec<f64> = wanted.iter().zip(expectation(&state)).map(|(w, x)| w - x).collect();
            let size = difference.iter().map(|x| x * x).sum::<f64>().sqrt();
            if size < 1e-11 {
                return Ok((state, step, true));
            }
            // Damped Newton step: halved until the residual decreases.
            let hessian = self.covariances(&state, &operators)?;
            let direction = solve(&hessian, &difference)?;
            let mut length = 1.0;
            loop {
                let trial: Vec<f64> = multipliers.iter().zip(&direction).map(|(l, d)| l + length * d).collect();
                let next = state_of(&trial)?;
                let left = wanted.iter().zip(expectation(&next)).map(|(w, x)| (w - x).powi(2)).sum::<f64>().sqrt();
                if left < size || length < 1e-6 {
                    multipliers = trial;
                    state = next;
                    break;
                }
                length *= 0.5;
            }
        }
        Ok((state, 200, false))
    }

    /// Kubo-Mori covariance of operators in a state: the derivative of expectation values with respect to the multipliers,
    /// `C_kl = sum_ab L(p_a, p_b) (O_k)_ab (O_l)_ba - <O_k><O_l>`, L the logarithmic mean.
    fn covariances(&self, state: &Matrix, operators: &[Matrix]) -> Result<Matrix, LinalgError> {
        let eigen = hermitian_eigen(state)?;
        let p: Vec<f64> = eigen.values.iter().map(|x| x.max(1e-300)).collect();
        let mean =
            |a: f64, b: f64| if (a - b).abs() <= 1e-9 * a.max(b) { 0.5 * (a + b) } else { (a - b) / (a / b).ln() };
        let inside: Vec<Matrix> = operators.iter().map(|o| crate::linalg::conjugate_back(&eigen.vectors, o)).collect();
        let n = p.len();
        let weighted: Vec<Matrix> =
            inside.iter().map(|o| Matrix::from_fn(n, n, |a, b| o[(a, b)] * mean(p[a], p[b]))).collect();
        let expectation: Vec<f64> = inside.iter().map(|o| (0..n).map(|a| p[a] * o[(a, a)].re).sum()).collect();
        Ok(Matrix::from_fn(operators.len(), operators.len(), |k, l| {
            let sum: f64 = weighted[k].iter().zip(inside[l].transpose().iter()).map(|(x, y)| (x * y).re).sum();
            real(sum - expectation[k] * expectation[l])
        }))
    }
}

/// Solves a symmetric positive definite system, with small eigenvalues bounded from below.
fn solve(m: &Matrix, right: &[f64]) -> Result<Vec<f64>, LinalgError> {
    let eigen = hermitian_eigen(m)?;
    let largest = eigen.values.iter().fold(0.0f64, |a, x| a.max(*x));
    let inverse = eigen.function(|x| real(1.0 / x.max(1e-14 * largest)));
    Ok((0..right.len()).map(|i| (0..right.len()).map(|j| inverse[(i, j)].re * right[j]).sum()).collect())
}

/// Reconstructs the state from amplitudes with noise of standard deviation `sigma`.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn reconstruct(
    inverse: &Inverse,
    amplitudes: &[f64],
    sigma: f64,
    method: Method,
) -> Result<Reconstruction, LinalgError> {
    let linear = inverse.linear(amplitudes);
    let smallest_linear = hermitian_values(&linear)?.first().copied().unwrap_or(0.0);
    let (state, steps, converged) = match method {
        Method::Linear => (linear, 0, true),
        Method::MaximumLikelihood => inverse.likeliest(amplitudes)?,
        Method::MaximumEntropy => inverse.most_mixed(amplitudes)?,
    };
    let left = inverse.amplitudes(&state).iter().zip(amplitudes).map(|(a, y)| (a - y).powi(2)).sum::<f64>();
    Ok(Reconstruction {
        smallest: hermitian_values(&state)?.first().copied().unwrap_or(0.0),
        state,
        smallest_linear,
        chi_square: (sigma > 0.0).then(|| left / (sigma * sigma)),
        steps,
        converged,
    })
}
