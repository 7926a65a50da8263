//! Optima that are known in closed form, fits to data whose truth is known, and what cannot be looked for.

use ergoseq::emulator::Options;
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use ergoseq::noise::Noise;
use ergoseq::search::{Climb, Data, Fit, Goal, Range, Search, fit, optimise, shape};
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
    assert!(found.chi_square < 1e-6 && found.freedom == 21);
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

/// A pair whose pulse has a shape of its own, with all that may stand around it.
const SHAPED: &str = "ergoseq 1
param sd = 0.1, T = 300 K
system {
    field 11.7 T
    temperature T
    spin p, q : 1H
    dipolar p q = -30.4540 kHz
}
channel 1H { max_rf = 50 kHz }
shape own = \"own.txt\"
battery { energy = dipolar }
ensemble { rf 1H : gaussian(mean = 1, sd = sd) points 3 }
sequence {
    prepare thermal
    pulse 1H 90 deg phase x ideal
    delay 5 us
    pulse 1H 45 deg phase y ideal
    crush
    loop 2 {
        pulse 1H phase x rf = 40 kHz duration = 12 us shape = own
        delay 2 us
    }
    crush keep 0, 2
    pulse 1H 30 deg phase -y rf = 50 kHz
    mark charged
    delay 100 us
}
measure { ergotropy, stored_energy, purity }
";

fn shaped(text: &str, steps: &str) -> Experiment {
    let mut reader = |name: &str, _: &str| Ok((name.to_string(), steps.to_string()));
    ergoseq::compile("test.seq", text, &mut reader).unwrap_or_else(|r| panic!("{}", r.render())).experiment
}

/// Programs whose gradient is compared with differences: what replaces what in [`SHAPED`].
const SHAPED_VARIANTS: &[(&str, &[(&str, &str)])] = &[
    ("as it is", &[]),
    // The transient of a shaped pulse follows its first and last step.
    ("transients", &[("max_rf = 50 kHz", "max_rf = 50 kHz, leading_transient = 1 us, trailing_transient = -0.6 us")]),
    ("a leaning y", &[("max_rf = 50 kHz", "max_rf = 50 kHz, lean = 7 deg")]),
    ("another phase", &[("pulse 1H phase x rf = 40 kHz", "pulse 1H phase 77 deg rf = 40 kHz")]),
    // Two channels follow the same shape; a third pulse ends after two of the five steps.
    (
        "two channels",
        &[
            ("spin p, q : 1H", "spin p, q : 1H\n    spin c : 13C\n    dipolar p c = -8 kHz"),
            (
                "pulse 1H phase x rf = 40 kHz duration = 12 us shape = own",
                "parallel { pulse 1H phase x rf = 40 kHz duration = 12 us shape = own\n pulse 13C phase y rf = 70 kHz duration = 12 us shape = own }",
            ),
        ],
    ),
    (
        "cut at a step",
        &[
            ("spin p, q : 1H", "spin p, q : 1H\n    spin c : 13C\n    dipolar p c = -8 kHz"),
            (
                "pulse 1H phase x rf = 40 kHz duration = 12 us shape = own",
                "parallel align start { pulse 1H phase x rf = 40 kHz duration = 12 us shape = own\n pulse 13C phase y rf = 70 kHz duration = 4.8 us }",
            ),
        ],
    ),
];

#[test]
fn gradients_of_shapes_are_those_of_differences() {
    for (variant, replaced) in SHAPED_VARIANTS {
        let text = replaced.iter().fold(SHAPED.to_string(), |text, (old, new)| {
            assert!(text.contains(old), "{variant}: {old}");
            text.replace(old, new)
        });
        compare_gradient(variant, &text);
    }
}

fn compare_gradient(variant: &str, text: &str) {
    use ergoseq::emulator::{PulseObjective, Request, run};
    let experiment = shaped(text, &"1 0\n".repeat(5));
    let mut noise = Noise::new(4, 2);
    let cartesian: Vec<(f64, f64)> = (0..5).map(|_| (0.7 * noise.even(), 0.7 * noise.even())).collect();
    // What is linear in the state, what depends on its eigenvalues, and what is quadratic.
    for result in ["stored_energy", "ergotropy", "purity"] {
        let expr = parse_expression(result, 0).unwrap();
        // Cold enough that differences are not lost in the rounding beside the maximally mixed state.
        let (given, options) = (Values::from([("T".to_string(), 20e-3)]), Options::default());
        let objective = PulseObjective::new(&experiment, &given, &options, "own", (&expr, Some("charged"))).unwrap();
        let (value, gradient) = objective.gradient(&cartesian).unwrap();
        assert!((objective.value(&cartesian).unwrap() / value - 1.0).abs() < 1e-12);
        // The same as a run of the file with this shape has it.
        let mut with = experiment.clone();
        with.shapes[0].steps = cartesian.iter().map(|(x, y)| (x.hypot(*y), y.atan2(*x))).collect();
        let wanted = [Request { expr: expr.clone(), at: Some("charged".to_string()) }];
        let found = run(&with, &given, &options, &wanted).unwrap();
        let in_run = found.values[0].unwrap();
        assert!((in_run / value - 1.0).abs() < 1e-9, "{variant}, {result}: {in_run} {value}");
        let size = gradient.iter().flat_map(|(x, y)| [x.abs(), y.abs()]).fold(0.0, f64::max);
        for k in 0..5 {
            let moved = |x: f64, y: f64| {
                let mut all = cartesian.clone();
                all[k] = (all[k].0 + x, all[k].1 + y);
                objective.value(&all).unwrap()
            };
            const BY: f64 = 2e-5;
            let x = (moved(BY, 0.0) - moved(-BY, 0.0)) / (2.0 * BY);
            let y = (moved(0.0, BY) - moved(0.0, -BY)) / (2.0 * BY);
            // The error of central differences is that of their step squared over the gaps of eigenvalues, some 1e-8 of the largest
            // derivative, and rounding over the step, some 1e-9.
            let near = |a: f64, b: f64| (a - b).abs() < 1e-7 * size;
            let (found, of) = (gradient[k], format!("{variant}, {result} {k}"));
            assert!(near(x, found.0) && near(y, found.1), "{of}: {x} {y} {found:?} of {size}");
        }
    }
}

