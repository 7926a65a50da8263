//! `ergoseq export`

use crate::{Outcome, args, files, overrides, terminal};
use ergoseq::export::calibration::{read_all, strongest_gradient};
use ergoseq::export::{Dialect, Exported, Request, export as exported};
use ergoseq::source::Sources;

/// Writes an experiment as the program of a console.
pub fn export(a: &args::Export) -> Outcome {
    let Some(dialect) = Dialect::named(&a.to) else { return Outcome::Usage };
    let told = read_all(&a.calibration).and_then(|calibrations| {
        let gradient = a.max_gradient.as_deref().map(strongest_gradient).transpose().map_err(|wrong| vec![wrong])?;
        Ok((calibrations, gradient))
    });
    let (calibrations, max_gradient) = match told {
        Ok(told) => told,
        Err(wrong) => {
            terminal::report(&wrong, &Sources::default());
            return Outcome::Usage;
        }
    };
    if let Err(diagnostic) = files::replaceable_folder(&a.output, a.force) {
        return terminal::refuse(&[diagnostic], &Sources::default());
    }
    let mut compiled = match files::compile(&a.file) {
        Ok(compiled) => compiled,
        Err(refused) => return terminal::refuse(&refused.diagnostics, &refused.sources),
    };
    terminal::report(&compiled.warnings, &compiled.sources);
    let values = match overrides::values(&compiled.experiment, &a.given, &mut compiled.sources) {
        Ok(values) => values,
        Err(outcome) => return outcome,
    };
    if let Err(outcome) = overrides::sweeps(&mut compiled.experiment, &a.sweep, &mut compiled.sources) {
        return outcome;
    }
    let name = a.file.display().to_string();
    let text = compiled.sources.get(0).map_or("", |source| source.text.as_str());
    let request = Request {
        dialect,
        source: (&name, text),
        values: &values,
        spectrometer: a.spectrometer.as_deref(),
        calibrations,
        max_gradient,
    };
    let Exported { files: written, warnings } = match exported(&compiled.experiment, request) {
        Ok(exported) => exported,
        Err(refused) => return terminal::refuse(&refused, &compiled.sources),
    };
    terminal::report(&warnings, &compiled.sources);
    let parts: Vec<(&str, &str)> = written.iter().map(|f| (f.path.as_str(), f.text.as_str())).collect();
    if let Err(diagnostic) = files::write_folder(&a.output, &parts, a.force) {
        return terminal::refuse(&[diagnostic], &compiled.sources);
    }
    let mut out = String::new();
    for (path, _) in parts {
        out += &format!("{}\n", a.output.join(path).display());
    }
    terminal::print(&out)
}
