//! Tree to experiment: names are resolved, dimensions checked, subsequences put in their places. All mistakes are collected,
//! none stops the search for others.

pub mod library;
mod load;
mod names;
mod profile;
mod results;
mod sequence;
mod shape_file;
mod system;

pub use load::{Loaded, Reader, load};
pub use results::{check_result, check_values as check_sweep};

use crate::diagnostic::{Code, Diagnostic};
use crate::ir::ShapeTable;
use crate::ir::{
    Battery, Channel, Cycle, Distribution, Experiment, Index, Meaning, NamedOperator, Noise, Param, Scope,
};
use crate::source::{Place, Span};
use crate::syntax::ast::{self, Item, ItemKind, Name, Setting};
use crate::syntax::{Expr, ExprKind};
use crate::units::{Dimension, UnitSystem};

/// A mistake, boxed because it is large and rare.
type Fault = Box<Diagnostic>;

/// Collects mistakes, so that one does not hide the next.
struct Checker {
    scope: Scope,
    diagnostics: Vec<Diagnostic>,
}

impl Checker {
    fn note<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|d| self.diagnostics.push(*d)).ok()
    }

    /// Checks an expression and hands it on; a faulty one is reported.
    fn expr(&mut self, expr: &Expr, check: impl FnOnce(&Scope, &Expr) -> Result<(), Fault>) -> Expr {
        let result = check(&self.scope, expr);
        self.note(result);
        expr.clone()
    }

    /// A phase. A word for an axis is the axis, also where a parameter has its name: that is said.
    fn phase(&mut self, expr: &Expr) -> Expr {
        let word = expr.to_string().replace([' ', '-'], "");
        if crate::ir::phase_of_word(expr).is_some() && matches!(self.scope.names.get(&word), Some(Meaning::Param(_))) {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::Shadowed,
                    expr.span(),
                    format!("`phase {expr}` is an axis, not the parameter `{word}`"),
                )
                .label("the axis is taken")
                .help(format!("give the parameter another name, or write `phase {expr} + 0 deg` for its value")),
            );
        }
        self.expr(expr, phase)
    }

    fn number(&mut self, expr: &Expr, dimension: Dimension) -> Expr {
        self.expr(expr, |s, e| s.number(e, dimension, &[]))
    }
}

/// Checks the statements of a file and of those it uses, with the pulse shapes they name. `root` is the number of the file that the user named.
pub fn check(items: &[Item], shapes: Vec<ShapeTable>, root: u32) -> (Option<Experiment>, Vec<Diagnostic>) {
    let mut c = Checker { scope: Scope::default(), diagnostics: Vec::new() };
    let mut experiment = Experiment { ergoseq: crate::syntax::VERSION, shapes, ..Experiment::default() };
    let whole = Span { file: root, start: 0, end: 0 };

    let declarations = names::collect(items, &mut c);
    headers(items, &mut experiment, &mut c);
    system::declare(items, &mut experiment, &mut c);
    params(&declarations, &mut experiment, &mut c);
    operators(&declarations, &mut experiment, &mut c);
    system::fill(items, &mut experiment, &mut c);
    surroundings(items, &mut experiment, &mut c);
    sequence::fill(items, &mut experiment, &mut c, &declarations);
    results::fill(items, &mut experiment, &mut c);
    if experiment.system.sites.is_empty() && !c.diagnostics.iter().any(Diagnostic::is_error) {
        c.diagnostics.push(missing(whole, "system", "system {\n    spin a, b : 1/2\n}"));
    }
    if !items.iter().any(|i| matches!(i.kind, ItemKind::Sequence(_))) && !c.diagnostics.iter().any(Diagnostic::is_error)
    {
        c.diagnostics.push(missing(whole, "sequence", "sequence {\n    prepare thermal\n}"));
    }
    names::warn_unused(items, root, &mut c);
    c.diagnostics.sort_by_key(|d| d.span);
    // A subsequence is checked in every place where it is called; what is wrong with it is said once.
    let mut said: Vec<Diagnostic> = Vec::new();
    c.diagnostics.retain(|d| {
        !said.contains(d) && {
            said.push(d.clone());
            true
        }
    });
    let broken = c.diagnostics.iter().any(Diagnostic::is_error);
    ((!broken).then_some(experiment), c.diagnostics)
}

