//! Constants of nature and gyromagnetic ratios in expressions.

use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::Values;

fn compiled(body: &str) -> Result<ergoseq::Compiled, String> {
    let text = format!("ergoseq 1\n{body}\n");
    ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).map_err(|r| r.render())
}

fn run(body: &str) -> Run {
    let compiled = compiled(body).unwrap_or_else(|e| panic!("{e}"));
    ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()).unwrap_or_else(|e| panic!("{}", e.message))
}

fn end(run: &Run, key: &str) -> f64 {
    let mark = run.marks.last().unwrap();
    mark.values.iter().find(|(k, _)| k == key).unwrap().1.unwrap()
}

/// A spin in its upper level, with an energy per Iz.
fn with_energy(energy: &str) -> String {
    format!(
        "system {{ field 9.4 T\n spin a : 1H }}\nbattery {{ energy = {energy} * Iz(a) }}\nsequence {{ prepare up(a) }}\nmeasure {{ energy\n hertz = energy/h\n kelvin = energy/k_B }}"
    )
}

#[test]
fn one_energy_is_written_in_many_ways() {
    // CODATA 2022: h exact, gamma of the proton as the table of isotopes has it.
    let (h, k) = (6.62607015e-34, 1.380649e-23);
    let gamma = ergoseq::spin::Isotope::named("1H").unwrap().gamma;
    for (energy, joule) in [
        ("h * 3 kHz", h * 3e3),
        ("3 kHz", h * 3e3),
        ("hbar * 3 krad/s", h / std::f64::consts::TAU * 3e3),
        ("k_B * 2 mK", k * 2e-3),
        ("gamma(1H) * 9.4 T", h / std::f64::consts::TAU * gamma * 9.4),
        ("hbar * gamma(1H) * 9.4 T", h / std::f64::consts::TAU * gamma * 9.4),
    ] {
        let r = run(&with_energy(energy));
        for (key, value) in [("energy", 0.5 * joule), ("hertz", 0.5 * joule / h), ("kelvin", 0.5 * joule / k)] {
            assert!((end(&r, key) / value - 1.0).abs() < 1e-14, "{energy} {key}: {} {value}", end(&r, key));
        }
    }
}

#[test]
fn a_coupling_from_constants_is_that_of_positions() {
    let r = run(
        "param r = 1.58 angstrom\nsystem { field 9.4 T\n spin p, q : 1H\n position p = (0, 0, 0) angstrom\n position q = (0, 0, 1.58) angstrom\n dipolar all }\n\
         hamiltonian pair = -mu_0/(4*pi)*gamma(1H)^2*hbar/r^3*(2*Iz(p)*Iz(q) - Ix(p)*Ix(q) - Iy(p)*Iy(q))\nbattery { energy = dipolar }\n\
         sequence { prepare gibbs(pair, 1 uK) }\nmeasure { a = expectation(pair)\n b = energy/hbar }",
    );
    assert!((end(&r, "a") / end(&r, "b") - 1.0).abs() < 1e-12, "{} {}", end(&r, "a"), end(&r, "b"));
}

#[test]
fn declared_names_hide_constants_and_natural_units_have_none() {
    run(
        "param hbar = 2 kHz\nsystem { field 9.4 T\n spin h : 1H }\nbattery { energy = hbar * Iz(h) }\nsequence { prepare up(h) }\nmeasure { energy }",
    );
    for (body, words) in [
        (
            "units natural\nsystem { spin a : 1/2 }\nbattery { energy = hbar*Iz(a) }\nsequence { prepare up(a) }",
            "hbar = k_B = 1 here",
        ),
        (
            "units natural\nsystem { spin a : 1/2 }\nbattery { energy = gamma(1H)*Iz(a) }\nsequence { prepare up(a) }",
            "natural units",
        ),
        (
            "system { spin a : 1H }\nbattery { energy = gamma(a)*1 T*Iz(a) }\nsequence { prepare up(a) }",
            "takes a nucleus",
        ),
        (
            "system { spin a : 1H }\nbattery { energy = gamma(9Xx)*1 T*Iz(a) }\nsequence { prepare up(a) }",
            "unknown isotope",
        ),
        (
            "system { spin a : 1H }\nbattery { energy = h*Iz(a) }\nsequence { prepare up(a) }",
            "a Hamiltonian must be a frequency",
        ),
    ] {
        let said = match compiled(body) {
            Ok(_) => panic!("accepted: {body}"),
            Err(said) => said,
        };
        assert!(said.contains(words), "{body}: {said}");
    }
}
