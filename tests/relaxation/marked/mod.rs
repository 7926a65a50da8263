//! Runs of a text, and their results at marks.

use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::Values;

pub fn run_with(text: &str, options: &Options) -> Run {
    let compiled =
        ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{text}\n{}", r.render()));
    ergoseq::run(&compiled.experiment, &Values::new(), options).unwrap_or_else(|e| panic!("{text}\n{e:?}"))
}

pub fn at(run: &Run, mark: &str, key: &str) -> f64 {
    let mark = run.marks.iter().find(|m| m.name == mark).unwrap();
    let value = mark.values.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("{key} of {:?}", mark.values)).1;
    value.unwrap_or_else(|| panic!("{key} has no value: {:?}", run.notes))
}

pub fn close(a: f64, b: f64, within: f64) {
    assert!((a - b).abs() <= within, "{a} is not {b} within {within}");
}
