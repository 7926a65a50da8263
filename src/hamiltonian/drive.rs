//! Pulses and locks: relations of flip angle, rf amplitude and duration; envelopes as coefficients of Fx and Fy.

use super::envelope::Envelope;
use super::hardware::Spectrometer;
use super::kernel::Kernel;
use super::schedule::clean;
use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Align, Channel, Pulse};
use crate::source::Span;
use crate::syntax::{Expr, ExprKind};
use crate::units::{UnitSystem, angular_factor, time_text};
use crate::waveform::{Function, Scalar, Unresolved, peak};
use std::f64::consts::{FRAC_PI_2, PI};
use std::sync::Arc;

/// A pulse as numbers.
#[derive(Clone)]
pub struct Drive {
    /// Start time within its statement; then its duration.
    pub start: f64,
    pub duration: f64,
    /// Its phase, rad.
    pub phase: f64,
    /// Its flip angle as written, rad.
    pub angle: f64,
    /// Its rf amplitude as a function of time since its start, rad/s, at nominal rf.
    pub amplitude: Scalar,
    /// Factor of the rf field for this ensemble member.
    pub factor: Scalar,
    /// Additional phase as a function of the same time, rad.
    pub turning: Option<Scalar>,
    /// The tabulated shape it uses, if any.
    pub shape: Option<DriveShape>,
    /// Factor by which rise time and droop change its amplitude, as a function of time since its start.
    pub response: Scalar,
    /// The part of the additional phase that its offset and its modulation cause, rad.
    pub shift: Option<Scalar>,
    /// The impulse response of the transmitter that formed its waveform, if one is known.
    pub kernel: Option<Arc<Kernel>>,
}

/// The use of a tabulated shape by a pulse.
#[derive(Debug, Clone, Copy)]
pub struct DriveShape {
    /// Index of the shape in the experiment, and its number of steps.
    pub number: usize,
    pub steps: usize,
    /// The rf amplitude of step amplitude 1, rad/s; `None` if it follows from a flip angle, and so from the steps.
    pub peak: Option<f64>,
}

impl Drive {
    /// A pulse of this duration, phase and amplitude, without a shape, a flip angle and imperfections.
    pub fn plain(duration: f64, phase: f64, amplitude: Scalar) -> Drive {
        let one = || Scalar::Constant(1.0);
        let (factor, response) = (one(), one());
        Drive {
            start: 0.0,
            duration,
            phase,
            angle: 0.0,
            amplitude,
            factor,
            turning: None,
            shape: None,
            response,
            shift: None,
            kernel: None,
        }
    }

    /// The field components along x and y, for a transmitter whose y axis has a quadrature error `lean`:
    /// `a (cos phi - sin phi sin lean)` and `a sin phi cos lean`.
    pub fn along_xy(&self, lean: f64) -> (Scalar, Scalar) {
        let phase = self.phase;
        let amplitude = self.strength();
        match &self.turning {
            // Vanishing components are constants, so that a field along one axis is a single time-dependent term. Sines and cosines are
            // cleaned: cos(90 deg) is 6e-17 in floating point.
            None => {
                let along = |part: f64| match part {
                    0.0 => Scalar::Constant(0.0),
                    part => amplitude.scaled(part),
                };
                let (x, y) = axis(phase, lean);
                (along(x), along(y))
            }
            Some(turning) => {
                let (sine, cosine) = (lean.sin(), lean.cos());
                let phase = turning.plus(&Scalar::Constant(phase));
                let (x, y) = (phase.apply(Function::Cos), phase.apply(Function::Sin));
                let along_x = if sine == 0.0 { x } else { x.minus(&y.scaled(sine)) };
                (amplitude.times(&along_x), amplitude.times(&y.scaled(cosine)))
            }
        }
    }

    /// Its rf amplitude for this ensemble member, rad/s.
    pub fn strength(&self) -> Scalar {
        match self.factor.constant() {
            Some(1.0) => self.amplitude.clone(),
            _ => self.amplitude.times(&self.factor),
        }
    }

    /// The same waveform, starting at a time.
    pub fn delayed(&self, start: f64) -> Drive {
        let turning = self.turning.as_ref().map(|s| s.delayed(start));
        Drive { amplitude: self.amplitude.delayed(start), turning, ..self.clone() }
    }

