//! Gradient of a result with respect to every step of pulse shapes: gradient ascent pulse engineering (Khaneja, Reiss, Kehlet,
//! Schulte-Herbruggen, Glaser, J. Magn. Reson. 172, 296), with exact derivatives of the propagators.
//!
//! In step k with amplitude and phase `(a, phi)` the Hamiltonian is `H_k = H_0 + x X + y Y` with `x + i y = a exp(i phi)`, for a duration
//! tau. Results are functions of the state at a mark, or of the propagator U up to there:
//!
//! ```text
//! state       df = Re Tr[W dU],  W = 2 rho U^+ G,  with the derivative G = df/drho behind a unitary stretch and rho in front of it
//! propagator  df = Re Tr[W dU]
//! ```
//!
//! [`closed`] has the derivatives `dU/dx`, exact (Najfeld and Havel, Adv. Appl. Math. 16, 321): the usual approximation
//! `dU/dx = -i tau X U` has an error of second order in tau and stalls near a maximum. [`open`] has those of pulses with relaxation. X and Y
//! are taken from the schedule, so offsets, couplings, rf amplitudes, rise times, droop and transients enter as in a run.

mod closed;
mod gate;
mod goal;
mod open;
mod path;
mod slices;

pub(super) use closed::multiply_by_phi;
pub use gate::{GateMember, GateObjective};

use self::closed::{Propagated, Sums, propagate};
use self::goal::{Of, PulseGoal};
use self::path::{Layout, Path, PathBuilder, Stage};
use super::context::RunContext;
use super::engines::exact::{stacked, unstacked};
use super::members::evaluator;
use super::motion::mean_state;
use super::request::Requests;
use super::sectors;
use super::settings::Options;
use super::setup::open_context;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, Prepared, Schedule, Values, build, members, prepare};
use crate::ir::Experiment;
use crate::linalg::{Matrix, Vector, adjoint, conjugate, conjugate_back, hermitian_part, identity, product, real};
use crate::spin::{Space, State};
use crate::syntax::{Expr, ExprKind};
use rayon::prelude::*;
use std::sync::Arc;

/// Largest dimension of a system whose shapes are optimised.
const MOST_STATES: usize = 128;

/// Value and derivatives of an objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    /// The value.
    pub value: f64,
    /// Its derivatives with respect to x and y of every step.
    pub steps: Vec<(f64, f64)>,
    /// Its derivative with respect to the logarithm of the duration of all shaped pulses.
    pub duration: f64,
}

/// A function of the steps of pulse shapes, given by x and y of every step as fractions of the peak amplitude.
pub trait Objective {
    /// Number of steps.
    fn steps(&self) -> usize;

    /// The value for shaped pulses that last `stretch` times as long as written.
    ///
    /// # Errors
    /// If it is undefined there.
    fn value(&self, steps: &[(f64, f64)], stretch: f64) -> Result<f64, Fault>;

    /// The value and its derivatives.
    ///
    /// # Errors
    /// If it is undefined there.
    fn gradient(&self, steps: &[(f64, f64)], stretch: f64) -> Result<Gradient, Fault>;
}

/// A result as a function of the steps of pulse shapes: the objective of GRAPE.
pub struct PulseObjective {
    paths: Vec<Path>,
    layout: Layout,
    /// The steps of all shapes as declared.
    declared: Vec<(f64, f64)>,
    goal: PulseGoal,
}

/// A member of the ensemble: weight, schedule and initial state.
struct MemberSchedule<'a> {
    evaluator: Evaluator<'a>,
    weight: f64,
    schedule: Schedule,
    prepared: Prepared,
}

