//! Dry run, for use before spectrometer time is booked: the start, duration and rf amplitude of each statement, its fraction of the
//! limits, and the coherence orders and energies after it.

use super::adiabaticity::least_factor;
use super::request::{Moments, Observation, Position};
use super::run::observe;
use super::settings::Options;
use crate::hamiltonian::{
    Evaluator, Fault, Segment, Step, Values, build, coarser, duration, members, points_of, scans, spectrometer,
};
use crate::ir::{Event, EventKind, Experiment, RelaxSetting};
use crate::linalg::hermitian_eigen;
use crate::source::Place;
use crate::syntax::parse_expression;
use crate::units::{TWO_PI, angular_factor};
use crate::waveform::{Unresolved, integrals, peak};

/// Highest coherence order listed.
const MOST_ORDERS: i64 = 4;

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Index of its event in the sequence.
    pub event: usize,
    /// Its place in the source.
    pub place: Place,
    /// Start time, s (units of time in natural files).
    pub start: f64,
    /// Duration, same unit.
    pub duration: f64,
    /// Maximum rf amplitude, Hz (rad per unit of time in natural files); `None` if nothing is transmitted.
    pub rf: Option<f64>,
    /// Limit of its channel, if one is declared.
    pub limit: Option<f64>,
    /// rf load: integral of `(rf / limit)^2` over the statement; a pulse at the limit for one second has 1.
    pub energy: f64,
    /// Weights of the coherence orders 0, 1, 2 ... after the statement.
    pub orders: Vec<Option<f64>>,
    /// Energy and ergotropy of the battery after the statement.
    pub battery: Option<(Option<f64>, Option<f64>)>,
    /// Heat and work of the battery in the statement, if some statement of the sequence is not unitary.
    pub exchanged: Option<(Option<f64>, Option<f64>)>,
}

/// Result of a dry run.
#[derive(Debug, Clone, PartialEq)]
pub struct DryRun {
    /// Its statements; a loop counts as one.
    pub blocks: Vec<Block>,
    /// Number of scans of the phase cycle.
    pub scans: usize,
    /// Duration of one scan.
    pub duration: f64,
    /// Recycle delay: five times the longest T1.
    pub recycle: Option<f64>,
    /// Practical remarks.
    pub remarks: Vec<String>,
}

/// Performs a dry run at one parameter point.
///
/// # Errors
/// If the experiment cannot be run.
pub fn dry_run(experiment: &Experiment, given: &Values, options: &Options) -> Result<DryRun, Fault> {
    let mut e = Evaluator::new(experiment, given)?;
    e.spectrometer = options.spectrometer.as_ref().map(|name| spectrometer(&e, name)).transpose()?;
    let (schedule, _) = build(&e)?;
    // A mark after every statement, at which orders and energies are evaluated.
    let twice: i64 = e.basis.sites.iter().map(|s| (0..s.dimension).map(|k| s.twice_m(k)).max().unwrap_or(0)).sum();
    let orders = twice.clamp(0, MOST_ORDERS);
    let countable = !e.basis.has_copies() && e.basis.size() <= 4096.0;
    let orders = if countable { (orders + 1) as usize } else { 0 };
    let mut metrics: Vec<String> = (0..orders).map(|k| format!("coherence_order({k})")).collect();
    if experiment.battery.is_some() {
        metrics.extend(["energy".to_string(), "ergotropy".to_string()]);
    }
    let exchanges = experiment.battery.is_some() && !schedule.is_unitary();
    if exchanges {
        metrics.extend(["heat".to_string(), "work".to_string()]);
    }
    let metrics = metrics.iter().map(|text| parse_expression(text, 0)).collect::<Result<Vec<_>, _>>()?;
    let mut observation =
        Observation { metrics, moments: Moments::Statements, signals: true, ..Observation::default() };
    let (asked, taken) = fit_into_memory(&mut e, &mut observation, options)?;
    let found = observe(experiment, given, options, &observation)?;
    let mut blocks = Vec::new();
    let mut until = [Some(0.0), Some(0.0)];
    for observed in &found.observed {
        let Position::Statement(k) = observed.position else { continue };
        let Some(event) = experiment.sequence.get(k) else { continue };
        // The statements of a block are listed, its closing brace is not.
        if let EventKind::EndDecoupling { .. } = &event.kind {
            continue;
        }
        let first = k.checked_sub(1).and_then(|before| schedule.event_ends.get(before)).copied().unwrap_or(0);
        let last = schedule.event_ends.get(k).copied().unwrap_or(first);
        let steps: Vec<&Step> = schedule.steps.get(first..last).unwrap_or_default().iter().collect();
        let length = steps.iter().fold(0.0, |sum, s| sum + duration(std::slice::from_ref(*s)));
        let limit = limit(&e, &event.kind)?;
        let (rf, energy) = match &event.kind {
            EventKind::Decouple(p) => {
                let last = end_of(experiment, k).and_then(|end| schedule.event_ends.get(end)).copied().unwrap_or(last);
                let during: Vec<&Step> = schedule.steps.get(first..last).unwrap_or_default().iter().collect();
                strength(&during, (Some(p.nucleus.as_str()), limit), &e)?
            }
            _ => strength(&steps, (None, limit), &e)?,
        };
        let now = [2, 3].map(|k| if exchanges { observed.value(orders + k) } else { None });
        let ([heat, work], [heat_before, work_before]) = (now, until);
        let change = |now: Option<f64>, before: Option<f64>| now.zip(before).map(|(now, before)| now - before);
        let exchanged = exchanges.then(|| (change(heat, heat_before), change(work, work_before)));
        until = now;
        blocks.push(Block {
            event: k,
            place: event.place,
            start: observed.time.last().copied().unwrap_or(0.0) - length,
            duration: length,
            rf,
            limit,
            energy,
            orders: (0..orders).map(|k| observed.value(k)).collect(),
            battery: experiment.battery.is_some().then(|| (observed.value(orders), observed.value(orders + 1))),
            exchanged,
        });
    }
    let mut remarks = found.notes.clone();
    if taken < asked {
        remarks.push(format!(
            "coherence orders and energies are averages over {taken} ensemble members instead of {asked}, which do not fit into memory together"
        ));
    }
    remarks.extend(super::convergence::powder(experiment, &found, given, options, &observation)?);
    remarks.extend(remarks_of(&e, &schedule.steps)?);
    Ok(DryRun {
        blocks,
        scans: scans(&e),
        duration: schedule.duration(),
        recycle: longest_t1(&e)?.map(|t| 5.0 * t),
        remarks,
    })
}

