//! Members of an ensemble in batches: a sequence that is compiled once for all of them is propagated for [`LANES`] members at a time, and
//! leaves behind the sums of their states and of their signals, so that the memory does not grow with their number.
//!
//! States are deviations from the maximally mixed state, which no unitary changes.

use super::cancel::{ScanSums, observed_elements};
use super::dense_batch::{Assembly, Evolving, LARGEST, levels_of};
use super::fid::SignalSum;
use super::projection::Projection;
use crate::hamiltonian::ensemble_program::{EnsembleBlock, EnsembleProgram, Terms, compile_ensemble};
use crate::hamiltonian::{Evaluator, Fault, Member, Variation, Varying, field_directions};
use crate::lanes::{LANES, Lane, MatrixBatch};
use crate::linalg::{C64, Matrix, add_to_diagonal, identity, real};
use crate::metrics::LevelsBatch;
use crate::spin::{Space, Sparse};
use crate::waveform::Numbers;
use rayon::prelude::*;

/// Members whose sums are added up together, by one thread.
const GROUP: usize = 16 * LANES;

/// Groups whose lines are added up to points together.
const GROUPS: usize = 16;

/// Evolution under a Hamiltonian.
struct Evolution {
    assembly: Assembly,
    /// Where it is the same for all members.
    levels: Option<LevelsBatch>,
    duration: f64,
    dimension: usize,
}

enum Step {
    Evolve(Evolution, Option<usize>),
    Pulse(Evolution, bool),
    Project(Projection),
    Mark,
    Acquire(Box<Acquisition>),
}

/// A free induction decay.
struct Acquisition {
    evolution: Evolution,
    /// F+ of the nucleus.
    raising: Vec<(usize, usize, C64)>,
    /// `exp(-i phase)` of the receiver.
    receiver: C64,
    /// The elements of the state that the receiver sees.
    observed: Vec<(usize, usize)>,
}

/// The sequence as a scan of the phase cycle has it.
struct Scan {
    numbers: Numbers,
    steps: Vec<Step>,
}

/// The members of an ensemble that are propagated in batches.
pub struct MemberBatch {
    /// The deviation of what all members begin with.
    begin: MatrixBatch,
    /// The mean of the diagonal of that state.
    level: f64,
    scans: Vec<Scan>,
    /// What the variables are, and the weight in each scan.
    members: Vec<(Vec<f64>, f64)>,
    /// How many steps there are up to the last one that leaves something behind.
    last: usize,
    wanted: Wanted,
}

/// What is wanted of the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Mean states at marks and at the end.
    pub marks: bool,
    /// Mean states along recorded statements.
    pub records: bool,
    /// Signals.
    pub signals: bool,
}

/// The sum of the states of members at a moment.
pub struct Look {
    /// Of the deviations.
    pub state: Matrix,
    /// Of the rates of change; `None` where nothing acts.
    pub rate: Option<Matrix>,
}

impl Look {
    fn add(&mut self, other: Look) {
        self.state += other.state;
        if let (Some(rate), Some(other)) = (&mut self.rate, other.rate) {
            *rate += other;
        }
    }
}

/// Sums over members, by their weights.
#[derive(Default)]
pub struct Sums {
    /// At each mark, at each sample of each recorded statement, and at the end, in the order of the sequence.
    pub looks: Vec<Look>,
    /// Of the free induction decays.
    pub signals: Vec<SignalSum>,
    /// What the scans of a phase cycle have kept in each of them.
    pub kept: Vec<ScanSums>,
}

impl Sums {
    fn add(&mut self, other: Sums) {
        if self.looks.is_empty() && self.signals.is_empty() {
            *self = other;
            return;
        }
        self.looks.iter_mut().zip(other.looks).for_each(|(sum, x)| sum.add(x));
        self.signals.iter_mut().zip(other.signals).for_each(|(sum, x)| sum.add(x));
        self.kept.iter_mut().zip(other.kept).for_each(|(sum, x)| sum.join(x));
    }
}

