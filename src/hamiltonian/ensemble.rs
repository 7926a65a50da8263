//! The members of an imperfect sample: distributions of offsets, rf amplitudes and parameters, and the scans of phase cycles. Measurements
//! refer to the mean of their states.
//!
//! A discrete set of offsets rephases: after a time of about the inverse of their spacing the members are in phase again, and the real
//! decay is followed by an artificial echo. A note is added if this happens within the sequence.

use super::powder::orientations;
use super::spread;
use super::value::{Evaluator, Fault, Values, Variation};
use crate::budget::{MEMBERS, product};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Distribution, Grid, Shape, Varied};
use crate::units::angular_factor;

/// A member: its weight, how it differs, and its parameters.
pub struct Member {
    /// Weight; the weights of all members add up to 1.
    pub weight: f64,
    /// Its field, rf and scan.
    pub variation: Variation,
    /// Parameters that differ from those of the run.
    pub values: Values,
}

impl Member {
    /// True if it does not differ from the nominal sample.
    pub fn is_perfect(&self) -> bool {
        self.values.is_empty() && self.variation == Variation::default()
    }
}

/// All members: the product of the distributions and the scans of the phase cycles; a single one for a perfect sample.
///
/// # Errors
/// If a distribution is invalid, or there are too many members.
pub fn members(e: &Evaluator) -> Result<Vec<Member>, Fault> {
    let scans = scans(e);
    MEMBERS.check(scans as u64, None)?;
    let mut members: Vec<Member> = (0..scans)
        .map(|scan| Member {
            weight: 1.0 / scans as f64,
            variation: Variation { scan, ..Variation::default() },
            values: Values::new(),
        })
        .collect();
    for distribution in &e.experiment.ensemble {
        let spread = match distribution.shape {
            Shape::Grid(grid) => {
                members = turned(members, e, distribution, grid)?;
                continue;
            }
            Shape::Spread(spread) => spread,
        };
        let nodes = spread::nodes(e, distribution, spread)?;
        not_too_many(members.len(), nodes.len(), distribution)?;
        let mut next = Vec::with_capacity(members.len() * nodes.len());
        for member in &members {
            for &(value, weight) in &nodes {
                let mut variation = member.variation.clone();
                let mut values = member.values.clone();
                match &distribution.varied {
                    Varied::Offset(nucleus) => {
                        let factor = angular_factor(e.scope.units);
                        variation.add_offset(nucleus, value * factor);
                    }
                    Varied::Rf(nucleus) => variation.add_rf(nucleus, value),
                    Varied::Param(name) => {
                        values.insert(name.clone(), value);
                    }
                    Varied::Position => variation.position = Some(value),
                    Varied::Orientation => return Err(no_grid(distribution)),
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

/// Number of scans of the phase cycles: the least common multiple of their lengths.
pub fn scans(e: &Evaluator) -> usize {
    crate::ir::scans_of(&e.experiment.cycles)
}

fn not_too_many(members: usize, nodes: usize, distribution: &Distribution) -> Result<(), Fault> {
    MEMBERS.check(product(members, nodes), Some(distribution.place.span()))
}

/// The error for a distribution of the wrong kind, which only an experiment that was not read from a checked file can contain.
fn no_grid(distribution: &Distribution) -> Fault {
    let message = format!("`{}` is not a distribution for `{}`", distribution.shape, distribution.varied);
    Diagnostic::new(Code::WrongKind, distribution.place.span(), message).into()
}

/// Every member in every orientation.
fn turned(members: Vec<Member>, e: &Evaluator, distribution: &Distribution, grid: Grid) -> Result<Vec<Member>, Fault> {
    if !distribution.is_powder() {
        return Err(no_grid(distribution));
    }
    let orientations = orientations(e, distribution, grid)?;
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

/// Error of the coherence of a distribution of offsets after a time because of the finite number of members: the difference between the sum
/// over the members and the exact decay of the distribution.
///
/// # Errors
/// If the distribution is invalid.
pub fn revival(e: &Evaluator, d: &Distribution, time: f64) -> Result<f64, Fault> {
    let (Varied::Offset(_), Shape::Spread(spread)) = (&d.varied, d.shape) else { return Ok(0.0) };
    let factor = angular_factor(e.scope.units);
    let (exact, finite) = spread::coherences(e, d, spread, factor, time)?;
    Ok((finite - exact).abs())
}