    /// The same pulse stretched to another duration, with its amplitude multiplied by `factor`, at another phase.
    pub fn refitted(&self, duration: f64, factor: f64, phase: f64) -> Drive {
        if self.duration == 0.0 {
            return Drive { phase, ..self.clone() };
        }
        let stretch = self.duration / duration;
        Drive {
            start: self.start,
            duration,
            phase,
            angle: self.angle * factor / stretch,
            amplitude: self.amplitude.compressed(stretch).scaled(factor),
            factor: self.factor.clone(),
            turning: self.turning.as_ref().map(|s| s.compressed(stretch)),
            shape: self.shape,
            response: self.response.compressed(stretch),
            shift: self.shift.as_ref().map(|s| s.compressed(stretch)),
            kernel: self.kernel.clone(),
        }
    }

    /// Applies the imperfections of the transmitter: rf inhomogeneity factor, impulse response, rise time, droop.
    pub fn imperfect(mut self, e: &Evaluator, nucleus: &str) -> Result<Drive, Fault> {
        self.factor = e.rf(nucleus);
        let time = |expr: &Option<Expr>| expr.as_ref().map(|x| Ok::<_, Fault>((e.number(x)?, x.span()))).transpose();
        let Some(channel) = channel(e, nucleus) else { return Ok(self) };
        if let Some(kernel) = Kernel::of(e, channel)?
            && self.duration > 0.0
        {
            let span = channel.kernel.as_ref().map_or(channel.place.span(), Expr::span);
            (self.amplitude, self.turning) =
                kernel.applied(&self.amplitude, self.turning.as_ref(), self.duration, span)?;
            self.kernel = Some(Arc::new(kernel));
        }
        let (rise, droop) = (time(&channel.rise_time)?, time(&channel.droop_time)?);
        for (x, span) in rise.iter().chain(&droop) {
            if *x <= 0.0 {
                let message = format!("a time constant must be positive, this is {x}");
                return Err(Diagnostic::new(Code::OutOfRange, *span, message).into());
            }
        }
        if rise.is_none() && droop.is_none() {
            return Ok(self);
        }
        let decay = |(time, _): (f64, Span)| Scalar::time().scaled(-1.0 / time).apply(Function::Exp);
        if let Some(rise) = rise {
            let rising = Scalar::Constant(1.0).minus(&decay(rise));
            self.response = self.response.times(&rising);
            self.amplitude = self.amplitude.times(&rising);
        }
        if let Some(droop) = droop {
            let falling = decay(droop);
            self.response = self.response.times(&falling);
            self.amplitude = self.amplitude.times(&falling);
        }
        Ok(self)
    }
}

/// Components along x and y of a unit field at a phase, for a transmitter with a quadrature error.
pub(super) fn axis(phase: f64, lean: f64) -> (f64, f64) {
    let (x, y) = (clean(phase.cos()), clean(phase.sin()));
    (x - y * lean.sin(), y * lean.cos())
}

/// The quadrature phase error of the transmitter's y channel, rad.
pub fn lean(e: &Evaluator, nucleus: &str) -> Result<f64, Fault> {
    channel(e, nucleus).and_then(|c| c.lean.as_ref()).map_or(Ok(0.0), |x| e.number(x))
}

/// An edge of a pulse.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The leading edge.
    Leading,
    /// The trailing edge.
    Trailing,
}

/// The phase transient at an edge of a pulse.
pub struct Transient {
    /// Equivalent duration tau of the quadrature field, s; may be negative.
    pub time: f64,
    /// Its flip angle `w tau`, with the rf amplitude w at the edge, rad.
    pub angle: Scalar,
    /// Its phase: that of the pulse at the edge plus 90 degrees.
    pub phase: f64,
}

/// The transient at an edge of a pulse, if its channel has one. The resonant circuit turns an edge into a short out-of-phase field,
/// which acts on spins like an ideal pulse (Mehring and Waugh, Rev. Sci. Instrum. 43, 649).
pub fn transient(e: &Evaluator, nucleus: &str, drive: &Drive, edge: Edge) -> Result<Option<Transient>, Fault> {
    let Some(channel) = channel(e, nucleus) else { return Ok(None) };
    let (given, t) = match edge {
        Edge::Leading => (&channel.leading_transient, 0.0),
        Edge::Trailing => (&channel.trailing_transient, drive.duration),
    };
    let time = given.as_ref().map_or(Ok(0.0), |x| e.number(x))?;
    let angle = drive.factor.scaled(time * drive.amplitude.at(t));
    let phase = drive.phase + drive.turning.as_ref().map_or(0.0, |turning| turning.at(t)) + FRAC_PI_2;
    Ok((time != 0.0).then_some(Transient { time, angle, phase }))
}

