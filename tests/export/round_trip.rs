//! Exported and imported, an experiment gives the same numbers.

use super::{compiled, exported, lab, root};
use ergoseq::emulator::Run;
use ergoseq::hamiltonian::{Evaluator, Values};
use ergoseq::import::{import, parameters::Parameters};
use ergoseq::prelude::Options;
use ergoseq::{Compiled, compile, run};

/// The text without a block that begins with these words, and where it stood.
pub fn without_block(text: &str, head: &str) -> (String, usize) {
    let Some(start) = text.find(head) else { return (text.to_string(), text.len()) };
    let (mut depth, mut comment) = (0, false);
    for (k, c) in text[start..].char_indices() {
        match c {
            '#' => comment = true,
            '\n' => comment = false,
            '{' if !comment => depth += 1,
            '}' if !comment => {
                depth -= 1;
                if depth == 0 {
                    return (format!("{}{}", &text[..start], &text[start + k + 1..]), start);
                }
            }
            _ => {}
        }
    }
    panic!("`{head}` is not closed");
}

/// The same sample and transmitters, without what is done, measured and varied.
fn bare(text: &str) -> String {
    let (text, _) = without_block(text, "measure {");
    let gone = ["expect ", "theory ", "sweep ", "cycle "];
    text.lines().filter(|l| !gone.iter().any(|g| l.starts_with(g))).map(|l| format!("{l}\n")).collect()
}

pub fn read(text: &str, done: &ergoseq::export::Exported) -> Compiled {
    let mut reader = |path: &str, _: &str| {
        let found = done.files.iter().find(|f| f.path == format!("wave/{path}"));
        found.map(|f| (path.to_string(), f.text.clone())).ok_or_else(|| format!("no {path}"))
    };
    compile("imported.seq", text, &mut reader).unwrap_or_else(|refused| panic!("{refused}\n{text}"))
}

/// What is compared: means of one spin, coherence orders, and the battery.
fn measures(compiled: &Compiled) -> String {
    let e = Evaluator::new(&compiled.experiment, &Values::new()).unwrap();
    let site = e.basis.sites[0].name.clone();
    let battery = if compiled.experiment.battery.is_some() { ", energy" } else { "" };
    format!(
        "measure {{ expectation(Ix({site})), expectation(Iy({site})), expectation(Iz({site})), coherence_order(0), \
         coherence_order(1){battery} }}\n"
    )
}

fn compare(name: &str, a: &Run, b: &Run) {
    let mut compared = 0;
    // Behind a tomography stands the end, and what is exported ends in the pulses of a readout.
    let read_out = a.marks.iter().any(|m| m.name == "tomography");
    for mark in a.marks.iter().filter(|m| m.name != "tomography" && !(read_out && m.name == "end")) {
        let Some(other) = b.marks.iter().find(|m| m.name == mark.name) else { panic!("{name}: no mark {}", mark.name) };
        let means = mark.values.iter().filter(|(key, _)| key.starts_with("expectation"));
        let largest = means.map(|(_, x)| x.unwrap_or(0.0).abs()).fold(0.0, f64::max);
        for ((key, x), (_, y)) in mark.values.iter().zip(&other.values) {
            let (Some(x), Some(y)) = (x, y) else { continue };
            // Means of one spin beside the largest of them, or beside a tenth of the smallest polarisation, where a density matrix has
            // fourteen digits; others beside themselves. Times are written with twelve digits.
            let scale = if key.starts_with("expectation") {
                largest.max(1e-6)
            } else {
                x.abs().max(if key.starts_with("energy") { 0.0 } else { 1.0 })
            };
            assert!((x - y).abs() <= 1e-9 * scale.max(x.abs()), "{name}: {key} at {}: {x} {y}", mark.name);
            compared += 1;
        }
    }
    assert!(compared > 0, "{name}");
}

