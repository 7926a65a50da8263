//! The walk through the events.

use super::super::program::{
    Acquire, Channel, Gradient, GradientStrength, PerRow, Program, Pulse, Purpose, Shape, Step, StepKind,
};
use super::readout::{Readout, received_nucleus};
use super::refused;
use crate::diagnostic::{Code, Diagnostic};
use crate::emulator::{axes, longest_t1, points};
use crate::hamiltonian::instrument::{self, Gaps, Position, Repetition, Transmission};
use crate::hamiltonian::{Evaluator, Fault, Values, scans, spectrometer};
use crate::ir::{self, Align, Event, EventKind, Experiment, InteractionKind, Look, State};
use crate::source::Span;
use crate::spin::SiteKind;
use crate::syntax::Expr;
use crate::units::UnitSystem;
use std::cell::RefCell;

/// The most rows of a list.
const MOST_ROWS: usize = 4096;

/// The recycle delay, in T1.
const RECYCLE: f64 = 5.0;

/// Shares of the strongest gradient that crushers behind one another take: no sum of a few of them is zero.
const CRUSHERS: [f64; 7] = [0.31, 0.47, -0.23, 0.61, -0.37, 0.53, -0.17];

/// How long a crusher takes where the spectrometer does not say.
const CRUSHER: f64 = 1e-3;

/// How long a gradient rings down where the spectrometer does not say.
const RECOVERY: f64 = 100e-6;

/// What is wanted of the lowering.
pub struct Wanted<'a> {
    /// Values of parameters.
    pub values: &'a Values,
    /// The spectrometer whose steps and delays hold.
    pub spectrometer: Option<&'a str>,
    /// The readout that ends the sequence, in the place of `tomography`.
    pub readout: Option<&'a Readout>,
    /// Whether the dialect begins with any polarisation of the spins, and turns by pulses of no duration.
    pub simulated: bool,
}

/// The program of a console, and what is otherwise than it is emulated.
pub struct Lowered {
    /// The program.
    pub program: Program,
    /// What a console does otherwise.
    pub warnings: Vec<Diagnostic>,
}

/// Why there is no program.
#[derive(Debug)]
pub enum Rejected {
    /// Statements that cannot be exported, each at its place.
    Refused(Vec<Diagnostic>),
    /// The points of the sweep differ in what no list describes; one point alone may be exported.
    Apart(Vec<Diagnostic>),
}

/// Lowers an experiment.
///
/// # Errors
/// All statements that cannot be exported, each at its place; what no list describes.
pub fn lower(experiment: &Experiment, wanted: &Wanted) -> Result<Lowered, Rejected> {
    let one = |fault: Fault| Rejected::Refused(vec![*fault]);
    if experiment.units == UnitSystem::Natural {
        return Err(Rejected::Refused(vec![refused::natural()]));
    }
    let mut walk = Walk::new(experiment, wanted).map_err(one)?;
    if let Err(fault) = walk.begin() {
        walk.said.push(*fault);
    }
    walk.position.enter(&experiment.sequence, Repetition::ONLY);
    let steps = walk.events(&experiment.sequence);
    let steps = walk.ended(steps);
    let apart = walk.apart.take();
    if !apart.is_empty() {
        return Err(Rejected::Apart(distinct(apart)));
    }
    if walk.said.iter().any(Diagnostic::is_error) {
        let errors = walk.said.into_iter().filter(Diagnostic::is_error).collect();
        return Err(Rejected::Refused(distinct(errors)));
    }
    let program = walk.program(steps).map_err(one)?;
    Ok(Lowered { program, warnings: distinct(walk.said) })
}

/// Each message once: the rows of a sweep say the same.
fn distinct(all: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut out: Vec<Diagnostic> = Vec::new();
    for diagnostic in all {
        if !out.contains(&diagnostic) {
            out.push(diagnostic);
        }
    }
    out
}

