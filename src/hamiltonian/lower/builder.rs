//! Builds the schedule of an experiment event by event: the clock, what acts in every statement, and the steps and limits of the
//! spectrometer if one is named.

use super::running::Running;
use super::sent::Sent;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::centres::{Position, Repetition};
use crate::hamiltonian::compiled;
use crate::hamiltonian::drive;
use crate::hamiltonian::gaps::Gaps;
use crate::hamiltonian::prepare::reset;
use crate::hamiltonian::schedule::{Acquire, Battery, Receiver, Record, Relaxing, Schedule, Segment, Step, duration};
use crate::hamiltonian::value::{Evaluator, Fault, Terms};
use crate::hamiltonian::{dissipators, envelope, interactions, lock, orientation, readout};
use crate::ir::{self, Event, EventKind, InteractionKind, RelaxSetting};
use crate::linalg::real;
use crate::source::{Place, Span};
use crate::spin::{LocalKind, Operator};
use crate::syntax::{Expr, ExprKind};
use crate::waveform::{Scalar, common_period};
use std::collections::HashMap;
use std::sync::Arc;

/// Builds the schedule, and collects warnings.
///
/// # Errors
/// If a value is out of range, a Hamiltonian is not Hermitian, a pulse exceeds its limit, or a statement cannot be emulated yet.
pub fn build(e: &Evaluator) -> Result<(Schedule, Vec<Diagnostic>), Fault> {
    let mut builder = Builder {
        e,
        warnings: vec![],
        clock: 0.0,
        halves: 0.0,
        sent: HashMap::new(),
        internal: None,
        relaxation: HashMap::new(),
        fields: HashMap::new(),
        evolutions: vec![],
        noises: HashMap::new(),
        gaps: Gaps::default(),
        position: Position::default(),
        decoupling: vec![],
    };
    // For an ensemble, they were checked when the nominal sample was compiled.
    for named in e.experiment.hamiltonians.iter().filter(|_| e.varying.is_none()) {
        match named.kind {
            ir::OperatorKind::Hamiltonian => e.declare(&named.name, &named.value)?,
            ir::OperatorKind::Any => drop(e.operator(&named.value)?),
        }
    }
    let mut prepare = Vec::new();
    let mut prepare_place = Place::default();
    let mut steps = Vec::with_capacity(e.experiment.sequence.len());
    for event in &e.experiment.sequence {
        if let EventKind::Prepare(states) = &event.kind {
            prepare = states.clone();
            prepare_place = event.place;
        }
    }
    builder.position.enter(&e.experiment.sequence, Repetition::ONLY);
    let event_ends = builder.events(&e.experiment.sequence, &mut steps)?;
    if let Some(hardware) = e.spectrometer.as_ref() {
        let mut channels: Vec<(&String, &Sent)> = builder.sent.iter().collect();
        channels.sort_by_key(|(nucleus, _)| *nucleus);
        for (nucleus, sent) in channels {
            hardware.duty(nucleus, sent.on, duration(&steps))?;
        }
    }
    let declared = e.experiment.battery.as_ref().filter(|_| e.varying.is_none());
    let battery = declared.map(|b| builder.battery(b)).transpose()?;
    let schedule = Schedule { basis: e.basis.clone(), prepare, prepare_place, steps, event_ends, battery };
    Ok((schedule, builder.warnings))
}

/// Total spin operators Fx and Fy of a channel.
pub(super) type Field = (Arc<Operator>, Arc<Operator>);

