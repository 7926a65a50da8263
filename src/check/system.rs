//! Checks `system`: subsystems, interactions, relaxation.

use super::checker::{Checker, Fault, indices, settings, twice};
use super::larmor;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{
    Each, Experiment, Interaction, Meaning, OfSite, RELAX_SETTINGS, RelaxSetting, Relaxation, Scope, SiteDeclaration,
    Spinning, Type,
};
use crate::source::Span;
use crate::spin::{ELECTRON, ISOTOPES, Isotope};
use crate::syntax::ast::{ForEach, Interaction as Declared, Item, ItemKind, Name, Setting, SystemEntry, SystemKind};
use crate::syntax::words::{Clause, ClauseValue};
use crate::syntax::{Expr, ExprKind};
use crate::units::Dimension;

/// Looks up an isotope.
pub fn isotope(symbol: &str, span: Span) -> Result<&'static Isotope, Fault> {
    Isotope::named(symbol).ok_or_else(|| {
        let element = symbol.trim_start_matches(|c: char| c.is_ascii_digit());
        let same: Vec<&str> = ISOTOPES
            .iter()
            .map(|i| i.symbol)
            .filter(|s| s.trim_start_matches(|c: char| c.is_ascii_digit()) == element)
            .collect();
        let (message, label) = match Isotope::is_spinless(symbol) {
            true => (format!("`{symbol}` has no nuclear spin"), "spin 0"),
            false => (format!("unknown isotope `{symbol}`"), "not known"),
        };
        let diagnostic = Diagnostic::new(Code::UnknownIsotope, span, message).label(label);
        if let Some(meant) = Isotope::meant_by(symbol) {
            diagnostic.help(format!("did you mean `{}`?", meant.symbol)).into()
        } else if same.is_empty() {
            diagnostic.did_you_mean(symbol, ISOTOPES.iter().map(|i| i.symbol)).into()
        } else {
            diagnostic.help(format!("isotopes of this element: {}", same.join(", "))).into()
        }
    })
}

/// The nucleus of a channel, by its symbol: a spin of the system has one, but is none.
pub(super) fn nucleus_of_channel(name: &Name, c: &Checker) -> Result<&'static Isotope, Fault> {
    let known = match c.scope.names.get(&name.text) {
        // A spin that is called `e` and is an electron: the channel is that of all electrons.
        Some(Meaning::Site(_) | Meaning::Array)
            if name.text == ELECTRON.symbol && c.nuclei.get(&name.text).is_some_and(|n| n == ELECTRON.symbol) =>
        {
            return isotope(&name.text, name.span());
        }
        Some(Meaning::Site(_) | Meaning::Array) => c.nuclei.get(&name.text),
        _ => return isotope(&name.text, name.span()),
    };
    let example = known.map_or("1H", String::as_str);
    let message = format!("`{name}` is a spin, and a channel belongs to a nucleus");
    Err(Diagnostic::new(Code::WrongKind, name.span(), message)
        .label("a spin")
        .help(format!("write `{example}`: a pulse acts on all spins of a nucleus"))
        .into())
}

fn entries(items: &[Item]) -> impl Iterator<Item = &SystemEntry> {
    items.iter().filter_map(|i| if let ItemKind::System(entries) = &i.kind { Some(entries) } else { None }).flatten()
}

/// Declares the subsystems; sizes are checked later, when parameters are known.
pub fn declare(items: &[Item], experiment: &mut Experiment, c: &mut Checker) {
    for item in items {
        if let ItemKind::System(_) = item.kind {
            experiment.system.place = item.place;
        }
    }
    for entry in entries(items) {
        let place = entry.place;
        let declared: Vec<SiteDeclaration> = match &entry.kind {
            SystemKind::Spin(names, of) => names
                .iter()
                .map(|d| SiteDeclaration::Spin {
                    name: d.name.text.clone(),
                    size: d.size.clone(),
                    of: of.clone(),
                    place: d.name.place,
                })
                .collect(),
            SystemKind::Collective(name, number, of) => {
                vec![SiteDeclaration::Collective {
                    name: name.text.clone(),
                    number: number.clone(),
                    of: of.clone(),
                    place: name.place,
                }]
            }
            SystemKind::Mode(name, cutoff) => {
                vec![SiteDeclaration::Mode { name: name.text.clone(), cutoff: cutoff.clone(), place: name.place }]
            }
            _ => continue,
        };
        if let SystemKind::Spin(_, of) | SystemKind::Collective(_, _, of) = &entry.kind
            && let Some(symbol) = of.symbol()
        {
            let result = isotope(symbol, place.span());
            c.note(result);
        }
        for site in declared {
            if let SiteDeclaration::Spin { of, .. } = &site
                && let Some(symbol) = of.symbol()
            {
                c.nuclei.insert(site.name().to_string(), symbol.to_string());
            }
            c.scope.names.insert(site.name().to_string(), Scope::meaning_of(&site));
            experiment.system.sites.push(site);
        }
    }
}

