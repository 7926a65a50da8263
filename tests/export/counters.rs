//! Loops with counters, negative flip angles and delays between centres: what is exported is what they stand for, written out.

use super::compiled;
use ergoseq::export::lower::{Rejected, Wanted, lower};
use ergoseq::export::program::{Step, StepKind};
use ergoseq::hamiltonian::Values;

/// A program; a statement begins with its line.
fn with(sequence: &str) -> String {
    let sequence = ["pulse", "delay", "loop", "}"]
        .iter()
        .fold(sequence.to_string(), |s, word| s.replace(&format!(" {word}"), &format!("\n {word}")));
    format!(
        "ergoseq 1\nparam n = 3\nsystem {{ field 11.7 T temperature 300 K spin p : 1H }}\nchannel 1H {{ rf = 50 kHz }}\n\
         cycle c = x, y\nsequence {{\n prepare thermal\n {sequence}\n acquire 1H points 4 dwell 1 us\n}}\n"
    )
}

/// Durations, angles and phases of all steps, the repetitions of loops one after the other.
fn flat(steps: &[Step], out: &mut Vec<Vec<f64>>) {
    for step in steps {
        match &step.kind {
            StepKind::Loop(times, body) => (0..times.least() as usize).for_each(|_| flat(body, out)),
            StepKind::Delay(time, _) if time.least() == 0.0 => {}
            StepKind::Delay(time, _) => out.push(vec![time.least()]),
            StepKind::Pulses(_, pulses) => {
                for p in pulses {
                    let phases = p.phases.iter().map(|x| x.rem_euclid(std::f64::consts::TAU));
                    out.push([p.duration.least(), p.angle.least()].into_iter().chain(phases).collect());
                }
            }
            StepKind::Gradient(_)
            | StepKind::Mark(_)
            | StepKind::Acquire(_)
            | StepKind::Decouple(_)
            | StepKind::EndDecoupling(_) => {}
        }
    }
}

fn steps(sequence: &str) -> Vec<Vec<f64>> {
    let compiled = compiled(&with(sequence));
    let wanted = Wanted { values: &Values::new(), spectrometer: None, readout: None, simulated: false };
    let program = lower(&compiled.experiment, &wanted).unwrap_or_else(|all| panic!("{sequence}: {all:?}")).program;
    let mut out = Vec::new();
    flat(&program.steps, &mut out);
    out
}

#[test]
fn shorthands_are_exported_as_what_they_stand_for() {
    for (short, written) in [
        (
            "loop k in 1..n { pulse 1H k*30 deg phase k*40 deg delay k*1 us }",
            "pulse 1H 30 deg phase 40 deg delay 1 us pulse 1H 60 deg phase 80 deg delay 2 us pulse 1H 90 deg phase 120 deg delay 3 us",
        ),
        (
            "loop k in 1..2 { loop i in k..2 { pulse 1H 90 deg phase i*10 deg + k*1 deg } }",
            "pulse 1H 90 deg phase 11 deg pulse 1H 90 deg phase 21 deg pulse 1H 90 deg phase 22 deg",
        ),
        ("loop k in 1..0 { delay k*1 us } pulse 1H 90 deg phase x", "pulse 1H 90 deg phase x"),
        (
            "pulse 1H -30 deg phase x pulse 1H -30 deg phase c pulse 1H 20 deg phase c + 30 deg",
            "pulse 1H 30 deg phase -x pulse 1H 30 deg phase c + 180 deg pulse 1H 20 deg phase 30 deg + c",
        ),
        (
            "pulse 1H 90 deg phase x loop 5 { delay 50 us between centres pulse 1H 180 deg phase y delay 50 us between centres }",
            "pulse 1H 90 deg phase x delay 42.5 us pulse 1H 180 deg phase y delay 45 us
             loop 4 { delay 45 us pulse 1H 180 deg phase y delay 45 us }",
        ),
        (
            "pulse 1H 90 deg phase x delay 50 us between centres loop n { pulse 1H 180 deg phase y delay 100 us between centres }",
            "pulse 1H 90 deg phase x delay 42.5 us loop 2 { pulse 1H 180 deg phase y delay 90 us } pulse 1H 180 deg phase y delay 95 us",
        ),
    ] {
        let (short_steps, written_steps) = (steps(short), steps(written));
        assert_eq!(short_steps.len(), written_steps.len(), "{short}: {short_steps:?} {written_steps:?}");
        for (a, b) in short_steps.iter().flatten().zip(written_steps.iter().flatten()) {
            assert!((a - b).abs() < 1e-9 * (b.abs() + 1e-6), "{short}: {short_steps:?} {written_steps:?}");
        }
    }
}

/// What differs from point to point of a sweep in more than times, angles and counts is not one program.
#[test]
fn what_a_sweep_changes_beyond_lists_is_said_at_its_place() {
    for (sequence, sweep) in [
        ("loop k in 1..n { pulse 1H k*30 deg phase x }", "sweep n = 1, 2"),
        ("pulse 1H (n - 2)*30 deg phase x", "sweep n = 1, 3"),
        ("pulse 1H 90 deg phase x loop n { delay 50 us between centres pulse 1H 180 deg phase y }", "sweep n = 2, 3"),
    ] {
        let compiled = compiled(&(with(sequence) + sweep));
        let wanted = Wanted { values: &Values::new(), spectrometer: None, readout: None, simulated: false };
        let Rejected::Apart(why) = lower(&compiled.experiment, &wanted).map(|_| ()).expect_err(sequence) else {
            panic!("{sequence} is refused")
        };
        assert!(why.iter().all(|d| d.code.number() == "W407" && d.span.is_some()), "{sequence}: {why:?}");
    }
}
