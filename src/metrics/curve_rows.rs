//! The waves of a curve side by side in SIMD vectors, and kernels of its value, derivatives and curvature at a time.

#![allow(clippy::needless_range_loop, reason = "kernels are plain loops: iterators may not be inlined into them")]
#![expect(clippy::indexing_slicing, reason = "rows have a fixed number of values per wave and frequency")]

use crate::lanes::sin_cos_of;

/// A row of coefficients, in vectors.
type Row<'a> = &'a [[f64; VECTOR]];

/// Numbers per vector for which rows are padded.
const VECTOR: usize = 4;

/// Size of the scratch memory that is kept on the stack.
const FEW: usize = 96;

/// A wave of a curve.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    /// The wave that is added as it is.
    Plain,
    /// The real part of a pair.
    Real(usize),
    /// The imaginary part of a pair.
    Imaginary(usize),
}

/// A plain wave and pairs of waves: the real parts of all pairs, the imaginary parts of all pairs, the plain wave; each group is padded to
/// whole vectors. One row of constant parts, then a row of cosine and a row of sine coefficients for every frequency.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    width: usize,
    /// Number of pairs.
    pub lengths: usize,
    /// The same with padding.
    padded: usize,
    values: Vec<f64>,
}

impl Rows {
    /// Waves that are zero.
    pub fn zeros(lengths: usize, frequencies: usize) -> Rows {
        let padded = lengths.next_multiple_of(VECTOR);
        let width = 2 * padded + VECTOR;
        Rows { width, lengths, padded, values: vec![0.0; width * (1 + 2 * frequencies)] }
    }

    fn index(&self, column: Column) -> usize {
        match column {
            Column::Real(k) => k,
            Column::Imaginary(k) => self.padded + k,
            Column::Plain => 2 * self.padded,
        }
    }

    /// Sets a wave: its constant part, and cosine and sine coefficients by frequency.
    pub fn put(&mut self, column: Column, still: f64, parts: impl IntoIterator<Item = (f64, f64)>) {
        let (column, width) = (self.index(column), self.width);
        self.values[column] = still;
        let rows = self.values[width..].chunks_exact_mut(2 * width);
        rows.zip(parts).for_each(|(row, (c, s))| (row[column], row[width + column]) = (c, s));
    }

    /// The constant part of a wave.
    pub fn still(&self, column: Column) -> f64 {
        self.values[self.index(column)]
    }

    /// The same, to be changed.
    pub fn still_mut(&mut self, column: Column) -> &mut f64 {
        let column = self.index(column);
        &mut self.values[column]
    }

