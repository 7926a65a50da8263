//! Noises during delays, pulses and locks: compared with the same evolution written as `evolve ... with`.

use ergoseq::prelude::Options;
use ergoseq::{compile, no_files, run};

const HEAD: &str = "ergoseq 1\nsystem {\n field 9.4 T\n temperature 300 K\n spin h : 1H\n spin c : 13C\n shift h = 1 ppm\n j h c = 150 Hz\n \
    relax h { T1 = 3 s, T2 = 80 ms }\n}\nchannel 1H { rf = 5 kHz }\nnoise kicks {\n collapse sqrt(40 Hz)*2*Iz(h)\n collapse sqrt(3 Hz)*Im(c)\n}\n";

/// Means at the end.
fn means(sequence: &str) -> Vec<f64> {
    let text = format!(
        "{HEAD}measure {{ expectation(Ix(h)), expectation(Iy(h)), expectation(2*Iy(h)*Iz(c)), expectation(Iz(c)), expectation(Iz(h)) }}\n\
         sequence {{\nprepare thermal\npulse 1H 60 deg phase y ideal\n{sequence}}}\n"
    );
    let compiled = compile("test.seq", &text, &mut no_files).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let done = run(&compiled.experiment, &Default::default(), &Options::default()).unwrap_or_else(|e| panic!("{e:?}"));
    let mark = done.marks.iter().find(|m| m.name == "end").unwrap();
    mark.values.iter().map(|(_, x)| x.unwrap()).collect()
}

fn agree(a: &[f64], b: &[f64]) {
    let largest = a.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    // Both are exact: what differs is the rounding of a few products.
    assert!(a.iter().zip(b).all(|(x, y)| (x - y).abs() <= 1e-11 * largest), "{a:?} {b:?}");
}

fn differ(a: &[f64], b: &[f64]) {
    let largest = a.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    assert!(a.iter().zip(b).any(|(x, y)| (x - y).abs() > 1e-4 * largest), "{a:?} {b:?}");
}

#[test]
fn a_noise_acts_as_in_evolve() {
    let evolved = means("evolve internal for 5 ms with kicks\n");
    agree(&evolved, &means("delay 5 ms with kicks\n"));
    agree(&evolved, &means("delay 5 ms with kicks record 4 as free\n"));
    agree(&evolved, &means("loop 5 { delay 1 ms with kicks }\n"));
    differ(&evolved, &means("delay 5 ms\n"));
    // 5 kHz along x for 200 us is a rotation by 360 deg.
    let driven = means("evolve internal + 5 kHz * Ix(h) for 200 us with kicks\n");
    agree(&driven, &means("pulse 1H 360 deg phase x with kicks\n"));
    agree(&driven, &means("lock 1H phase x from 5 kHz to 5 kHz over 200 us with kicks\n"));
    differ(&driven, &means("pulse 1H 360 deg phase x\n"));
}

#[test]
fn what_takes_no_noise_says_so() {
    for (statement, why) in [
        ("pulse 1H 90 deg phase x ideal with kicks", "instantaneous"),
        ("parallel {\n pulse 1H 90 deg phase x with kicks\n pulse 13C 90 deg phase x rf = 5 kHz\n }", "of its own"),
        ("delay 1 ms with nothing", "nothing"),
        ("delay 1 ms with h", "not a noise"),
        ("acquire 1H points 4 dwell 1 ms with kicks", "with"),
    ] {
        let text = format!("{HEAD}sequence {{\nprepare thermal\n{statement}\n}}\n");
        let Err(refused) = compile("test.seq", &text, &mut no_files) else { panic!("accepted: {statement}") };
        assert!(refused.render().contains(why), "{why}: {}", refused.render());
    }
}

#[test]
fn a_noise_is_printed_as_it_is_read() {
    let text = format!(
        "{HEAD}sequence {{\nprepare thermal\npulse 1H 90 deg phase x with kicks\ndelay 1 ms with kicks record 3 as a\n\
         lock 1H phase x from 1 kHz to 2 kHz over 1 ms with kicks\n}}\n"
    );
    let (program, mistakes) = ergoseq::syntax::parse(&text, 0);
    assert!(mistakes.is_empty());
    let printed = program.to_string();
    for line in ["pulse 1H 90 deg phase x with kicks", "delay 1 ms with kicks record 3 as a", "over 1 ms with kicks"] {
        assert!(printed.contains(line), "{printed}");
    }
    assert_eq!(ergoseq::syntax::parse(&printed, 0).0.to_string(), printed);
}
