//! Eigendecomposition of a batch of Hermitian matrices, by Jacobi rotations.
//!
//! Sweeps visit all pairs p < q (cyclic by rows). A rotation eliminates the element (p, q) in every lane in which it is not yet
//! negligible, and is exactly the identity in the others, so that a lane does not depend on the rest of the batch. The
//! smaller of the two rotation angles is used, which converges quadratically (Forsythe and Henrici, Trans. Amer. Math. Soc. 94, 1, 1960).
//!
//! As many lanes as one SIMD vector holds are solved together, so that a rotation stays in registers.

#![expect(clippy::indexing_slicing, reason = "indices run over the dimension of the batch and over the lanes")]

use super::rotation::rotate;
use super::sort::sort;
use super::vector::Part;
use super::{LANES, Lane, MatrixBatch};
use pulp::Simd;

/// Off-diagonal elements below this fraction of the largest element of the matrix are negligible: 2^-54.
const NEGLIGIBLE: f64 = 1.0 / 18_014_398_509_481_984.0;

/// Number of sweeps after which a lane counts as failed; typical matrices need 4 to 8.
const MOST_SWEEPS: usize = 30;

/// Range of the largest element within which no square leaves the range of normal numbers.
const SAFE: [f64; 2] = [1e-30, 1e30];

/// Eigendecomposition of the Hermitian parts of a batch of n x n matrices, which are overwritten. `values` receives n levels, ascending in
/// every lane; column k of `vectors` belongs to level k. Returns the lanes in which it succeeded. A matrix with an infinite or NaN element,
/// or with a level that overflows, fails, and its levels are NaN.
///
/// The function dispatches to the widest SIMD instructions itself, so it is equally fast outside a dispatch. It panics if the dimension of
/// `vectors` differs from that of `a`, or `values` has fewer than n elements.
#[inline]
pub fn eigen(a: &mut MatrixBatch, values: &mut [Lane], vectors: &mut MatrixBatch) -> [bool; LANES] {
    pulp::Arch::new().dispatch(Solve::<true> { a, values, vectors })
}

/// The levels of [`eigen`] with the same bits, without eigenvectors, in about half of the time.
#[inline]
pub fn eigenvalues(a: &mut MatrixBatch, values: &mut [Lane]) -> [bool; LANES] {
    // Of no rows: nothing is allocated.
    let mut none = MatrixBatch::zeros(0);
    pulp::Arch::new().dispatch(Solve::<false> { a, values, vectors: &mut none })
}

/// The arguments of `eigen`. Without VECTORS, `vectors` has no rows.
struct Solve<'a, const VECTORS: bool> {
    a: &'a mut MatrixBatch,
    values: &'a mut [Lane],
    vectors: &'a mut MatrixBatch,
}

impl<const VECTORS: bool> pulp::WithSimd for Solve<'_, VECTORS> {
    type Output = [bool; LANES];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [bool; LANES] {
        let Solve { a, values, vectors } = self;
        let mut scale = Scale { largest: Lane::zero(), up: [Lane::splat(1.0); 2], finite: [true; LANES] };
        let mut rest = Lane::zero();
        vectors.clear();
        let n = a.dimension;
        for k in 0..if VECTORS { n } else { 0 } {
            vectors.re[k * n + k] = Lane::splat(1.0);
        }
        for h in 0..LANES / S::F64_LANES {
            let part = Part { simd, h };
            prepare(part, a, &mut scale);
            let negligible = negligible(part, &scale.largest);
            if is_real(part, a) {
                sweeps::<S, true, VECTORS>(part, a, vectors, negligible, &mut rest);
            } else {
                sweeps::<S, false, VECTORS>(part, a, vectors, negligible, &mut rest);
            }
            for (k, value) in values.iter_mut().enumerate().take(n) {
                part.put(value, part.of(&a.re[k * n + k]));
            }
            sort::<S, VECTORS>(part, &mut values[..n], vectors);
        }
        finish(&scale, &rest, &mut values[..n], vectors)
    }
}

