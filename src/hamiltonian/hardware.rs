//! Constraints of a spectrometer: resolution of times, phases and amplitudes, and limits.
//!
//! A sequence without a spectrometer is run as written. With one, durations, phases and amplitudes are rounded to the nearest step;
//! every change is reported, and what is impossible is rejected.

use super::fault::Fault;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::waveform::Scalar;

/// A spectrometer as numbers; settings that are not given impose no resolution or limit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spectrometer {
    /// Its name.
    pub name: String,
    pub(super) clock: Option<f64>,
    pub(super) min_delay: Option<f64>,
    pub(super) phase_step: Option<f64>,
    pub(super) amplitude_step: Option<f64>,
    pub(super) unblanking: Option<f64>,
    pub(super) switching: Option<f64>,
    pub(super) power_change: Option<f64>,
    pub(super) blanking: Option<f64>,
    pub(super) gradient_recovery: Option<f64>,
    pub(super) crusher: Option<f64>,
    pub(super) max_pulse: Option<f64>,
    pub(super) max_energy: Option<f64>,
    pub(super) max_gradient: Option<f64>,
    /// The limit, and its place in the source.
    pub(super) max_duty: Option<(f64, Span)>,
    pub(super) recycle_delay: f64,
}

/// A stepped pulse rounded to the resolution of a spectrometer: duration, phase, and amplitude and phase of each step.
pub type Rounded = (f64, f64, Vec<(f64, f64)>);

/// A time of a spectrometer, in s, with its unit.
fn time(t: f64) -> String {
    crate::units::time_text(t, crate::units::UnitSystem::Lab)
}

impl Spectrometer {
    fn refuse(&self, span: Span, message: String, label: &str) -> Fault {
        Diagnostic::new(Code::HardwareLimit, span, message)
            .label(label)
            .help(format!("the spectrometer is `{}`", self.name))
            .into()
    }

    /// The nearest multiple of a step, with a diagnostic if it differs from `x`.
    fn rounded(
        &self,
        x: f64,
        step: Option<f64>,
        (what, unit, size): (&str, &str, f64),
        span: Span,
        said: &mut Vec<Diagnostic>,
    ) -> f64 {
        let Some(step) = step else { return x };
        let near = (x / step).round() * step;
        // Floating-point rounding does not count as a change.
        if (near - x).abs() <= 1e-9 * step {
            return x;
        }
        let shown = |x: f64| crate::syntax::number_text((x / size * 1e6).round() / 1e6);
        said.push(
            Diagnostic::new(
                Code::Rounded,
                span,
                format!("`{}` rounds {what} of {} {unit} to {} {unit}", self.name, shown(x), shown(near)),
            )
            .label(format!("changed by {} {unit}", shown(near - x))),
        );
        near
    }

    /// A delay in multiples of the clock.
    ///
    /// # Errors
    /// If it is shorter than the minimum.
    pub fn delay(&self, t: f64, span: Span, said: &mut Vec<Diagnostic>) -> Result<f64, Fault> {
        let t = self.rounded(t, self.clock, ("a delay", "us", 1e-6), span, said);
        match self.min_delay {
            Some(least) if t > 0.0 && t < least * (1.0 - 1e-9) => {
                let message = format!("a delay of {} is shorter than the minimum, {}", time(t), time(least));
                Err(self.refuse(span, message, "too short"))
            }
            _ => Ok(t),
        }
    }

    /// Checks that a delay before a pulse leaves enough time for unblanking the transmitter.
    ///
    /// # Errors
    /// If it does not.
    pub fn before_pulse(&self, t: f64, span: Span) -> Result<(), Fault> {
        match self.unblanking {
            Some(needed) if t < needed * (1.0 - 1e-9) => {
                let message = format!(
                    "a delay of {} before a pulse is shorter than the {} that the transmitter needs",
                    time(t),
                    time(needed)
                );
                Err(self.refuse(span, message, "the transmitter is not ready"))
            }
            _ => Ok(()),
        }
    }

    /// The error for a delay between two events that is shorter than the electronics need.
    pub(super) fn too_short(&self, waited: f64, needed: f64, span: Span) -> Fault {
        let shown = |t: f64| crate::syntax::number_text((t * 1e12).round() / 1e6);
        let message = format!(
            "the delay between the adjacent statements is {} us, but the electronics need {} us",
            shown(waited),
            shown(needed)
        );
        self.refuse(span, message, "too short")
    }

