//! Dormand and Prince's Runge-Kutta method of order 8, from the crate `ode_solvers`: an integrator independent of all others here.
//!
//! The released crate has two wrong nodes (stages 12 and 13 are evaluated at the start of the step), which spoils every time-dependent
//! system. Time is therefore carried as one more component of the state and the `x` passed by the crate is ignored, which gives correct
//! results. Stiffness tests are off, since oscillations would trigger them.

#![expect(clippy::indexing_slicing, reason = "a state is stored as pairs of real numbers followed by the time")]

use super::{StepError, Stepper};
use crate::emulator::functional::Functional;
use crate::emulator::generator::{Generator, apart, joined};
use crate::emulator::mesh::{Mesh, interior};
use crate::emulator::step_error::check_phase;
use crate::linalg::{C64, Matrix, Vector};
use crate::metrics::Rate;
use crate::spin::State;
use ode_solvers::dop_shared::OutputType;
use ode_solvers::{DVector, Dop853, System};

/// DOP853 integrator.
pub struct Dop853Step<'a> {
    generator: &'a Generator,
    mesh: &'a Mesh,
    tolerance: f64,
    /// What is integrated over time.
    followed: Option<Followed>,
}

/// A function of density matrices whose integral over time is one more component.
struct Followed {
    rate: Functional,
    /// Upper bound of its Frobenius norm.
    size: f64,
}

impl<'a> Dop853Step<'a> {
    /// Builds it from any generator.
    ///
    /// # Errors
    /// If a coefficient cannot be resolved.
    pub fn new(generator: &'a Generator, tolerance: f64) -> Result<Dop853Step<'a>, StepError> {
        // The global error of the method is about a hundred times its local tolerance.
        let mesh = generator.mesh(tolerance)?;
        Ok(Dop853Step { generator, mesh, tolerance: (tolerance * 1e-3).max(1e-14), followed: None })
    }

    /// Integrates a function of the density matrix over time too.
    pub fn following(self, rate: Functional) -> Dop853Step<'a> {
        let size = rate.size();
        Dop853Step { followed: (size > 0.0).then_some(Followed { rate, size }), ..self }
    }

    /// The state at time `to` from that at time `from`, and the integral that is followed.
    ///
    /// # Errors
    /// If the method fails.
    pub fn advance_and_integrate(&mut self, state: &State, from: f64, to: f64) -> Result<(State, f64), StepError> {
        let (mut now, mut state, mut sum) = (from, state.clone(), 0.0);
        for stop in self.mesh.stops(from, to)? {
            let (next, integral) = self.within(&state, now, stop)?;
            (now, state, sum) = (stop, next, sum + integral);
        }
        Ok((state, sum))
    }
}

/// The system of equations: real and imaginary parts interleaved, then an integral that is followed, in units of `size` times the interval,
/// then the time as a fraction of the interval. For a density matrix the deviation from its mean diagonal element is integrated, and the
/// tolerance is relative to that deviation.
struct Motion<'a> {
    generator: &'a Generator,
    from: f64,
    length: f64,
    /// First and last time at which coefficients may be evaluated.
    cell: (f64, f64),
    pure: bool,
    mean: f64,
    followed: Option<&'a Followed>,
}

fn to_real(values: &[C64], integral: bool) -> DVector<f64> {
    let parts: Vec<f64> =
        values.iter().flat_map(|x| [x.re, x.im]).chain(integral.then_some(0.0)).chain([0.0]).collect();
    DVector::from_vec(parts)
}

/// The amplitudes or matrix elements; the real components that follow them do not fill a pair and are left out.
fn to_complex(y: &[f64]) -> impl Iterator<Item = C64> + '_ {
    y[..y.len() - 1].chunks_exact(2).map(|p| C64::new(p[0], p[1]))
}

