//! Global maximum of a curve, by branch and bound.
//!
//! A kink can hide between samples however dense they are: near a zero of an element of rho, `l1_coherence` has a minimum as sharp as
//! the tip of a cone. Oscillations may add up to a maximum that lies between two samples, neither of them higher than its neighbours.
//! Each interval has an upper bound of the curve on it; intervals whose bound exceeds the best known value are split until none is left.

#![expect(
    clippy::indexing_slicing,
    reason = "windows of two have two elements, intervals have two ends, and there is one slope fewer than points"
)]

use super::adaptive_sampling::SampledCurve;
use super::extremum::{Extremum, brent, equal, range};
use crate::metrics::Curve;
use std::convert::Infallible;

/// An interval of a curve.
pub trait Interval: Sized {
    /// The best value at one of the two ends, with its time.
    fn best(&self) -> Extremum;

    /// Upper bound of the values inside the interval.
    fn bound(&self) -> f64;

    /// Time at which to split it; `None` if the interval is as short as floating-point times resolve.
    fn split(&self) -> Option<f64>;
}

/// What is found out about an interval.
pub enum Inside<I> {
    /// Its two parts.
    Halves([I; 2]),
    /// Its largest value, up to the accepted gap, which needs no further search.
    Largest(Extremum),
}

/// Parameters of a search.
pub struct Search {
    /// Values closer than this count as equal; the earliest of equal maxima wins.
    equal: f64,
    /// Accepted gap between an upper bound and the best value.
    open: f64,
    /// Two times closer than this belong to the same maximum.
    near: f64,
    /// Maximum number of splits.
    most: usize,
}

/// Searches intervals, which ascend in time, for a maximum above the best known one. Returns the maximum and whether it is proven:
/// `false` if the budget of splits ran out first.
///
/// # Errors
/// Any error of `look`.
pub fn search<I: Interval, E>(
    mut best: Extremum,
    intervals: impl IntoIterator<Item = I>,
    Search { equal, open, near, most }: Search,
    mut look: impl FnMut(I, f64) -> Result<Inside<I>, E>,
) -> Result<(Extremum, bool), E> {
    let (mut intervals, mut parts) = (intervals.into_iter(), Vec::new());
    let mut splits = 0;
    while let Some(interval) = parts.pop().or_else(|| intervals.next()) {
        let found = interval.best();
        better(&mut best, found, (equal, near));
        // An earlier maximum equal to the best is searched for as well.
        let wanted = if found.time < best.time - near { best.value - 0.5 * equal } else { best.value + open };
        if interval.bound() <= wanted {
            continue;
        }
        let Some(place) = interval.split() else { continue };
        if splits == most {
            return Ok((best, false));
        }
        splits += 1;
        let [left, right] = match look(interval, place)? {
            Inside::Halves(halves) => halves,
            Inside::Largest(found) => {
                better(&mut best, found, (equal, near));
                continue;
            }
        };
        // The half with the higher bound first: its result prunes the other half.
        let (first, second) = if left.bound() >= right.bound() { (left, right) } else { (right, left) };
        parts.extend([second, first]);
    }
    Ok((best, true))
}

/// Takes a value into account: values closer than `equal` are equal, and times closer than `near` belong to the same maximum.
fn better(best: &mut Extremum, found: Extremum, (equal, near): (f64, f64)) {
    let earlier = found.time < best.time - near;
    let same = (found.time - best.time).abs() <= near;
    if found.value > best.value + equal || (same && found.value > best.value) {
        *best = found;
    } else if earlier && found.value >= best.value - equal {
        *best = Extremum { time: found.time, value: best.value.max(found.value) };
    } else {
        best.value = best.value.max(found.value);
    }
}

/// An interval of a sum of oscillations and their magnitudes, for a minimum. Adding half of the second bound of [`Curve::bounds`] times
/// `(t - a)(t - b)` makes the sum convex, so that the tangents at both ends bound it from below.
struct Valley {
    /// Time, value and slope towards the inside of the interval.
    ends: [(f64, f64, f64); 2],
    /// Time and value of the minimum of the lower bound.
    lowest: (f64, f64),
}

