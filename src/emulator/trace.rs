//! Recorded curves: a state that can be had at any time of a segment, samples of it, and the extrema of what is asked.

use super::extremum::{Extremum, Samples};
use super::generator::{At, Generator};
use super::question::{Aggregate, Question, Refusal};
use super::step::{StepError, Stepper};
use super::{Lab, Trace};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Fault, Record, Segment};
use crate::spin::State;
use std::collections::BTreeMap;

/// More grid points than this are not taken to look for an extremum.
const LARGEST_GRID: usize = 200_000;

/// Bytes of states that are kept along a trace.
const MOST_KEPT: usize = 200_000_000;

/// The state at any time of a segment, from the nearest time before at which it is known.
struct Course<'a> {
    stepper: Box<dyn Stepper + 'a>,
    corners: Vec<f64>,
    known: Vec<(f64, State)>,
    keep: bool,
}

impl Course<'_> {
    fn state(&mut self, t: f64) -> Result<State, StepError> {
        let at = self.known.partition_point(|(s, _)| *s <= t);
        let (from, state) = &self.known[at.saturating_sub(1)];
        if *from == t {
            return Ok(state.clone());
        }
        let mut now = *from;
        let mut state = state.clone();
        // No step crosses a corner of the Hamiltonian.
        let first = self.corners.partition_point(|c| *c <= now);
        for &corner in self.corners[first..].iter().take_while(|c| **c < t) {
            state = self.stepper.advance(&state, now, corner)?;
            now = corner;
        }
        state = self.stepper.advance(&state, now, t)?;
        if self.keep && !self.stepper.is_direct() && at == self.known.len() {
            self.known.push((t, state.clone()));
        }
        Ok(state)
    }
}

/// The result of recording a segment.
pub struct Recorded {
    /// The samples.
    pub trace: Trace,
    /// The extrema that were asked for.
    pub aggregates: BTreeMap<String, Option<f64>>,
    /// The state at the end.
    pub end: State,
    /// The method.
    pub method: &'static str,
}

/// Runs a segment that records.
///
/// # Errors
/// When the method fails or a result is not finite.
#[allow(clippy::too_many_arguments)]
pub fn record(
    lab: &Lab,
    segment: &Segment,
    record: &Record,
    generator: &Generator,
    stepper: Box<dyn Stepper + '_>,
    begin: State,
    clock: f64,
    corners: Vec<f64>,
) -> Result<Recorded, Fault> {
    let method = stepper.name();
    let entries = match &begin {
        State::Pure(psi) => psi.len(),
        State::Mixed(rho) => rho.len(),
    };
    let most = grid_points(segment, generator, record.points);
    let keep = stepper.is_direct() || entries.saturating_mul(16).saturating_mul(most) <= MOST_KEPT;
    let mut course = Course { stepper, corners, known: vec![(0.0, begin)], keep };
    let times = grid(segment.duration, record.points);
    let mut values: Vec<Vec<Option<f64>>> = vec![Vec::with_capacity(times.len()); lab.questions.len()];
    let mut last: Option<(f64, State)> = None;
    for &t in &times {
        let state = at(&mut course, t, segment, last.take())?;
        for (question, column) in lab.questions.iter().zip(&mut values) {
            column.push(answer(lab, question, generator, &state, t, clock, segment)?);
        }
        last = Some((t, state));
    }
    let mut aggregates = BTreeMap::new();
    for aggregate in lab.aggregates.iter().filter(|a| a.trace.as_ref().is_none_or(|t| *t == record.name)) {
        let found = extremum(lab, aggregate, segment, generator, &mut course, clock, &times, &values)?;
        aggregates.insert(aggregate.key.clone(), found);
    }
    let end = match last {
        Some((_, state)) => state,
        None => at(&mut course, segment.duration, segment, None)?,
    };
    let columns = lab.questions.iter().map(|q| q.key.clone()).zip(values).collect();
    Ok(Recorded {
        trace: Trace { name: record.name.clone(), start: clock, time: times, values: columns },
        aggregates,
        end,
        method,
    })
}

/// How many samples a search for an extremum takes: at least those that are recorded. Populations and coherences turn at no
/// more than the bandwidth of H: 0.8 of a radian between two samples cannot hide a maximum of what is linear in the state,
/// and what is not linear has been seen to follow.
fn grid_points(segment: &Segment, generator: &Generator, recorded: usize) -> usize {
    let needed = (segment.duration * generator.bandwidth(segment.duration) / 0.8).ceil();
    if needed.is_finite() { (needed as usize + 1).clamp(recorded, LARGEST_GRID.max(recorded)) } else { recorded }
}

