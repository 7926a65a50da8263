//! Decoupling on a console.

use super::round_trip::without_block;
use super::{compiled, exported, file, root};
use ergoseq::hamiltonian::Values;
use ergoseq::import::{import, parameters::Parameters};
use ergoseq::prelude::Options;
use ergoseq::run;

const SAMPLE: &str = "ergoseq 1\nsystem {\n field 11.7 T\n temperature 300 K\n spin c : 13C\n spin h : 1H\n shift h = 800 Hz\n j c h = 150 Hz\n}\n";

const BODY: &str = "sequence {\n prepare thermal\n pulse 13C 90 deg phase y rf = 20 kHz\n decouple 1H waltz16 rf = 5 kHz {\n  delay 3.3 ms\n  \
    pulse 13C 180 deg phase x rf = 20 kHz\n  delay 1.7 ms\n  mark echo\n  acquire 13C points 16 dwell 1 ms\n }\n}\n";

const MEASURE: &str = "measure { expectation(Ix(c)), expectation(Iy(c)), expectation(2*Iy(c)*Iz(h)) }\n";

#[test]
fn a_block_is_switched_on_and_off() {
    let original = compiled(&format!("{SAMPLE}{BODY}{MEASURE}"));
    let done = exported(&original, "decoupled", "topspin", None).unwrap();
    let program = file(&done, "pp/", ".pp");
    let lines: Vec<&str> = program.lines().map(str::trim).collect();
    let expected = [
        "2 d11 do:f2",
        "d1",
        "(p1 pl1 ph1):f1",
        "d2 pl2:f2 cpd2:f2",
        "(p2 pl1 ph2):f1",
        "d3",
        "; mark echo",
        "go=2 ph31",
        "d11 do:f2 mc #0 to 2 F0(zd)",
    ];
    let begin = lines.iter().position(|l| *l == expected[0]).unwrap_or_else(|| panic!("{program}"));
    assert_eq!(&lines[begin..begin + expected.len()], &expected, "{program}");
    let script = file(&done, "py/", ".py");
    // 90 degrees at 5 kHz take 50 us; 5 of 100 kHz are 1/400 of 100 W.
    for line in ["(\"CPDPRG 2\", \"waltz16\")", "(\"PCPD 2\", \"50\")", "(\"PLW 2\", \"0.25\")"] {
        assert!(script.contains(line), "{line}: {script}");
    }
}

/// What is exported, read again, has the same numbers.
#[test]
fn an_exported_block_gives_the_same_numbers() {
    let original = compiled(&format!("{SAMPLE}{BODY}{MEASURE}"));
    let done = exported(&original, "decoupled", "topspin", None).unwrap();
    let program = file(&done, "pp/", ".pp");
    let imported =
        import("decoupled", &program, 0, &Parameters::default()).unwrap_or_else(|e| panic!("{e:?}\n{program}"));
    // The sequence, and its pulse of 90 degrees, are comments of the program.
    assert!(imported.body.contains("decouple 1H waltz16 rf = 5000 Hz {"), "{}", imported.body);
    let again = compiled(&format!("{SAMPLE}{}{MEASURE}", imported.body));
    let marked = |c: &ergoseq::Compiled| {
        let done = run(&c.experiment, &Values::new(), &Options::default()).unwrap();
        let mark = done.marks.iter().find(|m| m.name == "echo").unwrap();
        mark.values.iter().map(|(_, x)| x.unwrap()).collect::<Vec<f64>>()
    };
    let (a, b) = (marked(&original), marked(&again));
    let largest = a.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    for (x, y) in a.iter().zip(&b) {
        // Times are written with twelve digits.
        assert!((x - y).abs() < 1e-9 * largest, "{a:?} {b:?}\n{}", imported.body);
    }
}

