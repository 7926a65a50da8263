//! HTML report of an experiment: source, system, sequence, levels, curves, verdicts and run information. The page is self-contained: no
//! network, fonts or other files.

mod bloch;
mod density;
mod diagram;
mod html;
mod levels;
mod measured;
mod orders;
mod source;

use crate::comparison::{self, Comparison, Measurement, compare};
use crate::compile::Compiled;
use crate::diagnostic::Diagnostic;
use crate::emulator::{self, DryRun, Options, RunInfo, SweepAxis, dry_run};
use crate::hamiltonian::{Evaluator, Fault, Values};
use crate::ir::Experiment;
use crate::metrics::Metric;
use crate::output::drawing::{Drawing, style_sheet};
use crate::output::{Content, Figure, MOST_POINTS, chart, readings, scaled, too_many};
use crate::results::{Column, EnergyUnit, Point, ResultSet, Rounding, Schema};
use crate::source::Sources;
use crate::units::UnitSystem;
use crate::verdict::{Verdict, verdicts};
use html::{escaped, number, table};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Style sheet, except colours and drawing styles.
const STYLE: &str = include_str!("page.css");

/// Arrow heads of time spans.
const ARROW: &str = "<marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"6\" markerHeight=\"6\" \
                     orient=\"auto-start-reverse\"><path d=\"M0 0 L8 4 L0 8 Z\" class=\"arrow\"/></marker>";

/// Script for interactive elements.
const SCRIPT: &str = include_str!("page.js");

/// Report of an experiment at one point of its parameters; sweeps of one or two parameters are plotted.
///
/// # Errors
/// When it cannot be emulated.
pub fn page(compiled: &Compiled, values: &Values, options: &Options, file: &str) -> Result<String, Fault> {
    page_with(compiled, values, options, file, None)
}

/// Report that also compares with measured data.
///
/// # Errors
/// When it cannot be emulated, or the measured data do not belong to the experiment.
pub fn page_with(
    compiled: &Compiled,
    values: &Values,
    options: &Options,
    file: &str,
    measured: Option<&Measurement>,
) -> Result<String, Fault> {
    let experiment = &compiled.experiment;
    let run = emulator::run(experiment, values, options, &[])?;
    let rehearsal = dry_run(experiment, values, options);
    let found = if experiment.expects.is_empty() && experiment.theories.is_empty() {
        vec![]
    } else {
        verdicts(experiment, values, options)?
    };
    let results = ResultSet::of(Schema::new(experiment, file, &[], values, EnergyUnit::Default), [run])?;
    let mut body = String::new();
    let title = if experiment.title.is_empty() { file } else { &experiment.title };
    let _ =
        writeln!(body, "<header><h1>{}</h1>\n<p>{}</p></header>\n<main>", escaped(title), summary(&results, &found));
    section(&mut body, "Checks", &verdict_table(&found));
    section(&mut body, "Curves", &figures(experiment, values, options, file, &results)?);
    if let Ok(rehearsal) = &rehearsal {
        section(&mut body, "Sequence", &sequence(&Evaluator::new(experiment, values)?, rehearsal));
        section(&mut body, "Timeline", &timeline(rehearsal, experiment, &compiled.sources));
    }
    if let Err(why) = &rehearsal {
        section(&mut body, "Sequence", &undrawn(&format!("The dry run failed: {}.", why.message)));
    }
    energy_levels(&mut body, experiment, values, options);
    for (word, title) in [("hinton", "States"), ("bloch", "Bloch-sphere trajectories"), ("tomography", "Tomography")] {
        let drawn = DRAWINGS.iter().find(|(w, ..)| *w == word).map(|(_, _, draw)| draw(experiment, values, options));
        match drawn {
            Some(Ok(Some(drawing))) => {
                section(&mut body, title, &format!("<div class=\"wide\">{}</div>\n", drawing.svg()));
            }
            Some(Err(why)) => section(&mut body, title, &undrawn(&format!("Not drawn: {}.", why.message))),
            Some(Ok(None)) | None => {}
        }
    }
    if let Some(measured) = measured {
        section(&mut body, "Comparison with measurement", &compared(&compare(experiment, values, options, measured)?));
    }
    section(&mut body, "Results", &result_tables(&results));
    section(&mut body, "Formulas", &formulas(experiment));
    section(&mut body, "Source", &source::listing(&compiled.sources, &compiled.warnings));
    if let Some(how) = results.at(0).and_then(|point| point.how()) {
        section(&mut body, "Numerical methods", &how_computed(how, rehearsal.as_ref().ok(), options));
    }
    body += "</main>\n";
    Ok(document(title, &body))
}

