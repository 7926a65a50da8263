//! Delays measured from centre to centre: the halves of the pulses on both sides, behind marks, crushes and the ends of loops.

use super::drive;
use super::fault::Fault;
use super::value::{Evaluator, Repetitions};
use crate::budget::STATEMENTS;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Event, EventKind, Repeat};
use crate::source::Place;
use std::ops::RangeInclusive;

/// The repetition of the loop that contains an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repetition<'a> {
    /// True if no repetition precedes it.
    pub first: bool,
    /// True if no repetition follows it.
    pub last: bool,
    /// The counter and its value.
    pub counter: Option<(&'a str, i64)>,
}

impl<'a> Repetition<'a> {
    /// The sequence itself, which runs once.
    pub const ONLY: Repetition<'static> = Repetition { first: true, last: true, counter: None };

    /// The repetitions of a counter.
    pub fn counted(name: &'a str, values: RangeInclusive<i64>) -> impl Iterator<Item = Repetition<'a>> {
        let (first, last) = (*values.start(), *values.end());
        values.map(move |k| Repetition { first: k == first, last: k == last, counter: Some((name, k)) })
    }

    /// The different repetitions of a loop.
    fn all_of(e: &Evaluator, repeat: &'a Repeat) -> Result<Vec<Repetition<'a>>, Fault> {
        Ok(match (e.repetitions(repeat)?, repeat) {
            (Repetitions::Counted(values), Repeat::Counter(each)) => Repetition::counted(&each.index, values).collect(),
            (Repetitions::Equal(times), _) => {
                Repetition::of(times).into_iter().map(|(repetition, _)| repetition).collect()
            }
            (Repetitions::Counted(_), Repeat::Count(_)) => vec![],
        })
    }

    /// The different repetitions of a loop without a counter, with how often each occurs in a row.
    fn of(times: usize) -> Vec<(Repetition<'static>, usize)> {
        let of = |first, last, count| (Repetition { first, last, counter: None }, count);
        match times {
            0 => vec![],
            1 => vec![of(true, true, 1)],
            2 => vec![of(true, false, 1), of(false, true, 1)],
            more => vec![of(true, false, 1), of(false, false, more - 2), of(false, true, 1)],
        }
    }
}

/// A list of events, and which of them is looked at.
#[derive(Debug, Clone, Copy)]
struct Level<'a> {
    events: &'a [Event],
    at: usize,
    repetition: Repetition<'a>,
}

/// The position of an event in the sequence and in the loops around it.
#[derive(Debug, Clone, Default)]
pub struct Position<'a> {
    levels: Vec<Level<'a>>,
}

/// The neighbour of a delay on one side.
enum Neighbour {
    /// A pulse, and half of its duration.
    Pulse(f64),
    /// No pulse: the delay ends there.
    None,
}

/// A direction in time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    Behind,
}

impl<'a> Position<'a> {
    /// Enters the sequence, or the body of a loop.
    pub fn enter(&mut self, events: &'a [Event], repetition: Repetition<'a>) {
        self.levels.push(Level { events, at: 0, repetition });
    }

    /// Goes to event number `k`.
    pub fn at(&mut self, k: usize) {
        if let Some(level) = self.levels.last_mut() {
            level.at = k;
        }
    }

    /// Leaves the body of a loop.
    pub fn leave(&mut self) {
        self.levels.pop();
    }

    /// Total time that the two half-pulses take from the event; 0 unless it is a delay between centres. Where no pulse stands on one side,
    /// the delay begins or ends there, as at the top of an echo.
    ///
    /// # Errors
    /// If no pulse stands on either side, or the half-pulses are longer than the delay.
    pub fn halves(&self, e: &Evaluator) -> Result<f64, Fault> {
        let Some(Event { kind: EventKind::Delay { between_centres: true, duration, .. }, place }) =
            self.levels.last().and_then(|level| level.events.get(level.at))
        else {
            return Ok(0.0);
        };
        let halves = match (self.neighbour(e, Side::Before, *place)?, self.neighbour(e, Side::Behind, *place)?) {
            (Neighbour::None, Neighbour::None) => {
                let message = "a delay between centres needs a pulse before it or behind it";
                return Err(Diagnostic::new(Code::Contradiction, place.span(), message)
                    .label("no pulse on either side")
                    .into());
            }
            (Neighbour::Pulse(a), Neighbour::Pulse(b)) => a + b,
            (Neighbour::Pulse(half), Neighbour::None) | (Neighbour::None, Neighbour::Pulse(half)) => half,
        };
        let whole = e.number(duration)?;
        if whole >= halves {
            return Ok(halves);
        }
        // Show picoseconds, but not the rounding of a sum of floats.
        let shown = |t: f64| crate::syntax::number_text((t * 1e12).round() / 1e12);
        let message = format!(
            "the halves of the adjacent pulses last {}, longer than the delay of {}",
            shown(halves),
            shown(whole)
        );
        Err(Diagnostic::new(Code::Contradiction, duration.span(), message)
            .label("the pulses would overlap")
            .help("shorten the pulses with a higher `rf`")
            .into())
    }

