//! Free induction decays: `s(t) = Tr[rho(t) F+]`.

#![expect(
    clippy::indexing_slicing,
    reason = "parts are lists of states of the space that the matrices are on, and a block of `moved` holds one more than its \
              points"
)]

use super::eigen_cache;
use super::engines::commutator_free::CommutatorFree;
use super::engines::exact::{ExactClosed, observing, stacked, together, unstacked};
use super::engines::liouville::Liouville;
use super::engines::{StepError, Stepper, choose};
use super::generator::{Generator, deviation};
use super::lines::Line;
use super::results::Trace;
use super::settings::Method;
use crate::hamiltonian::{Acquire, Receiver};
use crate::linalg::{C64, Eigen, Matrix, Vector, ZERO, adjoint, conjugate, identity, power, product};
use crate::noise::Noise;
use crate::spin::{Space, Sparse, State};
use std::cell::RefCell;
use std::sync::Arc;

/// The FID of one member: spectral lines if available, so that those of many members are evaluated together.
pub enum Decay {
    /// Angular frequencies and amplitudes.
    Lines(Vec<Line>),
    /// Sampled points.
    Points(Vec<C64>),
}

/// FID of one member before the receiver phase, and its state after the acquisition (unspecified if `wanted` is false).
///
/// Without relaxation, `s(t) = sum_ab (V+ rho V)_ab (V+ F+ V)_ba exp(-i (E_a - E_b) t)`: one frequency per pair of levels connected by
/// F+. Under MAS the Hamiltonian is periodic: if n dwell times are a whole number of rotor periods, `U(t_k)` is computed for k up to n,
/// and `s(t_(k + jn)) = Tr[U(t_n)^j rho U(t_n)^-j U(t_k)+ F+ U(t_k)]`. For relaxation see [`Liouville::decay`].
///
/// # Errors
/// If eigenvalues cannot be computed, or a method fails.
pub fn decay(
    acquire: &Acquire,
    generator: &Generator,
    space: &Space,
    state: &State,
    tolerance: f64,
    known: &mut Turned,
    wanted: bool,
) -> Result<(Decay, State), StepError> {
    let raising = Sparse::of(&acquire.receiver.raising, space).dense();
    let (points, dwell) = (acquire.receiver.points, acquire.receiver.dwell);
    let rho = state.density();
    if generator.is_closed() && !generator.is_constant() {
        let (out, turn) = turning(acquire, generator, &raising, &rho, tolerance, known)?;
        let end = if wanted { deviation(&rho, |d| conjugate(&turn.whole(), d)) } else { rho };
        return Ok((Decay::Points(out), State::Mixed(end)));
    }
    if generator.is_closed() {
        let out = Decay::Lines(closed_lines(generator, &raising, &rho)?);
        if !wanted {
            return Ok((out, state.clone()));
        }
        let end = ExactClosed::new(generator).advance(state, 0.0, dwell * points as f64)?;
        return Ok((out, end));
    }
    // Tr[rho F+] as a product of stacked matrices.
    let observed = observing(&raising);
    if generator.is_constant() && Liouville::fits(generator.dimension) {
        let (out, end) = Liouville::new(generator)?.decay(&stacked(&rho), &observed, dwell, points, wanted);
        return Ok((Decay::Points(out), State::Mixed(unstacked(&end))));
    }
    let signal = |v: &Vector| v.iter().zip(observed.iter()).map(|(x, f)| x * f).sum::<C64>();
    let mut out = Vec::with_capacity(points);
    let mut stepper: Box<dyn Stepper> = choose(generator, &acquire.segment, state, Method::Auto, 1e-9)?;
    let mut now = State::Mixed(rho);
    for k in 0..points {
        out.push(signal(&stacked(&now.density())));
        now = stepper.advance(&now, dwell * k as f64, dwell * (k + 1) as f64)?;
    }
    Ok((Decay::Points(out), now))
}

/// The lines of a constant Hamiltonian, between each pair of its invariant blocks.
fn closed_lines(generator: &Generator, raising: &Matrix, rho: &Matrix) -> Result<Vec<Line>, StepError> {
    let parts: Vec<(Vec<usize>, Arc<Eigen>)> = together(generator)
        .into_iter()
        .map(|states| {
            let eigen = eigen_cache::eigen(&generator.block(&states))?;
            Ok((states, eigen))
        })
        .collect::<Result<_, StepError>>()?;
    // The identity gives no signal, but at a polarisation of 1e-5 its rounding error would.
    let mean = rho.trace() / rho.nrows() as f64;
    let mut found: Vec<Line> = Vec::new();
    for (a, from) in &parts {
        for (b, to) in &parts {
            let observed = Matrix::from_fn(b.len(), a.len(), |i, j| raising[(b[i], a[j])]);
            if observed.iter().all(|x| *x == ZERO) {
                continue;
            }
            let here = |i: usize, j: usize| if a[i] == b[j] { rho[(a[i], b[j])] - mean } else { rho[(a[i], b[j])] };
            let state = Matrix::from_fn(a.len(), b.len(), here);
            let observed = observed_between(to, from, observed);
            let state = product(&product(&adjoint(&from.vectors), &state), &to.vectors);
            for i in 0..a.len() {
                for j in 0..b.len() {
                    let amplitude = state[(i, j)] * observed[(j, i)];
                    if amplitude != ZERO {
                        found.push((to.values[j] - from.values[i], amplitude));
                    }
                }
            }
        }
    }
    let largest = found.iter().map(|(_, x)| x.norm_sqr()).fold(0.0, f64::max);
    found.retain(|(_, x)| x.norm_sqr() > 1e-34 * largest);
    Ok(found)
}

