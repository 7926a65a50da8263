//! A density matrix under a constant Hamiltonian, along the whole of a recorded curve at once.
//!
//! Its elements are sums of a few harmonics, one a difference of levels:
//! `rho(t) = R_0 + sum_w (C_w cos(w t) + S_w sin(w t))` with Hermitian matrices and positive w. What is linear in the state is a sum of
//! harmonics too, and eigenvalues stay what they are. A curve of two hundred points of a pair of spins so costs what four states cost.

use crate::linalg::{C64, Eigen, I, Matrix, conjugate, conjugate_back, real, trace_of_product};
use std::cell::RefCell;
use std::rc::Rc;

/// More harmonics than this cost as much as the states themselves.
const MOST: usize = 24;

/// Differences of levels that are closer than this share of the largest are one.
const SAME: f64 = 1e-13;

/// Cosines and sines of every harmonic at every time.
type Table = Vec<(Vec<f64>, Vec<f64>)>;

/// What a table was made for: the frequencies, and the first times and the number of them.
type Key = (Vec<u64>, Vec<u64>);

thread_local! {
    /// The last table: at every point of a sweep it is often the same.
    static LAST: RefCell<(Key, Rc<Table>)> = RefCell::default();
}

fn table(frequencies: &[f64], times: &[f64]) -> Rc<Table> {
    // A few times are those of a search, which asks for others each time.
    const FEW: usize = 8;
    let of = |w: &f64| times.iter().map(|t| (w * t).sin_cos()).map(|(s, c)| (c, s)).unzip();
    if times.len() < FEW {
        return Rc::new(frequencies.iter().map(of).collect());
    }
    let key = (frequencies.iter().map(|w| w.to_bits()).collect(), times.iter().map(|t| t.to_bits()).collect());
    let known = LAST.with_borrow(|(last, table)| (*last == key).then(|| table.clone()));
    known.unwrap_or_else(|| {
        let made: Rc<Table> = Rc::new(frequencies.iter().map(of).collect());
        LAST.set((key, made.clone()));
        made
    })
}

/// A state as a sum of harmonics.
struct Harmonics {
    /// Without the identity.
    still: Matrix,
    /// The factor of the identity.
    mean: f64,
    turning: Vec<(f64, Matrix, Matrix)>,
}

/// The course of a state at some times.
pub struct Turning {
    of: Rc<Harmonics>,
    table: Rc<Table>,
    points: usize,
}

impl Turning {
    /// The course of a state from the first of some times, 0, on; `None` when it has too many harmonics.
    pub fn new(levels: &Eigen, rho: &Matrix, times: &[f64]) -> Option<Turning> {
        let n = rho.nrows();
        let mean = rho.trace().re / n as f64;
        let mut deviation = rho.clone();
        (0..n).for_each(|k| deviation[(k, k)] -= real(mean));
        let inside = conjugate_back(&levels.vectors, &deviation);
        let tolerance = SAME * levels.spread();
        let mut frequencies: Vec<f64> = Vec::new();
        for b in 0..n {
            for a in 0..b {
                let w = levels.values[b] - levels.values[a];
                if w > tolerance && !frequencies.iter().any(|f| (f - w).abs() <= tolerance) {
                    frequencies.push(w);
                }
            }
        }
        if frequencies.len() > MOST {
            return None;
        }
        // rho_ab turns with exp(-i (e_a - e_b) t); the part with e_a > e_b is the adjoint of the other. Each element has one place: the
        // first frequency that is its own, or `still`.
        let place = |w: f64| frequencies.iter().position(|f| (f - w).abs() <= tolerance);
        let part = |wanted: Option<usize>| {
            Matrix::from_fn(n, n, |a, b| {
                let w = levels.values[a] - levels.values[b];
                let mine = match wanted {
                    None => w.abs() <= tolerance,
                    wanted => w > tolerance && place(w) == wanted,
                };
                if mine { inside[(a, b)] } else { C64::default() }
            })
        };
        let harmonics = frequencies
            .iter()
            .enumerate()
            .map(|(k, &w)| {
                let r = conjugate(&levels.vectors, &part(Some(k)));
                let adjoint = r.adjoint();
                (w, &r + &adjoint, (&r - &adjoint).map(|x| x * -I))
            })
            .collect();
        let still = conjugate(&levels.vectors, &part(None));
        let of = Rc::new(Harmonics { still, mean, turning: harmonics });
        Some(Turning { of, table: table(&frequencies, times), points: times.len() })
    }

    /// The same course at other times.
    pub fn at(&self, times: &[f64]) -> Turning {
        let frequencies: Vec<f64> = self.of.turning.iter().map(|(w, ..)| *w).collect();
        Turning { of: self.of.clone(), table: table(&frequencies, times), points: times.len() }
    }

