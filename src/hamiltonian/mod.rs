//! Experiment to schedule: at one point of the parameters, what acts and when. Each interaction stands in its own file.

mod anisotropy;
mod couplings;
mod display;
mod drive;
mod ensemble;
mod function;
mod orientation;
mod powder;
mod prepare;
mod relaxation;
mod schedule;
mod value;
mod zeeman;

pub use display::describe;
pub use ensemble::{Member, members, revival};
pub use function::{Curve, Function, Scalar};
pub use prepare::{Prepared, prepare};
pub use schedule::{Acquire, Battery, Kick, Record, Schedule, Segment, Step, duration};
pub use value::{Evaluator, Fault, TimeOperator, Values, Variation};

use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Event, EventKind, Pulse};
use crate::linalg::real;
use crate::source::{Place, Span};
use crate::spin::{LocalKind, Operator};
use crate::syntax::Expr;
use drive::Drive;
use std::collections::HashMap;
use std::sync::Arc;

/// What the schedule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Only to find mistakes: statements that the emulator cannot run are passed over.
    Check,
    /// To be run: such statements are refused.
    Run,
}

/// Builds the schedule; also gives warnings.
///
/// # Errors
/// When a value is out of range, a Hamiltonian is not Hermitian, a pulse is over its limit, or, for a run, a statement cannot
/// be emulated yet.
pub fn build(e: &Evaluator, purpose: Purpose) -> Result<(Schedule, Vec<Diagnostic>), Fault> {
    let mut builder = Builder {
        e,
        purpose,
        warnings: vec![],
        clock: 0.0,
        internal: None,
        relaxation: None,
        fields: HashMap::new(),
        evolutions: vec![],
        noises: HashMap::new(),
    };
    for named in &e.experiment.hamiltonians {
        e.hamiltonian(&named.value)?;
    }
    let mut prepare = Vec::new();
    let mut prepare_place = Place::default();
    let mut steps = Vec::with_capacity(e.experiment.sequence.len());
    for event in &e.experiment.sequence {
        if let EventKind::Prepare(states) = &event.kind {
            prepare = states.clone();
            prepare_place = event.place;
        } else {
            builder.event(event, &mut steps)?;
        }
    }
    let battery = e.experiment.battery.as_ref().map(|b| builder.battery(b)).transpose()?;
    let schedule = Schedule { basis: e.basis.clone(), prepare, prepare_place, steps, battery };
    Ok((schedule, builder.warnings))
}

fn not_emulated(span: Span, what: &str, help: &str) -> Fault {
    Diagnostic::new(Code::NotEmulated, span, format!("{what} is not emulated yet"))
        .label("cannot be run")
        .help(help)
        .into()
}

/// Coefficients and operators of a Hamiltonian.
type Terms = Vec<(Scalar, Arc<Operator>)>;

/// Total spin operators of a channel.
type Field = (Arc<Operator>, Arc<Operator>);

struct Builder<'a, 'b> {
    e: &'a Evaluator<'b>,
    purpose: Purpose,
    warnings: Vec<Diagnostic>,
    /// The time since `prepare`.
    clock: f64,
    internal: Option<orientation::Terms>,
    relaxation: Option<Arc<[Operator]>>,
    fields: HashMap<String, Field>,
    /// Recent `evolve` operators: a generated file may hold the same statement a hundred thousand times.
    evolutions: Vec<(&'a Expr, Terms)>,
    noises: HashMap<&'a str, Arc<[Operator]>>,
}

impl<'a> Builder<'a, '_> {
    fn event(&mut self, event: &'a Event, steps: &mut Vec<Step>) -> Result<(), Fault> {
        let (start, before) = (self.clock, steps.len());
        self.steps_of(event, steps)?;
        self.clock = start + duration(&steps[before..]);
        Ok(())
    }

