//! Metrics in terms of the deviation from the maximally mixed state.
//!
//! At 300 K a state of nuclear spins is `(1 + x)/d` with x of order 1e-5 to 1e-9. Entropies, distances and work are of first or second
//! order in x, so formulas that include the identity lose digits by cancellation. Here everything is expressed in x:
//!
//! * `ln d - S = sum g(x_k)/d`, `g(x) = (1 + x) ln(1 + x) - x`, a sum of non-negative numbers;
//! * `S(sigma) - S(rho)` of a state and its projection, by the series of g in their difference;
//! * `1 - sqrt(F)` as a positive quadratic form in the difference of two states.
//!
//! The entries of a density matrix are accurate to 1.1e-16 of 1/d, so x, and every result, has a relative error of about `1e-16/|x|`.

#![expect(clippy::indexing_slicing, reason = "indices are within the number of eigenvalues of the matrix")]

use crate::linalg::{Eigen, LinalgError, Matrix, conjugate_back, hermitian_eigen, hermitian_values, product, real};

/// The traceless part `m - Tr[m]/n`.
pub fn traceless(m: &Matrix) -> Matrix {
    let mean = m.trace() / m.nrows() as f64;
    let mut out = m.clone();
    crate::linalg::add_to_diagonal(&mut out, -mean);
    out
}

/// True if a deviation with this squared Frobenius norm on d states is only rounding of the maximally mixed state.
pub fn is_rounding(norm_squared: f64, dimension: f64) -> bool {
    norm_squared.max(0.0).sqrt() <= 16.0 * f64::EPSILON / dimension.sqrt()
}

/// `(1 + x) ln(1 + x) - x`, non-negative; 1 for `x <= -1`, which rounding may produce.
pub fn g(x: f64) -> f64 {
    if x.abs() < 0.1 {
        // sum over k >= 2 of (-x)^k / (k (k - 1)).
        let (mut power, mut sum) = (x * x, 0.0);
        for k in 2..20 {
            let k = f64::from(k);
            sum += power / (k * (k - 1.0));
            power *= -x;
        }
        return sum;
    }
    if x <= -1.0 { 1.0 } else { (1.0 + x) * x.ln_1p() - x }
}

/// Eigenvalues of a state, `mean + d`, with multiplicities.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// Common offset: 1/N if all N states are listed, 0 if the states not listed have weight 0.
    pub mean: f64,
    /// Deviations from the mean, ascending, with multiplicities.
    pub parts: Vec<(f64, f64)>,
    /// Total number of states, listed or not.
    pub states: f64,
}

impl Spectrum {
    /// Spectrum of a pure state in a space of `states` dimensions.
    pub fn pure(states: f64) -> Spectrum {
        Spectrum { mean: 0.0, parts: vec![(1.0, 1.0)], states }
    }

    /// From the deviations from `mean`, in any order. States beyond those listed have weight zero.
    pub fn new(mean: f64, mut parts: Vec<(f64, f64)>, states: f64) -> Spectrum {
        parts.sort_by(|a, b| a.0.total_cmp(&b.0));
        let listed: f64 = parts.iter().map(|p| p.1).sum();
        if mean != 0.0 && (listed - states).abs() > 1e-9 * states {
            parts.iter_mut().for_each(|p| p.0 += mean);
            return Spectrum { mean: 0.0, parts, states };
        }
        Spectrum { mean, parts, states }
    }

    /// Spectrum of a density matrix.
    ///
    /// # Errors
    /// When the eigenvalues cannot be computed.
    pub fn of(rho: &Matrix) -> Result<Spectrum, LinalgError> {
        let n = rho.nrows() as f64;
        let values = hermitian_values(&traceless(rho))?;
        Ok(Spectrum::new(rho.trace().re / n, values.into_iter().map(|x| (x, 1.0)).collect(), n))
    }

    /// True if this is the spectrum of a state known to be pure.
    pub fn is_pure(&self) -> bool {
        self.mean == 0.0 && self.parts == [(1.0, 1.0)]
    }

    /// `Tr[rho^2]`.
    pub fn purity(&self) -> f64 {
        self.parts.iter().map(|(x, copies)| (self.mean + x) * (self.mean + x) * copies).sum()
    }

    /// Entropy deficit `ln N - S` in nats.
    pub fn deficit(&self) -> f64 {
        if self.mean > 0.0 {
            // The mean is 1/N up to rounding.
            return self.mean * self.parts.iter().map(|(x, copies)| g(x / self.mean) * copies).sum::<f64>();
        }
        self.states.ln() - self.nats()
    }

    fn nats(&self) -> f64 {
        if self.mean > 0.0 {
            return self.states.ln() - self.deficit();
        }
        let positive = self.parts.iter().filter(|(r, _)| *r > 0.0);
        positive.map(|(r, copies)| -r * r.ln() * copies).sum::<f64>()
    }

