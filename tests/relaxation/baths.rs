//! Thermal baths by detailed balance: beside QuTiP 5.3.1 (`mesolve`, DOP853, rtol 1e-12, atol 1e-14; the collapse operators were written out
//! there with n = 1/expm1(w/T) and f = 1/(exp(w/T) + 1)), and their laws.

use crate::marked;

use ergoseq::emulator::{Method, Options};
use ergoseq::hamiltonian::Values;
use marked::{at, close, run_with};

const NATURAL: &str = "ergoseq 1\nunits natural\n";

fn message(text: &str) -> String {
    let compiled = match ergoseq::compile("test.seq", text, &mut ergoseq::no_files) {
        Ok(compiled) => compiled,
        Err(refused) => return refused.render(),
    };
    match ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(fault) => format!("{}: {} {:?} {:?}", fault.code.number(), fault.message, fault.label, fault.help),
    }
}

/// A spin of any I, turned by 72 deg about x, then 2 units of time in a bath.
fn spin(spin: &str, hamiltonian: &str, settings: &str) -> [f64; 4] {
    let text = format!(
        "{NATURAL}system {{ spin a : {spin} }}\nhamiltonian H = {hamiltonian}\nnoise warm {{ bath a {{ {settings}, energy = H }} }}\n\
         sequence {{\n prepare up(a)\n evolve Ix(a) for 0.4*pi\n evolve H for 2 with warm\n}}\n\
         measure {{\n z = expectation(Iz(a))\n zz = expectation(Iz(a)^2)\n x = expectation(Ix(a))\n y = expectation(Iy(a))\n}}\n"
    );
    let r = run_with(&text, &Options::default());
    ["z", "zz", "x", "y"].map(|key| at(&r, "end", key))
}

#[test]
fn spins_relax_as_in_qutip() {
    let h = "1.3*Iz(a)";
    let cases: [(&str, &str, &str, [f64; 4]); 7] = [
        (
            "1",
            h,
            "emission = 0.2, temperature = 0.7",
            [-0.250975933423, 0.657833313095, 0.370617855941, 0.616057085224],
        ),
        ("1", h, "rate = 0.2, temperature = 0.7", [-0.132941877938, 0.625963214610, 0.403785523529, 0.671189821790]),
        ("1", h, "rate = 0.2, temperature = -0.7", [0.533556087964, 0.708057640614, 0.379118735279, 0.630187615805]),
        (
            "3/2",
            h,
            "emission = 0.2, temperature = 0.7",
            [-0.552364909042, 1.296507358128, 0.540916113207, 0.899134239517],
        ),
        ("3/2", h, "rate = 0.2, temperature = 0.7", [-0.347502675157, 1.166488677298, 0.601386283490, 0.999650381010]),
        ("3/2", h, "rate = 0.2, temperature = -0.7", [0.915519582254, 1.468533063254, 0.530526877758, 0.881864801454]),
        // Three gaps, each with its own occupation.
        (
            "3/2",
            "Iz(a) + 0.2*Iz(a)^2",
            "emission = 0.3, temperature = 0.5",
            [-0.830967324089, 1.455951513240, 0.074690784716, 0.056892580672],
        ),
    ];
    for (of, hamiltonian, settings, expected) in cases {
        let found = spin(of, hamiltonian, settings);
        // QuTiP's numbers are accurate to about 1e-11.
        found.iter().zip(expected).for_each(|(x, y)| close(*x, y, 3e-11));
    }
}

#[test]
fn a_mode_and_a_spin_in_a_tilted_field_relax_as_in_qutip() {
    let text = format!(
        "{NATURAL}system {{ mode m : 12 }}\nnoise warm {{ bath m {{ rate = 0.3, temperature = 0.6, energy = 0.8*number(m) }} }}\n\
         sequence {{\n prepare superposition(1: fock(m, 1), 1: fock(m, 2))\n evolve 0.8*number(m) for 1.5 with warm\n}}\n\
         measure {{\n n = expectation(number(m))\n nn = expectation(number(m)^2)\n x = expectation(lower(m) + raise(m))\n}}\n"
    );
    let r = run_with(&text, &Options::default());
    for (key, x) in [("n", 1.086154076719), ("nn", 2.022621508888), ("x", 0.409200630663)] {
        close(at(&r, "end", key), x, 3e-11);
    }
    let text = format!(
        "{NATURAL}system {{ spin a : 1/2 }}\nhamiltonian H = 0.5*Z(a) + 0.35*X(a) - 0.2*Y(a)\n\
         noise warm {{ bath a {{ rate = 0.3, temperature = 0.4, energy = H }} }}\nsequence {{\n prepare ket \"0\"\n evolve H for 2 with warm\n}}\n\
         measure {{\n x = expectation(X(a))\n y = expectation(Y(a))\n z = expectation(Z(a))\n}}\n"
    );
    let r = run_with(&text, &Options::default());
    for (key, x) in [("x", 0.145189330574), ("y", -0.373102303278), ("z", -0.236716536206)] {
        close(at(&r, "end", key), x, 3e-11);
    }
}