    fn steps_of(&mut self, event: &'a Event, steps: &mut Vec<Step>) -> Result<(), Fault> {
        let place = event.place;
        let span = place.0.unwrap_or_default();
        match &event.kind {
            EventKind::Prepare(_) => {}
            EventKind::Pulse(p) => self.pulse(p, place, steps)?,
            EventKind::Delay { duration, record } => {
                let duration = drive::duration_of(self.e, duration)?;
                let internal = self.internal()?;
                let (hamiltonian, period) = (internal.from(self.clock), internal.period());
                let (collapse, record) = (self.relaxation()?, self.record(record.as_ref())?);
                let transmitted = 0;
                steps.push(Step::Segment(Segment {
                    duration,
                    hamiltonian,
                    transmitted,
                    period,
                    collapse,
                    record,
                    place,
                }));
            }
            EventKind::Lock(l) => {
                let mut drive = drive::lock(self.e, l, span)?;
                let factor = self.e.variation.rf(&l.nucleus);
                if factor != 1.0 {
                    drive.amplitude = drive.amplitude.map(move |a| a * factor);
                }
                self.phase_warning(&l.nucleus, drive.phase, l.phase.span())?;
                let record = self.record(l.record.as_ref())?;
                let segment = self.driven(&[(&l.nucleus, &drive)], 0.0, drive.duration, record, place)?;
                steps.push(Step::Segment(segment));
            }
            EventKind::Evolve { hamiltonian, duration, noise, record } => {
                let duration = drive::duration_of(self.e, duration)?;
                let hamiltonian = self.evolution(hamiltonian)?;
                let collapse = match noise {
                    Some(name) => self.noise(name, span)?,
                    None => self.relaxation()?,
                };
                let record = self.record(record.as_ref())?;
                let (transmitted, period) = (0, None);
                steps.push(Step::Segment(Segment {
                    duration,
                    hamiltonian,
                    transmitted,
                    period,
                    collapse,
                    record,
                    place,
                }));
            }
            EventKind::Crush {} => steps.push(Step::Crush),
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
            EventKind::Mark { name } => steps.push(Step::Mark(name.clone())),
            EventKind::Acquire { nucleus, points, dwell, phase } => {
                let acquire = self.acquire(nucleus, points, dwell, phase.as_ref(), place)?;
                steps.push(Step::Acquire(acquire));
            }
            EventKind::Tomography { .. } => {
                if self.purpose == Purpose::Run {
                    return Err(not_emulated(
                        span,
                        "`tomography`",
                        "take the statement out to run the sequence up to it",
                    ));
                }
            }
            EventKind::Loop { count, body } => {
                let times = self.e.count(count, 0)?;
                if times == 0 {
                    self.warnings.push(
                        Diagnostic::new(Code::EmptyLoop, count.span(), "this loop runs zero times")
                            .label("zero repetitions"),
                    );
                }
                self.repeated(times, body, span, steps)?;
            }
            EventKind::Parallel { align, pulses } => self.parallel(*align, pulses, place, steps)?,
        }
        Ok(())
    }

    /// A loop stays a loop, but where the rotor is not at the same phase each time: there it is written out.
    fn repeated(&mut self, times: usize, body: &'a [Event], span: Span, steps: &mut Vec<Step>) -> Result<(), Fault> {
        const MOST_WRITTEN_OUT: usize = 100_000;
        let mut inner = Vec::new();
        for event in body {
            self.event(event, &mut inner)?;
        }
        let turns = match self.e.experiment.system.spinning {
            Some(_) => self.internal()?.period().map(|p| duration(&inner) / p),
            None => None,
        };
        let in_step = turns.is_none_or(|n| (n - n.round()).abs() * times as f64 <= 1e-6);
        if in_step || times < 2 {
            steps.push(Step::Loop(times as u64, inner));
            return Ok(());
        }
        if times.saturating_mul(inner.len()) > MOST_WRITTEN_OUT {
            let message =
                format!("this loop takes {:.6} turns of the rotor, too many times over", turns.unwrap_or(0.0));
            return Err(Diagnostic::new(Code::OutOfRange, span, message)
                .label("not in step with the rotor")
                .help("a body that takes a whole number of turns may be repeated as often as you like")
                .into());
        }
        steps.append(&mut inner);
        for _ in 1..times {
            for event in body {
                self.event(event, steps)?;
            }
        }
        Ok(())
    }

    fn record(&self, record: Option<&crate::ir::Record>) -> Result<Option<Record>, Fault> {
        let Some(record) = record else { return Ok(None) };
        Ok(Some(Record { points: self.e.count(&record.points, 2)?, name: record.name.clone() }))
    }

    fn internal(&mut self) -> Result<orientation::Terms, Fault> {
        if let Some(terms) = &self.internal {
            return Ok(terms.clone());
        }
        let terms = orientation::Terms::of(self.e.internal()?);
        self.internal = Some(terms.clone());
        Ok(terms)
    }

