//! Jacobi rotations of a batch of Hermitian matrices, stored as upper triangles.

#![expect(clippy::indexing_slicing, reason = "indices run over the dimension of the batch")]

use super::MatrixBatch;
use super::vector::Part;
use pulp::Simd;

/// A unitary in the plane of p and q: column p becomes `c x_p - conj(s) x_q`, column q `s x_p + c x_q`.
#[derive(Clone, Copy)]
struct Rotation<S: Simd> {
    part: Part<S>,
    c: S::f64s,
    sr: S::f64s,
    si: S::f64s,
}

/// One rotation of the upper triangle of `a` and, with VECTORS, the rows of `v`; `x + i y` is the element (p, q).
#[inline(always)]
pub(super) fn rotate<S: Simd, const REAL: bool, const VECTORS: bool>(
    part: Part<S>,
    a: &mut MatrixBatch,
    v: &mut MatrixBatch,
    (p, q): (usize, usize),
    (x, y): (S::f64s, S::f64s),
    square: S::f64s,
    active: S::m64s,
) {
    let (n, s) = (a.dimension, part.simd);
    let (pp, qq, pq) = (p * n + p, q * n + q, p * n + q);
    let (low, high) = (part.of(&a.re[pp]), part.of(&a.re[qq]));
    let (zero, one) = (s.splat_f64s(0.0), s.splat_f64s(1.0));
    // With h^2 = d^2 + |z|^2 and g = |d| + h: cos = g/sqrt(2hg), sin = |z|/sqrt(2hg), tan = |z|/g.
    let d = s.mul_f64s(s.splat_f64s(0.5), s.sub_f64s(high, low));
    let h = s.sqrt_f64s(s.mul_add_f64s(d, d, square));
    let g = s.add_f64s(part.abs(d), h);
    let twice = s.add_f64s(h, h);
    let r = s.div_f64s(one, s.sqrt_f64s(s.mul_f64s(twice, g)));
    let signed = s.xor_f64s(r, s.and_f64s(d, s.splat_f64s(-0.0)));
    let shift = s.mul_f64s(s.mul_f64s(square, twice), s.mul_f64s(r, signed));
    let shift = s.select_f64s(active, shift, zero);
    part.put(&mut a.re[pp], s.sub_f64s(low, shift));
    part.put(&mut a.re[qq], s.add_f64s(high, shift));
    part.put(&mut a.re[pq], s.select_f64s(active, zero, x));
    if !REAL {
        part.put(&mut a.im[pq], s.select_f64s(active, zero, y));
    }
    let rotation = Rotation {
        part,
        c: s.select_f64s(active, s.mul_f64s(g, r), one),
        sr: s.select_f64s(active, s.mul_f64s(x, signed), zero),
        si: s.select_f64s(active, s.mul_f64s(y, signed), zero),
    };
    let back = Rotation { si: s.neg_f64s(rotation.si), ..rotation };
    for k in 0..p {
        let (i, j) = (k * n + p, k * n + q);
        let (x, y) = rotation.turn::<REAL>(rotation.load(a, i), rotation.load(a, j));
        rotation.store::<REAL>(a, i, x);
        rotation.store::<REAL>(a, j, y);
    }
    for k in p + 1..q {
        // The column element is the conjugate of the stored one.
        let (i, j) = (p * n + k, k * n + q);
        let (xr, xi) = rotation.load(a, i);
        let (x, y) = rotation.turn::<REAL>((xr, s.neg_f64s(xi)), rotation.load(a, j));
        rotation.store::<REAL>(a, i, (x.0, s.neg_f64s(x.1)));
        rotation.store::<REAL>(a, j, y);
    }
    back.turn_rows::<REAL>(a, p, q, q + 1);
    if VECTORS {
        rotation.turn_rows::<REAL>(v, p, q, 0);
    }
}

impl<S: Simd> Rotation<S> {
    #[inline(always)]
    fn load(&self, m: &MatrixBatch, k: usize) -> (S::f64s, S::f64s) {
        (self.part.of(&m.re[k]), self.part.of(&m.im[k]))
    }

    #[inline(always)]
    fn store<const REAL: bool>(&self, m: &mut MatrixBatch, k: usize, (re, im): (S::f64s, S::f64s)) {
        self.part.put(&mut m.re[k], re);
        if !REAL {
            self.part.put(&mut m.im[k], im);
        }
    }

    /// Rotates the rows p < q from a column on.
    #[inline(always)]
    fn turn_rows<const REAL: bool>(&self, m: &mut MatrixBatch, p: usize, q: usize, from: usize) {
        let (n, part) = (m.dimension, self.part);
        let (re_p, re_q) = m.re.split_at_mut(q * n);
        let (im_p, im_q) = m.im.split_at_mut(q * n);
        let re = re_p[p * n + from..p * n + n].iter_mut().zip(&mut re_q[from..n]);
        let im = im_p[p * n + from..p * n + n].iter_mut().zip(&mut im_q[from..n]);
        for ((xr, yr), (xi, yi)) in re.zip(im) {
            let (x, y) = self.turn::<REAL>((part.of(xr), part.of(xi)), (part.of(yr), part.of(yi)));
            part.put(xr, x.0);
            part.put(yr, y.0);
            if !REAL {
                part.put(xi, x.1);
                part.put(yi, y.1);
            }
        }
    }

    /// Rotates two elements. With REAL all imaginary parts are zero, and the real parts have the same bits.
    #[inline(always)]
    #[expect(clippy::type_complexity, reason = "two complex numbers in, two out")]
    fn turn<const REAL: bool>(
        &self,
        (xr, xi): (S::f64s, S::f64s),
        (yr, yi): (S::f64s, S::f64s),
    ) -> ((S::f64s, S::f64s), (S::f64s, S::f64s)) {
        let Rotation { part, c, sr, si } = *self;
        let s = part.simd;
        if REAL {
            let x = s.mul_add_f64s(c, xr, s.neg_f64s(s.mul_f64s(sr, yr)));
            let y = s.mul_add_f64s(c, yr, s.mul_f64s(sr, xr));
            return ((x, xi), (y, yi));
        }
        let re = s.mul_add_f64s(sr, yr, s.mul_f64s(si, yi));
        let im = s.mul_add_f64s(sr, yi, s.neg_f64s(s.mul_f64s(si, yr)));
        let x = (s.mul_add_f64s(c, xr, s.neg_f64s(re)), s.mul_add_f64s(c, xi, s.neg_f64s(im)));
        let re = s.mul_add_f64s(sr, xr, s.neg_f64s(s.mul_f64s(si, xi)));
        let im = s.mul_add_f64s(sr, xi, s.mul_f64s(si, xr));
        (x, (s.mul_add_f64s(c, yr, re), s.mul_add_f64s(c, yi, im)))
    }
}
