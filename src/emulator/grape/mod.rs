//! Gradient of a result with respect to every step of a pulse shape: gradient ascent pulse engineering (Khaneja, Reiss, Kehlet,
//! Schulte-Herbruggen, Glaser, J. Magn. Reson. 172, 296), with exact derivatives of the propagators.
//!
//! In step k with amplitude and phase `(a, phi)` the Hamiltonian is `H_k = H_0 + x X + y Y` with `x + i y = a exp(i phi)`, for a duration
//! tau. The state is propagated forward through all steps and the derivative `G = df/drho` of the result backward:
//!
//! ```text
//! df/dx_k = 2 Re Tr[G_k (dU_k/dx) rho_(k-1) U_k^+]
//! dU/dx   = V ((V^+ X V) o Phi) V^+,  Phi_ij = (exp(-i l_i tau) - exp(-i l_j tau)) / (l_i - l_j),  Phi_ii = -i tau exp(-i l_i tau)
//! ```
//!
//! with the eigenvalues l and eigenvectors V of `H_k` (Najfeld and Havel, Adv. Appl. Math. 16, 321). The usual approximation
//! `dU/dx = -i tau X U` has an error of second order in tau and stalls near a maximum. X and Y are taken from the schedule, so offsets,
//! couplings, rf amplitudes and transients enter exactly as in a run.

#![expect(clippy::indexing_slicing, reason = "the derivative is computed element by element of an n x n matrix")]

mod path;
mod propagators;

use self::path::{Path, PathBuilder};
use self::propagators::{StepPropagator, backward, forward, step_propagators};
use super::context::RunContext;
use super::members::evaluator;
use super::motion::mean_state;
use super::observable::{EvalError, Observable, aggregates, at_marks, member_means};
use super::request::Requests;
use super::sectors;
use super::settings::Options;
use super::setup::open_context;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, Prepared, Schedule, Values, build, members, prepare};
use crate::ir::{Experiment, key_of};
use crate::linalg::{C64, I, Matrix, real};
use crate::spin::{Space, State};
use crate::syntax::{Expr, ExprKind};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Largest dimension: finite differences of a result with respect to the state are taken in every direction of state space.
const MOST_STATES: usize = 32;

/// A result as a function of the steps of a pulse shape: the objective of GRAPE.
pub struct PulseObjective {
    paths: Vec<Path>,
    steps: usize,
    context: RunContext,
    observable: Observable,
}

/// A member of the ensemble: weight, schedule and initial state.
struct MemberSchedule {
    weight: f64,
    schedule: Schedule,
    prepared: Prepared,
}

impl PulseObjective {
    /// The result at a mark (at the end if none is given) as a function of the shape with this name.
    ///
    /// # Errors
    /// If the file has no such shape or mark, the result is not a number determined by a single state, relaxation acts before the mark, the
    /// system has more than 32 states, or a pulse is not linear in the steps of the shape.
    pub fn new(
        experiment: &Experiment,
        given: &Values,
        options: &Options,
        shape: &str,
        goal: (&Expr, Option<&str>),
    ) -> Result<PulseObjective, Fault> {
        let found = experiment.shapes.iter().enumerate().find(|(_, s)| s.name == shape);
        let (number, steps) = found.map(|(k, s)| (k, s.steps.len())).ok_or_else(|| no_shape(experiment, shape))?;
        refuse_flip_angles(experiment, shape)?;
        let e = Evaluator::new(experiment, given)?;
        let (expr, mark) = goal;
        let observable = observable(&e, expr)?;
        let members = member_schedules(experiment, &e, given, options)?;
        let space = space(&members, number, options.max_memory)?;
        let mut paths = Vec::with_capacity(members.len());
        let (declared, _) = build(&e)?;
        let states: Vec<State> = members.iter().map(|m| m.prepared.state(&space)).collect();
        let initial = mean_state(members.iter().map(|m| m.weight).zip(&states)).into_owned();
        let observables = Arc::new(Requests::Declared(&[]).observables(&e)?);
        let Some(first) = members.first() else { return Err(no_pulse(shape)) };
        let mut context = open_context(&e, &declared, space, &first.prepared, observables)?;
        context.scene.initial = initial;
        for (member, state) in members.iter().zip(states) {
            let mut builder = PathBuilder::new(&context, options, number);
            let found = builder.until(&member.schedule.steps, mark)?;
            if let Some(mark) = mark.filter(|_| !found) {
                let message = format!("the sequence has no mark `{mark}` outside loops");
                return Err(Diagnostic::without_place(Code::UnknownResult, message).into());
            }
            let pieces = builder.shaped_pieces().ok_or_else(|| no_pulse(shape))?;
            paths.push(Path { weight: member.weight, start: state.density(), pieces });
        }
        Ok(PulseObjective { paths, steps, context, observable })
    }

