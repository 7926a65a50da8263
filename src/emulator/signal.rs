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
use crate::hamiltonian::Acquire;
use crate::linalg::{C64, Eigen, Matrix, Vector, ZERO, conjugate, identity, power, product};
use crate::noise::Noise;
use crate::spin::{Space, Sparse, State};
use std::sync::Arc;

/// The decay of one member: its lines, where it has some, so that those of many members are added up at once.
pub enum Decay {
    /// Frequencies and amplitudes.
    Lines(Vec<Line>),
    /// Point by point.
    Points(Vec<C64>),
}

/// The decay of one member, without the receiver's phase, and the state behind it, where that is wanted; else any.
///
/// Without relaxation, `s(t) = sum_ab (V+ rho V)_ab (V+ F+ V)_ba exp(-i (E_a - E_b) t)`: one frequency a pair of levels that F+
/// connects. In a rotor the Hamiltonian repeats itself: where a number n of points fits a number of turns, `U(t_k)` is computed
/// for k up to n, and `s(t_(k + jn)) = Tr[U(t_n)^j rho U(t_n)^-j U(t_k)+ F+ U(t_k)]`. With
/// relaxation see [`Liouville::decay`].
///
/// # Errors
/// When eigenvalues cannot be computed, or a method fails.
pub fn decay(
    acquire: &Acquire,
    generator: &Generator,
    space: &Space,
    state: &State,
    tolerance: f64,
    known: &mut Turned,
    wanted: bool,
) -> Result<(Decay, State), StepError> {
    let raising = Sparse::of(&acquire.raising, space).dense();
    let (points, dwell) = (acquire.points, acquire.dwell);
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

/// The lines of a constant Hamiltonian, from one part of the space that it does not leave to another.
fn closed_lines(generator: &Generator, raising: &Matrix, rho: &Matrix) -> Result<Vec<Line>, StepError> {
    let parts: Vec<(Vec<usize>, Arc<Eigen>)> = together(generator)
        .into_iter()
        .map(|states| {
            let eigen = eigen_cache::eigen(&generator.block(&states))?;
            Ok((states, eigen))
        })
        .collect::<Result<_, StepError>>()?;
    // The identity gives no signal, and at a polarisation of 1e-5 its rounding would.
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
            let observed = product(&product(&to.vectors.adjoint(), &observed), &from.vectors);
            let state = product(&product(&from.vectors.adjoint(), &state), &to.vectors);
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

/// The decay under a Hamiltonian that changes, synchronised with the rotor where points and turns meet.
fn turning(
    acquire: &Acquire,
    generator: &Generator,
    raising: &Matrix,
    rho: &Matrix,
    tolerance: f64,
    known: &mut Turned,
) -> Result<(Vec<C64>, Way), StepError> {
    let (points, dwell) = (acquire.points, acquire.dwell);
    let meet = |n: usize, period: f64| {
        let turns = n as f64 * dwell / period;
        turns > 0.5 && (turns - turns.round()).abs() * (points as f64 / n as f64) < 1e-6
    };
    let block = acquire.segment.period.and_then(|p| (1..=points).find(|n| meet(*n, p))).unwrap_or(points);
    // What has happened since the beginning of the block, point by point, in each part of the space that H does not leave.
    let parts = generator.parts();
    let mut moved: Vec<Vec<Matrix>> = vec![parts.iter().map(|p| identity(p.len())).collect()];
    for step in known.steps(acquire, generator, block, tolerance)? {
        let before = &moved[moved.len() - 1];
        moved.push(parts.iter().zip(before).map(|(p, u)| product(&inside(&step, p, p), u)).collect());
    }
    // The identity gives no signal, and at a polarisation of 1e-5 its rounding would.
    let level = rho.trace() / rho.nrows() as f64;
    let mut deviation = rho.clone();
    crate::linalg::add_to_diagonal(&mut deviation, -level);
    // Coherences between two parts that F+ connects: `Tr[rho F+] = sum Tr[rho_ab F_ba]`.
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

/// How a state has come to the end of a decay: some blocks, and what was left of one.
struct Way {
    parts: Vec<Vec<usize>>,
    turn: Vec<Matrix>,
    turns: u64,
    last: Vec<Matrix>,
}

impl Way {
    /// The propagator of all of it.
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

/// Some rows and columns of a matrix.
fn inside(m: &Matrix, rows: &[usize], columns: &[usize]) -> Matrix {
    Matrix::from_fn(rows.len(), columns.len(), |i, j| m[(rows[i], columns[j])])
}

/// The coherences between two parts of the space, and what is seen of them.
struct Coherences {
    parts: (usize, usize),
    /// F+ at every point of a block, transposed.
    observed: Vec<Matrix>,
    now: Matrix,
}

impl Coherences {
    fn signal(&self, point: usize) -> C64 {
        self.observed[point].iter().zip(self.now.iter()).map(|(f, x)| f * x).sum()
    }

    /// Moves them by a block.
    fn turn(&mut self, u: &[Matrix]) {
        self.now = product(&product(&u[self.parts.0], &self.now), &u[self.parts.1].adjoint());
    }
}

/// Propagators from point to point of turns of a rotor, for crystallites whose Hamiltonians are those of others at another time: of
/// orientations that differ by the rotor's phase alone, and by a whole number of points, one needs them all and the others none
/// (gamma-COMPUTE; Levitt and Eden, Mol. Phys. 95, 879; Hohwy, Bildsoe, Jakobsen, Nielsen, J. Magn. Reson. 136, 6).
#[derive(Default)]
pub struct Turned {
    all: Vec<Turns>,
}

struct Turns {
    dwell: f64,
    /// Samples of the Hamiltonian at even times, so many an interval that all harmonics of the rotor are told apart.
    samples: Vec<Matrix>,
    steps: Vec<Arc<Matrix>>,
}

impl Turned {
    /// How many crystallites are remembered.
    const KEPT: usize = 4;

    /// Harmonics of the rotor, with room: interactions of second order have four.
    const HARMONICS: usize = 16;

    /// The propagators of the intervals of a block.
    fn steps(
        &mut self,
        acquire: &Acquire,
        generator: &Generator,
        block: usize,
        tolerance: f64,
    ) -> Result<Vec<Arc<Matrix>>, StepError> {
        let dwell = acquire.dwell;
        let each = Self::HARMONICS.div_ceil(block);
        let periodic = acquire.segment.period.is_some() && block < acquire.points;
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
    /// The propagators of a Hamiltonian that is this one some intervals later; `None` where it is at no time.
    fn shifted(&self, samples: &[Matrix], each: usize) -> Option<Vec<Arc<Matrix>>> {
        let (n, block) = (self.samples.len(), self.steps.len());
        if samples.is_empty() || samples.len() != n || samples[0].shape() != self.samples[0].shape() {
            return None;
        }
        let largest = samples[0].iter().map(|x| x.norm()).fold(0.0, f64::max);
        // Sines and cosines of shifted angles differ by their rounding.
        let same = |a: &Matrix, b: &Matrix| a.iter().zip(b.iter()).all(|(x, y)| (x - y).norm() <= 1e-13 * largest);
        let later =
            |shift: usize| samples.iter().enumerate().all(|(k, s)| same(s, &self.samples[(k + shift * each) % n]));
        let shift = (0..block).find(|shift| later(*shift))?;
        Some((0..block).map(|k| self.steps[(k + shift) % block].clone()).collect())
    }
}

/// The curve of a decay, as the receiver has it: with its noise, without what lies in its dead time. `number` counts the decays of a
/// run, and `start` is when it begins.
pub fn trace(acquire: &Acquire, mut sum: Vec<C64>, number: usize, start: f64) -> Trace {
    if let Some((share, seed)) = acquire.noise {
        add_noise(&mut sum, share, (seed, number as u64));
    }
    let time: Vec<f64> = (0..acquire.points).map(|k| acquire.dwell * k as f64).collect();
    // What lies in the dead time was never seen.
    let seen = |t: f64| t >= acquire.dead_time * (1.0 - 1e-9);
    let part = |f: fn(&C64) -> f64| sum.iter().zip(&time).map(|(x, t)| seen(*t).then(|| f(x))).collect();
    let values = vec![
        (format!("signal({})", acquire.nucleus), part(|x| x.re)),
        (format!("signal_im({})", acquire.nucleus), part(|x| x.im)),
    ];
    let name = if number == 0 { "fid".to_string() } else { format!("fid{}", number + 1) };
    Trace { name, start, time, values }
}

/// Adds white noise: its standard deviation in each part is a share of the largest point. Every decay of a run has its own.
fn add_noise(signal: &mut [C64], share: f64, (seed, number): (u64, u64)) {
    let deviation = share * signal.iter().map(|x| x.norm()).fold(0.0, f64::max);
    let mut noise = Noise::new(seed, number);
    for x in signal {
        *x += C64::new(noise.normal(), noise.normal()) * deviation;
    }
}
