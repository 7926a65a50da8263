//! Curves of a batch of states along their trajectories, one curve per lane, and their values on a grid of times.

#![allow(clippy::needless_range_loop, reason = "kernels are plain loops: iterators may not be inlined into them")]
#![expect(
    clippy::indexing_slicing,
    reason = "phases have two numbers per frequency and time, waves one pair per frequency"
)]

use super::curve::Curve;
use super::curve_rows::{Column, Rows};
use crate::lanes::{LANES, Lane, Part, sin_cos};
use pulp::Simd;

/// `x + sum_w (c_w cos(w t) + s_w sin(w t))` in every lane.
#[derive(Clone)]
pub(super) struct Wave {
    pub still: Lane,
    /// Cosine and sine coefficients, one pair per frequency.
    pub parts: Vec<(Lane, Lane)>,
}

/// Curves of a batch: a wave, magnitudes `|x|` of waves, and magnitudes `sqrt(x^2 + y^2)` of pairs of waves.
#[derive(Clone)]
pub struct CurveBatch {
    pub(super) plain: Wave,
    pub(super) sizes: Vec<Wave>,
    pub(super) lengths: Vec<(Wave, Wave)>,
}

/// Cosines and sines of some frequencies on a time grid: for each time, cosine and sine of every frequency.
#[derive(Clone)]
pub enum Phases {
    /// The same in all lanes.
    Shared {
        /// Number of frequencies.
        frequencies: usize,
        /// Cosines and sines.
        values: Vec<f64>,
    },
    /// Different in each lane.
    Lanes {
        /// Number of frequencies.
        frequencies: usize,
        /// Cosines and sines.
        values: Vec<Lane>,
    },
}

/// Time of a sample, computed as in traces: both end points are exact.
pub fn time(duration: f64, sample: usize, points: usize) -> f64 {
    if sample + 1 == points { duration } else { duration * sample as f64 / (points - 1) as f64 }
}

impl Phases {
    /// Phases of frequencies that are the same in all lanes, on an even grid from 0 to a common duration; a grid of one point is the end
    /// time.
    pub(super) fn common(frequencies: &[Lane], duration: f64, points: usize) -> Phases {
        let mut values = Vec::with_capacity(2 * frequencies.len() * points);
        for j in 0..points {
            let t = time(duration, j, points);
            for w in frequencies {
                let (sin, cos) = (w.0[0] * t).sin_cos();
                values.extend([cos, sin]);
            }
        }
        Phases::Shared { frequencies: frequencies.len(), values }
    }

    /// Phases of frequencies that differ from lane to lane, on an even grid from 0 to each lane's duration; a grid of one point is the end
    /// time.
    pub(super) fn of(frequencies: &[Lane], duration: Lane, points: usize) -> Phases {
        let count = frequencies.len();
        let mut values = vec![Lane::zero(); 2 * count * points];
        pulp::Arch::new().dispatch(Oscillate { frequencies, duration, points, values: &mut values });
        Phases::Lanes { frequencies: count, values }
    }

    /// Cosines and sines at the last time.
    pub(super) fn last(&self) -> Vec<Lane> {
        match self {
            Phases::Shared { frequencies, values } => {
                values[values.len() - 2 * frequencies..].iter().map(|x| Lane::splat(*x)).collect()
            }
            Phases::Lanes { frequencies, values } => values[values.len() - 2 * frequencies..].to_vec(),
        }
    }
}

/// Kernel that fills a table of phases.
struct Oscillate<'a> {
    frequencies: &'a [Lane],
    duration: Lane,
    points: usize,
    values: &'a mut [Lane],
}

impl pulp::NullaryFnOnce for Oscillate<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let count = self.frequencies.len().max(1);
        for (j, phases) in self.values.chunks_exact_mut(2 * count).enumerate() {
            let t = match j + 1 == self.points {
                true => self.duration,
                false => self.duration * (j as f64) / ((self.points - 1) as f64),
            };
            for (phase, w) in phases.chunks_exact_mut(2).zip(self.frequencies) {
                let (sin, cos) = sin_cos(*w * t);
                phase[0] = cos;
                phase[1] = sin;
            }
        }
    }
}

/// True if a number is zero in all lanes.
pub(super) fn is_zero(x: &Lane) -> bool {
    x.0.iter().all(|x| *x == 0.0)
}

impl Wave {
    pub fn is_zero(&self) -> bool {
        is_zero(&self.still) && self.parts.iter().all(|(c, s)| is_zero(c) && is_zero(s))
    }

    pub fn scaled(&mut self, factor: f64) {
        self.still = self.still * factor;
        for (c, s) in &mut self.parts {
            (*c, *s) = (*c * factor, *s * factor);
        }
    }
}

