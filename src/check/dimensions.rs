//! Dimensions of numbers that are compared with results.

use super::checker::Fault;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Index, Measure, Scope, Type, quantity_of};
use crate::metrics::Quantity;
use crate::syntax::Expr;
use crate::units::Dimension;

/// Checks a number that is compared with a result: a number without a unit may be compared with every result, which is in SI units, and
/// one with a unit only with a result of its dimension.
///
/// # Errors
/// If the dimensions differ, or the number has no value.
pub fn comparable(
    result: &Expr,
    number: &Expr,
    (indices, named): (&[Index], &[Measure]),
    scope: &Scope,
) -> Result<(), Fault> {
    // A named result has the quantity of its expression.
    let meant = result.replace(&|word| {
        let result = named.iter().find(|m| m.key == word && m.is_named());
        result.map(|m| m.value.clone())
    });
    let Type::Number(found) = scope.type_of(number, indices)? else { return scope.plain(number, indices) };
    let Some(quantity) = quantity_of(&meant).filter(|_| !scope.natural() && found != Dimension::NUMBER) else {
        return Ok(());
    };
    let wanted = quantity.dimension();
    if wanted == found {
        return Ok(());
    }
    let message = format!("`{result}` is {wanted}, and `{number}` is {found}");
    let wrong = Diagnostic::new(Code::WrongDimension, number.span(), message).label(format!("{wanted} expected"));
    Err(match quantity {
        Quantity::Energy => wrong.help("energies are in joule: write `1.2e-30 J`, or `h * 100 Hz`"),
        _ if wanted == Dimension::NUMBER => wrong.help("leave the unit out"),
        _ => wrong.help(format!("write a number in {}", wanted.si_unit())),
    }
    .into())
}
