//! Tomography, compared with the numbers of an independent program and its own laws.

mod bias;
mod counts;
mod intervals;
// The random states of the unit tests, which find the matrices as `crate::linalg`.
#[allow(dead_code)]
#[path = "../../src/metrics/random.rs"]
mod random;
mod readout_sets;
mod reconstruction;

use ergoseq::linalg::{self, C64, Matrix};
use ergoseq::noise::Noise;
use ergoseq::spin::{Basis, LocalKind, Operator, Site};
use ergoseq::tomography::{Plan, Receiver, Sample};
use serde_json::Value;

/// A random density matrix: of full rank, or pure.
fn random_state(n: usize, columns: usize, seed: u64) -> Matrix {
    let mut noise = Noise::new(seed, 99);
    let g = Matrix::from_fn(n, columns, |_, _| C64::new(noise.normal(), noise.normal()));
    let m = &g * g.adjoint();
    let trace = m.trace();
    m.map(|x| x / trace)
}

const TWO_PI: f64 = std::f64::consts::TAU;

fn reference() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/tomography.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn basis(spins: usize) -> Basis {
    Basis::new((0..spins).map(|k| Site::spin(format!("s{k}"), 1, None)).collect())
}

fn spin(spins: usize, kind: LocalKind, site: usize) -> Matrix {
    Operator::of(&basis(spins), kind, site).unwrap().matrix()
}

/// Weakly coupled spins, each on a channel of its own.
fn unlike(spins: usize, detected: usize) -> Sample {
    let mut hamiltonian = Matrix::zeros(1 << spins, 1 << spins);
    for a in 0..spins {
        for b in a + 1..spins {
            let j = TWO_PI * (100.0 + 37.0 * (a * spins + b) as f64);
            hamiltonian += (spin(spins, LocalKind::Iz, a) * spin(spins, LocalKind::Iz, b)).map(|z| z * j);
        }
    }
    let channel = |k: usize| Receiver {
        nucleus: format!("{k}"),
        x: spin(spins, LocalKind::Ix, k),
        y: spin(spins, LocalKind::Iy, k),
        detected: k < detected,
        resolution: 0.0,
    };
    Sample { hamiltonian, channels: (0..spins).map(channel).collect() }
}

/// Spins of one channel.
fn alike(spins: usize, hamiltonian: Matrix) -> Sample {
    let sum = |kind: LocalKind| (1..spins).fold(spin(spins, kind, 0), |m, k| m + spin(spins, kind, k));
    let channel = Receiver {
        nucleus: "1H".into(),
        x: sum(LocalKind::Ix),
        y: sum(LocalKind::Iy),
        detected: true,
        resolution: 0.0,
    };
    Sample { hamiltonian, channels: vec![channel] }
}

fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::to_string).collect()
}

fn pauli(kind: LocalKind) -> [Matrix; 2] {
    [0, 1].map(|k| spin(2, kind, k).map(|z| z * 2.0))
}

fn set_of(plan: &Plan) -> String {
    plan.readouts.iter().map(|r| r.word.as_str()).collect::<Vec<_>>().join(",")
}