impl Valley {
    fn new(a: (f64, f64, f64), b: (f64, f64, f64), fall: f64) -> Valley {
        let half = 0.5 * fall * (b.0 - a.0);
        let (down, up) = (a.2 - half, b.2 + half);
        let lowest = if down >= 0.0 {
            (a.0, a.1)
        } else if up <= 0.0 {
            (b.0, b.1)
        } else {
            let t = (a.1 - b.1 + up * b.0 - down * a.0) / (up - down);
            (t, a.1 + down * (t - a.0))
        };
        Valley { ends: [a, b], lowest }
    }
}

/// Split point, clamped away from both ends so that each part is shorter than the whole.
fn inside(place: f64, a: f64, b: f64, share: f64) -> Option<f64> {
    let margin = share * (b - a);
    let place = place.clamp(a + margin, b - margin);
    (place > a && place < b && b - a > 1e-15 * b.abs()).then_some(place)
}

impl Interval for Valley {
    fn best(&self) -> Extremum {
        let [a, b] = self.ends;
        let (time, value, _) = if b.1 < a.1 { b } else { a };
        Extremum { time, value: -value }
    }

    fn bound(&self) -> f64 {
        -self.lowest.1
    }

    fn split(&self) -> Option<f64> {
        inside(self.lowest.0, self.ends[0].0, self.ends[1].0, 0.01)
    }
}

/// An interval of such a curve, for a maximum. The upper bound is that of the chord plus the second bound of [`Curve::bounds`] times one
/// eighth of the squared length.
struct Hill {
    ends: [Extremum; 2],
    fall: f64,
}

impl Interval for Hill {
    fn best(&self) -> Extremum {
        let [a, b] = self.ends;
        if b.value > a.value { b } else { a }
    }

    fn bound(&self) -> f64 {
        let length = self.ends[1].time - self.ends[0].time;
        self.best().value + 0.125 * self.fall * length * length
    }

    fn split(&self) -> Option<f64> {
        let [a, b] = self.ends;
        inside(0.5 * (a.time + b.time), a.time, b.time, 0.5)
    }
}

/// Improves the best known maximum of a curve, or of its negative, using the bounds between samples. The flag is true if no higher
/// value can exist.
pub fn search_curve(best: Extremum, samples: &SampledCurve, curve: &Curve, negative: bool) -> (Extremum, bool) {
    match (negative, curve.negative()) {
        (false, _) => search_hills(best, samples, curve),
        // The negative of a wave is smooth where it is highest; that of magnitudes has its maxima at kinks.
        (true, Some(wave)) => {
            let values = samples.values.iter().map(|x| -x).collect();
            search_hills(best, &SampledCurve::of(samples.times.clone(), values), &wave)
        }
        (true, None) => search_valleys(best, samples, curve),
    }
}

/// Parameters of a search between the samples of a curve. Bounds need not be tighter than rounding. A long curve has as many equal maxima as
/// periods, with some splits for each.
fn between_samples(samples: &SampledCurve) -> Search {
    let equal = equal(range(&samples.values));
    let most = (4 * samples.times.len()).max(20_000);
    Search { equal, open: 1e-3 * equal, near: near(&samples.times), most }
}

/// The minimum, as the maximum of the negative.
fn search_valleys(best: Extremum, samples: &SampledCurve, curve: &Curve) -> (Extremum, bool) {
    let (slope, fall) = curve.bounds();
    let end = |t: f64, after: usize| {
        let (value, slopes) = curve.with_slopes(t);
        (t, value, slopes[after])
    };
    let pairs = samples.times.windows(2).zip(samples.values.windows(2));
    let possible = pairs.filter(|(t, x)| 0.5 * (x[0] + x[1] - slope * (t[1] - t[0])) < -best.value);
    let valleys = possible.map(|(t, _)| Valley::new(end(t[0], 1), end(t[1], 0), fall));
    let found: Result<_, Infallible> = search(best, valleys, between_samples(samples), |valley: Valley, t| {
        let [a, b] = valley.ends;
        Ok(Inside::Halves([Valley::new(a, end(t, 0), fall), Valley::new(end(t, 1), b, fall)]))
    });
    found.unwrap_or((best, false))
}