/// An observable between two blocks, and the same in their eigenbases.
type Seen = (Arc<Eigen>, Arc<Eigen>, Matrix, Arc<Matrix>);

thread_local! {
    /// The latest of them: the points of a sweep share Hamiltonian and observable.
    static SEEN: RefCell<Vec<Seen>> = RefCell::default();
}

/// `V_to^dagger F V_from`, computed or taken from the cache.
fn observed_between(to: &Arc<Eigen>, from: &Arc<Eigen>, observed: Matrix) -> Arc<Matrix> {
    // Most entries, and most elements of all observables together: 16 MB in both bases.
    const KEPT: usize = 32;
    const ELEMENTS: usize = 1 << 19;
    let known = SEEN.with_borrow(|seen| {
        let same = |s: &&Seen| Arc::ptr_eq(&s.0, to) && Arc::ptr_eq(&s.1, from) && s.2 == observed;
        seen.iter().find(same).map(|s| s.3.clone())
    });
    known.unwrap_or_else(|| {
        let inside = Arc::new(product(&product(&adjoint(&to.vectors), &observed), &from.vectors));
        SEEN.with_borrow_mut(|seen| {
            seen.push((to.clone(), from.clone(), observed, inside.clone()));
            while seen.len() > KEPT || seen.iter().map(|s| s.3.len()).sum::<usize>() > ELEMENTS {
                seen.remove(0);
            }
        });
        inside
    })
}

/// The decay under a time-dependent Hamiltonian, in whole blocks of rotor periods if these match the dwell time.
fn turning(
    acquire: &Acquire,
    generator: &Generator,
    raising: &Matrix,
    rho: &Matrix,
    tolerance: f64,
    known: &mut Turned,
) -> Result<(Vec<C64>, Way), StepError> {
    let (points, dwell) = (acquire.receiver.points, acquire.receiver.dwell);
    let meet = |n: usize, period: f64| {
        let turns = n as f64 * dwell / period;
        turns > 0.5 && (turns - turns.round()).abs() * (points as f64 / n as f64) < 1e-6
    };
    let block = acquire.segment.period.and_then(|p| (1..=points).find(|n| meet(*n, p))).unwrap_or(points);
    // Propagators since the start of the block, point by point, in each invariant block of H.
    let parts = generator.parts();
    let mut moved: Vec<Vec<Matrix>> = vec![parts.iter().map(|p| identity(p.len())).collect()];
    for step in known.steps(acquire, generator, block, tolerance)? {
        let before = &moved[moved.len() - 1];
        moved.push(parts.iter().zip(before).map(|(p, u)| product(&inside(&step, p, p), u)).collect());
    }
    // The identity gives no signal, but at a polarisation of 1e-5 its rounding error would.
    let level = rho.trace() / rho.nrows() as f64;
    let mut deviation = rho.clone();
    crate::linalg::add_to_diagonal(&mut deviation, -level);
    // Coherences between two blocks that F+ connects: `Tr[rho F+] = sum Tr[rho_ab F_ba]`.
    let mut seen: Vec<Coherences> = Vec::new();
    for (a, from) in parts.iter().enumerate() {
        for (b, to) in parts.iter().enumerate() {
            let raising = inside(raising, to, from);
            if raising.iter().any(|x| *x != ZERO) {
                let turned = |u: &Vec<Matrix>| product(&product(&u[b].adjoint(), &raising), &u[a]).transpose();
                let observed = moved[..block].iter().map(turned).collect();
                seen.push(Coherences { parts: (a, b), observed, now: inside(&deviation, from, to) });
            }
        }
    }
    let mut out = Vec::with_capacity(points);
    let mut blocks = 0;
    while points - out.len() > block {
        out.extend((0..block).map(|k| seen.iter().map(|c| c.signal(k)).sum::<C64>()));
        seen.iter_mut().for_each(|c| c.turn(&moved[block]));
        blocks += 1;
    }
    let left = points - out.len();
    out.extend((0..left).map(|k| seen.iter().map(|c| c.signal(k)).sum::<C64>()));
    let turn = moved[block].clone();
    let last = moved.swap_remove(left);
    Ok((out, Way { parts: parts.to_vec(), turn, turns: blocks, last }))
}

/// Propagator over the acquisition: `turns` whole rotor blocks and a partial one.
struct Way {
    parts: Vec<Vec<usize>>,
    turn: Vec<Matrix>,
    turns: u64,
    last: Vec<Matrix>,
}

