//! Setup of a run: the context of all evaluations, and notes on the sample.

use super::battery::cells;
use super::context::RunContext;
use super::request::Observables;
use super::truncation;
use crate::hamiltonian::{Evaluator, Fault, Prepared, Schedule};
use crate::metrics::Scene;
use crate::spin::Space;
use std::sync::Arc;

/// The context of a run: battery, prepared state and observables of the system as declared.
///
/// # Errors
/// If the battery or the cutoff of a mode cannot be evaluated.
pub fn open_context(
    e: &Evaluator,
    declared: &Schedule,
    space: Space,
    prepared: &Prepared,
    requested: Arc<Observables>,
) -> Result<RunContext, Fault> {
    let initial = prepared.state(&space);
    let cells = cells(e, declared, &space)?;
    let edges = truncation::edges(e, &space)?;
    let tomography = declared.tomography().cloned();
    let scene = Scene::new(space, cells, initial).with_averages(prepared.averaged());
    Ok(RunContext { requested, tomography, edges, ..RunContext::bare(scene) })
}

/// Adds a note if a discrete set of offsets rephases (artificial echo) within the sequence.
///
/// # Errors
/// If a distribution cannot be evaluated.
pub fn revivals(e: &Evaluator, duration: f64, context: &RunContext) -> Result<(), Fault> {
    const VISIBLE: f64 = 0.01;
    for d in &e.experiment.ensemble {
        let wrong = crate::hamiltonian::revival(e, d, duration)?;
        if wrong > VISIBLE {
            context.note(format!(
                "the distribution of offsets has too few points for the length of the sequence (artificial echo): coherences have an error of up to {wrong:.2} of their size; use more `points`"
            ));
        }
    }
    Ok(())
}

/// Adds a note on the Hamiltonian to which the energies of a powder refer.
pub fn energies_of_powders(e: &Evaluator, declared: &Schedule, context: &RunContext) {
    if declared.battery.is_some() && e.experiment.ensemble.iter().any(crate::ir::Distribution::is_powder) {
        context.note(
            "energies refer to the crystal as declared; `member_mean(energy)` averages the energies of the crystallites, each with its own Hamiltonian"
                .into(),
        );
    }
}
