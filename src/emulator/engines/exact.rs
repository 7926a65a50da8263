//! Constant Hamiltonians by eigendecomposition: accurate to rounding over any time. Also the stacking of density matrices into vectors.

#![expect(
    clippy::indexing_slicing,
    reason = "parts are lists of states of the space that the state is on, and a stacked matrix has the mean of its diagonal \
              behind it"
)]

use super::block_unitary::{BlockUnitary, negligible};
use super::{StepError, Stepper};
use crate::emulator::eigen_cache;
use crate::emulator::generator::{Generator, apart, deviation, joined};
use crate::linalg::{C64, Eigen, Matrix, Vector, ZERO, conjugate, real};
use crate::spin::State;
use std::cell::OnceCell;
use std::sync::Arc;

/// Blocks smaller than this are merged, so that a diagonal Hamiltonian does not become a thousand blocks of one state.
const SMALLEST_PART: usize = 48;

/// Number of equidistant times whose phases follow from those of the first by repeated multiplication.
const MOST_TIMES: usize = 16;

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

    /// The vector with these coefficients in the eigenbasis.
    fn combined(&self, eigen: &Eigen, coefficients: &[C64]) -> Vec<C64> {
        let mut moved = vec![ZERO; coefficients.len()];
        match self.real(eigen) {
            Some(real) => pulp::Arch::new().dispatch(Real { real, turned: coefficients, moved: &mut moved }),
            None => {
                let columns = eigen.vectors.as_slice().chunks_exact(coefficients.len());
                columns.zip(coefficients).for_each(|(column, x)| {
                    moved.iter_mut().zip(column).for_each(|(m, v)| *m += v * x);
                });
            }
        }
        moved
    }
}

/// The common distance of some times, up to the rounding of the times; `None` if they are not equidistant, or if there is only one.
fn spacing(times: &[f64]) -> Option<f64> {
    let (first, last) = (times.first()?, times.last()?);
    let spacing = (last - first) / (times.len() - 1).max(1) as f64;
    let rounding = 4.0 * f64::EPSILON * last.abs();
    let equal = |(k, t): (usize, &f64)| (first + spacing * k as f64 - t).abs() <= rounding;
    (times.len() > 1 && times.iter().enumerate().all(equal)).then_some(spacing)
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

    /// True if H leaves more than one subspace invariant.
    pub fn has_blocks(&self) -> bool {
        self.parts.len() > 1
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
        match self.parts.as_slice() {
            [one] => Ok(self.eigen(one)?.propagator(t)),
            _ => Ok(self.blocks(t)?.whole(self.generator.dimension)),
        }
    }

    /// Propagator over time t, by blocks.
    ///
    /// # Errors
    /// If eigenvalues cannot be computed.
    pub fn blocks(&self, t: f64) -> Result<BlockUnitary, StepError> {
        self.blocks_of(self.parts.iter(), t)
    }

    fn blocks_of<'b>(&self, parts: impl Iterator<Item = &'b Part>, t: f64) -> Result<BlockUnitary, StepError> {
        let block = |part: &Part| Ok((part.states.clone(), self.eigen(part)?.propagator(t)));
        Ok(BlockUnitary::new(parts.map(block).collect::<Result<_, StepError>>()?))
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

    /// `U(t) psi` for several times t.
    fn moved_vectors(&mut self, psi: &Vector, times: &[f64]) -> Result<Vec<Vector>, StepError> {
        self.resolve(psi)?;
        let mut out = vec![Vector::zeros(psi.len()); times.len()];
        let resolved = self.resolved.iter().flat_map(|(_, all)| all);
        for (part, coefficients) in self.parts.iter().zip(resolved).filter(|(_, c)| !c.is_empty()) {
            let eigen = self.eigen(part)?;
            let spacing = spacing(times);
            let fine: Vec<C64> = eigen.values.iter().map(|e| C64::cis(-e * spacing.unwrap_or(0.0))).collect();
            let mut turned: Vec<C64> = Vec::new();
            for (k, (t, out)) in times.iter().zip(&mut out).enumerate() {
                if k == 0 || spacing.is_none() {
                    turned = coefficients.iter().zip(&eigen.values).map(|(x, e)| x * C64::cis(-e * t)).collect();
                } else {
                    turned.iter_mut().zip(&fine).for_each(|(x, step)| *x *= step);
                }
                let moved = part.combined(eigen, &turned);
                part.states.iter().zip(&moved).for_each(|(&k, x)| out[k] = *x);
            }
        }
        Ok(out)
    }

    /// `U d U^dagger` of a Hermitian deviation d. Only blocks that it occupies are diagonalised.
    fn moved_density(&self, d: &Matrix, t: f64) -> Result<Matrix, StepError> {
        if let [one] = self.parts.as_slice() {
            return Ok(conjugate(&self.eigen(one)?.propagator(t), d));
        }
        let negligible = negligible(d);
        let is_occupied = |part: &&Part| {
            let element = |x: &C64| x.re.abs() > negligible || x.im.abs() > negligible;
            part.states.iter().any(|&k| d.column(k).iter().any(element))
        };
        Ok(self.blocks_of(self.parts.iter().filter(is_occupied), t)?.matrix(d))
    }
}

impl Stepper for ExactClosed<'_> {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let t = to - from;
        if t == 0.0 {
            return Ok(state.clone());
        }
        Ok(match state {
            State::Pure(_) => {
                let mut states = self.advance_to_each(state, from, &[to])?;
                states.pop().ok_or_else(|| StepError::Tolerance("no state".into()))?
            }
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

    fn at_once(&self, state: &State) -> usize {
        match state {
            State::Pure(_) => MOST_TIMES,
            State::Mixed(_) => 1,
        }
    }

    fn advance_to_each(&mut self, state: &State, from: f64, times: &[f64]) -> Result<Vec<State>, StepError> {
        match state {
            State::Pure(psi) => {
                let durations: Vec<f64> = times.iter().map(|t| t - from).collect();
                Ok(self.moved_vectors(psi, &durations)?.into_iter().map(State::Pure).collect())
            }
            State::Mixed(_) => times.iter().map(|t| self.advance(state, from, *t)).collect(),
        }
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