/// `sequences/lab/decoupled_echo.seq` with polarised protons, as a console has them: ideal pulses inside of the block, whose neighbouring
/// delays are shorter on the console, and a block that begins with one of these.
#[test]
fn the_decoupled_echo_comes_back() {
    let text = std::fs::read_to_string(root().join("sequences/lab/decoupled_echo.seq")).unwrap();
    let text = text.replace("prepare thermal(c), mixed(h)", "prepare thermal");
    let kept = |l: &&str| !l.starts_with("expect ") && !l.starts_with("    signal(");
    let text: String = text.lines().filter(kept).map(|l| format!("{l}\n")).collect();
    let done = exported(&compiled(&text), "echo", "topspin", None).unwrap();
    let imported = import("echo", &file(&done, "pp/", ".pp"), 0, &Parameters::default()).unwrap();
    assert!(imported.warnings.is_empty(), "{:?}", imported.warnings);
    let block = "    decouple 1H waltz16 rf = 5000 Hz {\n        delay ";
    assert!(imported.body.contains(block), "{}", imported.body);
    let (without, _) = without_block(&text, "sequence {");
    let again = format!("{without}{}", imported.body);
    let values = |text: &str| {
        let done = run(&compiled(text).experiment, &Values::new(), &Options::default()).unwrap();
        let at = |name: &str| done.marks.iter().find(|m| m.name == name).unwrap().values.clone();
        [at("echo"), at("end")].concat()
    };
    let (a, b) = (values(&text), values(&again));
    assert_eq!(a.len(), 4);
    for ((key, x), (_, y)) in a.iter().zip(&b) {
        // Times are written with twelve digits.
        assert!((x.unwrap() - y.unwrap()).abs() < 1e-9, "{key}: {x:?} {y:?}\n{}", imported.body);
    }
    assert!(a[0].1.unwrap().abs() > 0.1, "{a:?}");
}

#[test]
fn sequences_that_consoles_have_otherwise_are_refused() {
    let of = |sequence: &str, dialect: &str| {
        let text = format!(
            "{SAMPLE}sequence {{\n prepare thermal\n pulse 13C 90 deg phase y rf = 20 kHz\n decouple 1H {sequence} {{ delay 1 ms }}\n}}\n{MEASURE}"
        );
        exported(&compiled(&text), "decoupled", dialect, None).map(|_| ()).map_err(|all| {
            let error = all.iter().find(|d| d.is_error()).unwrap_or_else(|| panic!("{all:?}"));
            error.message.clone()
        })
    };
    assert!(of("cw rf = 5 kHz", "topspin").is_ok());
    for (sequence, dialect) in [
        ("tppm(5 us, 15 deg) rf = 80 kHz", "topspin"),
        ("mlev16 rf = 5 kHz", "topspin"),
        ("waltz16 rf = 5 kHz offset = 100 Hz", "topspin"),
        ("waltz16 rf = 5 kHz", "varian"),
        ("waltz16 rf = 5 kHz", "simpson"),
    ] {
        let why = of(sequence, dialect).unwrap_err();
        assert!(why.contains("not exported"), "{why}");
    }
}

/// The state after a program, imported with these parameters, or written by hand.
fn at_the_end(body: &str) -> Vec<f64> {
    const SAMPLE: &str = "ergoseq 1\nsystem {\n field 11.7 T\n temperature 300 K\n spin h : 1H\n spin c : 13C\n spin n : 15N\n \
        shift c = 400 Hz\n shift n = -150 Hz\n j h c = 145 Hz\n j h n = -91 Hz\n j c n = 11 Hz\n}\n";
    const MEASURE: &str = "measure { expectation(Ix(h)), expectation(Iy(h)), expectation(2*Iy(h)*Iz(c)), expectation(2*Ix(h)*Iz(n)), \
        expectation(Iz(c)), expectation(4*Ix(h)*Ix(c)*Iy(n)) }\n";
    let compiled = compiled(&format!("{SAMPLE}{body}{MEASURE}"));
    let done = run(&compiled.experiment, &Values::new(), &Options::default()).unwrap();
    let mark = done.marks.iter().find(|m| m.name == "done").unwrap();
    mark.values.iter().map(|(_, x)| x.unwrap()).collect()
}

