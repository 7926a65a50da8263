//! Large state vectors under `H = H_x + H_y + H_z`: Strang splitting with Richardson extrapolation of the observed curve.
//!
//! ```text
//! S(h) = exp(-i H_z h/2) exp(-i H_x h/2) exp(-i H_y h) exp(-i H_x h/2) exp(-i H_z h/2)
//! ```
//!
//! Each factor is a table of phases in its own product basis, and butterflies on single spins change between the bases. There is no
//! matrix: a step costs four sweeps over the vector, whereas a Chebyshev series needs ten to fifteen products with a matrix of n^2/4
//! entries per row. The error of an observed curve is even in h. Steps of h and 2h are combined to an error of order h^4, and 4h gives
//! its size.

#![expect(
    clippy::indexing_slicing,
    reason = "rows have the same length, and pairs of rows are a stride apart within chunks of a power of two"
)]

use super::StepError;
use crate::linalg::C64;
use crate::spin::Split;
use pulp::Simd;

/// A state vector with separate real and imaginary parts.
#[derive(Clone)]
pub struct Wave {
    re: Vec<f64>,
    im: Vec<f64>,
}

impl Wave {
    /// From its amplitudes.
    pub fn new(v: &[C64]) -> Wave {
        Wave { re: v.iter().map(|x| x.re).collect(), im: v.iter().map(|x| x.im).collect() }
    }
}

/// Minimum number of spins; smaller systems use other methods.
pub const FEWEST: usize = 6;

/// Number of amplitudes processed together, small enough for the cache.
const BLOCK: usize = 1 << 12;

/// Kind of butterfly: `(a + b, a - b)` from z to x and back, `(a + i b, b + i a)` from x to y, `(a - i b, b - i a)` from y to x. They
/// are not normalised; the phase tables contain the factor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    ZX,
    XY,
    YX,
}

/// Changes the basis of all spins.
struct Transform<'a> {
    wave: &'a mut Wave,
    turn: Turn,
}

impl pulp::WithSimd for Transform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (re, im) = (S::as_mut_simd_f64s(&mut self.wave.re).0, S::as_mut_simd_f64s(&mut self.wave.im).0);
        match self.turn {
            Turn::ZX => transform::<S, 0>(simd, re, im),
            Turn::XY => transform::<S, 1>(simd, re, im),
            Turn::YX => transform::<S, 2>(simd, re, im),
        }
    }
}

/// Real and imaginary parts of one SIMD vector of neighbouring amplitudes.
type Row<S> = (<S as Simd>::f64s, <S as Simd>::f64s);

#[inline(always)]
fn butterfly<S: Simd, const K: u8>(s: S, (ar, ai): Row<S>, (br, bi): Row<S>) -> (Row<S>, Row<S>) {
    let (add, sub) = (|a, b| s.add_f64s(a, b), |a, b| s.sub_f64s(a, b));
    match K {
        0 => ((add(ar, br), add(ai, bi)), (sub(ar, br), sub(ai, bi))),
        1 => ((sub(ar, bi), add(ai, br)), (sub(br, ai), add(bi, ar))),
        _ => ((add(ar, bi), sub(ai, br)), (add(br, ai), sub(bi, ar))),
    }
}

/// 1 for lanes whose index has `bit` cleared, -1 for the others; there are at most 8 lanes.
#[inline(always)]
fn signs<S: Simd>(bit: usize) -> S::f64s {
    let all: [f64; 8] = std::array::from_fn(|k| if k & bit == 0 { 1.0 } else { -1.0 });
    S::as_simd_f64s(&all).0[0]
}

/// Swaps lanes whose indices differ in one bit.
#[inline(always)]
fn swapped<S: Simd>(s: S, x: S::f64s, bit: usize, sign: S::f64s) -> S::f64s {
    let without = s.less_than_f64s(s.splat_f64s(0.0), sign);
    s.select_f64s(without, s.rotate_left_f64s(x, bit), s.rotate_right_f64s(x, bit))
}

/// Butterfly of the spin whose two states are `bit` lanes apart within a SIMD vector.
#[inline(always)]
fn inside<S: Simd, const K: u8>(s: S, (r, i): Row<S>, bit: usize, sign: S::f64s) -> Row<S> {
    let (p, q) = (swapped(s, r, bit, sign), swapped(s, i, bit, sign));
    match K {
        0 => (s.mul_add_f64s(r, sign, p), s.mul_add_f64s(i, sign, q)),
        1 => (s.sub_f64s(r, q), s.add_f64s(i, p)),
        _ => (s.add_f64s(r, q), s.sub_f64s(i, p)),
    }
}