fn search_hills(best: Extremum, samples: &SampledCurve, curve: &Curve) -> (Extremum, bool) {
    let ((_, fall), smoothness, search_for) = (curve.bounds(), curve.smoothness(), between_samples(samples));
    let pairs = samples.times.windows(2).zip(samples.values.windows(2));
    let hill = |ends: [(f64, f64); 2]| Hill { ends: ends.map(|(time, value)| Extremum { time, value }), fall };
    let hills = pairs.map(|(t, x)| hill([(t[0], x[0]), (t[1], x[1])]));
    let open = search_for.open;
    let found: Result<_, Infallible> = search(best, hills, search_for, |hill: Hill, time| {
        let [a, b] = hill.ends;
        let length = b.time - a.time;
        let middle = curve.parabola(&smoothness, time, 0.5 * length);
        if middle.is_concave() {
            return Ok(Inside::Largest(summit(curve, a, b)));
        }
        // A magnitude that vanishes as a square leaves a smooth maximum; on a sample, its parabola excludes higher values.
        let highest = hill.best();
        if !middle.smooth && curve.parabola(&smoothness, highest.time, length).highest(length) <= open {
            return Ok(Inside::Largest(highest));
        }
        let middle = Extremum { time, value: middle.value };
        Ok(Inside::Halves([Hill { ends: [a, middle], fall }, Hill { ends: [middle, b], fall }]))
    });
    found.unwrap_or((best, false))
}

/// The maximum of a curve between two times where it is concave: Newton's method for the zero of the slope, by halves where it leaves the
/// interval that is left.
fn summit(curve: &Curve, a: Extremum, b: Extremum) -> Extremum {
    /// Halves alone reach the resolution of times.
    const MOST: usize = 60;
    let best = if b.value > a.value { b } else { a };
    let (mut low, mut high) = (a.time, b.time);
    // From the higher end, if the curve rises from there.
    let mut t = best.time;
    for _ in 0..MOST {
        let [value, slope, bend] = curve.with_derivatives(t);
        if (t == a.time && slope <= 0.0) || (t == b.time && slope >= 0.0) {
            return best;
        }
        let step = -slope / bend;
        if step.abs() <= 1e-9 * (b.time - a.time) || high - low <= f64::EPSILON * high.abs() {
            return if value > best.value { Extremum { time: t, value } } else { best };
        }
        if slope > 0.0 {
            low = t
        } else {
            high = t
        }
        let next = t + step;
        t = if next > low && next < high { next } else { 0.5 * (low + high) };
    }
    best
}

/// An interval of an arbitrary curve, with a slope bound estimated from neighbouring samples.
struct Rough {
    ends: [Extremum; 2],
    slope: f64,
}

impl Rough {
    /// The two halves. Twice their slopes are new evidence; the old bound counts half, and not at all where the curve is straight.
    fn halves(self, middle: Extremum, straight: f64) -> [Rough; 2] {
        let [a, b] = self.ends;
        let halves = [[a, middle], [middle, b]];
        let steepest = 2.0 * halves.iter().map(slope_of).fold(0.0, f64::max);
        let chord = a.value + (b.value - a.value) * (middle.time - a.time) / (b.time - a.time);
        let least = if (middle.value - chord).abs() <= straight { 0.0 } else { 0.5 * self.slope };
        let slope = if steepest.is_nan() { self.slope } else { steepest.max(least).min(self.slope) };
        halves.map(|ends| Rough { ends, slope })
    }
}

fn slope_of([a, b]: &[Extremum; 2]) -> f64 {
    ((b.value - a.value) / (b.time - a.time)).abs()
}

impl Interval for Rough {
    fn best(&self) -> Extremum {
        let [a, b] = self.ends;
        if b.value > a.value { b } else { a }
    }

    fn bound(&self) -> f64 {
        let [a, b] = self.ends;
        // NaN where the curve is undefined; comparisons with it are false.
        0.5 * (a.value + b.value + self.slope * (b.time - a.time))
    }

    fn split(&self) -> Option<f64> {
        let [a, b] = self.ends;
        let place = 0.5 * (a.time + b.time + (b.value - a.value) / self.slope);
        inside(place, a.time, b.time, 0.1)
    }
}

