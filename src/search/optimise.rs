//! Maximises or minimises a result over parameters.
//!
//! Local searches from many points ([`super::multistart`]) use L-BFGS with derivatives propagated with the state where the experiment has them, and Powell's
//! COBYLA where L-BFGS ends at a kink, as the ergotropy has at level crossings. Without them COBYLA comes first: it needs no
//! gradient, respects bounds, and does not assume curvature. Along a narrow ridge its linear models make little progress, so L-BFGS with
//! finite-difference gradients continues near a maximum, and COBYLA again where a kink stops L-BFGS. If all results are smooth, L-BFGS alone can
//! be selected.

use super::derivatives::{ByRanges, Derivatives};
use super::halton::halton;
use super::local::{by_cobyla_and_differences, by_differences, by_gradients};
use super::multistart::{Ended, lowest};
use super::question::Question;
use super::range::{Range, check};
use crate::diagnostic::{Code, Diagnostic};
use crate::emulator::{Emulator, Options, Request};
use crate::hamiltonian::{Evaluator, Fault, Values};
use crate::ir::Experiment;
use crate::syntax::Expr;
use rayon::prelude::*;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// A result, an expression as in `expect`.
    pub expr: Expr,
    /// The mark at which it is evaluated; by default the end, or the whole run.
    pub at: Option<String>,
    /// True to maximise, false to minimise.
    pub maximise: bool,
}

/// Local search method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Climb {
    /// L-BFGS with derivatives propagated with the state where the experiment has them, otherwise as `Cobyla`.
    #[default]
    Auto,
    /// Powell's COBYLA without gradient, then L-BFGS as far as the result is smooth.
    Cobyla,
    /// L-BFGS with finite-difference gradients.
    Lbfgs,
}

/// Keywords of [`Climb`]: (keyword, method, description).
pub const CLIMBS: &[(&str, Climb, &str)] = &[
    (
        "auto",
        Climb::Auto,
        "with derivatives propagated with the state where the experiment has them, otherwise as `cobyla`",
    ),
    ("cobyla", Climb::Cobyla, "first without gradients, for results with kinks"),
    ("lbfgs", Climb::Lbfgs, "with finite-difference gradients, for smooth results"),
];

/// Result of an optimisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimum {
    /// Optimal parameters, in the order of the ranges.
    pub values: Vec<f64>,
    /// The result there.
    pub best: f64,
    /// Number of evaluations of the result, those with derivatives included.
    pub runs: usize,
    /// Number of evaluations with derivatives.
    pub gradients: usize,
    /// How derivatives were computed.
    pub derivatives: Derivatives,
    /// Number of local searches that converged to this optimum, and their total number.
    pub climbs: (usize, usize),
    /// Number of different optima found.
    pub optima: usize,
    /// Estimated probability that a better optimum exists.
    pub doubt: f64,
    /// True if the doubt is small and the last round found nothing better; otherwise a better optimum may exist.
    pub settled: bool,
    /// True for parameters on one of their bounds.
    pub bound: Vec<bool>,
}

/// Fraction of a range below which a distance counts as zero.
const NOTHING: f64 = 1e-6;

/// True if superoperators with their derivatives would take longer than a few more runs: with relaxation of more than two states.
fn relaxes(experiment: &Experiment, values: &Values) -> bool {
    let open = !experiment.system.relax.is_empty() || !experiment.noises.is_empty();
    open && Evaluator::new(experiment, values).is_ok_and(|e| e.basis.size() > 2.0)
}

/// Points of the first round, per parameter.
const POINTS: usize = 64;

/// Budget of evaluations, per parameter.
const BUDGET: usize = 6000;

/// Why an experiment with relaxation is searched without derivatives.
const SLOW_GRADIENTS: &str = "with relaxation of more than one spin 1/2, runs take less time than derivatives";

/// The costs of the first round, and the first error among them.
fn first_round(looked: Vec<Result<Option<f64>, Fault>>) -> (Vec<Option<f64>>, Option<Fault>) {
    let mut why = None;
    let mut cost = |result: Result<Option<f64>, Fault>| match result {
        Ok(value) => value,
        Err(fault) => {
            why.get_or_insert(fault);
            None
        }
    };
    let sampled = looked.into_iter().map(&mut cost).collect();
    (sampled, why)
}

/// The error for a goal that has no value anywhere.
fn undefined(goal: &Goal) -> Fault {
    let message = format!("`{}` is undefined everywhere in these ranges", goal.expr);
    Diagnostic::without_place(Code::UnknownResult, message).into()
}

