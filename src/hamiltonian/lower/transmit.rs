//! Transmission: single and simultaneous pulses, transients at their edges, and the rf load on the probe.

use super::super::drive::{self, Drive, Edge, Transient};
use super::super::schedule::{Control, Kick, Record, Segment, Step};
use super::super::spectrometer as hardware_of;
use super::super::value::Fault;
use super::builder::Builder;
use crate::ir::{Align, Pulse};
use crate::source::{Place, Span};
use crate::waveform::{common_period, integrals};

impl<'a> Builder<'a, '_> {
    pub(super) fn phase_warning(&mut self, nucleus: &str, phase: f64, span: Span) -> Result<(), Fault> {
        let warning = drive::rounded_phase(self.e, nucleus, phase, span)?;
        self.warnings.extend(warning);
        Ok(())
    }

    /// A pulse as numbers, with the transmitter imperfections of this ensemble member. Ideal pulses have no rise time and no droop.
    pub(super) fn drive(&mut self, p: &Pulse) -> Result<Drive, Fault> {
        let drive = drive::pulse(self.e, p)?;
        self.phase_warning(&p.nucleus, drive.phase, p.phase.span())?;
        let span = p.place.span();
        let drive = drive::on_spectrometer(self.e, p, drive, &mut self.warnings)?;
        let drive = drive.imperfect(self.e, &p.nucleus)?;
        self.heats(&p.nucleus, &drive, span)?;
        Ok(drive)
    }

    /// Adds the rf load of a pulse on the probe.
    pub(super) fn heats(&mut self, nucleus: &str, drive: &Drive, span: Span) -> Result<(), Fault> {
        let Some(hardware) = self.e.spectrometer.as_ref() else { return Ok(()) };
        self.sent.entry(nucleus.to_string()).or_default().on += drive.duration;
        let Some(limit) = hardware_of::max_rf(self.e, nucleus)? else { return Ok(()) };
        let share = drive.strength().scaled(1.0 / (limit * drive::angular(self.e)));
        let [mean] = integrals([&share.times(&share)], drive.duration).map_err(|e| drive::unresolved(&e, span))?;
        let sent = self.sent.entry(nucleus.to_string()).or_default();
        sent.energy += mean * drive.duration;
        hardware.energy(nucleus, sent.energy, span)
    }

    pub(super) fn pulse(&mut self, p: &'a Pulse, place: Place, steps: &mut Vec<Step>) -> Result<(), Fault> {
        if let Some(step) = self.kick_by_reading(p, place)? {
            steps.push(step);
            return Ok(());
        }
        let drive = self.drive(p)?;
        if p.ideal {
            let (x, y) = self.field(&p.nucleus, place.span());
            let phase = drive.phase + self.carrier_phase(&p.nucleus, 0.0, place.span())?;
            steps.push(Step::Kick(Kick {
                x,
                y,
                angle: drive.factor.scaled(drive.angle),
                phase,
                transient: false,
                shape: None,
                place,
            }));
            return Ok(());
        }
        let record = self.record(p.record.as_deref())?;
        self.transient(&p.nucleus, &drive, Edge::Leading, place, steps)?;
        let mut segment = self.driven(&[(&p.nucleus, &drive)], 0.0, drive.duration, record, place)?;
        self.disturb(&mut segment, p.noise.as_deref())?;
        steps.push(Step::Segment(segment));
        self.transient(&p.nucleus, &drive, Edge::Trailing, place, steps)
    }

    /// The rotation added by the transient at an edge of a pulse, about the axis 90 degrees ahead of its phase.
    pub(super) fn transient(
        &mut self,
        nucleus: &str,
        drive: &Drive,
        edge: Edge,
        place: Place,
        steps: &mut Vec<Step>,
    ) -> Result<(), Fault> {
        if let Some(Transient { time, angle, phase }) = drive::transient(self.e, nucleus, drive, edge)? {
            self.refuse_in_laboratory(nucleus, "a phase transient", place.span())?;
            let (x, y) = self.field(nucleus, place.span());
            let shape = drive.transient_shape_use(edge, time, (&x, &y)).map(Box::new);
            if shape.is_some() || angle.constant() != Some(0.0) {
                steps.push(Step::Kick(Kick { x, y, angle, phase, transient: true, shape, place }));
            }
        }
        Ok(())
    }

    /// Simultaneous pulses: split at every start and end, so that the same pulses act within each piece. An ideal pulse is
    /// instantaneous: the alignment places it at the start, middle or end of the longest pulse.
    pub(super) fn parallel(
        &mut self,
        align: Align,
        pulses: &'a [Pulse],
        place: Place,
        steps: &mut Vec<Step>,
    ) -> Result<(), Fault> {
        let mut drives = pulses.iter().map(|p| self.drive(p)).collect::<Result<Vec<_>, _>>()?;
        let whole = drive::align(&mut drives, align);
        let whole = drive::begin(self.e, pulses, &mut drives, align, whole)?;
        let mut edges: Vec<f64> =
            drives.iter().flat_map(|d| [d.start, d.start + d.duration]).chain([0.0, whole]).collect();
        edges.sort_by(f64::total_cmp);
        // Edges that agree up to rounding are merged.
        edges.dedup_by(|b, a| (*b - *a).abs() <= 1e-12 * whole);
        for (k, &edge) in edges.iter().enumerate() {
            self.moments_at(edge, whole, pulses, &drives, place, steps)?;
            let Some(next) = edges.get(k + 1) else { break };
            let middle = 0.5 * (edge + next);
            let active: Vec<(&str, &Drive)> = pulses
                .iter()
                .zip(&drives)
                .filter(|(p, d)| !p.ideal && d.start < middle && middle < d.start + d.duration)
                .map(|(p, d)| (p.nucleus.as_str(), d))
                .collect();
            let segment = self.driven(&active, edge, next - edge, None, place)?;
            steps.push(Step::Segment(segment));
        }
        Ok(())
    }

    /// What other channels send while a signal is received.
    pub(super) fn decoupled(&mut self, pulses: &'a [Pulse], duration: f64, place: Place) -> Result<Segment, Fault> {
        let drives = pulses.iter().map(|p| self.drive(p)).collect::<Result<Vec<_>, _>>()?;
        let active: Vec<(&str, &Drive)> = pulses.iter().map(|p| p.nucleus.as_str()).zip(&drives).collect();
        self.driven(&active, 0.0, duration, None, place)
    }

    /// The instantaneous steps at a time within simultaneous pulses: transients of pulses that end, ideal pulses, transients of pulses that
    /// start.
    fn moments_at(
        &mut self,
        edge: f64,
        whole: f64,
        pulses: &[Pulse],
        drives: &[Drive],
        place: Place,
        steps: &mut Vec<Step>,
    ) -> Result<(), Fault> {
        let here = |t: f64| (t - edge).abs() <= 1e-12 * whole;
        let finite = || pulses.iter().zip(drives).filter(|(p, _)| !p.ideal);
        for (p, drive) in finite().filter(|(_, d)| here(d.start + d.duration)) {
            self.transient(&p.nucleus, drive, Edge::Trailing, place, steps)?;
        }
        for (p, drive) in pulses.iter().zip(drives).filter(|(p, d)| p.ideal && here(d.start)) {
            let (x, y) = self.field(&p.nucleus, place.span());
            let phase = drive.phase + self.carrier_phase(&p.nucleus, edge, place.span())?;
            steps.push(Step::Kick(Kick {
                x,
                y,
                angle: drive.factor.scaled(drive.angle),
                phase,
                transient: false,
                shape: None,
                place,
            }));
        }
        for (p, drive) in finite().filter(|(_, d)| here(d.start)) {
            self.transient(&p.nucleus, drive, Edge::Leading, place, steps)?;
        }
        Ok(())
    }

    /// The internal Hamiltonian and the given fields, from time `begin` of their statement on.
    pub(super) fn driven(
        &mut self,
        drives: &[(&str, &Drive)],
        begin: f64,
        duration: f64,
        record: Option<Box<Record>>,
        place: Place,
    ) -> Result<Segment, Fault> {
        let drift = self.internal()?.from(self.clock + begin);
        let mut controls = Vec::with_capacity(drives.len());
        for (nucleus, drive) in drives {
            let (x, y) = self.field(nucleus, place.span());
            let lean = drive::lean(self.e, nucleus)?;
            if let Some(strength) = self.in_laboratory(nucleus, drive, (begin, lean), place.span())? {
                controls.push(Control { terms: vec![(strength, x)], shape: None, decoupled: None });
                continue;
            }
            let shape = drive.shape_use((begin - drive.start, duration), lean, (&x, &y)).map(Box::new);
            let strengths = drive.delayed(drive.start - begin).along_xy(lean);
            let terms = [(strengths.0, x), (strengths.1, y)];
            let terms = terms.into_iter().filter(|(strength, _)| strength.constant() != Some(0.0)).collect();
            controls.push(Control { terms, shape, decoupled: None });
        }
        let relaxing = self.relaxation(None)?;
        let mut segment = Segment { duration, drift, controls, period: None, relaxing, record, place };
        self.decouple(&mut segment, begin);
        segment.period = common_period(segment.terms().map(|(c, _)| c));
        Ok(segment)
    }
}
