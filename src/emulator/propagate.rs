//! The walk through the schedule.

use super::course::Course;
use super::generator::{Generator, Together, mean_state};
use super::projection::Projection;
use super::question::Refusal;
use super::readout::Readings;
use super::receive::{GROUP, Received, Sent};
use super::signal::Decay;
use super::step::commutator_free::CommutatorFree;
use super::step::exact::{EXACT, ExactClosed, ExactOpen, stacked, unstacked};
use super::step::periodic::Periodic;
use super::step::{DENSE_LIOUVILLE, Stepper, choose};
use super::{Lab, Mark, Method, Options, Trace, trace};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Acquire, Fault, Kick, Segment, Step, duration};
use crate::linalg::{C64, Matrix, power, product};
use crate::source::Place;
use crate::spin::State;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A propagator of a segment or of a loop's body.
#[derive(Clone)]
enum Propagator {
    /// On states: `U`.
    Unitary(Matrix),
    /// On density matrices, stacked.
    Super(Matrix),
}

/// What some members send, and their states behind it.
type Group = (Sent, Vec<State>);

/// What identifies a constant segment: its operators, their coefficients, its dissipators, its length.
type Key = (Vec<(usize, u64)>, usize, u64);

/// How many repetitions of a loop are walked through, where a mode's cutoff is watched.
const MOST_WATCHED: u64 = 512;

/// How many propagators are kept.
const KEPT: usize = 32;

/// The walk: the clock, what was found so far, propagators that may be used again. All members of an ensemble walk in step, so
/// that their mean state can be looked at anywhere.
pub struct Walk<'a> {
    lab: &'a Lab,
    options: &'a Options,
    /// Of every member; one for a perfect sample.
    weights: Vec<f64>,
    /// Whether nobody looks at the states behind this step.
    forgotten: bool,
    clock: f64,
    kept: HashMap<Key, Arc<Propagator>>,
    /// The segments that ended at this moment, one a member, so that rates at a mark are those at their end.
    last: Vec<&'a Segment>,
    /// What moves in them, where that is at hand.
    moving: Vec<Generator>,
    marks: Vec<Mark>,
    traces: Vec<Trace>,
    received: Vec<Received<'a>>,
    readings: Vec<Readings>,
    /// Extrema that were found.
    pub aggregates: BTreeMap<String, Option<f64>>,
    /// Methods that were used.
    pub methods: Vec<&'static str>,
}

/// What a walk has found.
pub struct Found<'a> {
    /// Metrics at marks.
    pub marks: Vec<Mark>,
    /// Recorded curves.
    pub traces: Vec<Trace>,
    /// Free induction decays.
    pub received: Vec<Received<'a>>,
    /// Tomographies.
    pub readings: Vec<Readings>,
}

