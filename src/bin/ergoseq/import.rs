//! `ergoseq import`

use crate::{Outcome, args, files, terminal};
use ergoseq::diagnostic::Diagnostic;
use ergoseq::import::parameters::{LIST_FILES, Parameters};
use ergoseq::source::{Sources, decoded};
use std::path::Path;

/// The text of a file of a spectrometer, which may be Latin-1.
fn text(path: &Path) -> Result<String, Diagnostic> {
    let name = format!("{}.txt", path.display());
    files::bytes(path).map(|bytes| decoded(&name, bytes).unwrap_or_default())
}

/// The parameters of a data set, and the lists that lie beside them.
fn parameters(folder: &Path) -> Result<Parameters, Diagnostic> {
    let mut out = Parameters::of_acqus(&text(&folder.join("acqus"))?);
    for name in LIST_FILES {
        let path = folder.join(name);
        if path.is_file() {
            out.add_list(name, &text(&path)?);
        }
    }
    Ok(out)
}

/// Reads a pulse program and writes it as a sequence.
pub fn import(a: &args::Import) -> Outcome {
    let mut sources = Sources::default();
    let read = (|| {
        if let Some(output) = &a.output {
            files::writable(output, a.force)?;
        }
        let program = text(&a.file)?;
        let given = match &a.params {
            Some(folder) => parameters(folder)?,
            None => Parameters::default(),
        };
        Ok((program, given))
    })();
    let (program, given) = match read {
        Ok(read) => read,
        Err(diagnostic) => return terminal::refuse(&[diagnostic], &sources),
    };
    let name = a.file.display().to_string();
    let file = sources.add(&name, program.clone());
    let imported = match ergoseq::import::import(&name, &program, file, &given) {
        Ok(imported) => imported,
        Err(wrong) => return terminal::refuse(&wrong, &sources),
    };
    terminal::report(&imported.warnings, &sources);
    match &a.output {
        None => terminal::print_file(&imported.text),
        Some(output) => match files::write(output, &imported.text, a.force) {
            Ok(()) => Outcome::Done,
            Err(diagnostic) => terminal::refuse(&[diagnostic], &sources),
        },
    }
}
