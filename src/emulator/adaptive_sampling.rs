//! Adaptive sampling of curves that are expensive to evaluate.
//!
//! A function of the state changes at most as fast as the spectral width of H allows, but usually far more slowly: the energy of a
//! hundred cells charged by a hundred spins has a handful of oscillations, although the spectral width allows ten thousand.
//! The time axis is divided into panels. On each panel the curves are evaluated at Chebyshev points; a panel is accepted when the last
//! coefficients of the interpolating polynomials are negligible. Panels grow while this succeeds and shrink where it fails, down to the
//! spacing that the bandwidth requires, for example at a level crossing where a curve is not smooth.

#![expect(
    clippy::indexing_slicing,
    reason = "a panel has DEGREE + 1 nodes with one value per curve, and a polynomial has at least one coefficient"
)]

use super::chebyshev_series::{bend_in_angle, coefficients, turning_points, value};
use std::f64::consts::PI;
use std::ops::Range;

/// Degree of the interpolating polynomials.
pub(super) const DEGREE: usize = 32;

/// Number of trailing coefficients that must be negligible.
pub(super) const TAIL: usize = 5;

/// Number of output intervals per resolved panel.
const FINE: usize = 160;

/// Relative accuracy to which a curve is resolved, as a fraction of its range.
const RESOLUTION: f64 = 1e-9;

/// A curve on an adaptive grid.
#[derive(Debug, Clone, Default)]
pub struct SampledCurve {
    /// Sample times, ascending, both ends included.
    pub times: Vec<f64>,
    /// Values; NaN where the curve is undefined.
    pub values: Vec<f64>,
    /// Sample ranges (first to last index) between which the curve is not smooth.
    pub rough: Vec<Range<usize>>,
    /// The others.
    pub smooth: Vec<Piece>,
}

impl SampledCurve {
    /// From samples that are not divided into parts.
    pub fn of(times: Vec<f64>, values: Vec<f64>) -> SampledCurve {
        SampledCurve { times, values, ..SampledCurve::default() }
    }
}

/// Part of a curve that a polynomial resolves.
#[derive(Debug, Clone)]
pub struct Piece {
    /// First and last index of its samples.
    samples: Range<usize>,
    start: f64,
    end: f64,
    /// Chebyshev coefficients.
    polynomial: Vec<f64>,
}

impl Piece {
    /// Upper bound of its values, from those of its samples, which are equidistant in angle: the largest one, and the second derivative
    /// times one eighth of the squared distance.
    pub fn bound(&self, values: &[f64]) -> f64 {
        let distance = PI / FINE as f64;
        let largest = values[self.samples.start..=self.samples.end].iter().fold(f64::NEG_INFINITY, |m, x| m.max(*x));
        largest + 0.125 * distance * distance * bend_in_angle(&self.polynomial)
    }

    /// The local maxima of the curve times a sign: time and value, between the times of the turning points or ends before and after them.
    pub fn maxima(&self, sign: f64) -> Vec<(f64, (f64, f64), f64)> {
        let places = [-1.0].into_iter().chain(turning_points(&self.polynomial)).chain([1.0]);
        let time = |x: f64| self.start + 0.5 * (self.end - self.start) * (1.0 + x);
        let turns: Vec<(f64, f64)> = places.map(|x| (time(x), sign * value(&self.polynomial, x))).collect();
        let highest = turns.windows(3).filter(|three| three[1].1 > three[0].1 && three[1].1 > three[2].1);
        highest.map(|three| (three[0].0, three[1], three[2].0)).collect()
    }
}

/// The result of [`sample`].
pub struct Sampled {
    /// One curve per observable.
    pub lines: Vec<SampledCurve>,
    /// True if the panel limit was reached before the end.
    pub incomplete: bool,
}

/// Maximum number of panels.
pub(super) const MOST_PANELS: usize = 8_000;

/// Minimum and maximum of a curve.
type Bounds = (f64, f64);

/// The curves between two times, given by their values at the Chebyshev points.
struct Panel {
    start: f64,
    end: f64,
    /// Indexed by node, then by curve.
    nodes: Vec<Vec<Option<f64>>>,
    /// Chebyshev coefficients of each curve; `None` if it is undefined at some node.
    polynomials: Vec<Option<Vec<f64>>>,
}

impl Panel {
    /// Evaluates the curves at the nodes; `first` holds their values at the start of the panel.
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

    /// Time of node k.
    fn node(&self, k: usize) -> f64 {
        if k == DEGREE {
            return self.end;
        }
        self.time(-(PI * k as f64 / DEGREE as f64).cos())
    }

