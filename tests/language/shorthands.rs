//! Shorthands of the language against what they stand for, written out: sums over pairs, lists, arithmetic of phase cycles, lengths of
//! pulses and delays between centres.

use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::{Evaluator, Values};
use ergoseq::ir::Experiment;
use ergoseq::run;

fn compiled(text: &str) -> Experiment {
    match ergoseq::compile("language.seq", text, &mut ergoseq::no_files) {
        Ok(compiled) => compiled.experiment,
        Err(refused) => panic!("{text}\n{}", refused.render()),
    }
}

fn codes(text: &str) -> Vec<&'static str> {
    match ergoseq::compile("language.seq", text, &mut ergoseq::no_files) {
        Ok(compiled) => match ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()) {
            Ok(_) => vec![],
            Err(fault) => vec![fault.code.number()],
        },
        Err(refused) => refused.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code.number()).collect(),
    }
}

fn ran(text: &str) -> Run {
    run(&compiled(text), &Values::new(), &Options::default()).unwrap_or_else(|fault| panic!("{text}\n{fault:?}"))
}

/// The value of a parameter.
fn value(text: &str, name: &str) -> f64 {
    Evaluator::new(&compiled(text), &Values::new()).unwrap_or_else(|fault| panic!("{text}\n{fault:?}")).values[name]
}

/// The values at the mark `m`, with their keys.
fn at_mark(run: &Run) -> Vec<(String, Option<f64>)> {
    run.marks.iter().find(|mark| mark.name == "m").expect("the mark m").values.clone()
}

/// Two programs have equal results at the mark `m`, apart from rounding.
fn same(a: &str, b: &str) {
    let (x, y) = (at_mark(&ran(a)), at_mark(&ran(b)));
    assert_eq!(x.len(), y.len());
    for ((key, x), (_, y)) in x.iter().zip(&y) {
        match (x, y) {
            (Some(x), Some(y)) => assert!((x - y).abs() <= 1e-10 * (1.0 + x.abs()), "{key}: {x} and {y}\n{a}\n{b}"),
            _ => assert_eq!(x, y, "{key}\n{a}\n{b}"),
        }
    }
}

fn natural(before: &str, sequence: &str) -> String {
    format!(
        "ergoseq 1\nunits natural\n{before}\nsystem {{ spin s[3] : 1/2 }}\nbattery {{ energy = Z(s[1])*Z(s[2]) + 0.3*Z(s[3]) }}\n\
         sequence {{\n prepare gibbs(Z(s[1]) + 0.4*X(s[2]) + 0.1*Y(s[3]), 1)\n {sequence}\n mark m\n}}\n\
         measure {{ energy, ergotropy, expectation(X(s[1])*Y(s[3])) }}\n"
    )
}

#[test]
fn a_sum_over_two_ranges_is_the_nested_sum() {
    let evolve = |h: &str| natural("", &format!("evolve {h} for 0.7"));
    let pairs = "sum(i in 1..3, j in i+1..3, X(s[i])*X(s[j])/(j - i)^3) + Z(s[2])";
    same(&evolve(pairs), &evolve("sum(i in 1..3, sum(j in i+1..3, X(s[i])*X(s[j])/(j - i)^3)) + Z(s[2])"));
    same(&evolve(pairs), &evolve("X(s[1])*X(s[2]) + X(s[2])*X(s[3]) + X(s[1])*X(s[3])/8 + Z(s[2])"));
    let product = "product(i in 1..2, j in i..2, 1 + 0.1*i*j) * (X(s[1]) + Y(s[2]))";
    same(&evolve(product), &evolve("1.1*1.2*1.4 * (X(s[1]) + Y(s[2]))"));
}

#[test]
fn an_element_of_a_list_is_its_value() {
    let list = "param w = 0.3, J = [w, 2*w, -0.1], last = J[size(J)] + J[1]";
    let h = "sum(k in 1..2, J[k]*X(s[k])*X(s[k+1])) + J[3]*Y(s[2]) + last*Z(s[1])";
    same(
        &natural(list, &format!("evolve {h} for 0.7")),
        &natural("", "evolve 0.3*X(s[1])*X(s[2]) + 0.6*X(s[2])*X(s[3]) - 0.1*Y(s[2]) + 0.2*Z(s[1]) for 0.7"),
    );
    same(
        &natural(
            "param taus = [0.1, 0.5, 0.2]",
            "loop k in 1..size(taus) { evolve X(s[k]) + Z(s[1])*Y(s[2]) for taus[k] }",
        ),
        &natural(
            "",
            "evolve X(s[1]) + Z(s[1])*Y(s[2]) for 0.1\n evolve X(s[2]) + Z(s[1])*Y(s[2]) for 0.5\n \
             evolve X(s[3]) + Z(s[1])*Y(s[2]) for 0.2",
        ),
    );
}

