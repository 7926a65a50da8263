//! Shapes that are exported give the same numbers where a file reads them.

use super::calibrations;
use ergoseq::diagnostic::Diagnostic;
use ergoseq::export::{Dialect, Exported, Request, export};
use ergoseq::hamiltonian::Values;
use ergoseq::prelude::Options;
use ergoseq::{Compiled, compile, run};

/// Five steps whose phases are no mirror image of themselves.
const STEPS: &str = "20 0\n60 40\n100 100\n80 -70\n30 200\n";

fn experiment(nucleus: &str, shape: &str) -> String {
    format!(
        "ergoseq 1\nsystem {{ field 11.7 T temperature 300 K spin s : {nucleus} shift s = 3 ppm }}\nshape bump = \"{shape}\"\n\
         sequence {{\n    prepare thermal\n    pulse {nucleus} phase 25 deg rf = 2 kHz duration = 0.5 ms shape = bump\n}}\n\
         measure {{ order(Ix(s)), order(Iy(s)), order(Iz(s)) }}\n"
    )
}

fn read(text: &str, content: &str) -> Compiled {
    let mut reader = |path: &str, _: &str| Ok((path.to_string(), content.to_string()));
    compile("shape.seq", text, &mut reader).unwrap_or_else(|refused| panic!("{refused}\n{content}"))
}

fn orders(compiled: &Compiled) -> Vec<f64> {
    let found = run(&compiled.experiment, &Values::new(), &Options::default()).unwrap();
    found.marks.last().unwrap().values.iter().map(|(_, x)| x.unwrap()).collect()
}

fn exported(compiled: &Compiled, dialect: &str) -> Result<Exported, Vec<Diagnostic>> {
    let request = Request {
        dialect: Dialect::named(dialect).unwrap(),
        source: ("shape.seq", &compiled.sources.get(0).unwrap().text),
        values: &Values::new(),
        spectrometer: None,
        calibrations: calibrations(),
        max_gradient: None,
    };
    export(&compiled.experiment, request)
}

#[test]
fn exported_shapes_are_read_to_the_same_numbers() {
    for nucleus in ["1H", "15N"] {
        let original = read(&experiment(nucleus, "bump.txt"), STEPS);
        let right = orders(&original);
        // The phases count: their mirror image gives other numbers.
        let mirror = STEPS.replace("40", "-40").replace(" 100", " -100").replace("-70", "70").replace("200", "-200");
        let other = orders(&read(&experiment(nucleus, "bump.txt"), &mirror));
        assert!(right.iter().zip(&other).any(|(a, b)| (a - b).abs() > 0.1), "{nucleus}: {right:?} {other:?}");
        for (dialect, folder) in [("topspin", "wave/"), ("varian", "shapelib/")] {
            let done = exported(&original, dialect).unwrap_or_else(|e| panic!("{nucleus}: {e:?}"));
            let shape = done.files.iter().find(|f| f.path.starts_with(folder)).unwrap();
            assert_eq!(shape.text.contains("phases mirrored"), nucleus == "1H", "{}", shape.text);
            let found = orders(&read(&experiment(nucleus, &shape.path), &shape.text));
            // Amplitudes and phases have twelve digits.
            for (a, b) in right.iter().zip(&found) {
                assert!((a - b).abs() < 1e-9, "{nucleus}, {dialect}: {right:?} {found:?}\n{}", shape.text);
            }
        }
    }
}

/// A shape without phases is the same for every console.
#[test]
fn shapes_without_phases_are_not_marked() {
    let plain = read(&experiment("1H", "bump.txt"), "20 0\n100 0\n50 180\n");
    for dialect in ["topspin", "varian"] {
        let done = exported(&plain, dialect).unwrap();
        assert!(done.files.iter().all(|f| !f.text.contains("phases mirrored")), "{dialect}");
    }
}

/// A delay of no time among rows is said, and stands in the file of the list as what it is.
#[test]
fn a_delay_of_no_time_among_rows_is_said() {
    let text = "ergoseq 1\nsystem { field 11.7 T temperature 300 K spin s : 1H }\nparam tau = 0 us\nchannel 1H { rf = 100 kHz }\n\
        sequence {\n    prepare thermal\n    pulse 1H 90 deg phase x rf = 100 kHz\n    delay tau\n    \
        acquire 1H points 8 dwell 10 us\n}\nsweep tau = 0 us, 3 us, 6 us\n";
    let compiled = super::compiled(text);
    let done = exported(&compiled, "topspin").unwrap();
    let said: Vec<&String> = done.warnings.iter().map(|w| &w.message).collect();
    assert!(said.iter().any(|m| m.contains("at least 0.05 us")), "{said:?}");
    let list = done.files.iter().find(|f| f.path.starts_with("lists/vd/")).unwrap();
    assert_eq!(list.text, "0.05u\n3u\n6u\n");
    let program = done.files.iter().find(|f| f.path.starts_with("pp/")).unwrap();
    assert!(program.text.contains("the shortest delay 0.05 us for none [0.05u, 3u, 6u]"), "{}", program.text);
    let varian = exported(&compiled, "varian").unwrap();
    assert!(varian.warnings.iter().all(|w| !w.message.contains("delays in a list")), "{:?}", varian.warnings);
}
