//! The numbers of TopSpin's parameters: which pulse is `p1`, which power `pl1`, which list of phases `ph1`.

use super::super::number::{micro, plain};
use super::super::phase::is_shape_mirrored;
use super::super::program::{Decoupling, Gradient, PerRow, Program, Pulse, Purpose, Shape, Step, StepKind};
use std::sync::Arc;

/// The shortest delay of a list, s: a list has no delay of no time.
pub const SHORTEST: f64 = 50e-9;

/// Numbers of pulses; those from 16 to 19 are gradients.
const PULSES: &[std::ops::RangeInclusive<usize>] = &[1..=15, 20..=63];
const GRADIENT_PULSES: &[std::ops::RangeInclusive<usize>] = &[16..=19, 40..=63];
/// Numbers of delays: `d1` is the recycle delay, `d11` that of the disk, `d13` that of blanking, `d16` the ring-down of gradients.
const DELAYS: &[std::ops::RangeInclusive<usize>] = &[2..=10, 12..=12, 14..=15, 17..=63];
const RECOVERIES: &[std::ops::RangeInclusive<usize>] = &[16..=16];
const POWERS: &[std::ops::RangeInclusive<usize>] = &[11..=31];
/// `ph31` is the receiver.
const PHASES: &[std::ops::RangeInclusive<usize>] = &[1..=30];
const SHAPES: &[std::ops::RangeInclusive<usize>] = &[1..=63];
const GRADIENTS: &[std::ops::RangeInclusive<usize>] = &[1..=31];
const COUNTS: &[std::ops::RangeInclusive<usize>] = &[1..=31];

/// The kinds of lists that run from row to row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    Delay,
    Pulse,
    Count,
}

impl ListKind {
    /// The word of its declaration, its name, the parameter that names its file, and its folder.
    pub fn words(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            ListKind::Delay => ("delay", "vd_list", "VDLIST", "vd"),
            ListKind::Pulse => ("pulse", "vp_list", "VPLIST", "vp"),
            ListKind::Count => ("loopcounter", "vc_list", "VCLIST", "vc"),
        }
    }
}

/// A list that runs from row to row.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    pub kind: ListKind,
    /// Its number among those of its kind, from 1.
    pub number: usize,
    /// Seconds, or counts.
    pub values: Vec<f64>,
}

impl List {
    /// A value as its file has it: delays and pulses in microseconds, counts as they are.
    pub fn entry(&self, x: f64) -> String {
        match self.kind {
            ListKind::Delay => format!("{}u", micro(x.max(SHORTEST))),
            ListKind::Pulse => format!("{}u", micro(x)),
            ListKind::Count => plain(x),
        }
    }

    /// Its name in the pulse program.
    pub fn name(&self) -> String {
        let (_, name, ..) = self.kind.words();
        if self.number == 1 { name.into() } else { format!("{name}{}", self.number) }
    }
}

/// A pulse with a number: its channel, its length in seconds, and, where it is hard, its strength in hertz.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedPulse {
    pub number: usize,
    pub channel: usize,
    pub duration: f64,
    pub angle: f64,
    pub strength: Option<f64>,
}

/// A shape with a number: its channel and its largest strength, Hz.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedShape {
    pub number: usize,
    pub channel: usize,
    pub strength: f64,
    pub shape: Shape,
}

/// A gradient with a number.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedGradient {
    pub number: usize,
    pub gradient: Gradient,
}

/// The parameters of a program.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tables {
    pub pulses: Vec<NumberedPulse>,
    /// Lengths of gradients, s.
    pub gradient_pulses: Vec<(usize, f64)>,
    /// Seconds.
    pub delays: Vec<(usize, f64)>,
    /// Channel and strength, Hz.
    pub powers: Vec<(usize, usize, f64)>,
    pub shapes: Vec<NumberedShape>,
    pub gradients: Vec<NumberedGradient>,
    /// Radian.
    pub phases: Vec<(usize, Vec<f64>)>,
    pub counts: Vec<(usize, f64)>,
    pub lists: Vec<List>,
    /// One a channel.
    pub decouplings: Vec<Decoupling>,
}

/// The first number of a pool that is not taken.
fn free(pool: &[std::ops::RangeInclusive<usize>], taken: impl Fn(usize) -> bool) -> Option<usize> {
    pool.iter().flat_map(|range| range.clone()).find(|n| !taken(*n))
}

/// What there are too many of.
fn full(what: &str) -> String {
    format!("it needs more {what} than TopSpin supports")
}

impl Tables {
    /// The numbers of everything in a program.
    ///
    /// # Errors
    /// What there are more of than numbers.
    pub fn of(program: &Program) -> Result<Tables, String> {
        let mut tables = Tables::default();
        let mut failed = None;
        program.each(&mut |step| {
            if let Err(why) = tables.add(step) {
                failed.get_or_insert(why);
            }
        });
        failed.map_or(Ok(tables), Err)
    }