#[test]
fn exported_and_imported_sequences_give_the_same_numbers() {
    for name in lab::EXPORTED {
        let text = std::fs::read_to_string(root().join(format!("sequences/lab/{name}.seq"))).unwrap();
        let original = compiled(&text);
        let done = exported(&original, name, "topspin", None).unwrap();
        let program = &done.files.iter().find(|f| f.path.starts_with("pp/")).unwrap().text;
        let imported = import(name, program, 0, &Parameters::default()).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        // How many points are received is no parameter of the program.
        let said: Vec<_> = imported.warnings.iter().filter(|w| !w.message.ends_with(": swh, td")).collect();
        assert!(said.is_empty(), "{name}: {said:?} {}", imported.body);
        for comment in program.lines().filter_map(|l| l.strip_prefix(';')).filter(|l| !l.starts_with(" mark ")) {
            assert!(imported.text.contains(comment.trim_end()), "{name}: the comment `{comment}` is kept");
        }
        // Only what is imported differs: the sequence, its cycles and shapes.
        let measures = measures(&original);
        let cycles: String = text.lines().filter(|l| l.starts_with("cycle ")).map(|l| format!("{l}\n")).collect();
        let before = compiled(&format!("{}{cycles}{measures}", bare(&text)));
        let (without, _) = without_block(&bare(&text), "sequence {");
        // Where nothing says how many points are received, the state before is compared.
        let assumed = !imported.warnings.is_empty();
        let body: String = imported
            .body
            .lines()
            .filter(|l| !assumed || !l.trim_start().starts_with("acquire "))
            .map(|l| format!("{l}\n"))
            .collect();
        let after = read(&format!("{without}{body}{measures}"), &done);
        let options = Options::default();
        let a = run(&before.experiment, &Values::new(), &options).unwrap();
        let b = run(&after.experiment, &Values::new(), &options)
            .unwrap_or_else(|e| panic!("{name}: {e:?}\n{}", imported.body));
        compare(name, &a, &b);
    }
}

/// Bruker's usual form, with the numbers of an `acqus` file: rows of `vd`, powers from `PLW1` at `P1`, a spin echo with a shape.
#[test]
fn programs_of_others_are_imported() {
    let program = ";a spin echo\n#include <Avance.incl>\n\"p2=p1*2\"\n\"d11=30m\"\n1 ze\n2 d1 pl1:f1\n  p1 ph1\n3 d2*0.5\n  (p2 pl2 ph2):f1\n  d2*0.5\n\
        \x20 lo to 3 times l4\n  cpd2:f2\n  vd\n  go=2 ph31\n  d11 wr #0 if #0 ivd\n  lo to 1 times td1\nexit\nph1=0 2\nph2=1\nph31=0 2\n";
    let acqus = "##$P= (0..3)\n0 5 0 0\n##$D= (0..3)\n0 10 0.002 0\n##$L= (0..4)\n0 0 0 0 8\n##$PLW= (0..2)\n0 100 25\n##$NUC1= <19F>\n##$TD= 2048\n##$SW_h= 1e5\n##END=\n";
    let imported = import("echo.pp", program, 0, &Parameters::of_acqus(acqus)).unwrap();
    let expected = "param vd = 1 ms    # assumed: its number is not given\ncycle ph1 = 0 deg, 180 deg\ncycle ph31 = 0 deg, 180 deg\n\n\
        sequence {\n    prepare thermal\n    #a spin echo\n    # between scans: 10 s\n    \
        pulse 19F phase ph1 rf = 50000 Hz duration = 5e-6 s\n    loop 8 {\n        delay 0.001 s\n        \
        pulse 19F phase 270 deg rf = 25000 Hz duration = 1e-5 s\n        delay 0.001 s\n    }\n    \
        decouple 13C waltz16 rf = 25000 Hz {\n        delay vd\n        acquire 19F points 1024 dwell 1e-5 s phase ph31\n    }\n    # between rows: ivd\n}\n";
    assert_eq!(imported.body, expected);
    let [one] = imported.warnings.as_slice() else { panic!("{:?}", imported.warnings) };
    assert!(!one.is_error() && one.message.ends_with("cpdprg2, vd"), "{}", one.message);
    compiled(&imported.text);
    let broken = program.replace("go=2", "goo=2");
    assert!(import("echo.pp", &broken, 0, &Parameters::default()).is_err());
}
