//! States of many sets of single-shot counts, in SIMD lanes: the estimators of [`super::counts`] for repeated measurements, one set per lane.
//!
//! States are held as the means of their Pauli products, and become matrices only for eigenvalues. Sets whose likelihood has its maximum
//! on the boundary of state space are collected, so that projected gradients run with full lanes. The numbers of a set do not depend on
//! the others.

#![allow(clippy::needless_range_loop, reason = "kernels are plain loops: iterators may not be inlined into them")]
#![expect(
    clippy::indexing_slicing,
    reason = "places are indices of Pauli products, one per mean, and every outcome has one count and one probability"
)]

use super::count_newton::Newton;
use super::count_table::{Table, Term, likelihood, shares, terms};
use super::counts::{Counted, Estimator, Settings};
use crate::lanes::{LANES, Lane, MatrixBatch, eigen, eigenvalues, from_levels};
use crate::linalg::{LinalgError, Matrix};
use rayon::prelude::*;

/// Sets of counts per task: enough that the few on the boundary fill lanes.
const TOGETHER: usize = 16 * LANES;

/// Maximum number of spins: beyond this, a Newton step of sixteen sets needs more than a cache.
const MOST_SPINS: usize = 3;

/// Number of steps of projected gradients after which a set is left to the estimator of single sets, which says if it converges.
const MOST_STEPS: usize = 5000;

/// States reconstructed from up to [`LANES`] sets of counts, one per lane; lanes without a set repeat one of another lane.
#[derive(Debug, Clone)]
pub struct CountedBatch {
    /// The density matrices (for linear inversion, possibly with negative eigenvalues).
    pub states: MatrixBatch,
    /// Their eigenvalues, ascending.
    pub eigenvalues: Vec<Lane>,
    /// Number of sets.
    pub sets: usize,
}

impl Settings {
    /// Reconstructs the states of many sets of counts, each ordered as for [`Settings::reconstruct`], one after the other, with the states
    /// of that function to rounding.
    ///
    /// # Errors
    /// When eigenvalues cannot be computed.
    pub fn reconstruct_all(&self, counts: &[u64], estimator: Estimator) -> Result<Vec<CountedBatch>, LinalgError> {
        let size = self.places().len() * self.outcomes();
        let parts: Vec<Vec<CountedBatch>> = counts
            .par_chunks((size * TOGETHER).max(1))
            .map(|counts| Task::new(self, counts).run(estimator))
            .collect::<Result<_, LinalgError>>()?;
        Ok(parts.into_iter().flatten().collect())
    }
}

/// The reconstruction of some sets of counts.
struct Task<'a> {
    settings: &'a Settings,
    counts: &'a [u64],
    /// Number of counts per set.
    size: usize,
    terms: Vec<Term>,
}

/// States as means of Pauli products.
type Means = Vec<Lane>;

