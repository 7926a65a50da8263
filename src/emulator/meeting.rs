//! Meeting points of the members of an ensemble: marks, recorded statements, acquisitions, the tomography, the end, and the statements
//! of an observation.
//!
//! At a meeting point the mean over the members is computed. Between two of them each member is propagated through its own steps, whose
//! number and durations follow from its own parameters: simultaneous pulses are split where one of them begins or ends, and loops that are
//! not synchronous with the rotor are unrolled. A meeting point is identified by its kind and name, never by the index of its step.

use super::motion::same_time;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Acquire, Fault, Look, Receiver, Schedule, Segment, Step, Strobe, Tomography, duration};
use crate::source::{Place, Span};
use crate::syntax::number_text;

/// The kinds of meeting points that a run needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stops {
    /// The state after `prepare`.
    pub prepared: bool,
    /// Marks.
    pub marks: bool,
    /// Recorded statements.
    pub records: bool,
    /// Acquisitions.
    pub acquisitions: bool,
    /// Tomographies.
    pub tomographies: bool,
    /// Every statement except marks and tomographies.
    pub statements: bool,
    /// Number of samples of a statement with finite duration; 1 samples only its end.
    pub samples: usize,
}

impl Stops {
    /// The stops needed for the results that a file declares.
    pub const DECLARED: Stops = Stops {
        prepared: false,
        marks: true,
        records: true,
        acquisitions: true,
        tomographies: true,
        statements: false,
        samples: 1,
    };

    /// The meeting point of a step, if it is one.
    fn at<'a>(&self, step: &'a Step) -> Option<Meeting<'a>> {
        match step {
            Step::Mark(name) if self.marks => Some(Meeting::Mark(name)),
            Step::Segment(segment) if self.records && segment.record.is_some() => Some(Meeting::Record(segment)),
            Step::Acquire(acquire) if self.acquisitions => Some(Meeting::Acquire(acquire)),
            Step::Strobe(strobe) if self.observes(&strobe.look) => Some(Meeting::Strobe(strobe)),
            Step::Tomography(t) if self.tomographies => Some(Meeting::Tomography(t)),
            Step::Mark(_)
            | Step::Acquire(_)
            | Step::Tomography(_)
            | Step::Segment(_)
            | Step::Kick(_)
            | Step::Crush(_)
            | Step::Dephase(..)
            | Step::Reset(_)
            | Step::Project(_)
            | Step::Feedback(_)
            | Step::Strobe(_)
            | Step::Loop(..) => None,
        }
    }

    fn observes(&self, look: &Look) -> bool {
        match look {
            Look::Trace(_) => self.records,
            Look::Signal(_) => self.acquisitions,
        }
    }
}

