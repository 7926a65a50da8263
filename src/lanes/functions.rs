//! Exponential, logarithm, sine and cosine of lanes.
//!
//! Each is an argument reduction to a short interval followed by a polynomial, after fdlibm (Sun Microsystems, 1993) and Cody and Waite,
//! Software Manual for the Elementary Functions (1980). Errors are below 1 unit in the last place.

#![expect(clippy::indexing_slicing, reason = "indices run over the lanes of arrays of that length")]

use super::{LANES, Lane};

/// Added to a number below 2^51, it rounds to an integer, which then occupies the lowest bits of the sum: 1.5 * 2^52.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// `ln 2` in two parts; products of the first part with exponents are exact.
const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];

/// `1/k!` from 13 down to 2.
const EXP: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
];

/// A polynomial, highest power first.
#[inline(always)]
fn polynomial<const N: usize>(coefficients: &[f64; N], x: f64) -> f64 {
    let mut sum = coefficients[0];
    for c in &coefficients[1..] {
        sum = sum.mul_add(x, *c);
    }
    sum
}

/// `e^x`; infinite above 709.78, 0 below -745.13, subnormal where appropriate.
#[inline(always)]
pub fn exp(x: Lane) -> Lane {
    let mut out = x;
    for l in 0..LANES {
        out.0[l] = exp_of(x.0[l]);
    }
    out
}

/// The exponential without branches: `x = k ln 2 + r`, and `2^k` as two factors, since `k` ranges from -1076 to 1024.
#[inline(always)]
fn exp_of(x: f64) -> f64 {
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let k = x.mul_add(std::f64::consts::LOG2_E, ROUND) - ROUND;
    let r = (-k).mul_add(LN_2[0], x);
    let r = (-k).mul_add(LN_2[1], r);
    let p = (polynomial(&EXP, r) * r).mul_add(r, r) + 1.0;
    let half = k.mul_add(0.5, ROUND);
    let rest = (k - (half - ROUND)) + ROUND;
    p * power_of_two(half) * power_of_two(rest)
}

/// `2^k` from `k + ROUND`, for exponents of normal numbers.
#[inline(always)]
fn power_of_two(rounded: f64) -> f64 {
    f64::from_bits((rounded.to_bits() << 52).wrapping_add(1023 << 52))
}

/// Sine and cosine. For `|x| > 1e5` the standard library is used, lane by lane.
#[inline(always)]
pub fn sin_cos(x: Lane) -> (Lane, Lane) {
    let (mut sin, mut cos) = (x, x);
    for l in 0..LANES {
        (sin.0[l], cos.0[l]) = reduced(x.0[l]);
    }
    let mut outside = 0u64;
    for l in 0..LANES {
        outside |= u64::from(x.0[l].abs() > REDUCED);
    }
    if outside != 0 {
        (sin, cos) = by_the_standard_library(x, sin, cos);
    }
    (sin, cos)
}

/// Sine and cosine of a single number, with the bits of [`sin_cos`]. Like it, it is to be called in a dispatch.
#[inline(always)]
pub fn sin_cos_of(x: f64) -> (f64, f64) {
    if x.abs() > REDUCED { x.sin_cos() } else { reduced(x) }
}

/// The lanes beyond the range of the argument reduction.
#[cold]
#[inline(never)]
fn by_the_standard_library(x: Lane, mut sin: Lane, mut cos: Lane) -> (Lane, Lane) {
    for l in 0..LANES {
        if x.0[l].abs() > REDUCED {
            (sin.0[l], cos.0[l]) = x.0[l].sin_cos();
        }
    }
    (sin, cos)
}

/// Up to this argument the reduction modulo pi/2 is accurate to the last place.
const REDUCED: f64 = 1e5;

/// `pi/2` in three parts.
const QUARTER: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766e-17, -1.497_384_904_859_183_3e-33];

/// `sin r = r + r^3 P(r^2)` up to `r = pi/4`, highest power first.
const SIN: [f64; 8] = [
    1.0 / 355_687_428_096_000.0,
    -1.0 / 1_307_674_368_000.0,
    1.0 / 6_227_020_800.0,
    -1.0 / 39_916_800.0,
    1.0 / 362_880.0,
    -1.0 / 5_040.0,
    1.0 / 120.0,
    -1.0 / 6.0,
];

