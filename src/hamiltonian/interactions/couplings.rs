//! Couplings of two spins, secular in high field.
//!
//! Dipolar, like spins: `2 pi d (3 Iz Iz - I.I)`; unlike spins: `2 pi d 2 Iz Iz`. From positions
//! `d = -(mu_0 / 4 pi) gamma_a gamma_b hbar / (2 pi r^3) (3 cos^2 theta - 1)/2`, with theta the angle between the pair and the field.
//! An electron counts with its isotropic g. A spin in the laboratory frame keeps more of the couplings: [`super::frames`].
//! The value of a coupling given without a direction is d itself; with `along` a direction of the crystal it is d at theta = 0.
//! Scalar, like spins: `2 pi J I.I`; unlike: `2 pi J Iz Iz`. In natural units there is no 2 pi.

use super::super::orientation::{Matrix3, axial, is_turned};
use super::super::value::{Evaluator, Fault};
use super::frames::{self, in_laboratory};
use super::g_factor::relative_g;
use super::term::{Declared, Size, Term, declared};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Clause, InteractionKind};
use crate::linalg::real;
use crate::source::{Place, Span};
use crate::spin::{LocalKind, Operator};
use crate::units::{HBAR, MAGNETIC_CONSTANT, TWO_PI, angular_factor};
use std::collections::BTreeMap;

/// True if two spins are the same isotope.
pub fn like(e: &Evaluator, a: usize, b: usize) -> bool {
    e.basis.site(a).isotope.map(|i| i.symbol) == e.basis.site(b).isotope.map(|i| i.symbol)
}

/// `zz Iz Iz + dot I.I`.
fn pair(e: &Evaluator, a: usize, b: usize, zz: f64, dot: f64, span: Span) -> Result<Operator, Fault> {
    let mut sum = Operator::zero(&e.basis);
    for (kind, c) in [(LocalKind::Iz, zz + dot), (LocalKind::Ix, dot), (LocalKind::Iy, dot)] {
        if c == 0.0 {
            continue;
        }
        let Some(product) = Operator::pair(&e.basis, kind, a, b) else {
            return Err(Diagnostic::new(
                Code::WrongOperator,
                span,
                "only spins can be coupled here; couple a mode with a Hamiltonian",
            )
            .into());
        };
        sum = sum.plus(product.times_number(real(c)));
    }
    Ok(sum)
}

/// The scalar couplings, rad/s.
pub fn scalar(e: &Evaluator) -> Result<Vec<Term>, Fault> {
    let mut sum = Operator::zero(&e.basis);
    for p in declared(e, InteractionKind::J)? {
        let (a, b) = p.pair()?;
        let j = p.size * angular_factor(e.scope.units);
        let whole = like(e, a, b) || (in_laboratory(e, a) && in_laboratory(e, b));
        let (zz, dot) = if whole { (0.0, j) } else { (j, 0.0) };
        sum = sum.plus(pair(e, a, b, zz, dot, p.span())?);
    }
    Ok(vec![Term { size: Size::Isotropic(1.0), operator: sum }])
}

/// `3 Iz Iz - I.I` for like spins, `2 Iz Iz` for unlike spins.
fn secular(e: &Evaluator, a: usize, b: usize, span: Span) -> Result<Operator, Fault> {
    if like(e, a, b) { pair(e, a, b, 3.0, -1.0, span) } else { pair(e, a, b, 2.0, 0.0, span) }
}

/// The dipolar couplings, explicit ones and those from positions, rad/s.
pub fn dipolar(e: &Evaluator) -> Result<Vec<Term>, Fault> {
    let mut terms = Vec::new();
    for p in declared(e, InteractionKind::Dipolar)? {
        let (a, b) = p.pair()?;
        let d = p.size * angular_factor(e.scope.units);
        let size = match p.clause(Clause::Along) {
            Some(along) => {
                let direction = e.vector(along, p.index)?;
                if direction == [0.0; 3] {
                    let message = "a direction must not be zero";
                    return Err(Diagnostic::new(Code::OutOfRange, along.span(), message).into());
                }
                Size::Tensor(axial(d, direction))
            }
            None if is_turned(e) => return Err(no_direction(e, &p)),
            None if in_laboratory(e, a) || in_laboratory(e, b) => {
                return Err(frames::needs_direction(e, &p.sites, p.span()));
            }
            None => Size::Isotropic(d),
        };
        add(e, &mut terms, size, (a, b), p.span())?;
    }
    for (a, b, tensor, span) in from_positions(e)? {
        add(e, &mut terms, Size::Tensor(tensor), (a, b), span)?;
    }
    Ok(terms)
}

/// Adds the terms of a pair: with a spin in the laboratory frame those that the frames keep of `2 sum d_ij A_i B_j`.
fn add(e: &Evaluator, terms: &mut Vec<Term>, size: Size, (a, b): (usize, usize), span: Span) -> Result<(), Fault> {
    match size {
        Size::Tensor(d) if in_laboratory(e, a) || in_laboratory(e, b) => {
            terms.extend(frames::bilinear(e, &d.map(|row| row.map(|x| 2.0 * x)), a, b));
        }
        size => terms.push(Term { size, operator: secular(e, a, b, span)? }),
    }
    Ok(())
}

