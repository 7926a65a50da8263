//! A batch of square matrices of one dimension, one matrix a lane.

#![expect(clippy::indexing_slicing, reason = "indices run over the dimension of the batch and over the lanes")]

use super::{LANES, Lane};
use crate::linalg::{C64, Matrix};

/// An entry of a constant sparse matrix: row, column, real and imaginary part.
pub type Entry = (usize, usize, f64, f64);

/// `LANES` complex matrices of the dimension n, row by row: element (i, j) of all of them is at `i n + j`.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixBatch {
    pub(super) dimension: usize,
    pub(super) re: Vec<Lane>,
    pub(super) im: Vec<Lane>,
}

impl MatrixBatch {
    /// Matrices of zeros.
    pub fn zeros(dimension: usize) -> MatrixBatch {
        let elements = vec![Lane::zero(); dimension * dimension];
        MatrixBatch { dimension, re: elements.clone(), im: elements }
    }

    /// Sets every element to zero.
    #[inline(always)]
    pub fn clear(&mut self) {
        self.re.fill(Lane::zero());
        self.im.fill(Lane::zero());
    }

    /// The number of rows, and of columns.
    #[inline(always)]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Real and imaginary part of an element.
    #[inline(always)]
    pub fn at(&self, i: usize, j: usize) -> (Lane, Lane) {
        let k = i * self.dimension + j;
        (self.re[k], self.im[k])
    }

    /// Sets an element.
    #[inline(always)]
    pub fn put(&mut self, i: usize, j: usize, re: Lane, im: Lane) {
        let k = i * self.dimension + j;
        self.re[k] = re;
        self.im[k] = im;
    }

    /// The matrix in lane k.
    pub fn lane(&self, k: usize) -> Matrix {
        let n = self.dimension;
        Matrix::from_fn(n, n, |i, j| C64::new(self.re[i * n + j].0[k], self.im[i * n + j].0[k]))
    }

    /// Puts a matrix of the batch's dimension into lane k.
    pub fn set_lane(&mut self, k: usize, m: &Matrix) {
        let n = self.dimension;
        for i in 0..n {
            for j in 0..n {
                self.re[i * n + j].0[k] = m[(i, j)].re;
                self.im[i * n + j].0[k] = m[(i, j)].im;
            }
        }
    }

    /// Puts a matrix of the batch's dimension into every lane.
    pub fn broadcast(&mut self, m: &Matrix) {
        let n = self.dimension;
        for i in 0..n {
            for j in 0..n {
                self.re[i * n + j] = Lane::splat(m[(i, j)].re);
                self.im[i * n + j] = Lane::splat(m[(i, j)].im);
            }
        }
    }

    /// Copies a batch of the same dimension.
    #[inline(always)]
    pub fn copy_from(&mut self, other: &MatrixBatch) {
        self.re.copy_from_slice(&other.re);
        self.im.copy_from_slice(&other.im);
    }

    /// Adds a coefficient, one a lane, times a constant sparse matrix: `self += c S`.
    #[inline(always)]
    pub fn add_scaled(&mut self, coefficient: &Lane, entries: &[Entry]) {
        let n = self.dimension;
        for &(i, j, re, im) in entries {
            let k = i * n + j;
            if re != 0.0 {
                self.re[k] = coefficient.mul_add(Lane::splat(re), self.re[k]);
            }
            if im != 0.0 {
                self.im[k] = coefficient.mul_add(Lane::splat(im), self.im[k]);
            }
        }
    }

    /// `out = a b`.
    #[inline(always)]
    pub fn product(a: &MatrixBatch, b: &MatrixBatch, out: &mut MatrixBatch) {
        let n = out.dimension;
        for i in 0..n {
            for j in 0..n {
                let (mut re, mut im) = (Lane::zero(), Lane::zero());
                for k in 0..n {
                    let (x, y) = (a.at(i, k), b.at(k, j));
                    add_product(&mut re, &mut im, x, y);
                }
                out.put(i, j, re, im);
            }
        }
    }

