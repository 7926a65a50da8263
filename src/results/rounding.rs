//! Display of rounding errors as zero.

use super::schema::Column;
use super::set::ResultSet;
use crate::metrics::Quantity;

/// Values below this fraction of the largest comparable value are rounding errors. At a polarisation of 1e-5 the rounding of a state is
/// 1e-12 of the polarisation.
const ROUNDING: f64 = 1e-11;

/// Columns whose values are comparable: energies, as they are differences of each other, and powers. Other numbers are comparable with
/// those of the same function only: a discord of 1e-12 beside a purity of 1 is no rounding error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale<'a> {
    Quantity(Quantity),
    Function(&'a str),
}

impl<'a> Scale<'a> {
    fn of(column: &'a Column) -> Scale<'a> {
        match column.quantity {
            Some(quantity @ (Quantity::Energy | Quantity::EnergySquared | Quantity::Power)) => {
                Scale::Quantity(quantity)
            }
            _ => {
                let function = column.key.split('(').next().unwrap_or_default();
                // Real and imaginary part of a signal.
                Scale::Function(function.trim_end_matches("_im"))
            }
        }
    }
}

/// Largest magnitudes of a result set, by scale: far smaller numbers are displayed (only displayed) as zero.
pub struct Rounding<'a> {
    largest: Vec<(Scale<'a>, f64)>,
}

impl<'a> Rounding<'a> {
    /// From all measured values.
    pub fn new(set: &'a ResultSet) -> Rounding<'a> {
        let mut largest: Vec<(Scale<'a>, f64)> = Vec::new();
        for values in set.columns().filter(|v| v.column.is_measured()) {
            let most = values.all().iter().filter(|x| x.is_finite()).fold(0.0f64, |m, x| m.max(x.abs()));
            let scale = Scale::of(values.column);
            match largest.iter_mut().find(|(known, _)| *known == scale) {
                Some((_, before)) => *before = before.max(most),
                None => largest.push((scale, most)),
            }
        }
        Rounding { largest }
    }

    /// A value of a column, or zero if it is a rounding error.
    pub fn shown(&self, column: &Column, value: Option<f64>) -> Option<f64> {
        let scale = Scale::of(column);
        let most = self.largest.iter().find(|(known, _)| *known == scale).map_or(0.0, |(_, most)| *most);
        value.map(|x| if x.abs() < ROUNDING * most { 0.0 } else { x })
    }
}
