//! The first local maximum of a curve, independent of the length of the window. The curve is followed from its start, panel by panel; on
//! each panel the zeros of the derivative of its interpolating polynomial are located, so that a shallow maximum just before a shallow
//! minimum is not missed.

#![expect(
    clippy::indexing_slicing,
    reason = "a panel has DEGREE + 1 nodes and as many coefficients, and a peak is the index of an end"
)]

use super::adaptive_sampling::{DEGREE, MOST_PANELS, TAIL, allowed};
use super::chebyshev_series::{coefficients, turning_points, value};
use super::extremum::{Extremum, brent};
use std::f64::consts::PI;

/// Maximum number of bisections of a panel where a curve is not smooth: a kink is located to this power of two of the finest panel.
const HALVINGS: i32 = 12;

/// Trailing coefficients below this fraction of a curve may be errors of an adaptive integrator rather than unresolved features.
const ROUNDING: f64 = 1e-6;

/// The first local maximum inside `[0, duration]`; `None` if there is none. `grid` is the sample spacing that resolves the curve
/// except for kinks.
///
/// # Errors
/// Any error of `curve`.
pub fn first_maximum<E>(
    duration: f64,
    grid: f64,
    mut curve: impl FnMut(f64) -> Result<Option<f64>, E>,
) -> Result<Option<Extremum>, E> {
    let smallest = (grid * DEGREE as f64).min(duration);
    let least = smallest * 0.5f64.powi(HALVINGS);
    let (mut start, mut width, mut panels) = (0.0, smallest, 0);
    let mut first = curve(0.0)?;
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    let mut pieces = Pieces::default();
    // Largest trailing coefficient on the panel of twice the length with the same start.
    let mut coarser: Option<f64> = None;
    while start < duration && panels < MOST_PANELS {
        panels += 1;
        let rest = duration - start;
        let length = width.min(rest);
        let end = if length == rest { duration } else { start + length };
        let at = |x: f64| if x >= 1.0 { end } else { start + 0.5 * (end - start) * (1.0 + x) };
        let mut nodes = vec![first];
        for k in 1..=DEGREE {
            nodes.push(curve(at(-(PI * k as f64 / DEGREE as f64).cos()))?);
        }
        let mut seen = range;
        nodes.iter().flatten().for_each(|v| seen = (seen.0.min(*v), seen.1.max(*v)));
        let polynomial = nodes.iter().copied().collect::<Option<Vec<f64>>>().map(|v| coefficients(&v));
        let largest = |p: &[f64], from: usize| p[from..].iter().fold(0.0f64, |m, x| m.max(x.abs()));
        let small = allowed(seen);
        let tail = polynomial.as_ref().map_or(f64::INFINITY, |p| largest(p, DEGREE + 1 - TAIL));
        // On a shorter panel the tail of a kink decreases; integration errors do not.
        let size = (10.0 * (seen.1 - seen.0)).max(seen.0.abs()).max(seen.1.abs());
        let helps = tail > ROUNDING * size || coarser.is_none_or(|before| tail < 0.75 * before);
        if tail > small && length > 1.001 * least && helps {
            coarser = Some(tail);
            width = 0.5 * length;
            continue;
        }
        let node = |k: usize| (at(-(PI * k as f64 / DEGREE as f64).cos()), nodes[k]);
        let breaks: Vec<(f64, Option<f64>)> = match &polynomial {
            Some(p) if tail <= small => {
                let inside = turning_points(p).into_iter().map(|x| (at(x), Some(value(p, x))));
                [node(0)].into_iter().chain(inside).chain([node(DEGREE)]).collect()
            }
            _ => (0..=DEGREE).map(node).collect(),
        };
        let noise = 4.0 * if tail.is_finite() { small.max(tail) } else { small };
        for (time, height) in breaks {
            if let Some((low, peak, high)) = pieces.add(time, height, noise) {
                return refined(low, peak, high, &mut curve).map(Some);
            }
        }
        let easy = polynomial.as_ref().is_some_and(|p| largest(p, DEGREE / 2) <= small);
        width = if easy || !helps { 2.0 * length } else { length };
        (range, first, start, coarser) = (seen, nodes[DEGREE], end, None);
    }
    Ok(None)
}

/// End points of monotonic pieces of the curve.
#[derive(Default)]
struct Pieces {
    ends: Vec<(f64, f64)>,
    /// Lowest value since the start, until the curve has risen above it.
    lowest: Option<f64>,
    /// Index of the highest end since then.
    peak: Option<usize>,
}

