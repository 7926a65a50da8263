//! Action of operators on state vectors: by a sparse matrix, or matrix-free on large product spaces.
//!
//! In matrix-free form an operator is a diagonal plus, for every set of subsystems that some terms act on jointly, the few non-zero
//! entries of the sum of those terms: `XX + YY` of a pair has two entries. Each entry is applied to long contiguous runs of amplitudes.

#![expect(
    clippy::indexing_slicing,
    reason = "subsystems belong to the operator, and all offsets are within its dimension, which is that of the vectors"
)]

use super::columns::add_up;
use super::operator::Operator;
use super::space::Space;
use super::sparse::Sparse;
use crate::linalg::{C64, Matrix, Vector, ZERO};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// From this dimension on, operators on the whole product space are applied without a matrix.
const LARGE: usize = 1 << 14;

/// Consecutive subsystems on which a group does not act: their number of states and their stride.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    count: usize,
    stride: usize,
}

/// Sum of the terms on one set of subsystems.
#[derive(Debug, Clone)]
struct Group {
    /// (row offset, column offset, value).
    entries: Vec<(usize, usize, C64)>,
    /// Subsystems before and between those acted on.
    outer: Vec<Stretch>,
    /// Number of states of the subsystems after the last one acted on; contiguous in memory.
    run: usize,
    /// Maximum absolute row sum.
    bound: f64,
}

/// An operator in matrix-free form.
#[derive(Debug, Clone)]
pub struct MatrixFree {
    diagonal: Vec<C64>,
    groups: Vec<Group>,
}

impl MatrixFree {
    /// Builds the matrix-free form of an operator on the whole product space.
    pub fn of(operator: &Operator) -> MatrixFree {
        let dimensions = operator.dimensions();
        let mut strides = vec![1usize; dimensions.len()];
        for k in (0..dimensions.len().saturating_sub(1)).rev() {
            strides[k] = strides[k + 1] * dimensions[k + 1];
        }
        // Entries by the subsystems acted on; (row offset, column offset) packed into one integer.
        let n = operator.dimension();
        let mut by_sites: BTreeMap<Vec<usize>, Vec<(usize, C64)>> = BTreeMap::new();
        for (c, factors) in operator.products() {
            let sites: Vec<usize> = factors.iter().map(|(s, _)| *s).collect();
            let mut partial = vec![(0usize, 0usize, c)];
            for (site, local) in factors {
                let stride = strides[*site];
                partial = partial
                    .iter()
                    .flat_map(|&(i, j, v)| {
                        local.entries.iter().map(move |&(a, b, x)| (i + a * stride, j + b * stride, v * x))
                    })
                    .collect();
            }
            by_sites.entry(sites).or_default().extend(partial.into_iter().map(|(i, j, v)| (i * n + j, v)));
        }
        let mut diagonal = vec![ZERO; n];
        let mut groups = Vec::new();
        for (sites, mut packed) in by_sites {
            add_up(&mut packed);
            let (stretches, run) = stretches(dimensions, &strides, &sites);
            let entries = packed.into_iter().map(|(place, v)| (place / n, place % n, v));
            let (on, off): (Vec<_>, Vec<_>) = entries.partition(|(i, j, _)| i == j);
            for (offset, _, v) in on {
                each(&stretches, offset, &mut |base| diagonal[base..base + run].iter_mut().for_each(|x| *x += v));
            }
            if !off.is_empty() {
                let mut rows: BTreeMap<usize, f64> = BTreeMap::new();
                off.iter().for_each(|(i, _, v)| *rows.entry(*i).or_insert(0.0) += v.norm());
                let bound = rows.values().fold(0.0, |m: f64, x| m.max(*x));
                groups.push(Group { entries: off, outer: stretches, run, bound });
            }
        }
        MatrixFree { diagonal, groups }
    }

    fn apply_into(&self, v: &[C64], out: &mut [C64]) {
        out.iter_mut().zip(v).zip(&self.diagonal).for_each(|((o, x), d)| *o = x * d);
        for group in &self.groups {
            for &(to, from, value) in &group.entries {
                each(&group.outer, 0, &mut |base| {
                    let (target, source) = (&mut out[base + to..base + to + group.run], &v[base + from..][..group.run]);
                    if value.im == 0.0 {
                        target.iter_mut().zip(source).for_each(|(o, x)| *o += x * value.re);
                    } else {
                        target.iter_mut().zip(source).for_each(|(o, x)| *o += x * value);
                    }
                });
            }
        }
    }

    fn spectral_bounds(&self) -> (f64, f64) {
        let radius: f64 = self.groups.iter().map(|g| g.bound).sum();
        let (low, high) = self
            .diagonal
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x.re), high.max(x.re)));
        (low - radius, high + radius)
    }
}

/// Subsystems before and between those acted on, and the number of states after the last one.
fn stretches(dimensions: &[usize], strides: &[usize], sites: &[usize]) -> (Vec<Stretch>, usize) {
    let mut out = Vec::new();
    let mut from = 0;
    for &site in sites {
        let count: usize = dimensions[from..site].iter().product();
        if count > 1 {
            out.push(Stretch { count, stride: strides[site] * dimensions[site] });
        }
        from = site + 1;
    }
    (out, dimensions[from..].iter().product())
}

/// Calls `visit` with the start index of every run.
fn each(outer: &[Stretch], base: usize, visit: &mut impl FnMut(usize)) {
    match outer.split_first() {
        None => visit(base),
        Some((first, rest)) => {
            for k in 0..first.count {
                each(rest, base + k * first.stride, visit);
            }
        }
    }
}