/// Splits a block into consecutive rows.
#[inline(always)]
fn rows<T, const N: usize>(block: &mut [T], stride: usize) -> [&mut [T]; N] {
    let mut rest = block;
    std::array::from_fn(|_| {
        let (row, others) = std::mem::take(&mut rest).split_at_mut(stride);
        rest = others;
        row
    })
}

/// Butterfly of one spin: pairs of rows a stride apart.
#[inline(always)]
fn one_spin<S: Simd, const K: u8>(s: S, re: &mut [S::f64s], im: &mut [S::f64s], stride: usize) {
    for (re, im) in re.chunks_exact_mut(2 * stride).zip(im.chunks_exact_mut(2 * stride)) {
        let ([r0, r1], [i0, i1]) = (rows(re, stride), rows(im, stride));
        for k in 0..stride {
            ((r0[k], i0[k]), (r1[k], i1[k])) = butterfly::<S, K>(s, (r0[k], i0[k]), (r1[k], i1[k]));
        }
    }
}

/// Butterflies of two spins in one pass over the rows.
#[inline(always)]
fn two_spins<S: Simd, const K: u8>(s: S, re: &mut [S::f64s], im: &mut [S::f64s], stride: usize) {
    for (re, im) in re.chunks_exact_mut(4 * stride).zip(im.chunks_exact_mut(4 * stride)) {
        let ([r0, r1, r2, r3], [i0, i1, i2, i3]) = (rows(re, stride), rows(im, stride));
        for k in 0..stride {
            let (a, b) = butterfly::<S, K>(s, (r0[k], i0[k]), (r1[k], i1[k]));
            let (c, d) = butterfly::<S, K>(s, (r2[k], i2[k]), (r3[k], i3[k]));
            ((r0[k], i0[k]), (r2[k], i2[k])) = butterfly::<S, K>(s, a, c);
            ((r1[k], i1[k]), (r3[k], i3[k])) = butterfly::<S, K>(s, b, d);
        }
    }
}

/// Butterflies of three spins in one pass.
#[inline(always)]
fn three_spins<S: Simd, const K: u8>(s: S, re: &mut [S::f64s], im: &mut [S::f64s], stride: usize) {
    for (re, im) in re.chunks_exact_mut(8 * stride).zip(im.chunks_exact_mut(8 * stride)) {
        let [r0, r1, r2, r3, r4, r5, r6, r7] = rows(re, stride);
        let [i0, i1, i2, i3, i4, i5, i6, i7] = rows(im, stride);
        for k in 0..stride {
            let (a, b) = butterfly::<S, K>(s, (r0[k], i0[k]), (r1[k], i1[k]));
            let (c, d) = butterfly::<S, K>(s, (r2[k], i2[k]), (r3[k], i3[k]));
            let (e, f) = butterfly::<S, K>(s, (r4[k], i4[k]), (r5[k], i5[k]));
            let (g, h) = butterfly::<S, K>(s, (r6[k], i6[k]), (r7[k], i7[k]));
            let ((a, c), (b, d)) = (butterfly::<S, K>(s, a, c), butterfly::<S, K>(s, b, d));
            let ((e, g), (f, h)) = (butterfly::<S, K>(s, e, g), butterfly::<S, K>(s, f, h));
            ((r0[k], i0[k]), (r4[k], i4[k])) = butterfly::<S, K>(s, a, e);
            ((r1[k], i1[k]), (r5[k], i5[k])) = butterfly::<S, K>(s, b, f);
            ((r2[k], i2[k]), (r6[k], i6[k])) = butterfly::<S, K>(s, c, g);
            ((r3[k], i3[k]), (r7[k], i7[k])) = butterfly::<S, K>(s, d, h);
        }
    }
}

/// Butterflies of all spins whose two states are at least `from` and less than `to` rows apart.
#[inline(always)]
fn spins<S: Simd, const K: u8>(s: S, re: &mut [S::f64s], im: &mut [S::f64s], from: usize, to: usize) {
    let mut stride = from;
    while stride < to {
        match to / stride {
            2 => one_spin::<S, K>(s, re, im, stride),
            // Four spins are done as two and two.
            4 | 16 => two_spins::<S, K>(s, re, im, stride),
            _ => three_spins::<S, K>(s, re, im, stride),
        }
        stride *= match to / stride {
            2 => 2,
            4 | 16 => 4,
            _ => 8,
        };
    }
}