/// A swept parameter changes the lists made of it, in single runs and in batches.
#[test]
fn lists_follow_their_parameters() {
    let text = natural("param w = 0.3, J = [w, 2*w], N = 2, R[N] : gaussian(mean = w, sd = 0.1, seed = 4)", "")
        .replace("mark m", "evolve J[2]*X(s[1]) + R[2]*Y(s[2]) for 1\n mark m");
    let (experiment, plain) = (compiled(&text), Values::from([("w".to_string(), 0.5)]));
    let swept = run(&experiment, &plain, &Options::default()).unwrap();
    let drawn = value(&text.replace("N = 2,", "N = 2, r = R[2],"), "r") - 0.3;
    let written = natural("", &format!("evolve 1*X(s[1]) + (0.5 + {drawn:?})*Y(s[2]) for 1"));
    for ((key, x), (_, y)) in at_mark(&swept).iter().zip(&at_mark(&ran(&written))) {
        assert!((x.unwrap() - y.unwrap()).abs() < 1e-12, "{key}: {x:?} and {y:?}");
    }
}

#[test]
fn random_lists_are_the_same_for_the_same_seed() {
    let program = |list: &str| {
        format!("ergoseq 1\nunits natural\n{list}\nsystem {{ spin a : 1/2 }}\nsequence {{ prepare mixed }}")
    };
    let element = |list: &str, name: &str, k: usize| value(&program(&format!("{list}, x = {name}[{k}]")), "x");
    let list = |name: &str, size: usize, seed: usize| {
        format!("param {name}[{size}] : gaussian(mean = 2, sd = 0.5, seed = {seed})")
    };
    let first = element(&list("J", 4, 1), "J", 2);
    assert_eq!(first.to_bits(), element(&list("J", 4, 1), "J", 2).to_bits());
    // A longer list begins with the shorter one; another seed, and another list, have other numbers.
    assert_eq!(first.to_bits(), element(&list("J", 400, 1), "J", 2).to_bits());
    assert_ne!(first, element(&list("J", 4, 2), "J", 2));
    assert_ne!(first, element(&list("K", 4, 1), "K", 2));
}

/// Means and variances are those of the distributions, within five standard errors of 20,000 numbers.
#[test]
fn random_lists_have_their_distribution() {
    let program = |shape: &str| {
        format!(
            "ergoseq 1\nunits natural\nparam N = 20000, J[N] : {shape}\nparam m = sum(k in 1..N, J[k])/N\n\
             param v = sum(k in 1..N, (J[k] - m)^2)/N, low = sum(k in 1..N, step(2 - J[k]))/N\n\
             system {{ spin a : 1/2 }}\nsequence {{ prepare mixed }}"
        )
    };
    let near = |x: f64, expected: f64, error: f64| assert!((x - expected).abs() < 5.0 * error, "{x}, not {expected}");
    let root = 20000f64.sqrt();
    let gaussian = program("gaussian(mean = 2, sd = 0.5, seed = 7)");
    near(value(&gaussian, "m"), 2.0, 0.5 / root);
    near(value(&gaussian, "v"), 0.25, 0.25 * 2f64.sqrt() / root);
    // Variance 1/12 of the width squared, fourth moment 1/80.
    let uniform = program("uniform(from = 1, to = 3, seed = 7)");
    near(value(&uniform, "m"), 2.0, (1.0 / 3.0f64).sqrt() / root);
    near(value(&uniform, "v"), 1.0 / 3.0, 4.0 * (1.0 / 80.0 - 1.0 / 144.0f64).sqrt() / root);
    // A Lorentzian has no moments: half of it lies below its centre, and a quarter below the point of half height.
    near(value(&program("lorentzian(centre = 2, fwhm = 1, seed = 7)"), "low"), 0.5, 0.5 / root);
    near(value(&program("lorentzian(centre = 2.5, fwhm = 1, seed = 7)"), "low"), 0.25, (3.0 / 16.0f64).sqrt() / root);
}

