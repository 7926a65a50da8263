//! Interval arithmetic: intervals that enclose every value a function can have.
//!
//! Bounds are rounded outward by a few units in the last place after every operation, so that the enclosure also holds in floating
//! point (Moore, Kearfott, Cloud, Introduction to Interval Analysis, SIAM 2009). A value that is undefined somewhere
//! (a pole, the logarithm of zero) has an infinite enclosure.

use std::f64::consts::{FRAC_PI_2, PI, TAU};
use std::ops::{Add, Mul, Neg, Sub};

/// All numbers from `lo` to `hi`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower bound.
    pub lo: f64,
    /// The upper bound.
    pub hi: f64,
}

/// All numbers.
pub const ENTIRE: Interval = Interval { lo: f64::NEG_INFINITY, hi: f64::INFINITY };

/// Zero only.
pub const ZERO: Interval = Interval { lo: 0.0, hi: 0.0 };

/// Two units in the last place, relative.
const OUTWARD: f64 = 2.0 * f64::EPSILON;

#[inline]
fn down(x: f64) -> f64 {
    // The number that overflowed is finite.
    if x == f64::INFINITY { f64::MAX } else { x - x.abs() * OUTWARD - f64::MIN_POSITIVE }
}

#[inline]
fn up(x: f64) -> f64 {
    -down(-x)
}

/// The smallest and the largest of four numbers, none of them NaN.
#[inline]
fn bounds([a, b, c, d]: [f64; 4]) -> (f64, f64) {
    // Not `f64::min`, which also checks for NaN.
    let smaller = |x: f64, y: f64| if x < y { x } else { y };
    let larger = |x: f64, y: f64| if x > y { x } else { y };
    (smaller(smaller(a, b), smaller(c, d)), larger(larger(a, b), larger(c, d)))
}

/// A product in which zero times infinity is zero.
fn times(x: f64, y: f64) -> f64 {
    if x == 0.0 || y == 0.0 { 0.0 } else { x * y }
}

impl Interval {
    /// A single number; `ENTIRE` for NaN.
    pub fn point(x: f64) -> Interval {
        if x.is_nan() { ENTIRE } else { Interval { lo: x, hi: x } }
    }

    /// Rounds bounds outward.
    #[inline]
    fn outward(lo: f64, hi: f64) -> Interval {
        if lo.is_nan() || hi.is_nan() { ENTIRE } else { Interval { lo: down(lo), hi: up(hi) } }
    }

    /// Image under an increasing function.
    fn increasing(self, f: impl Fn(f64) -> f64) -> Interval {
        Interval::outward(f(self.lo), f(self.hi))
    }

    /// Half its width; infinite if it is unbounded.
    pub fn radius(self) -> f64 {
        let radius = 0.5 * (self.hi - self.lo);
        if radius.is_nan() { f64::INFINITY } else { radius }
    }

    /// The largest magnitude in it.
    pub fn magnitude(self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }

    /// True if both bounds are finite.
    pub fn is_finite(self) -> bool {
        self.lo.is_finite() && self.hi.is_finite()
    }

    /// True if it contains a number.
    pub fn contains(self, x: f64) -> bool {
        self.lo <= x && x <= self.hi
    }

