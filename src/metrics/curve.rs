//! A curve along the trajectory of a state: a sum of oscillations, and of magnitudes of pairs of such sums. Its values on a grid of times
//! come from tables that successive points of a sweep share, its values at single times from its waves side by side in SIMD vectors.

#![allow(clippy::needless_range_loop, reason = "kernels are plain loops: iterators may not be inlined into them")]
#![expect(
    clippy::indexing_slicing,
    reason = "rows and tables have a fixed number of values per wave, frequency and time"
)]

use crate::lanes::sin_cos_of;
use std::cell::{OnceCell, RefCell};
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
    plain: Wave,
    lengths: Vec<(Wave, Wave)>,
    frequencies: Rc<[f64]>,
    /// The waves arranged for values at single times, once these are needed.
    rows: OnceCell<Rows>,
}

/// Upper bounds of the first three derivatives of the waves of a curve, of lengths those of their pairs.
pub struct Smoothness {
    plain: [f64; 3],
    lengths: Vec<[f64; 3]>,
}

/// Constant part of a wave, and its cosine and sine coefficients.
type Parts = (f64, Vec<(f64, f64)>);

impl Curve {
    /// A wave plus magnitudes of pairs of waves, all with these frequencies.
    pub fn of(plain: Parts, lengths: impl Iterator<Item = (Parts, Parts)>, frequencies: Vec<f64>) -> Curve {
        let wave = |(still, parts): Parts| Wave { still, parts };
        let lengths = lengths.map(|(x, y)| (wave(x), wave(y))).collect();
        Curve::new(wave(plain), lengths, frequencies.into())
    }

    pub(super) fn new(plain: Wave, lengths: Vec<(Wave, Wave)>, frequencies: Rc<[f64]>) -> Curve {
        Curve { plain, lengths, frequencies, rows: OnceCell::new() }
    }

    /// Adds a constant to the curve.
    pub fn raised(mut self, by: f64) -> Curve {
        self.plain.still += by;
        self.rows = OnceCell::new();
        self
    }

    /// Multiplies the curve by a non-negative factor.
    pub fn scaled(mut self, factor: f64) -> Curve {
        self.plain.scaled(factor);
        self.lengths.iter_mut().for_each(|(x, y)| {
            x.scaled(factor);
            y.scaled(factor);
        });
        self.rows = OnceCell::new();
        self
    }

