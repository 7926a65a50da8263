//! `ergoseq optimise` and `ergoseq fit`

use crate::{Outcome, args, files, overrides, terminal};
use ergoseq::Compiled;
use ergoseq::check::check_result;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{Options, quantity_of, unit_of};
use ergoseq::hamiltonian::{Evaluator, Fault, Values};
use ergoseq::ir::Experiment;
use ergoseq::results::{EnergyUnit, Units};
use ergoseq::search::{self, CLIMBS, Climb, Data, Fit, Goal, Optimum, Range};
use ergoseq::source::Sources;
use ergoseq::syntax::{Expr, number_text, parse_expression};
use serde_json::json;
use std::path::Path;

/// Everything that both need of the command line.
struct Prepared {
    compiled: Compiled,
    values: Values,
    options: Options,
    ranges: Vec<Range>,
}

fn prepare(
    file: &Path,
    given: &args::Given,
    how: &args::How,
    vary: &[String],
    threads: Option<usize>,
) -> Result<Prepared, Outcome> {
    let overrides::Prepared { mut compiled, values, options } = overrides::prepare(file, given, &[], how)?;
    let ranges: Result<Vec<Range>, Box<Diagnostic>> =
        vary.iter().map(|text| range(text, &compiled.experiment, &mut compiled.sources)).collect();
    let ranges = ranges.map_err(|d| {
        terminal::report(&[*d], &compiled.sources);
        Outcome::Usage
    })?;
    overrides::threads(threads);
    Ok(Prepared { compiled, values, options, ranges })
}

/// `tau = 0.2 us .. 12 us`
fn range(text: &str, experiment: &Experiment, sources: &mut Sources) -> Result<Range, Fault> {
    let usage = || -> Fault {
        Diagnostic::without_place(Code::UnexpectedToken, format!("`--vary {text}` names no range"))
            .help("write `--vary \"tau = 0.2 us .. 12 us\"`")
            .into()
    };
    let (name, bounds) = text.split_once('=').ok_or_else(usage)?;
    let (low, high) = bounds.split_once("..").ok_or_else(usage)?;
    let name = name.trim();
    let mut number = |text: &str| setting(name, text.trim(), experiment, sources);
    Ok(Range { name: name.to_string(), low: number(low)?, high: number(high)? })
}

/// The value of a parameter, as `--set` takes it.
fn setting(name: &str, text: &str, experiment: &Experiment, sources: &mut Sources) -> Result<f64, Fault> {
    let bare = Experiment { units: experiment.units, ..Experiment::default() };
    let file = sources.add(format!("--vary {name}"), text);
    let expr = parse_expression(text, file)?;
    ergoseq::check::check_setting(&experiment.scope(), name, &expr)?;
    Evaluator::new(&bare, &Values::new())?.number(&expr)
}

/// `ergotropy at charged`
pub fn result(text: &str, experiment: &Experiment, sources: &mut Sources) -> Result<(Expr, Option<String>), Fault> {
    let (words, at) = match text.rsplit_once(" at ") {
        Some((words, mark)) => (words, Some(mark.trim().to_string())),
        None => (text, None),
    };
    let file = sources.add("the result", words);
    let expr = parse_expression(words, file)?;
    check_result(experiment, &expr, at.as_deref())?;
    // A named result stands for what it was given as.
    let named = |word: &str| experiment.measures.iter().find(|m| m.key == word && !m.summary).map(|m| m.value.clone());
    let known = |word: &str| ergoseq::metrics::Metric::named(word).is_some();
    Ok((expr.replace(&|word| if known(word) { None } else { named(word) }), at))
}

pub fn unit_of_result(expr: &Expr, experiment: &Experiment) -> &'static str {
    quantity_of(expr).map_or("", |q| unit_of(q, experiment.units))
}

/// The result that is looked for, and whether it shall be large; the command line asks for one of the two.
pub fn wanted<'a>(maximise: Option<&'a String>, minimise: Option<&'a String>) -> Option<(&'a String, bool)> {
    maximise.map(|text| (text, true)).or(minimise.map(|text| (text, false)))
}

