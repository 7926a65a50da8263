//! Pulses, locks and gradients in the form required by a console: duration, amplitude, and a table of steps if they vary.

use super::drive::{self, Drive, angular};
use super::envelope::Envelope;
use super::fault::Fault;
use super::lock;
use super::value::Evaluator;
use crate::diagnostic::Diagnostic;
use crate::ir::{Align, Lock, Pulse};
use crate::source::Span;
use crate::syntax::Expr;

pub use super::centres::{Position, Repetition};
pub use super::drive::strength_of_channel;
pub use super::gaps::Gaps;

/// Maximum number of steps of a smooth envelope, unless its phase varies fast.
const SMOOTH_STEPS: usize = 1000;

/// Maximum number of steps of an envelope whose phase varies fast.
const MOST_STEPS: usize = 65_536;

/// Minimum step of a smooth envelope, s.
const SHORTEST_STEP: f64 = 50e-9;

/// Maximum change of phase between steps of a smooth envelope, rad.
const LARGEST_TURN: f64 = 0.05;

/// The output of a transmitter.
#[derive(Debug, Clone, PartialEq)]
pub struct Transmission {
    /// Duration, s; 0 for an ideal pulse.
    pub duration: f64,
    /// Flip angle, rad; the only property of an ideal pulse.
    pub angle: f64,
    /// Peak rf amplitude, Hz; 0 for an ideal pulse.
    pub strength: f64,
    /// Steps of equal duration: amplitude as a fraction of the peak, and phase in rad; `None` if constant.
    pub steps: Option<Vec<(f64, f64)>>,
}

/// A pulse for the console, rounded to the steps of the spectrometer if one is named.
///
/// # Errors
/// If the pulse has no amplitude or duration, or exceeds a limit.
pub fn pulse(e: &Evaluator, p: &Pulse, said: &mut Vec<Diagnostic>) -> Result<Transmission, Fault> {
    let written = drive::pulse(e, p)?;
    let drive = drive::on_spectrometer(e, p, written, said)?;
    let given = match (Envelope::of(e, p.shape.as_deref())?, &p.offset, &p.modulation) {
        (Envelope::Steps(steps), None, None) => Some(steps.len()),
        _ => None,
    };
    Ok(transmission(e, &drive, given))
}

/// A decoupling sequence of a console.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoupling {
    /// Its word in the language.
    pub sequence: &'static str,
    /// The length of its pulse of 90 degrees, or of each of its pulses, s; 0 for a continuous wave.
    pub pulse: f64,
    /// Its rf amplitude, Hz.
    pub strength: f64,
}

/// A decoupling sequence for the console, rounded to the steps of the spectrometer if one is named.
///
/// # Errors
/// If it has no amplitude, or exceeds a limit.
pub fn decoupling(e: &Evaluator, p: &Pulse, said: &mut Vec<Diagnostic>) -> Result<Decoupling, Fault> {
    let strength = super::decoupling::drive(e, p, said)?.amplitude.at(0.0).abs() / angular(e);
    let (sequence, pulse) = super::decoupling::sequence(e, p)?;
    Ok(Decoupling { sequence, pulse, strength })
}

/// A lock for the console.
///
/// # Errors
/// If a number cannot be evaluated, or exceeds a limit.
pub fn lock(e: &Evaluator, l: &Lock, span: Span, said: &mut Vec<Diagnostic>) -> Result<Transmission, Fault> {
    let drive = lock::lock(e, l, span)?;
    let drive = match e.spectrometer.as_ref() {
        Some(hardware) => {
            let (duration, phase) = hardware.times((drive.duration, drive.phase), span, said)?;
            drive.refitted(duration, 1.0, phase)
        }
        None => drive,
    };
    let given = l.steps.as_ref().map(|n| e.count(n, 1)).transpose()?;
    Ok(transmission(e, &drive, given))
}

/// The phases of a lock or receiver from scan to scan, rad, rounded to the steps of the spectrometer if one is named.
///
/// # Errors
/// If one cannot be evaluated.
pub fn phases(e: &Evaluator, phase: &Expr) -> Result<Vec<f64>, Fault> {
    Ok(in_steps(e, e.phases(phase)?))
}

