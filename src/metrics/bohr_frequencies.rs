//! Bohr-frequency expansion of a density matrix under a constant Hamiltonian: a whole recorded curve at once.
//!
//! The matrix elements are sums of a few harmonics, one for each level difference:
//! `rho(t) = R_0 + sum_w (C_w cos(w t) + S_w sin(w t))` with Hermitian matrices and w > 0. Expectation values are then sums of harmonics
//! too, and the eigenvalues are constant. A curve of two hundred points of a spin pair costs as much as four states, and its value at an
//! additional time, needed in the search for a maximum, costs a few multiplications.

#![expect(clippy::indexing_slicing, reason = "indices are within the dimension of the state and its eigenvectors")]

use super::curve::{Curve, Wave};
use crate::linalg::{C64, Eigen, I, Matrix, conjugate, conjugate_back, real, trace_of_product};
use std::rc::Rc;

/// Maximum number of harmonics; with more, the expansion is no cheaper than propagating the states.
const MOST: usize = 24;

/// Two level differences count as equal if they differ by less than this fraction of the largest one.
const SAME: f64 = 1e-13;

/// Bohr-frequency expansion of the trajectory of a state.
pub struct BohrExpansion {
    /// The constant part, without the identity.
    still: Matrix,
    /// Coefficient of the identity.
    mean: f64,
    /// Cosine and sine matrices of each frequency.
    bohr_frequencies: Vec<(Matrix, Matrix)>,
    frequencies: Rc<[f64]>,
}

impl BohrExpansion {
    /// Expansion of a state given at t = 0; `None` if it has too many harmonics.
    pub fn new(levels: &Eigen, rho: &Matrix) -> Option<BohrExpansion> {
        let n = rho.nrows();
        let mean = rho.trace().re / n as f64;
        let mut deviation = rho.clone();
        crate::linalg::add_to_diagonal(&mut deviation, real(-mean));
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
        // `rho_ab` evolves with exp(-i (e_a - e_b) t); the part with e_a > e_b is the adjoint of the other. Each element is assigned to
        // the first frequency that matches its own, or to `still`.
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
        let bohr_frequencies = (0..frequencies.len())
            .map(|k| {
                let r = conjugate(&levels.vectors, &part(Some(k)));
                let adjoint = r.adjoint();
                (&r + &adjoint, (&r - &adjoint).map(|x| x * -I))
            })
            .collect();
        let still = conjugate(&levels.vectors, &part(None));
        Some(BohrExpansion { still, mean, bohr_frequencies, frequencies: frequencies.into() })
    }

    fn wave(&self, still: f64, of: impl Fn(&Matrix) -> f64) -> Wave {
        Wave { still, parts: self.bohr_frequencies.iter().map(|(c, s)| (of(c), of(s))).collect() }
    }

    fn curve(&self, plain: Wave) -> Curve {
        Curve::new(&plain, &[], self.frequencies.clone())
    }

    /// A constant curve.
    pub fn constant(&self, still: f64) -> Curve {
        self.curve(self.wave(still, |_| 0.0))
    }

    /// `Tr[rho A]` as a curve.
    pub fn mean_of(&self, a: &Matrix) -> Curve {
        let of = |m: &Matrix| trace_of_product(m, a).re;
        self.curve(self.wave(of(&self.still) + self.mean * a.trace().re, of))
    }

    /// `Tr[dr A]` of the deviation dr of rho from the maximally mixed state; equals `Tr[rho A]` for a traceless A.
    pub fn deviation_of(&self, a: &Matrix) -> Curve {
        let of = |m: &Matrix| trace_of_product(m, a).re;
        self.curve(self.wave(of(&self.still), of))
    }

    /// `Tr[rho A] - Tr[before A]` for a state `before` of the same trace; the states are subtracted first to avoid cancellation.
    pub fn change_of(&self, a: &Matrix, before: &Matrix) -> Curve {
        let mut difference = &self.still - before;
        crate::linalg::add_to_diagonal(&mut difference, real(self.mean));
        let of = |m: &Matrix| trace_of_product(m, a).re;
        self.curve(self.wave(of(&difference), of))
    }

