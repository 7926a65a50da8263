//! One result set behind every output: what it holds, that formats agree, and that no order of points or parts changes it.

use ergoseq::diagnostic::Code;
use ergoseq::emulator::{Options, Run, SweepAxis, axes, points, run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use ergoseq::output::dataset::Layout;
use ergoseq::output::{csv, json};
use ergoseq::results::{Content, EnergyUnit, Holds, Over, ResultSet, Schema, Status};
use ergoseq::units::PLANCK;
use serde_json::Value;
use std::sync::Arc;

/// Named scalars, two marks, a trace; `Phi` depends on what is swept, `Omega` does not; a concurrence of one
/// spin with itself has no value.
const PAIR: &str = "ergoseq 1
units natural
title \"A pair\"
param T = 1, Omega = 1
param Phi = Theta/2
param Theta = pi*T
system { spin a, b : 1/2 }
hamiltonian H = Z(a)*Z(b) - X(a)*X(b) - Y(a)*Y(b)
battery { energy = H }
sequence {
    prepare gibbs(H, T)
    evolve Omega * X(a) for Phi record 5 as charging
    mark charged
}
measure {
    ergotropy
    undefined = concurrence(a, a)
    xi_max = max(ergotropy)
}
sweep T = 0.5, 1, 2
";

/// As many samples as the parameter says.
const RAGGED: &str = "ergoseq 1
units natural
param n = 3
system { spin a : 1/2 }
sequence {
    prepare ket \"0\"
    evolve X(a) for 1 record n as turning
}
measure { z = expectation(Z(a)) }
sweep n = 3, 2, 5
";

const LAB: &str = "ergoseq 1
system {
    field 9.4 T
    temperature 300 K
    spin h : 1H
}
battery { energy = zeeman }
sequence {
    prepare thermal
    pulse 1H 90 deg phase x ideal
}
measure { energy, purity, power }
";

struct Swept {
    experiment: Experiment,
    axes: Vec<SweepAxis>,
    runs: Vec<Run>,
}

fn swept(text: &str) -> Swept {
    let compiled = ergoseq::compile("a.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    let experiment = compiled.experiment;
    let axes = axes(&experiment, &Values::new()).unwrap();
    let runs = points(&axes, &Values::new()).map(|p| run(&experiment, &p, &Options::default(), &[]).unwrap()).collect();
    Swept { experiment, axes, runs }
}

impl Swept {
    fn schema(&self) -> Schema {
        Schema::new(&self.experiment, "a.seq", &self.axes, &Values::new(), EnergyUnit::Default)
    }

    fn set(&self) -> ResultSet {
        ResultSet::of(self.schema(), self.runs.clone()).unwrap()
    }
}

/// The bits of every column, with its name.
fn bits(set: &ResultSet) -> Vec<(String, Vec<u64>)> {
    set.columns().map(|v| (v.column.name.clone(), v.all().iter().map(|x| x.to_bits()).collect())).collect()
}

#[test]
fn columns_have_names_units_and_what_they_run_over() {
    let set = swept(PAIR).set();
    let told: Vec<(&str, Holds, Over)> =
        set.schema().columns().iter().map(|c| (c.name.as_str(), c.holds, c.over)).collect();
    let samples = Over::Samples(0);
    assert_eq!(
        told,
        [
            ("T", Holds::Swept, Over::Points),
            ("Omega", Holds::Fixed, Over::Points),
            ("Theta", Holds::Dependent, Over::Points),
            ("Phi", Holds::Dependent, Over::Points),
            ("xi_max", Holds::Measured, Over::Points),
            ("mark_time", Holds::Time, Over::Marks),
            ("ergotropy", Holds::Measured, Over::Marks),
            ("undefined", Holds::Measured, Over::Marks),
            ("charging.start", Holds::Start, Over::Points),
            ("charging.time", Holds::Time, samples),
            ("charging.ergotropy", Holds::Measured, samples),
            ("charging.undefined", Holds::Measured, samples),
        ]
    );
    assert_eq!(set.schema().marks(), ["charged", "end"]);
    assert_eq!(set.column("ergotropy").unwrap().all().len(), 3 * 2);
    assert_eq!(set.column("charging.ergotropy").unwrap().at(2).len(), 5);
    assert!(set.column("nothing").is_none());
}

#[test]
fn a_point_reads_back_what_was_put_in() {
    let swept = swept(PAIR);
    let set = swept.set();
    assert_eq!(set.len(), 3);
    for (point, run) in set.points().zip(&swept.runs) {
        let parameters: Vec<(String, f64)> = point.parameters().map(|(c, x)| (c.key.clone(), x)).collect();
        assert_eq!(parameters, run.params);
        assert_eq!(point.parameter("T"), Some(run.params[0].1));
        let summary: Vec<(String, Option<f64>)> = point.summary().map(|(c, x)| (c.key.clone(), x)).collect();
        assert_eq!(summary, run.summary);
        for (mark, own) in point.marks().zip(&run.marks) {
            let values: Vec<(String, Option<f64>)> = mark.values().map(|(c, x)| (c.key.clone(), x)).collect();
            assert_eq!((mark.name(), mark.time(), &values), (own.name.as_str(), own.time, &own.values));
        }
        let (trace, own) = (point.traces().next().unwrap(), &run.traces[0]);
        assert_eq!((trace.name(), trace.start(), trace.time()), (own.name.as_str(), own.start, own.time.as_slice()));
        for ((column, samples), (key, values)) in trace.columns().zip(&own.values) {
            assert_eq!(column.key, *key);
            assert!(samples.iter().zip(values).all(|(x, v)| v.map_or(x.is_nan(), |v| v == *x)));
        }
        assert_eq!((point.notes(), point.how(), point.status()), (&run.notes[..], Some(&run.how), &Status::Computed));
    }
}

#[test]
fn what_is_not_defined_is_nan_in_columns_null_in_json_and_empty_in_csv() {
    let swept = swept(PAIR);
    let set = swept.set();
    for name in ["undefined", "charging.undefined"] {
        assert!(set.column(name).unwrap().all().iter().all(|x| x.is_nan()), "{name}");
    }
    assert!(set.column("ergotropy").unwrap().all().iter().all(|x| x.is_finite()));
    let told: Value = serde_json::from_str(&json(&set)).unwrap();
    let point = &told["points"][1];
    assert!(point["marks"]["end"]["values"]["undefined"].is_null());
    assert_eq!(point["traces"]["charging"]["values"]["undefined"], serde_json::json!([null, null, null, null, null]));
    let end = set.column("ergotropy").unwrap().at(1)[1];
    assert_eq!(point["marks"]["end"]["values"]["ergotropy"].as_f64(), Some(end));
    let rows = csv(&set);
    let (header, row) = (rows.lines().next().unwrap(), rows.lines().nth(2).unwrap());
    let cell = |name: &str| {
        let place = header.split(',').position(|c| c == name).unwrap();
        row.split(',').nth(place).unwrap()
    };
    assert_eq!((cell("end.undefined"), cell("end.ergotropy").parse::<f64>()), ("", Ok(end)));
}

#[test]
fn energies_are_converted_once_and_nothing_else_is() {
    let swept = swept(LAB);
    let set = |energy| {
        let schema = Schema::new(&swept.experiment, "a.seq", &[], &Values::new(), energy);
        ResultSet::of(schema, swept.runs.clone()).unwrap()
    };
    let (joule, hertz) = (set(EnergyUnit::Default), set(EnergyUnit::Hertz));
    for (name, units, size) in
        [("energy", ("J", "Hz"), PLANCK), ("power", ("W", "Hz/s"), PLANCK), ("purity", ("", ""), 1.0)]
    {
        let (a, b) = (joule.column(name).unwrap(), hertz.column(name).unwrap());
        assert_eq!((a.column.unit.as_str(), b.column.unit.as_str()), units);
        assert!(a.all().iter().zip(b.all()).all(|(a, b)| a / size == *b), "{name}");
    }
    // (gamma hbar B0)^2/(4 k T) of a spin 1/2 at the marks before the pulse; behind it the energy is zero.
    assert_eq!(hertz.schema().energy.name, "Hz");
    assert_eq!(hertz.schema().time.name, "s");
}

/// The header of a file, and with it the place of every value, may not depend on which point was computed first: parts of a sweep on other
/// machines, and a sweep that is resumed, must meet the same layout.
#[test]
fn the_layout_is_the_same_whichever_point_it_is_made_from() {
    let swept = swept(PAIR);
    let layouts = swept.runs.iter().map(|run| Layout::new(&swept.schema().of_run(run), vec![]).dataset);
    let layouts: Vec<_> = layouts.collect();
    assert!(layouts.windows(2).all(|pair| pair[0] == pair[1]));
    let header = &layouts[0].header;
    assert_eq!(header.attribute("parameters"), Some("Omega = 1"));
    for name in ["Phi", "Theta", "xi_max"] {
        assert_eq!(header.variable(name).unwrap().dimensions, [0], "{name}");
    }
    assert!(header.variable("charging.start").is_none());
}

#[test]
fn a_dependent_parameter_that_is_given_is_fixed() {
    let swept = swept(PAIR);
    let given: Values = [("Theta".to_string(), 0.3)].into_iter().collect();
    let schema = Schema::new(&swept.experiment, "a.seq", &swept.axes, &given, EnergyUnit::Default);
    let holds = |name: &str| schema.parameter(name).unwrap().1.holds;
    assert_eq!([holds("T"), holds("Theta"), holds("Phi")], [Holds::Swept, Holds::Fixed, Holds::Fixed]);
}

/// Patches of points in any order give the file, and every number of it is that of its column.
#[test]
fn patches_put_every_value_at_its_place() {
    let swept = swept(PAIR);
    let set = swept.set();
    let layout = Layout::new(set.schema(), vec![]);
    let mut file = vec![0u8; layout.dataset.header.end() as usize];
    for neighbours in [2..3, 0..2] {
        let mut part = ResultSet::new(set.schema().clone());
        swept.runs[neighbours.clone()].iter().for_each(|run| part.push(run.clone()).unwrap());
        for (at, bytes) in layout.values(&part, neighbours.start as u64).unwrap() {
            file[at as usize..at as usize + bytes.len()].copy_from_slice(&bytes);
        }
    }
    let arrays = set.schema().arrays();
    let mut compared = 0;
    for (array, variable) in arrays.arrays.iter().zip(&layout.dataset.header.variables) {
        assert_eq!(array.name, variable.name);
        let Content::Column(column) = array.content else { continue };
        let expected: Vec<u8> = set.values(column).unwrap().all().iter().flat_map(|x| x.to_be_bytes()).collect();
        let from = variable.begin as usize;
        assert_eq!(file[from..from + expected.len()], expected, "{}", array.name);
        compared += 1;
    }
    assert_eq!(compared, 9);
}

#[test]
fn traces_may_differ_in_length_between_points() {
    let swept = swept(RAGGED);
    let set = swept.set();
    let z = set.column("turning.z").unwrap();
    assert_eq!([z.at(0).len(), z.at(1).len(), z.at(2).len()], [3, 2, 5]);
    assert_eq!(z.at(1), [1.0, swept.runs[1].traces[0].values[0].1[1].unwrap()]);
    let told: Value = serde_json::from_str(&json(&set)).unwrap();
    let length = |k: usize| told["points"][k]["traces"]["turning"]["time"].as_array().unwrap().len();
    assert_eq!([length(0), length(1), length(2)], [3, 2, 5]);
    // No array holds them, and a file refuses the points that differ from its first.
    assert_eq!(z.rectangular().unwrap_err(), "`turning.z` has 2 values here and 3 at other points");
    let layout = Layout::new(set.schema(), vec![]);
    let mut part = ResultSet::new(set.schema().clone());
    part.push(swept.runs[0].clone()).unwrap();
    assert!(layout.values(&part, 0).is_ok());
    part.push(swept.runs[1].clone()).unwrap();
    assert_eq!(layout.values(&part, 0).unwrap_err(), "`turning.time` has 2 values here and 3 at other points");
}

#[test]
fn a_point_of_another_experiment_is_refused() {
    let mut set = swept(PAIR).set();
    let other = swept(RAGGED).runs.remove(0);
    assert_eq!(set.push(other).unwrap_err().code, Code::Contradiction);
    assert_eq!(set.append(swept(RAGGED).set()).unwrap_err().code, Code::Contradiction);
    // The same results of other parameters.
    let renamed = swept(&PAIR.replace("Omega", "Delta"));
    assert_eq!(set.push(renamed.runs[0].clone()).unwrap_err().code, Code::Contradiction);
    assert_eq!(set.append(renamed.set()).unwrap_err().code, Code::Contradiction);
    assert_eq!(set.len(), 3);
}

/// Parts with points that failed, cut anywhere and sent as bytes, join to the whole.
#[test]
fn parts_join_to_the_whole() {
    for text in [PAIR, RAGGED] {
        let swept = swept(text);
        let schema = Arc::new(swept.schema());
        let failed: Values = [("T".to_string(), -1.0)].into_iter().collect();
        // Points 0 and 3 fail.
        let part = |from: usize, to: usize| {
            let mut set = ResultSet::new(schema.clone());
            for k in from..to {
                match [None, Some(0), Some(1), None, Some(2)][k] {
                    Some(k) => set.push(swept.runs[k].clone()).unwrap(),
                    None => set.push_failed(&failed, Code::Contradiction, "it is cold".into()),
                }
            }
            set
        };
        let whole = part(0, 5);
        assert!((0..5).all(|k| (*whole.at(k).unwrap().status() == Status::Computed) == [1, 2, 4].contains(&k)));
        let xi = whole.columns().find(|v| v.column.is_measured()).unwrap();
        assert!(xi.at(3).iter().all(|x| x.is_nan()));
        for cuts in [[0, 5], [1, 5], [1, 3], [3, 4], [0, 0], [1, 1]] {
            let mut joined = ResultSet::new(schema.clone());
            for part in [part(0, cuts[0]), part(cuts[0], cuts[1]), part(cuts[1], 5)] {
                let bytes = part.to_bytes().unwrap();
                let read = ResultSet::from_bytes(schema.clone(), &bytes).unwrap();
                assert_eq!(read.to_bytes().unwrap(), bytes);
                assert_eq!(bits(&read), bits(&part));
                joined.append(read).unwrap();
            }
            assert_eq!(joined.schema(), whole.schema(), "{cuts:?}");
            assert_eq!(bits(&joined), bits(&whole), "{cuts:?}");
            for (a, b) in joined.points().zip(whole.points()) {
                assert_eq!((a.status(), a.notes(), a.how()), (b.status(), b.notes(), b.how()));
            }
            assert_eq!(json(&joined), json(&whole));
        }
    }
}

#[test]
fn damaged_bytes_are_refused() {
    let swept = swept(PAIR);
    let schema = Arc::new(swept.schema());
    let good = swept.set().to_bytes().unwrap();
    assert!(ResultSet::from_bytes(schema.clone(), &good).is_ok());
    let mut longer = good.clone();
    longer.extend([0; 8]);
    let mut huge = good.clone();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    for bytes in [&good[..good.len() - 8], &good[..good.len() - 1], &good[..7], &[], &longer, &huge] {
        assert!(ResultSet::from_bytes(schema.clone(), bytes).is_err());
    }
    // The results of another experiment.
    let complete = Arc::new(swept.schema().of_run(&swept.runs[0]));
    assert!(ResultSet::from_bytes(complete, &self::swept(RAGGED).set().to_bytes().unwrap()).is_err());
}

#[test]
fn what_is_forgotten_leaves_the_schema() {
    let swept = swept(PAIR);
    let mut set = swept.set();
    let schema = set.schema().clone();
    set.clear();
    assert!(set.is_empty() && set.columns().all(|v| v.all().is_empty()));
    set.push(swept.runs[1].clone()).unwrap();
    assert_eq!(*set.schema(), schema);
    assert_eq!(set.column("T").unwrap().all(), [1.0]);
}

/// A quotient that is 0/0 at the start of a curve is undefined there, with a note, and has its other values: W/(E - E_0) of a spin that
/// starts in the ground state and turns about x is 1. An infinite quotient stays an error.
#[test]
fn a_quotient_of_zeros_is_undefined_at_its_sample_alone() {
    let file = |measure: &str| {
        format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a : 1/2 }}\nbattery {{ energy = Z(a) }}\n\
             sequence {{\n prepare down(a)\n evolve X(a) for 1 record 3 as charging\n mark charged\n}}\nmeasure {{ {measure} }}\n"
        )
    };
    let run_of = |text: &str| {
        let compiled = ergoseq::compile("a.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{r}"));
        run(&compiled.experiment, &Values::new(), &Options::default(), &[])
    };
    let found = run_of(&file("share = ergotropy / stored_energy")).unwrap();
    let samples = &found.traces[0].values[0].1;
    assert_eq!((samples.len(), samples[0]), (3, None));
    // Both are 2 sin(t)^2, so the quotient has an error of a few roundings of each over their smallest value, 0.46.
    assert!(samples[1..].iter().all(|x| (x.unwrap() - 1.0).abs() < 1e-14), "{samples:?}");
    assert!(found.notes.iter().any(|n| n.contains("`share` is undefined") && n.contains("0/0")), "{:?}", found.notes);
    let wrong = run_of(&file("share = 1 / stored_energy")).unwrap_err();
    assert_eq!(wrong.code, Code::ResultNotFinite);
}

