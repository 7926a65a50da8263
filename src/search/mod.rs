//! Parameters that are looked for: those at which a result is best, and those at which it is nearest to what was measured.
//!
//! Both take parameters within bounds, and both look about first: results of pulse sequences have many maxima, and a method that
//! climbs finds the one it stands on. The points from which they climb are those of Halton's sequence, so the same question has the
//! same answer, on any number of threads. Ensembles are part of the experiment, so what is found is best for all of their members.

mod climb;
pub mod fit;
mod local;
pub mod multistart;
pub mod optimise;
pub mod shape;

pub use fit::{Data, Fit, fit};
pub use optimise::{CLIMBS, Climb, Goal, Optimum, optimise};
pub use shape::{Search, Shaped, shape};

use crate::diagnostic::{Code, Diagnostic};
use crate::emulator::{Emulator, Options, Request};
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
    fn at(&self, share: f64) -> f64 {
        self.low + (self.high - self.low) * share
    }
}

/// More parameters than this are not looked for: climbing without a gradient gets nowhere.
pub const MOST: usize = PRIMES.len();

const PRIMES: [u32; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/// The point of a number in Halton's sequence, in the unit cube (Halton, Numer. Math. 2, 84): it fills the cube evenly for any number
/// of points, which random points do not.
fn halton(index: usize, dimensions: usize) -> Vec<f64> {
    let radical_inverse = |base: u32| {
        let (mut rest, mut share, mut sum) = (index + 1, 1.0, 0.0);
        while rest > 0 {
            share /= f64::from(base);
            sum += share * (rest % base as usize) as f64;
            rest /= base as usize;
        }
        sum
    };
    PRIMES.iter().take(dimensions).map(|p| radical_inverse(*p)).collect()
}

/// The share of a range of an unbounded number.
fn share(u: f64) -> f64 {
    0.5 * (1.0 + u.sin())
}

/// The number of a share.
fn unbounded(share: f64) -> f64 {
    (2.0 * share.clamp(0.0, 1.0) - 1.0).asin()
}

/// An experiment of which one number is asked.
struct Question<'a> {
    emulator: &'a Emulator<'a>,
    given: &'a Values,
    options: &'a Options,
    request: [Request; 1],
}

impl Question<'_> {
    /// The number at some values of parameters; none where it is not defined.
    fn answer(&self, values: impl Iterator<Item = (String, f64)>) -> Result<Option<f64>, Fault> {
        let mut all = self.given.clone();
        all.extend(values);
        let found = self.emulator.run(&all, self.options, &self.request)?;
        Ok(found.values.first().copied().flatten().filter(|x| x.is_finite()))
    }
}

/// Refuses what cannot be looked for.
fn check(experiment: &Experiment, given: &Values, ranges: &[Range]) -> Result<(), Fault> {
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

#[cfg(test)]
mod tests {
    use super::halton;

    #[test]
    fn haltons_points_fill_the_cube() {
        assert_eq!(halton(0, 2), vec![0.5, 1.0 / 3.0]);
        assert_eq!(halton(1, 2), vec![0.25, 2.0 / 3.0]);
        let mean: f64 = (0..1000).map(|k| halton(k, 3)[2]).sum::<f64>() / 1000.0;
        assert!((mean - 0.5).abs() < 0.01);
    }
}