/// State of the construction.
pub(super) struct Builder<'a, 'b> {
    pub(super) e: &'a Evaluator<'b>,
    pub(super) warnings: Vec<Diagnostic>,
    /// Time since `prepare`.
    pub(super) clock: f64,
    /// Duration of the half-pulses to subtract from the next delay, if it is measured from centre to centre.
    pub(super) halves: f64,
    /// What each channel has transmitted so far.
    pub(super) sent: HashMap<String, Sent>,
    pub(super) internal: Option<orientation::Terms>,
    /// Relaxation of the system, by the spin-locked nucleus.
    pub(super) relaxation: HashMap<Option<&'a str>, Arc<Relaxing>>,
    pub(super) fields: HashMap<String, Field>,
    /// Recent `evolve` operators: a generated file may contain the same statement a hundred thousand times.
    pub(super) evolutions: Vec<(&'a Expr, Terms)>,
    pub(super) noises: HashMap<&'a str, Arc<Relaxing>>,
    /// Times required before the next event, if a spectrometer is named.
    pub(super) gaps: Gaps,
    /// Where the event stands, for delays between centres.
    pub(super) position: Position<'a>,
    /// The decoupling sequences that run.
    pub(super) decoupling: Vec<Running>,
}

impl<'a> Builder<'a, '_> {
    /// Adds the steps of events; returns the number of steps after each event.
    pub(super) fn events(&mut self, events: &'a [Event], steps: &mut Vec<Step>) -> Result<Vec<usize>, Fault> {
        let mut event_ends = Vec::with_capacity(events.len());
        let running = self.decoupling.len();
        for (k, event) in events.iter().enumerate() {
            self.position.at(k);
            self.halves = self.position.halves(self.e)?;
            self.wait_for_electronics(event, steps)?;
            let (start, next) = (self.clock, events.get(k + 1).map(|e| &e.kind));
            self.event(event, steps)?;
            if let (Some(hardware), EventKind::Delay { .. }, Some(EventKind::Pulse(_) | EventKind::Lock(_))) =
                (self.e.spectrometer.as_ref(), &event.kind, next)
            {
                hardware.before_pulse(self.clock - start, event.place.span())?;
            }
            if let EventKind::Delay { .. } = &event.kind {
                self.gaps.waits(self.clock - start, event.place.span());
            }
            event_ends.push(steps.len());
        }
        self.all_ended(running)?;
        Ok(event_ends)
    }

    pub(super) fn event(&mut self, event: &'a Event, steps: &mut Vec<Step>) -> Result<(), Fault> {
        let (start, before) = (self.clock, steps.len());
        self.steps_of(event, steps)?;
        self.clock = start + duration(steps.get(before..).unwrap_or_default());
        Ok(())
    }

