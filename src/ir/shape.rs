//! Envelopes of pulses and ways of a ramp from one field to another: one table each.

use crate::source::Place;
use crate::units::Dimension;
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, TAU};

/// An argument of a shape.
#[derive(Clone, Copy)]
pub struct ShapeArgument {
    /// What it is.
    pub meaning: &'static str,
    /// What it is when it is not given; `None` where it must be.
    pub default: Option<f64>,
    /// Its dimension.
    pub dimension: Dimension,
    /// Its least and its largest value.
    pub range: (f64, f64),
}

/// The envelope of a pulse over `u` from 0 to 1: a share of the peak, and an angle that is added to the phase.
#[derive(Clone, Copy)]
pub struct PulseShape {
    /// Its word.
    pub name: &'static str,
    /// Its arguments; those without a default come first.
    pub arguments: &'static [ShapeArgument],
    /// Whether its frequency sweeps through resonance: then it has no flip angle.
    pub swept: bool,
    /// What it is.
    pub meaning: &'static str,
    /// The envelope at `u`, for the arguments and the duration.
    pub value: fn(f64, &[f64], f64) -> (f64, f64),
}

const fn plain(meaning: &'static str, default: f64, range: (f64, f64)) -> ShapeArgument {
    ShapeArgument { meaning, default: Some(default), dimension: Dimension::NUMBER, range }
}

const ANY: (f64, f64) = (-f64::MAX, f64::MAX);

/// A height at which an envelope is cut off.
const HEIGHT: (f64, f64) = (1e-12, 0.999);

const BANDWIDTH: ShapeArgument = ShapeArgument {
    meaning: "the range of frequencies it sweeps, from the negative to the positive half",
    default: None,
    dimension: Dimension::FREQUENCY,
    range: ANY,
};

const RISE: ShapeArgument = ShapeArgument {
    meaning: "the time in which it rises at the beginning and falls at the end",
    default: Some(0.0),
    dimension: Dimension::TIME,
    range: (0.0, f64::MAX),
};

/// The envelopes.
pub const PULSE_SHAPES: &[PulseShape] = &[
    PulseShape {
        name: "rectangular",
        arguments: &[RISE],
        swept: false,
        meaning: "constant, with straight flanks where they take time",
        value: |u, a, duration| {
            let flank = (u * duration).min((1.0 - u) * duration);
            (if flank < a[0] { flank / a[0] } else { 1.0 }, 0.0)
        },
    },
    PulseShape {
        name: "gauss",
        arguments: &[plain("the height at which it is cut off", 0.01, HEIGHT)],
        swept: false,
        meaning: "a Gaussian, cut off at both ends",
        value: |u, a, _| ((4.0 * a[0].ln() * (u - 0.5) * (u - 0.5)).exp(), 0.0),
    },
    PulseShape {
        name: "sinc",
        arguments: &[plain("the number of zeros on each side", 3.0, (1e-3, 1e3))],
        swept: false,
        meaning: "sin(x)/x",
        value: |u, a, _| {
            let x = PI * a[0] * (2.0 * u - 1.0);
            (if x.abs() < 1e-8 { 1.0 } else { x.sin() / x }, 0.0)
        },
    },
    PulseShape {
        name: "sine",
        arguments: &[],
        swept: false,
        meaning: "half a period of a sine",
        value: |u, _, _| ((PI * u).sin(), 0.0),
    },
    PulseShape {
        name: "hermite",
        arguments: &[plain("the factor of the quadratic term", 0.667, ANY)],
        swept: false,
        meaning: "a Gaussian times 1 - c x^2",
        value: |u, a, _| {
            let x = 6.0 * (u - 0.5);
            ((1.0 - a[0] * x * x) * (-x * x).exp(), 0.0)
        },
    },
    PulseShape {
        name: "sech",
        arguments: &[BANDWIDTH, plain("the height at which it is cut off", 0.01, HEIGHT)],
        swept: true,
        meaning: "hyperbolic secant whose frequency follows a hyperbolic tangent",
        value: |u, a, duration| {
            let beta = (1.0 / a[1]).acosh();
            let x = beta * (2.0 * u - 1.0);
            (1.0 / x.cosh(), PI * a[0] * duration / (2.0 * beta) * x.cosh().ln())
        },
    },
    PulseShape {
        name: "wurst",
        arguments: &[BANDWIDTH, plain("the power of its flanks", 20.0, (0.1, 1e3))],
        swept: true,
        meaning: "1 - |cos(pi u)|^n, its frequency sweeping evenly",
        value: |u, a, duration| (1.0 - (PI * u).cos().abs().powf(a[1]), even_sweep(u, a[0], duration)),
    },
    PulseShape {
        name: "chirp",
        arguments: &[BANDWIDTH, plain("the share of its length in which each flank rises as a sine", 0.1, (1e-6, 0.5))],
        swept: true,
        meaning: "constant between smooth flanks, its frequency sweeping evenly",
        value: |u, a, duration| {
            let edge = u.min(1.0 - u);
            let amplitude = if edge < a[1] { (0.5 * PI * edge / a[1]).sin() } else { 1.0 };
            (amplitude, even_sweep(u, a[0], duration))
        },
    },
];

