//! The Bohr-frequency expansion of [`super::bohr_frequencies`] for a batch of states, one per lane.
//!
//! `rho(t) = R_0 + sum_w (C_w cos(w t) + S_w sin(w t))` in every lane. If the Hamiltonian is the same in all lanes, terms of equal
//! frequency are merged; otherwise each pair of levels has its own frequency. The single-state code is not shared with the batch
//! because the kernels of a batch are loops without closures: with closures they would not be compiled for wide vectors.

#![expect(
    clippy::indexing_slicing,
    reason = "indices are within the common dimension of the matrices and the number of frequencies of every wave"
)]

use super::bohr_frequencies::Curve;
use crate::lanes::{LANES, Lane, MatrixBatch, eigen, sin_cos};

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

/// `x + sum_w (c_w cos(w t) + s_w sin(w t))` in every lane.
#[derive(Clone)]
struct Wave {
    still: Lane,
    parts: Vec<(Lane, Lane)>,
}

/// Curves of a batch: a wave, and magnitudes `sqrt(x^2 + y^2)` of pairs of waves.
#[derive(Clone)]
pub struct CurveBatch {
    plain: Wave,
    lengths: Vec<(Wave, Wave)>,
}

/// Cosines and sines of the frequencies of an expansion on a time grid.
#[derive(Clone)]
pub enum Phases {
    /// The same in all lanes: for each time, cosine and sine of every frequency.
    Shared {
        /// Number of frequencies.
        frequencies: usize,
        /// Cosines and sines.
        values: Vec<f64>,
    },
    /// Different in each lane, in the same order.
    Lanes {
        /// Number of frequencies.
        frequencies: usize,
        /// Cosines and sines.
        values: Vec<(Lane, Lane)>,
    },
}

/// Time of a sample, computed as in traces: both end points are exact.
pub fn time(duration: f64, sample: usize, points: usize) -> f64 {
    if sample + 1 == points { duration } else { duration * sample as f64 / (points - 1) as f64 }
}

impl Phases {
    /// Phases for levels shared by all lanes, on an even grid from 0 to a common duration; a grid of one point is the end time.
    pub fn shared(levels: &LevelsBatch, duration: f64, points: usize) -> Phases {
        let mut frequencies = Vec::new();
        frequencies_of(&levels.values, true, &mut frequencies);
        let mut values = Vec::with_capacity(2 * frequencies.len() * points);
        for j in 0..points {
            let t = time(duration, j, points);
            for w in &frequencies {
                let (sin, cos) = (w.0[0] * t).sin_cos();
                values.extend([cos, sin]);
            }
        }
        Phases::Shared { frequencies: frequencies.len(), values }
    }

    /// Phases of an expansion on an even grid from 0 to each lane's duration; a grid of one point is the end time.
    pub fn own(expansion: &BohrBatch, duration: Lane, points: usize) -> Phases {
        let frequencies = expansion.frequencies.as_slice();
        let count = frequencies.len();
        let mut values = vec![(Lane::zero(), Lane::zero()); count * points];
        pulp::Arch::new().dispatch(Oscillate { frequencies, duration, points, values: &mut values });
        Phases::Lanes { frequencies: count, values }
    }

    /// Cosines and sines at the last time.
    fn last(&self) -> Vec<(Lane, Lane)> {
        match self {
            Phases::Shared { frequencies, values } => {
                let own = &values[values.len() - 2 * frequencies..];
                own.chunks_exact(2).map(|x| (Lane::splat(x[0]), Lane::splat(x[1]))).collect()
            }
            Phases::Lanes { frequencies, values } => values[values.len() - frequencies..].to_vec(),
        }
    }
}

/// Kernel that fills a table of phases.
struct Oscillate<'a> {
    frequencies: &'a [Lane],
    duration: Lane,
    points: usize,
    values: &'a mut [(Lane, Lane)],
}

