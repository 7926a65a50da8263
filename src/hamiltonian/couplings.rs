//! Couplings of two spins, secular in the high field.
//!
//! Dipolar, like spins: `2 pi d (3 Iz Iz - I.I)`; unlike spins: `2 pi d 2 Iz Iz`. From positions
//! `d = -(mu_0 / 4 pi) gamma_a gamma_b hbar / (2 pi r^3) (3 cos^2 theta - 1)/2`, theta between the pair and the field along z.
//! Scalar, like spins: `2 pi J I.I`; unlike: `2 pi J Iz Iz`. In natural units there is no 2 pi.

use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::OfPair;
use crate::linalg::real;
use crate::source::Span;
use crate::spin::{LocalKind, Operator};
use crate::units::{HBAR, MAGNETIC_CONSTANT, TWO_PI, UnitSystem};

/// What a coupling constant is multiplied by to be an angular frequency.
fn two_pi(e: &Evaluator) -> f64 {
    if e.scope.units == UnitSystem::Lab { TWO_PI } else { 1.0 }
}

fn like(e: &Evaluator, a: usize, b: usize) -> bool {
    e.basis.sites[a].isotope.map(|i| i.symbol) == e.basis.sites[b].isotope.map(|i| i.symbol)
}

/// `zz Iz Iz + dot I.I`.
fn pair(e: &Evaluator, a: usize, b: usize, zz: f64, dot: f64, span: Span) -> Result<Operator, Fault> {
    let mut sum = Operator::zero(&e.basis);
    for (kind, c) in [(LocalKind::Iz, zz + dot), (LocalKind::Ix, dot), (LocalKind::Iy, dot)] {
        if c == 0.0 {
            continue;
        }
        let (Some(x), Some(y)) = (Operator::of(&e.basis, kind, a), Operator::of(&e.basis, kind, b)) else {
            return Err(Diagnostic::new(
                Code::WrongOperator,
                span,
                "only spins are coupled here; a mode is coupled by a Hamiltonian",
            )
            .into());
        };
        sum = sum.plus(x.times(&y).times_number(real(c)));
    }
    Ok(sum)
}

fn sum_of_pairs(
    e: &Evaluator,
    pairs: &[OfPair],
    coefficients: impl Fn(bool, f64) -> (f64, f64),
) -> Result<Operator, Fault> {
    let mut sum = Operator::zero(&e.basis);
    for p in pairs {
        let span = p.place.0.unwrap_or_default();
        for index in e.range(p.each.as_ref())? {
            let (a, b) = (e.site(&p.a, index)?, e.site(&p.b, index)?);
            if a == b {
                return Err(Diagnostic::new(Code::Contradiction, span, "a spin cannot be coupled to itself").into());
            }
            let constant = e.number_at(&p.value, index)? * two_pi(e);
            let (zz, dot) = coefficients(like(e, a, b), constant);
            sum = sum.plus(pair(e, a, b, zz, dot, span)?);
        }
    }
    Ok(sum)
}

/// The scalar couplings, rad/s.
pub fn scalar(e: &Evaluator) -> Result<Operator, Fault> {
    sum_of_pairs(e, &e.experiment.system.scalar, |like, j| if like { (0.0, j) } else { (j, 0.0) })
}

/// The dipolar couplings, given and from positions, rad/s.
pub fn dipolar(e: &Evaluator) -> Result<Operator, Fault> {
    let secular = |like: bool, d: f64| if like { (3.0 * d, -d) } else { (2.0 * d, 0.0) };
    let mut sum = sum_of_pairs(e, &e.experiment.system.dipolar, secular)?;
    if !e.experiment.system.dipolar_all {
        return Ok(sum);
    }
    let system = e.experiment.system.place.0.unwrap_or_default();
    let mut positions: Vec<Option<([f64; 3], Span)>> = vec![None; e.basis.sites.len()];
    for p in &e.experiment.system.positions {
        for index in e.range(p.each.as_ref())? {
            positions[e.site(&p.site, index)?] = Some((e.vector(&p.value, index)?, p.place.0.unwrap_or_default()));
        }
    }
    for (k, site) in e.basis.sites.iter().enumerate() {
        if site.isotope.is_some() && positions[k].is_none() {
            return Err(Diagnostic::new(
                Code::MissingDeclaration,
                system,
                format!("`dipolar all` needs the position of `{}`", site.name),
            )
            .help(format!("for example `position {} = (0, 0, 0) angstrom`", site.name))
            .into());
        }
    }
    for a in 0..positions.len() {
        for b in a + 1..positions.len() {
            let (Some((ra, _)), Some((rb, span))) = (positions[a], positions[b]) else { continue };
            let d = constant(e, a, b, ra, rb, span)? * TWO_PI;
            let (zz, dot) = secular(like(e, a, b), d);
            sum = sum.plus(pair(e, a, b, zz, dot, span)?);
        }
    }
    Ok(sum)
}

/// The dipolar coupling constant of a pair from its positions (metres), Hz.
fn constant(e: &Evaluator, a: usize, b: usize, ra: [f64; 3], rb: [f64; 3], span: Span) -> Result<f64, Fault> {
    let (Some(first), Some(second)) = (e.basis.sites[a].isotope, e.basis.sites[b].isotope) else { return Ok(0.0) };
    let r: Vec<f64> = (0..3).map(|k| rb[k] - ra[k]).collect();
    let distance2: f64 = r.iter().map(|x| x * x).sum();
    let names = (&e.basis.sites[a].name, &e.basis.sites[b].name);
    if distance2 == 0.0 {
        return Err(Diagnostic::new(
            Code::Contradiction,
            span,
            format!("`{}` and `{}` sit at the same place", names.0, names.1),
        )
        .into());
    }
    let distance = distance2.sqrt();
    if distance < 0.2e-10 {
        return Err(Diagnostic::new(
            Code::OutOfRange,
            span,
            format!("`{}` and `{}` are {:.3e} m apart, closer than any two nuclei", names.0, names.1, distance),
        )
        .help("is the unit right? bonds are about 1 angstrom long")
        .into());
    }
    let cosine = r[2] / distance;
    let angular = (3.0 * cosine * cosine - 1.0) / 2.0;
    Ok(-(MAGNETIC_CONSTANT / (2.0 * TWO_PI)) * first.gamma * second.gamma * HBAR / (TWO_PI * distance2 * distance)
        * angular)
}
