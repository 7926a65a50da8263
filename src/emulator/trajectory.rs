//! Trajectory of a segment: the state at any time, propagated from the nearest earlier checkpoint.

use super::engines::{StepError, Stepper};
use crate::spin::State;

/// Memory for checkpoints along a segment, bytes.
const MOST_KEPT: usize = 200_000_000;

/// The states along a segment.
pub struct Trajectory<'a> {
    stepper: Box<dyn Stepper + 'a>,
    /// Checkpoints by ascending time; the first is the start.
    known: Vec<(f64, State)>,
    /// Maximum number of checkpoints.
    most: usize,
}

impl<'a> Trajectory<'a> {
    /// From the start of a segment.
    pub fn new(stepper: Box<dyn Stepper + 'a>, begin: State) -> Trajectory<'a> {
        let bytes = 16
            * match &begin {
                State::Pure(psi) => psi.len(),
                State::Mixed(rho) => rho.len(),
            };
        Trajectory { stepper, known: vec![(0.0, begin)], most: (MOST_KEPT / bytes.max(1)).max(8) }
    }

    /// True if any time has the same cost, and states are exact to rounding.
    pub fn is_direct(&self) -> bool {
        self.stepper.is_direct()
    }

    /// The state at time t.
    ///
    /// # Errors
    /// If the method fails.
    #[expect(
        clippy::indexing_slicing,
        reason = "the state at time 0 is always known, and `at` is at most the number of known states"
    )]
    pub fn state(&mut self, t: f64) -> Result<State, StepError> {
        let at = self.known.partition_point(|(s, _)| *s <= t);
        let (from, state) = &self.known[at.saturating_sub(1)];
        if *from == t {
            return Ok(state.clone());
        }
        let state = self.stepper.advance(state, *from, t)?;
        if !self.stepper.is_direct() && at == self.known.len() {
            self.known.push((t, state.clone()));
            if self.known.len() > self.most {
                // Drop every second checkpoint, except the first and the last.
                let last = self.known.len() - 1;
                let mut k = 0;
                self.known.retain(|_| {
                    k += 1;
                    (k - 1) % 2 == 0 || k - 1 == last
                });
            }
        }
        Ok(state)
    }
}
