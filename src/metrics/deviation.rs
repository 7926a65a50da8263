//! States by what they deviate from the maximally mixed state.
//!
//! At 300 K a state of nuclear spins is `(1 + x)/d` with x of size 1e-5 to 1e-9. Entropies, distances and works are of first or second
//! order in x; a formula that meets the identity first loses as many digits as x is small. Here everything is written in x:
//!
//! * `ln d - S = sum g(x_k)/d`, `g(x) = (1 + x) ln(1 + x) - x`, a sum of positive numbers;
//! * `S(sigma) - S(rho)` of a state and its projection, by the series of g in the difference of the two;
//! * `1 - sqrt(F)` as a positive quadratic form of the difference of two states.
//!
//! A density matrix holds its entries to 1.1e-16 of 1/d, so x is known to about `1e-16/|x|` of itself, and so are results.

#![expect(clippy::indexing_slicing, reason = "indices run over the eigenvalues of the matrix that is read")]

use crate::linalg::{Eigen, LinalgError, Matrix, conjugate_back, hermitian_eigen, hermitian_values, product, real};

/// Without its mean on the diagonal.
pub fn traceless(m: &Matrix) -> Matrix {
    let mean = m.trace() / m.nrows() as f64;
    let mut out = m.clone();
    crate::linalg::add_to_diagonal(&mut out, -mean);
    out
}

/// Whether a deviation of this squared norm on d states is no more than rounding of the maximally mixed state.
pub fn is_rounding(norm_squared: f64, dimension: f64) -> bool {
    norm_squared.max(0.0).sqrt() <= 16.0 * f64::EPSILON / dimension.sqrt()
}

/// `(1 + x) ln(1 + x) - x`, not negative; 1 at `x = -1` and below, where rounding may lead.
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

/// The eigenvalues of a state, `mean + d`, with the number of states that have each.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// The part of the maximally mixed state: 1/N where all N states are listed, 0 where those that are not have weight 0.
    pub mean: f64,
    /// Deviations from the mean, ascending, and how many states have them.
    pub parts: Vec<(f64, f64)>,
    /// How many states there are, listed or not.
    pub states: f64,
}

impl Spectrum {
    /// That of a pure state among so many.
    pub fn pure(states: f64) -> Spectrum {
        Spectrum { mean: 0.0, parts: vec![(1.0, 1.0)], states }
    }

    /// From eigenvalues less a mean, in any order. States beyond those listed have weight zero.
    pub fn new(mean: f64, mut parts: Vec<(f64, f64)>, states: f64) -> Spectrum {
        parts.sort_by(|a, b| a.0.total_cmp(&b.0));
        let listed: f64 = parts.iter().map(|p| p.1).sum();
        if mean != 0.0 && (listed - states).abs() > 1e-9 * states {
            parts.iter_mut().for_each(|p| p.0 += mean);
            return Spectrum { mean: 0.0, parts, states };
        }
        Spectrum { mean, parts, states }
    }

    /// That of a density matrix.
    ///
    /// # Errors
    /// When the eigenvalues cannot be computed.
    pub fn of(rho: &Matrix) -> Result<Spectrum, LinalgError> {
        let n = rho.nrows() as f64;
        let values = hermitian_values(&traceless(rho))?;
        Ok(Spectrum::new(rho.trace().re / n, values.into_iter().map(|x| (x, 1.0)).collect(), n))
    }

    /// Whether it is that of a pure state, known to be one.
    pub fn is_pure(&self) -> bool {
        self.mean == 0.0 && self.parts == [(1.0, 1.0)]
    }

    /// `Tr[rho^2]`.
    pub fn purity(&self) -> f64 {
        self.parts.iter().map(|(x, copies)| (self.mean + x) * (self.mean + x) * copies).sum()
    }

    /// `ln N - S` in nats.
    pub fn deficit(&self) -> f64 {
        if self.mean > 0.0 {
            // The mean is 1/N but for rounding.
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

    /// The entropy in bits; a pure state has 0, never -1e-16.
    pub fn entropy(&self) -> f64 {
        (self.nats() / std::f64::consts::LN_2).max(0.0)
    }
}

/// The largest sum of magnitudes in a row: a bound of all eigenvalues.
fn bound(m: &Matrix) -> f64 {
    crate::linalg::one_norm(m)
}

/// Up to this size of x the series of g is used.
const SERIES: f64 = 0.1;

/// `S(sigma) - S(rho)` in nats of `rho = (1 + x)/d` and `sigma = (1 + x - z)/d`, where sigma is a projection of rho: a part of it
/// dephased, or the product of its marginals. Then it is their relative entropy, which is of second order in z however large x is.
/// `None` where x is too large for the series.
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
        // Odd powers may have no trace at all: one small term is no end, two are.
        if term.abs().max(last) <= 1e-17 * sum.abs() {
            break;
        }
        last = term.abs();
        power = product(&power, &y);
    }
    Some((sum / x.nrows() as f64).max(0.0))
}

/// `1 - sqrt(F)` of two states, by their difference where that is small beside the smallest eigenvalue of the first; `None` elsewhere.
///
/// With the eigenvalues `l` of a, `T = sqrt(sqrt(a) b sqrt(a)) - a` solves `a T + T a + T^2 = sqrt(a) (b - a) sqrt(a)`, and
/// `1 - sqrt(F) = -Tr T = 1/2 sum_i (T^2)_ii / l_i`: nothing is subtracted.
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