    /// Number of steps of the shape.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The result for a shape, given by `x` and `y` of every step as fractions of the peak amplitude.
    ///
    /// # Errors
    /// If it is undefined there.
    pub fn value(&self, shape: &[(f64, f64)]) -> Result<f64, Fault> {
        let end = |path: &Path| -> Result<Matrix, Fault> {
            let propagators = step_propagators(path, shape)?;
            Ok(forward(path, &propagators).pop().unwrap_or_else(|| path.start.clone()))
        };
        let ends: Vec<Matrix> = self.paths.par_iter().map(end).collect::<Result<_, Fault>>()?;
        self.evaluate(&self.mean(&ends))
    }

    /// The result, and its derivatives with respect to `x` and `y` of every step.
    ///
    /// # Errors
    /// If it is undefined there.
    pub fn gradient(&self, shape: &[(f64, f64)]) -> Result<(f64, Vec<(f64, f64)>), Fault> {
        type Forward = (Vec<Vec<StepPropagator>>, Vec<Matrix>);
        let propagate = |path: &Path| -> Result<Forward, Fault> {
            let propagators = step_propagators(path, shape)?;
            let states = forward(path, &propagators);
            Ok((propagators, states))
        };
        let propagated: Vec<Forward> = self.paths.par_iter().map(propagate).collect::<Result<_, Fault>>()?;
        let end = |(path, (_, states)): (&Path, &Forward)| states.last().unwrap_or(&path.start).clone();
        let ends: Vec<Matrix> = self.paths.iter().zip(&propagated).map(end).collect();
        let mean = self.mean(&ends);
        let value = self.evaluate(&mean)?;
        let derivative = self.derivative_by_state(&mean)?;
        let steps = self.steps;
        let of_members: Vec<Vec<(f64, f64)>> = (self.paths.par_iter().zip(&propagated))
            .map(|(path, (propagators, states))| backward(path, propagators, states, derivative.clone(), steps))
            .collect();
        let mut sum = vec![(0.0, 0.0); self.steps];
        for (path, gradient) in self.paths.iter().zip(of_members) {
            for (all, one) in sum.iter_mut().zip(gradient) {
                all.0 += path.weight * one.0;
                all.1 += path.weight * one.1;
            }
        }
        Ok((value, sum))
    }

    fn mean(&self, states: &[Matrix]) -> Matrix {
        let n = self.context.space().len();
        self.paths.iter().zip(states).fold(Matrix::zeros(n, n), |sum, (path, rho)| sum + rho * real(path.weight))
    }

    fn evaluate(&self, rho: &Matrix) -> Result<f64, Fault> {
        let state = State::Mixed(rho.clone());
        // Shapes differ between evaluations, so no cached spectrum may be reused.
        let moment = self.context.moment(&state, None, None).in_unitary_part(None);
        self.observable.answer(Some(&moment), &BTreeMap::new()).map_err(|refusal| {
            let why = match refusal {
                EvalError::Undefined(why) => why.to_string(),
                EvalError::NotFinite(x) => format!("it is {x}"),
            };
            let message = format!("`{}` is undefined: {why}", self.observable.key);
            Diagnostic::without_place(Code::UnknownResult, message).into()
        })
    }

    /// `G` with `df = Tr[G drho]` for every traceless Hermitian `drho`: in closed form if available, otherwise by fourth-order finite
    /// differences.
    fn derivative_by_state(&self, rho: &Matrix) -> Result<Matrix, Fault> {
        let state = State::Mixed(rho.clone());
        let moment = self.context.moment(&state, None, None).in_unitary_part(None);
        match self.observable.derivative(&moment).filter(|(_, g)| g.iter().all(|x| x.is_finite())) {
            Some((_, derivative)) => Ok(derivative),
            None => self.derivative_by_differences(rho),
        }
    }

