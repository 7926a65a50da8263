//! The command as a process: exit codes, what goes to which stream, files.

#[cfg(feature = "pictures")]
mod charts;
mod diagnostics;
mod dry_run;
mod explain;
mod file_errors;
mod files;
mod help;
mod lsp;
mod report;
mod result_sets;
mod results;
mod sweeps;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Small pieces of memory are as fast as in the command.
#[cfg(feature = "cli")]
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

fn text_of(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}