impl CurveBatch {
    /// Waves.
    pub(super) fn wave(plain: Wave) -> CurveBatch {
        CurveBatch { plain, sizes: vec![], lengths: vec![] }
    }

    /// Adds a constant to the curves.
    pub fn raised(mut self, by: Lane) -> CurveBatch {
        self.plain.still += by;
        self
    }

    /// Multiplies the curves by a non-negative factor.
    pub fn scaled(mut self, factor: f64) -> CurveBatch {
        if factor != 1.0 {
            self.plain.scaled(factor);
            let pairs = self.lengths.iter_mut().flat_map(|(x, y)| [x, y]);
            pairs.chain(&mut self.sizes).for_each(|wave| wave.scaled(factor));
        }
        self
    }

    /// The curve of a single lane, with these frequencies.
    pub(super) fn lane(&self, frequencies: &[Lane], lane: usize) -> Curve {
        let vanishes = |wave: &Wave| {
            let parts = &mut wave.parts.iter();
            wave.still.0[lane] == 0.0 && parts.all(|(c, s)| (c.0[lane], s.0[lane]) == (0.0, 0.0))
        };
        // Those of other lanes are left out, so that the order of additions is that of the lane alone.
        let sizes = || self.sizes.iter().filter(|x| !vanishes(x));
        let lengths = || self.lengths.iter().filter(|(x, y)| !(vanishes(x) && vanishes(y)));
        let mut rows = Rows::zeros(sizes().count() + lengths().count(), frequencies.len());
        let mut put = |column: Column, wave: &Wave| {
            rows.put(column, wave.still.0[lane], wave.parts.iter().map(|(c, s)| (c.0[lane], s.0[lane])));
        };
        put(Column::Plain, &self.plain);
        let imaginary = sizes().map(|x| (x, None)).chain(lengths().map(|(x, y)| (x, Some(y))));
        for (k, (x, y)) in imaginary.enumerate() {
            put(Column::Real(k), x);
            if let Some(y) = y {
                put(Column::Imaginary(k), y);
            }
        }
        Curve::of(rows, frequencies.iter().map(|w| w.0[lane]).collect())
    }

    /// The curves arranged for values on time grids.
    pub fn packed(&self) -> PackedCurve {
        PackedCurve::of(self)
    }
}

/// The waves of a curve one behind the other: the plain one, sizes, lengths. Each is its constant part and the coefficients of all phases.
pub struct PackedCurve {
    waves: Vec<Lane>,
    /// Number of phases at a time.
    phases: usize,
    sizes: usize,
}

impl PackedCurve {
    fn of(curve: &CurveBatch) -> PackedCurve {
        let phases = 2 * curve.plain.parts.len();
        let count = 1 + curve.sizes.len() + 2 * curve.lengths.len();
        let mut waves = Vec::with_capacity(count * (1 + phases));
        let mut push = |wave: &Wave| {
            // Adding zero gives zeros one sign, whatever the other lanes are.
            waves.push(wave.still + Lane::zero());
            wave.parts.iter().for_each(|(c, s)| waves.extend([*c, *s]));
        };
        push(&curve.plain);
        curve.sizes.iter().for_each(&mut push);
        for (x, y) in &curve.lengths {
            push(x);
            push(y);
        }
        PackedCurve { waves, phases, sizes: curve.sizes.len() }
    }

    /// Appends the values of the curves on the time grid of a table of phases, which has `points` times. The result is zero in lanes with
    /// finite values only, else NaN.
    pub fn values(&self, phases: &Phases, points: usize, out: &mut Vec<Lane>) -> Lane {
        out.reserve(points);
        // A table without frequencies serves all curves that do not change.
        match phases {
            Phases::Shared { values, .. } => self.sample(Same { phases: self.phases, values }, points, out),
            Phases::Lanes { values, .. } => self.sample(Own { phases: self.phases, values }, points, out),
        }
    }

    /// Loops of known length for the numbers of frequencies that are common: one to three, and the six of four levels.
    fn sample<T: Table>(&self, table: T, points: usize, out: &mut Vec<Lane>) -> Lane {
        let arch = pulp::Arch::new();
        let sample = Sample { curve: self, table, points, out };
        match self.phases {
            0 => arch.dispatch(Unrolled::<T, 0>(sample)),
            2 => arch.dispatch(Unrolled::<T, 2>(sample)),
            4 => arch.dispatch(Unrolled::<T, 4>(sample)),
            6 => arch.dispatch(Unrolled::<T, 6>(sample)),
            12 => arch.dispatch(Unrolled::<T, 12>(sample)),
            _ => arch.dispatch(sample),
        }
    }
}

/// A table of phases.
trait Table: Copy {
    /// A phase at a time.
    fn phase<S: Simd>(self, part: Part<S>, time: usize, phase: usize) -> S::f64s;
}

