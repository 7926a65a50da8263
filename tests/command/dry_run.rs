//! `dry-run` and `tomography`: what they say, and data from outside.

use super::{code, ergoseq, scratch, text, text_of};
use serde_json::Value;
use std::path::Path;

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
    assert!(table.contains("equivalent to 4 us at max_rf"), "{table}");
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
    assert!(table.contains("need 4 scans") && table.contains("equivalent to 17.5 us at max_rf"), "{table}");
    assert!(table.contains("45681 Hz") && table.contains("destroys dipolar order"), "{table}");
    assert!(table.lines().all(|l| l.chars().count() <= 80), "{table}");
}

/// The numbers are those that the sequence itself expects.
#[test]
fn a_dry_run_says_how_much_heat_and_work_a_statement_is() {
    let table = text(&ergoseq(&["dry-run", "sequences/heat_and_work.seq"]).stdout);
    assert!(table.contains("heat -7.3811e-2, work 7.7930e-1 of this statement"), "{table}");
    assert!(table.contains("heat -5.1571e-1, work "), "{table}");
    assert!(table.lines().all(|l| l.chars().count() <= 80), "{table}");
    let unitary = text(&ergoseq(&["dry-run", "sequences/work_distribution.seq"]).stdout);
    assert!(!unitary.contains("heat"), "{unitary}");
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
    assert!(plan.contains("64 scans: 4 readouts, 16 each\n4800.1 s in total"), "{plan}");
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
    // Too few, a cell too many, nothing measured, a line that is not there: each is said.
    let lines: Vec<&str> = rows.lines().collect();
    for (data, why) in [
        (lines[..5].join("\n"), "found 4 amplitudes, expected 16"),
        (rows.replace("II,1H,-107.5,", "II,1H,-107.5,nan,"), "has 6 columns, the first line 5"),
        (
            lines[1..].iter().map(|l| l.split(',').take(3).collect::<Vec<_>>().join(",") + ",0,0\n").collect(),
            "all amplitudes are zero",
        ),
        (rows.replace("IX,13C,107.5,", "IX,13C,900,"), "no line of 13C near 107.5 Hz"),
    ] {
        std::fs::write(&scaled, data).unwrap();
        let done = ergoseq(&["tomography", PAIR, "--data", &scaled]);
        assert_eq!(code(&done), if why.contains("columns") { 3 } else { 1 }, "{why}");
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
    refused("511 points are announced, but the file has 512");
    let first = good.lines().nth(5).unwrap();
    std::fs::write(&decay, good.replacen(first, "nan 0", 1)).unwrap();
    refused("line 6: `nan 0` is not a pair of numbers");
    std::fs::write(&decay, good.replace("SW=1000", "SW=2000")).unwrap();
    refused("the FID of 1H has a sweep width of 2000 Hz, but the program has 1000 Hz");
    std::fs::write(&decay, good.replace("NP=512", "NP=511").replacen(&format!("{first}\n"), "", 1)).unwrap();
    refused("have different time axes");
    std::fs::remove_file(&decay).unwrap();
    refused("the FID of 1H in readout IX is missing");
    let zero = format!("SIMP\nNP=512\nSW=1000\nTYPE=FID\nDATA\n{}END\n", "0 0\n".repeat(512));
    for readout in ["II", "IX", "IY", "XI"] {
        std::fs::write(path(&format!("data/{readout}.1H.fid")), &zero).unwrap();
    }
    refused("all FIDs of 1H are zero: nothing was measured");
    std::fs::write(path("data/notes.txt"), "").unwrap();
    refused("is not an FID");
    assert!(
        text(&ergoseq(&["plan", "sequences/lab/tomography_pair.seq", "--decays", &path("elsewhere")]).stderr)
            .contains("not FIDs")
    );
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
