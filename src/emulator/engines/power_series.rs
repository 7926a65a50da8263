//! The power series in time of the solution of `dy/ds = -i f (K + c(s) D) y`, with a real K, a diagonal D and a polynomial `c(s)`.
//!
//! `y_(k+1) = -i f / (k + 1) (K y_k + D sum_j c_j y_(k-j))`. The columns of y do not act on each other: they are taken in panels whose terms
//! stay in the cache, and whose products with the few elements of K that do not vanish run over the columns in SIMD lanes. The dipolar
//! Hamiltonian of n spins has at most `n (n - 1) / 2 + 1` elements in a row.

#![expect(
    clippy::indexing_slicing,
    reason = "rows and columns of K are within the length of a panel, and places of the ring of terms are taken modulo its length"
)]

use super::StepError;
use super::panel::Row;
use crate::linalg::{C64, Matrix, product_with_adjoint};
use rayon::prelude::*;

/// Degree of the polynomial of the field.
pub const DEGREE: usize = 4;

/// Maximum phase advance of a series in one direction, rad: rounding grows exponentially with it.
pub const TURN: f64 = 8.0;

/// Upper bound of the number of terms.
pub const MOST_TERMS: usize = 200;

/// Terms below this are negligible beside columns of length one.
pub const SMALL: f64 = 1e-17;

/// From this dimension on the panels of a block are computed by several threads.
const SHARED: usize = 64;

/// A real square matrix without its vanishing elements, row by row.
pub struct Rows {
    /// Where each row ends.
    ends: Vec<usize>,
    /// Columns and values.
    elements: Vec<(u32, f64)>,
}

impl Rows {
    /// From all elements of an n x n matrix.
    pub fn of(n: usize, at: impl Fn(usize, usize) -> f64) -> Rows {
        let (mut ends, mut elements) = (Vec::with_capacity(n), Vec::new());
        for i in 0..n {
            let row = (0..n).map(|j| (j as u32, at(i, j)));
            elements.extend(row.filter(|(_, x)| *x != 0.0));
            ends.push(elements.len());
        }
        Rows { ends, elements }
    }

    /// The largest sum of the magnitudes of a row: an upper bound of the spectral norm of a symmetric matrix.
    pub fn norm(&self) -> f64 {
        (0..self.ends.len()).map(|i| self.row(i).iter().map(|(_, x)| x.abs()).sum()).fold(0.0, f64::max)
    }

    #[inline(always)]
    fn row(&self, i: usize) -> &[(u32, f64)] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.elements[start..self.ends[i]]
    }
}

/// A time-dependent Hamiltonian `f (K + c(s) D)`.
pub struct Ramp<'a> {
    /// K.
    pub constant: &'a Rows,
    /// The diagonal of D.
    pub field: &'a [f64],
    /// f.
    pub factor: f64,
    /// Coefficients of `c(s)`, in ascending powers of s.
    pub polynomial: &'a [f64; DEGREE + 1],
}

/// Sums of the terms with even and with odd powers: `y(1)` is their sum, `y(-1)` their difference.
pub struct Sums<const P: usize> {
    /// Even powers.
    pub even: Vec<Row<P>>,
    /// Odd powers.
    pub odd: Vec<Row<P>>,
}

/// The propagator of a step on n states from the series of its columns, which start in the middle of the step: with `V(+)` and `V(-)` to its end
/// and to its start, `U = V(+) V(-)^dagger`. `panel` gives the columns from this one on, as many as a panel has.
///
/// # Errors
/// Those of `panel`.
pub fn propagator_from_middle<const P: usize>(
    n: usize,
    panel: impl Fn(usize) -> Result<Sums<P>, StepError> + Sync,
) -> Result<Matrix, StepError> {
    let firsts: Vec<usize> = (0..n).step_by(P).collect();
    let panels: Vec<Sums<P>> = if n < SHARED {
        firsts.into_iter().map(panel).collect::<Result<_, _>>()?
    } else {
        firsts.into_par_iter().map(&panel).collect::<Result<_, _>>()?
    };
    let half = |sign: f64| {
        let element = |i: usize, j: usize| {
            let (Sums { even, odd }, l) = (&panels[j / P], j % P);
            C64::new(even[i].re[l] + sign * odd[i].re[l], even[i].im[l] + sign * odd[i].im[l])
        };
        Matrix::from_fn(n, n, element)
    };
    Ok(product_with_adjoint(&half(1.0), &half(-1.0)))
}

/// The columns of the identity in a panel that begins with column `first`.
pub fn columns_of_identity<const P: usize>(n: usize, first: usize) -> Vec<Row<P>> {
    let mut start = vec![Row::<P>::ZERO; n];
    (first..n.min(first + P)).for_each(|column| start[column].re[column - first] = 1.0);
    start
}

impl Ramp<'_> {
    /// The series of the solution with `y(0) = start`, whose columns are at most of length one.
    ///
    /// # Errors
    /// If it does not converge.
    pub fn solution<const P: usize>(&self, start: Vec<Row<P>>) -> Result<Sums<P>, StepError> {
        pulp::Arch::new()
            .dispatch(Summation { ramp: self, start })
            .ok_or_else(|| StepError::Tolerance("the series of a step does not converge".into()))
    }
}

