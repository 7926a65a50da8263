//! `ergoseq compare`

use crate::measurements::table;
use crate::overrides::{self, Prepared};
use crate::tomography::received;
use crate::{Outcome, args, files, inputs, terminal};
use ergoseq::Compiled;
use ergoseq::comparison::{self, Measurement};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::hamiltonian::Values;
use ergoseq::source::data_text;
use std::path::Path;

/// Theory, emulation and measurement in one table, and in one picture where that is wanted.
pub fn compare(a: &args::Compare) -> Outcome {
    inputs::note(&a.file);
    terminal::speak_json(a.format == "json");
    inputs::note(&a.data);
    let Prepared { mut compiled, values, options } = match overrides::prepare(&a.file, &a.given, &[], &a.how) {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
    #[cfg(feature = "pictures")]
    if let Some(path) = &a.output
        && let Err(diagnostic) = crate::plot::drawable(path).and_then(|()| files::writable(path, a.force))
    {
        return terminal::refuse(&[diagnostic], &compiled.sources);
    }
    let found = measurement(&a.data, a.reference, &mut compiled, &values)
        .and_then(|measured| comparison::compare(&compiled.experiment, &values, &options, &measured));
    let found = match found {
        Ok(found) => found,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    #[cfg(feature = "pictures")]
    if let Some(path) = &a.output
        && let Err(diagnostic) = crate::plot::write(&found.figure, path, a.force)
    {
        return terminal::refuse(&[diagnostic], &compiled.sources);
    }
    terminal::print(&match a.format.as_str() {
        "json" => format!("{:#}\n", comparison::json(&found, &a.file.display().to_string())),
        "csv" => comparison::csv(&found),
        _ => comparison::table(&found),
    })
}

/// What was measured: the decays of a folder, or the results of a table.
pub fn measurement(
    path: &Path,
    reference: Option<f64>,
    compiled: &mut Compiled,
    values: &Values,
) -> Result<Measurement, Box<Diagnostic>> {
    if path.is_dir() {
        return Ok(Measurement::Decays(received(path, compiled, values)?, reference));
    }
    let text = data_text(&files::bytes(path)?);
    let (data, _) = table(&text, &compiled.experiment, &mut compiled.sources).map_err(|why| {
        let message = format!("`{}` is not a table of measurements: {why}", path.display());
        Diagnostic::without_place(Code::CannotRead, message)
            .help("give a table as for `fit`, or a folder of FIDs as for `tomography`")
    })?;
    Ok(Measurement::Results(data))
}