/// A mode and a spin that exchange energy, each in a bath of its own.
#[test]
fn two_baths_act_beside_a_coupling() {
    let text = format!(
        "{NATURAL}system {{\n mode m : 10\n spin a : 1/2\n}}\nhamiltonian H = 0.9*number(m) + 0.45*Z(a) + 0.25*(lower(m)*Ip(a) + hc)\n\
         noise baths {{\n bath m {{ emission = 0.1, temperature = 0.4, energy = H }}\n bath a {{ rate = 0.2, temperature = 1.5, energy = H }}\n}}\n\
         sequence {{\n prepare fock(m, 1), down(a)\n evolve H for 3 with baths\n}}\n\
         measure {{\n n = expectation(number(m))\n z = expectation(Z(a))\n}}\n"
    );
    let r = run_with(&text, &Options::default());
    close(at(&r, "end", "n"), 0.502787419900, 3e-11);
    close(at(&r, "end", "z"), -0.200382580179, 3e-11);
}

/// The stationary state of one bath is the Gibbs state of the spin's or mode's own Hamiltonian: levels in any direction, with unequal gaps,
/// of a collective, of spins with Zeeman energies in the laboratory.
#[test]
fn the_stationary_state_of_one_bath_is_the_gibbs_state() {
    let cases = [
        ("spin a : 1/2", "0.7*Iz(a)", "rate", 0.3),
        ("spin a : 1/2", "0.7*Iz(a)", "emission", 0.3),
        ("spin a : 1/2", "0.4*Ix(a) - 0.3*Iy(a) - 0.2*Iz(a)", "rate", 0.2),
        ("spin a : 5/2", "0.4*Ix(a) - 0.3*Iy(a) - 0.2*Iz(a)", "emission", 0.8),
        ("spin a : 2", "-0.4*Iz(a)", "rate", 0.5),
        ("spin a : 3/2", "0.4*Iz(a) + 0.3*Iz(a)^2", "rate", 0.5),
        ("spin a : 3/2", "0.4*Iz(a) - 0.7*Iz(a)^2", "emission", 0.5),
        ("mode a : 20", "1.1*number(a)", "rate", 0.8),
        ("mode a : 15", "1.1*number(a) + 0.05*number(a)^2", "emission", 0.6),
    ];
    for (of, h, word, temperature) in cases {
        let text = format!(
            "{NATURAL}system {{ {of} }}\nhamiltonian H = {h}\nnoise warm {{ bath a {{ {word} = 0.3, temperature = {temperature}, energy = H }} }}\n\
             state hot = gibbs(H, {temperature})\nsequence {{ prepare steady_state(H, warm) }}\nmeasure {{ trace_distance(hot) }}\n"
        );
        let r = run_with(&text, &Options::default());
        close(at(&r, "end", "trace_distance(hot)"), 0.0, 1e-10);
    }
}

