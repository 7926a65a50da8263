//! Every shipped sequence: parsed, printed, formatted, checked, written as YAML and read back, run, compared with a golden. A new
//! file fails until its golden is accepted with `ERGOSEQ_BLESS=1`.

use ergoseq::emulator::{Options, Run, axes, points, unit_of};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::{Experiment, quantity_of};
use ergoseq::units::UnitSystem;
use rayon::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Small pieces of memory are as fast as in the command.
#[cfg(feature = "cli")]
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn files() -> Vec<PathBuf> {
    files_of(&["sequences", "sequences/papers", "sequences/lab", "examples"])
}

fn files_of(folders: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in folders {
        let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
        files.extend(entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "seq")));
    }
    files.sort();
    assert!(!files.is_empty());
    files
}

fn name(path: &Path) -> String {
    let file = path.file_name().unwrap().to_str().unwrap();
    let folder = path.parent().and_then(Path::file_name).and_then(|f| f.to_str()).unwrap_or_default();
    // Files of one name in two folders have two goldens.
    if folder == "papers" || folder == "lab" { format!("{folder}-{file}") } else { file.to_string() }
}

fn compile(path: &Path) -> Experiment {
    let text = std::fs::read_to_string(path).unwrap();
    let compiled =
        ergoseq::compile(&name(path), &text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    assert!(compiled.warnings.is_empty(), "{}: {:?}", path.display(), compiled.warnings);
    compiled.experiment
}

/// The first and the last point of the sweeps.
fn runs(experiment: &Experiment) -> Vec<Result<Run, String>> {
    let axes = axes(experiment, &Values::new()).unwrap();
    let all: Vec<Values> = points(&axes, &Values::new()).collect();
    let mut chosen = vec![all[0].clone()];
    if all.len() > 1 {
        chosen.push(all[all.len() - 1].clone());
    }
    chosen
        .iter()
        .map(|p| ergoseq::run(experiment, p, &Options::default()).map_err(|d| d.code.number().to_string()))
        .collect()
}

/// Results as lines of text: key and value with nine digits.
fn lines(runs: &[Result<Run, String>]) -> Vec<(String, Option<f64>)> {
    let mut lines = Vec::new();
    for (k, run) in runs.iter().enumerate() {
        match run {
            Err(code) => lines.push((format!("{k} refused {code}"), None)),
            Ok(run) => {
                lines.extend(run.summary.iter().map(|(key, v)| (format!("{k} {key}"), *v)));
                for mark in &run.marks {
                    lines.extend(mark.values.iter().map(|(key, v)| (format!("{k} {}.{key}", mark.name), *v)));
                }
                for trace in &run.traces {
                    for (key, column) in &trace.values {
                        let middle = column.len() / 3;
                        lines.push((format!("{k} {}.{key}[{middle}]", trace.name), column[middle]));
                    }
                }
            }
        }
    }
    lines
}

/// What rounding may add to a value that is zero in theory: 1e-11 of the largest value of the same metric, and 1e-12 where the
/// metric is of order 1. Energies of lab files are of order 1e-34 J, so only the former holds for them.
///
/// In laboratory units the position of a smooth maximum is known to the square root of the rounding of the curve, which for a polarisation
/// of 4e-5 beside the maximally mixed state is 2.5e-12: 3e-6 of the position.
fn rounding(experiment: &Experiment, line: &str, value: Option<f64>, found: &[(String, Option<f64>)]) -> f64 {
    let of = |line: &str, key: &str| line.split('[').next().is_some_and(|l| l.ends_with(key)) || line.ends_with(key);
    let Some(measure) = experiment.measures.iter().filter(|m| of(line, &m.key)).max_by_key(|m| m.key.len()) else {
        return 1e-12;
    };
    let text = measure.value.to_string();
    let is_position =
        experiment.units == UnitSystem::Lab && ["argmax(", "argmin("].iter().any(|name| text.contains(name));
    let position = if is_position { 3e-6 * value.unwrap_or_default().abs() } else { 0.0 };
    let largest =
        found.iter().filter(|(l, _)| of(l, &measure.key)).filter_map(|(_, v)| *v).fold(0.0f64, |m, v| m.max(v.abs()));
    let unit = quantity_of(&measure.value).map_or("", |q| unit_of(q, experiment.units));
    position + 1e-11 * largest + if matches!(unit, "J" | "W") { 0.0 } else { 1e-12 }
}

/// How the results of a sequence differ from its golden; accepts them instead where that is asked for.
fn differences(path: &Path, folder: &Path, bless: bool) -> Vec<String> {
    let golden = folder.join(name(path)).with_extension("txt");
    let experiment = compile(path);
    let found = lines(&runs(&experiment));
    if bless {
        let line =
            |(k, v): &(String, Option<f64>)| format!("{k} = {}\n", v.map_or("none".into(), |v| format!("{v:.9e}")));
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(&golden, found.iter().map(line).collect::<String>()).unwrap();
        return vec![];
    }
    let text = std::fs::read_to_string(&golden).unwrap_or_default();
    let expected: Vec<(&str, &str)> = text.lines().filter_map(|l| l.rsplit_once(" = ")).collect();
    if expected.len() != found.len() {
        return vec![format!("{}: {} lines, {} expected", golden.display(), found.len(), expected.len())];
    }
    let mut differing = Vec::new();
    for ((key, value), (known, number)) in found.iter().zip(expected) {
        let noise = rounding(&experiment, key, *value, &found);
        let same = match (value, number.parse::<f64>()) {
            (Some(v), Ok(e)) => (v - e).abs() <= 2e-8 * e.abs() + noise,
            (None, Err(_)) => true,
            _ => false,
        };
        if key != known || !same {
            differing.push(format!("{}: {key} = {value:?}, expected {known} = {number}", name(path)));
        }
    }
    differing
}

#[test]
fn results_are_as_they_were() {
    let bless = std::env::var_os("ERGOSEQ_BLESS").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let differing: Vec<String> = files().par_iter().flat_map(|path| differences(path, &folder, bless)).collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn files_are_tidy_and_read_back() {
    // Those of the library declare things and run nothing.
    for path in files().into_iter().chain(files_of(&["sequences/library", "sequences/lab/large"])) {
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(ergoseq::syntax::format(&text), text, "{}", path.display());
        let (program, diagnostics) = ergoseq::syntax::parse(&text, 0);
        assert!(diagnostics.is_empty());
        let (again, diagnostics) = ergoseq::syntax::parse(&program.to_string(), 0);
        assert!(diagnostics.is_empty() && again == program, "{}", path.display());
    }
}

#[test]
fn an_experiment_in_yaml_is_the_same_experiment() {
    for path in files() {
        let experiment = compile(&path);
        let yaml = ergoseq::to_yaml(&experiment).unwrap();
        let again = ergoseq::from_yaml(&yaml).unwrap_or_else(|e| panic!("{}: {e}\n{yaml}", path.display()));
        assert_eq!(again, experiment, "{}", path.display());
    }
}

/// Where the mappings of a value are: JSON pointers.
fn mappings(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            found.push(at.to_string());
            entries.iter().for_each(|(key, value)| mappings(value, &format!("{at}/{key}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(k, value)| mappings(value, &format!("{at}/{k}"), found));
        }
        _ => {}
    }
}

/// A key that no mapping of an experiment in YAML has is refused wherever it stands, instead of ignored.
#[test]
fn an_unknown_key_in_yaml_is_refused() {
    let checked = |path: &PathBuf| {
        let yaml = ergoseq::to_yaml(&compile(path)).unwrap();
        let whole: Value = serde_yaml::from_str(&yaml).unwrap();
        let mut places = Vec::new();
        mappings(&whole, "", &mut places);
        // One place for each sequence of keys: the same list may have thousands of items.
        let keys = |place: &String| place.split('/').filter(|key| key.parse::<usize>().is_err()).collect::<String>();
        let mut met = BTreeSet::new();
        places.retain(|place| met.insert(keys(place)));
        for place in &places {
            let mut with = whole.clone();
            with.pointer_mut(place).unwrap()["misspelled"] = Value::from(1);
            let read = ergoseq::from_yaml(&with.to_string());
            assert!(read.is_err(), "{}: a key at `{place}` is ignored", path.display());
        }
        assert_eq!(ergoseq::from_yaml(&whole.to_string()).unwrap(), compile(path), "{}", path.display());
        places.len()
    };
    assert!(files().par_iter().map(checked).sum::<usize>() > 1000);
}

#[test]
fn expectations_hold() {
    let held = |path: &PathBuf| {
        let experiment = compile(path);
        let verdicts = ergoseq::verdict::verdicts(&experiment, &Values::new(), &Options::default()).unwrap();
        for v in &verdicts {
            assert!(v.holds(), "{}: {v:?}", path.display());
        }
        verdicts.len()
    };
    assert!(files().par_iter().map(held).sum::<usize>() >= 8);
}
