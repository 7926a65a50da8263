//! Loops: equal repetitions stay a loop, those of a counter are written out.

use super::builder::Builder;
use super::laboratory::carriers_out_of_step;
use super::sent::Sent;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::centres::Repetition;
use crate::hamiltonian::schedule::{Look, Step, Strobe, duration};
use crate::hamiltonian::value::{Fault, Repetitions};
use crate::ir::{self, Each, Event, Repeat};
use crate::source::{Place, Span};
use crate::syntax::{Expr, ExprKind};
use crate::units::{UnitSystem, time_text};
use std::collections::HashMap;
use std::ops::RangeInclusive;

impl<'a> Builder<'a, '_> {
    /// Adds the steps of a loop.
    pub(super) fn repeat(
        &mut self,
        repeat: &'a Repeat,
        body: &'a [Event],
        span: Span,
        steps: &mut Vec<Step>,
    ) -> Result<(), Fault> {
        for passes in self.passes_of(repeat, body, span)? {
            match passes {
                Passes::Equal(times, body) => steps.push(Step::Loop(times, body)),
                Passes::WrittenOut(mut body) => steps.append(&mut body),
            }
        }
        Ok(())
    }

    /// A loop that is observed once a pass.
    pub(super) fn strobe(
        &mut self,
        (repeat, look): (&'a Repeat, &'a ir::Look),
        body: &'a [Event],
        place: Place,
    ) -> Result<Strobe, Fault> {
        let runs = self.passes_of(repeat, body, place.span())?;
        let runs: Vec<(u64, Vec<Step>)> = runs
            .into_iter()
            .map(|passes| match passes {
                Passes::Equal(times, body) => (times, body),
                Passes::WrittenOut(body) => (1, body),
            })
            .filter(|(times, _)| *times > 0)
            .collect();
        let look = match look {
            ir::Look::Trace(name) => Look::Trace(name.clone()),
            ir::Look::Signal(detection) => {
                let points = runs.iter().map(|(times, _)| *times as usize).sum();
                let mut receiver = self.receiver(&detection.nucleus, detection.phase.as_deref(), place)?;
                (receiver.points, receiver.dwell) = (points, cycle_time(&runs, place.span())?);
                refuse_dead_points(&runs, std::mem::take(&mut receiver.dead_time), place.span())?;
                receiver.noise = self.noise_of(detection.snr.as_deref(), detection.seed.as_deref())?;
                Look::Signal(Box::new(receiver))
            }
        };
        Ok(Strobe { runs, look, place })
    }

    /// The passes of a loop.
    fn passes_of(&mut self, repeat: &'a Repeat, body: &'a [Event], span: Span) -> Result<Vec<Passes>, Fault> {
        let repetitions = self.e.repetitions(repeat)?;
        let (times, bounds): (usize, Vec<&Expr>) = match (&repetitions, repeat) {
            (Repetitions::Equal(times), Repeat::Count(count)) => (*times, vec![count]),
            (Repetitions::Counted(values), Repeat::Counter(each)) => {
                (values.clone().count(), vec![&each.from, &each.to])
            }
            _ => return Ok(vec![]),
        };
        // A count given by a parameter is a switch; a literal zero is a mistake.
        if let (0, Some(last)) = (times, bounds.last())
            && bounds.iter().all(|bound| matches!(bound.kind, ExprKind::Number(_)))
        {
            self.warnings
                .push(Diagnostic::new(Code::EmptyLoop, last.span(), "this loop has zero passes").label("zero passes"));
        }
        match (repetitions, repeat) {
            (Repetitions::Counted(values), Repeat::Counter(each)) => self.counted(each, values, body),
            _ => {
                let mut all = Vec::new();
                for (repetition, times) in self.position.runs(self.e, times, body)? {
                    self.position.enter(body, repetition);
                    all.append(&mut self.repeated(times, body, span)?);
                    self.position.leave();
                }
                Ok(all)
            }
        }
    }

    /// The repetitions of a counter, one after the other.
    fn counted(
        &mut self,
        each: &'a Each,
        values: RangeInclusive<i64>,
        body: &'a [Event],
    ) -> Result<Vec<Passes>, Fault> {
        let (e, said) = (self.e, self.warnings.len());
        e.write_out(each, &values, body)?;
        let mut all = Vec::new();
        for repetition in Repetition::counted(&each.index, values) {
            let Some((name, value)) = repetition.counter else { continue };
            self.position.enter(body, repetition);
            let mut steps = Vec::new();
            e.with_counter(name, value, || self.events(body, &mut steps)).map_err(|fault| {
                Box::new(fault.related(each.from.span().to(each.to.span()), format!("where {name} = {value}")))
            })?;
            self.position.leave();
            refuse_meeting_points(&steps, each.from.span())?;
            all.push(Passes::WrittenOut(steps));
        }
        let mut warnings = self.warnings.split_off(said);
        for warning in warnings.drain(..) {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        Ok(all)
    }

    /// A loop remains a loop, unless the rotor phase, or that of a carrier in the laboratory frame, differs between repetitions: then it is
    /// unrolled.
    fn repeated(&mut self, times: usize, body: &'a [Event], span: Span) -> Result<Vec<Passes>, Fault> {
        const MOST_WRITTEN_OUT: usize = 100_000;
        let mut inner = Vec::new();
        let before = self.sent.clone();
        let (gaps, entry) = (self.gaps.clone(), self.entry_of_loop(times, body)?);
        self.gaps = entry.clone();
        self.events(body, &mut inner)?;
        if times == 0 {
            self.gaps = gaps;
        }
        refuse_meeting_points(&inner, span)?;
        let turns = match self.e.experiment.system.spinning {
            Some(_) => self.internal()?.period().map(|p| duration(&inner) / p),
            None => None,
        };
        let in_step = turns.is_none_or(|n| (n - n.round()).abs() * times as f64 <= 1e-6)
            && self.decoupling_repeats(duration(&inner), times)
            && self.carriers_repeat(body, duration(&inner), times, span)?;
        if in_step || times < 2 {
            self.repeat_sent(&before, times, span)?;
            return Ok(vec![Passes::Equal(times as u64, inner)]);
        }
        if times.saturating_mul(inner.len()) > MOST_WRITTEN_OUT {
            return Err(match turns.filter(|n| (n - n.round()).abs() * times as f64 > 1e-6) {
                Some(turns) => {
                    let message = format!(
                        "a pass of this loop lasts {turns:.6} rotor periods, which is not an integer, and it has too many passes"
                    );
                    Diagnostic::new(Code::OutOfRange, span, message)
                        .label("not synchronised with the rotor")
                        .help("a rotor-synchronised body may be repeated any number of times")
                }
                None if self.decoupling_repeats(duration(&inner), times) => carriers_out_of_step(span),
                None => self.out_of_step(span),
            }
            .into());
        }
        let mut all = vec![Passes::WrittenOut(inner)];
        for _ in 1..times {
            self.gaps = entry.clone();
            let mut steps = Vec::new();
            self.events(body, &mut steps)?;
            all.push(Passes::WrittenOut(steps));
        }
        Ok(all)
    }

    /// Accounts for the other repetitions of a loop, which transmit what the first has transmitted since `before`.
    fn repeat_sent(&mut self, before: &HashMap<String, Sent>, times: usize, span: Span) -> Result<(), Fault> {
        for (nucleus, sent) in &mut self.sent {
            let was = before.get(nucleus).copied().unwrap_or_default();
            sent.energy += (sent.energy - was.energy) * (times as f64 - 1.0);
            sent.on += (sent.on - was.on) * (times as f64 - 1.0);
            if let Some(hardware) = self.e.spectrometer.as_ref() {
                hardware.energy(nucleus, sent.energy, span)?;
            }
        }
        Ok(())
    }
}