/// Factor from rf fields to angular frequencies: 2 pi in lab files, 1 in natural units.
pub fn angular(e: &Evaluator) -> f64 {
    angular_factor(e.scope.units)
}

fn channel<'a>(e: &'a Evaluator, nucleus: &str) -> Option<&'a Channel> {
    e.experiment.channels.iter().find(|c| c.nucleus == nucleus)
}

/// Default nutation frequency of pulses on a channel, if one is declared.
pub fn strength_of_channel(e: &Evaluator, nucleus: &str) -> Result<Option<f64>, Fault> {
    channel(e, nucleus).and_then(|c| c.rf.as_ref()).map(|x| e.number(x)).transpose()
}

/// The error for an rf waveform that is unbounded or cannot be resolved.
pub fn unresolved(why: &Unresolved, span: Span) -> Fault {
    Diagnostic::new(Code::NotConverged, span, format!("this pulse cannot be computed: {why}"))
        .help("a waveform needs a finite value at every time")
        .into()
}

/// Rejects a field above the limit of its channel.
pub fn check_limit(e: &Evaluator, nucleus: &str, rf: f64, span: Span) -> Result<(), Fault> {
    let Some(limit) = channel(e, nucleus).and_then(|c| c.max_rf.as_ref()) else { return Ok(()) };
    let most = e.number(limit)?;
    if rf.abs() <= most * (1.0 + 1e-12) {
        return Ok(());
    }
    let unit = if e.scope.units == UnitSystem::Lab { " Hz" } else { "" };
    Err(Diagnostic::new(
        Code::OverLimit,
        span,
        format!("rf = {rf}{unit} exceeds the limit of channel {nucleus}, {most}{unit}"),
    )
    .label("too strong")
    .related(limit.span(), "the limit")
    .help("lower `rf` and use a longer pulse, or raise `max_rf` if the probe allows it")
    .into())
}

/// Warns about a phase that the spectrometer will round.
pub fn rounded_phase(e: &Evaluator, nucleus: &str, phase: f64, span: Span) -> Result<Option<Diagnostic>, Fault> {
    let Some(step) = channel(e, nucleus).and_then(|c| c.phase_step.as_ref()) else { return Ok(None) };
    let size = e.number(step)?;
    if size <= 0.0 {
        return Err(Diagnostic::new(Code::OutOfRange, step.span(), "a phase step must be positive").into());
    }
    let steps = phase / size;
    if (steps - steps.round()).abs() < 1e-6 {
        return Ok(None);
    }
    // Six decimals of a degree, which hides the rounding of the conversion.
    let degrees = |x: f64| (x.to_degrees() * 1e6).round() / 1e6;
    Ok(Some(
        Diagnostic::new(
            Code::PhaseRounded,
            span,
            format!("the phase {} deg is not a multiple of the phase step of channel {nucleus}", degrees(phase)),
        )
        .label(format!("the nearest is {} deg", degrees(steps.round() * size)))
        .related(step.span(), "the step"),
    ))
}

fn duration(e: &Evaluator, expr: &Expr) -> Result<f64, Fault> {
    let t = e.number(expr)?;
    if t < 0.0 {
        return Err(Diagnostic::new(
            Code::OutOfRange,
            expr.span(),
            format!("a duration cannot be negative, this is {}", time_text(t, e.experiment.units)),
        )
        .label("negative")
        .into());
    }
    Ok(t)
}

/// A duration; an error if it is negative.
pub fn duration_of(e: &Evaluator, expr: &Expr) -> Result<f64, Fault> {
    duration(e, expr)
}

/// The magnitude of the flip angle of a pulse, and what its sign adds to the phase, rad: a turn by -a about an axis is a turn by a about the
/// opposite one.
fn flip_angle(e: &Evaluator, p: &Pulse) -> Result<(Option<f64>, f64), Fault> {
    Ok(match p.angle.as_ref().map(|a| e.number(a)).transpose()? {
        Some(angle) if angle < 0.0 => (Some(-angle), PI),
        angle => (angle, 0.0),
    })
}

