//! Loops of a program: equal repetitions stay a loop, those of a counter are written out.

use super::walk::Walk;
use crate::export::program::{PerRow, Step, StepKind};
use crate::hamiltonian::instrument::Repetition;
use crate::hamiltonian::{Fault, Repetitions};
use crate::ir::{Each, Event, Repeat};
use crate::source::Span;
use crate::syntax::Expr;
use std::ops::RangeInclusive;

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
    fn counted(
        &mut self,
        repeat: &Repeat,
        each: &'a Each,
        body: &'a [Event],
        out: &mut Vec<Step>,
    ) -> Result<(), Fault> {
        let mut values: Option<RangeInclusive<i64>> = None;
        for row in &self.rows {
            let Repetitions::Counted(of_row) = row.repetitions(repeat)? else { continue };
            row.write_out(each, &of_row, body)?;
            if *values.get_or_insert_with(|| of_row.clone()) != of_row {
                return Err(self.differs(each.from.span().to(each.to.span()), "the range of this counter"));
            }
        }
        for repetition in values.into_iter().flat_map(|values| Repetition::counted(&each.index, values)) {
            let Some((name, value)) = repetition.counter else { continue };
            self.rows.iter().for_each(|row| row.begin_repetition(name, value));
            self.position.enter(body, repetition);
            let steps = self.events(body);
            self.position.leave();
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
            return Err(self.differs(span, "whether this loop has any pass"));
        }
        if times.most() > 1.0
            && let Some(e) = self.rows.first()
            && e.spectrometer.is_some()
        {
            self.gaps.repeats(e, body)?;
        }
        for (repetition, times) in self.runs(&times, body, span)? {
            self.position.enter(body, repetition);
            let steps = self.events(body);
            self.position.leave();
            if times.most() == 1.0 {
                out.extend(steps);
            } else if !steps.is_empty() {
                out.push(Step { kind: StepKind::Loop(times, steps), span });
            }
        }
        Ok(())
    }

    /// The repetitions whose delays between centres last equally long at all points of the sweep, with how many they are in a row.
    fn runs(&mut self, times: &PerRow, body: &'a [Event], span: Span) -> Result<Vec<(Repetition<'a>, PerRow)>, Fault> {
        let mut all = Vec::with_capacity(self.rows.len());
        for (row, times) in self.rows.iter().zip(times.values().iter().cycle()) {
            all.push(self.position.runs(row, *times as usize, body)?);
        }
        let Some(first) = all.first() else { return Ok(vec![]) };
        if let [(repetition, _)] = first.as_slice()
            && all.iter().all(|runs| runs.len() == 1)
        {
            return Ok(vec![(*repetition, times.clone())]);
        }
        if all.iter().any(|runs| runs != first) {
            return Err(self.differs(span, "which repetitions of this loop have pulses around them"));
        }
        Ok(first.iter().map(|(repetition, times)| (*repetition, PerRow::Same(*times as f64))).collect())
    }
}