    /// Cosine and sine coefficients of a wave, by frequency.
    pub fn parts(&self, column: Column) -> impl Iterator<Item = (f64, f64)> + '_ {
        let (column, width) = (self.index(column), self.width);
        self.values[width..].chunks_exact(2 * width).map(move |row| (row[column], row[width + column]))
    }

    /// True if a wave is zero at all times.
    pub fn vanishes(&self, column: Column) -> bool {
        self.still(column) == 0.0 && self.parts(column).all(|part| part == (0.0, 0.0))
    }

    /// Multiplies all waves by a factor.
    pub fn scale(&mut self, factor: f64) {
        self.values.iter_mut().for_each(|x| *x *= factor);
    }

    /// Squares of the amplitudes of the plain wave, by frequency.
    pub fn plain_squares(&self) -> impl Iterator<Item = f64> + '_ {
        self.parts(Column::Plain).map(|(c, s)| c * c + s * s)
    }

    /// The same of a pair of waves, of both together.
    pub fn squares(&self, k: usize) -> impl Iterator<Item = f64> + '_ {
        let pairs = self.parts(Column::Real(k)).zip(self.parts(Column::Imaginary(k)));
        pairs.map(|((c, s), (d, r))| c * c + s * s + d * d + r * r)
    }

    /// For each frequency, its cosine and sine at a time and its rows of coefficients.
    #[inline(always)]
    fn turned(&self, k: usize, w: f64, t: f64) -> ((f64, f64), [Row<'_>; 2]) {
        let (sin, cos) = sin_cos_of(w * t);
        let row = |k: usize| self.values[self.width * k..self.width * (k + 1)].as_chunks().0;
        ((cos, sin), [row(1 + 2 * k), row(2 + 2 * k)])
    }

    /// The value of the curve at time t.
    pub fn at(&self, frequencies: &[f64], t: f64) -> f64 {
        let (mut few, mut many) = ([0.0; FEW], vec![]);
        let work = scratch(self.width, &mut few, &mut many);
        pulp::Arch::new().dispatch(At { rows: self, frequencies, t, work })
    }

    /// The same with the first and second derivatives, where no magnitude is zero.
    pub fn with_derivatives(&self, frequencies: &[f64], t: f64) -> [f64; 3] {
        let (mut few, mut many) = ([0.0; FEW], vec![]);
        let work = scratch(3 * self.width, &mut few, &mut many);
        pulp::Arch::new().dispatch(Derivatives(Waves { rows: self, frequencies, t, work }))
    }

    /// An upper bound of the curve from `t - r` to `t + r`, by its Taylor polynomial at t.
    pub fn parabola(&self, frequencies: &[f64], smoothness: &Smoothness, (t, r): (f64, f64)) -> Parabola {
        let (mut few, mut many) = ([0.0; FEW], vec![]);
        let work = scratch(3 * self.width, &mut few, &mut many);
        let waves = Waves { rows: self, frequencies, t, work };
        pulp::Arch::new().dispatch(Around { waves, smoothness, r })
    }

    /// Upper bounds of the derivatives of the waves.
    pub fn smoothness(&self, frequencies: &[f64]) -> Smoothness {
        let of = |squares: &mut dyn Iterator<Item = f64>| {
            squares.zip(frequencies).fold([0.0; 3], |[one, two, three], (square, w)| {
                let x = w * square.sqrt();
                [one + x, two + w * x, three + w * w * x]
            })
        };
        let [_, _, plain] = of(&mut self.plain_squares());
        let mut lengths = vec![0.0; 3 * self.padded];
        for k in 0..self.lengths {
            let bounds = of(&mut self.squares(k));
            bounds.iter().enumerate().for_each(|(order, bound)| lengths[order * self.padded + k] = *bound);
        }
        Smoothness { plain, lengths }
    }
}

/// Upper bounds of the first three derivatives of the waves of a curve.
pub struct Smoothness {
    /// Of the third derivative of the plain wave.
    plain: f64,
    /// Of the pairs of waves, padded like the rows of the curve: of their first derivatives, their second and their third.
    lengths: Vec<f64>,
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
        let (x, rest) = work.split_at(rows.padded / VECTOR);
        let (y, plain) = rest.split_at(rows.padded / VECTOR);
        let mut sum = plain[0];
        for (x, y) in x.iter().zip(y) {
            for l in 0..VECTOR {
                sum[l] += x[l].mul_add(x[l], y[l] * y[l]).sqrt();
            }
        }
        (sum[0] + sum[1]) + (sum[2] + sum[3])
    }
}

/// The waves of a curve at a time.
struct Waves<'a> {
    rows: &'a Rows,
    frequencies: &'a [f64],
    t: f64,
    /// Memory for the values of the waves, and their derivatives.
    work: &'a mut [f64],
}

impl<'a> Waves<'a> {
    /// The waves and their first and second derivatives, as rows.
    #[inline(always)]
    fn derivatives(self) -> [Row<'a>; 3] {
        let Waves { rows, frequencies, t, work } = self;
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
        [values, first, second]
    }
}

/// Kernel: the value of a curve at a time and its derivatives. With `L = sqrt(x^2 + y^2)`: `L' = (x x' + y y')/L`,
/// `L'' = (x'^2 + y'^2 + x x'' + y y'' - L'^2)/L`.
struct Derivatives<'a>(Waves<'a>);

