//! Tables for people: what was run and how, named results, marks, traces in brief; for a sweep a row a point.

use super::results::Results;
use crate::emulator::{Mark, Run};
use crate::units::UnitSystem;

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

/// Below this share of the largest value of its kind a number is rounding, and is shown as 0. At a polarisation of 1e-5 the
/// rounding of a state is 1e-12 of what the polarisation is worth.
const ROUNDING: f64 = 1e-11;

/// Results, and the largest magnitude among those of each unit.
struct Sheet<'a> {
    results: &'a Results<'a>,
    largest: Vec<(&'static str, f64)>,
}

impl<'a> Sheet<'a> {
    fn new(results: &'a Results<'a>) -> Sheet<'a> {
        let mut largest: Vec<(&'static str, f64)> = Vec::new();
        let mut see = |key: &str, value: Option<f64>| {
            let (unit, size) = (results.unit(key), value.map_or(0.0, f64::abs));
            match largest.iter_mut().find(|(u, _)| *u == unit) {
                Some((_, most)) => *most = most.max(size),
                None => largest.push((unit, size)),
            }
        };
        for run in results.points {
            run.summary.iter().for_each(|(k, v)| see(k, *v));
            run.marks.iter().flat_map(|m| &m.values).for_each(|(k, v)| see(k, *v));
            for (key, column) in run.traces.iter().flat_map(|t| &t.values) {
                column.iter().for_each(|v| see(key, *v));
            }
        }
        Sheet { results, largest }
    }