/// Maximum number of statements in the drawing of the sequence and in its timeline.
const MOST_STATEMENTS: usize = 2000;

/// The drawing of the sequence.
fn sequence(e: &Evaluator, r: &DryRun) -> String {
    let count = r.blocks.len();
    if count > MOST_STATEMENTS {
        return undrawn(&format!(
            "Not drawn: the sequence has {count} statements, and at most {MOST_STATEMENTS} are drawn."
        ));
    }
    let note = "<p class=\"note\">Not to scale: widths are logarithmic in duration.</p>";
    format!("<div class=\"wide\">{}</div>{note}", diagram::diagram(e, r).svg())
}

/// The section of the energy levels of the battery.
fn energy_levels(body: &mut String, experiment: &Experiment, values: &Values, options: &Options) {
    let content = match levels::levels(experiment, values, options) {
        Err(why) => undrawn(&format!("Not counted: {}.", why.message)),
        Ok(None) if experiment.battery.is_some() => undrawn("There is a single level, or there are too many to draw."),
        Ok(None) => return,
        Ok(Some(found)) => {
            let unit = if experiment.units == UnitSystem::Lab { "J" } else { "" };
            let note = "<p class=\"note\">Bars show the population of each state of a level, scaled from the minimum to the maximum \
                        population over all marks.</p>";
            format!("<div class=\"wide\">{}</div>{note}", levels::picture(&found, unit).svg())
        }
    };
    section(body, "Energy levels of the battery", &content);
}

/// Drawings of an experiment: (keyword, description, function).
pub const DRAWINGS: &[(&str, &str, DrawingOf)] = &[
    ("sequence", "the pulse sequence: channels, pulses, delays, marks", |experiment, values, options| {
        let e = Evaluator::new(experiment, values)?;
        Ok(Some(diagram::diagram(&e, &dry_run(experiment, values, options)?)))
    }),
    (
        "levels",
        "the energy levels of the battery and their populations at every mark",
        |experiment, values, options| {
            let unit = if experiment.units == UnitSystem::Lab { "J" } else { "" };
            Ok(levels::levels(experiment, values, options)?.map(|found| levels::picture(&found, unit)))
        },
    ),
    ("hinton", "Hinton diagrams of the density matrix at every mark", |experiment, values, options| {
        Ok(density::states(experiment, values, options)?.map(|found| density::hinton(&found)))
    }),
    ("city", "3-D bar plots of the density matrix at every mark", |experiment, values, options| {
        Ok(density::states(experiment, values, options)?.map(|found| density::city(&found)))
    }),
    ("bloch", "Bloch-sphere trajectories of every spin 1/2", |experiment, values, options| {
        Ok(bloch::paths(experiment, values, options)?.map(|found| bloch::picture(&found)))
    }),
    ("orders", "the fractions of the coherence orders after every statement", |experiment, values, options| {
        Ok(orders::picture(experiment, &dry_run(experiment, values, options)?))
    }),
    ("tomography", "the battery energies from a tomography, with errors", |experiment, values, options| {
        if !experiment.has_tomography() {
            return Ok(None);
        }
        Ok(measured::picture(experiment, &emulator::run(experiment, values, options, &[])?))
    }),
];

/// Draws an aspect of an experiment at one point of its parameters; `None` if there is nothing to draw.
pub type DrawingOf = fn(&Experiment, &Values, &Options) -> Result<Option<Drawing>, Fault>;

/// Report of a program with errors.
pub fn page_of_mistakes(diagnostics: &[Diagnostic], sources: &Sources, file: &str) -> String {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    let mut body =
        format!("<header><h1>{}</h1>\n<p class=\"failed\">{errors} errors</p></header>\n<main>", escaped(file));
    section(&mut body, "Source", &source::listing(sources, diagnostics));
    document(file, &(body + "</main>\n"))
}

/// The element in the head of every page that says who wrote it. A page with it may be replaced by a new one.
pub const GENERATOR: &str = "<meta name=\"generator\" content=\"ergoseq\">";

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{GENERATOR}\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <title>{}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{colours}{STYLE}</style>\n</head>\n<body>\n{body}\
         <svg width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>{ARROW}</defs></svg>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        escaped(title),
        policy = policy(),
        colours = style_sheet()
    )
}

