//! Batched propagation: an experiment compiled to a [`Program`] is propagated for many parameter points at once, one per SIMD lane.
//!
//! This is the dense batch engine: up to [`LARGEST`] states, Hamiltonians constant within each statement, density matrices stored as
//! structures of arrays. A statement needs one eigendecomposition per lane, or a single one if its Hamiltonian has no parameters.
//! Curves are evaluated from Bohr frequencies, without forming a state per sample. A lane is irregular if its numbers would be refused,
//! rounded away or non-finite; its point is then run individually, so that values and messages are those of a single run.

use super::adaptive_sampling::SampledCurve;
use super::dense_batch::{Assembly, LARGEST, levels_of};
use super::engines::exact::EXACT;
use super::observable::{Aggregate, Observable};
use super::request::{Observables, Requests};
use super::results::{Mark, Run, RunInfo, Trace};
use super::settings::{Method, Options, Processor};
use super::trace::{Between, MOST_AT_ONCE, extremum_of, finest_of, grid};
use crate::hamiltonian::program::{Block, Condition, Preparation, Program, compile};
use crate::hamiltonian::{Evaluator, Shared, Values};
use crate::ir::Measure;
use crate::lanes::{LANES, Lane, MatrixBatch, from_levels, gibbs};
use crate::metrics::{BohrBatch, InLanes, LevelsBatch, Phases, SceneBatch, time};
use crate::spin::Space;
use crate::waveform::Slot;
use std::collections::BTreeMap;
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

/// An extremum of a curve over recorded statements.
struct Extremum {
    key: String,
    function: String,
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
            Some(Extremum { key: a.key.clone(), function: a.function.clone(), trace: a.trace.clone(), curve })
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
        Some(Statement { assembly, duration, levels, phases, record: record.clone() })
    }
}

/// An experiment compiled for batched propagation.
pub struct Batch {
    program: Program,
    observables: Vec<InBatch>,
    extrema: Vec<Extremum>,
    /// Metrics at single marks: name of the mark, and metric.
    at_marks: Vec<(String, InBatch)>,
    /// Named scalars computed from extrema and from metrics at marks.
    summary: Vec<(String, Observable)>,
    prepare: Start,
    battery: Option<Assembly>,
    steps: Vec<Step>,
}

