//! Free induction decays as sums over members: spectral lines, or points for members without lines.

use super::lines::{self, Line};
use super::results::Trace;
use super::sidebands::Sidebands;
use super::signal;
use crate::hamiltonian::Receiver;
use crate::linalg::{C64, ZERO};

/// Number of members that one thread processes together.
pub const GROUP: usize = 64;

/// Accumulated signal of some members: spectral lines, those of periodic Hamiltonians, and sampled points for members without lines.
#[derive(Default)]
pub struct SignalSum {
    lines: Vec<Line>,
    sidebands: Vec<Sidebands>,
    points: Vec<C64>,
}

impl SignalSum {
    /// Adds lines.
    pub fn add_lines(&mut self, lines: impl IntoIterator<Item = Line>) {
        self.lines.extend(lines);
    }

    /// Adds points, multiplied by `factor`.
    pub fn add_points(&mut self, points: &[C64], factor: C64) {
        self.points.resize(self.points.len().max(points.len()), ZERO);
        self.points.iter_mut().zip(points).for_each(|(sum, x)| *sum += x * factor);
    }

    /// Adds the lines of a periodic Hamiltonian, multiplied by `factor`.
    pub fn add_sidebands(&mut self, more: Sidebands, factor: C64) {
        match self.sidebands.iter_mut().rev().find(|own| own.shares(&more)) {
            Some(own) => own.add(&more, factor),
            None => self.sidebands.push(more.times(factor)),
        }
    }

    /// Evaluates the lines of periodic Hamiltonians at the sample points and adds them.
    pub fn add_up_sidebands(&mut self, points: usize) {
        for own in std::mem::take(&mut self.sidebands) {
            self.add_points(&own.points(points), C64::new(1.0, 0.0));
        }
    }

    /// Evaluates the lines at the sample points and adds them.
    pub fn add_up_lines(&mut self, points: usize, dwell: f64) {
        let of_lines = lines::decay(&std::mem::take(&mut self.lines), points, dwell);
        self.add_points(&of_lines, C64::new(1.0, 0.0));
    }

    /// Adds another signal.
    pub fn add(&mut self, other: SignalSum) {
        self.lines.extend(other.lines);
        self.sidebands.extend(other.sidebands);
        self.add_points(&other.points, C64::new(1.0, 0.0));
    }
}

/// A free induction decay.
pub struct Fid<'a> {
    /// Receiver of the first member.
    pub receiver: &'a Receiver,
    /// Start time.
    pub start: f64,
    /// Sum over the members.
    pub signal: SignalSum,
}

impl Fid<'_> {
    /// Evaluates the lines at the sample points.
    pub fn add_up_lines(&mut self) {
        self.signal.add_up_lines(self.receiver.points, self.receiver.dwell);
    }

    /// The recorded trace; `number` is the index of the decay in the run.
    pub fn trace(mut self, number: usize) -> Trace {
        self.add_up_lines();
        signal::trace(self.receiver, self.signal.points, number, self.start)
    }
}