    fn derivative_by_differences(&self, rho: &Matrix) -> Result<Matrix, Fault> {
        let n = rho.nrows();
        let even = C64::new(1.0 / n as f64, 0.0);
        let deviation = Matrix::from_fn(n, n, |i, j| if i == j { rho[(i, j)] - even } else { rho[(i, j)] });
        // Relative to the deviation from the maximally mixed state, which may be 1e-5 of the state: rounding leaves an error of about
        // 1e-7 of the derivative, and four-point differences have no second-order error.
        let size = 2e-3 * deviation.iter().map(|x| x.norm()).fold(0.0, f64::max).max(1e-300);
        let along = |direction: &dyn Fn(&mut Matrix, f64)| -> Result<f64, Fault> {
            let at = |by: f64| {
                let mut moved = rho.clone();
                direction(&mut moved, by);
                self.evaluate(&moved)
            };
            let (near, far) = (at(size)? - at(-size)?, at(2.0 * size)? - at(-2.0 * size)?);
            Ok((8.0 * near - far) / (12.0 * size))
        };
        let mut g = Matrix::zeros(n, n);
        for i in 0..n {
            g[(i, i)] = real(along(&|m, by| {
                m[(i, i)] += by;
                (0..n).for_each(|k| m[(k, k)] -= by * even);
            })?);
            for j in 0..i {
                let even = along(&|m, by| {
                    m[(j, i)] += by;
                    m[(i, j)] += by;
                })?;
                let odd = along(&|m, by| {
                    m[(j, i)] += I * by;
                    m[(i, j)] -= I * by;
                })?;
                g[(i, j)] = C64::new(0.5 * even, -0.5 * odd);
                g[(j, i)] = g[(i, j)].conj();
            }
        }
        Ok(g)
    }
}

fn no_shape(experiment: &Experiment, shape: &str) -> Fault {
    let names = experiment.shapes.iter().map(|s| s.name.as_str());
    let message = format!("the program declares no pulse shape `{shape}` that is read from a file");
    Diagnostic::without_place(Code::UnknownName, message)
        .did_you_mean(shape, names)
        .help(format!("declare one: `shape {shape} = \"{shape}.txt\"`"))
        .into()
}

fn no_pulse(shape: &str) -> Fault {
    let message = format!("no pulse before the mark uses the shape `{shape}`");
    Diagnostic::without_place(Code::Contradiction, message).into()
}

fn member_schedules(
    experiment: &Experiment,
    e: &Evaluator,
    given: &Values,
    options: &Options,
) -> Result<Vec<MemberSchedule>, Fault> {
    let lower = |member: &crate::hamiltonian::Member| -> Result<MemberSchedule, Fault> {
        let own = evaluator(experiment, given, options, member)?;
        let (schedule, _) = build(&own)?;
        let prepared = prepare(&own, &schedule.prepare, schedule.prepare_place.span())?;
        Ok(MemberSchedule { weight: member.weight, schedule, prepared })
    };
    members(e)?.iter().map(lower).collect()
}

/// Invariant subspace that contains all states reachable with any amplitudes and phases of the steps.
fn space(members: &[MemberSchedule], shape: usize, allowed: f64) -> Result<Space, Fault> {
    let found = match members {
        [MemberSchedule { schedule, prepared, .. }] => {
            let mut movers = sectors::movers(&schedule.steps);
            movers.extend(path::controls(&schedule.steps, shape));
            sectors::space_under(&movers, schedule, prepared, allowed)?
        }
        [MemberSchedule { schedule, .. }, ..] => sectors::whole(schedule, allowed)?,
        [] => return Err(Diagnostic::without_place(Code::Contradiction, "the ensemble has no members").into()),
    };
    if found.len() > MOST_STATES {
        let message = format!("gradients are computed for up to {MOST_STATES} states; this system has {}", found.len());
        return Err(Diagnostic::without_place(Code::TooLarge, message)
            .help("`ergoseq optimise` optimises pulse parameters without gradients")
            .into());
    }
    Ok(found)
}

/// The observable; refused if it is not a function of a single state.
fn observable(e: &Evaluator, expr: &Expr) -> Result<Observable, Fault> {
    let averaged = !member_means(std::iter::once(expr)).is_empty();
    if averaged || !aggregates(e, expr)?.is_empty() || !at_marks(e, expr)?.is_empty() {
        let message = format!(
            "`{expr}` is not a function of the state at one mark, so it has no gradient with respect to a shape"
        );
        return Err(Diagnostic::without_place(Code::Contradiction, message)
            .help("use a metric at a mark: `--maximise \"ergotropy at charged\"`")
            .into());
    }
    Observable::new(e, key_of(expr), expr)
}

/// Rejects pulses given by flip angle: their rf is rescaled, so the height of the shape has no effect.
fn refuse_flip_angles(experiment: &Experiment, shape: &str) -> Result<(), Fault> {
    let named = |expr: &Expr| matches!(&expr.kind, ExprKind::Name(name) if name == shape);
    let pulses = experiment.sequence.iter().flat_map(|event| event.pulses());
    let wrong = pulses.filter(|p| p.angle.is_some() && p.shape.as_ref().is_some_and(named)).map(|p| p.place).next();
    match wrong {
        None => Ok(()),
        Some(place) => {
            let message = "the rf of this pulse follows from its flip angle, so it does not depend on the amplitudes of its steps";
            Err(Diagnostic::new(Code::Contradiction, place.span(), message)
                .label("has a flip angle")
                .help("give `rf` and `duration` instead")
                .into())
        }
    }
}
