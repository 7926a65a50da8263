//! The members of an ensemble: their schedules and initial states, and the system as declared, which need not be one of the members.

use super::motion::mean_state;
use super::settings::Options;
use crate::hamiltonian::{
    Evaluator, Fault, Member, Parameters, Prepared, Schedule, Values, build, prepare, spectrometer,
};
use crate::ir::Experiment;
use crate::spin::{Space, State};
use rayon::prelude::*;

/// Schedules and initial states of some members. Of several errors the first in the order of members is returned, whatever the number of
/// threads.
///
/// # Errors
/// If a schedule or a state cannot be built.
pub fn schedules(
    e: &Evaluator,
    given: &Values,
    options: &Options,
    members: &[Member],
) -> Result<Vec<(Schedule, Prepared)>, Fault> {
    // A perfect sample consists of a single member.
    if let [member] = members
        && member.is_perfect()
        && options.spectrometer.is_none()
    {
        return Ok(vec![schedule_of(e)?]);
    }
    let parameters = e.parameters();
    let all: Vec<Result<(Schedule, Prepared), Fault>> =
        members.par_iter().map(|member| member_schedule(&parameters, given, options, member)).collect();
    all.into_iter().collect()
}

fn schedule_of(e: &Evaluator) -> Result<(Schedule, Prepared), Fault> {
    let (schedule, _) = build(e)?;
    let prepared = prepare(e, &schedule.prepare, schedule.prepare_place.span())?;
    Ok((schedule, prepared))
}

/// The schedule and initial state of a member.
///
/// # Errors
/// If one of them cannot be built.
pub fn member_schedule(
    parameters: &Parameters,
    given: &Values,
    options: &Options,
    member: &Member,
) -> Result<(Schedule, Prepared), Fault> {
    let mut own = parameters.member(given, &member.variation, &member.values)?;
    own.spectrometer = options.spectrometer.as_ref().map(|name| spectrometer(&own, name)).transpose()?;
    schedule_of(&own)
}

/// The evaluator of a member.
///
/// # Errors
/// If a parameter or a setting of the spectrometer cannot be evaluated.
pub fn evaluator<'a>(
    experiment: &'a Experiment,
    given: &Values,
    options: &Options,
    member: &Member,
) -> Result<Evaluator<'a>, Fault> {
    let mut own = Evaluator::new(experiment, given)?.parameters().member(given, &member.variation, &member.values)?;
    own.spectrometer = options.spectrometer.as_ref().map(|name| spectrometer(&own, name)).transpose()?;
    Ok(own)
}

/// The initial state of a member; a density matrix if its schedule is not unitary.
pub fn prepared_state(schedule: &Schedule, prepared: &Prepared, space: &Space) -> State {
    match prepared.state(space) {
        State::Pure(psi) if !schedule.is_unitary() => State::Mixed(State::Pure(psi).density()),
        state => state,
    }
}

/// The schedule of the system as declared, to which energies and the readout refer; `None` if it equals that of the only member.
///
/// # Errors
/// If it cannot be built.
pub fn declared(e: &Evaluator, members: &[Member]) -> Result<Option<Schedule>, Fault> {
    match members {
        [member] if member.is_perfect() => Ok(None),
        _ => Ok(Some(build(e)?.0)),
    }
}

/// The prepared state of the sample, `sum_m w_m rho_m(0)`; if all members start in the same state, that state.
pub fn mean_prepared(members: &[Member], schedules: &[(Schedule, Prepared)], space: &Space) -> State {
    let states: Vec<State> = schedules.iter().map(|(_, prepared)| prepared.state(space)).collect();
    match states.split_first() {
        Some((first, others)) if others.iter().all(|s| s == first) => first.clone(),
        _ => mean_state(members.iter().map(|m| m.weight).zip(&states)).into_owned(),
    }
}