#[inline(always)]
fn transform<S: Simd, const K: u8>(s: S, re: &mut [S::f64s], im: &mut [S::f64s]) {
    let lanes = S::F64_LANES;
    let signs = [signs::<S>(1), signs::<S>(2), signs::<S>(4)];
    let block = (BLOCK / lanes).min(re.len());
    for (re, im) in re.chunks_exact_mut(block).zip(im.chunks_exact_mut(block)) {
        for (r, i) in re.iter_mut().zip(im.iter_mut()) {
            let mut row = (*r, *i);
            if lanes > 1 {
                row = inside::<S, K>(s, row, 1, signs[0]);
            }
            if lanes > 2 {
                row = inside::<S, K>(s, row, 2, signs[1]);
            }
            if lanes > 4 {
                row = inside::<S, K>(s, row, 4, signs[2]);
            }
            (*r, *i) = row;
        }
        spins::<S, K>(s, re, im, 1, block);
    }
    spins::<S, K>(s, re, im, block, re.len());
}

/// A phase table, with the normalisation of the butterflies.
struct Phases {
    re: Vec<f64>,
    im: Vec<f64>,
}

impl Phases {
    /// `factor exp(-i E t)`.
    fn new(energies: &[f64], t: f64, factor: f64) -> Phases {
        let (re, im) = energies.iter().map(|e| (factor * (e * t).cos(), -factor * (e * t).sin())).unzip();
        Phases { re, im }
    }
}

/// Multiplies a state vector by phases.
struct Multiply<'a> {
    wave: &'a mut Wave,
    phases: &'a Phases,
}

impl pulp::WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let (re, im) = (S::as_mut_simd_f64s(&mut self.wave.re).0, S::as_mut_simd_f64s(&mut self.wave.im).0);
        let (cos, sin) = (S::as_simd_f64s(&self.phases.re).0, S::as_simd_f64s(&self.phases.im).0);
        for ((r, i), (c, d)) in re.iter_mut().zip(im).zip(cos.iter().zip(sin)) {
            let (x, y) = (s.mul_f64s(*r, *c), s.mul_f64s(*r, *d));
            (*r, *i) = (s.sub_f64s(x, s.mul_f64s(*i, *d)), s.mul_add_f64s(*i, *c, y));
        }
    }
}

/// Phase tables of one step.
struct Strang {
    arch: pulp::Arch,
    /// Along z: half a step, and a whole step between two consecutive steps.
    half_z: Phases,
    whole_z: Phases,
    half_x: Phases,
    whole_y: Phases,
}

impl Strang {
    fn new([x, y, z]: &[Vec<f64>; 3], spins: usize, h: f64) -> Strang {
        // Four unnormalised butterfly sweeps multiply the norm by 2^(2n).
        let root = 0.5f64.powf(0.5 * spins as f64);
        Strang {
            arch: pulp::Arch::new(),
            half_z: Phases::new(z, 0.5 * h, 1.0),
            whole_z: Phases::new(z, h, 1.0),
            half_x: Phases::new(x, 0.5 * h, root),
            whole_y: Phases::new(y, h, root * root),
        }
    }

    fn multiply(&self, wave: &mut Wave, phases: &Phases) {
        self.arch.dispatch(Multiply { wave, phases });
    }

    fn turn(&self, wave: &mut Wave, turn: Turn) {
        self.arch.dispatch(Transform { wave, turn });
    }

    /// Performs `steps` steps.
    fn advance(&self, wave: &mut Wave, steps: usize) {
        self.multiply(wave, &self.half_z);
        for k in 0..steps {
            self.turn(wave, Turn::ZX);
            self.multiply(wave, &self.half_x);
            self.turn(wave, Turn::XY);
            self.multiply(wave, &self.whole_y);
            self.turn(wave, Turn::YX);
            self.multiply(wave, &self.half_x);
            self.turn(wave, Turn::ZX);
            self.multiply(wave, if k + 1 == steps { &self.half_z } else { &self.whole_z });
        }
    }
}

