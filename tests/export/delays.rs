//! The delays of the electronics: what is exported is what is emulated.

use super::{compiled, exported, file, parameter};
use ergoseq::export::lower::{Wanted, lower};
use ergoseq::hamiltonian::{Evaluator, Values, build, spectrometer};
use ergoseq::prelude::Options;
use ergoseq::run;

const HEAD: &str = "ergoseq 1
system {
    field 11.7 T
    temperature 300 K
    spin p, q : 1H
    spin c : 13C
    dipolar p q = -30.454 kHz
    j p c = 5 kHz
}
battery { energy = dipolar }
channel 1H { rf = 100 kHz }
channel 13C { rf = 50 kHz }
ensemble { position : uniform(from = 0 mm, to = 0 mm) points 1 }
spectrometer wideline {
    switching = 0.5 us
    power_change = 0.75 us
    blanking = 1.25 us
    gradient_recovery = 3 us
    crusher = 4 us
    max_gradient = 0.5 T/m
}
measure { order(dipolar), order(Iz(p)), expectation(Ix(c)), elapsed }
";

/// Sequences, and the same with the delays of the electronics written by hand.
const PAIRS: &[(&str, &str)] = &[
    // Another phase, another strength, both, neither; another channel.
    (
        "pulse 1H 90 deg phase x | pulse 1H 45 deg phase y | pulse 1H 30 deg phase y rf = 50 kHz
         pulse 1H 20 deg phase x rf = 25 kHz | pulse 1H 20 deg phase x rf = 25 kHz | pulse 13C 90 deg phase x",
        "pulse 1H 90 deg phase x | delay 0.5 us | pulse 1H 45 deg phase y | delay 0.75 us | pulse 1H 30 deg phase y rf = 50 kHz
         delay 0.75 us | pulse 1H 20 deg phase x rf = 25 kHz | pulse 1H 20 deg phase x rf = 25 kHz | pulse 13C 90 deg phase x",
    ),
    // A delay between two pulses contains what they need; marks are no time.
    (
        "pulse 1H 90 deg phase x | delay 5 us | mark a | pulse 1H 45 deg phase y | mark b | pulse 1H 45 deg phase x",
        "pulse 1H 90 deg phase x | delay 5 us | mark a | pulse 1H 45 deg phase y | mark b | delay 0.5 us | pulse 1H 45 deg phase x",
    ),
    // Gradients, crushers and locks.
    (
        "pulse 1H 90 deg phase x | gradient 0.1 T/m for 10 us | crush | pulse 1H 90 deg phase x | lock 1H phase y from 50 kHz to 0 kHz over 20 us",
        "pulse 1H 90 deg phase x | delay 1.25 us | gradient 0.1 T/m for 10 us | delay 3 us | crush | delay 4 us | delay 3 us
         pulse 1H 90 deg phase x | delay 0.75 us | lock 1H phase y from 50 kHz to 0 kHz over 20 us",
    ),
    // A loop has the same delays each time: those of its repetition too.
    (
        "pulse 1H 90 deg phase x | loop 3 { | pulse 1H 90 deg phase x | pulse 1H 90 deg phase y | } | pulse 1H 90 deg phase y",
        "pulse 1H 90 deg phase x | loop 3 { | delay 0.5 us | pulse 1H 90 deg phase x | delay 0.5 us | pulse 1H 90 deg phase y | }
         pulse 1H 90 deg phase y",
    ),
    (
        "loop 2 { | loop 2 { | pulse 1H 90 deg phase x | } | delay 2 us | parallel { | pulse 1H 20 deg phase y | pulse 13C 90 deg phase y | } }",
        "loop 2 { | loop 2 { | delay 0.5 us | pulse 1H 90 deg phase x | } | delay 2 us | parallel { | pulse 1H 20 deg phase y | pulse 13C 90 deg phase y | } }",
    ),
];

fn with(sequence: &str) -> String {
    format!("{HEAD}sequence {{\n prepare thermal\n {sequence}\n}}\n").replace('|', "\n")
}

/// Emulated with a spectrometer, a sequence gives what the same with delays written by hand gives without one: to rounding, since the
/// same propagators act.
#[test]
fn delays_of_the_electronics_are_emulated() {
    for (plain, by_hand) in PAIRS {
        let (plain, by_hand) = (compiled(&with(plain)), compiled(&with(by_hand)));
        let on = Options { spectrometer: Some("wideline".into()), ..Options::default() };
        let a = run(&plain.experiment, &Values::new(), &on).unwrap();
        let b = run(&by_hand.experiment, &Values::new(), &Options::default()).unwrap();
        let (a, b) = (a.marks.last().unwrap(), b.marks.last().unwrap());
        assert_eq!(a.values.len(), b.values.len());
        for ((name, x), (_, y)) in a.values.iter().zip(&b.values) {
            let (x, y) = (x.unwrap_or(0.0), y.unwrap_or(0.0));
            assert!((x - y).abs() <= 1e-11 * y.abs().max(1e-3), "{name}: {x} {y}");
        }
        let without = run(&plain.experiment, &Values::new(), &Options::default()).unwrap();
        assert_ne!(without.marks.last().unwrap().time, a.time, "the delays take time");
    }
}

/// What is exported takes as long as what is emulated.
#[test]
fn what_is_exported_takes_as_long_as_what_is_emulated() {
    for (plain, _) in PAIRS {
        let compiled = compiled(&with(plain));
        let values = Values::new();
        let mut e = Evaluator::new(&compiled.experiment, &values).unwrap();
        e.spectrometer = Some(spectrometer(&e, "wideline").unwrap());
        let emulated = build(&e).unwrap().0.duration();
        let wanted = Wanted { values: &values, spectrometer: Some("wideline"), readout: None, simulated: false };
        let program = lower(&compiled.experiment, &wanted).unwrap().program;
        // Sums of a few times of microseconds.
        assert!((program.duration() - emulated).abs() < 1e-17, "{plain}: {} {emulated}", program.duration());
    }
}

/// The delay between two pulses is written, and the ring-down of a gradient is `d16`.
#[test]
fn delays_of_the_electronics_are_written() {
    let compiled = compiled(&with("pulse 1H 90 deg phase x | gradient 0.1 T/m for 10 us | pulse 1H 45 deg phase y"));
    let done = exported(&compiled, "test.seq", "topspin", Some("wideline")).unwrap();
    let (program, script) = (file(&done, "pp/", ".pp"), file(&done, "py/", ".py"));
    let body = "  (p1 pl1 ph1):f1\n  d2\n  p16:gp1\n  d16 BLKGRAD\n  (p2 pl1 ph2):f1\n";
    assert!(program.contains(body), "{program}");
    for (name, value) in [("D 2", "0.00000125"), ("D 16", "0.000003"), ("P 16", "10"), ("GPZ 1", "20"), ("P 1", "2.5")]
    {
        assert_eq!(parameter(&script, name), value, "{name}");
    }
}
