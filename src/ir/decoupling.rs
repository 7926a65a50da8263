//! Decoupling sequences: trains of pulses that are repeated as long as they are on.

use super::event::{Event, EventKind};
use super::look::Look;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Place;
use crate::waveform::{Edges, Scalar};
use std::sync::Arc;

/// Settings of `decouple`: (keyword, description).
pub const DECOUPLE_SETTINGS: &[(&str, &str)] = &[
    ("rf", "the nutation frequency; that of the channel by default"),
    (
        "offset",
        "the frequency offset from the carrier: the phase advances by `2 pi offset t`, on resonance with spins at that offset",
    ),
];

/// The error for an event that cannot take place during the decoupling of a nucleus, which starts at `start`; `None` if it can. The events
/// of loops, branches and cycles are not looked at.
pub fn clash(event: &Event, nucleus: &str, start: Place) -> Option<Diagnostic> {
    let sends = |other: &str| other == nucleus;
    let (message, label, help) = match &event.kind {
        EventKind::Decouple(pulse) if sends(&pulse.nucleus) => (
            format!("{nucleus} is being decoupled already"),
            "a second decoupling sequence on this channel",
            "end the outer block before this one; blocks of other nuclei may be nested",
        ),
        EventKind::Lock(lock) if sends(&lock.nucleus) => (
            format!("{nucleus} is being decoupled, so its channel cannot send a lock"),
            "on the same channel",
            "end the `decouple` block before it",
        ),
        EventKind::Acquire { nucleus: other, .. } if sends(other) => (
            format!("{nucleus} is being decoupled, so its signal cannot be received"),
            "on the same channel",
            "end the `decouple` block before it, or decouple another nucleus",
        ),
        EventKind::Loop { look: Some(Look::Signal(detection)), .. } if sends(&detection.nucleus) => (
            format!("{nucleus} is being decoupled, so its signal cannot be received"),
            "on the same channel",
            "end the `decouple` block before it, or decouple another nucleus",
        ),
        EventKind::Pulse(_) | EventKind::Parallel { .. } | EventKind::Acquire { .. }
            if event.pulses().iter().any(|pulse| sends(&pulse.nucleus)) =>
        {
            (
                format!("{nucleus} is being decoupled, so its channel cannot send a pulse"),
                "on the same channel",
                "end the `decouple` block before it",
            )
        }
        EventKind::Evolve { .. } => (
            "`evolve` has its own Hamiltonian, without the field of a decoupling sequence".to_string(),
            "inside `decouple`",
            "end the `decouple` block before it, or use `delay`, in which all interactions act",
        ),
        EventKind::Tomography(_) => (
            "a tomography has its own pulses and signals".to_string(),
            "inside `decouple`",
            "end the `decouple` block before it",
        ),
        EventKind::Prepare(_) => (
            "a sequence starts with `prepare`, before any decoupling".to_string(),
            "inside `decouple`",
            "move it before the block",
        ),
        _ => return None,
    };
    let diagnostic = Diagnostic::new(Code::Contradiction, event.place.span(), message).label(label).help(help);
    Some(diagnostic.related(start.span(), "the decoupling starts here"))
}

/// A cycle of a sequence whose pulses are given by flip angles.
pub struct Decoupling {
    /// The pulses of its basic element: flip angle and phase, degrees.
    element: &'static [(f64, f64)],
    /// The phase shift of every element of the cycle, degrees.
    phase_shifts: &'static [f64],
}

/// Shaka, Keeler, Freeman, J. Magn. Reson. 53, 313.
pub const WALTZ16: Decoupling = Decoupling {
    element: &[
        (270.0, 180.0),
        (360.0, 0.0),
        (180.0, 180.0),
        (270.0, 0.0),
        (90.0, 180.0),
        (180.0, 0.0),
        (360.0, 180.0),
        (180.0, 0.0),
        (270.0, 180.0),
    ],
    phase_shifts: &[0.0, 180.0, 180.0, 0.0],
};

