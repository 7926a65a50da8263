//! The Bohr-frequency expansion of [`super::bohr_frequencies`] for a batch of states, one per lane.
//!
//! `rho(t) = R_0 + sum_w (C_w cos(w t) + S_w sin(w t))` in every lane. If the Hamiltonian is the same in all lanes, terms of equal
//! frequency are merged; otherwise each pair of levels has its own frequency. The single-state code is not shared with the batch
//! because the kernels of a batch are loops without closures: with closures they would not be compiled for wide vectors.

#![expect(
    clippy::indexing_slicing,
    reason = "indices are within the common dimension of the matrices and the number of frequencies of every wave"
)]

use super::curve::Curve;
use super::curve_batch::{CurveBatch, Phases, Wave};
use super::magnitudes;
use crate::lanes::{LANES, Lane, MatrixBatch, eigen};

/// Two level differences count as equal if they differ by less than this fraction of the largest one.
const SAME: f64 = 1e-13;

/// Eigenvalues and eigenvectors of the Hamiltonians of a batch.
pub struct LevelsBatch {
    /// Eigenvalues, ascending in every lane.
    pub values: Vec<Lane>,
    /// Eigenvectors, as columns.
    pub vectors: MatrixBatch,
    /// Whether all lanes of every batch have the same Hamiltonian.
    pub shared: bool,
}

impl LevelsBatch {
    /// Diagonalises a batch of Hermitian matrices in place; also returns which lanes converged. `shared`: all lanes of every batch have the
    /// same matrix.
    pub fn of(mut matrix: MatrixBatch, shared: bool) -> (LevelsBatch, [bool; LANES]) {
        let n = matrix.dimension();
        let mut levels = LevelsBatch { values: vec![Lane::zero(); n], vectors: MatrixBatch::zeros(n), shared };
        let found = pulp::Arch::new().dispatch(Diagonalise { matrix: &mut matrix, levels: &mut levels });
        (levels, found)
    }
}

/// Kernel: eigenvalues and eigenvectors of a batch.
struct Diagonalise<'a> {
    matrix: &'a mut MatrixBatch,
    levels: &'a mut LevelsBatch,
}

impl pulp::NullaryFnOnce for Diagonalise<'_> {
    type Output = [bool; LANES];

    #[inline(always)]
    fn call(self) -> [bool; LANES] {
        eigen(self.matrix, &mut self.levels.values, &mut self.levels.vectors)
    }
}

/// Bohr-frequency expansion of a batch of states.
pub struct BohrBatch {
    /// The constant part, without the identity.
    still: MatrixBatch,
    /// Coefficient of the identity.
    mean: Lane,
    /// Cosine and sine matrices, one pair per frequency.
    harmonics: Vec<(MatrixBatch, MatrixBatch)>,
    /// Frequencies of the harmonics, rad/s.
    frequencies: Vec<Lane>,
    /// The states at t = 0.
    begin: MatrixBatch,
}

impl Phases {
    /// Phases for levels shared by all lanes, on an even grid from 0 to a common duration; a grid of one point is the end time.
    pub fn shared(levels: &LevelsBatch, duration: f64, points: usize) -> Phases {
        let mut frequencies = Vec::new();
        frequencies_of(&levels.values, true, &mut frequencies);
        Phases::common(&frequencies, duration, points)
    }

    /// Phases of an expansion on an even grid from 0 to each lane's duration; a grid of one point is the end time.
    pub fn own(expansion: &BohrBatch, duration: Lane, points: usize) -> Phases {
        Phases::of(&expansion.frequencies, duration, points)
    }
}

impl BohrBatch {
    /// Expansion of stationary states, with its table of phases.
    pub fn still(rho: &MatrixBatch) -> (BohrBatch, Phases) {
        let (mean, still) = without_mean(rho);
        let expansion = BohrBatch { still, mean, harmonics: vec![], frequencies: vec![], begin: rho.clone() };
        (expansion, Phases::Shared { frequencies: 0, values: vec![] })
    }

    /// Expansion of a batch of states given at t = 0.
    pub fn new(levels: &LevelsBatch, rho: MatrixBatch) -> BohrBatch {
        let (mean, deviation) = without_mean(&rho);
        let mut expansion = BohrBatch {
            still: MatrixBatch::zeros(rho.dimension()),
            mean,
            harmonics: vec![],
            frequencies: vec![],
            begin: rho,
        };
        pulp::Arch::new().dispatch(Expand { levels, deviation: &deviation, out: &mut expansion });
        expansion
    }

    /// The states at the last time of a table of phases.
    pub fn state(&self, phases: &Phases) -> MatrixBatch {
        if self.harmonics.is_empty() {
            return self.begin.clone();
        }
        let mut out = MatrixBatch::zeros(self.still.dimension());
        pulp::Arch::new().dispatch(Advance { expansion: self, phases: &phases.last(), out: &mut out });
        out
    }

