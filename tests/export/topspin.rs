//! Folders for TopSpin.

use super::{compiled, exported, file, parameter, root};
use ergoseq::compile;
use ergoseq::export::calibration::Calibration;
use ergoseq::export::{Dialect, Request, export};
use ergoseq::hamiltonian::Values;
use ergoseq::prelude::Options;
use ergoseq::run;

const SYSTEM: &str = "system { field 11.7 T temperature 300 K spin p, q : 1H dipolar p q = -30.454 kHz }\n";

fn with(rest: &str) -> String {
    format!("ergoseq 1\n{SYSTEM}{rest}").replace('|', "\n")
}

/// The power of a pulse grows as the square of its strength, from one calibration: 100 W at 100 kHz.
#[test]
fn powers_follow_from_one_calibration() {
    for (strength, power) in [(25.0, 6.25), (50.0, 25.0), (100.0, 100.0)] {
        let text = with(&format!(
            "sequence {{ prepare thermal | pulse 1H 90 deg phase x rf = {strength} kHz | acquire 1H points 8 dwell 1 us }}"
        ));
        let script = file(&exported(&compiled(&text), "a.seq", "topspin", None).unwrap(), "py/", ".py");
        let written: f64 = parameter(&script, "PLW 1").parse().unwrap();
        // Powers have fifteen digits.
        assert!((written / power - 1.0).abs() <= 1e-12, "{strength} kHz: {written}");
        assert_eq!(parameter(&script, "P 1").parse::<f64>().unwrap(), 250.0 / strength);
    }
}

/// The same from a calibration whose powers are no round numbers: exact decimals of W_1 (4 P_1 nu)^2, of which fifteen digits are written.
#[test]
fn powers_follow_from_a_calibration_of_any_digits() {
    for (nu, power) in [(25e3, 4.2339234487632), (50e3, 16.9356937950528), (100e3, 67.7427751802112)] {
        let text = with(&format!(
            "sequence {{ prepare thermal | pulse 1H 90 deg phase x rf = {nu} Hz | acquire 1H points 8 dwell 1 us }}"
        ));
        let compiled = compiled(&text);
        let request = Request {
            dialect: Dialect::named("topspin").unwrap(),
            source: ("a.seq", &compiled.sources.get(0).unwrap().text),
            values: &Values::new(),
            spectrometer: None,
            calibrations: vec![Calibration::read("1H: 2.71828 us at 57.3 W").unwrap()],
            max_gradient: None,
        };
        let script = file(&export(&compiled.experiment, request).unwrap(), "py/", ".py");
        let written: f64 = parameter(&script, "PLW 1").parse().unwrap();
        assert!((written / power - 1.0).abs() <= 1e-14, "{nu} Hz: {written}");
    }
}

/// Whole exports, byte for byte.
#[test]
fn exports_are_as_they_were() {
    let mut differing = Vec::new();
    for name in ["jeener_broekaert_eight_steps", "jeener_broekaert_gradient", "tomography_equivalent", "cpmg"] {
        let text = std::fs::read_to_string(root().join(format!("sequences/lab/{name}.seq"))).unwrap();
        let done = exported(&compiled(&text), &format!("sequences/lab/{name}.seq"), "topspin", None).unwrap();
        let whole: String = done.files.iter().map(|f| format!("=== {}\n{}", f.path, f.text)).collect();
        let golden = root().join(format!("tests/export/golden/{name}.txt"));
        if std::env::var_os("ERGOSEQ_BLESS").is_some() {
            std::fs::write(&golden, &whole).unwrap();
        }
        if std::fs::read_to_string(&golden).unwrap_or_default() != whole {
            differing.push(name);
        }
    }
    assert!(differing.is_empty(), "{differing:?} differ");
}

/// A swept delay is a list and a row a point; a swept flip angle a list of pulses, a swept count a list of counts.
#[test]
fn sweeps_are_lists() {
    let text = with(
        "param tau = 4 us, flip = 90 deg, n = 2\n\
         sequence { prepare thermal | pulse 1H flip phase x rf = 50 kHz | delay tau | pulse 1H 45 deg phase y rf = 50 kHz\n\
         loop n { delay 3 us } | acquire 1H points 8 dwell 1 us }\n\
         sweep zip { | tau = 4 us, 6 us, 8.5 us | flip = 90 deg, 45 deg, 180 deg | n = 2, 3, 4 | }",
    );
    let done = exported(&compiled(&text), "a.seq", "topspin", None).unwrap();
    let program = file(&done, "pp/", ".pp");
    assert!(program.contains("define list<delay> vd_list=<$VDLIST>\n"), "{program}");
    assert!(
        program.contains("  (vp_list pl1 ph1):f1\n  vd_list\n  (p1 pl1 ph2):f1\n4 d2\n  lo to 4 times vc_list\n"),
        "{program}"
    );
    assert!(
        program.contains("mc #0 to 2 F1QF(calclist(vp_list, 1) & calclist(vd_list, 1) & calclist(vc_list, 1))"),
        "{program}"
    );
    assert_eq!(file(&done, "lists/vd/", ""), "4u\n6u\n8.5u\n");
    assert_eq!(file(&done, "lists/vp/", ""), "5u\n2.5u\n10u\n");
    assert_eq!(file(&done, "lists/vc/", ""), "2\n3\n4\n");
    let script = file(&done, "py/", ".py");
    assert_eq!(parameter(&script, "1 TD"), "3");
    assert_eq!(parameter(&script, "VDLIST"), "a_vd_list");
    assert_eq!(parameter(&script, "TD"), "16");
    assert_eq!(parameter(&script, "SWH"), "1000000");
}

