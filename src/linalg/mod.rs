//! The matrix operations that the program needs, under its own names. This is the only folder that uses the matrix crates.
//!
//! Performance note: below 16 x 16 nalgebra is the faster of the two, from there on faer is (2 to 26 times at 64 x 64 and
//! above), so each operation chooses by size. nalgebra's general eigenvalues are never used: they do not terminate on some
//! ordinary matrices. Matrices are stored column-major, so that one crate reads the other's memory without a copy.

#![expect(
    clippy::indexing_slicing,
    reason = "indices run over the dimensions of the matrices that are read, or are a permutation of them"
)]

mod blocks;
mod singular;
mod types;
mod unitary;

pub use blocks::{blocks, largest_block};
pub use singular::{singular_values, svd3};
pub use types::{C64, I, Matrix, ONE, Real3, Vector, ZERO};
pub use unitary::unitary_eigen;

use faer::linalg::solvers::Solve;
use std::fmt;

/// From this dimension on faer is used.
const LARGE: usize = 16;

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinalgError {
    /// An entry is infinite or NaN.
    NotFinite,
    /// An iteration did not converge.
    NotConverged,
}

impl fmt::Display for LinalgError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LinalgError::NotFinite => "a matrix has an entry that is infinite or not a number",
            LinalgError::NotConverged => "an eigenvalue iteration did not converge",
        })
    }
}

impl std::error::Error for LinalgError {}

/// Eigendecomposition of a Hermitian matrix.
#[derive(Debug, Clone)]
pub struct Eigen {
    /// Eigenvalues, ascending.
    pub values: Vec<f64>,
    /// Eigenvectors as columns; column k belongs to value k.
    pub vectors: Matrix,
}

fn view(m: &Matrix) -> faer::MatRef<'_, C64> {
    faer::MatRef::from_column_major_slice(m.as_slice(), m.nrows(), m.ncols())
}

/// A real number as a complex one.
pub fn real(x: f64) -> C64 {
    C64::new(x, 0.0)
}

/// The n x n identity.
pub fn identity(n: usize) -> Matrix {
    Matrix::identity(n, n)
}

/// Side of a tile. The elements of one row of a matrix of 2^k rows compete for the ways of one set of the first cache, of which there are at
/// least this many; twice as large a tile of a matrix of 256 rows takes twice as long.
const WAYS: usize = 8;

/// Conjugate transpose, tile by tile: a large matrix processed column by column would miss the cache on every row access.
pub fn adjoint(m: &Matrix) -> Matrix {
    const TILE: usize = WAYS;
    let (rows, columns) = m.shape();
    if rows * columns <= 4 * TILE * TILE {
        return m.adjoint();
    }
    let mut out = Matrix::zeros(columns, rows);
    let (from, to) = (m.as_slice(), out.as_mut_slice());
    for j0 in (0..columns).step_by(TILE) {
        for i0 in (0..rows).step_by(TILE) {
            for i in i0..(i0 + TILE).min(rows) {
                for j in j0..(j0 + TILE).min(columns) {
                    to[i * columns + j] = from[j * rows + i].conj();
                }
            }
        }
    }
    out
}

/// Adds a number to every diagonal element of a square matrix.
pub fn add_to_diagonal(m: &mut Matrix, x: C64) {
    let step = m.nrows() + 1;
    m.as_mut_slice().iter_mut().step_by(step).for_each(|element| *element += x);
}

/// The product `a b`.
pub fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let small = a.nrows().min(a.ncols()).min(b.ncols()) < LARGE;
    if small { small_product(a, b) } else { large_product(a, b, false) }
}

/// The product `a b^dagger`.
pub fn product_with_adjoint(a: &Matrix, b: &Matrix) -> Matrix {
    let small = a.nrows().min(a.ncols()).min(b.nrows()) < LARGE;
    if small { small_product(a, &adjoint(b)) } else { large_product(a, b, true) }
}

/// The product of a with b, or with its adjoint, by faer.
fn large_product(a: &Matrix, b: &Matrix, with_adjoint: bool) -> Matrix {
    let (rows, columns) = (a.nrows(), if with_adjoint { b.nrows() } else { b.ncols() });
    let mut out = Matrix::zeros(rows, columns);
    let target = faer::MatMut::from_column_major_slice_mut(out.as_mut_slice(), rows, columns);
    if with_adjoint {
        faer::linalg::matmul::matmul(target, faer::Accum::Replace, view(a), view(b).adjoint(), ONE, faer::Par::Seq);
    } else {
        faer::linalg::matmul::matmul(target, faer::Accum::Replace, view(a), view(b), ONE, faer::Par::Seq);
    }
    out
}

