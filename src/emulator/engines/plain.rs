//! Reference method: classical fourth-order Runge-Kutta with many small equal steps, directly from the equation of motion.
//! It is slow and simple, and passes the same tests as the fast methods, which are compared with it.

use super::{StepError, Stepper};
use crate::emulator::generator::{Generator, apart, joined};
use crate::emulator::mesh::{Mesh, interior};
use crate::emulator::step_error::check_phase;
use crate::linalg::{Matrix, Vector};
use crate::metrics::Rate;
use crate::spin::State;

/// Fourth-order Runge-Kutta integrator.
pub struct PlainStep<'a> {
    generator: &'a Generator,
    mesh: &'a Mesh,
}

impl<'a> PlainStep<'a> {
    /// Builds it for any generator.
    ///
    /// # Errors
    /// If a coefficient cannot be resolved.
    pub fn new(generator: &'a Generator, tolerance: f64) -> Result<PlainStep<'a>, StepError> {
        Ok(PlainStep { generator, mesh: generator.mesh(tolerance)? })
    }

    /// Number of steps in a cell: the phase advance per step is at most 1/200 rad, with at least 16 steps per cell and 200 per segment.
    ///
    /// # Errors
    /// If they are too many.
    fn steps(&self, from: f64, to: f64) -> Result<usize, StepError> {
        let fastest = self.generator.bandwidth(from, to) + self.generator.fastest_decay();
        let length = to - from;
        check_phase(length * fastest, from, to)?;
        let share = 200.0 * length / self.generator.duration;
        Ok((length * fastest / 0.005).max(share).max(16.0).ceil() as usize)
    }

    /// Integrates inside one cell of the mesh.
    fn within(&self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let steps = self.steps(from, to)?;
        let h = (to - from) / steps as f64;
        let (first, last) = interior(from, to);
        let inside = move |t: f64| t.max(first).min(last);
        let open = !self.generator.is_closed();
        Ok(match state {
            State::Pure(psi) if !open => {
                State::Pure((0..steps).fold(psi.clone(), |psi, k| self.vector(&psi, from + h * k as f64, h, &inside)))
            }
            _ => {
                let (mean, start) = apart(&state.density());
                let step = |d: Matrix, k: usize| self.density(&d, mean, from + h * k as f64, h, &inside);
                State::Mixed(joined(mean, (0..steps).fold(start, step)))
            }
        })
    }

    /// One step of the deviation from the mean diagonal element.
    fn density(&self, rho: &Matrix, mean: f64, t: f64, h: f64, inside: &impl Fn(f64) -> f64) -> Matrix {
        let f = |t: f64, rho: &Matrix| self.generator.rate_of_deviation(inside(t), rho, mean);
        let k1 = f(t, rho);
        let k2 = f(t + h / 2.0, &(rho + k1.map(|x| x * (h / 2.0))));
        let k3 = f(t + h / 2.0, &(rho + k2.map(|x| x * (h / 2.0))));
        let k4 = f(t + h, &(rho + k3.map(|x| x * h)));
        rho + (k1 + (k2 + k3).map(|x| x * 2.0) + k4).map(|x| x * (h / 6.0))
    }

    fn vector(&self, psi: &Vector, t: f64, h: f64, inside: &impl Fn(f64) -> f64) -> Vector {
        let f = |t: f64, psi: &Vector| match self.generator.rate(inside(t), &State::Pure(psi.clone())) {
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
        let mut now = from;
        let mut state = state.clone();
        for stop in self.mesh.stops(from, to)? {
            state = self.within(&state, now, stop)?;
            now = stop;
        }
        Ok(state)
    }

    fn name(&self) -> &'static str {
        "plain Runge-Kutta"
    }
}
