//! Optimises the steps of a pulse shape.
//!
//! Amplitudes are kept within the peak by `a = sin w`, phases are free, and L-BFGS uses the exact gradient of [`PulseObjective`].
//! Objectives with few steps have local maxima, so it starts from the file's own shape and from random ones, determined by the seed.

use super::climb::{FINEST, descend};
use super::optimise::Goal;
use crate::emulator::{Options, PulseObjective};
use crate::hamiltonian::{Fault, Values};
use crate::ir::Experiment;
use crate::noise::Noise;
use std::cell::{Cell, RefCell};
use std::f64::consts::{PI, TAU};

/// Settings of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// Name of the shape.
    pub shape: String,
    /// Number of random start shapes, in addition to the file's own.
    pub starts: usize,
    /// Maximum number of iterations per start.
    pub iterations: u64,
    /// Seed of the random shapes.
    pub seed: u64,
}

/// Result of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Shaped {
    /// (amplitude as a fraction of the peak, phase from 0 to 2 pi) of every step.
    pub steps: Vec<(f64, f64)>,
    /// Result for the file's own shape.
    pub before: f64,
    /// Best result.
    pub best: f64,
    /// Final result of each local search, the file's own shape first.
    pub climbs: Vec<f64>,
    /// Number of gradient evaluations.
    pub gradients: usize,
}

/// Cartesian components of the steps from the free variables w, phi of each step; the amplitude is `sin w`.
fn cartesian(free: &[f64]) -> Vec<(f64, f64)> {
    free.as_chunks().0.iter().map(|[w, phi]| (w.sin() * phi.cos(), w.sin() * phi.sin())).collect()
}

/// Optimises the shape.
///
/// # Errors
/// Those of [`PulseObjective::new`], and when the result cannot be evaluated for a start shape.
pub fn shape(
    experiment: &Experiment,
    given: &Values,
    options: &Options,
    goal: &Goal,
    search: &Search,
) -> Result<Shaped, Fault> {
    let objective = PulseObjective::new(experiment, given, options, &search.shape, (&goal.expr, goal.at.as_deref()))?;
    let sign = if goal.maximise { -1.0 } else { 1.0 };
    let own: Vec<f64> = experiment
        .shapes
        .iter()
        .filter(|s| s.name == search.shape)
        .flat_map(|s| &s.steps)
        // On the bound the derivative with respect to w vanishes, and the search would never leave it.
        .flat_map(|(a, phase)| [a.min(0.999).asin(), *phase])
        .collect();
    let before = objective.value(&cartesian(&own))?;
    let mut starts = vec![own];
    for item in 0..search.starts {
        let mut noise = Noise::new(search.seed, item as u64);
        starts.push((0..objective.steps()).flat_map(|_| [0.5 * PI * noise.even(), TAU * noise.even()]).collect());
    }
    let mut values = vec![before];
    for start in starts.iter().skip(1) {
        values.push(objective.value(&cartesian(start))?);
    }
    // Results span many decades; costs should be of order 1.
    let scale = values.iter().fold(0.0, |m: f64, x| m.max(x.abs())).max(f64::MIN_POSITIVE);
    let gradients = Cell::new(0);
    let failed: RefCell<Option<Fault>> = RefCell::default();
    let cost = |free: &[f64]| -> Option<(f64, Vec<f64>)> {
        gradients.set(gradients.get() + 1);
        let (value, by_step) = objective.gradient(&cartesian(free)).map_err(|e| *failed.borrow_mut() = Some(e)).ok()?;
        let factor = sign / scale;
        let gradient = free.as_chunks().0.iter().zip(by_step).flat_map(|([w, phi], (x, y))| {
            let (along, across) = (x * phi.cos() + y * phi.sin(), y * phi.cos() - x * phi.sin());
            [factor * w.cos() * along, factor * w.sin() * across]
        });
        Some((factor * value, gradient.collect()))
    };
    let mut best: Option<(f64, Vec<f64>)> = None;
    let mut climbs = Vec::with_capacity(starts.len());
    for start in starts {
        let (low, at) = descend(&cost, start, search.iterations, FINEST);
        climbs.push(low * scale * sign);
        if best.as_ref().is_none_or(|(b, _)| low < *b) {
            best = Some((low, at));
        }
    }
    if let (Some(fault), None) = (failed.into_inner(), &best) {
        return Err(fault);
    }
    let (_, free) = best.unwrap_or_default();
    let steps: Vec<(f64, f64)> = free
        .as_chunks()
        .0
        .iter()
        .map(|[w, phi]| {
            let a = w.sin();
            (a.abs(), (if a < 0.0 { phi + PI } else { *phi }).rem_euclid(TAU))
        })
        .collect();
    let there: Vec<(f64, f64)> = steps.iter().map(|(a, phase)| (a * phase.cos(), a * phase.sin())).collect();
    Ok(Shaped { best: objective.value(&there)?, steps, before, climbs, gradients: gradients.get() })
}