/// Product of small matrices as linear combinations of columns of `a`, without the overhead of nalgebra's general product.
fn small_product(a: &Matrix, b: &Matrix) -> Matrix {
    let (rows, inner) = (a.nrows(), a.ncols());
    let mut out = Matrix::zeros(rows, b.ncols());
    if rows == 0 || inner == 0 {
        return out;
    }
    let columns = out.as_mut_slice().chunks_exact_mut(rows).zip(b.as_slice().chunks_exact(inner));
    for (column, factors) in columns {
        for (from, factor) in a.as_slice().chunks_exact(rows).zip(factors) {
            if *factor != ZERO {
                column.iter_mut().zip(from).for_each(|(x, y)| *x += y * factor);
            }
        }
    }
    out
}

/// `u m u^dagger`.
pub fn conjugate(u: &Matrix, m: &Matrix) -> Matrix {
    product_with_adjoint(&product(u, m), u)
}

/// `u^dagger m u`.
pub fn conjugate_back(u: &Matrix, m: &Matrix) -> Matrix {
    product(&product(&adjoint(u), m), u)
}

/// `a b - b a`.
pub fn commutator(a: &Matrix, b: &Matrix) -> Matrix {
    product(a, b) - product(b, a)
}

/// Solves `A x = b` for a real symmetric positive definite A, given row by row, by Cholesky factorisation; `None` if A is not positive.
pub fn solve_positive(a: &[f64], b: &[f64]) -> Option<Vec<f64>> {
    let a = nalgebra::DMatrix::from_row_slice(b.len(), b.len(), a);
    let x = a.cholesky()?.solve(&nalgebra::DVector::from_column_slice(b));
    Some(x.as_slice().to_vec())
}

/// `K^T K`, symmetric, of the real matrix whose columns follow one another in `columns`, `rows` values each; zero columns of no rows.
pub fn gram(columns: &[f64], rows: usize) -> Vec<f64> {
    let count = columns.len().checked_div(rows).unwrap_or(0);
    let k = nalgebra::DMatrix::from_column_slice(rows, count, &columns[..rows * count]);
    (k.transpose() * k).as_slice().to_vec()
}

/// LU decomposition of a square matrix, with partial pivoting.
pub struct Lu(faer::linalg::solvers::PartialPivLu<C64>);

impl Lu {
    /// Decomposes a matrix.
    pub fn of(m: &Matrix) -> Lu {
        Lu(view(m).partial_piv_lu())
    }

    /// Solves `A x = b`; of a singular matrix the solution is not finite or very large.
    pub fn solve(&self, b: &Vector) -> Vector {
        let mut x = b.clone();
        let rows = x.len();
        self.0.solve_in_place(faer::MatMut::from_column_major_slice_mut(x.as_mut_slice(), rows, 1));
        x
    }
}

/// `Tr[a b]`, without forming the product.
pub fn trace_of_product(a: &Matrix, b: &Matrix) -> C64 {
    let mut sum = ZERO;
    for column in 0..b.ncols() {
        for row in 0..b.nrows() {
            sum += a[(column, row)] * b[(row, column)];
        }
    }
    sum
}

/// `Tr[a^dagger a]`: the squared Frobenius norm.
pub fn norm_squared(a: &Matrix) -> f64 {
    a.iter().map(C64::norm_sqr).sum()
}

/// The Kronecker product; `a` is the left factor.
pub fn kron(a: &Matrix, b: &Matrix) -> Matrix {
    a.kronecker(b)
}

/// Half the sum of the matrix and its adjoint: removes rounding from a matrix that is Hermitian in theory.
pub fn hermitian_part(m: &Matrix) -> Matrix {
    let mut out = m.clone();
    make_hermitian(&mut out);
    out
}