#[test]
fn a_shaped_pulse_charges_the_gypsum_pair_as_an_ideal_one_does() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shaped_pulse");
    let text = std::fs::read_to_string(folder.join("charge.seq")).unwrap();
    let experiment = shaped(&text, &"1 0\n".repeat(30));
    let work = ergoseq::syntax::parse_expression("ergotropy / 9.0457e-34", 0).unwrap();
    let goal = Goal { expr: work, at: Some("charged".into()), maximise: true };
    let search = Search { shape: "charge".into(), starts: 1, iterations: 60, seed: 3 };
    let look = || shape(&experiment, &Values::new(), &Options::default(), &goal, &search).unwrap();
    let found = look();
    // Within 1 per cent of 9/8 p h |d|, with a spread of the rf of 5 per cent; the flat pulse is far from it.
    assert!(found.best > 0.99 && found.best < 1.001 && found.before < 0.5, "{found:?}");
    assert!(found.steps.iter().all(|(a, phase)| (0.0..=1.0).contains(a) && (0.0..=6.3).contains(phase)));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(pool.install(look), found);
}

#[test]
fn shapes_that_cannot_be_looked_for_are_refused() {
    let search = Search { shape: "own".into(), starts: 0, iterations: 5, seed: 1 };
    let refused = |text: &str, search: &Search, result: &str| {
        let experiment = shaped(text, &"0.5 0\n".repeat(4));
        let goal = goal(result, "charged", true);
        shape(&experiment, &Values::new(), &Options::default(), &goal, search).unwrap_err().message
    };
    let plain = |old: &str, new: &str| refused(&SHAPED.replace(old, new), &search, "ergotropy");
    let other = Search { shape: "owm".into(), ..search.clone() };
    let said = refused(SHAPED, &other, "ergotropy");
    assert!(said.contains("no pulse shape `owm`"), "{said}");
    let said = plain("pulse 1H phase x rf = 40 kHz duration = 12 us", "pulse 1H 90 deg phase x duration = 12 us");
    assert!(said.contains("follows from its flip angle"), "{said}");
    for (old, new) in [
        ("shape = own", "shape = own offset = 3 kHz"),
        ("shape = own", "shape = own modulation = 10 deg * t / (1 us)"),
        ("max_rf = 50 kHz", "max_rf = 50 kHz, rise_time = 100 ns"),
    ] {
        let said = plain(old, new);
        assert!(said.contains("is not linear in the steps of its shape"), "{said}");
    }
    let said = plain("shape = own", "");
    assert!(said.contains("no pulse before the mark uses the shape"), "{said}");
    let said = plain("    dipolar p q", "    relax p { T1 = 1 s, T2 = 1 s }\n    dipolar p q");
    assert!(said.contains("without relaxation"), "{said}");
    let said = refused(SHAPED, &search, "max(ergotropy)");
    assert!(said.contains("not a function of the state at one mark"), "{said}");
}

#[test]
fn the_command_finds_a_shape_whose_file_is_not_there_yet() {
    let folder = std::env::temp_dir().join(format!("ergoseq-shape-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (file, own) = (folder.join("test.seq"), folder.join("own.txt"));
    std::fs::write(&file, SHAPED).unwrap();
    let shape = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ergoseq"));
        command.args(["shape", "--maximise", "ergotropy at charged", "--starts", "1", "--iterations", "20"]);
        command.arg("--output").arg(&own).args(more).arg(&file).output().unwrap()
    };
    // Without steps to begin with the file of the shape must be there.
    let missing = shape(&[]);
    assert!(!missing.status.success() && !own.exists(), "{missing:?}");
    let found = shape(&["--steps", "6"]);
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.status.success() && text.contains("6 steps"), "{found:?}");
    // What was written is what a run reads, and its result is what was promised.
    let promised: f64 =
        text.lines().next().and_then(|l| l.split("largest ").nth(1)?.split(' ').next()?.parse().ok()).unwrap();
    let run =
        Command::new(env!("CARGO_BIN_EXE_ergoseq")).args(["run", "--format", "json"]).arg(&file).output().unwrap();
    let run: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let there = run.to_string();
    assert!(there.contains("charged"), "{there}");
    let expect = format!("\nexpect ergotropy at charged = {promised:e} J within 1e-6 * {:e} J\n", promised);
    std::fs::write(&file, format!("{SHAPED}{expect}")).unwrap();
    let test = Command::new(env!("CARGO_BIN_EXE_ergoseq")).arg("test").arg(&file).output().unwrap();
    assert!(test.status.success(), "{}", String::from_utf8_lossy(&test.stdout));
    // It is not written over unless asked.
    let again = shape(&["--steps", "6"]);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("--force"), "{again:?}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_shipped_shape_is_what_its_file_says() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/shaped_pulse/charge.seq");
    let test = Command::new(env!("CARGO_BIN_EXE_ergoseq")).arg("test").arg(file).output().unwrap();
    assert!(test.status.success(), "{}", String::from_utf8_lossy(&test.stdout));
}
