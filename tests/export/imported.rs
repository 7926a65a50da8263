//! Pulse programs of every construct that the importer follows, and the files that they become. `ERGOSEQ_BLESS=1` writes these anew.

use super::{compiled, root};
use ergoseq::import::{import, parameters::Parameters};
use ergoseq::prelude::Options;
use ergoseq::source::Sources;
use ergoseq::{compile, no_files, run};
use std::path::PathBuf;

fn folder() -> PathBuf {
    root().join("tests/cases/pulse_programs/import")
}

fn parameters(stem: &str) -> Parameters {
    let read = |name: String| std::fs::read_to_string(folder().join(name)).ok();
    let mut out = read(format!("{stem}.acqus")).map(|text| Parameters::of_acqus(&text)).unwrap_or_default();
    if let Some(list) = read(format!("{stem}.vdlist")) {
        out.add_list("vdlist", &list);
    }
    out
}

#[test]
fn every_construct_becomes_a_statement() {
    let mut names: Vec<String> =
        std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let stems: Vec<&str> = names.iter().filter_map(|n| n.strip_suffix(".pp")).collect();
    assert!(stems.len() >= 7);
    let mut differing = Vec::new();
    for stem in stems {
        let program = std::fs::read_to_string(folder().join(format!("{stem}.pp"))).unwrap();
        let mut sources = Sources::default();
        let file = sources.add(format!("{stem}.pp"), program.clone());
        let imported = import(stem, &program, file, &parameters(stem)).unwrap_or_else(|e| panic!("{stem}: {e:?}"));
        let said: String = imported.warnings.iter().map(|w| w.render(&sources, false) + "\n").collect();
        let text =
            format!("{}\n# said:\n{}", imported.text, said.lines().map(|l| format!("# {l}\n")).collect::<String>());
        let golden = folder().join(format!("{stem}.seq"));
        if std::env::var_os("ERGOSEQ_BLESS").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        if text != expected {
            differing.push(format!("--- {stem}: expected\n{expected}--- is\n{text}"));
        }
        // No line of a program is dropped: what is lost is told at its line, and comments stay.
        for comment in program.lines().filter_map(|l| l.strip_prefix(';')) {
            assert!(imported.text.contains(comment.trim_end()), "{stem}: {comment}");
        }
        compiled(&imported.text);
        let lost = imported.warnings.iter().filter(|w| w.code.number() == "W701").count();
        assert_eq!(lost > 0, stem == "lost", "{stem}: {said}");
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// The public Jeener-Broekaert program of eight scans (jaeseung16/NMR_Bruker), written anew: ideal pulses of 90, 45 and 45 degrees.
const EIGHT_STEPS: &str = "\"p3=p1*0.5\"\n1 ze\n2 d1\n  p1 ph1 ;ideal\n  d2\n  p3 ph2 ;ideal\n  p3 ph3 ;ideal\n; mark read\n  d3\n; mark peak\n  go=2 ph31\n\
    exit\nph1=0 1 2 3 2 3 0 1\nph2=1 2 3 0 1 2 3 0\nph3=0 0 0 0 2 2 2 2\nph31=0 0 0 0 0 0 0 0\n;p1 : [2.5 us]\n;pl1 : [100 kHz]\n";

/// Signals x and y at the peak and the dipolar order before the read pulse of a program.
fn eight_steps(program: &str) -> [f64; 2] {
    let mut given = Parameters::default();
    // The delays beside an ideal pulse are shorter by half of it on a console: 1/(6 d) from middle to middle.
    let tau = 1.0 / (6.0 * 30.4540e3);
    given.numbers.insert("d2".into(), tau - 0.5 * (2.5e-6 + 1.25e-6));
    given.numbers.insert("d3".into(), tau - 0.5 * 1.25e-6);
    let imported = import("eight", program, 0, &given).unwrap();
    let lost: Vec<_> = imported.warnings.iter().filter(|w| w.code.number() == "W701").collect();
    assert!(lost.is_empty(), "{lost:?}");
    let system = "ergoseq 1\nsystem {\n field 11.7 T\n temperature 30000 K\n spin p, q : 1H\n dipolar p q = -30.4540 kHz\n}\n\
        measure { x = 2*order(Ix(p) + Ix(q)), y = 2*order(Iy(p) + Iy(q)) }\n";
    let compiled = compile("eight.seq", &format!("{system}{}", imported.body), &mut no_files)
        .unwrap_or_else(|e| panic!("{e}\n{}", imported.body));
    let done = run(&compiled.experiment, &Default::default(), &Options::default()).unwrap();
    let mark = done.marks.iter().find(|m| m.name == "peak").unwrap();
    let value = |key: &str| mark.values.iter().find(|(k, _)| k == key).and_then(|(_, v)| *v).unwrap();
    [value("x"), value("y")]
}

/// A console counts phases in the sense in which spins of positive gamma do not turn: x, y of a public program is x, -y here, and dipolar
/// order has the other sign than in `sequences/lab/jeener_broekaert_eight_steps.seq`, whose x, y is 0, 3 on a console. With the phases
/// that the exporter writes, the numbers are those of that file: -1.5 and 0.
#[test]
fn eight_steps_of_a_public_program_give_the_numbers_of_ours() {
    let [x, y] = eight_steps(EIGHT_STEPS);
    assert!((x - 1.5).abs() < 1e-6 && y.abs() < 1e-6, "{x} {y}");
    let turned = EIGHT_STEPS
        .replace("ph1=0 1 2 3 2 3 0 1", "ph1=0 3 2 1 2 1 0 3")
        .replace("ph2=1 2 3 0 1 2 3 0", "ph2=3 2 1 0 3 2 1 0");
    let [x, y] = eight_steps(&turned);
    assert!((x + 1.5).abs() < 1e-6 && y.abs() < 1e-6, "{x} {y}");
}

/// What stands in groups is done at the times of a console: the same as pulses and delays cut by hand.
#[test]
fn groups_are_what_they_are_cut_into() {
    let head = "ergoseq 1\nsystem {\n field 11.7 T\n temperature 300 K\n spin h : 1H\n spin c : 13C\n j h c = 5 kHz\n}\n\
        measure { expectation(Ix(h)), expectation(Iy(h)), expectation(Iz(h)), expectation(2*Iz(h)*Iz(c)), expectation(Ix(c)) }\n";
    let program = "1 ze\n2 d1\n (p1 ph1):f1\n (lalign (d3 p2 ph1):f1 (p3 ph2 d3 p3 ph1):f2 )\n (center (p1 ph1 p2 ph2 p1 ph1):f1 (p3 ph1):f2 )\n go=2 ph31\nexit\n\
        ph1=0\nph2=1\nph31=0\n;p1 : [10 us]\n;p2 : [20 us]\n;p3 : [16 us]\n;d3 : [12 us]\n;pl1 : [25 kHz]\n;pl2 : [15 kHz]\n";
    let imported = import("groups", program, 0, &Parameters::default()).unwrap();
    let pulse = |nucleus: &str, phase: u32, us: f64| {
        let rf = if nucleus == "1H" { 25 } else { 15 };
        format!("pulse {nucleus} phase {phase} deg rf = {rf} kHz duration = {us} us\n")
    };
    let both = |h: u32, c: u32, us: f64| format!("parallel {{\n{}{}}}\n", pulse("1H", h, us), pulse("13C", c, us));
    // 1H: 12 us nothing, 20 us at 0. 13C: 16 us at 270, 12 us nothing, 16 us at 0.
    let cut = pulse("1H", 0, 10.0)
        + &pulse("13C", 270, 12.0)
        + &both(0, 270, 4.0)
        + &pulse("1H", 0, 12.0)
        + &both(0, 0, 4.0)
        + &pulse("13C", 0, 12.0)
        // 1H 10 us at 0, 20 us at 270, 10 us at 0; 13C 16 us in the middle of 40 us.
        + &pulse("1H", 0, 10.0)
        + &pulse("1H", 270, 2.0)
        + &both(270, 0, 16.0)
        + &pulse("1H", 270, 2.0)
        + &pulse("1H", 0, 10.0);
    let by_hand = compiled(&format!("{head}sequence {{\nprepare thermal\n{cut}mark done\n}}\n"));
    let body = imported.body.lines().filter(|l| !l.contains("acquire")).collect::<Vec<_>>().join("\n");
    let body = body.replacen("    #p1 :", "    mark done\n    #p1 :", 1);
    let followed = compiled(&format!("{head}{body}\n"));
    let at = |compiled: &ergoseq::Compiled| {
        let done = run(&compiled.experiment, &Default::default(), &Options::default()).unwrap();
        done.marks.iter().find(|m| m.name == "done").unwrap().values.clone()
    };
    let (a, b) = (at(&by_hand), at(&followed));
    let largest = a.iter().filter_map(|(_, x)| *x).fold(0.0, |m: f64, x| m.max(x.abs()));
    assert!(largest > 1e-6);
    for ((key, x), (_, y)) in a.iter().zip(&b) {
        // Both are exact: the rounding of a few products.
        assert!((x.unwrap() - y.unwrap()).abs() < 1e-11 * largest, "{key}: {x:?} {y:?}\n{}", imported.body);
    }
}