#[test]
fn wrong_lists_are_refused() {
    let lab = |params: &str, delay: &str| {
        format!(
            "ergoseq 1\n{params}\nsystem {{ field 9.4 T temperature 300 K spin h : 1H }}\n\
             sequence {{ prepare thermal delay {delay} }}"
        )
    };
    let cases = [
        ("param taus = [1 ms, 2 ms]", "taus[3]", "E404"),
        ("param taus = [1 ms, 2 ms]", "taus[0]", "E404"),
        ("param taus = [1 ms, 2 ms]", "taus[1.5]", "E404"),
        ("param taus = [1 ms, 2 ms]", "taus", "E212"),
        ("param taus = [1 ms, 2 kHz]", "taus[1]", "E301"),
        ("param tau = 1 ms", "tau[1]", "E212"),
        ("param taus = [taus[2], 1 ms]", "taus[1]", "E203"),
        ("param J[3] : gaussian(mean = 1 ms, sd = 1 us)", "J[1]", "E214"),
        ("param J[3] : gaussian(sd = 1 us, seed = 1)", "J[1]", "E214"),
        ("param J[3] : gaussian(mean = 1 ms, sd = 1 Hz, seed = 1)", "J[1]", "E301"),
        ("param J[3] : gaussian(mean = 1 ms, sd = -1 us, seed = 1)", "J[1]", "E404"),
        ("param J[3] : normal(mean = 1 ms, sd = 1 us, seed = 1)", "J[1]", "E206"),
        ("param J[0] : gaussian(mean = 1 ms, sd = 1 us, seed = 1)", "J[1]", "E404"),
        ("param J[2.5] : gaussian(mean = 1 ms, sd = 1 us, seed = 1)", "J[1]", "E403"),
        ("param J[1000000] : gaussian(mean = 1 ms, sd = 1 us, seed = 1)", "J[1]", "E404"),
        ("param J : gaussian(mean = 1 ms, sd = 1 us, seed = 1)", "1 ms", "E101"),
        ("param taus = []", "1 ms", "E101"),
        ("param taus = [1 ms] in 0 ms .. 1 ms", "taus[1]", "E101"),
        ("param taus = [1 ms]", "size(tau)*1 ms", "E207"),
    ];
    for (params, delay, code) in cases {
        let text = lab(params, delay);
        assert!(codes(&text).contains(&code), "{text}: {:?}", codes(&text));
    }
}

fn lab(before: &str, sequence: &str) -> String {
    format!(
        "ergoseq 1\n{before}\nsystem {{\n field 9.4 T\n temperature 300 K\n spin a, b : 1H\n shift a = 1 ppm\n dipolar a b = 2 kHz\n}}\n\
         channel 1H {{ rf = 50 kHz }}\nsequence {{\n prepare thermal\n {sequence}\n mark m\n}}\n\
         measure {{ elapsed, order(Iz(a)), order(Ix(a)), order(Iy(b)), order(dipolar) }}\n"
    )
}

#[test]
fn cycles_in_phases_and_in_cycles_are_their_steps() {
    let two = "pulse 1H 70 deg phase PHI\n delay 50 us\n pulse 1H 40 deg phase PSI";
    let program = |cycles: &str, phi: &str, psi: &str| lab(cycles, &two.replace("PHI", phi).replace("PSI", psi));
    let written = program("cycle p = x, y, -x\ncycle q = 90 deg, 180 deg, 270 deg", "p", "q");
    same(&program("cycle p = x, y, -x", "p", "p + 90 deg"), &written);
    same(&program("cycle p = x, y, -x\ncycle q = p + 90 deg", "p", "q"), &written);
    let twice = program("cycle p = x, y, -x\ncycle q = 0 deg, 180 deg, 0 deg", "p", "q");
    same(&program("cycle p = x, y, -x", "p", "2*p"), &twice);
    // A cycle that contains another is as long as all of its parts.
    let long = program("cycle p = x, y, -x\ncycle q = 0 deg, 90 deg, 180 deg, 90 deg, 180 deg, 270 deg", "p", "q");
    same(&program("cycle q = p, p + 90 deg\ncycle p = x, y, -x", "p", "q"), &long);
    // Two cycles of 2 and 3 phases, added step by step.
    let sums = program(
        "cycle p = x, -x\ncycle r = x, y, -x\ncycle q = 0 deg, 270 deg, 180 deg, 180 deg, 90 deg, 0 deg",
        "p",
        "q",
    );
    same(&program("cycle p = x, -x\ncycle r = x, y, -x", "p", "p + r"), &sums);
    same(&program("cycle p = x, -x\ncycle r = x, y, -x\ncycle q = p + r", "p", "q"), &sums);
}

