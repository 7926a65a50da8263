//! Pulses that begin at times of their own, and decoupling: compared with the same pulses written one after the other.

use ergoseq::prelude::Options;
use ergoseq::{compile, no_files, run};

const HEAD: &str = "ergoseq 1\nsystem {\n field 11.7 T\n temperature 300 K\n spin h : 1H\n spin c : 13C\n shift h = 1 ppm\n j h c = 150 Hz\n}\n";

fn ran(text: &str) -> ergoseq::emulator::Run {
    let compiled = compile("test.seq", text, &mut no_files).unwrap_or_else(|e| panic!("{e}\n{text}"));
    run(&compiled.experiment, &Default::default(), &Options::default()).unwrap_or_else(|e| panic!("{e:?}\n{text}"))
}

/// Means at the end of a sequence.
fn means(sequence: &str) -> Vec<f64> {
    let measured = "measure { expectation(Ix(h)), expectation(Iy(h)), expectation(2*Iy(h)*Iz(c)), expectation(Iz(c)), expectation(Iy(c)) }\n";
    let done = ran(&format!(
        "{HEAD}{measured}sequence {{\nprepare thermal\npulse 1H 90 deg phase y ideal\n{sequence}mark done\n}}\n"
    ));
    let mark = done.marks.iter().find(|m| m.name == "done").unwrap();
    mark.values.iter().map(|(_, x)| x.unwrap()).collect()
}

fn agree(a: &[f64], b: &[f64], share: f64) {
    let largest = a.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    assert!(largest > 1e-6);
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= share * largest, "{a:?} {b:?}");
    }
}

#[test]
fn pulses_begin_at_their_times() {
    let at_once = "parallel align centre {\npulse 1H phase x rf = 25 kHz duration = 40 us\npulse 13C phase y rf = 15 kHz duration = 10 us start = 5 us\n\
        pulse 13C phase x rf = 12 kHz duration = 20 us start = 30 us\n}\n";
    // The whole takes 50 us: 1H from 5 to 45 us in its middle.
    let one = "pulse 1H phase x rf = 25 kHz duration";
    let cut = format!(
        "delay 5 us\nparallel {{\n{one} = 10 us\npulse 13C phase y rf = 15 kHz duration = 10 us\n}}\n{one} = 15 us\n\
         parallel {{\n{one} = 15 us\npulse 13C phase x rf = 12 kHz duration = 15 us\n}}\npulse 13C phase x rf = 12 kHz duration = 5 us\n"
    );
    // Both are exact: the rounding of a few products.
    agree(&means(&cut), &means(at_once), 1e-11);
}

/// Flip angles in quarters of a turn and phases of the first element of every sequence, from its paper.
const ELEMENTS: &[(&str, &[(f64, u32)])] = &[
    ("waltz16", &[(3.0, 180), (4.0, 0), (2.0, 180), (3.0, 0), (1.0, 180), (2.0, 0), (4.0, 180), (2.0, 0), (3.0, 180)]),
    ("mlev16", &[(1.0, 0), (2.0, 90), (1.0, 0), (1.0, 0), (2.0, 90), (1.0, 0), (1.0, 180), (2.0, 270), (1.0, 180)]),
    ("garp", &[(30.5 / 90.0, 0), (55.2 / 90.0, 180), (257.8 / 90.0, 0), (268.3 / 90.0, 180), (69.3 / 90.0, 0)]),
    ("dipsi2", &[(320.0 / 90.0, 0), (410.0 / 90.0, 180), (290.0 / 90.0, 0), (285.0 / 90.0, 180), (30.0 / 90.0, 0)]),
];

#[test]
fn a_sequence_is_its_pulses() {
    let quarter = 50.0;
    for (word, element) in ELEMENTS {
        let pulses: String = element
            .iter()
            .map(|(n, phase)| format!("pulse 13C phase {phase} deg rf = 5 kHz duration = {} us\n", n * quarter))
            .collect();
        let whole: f64 = element.iter().map(|(n, _)| n * quarter).sum();
        let trained = format!("pulse 13C phase x rf = 5 kHz duration = {whole} us shape = {word}({quarter} us)\n");
        agree(&means(&pulses), &means(&trained), 1e-9);
        // In two parts, the second of which is on already.
        let parts = format!(
            "pulse 13C phase x rf = 5 kHz duration = 130 us shape = {word}({quarter} us)\n\
             pulse 13C phase x rf = 5 kHz duration = {} us shape = {word}({quarter} us, 130 us)\n",
            whole - 130.0
        );
        agree(&means(&pulses), &means(&parts), 1e-9);
    }
}

/// Every point of a decoupled signal is the first point behind a pulse that lasts as long.
#[test]
fn a_signal_is_received_while_another_channel_sends() {
    let signal = |sequence: &str| {
        let done = ran(&format!(
            "{HEAD}measure {{ signal(1H) }}\nsequence {{\nprepare thermal\npulse 1H 90 deg phase y ideal\n{sequence}}}\n"
        ));
        let trace = done.traces.iter().find(|t| t.name == "fid").unwrap();
        trace.values.iter().map(|(_, v)| v.iter().map(|x| x.unwrap()).collect::<Vec<f64>>()).collect::<Vec<_>>()
    };
    let on = "pulse 13C phase x rf = 2 kHz";
    let decoupled =
        signal(&format!("parallel {{\nacquire 1H points 40 dwell 0.3 ms\n{on} shape = waltz16(125 us)\n}}\n"));
    let coupled = signal("acquire 1H points 40 dwell 0.3 ms\n");
    let size = |s: &[Vec<f64>], k: usize| s[0][k].hypot(s[1][k]);
    for k in [1usize, 7, 22, 39] {
        let time = 0.3 * k as f64;
        let point =
            signal(&format!("{on} duration = {time} ms shape = waltz16(125 us)\nacquire 1H points 1 dwell 1 us\n"));
        for part in 0..2 {
            assert!((decoupled[part][k] - point[part][0]).abs() < 1e-8 * size(&decoupled, 0), "{k}");
        }
        // 150 Hz of coupling is cos(pi J t) without decoupling; with 2 kHz of WALTZ-16 hardly anything is lost.
        let expected = (std::f64::consts::PI * 150.0 * time * 1e-3).cos().abs();
        assert!((size(&coupled, k) / size(&coupled, 0) - expected).abs() < 1e-9, "{k}");
        assert!(size(&decoupled, k) > 0.97 * size(&decoupled, 0), "{k}: {}", size(&decoupled, k) / size(&decoupled, 0));
    }
}