/// The middle of an ideal pulse stays where it was: the delays beside it are shorter by half of the hard one, 2.5 us for 90 degrees.
#[test]
fn delays_beside_ideal_pulses_are_shorter() {
    let text = with(
        "sequence { prepare thermal | pulse 1H 90 deg phase x ideal | delay 10 us | pulse 1H 180 deg phase y ideal | delay 10 us | mark echo | acquire 1H points 8 dwell 1 us }",
    );
    let done = exported(&compiled(&text), "a.seq", "topspin", None).unwrap();
    let script = file(&done, "py/", ".py");
    for (name, value) in [("P 1", "2.5"), ("D 2", "0.00000625"), ("D 3", "0.0000075")] {
        assert_eq!(parameter(&script, name), value, "{name}");
    }
    assert!(file(&done, "pp/", ".pp").contains("\"p2=p1*2\""));
    let close = with(
        "sequence { prepare thermal | pulse 1H 90 deg phase x ideal | delay 1 us | pulse 1H 90 deg phase y ideal }",
    );
    let refused = exported(&compiled(&close), "a.seq", "topspin", None).unwrap_err();
    assert!(refused.iter().any(|d| d.message.contains("shorter than half of the adjacent pulses")), "{refused:?}");
}

/// Parallel pulses, shapes, phases that are no quarters, and a receiver that follows a cycle.
#[test]
fn groups_shapes_and_phases_are_written() {
    let text = "ergoseq 1
system { field 9.4 T temperature 300 K spin h : 1H spin c : 13C j h c = 200 Hz }
cycle phi = 0 2 1 3
cycle odd = 12.5 deg, 45.25 deg
sequence {
    prepare thermal
    pulse 1H 90 deg phase phi rf = 25 kHz
    parallel align centre {
        pulse 1H 180 deg phase y rf = 25 kHz
        pulse 13C 180 deg phase 30 deg rf = 20 kHz
    }
    pulse 1H 90 deg phase odd duration = 1 ms shape = gauss
    acquire 1H points 64 dwell 100 us phase phi
}";
    let done = exported(&compiled(text), "a.seq", "topspin", None).unwrap();
    let program = file(&done, "pp/", ".pp");
    for part in [
        "  (center (p2 pl1 ph2):f1 (p3 pl2 ph3):f2 )\n  (p4:sp1 ph4):f1\n  go=2 ph31\n",
        "ph1=0 2 3 1\nph2=3\nph3=(360) 330\nph4=(float, 90.0) 347.5 314.75\nph31=0 2 3 1\n",
        ";ns : 4 * n\n",
    ] {
        assert!(program.contains(part), "{part}\n{program}");
    }
    let shape = file(&done, "wave/", "");
    assert!(shape.contains("##NPOINTS= 1000\n") && shape.contains("##$SHAPE_EXMODE= Excitation"));
}

/// A shape that is exported, read by this program in the place of the lock it was made of, gives the same state.
#[test]
fn an_exported_ramp_is_the_ramp() {
    let name = "demagnetisation_linear_pair";
    let text = std::fs::read_to_string(root().join(format!("sequences/lab/{name}.seq"))).unwrap();
    let done = exported(&compiled(&text), name, "topspin", None).unwrap();
    let shape = file(&done, "wave/", "");
    let lock = "    lock 1H phase y from rf_start to 0 kHz over t_ramp shape linear steps 1000\n";
    assert!(text.contains(lock));
    // The first of 1000 steps is the strongest: its middle is at 1/2000 of the ramp.
    let pulse = "    pulse 1H phase y rf = rf_start * (1 - 1/2000) duration = t_ramp shape = ramp\n";
    let with_shape = text.replace(lock, pulse).replace("sequence {", "shape ramp = \"ramp\"\nsequence {");
    let mut reader = |path: &str, _: &str| Ok((path.to_string(), shape.clone()));
    let read = compile("a.seq", &with_shape, &mut reader).unwrap_or_else(|refused| panic!("{refused}"));
    let values = Values::new();
    let a = run(&compiled(&text).experiment, &values, &Options::default()).unwrap();
    let b = run(&read.experiment, &values, &Options::default()).unwrap();
    for ((key, x), (_, y)) in a.marks.last().unwrap().values.iter().zip(&b.marks.last().unwrap().values) {
        let (Some(x), Some(y)) = (x, y) else { continue };
        assert!((x - y).abs() <= 1e-9 * x.abs().max(1e-6), "{key}: {x} {y}");
    }
}

/// Phases of a console are counted in the sense of the size of the Larmor frequency: those of a nucleus of positive gamma are negative.
#[test]
fn phases_follow_the_sign_of_gamma() {
    for (nucleus, expected) in [("1H", "ph1=3\nph31=0 3\n"), ("15N", "ph1=1\nph31=0 1\n")] {
        let text = format!(
            "ergoseq 1\nsystem {{\n field 11.7 T\n temperature 300 K\n spin a : {nucleus}\n relax a {{ T1 = 1 s }}\n}}\n\
             cycle r = 0 1\nsequence {{\n prepare thermal\n pulse {nucleus} 90 deg phase y rf = 25 kHz\n \
             acquire {nucleus} points 64 dwell 100 us phase r\n}}\n"
        );
        let done = exported(&compiled(&text), "sign.seq", "topspin", None).unwrap();
        let program = file(&done, "pp/", ".pp");
        assert!(program.contains(expected), "{program}");
    }
}
