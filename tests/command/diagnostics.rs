//! Mistakes and what is said of them: every file of `tests/diagnostics/` is given to the command, and what it prints on standard
//! error is compared with the text beside it. A case is `CODE.seq` or `CODE-what.seq`, run by `ergoseq run`, or `CODE.args` with
//! other arguments. `ERGOSEQ_BLESS=1` writes the texts anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

fn cases() -> Vec<(String, Vec<String>)> {
    let names: BTreeSet<String> =
        std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let mut cases = Vec::new();
    for name in &names {
        if let Some(stem) = name.strip_suffix(".args") {
            let text = std::fs::read_to_string(folder().join(name)).unwrap();
            cases.push((stem.to_string(), text.split_whitespace().map(str::to_string).collect()));
        } else if let Some(stem) = name.strip_suffix(".seq")
            && !names.contains(&format!("{stem}.args"))
        {
            cases.push((stem.to_string(), vec!["run".into(), name.clone()]));
        }
    }
    cases
}

fn said(arguments: &[String]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_ergoseq")).args(arguments).current_dir(folder()).output().unwrap();
    // A slow machine reports progress before the message.
    let text = String::from_utf8(done.stderr).unwrap();
    let text: String = text.split_inclusive('\n').filter(|line| !line.starts_with("progress: ")).collect();
    format!("$ ergoseq {}\n{text}exit code {}\n", arguments.join(" "), done.status.code().unwrap_or(-1))
}

#[test]
fn messages_are_as_they_were() {
    let bless = std::env::var_os("ERGOSEQ_BLESS").is_some();
    let mut differing = Vec::new();
    for (stem, arguments) in cases() {
        let golden = folder().join(format!("{stem}.txt"));
        let said = said(&arguments);
        if bless {
            std::fs::write(&golden, &said).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        if said != expected {
            differing.push(format!("--- {stem}: expected\n{expected}--- said\n{said}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn every_code_has_a_case_that_shows_it() {
    for (code, number, title) in ergoseq::diagnostic::CODES {
        let golden = folder().join(format!("{number}.txt"));
        let text = std::fs::read_to_string(&golden).unwrap_or_else(|_| panic!("{number} ({title}) has no case"));
        assert!(text.contains(&format!("[{number}]")), "the case of {number} ({code:?}) does not show it:\n{text}");
    }
}

#[test]
fn no_text_is_left_without_a_case() {
    let stems: BTreeSet<String> = cases().into_iter().map(|(s, _)| s).collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(stem) = name.strip_suffix(".txt") {
            assert!(stems.contains(stem), "{name} belongs to no case");
        }
    }
}

/// A file with five mistakes gets five messages, each with its place.
#[test]
fn one_mistake_does_not_hide_another() {
    let text = said(&["check".into(), "five.seq".into()]);
    assert_eq!(text.matches("error[").count(), 5, "{text}");
    assert!(text.matches("five.seq:").count() >= 5, "{text}");
}