#[test]
fn wrong_phases_are_refused() {
    let pulse = |cycles: &str, phase: &str| codes(&lab(cycles, &format!("pulse 1H 90 deg phase {phase}")));
    assert_eq!(pulse("cycle p = q + 90 deg\ncycle q = p, x", "p")[0], "E203");
    assert_eq!(pulse("cycle p = x, y", "p + 5 us")[0], "E301");
    assert_eq!(pulse("", "-x + 5 deg")[0], "E201");
    let doubling: String = (1..20).map(|k| format!("cycle p{k} = p{}, p{} + 90 deg\n", k - 1, k - 1)).collect();
    assert_eq!(pulse(&format!("cycle p0 = x, y\n{doubling}"), "p19")[0], "E506");
}

#[test]
fn the_length_of_a_pulse_is_its_angle_over_its_rf() {
    let near = |text: &str, expected: f64| {
        let found = value(&lab(&format!("param tau = {text}"), "delay tau"), "tau");
        assert!((found - expected).abs() < 1e-18, "{text} is {found}, not {expected}");
    };
    // A quarter of a turn at 50 kHz takes a quarter of 20 us.
    near("length(1H, 90 deg)", 5e-6);
    near("length(1H, -180 deg)", 10e-6);
    near("length(1H, 90 deg, 25 kHz)", 10e-6);
    near("100 us - length(1H, 90 deg)/2 - length(1H, 180 deg)/2", 92.5e-6);
    assert_eq!(codes(&lab("", "delay length(13C, 90 deg)"))[0], "E214");
    assert_eq!(codes(&lab("", "delay length(1H, 90 us)"))[0], "E302");
    assert_eq!(codes(&lab("", "delay length(1H)"))[0], "E207");
    assert_eq!(codes(&lab("", "delay length(1H, 90 deg, 0 kHz)"))[0], "E404");
    assert_eq!(codes(&lab("", "delay length(1X, 90 deg)"))[0], "E208");
}