/// Scaling applied to the matrices so that no square leaves the range of numbers.
struct Scale {
    /// The largest element of the scaled matrix.
    largest: Lane,
    /// Their product undoes the scaling.
    up: [Lane; 2],
    /// True for matrices with finite elements only; the others are replaced by zero.
    finite: [bool; LANES],
}

/// The square below which an off-diagonal element is negligible.
#[inline(always)]
fn negligible<S: Simd>(part: Part<S>, largest: &Lane) -> S::f64s {
    let x = part.simd.mul_f64s(part.of(largest), part.simd.splat_f64s(NEGLIGIBLE));
    part.simd.mul_f64s(x, x)
}

/// True if the upper triangles are real.
#[inline(always)]
fn is_real<S: Simd>(part: Part<S>, a: &MatrixBatch) -> bool {
    let (n, s) = (a.dimension, part.simd);
    let mut size = s.splat_f64s(0.0);
    for i in 0..n {
        for im in &a.im[i * n + i..i * n + n] {
            size = s.max_f64s(size, part.abs(part.of(im)));
        }
    }
    !part.any(s.greater_than_f64s(size, s.splat_f64s(0.0)))
}

/// Forms the Hermitian part (upper triangle), and scales the matrices if necessary.
#[inline(always)]
fn prepare<S: Simd>(part: Part<S>, a: &mut MatrixBatch, scale: &mut Scale) {
    let (n, s) = (a.dimension, part.simd);
    let (half, zero) = (s.splat_f64s(0.5), s.splat_f64s(0.0));
    let (mut largest, mut finite) = (zero, zero);
    for i in 0..n {
        for j in i..n {
            let (up, low) = (i * n + j, j * n + i);
            let (xr, yr) = (part.of(&a.re[up]), part.of(&a.re[low]));
            let (xi, yi) = (part.of(&a.im[up]), part.of(&a.im[low]));
            let re = s.mul_add_f64s(half, xr, s.mul_f64s(half, yr));
            let im = s.mul_add_f64s(half, xi, s.neg_f64s(s.mul_f64s(half, yi)));
            // Zero times a non-finite number is NaN.
            finite = s.mul_add_f64s(re, zero, s.mul_add_f64s(im, zero, finite));
            let size = s.max_f64s(part.abs(re), part.abs(im));
            largest = s.max_f64s(size, largest);
            part.put(&mut a.re[up], re);
            part.put(&mut a.im[up], im);
        }
    }
    part.put(&mut scale.largest, largest);
    let inside = s.and_m64s(
        s.greater_than_f64s(largest, s.splat_f64s(SAFE[0])),
        s.greater_than_f64s(s.splat_f64s(SAFE[1]), largest),
    );
    let plain = s.and_m64s(s.or_m64s(inside, s.equal_f64s(largest, zero)), s.equal_f64s(finite, zero));
    let ones = s.splat_f64s(1.0);
    if part.any(s.greater_than_f64s(ones, s.select_f64s(plain, ones, zero))) {
        let mut sign = Lane::zero();
        part.put(&mut sign, finite);
        rescale(a, scale, &sign, part.h * S::F64_LANES..(part.h + 1) * S::F64_LANES);
    }
}

/// Scales the matrices of some lanes by powers of two such that their largest elements are near 1, and replaces non-finite matrices by
/// zero; `sign` is zero for the finite ones.
#[cold]
#[inline(never)]
fn rescale(a: &mut MatrixBatch, scale: &mut Scale, sign: &Lane, lanes: std::ops::Range<usize>) {
    for l in lanes {
        scale.finite[l] = sign.0[l] == 0.0;
        let largest = scale.largest.0[l];
        if !scale.finite[l] {
            scale.largest.0[l] = 0.0;
            a.re.iter_mut().chain(a.im.iter_mut()).for_each(|x| x.0[l] = 0.0);
        } else if largest != 0.0 && !(largest > SAFE[0] && largest < SAFE[1]) {
            // In two steps, since a single factor may overflow.
            let exponent = if largest < f64::MIN_POSITIVE { -1060 } else { (largest.to_bits() >> 52) as i64 - 1023 };
            let (first, second) = (exponent / 2, exponent - exponent / 2);
            let power = |k: i64| f64::from_bits(((1023 + k) as u64) << 52);
            scale.up[0].0[l] = power(first);
            scale.up[1].0[l] = power(second);
            let down = |x: f64| x * power(-first) * power(-second);
            scale.largest.0[l] = down(largest);
            a.re.iter_mut().chain(a.im.iter_mut()).for_each(|x| x.0[l] = down(x.0[l]));
        }
    }
}

