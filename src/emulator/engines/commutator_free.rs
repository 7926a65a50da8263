//! Smooth time dependence: the fourth-order commutator-free exponential method with adaptive step size, and power series in the cells of
//! the mesh where these need fewer operations (see [`super::smooth_series`]).
//!
//! With the Gauss-Legendre nodes of a step, `c = 1/2 -+ sqrt(3)/6`, and `A = -i H` (or the superoperator),
//! `U = exp(h (a A1 + b A2)) exp(h (b A1 + a A2))`, `a = 1/4 - sqrt(3)/6`, `b = 1/4 + sqrt(3)/6`
//! (Blanes, Casas, Oteo, Ros, Phys. Rep. 470, 151 (2009), section 5.8).
//! The error estimate compares a step with two half steps; the result of the half steps is kept.
//!
//! The sixth-order Magnus series is not used: its commutators grow with `h |H|`, and a 50 kHz spin lock ramped down over 20 ms needed
//! steps of one radian. Here every factor is the exponential of a weighted mean Hamiltonian, which stays accurate when H is large and
//! changes slowly: the same ramp takes steps of tens of radians.

use super::exact::{stacked, unstacked};
use super::frame::Frame;
use super::smooth_series::SmoothSeries;
use super::{StepError, Stepper};
use crate::emulator::functional::Rows;
use crate::emulator::generator::{Generator, deviation};
use crate::emulator::mesh::{Mesh, resolution};
use crate::hamiltonian::Scalar;
use crate::linalg::{C64, I, Matrix, exponential, hermitian_eigen, product, real};
use crate::spin::State;

/// Commutator-free exponential integrator.
pub struct CommutatorFree<'a> {
    generator: &'a Generator,
    mesh: &'a Mesh,
    /// Frame of the changing field, for closed systems.
    frame: Option<Frame>,
    /// The power series of its blocks, for cells in which the phase is moderate.
    series: Vec<SmoothSeries>,
    tolerance: f64,
    /// Duration of the segment, over which the tolerance is distributed evenly.
    span: f64,
    /// Step size to try next.
    step: f64,
    /// The rows of an integral over stacked density matrices that is followed, as one more component.
    followed: Option<Rows>,
}

/// Fraction of the tolerance that is allowed for a jump in a cell of a few last bits of time.
const JUMP_SHARE: f64 = 1e-4;

/// A cell shorter than this fraction of a step does not change the length of steps.
const SHORT_CELL: f64 = 1e-6;

/// Maximum number of steps in one cell of the mesh; more indicate a failure.
const MOST_STEPS: usize = 50_000;

impl<'a> CommutatorFree<'a> {
    /// Builds it from a dense generator.
    ///
    /// # Errors
    /// If a coefficient cannot be resolved.
    pub fn new(generator: &'a Generator, tolerance: f64, span: f64) -> Result<CommutatorFree<'a>, StepError> {
        let frame = generator.is_closed().then(|| Frame::of(generator));
        let mesh = generator.mesh(tolerance)?;
        let series = frame.iter().flat_map(|frame| &frame.parts).map(SmoothSeries::of).collect();
        Ok(CommutatorFree { generator, mesh, frame, series, tolerance, span, step: span / 64.0, followed: None })
    }

    /// Follows an integral too: `rows` give its rate from a stacked density matrix. Propagators of open systems have one more row and
    /// column then, those of the integral.
    pub fn following(self, rows: Rows) -> CommutatorFree<'a> {
        CommutatorFree { followed: Some(rows), ..self }
    }

    /// The superoperator, with the integral that is followed.
    fn liouvillian(&self, t: f64) -> Matrix {
        let l = self.generator.liouvillian(t);
        let Some(rows) = &self.followed else { return l };
        let n = l.nrows();
        let mut l = l.resize(n + 1, n + 1, C64::default());
        rows.add_to(t, l.row_mut(n).iter_mut());
        l
    }

