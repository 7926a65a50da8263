//! Splitting of a spin-1/2 Hamiltonian by axis: `H = H_x + H_y + H_z`, each diagonal in the basis quantised along its axis.
//!
//! It applies to couplings `Ix Ix`, `Iy Iy`, `Iz Iz`, offsets and fields along the axes, with any coefficients: dipolar and scalar
//! couplings, Heisenberg and Ising models. It does not apply to products of different axes, as in Dzyaloshinskii-Moriya interactions.

#![expect(
    clippy::indexing_slicing,
    reason = "factors act on spins 1/2 of the operator, and components have fixed size"
)]

use super::operator::Operator;
use crate::linalg::C64;
use std::collections::BTreeMap;

/// The part of a Hamiltonian along one axis: `sum_i f_i s_i + sum_(i<j) g_ij s_i s_j` with Pauli matrices s.
pub struct AxisTerms {
    /// `f_i`, one per spin.
    pub fields: Vec<f64>,
    /// `g_ij` for `i < j`, row by row.
    pub couplings: Vec<f64>,
}

/// `H_x`, `H_y` and `H_z`.
pub struct Split {
    /// Number of spins.
    pub spins: usize,
    /// The parts along x, y and z.
    pub axes: [AxisTerms; 3],
    /// Maximum over the spins of the summed magnitudes of all terms on that spin: a bound of its rotation rate.
    pub local: f64,
}

/// Maximum number of spins for which energies are tabulated.
const MOST: usize = 28;

impl Split {
    /// Splits a Hamiltonian; `None` if it has no such form.
    pub fn of(operator: &Operator) -> Option<Split> {
        let dimensions = operator.dimensions();
        let n = dimensions.len();
        if n > MOST || dimensions.iter().any(|d| *d != 2) {
            return None;
        }
        let mut one = vec![[C64::default(); 3]; n];
        let mut two: BTreeMap<(usize, usize), [[C64; 3]; 3]> = BTreeMap::new();
        for (c, factors) in operator.products() {
            match factors {
                // A multiple of the identity only gives a global phase.
                [] => {}
                [(i, a)] => {
                    let p = pauli(a);
                    (0..3).for_each(|k| one[*i][k] += c * p[k + 1]);
                }
                [(i, a), (j, b)] => {
                    let (p, q) = (pauli(a), pauli(b));
                    let pair = two.entry((*i, *j)).or_default();
                    for k in 0..3 {
                        one[*i][k] += c * p[k + 1] * q[0];
                        one[*j][k] += c * p[0] * q[k + 1];
                        (0..3).for_each(|l| pair[k][l] += c * p[k + 1] * q[l + 1]);
                    }
                }
                _ => return None,
            }
        }
        let all = one.iter().flatten().chain(two.values().flatten().flatten());
        let largest = all.fold(0.0, |m: f64, x| m.max(x.norm()));
        let small = |x: C64| x.norm() <= 1e-12 * largest;
        let real = |x: &C64| x.im.abs() <= 1e-12 * largest;
        let mixed = |p: &[[C64; 3]; 3]| (0..3).any(|k| (0..3).any(|l| k != l && !small(p[k][l])));
        if two.values().any(mixed) || !one.iter().flatten().chain(two.values().flatten().flatten()).all(real) {
            return None;
        }
        let size = |site: usize| {
            let pairs = two.iter().filter(|((i, j), _)| *i == site || *j == site);
            let own: f64 = one[site].iter().map(|x| x.norm()).sum();
            own + pairs.map(|(_, p)| (0..3).map(|k| p[k][k].norm()).sum::<f64>()).sum::<f64>()
        };
        let local = (0..n).map(size).fold(0.0, f64::max);
        let axis = |k: usize| {
            let pair = |i: usize, j: usize| two.get(&(i, j)).map_or(0.0, |p| p[k][k].re);
            let couplings = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).map(|(i, j)| pair(i, j)).collect();
            AxisTerms { fields: one.iter().map(|f| f[k].re).collect(), couplings }
        };
        Some(Split { spins: n, axes: [axis(0), axis(1), axis(2)], local })
    }

    /// The diagonals of `H_x`, `H_y` and `H_z`, each in its own basis; the first state of a spin is the one along +axis.
    pub fn diagonals(&self) -> [Vec<f64>; 3] {
        self.axes.each_ref().map(|axis| energies(self.spins, axis))
    }
}