/// Passes of a loop.
enum Passes {
    /// Equal passes: their number, and the steps of each.
    Equal(u64, Vec<Step>),
    /// One pass.
    WrittenOut(Vec<Step>),
}

/// A time in s, with its unit.
fn time(t: f64) -> String {
    time_text(t, UnitSystem::Lab)
}

/// Rejects cycles whose points fall into the dead time after their last pulse.
fn refuse_dead_points(runs: &[(u64, Vec<Step>)], dead_time: f64, span: Span) -> Result<(), Fault> {
    for (_, body) in runs {
        let silent = |step: &&Step| match step {
            Step::Segment(segment) => segment.controls.iter().all(|control| control.decoupled.is_some()),
            Step::Kick(_) | Step::Loop(..) | Step::Strobe(_) | Step::Project(_) => false,
            Step::Feedback(feedback) => !matches!(feedback.driven(), Some(Step::Kick(_))),
            Step::Crush(_)
            | Step::Dephase(..)
            | Step::Reset(_)
            | Step::Mark(_)
            | Step::Acquire(_)
            | Step::Tomography(_) => true,
        };
        let window: f64 = body.iter().rev().take_while(silent).map(|s| duration(std::slice::from_ref(s))).sum();
        if !body.iter().all(|s| silent(&s)) && window < dead_time * (1.0 - 1e-9) {
            let message = format!(
                "the receiver is dead at every point: the cycle ends {} after its last pulse, the dead time is {}",
                time(window),
                time(dead_time)
            );
            return Err(Diagnostic::new(Code::Contradiction, span, message)
                .label("no point is received")
                .help("end the cycle with a `delay` of at least the dead time of the channel")
                .into());
        }
    }
    Ok(())
}

