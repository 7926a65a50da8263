//! The command as a process: exit codes, what goes to which stream, files.

use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn ergoseq(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ergoseq"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder of this test's own, empty.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

const CHARGING: &str = "sequences/dipolar_charging.seq";

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

#[test]
fn files_are_not_overwritten_unless_asked() {
    let folder = scratch("output");
    let path = folder.join("result.json");
    let output = path.to_str().unwrap();
    let arguments = ["run", CHARGING, "--format", "json", "--output", output];
    assert_eq!(code(&ergoseq(&arguments)), 0);
    let first = std::fs::read(&path).unwrap();
    let again = ergoseq(&arguments);
    assert_eq!(code(&again), 3);
    assert!(text(&again.stderr).contains("[E602]") && text(&again.stderr).contains("--force"));
    assert_eq!(code(&ergoseq(&[&arguments[..], &["--force"]].concat())), 0);
    assert_eq!(std::fs::read(&path).unwrap(), first);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing half-written is left");
    assert_eq!(code(&ergoseq(&["run", CHARGING, "--output", folder.join("no/such/folder.json").to_str().unwrap()])), 3);
}

#[test]
fn fmt_tidies_in_place_and_keeps_what_it_cannot_read() {
    let folder = scratch("fmt");
    let path = folder.join("a.seq");
    let file = path.to_str().unwrap();
    std::fs::write(
        &path,
        "ergoseq 1   # version\nunits natural\nsystem {\nspin a :1/2\n}\nsequence {\nprepare ket \"0\"\n}\n",
    )
    .unwrap();
    assert_eq!(code(&ergoseq(&["fmt", "--check", file])), 1);
    let printed = text(&ergoseq(&["fmt", "--print", file]).stdout);
    assert_eq!(code(&ergoseq(&["fmt", file])), 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), printed);
    assert!(printed.contains("    spin a : 1/2\n") && printed.contains("# version"));
    assert_eq!(code(&ergoseq(&["fmt", "--check", file])), 0);
    std::fs::write(&path, "ergoseq 1\nsystem {").unwrap();
    assert_eq!(code(&ergoseq(&["fmt", file])), 1);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "ergoseq 1\nsystem {");
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

#[test]
fn used_files_are_found_beside_their_user() {
    let folder = scratch("use");
    std::fs::create_dir_all(folder.join("parts")).unwrap();
    std::fs::write(
        folder.join("parts/pair.seq"),
        "ergoseq 1\nunits natural\nsystem { spin a, b : 1/2 }\nhamiltonian H = Z(a)*Z(b)\nuse \"drive.seq\"\n",
    )
    .unwrap();
    std::fs::write(
        folder.join("parts/drive.seq"),
        "ergoseq 1\ndefine turn(angle) { evolve X(a) + X(b) for angle / 2 }\n",
    )
    .unwrap();
    let main = folder.join("main.seq");
    std::fs::write(&main, "ergoseq 1\nunits natural\nuse \"parts/pair.seq\"\nbattery { energy = H }\nsequence {\n    prepare ket \"01\"\n    turn(pi)\n}\nmeasure { energy }\n").unwrap();
    let done = ergoseq(&["run", main.to_str().unwrap()]);
    assert_eq!(code(&done), 0, "{}", text(&done.stderr));
}

#[test]
fn huge_files_are_refused_before_they_are_read() {
    let folder = scratch("huge");
    let path = folder.join("huge.seq");
    // Sparse: takes no space.
    std::fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
    let done = ergoseq(&["check", path.to_str().unwrap()]);
    assert_eq!(code(&done), 3);
    assert!(text(&done.stderr).contains("1024 MB"), "{}", text(&done.stderr));
}

#[test]
fn help_of_every_subcommand_has_an_example() {
    for sub in ["check", "run", "sweep", "merge", "show", "fmt", "test", "dry-run", "plan", "tomography"] {
        let done = ergoseq(&[sub, "--help"]);
        assert_eq!(code(&done), 0);
        assert!(text(&done.stdout).contains(&format!("  ergoseq {sub} ")), "{sub}");
    }
}

