//! Constant Hamiltonians by eigendecomposition: accurate to rounding over any time. Also the stacking of density matrices into vectors.

#![expect(
    clippy::indexing_slicing,
    reason = "parts are lists of states of the space that the state is on, and a stacked matrix has the mean of its diagonal \
              behind it"
)]

use super::block_unitary::{BlockUnitary, largest, negligible};
use super::{StepError, Stepper};
use crate::emulator::eigen_cache;
use crate::emulator::generator::{Generator, apart, joined};
use crate::linalg::{
    C64, Eigen, Matrix, Vector, ZERO, add_to_diagonal, adjoint, conjugate, make_hermitian, product,
    product_with_adjoint, real,
};
use crate::spin::State;
use std::cell::OnceCell;
use std::sync::Arc;

/// Blocks smaller than this are merged, so that a diagonal Hamiltonian does not become a thousand blocks of one state.
const SMALLEST_PART: usize = 48;

/// Number of equidistant times whose phases follow from those of the first by repeated multiplication.
const MOST_TIMES: usize = 16;

/// Largest number of elements of a density matrix that is kept in the eigenbasis: beside the state it takes twice its memory, of every
/// ensemble member.
const LARGEST_RESOLVED: usize = 800 * 800;

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

/// A density matrix in the eigenbasis of H: its mean diagonal element, and `V_p^dagger d_pq V_q` of the occupied blocks (p, q), p <= q, of
/// the deviation d from it.
struct ResolvedDensity {
    mean: f64,
    blocks: Vec<(usize, usize, Matrix)>,
}

/// `rho -> U rho U^dagger` with `U = V exp(-i E t) V^dagger` in each invariant block of H. A block is diagonalised when it is first
/// occupied by a state.
pub struct ExactClosed<'a> {
    generator: &'a Generator,
    parts: Vec<Part>,
    /// The last propagated vector, in the eigenbasis of each block: a curve evaluates one vector at many times.
    resolved: Option<(Vector, Vec<Vec<C64>>)>,
    /// A density matrix that was propagated twice in a row, and the same in the eigenbasis: for a single time the propagator takes fewer
    /// products and no memory.
    resolved_density: Option<(Matrix, ResolvedDensity)>,
    /// A sum over the elements of the last propagated density matrix: of an equal matrix it is equal.
    last_sum: f64,
}

