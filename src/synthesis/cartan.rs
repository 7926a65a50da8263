//! Cartan decomposition of a gate of two spins 1/2, reduced so that the coupling acts for the shortest time.
//!
//! `U = (k1 x k2) exp(-i (cx XX + cy YY + cz ZZ)) (k3 x k4)` up to a phase: N. Khaneja, R. Brockett and S. J. Glaser, Phys. Rev. A 63,
//! 032308 (2001); B. Kraus and J. I. Cirac, Phys. Rev. A 63, 062309 (2001). In the magic basis of Bell states, rotations of single spins
//! are real and the middle factor is diagonal. `exp(-i pi/2 XX) = -i X X` is a rotation of single spins, so every c is reduced to
//! -pi/4 .. pi/4, and a coupling `g ZZ` takes at least (|cx| + |cy| + |cz|)/g.

use super::turn::Turn;
use crate::linalg::{C64, I, LinalgError, Matrix, hermitian_eigen, product, real};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, PI};

/// The factors of a gate.
#[derive(Debug, Clone, PartialEq)]
pub struct Cartan {
    /// The rotations of both spins that come first: k3, k4.
    pub first: [Turn; 2],
    /// cx, cy, cz, each from -pi/4 to pi/4.
    pub coupling: [f64; 3],
    /// The rotations of both spins that come last: k1, k2.
    pub last: [Turn; 2],
}

/// The magic basis: (00 + 11, i (01 + 10), 01 - 10, i (00 - 11))/sqrt 2 as columns.
fn magic() -> Matrix {
    let s = FRAC_1_SQRT_2;
    let mut b = Matrix::zeros(4, 4);
    let entries = [
        (0, 0, real(s)),
        (3, 0, real(s)),
        (1, 1, I * s),
        (2, 1, I * s),
        (1, 2, real(s)),
        (2, 2, real(-s)),
        (0, 3, I * s),
        (3, 3, I * -s),
    ];
    entries.into_iter().for_each(|(i, j, x)| b[(i, j)] = x);
    b
}

/// Signs of XX, YY and ZZ in the states of the magic basis.
const SIGNS: [[f64; 3]; 4] = [[1.0, -1.0, 1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, -1.0], [-1.0, 1.0, 1.0]];

fn determinant(m: &Matrix) -> C64 {
    m.clone().determinant()
}

/// Real orthogonal eigenvectors of a symmetric unitary matrix, with determinant 1. Its real and imaginary part commute; a sum of them with
/// fixed weights has the common eigenvectors, unless two eigenvalues of the sum agree that do not agree in both.
fn common_eigenvectors(m: &Matrix) -> Result<Matrix, LinalgError> {
    let mut best: Option<(f64, Matrix)> = None;
    for k in 0..12 {
        let (a, b) = (0.37 + 0.51 * k as f64).sin_cos();
        let sum = m.map(|x| real(a * x.re + b * x.im));
        let mut p = hermitian_eigen(&sum)?.vectors.map(|x| real(x.re));
        if determinant(&p).re < 0.0 {
            p.column_mut(0).iter_mut().for_each(|x| *x = -*x);
        }
        let d = product(&product(&p.transpose(), m), &p);
        let off: f64 =
            (0..4).flat_map(|i| (0..4).map(move |j| (i, j))).filter(|(i, j)| i != j).map(|e| d[e].norm()).sum();
        if best.as_ref().is_none_or(|(known, _)| off < *known) {
            best = Some((off, p));
        }
    }
    best.map(|(_, p)| p).ok_or(LinalgError::NotConverged)
}

/// The rotations `a x b` of a product.
fn factors(m: &Matrix) -> [Turn; 2] {
    let block = |i: usize, j: usize| Matrix::from_fn(2, 2, |r, c| m[(2 * i + r, 2 * j + c)]);
    let all = [(0, 0), (0, 1), (1, 0), (1, 1)];
    let largest = all.into_iter().max_by(|x, y| block(x.0, x.1).norm().total_cmp(&block(y.0, y.1).norm()));
    let (i, j) = largest.unwrap_or((0, 0));
    let b = special(&block(i, j));
    let a = Matrix::from_fn(2, 2, |r, c| product(&b.adjoint(), &block(r, c)).trace() * 0.5);
    [turn(&special(&a)), turn(&b)]
}

/// A multiple of a unitary 2 x 2 matrix with determinant 1.
fn special(m: &Matrix) -> Matrix {
    let root = determinant(m).sqrt();
    m.map(|x| x / root)
}

fn turn(u: &Matrix) -> Turn {
    let (w, z) = (0.5 * (u[(0, 0)] + u[(1, 1)]).re, 0.5 * (u[(1, 1)] - u[(0, 0)]).im);
    let (x, y) = (-0.5 * (u[(0, 1)] + u[(1, 0)]).im, 0.5 * (u[(1, 0)] - u[(0, 1)]).re);
    Turn { w, v: [x, y, z] }.then(Turn::NONE)
}

