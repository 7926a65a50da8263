//! Gradients are those of central differences, and values those of a run.

use crate::{cartesian, goal, search, shaped};
use ergoseq::emulator::{GateMember, GateObjective, Objective, Options, PulseObjective, Request, run};
use ergoseq::hamiltonian::Values;
use ergoseq::linalg::{Matrix, hermitian_eigen, kron, real};
use ergoseq::metrics::gate_fidelity_of;
use ergoseq::noise::Noise;
use ergoseq::search::{Search, in_run, reshaped, shape};
use ergoseq::syntax::parse_expression;

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

const PULSE: &str = "pulse 1H phase x rf = 40 kHz duration = 12 us shape = own";
const CARBON: (&str, &str) = ("spin p, q : 1H", "spin p, q : 1H\n    spin c : 13C\n    dipolar p c = -8 kHz");

const RELAXING: (&str, &str) = (
    "    dipolar p q",
    "    relax p { T1 = 80 us, T2 = 30 us }\n    relax q { T1 = 200 us, T2 = 50 us }\n    dipolar p q",
);

/// A variant of a program: its name, what is replaced by what, and the accuracy of its value.
type Variant = (&'static str, &'static [(&'static str, &'static str)], f64);

/// Programs whose gradient is compared with differences: what replaces what in [`SHAPED`], and how far the value may be from that of a
/// run, as a fraction.
const VARIANTS: &[Variant] = &[
    ("as it is", &[], 1e-9),
    // The transient of a shaped pulse follows its first and last step.
    (
        "transients",
        &[("max_rf = 50 kHz", "max_rf = 50 kHz, leading_transient = 1 us, trailing_transient = -0.6 us")],
        1e-9,
    ),
    ("a leaning y", &[("max_rf = 50 kHz", "max_rf = 50 kHz, lean = 7 deg")], 1e-9),
    ("another phase", &[("pulse 1H phase x rf = 40 kHz", "pulse 1H phase 77 deg rf = 40 kHz")], 1e-9),
    // Two channels follow the same shape; a third pulse ends after two of the five steps.
    (
        "two channels",
        &[
            CARBON,
            (
                PULSE,
                "parallel { pulse 1H phase x rf = 40 kHz duration = 12 us shape = own\n pulse 13C phase y rf = 70 kHz duration = 12 us shape = own }",
            ),
        ],
        1e-9,
    ),
    (
        "cut at a step",
        &[
            CARBON,
            (
                PULSE,
                "parallel align start { pulse 1H phase x rf = 40 kHz duration = 12 us shape = own\n pulse 13C phase y rf = 70 kHz duration = 4.8 us }",
            ),
        ],
        1e-9,
    ),
    (
        "cut within a step",
        &[
            CARBON,
            (
                PULSE,
                "parallel align start { pulse 1H phase x rf = 40 kHz duration = 12 us shape = own\n pulse 13C phase y rf = 70 kHz duration = 5.3 us }",
            ),
        ],
        1e-9,
    ),
    // What varies within a step is divided into intervals, which a run does with another method.
    ("rise and droop", &[("max_rf = 50 kHz", "max_rf = 50 kHz, rise_time = 300 ns, droop_time = 200 us")], 2e-6),
    ("an offset", &[("shape = own", "shape = own offset = 3 kHz")], 2e-6),
    ("a modulation", &[("shape = own", "shape = own modulation = 10 deg * t / (1 us)")], 2e-6),
    (
        "transients and a rise",
        &[("max_rf = 50 kHz", "max_rf = 50 kHz, trailing_transient = 1 us, rise_time = 300 ns")],
        // Relative to the largest derivative, of slices of the rise with a phase each: 3e-6.
        6e-6,
    ),
    // Taps of 0.7 us spread every step of 2.4 us over several intervals, which no step ends with.
    (
        "an impulse response",
        &[(
            "max_rf = 50 kHz",
            "max_rf = 50 kHz, kernel = (0.6, 0.25, 0.1, 0.05), kernel_quadrature = (0, 0.1, -0.05, 0.02), kernel_step = 700 ns",
        )],
        1e-9,
    ),
    (
        "an impulse response, an offset and a rise",
        &[
            ("max_rf = 50 kHz", "max_rf = 50 kHz, kernel = (0.7, 0.3), kernel_step = 800 ns, rise_time = 300 ns"),
            ("shape = own", "shape = own offset = 20 kHz"),
        ],
        // The allowances of the offset and of the rise.
        4e-6,
    ),
    (
        "an impulse response and relaxation",
        &[
            ("max_rf = 50 kHz", "max_rf = 50 kHz, kernel = (0.6, 0.3, 0.1), kernel_step = 900 ns"),
            (
                "    dipolar p q",
                "    relax p { T1 = 80 us, T2 = 30 us }\n    relax q { T1 = 200 us, T2 = 50 us }\n    dipolar p q",
            ),
        ],
        1e-8,
    ),
    // The relaxation of a solid during microseconds: short lifetimes, so that it matters.
    ("relaxation", &[RELAXING], 1e-8),
    (
        "relaxation during rise and droop",
        &[RELAXING, ("max_rf = 50 kHz", "max_rf = 50 kHz, rise_time = 300 ns, droop_time = 200 us")],
        2e-6,
    ),
    ("relaxation with an offset", &[RELAXING, ("shape = own", "shape = own offset = 3 kHz")], 2e-6),
    (
        "relaxation with transients and a leaning y",
        &[
            RELAXING,
            (
                "max_rf = 50 kHz",
                "max_rf = 50 kHz, leading_transient = 1 us, trailing_transient = -0.6 us, lean = 7 deg",
            ),
        ],
        1e-8,
    ),
    (
        "a short life of dipolar order",
        &[("    dipolar p q", "    relax p, q { T1 = 1 ms, T1D = 50 us }\n    dipolar p q")],
        1e-8,
    ),
];

