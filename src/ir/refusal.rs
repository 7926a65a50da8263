//! Diagnostics for ill-typed expressions: both sides of a mismatch, the missing unit, the nearest name.

use super::meaning::{Meaning, Type};
use super::scope::{Index, Scope};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::{Expr, ExprKind};
use crate::units::Dimension;

impl Scope {
    pub(super) fn clash(&self, a: &Expr, ta: Type, b: &Expr, tb: Type, doing: &str) -> Box<Diagnostic> {
        let diagnostic = Diagnostic::new(
            Code::DimensionClash,
            b.span(),
            format!("{} and {} cannot {doing}", ta.describe(), tb.describe()),
        )
        .label(format!("this is {}", tb.describe()))
        .related(a.span(), format!("this is {}", ta.describe()));
        let plain = |t: Type| t.dimension() == Dimension::NUMBER;
        let both = [ta.dimension(), tb.dimension()];
        let diagnostic = if both.contains(&Dimension::FREQUENCY) && both.contains(&Dimension::ANGULAR_FREQUENCY) {
            diagnostic
                .help("1 Hz is 2 pi rad/s: multiply the frequency by `2 * pi * (1 rad)` to obtain an angular frequency")
        } else {
            diagnostic
        };
        let diagnostic = match (plain(ta), plain(tb)) {
            (false, true) => with_units(diagnostic, ta.dimension()),
            (true, false) => with_units(diagnostic, tb.dimension()),
            _ => diagnostic,
        };
        diagnostic.into()
    }

    pub(super) fn wrong_dimension(&self, expr: &Expr, wanted: Dimension, found: Type) -> Box<Diagnostic> {
        let diagnostic = Diagnostic::new(
            Code::WrongDimension,
            expr.span(),
            format!("expected {wanted}, found {}", found.describe()),
        )
        .label(format!("this is {}", found.describe()));
        let declared = if let ExprKind::Name(name) = &expr.kind { self.declared.get(name) } else { None };
        let diagnostic = match declared {
            Some(place) => diagnostic.related(*place, "declared here"),
            None => diagnostic,
        };
        match (wanted, found) {
            (_, Type::Number(Dimension::NUMBER)) if wanted == Dimension::ANGLE && has_pi(expr) => {
                diagnostic.help(format!("a unit is missing: `({expr}) rad`")).into()
            }
            (_, Type::Number(Dimension::NUMBER)) => with_units(diagnostic, wanted).into(),
            _ => match wanted.example_units() {
                Some(units) => diagnostic.help(format!("units of {wanted}: {units}")).into(),
                None => diagnostic.into(),
            },
        }
    }

    pub(super) fn operator_needed(&self, expr: &Expr, found: Type) -> Box<Diagnostic> {
        Diagnostic::new(
            Code::OperatorExpected,
            expr.span(),
            format!("expected an operator, found {}", found.describe()),
        )
        .label("expected an operator such as `Iz(a)`")
        .into()
    }

    pub(super) fn operator_unwanted(&self, expr: &Expr, why: &str) -> Box<Diagnostic> {
        Diagnostic::new(Code::OperatorExpected, expr.span(), why).label("this is an operator").into()
    }

    pub(super) fn vector_unwanted(&self, expr: &Expr) -> Box<Diagnostic> {
        Diagnostic::new(Code::WrongKind, expr.span(), "several values cannot be multiplied")
            .label("this is a tuple")
            .into()
    }

    pub(super) fn wrong_arguments(&self, expr: &Expr, why: &str) -> Box<Diagnostic> {
        Diagnostic::new(Code::WrongArguments, expr.span(), why).into()
    }

    pub(super) fn site_as_value(&self, name: &str, span: Span) -> Box<Diagnostic> {
        Diagnostic::new(Code::WrongKind, span, format!("`{name}` is a subsystem, not a number or an operator"))
            .label("expected a number or an operator")
            .help(format!("operators are written `Iz({name})`, `X({name})` ..."))
            .into()
    }

    pub(super) fn unknown_site(&self, name: &str, span: Span) -> Box<Diagnostic> {
        let known =
            self.names.iter().filter(|(_, m)| matches!(m, Meaning::Site(_) | Meaning::Array)).map(|(n, _)| n.as_str());
        let known = sorted(known);
        let diagnostic = Diagnostic::new(Code::UnknownName, span, format!("unknown spin, collective or mode `{name}`"))
            .label("not declared")
            .did_you_mean(name, known.iter().copied());
        if diagnostic.help.is_empty() && !known.is_empty() {
            const SHOWN: usize = 12;
            let list: Vec<&str> = known.into_iter().take(SHOWN).collect();
            return diagnostic.help(format!("declared in `system`: {}", list.join(", "))).into();
        }
        diagnostic.into()
    }

    /// Diagnostic for an unknown name, with the most similar known one.
    pub fn unknown(&self, name: &str, span: Span, indices: &[Index]) -> Box<Diagnostic> {
        let known = self.names.keys().map(String::as_str).chain(indices.iter().map(|i| i.name));
        let diagnostic = Diagnostic::new(Code::UnknownName, span, format!("`{name}` is not declared"))
            .label("not declared")
            .did_you_mean(name, sorted(known));
        if self.counters.contains(name) {
            return diagnostic.help(format!("`{name}` is the counter of a loop, and a number only in its body")).into();
        }
        if ["i", "j"].contains(&name) {
            // Two letters are near every other name of one letter.
            let help =
                "the language has no imaginary unit; write Hermitian operators, such as `Iy(a)` or `Ip(a)*Im(b) + hc`"
                    .to_string();
            return Diagnostic { help: vec![help], ..diagnostic }.into();
        }
        if crate::units::Unit::named(name).is_some() && !self.natural() {
            return diagnostic
                .help(format!("`{name}` is a unit: it must follow a number or a parenthesis, as in `1 {name}`"))
                .into();
        }
        if diagnostic.help.is_empty() {
            return diagnostic.help(format!("declare it: `param {name} = ...`")).into();
        }
        diagnostic.into()
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names
}

/// True if an expression names pi.
fn has_pi(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| found |= matches!(&e.kind, ExprKind::Name(name) if name == "pi"));
    found
}

fn with_units(diagnostic: Diagnostic, dimension: Dimension) -> Diagnostic {
    match dimension.example_units() {
        Some(units) => diagnostic.help(format!("a unit is missing: {units}")),
        None => diagnostic,
    }
}
