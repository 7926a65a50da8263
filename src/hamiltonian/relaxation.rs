//! Relaxation times of spins 1/2: T1, T2 and T1rho as Lindblad operators, with the thermal state as their fixed point, and T1D.
//!
//! With p the polarisation it relaxes to: `sqrt((1+p)/2T1) I+`, `sqrt((1-p)/2T1) I-`, `sqrt((1/T2 - 1/2T1)/2) sigma_z`. Then
//! `<sigma_z>` goes to p at the rate 1/T1, coherences decay at 1/T2; T2 may not exceed 2 T1. Without a T2 there is no dephasing
//! beyond what T1 itself causes. The operators act on each spin by itself: they are a model of a liquid, and would destroy
//! dipolar order in a solid whose rigid-lattice T2 were put here.
//!
//! T1rho is a T2 for the time in which a lock of the nucleus holds the spins: on resonance what is locked decays at 1/T1rho.
//!
//! T1D is the lifetime of the order in the dipolar couplings H: `d/dt Tr[H rho] = -Tr[H rho]/T1D` at first, where T1 and T2 have
//! their share `R = -Tr[H D(H)]/Tr[H^2]`, D being their dissipator, and the rest is `d rho/dt = -(1/T1D - R) Tr[H rho] H/Tr[H^2]`. That
//! is the law of high temperature, by which dipolar order is measured: no map that leaves every spin alone can do it to states far
//! from the even mixture, where it may lead to negative probabilities.

use super::orientation::Frame;
use super::schedule::Relaxing;
use super::value::{Evaluator, Fault};
use super::zeeman;
use crate::diagnostic::{Code, Diagnostic};
use crate::linalg::{Matrix, norm_squared, product, real};
use crate::source::Span;
use crate::spin::{LocalKind, Operator, SiteKind};
use crate::syntax::Expr;
use crate::units::{BOLTZMANN, HBAR};

/// `gamma hbar B0 / kT` of every subsystem with a nucleus.
pub fn thermal_ratios(e: &Evaluator, span: Span, what: &str) -> Result<Vec<Option<f64>>, Fault> {
    let field = zeeman::field(e)?;
    let temperature = e.experiment.system.temperature.as_ref().map(|t| e.number(t)).transpose()?;
    let (Some(field), Some(temperature)) = (field, temperature) else {
        let (missing, example) =
            if field.is_none() { ("field", "field 9.4 T") } else { ("temperature", "temperature 300 K") };
        return Err(Diagnostic::new(
            Code::MissingDeclaration,
            span,
            format!("{what} needs the {missing} of the system"),
        )
        .label(format!("no `{missing}` is declared"))
        .help(format!("for example `{example}`"))
        .into());
    };
    if temperature <= 0.0 {
        let place = e.experiment.system.temperature.as_ref().map_or(span, |t| t.span());
        return Err(Diagnostic::new(
            Code::OutOfRange,
            place,
            format!("the temperature must be positive, it is {temperature} K"),
        )
        .into());
    }
    Ok(e.basis.sites.iter().map(|s| s.isotope.map(|i| i.gamma * HBAR * field / (BOLTZMANN * temperature))).collect())
}

/// A relaxation time, positive.
fn time(e: &Evaluator, x: Option<&Expr>, name: &str) -> Result<Option<f64>, Fault> {
    let Some(expr) = x else { return Ok(None) };
    let value = e.number(expr)?;
    if value <= 0.0 {
        let message = format!("{name} must be positive, it is {value} s");
        return Err(Diagnostic::new(Code::OutOfRange, expr.span(), message).into());
    }
    Ok(Some(value))
}

/// All `relax` entries, in 1/sqrt(s) and 1/s; `locked` is the nucleus that a lock holds.
pub fn relaxing(e: &Evaluator, locked: Option<&str>) -> Result<Relaxing, Fault> {
    let collapse = collapse_operators(e, locked)?;
    let order = dipolar_order(e, &collapse)?;
    Ok(Relaxing { collapse, order })
}

