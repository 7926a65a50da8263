//! Runs on a graphics processor beside those on the CPU. Without the feature `gpu` the request is an error. With it the kernels run on a
//! software device; without one the tests are skipped and say so. `ERGOSEQ_GPU=1` runs them on a graphics processor.

use ergoseq::emulator::{Options, Processor, Run, Typical, run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;

fn compiled(text: &str) -> Experiment {
    ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render())).experiment
}

/// A powder of a pair with a phase cycle: every member differs in the delay and in the acquisition, not in the pulses.
const POWDER: &str = "ergoseq 1
system {
    field 9.4 T
    temperature 300 K
    spin a : 1H
    spin b : 13C
    shift a = 2 ppm
    csa b = 40 ppm eta 0.4 axes (10, 20, 30) deg
    j a b = 140 Hz
    dipolar a b = -3 kHz along (0, 0, 1)
}
cycle first = x, -x
cycle receiver = x, -x
ensemble { orientation : spiral points 40 }
sequence {
    prepare thermal
    pulse 13C 90 deg phase first ideal
    delay 30 us
    pulse 13C 60 deg phase y ideal
    acquire 13C points 70 dwell 20 us phase receiver
}
measure { signal(13C), signal_im(13C) }
";

/// A chain with a pulse before its decay.
const CHAIN: &str = "ergoseq 1
system {
    field 11.7 T
    spin s[13] : 1H
    position s[k] = (0.3*sin(k), 2.4*(k - 1), 0.2*cos(2*k)) angstrom for k in 1..13
    shift s[2] = 5 ppm
    dipolar all
}
sequence {
    prepare high_temperature(-sum(k in 1..13, Iz(s[k])) * 1 MHz, 1 K)
    pulse 1H 70 deg phase x ideal
    acquire 1H points 40 dwell 1 us
}
measure { signal(1H), signal_im(1H) }
";

fn options(processor: Processor, vectors: Option<usize>) -> Options {
    let typical = vectors.map(|vectors| Typical { vectors, seed: 3 });
    Options { processor, typical, ..Options::default() }
}

/// The device of the tests; `None` if there is none.
fn device() -> Option<Processor> {
    let processor = if std::env::var_os("ERGOSEQ_GPU").is_some() { Processor::Gpu } else { Processor::Software };
    match run(&compiled(POWDER), &Values::new(), &options(processor, None), &[]) {
        Ok(_) => Some(processor),
        Err(fault) => {
            assert_eq!(fault.code.number(), "E508", "{fault}");
            assert!(processor == Processor::Software, "{fault}");
            eprintln!("skipped: {fault}");
            None
        }
    }
}

/// The complex signal, and its largest magnitude.
fn signal(run: &Run) -> (Vec<(f64, f64)>, f64) {
    let trace = run.traces.iter().find(|t| t.name == "fid").unwrap();
    let part = |k: usize| trace.values[k].1.iter().map(|x| x.unwrap()).collect::<Vec<f64>>();
    let all: Vec<(f64, f64)> = part(0).into_iter().zip(part(1)).collect();
    let largest = all.iter().map(|(x, y)| x.hypot(*y)).fold(0.0, f64::max);
    (all, largest)
}

/// Both runs to `tolerance` of the largest point: rounding, which steps and lines accumulate.
fn compare(text: &str, vectors: Option<usize>, method: &str, tolerance: f64) {
    let Some(processor) = device() else { return };
    let experiment = compiled(text);
    let on = |processor| run(&experiment, &Values::new(), &options(processor, vectors), &[]).unwrap();
    let (cpu, gpu) = (on(Processor::Cpu), on(processor));
    assert!(gpu.how.methods.iter().any(|m| m == method), "{:?}", gpu.how.methods);
    let ((right, largest), (found, _)) = (signal(&cpu), signal(&gpu));
    assert!(largest > 0.0 && right.len() == found.len());
    for (k, (a, b)) in right.iter().zip(&found).enumerate() {
        assert!((a.0 - b.0).hypot(a.1 - b.1) < tolerance * largest, "point {k}: {a:?} {b:?} of {largest}");
    }
    assert!(!gpu.notes.iter().any(|n| n.contains("graphics processor")), "{:?}", gpu.notes);
    // The same bytes again.
    assert_eq!(gpu.traces, on(processor).traces);
}

#[test]
fn powders_have_the_signal_of_the_cpu() {
    compare(POWDER, None, "exact on a graphics processor", 1e-12);
}

#[test]
fn random_vectors_have_the_signal_of_the_cpu() {
    compare(CHAIN, Some(2), "split steps on a graphics processor", 1e-11);
}

/// A metric of the state is computed on the CPU, and a note says so.
#[test]
fn a_run_without_kernels_is_noted() {
    let Some(processor) = device() else { return };
    let text = POWDER.replace("signal(13C), signal_im(13C)", "order(Iz(b))");
    let found = run(&compiled(&text), &Values::new(), &options(processor, None), &[]).unwrap();
    assert!(found.notes.iter().any(|n| n.starts_with("no part of this run is computed on the graphics processor")));
}

#[cfg(not(feature = "gpu"))]
#[test]
fn without_kernels_the_request_is_refused() {
    for processor in [Processor::Gpu, Processor::Software] {
        for vectors in [None, Some(2)] {
            let fault = run(&compiled(CHAIN), &Values::new(), &options(processor, vectors), &[]).unwrap_err();
            let fault = if vectors.is_none() {
                run(&compiled(POWDER), &Values::new(), &options(processor, None), &[]).unwrap_err()
            } else {
                fault
            };
            assert_eq!(fault.code.number(), "E508");
            assert!(fault.to_string().contains("--features gpu"), "{fault}");
        }
    }
}