fn missing(span: Span, what: &str, example: &str) -> Diagnostic {
    Diagnostic::new(Code::MissingDeclaration, span, format!("the file has no `{what}`"))
        .help(format!("for example:\n{example}"))
}

/// Version, title and units.
fn headers(items: &[Item], experiment: &mut Experiment, c: &mut Checker) {
    let mut units: Option<&Name> = None;
    let mut title: Option<Place> = None;
    for item in items {
        match &item.kind {
            ItemKind::Title(text) => {
                if title.is_none() {
                    experiment.title.clone_from(text);
                }
                title = title.or(Some(item.place));
            }
            ItemKind::Units(name) => {
                if let Some(before) = units
                    && before.text != name.text
                {
                    c.diagnostics.push(twice("units", name.span(), before.span()));
                    continue;
                }
                units = Some(name);
                match name.text.as_str() {
                    "lab" => experiment.units = UnitSystem::Lab,
                    "natural" => experiment.units = UnitSystem::Natural,
                    other => {
                        let diagnostic =
                            Diagnostic::new(Code::UnknownSetting, name.span(), "units are `lab` or `natural`")
                                .label("not a unit system")
                                .did_you_mean(other, ["lab", "natural"]);
                        c.diagnostics.push(diagnostic);
                    }
                }
            }
            _ => {}
        }
    }
    c.scope.units = experiment.units;
}

fn twice(what: &str, here: Span, before: Span) -> Diagnostic {
    Diagnostic::new(Code::DefinedTwice, here, format!("`{what}` is given twice"))
        .label("given again here")
        .related(before, "first given here")
}