    /// True if the curve is linear in the state: a sum of cosines and sines.
    pub fn is_wave(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Bounds of the curve: of the magnitude of its slope, and of the rate at which the slope decreases. For waves z with magnitude `|z|`,
    /// `|z|'' >= -|z''|`, so the curve plus half of the second bound times `t^2` is convex.
    pub fn bounds(&self) -> (f64, f64) {
        let of = |squares: &mut dyn Iterator<Item = f64>| {
            let pairs = squares.zip(self.frequencies.iter()).map(|(square, w)| (w * square.sqrt(), w));
            pairs.fold((0.0, 0.0), |(slope, fall), (x, w)| (slope + x, fall + w * x))
        };
        let plain = of(&mut self.plain.parts.iter().map(|(c, s)| c * c + s * s));
        self.lengths.iter().fold(plain, |(slope, fall), (x, y)| {
            let pairs = x.parts.iter().zip(&y.parts);
            let (a, b) = of(&mut pairs.map(|((c, s), (d, r))| c * c + s * s + d * d + r * r));
            (slope + a, fall + b)
        })
    }

    /// Upper bounds of the derivatives of its waves.
    pub fn smoothness(&self) -> Smoothness {
        let of = |parts: &mut dyn Iterator<Item = f64>| {
            parts.zip(self.frequencies.iter()).fold([0.0; 3], |[one, two, three], (square, w)| {
                let x = w * square.sqrt();
                [one + x, two + w * x, three + w * w * x]
            })
        };
        Smoothness {
            plain: of(&mut self.plain.parts.iter().map(|(c, s)| c * c + s * s)),
            lengths: self
                .lengths
                .iter()
                .map(|(x, y)| {
                    let pairs = x.parts.iter().zip(&y.parts);
                    of(&mut pairs.map(|((c, s), (d, r))| c * c + s * s + d * d + r * r))
                })
                .collect(),
        }
    }

    /// True if the curve is proven to be concave between two times. With r half of their distance, the second derivative exceeds that in
    /// the middle by at most r times the largest third derivative. That of a length `L = |z|` is at most
    /// `3 p^3/L^2 + 3 p q/L` more than that of z, where `|z'| <= p` and `|z''| <= q`: `L'' = N^2/L + Re(u* z'')` with `u = z/L`, `N = Im(u* z')` and
    /// `u' = i u N/L`. The bounds on the interval follow from the values in the middle and the next derivatives.
    pub fn is_concave(&self, smoothness: &Smoothness, a: f64, b: f64) -> bool {
        let (t, r) = (0.5 * (a + b), 0.5 * (b - a).abs());
        let turned: Vec<(f64, f64)> = self.frequencies.iter().map(|w| (w * t).sin_cos()).collect();
        let of = |wave: &Wave| {
            let parts = wave.parts.iter().zip(&turned).zip(self.frequencies.iter());
            parts.fold([wave.still, 0.0, 0.0], |[value, slope, bend], (((c, s), (sin, cos)), w)| {
                let wave = c * cos + s * sin;
                [value + wave, slope + w * (s * cos - c * sin), bend - w * w * wave]
            })
        };
        let mut most = of(&self.plain)[2] + r * smoothness.plain[2];
        for ((x, y), [first, second, third]) in self.lengths.iter().zip(&smoothness.lengths) {
            let ([x, dx, ddx], [y, dy, ddy]) = (of(x), of(y));
            let length = x.hypot(y);
            if length == 0.0 && *first == 0.0 {
                continue;
            }
            let least = length - r * first;
            if least <= 0.0 {
                return false;
            }
            let across = (x * dy - y * dx) / length;
            let (p, q) = (dx.hypot(dy) + r * second, ddx.hypot(ddy) + r * third);
            most += across * across / length + (x * ddx + y * ddy) / length;
            most += r * (3.0 * p * p * p / (least * least) + 3.0 * p * q / least + third);
        }
        most < 0.0
    }

    /// Value at a time, and the left and right slopes there, which differ at a corner.
    pub fn with_slopes(&self, t: f64) -> (f64, [f64; 2]) {
        /// Below this fraction of its amplitudes, a wave is zero to rounding, and the direction of its slope is undefined.
        const ZERO: f64 = 1e-14;
        let turned: Vec<(f64, f64)> = self.frequencies.iter().map(|w| (w * t).sin_cos()).collect();
        let of = |wave: &Wave| {
            let parts = wave.parts.iter().zip(&turned).zip(self.frequencies.iter());
            parts.fold((wave.still, 0.0), |(value, slope), (((c, s), (sin, cos)), w)| {
                (value + (c * cos + s * sin), slope + w * (s * cos - c * sin))
            })
        };
        let amplitude = |w: &Wave| w.parts.iter().fold(w.still.abs(), |sum, (c, s)| sum + c.abs() + s.abs());
        let (value, slope) = of(&self.plain);
        self.lengths.iter().fold((value, [slope; 2]), |(value, [before, after]), (x, y)| {
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
        let waves = if self.lengths.is_empty() { 0 } else { 2 };
        let mut work = vec![0.0; waves * times.len()];
        pulp::Arch::new().dispatch(Sampling { curve: self, table: &table.values, work: &mut work, out: &mut out });
        out
    }

    fn rows(&self) -> &Rows {
        self.rows.get_or_init(|| Rows::of(&self.plain, &self.lengths))
    }

    /// Value at time t.
    pub fn at(&self, t: f64) -> f64 {
        let (mut few, mut many) = ([0.0; FEW], vec![]);
        let rows = self.rows();
        let work = scratch(rows.width, &mut few, &mut many);
        pulp::Arch::new().dispatch(At { rows, frequencies: &self.frequencies, t, work })
    }

    /// Value at time t with the first and second derivatives, for times at which no magnitude is zero.
    pub fn with_derivatives(&self, t: f64) -> [f64; 3] {
        let (mut few, mut many) = ([0.0; FEW], vec![]);
        let rows = self.rows();
        let work = scratch(3 * rows.width, &mut few, &mut many);
        pulp::Arch::new().dispatch(Derivatives { rows, frequencies: &self.frequencies, t, work })
    }
}

/// Kernel that samples a curve. It is compiled once for each vector width, and the widest available on the processor is used; the order of
/// additions is fixed, so the values do not depend on the width.
struct Sampling<'a> {
    curve: &'a Curve,
    table: &'a [f64],
    work: &'a mut [f64],
    out: &'a mut [f64],
}

impl pulp::NullaryFnOnce for Sampling<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let n = self.out.len();
        add(&self.curve.plain, self.table, self.out);
        for (x, y) in &self.curve.lengths {
            let (re, im) = self.work.split_at_mut(n);
            re.fill(0.0);
            add(x, self.table, re);
            if y.is_zero() {
                self.out.iter_mut().zip(re).for_each(|(o, x)| *o += x.abs());
                continue;
            }
            im.fill(0.0);
            add(y, self.table, im);
            self.out.iter_mut().zip(re.iter().zip(im)).for_each(|(o, (x, y))| *o += (*x * *x + *y * *y).sqrt());
        }
    }
}