impl MemberBatch {
    /// Compiles the sequence for all members; `None` where they are to be propagated one by one.
    ///
    /// # Errors
    /// When the orientation of the sample cannot be evaluated.
    pub fn new(e: &Evaluator, members: &[Member], wanted: Wanted) -> Result<Option<MemberBatch>, Fault> {
        if e.basis.size() > LARGEST as f64 {
            return Ok(None);
        }
        // Members are the product of the scans, outermost, and the spreads.
        let scans: Vec<&[Member]> = members.chunk_by(|a, b| a.variation.scan == b.variation.scan).collect();
        let Some((first, others)) = scans.split_first() else { return Ok(None) };
        let differs = |own: &[Member]| {
            let same = |(a, b): (&Member, &Member)| {
                let scan = a.variation.scan;
                a.weight == b.weight && Variation { scan, ..b.variation.clone() } == a.variation
            };
            own.len() != first.len() || !first.iter().zip(own).all(same)
        };
        if members.iter().any(|m| !m.values.is_empty()) || others.iter().any(|own| differs(own)) {
            return Ok(None);
        }
        let fields = field_directions(e, first.iter().map(|m| &m.variation))?;
        let Some(varying) = first.first().map(|m| Varying::like(&m.variation)) else { return Ok(None) };
        let variables =
            |(member, field): (&Member, [f64; 3])| Some((varying.values(&member.variation, field)?, member.weight));
        let Some(values) = first.iter().zip(fields).map(variables).collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let space = Space::whole(e.basis.clone());
        let compiled = scans.iter().filter_map(|own| own.first()).map(|member| {
            let EnsembleProgram { numbers, prepared, blocks } = compile_ensemble(e, &member.variation)?;
            let compiler = Compiler { numbers: &numbers, space: &space };
            let steps = blocks.into_iter().map(|block| compiler.step(block)).collect::<Option<Vec<Step>>>()?;
            Some((prepared.state(&space).density(), Scan { numbers, steps }))
        });
        let Some(compiled) = compiled.collect::<Option<Vec<(Matrix, Scan)>>>() else { return Ok(None) };
        let (states, scans): (Vec<Matrix>, Vec<Scan>) = compiled.into_iter().unzip();
        let Some(prepared) = states.first().filter(|first| states.iter().all(|other| other == *first)) else {
            return Ok(None);
        };
        let mut deviation = prepared.clone();
        let level = deviation.trace().re / deviation.nrows() as f64;
        add_to_diagonal(&mut deviation, real(-level));
        let mut begin = MatrixBatch::zeros(space.len());
        begin.broadcast(&deviation);
        let leaves = |step: &Step| match step {
            Step::Evolve(_, record) => record.is_some() && wanted.records,
            Step::Project(_) | Step::Pulse(..) => false,
            Step::Mark => wanted.marks,
            Step::Acquire(_) => wanted.signals,
        };
        let steps = scans.first().map_or(&[][..], |scan| &scan.steps);
        let last = if wanted.marks { steps.len() } else { steps.iter().rposition(leaves).map_or(0, |k| k + 1) };
        Ok(Some(MemberBatch { begin, level, scans, members: values, last, wanted }))
    }

    /// The mean of the diagonal of the states, which is that of the deviations' reference.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// The sums over all members; `finish` adds up the lines of signals after some groups. `None` where a number is not finite, or eigenvalues
    /// cannot be computed. Groups are added up in order: the result is the same for any number of threads.
    pub fn run(&self, finish: impl Fn(usize, &mut SignalSum)) -> Option<Sums> {
        let mut all = Sums::default();
        for block in self.members.chunks(GROUP * GROUPS) {
            let groups: Vec<Option<Sums>> = block.par_chunks(GROUP).map(|group| self.group(group)).collect();
            for group in groups {
                all.add(group?);
            }
            all.signals.iter_mut().enumerate().for_each(|(k, signal)| finish(k, signal));
        }
        Some(all)
    }

    fn group(&self, members: &[(Vec<f64>, f64)]) -> Option<Sums> {
        let mut sums = Sums::default();
        for batch in members.chunks(LANES) {
            sums.add(self.batch(batch)?);
        }
        Some(sums)
    }

