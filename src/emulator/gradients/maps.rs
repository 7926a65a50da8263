//! Parts of a sequence as linear maps of the state, with their derivatives with respect to parameters.
//!
//! ```text
//! constant H     U = exp(-i H t),  dU = V ((V^+ dH V) o Phi) V^+ - i H U dt   with the eigenvectors V of H
//! constant L     E = exp(L t),     dE from the Taylor polynomial and the squarings of the exponential of A = L t, dA = dL t + L dt
//! ```
//!
//! `Phi_ij = (exp(-i l_i t) - exp(-i l_j t))/(l_i - l_j)` is the divided difference of the exponential. Both are the derivative of the
//! exponential itself, exact to rounding (Najfeld and Havel, Adv. Appl. Math. 16, 321; Al-Mohy and Higham, SIAM J. Matrix Anal. Appl. 30, 1639).
//! Superoperators act on stacked density matrices, the deviation from the mean diagonal element and that mean.

use super::super::engines::exact::{stacked, unstacked};
use super::super::grape::multiply_by_phi;
use super::super::projection::Projection;
use crate::linalg::{
    C64, LinalgError, Matrix, add_to_diagonal, adjoint, blocks, conjugate, hermitian_eigen, identity, one_norm,
    product, real,
};

/// A matrix with its derivative with respect to each parameter; `None` for zero.
#[derive(Debug, Clone)]
pub(super) struct DualMatrix {
    pub value: Matrix,
    pub tangents: Vec<Option<Matrix>>,
}

/// A time with its derivatives.
pub(super) struct DualTime {
    pub value: f64,
    pub tangents: Vec<f64>,
}

/// A linear map of the state.
pub(super) enum Map {
    /// `U rho U^+`.
    Unitary(DualMatrix),
    /// A superoperator on stacked density matrices.
    Super(DualMatrix),
}

fn sum(a: Option<Matrix>, b: Option<Matrix>) -> Option<Matrix> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

impl DualMatrix {
    /// The product `self before`.
    fn after(&self, before: &DualMatrix) -> DualMatrix {
        let tangent = |(a, b): (&Option<Matrix>, &Option<Matrix>)| {
            let first = a.as_ref().map(|a| product(a, &before.value));
            sum(first, b.as_ref().map(|b| product(&self.value, b)))
        };
        let tangents = self.tangents.iter().zip(&before.tangents).map(tangent).collect();
        DualMatrix { value: product(&self.value, &before.value), tangents }
    }

    fn identity(n: usize, parameters: usize) -> DualMatrix {
        DualMatrix { value: identity(n), tangents: vec![None; parameters] }
    }

    fn power(&self, mut exponent: u64) -> DualMatrix {
        let mut result = DualMatrix::identity(self.value.nrows(), self.tangents.len());
        let mut base = self.clone();
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result.after(&base);
            }
            exponent >>= 1;
            if exponent > 0 {
                base = base.after(&base);
            }
        }
        result
    }

    /// The state after the removal of part of it.
    pub fn projected(&self, projection: &Projection) -> DualMatrix {
        let tangents = self.tangents.iter().map(|d| d.as_ref().map(|d| projection.apply(d))).collect();
        DualMatrix { value: projection.apply(&self.value), tangents }
    }

    /// A function of matrices of which the value and all derivatives are block diagonal, block by block: coherences of different orders, mostly.
    fn by_blocks(&self, function: fn(&DualMatrix) -> DualMatrix) -> DualMatrix {
        let n = self.value.nrows();
        let mut pattern = Matrix::zeros(n, n);
        for m in std::iter::once(&self.value).chain(self.tangents.iter().flatten()) {
            pattern.zip_apply(m, |p, x| *p += real(x.norm()));
        }
        let Some(lists) = blocks(&(&pattern + pattern.transpose())) else { return function(self) };
        let mut out = DualMatrix {
            value: Matrix::zeros(n, n),
            tangents: self.tangents.iter().map(|d| d.as_ref().map(|_| Matrix::zeros(n, n))).collect(),
        };
        for list in lists {
            let inside = |m: &Matrix| m.select_rows(&list).select_columns(&list);
            let tangents = self.tangents.iter().map(|d| d.as_ref().map(inside)).collect();
            let found = function(&DualMatrix { value: inside(&self.value), tangents });
            let put = |to: &mut Matrix, from: &Matrix| {
                for (column, j) in from.column_iter().zip(&list) {
                    let mut whole = to.column_mut(*j);
                    column.iter().zip(&list).for_each(|(x, i)| {
                        whole.iter_mut().skip(*i).take(1).for_each(|element| *element = *x);
                    });
                }
            };
            put(&mut out.value, &found.value);
            for (to, from) in out.tangents.iter_mut().zip(&found.tangents) {
                if let (Some(to), Some(from)) = (to, from) {
                    put(to, from);
                }
            }
        }
        out
    }

    /// The superoperator of `U rho U^+` on stacked density matrices: `vec(U d U^+) = (conj(U) x U) vec(d)`.
    fn as_super(&self) -> DualMatrix {
        let n = self.value.len();
        let wide = |m: Matrix, corner: f64| {
            let mut out = m.resize(n + 1, n + 1, C64::default());
            out.iter_mut().last().into_iter().for_each(|x| *x = real(corner));
            out
        };
        let tangent = |d: &Matrix| {
            let both = d.conjugate().kronecker(&self.value) + self.value.conjugate().kronecker(d);
            wide(both, 0.0)
        };
        DualMatrix {
            value: wide(self.value.conjugate().kronecker(&self.value), 1.0),
            tangents: self.tangents.iter().map(|d| d.as_ref().map(tangent)).collect(),
        }
    }
}

