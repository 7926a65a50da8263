//! Free induction decays under a periodic Hamiltonian, as under MAS.
//!
//! If n dwell times are a whole number of rotor periods, `U(t_k)` is computed for k up to n, and
//! `s(t_(k + jn)) = Tr[U(t_n)^j rho U(t_n)^-j U(t_k)+ F+ U(t_k)]`. In the eigenbasis of `U(t_n) = sum_a exp(-i p_a) |a><a|` this is a sum
//! of lines, `sum_ab rho_ab (U(t_k)+ F+ U(t_k))_ba exp(-i (p_a - p_b) j)`.
//!
//! Crystallites that differ only in the rotor phase, by a whole number s of points, share propagators, eigenbasis and lines: their
//! state is moved back to the start of the first one, `rho' = W_s^dagger rho W_s` with `W_s = U(t_s) V`, and their points are those
//! from s on (gamma-COMPUTE; Levitt and Eden, Mol. Phys. 95, 879; Hohwy, Bildsoe, Jakobsen, Nielsen, J. Magn. Reson. 136, 6).

#![expect(
    clippy::indexing_slicing,
    reason = "parts are lists of states of the space that the matrices are on, a block of `moved` holds one more than its points, and \
              shifts are within a block"
)]

use super::decay::Decay;
use super::engines::StepError;
use super::engines::commutator_free::CommutatorFree;
use super::generator::{Generator, deviation};
use super::sidebands::Sidebands;
use crate::hamiltonian::Acquire;
use crate::linalg::{C64, Matrix, ZERO, adjoint, conjugate, identity, power, product, unitary_eigen};
use crate::spin::State;
use std::sync::Arc;

/// With fewer periods the propagator of a period is multiplied instead of diagonalised.
const FEWEST_PERIODS: usize = 8;

/// Fraction of the tolerance that the eigenbasis of a period may cost over all periods.
const SHARE: f64 = 1e-3;

/// The decay under a time-dependent Hamiltonian, in whole blocks of rotor periods if these match the dwell time, and the state at its
/// end if it is wanted.
///
/// # Errors
/// If a method fails.
pub fn decay(
    acquire: &Acquire,
    generator: &Generator,
    raising: &Matrix,
    (rho, wanted): (&Matrix, bool),
    tolerance: f64,
    known: &mut Turned,
) -> Result<(Decay, Option<State>), StepError> {
    let points = acquire.receiver.points;
    let block = block(acquire);
    let (turns, shift) = known.turns(acquire, generator, block, tolerance)?;
    // The identity gives no signal, but at a polarisation of 1e-5 its rounding error would.
    let level = rho.trace() / rho.nrows() as f64;
    let mut apart = rho.clone();
    crate::linalg::add_to_diagonal(&mut apart, -level);
    let end = |way: &Way| State::Mixed(deviation(rho, |d| conjugate(&way.whole(), d)));
    let parts = generator.parts();
    if points / block >= FEWEST_PERIODS {
        let accuracy = (SHARE * tolerance * block as f64 / points as f64).max(32.0 * f64::EPSILON);
        let own = turns.basis(parts, raising, accuracy).map(|basis| basis.sidebands(&apart, shift));
        if let Some(own) = own {
            let end = wanted.then(|| end(&Way::of(parts, &turns.moved(parts, shift), points)));
            return Ok((Decay::Sidebands(own), end));
        }
    }
    let moved = turns.moved(parts, shift);
    let out = by_products(parts, &moved, raising, &apart, points);
    Ok((Decay::Points(out), wanted.then(|| end(&Way::of(parts, &moved, points)))))
}

/// Number of points after which whole rotor periods are over; all points if there is none.
fn block(acquire: &Acquire) -> usize {
    let (points, dwell) = (acquire.receiver.points, acquire.receiver.dwell);
    let meet = |n: usize, period: f64| {
        let turns = n as f64 * dwell / period;
        turns > 0.5 && (turns - turns.round()).abs() * (points as f64 / n as f64) < 1e-6
    };
    acquire.segment.period.and_then(|p| (1..=points).find(|n| meet(*n, p))).unwrap_or(points)
}

