//! Energy levels of an operator, by the cheapest method that its structure allows.
//!
//! For a sum of single-subsystem operators the levels are sums of local eigenvalues; a diagonal operator is sorted; any other operator
//! is diagonalised block by block. If only the lowest and the highest level are needed, as for a pure state, the Lanczos method finds
//! them from matrix-vector products without forming a matrix. Problems that are too large are rejected with an estimate of the memory
//! they would need.

#![expect(
    clippy::indexing_slicing,
    reason = "lists contain states of the operator's space, and orders are permutations of them"
)]

use super::Undefined;
use crate::linalg::{C64, Eigen, Matrix, Vector, hermitian_eigen, hermitian_values, real};
use crate::spin::{Action, Basis, Operator, Site, Space, Sparse, components};
use std::sync::{Arc, OnceLock};

/// Largest block for which all eigenvalues are computed.
const LARGEST_BLOCK: usize = 2048;

/// Largest block for which eigenvectors are computed.
const LARGEST_VECTORS: usize = 1024;

/// Maximum number of levels, and maximum length of a state vector.
const MOST_LEVELS: f64 = 4_194_304.0;

/// Sums of local levels count as equal if they differ by less than this fraction of the largest.
const SAME_SUM: f64 = 1e-14;

/// From this dimension on, the extremal eigenvalues are computed by the Lanczos method.
const ITERATED: usize = 256;

/// A level: (energy, multiplicity).
pub type Level = (f64, f64);

/// Levels of a Hermitian operator; each kind of result is computed on first use.
#[derive(Debug, Clone)]
pub struct Levels {
    operator: Operator,
    ends: OnceLock<Result<(f64, f64), Undefined>>,
    all: OnceLock<Result<Vec<Level>, Undefined>>,
    states: OnceLock<Result<EigenStates, Undefined>>,
}

/// Transformation from the product basis to an eigenbasis.
#[derive(Debug, Clone)]
enum Change {
    /// The operator is diagonal.
    None,
    /// Single-subsystem unitaries, each with the subsystem's dimension, its stride in the state vector, and the matrix.
    Local(Vec<(usize, usize, Matrix)>),
    /// Block-diagonal: basis indices and eigendecomposition of each block.
    Blocks(Vec<(Vec<usize>, Eigen)>),
}

/// Eigenvectors in ascending order of energy.
#[derive(Debug, Clone)]
struct EigenStates {
    change: Change,
    /// Energies, ascending.
    energies: Vec<f64>,
    /// Index of each eigenvector in the transformed basis.
    order: Vec<usize>,
}

fn size(operator: &Operator) -> f64 {
    operator.dimensions().iter().map(|d| *d as f64).product()
}

/// Space with only the subsystem dimensions of the operator.
pub(super) fn space_of(operator: &Operator) -> Space {
    let sites = operator.dimensions().iter().enumerate().map(|(k, &n)| Site::mode(format!("{k}"), n)).collect();
    Space::whole(Arc::new(Basis::new(sites)))
}

/// Energy of the identity term, and eigendecompositions of single-subsystem terms by subsystem index.
type LocalParts = (f64, Vec<(usize, Eigen)>);

/// Eigendecompositions of all single-subsystem terms, and the energy of the identity term; `None` if a term acts on several subsystems.
fn local_parts(operator: &Operator) -> Option<Result<LocalParts, Undefined>> {
    let locals = operator.locals(LARGEST_BLOCK)?;
    let means: f64 = locals.iter().map(|(_, m)| m.trace().re / m.nrows() as f64).sum();
    let parts = locals.iter().map(|(site, m)| Ok((*site, hermitian_eigen(m)?))).collect::<Result<Vec<_>, Undefined>>();
    Some(parts.map(|parts| (operator.mean().re - means, parts)))
}

impl Levels {
    /// Levels of a Hermitian operator.
    pub fn of(operator: Operator) -> Levels {
        Levels { operator, ends: OnceLock::new(), all: OnceLock::new(), states: OnceLock::new() }
    }

