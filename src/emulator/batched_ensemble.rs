//! Ensemble runs with members propagated in batches: only sums of states and signals are stored.

use super::engines::StepError;
use super::engines::exact::EXACT;
use super::findings::Findings;
use super::integrate::failed;
use super::member_batch::{MemberBatch, Wanted};
use super::members::{self, schedules};
use super::observable::Observable;
use super::propagate::{Found, Propagation};
use super::request::{Observables, Requests};
use super::results::RunInfo;
use super::settings::{Method, Options};
use super::setup::{energies_of_powders, open_context, revivals};
use super::{cancel, estimate, rounding, sectors};
use crate::hamiltonian::{Acquire, Evaluator, Fault, Member, Step, Values};
use std::sync::Arc;

/// Compiles the members of an ensemble for batched propagation, with the quantities wanted of them. `None` if members must be propagated
/// individually: if they differ in more than numbers, or if more than mean states and signals is requested.
///
/// # Errors
/// If the orientation of the sample cannot be evaluated.
pub fn compiled<'m>(
    e: &Evaluator,
    options: &Options,
    requests: Requests,
    observables: &Observables,
    members: &'m [Member],
) -> Result<Option<(MemberBatch<'m>, Wanted)>, Fault> {
    let stops = requests.stops();
    let plain = options.method == Method::Auto && options.spectrometer.is_none() && options.measured.is_none();
    let metrics = observables.observables.iter().chain(observables.at_marks.iter().map(|a| &a.metric));
    let of_states = |metric: &Observable| !metric.is_of_hamiltonian() && !metric.is_of_path();
    let of_means = observables.aggregates.is_empty() && metrics.clone().all(of_states);
    if members.len() < 2 || !plain || !of_means || stops.statements || !requests.member_means(e).is_empty() {
        return Ok(None);
    }
    let states = metrics.count() > 0 || requests.kept_dimension(options) > 0.0;
    let wanted = Wanted { marks: states, records: states && stops.records, signals: stops.acquisitions };
    Ok(MemberBatch::new(e, members, wanted)?.map(|batch| (batch, wanted)))
}

/// Runs an ensemble at one parameter point; `None` if its members must be propagated individually.
///
/// # Errors
/// Those of a run.
pub fn run(
    e: &Evaluator,
    given: &Values,
    options: &Options,
    (requests, observables): (Requests, Arc<Observables>),
    members: &[Member],
) -> Result<Option<Findings>, Fault> {
    let Some((batch, wanted)) = compiled(e, options, requests, &observables, members)? else { return Ok(None) };
    let Some(first) = members.first() else { return Ok(None) };
    let stops = requests.stops();
    let schedules = schedules(e, given, options, std::slice::from_ref(first))?;
    let Some((schedule, prepared)) = schedules.first() else { return Ok(None) };
    let space = sectors::whole(schedule, options.max_memory)?;
    let size = estimate::check(schedule, &space, false, options.max_memory)?;
    let declared = members::declared(e, members)?;
    let declared = declared.as_ref().unwrap_or(schedule);
    let mut context = open_context(e, declared, space, prepared, observables)?;
    if !context.edges.is_empty() {
        return Ok(None);
    }
    context.stops = stops;
    context.kept_dimension = requests.kept_dimension(options);
    let acquisitions: Vec<&Acquire> =
        schedule.steps.iter().filter_map(|step| if let Step::Acquire(a) = step { Some(&**a) } else { None }).collect();
    let on_device = match (super::graphics::device(options.processor)?, acquisitions.as_slice()) {
        (Some(device), [acquire]) => {
            let failed = |e: StepError| failed(acquire.segment.place, &e.to_string());
            batch.run_on(device, (acquire.receiver.points, acquire.receiver.dwell)).map_err(failed)?
        }
        _ => None,
    };
    let method = if on_device.is_some() { super::graphics::EXACT } else { EXACT };
    let sums = on_device.or_else(|| {
        batch.run(|k, signal| {
            if let Some(acquire) = acquisitions.get(k) {
                signal.add_up_lines(acquire.receiver.points, acquire.receiver.dwell);
            }
        })
    });
    let Some(sums) = sums else { return Ok(None) };
    energies_of_powders(e, declared, &context);
    revivals(e, schedule.duration(), &context)?;
    rounding::phases(declared, options)?.into_iter().for_each(|note| context.note(note));
    for (acquire, kept) in acquisitions.iter().zip(&sums.kept) {
        cancel::note_lost_signal(&context, &acquire.receiver.nucleus, kept.share());
    }
    let mut propagation = Propagation::new(&context, options, vec![1.0]);
    // The eigenvalues of a mean state are not conserved.
    context.unitary_part.set(None);
    propagation.used(method);
    propagation.take_up(schedule, batch.level(), sums, wanted)?;
    let how = RunInfo {
        whole: declared.basis.size(),
        dimension: size.dimension,
        pure: false,
        random_vectors: 0,
        members: members.len(),
        methods: propagation.methods().into_iter().map(Into::into).collect(),
        tolerance: options.tolerance,
        duration: declared.duration(),
        truncation: vec![],
    };
    let aggregates = propagation.aggregates.clone();
    let Found { observed, traces, decays, readings } = propagation.finish();
    let signals = decays.into_iter().enumerate().map(|(k, d)| d.trace(k)).collect();
    let keys = context.requested.observables.iter().map(|o| o.key.clone()).collect();
    let notes = context.notes.into_inner();
    Ok(Some(Findings { keys, observed, traces, signals, readings, aggregates, notes, how }))
}
