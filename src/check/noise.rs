//! Checks `noise`: collapse operators and thermal baths.

use super::checker::{Checker, Fault, indices, settings};
use super::system::each;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{BATH_SETTINGS, Bath, BathSetting, Collapse, Index, Noise, Scope};
use crate::source::{Place, Span};
use crate::syntax::Expr;
use crate::syntax::ast::{ForEach, Name, NoiseEntry, NoiseKind, Setting};
use crate::units::Dimension;

/// The only setting of `collapse`.
const RATE: &str = "rate";

/// Checks a noise.
pub(super) fn noise(name: &Name, entries: &[NoiseEntry], c: &mut Checker) -> Noise {
    let mut noise = Noise { name: name.text.clone(), collapse: vec![], baths: vec![] };
    for entry in entries {
        match &entry.kind {
            NoiseKind::Collapse(operator, given) => noise.collapse.push(collapse(operator, given, &entry.each, c)),
            NoiseKind::Bath(sites, given) => {
                let checked = bath((sites, given), &entry.each, entry.place.span(), c);
                noise.baths.extend(checked.map(|bath| Bath { place: entry.place, ..bath }));
            }
        }
    }
    noise
}

/// The index of an entry, and the time since the start of the statement.
fn names<'a>(range: &'a Option<ForEach>, c: &Checker) -> Vec<Index<'a>> {
    let time = Index { name: "t", dimension: c.scope.dimension(Dimension::TIME) };
    indices(range.as_ref()).into_iter().chain([time]).collect()
}

fn collapse(operator: &Expr, given: &[Setting], range: &Option<ForEach>, c: &mut Checker) -> Collapse {
    let names = names(range, c);
    let rate = settings(given, &[RATE], "`collapse`", c).first().map(|(_, value)| (*value).clone());
    let rate = rate.map(|rate| c.expr(&rate, |s, e| s.number(e, Dimension::FREQUENCY, &names)));
    let operator = c.expr(operator, |s, e| collapse_operator(s, e, rate.is_some(), &names));
    Collapse { operator, rate, each: range.as_ref().map(|e| each(e, c)) }
}

/// Checks a collapse operator: the square root of a rate times an operator, or an operator if its rate is given.
fn collapse_operator(scope: &Scope, expr: &Expr, rated: bool, names: &[Index]) -> Result<(), Fault> {
    scope.operator(expr, names)?;
    let found = scope.type_of(expr, names)?.dimension();
    let wanted = if rated { Dimension::NUMBER } else { Dimension::FREQUENCY.sqrt().unwrap_or_default() };
    if found == scope.dimension(wanted) {
        return Ok(());
    }
    let message = match rated {
        true => "a collapse operator with a `rate` has no dimension",
        false => "a collapse operator includes the square root of a rate",
    };
    Err(Diagnostic::new(Code::WrongDimension, expr.span(), message)
        .label(format!("this is an operator times {found}"))
        .help("for a rate `gamma` in 1/s write `sqrt(gamma) * X(a)`, or `X(a) rate = gamma`")
        .into())
}

/// Checks a bath; `None` if it has no strength.
fn bath((sites, given): (&[Expr], &[Setting]), range: &Option<ForEach>, span: Span, c: &mut Checker) -> Option<Bath> {
    let names = names(range, c);
    let index = indices(range.as_ref());
    let sites = sites.iter().map(|e| c.expr(e, |s, e| s.sites(e, &index))).collect();
    let known: Vec<&str> = BATH_SETTINGS.iter().map(|(_, word, ..)| *word).collect();
    let mut strength: Option<(BathSetting, Expr)> = None;
    let (mut temperature, mut energy) = (None, None);
    for (name, value) in settings(given, &known, "a bath", c) {
        let Some((setting, _, dimension, _)) = BATH_SETTINGS.iter().find(|(_, word, ..)| *word == name) else {
            continue;
        };
        match setting {
            BathSetting::Rate | BathSetting::Emission => {
                let value = c.expr(value, |s, e| s.number(e, *dimension, &names));
                if let Some((_, before)) = &strength {
                    c.diagnostics.push(
                        Diagnostic::new(
                            Code::Contradiction,
                            value.span(),
                            "a bath takes `rate` or `emission`, not both",
                        )
                        .related(before.span(), "the other one is given here"),
                    );
                    continue;
                }
                strength = Some((*setting, value));
            }
            BathSetting::Temperature => temperature = Some(c.expr(value, |s, e| s.number(e, *dimension, &index))),
            BathSetting::Energy => energy = Some(c.expr(value, |s, e| s.hamiltonian(e, &[]))),
        }
    }
    // A setting that does not exist is reported already: it is probably the missing one, misspelt.
    if given.iter().all(|s| known.contains(&s.name.text.as_str())) {
        let natural = c.scope.natural();
        let needed: [(bool, &str, &str); 3] = [
            (strength.is_none(), "`rate` or `emission`", "for example `rate = 0.1`"),
            (natural && temperature.is_none(), "`temperature` in natural units", "for example `temperature = 0.5`"),
            (natural && energy.is_none(), "`energy` in natural units", "for example `energy = Iz(a)`"),
        ];
        for (_, what, example) in needed.into_iter().filter(|(missing, ..)| *missing) {
            c.diagnostics
                .push(Diagnostic::new(Code::MissingDeclaration, span, format!("a bath needs {what}")).help(example));
        }
    }
    let each = range.as_ref().map(|e| each(e, c));
    Some(Bath { sites, strength: strength?, temperature, energy, each, place: Place::default() })
}
