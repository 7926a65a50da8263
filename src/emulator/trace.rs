//! Recorded traces: samples of the observables, and extrema of curves that can be evaluated at any time.

use super::adaptive_sampling::{SampledCurve, sample};
use super::bounded_search::{search_curve, search_samples};
use super::context::RunContext;
use super::extremum::{Derivatives, Samples, equal, range};
use super::first_maximum::first_maximum;
use super::integrate::failed;
use super::member_paths::{Path, PathTrack};
use super::motion::{ActingSegment, EnsembleMotion, MemberAt, arrival, heat_of, mean_state, propagator_of};
use super::observable::{Aggregate, EvalError, Observable, not_finite};
use super::results::Trace;
use super::trajectory::Trajectory;
use crate::hamiltonian::{Fault, Segment};
use crate::ir::Aggregation;
use crate::metrics::{BohrExpansion, Curve, Motion};
use crate::spin::State;
use std::collections::BTreeMap;

/// The members of an ensemble along a segment.
pub struct Tracks<'a> {
    /// Their weights.
    pub weights: &'a [f64],
    /// Times since `prepare` at the start of the segment.
    pub clocks: &'a [f64],
    /// The segments acting on them.
    pub acting: &'a [ActingSegment<'a>],
    /// Their trajectories.
    pub trajectories: Vec<Trajectory<'a>>,
    /// What is followed of them from `prepare` on.
    pub paths: Vec<PathTrack<'a>>,
    /// True if each segment uses its most suitable method, not one requested by the user.
    pub exact: bool,
    /// Accuracy of states relative to their deviation from the maximally mixed state; 0 for rounding only.
    pub accuracy: f64,
}

impl Tracks<'_> {
    /// All states at a time.
    fn states(&mut self, t: f64, segment: &Segment) -> Result<Vec<State>, Fault> {
        self.trajectories.iter_mut().map(|c| c.state(t).map_err(|e| failed(segment.place, &e.to_string()))).collect()
    }

    /// What is followed of all members at a time.
    pub fn paths(&mut self, t: f64, segment: &Segment) -> Result<Vec<Path>, Fault> {
        self.paths.iter_mut().map(|track| track.at(t).map_err(|e| failed(segment.place, &e.to_string()))).collect()
    }
}

/// Trace, extrema, and the final states.
type Recorded = (Trace, BTreeMap<String, Option<f64>>, Vec<State>);

/// Propagates a recorded segment; `start` is the start time of its trace.
///
/// # Errors
/// If the method fails or a result is not finite.
pub fn record(context: &RunContext, segment: &Segment, tracks: &mut Tracks, start: f64) -> Result<Recorded, Fault> {
    let (name, points) = segment.record.as_ref().map_or((String::new(), 2), |r| (r.name.clone(), r.points));
    let wanted: Vec<&Aggregate> =
        context.requested.aggregates.iter().filter(|a| a.trace.as_ref().is_none_or(|t| *t == name)).collect();
    let times = grid(segment.duration, points);
    let turning = turning(context, tracks, segment)?;
    let (of_samples, wanted): (Vec<&Aggregate>, _) = wanted.into_iter().partition(|a| a.aggregation.is_of_samples());
    let mut aggregates = extrema(context, &wanted, segment, tracks, (points, turning.as_ref()))?;
    let recorded = &context.requested.observables;
    let mut values: Vec<Option<Vec<Option<f64>>>> = Vec::with_capacity(recorded.len() + of_samples.len());
    // Observables whose curves require the states.
    let mut left: Vec<&Observable> = Vec::new();
    for observable in recorded.iter().chain(of_samples.iter().map(|a| &a.curve)) {
        let along = turning.as_ref().and_then(|t| finite(observable.along(t, &context.scene)?.values(&times)));
        if along.is_none() {
            left.push(observable);
        }
        values.push(along.map(|v| v.into_iter().map(Some).collect()));
    }
    // If no states are required, only the final one is computed.
    let visited = if left.is_empty() { times.get(times.len().saturating_sub(1)..).unwrap_or_default() } else { &times };
    let (sampled, ends) = values_at(context, &left, tracks, visited, segment)?;
    let mut sampled = sampled.into_iter();
    let mut values = values.into_iter().map(|known| known.or_else(|| sampled.next()).unwrap_or_default());
    let columns = recorded.iter().map(|q| q.key.clone()).zip(&mut values).collect();
    let extreme = |a: &&Aggregate, curve: Vec<Option<f64>>| (a.key.clone(), extreme_sample(a.aggregation, &curve));
    aggregates.extend(of_samples.iter().zip(values).map(|(aggregate, curve)| extreme(aggregate, curve)));
    Ok((Trace { name, start, time: times, values: columns }, aggregates, ends))
}