fn assert_near(a: &[f64], b: &[f64], body: &str) {
    let largest = a.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    assert!(largest > 1e-6 && a.len() == b.len());
    for (x, y) in a.iter().zip(b) {
        // Numbers are written with fourteen digits, and both are products of a few hundred exact steps.
        assert!((x - y).abs() < 1e-9 * largest, "{a:?} {b:?}\n{body}");
    }
}

fn followed(program: &str, cpd: &[&str], pcpd: f64) -> String {
    let mut given = Parameters::default();
    for (k, name) in cpd.iter().enumerate() {
        given.names.insert(format!("cpdprg{}", k + 2), name.to_string());
        given.numbers.insert(format!("pcpd{}", k + 2), pcpd);
    }
    let comments = ";p1 : [10 us]\n;p2 : [20 us]\n;d2 : [700 us]\n;d3 : [430 us]\n;pl1 : [25 kHz]\n;pl12 : [2.5 kHz]\n;pl13 : [1250 Hz]\n\
        ;l4 : [5]\n";
    let program = format!("{program}exit\nph1=0\nph2=1\nph31=0\n{comments}");
    let imported = import("overlapping", &program, 0, &given).unwrap_or_else(|e| panic!("{e:?}\n{program}"));
    let lost: Vec<_> = imported.warnings.iter().filter(|w| w.code.number() == "W701").collect();
    assert!(lost.is_empty(), "{lost:?}\n{}", imported.body);
    imported.body
}

/// The same by hand: every statement with the shapes of the channels that are on beside it, which have run for a time.
fn beside(statement: &str, us: f64, trains: &[(&str, &str, f64, Option<f64>)]) -> String {
    let mut text = format!("parallel {{\n{statement}\n");
    for (nucleus, shape, rf, since) in trains {
        let since = since.map_or(String::new(), |x| format!(", {x} us"));
        text += &format!(
            "pulse {nucleus} phase x rf = {rf} Hz duration = {us} us shape = {shape}({} us{since})\n",
            0.25e6 / rf
        );
    }
    text + "}\n"
}

/// Channels that overlap without being nested, pulses of another channel, and a loop whose turns are no cycles of the sequence.
#[test]
fn overlapping_and_repeated_decoupling_is_that_of_its_pulses() {
    let program = "1 ze\n2 d1\n (p1 pl1 ph1):f1\n d2 pl12:f2 cpd2:f2\n3 d3\n (p2 ph2):f1\n lo to 3 times l4\n d2 pl13:f3 cpds3:f3\n (p2 ph2):f1\n\
        \x20 d3 do:f2\n d3 do:f3\n; mark done\n go=2 ph31\n";
    let body = followed(program, &["waltz16", "garp"], 0.0);
    for part in ["decouple 13C waltz16 rf = 2500 Hz {", "loop 5 {", "decouple 15N garp rf = 1250 Hz {"] {
        assert_eq!(body.matches(part).count(), 1, "{part}\n{body}");
    }
    let inversion = "pulse 1H phase 270 deg rf = 25 kHz duration = 20 us";
    let carbon = |since: f64| ("13C", "waltz16", 2500.0, Some(since));
    let nitrogen = |since: f64| ("15N", "garp", 1250.0, Some(since));
    let mut by_hand = String::from("sequence {\nprepare thermal\npulse 1H phase x rf = 25 kHz duration = 10 us\n");
    by_hand += &beside("", 700.0, &[("13C", "waltz16", 2500.0, None)]);
    let mut since = 700.0;
    for _ in 0..5 {
        by_hand += &beside("", 430.0, &[carbon(since)]);
        by_hand += &beside(inversion, 20.0, &[carbon(since + 430.0)]);
        since += 450.0;
    }
    by_hand += &beside("", 700.0, &[carbon(since), ("15N", "garp", 1250.0, None)]);
    by_hand += &beside(inversion, 20.0, &[carbon(since + 700.0), nitrogen(700.0)]);
    by_hand += &beside("", 430.0, &[nitrogen(720.0)]);
    by_hand += "delay 430 us\nmark done\n}\n";
    let body: String =
        body.lines().filter(|l| !l.trim_start().starts_with("acquire")).map(|l| format!("{l}\n")).collect();
    assert_near(&at_the_end(&by_hand), &at_the_end(&body), &body);
}

