//! Battery energies of a state reconstructed from single-shot counts.

use super::members::evaluator;
use super::observable::unit_of;
use super::settings::Options;
use super::tomography::battery_of;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, Values, build, members};
use crate::ir::Experiment;
use crate::metrics::Quantity;
use crate::spin::{Basis, SiteKind};
use crate::tomography::estimate::Battery;
use crate::tomography::{Counted, Energies, Estimator, Settings, counted_energies};
use crate::units::energy_scale;

/// The battery, with the unit of its energies.
pub struct Cells {
    /// Sites of the battery within the system, and its Hamiltonian in rad/s.
    pub battery: Battery,
    /// Number of spins of the whole system.
    pub spins: usize,
    /// Factor from rad/s to the reported unit.
    pub scale: f64,
    /// Unit of reported energies.
    pub unit: &'static str,
}

/// The battery of an experiment with spins 1/2 only.
///
/// # Errors
/// If there is no battery, or a site is not a spin 1/2.
pub fn cells_of(experiment: &Experiment, given: &Values, options: &Options) -> Result<Cells, Fault> {
    let e = Evaluator::new(experiment, given)?;
    let members = members(&e)?;
    let lost = || Diagnostic::without_place(Code::EmptySweep, "the ensemble has no members");
    let own = evaluator(experiment, given, options, members.first().ok_or_else(lost)?)?;
    let (schedule, _) = build(&own)?;
    let wrong = |message: &str| -> Fault { Diagnostic::without_place(Code::Contradiction, message).into() };
    let Some(battery) = &schedule.battery else {
        return Err(wrong("the program has no `battery`, so counts determine no energy"));
    };
    let basis: &Basis = &schedule.basis;
    if basis.sites.iter().any(|s| s.kind != SiteKind::Spin || s.dimension != 2) {
        return Err(wrong("counts need spins 1/2, but not every subsystem is one"));
    }
    if basis.sites.len() > crate::tomography::counts::MOST_SPINS {
        let most = crate::tomography::counts::MOST_SPINS;
        return Err(wrong(&format!("counts are supported for 1 to {most} spins, these are {}", basis.sites.len())));
    }
    let inside = battery.hamiltonian.restricted(&battery.sites);
    let hamiltonian = inside.ok_or_else(|| wrong("the `energy` of the battery acts on spins outside its cells"))?;
    Ok(Cells {
        battery: battery_of(basis, &battery.sites, hamiltonian.matrix()),
        spins: basis.sites.len(),
        scale: energy_scale(e.scope.units),
        unit: unit_of(Quantity::Energy, e.scope.units),
    })
}

impl Cells {
    /// State reconstructed from counts, and its energies with errors from `repetitions` (number, seed), in the reported unit.
    ///
    /// # Errors
    /// If eigenvalues cannot be computed.
    pub fn energies(
        &self,
        settings: &Settings,
        counts: &[u64],
        estimator: Estimator,
        repetitions: (usize, u64),
    ) -> Result<(Counted, Energies), Fault> {
        let found = counted_energies(settings, &self.battery, counts, estimator, repetitions).map_err(|why| {
            let message = format!("the state cannot be reconstructed: {why}");
            Fault::from(Diagnostic::without_place(Code::NotConverged, message))
        });
        found.map(|(state, e)| (state, e.times(self.scale)))
    }
}
