//! `ergoseq plot`

use crate::overrides::{self, Prepared};
use crate::run::emulate;
use crate::{Outcome, args, files, inputs, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{self, Options};
use ergoseq::hamiltonian::{Fault, Values};
use ergoseq::ir::Experiment;
use ergoseq::output::{Figure, KINDS, Kind, MOST_POINTS, Picture, chart, too_many};
use ergoseq::report::DRAWINGS;
use ergoseq::results::{EnergyUnit, ResultSet, Schema};
use std::path::Path;

/// Draws what an experiment measures.
pub fn plot(a: &args::Plot) -> Outcome {
    inputs::note(&a.file);
    let ending = a.output.extension().and_then(|e| e.to_str()).unwrap_or_default();
    let kind = Kind::of(ending);
    if let Err(diagnostic) = drawable(&a.output) {
        terminal::report(&[diagnostic], &Default::default());
        return Outcome::Usage;
    }
    if let Err(diagnostic) = files::writable(&a.output, a.force) {
        return terminal::refuse(&[diagnostic], &Default::default());
    }
    let Prepared { compiled, values, options } = match overrides::prepare(&a.file, &a.given, &a.sweep, &a.how) {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
    let experiment = &compiled.experiment;
    if let [what] = a.what.as_slice()
        && let Some((_, meaning, draw)) = DRAWINGS.iter().find(|(word, _, _)| word == what)
        && !experiment.measures.iter().any(|m| m.key == *what)
    {
        let Some(kind) = kind else {
            let message = format!("`{what}` is a diagram and has no rows for CSV");
            terminal::report(&[Diagnostic::without_place(Code::CannotWrite, message)], &compiled.sources);
            return Outcome::Usage;
        };
        let drawn = draw(experiment, &values, &options).and_then(|drawing| {
            let why = format!("`{what}` has nothing to draw, or too much to be legible: it shows {meaning}");
            let nothing = || Box::new(Diagnostic::without_place(Code::Contradiction, why));
            let drawing = drawing.ok_or_else(nothing)?;
            picture(kind, Picture::Drawing(&drawing), &a.output, a.force).map_err(Box::new)
        });
        return match drawn {
            Ok(()) => Outcome::Done,
            Err(diagnostic) => terminal::refuse(&[*diagnostic], &compiled.sources),
        };
    }
    let figure = figure((experiment, &a.file), &values, &options, (&a.what, a.threads));
    let written = figure.and_then(|figure| write(&figure, &a.output, a.force).map_err(Box::new));
    match written {
        Ok(()) => Outcome::Done,
        Err(diagnostic) => terminal::refuse(&[*diagnostic], &compiled.sources),
    }
}

/// The results of an experiment over its sweep as a figure; `wanted` are keys of results, all if there are none.
///
/// # Errors
/// If a point fails, or there is nothing to draw.
pub fn figure(
    (experiment, file): (&Experiment, &Path),
    values: &Values,
    options: &Options,
    (wanted, threads): (&[String], Option<usize>),
) -> Result<Figure, Fault> {
    let axes = emulator::axes(experiment, values)?;
    let points = emulator::points(&axes, values);
    let undrawn = |why: String| Box::new(Diagnostic::without_place(Code::Contradiction, why));
    if points.len() > MOST_POINTS {
        return Err(undrawn(too_many(points.len())));
    }
    let points: Vec<Values> = points.collect();
    let runs = emulate(experiment, &points, options, threads).map_err(|(_, diagnostic)| diagnostic)?;
    let schema = Schema::new(experiment, &file.display().to_string(), &axes, values, EnergyUnit::Default);
    chart(&ResultSet::of(schema, runs)?, experiment, wanted).map_err(undrawn)
}

/// Whether a name is that of a picture or of its curves.
pub fn drawable(path: &Path) -> Result<(), Diagnostic> {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    if Kind::of(ending).is_some() || ending == "csv" {
        return Ok(());
    }
    let message = format!("`{}` has no picture extension", path.display());
    let endings: Vec<String> = KINDS.iter().map(|k| format!(".{}", k.ending)).collect();
    let help = format!("use the extension {} or .csv", endings.join(", "));
    Err(Diagnostic::without_place(Code::CannotWrite, message).help(help))
}

/// Writes a figure as its name says.
pub fn write(figure: &Figure, path: &Path, force: bool) -> Result<(), Diagnostic> {
    match Kind::of(path.extension().and_then(|e| e.to_str()).unwrap_or_default()) {
        Some(kind) => picture(kind, Picture::Figure(figure), path, force),
        None => files::write(path, &figure.csv(), force),
    }
}

/// Draws and writes.
pub fn picture(kind: &Kind, picture: Picture, path: &Path, force: bool) -> Result<(), Diagnostic> {
    let bytes = (kind.bytes)(picture).map_err(|why| {
        Diagnostic::without_place(Code::CannotWrite, format!("`{}` cannot be drawn: {why}", path.display()))
    })?;
    files::write_bytes(path, &bytes, force)
}
