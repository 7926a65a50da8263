//! Heat, work and entropy production: closed forms, an integration by another program, and laws.

use ergoseq::emulator::{Method, Options, Run};
use ergoseq::hamiltonian::Values;

fn run_with(text: &str, options: &Options) -> Run {
    let compiled =
        ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{text}\n{}", r.render()));
    ergoseq::run(&compiled.experiment, &Values::new(), options).unwrap_or_else(|e| panic!("{text}\n{}", e.message))
}

fn run(text: &str) -> Run {
    run_with(text, &Options::default())
}

fn found(run: &Run, mark: &str, key: &str) -> Option<f64> {
    let mark = run.marks.iter().find(|m| m.name == mark).unwrap();
    mark.values.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("{key} of {:?}", mark.values)).1
}

fn at(run: &Run, mark: &str, key: &str) -> f64 {
    found(run, mark, key).unwrap_or_else(|| panic!("{key} at {mark} has no value: {:?}", run.notes))
}

fn column(run: &Run, key: &str) -> Vec<f64> {
    let (_, values) = run.traces[0].values.iter().find(|(k, _)| k == key).unwrap();
    values.iter().map(|x| x.unwrap()).collect()
}

fn close(a: f64, b: f64, within: f64) {
    assert!((a - b).abs() <= within, "{a} is not {b} within {within}");
}

const NATURAL: &str = "ergoseq 1\nunits natural\n";

const LOSSES: &str =
    "noise losses {\n collapse sqrt(0.2)*Im(a)\n collapse sqrt(0.05)*Ip(a)\n collapse sqrt(0.1)*Z(a)\n}\n";

/// A spin 1/2 with losses and a battery that does not commute with the drive.
fn spin(sequence: &str, measure: &str) -> String {
    format!(
        "{NATURAL}system {{ spin a : 1/2 }}\n{LOSSES}battery {{ energy = Iz(a) + 0.3*Ix(a) }}\nsequence {{\n prepare ket \"0\"\n {sequence}\n}}\n\
         measure {{\n {measure}\n}}\n"
    )
}

/// Statement, duration until a mark and until the end, heat and work at both: `scipy.integrate.solve_ivp` (DOP853, rtol 1e-13, atol 1e-15) of
/// rho and Q together, to ten digits.
#[test]
fn a_driven_and_damped_spin_has_the_heat_of_another_program() {
    let driven = |from: f64| format!("evolve 0.4*Iz(a) + 0.9*cos(1.3*(t + {from}))*Ix(a)");
    let still = |_: f64| "evolve 0.5*Z(a) + 0.35*X(a)".to_string();
    type Drive<'a> = &'a dyn Fn(f64) -> String;
    let cases: [(Drive, [f64; 2], [f64; 4]); 2] = [
        (&driven, [2.0, 3.0], [-0.2998356496, -0.0149335527, -0.5574731656, 0.0122593564]),
        (&still, [1.0, 2.0], [-0.1735901736, -0.0485790447, -0.3884865087, -0.0956023276]),
    ];
    for (drive, [first, second], expected) in cases {
        let sequence =
            format!("{} for {first} with losses\n mark first\n {} for {second} with losses", drive(0.0), drive(first));
        for (method, record) in [
            (Method::Auto, ""),
            (Method::Auto, " record 4 as r"),
            (Method::Dop853, ""),
            (Method::Plain, " record 4 as r"),
        ] {
            let options = Options { method, tolerance: 1e-11, ..Options::default() };
            let r = run_with(&spin(&format!("{sequence}{record}"), "heat\n work"), &options);
            let values = [("first", "heat"), ("first", "work"), ("end", "heat"), ("end", "work")];
            for ((mark, key), x) in values.iter().zip(expected) {
                close(at(&r, mark, key), x, 2e-10);
            }
        }
    }
}

