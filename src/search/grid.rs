//! Steps on the grid of amplitudes and phases of a spectrometer.
//!
//! Rounding all steps of an optimum at once leaves the optimum. Instead, part of the steps is rounded and held, and the others are optimised
//! again from where they are: half of the remaining steps in every round, evenly spread over the shape. What is lost by rounding one part is
//! made up by the rest; the loss that remains is that of the last few steps.

use super::climber::Climber;
use super::controls::Controls;
use crate::diagnostic::{Code, Diagnostic};
use crate::emulator::Options;
use crate::hamiltonian::{Evaluator, Fault, Values, shape_grid};
use crate::ir::Experiment;
use crate::syntax::ExprKind;

/// Steps of the amplitude, as a fraction of the peak, and of the phase, rad, for every step of all shapes.
pub(super) struct Grid(Vec<(Option<f64>, Option<f64>)>);

impl Grid {
    /// The grid of the spectrometer of the options, if it rounds steps of these shapes.
    ///
    /// # Errors
    /// If two pulses use a shape with peaks that have different grids.
    pub fn of(
        experiment: &Experiment,
        given: &Values,
        options: &Options,
        shapes: &[&str],
    ) -> Result<Option<Grid>, Fault> {
        let Some(name) = &options.spectrometer else { return Ok(None) };
        let e = Evaluator::new(experiment, given)?;
        let hardware = crate::hamiltonian::spectrometer(&e, name)?;
        let mut all = Vec::new();
        for shape in shapes {
            let uses = |p: &&&crate::ir::Pulse| matches!(p.shape.as_ref().map(|x| &x.kind), Some(ExprKind::Name(name)) if name == shape);
            let pulses: Vec<_> = experiment.sequence.iter().flat_map(|event| event.pulses()).collect();
            let mut own: Option<(Option<f64>, Option<f64>)> = None;
            for pulse in pulses.iter().filter(uses) {
                let found = shape_grid(&e, &hardware, pulse)?;
                let same = |a: Option<f64>, b: Option<f64>| match (a, b) {
                    (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a,
                    (a, b) => a == b,
                };
                if let Some(before) = own
                    && !(same(before.0, found.0) && same(before.1, found.1))
                {
                    let message = format!(
                        "pulses of different peak rf use the shape `{shape}`, so its amplitudes have no common grid"
                    );
                    return Err(Diagnostic::new(Code::Contradiction, pulse.place.span(), message)
                        .label("another grid than the pulses before")
                        .help("give every pulse a shape of its own")
                        .into());
                }
                own = Some(found);
            }
            let count = experiment.shapes.iter().find(|s| s.name == **shape).map_or(0, |s| s.steps.len());
            all.extend(vec![own.unwrap_or_default(); count]);
        }
        Ok(all.iter().any(|(a, p)| a.is_some() || p.is_some()).then_some(Grid(all)))
    }

    /// The nearest point of the grid that is not above the peak.
    fn nearest(&self, k: usize, (x, y): (f64, f64)) -> (f64, f64) {
        let (amplitude, phase) = self.0.get(k).copied().unwrap_or_default();
        let (mut a, mut p) = (x.hypot(y), y.atan2(x));
        if let Some(step) = amplitude {
            a = ((a / step).round() * step).min((1.0 / step * (1.0 + 1e-9)).floor() * step);
        }
        if let Some(step) = phase {
            p = (p / step).round() * step;
        }
        (a * p.cos(), a * p.sin())
    }
}

/// The steps on the grid, from the free variables of an optimum.
///
/// # Errors
/// If the objective is undefined.
pub(super) fn on_grid(
    climber: &Climber,
    controls: &Controls,
    free: &[f64],
    grid: &Grid,
    stretch: f64,
) -> Result<Vec<(f64, f64)>, Fault> {
    let mut free = free.to_vec();
    let n = controls.steps(&free).len();
    let mut held: Vec<Option<(f64, f64)>> = vec![None; n];
    // The bits of the index in reverse order spread the steps of each round evenly.
    let bits = usize::BITS - n.max(2).saturating_sub(1).leading_zeros();
    let mut order: Vec<usize> = (0..1usize << bits).map(|k| k.reverse_bits() >> (usize::BITS - bits)).collect();
    order.retain(|k| *k < n);
    let mut left = order.as_slice();
    while !left.is_empty() {
        let (now, later) = left.split_at(left.len().div_ceil(2));
        let steps = controls.holding(held.clone()).steps(&free);
        for &k in now {
            if let (Some(place), Some(step)) = (held.get_mut(k), steps.get(k)) {
                *place = Some(grid.nearest(k, *step));
            }
        }
        left = later;
        if !left.is_empty() {
            free = climber.climb(&controls.holding(held.clone()), free, stretch)?.free;
        }
    }
    Ok(controls.holding(held).steps(&free))
}
