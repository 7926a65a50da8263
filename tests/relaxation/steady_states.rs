//! Steady states of constant Hamiltonians with relaxation.

use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::Values;

fn run(text: &str) -> Run {
    let compiled =
        ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    ergoseq::run(&compiled.experiment, &Values::new(), &Options::default())
        .unwrap_or_else(|e| panic!("{}: {text}", e.message))
}

fn refused(text: &str) -> String {
    match ergoseq::compile("test.seq", text, &mut ergoseq::no_files) {
        Err(refused) => refused.render(),
        Ok(compiled) => match ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()) {
            Ok(_) => panic!("accepted: {text}"),
            Err(fault) => fault.message.clone() + " " + &format!("{fault:?}"),
        },
    }
}

fn end(run: &Run, key: &str) -> f64 {
    let mark = run.marks.iter().find(|m| m.name == "end").unwrap();
    mark.values.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("{key} of {:?}", mark.values)).1.unwrap()
}

fn close(a: f64, b: f64, within: f64) {
    assert!((a - b).abs() <= within, "{a} is not {b} within {within}");
}

fn charger(cutoff: usize) -> String {
    format!(
        "ergoseq 1\nunits natural\nparam F = 0.2, g = 0.3, kappa = 0.5, loss = 0.05\nsystem {{ spin q : 1/2 mode m : {cutoff} }}\n\
         hamiltonian H = g * (Ip(q)*lower(m) + hc) + F * (lower(m) + raise(m))\n\
         noise losses {{ collapse sqrt(kappa) * lower(m) collapse sqrt(loss) * Im(q) }}\nbattery {{ energy = Z(q), cells = q }}\n\
         sequence {{ prepare steady_state(H, losses) mark steady evolve H for 3 with losses }}\n\
         measure {{ ergotropy, energy, purity, charging_power, expectation(number(m)) }}\n"
    )
}

/// A driven lossy mode that charges a qubit: the null vector of the same Lindbladian with 14 Fock states by numpy, to seven digits.
#[test]
fn a_driven_lossy_charger() {
    let r = run(&charger(14));
    for mark in &r.marks {
        let value = |key: &str| mark.values.iter().find(|(k, _)| k == key).unwrap().1.unwrap();
        close(value("ergotropy"), 0.5116907, 6e-8);
        close(value("energy"), -0.3660335, 6e-8);
    }
    // Nothing changes while the same acts on it.
    close(end(&r, "charging_power"), 0.0, 1e-12);
    assert!(refused(&charger(5)).contains("Fock states are too few"));
}

/// A spin driven in resonance with decay: `<Z> = -g^2/(g^2 + 2 w^2)`, with rate g and Rabi frequency w, from the Bloch equations.
#[test]
fn a_driven_spin_has_the_state_of_the_bloch_equations() {
    for (w, g) in [(0.7, 0.3), (5.0, 0.01), (0.0, 2.0)] {
        let r = run(&format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a : 1/2 }}\nnoise decay {{ collapse sqrt({g}) * Im(a) }}\n\
             sequence {{ prepare steady_state({w} * Ix(a), decay) }}\nmeasure {{ expectation(Z(a)), expectation(Y(a)) }}"
        ));
        close(end(&r, "expectation(Z(a))"), -g * g / (g * g + 2.0 * w * w), 1e-12);
        // dY/dt = -w Z - g/2 Y = 0.
        close(end(&r, "expectation(Y(a))"), 2.0 * w * g / (g * g + 2.0 * w * w), 1e-12);
    }
}

/// T1 and T2 lead to the thermal state, whose polarisation of 4e-5 is right to the accuracy of a density matrix.
#[test]
fn relaxation_leads_to_the_thermal_state() {
    let text = |prepare: &str| {
        format!(
            "ergoseq 1\nsystem {{ field 11.7 T temperature 300 K spin h : 1H spin c : 13C j h c = 215 Hz relax h {{ T1 = 8 s, T2 = 0.6 s }} relax c {{ T1 = 20 s, T2 = 0.3 s }} }}\n\
             sequence {{ prepare {prepare} }}\nmeasure {{ expectation(2*Iz(h)), expectation(2*Iz(c)), expectation(4*Iz(h)*Iz(c)) }}"
        )
    };
    let (steady, thermal) = (run(&text("steady_state(scalar)")), run(&text("thermal")));
    for key in ["expectation(2*Iz(h))", "expectation(2*Iz(c))"] {
        close(end(&steady, key) / end(&thermal, key), 1.0, 1e-9);
    }
}

