//! Constant generators, exactly: to rounding, over any time.

use super::{StepError, Stepper};
use crate::emulator::generator::{Generator, deviation, tidy};
use crate::linalg::{C64, Eigen, Matrix, Vector, exponential, hermitian_eigen, one_norm};
use crate::spin::State;
use std::collections::HashMap;

/// `rho -> U rho U^dagger` with `U = V exp(-i E t) V^dagger`.
pub struct ExactClosed {
    eigen: Eigen,
}

impl ExactClosed {
    /// From a dense, constant generator without dissipators.
    ///
    /// # Errors
    /// When the eigenvalues cannot be computed.
    pub fn new(generator: &Generator) -> Result<ExactClosed, StepError> {
        let h =
            generator.hamiltonian(0.0).ok_or_else(|| StepError::Tolerance("the Hamiltonian is not dense".into()))?;
        Ok(ExactClosed { eigen: hermitian_eigen(&h)? })
    }

    /// The propagator over a time.
    pub fn propagator(&self, t: f64) -> Matrix {
        self.eigen.propagator(t)
    }
}

impl Stepper for ExactClosed {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let t = to - from;
        if t == 0.0 {
            return Ok(state.clone());
        }
        Ok(match state {
            State::Pure(psi) => {
                let mut inside = self.eigen.vectors.ad_mul(psi);
                inside.iter_mut().zip(&self.eigen.values).for_each(|(x, e)| *x *= C64::cis(-e * t));
                State::Pure(&self.eigen.vectors * inside)
            }
            State::Mixed(rho) => State::Mixed(deviation(rho, |d| crate::linalg::conjugate(&self.propagator(t), d))),
        })
    }

    fn is_direct(&self) -> bool {
        true
    }

    fn name(&self) -> &'static str {
        "exact (eigenvalues)"
    }
}

/// `vec(rho) -> exp(L t) vec(rho)`. Exponentials of the times that occur again are kept; a short time, as a search for a
/// maximum asks for, is a Taylor sum on the vector.
pub struct ExactOpen {
    liouvillian: Matrix,
    norm: f64,
    kept: HashMap<u64, Matrix>,
}

impl ExactOpen {
    /// From a dense, constant generator.
    pub fn new(generator: &Generator) -> ExactOpen {
        let liouvillian = generator.liouvillian(0.0);
        let norm = one_norm(&liouvillian);
        ExactOpen { liouvillian, norm, kept: HashMap::new() }
    }

    /// The superoperator over a time.
    pub fn propagator(&self, t: f64) -> Matrix {
        exponential(&self.liouvillian.map(|x| x * t))
    }

    /// `exp(L t) v` by a Taylor sum: exact to rounding while `|L| t` is at most about 1.
    fn taylor(&self, v: &Vector, t: f64) -> Vector {
        let mut sum = v.clone();
        let mut term = v.clone();
        for k in 1..40 {
            term = (&self.liouvillian * &term).map(|x| x * (t / k as f64));
            sum += &term;
            if term.norm() <= 1e-17 * sum.norm() {
                break;
            }
        }
        sum
    }
}

/// The columns of a density matrix under each other.
pub fn stacked(rho: &Matrix) -> Vector {
    Vector::from_column_slice(rho.as_slice())
}

/// And back.
pub fn unstacked(v: &Vector) -> Matrix {
    let n = (v.len() as f64).sqrt().round() as usize;
    Matrix::from_column_slice(n, n, v.as_slice())
}

impl Stepper for ExactOpen {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let t = to - from;
        let rho = state.density();
        if t == 0.0 {
            return Ok(State::Mixed(rho));
        }
        let v = stacked(&rho);
        let key = t.to_bits();
        let moved = if let Some(p) = self.kept.get(&key) {
            p * &v
        } else if self.norm * t <= 1.0 {
            self.taylor(&v, t)
        } else {
            let p = self.propagator(t);
            let moved = &p * &v;
            // Times on a regular grid differ in their last bits; a handful of matrices covers them all.
            if self.kept.len() < 16 {
                self.kept.insert(key, p);
            }
            moved
        };
        Ok(State::Mixed(tidy(&unstacked(&moved))))
    }

    fn name(&self) -> &'static str {
        "exact (superoperator)"
    }
}