    /// Time at position `place` in [-1, 1].
    fn time(&self, place: f64) -> f64 {
        self.start + 0.5 * (self.end - self.start) * (1.0 + place)
    }

    /// Extends the bounds of the curves by the values at the nodes.
    fn widened(&self, mut bounds: Vec<Bounds>) -> Vec<Bounds> {
        for (c, (low, high)) in bounds.iter_mut().enumerate() {
            for v in self.nodes.iter().filter_map(|n| n[c]) {
                (*low, *high) = (low.min(v), high.max(v));
            }
        }
        bounds
    }

    /// True if the coefficients of curve `c` from order `from` on are below the error allowed for its bounds.
    fn resolves(&self, c: usize, from: usize, bounds: &[Bounds]) -> bool {
        let largest = |p: &Vec<f64>| p[from..].iter().map(|x| x.abs()).fold(0.0, f64::max);
        self.polynomials[c].as_ref().is_some_and(|p| largest(p) <= allowed(bounds[c]))
    }

    /// Appends the samples of a curve: from its polynomial if that resolves it, otherwise the nodes only.
    fn append(&self, c: usize, resolved: bool, line: &mut SampledCurve) {
        match self.polynomials[c].as_ref().filter(|_| resolved) {
            Some(p) => {
                let first = line.times.len() - 1;
                let (start, end, samples) = (self.start, self.end, first..first + FINE);
                line.smooth.push(Piece { samples, start, end, polynomial: p.clone() });
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

/// Length of the next panel, close to `width`, chosen so that no very short remainder is left.
fn panel_length(width: f64, rest: f64) -> f64 {
    if width >= rest {
        rest
    } else if 2.0 * width > rest {
        0.5 * rest
    } else {
        width
    }
}

/// Samples curves over `[0, duration]`; `grid` is the spacing that resolves any curve of the given bandwidth.
///
/// # Errors
/// Any error of `evaluate`.
pub fn sample<E>(
    curves: usize,
    duration: f64,
    grid: f64,
    mut evaluate: impl FnMut(f64) -> Result<Vec<Option<f64>>, E>,
) -> Result<Sampled, E> {
    let smallest = (grid * DEGREE as f64).min(duration);
    let mut first = evaluate(0.0)?;
    let begin = |v: &Option<f64>| SampledCurve::of(vec![0.0], vec![v.unwrap_or(f64::NAN)]);
    let lines = first.iter().map(begin);
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
        // Trailing coefficients are compared with the range of the curve so far.
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

/// Position of fine sample k in [-1, 1]: equidistant in angle, like the nodes.
fn place(k: usize) -> f64 {
    -(PI * k as f64 / FINE as f64).cos()
}

/// Allowed error of a curve with this minimum and maximum.
pub(super) fn allowed((low, high): (f64, f64)) -> f64 {
    RESOLUTION * (high - low) + 1e-14 * high.abs().max(low.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;
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

    /// Of random polynomials, whose turning points are close to samples or between them.
    #[test]
    fn pieces_have_all_maxima_and_no_value_above_their_bound() {
        let mut noise = Noise::new(6, 0);
        for _ in 0..20 {
            let series: Vec<f64> = (0..28).map(|_| noise.normal()).collect();
            let f = |t: f64| value(&series, 2.0 * t - 1.0);
            let sampled = sample(1, 1.0, 1.0, |t| Ok::<_, Infallible>(vec![Some(f(t))])).unwrap();
            let (line, piece) = (&sampled.lines[0], &sampled.lines[0].smooth[0]);
            let dense: Vec<f64> = (0..=20_000).map(|k| f(0.5 - 0.5 * (PI * f64::from(k) / 20_000.0).cos())).collect();
            let highest = dense.iter().fold(f64::MIN, |m, x| m.max(*x));
            let bound = piece.bound(&line.values);
            // The second derivative of each term is taken at its largest.
            assert!((0.0..0.5).contains(&(bound - highest)), "{bound} {highest}");
            let maxima = piece.maxima(1.0);
            let peaks = dense.windows(3).filter(|x| x[1] > x[0] && x[1] > x[2]);
            let expected: Vec<f64> = peaks.map(|x| x[1]).collect();
            assert_eq!(maxima.len(), expected.len());
            for ((low, (time, x), high), expected) in maxima.into_iter().zip(expected) {
                assert!(low < time && time < high && (0.0..5e-5).contains(&(x - expected + 1e-12)), "{x} {expected}");
            }
        }
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
