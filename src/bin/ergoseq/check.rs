//! `ergoseq check`

use crate::{Outcome, args, files, overrides, terminal};
use ergoseq::emulator::{Options, run};
use ergoseq::hamiltonian::{Fault, Values};
use ergoseq::ir::Experiment;
use ergoseq::results::{EnergyUnit, Mark, Point, ResultSet, Schema};
use ergoseq::source::{Sources, decoded};
use std::path::Path;

/// Reports the mistakes of files: those of the text, and those that the parameters' values bring to light.
pub fn check(a: &args::Check) -> Outcome {
    let mut worst = Outcome::Done;
    for path in &a.files {
        if path.extension().is_some_and(|e| e == "pp") {
            let outcome = pulse_program(path);
            if outcome as u8 > worst as u8 {
                worst = outcome;
            }
            continue;
        }
        let outcome = match files::compile(path) {
            Err(refused) => terminal::refuse(&refused.diagnostics, &refused.sources),
            Ok(mut compiled) => match overrides::values(&compiled.experiment, &a.given, &mut compiled.sources) {
                Err(outcome) => outcome,
                Ok(values) => {
                    let mut diagnostics = compiled.warnings;
                    let mut effect = String::new();
                    match ergoseq::check_on(&compiled.experiment, &values, a.spectrometer.as_deref()) {
                        Ok(warnings) => {
                            let rounded = !warnings.is_empty();
                            diagnostics.extend(warnings);
                            if let (Some(name), true) = (&a.spectrometer, rounded) {
                                match compared(&compiled.experiment, &values, name) {
                                    Ok(text) => effect = text,
                                    Err(error) => diagnostics.push(*error),
                                }
                            }
                        }
                        Err(error) => diagnostics.push(*error),
                    }
                    match terminal::refuse(&diagnostics, &compiled.sources) {
                        Outcome::Done => terminal::print(&effect),
                        other => other,
                    }
                }
            },
        };
        if outcome as u8 > worst as u8 {
            worst = outcome;
        }
    }
    worst
}

/// The mistakes of a Bruker pulse program.
fn pulse_program(path: &Path) -> Outcome {
    let name = path.display().to_string();
    let mut sources = Sources::default();
    let text = match files::bytes(path).map(|bytes| decoded(&name, bytes).unwrap_or_default()) {
        Ok(text) => text,
        Err(diagnostic) => return terminal::refuse(&[diagnostic], &sources),
    };
    let file = sources.add(name, text.clone());
    let (_, said) = ergoseq::pulse_program::read(&text, file);
    terminal::refuse(&said, &sources)
}

/// What the steps of a spectrometer do to the results: every number at every mark, as written and in steps.
fn compared(experiment: &Experiment, values: &Values, spectrometer: &str) -> Result<String, Fault> {
    let in_steps = Options { spectrometer: Some(spectrometer.to_string()), ..Options::default() };
    let written = run(experiment, values, &Options::default(), &[])?;
    let rounded = run(experiment, values, &in_steps, &[])?;
    let schema = Schema::new(experiment, "", &[], values, EnergyUnit::Default);
    let set = ResultSet::of(schema, [written, rounded])?;
    let numbers = |point: Point| -> Vec<(String, Option<f64>)> {
        let at = |m: Mark| m.values().map(move |(c, v)| (format!("{} at {}", c.key, m.name()), v)).collect::<Vec<_>>();
        point.summary().map(|(c, v)| (c.key.clone(), v)).chain(point.marks().flat_map(at)).collect()
    };
    let mut out = format!("{:<44}{:>12}{:>12}{:>12}\n", "", "as written", "in steps", "change");
    let [written, rounded] = [0, 1].map(|k| set.at(k).map_or(vec![], numbers));
    for ((name, a), (_, b)) in written.into_iter().zip(rounded) {
        let (Some(a), Some(b)) = (a, b) else { continue };
        out += &format!("{name:<44}{a:>12.4e}{b:>12.4e}{:>12.2e}\n", b - a);
    }
    Ok(out)
}
