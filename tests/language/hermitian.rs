//! A Hamiltonian that changes in time is Hermitian at all times, or refused.

use ergoseq::emulator::{Emulator, Options};
use ergoseq::hamiltonian::Values;

fn text(hamiltonian: &str) -> String {
    format!(
        "ergoseq 1\nunits natural\nparam a = 1\nparam b = 1\nsystem {{ spin s, r : 1/2 }}\nbattery {{ energy = Iz(s) + Iz(r) }}\n\
         sequence {{ prepare ket \"00\"\n evolve {hamiltonian} for 1 }}\nmeasure {{ energy }}\n"
    )
}

/// Whether the file compiles and its points run.
fn accepted(hamiltonian: &str, points: &[(f64, f64)]) -> Result<(), String> {
    let compiled = ergoseq::compile("test.seq", &text(hamiltonian), &mut ergoseq::no_files).map_err(|r| r.render())?;
    let emulator = Emulator::new(&compiled.experiment);
    let points: Vec<Values> = points.iter().map(|(a, b)| Values::from([("a".into(), *a), ("b".into(), *b)])).collect();
    for run in emulator.run_many(&points, &Options::default()) {
        run.map_err(|e| e.message.clone())?;
    }
    Ok(())
}

#[test]
fn what_is_hermitian_is_taken() {
    for hamiltonian in [
        "cos(t)*Ip(s) + cos(t)*Im(s)",
        "cos(t)*(2*Ip(s)) + (2*cos(t))*Im(s)",
        "exp(-t)*(Ip(s)*Im(r) + hc)",
        "step(t - 0.4)*(Ip(s) + Im(s)) + sin(3*t)*Iz(r)",
        "(Ip(s) - Im(s))*(Ip(r) - Im(r))*cos(t)",
        "a*Ip(s) + a*Im(s)",
        "a*cos(b*t)*Ip(s) + a*cos(b*t)*Im(s)",
    ] {
        accepted(hamiltonian, &[(1.0, 1.0), (0.7, 0.7)]).unwrap_or_else(|e| panic!("{hamiltonian}: {e}"));
    }
}

#[test]
fn what_is_not_hermitian_at_some_time_is_refused() {
    for hamiltonian in [
        "cos(t)*Ip(s) - cos(t)*Im(s)",
        "sin(t)*Ip(s) + cos(t)*Im(s)",
        "step(t - 0.4)*Ip(s) + Im(s)",
        "exp(-t)*Ip(s)*Im(r) + exp(-2*t)*Im(s)*Ip(r)",
        "cos(t)*(Ip(s) - Im(s))",
    ] {
        let said = accepted(hamiltonian, &[(1.0, 1.0)]).unwrap_err();
        assert!(said.contains("Hermitian"), "{hamiltonian}: {said}");
    }
}

#[test]
fn points_that_are_not_hermitian_are_refused_in_batches_too() {
    // Hermitian where a = b only.
    accepted("a*Ip(s) + b*Im(s)", &[(0.5, 0.5), (1.5, 1.5)]).unwrap();
    let said = accepted("a*Ip(s) + b*Im(s)", &[(1.0, 1.0), (1.0, 1.2)]).unwrap_err();
    assert!(said.contains("Hermitian"), "{said}");
}
