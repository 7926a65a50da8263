//! Local minimisation from a point of the unit cube, for costs of order 1.

use super::climb::{FINEST, descend};
use super::range::{share, unbounded};

/// Alternates COBYLA and L-BFGS from a start point with initial step `step`, until neither improves; returns the point and its cost.
pub fn with_and_without(value: &dyn Fn(&[f64]) -> f64, start: &[f64], step: f64, tight: bool) -> (Vec<f64>, f64) {
    // Minimum improvement per round, as a fraction of the range of costs, and maximum number of rounds.
    let (progress, rounds) = if tight { (1e-10, 8) } else { (1e-7, 6) };
    let lower = |a: (Vec<f64>, f64), b: (Vec<f64>, f64)| if b.1 < a.1 { b } else { a };
    let mut best = without_gradient(value, start, step, 0.1 * step);
    for round in 0..rounds {
        let smooth = with_gradient(value, &best.0, 2.0 * step, tight);
        best = lower(best, smooth);
        let (before, size) = (best.1, step * 0.1f64.powi(round + 1));
        let kinked = without_gradient(value, &best.0, size, if tight { 1e-9 } else { 0.1 * size });
        best = lower(best, kinked);
        if before - best.1 <= progress {
            break;
        }
    }
    best
}

/// COBYLA from a start point with initial step `step` and final step `near`; returns the point and its cost.
fn without_gradient(value: &dyn Fn(&[f64]) -> f64, start: &[f64], step: f64, near: f64) -> (Vec<f64>, f64) {
    let n = start.len();
    let cost = |x: &[f64], _: &mut ()| value(x);
    let stop = cobyla::StopTols { xtol_abs: vec![near; n], ..cobyla::StopTols::default() };
    let none: [fn(&[f64], &mut ()) -> f64; 0] = [];
    let size = cobyla::RhoBeg::All(step);
    // The best point is returned whether it stopped at its tolerance or at rounding.
    match cobyla::minimize(cost, start, &vec![(0.0, 1.0); n], &none, (), 60 * n, size, Some(stop)) {
        Ok((_, x, y)) | Err((_, x, y)) => (x, y),
    }
}

/// L-BFGS from a start point, within `reach` of it; returns the point and its cost. Coordinates are `(1 + sin u)/2` between the bounds;
/// close bounds keep the first step, which is of the size of the gradient, from jumping into another basin.
pub fn with_gradient(value: &dyn Fn(&[f64]) -> f64, start: &[f64], reach: f64, tight: bool) -> (Vec<f64>, f64) {
    // Near the cube root of the machine epsilon, the optimal step of central differences, or larger for noisy costs.
    let (step, most, least) = if tight { (6e-6, 200, FINEST) } else { (1e-4, 40, 1e-8) };
    let bounds: Vec<(f64, f64)> = start.iter().map(|x| ((x - reach).max(0.0), (x + reach).min(1.0))).collect();
    let shares = |u: &[f64]| -> Vec<f64> { u.iter().zip(&bounds).map(|(u, (a, b))| a + (b - a) * share(*u)).collect() };
    let slope = |u: &[f64]| {
        let gradient = (0..u.len()).map(|k| {
            let moved = |by: f64| {
                let mut u = u.to_vec();
                u.iter_mut().skip(k).take(1).for_each(|x| *x += by);
                value(&shares(&u))
            };
            (moved(step) - moved(-step)) / (2.0 * step)
        });
        Some((value(&shares(u)), gradient.collect()))
    };
    let free = start.iter().zip(&bounds).map(|(x, (a, b))| unbounded((x - a) / (b - a))).collect();
    let (y, u) = descend(&slope, free, most, least);
    (shares(&u), y)
}
