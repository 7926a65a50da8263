//! Symbolic evaluation: numbers are expressions of variables (open parameters), and operators are sums of constant operators with such
//! expressions as coefficients.

use super::time_operator::{TimeOperator, Value};
use super::{Evaluator, Fault, Invariants};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::Expr;
use crate::waveform::Scalar;
use std::sync::Arc;

impl<'a> Evaluator<'a> {
    /// An evaluator in which the given parameters are the variables 0, 1, 2 ..., and the other parameters follow from them.
    ///
    /// # Errors
    /// If a default cannot be evaluated, or a size depends on a variable.
    pub fn symbolic(invariants: &Arc<Invariants<'a>>, variables: &[String]) -> Result<Evaluator<'a>, Fault> {
        let mut e = Evaluator::empty(invariants);
        for param in &invariants.experiment.params {
            let value = match variables.iter().position(|v| *v == param.name) {
                Some(number) => Scalar::variable(number),
                None => e.symbolic_number(&param.default)?,
            };
            match value.constant() {
                Some(x) => drop(e.values.insert(param.name.clone(), x)),
                None => e.variables.push((param.name.clone(), value)),
            }
        }
        // A size that depends on a variable is rejected here.
        e.build_basis()?;
        Ok(e)
    }

    /// A number as an expression of the variables.
    ///
    /// # Errors
    /// If it is an operator, or a part of it must be constant.
    pub fn symbolic_number(&self, expr: &Expr) -> Result<Scalar, Fault> {
        match self.value(expr, &[])? {
            Value::Number(x) => Ok(x),
            Value::Operator(_) => Err(Diagnostic::new(Code::OperatorExpected, expr.span(), "expected a number").into()),
        }
    }

    /// The value of a parameter as an expression of the variables; `None` if there is no such parameter.
    pub fn symbolic_param(&self, name: &str) -> Option<Scalar> {
        let variable = self.variables.iter().find(|(n, _)| n == name).map(|(_, x)| x.clone());
        variable.or_else(|| self.values.get(name).map(|x| Scalar::Constant(*x)))
    }

    /// A Hamiltonian, rad/s, as terms whose coefficients are expressions of the variables. `None` if some term is not Hermitian itself,
    /// so that the sum would have to be checked at every point.
    ///
    /// # Errors
    /// Those of [`Evaluator::hamiltonian`].
    pub fn symbolic_hamiltonian(&self, expr: &Expr) -> Result<Option<TimeOperator>, Fault> {
        let factor = self.factor(expr)?;
        let operator = self.time_operator(expr, false)?;
        let hermitian = operator.terms.iter().all(|(_, term)| term.is_hermitian());
        Ok(hermitian.then(|| operator.scaled(&Scalar::Constant(factor))))
    }

    /// Declares a named Hamiltonian that depends on variables.
    ///
    /// # Errors
    /// Those of [`Evaluator::operator`].
    pub fn symbolic_declare(&self, name: &str, value: &Expr) -> Result<(), Fault> {
        let operator = self.time_operator(value, false)?;
        self.operators.borrow_mut().insert(name.to_string(), operator);
        Ok(())
    }
}