impl<'a> ExactClosed<'a> {
    /// Builds it from a constant generator without dissipators.
    pub fn new(generator: &'a Generator) -> ExactClosed<'a> {
        let lists = together(generator);
        let part = |states| Part { states, eigen: OnceCell::new(), real: OnceCell::new() };
        let parts = lists.into_iter().map(part).collect();
        ExactClosed { generator, parts, resolved: None, resolved_density: None, last_sum: f64::NAN }
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

    fn resolve_density(&self, rho: &Matrix) -> Result<ResolvedDensity, StepError> {
        let (mean, d) = apart(rho);
        let negligible = negligible(&d);
        let mut blocks = Vec::new();
        for (p, left) in self.parts.iter().enumerate() {
            for (q, right) in self.parts.iter().enumerate().skip(p) {
                let inside = |i: usize, j: usize| d[(left.states[i], right.states[j])];
                let block = Matrix::from_fn(left.states.len(), right.states.len(), inside);
                if largest(&block) > negligible {
                    let half = product(&adjoint(&self.eigen(left)?.vectors), &block);
                    blocks.push((p, q, product(&half, &self.eigen(right)?.vectors)));
                }
            }
        }
        Ok(ResolvedDensity { mean, blocks })
    }

    /// `rho_pq(t) = V_p (exp(-i E_p t) c_pq exp(i E_q t)) V_q^dagger`.
    fn moved_from_eigenbasis(&self, resolved: &ResolvedDensity, t: f64) -> Result<Matrix, StepError> {
        let n = self.generator.dimension;
        let mut out = Matrix::zeros(n, n);
        let mut phases: Vec<Option<Vec<C64>>> = vec![None; self.parts.len()];
        for (p, q, coefficients) in &resolved.blocks {
            let (left, right) = (&self.parts[*p], &self.parts[*q]);
            let (rows, columns) = (self.eigen(left)?, self.eigen(right)?);
            for (part, eigen) in [(*p, rows), (*q, columns)] {
                phases[part].get_or_insert_with(|| eigen.values.iter().map(|e| C64::cis(-e * t)).collect());
            }
            let (Some(of_row), Some(of_column)) = (&phases[*p], &phases[*q]) else { continue };
            let mut turned = coefficients.clone();
            for (column, by) in turned.as_mut_slice().chunks_exact_mut(of_row.len()).zip(of_column) {
                column.iter_mut().zip(of_row).for_each(|(x, phase)| *x *= phase * by.conj());
            }
            let mut moved = product_with_adjoint(&product(&rows.vectors, &turned), &columns.vectors);
            if p == q {
                make_hermitian(&mut moved);
            }
            let whole = out.as_mut_slice();
            for (&column, from) in right.states.iter().zip(moved.as_slice().chunks_exact(left.states.len())) {
                for (&row, x) in left.states.iter().zip(from) {
                    whole[column * n + row] = *x;
                    whole[row * n + column] = x.conj();
                }
            }
        }
        add_to_diagonal(&mut out, real(resolved.mean));
        Ok(out)
    }

    fn moved_matrix(&mut self, rho: &Matrix, t: f64) -> Result<Matrix, StepError> {
        if let Some((_, resolved)) = self.resolved_density.as_ref().filter(|(known, _)| known == rho) {
            return self.moved_from_eigenbasis(resolved, t);
        }
        let is_repeated = rho.len() <= LARGEST_RESOLVED && {
            let sum = rho.iter().zip(1..).map(|(x, k)| (x.re + 0.7 * x.im) * f64::from(k)).sum();
            std::mem::replace(&mut self.last_sum, sum) == sum
        };
        if is_repeated {
            let resolved = self.resolve_density(rho)?;
            let moved = self.moved_from_eigenbasis(&resolved, t)?;
            self.resolved_density = Some((rho.clone(), resolved));
            return Ok(moved);
        }
        let (mean, d) = apart(rho);
        Ok(joined(mean, self.moved_density(&d, t)?))
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
            State::Mixed(rho) => State::Mixed(self.moved_matrix(rho, t)?),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hamiltonian::Relaxing;
    use crate::linalg::hermitian_eigen;
    use crate::metrics::random;
    use crate::spin::{Basis, LocalKind, Operator, Site};

    /// A density matrix that is propagated to several times moves as under the propagator of the whole space: with one block, with blocks,
    /// and from two start states in turn. Tolerance: rounding of phases of 50 rad.
    #[test]
    fn density_matrices_move_as_under_the_whole_propagator() {
        for with_blocks in [false, true] {
            let basis = Basis::new((0..6).map(|k| Site::spin(format!("s{k}"), 1, None)).collect());
            let of = |kind, site| Operator::of(&basis, kind, site).expect("a spin 1/2");
            let mut terms = vec![];
            for k in 0..5 {
                let pair = |kind| of(kind, k).times(&of(kind, k + 1));
                terms.extend([
                    (2.0, pair(LocalKind::Ix)),
                    (2.0, pair(LocalKind::Iy)),
                    (0.3 * k as f64, of(LocalKind::Iz, k)),
                ]);
            }
            if !with_blocks {
                terms.push((0.4, of(LocalKind::Ix, 2)));
            }
            let generator = Generator::constant(basis, terms, Relaxing::default());
            let mut exact = ExactClosed::new(&generator);
            assert_eq!(exact.has_blocks(), with_blocks);
            let whole = hermitian_eigen(&generator.hamiltonian(0.0)).expect("eigenvalues");
            let starts = [random::state(64, 5), random::state(64, 6)];
            for (start, t) in [(0, 1.0), (0, 2.5), (0, 9.0), (1, 2.5), (0, 2.5), (0, 0.1)] {
                let State::Mixed(moved) = exact.advance(&State::Mixed(starts[start].clone()), 0.0, t).unwrap() else {
                    panic!("a density matrix stays one")
                };
                let expected = conjugate(&whole.propagator(t), &starts[start]);
                let error = (&moved - expected).camax();
                assert!(error < 1e-14, "{with_blocks} {t}: {error}");
                assert_eq!(moved, moved.adjoint());
            }
        }
    }
}