fn params(declarations: &names::Declarations, experiment: &mut Experiment, c: &mut Checker) {
    for param in declarations.params(c) {
        let found = c.scope.type_of(&param.default, &[]);
        let dimension = match c.note(found) {
            Some(crate::ir::Type::Number(d)) => d,
            Some(_) => {
                c.diagnostics.push(
                    Diagnostic::new(Code::OperatorExpected, param.default.span(), "a parameter is a number")
                        .label("this is none"),
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

fn operators(declarations: &names::Declarations, experiment: &mut Experiment, c: &mut Checker) {
    for (name, value) in declarations.hamiltonians(c) {
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

/// Noises, channels, the battery, cycles and ensembles.
fn surroundings(items: &[Item], experiment: &mut Experiment, c: &mut Checker) {
    let mut battery: Option<Span> = None;
    for item in items {
        let span = item.place.0.unwrap_or_default();
        match &item.kind {
            ItemKind::Noise(name, collapse) => {
                let collapse = collapse.iter().map(|e| c.expr(e, collapse_operator)).collect();
                experiment.noises.push(Noise { name: name.text.clone(), collapse });
            }
            ItemKind::Channel(nucleus, settings) => {
                if let Some(before) = experiment.channels.iter().find(|x| x.nucleus == nucleus.text) {
                    c.diagnostics.push(twice(
                        &format!("channel {nucleus}"),
                        nucleus.span(),
                        before.place.0.unwrap_or_default(),
                    ));
                    continue;
                }
                let channel = channel(nucleus, settings, c);
                experiment.channels.push(channel);
            }
            ItemKind::Spectrometer(name, given) => {
                let known: Vec<&str> = crate::ir::SPECTROMETER_SETTINGS.iter().map(|(w, ..)| *w).collect();
                let mut values = Vec::new();
                for (setting, value) in settings(given, &known, "a spectrometer", c) {
                    let table = crate::ir::SPECTROMETER_SETTINGS.iter().find(|(w, ..)| *w == setting);
                    let dimension = table.map_or(Dimension::NUMBER, |(_, d, _)| *d);
                    values.push((setting.to_string(), c.number(value, dimension)));
                }
                if let Some(before) = experiment.spectrometers.iter().find(|s| s.name == name.text) {
                    let before = before.place.0.unwrap_or_default();
                    c.diagnostics.push(twice(&format!("spectrometer {name}"), name.span(), before));
                    continue;
                }
                experiment.spectrometers.push(crate::ir::Spectrometer {
                    name: name.text.clone(),
                    settings: values,
                    place: name.place,
                });
            }
            ItemKind::Battery(settings) => {
                if let Some(before) = battery {
                    c.diagnostics.push(twice("battery", span, before));
                    continue;
                }
                battery = Some(span);
                experiment.battery = battery_of(settings, span, c);
            }
            ItemKind::Cycle(name, phases) => {
                let phases = phases.iter().map(|p| c.phase(&in_radian(p, experiment.units))).collect();
                experiment.cycles.push(Cycle { name: name.text.clone(), phases });
            }
            ItemKind::Ensemble(distributions) => {
                for d in distributions {
                    let checked = distribution(d, c);
                    experiment.ensemble.extend(checked);
                }
            }
            _ => {}
        }
    }
}

/// The square root of a rate times an operator.
fn collapse_operator(scope: &Scope, expr: &Expr) -> Result<(), Fault> {
    scope.operator(expr, &[])?;
    let found = scope.type_of(expr, &[])?.dimension();
    let wanted = scope.dimension(Dimension::FREQUENCY.sqrt().unwrap_or_default());
    if found == wanted {
        return Ok(());
    }
    Err(Diagnostic::new(Code::WrongDimension, expr.span(), "a collapse operator carries the square root of a rate")
        .label(format!("this is an operator times {found}"))
        .help("for a rate `gamma` in 1/s write `sqrt(gamma) * X(a)`")
        .into())
}

/// A phase of a list of parts of a turn, which the parser gives in degrees: of a file of natural units, in radian. Such a number has
/// no unit in the text, so its place is that of the whole phase; a unit that the user wrote stays, and is refused.
fn in_radian(phase: &Expr, units: UnitSystem) -> Expr {
    match &phase.kind {
        ExprKind::Quantity(value, unit) if units == UnitSystem::Natural && value.span() == phase.span() => {
            match value.kind {
                ExprKind::Number(x) => Expr::at(ExprKind::Number(x * unit.factor), phase.span()),
                _ => phase.clone(),
            }
        }
        _ => phase.clone(),
    }
}

/// A phase: a word, a cycle, or an angle.
fn phase(scope: &Scope, expr: &Expr) -> Result<(), Fault> {
    if crate::ir::phase_of_word(expr).is_some() {
        return Ok(());
    }
    if let ExprKind::Name(name) = &expr.kind
        && scope.names.get(name) == Some(&Meaning::Cycle)
    {
        return Ok(());
    }
    scope.number(expr, Dimension::ANGLE, &[])
}

/// Settings as an ordered list, each known and given once.
fn settings<'a>(given: &'a [Setting], known: &[&str], place: &str, c: &mut Checker) -> Vec<(&'a str, &'a Expr)> {
    let mut found: Vec<(&str, &Expr)> = Vec::new();
    for (k, setting) in given.iter().enumerate() {
        let name = setting.name.text.as_str();
        if let Some(before) = given.iter().take(k).find(|s| s.name.text == name) {
            c.diagnostics.push(twice(name, setting.name.span(), before.name.span()));
        } else if known.contains(&name) {
            found.push((name, &setting.value));
        } else {
            let diagnostic =
                Diagnostic::new(Code::UnknownSetting, setting.name.span(), format!("{place} has no setting `{name}`"))
                    .label("not known here")
                    .did_you_mean(name, known.iter().copied());
            let diagnostic = if diagnostic.help.is_empty() {
                diagnostic.help(format!("known are: {}", known.join(", ")))
            } else {
                diagnostic
            };
            c.diagnostics.push(diagnostic);
        }
    }
    found
}

fn channel(nucleus: &Name, given: &[Setting], c: &mut Checker) -> Channel {
    let mut channel = Channel { nucleus: nucleus.text.clone(), place: nucleus.place, ..Channel::default() };
    let result = system::isotope(&nucleus.text, nucleus.span());
    c.note(result);
    let known: Vec<&str> = crate::ir::CHANNEL_SETTINGS.iter().map(|(w, _)| *w).collect();
    for (name, value) in settings(given, &known, "a channel", c) {
        let mut take = |dimension: Dimension| Some(c.number(value, dimension));
        match name {
            "rf" => channel.rf = take(Dimension::FREQUENCY),
            "max_rf" => channel.max_rf = take(Dimension::FREQUENCY),
            "carrier" => channel.carrier = take(Dimension::SHIFT),
            "dead_time" => channel.dead_time = take(Dimension::TIME),
            "rise_time" => channel.rise_time = take(Dimension::TIME),
            "droop_time" => channel.droop_time = take(Dimension::TIME),
            "lean" => channel.lean = take(Dimension::ANGLE),
            "leading_transient" => channel.leading_transient = take(Dimension::TIME),
            "trailing_transient" => channel.trailing_transient = take(Dimension::TIME),
            _ => channel.phase_step = take(Dimension::ANGLE),
        }
    }
    channel
}

fn battery_of(given: &[Setting], span: Span, c: &mut Checker) -> Option<Battery> {
    let mut energy = None;
    let mut cells = Vec::new();
    for (name, value) in settings(given, &["energy", "cells"], "a battery", c) {
        if name == "energy" {
            energy = Some(c.expr(value, |s, e| s.hamiltonian(e, &[])));
        } else {
            let list = match &value.kind {
                ExprKind::Tuple(items) => items.clone(),
                _ => vec![value.clone()],
            };
            cells = list.iter().map(|e| c.expr(e, |s, e| s.sites(e, &[]))).collect();
        }
    }
    let Some(energy) = energy else {
        let diagnostic = Diagnostic::new(
            Code::MissingDeclaration,
            span,
            "a battery needs `energy`, the operator that energies refer to",
        )
        .label("no `energy` here")
        .help("for example `battery { energy = dipolar }`");
        c.diagnostics.push(diagnostic);
        return None;
    };
    Some(Battery { energy, cells, place: span.into() })
}

/// The distributions of `ensemble`: word, settings, meaning.
pub const DISTRIBUTIONS: &[(&str, &[&str], &str)] = &[
    ("lorentzian", &["fwhm", "centre", "seed"], "full width at half maximum"),
    ("gaussian", &["mean", "sd", "seed"], "mean and standard deviation"),
    ("uniform", &["from", "to", "seed"], "evenly between two values"),
];

/// The grids of orientations: word, settings, meaning. The settings are counts.
pub const POWDERS: &[(&str, &[&str], &str)] = &[
    ("zcw", &["rotor"], "of Zaremba, Conroy and Cheng; a Fibonacci number of points, of equal weight"),
    ("spiral", &["rotor"], "along a spiral over the whole sphere, of equal weight; any number of points"),
    (
        "lebedev",
        &["rotor"],
        "Lebedev's grids, exact for spherical harmonics up to a degree; 6, 14, 26, 38, 50, 86, 110, 146, 170, 194, 302 or 434 points over the whole sphere",
    ),
    ("repulsion", &["rotor"], "points that have pushed each other apart, of equal weight"),
    (
        "gauss",
        &["azimuths", "rotor"],
        "Gauss's quadrature of the cosine, `points` polar angles a hemisphere, times even steps of the azimuth",
    ),
];

fn distribution(d: &ast::Distribution, c: &mut Checker) -> Option<Distribution> {
    let quantities = ["offset", "rf", "param", "orientation", "position"];
    if !quantities.contains(&d.quantity.text.as_str()) {
        let diagnostic = Diagnostic::new(
            Code::UnknownSetting,
            d.quantity.span(),
            format!("an ensemble has no quantity `{}`", d.quantity),
        )
        .label("not known here")
        .did_you_mean(&d.quantity.text, quantities);
        c.diagnostics.push(diagnostic.help("offset NUCLEUS, rf NUCLEUS, param NAME, orientation or position may vary"));
        return None;
    }
    let of = d.of.as_ref();
    let dimension = match (of.map(|e| &e.kind), d.quantity.text.as_str()) {
        (None, "orientation") => Dimension::NUMBER,
        (None, "position") => Dimension::LENGTH,
        (Some(ExprKind::Isotope(symbol)), "offset" | "rf") => {
            let result = system::isotope(symbol, of.map(Expr::span).unwrap_or_default());
            c.note(result);
            if d.quantity.text == "offset" { Dimension::FREQUENCY } else { Dimension::NUMBER }
        }
        (Some(ExprKind::Name(name)), "param") => match c.scope.names.get(name) {
            Some(Meaning::Param(dimension)) => *dimension,
            _ => {
                let diagnostic = c.scope.unknown(name, of.map(Expr::span).unwrap_or_default(), &[]);
                c.diagnostics.push(*diagnostic);
                return None;
            }
        },
        _ => {
            c.diagnostics.push(Diagnostic::new(
                Code::WrongKind,
                of.map_or(d.quantity.span(), Expr::span),
                "expected a nucleus behind `offset` and `rf`, a parameter behind `param`, nothing behind `orientation` and `position`",
            ));
            return None;
        }
    };
    let shapes = if d.quantity.text == "orientation" { POWDERS } else { DISTRIBUTIONS };
    let Some((_, known, _)) = shapes.iter().find(|(name, _, _)| *name == d.shape.text) else {
        let diagnostic =
            Diagnostic::new(Code::UnknownFunction, d.shape.span(), format!("`{}` is no distribution", d.shape))
                .label("not known")
                .did_you_mean(&d.shape.text, shapes.iter().map(|(n, _, _)| *n));
        c.diagnostics.push(diagnostic);
        return None;
    };
    let place = format!("`{}`", d.shape);
    let values = settings(&d.settings, known, &place, c)
        .into_iter()
        .map(|(n, e)| (n.to_string(), c.number(e, if n == "seed" { Dimension::NUMBER } else { dimension })))
        .collect();
    let points = d.points.as_ref().map(|p| c.number(p, Dimension::NUMBER));
    Some(Distribution {
        quantity: d.quantity.text.clone(),
        of: d.of.clone(),
        shape: d.shape.text.clone(),
        settings: values,
        points,
        place: d.quantity.place,
    })
}

/// The value of `--set`: an expression without names whose dimension is that of the parameter.
///
/// # Errors
/// When the parameter is not declared, or the value has names or another dimension.
pub fn check_setting(scope: &Scope, name: &str, value: &Expr) -> Result<(), Fault> {
    let Some(Meaning::Param(dimension)) = scope.names.get(name) else {
        let params = scope.names.iter().filter(|(_, m)| matches!(m, Meaning::Param(_))).map(|(n, _)| n.as_str());
        let mut params: Vec<&str> = params.collect();
        params.sort_unstable();
        let diagnostic =
            Diagnostic::new(Code::UnknownName, value.span(), format!("the file has no parameter `{name}`"));
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

/// The index of `for k in a..b`, as a scope.
fn indices(each: Option<&ast::ForEach>) -> Vec<Index<'_>> {
    each.iter().map(|e| Index { name: &e.index.text, dimension: Dimension::NUMBER }).collect()
}
