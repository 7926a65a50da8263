//! What `run` prints: tables, JSON, CSV, units, and exit codes.

use super::{CHARGING, code, ergoseq, scratch, text};
use serde_json::Value;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn run_prints_a_table_that_fits_a_terminal() {
    let done = ergoseq(&["run", CHARGING]);
    assert_eq!(code(&done), 0);
    let table = text(&done.stdout);
    assert!(
        table.contains("xi_max")
            && table.contains("1.69553")
            && table.contains("ergotropy")
            && table.contains("capacity"),
        "{table}"
    );
    assert!(table.lines().all(|l| l.chars().count() <= 80), "{table}");
    assert!(done.stderr.is_empty());
}

#[test]
fn every_table_of_a_sweep_fits_a_terminal() {
    let done = ergoseq(&["run", "sequences/jeener_broekaert.seq", "--sweep", "tau=1 us, 2 us"]);
    let table = text(&done.stdout);
    assert!(table.lines().all(|l| l.chars().count() <= 80), "{table}");
    assert!(table.contains("2 points"));
}

#[test]
fn json_is_one_object_and_nothing_else() {
    let done = ergoseq(&["run", CHARGING, "--format", "json", "--set", "Delta=2", "--sweep", "T=0.5, 1"]);
    assert_eq!(code(&done), 0);
    let object: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(object["schema"], "ergoseq/run/1");
    let points = object["points"].as_array().unwrap();
    assert_eq!(points.len(), 2);
    assert_eq!(points[1]["params"]["Delta"], 2.0);
    assert_eq!(points[1]["params"]["T"], 1.0);
    assert_eq!(points[0]["traces"]["charging"]["time"].as_array().unwrap().len(), 201);
    assert!(points[0]["marks"]["end"]["values"]["capacity"].as_f64().unwrap() > 0.0);
}

#[test]
fn csv_has_a_row_a_point_or_a_row_a_sample() {
    let points = text(&ergoseq(&["run", CHARGING, "--format", "csv", "--sweep", "D=0 .. 1 points 3"]).stdout);
    assert_eq!(points.lines().count(), 4);
    let samples = text(&ergoseq(&["run", CHARGING, "--format", "csv"]).stdout);
    assert_eq!(samples.lines().count(), 202);
    let columns = samples.lines().next().unwrap().split(',').count();
    assert!(samples.lines().all(|l| l.split(',').count() == columns));
}

#[test]
fn exit_codes_are_those_of_the_language() {
    assert_eq!(code(&ergoseq(&["run", "tests/diagnostics/E101.seq"])), 1);
    assert_eq!(code(&ergoseq(&["run"])), 2);
    assert_eq!(code(&ergoseq(&["run", CHARGING, "--format", "xml"])), 2);
    assert_eq!(code(&ergoseq(&["run", CHARGING, "--set", "Delta"])), 2);
    assert_eq!(code(&ergoseq(&["run", CHARGING, "--set", "Delta=1 kHz"])), 2);
    assert_eq!(code(&ergoseq(&["run", CHARGING, "--sweep", "nope=1,2"])), 2);
    assert_eq!(code(&ergoseq(&["run", CHARGING, "--tolerance", "7"])), 2);
    assert_eq!(code(&ergoseq(&["run", CHARGING, "--energy", "Hz"])), 2);
    assert_eq!(code(&ergoseq(&["run", "no_such_file.seq"])), 3);
    assert_eq!(code(&ergoseq(&["run", "sequences"])), 3);
    assert_eq!(code(&ergoseq(&["check", CHARGING, "tests/diagnostics/E301.seq", "no_such_file.seq"])), 3);
}

#[test]
fn what_is_set_is_not_swept_and_what_is_swept_anew_replaces() {
    let points = |arguments: &[&str]| {
        let mut all = vec!["run", "sequences/gibbs_correlations.seq", "--format", "json"];
        all.extend(arguments);
        let object: Value = serde_json::from_slice(&ergoseq(&all).stdout).unwrap();
        object["points"].as_array().unwrap().len()
    };
    assert_eq!(points(&[]), 11);
    assert_eq!(points(&["--set", "T=2"]), 1);
    assert_eq!(points(&["--sweep", "T=1,2,3"]), 3);
    assert_eq!(points(&["--sweep", "B=0 .. 1 points 2"]), 22);
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let with = |n: &str| ergoseq(&["run", "sequences/heisenberg_chain.seq", "--format", "json", "--threads", n]).stdout;
    let one = with("1");
    assert!(!one.is_empty() && one == with("2") && one == with("5"));
}

