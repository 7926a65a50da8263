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
    // Pulses of one length: Fung, Khitrin, Ermolaev for SPINAL-64, of which this is Q and the first half of Q'.
    (
        "spinal64",
        &[
            (0.7, 10),
            (0.7, 350),
            (0.7, 15),
            (0.7, 345),
            (0.7, 20),
            (0.7, 340),
            (0.7, 15),
            (0.7, 345),
            (0.7, 350),
            (0.7, 10),
            (0.7, 345),
            (0.7, 15),
        ],
    ),
    ("xix", &[(2.85, 0), (2.85, 180), (2.85, 0)]),
    ("tppm", &[(1.9, 10), (1.9, 350), (1.9, 10), (1.9, 350), (1.9, 10)]),
    ("dipsi2", &[(320.0 / 90.0, 0), (410.0 / 90.0, 180), (290.0 / 90.0, 0), (285.0 / 90.0, 180), (30.0 / 90.0, 0)]),
];

/// The arguments of a sequence, without the time for which it has run.
fn arguments(word: &str, element: &[(f64, u32)], quarter: f64) -> String {
    match word {
        "spinal64" | "xix" => format!("{} us", element[0].0 * quarter),
        "tppm" => format!("{} us, 20 deg", element[0].0 * quarter),
        _ => format!("{quarter} us"),
    }
}

