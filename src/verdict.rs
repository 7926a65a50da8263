//! What theory says, beside what was found: the `expect` and `theory` lines of a file.

use crate::emulator::{Options, Run, run};
use crate::hamiltonian::{Evaluator, Fault, Values};
use crate::ir::{Experiment, key_of};
use crate::source::Place;
use crate::syntax::Expr;

/// One line compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What was compared: `xi_max`, `order(dipolar) at pulsed`, `charging.ergotropy`.
    pub what: String,
    /// What theory says; for a curve its value where the difference is largest.
    pub expected: f64,
    /// What was found; `None` when it has no value.
    pub found: Option<f64>,
    /// The tolerance.
    pub within: f64,
    /// Where on a curve.
    pub at: Option<f64>,
    /// Where the line stands.
    pub place: Place,
}

impl Verdict {
    /// Found minus expected.
    pub fn difference(&self) -> Option<f64> {
        self.found.map(|f| f - self.expected)
    }

    /// Whether the difference is within the tolerance, on both sides.
    pub fn holds(&self) -> bool {
        self.difference().is_some_and(|d| d.abs() <= self.within)
    }
}

/// The tolerance of a curve for which none is given, as a share of its largest value.
const CURVE_TOLERANCE: f64 = 1e-9;

/// Runs an experiment at the given point and compares.
///
/// # Errors
/// When the experiment cannot be run, or an expected value cannot be evaluated.
pub fn verdicts(experiment: &Experiment, values: &Values, options: &Options) -> Result<(Vec<Verdict>, Run), Fault> {
    let mut wanted: Vec<(Expr, Option<String>)> =
        experiment.expects.iter().map(|e| (e.value.clone(), e.at.clone())).collect();
    wanted.extend(experiment.theories.iter().map(|t| (t.metric.clone(), None)));
    let run = run(experiment, values, options, &wanted)?;
    let e = Evaluator::new(experiment, values)?;
    let mut verdicts = Vec::new();
    for expect in &experiment.expects {
        let key = key_of(&expect.value);
        let mark = expect.at.as_deref().unwrap_or("end");
        let what = match &expect.at {
            Some(mark) => format!("{} at {mark}", expect.value),
            None => expect.value.to_string(),
        };
        verdicts.push(Verdict {
            what,
            expected: e.number(&expect.expected)?,
            found: run.extra.get(&format!("{key}@{mark}")).copied().flatten(),
            within: e.number(&expect.within)?,
            at: None,
            place: expect.place,
        });
    }
    for theory in &experiment.theories {
        let curve = e.curve(&theory.value)?;
        let key = key_of(&theory.metric);
        let trace = run.traces.iter().find(|t| t.name == theory.trace);
        let column = trace.and_then(|t| t.values.iter().find(|(k, _)| *k == key)).map(|(_, c)| c);
        let (Some(trace), Some(column)) = (trace, column) else {
            verdicts.push(Verdict {
                what: format!("{}.{}", theory.trace, theory.metric),
                expected: curve.at(0.0),
                found: None,
                within: 0.0,
                at: None,
                place: theory.place,
            });
            continue;
        };
        let expected: Vec<f64> = trace.time.iter().map(|t| curve.at(*t)).collect();
        let within = match &theory.within {
            Some(within) => e.number(within)?,
            None => CURVE_TOLERANCE * expected.iter().fold(0.0f64, |m, x| m.max(x.abs())),
        };
        // The sample that differs most; one without a value differs beyond all others, but for those of a signal that lie in
        // the dead time: nobody has seen them, so theory says nothing of them.
        let unseen = if key.starts_with("signal") { -1.0 } else { f64::INFINITY };
        let distance = |k: usize| column[k].map_or(unseen, |v| (v - expected[k]).abs());
        let worst = (0..expected.len()).max_by(|a, b| distance(*a).total_cmp(&distance(*b))).unwrap_or(0);
        verdicts.push(Verdict {
            what: format!("{}.{}", theory.trace, theory.metric),
            expected: expected.get(worst).copied().unwrap_or(f64::NAN),
            found: column.get(worst).copied().flatten(),
            within,
            at: trace.time.get(worst).copied(),
            place: theory.place,
        });
    }
    Ok((verdicts, run))
}