/// Evenly spaced times, both ends exactly.
fn grid(duration: f64, points: usize) -> Vec<f64> {
    (0..points).map(|k| if k + 1 == points { duration } else { duration * k as f64 / (points - 1) as f64 }).collect()
}

/// The state at a time. Where states are too large to be kept, the one before is gone on from.
fn at(course: &mut Course, t: f64, segment: &Segment, before: Option<(f64, State)>) -> Result<State, Fault> {
    if let (false, Some((from, state))) = (course.keep, before) {
        course.known.truncate(1);
        course.known.push((from, state));
    }
    course.state(t).map_err(|e| {
        Diagnostic::new(
            Code::NotConverged,
            segment.place.0.unwrap_or_default(),
            format!("the evolution cannot be computed: {e}"),
        )
        .into()
    })
}

fn answer(
    lab: &Lab,
    question: &Question,
    generator: &Generator,
    state: &State,
    t: f64,
    clock: f64,
    segment: &Segment,
) -> Result<Option<f64>, Fault> {
    let motion = At { generator, time: t };
    let moment = lab.moment(state, Some(&motion), clock + t);
    match question.answer(Some(&moment), &BTreeMap::new()) {
        Ok(value) => Ok(Some(value)),
        Err(Refusal::Undefined(why)) => {
            lab.undefined(&question.key, &why.to_string());
            Ok(None)
        }
        Err(Refusal::NotFinite(value)) => Err(not_finite(question, value, segment.place.0)),
    }
}

/// A result that is infinite or not a number.
pub fn not_finite(question: &Question, value: f64, place: Option<crate::source::Span>) -> Fault {
    let span = question.expr.place.0.or(place).unwrap_or_default();
    let shown = if value.is_nan() { "not a number" } else { "infinite" };
    Diagnostic::new(Code::ResultNotFinite, span, format!("`{}` is {shown}", question.expr))
        .label(format!("this came out as {shown}"))
        .into()
}

#[allow(clippy::too_many_arguments)]
fn extremum(
    lab: &Lab,
    aggregate: &Aggregate,
    segment: &Segment,
    generator: &Generator,
    course: &mut Course,
    clock: f64,
    times: &[f64],
    values: &[Vec<Option<f64>>],
) -> Result<Option<f64>, Fault> {
    let points = grid_points(segment, generator, times.len());
    if points == LARGEST_GRID && points > times.len() {
        lab.note(format!(
            "`{}` was looked for on {LARGEST_GRID} samples, fewer than the bandwidth of the Hamiltonian asks for",
            aggregate.key
        ));
    }
    let negative = matches!(aggregate.function.as_str(), "min" | "argmin");
    let signed = |x: Option<f64>| if negative { x.map(|x| -x) } else { x };
    let known = lab.questions.iter().position(|q| q.key == aggregate.curve.key && q.expr == aggregate.curve.expr);
    let (grid_times, grid_values): (Vec<f64>, Vec<Option<f64>>) = match known {
        Some(k) if points == times.len() => (times.to_vec(), values[k].iter().map(|x| signed(*x)).collect()),
        _ => {
            let fine = grid(segment.duration, points);
            let mut out = Vec::with_capacity(points);
            let mut last: Option<(f64, State)> = None;
            for &t in &fine {
                let state = at(course, t, segment, last.take())?;
                out.push(signed(answer(lab, &aggregate.curve, generator, &state, t, clock, segment)?));
                last = Some((t, state));
            }
            (fine, out)
        }
    };
    let samples = Samples { times: &grid_times, values: &grid_values };
    let mut near: Option<(f64, State)> = None;
    let mut curve = |t: f64| -> Result<Option<f64>, Fault> {
        // Where states are not kept, the search stays near one of them.
        let state = if course.keep {
            at(course, t, segment, None)?
        } else {
            let from = near.take().filter(|(s, _)| *s <= t && t - *s <= 4.0 * segment.duration / points as f64);
            let base = match from {
                Some(found) => found,
                None => {
                    let begin = (t - 2.0 * segment.duration / points as f64).max(0.0);
                    (begin, at(course, begin, segment, None)?)
                }
            };
            let state = at(course, t, segment, Some(base.clone()))?;
            near = Some(base);
            state
        };
        Ok(signed(answer(lab, &aggregate.curve, generator, &state, t, clock, segment)?))
    };
    let found: Option<Extremum> = if aggregate.function == "first_max" {
        samples.first_maximum(&mut curve)?
    } else {
        samples.maximum(&mut curve)?
    };
    Ok(found.map(|x| match aggregate.function.as_str() {
        "argmax" | "argmin" => x.time,
        "min" => -x.value,
        _ => x.value,
    }))
}
