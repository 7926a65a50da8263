//! Batched propagation: an experiment compiled to a [`Program`] is propagated for many parameter points at once, one per SIMD lane.
//!
//! This is the dense batch engine: up to [`LARGEST`] states, Hamiltonians constant within each statement, density matrices stored as
//! structures of arrays. A statement needs one eigendecomposition per lane, or a single one if its Hamiltonian has no parameters.
//! Curves are evaluated from Bohr frequencies, without forming a state per sample. A lane is irregular if its numbers would be refused,
//! rounded away or non-finite; its point is then run individually, so that values and messages are those of a single run.

use super::batch_extrema::{Grid, SharedGrid, extreme_sample};
use super::dense_batch::{Assembly, LARGEST, levels_of};
use super::observable::{Aggregate, Observable};
use super::point_columns::PointColumns;
use super::point_runs::{About, BatchRun, Columns, MarkColumns};
use super::request::{Observables, Requests};
use super::settings::{Method, Options, Processor};
use crate::hamiltonian::program::{Block, Condition, Preparation, Program, compile};
use crate::hamiltonian::{Evaluator, Invariants};
use crate::ir::{Aggregation, Measure};
use crate::lanes::{LANES, Lane, MatrixBatch, from_levels, gibbs};
use crate::metrics::{BohrBatch, CurveBatch, InLanes, LevelsBatch, PackedCurve, Phases, SceneBatch, time};
use crate::spin::Space;
use crate::waveform::Slot;
use std::sync::Arc;

/// Statements with more samples than this are run point by point: a batch holds all samples in memory.
const MOST_SAMPLES: usize = 10_000;

/// Below this memory limit (bytes), a single run decides whether it fits.
const LEAST_MEMORY: f64 = 1e8;

/// An observable evaluated in lanes.
struct InBatch {
    key: String,
    lanes: InLanes,
    scale: f64,
}

impl InBatch {
    /// Its curves in reported units; `None` if it has no such form.
    fn curve(&self, expansion: &BohrBatch, scene: &SceneBatch) -> Option<CurveBatch> {
        Some((self.lanes)(expansion, scene)?.scaled(self.scale))
    }
}

/// An extremum of a curve over recorded statements.
struct Extremum {
    key: String,
    aggregation: Aggregation,
    /// Name of the trace, if one is given.
    trace: Option<String>,
    curve: InBatch,
}

/// A statement, with everything that is the same for all batches.
struct Statement {
    assembly: Assembly,
    duration: Slot,
    /// Eigendecomposition, if the Hamiltonian has no parameters.
    levels: Option<LevelsBatch>,
    /// Phases at the samples and at the end, if the duration has no parameters either. Sharing is decided by the program alone, never by
    /// coinciding values in one batch: otherwise the bits of a lane would depend on the other lanes.
    phases: Option<(Phases, Phases)>,
    /// The times of the samples in that case, as a single list.
    times: Option<Arc<Vec<Vec<f64>>>>,
    /// Grid for extrema in that case.
    grid: SharedGrid,
    record: Option<(String, usize)>,
}

/// The initial state.
enum Start {
    /// Gibbs state of a Hamiltonian, at a temperature.
    Gibbs(Assembly, Slot),
    /// The same state in all lanes.
    Fixed(MatrixBatch),
}

enum Step {
    Evolve(Box<Statement>),
    Mark(String),
}

/// Requested observables, extrema and named scalars.
struct Measured {
    observables: Vec<InBatch>,
    extrema: Vec<Extremum>,
    at_marks: Vec<(String, InBatch)>,
    summary: Vec<(String, Observable)>,
}

impl Measured {
    /// `None` if some observable cannot be evaluated in lanes.
    fn of(e: &Evaluator, program: &Program) -> Option<Measured> {
        if !e.experiment.theories.is_empty() {
            return None;
        }
        let Observables { observables, aggregates, at_marks } = Requests::Declared(&[]).observables(e).ok()?;
        // No Hamiltonian acts at a mark before the first evolution, so a rate is undefined there.
        let begins_still = !matches!(program.blocks.first(), Some(Block::Evolve { .. }));
        let in_batch = |o: &Observable| {
            let (lanes, scale, moving) = o.in_lanes()?;
            (!moving || !begins_still).then(|| InBatch { key: o.key.clone(), lanes, scale })
        };
        let extremum = |a: &Aggregate| {
            let (lanes, scale, _) = a.curve.in_lanes()?;
            let curve = InBatch { key: a.curve.key.clone(), lanes, scale };
            Some(Extremum { key: a.key.clone(), aggregation: a.aggregation, trace: a.trace.clone(), curve })
        };
        let named = e.experiment.measures.iter().filter(|m| m.summary);
        let scalar = |m: &Measure| Some((m.key.clone(), Observable::new(e, m.key.clone(), &m.value).ok()?));
        Some(Measured {
            observables: observables.iter().map(in_batch).collect::<Option<_>>()?,
            extrema: aggregates.iter().map(extremum).collect::<Option<_>>()?,
            at_marks: at_marks
                .iter()
                .map(|a| Some((a.mark.clone(), InBatch { key: a.key.clone(), ..in_batch(&a.metric)? })))
                .collect::<Option<_>>()?,
            summary: named.map(scalar).collect::<Option<_>>()?,
        })
    }
}

