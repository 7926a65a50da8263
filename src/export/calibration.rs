//! Calibrations of transmitters: how long a pulse of 90 degrees is at which power.

use crate::diagnostic::{Code, Diagnostic};
use crate::spin::Isotope;

/// An example of a calibration.
pub const EXAMPLE: &str = "1H: 2.5 us at 100 W";

/// The calibration of a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The nucleus.
    pub nucleus: String,
    /// The length of a pulse of 90 degrees, s.
    pub pulse: f64,
    /// The power at which it is so long, W.
    pub power: f64,
}

impl Calibration {
    /// Reads `1H: 2.5 us at 100 W`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Calibration, Diagnostic> {
        let wrong = |why: String| {
            Diagnostic::without_place(Code::Uncalibrated, format!("`--calibration \"{text}\"` {why}"))
                .help(format!("write it as `--calibration \"{EXAMPLE}\"`: the 90 deg pulse length, and its power"))
        };
        let Some((nucleus, rest)) = text.split_once(':') else {
            return Err(wrong("has no nucleus before a colon".into()));
        };
        let nucleus = nucleus.trim();
        if Isotope::named(nucleus).is_none() {
            return Err(wrong(format!("names the unknown nucleus `{nucleus}`")));
        }
        let Some((pulse, power)) = rest.split_once(" at ") else {
            return Err(wrong("has no `at` between the pulse length and its power".into()));
        };
        let pulse = measure(pulse, &[("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6), ("ms", 1e-3), ("ns", 1e-9), ("s", 1.0)]);
        let power = measure(power, &[("mW", 1e-3), ("kW", 1e3), ("W", 1.0)]);
        let pulse = pulse.map_err(|why| wrong(format!("has no valid pulse length: {why}")))?;
        let power = power.map_err(|why| wrong(format!("has no valid power: {why}")))?;
        Ok(Calibration { nucleus: nucleus.to_string(), pulse, power })
    }

    /// The nutation frequency at the power of the calibration, Hz: a quarter of a turn in the length of the pulse.
    pub fn strength(&self) -> f64 {
        0.25 / self.pulse
    }

    /// The power that gives a nutation frequency, W: it grows as the square of it.
    pub fn power_for(&self, strength: f64) -> f64 {
        self.power * (strength / self.strength()).powi(2)
    }
}

/// A positive number with one of these units.
fn measure(text: &str, units: &[(&str, f64)]) -> Result<f64, String> {
    let text = text.trim();
    for (unit, factor) in units {
        let Some(number) = text.strip_suffix(unit) else { continue };
        let Ok(x) = number.trim().parse::<f64>() else { break };
        if !(x > 0.0 && x.is_finite()) {
            return Err(format!("`{text}` is not positive"));
        }
        return Ok(x * factor);
    }
    let known: Vec<&str> = units.iter().map(|(u, _)| *u).collect();
    Err(format!("`{text}` is not a number in {}", known.join(", ")))
}

/// An example of the strongest gradient.
const GRADIENT_EXAMPLE: &str = "0.5 T/m";

/// The strongest gradient of a probe, in T/m, from a text as `0.5 T/m` or `50 G/cm`.
///
/// # Errors
/// What is wrong with it.
pub fn strongest_gradient(text: &str) -> Result<f64, Diagnostic> {
    measure(text, &[("mT/m", 1e-3), ("T/m", 1.0), ("G/cm", 1e-2)]).map_err(|why| {
        Diagnostic::without_place(Code::Uncalibrated, format!("`--max-gradient \"{text}\"` is not a gradient: {why}"))
            .help(format!("write the gradient strength at 100 percent: `--max-gradient \"{GRADIENT_EXAMPLE}\"`"))
    })
}

/// A gradient in percent of the strongest.
///
/// # Errors
/// When that is not known, or is not as strong.
pub fn percent(strength: f64, strongest: Option<f64>) -> Result<f64, Diagnostic> {
    let Some(strongest) = strongest else {
        let message = "gradients are exported in percent of the maximum gradient, which is unknown";
        return Err(Diagnostic::without_place(Code::Uncalibrated, message)
            .help(format!("add `--max-gradient \"{GRADIENT_EXAMPLE}\"`, or `max_gradient` to the `spectrometer`")));
    };
    let percent = 100.0 * strength / strongest;
    if percent.abs() > 100.0 * (1.0 + 1e-12) {
        let message = format!("a gradient of {strength} T/m exceeds the maximum, {strongest} T/m");
        return Err(Diagnostic::without_place(Code::HardwareLimit, message)
            .help("use a longer and weaker gradient of the same area"));
    }
    Ok(percent)
}

/// The calibration of every nucleus.
///
/// # Errors
/// Those that cannot be read, and nuclei that are calibrated twice.
pub fn read_all(texts: &[String]) -> Result<Vec<Calibration>, Vec<Diagnostic>> {
    let mut all: Vec<Calibration> = Vec::new();
    let mut wrong = Vec::new();
    for text in texts {
        match Calibration::read(text) {
            Ok(one) if all.iter().any(|c| c.nucleus == one.nucleus) => wrong.push(
                Diagnostic::without_place(Code::Uncalibrated, format!("{} is calibrated twice", one.nucleus))
                    .help("give one `--calibration` per nucleus"),
            ),
            Ok(one) => all.push(one),
            Err(diagnostic) => wrong.push(diagnostic),
        }
    }
    if wrong.is_empty() { Ok(all) } else { Err(wrong) }
}

/// The calibration of a nucleus.
///
/// # Errors
/// When there is none.
pub fn of<'a>(all: &'a [Calibration], nucleus: &str) -> Result<&'a Calibration, Diagnostic> {
    all.iter().find(|c| c.nucleus == nucleus).ok_or_else(|| {
        Diagnostic::without_place(Code::Uncalibrated, format!("the powers of {nucleus} need its calibration")).help(
            format!("add `--calibration \"{nucleus}: 2.5 us at 100 W\"`: your 90 deg pulse length, and its power"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::Calibration;

    /// A quarter of a turn in 2.5 us is 100 kHz; half of the strength is a quarter of the power.
    #[test]
    fn powers_grow_as_the_square_of_the_strength() {
        let one = Calibration::read("1H: 2.5 us at 80 W").unwrap();
        for (strength, power) in [(25e3, 5.0), (50e3, 20.0), (100e3, 80.0)] {
            // Rounding of doubles alone: a division, a square and a product.
            assert!((one.power_for(strength) / power - 1.0).abs() < 1e-12, "{strength}");
        }
    }

    #[test]
    fn what_is_no_calibration_is_refused() {
        for text in
            ["", "1H", "1H: 2.5 us", "1H: 2.5 at 100 W", "1H: 2.5 us at 100", "1H: -2.5 us at 100 W", "9X: 1 us at 1 W"]
        {
            assert!(Calibration::read(text).is_err(), "{text}");
        }
        let small = Calibration::read("13C:5us at 250 mW").unwrap();
        // The rounding of a unit: 5 * 1e-6 is not the double 5e-6.
        assert!((small.pulse / 5e-6 - 1.0).abs() < 1e-15 && small.power == 0.25);
    }
}