impl<'a> Walk<'a> {
    /// At the beginning, for members of these weights.
    pub fn new(lab: &'a Lab, options: &'a Options, weights: Vec<f64>) -> Walk<'a> {
        Walk {
            lab,
            options,
            weights,
            forgotten: false,
            clock: 0.0,
            kept: HashMap::new(),
            last: vec![],
            moving: vec![],
            marks: vec![],
            traces: vec![],
            received: vec![],
            readings: vec![],
            aggregates: BTreeMap::new(),
            methods: vec![],
        }
    }

    /// What was found.
    pub fn finish(self) -> Found<'a> {
        Found { marks: self.marks, traces: self.traces, received: self.received, readings: self.readings }
    }

    /// Walks through the steps of all members, which are the same but for their numbers.
    pub fn steps(&mut self, steps: &[&'a [Step]], mut states: Vec<State>) -> Result<Vec<State>, Fault> {
        for k in 0..steps.first().map_or(0, |s| s.len()) {
            let here: Vec<&'a Step> = steps.iter().map(|s| &s[k]).collect();
            // What is behind the last decay nobody looks at, where nothing but signals is asked.
            self.forgotten = self.lab.only_hears(self.options) && k + 1 == steps[0].len();
            states = self.step(&here, states)?;
        }
        Ok(states)
    }

    fn step(&mut self, steps: &[&'a Step], states: Vec<State>) -> Result<Vec<State>, Fault> {
        match steps[0] {
            Step::Mark(name) => {
                self.mark(name, &states)?;
                return Ok(states);
            }
            Step::Segment(segment) if segment.record.is_some() => return self.recorded(steps, states),
            Step::Acquire(_) => return self.acquire(steps, states),
            Step::Tomography(t) => {
                self.read_out(t, &states)?;
                return Ok(states);
            }
            Step::Segment(_) | Step::Kick(_) | Step::Crush(_) | Step::Dephase(..) | Step::Loop(..) => {}
        }
        let moved: Result<Vec<State>, Fault> =
            steps.iter().zip(states).map(|(step, state)| self.alone(step, state)).collect();
        let moved = moved?;
        self.clock += duration(std::slice::from_ref(steps[0]));
        self.moving.clear();
        self.last = steps
            .iter()
            .filter_map(|s| match s {
                Step::Segment(segment) => Some(segment),
                _ => None,
            })
            .collect();
        Ok(moved)
    }

    /// One member through a step at which nothing is looked at.
    pub(super) fn alone(&mut self, step: &'a Step, state: State) -> Result<State, Fault> {
        Ok(match step {
            Step::Segment(segment) => self.segment(segment, state)?,
            Step::Kick(kick) => {
                let segment = kick.as_segment();
                let generator = Generator::of(&segment, self.lab.space());
                let mut stepper = choose(&generator, &segment, &state, Method::Auto, self.options.tolerance)
                    .map_err(|e| failed(kick.place, &e.to_string()))?;
                self.used(stepper.name());
                stepper.advance(&state, 0.0, segment.duration).map_err(|e| failed(kick.place, &e.to_string()))?
            }
            Step::Crush(_) | Step::Dephase(..) => {
                match Projection::of(step, self.lab.space()).map_err(|(place, e)| failed(place, &e.to_string()))? {
                    Some(projection) => State::Mixed(projection.apply(&state.density())),
                    None => state,
                }
            }
            Step::Loop(count, body) => self.repeat(*count, body, state)?,
            // The language allows no mark and no acquisition inside of a loop.
            Step::Mark(_) | Step::Acquire(_) | Step::Tomography(_) => state,
        })
    }

    /// Evaluates everything at a mark.
    pub fn mark(&mut self, name: &str, states: &[State]) -> Result<(), Fault> {
        if self.moving.len() != self.last.len() {
            self.moving = self.last.iter().map(|s| Generator::of(s, self.lab.space())).collect();
        }
        let generators = &self.moving;
        let times: Vec<f64> = self.last.iter().map(|s| s.duration).collect();
        let known = generators.len() == states.len();
        let mean = if states.len() == 1 { states[0].clone() } else { mean_state(&self.weights, states) };
        let motion = known.then(|| Together { generators, times: &times, states, weights: &self.weights });
        let moment = self.lab.moment(&mean, motion.as_ref().map(|m| m as &dyn crate::metrics::Motion), self.clock);
        let mut had = self.aggregates.clone();
        had.extend(self.lab.each.answers(self.lab, states, self.clock)?);
        let mut values = Vec::with_capacity(self.lab.asked.questions.len());
        for question in &self.lab.asked.questions {
            let value = match question.answer(Some(&moment), &had) {
                Ok(x) => Some(x),
                Err(Refusal::Undefined(why)) => {
                    self.lab.undefined(&question.key, &why.to_string());
                    None
                }
                Err(Refusal::NotFinite(x)) => return Err(trace::not_finite(question, x, None)),
            };
            values.push((question.key.clone(), value));
        }
        let kept = self.lab.space().basis().size() <= self.options.states as f64;
        let state = kept.then(|| self.lab.space().embedded(&mean).density());
        self.marks.push(Mark { name: name.to_string(), time: self.clock, values, state });
        Ok(())
    }

    /// Reads the mean state out; what is measured is measured on the state that is found, at the mark `tomography`.
    fn read_out(&mut self, t: &crate::hamiltonian::Tomography, states: &[State]) -> Result<(), Fault> {
        let mean = mean_state(&self.weights, states);
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
        super::cancel::read_out(self.lab, states);
        let mean = mean.density();
        let (readings, found) = super::readout::read_out(t, self.lab, &mean, self.options.measured.as_ref())?;
        if !readings.converged.0 {
            self.lab.note(format!("the reconstruction did not converge in {} steps", readings.converged.1));
        }
        self.readings.push(readings);
        let (last, moving) = (std::mem::take(&mut self.last), std::mem::take(&mut self.moving));
        self.mark("tomography", &[State::Mixed(found)])?;
        (self.last, self.moving) = (last, moving);
        Ok(())
    }

    /// A segment that records, for all members at once.
    fn recorded(&mut self, steps: &[&'a Step], states: Vec<State>) -> Result<Vec<State>, Fault> {
        let segments: Vec<&'a Segment> = steps
            .iter()
            .filter_map(|s| match s {
                Step::Segment(segment) => Some(segment),
                _ => None,
            })
            .collect();
        let first = segments[0];
        if segments.iter().any(|s| (s.duration - first.duration).abs() > 1e-12 * first.duration) {
            return Err(Diagnostic::new(
                Code::Contradiction,
                first.place.0.unwrap_or_default(),
                "members of the ensemble record this statement over different times, so they have no mean curve",
            )
            .label("its duration varies")
            .help("spread a parameter that no recorded duration depends on")
            .into());
        }
        let generators: Vec<Generator> = segments.iter().map(|s| Generator::of(s, self.lab.space())).collect();
        let mut courses = Vec::with_capacity(states.len());
        for ((segment, generator), state) in segments.iter().zip(&generators).zip(states) {
            self.watch_along(segment, &state)?;
            let stepper = choose(generator, segment, &state, self.options.method, self.options.tolerance)
                .map_err(|e| failed(segment.place, &e.to_string()))?;
            self.used(stepper.name());
            courses.push(Course::new(stepper, state));
        }
        let exact = self.options.method == Method::Auto;
        let mut tracks = trace::Tracks { weights: &self.weights, generators: &generators, courses, exact };
        let (found, aggregates, ends) = trace::record(self.lab, first, &mut tracks, self.clock)?;
        drop(tracks);
        ends.iter().for_each(|s| self.lab.watch(s));
        self.aggregates.extend(aggregates);
        self.traces.push(found);
        self.clock += first.duration;
        (self.last, self.moving) = (segments, generators);
        Ok(ends)
    }

    /// A free induction decay: the sum over the members, each in the receiver's phase of its scan.
    fn acquire(&mut self, steps: &[&'a Step], states: Vec<State>) -> Result<Vec<State>, Fault> {
        let acquisitions: Vec<&'a Acquire> = steps
            .iter()
            .filter_map(|s| match s {
                Step::Acquire(acquire) => Some(acquire),
                _ => None,
            })
            .collect();
        let first = acquisitions[0];
        super::cancel::acquired(self.lab, &acquisitions, &states);
        // Members are added up in groups, and groups in order, so that the sum is the same for any number of threads.
        let (space, tolerance, wanted) = (self.lab.space(), self.options.tolerance, !self.forgotten);
        let inputs: Vec<_> = acquisitions.iter().copied().zip(states).zip(self.weights.iter().copied()).collect();
        let groups: Vec<Result<Group, Fault>> = inputs
            .par_chunks(GROUP)
            .map(|group| {
                let mut sent = Sent::default();
                let mut ends = Vec::with_capacity(group.len());
                let mut turned = super::signal::Turned::default();
                for ((acquire, state), weight) in group {
                    let generator = Generator::of(&acquire.segment, space);
                    let receiver = C64::cis(-acquire.receiver) * *weight;
                    let (own, end) =
                        super::signal::decay(acquire, &generator, space, state, tolerance, &mut turned, wanted)
                            .map_err(|e| failed(acquire.segment.place, &e.to_string()))?;
                    match own {
                        Decay::Lines(own) => sent.add_lines(own.into_iter().map(|(w, a)| (w, a * receiver))),
                        Decay::Points(own) => sent.add_points(&own, receiver),
                    }
                    ends.push(end);
                }
                Ok((sent, ends))
            })
            .collect();
        let mut all = Sent::default();
        let mut ends = Vec::with_capacity(inputs.len());
        for group in groups {
            let (sent, states) = group?;
            all.add(sent);
            ends.extend(states);
        }
        self.used("free induction decay");
        self.received.push(Received { acquire: first, start: self.clock, sent: all });
        self.clock += first.segment.duration;
        (self.last, self.moving) = (vec![], vec![]);
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
            let end = apply(&propagator, state);
            self.lab.watch(&end);
            return Ok(end);
        }
        if self.options.method == Method::Auto
            && segment.period.is_some()
            && let Some(u) = self.changing(segment)?
        {
            return Ok(apply(&Propagator::Unitary(u), state));
        }
        let generator = Generator::of(segment, self.lab.space());
        let mut stepper = choose(&generator, segment, &state, self.options.method, self.options.tolerance)
            .map_err(|e| failed(segment.place, &e.to_string()))?;
        self.used(stepper.name());
        let state =
            stepper.advance(&state, 0.0, segment.duration).map_err(|e| failed(segment.place, &e.to_string()))?;
        self.lab.watch(&state);
        Ok(state)
    }

    /// The exact propagator of a constant segment, kept for the next time; `None` where another method is needed.
    fn propagator(&mut self, segment: &Segment) -> Result<Option<Arc<Propagator>>, Fault> {
        let dimension = self.lab.space().len();
        let open = !segment.relaxing.is_empty();
        let fits = if open {
            dimension * dimension <= DENSE_LIOUVILLE
        } else {
            // Larger ones are moved part by part, without the whole matrix.
            dimension <= super::generator::DENSE_VECTORS
        };
        let Some(key) = key(segment) else { return Ok(None) };
        if !fits {
            return Ok(None);
        }
        if let Some(found) = self.kept.get(&key) {
            return Ok(Some(found.clone()));
        }
        let generator = Generator::of(segment, self.lab.space());
        let propagator = if open {
            self.used("exact (superoperator)");
            Propagator::Super(ExactOpen::new(&generator).propagator(segment.duration))
        } else {
            self.used(EXACT);
            let exact = ExactClosed::new(&generator).propagator(segment.duration);
            Propagator::Unitary(exact.map_err(|e| failed(segment.place, &e.to_string()))?)
        };
        if self.kept.len() >= KEPT {
            self.kept.clear();
        }
        let propagator = Arc::new(propagator);
        self.kept.insert(key, propagator.clone());
        Ok(Some(propagator))
    }

    /// The propagator of a segment under a small changing Hamiltonian; `None` where there is relaxation, or it is large.
    fn changing(&mut self, segment: &Segment) -> Result<Option<Matrix>, Fault> {
        const SMALL: usize = 64;
        let dimension = self.lab.space().len();
        if !segment.relaxing.is_empty() || dimension > SMALL {
            return Ok(None);
        }
        let generator = Generator::of(segment, self.lab.space());
        let wrong = |e: super::step::StepError| failed(segment.place, &e.to_string());
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
        let generator = Generator::of(&segment, self.lab.space());
        ExactClosed::new(&generator).propagator(segment.duration).map_err(|e| failed(kick.place, &e.to_string()))
    }

    /// A loop: the power of its body's propagator where the body has one, else the body again and again.
    fn repeat(&mut self, count: u64, body: &'a [Step], mut state: State) -> Result<State, Fault> {
        let walked = if self.lab.edges.is_empty() { 0 } else { count.min(MOST_WATCHED) };
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
            return Ok(apply(&many, state));
        }
        for _ in 0..count {
            for step in body {
                state = self.alone(step, state)?;
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
                state = self.alone(step, state)?;
            }
            state = many.as_ref().map_or(state.clone(), |many| apply(many, state));
        }
        let rest = count - walked * (between + 1);
        Ok(if rest > 0 { apply(&raised(rest), state) } else { state })
    }

    /// Looks along a segment whether a mode's cutoff is felt.
    fn watch_along(&self, segment: &Segment, begin: &State) -> Result<(), Fault> {
        super::truncation::along(self.lab, segment, begin, self.options)
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
                Step::Kick(_) if self.lab.space().len() > super::generator::DENSE_VECTORS => return Ok(None),
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
                Some(before) => match after(before, next) {
                    Some(both) => both,
                    None => return Ok(None),
                },
            });
        }
        Ok(total)
    }
}

