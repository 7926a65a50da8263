//! The ingredients of the Liouvillian, and its invariant parts of Liouville space.

#![expect(
    clippy::indexing_slicing,
    reason = "elements `j n + i` are those of an n x n matrix, lists those of its rows"
)]

use crate::emulator::generator::Generator;
use crate::linalg::{C64, Matrix, ZERO};

/// Nonzero entries of a matrix, row by row: (column, value).
pub(super) type Rows = Vec<Vec<(usize, C64)>>;

/// The ingredients of L.
pub(super) struct Source {
    pub n: usize,
    /// `A = -i H - sum c^+ c / 2`.
    effective: Rows,
    /// Collapse operators c.
    pub collapse: Vec<Rows>,
    /// `H_d` and G of the decay of dipolar order.
    pub order: Option<(Matrix, Matrix)>,
    /// `D(1)`: the action of relaxation on the identity.
    pub drift: Option<Matrix>,
    /// The weight of each element, and of the mean, in the rate of an integral that is followed, see [`super::Liouville::following`].
    pub followed: Option<Vec<C64>>,
}

pub(super) fn transposed(element: usize, n: usize) -> usize {
    (element % n) * n + element / n
}

fn rows(m: &Matrix) -> Rows {
    let row = |k: usize| m.row(k).iter().enumerate().filter(|(_, x)| **x != ZERO).map(|(j, x)| (j, *x)).collect();
    (0..m.nrows()).map(row).collect()
}

fn root(parent: &mut [u32], mut k: u32) -> u32 {
    while parent[k as usize] != k {
        parent[k as usize] = parent[parent[k as usize] as usize];
        k = parent[k as usize];
    }
    k
}

fn join(parent: &mut [u32], a: usize, b: usize) {
    let (a, b) = (root(parent, a as u32), root(parent, b as u32));
    // The smaller index becomes the root, so that parts come out in the order of their elements.
    parent[a.max(b) as usize] = a.min(b);
}

impl Source {
    pub fn of(generator: &Generator) -> Source {
        Source {
            n: generator.dimension,
            effective: rows(&generator.effective()),
            collapse: generator.collapse().iter().map(rows).collect(),
            order: generator.order_decay().cloned(),
            drift: generator.drift().cloned(),
            followed: None,
        }
    }

    /// Calls `visit(column, value)` for the entries of a row of L, without the decay of dipolar order; a column may occur more than once.
    pub fn visit_row(&self, element: usize, mut visit: impl FnMut(usize, C64)) {
        let n = self.n;
        let (i, j) = (element % n, element / n);
        self.effective[i].iter().for_each(|(k, x)| visit(j * n + k, *x));
        self.effective[j].iter().for_each(|(k, x)| visit(k * n + i, x.conj()));
        for c in &self.collapse {
            for (k, x) in &c[i] {
                c[j].iter().for_each(|(l, y)| visit(l * n + k, x * y.conj()));
            }
        }
    }

    /// The elements of each invariant part of Liouville space, ascending, and the index of the part that holds the transposed elements.
    pub fn separate(&self) -> Vec<(Vec<usize>, usize)> {
        let n = self.n;
        let mut parent: Vec<u32> = (0..(n * n) as u32).collect();
        for element in 0..n * n {
            self.visit_row(element, |other, _| join(&mut parent, element, other));
        }
        if let Some((h, lost)) = &self.order {
            let connected: Vec<usize> = (0..n * n).filter(|&e| h[e] != ZERO || lost[e] != ZERO).collect();
            connected.windows(2).for_each(|pair| join(&mut parent, pair[0], pair[1]));
        }
        let mut numbers = vec![usize::MAX; n * n];
        let mut lists: Vec<Vec<usize>> = Vec::new();
        for element in 0..n * n {
            let own = root(&mut parent, element as u32) as usize;
            if numbers[own] == usize::MAX {
                numbers[own] = lists.len();
                lists.push(vec![]);
            }
            numbers[element] = numbers[own];
            lists[numbers[own]].push(element);
        }
        let mirror = |elements: &Vec<usize>| numbers[transposed(elements[0], n)];
        let mirrors: Vec<usize> = lists.iter().map(mirror).collect();
        lists.into_iter().zip(mirrors).collect()
    }
}

/// Upper bound of the spectral norm: the square root of the largest absolute row sum times the largest absolute column sum.
pub(super) fn norm_bound(rows: &Rows) -> f64 {
    let mut columns = vec![0.0; rows.len()];
    let mut largest = 0.0f64;
    for row in rows {
        largest = largest.max(row.iter().map(|(_, x)| x.norm()).sum());
        row.iter().for_each(|(j, x)| columns[*j] += x.norm());
    }
    (largest * columns.into_iter().fold(0.0, f64::max)).sqrt()
}
