//! SIMPSON: what is exported against decays that SIMPSON made of it, and input files that are imported.

use super::{compiled, exported, file, root};
use ergoseq::compile;
use ergoseq::decays::simpson::simpson;
use ergoseq::hamiltonian::Values;
use ergoseq::import::{Imported, simpson as reader};
use ergoseq::linalg::C64;
use ergoseq::prelude::Options;
use ergoseq::run;

fn case(name: &str) -> String {
    std::fs::read_to_string(root().join("tests/cases/simpson").join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The decay that is acquired, as `Tr[rho F+]`.
fn acquired(text: &str, name: &str) -> Vec<C64> {
    let mut files = |path: &str, _: &str| Err(format!("no {path}"));
    let program = compile(name, text, &mut files).unwrap_or_else(|refused| panic!("{refused}\n{text}"));
    let found =
        run(&program.experiment, &Values::new(), &Options::default()).unwrap_or_else(|e| panic!("{name}: {e:?}"));
    let trace = found.traces.iter().find(|t| t.name == "fid").unwrap_or_else(|| panic!("{name}: no decay"));
    let part = |head: &str| trace.values.iter().find(|(key, _)| key.starts_with(head)).map(|(_, v)| v.clone()).unwrap();
    let (re, im) = (part("signal("), part("signal_im("));
    re.iter().zip(&im).map(|(re, im)| C64::new(re.unwrap(), im.unwrap())).collect()
}

/// The largest deviation of `a` from `b` times the factor that fits best, as a share of the largest point; and the factor.
fn deviation(a: &[C64], b: &[C64]) -> (f64, C64) {
    assert_eq!(a.len(), b.len());
    let (mut both, mut own) = (C64::new(0.0, 0.0), 0.0);
    for (a, b) in a.iter().zip(b) {
        both += b.conj() * a;
        own += b.norm_sqr();
    }
    let factor = both / own;
    let largest = a.iter().map(|z| z.norm()).fold(0.0, f64::max);
    (a.iter().zip(b).map(|(a, b)| (a - b * factor).norm()).fold(0.0, f64::max) / largest, factor)
}

/// The cases, the nucleus that is received, and how near the decays are: samples at rest to the digits of SIMPSON's files (nine) and
/// the products of polarisations, which are 2e-8 here (4e-8 to second order); spinning ones to SIMPSON's steps of 0.01 us, whose error is
/// at most 3e-6 here. That of a strong quadrupole is 1.8e-4 with steps of 0.002 us and proportional to them: extrapolated from 0.01 and
/// 0.005 us it is 3e-7.
const CASES: &[(&str, &str, f64)] = &[
    ("shift", "1H", 5e-8),
    ("tensors_13c", "13C", 5e-8),
    ("tensors_15n", "15N", 5e-8),
    ("powder", "13C", 5e-8),
    ("like_pair", "1H", 5e-8),
    ("deuteron", "2H", 5e-8),
    ("aluminium", "27Al", 5e-8),
    ("second_order", "27Al", 1e-6),
    ("second_order_rotor", "27Al", 2e-4),
    ("rotor", "13C", 5e-6),
    ("rotor_powder", "13C", 5e-6),
    ("rotor_reversed", "13C", 5e-6),
    ("rotor_reversed_15n", "15N", 5e-6),
];

/// SIMPSON's decays are conjugated for positive gamma, as those of a spectrometer are.
fn turned(nucleus: &str, points: &[C64]) -> Vec<C64> {
    points.iter().map(|z| ergoseq::decays::sign::turned(nucleus, *z)).collect()
}

#[test]
fn simpson_makes_of_what_is_exported_what_is_emulated() {
    for (name, nucleus, close) in CASES {
        let text = case(&format!("{name}.seq"));
        let done = exported(&compiled(&text), &format!("{name}.seq"), "simpson", None).unwrap();
        // The decays belong to these very files.
        assert_eq!(file(&done, "", ".in"), case(&format!("{name}.in")), "{name}");
        assert_eq!(file(&done, "", ".cry"), case(&format!("{name}.cry")), "{name}");
        let theirs = simpson(&case(&format!("{name}.fid"))).unwrap();
        let (away, factor) = deviation(&acquired(&text, name), &turned(nucleus, &theirs.rows[0]));
        assert!(away < *close, "{name}: {away:e}");
        // The polarisation, a positive number: signs are the same.
        assert!(factor.re > 0.0 && factor.im.abs() < close.max(1e-4) * factor.re, "{name}: {factor}");
    }
}

fn import(name: &str, text: &str) -> Imported {
    let folder = root().join("tests/cases/simpson");
    let crystals = |file: &str| std::fs::read_to_string(folder.join(file)).ok();
    reader::import(name, text, 0, &crystals).unwrap_or_else(|e| panic!("{name}: {e:?}"))
}

#[test]
fn exported_and_imported_files_give_the_same_decays() {
    for (name, ..) in CASES {
        let imported = import(&format!("{name}.in"), &case(&format!("{name}.in")));
        assert_eq!(imported.warnings, vec![], "{name}: {}", imported.text);
        // The temperature is none of SIMPSON's.
        let written = case(&format!("{name}.seq"));
        let hot = written.contains("temperature 300000 K");
        let text = if hot { imported.text.replace("300 K", "300000 K") } else { imported.text.clone() };
        let (away, factor) = deviation(&acquired(&text, name), &acquired(&written, name));
        assert!(away < 1e-9 && (factor - 1.0).norm() < 1e-9, "{name}: {away:e} {factor}\n{}", imported.text);
    }
}

/// The sequences of the laboratory that SIMPSON takes: their marks, where the receiver turns nothing, and cycles and sweeps.
#[test]
fn sequences_of_the_laboratory_come_back() {
    let mut compared = 0;
    for name in
        ["pake_single", "sidebands", "jeener_broekaert_finite", "cpmg", "spin_lock", "inversion_recovery", "redor"]
    {
        let text = std::fs::read_to_string(root().join(format!("sequences/lab/{name}.seq"))).unwrap();
        let original = compiled(&text);
        let Ok(done) = exported(&original, name, "simpson", None) else { continue };
        let crystals = |path: &str| done.files.iter().find(|f| f.path == path).map(|f| f.text.clone());
        for input in done.files.iter().filter(|f| f.path.ends_with(".in")) {
            let imported = reader::import(name, &input.text, 0, &crystals).unwrap_or_else(|e| panic!("{name}: {e:?}"));
            assert_eq!(imported.warnings, vec![], "{name}: {}", imported.text);
            // What it gives is exported to the same input, but for what is written about its origin.
            let again = exported(&compiled(&imported.text), name, "simpson", None)
                .unwrap_or_else(|e| panic!("{name}: {e:?}\n{}", imported.text));
            let body = |text: &str| -> Vec<f64> {
                let acts = text.lines().filter(|l| !l.trim_start().starts_with('#'));
                acts.flat_map(|l| {
                    l.split_whitespace().filter_map(|w| w.trim_matches(['{', '}', ']', ';']).parse::<f64>().ok())
                })
                .collect()
            };
            let (a, b) = (body(&input.text), body(&file(&again, "", ".in")));
            assert_eq!(a.len(), b.len(), "{name}: {}\n{}", input.text, imported.text);
            // Numbers are written with twelve digits.
            for (x, y) in a.iter().zip(&b) {
                assert!((x - y).abs() < 1e-9 * x.abs().max(1.0), "{name}: {x} {y}\n{}", imported.text);
            }
            compared += 1;
        }
    }
    assert!(compared >= 5, "{compared}");
}

/// What others write: letters for phases, expressions, propagators that are kept and applied, offsets, shapes in ppm, two channels.
const OTHERS: &str = "# A recoupling
spinsys {
    channels 13C 15N
    nuclei 13C 15N
    shift 1 10p 50p 0.3 0 90 0
    dipole 1 2 895 10 20 30
}
par {
    spin_rate        10e3
    proton_frequency 400e6
    crystal_file     alpha0beta0
    gamma_angles     1
    np               3
    sw               spin_rate/2
    start_operator   I1x
    detect_operator  I1p
    method           direct
    variable rf      50e3
    inner_rotor_angle 3
}
proc halves {t} { return [expr 0.5*$t] }
proc pulseq {} {
    global par
    maxdt 1
    offset 100 0
    set t180 [expr 0.5e6/$par(rf)]
    set tr2 [expr 0.5e6/$par(spin_rate) - [halves $t180]]
    # recoupled
    reset
    for {set k 0} {$k < 2} {incr k} {
        delay $tr2
        pulse $t180 0 x $par(rf) [expr {$k % 2 ? \"y\" : \"x\"}]
        delay [expr $tr2 - [halves $t180]]
    }
    store 1
    reset
    turnoff dipole_1_2
    acq 3 1 -y
}
proc main {} {
    global par
    set f [fsimpson]
    fzerofill $f 4096
    faddlb $f 20 0
    fft $f
    fsave $f $par(name).spe
}
";

#[test]
fn files_of_others_are_imported() {
    let imported = import("recoupling.in", OTHERS);
    let lines: Vec<String> = imported
        .warnings
        .iter()
        .map(|w| {
            let at = w.span.unwrap().start as usize;
            format!("{}: {}", OTHERS[..at].matches('\n').count() + 1, w.message)
        })
        .collect();
    assert_eq!(lines, ["19: this line is not converted", "37: this line is not converted"], "{}", imported.text);
    for part in [
        "# A recoupling\n",
        "# not converted: inner_rotor_angle 3\n",
        "# processing of the FID: faddlb decay1 20 0\n",
        "spin s1 : 13C",
        "csa s1 = 50 ppm eta 0.3 axes (0, 90, 0) deg",
        "spinning 10000 Hz\n",
        "prepare high_temperature(start, 300 K)",
        "hamiltonian start = -400 MHz * (1 * Ix(s1))",
        "    # recoupled\n",
        "    # not converted: turnoff dipole_1_2\n",
        "pulse 15N phase 90 deg rf = 50000 Hz duration = 10 us",
        "param turns = 0",
        "    acquire 13C points 1 dwell 200 us phase 270 deg\n",
        "sweep turns = 0 .. 2 points 3\n",
    ] {
        assert!(imported.text.contains(part), "{part}\n{}", imported.text);
    }
    // 10 ppm less the offset of 100 Hz, which is -2 pi 100 Iz turned round: a higher shift is a lower frequency here.
    let shift: f64 = imported.text.split("shift s1 = ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let larmor = 67.2828e6 * (400e6 / 267.522_187_4e6);
    assert!((shift - (10.0 - 100.0 / larmor * 1e6)).abs() < 1e-9, "{shift}");
    compiled(&imported.text);
}

/// A block of acquisition is the signal, or turns of a loop between its points; other operators than F+ are measured as means.
#[test]
fn blocks_are_signals_and_operators_are_means() {
    let text = |detect: &str, block: &str| {
        format!(
            "spinsys {{\n channels 13C\n nuclei 13C 13C\n dipole 1 2 -2000 0 0 0\n}}\npar {{\n np 8\n sw 5e4\n start_operator I1z\n detect_operator {detect}\n}}\n\
             proc pulseq {{}} {{\n global par\n pulseid 2.5 1e5 y\n acq_block {{ {block} }}\n}}\n"
        )
    };
    let delay = "delay [expr 1e6/$par(sw)]";
    for (detect, block, parts) in [
        ("Inp", delay, vec!["acquire 13C points 8 dwell 20 us\n", "signal(13C)"]),
        (
            "Inp",
            "pulse 5 5e4 x ; delay 5",
            vec!["    loop turns {\n        loop 2 {\n", "sweep turns = 0 .. 7 points 8\n"],
        ),
        ("I2z", delay, vec!["delay 140 us record 8 as seen\n", "measure { expectation(1 * Iz(s2)) }"]),
        ("I2m", "pulse 20 5e4 x", vec!["    mark seen\n", "expectation(1 * Ix(s2)), expectation(-1 * Iy(s2))"]),
    ] {
        let imported = import("block.in", &text(detect, block));
        assert_eq!(imported.warnings, vec![], "{}", imported.text);
        for part in parts {
            assert!(imported.text.contains(part), "{detect}, {block}: {part}\n{}", imported.text);
        }
        compiled(&imported.text);
    }
    let imported = import("block.in", &text("Inp", "pulse 13 5e4 x"));
    assert!(
        imported.warnings[0].message.contains("is not a fraction of the dwell time of 20 us"),
        "{:?}",
        imported.warnings
    );
    let turned = text("I2z", delay)
        .replace("acq_block {", "acq y\n for {set k 1} {$k < 8} {incr k} { delay 20 ; acq y }\n set unused {");
    assert!(import("block.in", &turned).warnings[0].message.contains("receiver phases"));
}

/// Scans that are added and subtracted are cycles, decays that are saved one by one are rows of a sweep.
#[test]
fn scans_are_cycles_and_decays_are_rows() {
    let text = "spinsys {\n channels 1H\n nuclei 1H\n}\npar {\n proton_frequency 400e6\n np 16\n sw 1e5\n start_operator Inz\n detect_operator Inp\n}\n\
        proc pulseq {} {\n global par\n pulseid 2.5 1e5 $par(ph)\n delay $par(tau)\n acq\n for {set k 1} {$k < $par(np)} {incr k} {\n  delay 10\n  acq\n }\n}\n\
        proc main {} {\n global par\n foreach par(tau) {1 2 5} {\n  set par(ph) 90\n  set f [fsimpson]\n  set par(ph) 270\n  set g [fsimpson]\n  fsub $f $g\n  \
        fsave $f a\n }\n}\n";
    let imported = import("cycle.in", text);
    assert_eq!(imported.warnings, vec![], "{}", imported.text);
    for part in [
        "cycle ph1 = 90 deg, 270 deg\n",
        "cycle ph2 = 0 deg, 180 deg\n",
        "param t1 = 1 us\n",
        "pulse 1H 90 deg phase ph1 ideal\n    delay t1\n    acquire 1H points 16 dwell 10 us phase ph2\n",
        "sweep zip {\n    t1 = 1 us, 2 us, 5 us\n}\n",
    ] {
        assert!(imported.text.contains(part), "{part}\n{}", imported.text);
    }
    compiled(&imported.text);
}

#[test]
fn what_cannot_be_imported_is_said() {
    let none = |_: &str| None;
    let good = "spinsys {\n channels 1H\n nuclei 1H\n}\npar {\n np 1\n start_operator Inz\n detect_operator Inp\n}\nproc pulseq {} {\n acq\n}\n";
    assert_eq!(reader::import("a.in", good, 0, &none).unwrap().warnings, vec![]);
    for (from, to, part) in [
        ("nuclei 1H", "", "no `nuclei`"),
        ("proc pulseq {} {\n acq\n}\n", "", "no `proc pulseq`"),
        (" acq\n}", " acq\n", "`{` is not closed"),
        (" acq\n", " while {1} { acq }\n", "executes more than"),
    ] {
        let wrong = reader::import("a.in", &good.replace(from, to), 0, &none).unwrap_err();
        assert!(wrong[0].message.contains(part) && !wrong[0].help.is_empty(), "{to}: {wrong:?}");
    }
    for (from, to, part) in [
        (" acq\n", " acq\n offset 100 200\n", "expected one offset per channel"),
        (" acq\n", " delay 1\n offset 100\n acq\n", "changes during the sequence"),
        (" acq\n", " prop 7\n acq\n", "no propagator is stored as 7"),
        (" acq\n", " set x [expr 1/0]\n acq\n", "division by zero"),
        (" acq\n", " pulse 5 1e5\n acq\n", "an rf amplitude and a phase"),
        (" acq\n", " select 1\n acq\n", "unknown command"),
        ("nuclei 1H\n", "nuclei 1H\n jcoupling 1 3 10 0 0 0 0 0\n", "no spin 3"),
        ("nuclei 1H\n", "nuclei 1H\n gtensor 1 3\n", "unknown interaction"),
        ("nuclei 1H\n", "nuclei 1H\n quadrupole 1 3 1e5 0 0 0 0\n", "to second order"),
    ] {
        let text = good.replace(from, to);
        let imported = reader::import("a.in", &text, 0, &none).unwrap();
        let said: Vec<String> = imported.warnings.iter().map(|w| format!("{} {:?}", w.message, w.label)).collect();
        assert!(said.len() == 1 && said[0].contains(part), "{to}: {said:?}");
        assert!(imported.text.contains("# not converted: "), "{to}: it is kept\n{}", imported.text);
    }
}

/// Any text is read to its end.
#[test]
fn damaged_input_files_are_read_to_their_end() {
    let none = |_: &str| None;
    for cut in (0..OTHERS.len()).step_by(41) {
        let _ = reader::import("a.in", &OTHERS[..cut], 0, &none);
        for sign in ["{", "}", "[", "]", "\"", "$", "(", "\\", "-", "ü", "\n"] {
            let _ = reader::import("a.in", &format!("{}{sign}{}", &OTHERS[..cut], &OTHERS[cut..]), 0, &none);
        }
    }
}