    fn steps_of(&mut self, event: &'a Event, steps: &mut Vec<Step>) -> Result<(), Fault> {
        let place = event.place;
        let span = place.span();
        self.refuse_during_decoupling(event)?;
        match &event.kind {
            EventKind::Prepare(_) => {}
            EventKind::Decouple(p) => self.start_decoupling(p, place, steps)?,
            EventKind::EndDecoupling { nucleus } => self.end_decoupling(nucleus, place, steps)?,
            EventKind::Pulse(p) => self.pulse(p, place, steps)?,
            EventKind::Delay { duration, noise, record, .. } => {
                let mut segment = self.delay(duration, record.as_deref(), place)?;
                self.disturb(&mut segment, noise.as_deref())?;
                steps.push(Step::Segment(segment));
            }
            EventKind::Gradient { strength, duration, shape } => {
                let segment = self.gradient(strength, duration, shape.as_deref(), place)?;
                steps.push(Step::Segment(segment));
            }
            EventKind::Lock(l) => {
                let segment = self.lock(l, place)?;
                steps.push(Step::Segment(segment));
            }
            EventKind::Evolve { hamiltonian, duration, noise, record } => {
                let segment = self.evolve(hamiltonian, duration, noise.as_deref(), record.as_deref(), place)?;
                steps.push(self.driven_by_readings(hamiltonian, Step::Segment(segment))?);
            }
            EventKind::Compile(_) => return Err(compiled::not_yet(span)),
            EventKind::Crush { keep } => {
                let orders = keep.iter().map(|k| self.e.count(k, 0).map(|k| k as i64)).collect::<Result<_, _>>()?;
                steps.push(Step::Crush(orders));
                self.crusher(place, steps)?;
            }
            EventKind::Dephase { hamiltonian } => {
                let operator = self.e.operator(hamiltonian)?;
                if !operator.is_hermitian() {
                    return Err(Diagnostic::new(
                        Code::NotHermitian,
                        hamiltonian.span(),
                        format!("`{hamiltonian}` is not Hermitian"),
                    )
                    .into());
                }
                steps.push(Step::Dephase(operator, place));
            }
            EventKind::Reset { sites, states } => steps.push(Step::Reset(reset(self.e, sites, states, place)?)),
            EventKind::Project { site, axis, error, up, down } => {
                steps.push(Step::Project(self.project((site.as_ref(), *axis), error.as_deref(), [up, down], place)?));
            }
            EventKind::Read { name, observable } => steps.push(self.read(name, observable, place)?),
            EventKind::Mark { name } => steps.push(Step::Mark(name.clone())),
            EventKind::Acquire { nucleus, points, dwell, phase, snr, seed, decoupling } => {
                let mut acquire = self.acquire(nucleus, points, dwell, phase.as_deref(), place)?;
                if !decoupling.is_empty() {
                    acquire.segment = self.decoupled(decoupling, acquire.segment.duration, place)?;
                }
                acquire.receiver.noise = self.noise_of(snr.as_deref(), seed.as_deref())?;
                steps.push(Step::Acquire(Box::new(acquire)));
            }
            EventKind::Tomography(t) => {
                for nucleus in &self.e.experiment.system.frames {
                    self.refuse_in_laboratory(nucleus, "a tomography", place.span())?;
                }
                let internal = self.e.internal()?;
                let tomography = readout::tomography(self.e, t, internal, place)?;
                steps.push(Step::Tomography(Box::new(tomography)));
            }
            EventKind::Loop { repeat, look: None, body } => self.repeat(repeat, body, span, steps)?,
            EventKind::Loop { repeat, look: Some(look), body } => {
                steps.push(Step::Strobe(self.strobe((repeat, look), body, place)?));
            }
            EventKind::Parallel { align, pulses } => self.parallel(*align, pulses, place, steps)?,
        }
        Ok(())
    }

    /// Free evolution, shortened by the half-pulses on both sides.
    fn delay(&mut self, duration: &'a Expr, record: Option<&'a ir::Record>, place: Place) -> Result<Segment, Fault> {
        let written = drive::duration_of(self.e, duration)? - std::mem::take(&mut self.halves);
        let duration = match self.e.spectrometer.as_ref() {
            Some(hardware) => hardware.delay(written, place.span(), &mut self.warnings)?,
            None => written,
        };
        let record = self.record(record)?;
        self.free(duration, record, place)
    }

    /// A spin lock, during which T1rho replaces T2.
    fn lock(&mut self, l: &'a ir::Lock, place: Place) -> Result<Segment, Fault> {
        let span = place.span();
        let written = lock::lock(self.e, l, span)?;
        let fitted = match self.e.spectrometer.as_ref() {
            Some(hardware) => {
                let (duration, phase) = hardware.times((written.duration, written.phase), span, &mut self.warnings)?;
                written.refitted(duration, 1.0, phase)
            }
            None => written,
        };
        let drive = fitted.imperfect(self.e, &l.nucleus)?;
        self.heats(&l.nucleus, &drive, span)?;
        self.phase_warning(&l.nucleus, drive.phase, l.phase.span())?;
        let record = self.record(l.record.as_deref())?;
        let mut segment = self.driven(&[(&l.nucleus, &drive)], 0.0, drive.duration, record, place)?;
        segment.relaxing = self.relaxation(Some(&l.nucleus))?;
        self.disturb(&mut segment, l.noise.as_deref())?;
        Ok(segment)
    }