/// Action of an operator on state vectors.
#[derive(Debug, Clone)]
pub enum Action {
    /// As a sparse matrix.
    Sparse(Sparse),
    /// Matrix-free.
    MatrixFree(MatrixFree),
}

impl Action {
    /// The matrix of the operator on a space of n states.
    pub fn matrix(&self, n: usize) -> Matrix {
        let mut out = Matrix::zeros(n, n);
        for k in 0..n {
            let unit = Vector::from_fn(n, |row, _| crate::linalg::real(f64::from(u8::from(row == k))));
            out.set_column(k, &self.apply(&unit));
        }
        out
    }

    /// True if operators on this space are applied matrix-free.
    pub fn without_matrix(space: &Space) -> bool {
        space.is_whole() && space.len() >= LARGE
    }

    /// Action of an operator on an invariant space; matrix elements that lead out of the space are dropped.
    pub fn of(operator: &Operator, space: &Space) -> Action {
        if Action::without_matrix(space) {
            Action::MatrixFree(MatrixFree::of(operator))
        } else {
            Action::Sparse(Sparse::of(operator, space))
        }
    }

    /// The sparse matrix, unless the operator is matrix-free.
    pub fn sparse(&self) -> Option<&Sparse> {
        match self {
            Action::Sparse(s) => Some(s),
            Action::MatrixFree(_) => None,
        }
    }

    /// Matrix-vector product, written into `out`. Large products use all cores: every row is summed on one core, so the result does not
    /// depend on the number of cores.
    pub fn apply_into(&self, v: &[C64], out: &mut [C64]) {
        match self {
            Action::Sparse(s) if s.entries() < PARALLEL => s.apply_into(v, out),
            Action::Sparse(s) => {
                let rows = v.len().div_ceil(64).max(1);
                out.par_chunks_mut(rows).enumerate().for_each(|(k, part)| s.apply_rows(k * rows, v, part));
            }
            Action::MatrixFree(m) => m.apply_into(v, out),
        }
    }

    /// Matrix-vector product.
    pub fn apply(&self, v: &Vector) -> Vector {
        let mut out = Vector::zeros(v.len());
        self.apply_into(v.as_slice(), out.as_mut_slice());
        out
    }

    /// Approximate number of multiplications per product.
    pub fn entries(&self) -> usize {
        match self {
            Action::Sparse(s) => s.entries(),
            Action::MatrixFree(m) => m.diagonal.len() * (1 + m.groups.len()),
        }
    }

    /// `<v|A|v>`.
    pub fn mean(&self, v: &Vector) -> C64 {
        match self {
            Action::Sparse(s) if s.entries() < PARALLEL => s.mean(v.as_slice()),
            _ => v.dotc(&self.apply(v)),
        }
    }

    /// `Tr[A m]`.
    pub fn trace_with(&self, m: &Matrix) -> C64 {
        match self {
            Action::Sparse(s) => s.trace_with(m),
            Action::MatrixFree(_) => (0..m.ncols()).map(|j| self.apply(&m.column(j).into_owned())[j]).sum(),
        }
    }

    /// Lower and upper bound of the eigenvalues of a Hermitian operator, from Gershgorin circles.
    pub fn spectral_bounds(&self) -> (f64, f64) {
        match self {
            Action::Sparse(s) => s.spectral_bounds(),
            Action::MatrixFree(m) => m.spectral_bounds(),
        }
    }
}

/// From this number of entries on, a product uses all cores.
const PARALLEL: usize = 400_000;

#[cfg(test)]
mod tests {
    use super::super::basis::Basis;
    use super::super::local::LocalKind;
    use super::super::site::Site;
    use super::*;
    use crate::linalg::real;
    use std::sync::Arc;

    #[test]
    fn with_and_without_a_matrix_agree() {
        let basis = Basis::new(vec![
            Site::spin("a", 1, None),
            Site::spin("b", 2, None),
            Site::mode("m", 4),
            Site::spin("c", 1, None),
        ]);
        let of = |kind, site| Operator::of(&basis, kind, site).unwrap();
        let mut h = of(LocalKind::Ix, 0).plus(of(LocalKind::Iy, 1).times_number(real(0.7)));
        h = h
            .plus(of(LocalKind::Ix, 0).times(&of(LocalKind::Ix, 3)))
            .plus(of(LocalKind::Iy, 0).times(&of(LocalKind::Iy, 3)));
        let raise = of(LocalKind::Ip, 1).times(&of(LocalKind::Lower, 2)).times(&of(LocalKind::Iz, 3));
        h = h.plus(raise.clone()).plus(raise.adjoint()).plus(of(LocalKind::Number, 2));
        let free = MatrixFree::of(&h);
        let n = basis.dimension();
        let v = Vector::from_fn(n, |k, _| C64::new((k as f64).sin(), (0.3 * k as f64).cos()));
        let mut out = vec![ZERO; n];
        free.apply_into(v.as_slice(), &mut out);
        let sparse = Sparse::of(&h, &Space::whole(Arc::new(basis)));
        assert!((Vector::from_vec(out) - sparse.apply(&v)).norm() < 1e-12);
        let values = crate::linalg::hermitian_values(&sparse.dense()).unwrap();
        let (low, high) = free.spectral_bounds();
        assert!(low <= values[0] && high >= values[n - 1]);
    }
}
