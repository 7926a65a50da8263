//! Newton's method for the likelihood of counts over all means of Pauli products, physical or not, for one set of counts per SIMD lane.

#![allow(clippy::needless_range_loop, reason = "kernels are plain loops: iterators may not be inlined into them")]
#![expect(
    clippy::indexing_slicing,
    reason = "places are indices of Pauli products, one per mean, and every outcome has one count and one probability"
)]

use super::count_table::{Table, likelihood};
use super::counts::walsh;
use crate::lanes::Lane;

/// Maximum number of steps.
const STEPS: usize = 40;

/// A step that changes no probability by more than this fraction is the last: what is left is of the order of its square.
const LAST: f64 = 1e-6;

/// Memory of the method.
pub(super) struct Newton<'a> {
    table: Table<'a>,
    /// Shares of the outcomes in all shots.
    f: &'a [Lane],
    p: Vec<Lane>,
    old: Vec<Lane>,
    ratios: Vec<Lane>,
    sums: Vec<Lane>,
    slope: Vec<Lane>,
    before: Vec<Lane>,
    /// The second derivatives with respect to all means but the first, times -1: the lower triangle, row by row.
    curvature: Vec<Lane>,
    step: Vec<Lane>,
}

impl<'a> Newton<'a> {
    #[inline(always)]
    pub fn new(table: Table<'a>, f: &'a [Lane]) -> Newton<'a> {
        let zeros = |n: usize| vec![Lane::zero(); n];
        let size = table.outcomes * table.outcomes;
        Newton {
            table,
            f,
            p: zeros(f.len()),
            old: zeros(f.len()),
            ratios: zeros(f.len()),
            sums: zeros(table.outcomes),
            slope: zeros(size),
            before: zeros(size),
            curvature: zeros(size * (size - 1) / 2),
            step: zeros(size),
        }
    }

    /// Moves the means to the maximum. Returns 1 in lanes that have one, else 0; lanes do not move once they have ended.
    #[inline(always)]
    pub fn run(mut self, r: &mut [Lane]) -> Lane {
        let (zero, one) = (Lane::zero(), Lane::splat(1.0));
        self.begin(r);
        let (mut active, mut found) = (one, zero);
        let mut known = likelihood(&self.p, self.f);
        for _ in 0..STEPS {
            self.derivatives();
            active = Lane::if_greater(self.solve(), zero, active, zero);
            self.before.copy_from_slice(r);
            self.old.copy_from_slice(&self.p);
            let (mut length, mut waiting) = (one, active);
            while waiting.any_greater(zero) {
                for k in 1..r.len() {
                    let moved = self.step[k] * length + self.before[k];
                    r[k] = Lane::if_greater(waiting, zero, moved, r[k]);
                }
                self.table.probabilities(r, &mut self.p);
                let reached = likelihood(&self.p, self.f);
                let mut right = Lane::if_greater(known - Lane::splat(1e-15), reached, zero, one);
                right = Lane::if_greater(self.least(), zero, right, zero);
                known = Lane::if_greater(waiting * right, zero, reached, known);
                waiting = Lane::if_greater(right, zero, zero, waiting);
                length = Lane::if_greater(waiting, zero, length * 0.5, length);
                // No step gains: the maximum is known to rounding.
                let stuck = Lane::if_greater(Lane::splat(1e-10), length, waiting, zero);
                if stuck.any_greater(zero) {
                    for k in 1..r.len() {
                        r[k] = Lane::if_greater(stuck, zero, self.before[k], r[k]);
                    }
                    (found, active) = (found.max(stuck), active - stuck);
                    waiting -= stuck;
                }
            }
            let last = active * self.is_last(length);
            found = found.max(last);
            active -= last;
            if !active.any_greater(zero) {
                break;
            }
        }
        // Outcomes that were never observed may drive the maximum to infinity.
        found
    }

    /// Mixes in the maximally mixed state, in which all outcomes are possible, until all observed ones are.
    #[inline(always)]
    fn begin(&mut self, r: &mut [Lane]) {
        let (zero, one) = (Lane::zero(), Lane::splat(1.0));
        loop {
            self.table.probabilities(r, &mut self.p);
            let least = self.least();
            if !Lane::if_greater(least, zero, zero, one).any_greater(zero) {
                return;
            }
            let share = Lane::if_greater(least, zero, one, Lane::splat(0.9));
            for k in 1..r.len() {
                r[k] *= share;
            }
        }
    }

    /// The smallest probability of the outcomes that were observed.
    #[inline(always)]
    fn least(&self) -> Lane {
        let mut least = Lane::splat(1.0);
        for k in 0..self.p.len() {
            least = least.min(Lane::if_greater(self.f[k], Lane::zero(), self.p[k], least));
        }
        least
    }

    /// 1 in lanes in which no further step is needed.
    #[inline(always)]
    fn is_last(&self, length: Lane) -> Lane {
        let (zero, one) = (Lane::zero(), Lane::splat(1.0));
        let mut square = zero;
        for k in 1..self.step.len() {
            square += self.step[k] * self.step[k];
        }
        let short = Lane::if_greater(Lane::splat(1e-11), square.sqrt() * length, one, zero);
        let mut worst = zero;
        for k in 0..self.p.len() {
            let change = (self.p[k] - self.old[k]).abs() - self.p[k] * LAST;
            worst = worst.max(Lane::if_greater(self.f[k], zero, change, zero));
        }
        let near = Lane::if_greater(worst, zero, zero, one);
        short.max(Lane::if_greater(one, length, zero, near))
    }

    /// The slope and the curvature of the likelihood.
    #[inline(always)]
    fn derivatives(&mut self) {
        let (n, zero) = (self.table.outcomes, Lane::zero());
        for k in 0..self.p.len() {
            self.ratios[k] = Lane::if_greater(self.f[k], zero, self.f[k] / self.p[k], zero);
        }
        self.table.slope(&self.ratios, &mut self.sums, &mut self.slope);
        self.curvature.fill(zero);
        for (s, places) in self.table.places.iter().enumerate() {
            // sum_o (f/p^2) (-1)^|o & (l ^ m)|, also a Walsh transform.
            for o in 0..n {
                let k = s * n + o;
                let second = self.ratios[k] / self.p[k] * (1.0 / (n * n) as f64);
                self.sums[o] = Lane::if_greater(self.ratios[k], zero, second, zero);
            }
            walsh(&mut self.sums);
            for l in 1..n {
                for m in 1..n {
                    let (a, b) = (places[l] - 1, places[m] - 1);
                    if b <= a {
                        self.curvature[a * (a + 1) / 2 + b] += self.sums[l ^ m];
                    }
                }
            }
        }
    }

    /// The step, curvature times step = slope, by Cholesky's decomposition. Returns 1 in lanes with a positive curvature.
    #[inline(always)]
    fn solve(&mut self) -> Lane {
        let (n, zero) = (self.step.len() - 1, Lane::zero());
        let a = &mut self.curvature;
        let mut positive = Lane::splat(1.0);
        // The inverses of the pivots are on the diagonal.
        for i in 0..n {
            let row = i * (i + 1) / 2;
            let (upper, own) = a.split_at_mut(row);
            for j in 0..i {
                let other = &upper[j * (j + 1) / 2..];
                let mut sum = own[j];
                for k in 0..j {
                    sum = own[k].neg_mul_add(other[k], sum);
                }
                own[j] = sum * other[j];
            }
            let mut pivot = own[i];
            for k in 0..i {
                pivot = own[k].neg_mul_add(own[k], pivot);
            }
            positive = Lane::if_greater(pivot, zero, positive, zero);
            own[i] = Lane::splat(1.0) / pivot.sqrt();
        }
        for i in 0..n {
            let row = i * (i + 1) / 2;
            let mut sum = self.slope[i + 1];
            for k in 0..i {
                sum = a[row + k].neg_mul_add(self.step[k + 1], sum);
            }
            self.step[i + 1] = sum * a[row + i];
        }
        for i in (0..n).rev() {
            let mut sum = self.step[i + 1];
            for k in i + 1..n {
                sum = a[k * (k + 1) / 2 + i].neg_mul_add(self.step[k + 1], sum);
            }
            self.step[i + 1] = sum * a[i * (i + 1) / 2 + i];
        }
        positive
    }
}
