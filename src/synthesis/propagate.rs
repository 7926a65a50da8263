//! Propagators of blocks, exactly: the internal Hamiltonian acts during pulses of finite length.

use super::block::{Block, Element, Pulse, Transmitter};
use crate::linalg::{
    C64, Eigen, LinalgError, Matrix, hermitian_eigen, identity, power, product, real, trace_of_product,
};
use crate::spin::{Basis, LocalKind, Operator};
use std::cell::RefCell;
use std::collections::HashMap;

/// A member of the ensemble over which a block shall be robust.
#[derive(Debug, Clone, PartialEq)]
pub struct Deviation {
    /// Its weight; those of all members add up to 1.
    pub weight: f64,
    /// The factor of the rf field of every channel.
    pub rf: Vec<f64>,
    /// The offset of every channel in addition to the internal Hamiltonian, rad/s.
    pub offset: Vec<f64>,
}

impl Deviation {
    /// All channels with the same rf factor, without an offset.
    pub fn of_rf(factor: f64, channels: usize) -> Deviation {
        Deviation { weight: 1.0, rf: vec![factor; channels], offset: vec![0.0; channels] }
    }
}

/// How the pulses act.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct How<'a> {
    /// Instantaneous pulses.
    pub ideal: bool,
    /// The factor of all rf fields.
    pub rf: f64,
    /// An offset of all spins in addition to the internal Hamiltonian, rad/s.
    pub offset: f64,
    /// A member of the ensemble, whose deviations add to these.
    pub member: Option<&'a Deviation>,
}

impl How<'_> {
    /// Perfect pulses, instantaneous or not.
    pub fn perfect(ideal: bool) -> How<'static> {
        How { ideal, rf: 1.0, offset: 0.0, member: None }
    }

    /// The rf factor of a channel.
    fn rf(&self, channel: usize) -> f64 {
        self.rf * self.member.map_or(1.0, |m| m.rf[channel])
    }

    /// The offset of a channel, rad/s.
    fn offset(&self, channel: usize) -> f64 {
        self.offset + self.member.map_or(0.0, |m| m.offset[channel])
    }
}

/// The spins with what acts on them; the internal Hamiltonian commutes with Fz of every channel.
pub struct Machine<'a> {
    channels: &'a [Transmitter],
    internal: Matrix,
    /// Fx of every channel.
    fx: Vec<Matrix>,
    /// Fx and Fy of every channel times its largest nutation frequency, rad/s.
    fields: Vec<(Matrix, Matrix)>,
    /// The diagonal of Fz of every channel.
    fz: Vec<Vec<f64>>,
}

/// `|Tr[U^dagger V]|^2/d^2`.
pub fn fidelity(u: &Matrix, v: &Matrix) -> f64 {
    let d = u.nrows() as f64;
    trace_of_product(&u.adjoint(), v).norm_sqr() / (d * d)
}

/// Propagators of one setting of the pulses, those that occur again kept.
struct Cache<'a> {
    how: How<'a>,
    free: Eigen,
    pulses: RefCell<HashMap<Vec<u64>, Matrix>>,
}