/// The phases of a pulse from scan to scan, rad, with what the sign of its flip angle adds.
pub fn phases(e: &Evaluator, p: &Pulse) -> Result<Vec<f64>, Fault> {
    let (_, turned) = flip_angle(e, p)?;
    Ok(e.phases(&p.phase)?.into_iter().map(|phase| phase + turned).collect())
}

/// The phase of a pulse whose flip angle has no sign yet, rad.
pub fn phase(e: &Evaluator, p: &Pulse) -> Result<f64, Fault> {
    e.phase(&p.phase)
}

/// A pulse as numbers: any two of angle, rf and duration determine the third; all three must agree.
pub fn pulse(e: &Evaluator, p: &Pulse) -> Result<Drive, Fault> {
    let span = p.place.span();
    let (angle, turned) = flip_angle(e, p)?;
    let phase = e.phase(&p.phase)? + turned;
    // A flip angle of zero, as in a sweep, means no pulse: its duration is zero.
    if p.ideal || (angle == Some(0.0) && p.duration.is_none()) {
        let angle = angle.unwrap_or(0.0);
        let amplitude = Scalar::Constant(0.0);
        return Ok(Drive { angle, ..Drive::plain(0.0, phase, amplitude) });
    }
    let envelope = Envelope::of(e, p.shape.as_deref())?;
    let explicit = p.rf.as_ref().map(|x| e.number(x)).transpose()?;
    let given = p.duration.as_ref().map(|x| duration(e, x)).transpose()?;
    let default = strength_of_channel(e, &p.nucleus)?;
    if let (Some(rf), Some(expr)) = (explicit, &p.rf)
        && rf <= 0.0
    {
        return Err(Diagnostic::new(Code::OutOfRange, expr.span(), format!("rf must be positive, this is {rf}")).into());
    }
    let area = Area { envelope: &envelope, factor: angular(e), span };
    let (rf, length, angle) = match (angle, explicit, given) {
        (Some(angle), Some(rf), Some(t)) => {
            let turned = area.of(t)? * rf;
            if (turned - angle).abs() > 1e-6 * angle.abs().max(1e-12) {
                return Err(Diagnostic::new(
                    Code::Contradiction,
                    span,
                    format!(
                        "rf x duration gives a flip angle of {:.6} deg, but the angle is {:.6} deg",
                        turned.to_degrees(),
                        angle.to_degrees()
                    ),
                )
                .label("flip angle, rf and duration are inconsistent")
                .help("leave out one of the three")
                .into());
            }
            (rf, t, angle)
        }
        (Some(angle), None, Some(t)) if t > 0.0 => (angle / area.of(t)?, t, angle),
        (Some(_), None, Some(_)) => {
            return Err(Diagnostic::new(Code::OutOfRange, span, "for an instantaneous pulse write `ideal`").into());
        }
        (Some(angle), Some(rf), None) => (rf, area.duration(angle, rf)?, angle),
        (Some(angle), None, None) => match default {
            Some(rf) if rf > 0.0 => (rf, area.duration(angle, rf)?, angle),
            _ => return Err(missing_strength(e, p, span)),
        },
        (None, rf, Some(t)) => match rf.or(default) {
            Some(rf) => (rf, t, area.of(t).map_or(0.0, |a| a * rf)),
            None => return Err(missing_strength(e, p, span)),
        },
        (None, _, None) => return Err(missing_strength(e, p, span)),
    };
    // An expression may exceed 1 at some time.
    let highest = match &envelope {
        Envelope::Expression(curve) => peak(curve, length).map_err(|e| unresolved(&e, span))?.max(1.0),
        Envelope::Constant | Envelope::Named(..) | Envelope::Steps(_) => 1.0,
    };
    check_limit(e, &p.nucleus, rf * highest, p.rf.as_ref().map_or(span, Expr::span))?;
    envelope.check_duration(length, span)?;
    let peak = rf * angular(e);
    let (amplitude, turning) = envelope.at_peak(peak).over(length);
    let amplitude = amplitude.scaled(peak);
    let shift = turning_of(e, p, vec![])?;
    let turning = turning_of(e, p, turning.into_iter().collect())?;
    // A flip angle divides by the sum of the steps.
    let peak = p.angle.is_none().then_some(peak);
    let shape = shape_of(e, p).map(|(number, steps)| DriveShape { number, steps, peak });
    Ok(Drive { angle, turning, shape, shift, ..Drive::plain(length, phase, amplitude) })
}

