//! Product unitaries: one single-site unitary per subsystem, `U = u_1 x u_2 x ...`.
//!
//! A hard pulse rotates each spin. Applying its full N x N matrix to a density matrix would cost N^3; applying one spin's rotation
//! after the other costs N^2 per spin.

#![expect(
    clippy::indexing_slicing,
    reason = "unitaries act on subsystems of the state's own basis, so strides and dimensions divide it"
)]

use super::exact::EXACT;
use super::panel::{PANEL, Row};
use super::{StepError, Stepper};
use crate::emulator::eigen_cache;
use crate::emulator::generator::{Generator, deviation};
use crate::linalg::{C64, Matrix, ONE, Vector, adjoint};
use crate::spin::State;

/// Above this dimension of a subsystem, block-wise eigendecomposition of H is cheaper.
const LARGEST: usize = 10;

/// A product of single-site unitaries; identity on the sites that are left out.
pub struct Turn {
    locals: Vec<Local>,
}

struct Local {
    /// Distance in the basis between neighbouring states of the subsystem.
    stride: usize,
    unitary: Matrix,
}

impl Turn {
    /// From the dimensions of all subsystems, and unitaries with the index of their site.
    pub fn new(dimensions: &[usize], unitaries: Vec<(usize, Matrix)>) -> Turn {
        let stride = |site: usize| dimensions[site + 1..].iter().product();
        let locals = unitaries.into_iter().map(|(site, unitary)| Local { stride: stride(site), unitary }).collect();
        Turn { locals }
    }

    /// `U psi`.
    pub fn vector(&self, psi: &Vector) -> Vector {
        // A vector is a matrix of one row: applying `conj(u)` to its conjugate gives the conjugate of `u psi`.
        let mut moved = psi.map(|x| x.conj());
        self.locals.iter().for_each(|t| columns(moved.as_mut_slice(), 1, t));
        moved.map(|x| x.conj())
    }

    /// `U m U^dagger`.
    pub fn matrix(&self, m: &Matrix) -> Matrix {
        let n = m.nrows();
        if let Some(sites) = self.pairs()
            && n.is_multiple_of(PANEL)
        {
            return Matrix::from_vec(n, n, in_panels(m.as_slice(), n, &sites));
        }
        // Computes `m U^dagger`, its adjoint `U m^dagger`, multiplies by `U^dagger` again, and takes the adjoint.
        let mut moved = m.clone();
        self.locals.iter().for_each(|t| columns(moved.as_mut_slice(), n, t));
        let mut moved = adjoint(&moved);
        self.locals.iter().for_each(|t| columns(moved.as_mut_slice(), n, t));
        adjoint(&moved)
    }

    /// The sites as strides and elements `u_00, u_01, u_10, u_11`, if all have two states.
    fn pairs(&self) -> Option<Vec<(usize, [C64; 4])>> {
        let pair = |t: &Local| {
            let u = &t.unitary;
            (u.nrows() == 2).then(|| (t.stride, [u[(0, 0)], u[(0, 1)], u[(1, 0)], u[(1, 1)]]))
        };
        self.locals.iter().map(pair).collect()
    }
}

/// Unitaries of two-state sites as products `P R Q`: R of real matrices, P and Q diagonal.
struct Reals {
    /// Stride and elements `r_00, r_01, r_10, r_11` of each site.
    sites: Vec<(usize, [f64; 4])>,
    /// Diagonals of Q and P, of all states; `None` if both are 1.
    phases: Option<[Vec<C64>; 2]>,
}

impl Reals {
    /// From strides and elements `u_00, u_01, u_10, u_11`, on a space of n states.
    fn new(sites: &[(usize, [C64; 4])], n: usize) -> Reals {
        // A rotation about y is real; an eigendecomposition leaves imaginary parts that are rounding of 1.
        let is_real = |u: &[C64; 4]| u.iter().all(|x| x.im.abs() <= 0.5 * f64::EPSILON);
        if sites.iter().all(|(_, u)| is_real(u)) {
            return Reals { sites: sites.iter().map(|(stride, u)| (*stride, u.map(|x| x.re))).collect(), phases: None };
        }
        let mut reals = Vec::with_capacity(sites.len());
        let (mut before, mut after) = (vec![ONE; n], vec![ONE; n]);
        for (stride, [a, b, c, e]) in sites {
            // u_00 = cos q_0, u_01 = -sin q_1, u_10 = sin p q_0, u_11 = cos p q_1. If one of the pairs of equal size is rounding, its
            // phase enters q_0 or p, and cancels in the elements of the other pair.
            let (cos, sin) = (a.norm(), c.norm());
            let q0 = if cos > 0.0 { a / cos } else { ONE };
            let p = if sin > 0.0 { c / sin * q0.conj() } else { ONE };
            let q1 = if cos > sin { e / e.norm() * p.conj() } else { -b / b.norm() };
            reals.push((*stride, [cos, -sin, sin, cos]));
            for (k, (before, after)) in before.iter_mut().zip(&mut after).enumerate() {
                let upper = (k / stride).is_multiple_of(2);
                *before *= if upper { q0 } else { q1 };
                *after *= if upper { ONE } else { p };
            }
        }
        Reals { sites: reals, phases: Some([before, after]) }
    }