impl pulp::NullaryFnOnce for Derivatives<'_> {
    type Output = [f64; 3];

    #[inline(always)]
    fn call(self) -> [f64; 3] {
        let m = self.0.rows.padded / VECTOR;
        let [values, first, second] = self.0.derivatives();
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

/// Upper bound of a curve near a time t: `f(t + d) <= f(t) + slope d + rise |d| + bend d^2/2`.
///
/// The second derivative of a length `L = |z|` is `L'' = N^2/L + Re(u* z'')` with `u = z/L`, `N = Im(u* z')` and `u' = i u N/L`. Within r of t
/// it exceeds that at t by at most `r (3 p^3/l^2 + 3 p q/l + b)`, where `|z'| <= p`, `|z''| <= q`, `|z'''| <= b` and `L >= l > 0` there. A
/// length that may vanish there has no such bound; it is at most `|z(t)| + |z'(t)| |d| + q d^2/2`.
#[derive(Debug, Clone, Copy)]
pub struct Parabola {
    /// The value at t.
    pub value: f64,
    /// Slope of the plain wave and of the lengths that do not vanish.
    slope: f64,
    /// Magnitudes of the slopes of the lengths that may vanish.
    rise: f64,
    /// Upper bound of the second derivative.
    bend: f64,
    /// True if no length can vanish.
    pub smooth: bool,
}

impl Parabola {
    /// True if the curve is proven to be concave.
    pub fn is_concave(&self) -> bool {
        self.smooth && self.bend < 0.0
    }

    /// Upper bound of `f(t + d) - f(t)` for `|d| <= r`.
    pub fn highest(&self, r: f64) -> f64 {
        let slope = self.slope.abs() + self.rise;
        let d = if slope < -self.bend * r { -slope / self.bend } else { r };
        (slope + 0.5 * self.bend * d) * d
    }
}

/// Kernel: the upper bound of a curve within `r` of a time.
struct Around<'a> {
    waves: Waves<'a>,
    smoothness: &'a Smoothness,
    r: f64,
}

impl pulp::NullaryFnOnce for Around<'_> {
    type Output = Parabola;

    #[inline(always)]
    fn call(self) -> Parabola {
        let Around { waves, smoothness, r } = self;
        let m = waves.rows.padded / VECTOR;
        let bounds = smoothness.lengths.as_chunks::<VECTOR>().0;
        let [values, first, second] = waves.derivatives();
        let (mut sums, mut slopes, mut rises, mut bends) = (values[2 * m], first[2 * m], [0.0; VECTOR], second[2 * m]);
        bends[0] += r * smoothness.plain;
        let mut smooth = true;
        for k in 0..m {
            for l in 0..VECTOR {
                let ((x, y), (dx, dy)) = ((values[k][l], values[m + k][l]), (first[k][l], first[m + k][l]));
                let (ddx, ddy) = (second[k][l], second[m + k][l]);
                let [one, two, three] = [bounds[k][l], bounds[m + k][l], bounds[2 * m + k][l]];
                let length = x.mul_add(x, y * y).sqrt();
                let least = length - r * one;
                // A length that is zero at all times, that of padding among them, contributes nothing.
                let vanishes = least <= 0.0;
                smooth &= !(vanishes && one > 0.0);
                let inverse = if length > 0.0 { 1.0 / length } else { 0.0 };
                let largest = if least > 0.0 { 1.0 / least } else { 0.0 };
                let across = x.mul_add(dy, -(y * dx)) * inverse;
                let (speed, q) = (dx.mul_add(dx, dy * dy).sqrt(), ddx.mul_add(ddx, ddy * ddy).sqrt() + r * three);
                let p = speed + r * two;
                let bend = x.mul_add(ddx, y.mul_add(ddy, across * across)) * inverse;
                let change = 3.0 * p * largest * (p * p * largest + q) + three;
                sums[l] += length;
                slopes[l] += if vanishes { 0.0 } else { x.mul_add(dx, y * dy) * inverse };
                rises[l] += if vanishes { speed } else { 0.0 };
                bends[l] += if vanishes { q } else { r.mul_add(change, bend) };
            }
        }
        let sum = |x: [f64; VECTOR]| (x[0] + x[1]) + (x[2] + x[3]);
        Parabola { value: sum(sums), slope: sum(slopes), rise: sum(rises), bend: sum(bends), smooth }
    }
}
