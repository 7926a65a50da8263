//! Ideal pulses as a console makes them: hard pulses, which take time. The middle of a pulse stays where the ideal one was: the delays
//! on both sides lose half of it.

use super::calibration::{self, Calibration};
use super::program::{PerRow, Program, Purpose, Step, StepKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::units::TWO_PI;

/// Gives every ideal pulse its length and strength.
///
/// # Errors
/// A nucleus without a calibration, and delays that are shorter than the halves of the pulses beside them.
pub fn realise(program: &mut Program, calibrations: &[Calibration]) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let nuclei: Vec<String> = program.channels.iter().map(|c| c.nucleus.clone()).collect();
    let mut work = Work { nuclei: &nuclei, calibrations, said: vec![], wrong: vec![] };
    work.steps(&mut program.steps);
    if work.wrong.is_empty() { Ok(work.said) } else { Err(work.wrong) }
}

struct Work<'a> {
    nuclei: &'a [String],
    calibrations: &'a [Calibration],
    said: Vec<Diagnostic>,
    wrong: Vec<Diagnostic>,
}

impl Work<'_> {
    fn steps(&mut self, steps: &mut Vec<Step>) {
        for k in 0..steps.len() {
            let growth = match steps.get_mut(k) {
                Some(Step { kind: StepKind::Loop(_, body), .. }) => {
                    self.steps(body);
                    continue;
                }
                Some(step) => self.grown(step),
                None => continue,
            };
            let Some(growth) = growth.filter(|g| g.most() > 0.0) else { continue };
            let mark = |step: &Step| {
                matches!(step.kind, StepKind::Mark(_) | StepKind::Decouple(_) | StepKind::EndDecoupling(_))
            };
            let before = (0..k).rev().find(|j| steps.get(*j).is_some_and(|s| !mark(s)));
            let behind = (k + 1..steps.len()).find(|j| steps.get(*j).is_some_and(|s| !mark(s)));
            for neighbour in [before, behind].into_iter().flatten() {
                if let Some(step) = steps.get_mut(neighbour) {
                    self.shortened(step, &growth);
                }
            }
        }
        steps.retain(|step| !matches!(&step.kind, StepKind::Delay(time, _) if time.most() <= 0.0));
    }

    /// Gives the ideal pulses of a step their length; by how much the step is longer than before.
    fn grown(&mut self, step: &mut Step) -> Option<PerRow> {
        let span = step.span;
        let StepKind::Pulses(_, pulses) = &mut step.kind else { return None };
        let longest = |pulses: &[super::program::Pulse]| {
            pulses.iter().fold(PerRow::Same(0.0), |longest, p| longest.with(&p.duration, f64::max))
        };
        let before = longest(pulses);
        for pulse in pulses.iter_mut().filter(|p| p.ideal) {
            let nucleus = self.nuclei.get(pulse.channel).map_or("", String::as_str);
            if pulse.strength == 0.0 {
                match calibration::of(self.calibrations, nucleus) {
                    Ok(calibration) => pulse.strength = calibration.strength(),
                    Err(missing) => {
                        if !self.wrong.contains(&missing) {
                            self.wrong.push(missing);
                        }
                        continue;
                    }
                }
            }
            let strength = pulse.strength;
            pulse.duration = pulse.angle.map(|angle| angle / (TWO_PI * strength));
            let told =
                format!("ideal pulses on {nucleus} become pulses of {} kHz on the console", shown(strength * 1e-3));
            if !self.said.iter().any(|d| d.message == told) {
                self.said.push(
                    Diagnostic::new(Code::ExportedOtherwise, span, told)
                        .label(format!(
                            "lasts {} us; adjacent delays are shortened by half its length",
                            shown(pulse.duration.most() * 1e6)
                        ))
                        .help("use `rf = ...` instead of `ideal` to emulate the finite pulses"),
                );
            }
        }
        let after = longest(pulses);
        Some(after.with(&before, |a, b| a - b))
    }

    /// A delay beside a pulse that has grown.
    fn shortened(&mut self, step: &mut Step, growth: &PerRow) {
        let StepKind::Delay(time, Purpose::Written) = &mut step.kind else { return };
        // The rounding of a sum of floats is no time.
        let left = time.with(growth, |t, g| {
            let left = t - 0.5 * g;
            if left.abs() < 1e-15 { 0.0 } else { left }
        });
        if left.least() < 0.0 {
            let message =
                format!("this delay of {} us is shorter than half of the adjacent pulses", shown(time.least() * 1e6));
            self.wrong.push(
                Diagnostic::new(Code::NotExported, step.span, message)
                    .label("the pulses of the console would overlap")
                    .help("increase the `rf` of the channel to shorten them"),
            );
        }
        *time = left;
    }
}

/// A number with at most six digits.
fn shown(x: f64) -> String {
    let digits = if x == 0.0 { 0.0 } else { 5.0 - x.abs().log10().floor() };
    let scale = 10f64.powf(digits);
    crate::syntax::number_text((x * scale).round() / scale)
}