impl pulp::NullaryFnOnce for Oscillate<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let count = self.frequencies.len().max(1);
        for (j, phases) in self.values.chunks_exact_mut(count).enumerate() {
            let t = match j + 1 == self.points {
                true => self.duration,
                false => self.duration * (j as f64) / ((self.points - 1) as f64),
            };
            for (phase, w) in phases.iter_mut().zip(self.frequencies) {
                let (sin, cos) = sin_cos(*w * t);
                *phase = (cos, sin);
            }
        }
    }
}

impl Wave {
    fn is_zero(&self) -> bool {
        let zero = |x: &Lane| x.0.iter().all(|x| *x == 0.0);
        zero(&self.still) && self.parts.iter().all(|(c, s)| zero(c) && zero(s))
    }

    fn scaled(&mut self, factor: f64) {
        self.still = self.still * factor;
        for (c, s) in &mut self.parts {
            (*c, *s) = (*c * factor, *s * factor);
        }
    }

    /// Value at a time whose phases are the same in all lanes.
    #[inline(always)]
    fn at_shared(&self, phases: &[f64]) -> Lane {
        let mut sum = self.still;
        for (k, (c, s)) in self.parts.iter().enumerate() {
            sum = s.mul_add(Lane::splat(phases[2 * k + 1]), c.mul_add(Lane::splat(phases[2 * k]), sum));
        }
        sum
    }

    /// Value at a time with separate phases per lane.
    #[inline(always)]
    fn at_own(&self, phases: &[(Lane, Lane)]) -> Lane {
        let mut sum = self.still;
        for ((c, s), (cos, sin)) in self.parts.iter().zip(phases) {
            sum = s.mul_add(*sin, c.mul_add(*cos, sum));
        }
        sum
    }
}

impl CurveBatch {
    /// Adds a constant to the curves.
    pub fn raised(mut self, by: Lane) -> CurveBatch {
        self.plain.still += by;
        self
    }

    /// Multiplies the curves by a non-negative factor.
    pub fn scaled(mut self, factor: f64) -> CurveBatch {
        self.plain.scaled(factor);
        for (x, y) in &mut self.lengths {
            x.scaled(factor);
            y.scaled(factor);
        }
        self
    }

    /// The curve of a single lane.
    pub fn lane(&self, expansion: &BohrBatch, lane: usize) -> Curve {
        let of = |wave: &Wave| (wave.still.0[lane], wave.parts.iter().map(|(c, s)| (c.0[lane], s.0[lane])).collect());
        let frequencies = expansion.frequencies.iter().map(|w| w.0[lane]).collect();
        Curve::of(of(&self.plain), self.lengths.iter().map(|(x, y)| (of(x), of(y))), frequencies)
    }

    /// Evaluates the curves on the time grid of a table of phases.
    pub fn values(&self, phases: &Phases, out: &mut [Lane]) {
        pulp::Arch::new().dispatch(Sample { curve: self, phases, out });
    }
}

/// Kernel that samples curves.
struct Sample<'a> {
    curve: &'a CurveBatch,
    phases: &'a Phases,
    out: &'a mut [Lane],
}

