//! Smooth time dependence: Magnus expansion of order 6 with one exponential a step.
//!
//! With the Gauss-Legendre nodes of a step and `A = -i H` (or the superoperator),
//! `a1 = h A2`, `a2 = sqrt(15) h/3 (A3 - A1)`, `a3 = 10 h/3 (A3 - 2 A2 + A1)`,
//! `C1 = [a1, a2]`, `C2 = -[a1, 2 a3 + C1]/60`, `Omega = a1 + a3/12 + [-20 a1 - a3 + C1, a2 + C2]/240`
//! (Blanes, Casas, Oteo, Ros, Phys. Rep. 470, 151 (2009), eq. 257). The difference to the fourth-order `a1 + a3/12 - [a1, a2]/12`
//! judges the step. The order counts in the change of H, not in H itself: a slow ramp takes steps much longer than 1/|H|.

use super::{StepError, Stepper};
use crate::emulator::generator::{Generator, tidy};
use crate::emulator::step::exact::{stacked, unstacked};
use crate::linalg::{I, Matrix, commutator, exponential, hermitian_eigen, hermitian_part};
use crate::spin::State;

/// The method.
pub struct Magnus<'a> {
    generator: &'a Generator,
    tolerance: f64,
    /// The length of the segment: the tolerance is spread evenly over it.
    span: f64,
    /// The step that was accepted last.
    step: f64,
}

impl<'a> Magnus<'a> {
    /// From a dense generator.
    pub fn new(generator: &'a Generator, tolerance: f64, span: f64) -> Magnus<'a> {
        Magnus { generator, tolerance, span, step: span / 64.0 }
    }

    fn open(&self) -> bool {
        !self.generator.collapse.is_empty()
    }

    /// A(t): `-i H` or the superoperator.
    fn motion(&self, t: f64) -> Matrix {
        if self.open() {
            return self.generator.liouvillian(t);
        }
        self.generator.hamiltonian(t).map_or_else(|| Matrix::zeros(0, 0), |h| h.map(|x| -I * x))
    }

    /// The exponent of a step, and how far the fourth-order one is away.
    fn exponent(&self, t: f64, h: f64) -> (Matrix, f64) {
        let node = 15f64.sqrt() / 10.0;
        let [a, b, c] = [0.5 - node, 0.5, 0.5 + node].map(|x| self.motion(t + x * h));
        let a1 = b.map(|x| x * h);
        let a2 = (&c - &a).map(|x| x * (15f64.sqrt() * h / 3.0));
        let a3 = (&c - b.map(|x| x * 2.0) + &a).map(|x| x * (10.0 * h / 3.0));
        let c1 = commutator(&a1, &a2);
        let c2 = commutator(&a1, &(a3.map(|x| x * 2.0) + &c1)).map(|x| x * (-1.0 / 60.0));
        let outer = commutator(&(a1.map(|x| x * -20.0) - &a3 + &c1), &(&a2 + &c2)).map(|x| x / 240.0);
        let fourth = &a1 + a3.map(|x| x / 12.0) - c1.map(|x| x / 12.0);
        let sixth = &a1 + a3.map(|x| x / 12.0) + outer;
        let error = (&sixth - &fourth).norm();
        (sixth, error)
    }

    fn apply(&self, omega: &Matrix, state: &State) -> Result<State, StepError> {
        if self.open() {
            return Ok(State::Mixed(tidy(&unstacked(&(exponential(omega) * stacked(&state.density()))))));
        }
        // omega = -i K with K Hermitian.
        let u = hermitian_eigen(&hermitian_part(&omega.map(|x| I * x)))?.propagator(1.0);
        Ok(match state {
            State::Pure(psi) => State::Pure(u * psi),
            State::Mixed(rho) => State::Mixed(tidy(&crate::linalg::conjugate(&u, rho))),
        })
    }
}

impl Stepper for Magnus<'_> {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let mut state = state.clone();
        let mut t = from;
        let smallest = 1e-14 * self.span;
        while to - t > smallest {
            // A step never reaches beyond the end, and a remainder is not left to a sliver.
            let rest = to - t;
            let h = if self.step >= rest { rest } else if 2.0 * self.step > rest { 0.5 * rest } else { self.step };
            let (omega, error) = self.exponent(t, h);
            if !error.is_finite() {
                return Err(StepError::Tolerance("the Hamiltonian is infinite or not a number at some time".into()));
            }
            let allowed = self.tolerance * h / self.span;
            let factor = if error > 0.0 { 0.9 * (allowed / error).powf(0.25) } else { 4.0 };
            if error <= allowed {
                state = self.apply(&omega, &state)?;
                t += h;
                // A step cut short by the end says nothing against longer ones.
                let proposal = h * factor.clamp(0.2, 4.0);
                if h >= self.step || proposal > self.step {
                    self.step = proposal;
                }
            } else {
                self.step = h * factor.clamp(0.1, 0.9);
                if self.step < smallest {
                    return Err(StepError::Tolerance(format!("the step at t = {t:e} would be shorter than {smallest:e}")));
                }
            }
        }
        Ok(state)
    }

    fn name(&self) -> &'static str {
        "Magnus, order 6"
    }
}