    /// The operator.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// Lowest and highest level.
    ///
    /// # Errors
    /// When they cannot be computed at this size.
    pub fn ends(&self) -> Result<(f64, f64), Undefined> {
        self.ends.get_or_init(|| self.find_ends()).clone()
    }

    /// All levels, ascending, with multiplicities; levels of equal energy may be listed separately.
    ///
    /// # Errors
    /// When they cannot be computed at this size.
    pub fn all(&self) -> Result<&[Level], Undefined> {
        self.all.get_or_init(|| self.find_all()).as_deref().map_err(Clone::clone)
    }

    /// Energies of all eigenvectors, ascending.
    ///
    /// # Errors
    /// When they cannot be computed at this size.
    pub fn energies(&self) -> Result<&[f64], Undefined> {
        Ok(&self.states()?.energies)
    }

    /// Amplitudes of a state vector in the eigenbasis, in the order of [`Levels::energies`].
    ///
    /// # Errors
    /// When the eigenvectors cannot be computed at this size.
    pub fn resolve(&self, psi: &Vector) -> Result<Vec<C64>, Undefined> {
        let states = self.states()?;
        let mut changed = psi.as_slice().to_vec();
        match &states.change {
            Change::None => {}
            Change::Local(parts) => parts.iter().for_each(|(n, stride, u)| turn(&mut changed, *n, *stride, u)),
            Change::Blocks(blocks) => {
                for (list, eigen) in blocks {
                    let inside = Vector::from_fn(list.len(), |k, _| psi[list[k]]);
                    let resolved = eigen.vectors.ad_mul(&inside);
                    list.iter().zip(resolved.iter()).for_each(|(&k, x)| changed[k] = *x);
                }
            }
        }
        Ok(states.order.iter().map(|&k| changed[k]).collect())
    }

    fn states(&self) -> Result<&EigenStates, Undefined> {
        self.states.get_or_init(|| self.find_states()).as_ref().map_err(Clone::clone)
    }

    fn find_ends(&self) -> Result<(f64, f64), Undefined> {
        if let Some(parts) = local_parts(&self.operator) {
            let (constant, parts) = parts?;
            let sum = |of: fn(&Eigen) -> Option<&f64>| -> f64 {
                constant + parts.iter().filter_map(|(_, eigen)| of(eigen)).sum::<f64>()
            };
            return Ok((sum(|e| e.values.first()), sum(|e| e.values.last())));
        }
        if size(&self.operator) > MOST_LEVELS {
            return Err(refused("a vector", size(&self.operator), 16.0 * 6.0 * size(&self.operator)));
        }
        if let Some(diagonal) = self.operator.diagonal() {
            let ends = (f64::INFINITY, f64::NEG_INFINITY);
            return Ok(diagonal.iter().fold(ends, |(low, high), e| (low.min(*e), high.max(*e))));
        }
        if self.operator.dimension() < ITERATED {
            let all = self.all()?;
            let first = all.first().map_or(0.0, |l| l.0);
            return Ok((first, all.last().map_or(0.0, |l| l.0)));
        }
        lanczos(&Action::of(&self.operator, &space_of(&self.operator)), self.operator.dimension())
    }

    fn find_all(&self) -> Result<Vec<Level>, Undefined> {
        if let Some(parts) = local_parts(&self.operator) {
            let (constant, parts) = parts?;
            return sums(&self.operator, constant, &parts);
        }
        let n = size(&self.operator);
        if n > MOST_LEVELS {
            return Err(refused("all levels", n, 16.0 * n));
        }
        let mut levels = match self.operator.diagonal() {
            Some(diagonal) => diagonal,
            None => {
                let sparse = Sparse::of(&self.operator, &space_of(&self.operator));
                let lists = components(sparse.dimension(), [&sparse]);
                within(&lists, LARGEST_BLOCK, "all levels")?;
                let mut levels = Vec::with_capacity(sparse.dimension());
                for list in &lists {
                    levels.extend(hermitian_values(&block(&sparse, list))?);
                }
                levels
            }
        };
        levels.sort_by(f64::total_cmp);
        Ok(levels.into_iter().map(|e| (e, 1.0)).collect())
    }