impl Pieces {
    /// Adds the end of a piece. Once the curve has risen and then fallen by more than `noise`, returns the highest end with its neighbours:
    /// (before, peak, after).
    fn add(&mut self, time: f64, height: Option<f64>, noise: f64) -> Option<(f64, f64, f64)> {
        let Some(height) = height else {
            *self = Pieces::default();
            return None;
        };
        if self.ends.last().is_some_and(|(last, _)| *last >= time) {
            return None;
        }
        self.ends.push((time, height));
        let here = self.ends.len() - 1;
        let top = self.peak.map(|k| self.ends[k].1);
        match (self.peak, top, self.lowest) {
            (Some(k), Some(top), _) if height < top - noise => {
                let side = |k: Option<usize>| k.and_then(|k| self.ends.get(k)).map(|(t, _)| *t);
                let peak = self.ends[k].0;
                return Some((side(k.checked_sub(1)).unwrap_or(peak), peak, side(Some(k + 1)).unwrap_or(time)));
            }
            (Some(_), Some(top), _) if height >= top => self.peak = Some(here),
            (Some(_), ..) => {}
            (None, _, Some(lowest)) if height > lowest + noise => self.peak = Some(here),
            (None, _, lowest) => self.lowest = Some(lowest.map_or(height, |l| l.min(height))),
        }
        None
    }
}

/// The maximum of the curve between two times, starting from a nearby point.
fn refined<E>(
    low: f64,
    peak: f64,
    high: f64,
    curve: &mut impl FnMut(f64) -> Result<Option<f64>, E>,
) -> Result<Extremum, E> {
    let start = Extremum { time: peak, value: curve(peak)?.unwrap_or(f64::NEG_INFINITY) };
    let found = brent(low, high, start, curve)?;
    Ok(if found.value > start.value { found } else { start })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn first(f: impl Fn(f64) -> f64, duration: f64, grid: f64) -> Option<Extremum> {
        first_maximum(duration, grid, |t| Ok::<_, Infallible>(Some(f(t)))).unwrap()
    }

    #[test]
    fn the_first_maximum_need_not_be_the_highest() {
        let found = first(|t| t.sin() + 0.1 * t, 20.0, 0.8).unwrap();
        assert!((found.time - (-0.1f64).acos()).abs() < 1e-7);
    }

    #[test]
    fn a_shallow_maximum_is_found_in_every_window() {
        // The slope 1 - a cos t is negative for |t - 2 pi k| < arccos(1/a): the maximum and the next minimum are 2 arccos(1/a) apart, and
        // their values differ by about a sixth of the third power of that.
        for a in [1.5, 1.1, 1.01, 1.001, 1.0001f64] {
            let f = |t: f64| t - a * t.sin();
            let exact = 2.0 * PI - (1.0 / a).acos();
            for duration in [7.0, 8.0, 12.0, 13.7, 20.0, 50.0, 200.0, 1000.0, 12345.6] {
                for grid in [0.1, 0.8f64] {
                    let found = first(f, duration, grid.min(duration / 3.0)).map(|x| (x.time, x.value));
                    let (time, height) = found.unwrap_or_default();
                    // The value is accurate to rounding; the position less so, the flatter the maximum.
                    assert!((time - exact).abs() < 1e-5, "{a} {duration} {grid}: {time} for {exact}");
                    assert!((height - f(exact)).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn a_corner_is_a_maximum_and_a_curve_that_only_rises_has_none() {
        for (duration, corner) in [(1.0, 0.3), (40.0, 0.3), (40.0, 7.123)] {
            let found = first(|t| -(t - corner).abs(), duration, 0.1).unwrap();
            assert!((found.time - corner).abs() < 1e-6, "{duration} {corner}: {found:?}");
        }
        assert_eq!(first(|t| t, 30.0, 0.5), None);
        assert_eq!(first(|t| t - 0.999 * t.sin(), 300.0, 0.5), None);
        assert_eq!(first(|_| 1.0, 30.0, 0.5), None);
    }

    #[test]
    fn small_early_maxima_count_beside_large_late_ones() {
        let f = |t: f64| 1e-4 * t.sin() + (0.3 * (t - 60.0)).exp();
        for duration in [5.0, 10.0, 30.0, 60.0, 90.0] {
            let found = first(f, duration, 0.5).unwrap();
            // cos t = -0.3e4 exp(0.3 (t - 60)), near pi/2.
            assert!((found.time - 1.57).abs() < 0.01, "{duration}: {found:?}");
        }
    }
}
