//! Results of random vectors: means over the vectors, and their standard errors.

#![expect(
    clippy::indexing_slicing,
    reason = "there are at least one vector and one member, and all of them have the same marks, traces and acquisitions"
)]

use super::motion::arrival;
use super::request::Position;
use super::results::{Observed, Trace};
use super::signal;
use crate::hamiltonian::Acquire;
use crate::linalg::{C64, real};

/// Means along a recorded statement.
pub(super) struct Recorded {
    pub name: String,
    pub start: f64,
    pub time: Vec<f64>,
    /// Indexed by time, then by operator.
    pub means: Vec<Vec<f64>>,
}

/// Results of one vector for one member.
#[derive(Default)]
pub(super) struct VectorResults {
    /// Position, time, and the mean of every operator.
    pub marks: Vec<(Position, f64, Vec<f64>)>,
    pub traces: Vec<Recorded>,
    /// Start time of a decay, and `<psi|F+|phi>` and `<psi|F-|phi>` at its points.
    pub decays: Vec<(f64, Vec<[C64; 2]>)>,
    /// Steps per point of the last decay, and its error bound.
    pub steps: Option<(usize, f64)>,
    pub methods: Vec<&'static str>,
}

/// The results of all vectors, and the standard errors of the means evaluated so far.
pub(super) struct VectorSample<'a> {
    /// By vector, then by member.
    results: &'a [Vec<VectorResults>],
    /// The weights of the members.
    weights: &'a [f64],
    /// For every key the largest standard error and the largest mean.
    errors: Vec<(String, f64, f64)>,
}

impl<'a> VectorSample<'a> {
    pub(super) fn new(results: &'a [Vec<VectorResults>], weights: &'a [f64]) -> VectorSample<'a> {
        VectorSample { results, weights, errors: vec![] }
    }

    /// The mean of a number over the vectors, summed over the members; its standard error is recorded under `key`.
    fn mean(&mut self, key: &str, of: impl Fn(usize, &VectorResults) -> C64) -> C64 {
        let summed = |members: &Vec<VectorResults>| {
            members.iter().zip(self.weights).enumerate().map(|(m, (t, weight))| of(m, t) * *weight).sum()
        };
        let all: Vec<C64> = self.results.iter().map(summed).collect();
        let (mean, error) = mean_and_error(&all);
        let size = mean.norm();
        match self.errors.iter_mut().find(|(k, ..)| k == key) {
            Some(known) => (known.1, known.2) = (known.1.max(error), known.2.max(size)),
            None => self.errors.push((key.to_string(), error, size)),
        }
        mean
    }

    /// The mean of a time over the members, and the common time if it is the same for all.
    fn time(&self, of: impl Fn(&VectorResults) -> f64) -> (f64, Option<f64>) {
        arrival(self.results[0].iter().map(&of), self.weights)
    }

    /// The values at every mark, and a note if members reach one at different times.
    pub(super) fn marks(&mut self, keys: &[String]) -> (Vec<Observed>, Option<String>) {
        let mut note = None;
        let mut observed = Vec::new();
        for (k, (position, _, _)) in self.results[0][0].marks.iter().enumerate() {
            let (time, common) = self.time(|t| t.marks[k].1);
            if common.is_none() && note.is_none() {
                note = Some(format!(
                    "ensemble members reach {} at different times: the times of marks and the starts of traces are means",
                    position.mark().map_or("the end of a statement".into(), |name| format!("the mark `{name}`"))
                ));
            }
            let value = |(q, key): (usize, &String)| vec![defined(self.mean(key, |_, t| real(t.marks[k].2[q])).re)];
            let values = keys.iter().enumerate().map(value).collect();
            observed.push(Observed { position: position.clone(), time: vec![time], values, state: None });
        }
        (observed, note)
    }

    /// The recorded traces.
    pub(super) fn traces(&mut self, keys: &[String]) -> Vec<Trace> {
        let mut traces = Vec::new();
        for (k, Recorded { name, time, .. }) in self.results[0][0].traces.iter().enumerate() {
            let (start, _) = self.time(|t| t.traces[k].start);
            let mut values = Vec::new();
            for (q, key) in keys.iter().enumerate() {
                let at = |j: usize| defined(self.mean(key, |_, t| real(t.traces[k].means[j][q])).re);
                values.push((key.clone(), (0..time.len()).map(at).collect()));
            }
            traces.push(Trace { name: name.clone(), start, time: time.clone(), values });
        }
        traces
    }

    /// The acquired signals; `acquisitions` are those of every member.
    pub(super) fn signals(&mut self, acquisitions: &[Vec<&Acquire>]) -> Vec<Trace> {
        let mut signals = Vec::new();
        for (k, acquire) in acquisitions[0].iter().enumerate() {
            let key = format!("signal({})", acquire.receiver.nucleus);
            let receiver = |m: usize| C64::cis(-acquisitions[m][k].receiver.phase);
            let point = |j: usize| self.mean(&key, |m, t| hermitian(t.decays[k].1[j]) * receiver(m));
            let sum = (0..acquire.receiver.points).map(point).collect();
            let (start, _) = self.time(|t| t.decays[k].0);
            signals.push(signal::trace(&acquire.receiver, sum, k, start));
        }
        signals
    }

    /// Notes on the standard error of every key.
    pub(super) fn errors(&self) -> impl Iterator<Item = String> + '_ {
        let vectors = self.results.len();
        self.errors.iter().map(move |(key, error, size)| said(key, *error, *size, vectors))
    }
}

/// `None` for a non-finite value, such as the order parameter of the maximally mixed state (0/0).
fn defined(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

/// The text of a note on a standard error.
fn said(key: &str, error: f64, size: f64, vectors: usize) -> String {
    if vectors == 1 {
        return format!("`{key}` comes from a single random vector, so its error is unknown");
    }
    let share = if size > 0.0 { format!(", {:.1e} of its largest value", error / size) } else { String::new() };
    format!("`{key}`: the standard error is at most {error:.1e}{share}, from {vectors} random vectors")
}

/// The mean of F+ from its Hermitian part, `Re <Fx> + i Re <Fy>`: the remainder is only statistical error.
fn hermitian([up, down]: [C64; 2]) -> C64 {
    let (x, y) = ((up + down) * 0.5, (up - down) * C64::new(0.0, -0.5));
    C64::new(x.re, y.re)
}

/// The mean over vectors, and its standard error.
fn mean_and_error(all: &[C64]) -> (C64, f64) {
    let n = all.len() as f64;
    let mean = all.iter().sum::<C64>() / n;
    let scatter: f64 = all.iter().map(|x| (x - mean).norm_sqr()).sum();
    (mean, if all.len() > 1 { (scatter / (n * (n - 1.0))).sqrt() } else { 0.0 })
}
