//! `ergoseq compare`

use crate::decays::{Named, decays, experiment_of, is_experiment, wrong};
use crate::measurements::table;
use crate::overrides::{self, Prepared};
use crate::tomography::{received, rows_of};
use crate::{Outcome, args, files, inputs, terminal};
use ergoseq::Compiled;
use ergoseq::comparison::{self, Measurement, Rows};
use ergoseq::decays::Indirect;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::hamiltonian::Values;
use ergoseq::source::data_text;
use std::collections::BTreeMap;
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
        return signals(path, reference, compiled, values);
    }
    let text = data_text(&files::bytes(path)?);
    let (data, _) = table(&text, &compiled.experiment, &mut compiled.sources).map_err(|why| {
        let message = format!("`{}` is not a table of measurements: {why}", path.display());
        Diagnostic::without_place(Code::CannotRead, message)
            .help("give a table as for `fit`, or a folder of FIDs as for `tomography`")
    })?;
    Ok(Measurement::Results(data))
}

/// FIDs of a folder, or of the folder of one experiment: with one row per point of a sweep where they have several rows or numbers.
fn signals(
    path: &Path,
    reference: Option<f64>,
    compiled: &Compiled,
    values: &Values,
) -> Result<Measurement, Box<Diagnostic>> {
    let tomography = compiled.experiment.has_tomography();
    if tomography {
        return Ok(Measurement::Decays(received(path, compiled, values)?, reference));
    }
    let all = if is_experiment(path) { vec![experiment_of(path)?] } else { decays(path)? };
    if all.iter().all(|named| named.number.is_none() && named.series.rows.len() < 2) {
        let rows = all.iter().map(|named| rows_of(named, compiled, values)).collect::<Result<Vec<_>, _>>()?;
        return Ok(Measurement::Decays(rows.concat(), reference));
    }
    // Traces in the order of their names, the points of each in that of their numbers.
    let mut traces: BTreeMap<(String, &str), Vec<&Named>> = BTreeMap::new();
    for named in &all {
        let trace = named.word.clone().unwrap_or_else(|| "fid".into());
        traces.entry((trace, named.nucleus.as_str())).or_default().push(named);
    }
    let mut out = Vec::new();
    for ((trace, nucleus), mut own) in traces {
        own.sort_by_key(|named| named.number);
        if let Some((k, named)) = own.iter().enumerate().find(|(k, n)| own.len() > 1 && n.number != Some(k + 1)) {
            let why = format!(
                "is not point {} of `{trace}.{nucleus}`: its points need the numbers 1 to {}",
                k + 1,
                own.len()
            );
            return Err(wrong(&named.path, &why).help("name them as `fid.001.1H`, in the order of the sweep").into());
        }
        let Some(first) = own.first() else { continue };
        let indirect = first.series.indirect.unwrap_or(Indirect::Rows);
        let mut rows = Vec::new();
        for named in &own {
            rows.extend(rows_of(named, compiled, values)?);
        }
        rows.iter_mut().for_each(|row| row.readout.clone_from(&trace));
        out.push(Rows { trace, indirect, indirect_dwell: first.series.indirect_dwell, decays: rows });
    }
    Ok(Measurement::Rows(out))
}
