//! Propagates all members of an ensemble from meeting point to meeting point.

use super::context::RunContext;
use super::decay::Decay;
use super::engines::choose;
use super::fid::{Fid, GROUP, SignalSum};
use super::generator::Generator;
use super::integrate::{Integrator, failed};
use super::last_segment;
use super::meeting::{Leg, Meeting, common_legs, same_times};
use super::member_batch::{Look, Sums, Wanted};
use super::member_paths::MemberPaths;
use super::motion::{
    ActingSegment, EnsembleMotion, Heats, MeanMotion, MemberAt, arrival, heat_of, mean_state, propagator_of,
};
use super::observable::{EvalError, Observable, not_finite};
use super::request::Position;
use super::results::{Observed, Trace};
use super::settings::{Method, Options};
use super::tomography::Readings;
use super::trace;
use super::trajectory::Trajectory;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Acquire, Fault, Schedule, Segment, Step, Strobe, Tomography, duration};
use crate::linalg::C64;
use crate::metrics::{Moment, Motion, NoHeat, NoPropagator};
use crate::source::Place;
use crate::spin::State;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// The signals of some members, and their states after the acquisition.
type Group = (SignalSum, Vec<State>);

/// Known aggregates, metrics at marks and means over members, by key; `None` where undefined.
pub(super) type Known = BTreeMap<String, Option<f64>>;

/// The mean state of members propagated in batches, and its time derivative.
type MeanAt = (State, Option<MeanMotion>);

/// State of a propagation: the members' clocks, the results so far, and cached propagators.
pub struct Propagation<'a> {
    pub(super) context: &'a RunContext,
    options: &'a Options,
    /// Weight of each member; a single one for a perfect sample.
    pub(super) weights: Vec<f64>,
    /// Time since `prepare` of each member.
    pub(super) clocks: Vec<f64>,
    /// Number of non-unitary actions so far.
    part: u64,
    /// The segment that acted last on each member, so that rates at a mark are those at its end; `None` if nothing acts.
    pub(super) last_segments: Vec<Option<ActingSegment<'a>>>,
    /// What is followed of each member besides its state.
    pub(super) paths: MemberPaths<'a>,
    /// True once it was noted that the members reach a meeting point at different times.
    spread_noted: bool,
    pub(super) integrator: Integrator<'a>,
    observed: Vec<Observed>,
    pub(super) traces: Vec<Trace>,
    pub(super) decays: Vec<Fid<'a>>,
    readings: Vec<Readings>,
    /// Extrema found so far.
    pub aggregates: BTreeMap<String, Option<f64>>,
}

/// The results of a propagation.
pub struct Found<'a> {
    /// Metrics at marks, and at the statements of an observation.
    pub observed: Vec<Observed>,
    /// Recorded curves.
    pub traces: Vec<Trace>,
    /// Free induction decays.
    pub decays: Vec<Fid<'a>>,
    /// Tomographies.
    pub readings: Vec<Readings>,
}

