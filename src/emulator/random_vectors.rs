//! Mixed states of many spins by random vectors (stochastic trace estimation, quantum typicality).
//!
//! A density matrix of twenty spins would need sixteen terabytes. For a state near the maximally mixed state, `rho = (1 + A)/N`,
//! expectation values follow from vectors with amplitudes of equal magnitude and random phases (Hams and De Raedt, Phys. Rev. E 62,
//! 4365; "typicality"):
//!
//! ```text
//! Tr[rho(t) O] = Tr[O]/N + mean over r of Re <psi_r(t)| O |phi_r(t)>,   phi_r(0) = A psi_r(0)
//! ```
//!
//! Both vectors evolve as pure states. The error of one vector is about 1/sqrt(N) relative to the size of A and O, and the
//! scatter of several vectors gives its magnitude. A is applied without the identity, so a polarisation of 1e-5 loses no precision.

#![expect(
    clippy::indexing_slicing,
    reason = "there is at least one member and one random vector, and every propagation has the same marks, traces and acquisitions"
)]

use super::context::RunContext;
use super::engines::choose;
use super::engines::strang::{Curve, Decay, FEWEST, FEWEST_POINTS, Pair};
use super::estimate;
use super::findings::Findings;
use super::generator::Generator;
use super::graphics::{self, PairOnDevice};
use super::integrate::{Integrator, failed};
use super::meeting::{Meeting, Stops, common_legs, legs};
use super::members::evaluator;
use super::observable::{Linear, Observable, Reference};
use super::request::{Position, Requests, is_signal};
use super::results::RunInfo;
use super::rounding;
use super::settings::{Options, Processor, Typical};
use super::vector_sample::{Recorded, VectorResults, VectorSample};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{
    Acquire, Deviation, Evaluator, Fault, Look, Prepared, Schedule, Segment, Step, Strobe, Values, build, duration,
    members, prepare,
};
use crate::ir::{Experiment, Measure, key_of};
use crate::linalg::{C64, Vector, real};
use crate::metrics::Scene;
use crate::noise::mixed;
use crate::spin::{Action, Operator, SiteKind, Space, Split, State};
use crate::syntax::Expr;
use rayon::prelude::*;
use std::f64::consts::TAU;
use std::sync::Arc;

/// A vector with amplitudes of equal magnitude and random phases. Each phase is a hash of its index, the number of the vector and the seed,
/// so that vectors do not depend on thread or order of evaluation.
fn random_vector(n: usize, number: usize, seed: u64) -> Vector {
    let size = 1.0 / (n as f64).sqrt();
    let own = (number as u64).wrapping_mul(0xD1B5_4A32_D192_ED03).wrapping_add(mixed(seed));
    Vector::from_fn(n, |b, _| {
        let z = mixed((b as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(own));
        C64::from_polar(size, TAU * ((z >> 11) as f64 * 0.5f64.powi(53)))
    })
}

/// Everything shared by all vectors.
struct RunSetup<'a> {
    space: Space,
    options: &'a Options,
    typical: Typical,
    observables: Vec<(String, Linear)>,
    stops: Stops,
    /// The graphics processor that propagates FIDs.
    device: Option<&'static graphics::Device>,
}

/// A member: weight, schedule and initial deviation.
struct MemberRun {
    weight: f64,
    schedule: Schedule,
    deviation: Deviation,
    /// Ergotropy and capacity of its prepared state, one pair for each observable.
    orbits: Vec<(f64, f64)>,
}

/// Runs an experiment with random vectors.
///
/// # Errors
/// If the prepared state cannot be represented this way, a step is not unitary, or the vectors do not fit in memory.
pub(super) fn run(
    experiment: &Experiment,
    given: &Values,
    options: &Options,
    typical: &Typical,
    requests: Requests,
) -> Result<Findings, Fault> {
    let e = Evaluator::new(experiment, given)?;
    let stops = stops_of(requests);
    let mut member_runs = member_runs(experiment, given, options, (&e, &stops))?;
    let (declared, _) = build(&e)?;
    let (mut setting, mut notes) = setting(&e, options, *typical, &declared, requests)?;
    notes.extend(find_orbits(&mut setting, &mut member_runs));
    let all_results = walk_all(&setting, &member_runs)?;
    let weights: Vec<f64> = member_runs.iter().map(|w| w.weight).collect();
    let keys: Vec<String> = setting.observables.iter().map(|(key, _)| key.clone()).collect();
    let mut sample = VectorSample::new(&all_results, &weights);
    let (observed, spread) = sample.marks(&keys);
    notes.extend(spread);
    let traces = sample.traces(&keys);
    let acquisitions: Vec<Vec<&Acquire>> = member_runs.iter().map(|w| acquisitions(&w.schedule, &stops)).collect();
    let signals = sample.signals(&acquisitions);
    notes.extend(sample.errors());
    if let Some((_, bound)) = all_results[0][0].steps {
        notes.push(format!("the time steps of the FID leave an error of {bound:.1e} of its largest point"));
    }
    Ok(Findings {
        keys,
        how: RunInfo {
            whole: declared.basis.size(),
            dimension: setting.space.len() as f64,
            pure: false,
            random_vectors: typical.vectors,
            members: member_runs.len(),
            methods: all_results[0][0].methods.iter().map(|m| (*m).into()).collect(),
            tolerance: options.tolerance,
            duration: declared.duration(),
            truncation: vec![],
        },
        observed,
        traces,
        signals,
        notes,
        ..Findings::default()
    })
}