    /// The smallest interval that contains both.
    pub fn hull(self, other: Interval) -> Interval {
        Interval { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// The intersection of both, which must overlap; `self` if rounding has separated them.
    pub fn overlap(self, other: Interval) -> Interval {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        if lo <= hi { Interval { lo, hi } } else { self }
    }

    /// The product with a finite number.
    #[inline]
    pub fn scaled(self, factor: f64) -> Interval {
        if factor == 0.0 || self == ZERO {
            return ZERO;
        }
        let (a, b) = (self.lo * factor, self.hi * factor);
        if factor > 0.0 { Interval::outward(a, b) } else { Interval::outward(b, a) }
    }

    /// The square, never below zero.
    pub fn square(self) -> Interval {
        self.even_power(2)
    }

    /// One divided by the interval; `ENTIRE` if it contains zero.
    pub fn reciprocal(self) -> Interval {
        if self.contains(0.0) {
            return ENTIRE;
        }
        Interval::outward(1.0 / self.hi, 1.0 / self.lo)
    }

    fn even_power(self, n: i32) -> Interval {
        let (a, b) = (self.lo.abs().powi(n), self.hi.abs().powi(n));
        let low = if self.contains(0.0) { 0.0 } else { a.min(b) };
        let found = Interval::outward(low, a.max(b));
        Interval { lo: found.lo.max(0.0), hi: found.hi }
    }

    /// An integer power with a non-negative exponent.
    pub fn power(self, n: i32) -> Interval {
        match n {
            0 => Interval::point(1.0),
            1 => self,
            n if n % 2 == 0 => self.even_power(n),
            n => self.increasing(|x| x.powi(n)),
        }
    }

    /// A real power of a non-negative interval; `ENTIRE` if it is undefined for all of it.
    pub fn real_power(self, p: f64) -> Interval {
        if self.hi < 0.0 {
            return ENTIRE;
        }
        let (a, b) = (self.lo.max(0.0).powf(p), self.hi.powf(p));
        let found = Interval::outward(a.min(b), a.max(b));
        Interval { lo: found.lo.max(0.0), hi: found.hi }
    }

    /// `exp(x)`.
    pub fn exp(self) -> Interval {
        let found = self.increasing(f64::exp);
        Interval { lo: found.lo.max(0.0), hi: found.hi }
    }

    /// `ln(x)`.
    pub fn ln(self) -> Interval {
        if self.hi <= 0.0 {
            return ENTIRE;
        }
        Interval { lo: self.lo.max(0.0), hi: self.hi }.increasing(f64::ln)
    }

    /// `sqrt(x)`.
    pub fn sqrt(self) -> Interval {
        if self.hi < 0.0 {
            return ENTIRE;
        }
        let found = Interval { lo: self.lo.max(0.0), hi: self.hi }.increasing(f64::sqrt);
        Interval { lo: found.lo.max(0.0), hi: found.hi }
    }

    /// Whether a phase contains a minimum and a maximum of its cosine.
    fn extrema_of_cosine(self) -> (bool, bool) {
        // A multiple of pi is known only to rounding: bounds closer to an extremum than that count as containing it.
        let slack = 4.0 * f64::EPSILON * self.magnitude();
        let (lo, hi) = (self.lo - slack, self.hi + slack);
        // A NaN width counts as infinite.
        if (hi - lo).is_nan() || hi - lo >= TAU {
            return (true, true);
        }
        let holds = |phase: f64| ((hi - phase) / TAU).floor() > ((lo - phase) / TAU).ceil() - 1.0;
        (holds(PI), holds(0.0))
    }

    /// The range of a cosine or sine with these values at the ends of its phase, and extrema in between.
    fn of_wave([a, b]: [f64; 2], (lowest, highest): (bool, bool)) -> Interval {
        let ends = Interval::outward(a.min(b), a.max(b));
        Interval { lo: if lowest { -1.0 } else { ends.lo.max(-1.0) }, hi: if highest { 1.0 } else { ends.hi.min(1.0) } }
    }

    /// `cos(x)`.
    pub fn cos(self) -> Interval {
        Interval::of_wave([self.lo.cos(), self.hi.cos()], self.extrema_of_cosine())
    }

    /// `sin(x)`.
    pub fn sin(self) -> Interval {
        let shifted = self - Interval { lo: down(FRAC_PI_2), hi: up(FRAC_PI_2) };
        Interval::of_wave([self.lo.sin(), self.hi.sin()], shifted.extrema_of_cosine())
    }

    /// `sinh(x)`.
    pub fn sinh(self) -> Interval {
        self.increasing(f64::sinh)
    }

    /// `cosh(x)`.
    pub fn cosh(self) -> Interval {
        let (a, b) = (self.lo.cosh(), self.hi.cosh());
        let low = if self.contains(0.0) { 1.0 } else { a.min(b) };
        Interval::outward(low, a.max(b))
    }

    /// `tanh(x)`.
    pub fn tanh(self) -> Interval {
        self.increasing(f64::tanh).overlap(Interval { lo: -1.0, hi: 1.0 })
    }

    /// `atan(x)`.
    pub fn atan(self) -> Interval {
        self.increasing(f64::atan)
    }

    /// `asin(x)`; `ENTIRE` if it is undefined for all of the interval.
    pub fn asin(self) -> Interval {
        if self.lo > 1.0 || self.hi < -1.0 {
            return ENTIRE;
        }
        Interval { lo: self.lo.max(-1.0), hi: self.hi.min(1.0) }.increasing(f64::asin)
    }
}

impl Add for Interval {
    type Output = Interval;

    #[inline]
    fn add(self, other: Interval) -> Interval {
        // Exact. Rounded outward, zeros would become subnormal numbers, which take a hundred times longer.
        if self == ZERO || other == ZERO {
            return if other == ZERO { self } else { other };
        }
        Interval::outward(self.lo + other.lo, self.hi + other.hi)
    }
}

impl Sub for Interval {
    type Output = Interval;

    #[inline]
    fn sub(self, other: Interval) -> Interval {
        if self == ZERO || other == ZERO {
            return if other == ZERO { self } else { -other };
        }
        Interval::outward(self.lo - other.hi, self.hi - other.lo)
    }
}

impl Neg for Interval {
    type Output = Interval;

    #[inline]
    fn neg(self) -> Interval {
        Interval { lo: -self.hi, hi: -self.lo }
    }
}

impl Mul for Interval {
    type Output = Interval;

    #[inline]
    fn mul(self, other: Interval) -> Interval {
        if self == ZERO || other == ZERO {
            return ZERO;
        }
        let products = |f: fn(f64, f64) -> f64| {
            [f(self.lo, other.lo), f(self.lo, other.hi), f(self.hi, other.lo), f(self.hi, other.hi)]
        };
        let direct = products(|x, y| x * y);
        let (lo, hi) = bounds(if direct.iter().sum::<f64>().is_finite() { direct } else { products(times) });
        Interval::outward(lo, hi)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enclosures_hold_every_value() {
        type Pair = (fn(Interval) -> Interval, fn(f64) -> f64);
        let functions: [Pair; 9] = [
            (Interval::sin, f64::sin),
            (Interval::cos, f64::cos),
            (Interval::exp, f64::exp),
            (Interval::sinh, f64::sinh),
            (Interval::cosh, f64::cosh),
            (Interval::tanh, f64::tanh),
            (Interval::atan, f64::atan),
            (Interval::square, |x| x * x),
            (|i| i.power(3), |x| x * x * x),
        ];
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        for _ in 0..20_000 {
            let (lo, width) = (20.0 * (random() - 0.5), 10f64.powf(4.0 * random() - 3.0));
            let interval = Interval { lo, hi: lo + width };
            let x = lo + width * random();
            for (k, (enclosure, value)) in functions.iter().enumerate() {
                assert!(enclosure(interval).contains(value(x)), "function {k} at {x} in {interval:?}");
            }
        }
    }

    /// Sums, differences and products of intervals of all signs and sizes, zero and unbounded ones among them, contain those of their
    /// numbers; zero adds nothing to the width, and a number is an interval of one point.
    #[test]
    fn sums_and_products_contain_those_of_numbers() {
        let sizes = [1e-310, 1e-200, 1e-3, 1.0, 7.5, 1e200, f64::MAX];
        let mut ends: Vec<f64> = sizes.iter().flat_map(|x| [*x, -x]).chain([0.0]).collect();
        let factors = ends.clone();
        ends.extend([f64::INFINITY, f64::NEG_INFINITY]);
        let pairs = ends.iter().flat_map(|lo| ends.iter().map(|hi| Interval { lo: *lo, hi: *hi }));
        let all: Vec<Interval> = pairs.filter(|i| i.lo <= i.hi && (i.lo < i.hi || i.lo.is_finite())).collect();
        let numbers = |i: &Interval| -> Vec<f64> { factors.iter().copied().filter(|x| i.contains(*x)).collect() };
        for a in &all {
            assert_eq!((*a + ZERO, ZERO + *a, *a - ZERO, ZERO - *a), (*a, *a, *a, -*a));
            for factor in &factors {
                assert_eq!(a.scaled(*factor), *a * Interval::point(*factor), "{a:?} {factor}");
            }
            for b in &all {
                let (sum, difference, product) = (*a + *b, *a - *b, *a * *b);
                for (x, y) in numbers(a).iter().flat_map(|x| numbers(b).into_iter().map(move |y| (x, y))) {
                    let inside = sum.contains(x + y) && difference.contains(x - y) && product.contains(x * y);
                    assert!(inside, "{x} of {a:?} and {y} of {b:?}: {sum:?} {difference:?} {product:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_undefined_is_everything() {
        let around = Interval { lo: -1.0, hi: 1.0 };
        assert_eq!(around.reciprocal(), ENTIRE);
        assert_eq!(around.ln().lo, f64::NEG_INFINITY);
        assert_eq!(Interval { lo: -2.0, hi: -1.0 }.sqrt(), ENTIRE);
        assert_eq!(ZERO * ENTIRE, ZERO);
        // Overflow is not a pole.
        let large = Interval { lo: 800.0, hi: 900.0 }.cosh();
        assert_eq!((large.lo, large.hi), (f64::MAX, f64::INFINITY));
        assert!(large.reciprocal().hi < 1e-300);
    }
}