    /// `out = a b^dagger`.
    #[inline(always)]
    pub fn product_with_adjoint(a: &MatrixBatch, b: &MatrixBatch, out: &mut MatrixBatch) {
        let n = out.dimension;
        for i in 0..n {
            for j in 0..n {
                let (mut re, mut im) = (Lane::zero(), Lane::zero());
                for k in 0..n {
                    let (x, y) = (a.at(i, k), b.at(j, k));
                    add_product_with_conjugate(&mut re, &mut im, x, y);
                }
                out.put(i, j, re, im);
            }
        }
    }

    /// `out = a^dagger b`.
    #[inline(always)]
    pub fn product_of_adjoint(a: &MatrixBatch, b: &MatrixBatch, out: &mut MatrixBatch) {
        let n = out.dimension;
        for i in 0..n {
            for j in 0..n {
                let (mut re, mut im) = (Lane::zero(), Lane::zero());
                for k in 0..n {
                    let (x, y) = (a.at(k, i), b.at(k, j));
                    add_product_with_conjugate(&mut re, &mut im, y, x);
                }
                out.put(i, j, re, im);
            }
        }
    }

    /// `out = u rho u^dagger`; `scratch` is overwritten.
    #[inline(always)]
    pub fn conjugate(u: &MatrixBatch, rho: &MatrixBatch, scratch: &mut MatrixBatch, out: &mut MatrixBatch) {
        MatrixBatch::product(u, rho, scratch);
        MatrixBatch::product_with_adjoint(scratch, u, out);
    }

    /// `out = u^dagger rho u`; `scratch` is overwritten.
    #[inline(always)]
    pub fn conjugate_back(u: &MatrixBatch, rho: &MatrixBatch, scratch: &mut MatrixBatch, out: &mut MatrixBatch) {
        MatrixBatch::product(rho, u, scratch);
        MatrixBatch::product_of_adjoint(u, scratch, out);
    }

    /// `Tr(a b)`, real and imaginary part.
    #[inline(always)]
    pub fn trace_of_product(a: &MatrixBatch, b: &MatrixBatch) -> (Lane, Lane) {
        let n = a.dimension;
        let (mut re, mut im) = (Lane::zero(), Lane::zero());
        for i in 0..n {
            for k in 0..n {
                let (x, y) = (a.at(i, k), b.at(k, i));
                add_product(&mut re, &mut im, x, y);
            }
        }
        (re, im)
    }

    /// `Tr(a b)` of Hermitian matrices, which is real; reads their upper triangles only.
    #[inline(always)]
    pub fn trace_of_hermitian_product(a: &MatrixBatch, b: &MatrixBatch) -> Lane {
        let n = a.dimension;
        let (mut diagonal, mut rest) = (Lane::zero(), Lane::zero());
        for i in 0..n {
            diagonal = a.re[i * n + i].mul_add(b.re[i * n + i], diagonal);
            for k in i * n + i + 1..i * n + n {
                rest = a.re[k].mul_add(b.re[k], rest);
                rest = a.im[k].mul_add(b.im[k], rest);
            }
        }
        rest.mul_add(Lane::splat(2.0), diagonal)
    }

    /// `out = self^dagger`.
    #[inline(always)]
    pub fn adjoint(&self, out: &mut MatrixBatch) {
        let n = self.dimension;
        for i in 0..n {
            for j in 0..n {
                let (re, im) = self.at(i, j);
                out.put(j, i, re, -im);
            }
        }
    }
}

/// `out += x y`.
#[inline(always)]
fn add_product(re: &mut Lane, im: &mut Lane, x: (Lane, Lane), y: (Lane, Lane)) {
    for l in 0..LANES {
        let (xr, xi, yr, yi) = (x.0.0[l], x.1.0[l], y.0.0[l], y.1.0[l]);
        re.0[l] = (-xi).mul_add(yi, xr.mul_add(yr, re.0[l]));
        im.0[l] = xi.mul_add(yr, xr.mul_add(yi, im.0[l]));
    }
}

/// `out += x conj(y)`.
#[inline(always)]
fn add_product_with_conjugate(re: &mut Lane, im: &mut Lane, x: (Lane, Lane), y: (Lane, Lane)) {
    for l in 0..LANES {
        let (xr, xi, yr, yi) = (x.0.0[l], x.1.0[l], y.0.0[l], y.1.0[l]);
        re.0[l] = xi.mul_add(yi, xr.mul_add(yr, re.0[l]));
        im.0[l] = xi.mul_add(yr, (-xr).mul_add(yi, im.0[l]));
    }
}