    fn find_states(&self) -> Result<EigenStates, Undefined> {
        let n = size(&self.operator);
        if n > MOST_LEVELS {
            return Err(refused("a vector", n, 16.0 * n));
        }
        let (change, energies) = if let Some(diagonal) = self.operator.diagonal() {
            (Change::None, diagonal)
        } else if let Some(parts) = local_parts(&self.operator) {
            let (constant, parts) = parts?;
            local_states(&self.operator, constant, parts)
        } else {
            let sparse = Sparse::of(&self.operator, &space_of(&self.operator));
            let lists = components(sparse.dimension(), [&sparse]);
            within(&lists, LARGEST_VECTORS, "eigenvectors")?;
            let mut energies = vec![0.0; sparse.dimension()];
            let mut blocks = Vec::with_capacity(lists.len());
            for list in lists {
                let eigen = hermitian_eigen(&block(&sparse, &list))?;
                list.iter().zip(&eigen.values).for_each(|(&k, e)| energies[k] = *e);
                blocks.push((list, eigen));
            }
            (Change::Blocks(blocks), energies)
        };
        let mut order: Vec<usize> = (0..energies.len()).collect();
        order.sort_by(|&a, &b| energies[a].total_cmp(&energies[b]));
        let energies = order.iter().map(|&k| energies[k]).collect();
        Ok(EigenStates { change, energies, order })
    }
}

/// Matrix of an operator restricted to an invariant list of basis states.
fn block(sparse: &Sparse, list: &[usize]) -> Matrix {
    let mut out = Matrix::zeros(list.len(), list.len());
    for (k, &row) in list.iter().enumerate() {
        sparse.visit_row(row, |column, v| {
            if let Ok(j) = list.binary_search(&column) {
                out[(k, j)] += v;
            }
        });
    }
    out
}

/// Returns an error if a block is larger than `most`.
fn within(lists: &[Vec<usize>], most: usize, what: &str) -> Result<(), Undefined> {
    let largest = lists.iter().map(Vec::len).max().unwrap_or(0);
    if largest > most {
        return Err(refused(what, largest as f64, 3.0 * 16.0 * (largest as f64).powi(2)));
    }
    Ok(())
}

fn refused(what: &str, states: f64, bytes: f64) -> Undefined {
    Undefined::Domain(format!(
        "{what} of an operator that couples {states} states would need about {:.1} GB and too much time; use a smaller battery, or one without couplings between its cells",
        bytes / 1e9
    ))
}

/// All sums of local levels, ascending; equal sums are merged into one degenerate level.
fn sums(operator: &Operator, constant: f64, parts: &[(usize, Eigen)]) -> Result<Vec<Level>, Undefined> {
    // Subsystems on which the operator does not act multiply every degeneracy.
    let acted: f64 = parts.iter().map(|(_, e)| e.values.len() as f64).product();
    let copies = size(operator) / acted;
    let mut levels: Vec<Level> = vec![(constant, copies)];
    for (_, eigen) in parts {
        if levels.len() as f64 * eigen.values.len() as f64 > MOST_LEVELS {
            return Err(refused("all levels", acted, 16.0 * acted));
        }
        let mut next: Vec<Level> =
            levels.iter().flat_map(|(e, c)| eigen.values.iter().map(move |x| (e + x, *c))).collect();
        next.sort_by(|a, b| a.0.total_cmp(&b.0));
        let scale = next.iter().map(|l| l.0.abs()).fold(0.0, f64::max);
        levels.clear();
        for (energy, count) in next {
            match levels.last_mut() {
                Some((last, sum)) if energy - *last <= SAME_SUM * scale => *sum += count,
                _ => levels.push((energy, count)),
            }
        }
    }
    Ok(levels)
}

