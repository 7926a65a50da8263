//! A curve along the trajectory of a state: a sum of oscillations, and of magnitudes of pairs of such sums. Its values on a grid of times
//! come from tables that successive points of a sweep share, its values at single times from its waves side by side in SIMD vectors.

use super::curve_rows::{Column, Parabola, Rows, Smoothness};
use std::cell::RefCell;
use std::rc::Rc;

/// Cosines and sines of some frequencies on a time grid.
#[derive(Debug, Default)]
struct Table {
    frequencies: Vec<f64>,
    times: Vec<f64>,
    /// For every frequency: the cosines at all times, then the sines.
    values: Vec<f64>,
}

thread_local! {
    /// Cache of the most recent tables: successive points of a sweep often need the same ones.
    static LAST: RefCell<Vec<Rc<Table>>> = RefCell::default();
}

impl Table {
    fn of(frequencies: &[f64], times: &[f64]) -> Rc<Table> {
        // Two grids per curve (the recorded one and the one used to locate extrema), for two curves.
        const KEPT: usize = 4;
        let known = LAST
            .with_borrow(|last| last.iter().find(|t| t.frequencies == frequencies && t.times == times).map(Rc::clone));
        known.unwrap_or_else(|| {
            let mut values = Vec::with_capacity(2 * frequencies.len() * times.len());
            for w in frequencies {
                values.extend(times.iter().map(|t| (w * t).cos()));
                values.extend(times.iter().map(|t| (w * t).sin()));
            }
            let made = Rc::new(Table { frequencies: frequencies.to_vec(), times: times.to_vec(), values });
            LAST.with_borrow_mut(|last| {
                if last.len() == KEPT {
                    last.remove(0);
                }
                last.push(made.clone());
            });
            made
        })
    }
}

/// `x + sum_w (c_w cos(w t) + s_w sin(w t))`.
#[derive(Debug, Clone, Default)]
pub(super) struct Wave {
    pub still: f64,
    /// Cosine and sine coefficients, one pair per frequency.
    pub parts: Vec<(f64, f64)>,
}

impl Wave {
    pub fn is_zero(&self) -> bool {
        self.still == 0.0 && self.parts.iter().all(|p| *p == (0.0, 0.0))
    }

    pub fn scaled(&mut self, factor: f64) {
        self.still *= factor;
        self.parts.iter_mut().for_each(|(c, s)| {
            *c *= factor;
            *s *= factor;
        });
    }
}

/// A curve along a trajectory: a wave plus magnitudes `sqrt(x^2 + y^2)` of pairs of waves.
#[derive(Debug, Clone)]
pub struct Curve {
    rows: Rows,
    frequencies: Rc<[f64]>,
}

impl Curve {
    /// A wave plus magnitudes of pairs of waves, all with these frequencies.
    pub(super) fn new(plain: &Wave, lengths: &[(Wave, Wave)], frequencies: Rc<[f64]>) -> Curve {
        let mut rows = Rows::zeros(lengths.len(), frequencies.len());
        let mut put = |column: Column, wave: &Wave| rows.put(column, wave.still, wave.parts.iter().copied());
        put(Column::Plain, plain);
        for (k, (x, y)) in lengths.iter().enumerate() {
            put(Column::Real(k), x);
            put(Column::Imaginary(k), y);
        }
        Curve::of(rows, frequencies)
    }

    /// From waves with these frequencies.
    pub(super) fn of(rows: Rows, frequencies: Rc<[f64]>) -> Curve {
        Curve { rows, frequencies }
    }

    /// Adds a constant to the curve.
    pub fn raised(mut self, by: f64) -> Curve {
        *self.rows.still_mut(Column::Plain) += by;
        self
    }

    /// Multiplies the curve by a factor, which is not negative if there are magnitudes.
    pub fn scaled(mut self, factor: f64) -> Curve {
        self.rows.scale(factor);
        self
    }

    /// True if the curve is linear in the state: a sum of cosines and sines.
    fn is_wave(&self) -> bool {
        self.rows.lengths == 0
    }

    /// The negative of a curve without magnitudes.
    pub fn negative(&self) -> Option<Curve> {
        self.is_wave().then(|| self.clone().scaled(-1.0))
    }

    /// Bounds of the curve: of the magnitude of its slope, and of the rate at which the slope decreases. For waves z with magnitude `|z|`,
    /// `|z|'' >= -|z''|`, so the curve plus half of the second bound times `t^2` is convex.
    pub fn bounds(&self) -> (f64, f64) {
        let of = |sum: (f64, f64), squares: &mut dyn Iterator<Item = f64>| {
            let pairs = squares.zip(self.frequencies.iter()).map(|(square, w)| (w * square.sqrt(), w));
            pairs.fold(sum, |(slope, fall), (x, w)| (slope + x, fall + w * x))
        };
        let plain = of((0.0, 0.0), &mut self.rows.plain_squares());
        (0..self.rows.lengths).fold(plain, |sum, k| of(sum, &mut self.rows.squares(k)))
    }

