//! Density matrices at the marks, as Hinton diagrams or 3-D bar plots.
//!
//! At room temperature a state is the maximally mixed state plus a deviation of 1e-5, and a plot would only show the former. If all
//! states are that close to it, their deviations are drawn, and the figure says so.

use super::html::number;
use crate::emulator::{Observation, Observed, Options, observe};
use crate::hamiltonian::{Evaluator, Fault, Values};
use crate::ir::Experiment;
use crate::linalg::{Matrix, real};
use crate::output::drawing::{Anchor, Drawing, Shape};
use std::f64::consts::FRAC_1_SQRT_2;

/// Largest matrix drawn.
const LARGEST: usize = 16;

/// Maximum number of marks drawn; the others are counted.
const MOST_MARKS: usize = 8;

/// Density matrices at the marks.
#[derive(Debug, Clone, PartialEq)]
pub struct States {
    /// Labels of the basis states.
    pub basis: Vec<String>,
    /// Names of the marks, with the matrices to be drawn.
    pub moments: Vec<(String, Matrix)>,
    /// True if these are deviations from the maximally mixed state.
    pub deviation: bool,
    /// Largest magnitude of any element.
    pub largest: f64,
    /// Number of marks not drawn.
    pub left: usize,
}

/// States of an experiment at its marks, at one point; `None` if there is nothing to draw, or the matrices are too large.
///
/// # Errors
/// When the experiment cannot be run.
pub fn states(experiment: &Experiment, values: &Values, options: &Options) -> Result<Option<States>, Fault> {
    let e = Evaluator::new(experiment, values)?;
    if e.basis.size() > LARGEST as f64 || e.basis.has_copies() {
        return Ok(None);
    }
    let observation = Observation { states: true, tomographies: true, ..Observation::default() };
    let found = observe(experiment, values, options, &observation)?;
    let of = |o: Observed| Some((o.position.mark()?.to_string(), o.state?));
    let all: Vec<(String, Matrix)> = found.observed.into_iter().filter_map(of).collect();
    // Omit the end if nothing happens after the last mark.
    let mut all = all;
    if let [.., (_, a), (_, b)] = all.as_slice()
        && a == b
    {
        all.pop();
    }
    let n = e.basis.dimension();
    let even = Matrix::identity(n, n).map(|x| x / n as f64);
    let largest = |of: &dyn Fn(&Matrix) -> Matrix| {
        all.iter().flat_map(|(_, m)| of(m).iter().map(|x| x.norm()).collect::<Vec<_>>()).fold(0.0, f64::max)
    };
    let away = largest(&|m| m - &even);
    let deviation = away < 0.05 / n as f64;
    let left = all.len().saturating_sub(MOST_MARKS);
    let shown = |m: Matrix| if deviation { m - &even } else { m };
    let largest = if deviation { away } else { largest(&Matrix::clone) };
    let moments = all.into_iter().take(MOST_MARKS).map(|(name, m)| (name, shown(m))).collect();
    let digits = |mut k: usize| {
        let mut out = vec![0; e.basis.sites.len()];
        for (digit, size) in out.iter_mut().zip(e.basis.dimensions()).rev() {
            (*digit, k) = (k % size, k / size);
        }
        out.iter().map(ToString::to_string).collect::<String>()
    };
    let states = States { basis: (0..n).map(digits).collect(), moments, deviation, largest, left };
    Ok((n > 1).then_some(states))
}