/// [`hermitian_part`] in place, tile by tile for cache locality.
pub fn make_hermitian(m: &mut Matrix) {
    const TILE: usize = WAYS;
    let n = m.nrows();
    let elements = m.as_mut_slice();
    for left in (0..n).step_by(TILE) {
        for top in (left..n).step_by(TILE) {
            for j in left..(left + TILE).min(n) {
                let (before, behind) = elements.split_at_mut((j + 1) * n);
                let column = &mut before[j * n..];
                for i in top.max(j + 1)..(top + TILE).min(n) {
                    let mirrored = &mut behind[(i - j - 1) * n + j];
                    column[i] = (column[i] + mirrored.conj()) * 0.5;
                    *mirrored = column[i].conj();
                }
            }
        }
    }
    elements.iter_mut().step_by(n + 1).for_each(|x| x.im = 0.0);
}

/// Eigendecomposition of a Hermitian matrix; only the Hermitian part of `m` is used.
///
/// # Errors
/// If an entry is not finite, or the iteration does not converge.
pub fn hermitian_eigen(m: &Matrix) -> Result<Eigen, LinalgError> {
    if m.iter().any(|x| !x.re.is_finite() || !x.im.is_finite()) {
        return Err(LinalgError::NotFinite);
    }
    if let Some((scaled, scale)) = rescaled(m) {
        let mut eigen = hermitian_eigen(&scaled)?;
        eigen.values.iter_mut().for_each(|x| *x *= scale);
        return Ok(eigen);
    }
    let n = m.nrows();
    if n >= BLOCKS
        && let Some(parts) = blocks(m)
    {
        return by_blocks(m, &parts);
    }
    // Most Hamiltonians here are real, and real eigenproblems take a quarter of the time.
    if n > 2 && m.iter().all(|x| x.im == 0.0) {
        return real_eigen(m);
    }
    if n >= LARGE {
        let eigen = view(m).self_adjoint_eigen(faer::Side::Lower).map_err(|_| LinalgError::NotConverged)?;
        let values = (0..n).map(|k| eigen.S()[k].re).collect();
        let vectors = eigen.U();
        return Ok(Eigen { values, vectors: Matrix::from_fn(n, n, |i, j| vectors[(i, j)]) });
    }
    let eigen = nalgebra::SymmetricEigen::try_new(m.clone(), f64::EPSILON, 10_000).ok_or(LinalgError::NotConverged)?;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[a].total_cmp(&eigen.eigenvalues[b]));
    let values = order.iter().map(|&k| eigen.eigenvalues[k]).collect();
    let vectors = Matrix::from_fn(n, n, |i, j| eigen.eigenvectors[(i, order[j])]);
    Ok(Eigen { values, vectors })
}

/// Rescales a matrix whose entries are so small or large that their fourth powers leave the range of normal numbers, which
/// spoils the reflections and rotations of eigensolvers: with an entry of 1e-160 next to 1, eigenvectors are orthogonal to 1e-10 only,
/// and one of 1e-100 can make them NaN. Tails of Gaussians are that small. The matrix is multiplied by a power of two such that its largest
/// entry is about 1, and entries below 1e-70 of that are set to zero, which changes no eigenvalue by more. Returns the matrix and the
/// inverse factor; `None` if no rescaling is needed.
fn rescaled(m: &Matrix) -> Option<(Matrix, f64)> {
    const NEGLIGIBLE: f64 = 1e-70;
    let parts = || m.iter().flat_map(|x| [x.re.abs(), x.im.abs()]);
    if parts().all(|x| x == 0.0 || (NEGLIGIBLE..1.0 / NEGLIGIBLE).contains(&x)) {
        return None;
    }
    let power = parts().fold(0.0, f64::max).log2().floor() as i32;
    // In two steps, since the inverse of a subnormal number is not finite.
    let (half, rest) = (2f64.powi(power / 2), 2f64.powi(power - power / 2));
    let one = |x: f64| match x / half / rest {
        x if x.abs() >= NEGLIGIBLE => x,
        _ => 0.0,
    };
    Some((m.map(|x| C64::new(one(x.re), one(x.im))), half * rest))
}