/// A battery that is charged by a drive and a bath: the first law, and entropy production that never falls.
#[test]
fn a_battery_against_a_bath_obeys_both_laws() {
    for (temperature, word) in [(0.4, "rate"), (2.0, "emission"), (0.0, "rate")] {
        let text = format!(
            "{NATURAL}system {{ spin a : 3/2 }}\nhamiltonian H = 1.2*Iz(a)\n\
             noise warm {{ bath a {{ {word} = 0.25, temperature = {temperature}, energy = H }} }}\nbattery {{ energy = H }}\n\
             sequence {{\n prepare gibbs(H, 0.3)\n mark begin\n evolve H + 0.6*cos(1.2*t)*Ix(a) for 5 with warm\n mark driven\n \
             evolve H for 400 with warm record 40 as rest\n}}\nmeasure {{ energy, heat, work{} }}\n",
            if temperature > 0.0 { format!(", entropy_production({temperature})") } else { String::new() }
        );
        let r = run_with(&text, &Options { tolerance: 1e-11, ..Options::default() });
        let begin = at(&r, "begin", "energy");
        for mark in ["driven", "end"] {
            close(at(&r, mark, "energy") - begin, at(&r, mark, "heat") + at(&r, mark, "work"), 1e-10);
        }
        assert!(at(&r, "driven", "work") > 0.05);
        close(at(&r, "end", "work"), at(&r, "driven", "work"), 1e-10);
        if temperature == 0.0 {
            close(at(&r, "end", "energy"), -1.8, 1e-10);
            continue;
        }
        let x = |m: f64| (-1.2 * m / temperature).exp();
        let levels = [1.5, 0.5, -0.5, -1.5];
        let gibbs = levels.map(|m| 1.2 * m * x(m)).iter().sum::<f64>() / levels.map(x).iter().sum::<f64>();
        close(at(&r, "end", "energy"), gibbs, 1e-10);
        let key = format!("entropy_production({temperature})");
        let trace = &r.traces[0].values.iter().find(|(k, _)| *k == key).unwrap().1;
        let produced: Vec<f64> = trace.iter().map(|x| x.unwrap()).collect();
        assert!(produced[0] >= 0.0 && produced.windows(2).all(|w| w[1] >= w[0] - 1e-12), "{produced:?}");
    }
}

/// `rate` is 1/T1 of a spin 1/2 at every temperature, as `relax` has it with the same field and temperature.
#[test]
fn a_bath_of_a_nucleus_is_its_longitudinal_relaxation() {
    let head = "ergoseq 1\nsystem {\n field 9.4 T\n temperature 50 mK\n spin h : 1H\n spin c : 15N\n";
    let tail = "sequence {\n prepare mixed(h), up(c)\n delay 30 ms WITH\n}\nmeasure { expectation(2*Iz(h)), expectation(2*Iz(c)) }\n";
    let bath =
        format!("{head}}}\nnoise warm {{ bath h, c {{ rate = 20 Hz }} }}\n{}", tail.replace("WITH", "with warm"));
    let relax = format!("{head} relax h, c {{ T1 = 50 ms }}\n}}\n{}", tail.replace("WITH", ""));
    let (bath, relax) = (run_with(&bath, &Options::default()), run_with(&relax, &Options::default()));
    for key in ["expectation(2*Iz(h))", "expectation(2*Iz(c))"] {
        close(at(&bath, "end", key), at(&relax, "end", key), 1e-12);
    }
    // 1H at 50 mK: tanh(hbar gamma B/2kT) (1 - exp(-0.6)).
    let x: f64 = 1.054571817e-34 * 267.5221874e6 * 9.4 / (2.0 * 1.380649e-23 * 0.05);
    close(at(&bath, "end", "expectation(2*Iz(h))"), x.tanh() * (1.0 - (-0.6f64).exp()), 1e-9);
}

/// An index over spins, and an array by its name.
#[test]
fn baths_and_collapse_operators_take_an_index() {
    let text = |noise: &str| {
        format!(
            "{NATURAL}system {{ spin s[3] : 1/2 }}\nparam g[3] : uniform(from = 0.1, to = 0.5, seed = 2)\nhamiltonian H = 0.4*Z(s) + 0.2*X(s[1])*X(s[2])\n\
             noise n {{\n{noise}\n}}\nsequence {{\n prepare ket \"011\"\n evolve H for 2 with n\n}}\nmeasure {{ expectation(Z(s[1])), expectation(Z(s[2])), expectation(Z(s[3])) }}\n"
        )
    };
    let means = |noise: &str| {
        let r = run_with(&text(noise), &Options::default());
        [1, 2, 3].map(|k| at(&r, "end", &format!("expectation(Z(s[{k}]))")))
    };
    let written = |entry: &dyn Fn(usize) -> String| (1..=3).map(entry).collect::<Vec<_>>().join("\n");
    let settings = "temperature = 0.7, energy = H";
    for (short, long) in [
        (
            "collapse sqrt(g[k])*Im(s[k]) for k in 1..3".to_string(),
            written(&|k| format!("collapse sqrt(g[{k}])*Im(s[{k}])")),
        ),
        (
            "collapse Im(s[k]) rate = g[k]/k for k in 1..3".into(),
            written(&|k| format!("collapse Im(s[{k}]) rate = g[{k}]/{k}")),
        ),
        (
            format!("bath s[k] {{ rate = g[k], {settings} }} for k in 1..3"),
            written(&|k| format!("bath s[{k}] {{ rate = g[{k}], {settings} }}")),
        ),
        (
            format!("bath s {{ rate = 0.2, {settings} }}"),
            written(&|k| format!("bath s[{k}] {{ rate = 0.2, {settings} }}")),
        ),
        (
            format!("bath s[1], s[3] {{ rate = 0.2, {settings} }}"),
            written(&|k| if k == 2 { String::new() } else { format!("bath s[{k}] {{ rate = 0.2, {settings} }}") }),
        ),
    ] {
        let (short, long) = (means(&short), means(&long));
        short.iter().zip(long).for_each(|(a, b)| close(*a, b, 1e-14));
        assert!(short[0] != short[1]);
    }
    // A sum is a collective decay, which is another noise.
    let (each, together) = (means("collapse 0.5*Im(s[k]) for k in 1..3"), means("collapse 0.5*Im(s)"));
    assert!((each[1] - together[1]).abs() > 1e-3);
}

