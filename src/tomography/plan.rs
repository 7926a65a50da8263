//! Which readouts see the whole state.
//!
//! A readout turns the state by pulses and acquires every detected channel; each line gives two real numbers, linear in the state, so
//! that all of them are `y = A rho`. What a set of readouts sees is the rank of A, how evenly it sees it the condition number (the
//! largest over the smallest singular value that is not zero). Sets are searched among pulses of 90 and 45 degrees on every channel,
//! and, where those are not enough, two such pulses with a delay between them.

use super::coordinates::coordinates;
use super::lines::{Line, Sample, lines};
use crate::linalg::{LinalgError, Matrix, conjugate_back, hermitian_eigen, product, real};
use std::fmt;

/// The letters of a readout: letter, flip angle and phase in degrees, meaning. One letter a channel.
pub const LETTERS: &[(char, f64, f64, &str)] = &[
    ('I', 0.0, 0.0, "nothing"),
    ('X', 90.0, 0.0, "90 deg about x"),
    ('Y', 90.0, 90.0, "90 deg about y"),
    ('x', 45.0, 0.0, "45 deg about x"),
    ('y', 45.0, 90.0, "45 deg about y"),
    ('W', 90.0, 45.0, "90 deg about the direction between x and y"),
];

/// The word for a delay of a quarter of the inverse width of the spectrum, between two pulses.
pub const DELAY: &str = "D";

/// More sets than this are not tried one by one.
const MOST_SETS: u64 = 5000;

/// A singular value below this share of the largest is zero.
const NOTHING: f64 = 1e-5;

/// A readout.
#[derive(Debug, Clone)]
pub struct Readout {
    /// Its pulses: `IX`, `X-D-Y`.
    pub word: String,
    /// What the pulses do.
    pub unitary: Matrix,
}

/// A set of readouts and what it sees.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The readouts.
    pub readouts: Vec<Readout>,
    /// The lines of every readout.
    pub lines: Vec<Line>,
    /// How many real parameters of the state it sees.
    pub rank: usize,
    /// How many there are.
    pub parameters: usize,
    /// How many any set of the known readouts could see.
    pub visible: usize,
    /// The largest over the smallest singular value.
    pub condition: f64,
    /// The design matrix: a row a number that is measured, in the coordinates of the state.
    pub design: Vec<Vec<f64>>,
}

impl Plan {
    /// The delay that `D` stands for, s; none where every spectrum is one line.
    pub fn delay(&self) -> Option<f64> {
        delay_time(&self.lines)
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanError {
    /// A matrix operation failed.
    Linalg(LinalgError),
    /// A readout that is none.
    Word(String),
    /// A given set does not see all that can be seen: how much, of how much, and a set that does.
    Blind(usize, usize, Vec<String>),
    /// No line can be seen at all.
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
                    "`{word}` is no readout: one of the letters {} for each channel, and `-D-` for a delay",
                    letters.join(" ")
                )
            }
            PlanError::Blind(rank, visible, better) => write!(
                f,
                "these readouts see {rank} of the {visible} parameters that can be seen; {} see all of them",
                better.join(", ")
            ),
            PlanError::Dark => f.write_str("no line is detected, whatever the pulses"),
        }
    }
}

impl std::error::Error for PlanError {}

impl From<LinalgError> for PlanError {
    fn from(e: LinalgError) -> PlanError {
        PlanError::Linalg(e)
    }
}

/// The unitary of one word without delays.
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

/// A readout from its word.
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

/// The delay of a readout: a quarter of the inverse width of the widest spectrum, s; none where every spectrum is one line.
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

/// The propagator of the delay.
fn delay(sample: &Sample, lines: &[Line]) -> Result<Option<Matrix>, LinalgError> {
    let Some(time) = delay_time(lines) else { return Ok(None) };
    Ok(Some(hermitian_eigen(&sample.hamiltonian)?.propagator(time)))
}

/// All words of some letters, one a channel.
fn words(letters: &str, channels: usize) -> Vec<String> {
    (0..channels).fold(vec![String::new()], |all, _| {
        all.iter().flat_map(|w| letters.chars().map(move |c| format!("{w}{c}"))).collect()
    })
}

/// The rows of the design matrix that a readout adds.
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

/// `A^T A` of rows of `size` numbers each.
#[expect(
    clippy::indexing_slicing,
    reason = "a row of a design has as many numbers as a state has parameters, which is the size"
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

/// What a Gram matrix says of a set: rank, condition number, and the mean variance of a parameter that is seen.
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

/// The readouts that may be chosen, and what all of them together see.
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
    // Equivalent spins are told apart by smaller angles, inequivalent ones of a channel by time.
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

/// The smallest set of readouts that sees all that can be seen; of several the one with the best condition number.
///
/// # Errors
/// When nothing can be seen, or eigenvalues cannot be computed.
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

/// A set that is given, by its words.
///
/// # Errors
/// When a word is none, or the set does not see all that can be seen.
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

/// The numbers of the readouts of the smallest set.
#[expect(clippy::indexing_slicing, reason = "a set has at least one member, and its members are numbers of matrices")]
fn smallest(grams: &[Matrix], visible: usize, numbers: usize) -> Result<Vec<usize>, LinalgError> {
    let fewest = visible.div_ceil(numbers.max(1)).max(1);
    // Small systems: every set, size by size.
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
            // Sets that differ by rounding are equal, and the first is taken.
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

/// The next set of ascending numbers below n.
#[expect(clippy::indexing_slicing, reason = "places of the set, each but the first behind another")]
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

/// Large systems: one readout after the other, each the one that sees most of what is not seen yet.
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