/// Eigendecomposition of a real symmetric matrix.
fn real_eigen(m: &Matrix) -> Result<Eigen, LinalgError> {
    let n = m.nrows();
    if n >= LARGE {
        let parts = faer::Mat::<f64>::from_fn(n, n, |i, j| 0.5 * (m[(i, j)].re + m[(j, i)].re));
        let eigen = parts.self_adjoint_eigen(faer::Side::Lower).map_err(|_| LinalgError::NotConverged)?;
        let vectors = eigen.U();
        return Ok(Eigen {
            values: (0..n).map(|k| eigen.S()[k]).collect(),
            vectors: Matrix::from_fn(n, n, |i, j| real(vectors[(i, j)])),
        });
    }
    let parts = nalgebra::DMatrix::from_fn(n, n, |i, j| 0.5 * (m[(i, j)].re + m[(j, i)].re));
    let eigen = nalgebra::SymmetricEigen::try_new(parts, f64::EPSILON, 10_000).ok_or(LinalgError::NotConverged)?;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[a].total_cmp(&eigen.eigenvalues[b]));
    let values = order.iter().map(|&k| eigen.eigenvalues[k]).collect();
    Ok(Eigen { values, vectors: Matrix::from_fn(n, n, |i, j| real(eigen.eigenvectors[(i, order[j])])) })
}

/// From this dimension on a matrix is searched for blocks.
const BLOCKS: usize = 8;

fn by_blocks(m: &Matrix, parts: &[Vec<usize>]) -> Result<Eigen, LinalgError> {
    let n = m.nrows();
    let mut pairs: Vec<(f64, usize, usize)> = Vec::with_capacity(n);
    let mut inside = Vec::with_capacity(parts.len());
    for (p, part) in parts.iter().enumerate() {
        let eigen = match part.as_slice() {
            [one] => Eigen { values: vec![m[(*one, *one)].re], vectors: identity(1) },
            part => hermitian_eigen(&Matrix::from_fn(part.len(), part.len(), |i, j| m[(part[i], part[j])]))?,
        };
        pairs.extend(eigen.values.iter().enumerate().map(|(k, x)| (*x, p, k)));
        inside.push(eigen);
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut vectors = Matrix::zeros(n, n);
    for (column, (_, p, k)) in pairs.iter().enumerate() {
        parts[*p].iter().enumerate().for_each(|(i, &row)| vectors[(row, column)] = inside[*p].vectors[(i, *k)]);
    }
    Ok(Eigen { values: pairs.into_iter().map(|(x, _, _)| x).collect(), vectors })
}

/// The eigenvalues of a Hermitian matrix, ascending.
///
/// # Errors
/// Those of [`hermitian_eigen`].
pub fn hermitian_values(m: &Matrix) -> Result<Vec<f64>, LinalgError> {
    let n = m.nrows();
    if n == 1 {
        return Ok(vec![m[(0, 0)].re]);
    }
    if n < LARGE {
        return Ok(hermitian_eigen(m)?.values);
    }
    if m.iter().any(|x| !x.re.is_finite() || !x.im.is_finite()) {
        return Err(LinalgError::NotFinite);
    }
    if let Some((scaled, scale)) = rescaled(m) {
        return Ok(hermitian_values(&scaled)?.into_iter().map(|x| x * scale).collect());
    }
    let failed = |_| LinalgError::NotConverged;
    if let Some(parts) = blocks(m) {
        let mut values = Vec::with_capacity(n);
        for part in &parts {
            values.extend(hermitian_values(&Matrix::from_fn(part.len(), part.len(), |i, j| m[(part[i], part[j])]))?);
        }
        values.sort_by(f64::total_cmp);
        return Ok(values);
    }
    if m.iter().all(|x| x.im == 0.0) {
        let parts = faer::Mat::<f64>::from_fn(n, n, |i, j| 0.5 * (m[(i, j)].re + m[(j, i)].re));
        return parts.self_adjoint_eigenvalues(faer::Side::Lower).map_err(failed);
    }
    view(m).self_adjoint_eigenvalues(faer::Side::Lower).map_err(failed)
}

impl Eigen {
    /// `V f(values) V^dagger`.
    pub fn function(&self, f: impl Fn(f64) -> C64) -> Matrix {
        let mut scaled = self.vectors.clone();
        for (k, &value) in self.values.iter().enumerate() {
            let factor = f(value);
            scaled.column_mut(k).iter_mut().for_each(|x| *x *= factor);
        }
        product_with_adjoint(&scaled, &self.vectors)
    }

    /// `exp(-i H t)`.
    pub fn propagator(&self, t: f64) -> Matrix {
        self.function(|e| C64::cis(-e * t))
    }

    /// Largest minus smallest eigenvalue.
    pub fn spread(&self) -> f64 {
        match (self.values.first(), self.values.last()) {
            (Some(low), Some(high)) => high - low,
            _ => 0.0,
        }
    }

    /// Groups of equal eigenvalues: ranges of indices whose neighbours differ by at most `tolerance`.
    pub fn levels(&self, tolerance: f64) -> Vec<std::ops::Range<usize>> {
        groups(&self.values, tolerance)
    }
}

/// Groups of equal values in an ascending list: ranges of indices whose neighbours differ by at most `tolerance`.
pub fn groups(values: &[f64], tolerance: f64) -> Vec<std::ops::Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    for k in 1..=values.len() {
        if k == values.len() || values[k] - values[k - 1] > tolerance {
            groups.push(start..k);
            start = k;
        }
    }
    groups
}