#[test]
fn impossible_baths_say_why() {
    let text = |system: &str, bath: &str| {
        format!("{NATURAL}system {{ {system} }}\nnoise n {{ bath {bath} }}\nsequence {{\n prepare mixed\n evolve 1 for 2 with n\n}}\n")
            .replace("evolve 1", if system.contains("mode") { "evolve number(m)" } else { "evolve Iz(a)" })
    };
    let spin = |settings: &str| text("spin a, b : 1/2", &format!("a {{ {settings} }}"));
    let mode = |settings: &str| text("mode m : 4", &format!("m {{ {settings} }}"));
    for (program, why) in [
        (spin("temperature = 1, energy = Iz(a)"), "a bath needs `rate` or `emission`"),
        (spin("rate = 1, energy = Iz(a)"), "a bath needs `temperature`"),
        (spin("rate = 1, temperature = 1"), "a bath needs `energy`"),
        (spin("rate = 1, emission = 1, temperature = 1, energy = Iz(a)"), "not both"),
        (spin("rates = 1, temperature = 1, energy = Iz(a)"), "did you mean `rate`"),
        (spin("rate = -1, temperature = 1, energy = Iz(a)"), "must not be negative"),
        (spin("rate = 1, temperature = 1, energy = Z(a)*Z(b)"), "no term of this energy acts on `a` alone"),
        (spin("emission = 1, temperature = -1, energy = Iz(a)"), "no negative temperature"),
        (spin("emission = 1, temperature = 1e300, energy = 1e-300*Iz(a)"), "is infinite"),
        (mode("rate = 1, temperature = -1, energy = number(m)"), "no negative temperature"),
        (mode("rate = 1, temperature = 1, energy = -number(m)"), "laboratory frame"),
        (mode("rate = 1, temperature = 1, energy = lower(m) + raise(m)"), "no ladder"),
        (text("spin a : 1", "a { rate = 1, temperature = 1, energy = Ix(a)^2 }"), "no ladder"),
        (
            "ergoseq 1\nsystem { spin a : 1H }\nnoise n { bath a { rate = 1 Hz, temperature = 1 K } }\nsequence {\n prepare mixed\n delay 1 s with n\n}\n".into(),
            "field",
        ),
        (
            "ergoseq 1\nsystem {\n spin a : 1H\n field 1 T\n}\nnoise n { bath a { rate = 1 Hz } }\nsequence {\n prepare mixed\n delay 1 s with n\n}\n".into(),
            "temperature",
        ),
        (
            "ergoseq 1\nsystem {\n mode m : 5\n field 1 T\n}\nnoise n { bath m { rate = 1 Hz, temperature = 1 K } }\nsequence {\n prepare mixed\n delay 1 s with n\n}\n".into(),
            "`m` has no Zeeman energy",
        ),
    ] {
        let said = message(&program);
        assert!(said.contains(why), "{why} is not in: {said}\n{program}");
    }
    // At an infinite temperature both directions are equally fast; without a gap too.
    let r = run_with(
        &spin("rate = 1, temperature = 1e300, energy = Iz(a)").replace("for 2", "for 60"),
        &Options { method: Method::Auto, ..Options::default() },
    );
    assert!(r.marks.iter().any(|m| m.name == "end"));
}