/// A label (real or imaginary part), and the matrix elements.
type Part = (&'static str, Vec<Vec<f64>>);

impl States {
    fn caption(&self) -> String {
        let what = if self.deviation { "deviation from the maximally mixed state" } else { "density matrix" };
        let left = if self.left > 0 { format!("; {} more marks are not drawn", self.left) } else { String::new() };
        format!("{what}; the largest element is {}{left}", number(Some(self.largest)))
    }

    /// Real and imaginary part at every mark, relative to the largest element.
    fn parts(&self) -> impl Iterator<Item = (&str, [Part; 2])> {
        let scale = if self.largest > 0.0 { 1.0 / self.largest } else { 0.0 };
        self.moments.iter().map(move |(name, m)| {
            let part = |f: fn(&crate::linalg::C64) -> f64| -> Vec<Vec<f64>> {
                m.row_iter().map(|row| row.iter().map(|x| f(&(x * real(scale)))).collect()).collect()
            };
            (name.as_str(), [("real", part(|x| x.re)), ("imaginary", part(|x| x.im))])
        })
    }
}

/// Smaller elements are rounding.
const SEEN: f64 = 1e-6;

/// Hinton diagram: the area of a square is the magnitude of the element, its colour the sign.
pub fn hinton(states: &States) -> Drawing {
    let n = states.basis.len();
    let cell = (200.0 / n as f64).clamp(16.0, 36.0);
    let letters = 7.0 * states.basis.first().map_or(0, String::len) as f64 + 14.0;
    let side = cell * n as f64;
    let (width, height) = (2.0 * (side + letters + 22.0) + 10.0, side + 62.0);
    let mut out = Drawing::new(
        "hinton",
        format!("Hinton diagram: {}", states.caption()),
        width.max(420.0),
        30.0 + height * states.moments.len() as f64 + 22.0,
    );
    out.text(10.0, 18.0, Anchor::Start, "small", states.caption());
    for (k, (name, parts)) in states.parts().enumerate() {
        let top = 30.0 + height * k as f64;
        for (column, (part, values)) in parts.iter().enumerate() {
            let left = 10.0 + letters + column as f64 * (side + letters + 22.0);
            out.text(left, top + 12.0, Anchor::Start, "name", format!("{name}, {part}"));
            let top = top + 34.0;
            for (i, state) in states.basis.iter().enumerate() {
                let middle = cell * (i as f64 + 0.5);
                out.text(left - 4.0, top + middle + 4.0, Anchor::End, "tick", format!("|{state}⟩"));
                out.text(left + middle, top - 4.0, Anchor::Middle, "tick", state.clone());
                for edge in [i, n] {
                    let at = cell * edge as f64;
                    out.line((left, top + at), (left + side, top + at), "grid");
                    out.line((left + at, top), (left + at, top + side), "grid");
                }
            }
            for (i, row) in values.iter().enumerate() {
                for (j, &value) in row.iter().enumerate().filter(|(_, v)| v.abs() > SEEN) {
                    let size = (cell - 2.0) * value.abs().sqrt();
                    let (x, y) = (left + cell * (j as f64 + 0.5), top + cell * (i as f64 + 0.5));
                    let said =
                        format!("{part} part of ({}, {}): {}", i + 1, j + 1, number(Some(value * states.largest)));
                    out.shapes.push(Shape::Begin(Some(said)));
                    out.rect(
                        x - size / 2.0,
                        y - size / 2.0,
                        size,
                        size,
                        if value > 0.0 { "positive" } else { "negative" },
                    );
                    out.shapes.push(Shape::End);
                }
            }
        }
    }
    key(&mut out);
    out
}

/// 3-D bar plot: the height of a bar is the element; bars below the ground plane are negative.
pub fn city(states: &States) -> Drawing {
    let n = states.basis.len();
    let cell = (150.0 / n as f64).clamp(12.0, 34.0);
    let (side, rise) = (cell * n as f64, 92.0);
    // Rows run to the lower right, columns to the upper right: an axonometric view at 45 degrees, compressed vertically.
    let (ex, ey) = (FRAC_1_SQRT_2 * cell, 0.45 * FRAC_1_SQRT_2 * cell);
    let panel = 2.0 * FRAC_1_SQRT_2 * side + 70.0;
    let negative = states.parts().flat_map(|(_, parts)| parts.map(|(_, v)| v)).flatten().flatten().fold(0.0, f64::min);
    let (above, below) = (rise + 26.0, rise * -negative + 26.0);
    let height = above + 2.0 * 0.45 * FRAC_1_SQRT_2 * side + below;
    let mut out = Drawing::new(
        "city",
        format!("city plot: {}", states.caption()),
        (2.0 * panel + 10.0).max(420.0),
        30.0 + height * states.moments.len() as f64 + 22.0,
    );
    out.text(10.0, 18.0, Anchor::Start, "small", states.caption());
    for (k, (name, parts)) in states.parts().enumerate() {
        for (column, (part, values)) in parts.iter().enumerate() {
            let left = 45.0 + panel * column as f64;
            // Leftmost corner of the ground plane: the first row; the last column is at the back.
            let origin = (left, 30.0 + height * k as f64 + above + ey * n as f64);
            let at = |i: f64, j: f64, z: f64| (origin.0 + ex * (i + j), origin.1 + ey * (i - j) - rise * z);
            out.text(left, 30.0 + height * k as f64 + 12.0, Anchor::Start, "name", format!("{name}, {part}"));
            for i in 0..=n {
                let (i, n) = (i as f64, n as f64);
                for (from, to) in [((i, 0.0), (i, n)), ((0.0, i), (n, i))] {
                    out.line(at(from.0, from.1, 0.0), at(to.0, to.1, 0.0), "grid");
                }
            }
            // Painter's algorithm: draw from back to front.
            let row =
                |(i, row): (usize, &Vec<f64>)| row.iter().enumerate().map(|(j, x)| (i, j, *x)).collect::<Vec<_>>();
            let mut places: Vec<(usize, usize, f64)> = values.iter().enumerate().flat_map(row).collect();
            places.sort_by_key(|(i, j, _)| (*i as i64 - *j as i64, *j));
            for (i, j, value) in places {
                if value.abs() <= SEEN {
                    continue;
                }
                let said = format!("{part} part of ({}, {}): {}", i + 1, j + 1, number(Some(value * states.largest)));
                out.shapes.push(Shape::Begin(Some(said)));
                let (a, b, c, d) = (i as f64 + 0.15, i as f64 + 0.85, j as f64 + 0.15, j as f64 + 0.85);
                let (low, high) = (value.min(0.0), value.max(0.0));
                let faces = if value > 0.0 {
                    ["positive-side", "positive-front", "positive-top"]
                } else {
                    ["negative-side", "negative-front", "negative-top"]
                };
                out.through(&[at(b, c, low), at(b, d, low), at(b, d, high), at(b, c, high)], true, faces[0]);
                out.through(&[at(a, c, low), at(b, c, low), at(b, c, high), at(a, c, high)], true, faces[1]);
                out.through(&[at(a, c, high), at(b, c, high), at(b, d, high), at(a, d, high)], true, faces[2]);
                out.shapes.push(Shape::End);
            }
            // Negative bars may cover the labels, so draw these last.
            for (i, state) in states.basis.iter().enumerate() {
                let (i, n) = (i as f64, n as f64);
                let rows = at(i + 0.5, -0.35, 0.0);
                out.text(rows.0 - 2.0, rows.1 + 6.0, Anchor::End, "tick", state.clone());
                let columns = at(n + 0.35, i + 0.5, 0.0);
                out.text(columns.0 + 2.0, columns.1 + 8.0, Anchor::Start, "tick", state.clone());
            }
        }
    }
    key(&mut out);
    out
}

/// Colour legend.
fn key(out: &mut Drawing) {
    let y = out.height - 14.0;
    out.rect(10.0, y - 9.0, 10.0, 10.0, "positive");
    out.text(24.0, y, Anchor::Start, "small", "positive");
    out.rect(90.0, y - 9.0, 10.0, 10.0, "negative");
    out.text(104.0, y, Anchor::Start, "small", "negative");
}
