//! `ergoseq tomography`

use crate::overrides::{self, Prepared};
use crate::{Outcome, args, files, terminal};
use ergoseq::Compiled;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{self, Measured, Options};
use ergoseq::hamiltonian::Values;
use ergoseq::linalg::C64;
use ergoseq::output::{json, table};
use ergoseq::results::{EnergyUnit, ResultSet, Schema};
use ergoseq::tomography::data::{NAMES, read};
use ergoseq::tomography::decay::Decay;
use ergoseq::tomography::decay_file::{Points, bruker, jcamp, simpson};
use ergoseq::tomography::{ESTIMATORS, Estimator, read_counts};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The state and its energies from what was measured, beside what theory says.
pub fn tomography(a: &args::Tomography) -> Outcome {
    let Prepared { compiled, values, mut options } = match overrides::prepare(&a.file, &a.given, &[], &a.how) {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
    if let Some(path) = &a.counts {
        if options.typical.is_some() {
            let message = "counts are those of a state of few spins, and `--typical` would have no effect";
            terminal::report(&[Diagnostic::without_place(Code::Contradiction, message)], &compiled.sources);
            return Outcome::Usage;
        }
        return counted(a, path, &compiled, &values, &options);
    }
    options.measured = match data(a) {
        Ok(measured) => Some(measured),
        Err(diagnostic) => return terminal::refuse(&[diagnostic], &compiled.sources),
    };
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
    let schema = Schema::new(&compiled.experiment, &file, &[], &values, EnergyUnit::Default);
    match ResultSet::of(schema, [run]) {
        Ok(results) => terminal::print(&if a.format == "json" { json(&results) } else { table(&results) }),
        Err(diagnostic) => terminal::refuse(&[*diagnostic], &compiled.sources),
    }
}

/// The state and its energies from counts of single shots.
fn counted(a: &args::Tomography, path: &Path, compiled: &Compiled, values: &Values, options: &Options) -> Outcome {
    let found = files::read(path).map_err(Box::new).and_then(|text| {
        let cells = emulator::cells_of(&compiled.experiment, values, options)?;
        let (settings, counts) =
            read_counts(&text, cells.spins).map_err(|why| wrong(path, &format!("is no table of counts: {why}")))?;
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
            "  {} products of Pauli matrices are seen by no setting: what depends on them is not known\n",
            settings.unseen()
        );
    }
    if !state.converged {
        out += &format!("  the reconstruction did not converge in {} steps\n", state.steps);
    }
    out += &format!("  smallest eigenvalue of plain means {:.6}\n", state.smallest_linear);
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
fn data(a: &args::Tomography) -> Result<Measured, Diagnostic> {
    let reference = a.reference;
    // The command line asks for this or for counts.
    let path = a.data.clone().unwrap_or_default();
    if path.is_dir() {
        return Ok(Measured { table: vec![], decays: decays(&path)?, reference });
    }
    let table = read(&files::read(&path)?).map_err(|why| wrong(&path, &format!("is no table of amplitudes: {why}")))?;
    Ok(Measured { table, decays: vec![], reference })
}

fn wrong(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::without_place(Code::CannotRead, format!("`{}` {why}", path.display()))
}

/// All decays of a folder, by name.
fn decays(folder: &Path) -> Result<Vec<Decay>, Diagnostic> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect())
        .map_err(|e| wrong(folder, &format!("cannot be read: {e}")))?;
    paths.sort();
    let mut out = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_string();
        let found = if path.is_dir() {
            let acqus = files::read(&path.join("acqus"))?;
            bruker(&acqus, &files::bytes(&path.join("fid"))?)
        } else if name.ends_with(".fid") {
            simpson(&files::read(&path)?)
        } else if name.ends_with(".jdx") || name.ends_with(".dx") {
            jcamp(&files::read(&path)?)
        } else {
            return Err(wrong(&path, "is no decay").help(NAMES));
        };
        let Points { dwell, start, points } = found.map_err(|why| wrong(&path, &format!("is no decay: {why}")))?;
        let parts: Vec<&str> = name.split('.').collect();
        let parts = if path.is_dir() { &parts[..] } else { parts.split_last().map_or(&parts[..], |(_, first)| first) };
        let [readout, nucleus] = *parts else {
            return Err(wrong(&path, "does not tell its readout and nucleus, and nothing else").help(NAMES));
        };
        // What stands as exact zeros before the first point was never received.
        let deaf = points.iter().take_while(|z| z.re == 0.0 && z.im == 0.0).count();
        let deaf = if deaf == points.len() { 0 } else { deaf };
        let points = points.into_iter().enumerate().map(|(k, z)| (k >= deaf).then_some(z)).collect();
        out.push(Decay { readout: readout.into(), nucleus: nucleus.into(), dwell, start, points });
    }
    if out.is_empty() {
        return Err(wrong(folder, "holds no decay").help(NAMES));
    }
    Ok(out)
}
