//! Results of points that are propagated together, as columns with one number per point.

use super::batch_extrema::extreme_sample;
use super::engines::exact::EXACT;
use super::observable::Observable;
use super::results::{Mark, Run, RunInfo, Trace};
use crate::hamiltonian::Fault;
use crate::lanes::{LANES, Lane};
use crate::waveform::Slot;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the results of all batches of an experiment have in common.
pub(super) struct About {
    /// Keys of the observables, in the order of their columns.
    pub keys: Vec<String>,
    /// All parameters, with the slots of their values.
    pub params: Vec<(String, Slot)>,
    /// Named scalars computed from extrema and from metrics at marks.
    pub summary: Vec<(String, Observable)>,
    /// Number of product states.
    pub states: f64,
    /// True if the sequence contains an evolution.
    pub evolves: bool,
}

/// Results of a batch.
#[derive(Default)]
pub(super) struct Columns {
    /// Extrema and metrics at marks, by key, then by lane.
    known: Vec<(String, [Option<f64>; LANES])>,
    pub marks: Vec<MarkColumns>,
    traces: Vec<TraceColumns>,
}

pub(super) struct MarkColumns {
    pub name: String,
    pub time: Lane,
    /// By observable.
    pub values: Vec<Lane>,
}

struct TraceColumns {
    name: String,
    start: Lane,
    /// By lane; a single list if shared by all lanes.
    times: Arc<Vec<Vec<f64>>>,
    /// By observable, then by sample.
    values: Vec<Vec<Lane>>,
}

impl Columns {
    /// Adds the samples along a recorded statement, by observable.
    pub fn add_trace(&mut self, name: &str, start: Lane, times: Arc<Vec<Vec<f64>>>, values: Vec<Vec<Lane>>) {
        self.traces.push(TraceColumns { name: name.to_string(), start, times, values });
    }

    /// Sets an extremum or a metric at a mark, by its key.
    pub fn set(&mut self, key: &str, values: [Option<f64>; LANES]) {
        self.known.retain(|(known, _)| known != key);
        self.known.push((key.to_string(), values));
    }
}

/// Results of a batch of points.
pub struct BatchRun {
    about: Arc<About>,
    slots: Vec<Lane>,
    columns: Columns,
    /// Named scalars by lane; `None` for points that must be run individually.
    summaries: Vec<Option<Vec<f64>>>,
    tolerance: f64,
}

impl BatchRun {
    /// From the values of all slots and the columns of a batch; a point whose named scalars are undefined becomes irregular, so that a
    /// single run explains why.
    pub(super) fn new(
        about: Arc<About>,
        (slots, columns): (Vec<Lane>, Columns),
        irregular: [bool; LANES],
        (count, tolerance): (usize, f64),
    ) -> BatchRun {
        let summary = |(l, irregular): (usize, &bool)| if *irregular { None } else { summary(&about, &columns, l) };
        let summaries = irregular.iter().enumerate().take(count).map(summary).collect();
        BatchRun { about, slots, columns, summaries, tolerance }
    }

    /// The points that must be run individually: `true`.
    fn irregular(&self) -> impl Iterator<Item = bool> + '_ {
        self.summaries.iter().map(Option::is_none)
    }

    /// A recorded curve, by sample.
    fn curve(&self, key: &str) -> Option<&[Lane]> {
        let observable = self.about.keys.iter().position(|k| k == key)?;
        self.columns.traces.iter().find_map(|t| t.values.get(observable)).map(Vec::as_slice)
    }

    /// Results of each point; `None` for those that must be run individually.
    fn runs(self) -> Vec<Option<Run>> {
        let BatchRun { about, slots, columns, summaries, tolerance } = self;
        let Columns { marks, traces, .. } = columns;
        let traces: Vec<(TraceColumns, Vec<Samples>)> = traces
            .into_iter()
            .map(|mut t| {
                let by_lane = std::mem::take(&mut t.values).iter().map(|curve| by_lane(curve)).collect();
                (t, by_lane)
            })
            .collect();
        let mut results = Points { about: &about, slots: &slots, marks: &marks, traces, tolerance };
        summaries.into_iter().enumerate().map(|(l, summary)| Some(results.point(l, summary?))).collect()
    }
}

/// Samples of a curve by lane.
type Samples = Vec<Vec<Option<f64>>>;

/// Values of a curve, lane by lane.
fn by_lane(curve: &[Lane]) -> Samples {
    let mut out: Samples = (0..LANES).map(|_| Vec::with_capacity(curve.len())).collect();
    for samples in curve.chunks(16) {
        for (l, own) in out.iter_mut().enumerate() {
            own.extend(samples.iter().map(|x| x.0.get(l).copied()));
        }
    }
    out
}

/// Named scalars of a lane; `None` if one is undefined.
fn summary(about: &About, columns: &Columns, lane: usize) -> Option<Vec<f64>> {
    if about.summary.is_empty() {
        return Some(vec![]);
    }
    let of = |values: &[Option<f64>; LANES]| values.get(lane).copied().flatten();
    let known: BTreeMap<String, Option<f64>> =
        columns.known.iter().map(|(key, values)| (key.clone(), of(values))).collect();
    about.summary.iter().map(|(_, o)| o.answer(None, &known).ok()).collect()
}

