//! `ergoseq compile`

use crate::{Outcome, args, compiled, files, overrides, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::hamiltonian::wanted::{self, Wishes};
use ergoseq::hamiltonian::{Evaluator, Fault, Values};
use ergoseq::ir::{Experiment, OperatorKind};
use ergoseq::source::Sources;
use ergoseq::syntax::{Expr, ExprKind, parse_expression};
use ergoseq::synthesis::{Problem, Synthesis, infidelity, synthesise, text};
use ergoseq::units::Dimension;
use serde_json::json;

/// Finds the pulses that make a Hamiltonian, and writes them as a program.
pub fn compile(a: &args::Compile) -> Outcome {
    if let Err(diagnostic) = files::writable(&a.output, a.force) {
        return terminal::refuse(&[diagnostic], &Sources::default());
    }
    let mut compiled = match files::compile(&a.file) {
        Ok(compiled) => compiled,
        Err(refused) => return terminal::refuse(&refused.diagnostics, &refused.sources),
    };
    let values = match overrides::values(&compiled.experiment, &a.given, &mut compiled.sources) {
        Ok(values) => values,
        Err(outcome) => return outcome,
    };
    let found = asked(a, &compiled.experiment, &mut compiled.sources).and_then(|asked| {
        let (problem, synthesis) = found(&asked, &compiled.experiment, &values)?;
        Ok((asked, problem, synthesis))
    });
    let (asked, problem, synthesis) = match found {
        Ok(found) => found,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    let wanted = compiled::Wanted { hamiltonian: &asked.hamiltonian, time: &asked.time };
    let shapes = compiled::shapes(a, &problem, &synthesis);
    let program = compiled::program(a, &compiled, wanted, &problem, &synthesis);
    let all =
        || shapes.iter().map(|s| (s.path.as_path(), s.text.as_str())).chain([(a.output.as_path(), program.as_str())]);
    let written = all()
        .try_for_each(|(path, _)| files::writable(path, a.force))
        .and_then(|()| all().try_for_each(|(path, text)| files::write(path, text, a.force)));
    if let Err(diagnostic) = written {
        return terminal::refuse(&[diagnostic], &compiled.sources);
    }
    let paths: Vec<String> = all().map(|(path, _)| path.display().to_string()).collect();
    if !synthesis.reached {
        terminal::report(&[imperfect(&problem, &synthesis)], &compiled.sources);
    }
    if a.format == "json" {
        let object = json!({
            "schema": "ergoseq/compile/1", "file": a.file.display().to_string(), "hamiltonian": asked.hamiltonian.to_string(),
            "time": problem.time, "method": synthesis.method, "fidelity": synthesis.fidelity, "reached": synthesis.reached,
            "duration": synthesis.duration, "free_time": synthesis.free, "least_time": synthesis.found.least.0,
            "pulses": synthesis.pulses, "cycles": synthesis.found.cycles,
            "fidelity_rf_1_percent": synthesis.robustness[0], "fidelity_rf_3_percent": synthesis.robustness[1],
            "fidelity_offset": synthesis.robustness[2], "fidelity_ensemble": synthesis.mean, "notes": synthesis.found.notes, "written": paths,
        });
        return terminal::print(&format!("{object:#}\n"));
    }
    let lines = text::lines(&problem, &synthesis);
    let written: String = paths.iter().map(|path| format!("{path} written\n")).collect();
    terminal::print(&format!("{}\n{written}", lines.join("\n")))
}

/// What the command line asks for.
struct Asked {
    hamiltonian: Expr,
    time: Expr,
    wishes: Wishes,
}

fn asked(a: &args::Compile, experiment: &Experiment, sources: &mut Sources) -> Result<Asked, Fault> {
    let hamiltonian = match &a.hamiltonian {
        Some(text) => expression("--hamiltonian", text, sources)?,
        None => only(experiment)?,
    };
    let scope = experiment.scope();
    scope.operator(&hamiltonian, &[])?;
    let time = expression("--for", &a.time, sources)?;
    scope.number(&time, Dimension::TIME, &[])?;
    let within =
        a.within.as_ref().map(|t| quantity("--within", t, Dimension::TIME, experiment, sources)).transpose()?;
    let offset = quantity("--offset", &a.offset, Dimension::FREQUENCY, experiment, sources)?;
    let mut rf = Vec::new();
    for text in &a.rf {
        let (nucleus, value) = match text.split_once(':') {
            Some((nucleus, value)) => (Some(nucleus.trim().to_string()), value),
            None => (None, text.as_str()),
        };
        rf.push((nucleus, quantity("--rf", value, Dimension::FREQUENCY, experiment, sources)?));
    }
    if !(a.infidelity > 0.0 && a.infidelity < 1.0) {
        let message = format!("--infidelity {} must lie between 0 and 1", a.infidelity);
        return Err(Diagnostic::without_place(Code::OutOfRange, message).into());
    }
    let wishes = Wishes { rf, infidelity: a.infidelity, within, offset, ideal: a.ideal };
    Ok(Asked { hamiltonian, time, wishes })
}

fn expression(option: &str, text: &str, sources: &mut Sources) -> Result<Expr, Fault> {
    let file = sources.add(option, text);
    Ok(parse_expression(text, file)?)
}

/// A number of the command line with a dimension, in SI units.
fn quantity(
    option: &str,
    text: &str,
    dimension: Dimension,
    experiment: &Experiment,
    sources: &mut Sources,
) -> Result<f64, Fault> {
    let expr = expression(option, text.trim(), sources)?;
    experiment.scope().number(&expr, dimension, &[])?;
    let bare = Experiment { units: experiment.units, ..Experiment::default() };
    Evaluator::new(&bare, &Values::new())?.number(&expr)
}

/// The only Hamiltonian of the file.
fn only(experiment: &Experiment) -> Result<Expr, Fault> {
    let named: Vec<&str> = experiment
        .hamiltonians
        .iter()
        .filter(|h| h.kind == OperatorKind::Hamiltonian)
        .map(|h| h.name.as_str())
        .collect();
    match named.as_slice() {
        [one] => Ok(Expr::bare(ExprKind::Name((*one).to_string()))),
        [] => Err(Diagnostic::without_place(
            Code::MissingDeclaration,
            "the file declares no `hamiltonian` that could be wanted",
        )
        .help("name an expression, for example `--hamiltonian \"1 Hz * (X(a)*Y(b) - Y(a)*X(b))\"`")
        .into()),
        several => Err(Diagnostic::without_place(Code::Contradiction, "the file declares more than one Hamiltonian")
            .help(format!("choose one with `--hamiltonian`: {}", several.join(", ")))
            .into()),
    }
}

fn found(asked: &Asked, experiment: &Experiment, values: &Values) -> Result<(Problem, Synthesis), Fault> {
    let e = Evaluator::new(experiment, values)?;
    let (problem, _) = wanted::problem(&e, &asked.hamiltonian, &asked.time, &asked.wishes)?;
    let synthesis = synthesise(&problem).map_err(|refusal| wanted::at(&refusal, asked.hamiltonian.span()))?;
    Ok((problem, synthesis))
}

/// The warning for pulses that are the best, but not good enough.
fn imperfect(problem: &Problem, s: &Synthesis) -> Diagnostic {
    let message = format!(
        "the best pulses found have 1 - F = {}{}, more than the {:e} asked for",
        infidelity(s.score()),
        if s.mean.is_some() { ", on the average over the ensemble" } else { "" },
        problem.infidelity
    );
    Diagnostic::without_place(Code::Imperfect, message)
        .help("use a larger rf, a longer `--within`, or `--ideal` to see the limit of short pulses")
}
