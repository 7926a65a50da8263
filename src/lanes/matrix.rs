//! A batch of square matrices of the same dimension, one per lane.

#![expect(clippy::indexing_slicing, reason = "indices run over the dimension of the batch and over the lanes")]

use super::{LANES, Lane};
use crate::linalg::{C64, Matrix};

/// An entry of a constant sparse matrix: row, column, real and imaginary part.
pub type Entry = (usize, usize, f64, f64);

/// `LANES` complex n x n matrices, row by row: element (i, j) of all of them is at `i n + j`.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixBatch {
    pub(super) dimension: usize,
    pub(super) re: Vec<Lane>,
    pub(super) im: Vec<Lane>,
}

impl MatrixBatch {
    /// Zero matrices.
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

    /// Number of rows and columns.
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

    /// Stores a matrix of the batch's dimension in lane k.
    pub fn set_lane(&mut self, k: usize, m: &Matrix) {
        let n = self.dimension;
        for i in 0..n {
            for j in 0..n {
                self.re[i * n + j].0[k] = m[(i, j)].re;
                self.im[i * n + j].0[k] = m[(i, j)].im;
            }
        }
    }

    /// Copies the matrix in one lane of a batch of the same dimension.
    pub fn copy_lane(&mut self, k: usize, other: &MatrixBatch, from: usize) {
        let parts = self.re.iter_mut().zip(&other.re).chain(self.im.iter_mut().zip(&other.im));
        for (x, y) in parts {
            x.0[k] = y.0[from];
        }
    }

    /// `Tr(rho A)` of Hermitian matrices rho and one Hermitian matrix A of the same dimension, without fused operations.
    #[inline(always)]
    pub fn mean_of(&self, operator: &Matrix) -> Lane {
        let (n, mut sum) = (self.dimension, Lane::zero());
        for i in 0..n {
            for j in 0..n {
                let (re, im) = self.at(i, j);
                sum += re * operator[(i, j)].re + im * operator[(i, j)].im;
            }
        }
        sum
    }

    /// Stores a matrix of the batch's dimension in every lane.
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

    /// Adds a constant sparse matrix times a coefficient per lane: `self += c S`.
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

    /// `Tr(a b)`: real and imaginary part.
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

    /// `Tr(a b)` of Hermitian matrices, which is real; reads only their upper triangles.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{self, hermitian_part};
    use crate::noise::Noise;

    fn random(noise: &mut Noise, n: usize) -> (MatrixBatch, Vec<Matrix>) {
        let mut out = MatrixBatch::zeros(n);
        let mut single = |_| Matrix::from_fn(n, n, |_, _| C64::new(noise.normal(), noise.normal()));
        let ms: Vec<Matrix> = (0..LANES).map(&mut single).collect();
        for (k, m) in ms.iter().enumerate() {
            out.set_lane(k, m);
        }
        (out, ms)
    }

    struct Products<'a> {
        a: &'a MatrixBatch,
        b: &'a MatrixBatch,
        out: &'a mut [MatrixBatch; 5],
    }

    impl pulp::NullaryFnOnce for Products<'_> {
        type Output = (Lane, Lane);

        #[inline(always)]
        fn call(self) -> (Lane, Lane) {
            let [product, forth, back, adjoint, scratch] = self.out;
            MatrixBatch::product(self.a, self.b, product);
            MatrixBatch::conjugate(self.a, self.b, scratch, forth);
            MatrixBatch::conjugate_back(self.a, self.b, scratch, back);
            self.a.adjoint(adjoint);
            MatrixBatch::trace_of_product(self.a, self.b)
        }
    }

    #[test]
    fn products_are_those_of_single_matrices() {
        for n in 1..=9 {
            let mut noise = Noise::new(1, n as u64);
            let ((a, left), (b, right)) = (random(&mut noise, n), random(&mut noise, n));
            let mut out: [MatrixBatch; 5] = std::array::from_fn(|_| random(&mut noise, n).0);
            let (re, im) = pulp::Arch::new().dispatch(Products { a: &a, b: &b, out: &mut out });
            for (l, (x, y)) in left.iter().zip(&right).enumerate() {
                let close = |m: &MatrixBatch, right: Matrix| assert!((m.lane(l) - right).norm() < 1e-12);
                close(&out[0], x * y);
                close(&out[1], linalg::conjugate(x, y));
                close(&out[2], linalg::conjugate_back(x, y));
                assert_eq!(out[3].lane(l), x.adjoint());
                assert!((C64::new(re.0[l], im.0[l]) - linalg::trace_of_product(x, y)).norm() < 1e-12);
            }
        }
    }

    #[test]
    fn the_trace_of_hermitian_matrices_is_read_from_their_upper_triangles() {
        let mut noise = Noise::new(2, 0);
        let ((mut a, left), (mut b, right)) = (random(&mut noise, 5), random(&mut noise, 5));
        for (k, (x, y)) in left.iter().zip(&right).enumerate() {
            a.set_lane(k, &hermitian_part(x));
            b.set_lane(k, &hermitian_part(y));
        }
        let trace = MatrixBatch::trace_of_hermitian_product(&a, &b);
        let (re, im) = MatrixBatch::trace_of_product(&a, &b);
        assert!((0..LANES).all(|l| (trace.0[l] - re.0[l]).abs() < 1e-13 && im.0[l].abs() < 1e-13));
    }

    #[test]
    fn lanes_are_set_and_read_alone() {
        let mut noise = Noise::new(3, 0);
        let (mut a, ms) = random(&mut noise, 3);
        a.set_lane(7, &ms[2]);
        assert_eq!((a.lane(6), a.lane(7), a.lane(8)), (ms[6].clone(), ms[2].clone(), ms[8].clone()));
        a.broadcast(&ms[1]);
        assert!((0..LANES).all(|l| a.lane(l) == ms[1]));
        a.put(0, 2, Lane::splat(3.0), Lane::splat(-1.0));
        assert_eq!(a.at(0, 2), (Lane::splat(3.0), Lane::splat(-1.0)));
        let (other, own) = (random(&mut noise, 3), a.lane(4));
        a.copy_lane(5, &other.0, 9);
        assert_eq!((a.lane(5), a.lane(4)), (other.1[9].clone(), own));
        let operator = hermitian_part(&other.1[2]);
        a.broadcast(&hermitian_part(&ms[3]));
        let mean = linalg::trace_of_product(&hermitian_part(&ms[3]), &operator).re;
        assert!((a.mean_of(&operator).0[11] - mean).abs() < 1e-13);
        a.clear();
        assert_eq!(a, MatrixBatch::zeros(3));
    }

    #[test]
    fn sparse_matrices_are_added_with_a_coefficient_a_lane() {
        let mut a = MatrixBatch::zeros(2);
        let coefficient = Lane(std::array::from_fn(|l| l as f64));
        a.add_scaled(&coefficient, &[(0, 1, 2.0, -1.0), (1, 0, 2.0, 1.0)]);
        a.add_scaled(&Lane::splat(0.5), &[(0, 0, 1.0, 0.0), (0, 1, 0.0, 2.0)]);
        let m = a.lane(3);
        assert_eq!((m[(0, 0)], m[(0, 1)]), (C64::new(0.5, 0.0), C64::new(6.0, -2.0)));
        assert_eq!((m[(1, 0)], m[(1, 1)]), (C64::new(6.0, 3.0), C64::new(0.0, 0.0)));
    }
}
