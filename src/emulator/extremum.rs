//! Maxima of curves that can be evaluated at any time: the highest samples, refined.

#![expect(
    clippy::indexing_slicing,
    reason = "there is one time per value, and indices are those of values and of their neighbours inside the range"
)]

/// Position and value of a maximum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extremum {
    /// Time.
    pub time: f64,
    /// Value.
    pub value: f64,
}

/// Samples of a curve that they resolve except for kinks.
pub struct Samples<'a> {
    /// Sample times.
    pub times: &'a [f64],
    /// Values; NaN where undefined, which is skipped.
    pub values: &'a [f64],
}

/// Minimum and maximum of some values; NaN is ignored.
pub(super) fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)))
}

/// Values of a curve with this range count as equal if they differ by less than this.
pub(super) fn equal((low, high): (f64, f64)) -> f64 {
    1e-10 * high.abs().max(low.abs()) + 1e-9 * (high - low)
}

impl Samples<'_> {
    /// Indices of local maxima of the samples, ends included.
    fn candidates(&self) -> Vec<usize> {
        // A NaN neighbour is never higher.
        let higher = |a: f64, b: f64| a > b;
        (0..self.values.len())
            .filter(|&k| {
                let here = self.values[k];
                !here.is_nan()
                    && (k == 0 || !higher(self.values[k - 1], here))
                    && (k + 1 == self.values.len() || !higher(self.values[k + 1], here))
            })
            .collect()
    }

    /// True if two sampled maxima have equal neighbours on both sides, or mirrored ones.
    fn alike(&self, a: usize, b: usize, tolerance: f64) -> bool {
        let inside = |k: usize| k > 0 && k + 1 < self.values.len();
        let three = |k: usize| [self.values[k - 1], self.values[k], self.values[k + 1]];
        let near = |x: f64, y: f64| (x - y).abs() <= tolerance;
        if !inside(a) || !inside(b) {
            return false;
        }
        let (a, mut b) = (three(a), three(b));
        let same = |b: &[f64; 3]| a.iter().zip(b).all(|(x, y)| near(*x, *y));
        let straight = same(&b);
        b.reverse();
        straight || same(&b)
    }

    fn around(&self, k: usize) -> (f64, f64) {
        (self.times[k.saturating_sub(1)], self.times[(k + 1).min(self.times.len() - 1)])
    }

    /// The maximum of the curve, the earliest of equal ones; `None` if no value is defined. With `derivatives`, smooth maxima are located
    /// by Newton's method.
    ///
    /// # Errors
    /// Any error of `curve`.
    pub fn maximum<E>(
        &self,
        mut curve: impl FnMut(f64) -> Result<Option<f64>, E>,
        derivatives: Option<Derivatives>,
    ) -> Result<Option<Extremum>, E> {
        let (low, high) = range(self.values);
        if high == f64::NEG_INFINITY {
            return Ok(None);
        }
        let span = high - low;
        let equal = equal((low, high));
        if span <= 1e-12 * high.abs().max(low.abs()) {
            // A constant curve has its maximum at the start.
            let first = self.values.iter().position(|v| !v.is_nan()).unwrap_or(0);
            return Ok(Some(Extremum { time: self.times[first], value: high }));
        }
        // Sampled maxima far below the best are not refined: the search between all samples, which follows, begins with a good value.
        let mut best: Option<Extremum> = None;
        let mut refined: Vec<usize> = Vec::new();
        for k in self.candidates() {
            let sampled = self.values[k];
            // For periodic curves only the earliest of the equal maxima is refined.
            if sampled < high - 0.25 * span || refined.iter().any(|r| self.alike(*r, k, 1e-12 * span)) {
                continue;
            }
            refined.push(k);
            let found = match derivatives.and_then(|of| newton(of, self.around(k), self.times[k], sampled - equal)) {
                Some(found) => found,
                None => self.refine(k, sampled, &mut curve)?,
            };
            if best.is_none_or(|b| found.value > b.value + equal) {
                best = Some(found);
            } else if let Some(b) = &mut best {
                b.value = b.value.max(found.value);
            }
        }
        Ok(best)
    }

    fn refine<E>(
        &self,
        k: usize,
        sampled: f64,
        curve: &mut impl FnMut(f64) -> Result<Option<f64>, E>,
    ) -> Result<Extremum, E> {
        let (low, high) = self.around(k);
        let exact = curve(self.times[k])?.unwrap_or(sampled);
        let start = Extremum { time: self.times[k], value: exact };
        let found = brent(low, high, start, curve)?;
        Ok(if found.value > start.value { found } else { start })
    }
}