    /// `H(t)` of each block, or i times the superoperator: the propagator is the exponential of -i times this.
    fn at(&self, t: f64) -> Vec<Matrix> {
        match &self.frame {
            Some(frame) => frame.parts.iter().map(|p| sum(&p.terms, t)).collect(),
            None => vec![self.liouvillian(t).map(|x| I * x)],
        }
    }

    fn exponential(&self, mean: &[Matrix], h: f64) -> Result<Vec<Matrix>, StepError> {
        let one = |mean: &Matrix| -> Result<Matrix, StepError> {
            match &self.frame {
                Some(_) => Ok(hermitian_eigen(mean)?.propagator(h)),
                None => Ok(exponential(&mean.map(|x| x * (-I * h)))),
            }
        };
        mean.iter().map(one).collect()
    }

    /// The generator, if it has the same value at the nodes of a step and of its halves; a single exponential is then exact.
    fn still(&self, t: f64, h: f64) -> Option<Vec<Matrix>> {
        let offset = 3f64.sqrt() / 6.0;
        let nodes = [(0.5, 1.0), (0.25, 0.5), (0.75, 0.5)];
        let times = nodes.iter().flat_map(|(middle, width)| [middle - offset * width, middle + offset * width]);
        let times = times.map(|u| t + u * h);
        self.generator.is_same_at(times).then(|| self.at(t + 0.5 * h))
    }

    /// Propagator of one step.
    fn propagator(&self, t: f64, h: f64) -> Result<Vec<Matrix>, StepError> {
        let offset = 3f64.sqrt() / 6.0;
        let (early, late) = (self.at(t + (0.5 - offset) * h), self.at(t + (0.5 + offset) * h));
        let (small, large) = (0.25 - offset, 0.25 + offset);
        let mix = |x: f64, y: f64| -> Vec<Matrix> {
            early.iter().zip(&late).map(|(e, l)| e.zip_map(l, |e, l| e * x + l * y)).collect()
        };
        Ok(products(&self.exponential(&mix(small, large), h)?, &self.exponential(&mix(large, small), h)?))
    }

    /// Propagator from one time to a later one, for states or stacked density matrices; `None` if the times are equal.
    ///
    /// # Errors
    /// If there are too many steps, or they become too short.
    pub fn over(&mut self, from: f64, to: f64) -> Result<Option<Matrix>, StepError> {
        let Some(parts) = self.parts_over(from, to)? else { return Ok(None) };
        Ok(match &self.frame {
            Some(frame) => Some(frame.leave(&frame.whole(&parts))),
            None => parts.into_iter().next(),
        })
    }

    /// Propagators of the blocks in their frame, cell by cell.
    fn parts_over(&mut self, from: f64, to: f64) -> Result<Option<Vec<Matrix>>, StepError> {
        let mut total: Option<Vec<Matrix>> = None;
        let mut now = from;
        for stop in self.mesh.stops(from, to)? {
            let step = self.step;
            total = self.parts_within(now, stop, total)?;
            // Steps within a few last bits of time say nothing about the next cell.
            if stop - now < SHORT_CELL * step {
                self.step = step;
            }
            now = stop;
        }
        Ok(total)
    }

    /// The propagators of the blocks inside one cell of the mesh by power series; `None` if exponentials are cheaper.
    fn by_series(&self, from: f64, to: f64) -> Result<Option<Vec<Matrix>>, StepError> {
        if self.series.is_empty() || to - from <= resolution(self.span.max(to)) {
            return Ok(None);
        }
        let intervals =
            self.series.iter().map(|block| block.interval(from, to)).collect::<Result<Option<Vec<_>>, _>>()?;
        intervals.map(|all| all.iter().map(|interval| interval.propagator()).collect()).transpose()
    }

