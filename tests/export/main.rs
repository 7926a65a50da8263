//! Export: what is written for consoles and simulators, compared with what is emulated.

mod checker;
mod command;
mod counters;
mod decoupling;
mod delays;
mod imported;
mod lab;
mod others;
mod points;
mod powers;
mod round_trip;
mod script;
mod shapes;
mod simpson;
mod topspin;

use ergoseq::diagnostic::Diagnostic;
use ergoseq::export::calibration::Calibration;
use ergoseq::export::{Dialect, Exported, Request, export};
use ergoseq::hamiltonian::Values;
use ergoseq::{Compiled, compile, no_files};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn compiled(text: &str) -> Compiled {
    compile("test.seq", text, &mut no_files).unwrap_or_else(|refused| panic!("{refused}"))
}

/// 90 degrees in 2.5 us at 100 W on every nucleus: 100 kHz.
fn calibrations() -> Vec<Calibration> {
    let of = |nucleus: &str| Calibration::read(&format!("{nucleus}: 2.5 us at 100 W")).unwrap();
    ["1H", "13C", "15N", "19F", "31P"].map(of).to_vec()
}

/// Exports a program, with the calibrations of these tests.
fn exported(
    compiled: &Compiled,
    name: &str,
    dialect: &str,
    spectrometer: Option<&str>,
) -> Result<Exported, Vec<Diagnostic>> {
    let request = Request {
        dialect: Dialect::named(dialect).unwrap(),
        source: (name, &compiled.sources.get(0).unwrap().text),
        values: &Values::new(),
        spectrometer,
        calibrations: calibrations(),
        max_gradient: Some(0.5),
    };
    export(&compiled.experiment, request)
}

/// The text of the only file of an export whose path has these ends.
fn file(exported: &Exported, begin: &str, end: &str) -> String {
    let mut found = exported.files.iter().filter(|f| f.path.starts_with(begin) && f.path.ends_with(end));
    let one = found.next().unwrap_or_else(|| panic!("no {begin}*{end}")).text.clone();
    assert!(found.next().is_none(), "several {begin}*{end}");
    one
}

/// The value of a parameter in a script.
fn parameter(script: &str, name: &str) -> String {
    let head = format!("(\"{name}\", \"");
    let line = script.lines().find_map(|l| l.trim().strip_prefix(&head)).unwrap_or_else(|| panic!("no {name}"));
    line.trim_end_matches("\"),").to_string()
}

/// The example of the documentation is what is exported.
#[test]
fn the_example_of_the_documentation_is_exported() {
    let grammar = std::fs::read_to_string(root().join("grammar.md")).unwrap();
    let section = grammar.split("### To a console").nth(1).unwrap();
    let block = |fence: &str| section.split(fence).nth(1).unwrap().split("```").next().unwrap();
    let text = format!("ergoseq 1\n{}", block("```seq\n"));
    let done = exported(&compiled(&text), "example.seq", "topspin", Some("wideline")).unwrap();
    let (program, script) = (file(&done, "pp/", ".pp"), file(&done, "py/", ".py"));
    assert!(program.contains(block("```text\n")), "{program}");
    for (name, value) in
        [("D 1", "10"), ("D 2", "0.000003"), ("D 3", "0.000001"), ("D 4", "0.000004"), ("NS", "4"), ("PLW 1", "100")]
    {
        assert_eq!(parameter(&script, name), value, "{name}");
    }
}