/// The largest or smallest of the samples that are defined.
fn extreme_sample(aggregation: Aggregation, curve: &[Option<f64>]) -> Option<f64> {
    curve.iter().copied().flatten().reduce(if aggregation.is_lowest() { f64::min } else { f64::max })
}

/// Values by observable, then by time.
type Columns = Vec<Vec<Option<f64>>>;

/// Times since the start of the segment, and the values at them.
type Sampled = (Vec<f64>, Columns);

/// Samples all observables at equidistant times of a segment; also returns the final states.
///
/// # Errors
/// If the method fails or a result is not finite.
pub fn samples(
    context: &RunContext,
    segment: &Segment,
    tracks: &mut Tracks,
    points: usize,
) -> Result<(Sampled, Vec<State>), Fault> {
    let observables: Vec<&Observable> = context.requested.observables.iter().collect();
    let times = grid(segment.duration, points.max(2));
    let (values, ends) = values_at(context, &observables, tracks, &times, segment)?;
    Ok(((times, values), ends))
}

/// The values of some observables at some times of a segment, by observable, and the states at the last time.
fn values_at(
    context: &RunContext,
    observables: &[&Observable],
    tracks: &mut Tracks,
    times: &[f64],
    segment: &Segment,
) -> Result<(Columns, Vec<State>), Fault> {
    let mut values: Vec<Vec<Option<f64>>> = vec![vec![]; observables.len()];
    let mut ends = vec![];
    tracks.trajectories.iter_mut().for_each(|trajectory| trajectory.announce(times));
    for &t in times {
        let states = tracks.states(t, segment)?;
        states.iter().for_each(|s| context.watch(s));
        let found = answers(context, observables, tracks, &states, t, segment)?;
        values.iter_mut().zip(found).for_each(|(column, value)| column.push(value));
        ends = states;
    }
    Ok((values, ends))
}

/// Maximum number of samples computed together.
pub const MOST_AT_ONCE: usize = 100_000;

/// Above this dimension, propagating states costs no more than evaluating their harmonics.
const LARGEST_TURNING: usize = 8;

/// Bohr expansion of a single state under a constant Hamiltonian on a small whole product space; `None` otherwise.
fn turning(context: &RunContext, tracks: &mut Tracks, segment: &Segment) -> Result<Option<BohrExpansion>, Fault> {
    let [acting] = tracks.acting else { return Ok(None) };
    let generator = acting.generator();
    let products = context.space().is_whole() && context.space().groups().is_empty() && context.edges.is_empty();
    if !products
        || !tracks.exact
        || generator.dimension > LARGEST_TURNING
        || !generator.is_closed()
        || !generator.is_constant()
    {
        return Ok(None);
    }
    let states = tracks.states(0.0, segment)?;
    // The result of an order filter is not a normalised state, which some of these curves assume.
    let [state @ State::Mixed(rho)] = states.as_slice() else { return Ok(None) };
    if !state.is_normalised() {
        return Ok(None);
    }
    let Ok(levels) = super::eigen_cache::eigen(&generator.hamiltonian(0.0)) else { return Ok(None) };
    Ok(BohrExpansion::new(&levels, rho))
}

/// The values if all are finite; otherwise `None`, and the states are evaluated individually to report the first undefined one.
fn finite(values: Vec<f64>) -> Option<Vec<f64>> {
    values.iter().all(|x| x.is_finite()).then_some(values)
}

/// The largest difference of eigenvalues of the Hamiltonians of all members.
fn widest(segment: &Segment, acting: &[ActingSegment]) -> f64 {
    acting.iter().map(|a| a.generator().bandwidth(0.0, segment.duration)).fold(0.0, f64::max)
}

/// Phase of the fastest oscillation between two samples of a search, in rad.
const SEARCH_PHASE: f64 = 0.8;

/// Sample spacing that resolves a curve except for kinks, for a duration, the largest difference of eigenvalues, and the number of recorded
/// samples: populations and coherences oscillate at most at the bandwidth of H. Never coarser than the recorded samples. It does not exclude
/// a maximum between two samples, see [`super::bounded_search`].
pub fn finest_of(duration: f64, widest: f64, recorded: usize) -> f64 {
    let recorded = duration / (recorded - 1).max(1) as f64;
    let needed = SEARCH_PHASE / widest;
    if needed.is_finite() && needed > 0.0 { needed.min(recorded) } else { recorded }
}

