//! Readings of means and statements whose strengths depend on them.

use ergoseq::emulator::{Method, Options, Run, Typical};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;

fn compiled(text: &str) -> Experiment {
    ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render())).experiment
}

fn run(text: &str) -> Run {
    let experiment = compiled(text);
    ergoseq::run(&experiment, &Values::new(), &Options::default()).unwrap_or_else(|e| panic!("{}: {text}", e.message))
}

/// What is said of a file that is refused, by the check or by the run.
fn refused(text: &str, options: &Options) -> String {
    match ergoseq::compile("test.seq", text, &mut ergoseq::no_files) {
        Err(refused) => refused.render(),
        Ok(compiled) => match ergoseq::run(&compiled.experiment, &Values::new(), options) {
            Ok(_) => panic!("accepted: {text}"),
            Err(fault) => format!("[{}] {} {}", fault.code.number(), fault.message, fault.help.join(" ")),
        },
    }
}

fn at(run: &Run, mark: &str, key: &str) -> f64 {
    let mark = run.marks.iter().find(|m| m.name == mark).unwrap();
    let (_, value) = mark.values.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("{key} of {:?}", mark.values));
    value.unwrap_or_else(|| panic!("{key} has no value: {:?}", run.notes))
}

fn close(a: f64, b: f64, within: f64) {
    assert!((a - b).abs() <= within, "{a} is not {b} within {within}");
}

fn file(sequence: &str, measure: &str) -> String {
    format!(
        "ergoseq 1\nunits natural\nparam g = 0.3\nsystem {{ spin a, b : 1/2 }}\nbattery {{ energy = Z(a) + 0.5*Z(b) }}\n\
         sequence {{\n{sequence}\n}}\nmeasure {{\n{measure}\n}}\n"
    )
}

/// A spin in the plane at the angle phi from x: `<Y> = sin(phi)`. The rotation about z by `2 u` with `u = -g <Y>` gives the recursion
/// `phi -> phi - 2 g sin(phi)`, which the run must follow for pure and mixed states, in loops, in observed loops and written out.
#[test]
fn a_reading_follows_its_recursion() {
    let (g, begin): (f64, f64) = (0.3, 2.0);
    let after = |passes: usize| (0..passes).fold(begin, |phi, _| phi - 2.0 * g * phi.sin());
    let pass = "read m = Y(a)\n evolve -g*m*Z(a) for 1";
    for (state, length) in [("ket \"00\"", 1.0), ("mix(0.7: ket \"00\", 0.3: ket \"10\")", 0.4)] {
        let prepare = format!("prepare {state}\n evolve Y(a) for pi/4\n evolve Z(a) for {begin}/2");
        let passes = 7;
        let recursion = (0..passes).fold(begin, |phi, _| phi - 2.0 * g * length * phi.sin());
        for body in [
            format!("loop {passes} {{ {pass} }}"),
            format!("loop {passes} record as passes {{ {pass} }}"),
            format!("{pass}\n").repeat(passes),
            format!("loop k in 1..{passes} {{ {pass} }}").replace("-g*", "-g*k/k*"),
        ] {
            let r = run(&file(&format!("{prepare}\n {body}"), "x = expectation(X(a))\n y = expectation(Y(a))"));
            close(at(&r, "end", "x"), length * recursion.cos(), 1e-13);
            close(at(&r, "end", "y"), length * recursion.sin(), 1e-13);
        }
    }
    assert!(after(60).abs() < 1e-12);
}

/// A spin polarised along x, read and kicked by an ideal pulse: the flip angle is the reading.
#[test]
fn ideal_pulses_turn_by_a_reading() {
    let text = "ergoseq 1\nsystem { field 9.4 T temperature 300 K spin h : 1H }\nparam angle = 40 deg\nbattery { energy = 2*pi * 1 Hz * Iz(h) }\n\
        sequence {\n prepare ket \"0\"\n pulse 1H angle phase y ideal\n read m = 2*Ix(h)\n pulse 1H -m*(1 rad) phase y ideal\n }\n\
        measure { expectation(Iz(h)) }";
    let text = text.replace("2*pi * 1 Hz", "1 Hz");
    let angle = 40f64.to_radians();
    close(at(&run(&text), "end", "expectation(Iz(h))"), 0.5 * (angle - angle.sin()).cos(), 1e-13);
}

