//! Pulses and locks: flip angle, strength and duration settle each other; envelopes become coefficients of Fx and Fy.

use super::function::{Function, Scalar};
use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Align, Channel, Lock, Pulse, PulseShape, Ramp};
use crate::source::Span;
use crate::syntax::{Expr, ExprKind};
use crate::units::{TWO_PI, UnitSystem};

/// A pulse as numbers.
pub struct Drive {
    /// When it begins and ends, inside its statement.
    pub start: f64,
    pub duration: f64,
    /// Its phase, radian.
    pub phase: f64,
    /// Its flip angle, radian.
    pub angle: f64,
    /// Its strength in rad/s over the time since it began.
    pub amplitude: Scalar,
}

/// What an rf field is multiplied by to be an angular frequency: it is an ordinary one in lab files.
fn angular(e: &Evaluator) -> f64 {
    if e.scope.units == UnitSystem::Lab { TWO_PI } else { 1.0 }
}

fn channel<'a>(e: &'a Evaluator, nucleus: &str) -> Option<&'a Channel> {
    e.experiment.channels.iter().find(|c| c.nucleus == nucleus)
}

/// Refuses a field above the limit of its channel.
fn check_limit(e: &Evaluator, nucleus: &str, rf: f64, span: Span) -> Result<(), Fault> {
    let Some(limit) = channel(e, nucleus).and_then(|c| c.max_rf.as_ref()) else { return Ok(()) };
    let most = e.number(limit)?;
    if rf.abs() <= most * (1.0 + 1e-12) {
        return Ok(());
    }
    let unit = if e.scope.units == UnitSystem::Lab { " Hz" } else { "" };
    Err(Diagnostic::new(
        Code::OverLimit,
        span,
        format!("rf = {rf}{unit} is above the limit of the channel {nucleus}, {most}{unit}"),
    )
    .label("too strong")
    .related(limit.span(), "the limit")
    .help("a longer pulse needs less: lower `rf`, or raise `max_rf` if the probe stands it")
    .into())
}

/// Warns of a phase that the spectrometer will round.
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
    // Six decimals of a degree: the rounding of the conversion is not shown.
    let degrees = |x: f64| (x.to_degrees() * 1e6).round() / 1e6;
    Ok(Some(
        Diagnostic::new(
            Code::PhaseRounded,
            span,
            format!("the phase {} deg lies between two steps of the channel {nucleus}", degrees(phase)),
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
            format!("a duration cannot be negative, this is {t}"),
        )
        .label("negative")
        .into());
    }
    Ok(t)
}

/// A duration, not negative.
pub fn duration_of(e: &Evaluator, expr: &Expr) -> Result<f64, Fault> {
    duration(e, expr)
}

/// The envelope of a pulse and its argument.
fn shape(e: &Evaluator, expr: Option<&Expr>) -> Result<(&'static PulseShape, f64), Fault> {
    let (name, argument) = match expr.map(|x| &x.kind) {
        Some(ExprKind::Name(name)) => (name.as_str(), None),
        Some(ExprKind::Call(name, items)) => (name.as_str(), items.first()),
        _ => ("rectangular", None),
    };
    let shape = PulseShape::named(name).ok_or_else(|| {
        Diagnostic::new(
            Code::UnknownFunction,
            expr.map(Expr::span).unwrap_or_default(),
            format!("`{name}` is no pulse shape"),
        )
    })?;
    let argument = match argument {
        Some(x) => e.number(x)?,
        None => shape.argument.map_or(0.0, |(_, default)| default),
    };
    if shape.name == "gauss" && !(argument > 0.0 && argument < 1.0) {
        return Err(Diagnostic::new(
            Code::OutOfRange,
            expr.map(Expr::span).unwrap_or_default(),
            "a Gaussian is cut at a height between 0 and 1",
        )
        .into());
    }
    Ok((shape, argument))
}

