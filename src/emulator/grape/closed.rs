//! Unitary stretches: propagators of all slices, and derivatives of a function of the whole propagator U.
//!
//! If `df = Re Tr[W dU]`, the derivative with respect to a slice k is that of `Re Tr[A_k dU_k]` with `A_k = U_(<k) W U_(>k)`, which follows
//! from the last slice to the first by `A_(k-1) = U_(k-1)^+ A_k U_k`. In the eigenvectors V and eigenvalues l of the Hamiltonian of a slice
//!
//! ```text
//! dU/dx   = V ((V^+ X V) o Phi) V^+,  Phi_ij = (exp(-i l_i tau) - exp(-i l_j tau)) / (l_i - l_j),  Phi_ii = -i tau exp(-i l_i tau)
//! dU/dtau = -i H U
//! ```

use super::super::integrate::failed;
use super::slices::{ShapedPiece, Slice};
use crate::hamiltonian::Fault;
use crate::linalg::{C64, Eigen, Matrix, adjoint, hermitian_eigen, identity, product};
use crate::source::Place;
use rayon::prelude::*;

/// An operation of a unitary stretch.
pub(super) enum Operation {
    /// A propagator that does not depend on the shapes.
    Fixed(Matrix),
    /// Slices that do.
    Shaped(ShapedPiece),
}

impl Operation {
    /// The shaped piece, if it is one.
    pub fn shaped(&self) -> Option<&ShapedPiece> {
        match self {
            Operation::Fixed(_) => None,
            Operation::Shaped(piece) => Some(piece),
        }
    }
}

/// Propagator of a slice or of a fixed operation.
struct Factor {
    u: Matrix,
    eigen: Option<Eigen>,
}

/// A stretch with its propagators, for given steps.
pub(super) struct Propagated<'a> {
    operations: &'a [Operation],
    factors: Vec<Factor>,
    /// The propagator of the whole stretch.
    pub u: Matrix,
}

/// Sums of derivatives.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// With respect to x and y of every step of every shape.
    pub steps: Vec<(f64, f64)>,
    /// With respect to the logarithm of the duration of all shaped pulses.
    pub duration: f64,
}

impl Sums {
    pub fn zero(steps: usize) -> Sums {
        Sums { steps: vec![(0.0, 0.0); steps], duration: 0.0 }
    }

    pub fn add(&mut self, other: &Sums, weight: f64) {
        for (sum, x) in self.steps.iter_mut().zip(&other.steps) {
            *sum = (sum.0 + weight * x.0, sum.1 + weight * x.1);
        }
        self.duration += weight * other.duration;
    }
}

/// From this many states on, the slices of one member are computed in parallel.
const PARALLEL: usize = 8;

/// The propagators of a stretch whose shaped pulses last `stretch` times as long as written.
pub(super) fn propagate<'a>(
    operations: &'a [Operation],
    steps: &[(f64, f64)],
    stretch: f64,
    states: usize,
) -> Result<Propagated<'a>, Fault> {
    let pieces = operations.iter().filter_map(Operation::shaped);
    let slices: Vec<(&ShapedPiece, &Slice)> = pieces.flat_map(|p| p.slices.iter().map(move |s| (p, s))).collect();
    let of_slice = |(piece, slice): (&ShapedPiece, &Slice)| -> Result<Factor, Fault> {
        let hamiltonian = piece.hamiltonian(slice, steps);
        let eigen = hermitian_eigen(&hamiltonian).map_err(|e| failed(Place::default(), &e.to_string()))?;
        Ok(Factor { u: eigen.propagator(lasting(piece, slice, stretch)), eigen: Some(eigen) })
    };
    let computed: Vec<Factor> = if states >= PARALLEL {
        slices.into_par_iter().map(of_slice).collect::<Result<_, Fault>>()?
    } else {
        slices.into_iter().map(of_slice).collect::<Result<_, Fault>>()?
    };
    let mut computed = computed.into_iter();
    let mut factors = Vec::with_capacity(computed.len() + operations.len());
    for operation in operations {
        match operation {
            Operation::Fixed(u) => factors.push(Factor { u: u.clone(), eigen: None }),
            Operation::Shaped(piece) => factors.extend(computed.by_ref().take(piece.slices.len())),
        }
    }
    let u = match factors.split_first() {
        Some((first, others)) => others.iter().fold(first.u.clone(), |before, factor| product(&factor.u, &before)),
        None => identity(states),
    };
    Ok(Propagated { operations, factors, u })
}

