//! The slow, obvious method: classical Runge-Kutta of order 4 in many small equal steps, straight from the equation of motion.
//! It is kept for ever, under the same tests as the fast ones, so that there is something to believe.

use super::{StepError, Stepper};
use crate::emulator::generator::{Generator, tidy};
use crate::linalg::{Matrix, Vector};
use crate::metrics::Rate;
use crate::spin::State;

/// The method.
pub struct PlainStep<'a> {
    generator: &'a Generator,
    step: f64,
}

impl<'a> PlainStep<'a> {
    /// Steps in which no phase turns by more than 1/200, and at least 200 of them.
    pub fn new(generator: &'a Generator, span: f64) -> PlainStep<'a> {
        let decay = generator.fastest_decay();
        let fastest = generator.bandwidth(span) + decay;
        PlainStep { generator, step: (0.005 / fastest.max(f64::MIN_POSITIVE)).min(span / 200.0) }
    }

    fn density(&self, rho: &Matrix, t: f64, h: f64) -> Matrix {
        let f = |t: f64, rho: &Matrix| self.generator.rate_of_density(t, rho);
        let k1 = f(t, rho);
        let k2 = f(t + h / 2.0, &(rho + k1.map(|x| x * (h / 2.0))));
        let k3 = f(t + h / 2.0, &(rho + k2.map(|x| x * (h / 2.0))));
        let k4 = f(t + h, &(rho + k3.map(|x| x * h)));
        rho + (k1 + (k2 + k3).map(|x| x * 2.0) + k4).map(|x| x * (h / 6.0))
    }

    fn vector(&self, psi: &Vector, t: f64, h: f64) -> Vector {
        let f = |t: f64, psi: &Vector| match self.generator.rate(t, &State::Pure(psi.clone())) {
            Rate::Pure(v) => v,
            Rate::Mixed(_) => psi.clone(),
        };
        let k1 = f(t, psi);
        let k2 = f(t + h / 2.0, &(psi + k1.map(|x| x * (h / 2.0))));
        let k3 = f(t + h / 2.0, &(psi + k2.map(|x| x * (h / 2.0))));
        let k4 = f(t + h, &(psi + k3.map(|x| x * h)));
        psi + (k1 + (k2 + k3).map(|x| x * 2.0) + k4).map(|x| x * (h / 6.0))
    }
}

impl Stepper for PlainStep<'_> {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let steps = ((to - from).abs() / self.step).ceil().max(1.0) as usize;
        let h = (to - from) / steps as f64;
        let open = !self.generator.is_closed();
        Ok(match state {
            State::Pure(psi) if !open => {
                State::Pure((0..steps).fold(psi.clone(), |psi, k| self.vector(&psi, from + h * k as f64, h)))
            }
            _ => State::Mixed(tidy(
                &(0..steps).fold(state.density(), |rho, k| self.density(&rho, from + h * k as f64, h)),
            )),
        })
    }

    fn name(&self) -> &'static str {
        "plain Runge-Kutta"
    }
}
