//! Adiabaticity factor `Q = omega_eff / |d theta / dt|` of a sweep or ramp, at its minimum: nutation frequency about the effective
//! field over the rate at which that field changes direction. The spins follow adiabatically if Q is far above 1.

use crate::hamiltonian::{Segment, Term};
use crate::linalg::hermitian_eigen;

/// Number of time samples per pulse.
const SAMPLES: usize = 4000;

/// Minimum adiabaticity factor of a frequency-swept pulse or a ramp, and a label of the case; `None` for any other segment.
///
/// For a sweep, `omega_eff` combines the rf amplitude and its instantaneous offset from a spin at the carrier. For a ramp of constant
/// phase it combines the rf amplitude and the local field of the couplings, `omega_L^2 = Tr H^2 / Tr Fz^2`, an estimate of the field of
/// the neighbouring spins.
#[expect(
    clippy::indexing_slicing,
    reason = "sample indices run from 0 to SAMPLES - 1, and at most two windows before `k`"
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
    // Differentiate over a hundredth of the pulse, so that the amplitude steps of a transmitter do not count as jumps.
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

/// `sqrt(Tr H^2 / Tr Fz^2)` of the constant internal Hamiltonian; `None` if there is none or its dimension exceeds `LARGEST`.
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
    // Tr Fx^2 of the rf channel equals Tr Fz^2.
    let field = square(segment.fields().last()?.1.matrix())?;
    let local = square(h.matrix())?;
    (local > 0.0 && field > 0.0).then(|| (local / field).sqrt())
}
