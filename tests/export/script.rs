//! The script for TopSpin, run by Python beside a stand-in that records what TopSpin is told.

use super::{compiled, exported, file, root};
use std::path::{Path, PathBuf};
use std::process::Command;

const STAND_IN: &str = "
import os
def note(text):
    with open(os.environ['TOLD'], 'a') as told:
        told.write(text + '\\n')
def CURDATA():
    return ['sample', '10', '1', os.environ['DATA']]
def GETPAR(name, axis=0):
    return os.environ.get('PARMODE', '0')
def PUTPAR(name, value):
    assert isinstance(name, str) and isinstance(value, str)
    note('PUTPAR ' + name + ' ' + value)
def RE(data, show='y'):
    note('RE ' + data[1])
def WR(data, override='y'):
    note('WR ' + data[1] + ' ' + override)
def MSG(message='', title=None):
    note('MSG')
";

pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn lab(name: &str) -> String {
    let text = std::fs::read_to_string(root().join(format!("sequences/lab/{name}.seq"))).unwrap();
    file(&exported(&compiled(&text), name, "topspin", None).unwrap(), "py/", ".py")
}

/// Runs a script; what it printed, and what TopSpin was told.
pub fn run(folder: &Path, script: &str, inside: bool, arguments: &[&str]) -> (bool, String, Vec<String>) {
    std::fs::write(folder.join("script.py"), script).unwrap();
    let _ = std::fs::remove_file(folder.join("TopCmds.py"));
    let _ = std::fs::remove_file(folder.join("told"));
    if inside {
        std::fs::write(folder.join("TopCmds.py"), STAND_IN).unwrap();
    }
    let done = Command::new("python3")
        .arg("-B")
        .arg(folder.join("script.py"))
        .args(arguments)
        .env("TOLD", folder.join("told"))
        .env("DATA", folder.join("data"))
        .output()
        .expect("python3 runs the script as TopSpin does");
    let told = std::fs::read_to_string(folder.join("told")).unwrap_or_default();
    let printed = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
    (done.status.success(), printed, told.lines().map(str::to_string).collect())
}

#[test]
fn the_script_sets_what_it_prints() {
    let folder = scratch("export_script");
    let script = lab("jeener_broekaert_eight_steps");
    let (ok, printed, told) = run(&folder, &script, false, &["--dry"]);
    assert!(ok && told.is_empty(), "{printed}");
    let dry: Vec<String> = printed.lines().skip(1).map(|l| format!("PUTPAR {}", l.replacen(" = ", " ", 1))).collect();
    assert!(dry.contains(&"PUTPAR PLW 1 100".to_string()) && dry.contains(&"PUTPAR NS 8".to_string()), "{printed}");
    let (ok, printed, told) = run(&folder, &script, true, &[]);
    assert!(ok, "{printed}");
    assert_eq!(told[..told.len() - 1], dry);
    let (ok, _, told) = run(&folder, &script, true, &["--dry"]);
    assert!(ok && told.is_empty(), "a dry run tells TopSpin nothing");
}

/// Every readout has a data set of its own, and is collected under the name that `ergoseq tomography --data` reads.
#[test]
fn readouts_have_data_sets_of_their_own() {
    let folder = scratch("export_readouts");
    let script = lab("tomography_pair");
    let (ok, printed, told) = run(&folder, &script, true, &[]);
    assert!(ok, "{printed}");
    let made: Vec<&String> = told.iter().filter(|l| l.starts_with("WR")).collect();
    assert!(made.len() >= 8 && made[0] == "WR 11 n", "{told:?}");
    for k in 0..made.len() {
        let data = folder.join(format!("data/sample/{}", 11 + k));
        std::fs::create_dir_all(&data).unwrap();
        for part in ["fid", "acqus"] {
            std::fs::write(data.join(part), format!("{part} {k}")).unwrap();
        }
    }
    let target = folder.join("collected");
    let (ok, printed, _) = run(&folder, &script, true, &["--collect", target.to_str().unwrap()]);
    assert!(ok, "{printed}");
    assert_eq!(std::fs::read_to_string(target.join("II.1H/fid")).unwrap(), "fid 0");
    assert_eq!(std::fs::read_dir(&target).unwrap().count(), made.len());
    let (ok, ..) = run(&folder, &script, true, &["--collect", target.to_str().unwrap()]);
    assert!(!ok, "what was collected is not overwritten");
}

/// Rows need a data set of two dimensions.
#[test]
fn rows_need_two_dimensions() {
    let folder = scratch("export_rows");
    let text = "ergoseq 1
system { field 9.4 T temperature 300 K spin h : 1H }
param tau = 1 ms
sequence {
    prepare thermal
    pulse 1H 90 deg phase x rf = 25 kHz
    delay tau
    acquire 1H points 8 dwell 1 us
}
sweep tau = 1 ms, 2 ms";
    let script = file(&exported(&compiled(text), "rows.seq", "topspin", None).unwrap(), "py/", ".py");
    let (ok, printed, told) = run(&folder, &script, true, &[]);
    assert!(!ok && printed.contains("two dimensions") && told == ["MSG"], "{printed} {told:?}");
}