impl Statement {
    /// `None` if a parameter-free Hamiltonian cannot be diagonalised, or the statement has too many samples.
    fn of(
        assembly: Assembly,
        duration: Slot,
        record: &Option<(String, usize)>,
        program: &Program,
    ) -> Option<Statement> {
        let constant = |slot: &Slot| program.numbers.constant(*slot);
        let levels = match assembly.constants(constant) {
            Some(numbers) => Some(assembly.levels(&numbers, program.basis.dimension())?),
            None => None,
        };
        let points = record.as_ref().map_or(1, |(_, points)| *points);
        if points > MOST_SAMPLES {
            return None;
        }
        let shared = levels.as_ref().zip(constant(&duration));
        let phases = shared.map(|(l, t)| (Phases::shared(l, t, points), Phases::shared(l, t, 1)));
        let times = shared.map(|(_, t)| Arc::new(times(Lane::splat(t), points, 1)));
        let (grid, record) = (SharedGrid::default(), record.clone());
        Some(Statement { assembly, duration, levels, phases, times, grid, record })
    }

    /// Eigendecomposition and grid, if they are the same for all batches.
    fn shared(&self) -> Option<(&LevelsBatch, &SharedGrid)> {
        self.phases.as_ref()?;
        Some((self.levels.as_ref()?, &self.grid))
    }
}

/// An experiment compiled for batched propagation.
pub struct Batch {
    program: Program,
    observables: Vec<InBatch>,
    extrema: Vec<Extremum>,
    /// Metrics at single marks: name of the mark, and metric.
    at_marks: Vec<(String, InBatch)>,
    about: Arc<About>,
    prepare: Start,
    battery: Option<Assembly>,
    steps: Vec<Step>,
}

impl Batch {
    /// Compiles an experiment for the variable parameters `variables`; `None` if the batch engine does not apply.
    /// The decision is independent of the values at any point.
    pub fn new(invariants: &Arc<Invariants>, variables: &[String]) -> Option<Batch> {
        let e = Evaluator::symbolic(invariants, variables).ok()?;
        let program = compile(&e, variables)?;
        if program.basis.size() > LARGEST as f64 {
            return None;
        }
        let Measured { observables, extrema, at_marks, summary } = Measured::of(&e, &program)?;
        let space = Space::whole(program.basis.clone());
        let prepare = match &program.prepare {
            Preparation::Gibbs(terms, temperature) => Start::Gibbs(Assembly::of(terms, &space), *temperature),
            Preparation::Fixed(prepared) => {
                let mut rho = MatrixBatch::zeros(space.len());
                rho.broadcast(&prepared.state(&space).density());
                Start::Fixed(rho)
            }
        };
        let battery = program.battery.as_ref().map(|terms| Assembly::of(terms, &space));
        let step = |block: &Block| match block {
            Block::Mark(name) => Some(Step::Mark(name.clone())),
            Block::Evolve { hamiltonian, duration, record } => {
                let assembly = Assembly::of(hamiltonian, &space);
                let statement = Statement::of(assembly, *duration, record, &program)?;
                Some(Step::Evolve(Box::new(statement)))
            }
        };
        let steps = program.blocks.iter().map(step).collect::<Option<Vec<_>>>()?;
        let about = Arc::new(About {
            keys: observables.iter().map(|o| o.key.clone()).collect(),
            params: program.params.clone(),
            summary,
            states: program.basis.size(),
            evolves: steps.iter().any(|s| matches!(s, Step::Evolve(_))),
        });
        Some(Batch { program, observables, extrema, at_marks, about, prepare, battery, steps })
    }

    /// True if points are propagated in batches under these options.
    pub fn applies(options: &Options) -> bool {
        options.method == Method::Auto
            && options.processor == Processor::Cpu
            && options.typical.is_none()
            && options.spectrometer.is_none()
            && options.measured.is_none()
            && options.states == 0
            && options.max_memory >= LEAST_MEMORY
    }

