//! Propagators of the steps of a shape, the states between the pieces, and the derivatives propagated backward.

use super::super::integrate::failed;
use super::path::{Path, PathPiece, ShapedPiece};
use crate::hamiltonian::Fault;
use crate::linalg::{C64, Matrix, ZERO, conjugate, conjugate_back, hermitian_eigen, product, real};
use crate::source::Place;

/// One step of the shape: its propagator, with the eigendecomposition needed for its derivative.
pub(super) struct StepPropagator {
    u: Matrix,
    values: Vec<f64>,
    vectors: Matrix,
}

/// Propagators of all shaped pieces of a path, for given `x` and `y` of every step of the shape.
pub(super) fn step_propagators(path: &Path, shape: &[(f64, f64)]) -> Result<Vec<Vec<StepPropagator>>, Fault> {
    let of_step = |piece: &ShapedPiece, (a, b): &(f64, f64)| -> Result<StepPropagator, Fault> {
        let hamiltonian = &piece.h + &piece.x * real(*a) + &piece.y * real(*b);
        let eigen = hermitian_eigen(&hamiltonian).map_err(|e| failed(Place::default(), &e.to_string()))?;
        Ok(StepPropagator { u: eigen.propagator(piece.duration), values: eigen.values, vectors: eigen.vectors })
    };
    let of_piece = |piece: &ShapedPiece| -> Result<Vec<StepPropagator>, Fault> {
        let steps = shape.iter().skip(piece.numbers.start).take(piece.numbers.len());
        steps.map(|step| of_step(piece, step)).collect()
    };
    let shaped = path.pieces.iter().filter_map(|p| if let PathPiece::Shaped(piece) = p { Some(piece) } else { None });
    shaped.map(of_piece).collect()
}

/// The state after every piece of a path.
pub(super) fn forward(path: &Path, propagators: &[Vec<StepPropagator>]) -> Vec<Matrix> {
    let mut shaped = propagators.iter();
    let mut rho = path.start.clone();
    let next = |piece: &PathPiece| {
        rho = match piece {
            PathPiece::Unitary(u) => conjugate(u, &rho),
            PathPiece::Projection(projection) => projection.apply(&rho),
            PathPiece::Shaped(_) => {
                let steps = shaped.next().into_iter().flatten();
                steps.fold(rho.clone(), |rho, step| conjugate(&step.u, &rho))
            }
        };
        rho.clone()
    };
    path.pieces.iter().map(next).collect()
}

/// Derivatives with respect to `x` and `y` of all `steps` steps, from the derivative `end` with respect to the final state; `states` are
/// those of [`forward`].
pub(super) fn backward(
    path: &Path,
    propagators: &[Vec<StepPropagator>],
    states: &[Matrix],
    end: Matrix,
    steps: usize,
) -> Vec<(f64, f64)> {
    let mut gradient = vec![(0.0, 0.0); steps];
    let mut g = end;
    let mut shaped = propagators.iter().rev();
    let before = std::iter::once(&path.start).chain(states);
    let pieces: Vec<(&PathPiece, &Matrix)> = path.pieces.iter().zip(before).collect();
    for (piece, before) in pieces.into_iter().rev() {
        match piece {
            PathPiece::Unitary(u) => g = conjugate_back(u, &g),
            PathPiece::Projection(projection) => g = projection.apply(&g),
            PathPiece::Shaped(piece) => {
                let own = shaped.next().map_or(&[][..], Vec::as_slice);
                let sums = gradient.iter_mut().skip(piece.numbers.start).take(own.len());
                g = back_through(piece, own, before, g, sums.collect());
            }
        }
    }
    gradient
}

/// Adds the derivatives of the steps of a piece to `sums` and returns the derivative with respect to the state before the piece.
fn back_through(
    piece: &ShapedPiece,
    steps: &[StepPropagator],
    before: &Matrix,
    mut g: Matrix,
    sums: Vec<&mut (f64, f64)>,
) -> Matrix {
    let states = steps.iter().scan(before.clone(), |rho, step| {
        let next = conjugate(&step.u, rho);
        Some(std::mem::replace(rho, next))
    });
    let states: Vec<Matrix> = states.collect();
    for ((step, rho), sum) in steps.iter().zip(&states).zip(sums).rev() {
        // Tr[G dU rho U^+] = Tr[X V (M o Phi) V^+], M = V^+ rho U^+ G V; Phi is symmetric.
        let m = product(&product(rho, &step.u.adjoint()), &g);
        let mut m = product(&product(&step.vectors.adjoint(), &m), &step.vectors);
        multiply_by_phi(&mut m, &step.values, piece.duration);
        let z = product(&product(&step.vectors, &m), &step.vectors.adjoint());
        sum.0 += 2.0 * trace(&piece.x, &z);
        sum.1 += 2.0 * trace(&piece.y, &z);
        g = conjugate_back(&step.u, &g);
    }
    g
}

/// Multiplies by `Phi` element-wise.
fn multiply_by_phi(m: &mut Matrix, values: &[f64], duration: f64) {
    for (mut column, b) in m.column_iter_mut().zip(values) {
        for (element, a) in column.iter_mut().zip(values) {
            // exp(-i (a + b) t/2) (-i t) sinc((a - b) t/2) equals Phi without a difference of nearly equal numbers.
            let (sum, half) = (0.5 * (a + b) * duration, 0.5 * (a - b) * duration);
            let sinc = if half.abs() < 1e-8 { 1.0 } else { half.sin() / half };
            *element *= C64::cis(-sum) * C64::new(0.0, -duration * sinc);
        }
    }
}

/// `Re Tr[C Z]`.
fn trace(c: &Matrix, z: &Matrix) -> f64 {
    let sum = c
        .row_iter()
        .zip(z.column_iter())
        .fold(ZERO, |sum, (row, column)| row.iter().zip(column.iter()).fold(sum, |sum, (a, b)| sum + a * b));
    sum.re
}