    /// Evolution under an explicit Hamiltonian, with the named noise or the relaxation of the system.
    fn evolve(
        &mut self,
        hamiltonian: &'a Expr,
        duration: &'a Expr,
        noise: Option<&'a str>,
        record: Option<&'a ir::Record>,
        place: Place,
    ) -> Result<Segment, Fault> {
        let duration = drive::duration_of(self.e, duration)?;
        let drift = self.evolution(hamiltonian)?;
        let relaxing = match noise {
            Some(name) => self.noise(name, place.span())?,
            None => self.relaxation(None)?,
        };
        let record = self.record(record)?;
        dissipators::check_rates(&relaxing, duration, self.e.scope.units)?;
        let period = common_period(drift.iter().map(|(c, _)| c).chain(relaxing.rates()));
        Ok(Segment { duration, drift, controls: vec![], period, relaxing, record, place })
    }

    /// Evolution without transmission.
    pub(super) fn free(&mut self, duration: f64, record: Option<Box<Record>>, place: Place) -> Result<Segment, Fault> {
        let internal = self.internal()?;
        let (drift, period) = (internal.from(self.clock), internal.period());
        let relaxing = self.relaxation(None)?;
        let mut segment = Segment { duration, drift, controls: vec![], period, relaxing, record, place };
        self.decouple(&mut segment, 0.0);
        Ok(segment)
    }

    /// A gradient G adds `-gamma G z Iz` for every spin of a slice of the sample at height z.
    fn gradient(
        &mut self,
        strength: &'a Expr,
        duration: &'a Expr,
        shape: Option<&'a Expr>,
        place: Place,
    ) -> Result<Segment, Fault> {
        let spread = self.e.experiment.ensemble.iter().any(|d| d.varied == ir::Varied::Position);
        let Some(height) = self.e.position().or(spread.then_some(Scalar::Constant(0.0))) else {
            let span = place.span();
            return Err(Diagnostic::new(Code::MissingDeclaration, span, "a gradient needs a sample of finite height")
                .label("the sample has no spatial extent")
                .help("add `ensemble { position : uniform(from = -7.5 mm, to = 7.5 mm) points 401 }`, or use the ideal `crush`")
                .into());
        };
        let (strength, length) = (self.e.number(strength)?, drive::duration_of(self.e, duration)?);
        if let Some(hardware) = self.e.spectrometer.as_ref() {
            hardware.within_gradient_limit(strength, place.span())?;
        }
        let mut segment = self.free(length, None, place)?;
        let mut operator = Operator::zero(&self.e.basis);
        for (k, site) in self.e.basis.sites.iter().enumerate() {
            if let (Some(isotope), Some(iz)) = (site.isotope, Operator::of(&self.e.basis, LocalKind::Iz, k)) {
                operator = operator.plus(iz.times_number(real(-isotope.gamma * strength)));
            }
        }
        let (envelope, _) = envelope::Envelope::of_gradient(self.e, shape)?.over(length);
        if envelope.constant().is_none() {
            segment.period = None;
        }
        segment.drift.push((envelope.times(&height), Arc::new(operator)));
        Ok(segment)
    }

    /// Noise of an acquired signal: its fraction of the largest point, and the seed.
    pub(super) fn noise_of(&self, snr: Option<&Expr>, seed: Option<&Expr>) -> Result<Option<(f64, u64)>, Fault> {
        let seed_value = seed.map_or(Ok(0), |s| self.e.count(s, 0))? as u64;
        let Some(snr) = snr else {
            if let Some(seed) = seed {
                return Err(Diagnostic::new(Code::Contradiction, seed.span(), "a seed needs noise")
                    .help("for example `snr = 50 seed = 1`")
                    .into());
            }
            return Ok(None);
        };
        let value = self.e.number(snr)?;
        if value <= 0.0 {
            let message = format!("a signal-to-noise ratio must be positive, this is {value}");
            return Err(Diagnostic::new(Code::OutOfRange, snr.span(), message).into());
        }
        Ok(Some((1.0 / value, seed_value)))
    }

    pub(super) fn record(&self, record: Option<&ir::Record>) -> Result<Option<Box<Record>>, Fault> {
        let Some(record) = record else { return Ok(None) };
        let points = self.e.count(&record.points, 2)?;
        Ok(Some(Box::new(Record { points, name: record.name.clone() })))
    }

