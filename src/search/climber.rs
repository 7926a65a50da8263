//! Local searches of an objective of pulse shapes, from one or several starts.

use super::climb::{WALL, descend_to};
use super::controls::{Controls, Limits, polar};
use crate::diagnostic::{Code, Diagnostic};
use crate::emulator::Objective;
use crate::hamiltonian::Fault;
use std::cell::{Cell, RefCell};

/// A local search ends where a step changes the result by less than this fraction.
pub(super) const CONVERGED: f64 = 1e-13;

/// The objective with what every local search of it needs.
pub(super) struct Climber<'a> {
    pub objective: &'a dyn Objective,
    pub maximise: bool,
    pub iterations: u64,
    /// Costs should be of order 1, but results span many decades.
    pub scale: f64,
    /// The value that is enough.
    pub enough: Option<f64>,
    pub gradients: Cell<usize>,
    failed: RefCell<Option<Fault>>,
}

/// Where a local search ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub value: f64,
    pub free: Vec<f64>,
}

impl<'a> Climber<'a> {
    fn sign(&self) -> f64 {
        if self.maximise { -1.0 } else { 1.0 }
    }

    /// True if a value is enough.
    pub fn is_enough(&self, value: f64) -> bool {
        self.enough.is_some_and(|enough| if self.maximise { value >= enough } else { value <= enough })
    }

    /// True if a value is better than another one.
    pub fn is_better(&self, value: f64, than: f64) -> bool {
        if self.maximise { value > than } else { value < than }
    }

    /// Local search from a start, with pulses that last `stretch` times as long as written.
    ///
    /// # Errors
    /// If the objective is undefined at the start.
    pub fn climb(&self, controls: &Controls, start: Vec<f64>, stretch: f64) -> Result<Ended, Fault> {
        let factor = self.sign() / self.scale;
        let cost = |free: &[f64]| -> Option<(f64, Vec<f64>)> {
            self.gradients.set(self.gradients.get() + 1);
            let found = self.objective.gradient(&controls.steps(free), stretch);
            let found = found.map_err(|e| *self.failed.borrow_mut() = Some(e)).ok()?;
            let gradient = controls.back(free, &found.steps).into_iter().map(|x| factor * x).collect();
            Some((factor * found.value, gradient))
        };
        let enough = self.enough.map_or(f64::NEG_INFINITY, |enough| enough * factor);
        let (low, free) = descend_to(&cost, start, self.iterations, CONVERGED, enough);
        if low < WALL {
            return Ok(Ended { value: low / factor, free });
        }
        let nothing = || Diagnostic::without_place(Code::NotConverged, "no start gives a finite result").into();
        Err(self.failed.borrow_mut().take().unwrap_or_else(nothing))
    }

    /// Local searches from several starts, until one is enough: the best, and the result of each.
    pub fn climb_all(
        &self,
        controls: &Controls,
        starts: Vec<Vec<f64>>,
        stretch: f64,
    ) -> Result<(Ended, Vec<f64>), Fault> {
        let mut best: Option<Ended> = None;
        let mut failed: Option<Fault> = None;
        let mut values = Vec::with_capacity(starts.len());
        for start in starts {
            let ended = match self.climb(controls, start, stretch) {
                Ok(ended) => ended,
                Err(fault) => {
                    failed = Some(fault);
                    continue;
                }
            };
            values.push(ended.value);
            let enough = self.is_enough(ended.value);
            if best.as_ref().is_none_or(|b| self.is_better(ended.value, b.value)) {
                best = Some(ended);
            }
            if enough {
                break;
            }
        }
        match (best, failed) {
            (Some(best), _) => Ok((best, values)),
            (None, Some(fault)) => Err(fault),
            (None, None) => Err(Diagnostic::without_place(Code::NotConverged, "there is no start").into()),
        }
    }
}

/// Maximises or minimises any objective over steps without further limits, from given steps (x, y): the best value and its steps.
///
/// # Errors
/// If the objective is undefined at the start.
pub fn optimise_steps(
    objective: &dyn Objective,
    maximise: bool,
    start: &[(f64, f64)],
    iterations: u64,
    enough: Option<f64>,
) -> Result<(f64, Vec<(f64, f64)>), Fault> {
    let own = polar(start);
    let controls = Controls::new(Limits::default(), &[(&own, 1.0)])?;
    let scale = objective.value(start, 1.0)?.abs().max(1e-3);
    let climber = climber(objective, maximise, iterations, scale, enough);
    let (ended, _) = climber.climb_all(&controls, vec![controls.variables_of(&own)], 1.0)?;
    Ok((ended.value, controls.steps(&ended.free)))
}

pub(super) fn climber(
    objective: &dyn Objective,
    maximise: bool,
    iterations: u64,
    scale: f64,
    enough: Option<f64>,
) -> Climber<'_> {
    Climber { objective, maximise, iterations, scale, enough, gradients: Cell::new(0), failed: RefCell::default() }
}
