//! Tables of measured results: a parameter in the first column, a result in each other, `error` behind the one it belongs to.

use crate::expressions::{result, setting};
use ergoseq::delimited::{self, name_and_unit, number};
use ergoseq::hamiltonian::{Evaluator, Values};
use ergoseq::ir::Experiment;
use ergoseq::results::{EnergyUnit, Units};
use ergoseq::search::Data;
use ergoseq::source::Sources;
use ergoseq::syntax::parse_expression;

/// What the column of the errors is called.
const ERRORS: [&str; 4] = ["error", "err", "sigma", "uncertainty"];

/// A column: its place, its name and its unit.
struct Column {
    place: usize,
    name: String,
    unit: String,
}

/// A table, and how many of its cells are empty.
pub fn table(text: &str, experiment: &Experiment, sources: &mut Sources) -> Result<(Vec<Data>, usize), String> {
    let table = delimited::table(text, |cells| cells.iter().any(|cell| number(cell).is_err()))?;
    if table.head.is_empty() {
        return Err("its first line does not name the columns: write the parameter and the results, as in `tau [us], energy at end`"
            .into());
    }
    let mut columns = table.head.iter().enumerate().map(|(place, cell)| {
        let (name, unit) = name_and_unit(cell);
        Column { place, name, unit }
    });
    let first = columns.next().ok_or("it has no columns")?;
    let parameter = parameter(&first.name, experiment)?;
    // What is measured with the column it is in, and the column of its errors.
    let mut data: Vec<(Data, Column, Option<Column>)> = Vec::new();
    for column in columns {
        let named = experiment.measures.iter().any(|m| m.key == column.name);
        let is_error = !named && ERRORS.contains(&column.name.to_lowercase().as_str());
        match data.last_mut() {
            Some((_, of, errors)) if is_error && of.place + 1 == column.place => *errors = Some(column),
            _ => {
                let (expr, at) = result(&column.name, experiment, sources)
                    .map_err(|d| format!("column `{}`: {}", column.name, d.message))?;
                data.push((Data { parameter: parameter.clone(), expr, at, points: vec![] }, column, None));
            }
        }
    }
    if data.is_empty() {
        return Err("it has a single column; the first column is a parameter, the others are results".into());
    }
    let mut empty = 0;
    for (line, row) in &table.rows {
        let at = |k: usize| number(row.get(k).map_or("", String::as_str)).map_err(|why| format!("line {line}: {why}"));
        let x = at(0)?.ok_or_else(|| format!("line {line}: `{parameter}` has no value"))?;
        let x = value(&parameter, x, &first.unit, experiment, sources).map_err(|why| match why {
            Unit::Missing(expected) => format!(
                "its first column has no unit: write `{parameter} [{expected}]`, or another unit, in its first line"
            ),
            Unit::Wrong(why) => format!("line {line}: {why}"),
        })?;
        for (d, of, errors) in &mut data {
            let scale = scale_of(&of.unit, experiment).map_err(|why| format!("column `{}`: {why}", of.name))?;
            let Some(y) = at(of.place)? else {
                empty += 1;
                continue;
            };
            let error = match errors {
                // An error is in the unit of its result unless it names its own.
                Some(column) => {
                    let own = if column.unit.is_empty() { scale } else { scale_of(&column.unit, experiment)? };
                    let error = at(column.place)?.ok_or_else(|| format!("line {line}: `{}` has no error", of.name))?;
                    Some(error * own)
                }
                None => None,
            };
            d.points.push((x, y * scale, error));
        }
    }
    Ok((data.into_iter().map(|(d, ..)| d).collect(), empty))
}

/// The parameter of a name, whatever the case of its letters where that leaves one.
fn parameter(name: &str, experiment: &Experiment) -> Result<String, String> {
    if experiment.param(name).is_some() {
        return Ok(name.to_string());
    }
    let mut alike = experiment.params.iter().filter(|p| p.name.eq_ignore_ascii_case(name));
    match (alike.next(), alike.next()) {
        (Some(p), None) => Ok(p.name.clone()),
        _ => Err(format!("its first column is `{name}`, which is not a parameter of the file")),
    }
}

/// Why a number is no value of a parameter.
enum Unit {
    /// It needs one like this.
    Missing(String),
    /// What is wrong with it.
    Wrong(String),
}

fn value(name: &str, x: f64, unit: &str, experiment: &Experiment, sources: &mut Sources) -> Result<f64, Unit> {
    setting(name, &format!("{x} {unit}"), experiment, sources).map_err(|d| {
        let expected = Units::new(experiment, EnergyUnit::Default).parameter(name).to_string();
        if unit.is_empty() && !expected.is_empty() { Unit::Missing(expected) } else { Unit::Wrong(d.message) }
    })
}

/// What numbers of a unit are multiplied by to be SI.
fn scale_of(unit: &str, experiment: &Experiment) -> Result<f64, String> {
    if unit.is_empty() {
        return Ok(1.0);
    }
    let bare = Experiment { units: experiment.units, ..Experiment::default() };
    let expr = parse_expression(&format!("1 {unit}"), 0).map_err(|d| d.message)?;
    Evaluator::new(&bare, &Values::new()).and_then(|e| e.number(&expr)).map_err(|d| d.message)
}
