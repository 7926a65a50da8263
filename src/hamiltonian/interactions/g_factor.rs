//! Electrons among the spins of a system, and their g factors.

use super::super::value::{Evaluator, Fault};
use super::term::{Declared, declared};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::InteractionKind;
use crate::spin::FREE_G;

/// The error for a spin that cannot have an interaction.
pub fn refused(e: &Evaluator, d: &Declared, site: usize, why: &str) -> Fault {
    let message = format!("`{}` {why}", e.basis.site(site).name);
    Diagnostic::new(Code::WrongOperator, d.span(), message)
        .help("electrons are declared as `spin s : e`, with another quantum number as `spin s : e 1`")
        .into()
}

/// The site of an interaction that only electrons have.
///
/// # Errors
/// If it is not an electron.
pub fn electron(e: &Evaluator, d: &Declared, what: &str) -> Result<usize, Fault> {
    let site = d.site()?;
    match e.basis.site(site).isotope.is_some_and(|i| i.is_electron()) {
        true => Ok(site),
        false => Err(refused(e, d, site, &format!("is not an electron, so it has no {what}"))),
    }
}

/// The declared g tensors: their sites, isotropic values, and declarations.
///
/// # Errors
/// If a spin is not an electron, has a chemical shift, too, or a g factor is zero.
pub fn g_factors<'e>(e: &Evaluator<'e>) -> Result<Vec<(usize, Declared<'e>)>, Fault> {
    let mut all = Vec::new();
    for g in declared(e, InteractionKind::Gtensor)? {
        let site = electron(e, &g, "g tensor")?;
        for kind in [InteractionKind::Shift, InteractionKind::Csa] {
            if let Some(shift) = declared(e, kind)?.iter().find(|s| s.sites == g.sites) {
                let message = format!("`{}` has a g tensor and a `{}`", e.basis.site(site).name, kind.word());
                return Err(Diagnostic::new(Code::Contradiction, g.span(), message)
                    .label("both change its resonance frequency")
                    .related(shift.span(), "the other")
                    .help("write one g tensor")
                    .into());
            }
        }
        if g.principal.contains(&0.0) {
            return Err(Diagnostic::new(Code::OutOfRange, g.span(), "a g factor must not be zero").into());
        }
        all.push((site, g));
    }
    Ok(all)
}

/// `g/g_free`, the isotropic value of a spin in units of that of the free electron; 1 where none is declared.
///
/// # Errors
/// If a value cannot be evaluated.
pub fn relative_g(e: &Evaluator, site: usize) -> Result<f64, Fault> {
    if !e.basis.site(site).isotope.is_some_and(|i| i.is_electron()) {
        return Ok(1.0);
    }
    Ok(g_factors(e)?.iter().find(|(k, _)| *k == site).map_or(1.0, |(_, g)| g.size / FREE_G))
}
