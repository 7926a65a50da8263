//! Operators and rates of a noise, which may depend on the index of a `for` and on the time since the start of the statement.

use super::time_operator::{TimeOperator, Value};
use super::{Evaluator, Fault, Local};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::Expr;
use crate::waveform::Scalar;

fn names<'a>(index: Option<(&'a str, f64)>) -> Vec<Local<'a>> {
    let time = Local { name: "t", value: Scalar::time() };
    let index = index.map(|(name, x)| Local { name, value: Scalar::Constant(x) });
    index.into_iter().chain([time]).collect()
}

impl Evaluator<'_> {
    /// A collapse operator, in the units in which it is written.
    ///
    /// # Errors
    /// If it depends on a reading, a coefficient is not finite, or the operator is not defined on a site.
    pub fn collapse_operator(&self, expr: &Expr, index: Option<(&str, f64)>) -> Result<TimeOperator, Fault> {
        self.known_before_the_run(expr)?;
        match self.value(expr, &names(index))? {
            Value::Operator(operator) => Ok(operator.merged(&self.basis)),
            Value::Number(_) => {
                Err(Diagnostic::new(Code::OperatorExpected, expr.span(), "expected an operator").into())
            }
        }
    }

    /// A rate, 1/s.
    ///
    /// # Errors
    /// If it depends on a reading, or a constant is not finite.
    pub fn rate(&self, expr: &Expr, index: Option<(&str, f64)>) -> Result<Scalar, Fault> {
        self.known_before_the_run(expr)?;
        match self.value(expr, &names(index))? {
            Value::Number(rate) => Ok(rate),
            Value::Operator(_) => Err(Diagnostic::new(Code::OperatorExpected, expr.span(), "expected a number").into()),
        }
    }
}