/// First `a`, then `b`.
fn after(a: Propagator, b: Propagator) -> Option<Propagator> {
    match (a, b) {
        (Propagator::Unitary(a), Propagator::Unitary(b)) => Some(Propagator::Unitary(product(&b, &a))),
        (a, b) => {
            let (a, b) = (superoperator(a)?, superoperator(b)?);
            Some(Propagator::Super(product(&b, &a)))
        }
    }
}

/// `rho -> U rho U^dagger` is `U* x U` on stacked matrices.
fn superoperator(p: Propagator) -> Option<Matrix> {
    match p {
        Propagator::Super(m) => Some(m),
        Propagator::Unitary(u) if u.nrows() * u.nrows() <= DENSE_LIOUVILLE => Some(u.conjugate().kronecker(&u)),
        Propagator::Unitary(_) => None,
    }
}

fn apply(propagator: &Propagator, state: State) -> State {
    match (propagator, state) {
        (Propagator::Unitary(u), State::Pure(psi)) => State::Pure(u * psi),
        (Propagator::Unitary(u), State::Mixed(rho)) => {
            State::Mixed(super::generator::deviation(&rho, |d| crate::linalg::conjugate(u, d)))
        }
        (Propagator::Super(p), state) => {
            State::Mixed(super::generator::tidy(&unstacked(&(p * stacked(&state.density())))))
        }
    }
}

fn key(segment: &Segment) -> Option<Key> {
    let terms: Option<Vec<(usize, u64)>> =
        segment.hamiltonian.iter().map(|(c, o)| Some((Arc::as_ptr(o) as usize, c.constant()?.to_bits()))).collect();
    let relaxing = if segment.relaxing.is_empty() { 0 } else { Arc::as_ptr(&segment.relaxing) as usize };
    Some((terms?, relaxing, segment.duration.to_bits()))
}

pub(super) fn failed(place: Place, why: &str) -> Fault {
    Diagnostic::new(Code::NotConverged, place.0.unwrap_or_default(), format!("the evolution cannot be computed: {why}"))
        .into()
}