    /// The sums over the members of a batch, and over the scans. Lanes without a member repeat the first one, with a weight of 0.
    fn batch(&self, members: &[(Vec<f64>, f64)]) -> Option<Sums> {
        let first = members.first()?;
        let of = |lane: usize| members.get(lane).unwrap_or(first);
        let variable = |k: usize| Lane(std::array::from_fn(|l| of(l).0.get(k).copied().unwrap_or(f64::NAN)));
        let variables: Vec<Lane> = (0..first.0.len()).map(variable).collect();
        let weights = Lane(std::array::from_fn(|l| members.get(l).map_or(0.0, |m| m.1)));
        let mut sums = Sums::default();
        // By scan, then by acquisition.
        let mut seen: Vec<Vec<Seen>> = Vec::with_capacity(self.scans.len());
        for scan in &self.scans {
            let mut own = Vec::new();
            sums.add(self.scan(scan, &variables, (&weights, members.len()), &mut own)?);
            seen.push(own);
        }
        if self.scans.len() > 1 {
            let acquisitions = seen.first().map_or(0, Vec::len);
            sums.kept = (0..acquisitions)
                .map(|k| kept(&seen.iter().filter_map(|own| own.get(k)).collect::<Vec<_>>(), members.len()))
                .collect();
        }
        Some(sums)
    }

    /// The sums over the members of a batch in a scan of the phase cycle, and what the receiver sees of each of them.
    fn scan(
        &self,
        Scan { numbers, steps }: &Scan,
        variables: &[Lane],
        (weights, members): (&Lane, usize),
        seen: &mut Vec<Seen>,
    ) -> Option<Sums> {
        let (mut slots, mut irregular) = (Vec::new(), [false; LANES]);
        numbers.evaluate(variables, &mut slots, &mut irregular);
        let mut sums = Sums::default();
        let mut rho = self.begin.clone();
        let mut moved = self.begin.clone();
        // What acts now.
        let mut acting: Option<(&Evolution, Option<LevelsBatch>)> = None;
        for step in steps.iter().take(self.last) {
            match step {
                Step::Mark if self.wanted.marks => sums.looks.push(look(&rho, weights, levels_now(&acting))),
                Step::Mark => {}
                Step::Project(projection) => {
                    (0..LANES).for_each(|l| rho.set_lane(l, &projection.apply(&rho.lane(l))));
                    acting = None;
                }
                Step::Pulse(evolution, transient) => {
                    let mut own = None;
                    let levels = evolution.levels(&slots, &mut irregular, &mut own);
                    Evolving::new(levels, &rho).at(evolution.duration, &mut moved);
                    std::mem::swap(&mut rho, &mut moved);
                    // The transient at an edge belongs to its pulse.
                    acting = acting.filter(|_| *transient);
                }
                Step::Evolve(evolution, record) => {
                    let mut own = None;
                    let levels = evolution.levels(&slots, &mut irregular, &mut own);
                    let mut evolving = Evolving::new(levels, &rho);
                    let samples = record.filter(|_| self.wanted.records).unwrap_or(0);
                    for j in 0..samples {
                        evolving.at(crate::metrics::time(evolution.duration, j, samples), &mut moved);
                        sums.looks.push(look(&moved, weights, Some(levels)));
                    }
                    evolving.at(evolution.duration, &mut moved);
                    std::mem::swap(&mut rho, &mut moved);
                    acting = Some((evolution, own));
                }
                Step::Acquire(acquisition) => {
                    let Acquisition { evolution, raising, receiver, observed } = &**acquisition;
                    let mut own = None;
                    let levels = evolution.levels(&slots, &mut irregular, &mut own);
                    let mut evolving = Evolving::new(levels, &rho);
                    if self.wanted.signals {
                        let amplitudes = amplitudes(levels, evolving.inside(), raising);
                        sums.signals.push(signal(levels, &amplitudes, &weights.0.map(|w| *receiver * w), members));
                        if self.scans.len() > 1 {
                            seen.push(observed.iter().map(|(i, j)| turned(rho.at(*i, *j), *receiver)).collect());
                        }
                    }
                    evolving.at(evolution.duration, &mut moved);
                    std::mem::swap(&mut rho, &mut moved);
                    acting = Some((evolution, own));
                }
            }
        }
        if self.wanted.marks {
            sums.looks.push(look(&rho, weights, levels_now(&acting)));
        }
        (!irregular.contains(&true)).then_some(sums)
    }
}

