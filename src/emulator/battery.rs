//! The battery of a schedule, in the form used by metrics.

use super::levels;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, Schedule};
use crate::metrics::Cells;
use crate::spin::Space;

/// The battery of a schedule, with the energy levels of its collective spins; `None` if the schedule has no battery.
pub fn cells(e: &Evaluator, schedule: &Schedule, space: &Space) -> Result<Option<Cells>, Fault> {
    let Some(battery) = &schedule.battery else { return Ok(None) };
    let levels = levels::levels(e, &battery.sites)?;
    let cells = Cells::new(space, battery.sites.clone(), &battery.hamiltonian, levels);
    cells.map(Some).ok_or_else(|| {
        Diagnostic::new(
            Code::WrongOperator,
            battery.place.span(),
            "the `energy` of the battery acts on subsystems outside its cells",
        )
        .help("add these subsystems to `cells`, or restrict `energy` to the cells")
        .into()
    })
}