/// Delays between centres with pulses of 5 us (90 deg) and 10 us (180 deg), and the same with delays from end to begin.
const CENTRES: &[(&str, &str)] = &[
    (
        "pulse 1H 90 deg phase x\n delay 50 us between centres\n pulse 1H 180 deg phase y\n delay 50 us between centres",
        "pulse 1H 90 deg phase x\n delay 42.5 us\n pulse 1H 180 deg phase y\n delay 45 us",
    ),
    (
        "pulse 1H 90 deg phase x\n mark a1\n delay 50 us between centres\n crush\n mark a2\n dephase Iz(a)\n pulse 1H 180 deg phase y",
        "pulse 1H 90 deg phase x\n delay 42.5 us\n crush\n dephase Iz(a)\n pulse 1H 180 deg phase y",
    ),
    (
        "pulse 1H 90 deg phase x\n delay 50 us between centres\n loop 3 {\n pulse 1H 180 deg phase y\n delay 100 us between centres\n }",
        "pulse 1H 90 deg phase x\n delay 42.5 us\n pulse 1H 180 deg phase y\n delay 90 us\n pulse 1H 180 deg phase y\n delay 90 us\n \
         pulse 1H 180 deg phase y\n delay 95 us",
    ),
    (
        "pulse 1H 90 deg phase x\n loop 2 {\n delay 50 us between centres\n pulse 1H 180 deg phase y\n delay 50 us between centres\n }",
        "pulse 1H 90 deg phase x\n delay 42.5 us\n pulse 1H 180 deg phase y\n delay 45 us\n delay 45 us\n pulse 1H 180 deg phase y\n delay 45 us",
    ),
    (
        "pulse 1H 90 deg phase x\n loop 4 {\n delay 50 us between centres\n pulse 1H 90 deg phase y\n }\n delay 30 us between centres\n \
         pulse 1H 180 deg phase x",
        "pulse 1H 90 deg phase x\n loop 4 {\n delay 45 us\n pulse 1H 90 deg phase y\n }\n delay 22.5 us\n pulse 1H 180 deg phase x",
    ),
    (
        "pulse 1H 90 deg phase x\n loop 0 { pulse 1H 180 deg phase y }\n delay 50 us between centres\n loop 0 { delay 1 us }\n \
         pulse 1H 90 deg phase x",
        "pulse 1H 90 deg phase x\n delay 45 us\n pulse 1H 90 deg phase x",
    ),
    (
        "loop k in 1..3 {\n pulse 1H k*90 deg phase x\n delay 50 us between centres\n }\n pulse 1H 90 deg phase x",
        "pulse 1H 90 deg phase x\n delay 42.5 us\n pulse 1H 180 deg phase x\n delay 37.5 us\n pulse 1H 270 deg phase x\n delay 40 us\n \
         pulse 1H 90 deg phase x",
    ),
    (
        "pulse 1H 180 deg phase x\n loop 2 {\n loop 2 {\n delay 50 us between centres\n pulse 1H 90 deg phase x\n }\n delay 20 us\n }",
        "pulse 1H 180 deg phase x\n delay 42.5 us\n pulse 1H 90 deg phase x\n delay 45 us\n pulse 1H 90 deg phase x\n delay 20 us\n \
         delay 47.5 us\n pulse 1H 90 deg phase x\n delay 45 us\n pulse 1H 90 deg phase x\n delay 20 us",
    ),
];

#[test]
fn delays_between_centres_are_shorter_by_the_halves_of_the_pulses_around() {
    for (centres, written) in CENTRES {
        same(&lab("", centres), &lab("", written));
    }
    // Echoes of n refocusing pulses: the centre of the first pulse, 2n half echoes, and the end.
    let train = "pulse 1H 90 deg phase x\n loop 50 {\n delay 50 us between centres\n pulse 1H 180 deg phase y\n delay 50 us between centres\n }";
    let elapsed = at_mark(&ran(&lab("", train)))[0].1.unwrap();
    assert!((elapsed - (2.5e-6 + 50.0 * 100e-6)).abs() < 1e-15, "{elapsed}");
}

#[test]
fn delays_that_have_no_centre_beside_them_are_refused() {
    for around in [
        "delay 50 us between centres",
        "pulse 1H 90 deg phase x\n lock 1H phase y from 5 kHz to 0 kHz over 10 us\n delay 50 us between centres\n pulse 1H 90 deg phase x",
        "pulse 1H 90 deg phase x\n delay 50 us between centres\n evolve 1 kHz*Iz(a) for 1 us",
        "pulse 1H 90 deg phase x\n loop 3 {\n pulse 1H 180 deg phase x\n delay 9 us between centres\n }",
    ] {
        assert_eq!(codes(&lab("", around)), ["E408"], "{around}");
    }
}

#[test]
fn a_negative_flip_angle_turns_about_the_opposite_axis() {
    for phase in ["x", "y", "30 deg", "p"] {
        let pulse = |angle: &str, phase: &str, how: &str| {
            lab("cycle p = x, y, 200 deg", &format!("pulse 1H 35 deg phase x\n pulse 1H {angle} phase {phase} {how}"))
        };
        let opposite = match phase {
            "x" => "-x",
            "y" => "-y",
            "p" => "p + 180 deg",
            _ => "210 deg",
        };
        for how in ["", "ideal", "rf = 20 kHz", "duration = 30 us", "rf = 40 kHz shape = gauss"] {
            same(&pulse("-70 deg", phase, how), &pulse("70 deg", opposite, how));
        }
    }
    // A turn and the turn back.
    let there_and_back = ran(&lab("", "pulse 1H 70 deg phase 20 deg ideal\n pulse 1H -70 deg phase 20 deg ideal"));
    let order = at_mark(&there_and_back)[1].1.unwrap();
    // One spin of two; the thermal state is their sum up to the square of the polarisation, some 1e-9.
    assert!((order - std::f64::consts::FRAC_1_SQRT_2).abs() < 1e-9, "{order}");
    // A parameter may have either sign.
    let given =
        |angle: &str, phase: &str| lab(&format!("param flip = {angle}"), &format!("pulse 1H flip phase {phase}"));
    same(&given("-20 deg", "x"), &given("20 deg", "-x"));
    same(&given("0 deg", "x"), &lab("", "delay 0 us"));
}