    /// A result as a person reads it, in the unit of its key.
    fn shown(&self, key: &str, value: Option<f64>) -> String {
        let unit = self.results.unit(key);
        let most = self.largest.iter().find(|(u, _)| *u == unit).map_or(0.0, |(_, most)| *most);
        if value.is_some_and(|x| x.abs() < ROUNDING * most) {
            "0".into()
        } else {
            digits(self.results.value(key, value))
        }
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

/// The text.
pub fn table(results: &Results) -> String {
    let mut out = String::new();
    if !results.experiment.title.is_empty() {
        out += &format!("{}\n", results.experiment.title);
    }
    let Some(first) = results.points.first() else { return out };
    out += &method(results, first);
    out += "\n";
    out += &if results.points.len() == 1 { single(&Sheet::new(results), first) } else { swept(&Sheet::new(results)) };
    let mut notes: Vec<&String> = Vec::new();
    for note in results.points.iter().flat_map(|p| &p.notes) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    for note in notes {
        out += &format!("note: {note}\n");
    }
    out
}

fn method(results: &Results, run: &Run) -> String {
    let units = match results.experiment.units {
        UnitSystem::Lab => "SI units",
        UnitSystem::Natural => "natural units (hbar = k_B = 1)",
    };
    let state = run.how.state();
    let of = if run.how.dimension < run.how.whole {
        format!(" of {}", crate::syntax::number_text(run.how.whole))
    } else {
        String::new()
    };
    let members = if run.how.members > 1 { format!("{} members of ", run.how.members) } else { String::new() };
    let mut line = format!("{members}{}{of} states, {state}", crate::syntax::number_text(run.how.dimension));
    if !run.how.methods.is_empty() {
        line += &format!(", {}", run.how.methods.join(" + "));
    }
    for (mode, population) in &run.how.truncation {
        line += &format!("; {mode}: at most {population:.1e} in the highest Fock state");
    }
    format!("{line}; {units}\n")
}

fn single(sheet: &Sheet, run: &Run) -> String {
    let results = sheet.results;
    let mut out = String::new();
    if !run.params.is_empty() {
        let params: Vec<String> = run
            .params
            .iter()
            .map(|(k, v)| {
                let unit = results.param_unit(k);
                format!("{k} = {}{}{unit}", digits(Some(*v)), if unit.is_empty() { "" } else { " " })
            })
            .collect();
        out += &wrapped("parameters  ", &params);
        out.push('\n');
    }
    if !run.summary.is_empty() {
        let mut columns = Columns::new(1);
        for (key, value) in &run.summary {
            columns.push(vec![key.clone(), sheet.shown(key, *value), results.unit(key).to_string()]);
        }
        out += &columns.text("", false);
        out.push('\n');
    }
    if let Some(first) = run.marks.first()
        && run.marks.iter().any(|m| !m.values.is_empty())
    {
        let mut columns = Columns::new(1);
        let mut header = vec!["mark".to_string()];
        header.extend(run.marks.iter().map(|m| m.name.clone()));
        columns.push(header);
        let mut times = vec![named("time", results.time_unit())];
        times.extend(run.marks.iter().map(|m| digits(Some(m.time))));
        columns.push(times);
        for (k, (key, _)) in first.values.iter().enumerate() {
            let mut row = vec![named(key, results.unit(key))];
            row.extend(run.marks.iter().map(|m| sheet.shown(key, m.values.get(k).and_then(|(_, v)| *v))));
            columns.push(row);
        }
        out += &columns.text("", true);
        out.push('\n');
    }
    for readings in &run.tomographies {
        out += &super::readings::readings(results, readings);
        out.push('\n');
    }
    for trace in &run.traces {
        let end = trace.time.last().copied();
        let unit = results.time_unit();
        out += &format!(
            "trace {}: {} samples over {}{}{unit}\n",
            trace.name,
            trace.time.len(),
            digits(end),
            if unit.is_empty() { "" } else { " " }
        );
        let mut columns = Columns::new(1);
        columns.push(vec![String::new(), "start".into(), "lowest".into(), "highest".into(), "at".into(), "end".into()]);
        for (key, column) in &trace.values {
            let defined = || column.iter().enumerate().filter_map(|(k, v)| v.map(|v| (k, v)));
            let lowest = defined().map(|(_, v)| v).min_by(f64::total_cmp);
            let highest = defined().fold(None::<(usize, f64)>, |best, (k, v)| {
                if best.is_none_or(|b| v > b.1 + 1e-9 * b.1.abs()) { Some((k, v)) } else { best }
            });
            columns.push(vec![
                named(key, results.unit(key)),
                sheet.shown(key, column.first().copied().flatten()),
                sheet.shown(key, lowest),
                sheet.shown(key, highest.map(|h| h.1)),
                digits(highest.and_then(|h| trace.time.get(h.0).copied())),
                sheet.shown(key, column.last().copied().flatten()),
            ]);
        }
        out += &columns.text("", true);
        out.push('\n');
    }
    out
}

fn swept(sheet: &Sheet) -> String {
    let results = sheet.results;
    let Some(first) = results.points.first() else { return "0 points\n".into() };
    let many_marks = first.marks.len() > 1;
    let mut header: Vec<String> = results.swept.iter().map(|n| named(n, &results.param_unit(n))).collect();
    header.extend(first.summary.iter().map(|(k, _)| named(k, results.unit(k))));
    // The end of a run says nothing new where marks are set.
    fn shown(run: &Run) -> impl Iterator<Item = &Mark> {
        run.marks.iter().filter(|m| run.marks.len() == 1 || m.name != "end")
    }
    for mark in shown(first) {
        header.extend(mark.values.iter().map(|(key, _)| {
            let name = if many_marks { format!("{}.{key}", mark.name) } else { key.clone() };
            named(&name, results.unit(key))
        }));
    }
    let mut rows: Vec<Vec<String>> = vec![header];
    for run in results.points {
        let value = |name: &String| run.params.iter().find(|(k, _)| k == name).map(|(_, v)| *v);
        let mut row: Vec<String> = results.swept.iter().map(|n| digits(value(n))).collect();
        row.extend(run.summary.iter().map(|(k, v)| sheet.shown(k, *v)));
        for mark in shown(run) {
            row.extend(mark.values.iter().map(|(key, v)| sheet.shown(key, *v)));
        }
        rows.push(row);
    }
    in_parts(&rows, results.swept.len()) + &format!("{} points\n", results.points.len())
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
