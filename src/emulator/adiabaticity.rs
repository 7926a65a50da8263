//! How slowly a field turns, beside how fast the spins turn about it: `Q = omega_eff / |d theta / dt|`, at its least. A sweep or
//! a ramp is followed where Q is far above 1.

use crate::hamiltonian::{Segment, Term};
use crate::linalg::hermitian_eigen;

/// Samples of a pulse.
const SAMPLES: usize = 4000;

/// The least factor of a pulse whose frequency sweeps, or of a ramp, and what it was taken for; `None` for any other segment.
///
/// For a sweep, `omega_eff` is made of the rf and its distance from a spin at the carrier. For a ramp at constant phase it is made of
/// the rf and the local field of the couplings, `omega_L^2 = Tr H^2 / Tr Fz^2`, which stands for the field of the others.
#[expect(
    clippy::indexing_slicing,
    reason = "samples are taken from 0 to below their number, at most two windows before `k`"
)]
pub fn least_factor(segment: &Segment) -> Option<(f64, &'static str)> {
    let fields: Vec<&Term> = segment.fields().collect();
    if fields.iter().all(|(c, _)| c.constant().is_some()) {
        return None;
    }
    let at = |k: usize, t: f64| fields.get(k).map_or(0.0, |(c, _)| c.at(t));
    let dt = segment.duration / SAMPLES as f64;
    let point = |k: usize| {
        let t = dt * (k as f64 + 0.5);
        (at(0, t).hypot(at(1, t)), at(1, t).atan2(at(0, t)))
    };
    let samples: Vec<(f64, f64)> = (0..SAMPLES).map(point).collect();
    let turn = |k: usize| {
        let difference: f64 = samples[k + 1].1 - samples[k].1;
        (difference + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI
    };
    let sweeps = fields.len() == 2 && (0..SAMPLES - 1).any(|k| turn(k).abs() > 1e-9);
    let local = if sweeps { 0.0 } else { local_field(segment)? };
    // Over a hundredth of the whole, so that the steps of a transmitter are not taken for jumps.
    const WINDOW: usize = SAMPLES / 100;
    let other = |k: usize| match sweeps {
        true => (k - WINDOW..k).map(turn).sum::<f64>() / (WINDOW as f64 * dt),
        false => local,
    };
    let mut least = f64::INFINITY;
    for k in (2 * WINDOW..SAMPLES - 1).step_by(WINDOW / 4) {
        let (before, now) = ((samples[k - WINDOW].0, other(k - WINDOW)), (samples[k].0, other(k)));
        let turned = (now.0.atan2(now.1) - before.0.atan2(before.1)).abs() / (WINDOW as f64 * dt);
        if turned > 0.0 {
            let middle = (samples[k - WINDOW / 2].0, other(k - WINDOW / 2));
            least = least.min(middle.0.hypot(middle.1) / turned);
        }
    }
    let of = if sweeps { "a spin at the carrier" } else { "the local field of the couplings" };
    least.is_finite().then_some((least, of))
}

/// `sqrt(Tr H^2 / Tr Fz^2)` of the constant internal Hamiltonian; `None` where there is none, or it is large.
fn local_field(segment: &Segment) -> Option<f64> {
    const LARGEST: usize = 256;
    let [(_, h)] = segment.drift.as_slice() else { return None };
    if h.dimension() > LARGEST {
        return None;
    }
    let square = |m: crate::linalg::Matrix| -> Option<f64> {
        let eigen = hermitian_eigen(&m).ok()?;
        let mean = eigen.values.iter().sum::<f64>() / eigen.values.len() as f64;
        Some(eigen.values.iter().map(|x| (x - mean).powi(2)).sum())
    };
    // Tr Fx^2 of the channel is Tr Fz^2.
    let field = square(segment.fields().last()?.1.matrix())?;
    let local = square(h.matrix())?;
    (local > 0.0 && field > 0.0).then(|| (local / field).sqrt())
}
