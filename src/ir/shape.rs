//! Envelopes of pulses and ways of a ramp from one field to another: one table each.

/// The envelope of a pulse over `u` from 0 to 1, with peak 1.
#[derive(Clone, Copy)]
pub struct PulseShape {
    /// Its word.
    pub name: &'static str,
    /// Its argument: name and default, if it has one.
    pub argument: Option<(&'static str, f64)>,
    /// What it is.
    pub meaning: &'static str,
    /// The envelope at `u`, for the argument.
    pub value: fn(f64, f64) -> f64,
}

/// The envelopes.
pub const PULSE_SHAPES: &[PulseShape] = &[
    PulseShape { name: "rectangular", argument: None, meaning: "constant", value: |_, _| 1.0 },
    PulseShape {
        name: "gauss",
        argument: Some(("the height at which it is cut off", 0.01)),
        meaning: "a Gaussian, cut off at both ends",
        value: |u, cut| (4.0 * cut.ln() * (u - 0.5) * (u - 0.5)).exp(),
    },
    PulseShape {
        name: "sinc",
        argument: Some(("the number of zeros on each side", 3.0)),
        meaning: "sin(x)/x",
        value: |u, zeros| {
            let x = std::f64::consts::PI * zeros * (2.0 * u - 1.0);
            if x.abs() < 1e-8 { 1.0 } else { x.sin() / x }
        },
    },
    PulseShape {
        name: "sine",
        argument: None,
        meaning: "half a period of a sine",
        value: |u, _| (std::f64::consts::PI * u).sin(),
    },
    PulseShape {
        name: "hermite",
        argument: Some(("the factor of the quadratic term", 0.667)),
        meaning: "a Gaussian times 1 - c x^2",
        value: |u, c| {
            let x = 6.0 * (u - 0.5);
            (1.0 - c * x * x) * (-x * x).exp()
        },
    },
];

impl PulseShape {
    /// The shape of this name.
    pub fn named(name: &str) -> Option<&'static PulseShape> {
        PULSE_SHAPES.iter().find(|s| s.name == name)
    }

    /// The mean of the envelope: the flip angle is 2 pi times peak rf times duration times this. Simpson's rule on 4096
    /// intervals, exact to rounding for these smooth shapes.
    pub fn mean(&self, argument: f64) -> f64 {
        // Most pulses are rectangular, and a generated file may have a hundred thousand of them.
        if self.name == "rectangular" {
            return 1.0;
        }
        const N: usize = 4096;
        let weight = |k: usize| {
            if k == 0 || k == N {
                1.0
            } else if k % 2 == 1 {
                4.0
            } else {
                2.0
            }
        };
        (0..=N).map(|k| weight(k) * (self.value)(k as f64 / N as f64, argument)).sum::<f64>() / (3.0 * N as f64)
    }
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

    #[test]
    fn means_are_those_of_the_curves() {
        assert_eq!(PulseShape::named("rectangular").unwrap().mean(0.0), 1.0);
        assert!((PulseShape::named("sine").unwrap().mean(0.0) - 2.0 / std::f64::consts::PI).abs() < 1e-12);
        // A Gaussian cut at c: sqrt(pi / (4 ln(1/c))) erf(sqrt(ln(1/c))), with erf(2.1459660) = 0.99759...
        let gauss = PulseShape::named("gauss").unwrap().mean(0.01);
        assert!((gauss - 0.4119).abs() < 1e-4, "{gauss}");
    }
}