/// The same for a curve known only by values of limited accuracy: where polynomials resolve it, from all of their maxima, and elsewhere by
/// branch and bound.
///
/// # Errors
/// Any error of `curve`.
pub fn search_samples<E>(
    mut best: Extremum,
    (samples, accuracy): (&SampledCurve, f64),
    negative: bool,
    mut curve: impl FnMut(f64) -> Result<Option<f64>, E>,
) -> Result<(Extremum, bool), E> {
    let sign = if negative { -1.0 } else { 1.0 };
    let equal = equal(range(&samples.values)).max(accuracy);
    let near = near(&samples.times);
    let signed: Vec<f64> = samples.values.iter().map(|x| sign * x).collect();
    let mut signed_curve = |t: f64| curve(t).map(|x| x.map(|x| sign * x));
    for piece in &samples.smooth {
        // Of equal maxima the earliest that is seen in the samples counts.
        if piece.bound(&signed) <= best.value + equal {
            continue;
        }
        for (low, (time, value), high) in piece.maxima(sign) {
            if value <= best.value + equal {
                continue;
            }
            if let Some(value) = signed_curve(time)? {
                let found = brent(low, high, Extremum { time, value }, &mut signed_curve)?;
                better(&mut best, found, (equal, near));
            }
        }
    }
    let mut intervals = Vec::new();
    for part in &samples.rough {
        let of = |x: &[f64]| x.get(part.start..=part.end).map(<[f64]>::to_vec).unwrap_or_default();
        let points: Vec<Extremum> =
            of(&samples.times).into_iter().zip(of(&signed)).map(|(time, value)| Extremum { time, value }).collect();
        let slopes: Vec<f64> = points.windows(2).map(|p| slope_of(&[p[0], p[1]])).collect();
        for (k, p) in points.windows(2).enumerate() {
            let around = &slopes[k.saturating_sub(2)..(k + 3).min(slopes.len())];
            let slope = 2.0 * around.iter().fold(0.0f64, |m, s| m.max(*s));
            intervals.push(Rough { ends: [p[0], p[1]], slope });
        }
    }
    let how = Search { equal, open: equal, near, most: 4_000 };
    search(best, intervals, how, |rough: Rough, time| {
        let middle = Extremum { time, value: signed_curve(time)?.unwrap_or(f64::NAN) };
        Ok(Inside::Halves(rough.halves(middle, equal)))
    })
}

/// Two times closer than this belong to the same maximum: the largest sample spacing.
fn near(times: &[f64]) -> f64 {
    times.windows(2).fold(0.0, |most, t| (t[1] - t[0]).max(most))
}

#[cfg(test)]
mod tests {
    use super::super::adaptive_sampling::sample;
    use super::super::chebyshev_series::value;
    use super::*;
    use crate::noise::Noise;

    /// Polynomials of degree 27 that are known from samples have the maximum and minimum of a thousand times as many, also if the search
    /// begins with a value at an end. Between these they rise by less than 1e-6: second derivatives are below 2e4.
    #[test]
    fn extrema_of_polynomials_are_found_from_any_start() {
        let mut noise = Noise::new(5, 0);
        for _ in 0..40 {
            let series: Vec<f64> = (0..28).map(|_| noise.normal()).collect();
            let f = |t: f64| value(&series, 2.0 * t - 1.0);
            let sampled = sample(1, 1.0, 1.0, |t| Ok::<_, Infallible>(vec![Some(f(t))])).unwrap();
            let line = &sampled.lines[0];
            assert!(line.rough.is_empty() && line.smooth.len() == 1);
            let dense: Vec<f64> =
                (0..=160_000).map(|k| f(0.5 - 0.5 * (std::f64::consts::PI * f64::from(k) / 160_000.0).cos())).collect();
            let (low, high) = range(&dense);
            for (negative, expected) in [(false, high), (true, -low)] {
                let sign = if negative { -1.0 } else { 1.0 };
                let start = Extremum { time: 0.0, value: sign * f(0.0) };
                let (found, proven) =
                    search_samples(start, (line, 0.0), negative, |t| Ok::<_, Infallible>(Some(f(t)))).unwrap();
                // The end at 1 is a sample, not inside.
                let expected = if sign * f(1.0) == expected { continue } else { expected };
                assert!(proven && (-1e-12..1e-6).contains(&(found.value - expected)), "{} {expected}", found.value);
            }
        }
    }
}