impl Map {
    /// The evolution under a constant Hamiltonian.
    ///
    /// # Errors
    /// If its eigenvalues cannot be computed.
    pub fn unitary(h: &DualMatrix, time: &DualTime) -> Result<Map, LinalgError> {
        let eigen = hermitian_eigen(&h.value)?;
        let (v, t) = (&eigen.vectors, time.value);
        let back = adjoint(v);
        let by_operator = |dh: &Matrix| {
            let mut inside = product(&product(&back, dh), v);
            multiply_by_phi(&mut inside, &eigen.values, t);
            product(&product(v, &inside), &back)
        };
        let by_duration = |dt: f64| eigen.function(|l| C64::new(0.0, -l * dt) * C64::cis(-l * t));
        let tangent = |(dh, dt): (&Option<Matrix>, &f64)| {
            sum(dh.as_ref().map(by_operator), (*dt != 0.0).then(|| by_duration(*dt)))
        };
        let tangents = h.tangents.iter().zip(&time.tangents).map(tangent).collect();
        Ok(Map::Unitary(DualMatrix { value: eigen.propagator(t), tangents }))
    }

    /// The evolution under a constant superoperator L.
    pub fn relaxing(l: &DualMatrix, time: &DualTime) -> Map {
        let tangent = |(dl, dt): (&Option<Matrix>, &f64)| {
            sum(dl.as_ref().map(|d| d * real(time.value)), (*dt != 0.0).then(|| &l.value * real(*dt)))
        };
        let tangents = l.tangents.iter().zip(&time.tangents).map(tangent).collect();
        Map::Super(DualMatrix { value: &l.value * real(time.value), tangents }.by_blocks(exponential))
    }

    pub fn is_unitary(&self) -> bool {
        matches!(self, Map::Unitary(_))
    }

    /// The map of several maps of n states one after another: unitary if all of them are.
    pub fn joined(maps: &[&Map], n: usize, parameters: usize) -> Map {
        let unitary = maps.iter().all(|map| map.is_unitary());
        let start = DualMatrix::identity(if unitary { n } else { n * n + 1 }, parameters);
        let all = maps.iter().fold(start, |before, map| match map {
            Map::Unitary(u) if unitary => u.after(&before),
            Map::Unitary(u) => u.as_super().after(&before),
            Map::Super(s) => s.after(&before),
        });
        if unitary { Map::Unitary(all) } else { Map::Super(all) }
    }

    /// The same map so many times.
    pub fn power(&self, count: u64) -> Map {
        match self {
            Map::Unitary(u) => Map::Unitary(u.power(count)),
            Map::Super(s) => Map::Super(s.power(count)),
        }
    }

    /// The state after it.
    pub fn apply(&self, rho: &DualMatrix) -> DualMatrix {
        match self {
            Map::Unitary(u) => {
                let back = adjoint(&u.value);
                let tangent = |(du, d): (&Option<Matrix>, &Option<Matrix>)| {
                    let propagated = d.as_ref().map(|d| conjugate(&u.value, d));
                    let by_operator = du.as_ref().map(|du| {
                        let half = product(&product(du, &rho.value), &back);
                        &half + half.adjoint()
                    });
                    sum(propagated, by_operator)
                };
                let tangents = u.tangents.iter().zip(&rho.tangents).map(tangent).collect();
                DualMatrix { value: conjugate(&u.value, &rho.value), tangents }
            }
            Map::Super(s) => {
                let own = stacked(&rho.value);
                let tangent = |(ds, d): (&Option<Matrix>, &Option<Matrix>)| {
                    let propagated = d.as_ref().map(|d| unstacked(&(&s.value * stacked(d))));
                    sum(propagated, ds.as_ref().map(|ds| unstacked(&(ds * &own))))
                };
                let tangents = s.tangents.iter().zip(&rho.tangents).map(tangent).collect();
                DualMatrix { value: unstacked(&(&s.value * &own)), tangents }
            }
        }
    }
}

