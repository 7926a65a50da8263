//! Matrices of operators on a [`Space`]: sparse (row-compressed), or dense for small spaces.

#![expect(
    clippy::indexing_slicing,
    reason = "rows and columns are positions in the space, and each row is a range of entries"
)]

use super::columns::{Columns, add_up, remains, size_of};
use super::operator::Operator;
use super::space::Space;
use crate::linalg::{C64, Matrix, Vector, ZERO, real};

/// Up to this dimension the matrix is first accumulated in a dense array.
const SMALL: usize = 16;

/// Values of a sparse matrix; real if all values are, which halves the cost.
#[derive(Debug, Clone)]
enum Values {
    Real(Vec<f64>),
    Complex(Vec<C64>),
}

/// A sparse matrix in row-compressed form.
#[derive(Debug, Clone)]
pub struct Sparse {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Values,
    /// The diagonal of a real diagonal matrix.
    diagonal: Option<Vec<f64>>,
}

impl Sparse {
    /// Matrix of an operator on an invariant space.
    pub fn of(operator: &Operator, space: &Space) -> Sparse {
        let exchanged = |g: &[usize]| g.windows(2).all(|w| operator.is_same(&operator.exchanged(w[0], w[1])));
        if !space.groups().iter().all(|g| exchanged(g)) {
            return Sparse::averaged(operator, space);
        }
        let n = space.len();
        if space.is_whole() && n <= SMALL {
            return Sparse::small(operator, n);
        }
        let columns = Columns::of(operator);
        let mut digits = Vec::new();
        // Count the entries first, so that they are stored without reallocation.
        let mut starts = vec![0usize; n + 1];
        for j in 0..n {
            columns.visit(space.state(j), &mut digits, |row, _| {
                if let Some(i) = space.position(row) {
                    starts[i + 1] += 1;
                }
            });
        }
        for k in 0..n {
            starts[k + 1] += starts[k];
        }
        let mut next = starts.clone();
        let mut entries: Vec<(u32, C64)> = vec![(0, ZERO); starts[n]];
        for j in 0..n {
            let from = space.size_of(j);
            columns.visit(space.state(j), &mut digits, |row, value| {
                if let Some(i) = space.position(row) {
                    // Matrix element between normalised orbit sums: <i|H|j> = sqrt(|j|/|i|) sum over the members of i.
                    entries[next[i]] = (j as u32, value * (from / space.size_of(i)).sqrt());
                    next[i] += 1;
                }
            });
        }
        Sparse::merged(&starts, entries)
    }

    /// Matrix on a small whole product space, accumulated in a dense array.
    fn small(operator: &Operator, n: usize) -> Sparse {
        let mut sums = vec![(ZERO, 0.0); n * n];
        operator.visit(|i, j, v| {
            let (sum, size) = &mut sums[i * n + j];
            *sum += v;
            *size += size_of(v);
        });
        let mut starts = Vec::with_capacity(n + 1);
        starts.push(0);
        let mut columns = Vec::with_capacity(n * n);
        let mut values = Vec::with_capacity(n * n);
        for row in sums.chunks_exact(n) {
            for (j, (sum, size)) in row.iter().enumerate() {
                if remains(*sum, *size) {
                    columns.push(j as u32);
                    values.push(*sum);
                }
            }
            starts.push(columns.len());
        }
        Sparse::from_rows(starts, columns, values)
    }

    /// Matrix of an operator that is not exchange symmetric: its average over the exchanges.
    fn averaged(operator: &Operator, space: &Space) -> Sparse {
        let columns = Columns::of(operator);
        let mut digits = Vec::new();
        let mut rows: Vec<Vec<(u32, C64)>> = vec![vec![]; space.len()];
        for j in 0..space.len() {
            for member in space.members(j) {
                columns.visit(member, &mut digits, |row, value| {
                    if let Some(i) = space.position(row) {
                        rows[i].push((j as u32, value / (space.size_of(i) * space.size_of(j)).sqrt()));
                    }
                });
            }
        }
        let mut starts = vec![0];
        rows.iter().for_each(|row| starts.push(starts[starts.len() - 1] + row.len()));
        Sparse::merged(&starts, rows.concat())
    }