/// Number of intervals in which a curve that is known at all times is searched, whatever is recorded: bounds between the samples exclude a
/// higher value there. Half of [`SEARCH_PHASE`] is the fastest in most searches; where that takes too many samples, all of it.
pub fn search_intervals(duration: f64, widest: f64) -> usize {
    let needed = (duration * widest / SEARCH_PHASE - 1e-9).ceil().max(1.0) as usize;
    if needed > MOST_AT_ONCE / 2 { needed } else { 2 * needed }
}

/// Equidistant times; both ends are exact.
pub fn grid(duration: f64, points: usize) -> Vec<f64> {
    (0..points).map(|k| if k + 1 == points { duration } else { duration * k as f64 / (points - 1) as f64 }).collect()
}

/// The values of some observables for the mean of some states.
fn answers(
    context: &RunContext,
    observables: &[&Observable],
    tracks: &mut Tracks,
    states: &[State],
    t: f64,
    segment: &Segment,
) -> Result<Vec<Option<f64>>, Fault> {
    let paths = tracks.paths(t, segment)?;
    let members: Vec<MemberAt> = tracks
        .acting
        .iter()
        .zip(states)
        .zip(tracks.weights.iter().zip(tracks.clocks))
        .zip(&paths)
        .map(|(((acting, state), (weight, clock)), path)| MemberAt {
            acting: Some((acting, t)),
            state,
            weight: *weight,
            elapsed: clock + t,
            propagator: path.propagator(),
            heats: path.heats,
        })
        .collect();
    let mean = mean_state(members.iter().map(|m| (m.weight, m.state)));
    let (_, time) = arrival(members.iter().map(|m| m.elapsed), tracks.weights);
    let known = context.member_averages.values(&|key, why| context.undefined(key, why), &members)?;
    let (propagator, heat) = (propagator_of(&members), heat_of(&members, |heats| heats.declared));
    let motion = EnsembleMotion::of(members);
    let moment = context.moment(&mean, motion.as_ref().map(|m| m as &dyn Motion), time);
    let moment = moment.with_process(propagator).with_heat(heat);
    observables
        .iter()
        .map(|observable| match observable.answer(Some(&moment), &known) {
            Ok(value) => Ok(Some(value)),
            Err(EvalError::Undefined(why)) => {
                context.undefined(&observable.key, &why.to_string());
                Ok(None)
            }
            Err(EvalError::NotFinite(value)) => Err(not_finite(observable, value, segment.place.0)),
        })
        .collect()
}

/// The extrema requested of a segment. All curves are sampled together, so that each state is computed once.
fn extrema(
    context: &RunContext,
    wanted: &[&Aggregate],
    segment: &Segment,
    tracks: &mut Tracks,
    (recorded, turning): (usize, Option<&BohrExpansion>),
) -> Result<BTreeMap<String, Option<f64>>, Fault> {
    let mut found = BTreeMap::new();
    let mut curves: Vec<&Observable> = Vec::new();
    for aggregate in wanted {
        if !curves.iter().any(|c| c.key == aggregate.curve.key) {
            curves.push(&aggregate.curve);
        }
    }
    if curves.is_empty() {
        return Ok(found);
    }
    let widest = widest(segment, tracks.acting);
    let finest = finest_of(segment.duration, widest, recorded);
    let known = |observable: &&Observable| known_curve(context, observable, turning?, (segment.duration, widest));
    let (direct, mut lines): (Vec<Option<Curve>>, Vec<Option<SampledCurve>>) =
        curves.iter().map(known).map(Option::unzip).unzip();
    let others: Vec<&Observable> = curves.iter().zip(&direct).filter(|(_, d)| d.is_none()).map(|(q, _)| *q).collect();
    let mut incomplete = false;
    if !others.is_empty() {
        let sampled = sample(others.len(), segment.duration, finest, |t| {
            let states = tracks.states(t, segment)?;
            states.iter().for_each(|s| context.watch(s));
            answers(context, &others, tracks, &states, t, segment)
        })?;
        incomplete = sampled.incomplete;
        let empty = lines.iter_mut().filter(|line| line.is_none());
        empty.zip(sampled.lines).for_each(|(line, found)| *line = Some(found));
    }
    let lines: Vec<SampledCurve> = lines.into_iter().map(Option::unwrap_or_default).collect();
    for aggregate in wanted {
        let mut known = curves.iter().zip(direct.iter().zip(&lines));
        let Some((_, (direct, line))) = known.find(|(c, _)| c.key == aggregate.curve.key) else { continue };
        if incomplete && direct.is_none() {
            context.note(format!(
                "`{}` was searched for only up to t = {}: after that the curve changes too fast",
                aggregate.key,
                line.times.last().copied().unwrap_or_default()
            ));
        }
        let between = match direct {
            Some(curve) => Between::Known(curve),
            None => {
                let finite = line.values.iter().filter(|x| x.is_finite());
                Between::Unknown(tracks.accuracy * finite.fold(0.0, |most, x| x.abs().max(most)))
            }
        };
        let of = (segment.duration, finest);
        let (value, complete) = extremum_of(aggregate.aggregation, of, (line, between), |t| {
            if let Some(curve) = direct {
                return Ok(Some(curve.at(t)));
            }
            let states = tracks.states(t, segment)?;
            let answers = answers(context, &[&aggregate.curve], tracks, &states, t, segment)?;
            Ok(answers.first().copied().flatten())
        })?;
        if !complete {
            context.note(format!(
                "`{}` is the best of many cusps of the curve; there may be a better value between them",
                aggregate.key
            ));
        }
        found.insert(aggregate.key.clone(), value);
    }
    Ok(found)
}

