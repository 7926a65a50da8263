//! Named noises: collapse operators and thermal baths.

use super::super::schedule::{ChangingRate, Relaxing};
use super::super::value::{Evaluator, Fault, TimeOperator};
use super::{bath, rate};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::Collapse;
use crate::source::Span;
use crate::spin::Operator;
use crate::waveform::Scalar;

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
            Some(given) => {
                let Some(fixed) = operator.fixed(&e.basis) else {
                    let message = "an operator with a `rate` does not depend on time";
                    return Err(Diagnostic::new(Code::Contradiction, c.operator.span(), message)
                        .label("depends on time")
                        .help("write its dependence into the rate, which multiplies the square of the operator")
                        .into());
                };
                rate::add(fixed, e.rate(given, index)?, given.span(), e.scope.units, relaxing)?;
            }
        }
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