impl<'a> Propagation<'a> {
    /// A propagation at its start, for ensemble members with these weights.
    pub fn new(context: &'a RunContext, options: &'a Options, weights: Vec<f64>) -> Propagation<'a> {
        context.unitary_part.set((weights.len() == 1).then_some(0));
        Propagation {
            context,
            options,
            clocks: vec![0.0; weights.len()],
            last_segments: weights.iter().map(|_| None).collect(),
            paths: MemberPaths::new(weights.len()),
            weights,
            part: 0,
            spread_noted: false,
            integrator: Integrator::new(context, options),
            observed: vec![],
            traces: vec![],
            decays: vec![],
            readings: vec![],
            aggregates: BTreeMap::new(),
        }
    }

    /// What is followed of each member besides its state.
    pub fn paths(&mut self) -> &mut MemberPaths<'a> {
        &mut self.paths
    }

    /// Names of the methods used.
    pub fn methods(&self) -> Vec<&'static str> {
        self.integrator.methods.clone()
    }

    /// The results.
    pub fn finish(self) -> Found<'a> {
        Found { observed: self.observed, traces: self.traces, decays: self.decays, readings: self.readings }
    }

    /// Propagates all members through their steps, each individually to the next meeting point, where all are evaluated together.
    ///
    /// # Errors
    /// If members have different meeting points, results at one of them cannot be averaged, or a method fails.
    pub fn through(&mut self, schedules: &[&'a Schedule], mut states: Vec<State>) -> Result<Vec<State>, Fault> {
        let members = common_legs(schedules, &self.context.stops)?;
        let count = members.first().map_or(0, Vec::len);
        for k in 0..count {
            let legs: Vec<&Leg<'a>> = members.iter().filter_map(|legs| legs.get(k)).collect();
            states = self.advance(&legs, states)?;
            // If only signals are requested, the states after the last decay are never read.
            let behind = || members.iter().all(|legs| legs.get(k + 1).is_some_and(|leg| leg.steps.is_empty()));
            let discard_states = self.context.only_signals() && k + 2 == count && behind();
            states = self.meet(&legs, states, discard_states)?;
        }
        Ok(states)
    }

    /// Propagates each member through its own steps. Members are interleaved step by step, so that shared propagators stay in the cache.
    fn advance(&mut self, legs: &[&Leg<'a>], mut states: Vec<State>) -> Result<Vec<State>, Fault> {
        for (k, (leg, state)) in legs.iter().zip(&states).enumerate() {
            let read = self.integrator.readings().values();
            self.paths.advance(k, &mut self.integrator, leg.steps, (state, read, false))?;
        }
        let mut clocks = std::mem::take(&mut self.clocks);
        for k in 0..legs.iter().map(|leg| leg.steps.len()).max().unwrap_or(0) {
            let mut moved = Vec::with_capacity(states.len());
            for ((leg, state), clock) in legs.iter().zip(states).zip(&mut clocks) {
                let Some(step) = leg.steps.get(k) else {
                    moved.push(state);
                    continue;
                };
                moved.push(self.integrator.step_member(step, state)?);
                *clock += duration(std::slice::from_ref(step));
            }
            states = moved;
        }
        self.clocks = clocks;
        self.account(legs.iter().flat_map(|leg| leg.steps).all(|step| step.is_unitary()));
        for (leg, last) in legs.iter().zip(&mut self.last_segments) {
            *last = last_segment::after(leg.steps, last.take(), &self.integrator, self.context.space())?;
        }
        Ok(states)
    }

    /// During a segment with relaxation the eigenvalues of the state are not conserved.
    pub(super) fn begin(&mut self, unitary: bool) {
        self.context.unitary_part.set((self.weights.len() == 1 && unitary).then_some(self.part));
    }

    /// Tracks the parts of a run in which the eigenvalues of a single member are conserved.
    pub(super) fn account(&mut self, unitary: bool) {
        self.part += u64::from(!unitary);
        self.context.unitary_part.set((self.weights.len() == 1).then_some(self.part));
    }

    fn meet(&mut self, legs: &[&Leg<'a>], states: Vec<State>, discard_states: bool) -> Result<Vec<State>, Fault> {
        match legs.first().map_or(Meeting::End, |leg| leg.meeting) {
            Meeting::Mark(name) => {
                self.observe(Position::Mark(name.to_string()), &states)?;
                Ok(states)
            }
            Meeting::Prepared => {
                self.observe(Position::Prepared, &states)?;
                Ok(states)
            }
            Meeting::Statement(number) => {
                self.observe(Position::Statement(number), &states)?;
                Ok(states)
            }
            Meeting::Along(number, _) => {
                let steps =
                    |leg: &&Leg<'a>| if let Meeting::Along(_, steps) = leg.meeting { Some(steps) } else { None };
                let members: Vec<&'a [Step]> = legs.iter().filter_map(steps).collect();
                self.along(number, &members, states)
            }
            Meeting::Record(_) => {
                let segment = |leg: &&Leg<'a>| if let Meeting::Record(s) = leg.meeting { Some(s) } else { None };
                let segments: Vec<&Segment> = legs.iter().filter_map(segment).collect();
                let unitary = segments.iter().all(|s| s.relaxing.is_empty());
                self.begin(unitary);
                let states = self.recorded(&segments, states)?;
                self.account(unitary);
                Ok(states)
            }
            Meeting::Acquire(_) => {
                let acquire = |leg: &&Leg<'a>| if let Meeting::Acquire(a) = leg.meeting { Some(a) } else { None };
                let acquisitions: Vec<&Acquire> = legs.iter().filter_map(acquire).collect();
                let unitary = acquisitions.iter().all(|a| a.segment.relaxing.is_empty());
                let states = self.acquire(&acquisitions, states, discard_states)?;
                self.account(unitary);
                Ok(states)
            }
            Meeting::Strobe(_) => {
                let strobe = |leg: &&Leg<'a>| if let Meeting::Strobe(s) = leg.meeting { Some(s) } else { None };
                let strobes: Vec<&'a Strobe> = legs.iter().filter_map(strobe).collect();
                self.strobe(&strobes, states)
            }
            Meeting::Tomography(t) => {
                self.read_out(t, &states)?;
                Ok(states)
            }
            Meeting::End => Ok(states),
        }
    }

    /// The members in their present states.
    pub(super) fn members<'s>(&'s self, states: &'s [State]) -> Vec<MemberAt<'s>> {
        let last = self.last_segments.iter().map(|last| last.as_ref().map(|s| (s, s.duration())));
        let members = last.zip(states).zip(self.weights.iter().zip(&self.clocks));
        members
            .zip(self.paths.iter())
            .map(|(((acting, state), (weight, clock)), path)| MemberAt {
                acting,
                state,
                weight: *weight,
                elapsed: *clock,
                propagator: path.propagator(),
                heats: path.heats,
            })
            .collect()
    }

    /// Mean time of the members and the common time; notes once if there is none.
    pub(super) fn time(&mut self, place: &str) -> (f64, Option<f64>) {
        let (mean, common) = arrival(self.clocks.iter().copied(), &self.weights);
        if common.is_none() && !self.spread_noted && !self.context.only_signals() {
            self.spread_noted = true;
            let [low, high] = [f64::min as fn(f64, f64) -> f64, f64::max]
                .map(|f| self.clocks.iter().copied().reduce(f).unwrap_or(0.0))
                .map(|t| format!("{t:.6e}"));
            self.context.note(format!(
                "ensemble members reach {place} at different times, from {low} to {high} after `prepare`: states are still averaged, and from here on the times of marks and the starts of traces are means"
            ));
        }
        (mean, common)
    }

    /// Evaluates all observables at a position of the sequence.
    pub fn observe(&mut self, position: Position, states: &[State]) -> Result<(), Fault> {
        let place = match &position {
            Position::Statement(_) => "the end of a statement".to_string(),
            _ => format!("the mark `{}`", position.mark().unwrap_or("begin")),
        };
        let time = self.time(&place);
        let members = self.members(states);
        let mean = mean_state(self.weights.iter().copied().zip(states));
        let (values, marked) = self.values(&position, &members, &mean, time.1)?;
        self.aggregates.extend(marked);
        self.keep(position, time.0, values, &mean);
        Ok(())
    }

    /// Records that a method was used.
    pub fn used(&mut self, method: &'static str) {
        self.integrator.used(method);
    }

    /// Takes over the results of members propagated in batches: the sums of their deviations from the maximally mixed state `level`, and
    /// their signals.
    ///
    /// # Errors
    /// If a result is not finite.
    pub fn take_up(&mut self, schedule: &'a Schedule, level: f64, sums: Sums, wanted: Wanted) -> Result<(), Fault> {
        let mut signals = sums.signals.into_iter();
        let mut states = sums.looks.into_iter().map(|Look { state: mut deviation, rate }| {
            crate::linalg::add_to_diagonal(&mut deviation, crate::linalg::real(level));
            (State::Mixed(deviation), rate.map(|rate| MeanMotion { rate }))
        });
        let mut clock = 0.0;
        if self.context.stops.prepared {
            let prepared = (self.context.scene.initial.clone(), None);
            self.observe_mean(Position::Prepared, clock, Some(&prepared))?;
        }
        for step in &schedule.steps {
            match step {
                Step::Mark(name) if self.context.stops.marks => {
                    let mean = states.by_ref().take(usize::from(wanted.marks)).next();
                    self.observe_mean(Position::Mark(name.clone()), clock, mean.as_ref())?;
                }
                Step::Segment(Segment { duration, record: Some(record), .. }) if self.context.stops.records => {
                    let samples = if wanted.records { record.points } else { 0 };
                    let means: Vec<MeanAt> = states.by_ref().take(samples).collect();
                    self.trace_of_means((&record.name, record.points), (clock, *duration), &means)?;
                }
                Step::Acquire(acquire) if self.context.stops.acquisitions => {
                    let signal = signals.next().unwrap_or_default();
                    self.integrator.used("free induction decay");
                    self.decays.push(Fid { receiver: &acquire.receiver, start: clock, signal });
                }
                _ => {}
            }
            clock += duration(std::slice::from_ref(step));
        }
        let end = states.next();
        self.observe_mean(Position::End, clock, end.as_ref())
    }

    /// Evaluates all observables on a mean state; without a stored state there is nothing to evaluate.
    fn observe_mean(&mut self, position: Position, time: f64, mean: Option<&MeanAt>) -> Result<(), Fault> {
        let Some((mean, motion)) = mean else {
            self.observed.push(Observed { position, time: vec![time], values: vec![], state: None });
            return Ok(());
        };
        let moment = self.context.moment(mean, motion.as_ref().map(|m| m as &dyn Motion), Some(time));
        let marked = self.at_marks(&position, &moment, &self.aggregates)?;
        self.aggregates.extend(marked);
        let values = self.values_of_moment(&moment, &self.aggregates)?;
        self.keep(position, time, values, mean);
        Ok(())
    }

    /// The trace of a statement with `points` samples, start time and duration, from its mean states.
    fn trace_of_means(
        &mut self,
        (name, points): (&str, usize),
        (start, duration): (f64, f64),
        means: &[MeanAt],
    ) -> Result<(), Fault> {
        let keys: Vec<String> = self.context.requested.observables.iter().map(|o| o.key.clone()).collect();
        let mut columns: Vec<Vec<Option<f64>>> = vec![Vec::with_capacity(means.len()); keys.len()];
        let time = trace::grid(duration, points);
        for (t, (mean, motion)) in time.iter().zip(means) {
            let motion = motion.as_ref().map(|m| m as &dyn Motion);
            let values =
                self.values_of_moment(&self.context.moment(mean, motion, Some(start + t)), &BTreeMap::new())?;
            columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        }
        let values = keys.into_iter().zip(columns).collect();
        self.traces.push(Trace { name: name.to_string(), start, time, values });
        Ok(())
    }

    /// Propagates all members through a statement and samples it, if all of them spend equal times in corresponding segments; otherwise
    /// it is observed at its end only.
    fn along(&mut self, number: usize, members: &[&'a [Step]], mut states: Vec<State>) -> Result<Vec<State>, Fault> {
        let position = Position::Statement(number);
        let Some(first) = members.first().filter(|first| members.iter().all(|own| same_times(first, own))) else {
            let legs: Vec<Leg> =
                members.iter().map(|steps| Leg { steps, meeting: Meeting::Statement(number) }).collect();
            states = self.advance(&legs.iter().collect::<Vec<_>>(), states)?;
            self.observe(position, &states)?;
            return Ok(states);
        };
        let whole = duration(first);
        let mut sampled = Observed { position, time: vec![], values: vec![], state: None };
        for k in 0..first.len() {
            let own: Vec<&'a Step> = members.iter().filter_map(|steps| steps.get(k)).collect();
            let segments: Vec<&'a Segment> =
                own.iter().filter_map(|step| if let Step::Segment(s) = step { Some(s) } else { None }).collect();
            if segments.len() < own.len() {
                // The transient of a pulse edge: an instantaneous unitary.
                for (k, (step, state)) in own.iter().zip(&states).enumerate() {
                    self.paths.advance(k, &mut self.integrator, std::slice::from_ref(*step), (state, vec![], false))?;
                }
                let moved = own.iter().zip(states).map(|(step, state)| self.integrator.step_member(step, state));
                states = moved.collect::<Result<_, Fault>>()?;
                continue;
            }
            let duration = segments.first().map_or(0.0, |s| s.duration);
            let points = 1 + ((self.context.stops.samples - 1) as f64 * duration / whole).ceil() as usize;
            let unitary = segments.iter().all(|s| s.relaxing.is_empty());
            self.begin(unitary);
            let (start, _) = self.time("a statement");
            let (trace, ends) = self.on_tracks(&segments, states, |context, tracks, segment| {
                trace::samples(context, segment, tracks, points)
            })?;
            states = ends;
            self.account(unitary);
            sampled.time.extend(trace.0.iter().map(|t| start + t));
            sampled.values.resize(trace.1.len(), vec![]);
            sampled.values.iter_mut().zip(trace.1).for_each(|(all, values)| all.extend(values));
        }
        self.observed.push(sampled);
        Ok(states)
    }

    /// Reads the mean state out; metrics at the mark `tomography` are evaluated on the reconstructed state.
    fn read_out(&mut self, own: &Tomography, states: &[State]) -> Result<(), Fault> {
        // The receiver refers to the system as declared, not to the first member.
        let t = self.context.tomography.as_ref().unwrap_or(own);
        let mean = mean_state(self.weights.iter().copied().zip(states));
        if !mean.is_normalised() {
            return Err(Diagnostic::new(
                Code::Contradiction,
                t.place.span(),
                "a tomography needs a state, but the result of `crush keep` without order 0 is not a state",
            )
            .label("the trace is 0 here")
            .help("`crush keep 0, ...` keeps the populations")
            .into());
        }
        super::cancel::read_out(self.context, states);
        let mean = mean.density();
        let (readings, found) = super::tomography::read_out(t, self.context, &mean, self.options.measured.as_ref())?;
        if !readings.converged.0 {
            self.context.note(format!("the reconstruction did not converge in {} steps", readings.converged.1));
        }
        self.readings.push(readings);
        let found = State::Mixed(found);
        let (mean, common) = self.time("the tomography");
        let (propagator, heats) = (Err(NoPropagator::Reconstructed), Heats::none(NoHeat::Reconstructed));
        let state = MemberAt { acting: None, state: &found, weight: 1.0, elapsed: mean, propagator, heats };
        // The reconstructed state is a different one, with other eigenvalues.
        let part = self.context.unitary_part.replace(None);
        let (values, marked) = self.values(&Position::Tomography, &[state], &found, common)?;
        self.context.unitary_part.set(part);
        self.aggregates.extend(marked);
        self.keep(Position::Tomography, mean, values, &found);
        Ok(())
    }

    /// The requested metrics of the members' mean state (`None` if undefined), and those requested at this mark only.
    fn values(
        &self,
        position: &Position,
        members: &[MemberAt],
        mean: &State,
        time: Option<f64>,
    ) -> Result<(Vec<Option<f64>>, Known), Fault> {
        let motion = EnsembleMotion::of(members.to_vec());
        let mut known = self.member_averages(members)?;
        let moment = self
            .context
            .moment(mean, motion.as_ref().map(|m| m as &dyn Motion), time)
            .with_process(propagator_of(members))
            .with_heat(heat_of(members, |heats| heats.declared));
        let marked = self.at_marks(position, &moment, &known)?;
        known.extend(marked.clone());
        Ok((self.values_of_moment(&moment, &known)?, marked))
    }

    /// The extrema so far, and the means of metrics over the members.
    pub(super) fn member_averages(&self, members: &[MemberAt]) -> Result<Known, Fault> {
        let mut known = self.aggregates.clone();
        known.extend(self.context.member_averages.values(&|key, why| self.context.undefined(key, why), members)?);
        Ok(known)
    }

    /// The metrics requested at this mark only, by key.
    fn at_marks(&self, position: &Position, moment: &Moment, known: &Known) -> Result<Known, Fault> {
        let mark = position.mark();
        let here = self.context.requested.at_marks.iter().filter(|wanted| mark == Some(wanted.mark.as_str()));
        here.map(|wanted| Ok((wanted.key.clone(), self.value(&wanted.metric, moment, known)?))).collect()
    }

    /// The requested metrics at a moment; `known` holds aggregates, metrics at marks and means over members.
    pub(super) fn values_of_moment(&self, moment: &Moment, known: &Known) -> Result<Vec<Option<f64>>, Fault> {
        self.context.requested.observables.iter().map(|o| self.value(o, moment, known)).collect()
    }

    /// The value of an observable at a moment; `None` if it is undefined, with a note giving the reason.
    pub(super) fn value(&self, observable: &Observable, moment: &Moment, known: &Known) -> Result<Option<f64>, Fault> {
        match observable.answer(Some(moment), known) {
            Ok(x) => Ok(Some(x)),
            Err(EvalError::Undefined(why)) => {
                self.context.undefined(&observable.key, &why.to_string());
                Ok(None)
            }
            Err(EvalError::NotFinite(x)) => Err(not_finite(observable, x, None)),
        }
    }

    fn keep(&mut self, position: Position, time: f64, values: Vec<Option<f64>>, state: &State) {
        let kept = self.context.space().basis().size() <= self.context.kept_dimension;
        let state = kept.then(|| self.context.space().embedded(state).density());
        let values = values.into_iter().map(|x| vec![x]).collect();
        self.observed.push(Observed { position, time: vec![time], values, state });
    }

    /// A recorded segment, for all members together.
    fn recorded(&mut self, segments: &[&'a Segment], states: Vec<State>) -> Result<Vec<State>, Fault> {
        let name = segments.first().and_then(|s| s.record.as_ref()).map_or("", |r| r.name.as_str());
        let (start, _) = self.time(&format!("the trace `{name}`"));
        let ((found, aggregates), ends) = self.on_tracks(segments, states, |context, tracks, segment| {
            let (found, aggregates, ends) = trace::record(context, segment, tracks, start)?;
            Ok(((found, aggregates), ends))
        })?;
        self.aggregates.extend(aggregates);
        self.traces.push(found);
        Ok(ends)
    }

    /// Propagates all members through one segment each; `look` samples their states.
    fn on_tracks<T>(
        &mut self,
        segments: &[&'a Segment],
        states: Vec<State>,
        look: impl Fn(&RunContext, &mut trace::Tracks, &Segment) -> Result<(T, Vec<State>), Fault>,
    ) -> Result<(T, Vec<State>), Fault> {
        let acting: Vec<ActingSegment> = segments.iter().map(|s| ActingSegment::new(s, self.context.space())).collect();
        let mut trajectories = Vec::with_capacity(states.len());
        let mut paths = Vec::with_capacity(states.len());
        for (k, ((segment, acting), state)) in segments.iter().zip(&acting).zip(states).enumerate() {
            self.integrator.watch_along(segment, &state)?;
            let stepper = choose(acting.generator(), segment, &state, self.options.method, self.options.tolerance)
                .map_err(|e| failed(segment.place, &e.to_string()))?;
            self.integrator.used(stepper.name());
            let track = self.paths.track(k, acting, (segment, &state), self.options);
            paths.push(track.map_err(|e| failed(segment.place, &e.to_string()))?);
            trajectories.push(Trajectory::new(stepper, state));
        }
        let exact = self.options.method == Method::Auto;
        let accuracy = if trajectories.iter().all(Trajectory::is_direct) { 0.0 } else { self.options.tolerance };
        let (weights, clocks) = (&self.weights, &self.clocks);
        let mut tracks = trace::Tracks { weights, clocks, acting: &acting, trajectories, paths, exact, accuracy };
        let first = segments.first().ok_or_else(|| failed(Place::default(), "the ensemble has no members"))?;
        let (found, ends) = look(self.context, &mut tracks, first)?;
        let followed = tracks.paths(first.duration, first)?;
        drop(tracks);
        self.paths.set(followed);
        ends.iter().for_each(|s| self.context.watch(s));
        self.clocks.iter_mut().zip(segments).for_each(|(clock, segment)| *clock += segment.duration);
        self.last_segments = acting.into_iter().map(Some).collect();
        Ok((found, ends))
    }

    /// A free induction decay: the sum over the members, each with the receiver phase of its scan.
    fn acquire(
        &mut self,
        acquisitions: &[&'a Acquire],
        states: Vec<State>,
        discard_states: bool,
    ) -> Result<Vec<State>, Fault> {
        let Some(&first) = acquisitions.first() else { return Ok(states) };
        super::cancel::acquired(self.context, acquisitions, &states);
        let (start, _) = self.time("the acquisition");
        for (k, (acquire, state)) in acquisitions.iter().zip(&states).enumerate() {
            let steps = [Step::Segment(acquire.segment.clone())];
            self.paths.advance(k, &mut self.integrator, &steps, (state, vec![], false))?;
        }
        // Members are summed in groups, and groups in order, so that the sum does not depend on the number of threads.
        let (space, tolerance) = (self.context.space(), self.options.tolerance);
        let inputs: Vec<_> = acquisitions.iter().copied().zip(states).zip(self.weights.iter().copied()).collect();
        let groups: Vec<Result<Group, Fault>> = inputs
            .par_chunks(GROUP)
            .map(|group| {
                let mut sum = SignalSum::default();
                let mut ends = Vec::with_capacity(group.len());
                let mut turned = super::rotor::Turned::default();
                for ((acquire, state), weight) in group {
                    let generator = Generator::of(&acquire.segment, space);
                    let receiver = C64::cis(-acquire.receiver.phase) * *weight;
                    let wanted = !discard_states;
                    let (own, end) =
                        super::signal::decay(acquire, &generator, space, state, tolerance, &mut turned, wanted)
                            .map_err(|e| failed(acquire.segment.place, &e.to_string()))?;
                    match own {
                        Decay::Lines(own) => sum.add_lines(own.into_iter().map(|(w, a)| (w, a * receiver))),
                        Decay::Points(own) => sum.add_points(&own, receiver),
                        Decay::Sidebands(own) => sum.add_sidebands(own, receiver),
                    }
                    ends.push(end);
                }
                sum.add_up_sidebands(first.receiver.points);
                Ok((sum, ends))
            })
            .collect();
        let mut all = SignalSum::default();
        let mut ends = Vec::with_capacity(inputs.len());
        for group in groups {
            let (sum, states) = group?;
            all.add(sum);
            ends.extend(states);
        }
        self.integrator.used("free induction decay");
        self.decays.push(Fid { receiver: &first.receiver, start, signal: all });
        self.clocks.iter_mut().zip(acquisitions).for_each(|(clock, a)| *clock += a.segment.duration);
        self.last_segments =
            acquisitions.iter().map(|a| Some(ActingSegment::new(&a.segment, self.context.space()))).collect();
        Ok(ends)
    }
}