/// A charger that drives a battery, both with losses: only what the losses take from the cells is heat. The numbers are of the same origin.
#[test]
fn energy_from_a_charger_is_work() {
    let text = format!(
        "{NATURAL}system {{ spin a, b : 1/2 }}\nnoise n {{\n collapse sqrt(0.15)*Im(b)\n collapse sqrt(0.3)*Im(a)\n}}\n\
         battery {{ energy = 0.5*Z(b), cells = b }}\nsequence {{\n prepare ket \"11\"\n \
         evolve 0.5*(Z(a) + Z(b)) + 0.7*(Ip(a)*Im(b) + hc) + 0.6*sin(0.9*t)*X(a) for 4 with n\n}}\nmeasure {{\n heat\n work\n}}\n"
    );
    let r = run_with(&text, &Options { tolerance: 1e-11, ..Options::default() });
    close(at(&r, "end", "heat"), -0.0814027885, 1e-10);
    close(at(&r, "end", "work"), 0.4134110174, 1e-10);
}

/// Forty periods of a drive, by powers of one period: the same origin again.
#[test]
fn many_periods_have_the_heat_of_another_program() {
    let text = format!(
        "{NATURAL}system {{ spin a : 1/2 }}\nnoise n {{\n collapse sqrt(0.2)*Im(a)\n collapse sqrt(0.05)*Ip(a)\n}}\n\
         battery {{ energy = 0.5*Z(a) }}\nsequence {{\n prepare ket \"0\"\n evolve 0.5*Z(a) + 0.4*cos(2*pi*t)*X(a) for 40 with n\n}}\n\
         measure {{\n heat\n work\n}}\n"
    );
    let r = run_with(&text, &Options { tolerance: 1e-11, ..Options::default() });
    assert!(r.how.methods.iter().any(|m| m.contains("period")), "{:?}", r.how.methods);
    close(at(&r, "end", "heat"), -0.8129723967, 1e-10);
    close(at(&r, "end", "work"), 0.0130797989, 1e-10);
}

/// An inverted spin relaxes: `Q = (E_eq - E)(1 - exp(-t/T1))`, at a polarisation of 4e-5 as accurate as the deviation, and for 1000 T1.
#[test]
fn a_relaxing_spin_gives_its_energy_away() {
    let text = "ergoseq 1\nsystem { field 11.7 T temperature 300 K spin a : 1H\n relax a { T1 = 1 ms, T2 = 0.5 ms } }\n\
                battery { energy = zeeman }\nsequence {\n prepare thermal\n pulse 1H 180 deg phase x ideal\n mark inverted\n delay 2 ms\n \
                mark soon\n delay 1 s\n}\nmeasure { heat, work, energy, entropy_production(300 K) }\n";
    let r = run(text);
    let (hbar, k) = (1.054571817646156e-34, 1.380649e-23);
    let gap: f64 = 267.5221874e6 * 11.7 * hbar;
    let x = gap / (2.0 * k * 300.0);
    let stored = gap * x.tanh();
    assert_eq!(at(&r, "inverted", "heat"), 0.0);
    close(at(&r, "inverted", "work") / stored, 1.0, 1e-9);
    // A density matrix keeps a deviation of 4e-5 to 1e-11 of it.
    close(at(&r, "soon", "heat") / stored, (-2f64).exp_m1(), 1e-9);
    close(at(&r, "end", "heat") / stored, -1.0, 1e-9);
    close(at(&r, "end", "work") / stored, 1.0, 1e-9);
    // Back in the prepared state: all work is dissipated, Sigma = W/(k_B T), of second order in the polarisation.
    close(at(&r, "end", "entropy_production(300K)") * k * 300.0 / stored, 1.0, 1e-8);
    close(at(&r, "inverted", "entropy_production(300K)"), 0.0, 1e-20);
}

