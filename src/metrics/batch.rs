//! Metrics of a batch of states as curves, one state a lane: the counterparts of the curves of single states.

use super::bohr_batch::{BohrBatch, CurveBatch, LevelsBatch, without_mean};
use crate::lanes::{Lane, MatrixBatch};

/// What metrics of a batch refer to.
pub struct SceneBatch {
    /// The Hamiltonian of the battery, which is the whole system, rad/s; `None` where the file has no battery.
    pub battery: Option<MatrixBatch>,
    /// The prepared states.
    pub initial: MatrixBatch,
}

/// The curves of a metric in a batch.
pub type InLanes = fn(&BohrBatch, &SceneBatch) -> Option<CurveBatch>;

pub(super) fn energy(b: &BohrBatch, scene: &SceneBatch) -> Option<CurveBatch> {
    Some(b.mean_of(scene.battery.as_ref()?))
}

pub(super) fn stored_energy(b: &BohrBatch, scene: &SceneBatch) -> Option<CurveBatch> {
    Some(b.change_of(scene.battery.as_ref()?, &scene.initial))
}

pub(super) fn rate(b: &BohrBatch, scene: &SceneBatch) -> Option<CurveBatch> {
    Some(b.rate_of(scene.battery.as_ref()?))
}

pub(super) fn l1_coherence(b: &BohrBatch, scene: &SceneBatch) -> Option<CurveBatch> {
    scene.battery.as_ref().map(|_| b.l1())
}

/// While eigenvalues stay what they are, the ergotropy changes as the energy does.
pub(super) fn ergotropy(b: &BohrBatch, scene: &SceneBatch) -> Option<CurveBatch> {
    let h = traceless(scene.battery.as_ref()?);
    let (r, e) = (eigenvalues(&traceless(b.begin()))?, eigenvalues(&h)?);
    Some(b.deviation_of(&h).raised(-passive(&r, &e)))
}

pub(super) fn capacity(b: &BohrBatch, scene: &SceneBatch) -> Option<CurveBatch> {
    let (r, e) = (eigenvalues(&traceless(b.begin()))?, eigenvalues(&traceless(scene.battery.as_ref()?))?);
    Some(b.constant(active(&r, &e) - passive(&r, &e)))
}

/// The lowest energy on the unitary orbit: the largest population in the lowest level. Both lists ascend.
fn passive(r: &[Lane], e: &[Lane]) -> Lane {
    r.iter().rev().zip(e).fold(Lane::zero(), |sum, (r, e)| sum + *r * *e)
}

/// The highest energy on the unitary orbit.
fn active(r: &[Lane], e: &[Lane]) -> Lane {
    r.iter().zip(e).fold(Lane::zero(), |sum, (r, e)| sum + *r * *e)
}

fn traceless(m: &MatrixBatch) -> MatrixBatch {
    without_mean(m).1
}

/// Ascending in every lane; what does not converge is not a number, and makes its lane irregular.
fn eigenvalues(m: &MatrixBatch) -> Option<Vec<Lane>> {
    let (LevelsBatch { mut values, .. }, converged) = LevelsBatch::of(m.clone(), false);
    for value in &mut values {
        value.0.iter_mut().zip(converged).for_each(|(x, ok)| *x = if ok { *x } else { f64::NAN });
    }
    Some(values)
}
