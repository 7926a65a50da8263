//! What spectrometers and programs have written, read back: decays and tables in their dialects, what damage does to them, and how
//! they compare.

mod compare;
mod damage;
mod decays;
mod nmrglue;
mod rows;
mod tables;
mod writers;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn cases(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(kind)
}

fn ergoseq(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ergoseq")).args(arguments).output().unwrap()
}

fn said(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

/// A folder of a test's own, empty.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("measured").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
