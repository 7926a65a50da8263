//! What is rounding of the arithmetic, and is shown as zero.

use super::schema::Column;
use super::set::ResultSet;

/// Below this share of the largest value of its unit a number is rounding. At a polarisation of 1e-5 the rounding of a state is 1e-12
/// of what the polarisation is worth.
const ROUNDING: f64 = 1e-11;

/// The largest magnitudes of a result set, by unit: numbers far below are shown as zero, and only shown so.
pub struct Rounding<'a> {
    largest: Vec<(&'a str, f64)>,
}

impl<'a> Rounding<'a> {
    /// Of everything that was measured.
    pub fn new(set: &'a ResultSet) -> Rounding<'a> {
        let mut largest: Vec<(&str, f64)> = Vec::new();
        for values in set.columns().filter(|v| v.column.is_measured()) {
            let most = values.all().iter().filter(|x| x.is_finite()).fold(0.0f64, |m, x| m.max(x.abs()));
            match largest.iter_mut().find(|(unit, _)| *unit == values.column.unit) {
                Some((_, before)) => *before = before.max(most),
                None => largest.push((&values.column.unit, most)),
            }
        }
        Rounding { largest }
    }

    /// A value of a column, zero where it is rounding.
    pub fn shown(&self, column: &Column, value: Option<f64>) -> Option<f64> {
        let most = self.largest.iter().find(|(unit, _)| *unit == column.unit).map_or(0.0, |(_, most)| *most);
        value.map(|x| if x.abs() < ROUNDING * most { 0.0 } else { x })
    }
}