/// Rotates until all lanes are diagonal; the rows of `v` become the eigenvectors. `rest` is the largest squared off-diagonal element that
/// is not negligible.
#[inline(always)]
fn sweeps<S: Simd, const REAL: bool, const VECTORS: bool>(
    part: Part<S>,
    a: &mut MatrixBatch,
    v: &mut MatrixBatch,
    negligible: S::f64s,
    rest: &mut Lane,
) {
    let (n, s) = (a.dimension, part.simd);
    for sweep in 0..=MOST_SWEEPS {
        let mut most = s.splat_f64s(0.0);
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                let (x, y) = (part.of(&a.re[p * n + q]), part.of(&a.im[p * n + q]));
                let square = if REAL { s.mul_f64s(x, x) } else { s.mul_add_f64s(x, x, s.mul_f64s(y, y)) };
                let active = s.greater_than_f64s(square, negligible);
                if !part.any(active) {
                    continue;
                }
                rotated = true;
                if sweep < MOST_SWEEPS {
                    rotate::<S, REAL, VECTORS>(part, a, v, (p, q), (x, y), square, active);
                } else {
                    most = s.max_f64s(most, s.select_f64s(active, square, s.splat_f64s(0.0)));
                }
            }
        }
        if !rotated || sweep == MOST_SWEEPS {
            part.put(rest, most);
            return;
        }
    }
}

