//! The lanes held by one SIMD vector.

#![expect(clippy::indexing_slicing, reason = "a lane consists of SIMD vectors, and `h` is the index of one")]

use super::Lane;
use pulp::Simd;

/// The lanes in SIMD vector number `h`.
#[derive(Clone, Copy)]
pub struct Part<S: Simd> {
    pub simd: S,
    /// Index of the SIMD vector within a lane array.
    pub h: usize,
}

impl<S: Simd> Part<S> {
    /// Reads these lanes of a number.
    #[inline(always)]
    pub fn of(self, lane: &Lane) -> S::f64s {
        S::as_simd_f64s(&lane.0).0[self.h]
    }

    /// Writes these lanes of a number.
    #[inline(always)]
    pub fn put(self, lane: &mut Lane, x: S::f64s) {
        S::as_mut_simd_f64s(&mut lane.0).0[self.h] = x;
    }

    /// Absolute values. That of the crate is a call of a function.
    #[inline(always)]
    pub fn abs(self, x: S::f64s) -> S::f64s {
        self.simd.and_f64s(x, self.simd.splat_f64s(f64::from_bits(u64::MAX >> 1)))
    }

    /// True if a condition holds in some lane.
    #[inline(always)]
    pub fn any(self, mask: S::m64s) -> bool {
        self.simd.first_true_m64s(mask) < S::F64_LANES
    }
}