/// The dipolar couplings and `f` of `-f Tr[H rho] H`, where a T1D is given.
fn dipolar_order(e: &Evaluator, collapse: &[Operator]) -> Result<Option<(Operator, f64)>, Fault> {
    const LARGEST: usize = 1024;
    let mut given = e.experiment.system.relax.iter().filter_map(|r| Some((r, r.t1d.as_ref()?)));
    let Some((relaxation, expr)) = given.next() else { return Ok(None) };
    if let Some((_, again)) = given.next() {
        return Err(Diagnostic::new(
            Code::DefinedTwice,
            again.span(),
            "T1D is given twice; it is one of all dipolar couplings",
        )
        .related(expr.span(), "first given here")
        .into());
    }
    let Some(t1d) = time(e, Some(expr), "T1D")? else { return Ok(None) };
    let couplings = super::couplings::dipolar(e, &Frame::of(e)?)?.at_rest("dipolar", expr.span())?;
    if couplings.is_zero() {
        return Err(Diagnostic::new(
            Code::MissingDeclaration,
            expr.span(),
            "T1D is the lifetime of an order in dipolar couplings",
        )
        .label("the system has none")
        .help("for example `dipolar p q = -30 kHz`")
        .into());
    }
    let mut named = Vec::new();
    for index in e.range(relaxation.each.as_ref())? {
        for sites in &relaxation.sites {
            named.extend(e.sites(sites, index)?);
        }
    }
    if let Some(left) = couplings.support().into_iter().find(|site| !named.contains(site)) {
        let name = &e.basis.sites[left].name;
        let message = format!("T1D is of all dipolar couplings, and `{name}` has one but is not named");
        return Err(Diagnostic::new(Code::Contradiction, expr.span(), message)
            .label("of some spins only")
            .help(format!("add `{name}` to the spins of this `relax`"))
            .into());
    }
    if couplings.dimension() > LARGEST {
        let message = format!("T1D is for systems of up to {LARGEST} states, this has {}", couplings.dimension());
        return Err(Diagnostic::new(Code::OutOfRange, expr.span(), message).into());
    }
    let h = couplings.matrix();
    let norm2 = norm_squared(&h);
    // -Tr[H D(H)] = sum Tr[c^dagger c H^2] - Tr[H c H c^dagger].
    let mut own = 0.0;
    for c in collapse {
        let c = c.matrix();
        let moved = product(&c, &product(&h, &c.adjoint()));
        let lost = product(&product(&c.adjoint(), &c), &h);
        own += overlap(&lost, &h) - overlap(&moved, &h);
    }
    let rate = 1.0 / t1d - own / norm2;
    if rate < -1e-9 / t1d {
        let message =
            format!("T1D = {t1d} s is longer than the {} s for which T1 and T2 let dipolar order live", norm2 / own);
        return Err(Diagnostic::new(Code::Contradiction, expr.span(), message).label("no relaxation does this").into());
    }
    Ok((rate > 0.0).then(|| (couplings, rate / norm2)))
}

/// `Re Tr[A H]` with H Hermitian.
fn overlap(a: &Matrix, h: &Matrix) -> f64 {
    a.iter().zip(h.iter()).map(|(x, y)| (x * y.conj()).re).sum()
}

/// The collapse operators of T1, T2 and T1rho, in 1/sqrt(s).
fn collapse_operators(e: &Evaluator, locked: Option<&str>) -> Result<Vec<Operator>, Fault> {
    let mut operators = Vec::new();
    let mut relaxed = vec![false; e.basis.sites.len()];
    for relaxation in &e.experiment.system.relax {
        let span = relaxation.place.0.unwrap_or_default();
        let time = |x: &Option<Expr>, name: &str| time(e, x.as_ref(), name);
        let t1 = time(&relaxation.t1, "T1")?;
        let transverse = [("T2", time(&relaxation.t2, "T2")?), ("T1rho", time(&relaxation.t1rho, "T1rho")?)];
        for (name, t2) in transverse {
            if let (Some(t1), Some(t2)) = (t1, t2)
                && t2 > 2.0 * t1 * (1.0 + 1e-12)
            {
                let message = format!("{name} = {t2} s is longer than 2 T1 = {} s", 2.0 * t1);
                return Err(Diagnostic::new(Code::Contradiction, span, message)
                    .label("no relaxation does this")
                    .help(format!("T1 alone already gives {name} = 2 T1"))
                    .into());
            }
        }
        let given = relaxation.polarisation.as_ref().map(|p| e.number(p)).transpose()?;
        for index in e.range(relaxation.each.as_ref())? {
            for site in relaxation.sites.iter().map(|s| e.sites(s, index)).collect::<Result<Vec<_>, _>>()?.concat() {
                let name = &e.basis.sites[site].name;
                if e.basis.sites[site].kind != SiteKind::Spin || e.basis.sites[site].dimension != 2 {
                    return Err(Diagnostic::new(
                        Code::WrongOperator,
                        span,
                        format!("`{name}` is no spin 1/2; T1 and T2 are defined for spins 1/2"),
                    )
                    .help("give other relaxation as a `noise`")
                    .into());
                }
                if std::mem::replace(&mut relaxed[site], true) {
                    return Err(Diagnostic::new(
                        Code::DefinedTwice,
                        span,
                        format!("the relaxation of `{name}` is given twice"),
                    )
                    .into());
                }
                let p = match (given, t1) {
                    (Some(p), _) => p,
                    (None, None) => 0.0,
                    (None, Some(_)) => {
                        (thermal_ratios(e, span, "the thermal state that T1 relaxes to")?[site].unwrap_or(0.0) / 2.0)
                            .tanh()
                    }
                };
                if p.abs() > 1.0 {
                    return Err(Diagnostic::new(
                        Code::OutOfRange,
                        span,
                        format!("a polarisation lies between -1 and 1, this is {p}"),
                    )
                    .into());
                }
                let held = locked.is_some() && e.basis.sites[site].isotope.map(|i| i.symbol) == locked;
                let [(_, t2), (_, t1rho)] = transverse;
                let t2 = if held { t1rho.or(t2) } else { t2 };
                let mut push = |kind: LocalKind, rate: f64| {
                    if rate > 0.0
                        && let Some(operator) = Operator::of(&e.basis, kind, site)
                    {
                        operators.push(operator.times_number(real(rate.sqrt())));
                    }
                };
                let half = t1.map_or(0.0, |t| 0.5 / t);
                push(LocalKind::Ip, (1.0 + p) * half);
                push(LocalKind::Im, (1.0 - p) * half);
                push(LocalKind::Z, t2.map_or(0.0, |t2| ((1.0 / t2 - half) / 2.0).max(0.0)));
            }
        }
    }
    Ok(operators)
}
