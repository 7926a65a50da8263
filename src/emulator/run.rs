//! A run at one parameter point: schedules of the members, propagation, and results.

use super::batch::Batch;
use super::fid::GROUP;
use super::findings::Findings;
use super::member_average::MemberAverages;
use super::members::{self, evaluator, prepared_state, schedules};
use super::observable::{EvalError, Observable, not_finite};
use super::point_columns::PointColumns;
use super::point_runs::{PointRuns, TOGETHER};
use super::propagate::{Found, Propagation};
use super::request::{Observables, Observation, Position, Request, Requests};
use super::results::{Mark, Observations, Observed, Run, RunInfo, Trace};
use super::settings::{Options, Processor};
use super::setup::{energies_of_powders, open_context, revivals};
use super::{
    batched_ensemble, cancel, estimate, graphics, heat, powder_signal, random_vectors, rounding, sectors,
    whole_propagator,
};
use crate::budget::MEMBERS_AT_ONCE;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, Invariants, Prepared, Schedule, Values, members as members_of};
use crate::ir::{Experiment, key_of};
use crate::spin::{Space, State};
use crate::syntax::Expr;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Runs an experiment at one parameter point; `requests` are values evaluated in addition to `measure`.
///
/// # Errors
/// If the schedule cannot be built, the run does not fit, a method fails, or a result is not finite.
pub fn run(experiment: &Experiment, given: &Values, options: &Options, requests: &[Request]) -> Result<Run, Fault> {
    Emulator::new(experiment).run(given, options, requests)
}

/// Observes an experiment at one parameter point: arbitrary metrics, at moments that need not be marked in the file.
///
/// # Errors
/// Those of [`run`].
pub fn observe(
    experiment: &Experiment,
    given: &Values,
    options: &Options,
    observation: &Observation,
) -> Result<Observations, Fault> {
    let requests = Requests::Observation(observation);
    if let Some(vectors) = &options.typical {
        let found = random_vectors::run(experiment, given, options, vectors, requests)?;
        return Ok(Observations {
            observed: found.observed,
            signals: found.signals,
            notes: found.notes,
            how: found.how,
        });
    }
    let mut e = Evaluator::new(experiment, given)?;
    e.ensemble_points.clone_from(&observation.points);
    let found = propagate(&e, given, options, requests, Arc::new(requests.observables(&e)?))?;
    Ok(Observations { observed: found.observed, signals: found.signals, notes: found.notes, how: found.how })
}

/// An experiment to be run at many points: everything independent of the parameters is computed once, for all threads.
pub struct Emulator<'a> {
    invariants: Arc<Invariants<'a>>,
    /// The observables of `measure`, if they are the same at every point.
    measured: OnceLock<Arc<Observables>>,
    /// The experiment compiled for batches, by the names of the given parameters; `None` if it is run point by point.
    batches: Mutex<BTreeMap<Vec<String>, Option<Arc<Batch>>>>,
}

