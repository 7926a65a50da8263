//! Readings: means of observables that are known only while the sequence runs. In the coefficients of later statements they are variables.

use super::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{Expr, ExprKind};
use crate::waveform::Scalar;

impl Evaluator<'_> {
    /// From here on the name stands for a new reading; returns the number of its variable.
    pub fn begin_reading(&self, name: &str) -> usize {
        let mut readings = self.readings.borrow_mut();
        let number = readings.len();
        readings.push((name.to_string(), number));
        number
    }

    /// The variable of a reading; `None` if there is no reading of this name before the statement.
    pub(super) fn reading(&self, name: &str) -> Option<Scalar> {
        let readings = self.readings.borrow();
        readings.iter().rev().find(|(n, _)| n == name).map(|(_, number)| Scalar::variable(*number))
    }

    /// The first reading that an expression contains.
    pub fn reading_in(&self, expr: &Expr) -> Option<String> {
        let readings = self.readings.borrow();
        let mut found = None;
        if !readings.is_empty() {
            expr.walk(&mut |e| match &e.kind {
                ExprKind::Name(name) if found.is_none() && readings.iter().any(|(n, _)| n == name) => {
                    found = Some(name.clone());
                }
                _ => {}
            });
        }
        found
    }

    /// Rejects a reading where a number must be known before the run.
    pub(super) fn known_before_the_run(&self, expr: &Expr) -> Result<(), Fault> {
        let Some(name) = self.reading_in(expr) else { return Ok(()) };
        let message = format!("`{name}` is read while the sequence runs, so `{expr}` is not known before");
        Err(Diagnostic::new(Code::WrongKind, expr.span(), message)
            .label("needs a number that is known before the run")
            .help("readings may be in the strengths of an `evolve` and in the flip angle of an `ideal` pulse")
            .into())
    }
}
