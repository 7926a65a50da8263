//! Feedback: values that were read of the state, and the statements that depend on them.

use super::context::RunContext;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Fault, Reading, Step};
use crate::linalg::C64;
use crate::spin::{Sparse, State};
use std::sync::Arc;

/// From this number of changes of sign on, without a decrease, a reading is said to oscillate.
const OSCILLATIONS: u32 = 8;

/// The readings of a run.
#[derive(Default)]
pub struct Readings {
    /// Their values, by number.
    values: Values,
    /// By number: the observable on the space of the run, and how often the reading has changed its sign without a decrease.
    known: Vec<Option<(Arc<Sparse>, u32)>>,
    /// True while steps are propagated once more, for what is followed beside the state.
    again: bool,
}

/// The values of the readings at a moment.
pub type Values = Vec<Option<f64>>;

impl Readings {
    /// The present values.
    pub fn values(&self) -> Values {
        self.values.clone()
    }

    /// Begins to propagate steps once more with the values that they began with; returns the present ones. Oscillations are not counted.
    pub fn begin_again(&mut self, values: Values) -> Values {
        self.again = true;
        std::mem::replace(&mut self.values, values)
    }

    /// Ends it, with these values.
    pub fn end_again(&mut self, values: Values) {
        self.again = false;
        self.values = values;
    }

    /// Reads `Tr[A rho]`.
    ///
    /// # Errors
    /// If the state is what is left of a filter of coherence orders.
    pub fn read(&mut self, reading: &Reading, context: &RunContext, state: &State) -> Result<(), Fault> {
        if !state.is_normalised() {
            let message = "a `read` needs a state, but the result of `crush keep` without order 0 is not a state";
            return Err(Diagnostic::new(Code::Contradiction, reading.place.span(), message)
                .label("the trace is 0 here")
                .help("`crush keep 0, ...` keeps the populations")
                .into());
        }
        let n = reading.number;
        // Values may come from before the first reading of this number.
        self.values.resize(self.values.len().max(n + 1), None);
        self.known.resize(self.known.len().max(n + 1), None);
        let (Some(value), Some(known)) = (self.values.get_mut(n), self.known.get_mut(n)) else { return Ok(()) };
        let made = || (Arc::new(Sparse::of(&reading.observable, context.space())), 0);
        let (observable, oscillations) = known.get_or_insert_with(made);
        let mean: C64 = match state {
            State::Pure(psi) => observable.mean(psi.as_slice()),
            State::Mixed(rho) => observable.trace_with(rho),
        };
        let before = value.replace(mean.re).unwrap_or(0.0);
        if self.again {
            return Ok(());
        }
        let oscillates = before * mean.re < 0.0 && mean.re.abs() >= before.abs() * (1.0 - 1e-6);
        *oscillations = if oscillates { *oscillations + 1 } else { 0 };
        if *oscillations == OSCILLATIONS {
            context.note(format!(
                "the reading `{0}` changes its sign from pass to pass and does not decrease, so the feedback oscillates: reduce its gain or the duration of a pass",
                reading.name
            ));
        }
        Ok(())
    }

    /// A segment or kick with the present values.
    ///
    /// # Errors
    /// If one of them has no value yet, or it makes a strength infinite.
    pub fn bind(&self, step: &Step) -> Result<Step, Fault> {
        let place = match step {
            Step::Segment(segment) => segment.place,
            Step::Kick(kick) => kick.place,
            _ => return Ok(step.clone()),
        };
        let unread = "a value that it depends on has not been read, because the loop with the `read` has no pass";
        let failed = |why: &str| {
            let message = format!("the evolution cannot be computed: {why}");
            Fault::from(Diagnostic::new(Code::NotConverged, place.span(), message))
        };
        let bound = step.bound(&self.values).ok_or_else(|| failed(unread))?;
        let finite = match &bound {
            Step::Segment(segment) => segment.drift.iter().all(|(c, _)| c.constant().is_none_or(f64::is_finite)),
            Step::Kick(kick) => kick.angle.constant().is_none_or(f64::is_finite),
            _ => true,
        };
        if finite { Ok(bound) } else { Err(failed("a reading makes a strength infinite or not a number")) }
    }
}
