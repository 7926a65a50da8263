//! Selection of informationally complete readouts.
//!
//! A readout applies pulses and acquires all detected channels; each line gives two real numbers, linear in the state, so that
//! together they are `y = A rho`. The rank of A is the number of observed parameters, its condition number (largest over smallest nonzero
//! singular value) a measure of noise amplification. The search includes pulses of 90 and 45 degrees on every channel and, if these are not
//! enough, two such pulses separated by a delay.

use super::coordinates::coordinates;
use super::lines::{Line, Sample, lines};
use crate::linalg::{LinalgError, Matrix, conjugate_back, hermitian_eigen, product, real};
use std::fmt;

/// Letters of a readout word, one per channel: (letter, flip angle in degrees, phase in degrees, description).
pub const LETTERS: &[(char, f64, f64, &str)] = &[
    ('I', 0.0, 0.0, "no pulse"),
    ('X', 90.0, 0.0, "90 deg about x"),
    ('Y', 90.0, 90.0, "90 deg about y"),
    ('x', 45.0, 0.0, "45 deg about x"),
    ('y', 45.0, 90.0, "45 deg about y"),
    ('W', 90.0, 45.0, "90 deg about the axis at 45 deg between x and y"),
];

/// Symbol of a delay between two pulses, a quarter of the inverse spectral width.
pub const DELAY: &str = "D";

/// Maximum number of sets for exhaustive search.
const MOST_SETS: u64 = 5000;

/// Singular values below this fraction of the largest count as zero.
const NOTHING: f64 = 1e-5;

/// A readout.
#[derive(Debug, Clone)]
pub struct Readout {
    /// Its word, for example `IX`, `X-D-Y`.
    pub word: String,
    /// Unitary of the pulses and delays.
    pub unitary: Matrix,
}

/// A set of readouts and what it observes.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The readouts.
    pub readouts: Vec<Readout>,
    /// Lines of every readout.
    pub lines: Vec<Line>,
    /// Number of real parameters of the state that the set observes.
    pub rank: usize,
    /// Total number of real parameters of the state.
    pub parameters: usize,
    /// Number of parameters observable with all known readouts.
    pub visible: usize,
    /// Condition number: largest over smallest nonzero singular value.
    pub condition: f64,
    /// Design matrix: one row per measured number, in the coordinates of the state.
    pub design: Vec<Vec<f64>>,
}

impl Plan {
    /// Duration of `D`, s; `None` if every spectrum is a single line.
    pub fn delay(&self) -> Option<f64> {
        delay_time(&self.lines)
    }
}

/// Reason why there is no plan.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanError {
    /// A matrix operation failed.
    Linalg(LinalgError),
    /// Invalid readout word.
    Word(String),
    /// A given set is incomplete: parameters observed, parameters observable, and a complete set.
    Blind(usize, usize, Vec<String>),
    /// No line is observable.
    Dark,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Linalg(e) => e.fmt(f),
            PlanError::Word(word) => {
                let letters: Vec<String> = LETTERS.iter().map(|(c, ..)| c.to_string()).collect();
                write!(
                    f,
                    "`{word}` is not a readout: use one of the letters {} for each channel, and `-D-` for a delay",
                    letters.join(" ")
                )
            }
            PlanError::Blind(rank, visible, better) => write!(
                f,
                "these readouts determine {rank} of the {visible} observable parameters; {} determine all of them",
                better.join(", ")
            ),
            PlanError::Dark => f.write_str("no line is detected with any pulse"),
        }
    }
}

impl std::error::Error for PlanError {}

impl From<LinalgError> for PlanError {
    fn from(e: LinalgError) -> PlanError {
        PlanError::Linalg(e)
    }
}

