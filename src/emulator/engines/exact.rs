//! Constant Hamiltonians by eigendecomposition: accurate to rounding over any time. Also the stacking of density matrices into vectors.

#![expect(
    clippy::indexing_slicing,
    reason = "parts are lists of states of the space that the state is on, and a stacked matrix has the mean of its diagonal \
              behind it"
)]

use super::{StepError, Stepper};
use crate::emulator::eigen_cache;
use crate::emulator::generator::{Generator, apart, deviation, joined};
use crate::linalg::{C64, Eigen, Matrix, Vector, ZERO, adjoint, conjugate, product, real};
use crate::spin::State;
use std::cell::OnceCell;
use std::sync::Arc;

/// Blocks smaller than this are merged, so that a diagonal Hamiltonian does not become a thousand blocks of one state.
const SMALLEST_PART: usize = 48;

/// An invariant subspace of H spanned by basis states, and H restricted to it.
struct Part {
    states: Vec<usize>,
    eigen: OnceCell<Arc<Eigen>>,
    /// Eigenvectors, column-major, if all are real.
    real: OnceCell<Option<Vec<f64>>>,
}

impl Part {
    fn real(&self, eigen: &Eigen) -> Option<&[f64]> {
        let real = || {
            let all = eigen.vectors.iter();
            all.map(|x| (x.im == 0.0).then_some(x.re)).collect::<Option<Vec<f64>>>()
        };
        self.real.get_or_init(real).as_deref()
    }
}

/// Linear combination of real columns with complex factors. Compiled for every SIMD width; the widest available at run time is used.
struct Real<'a> {
    real: &'a [f64],
    turned: &'a [C64],
    moved: &'a mut [C64],
}

impl pulp::NullaryFnOnce for Real<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (column, x) in self.real.chunks_exact(self.moved.len()).zip(self.turned) {
            for (m, v) in self.moved.iter_mut().zip(column) {
                m.re += v * x.re;
                m.im += v * x.im;
            }
        }
    }
}

/// Lists of basis states that span invariant subspaces of H, short ones merged.
pub fn together(generator: &Generator) -> Vec<Vec<usize>> {
    let mut lists: Vec<Vec<usize>> = Vec::new();
    for part in generator.parts() {
        match lists.last_mut() {
            Some(last) if last.len() + part.len() <= SMALLEST_PART => last.extend(part),
            _ => lists.push(part.clone()),
        }
    }
    // In ascending order: code elsewhere assumes that a list of all states is in the order of the space.
    lists.iter_mut().for_each(|l| l.sort_unstable());
    lists
}

/// `rho -> U rho U^dagger` with `U = V exp(-i E t) V^dagger` in each invariant block of H. A block is diagonalised when it is first
/// occupied by a state.
pub struct ExactClosed<'a> {
    generator: &'a Generator,
    parts: Vec<Part>,
    /// The last propagated vector, in the eigenbasis of each block: a curve evaluates one vector at many times.
    resolved: Option<(Vector, Vec<Vec<C64>>)>,
}

