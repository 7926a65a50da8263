//! Shaped pulses during which the state relaxes: derivatives in Liouville space, without forming superoperators.
//!
//! In a slice of constant generator L the deviation d of the state from its mean m obeys `d' = L d + m D`, and the derivative G of the
//! result goes backward with the adjoint of L. With
//!
//! ```text
//! L d   = A d + d A^+ + sum c d c^+ - Tr[G_o d] H_o,   A = -i H - sum c^+ c / 2
//! L^+ G = A^+ G + G A + sum c^+ G c - Tr[H_o G] G_o
//! df/dx = Re Tr[X C],  C = -i integral over s of [d(s), G(tau - s)]
//! ```
//!
//! (`X = dH/dx`; H_o and G_o describe the decay of dipolar order). A slice is divided until the norm of L times the time is at most 1.5; d(s)
//! and G(tau - s) are then Taylor series, and ten Gauss-Legendre points integrate their products to rounding.

#![expect(clippy::indexing_slicing, reason = "entries of collapse operators are within the dimension of the state")]

use super::super::generator::{Generator, apart, joined};
use super::closed::Sums;
use super::slices::{ShapedPiece, Slice};
use crate::linalg::{C64, I, Matrix, ZERO, adjoint, product, real};

/// Largest norm of the generator times the duration of an interval.
const LONGEST: f64 = 1.5;

