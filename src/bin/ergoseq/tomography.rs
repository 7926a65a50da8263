//! `ergoseq tomography`

use crate::overrides::{self, Prepared};
use crate::{Outcome, args, files, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{self, Measured};
use ergoseq::output::{EnergyUnit, Results, json, table};
use ergoseq::tomography::data::{NAMES, read};
use ergoseq::tomography::decay::Decay;
use ergoseq::tomography::decay_file::{Points, bruker, jcamp, simpson};
use std::path::{Path, PathBuf};

/// The state and its energies from what was measured, beside what theory says.
pub fn tomography(a: &args::Tomography) -> Outcome {
    let Prepared { compiled, values, mut options } = match overrides::prepare(&a.file, &a.given, &[], &a.how) {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
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

/// A table of amplitudes, or a folder of decays.
fn data(a: &args::Tomography) -> Result<Measured, Diagnostic> {
    let reference = a.reference;
    if a.data.is_dir() {
        return Ok(Measured { table: vec![], decays: decays(&a.data)?, reference });
    }
    let table =
        read(&files::read(&a.data)?).map_err(|why| wrong(&a.data, &format!("is no table of amplitudes: {why}")))?;
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
        let mut parts = name.split('.');
        let (Some(readout), Some(nucleus)) = (parts.next(), parts.next()) else {
            return Err(wrong(&path, "does not tell its readout and nucleus").help(NAMES));
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
