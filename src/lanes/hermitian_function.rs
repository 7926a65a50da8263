//! Functions of Hermitian matrices from their levels and eigenvectors, and Gibbs states among them.

#![expect(clippy::indexing_slicing, reason = "indices run over the dimension of the batch and over the lanes")]

use super::{LANES, Lane, MatrixBatch, exp};

/// `out = V diag(f) V^dagger`, exactly Hermitian; `f` has a number for each column of V.
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
/// the lowest one count as the lowest, so that T = 0 gives the whole ground level; infinite T gives equal weights.
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
