//! Times that the electronics need between two events: to switch a phase, to change a power level, to blank a transmitter, and for
//! gradient ring-down.
//!
//! Emulation and export use the same rule: between consecutive events without a delay the time is inserted; a delay between them includes
//! the time, and is rejected if it is shorter.

use super::drive;
use super::fault::Fault;
use super::hardware::Spectrometer;
use super::value::{Evaluator, Repetitions};
use crate::ir::{Event, EventKind, Lock, Pulse, Repeat};
use crate::source::Span;

/// rf amplitude of a transmitter.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Strength {
    /// Constant, rad/s.
    Constant(f64),
    /// Given by the calibration of the spectrometer: an ideal pulse on a channel without an rf.
    Calibrated,
    /// Time-dependent: a shape has its own power level, different from that of any other event.
    Shaped,
}

impl Strength {
    fn is(self, other: Strength) -> bool {
        match (self, other) {
            (Strength::Constant(a), Strength::Constant(b)) => (a - b).abs() <= 1e-12 * a.abs().max(b.abs()),
            (Strength::Calibrated, Strength::Calibrated) => true,
            _ => false,
        }
    }
}

/// The output of one channel.
#[derive(Debug, Clone, PartialEq)]
struct Sending {
    nucleus: String,
    strength: Strength,
    /// One per scan, rad.
    phases: Vec<f64>,
}

/// The use of the electronics by an event.
#[derive(Debug, Clone, PartialEq)]
enum Activity {
    Sends(Vec<Sending>),
    Gradient,
    Receives,
}

/// True if two lists of phases, each repeated from scan to scan, agree.
fn same_phases(a: &[f64], b: &[f64]) -> bool {
    let scans = a.len().max(1) * b.len().max(1);
    (0..scans).all(|k| match (a.get(k % a.len().max(1)), b.get(k % b.len().max(1))) {
        (Some(x), Some(y)) => (x - y).abs() < 1e-9,
        _ => false,
    })
}

impl Activity {
    /// The use of the electronics by an event; `None` for marks, states, delays, and pulses with zero flip angle.
    fn of(e: &Evaluator, event: &Event) -> Result<Option<Activity>, Fault> {
        let sends = |all: Vec<Option<Sending>>| {
            let all: Vec<Sending> = all.into_iter().flatten().collect();
            if all.is_empty() { None } else { Some(Activity::Sends(all)) }
        };
        Ok(match &event.kind {
            EventKind::Pulse(p) => sends(vec![Sending::of_pulse(e, p)?]),
            EventKind::Parallel { pulses, .. } => {
                sends(pulses.iter().map(|p| Sending::of_pulse(e, p)).collect::<Result<_, _>>()?)
            }
            EventKind::Lock(l) => sends(vec![Some(Sending::of_lock(e, l)?)]),
            EventKind::Decouple(p) => sends(vec![Some(Sending {
                nucleus: p.nucleus.clone(),
                strength: Strength::Shaped,
                phases: drive::phases(e, p)?,
            })]),
            // Its phases are not those of the next pulse.
            EventKind::EndDecoupling { nucleus } => {
                sends(vec![Some(Sending { nucleus: nucleus.clone(), strength: Strength::Shaped, phases: vec![] })])
            }
            EventKind::Gradient { .. } | EventKind::Crush { .. } => Some(Activity::Gradient),
            EventKind::Acquire { .. } | EventKind::Tomography(_) => Some(Activity::Receives),
            EventKind::Prepare(_)
            | EventKind::Delay { .. }
            | EventKind::Evolve { .. }
            | EventKind::Compile(_)
            | EventKind::Dephase { .. }
            | EventKind::Reset { .. }
            | EventKind::Read { .. }
            | EventKind::Project { .. }
            | EventKind::Mark { .. }
            | EventKind::Loop { .. } => None,
        })
    }
}

impl Sending {
    fn of_pulse(e: &Evaluator, p: &Pulse) -> Result<Option<Sending>, Fault> {
        let drive = drive::pulse(e, p)?;
        if drive.duration == 0.0 && drive.angle == 0.0 {
            return Ok(None);
        }
        let strength = match (drive.duration > 0.0, drive.amplitude.constant(), &drive.turning) {
            (false, ..) => match drive::strength_of_channel(e, &p.nucleus)? {
                Some(rf) => Strength::Constant(rf * drive::angular(e)),
                None => Strength::Calibrated,
            },
            (true, Some(constant), None) => Strength::Constant(constant),
            (true, ..) => Strength::Shaped,
        };
        Ok(Some(Sending { nucleus: p.nucleus.clone(), strength, phases: drive::phases(e, p)? }))
    }

    fn of_lock(e: &Evaluator, l: &Lock) -> Result<Sending, Fault> {
        let (from, to) = (e.number(&l.from)?, e.number(&l.to)?);
        let strength = if from == to { Strength::Constant(from * drive::angular(e)) } else { Strength::Shaped };
        Ok(Sending { nucleus: l.nucleus.clone(), strength, phases: e.phases(&l.phase)? })
    }
}

