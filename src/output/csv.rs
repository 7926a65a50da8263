//! Comma-separated values: a header, then a row for every point with its parameters, named results and marks; an experiment
//! that records traces and sweeps nothing gives a row for every sample instead, the traces one after the other.

use crate::results::{Column, Point, ResultSet};
use crate::syntax::number_text;

/// The text.
pub fn csv(set: &ResultSet) -> String {
    match (set.len(), set.at(0)) {
        (1, Some(point)) if point.traces().any(|t| t.columns().next().is_some()) => samples(set, point),
        (_, Some(first)) => rows(set, first),
        (_, None) => String::new(),
    }
}

/// A cell of text. One that a spreadsheet would take for a formula (`-energy`, a title `=...`) is marked as text by an apostrophe, as
/// spreadsheets themselves do.
pub fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let marked = if formula { format!("'{text}") } else { text.to_string() };
    let text = marked.as_str();
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

fn value(x: Option<f64>) -> String {
    x.map_or_else(String::new, number_text)
}

fn with_unit(name: &str, unit: &str) -> String {
    field(&if unit.is_empty() { name.to_string() } else { format!("{name} [{unit}]") })
}

fn heading(column: &Column) -> String {
    with_unit(&column.key, &column.unit)
}

fn rows(set: &ResultSet, first: Point) -> String {
    let time = set.schema().time.name;
    let mut header: Vec<String> = first.parameters().map(|(column, _)| heading(column)).collect();
    header.extend(first.summary().map(|(column, _)| heading(column)));
    for mark in first.marks() {
        header.push(with_unit(&format!("{}.time", mark.name()), time));
        header.extend(mark.values().map(|(c, _)| with_unit(&format!("{}.{}", mark.name(), c.key), &c.unit)));
    }
    let mut out = header.join(",") + "\n";
    for point in set.points() {
        let mut row: Vec<String> = point.parameters().map(|(_, x)| number_text(x)).collect();
        row.extend(point.summary().map(|(_, x)| value(x)));
        for mark in point.marks() {
            row.push(number_text(mark.time()));
            row.extend(mark.values().map(|(_, x)| value(x)));
        }
        out += &(row.join(",") + "\n");
    }
    out
}

fn samples(set: &ResultSet, point: Point) -> String {
    // Traces may hold different columns: what one does not have stays empty.
    let mut columns: Vec<&Column> = Vec::new();
    for (column, _) in point.traces().flat_map(|t| t.columns()) {
        if !columns.iter().any(|known| known.key == column.key) {
            columns.push(column);
        }
    }
    let mut header = vec!["trace".to_string(), with_unit("time", set.schema().time.name)];
    header.extend(columns.iter().copied().map(heading));
    let mut out = header.join(",") + "\n";
    for trace in point.traces() {
        let own: Vec<Option<&[f64]>> = columns.iter().map(|c| trace.column(&c.key).map(|(_, x)| x)).collect();
        for (k, time) in trace.time().iter().enumerate() {
            let mut row = vec![field(trace.name()), number_text(*time)];
            row.extend(own.iter().map(|x| value(x.and_then(|x| x.get(k)).copied().filter(|x| !x.is_nan()))));
            out += &(row.join(",") + "\n");
        }
    }
    out
}
