//! Bloch-sphere trajectories of all spins 1/2, in the rotating frame. Ideal pulses are instantaneous and drawn dashed.

use super::html::number;
use crate::emulator::{Moments, Observation, Observations, Options, Position, observe};
use crate::hamiltonian::{Evaluator, Fault, Values};
use crate::ir::{EventKind, Experiment};
use crate::output::drawing::{Anchor, Drawing};
use crate::spin::SiteKind;
use crate::syntax::parse_expression;

/// Maximum number of spins drawn.
const MOST_SPINS: usize = 12;

/// Number of samples per statement; fewer if there are many statements.
const POINTS: usize = 61;

/// Number of samples of all statements together, above which a statement has fewer, down to the three of a curve.
const ALL_POINTS: usize = 20_000;

/// Bloch-sphere trajectories.
#[derive(Debug, Clone, PartialEq)]
pub struct Paths {
    /// For each spin, its name and the segments of its trajectory: (`2<Ix>`, `2<Iy>`, `2<Iz>`) at successive times.
    pub spins: Vec<(String, Vec<Vec<[f64; 3]>>)>,
    /// Largest length of any Bloch vector.
    pub largest: f64,
    /// True if part of the time passes in loops, of which only the end points are shown.
    pub loops: bool,
}

/// Trajectories of the spins of an experiment at one point; `None` if there are no spins 1/2, or too many.
///
/// # Errors
/// When the experiment cannot be run.
pub fn paths(experiment: &Experiment, values: &Values, options: &Options) -> Result<Option<Paths>, Fault> {
    let e = Evaluator::new(experiment, values)?;
    let spins: Vec<String> =
        e.basis.sites.iter().filter(|s| s.kind == SiteKind::Spin && s.dimension == 2).map(|s| s.name.clone()).collect();
    if spins.is_empty() || spins.len() > MOST_SPINS || e.basis.has_copies() {
        return Ok(None);
    }
    let mut metrics = Vec::with_capacity(3 * spins.len());
    for spin in &spins {
        for axis in ["Ix", "Iy", "Iz"] {
            metrics.push(parse_expression(&format!("expectation(2*{axis}({spin}))"), 0)?);
        }
    }
    let points = (ALL_POINTS / experiment.sequence.len().max(1)).clamp(3, POINTS);
    let observation = Observation { metrics, moments: Moments::Along(points), ..Observation::default() };
    let found = observe(experiment, values, options, &observation)?;
    let loops = experiment
        .sequence
        .iter()
        .any(|event| matches!(event.kind, EventKind::Loop { .. } | EventKind::Project { .. }));
    let ways: Vec<(String, Vec<Vec<[f64; 3]>>)> =
        spins.iter().enumerate().map(|(s, name)| (name.clone(), way(&found, s))).collect();
    let length = |v: &[f64; 3]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let largest = ways.iter().flat_map(|(_, way)| way.iter().flatten().map(length)).fold(0.0, f64::max);
    Ok(Some(Paths { spins: ways, largest, loops }))
}

/// Trajectory of a spin: the sampled statements, and straight segments of two points for the others.
fn way(found: &Observations, spin: usize) -> Vec<Vec<[f64; 3]>> {
    let mut stretches: Vec<Vec<[f64; 3]>> = Vec::new();
    for observed in found.observed.iter().filter(|o| o.position != Position::End) {
        let column = |axis: usize| observed.values.get(3 * spin + axis).map(Vec::as_slice).unwrap_or_default();
        let (x, y, z) = (column(0), column(1), column(2));
        let all = x.iter().zip(y).zip(z).filter_map(|((x, y), z)| Some([(*x)?, (*y)?, (*z)?]));
        let points: Vec<[f64; 3]> = all.collect();
        match (points.as_slice(), stretches.last().and_then(|s| s.last()).copied()) {
            ([one], Some(before)) => stretches.push(vec![before, *one]),
            _ => stretches.push(points),
        }
    }
    stretches
}