/// Elements of lists are numbers of a result, as parameters are.
#[test]
fn a_result_may_name_an_element_of_a_list() {
    let text = "ergoseq 1\nunits natural\nparam J = [1, 2.5]\nsystem { spin a : 1/2 }\n\
                sequence { prepare down(a) }\nmeasure { J[2], twice = 2*J[2]*purity }\n";
    let compiled = ergoseq::compile("a.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{r}"));
    let found = run(&compiled.experiment, &Values::new(), &Options::default(), &[]).unwrap();
    assert_eq!(found.summary, [("J[2]".to_string(), Some(2.5))]);
    let mark = found.marks.last().unwrap();
    assert_eq!(mark.values.iter().find(|(key, _)| key == "twice").map(|(_, x)| *x), Some(Some(5.0)));
}

/// Angles that are parameters are shown in degrees in tables, and stay in radian in files of numbers.
#[test]
fn tables_show_angles_in_degrees() {
    let file = |sweep: &str| {
        format!(
            "ergoseq 1\nparam flip = 90 deg\nsystem {{ field 9.4 T\n spin a : 1H }}\n\
             sequence {{ prepare mixed\n pulse 1H flip phase x ideal }}\nmeasure {{ purity }}\n{sweep}"
        )
    };
    let set_of = |text: &str| {
        let compiled = ergoseq::compile("a.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{r}"));
        let none = Values::new();
        let axes = axes(&compiled.experiment, &none).unwrap();
        let runs: Vec<Run> = points(&axes, &none)
            .map(|point| run(&compiled.experiment, &point, &Options::default(), &[]).unwrap())
            .collect();
        let schema = Schema::new(&compiled.experiment, "a.seq", &axes, &none, EnergyUnit::Default);
        ResultSet::of(schema, runs).unwrap()
    };
    let single = ergoseq::output::table(&set_of(&file("")));
    assert!(single.contains("flip = 90 deg"), "{single}");
    let set = set_of(&file("sweep flip = 30 deg, 45 deg\n"));
    let swept = ergoseq::output::table(&set);
    assert!(swept.contains("flip [deg]") && swept.lines().any(|l| l.trim_start().starts_with("45 ")), "{swept}");
    let numbers = csv(&set);
    assert!(numbers.lines().any(|l| l.contains("0.785398163")), "{numbers}");
}
