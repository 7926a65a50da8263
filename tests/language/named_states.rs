//! Named states: wherever states may be, as targets of metrics, and density matrices from files.

use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::Values;
use ergoseq::run;

/// Compiles and runs a text; `file` is what `density "rho"` reads.
fn found(text: &str, file: &str) -> Result<Run, String> {
    let text = format!("ergoseq 1\nunits natural\nsystem {{ spin a, b : 1/2 }}\n{text}");
    let mut reader = |path: &str, _: &str| match path {
        "rho" => Ok(("rho".to_string(), file.to_string())),
        _ => Err("there is no such file".to_string()),
    };
    let compiled = ergoseq::compile("states.seq", &text, &mut reader).map_err(|refused| refused.render())?;
    run(&compiled.experiment, &Values::new(), &Options::default()).map_err(|f| f.render(&compiled.sources, false))
}

fn end(of: &Run) -> Vec<f64> {
    of.marks.last().expect("the end").values.iter().map(|(_, v)| v.unwrap_or(f64::NAN)).collect()
}

fn assert_end(text: &str, file: &str, expected: &[f64]) {
    let values = end(&found(text, file).unwrap_or_else(|said| panic!("{said}")));
    assert_eq!(values.len(), expected.len(), "{text}");
    for (x, y) in values.iter().zip(expected) {
        // Rounding of 4 x 4 matrices; square roots of populations near 0 lose half of the digits.
        assert!((x - y).abs() < 1e-7, "{text}: {values:?}, expected {expected:?}");
    }
}

const BELL: &str = "state bell = superposition(1: ket \"00\", 1: ket \"11\") ";

#[test]
fn targets_of_pure_and_mixed_states() {
    // |00>: F = 1/2, D = sqrt(1 - F), angle arccos sqrt(F).
    let metrics = "measure { fidelity(bell), trace_distance(bell), bures_angle(bell) }";
    let root = 0.5f64.sqrt();
    assert_end(&format!("{BELL} sequence {{ prepare ket \"00\" }} {metrics}"), "", &[0.5, root, root.acos()]);
    // p |bell><bell| + (1 - p)/4: F = p + (1 - p)/4, D = 3/4 (1 - p).
    let werner = format!("{BELL} state w = mix(0.6: bell, 0.4: mixed) sequence {{ prepare w }} {metrics}");
    assert_end(&werner, "", &[0.7, 0.3, 0.7f64.sqrt().acos()]);
    assert_end(&format!("{BELL} sequence {{ prepare bell }} {metrics}"), "", &[1.0, 0.0, 0.0]);
    // Two commuting mixed states: F = (sum sqrt(p q))^2, D = sum |p - q| / 2.
    let two = "state p = mix(0.9: ket \"00\", 0.1: ket \"11\") state q = mix(0.4: ket \"00\", 0.6: ket \"11\")
               sequence { prepare p } measure { fidelity(q), trace_distance(q), bures_angle(q) }";
    let f = (0.36f64.sqrt() + 0.06f64.sqrt()).powi(2);
    assert_end(two, "", &[f, 0.5, f.sqrt().acos()]);
}

/// |01> stays in the sector of one excitation under an exchange; the target does not.
#[test]
fn targets_may_leave_the_space_that_is_reached() {
    let text = "state target = superposition(1: ket \"01\", 1: ket \"00\") state mixed_target = mix(0.5: ket \"01\", 0.5: ket \"00\")
                sequence { prepare ket \"01\" evolve Ip(a)*Im(b) + hc for 0.7 }
                measure { fidelity(target), trace_distance(target), fidelity(mixed_target), trace_distance(mixed_target), bures_angle(target) }";
    // cos(0.7) |01> - i sin(0.7) |10> on the targets: F = cos^2/2; D = sqrt(1 - F) for pure ones. For the mixture 1/2 lies outside, and
    // inside of the plane of |01> and |10> the difference has the eigenvalues x with x^2 - x/2 - (1 - cos^2)/2 = 0.
    let p = 0.7f64.cos().powi(2);
    let root = (0.25 + 2.0 * (1.0 - p)).sqrt();
    let inside = ((0.5 + root) / 2.0).abs() + ((0.5 - root) / 2.0).abs();
    let expected = [p / 2.0, (1.0 - p / 2.0).sqrt(), p / 2.0, (inside + 0.5) / 2.0, (p / 2.0).sqrt().acos()];
    assert_end(text, "", &expected);
}

#[test]
fn names_stand_where_states_do() {
    let text = "state down_a = down(a) state fresh = gibbs(0.5*Z(b), 0.8)
                sequence { prepare down_a, fresh reset b = fresh }
                measure { expectation(Z(a)), expectation(Z(b)) }";
    assert_end(text, "", &[-1.0, -(0.5f64 / 0.8).tanh()]);
}

#[test]
fn density_matrices_are_read_from_files() {
    let table = "0.5 0 0 -0.5j\n0 0 0 0\n0 0 0 0\n0.5j 0 0 0.5\n";
    let text = "state phased = superposition(1: ket \"00\", 1 phase pi/2: ket \"11\") state read = density \"rho\"
                sequence { prepare read } measure { fidelity(phased), purity, expectation(Z(a)) }";
    assert_end(text, table, &[1.0, 1.0, 0.0]);
    let json = r#"{"state": {"re": [[0.7,0,0,0],[0,0.1,0,0],[0,0,0.2,0],[0,0,0,0]], "im": [[0,0,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,0]]}}"#;
    let text =
        "state read = density \"rho\" sequence { prepare read } measure { expectation(Z(a)), expectation(Z(b)) }";
    // Populations of 00, 01, 10, 11; 0 is up.
    assert_end(text, json, &[0.6, 0.8]);
}

#[test]
fn files_that_are_no_state_are_refused_with_the_reason() {
    let cases = [
        ("0.5 0\n0 0.5", "has 2 rows, but the subsystems have 4 states"),
        ("1 0 0 0\n0 1 0 0\n0 0 0 0\n0 0 0 0", "has the trace 2"),
        ("0.5 0 0 0.5j\n0 0 0 0\n0 0 0 0\n0.5j 0 0 0.5", "is not Hermitian"),
        ("0.5 0 0 0.6\n0 0 0 0\n0 0 0 0\n0.6 0 0 0.5", "the negative eigenvalue -1.0e-1"),
        ("0.5 0 0\n0 0.5 0", "row 1 has 3 elements"),
        ("one two", "`one` is not a number"),
    ];
    for (file, why) in cases {
        let said = found("state read = density \"rho\" sequence { prepare read }", file).err().unwrap_or_default();
        assert!(said.contains(why), "{file}: {said}");
    }
    let said = |text: &str| found(text, "").err().unwrap_or_default();
    assert!(said("sequence { prepare density \"rho\" }").contains("a density matrix from a file needs a name"));
    assert!(said("state s = density \"other\" sequence { prepare s }").contains("there is no such file"));
    assert!(said("state s = mix(1: s) sequence { prepare s }").contains("E203"));
    assert!(said("state thermal = ket \"00\" sequence { prepare thermal }").contains("built-in state"));
    assert!(said("sequence { prepare ket \"00\" } measure { fidelity(a) }").contains("takes the name of a state"));
    assert!(said("state s = ket \"00\" sequence { prepare s } measure { fidelity(s, s) }").contains("E207"));
    assert!(said("state s = ket \"0\" sequence { prepare s }").contains("E409"));
    assert!(said("state s = ket \"00\" state s = ket \"11\" sequence { prepare s }").contains("E202"));
}