/// What the page may do: show itself and run its own script, which is told by its digest. Nothing is loaded from elsewhere, and a script
/// that a title or a comment might smuggle in does not run.
fn policy() -> String {
    let digest = Sha256::digest(format!("\n{SCRIPT}").as_bytes());
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'",
        base64(&digest)
    )
}

/// Bytes in the digits of base 64.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |x: u32| DIGITS.get((x & 63) as usize).copied().map_or('=', char::from);
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for k in 0..4 {
            out.push(if k <= three.len() { digit(bits >> (18 - 6 * k)) } else { '=' });
        }
    }
    out
}

fn section(out: &mut String, title: &str, content: &str) {
    if !content.is_empty() {
        let id: String = title.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let _ = writeln!(out, "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n{content}</section>");
    }
}

/// Parameters, and whether expectations hold.
fn summary(results: &ResultSet, found: &[Verdict]) -> String {
    let failed = found.iter().filter(|v| !v.holds()).count();
    let verdict = match (found.len(), failed) {
        (0, _) => String::new(),
        (n, 0) => format!(" <span class=\"holds\">All {n} expectations hold.</span>"),
        (n, failed) => format!(" <span class=\"failed\">{failed} of {n} expectations fail.</span>"),
    };
    let value = |(column, x): (&Column, f64)| {
        let shown = match column.unit.as_str() {
            "" => number(Some(x)),
            unit @ ("s" | "Hz") => scaled(x, unit),
            unit => format!("{} {unit}", number(Some(x))),
        };
        format!("{} = {shown}", escaped(&column.key))
    };
    let set: Vec<String> = results.points().flat_map(|point| point.parameters()).map(value).collect();
    format!("{}{verdict}", set.join(", "))
}

fn verdict_table(found: &[Verdict]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let headings = ["result", "expected", "found", "difference", "within", ""].map(String::from);
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|v| {
            let verdict =
                if v.holds() { "<span class=\"holds\">holds</span>" } else { "<span class=\"failed\">fails</span>" };
            let number = |x: Option<f64>| number(x);
            vec![
                escaped(&v.what),
                number(Some(v.expected)),
                number(v.found),
                number(v.difference()),
                number(Some(v.within)),
                verdict.into(),
            ]
        })
        .collect();
    table(&headings, &rows)
}

/// Curves at the point, and the figure of the sweep.
fn figures(
    experiment: &Experiment,
    values: &Values,
    options: &Options,
    file: &str,
    results: &ResultSet,
) -> Result<String, Fault> {
    let mut out = String::new();
    if let Ok(figure) = chart(results, experiment, &[]) {
        out += &panels(&figure);
    }
    let axes: Vec<SweepAxis> = emulator::axes(experiment, values)?;
    let count: usize = axes.iter().map(SweepAxis::len).product();
    if (1..=2).contains(&axes.len()) && count <= MOST_POINTS {
        let points: Vec<Values> = emulator::points(&axes, values).collect();
        let emulator = emulator::Emulator::new(experiment);
        let runs = emulator.run_all(&points, options, &|_| {}).into_iter().collect::<Result<Vec<_>, Fault>>()?;
        let results = ResultSet::of(Schema::new(experiment, file, &axes, values, EnergyUnit::Default), runs)?;
        if let Ok(figure) = chart(&results, experiment, &[]) {
            out += &panels(&figure);
        }
    } else if !axes.is_empty() {
        out += &undrawn(&match axes.len() {
            1 | 2 => too_many(count),
            n => format!(
                "The file sweeps {n} parameters, which cannot be plotted; this page shows the results at their defaults."
            ),
        });
    }
    Ok(out)
}

/// Comparison of theory, emulation and measurement: table, curves and residuals.
fn compared(c: &Comparison) -> String {
    let (head, rows) = comparison::rows(c);
    let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row.iter().map(|cell| escaped(cell)).collect()).collect();
    let mut out = if rows.is_empty() { String::new() } else { table(&head, &rows) };
    for note in c.agreements.iter().map(comparison::sentence).chain(c.notes.iter().cloned()) {
        out += &undrawn(&note);
    }
    out + &panels(&c.figure)
}

/// A note in place of a figure.
fn undrawn(why: &str) -> String {
    format!("<p class=\"note\">{}</p>", escaped(why))
}

