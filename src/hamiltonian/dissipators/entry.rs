//! Evaluates the times and spins of a `relax` entry.

use super::super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{RelaxSetting, Relaxation};
use crate::syntax::Expr;
use crate::units::time_text;

/// A relaxation time, s.
///
/// # Errors
/// If it is not positive.
pub fn time(e: &Evaluator, expr: &Expr, name: &str) -> Result<f64, Fault> {
    let value = e.number(expr)?;
    if value > 0.0 {
        return Ok(value);
    }
    let message = format!("{name} must be positive, it is {}", time_text(value, e.experiment.units));
    Err(Diagnostic::new(Code::OutOfRange, expr.span(), message).into())
}

/// The time of a setting, s, if given.
///
/// # Errors
/// If it is not positive.
pub fn time_of(e: &Evaluator, relaxation: &Relaxation, setting: RelaxSetting) -> Result<Option<f64>, Fault> {
    relaxation.setting(setting).map(|expr| time(e, expr, setting.word())).transpose()
}

/// The sites of an entry, for every value of its index.
///
/// # Errors
/// If an index is out of range.
pub fn sites(e: &Evaluator, relaxation: &Relaxation) -> Result<Vec<usize>, Fault> {
    let mut all = Vec::new();
    for index in e.range(relaxation.each.as_ref())? {
        all.extend(each_site(e, &relaxation.sites, index)?);
    }
    Ok(all)
}

/// The sites that expressions name, for one value of an index.
///
/// # Errors
/// If an index is out of range.
pub fn each_site(e: &Evaluator, sites: &[Expr], index: Option<(&str, f64)>) -> Result<Vec<usize>, Fault> {
    let mut all = Vec::new();
    for sites in sites {
        all.extend(e.sites(sites, index)?);
    }
    Ok(all)
}