/// Where a result is best.
pub fn optimise(a: &args::Optimise) -> Outcome {
    let Prepared { mut compiled, values, options, ranges } =
        match prepare(&a.file, &a.given, &a.how, &a.vary, a.threads) {
            Ok(prepared) => prepared,
            Err(outcome) => return outcome,
        };
    let Some((text, maximise)) = wanted(a.maximise.as_ref(), a.minimise.as_ref()) else { return Outcome::Usage };
    let found = result(text, &compiled.experiment, &mut compiled.sources).and_then(|(expr, at)| {
        let goal = Goal { expr, at, maximise };
        let climb = CLIMBS.iter().find(|c| c.0 == a.climb).map_or(Climb::Cobyla, |c| c.1);
        let optimum = search::optimise(&compiled.experiment, &values, &options, &ranges, &goal, a.starts, climb)?;
        Ok((goal, optimum))
    });
    let (goal, optimum) = match found {
        Ok(found) => found,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    let unit = unit_of_result(&goal.expr, &compiled.experiment);
    if a.format == "json" {
        let values: serde_json::Map<String, serde_json::Value> =
            ranges.iter().zip(&optimum.values).map(|(r, x)| (r.name.clone(), json!(x))).collect();
        let bound: Vec<&str> =
            ranges.iter().zip(&optimum.bound).filter(|(_, b)| **b).map(|(r, _)| r.name.as_str()).collect();
        let object = json!({
            "schema": "ergoseq/optimise/1", "file": a.file.display().to_string(), "result": text, "unit": unit,
            "best": optimum.best, "params": values, "on_bound": bound, "runs": optimum.runs,
            "climbs": { "alike": optimum.climbs.0, "all": optimum.climbs.1 }, "optima": optimum.optima,
            "doubt": optimum.doubt, "settled": optimum.settled,
        });
        return terminal::print(&format!("{object:#}\n"));
    }
    terminal::print(&optimum_text(a, &compiled.experiment, &ranges, &optimum, text, unit))
}

fn optimum_text(
    a: &args::Optimise,
    experiment: &Experiment,
    ranges: &[Range],
    optimum: &Optimum,
    text: &str,
    unit: &str,
) -> String {
    let file = a.file.display().to_string();
    let units = Units::new(experiment, EnergyUnit::Default);
    let kind = if a.maximise.is_some() { "largest" } else { "smallest" };
    let mut out = format!("{text}: {kind} {:.9e} {unit}", optimum.best).trim_end().to_string() + "\n";
    for ((r, x), bound) in ranges.iter().zip(&optimum.values).zip(&optimum.bound) {
        let unit = units.parameter(&r.name);
        out += format!("  {:<12} = {x:.9e} {unit}", r.name).trim_end();
        out += if *bound { "   on its bound\n" } else { "\n" };
    }
    let (alike, all) = optimum.climbs;
    out += &format!(
        "{} runs; {alike} of {all} climbs ended there; {} local optima of different height\n",
        optimum.runs, optimum.optima
    );
    out += &format!("estimated probability of a better optimum elsewhere: {:.2}", optimum.doubt);
    out += if optimum.settled { "\n" } else { "; to be surer, narrow the ranges or give more `--starts`\n" };
    let set: Vec<String> = ranges
        .iter()
        .zip(&optimum.values)
        .map(|(r, x)| {
            format!("--set \"{}={}\"", r.name, format!("{} {}", number_text(*x), units.parameter(&r.name)).trim())
        })
        .collect();
    out + &format!("ergoseq run {file} {}\n", set.join(" "))
}

/// The parameters that are nearest to what was measured.
pub fn fit(a: &args::Fit) -> Outcome {
    let Prepared { mut compiled, values, options, ranges } =
        match prepare(&a.file, &a.given, &a.how, &a.vary, a.threads) {
            Ok(prepared) => prepared,
            Err(outcome) => return outcome,
        };
    let found = files::read(&a.data).map_err(Box::new).and_then(|text| {
        let data = table(&text, &compiled.experiment, &mut compiled.sources).map_err(|why| {
            Box::new(Diagnostic::without_place(
                Code::CannotRead,
                format!("`{}` is no table of measurements: {why}", a.data.display()),
            ))
        })?;
        let fit = search::fit(&compiled.experiment, &values, &options, &ranges, &data)?;
        Ok((data, fit))
    });
    let (data, fit) = match found {
        Ok(found) => found,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    if a.format == "json" {
        let values: serde_json::Map<String, serde_json::Value> = ranges
            .iter()
            .zip(&fit.values)
            .map(|(r, (x, error))| (r.name.clone(), json!({ "value": x, "error": error })))
            .collect();
        let named = |which: &[bool]| -> Vec<&str> {
            ranges.iter().zip(which).filter(|(_, w)| **w).map(|(r, _)| r.name.as_str()).collect()
        };
        let object = json!({
            "schema": "ergoseq/fit/1", "file": a.file.display().to_string(), "params": values,
            "on_bound": named(&fit.bound), "stationary": named(&fit.stationary),
            "correlation": fit.correlation, "chi_square": fit.chi_square, "freedom": fit.freedom, "weighted": fit.weighted,
            "model": fit.model,
        });
        return terminal::print(&format!("{object:#}\n"));
    }
    terminal::print(&fit_text(&compiled.experiment, &ranges, &data, &fit))
}

fn fit_text(experiment: &Experiment, ranges: &[Range], data: &[Data], fit: &Fit) -> String {
    let units = Units::new(experiment, EnergyUnit::Default);
    let points: usize = data.iter().map(|d| d.points.len()).sum();
    let mut out = format!("{points} points, {} parameters\n", ranges.len());
    for (k, (r, (x, error))) in ranges.iter().zip(&fit.values).enumerate() {
        let unit = units.parameter(&r.name);
        let side = if *x - r.low < r.high - *x { "lower" } else { "upper" };
        out += &if fit.bound.get(k) == Some(&true) {
            format!("  {:<12} = {x:.7e} {unit}   on its {side} bound, where it has no error\n", r.name)
        } else if fit.stationary.get(k) == Some(&true) {
            format!("  {:<12} = {x:.7e} {unit}   where results do not change to first order: no error\n", r.name)
        } else {
            format!("  {:<12} = {x:.7e} +- {error:.1e} {unit}", r.name).trim_end().to_string() + "\n"
        };
    }
    for (i, (r, row)) in ranges.iter().zip(&fit.correlation).enumerate() {
        for (before, correlation) in ranges.iter().zip(row).take(i) {
            out += &format!("  correlation of {} and {}: {correlation:.3}\n", before.name, r.name);
        }
    }
    let freedom = fit.freedom.max(1) as f64;
    out + &if fit.weighted {
        format!(
            "chi^2 = {:.4} for {} degrees of freedom, {:.4} each\n",
            fit.chi_square,
            fit.freedom,
            fit.chi_square / freedom
        )
    } else {
        format!(
            "the points have no errors; theirs is {:.3e} if the model is right\n",
            (fit.chi_square / freedom).sqrt()
        )
    }
}

/// Comma-separated values: the first column is a parameter, each other a result, `error` the error of the column before it. A unit
/// in brackets behind a name holds for its column.
fn table(text: &str, experiment: &Experiment, sources: &mut Sources) -> Result<Vec<Data>, String> {
    let mut lines = text.lines().enumerate().map(|(k, l)| (k + 1, l.split('#').next().unwrap_or("").trim()));
    let (_, head) = lines.find(|(_, l)| !l.is_empty()).ok_or("it is empty")?;
    let split_unit = |cell: &str| -> (String, String) {
        match cell.trim().strip_suffix(']').and_then(|c| c.rsplit_once('[')) {
            Some((name, unit)) => (name.trim().to_string(), unit.trim().to_string()),
            None => (cell.trim().to_string(), String::new()),
        }
    };
    // Commas inside of parentheses belong to a result: `negativity(a, b)`.
    let columns: Vec<(String, String)> = cells(head).iter().map(|c| split_unit(c)).collect();
    let [(parameter, unit), others @ ..] = columns.as_slice() else { return Err("it has no columns".into()) };
    if others.is_empty() {
        return Err("it has one column; the first is a parameter, the others are results".into());
    }
    if experiment.param(parameter).is_none() {
        return Err(format!("its first column is `{parameter}`, and the file has no such parameter"));
    }
    // What is measured with the column it is in, and the column of its errors.
    type Column<'a> = (usize, &'a (String, String));
    let mut data: Vec<(Data, Column, Option<Column>)> = Vec::new();
    for (k, column) in others.iter().enumerate() {
        let name = &column.0;
        match data.last_mut() {
            Some((_, (of, _), errors)) if name == "error" && *of + 1 == k => *errors = Some((k, column)),
            _ => {
                let (expr, at) =
                    result(name, experiment, sources).map_err(|d| format!("column `{name}`: {}", d.message))?;
                data.push((Data { parameter: parameter.clone(), expr, at, points: vec![] }, (k, column), None));
            }
        }
    }
    for (line, row) in lines.filter(|(_, l)| !l.is_empty()) {
        let row = cells(row);
        if row.len() != columns.len() {
            return Err(format!("line {line} has {} columns, the first line {}", row.len(), columns.len()));
        }
        let number = |k: usize| -> Result<f64, String> {
            let cell = row.get(k).map_or("", |cell| cell.trim());
            cell.parse().map_err(|_| format!("line {line}: `{cell}` is not a number"))
        };
        let x = setting(parameter, &format!("{} {unit}", number(0)?), experiment, sources).map_err(|d| {
            let expected = Units::new(experiment, EnergyUnit::Default).parameter(parameter);
            if unit.is_empty() && !expected.is_empty() {
                format!("its first column has no unit: write `{parameter} [{expected}]` in its first line, or another unit of it")
            } else {
                format!("line {line}: {}", d.message)
            }
        })?;
        for (d, of, errors) in &mut data {
            let (k, (name, unit)) = *of;
            let scale = || scale_of(unit, experiment).map_err(|why| format!("column `{name}`: {why}"));
            let error = errors.map(|(k, _)| Ok::<_, String>(number(k + 1)? * scale()?)).transpose()?;
            d.points.push((x, number(k + 1)? * scale()?, error));
        }
    }
    Ok(data.into_iter().map(|(d, ..)| d).collect())
}

/// The parts of a line between commas that stand outside of parentheses.
fn cells(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut depth = 0;
    for c in line.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        match (c, out.last_mut()) {
            (',', _) if depth == 0 => out.push(String::new()),
            (_, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    out
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
