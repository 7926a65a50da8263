//! Curves that are expensive to evaluate, sampled as densely as they need.
//!
//! A curve of the state turns at most as fast as the spectrum of H is wide, but usually far slower: the energy of a hundred
//! cells that a hundred spins charge follows a handful of waves, while its Hamiltonian could turn a phase ten thousand times.
//! Time is cut into panels; on each the curves are evaluated at Chebyshev's points, and a panel is good when the last
//! coefficients of the interpolating polynomials have died out. Panels grow while that is easy, and shrink, at the least to
//! the sampling that the bandwidth demands, where it is not: at a level crossing of a curve that is not smooth.

#![expect(
    clippy::indexing_slicing,
    reason = "a panel has DEGREE + 1 nodes with a value for every curve, and a polynomial one coefficient at least"
)]

use std::ops::Range;

/// The degree of the polynomials.
pub(super) const DEGREE: usize = 32;

/// Coefficients that must have died out.
pub(super) const TAIL: usize = 5;

/// Samples of the polynomial on each panel.
const FINE: usize = 160;

/// To which part of its range a curve is resolved.
const RESOLUTION: f64 = 1e-9;

/// A curve on a grid that is dense where it needs it.
#[derive(Debug, Clone, Default)]
pub struct SampledCurve {
    /// The times, ascending, both ends included.
    pub times: Vec<f64>,
    /// The values; what is not defined is not a number here.
    pub values: Vec<f64>,
    /// Samples between which it is not smooth: from the first to the last of each range.
    pub rough: Vec<Range<usize>>,
}

/// Sampled curves.
pub struct Sampled {
    /// The curves.
    pub lines: Vec<SampledCurve>,
    /// Whether the panels ran out before the end.
    pub incomplete: bool,
}

/// More panels than this are not taken.
pub(super) const MOST_PANELS: usize = 8_000;

/// The least and the largest value of a curve.
type Bounds = (f64, f64);

/// The curves between two times, from their values at Chebyshev's points.
struct Panel {
    start: f64,
    end: f64,
    /// By node, then by curve.
    nodes: Vec<Vec<Option<f64>>>,
    /// The Chebyshev coefficients of every curve; `None` where it is not defined at some node.
    polynomials: Vec<Option<Vec<f64>>>,
}

impl Panel {
    /// Evaluates the curves at the nodes; `first` holds their values at the start.
    fn of<E>(
        (start, end): (f64, f64),
        first: Vec<Option<f64>>,
        mut evaluate: impl FnMut(f64) -> Result<Vec<Option<f64>>, E>,
    ) -> Result<Panel, E> {
        let curves = first.len();
        let mut panel = Panel { start, end, nodes: vec![first], polynomials: vec![] };
        for k in 1..=DEGREE {
            panel.nodes.push(evaluate(panel.node(k))?);
        }
        let values = |c: usize| panel.nodes.iter().map(|n| n[c]).collect::<Option<Vec<f64>>>();
        panel.polynomials = (0..curves).map(|c| values(c).map(|v| coefficients(&v))).collect();
        Ok(panel)
    }

    /// The time of node k.
    fn node(&self, k: usize) -> f64 {
        if k == DEGREE {
            return self.end;
        }
        self.time(-(std::f64::consts::PI * k as f64 / DEGREE as f64).cos())
    }

    /// The time at a place of [-1, 1].
    fn time(&self, place: f64) -> f64 {
        self.start + 0.5 * (self.end - self.start) * (1.0 + place)
    }

    /// Bounds of the curves, with the values at the nodes included.
    fn widened(&self, mut bounds: Vec<Bounds>) -> Vec<Bounds> {
        for (c, (low, high)) in bounds.iter_mut().enumerate() {
            for v in self.nodes.iter().filter_map(|n| n[c]) {
                (*low, *high) = (low.min(v), high.max(v));
            }
        }
        bounds
    }

    /// Whether the coefficients of a curve from an order on are below the error that its bounds allow.
    fn resolves(&self, c: usize, from: usize, bounds: &[Bounds]) -> bool {
        let largest = |p: &Vec<f64>| p[from..].iter().map(|x| x.abs()).fold(0.0, f64::max);
        self.polynomials[c].as_ref().is_some_and(|p| largest(p) <= allowed(bounds[c]))
    }

    /// Adds the samples of a curve: of its polynomial where that resolves it, else the nodes alone.
    fn append(&self, c: usize, resolved: bool, line: &mut SampledCurve) {
        match self.polynomials[c].as_ref().filter(|_| resolved) {
            Some(p) => {
                line.times.extend((1..FINE).map(|k| self.time(place(k))));
                line.values.extend((1..FINE).map(|k| value(p, place(k))));
            }
            None => {
                let last = line.times.len() - 1;
                line.rough.push(last..last + DEGREE);
                line.times.extend((1..DEGREE).map(|k| self.node(k)));
                line.values.extend(self.nodes[1..DEGREE].iter().map(|n| n[c].unwrap_or(f64::NAN)));
            }
        }
        line.times.push(self.end);
        line.values.push(self.nodes[DEGREE][c].unwrap_or(f64::NAN));
    }
}

/// The length of the next panel, of about a width: what remains is not left to a sliver.
fn panel_length(width: f64, rest: f64) -> f64 {
    if width >= rest {
        rest
    } else if 2.0 * width > rest {
        0.5 * rest
    } else {
        width
    }
}

