//! Decoupling sequences: trains of pulses that are repeated as long as they are on.

use crate::waveform::{Function, Scalar};

/// A cycle of a sequence.
pub struct Decoupling {
    /// The pulses of its basic element: flip angle and phase, degrees.
    element: &'static [(f64, f64)],
    /// By how much the phase of every element of the cycle is turned, degrees.
    turned: &'static [f64],
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
    turned: &[0.0, 180.0, 180.0, 0.0],
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
    turned: &[0.0, 0.0, 180.0, 180.0],
};

/// Levitt, Freeman, Frenkiel, J. Magn. Reson. 47, 328.
pub const MLEV16: Decoupling = Decoupling {
    element: &[(90.0, 0.0), (180.0, 90.0), (90.0, 0.0)],
    turned: &[0.0, 0.0, 180.0, 180.0, 180.0, 0.0, 0.0, 180.0, 180.0, 180.0, 0.0, 0.0, 0.0, 180.0, 180.0, 0.0],
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
    turned: &[0.0, 180.0, 180.0, 0.0],
};

impl Decoupling {
    /// The pulses of a cycle: flip angle and phase, degrees.
    fn pulses(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let turned = |by: f64| self.element.iter().map(move |(angle, phase)| (*angle, (phase + by).rem_euclid(360.0)));
        self.turned.iter().flat_map(move |by| turned(*by))
    }

    /// Strength, as a share, and the angle that is added to the phase, radian, over `u` from 0 to 1 of a duration. A pulse of 90 degrees
    /// takes `quarter`, and the sequence is on since the time `begun` before.
    pub fn waveform(&self, u: &Scalar, [quarter, begun]: [f64; 2], duration: f64) -> (Scalar, Scalar) {
        let along_x = self.pulses().all(|(_, phase)| phase == 0.0 || phase == 180.0);
        let whole: f64 = self.pulses().map(|(angle, _)| angle / 90.0).sum();
        // Quarters of a turn since the sequence is on, and since its cycle began.
        let since = u.scaled(duration / quarter).plus(&Scalar::Constant(begun / quarter));
        let now = since.minus(&since.scaled(1.0 / whole).apply(Function::Floor).scaled(whole));
        let value = |phase: f64| if along_x { if phase == 0.0 { 1.0 } else { -1.0 } } else { phase.to_radians() };
        let (mut at, mut before, mut out) = (0.0, None, Scalar::Constant(0.0));
        for (angle, phase) in self.pulses() {
            let next = value(phase);
            match before {
                None => out = Scalar::Constant(next),
                Some(last) if last != next => {
                    out = out.plus(&now.plus(&Scalar::Constant(-at)).apply(Function::Step).scaled(next - last));
                }
                Some(_) => {}
            }
            before = Some(next);
            at += angle / 90.0;
        }
        if along_x { (out, Scalar::Constant(0.0)) } else { (Scalar::Constant(1.0), out) }
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
    }

    #[test]
    fn a_waveform_is_the_pulses_one_after_the_other() {
        let (quarter, duration) = (10e-6, 3e-3);
        for (sequence, begun) in [(&WALTZ16, 0.0), (&WALTZ16, 1.7e-3), (&GARP, 0.0), (&MLEV16, 0.2e-3), (&DIPSI2, 0.0)]
        {
            let (strength, phase) = sequence.waveform(&Scalar::time(), [quarter, begun], duration);
            let pulses: Vec<(f64, f64)> = sequence.pulses().collect();
            for k in 0..2000 {
                let u = (f64::from(k) + 0.37) / 2000.0;
                let mut left = (begun + u * duration) / quarter * 90.0;
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
