//! The language: reading, formatting, checking, running, and experiments in YAML.

use super::EDGES;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::Options;
use ergoseq::hamiltonian::{ChangingRate, Evaluator, Schedule, Step, Values};
use ergoseq::ir::Experiment;
use ergoseq::source::Sources;
use ergoseq::syntax;
use ergoseq::waveform::Scalar;
use ergoseq::{metrics, units};

pub const SEEDS: &[(&str, &str)] = &[("sequences", "seq"), ("tests/cases", "seq"), ("tests/diagnostics", "seq")];
pub const SMALL_SEEDS: &[(&str, &str)] = &[("tests/cases", "seq"), ("sequences/batteries", "seq")];

/// The words, signs, metrics, units and constants of the language.
pub fn words() -> Vec<&'static str> {
    let mut out: Vec<&str> = syntax::words::WORDS.iter().map(|w| w.word).collect();
    out.extend(syntax::token::SIGNS);
    out.extend(metrics::METRICS.iter().map(|m| m.name));
    out.extend(units::UNITS.iter().map(|u| u.symbol));
    out.extend(units::CONSTANTS.iter().map(|c| c.symbol));
    out.extend(EDGES);
    out.extend([
        "\n",
        " ",
        "#",
        "\"",
        "'",
        "%",
        "ergoseq 1\n",
        "units natural\n",
        "1/2",
        "1H",
        "13C",
        "23Na",
        "Ix",
        "Iz",
        "X",
        "Z",
        "Ip",
        "sum",
        "product",
        "t",
        "pi",
        "sqrt(",
        "exp(",
        "sin(",
        "floor(",
        "step(",
        "max(",
        "internal",
        "thermal",
        "ket \"00\"",
        "points",
        "use \"x.seq\"\n",
        "shape s = \"s.shape\"\n",
        "param p = 1\n",
        "measure { ",
        " at ",
        "for i in 1 .. 3 ",
    ]);
    out
}

fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

/// Places of messages lie in the text, between letters.
fn placed(diagnostics: &[Diagnostic], text: &str) {
    for span in diagnostics.iter().filter_map(|d| d.span).filter(|s| s.file == 0) {
        let (start, end) = (span.start as usize, span.end as usize);
        assert!(start <= end && end <= text.len(), "a message about {start} .. {end} of {} bytes", text.len());
        assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "a message begins inside of a letter");
    }
}

/// Reads a file, or a part of one.
pub fn parse(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let (_, diagnostics) = syntax::parse(text, 0);
    placed(&diagnostics, text);
    if !text.contains('\n') {
        let parts = [
            syntax::parse_expression(text, 0).err(),
            syntax::parse_result(text, 0).err(),
            syntax::parse_sweep_values(text, 0).err(),
        ];
        placed(&parts.into_iter().flatten().collect::<Vec<_>>(), text);
    }
}

/// A text that is read is formatted to one of the same meaning, which is formatted.
pub fn format(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let (before, diagnostics) = syntax::parse(text, 0);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return;
    }
    let tidy = syntax::format(text);
    let (after, diagnostics) = syntax::parse(&tidy, 0);
    assert!(!diagnostics.iter().any(Diagnostic::is_error), "formatting breaks the text: {diagnostics:?}\n{tidy}");
    assert!(before == after, "formatting changes the tree:\n{tidy}");
    let again = syntax::format(&tidy);
    assert!(again == tidy, "formatting twice is not formatting once:\n{tidy}\n---\n{again}");
}

/// The files that a program may name.
fn files(path: &str, _from: &str) -> Result<(String, String), String> {
    match path {
        "x.seq" => Ok((path.into(), "ergoseq 1\nparam used = 1\nhamiltonian U = used*Iz(a)\n".into())),
        "s.shape" => Ok((path.into(), "50 0\n100 90\n50 0\n".into())),
        "rho.txt" => Ok((path.into(), "0.5 0.1\n0.1 0.5\n".into())),
        _ => Err("there is no such file".into()),
    }
}

/// A program, or nothing if it is refused, with messages that are fit to be shown. Pulses of `compile` statements are not searched: a search may
/// take seconds, however few the bytes of its file.
fn compiled(text: &str) -> Option<(Experiment, Sources)> {
    match ergoseq::outline("fuzz.seq", text, &mut files) {
        Ok(compiled) => Some((compiled.experiment, compiled.sources)),
        Err(refused) => {
            placed(&refused.diagnostics, text);
            for diagnostic in refused.diagnostics.iter().take(5) {
                let shown = diagnostic.render(&refused.sources, false);
                let hidden = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
                assert!(!shown.contains(hidden), "a message has control characters: {shown:?}");
            }
            None
        }
    }
}

