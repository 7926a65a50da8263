//! A run at one point: schedules of the members, the propagation, and the results.

use super::context::{Observables, RunContext};
use super::member_average::{self, MemberAverages};
use super::members::{self, evaluator, prepared_state, schedules};
use super::observable::{EvalError, Observable, aggregates};
use super::propagate::{Found, Propagation};
use super::results::{Mark, Run, RunInfo, Trace};
use super::settings::Options;
use super::{cancel, estimate, levels, powder_signal, random_vectors, rounding, sectors, trace, truncation};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, Prepared, Schedule, Shared, Step, Values, members as members_of};
use crate::ir::{Experiment, is_aggregate, key_of};
use crate::metrics::{Cells, Metric, Scene};
use crate::spin::{Space, State};
use crate::syntax::{Expr, ExprKind};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Runs an experiment at one point. `extra` are expressions of metrics that are wanted besides `measure`: each with the mark
/// at which it is wanted, or none for what concerns the whole run.
///
/// # Errors
/// When the schedule cannot be built, the run does not fit, a method fails, or a result is not finite.
pub fn run(
    experiment: &Experiment,
    given: &Values,
    options: &Options,
    extra: &[(Expr, Option<String>)],
) -> Result<Run, Fault> {
    Emulator::new(experiment).run(given, options, extra)
}

/// An experiment that is run at many points: what does not depend on the parameters is worked out once, for all threads.
pub struct Emulator<'a> {
    shared: Arc<Shared<'a>>,
    /// What is asked, where that is the same at every point.
    observables_of: OnceLock<Arc<Observables>>,
}

impl<'a> Emulator<'a> {
    /// That of an experiment.
    pub fn new(experiment: &'a Experiment) -> Emulator<'a> {
        Emulator { shared: Arc::new(Shared::of(experiment)), observables_of: OnceLock::new() }
    }

    /// A run at one point, as [`run`].
    ///
    /// # Errors
    /// As [`run`].
    pub fn run(&self, given: &Values, options: &Options, extra: &[(Expr, Option<String>)]) -> Result<Run, Fault> {
        match &options.typical {
            Some(typical) => random_vectors::run(self.shared.experiment, given, options, typical, extra),
            None => {
                let e = Evaluator::at(&self.shared, given)?;
                run_at(&e, given, options, extra, &|| self.observables_of(&e, extra))
            }
        }
    }
}

impl Emulator<'_> {
    fn observables_of(&self, e: &Evaluator, extra: &[(Expr, Option<String>)]) -> Result<Arc<Observables>, Fault> {
        if let (Some(known), []) = (self.observables_of.get(), extra) {
            return Ok(known.clone());
        }
        let observables_of = Arc::new(observables_of(e, extra)?);
        if extra.is_empty() && observables_of.is_fixed() {
            // Another thread may have been first; it has found the same.
            let _ = self.observables_of.set(observables_of.clone());
        }
        Ok(observables_of)
    }
}

