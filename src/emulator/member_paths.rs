//! What is followed of each member from `prepare` on besides its state: its propagator, and its heat.

use super::context::RunContext;
use super::engines::StepError;
use super::feedback::Values;
use super::heat::{HeatTrack, Meter};
use super::integrate::Integrator;
use super::motion::{ActingSegment, Heat, Heats};
use super::settings::Options;
use super::whole_propagator::{self, PropagatorTrack};
use crate::hamiltonian::{Fault, Schedule, Segment, Step};
use crate::metrics::{NoHeat, NoPropagator, Process};
use crate::spin::{Action, State};

/// What is followed of one member, at a moment.
#[derive(Debug, Clone)]
pub struct Path {
    /// Its propagator.
    pub propagator: whole_propagator::Followed,
    /// Its heats.
    pub heats: Heats,
}

/// What is followed of all members up to now.
pub struct MemberPaths<'a> {
    paths: Vec<Path>,
    /// For the heat with the battery as declared, of all members.
    declared: Option<Meter<'a>>,
    /// For the heat with the battery of each member.
    own: Vec<Meter<'a>>,
}

impl<'a> MemberPaths<'a> {
    /// Nothing is followed.
    pub fn new(members: usize) -> MemberPaths<'a> {
        let nothing = || Path { propagator: Err(NoPropagator::NotFollowed), heats: Heats::none(NoHeat::NotFollowed) };
        MemberPaths { paths: (0..members).map(|_| nothing()).collect(), declared: None, own: vec![] }
    }

    /// Follows the propagators.
    pub fn follow_propagators(&mut self, schedules: &[&Schedule], context: &RunContext) {
        for (path, schedule) in self.paths.iter_mut().zip(schedules) {
            path.propagator = whole_propagator::begin(schedule, context.space());
        }
    }

    /// Follows the heat with the battery as declared, or with that of each member.
    pub fn follow_heats(&mut self, context: &'a RunContext, (declared, own): (bool, bool)) {
        let states = context.space().len();
        let meter = |action: &'a Action| Meter::new(action, states);
        self.declared = context.scene.cells.as_ref().filter(|_| declared).map(|cells| meter(cells.energy()));
        let energies = (0..if own { self.paths.len() } else { 0 }).map(|k| context.member_averages.energy_of(k));
        self.own = energies.collect::<Option<Vec<_>>>().unwrap_or_default().into_iter().map(meter).collect();
        for path in &mut self.paths {
            let begin = |followed: bool| if followed { Ok(0.0) } else { Err(NoHeat::NotFollowed) };
            path.heats = Heats { declared: begin(self.declared.is_some()), own: begin(!self.own.is_empty()) };
        }
    }

    /// True if heat is followed.
    pub fn of_heat(&self) -> bool {
        self.declared.is_some() || !self.own.is_empty()
    }

    /// Takes some steps of a member into account, with the state and the readings with which it begins them; `again` is true for one of many
    /// equal passes of a loop. The readings of the run stay as they are.
    ///
    /// # Errors
    /// If a method fails.
    pub fn advance(
        &mut self,
        member: usize,
        integrator: &mut Integrator,
        steps: &[Step],
        (begin, read, again): (&State, Values, bool),
    ) -> Result<(), Fault> {
        let Some(path) = self.paths.get_mut(member) else { return Ok(()) };
        let Heats { declared, own } = &mut path.heats;
        for (heat, meter) in [(declared, self.declared.as_mut()), (own, self.own.get_mut(member))] {
            if let (Ok(sum), Some(meter)) = (heat, meter) {
                let now = integrator.readings().begin_again(read.clone());
                let heat = match again {
                    true => meter.heat_of_pass(integrator, steps, begin),
                    false => meter.heat(integrator, steps, begin),
                };
                integrator.readings().end_again(now);
                *sum += heat?;
            }
        }
        let before = std::mem::replace(&mut path.propagator, Err(NoPropagator::NotFollowed));
        path.propagator = whole_propagator::through(integrator, steps, before)?;
        Ok(())
    }

    /// Sets what is followed of all members.
    pub fn set(&mut self, paths: Vec<Path>) {
        self.paths = paths;
    }

    /// What is followed of each member.
    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter()
    }

    /// What is followed of a member along a segment, which it begins in a state.
    ///
    /// # Errors
    /// If no method can be chosen.
    pub fn track<'g>(
        &self,
        member: usize,
        acting: &'g ActingSegment,
        (segment, state): (&Segment, &State),
        options: &Options,
    ) -> Result<PathTrack<'g>, StepError> {
        let none = (Err(NoPropagator::NotFollowed), Heats::none(NoHeat::NotFollowed));
        let (propagator, heats) =
            self.paths.get(member).map_or((&none.0, none.1), |path| (&path.propagator, path.heats));
        let generator = acting.generator();
        let heat =
            |begin: Heat, meter: Option<&Meter>| HeatTrack::new(begin, meter, generator, (segment, state), options);
        Ok(PathTrack {
            propagator: PropagatorTrack::new(propagator, generator, segment, options)?,
            declared: heat(heats.declared, self.declared.as_ref())?,
            own: heat(heats.own, self.own.get(member))?,
        })
    }
}

/// What is followed of a member along a segment.
pub struct PathTrack<'a> {
    propagator: PropagatorTrack<'a>,
    declared: HeatTrack<'a>,
    own: HeatTrack<'a>,
}

impl PathTrack<'_> {
    /// What is followed, at time t of the segment.
    ///
    /// # Errors
    /// If a method fails.
    pub fn at(&mut self, t: f64) -> Result<Path, StepError> {
        let heats = Heats { declared: self.declared.at(t)?, own: self.own.at(t)? };
        Ok(Path { propagator: self.propagator.at(t)?, heats })
    }
}

impl Path {
    /// The propagator, or why there is none.
    pub fn propagator(&self) -> Result<&Process, NoPropagator> {
        self.propagator.as_ref().map_err(|why| *why)
    }
}
