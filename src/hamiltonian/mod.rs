//! From experiment to schedule: what acts and when, at one parameter point. Each interaction has its own file.

mod centres;
pub mod compiled;
mod decoupling;
mod display;
mod dissipators;
mod drive;
mod ensemble;
pub mod ensemble_program;
mod envelope;
mod fault;
mod gaps;
mod hardware;
pub mod instrument;
mod interactions;
mod invariants;
mod kernel;
mod lebedev;
mod lock;
mod lower;
mod neglected;
mod orientation;
mod points;
pub mod powder;
mod prepare;
pub mod program;
mod quadrature;
mod readout;
pub mod sample;
mod schedule;
mod shape_use;
mod spectrometer;
mod spread;
mod substitution;
mod truncated;
mod value;
pub mod wanted;

pub use crate::waveform::Scalar;
pub use display::describe;
pub use ensemble::{Member, members, revival, scans};
pub use hardware::Spectrometer;
pub use interactions::is_individual;
pub use invariants::Invariants;
pub use lower::build;
pub use orientation::Frame as CrystalFrame;
pub use points::points_of;
pub use powder::coarser;
pub use prepare::{Deviation, Prepared, prepare};
pub use schedule::{
    Acquire, Battery, ChangingRate, Control, Feedback, Filtered, Kick, Look, OrderDecay, Project, Reading, Receiver,
    Receiving, Record, Relaxing, Reset, Schedule, Segment, ShapeSteps, ShapeUse, Step, Strobe, Term, Tomography,
    duration,
};
pub use shape_use::shape_grid;
pub use spectrometer::spectrometer;
pub use substitution::MemberSchedules;
pub use value::{Evaluator, Fault, Parameters, Repetitions, TimeOperator, Values, Variation, Varying};

/// Builds the schedule at the given values, with the steps and limits of a spectrometer if one is named, without running it, and
/// prepares the state of a small system. Returns warnings.
///
/// # Errors
/// If there is an error, or the spectrometer cannot do something.
pub fn examine(
    experiment: &crate::ir::Experiment,
    values: &Values,
    spectrometer: Option<&str>,
) -> Result<Vec<crate::diagnostic::Diagnostic>, Fault> {
    let mut evaluator = Evaluator::new(experiment, values)?;
    evaluator.spectrometer = spectrometer.map(|name| spectrometer::spectrometer(&evaluator, name)).transpose()?;
    let (schedule, mut warnings) = build(&evaluator)?;
    warnings.extend(neglected::warnings(&evaluator, &schedule)?);
    // A large state is not formed just for checking.
    const SMALL: f64 = 64.0;
    if evaluator.basis.size() <= SMALL {
        prepare(&evaluator, &schedule.prepare, schedule.prepare_place.span())?;
    }
    Ok(warnings)
}
