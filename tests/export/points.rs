//! Sweeps that no list describes: each point is an experiment of its own.

use super::round_trip::{read, without_block};
use super::script::{run as run_script, scratch};
use super::{compiled, exported, file, parameter};
use ergoseq::emulator::Run;
use ergoseq::export::Exported;
use ergoseq::hamiltonian::Values;
use ergoseq::import::{import, parameters::Parameters};
use ergoseq::prelude::Options;
use ergoseq::run;

const HEAD: &str = "ergoseq 1
system {
    field 11.7 T
    temperature 300 K
    spin p, q : 1H
    dipolar p q = -30.454 kHz
    shift p = 2 ppm
}
";

/// Times and amplitudes have twelve digits.
const WRITTEN: f64 = 1e-9;

const MEASURE: &str = "measure { order(Ix(p)), order(Iy(q)), order(Iz(p)), coherence_order(2) }\n";

fn experiment(parameters: &str, sequence: &str, sweep: &str) -> String {
    format!("{HEAD}{parameters}\nsequence {{\n    prepare thermal\n{sequence}}}\n{sweep}\n")
}

fn marks(run: &Run) -> Vec<f64> {
    run.marks.iter().filter(|m| m.name == "seen").flat_map(|m| m.values.iter().filter_map(|(_, x)| *x)).collect()
}

/// Every point of the export, imported and run, has the numbers of that point.
fn agrees(text: &str, done: &Exported, parameter: &str, values: &[f64], tolerance: f64) {
    let original = compiled(&format!("{text}{MEASURE}"));
    let (without, _) = without_block(text, "sequence {");
    let gone = ["sweep ", "param ", "shape ", "cycle "];
    let without: String =
        without.lines().filter(|l| !gone.iter().any(|g| l.starts_with(g))).map(|l| format!("{l}\n")).collect();
    let mut first = None;
    for (k, value) in values.iter().enumerate() {
        let program = file(done, "pp/", &format!("_{:03}.pp", k + 1));
        assert!(program.contains(&format!(";point {} of {}: {parameter} = ", k + 1, values.len())), "{program}");
        let imported = import("point", &program, 0, &Parameters::default()).unwrap_or_else(|e| panic!("{e:?}"));
        let body: String = imported
            .body
            .lines()
            .filter(|l| !l.trim_start().starts_with("acquire ") && !l.starts_with("param signal_"))
            .map(|l| format!("{l}\n"))
            .collect();
        let after = read(&format!("{without}{body}{MEASURE}"), done);
        let point = Values::from([(parameter.to_string(), *value)]);
        let options = Options::default();
        let a = marks(&run(&original.experiment, &point, &options).unwrap());
        let b = marks(&run(&after.experiment, &Values::new(), &options).unwrap());
        assert_eq!((a.len(), b.len()), (4, 4), "{body}");
        for (x, y) in a.iter().zip(&b) {
            assert!((x - y).abs() < tolerance, "{parameter} = {value}: {a:?} {b:?}\n{program}");
        }
        // The points differ, so the order of the files matters.
        assert!(first.replace(a.clone()).is_none_or(|before| before.iter().zip(&a).any(|(x, y)| (x - y).abs() > 1e-3)));
    }
    assert!(done.files.iter().all(|f| !f.path.ends_with(&format!("_{:03}.pp", values.len() + 1))));
}

fn done(text: &str, dialect: &str) -> Exported {
    let done = exported(&compiled(text), "a.seq", dialect, None).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
    let said =
        |d: &&ergoseq::diagnostic::Diagnostic| d.message.contains("each point is exported as a separate experiment");
    let apart: Vec<_> = done.warnings.iter().filter(said).collect();
    assert!(!apart.is_empty() && apart.iter().all(|d| !d.is_error() && d.span.is_some()), "{:?}", done.warnings);
    done
}

/// The values of a parameter in all experiments of a script.
fn all(script: &str, name: &str) -> Vec<String> {
    let head = format!("(\"{name}\", \"");
    let of = |l: &str| Some(l.trim().strip_prefix(&head)?.trim_end_matches("\"),").to_string());
    script.lines().filter_map(of).collect()
}

