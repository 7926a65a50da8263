//! Parameters and named Hamiltonians, in dependency order.

use super::checker::{Checker, Fault, settings};
use super::names::Declarations;
use super::surroundings::row_named;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Experiment, List, ListValues, Meaning, NamedOperator, OperatorKind, Param, SPREADS, Scope, Type};
use crate::syntax::Expr;
use crate::syntax::ast::{Name, ParamValue, Setting};
use crate::units::Dimension;

/// Checks the parameters and adds them to the experiment.
pub(super) fn params(declarations: &Declarations, experiment: &mut Experiment, c: &mut Checker) {
    for param in declarations.params(c) {
        if c.is_full() {
            return;
        }
        let (name, place) = (param.name.text.clone(), param.name.place);
        c.scope.declared.insert(name.clone(), place.span());
        match &param.value {
            ParamValue::One(value) => {
                let dimension = number(value, c);
                c.scope.names.insert(name.clone(), Meaning::Param(dimension));
                let range = param.range.as_ref().map(|(from, to)| {
                    let check = |c: &mut Checker, e: &Expr| c.expr(e, |s, e| s.number(e, dimension, &[]));
                    (check(c, from), check(c, to))
                });
                experiment.params.push(Param { name, default: value.clone(), range, place });
            }
            ParamValue::List(values) => {
                let dimension = values.first().map_or(Dimension::NUMBER, |first| number(first, c));
                for value in values.iter().skip(1) {
                    same_dimension(values, value, dimension, c);
                }
                c.scope.names.insert(name.clone(), Meaning::List(dimension));
                experiment.lists.push(List { name, values: ListValues::Written(values.clone()), place });
            }
            ParamValue::Random { size, shape, settings } => {
                let found = random(&param.name, size, shape, settings, c);
                let dimension = found.as_ref().map_or(Dimension::NUMBER, |(_, dimension)| *dimension);
                c.scope.names.insert(name.clone(), Meaning::List(dimension));
                experiment.lists.extend(found.map(|(values, _)| List { name, values, place }));
            }
        }
    }
}

/// Checks the value of a parameter; returns its dimension.
fn number(value: &Expr, c: &mut Checker) -> Dimension {
    let found = c.scope.type_of(value, &[]);
    match c.note(found) {
        Some(Type::Number(d)) => d,
        Some(_) => {
            c.diagnostics.push(
                Diagnostic::new(Code::OperatorExpected, value.span(), "a parameter must be a number")
                    .label("not a number"),
            );
            Dimension::NUMBER
        }
        None => Dimension::NUMBER,
    }
}

/// Reports a value of a list whose dimension is not that of the first.
fn same_dimension(values: &[Expr], value: &Expr, dimension: Dimension, c: &mut Checker) {
    let found = number(value, c);
    if found != dimension
        && let Some(first) = values.first()
    {
        let message = format!("{found} and {dimension} cannot stand in one list");
        let diagnostic = Diagnostic::new(Code::DimensionClash, value.span(), message).label(format!("this is {found}"));
        c.diagnostics.push(diagnostic.related(first.span(), format!("this is {dimension}")));
    }
}

/// Checks a list of random numbers; returns its values and their dimension.
fn random(
    name: &Name,
    size: &Expr,
    shape: &Name,
    given: &[Setting],
    c: &mut Checker,
) -> Option<(ListValues, Dimension)> {
    let size = c.number(size, Dimension::NUMBER);
    let (spread, known) = row_named(SPREADS, shape, c)?;
    if !known.contains(&"seed") {
        let message = format!("`{shape}` gives no random numbers for the list `{name}`");
        let diagnostic = Diagnostic::new(Code::WrongKind, shape.span(), message).label("not a random distribution");
        c.diagnostics.push(diagnostic.help("`uniform(from = 0, to = 1, seed = 1)` does"));
        return None;
    }
    let found = settings(given, known, &format!("`{shape}`"), c);
    for needed in known {
        if found.iter().all(|(setting, _)| setting != needed) {
            let diagnostic = Diagnostic::new(
                Code::MissingDeclaration,
                shape.span(),
                format!("the random list `{name}` needs `{needed}`"),
            )
            .label(format!("no `{needed}` here"));
            c.diagnostics.push(if *needed == "seed" {
                diagnostic.help("the same seed gives the same numbers in every run: `seed = 1`")
            } else {
                diagnostic
            });
        }
    }
    let values: Vec<Expr> = found.iter().filter(|(setting, _)| *setting != "seed").map(|(_, e)| (*e).clone()).collect();
    let dimension = values.first().map_or(Dimension::NUMBER, |first| number(first, c));
    for value in values.iter().skip(1) {
        same_dimension(&values, value, dimension, c);
    }
    for (_, seed) in found.iter().filter(|(setting, _)| *setting == "seed") {
        c.number(seed, Dimension::NUMBER);
    }
    let settings = found.into_iter().map(|(setting, e)| (setting.to_string(), e.clone())).collect();
    Some((ListValues::Random { size, spread, settings }, dimension))
}

/// Checks the Hamiltonians and other operators and adds them to the experiment.
pub(super) fn operators(declarations: &Declarations, experiment: &mut Experiment, c: &mut Checker) {
    for (name, value, kind) in declarations.operators(c) {
        if c.is_full() {
            return;
        }
        let found = c.scope.type_of(value, &[]);
        let dimension = match c.note(found) {
            Some(Type::Operator(d)) => d,
            Some(_) => {
                c.diagnostics.push(
                    Diagnostic::new(
                        Code::OperatorExpected,
                        value.span(),
                        match kind {
                            OperatorKind::Hamiltonian => format!("`{name}` is a Hamiltonian, so an operator is needed"),
                            OperatorKind::Any => format!("`{name}` is an operator, and this is none"),
                        },
                    )
                    .label("this is a number"),
                );
                Dimension::FREQUENCY
            }
            None => c.scope.dimension(Dimension::FREQUENCY),
        };
        c.scope.names.insert(name.text.clone(), Meaning::Operator(dimension));
        experiment.hamiltonians.push(NamedOperator { name: name.text.clone(), kind, value: value.clone() });
    }
}

/// Checks the value of `--set`: an expression without names whose dimension is that of the parameter.
///
/// # Errors
/// When the parameter is not declared, or the value contains names or has another dimension.
pub fn check_setting(scope: &Scope, name: &str, value: &Expr) -> Result<(), Fault> {
    if let Some(Meaning::List(_)) = scope.names.get(name) {
        let message = format!("`{name}` is a list of parameters, which has no one value");
        let help = "set a parameter that its values are made of, such as their mean or their seed";
        return Err(Diagnostic::new(Code::WrongKind, value.span(), message).help(help).into());
    }
    let Some(Meaning::Param(dimension)) = scope.names.get(name) else {
        let params = scope.names.iter().filter(|(_, m)| matches!(m, Meaning::Param(_))).map(|(n, _)| n.as_str());
        let mut params: Vec<&str> = params.collect();
        params.sort_unstable();
        let diagnostic =
            Diagnostic::new(Code::UnknownName, value.span(), format!("the file declares no parameter `{name}`"));
        let diagnostic = diagnostic.did_you_mean(name, params.iter().copied());
        return Err(if diagnostic.help.is_empty() && !params.is_empty() {
            diagnostic.help(format!("its parameters are: {}", params.join(", ")))
        } else {
            diagnostic
        }
        .into());
    };
    let alone = Scope { units: scope.units, ..Scope::default() };
    alone.number(value, *dimension, &[])
}