/// The points of a decay, block by block. `moved` are the propagators of a block, point by point, in each invariant block of H.
fn by_products(
    parts: &[Vec<usize>],
    moved: &[Vec<Matrix>],
    raising: &Matrix,
    apart: &Matrix,
    points: usize,
) -> Vec<C64> {
    let block = moved.len() - 1;
    let mut seen: Vec<Coherences> = connected(parts, raising)
        .into_iter()
        .map(|((a, b), raising)| {
            let observed = moved[..block].iter().map(|u| turned(&u[a], &raising, &u[b])).collect();
            Coherences { parts: (a, b), observed, now: inside(apart, &parts[a], &parts[b]) }
        })
        .collect();
    let mut out = Vec::with_capacity(points);
    while points - out.len() > block {
        out.extend((0..block).map(|k| seen.iter().map(|c| c.signal(k)).sum::<C64>()));
        seen.iter_mut().for_each(|c| c.turn(&moved[block]));
    }
    let left = points - out.len();
    out.extend((0..left).map(|k| seen.iter().map(|c| c.signal(k)).sum::<C64>()));
    out
}

/// Pairs of blocks of the space that F+ connects, with F+ between them: `Tr[rho F+] = sum Tr[rho_ab F_ba]`.
fn connected(parts: &[Vec<usize>], raising: &Matrix) -> Vec<((usize, usize), Matrix)> {
    let pairs = (0..parts.len()).flat_map(|a| (0..parts.len()).map(move |b| (a, b)));
    let between = pairs.map(|(a, b)| ((a, b), inside(raising, &parts[b], &parts[a])));
    between.filter(|(_, raising)| raising.iter().any(|x| *x != ZERO)).collect()
}

/// `(U_b^dagger F U_a)^T`, whose elements stand where those of a coherence between the blocks a and b do.
fn turned(from: &Matrix, raising: &Matrix, to: &Matrix) -> Matrix {
    product(&product(&adjoint(to), raising), from).transpose()
}

/// Propagator over the acquisition: `turns` whole rotor blocks and a partial one.
struct Way {
    parts: Vec<Vec<usize>>,
    turn: Vec<Matrix>,
    turns: u64,
    last: Vec<Matrix>,
}

impl Way {
    /// From the propagators of a block.
    fn of(parts: &[Vec<usize>], moved: &[Vec<Matrix>], points: usize) -> Way {
        let block = moved.len() - 1;
        let turns = points.saturating_sub(1) / block;
        let (turn, last) = (moved[block].clone(), moved[points - turns * block].clone());
        Way { parts: parts.to_vec(), turn, turns: turns as u64, last }
    }

    /// The total propagator.
    fn whole(&self) -> Matrix {
        let n = self.parts.iter().map(Vec::len).sum();
        let mut whole = Matrix::zeros(n, n);
        for (p, (last, turn)) in self.parts.iter().zip(self.last.iter().zip(&self.turn)) {
            let u = product(last, &power(turn, self.turns));
            for (j, &column) in p.iter().enumerate() {
                p.iter().enumerate().for_each(|(i, &row)| whole[(row, column)] = u[(i, j)]);
            }
        }
        whole
    }
}

/// A submatrix: some rows and columns of a matrix.
fn inside(m: &Matrix, rows: &[usize], columns: &[usize]) -> Matrix {
    Matrix::from_fn(rows.len(), columns.len(), |i, j| m[(rows[i], columns[j])])
}

/// The coherences between two blocks of the space, and their observable.
struct Coherences {
    parts: (usize, usize),
    /// F+ at every point of a rotor block, transposed.
    observed: Vec<Matrix>,
    now: Matrix,
}

impl Coherences {
    fn signal(&self, point: usize) -> C64 {
        self.observed[point].iter().zip(self.now.iter()).map(|(f, x)| f * x).sum()
    }

    /// Propagates them by one rotor block.
    fn turn(&mut self, u: &[Matrix]) {
        self.now = product(&product(&u[self.parts.0], &self.now), &u[self.parts.1].adjoint());
    }
}

/// Cache of the propagators of crystallites whose Hamiltonians are time-shifted copies of each other.
#[derive(Default)]
pub struct Turned {
    all: Vec<Turns>,
}

/// The propagators of a block, and its eigenbasis.
struct Turns {
    dwell: f64,
    /// Samples of the Hamiltonian at equidistant times, enough per interval to resolve all harmonics of the rotor.
    samples: Vec<Matrix>,
    /// Propagators between the points.
    steps: Vec<Matrix>,
    /// The eigenbasis of the block, computed on first use; `None` if it is not accurate enough.
    basis: Option<Option<Basis>>,
}

impl Turned {
    /// Number of cached crystallites.
    const KEPT: usize = 4;

    /// Number of rotor harmonics, with a margin: second-order interactions have four.
    const HARMONICS: usize = 16;

