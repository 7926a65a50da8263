//! Loops: equal repetitions stay a loop, those of a counter are written out.

use super::builder::Builder;
use super::sent::Sent;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::centres::Repetition;
use crate::hamiltonian::schedule::{Step, duration};
use crate::hamiltonian::value::{Fault, Repetitions};
use crate::ir::{Each, Event, Repeat};
use crate::source::Span;
use crate::syntax::{Expr, ExprKind};
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
        let repetitions = self.e.repetitions(repeat)?;
        let (times, bounds): (usize, Vec<&Expr>) = match (&repetitions, repeat) {
            (Repetitions::Equal(times), Repeat::Count(count)) => (*times, vec![count]),
            (Repetitions::Counted(values), Repeat::Counter(each)) => {
                (values.clone().count(), vec![&each.from, &each.to])
            }
            _ => return Ok(()),
        };
        // A count given by a parameter is a switch; a literal zero is a mistake.
        if let (0, Some(last)) = (times, bounds.last())
            && bounds.iter().all(|bound| matches!(bound.kind, ExprKind::Number(_)))
        {
            self.warnings
                .push(Diagnostic::new(Code::EmptyLoop, last.span(), "this loop has zero passes").label("zero passes"));
        }
        match (repetitions, repeat) {
            (Repetitions::Counted(values), Repeat::Counter(each)) => self.counted(each, values, body, steps),
            _ => {
                for (repetition, times) in self.position.runs(self.e, times, body)? {
                    self.position.enter(body, repetition);
                    self.repeated(times, body, span, steps)?;
                    self.position.leave();
                }
                Ok(())
            }
        }
    }

    /// The repetitions of a counter, one after the other.
    fn counted(
        &mut self,
        each: &'a Each,
        values: RangeInclusive<i64>,
        body: &'a [Event],
        steps: &mut Vec<Step>,
    ) -> Result<(), Fault> {
        let (e, before, said) = (self.e, steps.len(), self.warnings.len());
        e.write_out(each, &values, body)?;
        for repetition in Repetition::counted(&each.index, values) {
            let Some((name, value)) = repetition.counter else { continue };
            self.position.enter(body, repetition);
            e.with_counter(name, value, || self.events(body, steps)).map_err(|fault| {
                Box::new(fault.related(each.from.span().to(each.to.span()), format!("where {name} = {value}")))
            })?;
            self.position.leave();
        }
        let mut warnings = self.warnings.split_off(said);
        for warning in warnings.drain(..) {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        refuse_meeting_points(steps.get(before..).unwrap_or_default(), each.from.span())
    }

    /// A loop remains a loop, unless the rotor phase differs between repetitions: then it is unrolled.
    fn repeated(&mut self, times: usize, body: &'a [Event], span: Span, steps: &mut Vec<Step>) -> Result<(), Fault> {
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
        let in_step = turns.is_none_or(|n| (n - n.round()).abs() * times as f64 <= 1e-6);
        if in_step || times < 2 {
            self.repeat_sent(&before, times, span)?;
            steps.push(Step::Loop(times as u64, inner));
            return Ok(());
        }
        if times.saturating_mul(inner.len()) > MOST_WRITTEN_OUT {
            let message = format!(
                "a pass of this loop lasts {:.6} rotor periods, which is not an integer, and it has too many passes",
                turns.unwrap_or(0.0)
            );
            return Err(Diagnostic::new(Code::OutOfRange, span, message)
                .label("not synchronised with the rotor")
                .help("a rotor-synchronised body may be repeated any number of times")
                .into());
        }
        steps.append(&mut inner);
        for _ in 1..times {
            self.gaps = entry.clone();
            self.events(body, steps)?;
        }
        Ok(())
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
        | Step::Loop(..) => None,
    });
    match what {
        Some(what) => {
            let message = format!("a `{what}` inside a loop would be executed on every pass");
            Err(Diagnostic::new(Code::InsideLoop, span, message).label("inside this loop").into())
        }
        None => Ok(()),
    }
}
