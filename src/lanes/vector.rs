//! The lanes held by one SIMD vector.

#![expect(clippy::indexing_slicing, reason = "a lane consists of SIMD vectors, and `h` is the index of one")]

use super::Lane;
use pulp::Simd;

/// The lanes in SIMD vector number `h`.
#[derive(Clone, Copy)]
pub(super) struct Part<S: Simd> {
    pub(super) simd: S,
    /// Index of the SIMD vector within a lane array.
    pub(super) h: usize,
}

impl<S: Simd> Part<S> {
    /// Reads these lanes of a number.
    #[inline(always)]
    pub(super) fn of(self, lane: &Lane) -> S::f64s {
        S::as_simd_f64s(&lane.0).0[self.h]
    }

    /// Writes these lanes of a number.
    #[inline(always)]
    pub(super) fn put(self, lane: &mut Lane, x: S::f64s) {
        S::as_mut_simd_f64s(&mut lane.0).0[self.h] = x;
    }

    /// True if a condition holds in some lane.
    #[inline(always)]
    pub(super) fn any(self, mask: S::m64s) -> bool {
        self.simd.first_true_m64s(mask) < S::F64_LANES
    }
}
