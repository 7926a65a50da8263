//! Numbers of points of the distributions of an ensemble.

use super::value::{Evaluator, Fault};
use crate::ir::Distribution;

/// Default number of points of a distribution.
const POINTS: usize = 21;

/// Number of points of a distribution: the override if there is one, otherwise the value in the file, otherwise the default.
///
/// # Errors
/// If the number cannot be evaluated.
pub fn points_of(e: &Evaluator, d: &Distribution) -> Result<usize, Fault> {
    Ok(written_points(e, d)?.unwrap_or(POINTS))
}

/// The same; `None` if the file gives no number.
///
/// # Errors
/// If the number cannot be evaluated.
pub fn written_points(e: &Evaluator, d: &Distribution) -> Result<Option<usize>, Fault> {
    let number = e.experiment.ensemble.iter().position(|other| std::ptr::eq(other, d));
    match e.ensemble_points.iter().find(|(k, _)| Some(*k) == number) {
        Some((_, points)) => Ok(Some(*points)),
        None => d.points.as_ref().map(|p| e.count(p, 1)).transpose(),
    }
}
