//! Tables for people: what was run and how, named results, marks, traces in brief; for a sweep a row a point.

use crate::emulator::RunInfo;
use crate::results::{Column, Mark, Point, ResultSet, Rounding, Trace};
use crate::units::UnitSystem;
use std::iter::once;

/// A number with the digits that a person reads.
fn digits(x: Option<f64>) -> String {
    let Some(x) = x else { return "-".into() };
    if x == 0.0 {
        return "0".into();
    }
    let magnitude = x.abs();
    if (1e-3..1e6).contains(&magnitude) {
        let decimals = (6 - magnitude.log10().floor() as i32 - 1).clamp(0, 8) as usize;
        let text = format!("{x:.decimals$}");
        return if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text };
    }
    format!("{x:.5e}")
}

/// A result set, and what of it is rounding.
struct Sheet<'a> {
    set: &'a ResultSet,
    rounding: Rounding<'a>,
}

impl<'a> Sheet<'a> {
    fn new(set: &'a ResultSet) -> Sheet<'a> {
        Sheet { set, rounding: Rounding::new(set) }
    }

    /// A result as a person reads it.
    fn shown(&self, column: &Column, value: Option<f64>) -> String {
        digits(self.rounding.shown(column, value))
    }
}

/// Columns of text, numbers to the right.
struct Columns {
    rows: Vec<Vec<String>>,
    left: usize,
}

impl Columns {
    fn new(left: usize) -> Columns {
        Columns { rows: vec![], left }
    }

    fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    fn text(&self, indent: &str, ruled: bool) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|c| self.rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0))
            .collect();
        let mut out = String::new();
        for (k, row) in self.rows.iter().enumerate() {
            let mut line = indent.to_string();
            for (c, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
                let gap = if c == 0 { "" } else { "  " };
                line += &if c < self.left { format!("{gap}{cell}{pad}") } else { format!("{gap}{pad}{cell}") };
            }
            out += line.trim_end();
            out.push('\n');
            if ruled && k == 0 {
                out +=
                    &format!("{indent}{}\n", "-".repeat(widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1)));
            }
        }
        out
    }
}

fn named(name: &str, unit: &str) -> String {
    if unit.is_empty() { name.to_string() } else { format!("{name} [{unit}]") }
}

/// The unit in which a person reads a parameter, and its factor: angles are shown in degrees.
fn readable(column: &Column) -> (f64, &str) {
    if column.unit == "rad" { (1f64.to_degrees(), "deg") } else { (1.0, &column.unit) }
}

/// The name of a column with its unit.
fn heading(column: &Column) -> String {
    named(&column.key, &column.unit)
}

/// The text.
pub fn table(set: &ResultSet) -> String {
    let schema = set.schema();
    let mut out = String::new();
    if !schema.title.is_empty() {
        out += &format!("{}\n", schema.title);
    }
    let Some(first) = set.at(0) else { return out };
    out += &first.how().map_or_else(String::new, |how| method(schema.system, how));
    out += "\n";
    let sheet = Sheet::new(set);
    out += &if set.len() == 1 { single(&sheet, first) } else { swept(&sheet, first) };
    let mut notes: Vec<&String> = Vec::new();
    for note in set.points().flat_map(|p| p.notes()) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    for note in notes {
        out += &format!("note: {note}\n");
    }
    out
}

fn method(system: UnitSystem, how: &RunInfo) -> String {
    let units = match system {
        UnitSystem::Lab => "SI units",
        UnitSystem::Natural => "natural units (hbar = k_B = 1)",
    };
    let state = how.state();
    let of = if how.dimension < how.whole {
        format!(" of {}", crate::syntax::number_text(how.whole))
    } else {
        String::new()
    };
    let members =
        if how.members > 1 { format!("average over {} ensemble members of ", how.members) } else { String::new() };
    let mut line = format!("{members}{}{of} states, {state}", crate::syntax::number_text(how.dimension));
    if !how.methods.is_empty() {
        line += &format!(", {}", how.methods.join(" + "));
    }
    for (mode, population) in &how.truncation {
        line += &format!("; {mode}: at most {population:.1e} in the highest Fock state");
    }
    format!("{line}; {units}\n")
}

