//! Decoupling on a console.

use super::{compiled, exported, file};
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
    let mut given = Parameters::default();
    given.names.insert("cpdprg2".into(), "waltz16".into());
    let imported = import("decoupled", &program, 0, &given).unwrap_or_else(|e| panic!("{e:?}\n{program}"));
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
