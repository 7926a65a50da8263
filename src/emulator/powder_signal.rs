//! Samples for which only signals are requested, such as a powder of a million crystallites.
//!
//! If their mean state is needed somewhere, all members are propagated side by side. Otherwise each group of members is propagated
//! through the whole sequence and only its contribution to the signals is stored, so that memory does not grow with the number of
//! members. Groups are added in order, so that the result does not depend on the number of threads.

use super::context::RunContext;
use super::fid::{Fid, GROUP, SignalSum};
use super::meeting::same_receiver;
use super::members::{member_schedule, prepared_state};
use super::propagate::Propagation;
use super::settings::Options;
use crate::hamiltonian::{Fault, Look, Member, Parameters, Receiver, Schedule, Step, Strobe, Values};
use crate::metrics::Scene;
use crate::source::Place;
use crate::spin::{Space, State};
use rayon::prelude::*;

/// Number of groups after which lines are evaluated at the sample points.
const GROUPS: usize = 64;

/// True if only signals are requested.
pub fn signal_only(context: &RunContext, schedule: &Schedule) -> bool {
    let mut recorded = false;
    schedule.segments(&mut |s| recorded |= s.record.is_some());
    let stops = &context.stops;
    let (mut received, mut traced) = (false, false);
    for step in &schedule.steps {
        match step {
            Step::Acquire(_) => received = true,
            Step::Strobe(Strobe { look: Look::Signal(_), .. }) => received = true,
            Step::Strobe(Strobe { look: Look::Trace(_), .. }) => traced = true,
            _ => {}
        }
    }
    recorded |= traced;
    let acquired = stops.acquisitions && received;
    context.only_signals()
        && acquired
        && !(stops.records && recorded)
        && !(stops.tomographies && schedule.is_read_out())
}

/// Propagates further members through the sequence and adds their signals to those of the first ones.
///
/// # Errors
/// The first error in the order of the members.
pub fn receive(
    decays: &mut [Fid],
    parameters: &Parameters,
    members: &[Member],
    space: &Space,
    given: &Values,
    options: &Options,
) -> Result<(), Fault> {
    for block in members.chunks(GROUP * GROUPS) {
        let first: Vec<&Receiver> = decays.iter().map(|d| d.receiver).collect();
        let groups: Vec<Result<Vec<SignalSum>, Fault>> =
            block.par_chunks(GROUP).map(|group| signals(parameters, group, space, given, options, &first)).collect();
        for group in groups {
            decays.iter_mut().zip(group?).for_each(|(decay, own)| decay.signal.add(own));
        }
        decays.iter_mut().for_each(Fid::add_up_lines);
    }
    Ok(())
}

/// The signals of a group of members, decay by decay, to be added to those of the `first` acquisitions.
fn signals(
    parameters: &Parameters,
    group: &[Member],
    space: &Space,
    given: &Values,
    options: &Options,
    first: &[&Receiver],
) -> Result<Vec<SignalSum>, Fault> {
    let schedules =
        group.iter().map(|m| member_schedule(parameters, given, options, m)).collect::<Result<Vec<_>, Fault>>()?;
    let begin: Vec<State> = schedules.iter().map(|(s, p)| prepared_state(s, p, space)).collect();
    let initial = begin.first().cloned().unwrap_or_else(|| State::Pure(crate::linalg::Vector::zeros(0)));
    let context = RunContext::bare(Scene::new(space.clone(), None, initial));
    let own: Vec<&Schedule> = schedules.iter().map(|(s, _)| s).collect();
    let mut propagation = Propagation::new(&context, options, group.iter().map(|m| m.weight).collect());
    propagation.through(&own, begin)?;
    let found = propagation.finish().decays;
    first.iter().zip(&found).try_for_each(|(first, own)| same_receiver((first, own.receiver), Place::default()))?;
    Ok(found.into_iter().map(|d| d.signal).collect())
}
