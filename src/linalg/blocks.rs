//! The block structure of a matrix: indices that no element connects.

use super::types::{Matrix, ZERO};

/// Lists of indices between which all entries are exactly zero; `None` if there is only one list.
#[expect(
    clippy::indexing_slicing,
    reason = "each index of the matrix has a list, and lists hold the indices they have grown by"
)]
pub fn blocks(m: &Matrix) -> Option<Vec<Vec<usize>>> {
    let n = m.nrows();
    let mut list_of = vec![usize::MAX; n];
    let mut lists: Vec<Vec<usize>> = Vec::new();
    for seed in 0..n {
        if list_of[seed] != usize::MAX {
            continue;
        }
        let number = lists.len();
        list_of[seed] = number;
        let mut list = vec![seed];
        let mut next = 0;
        while next < list.len() {
            let column = m.column(list[next]);
            next += 1;
            for (row, x) in column.iter().enumerate() {
                if *x != ZERO && list_of[row] == usize::MAX {
                    list_of[row] = number;
                    list.push(row);
                }
            }
        }
        if list.len() == n {
            return None;
        }
        list.sort_unstable();
        lists.push(list);
    }
    Some(lists)
}

/// Dimension of the largest block of a matrix, if it exceeds `limit`.
pub fn largest_block(m: &Matrix, limit: usize) -> Option<usize> {
    let largest = blocks(m).map_or(m.nrows(), |parts| parts.iter().map(Vec::len).max().unwrap_or(0));
    (largest > limit).then_some(largest)
}