/// Checks the rest of the block and adds it to the experiment.
pub fn fill(items: &[Item], experiment: &mut Experiment, c: &mut Checker) {
    sizes(experiment, c);
    let mut given: Vec<(String, Span)> = Vec::new();
    for entry in entries(items) {
        let span = entry.place.span();
        if let Some(key) = key(entry) {
            if let Some((_, before)) = given.iter().find(|(k, _)| *k == key) {
                c.diagnostics.push(twice(&key, span, *before));
                continue;
            }
            given.push((key, span));
        }
        let each = entry.each.as_ref().map(|e| each(e, c));
        let place = entry.place;
        let range = indices(entry.each.as_ref());
        let mut site = |e: &Expr| c.expr(e, |s, e| s.site(e, &range));
        let system = &mut experiment.system;
        match &entry.kind {
            SystemKind::Spin(..) | SystemKind::Collective(..) | SystemKind::Mode(..) => {}
            SystemKind::Field(value, nucleus) => {
                let known = nucleus.as_ref().is_none_or(|n| c.note(isotope(&n.text, n.span())).is_some());
                let field = if known { larmor::field(value, nucleus.as_ref(), c) } else { value.clone() };
                system.field = Some(field);
            }
            SystemKind::Orientation(angles) => {
                system.orientation = Some(c.expr(angles, |s, e| triple(s, e, ANGLES, &range)));
            }
            SystemKind::Spinning(rate, angle) => {
                let rate = c.number(rate, Dimension::FREQUENCY);
                let angle = angle.as_ref().map(|a| c.number(a, Dimension::ANGLE));
                system.spinning = Some(Spinning { rate, angle, place });
            }
            SystemKind::Frame(species) => {
                for name in species {
                    let result = nucleus_of_channel(name, c);
                    system.frames.extend(c.note(result).map(|i| i.symbol.to_string()));
                }
            }
            SystemKind::Temperature(value) => system.temperature = Some(c.number(value, Dimension::TEMPERATURE)),
            SystemKind::Interaction(given) => {
                let sites = given.sites.iter().map(&mut site).collect();
                let isotope = given.sites.first().and_then(|site| larmor::isotope_of(site, &system.sites));
                let size = larmor::in_ppm(&given.size, given.form.size, isotope, &range, c);
                let size = c.expr(&size, |s, e| match given.form.principal {
                    true if s.type_of(e, &range).is_ok_and(|t| matches!(t, Type::Vector(_))) => {
                        triple(s, e, principal_values(given.form.size), &range)
                    }
                    _ => s.number(e, given.form.size, &range),
                });
                let clauses = given
                    .clauses
                    .iter()
                    .map(|(clause, value)| (*clause, clause_value(*clause, value, &range, c)))
                    .collect();
                let kind = given.form.kind;
                system.interactions.push(Interaction { kind, sites, size, clauses, each, place });
            }
            SystemKind::DipolarAll => system.dipolar_all = true,
            SystemKind::Position(a, value) => {
                let a = site(a);
                let value = c.expr(value, |s, e| triple(s, e, POSITION, &range));
                system.positions.push(OfSite { site: a, value, each, place });
            }
            SystemKind::Relax(sites, values) => {
                let sites = sites.iter().map(|e| c.expr(e, |s, e| s.sites(e, &range))).collect();
                let settings = relax_settings(values, span, c);
                system.relax.push(Relaxation { sites, settings, each, place });
            }
        }
    }
}

/// Checks array sizes, numbers of spins of collectives, and cutoffs of modes.
fn sizes(experiment: &Experiment, c: &mut Checker) {
    for site in &experiment.system.sites {
        match site {
            SiteDeclaration::Spin { size: Some(size), .. } => {
                c.number(size, Dimension::NUMBER);
            }
            SiteDeclaration::Spin { size: None, .. } => {}
            SiteDeclaration::Collective { number: count, .. } | SiteDeclaration::Mode { cutoff: count, .. } => {
                c.number(count, Dimension::NUMBER);
            }
        }
    }
}