fn run_at(
    e: &Evaluator,
    given: &Values,
    options: &Options,
    extra: &[(Expr, Option<String>)],
    observables_of: &dyn Fn() -> Result<Arc<Observables>, Fault>,
) -> Result<Run, Fault> {
    let experiment = e.experiment;
    let members = members_of(e)?;
    let (group, rest) = members.split_at(members.len().min(powder_signal::GROUP));
    let mut schedules = schedules(e, given, options, group)?;
    let single = members.len() == 1;
    let nobody = || Diagnostic::without_place(Code::EmptySweep, "the ensemble has no members");
    let (schedule, prepared) = schedules.first().ok_or_else(nobody)?;
    // Members may be moved by different operators, so their common space is the whole.
    let space = match single && !schedule.is_read_out() {
        true => sectors::space(schedule, prepared, options.max_memory)?,
        false => sectors::whole(schedule, options.max_memory)?,
    };
    let pure = single && !schedule.is_read_out() && prepared.is_pure() && schedule.is_unitary();
    let size = estimate::check(schedule, &space, pure, options.max_memory)?;
    let declared = members::declared(e, &members)?;
    let mut context = open_context(e, declared.as_ref().unwrap_or(schedule), space, prepared, observables_of()?)?;
    let expressions = experiment.measures.iter().map(|m| &m.value).chain(extra.iter().map(|(x, _)| x));
    let wanted = member_average::wanted(expressions.chain(experiment.theories.iter().map(|t| &t.metric)));
    // Where nothing but signals is asked, the other members follow group by group.
    let followed = wanted.is_empty() && powder_signal::signal_only(&context, schedule, options);
    let (side_by_side, followers) = if followed { (group, rest) } else { (members.as_slice(), [].as_slice()) };
    let states = side_by_side.len() as f64 * 16.0 * (context.space().len() as f64).powi(2);
    if !single && states > options.max_memory {
        let needed =
            format!("for each of {} members about {} in all", side_by_side.len(), estimate::bytes_text(states));
        return Err(estimate::too_large(schedule, false, "", &needed, options.max_memory));
    }
    if !followed {
        schedules.extend(members::schedules(e, given, options, rest)?);
    }
    let declared = declared.as_ref().unwrap_or(&schedules.first().ok_or_else(nobody)?.0);
    context.scene.initial = members::mean_prepared(side_by_side, &schedules, context.space());
    let own = |m: &_| evaluator(experiment, given, options, m);
    context.member_averages = MemberAverages::new(&wanted, side_by_side, &schedules, context.space(), own)?;
    context.scans = cancel::scans(&members, side_by_side.len());
    let weights: Vec<f64> = side_by_side.iter().map(|m| m.weight).collect();
    let begin: Vec<State> = schedules.iter().map(|(s, p)| prepared_state(s, p, context.space())).collect();
    if declared.battery.is_some() && experiment.ensemble.iter().any(|d| d.quantity == "orientation") {
        context.note(
            "energies refer to the crystal as declared; `member_mean(energy)` is that of each crystallite of the powder \
             in its own Hamiltonian"
                .into(),
        );
    }
    let longest = schedules.iter().map(|(s, _)| s.duration()).fold(0.0, f64::max);
    revivals(e, longest, &context)?;
    rounding::phases(declared, options, &context)?;
    let steps: Vec<&[Step]> = schedules.iter().map(|(s, _)| s.steps.as_slice()).collect();
    let mut propagation = Propagation::new(&context, options, weights);
    let end = propagation.through(&steps, begin)?;
    propagation.mark("end", &end)?;
    let truncation = context.edges.iter().map(|edge| edge.found(e)).collect::<Result<Vec<_>, Fault>>()?;
    let mut run = Run {
        params: experiment.params.iter().filter_map(|p| Some((p.name.clone(), *e.values.get(&p.name)?))).collect(),
        how: RunInfo {
            whole: declared.basis.size(),
            dimension: size.dimension,
            pure: matches!(end.as_slice(), [State::Pure(_)]),
            random_vectors: 0,
            members: members.len(),
            methods: propagation.methods.clone(),
            tolerance: options.tolerance,
            duration: declared.duration(),
            truncation,
        },
        ..Run::default()
    };
    let found = propagation.aggregates.clone();
    let Found { marks, traces, mut decays, readings } = propagation.finish();
    powder_signal::receive(&mut decays, &e.outline(), followers, context.space(), given, options)?;
    let signals = decays.into_iter().enumerate().map(|(k, d)| d.trace(k));
    run.tomographies = readings;
    summarise(e, experiment, &context, &found, &mut run)?;
    answer_extra(e, extra, &found, &run.summary.clone(), &marks, &mut run)?;
    run.marks = measured_only(marks, experiment);
    run.traces = traces.into_iter().map(|t| only_measured(t, experiment)).chain(signals).collect();
    run.notes.extend(context.notes.into_inner());
    Ok(run)
}

/// Notes where a finite number of offsets makes an echo that is none.
fn revivals(e: &Evaluator, duration: f64, context: &RunContext) -> Result<(), Fault> {
    const VISIBLE: f64 = 0.01;
    for d in &e.experiment.ensemble {
        let wrong = crate::hamiltonian::revival(e, d, duration)?;
        if wrong > VISIBLE {
            context.note(format!(
                "the spread of offsets has too few points for the whole sequence: a coherence of its length is wrong by up to \
                 {wrong:.2} of its size; give more `points`"
            ));
        }
    }
    Ok(())
}

/// What an experiment asks, and what is asked besides.
pub fn observables_of(e: &Evaluator, extra: &[(Expr, Option<String>)]) -> Result<Observables, Fault> {
    let mut observables = Vec::new();
    let mut wanted = Vec::new();
    for measure in &e.experiment.measures {
        wanted.extend(aggregates(e, &measure.value)?);
        // Signals are had by `acquire`, not at moments.
        if !measure.summary && !is_signal(&measure.value) {
            observables.push(Observable::new(e, measure.key.clone(), &measure.value)?);
        }
    }
    let named = |expr: &Expr| e.experiment.measures.iter().any(|m| m.key == key_of(expr));
    for (expr, _) in extra {
        wanted.extend(aggregates(e, expr)?);
        if !named(expr)
            && !is_signal(expr)
            && !is_summary(expr, e)
            && !observables.iter().any(|q| q.key == key_of(expr))
        {
            observables.push(Observable::new(e, key_of(expr), expr)?);
        }
    }
    wanted.sort_by(|a, b| a.key.cmp(&b.key));
    wanted.dedup_by(|a, b| a.key == b.key);
    Ok(Observables { observables, aggregates: wanted })
}