pub(super) struct Walk<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) wanted: &'a Wanted<'a>,
    /// One a row.
    pub(super) rows: Vec<Evaluator<'a>>,
    swept: Vec<String>,
    pub(super) channels: Vec<Channel>,
    pub(super) gaps: Gaps,
    /// Where the event stands, for delays between centres.
    pub(super) position: Position<'a>,
    crushers: usize,
    polarised: Option<Vec<usize>>,
    pub(super) received: Option<Span>,
    pub(super) said: Vec<Diagnostic>,
    /// What differs from row to row, and is neither a time nor a flip angle nor a count.
    apart: RefCell<Vec<Diagnostic>>,
}

impl<'a> Walk<'a> {
    fn new(experiment: &'a Experiment, wanted: &'a Wanted<'a>) -> Result<Walk<'a>, Fault> {
        let axes = axes(experiment, wanted.values)?;
        let count = points(&axes, wanted.values).len();
        let sweep = experiment.sweeps.first().and_then(|s| s.first()).and_then(|s| s.place.0);
        if count > MOST_ROWS {
            return Err(refused::rows(sweep, count, MOST_ROWS).into());
        }
        let mut rows = Vec::with_capacity(count);
        for values in points(&axes, wanted.values) {
            let mut e = Evaluator::new(experiment, &values)?;
            e.spectrometer = wanted.spectrometer.map(|name| spectrometer(&e, name)).transpose()?;
            rows.push(e);
        }
        let swept = axes.iter().flat_map(|axis| axis.names.clone()).collect();
        Ok(Walk {
            experiment,
            wanted,
            rows,
            swept,
            channels: vec![],
            gaps: Gaps::default(),
            position: Position::default(),
            crushers: 0,
            polarised: None,
            received: None,
            said: vec![],
            apart: RefCell::default(),
        })
    }

    /// Declares the channel that is received, which comes first.
    fn begin(&mut self) -> Result<(), Fault> {
        let first = match self.wanted.readout {
            Some(readout) => Some(readout.nucleus.clone()),
            None => received_nucleus(&self.experiment.sequence, self.polarised_nuclei()?.as_deref()),
        };
        if let Some(nucleus) = first {
            self.channel(&nucleus)?;
        }
        Ok(())
    }

    /// What differs from row to row, and is neither a time nor a flip angle nor a count.
    pub(super) fn differs(&self, span: Span, what: &str) -> Fault {
        let diagnostic = refused::differs(span, what);
        self.apart.borrow_mut().push(diagnostic.clone());
        diagnostic.into()
    }

    /// The nuclei of the spins that `prepare` polarises; `None` where these are all.
    fn polarised_nuclei(&self) -> Result<Option<Vec<String>>, Fault> {
        let prepared = self.experiment.sequence.iter().find_map(|event| match &event.kind {
            EventKind::Prepare(states) => Some(states),
            _ => None,
        });
        let (Some(states), Some(e)) = (prepared, self.first()) else { return Ok(None) };
        let mut all = Vec::new();
        for state in states {
            let State::Thermal { sites } = state else { continue };
            let Some(sites) = sites else { return Ok(None) };
            let nuclei = e.sites(sites, None)?.into_iter().filter_map(|k| e.basis.site(k).isotope);
            all.extend(nuclei.map(|isotope| isotope.symbol.to_string()));
        }
        Ok(Some(all))
    }

    pub(super) fn first(&self) -> Option<&Evaluator<'a>> {
        self.rows.first()
    }