    /// The maximum gradient, T/m, if there is a limit.
    pub fn max_gradient(&self) -> Option<f64> {
        self.max_gradient
    }

    /// The time from the end of a scan to the start of the next.
    pub fn recycle_delay(&self) -> f64 {
        self.recycle_delay
    }

    /// Duration of a crusher gradient; 0 if none is declared.
    pub fn crusher(&self) -> f64 {
        self.crusher.unwrap_or(0.0)
    }

    /// Duration, rf amplitude (Hz) and phase of a pulse, rounded; `max_rf` is that of the channel.
    ///
    /// # Errors
    /// If it is longer than the maximum.
    pub fn pulse(
        &self,
        (duration, rf, phase): (f64, f64, f64),
        max_rf: Option<f64>,
        span: Span,
        said: &mut Vec<Diagnostic>,
    ) -> Result<(f64, f64, f64), Fault> {
        let (duration, phase) = self.times((duration, phase), span, said)?;
        let step = self.amplitude_step.zip(max_rf).map(|(share, most)| share * most);
        let rf = self.rounded(rf, step, ("a strength", "kHz", 1e3), span, said);
        Ok((duration, rf, phase))
    }

    /// The steps of the amplitudes of a shape, as fractions of the peak `rf` (Hz), and of its phases, rad; `None` for what is not rounded.
    pub fn grid(&self, rf: f64, max_rf: Option<f64>) -> (Option<f64>, Option<f64>) {
        (self.amplitude_step.zip(max_rf).map(|(share, most)| share * most / rf), self.phase_step)
    }

    /// A pulse whose shape is a table of amplitudes (as fractions of `rf`, Hz) and phases: its duration, its phase and the rounded
    /// table. Every step of the table takes a whole number of clock periods, and its amplitude and phase are multiples of the
    /// transmitter's steps.
    ///
    /// # Errors
    /// If a step of the table is shorter than half a clock period, or the pulse is longer than the maximum.
    pub fn shape(
        &self,
        table: &[(f64, f64)],
        (duration, rf, phase): (f64, f64, f64),
        max_rf: Option<f64>,
        span: Span,
        said: &mut Vec<Diagnostic>,
    ) -> Result<Rounded, Fault> {
        let n = table.len().max(1) as f64;
        let length = self.rounded(duration / n, self.clock, ("a step of a shape", "us", 1e-6), span, said);
        if length == 0.0 && duration > 0.0 {
            let message =
                format!("the steps of this shape last {}, less than half of a clock period", time(duration / n));
            return Err(self
                .refuse(span, message, "too short")
                .help("use a longer pulse, or a shape with fewer steps")
                .into());
        }
        let (duration, phase) = self.times((length * n, phase), span, said)?;
        let (strength, phases) = self.grid(rf, max_rf);
        let nearest = |x: f64, step: Option<f64>| match step {
            Some(step) if step > 0.0 => (x / step).round() * step,
            _ => x,
        };
        let rounded: Vec<(f64, f64)> =
            table.iter().map(|(a, p)| (nearest(*a, strength), nearest(*p, phases))).collect();
        let largest = |of: &dyn Fn(&(f64, f64)) -> f64| {
            table.iter().zip(&rounded).map(|(a, b)| (of(a) - of(b)).abs()).fold(0.0, f64::max)
        };
        let (amplitudes, phases) = (largest(&|s| s.0), largest(&|s| s.1));
        // Floating-point rounding does not count as a change.
        if amplitudes > 1e-9 || phases > 1e-9 {
            let changed = |(a, b): &(&(f64, f64), &(f64, f64))| (a.0 - b.0).abs() > 1e-9 || (a.1 - b.1).abs() > 1e-9;
            let count = table.iter().zip(&rounded).filter(changed).count();
            let shown = |x: f64| crate::syntax::number_text((x * 1e6).round() / 1e6);
            said.push(
                Diagnostic::new(
                    Code::Rounded,
                    span,
                    format!("`{}` rounds {count} of the {} steps of this shape", self.name, table.len()),
                )
                .label(format!(
                    "amplitudes change by up to {} of the peak, phases by up to {} deg",
                    shown(amplitudes),
                    shown(phases.to_degrees())
                )),
            );
        }
        Ok((duration, phase, rounded))
    }

