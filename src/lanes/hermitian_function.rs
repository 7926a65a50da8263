//! Functions of Hermitian matrices from their eigendecomposition, including Gibbs states.

#![expect(clippy::indexing_slicing, reason = "indices run over the dimension of the batch and over the lanes")]

use super::{LANES, Lane, MatrixBatch, exp};

/// `out = V diag(f) V^dagger`, exactly Hermitian; `f` has one value per column of V.
#[inline(always)]
pub fn from_levels(vectors: &MatrixBatch, f: &[Lane], out: &mut MatrixBatch) {
    let n = out.dimension;
    for i in 0..n {
        for j in i..n {
            let (mut re, mut im) = (Lane::zero(), Lane::zero());
            for (k, f) in f.iter().enumerate() {
                let ((ar, ai), (br, bi)) = (vectors.at(i, k), vectors.at(j, k));
                for l in 0..LANES {
                    let (xr, xi) = (f.0[l] * ar.0[l], f.0[l] * ai.0[l]);
                    re.0[l] = xi.mul_add(bi.0[l], xr.mul_add(br.0[l], re.0[l]));
                    im.0[l] = xi.mul_add(br.0[l], (-xr).mul_add(bi.0[l], im.0[l]));
                }
            }
            if i == j {
                out.put(i, i, re, Lane::zero());
            } else {
                out.put(i, j, re, im);
                out.put(j, i, re, -im);
            }
        }
    }
}

/// Gibbs weights `exp(-(E_k - E_0)/T)/Z` of levels in any order, E and T in the same units. Levels within `1e-10` of the spread from
/// the lowest one count as degenerate with it, so that T = 0 populates the whole ground level; infinite T gives equal weights.
#[inline(always)]
pub fn gibbs(values: &[Lane], temperature: Lane, out: &mut [Lane]) {
    let (mut lowest, mut highest) = (Lane::splat(f64::INFINITY), Lane::splat(f64::NEG_INFINITY));
    for value in values {
        lowest = lowest.min(*value);
        highest = highest.max(*value);
    }
    let size = lowest.abs().max(highest.abs());
    let tolerance = (highest - lowest).max(size * 1e-6) * 1e-10;
    let mut z = Lane::zero();
    for (value, weight) in values.iter().zip(out.iter_mut()) {
        let above = *value - lowest;
        let mut w = exp(-above / temperature);
        for l in 0..LANES {
            w.0[l] = if temperature.0[l] == 0.0 { 0.0 } else { w.0[l] };
            w.0[l] = if above.0[l] <= tolerance.0[l] { 1.0 } else { w.0[l] };
        }
        z += w;
        *weight = w;
    }
    let z = Lane::splat(1.0) / z;
    for weight in out.iter_mut() {
        *weight *= z;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{C64, Matrix};
    use crate::noise::Noise;
    use crate::spin::boltzmann;

    fn weights(levels: &[Lane], temperature: Lane) -> Vec<Lane> {
        let mut out = vec![Lane::zero(); levels.len()];
        gibbs(levels, temperature, &mut out);
        out
    }

    #[test]
    fn gibbs_weights_are_those_of_single_states() {
        let mut noise = Noise::new(1, 0);
        let temperatures =
            [0.0, 1e-300, 1e-3, 0.1, 1.0, 10.0, 1e6, 1e300, f64::INFINITY, 0.5, -2.0, 3.0, 0.01, 30.0, 2e-2, 0.2];
        for n in 1..=16 {
            let mut levels: Vec<Lane> = (0..n).map(|_| Lane(std::array::from_fn(|_| noise.normal()))).collect();
            if n > 2 {
                // A twofold ground level, exactly or nearly degenerate.
                levels[0] = Lane::splat(-9.0);
                levels[n - 1] = Lane(std::array::from_fn(|l| if l % 2 == 0 { -9.0 } else { -9.0 + 1e-14 }));
            }
            let got = weights(&levels, Lane(temperatures));
            for (l, t) in temperatures.iter().enumerate() {
                let own: Vec<f64> = levels.iter().map(|x| x.0[l]).collect();
                let right = boltzmann(&own, &vec![1.0; n], *t);
                for (x, y) in got.iter().zip(&right) {
                    assert!((x.0[l] - y).abs() <= 2e-15 * y.abs() + 1e-300, "T = {t}: {} for {y}", x.0[l]);
                }
            }
        }
    }

    #[test]
    fn limits_of_the_temperature_are_exact() {
        let levels = [Lane::splat(-1.0), Lane::splat(-1.0), Lane::splat(0.5), Lane::splat(2.0)];
        let cold = weights(&levels, Lane::zero());
        assert_eq!(cold.iter().map(|x| x.0[0]).collect::<Vec<_>>(), [0.5, 0.5, 0.0, 0.0]);
        let hot = weights(&levels, Lane::splat(f64::INFINITY));
        assert!(hot.iter().all(|x| x.0[15] == 0.25));
        assert_eq!(weights(&[Lane::splat(7.0)], Lane::zero())[0], Lane::splat(1.0));
        assert_eq!(weights(&[Lane::zero(); 2], Lane::zero())[1], Lane::splat(0.5));
    }

    #[test]
    fn functions_are_exactly_hermitian() {
        let mut noise = Noise::new(2, 0);
        for n in 1..=6 {
            let mut vectors = MatrixBatch::zeros(n);
            let ms: Vec<Matrix> =
                (0..LANES).map(|_| Matrix::from_fn(n, n, |_, _| C64::new(noise.normal(), noise.normal()))).collect();
            ms.iter().enumerate().for_each(|(l, m)| vectors.set_lane(l, m));
            let f: Vec<Lane> = (0..n).map(|_| Lane(std::array::from_fn(|_| noise.normal()))).collect();
            let mut out = MatrixBatch::zeros(n);
            from_levels(&vectors, &f, &mut out);
            for (l, m) in ms.iter().enumerate() {
                let scaled = Matrix::from_fn(n, n, |i, j| m[(i, j)] * f[j].0[l]);
                assert!((out.lane(l) - scaled * m.adjoint()).norm() < 1e-12);
                assert_eq!(out.lane(l), out.lane(l).adjoint());
            }
        }
    }
}