/// `<psi|I+|phi>` and `<psi|I-|phi>` of one spin, whose two states are `apart` amplitudes apart.
struct Flips<'a> {
    psi: &'a Wave,
    phi: &'a Wave,
    apart: usize,
}

impl pulp::WithSimd for Flips<'_> {
    type Output = [C64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) -> [C64; 2] {
        let Flips { psi, phi, apart } = self;
        let (ar, ai) = (S::as_simd_f64s(&psi.re).0, S::as_simd_f64s(&psi.im).0);
        let (br, bi) = (S::as_simd_f64s(&phi.re).0, S::as_simd_f64s(&phi.im).0);
        let zero: Row<S> = (s.splat_f64s(0.0), s.splat_f64s(0.0));
        // Accumulates conj(a) b.
        let times = |(ar, ai): Row<S>, (br, bi): Row<S>, (r, i): Row<S>| -> Row<S> {
            let (r, i) = (s.mul_add_f64s(ar, br, r), s.mul_add_f64s(ar, bi, i));
            (s.mul_add_f64s(ai, bi, r), s.sub_f64s(i, s.mul_f64s(ai, br)))
        };
        let sum = |(r, i): Row<S>| C64::new(s.reduce_sum_f64s(r), s.reduce_sum_f64s(i));
        let lanes = S::F64_LANES;
        if apart >= lanes {
            let stride = apart / lanes;
            let (mut up, mut down) = (zero, zero);
            for base in (0..ar.len()).step_by(2 * stride) {
                for k in base..base + stride {
                    let l = k + stride;
                    up = times((ar[k], ai[k]), (br[l], bi[l]), up);
                    down = times((ar[l], ai[l]), (br[k], bi[k]), down);
                }
            }
            return [sum(up), sum(down)];
        }
        // Lanes with the spin up contribute to I+, lanes with the spin down to I-.
        let sign = signs::<S>(apart);
        let mut both = zero;
        for k in 0..ar.len() {
            let flipped = (swapped(s, br[k], apart, sign), swapped(s, bi[k], apart, sign));
            both = times((ar[k], ai[k]), flipped, both);
        }
        let half = |x: Row<S>, one: f64| {
            let share = s.mul_add_f64s(sign, s.splat_f64s(0.5 * one), s.splat_f64s(0.5));
            (s.mul_f64s(x.0, share), s.mul_f64s(x.1, share))
        };
        [sum(half(both, 1.0)), sum(half(both, -1.0))]
    }
}

/// The observed operator `sum_i g_i I+_i`: spin indices and weights.
pub type Observed = [(usize, f64)];

/// `<psi|F+|phi>` and `<psi|F-|phi>` at every point.
pub type Curve = Vec<[C64; 2]>;

fn observe(spins: usize, observed: &Observed, psi: &Wave, phi: &Wave) -> [C64; 2] {
    let arch = pulp::Arch::new();
    observed.iter().fold([C64::default(); 2], |sum, (site, g)| {
        let [up, down] = arch.dispatch(Flips { psi, phi, apart: 1 << (spins - 1 - site) });
        [sum[0] + up * *g, sum[1] + down * *g]
    })
}

/// A pair of vectors that is propagated on the CPU.
pub struct Pair<'a> {
    spins: usize,
    diagonals: [Vec<f64>; 3],
    observed: &'a Observed,
    waves: [Wave; 2],
}

impl<'a> Pair<'a> {
    /// From the Hamiltonian, the observed operator, and `psi` and `phi`.
    pub fn new(split: &Split, observed: &'a Observed, [psi, phi]: [&[C64]; 2]) -> Pair<'a> {
        Pair { spins: split.spins, diagonals: split.diagonals(), observed, waves: [Wave::new(psi), Wave::new(phi)] }
    }

    /// `points` points of the curve, a `spacing` apart, with `steps` Strang steps between two points.
    pub fn sampled(&self, points: usize, spacing: f64, steps: usize) -> Curve {
        /// From this many spins on, the two vectors are propagated in parallel.
        const LARGE: usize = 14;
        let strang = Strang::new(&self.diagonals, self.spins, spacing / steps as f64);
        let [mut psi, mut phi] = self.waves.clone();
        let mut out = Vec::with_capacity(points);
        for k in 0..points {
            out.push(observe(self.spins, self.observed, &psi, &phi));
            if k + 1 == points {
                break;
            }
            if self.spins >= LARGE {
                rayon::join(|| strang.advance(&mut psi, steps), || strang.advance(&mut phi, steps));
            } else {
                strang.advance(&mut psi, steps);
                strang.advance(&mut phi, steps);
            }
        }
        out
    }
}

/// Samples the curve `<psi|F|phi>` of a pair: number of points, time between two of them, and Strang steps between two of them.
pub type Sampler<'a> = dyn Fn(usize, f64, usize) -> Result<Curve, StepError> + 'a;

/// Matrix elements `<psi|F|phi>` of a pair of vectors at equidistant times.
pub struct Decay<'a> {
    /// The device that propagates the pair.
    pub sampler: &'a Sampler<'a>,
    /// Bound of the rotation rate of a spin, rad/s.
    pub local: f64,
    /// Number of points.
    pub points: usize,
    /// Time between two points.
    pub dwell: f64,
}

