//! The walk through the schedule.

use super::generator::{At, Generator};
use super::question::Refusal;
use super::step::exact::{EXACT, ExactClosed, ExactOpen, stacked, unstacked};
use super::step::{DENSE_LIOUVILLE, choose};
use super::{Lab, Mark, Method, Options, Trace, trace};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Fault, Kick, Scalar, Segment, Step, duration};
use crate::linalg::{Matrix, hermitian_eigen, power, product};
use crate::source::Place;
use crate::spin::{Operator, Sparse, State, crush, dephase};
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

/// What identifies a constant segment: its operators, their coefficients, its dissipators, its length.
type Key = (Vec<(usize, u64)>, usize, u64);

/// How many propagators are kept.
const KEPT: usize = 32;

/// The walk: the clock, what was found so far, propagators that may be used again.
pub struct Walk<'a> {
    lab: &'a Lab,
    options: &'a Options,
    clock: f64,
    kept: HashMap<Key, Arc<Propagator>>,
    /// The segment that ended at this moment, so that rates at a mark are those at its end.
    last: Option<&'a Segment>,
    marks: Vec<Mark>,
    traces: Vec<Trace>,
    /// Extrema that were found.
    pub aggregates: BTreeMap<String, Option<f64>>,
    /// Methods that were used.
    pub methods: Vec<&'static str>,
}

