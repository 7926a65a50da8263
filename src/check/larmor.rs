//! Fields and shifts given by frequencies: both follow from the Larmor frequency of a nucleus.

use super::checker::{Checker, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Index, LARMOR, SiteDeclaration, Type};
use crate::source::{Place, Span};
use crate::syntax::ast::Name;
use crate::syntax::{Expr, ExprKind, Factor};
use crate::units::{Dimension, GAMMA, Unit};

/// The field in tesla: as written, or `nu * 1 turn / |gamma|` where it is given by the Larmor frequency of a nucleus, which must be known.
pub(super) fn field(value: &Expr, nucleus: Option<&Name>, c: &mut Checker) -> Expr {
    if needs_itself(value, LARMOR, "the field", c) {
        return Expr { place: value.place, ..Expr::number(0.0) };
    }
    let Some(nucleus) = nucleus else {
        return c.expr(value, |s, e| s.number(e, Dimension::FIELD, &[]).map_err(|fault| named_nucleus(s, e, fault)));
    };
    c.number(value, Dimension::FREQUENCY);
    let Some(turn) = Unit::named("turn") else { return value.clone() };
    let place = value.place;
    let at = |kind| Expr { kind, place };
    let ratio = at(ExprKind::Call(GAMMA.into(), vec![isotope_expr(&nucleus.text, place)]));
    let field = at(ExprKind::Product(vec![
        Factor { divides: false, value: value.clone() },
        Factor { divides: false, value: at(ExprKind::Quantity(Box::new(at(ExprKind::Number(1.0))), turn)) },
        Factor { divides: true, value: at(ExprKind::Call("abs".into(), vec![ratio])) },
    ]));
    c.number(&field, Dimension::FIELD)
}

/// Reports a quantity that is made of a function which needs the quantity.
pub(super) fn needs_itself(value: &Expr, function: &str, what: &str, c: &mut Checker) -> bool {
    let mut found = false;
    value.walk(&mut |e| found |= matches!(&e.kind, ExprKind::Call(name, _) if name == function));
    if found {
        let message = format!("circular definition: `{function}` depends on {what}");
        c.diagnostics
            .push(Diagnostic::new(Code::CircularDefinition, value.span(), message).label("part of its own definition"));
    }
    found
}

/// Adds what to write to the error for a field that is a frequency of no nucleus.
fn named_nucleus(scope: &crate::ir::Scope, value: &Expr, fault: Fault) -> Fault {
    match scope.type_of(value, &[]) {
        Ok(Type::Number(Dimension::FREQUENCY)) if !scope.natural() => fault
            .help(format!("a field may be given by the Larmor frequency of a nucleus: `field {value} of 1H`"))
            .into(),
        _ => fault,
    }
}

/// The isotope of a declared spin, or of the members of an array.
pub(super) fn isotope_of<'a>(site: &Expr, declared: &'a [SiteDeclaration]) -> Option<&'a str> {
    let (ExprKind::Name(name) | ExprKind::Index(name, _)) = &site.kind else { return None };
    match declared.iter().find(|d| d.name() == name)? {
        SiteDeclaration::Spin { of, .. } | SiteDeclaration::Collective { of, .. } => of.symbol(),
        SiteDeclaration::Mode { .. } => None,
    }
}

/// A shift given as a frequency, `nu / larmor(nucleus)` in ppm; other expressions as they are.
pub(super) fn in_ppm(
    value: &Expr,
    wanted: Dimension,
    isotope: Option<&str>,
    indices: &[Index],
    c: &mut Checker,
) -> Expr {
    let (Some(isotope), Some(ppm)) = (isotope, Unit::named("ppm")) else { return value.clone() };
    let frequency = matches!(c.scope.type_of(value, indices), Ok(Type::Number(Dimension::FREQUENCY)));
    if wanted != Dimension::SHIFT || c.scope.natural() || !frequency {
        return value.clone();
    }
    let place = value.place;
    let at = |kind| Expr { kind, place };
    at(ExprKind::Product(vec![
        Factor { divides: false, value: value.clone() },
        Factor { divides: true, value: at(ExprKind::Call(LARMOR.into(), vec![isotope_expr(isotope, place)])) },
        Factor { divides: false, value: at(ExprKind::Quantity(Box::new(at(ExprKind::Number(1e6))), ppm)) },
    ]))
}

fn isotope_expr(symbol: &str, place: Place) -> Expr {
    let span: Span = place.span();
    Expr { kind: ExprKind::Isotope(symbol.to_string()), place: span.into() }
}