/// Minimum number of points for extrapolation.
pub const FEWEST_POINTS: usize = 32;

impl Decay<'_> {
    /// The curve, the number of steps per point, and an error bound relative to its largest point. The step is halved until the bound is
    /// below the tolerance.
    ///
    /// # Errors
    /// Those of the device.
    pub fn curve(&self, tolerance: f64) -> Result<(Curve, usize, f64), StepError> {
        /// Initial limit of the spin rotation per step, rad.
        const TURN: f64 = 0.2;
        /// Steps per point beyond which rounding would dominate.
        const MOST: usize = 1 << 16;
        let mut steps = ((self.local * self.dwell / TURN).ceil() as usize).max(1);
        loop {
            let (fine, coarse, coarser) = (self.every(steps, 1)?, self.every(steps, 2)?, self.every(steps, 4)?);
            let curve = extrapolated(&fine, &coarse);
            // Steps of 2h and 4h have sixteen times the error.
            let worse = extrapolated(&coarse, &coarser);
            let largest = curve.iter().flatten().map(|x| x.norm()).fold(f64::MIN_POSITIVE, f64::max);
            let differ = |(a, b): (&[C64; 2], &[C64; 2])| (a[0] - b[0]).norm().max((a[1] - b[1]).norm());
            let error = worse.iter().zip(curve.iter().step_by(2)).map(differ).fold(0.0, f64::max) / 15.0 / largest;
            if error <= tolerance || steps >= MOST {
                return Ok((curve, steps, error));
            }
            steps *= 2;
        }
    }

    /// The curve with a given number of steps per point.
    ///
    /// # Errors
    /// Those of the device.
    pub fn curve_in(&self, steps: usize) -> Result<Curve, StepError> {
        Ok(extrapolated(&self.every(steps, 1)?, &self.every(steps, 2)?))
    }

    /// Every `every`-th point, with steps that are longer by the same factor.
    fn every(&self, steps: usize, every: usize) -> Result<Curve, StepError> {
        (self.sampler)(self.points.div_ceil(every), self.dwell * every as f64, steps)
    }
}

/// Richardson extrapolation of a curve and the one with doubled step, which has every second point. The error is smooth; between its points
/// it is interpolated by Lagrange polynomials through eight of them.
fn extrapolated(fine: &Curve, coarse: &Curve) -> Curve {
    const NODES: usize = 8;
    let every = 2;
    let error: Curve = coarse
        .iter()
        .zip(fine.iter().step_by(every))
        .map(|(c, f)| [(f[0] - c[0]) / 3.0, (f[1] - c[1]) / 3.0])
        .collect();
    let nodes = NODES.min(error.len());
    let at = |k: usize| -> [C64; 2] {
        if k.is_multiple_of(every) {
            return error[k / every];
        }
        let x = k as f64 / every as f64;
        let first = (k / every + 1).saturating_sub(nodes / 2).min(error.len() - nodes);
        let mut sum = [C64::default(); 2];
        for i in 0..nodes {
            let own = (first + i) as f64;
            let others = (0..nodes).filter(|j| *j != i).map(|j| (first + j) as f64);
            let weight: f64 = others.map(|other| (x - other) / (own - other)).product();
            sum = [sum[0] + error[first + i][0] * weight, sum[1] + error[first + i][1] * weight];
        }
        sum
    };
    (0..fine.len()).map(at).zip(fine).map(|(e, f)| [f[0] + e[0], f[1] + e[1]]).collect()
}
