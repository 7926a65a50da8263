//! Free induction decays: `s(t) = Tr[rho(t) F+]`.

#![expect(clippy::indexing_slicing, reason = "parts are lists of states of the space that the matrices are on")]

use super::decay::Decay;
use super::eigen_cache;
use super::engines::exact::{ExactClosed, observing, stacked, together, unstacked};
use super::engines::liouville::Liouville;
use super::engines::{StepError, Stepper, choose};
use super::generator::Generator;
use super::lines::Line;
use super::results::Trace;
use super::rotor::Turned;
use super::settings::Method;
use crate::hamiltonian::{Acquire, Receiver};
use crate::linalg::{C64, Eigen, Matrix, Vector, ZERO, adjoint, product};
use crate::noise::Noise;
use crate::spin::{Space, Sparse, State};
use std::cell::RefCell;
use std::sync::Arc;

/// FID of one member before the receiver phase, and its state after the acquisition (unspecified if `wanted` is false).
///
/// Without relaxation, `s(t) = sum_ab (V+ rho V)_ab (V+ F+ V)_ba exp(-i (E_a - E_b) t)`: one frequency per pair of levels connected by
/// F+. For a periodic Hamiltonian, as under MAS, see [`super::rotor`]; for relaxation see [`Liouville::decay`].
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
        let (out, end) = super::rotor::decay(acquire, generator, &raising, (&rho, wanted), tolerance, known)?;
        return Ok((out, end.unwrap_or_else(|| state.clone())));
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
        let (out, end) = Liouville::new(generator)?.decay(&stacked(&rho), &observed, dwell, points, wanted)?;
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
