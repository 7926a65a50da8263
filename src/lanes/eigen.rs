//! Eigenvalues and eigenvectors of a batch of Hermitian matrices, by Jacobi's rotations.
//!
//! Sweeps go over all pairs p < q (cyclic by rows). A rotation makes the element (p, q) zero in every lane in which it is not yet
//! negligible, and is exactly the identity in the others; so what happens in a lane does not depend on the rest of the batch. The
//! smaller of the two angles is taken, which converges quadratically (Forsythe and Henrici, Trans. Amer. Math. Soc. 94, 1, 1960).

#![expect(clippy::indexing_slicing, reason = "indices run over the dimension of the batch and over the lanes")]

use super::{LANES, Lane, MatrixBatch};

/// Elements off the diagonal below this part of the largest element of the matrix are negligible: 2^-54.
const NEGLIGIBLE: f64 = 1.0 / 18_014_398_509_481_984.0;

/// Sweeps until a lane counts as failed; ordinary matrices need 4 to 8.
const MOST_SWEEPS: usize = 30;

/// The range of the largest element within which no square leaves the normal numbers.
const SAFE: [f64; 2] = [1e-30, 1e30];

/// The eigenproblem of the Hermitian parts of a batch of n x n matrices, which are destroyed. `values` has n levels, ascending in
/// every lane; column k of `vectors` belongs to level k. Tells in which lanes it succeeded: a matrix with an element that is
/// infinite or not a number does not, and gets levels that are not a number.
#[inline(always)]
pub fn eigen(a: &mut MatrixBatch, values: &mut [Lane], vectors: &mut MatrixBatch) -> [bool; LANES] {
    let n = a.dimension;
    let (scale, largest, mut success) = prepare(a);
    vectors.clear();
    for k in 0..n {
        vectors.re[k * n + k] = Lane::splat(1.0);
    }
    let negligible = largest * NEGLIGIBLE;
    let negligible = negligible * negligible;
    let mut real = true;
    for im in &a.im {
        real &= !im.abs().any_greater(Lane::zero());
    }
    let rest = if real { sweeps::<true>(a, vectors, negligible) } else { sweeps::<false>(a, vectors, negligible) };
    sort(a, vectors, values);
    transpose(vectors);
    for value in values.iter_mut() {
        *value = *value * scale[0] * scale[1];
        for l in 0..LANES {
            success[l] &= value.0[l].is_finite();
        }
    }
    for l in 0..LANES {
        success[l] &= !(rest.0[l] > negligible.0[l]);
    }
    for value in values.iter_mut() {
        for l in 0..LANES {
            value.0[l] = if success[l] { value.0[l] } else { f64::NAN };
        }
    }
    success
}

/// Takes the Hermitian part (upper triangle), and scales matrices with very large or very small elements by a power of two. Gives
/// the two factors that undo the scale, the largest element of the scaled matrix, and the lanes in which all is finite; the others
/// become zero.
#[inline(always)]
fn prepare(a: &mut MatrixBatch) -> ([Lane; 2], Lane, [bool; LANES]) {
    let n = a.dimension;
    let (mut largest, mut finite) = (Lane::zero(), Lane::zero());
    for i in 0..n {
        for j in i..n {
            let ((xr, xi), (yr, yi)) = (a.at(i, j), a.at(j, i));
            let half = Lane::splat(0.5);
            let (re, im) = (xr.mul_add(half, yr * half), xi.mul_add(half, -yi * half));
            // Zero times what is not finite is not a number.
            finite = re.mul_add(Lane::zero(), im.mul_add(Lane::zero(), finite));
            largest = largest.max(re.abs()).max(im.abs());
            a.put(i, j, re, im);
        }
    }
    let mut success = [true; LANES];
    let (mut down, mut up) = ([Lane::splat(1.0); 2], [Lane::splat(1.0); 2]);
    let mut plain = true;
    for l in 0..LANES {
        success[l] = finite.0[l] == 0.0;
        let x = largest.0[l];
        if !success[l] {
            plain = false;
            largest.0[l] = 0.0;
        } else if x != 0.0 && !(SAFE[0]..SAFE[1]).contains(&x) {
            plain = false;
            // In two steps, since one factor may be out of range.
            let bits = if x < f64::MIN_POSITIVE { -1022 } else { (x.to_bits() >> 52) as i64 - 1023 };
            let (half, rest) = (bits / 2, bits - bits / 2);
            for (k, power) in [half, rest].into_iter().enumerate() {
                up[k].0[l] = f64::from_bits(((1023 + power) as u64) << 52);
                down[k].0[l] = f64::from_bits(((1023 - power) as u64) << 52);
            }
            largest.0[l] = x * down[0].0[l] * down[1].0[l];
        }
    }
    if !plain {
        for x in a.re.iter_mut().chain(a.im.iter_mut()) {
            *x = *x * down[0] * down[1];
            for l in 0..LANES {
                x.0[l] = if success[l] { x.0[l] } else { 0.0 };
            }
        }
    }
    (up, largest, success)
}

