//! Tables of pulse envelopes and amplitude ramps.

use super::decoupling::{self, DIPSI2, GARP, MLEV16, WALTZ16};
use crate::source::Place;
use crate::units::Dimension;
use crate::waveform::{Function, Scalar};
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, TAU};

/// An argument of a shape.
#[derive(Clone, Copy)]
pub struct ShapeArgument {
    /// Description.
    pub meaning: &'static str,
    /// Default value; `None` if it is required. NaN for the length of a 90 deg pulse, which the rf amplitude gives.
    pub default: Option<f64>,
    /// Dimension.
    pub dimension: Dimension,
    /// Minimum and maximum.
    pub range: (f64, f64),
}

/// Values of the arguments of a shape, in order, padded with zeros.
pub type ShapeValues = [f64; 3];

/// Envelope of a pulse over `u` from 0 to 1: amplitude as a fraction of the peak, and an angle added to the phase.
#[derive(Clone, Copy)]
pub struct PulseShape {
    /// Keyword.
    pub name: &'static str,
    /// Arguments; required ones first.
    pub arguments: &'static [ShapeArgument],
    /// True for frequency-swept (adiabatic) pulses and for trains of pulses, which have no flip angle.
    pub swept: bool,
    /// True for the trains of pulses of `decouple`.
    pub train: bool,
    /// Description.
    pub meaning: &'static str,
    /// Envelope as a function of `u`, for given arguments and duration.
    pub waveform: fn(&Scalar, ShapeValues, f64) -> (Scalar, Scalar),
}

const fn plain(meaning: &'static str, default: f64, range: (f64, f64)) -> ShapeArgument {
    ShapeArgument { meaning, default: Some(default), dimension: Dimension::NUMBER, range }
}

const ANY: (f64, f64) = (-f64::MAX, f64::MAX);

/// Range of the height at which an envelope is truncated.
const HEIGHT: (f64, f64) = (1e-12, 0.999);

const BANDWIDTH: ShapeArgument = ShapeArgument {
    meaning: "the sweep width, from the negative to the positive half",
    default: None,
    dimension: Dimension::FREQUENCY,
    range: ANY,
};

const RISE: ShapeArgument = ShapeArgument {
    meaning: "the rise and fall time",
    default: Some(0.0),
    dimension: Dimension::TIME,
    range: (0.0, f64::MAX),
};

const QUARTER: ShapeArgument = ShapeArgument {
    meaning: "the length of its 90 deg pulse",
    default: Some(f64::NAN),
    dimension: Dimension::TIME,
    range: (1e-12, f64::MAX),
};

const LENGTH: ShapeArgument = ShapeArgument {
    meaning: "the length of each of its pulses",
    default: None,
    dimension: Dimension::TIME,
    range: (1e-12, f64::MAX),
};

const DIFFERENCE: ShapeArgument = ShapeArgument {
    meaning: "the phase difference of its two pulses",
    default: None,
    dimension: Dimension::ANGLE,
    range: ANY,
};

const ELAPSED: ShapeArgument = ShapeArgument {
    meaning: "the time for which it has already run",
    default: Some(0.0),
    dimension: Dimension::TIME,
    range: (0.0, f64::MAX),
};

/// No phase in addition to that of the pulse.
const IN_PHASE: Scalar = Scalar::Constant(0.0);

/// `a + b u`.
fn line(u: &Scalar, a: f64, b: f64) -> Scalar {
    u.scaled(b).plus(&Scalar::Constant(a))
}

/// A train of pulses, which has no flip angle.
const fn train(
    name: &'static str,
    arguments: &'static [ShapeArgument],
    meaning: &'static str,
    waveform: fn(&Scalar, ShapeValues, f64) -> (Scalar, Scalar),
) -> PulseShape {
    PulseShape { name, arguments, swept: true, train: true, meaning, waveform }
}