    /// The repetitions of a loop in which delays between centres last equally long, with how many they are in a row: all of them, or the
    /// first, the middle ones and the last, where other pulses stand before and behind the loop than in it.
    ///
    /// # Errors
    /// Those of [`Position::halves`].
    pub fn runs(
        &mut self,
        e: &Evaluator,
        times: usize,
        body: &'a [Event],
    ) -> Result<Vec<(Repetition<'a>, usize)>, Fault> {
        if times < 2 || !body.iter().any(has_centres) {
            return Ok(vec![(Repetition::ONLY, times)]);
        }
        let runs = Repetition::of(times);
        let mut all = Vec::with_capacity(runs.len());
        let depth = self.levels.len();
        for (repetition, _) in &runs {
            let mut halves = Vec::new();
            let found = self.halves_of(e, body, *repetition, &mut halves);
            self.levels.truncate(depth);
            found?;
            all.push(halves);
        }
        let alike =
            |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-12 * a.abs());
        match (runs.first(), all.first()) {
            (Some((first, _)), Some(halves)) if all.iter().all(|other| alike(halves, other)) => {
                Ok(vec![(*first, times)])
            }
            _ => {
                // These repetitions are written out, each perhaps with inner loops that are.
                let place = body.first().map(|event| event.place.span()).unwrap_or_default();
                e.count_statements(runs.len().saturating_mul(body.len()) as u64, place)?;
                Ok(runs)
            }
        }
    }

    /// The halves of all delays of a body, those of inner loops included.
    fn halves_of(
        &mut self,
        e: &Evaluator,
        body: &'a [Event],
        repetition: Repetition<'a>,
        out: &mut Vec<f64>,
    ) -> Result<(), Fault> {
        self.enter(body, repetition);
        for (k, event) in body.iter().enumerate() {
            self.at(k);
            match &event.kind {
                EventKind::Delay { .. } => {
                    out.push(self.halves(e)?);
                    // Loops in loops multiply.
                    STATEMENTS.check(out.len() as u64, Some(event.place.span()))?;
                }
                EventKind::Loop { repeat, body, .. } if body.iter().any(has_centres) => {
                    for inner in Repetition::all_of(e, repeat)? {
                        match inner.counter {
                            Some((name, value)) => {
                                e.with_counter(name, value, || self.halves_of(e, body, inner, out))?
                            }
                            None => self.halves_of(e, body, inner, out)?,
                        }
                    }
                }
                _ => {}
            }
        }
        self.leave();
        Ok(())
    }

    /// The nearest event on one side that is not passed over: in the same list, in another repetition, then around the loop.
    fn neighbour(&self, e: &Evaluator, side: Side, delay: Place) -> Result<Neighbour, Fault> {
        for level in self.levels.iter().rev() {
            let found = match side {
                Side::Before => nearest(e, level.events.get(..level.at).unwrap_or_default(), side, delay)?,
                Side::Behind => nearest(e, level.events.get(level.at + 1..).unwrap_or_default(), side, delay)?,
            };
            if let Some(found) = found {
                return Ok(found);
            }
            let (ends, step) = match side {
                Side::Before => (level.repetition.first, -1),
                Side::Behind => (level.repetition.last, 1),
            };
            let found = match level.repetition.counter {
                _ if ends => None,
                Some((name, value)) => e.with_counter(name, value + step, || nearest(e, level.events, side, delay))?,
                None => nearest(e, level.events, side, delay)?,
            };
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Ok(Neighbour::None)
    }
}