    fn sum(&self, still: f64, of: impl Fn(&Matrix, &Matrix) -> (f64, f64)) -> Vec<f64> {
        let mut out = vec![still; self.points];
        for ((_, c, s), (cos, sin)) in self.of.turning.iter().zip(self.table.iter()) {
            let (c, s) = of(c, s);
            out.iter_mut().zip(cos.iter().zip(sin)).for_each(|(x, (cos, sin))| *x += c * cos + s * sin);
        }
        out
    }

    /// `Tr[rho A]`.
    pub fn mean_of(&self, a: &Matrix) -> Vec<f64> {
        let identity = self.of.mean * a.trace().re;
        self.sum(trace_of_product(&self.of.still, a).re + identity, |c, s| {
            (trace_of_product(c, a).re, trace_of_product(s, a).re)
        })
    }

    /// `Tr[rho A]` less that of another state of the same trace: the difference is taken first.
    pub fn change_of(&self, a: &Matrix, before: &Matrix) -> Vec<f64> {
        let mut deviation = before.clone();
        (0..before.nrows()).for_each(|k| deviation[(k, k)] -= real(self.of.mean));
        let still = trace_of_product(&(&self.of.still - deviation), a).re;
        self.sum(still, |c, s| (trace_of_product(c, a).re, trace_of_product(s, a).re))
    }

    /// `d/dt Tr[rho A]`.
    pub fn rate_of(&self, a: &Matrix) -> Vec<f64> {
        let mut out = vec![0.0; self.points];
        for ((w, c, s), (cos, sin)) in self.of.turning.iter().zip(self.table.iter()) {
            let (c, s) = (w * trace_of_product(c, a).re, w * trace_of_product(s, a).re);
            out.iter_mut().zip(cos.iter().zip(sin)).for_each(|(x, (cos, sin))| *x += s * cos - c * sin);
        }
        out
    }

    /// The sum of the magnitudes of all elements beside the diagonal.
    pub fn l1(&self) -> Vec<f64> {
        let n = self.of.still.nrows();
        let mut out = vec![0.0; self.points];
        if self.points == 1 {
            let state =
                self.of.turning.iter().zip(self.table.iter()).fold(self.of.still.clone(), |sum, ((_, c, s), t)| {
                    sum.zip_zip_map(c, s, |x, c, s| x + c * t.0[0] + s * t.1[0])
                });
            let above = (0..n).flat_map(|j| (0..j).map(move |i| (i, j)));
            out[0] = above.map(|at| 2.0 * state[at].norm()).sum();
            return out;
        }
        for j in 0..n {
            for i in 0..j {
                let part =
                    |of: fn(C64) -> f64| self.sum(of(self.of.still[(i, j)]), |c, s| (of(c[(i, j)]), of(s[(i, j)])));
                let (re, im) = (part(|x| x.re), part(|x| x.im));
                out.iter_mut().zip(re.iter().zip(&im)).for_each(|(x, (re, im))| *x += 2.0 * (re * re + im * im).sqrt());
            }
        }
        out
    }

    /// The state at the first time.
    pub fn begin(&self) -> Matrix {
        let mut out = self.of.turning.iter().fold(self.of.still.clone(), |sum, (_, c, _)| sum + c);
        (0..out.nrows()).for_each(|k| out[(k, k)] += real(self.of.mean));
        out
    }

    /// How many times there are.
    pub fn points(&self) -> usize {
        self.points
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state};
    use super::*;
    use crate::linalg::hermitian_eigen;

    /// Every curve is that of the states, one by one.
    #[test]
    fn curves_are_those_of_the_states() {
        for seed in 0..8 {
            let (h, rho, a) = (hamiltonian(4, seed), state(4, seed + 1), hamiltonian(4, seed + 2));
            let levels = hermitian_eigen(&h).unwrap();
            let times: Vec<f64> = (0..30).map(|k| 0.37 * f64::from(k)).collect();
            let turning = Turning::new(&levels, &rho, &times).unwrap();
            let before = state(4, seed + 3);
            let curves = [turning.mean_of(&a), turning.change_of(&a, &before), turning.rate_of(&a), turning.l1()];
            for (k, t) in times.iter().enumerate() {
                let now = conjugate(&levels.propagator(*t), &rho);
                let rate = crate::linalg::commutator(&h, &now).map(|x| x * -I);
                let mean = trace_of_product(&now, &a).re;
                let wanted = [
                    mean,
                    mean - trace_of_product(&before, &a).re,
                    trace_of_product(&rate, &a).re,
                    super::super::l1_coherence(&now),
                ];
                for (curve, wanted) in curves.iter().zip(wanted) {
                    assert!((curve[k] - wanted).abs() < 1e-11, "{} for {wanted}", curve[k]);
                }
            }
        }
    }

    #[test]
    fn many_harmonics_are_left_to_states() {
        let levels = hermitian_eigen(&hamiltonian(9, 1)).unwrap();
        assert!(Turning::new(&levels, &state(9, 2), &[0.0, 1.0]).is_none());
    }
}
