//! What is followed of each member from `prepare` on besides its state: its propagator.

use super::context::RunContext;
use super::integrate::Integrator;
use super::whole_propagator::{self, Followed};
use crate::hamiltonian::{Fault, Schedule, Step};
use crate::metrics::{NoPropagator, Process};

/// The propagators of all members up to now.
pub struct MemberPaths {
    propagators: Vec<Followed>,
}

impl MemberPaths {
    /// Nothing is followed.
    pub fn new(members: usize) -> MemberPaths {
        MemberPaths { propagators: (0..members).map(|_| Err(NoPropagator::NotFollowed)).collect() }
    }

    /// Follows the propagators.
    pub fn follow_propagators(&mut self, schedules: &[&Schedule], context: &RunContext) {
        self.propagators = schedules.iter().map(|s| whole_propagator::begin(s, context.space())).collect();
    }

    /// Takes some steps of a member into account.
    ///
    /// # Errors
    /// If a method fails.
    pub fn advance(&mut self, member: usize, integrator: &mut Integrator, steps: &[Step]) -> Result<(), Fault> {
        if let Some(followed) = self.propagators.get_mut(member) {
            let before = std::mem::replace(followed, Err(NoPropagator::NotFollowed));
            *followed = whole_propagator::through(integrator, steps, before)?;
        }
        Ok(())
    }

    /// The propagators of all members.
    pub fn propagators(&self) -> &[Followed] {
        &self.propagators
    }

    /// Sets the propagators of all members.
    pub fn set_propagators(&mut self, propagators: Vec<Followed>) {
        self.propagators = propagators;
    }

    /// The propagator of each member, or why there is none.
    pub fn iter(&self) -> impl Iterator<Item = Result<&Process, NoPropagator>> {
        self.propagators.iter().map(|p| p.as_ref().map_err(|why| *why))
    }
}