impl<'a> Walk<'a> {
    /// At the beginning.
    pub fn new(lab: &'a Lab, options: &'a Options) -> Walk<'a> {
        Walk {
            lab,
            options,
            clock: 0.0,
            kept: HashMap::new(),
            last: None,
            marks: vec![],
            traces: vec![],
            aggregates: BTreeMap::new(),
            methods: vec![],
        }
    }

    /// Marks, traces, and the marks again with every question answered.
    pub fn finish(self) -> (Vec<Mark>, Vec<Trace>, Vec<Mark>) {
        (self.marks.clone(), self.traces, self.marks)
    }

    /// Walks through steps.
    pub fn steps(&mut self, steps: &'a [Step], mut state: State) -> Result<State, Fault> {
        for step in steps {
            state = self.step(step, state)?;
        }
        Ok(state)
    }

    fn step(&mut self, step: &'a Step, state: State) -> Result<State, Fault> {
        match step {
            Step::Segment(segment) => self.segment(segment, state),
            Step::Kick(kick) => {
                self.last = None;
                let segment = kick.as_segment();
                let generator = Generator::of(&segment, self.lab.space());
                let mut stepper = choose(&generator, &segment, &state, Method::Auto, self.options.tolerance)
                    .map_err(|e| failed(kick.place, &e.to_string()))?;
                self.used(stepper.name());
                stepper.advance(&state, 0.0, segment.duration).map_err(|e| failed(kick.place, &e.to_string()))
            }
            Step::Crush => {
                self.last = None;
                let space = self.lab.space();
                let basis = space.basis();
                let orders = |nucleus| (0..space.len()).map(|k| basis.twice_m_of(nucleus, space.state(k))).collect();
                let labels: Vec<Vec<i64>> = basis.nuclei().into_iter().map(orders).collect();
                Ok(State::Mixed(crush(&state.density(), &labels)))
            }
            Step::Dephase(operator, place) => {
                self.last = None;
                let inside = Sparse::of(operator, self.lab.space()).dense();
                let eigen = hermitian_eigen(&inside).map_err(|e| failed(*place, &e.to_string()))?;
                Ok(State::Mixed(dephase(&state.density(), &eigen)))
            }
            Step::Mark(name) => {
                self.mark(name, &state)?;
                Ok(state)
            }
            Step::Loop(count, body) => self.repeat(*count, body, state),
        }
    }

    /// Evaluates everything at a mark.
    pub fn mark(&mut self, name: &str, state: &State) -> Result<(), Fault> {
        let generator = self.last.map(|segment| (Generator::of(segment, self.lab.space()), segment.duration));
        let motion = generator.as_ref().map(|(generator, time)| At { generator, time: *time });
        let moment = self.lab.moment(state, motion.as_ref().map(|m| m as &dyn crate::metrics::Motion), self.clock);
        let mut values = Vec::with_capacity(self.lab.questions.len());
        for question in &self.lab.questions {
            let value = match question.answer(Some(&moment), &self.aggregates) {
                Ok(x) => Some(x),
                Err(Refusal::Undefined(why)) => {
                    self.lab.undefined(&question.key, &why.to_string());
                    None
                }
                Err(Refusal::NotFinite(x)) => return Err(trace::not_finite(question, x, None)),
            };
            values.push((question.key.clone(), value));
        }
        self.marks.push(Mark { name: name.to_string(), time: self.clock, values });
        Ok(())
    }

    fn used(&mut self, method: &'static str) {
        if !self.methods.contains(&method) {
            self.methods.push(method);
        }
    }

    fn segment(&mut self, segment: &'a Segment, state: State) -> Result<State, Fault> {
        if segment.record.is_none()
            && self.options.method == Method::Auto
            && let Some(propagator) = self.propagator(segment)?
        {
            self.clock += segment.duration;
            self.last = Some(segment);
            let end = apply(&propagator, state);
            self.lab.watch(&end);
            return Ok(end);
        }
        let generator = Generator::of(segment, self.lab.space());
        let corners = corners(segment);
        let mut stepper = choose(&generator, segment, &state, self.options.method, self.options.tolerance)
            .map_err(|e| failed(segment.place, &e.to_string()))?;
        self.used(stepper.name());
        let end = match &segment.record {
            Some(record) => {
                let found = trace::record(self.lab, segment, record, &generator, stepper, state, self.clock, corners)?;
                self.used(found.method);
                self.aggregates.extend(found.aggregates);
                self.traces.push(found.trace);
                found.end
            }
            None => {
                let mut state = state;
                let mut now = 0.0;
                for edge in corners.into_iter().chain([segment.duration]) {
                    state = stepper.advance(&state, now, edge).map_err(|e| failed(segment.place, &e.to_string()))?;
                    now = edge;
                }
                state
            }
        };
        self.lab.watch(&end);
        self.clock += segment.duration;
        self.last = Some(segment);
        Ok(end)
    }

    /// The exact propagator of a constant segment, kept for the next time; `None` where another method is needed.
    fn propagator(&mut self, segment: &Segment) -> Result<Option<Arc<Propagator>>, Fault> {
        let dimension = self.lab.space().len();
        let open = !segment.collapse.is_empty();
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

    fn kick(&mut self, kick: &Kick) -> Result<Matrix, Fault> {
        self.used(EXACT);
        let segment = kick.as_segment();
        let generator = Generator::of(&segment, self.lab.space());
        ExactClosed::new(&generator).propagator(segment.duration).map_err(|e| failed(kick.place, &e.to_string()))
    }

    /// A loop: the power of its body's propagator where the body has one, else the body again and again.
    fn repeat(&mut self, count: u64, body: &'a [Step], mut state: State) -> Result<State, Fault> {
        if count > 2
            && self.options.method == Method::Auto
            && let Some(once) = self.body(body)?
        {
            let length = duration(body);
            self.clock += length * count as f64;
            self.last = None;
            let many = match &once {
                Propagator::Unitary(u) => Propagator::Unitary(power(u, count)),
                Propagator::Super(p) => Propagator::Super(power(p, count)),
            };
            return Ok(apply(&many, state));
        }
        for _ in 0..count {
            state = self.steps(body, state)?;
        }
        Ok(state)
    }

    /// The propagator of a body of constant segments and pulses; `None` when something else is in it.
    fn body(&mut self, body: &[Step]) -> Result<Option<Propagator>, Fault> {
        let mut total: Option<Propagator> = None;
        for step in body {
            let next = match step {
                Step::Segment(segment) if segment.record.is_none() => match self.propagator(segment)? {
                    Some(p) => (*p).clone(),
                    None => return Ok(None),
                },
                Step::Kick(_) if self.lab.space().len() > super::generator::DENSE_VECTORS => return Ok(None),
                Step::Kick(kick) => Propagator::Unitary(self.kick(kick)?),
                Step::Loop(count, inner) => match self.body(inner)? {
                    Some(Propagator::Unitary(u)) => Propagator::Unitary(power(&u, *count)),
                    Some(Propagator::Super(p)) => Propagator::Super(power(&p, *count)),
                    None => return Ok(None),
                },
                Step::Segment(_) | Step::Crush | Step::Dephase(..) | Step::Mark(_) => return Ok(None),
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
    let collapse =
        if segment.collapse.is_empty() { 0 } else { (Arc::as_ptr(&segment.collapse) as *const Operator) as usize };
    Some((terms?, collapse, segment.duration.to_bits()))
}

fn corners(segment: &Segment) -> Vec<f64> {
    let mut all: Vec<f64> = segment
        .hamiltonian
        .iter()
        .flat_map(|(c, _)| match c {
            Scalar::Varying(f) => f.corners(segment.duration),
            Scalar::Constant(_) => vec![],
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

fn failed(place: Place, why: &str) -> Fault {
    Diagnostic::new(Code::NotConverged, place.0.unwrap_or_default(), format!("the evolution cannot be computed: {why}"))
        .into()
}