#[test]
fn energies_may_be_in_hertz() {
    let joule =
        text(&ergoseq(&["run", "sequences/jeener_broekaert.seq", "--set", "tau=3 us", "--format", "json"]).stdout);
    let hertz = text(
        &ergoseq(&["run", "sequences/jeener_broekaert.seq", "--set", "tau=3 us", "--format", "json", "--energy", "Hz"])
            .stdout,
    );
    let value = |t: &str| {
        let object: Value = serde_json::from_str(t).unwrap();
        (
            object["points"][0]["marks"]["charged"]["values"]["ergotropy"].as_f64().unwrap(),
            object["units"]["ergotropy"].clone(),
        )
    };
    let ((j, unit_j), (h, unit_h)) = (value(&joule), value(&hertz));
    assert!((j / h / 6.62607015e-34 - 1.0).abs() < 1e-12);
    assert_eq!((unit_j, unit_h), (Value::from("J"), Value::from("Hz")));
}

/// Numbers that are not comparable do not make each other rounding errors: an energy of 1e-30 J beside an order of 1, whether named as
/// a metric, as a combination or as a product with a constant.
#[test]
fn small_results_are_not_printed_as_zero() {
    let folder = scratch("small_results");
    let file = folder.join("small.seq");
    let program = "ergoseq 1\nsystem {\n    field 9.4 T\n    temperature 300 K\n    spin a : 1H\n}\nbattery { energy = zeeman }\n\
                   sequence {\n    prepare thermal\n    pulse 1H 180 deg phase x ideal\n}\n\
                   measure {\n    d = energy - ergotropy\n    e2 = 2*energy\n    he = energy/h\n    order(Iz(a))\n}\n";
    std::fs::write(&file, program).unwrap();
    let file = file.to_str().unwrap();
    let table = text(&ergoseq(&["run", file]).stdout);
    // The polarisation energy of a proton at 9.4 T and 300 K, (gamma hbar B/2)^2/(k T) to first order: 4.24486e-30 J.
    assert!(table.contains("d [J]         -4.24486e-30") && table.contains("e2 [J]         8.48971e-30"), "{table}");
    let hertz = text(&ergoseq(&["run", file, "--energy", "Hz"]).stdout);
    assert!(hertz.contains("d [Hz]") && hertz.contains("-6406.3") && hertz.contains("12812.6"), "{hertz}");
}

/// The format of `--output` is that of its ending; a format that does not fit, and endings of pictures, are refused.
#[test]
fn output_has_the_format_of_its_ending() {
    let folder = scratch("endings");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    assert_eq!(code(&ergoseq(&["run", CHARGING, "--output", &path("a.json")])), 0);
    let object: Value = serde_json::from_str(&std::fs::read_to_string(path("a.json")).unwrap()).unwrap();
    assert_eq!(object["schema"], "ergoseq/run/1");
    for (name, more) in [("b.csv", Some("json")), ("c.svg", None), ("d.html", None)] {
        let file = path(name);
        let mut arguments = vec!["run", CHARGING, "--output", &file];
        arguments.extend(more.iter().flat_map(|format| ["--format", format]));
        assert_eq!(code(&ergoseq(&arguments)), 2, "{name}");
        assert!(!Path::new(&file).exists(), "{name}");
    }
}

#[test]
fn show_prints_every_stage_and_yaml_runs_the_same() {
    let tree = text(&ergoseq(&["show", CHARGING, "--stage", "ast"]).stdout);
    assert!(tree.starts_with("ergoseq 1\ntitle "));
    let schedule = text(&ergoseq(&["show", "sequences/jeener_broekaert.seq"]).stdout);
    assert!(schedule.contains("-60908.04") && schedule.contains("Iz(p) Iz(q)"), "{schedule}");
    let folder = scratch("yaml");
    let yaml = folder.join("charging.yaml");
    let shown = ergoseq(&["show", CHARGING, "--stage", "ir"]);
    assert_eq!(code(&shown), 0);
    std::fs::write(&yaml, &shown.stdout).unwrap();
    let points = |file: &str| {
        let object: Value =
            serde_json::from_slice(&ergoseq(&["run", file, "--format", "json", "--set", "G=0.5"]).stdout).unwrap();
        object["points"].clone()
    };
    assert_eq!(points(yaml.to_str().unwrap()), points(CHARGING));
}

#[test]
fn test_tells_what_holds_and_what_does_not() {
    let folder = scratch("test");
    let path = folder.join("wrong.seq");
    let right = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(CHARGING)).unwrap();
    std::fs::write(&path, right.replace("expect xi_max = 1.69", "expect xi_max = 1.79")).unwrap();
    let done = ergoseq(&["test", path.to_str().unwrap()]);
    assert_eq!(code(&done), 1);
    let said = text(&done.stdout);
    assert!(said.contains("FAILED xi_max") && said.contains("ok     argmax(ergotropy)"), "{said}");
    assert_eq!(code(&ergoseq(&["test", CHARGING, "sequences/spin_charger.seq"])), 0);
}

#[test]
fn a_reader_that_stops_early_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ergoseq"))
        .args(["run", CHARGING, "--format", "json", "--sweep", "T=0.1 .. 4 points 60"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0u8; 10];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(0));
    assert!(done.stderr.is_empty(), "{}", text(&done.stderr));
}