impl Batch {
    /// Compiles an experiment for the variable parameters `variables`; `None` if the batch engine does not apply.
    /// The decision is independent of the values at any point.
    pub fn new(shared: &Arc<Shared>, variables: &[String]) -> Option<Batch> {
        let e = Evaluator::symbolic(shared, variables).ok()?;
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
        Some(Batch { program, observables, extrema, at_marks, summary, prepare, battery, steps })
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

    /// Runs up to [`LANES`] parameter points; `None` for points that must be run individually.
    pub fn run(&self, points: &[Values], tolerance: f64) -> Vec<Option<Run>> {
        let Some(first) = points.first() else { return vec![] };
        let mut irregular = [false; LANES];
        // Unused lanes repeat the first point.
        let of = |lane: usize, name: &str| points.get(lane).unwrap_or(first).get(name).copied().unwrap_or(f64::NAN);
        let variables: Vec<Lane> =
            self.program.variables.iter().map(|name| Lane(std::array::from_fn(|l| of(l, name)))).collect();
        let mut slots = Vec::new();
        self.program.numbers.evaluate(&variables, &mut slots, &mut irregular);
        for condition in &self.program.conditions {
            hold(*condition, &slots, &mut irregular);
        }
        let Some(mut columns) = self.propagate(&slots, tolerance, &mut irregular) else {
            return points.iter().map(|_| None).collect();
        };
        let regular = |l: usize| irregular.get(l) == Some(&false);
        (0..points.len())
            .map(|l| if regular(l) { self.results(&slots, &mut columns, (l, tolerance)) } else { None })
            .collect()
    }

    /// Propagates a batch; a lane with non-finite values becomes irregular.
    fn propagate(&self, slots: &[Lane], tolerance: f64, irregular: &mut [bool; LANES]) -> Option<Columns> {
        let n = self.program.basis.dimension();
        let mut rho = match &self.prepare {
            Start::Fixed(rho) => rho.clone(),
            Start::Gibbs(hamiltonian, temperature) => {
                let levels = levels_of(hamiltonian.matrix(slots, n), irregular);
                let mut rho = MatrixBatch::zeros(n);
                let temperature = temperature.of(slots);
                pulp::Arch::new().dispatch(Gibbs { levels: &levels, temperature, out: &mut rho });
                rho
            }
        };
        let scene = SceneBatch { battery: self.battery.as_ref().map(|b| b.matrix(slots, n)), initial: rho.clone() };
        let mut columns = Columns::default();
        let mut clock = Lane::zero();
        let mut phase = Lane::zero();
        let mut last = BohrBatch::still(&rho);
        for step in &self.steps {
            match step {
                Step::Mark(name) => self.mark(name, clock, &last, &scene, (&mut columns, irregular))?,
                Step::Evolve(statement) => {
                    let duration = statement.duration.of(slots);
                    let own;
                    let levels = match &statement.levels {
                        Some(levels) => levels,
                        None => {
                            own = levels_of(statement.assembly.matrix(slots, n), irregular);
                            &own
                        }
                    };
                    phase += statement.assembly.spread(slots) * duration;
                    let expansion = BohrBatch::new(levels, &rho);
                    let end = match &statement.phases {
                        Some((_, end)) => end.clone(),
                        None => Phases::own(&expansion, duration, 1),
                    };
                    if let Some((name, points)) = &statement.record {
                        let own;
                        let phases = match &statement.phases {
                            Some((samples, _)) => samples,
                            None => {
                                own = Phases::own(&expansion, duration, *points);
                                &own
                            }
                        };
                        let mut values = Vec::with_capacity(self.observables.len());
                        for observable in &self.observables {
                            let mut curve = vec![Lane::zero(); *points];
                            let found = (observable.lanes)(&expansion, &scene)?.scaled(observable.scale);
                            found.values(phases, &mut curve);
                            curve.iter().for_each(|x| regular(x, irregular));
                            values.push(by_lane(&curve));
                        }
                        let spread = statement.assembly.spread(slots);
                        let recorded =
                            Recorded { statement, expansion: &expansion, duration, spread, name, points: *points };
                        self.extrema(&recorded, &scene, &mut columns, irregular)?;
                        let fixed = statement.phases.is_some();
                        let times = times(duration, *points, fixed);
                        columns.traces.push(TraceColumns { name: name.clone(), start: clock, times, values });
                    }
                    rho = expansion.state(&end);
                    clock += duration;
                    last = (expansion, end);
                }
            }
        }
        self.mark("end", clock, &last, &scene, (&mut columns, irregular))?;
        // If rounding of the phases would exceed the tolerance, a single run reports it.
        let lost = phase * (0.5 * f64::EPSILON);
        lost.0.iter().zip(irregular).for_each(|(x, irregular)| *irregular |= *x > tolerance);
        Some(columns)
    }

    /// Requested extrema over a recorded statement: sampled jointly where all lanes share a grid, refined lane by lane.
    fn extrema(
        &self,
        recorded: &Recorded,
        scene: &SceneBatch,
        columns: &mut Columns,
        irregular: &mut [bool; LANES],
    ) -> Option<()> {
        let Recorded { statement, expansion, duration, spread, name, points } = recorded;
        let lane = |x: &Lane, l: usize| x.0.get(l).copied().unwrap_or(f64::NAN);
        for wanted in self.extrema.iter().filter(|a| a.trace.as_ref().is_none_or(|t| t == name)) {
            let curve = (wanted.curve.lanes)(expansion, scene)?.scaled(wanted.curve.scale);
            let mut values = [None; LANES];
            let mut together: Option<(Vec<f64>, Vec<Lane>)> = None;
            for (l, (value, irregular)) in values.iter_mut().zip(irregular.iter_mut()).enumerate() {
                let (duration, own) = (lane(duration, l), curve.lane(expansion, l));
                let finest = finest_of(duration, lane(spread, l), *points);
                // Curves that are not linear in the state are sampled twice as densely.
                let mut intervals = (duration / finest - 1e-9).ceil().max(1.0) as usize;
                if !own.is_wave() && intervals >= *points {
                    intervals *= 2;
                }
                if *irregular || intervals > MOST_AT_ONCE {
                    *irregular = true;
                    continue;
                }
                let (times, values) = match &statement.levels {
                    Some(levels) if statement.phases.is_some() => {
                        let (times, lanes) = together.get_or_insert_with(|| {
                            let mut lanes = vec![Lane::zero(); intervals + 1];
                            curve.values(&Phases::shared(levels, duration, intervals + 1), &mut lanes);
                            (grid(duration, intervals + 1), lanes)
                        });
                        (times.clone(), lanes.iter().map(|x| lane(x, l)).collect::<Vec<f64>>())
                    }
                    _ => {
                        let times = grid(duration, intervals + 1);
                        let values = own.values(&times);
                        (times, values)
                    }
                };
                if !values.iter().all(|x| x.is_finite()) {
                    *irregular = true;
                    continue;
                }
                let samples = SampledCurve { times, values, rough: vec![] };
                let known = (&samples, Between::of(&own));
                match extremum_of(&wanted.function, (duration, finest), known, |t| Ok(Some(own.at(t)))) {
                    Ok((found, true)) => *value = found,
                    // A single run reports the cause.
                    Ok((_, false)) | Err(_) => *irregular = true,
                }
            }
            columns.known.retain(|(key, _)| *key != wanted.key);
            columns.known.push((wanted.key.clone(), values));
        }
        Some(())
    }

    /// Named scalars of a lane; `None` if one is undefined, in which case a single run explains why.
    fn summary(&self, columns: &Columns, lane: usize) -> Option<Vec<(String, Option<f64>)>> {
        let of = |values: &[Option<f64>; LANES]| values.get(lane).copied().flatten();
        let known: BTreeMap<String, Option<f64>> =
            columns.known.iter().map(|(key, values)| (key.clone(), of(values))).collect();
        let value = |(key, o): &(String, Observable)| Some((key.clone(), Some(o.answer(None, &known).ok()?)));
        self.summary.iter().map(value).collect()
    }

    /// The values at a mark at the end of the last statement: of all observables, and of the metrics requested at this mark.
    fn mark(
        &self,
        name: &str,
        clock: Lane,
        (expansion, end): &(BohrBatch, Phases),
        scene: &SceneBatch,
        (columns, irregular): (&mut Columns, &mut [bool; LANES]),
    ) -> Option<()> {
        let mut value = |metric: &InBatch| {
            let mut value = [Lane::zero()];
            (metric.lanes)(expansion, scene)?.scaled(metric.scale).values(end, &mut value);
            let [value] = value;
            regular(&value, irregular);
            Some(value)
        };
        let values = self.observables.iter().map(&mut value).collect::<Option<Vec<Lane>>>()?;
        for (_, metric) in self.at_marks.iter().filter(|(mark, _)| mark == name) {
            columns.known.push((metric.key.clone(), value(metric)?.0.map(Some)));
        }
        columns.marks.push(MarkColumns { name: name.to_string(), time: clock, values });
        Some(())
    }

    /// Results of one lane, whose curves are moved out; `None` if something is undefined and a single run must explain it.
    fn results(&self, slots: &[Lane], columns: &mut Columns, (lane, tolerance): (usize, f64)) -> Option<Run> {
        let summary = self.summary(columns, lane)?;
        let of = |x: &Lane| x.0.get(lane).copied().unwrap_or(f64::NAN);
        let key = |k: usize| self.observables.get(k).map_or(String::new(), |o| o.key.clone());
        let marks = columns.marks.iter().map(|m| Mark {
            name: m.name.clone(),
            time: of(&m.time),
            values: m.values.iter().enumerate().map(|(k, x)| (key(k), Some(of(x)))).collect(),
            state: None,
        });
        let marks: Vec<Mark> = marks.collect();
        let traces = columns.traces.iter_mut().map(|t| {
            let curves = t.values.iter_mut().map(|curves| curves.get_mut(lane).map(std::mem::take).unwrap_or_default());
            Trace {
                name: t.name.clone(),
                start: of(&t.start),
                time: t.times.get(lane).or(t.times.first()).cloned().unwrap_or_default(),
                values: curves.enumerate().map(|(k, curve)| (key(k), curve)).collect(),
            }
        });
        Some(Run {
            summary,
            params: self.program.params.iter().map(|(name, slot)| (name.clone(), of(&slot.of(slots)))).collect(),
            traces: traces.collect(),
            how: RunInfo {
                whole: self.program.basis.size(),
                dimension: self.program.basis.size(),
                pure: false,
                random_vectors: 0,
                members: 1,
                methods: if self.steps.iter().any(|s| matches!(s, Step::Evolve(_))) {
                    vec![EXACT.into()]
                } else {
                    vec![]
                },
                tolerance,
                duration: marks.last().map_or(0.0, |m| m.time),
                truncation: vec![],
            },
            marks,
            ..Run::default()
        })
    }
}

/// A recorded statement in a batch.
struct Recorded<'a> {
    statement: &'a Statement,
    expansion: &'a BohrBatch,
    duration: Lane,
    /// Upper bound of the largest difference of eigenvalues.
    spread: Lane,
    name: &'a str,
    points: usize,
}

