//! The command as a process.

use super::root;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn export(output: &Path, more: &[&str]) -> (i32, String) {
    let done: Output = Command::new(env!("CARGO_BIN_EXE_ergoseq"))
        .args(["export", "sequences/lab/jeener_broekaert_eight_steps.seq", "--output"])
        .arg(output)
        .args(more)
        .current_dir(root())
        .output()
        .unwrap();
    (done.status.code().unwrap(), String::from_utf8(done.stderr).unwrap())
}

const CALIBRATION: [&str; 2] = ["--calibration", "1H: 2.5 us at 100 W"];

#[test]
fn a_folder_is_made_whole_or_not_at_all() {
    let folder = scratch("export_command");
    let (output, topspin) = (folder.join("jb"), ["--to", "topspin"]);
    let (code, said) = export(&output, &topspin);
    // The channel says how strong its pulses are; their power needs the calibration.
    assert!(code == 1 && said.contains("[E415]") && said.contains("--calibration \"1H:"), "{said}");
    assert!(std::fs::read_dir(&folder).unwrap().next().is_none(), "nothing is left behind");
    let with: Vec<&str> = topspin.iter().chain(&CALIBRATION).copied().collect();
    assert_eq!(export(&output, &with).0, 0);
    assert!(output.join("README.md").is_file() && output.join("pp/jeener_broekaert_eight_steps.pp").is_file());
    let (code, said) = export(&output, &with);
    assert!(code == 3 && said.contains("[E602]") && said.contains("--force"), "{said}");
    std::fs::write(output.join("pp/older"), "").unwrap();
    let forced: Vec<&str> = with.iter().copied().chain(["--force"]).collect();
    assert_eq!(export(&output, &forced).0, 0);
    assert!(!output.join("pp/older").exists(), "the old folder is replaced as a whole");
    std::fs::write(output.join("README.md"), "mine").unwrap();
    let (code, said) = export(&output, &forced);
    assert!(code == 3 && said.contains("files that ergoseq did not write"), "a folder of someone else's stays: {said}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn wrong_command_lines_are_said() {
    let folder = scratch("export_usage");
    let output = folder.join("jb");
    for (more, word) in [
        (vec!["--to", "topspn", "--calibration", "1H: 2.5 us at 100 W"], "topspin"),
        (vec!["--to", "topspin", "--calibration", "1H: 2.5 at 100 W"], "[E415]"),
        (
            vec!["--to", "topspin", "--calibration", "1H: 1 us at 1 W", "--calibration", "1H: 1 us at 1 W"],
            "calibrated twice",
        ),
        (vec!["--to", "topspin", "--calibration", "1H: 1 us at 1 W", "--max-gradient", "5"], "--max-gradient"),
        (vec!["--to", "topspin", "--calibration", "1H: 1 us at 1 W", "--set", "nothing=1"], "nothing"),
    ] {
        let (code, said) = export(&output, &more);
        assert!(code == 2 && said.contains(word), "{more:?}: {code} {said}");
        assert!(!output.exists());
    }
    let mut more = vec!["--to", "topspin", "--spectrometer", "none"];
    more.extend(CALIBRATION);
    assert_eq!(export(&output, &more).0, 1);
}
