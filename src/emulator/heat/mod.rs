//! Heat of the members of an ensemble from `prepare` on, followed for metrics that ask for it.
//!
//! With the battery's Hamiltonian `H_b` and the dissipator D, the heat is the integral of `Tr[D(rho) H_b] = Tr[rho h]` over time, `h` the
//! adjoint of D on `H_b`, and the change of `Tr[rho H_b]` by every statement that is not unitary. It is linear in the state at its start:
//! along a segment it is one more component of the equation of motion ([`flow`]), and in loops one more row of the superoperator ([`map`]).
//! Unitary steps exchange none. The states are those of the run, propagated once more up to the last step that is not unitary, so that
//! asking for the heat changes no other result.

mod flow;
mod map;
mod track;

pub use track::HeatTrack;

use self::flow::flow;
use self::map::HeatMap;
use super::engines::StepError;
use super::engines::liouville::Liouville;
use super::integrate::{Integrator, failed};
use super::observable::mentions;
use super::propagator::SegmentKey;
use super::request::{Observables, Requests};
use super::settings::Method;
use crate::hamiltonian::{Evaluator, Fault, Project, Segment, Step};
use crate::linalg::{Matrix, ZERO, add_to_diagonal, real};
use crate::spin::{Action, State};
use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

/// Maximum number of cached superoperators, and of cached generators.
const KEPT: usize = 32;

/// True if a requested quantity depends on the heat; true if a mean over the members does.
pub fn is_requested(e: &Evaluator, requests: Requests, observables: &Observables) -> (bool, bool) {
    let needs = |expr| mentions(expr, |metric| metric.of_heat);
    let curves = observables.aggregates.iter().map(|a| &a.curve);
    let marked = observables.at_marks.iter().map(|a| &a.metric);
    let declared = observables.observables.iter().chain(curves).chain(marked).any(|o| needs(&o.expr));
    (declared, requests.member_means(e).iter().any(|(_, expr)| needs(expr)))
}

/// Finds the heat of steps with respect to one Hamiltonian.
pub struct Meter<'a> {
    action: &'a Action,
    states: usize,
    energy: OnceCell<Matrix>,
    /// Generators of constant segments.
    liouvilles: HashMap<SegmentKey, Liouville>,
    /// Superoperators of constant segments.
    segments: HashMap<SegmentKey, Arc<HeatMap>>,
    /// Superoperators of the passes of observed loops, by the address of their steps; `None` if they have none.
    passes: HashMap<usize, Option<HeatMap>>,
}

