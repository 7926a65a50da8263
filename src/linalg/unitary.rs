//! Eigenvalues and eigenvectors of unitary matrices.

use super::types::{C64, Matrix};
use super::{LinalgError, conjugate_back, hermitian_eigen};

/// The phases `p_k` of a unitary `U = sum_k exp(-i p_k) |k><k|` from -pi to pi, in no particular order, and its eigenvectors as columns.
/// In the basis of the eigenvectors no element beside the diagonal exceeds `accuracy`.
///
/// The Hermitian parts `C = (U + U^dagger)/2` and `S = (U - U^dagger)/2i` commute, so the eigenvectors of a combination `C + x S` without
/// accidental degeneracies are those of U.
///
/// # Errors
/// When the matrix is not unitary, or the eigenvectors cannot be computed that accurately.
#[expect(clippy::indexing_slicing, reason = "row and column are within the square matrix")]
pub fn unitary_eigen(u: &Matrix, accuracy: f64) -> Result<(Vec<f64>, Matrix), LinalgError> {
    let adjoint = u.adjoint();
    let (c, s) = ((u + &adjoint) * C64::from(0.5), (u - &adjoint) * C64::new(0.0, -0.5));
    for x in [0.754_877_666, 1.836_928_67, -0.433_774_1, 3.146_264_37] {
        let vectors = hermitian_eigen(&(&c + &s * C64::from(x)))?.vectors;
        let inside = conjugate_back(&vectors, u);
        let n = inside.nrows();
        let beside = (0..n * n).filter(|k| k % n != k / n).map(|k| inside[(k % n, k / n)].norm()).fold(0.0, f64::max);
        if beside <= accuracy {
            return Ok(((0..n).map(|k| -inside[(k, k)].arg()).collect(), vectors));
        }
    }
    Err(LinalgError::NotConverged)
}
