//! A comparison for people, programs and spreadsheets.

use super::parts::{Agreement, Comparison, Row};
use crate::output::field;
use crate::syntax::number_text;
use serde_json::{Value, json};

/// The head of the table.
const HEAD: [&str; 6] = ["", "theory", "emulation", "measurement", "error", "deviation"];

fn name(row: &Row) -> String {
    let at = row.at.as_ref().map_or(String::new(), |(name, x)| format!(", {name} = {}", number_text(*x)));
    let unit = if row.unit.is_empty() { String::new() } else { format!(" [{}]", row.unit) };
    format!("{}{at}{unit}", row.what)
}

/// The cells of a row behind its name.
pub(super) fn cells(row: &Row) -> [String; 5] {
    let number = |x: Option<f64>| x.map_or_else(|| "-".into(), |x| format!("{x:.4e}"));
    [
        number(row.theory),
        number(row.emulation.map(|e| e.0)),
        number(Some(row.measurement.0)),
        number(row.measurement.1),
        row.deviation().map_or_else(|| "-".into(), |d| format!("{d:+.2}")),
    ]
}

/// A sentence on how well something is described.
pub fn sentence(a: &Agreement) -> String {
    let [theory, emulation] =
        a.left.map(|share| number_text(format!("{:.3e}", 100.0 * share).parse().unwrap_or(share)));
    let chi = a.chi_square.map_or(String::new(), |[theory, emulation]| {
        format!("chi^2 = {theory:.1} (theory), {emulation:.1} (emulation) for {} numbers; ", a.numbers)
    });
    format!("{}: {chi}the residual is {theory} % for theory, {emulation} % for the emulation", a.what)
}

/// For people.
pub fn table(c: &Comparison) -> String {
    let mut out = String::new();
    if !c.rows.is_empty() {
        let width = c.rows.iter().map(|r| name(r).chars().count()).max().unwrap_or(0);
        let line = |first: &str, rest: &[String]| {
            let cells: String = rest.iter().map(|cell| format!("{cell:>13}")).collect();
            format!("{first:<width$}{cells}\n")
        };
        out += &line("", &HEAD.iter().skip(1).map(|h| (*h).to_string()).collect::<Vec<_>>());
        c.rows.iter().for_each(|row| out += &line(&name(row), &cells(row)));
        out += "deviation: measurement - emulation, in standard errors\n";
    }
    c.agreements.iter().for_each(|a| out += &format!("{}\n", sentence(a)));
    c.notes.iter().for_each(|note| out += &format!("note: {note}\n"));
    out
}

/// The same as rows of a page: head and cells.
pub fn rows(c: &Comparison) -> (Vec<String>, Vec<Vec<String>>) {
    let row = |r: &Row| std::iter::once(name(r)).chain(cells(r)).collect();
    (HEAD.iter().map(|h| (*h).to_string()).collect(), c.rows.iter().map(row).collect())
}

/// For programs.
pub fn json(c: &Comparison, file: &str) -> Value {
    let row = |r: &Row| {
        json!({
            "result": r.what, "unit": r.unit,
            "at": r.at.as_ref().map(|(name, x)| json!({ "parameter": name, "value": x })),
            "theory": r.theory, "emulation": r.emulation.map(|e| e.0), "emulation_error": r.emulation.and_then(|e| e.1),
            "measurement": r.measurement.0, "error": r.measurement.1, "deviation": r.deviation(),
        })
    };
    let agreement = |a: &Agreement| {
        json!({
            "what": a.what, "numbers": a.numbers,
            "left_over": { "theory": a.left[0], "emulation": a.left[1] },
            "chi_square": a.chi_square.map(|[theory, emulation]| json!({ "theory": theory, "emulation": emulation })),
        })
    };
    json!({
        "schema": "ergoseq/compare/1", "file": file,
        "rows": c.rows.iter().map(row).collect::<Vec<_>>(),
        "curves": c.agreements.iter().map(agreement).collect::<Vec<_>>(),
        "notes": c.notes,
    })
}

/// For spreadsheets.
pub fn csv(c: &Comparison) -> String {
    let mut out = String::from("result,unit,parameter,value,theory,emulation,measurement,error,deviation\n");
    let number = |x: Option<f64>| x.map_or_else(String::new, number_text);
    for r in &c.rows {
        let (parameter, x) = r.at.as_ref().map_or((String::new(), None), |(name, x)| (name.clone(), Some(*x)));
        let numbers = [x, r.theory, r.emulation.map(|e| e.0), Some(r.measurement.0), r.measurement.1, r.deviation()];
        let numbers: Vec<String> = numbers.into_iter().map(number).collect();
        out += &format!("{},{},{},{}\n", field(&r.what), field(&r.unit), field(&parameter), numbers.join(","));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Figure;

    /// Numbers begin with a minus sign and stay numbers; names that begin with a sign of formulas are text.
    #[test]
    fn no_cell_of_a_spreadsheet_is_a_formula() {
        let row = |what: &str| Row {
            what: what.into(),
            at: Some(("x".into(), -0.5)),
            unit: "J".into(),
            theory: Some(-1.0),
            emulation: None,
            measurement: (-2.0, None),
        };
        let figure = Figure { name: String::new(), title: String::new(), columns: 1, panels: vec![] };
        let rows = vec![row("-energy at m"), row("=1+1"), row("@a, \"b\""), row("energy")];
        let found = csv(&Comparison { rows, agreements: vec![], figure, notes: vec![] });
        let lines: Vec<&str> = found.lines().skip(1).collect();
        let cells = ",J,x,-0.5,-1,,-2,,";
        let names = ["'-energy at m", "'=1+1", "\"'@a, \"\"b\"\"\"", "energy"];
        assert_eq!(lines, names.map(|name| format!("{name}{cells}")));
    }
}