/// Rotates until every lane is diagonal; rows of `v` become the eigenvectors. Gives the largest square off the diagonal.
#[inline(always)]
fn sweeps<const REAL: bool>(a: &mut MatrixBatch, v: &mut MatrixBatch, negligible: Lane) -> Lane {
    let n = a.dimension;
    for _ in 0..MOST_SWEEPS {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                let (x, y) = a.at(p, q);
                let square = if REAL { x * x } else { x.mul_add(x, y * y) };
                if square.any_greater(negligible) {
                    rotated = true;
                    rotate::<REAL>(a, v, p, q, square, negligible);
                }
            }
        }
        if !rotated {
            return Lane::zero();
        }
    }
    let mut rest = Lane::zero();
    for p in 0..n {
        for q in p + 1..n {
            let (x, y) = a.at(p, q);
            rest = rest.max(x.mul_add(x, y * y));
        }
    }
    rest
}

/// The unitary in the plane of p and q: column p becomes `c x_p - conj(s) x_q`, column q `s x_p + c x_q`.
#[derive(Clone, Copy)]
struct Rotation {
    c: Lane,
    sr: Lane,
    si: Lane,
}

/// One rotation of the upper triangle of `a` and the rows of `v`.
#[inline(always)]
fn rotate<const REAL: bool>(
    a: &mut MatrixBatch,
    v: &mut MatrixBatch,
    p: usize,
    q: usize,
    square: Lane,
    negligible: Lane,
) {
    let n = a.dimension;
    let (pp, qq, pq) = (p * n + p, q * n + q, p * n + q);
    let (x, y) = (a.re[pq], a.im[pq]);
    let mut rotation = Rotation { c: Lane::splat(1.0), sr: Lane::zero(), si: Lane::zero() };
    let mut shift = Lane::zero();
    for l in 0..LANES {
        // With h^2 = d^2 + |z|^2 and g = |d| + h: cos = g/sqrt(2hg), sin = |z|/sqrt(2hg), tan = |z|/g.
        let d = 0.5 * (a.re[qq].0[l] - a.re[pp].0[l]);
        let h = d.mul_add(d, square.0[l]).sqrt();
        let g = d.abs() + h;
        let twice = h + h;
        let r = 1.0 / (twice * g).sqrt();
        let signed = r.copysign(d);
        let active = square.0[l] > negligible.0[l];
        rotation.c.0[l] = if active { g * r } else { 1.0 };
        rotation.sr.0[l] = if active { x.0[l] * signed } else { 0.0 };
        rotation.si.0[l] = if active { y.0[l] * signed } else { 0.0 };
        shift.0[l] = if active { square.0[l] * twice * r * signed } else { 0.0 };
        a.re[pq].0[l] = if active { 0.0 } else { x.0[l] };
        a.im[pq].0[l] = if active { 0.0 } else { y.0[l] };
    }
    a.re[pp] -= shift;
    a.re[qq] += shift;
    let back = Rotation { si: -rotation.si, ..rotation };
    for k in 0..p {
        turn::<REAL>(&rotation, a, k * n + p, k * n + q);
    }
    for k in p + 1..q {
        // The column has the conjugate of what is stored.
        a.im[p * n + k] = -a.im[p * n + k];
        turn::<REAL>(&rotation, a, p * n + k, k * n + q);
        a.im[p * n + k] = -a.im[p * n + k];
    }
    for k in q + 1..n {
        turn::<REAL>(&back, a, p * n + k, q * n + k);
    }
    for k in 0..n {
        turn::<REAL>(&rotation, v, p * n + k, q * n + k);
    }
}