/// Lyapunov control: with kicks `u = -k <i[C, H]>` and `k |[C, [C, H]]| < 2` no pass raises the energy, whatever the state and the
/// coupling; the ergotropy ends where the drives find nothing more.
#[test]
fn the_energy_never_rises() {
    let mut state = 5u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    for _ in 0..10 {
        let [w, v, j, p, q] = std::array::from_fn(|_| draw());
        // |[C, [C, H]]| is 4 times the part of H that C rotates, at most 4 (w/2 + v/2 + j/4) <= 5.
        let text = format!(
            "ergoseq 1\nunits natural\nparam k = 0.39\nsystem {{ spin a, b : 1/2 }}\n\
             hamiltonian H = {w}/2*Z(a) + {v}/2*Z(b) + {j}/4*Z(a)*Z(b)\nbattery {{ energy = H }}\nsequence {{\n\
             prepare mix({p}: superposition(1: ket \"00\", {q}: ket \"01\", {v} phase 1: ket \"10\"), {}: ket \"00\")\n\
             loop 60 record as passes {{\n\
             read ya = {w}*Y(a) + {j}/2*Y(a)*Z(b)\n evolve -k*ya*X(a) for 1\n\
             read yb = {v}*Y(b) + {j}/2*Z(a)*Y(b)\n evolve -k*yb*X(b) for 1\n\
             read yc = {w}*Y(a)*X(b) + {v}*X(a)*Y(b)\n evolve -k*yc*X(a)*X(b) for 1\n evolve H for 0.9 }}\n }}\n\
             measure {{ energy\n ergotropy\n power }}",
            1.0 - p
        );
        let r = run(&text);
        let passes = r.traces.iter().find(|t| t.name == "passes").unwrap();
        let energies: Vec<f64> =
            passes.values.iter().find(|(key, _)| key == "energy").unwrap().1.iter().map(|x| x.unwrap()).collect();
        assert!(energies.windows(2).all(|pair| pair[1] <= pair[0] + 1e-14), "{energies:?}\n{text}");
        assert!(energies[0] - energies[60] > 0.05, "{energies:?}");
        assert!(r.notes.is_empty(), "{:?}", r.notes);
        // H acts last, so no power flows.
        close(at(&r, "end", "power"), 0.0, 1e-13);
    }
}

/// The rate at the end of a driven statement is that of the Hamiltonian with the value read: dE/dt of `u X` on a spin along y.
#[test]
fn rates_are_those_of_the_bound_hamiltonian() {
    let text = file(
        "prepare ket \"00\"\n evolve X(a) for pi/5\n read m = Y(a)\n evolve 0.7*m*X(a) for 0.25",
        "energy\n rate = (energy)\n power",
    );
    let text = text.replace("energy\n rate = (energy)\n power", "ergotropy\n power");
    let r = run(&text);
    // The state is pure, so the ergotropy follows the energy: E = cos(theta) + 1/2, theta = 2 pi/5 + 2 u t, u = 0.7 <Y>.
    let begin = 2.0 * std::f64::consts::PI / 5.0;
    let u = 0.7 * -begin.sin();
    close(at(&r, "end", "power"), -2.0 * u * (begin + 2.0 * u * 0.25).sin(), 1e-12);
}

#[test]
fn a_feedback_that_oscillates_is_noted() {
    let text = |gain: f64| {
        file(
            &format!(
                "prepare ket \"00\"\n evolve Y(a) for pi/4\n evolve Z(a) for 0.2\n loop 40 {{ read m = Y(a)\n evolve -{gain}*m*Z(a) for 1 }}"
            ),
            "expectation(Y(a))",
        )
    };
    // phi -> phi - 2 g sin(phi): zero is stable for g < 1.
    let stable = run(&text(0.9));
    assert!(at(&stable, "end", "expectation(Y(a))").abs() < 1e-3 && stable.notes.is_empty(), "{:?}", stable.notes);
    let notes = run(&text(1.4)).notes;
    assert!(notes.iter().any(|n| n.contains("oscillates") && n.contains("`m`")), "{notes:?}");
}

