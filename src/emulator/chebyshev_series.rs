//! Chebyshev series on [-1, 1]: interpolating polynomials, their values and where they turn.

#![expect(
    clippy::indexing_slicing,
    reason = "a series has at least one coefficient, and indices are below the number of coefficients"
)]

use std::f64::consts::PI;

/// Chebyshev coefficients from the values at `-cos(pi k / n)`.
pub fn coefficients(values: &[f64]) -> Vec<f64> {
    let n = values.len() - 1;
    (0..=n)
        .map(|j| {
            let sum: f64 = values
                .iter()
                .enumerate()
                .map(|(k, v)| {
                    let weight = if k == 0 || k == n { 0.5 } else { 1.0 };
                    let sign = if j % 2 == 0 { 1.0 } else { -1.0 };
                    weight * v * sign * (PI * (j * k % (2 * n)) as f64 / n as f64).cos()
                })
                .sum();
            sum * if j == 0 || j == n { 1.0 } else { 2.0 } / n as f64
        })
        .collect()
}

/// Value of a Chebyshev series at x in [-1, 1], by Clenshaw's recurrence.
pub fn value(p: &[f64], x: f64) -> f64 {
    let (mut b1, mut b2) = (0.0, 0.0);
    for c in p.iter().skip(1).rev() {
        (b1, b2) = (2.0 * x * b1 - b2 + c, b1);
    }
    x * b1 - b2 + p[0]
}

/// Upper bound of the second derivative of a series with respect to the angle a, where x = cos a: `sum_k k^2 |c_k|`.
pub fn bend_in_angle(p: &[f64]) -> f64 {
    p.iter().zip(0..).map(|(c, k)| f64::from(k * k) * c.abs()).sum()
}

/// Positions in (-1, 1), ascending, where the derivative of a polynomial changes sign.
pub fn turning_points(p: &[f64]) -> Vec<f64> {
    /// Intervals per degree in which the derivative is searched for zeros.
    const FINE: usize = 8;
    let count = FINE * p.len().saturating_sub(1).max(1);
    let slope = derivative(p);
    let bend = derivative(&slope);
    let place = |k: usize| -(PI * k as f64 / count as f64).cos();
    // Between two grid points the slope may touch zero and return; its own extremum is where the second derivative changes sign.
    let mut places = vec![place(0)];
    for k in 0..count {
        let (a, b) = (place(k), place(k + 1));
        if value(&bend, a) * value(&bend, b) < 0.0 {
            places.push(zero(&bend, a, b));
        }
        places.push(b);
    }
    let mut found = Vec::new();
    for pair in places.windows(2) {
        let (a, b) = (value(&slope, pair[0]), value(&slope, pair[1]));
        if a * b < 0.0 {
            found.push(zero(&slope, pair[0], pair[1]));
        } else if b == 0.0 && pair[1] < 1.0 {
            found.push(pair[1]);
        }
    }
    found
}

/// Zero of a polynomial between two points of opposite sign, by bisection.
fn zero(p: &[f64], mut a: f64, mut b: f64) -> f64 {
    let negative = value(p, a) < 0.0;
    for _ in 0..60 {
        let middle = 0.5 * (a + b);
        if (value(p, middle) < 0.0) == negative { a = middle } else { b = middle }
    }
    0.5 * (a + b)
}

/// Derivative of a Chebyshev series: `d_(k-1) = d_(k+1) + 2 k c_k`, the first coefficient halved.
fn derivative(p: &[f64]) -> Vec<f64> {
    let n = p.len();
    if n < 2 {
        return vec![0.0];
    }
    let mut d = vec![0.0; n + 1];
    for k in (1..n).rev() {
        d[k - 1] = d[k + 1] + 2.0 * k as f64 * p[k];
    }
    d[0] *= 0.5;
    d.truncate(n - 1);
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derivative_of_a_series_is_that_of_its_sum() {
        // T3 = 4 x^3 - 3 x, T2 = 2 x^2 - 1.
        let d = derivative(&[0.5, 0.25, 2.0, 1.0]);
        for x in [-0.9f64, 0.1, 0.7] {
            assert!((value(&d, x) - (0.25 + 8.0 * x + 12.0 * x * x - 3.0)).abs() < 1e-13);
        }
    }
}
