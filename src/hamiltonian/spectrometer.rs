//! Evaluates the settings of a declared spectrometer.

use super::fault::Fault;
use super::hardware::Spectrometer;
use super::value::Evaluator;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir;

/// The spectrometer with this name among those that the experiment declares.
///
/// # Errors
/// If there is none, or a step or limit is not positive.
pub fn spectrometer(e: &Evaluator, name: &str) -> Result<Spectrometer, Fault> {
    let declared = &e.experiment.spectrometers;
    let Some(found) = declared.iter().find(|s| s.name == name) else {
        let names: Vec<&str> = declared.iter().map(|s| s.name.as_str()).collect();
        let diagnostic = Diagnostic::without_place(Code::UnknownName, format!("unknown spectrometer `{name}`"));
        let diagnostic = diagnostic.did_you_mean(name, names.iter().copied());
        return Err(if names.is_empty() {
            diagnostic
                .help("declare it, as in `spectrometer wideline { clock = 25 ns }`, or `use` a file that declares it")
        } else {
            diagnostic.help(format!("declared are: {}", names.join(", ")))
        }
        .into());
    };
    let value = |setting: &str| -> Result<Option<f64>, Fault> {
        let Some((_, expr)) = found.settings.iter().find(|(n, _)| n == setting) else { return Ok(None) };
        let x = e.number(expr)?;
        if x <= 0.0 {
            let message = format!("`{setting}` of a spectrometer must be positive, this is {x}");
            return Err(Diagnostic::new(Code::OutOfRange, expr.span(), message).into());
        }
        Ok(Some(x))
    };
    Ok(Spectrometer {
        name: name.to_string(),
        clock: value("clock")?,
        min_delay: value("min_delay")?,
        phase_step: value("phase_step")?,
        amplitude_step: value("amplitude_step")?,
        unblanking: value("unblanking")?,
        switching: value("switching")?,
        power_change: value("power_change")?,
        blanking: value("blanking")?,
        gradient_recovery: value("gradient_recovery")?,
        crusher: value("crusher")?,
        max_pulse: value("max_pulse")?,
        max_energy: value("max_energy")?,
        max_gradient: value("max_gradient")?,
        max_duty: value("max_duty")?.map(|most| {
            let place = found.settings.iter().find(|(n, _)| n == "max_duty").map(|(_, x)| x.span());
            (most, place.unwrap_or_default())
        }),
        recycle_delay: value("recycle_delay")?.unwrap_or(0.0),
    })
}

/// The rf limit of a channel, if one is declared.
pub fn max_rf(e: &Evaluator, nucleus: &str) -> Result<Option<f64>, Fault> {
    let channel: Option<&ir::Channel> = e.experiment.channels.iter().find(|c| c.nucleus == nucleus);
    channel.and_then(|c| c.max_rf.as_ref()).map(|x| e.number(x)).transpose()
}