    /// Entropy in bits; exactly 0 for a pure state, never -1e-16.
    pub fn entropy(&self) -> f64 {
        (self.nats() / std::f64::consts::LN_2).max(0.0)
    }
}

/// Maximum absolute row sum: an upper bound of the magnitudes of all eigenvalues.
fn bound(m: &Matrix) -> f64 {
    crate::linalg::one_norm(m)
}

/// The series of g is used up to this magnitude of x.
const SERIES: f64 = 0.1;

/// `S(sigma) - S(rho)` in nats for `rho = (1 + x)/d` and `sigma = (1 + x - z)/d`, where sigma is a projection of rho: rho dephased, or the
/// product of its marginals. It then equals their relative entropy, which is of second order in z for any x. `None` if x is too large for
/// the series.
pub fn entropy_gain(x: &Matrix, z: &Matrix) -> Option<f64> {
    let y = x - z;
    if bound(x) > SERIES || bound(&y) > SERIES {
        return None;
    }
    // x^k - y^k = x (x^(k-1) - y^(k-1)) + z y^(k-1).
    let (mut difference, mut power, mut sum) = (z.clone(), y.clone(), 0.0f64);
    let mut last = f64::INFINITY;
    for k in 2..24 {
        difference = product(x, &difference) + product(z, &power);
        let term = difference.trace().re / f64::from(k * (k - 1));
        sum += if k % 2 == 0 { term } else { -term };
        // Odd powers may be traceless: stop only after two successive small terms.
        if term.abs().max(last) <= 1e-17 * sum.abs() {
            break;
        }
        last = term.abs();
        power = product(&power, &y);
    }
    Some((sum / x.nrows() as f64).max(0.0))
}

/// `1 - sqrt(F)` of two states from their difference, if it is small compared with the smallest eigenvalue of `a`; otherwise `None`.
///
/// With the eigenvalues `l` of a, `T = sqrt(sqrt(a) b sqrt(a)) - a` solves `a T + T a + T^2 = sqrt(a) (b - a) sqrt(a)`, and
/// `1 - sqrt(F) = -Tr T = 1/2 sum_i (T^2)_ii / l_i`: free of cancellation.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn root_fidelity_gap(a: &Matrix, b: &Matrix) -> Result<Option<f64>, LinalgError> {
    let n = a.nrows();
    let mean = a.trace().re / n as f64;
    let eigen: Eigen = hermitian_eigen(&traceless(a))?;
    let levels: Vec<f64> = eigen.values.iter().map(|x| mean + x).collect();
    let difference = traceless(&(b - a));
    let smallest = levels.first().copied().unwrap_or(0.0);
    if smallest <= 0.0 || difference.norm() > 0.1 * smallest {
        return Ok(None);
    }
    let inside = conjugate_back(&eigen.vectors, &difference);
    let solve = |square: Option<&Matrix>| {
        Matrix::from_fn(n, n, |i, j| {
            let right = inside[(i, j)] * (levels[i] * levels[j]).sqrt();
            (right - square.map_or(real(0.0), |s| s[(i, j)])) / (levels[i] + levels[j])
        })
    };
    let mut t = solve(None);
    for _ in 0..60 {
        let next = solve(Some(&product(&t, &t)));
        let change = (&next - &t).norm();
        t = next;
        if change <= 1e-16 * t.norm() {
            break;
        }
    }
    let square = product(&t, &t);
    Ok(Some(0.5 * levels.iter().enumerate().map(|(i, l)| square[(i, i)].re / l).sum::<f64>()))
}

#[cfg(test)]
mod tests {
    use super::super::random::state;
    use super::*;

    #[test]
    fn the_series_joins_the_closed_form() {
        for x in [0.0999, 0.1001, -0.0999, -0.1001] {
            assert!((g(x) / ((1.0 + x) * f64::ln_1p(x) - x) - 1.0).abs() < 1e-13, "{x}");
        }
        assert_eq!((g(-1.0), g(0.0)), (1.0, 0.0));
    }

    #[test]
    fn a_spectrum_has_the_entropy_of_its_eigenvalues() {
        let rho = state(5, 3);
        let values = hermitian_values(&rho).unwrap();
        let entropy: f64 = values.iter().map(|r| -r * r.log2()).sum();
        let spectrum = Spectrum::of(&rho).unwrap();
        assert!((spectrum.entropy() - entropy).abs() < 1e-13);
        assert!((spectrum.deficit() - (5f64.ln() - entropy * std::f64::consts::LN_2)).abs() < 1e-13);
        let bare = Spectrum::new(0.0, values.into_iter().map(|r| (r, 1.0)).collect(), 8.0);
        assert!((bare.entropy() - entropy).abs() < 1e-13);
        assert!((bare.deficit() - (8f64.ln() - entropy * std::f64::consts::LN_2)).abs() < 1e-13);
    }
}
