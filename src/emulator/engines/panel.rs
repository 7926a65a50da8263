//! Panels of a complex matrix: a few columns, or a few rows, that fit into the cache and are processed together in SIMD lanes.

#![expect(clippy::indexing_slicing, reason = "indices run over the lanes of arrays of that length")]

use crate::linalg::C64;

/// Number of columns or rows of a panel of a large matrix.
pub const PANEL: usize = 8;

/// The elements of one row of a matrix in all columns of a panel, or of one column in all its rows.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub struct Row<const P: usize> {
    /// Real parts.
    pub re: [f64; P],
    /// Imaginary parts.
    pub im: [f64; P],
}

impl<const P: usize> Row<P> {
    /// Zero in every column.
    pub const ZERO: Row<P> = Row { re: [0.0; P], im: [0.0; P] };

    /// `self + x other`.
    #[inline(always)]
    pub fn plus(mut self, x: f64, other: &Row<P>) -> Row<P> {
        for l in 0..P {
            self.re[l] = x.mul_add(other.re[l], self.re[l]);
            self.im[l] = x.mul_add(other.im[l], self.im[l]);
        }
        self
    }

    /// `self + x other` with a complex number.
    #[inline(always)]
    pub fn plus_complex(mut self, x: C64, other: &Row<P>) -> Row<P> {
        for l in 0..P {
            self.re[l] = x.re.mul_add(other.re[l], (-x.im).mul_add(other.im[l], self.re[l]));
            self.im[l] = x.re.mul_add(other.im[l], x.im.mul_add(other.re[l], self.im[l]));
        }
        self
    }

    /// `x self` with a complex number.
    #[inline(always)]
    pub fn times(self, x: C64) -> Row<P> {
        let mut out = Row::ZERO;
        for l in 0..P {
            out.re[l] = x.re.mul_add(self.re[l], -(x.im * self.im[l]));
            out.im[l] = x.re.mul_add(self.im[l], x.im * self.re[l]);
        }
        out
    }
}