    fn add(&mut self, step: &Step) -> Result<(), String> {
        match &step.kind {
            StepKind::Delay(PerRow::Same(time), purpose) => {
                let rings = matches!(purpose, Purpose::Recovery | Purpose::NotEmulated);
                let pool = if rings { RECOVERIES } else { DELAYS };
                if self.delay(*time).is_none() {
                    let taken = |n| self.delays.iter().any(|d| d.0 == n);
                    // Without a number it is written in place.
                    if let Some(n) = free(pool, taken).or_else(|| free(DELAYS, taken)) {
                        self.delays.push((n, *time));
                    }
                }
            }
            StepKind::Delay(PerRow::Rows(times), _) => self.list(ListKind::Delay, times),
            StepKind::Pulses(_, pulses) => pulses.iter().try_for_each(|p| self.add_pulse(p))?,
            StepKind::Gradient(gradient) => self.add_gradient(gradient)?,
            StepKind::Loop(PerRow::Same(count), _) => {
                if self.count(*count).is_none()
                    && let Some(n) = free(COUNTS, |n| self.counts.iter().any(|c| c.0 == n))
                {
                    self.counts.push((n, *count));
                }
            }
            StepKind::Loop(PerRow::Rows(counts), _) => self.list(ListKind::Count, counts),
            StepKind::Decouple(decoupling) => self.add_decoupling(decoupling)?,
            StepKind::Mark(_) | StepKind::Acquire(_) | StepKind::EndDecoupling(_) => {}
        }
        Ok(())
    }

    /// A channel has one decoupling program with one length of its pulse.
    fn add_decoupling(&mut self, decoupling: &Decoupling) -> Result<(), String> {
        if decoupling.phases != [0.0] {
            self.add_phases(&decoupling.phases)?;
        }
        self.add_power(decoupling.channel, decoupling.strength)?;
        match self.decouplings.iter().find(|d| d.channel == decoupling.channel) {
            None => self.decouplings.push(decoupling.clone()),
            Some(d) if d.sequence == decoupling.sequence && d.pulse == decoupling.pulse => {}
            Some(_) => return Err(full("decoupling sequences on one channel")),
        }
        Ok(())
    }

    fn add_phases(&mut self, phases: &[f64]) -> Result<(), String> {
        if self.phase(phases).is_none() {
            let number = free(PHASES, |n| self.phases.iter().any(|x| x.0 == n));
            self.phases.push((number.ok_or_else(|| full("lists of phases"))?, phases.to_vec()));
        }
        Ok(())
    }

    fn add_power(&mut self, channel: usize, strength: f64) -> Result<(), String> {
        if self.power(channel, strength).is_none() {
            let taken = |n| self.powers.iter().any(|x| x.0 == n);
            let first = Some(channel + 1).filter(|n| !taken(*n));
            let number = first.or_else(|| free(POWERS, taken)).ok_or_else(|| full("power levels"))?;
            self.powers.push((number, channel, strength));
        }
        Ok(())
    }

    fn list(&mut self, kind: ListKind, values: &[f64]) {
        if self.list_of(kind, values).is_none() {
            let number = self.lists.iter().filter(|l| l.kind == kind).count() + 1;
            self.lists.push(List { kind, number, values: values.to_vec() });
        }
    }

    fn add_pulse(&mut self, p: &Pulse) -> Result<(), String> {
        self.add_phases(&p.phases)?;
        match &p.shape {
            Some(shape) if self.shape(p, shape).is_none() => {
                let number = free(SHAPES, |n| self.shapes.iter().any(|x| x.number == n));
                let number = number.ok_or_else(|| full("shapes"))?;
                let (channel, strength, shape) = (p.channel, p.strength, shape.clone());
                self.shapes.push(NumberedShape { number, channel, strength, shape });
            }
            None => self.add_power(p.channel, p.strength)?,
            Some(_) => {}
        }
        match &p.duration {
            PerRow::Same(duration) if self.pulse(p).is_none() => {
                let number = free(PULSES, |n| self.pulses.iter().any(|x| x.number == n));
                let number = number.ok_or_else(|| full("pulses of different lengths"))?;
                let strength = p.shape.is_none().then_some(p.strength);
                let angle = p.angle.most();
                self.pulses.push(NumberedPulse { number, channel: p.channel, duration: *duration, angle, strength });
            }
            PerRow::Rows(durations) => self.list(ListKind::Pulse, durations),
            PerRow::Same(_) => {}
        }
        Ok(())
    }

