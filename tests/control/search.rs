//! Optima that are known in closed form, fits to data whose truth is known, and what cannot be looked for.

use ergoseq::emulator::Options;
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use ergoseq::noise::Noise;
use ergoseq::search::{Climb, Data, Derivatives, Fit, Goal, Range, fit, optimise};
use ergoseq::syntax::parse_expression;
use std::process::Command;

fn compiled(text: &str) -> Experiment {
    ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render())).experiment
}

fn range(name: &str, low: f64, high: f64) -> Range {
    Range { name: name.into(), low, high }
}

fn goal(result: &str, at: &str, maximise: bool) -> Goal {
    Goal { expr: parse_expression(result, 0).unwrap(), at: Some(at.into()), maximise }
}

const JEENER: &str = "ergoseq 1
param tau = 1 us, theta = 10 deg
system {
    field 11.7 T
    temperature 30000 K
    spin p, q : 1H
    dipolar p q = -30.4540 kHz
}
sequence {
    prepare thermal
    pulse 1H 90 deg phase x ideal
    delay tau
    pulse 1H theta phase y ideal
    mark prepared
}
measure { order(dipolar) }
";

#[test]
fn the_optimum_of_jeener_and_broekaert_is_found() {
    let experiment = compiled(JEENER);
    let ranges = [range("tau", 0.1e-6, 12e-6), range("theta", 0.0, std::f64::consts::PI)];
    let best = |maximise| {
        let goal = goal("order(dipolar)", "prepared", maximise);
        optimise(&experiment, &Values::new(), &Options::default(), &ranges, &goal, None, Climb::Cobyla).unwrap()
    };
    // -(sqrt(3)/2) sin(2 theta) sin(3 pi |d| tau): two angles, of opposite sign.
    let (lowest, highest) = (best(false), best(true));
    let half_root = 0.75f64.sqrt();
    // The two-spin order of the thermal state adds a third of the polarisation.
    assert!((lowest.best + half_root).abs() < 1e-6 && (highest.best - half_root).abs() < 1e-6);
    for (found, angle) in [(&lowest, 45f64), (&highest, 135.0)] {
        // A maximum is flat: to nine digits of its height it is broad by some 1e-5 of itself.
        assert!((found.values[0] * 6.0 * 30454.0 - 1.0).abs() < 1e-4, "{:?}", found.values);
        assert!((found.values[1].to_degrees() - angle).abs() < 0.01, "{:?}", found.values);
        assert!(found.bound.iter().all(|b| !b));
    }
    // The same question has the same answer, on one thread too.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(pool.install(|| best(false)), lowest);
    // L-BFGS finds the same with its gradient.
    let goal_high = goal("order(dipolar)", "prepared", true);
    let climbed =
        optimise(&experiment, &Values::new(), &Options::default(), &ranges, &goal_high, None, Climb::Lbfgs).unwrap();
    assert!((climbed.best - highest.best).abs() < 1e-9, "{climbed:?} {highest:?}");
    // With derivatives, in fewer runs; the first round has none.
    let exact =
        optimise(&experiment, &Values::new(), &Options::default(), &ranges, &goal_high, None, Climb::Auto).unwrap();
    assert!(exact.derivatives == Derivatives::Propagated && exact.gradients > 0, "{exact:?}");
    assert!((exact.best - highest.best).abs() < 1e-9, "{exact:?} {highest:?}");
    println!("{} runs with derivatives, {} without", exact.runs, highest.runs);
    assert!(exact.runs < highest.runs, "{} {}", exact.runs, highest.runs);
    // Where the best lies on a bound it is said.
    let short = [range("tau", 0.1e-6, 3e-6), range("theta", 0.0, std::f64::consts::PI)];
    let goal = goal("order(dipolar)", "prepared", false);
    let found = optimise(&experiment, &Values::new(), &Options::default(), &short, &goal, None, Climb::Cobyla).unwrap();
    assert!(found.bound[0] && !found.bound[1] && (found.values[0] - 3e-6).abs() < 1e-11, "{found:?}");
}

#[test]
fn an_optimum_holds_for_all_members_of_the_ensemble() {
    // Rf too strong by 10 % on average, and uneven: the mean of cos(x flip) is cos(1.1 flip) sinc(0.1 flip), smallest before 180/1.1 deg.
    let experiment = compiled(
        "ergoseq 1
param flip = 90 deg
system {
    field 11.7 T
    temperature 300 K
    spin h : 1H
}
ensemble { rf 1H : uniform(from = 1, to = 1.2) points 9 }
sequence {
    prepare thermal
    pulse 1H flip phase x ideal
    mark inverted
}
measure { order(Iz(h)) }
",
    );
    let goal = goal("order(Iz(h))", "inverted", false);
    let found = optimise(
        &experiment,
        &Values::new(),
        &Options::default(),
        &[range("flip", 0.0, 4.5)],
        &goal,
        None,
        Climb::Cobyla,
    )
    .unwrap();
    let exact = |flip: f64| (1.1 * flip).cos() * (0.1 * flip).sin() / (0.1 * flip);
    let best = (0..=100_000).map(|k| 2.5 + 5e-6 * f64::from(k)).min_by(|a, b| exact(*a).total_cmp(&exact(*b))).unwrap();
    assert!(best < 180f64.to_radians() / 1.1 && (found.values[0] - best).abs() < 2e-4, "{found:?} {best}");
    assert!((found.best - exact(best)).abs() < 1e-9);
}

