//! Lists of powers (VALIST) on import.

use super::{compiled, exported, file};
use ergoseq::import::{import, parameters::Parameters};

const PROGRAM: &str = "define list<power> locks=<$VALIST>\n1 ze\n2 d1\n (p1 pl1 ph1):f1\n d2 locks:f1\n (p15 ph2):f1\n go=2 ph31\n \
    d11 mc #0 to 2 F1QF(calclist(locks,1))\nexit\nph1=0\nph2=1\nph31=0\n";

/// 90 degrees in 10 us at 10 W: 25 kHz.
const ACQUS: &str = "##$P= (0..15)\n0 10 0 0 0 0 0 0 0 0 0 0 0 0 0 5000\n##$D= (0..2)\n0 2 0.001\n##$PLW= (0..2)\n0 10 0\n##$NUC1= <1H>\n\
    ##$TD= 256\n##$SW_h= 10000\n##END=\n";

fn imported(program: &str, acqus: &str, list: Option<&str>) -> ergoseq::import::Imported {
    let mut given = Parameters::of_acqus(acqus);
    if let Some(list) = list {
        given.add_list("valist", list);
    }
    let imported = import("powers", program, 0, &given).unwrap_or_else(|e| panic!("{e:?}"));
    let lost: Vec<_> = imported.warnings.iter().filter(|w| w.code.number() == "W701").collect();
    assert!(lost.is_empty(), "{lost:?}");
    compiled(&imported.text);
    imported
}

/// Strengths in hertz of a sweep.
fn swept(body: &str, name: &str) -> Vec<f64> {
    let head = format!("    {name} = ");
    let line = body.lines().skip_while(|l| !l.starts_with("sweep")).find_map(|l| l.strip_prefix(&head));
    let line = line.unwrap_or_else(|| panic!("no sweep of {name}: {body}"));
    line.split(", ").map(|x| x.strip_suffix(" Hz").unwrap().parse().unwrap()).collect()
}

fn assert_near(found: &[f64], right: &[f64], allowed: f64) {
    assert_eq!(found.len(), right.len(), "{found:?}");
    for (x, y) in found.iter().zip(right) {
        assert!((x / y - 1.0).abs() < allowed, "{found:?} {right:?}");
    }
}

/// nu = sqrt(W/10 W) 25 kHz; decibels are below one watt: 10 W are -10 dB.
#[test]
fn a_list_of_powers_is_a_sweep_of_amplitudes() {
    let right = [25e3, 12.5e3, 2.5e3];
    for list in ["Watt\n10\n2.5\n0.1\n", "dB\n-10\n-3.9794000867203763\n10\n", "-10 -3.9794000867203763 10"] {
        let imported = imported(PROGRAM, ACQUS, Some(list));
        assert!(imported.body.contains("rf = rf_locks duration = 0.005 s"), "{}", imported.body);
        // Numbers are written with fourteen digits.
        assert_near(&swept(&imported.body, "rf_locks"), &right, 1e-12);
        assert!(imported.warnings.is_empty(), "{:?}", imported.warnings);
    }
    let inside = PROGRAM.replace("<$VALIST>", "{Watt 10 2.5 0.1}");
    assert_near(&swept(&imported(&inside, ACQUS, None).body, "rf_locks"), &right, 1e-12);
    let inside = PROGRAM.replace("<$VALIST>", "{-10 -3.9794000867203763 10}");
    assert_near(&swept(&imported(&inside, ACQUS, None).body, "rf_locks"), &right, 1e-12);
}

/// Without a calibration the first strength is assumed, and the others have the ratios of their powers.
#[test]
fn powers_without_a_calibration_keep_their_ratios() {
    let acqus = ACQUS.replace("##$PLW= (0..2)\n0 10 0\n", "");
    let imported = imported(PROGRAM, &acqus, Some("Watt\n10\n2.5\n0.1\n"));
    let [one] = imported.warnings.as_slice() else { panic!("{:?}", imported.warnings) };
    assert!(one.message.ends_with("locks, pl1"), "{}", one.message);
    let all = swept(&imported.body, "rf_locks");
    assert_near(&all, &[all[0], all[0] / 2.0, all[0] / 10.0], 1e-12);
}

/// A list that moves within a scan gives other numbers; `va` is the list of every data set, as `vd` is.
#[test]
fn entries_follow_the_list() {
    let moved = PROGRAM.replace(" go=2 ph31\n", " locks.inc\n d2 locks:f1\n (p15 ph2):f1\n go=2 ph31\n");
    let body = imported(&moved, ACQUS, Some("Watt\n10\n2.5\n0.1\n")).body;
    assert!(body.contains("rf = 12500 Hz duration = 0.005 s"), "{body}");
    let own = PROGRAM
        .replace("define list<power> locks=<$VALIST>\n", "")
        .replace("locks:f1", "va:f1")
        .replace("calclist(locks,1)", "iva");
    assert_near(&swept(&imported(&own, ACQUS, Some("Watt 10 2.5 0.1")).body, "rf_va"), &[25e3, 12.5e3, 2.5e3], 1e-12);
    let mut given = Parameters::of_acqus(ACQUS);
    given.add_list("vdlist", "1m\n20m\n0.3\n");
    let program = "1 ze\n2 d1\n (p1 pl1 ph1):f1\n vd\n go=2 ph31\n d11 mc #0 to 2 F1QF(ivd)\nexit\nph1=0\nph31=0\n";
    let body = import("delays", program, 0, &given).unwrap().body;
    assert!(body.contains("    vd = 0.001 s, 0.02 s, 0.3 s\n"), "{body}");
}

/// What is imported is exported as one experiment for every power, with the powers of the list.
#[test]
fn an_imported_list_of_powers_is_exported_as_experiments() {
    let imported = imported(PROGRAM, ACQUS, Some("Watt\n10\n2.5\n0.1\n"));
    let done = exported(&compiled(&imported.text), "powers", "topspin", None).unwrap();
    let script = file(&done, "py/", ".py");
    assert_eq!(script.matches("(\"fid.00").count(), 3, "{script}");
    // 100 W at 100 kHz: 6.25 W at 25 kHz, a sixteenth of the square.
    for power in ["6.25", "1.5625", "0.0625"] {
        assert!(script.contains(&format!("\", \"{power}\")")), "{power}: {script}");
    }
}