/// The phase of a frequency that goes evenly from minus to plus half of a bandwidth.
fn even_sweep(u: f64, bandwidth: f64, duration: f64) -> f64 {
    0.5 * TAU * bandwidth * duration * (u - 0.5) * (u - 0.5)
}

impl PulseShape {
    /// The shape of this name.
    pub fn named(name: &str) -> Option<&'static PulseShape> {
        PULSE_SHAPES.iter().find(|s| s.name == name)
    }

    /// How many arguments must be given.
    pub fn fewest(&self) -> usize {
        self.arguments.iter().filter(|a| a.default.is_none()).count()
    }
}

/// A shape from a file: steps of equal length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShapeTable {
    /// Its name.
    pub name: String,
    /// Amplitude as a share of the peak, and phase in radian, step by step.
    pub steps: Vec<(f64, f64)>,
    /// Where it is declared.
    #[serde(skip)]
    pub place: Place,
}

/// A way from field `a` to field `b` over `u` from 0 to 1.
#[derive(Clone, Copy)]
pub struct Ramp {
    /// Its word.
    pub name: &'static str,
    /// What its argument is, if it has one; a frequency where `frequency` says so.
    pub argument: Option<&'static str>,
    /// Whether the argument is a frequency.
    pub frequency: bool,
    /// What it is.
    pub meaning: &'static str,
    /// The field at `u` between `a` and `b`, for the argument.
    pub value: fn(f64, f64, f64, f64) -> f64,
}

/// The ways of a ramp.
pub const RAMPS: &[Ramp] = &[
    Ramp {
        name: "linear",
        argument: None,
        frequency: false,
        meaning: "in equal steps",
        value: |u, a, b, _| a + (b - a) * u,
    },
    Ramp {
        name: "exponential",
        argument: Some("the number of time constants"),
        frequency: false,
        meaning: "a + (b - a) (1 - exp(-k u)) / (1 - exp(-k))",
        value: |u, a, b, k| a + (b - a) * (-k * u).exp_m1() / (-k).exp_m1(),
    },
    Ramp {
        name: "tan",
        argument: Some("the local field"),
        frequency: true,
        meaning: "the angle of the effective field to the local field changes evenly",
        value: |u, a, b, local| {
            let (from, to) = ((a / local).atan(), (b / local).atan());
            local * (from + (to - from) * u).tan()
        },
    },
    Ramp {
        name: "constant_adiabaticity",
        argument: Some("the local field"),
        frequency: true,
        meaning: "the sine of that angle changes evenly: the adiabaticity factor is constant",
        value: |u, a, b, local| {
            let sine = |field: f64| field / field.hypot(local);
            let s = sine(a) + (sine(b) - sine(a)) * u;
            local * s / (1.0 - s * s).sqrt()
        },
    },
];

impl Ramp {
    /// The ramp of this name.
    pub fn named(name: &str) -> Option<&'static Ramp> {
        RAMPS.iter().find(|r| r.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramps_begin_and_end_where_they_should() {
        for ramp in RAMPS {
            let (a, b, c) = (50e3, 10.0, 3e3);
            let c = if ramp.frequency { c } else { 5.0 };
            assert!(((ramp.value)(0.0, a, b, c) / a - 1.0).abs() < 1e-9, "{}", ramp.name);
            assert!(((ramp.value)(1.0, a, b, c) / b - 1.0).abs() < 1e-6, "{}", ramp.name);
            assert!((ramp.value)(0.5, a, b, c) < a);
        }
    }
}