    fn relaxation(&mut self) -> Result<Arc<[Operator]>, Fault> {
        if self.relaxation.is_none() {
            self.relaxation = Some(relaxation::collapse_operators(self.e)?.into());
        }
        Ok(self.relaxation.clone().unwrap_or_default())
    }

    /// A named noise, beside the relaxation of the system.
    fn noise(&mut self, name: &'a str, span: Span) -> Result<Arc<[Operator]>, Fault> {
        if let Some(found) = self.noises.get(name) {
            return Ok(found.clone());
        }
        let mut operators = self.relaxation()?.to_vec();
        let Some(noise) = self.e.experiment.noises.iter().find(|n| n.name == name) else {
            return Err(Diagnostic::new(Code::UnknownName, span, format!("no noise is called `{name}`")).into());
        };
        for collapse in &noise.collapse {
            let operator = self.e.operator(collapse)?;
            if !operator.is_zero() {
                operators.push(operator);
            }
        }
        let operators: Arc<[Operator]> = operators.into();
        self.noises.insert(name, operators.clone());
        Ok(operators)
    }

    fn evolution(&mut self, expr: &'a Expr) -> Result<Terms, Fault> {
        const KEPT: usize = 8;
        if let Some((_, found)) = self.evolutions.iter().find(|(e, _)| *e == expr) {
            return Ok(found.clone());
        }
        let terms: Terms = self.e.driven_hamiltonian(expr)?.terms.into_iter().map(|(c, o)| (c, Arc::new(o))).collect();
        if self.evolutions.len() == KEPT {
            self.evolutions.remove(0);
        }
        self.evolutions.push((expr, terms.clone()));
        Ok(terms)
    }