#[test]
fn swept_phases_are_experiments() {
    let text = experiment(
        "param phi = 0 deg\ncycle c = 0 deg, 90 deg",
        "    pulse 1H 90 deg phase c rf = 100 kHz\n    delay 5 us\n    pulse 1H 45 deg phase phi rf = 80 kHz\n    \
         delay 3 us\n    mark seen\n    acquire 1H points 8 dwell 1 us phase c\n",
        "sweep phi = 0 deg, 30 deg, 77.3 deg",
    );
    let done = done(&text, "topspin");
    agrees(&text, &done, "phi", &[0.0, 30f64.to_radians(), 77.3f64.to_radians()], WRITTEN);
    // The second angle in whole degrees, the third to twelve digits; console phases are mirrored.
    assert!(file(&done, "pp/", "_002.pp").contains("=(360) 330\n"), "{}", file(&done, "pp/", "_002.pp"));
    assert!(file(&done, "pp/", "_003.pp").contains("=(float, 90.0) 282.7\n"), "{}", file(&done, "pp/", "_003.pp"));
    let script = file(&done, "py/", ".py");
    for name in ["fid.001.1H", "fid.002.1H", "fid.003.1H"] {
        assert!(script.contains(&format!("(\"{name}\", 1, [")), "{script}");
    }
    assert_eq!(all(&script, "PULPROG"), ["a_001.pp", "a_002.pp", "a_003.pp"]);
    let table = file(&done, "points", ".csv");
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("number,phi [rad]"));
    let found: Vec<f64> = lines.map(|l| l.split(',').nth(1).unwrap().parse().unwrap()).collect();
    // Twelve digits.
    assert!(found.iter().zip([0.0, 30.0, 77.3f64]).all(|(x, deg)| (x - deg.to_radians()).abs() < 1e-11), "{table}");
    let readme = file(&done, "README", ".md");
    for part in ["the 3 experiments", "`points.csv`", "`ergoseq compare a.seq --data FOLDER`"] {
        assert!(readme.contains(part), "{readme}");
    }
}

/// PLW = PLW1 (nu/nu_cal)^2 with 100 W at 100 kHz.
#[test]
fn swept_rf_amplitudes_are_experiments() {
    let text = experiment(
        "param nu = 50 kHz",
        "    pulse 1H phase y rf = nu duration = 4 us\n    delay 3 us\n    pulse 1H 90 deg phase x rf = 100 kHz\n    mark seen\n    \
         acquire 1H points 8 dwell 1 us\n",
        "sweep nu = 25 kHz, 50 kHz, 100 kHz, 200 kHz",
    );
    let done = done(&text, "topspin");
    agrees(&text, &done, "nu", &[25e3, 50e3, 100e3, 200e3], WRITTEN);
    let script = file(&done, "py/", ".py");
    let powers: Vec<f64> = all(&script, "PLW 1").iter().map(|x| x.parse().unwrap()).collect();
    for (found, right) in powers.iter().zip([6.25, 25.0, 100.0, 400.0]) {
        assert!((found / right - 1.0f64).abs() < 1e-12, "{powers:?}");
    }
    assert_eq!(powers.len(), 4);
    // The strongest is said once.
    let beyond: Vec<_> = done.warnings.iter().filter(|d| d.message.contains("more than the calibrated")).collect();
    assert!(matches!(beyond.as_slice(), [one] if one.message.contains("needs 400 W")), "{beyond:?}");
    // A channel of VnmrJ sends at most the power of its calibration.
    let c = super::points::done(&text.replace(", 200 kHz", ""), "varian");
    for (k, amplitude) in [(1, "1023.75"), (2, "2047.5"), (3, "4095")] {
        let program = file(&c, "psglib/", &format!("_{k:03}.c"));
        assert!(program.contains(&format!("obspwrf({amplitude});")), "{program}");
    }
}

#[test]
fn swept_shapes_are_experiments() {
    let text = experiment(
        "param width = 0.1",
        "    pulse 1H phase y rf = 60 kHz duration = 10 us shape = gauss(width)\n    delay 2 us\n    mark seen\n    \
         acquire 1H points 8 dwell 1 us\n",
        "sweep width = 0.02, 0.3",
    );
    let done = done(&text, "topspin");
    // A smooth envelope is sent in 200 steps: an error of about 1/200^2.
    agrees(&text, &done, "width", &[0.02, 0.3], 2.5e-5);
    assert_eq!(all(&file(&done, "py/", ".py"), "SPNAM 1"), ["a_shape1", "a_shape2"]);
}

/// The first sweeps are experiments as far as they need be, the others rows of a list.
#[test]
fn other_sweeps_stay_rows() {
    let sequence = "    pulse 1H phase y rf = nu duration = 4 us\n    delay tau\n    acquire 1H points 8 dwell 1 us\n";
    let parameters = "param nu = 50 kHz, tau = 1 us";
    let rows = experiment(parameters, sequence, "sweep nu = 25 kHz, 50 kHz\nsweep tau = 1 us, 2 us, 4 us");
    let done = done(&rows, "topspin");
    let script = file(&done, "py/", ".py");
    assert!(script.contains("(\"fid.001.1H\", 3, [") && script.contains("(\"fid.002.1H\", 3, ["), "{script}");
    assert_eq!(file(&done, "lists/vd/a_002", ""), "1u\n2u\n4u\n");
    assert_eq!(file(&done, "points", ".csv"), "number,nu [Hz]\n001,25000\n002,50000\n");
    let points = experiment(parameters, sequence, "sweep tau = 1 us, 2 us, 4 us\nsweep nu = 25 kHz, 50 kHz");
    let done = super::points::done(&points, "topspin");
    assert_eq!(all(&file(&done, "py/", ".py"), "PULPROG").len(), 6);
    assert!(file(&done, "points", ".csv").ends_with("\n006,0.000004,50000\n"));
}