/// The acquisitions of a schedule; empty if signals are not requested.
fn acquisitions<'a>(schedule: &'a Schedule, stops: &Stops) -> Vec<&'a Acquire> {
    let of = |step: &'a Step| if let Step::Acquire(a) = step { Some(&**a) } else { None };
    schedule.steps.iter().filter(|_| stops.acquisitions).filter_map(of).collect()
}

/// FIDs of a single-member experiment for each random vector: `<psi|F+|phi>` and `<psi|F-|phi>` at every point of every decay.
///
/// # Errors
/// Those of `run`.
pub fn decays(
    experiment: &Experiment,
    given: &Values,
    options: &Options,
    typical: Typical,
) -> Result<Vec<Vec<Vec<[C64; 2]>>>, Fault> {
    let e = Evaluator::new(experiment, given)?;
    let requests = Requests::Declared(&[]);
    let mut member_runs = member_runs(experiment, given, options, (&e, &requests.stops()))?;
    let (mut setting, _) = setting(&e, options, typical, &member_runs[0].schedule, requests)?;
    find_orbits(&mut setting, &mut member_runs);
    let all_results = walk_all(&setting, &member_runs[..1])?;
    let of = |t: VectorResults| t.decays.into_iter().map(|d| d.1).collect();
    Ok(all_results.into_iter().flatten().map(of).collect())
}

/// The stops of a run with random vectors: statements are observed at their ends.
fn stops_of(requests: Requests) -> Stops {
    Stops { samples: 1, tomographies: false, ..requests.stops() }
}

/// The members; an error for one that random vectors cannot represent.
fn member_runs(
    experiment: &Experiment,
    given: &Values,
    options: &Options,
    (e, stops): (&Evaluator, &Stops),
) -> Result<Vec<MemberRun>, Fault> {
    let member_runs: Vec<MemberRun> = members(e)?
        .iter()
        .map(|member| {
            let own = evaluator(experiment, given, options, member)?;
            let (schedule, _) = build(&own)?;
            let place = schedule.prepare_place.span();
            let prepared = prepare(&own, &schedule.prepare, place)?;
            refuse(&schedule, &prepared)?;
            let deviation = prepared.deviation().ok_or_else(|| not_near(&schedule))?;
            Ok(MemberRun { weight: member.weight, schedule, deviation, orbits: vec![] })
        })
        .collect::<Result<_, Fault>>()?;
    // Results at a meeting point must be the same for all members.
    common_legs(&member_runs.iter().map(|w| &w.schedule).collect::<Vec<_>>(), stops)?;
    Ok(member_runs)
}

fn not_near(schedule: &Schedule) -> Fault {
    let place = schedule.prepare_place.span();
    Diagnostic::new(Code::WrongState, place, "random vectors cannot represent this state")
        .label("prepared here")
        .help("use `thermal`, `mixed`, `gibbs(H, T)` with H diagonal in the Zeeman basis, or `high_temperature(H, T)`")
        .into()
}