/// Results of a batch, from which those of each point are taken.
struct Points<'a> {
    about: &'a About,
    slots: &'a [Lane],
    marks: &'a [MarkColumns],
    traces: Vec<(TraceColumns, Vec<Samples>)>,
    tolerance: f64,
}

impl Points<'_> {
    /// Results of one lane, whose curves are moved out.
    fn point(&mut self, lane: usize, summary: Vec<f64>) -> Run {
        let of = |x: &Lane| x.0.get(lane).copied().unwrap_or(f64::NAN);
        let about = self.about;
        let key = |k: usize| about.keys.get(k).cloned().unwrap_or_default();
        let marks = self.marks.iter().map(|m| Mark {
            name: m.name.clone(),
            time: of(&m.time),
            values: m.values.iter().enumerate().map(|(k, x)| (key(k), Some(of(x)))).collect(),
            state: None,
        });
        let marks: Vec<Mark> = marks.collect();
        let traces = self.traces.iter_mut().map(|(t, values)| {
            let curves = values.iter_mut().map(|curves| curves.get_mut(lane).map(std::mem::take).unwrap_or_default());
            Trace {
                name: t.name.clone(),
                start: of(&t.start),
                time: t.times.get(lane).or(t.times.first()).cloned().unwrap_or_default(),
                values: curves.enumerate().map(|(k, curve)| (key(k), curve)).collect(),
            }
        });
        let names = about.summary.iter().map(|(key, _)| key.clone());
        Run {
            summary: names.zip(summary.into_iter().map(Some)).collect(),
            params: about.params.iter().map(|(name, slot)| (name.clone(), of(&slot.of(self.slots)))).collect(),
            traces: traces.collect(),
            how: RunInfo {
                whole: about.states,
                dimension: about.states,
                pure: false,
                random_vectors: 0,
                members: 1,
                methods: if about.evolves { vec![EXACT.into()] } else { vec![] },
                tolerance: self.tolerance,
                duration: marks.last().map_or(0.0, |m| m.time),
                truncation: vec![],
            },
            marks,
            ..Run::default()
        }
    }
}

/// Largest number of points that are propagated together.
pub const TOGETHER: usize = LANES;

/// Results of neighbouring points: columns of those that were propagated together, and single runs of the others.
pub struct PointRuns {
    together: Option<BatchRun>,
    /// `None` for points in the batch.
    single: Vec<Option<Result<Run, Fault>>>,
}

impl PointRuns {
    /// Completes a batch of `count` points with single runs, by index.
    pub(super) fn of(together: Option<BatchRun>, count: usize, run: impl Fn(usize) -> Result<Run, Fault>) -> PointRuns {
        let irregular: Vec<bool> = together.as_ref().map_or(vec![true; count], |b| b.irregular().collect());
        let single = irregular.into_iter().enumerate().map(|(k, alone)| alone.then(|| run(k))).collect();
        PointRuns { together, single }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.single.len()
    }

    /// True if there are no points.
    pub fn is_empty(&self) -> bool {
        self.single.is_empty()
    }

    /// The results point by point.
    pub fn into_runs(self) -> impl Iterator<Item = Result<Run, Fault>> {
        let together = self.together.map_or_else(Vec::new, BatchRun::runs);
        let mut together = together.into_iter().chain(std::iter::repeat_with(|| None));
        self.single.into_iter().map(move |alone| {
            let run = together.next().flatten();
            // A point without a single run has one in the batch.
            alone.unwrap_or_else(|| Ok(run.unwrap_or_default()))
        })
    }

    /// The first value of a recorded curve at each point, by the key of its metric; NaN where it is undefined.
    ///
    /// # Errors
    /// That of the first point that failed.
    pub fn first(&self, key: &str) -> Result<Vec<f64>, Fault> {
        self.reduced(key, |curve| curve.first().copied(), |curve| curve.first().copied().flatten())
    }

    /// The largest sample of a recorded curve at each point, by the key of its metric; NaN where none is defined.
    ///
    /// # Errors
    /// That of the first point that failed.
    pub fn largest(&self, key: &str) -> Result<Vec<f64>, Fault> {
        let largest = |curve: &[Option<f64>]| curve.iter().copied().flatten().reduce(f64::max);
        self.reduced(key, |curve| (!curve.is_empty()).then(|| extreme_sample(curve, false)), largest)
    }

    fn reduced(
        &self,
        key: &str,
        of_batch: impl Fn(&[Lane]) -> Option<Lane>,
        of_point: impl Fn(&[Option<f64>]) -> Option<f64>,
    ) -> Result<Vec<f64>, Fault> {
        let together = self.together.as_ref().and_then(|b| of_batch(b.curve(key)?)).unwrap_or(Lane::splat(f64::NAN));
        let of = |(alone, together): (&Option<Result<Run, Fault>>, &f64)| match alone {
            None => Ok(*together),
            Some(Err(fault)) => Err(fault.clone()),
            Some(Ok(run)) => {
                let curve = run.traces.iter().find_map(|t| t.curve(key));
                Ok(curve.and_then(&of_point).unwrap_or(f64::NAN))
            }
        };
        self.single.iter().zip(&together.0).map(of).collect()
    }
}
