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

/// What is measured of a batch.
#[derive(Default)]
pub(super) struct Columns {
    /// Extrema and metrics at marks, by key, then by lane.
    known: Vec<(String, [Option<f64>; LANES])>,
    pub marks: Vec<MarkColumns>,
    traces: Vec<TraceColumns>,
}

/// What is measured at a mark, by lane.
pub struct MarkColumns {
    /// Name.
    pub name: String,
    /// Time since `prepare`.
    pub time: Lane,
    /// Values by observable.
    pub values: Vec<Lane>,
}

/// A recorded statement, by lane.
pub struct TraceColumns {
    /// Name.
    pub name: String,
    /// Its start since `prepare`.
    pub start: Lane,
    /// Times of the samples by lane; a single list if shared by all lanes.
    times: Arc<Vec<Vec<f64>>>,
    /// Values by observable, then by sample.
    pub values: Vec<Vec<Lane>>,
}

impl TraceColumns {
    /// Times of the samples in a lane.
    pub fn times(&self, lane: usize) -> &[f64] {
        self.times.get(lane).or(self.times.first()).map_or(&[], Vec::as_slice)
    }
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

/// Results of a batch of points, as columns with one number per point.
pub struct BatchRun {
    about: Arc<About>,
    slots: Vec<Lane>,
    columns: Columns,
    /// Values of the named scalars.
    summary: Vec<Lane>,
    /// Points that must be run individually.
    irregular: [bool; LANES],
    count: usize,
    tolerance: f64,
}

impl BatchRun {
    /// From the values of all slots and the columns of a batch; a point whose named scalars are undefined becomes irregular, so that a
    /// single run explains why.
    pub(super) fn new(
        about: Arc<About>,
        (slots, columns): (Vec<Lane>, Columns),
        mut irregular: [bool; LANES],
        (count, tolerance): (usize, f64),
    ) -> BatchRun {
        let summary = summary(&about, &columns, &mut irregular);
        BatchRun { about, slots, columns, summary, irregular, count, tolerance }
    }

    /// The points that must be run individually: `true`.
    fn irregular(&self) -> impl Iterator<Item = bool> + '_ {
        self.irregular.iter().copied().take(self.count)
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.count
    }

    /// True if there are no points.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Names of the parameters, and their values.
    pub fn params(&self) -> impl Iterator<Item = (&str, Lane)> {
        self.about.params.iter().map(|(name, slot)| (name.as_str(), slot.of(&self.slots)))
    }

    /// Keys of the named scalars, and their values.
    pub fn summary(&self) -> impl Iterator<Item = (&str, &Lane)> {
        self.about.summary.iter().zip(&self.summary).map(|((key, _), values)| (key.as_str(), values))
    }

    /// Keys of the observables at marks and along traces.
    pub fn keys(&self) -> &[String] {
        &self.about.keys
    }

    /// The marks, in order.
    pub fn marks(&self) -> &[MarkColumns] {
        &self.columns.marks
    }

    /// The recorded statements, in order.
    pub fn traces(&self) -> &[TraceColumns] {
        &self.columns.traces
    }

    /// How a point was run.
    pub fn how(&self, lane: usize) -> RunInfo {
        let about = &self.about;
        let end = self.columns.marks.last().and_then(|m| m.time.0.get(lane));
        RunInfo {
            whole: about.states,
            dimension: about.states,
            pure: false,
            random_vectors: 0,
            members: 1,
            methods: if about.evolves { vec![EXACT.into()] } else { vec![] },
            tolerance: self.tolerance,
            duration: end.copied().unwrap_or_default(),
            truncation: vec![],
        }
    }

    /// A recorded curve, by sample.
    fn curve(&self, key: &str) -> Option<&[Lane]> {
        let observable = self.about.keys.iter().position(|k| k == key)?;
        self.columns.traces.iter().find_map(|t| t.values.get(observable)).map(Vec::as_slice)
    }

    /// Results of each point; `None` for those that must be run individually.
    fn runs(&self) -> Vec<Option<Run>> {
        let samples = |t: &TraceColumns| t.values.iter().map(|curve| by_lane(curve)).collect();
        let mut curves: Vec<Vec<Samples>> = self.columns.traces.iter().map(samples).collect();
        let point = |(l, irregular): (usize, bool)| (!irregular).then(|| self.run(l, &mut curves));
        self.irregular().enumerate().map(point).collect()
    }

    /// Results of a lane, whose curves are moved out of `samples`, which are by trace and observable.
    fn run(&self, lane: usize, samples: &mut [Vec<Samples>]) -> Run {
        let of = |x: &Lane| x.0.get(lane).copied().unwrap_or(f64::NAN);
        let keyed = |values: &[Lane]| self.keys().iter().cloned().zip(values.iter().map(|x| Some(of(x)))).collect();
        let mark =
            |m: &MarkColumns| Mark { name: m.name.clone(), time: of(&m.time), values: keyed(&m.values), state: None };
        let traces = self.columns.traces.iter().zip(samples).map(|(t, curves)| {
            let own = curves.iter_mut().map(|curve| curve.get_mut(lane).map(std::mem::take).unwrap_or_default());
            Trace {
                name: t.name.clone(),
                start: of(&t.start),
                time: t.times(lane).to_vec(),
                values: self.keys().iter().cloned().zip(own).collect(),
            }
        });
        Run {
            traces: traces.collect(),
            summary: self.summary().map(|(key, x)| (key.to_string(), Some(of(x)))).collect(),
            params: self.params().map(|(name, x)| (name.to_string(), of(&x))).collect(),
            marks: self.columns.marks.iter().map(mark).collect(),
            how: self.how(lane),
            ..Run::default()
        }
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

/// The named scalars; a lane in which one is undefined becomes irregular.
fn summary(about: &About, columns: &Columns, irregular: &mut [bool; LANES]) -> Vec<Lane> {
    let mut sorted: Vec<&(String, [Option<f64>; LANES])> = columns.known.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    let at = |values: &[Option<f64>; LANES], lane: usize| values.get(lane).copied().flatten();
    let direct = |(_, observable): &(String, Observable)| {
        let key = observable.as_aggregate()?;
        sorted.iter().find(|(known, _)| known == key).map(|(_, values)| values)
    };
    let direct: Vec<Option<&[Option<f64>; LANES]>> = about.summary.iter().map(direct).collect();
    let mut known: BTreeMap<String, Option<f64>> = sorted.iter().map(|(key, _)| (key.clone(), None)).collect();
    let mut out = vec![Lane::splat(f64::NAN); about.summary.len()];
    for (l, irregular) in irregular.iter_mut().enumerate() {
        if direct.iter().any(Option::is_none) {
            known.values_mut().zip(&sorted).for_each(|(x, (_, values))| *x = at(values, l));
        }
        for (((_, observable), direct), out) in about.summary.iter().zip(&direct).zip(&mut out) {
            let value = match direct {
                Some(values) => at(values, l).filter(|x| x.is_finite()),
                None => observable.answer(None, &known).ok(),
            };
            match (value, out.0.get_mut(l)) {
                (Some(x), Some(out)) => *out = x,
                _ => *irregular = true,
            }
        }
    }
    out
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

    /// The results of all points as columns, if none had to be run individually.
    pub fn all_together(&self) -> Option<&BatchRun> {
        self.together.as_ref().filter(|_| self.single.iter().all(Option::is_none))
    }

    /// The results point by point.
    pub fn into_runs(self) -> impl Iterator<Item = Result<Run, Fault>> {
        let together = self.together.as_ref().map_or_else(Vec::new, BatchRun::runs);
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
