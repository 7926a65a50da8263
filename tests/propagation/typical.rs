//! Random vectors beside density matrices.

use ergoseq::diagnostic::Code;
use ergoseq::emulator::{Options, Run, Typical, run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use std::process::Command;

fn compiled(text: &str) -> Experiment {
    ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render())).experiment
}

const CHAIN: &str = "ergoseq 1
param n = 8, sd = 0
system {
    field 11.7 T
    temperature 300 K
    spin s[n] : 1H
    shift s[1] = 3 ppm
    position s[k] = (0.3*sin(k), 2.4*(k - 1), 0.2*cos(2*k)) angstrom for k in 1..n
    dipolar all
}
channel 1H { max_rf = 200 kHz }
battery { energy = dipolar }
ensemble { rf 1H : gaussian(mean = 1, sd = sd) points 1 }
sequence {
    prepare thermal
    pulse 1H 90 deg phase x rf = 100 kHz
    delay 9 us
    pulse 1H 45 deg phase y ideal
    mark pulsed
    loop 2 {
        delay 3 us
        pulse 1H 20 deg phase x ideal
    }
    delay 20 us record 5 as waiting
    pulse 1H 45 deg phase y ideal
    acquire 1H points 64 dwell 2 us
}
measure { signal(1H), signal_im(1H), energy, stored_energy, order(dipolar), order(sum(k in 1..n, Ix(s[k]))) }
";

fn typical(vectors: usize, seed: u64) -> Options {
    Options { typical: Some(Typical { vectors, seed }), ..Options::default() }
}

fn curve<'a>(run: &'a Run, trace: &str, key: &str) -> &'a [Option<f64>] {
    let trace = run.traces.iter().find(|t| t.name == trace).unwrap();
    &trace.values.iter().find(|(k, _)| k == key).unwrap().1
}

#[test]
fn random_vectors_are_right_within_their_errors() {
    let experiment = compiled(CHAIN);
    let exact = run(&experiment, &Values::new(), &Options::default(), &[]).unwrap();
    let found = run(&experiment, &Values::new(), &typical(64, 0), &[]).unwrap();
    assert_eq!(found.how.random_vectors, 64);
    // The error that is told, and the largest value.
    let told = |key: &str| -> f64 {
        let note = found.notes.iter().find(|n| n.starts_with(&format!("`{key}`"))).unwrap();
        note.split("at most ").nth(1).unwrap().split([',', ' ']).next().unwrap().parse().unwrap()
    };
    let near = |key: &str, a: &[Option<f64>], b: &[Option<f64>]| {
        let error = told(key.replace("_im", "").as_str());
        let largest = a.iter().flatten().fold(0.0, |m: f64, x| m.max(x.abs()));
        // Five standard errors; these are a tenth of what is measured at the most, so the bound means something.
        for (x, y) in a.iter().zip(b) {
            let (x, y) = (x.unwrap(), y.unwrap());
            assert!((x - y).abs() <= 5.0 * error, "{key}: {x} {y} {error}");
        }
        // Orders are of the size of 1, whatever they are at one mark.
        let size = if key == "order(dipolar)" { 1.0 } else { largest };
        assert!(key == "stored_energy" || error < 0.2 * size, "{key}: {error} of {largest}");
    };
    for key in ["signal(1H)", "signal_im(1H)"] {
        near(key, curve(&exact, "fid", key), curve(&found, "fid", key));
    }
    for key in ["energy", "stored_energy", "order(dipolar)"] {
        near(key, curve(&exact, "waiting", key), curve(&found, "waiting", key));
        let at = |run: &Run| {
            let mark = run.marks.iter().find(|m| m.name == "pulsed").unwrap();
            vec![mark.values.iter().find(|(k, _)| k == key).unwrap().1]
        };
        near(key, &at(&exact), &at(&found));
    }
}

