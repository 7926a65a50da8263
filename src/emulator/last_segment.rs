//! The segment that acted last on a member: it defines the rates at a mark.

use super::integrate::Integrator;
use super::meeting::{LastAction, last_action};
use super::motion::ActingSegment;
use crate::hamiltonian::{Fault, Step};
use crate::spin::Space;

/// The segment that acts at the end of some steps; `before` is that at their start. `None` if nothing acts.
///
/// # Errors
/// If a reading that it depends on has no value.
pub fn after<'a>(
    steps: &'a [Step],
    before: Option<ActingSegment<'a>>,
    integrator: &Integrator,
    space: &'a Space,
) -> Result<Option<ActingSegment<'a>>, Fault> {
    Ok(match last_action(steps) {
        LastAction::None => before,
        LastAction::Instantaneous => None,
        LastAction::Segment(segment) => Some(ActingSegment::new(segment, space)),
        LastAction::Driven(step) => match integrator.bound(step)? {
            Step::Segment(segment) => Some(ActingSegment::owned(segment, space)),
            _ => None,
        },
    })
}
