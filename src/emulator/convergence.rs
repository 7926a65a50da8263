//! Convergence test of a powder average: repeats the experiment with fewer orientations.

use super::request::Observation;
use super::results::{Observations, Observed};
use super::run::observe;
use super::settings::Options;
use crate::hamiltonian::{Evaluator, Fault, Values, coarser, points_of};
use crate::ir::{Experiment, key_of};
use crate::syntax::number_text;

/// A sentence stating how much results change with fewer orientations; `None` if there is no powder, or it is too small.
///
/// # Errors
/// If the experiment cannot be run with fewer orientations.
pub fn powder(
    experiment: &Experiment,
    found: &Observations,
    given: &Values,
    options: &Options,
    observation: &Observation,
) -> Result<Option<String>, Fault> {
    let mut e = Evaluator::new(experiment, given)?;
    e.ensemble_points.clone_from(&observation.points);
    let orientations = experiment.ensemble.iter().enumerate().find(|(_, d)| d.is_powder());
    let Some((number, d)) = orientations else { return Ok(None) };
    let points = points_of(&e, d)?;
    // A coarser grid than this says nothing about the requested one.
    const FEWEST: usize = 5;
    let Some(less) = coarser(d.shape, points).filter(|n| *n >= FEWEST) else { return Ok(None) };
    let mut fewer = observation.clone();
    fewer.points.retain(|(k, _)| *k != number);
    fewer.points.push((number, less));
    let coarse = observe(experiment, given, options, &fewer)?;
    let mut all: Vec<Change> = Vec::new();
    for (a, b) in found.signals.iter().zip(&coarse.signals) {
        for ((key, x), (_, y)) in a.values.iter().zip(&b.values) {
            all.push(Change::new("signals", key.clone(), x.iter().copied().zip(y.iter().copied())));
        }
    }
    for (k, metric) in observation.metrics.iter().enumerate() {
        let key = key_of(metric);
        let kind = if key.starts_with("coherence_order") { "coherence orders" } else { "energies" };
        let at = |o: &Observed| o.value(k);
        all.push(Change::new(kind, key, found.observed.iter().map(at).zip(coarse.observed.iter().map(at))));
    }
    // Values that vanish up to rounding, such as the imaginary part of a signal, are compared with the largest result of their kind.
    let largest = |kind: &str| all.iter().filter(|c| c.kind == kind).fold(0.0f64, |m, c| m.max(c.largest));
    let share = |c: &Change| if c.apart > 0.0 { c.apart / largest(c.kind) } else { 0.0 };
    let Some(most) = all.iter().max_by(|a, b| share(a).total_cmp(&share(b))) else { return Ok(None) };
    Ok(Some(format!(
        "powder: with {less} instead of {} points, no result changes by more than {:.1e} of the largest value of its kind (`{}`)",
        number_text(points as f64),
        share(most),
        most.key
    )))
}

/// Change of one result.
struct Change {
    /// Results of one kind share the scale of their largest.
    kind: &'static str,
    key: String,
    largest: f64,
    apart: f64,
}

impl Change {
    fn new(kind: &'static str, key: String, pairs: impl Iterator<Item = (Option<f64>, Option<f64>)>) -> Change {
        let mut change = Change { kind, key, largest: 0.0, apart: 0.0 };
        for (x, y) in pairs {
            if let (Some(x), Some(y)) = (x, y) {
                change.largest = change.largest.max(x.abs());
                change.apart = change.apart.max((x - y).abs());
            }
        }
        change
    }
}