#[test]
fn unitary_evolution_and_dephasing_have_no_heat() {
    let r = run(&spin(
        "evolve 0.7*Ix(a) + cos(t)*Iy(a) for 3\n mark m\n loop 5 { evolve Iy(a) for 0.3 }",
        "heat\n work\n stored_energy",
    ));
    for mark in ["m", "end"] {
        assert_eq!(at(&r, mark, "heat"), 0.0);
        assert_eq!(at(&r, mark, "work"), at(&r, mark, "stored_energy"));
    }
    let text = format!(
        "{NATURAL}system {{ spin a, b : 1/2 }}\nnoise n {{\n collapse sqrt(0.3)*Z(b)\n collapse sqrt(0.2)*Z(a)*Z(b)\n}}\n\
         battery {{ energy = Iz(a) + 2*Iz(b) }}\nsequence {{\n prepare superposition(1: ket \"00\", 2: ket \"11\", 1: ket \"10\")\n \
         evolve Ix(a) + 0.3*Iy(b) for 2 with n\n mark m\n dephase Iz(a)\n crush\n loop 1000 {{ evolve Ix(a) for 0.1 with n\n crush\n }}\n}}\n\
         measure {{\n heat\n work\n}}\n"
    );
    let r = run(&text);
    assert_eq!(at(&r, "m", "heat"), 0.0);
    // A thousand superoperators of rounded entries.
    close(at(&r, "end", "heat"), 0.0, 1e-12);
    assert!(at(&r, "m", "work").abs() > 0.1);
}

/// A dephasing in another basis takes `E - E'`: a spin up dephased along x has lost its energy.
#[test]
fn statements_that_are_not_unitary_exchange_heat() {
    let r = run(&spin("dephase Ix(a)\n mark one\n evolve Iy(a) for 0.4\n mark two\n crush", "heat\n work\n energy"));
    // The battery is Iz + 0.3 Ix: up has 1/2, and nothing along x.
    close(at(&r, "one", "heat"), -0.5, 1e-15);
    close(at(&r, "one", "work"), 0.0, 1e-15);
    close(at(&r, "two", "heat"), -0.5, 1e-15);
    close(at(&r, "end", "heat") + at(&r, "end", "work") + 0.5, at(&r, "end", "energy"), 1e-15);
    // A measurement with feedback: the outcome along z takes the transverse energy, the branches are unitary.
    let text = format!(
        "{NATURAL}system {{ spin a : 1/2 }}\nbattery {{ energy = Iz(a) + 0.3*Ix(a) }}\nsequence {{\n \
         prepare superposition(1: ket \"0\", 1: ket \"1\")\n project a along z {{ up {{ evolve Ix(a) for pi }} down {{ delay pi }} }}\n}}\n\
         measure {{\n heat\n work\n}}\n"
    );
    let r = run(&text);
    close(at(&r, "end", "heat"), -0.15, 1e-15);
    // Half of the spins are turned down.
    close(at(&r, "end", "work"), -0.5, 1e-15);
}

/// Collisions with fresh ancillas that are cells of the battery (Barra, Sci. Rep. 5, 14873): a collision is a partial swap, so after n of them
/// the spin has `<Z> = z + (1 - z) c^n`, `c = cos^2(g tau)`; the exchange conserves the energy, so all that the spin lost is heat of the ancillas.
#[test]
fn collisions_exchange_heat_with_the_ancillas() {
    let text = |count: u64, detuning: &str, record: &str| {
        format!(
            "{NATURAL}system {{ spin s, ancilla : 1/2 }}\nbattery {{ energy = Iz(s) + {detuning}Iz(ancilla) }}\nsequence {{\n \
             prepare up(s), gibbs({detuning}Iz(ancilla), 1.5)\n loop {count}{record} {{\n evolve 0.3*Iz(s)*Iz(ancilla) + Ip(s)*Im(ancilla) + hc for 0.1\n \
             reset ancilla = gibbs({detuning}Iz(ancilla), 1.5)\n }}\n}}\nmeasure {{\n heat\n work\n entropy_production(1.5)\n energy\n}}\n"
        )
    };
    let (z, c) = (-(0.5f64 / 1.5).tanh(), 0.1f64.cos().powi(2));
    for (count, within) in [(1, 1e-15), (2, 1e-15), (40, 1e-13), (1_000_000, 1e-9)] {
        // A rounding error of 1e-16 a collision.
        let r = run(&text(count, "", ""));
        close(at(&r, "end", "heat"), 0.5 * (z - 1.0) * (1.0 - c.powf(count as f64)), within);
        close(at(&r, "end", "work"), 0.0, within);
        assert!(at(&r, "end", "entropy_production(1.5)") > 0.0);
    }
    // Off resonance each swap of p costs work 0.7 p: W = -(w_s - w_a)/w_s times the energy that the spin gives.
    let whole = run(&text(40, "1.7*", ""));
    let (heat, work) = (at(&whole, "end", "heat"), at(&whole, "end", "work"));
    close(heat / work, -1.7 / 0.7, 1e-12);
    // Observed, every pass has its own heat, and the last is that of the loop.
    let r = run(&text(40, "1.7*", " record as passes"));
    close(at(&r, "end", "heat"), heat, 1e-14);
    let passes = column(&r, "heat");
    assert_eq!((passes.len(), passes[0]), (41, 0.0));
    close(passes[2], at(&run(&text(2, "1.7*", "")), "end", "heat"), 1e-15);
}

