//! Metrics of a batch of states as curves, one state per lane: the batched counterparts of the single-state curves.

use super::bohr_batch::{BohrBatch, LevelsBatch, without_mean};
use super::curve_batch::CurveBatch;
use crate::lanes::{Lane, MatrixBatch};

/// The reference data of the metrics of a batch.
pub struct SceneBatch {
    /// Hamiltonian of the battery, if the battery is the whole system, rad/s; `None` if the file declares no battery.
    pub battery: Option<MatrixBatch>,
    /// The prepared states.
    pub initial: MatrixBatch,
}

/// Returns the curves of a metric for a batch of states on the whole product space, in which every state counts once; `None` if the metric
/// has no such form, for example without a battery. Each lane has the value of a single run to rounding; NaN sends its point to one.
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

/// The eigenvalues of the state are constant, so the ergotropy changes by as much as the energy.
pub(super) fn ergotropy(b: &BohrBatch, scene: &SceneBatch) -> Option<CurveBatch> {
    let h = traceless(scene.battery.as_ref()?);
    let (r, e) = (eigenvalues(&traceless(b.begin()))?, eigenvalues(&h)?);
    Some(b.deviation_of(&h).raised(-passive(&r, &e)))
}

pub(super) fn capacity(b: &BohrBatch, scene: &SceneBatch) -> Option<CurveBatch> {
    let (r, e) = (eigenvalues(&traceless(b.begin()))?, eigenvalues(&traceless(scene.battery.as_ref()?))?);
    Some(b.constant(active(&r, &e) - passive(&r, &e)))
}

/// Lowest energy on the unitary orbit: largest populations in the lowest levels. Both lists are ascending.
fn passive(r: &[Lane], e: &[Lane]) -> Lane {
    r.iter().rev().zip(e).fold(Lane::zero(), |sum, (r, e)| sum + *r * *e)
}

/// Highest energy on the unitary orbit. Both lists are ascending.
fn active(r: &[Lane], e: &[Lane]) -> Lane {
    r.iter().zip(e).fold(Lane::zero(), |sum, (r, e)| sum + *r * *e)
}

fn traceless(m: &MatrixBatch) -> MatrixBatch {
    without_mean(m).1
}

/// Eigenvalues, ascending in every lane; NaN in lanes that do not converge, which marks these lanes as irregular.
fn eigenvalues(m: &MatrixBatch) -> Option<Vec<Lane>> {
    let (LevelsBatch { mut values, .. }, converged) = LevelsBatch::of(m.clone(), false);
    for value in &mut values {
        value.0.iter_mut().zip(converged).for_each(|(x, ok)| *x = if ok { *x } else { f64::NAN });
    }
    Some(values)
}