/// The state after a long time, from two different beginnings.
#[test]
fn every_beginning_ends_in_it() {
    let file = |prepare: &str| {
        format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a, b : 1/2 }}\nhamiltonian H = X(a)*X(b) + 0.3*Z(a) + 0.4*Y(b)\n\
             noise decay {{ collapse 0.6 * Im(a) collapse 0.3 * Ip(b) }}\nsequence {{ prepare {prepare} }}\n\
             measure {{ expectation(Z(a)), expectation(X(a)*Z(b)), expectation(Y(b)), purity }}"
        )
    };
    let steady = run(&file("steady_state(H, decay)"));
    for begin in ["ket \"00\"", "mixed"] {
        let late = run(&file(&format!("{begin} evolve H for 400 with decay")));
        steady.marks[0].values.iter().for_each(|(key, value)| close(value.unwrap(), end(&late, key), 1e-9));
    }
}

#[test]
fn steady_states_that_are_not_unique_are_refused_with_the_reason() {
    let file = |system: &str, prepare: &str| {
        format!(
            "ergoseq 1\nunits natural\nsystem {{ {system} }}\nnoise dephasing {{ collapse 0.6 * Z(a) }}\nnoise decay {{ collapse 0.6 * Im(a) }}\n\
             noise flips {{ collapse 0.6 * X(a) }}\nsequence {{ prepare {prepare} }}\nmeasure {{ purity }}"
        )
    };
    for (system, prepare, why) in [
        ("spin a : 1/2", "steady_state(Z(a))", "nothing relaxes"),
        ("spin a : 1/2", "steady_state(Z(a), dephasing)", "conserve something"),
        ("spin a : 1/2", "steady_state(X(a), flips)", "conserve something"),
        ("spin a, b : 1/2", "steady_state(X(a), decay)", "nothing acts on `b`"),
        ("spin a, b : 1/2", "steady_state(X(a), decay), up(b)", "stands alone"),
        ("spin a : 1/2 collective c : 3 * 1/2", "steady_state(X(a)*Ix(c), decay)", "collective"),
        ("spin a, s[5] : 1/2", "steady_state(X(a), decay)", "48 states"),
        ("spin a : 1/2", "steady_state(X(a), nothing)", "nothing"),
        ("spin a : 1/2", "steady_state(X(a), 2)", "steady_state(H)"),
        ("spin a : 1/2", "steady_state(t*X(a), decay)", "`t`"),
        ("spin a : 1/2", "steady_state(Ip(a), decay)", "Hermitian"),
        ("spin a, b : 1/2", "mixed reset a = steady_state(X(a), decay)", "stands alone"),
    ] {
        let said = refused(&file(system, prepare));
        assert!(said.contains(why), "{why}: {said}");
    }
}

/// Members have their own steady states, and points of a sweep what single runs have.
#[test]
fn members_and_points_have_their_own() {
    let file = |rest: &str| {
        format!(
            "ergoseq 1\nunits natural\nparam w = 0.7\n{rest}\nsystem {{ spin a : 1/2 }}\nnoise decay {{ collapse sqrt(0.3) * Im(a) }}\n\
             sequence {{ prepare steady_state(w * Ix(a), decay) delay 1 }}\nmeasure {{ expectation(Z(a)) }}"
        )
    };
    let z = |w: f64| -0.09 / (0.09 + 2.0 * w * w);
    let (low, high) = (0.7 - 0.2 / 3f64.sqrt(), 0.7 + 0.2 / 3f64.sqrt());
    let mean = end(&run(&file("ensemble { param w : uniform(from = 0.5, to = 0.9) points 2 }")), "expectation(Z(a))");
    close(mean, 0.5 * (z(low) + z(high)), 1e-12);
    let compiled =
        ergoseq::compile("test.seq", &file(""), &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    let points: Vec<Values> = [0.2, 0.5].map(|w| Values::from([("w".to_string(), w)])).to_vec();
    let runs = ergoseq::emulator::Emulator::new(&compiled.experiment).run_many(&points, &Options::default());
    for (run, w) in runs.into_iter().zip([0.2, 0.5]) {
        close(end(&run.unwrap_or_else(|e| panic!("{}", e.message)), "expectation(Z(a))"), z(w), 1e-12);
    }
}
