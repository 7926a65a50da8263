//! Quantities of results: of metrics, and of expressions that combine them.

use super::function::MEMBER_MEAN;
use super::measure::{aggregation, is_aggregate};
use crate::metrics::{Metric, Quantity};
use crate::syntax::{Expr, ExprKind};

/// The quantity of an expression: of a metric or an aggregate of one, and of sums, products and quotients of these and of numbers. `None`
/// if the combination is none of [`Quantity`], such as `energy/h`.
pub fn quantity_of(expr: &Expr) -> Option<Quantity> {
    match &expr.kind {
        ExprKind::Call(..) if aggregation(expr).is_some_and(|a| a.is_time()) => Some(Quantity::Time),
        ExprKind::Call(_, items) if is_aggregate(expr) => quantity_of(items.first()?),
        ExprKind::Call(name, items) if name == MEMBER_MEAN => quantity_of(items.first()?),
        ExprKind::Call(name, _) | ExprKind::Name(name) => Metric::named(name).map(|m| m.quantity),
        ExprKind::Member(_, metric) => quantity_of(metric),
        ExprKind::Number(_) => Some(Quantity::Number),
        ExprKind::Sum(terms) => {
            let mut quantities = terms.iter().map(|term| quantity_of(&term.value));
            let first = quantities.next()??;
            quantities.all(|q| q == Some(first)).then_some(first)
        }
        ExprKind::Product(factors) => {
            let parts = factors.iter().map(|factor| Some((quantity_of(&factor.value)?, factor.divides)));
            Quantity::product(parts.collect::<Option<Vec<_>>>()?)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse_expression;

    #[test]
    fn combinations_have_the_quantity_of_their_dimension() {
        for (text, quantity) in [
            ("energy - ergotropy", Some(Quantity::Energy)),
            ("2*energy", Some(Quantity::Energy)),
            ("-energy/3", Some(Quantity::Energy)),
            ("max(ergotropy) - energy", Some(Quantity::Energy)),
            ("ergotropy/capacity", Some(Quantity::Number)),
            ("ergotropy/argmax(ergotropy)", Some(Quantity::Power)),
            ("energy*ergotropy", Some(Quantity::EnergySquared)),
            ("energy*energy*energy", None),
            ("energy - argmax(energy)", None),
            ("energy/h", None),
        ] {
            let expr = parse_expression(text, 0).unwrap();
            assert_eq!(quantity_of(&expr), quantity, "{text}");
        }
    }
}