    /// Upper bounds of the derivatives of its waves.
    pub fn smoothness(&self) -> Smoothness {
        self.rows.smoothness(&self.frequencies)
    }

    /// An upper bound of the curve from `t - r` to `t + r`.
    pub fn parabola(&self, smoothness: &Smoothness, t: f64, r: f64) -> Parabola {
        self.rows.parabola(&self.frequencies, smoothness, (t, r))
    }

    /// Value at a time, and the left and right slopes there, which differ at a corner.
    pub fn with_slopes(&self, t: f64) -> (f64, [f64; 2]) {
        /// Below this fraction of its amplitudes, a wave is zero to rounding, and the direction of its slope is undefined.
        const ZERO: f64 = 1e-14;
        let turned: Vec<(f64, f64)> = self.frequencies.iter().map(|w| (w * t).sin_cos()).collect();
        let of = |column: Column| {
            let parts = self.rows.parts(column).zip(&turned).zip(self.frequencies.iter());
            parts.fold((self.rows.still(column), 0.0), |(value, slope), (((c, s), (sin, cos)), w)| {
                (value + (c * cos + s * sin), slope + w * (s * cos - c * sin))
            })
        };
        let amplitude = |column: Column| {
            self.rows.parts(column).fold(self.rows.still(column).abs(), |sum, (c, s)| sum + c.abs() + s.abs())
        };
        let (value, slope) = of(Column::Plain);
        (0..self.rows.lengths).fold((value, [slope; 2]), |(value, [before, after]), k| {
            let (x, y) = (Column::Real(k), Column::Imaginary(k));
            let (((u, du), (v, dv)), amplitude) = ((of(x), of(y)), amplitude(x) + amplitude(y));
            let length = (u * u + v * v).sqrt();
            let [left, right] = match length > ZERO * amplitude {
                true => [(u * du + v * dv) / length; 2],
                false => [-(du * du + dv * dv).sqrt(), (du * du + dv * dv).sqrt()],
            };
            (value + length, [before + left, after + right])
        })
    }

    /// Values at the given times.
    pub fn values(&self, times: &[f64]) -> Vec<f64> {
        let table = Table::of(&self.frequencies, times);
        let mut out = vec![0.0; times.len()];
        let waves = if self.is_wave() { 0 } else { 2 };
        let mut work = vec![0.0; waves * times.len()];
        pulp::Arch::new().dispatch(Sampling { rows: &self.rows, table: &table.values, work: &mut work, out: &mut out });
        out
    }

    /// Value at time t.
    pub fn at(&self, t: f64) -> f64 {
        self.rows.at(&self.frequencies, t)
    }

    /// Value at time t with the first and second derivatives, for times at which no magnitude is zero.
    pub fn with_derivatives(&self, t: f64) -> [f64; 3] {
        self.rows.with_derivatives(&self.frequencies, t)
    }
}

/// Kernel that samples a curve. It is compiled once for each vector width, and the widest available on the processor is used; the order of
/// additions is fixed, so the values do not depend on the width.
struct Sampling<'a> {
    rows: &'a Rows,
    table: &'a [f64],
    work: &'a mut [f64],
    out: &'a mut [f64],
}

impl pulp::NullaryFnOnce for Sampling<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Sampling { rows, table, work, out } = self;
        add(rows, Column::Plain, table, out);
        for k in 0..rows.lengths {
            let (re, im) = work.split_at_mut(out.len());
            re.fill(0.0);
            add(rows, Column::Real(k), table, re);
            if rows.vanishes(Column::Imaginary(k)) {
                out.iter_mut().zip(re).for_each(|(o, x)| *o += x.abs());
                continue;
            }
            im.fill(0.0);
            add(rows, Column::Imaginary(k), table, im);
            out.iter_mut().zip(re.iter().zip(im)).for_each(|(o, (x, y))| *o += (*x * *x + *y * *y).sqrt());
        }
    }
}

