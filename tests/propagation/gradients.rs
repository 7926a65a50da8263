//! Derivatives of results with respect to parameters are those of central differences of whole runs.

use ergoseq::emulator::{Gradients, NoGradient, Options, Request, Variable, run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use ergoseq::syntax::parse_expression;

fn compiled(text: &str) -> Experiment {
    ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render())).experiment
}

/// A pair with everything that may depend on a parameter. The state is cold, so that differences of whole runs are not lost in the rounding
/// beside the maximally mixed state.
const PAIR: &str = "ergoseq 1
param T = 20 mK, J = 140 Hz, d = 900 Hz, offset = 70 Hz, shift = 300 Hz, length = 1.3 ms, angle = 75 deg, phase = 20 deg
param rf = 9 kHz, carrier_off = 900 Hz, T1 = 20 ms, T2 = 9 ms, strength = 400 Hz, error = 1.02, sd = 0.04, field = 11.7 T
param twist = 30 deg, spread = 20 Hz, long = 0.7 ms, lean = 3 deg, factor = 1.3
system {
    field field
    temperature T
    spin h : 1H
    spin c : 13C
    j h c = J
    dipolar h c = d
    shift h = shift
    RELAX
}
channel 1H { max_rf = 50 kHz, lean = lean, leading_transient = 40 ns }
battery { energy = 1 kHz*Iz(h) + J*Iz(h)*Iz(c) }
ENSEMBLE
sequence {
    prepare thermal
    pulse 1H angle phase phase rf = rf
    delay length
    pulse 13C 60 deg phase y ideal
    evolve strength*(Ix(h)*Ix(c) + Iy(h)*Iy(c)) + offset*Iz(c) for long
    loop 3 {
        PULSE
        delay length/4
    }
    CRUSH
    pulse 1H angle/2 phase twist + 10 deg ideal
    pulse 13C 35 deg phase -x rf = 20 kHz
    delay 200 us
    mark read
    delay 1 ms
}
measure { energy }
";

const PARAMETERS: [&str; 16] = [
    "T", "J", "d", "offset", "shift", "length", "angle", "phase", "rf", "T1", "T2", "strength", "sd", "field", "twist",
    "long",
];

/// Linear in the state, relative to the prepared one, and not linear.
const RESULTS: [&str; 8] = [
    "expectation(Ix(c) + 0.3*Iz(h)*Iy(c))",
    "energy",
    "ergotropy",
    "order(Iz(h)*Iz(c))",
    "purity",
    "factor*fidelity",
    "entropy",
    "mutual_information(h, c)*elapsed",
];

/// A pulse whose Hamiltonian is constant, and pulses whose Hamiltonian varies.
const PLAIN: &str = "pulse 1H phase x rf = rf duration = 30 us";
const VARYING: &str = "pulse 1H phase x rf = rf duration = 30 us offset = carrier_off shape = gauss(0.05)";

fn variant(relax: bool, ensemble: &str, crush: bool) -> String {
    let relax = if relax { "relax h { T1 = T1, T2 = T2 }\n    relax c { T1 = 60 ms, T2 = 40 ms }" } else { "" };
    PAIR.replace("RELAX", relax)
        .replace("ENSEMBLE", ensemble)
        .replace("CRUSH", if crush { "crush keep 0, 2" } else { "" })
        .replace("PULSE", PLAIN)
}

/// A four-point difference of whole runs, and an estimate of its error: of fourth order in the relative step, and rounding over the step.
fn difference(experiment: &Experiment, at: &Values, name: &str, request: &Request) -> (f64, f64) {
    let value = |by: f64| {
        let mut values = at.clone();
        *values.get_mut(name).unwrap() += by;
        run(experiment, &values, &Options { tolerance: 1e-12, ..Options::default() }, std::slice::from_ref(request))
            .unwrap()
            .values[0]
            .unwrap()
    };
    let of = |by: f64| (8.0 * (value(by) - value(-by)) - (value(2.0 * by) - value(-2.0 * by))) / (12.0 * by);
    let size = at[name].abs();
    let (fine, coarse) = (of(3e-4 * size), of(6e-4 * size));
    (fine, (fine - coarse).abs())
}

