//! The parameters at which a result is largest or smallest.
//!
//! From many points ([`super::multistart`]) Powell's COBYLA climbs: it needs no gradient, keeps within bounds, and does not assume a
//! curvature, which a metric such as ergotropy does not have where levels cross. Along a narrow ridge its linear models make little
//! progress, so L-BFGS, with a gradient by differences, goes on from where it is near a maximum, and COBYLA again from where a kink
//! stops L-BFGS. Where all results are smooth, L-BFGS alone may be asked for.

use super::halton::halton;
use super::local::{with_and_without, with_gradient};
use super::multistart::{Ended, lowest};
use super::question::Question;
use super::range::{Range, check};
use crate::diagnostic::{Code, Diagnostic};
use crate::emulator::{Emulator, Options, Request};
use crate::hamiltonian::{Fault, Values};
use crate::ir::Experiment;
use crate::syntax::Expr;
use rayon::prelude::*;
use std::cell::Cell;

/// What is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// A result, as in `expect`.
    pub expr: Expr,
    /// The mark at which it is wanted; the end, or the whole run, when not given.
    pub at: Option<String>,
    /// Whether it shall be large.
    pub maximise: bool,
}

/// How it climbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Climb {
    /// Powell's COBYLA, without a gradient, then L-BFGS as far as the result is smooth.
    #[default]
    Cobyla,
    /// L-BFGS, with a gradient by differences.
    Lbfgs,
}

/// The words of [`Climb`].
pub const CLIMBS: &[(&str, Climb, &str)] = &[
    ("cobyla", Climb::Cobyla, "first without a gradient, for results with kinks"),
    ("lbfgs", Climb::Lbfgs, "with a gradient by differences, for smooth results"),
];

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimum {
    /// Values of the parameters, in the order of the ranges.
    pub values: Vec<f64>,
    /// The result there.
    pub best: f64,
    /// How many times the experiment was run.
    pub runs: usize,
    /// How many of the climbs ended there, and how many there were.
    pub climbs: (usize, usize),
    /// How many optima of different height the climbs found.
    pub optima: usize,
    /// The estimated probability that there is a better one that no climb has found.
    pub doubt: f64,
    /// Whether that is small and the last round found nothing better; if not, the best may be another.
    pub settled: bool,
    /// Whether a parameter lies on one of its bounds.
    pub bound: Vec<bool>,
}

/// A share of a range that counts as nothing.
const NOTHING: f64 = 1e-6;

/// Looks for the best values. `starts` are the points that are looked at first; a multiple of the number of parameters when not given.
///
/// # Errors
/// When the ranges are none, or the experiment fails wherever it is looked at.
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
    // Points of the first round, and evaluations, a parameter.
    const POINTS: usize = 64;
    const BUDGET: usize = 6000;
    let points = starts.unwrap_or(POINTS * n).max(2);
    let looked: Vec<Result<Option<f64>, Fault>> = (0..points).into_par_iter().map(|k| cost(&halton(k, n))).collect();
    let mut sampled: Vec<Option<f64>> = Vec::with_capacity(points);
    let mut why = None;
    for result in looked {
        match result {
            Ok(value) => sampled.push(value),
            Err(diagnostic) => {
                why = why.or(Some(diagnostic));
                sampled.push(None);
            }
        }
    }
    let known = || sampled.iter().flatten();
    let (low, high) = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(*x), b.max(*x)));
    // Where a point fails in the middle of a climb it is worse than all that were seen.
    let wall = high + (high - low).abs().max(f64::MIN_POSITIVE);
    // The sizes of results span many decades; those of costs that COBYLA compares must not.
    let scale = (wall - low).max(f64::MIN_POSITIVE);
    let cost_of = |shares: &[f64]| cost(shares).ok().flatten();
    let descend = |start: &[f64], step: f64, tight: bool| -> Ended {
        let runs = Cell::new(0);
        let value = |x: &[f64]| {
            runs.set(runs.get() + 1);
            let inside: Vec<f64> = x.iter().map(|s| s.clamp(0.0, 1.0)).collect();
            (cost_of(&inside).unwrap_or(wall) - low) / scale
        };
        let (x, y) = match climb {
            Climb::Cobyla => with_and_without(&value, start, step, tight),
            Climb::Lbfgs => with_gradient(&value, start, 1.0, tight),
        };
        let at = x.iter().map(|s| s.clamp(0.0, 1.0)).collect();
        Ended { at, cost: y * scale + low, evaluations: runs.get() }
    };
    let Some(found) = lowest(&cost_of, &descend, n, sampled, (BUDGET * n).max(8 * points)) else {
        return Err(why.unwrap_or_else(|| {
            let message = format!("`{}` has no value anywhere in these ranges", goal.expr);
            Diagnostic::without_place(Code::UnknownResult, message).into()
        }));
    };
    Ok(Optimum {
        values: ranges.iter().zip(&found.at).map(|(r, s)| r.at(*s)).collect(),
        best: sign * found.cost,
        runs: found.evaluations,
        climbs: (found.alike, found.descents),
        optima: found.minima,
        doubt: found.doubt,
        settled: found.settled,
        bound: found.at.iter().map(|s| *s < NOTHING || *s > 1.0 - NOTHING).collect(),
    })
}