/// Decomposes a unitary 4 x 4 matrix.
///
/// # Errors
/// If an eigenvalue problem fails.
pub fn decompose(u: &Matrix) -> Result<Cartan, LinalgError> {
    let phase = C64::cis(-0.25 * determinant(u).arg());
    let b = magic();
    let m = product(&product(&b.adjoint(), &u.map(|x| x * phase)), &b);
    let symmetric = product(&m.transpose(), &m);
    let p = common_eigenvectors(&symmetric)?;
    let d = product(&product(&p.transpose(), &symmetric), &p);
    let mut angle: [f64; 4] = std::array::from_fn(|k| 0.5 * d[(k, k)].arg());
    let diagonal =
        |angle: &[f64; 4]| Matrix::from_fn(4, 4, |i, j| if i == j { C64::cis(-angle[i]) } else { C64::new(0.0, 0.0) });
    let mut left = product(&product(&m, &p), &diagonal(&angle));
    if determinant(&left).re < 0.0 {
        angle[0] += PI;
        left = product(&product(&m, &p), &diagonal(&angle));
    }
    let local = |q: &Matrix| factors(&product(&product(&b, &q.map(|x| real(x.re))), &b.adjoint()));
    let (first, last) = (local(&p.transpose()), local(&left));
    let coupling: [f64; 3] = std::array::from_fn(|a| -0.25 * (0..4).map(|k| angle[k] * SIGNS[k][a]).sum::<f64>());
    Ok(reduced(Cartan { first, coupling, last }))
}

/// Every c to -pi/4 .. pi/4: a half turn of both spins about an axis replaces pi/2 of its coupling.
fn reduced(mut c: Cartan) -> Cartan {
    for axis in 0..3 {
        let turns = (c.coupling[axis] / FRAC_PI_2).round();
        c.coupling[axis] -= turns * FRAC_PI_2;
        if c.coupling[axis].abs() < 1e-14 {
            c.coupling[axis] = 0.0;
        }
        if turns.rem_euclid(2.0) == 1.0 {
            let half = Turn::about(std::array::from_fn(|a| if a == axis { 1.0 } else { 0.0 }), PI);
            c.last = c.last.map(|t| half.then(t));
        }
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{identity, kron};
    use crate::noise::Noise;
    use crate::synthesis::bilinear::product_matrix;
    use crate::synthesis::propagate::fidelity;

    fn matrix(t: Turn) -> Matrix {
        (0..3).fold(identity(2) * real(t.w), |m, a| m - product_matrix(1, &[(0, a)]) * (I * t.v[a]))
    }

    fn made(c: &Cartan) -> Matrix {
        let h = (0..3).fold(Matrix::zeros(4, 4), |m, a| m + product_matrix(2, &[(0, a), (1, a)]) * real(c.coupling[a]));
        let middle = hermitian_eigen(&h).unwrap().propagator(1.0);
        kron(&matrix(c.last[0]), &matrix(c.last[1])) * middle * kron(&matrix(c.first[0]), &matrix(c.first[1]))
    }

    #[test]
    fn the_factors_make_the_gate() {
        let mut noise = Noise::new(5, 0);
        for k in 0..100 {
            let mut h = Matrix::zeros(4, 4);
            for (a, b) in (0..4).flat_map(|a| (0..4).map(move |b| (a, b))) {
                let mut all = vec![];
                all.extend((a > 0).then(|| (0, a - 1)));
                all.extend((b > 0).then(|| (1, b - 1)));
                h += product_matrix(2, &all) * real(3.0 * (noise.even() - 0.5));
            }
            // Every fifth is degenerate: a Hamiltonian of a single term.
            if k % 5 == 0 {
                h = product_matrix(2, &[(0, k % 3), (1, (k / 5) % 3)]) * real(noise.even());
            }
            let u = hermitian_eigen(&h).unwrap().propagator(1.0);
            let c = decompose(&u).unwrap();
            assert!((fidelity(&u, &made(&c)) - 1.0).abs() < 1e-12, "{k}: {c:?}");
            assert!(c.coupling.iter().all(|x| x.abs() <= 0.25 * PI + 1e-12));
        }
    }

    /// CNOT has one coupling of pi/4, SWAP three.
    #[test]
    fn known_gates() {
        let total = |u: &Matrix| decompose(u).unwrap().coupling.iter().map(|x| x.abs()).sum::<f64>();
        let cnot = Matrix::from_fn(4, 4, |i, j| real(f64::from(u8::from([0, 1, 3, 2][i] == j))));
        let swap = Matrix::from_fn(4, 4, |i, j| real(f64::from(u8::from([0, 2, 1, 3][i] == j))));
        assert!((total(&cnot) - 0.25 * PI).abs() < 1e-12);
        assert!((total(&swap) - 0.75 * PI).abs() < 1e-12);
        assert!(total(&identity(4)) < 1e-12);
    }
}
