//! One number per matrix of a batch, and its arithmetic.

#![expect(clippy::indexing_slicing, reason = "indices run over the lanes of arrays of that length")]

use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// Number of matrices in a batch: two of the widest SIMD vectors of current processors, so that their latencies overlap.
pub const LANES: usize = 16;

/// One number per matrix of a batch. Operations act lane by lane.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C, align(64))]
pub struct Lane(pub [f64; LANES]);

impl Lane {
    /// The same number in every lane.
    #[inline(always)]
    pub const fn splat(x: f64) -> Lane {
        Lane([x; LANES])
    }

    /// Zero in every lane.
    #[inline(always)]
    pub const fn zero() -> Lane {
        Lane::splat(0.0)
    }

    /// `self b + c` with a single rounding.
    #[inline(always)]
    pub fn mul_add(self, b: Lane, c: Lane) -> Lane {
        let mut out = self;
        for l in 0..LANES {
            out.0[l] = self.0[l].mul_add(b.0[l], c.0[l]);
        }
        out
    }

    /// `c - self b` with a single rounding.
    #[inline(always)]
    pub fn neg_mul_add(self, b: Lane, c: Lane) -> Lane {
        let mut out = self;
        for l in 0..LANES {
            out.0[l] = (-self.0[l]).mul_add(b.0[l], c.0[l]);
        }
        out
    }

    /// `self b - c` with a single rounding.
    #[inline(always)]
    pub fn mul_sub(self, b: Lane, c: Lane) -> Lane {
        let mut out = self;
        for l in 0..LANES {
            out.0[l] = self.0[l].mul_add(b.0[l], -c.0[l]);
        }
        out
    }

    /// Square root.
    #[inline(always)]
    pub fn sqrt(self) -> Lane {
        let mut out = self;
        for l in 0..LANES {
            out.0[l] = self.0[l].sqrt();
        }
        out
    }

    /// Absolute value.
    #[inline(always)]
    pub fn abs(self) -> Lane {
        let mut out = self;
        for l in 0..LANES {
            out.0[l] = self.0[l].abs();
        }
        out
    }

    /// The magnitude of `self` with the sign of another number.
    #[inline(always)]
    pub fn copysign(self, sign: Lane) -> Lane {
        let mut out = self;
        for l in 0..LANES {
            out.0[l] = self.0[l].copysign(sign.0[l]);
        }
        out
    }

    /// The larger of two numbers; `self` if one of them is NaN.
    #[inline(always)]
    pub fn max(self, other: Lane) -> Lane {
        Lane::if_greater(other, self, other, self)
    }

    /// The smaller of two numbers; `self` if one of them is NaN.
    #[inline(always)]
    pub fn min(self, other: Lane) -> Lane {
        Lane::if_greater(self, other, other, self)
    }

    /// `x` where `a > b`, else `y`; thus `y` where `a` or `b` is NaN.
    #[inline(always)]
    pub fn if_greater(a: Lane, b: Lane, x: Lane, y: Lane) -> Lane {
        let mut out = y;
        for l in 0..LANES {
            out.0[l] = if a.0[l] > b.0[l] { x.0[l] } else { y.0[l] };
        }
        out
    }

    /// True if `self` exceeds `other` in some lane.
    #[inline(always)]
    pub fn any_greater(self, other: Lane) -> bool {
        let mut any = 0u64;
        for l in 0..LANES {
            any |= u64::from(self.0[l] > other.0[l]);
        }
        any != 0
    }
}

/// A binary operator for two lanes, and for a lane and a number.
macro_rules! operator {
    ($name:ident, $method:ident, $sign:tt) => {
        impl $name for Lane {
            type Output = Lane;

            #[inline(always)]
            fn $method(self, other: Lane) -> Lane {
                let mut out = self;
                for l in 0..LANES {
                    out.0[l] = self.0[l] $sign other.0[l];
                }
                out
            }
        }

        impl $name<f64> for Lane {
            type Output = Lane;

            #[inline(always)]
            fn $method(self, other: f64) -> Lane {
                let mut out = self;
                for l in 0..LANES {
                    out.0[l] = self.0[l] $sign other;
                }
                out
            }
        }
    };
}

operator!(Add, add, +);
operator!(Sub, sub, -);
operator!(Mul, mul, *);
operator!(Div, div, /);

/// An assigning operator.
macro_rules! assigning_operator {
    ($name:ident, $method:ident, $sign:tt) => {
        impl $name for Lane {
            #[inline(always)]
            fn $method(&mut self, other: Lane) {
                *self = *self $sign other;
            }
        }
    };
}

assigning_operator!(AddAssign, add_assign, +);
assigning_operator!(SubAssign, sub_assign, -);
assigning_operator!(MulAssign, mul_assign, *);

impl Neg for Lane {
    type Output = Lane;

    #[inline(always)]
    fn neg(self) -> Lane {
        let mut out = self;
        for l in 0..LANES {
            out.0[l] = -self.0[l];
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_work_lane_by_lane() {
        let x = Lane(std::array::from_fn(|l| l as f64 - 4.0));
        let y = Lane::splat(3.0);
        let each = |got: Lane, right: fn(f64) -> f64| {
            for l in 0..LANES {
                assert_eq!(got.0[l], right(l as f64 - 4.0), "lane {l}");
            }
        };
        each(x + y, |x| x + 3.0);
        each(x - y, |x| x - 3.0);
        each(x * y, |x| x * 3.0);
        each(x / y, |x| x / 3.0);
        each(x * 2.0 - 1.0, |x| x * 2.0 - 1.0);
        each(-x, |x| -x);
        each(x.mul_add(y, x), |x| x.mul_add(3.0, x));
        each(x.mul_sub(y, x), |x| x.mul_add(3.0, -x));
        each(x.neg_mul_add(y, x), |x| (-x).mul_add(3.0, x));
        each(x.abs().sqrt(), |x| x.abs().sqrt());
        each(y.copysign(x), |x| 3f64.copysign(x));
        each(x.max(y), |x| x.max(3.0));
        each(x.min(y), |x| x.min(3.0));
        each(Lane::if_greater(x, y, x, -y), |x| if x > 3.0 { x } else { -3.0 });
        let mut sum = x;
        sum += y;
        sum -= Lane::splat(1.0);
        sum *= Lane::splat(2.0);
        each(sum, |x| (x + 2.0) * 2.0);
        assert!(x.any_greater(y) && !(y.any_greater(y)) && !Lane::splat(f64::NAN).any_greater(x));
    }

    #[test]
    fn what_is_no_number_is_passed_over() {
        let (x, none) = (Lane::splat(1.0), Lane::splat(f64::NAN));
        assert_eq!((x.max(none), x.min(none)), (x, x));
    }
}