/// `out += wave`.
#[inline(always)]
fn add(rows: &Rows, column: Column, table: &[f64], out: &mut [f64]) {
    let (n, still) = (out.len(), rows.still(column));
    out.iter_mut().for_each(|x| *x += still);
    for ((c, s), turned) in rows.parts(column).zip(table.chunks_exact(2 * n)) {
        if (c, s) != (0.0, 0.0) {
            let (cos, sin) = turned.split_at(n);
            out.iter_mut().zip(cos.iter().zip(sin)).for_each(|(x, (cos, sin))| *x += c * cos + s * sin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    fn wave(noise: &mut Noise, size: f64) -> Wave {
        let still = size * noise.normal();
        Wave { still, parts: (0..3).map(|_| (size * noise.normal(), size * noise.normal())).collect() }
    }

    /// A wave and five lengths, one of them real, one zero, all with frequencies 0.7, 1.9 and 3.1.
    fn curve(noise: &mut Noise) -> Curve {
        let plain = wave(noise, 1.0);
        let nothing = || Wave { still: 0.0, parts: vec![(0.0, 0.0); 3] };
        let mut lengths: Vec<(Wave, Wave)> = (0..3).map(|_| (wave(noise, 1.0), wave(noise, 1.0))).collect();
        lengths.push((wave(noise, 1.0), nothing()));
        lengths.push((nothing(), nothing()));
        Curve::new(&plain, &lengths, vec![0.7, 1.9, 3.1].into())
    }

    #[test]
    fn values_at_single_times_are_those_on_grids() {
        let mut noise = Noise::new(1, 0);
        for _ in 0..20 {
            let curve = curve(&mut noise);
            let times: Vec<f64> = (0..50).map(|k| 0.21 * f64::from(k)).collect();
            for (t, x) in times.iter().zip(curve.values(&times)) {
                // Some thirty terms near 1.
                assert!((curve.at(*t) - x).abs() < 1e-13 && (curve.with_derivatives(*t)[0] - x).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn derivatives_are_those_of_differences() {
        let mut noise = Noise::new(2, 0);
        let mut compared = 0;
        for _ in 0..20 {
            let curve = curve(&mut noise);
            for k in 0..20 {
                let t = 0.53 * f64::from(k);
                let [x, slope, bend] = curve.with_derivatives(t);
                let differences = |h: f64| {
                    let (before, after) = (curve.at(t - h), curve.at(t + h));
                    ((after - before) / (2.0 * h), (after - 2.0 * x + before) / (h * h))
                };
                let ((first, second), (coarse_first, coarse_second)) = (differences(1e-4), differences(2e-4));
                // Where differences of two steps agree, that of the smaller one is in error by a third of what they differ, beside
                // rounding of values near 10. Near the zero of a length they do not agree.
                let (of_first, of_second) = ((first - coarse_first).abs(), (second - coarse_second).abs());
                if of_second < 0.1 {
                    compared += 1;
                    assert!((slope - first).abs() <= of_first + 1e-9, "{slope} {first} {coarse_first}");
                    assert!((bend - second).abs() <= of_second + 1e-5, "{bend} {second} {coarse_second}");
                }
            }
        }
        assert!(compared > 350, "{compared} of 400 times");
    }

    /// Where a curve is proven to be concave, each value lies above the chord; around a smooth maximum it is proven for short intervals.
    #[test]
    fn concave_parts_are_concave() {
        let mut noise = Noise::new(3, 0);
        let mut proven = 0;
        for _ in 0..40 {
            let (curve, length) = (curve(&mut noise), 0.01);
            let smoothness = curve.smoothness();
            for k in 0..600 {
                let (a, b) = (length * f64::from(k), length * f64::from(k + 1));
                if !curve.parabola(&smoothness, 0.5 * (a + b), 0.5 * (b - a)).is_concave() {
                    continue;
                }
                proven += 1;
                let (low, high) = (curve.at(a), curve.at(b));
                for share in [0.1, 0.3, 0.5, 0.7, 0.9] {
                    let chord = low + share * (high - low);
                    assert!(curve.at(a + share * (b - a)) >= chord - 1e-13, "{k}");
                }
            }
        }
        assert!(proven > 4000, "{proven} of 24000 intervals");
    }

    /// The parabola at a time is never exceeded: also where a magnitude vanishes there, as at the first time of the curve, and where all
    /// values are equal up to rounding.
    #[test]
    fn parabolas_bound_curves_from_above() {
        let mut noise = Noise::new(4, 0);
        let mut close = 0;
        for _ in 0..200 {
            let mut curve = curve(&mut noise);
            // One that begins as t^2, and one that begins as t.
            let square = Wave { still: 0.7, parts: vec![(-0.7, 0.0), (0.0, 0.0), (0.0, 0.0)] };
            let straight = Wave { still: 0.0, parts: vec![(0.0, 0.4), (0.0, 0.0), (0.0, 0.0)] };
            for (column, wave) in
                [(Column::Real(3), &square), (Column::Imaginary(3), &square), (Column::Real(4), &straight)]
            {
                curve.rows.put(column, wave.still, wave.parts.iter().copied());
            }
            let smoothness = curve.smoothness();
            for (k, r) in [0.3, 0.1, 0.01, 1e-3, 1e-5].into_iter().enumerate() {
                for t in [0.0, 0.37 * k as f64, 5.0 * noise.normal()] {
                    let (begin, bound) = (curve.at(t), curve.parabola(&smoothness, t, r).highest(r));
                    let highest = (-20..=20).map(|j| curve.at(t + r * f64::from(j) / 20.0) - begin).fold(0.0, f64::max);
                    // Some thirty terms near 1.
                    assert!(highest <= bound + 1e-13, "{t} {r}: {highest} above {bound}");
                    close += usize::from(bound < 1.5 * highest);
                }
            }
        }
        assert!(close > 300, "{close} of 3000 bounds are close");
    }
}
