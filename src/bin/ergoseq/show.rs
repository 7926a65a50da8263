//! `ergoseq show`

use crate::{Outcome, args, files, overrides, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::hamiltonian::{Evaluator, build, describe};
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
        Ok(mut text) => {
            // What cannot be planned is still shown; why it cannot is said where the plan would stand.
            let planned = Evaluator::new(&compiled.experiment, &values)
                .and_then(|e| ergoseq::emulator::plan(&e, &ergoseq::emulator::Options::default()));
            text += &planned.unwrap_or_else(|why| format!("plan:\n  none: {}\n", why.message));
            terminal::print(&text)
        }
        Err(diagnostic) => terminal::refuse(&[*diagnostic], &compiled.sources),
    }
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