#[test]
fn a_decay_becomes_a_spectrum_or_a_simpson_file() {
    let folder = scratch("spectrum");
    let file = folder.join("line.seq");
    std::fs::write(
        &file,
        "ergoseq 1
system {
    field 9.4 T
    temperature 300 K
    spin h : 1H
    shift h = 2.5 ppm
    relax h { T1 = 1 s, T2 = 50 ms }
}
channel 1H { rf = 25 kHz, carrier = 1 ppm }
sequence {
    prepare thermal
    pulse 1H 90 deg phase y ideal
    acquire 1H points 2048 dwell 100 us
}
measure { signal(1H) }
",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let done = ergoseq(&["run", file, "--format", "spectrum", "--broaden", "2"]);
    assert_eq!(code(&done), 0, "{}", text(&done.stderr));
    let rows = text(&done.stdout);
    let row = |line: &str| -> Vec<f64> { line.split(',').skip(1).map(|x| x.parse().unwrap()).collect() };
    let top = rows.lines().skip(1).map(row).max_by(|a, b| a[2].total_cmp(&b[2])).unwrap();
    // One and a half ppm of 400 MHz below the carrier, to half a step of the grid of 2.4 Hz.
    assert!((top[1] - 2.5).abs() < 0.004 && (top[0] + 600.4).abs() < 1.3, "{top:?}");
    let simpson = text(&ergoseq(&["run", file, "--format", "simpson"]).stdout);
    assert!(simpson.starts_with("SIMP\nNP=2048\nSW=10000\nTYPE=FID\nDATA\n") && simpson.ends_with("\nEND\n"));
    assert_eq!(simpson.lines().count(), 2048 + 6);
    let jcamp = text(&ergoseq(&["run", file, "--format", "jcamp"]).stdout);
    assert!(jcamp.contains("##NTUPLES= NMR FID\n") && jcamp.contains("##.OBSERVE NUCLEUS= ^1H\n"));
    // Two pages of 2048 numbers, eight a line: counted back from the lines of data.
    let data = jcamp.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_digit()));
    assert_eq!(data.map(|l| l.split(' ').count() - 1).sum::<usize>(), 2 * 2048);
    assert_eq!(code(&ergoseq(&["run", file, "--broaden", "2"])), 2);
    assert_eq!(code(&ergoseq(&["run", CHARGING, "--format", "spectrum"])), 1);
}

#[cfg(feature = "pictures")]
#[test]
fn a_paper_is_reproduced_into_files_that_are_kept() {
    let folder = scratch("paper");
    let out = folder.join("figures");
    let out = out.to_str().unwrap();
    let done = ergoseq(&["reproduce", "heisenberg", "--figure", "4", "--output", out]);
    assert_eq!(code(&done), 0, "{}", text(&done.stderr));
    let table = text(&done.stdout);
    assert!(table.contains("FALSE") && table.contains("claims hold"), "{table}");
    assert!(table.lines().all(|l| l.chars().count() <= 80 || l.contains(out)));
    let mut files: Vec<String> =
        std::fs::read_dir(out).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, ["heisenberg_fig4.csv", "heisenberg_fig4.pdf", "heisenberg_fig4.png", "heisenberg_fig4.svg"]);
    assert_eq!(code(&ergoseq(&["reproduce", "heisenberg", "--figure", "4", "--output", out])), 3, "files are there");
    let again = ergoseq(&["reproduce", "heisenberg", "--figure", "4", "--output", out, "--force", "--threads", "1"]);
    assert_eq!(text(&again.stdout), table, "the same on any number of threads");
    assert_eq!(code(&ergoseq(&["reproduce", "heisenberg", "--figure", "99"])), 2);
    assert_eq!(code(&ergoseq(&["reproduce", "nobody"])), 2);
}

#[test]
fn a_dry_run_says_what_every_statement_takes_and_leaves() {
    let done = ergoseq(&["dry-run", "sequences/jeener_broekaert.seq"]);
    assert_eq!(code(&done), 0, "{}", text(&done.stderr));
    let table = text(&done.stdout);
    assert!(table.lines().all(|l| l.chars().count() <= 80), "{table}");
    // The first pulse: 2.5 us at 100 kHz, and nearly all is single-quantum coherence behind it.
    let lines: Vec<&str> = table.lines().collect();
    let at = lines.iter().position(|l| l.starts_with("pulse 1H 90 deg phase x")).unwrap();
    assert_eq!(lines[at + 1].split_whitespace().take(5).collect::<Vec<_>>(), ["0", "2.5", "us", "100", "kHz"]);
    // Three pulses of 2.5, 1.25 and 2.5 us at 100 of 125 kHz.
    assert!(table.contains("that of 4 us at the limit"), "{table}");
    let folder = scratch("dry-run");
    let file = folder.join("alias.seq");
    std::fs::write(
        &file,
        "ergoseq 1
cycle phi = x, y, -x, -y
system {
    field 11.7 T
    temperature 300 K
    spin a, b : 1H
    dipolar a b = -30.454 kHz
    relax a, b { T1 = 1 s, T2 = 30 us }
}
channel 1H { rf = 100 kHz, max_rf = 100 kHz }
sequence {
    prepare thermal
    pulse 1H 90 deg phase phi
    loop 3 { pulse 1H 180 deg phase x }
    acquire 1H points 64 dwell 20 us
}
measure { signal(1H) }
",
    )
    .unwrap();
    let table = text(&ergoseq(&["dry-run", file.to_str().unwrap()]).stdout);
    assert!(table.contains("need 4 scans") && table.contains("that of 17.5 us at the limit"), "{table}");
    assert!(table.contains("45681 Hz") && table.contains("destroys dipolar order"), "{table}");
    assert!(table.lines().all(|l| l.chars().count() <= 80), "{table}");
}

