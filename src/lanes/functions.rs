//! Exponential, logarithm, sine and cosine of lanes.
//!
//! Each is a reduction to a short interval and a polynomial, after fdlibm (Sun Microsystems, 1993) and Cody and Waite, Software
//! Manual for the Elementary Functions (1980). Errors stay below 1.5 units in the last place.

#![expect(clippy::indexing_slicing, reason = "indices run over the lanes of arrays of that length")]

use super::{LANES, Lane};

/// Added to a number below 2^51, it rounds to an integer, whose bits are then the lowest of the sum: 1.5 * 2^52.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// `ln 2` in two parts; products of the first with exponents are exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238_164_90e-1, 1.908_214_929_270_587_700_02e-10];

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

/// `e^x`. Infinite above 709.78, 0 below -745.13, and subnormal numbers between where they are due.
#[inline(always)]
pub fn exp(x: Lane) -> Lane {
    let mut out = x;
    for l in 0..LANES {
        out.0[l] = exp_of(x.0[l]);
    }
    out
}

/// The exponential without a branch: `x = k ln 2 + r`, and `2^k` as two factors, since `k` runs from -1076 to 1024.
#[inline(always)]
fn exp_of(x: f64) -> f64 {
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let k = x.mul_add(std::f64::consts::LOG2_E, ROUND) - ROUND;
    let r = (-k).mul_add(LN_2[0], x);
    let r = (-k).mul_add(LN_2[1], r);
    let mut p = EXP[0];
    for c in EXP.iter().skip(1) {
        p = p.mul_add(r, *c);
    }
    let p = (p * r).mul_add(r, r) + 1.0;
    let half = k.mul_add(0.5, ROUND);
    let rest = (k - (half - ROUND)) + ROUND;
    p * power_of_two(half) * power_of_two(rest)
}

/// `2^k` from `k + ROUND`, for exponents of normal numbers.
#[inline(always)]
fn power_of_two(rounded: f64) -> f64 {
    f64::from_bits((rounded.to_bits() << 52).wrapping_add(1023 << 52))
}

/// Sine and cosine. Beyond `|x| = 1e5` the standard library takes over, lane by lane.
#[inline(always)]
pub fn sin_cos(x: Lane) -> (Lane, Lane) {
    let (mut sin, mut cos) = (x, x);
    for l in 0..LANES {
        (sin.0[l], cos.0[l]) = sin_cos_of(x.0[l]);
    }
    let mut inside = true;
    for l in 0..LANES {
        inside &= x.0[l].abs() <= REDUCED;
    }
    if !inside {
        for l in 0..LANES {
            // Also where x is not a number.
            if !(x.0[l].abs() <= REDUCED) {
                (sin.0[l], cos.0[l]) = x.0[l].sin_cos();
            }
        }
    }
    (sin, cos)
}

/// Up to here the reduction to a quarter turn is exact to the last place.
const REDUCED: f64 = 1e5;

/// `pi/2` in three parts.
const QUARTER: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766e-17, -1.497_384_904_859_183_3e-33];

/// `sin r = r + r^3 P(r^2)` up to `r = pi/4`, highest power first.
const SIN: [f64; 7] = [
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

/// Sine and cosine without a branch. The first step of the reduction is exact: `n pi/2` has no bits below those of the difference.
#[inline(always)]
fn sin_cos_of(x: f64) -> (f64, f64) {
    let rounded = x.mul_add(std::f64::consts::FRAC_2_PI, ROUND);
    let n = rounded - ROUND;
    let r = (-n).mul_add(QUARTER[0], x);
    let r = (-n).mul_add(QUARTER[1], r);
    let r = (-n).mul_add(QUARTER[2], r);
    let z = r * r;
    let (mut p, mut q) = (SIN[0], COS[0]);
    for (s, c) in SIN.iter().zip(&COS).skip(1) {
        p = p.mul_add(z, *s);
        q = q.mul_add(z, *c);
    }
    let sin = (p * z).mul_add(r, r);
    // The rounding of 1 - z/2 is put back.
    let half = 0.5 * z;
    let w = 1.0 - half;
    let cos = w + (q * z).mul_add(z, (1.0 - w) - half);
    // Keeps the sign of zero.
    let sin = if r == 0.0 { x * f64::from(u8::from(n == 0.0)) } else { sin };
    let quarter = rounded.to_bits();
    let odd = quarter & 1 == 1;
    let (a, b) = if odd { (cos, sin) } else { (sin, cos) };
    let a = f64::from_bits(a.to_bits() ^ ((quarter & 2) << 62));
    let b = f64::from_bits(b.to_bits() ^ ((quarter.wrapping_add(1) & 2) << 62));
    (a, b)
}

/// The natural logarithm; `-inf` of zero, not a number below.
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
    1.479_819_860_511_658_591e-1,
    1.531_383_769_920_937_332e-1,
    1.818_357_216_161_805_012e-1,
    2.222_219_843_214_978_396e-1,
    2.857_142_874_366_239_149e-1,
    3.999_999_999_940_941_908e-1,
    6.666_666_666_666_735_130e-1,
];

/// The logarithm without a branch: `x = 2^k (1 + f)` with `1 + f` from `sqrt(1/2)` to `sqrt 2`.
#[inline(always)]
fn ln_of(x: f64) -> f64 {
    const ROOT_HALF: u64 = 0x3fe6_a09e_0000_0000;
    const ONE: u64 = 1023 << 52;
    let subnormal = x < f64::MIN_POSITIVE;
    let (y, shift) = if subnormal { (x * 18_014_398_509_481_984.0, 54.0) } else { (x, 0.0) };
    let bits = y.to_bits().wrapping_add(ONE - ROOT_HALF);
    // A small integer becomes a number as the lowest bits of a large one.
    let k = f64::from_bits((bits >> 52) | ROUND.to_bits()) - ROUND - (1023.0 + shift);
    let f = f64::from_bits((bits & ((1 << 52) - 1)).wrapping_add(ROOT_HALF)) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let mut p = LN[0];
    for c in LN.iter().skip(1) {
        p = p.mul_add(z, *c);
    }
    let half = 0.5 * f * f;
    let tail = s.mul_add(p.mul_add(z, half), k * LN_2[1]);
    let out = k.mul_add(LN_2[0], f - (half - tail));
    let out = if x == f64::INFINITY { x } else { out };
    let out = if x == 0.0 { f64::NEG_INFINITY } else { out };
    if x >= 0.0 { out } else { f64::NAN }
}
