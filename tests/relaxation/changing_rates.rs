//! Rates that depend on time: closed forms, QuTiP 5.3.1 (`mesolve` of a time-dependent Liouvillian, DOP853, rtol 1e-12, atol 1e-14), and laws.

use crate::marked;

use ergoseq::emulator::{Method, Options};
use ergoseq::hamiltonian::Values;
use marked::{at, close, run_with};

const NATURAL: &str = "ergoseq 1\nunits natural\nsystem { spin a : 1/2 }\n";

fn fine(method: Method) -> Options {
    Options { method, tolerance: 1e-11, ..Options::default() }
}

/// Excited population of a spin that only decays.
fn survival(noise: &str, sequence: &str, options: &Options) -> f64 {
    let text = format!(
        "{NATURAL}noise n {{ {noise} }}\nsequence {{\n prepare up(a)\n {sequence}\n}}\nmeasure {{ p = expectation(Iz(a)) + 0.5 }}\n"
    );
    at(&run_with(&text, options), "end", "p")
}

/// Amplitude damping: `p = exp(-integral of the rate)`.
#[test]
fn a_rate_integrates_to_the_closed_form() {
    let saturating = 0.4 * (3.0 - 1.5 * (1.0 - (-2f64).exp()));
    // 20 periods of 0.3 sin(2 pi t)^2, and a step from 0.2 to 0.7 at t = 1.
    let cases = [
        ("collapse Im(a) rate = 0.4*(1 - exp(-t/1.5))", 3.0, saturating),
        ("collapse sqrt(0.4*(1 - exp(-t/1.5)))*Im(a)", 3.0, saturating),
        ("collapse 2*Im(a) rate = 0.1*(1 - exp(-t/1.5))", 3.0, saturating),
        ("collapse 0.6*exp(-t)*Im(a)", 3.0, 0.18 * (1.0 - (-6f64).exp())),
        ("collapse Im(a) rate = 0.3*sin(2*pi*t)^2", 20.0, 3.0),
        ("collapse Im(a) rate = 0.2 + 0.5*step(t - 1)", 3.0, 1.6),
        ("collapse Im(a) rate = max(t - 1, 0)", 3.0, 2.0),
        ("bath a { emission = 0.1*t, temperature = 0, energy = Iz(a) }", 3.0, 0.45),
    ];
    for (noise, time, integral) in cases {
        for method in [Method::Auto, Method::Dop853] {
            for record in ["", " record 5 as r"] {
                let found = survival(noise, &format!("evolve Iz(a) for {time} with n{record}"), &fine(method));
                close(found, (-integral).exp(), 1e-10);
            }
        }
    }
    // The time begins anew with every statement, also in a loop.
    let once = 0.4 * (0.5 - 1.5 * (1.0 - (-1.0 / 3.0f64).exp()));
    close(
        survival(cases[0].0, "loop 4 { evolve Iz(a) for 0.5 with n }", &fine(Method::Auto)),
        (-4.0 * once).exp(),
        1e-10,
    );
    // A rate so large that the method with exponentials is chosen: the fixed point of a bath at temperature 1.
    let stiff = "bath a { rate = 1e5*(1 + cos(3*t)), temperature = 1, energy = Iz(a) }";
    close(survival(stiff, "evolve Iz(a) for 2 with n", &fine(Method::Auto)), 1.0 / (1.0 + 1f64.exp()), 1e-10);
}

#[test]
fn a_driven_spin_with_changing_rates_is_that_of_qutip() {
    let text = format!(
        "{NATURAL}noise n {{\n collapse Im(a) rate = 0.4*(1 - exp(-t/1.5))\n collapse Z(a) rate = 0.2*cos(2*t)^2\n collapse sqrt(0.05)*Ip(a)\n}}\n\
         noise mixed_up {{ collapse 0.5*Im(a) + 0.4*sin(t)*Z(a) + 0.3*exp(-t)*Ip(a) }}\n\
         battery {{ energy = 0.5*Z(a) }}\nsequence {{\n prepare ket \"0\"\n WHAT\n}}\n\
         measure {{\n x = expectation(X(a))\n y = expectation(Y(a))\n z = expectation(Z(a))\n heat\n work\n energy\n}}\n"
    );
    let driven = text.replace("WHAT", "evolve 0.6*Z(a) + 0.3*X(a) + 0.5*cos(1.1*t)*Y(a) for 3 with n record 4 as r");
    let summed = text.replace("WHAT", "evolve 0.6*Z(a) + 0.3*X(a) for 2.5 with mixed_up record 4 as r");
    for (program, expected) in [
        (&driven, [-0.193340070579, 0.056455552162, 0.009067183715]),
        (&summed, [0.469833092667, 0.419403503389, 0.259381467024]),
    ] {
        let mut heats = vec![];
        for method in [Method::Auto, Method::Dop853, Method::Plain] {
            let r = run_with(program, &fine(method));
            for (key, x) in ["x", "y", "z"].into_iter().zip(expected) {
                // QuTiP's numbers are accurate to about 1e-11.
                close(at(&r, "end", key), x, if method == Method::Plain { 2e-9 } else { 3e-11 });
            }
            close(at(&r, "end", "energy"), 0.5 + at(&r, "end", "heat") + at(&r, "end", "work"), 1e-9);
            heats.push(at(&r, "end", "heat"));
        }
        assert!(heats[0].abs() > 1e-2);
        close(heats[0], heats[1], 1e-10);
    }
}