impl<'a> Emulator<'a> {
    /// Prepares an experiment.
    pub fn new(experiment: &'a Experiment) -> Emulator<'a> {
        Emulator {
            invariants: Arc::new(Invariants::of(experiment)),
            measured: OnceLock::new(),
            batches: Mutex::default(),
        }
    }

    /// Runs at one point; see [`run`].
    ///
    /// # Errors
    /// Those of [`run`].
    pub fn run(&self, given: &Values, options: &Options, requests: &[Request]) -> Result<Run, Fault> {
        let experiment = self.invariants.experiment;
        if let Some(vectors) = &options.typical {
            let found = random_vectors::run(experiment, given, options, vectors, Requests::Declared(requests))?;
            let undefined = experiment.measures.iter().filter(|m| m.summary).map(|m| (m.key.clone(), None)).collect();
            let e = Evaluator::at(&self.invariants, given)?;
            return assemble(&e, found, (requests, options.processor), undefined);
        }
        let e = Evaluator::at(&self.invariants, given)?;
        let found = propagate(&e, given, options, Requests::Declared(requests), self.observables(&e, requests)?)?;
        let mut found = found;
        let summary = summary(&e, &mut found)?;
        assemble(&e, found, (requests, options.processor), summary)
    }

    /// Number of points like this one that are propagated together; 1 if they are run individually.
    pub fn batch_size(&self, point: &Values, options: &Options) -> usize {
        let names: Vec<String> = point.keys().cloned().collect();
        if self.batch_of(&names, options).is_some() { TOGETHER } else { 1 }
    }

    /// Runs several points, in batches if the experiment can be compiled for them. The results of a point do not depend on the
    /// other points.
    pub fn run_many(&self, points: &[Values], options: &Options) -> Vec<Result<Run, Fault>> {
        let mut out = Vec::with_capacity(points.len());
        for group in points.chunk_by(|a, b| a.keys().eq(b.keys())) {
            let columns = PointColumns::of(group);
            for from in (0..group.len()).step_by(TOGETHER) {
                out.extend(self.run_together(&columns, from..group.len(), options).into_runs());
            }
        }
        out
    }

    /// Runs the first [`TOGETHER`] points of a range, or all of a shorter one, and returns their results as columns.
    pub fn run_together(&self, points: &PointColumns, range: Range<usize>, options: &Options) -> PointRuns {
        let from = range.start;
        let count = points.len().min(range.end).saturating_sub(from).min(TOGETHER);
        let together = self
            .batch_of(points.names(), options)
            .and_then(|batch| batch.run(points, (from, count), options.tolerance));
        PointRuns::of(together, count, |k| self.run(&points.point(from + k), options, &[]))
    }

    /// Runs all points on all cores and returns the results in order; `finished` is called with the number of completed points. The
    /// results do not depend on the number of threads.
    pub fn run_all(
        &self,
        points: &[Values],
        options: &Options,
        finished: &(dyn Fn(usize) + Sync),
    ) -> Vec<Result<Run, Fault>> {
        let size = points.first().map_or(1, |first| self.batch_size(first, options));
        let one = |batch: &[Values]| {
            let found = self.run_many(batch, options);
            finished(batch.len());
            found
        };
        let batches: Vec<Vec<Result<Run, Fault>>> = points.par_chunks(size).map(one).collect();
        batches.into_iter().flatten().collect()
    }

    /// The experiment compiled for points that give these parameters, if it can be.
    fn batch_of(&self, names: &[String], options: &Options) -> Option<Arc<Batch>> {
        if !Batch::applies(options) {
            return None;
        }
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = batches.get(names) {
            return known.clone();
        }
        let compiled = Batch::new(&self.invariants, names).map(Arc::new);
        batches.insert(names.to_vec(), compiled.clone());
        compiled
    }

    fn observables(&self, e: &Evaluator, requests: &[Request]) -> Result<Arc<Observables>, Fault> {
        if let (Some(known), []) = (self.measured.get(), requests) {
            return Ok(known.clone());
        }
        let observables = Arc::new(Requests::Declared(requests).observables(e)?);
        if requests.is_empty() && observables.is_fixed() {
            // Another thread may have stored its observables first; they are equal.
            let _ = self.measured.set(observables.clone());
        }
        Ok(observables)
    }
}

/// Propagates all members of an experiment at one point.
fn propagate(
    e: &Evaluator,
    given: &Values,
    options: &Options,
    requests: Requests,
    observables: Arc<Observables>,
) -> Result<Findings, Fault> {
    let experiment = e.experiment;
    let stops = requests.stops();
    let members = members_of(e)?;
    refuse_feedback(experiment, members.len())?;
    if let Some(found) = batched_ensemble::run(e, given, options, (requests, observables.clone()), &members)? {
        return Ok(found);
    }
    let (group, rest) = members.split_at(members.len().min(GROUP));
    let mut schedules = schedules(e, given, options, group)?;
    let single = members.len() == 1;
    let nobody = || Diagnostic::without_place(Code::EmptySweep, "the ensemble has no members");
    let (schedule, prepared) = schedules.first().ok_or_else(nobody)?;
    let read_out = stops.tomographies && schedule.is_read_out();
    let follow = whole_propagator::is_requested(e, requests, &observables);
    let heats = heat::is_requested(e, requests, &observables);
    let space = space(schedule, prepared, options, (single && !read_out, follow))?;
    let pure = single && !read_out && prepared.is_pure() && schedule.is_unitary();
    let size = estimate::check(schedule, &space, pure, options.max_memory)?;
    let declared = members::declared(e, &members)?;
    let mut context = open_context(e, declared.as_ref().unwrap_or(schedule), space, prepared, observables)?;
    context.stops = stops;
    context.kept_dimension = requests.kept_dimension(options);
    let means = requests.member_means(e);
    // If only signals are requested, the remaining members are propagated group by group.
    let followed = means.is_empty() && powder_signal::signal_only(&context, schedule);
    let (together, followers) = if followed { (group, rest) } else { (members.as_slice(), [].as_slice()) };
    let states = together.len() as f64 * 16.0 * (context.space().len() as f64).powi(2);
    if !single && states > options.max_memory {
        let needed = format!("for each of {} members, about {} in total", together.len(), estimate::bytes_text(states));
        return Err(estimate::too_large(schedule, false, "", &needed, options.max_memory));
    }
    if !followed {
        MEMBERS_AT_ONCE.check(together.len() as u64, e.experiment.ensemble.first().map(|d| d.place.span()))?;
        schedules.extend(members::schedules(e, given, options, rest)?);
    }
    let declared = declared.as_ref().unwrap_or(&schedules.first().ok_or_else(nobody)?.0);
    context.scene.initial = members::mean_prepared(together, &schedules, context.space());
    let own = |m: &_| evaluator(experiment, given, options, m);
    context.member_averages = MemberAverages::new(&means, together, &schedules, context.space(), own)?;
    context.scans = cancel::scans(&members, together.len());
    let weights: Vec<f64> = together.iter().map(|m| m.weight).collect();
    let begin: Vec<State> = schedules.iter().map(|(s, p)| prepared_state(s, p, context.space())).collect();
    energies_of_powders(e, declared, &context);
    let longest = schedules.iter().map(|(s, _)| s.duration()).fold(0.0, f64::max);
    revivals(e, longest, &context)?;
    rounding::phases(declared, options)?.into_iter().for_each(|note| context.note(note));
    let own: Vec<&Schedule> = schedules.iter().map(|(s, _)| s).collect();
    let mut propagation = Propagation::new(&context, options, weights);
    if follow {
        propagation.paths().follow_propagators(&own, &context);
    }
    propagation.paths().follow_heats(&context, heats);
    let end = propagation.through(&own, begin)?;
    propagation.observe(Position::End, &end)?;
    let truncation = context.edges.iter().map(|edge| edge.found(e)).collect::<Result<Vec<_>, Fault>>()?;
    let how = RunInfo {
        whole: declared.basis.size(),
        dimension: size.dimension,
        pure: matches!(end.as_slice(), [State::Pure(_)]),
        random_vectors: 0,
        members: members.len(),
        methods: propagation.methods().into_iter().map(Into::into).collect(),
        tolerance: options.tolerance,
        duration: declared.duration(),
        truncation,
    };
    let aggregates = propagation.aggregates.clone();
    let Found { observed, traces, mut decays, readings } = propagation.finish();
    powder_signal::receive(&mut decays, &e.parameters(), followers, context.space(), given, options)?;
    let signals = decays.into_iter().enumerate().map(|(k, d)| d.trace(k)).collect();
    let keys = context.requested.observables.iter().map(|o| o.key.clone()).collect();
    Ok(Findings { keys, observed, traces, signals, readings, aggregates, notes: context.notes.into_inner(), how })
}

/// The space of a run: of a `single` member the part that its state can reach. Members may evolve under different operators, so they
/// share the whole space; so does a propagator that is followed.
fn space(
    schedule: &Schedule,
    prepared: &Prepared,
    options: &Options,
    (single, follow): (bool, bool),
) -> Result<Space, Fault> {
    let all_states = follow && whole_propagator::refused(&schedule.basis).is_none();
    if single && !all_states {
        return sectors::space(schedule, prepared, options.max_memory);
    }
    sectors::whole(schedule, options.max_memory)
}

/// The results of a point: what `measure` names, and the requested values.
fn assemble(
    e: &Evaluator,
    found: Findings,
    (requests, processor): (&[Request], Processor),
    summary: Vec<(String, Option<f64>)>,
) -> Result<Run, Fault> {
    let experiment = e.experiment;
    let values = requests.iter().map(|r| requested(e, r, &found, &summary)).collect::<Result<_, Fault>>()?;
    let measured = |key: &str| experiment.measures.iter().any(|m| m.key == key);
    let columns: Vec<(usize, &String)> = found.keys.iter().enumerate().filter(|(_, key)| measured(key)).collect();
    let mark = |o: &Observed| {
        let values = columns.iter().map(|(k, key)| ((*key).clone(), o.value(*k))).collect();
        let time = o.time.last().copied().unwrap_or(0.0);
        Some(Mark { name: o.position.mark()?.to_string(), time, values, state: o.state.clone() })
    };
    let marks = found.observed.iter().filter_map(mark).collect();
    // A statement recorded for its extrema alone leaves no curves.
    let traces = found.traces.into_iter().map(|t| only_measured(t, experiment)).filter(|t| !t.values.is_empty());
    let compiled = experiment.compiled.iter().map(|c| c.note.clone());
    let notes = compiled.chain(found.notes).chain(graphics::unused(processor, &found.how.methods)).collect();
    Ok(Run {
        params: experiment.params.iter().filter_map(|p| Some((p.name.clone(), *e.values.get(&p.name)?))).collect(),
        summary,
        marks,
        traces: traces.chain(found.signals).collect(),
        tomographies: found.readings,
        values,
        notes,
        how: found.how,
    })
}

/// The named scalars of `measure`.
fn summary(e: &Evaluator, found: &mut Findings) -> Result<Vec<(String, Option<f64>)>, Fault> {
    let mut summary = Vec::new();
    for measure in e.experiment.measures.iter().filter(|m| m.summary) {
        let observable = Observable::new(e, measure.key.clone(), &measure.value)?;
        let value = match observable.answer(None, &found.aggregates) {
            Ok(x) => Some(x),
            Err(EvalError::Undefined(why)) => {
                found.note(format!("`{}` is undefined at some samples: {why}", measure.key));
                None
            }
            Err(EvalError::NotFinite(x)) => return Err(not_finite(&observable, x, None)),
        };
        summary.push((measure.key.clone(), value));
    }
    Ok(summary)
}

/// The value of a request.
fn requested(
    e: &Evaluator,
    Request { expr, at }: &Request,
    found: &Findings,
    summary: &[(String, Option<f64>)],
) -> Result<Option<f64>, Fault> {
    let key = key_of(expr);
    if let Some((_, value)) = summary.iter().find(|(k, _)| *k == key) {
        return Ok(*value);
    }
    let at = at.as_deref().unwrap_or("end");
    let observed = found.observed.iter().find(|o| o.position.mark() == Some(at));
    if let (Some(observed), Some(column)) = (observed, found.keys.iter().position(|k| *k == key)) {
        return Ok(observed.value(column));
    }
    // An expression of named results and aggregates.
    let known: BTreeMap<&str, f64> = summary.iter().filter_map(|(k, v)| v.map(|v| (k.as_str(), v))).collect();
    let replaced = expr.replace(&|name| known.get(name).map(|v| Expr::number(*v)));
    Ok(Observable::new(e, key, &replaced)?.answer(None, &found.aggregates).ok())
}

fn only_measured(mut trace: Trace, experiment: &Experiment) -> Trace {
    // Curves used only by `theory` are kept: `ergoseq test` compares them.
    let theory = |key: &str| experiment.theories.iter().any(|t| key_of(&t.metric) == key);
    trace.values.retain(|(k, _)| experiment.measures.iter().any(|m| m.key == *k) || theory(k));
    trace
}

/// Refuses feedback by the mean of an ensemble, whose members are propagated one by one.
fn refuse_feedback(experiment: &Experiment, members: usize) -> Result<(), Fault> {
    if members == 1 {
        return Ok(());
    }
    let mut place = None;
    for event in &experiment.sequence {
        event.readings(&mut |_, observable| {
            place.get_or_insert(observable.span());
        });
    }
    let Some(place) = place else { return Ok(()) };
    let message =
        "feedback is computed for one member: in an ensemble or a phase cycle the mean over all members would be read";
    Err(Diagnostic::new(Code::NotEmulated, place, message)
        .label("the experiment has several members")
        .help("leave the `ensemble`, the powder or the `cycle` out")
        .into())
}
