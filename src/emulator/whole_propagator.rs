//! The propagator of the whole system from `prepare` on, followed for metrics of the evolution itself: two-point measurements of energy,
//! gates and quasienergies.

use super::channel;
use super::context::RunContext;
use super::engines::{StepError, Stepper, choose};
use super::generator::Generator;
use super::integrate::Integrator;
use super::observable::mentions;
use super::request::{Observables, Requests};
use super::settings::Options;
use super::trajectory::Trajectory;
use crate::hamiltonian::{Evaluator, Fault, Project, Schedule, Segment, Step};
use crate::linalg::{Matrix, conjugate, identity, real};
use crate::metrics::{Bundle, LARGEST_PROPAGATOR, Measured, NoPropagator, Process, Records};
use crate::spin::{Basis, Space, State};

/// The process of one member up to now, or why there is none.
pub type Followed = Result<Process, NoPropagator>;

/// True if a requested quantity depends on the propagator.
pub fn is_requested(e: &Evaluator, requests: Requests, observables: &Observables) -> bool {
    let needs = |expr| mentions(expr, |metric| metric.of_propagator);
    let curves = observables.aggregates.iter().map(|a| &a.curve);
    let marked = observables.at_marks.iter().map(|a| &a.metric);
    observables.observables.iter().chain(curves).chain(marked).any(|o| needs(&o.expr))
        || requests.member_means(e).iter().any(|(_, expr)| needs(expr))
}

/// Why a system has no propagator, whatever its sequence.
pub fn refused(basis: &Basis) -> Option<NoPropagator> {
    if basis.sites.iter().any(|s| s.multiplets().is_empty()) {
        return Some(NoPropagator::Truncated);
    }
    if basis.has_copies() {
        return Some(NoPropagator::Copies);
    }
    (basis.size() > LARGEST_PROPAGATOR as f64).then_some(NoPropagator::TooLarge)
}

/// The propagator at `prepare`.
pub fn begin(schedule: &Schedule, space: &Space) -> Followed {
    if let Some(why) = refused(&schedule.basis) {
        return Err(why);
    }
    if !space.is_whole() {
        return Err(NoPropagator::NotFollowed);
    }
    Ok(Process::Unitary(identity(space.len())))
}

/// The propagator after some steps.
///
/// # Errors
/// If the method fails.
pub fn through(integrator: &mut Integrator, steps: &[Step], mut followed: Followed) -> Result<Followed, Fault> {
    for step in steps {
        followed = match (step, followed) {
            (_, Err(why)) => return Ok(Err(why)),
            (Step::Project(project), Ok(before)) => measured(integrator, project, before)?,
            (step, _) if step.feedback().is_some() => return Ok(Err(NoPropagator::Feedback)),
            (step, _) if !step.is_unitary() => return Ok(Err(NoPropagator::NotUnitary)),
            (step, Ok(Process::Unitary(u))) => Ok(Process::Unitary(integrator.step_propagator(step, u)?)),
            (step, Ok(Process::Measured(process))) => {
                let u = integrator.step_propagator(step, identity(process.state().nrows()))?;
                Ok(Process::Measured(Box::new(process.followed_by(&u))))
            }
        };
    }
    Ok(followed)
}

/// The process after a projective measurement and the branches that follow its records.
fn measured(integrator: &mut Integrator, project: &Project, before: Process) -> Result<Followed, Fault> {
    let (process, first) = match before {
        Process::Unitary(u) => match begin_measured(integrator.context(), &u) {
            Ok(process) => (process, true),
            Err(why) => return Ok(Err(why)),
        },
        Process::Measured(process) => (*process, false),
    };
    let space = integrator.context().space();
    let outcomes: Vec<f64> =
        channel::outcomes(project, space, process.state()).iter().map(|part| part.trace().re.max(0.0)).collect();
    let records = Records { outcomes: &outcomes, recorded: &|k, l| project.recorded(k, l) };
    let weighted = process.weighted_part();
    let bundle = process.bundle();
    let of_outcomes: Vec<Vec<Matrix>> = bundle.0.iter().map(|m| channel::outcomes(project, space, m)).collect();
    let mut sum: Option<Bundle> = None;
    for (k, (_, steps)) in project.branches.iter().enumerate() {
        let chosen = |(position, parts): (usize, &Vec<Matrix>)| {
            if weighted.contains(&position) {
                let possible = parts.iter().enumerate().filter(|(l, _)| project.recorded(k, *l) > 0.0);
                let total = possible.fold(Matrix::zeros(space.len(), space.len()), |sum, (_, part)| sum + part);
                total * real(records.probability(k))
            } else {
                channel::recorded(project, k, parts)
            }
        };
        let begin = Bundle(of_outcomes.iter().enumerate().map(chosen).collect());
        let own = match branch(integrator, steps, begin)? {
            Ok(own) => own,
            Err(why) => return Ok(Err(why)),
        };
        sum = Some(match sum {
            None => own,
            Some(others) => Bundle(others.0.into_iter().zip(own.0).map(|(a, b)| a + b).collect()),
        });
    }
    let process = sum.map_or(process.clone(), |bundle| process.with_bundle(bundle));
    let inside = |step: &Step| matches!(step, Step::Project(_));
    let nested = project.branches.iter().any(|(_, steps)| steps.iter().any(inside));
    let process = if nested { process.without_information() } else { process.informed(records.information(), first) };
    Ok(Ok(Process::Measured(Box::new(process))))
}