    pub(super) fn internal(&mut self) -> Result<orientation::Terms, Fault> {
        if let Some(terms) = &self.internal {
            return Ok(terms.clone());
        }
        let terms = match &self.e.varying {
            Some(varying) => interactions::of_members(self.e, varying)?,
            None => orientation::Terms::of(self.e.internal()?),
        };
        self.internal = Some(terms.clone());
        Ok(terms)
    }

    pub(super) fn relaxation(&mut self, locked: Option<&'a str>) -> Result<Arc<Relaxing>, Fault> {
        // A lock changes the relaxation only if a T1rho is given.
        let locked =
            locked.filter(|_| self.e.experiment.system.relax.iter().any(|r| r.setting(RelaxSetting::T1rho).is_some()));
        if let Some(found) = self.relaxation.get(&locked) {
            return Ok(found.clone());
        }
        let relaxing = Arc::new(dissipators::relaxing(self.e, locked)?);
        self.relaxation.insert(locked, relaxing.clone());
        Ok(relaxing)
    }

    /// Adds a named noise to the relaxation of a segment.
    pub(super) fn disturb(&mut self, segment: &mut Segment, noise: Option<&'a str>) -> Result<(), Fault> {
        let Some(name) = noise else { return Ok(()) };
        let mut relaxing = (*segment.relaxing).clone();
        dissipators::noise(self.e, name, segment.place.span(), &mut relaxing)?;
        dissipators::check_rates(&relaxing, segment.duration, self.e.scope.units)?;
        if !relaxing.changing.is_empty() {
            segment.period = common_period(segment.terms().map(|(c, _)| c).chain(relaxing.rates()));
        }
        segment.relaxing = Arc::new(relaxing);
        Ok(())
    }

    /// A named noise, in addition to the relaxation of the system.
    fn noise(&mut self, name: &'a str, span: Span) -> Result<Arc<Relaxing>, Fault> {
        if let Some(found) = self.noises.get(name) {
            return Ok(found.clone());
        }
        let mut relaxing = (*self.relaxation(None)?).clone();
        dissipators::noise(self.e, name, span, &mut relaxing)?;
        let relaxing = Arc::new(relaxing);
        self.noises.insert(name, relaxing.clone());
        Ok(relaxing)
    }

    fn evolution(&mut self, expr: &'a Expr) -> Result<Terms, Fault> {
        const KEPT: usize = 8;
        if self.e.is_counted(expr) || self.e.reading_in(expr).is_some() {
            return self.e.evolution(expr);
        }
        if let Some((_, found)) = self.evolutions.iter().find(|(e, _)| *e == expr) {
            return Ok(found.clone());
        }
        let terms = self.e.evolution(expr)?;
        if self.evolutions.len() == KEPT {
            self.evolutions.remove(0);
        }
        self.evolutions.push((expr, terms.clone()));
        Ok(terms)
    }

    /// Fx and Fy of all spins of a nucleus.
    pub(super) fn field(&mut self, nucleus: &str, span: Span) -> Field {
        if let Some(found) = self.fields.get(nucleus) {
            return found.clone();
        }
        let mut fields = (Operator::zero(&self.e.basis), Operator::zero(&self.e.basis));
        for (site, _) in
            self.e.basis.sites.iter().enumerate().filter(|(_, s)| s.isotope.is_some_and(|i| i.symbol == nucleus))
        {
            if let (Some(x), Some(y)) =
                (Operator::of(&self.e.basis, LocalKind::Ix, site), Operator::of(&self.e.basis, LocalKind::Iy, site))
            {
                fields = (fields.0.plus(x), fields.1.plus(y));
            }
        }
        if fields.0.is_zero() {
            self.warnings.push(
                Diagnostic::new(
                    Code::NoEffect,
                    span,
                    format!("the system has no spin {nucleus}, so this has no effect"),
                )
                .label("acts on no spin"),
            );
        }
        let fields = (Arc::new(fields.0), Arc::new(fields.1));
        self.fields.insert(nucleus.to_string(), fields.clone());
        fields
    }