/// Checks the settings of `relax`.
fn relax_settings(values: &[Setting], span: Span, c: &mut Checker) -> Vec<(RelaxSetting, Expr)> {
    let known: Vec<&str> = RELAX_SETTINGS.iter().map(|(_, word, ..)| *word).collect();
    let mut out = Vec::new();
    let mut relaxes = false;
    for (name, value) in settings(values, &known, "`relax`", c) {
        if let Some((setting, _, dimension, alone, _)) = RELAX_SETTINGS.iter().find(|(_, word, ..)| *word == name) {
            out.push((*setting, c.number(value, *dimension)));
            relaxes |= alone;
        }
    }
    if !relaxes {
        let alone: Vec<&str> =
            RELAX_SETTINGS.iter().filter(|(.., alone, _)| *alone).map(|(_, word, ..)| *word).collect();
        let message = format!("`relax` needs at least one of {}", listed(&alone));
        c.diagnostics.push(Diagnostic::new(Code::MissingDeclaration, span, message).label("no relaxation time"));
    }
    out
}

/// Joins words as in `A, B and C`.
fn listed(words: &[&str]) -> String {
    match words {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.join(""),
    }
}

/// Key of an entry that may be given only once.
fn key(entry: &SystemEntry) -> Option<String> {
    Some(match &entry.kind {
        SystemKind::Field(..) => "field".into(),
        SystemKind::Temperature(_) => "temperature".into(),
        SystemKind::Interaction(given) => interaction_key(given),
        SystemKind::Position(a, _) => format!("position {a}"),
        SystemKind::Orientation(_) => "orientation".into(),
        SystemKind::Spinning(..) => "spinning".into(),
        SystemKind::Frame(..) => "frame".into(),
        SystemKind::DipolarAll => "dipolar all".into(),
        SystemKind::Spin(..) | SystemKind::Collective(..) | SystemKind::Mode(..) | SystemKind::Relax(..) => {
            return None;
        }
    })
}

/// Key of an interaction and its subsystems, independent of the order of a pair.
fn interaction_key(given: &Declared) -> String {
    let mut sites: Vec<String> = given.sites.iter().map(Expr::to_string).collect();
    sites.sort();
    format!("{} {}", given.form.kind.word(), sites.join(" "))
}

/// Three numbers in parentheses: description, dimension, example.
type Triple = (&'static str, Dimension, &'static str);

const POSITION: Triple = ("a position needs three lengths", Dimension::LENGTH, "`(0, 0, 1.58) angstrom`");
const DIRECTION: Triple = ("a direction needs three numbers", Dimension::NUMBER, "`along (0, 0, 1)`");
const ANGLES: Triple = ("an orientation needs three Euler angles (z-y-z)", Dimension::ANGLE, "`(0, 54.7, 0) deg`");

/// Three principal values of a tensor.
fn principal_values(dimension: Dimension) -> Triple {
    let example = if dimension == Dimension::NUMBER { "`(2.009, 2.006, 2.002)`" } else { "`(1.2, 1.2, 5.6) MHz`" };
    ("a tensor needs one value or its three principal values", dimension, example)
}

fn triple(
    scope: &Scope,
    expr: &Expr,
    (what, dimension, example): Triple,
    range: &[crate::ir::Index],
) -> Result<(), Fault> {
    let found = scope.type_of(expr, range)?;
    let three = match &expr.kind {
        ExprKind::Quantity(inner, _) => matches!(&inner.kind, ExprKind::Tuple(items) if items.len() == 3),
        ExprKind::Tuple(items) => items.len() == 3,
        _ => false,
    };
    if !three {
        return Err(Diagnostic::new(Code::WrongKind, expr.span(), what)
            .label("expected (x, y, z)")
            .help(format!("for example {example}"))
            .into());
    }
    if found.dimension() != scope.dimension(dimension) {
        return Err(Diagnostic::new(Code::WrongDimension, expr.span(), format!("{what}, found {}", found.dimension()))
            .label(format!("each is {}", found.dimension()))
            .help(format!("write the unit after the parenthesis, for example {example}"))
            .into());
    }
    Ok(())
}

/// Checks the value of a clause of an interaction.
fn clause_value(clause: Clause, value: &Expr, range: &[crate::ir::Index], c: &mut Checker) -> Expr {
    c.expr(value, |s, e| match clause.value() {
        ClauseValue::Number => s.number(e, Dimension::NUMBER, range),
        ClauseValue::Frequency => s.number(e, Dimension::FREQUENCY, range),
        ClauseValue::Angles => triple(s, e, ANGLES, range),
        ClauseValue::Direction => triple(s, e, DIRECTION, range),
    })
}

/// Checks the range of an index.
pub(super) fn each(e: &ForEach, c: &mut Checker) -> Each {
    Each {
        index: e.index.text.clone(),
        from: c.number(&e.from, Dimension::NUMBER),
        to: c.number(&e.to, Dimension::NUMBER),
    }
}