/// `cos r = 1 - r^2/2 + r^4 P(r^2)` up to `r = pi/4`, highest power first.
const COS: [f64; 7] = [
    1.0 / 20_922_789_888_000.0,
    -1.0 / 87_178_291_200.0,
    1.0 / 479_001_600.0,
    -1.0 / 3_628_800.0,
    1.0 / 40_320.0,
    -1.0 / 720.0,
    1.0 / 24.0,
];

/// Sine and cosine without branches. The first step of the reduction is exact: `n pi/2` has no bits below those of the difference.
#[inline(always)]
fn reduced(x: f64) -> (f64, f64) {
    let rounded = x.mul_add(std::f64::consts::FRAC_2_PI, ROUND);
    let n = rounded - ROUND;
    let first = (-n).mul_add(QUARTER[0], x);
    let second = n * QUARTER[1];
    let near = first - second;
    // Rounding errors of product and difference (Knuth's two-sum), and the third part.
    let back = near - first;
    let lost = (first - (near - back)) - (second + back);
    let lost = (-n).mul_add(QUARTER[2], lost - n.mul_add(QUARTER[1], -second));
    let r = near + lost;
    let lost = lost - (r - near);
    let z = r * r;
    let (p, q) = (polynomial(&SIN, z), polynomial(&COS, z));
    let half = 0.5 * z;
    let w = 1.0 - half;
    let sin = r + (p * z).mul_add(r, w * lost);
    // The rounding error of 1 - z/2 is added back, too.
    let cos = w + (q * z).mul_add(z, (-r).mul_add(lost, (1.0 - w) - half));
    // Preserves the sign of zero; no other floating-point number is a multiple of pi/2.
    let sin = if r == 0.0 { x } else { sin };
    let quarter = rounded.to_bits();
    let odd = quarter & 1 == 1;
    let (a, b) = if odd { (cos, sin) } else { (sin, cos) };
    let a = f64::from_bits(a.to_bits() ^ ((quarter & 2) << 62));
    let b = f64::from_bits(b.to_bits() ^ ((quarter.wrapping_add(1) & 2) << 62));
    (a, b)
}

/// Natural logarithm; `-inf` at zero, NaN below.
#[inline(always)]
pub fn ln(x: Lane) -> Lane {
    let mut out = x;
    for l in 0..LANES {
        out.0[l] = ln_of(x.0[l]);
    }
    out
}

/// fdlibm's minimax polynomial of `(ln(1+f) - f + f^2/2 - s f^2/2) / s`, `s = f/(2+f)`, in `s^2`, highest power first.
const LN: [f64; 7] = [
    0.147_981_986_051_165_86,
    0.153_138_376_992_093_73,
    0.181_835_721_616_180_5,
    0.222_221_984_321_497_84,
    0.285_714_287_436_623_9,
    0.399_999_999_994_094_2,
    0.666_666_666_666_673_5,
];

