//! Propagators of blocks, exactly: the internal Hamiltonian acts during pulses of finite length.

use super::block::{Block, Element, Pulse, Transmitter};
use crate::linalg::{
    C64, Eigen, LinalgError, Matrix, hermitian_eigen, identity, power, product, real, trace_of_product,
};
use crate::spin::{Basis, LocalKind, Operator};
use std::cell::RefCell;
use std::collections::HashMap;

/// How the pulses act.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct How {
    /// Instantaneous pulses.
    pub ideal: bool,
    /// The factor of all rf fields.
    pub rf: f64,
    /// An offset of all spins in addition to the internal Hamiltonian, rad/s.
    pub offset: f64,
}

impl How {
    /// Perfect pulses, instantaneous or not.
    pub fn perfect(ideal: bool) -> How {
        How { ideal, rf: 1.0, offset: 0.0 }
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
struct Cache {
    how: How,
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
        for fz in &self.fz {
            fz.iter().enumerate().for_each(|(k, m)| internal[(k, k)] += how.offset * m);
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
        for k in 0..steps {
            let mut h = internal.clone();
            for ((fx, fy), shape) in self.fields.iter().zip(shapes) {
                let (amplitude, phase) = shape.get(k).copied().unwrap_or_default();
                h += fx * real(how.rf * amplitude * phase.cos()) + fy * real(how.rf * amplitude * phase.sin());
            }
            u = product(&hermitian_eigen(&h)?.propagator(duration / steps as f64), &u);
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
            .filter_map(|(c, p)| p.map(|p| (0.5 * self.channels[c].length(p, how.ideal), c, p.angle * how.rf)))
            .collect();
        each.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut u = identity(self.dimension());
        for (_, c, angle) in each.iter().filter(|p| p.0 == 0.0) {
            u = product(&hermitian_eigen(&self.fx[*c])?.propagator(*angle), &u);
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
}
