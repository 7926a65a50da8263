//! How long a run of the main example takes, in the library and as a process, and the check of a long generated file.

use criterion::{Criterion, criterion_group, criterion_main};
use ergoseq::emulator::Options;
use ergoseq::hamiltonian::Values;
use std::hint::black_box;
use std::process::Command;

fn charging() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../sequences/dipolar_charging.seq"))
        .expect("the example is there")
}

/// A file of many statements, as a program would write it.
pub fn generated(statements: usize) -> String {
    let mut text = String::from(
        "ergoseq 1\nparam tau = 5 us\nsystem {\n    field 9.4 T\n    temperature 300 K\n    spin a, b : 1H\n    dipolar a b = 3 kHz\n}\nchannel 1H { rf = 50 kHz }\nsequence {\n    prepare thermal\n",
    );
    for k in 0..statements / 4 {
        text += &format!(
            "    pulse 1H 90 deg phase {} deg\n    delay tau + {}.5 us\n    pulse 1H 45 deg phase y rf = 40 kHz\n    evolve 2 kHz * Iz(a) * Iz(b) for {} us\n",
            k % 360,
            k % 17,
            k % 5 + 1
        );
    }
    text + "}\nmeasure { purity }\n"
}

const POWDER: &str = "ergoseq 1
system {
    field 11.7 T
    temperature 300 K
    spin p, q : 1H
    dipolar p q = -30.4540 kHz along (0, 0, 1)
}
ensemble { orientation : zcw points 10946 }
sequence {
    prepare thermal
    pulse 1H 90 deg phase y ideal
    acquire 1H points 512 dwell 1 us
}
measure { signal(1H) }
";

const CLUSTER: &str = "ergoseq 1
system {
    field 11.7 T
    temperature 300 K
    spin s[8] : 19F
    position s[k] = (0, 0, 3.442 * (k - 1)) angstrom for k in 1..8
    dipolar all
}
channel 19F { rf = 100 kHz }
sequence {
    prepare thermal
    pulse 19F 90 deg phase x
    delay 30 us
    pulse 19F 45 deg phase y
    delay 1 ms
    pulse 19F 45 deg phase y
    acquire 19F points 1024 dwell 5 us
}
measure { signal(19F) }
";

fn laboratory(c: &mut Criterion) {
    let mut group = c.benchmark_group("laboratory");
    group.sample_size(10);
    for (name, text) in
        [("powder of 10946 pairs, 512 points", POWDER), ("Jeener-Broekaert and decay of eight spins", CLUSTER)]
    {
        let compiled = ergoseq::compile("bench.seq", text, &mut ergoseq::no_files).expect("it compiles");
        group.bench_function(name, |b| {
            b.iter(|| {
                ergoseq::run(&compiled.experiment, black_box(&Values::new()), &Options::default()).expect("it runs")
            });
        });
    }
    group.bench_function("10000 tomographies of a pair", |b| b.iter(|| black_box(tomographies(10_000))));
    group.finish();
}

/// Ten thousand tomographies of a pair by maximum likelihood, each with plain value, second-order bias, a bootstrap of 8
/// and cross-fitting, on all cores.
fn tomographies(count: u64) -> f64 {
    use ergoseq::linalg::real;
    use ergoseq::noise::Noise;
    use ergoseq::spin::{Basis, LocalKind, Operator, Site, gibbs};
    use ergoseq::tomography::estimate::Battery;
    use ergoseq::tomography::reconstruct::Inverse;
    use ergoseq::tomography::{Method, Receiver, Sample, energies, plan};
    use rayon::prelude::*;
    let basis = Basis::new((0..2).map(|k| Site::spin(format!("s{k}"), 1, None)).collect());
    let spin = |kind, k| Operator::of(&basis, kind, k).expect("spins have it").matrix();
    let channel = |k: usize| Receiver {
        nucleus: k.to_string(),
        x: spin(LocalKind::Ix, k),
        y: spin(LocalKind::Iy, k),
        detected: true,
        resolution: 0.0,
    };
    let coupling = spin(LocalKind::Iz, 0) * spin(LocalKind::Iz, 1);
    let sample = Sample { hamiltonian: coupling.map(|z| z * real(1000.0)), channels: vec![channel(0), channel(1)] };
    let inverse = Inverse::of(&plan(&sample).expect("there is a plan")).expect("it is finite");
    let h = coupling.map(|z| z * 8.0 / 3.0) - spin(LocalKind::Ix, 0) * spin(LocalKind::Ix, 1);
    let state = gibbs(&h, 1.0).expect("it is finite");
    let battery = Battery { parts: (0..4).map(|k| (k, 0)).collect(), hamiltonian: h };
    let amplitudes = inverse.amplitudes(&state);
    let work: Vec<f64> = (0..count)
        .into_par_iter()
        .map(|k| {
            let (mut noise, sigma) = (Noise::new(1, k), 0.25 / 20.0);
            let y: Vec<f64> = amplitudes.iter().map(|a| a + sigma * noise.normal()).collect();
            energies(&inverse, &battery, &y, sigma, Method::MaximumLikelihood, (8, k))
                .expect("finite")
                .ergotropy
                .corrected
        })
        .collect();
    work.iter().sum()
}

fn benches(c: &mut Criterion) {
    let text = charging();
    c.bench_function("compile dipolar_charging.seq", |b| {
        b.iter(|| ergoseq::compile("charging.seq", black_box(&text), &mut ergoseq::no_files).expect("it compiles"));
    });
    let compiled = ergoseq::compile("charging.seq", &text, &mut ergoseq::no_files).expect("it compiles");
    c.bench_function("run dipolar_charging.seq", |b| {
        b.iter(|| ergoseq::run(&compiled.experiment, black_box(&Values::new()), &Options::default()).expect("it runs"));
    });
    // The command of `cargo build --release`.
    let command = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/ergoseq");
    if std::path::Path::new(command).exists() {
        c.bench_function("run dipolar_charging.seq as a process", |b| {
            b.iter(|| {
                let done = Command::new(command)
                    .args(["run", "sequences/dipolar_charging.seq"])
                    .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
                    .output()
                    .expect("the command starts");
                assert!(done.status.success());
            });
        });
    }
    let text = generated(2_000);
    c.bench_function("an editor's view of 2000 statements", |b| {
        b.iter(|| ergoseq::editor::Document::new("generated.seq", black_box(text.clone()), &mut ergoseq::no_files));
    });
    let mut group = c.benchmark_group("check of a generated file");
    group.sample_size(10);
    for statements in [10_000, 100_000] {
        let text = generated(statements);
        group.bench_function(format!("{statements} statements"), |b| {
            b.iter(|| {
                let compiled =
                    ergoseq::compile("generated.seq", black_box(&text), &mut ergoseq::no_files).expect("it compiles");
                ergoseq::check_values(&compiled.experiment, &Values::new()).expect("it is right")
            });
        });
    }
    group.finish();
}

criterion_group!(all, benches, laboratory);
criterion_main!(all);