impl<'a> Task<'a> {
    fn new(settings: &'a Settings, counts: &'a [u64]) -> Task<'a> {
        Task { settings, counts, size: settings.places().len() * settings.outcomes(), terms: terms(settings) }
    }

    fn table(&self) -> Table<'_> {
        Table { places: self.settings.places(), outcomes: self.settings.outcomes(), terms: &self.terms }
    }

    fn set(&self, set: usize) -> &[u64] {
        &self.counts[set * self.size..(set + 1) * self.size]
    }

    /// The counts of some sets, one per lane; lanes beyond repeat the first.
    fn gathered(&self, sets: &[usize]) -> Vec<Lane> {
        let mut out = vec![Lane::zero(); self.size];
        for l in 0..LANES {
            let own = self.set(sets[if l < sets.len() { l } else { 0 }]);
            out.iter_mut().zip(own).for_each(|(lane, count)| lane.0[l] = *count as f64);
        }
        out
    }

    fn run(&self, estimator: Estimator) -> Result<Vec<CountedBatch>, LinalgError> {
        let sets: Vec<usize> = (0..self.counts.len().checked_div(self.size).unwrap_or(0)).collect();
        if self.settings.outcomes() > 1 << MOST_SPINS {
            return sets.chunks(LANES).map(|sets| self.one_by_one(sets, estimator)).collect();
        }
        let dimension = self.settings.outcomes();
        let (mut out, mut outside) = (Vec::with_capacity(sets.len().div_ceil(LANES)), Vec::new());
        for sets in sets.chunks(LANES) {
            let counts = self.gathered(sets);
            let mut means = vec![Lane::zero(); dimension * dimension];
            let mut batch = CountedBatch {
                states: MatrixBatch::zeros(dimension),
                eigenvalues: vec![Lane::zero(); dimension],
                sets: sets.len(),
            };
            let found = pulp::Arch::new().dispatch(Plain {
                table: self.table(),
                counts: &counts,
                newton: estimator == Estimator::MaximumLikelihood && self.settings.unseen() == 0,
                means: &mut means,
                batch: &mut batch,
            });
            let solved = batch.solve();
            for (l, set) in sets.iter().enumerate() {
                match estimator {
                    Estimator::Linear if !solved[l] => return Err(LinalgError::NotConverged),
                    Estimator::Linear => {}
                    // Not for eigenvalues that are no numbers.
                    _ if solved[l] && found.0[l] > 0.0 && batch.eigenvalues[0].0[l] >= 0.0 => {}
                    _ => outside.push(*set),
                }
            }
            out.push(batch);
        }
        for sets in outside.chunks(LANES) {
            let batch = self.bounded(sets, estimator)?;
            for (l, set) in sets.iter().enumerate() {
                out[set / LANES].copy_lane(set % LANES, &batch, l);
            }
        }
        Ok(out)
    }

    /// States on the boundary: the nearest to linear inversion, or the likeliest.
    fn bounded(&self, sets: &[usize], estimator: Estimator) -> Result<CountedBatch, LinalgError> {
        let dimension = self.settings.outcomes();
        let counts = self.gathered(sets);
        let mut batch = CountedBatch {
            states: MatrixBatch::zeros(dimension),
            eigenvalues: vec![Lane::zero(); dimension],
            sets: sets.len(),
        };
        let done = pulp::Arch::new().dispatch(Bounded {
            table: self.table(),
            counts: &counts,
            likeliest: estimator == Estimator::MaximumLikelihood,
            batch: &mut batch,
        });
        if done.iter().take(sets.len()).all(|done| *done) { Ok(batch) } else { self.one_by_one(sets, estimator) }
    }

    /// The same without lanes.
    fn one_by_one(&self, sets: &[usize], estimator: Estimator) -> Result<CountedBatch, LinalgError> {
        let dimension = self.settings.outcomes();
        let mut states = MatrixBatch::zeros(dimension);
        for (l, set) in sets.iter().enumerate() {
            let Counted { state, .. } = self.settings.reconstruct(self.set(*set), estimator)?;
            states.set_lane(l, &state);
        }
        let mut out = CountedBatch { states, eigenvalues: vec![Lane::zero(); dimension], sets: sets.len() };
        let solved = out.solve();
        if solved.iter().take(sets.len()).all(|done| *done) { Ok(out) } else { Err(LinalgError::NotConverged) }
    }
}

impl CountedBatch {
    /// The state of a set.
    pub fn state(&self, set: usize) -> Matrix {
        self.states.lane(set)
    }

    /// Computes the eigenvalues; returns the lanes in which they converged.
    fn solve(&mut self) -> [bool; LANES] {
        eigenvalues(&mut self.states.clone(), &mut self.eigenvalues)
    }

    fn copy_lane(&mut self, l: usize, other: &CountedBatch, from: usize) {
        self.states.copy_lane(l, &other.states, from);
        self.eigenvalues.iter_mut().zip(&other.eigenvalues).for_each(|(x, y)| x.0[l] = y.0[from]);
    }
}

/// Kernel: linear inversion, or the highest likelihood over all means, physical or not. Returns 1 in lanes with a result.
struct Plain<'a> {
    table: Table<'a>,
    counts: &'a [Lane],
    newton: bool,
    means: &'a mut Means,
    batch: &'a mut CountedBatch,
}

