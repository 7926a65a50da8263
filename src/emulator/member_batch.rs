//! Members of an ensemble in batches. A sequence compiled once for all of them is propagated for [`LANES`] members at a time; only the sums
//! of states and signals are stored, so that memory does not grow with the number of members.
//!
//! States are deviations from the maximally mixed state, which no unitary changes.

use super::cancel::{ScanSums, observed_elements};
use super::dense_batch::{Assembly, Evolving, LARGEST, levels_of};
use super::fid::SignalSum;
use super::projection::Projection;
use crate::hamiltonian::ensemble_program::{EnsembleBlock, EnsembleProgram, Terms, compile_ensemble};
use crate::hamiltonian::{CrystalFrame, Evaluator, Fault, Member, Variation, Varying, is_individual};
use crate::lanes::{LANES, Lane, MatrixBatch};
use crate::linalg::{C64, Matrix, add_to_diagonal, identity, real};
use crate::metrics::LevelsBatch;
use crate::spin::{Space, Sparse};
use crate::waveform::Numbers;
use rayon::prelude::*;

/// Number of members summed together by one thread.
const GROUP: usize = 16 * LANES;

/// Number of groups whose lines are evaluated at the sample points together.
const GROUPS: usize = 16;

/// Evolution under a constant Hamiltonian.
pub(super) struct Evolution {
    pub(super) assembly: Assembly,
    /// Its eigendecomposition, if the Hamiltonian is the same for all members.
    pub(super) levels: Option<LevelsBatch>,
    pub(super) duration: f64,
    dimension: usize,
}

pub(super) enum Step {
    Evolve(Evolution, Option<usize>),
    Pulse(Evolution, bool),
    Project(Projection),
    Mark,
    Acquire(Box<Acquisition>),
}

/// A free induction decay.
pub(super) struct Acquisition {
    pub(super) evolution: Evolution,
    /// F+ of the nucleus: row, column, value.
    pub(super) raising: Vec<(usize, usize, C64)>,
    /// Receiver phase factor `exp(-i phase)`.
    pub(super) receiver: C64,
    /// The density-matrix elements observed by the receiver.
    observed: Vec<(usize, usize)>,
}

/// The sequence for one scan of the phase cycle.
pub(super) struct Scan {
    pub(super) numbers: Numbers,
    pub(super) steps: Vec<Step>,
}

/// The members of an ensemble, compiled for propagation in batches.
pub struct MemberBatch<'m> {
    /// Deviation of the common initial state from the maximally mixed state.
    pub(super) begin: MatrixBatch,
    /// Mean diagonal element of the initial state.
    level: f64,
    pub(super) scans: Vec<Scan>,
    /// The members of the first scan.
    members: &'m [Member],
    /// The direction of the field in the crystal frame, before a crystallite is turned.
    frame: CrystalFrame,
    /// The quantities in which they differ.
    varying: Varying,
    /// Number of steps up to the last one that produces output.
    pub(super) last: usize,
    pub(super) wanted: Wanted,
}

/// The outputs needed from the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Mean states at marks and at the end.
    pub marks: bool,
    /// Mean states along recorded statements.
    pub records: bool,
    /// Signals.
    pub signals: bool,
}

/// Weighted sum of the states of members at one moment.
pub struct Look {
    /// Sum of the deviations.
    pub state: Matrix,
    /// Sum of the time derivatives; `None` if nothing acts.
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

/// Sums over members with their weights.
#[derive(Default)]
pub struct Sums {
    /// At each mark, at each sample of each recorded statement, and at the end, in the order of the sequence.
    pub looks: Vec<Look>,
    /// Signals of the free induction decays.
    pub signals: Vec<SignalSum>,
    /// Norms before and after averaging over the scans of a phase cycle, for each decay.
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

impl<'m> MemberBatch<'m> {
    /// Compiles the sequence for all members; `None` if they must be propagated individually.
    ///
    /// # Errors
    /// If the orientation of the sample cannot be evaluated.
    pub fn new(e: &Evaluator, members: &'m [Member], wanted: Wanted) -> Result<Option<Self>, Fault> {
        if e.basis.size() > LARGEST as f64 || is_individual(e) {
            return Ok(None);
        }
        // Members are ordered scan-major.
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
        let frame = CrystalFrame::of(e)?;
        let Some(varying) = first.first().map(|m| Varying::like(&m.variation)) else { return Ok(None) };
        if !first.iter().all(|member| varying.fits(&member.variation)) {
            return Ok(None);
        }
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
        Ok(Some(MemberBatch { begin, level, scans, members: first, frame, varying, last, wanted }))
    }

