//! `ergoseq tomography`

use crate::decays::{Named, decays, readout, wrong};
use crate::overrides::{self, Prepared};
use crate::{Outcome, args, files, terminal};
use ergoseq::Compiled;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{self, Measured, Options};
use ergoseq::hamiltonian::Values;
use ergoseq::linalg::C64;
use ergoseq::output::{json, table};
use ergoseq::results::{EnergyUnit, ResultSet, Schema};
use ergoseq::source::data_text;
use ergoseq::tomography::data::read;
use ergoseq::tomography::decay::{Decay, ROW};
use ergoseq::tomography::{ESTIMATORS, Estimator, read_counts};
use serde_json::json;
use std::path::Path;

/// The state and its energies from what was measured, beside what theory says.
pub fn tomography(a: &args::Tomography) -> Outcome {
    terminal::speak_json(a.format == "json");
    let Prepared { compiled, values, mut options } = match overrides::prepare(&a.file, &a.given, &[], &a.how) {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
    if let Some(path) = &a.counts {
        if options.typical.is_some() {
            let message = "counts belong to a state of few spins; `--typical` has no effect";
            terminal::report(&[Diagnostic::without_place(Code::Contradiction, message)], &compiled.sources);
            return Outcome::Usage;
        }
        return counted(a, path, &compiled, &values, &options);
    }
    options.measured = match data(a, &compiled, &values) {
        Ok(measured) => Some(measured),
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    let run = match emulator::run(&compiled.experiment, &values, &options, &[]) {
        Ok(run) => run,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    if run.tomographies.is_empty() {
        let diagnostic = Diagnostic::without_place(Code::Contradiction, "the program has no `tomography` for the data");
        return terminal::refuse(&[diagnostic], &compiled.sources);
    }
    let file = a.file.display().to_string();
    let schema = Schema::new(&compiled.experiment, &file, &[], &values, EnergyUnit::Default);
    match ResultSet::of(schema, [run]) {
        Ok(results) => terminal::print(&if a.format == "json" { json(&results) } else { table(&results) }),
        Err(diagnostic) => terminal::refuse(&[*diagnostic], &compiled.sources),
    }
}

/// The state and its energies from counts of single shots.
fn counted(a: &args::Tomography, path: &Path, compiled: &Compiled, values: &Values, options: &Options) -> Outcome {
    let found = files::bytes(path).map_err(Box::new).and_then(|bytes| {
        let text = data_text(&bytes);
        let cells = emulator::cells_of(&compiled.experiment, values, options)?;
        let (settings, counts) =
            read_counts(&text, cells.spins).map_err(|why| wrong(path, &format!("is not a table of counts: {why}")))?;
        let estimator = ESTIMATORS.iter().find(|e| e.0 == a.estimator).map_or(Estimator::Linear, |e| e.1);
        let found = cells.energies(&settings, &counts, estimator, (a.repetitions as usize, 0))?;
        Ok((cells, settings, counts, found))
    });
    let (cells, settings, counts, (state, energies)) = match found {
        Ok(found) => found,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    let quantities =
        [("energy", &energies.energy), ("ergotropy", &energies.ergotropy), ("capacity", &energies.capacity)];
    let shots: u64 = counts.iter().sum();
    let number = counts.len() / settings.outcomes();
    if a.format == "json" {
        let entries = |f: fn(&C64) -> f64| -> Vec<Vec<f64>> {
            state.state.row_iter().map(|row| row.iter().map(f).collect()).collect()
        };
        let all: serde_json::Map<String, serde_json::Value> = quantities
            .iter()
            .map(|(name, q)| {
                let value = json!({
                    "value": q.value, "error": q.error, "corrected": q.corrected,
                    "interval_68": q.interval_68, "interval_95": q.interval_95,
                });
                (name.to_string(), value)
            })
            .collect();
        let object = json!({
            "schema": "ergoseq/counts/1", "file": a.file.display().to_string(), "settings": number, "shots": shots,
            "estimator": a.estimator, "converged": state.converged, "smallest_linear": state.smallest_linear,
            "unseen": settings.unseen(), "unit": cells.unit, "energies": all, "conditions": energies.conditions,
            "state": { "re": entries(|x| x.re), "im": entries(|x| x.im) },
        });
        return terminal::print(&format!("{object:#}\n"));
    }
    let mut out = format!("{number} settings, {shots} shots, {}\n", a.estimator);
    if settings.unseen() > 0 {
        out += &format!(
            "  {} products of Pauli matrices are not measured by any setting:\n  results that depend on them are undetermined\n",
            settings.unseen()
        );
    }
    if !state.converged {
        out += &format!("  the reconstruction did not converge in {} steps\n", state.steps);
    }
    out += &format!("  smallest eigenvalue of linear inversion {:.6}\n", state.smallest_linear);
    out += &format!("  {:<13}{:>11}{:>11}{:>11}   {}\n", "", "value", "error", "corrected", "95 %");
    for (name, q) in quantities {
        let name = if cells.unit.is_empty() { name.to_string() } else { format!("{name} [{}]", cells.unit) };
        let (low, high) = q.interval_95;
        out += &format!(
            "  {name:<13}{:>11.3e}{:>11.3e}{:>11.3e}   {low:.3e}..{high:.3e}\n",
            q.value, q.error, q.corrected
        );
    }
    for condition in &energies.conditions {
        out += &format!("  intervals: {condition}\n");
    }
    terminal::print(&out)
}

/// A table of amplitudes, or a folder of decays.
fn data(a: &args::Tomography, compiled: &Compiled, values: &Values) -> Result<Measured, Box<Diagnostic>> {
    let reference = a.reference;
    // The command line asks for this or for counts.
    let path = a.data.clone().unwrap_or_default();
    if path.is_dir() {
        return Ok(Measured { table: vec![], decays: received(&path, compiled, values)?, reference });
    }
    let text = data_text(&files::bytes(&path)?);
    let table = read(&text).map_err(|why| wrong(&path, &format!("is not a table of amplitudes: {why}")))?;
    Ok(Measured { table, decays: vec![], reference })
}

/// The decays of a folder, as a tomography takes them.
pub fn received(folder: &Path, compiled: &Compiled, values: &Values) -> Result<Vec<Decay>, Box<Diagnostic>> {
    let mut out = Vec::new();
    for named in decays(folder)? {
        readout(&named)?;
        out.extend(rows_of(&named, compiled, values)?);
    }
    Ok(out)
}

/// The rows of an FID that is one of the program: by nucleus, transmitter, carrier and width.
pub fn rows_of(named: &Named, compiled: &Compiled, values: &Values) -> Result<Vec<Decay>, Box<Diagnostic>> {
    let Named { path, word, nucleus, series, .. } = named;
    emulator::agrees(&compiled.experiment, values, nucleus, series).map_err(|d| with_path(d, path))?;
    series.notes.iter().for_each(|note| eprintln!("note: `{}`: {note}", path.display()));
    let decay = |(k, points): (usize, Vec<C64>)| Decay {
        readout: word.clone().unwrap_or_else(|| format!("{ROW}{}", k + 1)),
        nucleus: nucleus.clone(),
        dwell: series.dwell,
        start: series.start(),
        points: heard(points),
    };
    Ok(series.spectrometer_rows().enumerate().map(decay).collect())
}

/// A mistake with the file that has it.
fn with_path(mut diagnostic: Box<Diagnostic>, path: &Path) -> Box<Diagnostic> {
    diagnostic.message = format!("`{}`: {}", path.display(), diagnostic.message);
    diagnostic
}

/// The points; leading exact zeros were not received.
fn heard(points: Vec<C64>) -> Vec<Option<C64>> {
    let deaf = points.iter().take_while(|z| z.re == 0.0 && z.im == 0.0).count();
    let deaf = if deaf == points.len() { 0 } else { deaf };
    points.into_iter().enumerate().map(|(k, z)| (k >= deaf).then_some(z)).collect()
}