#[test]
fn fast_steps_are_those_of_chebyshev() {
    // Behind a decay at the end and nothing else the fast steps go; a metric asks for the end state, so they do not.
    let fast = compiled(&CHAIN.replace(", energy, stored_energy, order(dipolar), order(sum(k in 1..n, Ix(s[k])))", ""));
    let slow = compiled(CHAIN);
    let of = |experiment: &Experiment| run(experiment, &Values::new(), &typical(3, 7), &[]).unwrap();
    let (fast, slow) = (of(&fast), of(&slow));
    assert!(
        fast.how.methods.iter().any(|m| m == "split steps") && !slow.how.methods.iter().any(|m| m == "split steps")
    );
    let largest = curve(&slow, "fid", "signal(1H)").iter().flatten().fold(0.0, |m: f64, x| m.max(x.abs()));
    for key in ["signal(1H)", "signal_im(1H)"] {
        for (x, y) in curve(&fast, "fid", key).iter().zip(curve(&slow, "fid", key)) {
            // The tolerance of 1e-7 of the largest point, doubled, for it is that of each of two parts.
            assert!((x.unwrap() - y.unwrap()).abs() < 2e-7 * largest, "{key}: {x:?} {y:?}");
        }
    }
    // The same vectors on one thread, other ones for another seed.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(pool.install(|| of(&compiled(CHAIN))), slow);
    let other = run(&compiled(CHAIN), &Values::new(), &typical(3, 8), &[]).unwrap();
    assert_ne!(curve(&other, "fid", "signal(1H)"), curve(&slow, "fid", "signal(1H)"));
}

#[test]
fn what_vectors_cannot_do_is_said() {
    let wrong = |text: &str| run(&compiled(text), &Values::new(), &typical(2, 0), &[]).unwrap_err().message;
    assert!(wrong(&CHAIN.replace("    mark pulsed", "    crush\n    mark pulsed")).contains("no relaxation, gradient"));
    let relaxing = CHAIN.replace("    dipolar all", "    relax s[1] { T1 = 1 s, T2 = 1 s }\n    dipolar all");
    assert!(wrong(&relaxing).contains("no relaxation, gradient"));
    assert!(
        wrong(&CHAIN.replace("prepare thermal", "prepare ket\"00000000\"")).contains("cannot represent this state")
    );
    let collective = "ergoseq 1\nunits natural\nsystem { collective c : 8 * 1/2 }\nsequence {\n    prepare mixed\n    evolve Ix(c) for 1\n}\nmeasure { order(Iz(c)) }\n";
    assert!(wrong(collective).contains("have multiplicities"));
    // The maximally mixed state has no order.
    let even = run(&compiled(&CHAIN.replace("prepare thermal", "prepare mixed")), &Values::new(), &typical(2, 0), &[])
        .unwrap();
    assert!(
        even.marks.iter().flat_map(|m| &m.values).all(|(k, x)| k.starts_with("order") == x.is_none()),
        "{:?}",
        even.marks
    );
    let found = run(&compiled(&CHAIN.replace(" energy,", " purity,")), &Values::new(), &typical(1, 0), &[]).unwrap();
    assert!(found.notes.iter().any(|n| n.starts_with("`purity` is undefined")), "{:?}", found.notes);
    assert!(found.notes.iter().any(|n| n.contains("its error is unknown")), "{:?}", found.notes);
}

#[test]
fn sixteen_spins_have_a_signal() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/workloads/typical_chain.seq");
    let ergoseq = |more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_ergoseq")).args(["run", "--set", "n=16", file]).args(more).output().unwrap()
    };
    // A density matrix of 65,536 states does not fit, and what would fit is said.
    let refused = ergoseq(&[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("--typical 16"), "{said}");
    let done = ergoseq(&["--typical", "2"]);
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success() && text.contains("65536 states, random vectors"), "{done:?}");
    assert!(text.contains("the standard error is at most"), "{text}");
}

/// Phases of 1e17 rad have no correct digit, with random vectors as with density matrices.
#[test]
fn phases_that_are_lost_to_rounding_are_refused() {
    let long = compiled(&CHAIN.replace("    delay 9 us", "    delay 1e12 s"));
    for options in [typical(1, 0), Options::default()] {
        let found = run(&long, &Values::new(), &options, &[]);
        assert_eq!(found.map(|_| ()).unwrap_err().code, Code::OutOfRange);
    }
}