/// Product basis of local eigenvectors, and the energy of each basis state.
fn local_states(operator: &Operator, constant: f64, parts: Vec<(usize, Eigen)>) -> (Change, Vec<f64>) {
    let dimensions = operator.dimensions();
    let mut energies = vec![constant];
    for (site, &n) in dimensions.iter().enumerate() {
        let own = parts.iter().find(|(s, _)| *s == site).map(|(_, e)| e.values.as_slice());
        energies = energies
            .iter()
            .flat_map(|e| (0..n).map(move |k| e + own.and_then(|values| values.get(k)).copied().unwrap_or(0.0)))
            .collect();
    }
    let stride = |site: usize| dimensions[site + 1..].iter().product::<usize>();
    let turns = parts.into_iter().map(|(s, e)| (dimensions[s], stride(s), e.vectors.adjoint())).collect();
    (Change::Local(turns), energies)
}

/// Applies a unitary of one subsystem to a state vector.
fn turn(v: &mut [C64], n: usize, stride: usize, u: &Matrix) {
    let mut before = vec![C64::default(); n];
    for part in v.chunks_exact_mut(n * stride) {
        for k in 0..stride {
            (0..n).for_each(|i| before[i] = part[i * stride + k]);
            for i in 0..n {
                part[i * stride + k] = (0..n).map(|j| u[(i, j)] * before[j]).sum();
            }
        }
    }
}

/// Fixed pseudo-random start vector with components in all symmetry sectors.
fn start(n: usize) -> Vector {
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    Vector::from_fn(n, |_, _| C64::new(next(), next())).normalize()
}

/// Lowest and highest eigenvalue by the Lanczos method. The error of an extremal eigenvalue is at most its residual, and about the squared
/// residual over the gap to the next level; iterates until this is below 1e-13 of the spread.
fn lanczos(action: &Action, n: usize) -> Result<(f64, f64), Undefined> {
    const MOST: usize = 800;
    const ENOUGH: f64 = 1e-13;
    let (mut diagonal, mut beside): (Vec<f64>, Vec<f64>) = (vec![], vec![]);
    let (mut last, mut now) = (Vector::zeros(n), start(n));
    let mut look = 20;
    for k in 1..=MOST {
        let mut next = action.apply(&now);
        let a = now.dotc(&next).re;
        next.axpy(real(-a), &now, real(1.0));
        if let Some(b) = beside.last() {
            next.axpy(real(-b), &last, real(1.0));
        }
        // Reorthogonalise against the current vector: rounding errors would otherwise grow.
        let again = now.dotc(&next);
        next.axpy(-again, &now, real(1.0));
        diagonal.push(a);
        let b = next.norm();
        let scale = diagonal.iter().chain(&beside).fold(0.0f64, |m, x| m.max(x.abs()));
        let ended = b <= 1e-14 * scale;
        if ended || k == look || k == MOST {
            let (ends, error) = ritz(&diagonal, &beside, b)?;
            if ended || error <= ENOUGH * (ends.1 - ends.0) {
                return Ok(ends);
            }
            look += look / 2;
        }
        beside.push(b);
        last = std::mem::replace(&mut now, next / real(b));
    }
    Err(Undefined::Domain(format!("the lowest and the highest of {n} levels did not converge in {MOST} steps")))
}