/// The exponential of a matrix with its derivatives: the Taylor polynomial and the squarings of `linalg::exponential`, each differentiated.
fn exponential(a: &DualMatrix) -> DualMatrix {
    let n = a.value.nrows();
    const TERMS: i32 = 18;
    const SMALL: f64 = 0.5;
    let norm = one_norm(&a.value);
    let squarings = if norm > SMALL { (norm / SMALL).log2().ceil() as i32 } else { 0 };
    let factor = real(0.5f64.powi(squarings));
    let scaled = DualMatrix {
        value: &a.value * factor,
        tangents: a.tangents.iter().map(|d| d.as_ref().map(|d| d * factor)).collect(),
    };
    let mut all = DualMatrix::identity(n, a.tangents.len());
    for k in (1..=TERMS).rev() {
        // 1 + A(1 + A/2 (1 + A/3 (...))).
        let mut next = scaled.after(&all);
        let share = real(1.0 / f64::from(k));
        next.value *= share;
        add_to_diagonal(&mut next.value, real(1.0));
        next.tangents.iter_mut().flatten().for_each(|d| *d *= share);
        all = next;
    }
    for _ in 0..squarings {
        all = all.after(&all);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    fn random(n: usize, noise: &mut Noise) -> Matrix {
        Matrix::from_fn(n, n, |_, _| C64::new(noise.normal(), noise.normal()))
    }

    /// Both derivatives of exponentials agree with the upper right block of the exponential of `[[A, dA], [0, A]]`.
    #[test]
    fn derivatives_are_blocks_of_a_larger_exponential() {
        let mut noise = Noise::new(11, 0);
        for n in [2, 3, 5] {
            let (a, d) = (random(n, &mut noise), random(n, &mut noise));
            let larger = |a: &Matrix, d: &Matrix| {
                let mut both = Matrix::zeros(2 * n, 2 * n);
                both.view_mut((0, 0), (n, n)).copy_from(a);
                both.view_mut((n, n), (n, n)).copy_from(a);
                both.view_mut((0, n), (n, n)).copy_from(d);
                crate::linalg::exponential(&both).view((0, n), (n, n)).into_owned()
            };
            let found = exponential(&DualMatrix { value: a.clone(), tangents: vec![Some(d.clone()), None] });
            let size = larger(&a, &d).norm();
            assert!(
                (found.tangents[0].as_ref().unwrap() - larger(&a, &d)).norm() < 1e-12 * size
                    && found.tangents[1].is_none()
            );
            // A degenerate Hamiltonian, too.
            let mut h = &a + a.adjoint();
            if n == 3 {
                h = identity(3);
            }
            let dh = &d + d.adjoint();
            let (t, dt) = (0.7, -0.3);
            let i = C64::new(0.0, -1.0);
            let expected = larger(&(&h * (i * t)), &(&dh * (i * t) + &h * (i * dt)));
            let dual = DualMatrix { value: h, tangents: vec![Some(dh.clone())] };
            let Map::Unitary(u) = Map::unitary(&dual, &DualTime { value: t, tangents: vec![dt] }).unwrap() else {
                panic!()
            };
            assert!((u.tangents[0].as_ref().unwrap() - &expected).norm() < 1e-12 * (1.0 + expected.norm()), "{n}");
            // Block by block, with the blocks in disorder.
            let zero = Matrix::zeros(n, n);
            let disjoint = |m: &Matrix, other: &Matrix| {
                let mut both = Matrix::zeros(2 * n, 2 * n);
                both.view_mut((0, 0), (n, n)).copy_from(m);
                both.view_mut((n, n), (n, n)).copy_from(other);
                let order: Vec<usize> = (0..2 * n).map(|k| (k * (2 * n - 1)) % (2 * n)).collect();
                both.select_rows(&order).select_columns(&order)
            };
            let both = DualMatrix { value: disjoint(&a, &dh), tangents: vec![Some(disjoint(&d, &zero)), None] };
            let (whole, by_block) = (exponential(&both), both.by_blocks(exponential));
            assert!((&whole.value - &by_block.value).norm() < 1e-12 * whole.value.norm());
            let (whole, by_block) = (whole.tangents[0].clone().unwrap(), by_block.tangents[0].clone().unwrap());
            assert!((&whole - &by_block).norm() < 1e-12 * whole.norm());
            // As a superoperator, and to a power, it does the same to a state.
            let m = random(n, &mut noise);
            let square = product(&m, &m.adjoint());
            let rho = square.map(|x| x / square.trace());
            let state = DualMatrix { value: rho, tangents: vec![None] };
            let thrice = Map::Unitary(u.clone()).power(3).apply(&state);
            let maps = [Map::Unitary(u.clone()), Map::Super(u.as_super()), Map::Unitary(u)];
            let one_by_one = maps.iter().fold(state.clone(), |rho, map| map.apply(&rho));
            let joined = Map::joined(&maps.iter().collect::<Vec<_>>(), n, 1).apply(&state);
            for other in [one_by_one, joined] {
                assert!((&other.value - &thrice.value).norm() < 1e-13);
                let (a, b) = (other.tangents[0].as_ref().unwrap(), thrice.tangents[0].as_ref().unwrap());
                assert!((a - b).norm() < 1e-12 * (1.0 + b.norm()));
            }
        }
    }
}