impl PulseObjective {
    /// The result at a mark (at the end if none is given) as a function of the shapes with these names. With a spectrometer, durations are
    /// rounded to its clock; amplitudes and phases of the steps remain continuous.
    ///
    /// # Errors
    /// If the file has no such shape or mark, the result is not a number determined by a single state or propagator, the system has more
    /// than 128 states (32 with relaxation, or where the result has no closed derivative), or a pulse is not linear in its steps.
    pub fn new(
        experiment: &Experiment,
        given: &Values,
        options: &Options,
        shapes: &[&str],
        goal: (&Expr, Option<&str>),
    ) -> Result<PulseObjective, Fault> {
        let layout = layout(experiment, shapes)?;
        shapes.iter().try_for_each(|shape| refuse_flip_angles(experiment, shape))?;
        let e = Evaluator::new(experiment, given)?;
        let (expr, mark) = goal;
        let kind = goal::kind(&e, expr)?;
        let members = member_schedules(experiment, &e, given, options)?;
        let space = space(&members, kind.of == Of::Propagator, options.max_memory)?;
        let mut paths = Vec::with_capacity(members.len());
        let (declared, _) = build(&e)?;
        let states: Vec<State> = members.iter().map(|m| m.prepared.state(&space)).collect();
        let initial = mean_state(members.iter().map(|m| m.weight).zip(&states)).into_owned();
        let observables = Arc::new(Requests::Declared(&[]).observables(&e)?);
        let Some(first) = members.first() else { return Err(no_members()) };
        let mut context = open_context(&e, &declared, space.clone(), &first.prepared, observables.clone())?;
        context.scene.initial = initial;
        let mut contexts = Vec::new();
        for (member, state) in members.iter().zip(states) {
            if kind.each {
                let own = &member.evaluator;
                let opened = open_context(own, &member.schedule, space.clone(), &member.prepared, observables.clone())?;
                contexts.push((own, opened));
            }
            let (stages, found) = stages(&context, options, &layout, &member.schedule, mark)?;
            let missing = layout.free.iter().zip(shapes).find(|(k, _)| found.get(**k) != Some(&true));
            if let Some((_, name)) = missing {
                return Err(no_pulse(name));
            }
            paths.push(Path { weight: member.weight, start: state.density(), stages });
        }
        if !kind.each {
            contexts.push((&e, context));
        }
        let goal = PulseGoal::new(kind, contexts, &paths)?;
        let declared =
            experiment.shapes.iter().flat_map(|s| &s.steps).map(|(a, p)| (a * p.cos(), a * p.sin())).collect();
        Ok(PulseObjective { paths, layout, declared, goal })
    }

    /// Duration of a step of every optimised shape, in the shortest pulse that uses it.
    pub fn step_durations(&self) -> Vec<f64> {
        let shaped = self.paths.iter().flat_map(|path| &path.stages).flat_map(Stage::shaped);
        let all: Vec<(usize, f64)> = shaped.flat_map(|piece| piece.steps.iter().copied()).collect();
        let of = |shape: &usize| all.iter().filter(|(k, _)| k == shape).map(|(_, t)| *t).fold(f64::INFINITY, f64::min);
        self.layout.free.iter().map(of).collect()
    }

    /// The steps of all shapes of the experiment, those of the optimised ones replaced.
    fn all(&self, steps: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let mut all = self.declared.clone();
        let mut given = steps.iter();
        for (first, count) in self.free() {
            all.iter_mut().skip(first).take(count).zip(given.by_ref().take(count)).for_each(|(to, from)| *to = *from);
        }
        all
    }

    /// Index of the first step and number of steps of the optimised shapes.
    fn free(&self) -> impl Iterator<Item = (usize, usize)> {
        self.layout.free.iter().filter_map(|k| self.layout.shapes.get(*k).copied())
    }
}

impl Objective for PulseObjective {
    fn steps(&self) -> usize {
        self.free().map(|(_, count)| count).sum()
    }

    fn value(&self, steps: &[(f64, f64)], stretch: f64) -> Result<f64, Fault> {
        let all = self.all(steps);
        let of = self.goal.of();
        let forward = |path: &Path| Ok(Forward::of(path, of, &all, stretch)?.end);
        let ends: Vec<Matrix> = self.paths.par_iter().map(forward).collect::<Result<_, Fault>>()?;
        self.goal.value(&self.paths, &ends)
    }

