//! `ergoseq shape`

use crate::expressions::result;
use crate::search::{unit_of_result, wanted};
use crate::{Outcome, args, files, inputs, overrides, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{Request, run};
use ergoseq::hamiltonian::Fault;
use ergoseq::ir::Experiment;
use ergoseq::search::{self, Goal, Search, Shaped};
use ergoseq::syntax::ast::ItemKind;
use ergoseq::syntax::parse;
use serde_json::json;
use std::path::Path;

/// Looks for the shape, writes it, and says what it does in a run of the whole experiment.
pub fn shape(a: &args::Shape) -> Outcome {
    inputs::note(&a.file);
    let declared = declared(&a.file);
    let named = |name: &str| a.shape.as_ref().is_none_or(|wanted| wanted == name);
    let begin = a.steps.map(|steps| "1 0\n".repeat(steps as usize));
    let instead = |wanted: &str| {
        let is_it = declared.iter().any(|(name, path)| path == wanted && named(name));
        begin.clone().filter(|_| is_it)
    };
    if let Err(diagnostic) = files::writable(&a.output, a.force) {
        return terminal::refuse(&[diagnostic], &Default::default());
    }
    let overrides::Prepared { mut compiled, values, options } =
        match overrides::prepare_with(&a.file, &a.given, &[], &a.how, &instead) {
            Ok(prepared) => prepared,
            Err(outcome) => return outcome,
        };
    if options.typical.is_some() {
        let message = "gradients are computed from density matrices; `--typical` has no effect on them";
        terminal::report(&[Diagnostic::without_place(Code::Contradiction, message)], &compiled.sources);
        return Outcome::Usage;
    }
    overrides::threads(a.threads);
    let Some((text, maximise)) = wanted(a.maximise.as_ref(), a.minimise.as_ref()) else { return Outcome::Usage };
    let found = result(text, &compiled.experiment, &mut compiled.sources).and_then(|(expr, at)| {
        let goal = Goal { expr, at, maximise };
        let search =
            Search { shape: which(a, &compiled.experiment)?, starts: a.starts, iterations: a.iterations, seed: a.seed };
        // The gradient is that of the pulse as written; the run at the end says what a spectrometer makes of it.
        let plain = ergoseq::emulator::Options { spectrometer: None, ..options.clone() };
        let found = search::shape(&compiled.experiment, &values, &plain, &goal, &search)?;
        let mut with = compiled.experiment.clone();
        with.shapes.iter_mut().filter(|s| s.name == search.shape).for_each(|s| s.steps = found.steps.clone());
        let request = Request { expr: goal.expr.clone(), at: goal.at.clone() };
        let all = run(&with, &values, &options, &[request])?;
        Ok((goal, search, found, all.values.first().copied().flatten()))
    });
    let (goal, search, found, in_run) = match found {
        Ok(found) => found,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    if let Err(diagnostic) = files::write(&a.output, &table(a, text, &search, &found), a.force) {
        return terminal::refuse(&[diagnostic], &compiled.sources);
    }
    let unit = unit_of_result(&goal.expr, &compiled.experiment);
    if a.format == "json" {
        let object = json!({
            "schema": "ergoseq/shape/1", "file": a.file.display().to_string(), "shape": search.shape, "result": text, "unit": unit,
            "before": found.before, "best": found.best, "in_run": in_run, "climbs": found.climbs, "gradients": found.gradients,
            "steps": found.steps.iter().map(|(a, phase)| [*a, phase.to_degrees()]).collect::<Vec<_>>(),
        });
        return terminal::print(&format!("{object:#}\n"));
    }
    terminal::print(&said(a, text, unit, &found, in_run))
}

fn said(a: &args::Shape, text: &str, unit: &str, found: &Shaped, in_run: Option<f64>) -> String {
    let kind = if a.maximise.is_some() { "largest" } else { "smallest" };
    let line = |words: &str, x: f64| format!("{words} {x:.9e} {unit}").trim_end().to_string() + "\n";
    let mut out = line(&format!("{text}: {kind}"), found.best);
    out += &line("  with the shape in the file", found.before);
    if let Some(x) = in_run {
        out += &line("  in a run of the complete experiment", x);
    }
    let alike = found.climbs.iter().filter(|x| (*x - found.best).abs() <= 1e-3 * found.best.abs()).count();
    let ended = format!("{alike} of {} local optimisations converged to within 0.1 % of it", found.climbs.len());
    out += &format!("{} steps; {} gradients; {ended}\n", found.steps.len(), found.gradients);
    out + &format!("{} written\n", a.output.display())
}

/// The shape that is asked for, or the only one.
fn which(a: &args::Shape, experiment: &Experiment) -> Result<String, Fault> {
    if let Some(name) = &a.shape {
        return Ok(name.clone());
    }
    match experiment.shapes.as_slice() {
        [one] => Ok(one.name.clone()),
        [] => Err(Diagnostic::without_place(Code::UnknownName, "the program declares no pulse shape that is read from a file")
            .help("declare one and use it in a pulse: `shape charge = \"charge.txt\"`, `pulse 1H phase x rf = 50 kHz duration = 30 us shape = charge`")
            .into()),
        several => {
            let names: Vec<&str> = several.iter().map(|s| s.name.as_str()).collect();
            Err(Diagnostic::without_place(Code::Contradiction, "the file declares more than one pulse shape")
                .help(format!("choose one with `--shape`: {}", names.join(", ")))
                .into())
        }
    }
}

/// The shapes that a file itself declares, and the files they are read from.
fn declared(path: &Path) -> Vec<(String, String)> {
    let Ok(text) = files::read(path) else { return vec![] };
    let (program, _) = parse(&text, 0);
    let shape = |kind: ItemKind| match kind {
        ItemKind::Shape(name, path) => Some((name.text, path.text)),
        _ => None,
    };
    program.items.into_iter().filter_map(|item| shape(item.kind)).collect()
}

/// The shape as a file, with how it was found.
fn table(a: &args::Shape, text: &str, search: &Search, found: &Shaped) -> String {
    let kind = if a.maximise.is_some() { "maximise" } else { "minimise" };
    let mut out = format!(
        "# {}: {} steps, --{kind} \"{text}\" --starts {} --seed {}\n# {text}: {:.9e}\n# amplitude, phase in degrees\n",
        search.shape,
        found.steps.len(),
        search.starts,
        search.seed,
        found.best
    );
    for (amplitude, phase) in &found.steps {
        out += &format!("{amplitude:.9} {:.7}\n", phase.to_degrees());
    }
    out
}
