//! Propagates one member through the steps between two stops: chooses the engine for each step, caches propagators, does loops by powers.

use super::channel;
use super::context::RunContext;
use super::engines::commutator_free::CommutatorFree;
use super::engines::exact::{EXACT, ExactClosed};
use super::engines::liouville::{self, Liouville, LiouvilleStep};
use super::engines::periodic::Periodic;
use super::engines::{DENSE_LIOUVILLE, StepError, Stepper, choose};
use super::feedback::Readings;
use super::generator::{DENSE_VECTORS, Generator};
use super::projection::Projection;
use super::propagator::{Propagator, SegmentKey};
use super::settings::{Method, Options};
use super::truncation;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Fault, Feedback, Kick, Project, Segment, Step};
use crate::linalg::{Matrix, identity, product, real};
use crate::source::Place;
use crate::spin::{Operator, State};
use std::collections::HashMap;
use std::sync::Arc;

/// Maximum number of loop repetitions propagated individually when the cutoff of a mode is checked.
const MOST_WATCHED: u64 = 512;

/// An outcome of this probability is rounding of one that never occurs.
const NEVER: f64 = 1e-15;

/// Maximum number of cached propagators.
const KEPT: usize = 32;

/// Maximum number of cached Liouvillians of systems beyond [`DENSE_LIOUVILLE`].
const KEPT_LIOUVILLIANS: usize = 4;

/// An outcome of a measurement: its probability, the state that it leaves, and the steps that follow.
pub struct Outcome<'s> {
    pub probability: f64,
    pub state: Matrix,
    pub steps: &'s [Step],
}

/// Propagates members through steps and caches the propagators they share.
pub struct Integrator<'a> {
    context: &'a RunContext,
    options: &'a Options,
    propagators: HashMap<SegmentKey, Arc<Propagator>>,
    /// Liouvillians of systems too large for one dense superoperator.
    liouvillians: HashMap<SegmentKey, LiouvilleStep>,
    /// What was read of the state.
    feedback: Readings,
    /// Names of the methods used.
    pub methods: Vec<&'static str>,
}

