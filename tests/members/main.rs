//! Ensemble members and what they do: their means, loops, the speed limits of statements, and refusals.

mod loops;
mod means;
mod refusals;
mod speed_limits;

use ergoseq::emulator::{Options, Run, run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use std::path::Path;

/// States of all marks are kept.
fn options() -> Options {
    Options { states: 64, ..Options::default() }
}

fn compiled(text: &str) -> Experiment {
    ergoseq::compile("test.seq", text, &mut ergoseq::no_files)
        .unwrap_or_else(|r| panic!("{}\n{text}", r.render()))
        .experiment
}

fn run_at(experiment: &Experiment, settings: &[(&str, f64)]) -> Run {
    let values: Values = settings.iter().map(|(name, x)| (name.to_string(), *x)).collect();
    run(experiment, &values, &options(), &[]).unwrap_or_else(|d| panic!("{}: {}", d.code.number(), d.message))
}

fn refusal(text: &str) -> (String, String) {
    match ergoseq::compile("test.seq", text, &mut ergoseq::no_files) {
        Err(refused) => {
            let first = refused.diagnostics.iter().find(|d| d.is_error()).unwrap();
            (first.code.number().to_string(), first.message.clone())
        }
        Ok(compiled) => match run(&compiled.experiment, &Values::new(), &options(), &[]) {
            Err(d) => (d.code.number().to_string(), d.message.clone()),
            Ok(_) => panic!("it ran:\n{text}"),
        },
    }
}

fn value(run: &Run, mark: &str, key: &str) -> Option<f64> {
    let mark = run.marks.iter().find(|m| m.name == mark).unwrap_or_else(|| panic!("no mark {mark}"));
    mark.values.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("no value {key}")).1
}

/// Two values that are the same but for rounding and the tolerance of the adaptive methods (1e-7 on the state): the difference is taken
/// beside the larger of the two and of what is told by `scale`.
fn same(a: Option<f64>, b: Option<f64>, tolerance: f64, scale: f64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(scale),
        (a, b) => a == b,
    }
}

/// The largest difference between the deviations of two states from the maximally mixed state, beside the size of these.
fn apart(a: &ergoseq::linalg::Matrix, b: &ergoseq::linalg::Matrix) -> f64 {
    let n = a.nrows() as f64;
    let mut size = 0.0f64;
    for i in 0..a.nrows() {
        for j in 0..a.ncols() {
            let even = if i == j { 1.0 / n } else { 0.0 };
            size = size.max((a[(i, j)] - even).norm());
        }
    }
    (a - b).iter().map(|x| x.norm()).fold(0.0, f64::max) / size
}

// At 20 mK the polarisations are some tenths, so that entropies and angles keep their digits.
const PAIR: &str = "ergoseq 1
param d = 10 us, n = 4
system {
    field 11.7 T
    temperature 20 mK
    spin h : 1H
    spin c : 13C
    j h c = 12 kHz
    shift h = 7 ppm
}
channel 1H { rf = 25 kHz, leading_transient = 0.1 us, trailing_transient = 0.2 us }
channel 13C { rf = 25 kHz }
battery { energy = 50 kHz * Ix(h) + 30 kHz * Iz(c) + 20 kHz * Iz(h)*Iz(c) }
";

const ROTOR: &str = "ergoseq 1
param d = 10 us, n = 4
system {
    field 11.7 T
    temperature 20 mK
    spin h, c : 1H
    dipolar h c = -30 kHz along (0, 0, 1)
    shift h = 7 ppm
    orientation (0 deg, 40 deg, 0 deg)
    spinning 10 kHz
}
channel 1H { rf = 25 kHz }
battery { energy = 50 kHz * Ix(h) + 30 kHz * Iz(c) + 20 kHz * Iz(h)*Iz(c) }
";

/// The inputs of faults that were found, with their right values.
#[test]
fn cases_have_the_values_that_they_expect() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/engine");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let experiment = compiled(&text);
        let verdicts = ergoseq::verdict::verdicts(&experiment, &Values::new(), &Options::default()).unwrap();
        assert!(!verdicts.is_empty(), "{} expects nothing", path.display());
        for verdict in verdicts {
            assert!(verdict.holds(), "{}: {verdict:?}", path.display());
            found += 1;
        }
    }
    assert!(found > 10, "{found}");
}
