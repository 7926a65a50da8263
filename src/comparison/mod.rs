//! Theory, emulation and measurement side by side: one table, one figure, and how much of the measurement each leaves over.
//!
//! Theory is the sequence as it is written, without `ensemble` and without noise of the receiver; the emulation has both. What is measured
//! are results of a table, or free induction decays: those of a tomography, of what the sequence acquires, or one per point of a sweep.

mod decays;
mod parts;
mod results;
mod rows;
mod text;

pub use parts::{Agreement, Comparison, Row, Uncertain};
pub use rows::Rows;
pub use text::{csv, json, rows, sentence, table};

use crate::emulator::Options;
use crate::hamiltonian::{Fault, Values};
use crate::ir::{Event, EventKind, Experiment, Look};
use crate::search::Data;
use crate::tomography::decay::Decay;
use parts::Models;

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Measurement {
    /// Results against a parameter, as `fit` takes them.
    Results(Vec<Data>),
    /// Decays in the spectrometer's sense of frequency, and the strongest line of the thermal state in their units where these are not
    /// absolute.
    Decays(Vec<Decay>, Option<f64>),
    /// Acquired signals with one row per point of the sweeps.
    Rows(Vec<Rows>),
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
        Measurement::Rows(signals) => rows::compare(&models, signals),
    }
}

fn without_noise(events: &[Event]) -> Vec<Event> {
    let mut events = events.to_vec();
    for event in &mut events {
        match &mut event.kind {
            EventKind::Acquire { snr, .. } => *snr = None,
            EventKind::Tomography(t) => t.snr = None,
            EventKind::Loop { look, body, .. } => {
                if let Some(Look::Signal(detection)) = look {
                    detection.snr = None;
                }
                *body = without_noise(body);
            }
            _ => {}
        }
    }
    events
}
