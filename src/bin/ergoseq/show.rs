//! `ergoseq show`

use crate::{Outcome, args, files, overrides, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{Emulator, Options, axes, plan, points};
use ergoseq::hamiltonian::{Evaluator, Fault, Values, build, describe};
use ergoseq::ir::Experiment;
use ergoseq::source::Sources;

/// Prints a stage.
pub fn show(a: &args::Show) -> Outcome {
    if a.stage == "ast" {
        return tree(a);
    }
    let mut compiled = match files::compile(&a.file) {
        Ok(compiled) => compiled,
        Err(refused) => return terminal::refuse(&refused.diagnostics, &refused.sources),
    };
    if a.stage == "ir" {
        return match ergoseq::to_yaml(&compiled.experiment) {
            Ok(text) => terminal::print_file(&text),
            Err(why) => terminal::refuse(&[Diagnostic::without_place(Code::CannotWrite, why)], &compiled.sources),
        };
    }
    let values = match overrides::values(&compiled.experiment, &a.given, &mut compiled.sources) {
        Ok(values) => values,
        Err(outcome) => return outcome,
    };
    let described = Evaluator::new(&compiled.experiment, &values)
        .and_then(|e| build(&e).map(|(schedule, _)| describe(&schedule, compiled.experiment.units)));
    match described {
        Ok(text) => {
            // What cannot be planned is still shown; why it cannot is said where the plan would stand.
            let planned = planned(&compiled.experiment, &values);
            let plan = planned.unwrap_or_else(|why| format!("plan:\n  none: {}\n", why.message));
            terminal::print(&if a.stage == "plan" { plan } else { text + &plan })
        }
        Err(diagnostic) => terminal::refuse(&[*diagnostic], &compiled.sources),
    }
}

/// How the experiment will be run, and how the points of its sweep are.
fn planned(experiment: &Experiment, values: &Values) -> Result<String, Fault> {
    let options = Options::default();
    let mut text = plan(&Evaluator::new(experiment, values)?, &options)?;
    let axes = axes(experiment, values)?;
    if let Some(first) = points(&axes, values).next().filter(|_| !axes.is_empty()) {
        text += &match Emulator::new(experiment).batch_size(&first, &options) {
            1 => "  points of the sweep are propagated separately\n".to_string(),
            n => format!("  points of the sweep are propagated in batches of {n}\n"),
        };
    }
    Ok(text)
}

/// The tree of the one file, as canonical text.
fn tree(a: &args::Show) -> Outcome {
    let text = match files::read(&a.file) {
        Ok(text) => text,
        Err(diagnostic) => return terminal::refuse(&[diagnostic], &Sources::default()),
    };
    let mut sources = Sources::default();
    let file = sources.add(a.file.display().to_string(), text.as_str());
    let (program, diagnostics) = ergoseq::syntax::parse(&text, file);
    if !diagnostics.is_empty() {
        return terminal::refuse(&diagnostics, &sources);
    }
    terminal::print_file(&program.to_string())
}