/// The dipolar couplings that have a direction: both sites, and the tensor d in the crystal frame, rad/s.
///
/// # Errors
/// If a value cannot be evaluated.
pub fn tensors(e: &Evaluator) -> Result<Vec<(usize, usize, Matrix3)>, Fault> {
    let mut all = Vec::new();
    for p in declared(e, InteractionKind::Dipolar)? {
        let (a, b) = p.pair()?;
        if let Some(along) = p.clause(Clause::Along) {
            all.push((a, b, axial(p.size * angular_factor(e.scope.units), e.vector(along, p.index)?)));
        }
    }
    all.extend(from_positions(e)?.into_iter().map(|(a, b, tensor, _)| (a, b, tensor)));
    Ok(all)
}

/// The couplings of all pairs of `dipolar all`: both sites, the tensor d in the crystal frame, rad/s, and the place of a position.
fn from_positions(e: &Evaluator) -> Result<Vec<(usize, usize, Matrix3, Span)>, Fault> {
    let mut all = Vec::new();
    if !e.experiment.system.dipolar_all {
        return Ok(all);
    }
    let system = e.experiment.system.place.span();
    let mut positions: BTreeMap<usize, ([f64; 3], Span)> = BTreeMap::new();
    for p in &e.experiment.system.positions {
        for index in e.range(p.each.as_ref())? {
            positions.insert(e.site(&p.site, index)?, (e.vector(&p.value, index)?, p.place.span()));
        }
    }
    for (k, site) in e.basis.sites.iter().enumerate() {
        if site.isotope.is_some() && !positions.contains_key(&k) {
            return Err(Diagnostic::new(
                Code::MissingDeclaration,
                system,
                format!("`dipolar all` needs the position of `{}`", site.name),
            )
            .help(format!("for example `position {} = (0, 0, 0) angstrom`", site.name))
            .into());
        }
    }
    for (k, (&a, &(ra, _))) in positions.iter().enumerate() {
        for (&b, &(rb, span)) in positions.iter().skip(k + 1) {
            let b_pair = constant(e, a, b, ra, rb, span)? * TWO_PI;
            all.push((a, b, axial(b_pair, difference(rb, ra)), span));
        }
    }
    Ok(all)
}

/// The dipolar couplings of pairs, Hz: both sites, the magnitude along the field, and the place of the declaration. A coupling without a
/// direction counts with its value.
///
/// # Errors
/// If a value cannot be evaluated.
pub fn sizes(e: &Evaluator) -> Result<Vec<(usize, usize, f64, Place)>, Fault> {
    let mut all = Vec::new();
    for p in declared(e, InteractionKind::Dipolar)? {
        let (a, b) = p.pair()?;
        all.push((a, b, p.size.abs(), p.declaration.place));
    }
    if !e.experiment.system.dipolar_all {
        return Ok(all);
    }
    let mut known: Vec<(usize, [f64; 3], Place)> = Vec::new();
    for p in &e.experiment.system.positions {
        for index in e.range(p.each.as_ref())? {
            known.push((e.site(&p.site, index)?, e.vector(&p.value, index)?, p.place));
        }
    }
    for (k, (a, ra, _)) in known.iter().enumerate() {
        for (b, rb, place) in known.iter().skip(k + 1) {
            all.push((*a, *b, constant(e, *a, *b, *ra, *rb, place.span())?.abs(), *place));
        }
    }
    Ok(all)
}

fn no_direction(e: &Evaluator, p: &Declared) -> Fault {
    let names: Vec<String> = p.sites.iter().map(|k| format!("`{}`", e.basis.site(*k).name)).collect();
    let message = format!("the coupling of {} has no direction, but the sample is rotated", names.join(" and "));
    Diagnostic::new(Code::MissingDeclaration, p.span(), message)
        .label("no `along`")
        .help("for example `along (0, 0, 1)`: the value is then that of a pair along the field")
        .into()
}

pub fn difference([x, y, z]: [f64; 3], [a, b, c]: [f64; 3]) -> [f64; 3] {
    [x - a, y - b, z - c]
}

/// Dipolar coupling constant of a pair along the field, from its positions (m), Hz.
pub fn constant(e: &Evaluator, a: usize, b: usize, ra: [f64; 3], rb: [f64; 3], span: Span) -> Result<f64, Fault> {
    let (Some(first), Some(second)) = (e.basis.site(a).isotope, e.basis.site(b).isotope) else { return Ok(0.0) };
    let distance2: f64 = difference(rb, ra).iter().map(|x| x * x).sum();
    let names = (&e.basis.site(a).name, &e.basis.site(b).name);
    if distance2 == 0.0 {
        return Err(Diagnostic::new(
            Code::Contradiction,
            span,
            format!("`{}` and `{}` have the same position", names.0, names.1),
        )
        .label("the same as that of the other spin")
        .help("the dipolar coupling is proportional to 1/r^3: give each spin its own position")
        .into());
    }
    let distance = distance2.sqrt();
    if distance < 0.2e-10 {
        return Err(Diagnostic::new(
            Code::OutOfRange,
            span,
            format!("`{}` and `{}` are {:.3e} m apart, closer than any two nuclei", names.0, names.1, distance),
        )
        .help("check the unit: bonds are about 1 angstrom long")
        .into());
    }
    let g = relative_g(e, a)? * relative_g(e, b)?;
    Ok(-(MAGNETIC_CONSTANT / (2.0 * TWO_PI)) * g * first.gamma * second.gamma * HBAR / (TWO_PI * distance2 * distance))
}
