//! Observations of a sequence: at statements and along them, metrics have the values that marks and records of the file give.

use crate::generator;

use ergoseq::emulator::{Moments, Observation, Observations, Options, Position, Run, observe, run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::{EventKind, Experiment};
use generator::generate;

fn experiment(text: &str) -> Experiment {
    match ergoseq::compile("observed.seq", text, &mut ergoseq::no_files) {
        Ok(compiled) => compiled.experiment,
        Err(refused) => panic!("{}", refused.render()),
    }
}

/// An observation of everything that the file measures at moments.
fn of_measured(experiment: &Experiment, moments: Moments) -> Observation {
    let metrics = experiment.measures.iter().filter(|m| !m.summary).map(|m| m.value.clone()).collect();
    Observation { metrics, moments, ..Observation::default() }
}

fn observed(experiment: &Experiment, moments: Moments) -> Observations {
    observe(experiment, &Values::new(), &Options::default(), &of_measured(experiment, moments)).unwrap()
}

fn ran(experiment: &Experiment) -> Run {
    run(experiment, &Values::new(), &Options::default(), &[]).unwrap()
}

/// Both sides take the same steps, or steps of one tolerance; rounding and 1e-7 of that tolerance are what is left.
fn same(a: Option<f64>, b: Option<f64>, scale: f64, what: &str) {
    match (a, b) {
        (Some(a), Some(b)) => assert!((a - b).abs() <= 1e-6 * scale, "{what}: {a} and {b}"),
        (None, None) => {}
        _ => panic!("{what}: {a:?} and {b:?}"),
    }
}

/// The largest value of a metric in a run, beside which differences are judged; that of all expectation values for one of them, which may
/// be zero but for rounding.
fn scale(run: &Run, column: usize) -> f64 {
    let kind = |key: &str| if key.starts_with("of_") { "of_".to_string() } else { key.to_string() };
    let own = kind(&run.marks[0].values[column].0);
    let all = run.marks.iter().flat_map(|m| &m.values).filter(|(key, _)| kind(key) == own);
    all.filter_map(|(_, x)| *x).fold(1e-300, |s, x| s.max(x.abs()))
}

/// The value after a statement is that of a mark behind it, in random programs.
#[test]
fn statements_have_the_values_of_marks() {
    for seed in 300..312 {
        let text = generate(seed, 1.0).text();
        let experiment = experiment(&text);
        let marks = ran(&experiment);
        for moments in [Moments::Marks, Moments::Statements, Moments::Along(5)] {
            let found = observed(&experiment, moments);
            let mut before = None;
            let mut compared = 0;
            for (number, event) in experiment.sequence.iter().enumerate() {
                let EventKind::Mark { name } = &event.kind else {
                    before = Some(number);
                    continue;
                };
                let position = match moments {
                    Moments::Marks => Position::Mark(name.clone()),
                    _ => Position::Statement(before.unwrap()),
                };
                let own = found.observed.iter().find(|o| o.position == position).unwrap();
                let mark = marks.marks.iter().find(|m| m.name == *name).unwrap();
                for (k, (key, value)) in mark.values.iter().enumerate() {
                    same(own.value(k), *value, scale(&marks, k), &format!("seed {seed}, {moments:?}, {key} at {name}"));
                    compared += 1;
                }
            }
            assert!(compared > 0, "seed {seed}: no mark was compared");
        }
    }
}

const DECAY: &str = "ergoseq 1
system { field 9.4 T
    temperature 300 K
    spin a : 1H
    spin b : 13C
    j a b = 140 Hz
    relax a { T1 = 1 s
        T2 = 0.2 s } }
param L = 2 ms
channel 1H { rf = 25 kHz }
channel 13C { rf = 20 kHz }
battery { energy = 1 Hz*Z(a)*Z(b) }
ENSEMBLE
sequence {
    prepare thermal
    pulse 1H 90 deg phase y
    delay L record 5 as free
    acquire 1H points 16 dwell 1 ms
    mark behind
    pulse 13C 90 deg phase x
    loop 3 { delay 1 ms
        pulse 1H 90 deg phase x }
    delay 1 ms
}
measure { energy
    x = expectation(Ix(a)) }";

/// Samples along a statement are those of `record`, and an acquisition of which no signal is kept leaves the state that it leaves.
#[test]
fn samples_along_statements_are_those_of_records() {
    let experiment = experiment(&DECAY.replace("ENSEMBLE", ""));
    let run = ran(&experiment);
    let found = observed(&experiment, Moments::Along(5));
    let behind = |number: usize| found.observed.iter().find(|o| o.position == Position::Statement(number)).unwrap();
    let record = &run.traces[0];
    let own = behind(2);
    assert_eq!(own.time.len(), 5);
    for (k, (key, values)) in record.values.iter().enumerate() {
        for (j, value) in values.iter().enumerate() {
            assert!((own.time[j] - record.start - record.time[j]).abs() < 1e-12);
            same(own.values[k][j], *value, scale(&run, k), key);
        }
    }
    let mark = run.marks.iter().find(|m| m.name == "behind").unwrap();
    assert_eq!(behind(3).time.len(), 1, "an acquisition is observed at its end");
    assert!((behind(3).time[0] - mark.time).abs() < 1e-12);
    for (k, (key, value)) in mark.values.iter().enumerate() {
        same(behind(3).value(k), *value, scale(&run, k), key);
    }
    assert_eq!(behind(6).time.len(), 1, "a loop is observed at its end");
    assert!(behind(5).time.len() >= 5, "a finite pulse is sampled");
    assert!(found.signals.is_empty());
}

/// Members that take different times for a statement have no common way through it, and are observed at its end.
#[test]
fn statements_of_different_durations_are_observed_at_their_ends() {
    let spread = "ensemble { param L : uniform(from = 1 ms, to = 3 ms) points 3 }";
    let text = DECAY.replace("ENSEMBLE", spread).replace(" record 5 as free", "");
    let experiment = experiment(&text);
    let found = observed(&experiment, Moments::Along(5));
    let lengths: Vec<usize> = found.observed.iter().map(|o| o.time.len()).collect();
    // After `prepare`, then the pulse, the delay of three durations, the acquisition, the pulse, the loop, the delay, the end.
    assert!(lengths[1] >= 5 && lengths[2] == 1 && lengths[3] == 1, "{lengths:?}");
    let run = ran(&experiment);
    let mark = run.marks.iter().find(|m| m.name == "behind").unwrap();
    for (k, (key, value)) in mark.values.iter().enumerate() {
        let own = found.observed.iter().find(|o| o.position == Position::Statement(3)).unwrap();
        same(own.value(k), *value, scale(&run, k), key);
    }
}

/// Points of an ensemble that replace those of the file give what the file gives with these points.
#[test]
fn replaced_points_are_those_of_a_file() {
    let spread = |points: usize| {
        let own = format!("ensemble {{ rf(1H) : gaussian(mean = 1, sd = 0.1) points {points} }}");
        experiment(&DECAY.replace("ENSEMBLE", &own))
    };
    let observation = Observation { points: vec![(0, 3)], ..of_measured(&spread(9), Moments::Marks) };
    let found = observe(&spread(9), &Values::new(), &Options::default(), &observation).unwrap();
    let three = observed(&spread(3), Moments::Marks);
    assert_eq!(found.observed, three.observed);
    assert_eq!((found.how.members, three.how.members), (3, 3));
    assert_ne!(found.observed, observed(&spread(9), Moments::Marks).observed);
}