impl<'a> Meter<'a> {
    /// Of a Hamiltonian on a space of some number of states.
    pub fn new(action: &'a Action, states: usize) -> Meter<'a> {
        let (liouvilles, segments, passes) = (HashMap::new(), HashMap::new(), HashMap::new());
        Meter { action, states, energy: OnceCell::new(), liouvilles, segments, passes }
    }

    /// The traceless part of the Hamiltonian as a matrix: the identity exchanges no energy.
    fn energy(&self) -> &Matrix {
        self.energy.get_or_init(|| {
            let n = self.states;
            let mut dense = match self.action.sparse() {
                Some(sparse) => sparse.dense(),
                None => {
                    let mut dense = Matrix::zeros(n, n);
                    let mut unit = vec![ZERO; n];
                    for (k, mut column) in dense.column_iter_mut().enumerate() {
                        unit.iter_mut().enumerate().for_each(|(i, x)| *x = real(if i == k { 1.0 } else { 0.0 }));
                        self.action.apply_into(&unit, column.as_mut_slice());
                    }
                    dense
                }
            };
            let mean = dense.trace() / n as f64;
            add_to_diagonal(&mut dense, -mean);
            dense
        })
    }

    /// `Tr[(after - before) H]`.
    fn change(&self, before: &State, after: &State) -> f64 {
        let difference = after.density() - before.density();
        let energy = self.energy();
        energy.transpose().iter().zip(difference.iter()).map(|(h, x)| (h * x).re).sum()
    }

    /// The heat of some steps from a state on.
    ///
    /// # Errors
    /// If a method fails.
    pub fn heat(&mut self, integrator: &mut Integrator, steps: &[Step], state: &State) -> Result<f64, Fault> {
        let Some(last) = steps.iter().rposition(|step| !step.is_unitary()) else { return Ok(0.0) };
        Ok(self.through(integrator, steps.get(..=last).unwrap_or_default(), state.clone())?.1)
    }

    /// The heat of one of many equal passes of a loop, whose superoperator is kept.
    ///
    /// # Errors
    /// If a method fails.
    pub fn heat_of_pass(&mut self, integrator: &mut Integrator, body: &[Step], state: &State) -> Result<f64, Fault> {
        if body.iter().all(Step::is_unitary) {
            return Ok(0.0);
        }
        let address = body.as_ptr() as usize;
        let known = self.passes.get(&address).map(|map| map.as_ref().map(|map| map.heat(state)));
        let heat = match known {
            Some(heat) => heat,
            None => {
                let map = if integrator.combines() { self.map(integrator, body)? } else { None };
                let heat = map.as_ref().map(|map| map.heat(state));
                self.passes.insert(address, map);
                heat
            }
        };
        match heat {
            Some(heat) => Ok(heat),
            None => self.heat(integrator, body, state),
        }
    }

    /// The state after some steps, and their heat.
    fn through(
        &mut self,
        integrator: &mut Integrator,
        steps: &[Step],
        mut state: State,
    ) -> Result<(State, f64), Fault> {
        let mut sum = 0.0;
        for step in steps {
            let (next, heat) = match step {
                _ if step.is_unitary() => (integrator.step_member(step, state)?, 0.0),
                Step::Segment(segment) => self.segment(integrator, segment, &state)?,
                Step::Acquire(acquire) => self.segment(integrator, &acquire.segment, &state)?,
                Step::Project(project) => self.project(integrator, project, &state)?,
                Step::Feedback(feedback) => match feedback.driven() {
                    Some(driven) => {
                        let bound = integrator.bound(driven)?;
                        self.through(integrator, std::slice::from_ref(&bound), state)?
                    }
                    None => (integrator.step_member(step, state)?, 0.0),
                },
                Step::Loop(count, body) => self.repeat(integrator, *count, body, state)?,
                Step::Strobe(strobe) => strobe.runs.iter().try_fold((state, 0.0), |(state, sum), (count, body)| {
                    let (state, heat) = self.repeat(integrator, *count, body, state)?;
                    Ok::<_, Fault>((state, sum + heat))
                })?,
                _ => {
                    let next = integrator.step_member(step, state.clone())?;
                    let heat = self.change(&state, &next);
                    (next, heat)
                }
            };
            (state, sum) = (next, sum + heat);
        }
        Ok((state, sum))
    }

    /// The state after a segment with relaxation, and its heat.
    fn segment(&mut self, integrator: &Integrator, segment: &Segment, state: &State) -> Result<(State, f64), Fault> {
        let options = integrator.options();
        let wrong = |e: StepError| failed(segment.place, &e.to_string());
        let key = SegmentKey::of(segment).filter(|_| options.method == Method::Auto);
        if let Some(known) = key.as_ref().and_then(|key| self.liouvilles.get_mut(key)) {
            return flow::constant(known, state, segment.duration).map_err(wrong);
        }
        let generator = integrator.generator(segment);
        let rate = generator.dissipated(self.energy());
        if let (Some(key), true) = (key, Liouville::fits(self.states)) {
            let mut liouville = Liouville::following(&generator, &rate.constant).map_err(wrong)?;
            let found = flow::constant(&mut liouville, state, segment.duration).map_err(wrong)?;
            if self.liouvilles.len() >= KEPT {
                self.liouvilles.clear();
            }
            self.liouvilles.insert(key, liouville);
            return Ok(found);
        }
        flow(&generator, rate, segment, options)
            .and_then(|mut f| f.advance(state, 0.0, segment.duration))
            .map_err(wrong)
    }

    /// The state after a loop, and its heat. A pass that leaves the state unchanged has the same heat as all that follow.
    fn repeat(
        &mut self,
        integrator: &mut Integrator,
        count: u64,
        body: &[Step],
        mut state: State,
    ) -> Result<(State, f64), Fault> {
        if count > 2
            && integrator.options().method == Method::Auto
            && let Some(once) = self.map(integrator, body)?
        {
            return Ok(once.power(count).apply(&state));
        }
        let mut sum = 0.0;
        for k in 0..count {
            let (next, heat) = self.through(integrator, body, state.clone())?;
            sum += heat;
            if next == state {
                return Ok((state, sum + heat * (count - 1 - k) as f64));
            }
            state = next;
        }
        Ok((state, sum))
    }

    /// The mean over the outcomes of a measurement, each with what follows it.
    fn project(
        &mut self,
        integrator: &mut Integrator,
        project: &Project,
        state: &State,
    ) -> Result<(State, f64), Fault> {
        let n = self.states;
        let (mut measured, mut after, mut sum) = (Matrix::zeros(n, n), Matrix::zeros(n, n), 0.0);
        for outcome in integrator.outcomes(project, state) {
            measured += &outcome.state * real(outcome.probability);
            let (end, heat) = self.through(integrator, outcome.steps, State::Mixed(outcome.state))?;
            after += end.density() * real(outcome.probability);
            sum += outcome.probability * heat;
        }
        Ok((State::Mixed(after), sum + self.change(state, &State::Mixed(measured))))
    }

    /// The map of some steps; `None` if the system is too large or a Hamiltonian depends on time.
    fn map(&mut self, integrator: &mut Integrator, steps: &[Step]) -> Result<Option<HeatMap>, Fault> {
        let mut total = HeatMap::identity(self.states);
        for step in steps {
            let Some(next) = self.map_of(integrator, step)? else { return Ok(None) };
            total = total.then(&next);
        }
        Ok(Some(total))
    }

    fn map_of(&mut self, integrator: &mut Integrator, step: &Step) -> Result<Option<HeatMap>, Fault> {
        if !HeatMap::fits(self.states) {
            return Ok(None);
        }
        if step.is_unitary() {
            return Ok(integrator.body(std::slice::from_ref(step))?.and_then(HeatMap::unitary));
        }
        Ok(match step {
            Step::Segment(segment) => {
                let Some(key) = SegmentKey::of(segment) else { return Ok(None) };
                if let Some(known) = self.segments.get(&key) {
                    return Ok(Some((**known).clone()));
                }
                let generator = integrator.generator(segment);
                let rate = generator.dissipated(self.energy());
                let wrong = |e: StepError| failed(segment.place, &e.to_string());
                let mut liouville = Liouville::following(&generator, &rate.constant).map_err(wrong)?;
                let found = HeatMap::new(liouville.propagator_and_integral(segment.duration));
                if self.segments.len() >= KEPT {
                    self.segments.clear();
                }
                self.segments.insert(key, Arc::new(found.clone()));
                Some(found)
            }
            Step::Loop(count, body) => self.map(integrator, body)?.map(|once| once.power(*count)),
            Step::Project(project) => {
                let mut branches = Vec::with_capacity(project.branches.len());
                for (k, (_, steps)) in project.branches.iter().enumerate() {
                    let (Some(measured), Some(then)) = (integrator.recorded(project, k), self.map(integrator, steps)?)
                    else {
                        return Ok(None);
                    };
                    branches.push((measured, then));
                }
                Some(HeatMap::measurement(&branches, self.energy()))
            }
            Step::Crush(_) | Step::Dephase(..) | Step::Reset(_) => {
                integrator.channel(step)?.map(|channel| HeatMap::statement(&channel, self.energy()))
            }
            Step::Kick(_)
            | Step::Mark(_)
            | Step::Tomography(_)
            | Step::Acquire(_)
            | Step::Feedback(_)
            | Step::Strobe(_) => None,
        })
    }
}
