//! Named noises: collapse operators and thermal baths.

use super::super::schedule::{ChangingRate, Relaxing};
use super::super::value::{Evaluator, Fault, TimeOperator};
use super::bath;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::Collapse;
use crate::linalg::real;
use crate::source::Span;
use crate::spin::Operator;
use crate::units::{UnitSystem, time_text};
use crate::waveform::{Scalar, Sign, sign};

/// Adds a named noise, in 1/sqrt(s).
///
/// # Errors
/// If no noise has this name, an operator or a rate cannot be evaluated, a constant rate is negative, or a bath is unphysical.
pub fn noise(e: &Evaluator, name: &str, span: Span, relaxing: &mut Relaxing) -> Result<(), Fault> {
    let Some(noise) = e.experiment.noises.iter().find(|n| n.name == name) else {
        return Err(Diagnostic::new(Code::UnknownName, span, format!("unknown noise `{name}`")).into());
    };
    noise.collapse.iter().try_for_each(|c| collapse(e, c, relaxing))?;
    noise.baths.iter().try_for_each(|b| bath::add(e, b, relaxing))
}

fn collapse(e: &Evaluator, c: &Collapse, relaxing: &mut Relaxing) -> Result<(), Fault> {
    for index in e.range(c.each.as_ref())? {
        let operator = e.collapse_operator(&c.operator, index)?;
        match &c.rate {
            None => with_root(e, operator, c.operator.span(), relaxing),
            Some(rate) => {
                let Some(fixed) = operator.fixed(&e.basis) else {
                    let message = "an operator with a `rate` does not depend on time";
                    return Err(Diagnostic::new(Code::Contradiction, c.operator.span(), message)
                        .label("depends on time")
                        .help("write its dependence into the rate, which multiplies the square of the operator")
                        .into());
                };
                add(fixed, e.rate(rate, index)?, rate.span(), e.scope.units, relaxing)?;
            }
        }
    }
    Ok(())
}

/// Adds `rate(t) D[operator]`, `D[c] rho = c rho c^dagger - {c^dagger c, rho}/2`.
///
/// # Errors
/// If a constant rate is negative or not finite.
pub fn add(
    operator: Operator,
    rate: Scalar,
    place: Span,
    units: UnitSystem,
    relaxing: &mut Relaxing,
) -> Result<(), Fault> {
    if operator.is_zero() {
        return Ok(());
    }
    match rate.constant() {
        Some(x) if !(0.0..f64::INFINITY).contains(&x) => {
            let shown = if x.is_finite() { rate_text(x, units) } else { "not finite".into() };
            return Err(Diagnostic::new(
                Code::OutOfRange,
                place,
                format!("a rate must not be negative, this is {shown}"),
            )
            .label("no rate of jumps")
            .into());
        }
        Some(0.0) => {}
        Some(x) => relaxing.collapse.push(operator.times_number(real(x.sqrt()))),
        None => relaxing.changing.push(ChangingRate { rate, operator, stated: Some(place) }),
    }
    Ok(())
}

/// Adds `D[sum_k c_k(t) A_k]`. With `D[A, B]` for `A rho B^dagger + B rho A^dagger - {B^dagger A + A^dagger B, rho}/2` the sum is
/// `sum_k c_k^2 D[A_k] + sum_(k<l) c_k c_l D[A_k, A_l]`, and `D[A, B] = D[A + B] - D[A] - D[B]`.
fn with_root(e: &Evaluator, operator: TimeOperator, place: Span, relaxing: &mut Relaxing) {
    if let Some(fixed) = operator.fixed(&e.basis) {
        if !fixed.is_zero() {
            relaxing.collapse.push(fixed);
        }
        return;
    }
    let terms: Vec<(Scalar, Operator)> = operator.terms.into_iter().filter(|(_, o)| !o.is_zero()).collect();
    for (k, (c, a)) in terms.iter().enumerate() {
        let others = terms.iter().enumerate().filter(|(l, _)| *l != k).map(|(_, (d, _))| c.times(d));
        let rate = others.fold(c.squared(), |sum, product| sum.minus(&product));
        // A square is not negative; the weights of several terms may be.
        let stated = (terms.len() == 1).then_some(place);
        relaxing.changing.push(ChangingRate { rate, operator: a.clone(), stated });
        for (d, b) in terms.iter().skip(k + 1) {
            let both = a.clone().plus(b.clone());
            relaxing.changing.push(ChangingRate { rate: c.times(d), operator: both, stated: None });
        }
    }
}

/// Checks that no rate is negative at any time of a statement.
///
/// # Errors
/// With the rate and the time where one is negative or undefined, or where this cannot be decided.
pub fn check_rates(relaxing: &Relaxing, duration: f64, units: UnitSystem) -> Result<(), Fault> {
    for changing in &relaxing.changing {
        let Some(place) = changing.stated else { continue };
        let (message, label) = match sign(&changing.rate, duration) {
            Sign::NotNegative => continue,
            Sign::Negative(t, x) => (
                format!("this rate is negative, {}, at t = {}", rate_text(x, units), time_text(t, units)),
                "negative during the statement",
            ),
            Sign::Undefined(t) => (
                format!("this rate is infinite or not a number at t = {}", time_text(t, units)),
                "undefined during the statement",
            ),
            Sign::Undecided(t) => (
                format!("this rate is too close to zero at t = {} to see that it is not negative", time_text(t, units)),
                "may be negative",
            ),
        };
        return Err(Diagnostic::new(Code::OutOfRange, place, message)
            .label(label)
            .help("negative rates, as in master equations with memory, are not supported; `max` of the rate and 0 cuts them off")
            .into());
    }
    Ok(())
}

fn rate_text(x: f64, units: UnitSystem) -> String {
    let number = crate::syntax::number_text(crate::units::rounded(x));
    if units == UnitSystem::Lab { format!("{number} 1/s") } else { number }
}
