//! Operators and Hamiltonians of expressions; Hamiltonians are in rad/s.

use super::time_operator::{TimeOperator, Value};
use super::{Evaluator, Fault, Local, Terms};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::Type;
use crate::linalg::real;
use crate::spin::Operator;
use crate::syntax::{Expr, ExprKind};
use crate::units::hamiltonian_factor;
use crate::waveform::Scalar;
use std::sync::Arc;
impl Evaluator<'_> {
    /// An operator, in the units in which it is written.
    ///
    /// # Errors
    /// If a coefficient is not finite, or the operator is not defined on a site.
    pub fn operator(&self, expr: &Expr) -> Result<Operator, Fault> {
        let operator = self.time_operator(expr, false)?;
        operator.fixed(&self.basis).ok_or_else(|| {
            Diagnostic::new(Code::WrongKind, expr.span(), "this operator must not depend on time").into()
        })
    }

    /// A time-independent Hamiltonian, rad/s.
    ///
    /// # Errors
    /// If it is not Hermitian; and those of [`Evaluator::operator`].
    pub fn hamiltonian(&self, expr: &Expr) -> Result<Operator, Fault> {
        let factor = self.factor(expr)?;
        let operator = self.operator(expr)?;
        if !self.is_declared(expr) && !operator.is_hermitian() {
            return Err(self.not_hermitian(expr));
        }
        Ok(operator.times_number(real(factor)))
    }

    /// True if `expr` names a declared Hamiltonian already known to be Hermitian.
    pub(super) fn is_declared(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Name(name) if self.declared.borrow().contains(name))
    }

    /// Declares a named Hamiltonian.
    ///
    /// # Errors
    /// If it is not Hermitian; and those of [`Evaluator::operator`].
    pub fn declare(&self, name: &str, value: &Expr) -> Result<(), Fault> {
        let operator = self.operator(value)?;
        if !operator.is_hermitian() {
            return Err(self.not_hermitian(value));
        }
        self.factor(value)?;
        self.operators.borrow_mut().insert(name.to_string(), TimeOperator::constant(operator));
        self.declared.borrow_mut().push(name.to_string());
        Ok(())
    }

    /// A Hamiltonian, rad/s, that may depend on the time since the start of the statement.
    ///
    /// # Errors
    /// Those of [`Evaluator::hamiltonian`].
    pub(super) fn driven_hamiltonian(&self, expr: &Expr) -> Result<TimeOperator, Fault> {
        let factor = self.factor(expr)?;
        let operator = self.time_operator(expr, true)?;
        if !self.is_hermitian_at_all_times(&operator) {
            return Err(self.not_hermitian(expr));
        }
        Ok(operator.scaled(&Scalar::Constant(factor)))
    }

    /// Whether `sum c_k(t) A_k`, with real c_k, is Hermitian at all times and for all values of the variables. It is tested at times from
    /// 1 ns to 10^4 s in steps of a seventh, with unrelated values of the variables. Hermitian terms need no test.
    fn is_hermitian_at_all_times(&self, operator: &TimeOperator) -> bool {
        const FIRST: f64 = 1.0e-9;
        const RATIO: f64 = 1.1437;
        const TIMES: i32 = 224;
        let own: Vec<_> = operator.terms.iter().filter(|(_, o)| !o.is_hermitian()).collect();
        if own.is_empty() {
            return true;
        }
        let variable = |number: usize| 0.3 + ((number + 1) as f64 * 0.618_033_988_749_894_9).fract();
        let fixed = own.iter().all(|(c, _)| c.constant().is_some());
        (0..if fixed { 1 } else { TIMES }).all(|k| {
            let t = FIRST * RATIO.powi(k);
            let values: Vec<f64> = own.iter().map(|(c, _)| c.with(t, variable)).collect();
            // Expressions with poles are refused when the waveform is resolved.
            if values.iter().any(|c| !c.is_finite()) {
                return true;
            }
            let sum = own
                .iter()
                .zip(values)
                .fold(Operator::zero(&self.basis), |sum, ((_, o), c)| sum.plus(o.clone().times_number(real(c))));
            sum.is_hermitian()
        })
    }

    /// The terms of a Hamiltonian, rad/s, that may depend on the time since the start of the statement. If it contains no parameter,
    /// all points share them.
    ///
    /// # Errors
    /// Those of [`Evaluator::hamiltonian`].
    pub fn evolution(&self, expr: &Expr) -> Result<Terms, Fault> {
        let kept = self.invariants.evolution(expr);
        if let Some(known) = kept.and_then(|k| k.get()) {
            return Ok(known.clone());
        }
        let terms: Terms = self.driven_hamiltonian(expr)?.terms.into_iter().map(|(c, o)| (c, Arc::new(o))).collect();
        if let Some(kept) = kept {
            let _ = kept.set(terms.clone());
        }
        Ok(terms)
    }

    /// Factor from the units of the expression to rad/s.
    pub(super) fn factor(&self, expr: &Expr) -> Result<f64, Fault> {
        let kept = self.invariants.factor(expr);
        if let Some(known) = kept.and_then(|k| k.get()) {
            return Ok(*known);
        }
        let factor = self.factor_of(expr)?;
        if let Some(kept) = kept {
            let _ = kept.set(factor);
        }
        Ok(factor)
    }

    pub(super) fn factor_of(&self, expr: &Expr) -> Result<f64, Fault> {
        let time = crate::ir::Index { name: "t", dimension: self.scope.dimension(crate::units::Dimension::TIME) };
        let found = self.scope.type_of(expr, &[time])?;
        let (Type::Operator(d) | Type::Number(d) | Type::Vector(d)) = found;
        hamiltonian_factor(d, self.scope.units).ok_or_else(|| {
            let diagnostic = Diagnostic::new(Code::WrongDimension, expr.span(), format!("a Hamiltonian cannot be {d}"));
            diagnostic.help("an operator of another dimension has its name by `operator M = ...`").into()
        })
    }

    /// The error names the first term of the outermost sum that is not Hermitian itself.
    pub(super) fn not_hermitian(&self, expr: &Expr) -> Fault {
        let culprit = match &expr.kind {
            ExprKind::Sum(terms) => terms.iter().map(|t| &t.value).find(|e| {
                !matches!(&e.kind, ExprKind::Name(n) if n == "hc") && self.operator(e).is_ok_and(|o| !o.is_hermitian())
            }),
            ExprKind::Name(name) => self.experiment.hamiltonians.iter().find(|h| h.name == *name).map(|h| &h.value),
            _ => None,
        };
        let diagnostic = Diagnostic::new(Code::NotHermitian, expr.span(), format!("`{expr}` is not Hermitian"));
        let diagnostic = match culprit {
            Some(term) if term.span() != expr.span() && term.place.0.is_some() => {
                diagnostic.related(term.span(), format!("`{term}` differs from its Hermitian conjugate"))
            }
            _ => diagnostic,
        };
        diagnostic
            .help("`+ hc` adds the Hermitian conjugate of everything before it inside the same parentheses")
            .into()
    }

    pub(super) fn time_operator(&self, expr: &Expr, driven: bool) -> Result<TimeOperator, Fault> {
        let time = Local { name: "t", value: Scalar::time() };
        let locals = if driven { vec![time] } else { vec![] };
        match self.value(expr, &locals)? {
            Value::Operator(operator) => Ok(operator),
            Value::Number(_) => {
                Err(Diagnostic::new(Code::OperatorExpected, expr.span(), "expected an operator").into())
            }
        }
    }

    /// A function of time, as in `theory`.
    ///
    /// # Errors
    /// If it is an operator.
    pub fn curve(&self, expr: &Expr) -> Result<Scalar, Fault> {
        let time = Local { name: "t", value: Scalar::time() };
        match self.value(expr, &[time])? {
            Value::Number(scalar) => Ok(scalar),
            Value::Operator(_) => Err(Diagnostic::new(Code::OperatorExpected, expr.span(), "expected a number").into()),
        }
    }
}
