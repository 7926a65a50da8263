//! The sample as described to other simulators: every interaction with its size in hertz and the orientation of its tensor.

use super::fault::Fault;
use super::interactions::couplings::{constant, difference};
use super::interactions::{Declared, declared, second_order, zeeman};
use super::orientation::{Matrix3, product, rotation};
use super::powder::orientations;
use super::value::Evaluator;
use crate::ir::{Clause, Distribution, InteractionKind, Shape};
use std::f64::consts::PI;

/// Euler angles from one frame to another: `x' = Rz(-gamma) Ry(-beta) Rz(-alpha) x`, rad.
pub type Frame = [f64; 3];

/// A crystallite: alpha and beta of the frame from crystal to rotor, and its weight.
/// The third angle is pi less the phase of the rotor.
pub type Crystallite = (f64, f64, f64);

/// The sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The nuclei of the spins, in the order of declaration.
    pub nuclei: Vec<String>,
    /// The static field, T, if one is declared.
    pub field: Option<f64>,
    /// Offsets from the carriers: spin index and nu of `2 pi nu Iz`, Hz.
    pub offsets: Vec<(usize, f64)>,
    /// Shift anisotropies: spin index, largest component in Hz, asymmetry, and frame from the principal axes to the crystal.
    pub anisotropies: Vec<(usize, f64, f64, Frame)>,
    /// Quadrupolar couplings: the same, the largest component being e^2 q Q / h; and their order, 1 or 2.
    pub quadrupoles: Vec<(usize, f64, f64, Frame, usize)>,
    /// Scalar couplings, Hz.
    pub scalar: Vec<(usize, usize, f64)>,
    /// Dipolar couplings of pairs along the field, Hz, and the frame of the pair.
    pub dipolar: Vec<(usize, usize, f64, Frame)>,
    /// MAS rate in Hz, and angle of the rotor axis to the field.
    pub spinning: Option<(f64, f64)>,
    /// Crystallites; their weights add up to 1.
    pub crystallites: Vec<Crystallite>,
    /// Number of initial rotor phases (gamma angles).
    pub rotor_phases: usize,
}

/// The frame for a rotation of the axes by `Rz(a) Ry(b) Rz(c)`: its inverse, with positive beta.
fn frame_of(m: &Matrix3) -> Frame {
    let [[xx, _, xz], [yx, _, yz], [zx, zy, zz]] = *m;
    let sine = xz.hypot(yz);
    let b = sine.atan2(zz);
    // If the axis is unchanged or inverted, only one angle about it is defined.
    let sign = zz.signum();
    let (a, c) = if sine > 1e-12 { (yz.atan2(xz), zy.atan2(-zx)) } else { ((sign * yx).atan2(sign * xx), 0.0) };
    [PI - c, b, PI - a]
}

/// Axes of a pair, with z along `u`.
fn axes_along(u: [f64; 3]) -> Matrix3 {
    let [x, y, z] = u;
    let length = (x * x + y * y + z * z).sqrt();
    rotation([y.atan2(x), (z / length).clamp(-1.0, 1.0).acos(), 0.0])
}

impl Sample {
    /// The sample of an experiment at one parameter point.
    ///
    /// # Errors
    /// If a number cannot be evaluated, or a spin is not a nucleus.
    pub fn of(e: &Evaluator) -> Result<Sample, Fault> {
        let system = &e.experiment.system;
        let crystal = match &system.orientation {
            Some(angles) => rotation(e.vector(angles, None)?),
            None => rotation([0.0; 3]),
        };
        let field = zeeman::field(e)?;
        let gamma = |site: usize| e.basis.site(site).isotope.map_or(0.0, |i| i.gamma);
        let hertz = |site: usize, share: f64| -gamma(site) * field.unwrap_or(0.0) * share / (2.0 * PI);
        let tensor = |t: &Declared| -> Result<(f64, Frame), Fault> {
            let eta = t.clause(Clause::Eta).map_or(Ok(0.0), |x| e.number_at(x, t.index))?;
            let own = t.clause(Clause::Axes).map_or(Ok([0.0; 3]), |axes| e.vector(axes, t.index))?;
            Ok((eta, frame_of(&product(&crystal, &rotation(own)))))
        };
        let mut anisotropies = Vec::new();
        for t in declared(e, InteractionKind::Csa)? {
            let (site, (eta, frame)) = (t.site()?, tensor(&t)?);
            anisotropies.push((site, hertz(site, t.size), eta, frame));
        }
        let mut quadrupoles = Vec::new();
        for t in declared(e, InteractionKind::Quadrupole)? {
            let (eta, frame) = tensor(&t)?;
            let order = if second_order::is_asked(e, &t)? { 2 } else { 1 };
            quadrupoles.push((t.site()?, t.size, eta, frame, order));
        }
        let mut scalar = Vec::new();
        for p in declared(e, InteractionKind::J)? {
            let (a, b) = p.pair()?;
            scalar.push((a, b, p.size));
        }
        let (crystallites, rotor_phases) = crystallites(e)?;
        let spinning = match &system.spinning {
            Some(s) => {
                let magic = (1.0 / 3f64.sqrt()).acos();
                Some((e.number(&s.rate)?, s.angle.as_ref().map_or(Ok(magic), |x| e.number(x))?))
            }
            None => None,
        };
        Ok(Sample {
            nuclei: e.basis.sites.iter().map(|s| s.isotope.map_or("", |i| i.symbol).to_string()).collect(),
            field,
            offsets: zeeman::offsets(e)?,
            anisotropies,
            quadrupoles,
            scalar,
            dipolar: dipolar(e, &crystal)?,
            spinning,
            crystallites,
            rotor_phases,
        })
    }