#[test]
fn units_have_their_other_spellings() {
    let pairs = [
        ("delay 5 \u{b5}s", "delay 5 us"),
        ("delay 5 \u{3bc}s", "delay 5 us"),
        ("pulse 1H 90\u{b0} phase x", "pulse 1H 90 deg phase x"),
        ("pulse 1H 90 deg*95 % phase x", "pulse 1H 85.5 deg phase x"),
        ("pulse 1H 90 deg*(100 - 5) % phase x", "pulse 1H 85.5 deg phase x"),
    ];
    for (other, plain) in pairs {
        let pulse = "\n pulse 1H 40 deg phase y";
        same(&lab("", &format!("{other}{pulse}")), &lab("", &format!("{plain}{pulse}")));
    }
    let percent = "ergoseq 1\nunits natural\nparam x = 5 %\nsystem { spin a : 1/2 }\nsequence { prepare mixed }";
    assert!((value(percent, "x") - 0.05).abs() < 1e-17);
    // Elsewhere a percent sign is no comment.
    assert_eq!(codes(&lab("% a comment", "delay 1 us"))[0], "E106");
}

/// What is said of a unit that does not exist keeps the dimension that was meant.
#[test]
fn hints_for_units_are_of_the_same_dimension() {
    for (word, hint) in
        [("mss", "`ms`"), ("uss", "`us`"), ("kHzz", "`kHz`"), ("degg", "`deg`"), ("KHz", "`kHz`"), ("usec", "us")]
    {
        let text = lab("", &format!("delay 1 {word}"));
        let refused = ergoseq::compile("unit.seq", &text, &mut ergoseq::no_files).expect_err("no such unit");
        let help = refused.diagnostics.iter().flat_map(|d| d.help.clone()).collect::<Vec<_>>().join(" ");
        assert!(help.contains(hint), "{word}: {help}");
    }
}

/// gamma/2pi of 1H is 267.5221874/(2 pi) MHz/T.
const PROTON: f64 = 267.522_187_4e6 / std::f64::consts::TAU;

#[test]
fn fields_and_shifts_may_be_frequencies() {
    let with = |field: &str, shift: &str, carrier: &str| {
        format!(
            "ergoseq 1\nparam nu = larmor(1H), back = larmor(29Si)\nsystem {{ field {field}\n temperature 300 K\n spin h : 1H\n spin si : 29Si\n {shift} }}\n\
             channel 1H {{ rf = 50 kHz{carrier} }}\nsequence {{\n prepare thermal\n pulse 1H 90 deg phase x\n delay 0.3 ms\n mark m\n}}\n\
             measure {{ order(Ix(h)), order(Iy(h)) }}\n"
        )
    };
    let near = |x: f64, y: f64| assert!((x - y).abs() <= 1e-12 * y.abs(), "{x} and {y}");
    near(value(&with("400 MHz of 1H", "", ""), "nu"), 400e6);
    near(value(&with("9.4 T", "", ""), "nu"), PROTON * 9.4);
    // The Larmor frequency is positive, also where gamma is negative: 53.190/267.5221874 of that of the proton.
    near(value(&with("400 MHz of 1H", "", ""), "back"), 400e6 * 53.190 / 267.522_187_4);
    near(value(&with("100 MHz of 29Si", "", ""), "back"), 100e6);
    // 500 Hz at 400 MHz is 1.25 ppm.
    let ppm = with("400 MHz of 1H", "shift h = 1.25 ppm", ", carrier = 2 ppm");
    same(&with("400 MHz of 1H", "shift h = 500 Hz", ", carrier = 800 Hz"), &ppm);
    same(&with("400 MHz of 1H", "shift h = 500 Hz", ", carrier = 2 ppm"), &ppm);
    same(
        &with("nu0 of 1H", "shift h = s", ", carrier = s + 300 Hz")
            .replace("param nu", "param nu0 = 400 MHz, s = 500 Hz, nu"),
        &ppm,
    );
    // What cannot be: no field, no isotope, a field made of itself.
    let refused = |text: String| codes(&text);
    assert_eq!(refused(with("400 MHz", "", ""))[0], "E302");
    assert_eq!(refused(with("400 MHz of 1X", "", ""))[0], "E208");
    assert_eq!(refused(with("9.4 T of 1H", "", ""))[0], "E302");
    assert!(refused(with("larmor(1H)*(1 turn)/gamma(1H)", "", "")).contains(&"E203"));
    assert!(refused(with("B of 1H", "", "").replace("param nu", "param B = larmor(1H), nu")).contains(&"E203"));
    let bare = "ergoseq 1\nsystem { spin a : 1/2\n field 9.4 T\n shift a = 500 Hz }\nsequence { prepare mixed }";
    assert_eq!(codes(bare)[0], "E302");
    let fieldless = "ergoseq 1\nparam nu = larmor(1H)\nsystem { spin a : 1H }\nsequence { prepare mixed delay 1/nu }";
    assert_eq!(codes(fieldless)[0], "E214");
    let circular = lab("", "delay 1 us").replace("rf = 50 kHz", "rf = 0.25/length(1H, 90 deg)");
    assert!(codes(&circular).contains(&"E203"));
}