const RECOVERY: &str = "ergoseq 1
param T1 = 1 s, flip = 180 deg, wait = 1 s, size = 1
system {
    field 11.7 T
    temperature 300 K
    spin h : 1H
    relax h { T1 = T1, T2 = T1 }
}
sequence {
    prepare thermal
    pulse 1H flip phase x ideal
    delay wait
    mark read
}
measure { order(Iz(h)) }
";

fn recovery(noise: Option<u64>, weighted: bool) -> Data {
    const ERROR: f64 = 0.01;
    let exact = |t: f64| 3.0 * (1.0 - (1.0 - 170f64.to_radians().cos()) * (-t / 2.0).exp());
    let mut noise = noise.map(|seed| Noise::new(seed, 0));
    let points = (0..24).map(|k| {
        let t = 0.02 + 0.4 * f64::from(k);
        let y = exact(t) + noise.as_mut().map_or(0.0, |n| ERROR * n.normal());
        (t, y, weighted.then_some(ERROR))
    });
    Data {
        parameter: "wait".into(),
        expr: parse_expression("size*order(Iz(h))", 0).unwrap(),
        at: Some("read".into()),
        points: points.collect(),
    }
}

fn fitted(data: Data) -> Fit {
    let ranges = [range("T1", 0.1, 20.0), range("flip", 2.0, 3.1), range("size", 0.1, 10.0)];
    fit(&compiled(RECOVERY), &Values::new(), &Options::default(), &ranges, &[data]).unwrap()
}

const TRUTH: [f64; 3] = [2.0, 170.0 * std::f64::consts::PI / 180.0, 3.0];

#[test]
fn exact_data_give_their_parameters_back() {
    let found = fitted(recovery(None, true));
    for ((value, _), truth) in found.values.iter().zip(TRUTH) {
        assert!((value / truth - 1.0).abs() < 1e-6, "{value} {truth}");
    }
    assert!(found.chi_square < 1e-6 && found.freedom == 21 && found.derivatives == Derivatives::Propagated);
}

#[test]
fn errors_of_fits_are_as_large_as_their_scatter() {
    const RUNS: u64 = 60;
    let all: Vec<Fit> = (0..RUNS).map(|seed| fitted(recovery(Some(seed), true))).collect();
    for (k, truth) in TRUTH.into_iter().enumerate() {
        let pulls: Vec<f64> = all.iter().map(|f| (f.values[k].0 - truth) / f.values[k].1).collect();
        let mean = pulls.iter().sum::<f64>() / RUNS as f64;
        let spread = (pulls.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / (RUNS - 1) as f64).sqrt();
        // Three standard errors of a mean and of a spread of 60.
        assert!(mean.abs() < 0.39 && (spread - 1.0).abs() < 0.28, "{k}: {mean} {spread}");
    }
    let chi: f64 = all.iter().map(|f| f.chi_square).sum::<f64>() / RUNS as f64;
    assert!((chi - 21.0).abs() < 3.0 * (42.0f64 / RUNS as f64).sqrt(), "{chi}");
    // Without errors of their own the points tell them by what is left over.
    let told = fitted(recovery(Some(7), false));
    let (given, scale) = (&all[7], (all[7].chi_square / 21.0).sqrt());
    for (a, b) in told.values.iter().zip(&given.values) {
        assert!((a.0 / b.0 - 1.0).abs() < 1e-6 && (a.1 / (b.1 * scale) - 1.0).abs() < 1e-3);
    }
}

#[test]
fn a_bound_where_results_are_stationary_is_an_answer() {
    // An inversion by exactly 180 degrees: the results change with the angle to second order only.
    let points = (0..12).map(|k| 0.02 + 0.4 * f64::from(k)).map(|t| (t, 1.0 - 2.0 * (-t / 2.0).exp(), None));
    let expr = parse_expression("order(Iz(h))", 0).unwrap();
    let data = Data { parameter: "wait".into(), expr, at: Some("read".into()), points: points.collect() };
    let fitted = |high: f64| {
        let ranges = [range("T1", 0.1, 20.0), range("flip", 0.3, high)];
        fit(&compiled(RECOVERY), &Values::new(), &Options::default(), &ranges, std::slice::from_ref(&data)).unwrap()
    };
    let on = fitted(std::f64::consts::PI);
    assert!(on.bound == [false, true] && (on.values[0].0 - 2.0).abs() < 1e-6, "{on:?}");
    let within = fitted(6.0);
    assert!(within.stationary == [false, true] && (within.values[0].0 - 2.0).abs() < 1e-4, "{within:?}");
}

