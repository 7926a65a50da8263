//! How long a run of the main example takes, in the library and as a process, and the check of a long generated file.

use criterion::{Criterion, criterion_group, criterion_main};
use ergoseq::emulator::Options;
use ergoseq::hamiltonian::Values;
use std::hint::black_box;
use std::process::Command;

fn charging() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/sequences/dipolar_charging.seq"))
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

fn benches(c: &mut Criterion) {
    let text = charging();
    c.bench_function("compile dipolar_charging.seq", |b| {
        b.iter(|| ergoseq::compile("charging.seq", black_box(&text), &mut ergoseq::no_files).expect("it compiles"));
    });
    let compiled = ergoseq::compile("charging.seq", &text, &mut ergoseq::no_files).expect("it compiles");
    c.bench_function("run dipolar_charging.seq", |b| {
        b.iter(|| ergoseq::run(&compiled.experiment, black_box(&Values::new()), &Options::default()).expect("it runs"));
    });
    c.bench_function("run dipolar_charging.seq as a process", |b| {
        b.iter(|| {
            let done = Command::new(env!("CARGO_BIN_EXE_ergoseq"))
                .args(["run", "sequences/dipolar_charging.seq"])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .output()
                .expect("the command starts");
            assert!(done.status.success());
        });
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

criterion_group!(all, benches);
criterion_main!(all);