    /// `Tr[M A]` for every matrix M of the expansion, with `still` as the constant one.
    fn linear(&self, a: &MatrixBatch, still: &MatrixBatch) -> Wave {
        let mut wave = Wave { still: Lane::zero(), parts: Vec::with_capacity(self.harmonics.len()) };
        pulp::Arch::new().dispatch(Linear { expansion: self, a, still, wave: &mut wave });
        wave
    }

    /// The frequencies, rad/s.
    pub fn frequencies(&self) -> &[Lane] {
        &self.frequencies
    }

    /// A curve of the batch in a single lane.
    pub fn single(&self, curve: &CurveBatch, lane: usize) -> Curve {
        curve.lane(&self.frequencies, lane)
    }

    /// Constant curves.
    pub fn constant(&self, still: Lane) -> CurveBatch {
        CurveBatch::wave(Wave { still, parts: vec![(Lane::zero(), Lane::zero()); self.harmonics.len()] })
    }

    /// `Tr[rho A]` as curves.
    pub fn mean_of(&self, a: &MatrixBatch) -> CurveBatch {
        self.deviation_of(a).raised(self.mean * trace(a))
    }

    /// `Tr[dr A]` of the deviation dr of rho from the maximally mixed state, as curves.
    pub fn deviation_of(&self, a: &MatrixBatch) -> CurveBatch {
        CurveBatch::wave(self.linear(a, &self.still))
    }

    /// `Tr[rho A] - Tr[before A]` for a state `before` of the same trace; the states are subtracted first to avoid cancellation.
    pub fn change_of(&self, a: &MatrixBatch, before: &MatrixBatch) -> CurveBatch {
        let n = self.still.dimension();
        let mut difference = self.still.clone();
        for i in 0..n {
            for j in 0..n {
                let ((re, im), (br, bi)) = (difference.at(i, j), before.at(i, j));
                let mean = if i == j { self.mean } else { Lane::zero() };
                difference.put(i, j, re - br + mean, im - bi);
            }
        }
        CurveBatch::wave(self.linear(a, &difference))
    }

    /// `d/dt Tr[rho A]`.
    pub fn rate_of(&self, a: &MatrixBatch) -> CurveBatch {
        let mut wave = self.linear(a, &self.still);
        wave.still = Lane::zero();
        for ((c, s), w) in wave.parts.iter_mut().zip(&self.frequencies) {
            (*c, *s) = (*w * *s, -(*w * *c));
        }
        CurveBatch::wave(wave)
    }

    /// Sum of the magnitudes of all off-diagonal elements.
    pub fn l1(&self) -> CurveBatch {
        let n = self.still.dimension();
        let mut elements = Vec::with_capacity(n * (n - 1) / 2);
        for j in 0..n {
            for i in 0..j {
                let of = |m: &MatrixBatch, imaginary: bool| if imaginary { m.at(i, j).1 } else { m.at(i, j).0 };
                let wave = |imaginary: bool| Wave {
                    still: of(&self.still, imaginary),
                    parts: self.harmonics.iter().map(|(c, s)| (of(c, imaginary), of(s, imaginary))).collect(),
                };
                elements.push((wave(false), wave(true)));
            }
        }
        // Each element counts twice: above and below the diagonal.
        let (sizes, lengths) = magnitudes::sum(elements, 2.0);
        CurveBatch { sizes, lengths, ..self.constant(Lane::zero()) }
    }

    /// The states at t = 0.
    pub fn begin(&self) -> &MatrixBatch {
        &self.begin
    }
}

/// Trace, in each lane.
fn trace(m: &MatrixBatch) -> Lane {
    (0..m.dimension()).fold(Lane::zero(), |sum, k| sum + m.at(k, k).0)
}

/// Mean of the diagonal, and the matrix minus that multiple of the identity.
pub fn without_mean(m: &MatrixBatch) -> (Lane, MatrixBatch) {
    let n = m.dimension();
    let mean = trace(m) / n as f64;
    let mut deviation = m.clone();
    for k in 0..n {
        let (re, im) = deviation.at(k, k);
        deviation.put(k, k, re - mean, im);
    }
    (mean, deviation)
}

/// Kernel: `Tr[M A]` for the matrices M of an expansion.
struct Linear<'a> {
    expansion: &'a BohrBatch,
    a: &'a MatrixBatch,
    still: &'a MatrixBatch,
    wave: &'a mut Wave,
}

