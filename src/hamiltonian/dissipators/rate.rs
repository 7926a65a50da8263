//! Rates of collapse operators, which may depend on time.

use super::super::schedule::{ChangingRate, Relaxing};
use super::super::value::Fault;
use crate::diagnostic::{Code, Diagnostic};
use crate::linalg::real;
use crate::source::Span;
use crate::spin::Operator;
use crate::units::{UnitSystem, time_text};
use crate::waveform::{Scalar, Sign, sign};

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
