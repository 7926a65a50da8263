//! Whether a powder has enough orientations: the same experiment with fewer of them.

use super::results::{Mark, Run};
use super::run::run;
use super::settings::Options;
use crate::hamiltonian::{Evaluator, Fault, Values, coarser};
use crate::ir::Experiment;
use crate::syntax::{Expr, number_text};

/// A sentence that says how much results change when the orientations are fewer; none where there is no powder, or too small a one.
///
/// # Errors
/// When the experiment cannot be run with fewer orientations.
pub fn powder(
    experiment: &Experiment,
    found: &Run,
    given: &Values,
    options: &Options,
) -> Result<Option<String>, Fault> {
    let e = Evaluator::new(experiment, given)?;
    let mut fewer = experiment.clone();
    let Some(d) = fewer.ensemble.iter_mut().find(|d| d.quantity == "orientation") else { return Ok(None) };
    let Some(points) = d.points.as_ref().map(|p| e.count(p, 1)).transpose()? else { return Ok(None) };
    // A grid of fewer points than this tells nothing of the one that was asked for.
    const FEWEST: usize = 5;
    let Some(less) = coarser(&d.shape, points).filter(|n| *n >= FEWEST) else { return Ok(None) };
    d.points = Some(Expr::number(less as f64));
    let coarse = run(&fewer, given, options, &[])?;
    let mut all: Vec<Change> = Vec::new();
    for (a, b) in found.traces.iter().zip(&coarse.traces) {
        for ((key, x), (_, y)) in a.values.iter().zip(&b.values) {
            all.push(Change::new("signals", key, x.iter().copied().zip(y.iter().copied())));
        }
    }
    let keys = found.marks.first().map_or(&[][..], |m| &m.values);
    for (k, (key, _)) in keys.iter().enumerate() {
        let kind = if key.starts_with("coherence_order") { "coherence orders" } else { "energies" };
        let at = |m: &Mark| m.values.get(k).and_then(|(_, v)| *v);
        all.push(Change::new(kind, key, found.marks.iter().map(at).zip(coarse.marks.iter().map(at))));
    }
    // What is zero but for rounding, as the imaginary part of a signal, is measured by the largest of its kind.
    let largest = |kind: &str| all.iter().filter(|c| c.kind == kind).fold(0.0f64, |m, c| m.max(c.largest));
    let share = |c: &Change| if c.apart > 0.0 { c.apart / largest(c.kind) } else { 0.0 };
    let Some(most) = all.iter().max_by(|a, b| share(a).total_cmp(&share(b))) else { return Ok(None) };
    Ok(Some(format!(
        "powder: with {less} in place of {} points no result changes by more than {:.1e} of the largest of its kind (`{}`)",
        number_text(points as f64),
        share(most),
        most.key
    )))
}

/// How much a result changes.
struct Change<'a> {
    /// Results of one kind are compared by the largest of them.
    kind: &'static str,
    key: &'a str,
    largest: f64,
    apart: f64,
}

impl<'a> Change<'a> {
    fn new(kind: &'static str, key: &'a str, pairs: impl Iterator<Item = (Option<f64>, Option<f64>)>) -> Change<'a> {
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