#[test]
fn what_cannot_be_looked_for_is_refused() {
    let experiment = compiled(RECOVERY);
    let (none, options) = (Values::new(), Options::default());
    let ask =
        |ranges: &[Range]| fit(&experiment, &none, &options, ranges, &[recovery(None, true)]).unwrap_err().message;
    assert!(ask(&[]).contains("no parameter is varied"));
    assert!(ask(&[range("T3", 0.0, 1.0)]).contains("no parameter `T3`"));
    assert!(ask(&[range("T1", 2.0, 1.0)]).contains("not in order"));
    assert!(ask(&[range("T1", 1.0, 2.0), range("T1", 1.0, 2.0)]).contains("given twice"));
    assert!(ask(&[range("wait", 1.0, 2.0)]).contains("both the measured parameter and varied"));
    // Size and angle of an inversion that is seen at one time only are not told apart.
    let mut data = recovery(None, true);
    data.points = vec![(0.02, -2.9, Some(0.01)); 5];
    let ranges = [range("flip", 2.0, 3.1), range("size", 0.1, 10.0)];
    let why = fit(&experiment, &none, &options, &ranges, &[data.clone()]).unwrap_err().message;
    assert!(why.contains("do not determine flip, size independently"), "{why}");
    data.points = vec![(0.02, f64::NAN, None); 5];
    assert!(fit(&experiment, &none, &options, &ranges, &[data]).unwrap_err().message.contains("is not a number"));
}

#[test]
fn the_commands_say_what_they_found() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("search");
    std::fs::create_dir_all(&folder).unwrap();
    let (file, data) = (folder.join("recovery.seq"), folder.join("recovery.csv"));
    std::fs::write(&file, RECOVERY).unwrap();
    let points = recovery(Some(3), true).points;
    let rows: String = points.iter().map(|(t, y, _)| format!("{}, {y}, 0.01\n", 1000.0 * t)).collect();
    std::fs::write(&data, format!("# measured\nwait [ms], size*order(Iz(h)) at read, error\n{rows}")).unwrap();
    let (file, data) = (file.to_str().unwrap(), data.to_str().unwrap());
    let run = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_ergoseq"))
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        (done.status.code().unwrap(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let vary = ["--vary", "T1=0.1s .. 20s", "--vary", "flip = 115deg .. 179deg", "--vary", "size=0.1..10"];
    let arguments: Vec<&str> = ["fit", file, "--data", data].into_iter().chain(vary).collect();
    let (code, text, why) = run(&arguments);
    assert_eq!(code, 0, "{why}");
    assert!(text.starts_with("24 points, 3 parameters\n  T1") && text.contains("for 21 degrees of freedom"), "{text}");
    let json: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    let object: serde_json::Value = serde_json::from_str(&run(&json).1).unwrap();
    let t1 = &object["params"]["T1"];
    assert!((t1["value"].as_f64().unwrap() - 2.0).abs() < 4.0 * t1["error"].as_f64().unwrap());
    let (code, text, why) = run(&[
        "optimise",
        file,
        "--set",
        "wait=0 s",
        "--vary",
        "flip=0deg..200deg",
        "--minimise",
        "order(Iz(h)) at read",
    ]);
    assert_eq!(code, 0, "{why}");
    assert!(text.contains("smallest -1.000000000e0") && text.contains("--set \"flip=3.14"), "{text}");
    // The command that it prints can be run as it stands.
    let flip = text.lines().last().unwrap().split('"').nth(1).unwrap().to_string();
    assert_eq!(run(&["run", file, "--set", &flip]).0, 0);
    for (arguments, code, expected) in [
        (vec!["optimise", file, "--vary", "flip=0deg..200deg"], 2, "--maximise"),
        (vec!["optimise", file, "--vary", "flip=0deg", "--maximise", "purity"], 2, "has no range"),
        (vec!["optimise", file, "--vary", "flip=0s..1s", "--maximise", "purity"], 2, "angle"),
        (vec!["optimise", file, "--vary", "flip=0deg..1deg", "--maximise", "puritty"], 1, "did you mean `purity`"),
        (vec!["optimise", file, "--vary", "flip=0deg..1deg", "--maximise", "purity at rea"], 1, "did you mean `read`"),
        (vec!["fit", file, "--data", "no.csv", "--vary", "T1=1s..2s"], 3, "cannot be read"),
        (vec!["fit", file, "--data", file, "--vary", "T1=1s..2s"], 3, "is not a table of measurements"),
    ] {
        let (found, _, why) = run(&arguments);
        assert!(found == code && why.contains(expected), "{arguments:?}: {found} {why}");
    }
}
