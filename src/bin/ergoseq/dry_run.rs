//! `ergoseq dry-run`

use crate::overrides::{self, Prepared};
use crate::{Outcome, args, terminal};
use ergoseq::emulator;
use ergoseq::output::rehearsal;

/// Prints what every statement takes and leaves.
pub fn dry_run(a: &args::DryRun) -> Outcome {
    let Prepared { compiled, values, options } = match overrides::prepare(&a.file, &a.given, &[], &a.how) {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
    if let Ok(warnings) = ergoseq::check_on(&compiled.experiment, &values, options.spectrometer.as_deref()) {
        terminal::report(&warnings, &compiled.sources);
    }
    match emulator::dry_run(&compiled.experiment, &values, &options) {
        Ok(found) => terminal::print(&rehearsal(&found, &compiled.experiment, &compiled.sources)),
        Err(diagnostic) => terminal::refuse(&[*diagnostic], &compiled.sources),
    }
}