impl<'a> Machine<'a> {
    /// From the basis of the spins and the internal Hamiltonian, rad/s.
    pub fn new(basis: &Basis, channels: &'a [Transmitter], internal: Matrix) -> Machine<'a> {
        let sum = |c: &Transmitter, kind| {
            let each = c.spins.iter().filter_map(|s| Operator::of(basis, kind, *s));
            each.fold(Operator::zero(basis), Operator::plus)
        };
        let fx = channels.iter().map(|c| sum(c, LocalKind::Ix).matrix()).collect();
        let strong = |c: &Transmitter, kind| sum(c, kind).matrix() * real(c.rf.unwrap_or_default());
        let fields = channels.iter().map(|c| (strong(c, LocalKind::Ix), strong(c, LocalKind::Iy))).collect();
        let diagonal = |c| sum(c, LocalKind::Iz).matrix().diagonal().iter().map(|x| x.re).collect();
        let fz = channels.iter().map(diagonal).collect();
        Machine { channels, internal, fx, fields, fz }
    }

    /// The internal Hamiltonian, rad/s.
    pub fn internal(&self) -> &Matrix {
        &self.internal
    }

    /// Fx and Fy of every channel times its largest nutation frequency, rad/s.
    pub fn fields(&self) -> &[(Matrix, Matrix)] {
        &self.fields
    }

    /// Dimension of the space.
    pub fn dimension(&self) -> usize {
        self.internal.nrows()
    }

    /// The propagator of a block.
    ///
    /// # Errors
    /// If an eigenvalue problem fails.
    pub fn propagator(&self, block: &Block, how: How) -> Result<Matrix, LinalgError> {
        let mut internal = self.internal.clone();
        for (c, fz) in self.fz.iter().enumerate() {
            fz.iter().enumerate().for_each(|(k, m)| internal[(k, k)] += how.offset(c) * m);
        }
        let cache = Cache { how, free: hermitian_eigen(&internal)?, pulses: RefCell::default() };
        self.through(&block.elements, &internal, &cache)
    }

    fn through(&self, elements: &[Element], internal: &Matrix, cache: &Cache) -> Result<Matrix, LinalgError> {
        let mut u = identity(self.dimension());
        for element in elements {
            let next = match element {
                Element::Delay(t) => cache.free.propagator(*t),
                Element::Pulses(pulses) => self.pulses(pulses, internal, cache)?,
                Element::Loop(count, body) => power(&self.through(body, internal, cache)?, *count),
                Element::Shaped(t, shapes) => self.shaped(*t, shapes, internal, cache.how)?,
            };
            u = product(&next, &u);
        }
        Ok(u)
    }

    /// The propagator of simultaneous shaped pulses.
    fn shaped(
        &self,
        duration: f64,
        shapes: &[Vec<(f64, f64)>],
        internal: &Matrix,
        how: How,
    ) -> Result<Matrix, LinalgError> {
        let mut u = identity(self.dimension());
        let steps = shapes.iter().map(Vec::len).max().unwrap_or(0);
        let length = duration / steps as f64;
        for k in 0..steps {
            let (begin, end) = (k as f64 * length, (k + 1) as f64 * length);
            for times in self.while_rising(0.0, begin, end).windows(2) {
                let (from, to) = (times[0], times[1]);
                let mut h = internal.clone();
                for (c, ((fx, fy), shape)) in self.fields.iter().zip(shapes).enumerate() {
                    let (amplitude, phase) = shape.get(k).copied().unwrap_or_default();
                    let size = how.rf(c) * amplitude * self.channels[c].response(from, to);
                    h += fx * real(size * phase.cos()) + fy * real(size * phase.sin());
                }
                u = product(&hermitian_eigen(&h)?.propagator(to - from), &u);
            }
        }
        Ok(u)
    }

    /// Pulses of any phases are those of phase x between rotations about z, which commute with the internal Hamiltonian.
    fn pulses(&self, pulses: &[Option<Pulse>], internal: &Matrix, cache: &Cache) -> Result<Matrix, LinalgError> {
        let key: Vec<u64> = pulses.iter().map(|p| p.map_or(0, |p| p.angle.to_bits())).collect();
        let known = cache.pulses.borrow().get(&key).cloned();
        let mut u = match known {
            Some(u) => u,
            None => {
                let u = self.along_x(pulses, internal, cache.how)?;
                cache.pulses.borrow_mut().insert(key, u.clone());
                u
            }
        };
        let n = self.dimension();
        let turned: Vec<f64> = (0..n)
            .map(|k| pulses.iter().zip(&self.fz).map(|(p, fz)| p.map_or(0.0, |p| p.phase * fz[k])).sum())
            .collect();
        for column in 0..n {
            for row in 0..n {
                u[(row, column)] *= C64::cis(turned[column] - turned[row]);
            }
        }
        Ok(u)
    }

    fn along_x(&self, pulses: &[Option<Pulse>], internal: &Matrix, how: How) -> Result<Matrix, LinalgError> {
        // (half the length, channel, angle), the shortest first.
        let mut each: Vec<(f64, usize, f64)> = pulses
            .iter()
            .enumerate()
            .filter_map(|(c, p)| p.map(|p| (0.5 * self.channels[c].length(p, how.ideal), c, p.angle * how.rf(c))))
            .collect();
        each.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut u = identity(self.dimension());
        for (_, c, angle) in each.iter().filter(|p| p.0 == 0.0) {
            u = product(&hermitian_eigen(&self.fx[*c])?.propagator(*angle), &u);
        }
        if each.iter().any(|(half, c, _)| *half > 0.0 && self.channels[*c].rise > 0.0) {
            return self.rising(&each, internal, u);
        }
        let mut before = 0.0;
        for k in 0..each.len() {
            let half = each[k].0;
            if half <= before {
                continue;
            }
            let mut h = internal.clone();
            for (own, c, angle) in &each[k..] {
                h += &self.fx[*c] * C64::new(angle / (2.0 * own), 0.0);
            }
            let eigen = hermitian_eigen(&h)?;
            let step = eigen.propagator(half - before);
            u = product(&product(&step, &u), &step);
            before = half;
        }
        Ok(u)
    }

    /// The times at which an interval is cut such that the amplitudes of pulses that begin at `start` vary little within each part.
    fn while_rising(&self, start: f64, from: f64, to: f64) -> Vec<f64> {
        // Quarters of the rise time, until 5e-5 of the amplitude are missing.
        const PARTS: f64 = 4.0;
        const LASTS: f64 = 10.0;
        let mut times = vec![from, to];
        for rise in self.channels.iter().map(|c| c.rise).filter(|rise| *rise > 0.0) {
            let all = (1..=(PARTS * LASTS) as usize).map(|k| start + k as f64 * rise / PARTS);
            times.extend(all.filter(|t| *t > from && *t < to));
        }
        times.sort_by(f64::total_cmp);
        times
    }

    /// Simultaneous pulses (half the length, channel, angle) with a common centre whose amplitudes rise, behind a propagator.
    fn rising(&self, each: &[(f64, usize, f64)], internal: &Matrix, mut u: Matrix) -> Result<Matrix, LinalgError> {
        let longest = each.last().map_or(0.0, |e| e.0);
        let mut times: Vec<f64> = each.iter().flat_map(|(half, ..)| self.while_rising(-half, -half, *half)).collect();
        times.sort_by(f64::total_cmp);
        times.dedup_by(|b, a| *b - *a < 1e-9 * longest);
        for pair in times.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let middle = 0.5 * (from + to);
            let mut h = internal.clone();
            for (half, c, angle) in each.iter().filter(|(half, ..)| middle.abs() < *half) {
                let size = angle / (2.0 * half) * self.channels[*c].response(from + half, to + half);
                h += &self.fx[*c] * C64::new(size, 0.0);
            }
            u = product(&hermitian_eigen(&h)?.propagator(to - from), &u);
        }
        Ok(u)
    }

    /// The internal Hamiltonian of a member, and the factors of the fields of all channels in a step of shapes.
    pub fn deviating(&self, member: &Deviation, (from, to): (f64, f64)) -> (Matrix, Vec<f64>) {
        let mut internal = self.internal.clone();
        for (fz, offset) in self.fz.iter().zip(&member.offset) {
            fz.iter().enumerate().for_each(|(k, m)| internal[(k, k)] += *offset * m);
        }
        let factors = self.channels.iter().zip(&member.rf).map(|(c, rf)| rf * c.response(from, to)).collect();
        (internal, factors)
    }
}