/// A channel that is switched off and on within a loop has been on as long in every turn but the first, which is written out.
#[test]
fn a_loop_that_switches_decoupling_is_written_from_its_second_turn() {
    let program = "1 ze\n2 d1\n (p1 pl1 ph1):f1\n d3 pl12:f2 cpd2:f2\n3 d3\n (p2 ph2):f1\n d3 do:f2\n d2 cpd2:f2\n lo to 3 times l4\n d3 do:f2\n\
        ; mark done\n go=2 ph31\n";
    let body = followed(program, &["waltz16"], 0.0);
    assert_eq!(body.matches("loop 4 {").count(), 1, "{body}");
    let mut turns = String::from("sequence {\nprepare thermal\npulse 1H phase x rf = 25 kHz duration = 10 us\n");
    turns += "decouple 13C waltz16 rf = 2500 Hz {\ndelay 430 us\n";
    for _ in 0..5 {
        turns += "delay 430 us\npulse 1H phase 270 deg rf = 25 kHz duration = 20 us\n}\ndelay 430 us\ndecouple 13C waltz16 rf = 2500 Hz {\ndelay 700 us\n";
    }
    turns += "}\ndelay 430 us\nmark done\n}\n";
    let body: String =
        body.lines().filter(|l| !l.trim_start().starts_with("acquire")).map(|l| format!("{l}\n")).collect();
    assert_near(&at_the_end(&turns), &at_the_end(&body), &body);
}

/// The sequences that decoupling programs are, with the pulse that they are counted in.
#[test]
fn decoupling_programs_are_sequences() {
    let program = "1 ze\n2 d1\n (p1 pl1 ph1):f1\n d2 pl12:f2 cpd2:f2\n go=2 ph31\n";
    for (name, text) in [
        // 100 us are 90 degrees at 2.5 kHz.
        ("waltz16", "waltz16 rf"),
        ("GARP", "garp rf"),
        ("mlev", "mlev16 rf"),
        ("dipsi2", "dipsi2 rf"),
        ("spinal64", "spinal64(0.0001 s) rf"),
        ("tppm15", "tppm(0.0001 s, 15 deg) rf"),
        ("tppm20.p2", "tppm(2e-5 s, 20 deg) rf"),
        ("waltz16.p2", "waltz16(2e-5 s) rf"),
        ("xix", "xix(0.0001 s) rf"),
        ("cw", "cw rf"),
    ] {
        let body = followed(program, &[name], 1e-4);
        assert!(body.contains(&format!("decouple 13C {text} = 2500 Hz {{\n")), "{name}: {body}");
    }
    let mut given = Parameters::default();
    given.names.insert("cpdprg2".into(), "bi_p5m4sp_4sp.2".into());
    let imported = import("other", &format!("{program}exit\nph1=0\nph31=0\n"), 0, &given).unwrap();
    let lost: Vec<_> = imported.warnings.iter().filter(|w| w.code.number() == "W701").collect();
    let [one] = lost.as_slice() else { panic!("{lost:?}") };
    assert!(one.label.contains("unknown decoupling program `bi_p5m4sp_4sp.2`"), "{one:?}");
    assert!(imported.body.contains("# not converted: d2 pl12:f2 cpd2:f2"), "{}", imported.body);
}