    /// The complex conjugate.
    fn conjugate(self) -> Reals {
        let phases = self.phases.map(|both| both.map(|phases| phases.iter().map(|x| x.conj()).collect()));
        Reals { phases, ..self }
    }
}

/// `U m U^dagger` for sites of two states and a matrix of n columns, column-major; n is a multiple of [`PANEL`].
///
/// All sites are applied to one panel after the other, which stays in the cache: first `U` to panels of columns, then `U^*` to panels
/// of rows.
fn in_panels(m: &[C64], n: usize, sites: &[(usize, [C64; 4])]) -> Vec<C64> {
    let arch = pulp::Arch::new();
    let reals = Reals::new(sites, n);
    let mut panel = vec![Row::<PANEL>::ZERO; n];
    let mut out = Vec::with_capacity(m.len());
    for columns in m.chunks_exact(PANEL * n) {
        for (l, column) in columns.chunks_exact(n).enumerate() {
            panel.iter_mut().zip(column).for_each(|(row, x)| (row.re[l], row.im[l]) = (x.re, x.im));
        }
        arch.dispatch(Sites { panel: &mut panel, reals: &reals });
        (0..PANEL).for_each(|l| out.extend(panel.iter().map(|row| C64::new(row.re[l], row.im[l]))));
    }
    let reals = reals.conjugate();
    for first in (0..n).step_by(PANEL) {
        for (row, column) in panel.iter_mut().zip(out.chunks_exact(n)) {
            let part = &column[first..first + PANEL];
            part.iter().enumerate().for_each(|(l, x)| (row.re[l], row.im[l]) = (x.re, x.im));
        }
        arch.dispatch(Sites { panel: &mut panel, reals: &reals });
        for (row, column) in panel.iter().zip(out.chunks_exact_mut(n)) {
            let part = &mut column[first..first + PANEL];
            part.iter_mut().enumerate().for_each(|(l, x)| *x = C64::new(row.re[l], row.im[l]));
        }
    }
    out
}

/// Applies unitaries of two-state sites to the rows of a panel. Compiled for every SIMD width; the widest available at run time is
/// used.
struct Sites<'a> {
    panel: &'a mut [Row<PANEL>],
    reals: &'a Reals,
}

impl pulp::NullaryFnOnce for Sites<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        if let Some([before, _]) = &self.reals.phases {
            for (row, x) in self.panel.iter_mut().zip(before) {
                *row = row.times(*x);
            }
        }
        for (stride, [a, b, c, e]) in &self.reals.sites {
            for block in self.panel.chunks_exact_mut(2 * stride) {
                let (upper, lower) = block.split_at_mut(*stride);
                for (upper, lower) in upper.iter_mut().zip(lower) {
                    let (x, y) = (*upper, *lower);
                    *upper = Row::ZERO.plus(*a, &x).plus(*b, &y);
                    *lower = Row::ZERO.plus(*c, &x).plus(*e, &y);
                }
            }
        }
        if let Some([_, after]) = &self.reals.phases {
            for (row, x) in self.panel.iter_mut().zip(after) {
                *row = row.times(*x);
            }
        }
    }
}

/// Propagates states under a constant Hamiltonian that is a sum of single-site terms.
pub struct Turns {
    dimensions: Vec<usize>,
    locals: Vec<(usize, Matrix)>,
    last: Option<(f64, Turn)>,
}

impl Turns {
    /// From a constant generator without dissipators on the whole product space; `None` if a term couples two subsystems.
    pub fn new(generator: &Generator) -> Option<Turns> {
        let (dimensions, locals) = generator.locals(LARGEST)?;
        Some(Turns { dimensions, locals, last: None })
    }

    fn turn(&mut self, t: f64) -> Result<&Turn, StepError> {
        if self.last.as_ref().is_none_or(|(known, _)| *known != t) {
            let unitaries = self
                .locals
                .iter()
                .map(|(site, h)| Ok((*site, eigen_cache::eigen(h)?.propagator(t))))
                .collect::<Result<_, StepError>>()?;
            self.last = Some((t, Turn::new(&self.dimensions, unitaries)));
        }
        self.last.as_ref().map(|(_, turn)| turn).ok_or_else(|| StepError::Tolerance("no turn".into()))
    }
}

