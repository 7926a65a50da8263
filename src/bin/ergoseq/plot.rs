//! `ergoseq plot`

use crate::overrides::{self, Prepared};
use crate::run::emulate;
use crate::{Outcome, args, files, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator;
use ergoseq::hamiltonian::Values;
use ergoseq::output::{EnergyUnit, Figure, MOST_POINTS, Results, chart, png, svg, too_many};
use ergoseq::report::PICTURES;
use std::path::Path;

/// Draws what an experiment measures.
pub fn plot(a: &args::Plot) -> Outcome {
    let ending = a.output.extension().and_then(|e| e.to_str()).unwrap_or_default();
    if !["svg", "png", "csv"].contains(&ending) {
        let message = format!("`{}` names no kind of picture", a.output.display());
        let diagnostic = Diagnostic::without_place(Code::CannotWrite, message).help("end it in .svg, .png or .csv");
        terminal::report(&[diagnostic], &Default::default());
        return Outcome::Usage;
    }
    let Prepared { compiled, values, options } = match overrides::prepare(&a.file, &a.given, &a.sweep, &a.how) {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
    let experiment = &compiled.experiment;
    if let [what] = a.what.as_slice()
        && let Some((_, meaning, draw)) = PICTURES.iter().find(|(word, _, _)| word == what)
        && !experiment.measures.iter().any(|m| m.key == *what)
    {
        if ending != "svg" {
            let message = format!("`{what}` is drawn as .svg");
            terminal::report(&[Diagnostic::without_place(Code::CannotWrite, message)], &compiled.sources);
            return Outcome::Usage;
        }
        let drawn = draw(experiment, &values, &options).and_then(|picture| {
            let nothing =
                || Box::new(Diagnostic::without_place(Code::Contradiction, format!("this file has none of {meaning}")));
            files::write(&a.output, &picture.ok_or_else(nothing)?, a.force).map_err(Box::new)
        });
        return match drawn {
            Ok(()) => Outcome::Done,
            Err(diagnostic) => terminal::refuse(&[*diagnostic], &compiled.sources),
        };
    }
    let figure = emulator::axes(experiment, &values).and_then(|axes| {
        let points: Vec<Values> = emulator::points(&axes, &values).take(MOST_POINTS + 1).collect();
        let undrawn = |why: String| Box::new(Diagnostic::without_place(Code::Contradiction, why));
        if points.len() > MOST_POINTS {
            return Err(undrawn(too_many(points.len())));
        }
        let runs = emulate(experiment, &points, &options, a.threads).map_err(|(_, diagnostic)| diagnostic)?;
        let file = a.file.display().to_string();
        let swept = axes.iter().flat_map(|x| x.names.clone()).collect();
        let results = Results { experiment, file: &file, swept, points: &runs, energy: EnergyUnit::Default };
        chart(&results, &axes, &a.what).map_err(undrawn)
    });
    let written = figure.and_then(|figure| write(&figure, &a.output, ending, a.force).map_err(Box::new));
    match written {
        Ok(()) => Outcome::Done,
        Err(diagnostic) => terminal::refuse(&[*diagnostic], &compiled.sources),
    }
}

fn write(figure: &Figure, path: &Path, ending: &str, force: bool) -> Result<(), Diagnostic> {
    match ending {
        "csv" => files::write(path, &figure.csv(), force),
        "svg" => files::write(path, &svg(figure), force),
        _ => {
            let picture = png(figure).map_err(|why| {
                Diagnostic::without_place(Code::CannotWrite, format!("`{}` cannot be drawn: {why}", path.display()))
            })?;
            files::write_bytes(path, &picture, force)
        }
    }
}
