//! Resets, repeated interactions, and measurements with feedback.

use ergoseq::emulator::{Method, Options, Run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use std::time::{Duration, Instant};

fn compiled(text: &str) -> Experiment {
    ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render())).experiment
}

fn run_with(text: &str, options: &Options) -> Run {
    ergoseq::run(&compiled(text), &Values::new(), options).unwrap_or_else(|e| panic!("{}: {text}", e.message))
}

fn run(text: &str) -> Run {
    run_with(text, &Options::default())
}

/// What is said of a file that is refused, by the check or by the run.
fn refused(text: &str) -> String {
    match ergoseq::compile("test.seq", text, &mut ergoseq::no_files) {
        Err(refused) => refused.render(),
        Ok(compiled) => match ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()) {
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

fn end(text: &str, key: &str) -> f64 {
    at(&run(text), "end", key)
}

fn close(a: f64, b: f64, within: f64) {
    assert!((a - b).abs() <= within, "{a} is not {b} within {within}");
}

fn file(system: &str, sequence: &str, measure: &str) -> String {
    format!("ergoseq 1\nunits natural\n{system}\nsequence {{\n{sequence}\n}}\nmeasure {{\n{measure}\n}}\n")
}

/// Numbers between -1 and 1 from a linear congruential generator (Knuth, MMIX).
fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

const PAIR: &str = "system { spin a, b : 1/2 }";

// ---- reset ----

/// Half of an entangled pair is reset: the other half keeps its reduced state, and nothing else is left of the pair.
#[test]
fn a_reset_traces_out_and_puts_in() {
    let text = file(
        PAIR,
        "prepare superposition(3: ket \"01\", 4: ket \"10\")\n reset a = up(a)",
        "expectation(Z(a))\n expectation(Z(b))\n purity\n mutual_information(a, b)\n expectation(X(a)*X(b))",
    );
    let r = run(&text);
    close(at(&r, "end", "expectation(Z(a))"), 1.0, 1e-15);
    close(at(&r, "end", "expectation(Z(b))"), (16.0 - 9.0) / 25.0, 1e-15);
    close(at(&r, "end", "purity"), (0.64f64).powi(2) + 0.36f64.powi(2), 1e-15);
    close(at(&r, "end", "mutual_information(a,b)"), 0.0, 1e-14);
    close(at(&r, "end", "expectation(X(a)*X(b))"), 0.0, 1e-15);
}

/// The states of `prepare` are those of `reset`, on the subsystems that it names, in whatever order.
#[test]
fn every_state_can_be_reset_to() {
    let system = "system { spin a, b, c : 1/2 }";
    let begin = "prepare ket \"010\" evolve X(a)*Y(b) + Z(b)*X(c) + X(b) for 0.7\n";
    let measure =
        "expectation(Z(a))\n expectation(Z(c))\n expectation(X(a)*X(c))\n expectation(X(a))\n expectation(Z(b))";
    let of = |reset: &str| run(&file(system, &format!("{begin} {reset}"), measure));
    let b = at(&run(&file(system, begin, measure)), "end", "expectation(Z(b))");
    let keys = ["expectation(Z(a))", "expectation(Z(c))", "expectation(X(a)*X(c))", "expectation(X(a))"];
    let t = 0.5f64.tanh();
    for (reset, values) in [
        ("reset a, c = up(a), down(c)", [1.0, -1.0, 0.0, 0.0]),
        ("reset c, a = down(c), up(a)", [1.0, -1.0, 0.0, 0.0]),
        ("reset a, c = ket \"01\"", [1.0, -1.0, 0.0, 0.0]),
        ("reset c, a = up(a), mixed", [1.0, 0.0, 0.0, 0.0]),
        ("reset a, c = mixed", [0.0; 4]),
        ("reset a, c = gibbs(-0.5*Z(a), 1), up(c)", [t, 1.0, 0.0, 0.0]),
        ("reset a, c = gibbs(X(a)*X(c), 2)", [0.0, 0.0, -t, 0.0]),
        ("reset a, c = superposition(1: ket \"00\", 1: ket \"11\")", [0.0, 0.0, 1.0, 0.0]),
        ("reset a, c = mix(0.25: ket \"00\", 0.75: ket \"11\")", [-0.5, -0.5, 0.0, 0.0]),
        ("reset a, c = superposition(1: up(a), 1: down(a)), up(c)", [0.0, 1.0, 0.0, 1.0]),
    ] {
        let r = of(reset);
        keys.iter().zip(values).for_each(|(key, value)| close(at(&r, "end", key), value, 1e-14));
        close(at(&r, "end", "expectation(Z(b))"), b, 1e-14);
    }
    let array = "system { spin s[3] : 1/2 }";
    let r = run(&file(array, "prepare ket \"000\" evolve Ix(s) for 1 reset s = ket \"110\"", "expectation(Iz(s))"));
    close(at(&r, "end", "expectation(Iz(s))"), -0.5, 1e-15);
    let thermal = "ergoseq 1\nsystem { field 9.4 T temperature 300 K spin a, b : 1H }\nsequence { prepare thermal\n pulse 1H 90 deg phase x ideal\n reset a = thermal }\n\
                   measure { p = expectation(2*Iz(a)), q = expectation(2*Iz(b)) }";
    let r = run(thermal);
    let polarisation = (267.5221874e6f64 * 9.4 * 1.054571817646156e-34 / (2.0 * 1.380649e-23 * 300.0)).tanh();
    close(at(&r, "end", "p") / polarisation, 1.0, 1e-9);
    close(at(&r, "end", "q"), 0.0, 1e-20);
}

/// A mode whose quanta are taken away, beside a spin.
#[test]
fn a_mode_is_reset() {
    let text = file(
        "system { mode m : 5 spin a : 1/2 }",
        "prepare fock(m, 2), up(a) evolve raise(m)*Im(a) + hc for 0.4 reset m = fock(m, 1)",
        "expectation(number(m))\n expectation(Z(a))",
    );
    let r = run(&text);
    close(at(&r, "end", "expectation(number(m))"), 1.0, 1e-13);
    // The exchange turns up,2 into down,3 by the angle sqrt(3) t.
    close(at(&r, "end", "expectation(Z(a))"), (2.0 * 3f64.sqrt() * 0.4).cos(), 1e-13);
}

/// Collisions with fresh spins by partial swaps, `p_n = q + (p_0 - q) cos(theta)^(2n)` for the population of the upper level.
fn collisions(count: u64, spectators: usize) -> String {
    let names = (0..spectators).map(|k| format!(", w{k}")).collect::<String>();
    let states = (0..spectators).map(|k| format!(", up(w{k})")).collect::<String>();
    file(
        &format!("system {{ spin a, b{names} : 1/2 }}"),
        &format!(
            "prepare down(a), gibbs(0.5*Z(b), 1.5){states}\n loop {count} {{\n evolve Ip(a)*Im(b) + hc for 0.1\n reset b = gibbs(0.5*Z(b), 1.5)\n }}"
        ),
        "expectation(Z(a))",
    )
}

fn after(count: u64) -> f64 {
    let q = -(0.5f64 / 1.5).tanh();
    q + (-1.0 - q) * 0.1f64.cos().powi(2).powi(count as i32)
}

#[test]
fn repeated_interactions_follow_their_closed_form() {
    for count in [0, 1, 2, 3, 30, 1000] {
        close(end(&collisions(count, 0), "expectation(Z(a))"), after(count), 1e-12);
    }
    // Beyond the size of a superoperator the loop goes step by step.
    for count in [1, 40] {
        close(end(&collisions(count, 3), "expectation(Z(a))"), after(count), 1e-12);
    }
}

/// A million passes of a pair are a power of one map; those of a larger system end where nothing changes any more.
#[test]
fn a_million_collisions_take_no_time() {
    let begin = Instant::now();
    close(end(&collisions(1_000_000, 0), "expectation(Z(a))"), -(0.5f64 / 1.5).tanh(), 1e-11);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

/// A loop by powers is the loop written out, with every kind of step that is no evolution in it.
#[test]
fn loops_of_maps_are_loops_written_out() {
    let system = "noise decay { collapse sqrt(0.2) * Im(a) }\nsystem { spin a, b : 1/2 }";
    for body in [
        "evolve X(a)*X(b) + Z(a) for 0.3 reset b = up(b)",
        "evolve X(a)*X(b) + Z(a) for 0.3 with decay reset b = gibbs(X(b), 1)",
        "evolve X(a)*X(b) + Y(a) for 0.3 dephase Z(a) + 0.3*X(b)",
        "evolve X(a)*X(b) + Y(a) for 0.3 with decay crush",
        "evolve X(a)*Y(b) + 0.3*Z(a) for 0.4 project a along y { up { evolve X(b) for 0.2 } down { evolve Z(b) + X(b) for 0.2 with decay } }",
        "project b along x evolve X(a)*Y(b) + 0.3*Z(a) for 0.4 with decay loop 3 { reset b = mixed evolve Y(a)*X(b) + X(b) for 0.1 }",
    ] {
        let measure = "expectation(Z(a))\n expectation(X(b))\n expectation(Y(a)*Z(b))\n purity\n elapsed";
        let begin = "prepare ket \"01\" evolve X(a) + Y(b) for 0.3\n";
        let looped = run(&file(system, &format!("{begin} loop 7 {{ {body} }}"), measure));
        let written = run(&file(system, &format!("{begin} {}", format!("{body}\n").repeat(7)), measure));
        let plain = Options { method: Method::Dop853, tolerance: 1e-12, ..Options::default() };
        let other = run_with(&file(system, &format!("{begin} loop 7 {{ {body} }}"), measure), &plain);
        for (key, value) in &looped.marks[0].values {
            close(value.unwrap(), at(&written, "end", key), 1e-12);
            close(value.unwrap(), at(&other, "end", key), 1e-9);
        }
    }
}

/// Where something is conserved only a part of the space is moved; a full turn of a spin, which does nothing, reaches all of it.
#[test]
fn resets_and_measurements_leave_invariant_subspaces_as_they_must() {
    let system = "system { spin s[5] : 1/2 mode m : 6 }\nhamiltonian H = sum(k in 1..4, Ip(s[k])*Im(s[k+1]) + hc) + (raise(m)*Im(s[1]) + hc)";
    let measure = "expectation(Z(s[3]))\n expectation(number(m))\n expectation(X(s[2])*X(s[4]))\n purity";
    for step in [
        "reset s[2] = up(s[2])",
        "reset s[2], s[5] = mixed",
        "project s[4] along z { up { evolve Z(s[1]) for 0.2 } down { delay 0.2 } }",
        "project s[1] along x",
    ] {
        let sequence = |turn: &str| format!("prepare ket \"110110\" evolve H for 0.9 {step} {turn} evolve H for 0.3");
        let part = run(&file(system, &sequence(""), measure));
        let turns: String = (1..=5).map(|k| format!("evolve X(s[{k}]) for 2*pi ")).collect();
        let whole = run(&file(system, &sequence(&turns), measure));
        for (key, value) in &part.marks[0].values {
            close(value.unwrap(), at(&whole, "end", key), 1e-11);
        }
    }
}

/// Members of an ensemble are reset each by itself: the mean is that of runs of each.
#[test]
fn members_are_reset_one_by_one() {
    let text = |spread: &str| {
        file(
            &format!("param f = 1\n{spread}\nsystem {{ spin a, b : 1/2 }}"),
            "prepare down(a), up(b) loop 3 { evolve f*(Ip(a)*Im(b) + hc) for 0.4 reset b = up(b) }",
            "expectation(Z(a))",
        )
    };
    let mean = end(&text("ensemble { param f : uniform(from = 0.5, to = 1.5) points 2 }"), "expectation(Z(a))");
    let one = |f: f64| 1.0 - 2.0 * (0.4 * f).cos().powi(6);
    let (low, high) = (1.0 - 0.5 / 3f64.sqrt(), 1.0 + 0.5 / 3f64.sqrt());
    close(mean, 0.5 * (one(low) + one(high)), 1e-13);
}

#[test]
fn what_cannot_be_reset_is_refused_with_the_reason() {
    for (system, sequence, why) in [
        (PAIR, "prepare ket \"00\" reset a = down(b)", "not reset here"),
        (PAIR, "prepare ket \"00\" reset a, b = down(a)", "no state is given for `b`"),
        (PAIR, "prepare ket \"00\" reset a = down(a), up(a)", "more than one state"),
        (PAIR, "prepare ket \"00\" reset a, a = down(a)", "named twice"),
        (PAIR, "prepare ket \"00\" reset a = ket \"01\"", "this reset has 1 subsystem"),
        (PAIR, "prepare ket \"00\" reset a = gibbs(Z(a)*Z(b), 1)", "not reset here"),
        (PAIR, "prepare ket \"00\" reset a = bell", "unknown state"),
        (PAIR, "prepare ket \"00\" reset c = up(c)", "c"),
        ("system { collective c : 4 * 1/2 spin a : 1/2 }", "prepare up(c), up(a) reset c = down(c)", "collective"),
        ("system { spin s[9] : 1/2 }", "prepare ket \"000000000\" reset s = mixed", "256"),
    ] {
        let said = refused(&file(system, sequence, "purity"));
        assert!(said.contains(why), "{why}: {said}");
    }
}

// ---- measurement with feedback ----

/// A measurement whose outcome is not used is dephasing along its axis.
#[test]
fn a_measurement_without_feedback_is_dephasing() {
    let measure = "expectation(X(a)*Z(b))\n expectation(Y(a)*Y(b))\n expectation(Z(a))\n purity";
    for axis in ["x", "y", "z"] {
        let of = |step: &str| {
            let begin = "prepare ket \"01\" evolve X(a)*Y(b) + 0.4*Z(a) + X(b) for 0.8";
            run(&file(PAIR, &format!("{begin} {step} evolve X(a)*X(b) for 0.2"), measure))
        };
        let measured = of(&format!("project a along {axis}"));
        let dephased = of(&format!("dephase {}(a)", axis.to_uppercase()));
        let written = of(&format!("project a along {axis} {{ up {{ }} down {{ }} }}"));
        for (key, value) in &measured.marks[0].values {
            close(value.unwrap(), at(&dephased, "end", key), 1e-14);
            close(value.unwrap(), at(&written, "end", key), 1e-15);
        }
    }
}

/// The energy that measurement and feedback take from a battery is its daemonic ergotropy, where the axis is the best one.
#[test]
fn feedback_extracts_the_daemonic_ergotropy() {
    let system = "system { spin a, b : 1/2 }\nbattery { energy = 0.7*Z(b), cells = b }";
    for state in [
        "mix(0.3: ket \"00\", 0.2: ket \"01\", 0.1: ket \"10\", 0.4: ket \"11\")",
        "mix(0.45: ket \"00\", 0.55: ket \"11\")",
        "superposition(2: ket \"00\", 1: ket \"11\")",
    ] {
        let text = file(
            system,
            &format!(
                "prepare {state}\n mark before\n project a along z {{\n up {{ evolve X(b) for pi/2 }}\n down {{ delay pi/2 }}\n }}"
            ),
            "extracted = energy at before - energy at end\n daemonic = daemonic_ergotropy(a) at before\n plain = ergotropy at before",
        );
        let r = run(&text);
        close(r.scalar("extracted").unwrap(), r.scalar("daemonic").unwrap(), 1e-12);
        assert!(r.scalar("daemonic") > r.scalar("plain"));
    }
}

/// A detector with errors: outcomes 0 and 1 of a spin that is up with probability p, records with an error e. The branch of the record
/// inverts the cell; the energies follow from the four probabilities.
#[test]
fn the_recorded_outcome_decides_what_follows() {
    for (p, e) in [(0.3, 0.1), (0.8, 0.0), (0.5, 1.0), (0.25, 0.5)] {
        let text = file(
            "system { spin a, b : 1/2 }\nbattery { energy = 0.5*Z(b), cells = b }",
            &format!(
                "prepare mix({p}: ket \"00\", {}: ket \"10\")\n project a along z error = {e} {{\n up {{ evolve X(b) for pi/2 }}\n \
                 down {{ delay pi/2 }}\n }}",
                1.0 - p
            ),
            "energy\n information = information_gain\n up = expectation(Z(a))",
        );
        let r = run(&text);
        let recorded_up = p * (1.0 - e) + (1.0 - p) * e;
        close(at(&r, "end", "energy"), 0.5 * (1.0 - 2.0 * recorded_up), 1e-13);
        close(at(&r, "end", "up"), 2.0 * p - 1.0, 1e-13);
        let h = |x: f64| if x <= 0.0 || x >= 1.0 { 0.0 } else { -x * x.log2() - (1.0 - x) * (1.0 - x).log2() };
        // I = H(records) - H(records | outcomes).
        close(at(&r, "end", "information"), h(recorded_up) - h(e), 1e-13);
    }
}

/// `<exp(-W/T - I)> = 1` whatever is done, and `<W> >= -T I`: random Hamiltonians, axes, branches, errors and temperatures.
#[test]
fn work_and_information_obey_sagawa_and_ueda() {
    let mut draw = numbers(11);
    for case in 0..40 {
        let axis = ["x", "y", "z"][case % 3];
        let [c, d, g, j, e, t] = std::array::from_fn(|_| draw());
        let (error, temperature) = (0.02 + 0.45 * e.abs(), 0.4 + t.abs());
        let text = file(
            &format!(
                "param T = {temperature}\nsystem {{ spin a, b : 1/2 }}\nhamiltonian H = {c}*Z(a) + {d}*Z(b) + {j}*X(a)*Y(b)\n\
                 battery {{ energy = H }}"
            ),
            &format!(
                "prepare gibbs(H, T)\n evolve {g}*X(a) + {d}*Y(a)*X(b) for 1.3\n project a along {axis} error = {error} {{\n \
                 up {{ evolve {d}*X(a) + Y(b)*X(a) for 0.8 }}\n down {{ evolve {g}*Z(a) + X(b) for 0.8 }}\n }}\n mark m\n \
                 evolve Z(a) + {j}*Y(b) for 0.5 record 3 as after"
            ),
            "average = sagawa_ueda_average(T)\n work = mean_work\n stored = stored_energy\n information_gain\n jarzynski_average(T)",
        );
        let r = run(&text);
        for mark in ["m", "end"] {
            close(at(&r, mark, "average"), 1.0, 1e-12);
            // The Gibbs state has no coherence that the first measurement would remove.
            close(at(&r, mark, "work"), at(&r, mark, "stored"), 1e-12);
            assert!(at(&r, mark, "work") >= -temperature * at(&r, mark, "information_gain") * 2f64.ln() - 1e-12);
        }
        let after = r.traces.iter().find(|t| t.name == "after").unwrap();
        let averages = after.values.iter().find(|(key, _)| key == "average").unwrap();
        averages.1.iter().for_each(|x| close(x.unwrap(), 1.0, 1e-12));
    }
}

/// Information is defined for one record; work for any number of measurements outside of loops.
#[test]
fn several_records_have_no_information_here() {
    let system = "param T = 0.6\nsystem { spin a, b : 1/2 }\nhamiltonian H = Z(a) + 0.5*Z(b)\nbattery { energy = H }";
    let once = "project a along z error = 0.1 { up { evolve X(b) for 1 } down { delay 1 } }";
    let nested = format!("project b along x {{ up {{ {once} }} down {{ delay 1 }} }}");
    for sequence in [format!("{once}\n {once}"), nested] {
        let r = run(&file(
            system,
            &format!("prepare gibbs(H, T)\n {sequence}"),
            "mean_work\n stored_energy\n information_gain",
        ));
        close(at(&r, "end", "mean_work"), at(&r, "end", "stored_energy"), 1e-13);
        assert!(r.notes.iter().any(|n| n.contains("a single `project`")), "{:?}", r.notes);
    }
    let r = run(&file(system, &format!("prepare gibbs(H, T)\n loop 3 {{ {once} }}"), "mean_work"));
    assert!(r.notes.iter().any(|n| n.contains("in a loop")), "{:?}", r.notes);
}

/// Teleportation: two measurements with nested corrections put the state of one spin on another.
#[test]
fn teleportation_puts_a_state_on_another_spin() {
    // CNOT(a, b) = exp(-i pi/4 (1 - Z(a)) (1 - X(b))) and H(a) = exp(-i pi/2 (X + Z)/sqrt(2)), up to phases.
    let system = "system { spin a, b, c : 1/2 }";
    let sequence = "prepare superposition(1: ket \"000\", 1: ket \"011\")
        evolve X(a) + 0.5*Y(a) + 0.3*Z(a) for 0.6
        mark sent
        evolve (1 - Z(a))*(1 - X(b)) for pi/4
        evolve (X(a) + Z(a))/sqrt(2) for pi/2
        project a along z {
            up { project b along z { up { delay pi } down { evolve X(c) for pi/2 delay pi/2 } } }
            down { project b along z {
                up { evolve Z(c) for pi/2 delay pi/2 }
                down { evolve X(c) for pi/2 evolve Z(c) for pi/2 }
            } }
        }";
    let measure = "expectation(X(a))\n expectation(Y(a))\n expectation(Z(a))\n expectation(X(c))\n expectation(Y(c))\n expectation(Z(c))";
    let r = run(&file(system, sequence, measure));
    for axis in ["X", "Y", "Z"] {
        let sent = at(&r, "sent", &format!("expectation({axis}(a))"));
        close(at(&r, "end", &format!("expectation({axis}(c))")), sent, 1e-13);
    }
}

/// A demon that cools: each pass measures a spin and turns it down if it is up.
#[test]
fn a_demon_in_a_loop_cools() {
    let text = file(
        "system { spin a : 1/2 }\nbattery { energy = Z(a) }",
        "prepare gibbs(Z(a), 1) loop 1000000 { project a along z { up { evolve X(a) for pi/2 } down { delay pi/2 } } evolve Y(a) for 0.1 }",
        "energy",
    );
    close(end(&text, "energy"), -(0.2f64.cos()), 1e-10);
}

/// The pathway that a filter of coherence orders leaves has no probabilities, and passes through a measurement as a linear map.
#[test]
fn a_filtered_pathway_is_measured_linearly() {
    let text = |step: &str| {
        format!(
            "ergoseq 1\nsystem {{ field 9.4 T temperature 300 K spin h : 1H spin c : 13C }}\nsequence {{ prepare thermal\n pulse 1H 90 deg phase y ideal\n \
             crush keep 1\n {step} }}\nmeasure {{ expectation(Ix(h)) }}"
        )
    };
    let (plain, measured) =
        (end(&text(""), "expectation(Ix(h))"), end(&text("project h along x"), "expectation(Ix(h))"));
    assert!(plain > 1e-6);
    close(measured / plain, 1.0, 1e-9);
}

#[test]
fn what_cannot_be_measured_is_refused_with_the_reason() {
    for (system, sequence, why) in [
        (PAIR, "prepare ket \"00\" project a along z { up { mark m } }", "branch"),
        (PAIR, "prepare ket \"00\" project a along z { up { evolve X(a) for 1 record 4 } down { delay 1 } }", "branch"),
        (PAIR, "prepare ket \"00\" project a along z { up { loop 2 { mark m } } }", "branch"),
        (PAIR, "prepare ket \"00\" project a along z { up { prepare ket \"00\" } }", "branch"),
        (PAIR, "prepare ket \"00\" project a along z { up { evolve X(b) for 1 } }", "different times"),
        (PAIR, "prepare ket \"00\" project a along w", "x, y or z"),
        (PAIR, "prepare ket \"00\" project a along z { left { } }", "expected `up"),
        (PAIR, "prepare ket \"00\" project a along z { up { } up { } }", "one branch"),
        ("system { mode m : 3 spin a : 1/2 }", "prepare fock(m, 1), up(a) project m along z", "spin 1/2"),
        ("system { spin a : 2H }", "prepare up(a) project a along z", "spin 1/2"),
        ("system { collective c : 4 * 1/2 }", "prepare up(c) project c along z", "spin 1/2"),
    ] {
        let said = refused(&file(system, sequence, "purity"));
        assert!(said.contains(why), "{why}: {said}");
    }
}

/// Random vectors, gradients of shapes and points in batches know no resets: the first two say so, the last are run one by one.
#[test]
fn other_ways_refuse_or_step_aside() {
    let options = Options { typical: Some(ergoseq::emulator::Typical { vectors: 4, seed: 0 }), ..Options::default() };
    for step in ["reset a = mixed", "project a along z"] {
        let text = file(PAIR, &format!("prepare mixed evolve X(a) for 1 {step}"), "expectation(Z(a))");
        let fault = ergoseq::run(&compiled(&text), &Values::new(), &options).unwrap_err();
        assert!(fault.message.contains("reset, projective measurement"), "{}", fault.message);
        let yaml = ergoseq::to_yaml(&compiled(&text)).unwrap();
        assert_eq!(ergoseq::from_yaml(&yaml).unwrap().sequence.len(), 3);
    }
    let text = file(
        "param f = 1\nsystem { spin a, b : 1/2 }\nbattery { energy = Z(a) }",
        "prepare gibbs(Z(a), 1) evolve f*(Ip(a)*Im(b) + hc) for 1 reset b = up(b) evolve f*(Ip(a)*Im(b) + hc) for 1",
        "energy",
    );
    let experiment = compiled(&text);
    let points: Vec<Values> = [0.3, 0.9].map(|f| Values::from([("f".to_string(), f)])).to_vec();
    let together = ergoseq::emulator::Emulator::new(&experiment).run_many(&points, &Options::default());
    for (point, run) in points.iter().zip(together) {
        let single = ergoseq::run(&experiment, point, &Options::default()).unwrap_or_else(|e| panic!("{}", e.message));
        assert_eq!(at(&run.unwrap_or_else(|e| panic!("{}", e.message)), "end", "energy"), at(&single, "end", "energy"));
    }
}

/// What is printed is read back to the same tree.
#[test]
fn statements_are_printed_as_they_are_read() {
    let text = file(
        "system { spin a, b : 1/2 spin s[3] : 1/2 }",
        "prepare mixed\nreset a, s[2] = down(a), mix(0.5: up(s[2]), 0.5: down(s[2]))\nproject s[1] along x {\nup { loop 2 { delay 1 } }\ndown { delay 2 }\n}\nproject a along z",
        "purity",
    );
    let (program, _) = ergoseq::syntax::parse(&text, 0);
    let printed = program.to_string();
    let (again, mistakes) = ergoseq::syntax::parse(&printed, 0);
    assert!(mistakes.is_empty(), "{printed}");
    assert_eq!(again.to_string(), printed);
    assert!(printed.contains("reset a, s[2] = down(a), mix(0.5: up(s[2]), 0.5: down(s[2]))"), "{printed}");
    assert!(printed.contains("project s[1] along x {"), "{printed}");
}

/// An editor proposes the two statements.
#[test]
fn editors_propose_resets_and_measurements() {
    let completed = |line: &str| {
        let text =
            format!("ergoseq 1\nunits natural\nsystem {{ spin a : 1/2 }}\nsequence {{\n    prepare mixed\n    {line}");
        let document = ergoseq::editor::Document::new("x.seq", text.clone(), &mut ergoseq::no_files);
        let found = ergoseq::editor::completions(&document, text.len() as u32);
        found.into_iter().map(|c| c.word).collect::<Vec<_>>()
    };
    let has = |words: Vec<String>, word: &str| words.iter().any(|w| w == word);
    assert!(has(completed(""), "reset") && has(completed(""), "project"));
}