    /// Fx and Fy over the spins of a nucleus.
    fn field(&mut self, nucleus: &str, span: Span) -> Field {
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
                    format!("no spin of the system is {nucleus}, so this has no effect"),
                )
                .label("nothing to act on"),
            );
        }
        let fields = (Arc::new(fields.0), Arc::new(fields.1));
        self.fields.insert(nucleus.to_string(), fields.clone());
        fields
    }

    fn phase_warning(&mut self, nucleus: &str, phase: f64, span: Span) -> Result<(), Fault> {
        let warning = drive::rounded_phase(self.e, nucleus, phase, span)?;
        self.warnings.extend(warning);
        Ok(())
    }

    /// A pulse as numbers, with the rf that this member of the ensemble feels.
    fn drive(&mut self, p: &Pulse) -> Result<Drive, Fault> {
        let mut drive = drive::pulse(self.e, p)?;
        self.phase_warning(&p.nucleus, drive.phase, p.phase.span())?;
        let factor = self.e.variation.rf(&p.nucleus);
        if factor != 1.0 {
            drive.angle *= factor;
            drive.amplitude = drive.amplitude.map(move |a| a * factor);
        }
        Ok(drive)
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
            return Err(Diagnostic::new(
                Code::OutOfRange,
                dwell.span(),
                "the time between two points must be positive",
            )
            .label("zero")
            .into());
        }
        let (x, y) = self.field(nucleus, place.0.unwrap_or_default());
        let raising = (*x).clone().plus((*y).clone().times_number(crate::linalg::I));
        let channel = self.e.experiment.channels.iter().find(|c| c.nucleus == nucleus);
        let dead_time = channel.and_then(|c| c.dead_time.as_ref()).map(|t| self.e.number(t)).transpose()?;
        Ok(Acquire {
            nucleus: nucleus.to_string(),
            points,
            dwell: dwell_time,
            receiver: phase.map_or(Ok(0.0), |p| self.e.phase(p))?,
            dead_time: dead_time.unwrap_or(0.0),
            raising: Arc::new(raising),
            segment: Segment {
                duration: dwell_time * points as f64,
                hamiltonian: self.internal()?.from(self.clock),
                transmitted: 0,
                period: self.internal()?.period(),
                collapse: self.relaxation()?,
                record: None,
                place,
            },
        })
    }

    fn pulse(&mut self, p: &'a Pulse, place: Place, steps: &mut Vec<Step>) -> Result<(), Fault> {
        let drive = self.drive(p)?;
        if p.ideal {
            let (x, y) = self.field(&p.nucleus, place.0.unwrap_or_default());
            steps.push(Step::Kick(Kick { x, y, angle: drive.angle, phase: drive.phase, place }));
            return Ok(());
        }
        let record = self.record(p.record.as_ref())?;
        let segment = self.driven(&[(&p.nucleus, &drive)], 0.0, drive.duration, record, place)?;
        steps.push(Step::Segment(segment));
        Ok(())
    }

    /// Pulses at once: cut at every beginning and end, so that between two cuts the same pulses act.
    fn parallel(
        &mut self,
        align: crate::ir::Align,
        pulses: &'a [Pulse],
        place: Place,
        steps: &mut Vec<Step>,
    ) -> Result<(), Fault> {
        let mut drives = pulses.iter().map(|p| self.drive(p)).collect::<Result<Vec<_>, _>>()?;
        let whole = drive::align(&mut drives, align);
        for (p, drive) in pulses.iter().zip(&drives).filter(|(p, _)| p.ideal) {
            let (x, y) = self.field(&p.nucleus, place.0.unwrap_or_default());
            steps.push(Step::Kick(Kick { x, y, angle: drive.angle, phase: drive.phase, place }));
        }
        let mut edges: Vec<f64> =
            drives.iter().flat_map(|d| [d.start, d.start + d.duration]).chain([0.0, whole]).collect();
        edges.sort_by(f64::total_cmp);
        // Edges closer than rounding are one.
        edges.dedup_by(|b, a| (*b - *a).abs() <= 1e-12 * whole);
        for pair in edges.windows(2) {
            let middle = 0.5 * (pair[0] + pair[1]);
            let active: Vec<(&str, &Drive)> = pulses
                .iter()
                .zip(&drives)
                .filter(|(p, d)| !p.ideal && d.start < middle && middle < d.start + d.duration)
                .map(|(p, d)| (p.nucleus.as_str(), d))
                .collect();
            let segment = self.driven(&active, pair[0], pair[1] - pair[0], None, place)?;
            steps.push(Step::Segment(segment));
        }
        Ok(())
    }

    /// The internal Hamiltonian and the given fields, from `begin` on inside their statement.
    fn driven(
        &mut self,
        drives: &[(&str, &Drive)],
        begin: f64,
        duration: f64,
        record: Option<Record>,
        place: Place,
    ) -> Result<Segment, Fault> {
        let mut hamiltonian = self.internal()?.from(self.clock + begin);
        let internal = hamiltonian.len();
        for (nucleus, drive) in drives {
            let (x, y) = self.field(nucleus, place.0.unwrap_or_default());
            let amplitude = match &drive.amplitude {
                Scalar::Varying(f) if drive.start != begin => Scalar::Varying(f.delayed(drive.start - begin)),
                amplitude => amplitude.clone(),
            };
            // Clean quarters: cos(90 deg) is 6e-17 in floating point.
            for (operator, part) in [(x, clean(drive.phase.cos())), (y, clean(drive.phase.sin()))] {
                if part != 0.0 {
                    hamiltonian.push((amplitude.map(move |a| a * part), operator));
                }
            }
        }
        let collapse = self.relaxation()?;
        // A pulse of constant strength leaves the period of the rotor as it is.
        let constant = hamiltonian[internal..].iter().all(|(c, _)| c.constant().is_some());
        let period = if constant { self.internal()?.period() } else { None };
        let transmitted = hamiltonian.len() - internal;
        Ok(Segment { duration, transmitted, hamiltonian, period, collapse, record, place })
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
                        format!("`{cell}` is given twice among the cells"),
                    )
                    .into());
                }
                sites.push(site);
            }
        }
        if sites.is_empty() {
            sites = (0..self.e.basis.sites.len()).collect();
        }
        Ok(Battery { sites, hamiltonian, place: b.place })
    }
}

impl Kick {
    /// The same turn as an evolution for a unit of time.
    pub fn as_segment(&self) -> Segment {
        let hamiltonian = vec![(Scalar::Constant(self.angle), Arc::new(self.generator()))];
        Segment {
            duration: 1.0,
            hamiltonian,
            transmitted: 1,
            period: None,
            collapse: Arc::from([]),
            record: None,
            place: self.place,
        }
    }

    /// `Fx cos phase + Fy sin phase`.
    pub fn generator(&self) -> Operator {
        let x = (*self.x).clone().times_number(real(clean(self.phase.cos())));
        x.plus((*self.y).clone().times_number(real(clean(self.phase.sin()))))
    }
}

/// A sine or cosine without the rounding of pi.
fn clean(x: f64) -> f64 {
    if x.abs() < 1e-15 {
        0.0
    } else if (x.abs() - 1.0).abs() < 1e-15 {
        x.signum()
    } else {
        x
    }
}