/// The matrices of a process after the steps of a branch.
fn branch(
    integrator: &mut Integrator,
    steps: &[Step],
    mut bundle: Bundle,
) -> Result<Result<Bundle, NoPropagator>, Fault> {
    let n = integrator.context().space().len();
    for step in steps {
        if let Step::Project(project) = step {
            let mut sum = Bundle(bundle.0.iter().map(|_| Matrix::zeros(n, n)).collect());
            for (k, (_, inner)) in project.branches.iter().enumerate() {
                let space = integrator.context().space();
                let of = |m: &Matrix| channel::recorded(project, k, &channel::outcomes(project, space, m));
                match branch(integrator, inner, Bundle(bundle.0.iter().map(of).collect()))? {
                    Ok(own) => sum.0.iter_mut().zip(own.0).for_each(|(a, b)| *a += b),
                    Err(why) => return Ok(Err(why)),
                }
            }
            bundle = sum;
        } else if step.feedback().is_some() {
            return Ok(Err(NoPropagator::Feedback));
        } else if step.is_unitary() {
            let u = integrator.step_propagator(step, identity(n))?;
            bundle = Bundle(bundle.0.iter().map(|m| conjugate(&u, m)).collect());
        } else {
            return Ok(Err(NoPropagator::NotUnitary));
        }
    }
    Ok(Ok(bundle))
}

/// The process behind the unitary `u`, with the first measurement of a two-point measurement of the battery's energy.
fn begin_measured(context: &RunContext, u: &Matrix) -> Result<Measured, NoPropagator> {
    let scene = &context.scene;
    let rho = scene.initial_density().map_err(|_| NoPropagator::TooLarge)?;
    let h = scene.cells.as_ref().map(|cells| cells.energy().matrix(scene.space.len()));
    Measured::begin(rho, h.as_ref(), u)
}

/// The propagator along a segment: one trajectory for each of its columns.
pub struct PropagatorTrack<'a> {
    columns: Result<Vec<Trajectory<'a>>, NoPropagator>,
    /// The process before the segment, if it contains measurements; the columns then begin with the identity.
    measured: Option<Box<Measured>>,
}

impl<'a> PropagatorTrack<'a> {
    /// From the propagator at the start of a segment.
    ///
    /// # Errors
    /// If no method can be chosen.
    pub fn new(
        followed: &Followed,
        generator: &'a Generator,
        segment: &Segment,
        options: &Options,
    ) -> Result<PropagatorTrack<'a>, StepError> {
        let before = match followed {
            Err(why) => return Ok(PropagatorTrack { columns: Err(*why), measured: None }),
            Ok(_) if !segment.relaxing.is_empty() => {
                return Ok(PropagatorTrack { columns: Err(NoPropagator::NotUnitary), measured: None });
            }
            Ok(before) => before,
        };
        let (before, measured) = match before {
            Process::Unitary(u) => (u.clone(), None),
            Process::Measured(process) => (identity(process.state().nrows()), Some(process.clone())),
        };
        let track = |state: State| -> Result<Trajectory<'a>, StepError> {
            let stepper: Box<dyn Stepper + 'a> = choose(generator, segment, &state, options.method, options.tolerance)?;
            Ok(Trajectory::new(stepper, state))
        };
        let columns = before.column_iter().map(|column| track(State::Pure(column.into_owned())));
        Ok(PropagatorTrack { columns: Ok(columns.collect::<Result<_, _>>()?), measured })
    }

    /// The propagator at time t of the segment.
    ///
    /// # Errors
    /// If the method fails.
    pub fn at(&mut self, t: f64) -> Result<Followed, StepError> {
        let columns = match &mut self.columns {
            Err(why) => return Ok(Err(*why)),
            Ok(columns) => columns,
        };
        let mut out = Matrix::zeros(columns.len(), columns.len());
        for (k, column) in columns.iter_mut().enumerate() {
            match column.state(t)? {
                State::Pure(psi) => out.set_column(k, &psi),
                State::Mixed(_) => return Ok(Err(NoPropagator::NotUnitary)),
            }
        }
        Ok(Ok(match &self.measured {
            None => Process::Unitary(out),
            Some(process) => Process::Measured(Box::new(process.followed_by(&out))),
        }))
    }
}
