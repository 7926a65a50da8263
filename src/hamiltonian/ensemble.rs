//! The members of a sample that is not perfect: offsets, rf strengths and parameters that are spread, and the scans of phase
//! cycles. What is measured is measured on the mean of their states.
//!
//! Gaussian and even spreads are integrated by Gauss's quadrature, whose n nodes are exact for polynomials of degree 2n - 1.
//! A Lorentzian has no moments, so its nodes are n points of equal probability. Any finite number of offsets revives: after
//! a time of about one over their distance the members are in step again, and a decay that was real is followed by an echo that
//! is not. Where that happens within the sequence, it is said.

use super::points::points_of;
use super::powder::orientations;
use super::quadrature::gauss;
use super::value::{Evaluator, Fault, Values, Variation};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::Distribution;
use crate::noise::Noise;
use crate::syntax::ExprKind;
use crate::units::{Dimension, hamiltonian_factor};

/// The most members of an ensemble.
const MOST: usize = 1_000_000;

/// A member: its weight, how it differs, and its parameters.
pub struct Member {
    /// All weights add up to 1.
    pub weight: f64,
    /// Its field, rf, and scan.
    pub variation: Variation,
    /// Parameters that differ from those of the run.
    pub values: Values,
}

impl Member {
    /// Whether it does not differ from what is written.
    pub fn is_perfect(&self) -> bool {
        self.values.is_empty() && self.variation == Variation::default()
    }
}

/// All members: the product of the distributions and the scans of the phase cycles. A single one for a perfect sample.
///
/// # Errors
/// When a distribution is not one, or there are too many members.
pub fn members(e: &Evaluator) -> Result<Vec<Member>, Fault> {
    let scans = scans(e);
    let mut members: Vec<Member> = (0..scans)
        .map(|scan| Member {
            weight: 1.0 / scans as f64,
            variation: Variation { scan, ..Variation::default() },
            values: Values::new(),
        })
        .collect();
    for distribution in &e.experiment.ensemble {
        if distribution.quantity == "orientation" {
            members = turned(members, e, distribution)?;
            continue;
        }
        let nodes = nodes(e, distribution)?;
        not_too_many(members.len(), nodes.len(), distribution)?;
        let mut next = Vec::with_capacity(members.len() * nodes.len());
        for member in &members {
            for &(value, weight) in &nodes {
                let mut variation = member.variation.clone();
                let mut values = member.values.clone();
                match (distribution.of.as_ref().map(|of| &of.kind), distribution.quantity.as_str()) {
                    (Some(ExprKind::Isotope(symbol)), "offset") => {
                        let factor = hamiltonian_factor(Dimension::FREQUENCY, e.scope.units).unwrap_or(1.0);
                        variation.offsets.push((symbol.clone(), value * factor));
                    }
                    (None, _) => variation.position = Some(value),
                    (Some(ExprKind::Isotope(symbol)), _) => variation.rf.push((symbol.clone(), value)),
                    (Some(ExprKind::Name(name)), _) => {
                        values.insert(name.clone(), value);
                    }
                    _ => {}
                }
                next.push(Member { weight: member.weight * weight, variation, values });
            }
        }
        members = next;
    }
    if members.is_empty() {
        return Err(Diagnostic::without_place(Code::EmptySweep, "the ensemble has no members").into());
    }
    Ok(members)
}

/// How many scans the phase cycles need: all of them return to their beginnings together.
pub fn scans(e: &Evaluator) -> usize {
    e.experiment.cycles.iter().map(|c| c.phases.len().max(1)).fold(1, least_common_multiple)
}

fn not_too_many(members: usize, nodes: usize, distribution: &Distribution) -> Result<(), Fault> {
    if members.saturating_mul(nodes) <= MOST {
        return Ok(());
    }
    Err(Diagnostic::new(
        Code::OutOfRange,
        distribution.place.span(),
        format!("{members} times {nodes} members are too many: at most {MOST}"),
    )
    .label("with these points")
    .into())
}

/// Every member in every orientation.
fn turned(members: Vec<Member>, e: &Evaluator, distribution: &Distribution) -> Result<Vec<Member>, Fault> {
    let orientations = orientations(e, distribution)?;
    not_too_many(members.len(), orientations.len(), distribution)?;
    let mut next = Vec::with_capacity(members.len() * orientations.len());
    for member in &members {
        for &(angles, weight) in &orientations {
            let variation = Variation { orientation: Some(angles), ..member.variation.clone() };
            next.push(Member { weight: member.weight * weight, variation, values: member.values.clone() });
        }
    }
    Ok(next)
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x * b
}