/// Unitary of a readout word without delays.
fn pulse(sample: &Sample, word: &str) -> Result<Matrix, PlanError> {
    let wrong = || PlanError::Word(word.to_string());
    let mut letters = word.chars();
    let mut total = crate::linalg::identity(sample.hamiltonian.nrows());
    for channel in &sample.channels {
        let letter = letters.next().ok_or_else(wrong)?;
        let (_, angle, phase, _) = LETTERS.iter().find(|(c, ..)| *c == letter).ok_or_else(wrong)?;
        let (sine, cosine) = phase.to_radians().sin_cos();
        let generator = channel.x.map(|z| z * cosine) + channel.y.map(|z| z * sine);
        total = product(&hermitian_eigen(&generator)?.propagator(angle.to_radians()), &total);
    }
    if letters.next().is_some() { Err(wrong()) } else { Ok(total) }
}

/// Parses a readout word.
fn readout(sample: &Sample, delay: Option<&Matrix>, word: &str) -> Result<Readout, PlanError> {
    let mut total = crate::linalg::identity(sample.hamiltonian.nrows());
    for part in word.split('-') {
        let next = match (part, delay) {
            (DELAY, Some(delay)) => delay.clone(),
            (DELAY, None) => return Err(PlanError::Word(word.to_string())),
            _ => pulse(sample, part).map_err(|_| PlanError::Word(word.to_string()))?,
        };
        total = product(&next, &total);
    }
    Ok(Readout { word: word.to_string(), unitary: total })
}

/// Duration of the delay: a quarter of the inverse width of the widest spectrum, s; `None` if every spectrum is a single line.
fn delay_time(lines: &[Line]) -> Option<f64> {
    let channels = lines.iter().map(|l| l.channel + 1).max().unwrap_or(0);
    let width = |channel: usize| {
        let of = lines.iter().filter(|l| l.channel == channel).map(|l| l.frequency);
        let (low, high) = of.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        high - low
    };
    let widest = (0..channels).map(width).fold(0.0f64, f64::max);
    (widest > 0.0).then(|| 0.25 / widest)
}

/// Propagator of the delay; `None` if every spectrum is a single line.
fn delay(sample: &Sample, lines: &[Line]) -> Result<Option<Matrix>, LinalgError> {
    let Some(time) = delay_time(lines) else { return Ok(None) };
    Ok(Some(hermitian_eigen(&sample.hamiltonian)?.propagator(time)))
}

/// All words made of the given letters, one letter per channel.
fn words(letters: &str, channels: usize) -> Vec<String> {
    (0..channels).fold(vec![String::new()], |all, _| {
        all.iter().flat_map(|w| letters.chars().map(move |c| format!("{w}{c}"))).collect()
    })
}

/// Rows of the design matrix contributed by a readout.
fn rows(readout: &Readout, lines: &[Line]) -> Vec<Vec<f64>> {
    let mut out = Vec::with_capacity(2 * lines.len());
    for line in lines {
        let seen = conjugate_back(&readout.unitary, &line.operator);
        let adjoint = seen.adjoint();
        out.push(coordinates(&(&seen + &adjoint).map(|z| z * 0.5)));
        out.push(coordinates(&(&seen - &adjoint).map(|z| z * real(0.5) / crate::linalg::I)));
    }
    out
}

/// `A^T A` for rows of `size` numbers each.
#[expect(
    clippy::indexing_slicing,
    reason = "a row of the design matrix has one number per parameter of the state, which is the size"
)]
pub(super) fn gram(design: &[Vec<f64>], size: usize) -> Matrix {
    let mut sum = Matrix::zeros(size, size);
    for row in design {
        for (j, y) in row.iter().enumerate().filter(|(_, y)| **y != 0.0) {
            for (i, x) in row.iter().enumerate() {
                sum[(i, j)].re += x * y;
            }
        }
    }
    sum
}

/// Properties of a set from its Gram matrix: rank, condition number, and mean variance of the observed parameters.
struct Sight {
    rank: usize,
    condition: f64,
    variance: f64,
}

