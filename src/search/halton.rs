//! Halton's low-discrepancy sequence.

/// The prime bases, one per dimension.
pub(super) const PRIMES: [u32; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/// A point of Halton's sequence in the unit cube (Halton, Numer. Math. 2, 84): evenly distributed for any number of points, unlike
/// random points.
pub(super) fn halton(index: usize, dimensions: usize) -> Vec<f64> {
    let radical_inverse = |base: u32| {
        let (mut rest, mut share, mut sum) = (index + 1, 1.0, 0.0);
        while rest > 0 {
            share /= f64::from(base);
            sum += share * (rest % base as usize) as f64;
            rest /= base as usize;
        }
        sum
    };
    PRIMES.iter().take(dimensions).map(|p| radical_inverse(*p)).collect()
}

#[cfg(test)]
mod tests {
    use super::halton;

    #[test]
    fn haltons_points_fill_the_cube() {
        assert_eq!(halton(0, 2), vec![0.5, 1.0 / 3.0]);
        assert_eq!(halton(1, 2), vec![0.25, 2.0 / 3.0]);
        let mean: f64 = (0..1000).map(|k| halton(k, 3)[2]).sum::<f64>() / 1000.0;
        assert!((mean - 0.5).abs() < 0.01);
    }
}
