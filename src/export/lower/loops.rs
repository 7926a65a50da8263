//! Loops of a program: equal repetitions stay a loop, those of a counter are written out.

use super::refused;
use super::walk::Walk;
use crate::export::program::{Step, StepKind};
use crate::hamiltonian::{Fault, Repetitions};
use crate::ir::{Each, Event, Repeat};
use crate::source::Span;
use crate::syntax::Expr;

impl<'a> Walk<'a> {
    /// A loop.
    pub(super) fn repeat(
        &mut self,
        repeat: &'a Repeat,
        body: &'a [Event],
        span: Span,
        out: &mut Vec<Step>,
    ) -> Result<(), Fault> {
        match repeat {
            Repeat::Count(count) => self.repeated(count, body, span, out),
            Repeat::Counter(each) => self.counted(repeat, each, body, out),
        }
    }

    /// The repetitions of a counter, which has the same values at all points of the sweep.
    fn counted(&mut self, repeat: &Repeat, each: &Each, body: &'a [Event], out: &mut Vec<Step>) -> Result<(), Fault> {
        let mut values: Option<Vec<i64>> = None;
        for row in &self.rows {
            let Repetitions::Counted(of_row) = row.repetitions(repeat, body)? else { continue };
            if *values.get_or_insert_with(|| of_row.clone()) != of_row {
                return Err(refused::differs(each.from.span().to(each.to.span()), "the range of this counter").into());
            }
        }
        for value in values.unwrap_or_default() {
            self.rows.iter().for_each(|row| row.begin_repetition(&each.index, value));
            let steps = self.events(body);
            self.rows.iter().for_each(|row| row.end_repetition());
            out.extend(steps);
        }
        Ok(())
    }

    /// A loop; one that runs once is written out, one that never runs is left out.
    fn repeated(&mut self, count: &Expr, body: &'a [Event], span: Span, out: &mut Vec<Step>) -> Result<(), Fault> {
        let times = self.each_row(|e| Ok(e.count(count, 0)? as f64))?;
        if times.most() == 0.0 {
            return Ok(());
        }
        if times.least() == 0.0 {
            return Err(refused::differs(span, "whether this loop has any pass").into());
        }
        if times.most() > 1.0
            && let Some(e) = self.rows.first()
            && e.spectrometer.is_some()
        {
            self.gaps.repeats(e, body)?;
        }
        let steps = self.events(body);
        if times.most() == 1.0 {
            out.extend(steps);
        } else if !steps.is_empty() {
            out.push(Step { kind: StepKind::Loop(times, steps), span });
        }
        Ok(())
    }
}