/// A curve that does not require states, and its samples, for a duration and the largest difference of eigenvalues.
fn known_curve(
    context: &RunContext,
    observable: &Observable,
    turning: &BohrExpansion,
    (duration, widest): (f64, f64),
) -> Option<(Curve, SampledCurve)> {
    let curve = observable.along(turning, &context.scene)?;
    let intervals = search_intervals(duration, widest);
    if intervals > MOST_AT_ONCE {
        return None;
    }
    let times = grid(duration, 1 + intervals);
    let values = finite(curve.values(&times))?;
    Some((curve, SampledCurve::of(times, values)))
}

/// What is known about a curve between its samples.
pub enum Between<'a> {
    /// Its values at all times, and bounds of them.
    Known(&'a Curve),
    /// Only the samples themselves are known, to this accuracy.
    Unknown(f64),
}

/// An extremum of a curve over a duration, from its samples with spacing `finest` and its values at arbitrary times. The flag is true if
/// the whole curve could be searched.
///
/// # Errors
/// Any error of `curve`.
pub fn extremum_of(
    aggregation: Aggregation,
    (duration, finest): (f64, f64),
    (samples, between): (&SampledCurve, Between),
    mut curve: impl FnMut(f64) -> Result<Option<f64>, Fault>,
) -> Result<(Option<f64>, bool), Fault> {
    let negative = aggregation.is_lowest();
    let below: Vec<f64> = if negative { samples.values.iter().map(|v| -v).collect() } else { vec![] };
    let own = Samples { times: &samples.times, values: if negative { &below } else { &samples.values } };
    let mut signed = |t: f64| curve(t).map(|x| if negative { x.map(|x| -x) } else { x });
    let accuracy = if let Between::Unknown(accuracy) = between { accuracy } else { 0.0 };
    let known = if let Between::Known(known) = &between { Some(*known) } else { None };
    let derivatives = known.map(|known| move |t: f64| known.with_derivatives(t).map(|x| if negative { -x } else { x }));
    let derivatives = derivatives.as_ref().map(|of| of as Derivatives);
    let extremum = match aggregation {
        Aggregation::FirstMax => first_maximum(duration, finest, &mut signed)?.map(|x| (x, true)),
        _ => match (own.maximum(&mut signed, derivatives)?, between) {
            (None, _) => None,
            (Some(best), Between::Known(known)) => Some(search_curve(best, samples, known, negative)),
            (Some(best), Between::Unknown(_)) => {
                let of = |t: f64| signed(t).map(|x| if negative { x.map(|x| -x) } else { x });
                Some(search_samples(best, (samples, accuracy), negative, of)?)
            }
        },
    };
    let Some((extremum, complete)) = extremum else { return Ok((None, true)) };
    let value = match aggregation {
        Aggregation::ArgMax | Aggregation::ArgMin => {
            own.beginning(extremum, equal(range(own.values)).max(accuracy), signed)?
        }
        Aggregation::Min | Aggregation::MinSample => -extremum.value,
        Aggregation::Max | Aggregation::FirstMax | Aggregation::MaxSample => extremum.value,
    };
    Ok((Some(value), complete))
}