fn refuse(schedule: &Schedule, prepared: &Prepared) -> Result<(), Fault> {
    if prepared.is_pure() {
        return Err(not_near(schedule));
    }
    if schedule.basis.sites.iter().any(|s| matches!(s.kind, SiteKind::Collective { .. })) {
        let message = "the states of a collective have multiplicities, which random vectors do not support";
        return Err(Diagnostic::new(Code::Contradiction, schedule.prepare_place.span(), message)
            .help("declare its spins one by one: `spin s[n] : 1H`")
            .into());
    }
    if let Some(feedback) = schedule.steps.iter().find_map(Step::feedback) {
        let message = "random vectors give means with an error, so feedback by a mean is not defined";
        return Err(Diagnostic::new(Code::Contradiction, feedback.place().span(), message)
            .help("leave `--typical` out")
            .into());
    }
    let strobed = |step: &Step| match step {
        Step::Strobe(strobe) if matches!(strobe.look, Look::Signal(_)) => Some(strobe.place),
        _ => None,
    };
    if let Some(place) = schedule.steps.iter().find_map(strobed) {
        let message = "random vectors give no stroboscopic signals";
        return Err(Diagnostic::new(Code::Contradiction, place.span(), message)
            .help("record a trace instead: `loop 64 record as passes { ... }` with `measure { expectation(...) }`")
            .into());
    }
    if schedule.is_unitary() && !schedule.is_read_out() {
        return Ok(());
    }
    let mut place = None;
    schedule.segments(&mut |s| {
        if !s.relaxing.is_empty() && place.is_none() {
            place = s.place.0;
        }
    });
    let message = "random vectors need unitary evolution: no relaxation, gradient, dephasing, reset, projective measurement or tomography";
    Err(Diagnostic::new(Code::Contradiction, place.or(schedule.prepare_place.0).unwrap_or_default(), message)
        .help("select coherence orders with a phase `cycle` instead of a gradient")
        .into())
}

/// Space and observables of the run, and notes on undefined metrics.
fn setting<'a>(
    e: &Evaluator,
    options: &'a Options,
    typical: Typical,
    schedule: &Schedule,
    requests: Requests,
) -> Result<(RunSetup<'a>, Vec<String>), Fault> {
    let basis = schedule.basis.clone();
    let side_by_side = typical.vectors.min(rayon::current_num_threads()) as f64;
    let needed = match options.processor {
        // Two vectors, the vectors of the Chebyshev series or phase tables, and the diagonals of operators.
        Processor::Cpu => 16.0 * basis.size() * (24.0 * side_by_side + 4.0),
        // Two vectors, their copies in a step before the FID, and the diagonal of the deviation: one pair at a time.
        Processor::Gpu | Processor::Software => 16.0 * basis.size() * 8.0,
    };
    if needed > options.max_memory {
        let text = format!("about {}", estimate::bytes_text(needed));
        return Err(estimate::too_large(schedule, true, "", &text, options.max_memory));
    }
    let battery = schedule.battery.as_ref().map(|b| &b.hamiltonian);
    let mut observables: Vec<(String, Linear)> = Vec::new();
    let mut notes: Vec<String> = rounding::phases(schedule, options)?.into_iter().collect();
    let (wanted, summaries): (Vec<(String, &Expr)>, Vec<&Measure>) = match requests {
        Requests::Declared(values) => {
            let (summaries, measures): (Vec<_>, Vec<_>) = e.experiment.measures.iter().partition(|m| m.summary);
            let measures = measures.into_iter().map(|m| (m.key.clone(), &m.value));
            (measures.chain(values.iter().map(|r| (key_of(&r.expr), &r.expr))).collect(), summaries)
        }
        Requests::Observation(o) => (o.metrics.iter().map(|expr| (key_of(expr), expr)).collect(), vec![]),
    };
    for (key, expr) in wanted.into_iter().filter(|(_, expr)| !is_signal(expr)) {
        if observables.iter().any(|(k, _)| *k == key) {
            continue;
        }
        match Observable::new(e, key.clone(), expr)?.linear(battery) {
            Some(linear) => observables.push((key, linear)),
            None => notes.push(format!(
                "`{key}` is undefined: random vectors give signals, `energy`, `stored_energy` and `order`, which are linear in the state, and `ergotropy`, `anti_ergotropy` and `capacity` if the extremal energies are known"
            )),
        }
    }
    for measure in summaries {
        notes
            .push(format!("`{}` is undefined: random vectors give metrics at marks only, and no extrema", measure.key));
    }
    let (space, stops, device) = (Space::whole(basis), stops_of(requests), graphics::device(options.processor)?);
    Ok((RunSetup { space, options, typical, observables, stops, device }, notes))
}