/// Amplitudes of channels and carriers were those of the first point.
#[test]
fn settings_of_channels_are_those_of_the_point() {
    let sequence = "    pulse 1H 90 deg phase y ideal\n    delay 20 us\n    acquire 1H points 8 dwell 1 us\n";
    let text = experiment(
        "param at = 0 ppm, nu = 50 kHz\nchannel 1H { rf = nu, carrier = at }",
        sequence,
        "sweep at = 0 ppm, 4 ppm, 8 ppm",
    );
    assert_eq!(all(&file(&done(&text, "topspin"), "py/", ".py"), "O1P"), ["0", "4", "8"]);
    let text = text.replace("sweep at = 0 ppm, 4 ppm, 8 ppm", "sweep nu = 50 kHz, 100 kHz");
    assert_eq!(all(&file(&done(&text, "topspin"), "py/", ".py"), "PLW 1"), ["25", "100"]);
}

/// SIMPSON is told the sample of every point.
#[test]
fn a_swept_sample_is_that_of_the_point() {
    let text = experiment(
        "param d = -30 kHz",
        "    pulse 1H 90 deg phase y ideal\n    acquire 1H points 8 dwell 1 us\n",
        "sweep d = -30 kHz, -20 kHz",
    )
    .replace("dipolar p q = -30.454 kHz", "dipolar p q = d");
    let done = done(&text, "simpson");
    assert!(file(&done, "a_001", ".in").contains("dipole 1 2 -30000 "), "{:?}", done.files);
    assert!(file(&done, "a_002", ".in").contains("dipole 1 2 -20000 "));
    assert_eq!(done.files.iter().filter(|f| f.path.ends_with(".cry")).count(), 1);
    // A console needs no sample.
    let told = exported(&compiled(&text), "a.seq", "topspin", None).unwrap();
    assert!(told.warnings.iter().any(|d| d.message.contains("does not affect the exported program")));
}

#[test]
fn too_many_experiments_are_refused() {
    let sequence = "    pulse 1H 90 deg phase phi rf = 100 kHz\n    acquire 1H points 8 dwell 1 us\n";
    let text = experiment("param phi = 0 deg", sequence, "sweep phi = 0 deg .. 100 deg points 1001");
    let refused = exported(&compiled(&text), "a.seq", "topspin", None).unwrap_err();
    assert!(
        matches!(refused.as_slice(), [d] if d.is_error() && d.message.contains("1001 points") && d.span.is_some()),
        "{refused:?}"
    );
}

/// Each readout of each point has a data set, and is collected into the folder of its point.
#[test]
fn readouts_of_points_are_collected_by_point() {
    let text = experiment(
        "param phi = 0 deg",
        "    pulse 1H 90 deg phase phi rf = 100 kHz\n    tomography points = 64 dwell = 2 us\n",
        "sweep phi = 0 deg, 30 deg",
    )
    .replace("spin p, q : 1H", "spin p : 1H spin q : 1H");
    let text = format!("{text}battery {{ energy = 1 kHz*(Iz(p) + Iz(q)) }}\n");
    let done = done(&text, "topspin");
    let script = file(&done, "py/", ".py");
    let folder = scratch("export_points");
    let (ok, printed, told) = run_script(&folder, &script, true, &[]);
    assert!(ok, "{printed}");
    let made = told.iter().filter(|l| l.starts_with("WR")).count();
    assert_eq!(made, all(&script, "PULPROG").len());
    for k in 0..made {
        let data = folder.join(format!("data/sample/{}", 11 + k));
        std::fs::create_dir_all(&data).unwrap();
        if k + 1 < made {
            std::fs::write(data.join("fid"), format!("{k}")).unwrap();
            std::fs::write(data.join("acqus"), "x").unwrap();
        }
    }
    let target = folder.join("collected");
    let (ok, printed, _) = run_script(&folder, &script, true, &["--collect", target.to_str().unwrap()]);
    assert!(!ok && printed.contains("holds no data"), "{printed}");
    let last = folder.join(format!("data/sample/{}", 10 + made));
    std::fs::write(last.join("ser"), "rows").unwrap();
    std::fs::write(last.join("acqus"), "x").unwrap();
    std::fs::remove_dir_all(&target).unwrap();
    let (ok, printed, _) = run_script(&folder, &script, true, &["--collect", target.to_str().unwrap()]);
    assert!(ok, "{printed}");
    let names = |folder: &std::path::Path| -> Vec<String> {
        let mut all: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        all.sort();
        all
    };
    assert_eq!(names(&target), ["001", "002"]);
    assert_eq!(names(&target.join("001")), names(&target.join("002")));
    assert!(names(&target.join("001")).iter().all(|n| n.ends_with(".1H")));
    assert_eq!(parameter(&script, "NS"), "1");
}