/// Undoes the scaling, converts rows of `v` to columns, and returns the successful lanes. Zeros get a fixed sign, independent of the
/// rotations that other lanes needed.
#[inline(always)]
fn finish(scale: &Scale, rest: &Lane, values: &mut [Lane], v: &mut MatrixBatch) -> [bool; LANES] {
    let n = v.dimension;
    let mut success = scale.finite;
    for (done, rest) in success.iter_mut().zip(&rest.0) {
        *done &= *rest == 0.0;
    }
    for value in values.iter_mut() {
        *value = *value * scale.up[0] * scale.up[1] + Lane::zero();
        for (done, x) in success.iter_mut().zip(&value.0) {
            *done &= x.is_finite();
        }
    }
    if success.contains(&false) {
        for value in values.iter_mut() {
            for (x, done) in value.0.iter_mut().zip(&success) {
                *x = if *done { *x } else { f64::NAN };
            }
        }
    }
    for parts in [&mut v.re, &mut v.im] {
        for i in 0..n {
            parts[i * n + i] += Lane::zero();
            for j in i + 1..n {
                let (x, y) = (parts[i * n + j], parts[j * n + i]);
                parts[i * n + j] = y + Lane::zero();
                parts[j * n + i] = x + Lane::zero();
            }
        }
    }
    success
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::from_levels;
    use crate::linalg::{C64, Matrix, hermitian_eigen, hermitian_part};
    use crate::noise::Noise;
    use pulp::WithSimd;

    fn random(noise: &mut Noise, n: usize) -> Matrix {
        hermitian_part(&Matrix::from_fn(n, n, |_, _| C64::new(noise.normal(), noise.normal())))
    }

    fn batch(matrices: &[Matrix]) -> MatrixBatch {
        let mut out = MatrixBatch::zeros(matrices[0].nrows());
        for (k, m) in matrices.iter().enumerate() {
            out.set_lane(k, m);
        }
        out
    }

    struct Solved {
        success: [bool; LANES],
        values: Vec<Lane>,
        vectors: MatrixBatch,
    }

    fn solve(h: &MatrixBatch) -> Solved {
        let n = h.dimension();
        let (mut a, mut values, mut vectors) = (h.clone(), vec![Lane::zero(); n], MatrixBatch::zeros(n));
        let success = eigen(&mut a, &mut values, &mut vectors);
        let (mut a, mut alone) = (h.clone(), vec![Lane::zero(); n]);
        assert_eq!(eigenvalues(&mut a, &mut alone), success);
        let bits = |values: &[Lane]| values.iter().flat_map(|x| x.0.map(f64::to_bits)).collect::<Vec<u64>>();
        assert_eq!(bits(&alone), bits(&values));
        Solved { success, values, vectors }
    }

    impl Solved {
        fn levels(&self, l: usize) -> Vec<f64> {
            self.values.iter().map(|x| x.0[l]).collect()
        }

        fn bits(&self, l: usize) -> Vec<u64> {
            let entries = self.vectors.re.iter().chain(&self.vectors.im).chain(&self.values);
            entries.map(|x| x.0[l].to_bits()).collect()
        }
    }

    fn largest(m: &Matrix) -> f64 {
        m.iter().fold(0.0, |most, x| f64::max(most, x.re.abs().max(x.im.abs())))
    }

    /// Checks order, residual and orthonormality of a lane.
    fn check(m: &Matrix, solved: &Solved, l: usize) {
        let n = m.nrows();
        assert!(solved.success[l]);
        let (levels, v) = (solved.levels(l), solved.vectors.lane(l));
        assert!(levels.windows(2).all(|w| w[0] <= w[1]), "{levels:?}");
        let turned = Matrix::from_fn(n, n, |i, j| v[(i, j)] * levels[j]);
        assert!(largest(&(m * &v - turned)) <= 1e-13 * largest(m), "n = {n}, lane {l}");
        assert!(largest(&(v.adjoint() * &v - Matrix::identity(n, n))) <= 1e-13, "n = {n}, lane {l}");
    }

    #[test]
    fn random_matrices_have_the_levels_of_the_other_algebra() {
        for n in 1..=16 {
            let mut noise = Noise::new(1, n as u64);
            for real in [false, true] {
                let part = |m: Matrix| if real { m.map(|x| C64::new(x.re, 0.0)) } else { m };
                let ms: Vec<Matrix> = (0..LANES).map(|_| part(random(&mut noise, n))).collect();
                let solved = solve(&batch(&ms));
                let mut back = MatrixBatch::zeros(n);
                from_levels(&solved.vectors, &solved.values, &mut back);
                for (l, m) in ms.iter().enumerate() {
                    check(m, &solved, l);
                    let other = hermitian_eigen(m).unwrap().values;
                    let far = other.iter().zip(solved.levels(l)).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
                    assert!(far <= 2e-14 * m.norm(), "n = {n}: {far}");
                    assert!(largest(&(back.lane(l) - m)) <= 1e-13 * largest(m));
                }
            }
        }
    }

    #[test]
    fn diagonal_matrices_keep_the_unit_vectors() {
        for n in 1..=16 {
            let mut noise = Noise::new(2, n as u64);
            let ms: Vec<Matrix> = (0..LANES)
                .map(|l| {
                    // Lane 0 is zero, lane 1 is sorted, and every third lane has degenerate levels.
                    let levels: Vec<f64> = (0..n).map(|k| if l == 1 { k as f64 } else { noise.normal() }).collect();
                    let level = |k: usize| if l % 3 == 2 { levels[k].round() } else { levels[k] };
                    Matrix::from_fn(n, n, |i, j| C64::new(if i == j && l > 0 { level(i) } else { 0.0 }, 0.0))
                })
                .collect();
            let solved = solve(&batch(&ms));
            for (l, m) in ms.iter().enumerate() {
                let v = solved.vectors.lane(l);
                assert!(v.iter().all(|x| (x.re == 0.0 || x.re == 1.0) && x.im == 0.0));
                let mut sorted: Vec<f64> = m.diagonal().iter().map(|x| x.re).collect();
                sorted.sort_by(f64::total_cmp);
                assert_eq!(solved.levels(l), sorted);
                assert!(
                    solved.success[l] && (v.adjoint() * m * &v).diagonal().iter().zip(&sorted).all(|(x, y)| x.re == *y)
                );
                assert!(l > 1 || v == Matrix::identity(n, n));
            }
        }
    }

    #[test]
    fn degenerate_and_graded_matrices_are_solved() {
        for n in 2..=16 {
            let mut noise = Noise::new(3, n as u64);
            let mut ms = Vec::new();
            for l in 0..LANES {
                let m = random(&mut noise, n);
                let v = hermitian_eigen(&m).unwrap().vectors;
                ms.push(match l % 4 {
                    // A projector of rank 1 + l/4, built from its vectors.
                    0 => {
                        let some = v.columns(0, (1 + l / 4).min(n)).into_owned();
                        hermitian_part(&(&some * some.adjoint()))
                    }
                    // Two nearly degenerate levels.
                    1 => {
                        let level = |k: usize| if k == 1 { 1e-13 } else { (k / 2) as f64 };
                        hermitian_part(
                            &(&v * Matrix::from_fn(n, n, |i, j| C64::new(if i == j { level(i) } else { 0.0 }, 0.0))
                                * v.adjoint()),
                        )
                    }
                    // Elements over 60 decades, from one corner or the other.
                    2 => Matrix::from_fn(n, n, |i, j| m[(i, j)] * 10f64.powf(-30.0 * (i + j) as f64 / (n - 1) as f64)),
                    _ => Matrix::from_fn(n, n, |i, j| {
                        m[(i, j)] * 10f64.powf(30.0 * (i + j) as f64 / (n - 1) as f64 - 60.0)
                    }),
                });
            }
            let solved = solve(&batch(&ms));
            for (l, m) in ms.iter().enumerate() {
                check(m, &solved, l);
            }
        }
    }

    #[test]
    fn very_large_and_very_small_elements_are_solved() {
        for n in [2, 3, 5, 8, 16] {
            let mut noise = Noise::new(4, n as u64);
            let base: Vec<Matrix> = (0..LANES).map(|_| random(&mut noise, n)).collect();
            let sizes = [1.0, 1e300, 1e-300, 1e160, 1e-160, 1e30, 1e-30, 1e-290, 4e307 / n as f64, 1e100, 1e-100];
            let ms: Vec<Matrix> = base
                .iter()
                .enumerate()
                .map(|(l, m)| match sizes.get(l) {
                    Some(size) => m.map(|x| x * (*size / largest(m))),
                    // Elements from 1e-300 to 1e300 in one matrix.
                    None => hermitian_part(&Matrix::from_fn(n, n, |i, j| {
                        m[(i, j)] * 10f64.powi((i * 7 + j * 7 + l) as i32 % 601 * 43 % 601 - 300)
                    })),
                })
                .collect();
            let solved = solve(&batch(&ms));
            for (l, m) in ms.iter().enumerate() {
                check(m, &solved, l);
            }
        }
        // Subnormal numbers have few bits, so only the magnitude is checked.
        let tiny = solve(&batch(&vec![Matrix::from_element(3, 3, C64::new(1e-310, 0.0)); LANES]));
        assert!(tiny.success == [true; LANES] && (tiny.levels(5)[2] / 3e-310 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn lanes_with_what_is_no_number_fail_alone() {
        let mut noise = Noise::new(5, 0);
        for n in [1, 2, 4, 7] {
            let ms: Vec<Matrix> = (0..LANES).map(|_| random(&mut noise, n)).collect();
            let good = solve(&batch(&ms));
            let mut bad = ms.clone();
            bad[3][(0, n - 1)].re = f64::NAN;
            bad[4][(n - 1, 0)].im = f64::INFINITY;
            bad[9][(n - 1, n - 1)].re = f64::NEG_INFINITY;
            // Finite elements, but the largest level overflows.
            bad[15].fill(C64::new(1.5e308, 0.0));
            let solved = solve(&batch(&bad));
            for l in 0..LANES {
                if [3, 4, 9].contains(&l) || (l == 15 && n > 1) {
                    assert!(!solved.success[l] && solved.levels(l).iter().all(|x| x.is_nan()));
                } else if l != 15 {
                    assert!(solved.success[l]);
                    assert_eq!(solved.bits(l), good.bits(l));
                }
            }
        }
    }

    /// The same matrix among others, among zeros, in other lanes, and repeated: the bits are the same.
    #[test]
    fn a_lane_does_not_depend_on_the_others() {
        for n in 1..=16 {
            let mut noise = Noise::new(6, n as u64);
            let full = random(&mut noise, n);
            // Also with some zeros, so that the signs of zeros are tested.
            let sparse = full.map(|x| if x.re > 0.3 || x.re < -0.6 { C64::new(0.0, 0.0) } else { C64::new(x.re, 0.0) });
            for m in [full, hermitian_part(&sparse)] {
                let alone = solve(&batch(std::slice::from_ref(&m))).bits(0);
                for l in 0..LANES {
                    let mut ms: Vec<Matrix> = (0..LANES).map(|_| random(&mut noise, n).map(|x| x * 1e-200)).collect();
                    ms[l] = m.clone();
                    let batch = batch(&ms);
                    let among = solve(&batch);
                    assert_eq!(alone, among.bits(l), "n = {n}, lane {l}");
                    assert_eq!(among.bits(5), solve(&batch).bits(5));
                }
            }
        }
    }

    /// Scalar and widest SIMD instructions give the same bits.
    #[test]
    fn results_do_not_depend_on_the_width_of_vectors() {
        for n in [1, 2, 3, 4, 6, 9] {
            let mut noise = Noise::new(7, n as u64);
            let h = batch(&(0..LANES).map(|_| random(&mut noise, n)).collect::<Vec<_>>());
            let widest = solve(&h);
            let (mut a, mut values, mut vectors) = (h.clone(), vec![Lane::zero(); n], MatrixBatch::zeros(n));
            let all = Solve::<true> { a: &mut a, values: &mut values, vectors: &mut vectors };
            let success = all.with_simd(pulp::Scalar);
            let single = Solved { success, values, vectors };
            for l in 0..LANES {
                assert!(single.success[l]);
                assert_eq!(widest.bits(l), single.bits(l));
            }
        }
    }

    /// Not a test: prints the time per matrix, here and with the algebra of single matrices.
    #[test]
    #[ignore = "prints times"]
    fn times() {
        for real in [false, true] {
            for n in [2, 3, 4, 8, 16] {
                let mut noise = Noise::new(8, n as u64);
                let part = |m: Matrix| if real { m.map(|x| C64::new(x.re, 0.0)) } else { m };
                let ms: Vec<Matrix> = (0..16 * LANES).map(|_| part(random(&mut noise, n))).collect();
                let batches: Vec<MatrixBatch> = ms.chunks(LANES).map(batch).collect();
                let (mut a, mut values, mut vectors) =
                    (MatrixBatch::zeros(n), vec![Lane::zero(); n], MatrixBatch::zeros(n));
                let (mut lanes, mut single) = (f64::INFINITY, f64::INFINITY);
                for _ in 0..20 {
                    let start = std::time::Instant::now();
                    for h in &batches {
                        a.copy_from(h);
                        std::hint::black_box(eigen(&mut a, &mut values, &mut vectors));
                    }
                    lanes = lanes.min(start.elapsed().as_secs_f64());
                    let start = std::time::Instant::now();
                    for m in &ms {
                        std::hint::black_box(hermitian_eigen(m).unwrap());
                    }
                    single = single.min(start.elapsed().as_secs_f64());
                }
                let each = 1e6 / ms.len() as f64;
                let kind = if real { "real" } else { "complex" };
                println!("n = {n:2} {kind:8}{:8.3} us a matrix, one by one {:8.3} us", lanes * each, single * each);
            }
        }
    }
}
