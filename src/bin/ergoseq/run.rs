//! `ergoseq run`

use crate::overrides::{self, Prepared};
use crate::progress::Progress;
use crate::{Outcome, args, files, inputs, terminal};
use ergoseq::budget::POINTS_AT_ONCE;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{self, Emulator, Options, Run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use ergoseq::output::{FORMATS, Format, Processing, csv, jcamp, json, npy, simpson, spectrum, table};
use ergoseq::results::{EnergyUnit, ResultSet, Schema};
use ergoseq::source::{Sources, visible};
use ergoseq::units::UnitSystem;
use std::path::Path;

/// Emulates every point and writes the results.
pub fn run(a: &args::Run) -> Outcome {
    inputs::note(&a.file);
    let format = match format(a).and_then(|format| processing(a, format).map(|()| format)) {
        Ok(format) => format,
        Err(why) => {
            terminal::report(&[Diagnostic::without_place(Code::Contradiction, why)], &Default::default());
            return Outcome::Usage;
        }
    };
    terminal::speak_json(format == Format::Json);
    if let Some(path) = &a.output
        && let Err(diagnostic) = files::writable(path, a.force)
    {
        return terminal::refuse(&[diagnostic], &Default::default());
    }
    let Prepared { compiled, values, options } = match overrides::prepare(&a.file, &a.given, &a.sweep, &a.how) {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
    let energy = match energy(a, &compiled.experiment) {
        Ok(energy) => energy,
        Err(outcome) => return outcome,
    };
    let experiment = &compiled.experiment;
    // A mistake in the values is reported by the run itself, which knows the point.
    if let Ok(warnings) = ergoseq::check_on(experiment, &values, options.spectrometer.as_deref()) {
        terminal::report(&warnings, &compiled.sources);
    }
    let axes = match emulator::axes(experiment, &values) {
        Ok(axes) => axes,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    let points = emulator::points(&axes, &values);
    if let Err(over) = POINTS_AT_ONCE.check(points.len() as u64, None) {
        return terminal::refuse(&[*over], &compiled.sources);
    }
    let points: Vec<Values> = points.collect();
    if let Some(first) = points.first() {
        overrides::announce(experiment, first, &options, points.len() as u64);
    }
    let schema = Schema::new(experiment, &a.file.display().to_string(), &axes, &values, energy);
    let results = match results(experiment, schema, &points, &options, a.threads) {
        Ok(results) => results,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    let text = match format {
        Format::Table => Ok(visible(&table(&results)).into_owned() + &drawn(a, &results, experiment)),
        Format::Json => Ok(json(&results)),
        Format::Csv => Ok(csv(&results)),
        Format::Spectrum => {
            let processing =
                Processing { broaden: a.broaden.unwrap_or(0.0), zero_fill: a.zero_fill.map_or(2, usize::from) };
            spectrum(&results, experiment, processing)
        }
        Format::Jcamp => jcamp(&results, experiment),
        Format::Npy => return array(a, &results, &compiled.sources),
        Format::Simpson => simpson(&results),
    };
    let text = match text {
        Ok(text) => text,
        Err(why) => {
            return terminal::refuse(&[undecayed(why)], &compiled.sources);
        }
    };
    match &a.output {
        // The curves have colours; all else has been made visible.
        None if format == Format::Table => terminal::print_as_it_is(&text),
        None => terminal::print(&text),
        Some(path) => match files::write(path, &text, a.force) {
            Ok(()) => Outcome::Done,
            Err(diagnostic) => terminal::refuse(&[diagnostic], &compiled.sources),
        },
    }
}

/// The results of all points; a failure says at which point it is.
fn results(
    experiment: &Experiment,
    schema: Schema,
    points: &[Values],
    options: &Options,
    threads: Option<usize>,
) -> Result<ResultSet, Box<Diagnostic>> {
    let runs = emulate(experiment, points, options, threads).map_err(|(point, diagnostic)| {
        let value = |name: &str| Some(format!("{name} = {}", points.get(point)?.get(name)?));
        let shown: Vec<String> = schema.swept().filter_map(value).collect();
        if shown.is_empty() {
            return diagnostic;
        }
        Box::new(diagnostic.help(format!("at the point {}", shown.join(", "))))
    })?;
    ResultSet::of(schema, runs)
}

/// The curves in letters, where they are asked for; why there are none, where there are none.
#[cfg(feature = "pictures")]
fn drawn(a: &args::Run, results: &ResultSet, experiment: &Experiment) -> String {
    if !a.plot {
        return String::new();
    }
    match ergoseq::output::chart(results, experiment, &[]) {
        Ok(figure) => format!("\n{}", ergoseq::output::letters(&figure, terminal::columns(), terminal::coloured())),
        Err(why) => format!("\n{why}\n"),
    }
}

#[cfg(not(feature = "pictures"))]
fn drawn(_: &args::Run, _: &ResultSet, _: &Experiment) -> String {
    String::new()
}

fn undecayed(why: String) -> Diagnostic {
    Diagnostic::without_place(Code::Contradiction, why)
        .help("`acquire 1H points 1024 dwell 50 us` acquires a free induction decay")
}

/// Writes decays as bytes, which are nothing for a terminal.
fn array(a: &args::Run, results: &ResultSet, sources: &Sources) -> Outcome {
    // An array without a file has been refused with the command line.
    let Some(path) = &a.output else { return Outcome::Usage };
    let written = npy(results).map_err(undecayed).and_then(|bytes| files::write_bytes(path, &bytes, a.force));
    match written {
        Ok(()) => Outcome::Done,
        Err(diagnostic) => terminal::refuse(&[diagnostic], sources),
    }
}

/// The format that is named, otherwise that of the file's ending, otherwise a table.
fn format(a: &args::Run) -> Result<Format, String> {
    let named = a.format.as_ref().and_then(|word| FORMATS.iter().find(|(w, _, _)| w == word)).map(|(_, f, _)| *f);
    let ending = a.output.as_deref().and_then(Format::of_ending);
    let picture = |path: &Path| {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        ["svg", "png", "pdf", "html", "nc"].contains(&ending.as_str()).then_some(ending)
    };
    match (named, ending) {
        // Spectra and SIMPSON's decays are texts of any ending.
        (Some(named), Some(ending)) if named != ending && ![Format::Spectrum, Format::Simpson].contains(&named) => {
            let (word, path) = (a.format.as_deref().unwrap_or_default(), a.output.as_deref().unwrap_or(Path::new("")));
            Err(format!("`--format {word}` does not fit the ending of {}", path.display()))
        }
        (Some(format), _) | (None, Some(format)) => Ok(format),
        (None, None) => match a.output.as_deref().and_then(picture) {
            Some(ending) => Err(format!("`run` writes no .{ending}: use `plot`, `report` (.html) or `sweep` (.nc)")),
            None => Ok(Format::Table),
        },
    }
}

/// Refuses options that would have no effect, and a width that is none.
fn processing(a: &args::Run, format: Format) -> Result<(), String> {
    if format != Format::Spectrum && (a.broaden.is_some() || a.zero_fill.is_some()) {
        return Err("--broaden and --zero-fill require --format spectrum".into());
    }
    #[cfg(feature = "pictures")]
    if a.plot && format != Format::Table {
        return Err("--plot requires a table, not another format".into());
    }
    if format == Format::Npy && a.output.is_none() {
        return Err("a NumPy array is not text: write it to a file with `--output decay.npy`".into());
    }
    match a.broaden {
        Some(width) if !width.is_finite() || width < 0.0 => Err(format!("--broaden {width} is not a valid line width")),
        _ => Ok(()),
    }
}

fn energy(a: &args::Run, experiment: &Experiment) -> Result<EnergyUnit, Outcome> {
    match (a.energy.as_deref(), experiment.units) {
        (Some("Hz"), UnitSystem::Lab) => Ok(EnergyUnit::Hertz),
        (Some(unit), UnitSystem::Natural) => {
            let message = format!("--energy {unit} does not apply to a file with natural units");
            terminal::report(&[Diagnostic::without_place(Code::Contradiction, message)], &Default::default());
            Err(Outcome::Usage)
        }
        _ => Ok(EnergyUnit::Default),
    }
}

/// Runs the points on all cores; their order, and every bit of the results, does not depend on how many there are. Of several
/// failures the first in the order of points is given.
pub fn emulate(
    experiment: &Experiment,
    points: &[Values],
    options: &Options,
    threads: Option<usize>,
) -> Result<Vec<Run>, (usize, Box<Diagnostic>)> {
    let progress = Progress::new(points.len() as u64);
    let emulator = Emulator::new(experiment);
    // A pool of threads costs more than a small run takes.
    if let [point] = points {
        return Ok(vec![emulator.run(point, options, &[]).map_err(|d| (0, d))?]);
    }
    overrides::threads(threads);
    let results = emulator.run_all(points, options, &|done| (0..done).for_each(|_| progress.step()));
    results.into_iter().enumerate().map(|(k, run)| run.map_err(|d| (k, d))).collect()
}