/// The duration of a cycle between two points of a signal. After the last point it may differ.
fn cycle_time(runs: &[(u64, Vec<Step>)], span: Span) -> Result<f64, Fault> {
    let last = runs.len().saturating_sub(1);
    let between = runs.iter().enumerate().filter(|(k, (times, _))| *k < last || *times > 1 || last == 0);
    let durations: Vec<f64> = between.map(|(_, (_, body))| duration(body)).collect();
    let dwell = durations.first().copied().unwrap_or(0.0);
    if dwell <= 0.0 {
        return Err(Diagnostic::new(Code::OutOfRange, span, "the cycle between two points takes no time")
            .label("the dwell time would be zero")
            .help("to observe once a pass without a time axis, record a trace: `loop 64 record as passes { ... }`")
            .into());
    }
    match durations.iter().find(|d| (*d - dwell).abs() > 1e-9 * dwell) {
        Some(other) => {
            let message = format!(
                "the passes of this cycle take different times, {} and {}, so the points of the signal are not equidistant",
                time(dwell),
                time(*other)
            );
            Err(Diagnostic::new(Code::Contradiction, span, message)
                .label("not equidistant")
                .help("measure delays at the ends of the cycle from the edges of pulses, without `between centres`")
                .into())
        }
        None => Ok(dwell),
    }
}

/// Rejects marks, recorded statements, acquisitions and tomographies inside loops. The check of a file detects them earlier, but an
/// experiment may have another origin.
pub(super) fn refuse_meeting_points(steps: &[Step], span: Span) -> Result<(), Fault> {
    let what = steps.iter().find_map(|step| match step {
        Step::Mark(_) => Some("mark"),
        Step::Acquire(_) => Some("acquire"),
        Step::Tomography(_) => Some("tomography"),
        Step::Segment(segment) if segment.record.is_some() => Some("record"),
        Step::Segment(_)
        | Step::Kick(_)
        | Step::Crush(_)
        | Step::Dephase(..)
        | Step::Reset(_)
        | Step::Project(_)
        | Step::Feedback(_)
        | Step::Loop(..) => None,
        Step::Strobe(_) => Some("record"),
    });
    match what {
        Some(what) => {
            let message = format!("a `{what}` inside a loop would be executed on every pass");
            Err(Diagnostic::new(Code::InsideLoop, span, message).label("inside this loop").into())
        }
        None => Ok(()),
    }
}
