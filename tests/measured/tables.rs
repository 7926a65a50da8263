//! Tables of measurements as spreadsheets, pandas, MATLAB and people write them.

use super::{cases, ergoseq, said, scratch};

/// T1 of the inversion recovery, s, by an independent least squares fit to the numbers of the table.
const T1: f64 = 1.99751;

/// Tables that are refused, with words of the reason.
const REFUSED: &[(&str, &str)] = &[
    ("no_header", "its first line does not name the columns"),
    ("no_unit", "its first column has no unit: write `wait [s]`"),
    ("zero_error", "its error is not positive"),
];

#[test]
fn every_dialect_of_measurements_is_fitted_or_refused() {
    let folder = cases("tables");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter_map(|n| n.strip_suffix(".csv").map(str::to_string))
        .collect();
    names.sort();
    assert!(names.len() >= 27, "{} files", names.len());
    let mut wrong = Vec::new();
    for name in names {
        let (file, data) = (folder.join("ir.seq"), folder.join(format!("{name}.csv")));
        let done = ergoseq(&[
            "fit",
            file.to_str().unwrap(),
            "--data",
            data.to_str().unwrap(),
            "--vary",
            "T1=0.1 s .. 20 s",
            "--format",
            "json",
        ]);
        let found: Option<serde_json::Value> = serde_json::from_slice(&done.stdout).ok();
        let t1 = found.and_then(|f| f["params"]["T1"]["value"].as_f64());
        match (REFUSED.iter().find(|(n, _)| *n == name), t1) {
            (Some((_, why)), None) if said(&done).contains(why) => {}
            // One has a point twice, and Fortran has written nine digits.
            (None, Some(t1)) if (t1 - T1).abs() < if name == "dup_x" { 5e-4 } else { 1e-5 } => {}
            (expected, found) => wrong.push(format!("{name}: {expected:?}, {found:?}, {}", said(&done))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const AMPLITUDES: &str = "readout,nucleus,frequency [Hz],real,imaginary\n";

#[test]
fn tables_of_amplitudes_have_the_sense_of_the_spectrometer() {
    let folder = scratch("amplitudes");
    let text = std::fs::read_to_string(cases("decays").join("pair.seq")).unwrap();
    let file = folder.join("pair.seq");
    // Line amplitudes themselves, not decays.
    std::fs::write(&file, text.replace("points = 256 dwell = 0.5 ms repetitions = 20", "")).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let (file, data) = (path("pair.seq"), path("amplitudes.csv"));
    assert_eq!(ergoseq(&["plan", &file, "--amplitudes", &data]).status.code(), Some(0));
    let given = std::fs::read_to_string(&data).unwrap();
    assert!(given.starts_with(AMPLITUDES));
    // 0.3 ppm of 1H at 11.7 T, and half of 215 Hz above it.
    let highest = given.lines().filter(|l| l.starts_with("II,1H,")).filter_map(|l| l.split(',').nth(2)?.parse().ok());
    let highest = highest.fold(f64::NEG_INFINITY, f64::max);
    let exact = 0.3 * 267.522_187_4 * 11.7 / std::f64::consts::TAU + 107.5;
    assert!((highest - exact).abs() < 1e-3, "{highest} {exact}");
    let read = |name: &str, text: &str| {
        std::fs::write(path(name), text).unwrap();
        let done = ergoseq(&["tomography", &file, "--data", &path(name), "--format", "json"]);
        let found: serde_json::Value =
            serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{}", said(&done)));
        let tomography = &found["points"][0]["tomography"][0];
        let ergotropy = found["points"][0]["marks"]["tomography"]["values"]["ergotropy"].as_f64().unwrap();
        (ergotropy, tomography["mirrored"].as_bool().unwrap())
    };
    let rows = |change: &dyn Fn(&[&str]) -> String| -> String {
        given.lines().skip(1).map(|l| change(&l.split(',').collect::<Vec<_>>()) + "\n").collect()
    };
    let comma = |x: &str| x.replace('.', ",");
    let negative = |x: &str| x.strip_prefix('-').map_or_else(|| format!("-{x}"), str::to_string);
    let mirror = rows(&|c| format!("{},{},{},{},{}", c[0], c[1], negative(c[2]), c[3], negative(c[4])));
    for (name, text, mirrored) in [
        ("plain.csv", given.clone(), false),
        (
            "semicolon.csv",
            rows(&|c| format!("{};{};{};{};{}", c[0], c[1], comma(c[2]), comma(c[3]), comma(c[4]))),
            false,
        ),
        ("bom.csv", format!("\u{feff}{}", given.replace('\n', "\r\n")), false),
        ("upper.csv", given.replace("readout,nucleus", "\"Readout\",NUCLEUS"), false),
        ("kilohertz.csv", AMPLITUDES.replace("[Hz]", "(Hz)") + &rows(&|c| c.join(",")), false),
        ("mirrored.csv", AMPLITUDES.to_string() + &mirror, true),
    ] {
        let (ergotropy, found) = read(name, &text);
        assert!((ergotropy / 9.93115e-30 - 1.0).abs() < 1e-6, "{name}: {ergotropy}");
        assert_eq!(found, mirrored, "{name}");
    }
}

#[test]
fn tables_of_counts_are_read_in_every_dialect() {
    let folder = scratch("counts");
    let file = folder.join("counts.seq");
    std::fs::write(
        &file,
        "ergoseq 1\nunits natural\nsystem { spin a, b : 1/2 }\nbattery { energy = Z(a) + Z(b) }\nsequence { prepare ket \"00\" }\n",
    )
    .unwrap();
    let mut plain = String::from("setting, outcome, count\n");
    for (k, setting) in ["XX", "XY", "XZ", "YX", "YY", "YZ", "ZX", "ZY", "ZZ"].iter().enumerate() {
        for (outcome, count) in ["00", "01", "10", "11"].iter().zip([120 + k, 30, 40 - k, 10]) {
            plain += &format!("{setting}, {outcome}, {count}\n");
        }
    }
    let read = |text: &str| -> Result<String, String> {
        let path = folder.join("counts.csv");
        std::fs::write(&path, text).unwrap();
        let (file, path) = (file.to_str().unwrap(), path.to_str().unwrap());
        let done = ergoseq(&["tomography", file, "--counts", path, "--repetitions", "2"]);
        if done.status.success() { Ok(String::from_utf8(done.stdout).unwrap()) } else { Err(said(&done)) }
    };
    let right = read(&plain).unwrap();
    let indexed = plain.lines().enumerate().map(|(k, l)| if k == 0 { format!(",{l}\n") } else { format!("{k},{l}\n") });
    for same in [
        format!("\u{feff}{}", plain.replace('\n', "\r\n")),
        plain.replace("setting", "Setting").replace(',', ";"),
        plain.replace(", ", "\t"),
        plain.replace(',', " "),
        plain.replace("30\n", "30.0\n").replace("XX", "xx"),
        plain.lines().skip(1).map(|l| format!("{l},\n")).collect::<String>(),
        indexed.collect::<String>(),
        plain.replace('\n', "\r"),
    ] {
        assert_eq!(read(&same).as_ref(), Ok(&right), "{same}");
    }
    assert!(read(&plain.replace("outcome", "result")).unwrap_err().contains("the column `outcome` is missing"));
    assert!(read(&plain.replace("30\n", "30.5\n")).unwrap_err().contains("`30.5` is not a count"));
    assert!(read(&plain.replace("30\n", "-30\n")).unwrap_err().contains("`-30` is not a count"));
    assert!(read(&plain.replace("30\n", "\n")).unwrap_err().contains("is not a count"));
}
