//! Relaxation of spins above 1/2: quadrupolar, beside a Redfield superoperator by numpy and Abragam's closed form, and by a random field.

use ergoseq::emulator::Options;
use ergoseq::hamiltonian::Values;

fn results(text: &str) -> Result<Vec<f64>, String> {
    let compiled = ergoseq::compile("test.seq", text, &mut ergoseq::no_files).map_err(|r| r.render())?;
    let run = ergoseq::run(&compiled.experiment, &Values::new(), &Options::default())
        .map_err(|e| format!("{} {:?} {:?}", e.message, e.label, e.help))?;
    let end = run.marks.iter().find(|m| m.name == "end").unwrap();
    Ok(end.values.iter().map(|(_, x)| x.unwrap_or(f64::NAN)).collect())
}

fn run(text: &str) -> Vec<f64> {
    results(text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn close(a: f64, b: f64, within: f64) {
    assert!((a - b).abs() <= within, "{a} is not {b} within {within}");
}

/// Longitudinal and transverse magnetisation after a pulse and a delay, in units of the equilibrium. At 3e4 K the polarisation is 1e-7, so
/// that relaxation is linear in the deviation from the maximally mixed state to this accuracy.
fn recovered(nucleus: &str, relax: &str, flip: &str, delay: &str) -> [f64; 2] {
    let text = format!(
        "ergoseq 1\nsystem {{\n field 9.4 T\n temperature 3e4 K\n spin d : {nucleus}\n relax d {{ {relax} }}\n}}\n\
         sequence {{\n prepare thermal\n pulse {nucleus} {flip} deg phase x ideal\n delay {delay}\n}}\nmeasure {{ order(Iz(d)), order(Iy(d)) }}\n"
    );
    let found = run(&text);
    [found[0], found[1]]
}

/// numpy: `R = -sum corr_ijkl [Q_ij, [J(w) Q_kl, .]]` with `Q_ij = (Ii Ij + Ij Ii)/2`, the isotropic mean of products of Cartesian components
/// `corr_ijkl = tr(K^2)/10 (d_ik d_jl + d_il d_jk - 2/3 d_ij d_kl)`, `J(w) = tau/(1 + w^2 tau^2)`, secular; `exp(R t)` by scipy.
#[test]
fn quadrupolar_relaxation_is_that_of_a_redfield_superoperator() {
    // w tau = 0.77, 2.0 and 0.66.
    for (nucleus, relax, delay, expected) in [
        ("2H", "quadrupole = 170 kHz, eta = 0.1, tau_c = 2 ns", "1 ms", [0.6334732571, -0.4862159244]),
        ("23Na", "quadrupole = 1.2 MHz, eta = 0.3, tau_c = 3 ns", "20 us", [0.5150082592, -0.7517918370]),
        ("27Al", "quadrupole = 2 MHz, eta = 0.7, tau_c = 1 ns", "40 us", [0.5366726983, -0.7627035542]),
    ] {
        let found = recovered(nucleus, relax, "60", delay);
        // The polarisation of 1e-7 gives such relative deviations.
        found.iter().zip(expected).for_each(|(x, y)| close(*x, y, 3e-7));
    }
}

/// Extreme narrowing: `1/T1 = 1/T2 = (3/40) (2I+3)/(I^2 (2I-1)) (1 + eta^2/3) (2 pi C)^2 tau_c`.
#[test]
fn fast_tumbling_gives_abragams_rate() {
    for (nucleus, i, delay) in [("2H", 1.0, 50e-3), ("23Na", 1.5, 50e-3), ("17O", 2.5, 1.0), ("59Co", 3.5, 1.0)] {
        let (c, eta, tau) = (200e3, 0.4, 20e-12);
        let coupling: f64 = std::f64::consts::TAU * c;
        let rate =
            3.0 / 40.0 * (2.0 * i + 3.0) / (i * i * (2.0 * i - 1.0)) * (1.0 + eta * eta / 3.0) * coupling.powi(2) * tau;
        let relax = format!("quadrupole = {c} Hz, eta = {eta}, tau_c = {tau} s");
        let [z, y] = recovered(nucleus, &relax, "90", &format!("{delay} s"));
        let decay = (-rate * delay).exp();
        // (w tau)^2 is at most 1.4e-4 for one quantum and 6e-4 for two.
        // With a negative gyromagnetic ratio the equilibrium is along -z.
        close(z.abs(), 1.0 - decay, 6e-4);
        close(y.abs(), decay, 6e-4);
        assert!((0.05..0.95).contains(&decay), "{decay}");
    }
}

/// At 20 mK, where spins are polarised by 15 to 50 %, the thermal state is the fixed point.
#[test]
fn the_thermal_state_is_the_fixed_point() {
    for relax in ["quadrupole = 170 kHz, eta = 0.1, tau_c = 2 ns", "T1 = 50 ms, T2 = 20 ms", "T1 = 50 ms"] {
        for (nucleus, along) in [("2H", ""), ("23Na", ""), ("17O", "")] {
            let text = format!(
                "ergoseq 1\nsystem {{\n field 9.4 T\n temperature 20 mK\n spin d : {nucleus}{along}\n relax d {{ {relax} }}\n}}\nstate hot = thermal\n\
                 sequence {{ prepare steady_state(0 * (1 Hz) * Iz(d)) }}\nmeasure {{ trace_distance(hot) }}\n"
            );
            close(run(&text)[0], 0.0, 1e-10);
        }
    }
}

/// T1 and T2 of a spin 3/2: a random field.
#[test]
fn a_random_field_relaxes_any_spin() {
    for nucleus in ["2H", "23Na", "27Al"] {
        let [z, y] = recovered(nucleus, "T1 = 50 ms, T2 = 20 ms", "90", "30 ms");
        close(z, 1.0 - (-0.6f64).exp(), 3e-7);
        close(y.abs(), (-1.5f64).exp(), 3e-7);
        let [_, y] = recovered(nucleus, "T1 = 50 ms", "90", "30 ms");
        close(y.abs(), (-0.3f64).exp(), 3e-7);
    }
    // Populations of neighbouring levels differ by the given polarisation.
    let text = "ergoseq 1\nsystem {\n spin d : 23Na\n relax d { T1 = 1 ms, polarisation = 0.2 }\n}\nsequence {\n prepare mixed\n delay 1 s\n}\n\
                measure { expectation(Iz(d)) }\n";
    let p = [1.0, 2.0 / 3.0, 4.0 / 9.0, 8.0 / 27.0];
    let z = (1.5 * p[0] + 0.5 * p[1] - 0.5 * p[2] - 1.5 * p[3]) / p.iter().sum::<f64>();
    close(run(text)[0], z, 1e-10);
}

#[test]
fn impossible_relaxation_says_why() {
    let text = |system: &str| {
        format!(
            "ergoseq 1\nsystem {{\n field 9.4 T\n temperature 300 K\n {system}\n}}\nsequence {{\n prepare thermal\n delay 1 ms\n}}\n"
        )
    };
    for (system, why) in [
        ("spin d : 1H\n relax d { quadrupole = 1 kHz, tau_c = 1 ps }", "not a nucleus with a spin above 1/2"),
        ("spin d : 1\n relax d { quadrupole = 1 kHz, tau_c = 1 ps }", "not a nucleus"),
        ("spin d : 2H\n relax d { T1 = 1 s, quadrupole = 1 kHz }", "needs a correlation time"),
        ("spin d : 2H\n relax d { quadrupole = 1 kHz }", "needs at least one of"),
        ("spin d : 2H\n relax d { T1 = 1 s, eta = 0.1 }", "belongs to a `quadrupole`"),
        ("spin d : 2H\n relax d { quadrupole = 1 kHz, tau_c = 1 ps, eta = 2 }", "between 0 and 1"),
        ("spin d : 2H\n relax d { quadrupole = 1 kHz, tau_c = 0 ps }", "must be positive"),
        ("spin d : 2H\n relax d, d { quadrupole = 1 kHz, tau_c = 1 ps }", "given twice"),
        (
            "spin d : 2H\n quadrupole d = 1 kHz\n relax d { quadrupole = 1 kHz, tau_c = 1 ps }",
            "averages this `quadrupole` to zero",
        ),
        ("collective d : 3 * 2H\n relax d { T1 = 1 s }", "not a single spin"),
        ("spin d : 2H\n position d = (0, 0, 0) angstrom\n relax d { tau_c = 1 ps }", "if you give a `quadrupole`"),
    ] {
        let said = results(&text(system)).expect_err(system);
        assert!(said.contains(why), "{why} is not in: {said}");
    }
}
