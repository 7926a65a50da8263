//! Gaussian quadrature.

use super::value::Fault;
use crate::budget::QUADRATURE_NODES;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// The most QL steps for one eigenvalue; two are usual.
const MOST_STEPS: usize = 60;

/// Nodes and weights of Gauss's quadrature, from the off-diagonal of the Jacobi matrix of its polynomials (Golub and Welsch,
/// Math. Comp. 23, 221): the nodes are its eigenvalues, the weights the squares of the first components of its eigenvectors. The
/// matrix is never stored: `n` numbers of memory, and a time of `n^2`.
///
/// # Errors
/// When there are too many nodes, or an eigenvalue does not converge.
pub fn gauss(n: usize, off_diagonal: impl Fn(usize) -> f64, place: Span) -> Result<Vec<(f64, f64)>, Fault> {
    QUADRATURE_NODES.check(n as u64, Some(place))?;
    let mut first = vec![0.0; n];
    first.iter_mut().take(1).for_each(|x| *x = 1.0);
    let mut values = vec![0.0; n];
    // The last place stays zero: below it there is no row.
    let mut off: Vec<f64> = (1..=n).map(|k| if k < n { off_diagonal(k) } else { 0.0 }).collect();
    if !diagonalise(&mut values, &mut off, &mut first) {
        let message = "the nodes of an ensemble cannot be computed: an eigenvalue does not converge";
        return Err(Diagnostic::new(Code::NotConverged, place, message).into());
    }
    let mut nodes: Vec<(f64, f64)> = values.into_iter().zip(first.into_iter().map(|x| x * x)).collect();
    nodes.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(nodes)
}

/// The implicit QL method for a symmetric tridiagonal matrix with the diagonal `d` and the off-diagonal `e` (`e[k]` between the rows
/// `k` and `k + 1`): `d` becomes the eigenvalues, and `z` the product of `z` with the matrix of eigenvectors. False where it does not
/// converge.
#[expect(clippy::indexing_slicing, reason = "all indices are below the common length of the three slices")]
fn diagonalise(d: &mut [f64], e: &mut [f64], z: &mut [f64]) -> bool {
    let n = d.len();
    for l in 0..n {
        for step in 0.. {
            // The block that begins at l ends where an off-diagonal element is lost beside its diagonal.
            let negligible = |k: usize, d: &[f64]| e[k].abs() <= f64::EPSILON * (d[k].abs() + d[k + 1].abs());
            let m = (l..n - 1).find(|k| negligible(*k, d)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            if step == MOST_STEPS {
                return false;
            }
            let shift = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let mut g = d[m] - d[l] + e[l] / (shift + shift.hypot(1.0).copysign(shift));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut whole = true;
            for i in (l..m).rev() {
                let (f, b) = (s * e[i], c * e[i]);
                let r = f.hypot(g);
                e[i + 1] = r;
                if r == 0.0 {
                    // An off-diagonal element vanished, so the block splits: search for its end again.
                    d[i + 1] -= p;
                    e[m] = 0.0;
                    whole = false;
                    break;
                }
                (s, c) = (f / r, g / r);
                g = d[i + 1] - p;
                let turned = (d[i] - g) * s + 2.0 * c * b;
                p = s * turned;
                d[i + 1] = g + p;
                g = c * turned - b;
                (z[i], z[i + 1]) = (c * z[i] - s * z[i + 1], s * z[i] + c * z[i + 1]);
            }
            if whole {
                d[l] -= p;
                e[l] = g;
                e[m] = 0.0;
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadratures_have_the_moments_of_their_distributions() {
        let moment = |nodes: &[(f64, f64)], k: i32| nodes.iter().map(|(x, w)| w * x.powi(k)).sum::<f64>();
        let hermite = gauss(9, |k| (k as f64).sqrt(), Span::default()).unwrap();
        for (k, exact) in [(0, 1.0), (2, 1.0), (4, 3.0), (6, 15.0), (8, 105.0), (16, 2_027_025.0)] {
            assert!((moment(&hermite, k) / exact - 1.0).abs() < 1e-12, "moment {k}");
        }
        let legendre = gauss(6, |k| k as f64 / (4.0 * (k * k) as f64 - 1.0).sqrt(), Span::default()).unwrap();
        for k in [0, 2, 4, 10] {
            assert!((moment(&legendre, k) * f64::from(k + 1) - 1.0).abs() < 1e-12, "moment {k}");
        }
    }
}