impl pulp::NullaryFnOnce for Sample<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let CurveBatch { plain, lengths } = self.curve;
        match self.phases {
            Phases::Shared { frequencies, values } => {
                for (j, out) in self.out.iter_mut().enumerate() {
                    let own = &values[2 * frequencies * j..2 * frequencies * (j + 1)];
                    let mut sum = plain.at_shared(own);
                    for (x, y) in lengths {
                        let (x, y) = (x.at_shared(own), y.at_shared(own));
                        sum += x.mul_add(x, y * y).sqrt();
                    }
                    *out = sum;
                }
            }
            Phases::Lanes { frequencies, values } => {
                for (j, out) in self.out.iter_mut().enumerate() {
                    let own = &values[frequencies * j..frequencies * (j + 1)];
                    let mut sum = plain.at_own(own);
                    for (x, y) in lengths {
                        let (x, y) = (x.at_own(own), y.at_own(own));
                        sum += x.mul_add(x, y * y).sqrt();
                    }
                    *out = sum;
                }
            }
        }
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
    pub fn new(levels: &LevelsBatch, rho: &MatrixBatch) -> BohrBatch {
        let (mean, deviation) = without_mean(rho);
        let mut expansion = BohrBatch {
            still: MatrixBatch::zeros(rho.dimension()),
            mean,
            harmonics: vec![],
            frequencies: vec![],
            begin: rho.clone(),
        };
        pulp::Arch::new().dispatch(Expand { levels, deviation: &deviation, out: &mut expansion });
        expansion
    }

    /// The states at the last time of a table of phases.
    pub fn state(&self, phases: &Phases) -> MatrixBatch {
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

    fn curve(&self, plain: Wave) -> CurveBatch {
        CurveBatch { plain, lengths: vec![] }
    }

    /// Constant curves.
    pub fn constant(&self, still: Lane) -> CurveBatch {
        self.curve(Wave { still, parts: vec![(Lane::zero(), Lane::zero()); self.harmonics.len()] })
    }

    /// `Tr[rho A]` as curves.
    pub fn mean_of(&self, a: &MatrixBatch) -> CurveBatch {
        self.deviation_of(a).raised(self.mean * trace(a))
    }

    /// `Tr[dr A]` of the deviation dr of rho from the maximally mixed state, as curves.
    pub fn deviation_of(&self, a: &MatrixBatch) -> CurveBatch {
        self.curve(self.linear(a, &self.still))
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
        self.curve(self.linear(a, &difference))
    }

    /// `d/dt Tr[rho A]`.
    pub fn rate_of(&self, a: &MatrixBatch) -> CurveBatch {
        let mut wave = self.linear(a, &self.still);
        wave.still = Lane::zero();
        for ((c, s), w) in wave.parts.iter_mut().zip(&self.frequencies) {
            (*c, *s) = (*w * *s, -(*w * *c));
        }
        self.curve(wave)
    }

    /// Sum of the magnitudes of all off-diagonal elements.
    pub fn l1(&self) -> CurveBatch {
        let n = self.still.dimension();
        let mut curve = self.constant(Lane::zero());
        for j in 0..n {
            for i in 0..j {
                let of = |m: &MatrixBatch, imaginary: bool| if imaginary { m.at(i, j).1 } else { m.at(i, j).0 };
                let wave = |imaginary: bool| Wave {
                    still: of(&self.still, imaginary),
                    parts: self.harmonics.iter().map(|(c, s)| (of(c, imaginary), of(s, imaginary))).collect(),
                };
                let (mut re, mut im) = (wave(false), wave(true));
                // Each element counts twice: above and below the diagonal.
                re.scaled(2.0);
                im.scaled(2.0);
                if !(re.is_zero() && im.is_zero()) {
                    curve.lengths.push((re, im));
                }
            }
        }
        curve
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
    phases: &'a [(Lane, Lane)],
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
                for ((c, s), (cos, sin)) in harmonics.iter().zip(self.phases) {
                    let ((cr, ci), (sr, si)) = (c.at(i, j), s.at(i, j));
                    re = sr.mul_add(*sin, cr.mul_add(*cos, re));
                    im = si.mul_add(*sin, ci.mul_add(*cos, im));
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
        let mut part = MatrixBatch::zeros(n);
        for a in 0..n {
            for b in 0..n {
                if own[a.max(b) * n + a.min(b)].is_none() {
                    let (re, im) = inside.at(a, b);
                    part.put(a, b, re, im);
                }
            }
        }
        MatrixBatch::conjugate(vectors, &part, &mut scratch, &mut self.out.still);
        let mut r = MatrixBatch::zeros(n);
        for k in 0..self.out.frequencies.len() {
            part.clear();
            for a in 0..n {
                for b in 0..a {
                    if own[a * n + b] == Some(k) {
                        let (re, im) = inside.at(a, b);
                        part.put(a, b, re, im);
                    }
                }
            }
            MatrixBatch::conjugate(vectors, &part, &mut scratch, &mut r);
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
