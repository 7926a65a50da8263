//! Checks that a decay recorded on a spectrometer belongs to the experiment in the file: nucleus, static field and carrier.

use crate::decays::Series;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, Values};
use crate::ir::{Experiment, InteractionKind};
use crate::spin::Isotope;
use crate::syntax::number_text;
use crate::units::TWO_PI;

/// Relative tolerance of the static field: `11.7 T` denotes a 500 MHz spectrometer, which has 11.743 T.
const NOMINAL_FIELD: f64 = 0.01;

/// Tolerance of the carrier shift, ppm: rounding of the written value.
const WRITTEN: f64 = 0.01;

/// Compares nucleus, transmitter frequency and carrier of a recorded decay with those of the experiment.
///
/// # Errors
/// If one of them differs; the message gives both values.
pub fn agrees(experiment: &Experiment, values: &Values, nucleus: &str, series: &Series) -> Result<(), Fault> {
    let differs = |message: String, help: &str| -> Fault {
        Diagnostic::without_place(Code::Contradiction, message).help(help).into()
    };
    if let Some(own) = series.nucleus.as_ref().filter(|own| *own != nucleus) {
        return Err(differs(
            format!("by its name it is an FID of {nucleus}, by its parameters one of {own}"),
            "name it after the detected nucleus",
        ));
    }
    let e = Evaluator::new(experiment, values)?;
    let (Some(field), Some(isotope)) = (&experiment.system.field, Isotope::named(nucleus)) else { return Ok(()) };
    let larmor = (isotope.gamma * e.number(field)? / TWO_PI).abs();
    let megahertz = |x: f64| number_text((x * 1e-6 * 1e6).round() / 1e6);
    if let Some(own) = series.transmitter.filter(|own| (own / larmor - 1.0).abs() > NOMINAL_FIELD) {
        return Err(differs(
            format!(
                "its transmitter is at {} MHz, but {nucleus} is at {} MHz in the field of the program",
                megahertz(own),
                megahertz(larmor)
            ),
            "the `field` of the program differs from that of the spectrometer, or the nucleus differs",
        ));
    }
    let (Some(base), Some(transmitter)) = (series.base.filter(|b| *b > 0.0), series.transmitter) else { return Ok(()) };
    let channel = experiment.channels.iter().find(|c| c.nucleus == nucleus);
    let carrier = channel.and_then(|c| c.carrier.as_ref());
    // Without a carrier or shifts, the file gives frequencies relative to the carrier, whatever its absolute value.
    if carrier.is_none() && !has_shifts(experiment, &e, nucleus)? {
        return Ok(());
    }
    let wanted = carrier.map_or(Ok(0.0), |x| e.number(x))? * 1e6;
    let own = (transmitter - base) / base * 1e6;
    if (own - wanted).abs() <= WRITTEN {
        return Ok(());
    }
    let ppm = |x: f64| number_text((x * 1e3).round() / 1e3);
    Err(differs(
        format!(
            "its carrier is at {} ppm ({} Hz from 0 ppm), that of the program at {} ppm",
            ppm(own),
            number_text((transmitter - base).round()),
            ppm(wanted)
        ),
        &format!(
            "write `channel {nucleus} {{ carrier = {} ppm }}`, and shifts as on the axis of the spectrum",
            ppm(own)
        ),
    ))
}

/// True if a spin of this nucleus has a chemical shift in the file.
fn has_shifts(experiment: &Experiment, e: &Evaluator, nucleus: &str) -> Result<bool, Fault> {
    for shift in experiment.system.interactions_of(InteractionKind::Shift) {
        for index in e.range(shift.each.as_ref())? {
            for site in &shift.sites {
                let k = e.site(site, index)?;
                if e.basis.sites.get(k).and_then(|s| s.isotope).is_some_and(|i| i.symbol == nucleus) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}