fn sight(gram: &Matrix) -> Result<Sight, LinalgError> {
    let values = crate::linalg::hermitian_values(gram)?;
    let largest = values.iter().fold(0.0f64, |m, x| m.max(*x));
    let seen: Vec<f64> = values.into_iter().filter(|x| *x > NOTHING * NOTHING * largest && *x > 0.0).collect();
    let least = seen.iter().fold(f64::INFINITY, |m, x| m.min(*x));
    Ok(Sight {
        rank: seen.len(),
        condition: (largest / least).sqrt(),
        variance: seen.iter().map(|x| 1.0 / x).sum::<f64>() / seen.len().max(1) as f64,
    })
}

/// Candidate readouts, and the number of parameters that all of them together observe.
fn candidates(sample: &Sample, lines: &[Line]) -> Result<(Vec<Readout>, usize), PlanError> {
    let (size, channels) = (sample.hamiltonian.nrows().pow(2), sample.channels.len());
    let together = |all: &[Readout]| -> Result<usize, PlanError> {
        let design: Vec<Vec<f64>> = all.iter().flat_map(|r| rows(r, lines)).collect();
        Ok(sight(&gram(&design, size))?.rank)
    };
    let make = |words: Vec<String>, delay: Option<&Matrix>| -> Result<Vec<Readout>, PlanError> {
        words.iter().map(|w| readout(sample, delay, w)).collect()
    };
    let simple = make(words("IXY", channels), None)?;
    let mut best = (together(&simple)?, simple);
    if best.0 == size - 1 {
        return Ok((best.1, best.0));
    }
    // 45-degree pulses distinguish equivalent spins; a delay distinguishes inequivalent spins of one channel.
    let finer = make(words("IXYxyW", channels), None)?;
    let seen = together(&finer)?;
    if seen > best.0 {
        best = (seen, finer);
    }
    if best.0 < size - 1
        && let Some(delay) = delay(sample, lines)?
    {
        let short = words("IXY", channels);
        let pairs = short.iter().flat_map(|a| short.iter().map(move |b| format!("{a}-{DELAY}-{b}")));
        let mut all = make(pairs.collect(), Some(&delay))?;
        all.extend(make(short.clone(), None)?);
        let seen = together(&all)?;
        if seen > best.0 {
            best = (seen, all);
        }
    }
    Ok((best.1, best.0))
}

/// Smallest complete set of readouts; among several, the one with the best condition number.
///
/// # Errors
/// When no line is observable, or eigenvalues cannot be computed.
pub fn plan(sample: &Sample) -> Result<Plan, PlanError> {
    let lines = lines(sample)?;
    let (known, visible) = candidates(sample, &lines)?;
    if visible == 0 {
        return Err(PlanError::Dark);
    }
    let size = sample.hamiltonian.nrows().pow(2);
    let grams: Vec<Matrix> = known.iter().map(|r| gram(&rows(r, &lines), size)).collect();
    let chosen = smallest(&grams, visible, 2 * lines.len())?;
    finish(chosen.into_iter().filter_map(|k| known.get(k).cloned()).collect(), lines, size - 1, visible)
}

/// Plan for a given set of readout words.
///
/// # Errors
/// When a word is invalid, or the set does not observe all that is observable.
pub fn plan_of(sample: &Sample, given: &[String]) -> Result<Plan, PlanError> {
    let lines = lines(sample)?;
    let delay = delay(sample, &lines)?;
    let readouts = given.iter().map(|w| readout(sample, delay.as_ref(), w)).collect::<Result<Vec<_>, _>>()?;
    let (_, visible) = candidates(sample, &lines)?;
    let found = finish(readouts, lines, sample.hamiltonian.nrows().pow(2) - 1, visible)?;
    if found.rank < visible {
        let better = plan(sample)?.readouts.into_iter().map(|r| r.word).collect();
        return Err(PlanError::Blind(found.rank, visible, better));
    }
    Ok(found)
}

