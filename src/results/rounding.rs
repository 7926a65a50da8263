//! Display of rounding errors as zero.

use super::schema::Column;
use super::set::ResultSet;

/// Values below this fraction of the largest value with the same unit are rounding errors. At a polarisation of 1e-5 the rounding of a
/// state is 1e-12 of the polarisation.
const ROUNDING: f64 = 1e-11;

/// Largest magnitudes of a result set, by unit: far smaller numbers are displayed (only displayed) as zero.
pub struct Rounding<'a> {
    largest: Vec<(&'a str, f64)>,
}

impl<'a> Rounding<'a> {
    /// From all measured values.
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

    /// A value of a column, or zero if it is a rounding error.
    pub fn shown(&self, column: &Column, value: Option<f64>) -> Option<f64> {
        let most = self.largest.iter().find(|(unit, _)| *unit == column.unit).map_or(0.0, |(_, most)| *most);
        value.map(|x| if x.abs() < ROUNDING * most { 0.0 } else { x })
    }
}
