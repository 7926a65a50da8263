//! `--set` and `--sweep`: values from the command line, checked like those of a file.

use crate::Outcome;
use crate::args::{Given, How};
use crate::{files, memory, terminal};
use ergoseq::Compiled;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{METHODS, Method, Options, PROCESSORS, Processor, Typical};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::{Experiment, Meaning, Sweep};
use ergoseq::source::{Place, Sources};
use ergoseq::syntax::parse_sweep_values;
use std::path::Path;

/// More threads than this a core only take memory; results do not depend on their number.
const MOST_THREADS_A_CORE: usize = 16;

fn split<'a>(text: &'a str, option: &str, example: &str) -> Result<(&'a str, &'a str), Diagnostic> {
    text.split_once('=').map(|(n, v)| (n.trim(), v.trim())).ok_or_else(|| {
        Diagnostic::without_place(Code::UnexpectedToken, format!("`{option} {text}` has no `=`"))
            .help(format!("for example `{option} {example}`"))
    })
}

/// What a command that emulates begins with.
pub struct Prepared {
    /// The file.
    pub compiled: Compiled,
    /// The values of `--set`.
    pub values: Values,
    /// How to emulate.
    pub options: Options,
}

/// Reads a file, says its warnings, and takes what the command line gives: what fails has been said.
pub fn prepare(file: &Path, given: &Given, swept: &[String], how: &How) -> Result<Prepared, Outcome> {
    prepare_with(file, given, swept, how, &|_| None)
}

/// The same, with texts that stand for files it names.
pub fn prepare_with(
    file: &Path,
    given: &Given,
    swept: &[String],
    how: &How,
    instead: &dyn Fn(&str) -> Option<String>,
) -> Result<Prepared, Outcome> {
    let mut compiled = files::compile_with(file, instead)
        .map_err(|refused| terminal::refuse(&refused.diagnostics, &refused.sources))?;
    terminal::report(&compiled.warnings, &compiled.sources);
    let values = values(&compiled.experiment, given, &mut compiled.sources)?;
    sweeps(&mut compiled.experiment, swept, &mut compiled.sources)?;
    Ok(Prepared { compiled, values, options: options(how)? })
}

/// The values of `--set`, in SI or natural units. A wrong one is a wrong command line.
pub fn values(experiment: &Experiment, given: &Given, sources: &mut Sources) -> Result<Values, Outcome> {
    let mut values = Values::new();
    for text in &given.set {
        let result = (|| {
            let (name, value) = split(text, "--set", "T=0.5")?;
            let file = sources.add(format!("--set {name}"), value);
            let x = ergoseq::setting(experiment, name, value, file).map_err(|d| *d)?;
            Ok::<_, Diagnostic>((name.to_string(), x))
        })();
        match result {
            Ok((name, x)) => {
                values.insert(name, x);
            }
            Err(diagnostic) => {
                terminal::report(&[diagnostic], sources);
                return Err(Outcome::Usage);
            }
        }
    }
    Ok(values)
}

/// Puts the sweeps of the command line in the place of the file's, or behind them.
pub fn sweeps(experiment: &mut Experiment, given: &[String], sources: &mut Sources) -> Result<(), Outcome> {
    for text in given {
        let result = (|| {
            let (name, value) = split(text, "--sweep", "\"T=0.1 .. 2 points 20\"")?;
            let file = sources.add(format!("--sweep {name}"), value);
            let values = parse_sweep_values(value, file)?;
            let scope = experiment.scope();
            let Some(Meaning::Param(dimension)) = scope.names.get(name) else {
                let params: Vec<&str> = experiment.params.iter().map(|p| p.name.as_str()).collect();
                return Err(Diagnostic::without_place(
                    Code::UnknownName,
                    format!("the file declares no parameter `{name}`"),
                )
                .did_you_mean(name, params.iter().copied())
                .help(format!("its parameters are: {}", params.join(", "))));
            };
            ergoseq::check::check_sweep(&scope, &values, *dimension).map_err(|d| *d)?;
            let span = ergoseq::source::Span { file, start: 0, end: value.len() as u32 };
            Ok(Sweep { name: name.to_string(), values, place: Place(Some(span)) })
        })();
        match result {
            Ok(sweep) => {
                let known = experiment.sweeps.iter_mut().flatten().find(|s| s.name == sweep.name);
                match known {
                    Some(known) => *known = sweep,
                    None => experiment.sweeps.push(vec![sweep]),
                }
            }
            Err(diagnostic) => {
                terminal::report(&[diagnostic], sources);
                return Err(Outcome::Usage);
            }
        }
    }
    Ok(())
}

/// Sets the number of threads: at most so many as are of use, however many are asked for.
pub fn threads(wanted: Option<usize>) {
    if let Some(n) = wanted {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // Only the first call can set the number; there is none before this one.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(n.min(MOST_THREADS_A_CORE * cores)).build_global();
    }
}

/// How to emulate.
pub fn options(how: &How) -> Result<Options, Outcome> {
    let wrong = |message: String| {
        terminal::report(&[Diagnostic::without_place(Code::OutOfRange, message)], &Sources::default());
        Outcome::Usage
    };
    let method = METHODS.iter().find(|(w, _, _)| *w == how.method).map_or(Method::Auto, |(_, m, _)| *m);
    if !(how.tolerance > 0.0 && how.tolerance < 1.0) {
        return Err(wrong(format!("--tolerance {} must lie between 0 and 1", how.tolerance)));
    }
    let max_memory = bytes(&how.max_memory).ok_or_else(|| {
        wrong(format!("--max-memory {} is not an amount of memory; write 500MB or 16GB", how.max_memory))
    })?;
    memory::at_most(max_memory);
    let spectrometer = how.spectrometer.clone();
    let processor = PROCESSORS.iter().find(|(w, ..)| *w == how.processor).map_or(Processor::Cpu, |(_, p, _)| *p);
    let typical = how.typical.map(|vectors| Typical { vectors: vectors as usize, seed: how.typical_seed });
    let tolerance = how.tolerance;
    Ok(Options { method, tolerance, max_memory, spectrometer, processor, typical, ..Options::default() })
}

/// Says before the work begins that it takes long.
pub fn announce(experiment: &Experiment, values: &Values, options: &Options, points: u64) {
    const LONG: f64 = 60.0;
    // What is wrong with the program is said by the run itself.
    let Ok(Some(work)) = ergoseq::emulator::work(experiment, values, options) else { return };
    let seconds = work.seconds * points as f64;
    if seconds < LONG {
        return;
    }
    let (amount, unit) = match seconds {
        s if s < 3600.0 => (s / 60.0, "min"),
        s if s < 86400.0 => (s / 3600.0, "h"),
        s => (s / 86400.0, "days"),
    };
    terminal::note(&format!(
        "about {amount:.0} {unit} of one core: density matrices of {} states with relaxation are integrated in small steps; `--max-time 10min` \
         ends the command after this time, and fewer states (the cutoffs of modes), a shorter sequence or a larger `--tolerance` need less",
        work.states
    ));
}

fn bytes(text: &str) -> Option<f64> {
    let text = text.trim();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1048576.0,
        "gib" => 1073741824.0,
        _ => return None,
    };
    (number > 0.0).then_some(number * factor)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn amounts_of_memory() {
        assert_eq!(bytes("16GB"), Some(16e9));
        assert_eq!(bytes("512 MiB"), Some(536870912.0));
        assert_eq!(bytes("lots"), None);
        assert_eq!(bytes("0"), None);
    }
}