/// The summation of a series. Compiled for every SIMD width; the widest available at run time is used.
struct Summation<'a, const P: usize> {
    ramp: &'a Ramp<'a>,
    start: Vec<Row<P>>,
}

impl<const P: usize> pulp::NullaryFnOnce for Summation<'_, P> {
    type Output = Option<Sums<P>>;

    #[inline(always)]
    fn call(self) -> Option<Sums<P>> {
        let Ramp { constant, field, factor, polynomial } = *self.ramp;
        let n = self.start.len();
        // Number of earlier terms that the recurrence needs: that many in a row must be negligible.
        let depth = polynomial.iter().rposition(|c| *c != 0.0).unwrap_or(0) + 1;
        let mut even = self.start.clone();
        let mut odd = vec![Row::ZERO; n];
        let mut ring: Vec<Vec<Row<P>>> = (0..=depth).map(|_| vec![Row::ZERO; n]).collect();
        ring[0] = self.start;
        let mut negligible = 0;
        for k in 0..MOST_TERMS {
            let place = (k + 1) % (depth + 1);
            let mut next = std::mem::take(&mut ring[place]);
            let now = &ring[k % (depth + 1)][..n];
            let f = factor / (k + 1) as f64;
            let sum = if k % 2 == 0 { &mut odd } else { &mut even };
            let mut largest = Row::<P>::ZERO;
            for i in 0..n {
                let mut x = Row::ZERO;
                for (column, value) in constant.row(i) {
                    x = x.plus(*value, &now[*column as usize]);
                }
                for (j, c) in polynomial[..depth].iter().enumerate().take(k + 1) {
                    x = x.plus(c * field[i], &ring[(k + depth + 1 - j) % (depth + 1)][i]);
                }
                // With x = a + i b, `-i f x = f b - i f a`.
                let (into, total) = (&mut next[i], &mut sum[i]);
                for l in 0..P {
                    (into.re[l], into.im[l]) = (f * x.im[l], -f * x.re[l]);
                    total.re[l] += into.re[l];
                    total.im[l] += into.im[l];
                    largest.re[l] = largest.re[l].max(into.re[l].abs());
                    largest.im[l] = largest.im[l].max(into.im[l].abs());
                }
            }
            ring[place] = next;
            negligible = if largest.re.iter().chain(&largest.im).all(|x| *x < SMALL) { negligible + 1 } else { 0 };
            if negligible == depth {
                return Some(Sums { even, odd });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{hermitian_eigen, real};

    /// Under a constant field both directions agree with the exponential of the matrix, to the rounding of terms of about 100.
    #[test]
    fn both_directions_are_those_of_the_exponential() {
        let at = |i: usize, j: usize| if (i * j) % 3 == 1 { 0.0 } else { ((i + j) as f64).sin() };
        let field = [0.5, -0.5, 1.5, 0.3, -1.0];
        let rows = Rows::of(5, at);
        let h = Matrix::from_fn(5, 5, |i, j| real(at(i, j) + if i == j { 0.7 * field[i] } else { 0.0 }));
        let eigen = hermitian_eigen(&h).expect("eigenvalues");
        let ramp = Ramp { constant: &rows, field: &field, factor: 1.9, polynomial: &[0.7, 0.0, 0.0, 0.0, 0.0] };
        let mut start = vec![Row::<1>::ZERO; 5];
        start[2].re[0] = 1.0;
        let sums = ramp.solution(start).expect("convergence");
        for (sign, t) in [(1.0, 1.9), (-1.0, -1.9)] {
            let u = eigen.propagator(t);
            for i in 0..5 {
                let (even, odd) = (sums.even[i], sums.odd[i]);
                let found = C64::new(even.re[0] + sign * odd.re[0], even.im[0] + sign * odd.im[0]);
                assert!((found - u[(i, 2)]).norm() < 1e-13, "{found} {}", u[(i, 2)]);
            }
        }
    }

    /// One state in a field `c(s) = 0.4 - 3 s^2 + 5 s^4` has the phase `-f integral (k + c)`.
    #[test]
    fn a_changing_field_turns_a_phase() {
        let rows = Rows::of(1, |_, _| 0.2);
        let ramp = Ramp { constant: &rows, field: &[1.0], factor: 1.3, polynomial: &[0.4, 0.0, -3.0, 0.0, 5.0] };
        let sums = ramp.solution(vec![Row::<1> { re: [1.0], im: [0.0] }]).expect("convergence");
        let wanted = C64::cis(-1.3 * (0.2 + 0.4 - 1.0 + 1.0));
        assert!((sums.even[0].re[0] + sums.odd[0].re[0] - wanted.re).abs() < 1e-14);
        assert!((sums.even[0].im[0] + sums.odd[0].im[0] - wanted.im).abs() < 1e-14);
        // Backwards the phase is opposite.
        assert!((sums.even[0].im[0] - sums.odd[0].im[0] + wanted.im).abs() < 1e-14);
    }
}
