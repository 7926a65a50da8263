//! Theory, emulation and measurement side by side: one table, one figure, and how much of the measurement each leaves over.
//!
//! Theory is the sequence as it is written, without `ensemble` and without noise of the receiver; the emulation has both. What is measured
//! are results of a table, or free induction decays: those of a tomography, or of what the sequence acquires.

mod decays;
mod results;
mod text;

pub use text::{csv, json, rows, sentence, table};

use crate::emulator::Options;
use crate::hamiltonian::{Fault, Values};
use crate::ir::{Event, EventKind, Experiment};
use crate::linalg::C64;
use crate::output::Figure;
use crate::search::Data;
use crate::tomography::decay::Decay;

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Measurement {
    /// Results against a parameter, as `fit` takes them.
    Results(Vec<Data>),
    /// Decays in the spectrometer's sense of frequency, and the strongest line of the thermal state in their units where these are not
    /// absolute.
    Decays(Vec<Decay>, Option<f64>),
}

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
    /// Overlaid curves, and what is left over.
    pub figure: Figure,
    /// What was found on the way.
    pub notes: Vec<String>,
}

/// Compares.
///
/// # Errors
/// When the experiment cannot be run, or the measurement is not of it.
pub fn compare(
    experiment: &Experiment,
    values: &Values,
    options: &Options,
    measurement: &Measurement,
) -> Result<Comparison, Fault> {
    let quiet = Experiment { sequence: without_noise(&experiment.sequence), ..experiment.clone() };
    let ideal = Experiment { ensemble: vec![], ..quiet.clone() };
    let models = Models { written: experiment, quiet: &quiet, ideal: &ideal, values, options };
    match measurement {
        Measurement::Results(data) => results::compare(&models, data),
        Measurement::Decays(decays, reference) => decays::compare(&models, decays, *reference),
    }
}

/// The experiment as it is written, without noise of the receiver, and also without its ensemble.
struct Models<'a> {
    written: &'a Experiment,
    quiet: &'a Experiment,
    ideal: &'a Experiment,
    values: &'a Values,
    options: &'a Options,
}

fn without_noise(events: &[Event]) -> Vec<Event> {
    let mut events = events.to_vec();
    for event in &mut events {
        match &mut event.kind {
            EventKind::Acquire { snr, .. } => *snr = None,
            EventKind::Tomography(t) => t.snr = None,
            EventKind::Loop { body, .. } => *body = without_noise(body),
            _ => {}
        }
    }
    events
}

/// The sums of squares of what is left over of some points and of these, and how many real numbers they are.
fn left_over(measured: &[Option<C64>], model: &[Option<C64>], factor: C64) -> (f64, f64, usize) {
    let both = measured.iter().zip(model).filter_map(|(a, b)| Some((a.as_ref()?, b.as_ref()?)));
    both.fold((0.0, 0.0, 0), |(left, all, n), (a, b)| ((a - b * factor).norm_sqr() + left, a.norm_sqr() + all, n + 2))
}