#[test]
fn a_tomography_is_planned_rehearsed_and_fed_with_data() {
    const PAIR: &str = "sequences/lab/tomography_pair.seq";
    let folder = scratch("tomography");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let (table, scaled) = (path("amplitudes.csv"), path("scaled.csv"));
    let done = ergoseq(&["plan", PAIR, "--amplitudes", &table]);
    assert_eq!(code(&done), 0, "{}", text(&done.stderr));
    let plan = text(&done.stdout);
    assert!(plan.contains("rank 15 of 15 parameters, condition number 2.000000"), "{plan}");
    assert!(plan.contains("64 scans: 4 readouts, 16 each\n4800.1 s in all"), "{plan}");
    assert!(plan.lines().all(|l| l.chars().count() <= 80), "{plan}");
    // A file that is there is not overwritten unless that is asked for.
    assert_eq!(code(&ergoseq(&["plan", PAIR, "--amplitudes", &table])), 3);
    assert_eq!(code(&ergoseq(&["plan", PAIR, "--amplitudes", &table, "--force"])), 0);
    // What the emulator reads, and the same in the units of some receiver, give the state that a run gives.
    let values = |arguments: &[&str]| -> Value {
        let done = ergoseq(arguments);
        assert_eq!(code(&done), 0, "{}", text(&done.stderr));
        let object: Value = serde_json::from_slice(&done.stdout).unwrap();
        object["points"][0].clone()
    };
    let run = values(&["run", PAIR, "--format", "json"]);
    let reference = run["tomography"][0]["reference"].as_f64().unwrap();
    let rows = std::fs::read_to_string(&table).unwrap();
    let times = |line: &str| -> String {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |k: usize| cells[k].parse::<f64>().unwrap() * 1e9;
        format!("{},{},{},{:e},{:e}\n", cells[0], cells[1], cells[2], number(3), number(4))
    };
    let larger: String = rows.lines().skip(1).map(times).collect();
    std::fs::write(&scaled, larger).unwrap();
    let strongest = format!("{:e}", reference * 1e9);
    for data in [vec!["--data", &table], vec!["--data", &scaled, "--reference", &strongest]] {
        let arguments: Vec<&str> = ["tomography", PAIR].into_iter().chain(data).chain(["--format", "json"]).collect();
        let found = values(&arguments);
        assert_eq!(found["tomography"][0]["measured"], true);
        let of = |p: &Value| p["marks"]["tomography"]["values"]["ergotropy"].as_f64().unwrap();
        assert!((of(&found) / of(&run) - 1.0).abs() < 1e-9);
        // The noise is told from what is left over: 17 numbers, so to a third of it and better.
        let (told, true_one) = (&found["tomography"][0]["sigma"], &run["tomography"][0]["sigma"]);
        let ratio = told.as_f64().unwrap() / true_one.as_f64().unwrap();
        assert!(ratio > 0.5 && ratio < 1.5, "{ratio}");
    }
    // Too few, no numbers, nothing measured, a line that is not there: each is said.
    let lines: Vec<&str> = rows.lines().collect();
    for (data, why) in [
        (lines[..5].join("\n"), "4 amplitudes are there, 16 are needed"),
        (rows.replace("II,1H,-107.5,", "II,1H,-107.5,nan,"), "`nan` is not a number"),
        (
            lines[1..].iter().map(|l| l.split(',').take(3).collect::<Vec<_>>().join(",") + ",0,0\n").collect(),
            "all amplitudes are zero",
        ),
        (rows.replace("IX,13C,107.5,", "IX,13C,900,"), "no line of 13C near 107.5 Hz"),
    ] {
        std::fs::write(&scaled, data).unwrap();
        let done = ergoseq(&["tomography", PAIR, "--data", &scaled]);
        assert_eq!(code(&done), if why.contains("nan") { 3 } else { 1 }, "{why}");
        assert!(text(&done.stderr).contains(why), "{}", text(&done.stderr));
    }
}