    /// Mean diagonal element of the states: the deviations are relative to it.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// Values of the variables, and the weight in each scan, for so many members at a time: those of all would be most of the memory.
    pub(super) fn rows(&self, count: usize) -> impl Iterator<Item = Vec<(Vec<f64>, f64)>> {
        let row = |member: &Member| {
            let field = self.frame.field_in_crystal(member.variation.orientation);
            Some((self.varying.values(&member.variation, field)?, member.weight))
        };
        // All members fit.
        self.members.chunks(count).map(move |members| members.iter().filter_map(row).collect())
    }

    /// The sums over all members; `finish` evaluates the lines of the signals after a number of groups. `None` if a value is not finite
    /// or an eigendecomposition fails. Groups are added in order, so that the result does not depend on the number of threads.
    pub fn run(&self, finish: impl Fn(usize, &mut SignalSum)) -> Option<Sums> {
        let mut all = Sums::default();
        for block in self.rows(GROUP * GROUPS) {
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

    /// The sums over the members of a batch and over the scans. Unused lanes repeat the first member with weight 0.
    pub(super) fn batch(&self, members: &[(Vec<f64>, f64)]) -> Option<Sums> {
        let variables = variables(members)?;
        let weights = Lane(std::array::from_fn(|l| members.get(l).map_or(0.0, |m| m.1)));
        let mut sums = Sums::default();
        // Indexed by scan, then by acquisition.
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

    /// The sums over the members of a batch for one scan of the phase cycle, and the elements observed by the receiver.
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
        // The evolution that acts at present.
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
                    // The transient at a pulse edge belongs to the pulse.
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

/// The variables of a batch in lanes; unused lanes repeat the first member.
pub(super) fn variables(members: &[(Vec<f64>, f64)]) -> Option<Vec<Lane>> {
    let first = members.first()?;
    let of = |lane: usize| members.get(lane).unwrap_or(first);
    let variable = |k: usize| Lane(std::array::from_fn(|l| of(l).0.get(k).copied().unwrap_or(f64::NAN)));
    Some((0..first.0.len()).map(variable).collect())
}

/// Weighted sums of states and of their time derivatives under a Hamiltonian.
fn look(rho: &MatrixBatch, weights: &Lane, acting: Option<&LevelsBatch>) -> Look {
    let rate = acting.map(|levels| {
        let mut rate = MatrixBatch::zeros(rho.dimension());
        Evolving::new(levels, rho).rate(&mut rate);
        weighted(&rate, weights)
    });
    Look { state: weighted(rho, weights), rate }
}

/// Energy levels of the evolution that acts at present.
fn levels_now<'a>(acting: &'a Option<(&'a Evolution, Option<LevelsBatch>)>) -> Option<&'a LevelsBatch> {
    acting.as_ref().and_then(|(evolution, own)| own.as_ref().or(evolution.levels.as_ref()))
}

/// The density-matrix elements of a batch observed by a receiver, with its phase.
type Seen = Vec<(Lane, Lane)>;

/// Lanes multiplied by a complex number.
fn turned((re, im): (Lane, Lane), by: C64) -> (Lane, Lane) {
    (re * by.re - im * by.im, re * by.im + im * by.re)
}

/// Norms of the observed coherences of the first members, before and after the sum over scans.
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
    /// Eigendecomposition in all lanes; `own` stores it if it differs between members.
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

/// Weighted sum of matrices over the lanes.
fn weighted(rho: &MatrixBatch, weights: &Lane) -> Matrix {
    let n = rho.dimension();
    let sum = |x: Lane| x.0.iter().zip(&weights.0).map(|(x, w)| x * w).sum::<f64>();
    Matrix::from_fn(n, n, |i, j| {
        let (re, im) = rho.at(i, j);
        C64::new(sum(re), sum(im))
    })
}

/// Amplitudes of the lines between pairs of levels: `(V+ rho V)_ab (V+ F+ V)_ba`, which oscillates at E_b - E_a.
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

/// The lines of the first lanes, each multiplied by its factor.
fn signal(levels: &LevelsBatch, amplitudes: &MatrixBatch, factors: &[C64; LANES], lanes: usize) -> SignalSum {
    /// Lines whose squared amplitude is below this fraction of the largest are rounding errors.
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
                // A projection that removes populations also changes the maximally mixed state.
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