/// Battery, prepared state and questions of the system as declared.
pub fn open_context(
    e: &Evaluator,
    declared: &Schedule,
    space: Space,
    prepared: &Prepared,
    observables_of: Arc<Observables>,
) -> Result<RunContext, Fault> {
    let initial = prepared.state(&space);
    let cells = cells(e, declared, &space)?;
    let edges = truncation::edges(e, &space)?;
    let tomography = declared.tomography().cloned();
    let scene = Scene::new(space, cells, initial).with_averages(prepared.averaged());
    Ok(RunContext { observables_of, tomography, edges, ..RunContext::unasked(scene) })
}

/// The battery of a schedule, with the levels of its collectives.
pub fn cells(e: &Evaluator, schedule: &Schedule, space: &Space) -> Result<Option<Cells>, Fault> {
    let Some(battery) = &schedule.battery else { return Ok(None) };
    let levels = levels::levels(e, &battery.sites)?;
    let cells = Cells::new(space, battery.sites.clone(), &battery.hamiltonian, levels);
    cells.map(Some).ok_or_else(|| {
        Diagnostic::new(
            Code::WrongOperator,
            battery.place.0.unwrap_or_default(),
            "the battery's energy acts on subsystems that are not among its cells",
        )
        .help("take more cells, or an energy of these cells alone")
        .into()
    })
}

pub fn is_signal(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call(name, _) if name.starts_with("signal"))
}

/// Whether an expression is made of aggregates, named results and numbers only.
fn is_summary(expr: &Expr, e: &Evaluator) -> bool {
    if is_aggregate(expr) {
        return true;
    }
    match &expr.kind {
        ExprKind::Name(name) | ExprKind::Call(name, _) if Metric::named(name).is_some() => {
            e.experiment.measures.iter().any(|m| m.key == *name && m.summary)
        }
        _ => expr.children().into_iter().all(|c| is_summary(c, e)),
    }
}

fn summarise(
    e: &Evaluator,
    experiment: &Experiment,
    context: &RunContext,
    found: &BTreeMap<String, Option<f64>>,
    run: &mut Run,
) -> Result<(), Fault> {
    for measure in experiment.measures.iter().filter(|m| m.summary) {
        let observable = Observable::new(e, measure.key.clone(), &measure.value)?;
        let value = match observable.answer(None, found) {
            Ok(x) => Some(x),
            Err(EvalError::Undefined(why)) => {
                context.undefined(&measure.key, &why.to_string());
                None
            }
            Err(EvalError::NotFinite(x)) => return Err(trace::not_finite(&observable, x, None)),
        };
        run.summary.push((measure.key.clone(), value));
    }
    Ok(())
}

fn answer_extra(
    e: &Evaluator,
    extra: &[(Expr, Option<String>)],
    found: &BTreeMap<String, Option<f64>>,
    summary: &[(String, Option<f64>)],
    marks: &[Mark],
    run: &mut Run,
) -> Result<(), Fault> {
    for (expr, mark) in extra {
        let key = key_of(expr);
        let at = mark.as_deref().unwrap_or("end");
        let in_summary = summary.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
        let at_mark =
            marks.iter().find(|m| m.name == at).and_then(|m| m.values.iter().find(|(k, _)| *k == key)).map(|(_, v)| *v);
        let value = match in_summary.or(at_mark) {
            Some(value) => value,
            // An expression of named results and aggregates.
            None => {
                let known: BTreeMap<&str, f64> =
                    summary.iter().filter_map(|(k, v)| v.map(|v| (k.as_str(), v))).collect();
                let replaced = expr.replace(&|name| known.get(name).map(|v| Expr::number(*v)));
                Observable::new(e, key.clone(), &replaced)?.answer(None, found).ok()
            }
        };
        run.extra.insert(format!("{key}@{at}"), value);
    }
    Ok(())
}

fn measured_only(marks: Vec<Mark>, experiment: &Experiment) -> Vec<Mark> {
    let wanted = |key: &str| experiment.measures.iter().any(|m| m.key == key);
    marks
        .into_iter()
        .map(|mut m| {
            m.values.retain(|(k, _)| wanted(k));
            m
        })
        .collect()
}

fn only_measured(mut trace: Trace, experiment: &Experiment) -> Trace {
    // Curves that only `theory` asks for stay: `ergoseq test` compares them.
    let theory = |key: &str| experiment.theories.iter().any(|t| key_of(&t.metric) == key);
    trace.values.retain(|(k, _)| experiment.measures.iter().any(|m| m.key == *k) || theory(k));
    trace
}
