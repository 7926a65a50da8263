//! Maps over errors of the rf amplitude and over the offset: the values are those of an ensemble of one member with these errors.

use std::path::Path;
use std::process::{Command, Output};

const FILE: &str = "ergoseq 1
system {
    field 9.4 T
    temperature 300 K
    spin h : 1H
}
channel 1H { rf = 25 kHz }
sequence {
    prepare thermal
    pulse 1H 90 deg phase x
}
measure { order(Iz(h)) }
";

fn ergoseq(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ergoseq")).current_dir(folder).args(arguments).output().unwrap()
}

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("ergoseq-robustness-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A pulse of nominal 90 degrees about x with the rf `(1 + e) nu` and the offset `f` turns by `2 pi nu_e tau` about an axis tilted from x by
/// `theta`, `tan theta = f/((1 + e) nu)`: `<Iz> = sin^2 theta + cos^2 theta cos(angle)`.
#[test]
fn values_are_those_of_a_rotation_about_the_effective_field() {
    let folder = folder("values");
    std::fs::write(folder.join("pulse.seq"), FILE).unwrap();
    let more = ["--rf", "-0.2 .. 0.2 points 5", "--offset", "-10 kHz .. 10 kHz points 3", "--output", "map.csv"];
    let done = ergoseq(&folder, &[&["robustness", "pulse.seq"][..], &more].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = std::fs::read_to_string(folder.join("map.csv")).unwrap();
    let numbers: Vec<f64> = text.split([',', '\n']).filter_map(|x| x.trim().parse().ok()).collect();
    for e in [-0.2, -0.1, 0.0, 0.1, 0.2] {
        for f in [-10e3, 0.0, 10e3] {
            let (along, offset) = (25e3 * (1.0 + e), f);
            let effective = f64::hypot(along, offset);
            let angle = 2.0 * std::f64::consts::PI * effective * 10e-6;
            let z = (offset / effective).powi(2) + (along / effective).powi(2) * angle.cos();
            // The table of the figure has nine digits.
            assert!(numbers.iter().any(|x| (x - z).abs() < 1e-8), "{e} {f}: {z} is not in\n{text}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_has_no_errors_to_vary_is_refused() {
    let folder = folder("refused");
    let two = FILE
        .replace("spin h : 1H", "spin h : 1H\n    spin c : 13C")
        .replace("pulse 1H 90 deg phase x", "pulse 1H 90 deg phase x\n    pulse 13C 90 deg phase x rf = 10 kHz");
    let cases = [
        ("evolve.seq", FILE.replace("pulse 1H 90 deg phase x", "delay 1 ms"), &[][..], "no pulses and locks"),
        ("two.seq", two, &[][..], "choose one with `--nucleus`: 1H, 13C"),
        ("name.seq", FILE.replace("system {", "param rf_error = 2\nsystem {"), &[][..], "rename the parameter"),
        ("nucleus.seq", FILE.to_string(), &["--nucleus", "proton"][..], "is not a nucleus"),
        ("unit.seq", FILE.to_string(), &["--offset", "-1 us .. 1 us points 3"][..], "frequency"),
    ];
    for (name, text, more, said) in cases {
        std::fs::write(folder.join(name), text).unwrap();
        let done = ergoseq(&folder, &[&["robustness", name, "--output", "map.svg"][..], more].concat());
        let all = String::from_utf8_lossy(&done.stderr).to_string();
        assert!(!done.status.success() && all.contains(said), "{name}: {all}");
        assert!(!folder.join("map.svg").exists());
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