impl<'a> ExactClosed<'a> {
    /// Builds it from a constant generator without dissipators.
    pub fn new(generator: &'a Generator) -> ExactClosed<'a> {
        let lists = together(generator);
        let part = |states| Part { states, eigen: OnceCell::new(), real: OnceCell::new() };
        let parts = lists.into_iter().map(part).collect();
        ExactClosed { generator, parts, resolved: None }
    }

    /// Dimensions of the blocks occupied by a state.
    pub fn occupied(generator: &Generator, state: &State) -> Vec<usize> {
        let found = |states: &[usize]| match state {
            State::Pure(psi) => states.iter().any(|&k| psi[k] != ZERO),
            State::Mixed(_) => true,
        };
        generator.parts().iter().filter(|p| found(p)).map(Vec::len).collect()
    }

    fn eigen<'b>(&self, part: &'b Part) -> Result<&'b Eigen, StepError> {
        if part.eigen.get().is_none() {
            let eigen = eigen_cache::eigen(&self.generator.block(&part.states))?;
            let _ = part.eigen.set(eigen);
        }
        part.eigen.get().map(|e| &**e).ok_or_else(|| StepError::Tolerance("no eigenvalues".into()))
    }

    /// Propagator over time t.
    ///
    /// # Errors
    /// If eigenvalues cannot be computed.
    pub fn propagator(&self, t: f64) -> Result<Matrix, StepError> {
        if let [one] = self.parts.as_slice() {
            return Ok(self.eigen(one)?.propagator(t));
        }
        let n = self.generator.dimension;
        let mut out = Matrix::zeros(n, n);
        for part in &self.parts {
            let u = self.eigen(part)?.propagator(t);
            for (j, &column) in part.states.iter().enumerate() {
                part.states.iter().enumerate().for_each(|(i, &row)| out[(row, column)] = u[(i, j)]);
            }
        }
        Ok(out)
    }

    /// Expands a vector in the eigenbasis of each block; empty for unoccupied blocks.
    fn resolve(&mut self, psi: &Vector) -> Result<(), StepError> {
        if self.resolved.as_ref().is_some_and(|(known, _)| known == psi) {
            return Ok(());
        }
        let mut all = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            if part.states.iter().all(|&k| psi[k] == ZERO) {
                all.push(vec![]);
                continue;
            }
            let inside = Vector::from_fn(part.states.len(), |k, _| psi[part.states[k]]);
            all.push(self.eigen(part)?.vectors.ad_mul(&inside).as_slice().to_vec());
        }
        self.resolved = Some((psi.clone(), all));
        Ok(())
    }

    fn moved_vector(&mut self, psi: &Vector, t: f64) -> Result<Vector, StepError> {
        self.resolve(psi)?;
        let mut out = Vector::zeros(psi.len());
        let resolved = self.resolved.iter().flat_map(|(_, all)| all);
        for (part, coefficients) in self.parts.iter().zip(resolved).filter(|(_, c)| !c.is_empty()) {
            let eigen = self.eigen(part)?;
            let turned: Vec<C64> = coefficients.iter().zip(&eigen.values).map(|(x, e)| x * C64::cis(-e * t)).collect();
            let mut moved = vec![ZERO; turned.len()];
            match part.real(eigen) {
                Some(real) => pulp::Arch::new().dispatch(Real { real, turned: &turned, moved: &mut moved }),
                None => {
                    let columns = eigen.vectors.as_slice().chunks_exact(turned.len());
                    columns.zip(&turned).for_each(|(column, x)| {
                        moved.iter_mut().zip(column).for_each(|(m, v)| *m += v * x);
                    });
                }
            }
            part.states.iter().zip(&moved).for_each(|(&k, x)| out[k] = *x);
        }
        Ok(out)
    }

    /// `U rho U^dagger`, block by block; zero blocks stay zero.
    fn moved_density(&self, rho: &Matrix, t: f64) -> Result<Matrix, StepError> {
        if let [one] = self.parts.as_slice() {
            return Ok(conjugate(&self.eigen(one)?.propagator(t), rho));
        }
        let propagators: Vec<Matrix> =
            self.parts.iter().map(|p| Ok(self.eigen(p)?.propagator(t))).collect::<Result<_, StepError>>()?;
        let n = rho.nrows();
        let mut out = Matrix::zeros(n, n);
        for (a, left) in self.parts.iter().zip(&propagators) {
            for (b, right) in self.parts.iter().zip(&propagators) {
                let block = Matrix::from_fn(a.states.len(), b.states.len(), |i, j| rho[(a.states[i], b.states[j])]);
                if block.iter().all(|x| *x == ZERO) {
                    continue;
                }
                let moved = product(&product(left, &block), &adjoint(right));
                for (j, &column) in b.states.iter().enumerate() {
                    a.states.iter().enumerate().for_each(|(i, &row)| out[(row, column)] = moved[(i, j)]);
                }
            }
        }
        Ok(out)
    }
}

impl Stepper for ExactClosed<'_> {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let t = to - from;
        if t == 0.0 {
            return Ok(state.clone());
        }
        Ok(match state {
            State::Pure(psi) => State::Pure(self.moved_vector(psi, t)?),
            State::Mixed(rho) => {
                let mut failure = None;
                let moved = deviation(rho, |d| {
                    self.moved_density(d, t).unwrap_or_else(|e| {
                        failure = Some(e);
                        d.clone()
                    })
                });
                match failure {
                    Some(e) => return Err(e),
                    None => State::Mixed(moved),
                }
            }
        })
    }

    fn is_direct(&self) -> bool {
        true
    }

    fn name(&self) -> &'static str {
        EXACT
    }
}

/// Name of the eigendecomposition method.
pub const EXACT: &str = "exact (eigenvalues)";

/// Stacks the columns of a density matrix's deviation from its mean diagonal element, with the mean as last element. Superoperators act
/// on both, so that neither rounding nor tolerances are relative to the identity.
pub fn stacked(rho: &Matrix) -> Vector {
    let (mean, deviation) = apart(rho);
    Vector::from_iterator(rho.len() + 1, deviation.iter().copied().chain([real(mean)]))
}

/// Inverse of [`stacked`]; the result is made Hermitian.
pub fn unstacked(v: &Vector) -> Matrix {
    let length = v.len() - 1;
    let n = (length as f64).sqrt().round() as usize;
    joined(v[length].re, Matrix::from_column_slice(n, n, &v.as_slice()[..length]))
}

/// Vector w with `Tr[rho A] = sum_k w_k v_k` for a stacked density matrix v.
pub fn observing(a: &Matrix) -> Vector {
    Vector::from_iterator(a.len() + 1, a.transpose().iter().copied().chain([a.trace()]))
}