/// With rates of one period the powers of one period are used: the same state and heat as by integration.
#[test]
fn many_periods_of_a_rate_are_powers_of_one() {
    let text = format!(
        "{NATURAL}noise n {{\n bath a {{ rate = 0.2 + 0.2*cos(2*pi*t), temperature = 0.8, energy = Z(a) }}\n}}\nbattery {{ energy = Z(a) }}\n\
         sequence {{\n prepare ket \"0\"\n evolve Z(a) + 0.3*cos(2*pi*t)*X(a) for 40 with n\n}}\nmeasure {{ energy, heat, work }}\n"
    );
    let (powers, integrated) = (run_with(&text, &fine(Method::Auto)), run_with(&text, &fine(Method::Dop853)));
    assert!(powers.how.methods.iter().any(|m| m.contains("period")), "{:?}", powers.how.methods);
    for key in ["energy", "heat", "work"] {
        close(at(&powers, "end", key), at(&integrated, "end", key), 2e-9);
    }
    assert!(at(&powers, "end", "work") > 0.01);
}

/// Pulses, delays and locks, and a sample that spins.
#[test]
fn changing_rates_act_in_every_statement_that_takes_a_noise() {
    let head = "ergoseq 1\nsystem {\n field 9.4 T\n spin h : 1H\n spin f : 13C\n spinning 5 kHz\n csa h = 20 ppm\n j h f = 90 Hz\n}\nchannel 1H { rf = 5 kHz }\n";
    let noise = "noise n {\n collapse Im(h) rate = RATE\n collapse 2*Iz(f) rate = 200 Hz\n}\n";
    let means = |rate: &str, sequence: &str| {
        let text = format!(
            "{head}{}measure {{ expectation(Iz(h)), expectation(Ix(h)), expectation(Iy(f)) }}\nsequence {{\n prepare superposition(1: ket \"00\", 1: ket \"01\")\n{sequence}\n}}\n",
            noise.replace("RATE", rate)
        );
        let r = run_with(&text, &Options { tolerance: 1e-10, ..Options::default() });
        ["expectation(Iz(h))", "expectation(Ix(h))", "expectation(Iy(f))"].map(|key| at(&r, "end", key))
    };
    for statement in [
        "delay 1 ms with n",
        "pulse 1H 900 deg phase x rf = 2.5 kHz with n",
        "lock 1H phase y from 5 kHz to 2 kHz over 1 ms with n",
    ] {
        // A rate that is constant, but not written as a constant.
        let (constant, varying) = (means("300 Hz", statement), means("300 Hz + 0 Hz*sin(2 kHz*t)", statement));
        constant.iter().zip(varying).for_each(|(a, b)| close(*a, b, 1e-8));
        let ramp = means("900 Hz*t/(1 ms)", statement);
        assert!((ramp[0] - constant[0]).abs() > 1e-3, "{statement}");
    }
    // A ramp of the rate from 0 to 600 Hz over 1 ms has the integral 0.3, as the constant one.
    let (ramp, constant) = (means("600 Hz*t/(1 ms)", "delay 1 ms with n"), means("300 Hz", "delay 1 ms with n"));
    close(ramp[0], constant[0], 1e-9);
}

fn message(text: &str) -> String {
    let compiled = match ergoseq::compile("test.seq", text, &mut ergoseq::no_files) {
        Ok(compiled) => compiled,
        Err(refused) => return refused.render(),
    };
    match ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(fault) => format!("{}: {} {:?}", fault.code.number(), fault.message, fault.help),
    }
}

#[test]
fn negative_and_undefined_rates_are_refused_with_their_time() {
    let text = |noise: &str, sequence: &str| {
        format!("{NATURAL}noise n {{ {noise} }}\nsequence {{\n prepare mixed\n {sequence}\n}}\n")
    };
    let evolve = "evolve Iz(a) for 2 with n";
    for (noise, sequence, why) in [
        ("collapse Im(a) rate = -0.1", evolve, "must not be negative, this is -0.1"),
        ("collapse Im(a) rate = 1 - t", evolve, "E404"),
        ("collapse Im(a) rate = 1 - t", evolve, "at t = 1.0"),
        ("collapse Im(a) rate = cos(5*t)", evolve, "with memory, are not supported"),
        ("collapse sqrt(1 - t)*Im(a)", evolve, "this rate is negative, -0.015625, at t = 1.015625"),
        ("collapse Im(a) rate = 1/t", evolve, "infinite or not a number at t = 0"),
        ("bath a { rate = t - 1, temperature = 1, energy = Iz(a) }", evolve, "negative"),
        ("collapse t*Im(a) rate = 1", evolve, "does not depend on time"),
        ("collapse Im(a) rate = t", "prepare steady_state(Iz(a), n)", "no state is steady"),
        ("collapse sqrt(1)*Im(a) rate = Iz(a)", evolve, "expected a number"),
        ("collapse Im(a) speed = 1", evolve, "has no setting `speed`"),
    ] {
        let program = text(noise, sequence);
        let program = if sequence.starts_with("prepare") { program.replace("prepare mixed\n ", "") } else { program };
        let said = message(&program);
        assert!(said.contains(why), "{why} is not in: {said}\n{program}");
    }
    let lab = "ergoseq 1\nsystem { spin a : 1H }\nnoise n { collapse Im(a) rate = 2 }\nsequence { prepare mixed\n delay 1 s with n }\n";
    assert!(message(lab).contains("E302"));
    let twice = "ergoseq 1\nsystem { spin a : 1H }\nnoise n { collapse sqrt(2 Hz)*Im(a) rate = 2 Hz }\nsequence { prepare mixed\n delay 1 s with n }\n";
    assert!(message(twice).contains("has no dimension"));
}