    /// The propagators of the intervals of a block, and the number of intervals by which the Hamiltonian is ahead of theirs.
    fn turns(
        &mut self,
        acquire: &Acquire,
        generator: &Generator,
        block: usize,
        tolerance: f64,
    ) -> Result<(&mut Turns, usize), StepError> {
        let dwell = acquire.receiver.dwell;
        let each = Self::HARMONICS.div_ceil(block);
        let periodic = acquire.segment.period.is_some() && block < acquire.receiver.points;
        let at = |k: usize| generator.hamiltonian(dwell * (k as f64 + 0.5) / each as f64);
        let samples: Vec<Matrix> = if periodic { (0..block * each).map(at).collect() } else { vec![] };
        let same = |(k, t): (usize, &Turns)| Some((k, t.shift(&samples, each)?));
        let known = self.all.iter().enumerate().rev().filter(|(_, t)| t.dwell == dwell).find_map(same);
        let (place, shift) = match known {
            Some(found) => found,
            None => {
                let mut stepper = CommutatorFree::new(generator, tolerance, block as f64 * dwell)?;
                let mut steps = Vec::with_capacity(block);
                for k in 0..block {
                    let next = stepper.over(dwell * k as f64, dwell * (k + 1) as f64)?;
                    steps.push(next.unwrap_or_else(|| identity(generator.dimension)));
                }
                if self.all.len() == Self::KEPT {
                    self.all.remove(0);
                }
                self.all.push(Turns { dwell, samples, steps, basis: None });
                (self.all.len() - 1, 0)
            }
        };
        Ok((&mut self.all[place], shift))
    }
}

impl Turns {
    /// The whole number of intervals by which a Hamiltonian is ahead of this one; `None` if there is none.
    fn shift(&self, samples: &[Matrix], each: usize) -> Option<usize> {
        let (n, block) = (self.samples.len(), self.steps.len());
        if samples.is_empty() || samples.len() != n || samples[0].shape() != self.samples[0].shape() {
            return None;
        }
        let largest = samples[0].iter().map(|x| x.norm_sqr()).fold(0.0, f64::max);
        // Sines and cosines of shifted angles differ by rounding.
        let same = |a: &Matrix, b: &Matrix| a.iter().zip(b.iter()).all(|(x, y)| (x - y).norm_sqr() <= 1e-26 * largest);
        let later =
            |shift: usize| samples.iter().enumerate().all(|(k, s)| same(s, &self.samples[(k + shift * each) % n]));
        (0..block).find(|shift| later(*shift))
    }

    /// Propagators from the start of the block that begins `shift` intervals later, point by point, in each invariant block of H.
    fn moved(&self, parts: &[Vec<usize>], shift: usize) -> Vec<Vec<Matrix>> {
        let block = self.steps.len();
        let mut moved: Vec<Vec<Matrix>> = vec![parts.iter().map(|p| identity(p.len())).collect()];
        for k in 0..block {
            let step = &self.steps[(k + shift) % block];
            let next = parts.iter().zip(&moved[k]).map(|(p, u)| product(&inside(step, p, p), u)).collect();
            moved.push(next);
        }
        moved
    }

    /// The eigenbasis of the block; `None` if it is not accurate enough.
    fn basis(&mut self, parts: &[Vec<usize>], raising: &Matrix, accuracy: f64) -> Option<&Basis> {
        let same = |b: &Option<Basis>| b.as_ref().is_none_or(|b| b.parts == parts && b.raising == *raising);
        if !self.basis.as_ref().is_some_and(same) {
            self.basis = Some(Basis::of(parts, raising, &self.moved(parts, 0), accuracy));
        }
        self.basis.as_ref().and_then(Option::as_ref)
    }
}

/// The eigenbasis of the propagator of a block, in each invariant block of H, and the observable in it.
struct Basis {
    parts: Vec<Vec<usize>>,
    raising: Matrix,
    /// `W_k = U(t_k) V`, point by point.
    frames: Vec<Vec<Matrix>>,
    /// Pairs of blocks that F+ connects, and `(W_k^dagger F W_k)^T` between them, point by point.
    pairs: Vec<((usize, usize), Vec<Matrix>)>,
    /// The phase of each line over a block, pair by pair, column by column.
    phases: Arc<Vec<f64>>,
}

impl Basis {
    /// From the propagators of the block; `None` if eigenvectors are not accurate enough.
    fn of(parts: &[Vec<usize>], raising: &Matrix, moved: &[Vec<Matrix>], accuracy: f64) -> Option<Basis> {
        let (whole, begin) = moved.split_last()?;
        let eigen = whole.iter().map(|u| unitary_eigen(u, accuracy).ok()).collect::<Option<Vec<_>>>()?;
        let frame = |at: &Vec<Matrix>| at.iter().zip(&eigen).map(|(u, (_, v))| product(u, v)).collect();
        let frames: Vec<Vec<Matrix>> = begin.iter().map(frame).collect();
        let mut phases = Vec::new();
        let mut pairs = Vec::new();
        for ((a, b), between) in connected(parts, raising) {
            pairs.push(((a, b), frames.iter().map(|w| turned(&w[a], &between, &w[b])).collect()));
            phases.extend(eigen[b].0.iter().flat_map(|to| eigen[a].0.iter().map(move |from| from - to)));
        }
        Some(Basis { parts: parts.to_vec(), raising: raising.clone(), frames, pairs, phases: Arc::new(phases) })
    }