/// Computes the energies invariant under unitaries for the observables that refer to them. Observables for which they are unknown are
/// removed, with a note. There must be a single member: the eigenvalues of a mean state are not those of any member.
fn find_orbits(setting: &mut RunSetup, member_runs: &mut [MemberRun]) -> Vec<String> {
    let mut notes = Vec::new();
    let single = member_runs.len() == 1;
    let mut others = Vec::new();
    for (key, linear) in std::mem::take(&mut setting.observables) {
        let conserved = matches!(linear.beside, Reference::Lowest | Reference::Highest | Reference::Range);
        let found: Result<Vec<(f64, f64)>, String> = match conserved {
            false => Ok(member_runs.iter().map(|_| (0.0, 0.0)).collect()),
            true if !single => Err("the ensemble mean has different eigenvalues than its members".into()),
            true => member_runs.iter().map(|way| conserved_energies(way, &linear)).collect(),
        };
        match found {
            Ok(found) => {
                member_runs.iter_mut().zip(found).for_each(|(way, orbit)| way.orbits.push(orbit));
                others.push((key, linear));
            }
            Err(why) => notes.push(format!("`{key}` is undefined: {why}")),
        }
    }
    setting.observables = others;
    notes
}

/// Ergotropy of the prepared state, and its capacity if needed.
fn conserved_energies(way: &MemberRun, linear: &Linear) -> Result<(f64, f64), String> {
    let orbit = way.deviation.orbit(&linear.operator)?;
    match linear.beside {
        Reference::Lowest => Ok((orbit.ergotropy, 0.0)),
        _ => Ok((orbit.ergotropy, orbit.capacity?)),
    }
}

/// Propagates all vectors through all members. The first vector runs alone and determines the number of steps for the others.
fn walk_all(setting: &RunSetup, member_runs: &[MemberRun]) -> Result<Vec<Vec<VectorResults>>, Fault> {
    let one = |number: usize, known: &[Option<usize>]| -> Result<Vec<VectorResults>, Fault> {
        let psi = random_vector(setting.space.len(), number, setting.typical.seed);
        member_runs.iter().zip(known).map(|(way, steps)| walk(setting, way, &psi, *steps)).collect()
    };
    let first = one(0, &vec![None; member_runs.len()])?;
    let known: Vec<Option<usize>> = first.iter().map(|t| t.steps.map(|s| s.0)).collect();
    let others: Vec<Result<Vec<VectorResults>, Fault>> = match setting.device {
        None => (1..setting.typical.vectors).into_par_iter().map(|number| one(number, &known)).collect(),
        // The device holds one pair at a time.
        Some(_) => (1..setting.typical.vectors).map(|number| one(number, &known)).collect(),
    };
    std::iter::once(Ok(first)).chain(others).collect()
}

/// Propagates one vector through one member.
fn walk(setting: &RunSetup, way: &MemberRun, psi: &Vector, steps: Option<usize>) -> Result<VectorResults, Fault> {
    let space = &setting.space;
    let mut phi = Vector::from_vec(way.deviation.apply(space, psi.as_slice()));
    let size = phi.norm();
    if size > 0.0 {
        phi /= real(size);
    }
    let context = RunContext::bare(Scene::new(space.clone(), None, State::Pure(Vector::zeros(0))));
    let square = way.deviation.square();
    let observables: Vec<MeanOf> = setting.observables.iter().map(|(_, l)| MeanOf::new(l, space, square)).collect();
    let mut pair = [psi.clone(), phi];
    let prepared: Vec<f64> = observables.iter().map(|q| q.mean(&pair, size)).collect();
    let look = |pair: &[Vector; 2]| -> Vec<f64> {
        let known = prepared.iter().zip(&way.orbits);
        observables.iter().zip(known).map(|(q, (before, orbit))| q.value(q.mean(pair, size), *before, *orbit)).collect()
    };
    let mut tally = VectorResults::default();
    let mut walker = Integrator::new(&context, setting.options);
    let mut clock = 0.0;
    let legs = legs(&way.schedule, &setting.stops);
    for (k, leg) in legs.iter().enumerate() {
        for step in leg.steps {
            for vector in &mut pair {
                if let State::Pure(moved) = walker.step_member(step, State::Pure(vector.clone()))? {
                    *vector = moved;
                }
            }
        }
        clock += duration(leg.steps);
        match leg.meeting {
            Meeting::Mark(name) => tally.marks.push((Position::Mark(name.into()), clock, look(&pair))),
            Meeting::Prepared => tally.marks.push((Position::Prepared, clock, look(&pair))),
            Meeting::Statement(number) => tally.marks.push((Position::Statement(number), clock, look(&pair))),
            Meeting::End => tally.marks.push((Position::End, clock, look(&pair))),
            Meeting::Record(segment) => {
                let (points, name) = segment.record.as_ref().map_or((1, ""), |r| (r.points, r.name.as_str()));
                let even = |j: usize| segment.duration * j as f64 / points.saturating_sub(1).max(1) as f64;
                let mut values = Vec::with_capacity(points);
                trajectory(setting, segment, &mut pair, points, &even, &mut |pair| values.push(look(pair)))?;
                let time = (0..points).map(even).collect();
                tally.traces.push(Recorded { name: name.into(), start: clock, time, means: values });
                clock += segment.duration;
            }
            Meeting::Acquire(acquire) => {
                let ends = k + 2 == legs.len() && legs.last().is_some_and(|l| l.steps.is_empty());
                let found = match split_for(acquire, ends && observables.is_empty()) {
                    Some((split, observed)) => {
                        let found = decay(setting, (&split, &observed), acquire, &pair, steps)?;
                        tally.methods.push(found.method);
                        tally.steps = found.steps.or(tally.steps);
                        found.curve
                    }
                    None => acquired(setting, acquire, &mut pair)?,
                };
                let scaled = found.into_iter().map(|[up, down]| [up * size, down * size]).collect();
                tally.decays.push((clock, scaled));
                clock += acquire.segment.duration;
            }
            Meeting::Strobe(strobe) => {
                tally.traces.extend(passes(strobe, &mut walker, &mut pair, &mut clock, &look)?);
            }
            // Tomographies are refused, and statements are not sampled.
            Meeting::Tomography(_) | Meeting::Along(..) => {}
        }
    }
    tally.methods.extend(walker.methods);
    Ok(tally)
}