/// The logarithm without branches: `x = 2^k (1 + f)` with `1 + f` between `sqrt(1/2)` and `sqrt 2`.
#[inline(always)]
fn ln_of(x: f64) -> f64 {
    const ROOT_HALF: u64 = 0x3fe6_a09e_0000_0000;
    const ONE: u64 = 1023 << 52;
    let subnormal = x < f64::MIN_POSITIVE;
    let (y, shift) = if subnormal { (x * 18_014_398_509_481_984.0, 54.0) } else { (x, 0.0) };
    let bits = y.to_bits().wrapping_add(ONE - ROOT_HALF);
    // Converts a small integer to a float through the lowest bits of a large one.
    let k = f64::from_bits((bits >> 52) | ROUND.to_bits()) - ROUND - (1023.0 + shift);
    let f = f64::from_bits((bits & ((1 << 52) - 1)).wrapping_add(ROOT_HALF)) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let p = polynomial(&LN, z);
    let half = 0.5 * f * f;
    let tail = s.mul_add(p.mul_add(z, half), k * LN_2[1]);
    let out = k.mul_add(LN_2[0], f - (half - tail));
    let out = if x == f64::INFINITY { x } else { out };
    let out = if x == 0.0 { f64::NEG_INFINITY } else { out };
    if x >= 0.0 { out } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    /// Runs in the widest SIMD instructions, so that these are tested too.
    struct All(Lane);

    impl pulp::NullaryFnOnce for All {
        type Output = [Lane; 4];

        #[inline(always)]
        fn call(self) -> [Lane; 4] {
            let (sin, cos) = sin_cos(self.0);
            [exp(self.0), ln(self.0), sin, cos]
        }
    }

    fn all(x: [f64; LANES]) -> [Lane; 4] {
        pulp::Arch::new().dispatch(All(Lane(x)))
    }

    /// Number of floating-point numbers between two others.
    fn ulps(a: f64, b: f64) -> u64 {
        let line = |x: f64| {
            let bits = x.to_bits() as i64;
            if bits < 0 { i64::MIN - bits } else { bits }
        };
        if a.is_nan() && b.is_nan() { 0 } else { line(a).abs_diff(line(b)) }
    }

    fn same(a: f64, b: f64) -> bool {
        a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
    }

    /// The standard library itself is accurate to about half a unit, on some systems to one.
    #[test]
    fn results_are_within_two_units_of_the_standard_library() {
        let mut noise = Noise::new(1, 0);
        for k in 0..60_000 {
            let x: [f64; LANES] = std::array::from_fn(|l| match (k + l) % 6 {
                0 => 1500.0 * noise.even() - 760.0,
                1 => 10.0 * noise.normal(),
                2 => noise.normal() * 10f64.powf(-20.0 * noise.even()),
                3 => (2.0 * noise.even() - 1.0) * 1e5,
                // Near multiples of pi/2.
                4 => (63_000.0 * noise.even()).floor() * std::f64::consts::FRAC_PI_2 * (1.0 + 1e-15 * noise.normal()),
                _ => 10f64.powf(640.0 * noise.even() - 330.0),
            });
            let got = all(x);
            for l in 0..LANES {
                let x = x[l];
                for (got, right) in got.iter().zip([x.exp(), x.ln(), x.sin(), x.cos()]) {
                    assert!(ulps(got.0[l], right) <= 2, "{x:e}: {:e} for {right:e}", got.0[l]);
                }
            }
        }
    }

    #[test]
    fn special_arguments_have_their_values() {
        let limits = [
            0.0,
            -0.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            f64::MIN_POSITIVE,
            5e-324,
            -5e-324,
            f64::MAX,
            f64::MIN,
            709.782_712_893_384,
            709.782_712_893_385,
            -745.133_219_101_941_1,
            -745.133_219_101_942,
            -708.5,
            -740.0,
        ];
        let others =
            [1.0, -1.0, 1e5, -1e5, 1e5 + 0.1, -1e22, 1e300, 1e-300, 0.5, 2.0, 1e-310, 1e16, 1e-20, -1e-20, 3.0, -710.0];
        for x in [limits, others] {
            let got = all(x);
            for l in 0..LANES {
                let x = x[l];
                for (k, right) in [x.exp(), x.ln(), x.sin(), x.cos()].into_iter().enumerate() {
                    let got = got[k].0[l];
                    let exact = right == 0.0 || !right.is_finite() || (x == 1.0 && k == 1) || (x == 0.0);
                    assert!(
                        if exact { same(got, right) } else { ulps(got, right) <= 2 },
                        "{k} of {x:e}: {got:e} for {right:e}"
                    );
                }
            }
        }
    }

    #[test]
    fn results_do_not_depend_on_the_width_of_vectors() {
        let mut noise = Noise::new(2, 0);
        for _ in 0..200 {
            let x = Lane(std::array::from_fn(|_| 30.0 * noise.normal()));
            let (sin, cos) = sin_cos(x);
            for (a, b) in all(x.0).iter().zip([exp(x), ln(x), sin, cos]) {
                assert!((0..LANES).all(|l| same(a.0[l], b.0[l])));
            }
        }
    }
}