/// A number and a unit.
fn with_unit(number: String, unit: &str) -> String {
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

fn single(sheet: &Sheet, point: Point) -> String {
    let schema = sheet.set.schema();
    let mut out = String::new();
    let params: Vec<String> = point
        .parameters()
        .map(|(column, x)| {
            let (factor, unit) = readable(column);
            format!("{} = {}", column.key, with_unit(digits(Some(x * factor)), unit))
        })
        .collect();
    if !params.is_empty() {
        out += &wrapped("parameters  ", &params);
        out.push('\n');
    }
    let mut columns = Columns::new(1);
    for (column, value) in point.summary() {
        columns.push(vec![column.key.clone(), sheet.shown(column, value), column.unit.clone()]);
    }
    if !columns.rows.is_empty() {
        out += &columns.text("", false);
        out.push('\n');
    }
    out += &marks(sheet, point);
    for readings in point.tomographies() {
        out += &super::readings::readings(schema.energy.name, readings);
        out.push('\n');
    }
    for trace in point.traces() {
        out += &brief(sheet, trace);
        out.push('\n');
    }
    out
}

/// The metrics at the marks, a column a mark.
fn marks(sheet: &Sheet, point: Point) -> String {
    let rows: Vec<Vec<(&Column, Option<f64>)>> = point.marks().map(|mark| mark.values().collect()).collect();
    let Some(first) = rows.first().filter(|values| !values.is_empty()) else { return String::new() };
    let mut columns = Columns::new(1);
    columns.push(once("mark".to_string()).chain(point.marks().map(|m| m.name().to_string())).collect());
    let time = named("time", sheet.set.schema().time.name);
    columns.push(once(time).chain(point.marks().map(|m| digits(Some(m.time())))).collect());
    for (k, (column, _)) in first.iter().enumerate() {
        let values = rows.iter().map(|row| sheet.shown(column, row.get(k).and_then(|(_, v)| *v)));
        columns.push(once(heading(column)).chain(values).collect());
    }
    columns.text("", true) + "\n"
}

/// A trace in brief: where its curves begin and end, their extrema.
fn brief(sheet: &Sheet, trace: Trace) -> String {
    let time = trace.time();
    let length = with_unit(digits(time.last().copied()), sheet.set.schema().time.name);
    let mut columns = Columns::new(1);
    columns.push(["", "start", "min", "max", "t(max)", "end"].map(String::from).to_vec());
    for (column, values) in trace.columns() {
        let value = |x: Option<&f64>| x.copied().filter(|x| !x.is_nan());
        let defined = || values.iter().copied().enumerate().filter(|(_, x)| !x.is_nan());
        let lowest = defined().map(|(_, v)| v).min_by(f64::total_cmp);
        let highest = defined().fold(None::<(usize, f64)>, |best, (k, v)| {
            if best.is_none_or(|b| v > b.1 + 1e-9 * b.1.abs()) { Some((k, v)) } else { best }
        });
        columns.push(vec![
            heading(column),
            sheet.shown(column, value(values.first())),
            sheet.shown(column, lowest),
            sheet.shown(column, highest.map(|h| h.1)),
            digits(highest.and_then(|h| time.get(h.0).copied())),
            sheet.shown(column, value(values.last())),
        ]);
    }
    format!("trace {}: {} samples over {length}\n{}", trace.name(), time.len(), columns.text("", true))
}

/// The marks that a row of a sweep shows: the end of a run says nothing new where marks are set.
fn in_rows(point: Point<'_>) -> impl Iterator<Item = Mark<'_>> {
    let marks = point.marks();
    let single = marks.len() == 1;
    marks.filter(move |m| single || m.name() != "end")
}

fn swept(sheet: &Sheet, first: Point) -> String {
    let schema = sheet.set.schema();
    let many_marks = schema.marks().len() > 1;
    let swept: Vec<&str> = schema.swept().collect();
    let units: Vec<(f64, &str)> =
        swept.iter().map(|name| schema.parameter(name).map_or((1.0, ""), |(_, column)| readable(column))).collect();
    let mut header: Vec<String> = swept.iter().zip(&units).map(|(name, (_, unit))| named(name, unit)).collect();
    header.extend(first.summary().map(|(column, _)| heading(column)));
    for mark in in_rows(first) {
        header.extend(mark.values().map(|(column, _)| {
            let name = if many_marks { format!("{}.{}", mark.name(), column.key) } else { column.key.clone() };
            named(&name, &column.unit)
        }));
    }
    let mut rows: Vec<Vec<String>> = vec![header];
    for point in sheet.set.points() {
        let of = |(name, (factor, _)): (&&str, &(f64, &str))| digits(point.parameter(name).map(|x| x * factor));
        let mut row: Vec<String> = swept.iter().zip(&units).map(of).collect();
        row.extend(point.summary().map(|(column, v)| sheet.shown(column, v)));
        for mark in in_rows(point) {
            row.extend(mark.values().map(|(column, v)| sheet.shown(column, v)));
        }
        rows.push(row);
    }
    in_parts(&rows, swept.len()) + &format!("{} points\n", sheet.set.len())
}

/// A table that is too wide for 80 columns is cut into several, each with the swept parameters in front.
fn in_parts(rows: &[Vec<String>], fixed: usize) -> String {
    const WIDTH: usize = 80;
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0) + 2;
    let base: usize = (0..fixed).map(width).sum();
    let columns = rows.first().map_or(0, Vec::len);
    let mut out = String::new();
    let mut from = fixed;
    while from < columns || (from == fixed && columns == fixed) {
        let mut to = from;
        let mut used = base;
        while to < columns && (to == from || used + width(to) <= WIDTH) {
            used += width(to);
            to += 1;
        }
        let mut part = Columns::new(0);
        for row in rows {
            part.push(row.iter().take(fixed).chain(row.iter().take(to).skip(from)).cloned().collect());
        }
        out += &part.text("", true);
        out.push('\n');
        if to == from {
            break;
        }
        from = to;
    }
    out
}

/// Words after a heading, wrapped at 80 columns.
fn wrapped(heading: &str, words: &[String]) -> String {
    let mut out = String::new();
    let mut line = heading.to_string();
    for (k, word) in words.iter().enumerate() {
        let word = if k + 1 == words.len() { word.clone() } else { format!("{word},") };
        if line.chars().count() + word.chars().count() > 80 && line.trim() != heading.trim() {
            out += line.trim_end();
            out.push('\n');
            line = " ".repeat(heading.chars().count());
        }
        line += &format!("{word} ");
    }
    out + line.trim_end() + "\n"
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn numbers_are_short_and_right() {
        assert_eq!(digits(Some(1.695_533_474_998_033_6)), "1.69553");
        assert_eq!(digits(Some(-0.25)), "-0.25");
        assert_eq!(digits(Some(9.046e-34)), "9.04600e-34");
        assert_eq!(digits(Some(100.0)), "100");
        assert_eq!(digits(Some(123_456.7)), "123457");
        assert_eq!(digits(None), "-");
    }
}