/// A rotation of two elements. With REAL all imaginary parts are zero, and the real ones get the same bits.
#[inline(always)]
fn turn<const REAL: bool>(rotation: &Rotation, m: &mut MatrixBatch, p: usize, q: usize) {
    let Rotation { c, sr, si } = rotation;
    let (xr, yr) = (m.re[p], m.re[q]);
    if REAL {
        for l in 0..LANES {
            m.re[p].0[l] = c.0[l].mul_add(xr.0[l], -(sr.0[l] * yr.0[l]));
            m.re[q].0[l] = c.0[l].mul_add(yr.0[l], sr.0[l] * xr.0[l]);
        }
        return;
    }
    let (xi, yi) = (m.im[p], m.im[q]);
    for l in 0..LANES {
        m.re[p].0[l] = c.0[l].mul_add(xr.0[l], -sr.0[l].mul_add(yr.0[l], si.0[l] * yi.0[l]));
        m.im[p].0[l] = c.0[l].mul_add(xi.0[l], -sr.0[l].mul_add(yi.0[l], -(si.0[l] * yr.0[l])));
        m.re[q].0[l] = c.0[l].mul_add(yr.0[l], sr.0[l].mul_add(xr.0[l], -(si.0[l] * xi.0[l])));
        m.im[q].0[l] = c.0[l].mul_add(yi.0[l], sr.0[l].mul_add(xi.0[l], si.0[l] * xr.0[l]));
    }
}

/// Takes the levels from the diagonal and sorts them with the rows of `v`, lane by lane (Batcher's merge exchange; Knuth, The Art
/// of Computer Programming 3, algorithm 5.2.2M).
#[inline(always)]
fn sort(a: &MatrixBatch, v: &mut MatrixBatch, values: &mut [Lane]) {
    let n = a.dimension;
    for (k, value) in values.iter_mut().enumerate().take(n) {
        // Zero has one sign, whatever rotations the other lanes needed.
        *value = a.re[k * n + k] + Lane::zero();
    }
    for x in v.re.iter_mut().chain(v.im.iter_mut()) {
        *x += Lane::zero();
    }
    let top = n.next_power_of_two() / 2;
    let mut p = top;
    while p > 0 {
        let (mut q, mut r, mut d) = (top, 0, p);
        loop {
            for i in 0..n.saturating_sub(d) {
                if i & p == r {
                    exchange(values, v, i, i + d);
                }
            }
            if q == p {
                break;
            }
            d = q - p;
            q /= 2;
            r = p;
        }
        p /= 2;
    }
}

/// Exchanges two levels and their vectors where they stand in the wrong order.
#[inline(always)]
fn exchange(values: &mut [Lane], v: &mut MatrixBatch, i: usize, j: usize) {
    let n = v.dimension;
    let (x, y) = (values[i], values[j]);
    if !x.any_greater(y) {
        return;
    }
    values[i] = Lane::if_greater(x, y, y, x);
    values[j] = Lane::if_greater(x, y, x, y);
    for part in [&mut v.re, &mut v.im] {
        for k in 0..n {
            let (s, t) = (part[i * n + k], part[j * n + k]);
            part[i * n + k] = Lane::if_greater(x, y, t, s);
            part[j * n + k] = Lane::if_greater(x, y, s, t);
        }
    }
}

/// Rows become columns.
#[inline(always)]
fn transpose(m: &mut MatrixBatch) {
    let n = m.dimension;
    for i in 0..n {
        for j in i + 1..n {
            m.re.swap(i * n + j, j * n + i);
            m.im.swap(i * n + j, j * n + i);
        }
    }
}

/// [`eigen`] on its own, in the widest vectors that the processor has.
pub fn dispatched_eigen(a: &mut MatrixBatch, values: &mut [Lane], vectors: &mut MatrixBatch) -> [bool; LANES] {
    pulp::Arch::new().dispatch(Dispatched { a, values, vectors })
}

struct Dispatched<'a> {
    a: &'a mut MatrixBatch,
    values: &'a mut [Lane],
    vectors: &'a mut MatrixBatch,
}

impl pulp::NullaryFnOnce for Dispatched<'_> {
    type Output = [bool; LANES];

    #[inline(always)]
    fn call(self) -> [bool; LANES] {
        eigen(self.a, self.values, self.vectors)
    }
}
