//! The parameters at which a result is largest or smallest.
//!
//! From the best of many points Powell's COBYLA climbs: it needs no gradient, keeps within bounds, and a metric such as ergotropy, which
//! has kinks where levels cross, does not lead it astray as it would a method that believes in curvature. Where a result is smooth,
//! L-BFGS climbs as well; it is there for who asks.

use super::climb::descend;
use super::{Question, Range, check, halton, share, unbounded};
use crate::diagnostic::{Code, Diagnostic};
use crate::emulator::{Emulator, Options};
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
    /// Powell's COBYLA, without a gradient.
    #[default]
    Cobyla,
    /// L-BFGS, with a gradient by differences.
    Lbfgs,
}

/// The words of [`Climb`].
pub const CLIMBS: &[(&str, Climb, &str)] = &[
    ("cobyla", Climb::Cobyla, "without a gradient, for results with kinks"),
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
    let question = Question { emulator: &emulator, given, options, expr: &goal.expr, at: goal.at.as_deref() };
    let sign = if goal.maximise { -1.0 } else { 1.0 };
    let cost = |shares: &[f64]| -> Result<Option<f64>, Fault> {
        let values = ranges.iter().zip(shares).map(|(r, s)| (r.name.clone(), r.at(*s)));
        Ok(question.answer(values)?.map(|x| sign * x))
    };
    let points: Vec<Vec<f64>> = (0..starts.unwrap_or(24 * n).max(1)).map(|k| halton(k, n)).collect();
    let looked: Vec<Result<Option<f64>, Fault>> = points.par_iter().map(|p| cost(p)).collect();
    let mut seen: Vec<(f64, &Vec<f64>)> = Vec::new();
    let mut why = None;
    for (result, point) in looked.into_iter().zip(&points) {
        match result {
            Ok(Some(x)) => seen.push((x, point)),
            Ok(None) => {}
            Err(diagnostic) => why = why.or(Some(diagnostic)),
        }
    }
    if seen.is_empty() {
        return Err(why.unwrap_or_else(|| {
            Diagnostic::without_place(
                Code::UnknownResult,
                format!("`{}` has no value anywhere in these ranges", goal.expr),
            )
            .into()
        }));
    }
    seen.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Where a point fails in the middle of a climb it is worse than all that were seen.
    let worst = seen.last().map_or(0.0, |(x, _)| *x);
    let wall = worst + (worst - seen[0].0).abs().max(f64::MIN_POSITIVE);
    // The sizes of results span many decades; those of costs that COBYLA compares must not.
    let scale = (wall - seen[0].0).max(f64::MIN_POSITIVE);
    let climbs: Vec<(f64, Vec<f64>, usize)> = seen
        .par_iter()
        .take(n + 3)
        .map(|(_, start)| {
            let runs = Cell::new(0);
            let value = |x: &[f64]| {
                runs.set(runs.get() + 1);
                let inside: Vec<f64> = x.iter().map(|s| s.clamp(0.0, 1.0)).collect();
                (cost(&inside).ok().flatten().unwrap_or(wall) - seen[0].0) / scale
            };
            let (x, y) = match climb {
                Climb::Cobyla => without_gradient(&value, start),
                Climb::Lbfgs => with_gradient(&value, start),
            };
            (y * scale + seen[0].0, x.iter().map(|s| s.clamp(0.0, 1.0)).collect(), runs.get())
        })
        .collect();
    let mut best = (seen[0].0, seen[0].1.clone());
    for (x, shares, _) in &climbs {
        if *x < best.0 {
            best = (*x, shares.clone());
        }
    }
    let near = |x: f64| (x - best.0).abs() <= NOTHING * scale;
    Ok(Optimum {
        values: ranges.iter().zip(&best.1).map(|(r, s)| r.at(*s)).collect(),
        best: sign * best.0,
        runs: points.len() + climbs.iter().map(|c| c.2).sum::<usize>(),
        climbs: (climbs.iter().filter(|c| near(c.0)).count(), climbs.len()),
        bound: best.1.iter().map(|s| *s < NOTHING || *s > 1.0 - NOTHING).collect(),
    })
}

/// From a point of the unit cube to where COBYLA ends, and the cost there.
fn without_gradient(value: &dyn Fn(&[f64]) -> f64, start: &[f64]) -> (Vec<f64>, f64) {
    let n = start.len();
    let cost = |x: &[f64], _: &mut ()| value(x);
    let stop = cobyla::StopTols { xtol_abs: vec![1e-9; n], ..cobyla::StopTols::default() };
    let none: [fn(&[f64], &mut ()) -> f64; 0] = [];
    let size = cobyla::RhoBeg::All(0.1 / n as f64);
    // Whether it stopped for its tolerance or its rounding, the best point is what it returns.
    match cobyla::minimize(cost, start, &vec![(0.0, 1.0); n], &none, (), 400 * n, size, Some(stop)) {
        Ok((_, x, y)) | Err((_, x, y)) => (x, y),
    }
}

/// From a point of the unit cube to where L-BFGS ends, and the cost there. Shares are `(1 + sin u)/2`, so they keep within bounds.
fn with_gradient(value: &dyn Fn(&[f64]) -> f64, start: &[f64]) -> (Vec<f64>, f64) {
    // The cube root of the rounding, which is best for differences of both sides.
    const STEP: f64 = 6e-6;
    let shares = |u: &[f64]| -> Vec<f64> { u.iter().map(|u| share(*u)).collect() };
    let slope = |u: &[f64]| {
        let gradient = (0..u.len()).map(|k| {
            let moved = |by: f64| {
                let mut u = u.to_vec();
                u[k] += by;
                value(&shares(&u))
            };
            (moved(STEP) - moved(-STEP)) / (2.0 * STEP)
        });
        Some((value(&shares(u)), gradient.collect()))
    };
    let free = start.iter().map(|s| unbounded(*s)).collect();
    let (y, u) = descend(&slope, free, 200);
    (shares(&u), y)
}
