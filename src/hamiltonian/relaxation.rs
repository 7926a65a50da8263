//! T1 and T2 of spins 1/2 as Lindblad operators, with the thermal state as their fixed point.
//!
//! With p the polarisation it relaxes to: `sqrt((1+p)/2T1) I+`, `sqrt((1-p)/2T1) I-`, `sqrt((1/T2 - 1/2T1)/2) sigma_z`. Then
//! `<sigma_z>` goes to p at the rate 1/T1, coherences decay at 1/T2; T2 may not exceed 2 T1. Without a T2 there is no dephasing
//! beyond what T1 itself causes. The operators act on each spin by itself: they are a model of a liquid, and would destroy
//! dipolar order in a solid whose rigid-lattice T2 were put here.

use super::value::{Evaluator, Fault};
use super::zeeman;
use crate::diagnostic::{Code, Diagnostic};
use crate::linalg::real;
use crate::source::Span;
use crate::spin::{LocalKind, Operator, SiteKind};
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

/// The collapse operators of all `relax` entries, in 1/sqrt(s).
pub fn collapse_operators(e: &Evaluator) -> Result<Vec<Operator>, Fault> {
    let mut operators = Vec::new();
    let mut relaxed = vec![false; e.basis.sites.len()];
    for relaxation in &e.experiment.system.relax {
        let span = relaxation.place.0.unwrap_or_default();
        let time = |x: &Option<crate::syntax::Expr>, name: &str| -> Result<Option<f64>, Fault> {
            let Some(expr) = x else { return Ok(None) };
            let value = e.number(expr)?;
            if value <= 0.0 {
                return Err(Diagnostic::new(
                    Code::OutOfRange,
                    expr.span(),
                    format!("{name} must be positive, it is {value} s"),
                )
                .into());
            }
            Ok(Some(value))
        };
        let (t1, t2) = (time(&relaxation.t1, "T1")?, time(&relaxation.t2, "T2")?);
        if let (Some(t1), Some(t2)) = (t1, t2)
            && t2 > 2.0 * t1 * (1.0 + 1e-12)
        {
            return Err(Diagnostic::new(
                Code::Contradiction,
                span,
                format!("T2 = {t2} s is longer than 2 T1 = {} s", 2.0 * t1),
            )
            .label("no relaxation does this")
            .help("T1 alone already gives T2 = 2 T1")
            .into());
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