/// Number of halvings of the distance to a maximum, and of the interval with the beginning of a plateau.
const HALVINGS: usize = 60;

impl Samples<'_> {
    /// The time at which the curve first has its maximum `best`: where the maximum is a plateau, the beginning of it. Values that differ by
    /// less than `equal` count as equal.
    ///
    /// A plateau is told from a smooth maximum, which is flat as well at the distance where it is lower by `equal`: with the distance at
    /// which the curve is lower by 100 `equal`, that of a maximum of order n is smaller by the factor `100^(1/n)`, that of a plateau
    /// hardly. The factor is compared with about 1.4.
    ///
    /// # Errors
    /// Any error of `curve`.
    pub fn beginning<E>(
        &self,
        best: Extremum,
        equal: f64,
        mut curve: impl FnMut(f64) -> Result<Option<f64>, E>,
    ) -> Result<f64, E> {
        // A range that is small beside the values, of a purity for example, is no plateau.
        let (low, high) = range(self.values);
        let equal = equal.min(1e-4 * (high - low));
        let mut lower = |t: f64, by: f64| Ok::<_, E>(!curve(t)?.is_some_and(|x| x >= best.value - by));
        // The last sample before the maximum that is lower, or the first sample. Samples between the nodes of a polynomial are less
        // accurate than the curve.
        let before = self.times.partition_point(|t| *t < best.time);
        let mut far = None;
        for (&t, &x) in self.times.iter().zip(self.values).take(before).rev() {
            far = Some(t);
            let sampled_lower = x.is_nan() || x < best.value - 100.0 * equal;
            if sampled_lower && lower(t, 100.0 * equal)? {
                break;
            }
        }
        let Some(far) = far else { return Ok(best.time) };
        let mut distance = best.time - far;
        for _ in 0..HALVINGS {
            if !lower(best.time - distance, 100.0 * equal)? {
                break;
            }
            distance *= 0.5;
        }
        let mut late = best.time - 0.7 * distance;
        let mut early = (best.time - 2.0 * distance).max(far);
        if late >= best.time || lower(late, equal)? {
            return Ok(best.time);
        }
        if !lower(early, equal)? {
            return Ok(early);
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (early + late);
            if middle <= early || middle >= late {
                break;
            }
            if lower(middle, equal)? { early = middle } else { late = middle }
        }
        Ok(late)
    }
}

/// The value of a curve at a time with its first and second derivatives.
pub type Derivatives<'a> = &'a dyn Fn(f64) -> [f64; 3];

/// Newton's method for a smooth maximum between `low` and `high`, from a sample in between. `None` if it meets a convex part, leaves the
/// interval, does not converge, or ends lower than `least`, as at corners. At an end of a curve that falls away from it, the end.
fn newton(curve: Derivatives, (low, high): (f64, f64), start: f64, least: f64) -> Option<Extremum> {
    /// From a sample, the error squares with each step.
    const MOST: usize = 8;
    let mut t = start;
    let mut near = false;
    for _ in 0..MOST {
        let [value, slope, bend] = curve(t);
        let ends = t == start && ((t <= low && slope <= 0.0) || (t >= high && slope >= 0.0));
        if near || ends {
            return (value >= least).then_some(Extremum { time: t, value });
        }
        let step = -slope / bend;
        let next = t + step;
        // Not a number is not below zero either.
        if !(bend < 0.0 && next > low && next < high) {
            return None;
        }
        // The value at the next time is right to the fourth power of this share of the interval.
        near = step.abs() <= 1e-5 * (high - low);
        t = next;
    }
    None
}