    /// True if two spins are the same isotope.
    pub fn like(&self, a: usize, b: usize) -> bool {
        self.nuclei.get(a) == self.nuclei.get(b)
    }
}

/// Explicit couplings of pairs, and those from positions.
fn dipolar(e: &Evaluator, crystal: &Matrix3) -> Result<Vec<(usize, usize, f64, Frame)>, Fault> {
    let mut all = Vec::new();
    for p in declared(e, InteractionKind::Dipolar)? {
        let (a, b) = p.pair()?;
        let frame = match p.clause(Clause::Along) {
            Some(along) => frame_of(&product(crystal, &axes_along(e.vector(along, p.index)?))),
            // The value is the component along the field in the declared orientation.
            None => [0.0; 3],
        };
        all.push((a, b, p.size, frame));
    }
    if !e.experiment.system.dipolar_all {
        return Ok(all);
    }
    let mut known: Vec<(usize, [f64; 3], crate::source::Span)> = Vec::new();
    for p in &e.experiment.system.positions {
        for index in e.range(p.each.as_ref())? {
            known.push((e.site(&p.site, index)?, e.vector(&p.value, index)?, p.place.span()));
        }
    }
    for (k, (a, ra, _)) in known.iter().enumerate() {
        for (b, rb, span) in known.iter().skip(k + 1) {
            let frame = frame_of(&product(crystal, &axes_along(difference(*rb, *ra))));
            all.push((*a, *b, constant(e, *a, *b, *ra, *rb, *span)?, frame));
        }
    }
    Ok(all)
}

/// Crystallites with weights, and the number of initial rotor phases.
fn crystallites(e: &Evaluator) -> Result<(Vec<Crystallite>, usize), Fault> {
    let grid = |d: &'_ Distribution| if let Shape::Grid(grid) = d.shape { Some(grid) } else { None };
    let Some((powder, grid)) = e.experiment.ensemble.iter().find_map(|d| Some((d, grid(d)?))) else {
        return Ok((vec![(PI, 0.0, 1.0)], 1));
    };
    let all = orientations(e, powder, grid)?;
    let mut out: Vec<Crystallite> = Vec::new();
    for ([_, polar, azimuth], weight) in &all {
        let (alpha, beta) = (PI - azimuth, *polar);
        match out.last_mut().filter(|(a, b, _)| *a == alpha && *b == beta) {
            Some(known) => known.2 += weight,
            None => out.push((alpha, beta, *weight)),
        }
    }
    let phases = all.len() / out.len().max(1);
    Ok((out, phases))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frame inverts the rotation: `R = Rz(-gamma) Ry(-beta) Rz(-alpha)` inverted.
    #[test]
    fn frames_are_inverse_rotations() {
        for angles in [[0.3, 0.7, -1.1], [2.9, 3.0, 0.2], [0.5, 0.0, 0.4], [0.5, PI, 0.4], [0.0, 0.0, 0.0]] {
            let m = rotation(angles);
            let [alpha, beta, gamma] = frame_of(&m);
            // Active: the inverse of Rz(-gamma) Ry(-beta) Rz(-alpha) is Rz(alpha) Ry(beta) Rz(gamma); half turns about z flip beta.
            let back = rotation([-gamma, -beta, -alpha]);
            for (a, b) in m.iter().flatten().zip(back.iter().flatten()) {
                assert!((a - b).abs() < 1e-12, "{angles:?}: {m:?} {back:?}");
            }
        }
    }
}
