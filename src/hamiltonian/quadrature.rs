//! Gaussian quadrature.

use super::value::Fault;
use crate::diagnostic::{Code, Diagnostic};
use crate::linalg::{Matrix, hermitian_eigen, real};

/// Nodes and weights of a Gaussian quadrature, from the off-diagonal of the Jacobi matrix of its orthogonal polynomials (Golub and Welsch,
/// Math. Comp. 23, 221): the nodes are its eigenvalues, the weights the squared first components of its eigenvectors.
pub fn gauss(n: usize, off_diagonal: impl Fn(usize) -> f64) -> Result<Vec<(f64, f64)>, Fault> {
    let jacobi =
        Matrix::from_fn(n, n, |i, j| if i.abs_diff(j) == 1 { real(off_diagonal(i.max(j))) } else { real(0.0) });
    let eigen = hermitian_eigen(&jacobi).map_err(|error| {
        Diagnostic::without_place(Code::NotConverged, format!("the nodes of an ensemble cannot be computed: {error}"))
    })?;
    let weights = eigen.vectors.column_iter().map(|vector| vector.iter().take(1).map(|x| x.norm_sqr()).sum());
    Ok(eigen.values.iter().copied().zip(weights).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadratures_have_the_moments_of_their_distributions() {
        let moment = |nodes: &[(f64, f64)], k: i32| nodes.iter().map(|(x, w)| w * x.powi(k)).sum::<f64>();
        let hermite = gauss(9, |k| (k as f64).sqrt()).unwrap();
        for (k, exact) in [(0, 1.0), (2, 1.0), (4, 3.0), (6, 15.0), (8, 105.0), (16, 2_027_025.0)] {
            assert!((moment(&hermite, k) / exact - 1.0).abs() < 1e-12, "moment {k}");
        }
        let legendre = gauss(6, |k| k as f64 / (4.0 * (k * k) as f64 - 1.0).sqrt()).unwrap();
        for k in [0, 2, 4, 10] {
            assert!((moment(&legendre, k) * f64::from(k + 1) - 1.0).abs() < 1e-12, "moment {k}");
        }
    }
}
