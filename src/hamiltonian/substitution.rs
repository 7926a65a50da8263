//! Values of variables in the coefficients of a schedule: readings, and the quantities in which ensemble members differ.
//!
//! Members that differ in offsets, rf amplitudes, positions or orientations have the same steps with other coefficients. The sequence is
//! lowered once, with these quantities as variables; a member is a list of their values.

use super::interactions::is_individual;
use super::lower::build;
use super::orientation::Frame;
use super::prepare::{Prepared, prepare};
use super::schedule::{Control, Kick, Schedule, Segment, Step, Term};
use super::value::{Evaluator, Variation, Varying};
use crate::ir::State;
use crate::waveform::common_period;
use std::cell::Cell;
use std::sync::Arc;

/// The value of a variable by its number.
type Values<'v> = &'v dyn Fn(usize) -> f64;

/// The schedules of ensemble members that vary in the same quantities, in one scan of the phase cycles.
pub struct MemberSchedules {
    /// The schedule with the variables of [`Varying`], without battery.
    pub schedule: Arc<Schedule>,
    /// The common initial state.
    pub prepared: Arc<Prepared>,
    varying: Varying,
    frame: Frame,
}

impl MemberSchedules {
    /// For members that vary in the same quantities as `member`, in its scan. `None` if they differ in more than coefficients, or may do
    /// so: with a rotor, relaxation, feedback or a reset, or if the initial state or an operator depends on the member.
    pub fn like(e: &Evaluator, member: &Variation) -> Option<MemberSchedules> {
        if is_individual(e) {
            return None;
        }
        let e = e.of_members(member).ok()?;
        let frame = Frame::of(&e).ok()?;
        let (schedule, _) = build(&e).ok()?;
        // A steady state depends on the relaxation of each member.
        if schedule.prepare.iter().any(State::is_steady) || !schedule.steps.iter().all(has_only_coefficients) {
            return None;
        }
        let prepared = Arc::new(prepare(&e, &schedule.prepare, schedule.prepare_place.span()).ok()?);
        Some(MemberSchedules { schedule: Arc::new(schedule), prepared, varying: Varying::like(member), frame })
    }

    /// The values of the variables for a member; `None` if it varies in other quantities.
    pub fn values(&self, member: &Variation) -> Option<Vec<f64>> {
        self.varying.values(member, self.frame.field_in_crystal(member.orientation))
    }
}

/// True if a step has no operators or rates that may depend on the member.
fn has_only_coefficients(step: &Step) -> bool {
    match step {
        Step::Segment(segment) => segment.relaxing.is_empty(),
        Step::Acquire(acquire) => acquire.segment.relaxing.is_empty(),
        Step::Kick(_) | Step::Crush(_) | Step::Dephase(..) | Step::Mark(_) => true,
        Step::Loop(_, body) => body.iter().all(has_only_coefficients),
        Step::Strobe(strobe) => strobe.runs.iter().all(|(_, body)| body.iter().all(has_only_coefficients)),
        Step::Reset(_) | Step::Project(_) | Step::Feedback(_) | Step::Tomography(_) => false,
    }
}

impl Step {
    /// The segment or kick with these values of the readings; `None` if one of them has not been read.
    pub fn bound(&self, readings: &[Option<f64>]) -> Option<Step> {
        let complete = Cell::new(true);
        let value = |number: usize| {
            readings.get(number).copied().flatten().unwrap_or_else(|| {
                complete.set(false);
                f64::NAN
            })
        };
        let step = match self {
            Step::Segment(segment) => Step::Segment(segment.with(&value)),
            Step::Kick(kick) => Step::Kick(Kick { angle: kick.angle.bound(&value), shape: None, ..kick.clone() }),
            other => other.clone(),
        };
        complete.get().then_some(step)
    }
}

impl Segment {
    /// The segment with these values of the variables, for propagation: without its dependence on the steps of shapes.
    pub fn bound(&self, values: &[f64]) -> Segment {
        self.with(&|number| values.get(number).copied().unwrap_or(f64::NAN))
    }

    fn with(&self, value: Values) -> Segment {
        let drift = terms(&self.drift, value);
        let controls: Vec<Control> = self.controls.iter().map(|control| control.with(value)).collect();
        let coefficients = drift.iter().chain(controls.iter().flat_map(|control| &control.terms)).map(|(c, _)| c);
        let period = common_period(coefficients.chain(self.relaxing.rates()));
        Segment { drift, controls, period, ..self.clone() }
    }
}

impl Control {
    fn with(&self, value: Values) -> Control {
        Control { terms: terms(&self.terms, value), shape: None, decoupled: self.decoupled.clone() }
    }
}

fn terms(of: &[Term], value: Values) -> Vec<Term> {
    of.iter().map(|(coefficient, operator)| (coefficient.bound(value), operator.clone())).collect()
}