/// Values and weights of a distribution; the weights add up to 1.
fn nodes(e: &Evaluator, d: &Distribution) -> Result<Vec<(f64, f64)>, Fault> {
    let span = d.place.span();
    let setting = |name: &str, default: Option<f64>| -> Result<f64, Fault> {
        match (d.settings.iter().find(|(n, _)| n == name), default) {
            (Some((_, value)), _) => e.number(value),
            (None, Some(default)) => Ok(default),
            (None, None) => {
                let message = format!("the distribution `{}` needs `{name}`", d.shape);
                Err(Diagnostic::new(Code::MissingDeclaration, span, message).label("incomplete").into())
            }
        }
    };
    let positive = |name: &str, x: f64| -> Result<f64, Fault> {
        if x >= 0.0 {
            return Ok(x);
        }
        Err(Diagnostic::new(Code::OutOfRange, span, format!("`{name}` cannot be negative, it is {x}")).into())
    };
    let n = points_of(e, d)?;
    if let Some((_, seed)) = d.settings.iter().find(|(name, _)| name == "seed") {
        // Every distribution has a stream of its own.
        let number = e.experiment.ensemble.iter().position(|other| std::ptr::eq(other, d)).unwrap_or(0);
        let mut noise = Noise::new(e.count(seed, 0)? as u64, number as u64);
        let (middle, width) = match d.shape.as_str() {
            "gaussian" => (setting("mean", Some(usual(e, d)))?, positive("sd", setting("sd", None)?)?),
            "uniform" => (setting("from", None)?, setting("to", None)? - setting("from", None)?),
            _ => (setting("centre", Some(usual(e, d)))?, 0.5 * positive("fwhm", setting("fwhm", None)?)?),
        };
        let mut draw = || match d.shape.as_str() {
            "gaussian" => noise.normal(),
            "uniform" => noise.even(),
            _ => (std::f64::consts::PI * (noise.even() - 0.5)).tan(),
        };
        return Ok((0..n).map(|_| (middle + width * draw(), 1.0 / n as f64)).collect());
    }
    Ok(match d.shape.as_str() {
        "gaussian" => {
            let mean = setting("mean", Some(usual(e, d)))?;
            let sd = positive("sd", setting("sd", None)?)?;
            // Hermite polynomials of the normal distribution: x He_k = He_k+1 + k He_k-1.
            gauss(n, |k| (k as f64).sqrt())?.into_iter().map(|(x, w)| (mean + sd * x, w)).collect()
        }
        "uniform" => {
            let (from, to) = (setting("from", None)?, setting("to", None)?);
            // Legendre polynomials on [-1, 1].
            let k2 = |k: usize| (k * k) as f64;
            gauss(n, |k| k as f64 / (4.0 * k2(k) - 1.0).sqrt())?
                .into_iter()
                .map(|(x, w)| (0.5 * (from + to) + 0.5 * (to - from) * x, w))
                .collect()
        }
        _ => {
            let centre = setting("centre", Some(usual(e, d)))?;
            let fwhm = positive("fwhm", setting("fwhm", None)?)?;
            (0..n)
                .map(|k| {
                    let u = (k as f64 + 0.5) / n as f64;
                    (centre + 0.5 * fwhm * (std::f64::consts::PI * (u - 0.5)).tan(), 1.0 / n as f64)
                })
                .collect()
        }
    })
}

/// The middle of a distribution that gives none: the full rf, no offset, the parameter's value.
fn usual(e: &Evaluator, d: &Distribution) -> f64 {
    match (d.of.as_ref().map(|of| &of.kind), d.quantity.as_str()) {
        (Some(ExprKind::Name(name)), "param") => e.values.get(name).copied().unwrap_or(0.0),
        (_, "rf") => 1.0,
        _ => 0.0,
    }
}

/// How much of the coherence of a spread of offsets is wrong after a time, because it has a finite number of members: the
/// difference between the sum over the members and the decay of the distribution itself.
pub fn revival(e: &Evaluator, d: &Distribution, time: f64) -> Result<f64, Fault> {
    if d.quantity != "offset" {
        return Ok(0.0);
    }
    let factor = hamiltonian_factor(Dimension::FREQUENCY, e.scope.units).unwrap_or(1.0);
    let all = nodes(e, d)?;
    let number = |name: &str| d.settings.iter().find(|(n, _)| n == name).map_or(Ok(0.0), |(_, x)| e.number(x));
    let (centre, exact) = match d.shape.as_str() {
        "gaussian" => (number("mean")?, (-0.5 * (factor * number("sd")? * time).powi(2)).exp()),
        "uniform" => {
            let x = 0.5 * factor * (number("to")? - number("from")?) * time;
            (0.5 * (number("from")? + number("to")?), if x == 0.0 { 1.0 } else { x.sin() / x })
        }
        _ => (number("centre")?, (-0.5 * factor * number("fwhm")? * time).exp()),
    };
    let sum: f64 = all.iter().map(|(x, w)| w * (factor * (x - centre) * time).cos()).sum();
    Ok((sum - exact).abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_meet_where_all_cycles_do() {
        assert_eq!([4, 8, 2].into_iter().fold(1, least_common_multiple), 8);
        assert_eq!([3, 4].into_iter().fold(1, least_common_multiple), 12);
    }
}