/// Drawing with one sphere per spin.
pub fn picture(paths: &Paths) -> Drawing {
    const RADIUS: f64 = 96.0;
    const CELL: (f64, f64) = (250.0, 262.0);
    let columns = paths.spins.len().min(3);
    let rows = paths.spins.len().div_ceil(columns);
    let caption = format!(
        "2<I> in the rotating frame; the radius of the sphere is {}{}",
        number(Some(paths.largest)),
        if paths.loops { "; loops appear as jumps" } else { "" }
    );
    let size = ((CELL.0 * columns as f64).max(440.0), 30.0 + CELL.1 * rows as f64);
    let mut out = Drawing::new("bloch", caption.clone(), size.0, size.1);
    out.text(10.0, 18.0, Anchor::Start, "small", caption);
    // View from 30 degrees beside x and 20 degrees above: x points out of the page to the left, y to the right, z up.
    let (azimuth, height) = (30f64.to_radians(), 20f64.to_radians());
    let seen = move |[x, y, z]: [f64; 3]| {
        let right = y * azimuth.cos() - x * azimuth.sin();
        let away = x * azimuth.cos() + y * azimuth.sin();
        (right, z * height.cos() - away * height.sin())
    };
    for (k, (name, way)) in paths.spins.iter().enumerate() {
        let centre = (CELL.0 * ((k % columns) as f64 + 0.5), 30.0 + CELL.1 * ((k / columns) as f64 + 0.5) + 8.0);
        let at = |v: [f64; 3]| {
            let (right, up) = seen(v);
            (centre.0 + RADIUS * right, centre.1 - RADIUS * up)
        };
        let round = |f: &dyn Fn(f64) -> [f64; 3]| -> Vec<(f64, f64)> {
            (0..72).map(|k| at(f(std::f64::consts::TAU * f64::from(k) / 72.0))).collect()
        };
        let circle: Vec<(f64, f64)> = (0..72)
            .map(|k| std::f64::consts::TAU * f64::from(k) / 72.0)
            .map(|a| (centre.0 + RADIUS * a.cos(), centre.1 + RADIUS * a.sin()))
            .collect();
        out.through(&circle, true, "axis");
        out.through(&round(&|a| [a.cos(), a.sin(), 0.0]), true, "grid");
        out.through(&round(&|a| [0.0, a.cos(), a.sin()]), true, "grid");
        out.through(&round(&|a| [a.cos(), 0.0, a.sin()]), true, "grid");
        for (letter, axis) in [("x", [1.0, 0.0, 0.0]), ("y", [0.0, 1.0, 0.0]), ("z", [0.0, 0.0, 1.0])] {
            out.line(at([0.0; 3]), at(axis), "axis");
            let end = at(axis.map(|x| 1.14 * x));
            out.text(end.0, end.1 + 4.0, Anchor::Middle, "name", letter);
        }
        out.text(centre.0 - RADIUS, centre.1 - RADIUS - 10.0, Anchor::Start, "name", name.clone());
        let scale = if paths.largest > 0.0 { 1.0 / paths.largest } else { 0.0 };
        let mut colours = ["path1", "path2", "path3", "path4"].into_iter().cycle();
        for stretch in way {
            let points: Vec<(f64, f64)> = stretch.iter().map(|v| at(v.map(|x| x * scale))).collect();
            match points.len() {
                0 | 1 => {}
                2 => out.through(&points, false, "jump"),
                _ => {
                    out.through(&points, false, colours.next().unwrap_or("path1"));
                }
            }
        }
        let dot = |v: Option<&[f64; 3]>| v.map(|v| at(v.map(|x| x * scale)));
        let first = dot(way.iter().flatten().next());
        let last = dot(way.iter().flatten().last());
        for (point, class) in [(first, "corrected"), (last, "bound")] {
            if let Some((x, y)) = point {
                out.shapes.push(crate::output::drawing::Shape::Circle([x, y, 3.6], class));
            }
        }
    }
    out
}