/// Extremal eigenvalues of a tridiagonal matrix and the larger of their error estimates; `b` is the coupling to the next Lanczos vector.
fn ritz(diagonal: &[f64], beside: &[f64], b: f64) -> Result<((f64, f64), f64), Undefined> {
    let m = diagonal.len();
    let mut t = Matrix::zeros(m, m);
    for k in 0..m {
        t[(k, k)] = real(diagonal[k]);
        if k + 1 < m {
            t[(k, k + 1)] = real(beside[k]);
            t[(k + 1, k)] = real(beside[k]);
        }
    }
    let eigen = hermitian_eigen(&t)?;
    let (low, high) = (eigen.values[0], eigen.values[m - 1]);
    let distinct = 1e-7 * (high - low);
    let error = |k: usize, gap: Option<f64>| {
        let residual = b * eigen.vectors[(m - 1, k)].norm();
        gap.map_or(residual, |gap| residual.min(residual * residual / gap))
    };
    let above = eigen.values.iter().map(|e| e - low).find(|gap| *gap > distinct);
    let below = eigen.values.iter().rev().map(|e| high - e).find(|gap| *gap > distinct);
    Ok(((low, high), error(0, above).max(error(m - 1, below))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spin::LocalKind;

    fn chain(n: usize) -> (Basis, Operator) {
        let basis = Basis::new((0..n).map(|k| Site::spin(format!("s{k}"), 1, None)).collect());
        let of = |kind, k| Operator::of(&basis, kind, k).unwrap();
        let mut h = Operator::zero(&basis);
        for k in 0..n - 1 {
            for (kind, c) in [(LocalKind::X, 1.0), (LocalKind::Y, 0.8), (LocalKind::Z, -0.7)] {
                h = h.plus(of(kind, k).times(&of(kind, k + 1)).times_number(real(c)));
            }
        }
        h = h.plus(of(LocalKind::X, 0).times_number(real(0.3)));
        (basis, h)
    }

    #[test]
    fn the_ends_are_those_of_all_levels() {
        for n in [8, 9] {
            let (_, h) = chain(n);
            let values = hermitian_values(&h.matrix()).unwrap();
            let (low, high) = Levels::of(h).ends().unwrap();
            let last = values[values.len() - 1];
            assert!((low - values[0]).abs() < 1e-11 && (high - last).abs() < 1e-11, "{low} {high}");
        }
    }

    /// For sums of local operators, diagonal operators and general ones, levels, amplitudes and extremal levels agree with the
    /// dense matrix.
    #[test]
    fn every_form_has_the_levels_of_its_matrix() {
        let (basis, coupled) = chain(4);
        let of = |kind, k| Operator::of(&basis, kind, k).unwrap();
        let local = of(LocalKind::X, 0)
            .plus(of(LocalKind::Z, 0).times_number(real(0.4)))
            .plus(of(LocalKind::Y, 2).times_number(real(1.3)))
            .plus(Operator::identity(&basis, real(0.7)));
        let diagonal = of(LocalKind::Z, 1).times(&of(LocalKind::Z, 3)).plus(of(LocalKind::Z, 0));
        let psi = start(16);
        for h in [coupled, local, diagonal] {
            let eigen = hermitian_eigen(&h.matrix()).unwrap();
            let levels = Levels::of(h.clone());
            let flat: Vec<f64> =
                levels.all().unwrap().iter().flat_map(|(e, c)| std::iter::repeat_n(*e, *c as usize)).collect();
            assert_eq!(flat.len(), 16);
            assert!(flat.iter().zip(&eigen.values).all(|(a, b)| (a - b).abs() < 1e-12));
            let ends = levels.ends().unwrap();
            assert!((ends.0 - eigen.values[0]).abs() < 1e-12 && (ends.1 - eigen.values[15]).abs() < 1e-12);
            // Moments of the energy do not depend on the choice of eigenvectors of degenerate levels.
            let amplitudes = levels.resolve(&psi).unwrap();
            let moment = |p: i32| -> f64 {
                let energies = levels.energies().unwrap();
                energies.iter().zip(&amplitudes).map(|(e, a)| e.powi(p) * a.norm_sqr()).sum()
            };
            let mut applied = psi.clone();
            for p in 0..4 {
                assert!((moment(p) - psi.dotc(&applied).re).abs() < 1e-11);
                applied = h.matrix() * applied;
            }
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let (_, h) = chain(13);
        assert!(matches!(Levels::of(h.clone()).all(), Err(Undefined::Domain(why)) if why.contains("GB")));
        assert!(Levels::of(h).resolve(&start(8192)).is_err());
    }
}
