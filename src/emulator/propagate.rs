//! The propagation of all members of an ensemble from meeting point to meeting point.

use super::context::RunContext;
use super::engines::commutator_free::CommutatorFree;
use super::engines::exact::{EXACT, ExactClosed, ExactOpen};
use super::engines::periodic::Periodic;
use super::engines::{DENSE_LIOUVILLE, Stepper, choose};
use super::generator::Generator;
use super::meeting::{LastAction, Leg, Meeting, common_legs, last_action};
use super::motion::{ActingSegment, EnsembleMotion, MemberAt, arrival, mean_state};
use super::observable::EvalError;
use super::powder_signal::{Fid, GROUP, SignalSum};
use super::projection::Projection;
use super::propagator::{Propagator, SegmentKey};
use super::results::{Mark, Trace};
use super::settings::{Method, Options};
use super::signal::Decay;
use super::tomography::Readings;
use super::trace;
use super::trajectory::Trajectory;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Acquire, Fault, Kick, Segment, Step, Tomography, duration};
use crate::linalg::{C64, Matrix, power};
use crate::metrics::Motion;
use crate::source::Place;
use crate::spin::State;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The signals of some members, and their states behind them.
type Group = (SignalSum, Vec<State>);

/// How many repetitions of a loop are walked through, where a mode's cutoff is watched.
const MOST_WATCHED: u64 = 512;

/// How many propagators are kept.
const KEPT: usize = 32;

/// The propagation: the members' clocks, what was found so far, propagators that may be used again.
pub struct Propagation<'a> {
    context: &'a RunContext,
    options: &'a Options,
    /// Of every member; one for a perfect sample.
    weights: Vec<f64>,
    /// The time since `prepare`, of every member.
    clocks: Vec<f64>,
    /// How often something else than a unitary has acted.
    part: u64,
    /// What acted last on every member, so that rates at a mark are those at its end; `None` where nothing acts.
    last_segments: Vec<Option<ActingSegment<'a>>>,
    /// Whether it was noted that the members reach a meeting point at different times.
    spread_noted: bool,
    propagators: HashMap<SegmentKey, Arc<Propagator>>,
    marks: Vec<Mark>,
    traces: Vec<Trace>,
    decays: Vec<Fid<'a>>,
    readings: Vec<Readings>,
    /// Extrema that were found.
    pub aggregates: BTreeMap<String, Option<f64>>,
    /// Methods that were used.
    pub methods: Vec<&'static str>,
}

/// What a propagation has found.
pub struct Found<'a> {
    /// Metrics at marks.
    pub marks: Vec<Mark>,
    /// Recorded curves.
    pub traces: Vec<Trace>,
    /// Free induction decays.
    pub decays: Vec<Fid<'a>>,
    /// Tomographies.
    pub readings: Vec<Readings>,
}