/// Index and number of steps of the tabulated shape of a pulse, if it has one.
fn shape_of(e: &Evaluator, p: &Pulse) -> Option<(usize, usize)> {
    let Some(ExprKind::Name(name)) = p.shape.as_ref().map(|x| &x.kind) else { return None };
    let number = e.experiment.shapes.iter().position(|s| s.name == *name)?;
    Some((number, e.experiment.shapes.get(number)?.steps.len()))
}

/// The additional phase of a pulse: from its shape, its offset and its modulation.
fn turning_of(e: &Evaluator, p: &Pulse, mut turning: Vec<Scalar>) -> Result<Option<Scalar>, Fault> {
    if let Some(offset) = &p.offset {
        let rate = e.number(offset)? * angular(e);
        turning.push(Scalar::time().scaled(rate));
    }
    if let Some(modulation) = &p.modulation {
        turning.push(e.curve(modulation)?);
    }
    Ok(turning.into_iter().reduce(|a, b| a.plus(&b)))
}

/// A pulse rounded to the steps of the spectrometer, if one is named; ideal pulses are unchanged.
pub fn on_spectrometer(e: &Evaluator, p: &Pulse, drive: Drive, said: &mut Vec<Diagnostic>) -> Result<Drive, Fault> {
    match e.spectrometer.as_ref() {
        Some(hardware) if !p.ideal => {
            let limit = super::spectrometer::max_rf(e, &p.nucleus)?;
            in_steps(e, p, &drive, hardware, limit, said)
        }
        _ => Ok(drive),
    }
}

/// The pulse with duration, peak amplitude and phase rounded to the steps of a spectrometer.
fn in_steps(
    e: &Evaluator,
    p: &Pulse,
    drive: &Drive,
    hardware: &Spectrometer,
    max_rf: Option<f64>,
    said: &mut Vec<Diagnostic>,
) -> Result<Drive, Fault> {
    let span = p.place.span();
    let envelope = Envelope::of(e, p.shape.as_deref())?;
    let area = Area { envelope: &envelope, factor: angular(e), span };
    // If an angle is given, the peak amplitude follows from it.
    let explicit = p.rf.as_ref().map(|x| e.number(x)).transpose()?;
    let default = strength_of_channel(e, &p.nucleus)?;
    let rf = match (explicit, &p.angle, default) {
        (Some(rf), ..) => rf,
        (None, Some(_), _) if drive.duration > 0.0 => drive.angle / area.of(drive.duration)?,
        (None, _, Some(rf)) => rf,
        (None, _, None) => {
            return Ok(drive.clone());
        }
    };
    if let Envelope::Steps(steps) = &envelope {
        let (duration, phase, rounded) =
            hardware.shape(steps, (drive.duration, rf, drive.phase), max_rf, span, said)?;
        let envelope = Envelope::Steps(rounded.into());
        let angle = Area { envelope: &envelope, factor: angular(e), span }.of(duration).map_or(0.0, |a| a * rf);
        let (amplitude, turning) = envelope.over(duration);
        let peak = rf * angular(e);
        let (amplitude, turning) = (amplitude.scaled(peak), turning_of(e, p, turning.into_iter().collect())?);
        return Ok(Drive { duration, phase, angle, amplitude, turning, ..drive.clone() });
    }
    let (duration, strength, phase) = hardware.pulse((drive.duration, rf, drive.phase), max_rf, span, said)?;
    Ok(drive.refitted(duration, strength / rf, phase))
}

/// Flip angle of a pulse with a peak of 1 Hz (1 in natural files).
struct Area<'a> {
    envelope: &'a Envelope,
    factor: f64,
    span: Span,
}

