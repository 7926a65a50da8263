//! Distributions of numbers, as points with weights.
//!
//! Each is `middle + width x` with x from a standard distribution: normal, uniform on [-1, 1], or Lorentzian with half width
//! 1 at half height. Gaussian and uniform ones are integrated by Gaussian quadrature, whose n nodes are exact for polynomials of
//! degree 2n - 1. A Lorentzian has no moments, so its nodes are n points of equal probability.

use super::points::points_of;
use super::quadrature::gauss;
use super::value::{Evaluator, Fault};
use crate::budget::MEMBERS;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Distribution, Spread, Varied};
use crate::noise::Noise;
use crate::source::Span;
use std::f64::consts::PI;

/// Values and weights of a distribution; the weights add up to 1.
///
/// # Errors
/// If a setting is missing, negative, or cannot be evaluated.
pub fn nodes(e: &Evaluator, d: &Distribution, spread: Spread) -> Result<Vec<(f64, f64)>, Fault> {
    if spread == Spread::Integers {
        return integers(e, d);
    }
    let (middle, width) = middle_and_width(e, d, spread)?;
    let n = points_of(e, d)?;
    MEMBERS.check(n as u64, Some(d.place.span()))?;
    let standard = match d.setting("seed") {
        Some(seed) => {
            // Each distribution has its own random stream.
            let number = e.experiment.ensemble.iter().position(|other| std::ptr::eq(other, d)).unwrap_or(0);
            let mut noise = Noise::new(e.count(seed, 0)? as u64, number as u64);
            (0..n).map(|_| (drawn(spread, &mut noise), 1.0 / n as f64)).collect()
        }
        None => standard_nodes(spread, n, d.place.span())?,
    };
    Ok(standard.into_iter().map(|(x, weight)| (middle + width * x, weight)).collect())
}

/// The whole numbers from one to another, of equal weight.
fn integers(e: &Evaluator, d: &Distribution) -> Result<Vec<(f64, f64)>, Fault> {
    let span = d.place.span();
    let bound = |name: &str| match d.setting(name) {
        Some(expr) => e.count(expr, 0).map(|x| x as u64),
        None => Err(missing(d, name)),
    };
    let (from, to) = (bound("from")?, bound("to")?);
    if !matches!(d.varied, Varied::Param(_)) {
        let message = format!("`{}` is not a whole number, so `integers` cannot distribute it", d.varied);
        return Err(Diagnostic::new(Code::WrongKind, span, message)
            .label("not a whole number")
            .help("for a parameter: `param k : integers(from = 1, to = 9)`")
            .into());
    }
    if let Some(points) = &d.points {
        let message = "`integers` has one point for each number, so `points` has no meaning";
        return Err(Diagnostic::new(Code::Contradiction, points.span(), message).label("leave this out").into());
    }
    let Some(count) = to.checked_sub(from).map(|n| n + 1) else {
        let message = format!("there are no whole numbers from {from} to {to}");
        return Err(Diagnostic::new(Code::OutOfRange, span, message).label("an empty range").into());
    };
    MEMBERS.check(count, Some(span))?;
    Ok((from..=to).map(|k| (k as f64, 1.0 / count as f64)).collect())
}

/// The error of a distribution without a setting that it needs.
fn missing(d: &Distribution, name: &str) -> Fault {
    let message = format!("the distribution `{}` needs `{name}`", d.shape);
    Diagnostic::new(Code::MissingDeclaration, d.place.span(), message).label("incomplete").into()
}

/// Centre of a distribution and scale factor of its standard form.
fn middle_and_width(e: &Evaluator, d: &Distribution, spread: Spread) -> Result<(f64, f64), Fault> {
    let span = d.place.span();
    let setting = |name: &str| match d.setting(name) {
        Some(value) => e.number(value),
        None => Err(missing(d, name)),
    };
    let middle = |name: &str| d.setting(name).map_or_else(|| Ok(usual(e, d)), |value| e.number(value));
    let positive = |name: &str| match setting(name)? {
        x if x >= 0.0 => Ok(x),
        x => {
            let message = format!("`{name}` cannot be negative, it is {x}");
            Err(Fault::from(Diagnostic::new(Code::OutOfRange, span, message)))
        }
    };
    match spread {
        Spread::Gaussian => Ok((middle("mean")?, positive("sd")?)),
        Spread::Lorentzian => Ok((middle("centre")?, 0.5 * positive("fwhm")?)),
        Spread::Uniform | Spread::Integers => {
            let (from, to) = (setting("from")?, setting("to")?);
            Ok((0.5 * (from + to), 0.5 * (to - from)))
        }
    }
}

/// Default centre of a distribution: nominal rf, zero offset, or the parameter's value.
fn usual(e: &Evaluator, d: &Distribution) -> f64 {
    match &d.varied {
        Varied::Param(name) => e.values.get(name).copied().unwrap_or(0.0),
        Varied::Rf(_) => 1.0,
        Varied::Offset(_) | Varied::Orientation | Varied::Position => 0.0,
    }
}

/// Nodes and weights of a standard distribution.
fn standard_nodes(spread: Spread, n: usize, place: Span) -> Result<Vec<(f64, f64)>, Fault> {
    match spread {
        // Hermite polynomials of the normal distribution: x He_k = He_k+1 + k He_k-1.
        Spread::Gaussian => gauss(n, |k| (k as f64).sqrt(), place),
        // Legendre polynomials on [-1, 1].
        Spread::Uniform | Spread::Integers => gauss(n, |k| k as f64 / (4.0 * (k * k) as f64 - 1.0).sqrt(), place),
        Spread::Lorentzian => Ok((0..n).map(|k| (lorentzian((k as f64 + 0.5) / n as f64), 1.0 / n as f64)).collect()),
    }
}

/// A random number of a standard distribution.
pub(super) fn drawn(spread: Spread, noise: &mut Noise) -> f64 {
    match spread {
        Spread::Gaussian => noise.normal(),
        Spread::Uniform | Spread::Integers => 2.0 * noise.even() - 1.0,
        Spread::Lorentzian => lorentzian(noise.even()),
    }
}

/// The quantile of the standard Lorentzian.
fn lorentzian(share: f64) -> f64 {
    (PI * (share - 0.5)).tan()
}

/// Coherence of a distribution of offsets after a time, and that of its finite number of nodes, both relative to the centre;
/// `factor` converts an offset to an angular frequency.
///
/// # Errors
/// Those of [`nodes`].
pub fn coherences(
    e: &Evaluator,
    d: &Distribution,
    spread: Spread,
    factor: f64,
    time: f64,
) -> Result<(f64, f64), Fault> {
    let (middle, width) = middle_and_width(e, d, spread)?;
    let x = factor * width * time;
    let exact = match spread {
        Spread::Gaussian => (-0.5 * x * x).exp(),
        Spread::Uniform | Spread::Integers if x == 0.0 => 1.0,
        Spread::Uniform | Spread::Integers => x.sin() / x,
        Spread::Lorentzian => (-x).exp(),
    };
    let finite = nodes(e, d, spread)?.iter().map(|(value, w)| w * (factor * (value - middle) * time).cos()).sum();
    Ok((exact, finite))
}