impl pulp::NullaryFnOnce for Plain<'_> {
    type Output = Lane;

    #[inline(always)]
    fn call(self) -> Lane {
        let Plain { table, counts, newton, means, batch } = self;
        table.means(counts, means);
        let found = if newton {
            let mut f = counts.to_vec();
            shares(&mut f);
            Newton::new(table, &f).run(means)
        } else {
            Lane::splat(1.0)
        };
        table.matrices(means, &mut batch.states);
        found
    }
}

/// Kernel: the density matrices nearest to linear inversion, or the likeliest. Returns the lanes in which it succeeded.
struct Bounded<'a> {
    table: Table<'a>,
    counts: &'a [Lane],
    likeliest: bool,
    batch: &'a mut CountedBatch,
}

impl pulp::NullaryFnOnce for Bounded<'_> {
    type Output = [bool; LANES];

    #[inline(always)]
    fn call(self) -> [bool; LANES] {
        let Bounded { table, counts, likeliest, batch } = self;
        let mut space = Projection::new(table, batch);
        let mut means = vec![Lane::zero(); table.outcomes * table.outcomes];
        table.means(counts, &mut means);
        let nearest = means.clone();
        let mut success = space.project(&nearest, &mut means);
        if likeliest {
            let mut f = counts.to_vec();
            shares(&mut f);
            let converged = Gradients::new(table, &f).run(&mut means, &mut space, &mut success);
            for l in 0..LANES {
                success[l] &= converged.0[l] > 0.0;
            }
        }
        success
    }
}

/// The projection onto density matrices.
struct Projection<'a> {
    table: Table<'a>,
    /// The last result.
    batch: &'a mut CountedBatch,
    a: MatrixBatch,
    vectors: MatrixBatch,
}

impl<'a> Projection<'a> {
    #[inline(always)]
    fn new(table: Table<'a>, batch: &'a mut CountedBatch) -> Projection<'a> {
        Projection { table, batch, a: MatrixBatch::zeros(table.outcomes), vectors: MatrixBatch::zeros(table.outcomes) }
    }

    /// The means of the nearest density matrices: those with the eigenvalues projected onto the simplex. Returns the lanes in which it
    /// succeeded.
    #[inline(always)]
    fn project(&mut self, means: &[Lane], out: &mut [Lane]) -> [bool; LANES] {
        self.table.matrices(means, &mut self.a);
        let values = &mut self.batch.eigenvalues;
        let success = eigen(&mut self.a, values, &mut self.vectors);
        // The largest first: `x - shift` with the shift of the most values that stay above 0.
        let (mut sum, mut shift) = (Lane::zero(), Lane::zero());
        for k in 0..values.len() {
            let x = values[values.len() - 1 - k];
            sum += x;
            let candidate = (sum - Lane::splat(1.0)) * (1.0 / (k + 1) as f64);
            shift = Lane::if_greater(x, candidate, candidate, shift);
        }
        for value in values.iter_mut() {
            *value = (*value - shift).max(Lane::zero());
        }
        from_levels(&self.vectors, values, &mut self.batch.states);
        self.table.means_of(&self.batch.states, out);
        success
    }
}

/// Accelerated projected gradients for the maximum of the likelihood over density matrices.
struct Gradients<'a> {
    table: Table<'a>,
    f: &'a [Lane],
    p: Vec<Lane>,
    ratios: Vec<Lane>,
    sums: Vec<Lane>,
    slope: Means,
    /// The point at which the gradient is taken, the last state, and the next one.
    ahead: Means,
    now: Means,
    next: Means,
}

