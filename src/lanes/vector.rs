//! The lanes that one vector of the processor holds.

#![expect(clippy::indexing_slicing, reason = "a vector is one of those that a lane consists of")]

use super::Lane;
use pulp::Simd;

/// The lanes of one vector: the h-th of them.
#[derive(Clone, Copy)]
pub(super) struct Part<S: Simd> {
    pub(super) simd: S,
    /// Which of the vectors of a lane.
    pub(super) h: usize,
}

impl<S: Simd> Part<S> {
    /// These lanes of a number.
    #[inline(always)]
    pub(super) fn of(self, lane: &Lane) -> S::f64s {
        S::as_simd_f64s(&lane.0).0[self.h]
    }

    /// Sets these lanes of a number.
    #[inline(always)]
    pub(super) fn put(self, lane: &mut Lane, x: S::f64s) {
        S::as_mut_simd_f64s(&mut lane.0).0[self.h] = x;
    }

    /// Whether a condition holds in one of the lanes.
    #[inline(always)]
    pub(super) fn any(self, mask: S::m64s) -> bool {
        self.simd.first_true_m64s(mask) < S::F64_LANES
    }
}