/// Duration of a slice.
fn lasting(piece: &ShapedPiece, slice: &Slice, stretch: f64) -> f64 {
    if piece.timed { stretch * slice.duration } else { slice.duration }
}

impl Propagated<'_> {
    /// Adds the derivatives of a function with `df = Re Tr[W dU]`.
    pub fn derivatives(&self, w: &Matrix, stretch: f64, sums: &mut Sums) {
        let mut factors = self.factors.iter().rev();
        // U_(<=k) W U_(>k).
        let mut b = product(&self.u, w);
        for operation in self.operations.iter().rev() {
            match operation {
                Operation::Fixed(u) => {
                    factors.next();
                    b = product(&product(&adjoint(u), &b), u);
                }
                Operation::Shaped(piece) => {
                    for (slice, factor) in piece.slices.iter().rev().zip(factors.by_ref()) {
                        let Some(eigen) = &factor.eigen else { continue };
                        b = through(piece, slice, eigen, &b, stretch, sums);
                    }
                }
            }
        }
    }
}

/// Adds the derivatives of a slice and moves `b` in front of it.
fn through(piece: &ShapedPiece, slice: &Slice, eigen: &Eigen, b: &Matrix, stretch: f64, sums: &mut Sums) -> Matrix {
    let (v, tau) = (&eigen.vectors, lasting(piece, slice, stretch));
    let back = adjoint(v);
    // V^+ A V with A = U^+ B.
    let mut inside = product(&product(&back, b), v);
    let phases: Vec<C64> = eigen.values.iter().map(|l| C64::cis(l * tau)).collect();
    inside.column_iter_mut().for_each(|mut column| {
        column.iter_mut().zip(&phases).for_each(|(x, phase)| *x *= phase);
    });
    if piece.timed {
        let rates = eigen.values.iter().zip(&phases).zip(inside.diagonal().iter().copied().collect::<Vec<_>>());
        // Re of -i l exp(-i l tau) A_jj.
        sums.duration += tau * rates.map(|((l, phase), a)| (C64::new(0.0, -l) * phase.conj() * a).re).sum::<f64>();
    }
    // Tr[A dU] = Tr[X V (V^+ A V o Phi) V^+]; Phi is symmetric.
    let mut weighted = inside.clone();
    multiply_by_phi(&mut weighted, &eigen.values, tau);
    piece.collect(slice, &product(&product(v, &weighted), &back), &mut sums.steps);
    // A U.
    inside.column_iter_mut().zip(&phases).for_each(|(mut column, phase)| column *= phase.conj());
    product(&product(v, &inside), &back)
}

/// Multiplies by `Phi` element-wise, as `Phi_ij = -i tau exp(-i (l_i + l_j) tau/2) sinc((l_i - l_j) tau/2)`, without a difference of nearly
/// equal numbers.
pub(in super::super) fn multiply_by_phi(m: &mut Matrix, values: &[f64], duration: f64) {
    let halves: Vec<C64> = values.iter().map(|l| C64::cis(-0.5 * l * duration)).collect();
    for ((mut column, b), p) in m.column_iter_mut().zip(values).zip(&halves) {
        for ((element, a), q) in column.iter_mut().zip(values).zip(&halves) {
            let half = 0.5 * (a - b) * duration;
            let sinc = if half.abs() < 0.1 {
                let h = half * half;
                1.0 - h / 6.0 * (1.0 - h / 20.0 * (1.0 - h / 42.0 * (1.0 - h / 72.0)))
            } else {
                (p * q.conj()).im / half
            };
            *element *= p * q * C64::new(0.0, -duration * sinc);
        }
    }
}
