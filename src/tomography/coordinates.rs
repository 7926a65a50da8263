//! Hermitian matrices as real vectors.

use crate::linalg::{C64, Matrix, Vector};

/// Real vector of a Hermitian matrix: the diagonal, then `sqrt(2)` times the real and imaginary parts above it, so that
/// the dot product equals `Tr[A B]`.
pub fn coordinates(m: &Matrix) -> Vec<f64> {
    let n = m.nrows();
    let mut out: Vec<f64> = (0..n).map(|k| m[(k, k)].re).collect();
    let root = 2f64.sqrt();
    for j in 0..n {
        for i in 0..j {
            out.push(root * m[(i, j)].re);
            out.push(root * m[(i, j)].im);
        }
    }
    out
}

/// Hermitian matrix of such a vector; its dimension is the largest for which the vector is long enough.
#[expect(clippy::indexing_slicing, reason = "i and j are below n, the size of the matrix")]
pub fn matrix_of(coordinates: &[f64]) -> Matrix {
    let n = coordinates.len().isqrt();
    let mut out = Matrix::zeros(n, n);
    let (diagonal, above) = coordinates.split_at(n);
    out.set_diagonal(&Vector::from_iterator(n, diagonal.iter().map(|x| C64::new(*x, 0.0))));
    let half = 0.5f64.sqrt();
    let places = (0..n).flat_map(|j| (0..j).map(move |i| (i, j)));
    for ((i, j), [re, im]) in places.zip(above.as_chunks().0) {
        let x = C64::new(*re, *im) * half;
        out[(i, j)] = x;
        out[(j, i)] = x.conj();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::trace_of_product;
    use crate::metrics::random;

    #[test]
    fn products_are_those_of_matrices() {
        let (a, b) = (random::hamiltonian(5, 1), random::hamiltonian(5, 2));
        let dot: f64 = coordinates(&a).iter().zip(coordinates(&b)).map(|(x, y)| x * y).sum();
        assert!((dot - trace_of_product(&a, &b).re).abs() < 1e-12);
        assert!((matrix_of(&coordinates(&a)) - a).norm() < 1e-14);
    }
}