impl<'a> Gradients<'a> {
    #[inline(always)]
    fn new(table: Table<'a>, f: &'a [Lane]) -> Gradients<'a> {
        let zeros = |n: usize| vec![Lane::zero(); n];
        let size = table.outcomes * table.outcomes;
        Gradients {
            table,
            f,
            p: zeros(f.len()),
            ratios: zeros(f.len()),
            sums: zeros(table.outcomes),
            slope: zeros(size),
            ahead: zeros(size),
            now: zeros(size),
            next: zeros(size),
        }
    }

    /// From the state nearest to linear inversion. Returns 1 in lanes that converged; lanes keep their result from then on.
    #[inline(always)]
    fn run(mut self, means: &mut Means, space: &mut Projection, success: &mut [bool; LANES]) -> Lane {
        let (zero, one, d) = (Lane::zero(), Lane::splat(1.0), self.table.outcomes as f64);
        let mut best = space.batch.clone();
        for k in 1..means.len() {
            means[k] *= Lane::splat(0.99);
        }
        means[0] = one;
        self.now.copy_from_slice(means);
        self.ahead.copy_from_slice(means);
        let (mut momentum, mut length, mut done) = (one, Lane::splat(0.25), zero);
        for _ in 0..MOST_STEPS {
            let here = self.at_ahead();
            loop {
                for k in 0..means.len() {
                    means[k] = self.ahead[k] + self.slope[k] * length * d;
                }
                let solved = space.project(means, &mut self.next);
                for l in 0..LANES {
                    success[l] &= solved[l] || done.0[l] > 0.0;
                }
                let promised = self.promised(here, length);
                self.table.probabilities(&self.next, &mut self.p);
                let reached = likelihood(&self.p, self.f) + Lane::splat(1e-14);
                let mut shorter = Lane::if_greater(promised, reached, one, zero);
                shorter = Lane::if_greater(length, Lane::splat(1e-12), shorter, zero);
                shorter = Lane::if_greater(done, zero, zero, shorter);
                if !shorter.any_greater(zero) {
                    break;
                }
                length = Lane::if_greater(shorter, zero, length * 0.5, length);
            }
            let (change, jump, uphill) = self.moves();
            let before = Lane::if_greater(uphill, zero, one, momentum);
            momentum = ((before * before * 4.0 + one).sqrt() + one) * 0.5;
            let weight = Lane::if_greater(uphill, zero, zero, (before - one) / momentum);
            for k in 0..means.len() {
                self.ahead[k] = self.next[k] + (self.next[k] - self.now[k]) * weight;
            }
            self.now.copy_from_slice(&self.next);
            length *= Lane::splat(1.05);
            let mut ended = Lane::if_greater(Lane::splat(1e-10), change, one, zero);
            ended = Lane::if_greater(Lane::splat(1e-9), jump, ended, zero);
            for l in 0..LANES {
                if ended.0[l] > done.0[l] {
                    done.0[l] = 1.0;
                    best.copy_lane(l, space.batch, l);
                }
            }
            if !one.any_greater(done) {
                break;
            }
        }
        *space.batch = best;
        done
    }

    /// The likelihood and its slope at `ahead`.
    #[inline(always)]
    fn at_ahead(&mut self) -> Lane {
        self.table.probabilities(&self.ahead, &mut self.p);
        for k in 0..self.p.len() {
            self.ratios[k] = self.f[k] / self.p[k].max(Lane::splat(1e-300));
        }
        self.table.slope(&self.ratios, &mut self.sums, &mut self.slope);
        likelihood(&self.p, self.f)
    }

    /// The likelihood that `next` has at least if the step is short enough: `here + slope.move - |move|^2 / 2 length`.
    #[inline(always)]
    fn promised(&self, here: Lane, length: Lane) -> Lane {
        let (mut along, mut square) = (Lane::zero(), Lane::zero());
        for k in 0..self.next.len() {
            let moved = self.next[k] - self.ahead[k];
            along += self.slope[k] * moved;
            square += moved * moved;
        }
        here + along - square * (0.5 / self.table.outcomes as f64) / length
    }

    /// The size of the change of the state, its distance from `ahead`, and a number above 0 where the momentum leads back.
    #[inline(always)]
    fn moves(&self) -> (Lane, Lane, Lane) {
        let (mut change, mut jump, mut uphill) = (Lane::zero(), Lane::zero(), Lane::zero());
        for k in 0..self.next.len() {
            let (own, ahead) = (self.next[k] - self.now[k], self.next[k] - self.ahead[k]);
            change += own * own;
            jump += ahead * ahead;
            uphill -= ahead * own;
        }
        let share = 1.0 / self.table.outcomes as f64;
        ((change * share).sqrt(), (jump * share).sqrt(), uphill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::hermitian_values;
    use crate::metrics::random::{pure, state};
    use crate::noise::Noise;

    fn all(spins: usize) -> Settings {
        let axis = |k: usize, s: usize| (k / 3usize.pow(s as u32) % 3) as u8;
        let axes: Vec<Vec<u8>> =
            (0..3usize.pow(spins as u32)).map(|k| (0..spins).map(|s| axis(k, s)).collect()).collect();
        Settings::new(spins, &axes).unwrap()
    }

    /// Sets of counts of random states: mixed, of low rank, and with outcomes that never occur.
    fn drawn(settings: &Settings, sets: usize) -> Vec<u64> {
        let n = settings.outcomes();
        let one = |k: usize| {
            let rho = match k % 3 {
                0 => state(n, k as u64),
                1 => pure(n, k as u64),
                _ => Matrix::from_fn(n, n, |i, j| crate::linalg::real(f64::from(u8::from(i == 0 && j == 0)))),
            };
            let shots = vec![[30, 1000, 100_000][k / 3 % 3]; settings.places().len()];
            settings.drawn(&rho, &shots, &mut Noise::new(7, k as u64))
        };
        (0..sets).flat_map(one).collect()
    }

    /// Newton's method and projected gradients end within 1e-9 of the maximum.
    #[test]
    fn states_are_those_of_single_sets() {
        for (spins, sets) in [(1, 40), (2, 50), (3, 19)] {
            let settings = all(spins);
            let counts = drawn(&settings, sets);
            for estimator in [Estimator::Linear, Estimator::Nearest, Estimator::MaximumLikelihood] {
                let found = settings.reconstruct_all(&counts, estimator).unwrap();
                assert_eq!(found.iter().map(|batch| batch.sets).sum::<usize>(), sets);
                let within = if estimator == Estimator::MaximumLikelihood { 1e-7 } else { 1e-13 };
                for (k, own) in counts.chunks(counts.len() / sets).enumerate() {
                    let (batch, l) = (&found[k / LANES], k % LANES);
                    let right = settings.reconstruct(own, estimator).unwrap();
                    assert!(right.converged);
                    let far = (batch.state(l) - &right.state).norm();
                    assert!(far < within, "{spins} {k} {estimator:?}: {far}");
                    for (x, y) in batch.eigenvalues.iter().zip(hermitian_values(&batch.state(l)).unwrap()) {
                        assert!((x.0[l] - y).abs() < 1e-14);
                    }
                }
            }
        }
    }

    /// Every set alone, and all together: the same bits.
    #[test]
    fn sets_do_not_depend_on_each_other() {
        let settings = all(2);
        let counts = drawn(&settings, 37);
        for estimator in [Estimator::Nearest, Estimator::MaximumLikelihood] {
            let together = settings.reconstruct_all(&counts, estimator).unwrap();
            for (k, own) in counts.chunks(36).enumerate() {
                let alone = settings.reconstruct_all(own, estimator).unwrap();
                assert_eq!(alone[0].state(0), together[k / LANES].state(k % LANES), "{k}");
            }
        }
    }

    /// Settings that do not measure all products have no unique maximum over the means; four spins have no lanes.
    #[test]
    fn other_settings_are_reconstructed_too() {
        let few = Settings::new(2, &[vec![0, 0], vec![2, 2]]).unwrap();
        let many = Settings::new(4, &[vec![0, 1, 2, 0], vec![2, 2, 2, 2]]).unwrap();
        for (settings, sets) in [(few, 5), (many, 2)] {
            let counts = drawn(&settings, sets);
            for estimator in [Estimator::Linear, Estimator::MaximumLikelihood] {
                let found = settings.reconstruct_all(&counts, estimator).unwrap();
                for (l, own) in counts.chunks(counts.len() / sets).enumerate() {
                    let right = settings.reconstruct(own, estimator).unwrap().state;
                    assert!((found[0].state(l) - right).norm() < 1e-6, "{sets} {l} {estimator:?}");
                }
            }
        }
        assert!(all(1).reconstruct_all(&[], Estimator::Nearest).unwrap().is_empty());
    }
}