/// However the same evolution is written, its heat is the same.
#[test]
fn heat_does_not_depend_on_how_the_evolution_is_written() {
    const H: &str = "evolve 0.5*Z(a) + 0.35*X(a) for";
    let whole = run(&spin(&format!("{H} 3 with losses"), "heat"));
    let expected = at(&whole, "end", "heat");
    for (sequence, within) in [
        (format!("{H} 1 with losses\n {H} 2 with losses"), 1e-14),
        (format!("{H} 1 with losses\n mark m\n {H} 2 with losses record 9 as r"), 1e-14),
        (format!("loop 3000 {{ {H} 0.001 with losses }}"), 1e-12),
        (format!("loop 30 record as r {{ {H} 0.1 with losses }}"), 1e-13),
        (format!("loop 3 {{ loop 10 {{ {H} 0.1 with losses }}\n }}"), 1e-13),
        (format!("loop 2 {{ {H} 1.5 with losses }}"), 1e-14),
        ("evolve 0.5*Z(a) + 0.35*(1 + 0*t + sin(0*t))*X(a) for 3 with losses".to_string(), 1e-10),
    ] {
        let r = run_with(&spin(&sequence, "heat"), &Options { tolerance: 1e-12, ..Options::default() });
        close(at(&r, "end", "heat"), expected, within);
    }
}

/// Along a trace `dW/dt = i Tr[rho [H, H_b]]`, here `0.35*0.9 <Y>`, which Simpson's rule integrates to 1e-9 with a step of 1/100; its error is
/// `t h^4 f''''/180`.
#[test]
fn work_is_the_integral_of_its_rate() {
    let text = format!(
        "{NATURAL}system {{ spin a : 1/2 }}\n{LOSSES}battery {{ energy = 0.45*Z(a) }}\nsequence {{\n prepare ket \"0\"\n \
         evolve 0.2*Z(a) + 0.35*X(a) for 2 with losses record 201 as r\n}}\nmeasure {{\n heat\n work\n expectation(Y(a))\n energy\n charging_power\n \
         most = max(r.work)\n least = min(r.heat)\n}}\n"
    );
    let r = run(&text);
    let (work, rate, heat) = (column(&r, "work"), column(&r, "expectation(Y(a))"), column(&r, "heat"));
    // i Tr[rho [H, H_b]] = i 0.35 * 0.45 Tr[rho (-2i Y)].
    let rate: Vec<f64> = rate.iter().map(|y| 2.0 * 0.35 * 0.45 * y).collect();
    let mut sum = 0.0;
    for k in (2..rate.len()).step_by(2) {
        sum += (rate[k - 2] + 4.0 * rate[k - 1] + rate[k]) * 0.01 / 3.0;
        close(work[k], sum, 1e-9);
    }
    // The rate of the heat is the rest of that of the energy, by central differences of fourth order.
    let power = column(&r, "charging_power");
    for k in 2..199 {
        let slope = (8.0 * (heat[k + 1] - heat[k - 1]) - (heat[k + 2] - heat[k - 2])) / 0.12;
        close(slope, power[k] - rate[k], 1e-8);
    }
    close(r.scalar("most").unwrap(), work.iter().copied().fold(f64::MIN, f64::max), 1e-5);
    close(r.scalar("least").unwrap(), heat.iter().copied().fold(f64::MAX, f64::min), 1e-5);
}