/// Panels of a figure as data, drawn by the script.
fn panels(figure: &Figure) -> String {
    let short =
        |x: f64| if x.is_finite() { json!(format!("{x:.7e}").parse::<f64>().unwrap_or(x)) } else { json!(null) };
    let edges = |(edges, log): (Vec<f64>, bool)| json!({ "edges": edges.into_iter().map(short).collect::<Vec<_>>(), "log": log });
    let mut out = String::from("<div class=\"panels\">\n");
    for panel in &figure.panels {
        let data = match &panel.content {
            Content::Curves(curves) => json!({
                "title": panel.title, "x": panel.x, "y": panel.y,
                "curves": curves.iter().map(|c| json!({
                    "label": c.label, "marks": c.marks,
                    "x": c.points.iter().map(|p| short(p.0)).collect::<Vec<_>>(),
                    "y": c.points.iter().map(|p| short(p.1)).collect::<Vec<_>>(),
                })).collect::<Vec<_>>(),
            }),
            Content::Map(map) => json!({
                "title": panel.title, "x": panel.x, "y": panel.y,
                "map": {
                    "label": map.label,
                    "columns": edges(map.columns()),
                    "rows": edges(map.rows()),
                    "x": map.x.iter().map(|x| short(*x)).collect::<Vec<_>>(),
                    "y": map.y.iter().map(|y| short(*y)).collect::<Vec<_>>(),
                    "values": map.values.iter().map(|row| row.iter().map(|v| short(*v)).collect::<Vec<_>>()).collect::<Vec<_>>(),
                },
            }),
        };
        // Within a script element only `</` could end it.
        let data = data.to_string().replace("</", "<\\/");
        let _ = writeln!(
            out,
            "<figure class=\"chart\"><figcaption>{}</figcaption><script type=\"application/json\">{data}</script></figure>",
            escaped(&panel.title)
        );
    }
    out + "</div>\n"
}

/// The value, or zero if it is rounding relative to the largest of its kind.
fn rounded(x: Option<f64>, largest: f64) -> Option<f64> {
    x.map(|x| if x.abs() < 1e-11 * largest { 0.0 } else { x })
}

fn timeline(r: &DryRun, experiment: &Experiment, sources: &Sources) -> String {
    let (second, hertz) = if experiment.units == UnitSystem::Lab { ("s", "Hz") } else { ("", "") };
    let orders = r.blocks.first().map_or(0, |b| b.orders.len());
    let energies = r.blocks.iter().filter_map(|b| b.battery).flat_map(|(e, w)| [e, w]).flatten();
    let largest = energies.fold(0.0, |most: f64, x| most.max(x.abs()));
    let mut headings: Vec<String> = ["statement", "start", "duration", "rf"].map(String::from).to_vec();
    headings.extend((0..orders).map(|k| format!("order {k}")));
    if experiment.battery.is_some() {
        let joule = if experiment.units == UnitSystem::Lab { " / J" } else { "" };
        headings.extend([format!("energy{joule}"), format!("ergotropy{joule}")]);
    }
    let left = r.blocks.len().saturating_sub(MOST_STATEMENTS);
    let note = if left > 0 { undrawn(&format!("{left} more statements are not shown.")) } else { String::new() };
    let rows: Vec<Vec<String>> = r
        .blocks
        .iter()
        .take(MOST_STATEMENTS)
        .map(|b| {
            let words = b.place.0.map_or("", |span| sources.words(span));
            let words: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
            let words: String =
                if words.chars().count() > 70 { words.chars().take(69).chain(['…']).collect() } else { words };
            let mut row = vec![
                format!("<code>{}</code>", escaped(&words)),
                scaled(b.start.max(0.0), second),
                scaled(b.duration, second),
                b.rf.map_or("–".into(), |x| scaled(x, hertz)),
            ];
            row.extend(b.orders.iter().map(|share| match share {
                Some(x) => {
                    let x = x.abs();
                    format!("<span class=\"bar\" style=\"--share:{:.4}\">{x:.4}</span>", x.min(1.0))
                }
                None => "–".into(),
            }));
            if let Some((energy, ergotropy)) = b.battery {
                row.extend([number(rounded(energy, largest)), number(rounded(ergotropy, largest))]);
            }
            row
        })
        .collect();
    table(&headings, &rows) + &note
}

/// Largest number of marks with a column each in the table of results; more have a row each.
const MOST_COLUMNS: usize = 12;

