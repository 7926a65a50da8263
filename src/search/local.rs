//! Local minimisation from a point of the unit cube, for costs of order 1.

use super::climb::{CostWithGradient, FINEST, descend};
use super::range::{share, unbounded};
use std::cell::Cell;

/// Alternates COBYLA and L-BFGS from a start point with initial step `step`, until neither improves the cost; returns the point and its cost.
pub fn by_cobyla_and_differences(
    value: &dyn Fn(&[f64]) -> f64,
    start: &[f64],
    step: f64,
    tight: bool,
) -> (Vec<f64>, f64) {
    // Minimum improvement per round, as a fraction of the range of costs, and maximum number of rounds.
    let (progress, rounds) = if tight { (1e-10, 8) } else { (1e-7, 6) };
    let lower = |a: (Vec<f64>, f64), b: (Vec<f64>, f64)| if b.1 < a.1 { b } else { a };
    let mut best = by_cobyla(value, start, step, 0.1 * step);
    for round in 0..rounds {
        let smooth = by_differences(value, &best.0, 2.0 * step, tight);
        best = lower(best, smooth);
        let (before, size) = (best.1, step * 0.1f64.powi(round + 1));
        let at_kink = by_cobyla(value, &best.0, size, if tight { 1e-9 } else { 0.1 * size });
        best = lower(best, at_kink);
        if before - best.1 <= progress {
            break;
        }
    }
    best
}

/// A cost.
pub type Cost<'a> = &'a dyn Fn(&[f64]) -> f64;

/// L-BFGS with exact gradients from a start point, within `2 step` of it, repeated from its end point if that lies on these bounds. If it
/// ends where the gradient is still large, as at a kink, COBYLA and L-BFGS follow. Returns the point and its cost.
pub fn by_gradients(
    (value, with_gradient): (Cost, CostWithGradient),
    start: &[f64],
    step: f64,
    tight: bool,
) -> (Vec<f64>, f64) {
    // Steepness, relative to the largest that was met, above which the end is no minimum of a smooth cost; number of moves and of kinks.
    let (flat, moves, kinks) = if tight { (1e-4, 8, 3) } else { (1e-3, 6, 2) };
    // Smallest change of the cost, of order 1, that counts.
    let progress = if tight { 1e-10 } else { 1e-7 };
    let steepest = Cell::new(1.0f64);
    let evaluated = |x: &[f64]| {
        let found = with_gradient(x)?;
        steepest.set(found.1.iter().map(|g| g * g).sum::<f64>().sqrt().max(steepest.get()));
        Some(found)
    };
    let mut best = (start.to_vec(), value(start));
    for kink in 0..=kinks {
        for _ in 0..moves {
            let before = best.1;
            let ended = within(&evaluated, &best.0, 2.0 * step, tight);
            if ended.1 < best.1 {
                best = ended;
            }
            if before - best.1 <= progress {
                break;
            }
        }
        let steep = evaluated(&best.0).map(|(_, g)| inward(&best.0, &g));
        if kink == kinks || steep.is_some_and(|g| g <= flat * steepest.get()) {
            break;
        }
        let (before, size) = (best.1, step * 0.1f64.powi(kink));
        let at_kink = by_cobyla(value, &best.0, size, if tight { 1e-9 } else { 0.1 * size });
        if at_kink.1 < best.1 {
            best = at_kink;
        }
        if before - best.1 <= progress {
            break;
        }
    }
    best
}

/// The steepness of a cost at a point of the unit cube along directions that stay in it.
fn inward(x: &[f64], gradient: &[f64]) -> f64 {
    const ON_BOUND: f64 = 1e-6;
    let free = |(x, g): (&f64, &f64)| {
        let leaves = (*x <= ON_BOUND && *g > 0.0) || (*x >= 1.0 - ON_BOUND && *g < 0.0);
        if leaves { 0.0 } else { g * g }
    };
    x.iter().zip(gradient).map(free).sum::<f64>().sqrt()
}

/// L-BFGS with derivatives within `reach` of a point.
fn within(with_gradient: CostWithGradient, start: &[f64], reach: f64, tight: bool) -> (Vec<f64>, f64) {
    // On a bound the derivative of the change of variables vanishes.
    const INSIDE: f64 = 1e-3;
    let (most, least) = if tight { (200, FINEST) } else { (40, 1e-7) };
    let bounds: Vec<(f64, f64)> = start.iter().map(|x| ((x - reach).max(0.0), (x + reach).min(1.0))).collect();
    let shares = |u: &[f64]| -> Vec<f64> { u.iter().zip(&bounds).map(|(u, (a, b))| a + (b - a) * share(*u)).collect() };
    let inside = |u: &[f64]| {
        let (cost, gradient) = with_gradient(&shares(u))?;
        let by_angle = gradient.iter().zip(u).zip(&bounds).map(|((g, u), (a, b))| 0.5 * g * (b - a) * u.cos());
        Some((cost, by_angle.collect()))
    };
    let place = |(x, (a, b)): (&f64, &(f64, f64))| unbounded(((x - a) / (b - a)).clamp(INSIDE, 1.0 - INSIDE));
    let (y, u) = descend(&inside, start.iter().zip(&bounds).map(place).collect(), most, least);
    (shares(&u), y)
}

/// COBYLA from a start point with initial step `step` and final step `near`; returns the point and its cost.
fn by_cobyla(value: &dyn Fn(&[f64]) -> f64, start: &[f64], step: f64, near: f64) -> (Vec<f64>, f64) {
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
pub fn by_differences(value: &dyn Fn(&[f64]) -> f64, start: &[f64], reach: f64, tight: bool) -> (Vec<f64>, f64) {
    // Near the cube root of the machine epsilon, the optimal step of central differences, or larger for noisy costs.
    let (step, most, least) = if tight { (6e-6, 200, FINEST) } else { (1e-4, 40, 1e-8) };
    let bounds: Vec<(f64, f64)> = start.iter().map(|x| ((x - reach).max(0.0), (x + reach).min(1.0))).collect();
    let shares = |u: &[f64]| -> Vec<f64> { u.iter().zip(&bounds).map(|(u, (a, b))| a + (b - a) * share(*u)).collect() };
    let with_gradient = |u: &[f64]| {
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
    let (y, u) = descend(&with_gradient, free, most, least);
    (shares(&u), y)
}
