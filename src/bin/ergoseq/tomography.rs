//! `ergoseq tomography`

use crate::{Outcome, args, files, overrides, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{self, Measured};
use ergoseq::output::{EnergyUnit, Results, json, table};
use ergoseq::tomography::data::read;

/// The state and its energies from what was measured, beside what theory says.
pub fn tomography(a: &args::Tomography) -> Outcome {
    let mut compiled = match files::compile(&a.file) {
        Ok(compiled) => compiled,
        Err(refused) => return terminal::refuse(&refused.diagnostics, &refused.sources),
    };
    terminal::report(&compiled.warnings, &compiled.sources);
    let prepared = (|| {
        let values = overrides::values(&compiled.experiment, &a.given, &mut compiled.sources)?;
        Ok((values, overrides::options(&a.how)?))
    })();
    let (values, mut options) = match prepared {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
    let text = match files::read(&a.data) {
        Ok(text) => text,
        Err(diagnostic) => return terminal::refuse(&[diagnostic], &compiled.sources),
    };
    let data = a.data.display();
    let table_of = match read(&text) {
        Ok(rows) => rows,
        Err(why) => {
            let diagnostic =
                Diagnostic::without_place(Code::CannotRead, format!("`{data}` is no table of amplitudes: {why}"));
            return terminal::refuse(&[diagnostic], &compiled.sources);
        }
    };
    options.measured = Some(Measured { table: table_of, reference: a.reference });
    let run = match emulator::run(&compiled.experiment, &values, &options, &[]) {
        Ok(run) => run,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    if run.tomographies.is_empty() {
        let diagnostic =
            Diagnostic::without_place(Code::Contradiction, "the file has no `tomography` to take the data");
        return terminal::refuse(&[diagnostic], &compiled.sources);
    }
    let file = a.file.display().to_string();
    let points = [run];
    let results = Results {
        experiment: &compiled.experiment,
        file: &file,
        swept: vec![],
        points: &points,
        energy: EnergyUnit::Default,
    };
    terminal::print(&if a.format == "json" { json(&results) } else { table(&results) })
}