#[test]
fn gradients_of_shapes_are_those_of_differences() {
    for (variant, replaced, near) in VARIANTS {
        let text = replaced.iter().fold(SHAPED.to_string(), |text, (old, new)| {
            assert!(text.contains(old), "{variant}: {old}");
            text.replace(old, new)
        });
        compare(variant, &text, *near);
    }
}

fn compare(variant: &str, text: &str, near_run: f64) {
    let experiment = shaped(text, &"1 0\n".repeat(5));
    let mut noise = Noise::new(4, 2);
    let steps: Vec<(f64, f64)> = (0..5).map(|_| (0.7 * noise.even(), 0.7 * noise.even())).collect();
    // What is linear in the state, what depends on its eigenvalues, and what is quadratic.
    for result in ["stored_energy", "ergotropy", "purity", "member_mean(expectation(Ix(p)*Iz(q)))"] {
        let expr = parse_expression(result, 0).unwrap();
        // Cold enough that differences are not lost in the rounding beside the maximally mixed state.
        let (given, options) = (Values::from([("T".to_string(), 20e-3)]), Options::default());
        let objective = PulseObjective::new(&experiment, &given, &options, &["own"], (&expr, Some("charged")))
            .unwrap_or_else(|e| panic!("{variant}: {}", e.message));
        let found = objective.gradient(&steps, 1.0).unwrap();
        let value = found.value;
        assert!((objective.value(&steps, 1.0).unwrap() / value - 1.0).abs() < 1e-12);
        // The same as a run of the file with this shape has it.
        let mut with = experiment.clone();
        with.shapes[0].steps = steps.iter().map(|(x, y)| (x.hypot(*y), y.atan2(*x))).collect();
        let wanted = [Request { expr: expr.clone(), at: Some("charged".to_string()) }];
        let in_run = run(&with, &given, &options, &wanted).unwrap().values[0].unwrap();
        // Relative to the value or, where that is small, to its largest derivative.
        let size = found.steps.iter().flat_map(|(x, y)| [x.abs(), y.abs()]).fold(value.abs(), f64::max);
        assert!((in_run - value).abs() < near_run * size, "{variant}, {result}: {in_run} {value} {size}");
        differences(&format!("{variant}, {result}"), &objective, &steps, 1e-7);
    }
}