/// `m = c_0 + c_x X + c_y Y + c_z Z`
fn pauli(local: &super::local::Local) -> [C64; 4] {
    let mut m = [[C64::default(); 2]; 2];
    local.entries.iter().for_each(|&(i, j, v)| m[i][j] += v);
    let turned = (m[1][0] - m[0][1]) * C64::new(0.0, -0.5);
    [(m[0][0] + m[1][1]) * 0.5, (m[0][1] + m[1][0]) * 0.5, turned, (m[0][0] - m[1][1]) * 0.5]
}

/// `sum_i f_i m_i + sum_ij g_ij m_i m_j` with `m = +-1`, one spin at a time: each spin doubles the table.
fn energies(n: usize, axis: &AxisTerms) -> Vec<f64> {
    // The row of spin i begins after n - 1 + n - 2 + ... + n - i couplings.
    let coupling = |i: usize, j: usize| axis.couplings[i * n - i * (i + 1) / 2 + j - i - 1];
    let mut out = vec![0.0];
    for bit in 0..n {
        // The last spin is the lowest bit.
        let site = n - 1 - bit;
        let own: Vec<f64> = (0..bit).map(|b| coupling(site, n - 1 - b)).collect();
        let mut up = vec![axis.fields[site]];
        for g in own {
            let down: Vec<f64> = up.iter().map(|x| x - g).collect();
            up.iter_mut().for_each(|x| *x += g);
            up.extend(down);
        }
        let down: Vec<f64> = out.iter().zip(&up).map(|(e, x)| e - x).collect();
        out.iter_mut().zip(&up).for_each(|(e, x)| *e += x);
        out.extend(down);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{Matrix, conjugate, real};
    use crate::spin::{Basis, LocalKind, Site};

    #[test]
    fn the_three_parts_are_the_whole() {
        let basis = Basis::new(["a", "b", "c"].into_iter().map(|s| Site::spin(s, 1, None)).collect());
        let of = |kind, site| Operator::of(&basis, kind, site).unwrap();
        let pair = |kind, i, j, x: f64| of(kind, i).times(&of(kind, j)).times_number(real(x));
        let mut h = pair(LocalKind::Ix, 0, 1, 0.3).plus(pair(LocalKind::Iy, 0, 1, -0.7));
        h = h.plus(pair(LocalKind::Iz, 1, 2, 1.1)).plus(pair(LocalKind::Iz, 0, 2, 0.2));
        h = h.plus(of(LocalKind::Iz, 0).times_number(real(0.9))).plus(of(LocalKind::Iy, 2).times_number(real(0.4)));
        // A flip-flop term is a sum of XX, YY, XY and YX products; with its adjoint, only XX and YY remain.
        let flop = of(LocalKind::Ip, 0).times(&of(LocalKind::Im, 2));
        h = h.plus(flop.clone()).plus(flop.adjoint());
        let split = Split::of(&h).unwrap();
        let root = 0.5f64.sqrt();
        let along = [
            Matrix::from_row_slice(2, 2, &[real(root), real(root), real(root), real(-root)]),
            Matrix::from_row_slice(2, 2, &[real(root), real(root), C64::new(0.0, root), C64::new(0.0, -root)]),
            crate::linalg::identity(2),
        ];
        let diagonals = split.diagonals();
        let sum = (0..3).fold(Matrix::zeros(8, 8), |sum, k| {
            let w = along[k].kronecker(&along[k]).kronecker(&along[k]);
            let diagonal = Matrix::from_fn(8, 8, |i, j| real(if i == j { diagonals[k][i] } else { 0.0 }));
            sum + conjugate(&w, &diagonal)
        });
        assert!((sum - h.matrix()).norm() < 1e-14);
        let mixed = of(LocalKind::Ix, 0).times(&of(LocalKind::Iy, 1));
        assert!(Split::of(&h.plus(mixed)).is_none());
    }
}
