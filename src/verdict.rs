//! Comparison of results with theory: the `expect` and `theory` lines of a file.

use crate::emulator::{Options, Request, Run, run};
use crate::hamiltonian::{Evaluator, Fault, Values};
use crate::ir::{Expect, Experiment, Theory, key_of};
use crate::source::Place;
use crate::syntax::Expr;
use rayon::prelude::*;

/// Result of one comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The compared quantity: `xi_max`, `order(dipolar) at pulsed`, `charging.ergotropy`.
    pub what: String,
    /// Theoretical value; for a curve, at the sample of largest difference.
    pub expected: f64,
    /// Emulated value; `None` if undefined.
    pub found: Option<f64>,
    /// Tolerance.
    pub within: f64,
    /// Position on a curve.
    pub at: Option<f64>,
    /// Position of the line in the text.
    pub place: Place,
}

impl Verdict {
    /// Emulated minus theoretical value.
    pub fn difference(&self) -> Option<f64> {
        self.found.map(|f| f - self.expected)
    }

    /// True if the magnitude of the difference is within the tolerance.
    pub fn holds(&self) -> bool {
        self.difference().is_some_and(|d| d.abs() <= self.within)
    }
}

/// Parameter settings, and the lines compared at this point with their indices.
type Point<'a> = (&'a [(String, Expr)], Vec<(usize, &'a Expect)>);

/// Default tolerance of a curve, relative to its largest value.
const CURVE_TOLERANCE: f64 = 1e-9;

/// Runs an experiment at the given values, and at those of every `where`, and compares. The verdicts are in the order of the
/// lines, expected values first.
///
/// # Errors
/// When the experiment cannot be run, or an expected value cannot be evaluated.
pub fn verdicts(experiment: &Experiment, values: &Values, options: &Options) -> Result<Vec<Verdict>, Fault> {
    let mut points: Vec<Point> = vec![];
    for (k, expect) in experiment.expects.iter().enumerate() {
        match points.iter_mut().find(|(settings, _)| *settings == expect.settings) {
            Some((_, lines)) => lines.push((k, expect)),
            None => points.push((&expect.settings, vec![(k, expect)])),
        }
    }
    if !experiment.theories.is_empty() && !points.iter().any(|(settings, _)| settings.is_empty()) {
        points.push((&[], vec![]));
    }
    let found: Vec<Result<Vec<(usize, Verdict)>, Fault>> =
        points.par_iter().map(|(settings, lines)| at_point(experiment, values, options, settings, lines)).collect();
    let mut all = found.into_iter().collect::<Result<Vec<_>, Fault>>()?.concat();
    all.sort_by_key(|(line, _)| *line);
    Ok(all.into_iter().map(|(_, verdict)| verdict).collect())
}

/// Verdicts at one point of the parameters, with the indices of their lines.
fn at_point(
    experiment: &Experiment,
    values: &Values,
    options: &Options,
    settings: &[(String, Expr)],
    lines: &[(usize, &Expect)],
) -> Result<Vec<(usize, Verdict)>, Fault> {
    // Values of `where` contain no names, like those of the command line.
    let bare = Experiment { units: experiment.units, ..Experiment::default() };
    let bare = Evaluator::new(&bare, &Values::new())?;
    let mut values = values.clone();
    for (name, value) in settings {
        values.insert(name.clone(), bare.number(value)?);
    }
    let theories: &[Theory] = if settings.is_empty() { &experiment.theories } else { &[] };
    let mut requests: Vec<Request> =
        lines.iter().map(|(_, expect)| Request { expr: expect.value.clone(), at: expect.at.clone() }).collect();
    requests.extend(theories.iter().map(|t| Request { expr: t.metric.clone(), at: None }));
    let run = run(experiment, &values, options, &requests)?;
    let e = Evaluator::new(experiment, &values)?;
    let mut verdicts = Vec::new();
    for (&(line, expect), found) in lines.iter().zip(&run.values) {
        let mut what = match &expect.at {
            Some(mark) => format!("{} at {mark}", expect.value),
            None => expect.value.to_string(),
        };
        for (k, (name, value)) in settings.iter().enumerate() {
            what += &format!("{}{name} = {value}", if k == 0 { " where " } else { ", " });
        }
        let verdict = Verdict {
            what,
            expected: e.number(&expect.expected)?,
            found: *found,
            within: e.number(&expect.within)?,
            at: None,
            place: expect.place,
        };
        verdicts.push((line, verdict));
    }
    for (k, theory) in theories.iter().enumerate() {
        verdicts.push((experiment.expects.len() + k, curve(theory, &e, &run)?));
    }
    Ok(verdicts)
}

/// Verdict on a curve.
fn curve(theory: &Theory, e: &Evaluator, run: &Run) -> Result<Verdict, Fault> {
    let curve = e.curve(&theory.value)?;
    let key = key_of(&theory.metric);
    let trace = run.traces.iter().find(|t| t.name == theory.trace);
    let column = trace.and_then(|t| t.values.iter().find(|(k, _)| *k == key)).map(|(_, c)| c);
    let what = format!("{}.{}", theory.trace, theory.metric);
    let (Some(trace), Some(column)) = (trace, column) else {
        return Ok(Verdict { what, expected: curve.at(0.0), found: None, within: 0.0, at: None, place: theory.place });
    };
    let expected: Vec<f64> = trace.time.iter().map(|t| curve.at(*t)).collect();
    let within = match &theory.within {
        Some(within) => e.number(within)?,
        None => CURVE_TOLERANCE * expected.iter().fold(0.0f64, |m, x| m.max(x.abs())),
    };
    // The sample of largest difference. An undefined sample counts as an infinite difference, except for signals, where it is in the dead
    // time and is not compared.
    let unseen = if key.starts_with("signal") { -1.0 } else { f64::INFINITY };
    let distances = column.iter().zip(&expected).map(|(found, x)| found.map_or(unseen, |v| (v - x).abs()));
    let worst = distances.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(k, _)| k);
    Ok(Verdict {
        what,
        expected: expected.get(worst).copied().unwrap_or(f64::NAN),
        found: column.get(worst).copied().flatten(),
        within,
        at: trace.time.get(worst).copied(),
        place: theory.place,
    })
}
