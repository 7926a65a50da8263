//! Pulse shapes in the dialects of spectrometers and programs, all of one pulse: what each is read as, or why it is refused. The files
//! are of public reports and manuals; the values are those of a product of matrix exponentials in SciPy.

use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/shapes")
}

/// Ix, Iy, Iz of a spin behind (0.2, 0 deg), (0.7, 30 deg), (1, 180 deg), (0.5, 270 deg), (0.1, 10 deg) of 123 Hz in 5 ms.
const PULSE: [f64; 3] = [-0.12203047239918594, 0.05436154959707241, 0.9910365208868122];

/// What the others give.
const READ_OTHERWISE: &[(&str, [f64; 3])] = &[
    // 3 ms of (1, 180 deg), then 2 ms of (0.5, 0 deg).
    ("varian_durations", [0.0, 0.9996841892833004, 0.025130095443337934]),
    // Amplitudes squared, which no file tells apart from amplitudes.
    ("power_of_amplitude", [0.008503247776718317, 0.3844022425097341, 0.9231265410173926]),
];

/// Files that are refused, with words of the reason.
const REFUSED: &[(&str, &str)] = &[
    ("all_zero", "all its amplitudes are zero"),
    ("comma_decimal", "the decimal separator must be a point"),
    ("gradient_one_column", "gradient"),
    ("jeol", "line 1 contains something that is not a number"),
    ("json", "it is JSON"),
    ("phase_only_radian", "radian"),
    ("three_columns_time", "3 columns"),
    ("varian_2col_phase0", "all its amplitudes are zero"),
    ("xwinnmr_text_no_phase", "an amplitude and a phase, found"),
    ("xy_columns", "complex number"),
];

#[test]
fn every_dialect_is_read_right_or_refused() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter_map(|n| n.strip_suffix(".seq").map(str::to_string))
        .collect();
    names.sort();
    assert!(names.len() >= 38, "{} files", names.len());
    let mut wrong = Vec::new();
    for name in names {
        let done = Command::new(env!("CARGO_BIN_EXE_ergoseq"))
            .args(["run", &format!("{name}.seq"), "--format", "json"])
            .current_dir(folder())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        if let Some((_, why)) = REFUSED.iter().find(|(n, _)| *n == name) {
            if done.status.code() != Some(1) || !said.contains("\"E216\"") || !said.contains(why) {
                wrong.push(format!("{name} must be refused ({why}): {said}"));
            }
            continue;
        }
        let right = READ_OTHERWISE.iter().find(|(n, _)| *n == name).map_or(PULSE, |(_, x)| *x);
        let Ok(run) = serde_json::from_slice::<serde_json::Value>(&done.stdout) else {
            wrong.push(format!("{name}: {said}"));
            continue;
        };
        let seen = &run["points"][0]["marks"]["seen"]["values"];
        for (operator, right) in ["Ix", "Iy", "Iz"].iter().zip(right) {
            let found = seen[format!("order({operator}(h))")].as_f64().unwrap_or(0.0);
            // The pulse is exact but for the ratios in the files, of six digits at the least.
            if (found - right).abs() > 2e-6 {
                wrong.push(format!("{name}: {operator} is {found}, not {right}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
