//! Results are accurate beside the deviation from the maximally mixed state, not beside the state.
//!
//! `reference/precision.json` is made by `reference/precision.py` with mpmath at 50 digits; the formulas stand there. The files of
//! `tests/cases/` are inputs that were once wrong, each with the value it must give and where that is from.

use ergoseq::emulator::{Method, Options, Run, Typical};
use ergoseq::hamiltonian::Values;
use ergoseq::linalg::{C64, Matrix, hermitian_eigen, real};
use ergoseq::metrics::*;
use rayon::prelude::*;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/precision.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Real and imaginary parts in turn, row by row.
fn matrix(value: &Value, n: usize) -> Matrix {
    let all: Vec<f64> = value.as_array().unwrap().iter().map(number).collect();
    Matrix::from_fn(n, n, |i, j| C64::new(all[2 * (i * n + j)], all[2 * (i * n + j) + 1]))
}

fn state(x: &Matrix) -> Matrix {
    let n = x.nrows();
    (Matrix::identity(n, n) + x) / real(n as f64)
}

/// A double holds the entries of (1 + x)/d to 1.1e-16 of 1/d, so x to 1e-16/p of itself; a few such roundings meet in every result. What
/// is of first or second order in x is then wrong by no more than 40 times that, and by 1e-11 where p is large.
#[test]
fn metrics_are_accurate_beside_the_deviation() {
    let mut wrong = Vec::new();
    let mut worst = (0.0f64, String::new());
    for case in reference()["cases"].as_array().unwrap() {
        let (spins, p) = (case["spins"].as_u64().unwrap() as usize, number(&case["p"]));
        let d = 1 << spins;
        let (rho, other, h) = (state(&matrix(&case["x"], d)), state(&matrix(&case["y"], d)), matrix(&case["h"], d));
        let levels = hermitian_eigen(&h).unwrap();
        let t = number(&case["temperature"]);
        let spectrum = Spectrum::of(&rho).unwrap();
        for (key, value) in case["metrics"].as_object().unwrap() {
            let found = match key.as_str() {
                "ergotropy" => ergotropy(&rho, &h).unwrap(),
                "anti_ergotropy" => anti_ergotropy(&rho, &h).unwrap(),
                "capacity" => capacity(&rho, &h).unwrap(),
                "entropy_deficit" => spectrum.deficit(),
                "thermodynamic_bound" => thermodynamic_bound(&rho, &h).unwrap(),
                "free_energy_bound" => free_energy_bound(&rho, &h, t).unwrap(),
                "bures_angle" => bures_angle(&rho, &other).unwrap(),
                "trace_distance" => trace_distance(&rho, &other).unwrap(),
                "relative_entropy_coherence" => relative_entropy_coherence(&rho).unwrap(),
                "coherence_of_energy" => {
                    let inside = ergoseq::linalg::conjugate_back(&levels.vectors, &rho);
                    relative_entropy_coherence(&inside).unwrap()
                }
                "incoherent_ergotropy" => incoherent_ergotropy(&rho, &h, &levels).unwrap(),
                "correlation" => deviation_correlation(&rho, &h).unwrap(),
                "spin_temperature" => spin_temperature(&rho, &h).unwrap(),
                "l1_coherence" => l1_coherence(&rho),
                "mutual_information" => mutual_information(&rho, 2, d / 2).unwrap(),
                other => panic!("no metric for {other}"),
            };
            let right = number(value);
            let allowed = 1e-11 + 40.0 * 1.1e-16 / p;
            // Small where it happens to be: a correlation is a share of 1, works are shares of the capacity.
            let scale = match key.as_str() {
                "correlation" => 1.0,
                "ergotropy" | "anti_ergotropy" | "incoherent_ergotropy" | "thermodynamic_bound" => {
                    right.abs().max(0.1 * number(&case["metrics"]["capacity"]))
                }
                _ => right.abs(),
            };
            let error = ((found - right) / scale).abs() / allowed;
            if error > worst.0 {
                worst = (error, format!("{key} of {spins} spins at p = {p:e}"));
            }
            if error.is_nan() || error > 1.0 {
                wrong.push(format!("{key} of {spins} spins at p = {p:e}: {found:e}, right is {right:e}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The bound means something: it is not met by a wide margin.
    assert!(worst.0 > 1e-3, "{worst:?}");
}

#[test]
fn correlations_of_hot_pairs_have_their_closed_form() {
    for case in reference()["bell"].as_array().unwrap() {
        let p = number(&case["p"]);
        let mut rho = Matrix::identity(4, 4);
        for (k, c) in case["c"].as_array().unwrap().iter().enumerate() {
            let sigma = match k {
                0 => Matrix::from_row_slice(2, 2, &[0.0, 1.0, 1.0, 0.0].map(real)),
                1 => Matrix::from_row_slice(2, 2, &[C64::ZERO, -C64::I, C64::I, C64::ZERO]),
                _ => Matrix::from_row_slice(2, 2, &[1.0, 0.0, 0.0, -1.0].map(real)),
            };
            rho += sigma.kronecker(&sigma) * real(number(c));
        }
        let rho = rho / real(4.0);
        let found = [
            ("mutual_information", mutual_information(&rho, 2, 2).unwrap()),
            ("classical_correlation", classical_correlation(&rho).unwrap()),
            ("discord", discord(&rho).unwrap()),
        ];
        for (key, found) in found {
            let right = number(&case[key]);
            assert!((found / right - 1.0).abs() < 1e-8 + 1e-14 / p, "{key} at {p:e}: {found:e} {right:e}");
        }
    }
}

/// No positive state near the identity is entangled: nothing is left of rounding.
#[test]
fn hot_states_have_no_negativity() {
    for case in reference()["cases"].as_array().unwrap().iter().filter(|c| c["spins"] != 1) {
        let d = 1 << case["spins"].as_u64().unwrap();
        let rho = state(&matrix(&case["x"], d));
        assert_eq!(negativity(&rho, &[2, d / 2], &[0]).unwrap(), 0.0);
        assert_eq!(log_negativity(&rho, &[2, d / 2], &[0]).unwrap(), 0.0);
    }
}

fn run(path: &Path, options: &Options) -> Run {
    run_with(path, options, &Values::new())
}

fn run_with(path: &Path, options: &Options, values: &Values) -> Run {
    let text = std::fs::read_to_string(path).unwrap();
    let compiled =
        ergoseq::compile("case.seq", &text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    ergoseq::run(&compiled.experiment, values, options).unwrap()
}

fn at_end(run: &Run, key: &str) -> Option<f64> {
    let values = &run.marks.last().unwrap().values;
    values.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("{key} of {values:?}")).1
}

/// Every case says what it must give.
#[test]
fn cases_give_what_they_must() {
    let entries = ["frontier", "physics", "numbers"].into_iter().flat_map(|k| std::fs::read_dir(folder(k)).unwrap());
    let paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let expects = |path: &&PathBuf| std::fs::read_to_string(path).unwrap().lines().any(|l| l.starts_with("expect "));
    paths.par_iter().filter(expects).for_each(|path| {
        let done = Command::new(env!("CARGO_BIN_EXE_ergoseq")).arg("test").arg(path).output().unwrap();
        assert!(done.status.success(), "{}\n{}", path.display(), String::from_utf8_lossy(&done.stdout));
    });
}

/// An adaptive method follows the deviation: its tolerance is a share of that, so a looser one gives the same numbers to about as much.
#[test]
fn tolerances_are_shares_of_the_deviation() {
    let keys = ["order(dipolar)", "correlation(dipolar)", "order(Iy(p))", "ergotropy"];
    let path = folder("physics/17_dop853.seq");
    let exact = run(&path, &Options::default());
    let other = run(&path, &Options { method: Method::Dop853, ..Options::default() });
    for key in keys {
        let (a, b) = (at_end(&exact, key).unwrap(), at_end(&other, key).unwrap());
        // Both have the tolerance 1e-7.
        let scale = if key == "ergotropy" { a.abs() } else { 1.0 };
        assert!((a - b).abs() < 1e-5 * scale, "{key}: {a:e} {b:e}");
    }
}

/// What rounding leaves of a saturated state is no state to speak of.
#[test]
fn the_maximally_mixed_state_has_no_deviation() {
    for name in ["physics/19_saturated.seq", "physics/19_identity.seq"] {
        let run = run(&folder(name), &Options::default());
        let values = &run.marks.last().unwrap().values;
        for (key, value) in values.iter().filter(|(key, _)| *key != "order(Iz(h))") {
            assert_eq!(*value, None, "{name}: {key}");
        }
    }
}

/// A Gibbs state that was moved by unitaries alone: its ergotropy is the energy that was stored.
#[test]
fn random_vectors_give_the_works_that_unitaries_leave() {
    let path = folder("frontier/t.seq");
    // Eight spins, of which the density matrix is soon had.
    let eight = Values::from([("N".to_string(), 8.0)]);
    let exact = run_with(&path, &Options::default(), &eight);
    let found =
        run_with(&path, &Options { typical: Some(Typical { vectors: 8, seed: 0 }), ..Options::default() }, &eight);
    let (w, stored) = (at_end(&found, "ergotropy").unwrap(), at_end(&found, "stored_energy").unwrap());
    assert!((w / stored - 1.0).abs() < 1e-12);
    // The standard error that is told is 4 %.
    assert!((w / at_end(&exact, "ergotropy").unwrap() - 1.0).abs() < 0.2);
    // The capacity follows from the levels alone.
    let (c, right) = (at_end(&found, "capacity").unwrap(), at_end(&exact, "capacity").unwrap());
    assert!((c / right - 1.0).abs() < 1e-8, "{c:e} {right:e}");
}

/// Every method leaves the maximally mixed state where it is, at rest and under a Hamiltonian that changes; a state without a
/// deviation has no scale for a tolerance.
#[test]
fn the_maximally_mixed_state_stays() {
    for evolution in ["Z(a)", "sin(3*t)*X(a) + Z(a)"] {
        for noise in ["", " with n"] {
            let text = format!(
                "ergoseq 1\nunits natural\nsystem {{ spin a : 1/2 }}\nnoise n {{ collapse 0.3*Z(a) }}\n\
                 sequence {{\n prepare mix(0.5: ket \"0\", 0.5: ket \"1\")\n evolve {evolution} for 2{noise}\n}}\n\
                 measure {{ purity }}\n"
            );
            let compiled = ergoseq::compile("mixed.seq", &text, &mut ergoseq::no_files).unwrap();
            for method in [Method::Auto, Method::Dop853, Method::Plain] {
                let options = Options { method, ..Options::default() };
                let run = ergoseq::run(&compiled.experiment, &Default::default(), &options)
                    .unwrap_or_else(|d| panic!("{method:?}, {evolution}{noise}: {}", d.message));
                let purity = run.marks.last().unwrap().values[0].1.unwrap();
                assert!((purity - 0.5).abs() < 1e-15, "{method:?}, {evolution}{noise}: {purity}");
            }
        }
    }
}