/// Reduces the points of the largest distribution of an ensemble until the states of all members, with what the observation needs, fit
/// into memory together. Returns the number of members before and after.
fn fit_into_memory(
    e: &mut Evaluator,
    observation: &mut Observation,
    options: &Options,
) -> Result<(usize, usize), Fault> {
    let (experiment, dimension) = (e.experiment, e.basis.size());
    let asked = members(e)?.len();
    let mut taken = asked;
    while taken > 1 && taken as f64 * 16.0 * dimension.powi(2) > options.max_memory {
        let mut spreads = Vec::with_capacity(experiment.ensemble.len());
        for (k, d) in experiment.ensemble.iter().enumerate() {
            let points = points_of(e, d)?;
            spreads.push((k, points, coarser(d.shape, points)));
        }
        let largest = spreads.into_iter().filter_map(|(k, points, less)| less.map(|less| (points, k, less))).max();
        // If no distribution can be coarser, the run itself reports what does not fit.
        let Some((_, k, less)) = largest else { break };
        observation.points.retain(|(other, _)| *other != k);
        observation.points.push((k, less));
        e.ensemble_points.clone_from(&observation.points);
        taken = members(e)?.len();
    }
    Ok((asked, taken))
}

/// rf limit of the channel on which an event transmits.
fn limit(e: &Evaluator, event: &EventKind) -> Result<Option<f64>, Fault> {
    let nucleus = match event {
        EventKind::Pulse(p) | EventKind::Decouple(p) => &p.nucleus,
        EventKind::Lock(l) => &l.nucleus,
        EventKind::Loop { body, .. } => {
            for event in body {
                if let Some(found) = limit(e, &event.kind)? {
                    return Ok(Some(found));
                }
            }
            return Ok(None);
        }
        EventKind::Project { up, down, .. } => {
            for event in up.iter().chain(down) {
                if let Some(found) = limit(e, &event.kind)? {
                    return Ok(Some(found));
                }
            }
            return Ok(None);
        }
        _ => return Ok(None),
    };
    let channel = e.experiment.channels.iter().find(|c| c.nucleus == *nucleus);
    channel.and_then(|c| c.max_rf.as_ref()).map(|x| e.number(x)).transpose()
}

/// The index of the event that ends the decoupling that event `start` starts.
fn end_of(experiment: &Experiment, start: usize) -> Option<usize> {
    let EventKind::Decouple(p) = &experiment.sequence.get(start)?.kind else { return None };
    let ends = |event: &Event| matches!(&event.kind, EventKind::EndDecoupling { nucleus } if *nucleus == p.nucleus);
    Some(start + experiment.sequence.iter().skip(start).position(ends)?)
}

/// Maximum rf amplitude of some steps, and their rf load relative to the limit: of their pulses and locks, or of the decoupling of a nucleus.
fn strength(
    steps: &[&Step],
    (decoupled, limit): (Option<&str>, Option<f64>),
    e: &Evaluator,
) -> Result<(Option<f64>, f64), Fault> {
    let angular = angular_factor(e.scope.units);
    let (mut highest, mut energy) = (0.0f64, 0.0);
    for (segment, times) in steps.iter().flat_map(|s| segments(s, 1.0)) {
        let sent = segment.controls.iter().filter(|control| control.decoupled.as_deref() == decoupled);
        let squares = sent.flat_map(|control| &control.terms).map(|(c, _)| c.times(c));
        let Some(square) = squares.reduce(|a, b| a.plus(&b)) else { continue };
        let failed = |e: Unresolved| super::integrate::failed(segment.place, &e.to_string());
        highest = highest.max(peak(&square, segment.duration).map_err(failed)?.sqrt() / angular);
        let [mean] = integrals([&square], segment.duration).map_err(failed)?;
        let load = |limit: f64| mean / (angular * limit).powi(2);
        energy += times * limit.map_or(0.0, load) * segment.duration;
    }
    Ok(((highest > 0.0).then_some(highest), energy))
}