/// Phases that are the same in all lanes.
#[derive(Clone, Copy)]
struct Same<'a> {
    phases: usize,
    values: &'a [f64],
}

/// Phases that differ from lane to lane.
#[derive(Clone, Copy)]
struct Own<'a> {
    phases: usize,
    values: &'a [Lane],
}

impl Table for Same<'_> {
    #[inline(always)]
    fn phase<S: Simd>(self, part: Part<S>, time: usize, phase: usize) -> S::f64s {
        part.simd.splat_f64s(self.values[self.phases * time + phase])
    }
}

impl Table for Own<'_> {
    #[inline(always)]
    fn phase<S: Simd>(self, part: Part<S>, time: usize, phase: usize) -> S::f64s {
        part.of(&self.values[self.phases * time + phase])
    }
}

/// Kernel that samples curves.
struct Sample<'a, T> {
    curve: &'a PackedCurve,
    table: T,
    points: usize,
    out: &'a mut Vec<Lane>,
}

/// The same for P phases at a time.
struct Unrolled<'a, T, const P: usize>(Sample<'a, T>);

impl<T: Table, const P: usize> pulp::WithSimd for Unrolled<'_, T, P> {
    type Output = Lane;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Lane {
        let Unrolled(Sample { curve, table, points, out }) = self;
        let (plain, rest) = curve.waves.split_at(1 + P);
        let (sizes, lengths) = rest.split_at(curve.sizes * (1 + P));
        // Zero times a number that is not finite is NaN.
        let mut finite = Lane::zero();
        for time in 0..points {
            let mut value = Lane::zero();
            for h in 0..LANES / S::F64_LANES {
                let part = Part { simd, h };
                let mut phases = [simd.splat_f64s(0.0); P];
                for p in 0..P {
                    phases[p] = table.phase(part, time, p);
                }
                let mut sum = wave::<S, P>(part, plain, &phases);
                for size in sizes.chunks_exact(1 + P) {
                    sum = simd.add_f64s(sum, part.abs(wave::<S, P>(part, size, &phases)));
                }
                for pair in lengths.chunks_exact(2 * (1 + P)) {
                    let (x, y) = pair.split_at(1 + P);
                    let (x, y) = (wave::<S, P>(part, x, &phases), wave::<S, P>(part, y, &phases));
                    let square = simd.mul_add_f64s(x, x, simd.mul_f64s(y, y));
                    sum = simd.add_f64s(sum, simd.sqrt_f64s(square));
                }
                let sign = simd.mul_add_f64s(sum, simd.splat_f64s(0.0), part.of(&finite));
                part.put(&mut finite, sign);
                part.put(&mut value, sum);
            }
            out.push(value);
        }
        finite
    }
}

/// A wave at P phases.
#[inline(always)]
fn wave<S: Simd, const P: usize>(part: Part<S>, wave: &[Lane], phases: &[S::f64s; P]) -> S::f64s {
    let mut x = part.of(&wave[0]);
    for p in 0..P {
        x = part.simd.mul_add_f64s(part.of(&wave[1 + p]), phases[p], x);
    }
    x
}

impl<T: Table> pulp::WithSimd for Sample<'_, T> {
    type Output = Lane;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Lane {
        let Sample { curve, table, points, out } = self;
        let row = 1 + curve.phases;
        let (plain, rest) = curve.waves.split_at(row);
        let (sizes, lengths) = rest.split_at(curve.sizes * row);
        let mut finite = Lane::zero();
        for time in 0..points {
            let mut value = Lane::zero();
            for h in 0..LANES / S::F64_LANES {
                let part = Part { simd, h };
                let mut sum = any_wave(part, plain, table, time);
                for size in sizes.chunks_exact(row) {
                    sum = simd.add_f64s(sum, part.abs(any_wave(part, size, table, time)));
                }
                for pair in lengths.chunks_exact(2 * row) {
                    let (x, y) = pair.split_at(row);
                    let (x, y) = (any_wave(part, x, table, time), any_wave(part, y, table, time));
                    let square = simd.mul_add_f64s(x, x, simd.mul_f64s(y, y));
                    sum = simd.add_f64s(sum, simd.sqrt_f64s(square));
                }
                let sign = simd.mul_add_f64s(sum, simd.splat_f64s(0.0), part.of(&finite));
                part.put(&mut finite, sign);
                part.put(&mut value, sum);
            }
            out.push(value);
        }
        finite
    }
}

/// A wave at the phases of a time.
#[inline(always)]
fn any_wave<S: Simd, T: Table>(part: Part<S>, wave: &[Lane], table: T, time: usize) -> S::f64s {
    let mut x = part.of(&wave[0]);
    for p in 1..wave.len() {
        x = part.simd.mul_add_f64s(part.of(&wave[p]), table.phase(part, time, p - 1), x);
    }
    x
}