/// A thermal bath of a spin never produces negative entropy, however the spin is driven (Spohn); with another temperature it may.
#[test]
fn entropy_production_is_not_negative() {
    let text = format!(
        "{NATURAL}param n = 1/(exp(1/0.6) - 1)\nsystem {{ spin a : 1/2 }}\nnoise bath {{\n collapse sqrt(0.3*(n + 1))*Im(a)\n collapse sqrt(0.3*n)*Ip(a)\n}}\n\
         battery {{ energy = Iz(a) }}\nsequence {{\n prepare ket \"1\"\n evolve 0.9*sin(2*t)*X(a) for 6 with bath record 61 as r\n}}\n\
         measure {{\n entropy_production(0.6)\n entropy_production(0.2)\n}}\n"
    );
    let r = run(&text);
    let right = column(&r, "entropy_production(0.6)");
    // The tolerance of the evolution is 1e-7.
    assert!(right.windows(2).all(|pair| pair[1] >= pair[0] - 1e-7), "{right:?}");
    assert!(right[60] > 0.1);
    let wrong = run(&text.replace("ket \"1\"", "gibbs(Iz(a), 0.2)").replace("0.9*sin(2*t)*X(a)", "0*Z(a)"));
    assert!(column(&wrong, "entropy_production(0.2)")[60] < -0.01);
}

/// Each member of an ensemble has its own heat; that of the sample is their mean, with the battery as declared.
#[test]
fn members_have_their_own_heat() {
    let text = |f: &str, members: &str, energy: &str| {
        format!(
            "{NATURAL}param f = {f}\nsystem {{ spin a : 1/2 }}\n{LOSSES}battery {{ energy = {energy} }}\n{members}\nsequence {{\n prepare ket \"0\"\n \
             evolve f*Ix(a) for 2 with losses\n}}\nmeasure {{\n heat\n work\n entropy_production(2)\n member_mean(heat)\n member_mean(work)\n member_mean(entropy_production(2))\n}}\n"
        )
    };
    let spread = "ensemble { param f : gaussian(mean = 1, sd = 0.2) points 3 }";
    let nodes = [(1.0, 2.0 / 3.0), (1.0 + 0.2 * 3f64.sqrt(), 1.0 / 6.0), (1.0 - 0.2 * 3f64.sqrt(), 1.0 / 6.0)];
    for energy in ["Iz(a)", "f*Iz(a)"] {
        let r = run(&text("1", spread, energy));
        let mean = |key: &str, energy: &str| -> f64 {
            nodes.iter().map(|(f, w)| w * at(&run(&text(&format!("{f:.17}"), "", energy)), "end", key)).sum()
        };
        for key in ["heat", "work"] {
            // With the battery as declared, f = 1.
            close(at(&r, "end", key), mean(key, "Iz(a)"), 1e-13);
            close(at(&r, "end", &format!("member_mean({key})")), mean(key, energy), 1e-13);
        }
        let key = "entropy_production(2)";
        close(at(&r, "end", &format!("member_mean({key})")), mean(key, energy), 1e-13);
    }
}

#[test]
fn what_is_no_state_has_no_heat() {
    let r = run(&spin("evolve Ix(a) for 0.4\n crush keep 1", "heat\n work"));
    assert_eq!(found(&r, "end", "heat"), None);
    assert!(r.notes.iter().any(|n| n.contains("`heat`") && n.contains("its trace is 0")), "{:?}", r.notes);
    let r = run(&spin("evolve Ix(a) for 0.4", "entropy_production(0)"));
    assert_eq!(found(&r, "end", "entropy_production(0)"), None);
    assert!(r.notes.iter().any(|n| n.contains("finite and not 0")), "{:?}", r.notes);
}

/// A result with the name of a metric is what it was given as, wherever it is used.
#[test]
fn a_result_goes_before_a_metric_of_its_name() {
    let r = run(&spin("mark m\n evolve Ix(a) for 0.4", "work = 3*energy\n twice = 2*work\n first = work at m"));
    close(at(&r, "m", "work"), 1.5, 1e-15);
    close(at(&r, "m", "twice"), 3.0, 1e-15);
    close(r.scalar("first").unwrap(), 1.5, 1e-15);
}
