//! Singular values, by the blocks of a matrix: a state with a conserved number of excitations has a Schmidt matrix with one element in
//! each row, and one with a conserved parity a matrix of two blocks.

#![expect(
    clippy::indexing_slicing,
    reason = "each row has a parent that is a row; rows and columns of a block are those of the matrix"
)]

use super::types::{Matrix, Real3, ZERO};
use super::{LinalgError, view};

/// Rows and columns that elements connect.
struct Block {
    rows: Vec<usize>,
    columns: Vec<usize>,
}

/// The blocks of a matrix: sets of rows and columns outside of which all elements are exactly zero. Rows and columns of zeros are in none.
fn blocks(m: &Matrix) -> Vec<Block> {
    let occupied = |k: usize| m.column(k).iter().enumerate().filter(|(_, x)| **x != ZERO).map(|(row, _)| row).collect();
    let columns: Vec<Vec<usize>> = (0..m.ncols()).map(occupied).collect();
    // Each row points at a row of its block, and the first row of a block at itself.
    let mut parent: Vec<usize> = (0..m.nrows()).collect();
    for rows in &columns {
        for pair in rows.windows(2) {
            let (a, b) = (first(&mut parent, pair[0]), first(&mut parent, pair[1]));
            parent[a.max(b)] = a.min(b);
        }
    }
    let mut of_first = vec![None; m.nrows()];
    let mut found: Vec<Block> = Vec::new();
    for (column, rows) in columns.iter().enumerate() {
        let Some(&row) = rows.first() else { continue };
        let number = *of_first[first(&mut parent, row)].get_or_insert_with(|| {
            found.push(Block { rows: vec![], columns: vec![] });
            found.len() - 1
        });
        found[number].columns.push(column);
    }
    for row in 0..m.nrows() {
        if let Some(number) = of_first[first(&mut parent, row)] {
            found[number].rows.push(row);
        }
    }
    found
}

/// The first row of the block of a row.
fn first(parent: &mut [usize], mut row: usize) -> usize {
    while parent[row] != row {
        parent[row] = parent[parent[row]];
        row = parent[row];
    }
    row
}

/// Singular values, descending.
///
/// # Errors
/// If an entry is not finite, or the iteration does not converge.
pub fn singular_values(m: &Matrix) -> Result<Vec<f64>, LinalgError> {
    if m.iter().any(|x| !x.re.is_finite() || !x.im.is_finite()) {
        return Err(LinalgError::NotFinite);
    }
    let number = m.nrows().min(m.ncols());
    let mut values = Vec::with_capacity(number);
    for Block { rows, columns } in blocks(m) {
        match (rows.as_slice(), columns.as_slice()) {
            ([row], [column]) => values.push(m[(*row, *column)].norm()),
            _ if rows.len() == m.nrows() && columns.len() == m.ncols() => values.extend(of_block(m)?),
            _ => {
                let inside = |i: usize, j: usize| m[(rows[i], columns[j])];
                values.extend(of_block(&Matrix::from_fn(rows.len(), columns.len(), inside))?);
            }
        }
    }
    values.sort_by(|a, b| b.total_cmp(a));
    values.resize(number, 0.0);
    Ok(values)
}

fn of_block(m: &Matrix) -> Result<Vec<f64>, LinalgError> {
    view(m).singular_values().map_err(|_| LinalgError::NotConverged)
}

/// Singular value decomposition of a real 3 x 3 matrix: `(u, s, v^t)` with `s` descending; `None` if it does not converge.
pub fn svd3(m: &Real3) -> Option<(Real3, [f64; 3], Real3)> {
    let svd = m.try_svd(true, true, f64::EPSILON, 1000)?;
    let mut order = [0, 1, 2];
    order.sort_by(|&a, &b| svd.singular_values[b].total_cmp(&svd.singular_values[a]));
    let (u, vt) = (svd.u?, svd.v_t?);
    let columns = Real3::from_fn(|i, j| u[(i, order[j])]);
    let rows = Real3::from_fn(|i, j| vt[(order[i], j)]);
    Some((columns, order.map(|k| svd.singular_values[k]), rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::C64;

    /// Elements of a matrix whose rows and columns are connected where `is_inside`, no two alike.
    fn matrix(rows: usize, columns: usize, is_inside: impl Fn(usize, usize) -> bool) -> Matrix {
        Matrix::from_fn(rows, columns, |i, j| match is_inside(i, j) {
            true => C64::new(((3 * i + 7 * j) as f64).sin(), ((5 * i * j + i) as f64).cos()),
            false => ZERO,
        })
    }

    /// Singular values by blocks are those that the solver finds for the whole matrix: one block, two by parity, one element in each row
    /// and column, rows and columns of zeros, interleaved blocks. Tolerance: rounding of the norm.
    #[test]
    fn values_of_blocks_are_those_of_the_whole() {
        type Inside = fn(usize, usize) -> bool;
        let cases: [(usize, usize, Inside, usize); 7] = [
            (6, 4, |_, _| true, 1),
            (7, 9, |i, j| (i + j) % 2 == 0, 2),
            (5, 5, |i, j| i + j == 4, 5),
            (5, 8, |i, j| i != 2 && j != 3 && (i < 2) == (j < 3), 2),
            (8, 5, |i, j| i * 3 % 8 / 2 == j, 4),
            (3, 3, |_, _| false, 0),
            (4, 6, |i, j| j == 1 && i > 0, 1),
        ];
        for (case, (rows, columns, is_inside, number)) in cases.into_iter().enumerate() {
            let m = matrix(rows, columns, is_inside);
            assert_eq!(blocks(&m).len(), number, "case {case}");
            let (found, whole) = (singular_values(&m).unwrap(), of_block(&m).unwrap());
            assert_eq!(found.len(), whole.len());
            let near = found.iter().zip(&whole).all(|(a, b)| (a - b).abs() <= 1e-14 * (1.0 + whole[0]));
            assert!(near, "case {case}: {found:?}, not {whole:?}");
            let norm = found.iter().map(|s| s * s).sum::<f64>();
            assert!((norm - m.norm_squared()).abs() <= 1e-13 * (1.0 + norm), "case {case}");
        }
    }
}