    /// Continues `total` inside one cell of the mesh.
    fn parts_within(
        &mut self,
        from: f64,
        to: f64,
        mut total: Option<Vec<Matrix>>,
    ) -> Result<Option<Vec<Matrix>>, StepError> {
        if let Some(u) = self.by_series(from, to)? {
            return Ok(Some(match total {
                Some(before) => products(&u, &before),
                None => u,
            }));
        }
        let smallest = resolution(self.span.max(to));
        let mut t = from;
        let mut steps = 0;
        while to - t > smallest {
            steps += 1;
            if steps > MOST_STEPS {
                return Err(StepError::Tolerance(format!(
                    "more than {MOST_STEPS} steps {}: the Hamiltonian is too large there",
                    crate::waveform::interval_text(from, to)
                )));
            }
            // A step never goes past the end, and no very short remainder is left.
            let rest = to - t;
            let h = if self.step >= rest {
                rest
            } else if 2.0 * self.step > rest {
                0.5 * rest
            } else {
                self.step
            };
            if let Some(h_now) = self.still(t, h) {
                let u = self.exponential(&h_now, h)?;
                total = Some(match total {
                    Some(before) => products(&u, &before),
                    None => u,
                });
                t += h;
                self.step = self.step.max(4.0 * h);
                continue;
            }
            let whole = self.propagator(t, h)?;
            let halves = products(&self.propagator(t + 0.5 * h, 0.5 * h)?, &self.propagator(t, 0.5 * h)?);
            // The error of the half steps is one sixteenth of that of the whole step, i.e. about a fifteenth of the difference.
            let error = distance(&halves, &whole) / 15.0;
            if !error.is_finite() {
                return Err(StepError::Tolerance("the Hamiltonian is infinite or not a number at some time".into()));
            }
            let allowed = self.tolerance * h / self.span;
            let factor = if error > 0.0 { 0.9 * (allowed / error).powf(0.25) } else { 4.0 };
            // The mesh leaves a jump in a cell of a few last bits of time, where no shorter step helps.
            let at_jump = h <= 2.0 * smallest && error <= JUMP_SHARE * self.tolerance;
            if error <= allowed || error < 1e-15 || at_jump {
                total = Some(match total {
                    Some(before) => products(&halves, &before),
                    None => halves,
                });
                t += h;
                // A step truncated by the end of the interval does not reduce the next step size.
                let proposal = (h * factor.clamp(0.2, 4.0)).max(smallest);
                if h >= self.step || proposal > self.step {
                    self.step = proposal;
                }
            } else {
                if h <= 2.0 * smallest {
                    return Err(StepError::Tolerance(format!(
                        "the step at t = {t:e} would be shorter than {smallest:e}"
                    )));
                }
                self.step = (h * factor.clamp(0.1, 0.9)).max(smallest);
            }
        }
        Ok(total)
    }
}

impl Stepper for CommutatorFree<'_> {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let Some(parts) = self.parts_over(from, to)? else { return Ok(state.clone()) };
        let Some(frame) = &self.frame else {
            // Without a frame the whole superoperator is the only block.
            let moved = parts.iter().fold(stacked(&state.density()), |stack, whole| whole * stack);
            return Ok(State::Mixed(unstacked(&moved)));
        };
        Ok(match state {
            State::Pure(psi) => State::Pure(frame.moved_vector(&parts, psi)),
            State::Mixed(rho) => State::Mixed(deviation(rho, |d| frame.moved_matrix(parts, d))),
        })
    }

    fn name(&self) -> &'static str {
        "power series, and commutator-free exponentials where phases are large"
    }
}

fn sum(terms: &[(Scalar, Matrix)], t: f64) -> Matrix {
    let mut terms = terms.iter().map(|(c, m)| (real(c.at(t)), m));
    let Some((c, first)) = terms.next() else { return Matrix::zeros(0, 0) };
    let mut sum = first * c;
    terms.for_each(|(c, m)| sum.zip_apply(m, |x, y| *x += c * y));
    sum
}

fn products(left: &[Matrix], right: &[Matrix]) -> Vec<Matrix> {
    left.iter().zip(right).map(|(l, r)| product(l, r)).collect()
}

/// Distance of two propagators, relative to the norm of the identity.
fn distance(a: &[Matrix], b: &[Matrix]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).norm_squared()).sum();
    (squares / a.iter().map(|a| a.nrows() as f64).sum::<f64>()).sqrt()
}
