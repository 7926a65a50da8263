//! The measured impulse response of a transmitter: a FIR filter of the waveform of every pulse.
//!
//! The waveform u(t), with its phase as a complex number, is sampled in the middle of intervals of the step h of the kernel and sent as steps:
//!
//! ```text
//! v_k = sum_m c_m u((k - m + 1/2) h)  for  k h <= t < (k + 1) h,   c_m = kernel_m + i kernel_quadrature_m
//! ```
//!
//! (Spindler, Zhang, Endeward, Gershernzon, Skinner, Glaser, Prisner, J. Magn. Reson. 218, 49.) It acts before rise time and droop. What would
//! ring on after the end of the pulse is left out: a shape that ends with steps of zero contains it.

use super::schedule::Filtered;
use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::Channel;
use crate::linalg::{C64, ZERO};
use crate::source::Span;
use crate::syntax::{Expr, ExprKind};
use crate::waveform::Scalar;

/// Largest number of steps of a filtered pulse.
const MOST_STEPS: f64 = 100_000.0;

/// The steps that a filtered waveform consists of.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel {
    /// Duration of a step, s.
    pub step: f64,
    taps: Vec<C64>,
}

impl Kernel {
    /// The kernel of a channel, if it has one.
    ///
    /// # Errors
    /// If it has no step, its parts differ in length, or it stands beside phase transients, which it contains.
    pub fn of(e: &Evaluator, channel: &Channel) -> Result<Option<Kernel>, Fault> {
        let Some(real) = &channel.kernel else {
            let alone = channel.kernel_quadrature.as_ref().or(channel.kernel_step.as_ref());
            return match alone {
                Some(x) => Err(refused(Code::MissingDeclaration, x.span(), "there is no `kernel` for this")),
                None => Ok(None),
            };
        };
        let span = real.span();
        if channel.leading_transient.is_some() || channel.trailing_transient.is_some() {
            let message = "a kernel contains the phase transients of its channel: give one of the two";
            return Err(refused(Code::Contradiction, span, message));
        }
        let Some(step) = &channel.kernel_step else {
            let message = "a kernel needs the time between its taps: `kernel_step = 50 ns`";
            return Err(refused(Code::MissingDeclaration, span, message));
        };
        let h = e.number(step)?;
        if h <= 0.0 {
            return Err(refused(Code::OutOfRange, step.span(), "the step of a kernel must be positive"));
        }
        let list = |expr: &Expr| -> Result<Vec<f64>, Fault> { parts(expr).iter().map(|x| e.number(x)).collect() };
        let real = list(real)?;
        let imaginary = match &channel.kernel_quadrature {
            None => vec![0.0; real.len()],
            Some(expr) => {
                let given = list(expr)?;
                if given.len() != real.len() {
                    let message = format!("the kernel has {} taps, its quadrature {}", real.len(), given.len());
                    return Err(refused(Code::Contradiction, expr.span(), message));
                }
                given
            }
        };
        Ok(Some(Kernel { step: h, taps: real.into_iter().zip(imaginary).map(|(x, y)| C64::new(x, y)).collect() }))
    }

    /// Number of intervals of a pulse.
    fn intervals(&self, duration: f64, span: Span) -> Result<usize, Fault> {
        // A rest that is rounding is no interval.
        let count = (duration / self.step - 1e-6).ceil().max(1.0);
        if count > MOST_STEPS {
            let message = format!(
                "a kernel in steps of {:e} s divides this pulse into {count} steps, more than {MOST_STEPS}",
                self.step
            );
            return Err(refused(Code::OverBudget, span, message));
        }
        Ok(count as usize)
    }

    /// The middle of an interval of a pulse of this duration.
    fn middle(&self, k: usize, duration: f64) -> f64 {
        let (from, to) = (k as f64 * self.step, ((k + 1) as f64 * self.step).min(duration));
        0.5 * (from + to)
    }

    /// The waveform that is sent for one with this amplitude and additional phase: its amplitude and phase.
    ///
    /// # Errors
    /// If it would have too many steps.
    pub fn applied(
        &self,
        amplitude: &Scalar,
        turning: Option<&Scalar>,
        duration: f64,
        span: Span,
    ) -> Result<(Scalar, Option<Scalar>), Fault> {
        let count = self.intervals(duration, span)?;
        let sample = |k: usize| {
            let t = self.middle(k, duration);
            C64::cis(turning.map_or(0.0, |turning| turning.at(t))) * amplitude.at(t)
        };
        let sent: Vec<C64> = (0..count).map(sample).collect();
        let of = |k: usize| -> C64 {
            let past = sent.iter().take(k + 1).rev();
            self.taps.iter().zip(past).fold(ZERO, |sum, (tap, u)| sum + tap * u)
        };
        let filtered: Vec<C64> = (0..count).map(of).collect();
        let number = Scalar::time().scaled(1.0 / self.step);
        let table = |part: fn(&C64) -> f64| number.looked_up(&filtered.iter().map(part).collect());
        let turning = table(|v| v.arg());
        Ok((table(|v| v.norm()), (turning.constant() != Some(0.0)).then_some(turning)))
    }

    /// The filtered waveform as a function of `count` equal steps of a pulse of this duration, whose offset and modulation add a phase.
    pub fn over_steps(&self, count: usize, duration: f64, shift: Option<&Scalar>, begin: f64) -> Filtered {
        let intervals = (duration / self.step - 1e-6).ceil().max(1.0) as usize;
        let step_at = |t: f64| ((t / duration * count as f64) as usize).min(count.saturating_sub(1));
        let of = |k: usize| {
            let mut parts: Vec<(usize, C64)> = Vec::new();
            for (m, tap) in self.taps.iter().enumerate().take(k + 1) {
                let t = self.middle(k - m, duration);
                let factor = tap * C64::cis(shift.map_or(0.0, |s| s.at(t)));
                match parts.iter_mut().find(|(step, _)| *step == step_at(t)) {
                    Some((_, sum)) => *sum += factor,
                    None => parts.push((step_at(t), factor)),
                }
            }
            parts
        };
        Filtered { step: self.step, begin, intervals: (0..intervals).map(of).collect() }
    }
}

/// The taps: a list, or one number.
fn parts(expr: &Expr) -> &[Expr] {
    match &expr.kind {
        ExprKind::Tuple(items) => items,
        _ => std::slice::from_ref(expr),
    }
}

fn refused(code: Code, span: Span, message: impl Into<String>) -> Fault {
    Diagnostic::new(code, span, message.into()).into()
}
