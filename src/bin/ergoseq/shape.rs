//! `ergoseq shape`

use crate::expressions::result;
use crate::search::{unit_of_result, wanted};
use crate::{Outcome, args, files, inputs, overrides, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::run;
use ergoseq::hamiltonian::{Evaluator, Fault, Values};
use ergoseq::ir::Experiment;
use ergoseq::search::{self, Goal, Limits, Search, Shaped, in_run, reshaped};
use ergoseq::source::Sources;
use ergoseq::syntax::ast::ItemKind;
use ergoseq::syntax::{parse, parse_expression};
use ergoseq::units::{Dimension, TWO_PI, UnitSystem};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What the search found.
struct Answer {
    goal: Goal,
    search: Search,
    found: Shaped,
    /// The result in a run of the whole experiment.
    in_run: Option<f64>,
    /// Duration of the first pulse of every shape.
    durations: Vec<Option<f64>>,
}

/// Looks for the shapes, writes them, and says what they do in a run of the whole experiment.
pub fn shape(a: &args::Shape) -> Outcome {
    inputs::note(&a.file);
    let declared = declared(&a.file);
    let named = |name: &str| a.shape.is_empty() || a.shape.iter().any(|wanted| wanted == name);
    let begin = a.steps.map(|steps| "1 0\n".repeat(steps as usize));
    let instead = |wanted: &str| {
        let is_it = declared.iter().any(|(name, path)| path == wanted && named(name));
        begin.clone().filter(|_| is_it)
    };
    let outputs = outputs(a, &declared);
    for (_, path) in &outputs {
        if let Err(diagnostic) = files::writable(path, a.force) {
            return terminal::refuse(&[diagnostic], &Default::default());
        }
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
    let answer = match answer(a, &compiled.experiment, &values, &options, &mut compiled.sources) {
        Ok(answer) => answer,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    if !answer.found.reached {
        return unreached(a, &answer, &compiled.experiment, &compiled.sources);
    }
    for ((name, steps), (_, path)) in answer.search.shapes.iter().zip(&answer.found.shapes).zip(&outputs) {
        if let Err(diagnostic) = files::write(path, &table(a, name, steps, &answer), a.force) {
            return terminal::refuse(&[diagnostic], &compiled.sources);
        }
    }
    let unit = unit_of_result(&answer.goal.expr, &compiled.experiment);
    let paths: Vec<&Path> = outputs.iter().map(|(_, path)| path.as_path()).collect();
    if a.format == "json" { printed(a, &answer, unit) } else { terminal::print(&said(a, unit, &answer, &paths)) }
}

fn answer(
    a: &args::Shape,
    experiment: &Experiment,
    values: &Values,
    options: &ergoseq::emulator::Options,
    sources: &mut Sources,
) -> Result<Answer, Fault> {
    let (text, maximise) = text_of(a);
    let (expr, at) = result(text, experiment, sources)?;
    let goal = Goal { expr, at, maximise };
    let bandwidth = a.bandwidth.as_ref().map(|text| frequency(text, experiment, sources)).transpose()?;
    let search = Search {
        shapes: which(a, experiment)?,
        starts: a.starts,
        iterations: a.iterations,
        seed: a.seed,
        limits: Limits { phase_only: a.phase_only, real: a.real, bandwidth },
        reach: a.reach,
        shortest: a.shortest,
    };
    let found = search::shape(experiment, values, options, &goal, &search)?;
    let with = reshaped(experiment, &search, &found);
    let all = run(&with, values, options, &[in_run(experiment, &goal)])?;
    let e = Evaluator::new(&with, values)?;
    let durations = search.shapes.iter().map(|name| search::duration_of(&e, name)).collect();
    Ok(Answer { goal, search, found, in_run: all.values.first().copied().flatten(), durations })
}

/// The result as the command line gives it, and whether it shall be large.
fn text_of(a: &args::Shape) -> (&str, bool) {
    wanted(a.maximise.as_ref(), a.minimise.as_ref()).map_or(("", true), |(text, maximise)| (text.as_str(), maximise))
}

/// A frequency of the command line, Hz; in natural files an angular frequency, a number.
fn frequency(text: &str, experiment: &Experiment, sources: &mut Sources) -> Result<f64, Fault> {
    let file = sources.add("--bandwidth", text);
    let expr = parse_expression(text, file)?;
    let natural = experiment.units == UnitSystem::Natural;
    let expected = if natural { Dimension::NUMBER } else { Dimension::FREQUENCY };
    let bare = Experiment { units: experiment.units, ..Experiment::default() };
    bare.scope().number(&expr, expected, &[])?;
    let x = Evaluator::new(&bare, &Values::new())?.number(&expr)?;
    Ok(if natural { x / TWO_PI } else { x })
}

/// The error for a value that is not reached; what was found is printed.
fn unreached(a: &args::Shape, answer: &Answer, experiment: &Experiment, sources: &Sources) -> Outcome {
    let unit = unit_of_result(&answer.goal.expr, experiment);
    let (text, best) = (text_of(a).0, answer.found.best);
    let message =
        format!("`{text}` does not reach {:e}: the best value found is {best:.9e} {unit}", a.reach.unwrap_or(best));
    let diagnostic = Diagnostic::without_place(Code::NotConverged, message.trim_end().to_string())
        .help("give longer pulses, a higher peak, more steps or more `--starts`, or ask for less");
    terminal::refuse(&[diagnostic], sources)
}

fn printed(a: &args::Shape, answer: &Answer, unit: &str) -> Outcome {
    let found = &answer.found;
    let degrees = |steps: &Vec<(f64, f64)>| steps.iter().map(|(a, phase)| [*a, phase.to_degrees()]).collect::<Vec<_>>();
    let shapes: Vec<_> = (answer.search.shapes.iter().zip(&found.shapes).zip(&answer.durations))
        .map(|((name, steps), duration)| json!({ "shape": name, "duration": duration, "steps": degrees(steps) }))
        .collect();
    let object = json!({
        "schema": "ergoseq/shape/2", "file": a.file.display().to_string(), "result": text_of(a).0, "unit": unit,
        "before": found.before, "best": found.best, "in_run": answer.in_run, "climbs": found.climbs,
        "gradients": found.gradients, "stretch": found.stretch, "shapes": shapes,
    });
    terminal::print(&format!("{object:#}\n"))
}

fn said(a: &args::Shape, unit: &str, answer: &Answer, paths: &[&Path]) -> String {
    let (found, (text, maximise)) = (&answer.found, text_of(a));
    let kind = if maximise { "largest" } else { "smallest" };
    let line = |words: &str, x: f64| format!("{words} {x:.9e} {unit}").trim_end().to_string() + "\n";
    let mut out = line(&format!("{text}: {kind}"), found.best);
    out += &line("  with the shape in the file", found.before);
    if let Some(x) = answer.in_run {
        out += &line("  in a run of the complete experiment", x);
    }
    if a.shortest {
        for (name, duration) in answer.search.shapes.iter().zip(&answer.durations) {
            if let Some(t) = duration {
                out += &format!("  shortest duration of `{name}`: {t:.6e}, {:.6} of that in the file\n", found.stretch);
            }
        }
    }
    let near = |x: &&f64| (*x - found.best).abs() <= 1e-3 * found.best.abs();
    let alike = found.climbs.iter().filter(near).count();
    let ended = format!("{alike} of {} local optimisations converged to within 0.1 % of it", found.climbs.len());
    let steps: usize = found.shapes.iter().map(Vec::len).sum();
    out += &format!("{steps} steps; {} gradients; {ended}\n", found.gradients);
    paths.iter().for_each(|path| out += &format!("{} written\n", path.display()));
    out
}

/// The shapes that are asked for, or the only one.
fn which(a: &args::Shape, experiment: &Experiment) -> Result<Vec<String>, Fault> {
    if let Some(twice) = a.shape.iter().enumerate().find(|(k, name)| a.shape.iter().take(*k).any(|n| n == *name)) {
        let message = format!("`--shape {}` is given twice", twice.1);
        return Err(Diagnostic::without_place(Code::DefinedTwice, message).into());
    }
    if !a.shape.is_empty() {
        return Ok(a.shape.clone());
    }
    match experiment.shapes.as_slice() {
        [one] => Ok(vec![one.name.clone()]),
        [] => Err(Diagnostic::without_place(Code::UnknownName, "the program declares no pulse shape that is read from a file")
            .help("declare one and use it in a pulse: `shape charge = \"charge.txt\"`, `pulse 1H phase x rf = 50 kHz duration = 30 us shape = charge`")
            .into()),
        several => {
            let names: Vec<&str> = several.iter().map(|s| s.name.as_str()).collect();
            Err(Diagnostic::without_place(Code::Contradiction, "the file declares more than one pulse shape")
                .help(format!("choose with `--shape`, which may be repeated: {}", names.join(", ")))
                .into())
        }
    }
}

/// The names of the shapes, and the files to write.
fn outputs(a: &args::Shape, declared: &[(String, String)]) -> Vec<(String, PathBuf)> {
    if let [_, _, ..] = a.shape.as_slice() {
        let own = |name: &String| {
            let path = declared.iter().find(|(n, _)| n == name).and_then(|(_, path)| Path::new(path).file_name());
            path.map_or_else(|| PathBuf::from(format!("{name}.txt")), PathBuf::from)
        };
        return a.shape.iter().map(|name| (name.clone(), a.output.join(own(name)))).collect();
    }
    vec![(a.shape.first().cloned().unwrap_or_default(), a.output.clone())]
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

/// A shape as a file, with how it was found.
fn table(a: &args::Shape, name: &str, steps: &[(f64, f64)], answer: &Answer) -> String {
    let (text, maximise) = text_of(a);
    let kind = if maximise { "maximise" } else { "minimise" };
    let mut how = format!("--{kind} \"{text}\" --starts {} --seed {}", a.starts, a.seed);
    how += if a.phase_only { " --phase-only" } else { "" };
    how += if a.real { " --real" } else { "" };
    a.bandwidth.iter().for_each(|b| how += &format!(" --bandwidth \"{b}\""));
    a.reach.iter().for_each(|x| how += &format!(" --reach {x}"));
    how += if a.shortest { " --shortest" } else { "" };
    let mut out = format!("# {name}: {} steps, {how}\n# {text}: {:.9e}\n", steps.len(), answer.found.best);
    if a.shortest {
        out += &format!("# its pulses last {:.9} of what the program says\n", answer.found.stretch);
    }
    out += "# amplitude, phase in degrees\n";
    for (amplitude, phase) in steps {
        out += &format!("{amplitude:.9} {:.7}\n", phase.to_degrees());
    }
    out
}