/// The name of a result with its unit.
fn column_heading(c: &Column) -> String {
    match c.unit.as_str() {
        "" => escaped(&c.key),
        unit => format!("{} / {unit}", escaped(&c.key)),
    }
}

fn result_tables(results: &ResultSet) -> String {
    let Some(point) = results.at(0) else { return String::new() };
    let mut out = String::new();
    let rows: Vec<Vec<String>> = point.summary().map(|(c, v)| vec![column_heading(c), number(v)]).collect();
    if !rows.is_empty() {
        out += &table(&["result".into(), "value".into()], &rows);
    }
    let rounding = Rounding::new(results);
    out += &mark_table(point, &rounding);
    for t in point.tomographies() {
        let _ = writeln!(out, "<pre>{}</pre>", escaped(&readings(results.schema().energy.name, t)));
    }
    for note in point.notes() {
        let _ = writeln!(out, "<p class=\"note\">{}</p>", escaped(note));
    }
    out
}

/// A result and its value.
type Reading<'a> = (&'a Column, Option<f64>);

/// Results at marks: a column a mark, or a row if there are many.
fn mark_table(point: Point, rounding: &Rounding) -> String {
    let marks: Vec<(String, Vec<Reading>)> = point.marks().map(|m| (escaped(m.name()), m.values().collect())).collect();
    let Some((_, first)) = marks.first().filter(|(_, values)| !values.is_empty()) else { return String::new() };
    let keys: Vec<String> = first.iter().map(|(column, _)| column_heading(column)).collect();
    let shown = |(column, value): &Reading| number(rounding.shown(column, *value));
    let mut rows: Vec<Vec<String>> = vec![std::iter::once("mark".to_string()).chain(keys).collect()];
    for (name, values) in marks {
        rows.push(std::iter::once(name).chain(values.iter().map(shown)).collect());
    }
    if rows.len() <= MOST_COLUMNS + 1 {
        let width = rows.first().map_or(0, Vec::len);
        rows = (0..width).map(|k| rows.iter().map(|row| row.get(k).cloned().unwrap_or_default()).collect()).collect();
    }
    match rows.split_first() {
        Some((head, rows)) => table(head, rows),
        None => String::new(),
    }
}

/// Requested metrics with their formulas.
fn formulas(experiment: &Experiment) -> String {
    let mut named: Vec<&Metric> = Vec::new();
    for measure in &experiment.measures {
        measure.value.walk(&mut |x| {
            if let crate::syntax::ExprKind::Name(name) | crate::syntax::ExprKind::Call(name, _) = &x.kind
                && let Some(metric) = Metric::named(name)
                && !named.iter().any(|m| m.name == metric.name)
            {
                named.push(metric);
            }
        });
    }
    if named.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> =
        named.iter().map(|m| vec![format!("<code>{}</code>", m.name), escaped(m.formula), escaped(m.source)]).collect();
    table(&["metric".into(), "formula".into(), "source".into()], &rows)
}

fn how_computed(how: &RunInfo, rehearsal: Option<&DryRun>, options: &Options) -> String {
    let state = how.state();
    let mut rows = vec![
        vec!["program".into(), format!("ergoseq {}", env!("CARGO_PKG_VERSION"))],
        vec!["states".into(), format!("{} of {}, as a {state}", how.dimension, how.whole)],
        vec!["ensemble members".into(), how.members.to_string()],
        vec!["propagation".into(), escaped(&how.methods.join(", "))],
        vec!["tolerance of adaptive methods".into(), format!("{:e}", options.tolerance)],
    ];
    if let Some(spectrometer) = &options.spectrometer {
        rows.push(vec!["spectrometer".into(), escaped(spectrometer)]);
    }
    for (mode, population) in &how.truncation {
        rows.push(vec![format!("highest Fock state of {}", escaped(mode)), format!("population {population:.1e}")]);
    }
    let ignored = "probe ring-down, transmit/receive switching, radiation damping, couplings to undeclared spins";
    rows.push(vec!["not modelled".into(), ignored.into()]);
    let mut out = table(&["".into(), "".into()], &rows);
    if let Some(r) = rehearsal.filter(|r| !r.remarks.is_empty()) {
        let items: String = r.remarks.iter().map(|x| format!("<li>{}</li>\n", escaped(x))).collect();
        let _ = writeln!(out, "<h3>Remarks</h3>\n<ul>\n{items}</ul>");
    }
    out
}
