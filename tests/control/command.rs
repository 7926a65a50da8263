//! `ergoseq shape` on the command line.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PAIR: &str = "ergoseq 1
system {
    field 11.7 T
    temperature 300 K
    spin h : 1H
    spin c : 13C
    j h c = 150 Hz
}
shape first = \"first.txt\"
shape other = \"folder/other.txt\"
sequence {
    prepare thermal(h), mixed
    parallel {
        pulse 1H phase x rf = 1 kHz duration = 7 ms shape = first
        pulse 13C phase x rf = 1 kHz duration = 7 ms shape = other
    }
    mark done
}
measure { order(Iz(c)) }
";

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ergoseq-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn ergoseq(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ergoseq")).args(arguments).current_dir(folder).output().unwrap()
}

#[test]
fn a_shape_is_found_whose_file_is_not_there_yet() {
    let folder = folder("shape");
    let text = PAIR.replace("shape other = \"folder/other.txt\"\n", "").replace(" shape = other", "");
    std::fs::write(folder.join("test.seq"), &text).unwrap();
    let shape = |more: &[&str]| {
        let all = [
            "shape",
            "--maximise",
            "expectation(-Iz(h)) at done",
            "--starts",
            "1",
            "--output",
            "first.txt",
            "test.seq",
        ];
        ergoseq(&folder, &[&all, more].concat())
    };
    // Without steps to begin with the file of the shape must be there.
    let missing = shape(&[]);
    assert!(!missing.status.success() && !folder.join("first.txt").exists(), "{missing:?}");
    let found = shape(&["--steps", "6"]);
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.status.success() && said.contains("6 steps"), "{found:?}");
    // What was written is what a run reads, and its result is what was promised.
    let promised: f64 = said.lines().next().and_then(|l| l.split("largest ").nth(1)?.trim().parse().ok()).unwrap();
    let expect = format!("\nexpect expectation(-Iz(h)) at done = {promised:e} within 1e-6 * {promised:e}\n");
    std::fs::write(folder.join("test.seq"), format!("{text}{expect}")).unwrap();
    let test = ergoseq(&folder, &["test", "test.seq"]);
    assert!(test.status.success(), "{}", String::from_utf8_lossy(&test.stdout));
    // It is not written over unless asked.
    let again = shape(&["--steps", "6"]);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("--force"), "{again:?}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn several_shapes_are_written_to_a_folder() {
    let folder = folder("shapes");
    std::fs::write(folder.join("test.seq"), PAIR).unwrap();
    std::fs::create_dir_all(folder.join("found")).unwrap();
    let arguments = ["shape", "test.seq", "--shape", "first", "--shape", "other", "--steps", "30", "--format", "json"];
    let more = ["--maximise", "order(Iz(c)) at done", "--reach", "0.98", "--starts", "5", "--output", "found"];
    let found = ergoseq(&folder, &[&arguments[..], &more].concat());
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let object: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert!(object["best"].as_f64().unwrap() >= 0.98 && object["shapes"].as_array().unwrap().len() == 2, "{object}");
    for (name, own) in [("first.txt", "first"), ("other.txt", "other")] {
        let text = std::fs::read_to_string(folder.join("found").join(name)).unwrap();
        assert!(text.contains(&format!("# {own}: 30 steps")) && text.contains("--reach 0.98"), "{text}");
        let amplitudes =
            text.lines().filter(|l| !l.starts_with('#')).map(|l| l.split(' ').next().unwrap().parse::<f64>().unwrap());
        assert!(amplitudes.into_iter().all(|a| (0.0..=1.0).contains(&a)), "{text}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_shipped_shape_is_what_its_file_says() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/shaped_pulse/charge.seq");
    let test = Command::new(env!("CARGO_BIN_EXE_ergoseq")).arg("test").arg(file).output().unwrap();
    assert!(test.status.success(), "{}", String::from_utf8_lossy(&test.stdout));
}
