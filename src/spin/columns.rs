//! Matrix elements of an operator, one column at a time.
//!
//! An operator is a sum of products of local matrices, so the entries of one column depend only on the local states of that
//! basis state. Nothing of the size of the product space is formed.

#![expect(
    clippy::indexing_slicing,
    reason = "digits match the operator's dimensions, and entries are compacted within their list"
)]

use super::operator::Operator;
use crate::linalg::{C64, ZERO};

/// Columns of a local matrix: for every local state, the rows with non-zero entries.
struct Factor {
    /// Position of the subsystem in the list of local states.
    site: usize,
    /// Stride: increment of the index per local state.
    stride: usize,
    columns: Vec<Vec<(usize, C64)>>,
}

/// An operator prepared for enumeration of the entries of any column.
pub struct Columns {
    dimensions: Vec<usize>,
    terms: Vec<(C64, Vec<Factor>)>,
}

impl Columns {
    /// Prepares an operator.
    pub fn of(operator: &Operator) -> Columns {
        let dimensions = operator.dimensions().to_vec();
        let mut strides = vec![1usize; dimensions.len()];
        for k in (0..dimensions.len().saturating_sub(1)).rev() {
            strides[k] = strides[k + 1].saturating_mul(dimensions[k + 1]);
        }
        let terms = operator
            .products()
            .map(|(c, factors)| {
                let factors = factors
                    .iter()
                    .map(|(site, local)| {
                        let mut columns = vec![vec![]; dimensions[*site]];
                        local.entries.iter().for_each(|&(i, j, v)| columns[j].push((i, v)));
                        Factor { site: *site, stride: strides[*site], columns }
                    })
                    .collect();
                (c, factors)
            })
            .collect();
        Columns { dimensions, terms }
    }

    /// Entries (row, value) of a column, each row once.
    pub fn column(&self, column: usize, digits: &mut Vec<usize>, entries: &mut Vec<(usize, C64)>) {
        entries.clear();
        self.visit(column, digits, |row, value| entries.push((row, value)));
        // XX + YY maps |00> to zero: entries that cancel do not connect states.
        add_up(entries);
    }

    /// Calls `visit(row, value)` for every entry of a column; a row may be visited several times.
    pub fn visit(&self, column: usize, digits: &mut Vec<usize>, mut visit: impl FnMut(usize, C64)) {
        digits.clear();
        let mut rest = column;
        for n in self.dimensions.iter().rev() {
            digits.push(rest % n);
            rest /= n;
        }
        digits.reverse();
        for (c, factors) in &self.terms {
            walk(factors, digits, column, *c, &mut visit);
        }
    }
}

fn walk(factors: &[Factor], digits: &[usize], row: usize, value: C64, visit: &mut impl FnMut(usize, C64)) {
    let Some((first, rest)) = factors.split_first() else { return visit(row, value) };
    let digit = digits[first.site];
    for &(to, v) in &first.columns[digit] {
        // Wrapping arithmetic is intended: intermediate indices may be negative.
        let row = row.wrapping_add(first.stride.wrapping_mul(to.wrapping_sub(digit)));
        walk(rest, digits, row, value * v, visit);
    }
}

/// Magnitude of a value in the 1-norm, which is cheaper than the modulus.
pub(super) fn size_of(x: C64) -> f64 {
    x.re.abs() + x.im.abs()
}

/// True if a sum of values with total magnitude `size` is larger than its rounding error.
pub(super) fn remains(sum: C64, size: f64) -> bool {
    size_of(sum) > 4.0 * f64::EPSILON * size
}

/// Sorts entries by position and sums those at the same position. Sums that are zero up to rounding are dropped.
pub(super) fn add_up(entries: &mut Vec<(usize, C64)>) {
    entries.sort_by_key(|(place, _)| *place);
    let mut kept = 0;
    let mut k = 0;
    while k < entries.len() {
        let place = entries[k].0;
        let (mut sum, mut size) = (ZERO, 0.0);
        while k < entries.len() && entries[k].0 == place {
            sum += entries[k].1;
            size += size_of(entries[k].1);
            k += 1;
        }
        if remains(sum, size) {
            entries[kept] = (place, sum);
            kept += 1;
        }
    }
    entries.truncate(kept);
}