    /// `d/dt Tr[rho A]`.
    pub fn rate_of(&self, a: &Matrix) -> Curve {
        let mut wave = self.wave(0.0, |m| trace_of_product(m, a).re);
        for ((c, s), w) in wave.parts.iter_mut().zip(self.frequencies.iter()) {
            (*c, *s) = (w * *s, -w * *c);
        }
        self.curve(wave)
    }

    /// Sum of the magnitudes of all off-diagonal elements.
    pub fn l1(&self) -> Curve {
        let n = self.still.nrows();
        let mut lengths = Vec::with_capacity(n * (n - 1) / 2);
        for j in 0..n {
            for i in 0..j {
                let mut re = self.wave(self.still[(i, j)].re, |m| m[(i, j)].re);
                let mut im = self.wave(self.still[(i, j)].im, |m| m[(i, j)].im);
                // Each element counts twice: above and below the diagonal.
                re.scaled(2.0);
                im.scaled(2.0);
                if re.is_zero() {
                    std::mem::swap(&mut re, &mut im);
                }
                if !re.is_zero() {
                    lengths.push((re, im));
                }
            }
        }
        Curve::new(&self.wave(0.0, |_| 0.0), &lengths, self.frequencies.clone())
    }

    /// The state at t = 0.
    pub fn begin(&self) -> Matrix {
        let mut out = self.bohr_frequencies.iter().fold(self.still.clone(), |sum, (c, _)| sum + c);
        crate::linalg::add_to_diagonal(&mut out, real(self.mean));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state};
    use super::*;
    use crate::linalg::hermitian_eigen;

    /// Every curve agrees with values computed from the states one by one.
    #[test]
    fn curves_are_those_of_the_states() {
        for seed in 0..8 {
            let (h, rho, a) = (hamiltonian(4, seed), state(4, seed + 1), hamiltonian(4, seed + 2));
            let levels = hermitian_eigen(&h).unwrap();
            let times: Vec<f64> = (0..30).map(|k| 0.37 * f64::from(k)).collect();
            let bohr_frequencies = BohrExpansion::new(&levels, &rho).unwrap();
            let before = state(4, seed + 3);
            let curves = [
                bohr_frequencies.mean_of(&a),
                bohr_frequencies.change_of(&a, &before),
                bohr_frequencies.rate_of(&a),
                bohr_frequencies.l1(),
            ];
            let sampled: Vec<Vec<f64>> = curves.iter().map(|c| c.values(&times)).collect();
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
                for ((curve, sampled), wanted) in curves.iter().zip(&sampled).zip(wanted) {
                    assert!((sampled[k] - wanted).abs() < 1e-11, "{} for {wanted}", sampled[k]);
                    assert!((curve.at(*t) - wanted).abs() < 1e-11, "{} for {wanted}", curve.at(*t));
                    let ((value, [before, after]), (steepest, fall)) = (curve.with_slopes(*t), curve.bounds());
                    let rate = (curve.at(t + 1e-6) - curve.at(t - 1e-6)) / 2e-6;
                    assert!((value - wanted).abs() < 1e-11 && before == after);
                    assert!((before - rate).abs() < 1e-7 && rate.abs() <= steepest + 1e-7, "{before} for {rate}");
                    let second = (curve.at(t + 1e-3) - 2.0 * value + curve.at(t - 1e-3)) / 1e-6;
                    assert!(second >= -fall - 1e-4, "{second} below {fall}");
                }
            }
        }
    }

    #[test]
    fn many_harmonics_are_left_to_states() {
        let levels = hermitian_eigen(&hamiltonian(9, 1)).unwrap();
        assert!(BohrExpansion::new(&levels, &state(9, 2)).is_none());
    }
}
