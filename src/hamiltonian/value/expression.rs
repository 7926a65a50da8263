//! Evaluates expressions to numbers, or to operators with possibly time-dependent coefficients.

use super::time_operator::{TimeOperator, Value, multiply};
use super::{Evaluator, Fault, Local};
use crate::budget::{OPERATOR_TERMS, PRODUCT_ELEMENTS};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::interactions;
use crate::hamiltonian::orientation::Internal;
use crate::ir::{FunctionInfo, LARMOR, LENGTH, SIZE, Type};
use crate::linalg::real;
use crate::source::Span;
use crate::spin::{Isotope, LocalKind, Operator, SiteKind};
use crate::syntax::ast::SpinKind;
use crate::syntax::{Expr, ExprKind, Factor, Fold, Over};
use crate::units::{Constant, GAMMA, angular_factor};
use crate::waveform::Scalar;
impl Evaluator<'_> {
    pub(super) fn value(&self, expr: &Expr, locals: &[Local]) -> Result<Value, Fault> {
        let Some(kept) = self.invariants.constant(expr) else { return self.made(expr, locals) };
        if let Some(known) = kept.get() {
            return Ok(Value::Operator(known.clone()));
        }
        let made = self.made(expr, locals)?;
        if let Value::Operator(operator) = &made {
            // Another thread may have stored it first; its value is equal.
            let _ = kept.set(operator.clone());
        }
        Ok(made)
    }

    pub(super) fn made(&self, expr: &Expr, locals: &[Local]) -> Result<Value, Fault> {
        let span = expr.span();
        match &expr.kind {
            ExprKind::Number(x) => Ok(Value::Number(Scalar::Constant(*x))),
            ExprKind::Quantity(inner, unit) => {
                let factor = unit.factor;
                match self.value(inner, locals)? {
                    Value::Number(x) => Ok(Value::Number(x.scaled(factor))),
                    Value::Operator(_) => {
                        Err(Diagnostic::new(Code::OperatorExpected, span, "a unit must follow a number").into())
                    }
                }
            }
            ExprKind::Name(name) => self.named(name, span, locals),
            ExprKind::Call(name, items) => self.call(name, items, span, locals),
            ExprKind::Sum(terms) => {
                let sum = self.sum(terms, locals)?;
                if let Value::Operator(operator) = &sum {
                    OPERATOR_TERMS.check(operator.products(), Some(span))?;
                }
                Ok(sum)
            }
            ExprKind::Product(factors) => self.product(factors, span, locals),
            ExprKind::Power(base, exponent) => {
                let exponent_value = self.value(exponent, locals)?;
                match (self.value(base, locals)?, exponent_value) {
                    (Value::Number(a), Value::Number(b)) => Ok(Value::Number(a.to_power(&b))),
                    (Value::Operator(a), Value::Number(b)) => {
                        let times = self.whole(exponent, b.constant().unwrap_or(f64::NAN), 1)?;
                        let mut product = a.clone();
                        for _ in 1..times {
                            product = self.multiplied(&product, &a, span)?;
                        }
                        Ok(Value::Operator(product))
                    }
                    _ => Err(Diagnostic::new(Code::OperatorExpected, span, "an exponent must be a number").into()),
                }
            }
            ExprKind::Over(sum) => self.over(sum, span, locals),
            ExprKind::Index(name, index) if self.experiment.list(name).is_some() => {
                Ok(Value::Number(self.element(name, index, span, locals)?))
            }
            ExprKind::Index(..)
            | ExprKind::Tuple(_)
            | ExprKind::Text(_)
            | ExprKind::Isotope(_)
            | ExprKind::Member(..) => {
                Err(Diagnostic::new(Code::WrongKind, span, format!("`{expr}` is neither a number nor an operator"))
                    .into())
            }
        }
    }

    /// A product, the first factor leftmost.
    fn product(&self, factors: &[Factor], span: Span, locals: &[Local]) -> Result<Value, Fault> {
        let mut product = Value::Number(Scalar::Constant(1.0));
        for factor in factors {
            let value = self.value(&factor.value, locals)?;
            if let Value::Number(x) = &value {
                finite(&factor.value, x, factor.divides)?;
            }
            product = match (product, value) {
                (Value::Number(a), Value::Number(b)) if factor.divides => Value::Number(a.over(&b)),
                (Value::Operator(a), Value::Number(b)) if factor.divides => {
                    Value::Operator(a.scaled(&Scalar::Constant(1.0).over(&b)))
                }
                (a, b) => self.times(a, b, span)?,
            };
        }
        Ok(product)
    }

    /// A sum or product over an index, whose turns are counted.
    fn over(&self, sum: &Over, span: Span, locals: &[Local]) -> Result<Value, Fault> {
        let (from, to) = self.bounds(&sum.from, &sum.to, locals)?;
        let mut total: Option<Value> = None;
        let mut inside = locals.to_vec();
        for k in from..=to {
            self.spend(1, span)?;
            inside.truncate(locals.len());
            inside.push(Local { name: &sum.index, value: Scalar::Constant(k as f64) });
            let value = self.value(&sum.body, &inside)?;
            total = Some(match (total, sum.fold) {
                (Some(total), Fold::Sum) => self.add(total, value),
                (Some(total), Fold::Product) => self.times(total, value, span)?,
                (None, _) => value,
            });
            if let Some(Value::Operator(total)) = &total {
                OPERATOR_TERMS.check(total.terms.len() as u64, Some(span))?;
            }
        }
        match (total, sum.fold) {
            (Some(total), _) => Ok(self.merged(total)),
            // An empty sum is zero and an empty product one, of the kind of its body.
            (None, Fold::Sum) if self.is_operator(sum, locals) => Ok(Value::Operator(TimeOperator { terms: vec![] })),
            (None, Fold::Product) if self.is_operator(sum, locals) => {
                Ok(Value::Operator(TimeOperator::constant(Operator::identity(&self.basis, real(1.0)))))
            }
            (None, Fold::Sum) => Ok(Value::Number(Scalar::Constant(0.0))),
            (None, Fold::Product) => Ok(Value::Number(Scalar::Constant(1.0))),
        }
    }

    /// The product of two values, the first on the left.
    fn times(&self, a: Value, b: Value, span: Span) -> Result<Value, Fault> {
        Ok(match (a, b) {
            (Value::Number(a), Value::Number(b)) => Value::Number(a.times(&b)),
            (Value::Operator(a), Value::Number(b)) => Value::Operator(a.scaled(&b)),
            (Value::Number(a), Value::Operator(b)) => Value::Operator(b.scaled(&a)),
            (Value::Operator(a), Value::Operator(b)) => Value::Operator(self.multiplied(&a, &b, span)?),
        })
    }

    /// The product of two operators, which has as many terms as the product of their numbers of terms.
    fn multiplied(&self, a: &TimeOperator, b: &TimeOperator, span: Span) -> Result<TimeOperator, Fault> {
        let count = a.products().saturating_mul(b.products());
        OPERATOR_TERMS.check(count, Some(span))?;
        self.spend(count, span)?;
        let mut multiplication = self.multiplication.borrow_mut();
        multiply(a, b, |p, q| multiplication.product(p, q, PRODUCT_ELEMENTS.most))
            .ok_or_else(|| PRODUCT_ELEMENTS.exceeded(Some(span)).into())
    }

    pub(super) fn is_operator(&self, sum: &crate::syntax::Over, locals: &[Local]) -> bool {
        let number = self.scope.dimension(crate::units::Dimension::TIME);
        let mut indices: Vec<crate::ir::Index> = locals
            .iter()
            .map(|l| crate::ir::Index {
                name: l.name,
                dimension: if l.name == "t" { number } else { Default::default() },
            })
            .collect();
        indices.push(crate::ir::Index { name: &sum.index, dimension: Default::default() });
        matches!(self.scope.type_of(&sum.body, &indices), Ok(Type::Operator(_)))
    }

    pub(super) fn sum(&self, terms: &[crate::syntax::Term], locals: &[Local]) -> Result<Value, Fault> {
        let mut total: Option<Value> = None;
        for term in terms {
            let conjugate =
                matches!(&term.value.kind, ExprKind::Name(n) if n == "hc") && !self.values.contains_key("hc");
            if let (true, Some(Value::Operator(before))) = (conjugate, &total) {
                let adjoint =
                    TimeOperator { terms: before.terms.iter().map(|(c, o)| (c.clone(), o.adjoint())).collect() };
                total = total.map(|t| self.add(t, Value::Operator(adjoint)));
                continue;
            }
            let mut value = self.value(&term.value, locals)?;
            if term.negative {
                value = match value {
                    Value::Number(x) => Value::Number(x.scaled(-1.0)),
                    Value::Operator(o) => Value::Operator(o.scaled(&Scalar::Constant(-1.0))),
                };
            }
            total = Some(match total {
                Some(total) => self.add(total, value),
                None => value,
            });
        }
        Ok(self.merged(total.unwrap_or(Value::Number(Scalar::Constant(0.0)))))
    }

    /// The sum; operators are collected in a list that is merged at the end. A number added to an operator means that multiple of the
    /// identity.
    pub(super) fn add(&self, a: Value, b: Value) -> Value {
        match (a, b) {
            (Value::Number(a), Value::Number(b)) => Value::Number(a.plus(&b)),
            (Value::Operator(mut a), Value::Operator(b)) => {
                a.terms.extend(b.terms);
                Value::Operator(a)
            }
            (Value::Operator(mut o), Value::Number(x)) | (Value::Number(x), Value::Operator(mut o)) => {
                o.terms.push((x, Operator::identity(&self.basis, real(1.0))));
                Value::Operator(o)
            }
        }
    }

    pub(super) fn merged(&self, sum: Value) -> Value {
        match sum {
            Value::Operator(o) if o.terms.len() > 1 => Value::Operator(o.merged(&self.basis)),
            sum => sum,
        }
    }

    pub(super) fn named(&self, name: &str, span: Span, locals: &[Local]) -> Result<Value, Fault> {
        if let Some(local) = locals.iter().rev().find(|l| l.name == name) {
            return Ok(Value::Number(local.value.clone()));
        }
        if let Some(value) = self.counter(name) {
            return Ok(Value::Number(Scalar::Constant(value)));
        }
        if let Some(variable) = self.reading(name) {
            return Ok(Value::Number(variable));
        }
        if let Some((_, variable)) = self.variables.iter().find(|(n, _)| n == name) {
            return Ok(Value::Number(variable.clone()));
        }
        if let Some(value) = self.values.get(name) {
            return Ok(Value::Number(Scalar::Constant(*value)));
        }
        if let Some(found) = self.operators.borrow().get(name) {
            return Ok(Value::Operator(found.clone()));
        }
        let operator = if let Some(h) = self.experiment.hamiltonians.iter().find(|h| h.name == name) {
            let operator = self.operator(&h.value)?;
            Some(operator)
        } else if let Some((part, _)) = crate::ir::SYSTEM_PARTS.iter().find(|(p, _)| *p == name) {
            Some(self.part(part, span)?)
        } else {
            None
        };
        match operator {
            Some(operator) => {
                let operator = TimeOperator::constant(operator);
                self.operators.borrow_mut().insert(name.to_string(), operator.clone());
                Ok(Value::Operator(operator))
            }
            None if name == "pi" => Ok(Value::Number(Scalar::Constant(std::f64::consts::PI))),
            None => match Constant::named(name).filter(|_| !self.scope.natural()) {
                Some(constant) => Ok(Value::Number(Scalar::Constant(constant.value))),
                None => Err(self.scope.unknown(name, span, &[])),
            },
        }
    }

    /// A part of the system's Hamiltonian in the units of the file: Hz, or rad/s in natural units.
    pub(super) fn part(&self, part: &str, span: Span) -> Result<Operator, Fault> {
        let scale = 1.0 / angular_factor(self.scope.units);
        let operator = match part {
            "zeeman" => interactions::zeeman_energy(self, span)?.at_rest(part, span)?,
            "internal" => self.internal()?.at_rest(part, span)?,
            // Couplings without an orientation are time-independent operators even under MAS.
            _ => interactions::sum(self, Some(part))?.at_rest(part, span)?,
        };
        Ok(operator.times_number(real(scale)))
    }

    /// The internal Hamiltonian, which acts during delays and pulses, rad/s.
    ///
    /// # Errors
    /// If an interaction cannot be computed.
    pub fn internal(&self) -> Result<Internal, Fault> {
        interactions::sum(self, None)
    }

    pub(super) fn call(&self, name: &str, items: &[Expr], span: Span, locals: &[Local]) -> Result<Value, Fault> {
        if let Some(kind) = LocalKind::named(name) {
            let mut sum = Operator::zero(&self.basis);
            let [sites] = items else { return Err(wrong_arguments(name, span)) };
            for site in self.sites_with(sites, locals)? {
                let Some(operator) = Operator::of(&self.basis, kind, site) else {
                    return Err(self.wrong_operator(name, kind, site, span));
                };
                sum = sum.plus(operator);
            }
            return Ok(Value::Operator(TimeOperator::constant(sum)));
        }
        if name == SIZE {
            let [Expr { kind: ExprKind::Name(list), .. }] = items else { return Err(wrong_arguments(name, span)) };
            let list = self.experiment.list(list).ok_or_else(|| wrong_arguments(name, span))?;
            return Ok(Value::Number(Scalar::Constant(self.size_of(list)? as f64)));
        }
        if name == LENGTH {
            return Ok(Value::Number(Scalar::Constant(self.length(items, span, locals)?)));
        }
        if name == GAMMA {
            let [Expr { kind: ExprKind::Isotope(symbol), .. }] = items else { return Err(wrong_arguments(name, span)) };
            let isotope = Isotope::named(symbol).ok_or_else(|| wrong_arguments(name, span))?;
            return Ok(Value::Number(Scalar::Constant(isotope.gamma)));
        }
        if name == LARMOR {
            return Ok(Value::Number(Scalar::Constant(self.larmor(items, span)?)));
        }
        let Some(function) = FunctionInfo::named(name) else {
            return Err(Diagnostic::new(Code::UnknownFunction, span, format!("`{name}` is not a function")).into());
        };
        let mut arguments = Vec::with_capacity(2);
        for item in items {
            match self.value(item, locals)? {
                Value::Number(x) => arguments.push(x),
                Value::Operator(_) => {
                    return Err(Diagnostic::new(
                        Code::OperatorExpected,
                        item.span(),
                        format!("`{name}` takes a number"),
                    )
                    .into());
                }
            }
        }
        let value = match arguments.as_slice() {
            [x] => x.apply(function.function),
            [x, y] => x.extreme(function.function, y),
            _ => return Err(wrong_arguments(name, span)),
        };
        Ok(Value::Number(value))
    }

    pub(super) fn wrong_operator(&self, name: &str, kind: LocalKind, site: usize, span: Span) -> Fault {
        let site = self.basis.site(site);
        let what = match site.kind {
            SiteKind::Spin => format!("a spin {}", SpinKind::Twice(site.dimension as u32 - 1)),
            SiteKind::Collective { .. } => "a collective".to_string(),
            SiteKind::Mode => "a mode".to_string(),
        };
        let help = match (kind, &site.kind) {
            (LocalKind::Lower | LocalKind::Raise | LocalKind::Number, _) => {
                "a mode is declared by `mode m : cutoff`; spins have Ip and Im"
            }
            (_, SiteKind::Mode) => "a mode has lower(m), raise(m) and number(m)",
            (_, SiteKind::Collective { .. }) => {
                "a collective has only the operators Ix, Iy, Iz, Ip and Im, the sums over its spins"
            }
            (_, SiteKind::Spin) => "Pauli matrices are defined for a spin 1/2; any spin has Ix, Iy, Iz, Ip and Im",
        };
        Diagnostic::new(Code::WrongOperator, span, format!("`{name}` is not defined for `{}`, {what}", site.name))
            .label("no such operator here")
            .help(help)
            .into()
    }
}

/// Rejects a factor that makes a product infinite: a zero divisor, or an infinite factor.
fn finite(expr: &Expr, x: &Scalar, divides: bool) -> Result<(), Fault> {
    let Some(x) = x.constant() else { return Ok(()) };
    if divides && x == 0.0 {
        return Err(Diagnostic::new(Code::NotFinite, expr.span(), format!("division by zero: `{expr}` is zero"))
            .label("this is zero")
            .into());
    }
    if !x.is_finite() {
        return Err(Diagnostic::new(Code::NotFinite, expr.span(), format!("`{expr}` is {x}"))
            .label("this is not finite")
            .into());
    }
    Ok(())
}

fn wrong_arguments(name: &str, span: Span) -> Fault {
    Diagnostic::new(Code::WrongArguments, span, format!("wrong number of arguments of `{name}`")).into()
}