#[test]
fn a_sequence_is_its_pulses() {
    let quarter = 50.0;
    for (word, element) in ELEMENTS {
        let pulses: String = element
            .iter()
            .map(|(n, phase)| format!("pulse 13C phase {phase} deg rf = 5 kHz duration = {} us\n", n * quarter))
            .collect();
        let whole: f64 = element.iter().map(|(n, _)| n * quarter).sum();
        let given = arguments(word, element, quarter);
        let trained = format!("pulse 13C phase x rf = 5 kHz duration = {whole} us shape = {word}({given})\n");
        agree(&means(&pulses), &means(&trained), 1e-11);
        // In two parts, the second of which is on already.
        let parts = format!(
            "pulse 13C phase x rf = 5 kHz duration = 130 us shape = {word}({given})\n\
             pulse 13C phase x rf = 5 kHz duration = {} us shape = {word}({given}, 130 us)\n",
            whole - 130.0
        );
        agree(&means(&pulses), &means(&parts), 1e-11);
        // The 90 degree pulse of 5 kHz takes 50 us.
        if !given.contains("deg") && !["spinal64", "xix"].contains(word) {
            let short = format!("pulse 13C phase x rf = 5 kHz duration = {whole} us shape = {word}\n");
            agree(&means(&pulses), &means(&short), 1e-11);
        }
        let block = format!("decouple 13C {word}({given}) rf = 5 kHz {{ delay {whole} us }}\n");
        agree(&means(&pulses), &means(&block), 1e-11);
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

/// A part of a block: a pulse on the other channel, or nothing, and its duration in us.
type Part = (Option<&'static str>, f64);

/// Statements without a block: every part is cut where the pulses of a repeated train (length in us, phase in degrees) change.
fn cut(parts: &[Part], train: &[(f64, f64)], rf: &str) -> String {
    let mut all = train.iter().cycle();
    let mut now = *all.next().unwrap();
    let mut out = String::new();
    for (pulse, duration) in parts {
        let mut left = *duration;
        while left > 1e-9 {
            let step = left.min(now.0);
            let decoupling = format!("pulse 13C phase {} deg rf = {rf} duration = {step} us\n", now.1);
            out += &match pulse {
                Some(pulse) => format!("parallel {{\n{pulse} duration = {step} us\n{decoupling}}}\n"),
                None => decoupling,
            };
            left -= step;
            now.0 -= step;
            if now.0 <= 1e-9 {
                now = *all.next().unwrap();
            }
        }
    }
    out
}

const WALTZ: &[(f64, u32)] =
    &[(3.0, 180), (4.0, 0), (2.0, 180), (3.0, 0), (1.0, 180), (2.0, 0), (4.0, 180), (2.0, 0), (3.0, 180)];

/// WALTZ-16 with a 90 degree pulse of this length, us.
fn waltz16(quarter: f64) -> Vec<(f64, f64)> {
    let element = |turn: u32| WALTZ.iter().map(move |(n, phase)| (n * quarter, f64::from((phase + turn) % 360)));
    [0, 180, 180, 0].into_iter().flat_map(element).collect()
}

const PULSE: &str = "pulse 1H phase x rf = 20 kHz";
const PARTS: &[Part] =
    &[(None, 333.0), (Some(PULSE), 25.0), (None, 1717.0), (Some("pulse 1H phase y rf = 3 kHz"), 410.0)];

/// All numbers of the sums of exponentials are exact up to rounding, also across the statements of the block.
#[test]
fn a_block_is_its_pulses_written_out() {
    let statements = format!(
        "delay 333 us\n{PULSE} duration = 25 us\nmark between\ncrush keep 1\ndelay 1.717 ms\n\
         lock 1H phase y from 3 kHz to 3 kHz over 410 us\n"
    );
    let xix = [(37.0, 0.0), (37.0, 180.0)];
    let written: [(&str, &[(f64, f64)]); 3] =
        [("waltz16", &waltz16(50.0)), ("xix(37 us)", &xix), ("cw", &[(1e6, 0.0)])];
    for (sequence, train) in written {
        let block = means(&format!("decouple 13C {sequence} rf = 5 kHz {{\n{statements}}}\n"));
        let (before, behind) = PARTS.split_at(2);
        let cut = cut(before, train, "5 kHz") + "crush keep 1\n" + &cut_from(behind, train, 358.0, "5 kHz");
        agree(&means(&cut), &block, 1e-11);
    }
}

/// The same for a train that has run for some time, us.
fn cut_from(parts: &[Part], train: &[(f64, f64)], elapsed: f64, rf: &str) -> String {
    let whole: f64 = train.iter().map(|(length, _)| length).sum();
    let mut left = elapsed % whole;
    let mut rest: Vec<(f64, f64)> = Vec::new();
    for (k, (length, phase)) in train.iter().enumerate() {
        if left < *length {
            rest.push((length - left, *phase));
            rest.extend(&train[k + 1..]);
            break;
        }
        left -= length;
    }
    let cycles = (parts.iter().map(|(_, d)| d).sum::<f64>() / whole).ceil() as usize;
    rest.extend(std::iter::repeat_n(train, cycles + 1).flatten());
    cut(parts, &rest, rf)
}

/// A phase and an offset of the sequence, nested blocks of two nuclei, and pulses in `parallel`.
#[test]
fn blocks_have_phases_and_offsets_and_may_be_nested() {
    let trained = "pulse 13C phase 30 deg rf = 5 kHz duration = 1.9 ms shape = waltz16 offset = 300 Hz\n";
    let block = "decouple 13C waltz16 phase 30 deg rf = 5 kHz offset = 300 Hz { delay 0.7 ms\ndelay 1.2 ms }\n";
    // The offset is resolved by polynomials within the tolerance of the emulator.
    agree(&means(trained), &means(block), 1e-9);
    let both = "parallel {\npulse 13C phase x rf = 5 kHz duration = 1 ms shape = waltz16\n\
        pulse 1H phase y rf = 2 kHz duration = 1 ms shape = garp\n}\n";
    let nested = "decouple 13C waltz16 rf = 5 kHz {\ndecouple 1H garp rf = 2 kHz phase y {\ndelay 1 ms\n}\n}\n";
    agree(&means(both), &means(nested), 1e-11);
}

#[test]
fn loops_of_whole_cycles_stay_loops_and_others_are_written_out() {
    let pass = |delay: f64| format!("delay {delay} us\n{PULSE} duration = 25 us\n");
    // A cycle of XiX takes 50 us: two cycles a pass, or 1.94.
    for delay in [75.0, 72.0] {
        let looped = means(&format!("decouple 13C xix(25 us) rf = 5 kHz {{\nloop 7 {{\n{}}}\n}}\n", pass(delay)));
        let written = means(&format!("decouple 13C xix(25 us) rf = 5 kHz {{\n{}}}\n", pass(delay).repeat(7)));
        agree(&written, &looped, 1e-11);
    }
    // Ten million passes of whole cycles are a power; others are too many.
    let many = |delay: f64| {
        format!(
            "{HEAD}measure {{ expectation(Ix(h)) }}\nsequence {{\nprepare thermal\ndecouple 13C xix(25 us) rf = 5 kHz {{\nloop 10000000 {{\n{}}}\n}}\n}}\n",
            pass(delay)
        )
    };
    ran(&many(75.0));
    let compiled = compile("test.seq", &many(72.0), &mut no_files).map(|c| {
        run(&c.experiment, &Default::default(), &Options::default()).map(|_| ()).map_err(|e| format!("{e:?}"))
    });
    let message = match compiled {
        Ok(done) => done.unwrap_err(),
        Err(why) => why.to_string(),
    };
    assert!(message.contains("not a whole number of decoupling cycles"), "{message}");
}

/// Points of a signal inside of a block: those of `acquire` with a parallel pulse, and those of `acquire every`.
#[test]
fn a_signal_is_received_during_decoupling() {
    let signal = |sequence: &str| {
        let done = ran(&format!(
            "{HEAD}measure {{ signal(1H) }}\nsequence {{\nprepare thermal\npulse 1H 90 deg phase y ideal\n{sequence}}}\n"
        ));
        let trace = done.traces.iter().find(|t| t.name == "fid").unwrap();
        trace.values.iter().map(|(_, v)| v.iter().map(|x| x.unwrap()).collect::<Vec<f64>>()).collect::<Vec<_>>()
    };
    let inside = signal("decouple 13C waltz16 rf = 5 kHz {\nacquire 1H points 20 dwell 0.3 ms\n}\n");
    let parallel =
        signal("parallel {\nacquire 1H points 20 dwell 0.3 ms\npulse 13C phase x rf = 5 kHz shape = waltz16\n}\n");
    let every = signal("decouple 13C waltz16 rf = 5 kHz {\nacquire 1H points 20 every {\ndelay 0.3 ms\n}\n}\n");
    for part in 0..2 {
        agree(&parallel[part], &inside[part], 1e-11);
        agree(&parallel[part], &every[part], 1e-11);
    }
}

/// Rise time, droop and transients of the channel act as on one long pulse, and the rf of a member of an ensemble is that of its pulses.
#[test]
fn a_block_has_the_imperfections_of_one_long_pulse() {
    let whole = |sequence: &str, more: &str| {
        let measured = "measure { expectation(Ix(h)), expectation(2*Iy(h)*Iz(c)), expectation(Iz(c)) }\n";
        let done = ran(&format!(
            "{HEAD}{more}{measured}sequence {{\nprepare thermal\npulse 1H 90 deg phase y ideal\n{sequence}mark done\n}}\n"
        ));
        let mark = done.marks.iter().find(|m| m.name == "done").unwrap();
        mark.values.iter().map(|(_, x)| x.unwrap()).collect::<Vec<f64>>()
    };
    let pulse = "pulse 13C phase x rf = 5 kHz duration = 0.7 ms shape = waltz16\n";
    let block = "decouple 13C waltz16 rf = 5 kHz {\ndelay 0.21 ms\ndelay 0.49 ms\n}\n";
    let spread = "ensemble { rf 13C : gaussian(mean = 1, sd = 0.05) points 5 }\n";
    agree(&whole(pulse, spread), &whole(block, spread), 1e-11);
    let transmitter = "channel 13C { rise_time = 2 us, droop_time = 5 ms, leading_transient = 0.3 us, trailing_transient = 0.2 us }\n";
    // The rise is resolved by polynomials within the tolerance of the emulator.
    agree(&whole(pulse, transmitter), &whole(block, transmitter), 1e-9);
    let ideal = whole(block, "");
    assert!((ideal[1] - whole(block, transmitter)[1]).abs() > 1e-4 * ideal[0].abs());
}

/// On a spectrometer the whole block is rf load: 5 of 10 kHz for 40 ms is 10 ms at the limit.
#[test]
fn a_block_is_rf_load() {
    let text = |limit: f64| {
        format!(
            "{HEAD}channel 13C {{ max_rf = 10 kHz }}\nspectrometer probe {{ max_energy = {limit} ms }}\nmeasure {{ expectation(Ix(h)) }}\n\
             sequence {{\nprepare thermal\ndecouple 13C waltz16 rf = 5 kHz {{\nloop 4 {{\ndelay 10 ms\n}}\n}}\n}}\n"
        )
    };
    let load = |limit: f64| {
        let compiled = compile("test.seq", &text(limit), &mut no_files).unwrap_or_else(|e| panic!("{e}"));
        let options = Options { spectrometer: Some("probe".into()), ..Options::default() };
        run(&compiled.experiment, &Default::default(), &options).map(|_| ()).map_err(|e| format!("{e:?}"))
    };
    assert!(load(10.1).is_ok(), "{:?}", load(10.1));
    let why = load(9.9).unwrap_err();
    assert!(why.contains("rf load on 13C"), "{why}");
}