/// The trace of a loop that is observed once a pass; a signal is refused before.
fn passes(
    strobe: &Strobe,
    walker: &mut Integrator,
    pair: &mut [Vector; 2],
    clock: &mut f64,
    look: &dyn Fn(&[Vector; 2]) -> Vec<f64>,
) -> Result<Option<Recorded>, Fault> {
    let Look::Trace(name) = &strobe.look else { return Ok(None) };
    let (start, mut time, mut means) = (*clock, vec![0.0], vec![look(pair)]);
    for (times, body) in &strobe.runs {
        for _ in 0..*times {
            for step in body {
                for vector in &mut *pair {
                    if let State::Pure(moved) = walker.step_member(step, State::Pure(vector.clone()))? {
                        *vector = moved;
                    }
                }
            }
            *clock += duration(body);
            time.push(*clock - start);
            means.push(look(pair));
        }
    }
    Ok(Some(Recorded { name: name.clone(), start, time, means }))
}

/// An operator whose expectation value is requested.
struct MeanOf {
    action: Action,
    /// `Tr[A]/N`.
    even: f64,
    beside: Reference,
    scale: f64,
}

impl MeanOf {
    fn new(linear: &Linear, space: &Space, square: f64) -> MeanOf {
        let even = linear.operator.mean().re;
        // Tr[dr_0^2] Tr[O^2] with dr_0 = A/N is `square` times `Tr[O^2]/N`.
        let sizes = (square * linear.operator.overlap(&linear.operator).re).sqrt();
        let scale = if linear.beside == Reference::Sizes { 1.0 / sizes } else { linear.scale };
        MeanOf { action: Action::of(&linear.operator, space), even, beside: linear.beside, scale }
    }

    /// `Tr[dr O]`.
    fn mean(&self, pair: &[Vector; 2], size: f64) -> f64 {
        pair[0].dotc(&self.action.apply(&pair[1])).re * size
    }

    /// The reported value; `orbit` is ergotropy and capacity of the prepared state. Only the change of the energy is estimated
    /// stochastically.
    fn value(&self, mean: f64, prepared: f64, orbit: (f64, f64)) -> f64 {
        let (ergotropy, capacity) = orbit;
        self.scale
            * match self.beside {
                Reference::Nothing => self.even + mean,
                Reference::Prepared => mean - prepared,
                Reference::Lowest => ergotropy + mean - prepared,
                Reference::Highest => capacity - ergotropy - (mean - prepared),
                Reference::Range => capacity,
                Reference::Sizes => mean,
            }
    }
}

