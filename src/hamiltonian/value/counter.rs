//! Counters of loops: numbers that differ from repetition to repetition.

use super::{Counter, Evaluator, Fault, turns};
use crate::budget::STATEMENTS;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Each, Event, Repeat};
use crate::source::Span;
use crate::syntax::{Expr, ExprKind};
use std::ops::RangeInclusive;

/// The repetitions of a loop.
pub enum Repetitions {
    /// So many equal ones.
    Equal(usize),
    /// One for every value of the counter.
    Counted(RangeInclusive<i64>),
}

impl Evaluator<'_> {
    /// The repetitions of a loop.
    ///
    /// # Errors
    /// If a number of repetitions or a bound is not a whole number, or a counter would run backwards.
    pub fn repetitions(&self, repeat: &Repeat) -> Result<Repetitions, Fault> {
        match repeat {
            Repeat::Count(count) => Ok(Repetitions::Equal(self.count(count, 0)?)),
            Repeat::Counter(each) => {
                let (from, to) = self.bounds(&each.from, &each.to, &[])?;
                // One less than the first value is no repetition, as for a count of 0 given by a parameter.
                if to < from - 1 {
                    return Err(backwards(each, from, to));
                }
                Ok(Repetitions::Counted(from..=to))
            }
        }
    }

    /// Counts the statements of a counted loop, whose repetitions are written out, towards [`STATEMENTS`].
    ///
    /// # Errors
    /// If there are too many.
    pub fn write_out(&self, each: &Each, values: &RangeInclusive<i64>, body: &[Event]) -> Result<(), Fault> {
        let statements = turns(*values.start(), *values.end()).saturating_mul(body.len() as u64);
        self.count_statements(statements, each.to.span())
    }

    /// Counts statements that are written out towards [`STATEMENTS`].
    ///
    /// # Errors
    /// If there are too many.
    pub fn count_statements(&self, statements: u64, place: Span) -> Result<(), Fault> {
        self.written_out.set(self.written_out.get().saturating_add(statements));
        STATEMENTS.check(self.written_out.get(), Some(place))
    }

    /// Evaluates something in one repetition of a counted loop.
    pub fn with_counter<T>(&self, name: &str, value: i64, evaluate: impl FnOnce() -> T) -> T {
        self.begin_repetition(name, value);
        let result = evaluate();
        self.end_repetition();
        result
    }

    /// From here to [`Evaluator::end_repetition`] a counter has this value.
    pub fn begin_repetition(&self, name: &str, value: i64) {
        self.counters.borrow_mut().push(Counter { name: name.to_string(), value: value as f64 });
    }

    /// Ends the repetition of the innermost counted loop.
    pub fn end_repetition(&self) {
        self.counters.borrow_mut().pop();
    }

    /// The value of a counter; `None` outside its loop.
    pub(super) fn counter(&self, name: &str) -> Option<f64> {
        self.counters.borrow().iter().rev().find(|c| c.name == name).map(|c| c.value)
    }

    /// True if the value of an expression depends on a counter.
    pub fn is_counted(&self, expr: &Expr) -> bool {
        let counters = self.counters.borrow();
        let mut found = false;
        if !counters.is_empty() {
            expr.walk(&mut |e| found |= matches!(&e.kind, ExprKind::Name(n) if counters.iter().any(|c| c.name == *n)));
        }
        found
    }
}

fn backwards(each: &Each, from: i64, to: i64) -> Fault {
    let message = format!("the counter `{}` would run from {from} back to {to}", each.index);
    Diagnostic::new(Code::OutOfRange, each.from.span().to(each.to.span()), message)
        .label("an empty range: a counter goes up")
        .help(format!("write the smaller bound first, and `{} - {}` for the falling value", from + to, each.index))
        .into()
}