/// Compares a gradient with central differences, relative to the largest derivative.
fn differences(what: &str, objective: &dyn Objective, steps: &[(f64, f64)], tolerance: f64) {
    let found = objective.gradient(steps, 1.0).unwrap();
    let size = found.steps.iter().flat_map(|(x, y)| [x.abs(), y.abs()]).fold(0.0, f64::max);
    const BY: f64 = 2e-5;
    // The error of central differences is that of their step squared over the gaps of eigenvalues, some 1e-8 of the largest derivative,
    // and rounding over the step, some 1e-9.
    for k in 0..steps.len() {
        let moved = |x: f64, y: f64| {
            let mut all = steps.to_vec();
            all[k] = (all[k].0 + x, all[k].1 + y);
            objective.value(&all, 1.0).unwrap()
        };
        let x = (moved(BY, 0.0) - moved(-BY, 0.0)) / (2.0 * BY);
        let y = (moved(0.0, BY) - moved(0.0, -BY)) / (2.0 * BY);
        let (own, near) = (found.steps[k], |a: f64, b: f64| (a - b).abs() < tolerance * size);
        assert!(near(x, own.0) && near(y, own.1), "{what} {k}: {x} {y} {own:?} of {size}");
    }
    let at = |by: f64| objective.value(steps, (by).exp()).unwrap();
    let expected = (8.0 * (at(1e-4) - at(-1e-4)) - (at(2e-4) - at(-2e-4))) / 12e-4;
    assert!(
        (expected - found.duration).abs() < tolerance * (size + expected.abs()),
        "{what}: {expected} {}",
        found.duration
    );
}

/// Two shapes of different numbers of steps in the same pulse, in an ensemble; the gate is followed as one propagator of a member.
const GATE: &str = "ergoseq 1
system {
    field 11.7 T
    temperature 300 K
    spin h : 1H
    spin c : 13C
    shift h = 300 Hz
    j h c = 150 Hz
}
shape a = \"a.txt\"
shape b = \"b.txt\"
ensemble { rf 1H : gaussian(mean = 1, sd = 0.05) points 2\n offset 13C : gaussian(mean = 0 Hz, sd = 20 Hz) points 2 }
sequence {
    prepare thermal
    delay 1 ms
    parallel {
        pulse 1H phase x rf = 2 kHz duration = 1 ms shape = a
        pulse 13C phase y rf = 3 kHz duration = 1 ms shape = b
    }
    mark done
}
measure { member_mean(gate_fidelity(pi*Iz(h)*Iz(c))) }
";

fn two_shapes() -> ergoseq::ir::Experiment {
    let mut reader = |name: &str, _: &str| Ok((name.to_string(), "1 0\n".repeat(if name == "a.txt" { 4 } else { 6 })));
    ergoseq::compile("gate.seq", GATE, &mut reader).unwrap_or_else(|r| panic!("{}", r.render())).experiment
}

#[test]
fn a_gate_has_the_gradient_of_its_propagator() {
    let experiment = two_shapes();
    let (given, options) = (Values::new(), Options::default());
    let mut noise = Noise::new(8, 2);
    let steps: Vec<(f64, f64)> = (0..10).map(|_| (noise.even() - 0.5, noise.even() - 0.5)).collect();
    for result in ["gate_fidelity(pi*Iz(h)*Iz(c))", "2*gate_fidelity(pi/2*Ix(h)) - gate_fidelity(pi*Iz(h)*Iz(c))^2"] {
        let goal = goal(result, Some("done"));
        let objective =
            PulseObjective::new(&experiment, &given, &options, &["a", "b"], (&goal.expr, Some("done"))).unwrap();
        assert_eq!(objective.steps(), 10);
        differences(result, &objective, &steps, 1e-7);
        // The other shape keeps its steps if only one is optimised.
        let one = PulseObjective::new(&experiment, &given, &options, &["b"], (&goal.expr, Some("done"))).unwrap();
        let mut both = vec![(1.0, 0.0); 4];
        both.extend(&steps[4..]);
        let (x, y) = (one.value(&steps[4..], 1.0).unwrap(), objective.value(&both, 1.0).unwrap());
        assert!((x - y).abs() < 1e-12);
    }
    // As a run has it, as the mean over the members.
    let goal = goal("gate_fidelity(pi*Iz(h)*Iz(c))", Some("done"));
    let objective =
        PulseObjective::new(&experiment, &given, &options, &["a", "b"], (&goal.expr, Some("done"))).unwrap();
    let search = Search { starts: 0, iterations: 3, ..search(&["a", "b"]) };
    let found = shape(&experiment, &given, &options, &goal, &search).unwrap();
    let with = reshaped(&experiment, &search, &found);
    let in_run = run(&with, &given, &options, &[in_run(&experiment, &goal)]).unwrap().values[0].unwrap();
    assert!((in_run - found.best).abs() < 1e-9, "{in_run} {}", found.best);
    let all: Vec<(f64, f64)> = found.shapes.iter().flat_map(|s| cartesian(s)).collect();
    assert!((objective.value(&all, 1.0).unwrap() - found.best).abs() < 1e-12);
}