/// The built-in envelopes.
pub const PULSE_SHAPES: &[PulseShape] = &[
    PulseShape {
        name: "rectangular",
        arguments: &[RISE],
        swept: false,
        train: false,
        meaning: "constant, with linear edges of the given length",
        waveform: |u, a, duration| {
            let nearest = u.extreme(Function::Min, &line(u, 1.0, -1.0));
            let one = Scalar::Constant(1.0);
            (if a[0] > 0.0 { nearest.scaled(duration / a[0]).extreme(Function::Min, &one) } else { one }, IN_PHASE)
        },
    },
    PulseShape {
        name: "gauss",
        arguments: &[plain("the truncation level", 0.01, HEIGHT)],
        swept: false,
        train: false,
        meaning: "a Gaussian, truncated at both ends",
        waveform: |u, a, _| {
            let x = line(u, -0.5, 1.0);
            (x.times(&x).scaled(4.0 * a[0].ln()).apply(Function::Exp), IN_PHASE)
        },
    },
    PulseShape {
        name: "sinc",
        arguments: &[plain("the number of zeros on each side", 3.0, (1e-3, 1e3))],
        swept: false,
        train: false,
        meaning: "sin(x)/x",
        waveform: |u, a, _| (line(u, -1.0, 2.0).scaled(PI * a[0]).apply(Function::Sinc), IN_PHASE),
    },
    PulseShape {
        name: "sine",
        arguments: &[],
        swept: false,
        train: false,
        meaning: "half a period of a sine",
        waveform: |u, _, _| (u.scaled(PI).apply(Function::Sin), IN_PHASE),
    },
    PulseShape {
        name: "hermite",
        arguments: &[plain("the coefficient of the quadratic term", 0.667, ANY)],
        swept: false,
        train: false,
        meaning: "a Gaussian times 1 - c x^2",
        waveform: |u, a, _| {
            let x = line(u, -0.5, 1.0).scaled(6.0);
            let square = x.times(&x);
            (line(&square, 1.0, -a[0]).times(&square.scaled(-1.0).apply(Function::Exp)), IN_PHASE)
        },
    },
    PulseShape {
        name: "sech",
        arguments: &[BANDWIDTH, plain("the truncation level", 0.01, HEIGHT)],
        swept: true,
        train: false,
        meaning: "hyperbolic secant with a hyperbolic tangent frequency sweep",
        waveform: |u, a, duration| {
            let beta = (1.0 / a[1]).acosh();
            let cosh = line(u, -1.0, 2.0).scaled(beta).apply(Function::Cosh);
            let phase = cosh.apply(Function::Log).scaled(PI * a[0] * duration / (2.0 * beta));
            (Scalar::Constant(1.0).over(&cosh), phase)
        },
    },
    PulseShape {
        name: "wurst",
        arguments: &[BANDWIDTH, plain("the exponent of its edges", 20.0, (0.1, 1e3))],
        swept: true,
        train: false,
        meaning: "1 - |cos(pi u)|^n, with a linear frequency sweep",
        waveform: |u, a, duration| {
            let flanks = u.scaled(PI).apply(Function::Cos).apply(Function::Abs).to_power(&Scalar::Constant(a[1]));
            (line(&flanks, 1.0, -1.0), even_sweep(u, a[0], duration))
        },
    },
    PulseShape {
        name: "chirp",
        arguments: &[BANDWIDTH, plain("the fraction of its length taken by each sine-shaped edge", 0.1, (1e-6, 0.5))],
        swept: true,
        train: false,
        meaning: "constant with smooth edges, with a linear frequency sweep",
        waveform: |u, a, duration| {
            let edge = u.extreme(Function::Min, &line(u, 1.0, -1.0));
            let rise = edge.scaled(1.0 / a[1]).extreme(Function::Min, &Scalar::Constant(1.0));
            (rise.scaled(0.5 * PI).apply(Function::Sin), even_sweep(u, a[0], duration))
        },
    },
    train("cw", &[], "constant; decoupling by continuous irradiation", |_, _, _| (Scalar::Constant(1.0), IN_PHASE)),
    train("waltz16", &[QUARTER, ELAPSED], "decoupling by WALTZ-16, repeated", |u, a, duration| {
        WALTZ16.waveform(u, a[0], a[1], duration)
    }),
    train("garp", &[QUARTER, ELAPSED], "decoupling by GARP-1, repeated", |u, a, duration| {
        GARP.waveform(u, a[0], a[1], duration)
    }),
    train("mlev16", &[QUARTER, ELAPSED], "decoupling by MLEV-16, repeated", |u, a, duration| {
        MLEV16.waveform(u, a[0], a[1], duration)
    }),
    train("dipsi2", &[QUARTER, ELAPSED], "isotropic mixing or decoupling by DIPSI-2, repeated", |u, a, duration| {
        DIPSI2.waveform(u, a[0], a[1], duration)
    }),
    train(
        "tppm",
        &[LENGTH, DIFFERENCE, ELAPSED],
        "decoupling by two-pulse phase modulation, repeated",
        |u, a, duration| decoupling::tppm(u, a[0], a[1], a[2], duration),
    ),
    train("spinal64", &[LENGTH, ELAPSED], "decoupling by SPINAL-64, repeated", |u, a, duration| {
        decoupling::spinal64(u, a[0], a[1], duration)
    }),
    train("xix", &[LENGTH, ELAPSED], "decoupling by XiX, repeated", |u, a, duration| {
        decoupling::xix(u, a[0], a[1], duration)
    }),
];