    /// Duration and phase of a pulse or lock, rounded.
    ///
    /// # Errors
    /// If it is longer than the maximum, or shorter than half a clock period.
    pub fn times(
        &self,
        (duration, phase): (f64, f64),
        span: Span,
        said: &mut Vec<Diagnostic>,
    ) -> Result<(f64, f64), Fault> {
        let written = duration;
        let duration = self.rounded(duration, self.clock, ("a pulse", "us", 1e-6), span, said);
        let phase = self.rounded(phase, self.phase_step, ("a phase", "deg", std::f64::consts::PI / 180.0), span, said);
        if duration == 0.0 && written > 0.0 {
            let message = format!("a pulse of {} is shorter than half of a clock period", time(written));
            return Err(self.refuse(span, message, "too short"));
        }
        self.within_longest(duration, span)?;
        Ok((duration, phase))
    }

    /// Checks the duration of a pulse, a lock or a decoupling sequence against the limit.
    ///
    /// # Errors
    /// If it is longer than the maximum.
    pub fn within_longest(&self, duration: f64, span: Span) -> Result<(), Fault> {
        match self.max_pulse {
            Some(most) if duration > most * (1.0 + 1e-9) => {
                let message = format!("a pulse of {} is longer than the maximum, {}", time(duration), time(most));
                Err(self.refuse(span, message, "too long"))
            }
            _ => Ok(()),
        }
    }

    /// The phases of a train of pulses, rad, rounded.
    pub fn phases(&self, train: &Scalar, span: Span, said: &mut Vec<Diagnostic>) -> Scalar {
        let degree = ("a phase of a sequence", "deg", std::f64::consts::PI / 180.0);
        let mut changes = Vec::new();
        let rounded = train.with_levels(&mut |phase| self.rounded(phase, self.phase_step, degree, span, &mut changes));
        said.extend(changes.into_iter().next());
        rounded
    }

    /// The rf amplitude (Hz) and the phase of a decoupling sequence, rounded; `max_rf` is that of the channel.
    pub fn decoupling(
        &self,
        (rf, phase): (f64, f64),
        max_rf: Option<f64>,
        span: Span,
        said: &mut Vec<Diagnostic>,
    ) -> (f64, f64) {
        let step = self.amplitude_step.zip(max_rf).map(|(share, most)| share * most);
        let rf = self.rounded(rf, step, ("a strength", "kHz", 1e3), span, said);
        (rf, self.rounded(phase, self.phase_step, ("a phase", "deg", std::f64::consts::PI / 180.0), span, said))
    }

    /// Checks the rf load of a scan: the equivalent time at the rf limit of the channel that deposits the same energy.
    ///
    /// # Errors
    /// If it exceeds the limit of the probe.
    pub fn energy(&self, nucleus: &str, seconds: f64, span: Span) -> Result<(), Fault> {
        match self.max_energy {
            Some(most) if seconds > most => {
                let message = format!(
                    "the rf load on {nucleus} is equivalent to {seconds:.3e} s at max_rf, more than {most:.3e} s"
                );
                Err(self.refuse(span, message, "exceeded from here on"))
            }
            _ => Ok(()),
        }
    }

    /// Checks the duty cycle: the on-time of a transmitter in a scan relative to the time between scans.
    ///
    /// # Errors
    /// If it exceeds the limit.
    pub fn duty(&self, nucleus: &str, on: f64, scan: f64) -> Result<(), Fault> {
        let Some((most, span)) = self.max_duty else { return Ok(()) };
        let share = on / (scan + self.recycle_delay);
        if share <= most * (1.0 + 1e-9) {
            return Ok(());
        }
        let message = format!(
            "the transmitter for {nucleus} is on for {on:.3e} s of {:.3e} s between scans: a duty cycle of {share:.3}, more than {most}",
            scan + self.recycle_delay
        );
        Err(self.refuse(span, message, "duty cycle exceeded"))
    }

    /// Checks a gradient against the limit.
    ///
    /// # Errors
    /// If it is too strong.
    pub fn within_gradient_limit(&self, strength: f64, span: Span) -> Result<(), Fault> {
        match self.max_gradient {
            Some(most) if strength.abs() > most * (1.0 + 1e-12) => {
                let message = format!("a gradient of {strength:e} T/m exceeds the maximum, {most:e} T/m");
                Err(self.refuse(span, message, "too strong"))
            }
            _ => Ok(()),
        }
    }
}