    /// Runs `count` points, at most [`LANES`], from one on; `None` if all of them must be run individually.
    pub fn run(&self, points: &PointColumns, (from, count): (usize, usize), tolerance: f64) -> Option<BatchRun> {
        // The columns of the points are sorted by name, as the variables are.
        let variables: Vec<Lane> =
            (0..self.program.variables.len()).map(|k| points.lane(k, from..from + count)).collect();
        let mut irregular = [false; LANES];
        let mut slots = Vec::new();
        self.program.numbers.evaluate(&variables, &mut slots, &mut irregular);
        for condition in &self.program.conditions {
            hold(*condition, &slots, &mut irregular);
        }
        let columns = self.propagate(&slots, tolerance, &mut irregular)?;
        Some(BatchRun::new(self.about.clone(), (slots, columns), irregular, (count, tolerance)))
    }

    /// The initial states.
    fn prepared(&self, slots: &[Lane], irregular: &mut [bool; LANES]) -> MatrixBatch {
        match &self.prepare {
            Start::Fixed(rho) => rho.clone(),
            Start::Gibbs(hamiltonian, temperature) => {
                let n = self.program.basis.dimension();
                let levels = levels_of(hamiltonian.matrix(slots, n), irregular);
                let mut rho = MatrixBatch::zeros(n);
                let temperature = temperature.of(slots);
                pulp::Arch::new().dispatch(Gibbs { levels: &levels, temperature, out: &mut rho });
                rho
            }
        }
    }

    /// Propagates a batch; a lane with non-finite values becomes irregular.
    fn propagate(&self, slots: &[Lane], tolerance: f64, irregular: &mut [bool; LANES]) -> Option<Columns> {
        let n = self.program.basis.dimension();
        let mut rho = self.prepared(slots, irregular);
        let scene = SceneBatch { battery: self.battery.as_ref().map(|b| b.matrix(slots, n)), initial: rho.clone() };
        let mut columns = Columns::default();
        let (mut clock, mut phase) = (Lane::zero(), Lane::zero());
        let mut last: Option<Last> = None;
        for step in &self.steps {
            match step {
                Step::Mark(name) => {
                    let last = last.get_or_insert_with(|| Last::still(&rho));
                    self.mark(name, clock, last, &scene, (&mut columns, irregular))?;
                }
                Step::Evolve(statement) => {
                    if let Some(last) = last.take() {
                        rho = last.expansion.state(&last.end);
                    }
                    let duration = statement.duration.of(slots);
                    let own;
                    let levels = match &statement.levels {
                        Some(levels) => levels,
                        None => {
                            own = levels_of(statement.assembly.matrix(slots, n), irregular);
                            &own
                        }
                    };
                    let spread = statement.assembly.spread(slots);
                    phase += spread * duration;
                    let expansion = BohrBatch::new(levels, std::mem::replace(&mut rho, MatrixBatch::zeros(0)));
                    let end = match &statement.phases {
                        Some((_, end)) => end.clone(),
                        None => Phases::own(&expansion, duration, 1),
                    };
                    let now = last.insert(Last { expansion, end, curves: None });
                    if statement.record.is_some() {
                        let recorded = Recorded { statement, duration, spread, start: clock };
                        self.record(&recorded, now, &scene, (&mut columns, irregular))?;
                    }
                    clock += duration;
                }
            }
        }
        let last = last.get_or_insert_with(|| Last::still(&rho));
        self.mark("end", clock, last, &scene, (&mut columns, irregular))?;
        // If rounding of the phases would exceed the tolerance, a single run reports it.
        let lost = phase * (0.5 * f64::EPSILON);
        lost.0.iter().zip(irregular).for_each(|(x, irregular)| *irregular |= *x > tolerance);
        Some(columns)
    }

