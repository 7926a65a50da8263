//! Level diagram: energy levels of the battery and their populations at every mark.

use super::html::number;
use crate::emulator::{Observation, Observed, Options, observe};
use crate::hamiltonian::{Evaluator, Fault, Values, build};
use crate::ir::Experiment;
use crate::linalg::hermitian_eigen;
use crate::metrics::SAME_LEVEL;
use crate::output::drawing::{Anchor, Drawing, Shape};
use crate::syntax::parse_expression;
use crate::units::energy_scale;

/// Maximum number of levels drawn.
const MOST_LEVELS: usize = 24;

/// Maximum number of marks drawn.
const MOST_MARKS: usize = 40;

/// Largest battery dimension for which levels are computed.
const LARGEST: usize = 1024;

/// Name of the time after `prepare`, which has no mark.
const BEGIN: &str = "initial";

/// Energy levels in the units of the file, their degeneracies, and populations at the marks.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// (energy, degeneracy), ascending.
    pub energies: Vec<(f64, usize)>,
    /// Name of a mark, and the populations there.
    pub moments: Vec<(String, Vec<Option<f64>>)>,
    /// Number of marks that are not drawn.
    pub left: usize,
}

/// Levels of an experiment's battery at one point; `None` if there is no battery, or too many levels to draw.
///
/// # Errors
/// When the experiment cannot be run.
pub fn levels(experiment: &Experiment, values: &Values, options: &Options) -> Result<Option<Levels>, Fault> {
    let e = Evaluator::new(experiment, values)?;
    let (schedule, _) = build(&e)?;
    let Some(battery) = &schedule.battery else { return Ok(None) };
    let Some(operator) = battery.hamiltonian.restricted(&battery.sites) else { return Ok(None) };
    if operator.dimension() > LARGEST || e.basis.has_copies() {
        return Ok(None);
    }
    let Ok(eigen) = hermitian_eigen(&operator.matrix()) else { return Ok(None) };
    let scale = energy_scale(experiment.units);
    let energies: Vec<(f64, usize)> = eigen
        .levels(SAME_LEVEL * eigen.spread())
        .into_iter()
        .map(|states| {
            let energy = eigen.values.get(states.start).copied().unwrap_or(f64::NAN);
            (if energy.abs() < SAME_LEVEL * eigen.spread() { 0.0 } else { energy * scale }, states.len())
        })
        .collect();
    if energies.len() < 2 || energies.len() > MOST_LEVELS {
        return Ok(None);
    }
    let metrics = (1..=energies.len())
        .map(|k| parse_expression(&format!("population({k})"), 0))
        .collect::<Result<Vec<_>, _>>()?;
    let found = observe(experiment, values, options, &Observation { metrics, ..Observation::default() })?;
    let moment = |o: Observed| {
        let name = o.position.mark().unwrap_or(BEGIN).to_string();
        (name, (0..energies.len()).map(|k| o.value(k)).collect())
    };
    let left = found.observed.len().saturating_sub(MOST_MARKS);
    let moments = found.observed.into_iter().take(MOST_MARKS).map(moment).collect();
    Ok(Some(Levels { energies, moments, left }))
}

/// Drawing: one column per mark, one line per level, with bars for the populations.
pub fn picture(levels: &Levels, unit: &str) -> Drawing {
    const COLUMN: f64 = 132.0;
    const LEFT: f64 = 146.0;
    const HEIGHT: f64 = 240.0;
    let energies = || levels.energies.iter().map(|(energy, _)| *energy);
    let (low, high) = (energies().next().unwrap_or(0.0), energies().next_back().unwrap_or(0.0));
    // Spread closely spaced levels so that each is legible.
    let gap = (HEIGHT / levels.energies.len() as f64).min(18.0);
    let mut below = f64::INFINITY;
    let apart = |energy: f64| {
        below = (HEIGHT - HEIGHT * (energy - low) / (high - low)).min(below - gap);
        below
    };
    let ys: Vec<f64> = energies().map(apart).collect();
    let shift = 40.0 - ys.last().copied().unwrap_or(0.0);
    let (w, h) =
        (LEFT + COLUMN * levels.moments.len() as f64 + 16.0, ys.first().copied().unwrap_or(0.0) + shift + 26.0);
    let left = if levels.left > 0 { format!("; {} more marks are not drawn", levels.left) } else { String::new() };
    let mut out = Drawing::new("levels", format!("energy levels of the battery with their populations{left}"), w, h);
    if levels.left > 0 {
        out.text(w - 16.0, h - 6.0, Anchor::End, "small", format!("{} more marks are not drawn", levels.left));
    }
    for ((energy, states), y) in levels.energies.iter().zip(&ys) {
        let times = if *states > 1 { format!(" (×{states})") } else { String::new() };
        let label = format!("{}{times}", number(Some(*energy)));
        out.text(LEFT - 8.0, y + shift + 4.0, Anchor::End, "small", label);
    }
    let unit = if unit.is_empty() { String::new() } else { format!(" / {unit}") };
    out.text(8.0, 16.0, Anchor::Start, "small", format!("energy{unit}"));
    // Bars are scaled from the minimum to the maximum population per state over all marks, so that small differences are visible.
    let of_states = |populations: &[Option<f64>]| -> Vec<f64> {
        populations.iter().zip(&levels.energies).map(|(p, (_, n))| p.unwrap_or(0.0) / *n as f64).collect()
    };
    let shares: Vec<Vec<f64>> = levels.moments.iter().map(|(_, populations)| of_states(populations)).collect();
    let range = shares.iter().flatten();
    let (least, most) = range.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), s| (a.min(*s), b.max(*s)));
    for (k, ((name, populations), shares)) in levels.moments.iter().zip(&shares).enumerate() {
        let x = LEFT + COLUMN * k as f64;
        out.text(x, 16.0, Anchor::Start, "name", name.clone());
        for (((share, p), (_, states)), y) in shares.iter().zip(populations).zip(&levels.energies).zip(&ys) {
            let range = most - least;
            let part = if range > 0.0 { (share - least) / range } else { 0.5 };
            let y = y + shift;
            let said = format!("{} in each of {states} states, {} in total", number(Some(*share)), number(*p));
            out.shapes.push(Shape::Begin(Some(said)));
            out.line((x, y), (x + COLUMN - 20.0, y), "axis");
            out.rect(x, y - 3.5, (COLUMN - 20.0) * part, 7.0, "population");
            out.shapes.push(Shape::End);
        }
    }
    out
}