/// Shaka, Barker, Freeman, J. Magn. Reson. 64, 547.
pub const GARP: Decoupling = Decoupling {
    element: &[
        (30.5, 0.0),
        (55.2, 180.0),
        (257.8, 0.0),
        (268.3, 180.0),
        (69.3, 0.0),
        (62.2, 180.0),
        (85.0, 0.0),
        (91.8, 180.0),
        (134.5, 0.0),
        (256.1, 180.0),
        (66.4, 0.0),
        (45.9, 180.0),
        (25.5, 0.0),
        (72.7, 180.0),
        (119.5, 0.0),
        (138.2, 180.0),
        (258.4, 0.0),
        (64.9, 180.0),
        (70.9, 0.0),
        (77.2, 180.0),
        (98.2, 0.0),
        (133.6, 180.0),
        (255.9, 0.0),
        (65.6, 180.0),
        (53.4, 0.0),
    ],
    phase_shifts: &[0.0, 0.0, 180.0, 180.0],
};

/// Levitt, Freeman, Frenkiel, J. Magn. Reson. 47, 328.
pub const MLEV16: Decoupling = Decoupling {
    element: &[(90.0, 0.0), (180.0, 90.0), (90.0, 0.0)],
    phase_shifts: &[0.0, 0.0, 180.0, 180.0, 180.0, 0.0, 0.0, 180.0, 180.0, 180.0, 0.0, 0.0, 0.0, 180.0, 180.0, 0.0],
};

/// Shaka, Lee, Pines, J. Magn. Reson. 77, 274.
pub const DIPSI2: Decoupling = Decoupling {
    element: &[
        (320.0, 0.0),
        (410.0, 180.0),
        (290.0, 0.0),
        (285.0, 180.0),
        (30.0, 0.0),
        (245.0, 180.0),
        (375.0, 0.0),
        (265.0, 180.0),
        (370.0, 0.0),
    ],
    phase_shifts: &[0.0, 180.0, 180.0, 0.0],
};

impl Decoupling {
    /// The pulses of a cycle: flip angle and phase, degrees.
    fn pulses(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let shifted = |by: f64| self.element.iter().map(move |(angle, phase)| (*angle, (phase + by).rem_euclid(360.0)));
        self.phase_shifts.iter().flat_map(move |by| shifted(*by))
    }

    /// Strength, as a fraction of the peak, and the angle added to the phase, radian, over `u` from 0 to 1 of a duration. A pulse of 90
    /// degrees takes `quarter`, and the sequence has run for the time `elapsed` before.
    pub fn waveform(&self, u: &Scalar, quarter: f64, elapsed: f64, duration: f64) -> (Scalar, Scalar) {
        train(self.pulses().map(|(angle, phase)| (angle / 90.0 * quarter, phase)), u, elapsed, duration)
    }
}

/// Two-pulse phase modulation: pulses of equal length with phases `+phase/2` and `-phase/2`, radian. Bennett, Rienstra, Auger, Lakshmi,
/// Griffin, J. Chem. Phys. 103, 6951.
pub fn tppm(u: &Scalar, length: f64, phase: f64, elapsed: f64, duration: f64) -> (Scalar, Scalar) {
    let half = phase.to_degrees() / 2.0;
    train([(length, half), (length, -half)].into_iter(), u, elapsed, duration)
}

/// XiX: pulses of equal length with phases 0 and 180 degrees. Detken, Hardy, Ernst, Meier, Chem. Phys. Lett. 356, 298.
pub fn xix(u: &Scalar, length: f64, elapsed: f64, duration: f64) -> (Scalar, Scalar) {
    train([(length, 0.0), (length, 180.0)].into_iter(), u, elapsed, duration)
}

/// Phases of the element Q of SPINAL-64, degrees. Fung, Khitrin, Ermolaev, J. Magn. Reson. 142, 97.
const SPINAL_ELEMENT: [f64; 8] = [10.0, -10.0, 15.0, -15.0, 20.0, -20.0, 15.0, -15.0];

/// The signs of the phases of the elements of SPINAL-64: `Q Q' Q' Q Q' Q Q Q'`.
const SPINAL_SIGNS: [f64; 8] = [1.0, -1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0];

