//! Samples of which nothing but signals is asked: a powder of a million crystallites.
//!
//! Members walk in step where their mean state is looked at somewhere. Where it is not, a group of them goes through the whole sequence
//! and leaves nothing behind but its share of the signals, so that the memory does not grow with the number of members. Groups are added
//! up in order: the result is the same for any number of threads.

use super::lines::{self, Line};
use super::propagate::Walk;
use super::{Lab, Options, Trace, each, member_schedule, prepared_state, signal};
use crate::hamiltonian::{Acquire, Fault, Member, Outline, Schedule, Step, Values};
use crate::linalg::{C64, ZERO};
use crate::metrics::Scene;
use crate::spin::{Space, State};
use rayon::prelude::*;
use std::cell::RefCell;
use std::sync::Arc;

/// How many members a thread takes at once.
pub const GROUP: usize = 64;

/// After how many groups lines are added up to points.
const GROUPS: usize = 64;

/// What some members have sent: lines, and what has none point by point.
#[derive(Default)]
pub struct Sent {
    lines: Vec<Line>,
    points: Vec<C64>,
}

impl Sent {
    /// Adds lines.
    pub fn add_lines(&mut self, lines: impl IntoIterator<Item = Line>) {
        self.lines.extend(lines);
    }

    /// Adds points.
    pub fn add_points(&mut self, points: &[C64], factor: C64) {
        self.points.resize(self.points.len().max(points.len()), ZERO);
        self.points.iter_mut().zip(points).for_each(|(sum, x)| *sum += x * factor);
    }

    /// Adds what others have sent.
    pub fn add(&mut self, other: Sent) {
        self.lines.extend(other.lines);
        self.add_points(&other.points, C64::new(1.0, 0.0));
    }
}

/// A decay as it is received.
pub struct Received<'a> {
    /// As the first member acquires it.
    pub acquire: &'a Acquire,
    /// When it begins.
    pub start: f64,
    /// What the members send.
    pub sent: Sent,
}

impl Received<'_> {
    /// Adds lines up to points.
    fn settle(&mut self) {
        let of_lines = lines::decay(&std::mem::take(&mut self.sent.lines), self.acquire.points, self.acquire.dwell);
        self.sent.add_points(&of_lines, C64::new(1.0, 0.0));
    }

    /// Its curve; `number` counts the decays of a run.
    pub fn trace(mut self, number: usize) -> Trace {
        self.settle();
        signal::trace(self.acquire, self.sent.points, number, self.start)
    }
}

/// Whether nothing but signals is asked of a sample.
pub fn suffices(lab: &Lab, schedule: &Schedule, options: &Options) -> bool {
    let mut recorded = false;
    schedule.segments(&mut |s| recorded |= s.record.is_some());
    let acquired = schedule.steps.iter().any(|s| matches!(s, Step::Acquire(_)));
    lab.only_hears(options) && acquired && !recorded && !schedule.is_read_out()
}

/// Sends further members through the sequence, and adds what they send to what was received of the first.
///
/// # Errors
/// The first in the order of the members.
pub fn receive(
    received: &mut [Received],
    outline: &Outline,
    members: &[Member],
    space: &Space,
    given: &Values,
    options: &Options,
) -> Result<(), Fault> {
    for block in members.chunks(GROUP * GROUPS) {
        let groups: Vec<Result<Vec<Sent>, Fault>> =
            block.par_chunks(GROUP).map(|group| send(outline, group, space, given, options)).collect();
        for group in groups {
            received.iter_mut().zip(group?).for_each(|(sum, sent)| sum.sent.add(sent));
        }
        received.iter_mut().for_each(Received::settle);
    }
    Ok(())
}

/// What a group of members sends, decay by decay.
fn send(
    outline: &Outline,
    group: &[Member],
    space: &Space,
    given: &Values,
    options: &Options,
) -> Result<Vec<Sent>, Fault> {
    let schedules =
        group.iter().map(|m| member_schedule(outline, given, options, m)).collect::<Result<Vec<_>, Fault>>()?;
    let begin: Vec<State> = schedules.iter().map(|(s, p)| prepared_state(s, p, space)).collect();
    let lab = Lab {
        scene: Scene::new(space.clone(), None, begin[0].clone()),
        asked: Arc::default(),
        each: each::Each::default(),
        edges: vec![],
        scans: 1,
        notes: RefCell::default(),
    };
    let steps: Vec<&[Step]> = schedules.iter().map(|(s, _)| s.steps.as_slice()).collect();
    let mut walk = Walk::new(&lab, options, group.iter().map(|m| m.weight).collect());
    walk.steps(&steps, begin)?;
    Ok(walk.finish().received.into_iter().map(|r| r.sent).collect())
}
