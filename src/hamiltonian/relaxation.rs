//! Relaxation times of spins 1/2: T1, T2 and T1rho as Lindblad operators, with the thermal state as their fixed point, and T1D.
//!
//! With p the polarisation it relaxes to: `sqrt((1+p)/2T1) I+`, `sqrt((1-p)/2T1) I-`, `sqrt((1/T2 - 1/2T1)/2) sigma_z`. Then
//! `<sigma_z>` goes to p at the rate 1/T1, coherences decay at 1/T2; T2 may not exceed 2 T1. Without a T2 there is no dephasing
//! beyond what T1 itself causes. The operators act on each spin by itself: they are a model of a liquid, and would destroy
//! dipolar order in a solid whose rigid-lattice T2 were put here.
//!
//! T1rho is a T2 for the time in which a lock of the nucleus holds the spins: on resonance what is locked decays at 1/T1rho.
//!
//! T1D is the measured lifetime of the order in the dipolar couplings H: while nothing but H acts, `Tr[H rho]` decays as
//! `exp(-t/T1D)`, at all times and whatever T1 and T2 are. With their dissipator D, whose adjoint is D+, the rest of the decay is
//! `d rho/dt = -Tr[G rho] H`, `G = (H/T1D + D+(H))/Tr[H^2]`, so that `d/dt Tr[H rho] = Tr[D+(H) rho] - Tr[H^2] Tr[G rho] = -Tr[H rho]/T1D`.
//! T1 and T2 alone let the order in H live for `1/R`, `R = -Tr[H D(H)]/Tr[H^2]`, at first; no T1D is longer. The law is one of high
//! temperature: on states far from the maximally mixed one it may lead to negative probabilities.

use super::schedule::{OrderDecay, Relaxing};
use super::value::{Evaluator, Fault};
use super::{interactions, zeeman};
use crate::diagnostic::{Code, Diagnostic};
use crate::linalg::real;
use crate::source::Span;
use crate::spin::{LocalKind, Operator, SiteKind};
use crate::syntax::Expr;
use crate::units::{BOLTZMANN, HBAR};
use std::collections::HashSet;

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

/// What the order in the dipolar couplings loses beside T1 and T2, where a T1D is given.
fn dipolar_order(e: &Evaluator, collapse: &[Operator]) -> Result<Option<OrderDecay>, Fault> {
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
    let couplings = interactions::sum(e, Some("dipolar"))?.at_rest("dipolar", expr.span())?;
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
        let name = &e.basis.site(left).name;
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
    // D+(H) = sum c^dagger H c - {c^dagger c, H}/2; a c of one spin commutes with what acts on other spins.
    let mut lost = Operator::zero_like(&couplings);
    for c in collapse {
        let h = c.support().first().map_or_else(|| couplings.clone(), |site| couplings.acting_on(*site));
        let adjoint = c.adjoint();
        let square = adjoint.times(c);
        let half = square.times(&h).plus(h.times(&square)).times_number(real(-0.5));
        lost = lost.plus(adjoint.times(&h.times(c))).plus(half);
    }
    let norm2 = couplings.overlap(&couplings).re;
    let shortest = -couplings.overlap(&lost).re / norm2;
    if 1.0 / t1d < shortest * (1.0 - 1e-9) {
        // Ten digits, so that rounding of a sum does not show.
        let longest: f64 = format!("{:.9e}", 1.0 / shortest).parse().unwrap_or(1.0 / shortest);
        let message =
            format!("T1D = {t1d} s is longer than the {longest} s for which T1 and T2 let dipolar order live");
        return Err(Diagnostic::new(Code::Contradiction, expr.span(), message).label("no relaxation does this").into());
    }
    let norm2 = norm2 * couplings.dimension() as f64;
    let lost = couplings.clone().times_number(real(1.0 / t1d)).plus(lost).times_number(real(1.0 / norm2));
    Ok(Some(OrderDecay { hamiltonian: couplings, lost }))
}

/// The collapse operators of T1, T2 and T1rho, in 1/sqrt(s).
fn collapse_operators(e: &Evaluator, locked: Option<&str>) -> Result<Vec<Operator>, Fault> {
    let mut operators = Vec::new();
    let mut relaxed: HashSet<usize> = HashSet::new();
    for relaxation in &e.experiment.system.relax {
        let span = relaxation.place.span();
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
                let name = &e.basis.site(site).name;
                if e.basis.site(site).kind != SiteKind::Spin || e.basis.site(site).dimension != 2 {
                    return Err(Diagnostic::new(
                        Code::WrongOperator,
                        span,
                        format!("`{name}` is no spin 1/2; T1 and T2 are defined for spins 1/2"),
                    )
                    .help("give other relaxation as a `noise`")
                    .into());
                }
                if !relaxed.insert(site) {
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
                        let ratios = thermal_ratios(e, span, "the thermal state that T1 relaxes to")?;
                        (ratios.get(site).copied().flatten().unwrap_or(0.0) / 2.0).tanh()
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
                let held = locked.is_some() && e.basis.site(site).isotope.map(|i| i.symbol) == locked;
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
