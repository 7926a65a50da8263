//! `ergoseq check`

use crate::{Outcome, args, files, overrides, terminal};

/// Reports the mistakes of files: those of the text, and those that the parameters' values bring to light.
pub fn check(a: &args::Check) -> Outcome {
    let mut worst = Outcome::Done;
    for path in &a.files {
        let outcome = match files::compile(path) {
            Err(refused) => terminal::refuse(&refused.diagnostics, &refused.sources),
            Ok(mut compiled) => match overrides::values(&compiled.experiment, &a.given, &mut compiled.sources) {
                Err(outcome) => outcome,
                Ok(values) => {
                    let mut diagnostics = compiled.warnings;
                    match ergoseq::check_values(&compiled.experiment, &values) {
                        Ok(warnings) => diagnostics.extend(warnings),
                        Err(error) => diagnostics.push(*error),
                    }
                    terminal::refuse(&diagnostics, &compiled.sources)
                }
            },
        };
        if outcome as u8 > worst as u8 {
            worst = outcome;
        }
    }
    worst
}