    fn gradient(&self, steps: &[(f64, f64)], stretch: f64) -> Result<Gradient, Fault> {
        let all = self.all(steps);
        let of = self.goal.of();
        let forward = |path| Forward::of(path, of, &all, stretch);
        let forward: Vec<Forward> = self.paths.par_iter().map(forward).collect::<Result<_, Fault>>()?;
        let ends: Vec<Matrix> = forward.iter().map(|f| f.end.clone()).collect();
        let (value, derivatives) = self.goal.derivative(&self.paths, &ends)?;
        let members = self.paths.par_iter().zip(&forward).zip(&derivatives);
        let of_members: Vec<Sums> =
            members.map(|((path, forward), end)| forward.backward(path, of, end, &all, stretch)).collect();
        let mut sum = Sums::zero(all.len());
        self.paths.iter().zip(&of_members).for_each(|(path, own)| sum.add(own, path.weight));
        let steps = self.free().flat_map(|(first, count)| sum.steps.iter().skip(first).take(count).copied()).collect();
        Ok(Gradient { value, steps, duration: sum.duration })
    }
}

/// A path with what its backward pass needs.
struct Forward<'a> {
    /// The state in front of every stage, and the propagators of unitary ones.
    stages: Vec<(Matrix, Option<Propagated<'a>>)>,
    /// The state, or the propagator, at the end.
    end: Matrix,
}