#[test]
fn other_methods_agree_and_sweeps_read_at_every_point() {
    let sequence = "prepare ket \"00\"\n evolve X(a) + 0.3*Y(b) for 0.7\n loop 5 {\n read m = Y(a)*Z(b)\n evolve Z(a)*Z(b) + g*m*sin(t)*X(a) for 0.8\n }";
    let experiment = compiled(&file(sequence, "energy\n ergotropy"));
    for g in [0.2, 1.1] {
        let given = Values::from([("g".to_string(), g)]);
        let found = |method| {
            let options = Options { method, tolerance: 1e-10, ..Options::default() };
            let r = ergoseq::run(&experiment, &given, &options).unwrap_or_else(|e| panic!("{}", e.message));
            at(&r, "end", "energy")
        };
        // The tolerance of each method, over five passes.
        close(found(Method::Auto), found(Method::Dop853), 1e-8);
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    let plain = Options::default();
    for (sequence, why) in [
        ("prepare ket \"00\"\n read m = Ip(a)", "not Hermitian"),
        ("prepare ket \"00\"\n read g = Z(a)", "a parameter already"),
        ("prepare ket \"00\"\n read x = Z(a)", "already means something"),
        ("prepare ket \"00\"\n evolve m*X(a) for 1\n read m = Z(a)", "`m` is not declared"),
        ("prepare ket \"00\"\n read m = 3", "operator"),
        ("prepare ket \"00\"\n read m = Z(a)\n delay m", "not known before"),
        ("prepare ket \"00\"\n read m = Z(a)\n evolve X(a) for m", "not known before"),
        ("prepare ket \"00\"\n read m = Z(a)\n loop m { delay 1 }", "not known before"),
        ("prepare ket \"00\"\n read m = Z(a)\n evolve m*X(a) for 1 record 4", "cannot be recorded"),
        ("prepare ket \"00\"\n loop 0*g { read m = Z(a) }\n evolve m*X(a) for 1", "has not been read"),
        ("prepare ket \"00\"\n read m = Z(a)\n evolve 1/(m - 1)*X(a) for 1", "infinite"),
        ("prepare ket \"00\"\n project a along z { up { read m = Z(b) } }", "branch"),
        ("prepare ket \"00\"\n crush keep 2\n read m = Z(a)", "needs a state"),
    ] {
        let said = refused(&file(sequence, "energy"), &plain);
        assert!(said.contains(why), "{why}: {said}");
    }
    let typical = Options { typical: Some(Typical { vectors: 4, seed: 0 }), ..Options::default() };
    let mixed = "prepare mixed\n read m = Z(a)\n evolve g*m*X(a) for 1";
    assert!(refused(&file(mixed, "expectation(Z(a))"), &typical).contains("random vectors"));
    let ensemble = file(mixed, "energy")
        .replace("battery", "ensemble { param g : uniform(from = 0.1, to = 0.2) points 3 }\nbattery");
    let said = refused(&ensemble, &plain);
    assert!(said.contains("one member"), "{said}");
}

/// The mean of an ensemble of gates has no propagator, and says so.
#[test]
fn metrics_of_the_propagator_are_undefined() {
    let r = run(&file("prepare gibbs(Z(a) + 0.5*Z(b), 1)\n read m = Z(a)\n evolve m*X(a) for 1", "mean_work"));
    assert!(r.notes.iter().any(|n| n.contains("depends on the state")), "{:?}", r.notes);
}

/// What is printed is read back to the same tree, in the language and in YAML.
#[test]
fn a_reading_is_printed_as_it_is_read() {
    let text = file("prepare ket \"00\"\nloop 3 {\nread m = Y(a)*Z(b)\nevolve -g*m*X(a) for 1\n}", "energy");
    let (program, _) = ergoseq::syntax::parse(&text, 0);
    let printed = program.to_string();
    assert!(printed.contains("        read m = Y(a) * Z(b)\n"), "{printed}");
    let experiment = compiled(&text);
    let again = ergoseq::from_yaml(&ergoseq::to_yaml(&experiment).unwrap()).unwrap();
    let given = Values::new();
    let [a, b] = [&experiment, &again].map(|x| {
        at(&ergoseq::run(x, &given, &Options::default()).unwrap_or_else(|e| panic!("{}", e.message)), "end", "energy")
    });
    assert_eq!(a, b);
}

/// Heat propagates the steps once more. What was read stays: the values, and the number of changes of sign.
#[test]
fn heat_changes_neither_readings_nor_what_is_noted() {
    let losses = |text: String, of: &str| {
        text.replace("battery", &format!("noise n {{ collapse sqrt(0.02)*Im({of}) }}\nbattery"))
    };
    let oscillating = |gain: f64, passes: &str, measure: &str| {
        losses(
            file(
                &format!(
                    "prepare ket \"00\"\n evolve Y(a) for pi/4\n evolve Z(a) for 0.2\n \
                 loop {passes} {{ read m = Y(a)\n evolve -{gain}*m*Z(a) for 1\n evolve 0*Z(a) for 0.01 with n }}"
                ),
                measure,
            ),
            "b",
        )
    };
    for measure in ["energy", "energy\n heat"] {
        for record in ["", " record as passes"] {
            for (gain, passes, noted) in [(1.4, 30, true), (1.4, 6, false), (0.9, 30, false)] {
                let r = run(&oscillating(gain, &format!("{passes}{record}"), measure));
                let said = r.notes.iter().filter(|n| n.contains("oscillates")).count();
                assert_eq!(said, usize::from(noted), "{measure} {record} {gain} {passes}: {:?}", r.notes);
            }
        }
    }
    // A reading behind the last dissipation of a leg, and one before it, drive what follows a mark.
    let sequence = "prepare ket \"00\"\n evolve X(a) for 0.4\n read m = Y(a)\n evolve m*X(a) for 0.5\n evolve Z(b) for 1 with n\n evolve X(a) for 0.3\n \
                    read m = Y(a)\n mark middle\n evolve m*X(a) for 0.5\n evolve Z(b) for 1 with n\n read m = Z(a)\n evolve m*X(a) for 0.7";
    let value = |measure: &str| {
        let r = run(&losses(file(sequence, measure), "a"));
        (at(&r, "middle", "energy"), at(&r, "end", "energy"))
    };
    assert_eq!(value("energy"), value("energy\n heat"));
    let r = run(&losses(file(sequence, "energy\n heat\n work"), "a"));
    // The first law, and the heat of a spin that turns about x and decays, by hand: dE = -2 (1 - exp(-0.02)) (p of up) a statement.
    for mark in ["middle", "end"] {
        close(at(&r, mark, "energy") - 1.5, at(&r, mark, "heat") + at(&r, mark, "work"), 1e-12);
    }
    let decay = (-0.02f64).exp();
    let (mut y, mut z, mut heat) = (-(0.8f64).sin(), (0.8f64).cos(), 0.0);
    let turn = |y: &mut f64, z: &mut f64, angle: f64| {
        (*y, *z) = (*y * angle.cos() - *z * angle.sin(), *y * angle.sin() + *z * angle.cos());
    };
    let lose = |y: &mut f64, z: &mut f64, heat: &mut f64| {
        let after = (*z + 1.0) * decay - 1.0;
        *heat += after - *z;
        (*y, *z) = (*y * decay.sqrt(), after);
    };
    let m = y;
    turn(&mut y, &mut z, 2.0 * m * 0.5);
    lose(&mut y, &mut z, &mut heat);
    turn(&mut y, &mut z, 0.6);
    let m = y;
    close(at(&r, "middle", "heat"), heat, 1e-12);
    turn(&mut y, &mut z, 2.0 * m * 0.5);
    lose(&mut y, &mut z, &mut heat);
    close(at(&r, "end", "heat"), heat, 1e-12);
    let m = z;
    turn(&mut y, &mut z, 2.0 * m * 0.7);
    close(at(&r, "end", "energy"), z + 0.5, 1e-12);
}