/// The phases of a pulse from scan to scan, rad, rounded to the steps of the spectrometer if one is named; a negative flip angle adds half a
/// turn.
///
/// # Errors
/// If one cannot be evaluated.
pub fn phases_of_pulse(e: &Evaluator, p: &Pulse) -> Result<Vec<f64>, Fault> {
    Ok(in_steps(e, drive::phases(e, p)?))
}

fn in_steps(e: &Evaluator, phases: Vec<f64>) -> Vec<f64> {
    let step = e.spectrometer.as_ref().and_then(|hardware| hardware.phase_step);
    let fitted = |x: f64| step.map_or(x, |step| (x / step).round() * step);
    phases.into_iter().map(fitted).collect()
}

/// Start times of simultaneous pulses with these durations.
pub fn starts(durations: &[f64], align: Align) -> Vec<f64> {
    let whole = durations.iter().copied().fold(0.0, f64::max);
    let start = |d: &f64| match align {
        Align::Start => 0.0,
        Align::Centre => (whole - d) / 2.0,
        Align::End => whole - d,
    };
    durations.iter().map(start).collect()
}

/// The envelope of a gradient, step by step; `None` if it is constant.
///
/// # Errors
/// If the shape is invalid.
pub fn gradient_steps(e: &Evaluator, shape: Option<&Expr>, duration: f64) -> Result<Option<Vec<f64>>, Fault> {
    let (amplitude, _) = Envelope::of_gradient(e, shape)?.over(duration);
    if amplitude.constant().is_some() {
        return Ok(None);
    }
    Ok(Some(middles(100, duration).map(|t| amplitude.at(t)).collect()))
}

/// A delay, rounded to the clock of the spectrometer if one is named; `halves` is the time of the half-pulses included in it.
///
/// # Errors
/// If it is negative, or shorter than the minimum.
pub fn delay(
    e: &Evaluator,
    duration: &Expr,
    halves: f64,
    span: Span,
    said: &mut Vec<Diagnostic>,
) -> Result<f64, Fault> {
    let written = drive::duration_of(e, duration)? - halves;
    e.spectrometer.as_ref().map_or(Ok(written), |hardware| hardware.delay(written, span, said))
}

fn middles(steps: usize, duration: f64) -> impl Iterator<Item = f64> {
    (0..steps).map(move |k| (k as f64 + 0.5) / steps as f64 * duration)
}

/// `given` is the number of steps of a tabulated envelope.
fn transmission(e: &Evaluator, drive: &Drive, given: Option<usize>) -> Transmission {
    let hertz = |x: f64| x / angular(e);
    let of = |strength, steps| Transmission { duration: drive.duration, angle: drive.angle, strength, steps };
    if drive.duration == 0.0 {
        return of(0.0, None);
    }
    let fixed = drive.turning.as_ref().is_none_or(|t| t.constant() == Some(0.0));
    if let (Some(strength), true) = (drive.amplitude.constant(), fixed) {
        return of(hertz(strength), None);
    }
    let count = given.unwrap_or_else(|| smooth_steps(drive));
    let sampled: Vec<(f64, f64)> = middles(count, drive.duration)
        .map(|t| (drive.amplitude.at(t), drive.turning.as_ref().map_or(0.0, |turning| turning.at(t))))
        .collect();
    let peak = sampled.iter().map(|(a, _)| a.abs()).fold(0.0, f64::max);
    if peak == 0.0 {
        return of(0.0, None);
    }
    let half_turn = |a: f64| if a < 0.0 { std::f64::consts::PI } else { 0.0 };
    of(hertz(peak), Some(sampled.into_iter().map(|(a, phase)| (a.abs() / peak, phase + half_turn(a))).collect()))
}

/// Number of steps for a smooth envelope; more if its phase varies fast.
fn smooth_steps(drive: &Drive) -> usize {
    let most = ((drive.duration / SHORTEST_STEP) as usize).clamp(1, MOST_STEPS);
    let mut steps = SMOOTH_STEPS.min(most);
    let Some(turning) = &drive.turning else { return steps };
    loop {
        let phases: Vec<f64> = middles(steps, drive.duration).map(|t| turning.at(t)).collect();
        let largest = phases.iter().zip(phases.iter().skip(1)).map(|(a, b)| (b - a).abs()).fold(0.0, f64::max);
        if largest <= LARGEST_TURN || steps * 2 > most {
            return steps;
        }
        steps *= 2;
    }
}
