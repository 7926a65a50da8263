//! Optimises the steps of pulse shapes.
//!
//! L-BFGS with the exact gradient of the objective, over the free variables of `super::controls`. An objective with few steps has local
//! maxima. The search therefore starts from the shapes of the file and from random ones, determined by the seed, and stops when the result
//! reaches the requested value or its upper bound.

use super::climber::climber;
use super::controls::{Controls, Limits, polar};
use super::grid::{Grid, on_grid};
use super::optimise::Goal;
use super::shortest::{Recompiled, shortest};
use crate::emulator::{Objective, Options, PulseObjective, Request, is_of_propagator, largest_value};
use crate::hamiltonian::{Evaluator, Fault, Values};
use crate::ir::{Experiment, MEMBER_MEAN};
use crate::noise::Noise;
use crate::syntax::{Expr, ExprKind, Factor};

/// Settings of the search.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Search {
    /// Names of the shapes.
    pub shapes: Vec<String>,
    /// Number of random starts, in addition to the file's own shapes.
    pub starts: usize,
    /// Maximum number of iterations per start.
    pub iterations: u64,
    /// Seed of the random shapes.
    pub seed: u64,
    /// Limits of the steps.
    pub limits: Limits,
    /// The value that is enough.
    pub reach: Option<f64>,
    /// True to find the shortest duration of the shaped pulses with which the value that is enough is reached.
    pub shortest: bool,
}

/// Result of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Shaped {
    /// (amplitude as a fraction of the peak, phase from 0 to 2 pi) of every step of every shape.
    pub shapes: Vec<Vec<(f64, f64)>>,
    /// Result for the file's own shapes.
    pub before: f64,
    /// Best result.
    pub best: f64,
    /// Final result of each local search, the file's own shapes first.
    pub climbs: Vec<f64>,
    /// Number of gradient evaluations.
    pub gradients: usize,
    /// Duration of the shaped pulses as a multiple of what the file gives.
    pub stretch: f64,
    /// False if a value to reach was given and the best result does not reach it.
    pub reached: bool,
}

/// Values that differ from the largest one by less than this count as equal to it.
const COMPLETE: f64 = 1e-10;

/// Optimises the shapes.
///
/// # Errors
/// Those of [`PulseObjective::new`], when limits contradict each other, and when the result cannot be evaluated for a start.
pub fn shape(
    experiment: &Experiment,
    given: &Values,
    options: &Options,
    goal: &Goal,
    search: &Search,
) -> Result<Shaped, Fault> {
    let names: Vec<&str> = search.shapes.iter().map(String::as_str).collect();
    let target = (&goal.expr, goal.at.as_deref());
    let objective = PulseObjective::new(experiment, given, options, &names, target)?;
    // The steps of a kernel do not shorten with the pulse: a pulse of another duration is another sequence.
    let filtered = search.shortest && experiment.channels.iter().any(|c| c.kernel.is_some());
    let at =
        |stretch: f64| PulseObjective::new(&stretched(experiment, &names, stretch), given, options, &names, target);
    let recompiled = Recompiled::new(&at);
    let own = own_steps(experiment, &names);
    let durations = objective.step_durations();
    let shapes: Vec<(&[(f64, f64)], f64)> =
        own.iter().zip(&durations).map(|(steps, duration)| (steps.as_slice(), *duration)).collect();
    let controls = Controls::new(search.limits, &shapes)?;
    let all: Vec<(f64, f64)> = own.concat();
    let mut starts = vec![controls.variables_of(&all)];
    for item in 0..search.starts {
        starts.push(controls.random(&mut Noise::new(search.seed, item as u64)));
    }
    let cartesian: Vec<(f64, f64)> = all.iter().map(|(a, p)| (a * p.cos(), a * p.sin())).collect();
    let before = objective.value(&cartesian, 1.0)?;
    let mut scale = before.abs();
    for start in &starts {
        scale = scale.max(objective.value(&controls.steps(start), 1.0)?.abs());
    }
    let complete = largest_value(&goal.expr).filter(|_| goal.maximise).map(|most| most - COMPLETE);
    let enough = search.reach.or(complete);
    let climbed: &dyn Objective = if filtered { &recompiled } else { &objective };
    let climber = climber(climbed, goal.maximise, search.iterations, scale.max(f64::MIN_POSITIVE), enough);
    let (mut ended, climbs) = climber.climb_all(&controls, starts, 1.0)?;
    let mut stretch = 1.0;
    let mut last = controls;
    if search.shortest && climber.is_enough(ended.value) {
        let of = |stretch: f64| {
            let longer: Vec<(&[(f64, f64)], f64)> = shapes.iter().map(|(s, t)| (*s, t * stretch)).collect();
            Controls::new(search.limits, &longer)
        };
        (stretch, last, ended) = shortest(&climber, &of, last, ended)?;
    }
    let mut steps = last.steps(&ended.free);
    if let Some(grid) = Grid::of(experiment, given, options, &names)? {
        steps = on_grid(&climber, &last, &ended.free, &grid, stretch)?;
    }
    let best = climbed.value(&steps, stretch)?;
    let reached = search.reach.is_none() || climber.is_enough(best);
    let mut parts = polar(&steps).into_iter();
    let shapes = own.iter().map(|steps| parts.by_ref().take(steps.len()).collect()).collect();
    Ok(Shaped { shapes, before, best, climbs, gradients: climber.gradients.get(), stretch, reached })
}

