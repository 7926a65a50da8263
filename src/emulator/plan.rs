//! Describes a run before it starts: conserved quantities, reachable part of the space, and methods.

use super::batched_ensemble;
use super::engines::choose;
use super::generator::Generator;
use super::request::Requests;
use super::sectors;
use super::settings::Options;
use crate::hamiltonian::{Evaluator, Fault, Segment, Step, build, members, prepare};
use crate::lanes::LANES;
use crate::linalg::{Vector, real};
use crate::spin::State;
use std::fmt::Write;

/// The plan of a run as text.
///
/// # Errors
/// If the state cannot be prepared, or the run does not fit.
pub fn plan(e: &Evaluator, options: &Options) -> Result<String, Fault> {
    let (schedule, _) = build(e)?;
    let prepared = prepare(e, &schedule.prepare, schedule.prepare_place.span())?;
    let space = sectors::space(&schedule, &prepared, options.max_memory)?;
    let pure = prepared.is_pure() && schedule.is_unitary();
    let size = super::estimate::check(&schedule, &space, pure, options.max_memory)?;
    let mut out = String::from("plan:\n");
    let reached = if space.is_whole() {
        format!("all {} states", space.len())
    } else {
        format!("{} of {} states", space.len(), crate::syntax::number_text(schedule.basis.size()))
    };
    let what = if pure { "a state vector" } else { "a density matrix" };
    let _ = writeln!(out, "  {reached} can be reached: {what}, about {}", super::bytes_text(size.bytes));
    for conserved in sectors::conserved(&schedule, &space) {
        let _ = writeln!(out, "  conserved: {conserved}");
    }
    let members = members(e)?;
    if members.len() > 1 {
        let requests = Requests::Declared(&[]);
        let batch = batched_ensemble::compiled(e, options, requests, &requests.observables(e)?, &members)?;
        let how = if batch.is_some() { format!("in batches of {LANES}") } else { "separately".to_string() };
        let _ = writeln!(out, "  {} members of the ensemble, {how}", members.len());
    }
    let n = space.len();
    let mut state = match (pure, prepared.state(&space)) {
        (false, State::Pure(psi)) => State::Mixed(&psi * psi.adjoint()),
        (_, state) => state,
    };
    for (segment, times) in segments(&schedule.steps, 1) {
        let generator = Generator::of(segment, &space);
        let method = choose(&generator, segment, &state, options.method, options.tolerance)
            .map(|stepper| stepper.name())
            .unwrap_or("none");
        let parts: Vec<usize> = generator.parts().iter().map(Vec::len).collect();
        let largest = parts.iter().copied().max().unwrap_or(0);
        let split =
            if parts.len() > 1 { format!(", {} parts of up to {largest} states", parts.len()) } else { String::new() };
        let often = if times > 1 { format!("{times} times ") } else { String::new() };
        let _ = writeln!(
            out,
            "  {often}{} for {}: {method}{split}",
            if segment.relaxing.is_empty() { "evolution" } else { "evolution with relaxation" },
            crate::units::time_text(segment.duration, e.experiment.units),
        );
        // After the first segment the state may have spread over the whole space.
        if pure {
            state = State::Pure(Vector::from_element(n, real(1.0 / (n as f64).sqrt())));
        }
    }
    Ok(out)
}

/// The segments in order, each with the number of its repetitions.
pub(super) fn segments<'a>(steps: &'a [Step], times: u64) -> Vec<(&'a Segment, u64)> {
    steps
        .iter()
        .flat_map(|step| match step {
            Step::Segment(segment) => vec![(segment, times)],
            Step::Acquire(acquire) => vec![(&acquire.segment, times)],
            Step::Loop(count, body) => segments(body, times.saturating_mul(*count)),
            Step::Strobe(strobe) => {
                let of_run = |(count, body): &'a (u64, Vec<Step>)| segments(body, times.saturating_mul(*count));
                strobe.runs.iter().flat_map(of_run).collect()
            }
            Step::Project(project) => project.branches.iter().flat_map(|(_, steps)| segments(steps, times)).collect(),
            Step::Feedback(_)
            | Step::Kick(_)
            | Step::Crush(_)
            | Step::Dephase(..)
            | Step::Reset(_)
            | Step::Mark(_)
            | Step::Tomography(_) => vec![],
        })
        .collect()
}