impl<'a> Propagation<'a> {
    /// At the beginning, for members of these weights.
    pub fn new(context: &'a RunContext, options: &'a Options, weights: Vec<f64>) -> Propagation<'a> {
        context.unitary_part.set((weights.len() == 1).then_some(0));
        Propagation {
            context,
            options,
            clocks: vec![0.0; weights.len()],
            last_segments: weights.iter().map(|_| None).collect(),
            weights,
            part: 0,
            spread_noted: false,
            propagators: HashMap::new(),
            marks: vec![],
            traces: vec![],
            decays: vec![],
            readings: vec![],
            aggregates: BTreeMap::new(),
            methods: vec![],
        }
    }

    /// What was found.
    pub fn finish(self) -> Found<'a> {
        Found { marks: self.marks, traces: self.traces, decays: self.decays, readings: self.readings }
    }

    /// Takes all members through their steps: each by itself to the next meeting point, where they are looked at together.
    ///
    /// # Errors
    /// When members come to different meeting points, what is taken at one cannot be averaged, or a method fails.
    pub fn through(&mut self, steps: &[&'a [Step]], mut states: Vec<State>) -> Result<Vec<State>, Fault> {
        let members = common_legs(steps)?;
        let count = members.first().map_or(0, Vec::len);
        for k in 0..count {
            let legs: Vec<&Leg<'a>> = members.iter().filter_map(|legs| legs.get(k)).collect();
            states = self.advance(&legs, states)?;
            // What is behind the last decay nobody looks at, where nothing but signals is asked.
            let behind = || members.iter().all(|legs| legs.get(k + 1).is_some_and(|leg| leg.steps.is_empty()));
            let discard_states = self.context.only_hears(self.options) && k + 2 == count && behind();
            states = self.meet(&legs, states, discard_states)?;
        }
        Ok(states)
    }

    /// Every member through its own steps. Members take turns, so that propagators that they have in common are kept long enough.
    fn advance(&mut self, legs: &[&Leg<'a>], mut states: Vec<State>) -> Result<Vec<State>, Fault> {
        let mut clocks = std::mem::take(&mut self.clocks);
        for k in 0..legs.iter().map(|leg| leg.steps.len()).max().unwrap_or(0) {
            let mut moved = Vec::with_capacity(states.len());
            for ((leg, state), clock) in legs.iter().zip(states).zip(&mut clocks) {
                let Some(step) = leg.steps.get(k) else {
                    moved.push(state);
                    continue;
                };
                moved.push(self.step_member(step, state)?);
                *clock += duration(std::slice::from_ref(step));
            }
            states = moved;
        }
        self.clocks = clocks;
        self.account(legs.iter().flat_map(|leg| leg.steps).all(|step| step.is_unitary()));
        for (leg, last) in legs.iter().zip(&mut self.last_segments) {
            match last_action(leg.steps) {
                LastAction::None => {}
                LastAction::Instantaneous => *last = None,
                LastAction::Segment(segment) => *last = Some(ActingSegment::new(segment, self.context.space())),
            }
        }
        Ok(states)
    }

    /// While a segment relaxes the state, its eigenvalues are those of no part.
    fn begin(&mut self, unitary: bool) {
        self.context.unitary_part.set((self.weights.len() == 1 && unitary).then_some(self.part));
    }

    /// Keeps account of the parts of a run in which a single member's eigenvalues stay what they are.
    fn account(&mut self, unitary: bool) {
        self.part += u64::from(!unitary);
        self.context.unitary_part.set((self.weights.len() == 1).then_some(self.part));
    }

    fn meet(&mut self, legs: &[&Leg<'a>], states: Vec<State>, discard_states: bool) -> Result<Vec<State>, Fault> {
        match legs.first().map_or(Meeting::End, |leg| leg.meeting) {
            Meeting::Mark(name) => {
                self.mark(name, &states)?;
                Ok(states)
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
            Meeting::Tomography(t) => {
                self.read_out(t, &states)?;
                Ok(states)
            }
            Meeting::End => Ok(states),
        }
    }

    /// One member through a step at which nothing is looked at.
    pub(super) fn step_member(&mut self, step: &'a Step, state: State) -> Result<State, Fault> {
        Ok(match step {
            Step::Segment(segment) => self.segment(segment, state)?,
            Step::Kick(kick) => {
                let segment = kick.as_segment();
                let generator = Generator::of(&segment, self.context.space());
                let mut stepper = choose(&generator, &segment, &state, Method::Auto, self.options.tolerance)
                    .map_err(|e| failed(kick.place, &e.to_string()))?;
                self.used(stepper.name());
                stepper.advance(&state, 0.0, segment.duration).map_err(|e| failed(kick.place, &e.to_string()))?
            }
            Step::Crush(_) | Step::Dephase(..) => {
                match Projection::of(step, self.context.space()).map_err(|(place, e)| failed(place, &e.to_string()))? {
                    Some(projection) => State::Mixed(projection.apply(&state.density())),
                    None => state,
                }
            }
            Step::Loop(count, body) => self.repeat(*count, body, state)?,
            // Meeting points stand outside of loops: the schedule is refused otherwise.
            Step::Mark(_) | Step::Acquire(_) | Step::Tomography(_) => state,
        })
    }

    /// The members as they are now.
    fn members<'s>(&'s self, states: &'s [State]) -> Vec<MemberAt<'s>> {
        let last = self.last_segments.iter().map(|last| last.as_ref().map(|s| (s, s.duration())));
        let members = last.zip(states).zip(self.weights.iter().zip(&self.clocks));
        members
            .map(|((acting, state), (weight, clock))| MemberAt { acting, state, weight: *weight, elapsed: *clock })
            .collect()
    }

    /// The mean time of the members now, and the common one; where there is none, says so once.
    fn time(&mut self, place: &str) -> (f64, Option<f64>) {
        let (mean, common) = arrival(self.clocks.iter().copied(), &self.weights);
        if common.is_none() && !self.spread_noted && !self.context.only_hears(self.options) {
            self.spread_noted = true;
            let [low, high] = [f64::min as fn(f64, f64) -> f64, f64::max]
                .map(|f| self.clocks.iter().copied().reduce(f).unwrap_or(0.0))
                .map(|t| format!("{t:.6e}"));
            self.context.note(format!(
                "members of the ensemble reach {place} at different times, from {low} to {high} after `prepare`: states are averaged all \
                 the same, and the times of marks and the starts of traces are means from here on"
            ));
        }
        (mean, common)
    }

    /// Evaluates everything at a mark.
    pub fn mark(&mut self, name: &str, states: &[State]) -> Result<(), Fault> {
        let time = self.time(&format!("the mark `{name}`"));
        let members = self.members(states);
        let mean = mean_state(members.iter().map(|m| (m.weight, m.state)));
        let values = self.values(&members, &mean, time.1)?;
        self.keep_mark(name, time.0, values, &mean);
        Ok(())
    }

    /// Reads the mean state out; what is measured is measured on the state that is found, at the mark `tomography`.
    fn read_out(&mut self, own: &Tomography, states: &[State]) -> Result<(), Fault> {
        // The receiver knows the system as declared, not the member that is counted first.
        let t = self.context.tomography.as_ref().unwrap_or(own);
        let mean = mean_state(self.weights.iter().copied().zip(states));
        if !mean.is_normalised() {
            return Err(Diagnostic::new(
                Code::Contradiction,
                t.place.0.unwrap_or_default(),
                "a tomography reads a state, and `crush keep` without order 0 leaves none",
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
        let state = MemberAt { acting: None, state: &found, weight: 1.0, elapsed: mean };
        // The state that is found is another.
        let part = self.context.unitary_part.replace(None);
        let values = self.values(&[state], &found, common)?;
        self.context.unitary_part.set(part);
        self.keep_mark("tomography", mean, values, &found);
        Ok(())
    }

    /// The requested metrics of the members' mean state; `None` where a metric is undefined.
    fn values(
        &self,
        members: &[MemberAt],
        mean: &State,
        time: Option<f64>,
    ) -> Result<Vec<(String, Option<f64>)>, Fault> {
        let motion = EnsembleMotion::of(members.to_vec());
        let moment = self.context.moment(mean, motion.as_ref().map(|m| m as &dyn Motion), time);
        let mut known = self.aggregates.clone();
        known.extend(self.context.member_averages.values(self.context, members)?);
        let mut values = Vec::with_capacity(self.context.observables_of.observables.len());
        for observable in &self.context.observables_of.observables {
            let value = match observable.answer(Some(&moment), &known) {
                Ok(x) => Some(x),
                Err(EvalError::Undefined(why)) => {
                    self.context.undefined(&observable.key, &why.to_string());
                    None
                }
                Err(EvalError::NotFinite(x)) => return Err(trace::not_finite(observable, x, None)),
            };
            values.push((observable.key.clone(), value));
        }
        Ok(values)
    }

    fn keep_mark(&mut self, name: &str, time: f64, values: Vec<(String, Option<f64>)>, state: &State) {
        let eigen_cache = self.context.space().basis().size() <= self.options.states as f64;
        let state = eigen_cache.then(|| self.context.space().embedded(state).density());
        self.marks.push(Mark { name: name.to_string(), time, values, state });
    }

    /// A segment that records, for all members at once.
    fn recorded(&mut self, segments: &[&'a Segment], states: Vec<State>) -> Result<Vec<State>, Fault> {
        let Some(first) = segments.first() else { return Ok(states) };
        let name = first.record.as_ref().map_or("", |r| r.name.as_str());
        let (start, _) = self.time(&format!("the trace `{name}`"));
        let acting: Vec<ActingSegment> = segments.iter().map(|s| ActingSegment::new(s, self.context.space())).collect();
        let mut trajectories = Vec::with_capacity(states.len());
        for ((segment, acting), state) in segments.iter().zip(&acting).zip(states) {
            self.watch_along(segment, &state)?;
            let stepper = choose(acting.generator(), segment, &state, self.options.method, self.options.tolerance)
                .map_err(|e| failed(segment.place, &e.to_string()))?;
            self.used(stepper.name());
            trajectories.push(Trajectory::new(stepper, state));
        }
        let exact = self.options.method == Method::Auto;
        let (weights, clocks) = (&self.weights, &self.clocks);
        let mut tracks = trace::Tracks { weights, clocks, acting: &acting, trajectories, exact };
        let (found, aggregates, ends) = trace::record(self.context, first, &mut tracks, start)?;
        drop(tracks);
        ends.iter().for_each(|s| self.context.watch(s));
        self.aggregates.extend(aggregates);
        self.traces.push(found);
        self.clocks.iter_mut().zip(segments).for_each(|(clock, segment)| *clock += segment.duration);
        self.last_segments = acting.into_iter().map(Some).collect();
        Ok(ends)
    }

    /// A free induction decay: the sum over the members, each in the receiver's phase of its scan.
    fn acquire(
        &mut self,
        acquisitions: &[&'a Acquire],
        states: Vec<State>,
        discard_states: bool,
    ) -> Result<Vec<State>, Fault> {
        let Some(&first) = acquisitions.first() else { return Ok(states) };
        super::cancel::acquired(self.context, acquisitions, &states);
        let (start, _) = self.time("the acquisition");
        // Members are added up in groups, and groups in order, so that the sum is the same for any number of threads.
        let (space, tolerance) = (self.context.space(), self.options.tolerance);
        let inputs: Vec<_> = acquisitions.iter().copied().zip(states).zip(self.weights.iter().copied()).collect();
        let groups: Vec<Result<Group, Fault>> = inputs
            .par_chunks(GROUP)
            .map(|group| {
                let mut sum = SignalSum::default();
                let mut ends = Vec::with_capacity(group.len());
                let mut turned = super::signal::Turned::default();
                for ((acquire, state), weight) in group {
                    let generator = Generator::of(&acquire.segment, space);
                    let receiver = C64::cis(-acquire.receiver) * *weight;
                    let wanted = !discard_states;
                    let (own, end) =
                        super::signal::decay(acquire, &generator, space, state, tolerance, &mut turned, wanted)
                            .map_err(|e| failed(acquire.segment.place, &e.to_string()))?;
                    match own {
                        Decay::Lines(own) => sum.add_lines(own.into_iter().map(|(w, a)| (w, a * receiver))),
                        Decay::Points(own) => sum.add_points(&own, receiver),
                    }
                    ends.push(end);
                }
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
        self.used("free induction decay");
        self.decays.push(Fid { acquire: first, start, signal: all });
        self.clocks.iter_mut().zip(acquisitions).for_each(|(clock, a)| *clock += a.segment.duration);
        self.last_segments =
            acquisitions.iter().map(|a| Some(ActingSegment::new(&a.segment, self.context.space()))).collect();
        Ok(ends)
    }

    fn used(&mut self, method: &'static str) {
        if !self.methods.contains(&method) {
            self.methods.push(method);
        }
    }

    fn segment(&mut self, segment: &Segment, state: State) -> Result<State, Fault> {
        self.watch_along(segment, &state)?;
        if self.options.method == Method::Auto
            && let Some(propagator) = self.propagator(segment)?
        {
            let end = propagator.apply(state);
            self.context.watch(&end);
            return Ok(end);
        }
        if self.options.method == Method::Auto
            && segment.period.is_some()
            && let Some(u) = self.changing(segment)?
        {
            return Ok(Propagator::Unitary(u).apply(state));
        }
        let generator = Generator::of(segment, self.context.space());
        let mut stepper = choose(&generator, segment, &state, self.options.method, self.options.tolerance)
            .map_err(|e| failed(segment.place, &e.to_string()))?;
        self.used(stepper.name());
        let state =
            stepper.advance(&state, 0.0, segment.duration).map_err(|e| failed(segment.place, &e.to_string()))?;
        self.context.watch(&state);
        Ok(state)
    }

    /// The exact propagator of a constant segment, kept for the next time; `None` where another method is needed.
    fn propagator(&mut self, segment: &Segment) -> Result<Option<Arc<Propagator>>, Fault> {
        let dimension = self.context.space().len();
        let open = !segment.relaxing.is_empty();
        let fits = if open {
            dimension * dimension <= DENSE_LIOUVILLE
        } else {
            // Larger ones are moved part by part, without the whole matrix.
            dimension <= super::generator::DENSE_VECTORS
        };
        let Some(key) = SegmentKey::of(segment) else { return Ok(None) };
        if !fits {
            return Ok(None);
        }
        if let Some(found) = self.propagators.get(&key) {
            return Ok(Some(found.clone()));
        }
        let generator = Generator::of(segment, self.context.space());
        let propagator = if open {
            self.used("exact (superoperator)");
            Propagator::Super(ExactOpen::new(&generator).propagator(segment.duration))
        } else {
            self.used(EXACT);
            let exact = ExactClosed::new(&generator).propagator(segment.duration);
            Propagator::Unitary(exact.map_err(|e| failed(segment.place, &e.to_string()))?)
        };
        if self.propagators.len() >= KEPT {
            self.propagators.clear();
        }
        let propagator = Arc::new(propagator);
        self.propagators.insert(key, propagator.clone());
        Ok(Some(propagator))
    }

    /// The propagator of a segment under a small changing Hamiltonian; `None` where there is relaxation, or it is large.
    fn changing(&mut self, segment: &Segment) -> Result<Option<Matrix>, Fault> {
        const SMALL: usize = 64;
        let dimension = self.context.space().len();
        if !segment.relaxing.is_empty() || dimension > SMALL {
            return Ok(None);
        }
        let generator = Generator::of(segment, self.context.space());
        let wrong = |e: super::engines::StepError| failed(segment.place, &e.to_string());
        if let Some(mut periodic) = Periodic::new(&generator, self.options.tolerance).map_err(wrong)? {
            self.used(periodic.name());
            return Ok(Some(periodic.over(0.0, segment.duration).map_err(wrong)?));
        }
        let mut stepper = CommutatorFree::new(&generator, self.options.tolerance, segment.duration).map_err(wrong)?;
        self.used(stepper.name());
        let total = stepper.over(0.0, segment.duration).map_err(wrong)?;
        Ok(Some(total.unwrap_or_else(|| crate::linalg::identity(dimension))))
    }

    fn kick(&mut self, kick: &Kick) -> Result<Matrix, Fault> {
        self.used(EXACT);
        let segment = kick.as_segment();
        let generator = Generator::of(&segment, self.context.space());
        ExactClosed::new(&generator).propagator(segment.duration).map_err(|e| failed(kick.place, &e.to_string()))
    }

    /// A loop: the power of its body's propagator where the body has one, else the body again and again.
    fn repeat(&mut self, count: u64, body: &'a [Step], mut state: State) -> Result<State, Fault> {
        let walked = if self.context.edges.is_empty() { 0 } else { count.min(MOST_WATCHED) };
        if count > walked.max(2)
            && self.options.method == Method::Auto
            && let Some(once) = self.body(body)?
        {
            if walked > 0 {
                return self.repeat_watched(count, walked, body, &once, state);
            }
            let many = match &once {
                Propagator::Unitary(u) => Propagator::Unitary(power(u, count)),
                Propagator::Super(p) => Propagator::Super(power(p, count)),
            };
            return Ok(many.apply(state));
        }
        for _ in 0..count {
            for step in body {
                state = self.step_member(step, state)?;
            }
        }
        Ok(state)
    }

    /// A loop of many repetitions, of which some, evenly spread, are walked through to see whether a mode's cutoff is felt.
    fn repeat_watched(
        &mut self,
        count: u64,
        walked: u64,
        body: &'a [Step],
        once: &Propagator,
        mut state: State,
    ) -> Result<State, Fault> {
        let between = count / walked - 1;
        let raised = |times: u64| match once {
            Propagator::Unitary(u) => Propagator::Unitary(power(u, times)),
            Propagator::Super(p) => Propagator::Super(power(p, times)),
        };
        let many = (between > 0).then(|| raised(between));
        for _ in 0..walked {
            for step in body {
                state = self.step_member(step, state)?;
            }
            state = many.as_ref().map_or(state.clone(), |many| many.apply(state));
        }
        let rest = count - walked * (between + 1);
        Ok(if rest > 0 { raised(rest).apply(state) } else { state })
    }

    /// Looks along a segment whether a mode's cutoff is felt.
    fn watch_along(&self, segment: &Segment, begin: &State) -> Result<(), Fault> {
        super::truncation::along(self.context, segment, begin, self.options)
            .map_err(|e| failed(segment.place, &e.to_string()))
    }

    /// The propagator of a body of constant segments and pulses; `None` when something else is in it.
    fn body(&mut self, body: &[Step]) -> Result<Option<Propagator>, Fault> {
        let mut total: Option<Propagator> = None;
        for step in body {
            let next = match step {
                Step::Segment(segment) if segment.record.is_none() => match self.propagator(segment)? {
                    Some(p) => (*p).clone(),
                    None => match self.changing(segment)? {
                        Some(u) => Propagator::Unitary(u),
                        None => return Ok(None),
                    },
                },
                Step::Kick(_) if self.context.space().len() > super::generator::DENSE_VECTORS => return Ok(None),
                Step::Kick(kick) => Propagator::Unitary(self.kick(kick)?),
                Step::Loop(count, inner) => match self.body(inner)? {
                    Some(Propagator::Unitary(u)) => Propagator::Unitary(power(&u, *count)),
                    Some(Propagator::Super(p)) => Propagator::Super(power(&p, *count)),
                    None => return Ok(None),
                },
                Step::Segment(_)
                | Step::Crush(_)
                | Step::Dephase(..)
                | Step::Mark(_)
                | Step::Tomography(_)
                | Step::Acquire(_) => {
                    return Ok(None);
                }
            };
            total = Some(match total {
                None => next,
                Some(before) => match before.then(next) {
                    Some(both) => both,
                    None => return Ok(None),
                },
            });
        }
        Ok(total)
    }
}

pub(super) fn failed(place: Place, why: &str) -> Fault {
    Diagnostic::new(Code::NotConverged, place.0.unwrap_or_default(), format!("the evolution cannot be computed: {why}"))
        .into()
}