/// A pulse as numbers: any two of angle, rf and duration give the third; three must agree.
pub fn pulse(e: &Evaluator, p: &Pulse) -> Result<Drive, Fault> {
    let span = p.place.0.unwrap_or_default();
    let phase = e.phase(&p.phase)?;
    let angle = p.angle.as_ref().map(|a| e.number(a)).transpose()?;
    if let (Some(angle), Some(expr)) = (angle, &p.angle)
        && angle < 0.0
    {
        return Err(Diagnostic::new(
            Code::OutOfRange,
            expr.span(),
            format!("a flip angle cannot be negative, this is {} deg", angle.to_degrees()),
        )
        .label("negative")
        .help("turn the phase by 180 deg instead")
        .into());
    }
    if p.ideal {
        let angle = angle.unwrap_or(0.0);
        return Ok(Drive { start: 0.0, duration: 0.0, phase, angle, amplitude: Scalar::Constant(0.0) });
    }
    let (shape, argument) = shape(e, p.shape.as_ref())?;
    let mean = shape.mean(argument) * angular(e);
    let explicit = p.rf.as_ref().map(|x| e.number(x)).transpose()?;
    let given = p.duration.as_ref().map(|x| duration(e, x)).transpose()?;
    let default = channel(e, &p.nucleus).and_then(|c| c.rf.as_ref()).map(|x| e.number(x)).transpose()?;
    if let (Some(rf), Some(expr)) = (explicit, &p.rf)
        && rf <= 0.0
    {
        return Err(Diagnostic::new(Code::OutOfRange, expr.span(), format!("rf must be positive, this is {rf}")).into());
    }
    if mean.abs() < 1e-9 && angle.is_some() {
        return Err(Diagnostic::new(
            Code::OutOfRange,
            span,
            format!("the shape `{}` has no net area, so it has no flip angle", shape.name),
        )
        .into());
    }
    let (rf, length, angle) = match (angle, explicit, given) {
        (Some(angle), Some(rf), Some(t)) => {
            let turned = mean * rf * t;
            if (turned - angle).abs() > 1e-6 * angle.abs().max(1e-12) {
                return Err(Diagnostic::new(
                    Code::Contradiction,
                    span,
                    format!(
                        "rf and duration turn by {:.6} deg, but the angle is {:.6} deg",
                        turned.to_degrees(),
                        angle.to_degrees()
                    ),
                )
                .label("angle, rf and duration contradict each other")
                .help("leave one of the three out")
                .into());
            }
            (rf, t, angle)
        }
        (Some(angle), None, Some(t)) if t > 0.0 => (angle / (mean * t), t, angle),
        (Some(_), None, Some(_)) => {
            return Err(Diagnostic::new(Code::OutOfRange, span, "a pulse of no duration is written `ideal`").into());
        }
        (Some(angle), Some(rf), None) => (rf, angle / (mean * rf), angle),
        (Some(angle), None, None) => match default {
            Some(rf) if rf > 0.0 => (rf, angle / (mean * rf), angle),
            _ => return Err(missing_strength(p, span)),
        },
        (None, rf, Some(t)) => match rf.or(default) {
            Some(rf) => (rf, t, mean * rf * t),
            None => return Err(missing_strength(p, span)),
        },
        (None, _, None) => return Err(missing_strength(p, span)),
    };
    check_limit(e, &p.nucleus, rf, p.rf.as_ref().map_or(span, Expr::span))?;
    let peak = rf * angular(e);
    let amplitude = if shape.name == "rectangular" {
        Scalar::Constant(peak)
    } else {
        let value = shape.value;
        Scalar::Varying(Function::smooth(move |t| {
            let u = t / length;
            // Outside of the pulse, where another on a parallel channel still lasts, there is nothing.
            if (0.0..=1.0).contains(&u) { peak * value(u, argument) } else { 0.0 }
        }))
    };
    Ok(Drive { start: 0.0, duration: length, phase, angle, amplitude })
}

fn missing_strength(p: &Pulse, span: Span) -> Fault {
    Diagnostic::new(Code::MissingDeclaration, span, "this pulse has no strength")
        .label("expected `rf`, `duration` or `ideal`")
        .help(format!("write `rf = 25 kHz`, or give the channel one: `channel {} {{ rf = 25 kHz }}`", p.nucleus))
        .into()
}

/// Places parallel pulses; gives the length of the whole.
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

/// A spin lock as numbers.
pub fn lock(e: &Evaluator, l: &Lock, span: Span) -> Result<Drive, Fault> {
    let (from, to) = (e.number(&l.from)?, e.number(&l.to)?);
    for (field, expr) in [(from, &l.from), (to, &l.to)] {
        if field < 0.0 {
            return Err(Diagnostic::new(
                Code::OutOfRange,
                expr.span(),
                format!("a lock field cannot be negative, this is {field}"),
            )
            .help("turn the phase by 180 deg instead")
            .into());
        }
        check_limit(e, &l.nucleus, field, expr.span())?;
    }
    let length = duration(e, &l.over)?;
    let phase = e.phase(&l.phase)?;
    let (name, argument) = match l.shape.as_ref().map(|x| &x.kind) {
        Some(ExprKind::Name(name)) => (name.as_str(), None),
        Some(ExprKind::Call(name, items)) => (name.as_str(), items.first()),
        _ => ("linear", None),
    };
    let ramp = Ramp::named(name)
        .ok_or_else(|| Diagnostic::new(Code::UnknownFunction, span, format!("`{name}` is no ramp")))?;
    let argument_value = argument.map(|x| e.number(x)).transpose()?.unwrap_or(0.0);
    if ramp.argument.is_some() && argument_value <= 0.0 {
        let place = argument.map_or(span, Expr::span);
        return Err(Diagnostic::new(
            Code::OutOfRange,
            place,
            format!("{} must be positive", ramp.argument.unwrap_or_default()),
        )
        .into());
    }
    let scale = angular(e);
    let amplitude = if from == to {
        Scalar::Constant(from * scale)
    } else {
        let value = ramp.value;
        Scalar::Varying(Function::smooth(move |t| scale * value(t / length, from, to, argument_value)))
    };
    Ok(Drive { start: 0.0, duration: length, phase, angle: 0.0, amplitude })
}
