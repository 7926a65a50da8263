//! Free induction decays as sums over members: lines, and what has none point by point.

use super::lines::{self, Line};
use super::results::Trace;
use super::signal;
use crate::hamiltonian::Acquire;
use crate::linalg::{C64, ZERO};

/// How many members a thread takes at once.
pub const GROUP: usize = 64;

/// The signal of some members: lines, and what has none point by point.
#[derive(Default)]
pub struct SignalSum {
    lines: Vec<Line>,
    points: Vec<C64>,
}

impl SignalSum {
    /// Adds lines.
    pub fn add_lines(&mut self, lines: impl IntoIterator<Item = Line>) {
        self.lines.extend(lines);
    }

    /// Adds points.
    pub fn add_points(&mut self, points: &[C64], factor: C64) {
        self.points.resize(self.points.len().max(points.len()), ZERO);
        self.points.iter_mut().zip(points).for_each(|(sum, x)| *sum += x * factor);
    }

    /// Adds lines up to points.
    pub fn add_up_lines(&mut self, points: usize, dwell: f64) {
        let of_lines = lines::decay(&std::mem::take(&mut self.lines), points, dwell);
        self.add_points(&of_lines, C64::new(1.0, 0.0));
    }

    /// Adds the signal of others.
    pub fn add(&mut self, other: SignalSum) {
        self.lines.extend(other.lines);
        self.add_points(&other.points, C64::new(1.0, 0.0));
    }
}

/// A free induction decay.
pub struct Fid<'a> {
    /// As the first member acquires it.
    pub acquire: &'a Acquire,
    /// When it begins.
    pub start: f64,
    /// The sum over the members.
    pub signal: SignalSum,
}

impl Fid<'_> {
    /// Adds lines up to points.
    pub fn add_up_lines(&mut self) {
        self.signal.add_up_lines(self.acquire.points, self.acquire.dwell);
    }

    /// Its curve; `number` counts the decays of a run.
    pub fn trace(mut self, number: usize) -> Trace {
        self.add_up_lines();
        signal::trace(self.acquire, self.signal.points, number, self.start)
    }
}
