//! `ergoseq dry-run`

use crate::{Outcome, args, files, overrides, terminal};
use ergoseq::emulator::rehearse;
use ergoseq::output::rehearsal;

/// Prints what every statement takes and leaves.
pub fn dry_run(a: &args::DryRun) -> Outcome {
    let mut compiled = match files::compile(&a.file) {
        Ok(compiled) => compiled,
        Err(refused) => return terminal::refuse(&refused.diagnostics, &refused.sources),
    };
    terminal::report(&compiled.warnings, &compiled.sources);
    let values = match overrides::values(&compiled.experiment, &a.given, &mut compiled.sources) {
        Ok(values) => values,
        Err(outcome) => return outcome,
    };
    let options = match overrides::options(&a.how) {
        Ok(options) => options,
        Err(outcome) => return outcome,
    };
    if let Ok(warnings) = ergoseq::check_on(&compiled.experiment, &values, options.spectrometer.as_deref()) {
        terminal::report(&warnings, &compiled.sources);
    }
    match rehearse(&compiled.experiment, &values, &options) {
        Ok(found) => terminal::print(&rehearsal(&found, &compiled.experiment, &compiled.sources)),
        Err(diagnostic) => terminal::refuse(&[*diagnostic], &compiled.sources),
    }
}