impl Way {
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

/// Cache of propagators between the points of a rotor block, for crystallites whose Hamiltonians are time-shifted copies of each other.
/// Among orientations that differ only in the rotor phase, by a whole number of points, the propagators are computed once
/// (gamma-COMPUTE; Levitt and Eden, Mol. Phys. 95, 879; Hohwy, Bildsoe, Jakobsen, Nielsen, J. Magn. Reson. 136, 6).
#[derive(Default)]
pub struct Turned {
    all: Vec<Turns>,
}

struct Turns {
    dwell: f64,
    /// Samples of the Hamiltonian at equidistant times, enough per interval to resolve all harmonics of the rotor.
    samples: Vec<Matrix>,
    steps: Vec<Arc<Matrix>>,
}

impl Turned {
    /// Number of cached crystallites.
    const KEPT: usize = 4;

    /// Number of rotor harmonics, with a margin: second-order interactions have four.
    const HARMONICS: usize = 16;

    /// The propagators of the intervals of a block.
    fn steps(
        &mut self,
        acquire: &Acquire,
        generator: &Generator,
        block: usize,
        tolerance: f64,
    ) -> Result<Vec<Arc<Matrix>>, StepError> {
        let dwell = acquire.receiver.dwell;
        let each = Self::HARMONICS.div_ceil(block);
        let periodic = acquire.segment.period.is_some() && block < acquire.receiver.points;
        let at = |k: usize| generator.hamiltonian(dwell * (k as f64 + 0.5) / each as f64);
        let samples: Vec<Matrix> = if periodic { (0..block * each).map(at).collect() } else { vec![] };
        if let Some(found) = self.all.iter().rev().filter(|t| t.dwell == dwell).find_map(|t| t.shifted(&samples, each))
        {
            return Ok(found);
        }
        let mut stepper = CommutatorFree::new(generator, tolerance, block as f64 * dwell)?;
        let mut steps = Vec::with_capacity(block);
        for k in 0..block {
            let next = stepper.over(dwell * k as f64, dwell * (k + 1) as f64)?;
            steps.push(Arc::new(next.unwrap_or_else(|| identity(generator.dimension))));
        }
        if periodic {
            if self.all.len() == Self::KEPT {
                self.all.remove(0);
            }
            self.all.push(Turns { dwell, samples, steps: steps.clone() });
        }
        Ok(steps)
    }
}

impl Turns {
    /// Reuses these propagators for a Hamiltonian shifted by a whole number of intervals; `None` if no shift matches.
    fn shifted(&self, samples: &[Matrix], each: usize) -> Option<Vec<Arc<Matrix>>> {
        let (n, block) = (self.samples.len(), self.steps.len());
        if samples.is_empty() || samples.len() != n || samples[0].shape() != self.samples[0].shape() {
            return None;
        }
        let largest = samples[0].iter().map(|x| x.norm()).fold(0.0, f64::max);
        // Sines and cosines of shifted angles differ by rounding.
        let same = |a: &Matrix, b: &Matrix| a.iter().zip(b.iter()).all(|(x, y)| (x - y).norm() <= 1e-13 * largest);
        let later =
            |shift: usize| samples.iter().enumerate().all(|(k, s)| same(s, &self.samples[(k + shift * each) % n]));
        let shift = (0..block).find(|shift| later(*shift))?;
        Some((0..block).map(|k| self.steps[(k + shift) % block].clone()).collect())
    }
}

/// The recorded trace of a decay: with receiver noise, without the points in the dead time. `number` is the index of the decay in the
/// run, `start` its start time.
pub fn trace(receiver: &Receiver, mut sum: Vec<C64>, number: usize, start: f64) -> Trace {
    if let Some((share, seed)) = receiver.noise {
        add_noise(&mut sum, share, (seed, number as u64));
    }
    let time: Vec<f64> = (0..receiver.points).map(|k| receiver.dwell * k as f64).collect();
    // Points in the dead time are not recorded.
    let seen = |t: f64| t >= receiver.dead_time * (1.0 - 1e-9);
    let part = |f: fn(&C64) -> f64| sum.iter().zip(&time).map(|(x, t)| seen(*t).then(|| f(x))).collect();
    let values = vec![
        (format!("signal({})", receiver.nucleus), part(|x| x.re)),
        (format!("signal_im({})", receiver.nucleus), part(|x| x.im)),
    ];
    let name = if number == 0 { "fid".to_string() } else { format!("fid{}", number + 1) };
    Trace { name, start, time, values }
}

/// Adds white noise: the standard deviation of each part is `share` times the largest point. Each decay of a run has its own noise.
fn add_noise(signal: &mut [C64], share: f64, (seed, number): (u64, u64)) {
    let deviation = share * signal.iter().map(|x| x.norm()).fold(0.0, f64::max);
    let mut noise = Noise::new(seed, number);
    for x in signal {
        *x += C64::new(noise.normal(), noise.normal()) * deviation;
    }
}
