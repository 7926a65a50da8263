//! The tutorial: ten numbered steps that hold what they say, and whose commands work as they are written.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn steps() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(root().join("examples/tutorial"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "seq"))
        .collect();
    all.sort();
    all
}

#[test]
fn ten_steps_hold_what_they_say() {
    let steps = steps();
    assert_eq!(steps.len(), 10);
    let guide = std::fs::read_to_string(root().join("examples/tutorial/README.md")).unwrap();
    for (k, path) in steps.iter().enumerate() {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(&format!("{:02}_", k + 1)), "{name}");
        assert!(guide.contains(&format!("]({name})")), "the guide leaves out {name}");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with(&format!("# Step {}: ", k + 1)), "{name}");
        assert!(text.contains("\nexpect "), "{name} expects nothing");
    }
    let done = Command::new(env!("CARGO_BIN_EXE_ergoseq")).arg("test").args(&steps).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

/// The words of a command line, as a shell splits them.
fn words(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => out.push(String::new()),
            c => out.last_mut().unwrap().push(c),
        }
    }
    out.retain(|w| !w.is_empty());
    out
}

#[test]
fn the_commands_in_the_steps_work() {
    let folder = std::env::temp_dir().join(format!("ergoseq-tutorial-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut seen = 0;
    for path in steps() {
        let text = std::fs::read_to_string(&path).unwrap();
        for command in text.lines().filter_map(|l| l.strip_prefix("#   ergoseq ")) {
            // Files that it writes go elsewhere.
            let mut arguments = words(command);
            if let Some(k) = arguments.iter().position(|w| w == "--output") {
                arguments[k + 1] = folder.join(&arguments[k + 1]).display().to_string();
            }
            let done =
                Command::new(env!("CARGO_BIN_EXE_ergoseq")).args(&arguments).current_dir(root()).output().unwrap();
            assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
            if let Some(k) = arguments.iter().position(|w| w == "--output") {
                assert!(Path::new(&arguments[k + 1]).exists(), "{command} wrote nothing");
            }
            seen += 1;
        }
    }
    assert!(seen >= 10);
    std::fs::remove_dir_all(&folder).unwrap();
}