/// Square root of a positive semidefinite matrix. Eigenvalues below `16 eps` of the largest count as zero, since their rounding error
/// would enter as its square root.
///
/// # Errors
/// Those of [`hermitian_eigen`].
pub fn positive_root(m: &Matrix) -> Result<Matrix, LinalgError> {
    let eigen = hermitian_eigen(m)?;
    let cut = 16.0 * f64::EPSILON * eigen.values.last().copied().unwrap_or(0.0).abs();
    Ok(eigen.function(|x| real(if x > cut { x.sqrt() } else { 0.0 })))
}

/// Exponential of a square matrix, by scaling and squaring with a Taylor polynomial of degree 16. The matrix is scaled to a norm of at
/// most 1/2, where the polynomial is exact to rounding (`2^-17 / 17! = 2e-20`). Powers up to `A^4` and Horner's scheme in `A^4` take
/// [`PRODUCTS_OF_EXPONENTIAL`] products (Paterson, Stockmeyer, SIAM J. Comput. 2, 60).
pub fn exponential(m: &Matrix) -> Matrix {
    let n = m.nrows();
    let norm = one_norm(m);
    if norm == 0.0 || !norm.is_finite() {
        return if norm == 0.0 { identity(n) } else { m.map(|_| C64::new(f64::NAN, f64::NAN)) };
    }
    let squarings = (norm / 0.5).log2().ceil().max(0.0) as i32;
    let a = m.map(|x| x * 0.5f64.powi(squarings));
    let square = product(&a, &a);
    let (cube, fourth) = (product(&square, &a), product(&square, &square));
    // The terms k, ..., k + 3 divided by A^k: (1 + A/(k+1) (1 + A/(k+2) (1 + A/(k+3)))) / k!.
    let terms = |factorial: f64, k: f64| {
        let (one, two, three) =
            (1.0 / (k + 1.0), 1.0 / ((k + 1.0) * (k + 2.0)), 1.0 / ((k + 1.0) * (k + 2.0) * (k + 3.0)));
        let mut sum = a.map(|x| x * (one / factorial));
        let higher = square.iter().zip(cube.iter());
        sum.iter_mut().zip(higher).for_each(|(sum, (y, z))| *sum += y * (two / factorial) + z * (three / factorial));
        add_to_diagonal(&mut sum, real(1.0 / factorial));
        sum
    };
    let factorial = |k: u32| (1..=k).map(f64::from).product::<f64>();
    let mut sum = fourth.map(|x| x / factorial(16)) + terms(factorial(12), 12.0);
    for k in [8, 4, 0] {
        sum = product(&fourth, &sum) + terms(factorial(k), f64::from(k));
    }
    for _ in 0..squarings {
        sum = product(&sum, &sum);
    }
    sum
}

/// Matrix products in [`exponential`] before the squarings.
pub const PRODUCTS_OF_EXPONENTIAL: f64 = 6.0;

/// The 1-norm: the largest absolute column sum.
pub fn one_norm(m: &Matrix) -> f64 {
    m.column_iter().map(|c| c.iter().map(|x| x.norm()).sum::<f64>()).fold(0.0, f64::max)
}