/// The segments of a step, each with the number of its repetitions.
fn segments<'s>(step: &'s Step, times: f64) -> Vec<(&'s Segment, f64)> {
    match step {
        Step::Segment(segment) => vec![(segment, times)],
        Step::Loop(count, body) => body.iter().flat_map(|s| segments(s, times * *count as f64)).collect(),
        Step::Strobe(strobe) => {
            let of_run = |(count, body): &'s (u64, Vec<Step>)| {
                body.iter().flat_map(|s| segments(s, times * *count as f64)).collect::<Vec<_>>()
            };
            strobe.runs.iter().flat_map(of_run).collect()
        }
        // The branch in which transmitters are on for longer.
        Step::Project(project) => {
            let of = |steps: &'s [Step]| steps.iter().flat_map(|s| segments(s, times)).collect::<Vec<_>>();
            let on = |all: &[(&Segment, f64)]| -> f64 {
                all.iter().filter(|(s, _)| s.fields().next().is_some()).map(|(s, n)| s.duration * n).sum()
            };
            let branches = project.branches.iter().map(|(_, steps)| of(steps));
            branches.reduce(|a, b| if on(&b) > on(&a) { b } else { a }).unwrap_or_default()
        }
        _ => vec![],
    }
}

/// The longest T1 of the sample, if any is declared.
///
/// # Errors
/// If a T1 cannot be evaluated.
pub fn longest_t1(e: &Evaluator) -> Result<Option<f64>, Fault> {
    let mut longest: Option<f64> = None;
    for relaxation in &e.experiment.system.relax {
        for index in e.range(relaxation.each.as_ref())? {
            if let Some(t1) = relaxation.setting(RelaxSetting::T1) {
                let t1 = e.number_at(t1, index)?;
                longest = Some(longest.map_or(t1, |l| l.max(t1)));
            }
        }
    }
    Ok(longest)
}

/// A T2 below this value (s) probably describes a coupled solid, whose decay is due to its couplings, not to relaxation.
const RIGID: f64 = 1e-3;

fn remarks_of(e: &Evaluator, steps: &[Step]) -> Result<Vec<String>, Fault> {
    let mut out = Vec::new();
    let system = &e.experiment.system;
    for relaxation in &system.relax {
        if let (Some(t2), true) = (relaxation.setting(RelaxSetting::T2), system.has_dipolar())
            && relaxation.each.is_none()
            && e.number(t2)? < RIGID
        {
            out.push(format!(
                "T2 = {t2} acts on each spin independently and destroys dipolar order; in a rigid solid the FID decays by the couplings themselves; model a common random field as `noise` with sqrt(2/T2) times the total Iz"
            ));
        }
    }
    for step in steps {
        if let Step::Segment(segment) = step
            && let Some((factor, of)) = least_factor(segment)
        {
            let verdict = match factor {
                f if f < 1.0 => ": not adiabatic",
                f if f < 3.0 => ": partly adiabatic",
                _ => "",
            };
            out.push(format!("the adiabaticity factor of a pulse or ramp is at least {factor:.3} for {of}{verdict}"));
        }
        if let Step::Acquire(a) = step
            && let Some(highest) = highest_line(a)
            && highest > 0.5 / a.receiver.dwell
        {
            out.push(format!(
                "lines lie up to {} Hz from the carrier, beyond the Nyquist frequency of {} Hz for a dwell time of {} s: they will be aliased",
                crate::syntax::number_text(highest.round()),
                crate::syntax::number_text((0.5 / a.receiver.dwell).round()),
                crate::syntax::number_text((a.receiver.dwell * 1e12).round() / 1e12)
            ));
        }
    }
    Ok(out)
}

/// Highest line frequency relative to the carrier, Hz; `None` if the system is too large to diagonalise.
fn highest_line(a: &crate::hamiltonian::Acquire) -> Option<f64> {
    const LARGEST: usize = 256;
    let (_, h) = a.segment.drift.first()?;
    if h.dimension() > LARGEST {
        return None;
    }
    let eigen = hermitian_eigen(&h.matrix()).ok()?;
    let observed = crate::linalg::conjugate_back(&eigen.vectors, &a.receiver.raising.matrix());
    let strongest = observed.iter().map(|x| x.norm()).fold(0.0, f64::max);
    let mut highest = 0.0f64;
    for (column, to) in observed.column_iter().zip(&eigen.values) {
        for (element, from) in column.iter().zip(&eigen.values) {
            if element.norm() > 1e-6 * strongest {
                highest = highest.max((from - to).abs() / TWO_PI);
            }
        }
    }
    Some(highest)
}