impl Area<'_> {
    /// For a given duration.
    fn of(&self, duration: f64) -> Result<f64, Fault> {
        let refused = |why: String, help: &str| -> Fault {
            Diagnostic::new(Code::OutOfRange, self.span, why).help(help.to_string()).into()
        };
        if self.envelope.is_swept() {
            let help = "give `rf` and `duration` instead of a flip angle";
            return Err(refused("a pulse of this shape has no flip angle".into(), help));
        }
        let unbounded = "a shape needs a finite value at every time";
        let mean = self
            .envelope
            .mean(duration)
            .map_err(|e| refused(format!("the area of this shape cannot be computed: {e}"), unbounded))?;
        if mean.abs() < 1e-9 {
            return Err(refused(
                "this shape has zero net area, so it has no flip angle".into(),
                "give `rf` and `duration` instead of a flip angle",
            ));
        }
        Ok(mean * self.factor * duration)
    }

    /// The duration that gives a flip angle. The mean of an envelope with finite rise times depends on the duration.
    fn duration(&self, angle: f64, rf: f64) -> Result<f64, Fault> {
        if self.envelope.needs_duration() {
            return Err(Diagnostic::new(
                Code::MissingDeclaration,
                self.span,
                "a shape in t needs the duration of the pulse",
            )
            .label("no `duration`")
            .help("the rf then follows from the flip angle")
            .into());
        }
        let mut t = angle / (self.factor * rf);
        for _ in 0..200 {
            let next = t * angle / (self.of(t)? * rf);
            if (next - t).abs() <= 1e-14 * next {
                return Ok(next);
            }
            t = next;
        }
        Err(Diagnostic::new(Code::OutOfRange, self.span, "the pulse is shorter than its rise and fall time").into())
    }
}

/// The error for a pulse without an amplitude, or of a nucleus without spins.
pub(super) fn missing_strength(e: &Evaluator, p: &Pulse, span: Span) -> Fault {
    let nuclei: Vec<&str> = e.basis.sites.iter().filter_map(|s| s.isotope).map(|i| i.symbol).collect();
    if !nuclei.contains(&p.nucleus.as_str()) {
        let diagnostic = Diagnostic::new(Code::WrongOperator, span, format!("the system has no spin {}", p.nucleus))
            .label("this pulse acts on no spin");
        return match nuclei.first() {
            Some(first) => diagnostic.help(format!("use a nucleus of the system, such as `{first}`")),
            None => diagnostic
                .help("declare nuclei in `system`, as in `spin a : 1H`; rotate spins without a nucleus with `evolve`"),
        }
        .into();
    }
    Diagnostic::new(Code::MissingDeclaration, span, "no rf amplitude given for this pulse")
        .label("expected `rf`, `duration` or `ideal`")
        .help(format!("write `rf = 25 kHz`, or set a default: `channel {} {{ rf = 25 kHz }}`", p.nucleus))
        .into()
}

/// Aligns simultaneous pulses; returns the total duration.
pub fn align(drives: &mut [Drive], align: Align) -> f64 {
    let whole = drives.iter().map(|d| d.duration).fold(0.0, f64::max);
    for drive in drives {
        drive.start = match align {
            Align::Start => 0.0,
            Align::Centre => (whole - drive.duration) / 2.0,
            Align::End => whole - drive.duration,
        };
    }
    whole
}

/// Moves those of parallel pulses that say when they begin, and the others where a longer whole puts them; gives the length of the whole.
///
/// # Errors
/// When one begins before the whole, or two of one channel overlap.
pub fn begin(e: &Evaluator, pulses: &[Pulse], drives: &mut [Drive], by: Align, whole: f64) -> Result<f64, Fault> {
    if pulses.iter().all(|p| p.start.is_none()) {
        return Ok(whole);
    }
    let mut end = whole;
    for (pulse, drive) in pulses.iter().zip(drives.iter_mut()) {
        if let Some(start) = &pulse.start {
            drive.start = duration(e, start)?;
            end = end.max(drive.start + drive.duration);
        }
    }
    for (_, drive) in pulses.iter().zip(drives.iter_mut()).filter(|(p, _)| p.start.is_none()) {
        drive.start = match by {
            Align::Start => 0.0,
            Align::Centre => (end - drive.duration) / 2.0,
            Align::End => end - drive.duration,
        };
    }
    let mut placed: Vec<(&Pulse, &Drive)> = pulses.iter().zip(drives.iter()).collect();
    placed.sort_by(|a, b| a.0.nucleus.cmp(&b.0.nucleus).then(a.1.start.total_cmp(&b.1.start)));
    for pair in placed.windows(2) {
        let [(a, before), (b, behind)] = pair else { continue };
        let over = before.start + before.duration - behind.start;
        if a.nucleus == b.nucleus && over > 1e-12 * end {
            let message = format!("two simultaneous pulses on channel {}", b.nucleus);
            return Err(Diagnostic::new(Code::Contradiction, b.place.span(), message)
                .label(format!("begins {} before the other pulse ends", time_text(over, e.experiment.units)))
                .related(a.place.span(), "the other pulse")
                .into());
        }
    }
    Ok(end)
}
