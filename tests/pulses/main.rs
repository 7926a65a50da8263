//! Statements of a sequence, compared with numbers of an independent program and closed forms.

mod coherence_orders;
mod noise;
mod relaxation;
mod shapes;
mod spectrometer;

use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::Values;

fn run_with(text: &str, files: &[(&str, String)]) -> Run {
    let mut reader = |path: &str, _: &str| {
        let found = files.iter().find(|(name, _)| *name == path);
        found.map(|(name, text)| ((*name).to_string(), text.clone())).ok_or_else(|| "not at hand".to_string())
    };
    let compiled = ergoseq::compile("test.seq", text, &mut reader).unwrap_or_else(|r| panic!("{}", r.render()));
    ergoseq::run(&compiled.experiment, &Values::new(), &Options::default())
        .unwrap_or_else(|d| panic!("{}", d.render(&compiled.sources, false)))
}

fn run(text: &str) -> Run {
    run_with(text, &[])
}

fn at_end(run: &Run, key: &str) -> f64 {
    let end = run.marks.iter().find(|m| m.name == "end").expect("every run has an end");
    end.values.iter().find(|(k, _)| k == key).and_then(|(_, v)| *v).expect("a value")
}

/// One spin from up, at an offset (Hz), after some statements: <2Ix>, <2Iy>, <2Iz>.
fn bloch(before: &str, offset: f64, statements: &str, files: &[(&str, String)]) -> [f64; 3] {
    let text = format!(
        "ergoseq 1
system {{
    field 11.7 T
    spin h : 1H
}}
{before}
ensemble {{ offset 1H : uniform(from = {offset} Hz, to = {offset} Hz) points 1 }}
sequence {{
    prepare up(h)
    {statements}
}}
measure {{
    expectation(2*Ix(h))
    expectation(2*Iy(h))
    expectation(2*Iz(h))
}}
"
    );
    let run = run_with(&text, files);
    ["x", "y", "z"].map(|k| at_end(&run, &format!("expectation(2*I{k}(h))")))
}

fn near(found: [f64; 3], expected: [f64; 3], within: f64, what: &str) {
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= within, "{what}: {found:?}, expected {expected:?}");
    }
}
