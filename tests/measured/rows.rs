//! Rows of one signal against the points of a sweep: pseudo-2D, hypercomplex and TPPI experiments, and points measured one by one.

use super::writers::{acqus, float64};
use super::{ergoseq, said, scratch};
use ergoseq::linalg::C64;
use serde_json::Value;
use std::path::Path;

const POINTS: usize = 64;

/// A line at 100 Hz whose amplitude follows the sweep.
fn sequence(parameters: &str, steps: &str, sweep: &str) -> String {
    format!(
        "ergoseq 1\nsystem {{\n field 11.7 T\n temperature 300 K\n spin h : 1H\n shift h = 0.2 ppm\n relax h {{ T1 = 1 s, T2 = 20 ms }}\n}}\n\
         channel 1H {{ rf = 25 kHz }}\nparam {parameters}\nsequence {{\n prepare thermal\n{steps} acquire 1H points {POINTS} dwell 0.5 ms\n}}\n\
         {sweep}\nmeasure {{ signal(1H) }}\n"
    )
}

/// The signals of these points as the spectrometer counts frequencies.
fn emulated(file: &str, points: &[Vec<String>]) -> Vec<Vec<C64>> {
    let one = |settings: &Vec<String>| -> Vec<C64> {
        let mut arguments = vec!["run", file, "--format", "simpson"];
        settings.iter().for_each(|s| arguments.extend(["--set", s.as_str()]));
        let done = ergoseq(&arguments);
        assert_eq!(done.status.code(), Some(0), "{}", said(&done));
        let text = String::from_utf8(done.stdout).unwrap();
        let point = |line: &str| {
            let (re, im) = line.split_once(' ').unwrap();
            C64::new(re.parse().unwrap(), im.parse().unwrap())
        };
        text.lines().skip_while(|l| *l != "DATA").skip(1).take_while(|l| *l != "END").map(point).collect()
    };
    points.iter().map(one).collect()
}

/// The receiver: its gain and phase.
fn heard(rows: &[Vec<C64>]) -> Vec<Vec<C64>> {
    let factor = C64::from_polar(3e6, 0.7);
    rows.iter().map(|row| row.iter().map(|z| z * factor).collect()).collect()
}

fn ser(folder: &Path, rows: &[Vec<C64>], mode: usize, width: f64) {
    std::fs::create_dir_all(folder).unwrap();
    let bytes: Vec<u8> = rows
        .iter()
        .flat_map(|row| {
            let mut bytes = float64(row, false);
            bytes.resize(bytes.len().next_multiple_of(1024), 0);
            bytes
        })
        .collect();
    std::fs::write(folder.join("ser"), bytes).unwrap();
    std::fs::write(folder.join("acqus"), acqus("1H", POINTS, "##$AQ_mod= 3\n##$BYTORDA= 0\n##$DTYPA= 2\n##$NC= 0\n"))
        .unwrap();
    let second = format!("##$FnMODE= {mode}\n##$TD= {}\n##$SW_h= {width}\n", rows.len());
    std::fs::write(folder.join("acqu2s"), second).unwrap();
}