/// Nodes and weights of the Gauss-Legendre quadrature of order 10 on (-1, 1); the others are symmetric.
const GAUSS: [(f64, f64); 5] = [
    (0.148_874_338_981_631_2, 0.295_524_224_714_752_87),
    (0.433_395_394_129_247_2, 0.269_266_719_309_996_35),
    (0.679_409_568_299_024_4, 0.219_086_362_515_982_04),
    (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
    (0.973_906_528_517_171_7, 0.066_671_344_308_688_14),
];

/// A shaped piece with its dissipator.
pub(super) struct OpenPiece {
    pub piece: ShapedPiece,
    /// `sum c^+ c / 2`.
    decay: Matrix,
    /// Entries of every collapse operator: row, column, value.
    collapse: Vec<Vec<(usize, usize, C64)>>,
    /// H and G of the decay of dipolar order.
    order: Option<(Matrix, Matrix)>,
    /// D: time derivative of the identity.
    drift: Option<Matrix>,
    /// Upper bound of the norm of the dissipator.
    fastest: f64,
}

impl OpenPiece {
    /// The piece with the dissipator of a generator.
    pub fn new(piece: ShapedPiece, generator: &Generator) -> OpenPiece {
        let n = generator.dimension;
        let mut decay = Matrix::zeros(n, n);
        let entries = |c: &Matrix| -> Vec<(usize, usize, C64)> {
            let all = (0..n).flat_map(|j| (0..n).map(move |i| (i, j)));
            all.map(|(i, j)| (i, j, c[(i, j)])).filter(|entry| entry.2 != ZERO).collect()
        };
        generator.collapse().iter().for_each(|c| decay += product(&adjoint(c), c) * real(0.5));
        OpenPiece {
            piece,
            decay,
            collapse: generator.collapse().iter().map(entries).collect(),
            order: generator.order_decay().cloned(),
            drift: generator.drift().cloned(),
            fastest: 2.0 * generator.fastest_decay(),
        }
    }

    /// `A` of a slice, and how often the slice is divided.
    fn effective(&self, slice: &Slice, steps: &[(f64, f64)], duration: f64) -> (Matrix, usize) {
        let hamiltonian = self.piece.hamiltonian(slice, steps);
        let n = hamiltonian.nrows();
        let middle = hamiltonian.trace() / real(n as f64);
        let row =
            |i: usize| (0..n).map(|j| (hamiltonian[(i, j)] - if i == j { middle } else { ZERO }).norm()).sum::<f64>();
        let norm = 2.0 * (0..n).map(row).fold(0.0, f64::max) + self.fastest;
        let parts = (norm * duration / LONGEST).ceil().max(1.0) as usize;
        (hamiltonian.map(|x| -I * x) - &self.decay, parts)
    }

    /// `L d`, or `L^+ d`.
    fn rate(&self, a: &Matrix, d: &Matrix, adjoint_of: bool) -> Matrix {
        let half = product(a, d);
        let mut rate = &half + half.adjoint();
        for entries in &self.collapse {
            for &(i, j, v) in entries {
                for &(k, l, w) in entries {
                    if adjoint_of {
                        rate[(j, l)] += v.conj() * d[(i, k)] * w;
                    } else {
                        rate[(i, k)] += v * d[(j, l)] * w.conj();
                    }
                }
            }
        }
        if let Some((h, lost)) = &self.order {
            let (measured, changed) = if adjoint_of { (h, lost) } else { (lost, h) };
            let amount: f64 = measured.iter().zip(d.iter()).map(|(a, b)| (a.conj() * b).re).sum();
            rate.zip_apply(changed, |x, y| *x -= y * amount);
        }
        rate
    }

    /// Terms of the Taylor series of a state or, backward, of a derivative over an interval, as powers of the share of the interval.
    fn series(&self, a: &Matrix, start: &Matrix, mean: f64, duration: f64, backward: bool) -> Vec<Matrix> {
        const MOST: usize = 40;
        let size = |m: &Matrix| m.iter().map(C64::norm_sqr).sum::<f64>().sqrt();
        let mut terms = vec![start.clone()];
        let mut largest = size(start);
        for order in 1..MOST {
            let mut next = self.rate(a, &terms[order - 1], backward);
            if let (1, false, Some(drift)) = (order, backward, &self.drift) {
                next += drift * real(mean);
            }
            next *= real(duration / order as f64);
            let own = size(&next);
            largest = largest.max(own);
            terms.push(next);
            if own <= 1e-18 * largest {
                break;
            }
        }
        terms
    }

    fn intervals<'a>(
        &'a self,
        steps: &'a [(f64, f64)],
        stretch: f64,
    ) -> impl DoubleEndedIterator<Item = (&'a Slice, f64, Matrix)> + 'a {
        self.piece.slices.iter().flat_map(move |slice| {
            let duration = if self.piece.timed { stretch * slice.duration } else { slice.duration };
            let (a, parts) = self.effective(slice, steps, duration);
            (0..parts).map(move |_| (slice, duration / parts as f64, a.clone()))
        })
    }

    /// The state behind the piece.
    pub fn forward(&self, rho: &Matrix, steps: &[(f64, f64)], stretch: f64) -> Matrix {
        let (mean, mut d) = apart(rho);
        for (_, duration, a) in self.intervals(steps, stretch) {
            d = self
                .series(&a, &d, mean, duration, false)
                .iter()
                .fold(Matrix::zeros(d.nrows(), d.ncols()), |sum, t| sum + t);
        }
        joined(mean, d)
    }

    /// Adds the derivatives, and returns the derivative with respect to the state in front of the piece.
    pub fn backward(&self, rho: &Matrix, end: &Matrix, steps: &[(f64, f64)], stretch: f64, sums: &mut Sums) -> Matrix {
        let (mean, mut d) = apart(rho);
        let mut states = Vec::new();
        for (_, duration, a) in self.intervals(steps, stretch) {
            let series = self.series(&a, &d, mean, duration, false);
            d = at(&series, 1.0);
            states.push(series);
        }
        let mut g = end.clone();
        for ((slice, duration, a), forward) in self.intervals(steps, stretch).rev().zip(states.iter().rev()) {
            let back = self.series(&adjoint(&a), &g, 0.0, duration, true);
            let mut commutator = Matrix::zeros(d.nrows(), d.ncols());
            for (node, weight) in GAUSS.iter().flat_map(|(x, w)| [(*x, *w), (-*x, *w)]) {
                let share = 0.5 * (1.0 + node);
                let both = product(&at(forward, share), &at(&back, 1.0 - share));
                commutator += (&both - both.adjoint()) * C64::new(0.0, -0.5 * weight * duration);
            }
            self.piece.collect(slice, &commutator, &mut sums.steps);
            if self.piece.timed {
                // df/dtau = Tr[G d rho/dt] at the end of the interval.
                let mut rate = self.rate(&a, &at(forward, 1.0), false);
                if let Some(drift) = &self.drift {
                    rate += drift * real(mean);
                }
                let power: f64 = g.iter().zip(rate.iter()).map(|(a, b)| (a.conj() * b).re).sum();
                sums.duration += duration * power;
            }
            g = at(&back, 1.0);
        }
        g
    }
}

/// A Taylor series at a share of its interval.
fn at(terms: &[Matrix], share: f64) -> Matrix {
    let (Some(last), rest) = (terms.last(), &terms[..terms.len().saturating_sub(1)]) else {
        return Matrix::zeros(0, 0);
    };
    rest.iter().rev().fold(last.clone(), |sum, term| {
        let mut sum = sum * real(share);
        sum += term;
        sum
    })
}
