//! The shortest duration of shaped pulses with which a result is reached.
//!
//! Between a duration that is long enough and one that is not, the next one follows from the derivative of the best result with respect to
//! the logarithm of the duration (Newton's method), which at an optimum of the steps is the derivative at constant steps; otherwise the
//! interval is halved. Every search starts from the steps found before: they keep their shares of the duration. With the impulse response of a
//! transmitter, whose steps stay as long as they are, the sequence is recompiled for every duration, and the next one is always found by bisection.

use super::climber::{Climber, Ended};
use super::controls::Controls;
use crate::emulator::{Gradient, Objective, PulseObjective};
use crate::hamiltonian::Fault;
use std::cell::RefCell;
use std::rc::Rc;

/// Accuracy of the duration, as a fraction of it.
const ACCURACY: f64 = 5e-5;

/// Maximum number of durations that are tried.
const MOST: usize = 60;

/// Makes the objective for pulses that last this many times as long.
type Made<'a> = &'a dyn Fn(f64) -> Result<PulseObjective, Fault>;

/// An objective that is recompiled for every duration.
pub(super) struct Recompiled<'a> {
    made: Made<'a>,
    /// The last duration, and its objective.
    last: RefCell<Option<(f64, Rc<PulseObjective>)>>,
}

impl<'a> Recompiled<'a> {
    pub fn new(made: Made<'a>) -> Recompiled<'a> {
        Recompiled { made, last: RefCell::default() }
    }

    fn at(&self, stretch: f64) -> Result<Rc<PulseObjective>, Fault> {
        if let Some((known, objective)) = &*self.last.borrow()
            && *known == stretch
        {
            return Ok(objective.clone());
        }
        let objective = Rc::new((self.made)(stretch)?);
        *self.last.borrow_mut() = Some((stretch, objective.clone()));
        Ok(objective)
    }
}

impl Objective for Recompiled<'_> {
    fn steps(&self) -> usize {
        self.at(1.0).map_or(0, |objective| objective.steps())
    }

    fn value(&self, steps: &[(f64, f64)], stretch: f64) -> Result<f64, Fault> {
        self.at(stretch)?.value(steps, 1.0)
    }

    /// The derivative with respect to the duration is left out: it is zero.
    fn gradient(&self, steps: &[(f64, f64)], stretch: f64) -> Result<Gradient, Fault> {
        Ok(Gradient { duration: 0.0, ..self.at(stretch)?.gradient(steps, 1.0)? })
    }
}

/// The shortest duration, as a multiple of that of the file, with its controls and steps; `found` is enough at 1.
///
/// # Errors
/// If the objective is undefined.
pub(super) fn shortest(
    climber: &Climber,
    of: &dyn Fn(f64) -> Result<Controls, Fault>,
    controls: Controls,
    found: Ended,
) -> Result<(f64, Controls, Ended), Fault> {
    let (mut low, mut high) = (0.0, 1.0f64);
    let mut best = (controls, found);
    let mut next = 0.5;
    for _ in 0..MOST {
        if high - low <= ACCURACY * high {
            break;
        }
        // A bandwidth may not fit into a shorter pulse.
        let Ok(controls) = of(next) else {
            low = next;
            next = 0.5 * (low + high);
            continue;
        };
        let ended = climber.climb(&controls, best.1.free.clone(), next)?;
        if climber.is_enough(ended.value) {
            high = next;
            best = (controls, ended);
            next = 0.5 * (low + high);
            continue;
        }
        low = next;
        let missing = climber.enough.unwrap_or(ended.value) - ended.value;
        let derivative = climber.objective.gradient(&controls.steps(&ended.free), next)?.duration;
        let newton = next * (missing / derivative).exp() * (1.0 + 0.5 * ACCURACY);
        let inside = newton > low + 0.25 * ACCURACY * high && newton < high - 0.25 * ACCURACY * high;
        next = if inside { newton } else { 0.5 * (low + high) };
    }
    Ok((high, best.0, best.1))
}