fn compared(file: &str, data: &Path, more: &[&str]) -> Value {
    let mut all = vec!["compare", file, "--data", data.to_str().unwrap(), "--format", "json"];
    all.extend(more);
    let done = ergoseq(&all);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn number(v: &Value) -> f64 {
    v.as_f64().unwrap_or_else(|| panic!("{v}"))
}

/// Inversion recovery: the amplitude of a row is 1 - 2 exp(-tau/T1) of the last one's.
#[test]
fn rows_of_a_pseudo_2d_experiment_are_points_of_the_sweep() {
    let folder = scratch("rows_pseudo");
    let file = folder.join("ir.seq");
    let steps = " pulse 1H 180 deg phase x ideal\n delay tau\n pulse 1H 90 deg phase y ideal\n";
    let times = [0.1, 0.4, 0.9, 2.0, 5.0];
    std::fs::write(&file, sequence("tau = 1 s", steps, "sweep tau = 0.1 s, 0.4 s, 0.9 s, 2 s, 5 s")).unwrap();
    let file = file.to_str().unwrap();
    let settings: Vec<Vec<String>> = times.iter().map(|t| vec![format!("tau={t} s")]).collect();
    let rows = heard(&emulated(file, &settings));
    let data = folder.join("data");
    ser(&data.join("fid.1H"), &rows, 1, 1000.0);
    let picture = folder.join("a.csv");
    let found = compared(file, &data, &["--output", picture.to_str().unwrap()]);
    assert!(number(&found["curves"][0]["left_over"]["emulation"]) < 1e-20, "{found}");
    assert_eq!(number(&found["curves"][0]["numbers"]), (2 * POINTS * times.len()) as f64);
    let amplitudes = found["rows"].as_array().unwrap();
    assert_eq!(amplitudes.len(), times.len());
    let exact = |t: f64| 1.0 - 2.0 * (-t).exp();
    for (row, t) in amplitudes.iter().zip(times) {
        assert_eq!((row["result"].as_str(), number(&row["at"]["value"])), (Some("amplitude of fid of 1H"), t), "{row}");
        for kind in ["theory", "emulation", "measurement"] {
            // Simulations to 1e-12; squares of the polarisation, 4e-5, are neglected in the closed form.
            assert!((number(&row[kind]) - exact(t) / exact(5.0)).abs() < 1e-4, "{row}");
        }
    }
    assert!(found["notes"].to_string().contains("gain is 3000000"), "{found}");
    let curves = std::fs::read_to_string(&picture).unwrap();
    for curve in ["theory", "emulation", "measurement", "residual"] {
        assert!(curves.lines().any(|l| l.contains(&format!(",{curve},"))), "{curve}");
    }
    // The folder of the experiment itself, and a recovery that is not the one of the file.
    assert_eq!(compared(file, &data.join("fid.1H"), &[])["rows"], found["rows"]);
    let slow = folder.join("slow.seq");
    std::fs::write(&slow, std::fs::read_to_string(file).unwrap().replace("T1 = 1 s", "T1 = 2 s")).unwrap();
    let found = compared(slow.to_str().unwrap(), &data, &[]);
    assert!(number(&found["curves"][0]["left_over"]["emulation"]) > 1e-2, "{found}");
    // Rows and points must be as many, and the sweep must be there.
    let refused = |text: &str| -> String {
        std::fs::write(&slow, text).unwrap();
        let done = ergoseq(&["compare", slow.to_str().unwrap(), "--data", data.to_str().unwrap()]);
        assert_ne!(done.status.code(), Some(0));
        said(&done)
    };
    let text = std::fs::read_to_string(file).unwrap();
    let four = refused(&text.replace(", 5 s", ""));
    assert!(four.contains("have 5 rows, but the sweeps of the program have 4 points"), "{four}");
    let none = refused(&text.replace("sweep tau = 0.1 s, 0.4 s, 0.9 s, 2 s, 5 s", ""));
    assert!(none.contains("have 5 rows, but the program has no `sweep`"), "{none}");
}

/// White noise of a known standard deviation in all rows: chi^2 and errors of amplitudes follow from it.
#[test]
fn errors_of_amplitudes_follow_from_the_noise() {
    let folder = scratch("rows_noise");
    let file = folder.join("nutation.seq");
    let steps = " pulse 1H theta phase y ideal\n";
    std::fs::write(&file, sequence("theta = 90 deg", steps, "sweep theta = 10 deg .. 350 deg points 35")).unwrap();
    let file = file.to_str().unwrap();
    let settings: Vec<Vec<String>> = (0..35).map(|k| vec![format!("theta={} deg", 10 * (k + 1))]).collect();
    let mut rows = heard(&emulated(file, &settings));
    let largest = rows.iter().flatten().map(|z| z.norm()).fold(0.0, f64::max);
    let sigma = 0.02 * largest;
    // A linear congruential generator; twelve uniform numbers less six have the variance 1.
    let mut state = 12345u64;
    let mut normal = || -> f64 {
        let mut uniform = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    };
    rows.iter_mut().flatten().for_each(|z| *z += C64::new(normal(), normal()) * sigma);
    let data = folder.join("data");
    ser(&data.join("fid.1H"), &rows, 1, 1000.0);
    let found = compared(file, &data, &[]);
    let n = number(&found["curves"][0]["numbers"]);
    let chi = number(&found["curves"][0]["chi_square"]["emulation"]);
    // 4,480 numbers, sigma from a quarter of them: a standard deviation of sqrt(2 n) sqrt(1 + 4).
    assert!((chi - n).abs() < 5.0 * (2.0 * n * 5.0).sqrt(), "{chi} {n}");
    let deviations: Vec<f64> = found["rows"].as_array().unwrap().iter().map(|r| number(&r["deviation"])).collect();
    let square = deviations.iter().map(|d| d * d).sum::<f64>() / deviations.len() as f64;
    // The mean of 35 squares of normal numbers: 1 with a standard deviation of 0.24.
    assert!((square - 1.0).abs() < 1.0, "{deviations:?}");
}

/// States, States-TPPI and TPPI: rows are those of the sweep of the time and the phase.
#[test]
fn hypercomplex_experiments_are_compared_row_by_row() {
    let steps = " pulse 1H 90 deg phase ph ideal\n delay t1\n pulse 1H 90 deg phase x ideal\n";
    let pairs = "sweep t1 = 0.5 ms .. 8 ms points 16\nsweep ph = 0 deg, 90 deg";
    let folder = scratch("rows_states");
    let file = folder.join("states.seq");
    std::fs::write(&file, sequence("t1 = 1 ms, ph = 0 deg", steps, pairs)).unwrap();
    let file = file.to_str().unwrap();
    let setting = |k: usize, phase: f64| vec![format!("t1={} ms", 0.5 * (k + 1) as f64), format!("ph={phase} deg")];
    let settings: Vec<Vec<String>> = (0..32).map(|k| setting(k / 2, 90.0 * (k % 2) as f64)).collect();
    let rows = heard(&emulated(file, &settings));
    let turned: Vec<Vec<C64>> = rows
        .iter()
        .enumerate()
        .map(|(k, row)| row.iter().map(|z| if (k / 2) % 2 == 1 { -z } else { *z }).collect())
        .collect();
    let data = folder.join("data");
    for (mode, rows) in [(4, &rows), (5, &turned)] {
        ser(&data.join("fid.1H"), rows, mode, 2000.0);
        let picture = folder.join("a.csv");
        let found = compared(file, &data, &["--output", picture.to_str().unwrap(), "--force"]);
        assert!(number(&found["curves"][0]["left_over"]["emulation"]) < 1e-20, "{mode}: {found}");
        assert_eq!(found["rows"].as_array().unwrap().len(), 32);
        assert_eq!(found["rows"][3]["result"], "amplitude of fid of 1H, t1 = 0.001, ph = 1.570796");
        assert_eq!(found["notes"].to_string().contains("States-TPPI inverts"), mode == 5);
        assert!(!found["notes"].to_string().contains("increment"), "{found}");
        let maps = std::fs::read_to_string(&picture).unwrap();
        assert!(["measurement", "emulation", "residual"].iter().all(|m| maps.contains(m)), "no maps");
    }
    // As States, the inverted pairs do not fit; and another width is said.
    ser(&data.join("fid.1H"), &turned, 4, 500.0);
    let found = compared(file, &data, &[]);
    assert!(number(&found["curves"][0]["left_over"]["emulation"]) > 0.5, "{found}");
    assert!(
        found["notes"]
            .to_string()
            .contains("increment of the indirect dimension is 0.002 s in the data, that of `t1` 0.0005 s")
    );
    // Without the phase, the rows are twice as many.
    let half = folder.join("half.seq");
    std::fs::write(&half, sequence("t1 = 1 ms, ph = 0 deg", steps, "sweep t1 = 0.5 ms .. 8 ms points 16")).unwrap();
    let done = ergoseq(&["compare", half.to_str().unwrap(), "--data", data.to_str().unwrap()]);
    assert!(said(&done).contains("have 32 rows") && said(&done).contains("the last sweep"), "{}", said(&done));
    // TPPI: time and phase go on together, with a quarter of a turn every half of 1/SW.
    let list = |of: &dyn Fn(usize) -> String| (0..16).map(of).collect::<Vec<_>>().join(", ");
    let zipped = format!(
        "sweep zip {{\n t1 = {}\n ph = {}\n}}",
        list(&|k| format!("{} ms", 0.5 * (k + 1) as f64)),
        list(&|k| format!("{} deg", 90 * k))
    );
    std::fs::write(&half, sequence("t1 = 1 ms, ph = 0 deg", steps, &zipped)).unwrap();
    let settings: Vec<Vec<String>> = (0..16).map(|k| setting(k, 90.0 * k as f64)).collect();
    ser(&data.join("fid.1H"), &heard(&emulated(file, &settings)), 3, 1000.0);
    let found = compared(half.to_str().unwrap(), &data, &[]);
    assert!(number(&found["curves"][0]["left_over"]["emulation"]) < 1e-20, "{found}");
    assert!(!found["notes"].to_string().contains("increment"), "{found}");
}

/// Points that were measured one by one: `fid.001.1H`, in the order of the sweep.
#[test]
fn points_measured_one_by_one_are_rows() {
    let folder = scratch("rows_points");
    let file = folder.join("phase.seq");
    let steps = " pulse 1H 30 deg phase phi ideal\n";
    std::fs::write(&file, sequence("phi = 0 deg", steps, "sweep phi = 0 deg, 40 deg, 170 deg")).unwrap();
    let file = file.to_str().unwrap();
    let settings: Vec<Vec<String>> = [0, 40, 170].iter().map(|x| vec![format!("phi={x} deg")]).collect();
    let rows = heard(&emulated(file, &settings));
    let data = folder.join("data");
    for (k, row) in rows.iter().enumerate() {
        let own = data.join(format!("fid.{:03}.1H", k + 1));
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("fid"), float64(row, false)).unwrap();
        std::fs::write(own.join("acqus"), acqus("1H", POINTS, "##$DTYPA= 2\n##$BYTORDA= 0\n")).unwrap();
    }
    let found = compared(file, &data, &[]);
    assert!(number(&found["curves"][0]["left_over"]["emulation"]) < 1e-20, "{found}");
    // One receiver for all: the phase of a row is not taken by it.
    let amplitudes: Vec<f64> = (0..3).map(|k| number(&found["rows"][k]["measurement"])).collect();
    let phases = [0.0, 40.0, 170.0f64];
    let strongest = amplitudes.iter().position(|a| (a - 1.0).abs() < 1e-9).unwrap();
    for (amplitude, phase) in amplitudes.iter().zip(phases) {
        // Rounding of the emulation and of double precision in the file.
        assert!((amplitude - (phase - phases[strongest]).to_radians().cos()).abs() < 1e-9, "{found}");
    }
    std::fs::rename(data.join("fid.002.1H"), data.join("fid.004.1H")).unwrap();
    let done = ergoseq(&["compare", file, "--data", data.to_str().unwrap()]);
    assert!(said(&done).contains("is not point 2 of `fid.1H`"), "{}", said(&done));
}