impl System<f64, DVector<f64>> for Motion<'_> {
    fn system(&self, _x: f64, y: &DVector<f64>, dy: &mut DVector<f64>) {
        let n = self.generator.dimension;
        let t = (self.from + self.length * y[y.len() - 1]).max(self.cell.0).min(self.cell.1);
        let last = dy.len() - 1;
        let rate = if self.pure {
            let psi = Vector::from_iterator(n, to_complex(y.as_slice()));
            self.generator.rate(t, &State::Pure(psi))
        } else {
            let rho = Matrix::from_iterator(n, n, to_complex(y.as_slice()));
            if let Some(Followed { rate, size }) = self.followed {
                dy[last - 1] = rate.at(t, &rho, self.mean) / size;
            }
            Rate::Mixed(self.generator.rate_of_deviation(t, &rho, self.mean))
        };
        let values = match &rate {
            Rate::Pure(v) => v.as_slice(),
            Rate::Mixed(m) => m.as_slice(),
        };
        for (pair, x) in dy.as_mut_slice().chunks_exact_mut(2).zip(values) {
            (pair[0], pair[1]) = (x.re * self.length, x.im * self.length);
        }
        dy[last] = 1.0;
    }
}

impl Stepper for Dop853Step<'_> {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        Ok(self.advance_and_integrate(state, from, to)?.0)
    }

    fn name(&self) -> &'static str {
        "Dop853"
    }
}

impl Dop853Step<'_> {
    /// The crate stores every accepted state: an interval is split into pieces of a few hundred periods of the fastest phase.
    fn pieces(&self, from: f64, to: f64) -> Result<usize, StepError> {
        let phase = self.generator.bandwidth(from, to) * (to - from);
        check_phase(phase, from, to)?;
        Ok((phase / 500.0).ceil().max(1.0) as usize)
    }

    /// Integrates inside one cell of the mesh.
    fn within(&mut self, state: &State, from: f64, to: f64) -> Result<(State, f64), StepError> {
        let length = to - from;
        if length == 0.0 {
            return Ok((state.clone(), 0.0));
        }
        let open = !self.generator.is_closed();
        let (mean, values) = match state {
            State::Pure(psi) if !open => (None, psi.as_slice().to_vec()),
            _ => {
                let (mean, deviation) = apart(&state.density());
                (Some(mean), deviation.as_slice().to_vec())
            }
        };
        let pure = mean.is_none();
        // The dissipators can create a deviation from a maximally mixed state.
        let drifted = self.generator.largest_drift() * mean.unwrap_or(0.0) * length.abs();
        let n = self.generator.dimension;
        let pieces = self.pieces(from, to)?;
        let followed = self.followed.as_ref().filter(|_| !pure);
        let (elements, mut integral) = (2 * values.len(), 0.0);
        let mut y = to_real(&values, followed.is_some());
        let cell = interior(from, to);
        for piece in 0..pieces {
            let begin = from + length * piece as f64 / pieces as f64;
            y.iter_mut().skip(elements).for_each(|x| *x = 0.0);
            // Scale the state to a norm of about 1. The tolerance also applies to the time component, whose rounding would be large
            // compared with a deviation of 1e-15. A vanishing deviation stays zero.
            let scale = y.iter().take(elements).fold(drifted, |m, x| m.max(x.abs()));
            if scale == 0.0 {
                break;
            }
            y.iter_mut().take(elements).for_each(|x| *x /= scale);
            let motion = Motion {
                generator: self.generator,
                from: begin,
                length: length / pieces as f64,
                cell,
                pure,
                mean: mean.unwrap_or(0.0) / scale,
                followed,
            };
            let mut solver = Dop853::from_param(
                motion,
                0.0,
                1.0,
                1.0,
                y,
                0.0,
                self.tolerance,
                0.9,
                0.0,
                0.333,
                6.0,
                1.0,
                0.0,
                10_000_000,
                u32::MAX,
                OutputType::Sparse,
            );
            solver.integrate().map_err(|e| StepError::Tolerance(format!("Dop853: {e}")))?;
            y = solver.y_out().last().cloned().ok_or_else(|| StepError::Tolerance("dop853 gave no result".into()))?;
            y.iter_mut().take(elements).for_each(|x| *x *= scale);
            integral += followed.map_or(0.0, |f| y[elements] * scale * f.size * length / pieces as f64);
        }
        if y.iter().any(|x| !x.is_finite()) {
            return Err(StepError::Tolerance("dop853 gave a result that is not finite".into()));
        }
        let state = match mean {
            None => State::Pure(Vector::from_iterator(n, to_complex(y.as_slice()))),
            Some(mean) => State::Mixed(joined(mean, Matrix::from_iterator(n, n, to_complex(y.as_slice())))),
        };
        Ok((state, integral))
    }
}