/// The sums of some states and of their rates of change under a Hamiltonian.
fn look(rho: &MatrixBatch, weights: &Lane, acting: Option<&LevelsBatch>) -> Look {
    let rate = acting.map(|levels| {
        let mut rate = MatrixBatch::zeros(rho.dimension());
        Evolving::new(levels, rho).rate(&mut rate);
        weighted(&rate, weights)
    });
    Look { state: weighted(rho, weights), rate }
}

/// The levels of what acts now.
fn levels_now<'a>(acting: &'a Option<(&'a Evolution, Option<LevelsBatch>)>) -> Option<&'a LevelsBatch> {
    acting.as_ref().and_then(|(evolution, own)| own.as_ref().or(evolution.levels.as_ref()))
}

/// The elements of the states of a batch that a receiver sees, in its phase.
type Seen = Vec<(Lane, Lane)>;

/// Lanes times a complex number.
fn turned((re, im): (Lane, Lane), by: C64) -> (Lane, Lane) {
    (re * by.re - im * by.im, re * by.im + im * by.re)
}

/// What some scans have kept of the coherences that a receiver sees of the first members.
fn kept(scans: &[&Seen], members: usize) -> ScanSums {
    let mut sums = ScanSums::default();
    let norm = |seen: &Seen, l: usize| {
        seen.iter().map(|(re, im)| of_lane(re, l).powi(2) + of_lane(im, l).powi(2)).sum::<f64>().sqrt()
    };
    let elements = scans.first().map_or(0, |seen| seen.len());
    let element = |k: usize| {
        scans
            .iter()
            .filter_map(|seen| seen.get(k))
            .fold((Lane::zero(), Lane::zero()), |sum, x| (sum.0 + x.0, sum.1 + x.1))
    };
    let mean: Seen = (0..elements).map(element).collect();
    for l in 0..members {
        sums.add(norm(&mean, l), scans.iter().map(|seen| norm(seen, l)).sum());
    }
    sums
}

impl Evolution {
    /// Eigenvalues and eigenvectors in all lanes; `own` holds those that are not the same for all members.
    fn levels<'a>(
        &'a self,
        slots: &[Lane],
        irregular: &mut [bool; LANES],
        own: &'a mut Option<LevelsBatch>,
    ) -> &'a LevelsBatch {
        match &self.levels {
            Some(levels) => levels,
            None => own.insert(levels_of(self.assembly.matrix(slots, self.dimension), irregular)),
        }
    }
}

/// The sum over the lanes of matrices by their weights.
fn weighted(rho: &MatrixBatch, weights: &Lane) -> Matrix {
    let n = rho.dimension();
    let sum = |x: Lane| x.0.iter().zip(&weights.0).map(|(x, w)| x * w).sum::<f64>();
    Matrix::from_fn(n, n, |i, j| {
        let (re, im) = rho.at(i, j);
        C64::new(sum(re), sum(im))
    })
}

/// The amplitudes of the lines between pairs of levels: those of `(V+ rho V)_ab (V+ F+ V)_ba`, which oscillates with E_b - E_a.
fn amplitudes(levels: &LevelsBatch, inside: &MatrixBatch, raising: &[(usize, usize, C64)]) -> MatrixBatch {
    let mut out = MatrixBatch::zeros(inside.dimension());
    pulp::Arch::new().dispatch(Amplitudes { levels, inside, raising, out: &mut out });
    out
}

struct Amplitudes<'a> {
    levels: &'a LevelsBatch,
    inside: &'a MatrixBatch,
    raising: &'a [(usize, usize, C64)],
    out: &'a mut MatrixBatch,
}