/// From matrices: the same as one propagation after another, whatever the size.
#[test]
fn the_objective_of_matrices_is_that_of_their_exponentials() {
    let mut noise = Noise::new(1, 1);
    for (n, controls, count) in [(2, 1, 5), (4, 2, 6), (16, 2, 4)] {
        let mut hermitian = |size: f64| {
            let m = Matrix::from_fn(n, n, |_, _| ergoseq::linalg::C64::new(noise.normal(), noise.normal()));
            (&m + m.adjoint()) * real(size / n as f64)
        };
        let member = |weight: f64, hermitian: &mut dyn FnMut(f64) -> Matrix| GateMember {
            weight,
            drift: hermitian(1.0),
            controls: (0..controls).map(|_| (hermitian(2.0), hermitian(2.0))).collect(),
        };
        let members = vec![member(0.3, &mut hermitian), member(0.7, &mut hermitian)];
        let target = hermitian_eigen(&hermitian(3.0)).unwrap().propagator(1.0);
        let steps: Vec<(f64, f64)> =
            (0..controls * count).map(|k| ((k as f64).sin(), 0.5 * (k as f64).cos())).collect();
        let objective = GateObjective::new(members.clone(), target.clone(), 0.4, count).unwrap();
        let mut expected = 0.0;
        for m in &members {
            let mut u = Matrix::identity(n, n);
            for k in 0..count {
                let mut h = m.drift.clone();
                for (c, (x, y)) in m.controls.iter().enumerate() {
                    let step = steps[c * count + k];
                    h += x * real(step.0) + y * real(step.1);
                }
                u = hermitian_eigen(&h).unwrap().propagator(0.4) * u;
            }
            expected += m.weight * gate_fidelity_of(&u, &target);
        }
        assert!((objective.value(&steps, 1.0).unwrap() - expected).abs() < 1e-12);
        differences(&format!("{n} x {n}"), &objective, &steps, 1e-7);
        assert!(objective.value(&steps[1..], 1.0).is_err());
    }
    let one = Matrix::identity(2, 2);
    let member = GateMember { weight: 1.0, drift: one.clone(), controls: vec![(kron(&one, &one), one.clone())] };
    assert!(GateObjective::new(vec![member], one, 1.0, 3).is_err());
}

#[test]
fn shapes_that_cannot_be_looked_for_are_refused() {
    let search = Search { iterations: 5, ..search(&["own"]) };
    let refused = |text: &str, search: &Search, result: &str| {
        let experiment = shaped(text, &"0.5 0\n".repeat(4));
        let goal = goal(result, Some("charged"));
        shape(&experiment, &Values::new(), &Options::default(), &goal, search).unwrap_err().message
    };
    let plain = |old: &str, new: &str| refused(&SHAPED.replace(old, new), &search, "ergotropy");
    let other = Search { shapes: vec!["owm".into()], ..search.clone() };
    let said = refused(SHAPED, &other, "ergotropy");
    assert!(said.contains("no pulse shape `owm`"), "{said}");
    let said = plain("pulse 1H phase x rf = 40 kHz duration = 12 us", "pulse 1H 90 deg phase x duration = 12 us");
    assert!(said.contains("follows from its flip angle"), "{said}");
    let said = plain("shape = own", "");
    assert!(said.contains("no pulse before the mark uses the shape"), "{said}");
    let said = plain("pulse 1H phase x rf = 40 kHz", "pulse 13C phase x rf = 40 kHz");
    assert!(said.contains("acts on no spin"), "{said}");
    let said = refused(SHAPED, &search, "max(ergotropy)");
    assert!(said.contains("not a function of the state at one mark"), "{said}");
    let said = refused(SHAPED, &search, "gate_fidelity(Ix(p))");
    assert!(said.contains("unitary evolution"), "{said}");
    // Metrics of the propagator have no finite differences.
    let closed = SHAPED.replace("    crush keep 0, 2\n", "").replace("    crush\n", "");
    let said = refused(&closed, &search, "quasienergy(1)");
    assert!(said.contains("has no gradient") || said.contains("is undefined"), "{said}");
    // A simultaneous pulse that varies within the steps.
    let carbon = SHAPED.replace(CARBON.0, CARBON.1);
    let said = refused(
        &carbon.replace(
            PULSE,
            &format!("parallel {{ {PULSE}\n pulse 13C phase x rf = 9 kHz duration = 12 us shape = gauss(0.02) }}"),
        ),
        &search,
        "ergotropy",
    );
    assert!(said.contains("is not linear in the steps of its shape"), "{said}");
}
