//! The end of a sequence: the readouts of a tomography, and which nucleus is received.

use crate::diagnostic::{Code, Diagnostic};
use crate::emulator::plan_for;
use crate::hamiltonian::{Evaluator, Fault, Step as Scheduled, Values, build};
use crate::ir::{Event, EventKind, Experiment, Look};

/// A readout of a tomography that receives one nucleus.
#[derive(Debug, Clone, PartialEq)]
pub struct Readout {
    /// Its word: `IX`, `X-D-Y`.
    pub word: String,
    /// The nuclei of its letters.
    pub nuclei: Vec<String>,
    /// The nucleus that is received.
    pub nucleus: String,
    /// The delay of `D`, s.
    pub delay: Option<f64>,
    /// Number of points and the time between them, where the file says so.
    pub points: Option<(usize, f64)>,
}

impl Readout {
    /// The name under which a measured decay is read: `IX.1H`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.word, self.nucleus)
    }
}

/// The readouts of an experiment that ends in a tomography; none of others.
///
/// # Errors
/// When no set of readouts sees the state, or the file has a second tomography.
pub fn readouts(experiment: &Experiment, values: &Values) -> Result<Vec<Readout>, Fault> {
    if !experiment.has_tomography() {
        return Ok(vec![]);
    }
    let (schedule, _) = build(&Evaluator::new(experiment, values)?)?;
    let mut all = schedule.steps.iter().filter_map(|s| if let Scheduled::Tomography(t) = s { Some(t) } else { None });
    let Some(t) = all.next() else { return Ok(vec![]) };
    if let Some(second) = all.next() {
        return Err(Diagnostic::new(Code::NotExported, second.place.span(), "a sequence is read out once")
            .label("the second tomography")
            .help("export them from separate files")
            .into());
    }
    let plan = plan_for(t)?;
    let nuclei: Vec<String> = t.channels.iter().map(|c| c.nucleus.clone()).collect();
    let mut out = Vec::new();
    for readout in &plan.readouts {
        for channel in t.channels.iter().filter(|c| c.detected) {
            out.push(Readout {
                word: readout.word.clone(),
                nuclei: nuclei.clone(),
                nucleus: channel.nucleus.clone(),
                delay: plan.delay(),
                points: t.decay,
            });
        }
    }
    Ok(out)
}

/// The nucleus that is received: that of `acquire`, else that of the last pulse or lock of a nucleus that is polarised in the beginning.
pub fn received_nucleus(events: &[Event], polarised: Option<&[String]>) -> Option<String> {
    fn acquired(events: &[Event]) -> Option<String> {
        events.iter().find_map(|e| match &e.kind {
            EventKind::Acquire { nucleus, .. } => Some(nucleus.clone()),
            EventKind::Loop { look: Some(Look::Signal(detection)), .. } => Some(detection.nucleus.clone()),
            EventKind::Loop { body, .. } => acquired(body),
            _ => None,
        })
    }
    fn last(events: &[Event], wanted: &dyn Fn(&String) -> bool) -> Option<String> {
        events.iter().rev().find_map(|e| match &e.kind {
            EventKind::Pulse(p) => Some(&p.nucleus).filter(|n| wanted(n)).cloned(),
            EventKind::Lock(l) => Some(&l.nucleus).filter(|n| wanted(n)).cloned(),
            EventKind::Parallel { pulses, .. } => pulses.iter().map(|p| &p.nucleus).find(|n| wanted(n)).cloned(),
            EventKind::Loop { body, .. } => last(body, wanted),
            _ => None,
        })
    }
    let polarised = |nucleus: &String| polarised.is_none_or(|all| all.contains(nucleus));
    acquired(events).or_else(|| last(events, &polarised)).or_else(|| last(events, &|_| true))
}
