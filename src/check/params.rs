//! Parameters and named Hamiltonians, in dependency order.

use super::checker::{Checker, Fault};
use super::names::Declarations;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Experiment, Meaning, NamedOperator, Param, Scope};
use crate::syntax::Expr;
use crate::units::Dimension;

/// Checks the parameters and adds them to the experiment.
pub(super) fn params(declarations: &Declarations, experiment: &mut Experiment, c: &mut Checker) {
    for param in declarations.params(c) {
        if c.is_full() {
            return;
        }
        let found = c.scope.type_of(&param.default, &[]);
        let dimension = match c.note(found) {
            Some(crate::ir::Type::Number(d)) => d,
            Some(_) => {
                c.diagnostics.push(
                    Diagnostic::new(Code::OperatorExpected, param.default.span(), "a parameter must be a number")
                        .label("not a number"),
                );
                Dimension::NUMBER
            }
            None => Dimension::NUMBER,
        };
        c.scope.names.insert(param.name.text.clone(), Meaning::Param(dimension));
        let range = param.range.as_ref().map(|(from, to)| {
            let check = |c: &mut Checker, e: &Expr| c.expr(e, |s, e| s.number(e, dimension, &[]));
            (check(c, from), check(c, to))
        });
        experiment.params.push(Param {
            name: param.name.text.clone(),
            default: param.default.clone(),
            range,
            place: param.name.place,
        });
    }
}

/// Checks the Hamiltonians and adds them to the experiment.
pub(super) fn operators(declarations: &Declarations, experiment: &mut Experiment, c: &mut Checker) {
    for (name, value) in declarations.hamiltonians(c) {
        if c.is_full() {
            return;
        }
        let found = c.scope.type_of(value, &[]);
        let dimension = match c.note(found) {
            Some(crate::ir::Type::Operator(d)) => d,
            Some(_) => {
                c.diagnostics.push(
                    Diagnostic::new(
                        Code::OperatorExpected,
                        value.span(),
                        format!("`{}` is a Hamiltonian, so an operator is needed", name.text),
                    )
                    .label("this is a number"),
                );
                Dimension::FREQUENCY
            }
            None => c.scope.dimension(Dimension::FREQUENCY),
        };
        c.scope.names.insert(name.text.clone(), Meaning::Operator(dimension));
        experiment.hamiltonians.push(NamedOperator { name: name.text.clone(), value: value.clone() });
    }
}

/// Checks the value of `--set`: an expression without names whose dimension is that of the parameter.
///
/// # Errors
/// When the parameter is not declared, or the value contains names or has another dimension.
pub fn check_setting(scope: &Scope, name: &str, value: &Expr) -> Result<(), Fault> {
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
