//! How many points the distributions of an ensemble have.

use super::value::{Evaluator, Fault};
use crate::ir::Distribution;

/// How many points a distribution has when the file does not say.
const POINTS: usize = 21;

/// How many points a distribution of the experiment has: those that replace the written ones, the written ones, or the default.
///
/// # Errors
/// When the number cannot be evaluated.
pub fn points_of(e: &Evaluator, d: &Distribution) -> Result<usize, Fault> {
    Ok(written_points(e, d)?.unwrap_or(POINTS))
}

/// The same, `None` where the file does not say.
///
/// # Errors
/// When the number cannot be evaluated.
pub fn written_points(e: &Evaluator, d: &Distribution) -> Result<Option<usize>, Fault> {
    let number = e.experiment.ensemble.iter().position(|other| std::ptr::eq(other, d));
    match e.ensemble_points.iter().find(|(k, _)| Some(*k) == number) {
        Some((_, points)) => Ok(Some(*points)),
        None => d.points.as_ref().map(|p| e.count(p, 1)).transpose(),
    }
}
