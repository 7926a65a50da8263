//! Times and numbers as they are written in messages.

use super::block::decimals;

/// A time with a unit, four digits.
pub fn time(t: f64) -> String {
    let (scale, unit) = match t {
        t if t >= 1.0 => (1.0, "s"),
        t if t >= 1e-3 => (1e3, "ms"),
        t if t >= 1e-6 || t == 0.0 => (1e6, "us"),
        _ => (1e9, "ns"),
    };
    format!("{} {unit}", decimals(t * scale, 4))
}

/// A number with six decimals.
pub fn number(x: f64) -> String {
    decimals(x, 6)
}

/// `1 - F` in three digits; below the rounding of propagators it is stated as a bound.
pub fn infidelity(fidelity: f64) -> String {
    match 1.0 - fidelity {
        x if x < 1e-13 => "< 1e-13".into(),
        x => format!("{x:.2e}"),
    }
}