#[test]
fn decays_are_rehearsed_and_read_back() {
    let folder = scratch("decays");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let shipped =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("sequences/lab/tomography_pair.seq"))
            .unwrap();
    let given = "tomography snr = snr scans = 16 seed = 7 method = maximum_likelihood";
    let decaying = shipped.replace(given, "tomography points = 512 dwell = 1 ms snr = snr scans = 16 seed = 7");
    let (file, data) = (path("pair.seq"), path("data"));
    std::fs::write(&file, &decaying).unwrap();
    assert_eq!(code(&ergoseq(&["plan", &file, "--decays", &data])), 0);
    assert_eq!(code(&ergoseq(&["plan", &file, "--decays", &data])), 3);
    let values = |arguments: &[&str]| -> Value {
        let done = ergoseq(arguments);
        assert_eq!(code(&done), 0, "{}", text(&done.stderr));
        serde_json::from_slice::<Value>(&done.stdout).unwrap()["points"][0].clone()
    };
    let run = values(&["run", &file, "--format", "json"]);
    let found = values(&["tomography", &file, "--data", &data, "--format", "json"]);
    let quoted = |p: &Value, key: &str| p["tomography"][0]["energies"]["ergotropy"][key].as_f64().unwrap();
    // The times of decay are fitted to the data, where the rehearsal knew them: what that changes is less than the noise.
    let apart = (quoted(&found, "value") - quoted(&run, "value")).abs();
    assert!(apart < 2.0 * quoted(&run, "error"), "{apart}");
    // The noise is told from 7,900 numbers, so to about a hundredth.
    let ratio = quoted(&found, "error") / quoted(&run, "error");
    assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
    // Nothing received, a decay too few, one that cannot be read, points without a dwell: each is said.
    let decay = path("data/IX.1H.fid");
    let good = std::fs::read_to_string(&decay).unwrap();
    let refused = |why: &str| {
        let done = ergoseq(&["tomography", &file, "--data", &data]);
        assert_ne!(code(&done), 0, "{why}");
        assert!(text(&done.stderr).contains(why), "{}", text(&done.stderr));
    };
    std::fs::write(&decay, good.replace("NP=512", "NP=511")).unwrap();
    refused("511 points are announced and 512 are there");
    let first = good.lines().nth(5).unwrap();
    std::fs::write(&decay, good.replacen(first, "nan 0", 1)).unwrap();
    refused("a decay of 1H has a point that is not a number");
    std::fs::write(&decay, good.replace("SW=1000", "SW=2000")).unwrap();
    refused("are received at different times");
    std::fs::remove_file(&decay).unwrap();
    refused("the decay of 1H in readout IX is missing");
    let zero = format!("SIMP\nNP=512\nSW=1000\nTYPE=FID\nDATA\n{}END\n", "0 0\n".repeat(512));
    for readout in ["II", "IX", "IY", "XI"] {
        std::fs::write(path(&format!("data/{readout}.1H.fid")), &zero).unwrap();
    }
    refused("all decays of 1H are zero: nothing was measured");
    std::fs::write(path("data/notes.txt"), "").unwrap();
    refused("is no decay");
    assert!(
        text(&ergoseq(&["plan", "sequences/lab/tomography_pair.seq", "--decays", &path("elsewhere")]).stderr)
            .contains("not decays")
    );
}

#[test]
fn laboratories_keep_spectrometers_in_yaml() {
    let folder = scratch("profile");
    let (file, profile) = (folder.join("pair.seq"), folder.join("probe.yaml"));
    let text = "ergoseq 1\nuse \"probe.yaml\"\nsystem {\n    field 11.7 T\n    temperature 300 K\n    spin h : 1H\n}\n\
                channel 1H { rf = 100 kHz, max_rf = 120 kHz }\nsequence {\n    prepare thermal\n\
                pulse 1H 90 deg phase x\n    delay 5.47 us\n    mark read\n}\nmeasure { order(Iz(h)) }\n";
    std::fs::write(&file, text).unwrap();
    std::fs::write(&profile, "# our probe\nwideline:\n  clock: 50 ns\n  phase_step: 0.25 deg\n").unwrap();
    let file = file.to_str().unwrap();
    let done = ergoseq(&["check", file, "--spectrometer", "wideline"]);
    assert_eq!(code(&done), 0, "{}", text_of(&done));
    assert!(text_of(&done).contains("W404"), "{}", text_of(&done));
    for (yaml, why) in [
        ("wideline:\n  clok: 50 ns\n", "did you mean `clock`"),
        ("wideline: 3\n", "no YAML of spectrometers"),
        ("wideline:\n  clock: 50 lightyears\n", "E107"),
    ] {
        std::fs::write(&profile, yaml).unwrap();
        let done = ergoseq(&["check", file]);
        assert_eq!(code(&done), 1, "{yaml}");
        assert!(text_of(&done).contains(why), "{}", text_of(&done));
    }
}

