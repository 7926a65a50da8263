//! Relaxation times of dipolar order and of locked spins.

use super::{at_end, run};
use ergoseq::emulator::{Method, Options};
use ergoseq::hamiltonian::Values;

/// Dipolar order lives as long as T1D says, whatever T1 does at the same time, by all methods; polarisation does not hear of it.
#[test]
fn dipolar_order_has_a_lifetime_of_its_own() {
    let with = |relax: &str, prepare: &str, t: f64, key: &str, method: Method| {
        let text = format!(
            "ergoseq 1
system {{
    field 11.7 T
    temperature 1e9 K
    spin s[3] : 1H
    position s[1] = (0, 0, 0) angstrom
    position s[2] = (1.2, 0.3, 1.7) angstrom
    position s[3] = (-0.4, 1.5, 2.9) angstrom
    dipolar all
    relax s {{ {relax} }}
}}
sequence {{
    prepare {prepare}
    delay {t} s
}}
measure {{ D = expectation(dipolar), M = expectation(Iz(s[1]) + Iz(s[2]) + Iz(s[3])), trace = expectation(Iz(s[1])*Iz(s[1])) }}"
        );
        let compiled =
            ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
        let options = Options { method, ..Options::default() };
        at_end(&ergoseq::run(&compiled.experiment, &Values::new(), &options).unwrap(), key)
    };
    let ordered = "high_temperature(dipolar, 1 mK)";
    let begin = with("T1D = 1 s", ordered, 0.0, "D", Method::Auto);
    for (t, method) in [(0.3, Method::Auto), (2.0, Method::Auto), (2e-4, Method::Dop853), (2e-5, Method::Plain)] {
        let left = with("T1D = 0.5 s", ordered, t, "D", method);
        // A superoperator over 10^5 radian keeps nine digits.
        assert!((left / begin - (-t / 0.5).exp()).abs() < 2e-8, "{t} s by {method:?}: {}", left / begin);
        assert!((with("T1D = 0.5 s", ordered, t, "trace", method) - 0.25).abs() < 1e-12);
    }
    // What else decays it is not added, but made up for: the rate at the beginning is that of T1D.
    for relax in ["T1 = 2 s, T1D = 0.5 s", "T1 = 2 s, T2 = 1 s, T1D = 0.5 s", "T2 = 3 s, T1D = 0.5 s"] {
        let left = with(relax, ordered, 1e-4, "D", Method::Auto);
        assert!(((1.0 - left / begin) / (1e-4 / 0.5) - 1.0).abs() < 1e-3, "{relax}: {}", left / begin);
    }
    let up = "mix(0.5: ket \"000\", 0.5: mixed)";
    let with_it = with("T1D = 0.1 s", up, 0.4, "M", Method::Auto);
    assert!((with_it - 0.75).abs() < 1e-9, "{with_it}");
}

/// T1D is of all couplings: naming some of their spins is refused, and so is a lifetime that T1 does not leave.
#[test]
fn a_lifetime_of_dipolar_order_that_cannot_be_is_refused() {
    for (relax, says) in [
        ("relax p { T1D = 1 s }", "`q` is not named"),
        ("relax p, q { T1 = 1 s, T1D = 2 s }", "longer than 600 ms"),
        ("relax p { T1D = 1 s }\n    relax q { T1D = 1 s }", "given twice"),
    ] {
        let text = format!(
            "ergoseq 1
system {{
    field 11.7 T
    temperature 300 K
    spin p, q : 1H
    dipolar p q = -30 kHz
    {relax}
}}
sequence {{
    prepare thermal
    delay 1 ms
}}
measure {{ purity }}"
        );
        let compiled = ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap();
        let refused = ergoseq::check_values(&compiled.experiment, &Values::new()).unwrap_err();
        assert!(refused.message.contains(says), "{}", refused.message);
    }
}

/// While a lock holds the spins, T1rho takes the place of T2, for the locked nucleus only.
#[test]
fn a_lock_has_a_relaxation_time_of_its_own() {
    let text = "ergoseq 1
system {
    field 11.7 T
    temperature 300 K
    spin h : 1H
    spin c : 13C
    relax h, c { T1 = 2 s, T2 = 50 ms, T1rho = 400 ms }
}
channel 1H { rf = 25 kHz }
sequence {
    prepare up(h), up(c)
    pulse 1H 90 deg phase y ideal
    pulse 13C 90 deg phase y ideal
    lock 1H phase x from 10 kHz to 10 kHz over 100 ms
    mark locked
    delay 100 ms
}
measure { expectation(2*Ix(h)), expectation(2*Ix(c)) }";
    let run = run(text);
    let locked = &run.marks.iter().find(|m| m.name == "locked").unwrap().values;
    let of = |key: &str| locked.iter().find(|(k, _)| k == key).and_then(|(_, v)| *v).unwrap();
    assert!((of("expectation(2*Ix(h))") - (-0.1f64 / 0.4).exp()).abs() < 1e-9);
    assert!((of("expectation(2*Ix(c))") - (-0.1f64 / 0.05).exp()).abs() < 1e-9);
    let free = at_end(&run, "expectation(2*Ix(h))");
    assert!((free - (-0.1f64 / 0.4 - 0.1 / 0.05).exp()).abs() < 1e-9, "{free}");
}
