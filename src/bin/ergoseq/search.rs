//! `ergoseq optimise` and `ergoseq fit`

use crate::expressions::{result, setting};
use crate::measurements::table;
use crate::{Outcome, args, files, overrides, terminal};
use ergoseq::Compiled;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{Options, unit_of};
use ergoseq::hamiltonian::{Fault, Values};
use ergoseq::ir::Experiment;
use ergoseq::ir::quantity_of;
use ergoseq::results::{EnergyUnit, Units};
use ergoseq::search::{self, CLIMBS, Climb, Data, Fit, Goal, Optimum, Range};
use ergoseq::source::{Sources, data_text};
use ergoseq::syntax::{Expr, number_text};
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
        Diagnostic::without_place(Code::UnexpectedToken, format!("`--vary {text}` has no range"))
            .help("write `--vary \"tau = 0.2 us .. 12 us\"`")
            .into()
    };
    let (name, bounds) = text.split_once('=').ok_or_else(usage)?;
    let (low, high) = bounds.split_once("..").ok_or_else(usage)?;
    let name = name.trim();
    let mut number = |text: &str| setting(name, text.trim(), experiment, sources);
    Ok(Range { name: name.to_string(), low: number(low)?, high: number(high)? })
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
        let climb = CLIMBS.iter().find(|c| c.0 == a.climb).map_or(Climb::default(), |c| c.1);
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
            "gradients": optimum.gradients, "derivatives": optimum.derivatives.text(),
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
        out += if *bound { "   at its bound\n" } else { "\n" };
    }
    let (alike, all) = optimum.climbs;
    out += &format!(
        "{} runs; {alike} of {all} local optimisations converged here; distinct optima: {}\n",
        optimum.runs, optimum.optima
    );
    let with = if optimum.gradients > 0 { format!(" in {} of the runs", optimum.gradients) } else { String::new() };
    out += &format!("{}{with}\n", optimum.derivatives.text());
    out += &format!("estimated probability of a better optimum elsewhere: {:.2}", optimum.doubt);
    out += if optimum.settled { "\n" } else { "; to reduce it, narrow the ranges or increase `--starts`\n" };
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
    let found = files::bytes(&a.data).map_err(Box::new).and_then(|bytes| {
        let text = data_text(&bytes);
        let (data, empty) = table(&text, &compiled.experiment, &mut compiled.sources).map_err(|why| {
            Box::new(Diagnostic::without_place(
                Code::CannotRead,
                format!("`{}` is not a table of measurements: {why}", a.data.display()),
            ))
        })?;
        let fit = search::fit(&compiled.experiment, &values, &options, &ranges, &data)?;
        Ok((data, empty, fit))
    });
    let (data, empty, fit) = match found {
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
            "model": fit.model, "empty_cells": empty, "derivatives": fit.derivatives.text(),
        });
        return terminal::print(&format!("{object:#}\n"));
    }
    terminal::print(&fit_text(&compiled.experiment, &ranges, &data, empty, &fit))
}

fn fit_text(experiment: &Experiment, ranges: &[Range], data: &[Data], empty: usize, fit: &Fit) -> String {
    let units = Units::new(experiment, EnergyUnit::Default);
    let points: usize = data.iter().map(|d| d.points.len()).sum();
    let mut out = format!("{points} points, {} parameters\n", ranges.len());
    if empty > 0 {
        out += &format!("  {empty} empty cell{} ignored\n", if empty == 1 { "" } else { "s" });
    }
    for (k, (r, (x, error))) in ranges.iter().zip(&fit.values).enumerate() {
        let unit = units.parameter(&r.name);
        let side = if *x - r.low < r.high - *x { "lower" } else { "upper" };
        out += &if fit.bound.get(k) == Some(&true) {
            format!("  {:<12} = {x:.7e} {unit}   at its {side} bound: no error\n", r.name)
        } else if fit.stationary.get(k) == Some(&true) {
            format!("  {:<12} = {x:.7e} {unit}   the results do not depend on it to first order: no error\n", r.name)
        } else {
            format!("  {:<12} = {x:.7e} +- {error:.1e} {unit}", r.name).trim_end().to_string() + "\n"
        };
    }
    for (i, (r, row)) in ranges.iter().zip(&fit.correlation).enumerate() {
        for (before, correlation) in ranges.iter().zip(row).take(i) {
            out += &format!("  correlation of {} and {}: {correlation:.3}\n", before.name, r.name);
        }
    }
    out += &format!("{}\n", fit.derivatives.text());
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
            "the data have no errors; if the model is correct, the error of a point is {:.3e}\n",
            (fit.chi_square / freedom).sqrt()
        )
    }
}