    fn add_gradient(&mut self, gradient: &Gradient) -> Result<(), String> {
        if self.gradient_pulse(gradient.duration).is_none() {
            let taken = |n| self.gradient_pulses.iter().any(|x| x.0 == n) || self.pulses.iter().any(|x| x.number == n);
            let number = free(GRADIENT_PULSES, taken).ok_or_else(|| full("gradients of different lengths"))?;
            self.gradient_pulses.push((number, gradient.duration));
        }
        if self.gradient(gradient).is_none() {
            let number = free(GRADIENTS, |n| self.gradients.iter().any(|x| x.number == n));
            let number = number.ok_or_else(|| full("gradients"))?;
            self.gradients.push(NumberedGradient { number, gradient: gradient.clone() });
        }
        Ok(())
    }

    pub fn delay(&self, time: f64) -> Option<usize> {
        self.delays.iter().find(|d| d.1 == time).map(|d| d.0)
    }

    pub fn pulse(&self, p: &Pulse) -> Option<usize> {
        let strength = p.shape.is_none().then_some(p.strength);
        let same = |x: &&NumberedPulse| {
            x.channel == p.channel && x.strength == strength && p.duration == PerRow::Same(x.duration)
        };
        self.pulses.iter().find(same).map(|x| x.number)
    }

    pub fn gradient_pulse(&self, duration: f64) -> Option<usize> {
        self.gradient_pulses.iter().find(|x| x.1 == duration).map(|x| x.0)
    }

    pub fn power(&self, channel: usize, strength: f64) -> Option<usize> {
        self.powers.iter().find(|x| x.1 == channel && x.2 == strength).map(|x| x.0)
    }

    pub fn shape(&self, p: &Pulse, shape: &Shape) -> Option<usize> {
        let same = |x: &&NumberedShape| x.channel == p.channel && x.strength == p.strength && x.shape == *shape;
        self.shapes.iter().find(same).map(|x| x.number)
    }

    pub fn gradient(&self, gradient: &Gradient) -> Option<usize> {
        let same =
            |x: &&NumberedGradient| x.gradient.strength == gradient.strength && x.gradient.shape == gradient.shape;
        self.gradients.iter().find(same).map(|x| x.number)
    }

    pub fn phase(&self, phases: &[f64]) -> Option<usize> {
        self.phases.iter().find(|x| x.1 == phases).map(|x| x.0)
    }

    pub fn count(&self, count: f64) -> Option<usize> {
        self.counts.iter().find(|c| c.1 == count).map(|c| c.0)
    }

    pub fn list_of(&self, kind: ListKind, values: &[f64]) -> Option<&List> {
        self.lists.iter().find(|l| l.kind == kind && l.values == values)
    }

    /// A pulse as a multiple of the first hard one of its channel and strength: the number of that, and the factor, where it is a
    /// whole number of eighths.
    pub fn multiple(&self, pulse: &NumberedPulse) -> Option<(usize, f64)> {
        let first = self.pulses.iter().find(|x| {
            x.channel == pulse.channel && x.strength.is_some() && x.strength == pulse.strength && x.duration > 0.0
        })?;
        let factor = pulse.duration / first.duration;
        let eighths = (factor * 8.0).round();
        let exact = (factor * 8.0 - eighths).abs() <= 1e-12 * eighths && (1.0..=64.0).contains(&eighths);
        (first.number != pulse.number && exact).then_some((first.number, eighths / 8.0))
    }
}

/// Shapes and envelopes of gradients by name: what several programs share is written once.
#[derive(Debug, Default)]
pub struct Waves {
    /// Name, steps, and whether their phases are counted the other way than those of the program.
    pub shapes: Vec<(String, Shape, bool)>,
    pub gradients: Vec<(String, Arc<[f64]>)>,
}

impl Waves {
    /// The name of a shape that is sent on a nucleus.
    pub fn shape(&mut self, stem: &str, shape: &Shape, nucleus: &str) -> String {
        let mirrored = is_shape_mirrored(nucleus, shape);
        if let Some((name, ..)) = self.shapes.iter().find(|(_, s, m)| s == shape && *m == mirrored) {
            return name.clone();
        }
        let name = format!("{stem}_shape{}", self.shapes.len() + 1);
        self.shapes.push((name.clone(), shape.clone(), mirrored));
        name
    }

    /// The name of the envelope of a gradient; a constant one is as long as two points say.
    pub fn gradient(&mut self, stem: &str, shape: Option<&Arc<[f64]>>) -> String {
        let shape = shape.cloned().unwrap_or_else(|| vec![1.0; 100].into());
        if let Some((name, _)) = self.gradients.iter().find(|(_, s)| *s == shape) {
            return name.clone();
        }
        let name = format!("{stem}_gradient{}", self.gradients.len() + 1);
        self.gradients.push((name.clone(), shape));
        name
    }
}