/// Power of a matrix, by repeated squaring.
pub fn power(m: &Matrix, mut exponent: u64) -> Matrix {
    let mut result = identity(m.nrows());
    let mut base = m.clone();
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = product(&result, &base);
        }
        exponent >>= 1;
        if exponent > 0 {
            base = product(&base, &base);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hermitian(n: usize, seed: u64) -> Matrix {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        let m = Matrix::from_fn(n, n, |_, _| C64::new(next(), next()));
        hermitian_part(&m)
    }

    #[test]
    fn both_eigensolvers_reconstruct_their_matrix() {
        for n in [1, 2, 5, 15, 16, 40] {
            let m = hermitian(n, n as u64);
            let eigen = hermitian_eigen(&m).unwrap();
            assert!(eigen.values.windows(2).all(|w| w[0] <= w[1]));
            assert!((eigen.function(real) - m).norm() < 1e-12 * n as f64);
        }
    }

    /// Energies in joules are 1e-30, and the tails of a Gaussian are subnormal numbers.
    #[test]
    fn eigenvalues_exist_at_every_scale() {
        for n in [2, 3, 4, 6, 8, 12, 15, 16, 40] {
            for scale in [1e-320, 1e-310, 1e-300, 1e-200, 1e-160, 1e-30, 1.0, 1e150, 1e300] {
                for tail in [1.0, 1e-100, 1e-160, 1e-200, 1e-310] {
                    for part in [C64::new(1.0, 0.0), C64::new(0.0, 1.0), C64::new(0.6, 0.8)] {
                        let entry = |i: usize, j: usize| match (i + 2 * j) % 5 {
                            0 => part * scale,
                            1 => part * (scale * tail),
                            _ => ZERO,
                        };
                        let m = Matrix::from_fn(n, n, |i, j| if i <= j { entry(i, j) } else { entry(j, i).conj() });
                        let m = Matrix::from_fn(n, n, |i, j| if i == j { real(m[(i, i)].re) } else { m[(i, j)] });
                        let eigen = hermitian_eigen(&m).unwrap();
                        let v = &eigen.vectors;
                        let away = (v.adjoint() * v - identity(n)).norm();
                        assert!(away < 1e-12, "{n}, {scale:e}, {tail:e}, {part}: {away}");
                        let largest = |values: &[f64]| values.iter().fold(0.0f64, |m, x| m.max(x.abs()));
                        let residual = &m * v
                            - v * Matrix::from_diagonal(
                                &eigen.values.iter().map(|x| real(*x)).collect::<Vec<_>>().into(),
                            );
                        assert!(residual.iter().all(|x| x.norm() <= 1e-13 * n as f64 * scale + 1e-323 * n as f64));
                        let values = hermitian_values(&m).unwrap();
                        let apart: Vec<f64> = values.iter().zip(&eigen.values).map(|(a, b)| a - b).collect();
                        assert!(largest(&apart) <= 1e-13 * n as f64 * scale + 1e-323, "{n}, {scale:e}, {tail:e}");
                        let u = exponential(&m.map(|x| x * C64::new(0.0, -0.5 / scale.max(1e-290))));
                        assert!(u.iter().all(|x| x.re.is_finite() && x.im.is_finite()));
                    }
                }
            }
        }
    }

    #[test]
    fn the_exponential_agrees_with_the_eigenvalues() {
        for (n, t) in [3, 20].into_iter().flat_map(|n| [0.01, 0.1, 1.0, 30.0].map(|t| (n, t))) {
            let m = hermitian(n, 7);
            let u = hermitian_eigen(&m).unwrap().propagator(t);
            // Rounding of the eigenvectors, and of the squarings.
            let distance = (exponential(&m.map(|x| x * C64::new(0.0, -t))) - u).norm();
            assert!(distance < 2e-14 * (1.0 + t) * n as f64, "{n}, {t}: {distance:e}");
        }
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        let mut m = hermitian(4, 1);
        m[(1, 2)] = real(f64::NAN);
        assert_eq!(hermitian_eigen(&m).unwrap_err(), LinalgError::NotFinite);
    }

    #[test]
    fn products_with_adjoints_are_those_of_adjoints() {
        for (rows, inner, columns) in [(3, 4, 5), (17, 20, 36), (40, 33, 64)] {
            let at =
                |i: usize, j: usize| C64::new((i as f64 + 0.3 * j as f64).sin(), (2.0 * i as f64 - j as f64).cos());
            let (a, b) = (Matrix::from_fn(rows, inner, at), Matrix::from_fn(columns, inner, at));
            assert!((product_with_adjoint(&a, &b) - &a * b.adjoint()).norm() < 1e-13 * inner as f64);
        }
    }

    #[test]
    fn powers_repeat_products() {
        let m = hermitian(3, 2);
        assert!((power(&m, 5) - &m * &m * &m * &m * &m).norm() < 1e-13);
    }
}