/// Samples curves over `[0, duration]`; `grid` is the distance between samples that is fine enough for anything.
///
/// # Errors
/// Those of the curves.
pub fn sample<E>(
    curves: usize,
    duration: f64,
    grid: f64,
    mut evaluate: impl FnMut(f64) -> Result<Vec<Option<f64>>, E>,
) -> Result<Sampled, E> {
    let smallest = (grid * DEGREE as f64).min(duration);
    let mut first = evaluate(0.0)?;
    let lines =
        first.iter().map(|v| SampledCurve { times: vec![0.0], values: vec![v.unwrap_or(f64::NAN)], rough: vec![] });
    let mut out = Sampled { lines: lines.collect(), incomplete: false };
    let mut bounds: Vec<Bounds> = vec![(f64::INFINITY, f64::NEG_INFINITY); curves];
    let mut start = 0.0;
    let mut width = smallest;
    let mut panels = 0;
    while start < duration {
        panels += 1;
        let rest = duration - start;
        let length = panel_length(width, rest);
        let end = if length == rest { duration } else { start + length };
        let mut panel = Panel::of((start, end), first.clone(), &mut evaluate)?;
        // Tails are measured against the range of the curve so far.
        let seen = panel.widened(bounds.clone());
        let resolved: Vec<bool> = (0..curves).map(|c| panel.resolves(c, DEGREE + 1 - TAIL, &seen)).collect();
        let good = resolved.iter().all(|resolved| *resolved);
        if !good && length > 1.001 * smallest {
            width = (0.5 * length).max(smallest);
            continue;
        }
        for (c, line) in out.lines.iter_mut().enumerate() {
            panel.append(c, resolved[c], line);
        }
        if good && (0..curves).all(|c| panel.resolves(c, DEGREE / 2, &seen)) {
            width = 2.0 * length;
        } else if length >= width {
            width = length;
        }
        bounds = seen;
        first = panel.nodes.swap_remove(DEGREE);
        start = end;
        if panels >= MOST_PANELS && start < duration {
            out.incomplete = true;
            return Ok(out);
        }
    }
    Ok(out)
}

/// The place of fine sample k on [-1, 1]: evenly spaced in the angle, as the nodes are.
fn place(k: usize) -> f64 {
    -(std::f64::consts::PI * k as f64 / FINE as f64).cos()
}

/// The error of a curve of this range that is allowed.
pub(super) fn allowed((low, high): (f64, f64)) -> f64 {
    RESOLUTION * (high - low) + 1e-14 * high.abs().max(low.abs())
}

/// Chebyshev coefficients from the values at `-cos(pi k / n)`.
pub(super) fn coefficients(values: &[f64]) -> Vec<f64> {
    let n = values.len() - 1;
    (0..=n)
        .map(|j| {
            let sum: f64 = values
                .iter()
                .enumerate()
                .map(|(k, v)| {
                    let weight = if k == 0 || k == n { 0.5 } else { 1.0 };
                    let sign = if j % 2 == 0 { 1.0 } else { -1.0 };
                    weight * v * sign * (std::f64::consts::PI * (j * k % (2 * n)) as f64 / n as f64).cos()
                })
                .sum();
            sum * if j == 0 || j == n { 1.0 } else { 2.0 } / n as f64
        })
        .collect()
}

/// The polynomial at a place of [-1, 1], by Clenshaw's recurrence.
pub(super) fn value(p: &[f64], x: f64) -> f64 {
    let (mut b1, mut b2) = (0.0, 0.0);
    for c in p.iter().skip(1).rev() {
        (b1, b2) = (2.0 * x * b1 - b2 + c, b1);
    }
    x * b1 - b2 + p[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn a_smooth_curve_takes_few_samples_and_is_met_everywhere() {
        let mut calls = 0;
        let f = |t: f64| (3.0 * t).sin() * (-0.1 * t).exp();
        let sampled = sample(1, 20.0, 1e-3, |t| {
            calls += 1;
            Ok::<_, Infallible>(vec![Some(f(t))])
        })
        .unwrap();
        assert!(calls < 1500, "{calls} instead of 20000");
        let SampledCurve { times, values, .. } = &sampled.lines[0];
        assert_eq!((times[0], times[times.len() - 1]), (0.0, 20.0));
        assert!(times.windows(2).all(|w| w[0] < w[1]));
        let worst = times.iter().zip(values).map(|(t, v)| (v - f(*t)).abs());
        assert!(worst.fold(0.0, f64::max) < 1e-8);
    }

    #[test]
    fn a_corner_is_sampled_at_the_given_distance() {
        let f = |t: f64| (t - 0.7).abs();
        let sampled = sample(1, 1.0, 1e-3, |t| Ok::<_, Infallible>(vec![Some(f(t))])).unwrap();
        let SampledCurve { times, values, .. } = &sampled.lines[0];
        let near = times.windows(2).filter(|w| w[0] <= 0.7 && 0.7 <= w[1]).all(|w| w[1] - w[0] < 2e-3);
        let rough = sampled.lines[0].rough.iter().any(|r| times[r.start] <= 0.7 && 0.7 <= times[r.end]);
        assert!(rough && near && times.iter().zip(values).all(|(t, v)| (v - f(*t)).abs() < 1e-9));
    }

    #[test]
    fn what_is_not_defined_stays_so() {
        let f = |t: f64| (t > 0.5).then_some(t);
        let sampled = sample(1, 1.0, 1e-2, |t| Ok::<_, Infallible>(vec![f(t)])).unwrap();
        let SampledCurve { times, values, .. } = &sampled.lines[0];
        assert_eq!(values.last().copied(), Some(1.0));
        assert!(times.iter().zip(values).all(|(t, v)| (*t > 0.5) != v.is_nan()));
    }
}
