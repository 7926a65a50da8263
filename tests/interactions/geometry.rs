//! Orientations, alignments, filters, cutoffs and extrema: laws that results obey whatever grid, window or statement they are had
//! with, and words that are never silent. Files of `tests/cases/` come from users' reports and from comparisons with an independent
//! emulator.

use ergoseq::diagnostic::Code;
use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::Values;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(kind)
}

fn run(text: &str) -> Result<Run, Box<ergoseq::diagnostic::Diagnostic>> {
    let compiled = ergoseq::compile("case.seq", text, &mut ergoseq::no_files)
        .unwrap_or_else(|r| panic!("{text}\n{:?}", r.diagnostics));
    ergoseq::run(&compiled.experiment, &Values::new(), &Options::default())
}

fn at_end(run: &Run, key: &str) -> Option<f64> {
    let end = run.marks.last().unwrap();
    end.values.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("no {key}")).1
}

fn value(text: &str, key: &str) -> f64 {
    at_end(&run(text).unwrap(), key).unwrap()
}

/// What the command prints: results, then messages.
fn said(arguments: &[&str], kind: &str) -> (String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_ergoseq")).args(arguments).current_dir(folder(kind)).output().unwrap();
    (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
}

// ---- powders ----

/// A shift anisotropy and a pair whose tensors share no mirror plane.
fn powder(grid: &str, spinning: bool, frame: &str) -> String {
    let spinning = if spinning { "spinning 5 kHz" } else { "" };
    format!(
        "ergoseq 1\nsystem {{\n field 9.394638 T\n temperature 300 K\n spin c : 13C\n spin h : 1H\n orientation {frame} rad\n\
         csa c = 79.522 ppm eta 0.9\n dipolar c h = 6 kHz along (0.5, 0.6, 0.62)\n {spinning}\n}}\n\
         ensemble {{ orientation : {grid} }}\nsequence {{\n prepare thermal(c), mixed(h)\n pulse 13C 90 deg phase y ideal\n\
         delay 15 us\n pulse 1H 180 deg phase x ideal\n delay 30 us\n}}\nmeasure {{ order(Ix(c)), order(Iy(c)) }}\n"
    )
}

#[test]
fn powders_do_not_depend_on_the_grid_or_on_how_the_crystal_is_turned() {
    // Products and Lebedev's grids are exact to their degree, points of equal weight to about 1/N. Half of the sphere is off by 3e-3
    // in a rotor, so the tolerances there see it.
    let grids = [
        ("gauss(AZIMUTHS) points 4", 2e-4, 2e-4),
        ("lebedevROTOR points 86", 3e-4, 3e-4),
        ("zcwROTOR points 233", 1.5e-3, 5e-3),
        ("spiralROTOR points 150", 8e-4, 8e-4),
        ("repulsionROTOR points 100", 1e-3, 1.5e-3),
    ];
    for spinning in [true, false] {
        let (rotor, azimuths) =
            if spinning { ("(rotor = 12)", "azimuths = 16, rotor = 12") } else { ("", "azimuths = 16") };
        let reference = run(&powder(&format!("gauss({azimuths}) points 5"), spinning, "(0, 0, 0)")).unwrap();
        for (grid, turning, still) in grids {
            let tolerance = if spinning { turning } else { still };
            let grid = grid.replace("AZIMUTHS", azimuths).replace("ROTOR", rotor);
            for frame in ["(0, 0, 0)", "(0.7, 1.1, 2.3)"] {
                let found = run(&powder(&grid, spinning, frame)).unwrap();
                for key in ["order(Ix(c))", "order(Iy(c))"] {
                    let (a, b) = (at_end(&found, key).unwrap(), at_end(&reference, key).unwrap());
                    assert!((a - b).abs() < tolerance, "{grid} {frame} {key}, spinning {spinning}: {a} for {b}");
                }
            }
        }
    }
}

// ---- ideal pulses among parallel ones ----

#[test]
fn an_ideal_pulse_lies_where_the_alignment_puts_it() {
    // A shift w turns -Iy by w t1, the half turn about y reverses the angle, w t2 adds to it: (sin, -cos) of w (t2 - t1).
    let nu: f64 = -267.5221874e6 * 9.4 * 5e-6 / std::f64::consts::TAU;
    for (align, share) in [("start", 1.0), ("centre", 0.0), ("end", -1.0)] {
        for others in ["", "pulse 19F 77 deg phase x ideal\n"] {
            let text = format!(
                "ergoseq 1\nsystem {{\n field 9.4 T\n temperature 300 K\n spin h : 1H\n spin c : 13C\n spin f : 19F\n shift h = 5 ppm\n}}\n\
                 sequence {{\n prepare thermal(h), mixed(c), mixed(f)\n pulse 1H 90 deg phase x ideal\n parallel align {align} {{\n\
                 pulse 1H 180 deg phase y ideal\n pulse 13C 180 deg phase x duration = 100 us\n {others} }}\n}}\n\
                 measure {{ order(Ix(h)), order(Iy(h)) }}\n"
            );
            let found = run(&text).unwrap();
            let angle = std::f64::consts::TAU * nu * 100e-6 * share;
            for (key, exact) in [("order(Ix(h))", angle.sin()), ("order(Iy(h))", -angle.cos())] {
                let x = at_end(&found, key).unwrap();
                assert!((x - exact).abs() < 1e-9, "{align} {key}: {x} for {exact}");
            }
        }
    }
}

// ---- filters ----

/// A double-quantum coherence, filtered, and brought back.
fn filtered(keep: &str, after: f64) -> String {
    format!(
        "ergoseq 1\nunits natural\nsystem {{ spin a, b : 1/2 }}\nbattery {{ energy = Z(a) + 1 }}\nsequence {{\n prepare ket \"00\"\n\
         evolve X(a)*X(b) for 0.4\n crush keep {keep}\n evolve X(a)*X(b) for {after}\n}}\n\
         measure {{ expectation(1 + 0*Z(a)), expectation(Z(a)), coherence_order(2), order(Z(a)), elapsed, purity, entropy, energy,\n\
         ergotropy, capacity, fidelity, trace_distance, bures_angle, negativity(a), log_negativity(a), concurrence(a, b),\n\
         discord(a, b), mutual_information(a, b), population(1), state_of_charge, stored_energy }}\n"
    )
}

#[test]
fn a_filter_leaves_a_state_only_with_order_zero() {
    let linear = ["expectation(1+0*Z(a))", "expectation(Z(a))", "coherence_order(2)", "order(Z(a))", "elapsed"];
    for (keep, trace) in [("0", 1.0), ("0, 2", 1.0), ("0, 1, 2", 1.0), ("2", 0.0), ("1, 2", 0.0)] {
        let found = run(&filtered(keep, 0.4)).unwrap();
        assert!((at_end(&found, "expectation(1+0*Z(a))").unwrap() - trace).abs() < 1e-12, "keep {keep}");
        for (key, value) in &found.marks.last().unwrap().values {
            let defined = trace == 1.0 || linear.contains(&key.as_str());
            assert_eq!(value.is_some(), defined, "keep {keep}: {key} is {value:?}");
        }
    }
    // <Z> of cos t |00> - i sin t |11> is cos 2t. At 2t the populations at t give cos^2 2t of it, the coherence -sin^2 2t.
    for (keep, exact) in [("0", 0.8f64.cos().powi(2)), ("2", -0.8f64.sin().powi(2)), ("0, 2", 1.6f64.cos())] {
        let x = value(&filtered(keep, 0.4), "expectation(Z(a))");
        assert!((x - exact).abs() < 1e-12, "keep {keep}: {x} for {exact}");
    }
}

// ---- modes ----

#[test]
fn a_cutoff_that_is_felt_between_the_ends_of_statements_is_refused() {
    let mode = |cutoff: usize, events: &str| {
        format!(
            "ergoseq 1\nunits natural\nsystem {{ mode m : {cutoff} }}\nhamiltonian H = number(m) + 0.3*(lower(m) + hc)\n\
             noise n {{ collapse 1e-3*lower(m) }}\nsequence {{\n prepare fock(m, 0)\n {events}\n}}\nmeasure {{ expectation(number(m)) }}\n"
        )
    };
    // After a whole turn the mode is empty again; on the way a displaced vacuum |alpha| = 0.6 fills it.
    for events in [
        "evolve H for 2*pi",
        "evolve H for 2*pi record 2 as way",
        "evolve H for 2*pi with n",
        "loop 3 { evolve H for 2*pi }",
        "loop 100000 { evolve H for 2*pi }",
        "evolve H + 0*sin(t)*number(m) for 2*pi",
        "evolve H for 20000*pi",
    ] {
        let fault = run(&mode(4, events)).expect_err(events);
        assert_eq!(fault.code, Code::CutoffTooLow, "{events}");
    }
    // |alpha|^2 = 2 g^2 (1 - cos t) of a displaced vacuum.
    let t = 30.321612f64;
    let (x, exact) = (value(&mode(14, "evolve H for 30.321612"), "expectation(number(m))"), 0.18 * (1.0 - t.cos()));
    assert!((x - exact).abs() < 1e-7 && (exact - 0.0974).abs() < 1e-4, "{x} {exact}");
}

// ---- the first maximum ----

#[test]
fn the_first_maximum_is_the_same_in_every_window() {
    // -cos t - c cos(w t): its slope is sin t + c w sin(w t), whose first zero from above is looked for in small steps.
    for (c, w) in [(0.19f64, 5.3f64), (0.12, 8.3), (0.3, 3.1)] {
        let slope = |t: f64| t.sin() + c * w * (w * t).sin();
        let mut exact = 1e-5;
        while slope(exact) > 0.0 {
            exact += 1e-5;
        }
        let height = -exact.cos() - c * (w * exact).cos();
        for window in [4.0, 7.0, 12.0, 20.0, 50.0, 333.3] {
            for points in [2, 3, 31] {
                let text = format!(
                    "ergoseq 1\nunits natural\nsystem {{ spin a, b : 1/2 }}\nbattery {{ energy = Z(a) + {c}*Z(b) }}\nsequence {{\n\
                     prepare ket \"11\"\n evolve 0.5*X(a) + {}*X(b) for {window} record {points} as way\n}}\n\
                     measure {{ peak = first_max(energy) }}\n",
                    0.5 * w
                );
                let found = run(&text).unwrap();
                let peak = found.summary.iter().find(|(k, _)| k == "peak").and_then(|(_, v)| *v).unwrap_or(f64::NAN);
                // A maximum is flat: 1e-5 in its place is 1e-9 in its height.
                assert!(
                    (peak - height).abs() < 1e-8,
                    "c {c} w {w} window {window} points {points}: {peak} for {height}"
                );
            }
        }
    }
}

// ---- words ----

#[test]
fn what_was_silent_is_said() {
    for (kind, file, words) in [
        ("language", "phase_x_param.seq", &["W202", "axis"][..]),
        ("language", "selfzero.seq", &["W405", "dipolar"]),
        ("language", "x_field0.seq", &["W405", "without a field"]),
        ("language", "x_dipolar_pos.seq", &["W405", "dipolar all"]),
        ("language", "absent_nucleus.seq", &["the system has no spin 13C"]),
        ("language", "def_args.seq", &["E215", "`y` is an axis"]),
        ("numbers", "A29_second_order_quadrupole.seq", &["W406", "1460 Hz"]),
        ("physics", "10_truncation.seq", &["E505"]),
    ] {
        let (_, messages) = said(&["run", file], kind);
        for word in words {
            assert!(messages.contains(word), "{file}: {word}\n{messages}");
        }
    }
    for command in ["check", "dry-run"] {
        let (_, messages) = said(&[command, "A29_second_order_quadrupole.seq"], "numbers");
        assert!(messages.contains("W406"), "{command}\n{messages}");
    }
    for file in ["f1.seq", "two_per_line.seq", "micro.seq", "micro_followed.seq", "x_kgauss.seq", "phase_x_nat.seq"] {
        let (_, messages) = said(&["run", file], "language");
        assert!(!messages.contains("error"), "{file}\n{messages}");
    }
    // The words of a phase are axes, whatever a parameter is called.
    let (results, _) = said(&["run", "phase_x_param.seq"], "language");
    assert!(results.lines().any(|l| l.starts_with("order(Iy(a))") && l.trim_end().ends_with("-1")), "{results}");
}

#[test]
fn a_cycle_that_cancels_what_was_prepared_is_noted() {
    let cycled = |cycle: &str, read: &str| {
        let text = format!(
            "ergoseq 1\ncycle p = {cycle}\nsystem {{\n field 9.4 T\n temperature 300 K\n spin a, b : 1H\n shift a = 1 ppm\n j a b = 10 Hz\n}}\n\
             sequence {{\n prepare thermal\n pulse 1H 90 deg phase p ideal\n {read}\n}}\n"
        );
        run(&text).unwrap().notes.join("\n").contains("cancel")
    };
    let acquired = "acquire 1H points 8 dwell 1 ms";
    assert!(cycled("0 2", "tomography") && !cycled("0 0", "tomography") && !cycled("x", "tomography"));
    assert!(cycled("0 2", acquired) && cycled("0 1 2 3", acquired) && !cycled("0 0", acquired));
    assert!(!cycled("0 2", &format!("{acquired} phase p")) && !cycled("0 1 2 3", &format!("{acquired} phase p")));
}

// ---- shapes in the steps of a spectrometer ----

#[test]
fn a_shape_is_emulated_in_the_steps_that_the_spectrometer_makes() {
    let program = |duration: &str| {
        format!(
            "ergoseq 1\nsystem {{\n field 11.7 T\n temperature 300 K\n spin h : 1H\n shift h = 3 ppm\n}}\nchannel 1H {{ max_rf = 20 kHz }}\n\
             spectrometer m {{ amplitude_step = 0.1, phase_step = 30 deg, clock = 50 ns }}\nshape s = \"s.txt\"\nsequence {{\n\
             prepare up(h)\n pulse 1H phase y rf = 10 kHz duration = {duration} shape = s\n}}\n\
             measure {{ expectation(Ix(h)), expectation(Iy(h)), expectation(Iz(h)), elapsed }}\n"
        )
    };
    let end = |text: &str, table: &str, spectrometer: Option<&str>| -> Vec<f64> {
        let mut files = |_: &str, _: &str| Ok::<_, String>(("s.txt".to_string(), table.to_string()));
        let compiled = ergoseq::compile("case.seq", text, &mut files).unwrap_or_else(|r| panic!("{:?}", r.diagnostics));
        let options = Options { spectrometer: spectrometer.map(str::to_string), ..Options::default() };
        let found = ergoseq::run(&compiled.experiment, &Values::new(), &options).unwrap();
        found.marks.last().unwrap().values.iter().map(|(_, v)| v.unwrap()).collect()
    };
    // Steps of 0.1 of 20 kHz are 0.2 of 10 kHz; 60 us in 7 steps are 8.571 us, and 8.55 us on the clock.
    let (written, made) = ("0.5 10\n0.35 77\n0.8 200\n0.1 0\n", "0.4 0\n0.4 90\n0.8 210\n0.2 0\n");
    let (written, made) = (written.replace("0.5 10", "0.45 10").replace("0.1 0", "0.15 0"), made);
    let rounded = end(&program("30.13 us"), &written, Some("m"));
    let by_hand = end(&program("30.2 us"), made, None);
    for (a, b) in rounded.iter().zip(&by_hand) {
        assert!((a - b).abs() < 1e-9, "{rounded:?} {by_hand:?}");
    }
    let (_, messages) = said(&["check", "f5_shape_unrounded.seq", "--spectrometer", "m"], "language");
    assert!(
        messages.contains("W404") && messages.contains("8.55") && messages.contains("steps of this shape"),
        "{messages}"
    );
}
