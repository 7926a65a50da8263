//! Noises, channels, spectrometers, the battery, phase cycles and ensembles.

use super::checker::{Checker, settings, twice};
use super::larmor;
use super::noise;
use super::system;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{
    BATTERY_SETTINGS, Battery, Channel, Distribution, Experiment, GRIDS, LENGTH, Meaning, Row, SPREADS, Shape, Varied,
};
use crate::source::Span;
use crate::syntax::ast::{self, Item, ItemKind, Name, Setting};
use crate::syntax::{Expr, ExprKind};
use crate::units::Dimension;

/// Checks these statements and adds them to the experiment.
pub(super) fn surroundings(items: &[Item], experiment: &mut Experiment, c: &mut Checker) {
    let mut battery: Option<Span> = None;
    for item in items {
        let span = item.place.span();
        match &item.kind {
            ItemKind::Noise(name, entries) => experiment.noises.push(noise::noise(name, entries, c)),
            ItemKind::Channel(nucleus, settings) => {
                if let Some(before) = experiment.channels.iter().find(|x| x.nucleus == nucleus.text) {
                    c.diagnostics.push(twice(&format!("channel {nucleus}"), nucleus.span(), before.place.span()));
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
                    let before = before.place.span();
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
                experiment.battery = Some(battery_of(settings, span, c));
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

fn channel(nucleus: &Name, given: &[Setting], c: &mut Checker) -> Channel {
    let mut channel = Channel { nucleus: nucleus.text.clone(), place: nucleus.place, ..Channel::default() };
    let result = system::nucleus_of_channel(nucleus, c);
    c.note(result);
    let known: Vec<&str> = crate::ir::CHANNEL_SETTINGS.iter().map(|(w, _)| *w).collect();
    for (name, value) in settings(given, &known, "a channel", c) {
        let value = &match name {
            "rf" if larmor::needs_itself(value, LENGTH, "the rf of the channel", c) => continue,
            "carrier" => larmor::in_ppm(value, Dimension::SHIFT, Some(&nucleus.text), &[], c),
            _ => value.clone(),
        };
        if let ("kernel" | "kernel_quadrature", ExprKind::Tuple(taps)) = (name, &value.kind) {
            let taps = taps.iter().map(|tap| c.number(tap, Dimension::NUMBER)).collect();
            let list = Some(Expr { kind: ExprKind::Tuple(taps), place: value.place });
            *(if name == "kernel" { &mut channel.kernel } else { &mut channel.kernel_quadrature }) = list;
            continue;
        }
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
            "kernel" => channel.kernel = take(Dimension::NUMBER),
            "kernel_quadrature" => channel.kernel_quadrature = take(Dimension::NUMBER),
            "kernel_step" => channel.kernel_step = take(Dimension::TIME),
            _ => channel.phase_step = take(Dimension::ANGLE),
        }
    }
    channel
}

fn battery_of(given: &[Setting], span: Span, c: &mut Checker) -> Battery {
    let mut energy = None;
    let mut cells = Vec::new();
    let known: Vec<&str> = BATTERY_SETTINGS.iter().map(|(w, _)| *w).collect();
    for (name, value) in settings(given, &known, "a battery", c) {
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
    // A setting that does not exist is reported already: it is probably the misspelt energy.
    if energy.is_none() && given.iter().all(|s| known.contains(&s.name.text.as_str())) {
        let diagnostic = Diagnostic::new(Code::MissingDeclaration, span, "a battery needs `energy`, its Hamiltonian")
            .label("missing `energy`")
            .help("for example `battery { energy = dipolar }`");
        c.diagnostics.push(diagnostic);
    }
    // The battery is declared, so that not every metric of it is an error, too; the file is refused.
    Battery { energy: energy.unwrap_or_else(|| Expr::number(0.0)), cells, place: span.into() }
}

fn distribution(d: &ast::Distribution, c: &mut Checker) -> Option<Distribution> {
    if !Varied::WORDS.contains(&d.quantity.text.as_str()) {
        let diagnostic = Diagnostic::new(
            Code::UnknownSetting,
            d.quantity.span(),
            format!("an ensemble cannot distribute `{}`", d.quantity),
        )
        .label("unknown quantity")
        .did_you_mean(&d.quantity.text, Varied::WORDS);
        c.diagnostics.push(
            diagnostic.help(
                "an ensemble distributes `offset NUCLEUS`, `rf NUCLEUS`, `param NAME`, `orientation` or `position`",
            ),
        );
        return None;
    }
    let (varied, dimension) = varied(d, c)?;
    let (shape, known) = match varied {
        Varied::Orientation => row_named(GRIDS, &d.shape, c).map(|(grid, known)| (Shape::Grid(grid), known))?,
        _ => row_named(SPREADS, &d.shape, c).map(|(spread, known)| (Shape::Spread(spread), known))?,
    };
    let given = settings(&d.settings, known, &format!("`{}`", d.shape), c);
    let mut value = |name: &str, e: &Expr| {
        let before = c.diagnostics.len();
        let checked = c.number(e, if name == "seed" { Dimension::NUMBER } else { dimension });
        if let (Varied::Rf(_), Some(wrong)) = (&varied, c.diagnostics.get_mut(before)) {
            wrong
                .help
                .push("an rf amplitude is distributed relative to its nominal value: `mean = 1, sd = 5 %`".into());
        }
        checked
    };
    let values = given.into_iter().map(|(n, e)| (n.to_string(), value(n, e))).collect();
    let points = d.points.as_ref().map(|p| c.number(p, Dimension::NUMBER));
    Some(Distribution { varied, shape, settings: values, points, place: d.quantity.place })
}

/// The quantity varied by a distribution, and its dimension.
fn varied(d: &ast::Distribution, c: &mut Checker) -> Option<(Varied, Dimension)> {
    let of = d.of.as_ref();
    match (of.map(|e| &e.kind), d.quantity.text.as_str()) {
        (None, "orientation") => Some((Varied::Orientation, Dimension::NUMBER)),
        (None, "position") => Some((Varied::Position, Dimension::LENGTH)),
        (Some(ExprKind::Isotope(symbol)), word @ ("offset" | "rf")) => {
            let result = system::isotope(symbol, of.map(Expr::span).unwrap_or_default());
            c.note(result);
            Some(match word {
                "offset" => (Varied::Offset(symbol.clone()), Dimension::FREQUENCY),
                _ => (Varied::Rf(symbol.clone()), Dimension::NUMBER),
            })
        }
        (Some(ExprKind::Name(name)), "param") => match c.scope.names.get(name) {
            Some(Meaning::Param(dimension)) => Some((Varied::Param(name.clone()), *dimension)),
            Some(Meaning::List(_)) => {
                let span = of.map(Expr::span).unwrap_or_default();
                let message = format!("`{name}` is a list of parameters, and an ensemble varies one parameter");
                let diagnostic = Diagnostic::new(Code::WrongKind, span, message).label("a list");
                c.diagnostics.push(diagnostic.help("vary a parameter that its values are made of"));
                None
            }
            _ => {
                let diagnostic = c.scope.unknown(name, of.map(Expr::span).unwrap_or_default(), &[]);
                c.diagnostics.push(*diagnostic);
                None
            }
        },
        _ => {
            c.diagnostics.push(Diagnostic::new(
                Code::WrongKind,
                of.map_or(d.quantity.span(), Expr::span),
                "expected a nucleus after `offset` and `rf`, a parameter after `param`, nothing after `orientation` and `position`",
            ));
            None
        }
    }
}

/// Looks up a distribution in a table: its kind and settings.
pub(super) fn row_named<T: Copy>(
    table: &[Row<T>],
    word: &ast::Name,
    c: &mut Checker,
) -> Option<(T, &'static [&'static str])> {
    let row = table.iter().find(|(_, known, ..)| *known == word.text).map(|(kind, _, settings, _)| (*kind, *settings));
    if row.is_none() {
        let diagnostic = Diagnostic::new(Code::UnknownFunction, word.span(), format!("unknown distribution `{word}`"))
            .label("not known")
            .did_you_mean(&word.text, table.iter().map(|(_, known, ..)| *known));
        c.diagnostics.push(diagnostic);
    }
    row
}
