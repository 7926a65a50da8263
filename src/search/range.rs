//! Search parameters and their bounds.

use super::halton::PRIMES;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, Values};
use crate::ir::Experiment;

/// A parameter and its bounds, SI or natural units.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// Name of the parameter.
    pub name: String,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Range {
    /// Value at a fraction `share` of the range.
    pub(super) fn at(&self, share: f64) -> f64 {
        self.low + (self.high - self.low) * share
    }
}

/// Maximum number of parameters: derivative-free search is not effective beyond.
pub const MOST: usize = PRIMES.len();

/// Maps an unbounded variable to a fraction of the range, `(1 + sin u)/2`.
pub(super) fn share(u: f64) -> f64 {
    0.5 * (1.0 + u.sin())
}

/// Inverse of [`share`].
pub(super) fn unbounded(share: f64) -> f64 {
    (2.0 * share.clamp(0.0, 1.0) - 1.0).asin()
}

/// Validates the ranges.
pub(super) fn check(experiment: &Experiment, given: &Values, ranges: &[Range]) -> Result<(), Fault> {
    let wrong = |code: Code, message: String| -> Fault { Diagnostic::without_place(code, message).into() };
    if ranges.is_empty() {
        return Err(wrong(Code::EmptySweep, "no parameter is varied".into()));
    }
    if ranges.len() > MOST {
        return Err(wrong(Code::OutOfRange, format!("{} parameters are too many: at most {MOST}", ranges.len())));
    }
    for (k, r) in ranges.iter().enumerate() {
        if experiment.param(&r.name).is_none() {
            let names = experiment.params.iter().map(|p| p.name.as_str());
            let message = format!("the file declares no parameter `{}`", r.name);
            return Err(Diagnostic::without_place(Code::UnknownName, message).did_you_mean(&r.name, names).into());
        }
        let twice = ranges.iter().take(k).any(|other| other.name == r.name);
        if twice || given.contains_key(&r.name) {
            return Err(wrong(Code::DefinedTwice, format!("`{}` is given twice", r.name)));
        }
        if r.low.is_nan() || r.high.is_nan() || r.low >= r.high {
            let message = format!("the bounds of `{}` are not in order: {} and {}", r.name, r.low, r.high);
            return Err(wrong(Code::OutOfRange, message));
        }
    }
    Evaluator::new(experiment, given).map(|_| ())
}