/// A parameter made of a length or a Larmor frequency needs the parameters that the channel and the field are made of.
#[test]
fn lengths_and_larmor_frequencies_follow_their_parameters() {
    let text =
        lab("param tau = 50 us - length(1H, 90 deg), nu = 50 kHz", "delay tau").replace("rf = 50 kHz", "rf = nu");
    assert!((value(&text, "tau") - 45e-6).abs() < 1e-18);
    let text = lab("param nu = larmor(1H)/1000000, B = 1 T", "delay 1/nu").replace("field 9.4 T", "field B");
    assert!((value(&text, "nu") - PROTON * 1e-6).abs() < 1e-9);
}

#[test]
fn operators_have_names() {
    let text = |declared: &str, measure: &str| {
        natural(declared, "evolve X(s[1]) + 0.3*Y(s[2]) + 0.2*Z(s[3])*X(s[1]) for 0.4")
            .replace("measure { energy, ergotropy, expectation(X(s[1])*Y(s[3])) }", &format!("measure {{ {measure} }}"))
    };
    let named = text(
        "operator M = sum(k in 1..3, Iz(s[k]))\noperator P = flip + M\noperator flip = Ip(s[1])*Im(s[2])\noperator back = Im(s[1])*Ip(s[2])",
        "order(M), expectation(M), expectation(P + back), correlation(M)\n",
    );
    let sum = "(Iz(s[1]) + Iz(s[2]) + Iz(s[3]))";
    let written = text(
        "",
        &format!(
            "order({sum}), expectation({sum}), expectation(Ip(s[1])*Im(s[2]) + {sum} + Im(s[1])*Ip(s[2])), correlation({sum})\n"
        ),
    );
    let values = |text: &str| at_mark(&ran(text)).into_iter().map(|(_, x)| x.unwrap()).collect::<Vec<_>>();
    for (a, b) in values(&named).iter().zip(values(&written)) {
        assert!((a - b).abs() < 1e-12, "{a} and {b}");
    }
    // In a laboratory file an operator has any dimension, a Hamiltonian that of a frequency or an energy.
    let measured =
        |kind: &str| lab(&format!("{kind} M = Iz(a) + Iz(b)"), "delay 1 us").replace("elapsed,", "order(M),");
    assert!(codes(&measured("operator")).is_empty());
    assert_eq!(codes(&measured("hamiltonian"))[0], "E302");
    assert_eq!(codes(&lab("operator M = 3", "dephase M"))[0], "E304");
    assert_eq!(codes(&lab("operator M = 2*M", "dephase M"))[0], "E203");
    assert!(codes(&lab("operator M = Iz(a)", "evolve M for 1 us")).contains(&"E302"));
}

