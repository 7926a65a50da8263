//! House rules, as a test.

mod forms;
mod imports;
mod language;
mod lengths;
mod tokens;
mod versions;

use std::path::{Path, PathBuf};

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// The files below a folder, each with its path from there and its text.
fn files(folder: &str) -> Vec<(String, String)> {
    let folder = root().join(folder);
    let mut paths = Vec::new();
    sources(&folder, &mut paths);
    paths.sort();
    let name = |p: &PathBuf| p.strip_prefix(&folder).unwrap().to_str().unwrap().replace('\\', "/");
    paths.iter().map(|p| (name(p), std::fs::read_to_string(p).unwrap())).collect()
}

fn library() -> Vec<(String, String)> {
    files("src")
}

/// The layers, lowest first: a module names only modules of lower layers, and itself.
const LAYERS: &[&[&str]] = &[
    &["source", "linalg", "noise", "delimited"],
    &["lanes"],
    &["waveform"],
    &["diagnostic"],
    &["units", "budget"],
    &["spin"],
    &["syntax", "metrics", "pulse_program", "synthesis"],
    &["decays"],
    &["tomography"],
    &["ir"],
    &["check", "hamiltonian"],
    &["emulator", "compile"],
    &["results"],
    &["verdict", "search", "export", "import"],
    &["output"],
    &["comparison"],
    &["report", "editor"],
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|l| l.contains(&module))
}

/// The text without its tests.
fn product(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text)
}

#[test]
fn layers_point_downward() {
    let mut wrong = Vec::new();
    for (path, text) in library() {
        // These two offer the names of all layers to users.
        if path.starts_with("bin/") || ["lib.rs", "prelude.rs"].contains(&path.as_str()) {
            continue;
        }
        let module = path.split(['/', '.']).next().unwrap();
        let Some(own) = layer(module) else {
            wrong.push(format!("{path} belongs to no layer"));
            continue;
        };
        for piece in product(&text).split("crate::").skip(1) {
            let named: String = piece.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if named != module && layer(&named).is_none_or(|other| other >= own) {
                wrong.push(format!("{path} names crate::{named}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The binary speaks to the library through its public modules alone, which the compiler sees to; and only one file names the
/// matrix crates, besides those that need a small real matrix or the integrator's vector.
#[test]
fn the_matrix_crates_are_named_in_few_files() {
    let allowed = [
        "linalg/mod.rs",
        "linalg/types.rs",
        "emulator/engines/dop853.rs",
        "metrics/single_site.rs",
        "metrics/parallel.rs",
        "metrics/daemonic.rs",
        "search/fit.rs",
    ];
    for (path, text) in library() {
        if product(&text).contains("nalgebra::") || product(&text).contains("faer::") {
            assert!(allowed.contains(&path.as_str()), "{path} names a matrix crate");
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for (path, text) in library() {
        assert!(text.starts_with("//! "), "{path} has no module documentation");
        assert!(text.lines().all(|l| l == l.trim_end()), "{path} has blanks at the end of a line");
    }
}

#[test]
fn the_product_does_not_unwrap() {
    for (path, text) in library() {
        if path == "metrics/random.rs" {
            continue;
        }
        for (k, line) in product(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            let unwraps = code.contains(".unwrap()")
                || code.contains(".expect(")
                || code.contains("panic!(")
                || code.contains("unreachable!(");
            assert!(!unwraps, "{path}:{}: {line}", k + 1);
        }
    }
}

/// Files of numerics, whose indices run over the dimensions of what they read, may expect indices as a whole; elsewhere they stand
/// under a narrow `expect`, and each says why it cannot fail.
#[test]
fn indices_are_expected_with_a_reason() {
    let numeric = [
        "emulator/",
        "hamiltonian/prepare/",
        "lanes/",
        "linalg/",
        "metrics/",
        "bin/ergoseq/papers/",
        "spin/",
        "synthesis/",
        "tomography/",
        "waveform/jet.rs",
    ];
    for (path, text) in library() {
        let text = product(&text);
        assert!(!text.contains("allow(clippy::indexing_slicing"), "{path} allows indices without saying why");
        let whole =
            text.split("#![expect(").skip(1).any(|rest| rest.trim_start().starts_with("clippy::indexing_slicing"));
        assert!(!whole || numeric.iter().any(|n| path.starts_with(n)), "{path} expects indices as a whole");
        for name in ["clippy::indexing_slicing", "clippy::string_slice"] {
            for rest in text.split(name).skip(1).filter(|_| path != "lib.rs" && path != "bin/ergoseq/main.rs") {
                assert!(
                    rest.trim_start_matches([',', ' ', '\n']).starts_with("reason = "),
                    "{path} gives no reason for {name}"
                );
            }
        }
    }
}

/// The library reads no file, clock or environment variable: everything comes through its arguments.
#[test]
fn the_library_touches_nothing_outside() {
    for (path, text) in library() {
        if path.starts_with("bin/") {
            continue;
        }
        for word in ["std::fs", "std::env", "std::time", "std::process", "println!", "eprintln!"] {
            assert!(!product(&text).contains(word), "{path} uses {word}");
        }
    }
}

/// Factors of 2 pi between frequencies and angular frequencies are decided in `units.rs`.
#[test]
fn the_factor_of_a_frequency_stands_in_one_file() {
    for (path, text) in library() {
        let text = product(&text);
        for choice in
            ["UnitSystem::Lab { TWO_PI", "UnitSystem::Lab { 1.0 / TWO_PI", "UnitSystem::Lab { crate::units::TWO_PI"]
        {
            assert!(!text.contains(choice), "{path} decides a factor of 2 pi: `units::angular_factor` has it");
        }
    }
}