fn text_of(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_rehearsal_says_whether_a_powder_has_enough_orientations() {
    let folder = scratch("powder");
    let file = folder.join("powder.seq");
    let powder = |points: usize| {
        let text = format!(
            "ergoseq 1\nsystem {{\n    field 11.7 T\n    temperature 300 K\n    spin p, q : 1H\n\
             dipolar p q = -30 kHz along (0, 0, 1)\n}}\nensemble {{ orientation : gauss(azimuths = 1) points {points} }}\n\
             sequence {{\n    prepare thermal\n    pulse 1H 90 deg phase y ideal\n    acquire 1H points 64 dwell 1 us\n}}\n"
        );
        std::fs::write(&file, text).unwrap();
        let done = ergoseq(&["dry-run", file.to_str().unwrap()]);
        assert_eq!(code(&done), 0, "{}", text_of(&done));
        let said = text_of(&done).replace("\n  ", " ");
        let at = said.find("changes by more than ").unwrap_or_else(|| panic!("{said}")) + 21;
        said[at..].split_whitespace().next().unwrap().parse::<f64>().unwrap()
    };
    // Gauss's quadrature converges at once when it does.
    let (few, many) = (powder(9), powder(60));
    assert!(few > 1e-3 && many < 1e-9, "{few} {many}");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = std::env::temp_dir().join(format!("ergoseq-man-{}", std::process::id()));
    let path = folder.display().to_string();
    assert!(ergoseq(&["man", "--output", &path]).status.success());
    let page = std::fs::read_to_string(folder.join("ergoseq-report.1")).unwrap();
    assert!(page.contains(".TH ergoseq\\-report 1") || page.contains(".TH ergoseq-report 1"), "{page}");
    assert!(std::fs::read_dir(&folder).unwrap().count() > 20);
    // What is there is not overwritten unasked.
    assert!(!ergoseq(&["man", "--output", &path]).status.success());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn decays_become_an_array() {
    let path = std::env::temp_dir().join(format!("ergoseq-{}.npy", std::process::id()));
    let file = "examples/tutorial/02_signal.seq";
    assert!(!ergoseq(&["run", file, "--format", "npy"]).status.success());
    assert!(ergoseq(&["run", file, "--format", "npy", "--output", path.to_str().unwrap()]).status.success());
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(bytes.starts_with(b"\x93NUMPY\x01\x00"));
    let header = usize::from(bytes[8]) + 256 * usize::from(bytes[9]);
    assert_eq!((10 + header) % 64, 0);
    assert!(String::from_utf8_lossy(&bytes[10..10 + header]).contains("'shape': (256,)"));
    assert_eq!(bytes.len(), 10 + header + 256 * 16);
    // The first number is that of the table of samples.
    let first = f64::from_le_bytes(bytes[10 + header..18 + header].try_into().unwrap());
    let json: serde_json::Value = serde_json::from_slice(&ergoseq(&["run", file, "--format", "json"]).stdout).unwrap();
    let values = &json["points"][0]["traces"]["fid"]["values"]["signal(1H)"];
    assert_eq!(values[0].as_f64().unwrap(), first, "{}", json["points"][0]["traces"]);
}

/// The page follows the file: a mistake is shown in it, and gone again when it is mended.
#[test]
fn a_watched_file_is_followed() {
    let folder = std::env::temp_dir().join(format!("ergoseq-watch-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (file, page) = (folder.join("my.seq"), folder.join("my.html"));
    let good = std::fs::read_to_string("examples/tutorial/01_first_pulse.seq").unwrap();
    std::fs::write(&file, &good).unwrap();
    let mut watching = std::process::Command::new(env!("CARGO_BIN_EXE_ergoseq"))
        .args(["watch", file.to_str().unwrap()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let shows = |words: &str| {
        (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            std::fs::read_to_string(&page).is_ok_and(|text| text.contains(words))
        })
    };
    let first = shows("All 3 expectations hold.");
    std::fs::write(&file, good.replace("thermal", "termal")).unwrap();
    let mistaken = shows("class=\"message error\"");
    std::fs::write(&file, good.replace("A first pulse", "Another pulse")).unwrap();
    let mended = shows("<h1>Another pulse</h1>");
    watching.kill().unwrap();
    watching.wait().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(first && mistaken && mended, "{first} {mistaken} {mended}");
}