impl pulp::NullaryFnOnce for Amplitudes<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (n, v) = (self.inside.dimension(), &self.levels.vectors);
        for a in 0..n {
            for b in 0..n {
                let (mut re, mut im) = (Lane::zero(), Lane::zero());
                for &(row, column, x) in self.raising {
                    // conj(V_row,b) x V_column,a
                    let ((lr, li), (rr, ri)) = (v.at(row, b), v.at(column, a));
                    let (pr, pi) = (lr * rr + li * ri, lr * ri - li * rr);
                    re += pr * x.re - pi * x.im;
                    im += pr * x.im + pi * x.re;
                }
                let (sr, si) = self.inside.at(a, b);
                self.out.put(a, b, sr * re - si * im, sr * im + si * re);
            }
        }
    }
}

/// The lines of the first lanes, each times its factor.
fn signal(levels: &LevelsBatch, amplitudes: &MatrixBatch, factors: &[C64; LANES], lanes: usize) -> SignalSum {
    /// Lines below this share of the square of the largest one are the rounding of none.
    const NOTHING: f64 = 1e-34;
    let n = amplitudes.dimension();
    let element = |a: usize, b: usize, l: usize| {
        let (re, im) = amplitudes.at(a, b);
        C64::new(of_lane(&re, l), of_lane(&im, l))
    };
    let pairs = || (0..n).flat_map(|a| (0..n).map(move |b| (a, b)));
    let mut out = SignalSum::default();
    for (l, factor) in factors.iter().enumerate().take(lanes) {
        let largest = pairs().map(|(a, b)| element(a, b, l).norm_sqr()).fold(0.0, f64::max);
        out.add_lines(pairs().filter_map(|(a, b)| {
            let amplitude = element(a, b, l);
            let (from, to) = (levels.values.get(a)?, levels.values.get(b)?);
            let seen = amplitude.norm_sqr() > NOTHING * largest;
            seen.then(|| (of_lane(to, l) - of_lane(from, l), amplitude * factor))
        }));
    }
    out
}

fn of_lane(x: &Lane, lane: usize) -> f64 {
    x.0.get(lane).copied().unwrap_or(f64::NAN)
}

struct Compiler<'a> {
    numbers: &'a Numbers,
    space: &'a Space,
}

impl Compiler<'_> {
    fn step(&self, block: EnsembleBlock) -> Option<Step> {
        Some(match block {
            EnsembleBlock::Mark => Step::Mark,
            EnsembleBlock::Project(step) => {
                let projection = Projection::of(&step, self.space).ok()??;
                // What removes the populations leaves nothing of the maximally mixed state either.
                let mixed = identity(self.space.len());
                if (projection.apply(&mixed) - &mixed).norm() > 1e-12 {
                    return None;
                }
                Step::Project(projection)
            }
            EnsembleBlock::Pulse { hamiltonian, transient } => {
                Step::Pulse(self.evolution(&hamiltonian, 1.0)?, transient)
            }
            EnsembleBlock::Evolve { hamiltonian, duration, record } => {
                Step::Evolve(self.evolution(&hamiltonian, duration)?, record)
            }
            EnsembleBlock::Acquire { hamiltonian, nucleus, raising, receiver, duration } => {
                let mut entries = Vec::new();
                Sparse::of(&raising, self.space).visit(|row, column, x| entries.push((row, column, x)));
                Step::Acquire(Box::new(Acquisition {
                    evolution: self.evolution(&hamiltonian, duration)?,
                    raising: entries,
                    receiver: C64::cis(-receiver),
                    observed: observed_elements(self.space, &nucleus),
                }))
            }
        })
    }

    fn evolution(&self, hamiltonian: &Terms, duration: f64) -> Option<Evolution> {
        let assembly = Assembly::of(hamiltonian, self.space);
        let levels = match assembly.constants(|slot| self.numbers.constant(*slot)) {
            Some(numbers) => Some(assembly.levels(&numbers, self.space.len())?),
            None => None,
        };
        Some(Evolution { assembly, levels, duration, dimension: self.space.len() })
    }
}