/// Checks a program, also at the values of its parameters.
pub fn check(input: &[u8]) {
    let Some(text) = text(input) else { return };
    // A search for pulses takes seconds, as it may.
    if text.contains("compile") {
        return;
    }
    let Some((experiment, _)) = compiled(text) else { return };
    if let Err(fault) = ergoseq::check_values(&experiment, &Values::new()) {
        placed(&[*fault], text);
    }
}

/// The longest sequence, ms or in natural units: oscillations during longer ones are many steps, however short the text.
const LONGEST: f64 = 1e3;

/// Largest phase of time-dependent and open evolution, rad, over all segments: what a run follows step by step in much less than a second.
const LARGEST_PHASE: f64 = 1e4;

/// Upper bound of the phase of the segments whose evolution is followed step by step, rad.
fn phase(schedule: &Schedule) -> f64 {
    let mut total = 0.0;
    schedule.segments(&mut |segment| {
        let terms = || segment.drift.iter().chain(segment.controls.iter().flat_map(|control| &control.terms));
        let relaxing = &segment.relaxing;
        let is_closed = relaxing.collapse.is_empty() && relaxing.changing.is_empty() && relaxing.order.is_none();
        if is_closed && terms().all(|(c, _)| c.constant().is_some()) {
            return;
        }
        let largest = |c: &Scalar| {
            let bound = c.range(0.0, segment.duration).magnitude();
            let samples = || (0..=64).map(|k| c.at(segment.duration * f64::from(k) / 64.0).abs()).fold(0.0, f64::max);
            if bound.is_finite() { bound } else { samples() }
        };
        let rate = |c: &ChangingRate| largest(&c.rate) * c.operator.adjoint().times(&c.operator).spread_bound();
        let (phases, rates) = (terms().map(|(c, h)| largest(c) * h.spread_bound()), relaxing.changing.iter().map(rate));
        total += segment.duration * phases.chain(rates).sum::<f64>();
    });
    total
}

/// What a run may ask for here: a few states, members, passes and samples, a short time, and small phases.
fn is_small(experiment: &Experiment, point: &Values) -> bool {
    let Ok(evaluator) = Evaluator::new(experiment, point) else { return false };
    let cost = |schedule: &Schedule| {
        let passes = |steps: &[Step]| steps.len() as u64;
        let mut total = passes(&schedule.steps);
        schedule.segments(&mut |s| total += s.record.as_ref().map_or(1, |r| r.points as u64));
        for step in &schedule.steps {
            match step {
                Step::Acquire(a) => total += a.receiver.points as u64,
                Step::Loop(count, _) => total += *count,
                Step::Strobe(strobe) => total += strobe.passes(),
                _ => {}
            }
        }
        total
    };
    evaluator.basis.size() <= 16.0
        && ergoseq::hamiltonian::members(&evaluator).is_ok_and(|m| m.len() <= 20)
        && ergoseq::hamiltonian::build(&evaluator).is_ok_and(|(schedule, _)| {
            let scale = if experiment.units == units::UnitSystem::Lab { 1e3 } else { 1.0 };
            let members = ergoseq::hamiltonian::members(&evaluator).map_or(1, |m| m.len()) as f64;
            cost(&schedule) <= 300
                && members * scale * schedule.duration() <= LONGEST
                && members * phase(&schedule) <= LARGEST_PHASE
        })
}

fn run_first(experiment: &Experiment) {
    // The values of a sweep are made one by one.
    let Ok(axes) = ergoseq::emulator::axes(experiment, &Values::new()) else { return };
    let point = ergoseq::emulator::points(&axes, &Values::new()).next().unwrap_or_default();
    if !is_small(experiment, &point) {
        return;
    }
    let options = Options { max_memory: 2e7, ..Options::default() };
    let _ = ergoseq::run(experiment, &point, &options);
}

/// Runs a small program at its first point.
pub fn run(input: &[u8]) {
    let Some(text) = text(input) else { return };
    if let Some((experiment, _)) = compiled(text) {
        run_first(&experiment);
    }
}

/// Reads an experiment from YAML: what is written of it is the same experiment.
pub fn yaml(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let Ok(experiment) = ergoseq::from_yaml(text) else { return };
    let written = ergoseq::to_yaml(&experiment).expect("an experiment is written");
    let again = ergoseq::from_yaml(&written);
    assert!(again.as_ref() == Ok(&experiment), "what is written is not what was read:\n{written}\n{again:?}");
    let _ = ergoseq::check_values(&experiment, &Values::new()).map_err(|fault| fault.code == Code::OverBudget);
}