/// `out += wave`.
#[inline(always)]
fn add(wave: &Wave, table: &[f64], out: &mut [f64]) {
    let n = out.len();
    out.iter_mut().for_each(|x| *x += wave.still);
    for ((c, s), turned) in wave.parts.iter().zip(table.chunks_exact(2 * n)) {
        if (*c, *s) != (0.0, 0.0) {
            let (cos, sin) = turned.split_at(n);
            out.iter_mut().zip(cos.iter().zip(sin)).for_each(|(x, (cos, sin))| *x += c * cos + s * sin);
        }
    }
}

/// A row of coefficients, in vectors.
type Row<'a> = &'a [[f64; VECTOR]];

/// The waves of a curve side by side: `x` of all lengths, `y` of all lengths, the plain wave; each group is padded to whole vectors. One row
/// of constant parts, then a row of cosine and a row of sine coefficients for every frequency.
#[derive(Debug, Clone)]
struct Rows {
    width: usize,
    /// Number of lengths, with padding.
    lengths: usize,
    values: Vec<f64>,
}

/// Numbers per vector for which rows are padded.
const VECTOR: usize = 4;

/// Size of the scratch memory that is kept on the stack.
const FEW: usize = 96;

impl Rows {
    fn of(plain: &Wave, lengths: &[(Wave, Wave)]) -> Rows {
        let padded = lengths.len().next_multiple_of(VECTOR);
        let width = 2 * padded + VECTOR;
        let mut values = vec![0.0; width * (1 + 2 * plain.parts.len())];
        let mut put = |column: usize, wave: &Wave| {
            values[column] = wave.still;
            for (k, (c, s)) in wave.parts.iter().enumerate() {
                values[width * (1 + 2 * k) + column] = *c;
                values[width * (2 + 2 * k) + column] = *s;
            }
        };
        for (k, (x, y)) in lengths.iter().enumerate() {
            put(k, x);
            put(padded + k, y);
        }
        put(2 * padded, plain);
        Rows { width, lengths: padded, values }
    }

    /// For each frequency, its cosine and sine at a time and its rows of coefficients.
    #[inline(always)]
    fn turned(&self, k: usize, w: f64, t: f64) -> ((f64, f64), [Row<'_>; 2]) {
        let (sin, cos) = sin_cos_of(w * t);
        let row = |k: usize| self.values[self.width * k..self.width * (k + 1)].as_chunks().0;
        ((cos, sin), [row(1 + 2 * k), row(2 + 2 * k)])
    }
}

/// Memory for `size` numbers.
fn scratch<'a>(size: usize, few: &'a mut [f64; FEW], many: &'a mut Vec<f64>) -> &'a mut [f64] {
    if size <= FEW {
        return &mut few[..size];
    }
    many.resize(size, 0.0);
    many
}

/// `out += a x + b y`.
#[inline(always)]
fn add_two(out: &mut [[f64; VECTOR]], (a, x): (f64, &[[f64; VECTOR]]), (b, y): (f64, &[[f64; VECTOR]])) {
    for (out, (x, y)) in out.iter_mut().zip(x.iter().zip(y)) {
        for l in 0..VECTOR {
            out[l] = a.mul_add(x[l], b.mul_add(y[l], out[l]));
        }
    }
}

/// Kernel: the value of a curve at a time.
struct At<'a> {
    rows: &'a Rows,
    frequencies: &'a [f64],
    t: f64,
    work: &'a mut [f64],
}