/// Brent's search for a maximum between `low` and `high`, from an interior point: parabolic steps where they help, golden section
/// otherwise. The position is accurate to the square root of rounding, the value to rounding.
pub(super) fn brent<E>(
    low: f64,
    high: f64,
    start: Extremum,
    curve: &mut impl FnMut(f64) -> Result<Option<f64>, E>,
) -> Result<Extremum, E> {
    const GOLDEN: f64 = 0.381_966_011_250_105_1;
    let (mut a, mut b) = (low, high);
    let tolerance = 1e-10 * (high - low);
    let middle = if start.time > a && start.time < b { start.time } else { a + GOLDEN * (b - a) };
    let mut eval = |t: f64| -> Result<f64, E> { Ok(-curve(t)?.unwrap_or(f64::NEG_INFINITY)) };
    let (mut x, mut w, mut v) = (middle, middle, middle);
    let mut fx = if middle == start.time { -start.value } else { eval(middle)? };
    let (mut fw, mut fv) = (fx, fx);
    let (mut step, mut previous) = (0.0f64, 0.0f64);
    for _ in 0..80 {
        let centre = 0.5 * (a + b);
        let tol = 1e-9 * (x - low).abs() + tolerance;
        if (x - centre).abs() <= 2.0 * tol - 0.5 * (b - a) {
            break;
        }
        let mut golden = true;
        if previous.abs() > tol {
            let r = (x - w) * (fx - fv);
            let q = (x - v) * (fx - fw);
            let p = (x - v) * q - (x - w) * r;
            let q2 = 2.0 * (q - r);
            let (p, q2) = if q2 > 0.0 { (-p, q2) } else { (p, -q2) };
            let before = std::mem::replace(&mut previous, step);
            if p.abs() < (0.5 * q2 * before).abs() && p > q2 * (a - x) && p < q2 * (b - x) {
                step = p / q2;
                let u = x + step;
                if u - a < 2.0 * tol || b - u < 2.0 * tol {
                    step = if x < centre { tol } else { -tol };
                }
                golden = false;
            }
        }
        if golden {
            previous = if x < centre { b - x } else { a - x };
            step = GOLDEN * previous;
        }
        let u = if step.abs() >= tol { x + step } else { x + tol * step.signum() };
        let fu = eval(u)?;
        if fu <= fx {
            if u < x {
                b = x
            } else {
                a = x
            }
            (v, fv, w, fw, x, fx) = (w, fw, x, fx, u, fu);
        } else {
            if u < x {
                a = u
            } else {
                b = u
            }
            if fu <= fw || w == x {
                (v, fv, w, fw) = (w, fw, u, fu);
            } else if fu <= fv || v == x || v == w {
                (v, fv) = (u, fu);
            }
        }
    }
    Ok(Extremum { time: x, value: -fx })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn sampled(f: impl Fn(f64) -> f64, end: f64, n: usize) -> (Vec<f64>, Vec<f64>) {
        let times: Vec<f64> = (0..n).map(|k| end * k as f64 / (n - 1) as f64).collect();
        let values = times.iter().map(|t| f(*t)).collect();
        (times, values)
    }

    fn maximum(f: impl Fn(f64) -> f64 + Copy, end: f64, n: usize) -> Extremum {
        let (times, values) = sampled(f, end, n);
        let samples = Samples { times: &times, values: &values };
        samples.maximum(|t| Ok::<_, Infallible>(Some(f(t))), None).unwrap().unwrap()
    }

    #[test]
    fn a_maximum_between_samples_is_found() {
        let f = |t: f64| (3.0 * t).sin() - 0.1 * t;
        let exact = ((0.1f64 / 3.0).acos() / 3.0, 0.0);
        let found = maximum(f, 10.0, 41);
        assert!((found.time - exact.0).abs() < 1e-7 && (found.value - f(exact.0)).abs() < 1e-14, "{found:?}");
    }

    /// With derivatives, too: `sin 3t - t/10` has its maximum where `cos 3t = 1/30`, and the corner of `-|t - 0.3|` is left to Brent.
    #[test]
    fn a_smooth_maximum_is_found_by_its_derivatives() {
        let f = |t: f64| (3.0 * t).sin() - 0.1 * t;
        let exact = (0.1f64 / 3.0).acos() / 3.0;
        let (times, values) = sampled(f, 10.0, 41);
        let derivatives = |t: f64| [f(t), 3.0 * (3.0 * t).cos() - 0.1, -9.0 * (3.0 * t).sin()];
        let found = newton(&derivatives, (times[1], times[3]), times[2], values[2]).unwrap();
        // Rounding of the slope, 2e-16, by a curvature of 9.
        assert!((found.time - exact).abs() < 1e-15 && (found.value - f(exact)).abs() < 4e-16, "{found:?}");
        let samples = Samples { times: &times, values: &values };
        let best = samples.maximum(|t| Ok::<_, Infallible>(Some(f(t))), Some(&derivatives)).unwrap().unwrap();
        assert_eq!(best, found);
        let corner = |t: f64| [-(t - 0.3_f64).abs(), -(t - 0.3_f64).signum(), 0.0];
        assert_eq!(newton(&corner, (0.2, 0.4), 0.31, -0.01), None);
    }

    #[test]
    fn the_earliest_of_equal_maxima_is_taken() {
        let found = maximum(|t| (2.0 * t).sin().powi(2), std::f64::consts::PI, 201);
        assert!((found.time - std::f64::consts::FRAC_PI_4).abs() < 1e-7, "{found:?}");
    }

    /// The beginning of the maximum of a curve, from `n` samples.
    fn beginning(f: impl Fn(f64) -> f64 + Copy, end: f64, n: usize) -> f64 {
        let (times, values) = sampled(f, end, n);
        let samples = Samples { times: &times, values: &values };
        let best = maximum(f, end, n);
        samples.beginning(best, equal(range(&values)), |t| Ok::<_, Infallible>(Some(f(t)))).unwrap()
    }

    #[test]
    fn a_plateau_counts_from_its_beginning() {
        let corner = |t: f64| (0.8 * t).min(1.04);
        // The curve is flat over less than the distance of two samples, too.
        let short = |t: f64| (0.8 * t).min(1.04) - 0.5 * (t - 1.45_f64).max(0.0);
        // A rounding error everywhere.
        let rounded = |t: f64| corner(t) + 1e-16 * (1e4 * t).sin();
        let smooth_edge = |t: f64| 1.0 - (1.3 - t).max(0.0).powi(2);
        for n in [2, 5, 11, 31, 101, 801, 10_001] {
            for (k, f) in [&corner as &dyn Fn(f64) -> f64, &short, &rounded].into_iter().enumerate() {
                let found = beginning(f, 4.0, n);
                // Of the short plateau, only if a sample is on it or beside it.
                assert!((found - 1.3).abs() < 1e-8 || (k == 1 && n < 31), "{k} {n}: {found}");
            }
            // Lower by 1e-9 of the range of 1.69 at a distance of 4e-5.
            let found = beginning(smooth_edge, 4.0, n);
            assert!((found - 1.3).abs() < 1e-4, "{n}: {found}");
            // A curve that is constant at first.
            assert_eq!(beginning(|t| -(t - 1.3_f64).max(0.0), 4.0, n), 0.0);
            assert_eq!(beginning(|_| 1.0, 4.0, n), 0.0);
        }
    }

    #[test]
    fn a_smooth_maximum_is_no_plateau() {
        for order in [2, 4] {
            for n in [5, 31, 801, 10_001, 200_001] {
                let f = |t: f64| -(t - 1.234_567_f64).powi(order);
                // The position of a quartic maximum is known to the fourth root of rounding.
                let within = if order == 2 { 1e-7 } else { 1e-3 };
                let (peak, found) = (maximum(f, 4.0, n).time, beginning(f, 4.0, n));
                assert!(found == peak && (found - 1.234_567).abs() < within, "{order} {n}: {found} {peak}");
            }
        }
        for n in [7, 31, 1001] {
            let f = |t: f64| -(t - 0.3_f64).abs();
            assert!((beginning(f, 1.0, n) - 0.3).abs() < 1e-8);
            // Values that differ by 1e-10 of themselves.
            let f = |t: f64| 0.25 - 1e-11 * (t - 0.3_f64).powi(2);
            assert!((beginning(f, 1.0, n) - 0.3).abs() < 0.01);
        }
    }

    #[test]
    fn corners_and_ends_are_maxima_too() {
        let corner = maximum(|t| -(t - 0.3_f64).abs(), 1.0, 20);
        assert!((corner.time - 0.3).abs() < 1e-8);
        let end = maximum(|t| t, 1.0, 20);
        assert_eq!(end, Extremum { time: 1.0, value: 1.0 });
    }
}