impl Spectrometer {
    /// The minimum time between two events.
    fn gap(&self, before: &Activity, after: &Activity) -> f64 {
        let time = |setting: Option<f64>| setting.unwrap_or(0.0);
        match (before, after) {
            (Activity::Sends(a), Activity::Sends(b)) => {
                let pairs = a.iter().flat_map(|x| b.iter().filter(|y| y.nucleus == x.nucleus).map(move |y| (x, y)));
                pairs
                    .map(|(x, y)| {
                        let switching = if same_phases(&x.phases, &y.phases) { 0.0 } else { time(self.switching) };
                        let changing = if x.strength.is(y.strength) { 0.0 } else { time(self.power_change) };
                        switching.max(changing)
                    })
                    .fold(0.0, f64::max)
            }
            (Activity::Sends(_), Activity::Gradient | Activity::Receives) => time(self.blanking),
            (Activity::Gradient, Activity::Sends(_)) => time(self.gradient_recovery).max(time(self.unblanking)),
            (Activity::Gradient, Activity::Gradient | Activity::Receives) => time(self.gradient_recovery),
            (Activity::Receives, _) => 0.0,
        }
    }
}

/// An earlier event, and the time since its end.
#[derive(Debug, Clone, PartialEq)]
struct Earlier {
    activity: Activity,
    waited: f64,
    /// The last delay since then.
    place: Option<Span>,
}

/// Tracks the events of a sequence to determine the time required before the next one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gaps {
    /// The last event; in a repeated loop, also the last one of its body.
    earlier: Vec<Earlier>,
}

impl Gaps {
    /// The time to insert before an event. Delays and loops are reported by [`Gaps::waits`] and [`Gaps::repeats`].
    ///
    /// # Errors
    /// If a delay before it is shorter than the electronics need.
    pub fn before(&mut self, e: &Evaluator, hardware: &Spectrometer, event: &Event) -> Result<f64, Fault> {
        if let EventKind::Evolve { .. } | EventKind::Prepare(_) | EventKind::Dephase { .. } | EventKind::Reset { .. } =
            event.kind
        {
            self.earlier.clear();
            return Ok(0.0);
        }
        let Some(next) = Activity::of(e, event)? else { return Ok(0.0) };
        let needed = |earlier: &Earlier| hardware.gap(&earlier.activity, &next);
        let inserted = self.earlier.iter().filter(|x| x.waited == 0.0).map(needed).fold(0.0, f64::max);
        for earlier in &self.earlier {
            let (needed, waited) = (needed(earlier), earlier.waited + inserted);
            if waited < needed * (1.0 - 1e-9) {
                return Err(hardware.too_short(waited, needed, earlier.place.unwrap_or(event.place.span())));
            }
        }
        // The other channels go on while the decoupling of one starts or ends.
        let edge = matches!(event.kind, EventKind::Decouple(_) | EventKind::EndDecoupling { .. });
        self.earlier.retain(|_| edge);
        self.earlier.iter_mut().for_each(|earlier| earlier.waited += inserted);
        self.earlier.push(Earlier { activity: next, waited: 0.0, place: None });
        Ok(inserted)
    }

    /// Accounts for a delay.
    pub fn waits(&mut self, duration: f64, place: Span) {
        for earlier in self.earlier.iter_mut().filter(|_| duration > 0.0) {
            earlier.waited += duration;
            earlier.place = Some(place);
        }
    }

    /// Start of a repeated loop: the last event of its body also precedes its first event.
    ///
    /// # Errors
    /// If a number in the body cannot be evaluated.
    pub fn repeats(&mut self, e: &Evaluator, body: &[Event]) -> Result<(), Fault> {
        let mut waited = 0.0;
        let mut place = None;
        if let Some(last) = last_of(e, body, &mut waited, &mut place)? {
            self.earlier.push(Earlier { activity: last, waited, place });
        }
        Ok(())
    }
}

/// The last event of a body that uses the electronics, and the delays after it.
fn last_of(
    e: &Evaluator,
    events: &[Event],
    waited: &mut f64,
    place: &mut Option<Span>,
) -> Result<Option<Activity>, Fault> {
    for event in events.iter().rev() {
        match &event.kind {
            EventKind::Delay { duration, .. } => {
                *waited += e.number(duration)?;
                *place = place.or(Some(event.place.span()));
            }
            EventKind::Loop { repeat: Repeat::Count(count), body, .. } => {
                if e.count(count, 0)? > 0
                    && let Some(found) = last_of(e, body, waited, place)?
                {
                    return Ok(Some(found));
                }
            }
            EventKind::Loop { repeat: repeat @ Repeat::Counter(each), body, .. } => {
                if let Repetitions::Counted(values) = e.repetitions(repeat)?
                    && !values.is_empty()
                    && let Some(found) =
                        e.with_counter(&each.index, *values.end(), || last_of(e, body, waited, place))?
                {
                    return Ok(Some(found));
                }
            }
            _ => {
                if let Some(found) = Activity::of(e, event)? {
                    return Ok(Some(found));
                }
            }
        }
    }
    Ok(None)
}