#[test]
fn up_and_down_take_arrays() {
    let program = |state: &str| {
        format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a : 1/2 spin s[3] : 1/2 spin q : 1 }}\nbattery {{ energy = Z(s[1]) + 2*Z(s[3]) + Iz(q) + X(a)*X(s[2]) }}\n\
             sequence {{\n prepare {state}\n evolve X(a)*Y(s[2]) + Iz(q)*X(s[1]) for 0.3\n mark m\n}}\nmeasure {{ energy, ergotropy, expectation(Z(s[1])*Y(a)) }}\n"
        )
    };
    let one_by_one = "down(s[1]), down(s[2]), down(s[3])";
    same(&program("up(a), down(s), up(q)"), &program(&format!("up(a), {one_by_one}, up(q)")));
    same(&program("up(a), down(s), up(q)"), &program("ket \"01110\""));
    same(&program("down(q), up(s), down(a)"), &program("ket \"10002\""));
}

#[test]
fn amplitudes_have_a_phase() {
    let program = |state: &str| {
        format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a, b : 1/2 }}\nbattery {{ energy = Z(a) + X(b) }}\n\
             sequence {{\n prepare {state}\n mark m\n}}\nmeasure {{ energy, expectation(Y(a)), expectation(X(a)), expectation(X(a)*Y(b) + Y(a)*X(b)) }}\n"
        )
    };
    // Amplitudes 1 and i are up along y; a negative magnitude is the opposite phase, a phase of pi a sign.
    let y = at_mark(&ran(&program("superposition(1: ket \"00\", 1 phase pi/2: ket \"10\")")));
    assert!((y[1].1.unwrap() - 1.0).abs() < 1e-15 && y[2].1.unwrap().abs() < 1e-15, "{y:?}");
    same(
        &program("superposition(1: ket \"00\", -0.5: ket \"10\")"),
        &program("superposition(1: ket \"00\", 0.5 phase pi: ket \"10\")"),
    );
    same(
        &program("superposition(1: ket \"00\", 1 phase pi/3: superposition(1: ket \"01\", 1 phase pi/4: ket \"10\"))"),
        &program("superposition(sqrt(2): ket \"00\", 1 phase pi/3: ket \"01\", 1 phase pi*7/12: ket \"10\")"),
    );
    assert_eq!(codes(&program("mix(0.5: ket \"00\", 0.5 phase pi: ket \"11\")"))[0], "E408");
    assert_eq!(codes(&program("superposition(1: ket \"00\", 1 phase pi, ket \"11\")"))[0], "E101");
}

/// Loops in loops whose repetitions differ are refused before they fill the memory.
#[test]
fn deep_loops_with_centres_are_counted() {
    let nested = |depth: usize| {
        let open = "loop 3 {\n pulse 1H 90 deg phase x\n delay 50 us between centres\n".repeat(depth);
        lab("", &format!("{open}{}pulse 1H 180 deg phase x", "}\n".repeat(depth)))
    };
    assert!(codes(&nested(2)).is_empty());
    assert_eq!(codes(&nested(30)), ["E506"]);
    // Counters in counters as well.
    let counters: String = (0..20).map(|k| format!("loop k{k} in 1..4 {{\n delay k{k}*1 us\n")).collect();
    assert_eq!(codes(&lab("", &format!("{counters}{}", "}\n".repeat(20)))), ["E506"]);
}

/// A keyword that was added later does not change a file that defines a subsequence of its name.
#[test]
fn later_keywords_leave_subsequences_alone() {
    let others = ["bath", "frame", "hyperfine", "zfs", "gtensor", "field", "rate"];
    for word in ergoseq::syntax::words::LATER.into_iter().chain(others) {
        let text = format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a : 1/2 }}\ndefine {word}(tau) {{ evolve X(a) for tau }}\nsequence {{\nprepare ket \"0\"\n\
             {word}(0.3)\nloop 2 {{ {word}(0.1) }}\n}}\nmeasure {{ expectation(Z(a)) }}\n"
        );
        let compiled = ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap_or_else(|e| panic!("{e}"));
        let run = ergoseq::run(&compiled.experiment, &Default::default(), &Default::default())
            .unwrap_or_else(|e| panic!("{e:?}"));
        let found = run.marks[0].values[0].1.unwrap();
        assert!((found - 1f64.cos()).abs() < 1e-12, "{word}: {found}");
    }
}