    /// Sorts every row and sums entries at the same position.
    fn merged(starts: &[usize], mut entries: Vec<(u32, C64)>) -> Sparse {
        let mut merged_starts = Vec::with_capacity(starts.len());
        merged_starts.push(0);
        let mut end = 0;
        let mut row: Vec<(usize, C64)> = Vec::new();
        for range in starts.windows(2) {
            row.clear();
            row.extend(entries[range[0]..range[1]].iter().map(|(j, v)| (*j as usize, *v)));
            add_up(&mut row);
            for &(j, v) in &row {
                entries[end] = (j as u32, v);
                end += 1;
            }
            merged_starts.push(end);
        }
        entries.truncate(end);
        let (columns, values) = entries.into_iter().unzip();
        Sparse::from_rows(merged_starts, columns, values)
    }

    /// From the first entry of every row and of the end, and the entries.
    fn from_rows(starts: Vec<usize>, columns: Vec<u32>, values: Vec<C64>) -> Sparse {
        if values.iter().any(|v| v.im != 0.0) {
            return Sparse { starts, columns, values: Values::Complex(values), diagonal: None };
        }
        let values: Vec<f64> = values.iter().map(|v| v.re).collect();
        let rows = || starts.windows(2).map(|row| row[0]..row[1]).enumerate();
        let is_diagonal = rows().all(|(i, row)| columns[row].iter().all(|j| *j as usize == i));
        let diagonal = is_diagonal.then(|| rows().map(|(_, row)| values[row].iter().sum()).collect());
        Sparse { starts, columns, values: Values::Real(values), diagonal }
    }

    /// Matrix-vector product.
    pub fn apply(&self, v: &Vector) -> Vector {
        let mut out = Vector::zeros(v.len());
        self.apply_into(v.as_slice(), out.as_mut_slice());
        out
    }

    /// Matrix-vector product, written into `out`.
    pub fn apply_into(&self, v: &[C64], out: &mut [C64]) {
        self.apply_rows(0, v, out);
    }

    /// Rows of the matrix-vector product from row `first` on.
    pub fn apply_rows(&self, first: usize, v: &[C64], out: &mut [C64]) {
        let starts = &self.starts[first..];
        match &self.values {
            Values::Real(values) => {
                for (target, row) in out.iter_mut().zip(starts.windows(2)) {
                    let (columns, values) = (&self.columns[row[0]..row[1]], &values[row[0]..row[1]]);
                    *target = columns.iter().zip(values).map(|(&j, &x)| v[j as usize] * x).sum();
                }
            }
            Values::Complex(values) => {
                for (target, row) in out.iter_mut().zip(starts.windows(2)) {
                    let (columns, values) = (&self.columns[row[0]..row[1]], &values[row[0]..row[1]]);
                    *target = columns.iter().zip(values).map(|(&j, &x)| v[j as usize] * x).sum();
                }
            }
        }
    }

    /// `<v|A|v>`.
    pub fn mean(&self, v: &[C64]) -> C64 {
        if let Some(diagonal) = &self.diagonal {
            return real(diagonal.iter().zip(v).map(|(d, x)| d * x.norm_sqr()).sum());
        }
        let mut sum = ZERO;
        for (row, x) in v.iter().enumerate() {
            let mut image = ZERO;
            self.visit_row(row, |column, value| image += value * v[column]);
            sum += x.conj() * image;
        }
        sum
    }

