//! A metric in a requested result: its name, and the number and kinds of its arguments.

use super::checker::Fault;
use super::system::isotope;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Meaning, Scope};
use crate::metrics::{Metric, Parameter};
use crate::syntax::{Expr, ExprKind};
use crate::units::Dimension;

/// The label of a metric that needs a battery.
pub const NEEDS_BATTERY: &str = "needs a battery";

/// Checks a metric and its arguments; `battery` is true if one is declared.
///
/// # Errors
/// The diagnostic for a missing battery, or for a wrong number or kind of arguments.
pub fn check_metric(name: &str, items: &[Expr], expr: &Expr, scope: &Scope, battery: bool) -> Result<(), Fault> {
    let Some(metric) = Metric::named(name) else { return Ok(()) };
    if metric.battery && !battery {
        return Err(Diagnostic::new(
            Code::MissingDeclaration,
            expr.span(),
            format!("`{name}` needs a battery, but none is declared"),
        )
        .label(NEEDS_BATTERY)
        .help("for example `battery { energy = H }`")
        .into());
    }
    let fewest = metric.parameters.iter().filter(|p| !is_optional(p)).count();
    let many_sites = matches!(metric.parameters.last(), Some(Parameter::Sites));
    if items.len() < fewest || (items.len() > metric.parameters.len() && !many_sites) {
        return Err(Diagnostic::new(
            Code::WrongArguments,
            expr.span(),
            format!("`{name}` takes {}, {}", describe_arguments(metric), given(items.len())),
        )
        .label("wrong number of arguments")
        .into());
    }
    for (k, item) in items.iter().enumerate() {
        let parameter = metric.parameters.get(k).or(metric.parameters.last()).copied().unwrap_or(Parameter::Sites);
        match parameter {
            Parameter::Site => scope.site(item, &[])?,
            Parameter::Sites => match &item.kind {
                ExprKind::Tuple(sites) => sites.iter().try_for_each(|s| scope.sites(s, &[]))?,
                _ => scope.sites(item, &[])?,
            },
            Parameter::Operator => scope.operator(item, &[])?,
            Parameter::OptionalOperator | Parameter::Hamiltonian => scope.hamiltonian(item, &[])?,
            Parameter::OptionalEnergyBasis => {
                if !matches!(&item.kind, ExprKind::Name(word) if word == "energy") {
                    return Err(Diagnostic::new(
                        Code::WrongArguments,
                        item.span(),
                        format!("`{name}` takes the argument `energy`, or none"),
                    )
                    .help("without it the coherence is that in the product basis of the cells")
                    .into());
                }
            }
            Parameter::OptionalState => {
                let declared = |word: &String| matches!(scope.names.get(word), Some(Meaning::State));
                if !matches!(&item.kind, ExprKind::Name(word) if declared(word)) {
                    return Err(Diagnostic::new(
                        Code::WrongArguments,
                        item.span(),
                        format!("`{name}` takes the name of a state, or none for the prepared state"),
                    )
                    .label("not a named state")
                    .help("declare it: `state target = ket \"00\"`")
                    .into());
                }
            }
            Parameter::Whole => scope.plain(item, &[])?,
            Parameter::Temperature => scope.number(item, Dimension::TEMPERATURE, &[])?,
            Parameter::Nucleus => {
                let ExprKind::Isotope(symbol) = &item.kind else {
                    return Err(
                        Diagnostic::new(Code::WrongArguments, item.span(), "expected a nucleus such as `1H`").into()
                    );
                };
                isotope(symbol, item.span())?;
            }
        }
    }
    Ok(())
}

fn describe_arguments(metric: &Metric) -> String {
    let words: Vec<&str> = metric
        .parameters
        .iter()
        .map(|p| match p {
            Parameter::Site => "a spin",
            Parameter::Sites => "spins",
            Parameter::Operator => "an operator",
            Parameter::Hamiltonian => "a Hamiltonian",
            Parameter::OptionalOperator => "[a Hamiltonian]",
            Parameter::OptionalEnergyBasis => "[energy]",
            Parameter::OptionalState => "[a state]",
            Parameter::Whole => "a whole number",
            Parameter::Temperature => "a temperature",
            Parameter::Nucleus => "a nucleus",
        })
        .collect();
    let list = words.join(", ");
    let fewest = metric.parameters.iter().filter(|p| !is_optional(p)).count();
    match words.len() {
        0 => "no arguments".into(),
        1 if fewest == 1 => format!("1 argument ({list})"),
        n if fewest == n => format!("{n} arguments ({list})"),
        n => format!("{fewest} to {n} arguments ({list})"),
    }
}

fn is_optional(parameter: &Parameter) -> bool {
    matches!(parameter, Parameter::OptionalOperator | Parameter::OptionalEnergyBasis | Parameter::OptionalState)
}

/// How many arguments are given.
fn given(count: usize) -> String {
    match count {
        0 => "none is given".into(),
        1 => "1 is given".into(),
        n => format!("{n} are given"),
    }
}
