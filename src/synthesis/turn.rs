//! Rotations of a spin 1/2 as unit quaternions, and the pulses that make them.

use super::block::Pulse;
use std::f64::consts::PI;

/// Below this, a component of a unit quaternion is rounding.
const ROUNDING: f64 = 1e-13;

/// A rotation `U = w - i (x X + y Y + z Z)`, with `w^2 + x^2 + y^2 + z^2 = 1`; U and -U are the same rotation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn {
    /// Cosine of half the angle.
    pub w: f64,
    /// Axis times the sine of half the angle.
    pub v: [f64; 3],
}

impl Turn {
    /// No rotation.
    pub const NONE: Turn = Turn { w: 1.0, v: [0.0; 3] };

    /// `exp(-i angle (axis . I))`; the axis need not be normalised.
    pub fn about(axis: [f64; 3], angle: f64) -> Turn {
        let length = axis.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length == 0.0 {
            return Turn::NONE;
        }
        let (sin, cos) = (0.5 * angle).sin_cos();
        Turn { w: cos, v: axis.map(|x| sin * x / length) }
    }

    /// `exp(-i angle Iz)`.
    pub fn z(angle: f64) -> Turn {
        Turn::about([0.0, 0.0, 1.0], angle)
    }

    /// The rotation of an ideal pulse.
    pub fn of(pulse: Pulse) -> Turn {
        Turn::about([pulse.phase.cos(), pulse.phase.sin(), 0.0], pulse.angle)
    }

    /// This rotation, followed by another one.
    pub fn then(self, next: Turn) -> Turn {
        let ([a, b, c], [x, y, z]) = (next.v, self.v);
        let w = next.w * self.w - a * x - b * y - c * z;
        let v = [
            next.w * x + self.w * a + b * z - c * y,
            next.w * y + self.w * b + c * x - a * z,
            next.w * z + self.w * c + a * y - b * x,
        ];
        let length = (w * w + v.iter().map(|x| x * x).sum::<f64>()).sqrt();
        Turn { w: w / length, v: v.map(|x| x / length) }
    }

    /// The inverse rotation.
    pub fn inverse(self) -> Turn {
        Turn { w: self.w, v: self.v.map(|x| -x) }
    }

    /// The vector `u` with `U (v . I) U^dagger = u . I`.
    pub fn rotate(self, v: [f64; 3]) -> [f64; 3] {
        let p = Turn { w: 0.0, v };
        // The product of quaternions that are not normalised, so `then` cannot be used.
        let times = |a: Turn, b: Turn| {
            let ([a1, a2, a3], [b1, b2, b3]) = (a.v, b.v);
            Turn {
                w: a.w * b.w - a1 * b1 - a2 * b2 - a3 * b3,
                v: [
                    a.w * b1 + b.w * a1 + a2 * b3 - a3 * b2,
                    a.w * b2 + b.w * a2 + a3 * b1 - a1 * b3,
                    a.w * b3 + b.w * a3 + a1 * b2 - a2 * b1,
                ],
            }
        };
        times(times(self, p), self.inverse()).v
    }

    /// The direction n with `U^dagger Iz U = n . I`.
    pub fn toggled_z(self) -> [f64; 3] {
        self.inverse().rotate([0.0, 0.0, 1.0])
    }

    /// True if it is the identity, up to the sign of U.
    pub fn is_none(self) -> bool {
        self.v.iter().all(|x| x.abs() < 1e-12)
    }

    /// The pulse, and the angle of a rotation about z after it, that make this rotation: `U = Rz(angle) R(pulse)`.
    pub fn pulse_then_z(self) -> (Option<Pulse>, f64) {
        let [x, y, z] = self.v;
        let (along, across) = (self.w.hypot(z), x.hypot(y));
        // For a flip angle of 180 deg the angle about z is free.
        let angle = if along < ROUNDING { 0.0 } else { 2.0 * z.atan2(self.w) };
        if across < ROUNDING {
            return (None, angle);
        }
        let flip = 2.0 * across.atan2(along);
        (Some(Pulse::new(flip, y.atan2(x) - 0.5 * angle)), angle)
    }

    /// At most two pulses that make this rotation. Two pulses of one flip angle a with phases p and p + d have
    /// `w = 1 - s^2 (1 + cos d)` and `z = -s^2 sin d` with `s = sin(a/2)`; every rotation is of this form.
    pub fn pulses(self) -> Vec<Pulse> {
        if self.is_none() {
            return vec![];
        }
        if self.v[2].abs() < ROUNDING {
            return self.pulse_then_z().0.into_iter().collect();
        }
        let two = |t: Turn| {
            let d = 2.0 * (-t.v[2]).atan2(1.0 - t.w);
            let s2 = ((1.0 - t.w).powi(2) + t.v[2].powi(2)) / (2.0 * (1.0 - t.w));
            (d, s2.clamp(0.0, 1.0))
        };
        let negative = Turn { w: -self.w, v: self.v.map(|x| -x) };
        // The sign of U that needs the shorter pulses.
        let turn = if self.w.abs() < 1.0 - 1e-9 && two(negative).1 < two(self).1 { negative } else { self };
        let turn = if (1.0 - turn.w).abs() < 1e-9 { Turn { w: -turn.w, v: turn.v.map(|x| -x) } } else { turn };
        let (d, s2) = two(turn);
        let flip = 2.0 * s2.sqrt().asin();
        let (first, second) = (Pulse::new(flip, 0.0), Pulse::new(flip, d));
        // Both phases are turned together until the transverse parts of the axis agree.
        let made = Turn::of(first).then(Turn::of(second));
        let agree = if made.w * turn.w + made.v[2] * turn.v[2] >= 0.0 { 0.0 } else { PI };
        let turned = turn.v[1].atan2(turn.v[0]) - made.v[1].atan2(made.v[0]) + agree;
        vec![Pulse::new(first.angle, turned), Pulse::new(second.angle, d + turned)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    fn same(a: Turn, b: Turn) -> bool {
        let overlap = a.w * b.w + a.v.iter().zip(b.v).map(|(x, y)| x * y).sum::<f64>();
        (overlap.abs() - 1.0).abs() < 1e-12
    }

    #[test]
    fn pulses_make_the_rotation() {
        let mut noise = Noise::new(1, 0);
        let mut turns: Vec<Turn> = vec![Turn::z(PI), Turn::z(0.3), Turn::z(-2.0), Turn::about([1.0, 0.0, 0.0], PI)];
        for _ in 0..200 {
            let axis = [noise.even() - 0.5, noise.even() - 0.5, noise.even() - 0.5];
            turns.push(Turn::about(axis, 6.3 * noise.even()));
        }
        for turn in turns {
            let made = turn.pulses().into_iter().fold(Turn::NONE, |t, p| t.then(Turn::of(p)));
            assert!(same(made, turn), "{turn:?}: {:?} make {made:?}", turn.pulses());
            let (pulse, angle) = turn.pulse_then_z();
            let made = pulse.map_or(Turn::NONE, Turn::of).then(Turn::z(angle));
            assert!(same(made, turn), "{turn:?}");
        }
    }

    #[test]
    fn a_quarter_turn_about_x_takes_z_to_minus_y() {
        let turn = Turn::about([1.0, 0.0, 0.0], 0.5 * PI);
        let [x, y, z] = turn.rotate([0.0, 0.0, 1.0]);
        assert!(x.abs() < 1e-15 && (y + 1.0).abs() < 1e-15 && z.abs() < 1e-15);
    }
}
