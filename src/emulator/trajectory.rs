//! Trajectory of a segment: the state at any time, propagated from the nearest earlier checkpoint.

use super::engines::{StepError, Stepper};
use crate::spin::State;
use std::collections::VecDeque;

/// Memory for checkpoints along a segment, bytes.
const MOST_KEPT: usize = 200_000_000;

/// The states along a segment.
pub struct Trajectory<'a> {
    stepper: Box<dyn Stepper + 'a>,
    /// Checkpoints by ascending time; the first is the start.
    known: Vec<(f64, State)>,
    /// Maximum number of checkpoints.
    most: usize,
    /// Times at which states will be asked for, ascending.
    announced: Vec<f64>,
    /// States at the next of these times, computed together with an earlier one.
    ahead: VecDeque<(f64, State)>,
}

impl<'a> Trajectory<'a> {
    /// From the start of a segment.
    pub fn new(stepper: Box<dyn Stepper + 'a>, begin: State) -> Trajectory<'a> {
        let bytes = 16
            * match &begin {
                State::Pure(psi) => psi.len(),
                State::Mixed(rho) => rho.len(),
            };
        let most = (MOST_KEPT / bytes.max(1)).max(8);
        Trajectory { stepper, known: vec![(0.0, begin)], most, announced: vec![], ahead: VecDeque::new() }
    }

    /// True if any time has the same cost, and states are exact to rounding.
    pub fn is_direct(&self) -> bool {
        self.stepper.is_direct()
    }

    /// Announces the times at which states will be asked for, in ascending order, so that several are computed together.
    pub fn announce(&mut self, times: &[f64]) {
        self.announced = times.to_vec();
        self.ahead.clear();
    }

    /// The announced times from t on that are computed together; t alone if it was not announced.
    fn together(&self, t: f64, at_once: usize) -> Vec<f64> {
        let first = self.announced.partition_point(|s| *s < t);
        let times: Vec<f64> = self.announced.iter().skip(first).take(at_once).copied().collect();
        if times.first() == Some(&t) { times } else { vec![t] }
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
        while self.ahead.front().is_some_and(|(s, _)| *s < t) {
            self.ahead.pop_front();
        }
        if self.ahead.front().is_some_and(|(s, _)| *s == t)
            && let Some((_, state)) = self.ahead.pop_front()
        {
            return Ok(state);
        }
        let at = self.known.partition_point(|(s, _)| *s <= t);
        let (from, state) = &self.known[at.saturating_sub(1)];
        if *from == t {
            return Ok(state.clone());
        }
        let direct = self.stepper.is_direct();
        let last = at == self.known.len();
        let at_once = if direct || last { self.stepper.at_once(state).min(self.most / 4).max(1) } else { 1 };
        let times = self.together(t, at_once);
        let mut states: VecDeque<(f64, State)> =
            times.iter().copied().zip(self.stepper.advance_to_each(state, *from, &times)?).collect();
        if let Some(last) = states.back().filter(|_| last && !direct) {
            self.known.push(last.clone());
            self.drop_checkpoints();
        }
        let (_, state) = states.pop_front().ok_or_else(|| StepError::Tolerance("no state".into()))?;
        self.ahead = states;
        Ok(state)
    }

    /// Drops every second checkpoint, except the first and the last, if there are too many.
    fn drop_checkpoints(&mut self) {
        if self.known.len() > self.most {
            let last = self.known.len() - 1;
            let mut k = 0;
            self.known.retain(|_| {
                k += 1;
                (k - 1) % 2 == 0 || k - 1 == last
            });
        }
    }
}
