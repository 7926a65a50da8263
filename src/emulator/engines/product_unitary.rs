//! Product unitaries: one single-site unitary per subsystem, `U = u_1 x u_2 x ...`.
//!
//! A hard pulse rotates each spin. Applying its full N x N matrix to a density matrix would cost N^3; applying one spin's rotation
//! after the other costs N^2 per spin.

#![expect(
    clippy::indexing_slicing,
    reason = "unitaries act on subsystems of the state's own basis, so strides and dimensions divide it"
)]

use super::exact::EXACT;
use super::{StepError, Stepper};
use crate::emulator::eigen_cache;
use crate::emulator::generator::{Generator, deviation};
use crate::linalg::{C64, Matrix, Vector, adjoint};
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
        // Computes `m U^dagger`, its adjoint `U m^dagger`, multiplies by `U^dagger` again, and takes the adjoint.
        let n = m.nrows();
        let mut moved = m.clone();
        self.locals.iter().for_each(|t| columns(moved.as_mut_slice(), n, t));
        let mut moved = adjoint(&moved);
        self.locals.iter().for_each(|t| columns(moved.as_mut_slice(), n, t));
        adjoint(&moved)
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