    /// A number in all rows.
    pub(super) fn each_row(&self, value: impl Fn(&Evaluator<'a>) -> Result<f64, Fault>) -> Result<PerRow, Fault> {
        Ok(PerRow::of(self.rows.iter().map(value).collect::<Result<_, _>>()?))
    }

    /// A number that is the same in all rows.
    pub(super) fn same(
        &self,
        span: Span,
        what: &str,
        value: impl Fn(&Evaluator<'a>) -> Result<f64, Fault>,
    ) -> Result<f64, Fault> {
        match self.each_row(value)? {
            PerRow::Same(x) => Ok(x),
            PerRow::Rows(_) => Err(self.differs(span, what)),
        }
    }

    /// The number of the channel of a nucleus, which is declared where it is not yet.
    pub(super) fn channel(&mut self, nucleus: &str) -> Result<usize, Fault> {
        if let Some(k) = self.channels.iter().position(|c| c.nucleus == nucleus) {
            return Ok(k);
        }
        let declared = self.experiment.channels.iter().find(|c| c.nucleus == nucleus);
        let number = |x: Option<&Expr>, what: &str| -> Result<Option<f64>, Fault> {
            x.map(|x| self.same(x.span(), what, |e| e.number(x))).transpose()
        };
        let carrier = number(declared.and_then(|c| c.carrier.as_ref()), "the carrier")?;
        let has_shifts = self.experiment.system.interactions_of(InteractionKind::Shift).next().is_some();
        let channel = Channel {
            nucleus: nucleus.to_string(),
            carrier: carrier.or(has_shifts.then_some(0.0)),
            dead_time: number(declared.and_then(|c| c.dead_time.as_ref()), "the dead time")?,
        };
        self.channels.push(channel);
        Ok(self.channels.len() - 1)
    }

    /// How strong ideal pulses are: as the channel says, else 0, and the calibration decides.
    pub(super) fn strength_of_channel(&self, nucleus: &str) -> Result<f64, Fault> {
        let declared = self.experiment.channels.iter().find(|c| c.nucleus == nucleus);
        let span = declared.and_then(|c| c.rf.as_ref()).map(Expr::span).unwrap_or_default();
        self.same(span, "the rf amplitude of this channel", |e| {
            Ok(instrument::strength_of_channel(e, nucleus)?.unwrap_or(0.0))
        })
    }

    /// The steps of events; what cannot be exported is said and left out.
    pub(super) fn events(&mut self, events: &'a [Event]) -> Vec<Step> {
        let mut out = Vec::new();
        for k in 0..events.len() {
            self.position.at(k);
            if let Err(fault) = self.event(events, k, &mut out) {
                self.said.push(*fault);
            }
        }
        out
    }

    fn event(&mut self, events: &'a [Event], k: usize, out: &mut Vec<Step>) -> Result<(), Fault> {
        let Some(event) = events.get(k) else { return Ok(()) };
        let span = event.place.span();
        if let (Some(noise), false) = (event.noise(), matches!(event.kind, EventKind::Evolve { .. })) {
            return Err(refused::noise(span, noise).into());
        }
        let takes_no_time =
            matches!(event.kind, EventKind::Mark { .. } | EventKind::Acquire { .. } | EventKind::EndDecoupling { .. });
        if self.received.is_some() && !takes_no_time {
            return Err(refused::behind_acquisition(span).into());
        }
        self.wait_for_electronics(event, out)?;
        let kind = match &event.kind {
            EventKind::Prepare(states) => return self.prepare(states, span),
            EventKind::Pulse(p) => match self.pulse(p, span)? {
                Some(pulse) => StepKind::Pulses(Align::Start, vec![pulse]),
                None => return Ok(()),
            },
            EventKind::Parallel { align, pulses } => {
                if let Some(late) = pulses.iter().find(|p| p.start.is_some()) {
                    return Err(refused::begins_later(late.place.span()).into());
                }
                let pulses: Vec<Option<Pulse>> =
                    pulses.iter().map(|p| self.pulse(p, p.place.span())).collect::<Result<_, _>>()?;
                let pulses: Vec<Pulse> = pulses.into_iter().flatten().collect();
                if pulses.is_empty() {
                    return Ok(());
                }
                StepKind::Pulses(*align, pulses)
            }
            EventKind::Lock(l) => StepKind::Pulses(Align::Start, vec![self.lock(l, span)?]),
            EventKind::Delay { duration, .. } => match self.delay(duration, span)? {
                Some(kind) => kind,
                None => return Ok(()),
            },
            EventKind::Gradient { strength, duration, shape } => {
                let gradient = self.gradient(strength, duration, shape.as_deref(), span)?;
                StepKind::Gradient(gradient)
            }
            EventKind::Crush { keep } => StepKind::Gradient(self.crush(keep, span)?),
            EventKind::Mark { name } => StepKind::Mark(name.clone()),
            EventKind::Acquire { decoupling, .. } if !decoupling.is_empty() => {
                return Err(refused::decoupled(span).into());
            }
            EventKind::Acquire { nucleus, points, dwell, phase, .. } => {
                StepKind::Acquire(self.acquire(nucleus, points, dwell, phase.as_deref(), span)?)
            }
            EventKind::Loop { look: Some(Look::Signal(_)), .. } => return Err(refused::stroboscopic(span).into()),
            EventKind::Loop { repeat, body, .. } => return self.repeat(repeat, body, span, out),
            // The readout is added behind the sequence.
            EventKind::Tomography(_) => return Ok(()),
            EventKind::Evolve { hamiltonian, .. } => return Err(refused::evolve(span, hamiltonian).into()),
            EventKind::Compile(compile) => return Err(refused::evolve(span, &compile.hamiltonian).into()),
            EventKind::Reset { .. } => return Err(refused::reset(span).into()),
            EventKind::Read { .. } => return Err(refused::read(span).into()),
            EventKind::Project { .. } => return Err(refused::project(span).into()),
            EventKind::Decouple(p) => StepKind::Decouple(self.decoupling(p, span)?),
            EventKind::EndDecoupling { nucleus } => StepKind::EndDecoupling(self.channel(nucleus)?),
            EventKind::Dephase { hamiltonian } => return Err(refused::dephase(span, hamiltonian).into()),
        };
        let rings = matches!(kind, StepKind::Gradient(_));
        out.push(Step { kind, span });
        if rings && !self.wanted.simulated && self.first().is_some_and(|e| e.spectrometer.is_none()) {
            self.ringing(event);
            out.push(Step { kind: StepKind::Delay(PerRow::Same(RECOVERY), Purpose::NotEmulated), span });
        }
        Ok(())
    }

    /// Says that a gradient rings down, where that is not emulated.
    fn ringing(&mut self, event: &Event) {
        if !matches!(event.kind, EventKind::Gradient { .. }) {
            return;
        }
        let message = format!("the console waits {} us after this gradient, the emulation does not", RECOVERY * 1e6);
        self.said.push(
            Diagnostic::new(Code::ExportedOtherwise, event.place.span(), message)
                .label("gradient recovery")
                .help("use `spectrometer NAME { gradient_recovery = 0.1 ms }` and `--spectrometer NAME` to emulate it"),
        );
    }

    /// What the electronics need before an event.
    fn wait_for_electronics(&mut self, event: &Event, out: &mut Vec<Step>) -> Result<(), Fault> {
        let Some(e) = self.rows.first() else { return Ok(()) };
        let Some(hardware) = e.spectrometer.as_ref() else { return Ok(()) };
        let gap = self.gaps.before(e, hardware, event)?;
        if gap > 0.0 {
            let behind_gradient = matches!(out.last(), Some(Step { kind: StepKind::Gradient(_), .. }));
            let purpose = if behind_gradient { Purpose::Recovery } else { Purpose::Electronics };
            out.push(Step { kind: StepKind::Delay(PerRow::Same(gap), purpose), span: event.place.span() });
        }
        Ok(())
    }

    fn prepare(&mut self, states: &[State], span: Span) -> Result<(), Fault> {
        match states {
            [State::Thermal { sites: None }] => Ok(()),
            _ if self.wanted.simulated => {
                let Some(e) = self.first() else { return Ok(()) };
                let mut polarised = Vec::new();
                for state in states {
                    match state {
                        State::Thermal { sites: Some(sites) } => polarised.extend(e.sites(sites, None)?),
                        State::Mixed { .. } => {}
                        _ => return Err(refused::state(span, states).into()),
                    }
                }
                if polarised.is_empty() {
                    return Err(refused::state(span, states).into());
                }
                self.polarised = Some(polarised);
                Ok(())
            }
            _ => Err(refused::state(span, states).into()),
        }
    }

    /// A pulse; nothing where it turns by nothing in all rows.
    fn pulse(&mut self, p: &'a ir::Pulse, span: Span) -> Result<Option<Pulse>, Fault> {
        let channel = self.channel(&p.nucleus)?;
        let mut said = Vec::new();
        let sent: Vec<Transmission> =
            self.rows.iter().map(|e| instrument::pulse(e, p, &mut said)).collect::<Result<_, _>>()?;
        self.said.append(&mut said);
        if sent.iter().all(|t| t.duration == 0.0 && t.angle == 0.0) {
            return Ok(None);
        }
        let phases = self.same_phases(p.phase.span(), |e| instrument::phases_of_pulse(e, p))?;
        let mut pulse = self.sent(channel, &sent, phases, span)?;
        pulse.ideal = sent.iter().all(|t| t.duration == 0.0);
        if pulse.ideal {
            pulse.strength = self.strength_of_channel(&p.nucleus)?;
        }
        Ok(Some(pulse))
    }

    fn lock(&mut self, l: &'a ir::Lock, span: Span) -> Result<Pulse, Fault> {
        let channel = self.channel(&l.nucleus)?;
        let mut said = Vec::new();
        let sent: Vec<Transmission> =
            self.rows.iter().map(|e| instrument::lock(e, l, span, &mut said)).collect::<Result<_, _>>()?;
        self.said.append(&mut said);
        let phases = self.phases(&l.phase)?;
        Ok(Pulse { lock: true, ..self.sent(channel, &sent, phases, span)? })
    }

    /// What is sent in all rows as one pulse.
    fn sent(&self, channel: usize, sent: &[Transmission], phases: Vec<f64>, span: Span) -> Result<Pulse, Fault> {
        let duration = PerRow::of(sent.iter().map(|t| t.duration).collect());
        let angle = PerRow::of(sent.iter().map(|t| t.angle).collect());
        let strongest = sent.iter().map(|t| t.strength).fold(0.0, f64::max);
        // A row in which the pulse turns by nothing sends nothing.
        let sending = || sent.iter().filter(|t| t.duration > 0.0);
        if sending().any(|t| (t.strength - strongest).abs() > 1e-12 * strongest) {
            return Err(self.differs(span, "the rf amplitude of this pulse"));
        }
        let shape = sending().next().and_then(|t| t.steps.clone());
        if sending().any(|t| t.steps != shape) {
            return Err(self.differs(span, "the shape of this pulse"));
        }
        let shape: Option<Shape> = shape.map(Into::into);
        Ok(Pulse { channel, duration, angle, strength: strongest, phases, shape, ideal: false, lock: false })
    }

    fn phases(&self, phase: &Expr) -> Result<Vec<f64>, Fault> {
        self.same_phases(phase.span(), |e| instrument::phases(e, phase))
    }

    /// Phases from scan to scan that are the same in all rows.
    pub(super) fn same_phases(
        &self,
        span: Span,
        phases: impl Fn(&Evaluator<'a>) -> Result<Vec<f64>, Fault>,
    ) -> Result<Vec<f64>, Fault> {
        let mut all = self.rows.iter().map(phases);
        let first = all.next().unwrap_or(Ok(vec![0.0]))?;
        for other in all {
            if other? != first {
                return Err(self.differs(span, "this phase"));
            }
        }
        Ok(first)
    }

    fn delay(&mut self, duration: &Expr, span: Span) -> Result<Option<StepKind>, Fault> {
        let mut said = Vec::new();
        let mut values = Vec::with_capacity(self.rows.len());
        for e in &self.rows {
            let halves = self.position.halves(e)?;
            values.push(instrument::delay(e, duration, halves, span, &mut said)?);
        }
        self.said.append(&mut said);
        let time = PerRow::of(values);
        self.gaps.waits(time.least(), span);
        Ok((time.most() > 0.0).then_some(StepKind::Delay(time, Purpose::Written)))
    }

    fn gradient(
        &self,
        strength: &Expr,
        duration: &Expr,
        shape: Option<&'a Expr>,
        span: Span,
    ) -> Result<Gradient, Fault> {
        let strength = self.same(strength.span(), "this amplitude", |e| e.number(strength))?;
        let duration = self.same(duration.span(), "the length of a gradient", |e| e.number(duration))?;
        let Some(e) = self.first() else { return Err(refused::nothing(span).into()) };
        if let Some(hardware) = e.spectrometer.as_ref() {
            hardware.within_gradient_limit(strength, span)?;
        }
        let shape = instrument::gradient_steps(e, shape, duration)?.map(Into::into);
        Ok(Gradient { strength: GradientStrength::Absolute(strength), duration, shape, timed: true })
    }

    /// An ideal crusher becomes a gradient; crushers behind one another differ, so that none undoes another.
    fn crush(&mut self, keep: &[Expr], span: Span) -> Result<Gradient, Fault> {
        if !keep.is_empty() {
            return Err(refused::filter(span).into());
        }
        let share = CRUSHERS.iter().cycle().nth(self.crushers).copied().unwrap_or(0.31);
        self.crushers += 1;
        let declared = self.first().and_then(|e| e.spectrometer.as_ref()).map_or(0.0, |hardware| hardware.crusher());
        let duration = if declared > 0.0 { declared } else { CRUSHER };
        if declared == 0.0 && !self.wanted.simulated {
            let message =
                format!("`crush` is instantaneous in the emulation, but lasts {} ms on a console", duration * 1e3);
            let help = "use `spectrometer NAME { crusher = 1 ms, gradient_recovery = 0.1 ms }` and `--spectrometer NAME` to emulate it";
            self.said.push(
                Diagnostic::new(Code::ExportedOtherwise, span, message)
                    .label("a gradient, which does not affect zero-quantum coherences")
                    .help(help),
            );
        }
        let sine: Vec<f64> = (0..100).map(|k| (std::f64::consts::PI * (f64::from(k) + 0.5) / 100.0).sin()).collect();
        Ok(Gradient {
            strength: GradientStrength::Share(share),
            duration,
            shape: Some(sine.into()),
            timed: declared > 0.0,
        })
    }

    fn acquire(
        &mut self,
        nucleus: &str,
        points: &Expr,
        dwell: &Expr,
        phase: Option<&Expr>,
        span: Span,
    ) -> Result<Acquire, Fault> {
        if self.received.is_some() {
            return Err(refused::second_acquisition(span).into());
        }
        self.received = Some(span);
        let channel = self.channel(nucleus)?;
        let points = self.same(points.span(), "the number of points", |e| Ok(e.count(points, 1)? as f64))?;
        let dwell = self.same(dwell.span(), "the dwell time", |e| e.number(dwell))?;
        let phases = phase.map_or(Ok(vec![0.0]), |p| self.phases(p))?;
        Ok(Acquire { channel, points: Some((points as usize, dwell)), phases })
    }

    fn program(&mut self, steps: Vec<Step>) -> Result<Program, Fault> {
        let (mut recycle, mut max_gradient, mut cycles) = (None, None, 1);
        if let Some(e) = self.first() {
            let nuclei = e.basis.sites.iter().all(|s| s.kind == SiteKind::Spin && s.isotope.is_some());
            recycle = if nuclei { longest_t1(e)?.map(|t1| RECYCLE * t1) } else { None };
            if let Some(hardware) = e.spectrometer.as_ref() {
                max_gradient = hardware.max_gradient();
                recycle = Some(hardware.recycle_delay()).filter(|t| *t > 0.0).or(recycle);
            }
            cycles = scans(e);
        }
        Ok(Program {
            title: self.experiment.title.clone(),
            channels: std::mem::take(&mut self.channels),
            rows: self.rows.len(),
            swept: std::mem::take(&mut self.swept),
            scans: cycles,
            recycle,
            max_gradient,
            polarised: self.polarised.take(),
            steps,
        })
    }
}
