//! The propagator of the whole system from `prepare` on, followed for metrics of the evolution itself: two-point measurements of energy,
//! gates and quasienergies.

use super::engines::{StepError, Stepper, choose};
use super::generator::Generator;
use super::integrate::Integrator;
use super::observable::mentions;
use super::request::{Observables, Requests};
use super::settings::Options;
use super::trajectory::Trajectory;
use crate::hamiltonian::{Evaluator, Fault, Schedule, Segment, Step};
use crate::linalg::{Matrix, identity};
use crate::metrics::{LARGEST_PROPAGATOR, NoPropagator};
use crate::spin::{Basis, Space, State};

/// The propagator of one member up to now, or why there is none.
pub type Followed = Result<Matrix, NoPropagator>;

/// True if a requested quantity depends on the propagator.
pub fn is_requested(e: &Evaluator, requests: Requests, observables: &Observables) -> bool {
    let needs = |expr| mentions(expr, |metric| metric.of_propagator);
    let curves = observables.aggregates.iter().map(|a| &a.curve);
    let marked = observables.at_marks.iter().map(|a| &a.metric);
    observables.observables.iter().chain(curves).chain(marked).any(|o| needs(&o.expr))
        || requests.member_means(e).iter().any(|(_, expr)| needs(expr))
}

/// Why a system has no propagator, whatever its sequence.
pub fn refused(basis: &Basis) -> Option<NoPropagator> {
    if basis.sites.iter().any(|s| s.multiplets().is_empty()) {
        return Some(NoPropagator::Truncated);
    }
    if basis.has_copies() {
        return Some(NoPropagator::Copies);
    }
    (basis.size() > LARGEST_PROPAGATOR as f64).then_some(NoPropagator::TooLarge)
}

/// The propagator at `prepare`.
pub fn begin(schedule: &Schedule, space: &Space) -> Followed {
    if let Some(why) = refused(&schedule.basis) {
        return Err(why);
    }
    if !space.is_whole() {
        return Err(NoPropagator::NotFollowed);
    }
    Ok(identity(space.len()))
}

/// The propagator after some steps.
///
/// # Errors
/// If the method fails.
pub fn through(integrator: &mut Integrator, steps: &[Step], mut followed: Followed) -> Result<Followed, Fault> {
    for step in steps {
        let Ok(before) = followed else { return Ok(followed) };
        if !step.is_unitary() {
            return Ok(Err(NoPropagator::NotUnitary));
        }
        followed = Ok(integrator.step_propagator(step, before)?);
    }
    Ok(followed)
}

/// The propagator along a segment: one trajectory for each of its columns.
pub struct PropagatorTrack<'a> {
    columns: Result<Vec<Trajectory<'a>>, NoPropagator>,
}

impl<'a> PropagatorTrack<'a> {
    /// From the propagator at the start of a segment.
    ///
    /// # Errors
    /// If no method can be chosen.
    pub fn new(
        followed: &Followed,
        generator: &'a Generator,
        segment: &Segment,
        options: &Options,
    ) -> Result<PropagatorTrack<'a>, StepError> {
        let before = match followed {
            Err(why) => return Ok(PropagatorTrack { columns: Err(*why) }),
            Ok(_) if !segment.relaxing.is_empty() => {
                return Ok(PropagatorTrack { columns: Err(NoPropagator::NotUnitary) });
            }
            Ok(before) => before,
        };
        let track = |state: State| -> Result<Trajectory<'a>, StepError> {
            let stepper: Box<dyn Stepper + 'a> = choose(generator, segment, &state, options.method, options.tolerance)?;
            Ok(Trajectory::new(stepper, state))
        };
        let columns = before.column_iter().map(|column| track(State::Pure(column.into_owned())));
        Ok(PropagatorTrack { columns: Ok(columns.collect::<Result<_, _>>()?) })
    }

    /// The propagator at time t of the segment.
    ///
    /// # Errors
    /// If the method fails.
    pub fn at(&mut self, t: f64) -> Result<Followed, StepError> {
        let columns = match &mut self.columns {
            Err(why) => return Ok(Err(*why)),
            Ok(columns) => columns,
        };
        let mut out = Matrix::zeros(columns.len(), columns.len());
        for (k, column) in columns.iter_mut().enumerate() {
            match column.state(t)? {
                State::Pure(psi) => out.set_column(k, &psi),
                State::Mixed(_) => return Ok(Err(NoPropagator::NotUnitary)),
            }
        }
        Ok(Ok(out))
    }
}