    fn acquire(
        &mut self,
        nucleus: &str,
        points: &Expr,
        dwell: &Expr,
        phase: Option<&Expr>,
        place: Place,
    ) -> Result<Acquire, Fault> {
        let points = self.e.count(points, 1)?;
        let dwell_time = drive::duration_of(self.e, dwell)?;
        if dwell_time <= 0.0 {
            return Err(Diagnostic::new(Code::OutOfRange, dwell.span(), "the dwell time must be positive")
                .label("zero")
                .into());
        }
        let receiver = Receiver { points, dwell: dwell_time, ..self.receiver(nucleus, phase, place)? };
        Ok(Acquire { receiver, segment: self.free(dwell_time * points as f64, None, place)? })
    }

    /// The receiver of a nucleus, without points.
    pub(super) fn receiver(&mut self, nucleus: &str, phase: Option<&Expr>, place: Place) -> Result<Receiver, Fault> {
        self.refuse_in_laboratory(nucleus, "a receiver", place.span())?;
        let (x, y) = self.field(nucleus, place.span());
        let raising = (*x).clone().plus((*y).clone().times_number(crate::linalg::I));
        let channel = self.e.experiment.channels.iter().find(|c| c.nucleus == nucleus);
        let dead_time = channel.and_then(|c| c.dead_time.as_ref()).map(|t| self.e.number(t)).transpose()?;
        Ok(Receiver {
            nucleus: nucleus.to_string(),
            points: 0,
            dwell: 0.0,
            phase: phase.map_or(Ok(0.0), |p| self.e.phase(p))?,
            dead_time: dead_time.unwrap_or(0.0),
            raising: Arc::new(raising),
            noise: None,
        })
    }

    fn battery(&mut self, b: &crate::ir::Battery) -> Result<Battery, Fault> {
        let hamiltonian = self.e.hamiltonian(&b.energy)?;
        let mut sites = Vec::new();
        for cell in &b.cells {
            for site in self.e.sites(cell, None)? {
                if sites.contains(&site) {
                    return Err(Diagnostic::new(
                        Code::DefinedTwice,
                        cell.span(),
                        format!("`{cell}` occurs twice in `cells`"),
                    )
                    .into());
                }
                sites.push(site);
            }
        }
        if sites.is_empty() {
            sites = (0..self.e.basis.sites.len()).collect();
        }
        if hamiltonian.is_zero() {
            self.warnings.push(self.nothing_stored(b));
        }
        Ok(Battery { sites, hamiltonian, place: b.place })
    }

    /// The warning for a battery whose Hamiltonian is zero.
    fn nothing_stored(&self, b: &crate::ir::Battery) -> Diagnostic {
        let system = &self.e.experiment.system;
        let named = |part: &str| {
            let mut found = false;
            b.energy.walk(&mut |x| found |= matches!(&x.kind, ExprKind::Name(name) if name == part));
            found
        };
        let none_of = |kind| system.interactions_of(kind).next().is_none();
        let help = if named("dipolar") && !system.positions.is_empty() && !system.dipolar_all {
            "`dipolar all` in `system` computes the couplings from the positions"
        } else if named("dipolar") && !system.has_dipolar() {
            "no dipolar coupling is declared in `system`: for example `dipolar a b = 10 kHz`"
        } else if named("scalar") && none_of(InteractionKind::J) {
            "no scalar coupling is declared in `system`: for example `j a b = 10 Hz`"
        } else if named("quadrupolar") && none_of(InteractionKind::Quadrupole) {
            "no quadrupolar coupling is declared in `system`: for example `quadrupole d = 130 kHz`"
        } else {
            "change the operator, or the values of its parameters"
        };
        Diagnostic::new(
            Code::Vanishes,
            b.energy.span(),
            format!("the `energy` of the battery, `{}`, is zero", b.energy),
        )
        .label("ergotropy, capacity and power are 0 for every state")
        .help(help)
    }
}