fn compare(what: &str, text: &str, results: &[&str], parameters: &[&str], tolerance: f64) {
    let experiment = compiled(text);
    let options = Options::default();
    let all: Values = run(&experiment, &Values::new(), &options, &[]).unwrap().params.into_iter().collect();
    let variable = |name: &&str| Variable { name: name.to_string(), low: 0.5 * all[*name], high: 2.0 * all[*name] };
    let variables: Vec<Variable> = parameters.iter().map(variable).collect();
    let gradients = Gradients::new(&experiment, &options, variables);
    for result in results {
        let request = Request { expr: parse_expression(result, 0).unwrap(), at: Some("read".into()) };
        let found = gradients.at(&all, &request).unwrap_or_else(|e| panic!("{what}, {result}: {e:?}"));
        let in_run = run(&experiment, &all, &options, std::slice::from_ref(&request)).unwrap().values[0].unwrap();
        assert!((found.value - in_run).abs() < 2e-7 * in_run.abs(), "{what}, {result}: {} {in_run}", found.value);
        // Relative changes by relative changes; the largest sets the scale.
        let by_size: Vec<f64> = parameters.iter().zip(&found.gradient).map(|(name, s)| s * all[*name]).collect();
        let scale = by_size.iter().fold(in_run.abs(), |most, s| most.max(s.abs()));
        for (name, own) in parameters.iter().zip(&by_size) {
            let (expected, error) = difference(&experiment, &all, name, &request);
            let (expected, error) = (expected * all[*name], error * all[*name]);
            println!(
                "{what}, {result}, {name}: {own:e} {expected:e}, off {:.1e} of {scale:e}",
                (own - expected).abs() / scale
            );
            let allowed = tolerance * scale;
            assert!(error < allowed, "{what}, {result}, {name}: the differences have an error of {error:e}");
            assert!((own - expected).abs() < allowed, "{what}, {result}, {name}: {own:e} {expected:e} of {scale:e}");
        }
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let closed: Vec<&str> = PARAMETERS.iter().copied().filter(|p| !["T1", "T2", "sd"].contains(p)).collect();
    compare("closed", &variant(false, "", false), &RESULTS, &closed, 1e-9);
}

#[test]
fn gradients_with_relaxation_and_projections() {
    // The four-point differences of the ergotropy have an error of 1e-9 of the largest derivative.
    let all: Vec<&str> = PARAMETERS.iter().copied().filter(|p| *p != "sd").collect();
    compare("relaxing", &variant(true, "", true), &["energy", "ergotropy", "purity"], &all, 1e-8);
}

/// Fourth-order slices stand for a Hamiltonian that varies: their error, 1e-8, is part of the allowance.
#[test]
fn gradients_of_pulses_with_a_varying_hamiltonian() {
    let text = variant(false, "", false).replace(PLAIN, VARYING);
    compare("varying", &text, &["energy"], &["rf", "carrier_off", "J"], 1e-7);
}

#[test]
fn gradients_of_an_ensemble() {
    let ensemble = "ensemble { rf 1H : gaussian(mean = 1, sd = sd) points 3 }";
    let some = ["sd", "rf", "length", "T", "angle"];
    compare("ensemble", &variant(false, ensemble, true), &["energy", "member_mean(purity)", "ergotropy"], &some, 1e-8);
}

/// Members that are lowered together: they differ in offset, rf amplitude, orientation or position, also in phase cycles, in several
/// groups of a parameter's values, and in pulses with a varying Hamiltonian. Whole runs propagate such members in batches or individually.
#[test]
fn gradients_of_members_with_a_common_schedule() {
    let powder = |text: &str| text.replace("dipolar h c = d", "dipolar h c = d along (0, 0, 1)");
    let echo = |text: &str| text.replace("    delay length\n", "    gradient 2 G/cm for 50 us\n    delay length\n");
    let cycled = |text: &str| {
        text.replace("ensemble {", "cycle phi = x, y, -x\nensemble {")
            .replace("pulse 13C 60 deg phase y", "pulse 13C 60 deg phase phi")
    };
    let varying = |text: &str| text.replace(PLAIN, VARYING);
    let unchanged = |text: &str| text.to_string();
    type Change<'a> = &'a dyn Fn(&str) -> String;
    let cases: [(&str, Change, &[&str], f64); 6] = [
        (
            "offset 1H : gaussian(sd = spread) points 3\n rf 13C : uniform(from = 0.9, to = error) points 2",
            &unchanged,
            &["spread", "error", "rf", "length", "d"],
            1e-8,
        ),
        ("orientation : zcw points 8", &powder, &["d", "length", "T", "strength"], 1e-8),
        ("position : uniform(from = -5 mm, to = 5 mm) points 4", &echo, &["length", "angle", "J"], 1e-8),
        ("offset 1H : gaussian(sd = spread) points 2", &cycled, &["spread", "phase", "J"], 1e-8),
        (
            "offset 13C : gaussian(sd = spread) points 3\n param J : uniform(from = 120 Hz, to = 160 Hz) points 2",
            &unchanged,
            &["spread", "length", "d"],
            1e-8,
        ),
        (
            "rf 1H : gaussian(mean = 1, sd = sd) points 2\n offset 1H : gaussian(sd = spread) points 2",
            &varying,
            &["sd", "spread", "rf", "carrier_off"],
            1e-7,
        ),
    ];
    for (ensemble, change, parameters, tolerance) in cases {
        let text = change(&variant(false, &format!("ensemble {{ {ensemble} }}"), false));
        compare(ensemble, &text, &["energy", "ergotropy"], parameters, tolerance);
    }
}

#[test]
fn what_has_no_derivative_is_told() {
    let at = |text: &str, result: &str, mark: &str, low: f64| {
        let experiment = compiled(text);
        let options = Options::default();
        let all: Values = run(&experiment, &Values::new(), &options, &[]).unwrap().params.into_iter().collect();
        let variables = vec![Variable { name: "length".into(), low, high: 1.0 }];
        let request = Request { expr: parse_expression(result, 0).unwrap(), at: Some(mark.into()) };
        Gradients::new(&experiment, &options, variables).at(&all, &request)
    };
    let anywhere = |text: &str, result: &str| match at(text, result, "read", 0.0) {
        Err(NoGradient::Anywhere(why)) => why,
        other => panic!("{other:?}"),
    };
    let plain = variant(false, "", false);
    assert!(
        anywhere(&plain.replace("    mark read", "    reset c = up(c)\n    mark read"), "energy").contains("reset")
    );
    assert!(anywhere(&plain, "member_mean(energy) + energy").contains("one mark"));
    // The state where the kink of a result is.
    let with_kink = plain.replace("measure { energy }", "measure { abs(length - 1.3 ms) * purity }");
    assert!(matches!(at(&with_kink, "abs(length - 1.3 ms)*purity", "read", 0.0), Err(NoGradient::Here)));
    // At a bound the nodes lie inside.
    assert!(at(&plain, "energy", "read", 1.3e-3).is_ok());
}
