//! Relaxation times as in the Bloch equations: T1, T2 and T1rho as Lindblad operators, with the thermal state as fixed point.
//!
//! With p the equilibrium polarisation of neighbouring levels, `p = tanh(gamma hbar B0/2kT)`: `sqrt((1+p)/2T1) I+`, `sqrt((1-p)/2T1) I-`,
//! `sqrt(2/T2 - 1/T1) Iz`. For a spin 1/2 `2<Iz>` relaxes to p at the rate 1/T1 and coherences decay at 1/T2. A spin above 1/2 relaxes by a
//! random field with these spectral densities: at high temperature `<Iz>` relaxes at 1/T1 and `<I+>` at 1/T2. T2 must not exceed 2 T1. Without a T2 the only dephasing
//! is that caused by T1. The operators act on each spin independently. They model a liquid; with the rigid-lattice T2 of a solid they
//! would destroy dipolar order.
//!
//! T1rho replaces T2 while a spin lock on the nucleus is on: on resonance, locked magnetisation decays at 1/T1rho.

use super::super::interactions::zeeman::thermal_ratios;
use super::super::schedule::Relaxing;
use super::super::value::{Evaluator, Fault};
use super::entry::{sites, time_of};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{RelaxSetting, Relaxation};
use crate::linalg::real;
use crate::spin::{LocalKind, Operator, SiteKind};
use crate::units::time_text;
use std::collections::HashSet;

/// The settings of `relax` handled here.
pub const SETTINGS: &[RelaxSetting] =
    &[RelaxSetting::T1, RelaxSetting::T2, RelaxSetting::T1rho, RelaxSetting::Polarisation];

/// Adds the collapse operators of T1, T2 and T1rho, in 1/sqrt(s).
///
/// # Errors
/// If the times are unphysical, or a site is not a single spin or relaxes twice.
pub fn add(e: &Evaluator, locked: Option<&str>, relaxing: &mut Relaxing) -> Result<(), Fault> {
    let operators = &mut relaxing.collapse;
    let mut relaxed: HashSet<usize> = HashSet::new();
    let takes = |relaxation: &&Relaxation| SETTINGS.iter().any(|s| relaxation.setting(*s).is_some());
    for relaxation in e.experiment.system.relax.iter().filter(takes) {
        let span = relaxation.place.span();
        let t1 = time_of(e, relaxation, RelaxSetting::T1)?;
        let [t2, t1rho] = [RelaxSetting::T2, RelaxSetting::T1rho];
        let transverse = [(t2.word(), time_of(e, relaxation, t2)?), (t1rho.word(), time_of(e, relaxation, t1rho)?)];
        for (name, t2) in transverse {
            if let (Some(t1), Some(t2)) = (t1, t2)
                && t2 > 2.0 * t1 * (1.0 + 1e-12)
            {
                let [t2, twice] = [t2, 2.0 * t1].map(|t| time_text(t, e.experiment.units));
                let message = format!("{name} = {t2} is longer than 2 T1 = {twice}");
                return Err(Diagnostic::new(Code::Contradiction, span, message)
                    .label("unphysical: must not exceed 2 T1")
                    .help(format!("T1 alone already gives {name} = 2 T1"))
                    .into());
            }
        }
        for site in sites(e, relaxation)? {
            let name = &e.basis.site(site).name;
            if e.basis.site(site).kind != SiteKind::Spin {
                return Err(Diagnostic::new(
                    Code::WrongOperator,
                    span,
                    format!("`{name}` is not a single spin; T1 and T2 are defined for single spins"),
                )
                .help("describe its relaxation with a `noise`")
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
            let p = polarisation(e, relaxation, t1.is_some(), site)?;
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
            push(LocalKind::Iz, t2.map_or(0.0, |t2| (2.0 * (1.0 / t2 - half)).max(0.0)));
        }
    }
    Ok(())
}

/// The equilibrium polarisation of neighbouring levels of a spin: the given one, otherwise that of the thermal state; 0 without longitudinal relaxation.
fn polarisation(e: &Evaluator, relaxation: &Relaxation, has_t1: bool, site: usize) -> Result<f64, Fault> {
    let span = relaxation.place.span();
    let Some(given) = relaxation.setting(RelaxSetting::Polarisation) else {
        if !has_t1 {
            return Ok(0.0);
        }
        let ratios = thermal_ratios(e, span, "the thermal equilibrium of T1 relaxation")?;
        return Ok((ratios.get(site).copied().flatten().unwrap_or(0.0) / 2.0).tanh());
    };
    let p = e.number(given)?;
    if !has_t1 {
        return Err(Diagnostic::new(
            Code::MissingDeclaration,
            given.span(),
            "without T1 nothing relaxes to this polarisation",
        )
        .label("no T1 is given")
        .help("set a T1, or leave the polarisation out")
        .into());
    }
    if p.abs() > 1.0 {
        let message = format!("a polarisation must lie between -1 and 1, this is {p}");
        return Err(Diagnostic::new(Code::OutOfRange, span, message).into());
    }
    Ok(p)
}