    /// The decay of a deviation from the maximally mixed state, for a Hamiltonian that is `shift` intervals ahead.
    fn sidebands(&self, apart: &Matrix, shift: usize) -> Sidebands {
        let block = self.frames.len();
        let at = &self.frames[shift];
        let mut amplitudes = Vec::with_capacity(self.phases.len() * block);
        let mut phases = self.phases.iter();
        for ((a, b), observed) in &self.pairs {
            let here = inside(apart, &self.parts[*a], &self.parts[*b]);
            let here = product(&product(&adjoint(&at[*a]), &here), &at[*b]);
            for (line, x) in here.iter().enumerate() {
                // Points that follow the end of the block are a period later.
                let later = phases.next().map_or(ZERO, |p| C64::cis(-p)) * x;
                amplitudes.extend(observed[shift..].iter().map(|f| f[line] * x));
                amplitudes.extend(observed[..shift].iter().map(|f| f[line] * later));
            }
        }
        Sidebands { block, phases: self.phases.clone(), amplitudes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::random::{hamiltonian, unitary};

    /// Two blocks of two and three states, and F+ within and between them.
    fn parts() -> Vec<Vec<usize>> {
        vec![vec![0, 3], vec![1, 2, 4]]
    }

    /// A unitary on each of the two blocks, as one matrix.
    fn step(seed: u64) -> Matrix {
        let mut whole = Matrix::zeros(5, 5);
        for (part, n) in parts().iter().zip([2, 3]) {
            let u = unitary(n, seed + 100 * n as u64);
            for (j, &column) in part.iter().enumerate() {
                part.iter().enumerate().for_each(|(i, &row)| whole[(row, column)] = u[(i, j)]);
            }
        }
        whole
    }

    /// For every rotor phase, lines and products of blocks both give the points of the whole state, moved from point to point and
    /// observed there. Rounding of 90 products of 5 x 5 matrices: 1e-12 of the norms of state and observable.
    #[test]
    fn lines_give_the_points_of_a_state_moved_step_by_step() {
        const POINTS: usize = 90;
        for block in [1, 2, 7] {
            let steps: Vec<Matrix> = (0..block as u64).map(step).collect();
            let mut turns = Turns { dwell: 1.0, samples: vec![], steps: steps.clone(), basis: None };
            let (state, raising) = (hamiltonian(5, 8), product(&hamiltonian(5, 9), &unitary(5, 10)));
            let size = state.norm() * raising.norm();
            for shift in 0..block {
                let mut now = state.clone();
                let mut right = Vec::new();
                for k in 0..POINTS {
                    right.push(crate::linalg::trace_of_product(&now, &raising));
                    now = conjugate(&steps[(k + shift) % block], &now);
                }
                let lines = turns.basis(&parts(), &raising, 1e-13).unwrap().sidebands(&state, shift).points(POINTS);
                let moved = turns.moved(&parts(), shift);
                let products = by_products(&parts(), &moved, &raising, &state, POINTS);
                for (k, x) in right.iter().enumerate() {
                    assert!((lines[k] - x).norm() < 1e-12 * size, "{block}, {shift}, {k}: {} for {x}", lines[k]);
                    assert!((products[k] - x).norm() < 1e-12 * size, "{block}, {shift}, {k}: {} for {x}", products[k]);
                }
                let end = conjugate(&Way::of(&parts(), &moved, POINTS).whole(), &state);
                assert!((end - now).norm() < 1e-12 * state.norm(), "{block}, {shift}");
            }
        }
    }

    /// A basis is that of the observable that it was asked for last, and is refused if it cannot be accurate enough.
    #[test]
    fn another_observable_has_another_basis() {
        let mut turns = Turns { dwell: 1.0, samples: vec![], steps: vec![step(1), step(2)], basis: None };
        let state = hamiltonian(5, 3);
        for seed in [4, 5] {
            let raising = hamiltonian(5, seed);
            let first = turns.basis(&parts(), &raising, 1e-13).unwrap().sidebands(&state, 0).points(1)[0];
            assert!((first - crate::linalg::trace_of_product(&state, &raising)).norm() < 1e-12);
        }
        assert!(turns.basis(&parts(), &hamiltonian(5, 6), 0.0).is_none());
    }
}