/// Optimises the parameters. `starts` is the number of points evaluated first; by default proportional to the number of parameters.
///
/// # Errors
/// When there are no ranges, or the experiment fails at all start points.
pub fn optimise(
    experiment: &Experiment,
    given: &Values,
    options: &Options,
    ranges: &[Range],
    goal: &Goal,
    starts: Option<usize>,
    climb: Climb,
) -> Result<Optimum, Fault> {
    check(experiment, given, ranges)?;
    let n = ranges.len();
    let emulator = Emulator::new(experiment);
    let question = Question {
        emulator: &emulator,
        given,
        options,
        request: [Request { expr: goal.expr.clone(), at: goal.at.clone() }],
    };
    let sign = if goal.maximise { -1.0 } else { 1.0 };
    let cost = |shares: &[f64]| -> Result<Option<f64>, Fault> {
        let values = ranges.iter().zip(shares).map(|(r, s)| (r.name.clone(), r.at(*s)));
        Ok(question.answer(values)?.map(|x| sign * x))
    };
    let points = starts.unwrap_or(POINTS * n).max(2);
    let (sampled, why) = first_round((0..points).into_par_iter().map(|k| cost(&halton(k, n))).collect());
    let known = sampled.iter().flatten();
    let (low, high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(*x), b.max(*x)));
    // The cost of a point at which the experiment fails.
    let wall = high + (high - low).abs().max(f64::MIN_POSITIVE);
    // Results span many decades; the costs compared by COBYLA must be of order 1.
    let scale = (wall - low).max(f64::MIN_POSITIVE);
    let cost_of = |shares: &[f64]| cost(shares).ok().flatten();
    let by_ranges = ByRanges::new(experiment, options, ranges);
    let at = |shares: &[f64]| -> Values {
        let own = ranges.iter().zip(shares).map(|(r, s)| (r.name.clone(), r.at(*s)));
        given.iter().map(|(name, x)| (name.clone(), *x)).chain(own).collect()
    };
    let [request] = &question.request;
    let derivatives = match climb {
        Climb::Auto if relaxes(experiment, &at(&halton(0, n))) => Derivatives::Differences(SLOW_GRADIENTS.into()),
        Climb::Auto => by_ranges.kind((0..points).map(|k| at(&halton(k, n))), request),
        Climb::Cobyla | Climb::Lbfgs => Derivatives::Differences("another local search was chosen".into()),
    };
    let gradients = AtomicUsize::new(0);
    let inside = |x: &[f64]| -> Vec<f64> { x.iter().map(|s| s.clamp(0.0, 1.0)).collect() };
    let descend = |start: &[f64], step: f64, tight: bool| -> Ended {
        let runs = Cell::new(0);
        let value = |x: &[f64]| {
            runs.set(runs.get() + 1);
            (cost_of(&inside(x)).unwrap_or(wall) - low) / scale
        };
        let with_gradient = |x: &[f64]| {
            runs.set(runs.get() + 1);
            gradients.fetch_add(1, Ordering::Relaxed);
            let found = by_ranges.at(&at(&inside(x)), request)?;
            let gradient = found.gradient.iter().zip(ranges).map(|(g, r)| sign * g * (r.high - r.low) / scale);
            Some(((sign * found.value - low) / scale, gradient.collect()))
        };
        let (x, y) = match (climb, &derivatives) {
            (Climb::Auto, Derivatives::Propagated) => by_gradients((&value, &with_gradient), start, step, tight),
            (Climb::Lbfgs, _) => by_differences(&value, start, 1.0, tight),
            (Climb::Auto | Climb::Cobyla, _) => by_cobyla_and_differences(&value, start, step, tight),
        };
        Ended { at: inside(&x), cost: y * scale + low, evaluations: runs.get() }
    };
    let found = lowest(&cost_of, &descend, n, sampled, (BUDGET * n).max(8 * points));
    let found = found.ok_or_else(|| why.unwrap_or_else(|| undefined(goal)))?;
    Ok(Optimum {
        values: ranges.iter().zip(&found.at).map(|(r, s)| r.at(*s)).collect(),
        best: sign * found.cost,
        runs: found.evaluations,
        gradients: gradients.load(Ordering::Relaxed),
        derivatives,
        climbs: (found.alike, found.descents),
        optima: found.minima,
        doubt: found.doubt,
        settled: found.settled,
        bound: found.at.iter().map(|s| *s < NOTHING || *s > 1.0 - NOTHING).collect(),
    })
}