impl<'a> Forward<'a> {
    fn of(path: &'a Path, of: Of, steps: &[(f64, f64)], stretch: f64) -> Result<Forward<'a>, Fault> {
        let n = path.start.nrows();
        if let (Of::Propagator, Some(operations)) = (of, path.unitary()) {
            let all = propagate(operations, steps, stretch, n)?;
            let end = all.u.clone();
            return Ok(Forward { stages: vec![(identity(n), Some(all))], end });
        }
        let mut rho = path.start.clone();
        let mut stages = Vec::with_capacity(path.stages.len());
        for stage in &path.stages {
            let before = rho.clone();
            let mut own = None;
            rho = match stage {
                Stage::Closed(operations) => {
                    let all = own.insert(propagate(operations, steps, stretch, n)?);
                    conjugate(&all.u, &before)
                }
                Stage::Projection(projection) => projection.apply(&before),
                Stage::Relaxed(superoperator) => unstacked(&(superoperator * stacked(&before))),
                Stage::Open(piece) => piece.forward(&before, steps, stretch),
            };
            stages.push((before, own));
        }
        Ok(Forward { stages, end: rho })
    }

    /// The derivatives, from that with respect to the end.
    fn backward(&self, path: &Path, of: Of, end: &Matrix, steps: &[(f64, f64)], stretch: f64) -> Sums {
        let mut sums = Sums::zero(steps.len());
        let mut g = end.clone();
        for (stage, (rho, own)) in path.stages.iter().zip(&self.stages).rev() {
            g = match (stage, own) {
                (_, Some(all)) if of == Of::Propagator => {
                    all.derivatives(&g, stretch, &mut sums);
                    g
                }
                (_, Some(all)) => {
                    let w = product(&product(rho, &adjoint(&all.u)), &g) * real(2.0);
                    all.derivatives(&w, stretch, &mut sums);
                    conjugate_back(&all.u, &g)
                }
                (Stage::Projection(projection), None) => projection.apply(&g),
                (Stage::Relaxed(superoperator), None) => through_superoperator(superoperator, &g),
                (Stage::Open(piece), None) => piece.backward(rho, &g, steps, stretch, &mut sums),
                (Stage::Closed(_), None) => g,
            };
        }
        sums
    }
}

/// The derivative in front of a superoperator S on stacked density matrices: `S^+ G`.
fn through_superoperator(superoperator: &Matrix, g: &Matrix) -> Matrix {
    let n = g.nrows();
    let whole = Vector::from_iterator(n * n + 1, g.iter().copied().chain([real(0.0)]));
    let back = superoperator.ad_mul(&whole);
    // The last element is the derivative by the mean, which the evolution keeps.
    hermitian_part(&Matrix::from_iterator(n, n, back.iter().copied().take(n * n)))
}

fn layout(experiment: &Experiment, shapes: &[&str]) -> Result<Layout, Fault> {
    let mut first = 0;
    let mut all = Vec::with_capacity(experiment.shapes.len());
    for shape in &experiment.shapes {
        all.push((first, shape.steps.len()));
        first += shape.steps.len();
    }
    let number = |name: &&str| {
        let found = experiment.shapes.iter().position(|s| s.name == **name);
        found.ok_or_else(|| no_shape(experiment, name))
    };
    Ok(Layout { shapes: all, free: shapes.iter().map(number).collect::<Result<_, _>>()? })
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

fn no_members() -> Fault {
    Diagnostic::without_place(Code::Contradiction, "the ensemble has no members").into()
}

/// The stages of a member up to the mark, and which shapes occur in them.
fn stages(
    context: &RunContext,
    options: &Options,
    layout: &Layout,
    schedule: &Schedule,
    mark: Option<&str>,
) -> Result<(Vec<Stage>, Vec<bool>), Fault> {
    let mut builder = PathBuilder::new(context, options, layout);
    let found = builder.until(&schedule.steps, mark)?;
    if let Some(mark) = mark.filter(|_| !found) {
        let message = format!("the sequence has no mark `{mark}` outside loops");
        return Err(Diagnostic::without_place(Code::UnknownResult, message).into());
    }
    Ok(builder.finished())
}

fn member_schedules<'a>(
    experiment: &'a Experiment,
    e: &Evaluator,
    given: &Values,
    options: &Options,
) -> Result<Vec<MemberSchedule<'a>>, Fault> {
    let lower = |member: &crate::hamiltonian::Member| -> Result<MemberSchedule<'a>, Fault> {
        let own = evaluator(experiment, given, options, member)?;
        let (schedule, _) = build(&own)?;
        let prepared = prepare(&own, &schedule.prepare, schedule.prepare_place.span())?;
        Ok(MemberSchedule { evaluator: own, weight: member.weight, schedule, prepared })
    };
    members(e)?.iter().map(lower).collect()
}

/// Invariant subspace that contains all states reachable with any amplitudes and phases of the steps; for propagators the whole space.
fn space(members: &[MemberSchedule], whole: bool, allowed: f64) -> Result<Space, Fault> {
    let found = match members {
        [MemberSchedule { schedule, prepared, .. }] if !whole => {
            let mut movers = sectors::movers(&schedule.steps);
            movers.extend(path::controls(&schedule.steps));
            sectors::space_under(&movers, schedule, prepared, allowed)?
        }
        [MemberSchedule { schedule, .. }, ..] => sectors::whole(schedule, allowed)?,
        [] => return Err(no_members()),
    };
    if found.len() > MOST_STATES {
        let message = format!("gradients are computed for up to {MOST_STATES} states; this system has {}", found.len());
        return Err(Diagnostic::without_place(Code::TooLarge, message)
            .help("`ergoseq optimise` optimises pulse parameters without gradients")
            .into());
    }
    Ok(found)
}

/// Rejects pulses given by flip angle: their rf is rescaled, so the height of the shape has no effect.
fn refuse_flip_angles(experiment: &Experiment, shape: &str) -> Result<(), Fault> {
    let named = |expr: &Expr| matches!(&expr.kind, ExprKind::Name(name) if name == shape);
    let pulses = experiment.sequence.iter().flat_map(|event| event.pulses());
    let wrong = pulses.filter(|p| p.angle.is_some() && p.shape.as_deref().is_some_and(named)).map(|p| p.place).next();
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