/// The axis split for Strang steps, if applicable: a constant Hamiltonian that splits into x, y and z parts, with the decay last.
fn split_for(acquire: &Acquire, ends: bool) -> Option<(Split, Vec<(usize, f64)>)> {
    if !ends || acquire.receiver.points < FEWEST_POINTS || !acquire.segment.relaxing.is_empty() {
        return None;
    }
    let mut sum: Option<Operator> = None;
    for (c, operator) in acquire.segment.terms() {
        let term = (**operator).clone().times_number(real(c.constant()?));
        sum = Some(match sum {
            Some(sum) => sum.plus(term),
            None => term,
        });
    }
    let split = Split::of(&sum?).filter(|s| s.spins >= FEWEST)?;
    let mut observed = Vec::new();
    for (site, m) in acquire.receiver.raising.locals(2)? {
        let raises = m.nrows() == 2 && [(0, 0), (1, 0), (1, 1)].iter().all(|at| m[*at] == C64::default());
        if !raises || m[(0, 1)].im != 0.0 {
            return None;
        }
        observed.push((site, m[(0, 1)].re));
    }
    Some((split, observed))
}

/// A decay by Strang steps.
struct Found {
    curve: Curve,
    /// Steps per point and error bound, if they were determined.
    steps: Option<(usize, f64)>,
    method: &'static str,
}

/// The decay of a pair by Strang steps: on the graphics processor if there is one that has kernels for so many spins.
fn decay(
    setting: &RunSetup,
    (split, observed): (&Split, &[(usize, f64)]),
    acquire: &Acquire,
    pair: &[Vector; 2],
    known: Option<usize>,
) -> Result<Found, Fault> {
    let wrong = |e: super::engines::StepError| failed(acquire.segment.place, &e.to_string());
    let vectors = [pair[0].as_slice(), pair[1].as_slice()];
    let (points, dwell) = (acquire.receiver.points, acquire.receiver.dwell);
    let (on_device, on_cpu);
    let (sampler, method): (&super::engines::strang::Sampler, _) = match setting.device {
        Some(device) if device.takes_pair(split.spins) => {
            let pair = PairOnDevice::new(device, split, observed, vectors).map_err(wrong)?;
            on_device = move |points, spacing, steps| pair.sampled(points, spacing, steps);
            (&on_device, graphics::SPLIT_STEPS)
        }
        _ => {
            let pair = Pair::new(split, observed, vectors);
            on_cpu = move |points, spacing, steps| Ok(pair.sampled(points, spacing, steps));
            (&on_cpu, "split steps")
        }
    };
    let decay = Decay { sampler, local: split.local, points, dwell };
    match known {
        Some(steps) => Ok(Found { curve: decay.curve_in(steps).map_err(wrong)?, steps: None, method }),
        None => {
            let (curve, steps, error) = decay.curve(setting.options.tolerance).map_err(wrong)?;
            Ok(Found { curve, steps: Some((steps, error)), method })
        }
    }
}

/// A decay, point by point.
fn acquired(setting: &RunSetup, acquire: &Acquire, pair: &mut [Vector; 2]) -> Result<Vec<[C64; 2]>, Fault> {
    let raising: Arc<Operator> = acquire.receiver.raising.clone();
    let up = Action::of(&raising, &setting.space);
    let down = Action::of(&raising.adjoint(), &setting.space);
    let mut out = Vec::with_capacity(acquire.receiver.points);
    let times = |j: usize| acquire.receiver.dwell * j as f64;
    // One additional point, for the state at the end only.
    trajectory(setting, &acquire.segment, pair, acquire.receiver.points + 1, &times, &mut |pair| {
        out.push([pair[0].dotc(&up.apply(&pair[1])), pair[0].dotc(&down.apply(&pair[1]))]);
    })?;
    out.truncate(acquire.receiver.points);
    Ok(out)
}

/// Propagates both vectors along a segment and calls `look` at `points` times.
fn trajectory(
    setting: &RunSetup,
    segment: &Segment,
    pair: &mut [Vector; 2],
    points: usize,
    at: &dyn Fn(usize) -> f64,
    look: &mut dyn FnMut(&[Vector; 2]),
) -> Result<(), Fault> {
    let wrong = |e: super::engines::StepError| failed(segment.place, &e.to_string());
    let generator = Generator::of(segment, &setting.space);
    let start = State::Pure(pair[0].clone());
    let mut stepper =
        choose(&generator, segment, &start, setting.options.method, setting.options.tolerance).map_err(wrong)?;
    let mut now = 0.0;
    for j in 0..points {
        let next = at(j);
        if next > now {
            for vector in pair.iter_mut() {
                if let State::Pure(moved) = stepper.advance(&State::Pure(vector.clone()), now, next).map_err(wrong)? {
                    *vector = moved;
                }
            }
            now = next;
        }
        look(pair);
    }
    Ok(())
}