/// Values of a curve, lane by lane.
fn by_lane(curve: &[Lane]) -> Vec<Vec<Option<f64>>> {
    let mut out: Vec<Vec<Option<f64>>> = (0..LANES).map(|_| Vec::with_capacity(curve.len())).collect();
    for samples in curve.chunks(16) {
        for (l, own) in out.iter_mut().enumerate() {
            own.extend(samples.iter().map(|x| x.0.get(l).copied()));
        }
    }
    out
}

/// Sample times: one list if the duration is the same in all lanes of every batch, otherwise one per lane.
fn times(duration: Lane, points: usize, fixed: bool) -> Vec<Vec<f64>> {
    let lists = if fixed { 1 } else { LANES };
    duration.0.iter().take(lists).map(|t| (0..points).map(|j| time(*t, j, points)).collect()).collect()
}

/// Results of a batch.
#[derive(Default)]
struct Columns {
    /// Extrema and metrics at marks, by key, then by lane.
    known: Vec<(String, [Option<f64>; LANES])>,
    marks: Vec<MarkColumns>,
    traces: Vec<TraceColumns>,
}

struct MarkColumns {
    name: String,
    time: Lane,
    values: Vec<Lane>,
}

struct TraceColumns {
    name: String,
    start: Lane,
    /// By lane; a single list if shared by all lanes.
    times: Vec<Vec<f64>>,
    /// By observable, then by lane, then by sample.
    values: Vec<Vec<Vec<Option<f64>>>>,
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