impl<'a> Integrator<'a> {
    /// Starts with an empty cache.
    pub fn new(context: &'a RunContext, options: &'a Options) -> Integrator<'a> {
        Integrator {
            context,
            options,
            propagators: HashMap::new(),
            liouvillians: HashMap::new(),
            feedback: Readings::default(),
            methods: vec![],
        }
    }

    /// The run it belongs to.
    pub fn context(&self) -> &'a RunContext {
        self.context
    }

    /// What was read of the state.
    pub fn readings(&mut self) -> &mut Readings {
        &mut self.feedback
    }

    /// A segment or kick with the present values of the readings.
    ///
    /// # Errors
    /// If one of them has no value yet, or it makes a strength infinite.
    pub fn bound(&self, step: &Step) -> Result<Step, Fault> {
        self.feedback.bind(step)
    }

    /// Propagates one member through a step at which nothing is observed.
    ///
    /// # Errors
    /// If the method fails.
    pub fn step_member(&mut self, step: &Step, state: State) -> Result<State, Fault> {
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
            Step::Reset(reset) => {
                let rho = channel::reset(reset, self.context.space(), &state.density());
                State::Mixed(rho.ok_or_else(|| failed(reset.place, "the new state leaves the space that is followed"))?)
            }
            Step::Project(project) => self.project(project, &state)?,
            Step::Feedback(feedback) => match &**feedback {
                Feedback::Read(reading) => {
                    self.feedback.read(reading, self.context, &state)?;
                    state
                }
                Feedback::Driven(step) => {
                    let bound = self.bound(step)?;
                    self.step_member(&bound, state)?
                }
            },
            Step::Loop(count, body) => self.repeat(*count, body, state)?,
            Step::Strobe(strobe) => {
                strobe.runs.iter().try_fold(state, |state, (count, body)| self.repeat(*count, body, state))?
            }
            // An acquisition whose signal is not requested.
            Step::Acquire(acquire) => self.segment(&acquire.segment, state)?,
            Step::Mark(_) | Step::Tomography(_) => state,
        })
    }

    /// The propagator `U` of everything up to the end of a unitary step, from that up to its start.
    ///
    /// # Errors
    /// If the method fails.
    pub fn step_propagator(&mut self, step: &Step, before: Matrix) -> Result<Matrix, Fault> {
        if self.options.method == Method::Auto
            && let Some(Propagator::Unitary(own)) = self.body(std::slice::from_ref(step))?.map(Propagator::whole)
        {
            return Ok(product(&own, &before));
        }
        let mut after = before.clone();
        for (k, column) in before.column_iter().enumerate() {
            if let State::Pure(psi) = self.step_member(step, State::Pure(column.into_owned()))? {
                after.set_column(k, &psi);
            }
        }
        Ok(after)
    }

    /// Records that a method was used.
    pub fn used(&mut self, method: &'static str) {
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
            && let Some(end) = self.relaxed(segment, &state)?
        {
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

    /// The exact propagator of a constant segment, cached for later use; `None` if another method is needed.
    fn propagator(&mut self, segment: &Segment) -> Result<Option<Arc<Propagator>>, Fault> {
        let dimension = self.context.space().len();
        let open = !segment.relaxing.is_empty();
        let fits = if open {
            dimension * dimension <= DENSE_LIOUVILLE
        } else {
            // Larger systems are propagated block by block, without the whole matrix.
            dimension <= DENSE_VECTORS
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
            self.used(liouville::NAME);
            let mut liouville = Liouville::new(&generator).map_err(|e| failed(segment.place, &e.to_string()))?;
            Propagator::Super(liouville.propagator(segment.duration))
        } else {
            self.used(EXACT);
            let exact = ExactClosed::new(&generator);
            let wrong = |e: StepError| failed(segment.place, &e.to_string());
            if exact.has_blocks() {
                Propagator::Blocks(exact.blocks(segment.duration).map_err(wrong)?, dimension)
            } else {
                Propagator::Unitary(exact.propagator(segment.duration).map_err(wrong)?)
            }
        };
        if self.propagators.len() >= KEPT {
            self.propagators.clear();
        }
        let propagator = Arc::new(propagator);
        self.propagators.insert(key, propagator.clone());
        Ok(Some(propagator))
    }

    /// The state after a constant segment with relaxation, whose Liouvillian is cached for later use; `None` if another method is
    /// needed.
    fn relaxed(&mut self, segment: &Segment, state: &State) -> Result<Option<State>, Fault> {
        if segment.relaxing.is_empty() || !Liouville::fits(self.context.space().len()) {
            return Ok(None);
        }
        // Only constant segments have a key.
        let Some(key) = SegmentKey::of(segment) else { return Ok(None) };
        let wrong = |e: StepError| failed(segment.place, &e.to_string());
        self.used(liouville::NAME);
        if let Some(known) = self.liouvillians.get_mut(&key) {
            return known.advance(state, 0.0, segment.duration).map(Some).map_err(wrong);
        }
        let generator = Generator::of(segment, self.context.space());
        let mut step = LiouvilleStep::new(&generator, 1).map_err(wrong)?;
        let end = step.advance(state, 0.0, segment.duration).map_err(wrong)?;
        if self.liouvillians.len() >= KEPT_LIOUVILLIANS {
            self.liouvillians.clear();
        }
        self.liouvillians.insert(key, step);
        Ok(Some(end))
    }

    /// The propagator of a segment with a small time-dependent Hamiltonian; `None` with relaxation or for large systems.
    fn changing(&mut self, segment: &Segment) -> Result<Option<Matrix>, Fault> {
        const SMALL: usize = 64;
        let dimension = self.context.space().len();
        if !segment.relaxing.is_empty() || dimension > SMALL {
            return Ok(None);
        }
        let generator = Generator::of(segment, self.context.space());
        let wrong = |e: StepError| failed(segment.place, &e.to_string());
        if let Some(mut periodic) = Periodic::new(&generator, self.options.tolerance).map_err(wrong)? {
            self.used(periodic.name());
            return Ok(Some(periodic.over(0.0, segment.duration).map_err(wrong)?));
        }
        let mut stepper = CommutatorFree::new(&generator, self.options.tolerance, segment.duration).map_err(wrong)?;
        self.used(stepper.name());
        let total = stepper.over(0.0, segment.duration).map_err(wrong)?;
        Ok(Some(total.unwrap_or_else(|| identity(dimension))))
    }

    fn kick(&mut self, kick: &Kick) -> Result<Matrix, Fault> {
        self.used(EXACT);
        let segment = kick.as_segment();
        let generator = Generator::of(&segment, self.context.space());
        ExactClosed::new(&generator).propagator(segment.duration).map_err(|e| failed(kick.place, &e.to_string()))
    }

    /// A loop: the power of its body's propagator if there is one, otherwise the body is repeated step by step.
    fn repeat(&mut self, count: u64, body: &[Step], mut state: State) -> Result<State, Fault> {
        let walked = if self.context.edges.is_empty() { 0 } else { count.min(MOST_WATCHED) };
        if count > walked.max(2)
            && self.options.method == Method::Auto
            && let Some(once) = self.body(body)?
        {
            if walked > 0 {
                return self.repeat_watched(count, walked, body, &once, state);
            }
            return Ok(once.power(count).apply(state));
        }
        // A body with relaxation, resets or measurements may lead to a fixed point, which further repetitions do not change.
        let contracts = !body.iter().all(Step::is_unitary);
        for _ in 0..count {
            let before = contracts.then(|| state.clone());
            for step in body {
                state = self.step_member(step, state)?;
            }
            if before.is_some_and(|before| before == state) {
                break;
            }
        }
        Ok(state)
    }

    /// The mean over the outcomes of a measurement, each with what follows it.
    fn project(&mut self, project: &Project, state: &State) -> Result<State, Fault> {
        let n = self.context.space().len();
        let mut mean = Matrix::zeros(n, n);
        for outcome in self.outcomes(project, state) {
            let mut state = State::Mixed(outcome.state);
            for step in outcome.steps {
                state = self.step_member(step, state)?;
            }
            mean += state.density() * real(outcome.probability);
        }
        Ok(State::Mixed(mean))
    }

    /// The outcomes of a measurement that occur.
    pub fn outcomes<'s>(&self, project: &'s Project, state: &State) -> Vec<Outcome<'s>> {
        let (rho, normalised) = (state.density(), state.is_normalised());
        let all = channel::outcomes(project, self.context.space(), &rho);
        let outcome = |(k, (_, steps)): (usize, &'s (Operator, Vec<Step>))| {
            let found = channel::recorded(project, k, &all);
            // What is left of a filter of coherence orders has no trace, and no probabilities.
            let probability = if normalised { found.trace().re } else { 1.0 };
            (probability > NEVER).then(|| Outcome { probability, state: found / real(probability), steps })
        };
        project.branches.iter().enumerate().filter_map(outcome).collect()
    }

    /// The superoperator of a measurement with the record k, not normalised.
    pub fn recorded(&self, project: &Project, k: usize) -> Option<Matrix> {
        let space = self.context.space();
        let recorded = |m: &Matrix| channel::recorded(project, k, &channel::outcomes(project, space, m));
        channel::superoperator(space.len(), |m| Some(recorded(m)))
    }

    /// The superoperator of a step that is no evolution, if it is small enough for one.
    ///
    /// # Errors
    /// If a method fails.
    pub fn channel(&mut self, step: &Step) -> Result<Option<Matrix>, Fault> {
        let (space, n) = (self.context.space(), self.context.space().len());
        if n * n > DENSE_LIOUVILLE {
            return Ok(None);
        }
        Ok(match step {
            Step::Reset(reset) => channel::superoperator(n, |m| channel::reset(reset, space, m)),
            Step::Project(project) => {
                let mut sum: Option<Matrix> = None;
                for (k, (_, steps)) in project.branches.iter().enumerate() {
                    let Some(measured) = self.recorded(project, k) else { return Ok(None) };
                    let mut whole = Propagator::Super(measured);
                    if !steps.is_empty() {
                        let Some(branch) = self.body(steps)? else { return Ok(None) };
                        let Some(both) = whole.then(branch) else { return Ok(None) };
                        whole = both;
                    }
                    let Propagator::Super(own) = whole else { return Ok(None) };
                    sum = Some(match sum {
                        Some(others) => others + own,
                        None => own,
                    });
                }
                sum
            }
            _ => Projection::of(step, space)
                .map_err(|(place, e)| failed(place, &e.to_string()))?
                .and_then(|projection| channel::superoperator(n, |m| Some(projection.apply(m)))),
        })
    }

    /// The options of the run.
    pub fn options(&self) -> &'a Options {
        self.options
    }

    /// The generator of a segment.
    pub fn generator(&self, segment: &Segment) -> Generator {
        Generator::of(segment, self.context.space())
    }

    /// A loop of many repetitions, of which some, evenly distributed, are propagated step by step to check the cutoff of modes.
    fn repeat_watched(
        &mut self,
        count: u64,
        walked: u64,
        body: &[Step],
        once: &Propagator,
        mut state: State,
    ) -> Result<State, Fault> {
        let between = count / walked - 1;
        let many = (between > 0).then(|| once.power(between));
        for _ in 0..walked {
            for step in body {
                state = self.step_member(step, state)?;
            }
            state = many.as_ref().map_or(state.clone(), |many| many.apply(state));
        }
        let rest = count - walked * (between + 1);
        Ok(if rest > 0 { once.power(rest).apply(state) } else { state })
    }

    /// Checks along a segment whether a mode's cutoff affects the state.
    ///
    /// # Errors
    /// If the method fails.
    pub fn watch_along(&self, segment: &Segment, begin: &State) -> Result<(), Fault> {
        truncation::along((&self.context.edges, self.context.space()), segment, begin, self.options)
            .map_err(|e| failed(segment.place, &e.to_string()))
    }

    /// True if the propagators of several steps may be combined: no method is prescribed, and no cutoff of a mode is watched.
    pub fn combines(&self) -> bool {
        self.options.method == Method::Auto && self.context.edges.is_empty()
    }

    /// The propagator of a loop body of constant segments and pulses; `None` if it contains anything else.
    ///
    /// # Errors
    /// If a method fails.
    pub fn body(&mut self, body: &[Step]) -> Result<Option<Propagator>, Fault> {
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
                Step::Kick(_) if self.context.space().len() > DENSE_VECTORS => return Ok(None),
                Step::Kick(kick) => Propagator::Unitary(self.kick(kick)?),
                Step::Loop(count, inner) => match self.body(inner)? {
                    Some(once) => once.power(*count),
                    None => return Ok(None),
                },
                Step::Strobe(_) | Step::Feedback(_) => return Ok(None),
                Step::Crush(_) | Step::Dephase(..) | Step::Reset(_) | Step::Project(_) => match self.channel(step)? {
                    Some(found) => Propagator::Super(found),
                    None => return Ok(None),
                },
                Step::Segment(_) | Step::Mark(_) | Step::Tomography(_) | Step::Acquire(_) => {
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

/// The error of a method that failed at a statement.
pub fn failed(place: Place, why: &str) -> Fault {
    Diagnostic::new(Code::NotConverged, place.span(), format!("the evolution cannot be computed: {why}")).into()
}
