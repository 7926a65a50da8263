//! Numbers of other programs and of closed forms, met by runs of the shipped sequences. See `tests/reference/README.md`.

use ergoseq::emulator::{Options, axes, points, run};
use ergoseq::hamiltonian::{Evaluator, Values};
use ergoseq::ir::{Experiment, Sweep};
use ergoseq::output::json;
use ergoseq::results::{EnergyUnit, ResultSet, Schema};
use ergoseq::source::Place;
use rayon::prelude::*;
use serde_json::Value;
use std::path::Path;

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn number(experiment: &Experiment, text: &str) -> f64 {
    let expr = ergoseq::syntax::parse_expression(text, 0).expect("a value is an expression");
    let bare = Experiment { units: experiment.units, ..Experiment::default() };
    Evaluator::new(&bare, &Values::new()).and_then(|e| e.number(&expr)).expect("a value is a number")
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn results_of(case: &Value) -> Value {
    let file = case["file"].as_str().expect("a case names its file");
    let path = folder("sequences").join(file);
    let text = std::fs::read_to_string(&path).expect("the file is there");
    let compiled = ergoseq::compile(file, &text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    let mut experiment = compiled.experiment;
    let mut given = Values::new();
    for (name, value) in case["set"].as_object().into_iter().flatten() {
        given.insert(name.clone(), number(&experiment, &text_of(value)));
    }
    for (name, value) in case["sweep"].as_object().into_iter().flatten() {
        let values = ergoseq::syntax::parse_sweep_values(&text_of(value), 0).expect("a sweep has values");
        let sweep = Sweep { name: name.clone(), values, place: Place::default() };
        match experiment.sweeps.iter_mut().flatten().find(|s| s.name == *name) {
            Some(known) => *known = sweep,
            None => experiment.sweeps.push(vec![sweep]),
        }
    }
    let axes = axes(&experiment, &given).expect("the sweep is right");
    let runs: Vec<_> = points(&axes, &given)
        .map(|p| {
            run(&experiment, &p, &Options::default(), &[]).unwrap_or_else(|d| panic!("{}: {}", case["id"], d.message))
        })
        .collect();
    let schema = Schema::new(&experiment, file, &[], &given, EnergyUnit::Default);
    let results = ResultSet::of(schema, runs).expect("all points have the same results");
    serde_json::from_str(&json(&results)).expect("the results are JSON")
}

fn look_up<'a>(point: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(point, |node, key| &node[key])
}

fn differences(case: &Value) -> Vec<String> {
    let results = results_of(case);
    let points = results["points"].as_array().expect("there are points");
    let mut found = Vec::new();
    for expect in case["expect"].as_array().expect("a case expects something") {
        let path = expect["path"].as_str().expect("a path");
        let mut got: Vec<&Value> = match path.strip_prefix("*.") {
            Some(path) => points.iter().map(|p| look_up(p, path)).collect(),
            None => match look_up(&points[0], path) {
                Value::Array(list) => list.iter().collect(),
                one => vec![one],
            },
        };
        if let Some(index) = expect["index"].as_array() {
            got = index.iter().map(|i| got[i.as_u64().expect("an index") as usize]).collect();
        }
        let want: Vec<f64> = match &expect["value"] {
            Value::Array(list) => list.iter().map(|v| v.as_f64().expect("a number")).collect(),
            one => vec![one.as_f64().expect("a number")],
        };
        if got.len() != want.len() {
            found.push(format!("{path}: {} values, {} expected", got.len(), want.len()));
            continue;
        }
        for (k, (g, w)) in got.iter().zip(&want).enumerate() {
            let tolerance = expect["abs"].as_f64().unwrap_or(0.0) + expect["rel"].as_f64().unwrap_or(0.0) * w.abs();
            let near = g.as_f64().is_some_and(|g| (g - w).abs() <= tolerance);
            if !near {
                found.push(format!("{path}[{k}]: {g}, expected {w} within {tolerance:e}"));
                break;
            }
        }
    }
    found
}

fn check_where(file: &str, wanted: impl Fn(&Value) -> bool + Sync) {
    let text = std::fs::read_to_string(folder("tests/reference").join(file)).expect("the numbers are there");
    let cases: Value = serde_json::from_str(&text).expect("the numbers are JSON");
    let cases = cases["cases"].as_array().expect("there are cases");
    let failures: Vec<Vec<String>> = cases
        .par_iter()
        .filter(|c| wanted(c))
        .map(|case| differences(case).into_iter().map(|d| format!("{}: {d}", case["id"])).collect())
        .collect();
    let met = failures.iter().filter(|of_case| of_case.is_empty()).count();
    let failures = failures.concat();
    assert!(failures.is_empty() && met > 0, "{file}: {met} met\n{}", failures.join("\n"));
}

fn check(file: &str) {
    check_where(file, |_| true);
}

#[test]
fn charging_of_the_dipolar_pair() {
    check("dipolar_charging.json");
}

#[test]
fn dephasing_of_the_dipolar_pair() {
    check("dipolar_dephasing.json");
}

#[test]
fn maps_of_the_dipolar_pair() {
    check("dipolar_maps.json");
}

#[test]
fn correlations_in_equilibrium() {
    check("gibbs_correlations.json");
}

#[test]
fn heisenberg_chains() {
    check("heisenberg_chain.json");
}

#[test]
fn dipolar_order_by_pulses_and_ramps() {
    check("nmr_dipolar_order.json");
}

#[test]
fn cavity_chargers() {
    check("tavis_cummings.json");
}

fn is_ergotropy(case: &Value) -> bool {
    case["id"].as_str().is_some_and(|id| id.starts_with("ergotropy"))
}

/// All but the largest, which take half a minute each: those measure the ergotropy of a hundred cells at 2001 moments.
#[test]
fn spin_chargers() {
    let number = |c: &Value, key: &str| c["set"][key].as_f64().unwrap_or(10.0);
    let large =
        |c: &Value| number(c, "M") * number(c, "N") > 1000.0 && number(c, "gamma") != 0.0 || number(c, "M") > 500.0;
    check_where("spin_charger.json", |c| !large(c) && !is_ergotropy(c));
}

/// The ergotropy of collectives, over all unitaries on the 2^M states of their spins. The numbers of the file are those at
/// t = 0, 0.5, ... 15, while its indices count samples of 0.0075 and so lie up to 0.0025 beside: the samples are taken at the
/// times of the numbers here.
#[test]
fn ergotropy_of_collectives() {
    let text = std::fs::read_to_string(folder("tests/reference/spin_charger.json")).expect("the numbers are there");
    let cases: Value = serde_json::from_str(&text).expect("the numbers are JSON");
    let sequence = std::fs::read_to_string(folder("sequences/spin_charger.seq")).expect("the file is there");
    let sequence = sequence.replace("record 2001", "record 31");
    let mut met = 0;
    for case in cases["cases"].as_array().expect("there are cases").iter().filter(|c| is_ergotropy(c)) {
        let compiled = ergoseq::compile("spin_charger.seq", &sequence, &mut ergoseq::no_files).expect("it compiles");
        let given: Values = case["set"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(k, v)| (k.clone(), v.as_f64().expect("a number")))
            .collect();
        let run = run(&compiled.experiment, &given, &Options::default(), &[]).expect("it runs");
        for expect in case["expect"].as_array().expect("a case expects something") {
            let key = expect["path"].as_str().and_then(|p| p.rsplit('.').next()).expect("a path");
            let column = &run.traces[0].values.iter().find(|(k, _)| k == key).expect("it is measured").1;
            let want = expect["value"].as_array().expect("a list");
            assert_eq!(column.len(), want.len());
            for (k, (g, w)) in column.iter().zip(want).enumerate() {
                let (g, w) = (g.expect("it is defined"), w.as_f64().expect("a number"));
                assert!(
                    (g - w).abs() < 2e-8,
                    "{} {key} at t = {}: {g}, expected {w}",
                    case["id"],
                    run.traces[0].time[k]
                );
                met += 1;
            }
        }
    }
    assert_eq!(met, 124);
}
