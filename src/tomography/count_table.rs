//! Means of Pauli products, probabilities and likelihoods of single-shot counts in SIMD lanes: the sums of [`super::counts`], one set of
//! counts per lane. All are to be called in a dispatch.

#![allow(clippy::needless_range_loop, reason = "kernels are plain loops: iterators may not be inlined into them")]
#![expect(
    clippy::indexing_slicing,
    reason = "places are indices of Pauli products, one per mean, and every outcome has one count and one probability"
)]

use super::counts::{Settings, pauli, walsh};
use crate::lanes::{Lane, MatrixBatch, ln};

/// A matrix element of a Pauli product: the index of the product, the row and the column, and a power of i.
pub(super) type Term = (usize, usize, usize, u8);

/// The elements of all Pauli products that are not zero.
pub(super) fn terms(settings: &Settings) -> Vec<Term> {
    let n = settings.outcomes();
    let spins = n.trailing_zeros() as usize;
    let term = |place: usize, s: usize| {
        let (flips, phase) = pauli(place, spins, s);
        (place, s ^ flips, s, phase)
    };
    (0..n * n).flat_map(|place| (0..n).map(move |s| term(place, s))).collect()
}

/// What kernels know of the settings.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    pub places: &'a [Vec<usize>],
    pub outcomes: usize,
    pub terms: &'a [Term],
}

/// The share of each outcome in all shots.
#[inline(always)]
pub(super) fn shares(counts: &mut [Lane]) {
    let mut shots = Lane::zero();
    for count in counts.iter() {
        shots += *count;
    }
    let shots = shots.max(Lane::splat(1.0));
    for count in counts.iter_mut() {
        *count = *count / shots;
    }
}

impl Table<'_> {
    /// Sample means of the Pauli products, each over all shots of all settings that measure it; 0 for those that none measures.
    #[inline(always)]
    pub fn means(&self, counts: &[Lane], out: &mut [Lane]) {
        let n = self.outcomes;
        let (mut own, mut shots) = (vec![Lane::zero(); n], vec![Lane::zero(); n * n]);
        out.fill(Lane::zero());
        for (places, counts) in self.places.iter().zip(counts.chunks_exact(n)) {
            own.copy_from_slice(counts);
            walsh(&mut own);
            for m in 0..n {
                out[places[m]] += own[m];
                shots[places[m]] += own[0];
            }
        }
        for k in 0..n * n {
            out[k] = Lane::if_greater(shots[k], Lane::zero(), out[k] / shots[k], Lane::zero());
        }
        out[0] = Lane::splat(1.0);
    }

    /// Probabilities of all outcomes of all settings.
    #[inline(always)]
    pub fn probabilities(&self, means: &[Lane], out: &mut [Lane]) {
        let n = self.outcomes;
        for (places, p) in self.places.iter().zip(out.chunks_exact_mut(n)) {
            for m in 0..n {
                p[m] = means[places[m]] * (1.0 / n as f64);
            }
            walsh(p);
        }
    }

    /// Gradient of the log-likelihood `sum f ln p` with respect to the means, from the ratios `f/p`; `sums` is overwritten.
    #[inline(always)]
    pub fn slope(&self, ratios: &[Lane], sums: &mut [Lane], out: &mut [Lane]) {
        let n = self.outcomes;
        out.fill(Lane::zero());
        for (places, ratios) in self.places.iter().zip(ratios.chunks_exact(n)) {
            sums.copy_from_slice(ratios);
            walsh(sums);
            for m in 0..n {
                out[places[m]] += sums[m] * (1.0 / n as f64);
            }
        }
    }

    /// Density matrices from Pauli means.
    #[inline(always)]
    pub fn matrices(&self, means: &[Lane], out: &mut MatrixBatch) {
        let scale = 1.0 / self.outcomes as f64;
        out.clear();
        for &(place, i, j, phase) in self.terms {
            let x = means[place] * scale;
            let (mut re, mut im) = out.at(i, j);
            match phase {
                0 => re += x,
                1 => im += x,
                2 => re -= x,
                _ => im -= x,
            }
            out.put(i, j, re, im);
        }
    }

    /// Pauli means of Hermitian matrices.
    #[inline(always)]
    pub fn means_of(&self, m: &MatrixBatch, out: &mut [Lane]) {
        out.fill(Lane::zero());
        for &(place, i, j, phase) in self.terms {
            // The element (j, i) is the conjugate of (i, j).
            let (re, im) = m.at(i, j);
            match phase {
                0 => out[place] += re,
                1 => out[place] += im,
                2 => out[place] -= re,
                _ => out[place] -= im,
            }
        }
    }
}

/// `sum f ln p` over the outcomes that were observed.
#[inline(always)]
pub(super) fn likelihood(p: &[Lane], f: &[Lane]) -> Lane {
    let mut sum = Lane::zero();
    for k in 0..p.len() {
        let own = f[k] * ln(p[k].max(Lane::splat(1e-300)));
        sum += Lane::if_greater(f[k], Lane::zero(), own, Lane::zero());
    }
    sum
}