/// Phase of a linear frequency sweep from minus to plus half of a bandwidth.
fn even_sweep(u: &Scalar, bandwidth: f64, duration: f64) -> Scalar {
    let x = line(u, -0.5, 1.0);
    x.times(&x).scaled(0.5 * TAU * bandwidth * duration)
}

impl PulseShape {
    /// Looks up an envelope by name.
    pub fn named(name: &str) -> Option<&'static PulseShape> {
        PULSE_SHAPES.iter().find(|s| s.name == name)
    }

    /// With its arguments, the length of a 90 deg pulse that the rf amplitude gives in the place of a missing one.
    pub fn with_quarter(&self, mut values: ShapeValues, quarter: f64) -> ShapeValues {
        for (value, argument) in values.iter_mut().zip(self.arguments) {
            if value.is_nan() && argument.default.is_some_and(f64::is_nan) {
                *value = quarter;
            }
        }
        values
    }

    /// Number of required arguments.
    pub fn fewest(&self) -> usize {
        self.arguments.iter().filter(|a| a.default.is_none()).count()
    }
}

/// What the file of a shape says where its phases are counted the other way than those of a sequence: for nuclei of positive gamma, on a
/// console.
pub const MIRRORED_PHASES: &str = "phases mirrored";

/// A shape from a file: steps of equal length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShapeTable {
    /// Name.
    pub name: String,
    /// (amplitude as a fraction of the peak, phase in radian) of every step.
    pub steps: Vec<(f64, f64)>,
    /// Position of the declaration.
    #[serde(skip)]
    pub place: Place,
}

/// An amplitude ramp from `a` to `b` over `u` from 0 to 1.
#[derive(Clone, Copy)]
pub struct Ramp {
    /// Keyword.
    pub name: &'static str,
    /// Description of its argument, if it has one.
    pub argument: Option<&'static str>,
    /// True if the argument is a frequency.
    pub frequency: bool,
    /// Description.
    pub meaning: &'static str,
    /// Rf amplitude as a function of `u`, between `a` and `b`, for a given argument.
    pub waveform: fn(&Scalar, f64, f64, f64) -> Scalar,
}

/// The built-in ramps.
pub const RAMPS: &[Ramp] = &[
    Ramp {
        name: "linear",
        argument: None,
        frequency: false,
        meaning: "linear in time",
        waveform: |u, a, b, _| line(u, a, b - a),
    },
    Ramp {
        name: "exponential",
        argument: Some("the number of time constants"),
        frequency: false,
        meaning: "a + (b - a) (1 - exp(-k u)) / (1 - exp(-k))",
        waveform: |u, a, b, k| {
            let share = (b - a) / (-k).exp_m1();
            line(&u.scaled(-k).apply(Function::Exp), a - share, share)
        },
    },
    Ramp {
        name: "tan",
        argument: Some("the local field"),
        frequency: true,
        meaning: "the angle between the effective field and the local field changes linearly",
        waveform: |u, a, b, local| {
            let (from, to) = ((a / local).atan(), (b / local).atan());
            line(u, from, to - from).apply(Function::Tan).scaled(local)
        },
    },
    Ramp {
        name: "constant_adiabaticity",
        argument: Some("the local field"),
        frequency: true,
        meaning: "the sine of that angle changes linearly, for a constant adiabaticity factor",
        waveform: |u, a, b, local| {
            let sine = |field: f64| field / field.hypot(local);
            let s = line(u, sine(a), sine(b) - sine(a));
            let cosine = line(&s.times(&s), 1.0, -1.0).apply(Function::Sqrt);
            s.scaled(local).over(&cosine)
        },
    },
];

impl Ramp {
    /// Looks up a ramp by name.
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
            let field = (ramp.waveform)(&Scalar::time(), a, b, c);
            assert!((field.at(0.0) / a - 1.0).abs() < 1e-9, "{}", ramp.name);
            assert!((field.at(1.0) / b - 1.0).abs() < 1e-6, "{}", ramp.name);
            assert!(field.at(0.5) < a);
        }
    }
}