/// True if an event is a delay between centres, or a loop or a projective measurement with one.
pub(super) fn has_centres(event: &Event) -> bool {
    match &event.kind {
        EventKind::Delay { between_centres, .. } => *between_centres,
        EventKind::Loop { body, .. } => body.iter().any(has_centres),
        EventKind::Project { up, down, .. } => up.iter().chain(down).any(has_centres),
        _ => false,
    }
}

/// The first event from one end of a list that is not passed over: marks, crushes, dephasing, resets and the edges of decoupling take no
/// time.
fn nearest(e: &Evaluator, events: &[Event], side: Side, delay: Place) -> Result<Option<Neighbour>, Fault> {
    for k in 0..events.len() {
        let k = if side == Side::Before { events.len() - 1 - k } else { k };
        let Some(event) = events.get(k) else { break };
        match &event.kind {
            EventKind::Crush { .. } if e.spectrometer.as_ref().is_some_and(|hardware| hardware.crusher() > 0.0) => {
                return Err(no_centre(event, delay, "this `crush` takes time on the spectrometer"));
            }
            EventKind::Mark { .. }
            | EventKind::Read { .. }
            | EventKind::Crush { .. }
            | EventKind::Dephase { .. }
            | EventKind::Reset { .. } => {}
            EventKind::Decouple(_) | EventKind::EndDecoupling { .. } => {}
            EventKind::Project { up, down, .. } if up.is_empty() && down.is_empty() => {}
            EventKind::Project { .. } => {
                return Err(no_centre(event, delay, "a `project` with branches has no centre to count from"));
            }
            EventKind::Pulse(p) => return Ok(Some(Neighbour::Pulse(drive::pulse(e, p)?.duration / 2.0))),
            EventKind::Parallel { align, pulses } => {
                let mut drives = pulses.iter().map(|p| drive::pulse(e, p)).collect::<Result<Vec<_>, _>>()?;
                let whole = drive::align(&mut drives, *align);
                return Ok(Some(Neighbour::Pulse(drive::begin(e, pulses, &mut drives, *align, whole)? / 2.0)));
            }
            EventKind::Loop { repeat, body, .. } => {
                if let Some(found) = edge_of_loop(e, repeat, body, side, delay)? {
                    return Ok(Some(found));
                }
            }
            EventKind::Delay { .. } | EventKind::Acquire { .. } | EventKind::Tomography(_) | EventKind::Prepare(_) => {
                return Ok(Some(Neighbour::None));
            }
            EventKind::Lock(_) => return Err(no_centre(event, delay, "a lock has no centre to count from")),
            EventKind::Evolve { .. } => return Err(no_centre(event, delay, "an `evolve` has no centre to count from")),
            EventKind::Compile(_) => return Err(no_centre(event, delay, "a `compile` has no centre to count from")),
            EventKind::Gradient { .. } => {
                return Err(no_centre(event, delay, "a gradient has no centre to count from"));
            }
        }
    }
    Ok(None)
}

/// What a loop begins or ends with; `None` if it does not run or passes no time.
fn edge_of_loop(
    e: &Evaluator,
    repeat: &Repeat,
    body: &[Event],
    side: Side,
    delay: Place,
) -> Result<Option<Neighbour>, Fault> {
    match (e.repetitions(repeat)?, repeat) {
        (Repetitions::Counted(values), Repeat::Counter(each)) => {
            // A repetition may pass no time, where the body is a loop that does not run.
            let (first, last) = (*values.start(), *values.end());
            for k in values {
                let value = if side == Side::Before { first + last - k } else { k };
                let found = e.with_counter(&each.index, value, || nearest(e, body, side, delay))?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            Ok(None)
        }
        (Repetitions::Equal(0), _) => Ok(None),
        _ => nearest(e, body, side, delay),
    }
}

fn no_centre(event: &Event, delay: Place, why: &str) -> Fault {
    Diagnostic::new(Code::Contradiction, delay.span(), "a delay between centres needs a pulse next to it")
        .label("counted from the centre of a pulse")
        .related(event.place.span(), why)
        .help("write the delay without `between centres`; `length(1H, 90 deg)` is the length of a pulse")
        .into()
}
