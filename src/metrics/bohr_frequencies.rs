//! Bohr-frequency expansion of a density matrix under a constant Hamiltonian: a whole recorded curve at once.
//!
//! The matrix elements are sums of a few harmonics, one for each level difference:
//! `rho(t) = R_0 + sum_w (C_w cos(w t) + S_w sin(w t))` with Hermitian matrices and w > 0. Expectation values are then sums of harmonics
//! too, and the eigenvalues are constant. A curve of two hundred points of a spin pair costs as much as four states, and its value at an
//! additional time, needed in the search for a maximum, costs a few multiplications.

#![expect(clippy::indexing_slicing, reason = "indices are within the dimension of the state and its eigenvectors")]

use crate::linalg::{C64, Eigen, I, Matrix, conjugate, conjugate_back, real, trace_of_product};
use std::cell::RefCell;
use std::rc::Rc;

/// Maximum number of harmonics; with more, the expansion is no cheaper than propagating the states.
const MOST: usize = 24;

/// Two level differences count as equal if they differ by less than this fraction of the largest one.
const SAME: f64 = 1e-13;

/// Cosines and sines of some frequencies on a time grid.
#[derive(Debug, Default)]
pub struct Table {
    frequencies: Vec<f64>,
    times: Vec<f64>,
    /// For every frequency: the cosines at all times, then the sines.
    values: Vec<f64>,
}

thread_local! {
    /// Cache of the most recent tables: successive points of a sweep often need the same ones.
    static LAST: RefCell<Vec<Rc<Table>>> = RefCell::default();
}

impl Table {
    fn of(frequencies: &[f64], times: &[f64]) -> Rc<Table> {
        // Two grids per curve (the recorded one and the one used to locate extrema), for two curves.
        const KEPT: usize = 4;
        let known = LAST
            .with_borrow(|last| last.iter().find(|t| t.frequencies == frequencies && t.times == times).map(Rc::clone));
        known.unwrap_or_else(|| {
            let mut values = Vec::with_capacity(2 * frequencies.len() * times.len());
            for w in frequencies {
                values.extend(times.iter().map(|t| (w * t).cos()));
                values.extend(times.iter().map(|t| (w * t).sin()));
            }
            let made = Rc::new(Table { frequencies: frequencies.to_vec(), times: times.to_vec(), values });
            LAST.with_borrow_mut(|last| {
                if last.len() == KEPT {
                    last.remove(0);
                }
                last.push(made.clone());
            });
            made
        })
    }
}

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

/// `x + sum_w (c_w cos(w t) + s_w sin(w t))`.
#[derive(Debug, Clone, Default)]
struct Wave {
    still: f64,
    parts: Vec<(f64, f64)>,
}

impl Wave {
    fn is_zero(&self) -> bool {
        self.still == 0.0 && self.parts.iter().all(|p| *p == (0.0, 0.0))
    }

    fn scaled(&mut self, factor: f64) {
        self.still *= factor;
        self.parts.iter_mut().for_each(|(c, s)| {
            *c *= factor;
            *s *= factor;
        });
    }
}

/// A curve along a trajectory: a wave plus magnitudes `sqrt(x^2 + y^2)` of pairs of waves.
#[derive(Debug, Clone)]
pub struct Curve {
    plain: Wave,
    lengths: Vec<(Wave, Wave)>,
    frequencies: Rc<[f64]>,
}

/// Constant part of a wave, and its cosine and sine coefficients.
type Parts = (f64, Vec<(f64, f64)>);

impl Curve {
    /// A wave plus magnitudes of pairs of waves, all with these frequencies.
    pub fn of(plain: Parts, lengths: impl Iterator<Item = (Parts, Parts)>, frequencies: Vec<f64>) -> Curve {
        let wave = |(still, parts): Parts| Wave { still, parts };
        let lengths = lengths.map(|(x, y)| (wave(x), wave(y))).collect();
        Curve { plain: wave(plain), lengths, frequencies: frequencies.into() }
    }

    /// Adds a constant to the curve.
    pub fn raised(mut self, by: f64) -> Curve {
        self.plain.still += by;
        self
    }

    /// Multiplies the curve by a non-negative factor.
    pub fn scaled(mut self, factor: f64) -> Curve {
        self.plain.scaled(factor);
        self.lengths.iter_mut().for_each(|(x, y)| {
            x.scaled(factor);
            y.scaled(factor);
        });
        self
    }