    /// Dimension of the space.
    pub fn dimension(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of stored entries.
    pub fn entries(&self) -> usize {
        self.columns.len()
    }

    /// Calls `visit(row, column, value)` for every entry.
    pub fn visit(&self, mut visit: impl FnMut(usize, usize, C64)) {
        for row in 0..self.dimension() {
            self.visit_row(row, |column, value| visit(row, column, value));
        }
    }

    /// Calls `visit(column, value)` for every entry of a row.
    pub fn visit_row(&self, row: usize, mut visit: impl FnMut(usize, C64)) {
        for k in self.starts[row]..self.starts[row + 1] {
            let value = match &self.values {
                Values::Real(values) => C64::new(values[k], 0.0),
                Values::Complex(values) => values[k],
            };
            visit(self.columns[k] as usize, value);
        }
    }

    /// The dense matrix.
    pub fn dense(&self) -> Matrix {
        let n = self.dimension();
        let mut out = Matrix::zeros(n, n);
        self.visit(|i, j, v| out[(i, j)] = v);
        out
    }

    /// Product `A m` with a dense matrix.
    pub fn times_matrix(&self, m: &Matrix) -> Matrix {
        let n = m.nrows();
        let mut out = Matrix::zeros(n, m.ncols());
        for (target, source) in out.as_mut_slice().chunks_exact_mut(n).zip(m.as_slice().chunks_exact(n)) {
            self.apply_into(source, target);
        }
        out
    }

    /// `Tr[A m]`.
    pub fn trace_with(&self, m: &Matrix) -> C64 {
        let mut sum = ZERO;
        self.visit(|i, j, v| sum += v * m[(j, i)]);
        sum
    }

    /// Lower and upper bound of the eigenvalues of a Hermitian matrix, from Gershgorin circles.
    pub fn spectral_bounds(&self) -> (f64, f64) {
        let n = self.dimension();
        let (mut centre, mut radius) = (vec![0.0; n], vec![0.0; n]);
        self.visit(|i, j, v| {
            if i == j {
                centre[i] += v.re;
            } else {
                radius[i] += v.norm();
            }
        });
        centre
            .iter()
            .zip(&radius)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (c, r)| (low.min(c - r), high.max(c + r)))
    }
}

/// Connected components of the states under some operators, as lists of positions: each list spans an invariant subspace.
pub fn components<'a>(n: usize, operators: impl IntoIterator<Item = &'a Sparse>) -> Vec<Vec<usize>> {
    let mut parent: Vec<u32> = (0..n as u32).collect();
    fn root(parent: &mut [u32], mut k: u32) -> u32 {
        while parent[k as usize] != k {
            parent[k as usize] = parent[parent[k as usize] as usize];
            k = parent[k as usize];
        }
        k
    }
    for operator in operators {
        operator.visit(|i, j, _| {
            let (a, b) = (root(&mut parent, i as u32), root(&mut parent, j as u32));
            // The smaller index becomes the root, so that the components are in the order of the states.
            parent[a.max(b) as usize] = a.min(b);
        });
    }
    let mut lists: Vec<Vec<usize>> = Vec::new();
    let mut list_of = vec![usize::MAX; n];
    for k in 0..n {
        let r = root(&mut parent, k as u32) as usize;
        if list_of[r] == usize::MAX {
            list_of[r] = lists.len();
            lists.push(vec![]);
        }
        lists[list_of[r]].push(k);
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::super::basis::Basis;
    use super::super::local::LocalKind;
    use super::super::site::Site;
    use super::*;
    use std::sync::Arc;

    #[test]
    fn sparse_and_dense_agree() {
        let b = Basis::new(vec![Site::spin("a", 1, None), Site::spin("b", 2, None), Site::mode("m", 4)]);
        let op = Operator::of(&b, LocalKind::Ip, 1).unwrap().times(&Operator::of(&b, LocalKind::Raise, 2).unwrap());
        let op = op.plus(Operator::of(&b, LocalKind::Y, 0).unwrap().times_number(real(0.3)));
        let space = Space::whole(Arc::new(b));
        let sparse = Sparse::of(&op, &space);
        assert!((sparse.dense() - op.matrix()).norm() < 1e-15);
        let v = Vector::from_fn(24, |k, _| C64::new((k as f64).sin(), (3.0 * k as f64).cos()));
        assert!((sparse.apply(&v) - op.matrix() * &v).norm() < 1e-13);
    }

    #[test]
    fn components_are_those_of_the_graph() {
        let b = Basis::new(vec![Site::spin("a", 1, None), Site::spin("b", 1, None)]);
        let (p, m) = (Operator::of(&b, LocalKind::Ip, 0).unwrap(), Operator::of(&b, LocalKind::Im, 1).unwrap());
        let hop = p.times(&m);
        let hop = hop.clone().plus(hop.adjoint());
        let sparse = Sparse::of(&hop, &Space::whole(Arc::new(b)));
        assert_eq!(components(4, [&sparse]), [vec![0], vec![1, 2], vec![3]]);
    }
}