/// SPINAL-64, whose 64 pulses have equal lengths.
pub fn spinal64(u: &Scalar, length: f64, elapsed: f64, duration: f64) -> (Scalar, Scalar) {
    let element = |sign: f64| SPINAL_ELEMENT.iter().map(move |phase| (length, sign * phase));
    train(SPINAL_SIGNS.into_iter().flat_map(element), u, elapsed, duration)
}

/// Strength and phase (radian) of pulses given by length and phase in degrees, repeated, over `u` from 0 to 1 of a duration.
fn train(pulses: impl Iterator<Item = (f64, f64)>, u: &Scalar, elapsed: f64, duration: f64) -> (Scalar, Scalar) {
    // Pulses of one phase are one step.
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for (length, phase) in pulses {
        match steps.last_mut() {
            Some((whole, last)) if *last == phase => *whole += length,
            _ => steps.push((length, phase)),
        }
    }
    let edges = Arc::new(Edges::of(steps.iter().map(|(length, _)| *length)));
    let time = u.scaled(duration).plus(&Scalar::Constant(elapsed));
    let along = |phase: f64| match phase {
        0.0 => Some(1.0),
        180.0 => Some(-1.0),
        _ => None,
    };
    // A field along one axis has a sign in the place of a phase, so that it is one term of the Hamiltonian.
    match steps.iter().map(|(_, phase)| along(*phase)).collect::<Option<Arc<[f64]>>>() {
        Some(signs) => (time.train(&edges, signs), Scalar::Constant(0.0)),
        None => {
            let phases = steps.iter().map(|(_, phase)| phase.to_radians()).collect();
            (Scalar::Constant(1.0), time.train(&edges, phases))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cycle returns to where it began: as many degrees in every direction, for those along one axis.
    #[test]
    fn cycles_are_balanced_and_follow_their_papers() {
        for (sequence, quarters) in [(&WALTZ16, 96.0), (&GARP, 4.0 * 2857.0 / 90.0), (&DIPSI2, 4.0 * 2590.0 / 90.0)] {
            let net: f64 = sequence.pulses().map(|(angle, phase)| angle * phase.to_radians().cos()).sum();
            let whole: f64 = sequence.pulses().map(|(angle, _)| angle / 90.0).sum();
            assert!(net.abs() < 1e-9 && (whole - quarters).abs() < 1e-9, "{net} {whole}");
        }
        assert_eq!(MLEV16.pulses().map(|(angle, _)| angle).sum::<f64>(), 16.0 * 360.0);
        // The phases of the published table of SPINAL-64 add up to zero in each half of the cycle.
        let phases: f64 = SPINAL_SIGNS.iter().take(4).flat_map(|s| SPINAL_ELEMENT.map(|p| s * p)).sum();
        assert_eq!(phases, 0.0);
    }

    #[test]
    fn a_waveform_is_the_pulses_one_after_the_other() {
        let (quarter, duration) = (10e-6, 3e-3);
        for (sequence, elapsed) in
            [(&WALTZ16, 0.0), (&WALTZ16, 1.7e-3), (&GARP, 0.0), (&MLEV16, 0.2e-3), (&DIPSI2, 0.0)]
        {
            let (strength, phase) = sequence.waveform(&Scalar::time(), quarter, elapsed, duration);
            let pulses: Vec<(f64, f64)> = sequence.pulses().collect();
            for k in 0..2000 {
                let u = (f64::from(k) + 0.37) / 2000.0;
                let mut left = (elapsed + u * duration) / quarter * 90.0;
                let mut all = pulses.iter().cycle();
                let expected = loop {
                    let (angle, phase) = all.next().unwrap();
                    if left < *angle {
                        break phase.to_radians();
                    }
                    left -= angle;
                };
                let (a, p) = (strength.at(u), phase.at(u));
                let error = (a * p.cos() - expected.cos()).hypot(a * p.sin() - expected.sin());
                assert!(error < 1e-12, "{u}: {a} {p} {expected}");
            }
        }
    }
}
