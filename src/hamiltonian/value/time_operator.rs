//! Operators with possibly time-dependent coefficients, and the values of expressions.

use crate::linalg::real;
use crate::spin::{Basis, Operator};
use crate::waveform::Scalar;
use std::sync::Arc;

/// Coefficients and operators of a Hamiltonian.
pub type Terms = Vec<(Scalar, Arc<Operator>)>;

/// An operator with possibly time-dependent coefficients.
#[derive(Debug, Clone)]
pub struct TimeOperator {
    /// Coefficients and operators, to be multiplied and summed.
    pub terms: Vec<(Scalar, Operator)>,
}

impl TimeOperator {
    /// How many products of local operators it has.
    pub(super) fn products(&self) -> u64 {
        self.terms.iter().map(|(_, o)| o.terms() as u64).sum()
    }

    pub(super) fn constant(operator: Operator) -> TimeOperator {
        TimeOperator { terms: vec![(Scalar::Constant(1.0), operator)] }
    }

    /// The operator, if it does not depend on time.
    pub fn fixed(&self, basis: &Basis) -> Option<Operator> {
        let mut sum = Operator::zero(basis);
        for (c, operator) in &self.terms {
            sum = sum.plus(operator.clone().times_number(real(c.constant()?)));
        }
        Some(sum)
    }

    pub(super) fn scaled(self, factor: &Scalar) -> TimeOperator {
        TimeOperator { terms: self.terms.into_iter().map(|(c, o)| (c.times(factor), o)).collect() }
    }
}

impl TimeOperator {
    /// Sums terms with constant coefficients into one, so that the list of terms stays short.
    pub(super) fn merged(self, basis: &Basis) -> TimeOperator {
        let mut constant: Option<Operator> = None;
        let mut terms = Vec::new();
        for (c, operator) in self.terms {
            match c {
                Scalar::Constant(c) => {
                    let scaled = operator.times_number(real(c));
                    constant = Some(match constant {
                        Some(sum) => sum.plus(scaled),
                        None => scaled,
                    });
                }
                Scalar::Varying(_) => terms.push((c, operator)),
            }
        }
        let constant = constant.unwrap_or_else(|| Operator::zero(basis)).collected();
        terms.insert(0, (Scalar::Constant(1.0), constant));
        TimeOperator { terms }
    }
}

/// The value of an expression.
pub(super) enum Value {
    Number(Scalar),
    Operator(TimeOperator),
}

/// The product of two, with a product of two operators; `None` if there is none.
pub(super) fn multiply(
    a: &TimeOperator,
    b: &TimeOperator,
    mut product: impl FnMut(&Operator, &Operator) -> Option<Operator>,
) -> Option<TimeOperator> {
    let mut terms = Vec::with_capacity(a.terms.len() * b.terms.len());
    for (x, p) in &a.terms {
        for (y, q) in &b.terms {
            terms.push((x.times(y), product(p, q)?));
        }
    }
    Some(TimeOperator { terms })
}
