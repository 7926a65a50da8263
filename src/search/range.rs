//! Parameters that are looked for, and the bounds within which.

use super::halton::PRIMES;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, Values};
use crate::ir::Experiment;

/// A parameter and the bounds within which it is looked for, SI or natural units.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// The parameter.
    pub name: String,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

impl Range {
    /// The value at a share of the way from bound to bound.
    pub(super) fn at(&self, share: f64) -> f64 {
        self.low + (self.high - self.low) * share
    }
}

/// More parameters than this are not looked for: climbing without a gradient gets nowhere.
pub const MOST: usize = PRIMES.len();

/// The share of a range of an unbounded number.
pub(super) fn share(u: f64) -> f64 {
    0.5 * (1.0 + u.sin())
}

/// The number of a share.
pub(super) fn unbounded(share: f64) -> f64 {
    (2.0 * share.clamp(0.0, 1.0) - 1.0).asin()
}

/// Refuses what cannot be looked for.
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
            let message = format!("the file has no parameter `{}`", r.name);
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