fn finish(readouts: Vec<Readout>, lines: Vec<Line>, parameters: usize, visible: usize) -> Result<Plan, PlanError> {
    let design: Vec<Vec<f64>> = readouts.iter().flat_map(|r| rows(r, &lines)).collect();
    let seen = sight(&gram(&design, parameters + 1))?;
    Ok(Plan { readouts, lines, rank: seen.rank, parameters, visible, condition: seen.condition, design })
}

/// Indices of the readouts in the smallest complete set.
#[expect(clippy::indexing_slicing, reason = "a set is not empty, and its members are indices of matrices")]
fn smallest(grams: &[Matrix], visible: usize, numbers: usize) -> Result<Vec<usize>, LinalgError> {
    let fewest = visible.div_ceil(numbers.max(1)).max(1);
    // Small systems: exhaustive search by size.
    for size in fewest..=grams.len() {
        let sets = (0..size as u64).fold(1u64, |n, k| n.saturating_mul(grams.len() as u64 - k) / (k + 1));
        if sets > MOST_SETS || grams[0].nrows() > 64 {
            break;
        }
        let mut best: Option<(f64, f64, Vec<usize>)> = None;
        let mut set: Vec<usize> = (0..size).collect();
        loop {
            let sum = set.iter().skip(1).fold(grams[set[0]].clone(), |sum, k| sum + &grams[*k]);
            let seen = sight(&sum)?;
            // Sets that differ only by rounding count as equal; the first one is kept.
            let better = best.as_ref().is_none_or(|(condition, variance, _)| {
                seen.condition < condition * (1.0 - 1e-9)
                    || seen.condition <= condition * (1.0 + 1e-9) && seen.variance < variance * (1.0 - 1e-9)
            });
            if seen.rank == visible && better {
                best = Some((seen.condition, seen.variance, set.clone()));
            }
            if !next_set(&mut set, grams.len()) {
                break;
            }
        }
        if let Some((_, _, set)) = best {
            return Ok(set);
        }
    }
    greedy(grams, visible)
}

/// Next combination of ascending indices below n, in lexicographic order; false after the last.
#[expect(clippy::indexing_slicing, reason = "indices are within the set, and every later position has a predecessor")]
fn next_set(set: &mut [usize], n: usize) -> bool {
    let size = set.len();
    for k in (0..size).rev() {
        if set[k] < n - size + k {
            set[k] += 1;
            for later in k + 1..size {
                set[later] = set[later - 1] + 1;
            }
            return true;
        }
    }
    false
}

/// Large systems: greedy selection, each time the readout that observes most of what is still unobserved.
fn greedy(grams: &[Matrix], visible: usize) -> Result<Vec<usize>, LinalgError> {
    let mut chosen: Vec<usize> = vec![];
    let Some(size) = grams.first().map(|gram| gram.nrows()) else { return Ok(chosen) };
    let mut sum = Matrix::zeros(size, size);
    loop {
        let eigen = hermitian_eigen(&sum)?;
        let largest = eigen.values.iter().fold(0.0f64, |m, x| m.max(*x));
        let seen = |x: f64| x > NOTHING * NOTHING * largest && x > 0.0;
        if eigen.values.iter().filter(|x| seen(**x)).count() >= visible || chosen.len() == grams.len() {
            return Ok(chosen);
        }
        let unseen = eigen.function(|x| real(if seen(x) { 0.0 } else { 1.0 }));
        let gain = |g: &Matrix| -> f64 { unseen.iter().zip(g.transpose().iter()).map(|(a, b)| (a * b).re).sum() };
        let left = grams.iter().enumerate().filter(|(k, _)| !chosen.contains(k));
        let Some((next, gram)) = left.max_by(|(_, a), (_, b)| gain(a).total_cmp(&gain(b))) else { return Ok(chosen) };
        chosen.push(next);
        sum += gram;
    }
}