    /// True if the curve is linear in the state: a sum of cosines and sines.
    pub fn is_wave(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Bounds of the curve: of the magnitude of its slope, and of the rate at which the slope decreases. For waves z with magnitude `|z|`,
    /// `|z|'' >= -|z''|`, so the curve plus half of the second bound times `t^2` is convex.
    pub fn bounds(&self) -> (f64, f64) {
        let of = |squares: &mut dyn Iterator<Item = f64>| {
            let pairs = squares.zip(self.frequencies.iter()).map(|(square, w)| (w * square.sqrt(), w));
            pairs.fold((0.0, 0.0), |(slope, fall), (x, w)| (slope + x, fall + w * x))
        };
        let plain = of(&mut self.plain.parts.iter().map(|(c, s)| c * c + s * s));
        self.lengths.iter().fold(plain, |(slope, fall), (x, y)| {
            let pairs = x.parts.iter().zip(&y.parts);
            let (a, b) = of(&mut pairs.map(|((c, s), (d, r))| c * c + s * s + d * d + r * r));
            (slope + a, fall + b)
        })
    }

    /// Value at a time, and the left and right slopes there, which differ at a corner.
    pub fn with_slopes(&self, t: f64) -> (f64, [f64; 2]) {
        /// Below this fraction of its amplitudes, a wave is zero to rounding, and the direction of its slope is undefined.
        const ZERO: f64 = 1e-14;
        let turned: Vec<(f64, f64)> = self.frequencies.iter().map(|w| (w * t).sin_cos()).collect();
        let of = |wave: &Wave| {
            let parts = wave.parts.iter().zip(&turned).zip(self.frequencies.iter());
            parts.fold((wave.still, 0.0), |(value, slope), (((c, s), (sin, cos)), w)| {
                (value + (c * cos + s * sin), slope + w * (s * cos - c * sin))
            })
        };
        let amplitude = |w: &Wave| w.parts.iter().fold(w.still.abs(), |sum, (c, s)| sum + c.abs() + s.abs());
        let (value, slope) = of(&self.plain);
        self.lengths.iter().fold((value, [slope; 2]), |(value, [before, after]), (x, y)| {
            let (((u, du), (v, dv)), amplitude) = ((of(x), of(y)), amplitude(x) + amplitude(y));
            let length = (u * u + v * v).sqrt();
            let [left, right] = match length > ZERO * amplitude {
                true => [(u * du + v * dv) / length; 2],
                false => [-(du * du + dv * dv).sqrt(), (du * du + dv * dv).sqrt()],
            };
            (value + length, [before + left, after + right])
        })
    }

    /// Values at the given times.
    pub fn values(&self, times: &[f64]) -> Vec<f64> {
        let table = Table::of(&self.frequencies, times);
        let mut out = vec![0.0; times.len()];
        let waves = if self.lengths.is_empty() { 0 } else { 2 };
        let mut work = vec![0.0; waves * times.len()];
        pulp::Arch::new().dispatch(Sampling { curve: self, table: &table.values, work: &mut work, out: &mut out });
        out
    }

    /// Value at time t.
    pub fn at(&self, t: f64) -> f64 {
        let (mut few, mut many) = ([(0.0, 0.0); MOST], vec![]);
        // Curves of a batch may have one frequency for every pair of levels.
        let turned: &mut [(f64, f64)] = match self.frequencies.len() <= MOST {
            true => &mut few,
            false => {
                many.resize(self.frequencies.len(), (0.0, 0.0));
                &mut many
            }
        };
        for (x, w) in turned.iter_mut().zip(self.frequencies.iter()) {
            let (sin, cos) = (w * t).sin_cos();
            *x = (cos, sin);
        }
        let of = |wave: &Wave| {
            let parts = wave.parts.iter().zip(turned.iter());
            parts.fold(wave.still, |sum, ((c, s), (cos, sin))| sum + (c * cos + s * sin))
        };
        let lengths = self.lengths.iter().map(|(x, y)| {
            let (x, y) = (of(x), of(y));
            (x * x + y * y).sqrt()
        });
        of(&self.plain) + lengths.sum::<f64>()
    }
}

/// Kernel that samples a curve. It is compiled once for each vector width, and the widest available on the processor is used; the order of
/// additions is fixed, so the values do not depend on the width.
struct Sampling<'a> {
    curve: &'a Curve,
    table: &'a [f64],
    work: &'a mut [f64],
    out: &'a mut [f64],
}

impl pulp::NullaryFnOnce for Sampling<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let n = self.out.len();
        add(&self.curve.plain, self.table, self.out);
        for (x, y) in &self.curve.lengths {
            let (re, im) = self.work.split_at_mut(n);
            re.fill(0.0);
            add(x, self.table, re);
            if y.is_zero() {
                self.out.iter_mut().zip(re).for_each(|(o, x)| *o += x.abs());
                continue;
            }
            im.fill(0.0);
            add(y, self.table, im);
            self.out.iter_mut().zip(re.iter().zip(im)).for_each(|(o, (x, y))| *o += (*x * *x + *y * *y).sqrt());
        }
    }
}

/// `out += wave`.
#[inline(always)]
fn add(wave: &Wave, table: &[f64], out: &mut [f64]) {
    let n = out.len();
    out.iter_mut().for_each(|x| *x += wave.still);
    for ((c, s), turned) in wave.parts.iter().zip(table.chunks_exact(2 * n)) {
        if (*c, *s) != (0.0, 0.0) {
            let (cos, sin) = turned.split_at(n);
            out.iter_mut().zip(cos.iter().zip(sin)).for_each(|(x, (cos, sin))| *x += c * cos + s * sin);
        }
    }
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
        Curve { plain, lengths: vec![], frequencies: self.frequencies.clone() }
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
        let mut curve = self.constant(0.0);
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
                    curve.lengths.push((re, im));
                }
            }
        }
        curve
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
