//! `ergoseq import`

use crate::{Outcome, args, files, inputs, terminal};
use ergoseq::diagnostic::Diagnostic;
use ergoseq::import::parameters::{LIST_FILES, Parameters};
use ergoseq::import::simpson;
use ergoseq::source::{Sources, decoded};
use std::path::Path;

/// The text of a file of a spectrometer, which may be Latin-1.
fn text(path: &Path) -> Result<String, Diagnostic> {
    let name = format!("{}.txt", path.display());
    files::bytes(path).map(|bytes| decoded(&name, bytes).unwrap_or_default())
}

/// The text of a file of crystallites in the folder of an input file of SIMPSON.
fn beside(input: &Path, crystals: &str) -> Option<String> {
    let name = Path::new(crystals);
    if name.components().count() != 1 || name.file_name().is_none() {
        return None;
    }
    let folder = input.parent()?;
    [crystals.to_string(), format!("{crystals}.cry")].iter().find_map(|name| text(&folder.join(name)).ok())
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

/// Reads a pulse program, or an input file of SIMPSON, and writes it as a sequence.
pub fn import(a: &args::Import) -> Outcome {
    inputs::note(&a.file);
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
    let imported = if simpson::is_input(&program) {
        simpson::import(&name, &program, file, &|crystals| beside(&a.file, crystals))
    } else {
        ergoseq::import::import(&name, &program, file, &given)
    };
    let imported = match imported {
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