    /// Samples of all observables along a recorded statement, and the requested extrema.
    fn record(
        &self,
        recorded: &Recorded,
        last: &mut Last,
        scene: &SceneBatch,
        (columns, irregular): (&mut Columns, &mut [bool; LANES]),
    ) -> Option<()> {
        let Recorded { statement, duration, spread, start } = recorded;
        let (name, points) = statement.record.as_ref()?;
        let wanted = || self.extrema.iter().filter(|a| a.trace.as_ref().is_none_or(|t| t == name));
        let is_sampled = !self.observables.is_empty() || wanted().any(|a| a.aggregation.is_of_samples());
        let own = (statement.phases.is_none() && is_sampled).then(|| Phases::own(&last.expansion, *duration, *points));
        let phases = statement.phases.as_ref().map(|(samples, _)| samples).or(own.as_ref());
        let sampled = |curve: &PackedCurve, irregular: &mut [bool; LANES]| {
            let mut samples = Vec::new();
            regular(&curve.values(phases?, *points, &mut samples), irregular);
            Some(samples)
        };
        if !self.observables.is_empty() {
            let curves = last.curves(&self.observables, scene)?.iter();
            let values = curves.map(|curve| sampled(curve, irregular)).collect::<Option<_>>()?;
            let times = match &statement.times {
                Some(times) => times.clone(),
                None => Arc::new(times(*duration, *points, LANES)),
            };
            columns.add_trace(name, *start, times, values);
        }
        for wanted in wanted() {
            let curve = wanted.curve.curve(&last.expansion, scene)?;
            let values = if wanted.aggregation.is_of_samples() {
                let samples = sampled(&curve.packed(), irregular)?;
                extreme_sample(&samples, wanted.aggregation.is_lowest()).0.map(Some)
            } else {
                let grid = Grid { shared: statement.shared(), duration: *duration, spread: *spread, points: *points };
                grid.extremum(wanted.aggregation, &curve, &last.expansion, irregular)
            };
            columns.set(&wanted.key, values);
        }
        Some(())
    }

    /// The values at a mark at the end of the last statement: of all observables, and of the metrics requested at this mark.
    fn mark(
        &self,
        name: &str,
        clock: Lane,
        last: &mut Last,
        scene: &SceneBatch,
        (columns, irregular): (&mut Columns, &mut [bool; LANES]),
    ) -> Option<()> {
        let mut value = |curve: &PackedCurve, end: &Phases| {
            let mut value = Vec::with_capacity(1);
            regular(&curve.values(end, 1, &mut value), irregular);
            value.first().copied().unwrap_or(Lane::splat(f64::NAN))
        };
        let end = last.end.clone();
        let values = last.curves(&self.observables, scene)?.iter().map(|curve| value(curve, &end)).collect();
        for (_, metric) in self.at_marks.iter().filter(|(mark, _)| mark == name) {
            let found = value(&metric.curve(&last.expansion, scene)?.packed(), &end);
            columns.set(&metric.key, found.0.map(Some));
        }
        columns.marks.push(MarkColumns { name: name.to_string(), time: clock, values });
        Some(())
    }
}

/// The last statement of a batch.
struct Last {
    expansion: BohrBatch,
    /// Phases at its end.
    end: Phases,
    /// Curves of all observables, once they are needed.
    curves: Option<Vec<PackedCurve>>,
}

impl Last {
    /// No statement yet.
    fn still(rho: &MatrixBatch) -> Last {
        let (expansion, end) = BohrBatch::still(rho);
        Last { expansion, end, curves: None }
    }

    /// `None` if an observable has no such form.
    fn curves(&mut self, observables: &[InBatch], scene: &SceneBatch) -> Option<&[PackedCurve]> {
        if self.curves.is_none() {
            self.curves = Some(
                observables.iter().map(|o| Some(o.curve(&self.expansion, scene)?.packed())).collect::<Option<_>>()?,
            );
        }
        self.curves.as_deref()
    }
}

/// A recorded statement in a batch.
struct Recorded<'a> {
    statement: &'a Statement,
    duration: Lane,
    /// Upper bound of the largest difference of eigenvalues.
    spread: Lane,
    /// When it starts.
    start: Lane,
}

/// Sample times, one list for each of some lanes.
fn times(duration: Lane, points: usize, lanes: usize) -> Vec<Vec<f64>> {
    duration.0.iter().take(lanes).map(|t| (0..points).map(|j| time(*t, j, points)).collect()).collect()
}

/// Computes Gibbs states from energy levels.
struct Gibbs<'a> {
    levels: &'a LevelsBatch,
    temperature: Lane,
    out: &'a mut MatrixBatch,
}

impl pulp::NullaryFnOnce for Gibbs<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let LevelsBatch { values, vectors, .. } = self.levels;
        let mut weights = vec![Lane::zero(); values.len()];
        gibbs(values, self.temperature, &mut weights);
        from_levels(vectors, &weights, self.out);
    }
}

fn regular(x: &Lane, irregular: &mut [bool; LANES]) {
    x.0.iter().zip(irregular).for_each(|(x, irregular)| *irregular |= !x.is_finite());
}

fn hold(condition: Condition, slots: &[Lane], irregular: &mut [bool; LANES]) {
    for (l, irregular) in irregular.iter_mut().enumerate() {
        let of = |slot: Slot| slot.of(slots).0.get(l).copied().unwrap_or(f64::NAN);
        let holds = match condition {
            Condition::Positive(x) => of(x) > 0.0,
            Condition::Between(x, a, b) => (of(a).min(of(b))..=of(a).max(of(b))).contains(&of(x)),
        };
        *irregular |= !holds;
    }
}