impl pulp::NullaryFnOnce for Linear<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.wave.still = MatrixBatch::trace_of_hermitian_product(self.still, self.a);
        for (c, s) in &self.expansion.harmonics {
            let part = (
                MatrixBatch::trace_of_hermitian_product(c, self.a),
                MatrixBatch::trace_of_hermitian_product(s, self.a),
            );
            self.wave.parts.push(part);
        }
    }
}

/// Kernel: the states at given phases.
struct Advance<'a> {
    expansion: &'a BohrBatch,
    /// Cosine and sine of every frequency.
    phases: &'a [Lane],
    out: &'a mut MatrixBatch,
}

impl pulp::NullaryFnOnce for Advance<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let BohrBatch { still, mean, harmonics, .. } = self.expansion;
        let n = still.dimension();
        for i in 0..n {
            for j in 0..n {
                let (mut re, mut im) = still.at(i, j);
                for ((c, s), phase) in harmonics.iter().zip(self.phases.chunks_exact(2)) {
                    let ((cr, ci), (sr, si)) = (c.at(i, j), s.at(i, j));
                    re = sr.mul_add(phase[1], cr.mul_add(phase[0], re));
                    im = si.mul_add(phase[1], ci.mul_add(phase[0], im));
                }
                if i == j {
                    re += *mean;
                }
                self.out.put(i, j, re, im);
            }
        }
    }
}

/// Kernel: matrices of an expansion. `rho_ab` evolves with `exp(-i (e_a - e_b) t)`; the part with `e_a > e_b` is the adjoint of the other.
struct Expand<'a> {
    levels: &'a LevelsBatch,
    deviation: &'a MatrixBatch,
    out: &'a mut BohrBatch,
}

impl pulp::NullaryFnOnce for Expand<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let LevelsBatch { values, vectors, shared } = self.levels;
        let n = values.len();
        let (mut inside, mut scratch) = (MatrixBatch::zeros(n), MatrixBatch::zeros(n));
        MatrixBatch::conjugate_back(vectors, self.deviation, &mut scratch, &mut inside);
        let own = frequencies_of(values, *shared, &mut self.out.frequencies);
        for a in 0..n {
            for b in 0..n {
                if own[a.max(b) * n + a.min(b)].is_none() {
                    add_dyad(vectors, (a, b), inside.at(a, b), &mut self.out.still);
                }
            }
        }
        let r = &mut scratch;
        for k in 0..self.out.frequencies.len() {
            r.clear();
            for a in 0..n {
                for b in 0..a {
                    if own[a * n + b] == Some(k) {
                        add_dyad(vectors, (a, b), inside.at(a, b), r);
                    }
                }
            }
            let (mut cos, mut sin) = (MatrixBatch::zeros(n), MatrixBatch::zeros(n));
            for i in 0..n {
                for j in 0..n {
                    let ((x, y), (u, v)) = (r.at(i, j), r.at(j, i));
                    // R + R^dagger, and -i (R - R^dagger).
                    cos.put(i, j, x + u, y - v);
                    sin.put(i, j, y + v, u - x);
                }
            }
            self.out.harmonics.push((cos, sin));
        }
    }
}

/// `out += x |a><b|` for two columns a and b of V.
#[inline(always)]
fn add_dyad(v: &MatrixBatch, (a, b): (usize, usize), (re, im): (Lane, Lane), out: &mut MatrixBatch) {
    let n = v.dimension();
    for i in 0..n {
        let (ur, ui) = v.at(i, a);
        let (xr, xi) = (ur.mul_sub(re, ui * im), ur.mul_add(im, ui * re));
        for j in 0..n {
            let ((wr, wi), (r, s)) = (v.at(j, b), out.at(i, j));
            // Times the conjugate of w.
            let r = xi.mul_add(wi, xr.mul_add(wr, r));
            let s = xi.mul_add(wr, xr.neg_mul_add(wi, s));
            out.put(i, j, r, s);
        }
    }
}

/// Frequency index of each element below the diagonal, `None` if it does not oscillate; appends the frequencies to `frequencies`.
fn frequencies_of(values: &[Lane], shared: bool, frequencies: &mut Vec<Lane>) -> Vec<Option<usize>> {
    let n = values.len();
    let mut own: Vec<Option<usize>> = vec![None; n * n];
    let spread = values.last().zip(values.first()).map_or(0.0, |(high, low)| high.0[0] - low.0[0]);
    for a in 0..n {
        for b in 0..a {
            let w = values[a] - values[b];
            if !shared {
                own[a * n + b] = Some(frequencies.len());
                frequencies.push(w);
            } else if w.0[0] > SAME * spread {
                let same = |f: &Lane| (f.0[0] - w.0[0]).abs() <= SAME * spread;
                let known = frequencies.iter().position(same);
                own[a * n + b] = Some(known.unwrap_or(frequencies.len()));
                if known.is_none() {
                    frequencies.push(w);
                }
            }
        }
    }
    own
}