/// A meeting point.
#[derive(Clone, Copy)]
pub enum Meeting<'a> {
    /// The state after `prepare`.
    Prepared,
    /// The end of the statement with this index.
    Statement(usize),
    /// The statement with this index, consisting of these steps and sampled over its duration.
    Along(usize, &'a [Step]),
    /// A mark, by its name.
    Mark(&'a str),
    /// A recorded statement.
    Record(&'a Segment),
    /// An acquisition.
    Acquire(&'a Acquire),
    /// A loop that is observed once a pass.
    Strobe(&'a Strobe),
    /// The tomography.
    Tomography(&'a Tomography),
    /// The end of the sequence.
    End,
}

impl<'a> Meeting<'a> {
    fn place(&self) -> Option<Span> {
        match self {
            Meeting::Record(segment) => segment.place.0,
            Meeting::Acquire(acquire) => acquire.segment.place.0,
            Meeting::Strobe(strobe) => strobe.place.0,
            Meeting::Tomography(t) => t.place.0,
            Meeting::Mark(_) | Meeting::End | Meeting::Prepared | Meeting::Statement(_) | Meeting::Along(..) => None,
        }
    }

    /// Checks that two members meet here: it is the same statement, and its results can be averaged.
    fn agrees(&self, other: &Meeting) -> Result<(), Fault> {
        match (self, other) {
            (Meeting::Mark(a), Meeting::Mark(b)) if a == b => Ok(()),
            (Meeting::Record(a), Meeting::Record(b)) if name(a) == name(b) => same_record(a, b),
            (Meeting::Acquire(a), Meeting::Acquire(b)) if a.segment.place == b.segment.place => {
                same_receiver((&a.receiver, &b.receiver), a.segment.place)
            }
            (Meeting::Strobe(a), Meeting::Strobe(b)) if a.place == b.place => same_strobe(a, b),
            (Meeting::Tomography(a), Meeting::Tomography(b)) => same_tomography(a, b),
            (Meeting::End, Meeting::End) | (Meeting::Prepared, Meeting::Prepared) => Ok(()),
            (Meeting::Statement(a), Meeting::Statement(b)) | (Meeting::Along(a, _), Meeting::Along(b, _)) if a == b => {
                Ok(())
            }
            _ => Err(Diagnostic::new(
                Code::Contradiction,
                self.place().or(other.place()).unwrap_or_default(),
                "ensemble members have different marks, recorded statements or acquisitions",
            )
            .label("not reached by every member")
            .help("distribute a parameter that does not decide which of them are reached")
            .into()),
        }
    }
}

fn name(segment: &Segment) -> Option<&str> {
    segment.record.as_ref().map(|r| r.name.as_str())
}

/// An error for a setting that differs between members.
fn varies(place: Place, message: String, what: &str, help: &str) -> Fault {
    Diagnostic::new(Code::Contradiction, place.span(), message).label(format!("its {what} varies")).help(help).into()
}

/// True if two members spend equal times in the corresponding segments of a statement.
pub fn same_times(a: &[Step], b: &[Step]) -> bool {
    let same = |(a, b): (&Step, &Step)| match (a, b) {
        (Step::Segment(a), Step::Segment(b)) => (a.duration - b.duration).abs() <= 1e-12 * a.duration,
        (Step::Kick(_), Step::Kick(_)) => true,
        _ => false,
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

fn same_record(a: &Segment, b: &Segment) -> Result<(), Fault> {
    if (a.duration - b.duration).abs() > 1e-12 * a.duration {
        return Err(varies(
            a.place,
            "ensemble members record this statement over different durations, so they have no mean curve".into(),
            "duration",
            "distribute a parameter that does not affect a recorded duration",
        ));
    }
    let points = |s: &Segment| s.record.as_ref().map_or(0, |r| r.points);
    if points(a) != points(b) {
        let message = format!(
            "ensemble members take different numbers of samples, {} and {}, so they have no mean curve",
            points(a),
            points(b)
        );
        return Err(varies(
            a.place,
            message,
            "number of samples",
            "distribute a parameter that does not affect a `record`",
        ));
    }
    Ok(())
}

/// Checks that the decays of two members can be added: same nucleus, dwell time, number of points, dead time and noise.
///
/// # Errors
/// If they cannot.
pub fn same_receiver((a, b): (&Receiver, &Receiver), place: Place) -> Result<(), Fault> {
    let refuse = |message: String, what: &str, setting: &str| {
        let help = format!("distribute a parameter that does not affect {setting}, or `sweep` it");
        Err(varies(place, message, what, &help))
    };
    if !same_time(a.dwell, b.dwell) {
        let message = format!(
            "ensemble members acquire with different dwell times, {} and {}, so they have no mean FID",
            number_text(a.dwell),
            number_text(b.dwell)
        );
        return refuse(message, "dwell time", "`dwell`");
    }
    if a.points != b.points {
        let message = format!(
            "ensemble members acquire different numbers of points, {} and {}, so they have no mean FID",
            a.points, b.points
        );
        return refuse(message, "number of points", "`points`");
    }
    if !same_time(a.dead_time, b.dead_time) {
        let message = "ensemble members have different dead times, so their FIDs cannot be added".into();
        return refuse(message, "dead time", "`dead_time`");
    }
    if a.noise != b.noise || a.nucleus != b.nucleus {
        let message = "the noise belongs to the sum over the ensemble, but its members give different signal-to-noise ratios or seeds";
        return refuse(message.into(), "noise", "`snr` or `seed`");
    }
    Ok(())
}

/// Checks that the samples of two members can be averaged: equal numbers of passes, of equal duration for a signal.
fn same_strobe(a: &Strobe, b: &Strobe) -> Result<(), Fault> {
    if let (Look::Signal(a_receiver), Look::Signal(b_receiver)) = (&a.look, &b.look) {
        same_receiver((a_receiver, b_receiver), a.place)?;
    }
    if a.passes() != b.passes() {
        let message = format!(
            "ensemble members run this loop {} and {} times, so its passes have no common mean",
            a.passes(),
            b.passes()
        );
        let help = "distribute a parameter that does not affect the number of passes, or `sweep` it";
        return Err(varies(a.place, message, "number of passes", help));
    }
    Ok(())
}

/// The settings of a tomography describe the receiver, which all members share.
fn same_tomography(a: &Tomography, b: &Tomography) -> Result<(), Fault> {
    let settings = |t: &Tomography| {
        let channels: Vec<_> =
            t.channels.iter().map(|c| (c.nucleus.clone(), c.detected, c.width, c.dead_time)).collect();
        (channels, t.snr, t.decay, t.scans, t.seed, t.repetitions, t.method.clone(), t.readouts.clone())
    };
    if settings(a) == settings(b) {
        return Ok(());
    }
    Err(varies(
        a.place,
        "the mean state of the ensemble is read out once, but its members give different readout settings".into(),
        "setting",
        "distribute a parameter that does not affect the settings of the tomography and its channels, or `sweep` it",
    ))
}

/// The steps of a member from one meeting point to the next, and that meeting point.
pub struct Leg<'a> {
    /// The steps of this member.
    pub steps: &'a [Step],
    /// The meeting point that follows them.
    pub meeting: Meeting<'a>,
}

/// The legs of a member, from meeting point to meeting point; the last one ends at the end of the sequence.
pub fn legs<'a>(schedule: &'a Schedule, stops: &Stops) -> Vec<Leg<'a>> {
    let steps = schedule.steps.as_slice();
    let of = |from: usize, to: usize| steps.get(from..to).unwrap_or_default();
    let mut legs = Vec::new();
    if stops.prepared {
        legs.push(Leg { steps: &[], meeting: Meeting::Prepared });
    }
    // Start of the leg, and start of the statement.
    let (mut begin, mut first) = (0, 0);
    for (number, &end) in schedule.event_ends.iter().enumerate() {
        let own = of(first, end);
        if stops.statements && stops.samples > 1 && is_sampled(own) {
            legs.push(Leg { steps: of(begin, first), meeting: Meeting::Along(number, own) });
            begin = end;
        } else {
            for (k, step) in own.iter().enumerate() {
                if let Some(meeting) = stops.at(step) {
                    legs.push(Leg { steps: of(begin, first + k), meeting });
                    begin = first + k + 1;
                }
            }
            let is_observation = own.iter().all(|s| matches!(s, Step::Mark(_) | Step::Tomography(_)));
            if stops.statements && (own.is_empty() || !is_observation) {
                legs.push(Leg { steps: of(begin, end), meeting: Meeting::Statement(number) });
                begin = end;
            }
        }
        first = end;
    }
    legs.push(Leg { steps: of(begin, steps.len()), meeting: Meeting::End });
    legs
}

/// True if a statement is sampled over its duration: it is not instantaneous, and consists of evolution only.
fn is_sampled(steps: &[Step]) -> bool {
    let evolves = |s: &Step| match s {
        Step::Segment(_) => true,
        Step::Kick(kick) => kick.transient,
        _ => false,
    };
    steps.iter().all(evolves) && duration(steps) > 0.0
}

/// The legs of all members.
///
/// # Errors
/// If members have different meeting points, or results at one of them cannot be averaged.
pub fn common_legs<'a>(members: &[&'a Schedule], stops: &Stops) -> Result<Vec<Vec<Leg<'a>>>, Fault> {
    let all: Vec<Vec<Leg>> = members.iter().map(|schedule| legs(schedule, stops)).collect();
    if let Some((first, others)) = all.split_first() {
        for other in others {
            // The end matches nothing else, so a member with fewer meeting points is detected before the shorter list ends.
            first.iter().zip(other).try_for_each(|(a, b)| a.meeting.agrees(&b.meeting))?;
        }
    }
    Ok(all)
}

/// The last action of some steps.
pub enum LastAction<'a> {
    /// None: the last action is that before these steps.
    None,
    /// An ideal pulse or a projection, which is instantaneous.
    Instantaneous,
    /// A segment, at its end.
    Segment(&'a Segment),
    /// A segment whose strengths depend on readings, at its end.
    Driven(&'a Step),
}

/// The last action of some steps. A loop ends with the last repetition of its body; the transient rotation at the edge of a finite pulse
/// belongs to that pulse.
pub fn last_action(steps: &[Step]) -> LastAction<'_> {
    for step in steps.iter().rev() {
        match step {
            Step::Segment(segment) => return LastAction::Segment(segment),
            Step::Acquire(acquire) => return LastAction::Segment(&acquire.segment),
            Step::Kick(kick) if kick.transient => {}
            Step::Kick(_) | Step::Crush(_) | Step::Dephase(..) | Step::Reset(_) | Step::Project(_) => {
                return LastAction::Instantaneous;
            }
            Step::Strobe(strobe) => {
                let bodies = strobe.runs.iter().rev().filter(|(times, _)| *times > 0);
                for (_, body) in bodies {
                    match last_action(body) {
                        LastAction::None => {}
                        found => return found,
                    }
                }
            }
            Step::Feedback(feedback) => match feedback.driven() {
                Some(step @ Step::Segment(_)) => return LastAction::Driven(step),
                Some(_) => return LastAction::Instantaneous,
                None => {}
            },
            Step::Loop(0, _) | Step::Mark(_) | Step::Tomography(_) => {}
            Step::Loop(_, body) => match last_action(body) {
                LastAction::None => {}
                found => return found,
            },
        }
    }
    LastAction::None
}
