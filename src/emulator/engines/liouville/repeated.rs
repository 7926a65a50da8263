//! The signal of a step that is repeated: `f P^k v` for many k.

use crate::linalg::{C64, Matrix, Vector, ZERO, power};

/// Largest number of elements of the rows that are held.
const HELD: usize = 1 << 20;

/// Number B of rows `f P^j` that are computed for a signal of some points: near the root, where rows and vectors cost the same.
fn rows_of(points: usize, dimension: usize) -> usize {
    let root = (points as f64).sqrt().ceil() as usize;
    root.min(HELD / dimension.max(1)).max(1)
}

/// Multiplications in [`signal`] by matrix-matrix products, and all others.
pub(super) fn multiplications(points: usize, dimension: usize) -> (f64, f64) {
    let (m, rows) = (dimension as f64, rows_of(points, dimension));
    let products = 2.0 * f64::from(rows.ilog2()) * m.powi(3);
    let vectors = (rows + points / rows + points % rows) as f64 * m * m;
    (products, vectors + points as f64 * m)
}

/// `f P^k v` for `k = 0 .. points-1`, and `P^points v`: with `k = q B + j` scalar products of the rows `f P^j` and the vectors `(P^B)^q v`,
/// which takes about `2 sqrt(points) m^2 + points m` multiplications instead of `points m^2`. The conjugate of `g P^k v` is added for a
/// row g that does not vanish.
pub(super) fn signal(step: &Matrix, v: &[C64], [f, g]: [Vec<C64>; 2], points: usize) -> (Vec<C64>, Vec<C64>) {
    let count = rows_of(points, v.len());
    let plain = Rows::of(step, f, count);
    let conjugated = g.iter().any(|x| *x != ZERO).then(|| Rows::of(step, g, count));
    let giant = power(step, count as u64);
    let mut now = Vector::from_column_slice(v);
    let mut out = vec![ZERO; points];
    let mut sums = Sums { re: vec![0.0; count], im: vec![0.0; count] };
    for here in out.chunks_mut(count) {
        sums.by(&plain, &now);
        here.iter_mut().zip(sums.re.iter().zip(&sums.im)).for_each(|(out, (re, im))| *out = C64::new(*re, *im));
        if let Some(rows) = &conjugated {
            sums.by(rows, &now);
            here.iter_mut().zip(sums.re.iter().zip(&sums.im)).for_each(|(out, (re, im))| *out += C64::new(*re, -im));
        }
        if here.len() == count {
            now = &giant * now;
        } else {
            (0..here.len()).for_each(|_| now = step * &now);
        }
    }
    (out, now.as_slice().to_vec())
}

/// Row vectors `f P^j`, `j = 0 .. B-1`: the element e of all of them, real and imaginary parts apart, for each e.
struct Rows {
    re: Vec<f64>,
    im: Vec<f64>,
}

impl Rows {
    fn of(step: &Matrix, f: Vec<C64>, count: usize) -> Rows {
        let mut rows = Rows { re: vec![0.0; f.len() * count], im: vec![0.0; f.len() * count] };
        let mut row = Vector::from_vec(f);
        for j in 0..count {
            let places = rows.re.iter_mut().zip(&mut rows.im).skip(j).step_by(count);
            places.zip(row.iter()).for_each(|((re, im), x)| (*re, *im) = (x.re, x.im));
            row = step.tr_mul(&row);
        }
        rows
    }
}

/// Scalar products of all rows and one vector.
struct Sums {
    re: Vec<f64>,
    im: Vec<f64>,
}

impl Sums {
    fn by(&mut self, rows: &Rows, v: &Vector) {
        let count = self.re.len();
        self.re.fill(0.0);
        self.im.fill(0.0);
        for ((re, im), x) in rows.re.chunks_exact(count).zip(rows.im.chunks_exact(count)).zip(v.iter()) {
            let sums = self.re.iter_mut().zip(&mut self.im);
            sums.zip(re.iter().zip(im)).for_each(|((sum_re, sum_im), (re, im))| {
                *sum_re += re * x.re - im * x.im;
                *sum_im += re * x.im + im * x.re;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::real;
    use crate::spin::{Basis, LocalKind, Operator, Site};

    /// Points of a damped rotation, one by one, for numbers of points around squares.
    #[test]
    fn points_are_those_of_single_steps() {
        let basis = Basis::new(vec![Site::spin("a", 4, None)]);
        let of = |kind: LocalKind| Operator::of(&basis, kind, 0).unwrap().matrix();
        let step = crate::linalg::exponential(
            &((of(LocalKind::Ix) + of(LocalKind::Iz)) * C64::new(0.0, -0.3) - of(LocalKind::Ip) * real(0.02)),
        );
        let v: Vec<C64> = (0..5).map(|k| C64::new(1.0 + k as f64, 0.5)).collect();
        let f: Vec<C64> = (0..5).map(|k| C64::new(0.1, 0.2 * k as f64)).collect();
        let g: Vec<C64> = (0..5).map(|k| C64::new(k as f64, -1.0)).collect();
        for points in [1, 2, 3, 24, 25, 26, 120] {
            let (signal, end) = signal(&step, &v, [f.clone(), g.clone()], points);
            let mut now = Vector::from_column_slice(&v);
            for x in &signal {
                let of = |row: &[C64]| row.iter().zip(now.iter()).map(|(a, b)| a * b).sum::<C64>();
                // Products in another order: rounding of sums of size 30.
                assert!((x - of(&f) - of(&g).conj()).norm() < 1e-12, "{points} points");
                now = &step * now;
            }
            assert_eq!(signal.len(), points);
            assert!((Vector::from_vec(end) - now).norm() < 1e-12, "the end of {points} points");
        }
    }
}
