//! Parts of a comparison: rows of quantities, curves with their residuals, and the models they are compared with.

use crate::emulator::Options;
use crate::hamiltonian::Values;
use crate::ir::Experiment;
use crate::linalg::C64;
use crate::output::Figure;

/// A number with its standard error, where it has one.
pub type Uncertain = (f64, Option<f64>);

/// One quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is: `ergotropy`, `energy at end`.
    pub what: String,
    /// Where a parameter was changed: its name and value.
    pub at: Option<(String, f64)>,
    /// Its unit.
    pub unit: String,
    /// Without ensemble and noise.
    pub theory: Option<f64>,
    /// With both.
    pub emulation: Option<Uncertain>,
    /// What was measured.
    pub measurement: Uncertain,
}

impl Row {
    /// Measurement less emulation, in standard errors of the measurement.
    pub fn deviation(&self) -> Option<f64> {
        let (found, error) = self.measurement;
        let (emulated, _) = self.emulation?;
        error.filter(|e| *e > 0.0).map(|error| (found - emulated) / error)
    }
}

/// How well a curve or decay is described.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Which one.
    pub what: String,
    /// How many real numbers it has.
    pub numbers: usize,
    /// The share of its sum of squares that theory and emulation leave over.
    pub left: [f64; 2],
    /// The same in units of the variance, where that is known.
    pub chi_square: Option<[f64; 2]>,
}

/// Everything side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The quantities.
    pub rows: Vec<Row>,
    /// The curves and decays.
    pub agreements: Vec<Agreement>,
    /// Overlaid curves and residuals.
    pub figure: Figure,
    /// What was found on the way.
    pub notes: Vec<String>,
}

/// The experiment as it is written, without noise of the receiver, and also without its ensemble.
pub(super) struct Models<'a> {
    pub(super) written: &'a Experiment,
    pub(super) quiet: &'a Experiment,
    pub(super) ideal: &'a Experiment,
    pub(super) values: &'a Values,
    pub(super) options: &'a Options,
}

/// The sums of squares of residuals and of points, and the number of real numbers in each.
pub(super) fn left_over(measured: &[Option<C64>], model: &[Option<C64>], factor: C64) -> (f64, f64, usize) {
    let both = measured.iter().zip(model).filter_map(|(a, b)| Some((a.as_ref()?, b.as_ref()?)));
    both.fold((0.0, 0.0, 0), |(left, all, n), (a, b)| ((a - b * factor).norm_sqr() + left, a.norm_sqr() + all, n + 2))
}