/// Replaces pairs of columns x, y by `a x + b y` and `c x + e y`. Compiled for every SIMD width; the widest available at run time is
/// used.
struct Pairs<'a> {
    m: &'a mut [C64],
    /// Distance between the two columns of a pair.
    span: usize,
    u: [C64; 4],
}

impl pulp::NullaryFnOnce for Pairs<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let [a, b, c, e] = self.u;
        for block in self.m.chunks_exact_mut(2 * self.span) {
            let (upper, lower) = block.split_at_mut(self.span);
            for k in 0..self.span.min(upper.len()).min(lower.len()) {
                let (x, y) = (upper[k], lower[k]);
                upper[k] = a * x + b * y;
                lower[k] = c * x + e * y;
            }
        }
    }
}

/// Applies `x -> conj(u) x` to the columns of a matrix, i.e. `m -> m u^dagger`; `length` is the column length.
fn columns(m: &mut [C64], length: usize, turned: &Local) {
    let (d, span) = (turned.unitary.nrows(), turned.stride * length);
    let u = turned.unitary.map(|x| x.conj());
    if d == 2 {
        let [a, b, c, e] = [u[(0, 0)], u[(0, 1)], u[(1, 0)], u[(1, 1)]];
        pulp::Arch::new().dispatch(Pairs { m, span, u: [a, b, c, e] });
        return;
    }
    let mut before = vec![C64::default(); d];
    for block in m.chunks_exact_mut(d * span) {
        for k in 0..span {
            (0..d).for_each(|i| before[i] = block[i * span + k]);
            for i in 0..d {
                block[i * span + k] = (0..d).map(|j| u[(i, j)] * before[j]).sum();
            }
        }
    }
}

impl Stepper for Turns {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let turn = self.turn(to - from)?;
        Ok(match state {
            State::Pure(psi) => State::Pure(turn.vector(psi)),
            State::Mixed(rho) => State::Mixed(deviation(rho, |d| turn.matrix(d))),
        })
    }

    fn is_direct(&self) -> bool {
        true
    }

    fn name(&self) -> &'static str {
        EXACT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{conjugate, identity, real};

    /// `exp(-i angle (x Ix + y Iy + z Iz))` of a spin 1/2, (x, y, z) of length 1.
    fn rotation(angle: f64, [x, y, z]: [f64; 3]) -> Matrix {
        let (s, c) = (0.5 * angle).sin_cos();
        Matrix::from_row_slice(
            2,
            2,
            &[C64::new(c, -s * z), C64::new(-s * y, -s * x), C64::new(s * y, -s * x), C64::new(c, s * z)],
        )
    }

    /// Panels of a matrix that is not Hermitian against the whole Kronecker product, to a few roundings of elements of size 1; one
    /// site is left out, one rotates about y, whose matrix is real, and one by 180 deg,
    /// whose diagonal is rounding.
    #[test]
    fn panels_rotate_like_the_whole_matrix() {
        let own = [
            rotation(0.7, [0.6, 0.0, 0.8]),
            rotation(1.1, [0.0, 1.0, 0.0]),
            identity(2),
            rotation(std::f64::consts::PI, [0.8, 0.6, 0.0]),
            rotation(0.4, [0.48, 0.6, 0.64]),
        ];
        let whole = own.iter().fold(identity(1), |whole, u| whole.kronecker(u));
        let at = |i: usize, j: usize| 0.3 + i as f64 + 0.7 * (j as f64).powi(2);
        let m = Matrix::from_fn(32, 32, |i, j| C64::new(at(i, j).sin(), at(j, i).cos()));
        let sites = own.iter().cloned().enumerate().filter(|(site, _)| *site != 2).collect();
        let moved = Turn::new(&[2; 5], sites).matrix(&m);
        assert!((moved - conjugate(&whole, &m)).camax() < 1e-14);
    }

    /// A rotation of all spins by 90 deg about y turns the sum of Iz into that of Ix: elements of 1/2 between states that differ in one
    /// spin, and no others.
    #[test]
    fn a_right_angle_about_y_turns_z_into_x() {
        let twice = |state: usize| 6.0 - 2.0 * f64::from(state.count_ones());
        let z = Matrix::from_fn(64, 64, |i, j| real(if i == j { 0.5 * twice(i) } else { 0.0 }));
        let x = Matrix::from_fn(64, 64, |i, j| real(if (i ^ j).is_power_of_two() { 0.5 } else { 0.0 }));
        let sites = (0..6).map(|site| (site, rotation(std::f64::consts::FRAC_PI_2, [0.0, 1.0, 0.0]))).collect();
        assert!((Turn::new(&[2; 6], sites).matrix(&z) - x).camax() < 1e-14);
    }
}
