//! Recorded curves: samples of what is asked, and the extrema of curves that can be had at any time.

use super::course::Course;
use super::extremum::Samples;
use super::generator::{At, Generator};
use super::panel::{Sampled, sample};
use super::question::{Aggregate, Question, Refusal};
use super::step::Stepper;
use super::{Lab, Trace};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Fault, Record, Segment};
use crate::spin::State;
use std::collections::BTreeMap;

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
    let mut course = Course::new(stepper, begin, corners);
    let wanted: Vec<&Aggregate> =
        lab.aggregates.iter().filter(|a| a.trace.as_ref().is_none_or(|t| *t == record.name)).collect();
    let aggregates = extrema(lab, &wanted, segment, generator, &mut course, clock, record.points)?;
    let times = grid(segment.duration, record.points);
    let mut values: Vec<Vec<Option<f64>>> = vec![Vec::with_capacity(times.len()); lab.questions.len()];
    let mut end = None;
    for &t in &times {
        let state = at(&mut course, t, segment)?;
        lab.watch(&state);
        for (question, column) in lab.questions.iter().zip(&mut values) {
            column.push(answer(lab, question, generator, &state, t, clock, segment)?);
        }
        end = Some(state);
    }
    let end = match end {
        Some(state) => state,
        None => at(&mut course, segment.duration, segment)?,
    };
    let columns = lab.questions.iter().map(|q| q.key.clone()).zip(values).collect();
    Ok(Recorded {
        trace: Trace { name: record.name.clone(), start: clock, time: times, values: columns },
        aggregates,
        end,
        method,
    })
}

/// The distance of samples that can hide nothing: populations and coherences turn at no more than the bandwidth of H, and
/// 0.8 of a radian between two samples cannot hide a maximum of what is linear in the state; what is not linear has been seen
/// to follow. Never coarser than the samples that are recorded.
fn finest(segment: &Segment, generator: &Generator, recorded: usize) -> f64 {
    let recorded = segment.duration / (recorded - 1).max(1) as f64;
    let needed = 0.8 / generator.bandwidth(segment.duration);
    if needed.is_finite() && needed > 0.0 { needed.min(recorded) } else { recorded }
}

/// Evenly spaced times, both ends exactly.
fn grid(duration: f64, points: usize) -> Vec<f64> {
    (0..points).map(|k| if k + 1 == points { duration } else { duration * k as f64 / (points - 1) as f64 }).collect()
}

/// The state at a time.
fn at(course: &mut Course, t: f64, segment: &Segment) -> Result<State, Fault> {
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

/// The extrema that are asked of a segment. All curves are sampled together, so that each state is had once.
#[allow(clippy::too_many_arguments)]
fn extrema(
    lab: &Lab,
    wanted: &[&Aggregate],
    segment: &Segment,
    generator: &Generator,
    course: &mut Course,
    clock: f64,
    recorded: usize,
) -> Result<BTreeMap<String, Option<f64>>, Fault> {
    let mut found = BTreeMap::new();
    let mut curves: Vec<&Question> = Vec::new();
    for aggregate in wanted {
        if !curves.iter().any(|c| c.key == aggregate.curve.key) {
            curves.push(&aggregate.curve);
        }
    }
    if curves.is_empty() {
        return Ok(found);
    }
    let Sampled { lines, incomplete } =
        sample(curves.len(), segment.duration, finest(segment, generator, recorded), |t| {
            let state = at(course, t, segment)?;
            lab.watch(&state);
            curves
                .iter()
                .map(|q| answer(lab, q, generator, &state, t, clock, segment))
                .collect::<Result<Vec<_>, Fault>>()
        })?;
    for aggregate in wanted {
        if incomplete {
            lab.note(format!(
                "`{}` was looked for up to t = {} only: the curve changes too fast for the rest",
                aggregate.key,
                lines.first().and_then(|l| l.times.last()).copied().unwrap_or_default()
            ));
        }
        let negative = matches!(aggregate.function.as_str(), "min" | "argmin");
        let signed = |x: Option<f64>| if negative { x.map(|x| -x) } else { x };
        let column = curves.iter().position(|c| c.key == aggregate.curve.key).unwrap_or_default();
        let line = &lines[column];
        let values: Vec<Option<f64>> = line.values.iter().map(|v| signed(*v)).collect();
        let samples = Samples { times: &line.times, values: &values };
        let curve = |t: f64| -> Result<Option<f64>, Fault> {
            let state = at(course, t, segment)?;
            Ok(signed(answer(lab, &aggregate.curve, generator, &state, t, clock, segment)?))
        };
        let extremum = match aggregate.function.as_str() {
            "first_max" => samples.first_maximum(curve)?,
            _ => samples.maximum(curve)?,
        };
        let value = extremum.map(|x| match aggregate.function.as_str() {
            "argmax" | "argmin" => x.time,
            "min" => -x.value,
            _ => x.value,
        });
        found.insert(aggregate.key.clone(), value);
    }
    Ok(found)
}