fn own_steps(experiment: &Experiment, names: &[&str]) -> Vec<Vec<(f64, f64)>> {
    let of = |name: &&str| experiment.shapes.iter().find(|s| s.name == **name).map(|s| s.steps.clone());
    names.iter().filter_map(of).collect()
}

/// The experiment with other steps of its shapes, and shaped pulses that last `stretch` times as long.
pub fn reshaped(experiment: &Experiment, search: &Search, found: &Shaped) -> Experiment {
    let mut with = experiment.clone();
    for (name, steps) in search.shapes.iter().zip(&found.shapes) {
        with.shapes.iter_mut().filter(|s| s.name == *name).for_each(|s| s.steps.clone_from(steps));
    }
    let names: Vec<&str> = search.shapes.iter().map(String::as_str).collect();
    if found.stretch == 1.0 { with } else { stretched(&with, &names, found.stretch) }
}

/// The experiment with pulses of these shapes that last `stretch` times as long.
fn stretched(experiment: &Experiment, shapes: &[&str], stretch: f64) -> Experiment {
    let mut with = experiment.clone();
    let longer = |expr: &Expr| {
        let factor = |value: Expr| Factor { divides: false, value };
        Expr { kind: ExprKind::Product(vec![factor(expr.clone()), factor(Expr::number(stretch))]), place: expr.place }
    };
    let is_shaped = |shape: &Option<Box<Expr>>| matches!(shape.as_ref().map(|s| &s.kind), Some(ExprKind::Name(name)) if shapes.contains(&name.as_str()));
    for event in &mut with.sequence {
        event.each_pulse(&mut |pulse| {
            if is_shaped(&pulse.shape) {
                pulse.duration = pulse.duration.as_ref().map(longer);
            }
        });
    }
    with
}

/// The goal as a result of a run: of an ensemble, metrics of the propagator are means over the members.
pub fn in_run(experiment: &Experiment, goal: &Goal) -> Request {
    let mut expr = goal.expr.clone();
    let is_mean = matches!(&expr.kind, ExprKind::Call(name, _) if name == MEMBER_MEAN);
    if is_of_propagator(&expr) && !is_mean && !experiment.ensemble.is_empty() {
        expr = Expr { place: expr.place, kind: ExprKind::Call(MEMBER_MEAN.to_string(), vec![expr]) };
    }
    Request { expr, at: goal.at.clone() }
}

/// Duration of the first pulse with a shape, s or natural units of time, if it is given.
pub fn duration_of(e: &Evaluator, shape: &str) -> Option<f64> {
    let named = |expr: &Expr| matches!(&expr.kind, ExprKind::Name(name) if name == shape);
    let pulses = e.experiment.sequence.iter().flat_map(|event| event.pulses());
    let first = pulses.into_iter().find(|p| p.shape.as_deref().is_some_and(named))?;
    e.number(first.duration.as_ref()?).ok()
}