impl pulp::NullaryFnOnce for At<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let At { rows, frequencies, t, work } = self;
        work.copy_from_slice(&rows.values[..rows.width]);
        let work = work.as_chunks_mut::<VECTOR>().0;
        for (k, w) in frequencies.iter().enumerate() {
            let ((cos, sin), [c, s]) = rows.turned(k, *w, t);
            add_two(work, (cos, c), (sin, s));
        }
        let (x, rest) = work.split_at(rows.lengths / VECTOR);
        let (y, plain) = rest.split_at(rows.lengths / VECTOR);
        let mut sum = plain[0];
        for (x, y) in x.iter().zip(y) {
            for l in 0..VECTOR {
                sum[l] += x[l].mul_add(x[l], y[l] * y[l]).sqrt();
            }
        }
        (sum[0] + sum[1]) + (sum[2] + sum[3])
    }
}

/// Kernel: the value of a curve at a time and its derivatives. With `L = sqrt(x^2 + y^2)`: `L' = (x x' + y y')/L`,
/// `L'' = (x'^2 + y'^2 + x x'' + y y'' - L'^2)/L`.
struct Derivatives<'a> {
    rows: &'a Rows,
    frequencies: &'a [f64],
    t: f64,
    /// Memory for the values of the waves, and their derivatives.
    work: &'a mut [f64],
}

impl pulp::NullaryFnOnce for Derivatives<'_> {
    type Output = [f64; 3];

    #[inline(always)]
    fn call(self) -> [f64; 3] {
        let Derivatives { rows, frequencies, t, work } = self;
        let (values, derivatives) = work.split_at_mut(rows.width);
        values.copy_from_slice(&rows.values[..rows.width]);
        derivatives.fill(0.0);
        let values = values.as_chunks_mut::<VECTOR>().0;
        let (first, second) = derivatives.as_chunks_mut::<VECTOR>().0.split_at_mut(rows.width / VECTOR);
        for (k, w) in frequencies.iter().enumerate() {
            let ((cos, sin), [c, s]) = rows.turned(k, *w, t);
            add_two(values, (cos, c), (sin, s));
            add_two(first, (-w * sin, c), (w * cos, s));
            add_two(second, (-w * w * cos, c), (-w * w * sin, s));
        }
        let m = rows.lengths / VECTOR;
        let mut sums = [values[2 * m], first[2 * m], second[2 * m]];
        for k in 0..m {
            for l in 0..VECTOR {
                let ((x, y), (dx, dy)) = ((values[k][l], values[m + k][l]), (first[k][l], first[m + k][l]));
                let length = x.mul_add(x, y * y).sqrt();
                // Padding has no length; it contributes nothing.
                let inverse = if length > 0.0 { 1.0 / length } else { 0.0 };
                let slope = x.mul_add(dx, y * dy) * inverse;
                let bend = dx.mul_add(dx, dy * dy) - slope * slope;
                let bend = x.mul_add(second[k][l], y.mul_add(second[m + k][l], bend)) * inverse;
                for (sum, x) in sums.iter_mut().zip([length, slope, bend]) {
                    sum[l] += x;
                }
            }
        }
        sums.map(|sum| (sum[0] + sum[1]) + (sum[2] + sum[3]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    fn wave(noise: &mut Noise, size: f64) -> Parts {
        (size * noise.normal(), (0..3).map(|_| (size * noise.normal(), size * noise.normal())).collect())
    }

    /// A wave and five lengths, one of them real, one zero, all with frequencies 0.7, 1.9 and 3.1.
    fn curve(noise: &mut Noise) -> Curve {
        let plain = wave(noise, 1.0);
        let nothing = || (0.0, vec![(0.0, 0.0); 3]);
        let mut lengths: Vec<(Parts, Parts)> = (0..3).map(|_| (wave(noise, 1.0), wave(noise, 1.0))).collect();
        lengths.push((wave(noise, 1.0), nothing()));
        lengths.push((nothing(), nothing()));
        Curve::of(plain, lengths.into_iter(), vec![0.7, 1.9, 3.1])
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
                if !curve.is_concave(&smoothness, a, b) {
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
}
