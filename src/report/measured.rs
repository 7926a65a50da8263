//! Energies of the battery from tomography, with errors: one row per quantity, compared with the emulated values.

use super::html::number;
use crate::emulator::Run;
use crate::ir::Experiment;
use crate::output::drawing::{Anchor, Drawing, Shape};
use crate::units::UnitSystem;

/// A row: name, value, standard error, 95 % confidence interval, CSS class of its dot.
type Row = (&'static str, f64, f64, Option<(f64, f64)>, &'static str);

/// Draws the figure; `None` unless there is a battery and a tomography with noise.
pub fn picture(experiment: &Experiment, run: &Run) -> Option<Drawing> {
    const LEFT: f64 = 200.0;
    const WIDTH: f64 = 360.0;
    const ROW: f64 = 26.0;
    let readings = run.tomographies.first().filter(|r| r.sigma > 0.0)?;
    let e = readings.energies.as_ref()?;
    let rows: [Row; 5] = [
        ("energy", e.energy.value, e.energy.error, Some(e.energy.interval_95), "value"),
        ("ergotropy", e.ergotropy.value, e.ergotropy.error, None, "value"),
        ("ergotropy, corrected", e.ergotropy.corrected, e.ergotropy.error, Some(e.ergotropy.interval_95), "corrected"),
        ("capacity", e.capacity.value, e.capacity.error, None, "value"),
        ("capacity, corrected", e.capacity.corrected, e.capacity.error, Some(e.capacity.interval_95), "corrected"),
    ];
    let ends = rows.iter().flat_map(|(_, x, error, interval, _)| {
        let (low, high) = interval.unwrap_or((x - error, x + error));
        [low.min(x - error), high.max(x + error), 0.0]
    });
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    let margin = 0.05 * (high - low).max(f64::MIN_POSITIVE);
    let (low, high) = (low - margin, high + margin);
    let at = |x: f64| LEFT + WIDTH * (x - low) / (high - low);
    let bottom = 40.0 + ROW * rows.len() as f64;
    let mut out = Drawing::new(
        "tomography",
        "energies of the battery from a tomography, with errors",
        LEFT + WIDTH + 30.0,
        bottom + 44.0,
    );
    let unit = if experiment.units == UnitSystem::Lab { " / J" } else { "" };
    out.text(
        8.0,
        18.0,
        Anchor::Start,
        "small",
        format!("from {} scans; bars: standard error, lines: 95 % interval", readings.scans),
    );
    for k in 0..=4 {
        let x = low + (high - low) * f64::from(k) / 4.0;
        out.line((at(x), 30.0), (at(x), bottom), "grid");
        out.text(at(x), bottom + 14.0, Anchor::Middle, "tick", short(x));
    }
    out.line((at(0.0), 30.0), (at(0.0), bottom), "axis");
    out.text(LEFT + WIDTH / 2.0, bottom + 32.0, Anchor::Middle, "small", format!("energy{unit}"));
    for (k, (name, x, error, interval, class)) in rows.iter().enumerate() {
        let y = 30.0 + ROW * (k as f64 + 0.5) + 4.0;
        out.text(LEFT - 10.0, y + 4.0, Anchor::End, "small", *name);
        out.shapes.push(Shape::Begin(Some(format!("{name}: {} ± {}", number(Some(*x)), number(Some(*error))))));
        if let Some((low, high)) = interval {
            out.line((at(*low), y), (at(*high), y), "axis");
        }
        out.line((at(x - error), y), (at(x + error), y), "error");
        for end in [x - error, x + error] {
            out.line((at(end), y - 4.0), (at(end), y + 4.0), "error");
        }
        out.shapes.push(Shape::Circle([at(*x), y, 4.0], class));
        out.shapes.push(Shape::End);
    }
    Some(out)
}

/// Formats a number with three digits.
fn short(x: f64) -> String {
    if x == 0.0 || (0.01..1e4).contains(&x.abs()) { format!("{x:.3}") } else { format!("{x:.2e}") }
}
