//! Quantum states and general operations on them: partial trace, dephasing, thermal states, and the density matrix nearest to a
//! given matrix.

#![expect(
    clippy::indexing_slicing,
    reason = "subsystems index the dimensions, whose product is the dimension of the matrix"
)]

use crate::linalg::{C64, Eigen, LinalgError, Matrix, Vector, ZERO, hermitian_eigen};

/// A pure state as a state vector, any other as a density matrix.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// A state vector of norm 1.
    Pure(Vector),
    /// A density matrix of trace 1.
    Mixed(Matrix),
}

impl State {
    /// Dimension of the space.
    pub fn dimension(&self) -> usize {
        match self {
            State::Pure(psi) => psi.len(),
            State::Mixed(rho) => rho.nrows(),
        }
    }

    /// False after a coherence-order filter without order 0, which leaves an operator of trace 0.
    pub fn is_normalised(&self) -> bool {
        match self {
            State::Pure(_) => true,
            State::Mixed(rho) => rho.trace().norm() > 1e-12,
        }
    }

    /// The density matrix.
    pub fn density(&self) -> Matrix {
        match self {
            State::Pure(psi) => psi * psi.adjoint(),
            State::Mixed(rho) => rho.clone(),
        }
    }

    /// Reduced density matrix of the subsystems `keep`, in that order.
    pub fn reduced(&self, dimensions: &[usize], keep: &[usize]) -> Matrix {
        match self {
            State::Pure(psi) => reduce_outer(psi, psi, dimensions, keep),
            State::Mixed(rho) => reduce(rho, dimensions, keep),
        }
    }
}

/// Index map from (kept state, rest state) to the whole.
struct Split {
    kept: usize,
    rest: usize,
    /// `index[k * rest + r]`: index in the whole space.
    index: Vec<usize>,
}

/// Repeated and unknown subsystems in `keep` are ignored.
fn split(dimensions: &[usize], keep: &[usize]) -> Split {
    let known = |(k, site): &(usize, &usize)| **site < dimensions.len() && !keep.iter().take(*k).any(|s| s == *site);
    let keep: Vec<usize> = keep.iter().enumerate().filter(known).map(|(_, site)| *site).collect();
    let mut strides = vec![1; dimensions.len()];
    for k in (0..dimensions.len().saturating_sub(1)).rev() {
        strides[k] = strides[k + 1] * dimensions[k + 1];
    }
    let others: Vec<usize> = (0..dimensions.len()).filter(|k| !keep.contains(k)).collect();
    let offsets = |sites: &[usize]| {
        let mut out = vec![0];
        for &site in sites {
            out = out
                .iter()
                .flat_map(|&base| (0..dimensions[site]).map(move |d| (base, d)))
                .map(|(base, d)| base + d * strides[site])
                .collect();
        }
        out
    };
    let (kept, rest) = (offsets(&keep), offsets(&others));
    let index = kept.iter().flat_map(|k| rest.iter().map(move |r| k + r)).collect();
    Split { kept: kept.len(), rest: rest.len(), index }
}

/// Partial trace `Tr_rest[m]` of any matrix.
pub fn reduce(m: &Matrix, dimensions: &[usize], keep: &[usize]) -> Matrix {
    let whole: Vec<usize> = (0..dimensions.len()).collect();
    if keep == whole {
        return m.clone();
    }
    let s = split(dimensions, keep);
    Matrix::from_fn(s.kept, s.kept, |i, j| {
        (0..s.rest).map(|r| m[(s.index[i * s.rest + r], s.index[j * s.rest + r])]).sum()
    })
}

/// State vector reshaped to a matrix: one row per state of the subsystems `keep`, one column per state of the rest. Its singular
/// values are the Schmidt coefficients.
pub fn schmidt_matrix(psi: &Vector, dimensions: &[usize], keep: &[usize]) -> Matrix {
    let s = split(dimensions, keep);
    Matrix::from_fn(s.kept, s.rest, |i, r| psi[s.index[i * s.rest + r]])
}

/// `Tr_rest[|a><b|]`, without forming the outer product.
pub fn reduce_outer(a: &Vector, b: &Vector, dimensions: &[usize], keep: &[usize]) -> Matrix {
    let rows = |v: &Vector| schmidt_matrix(v, dimensions, keep);
    crate::linalg::product(&rows(a), &rows(b).adjoint())
}

/// Partial transpose on the subsystems `sites`.
pub fn partial_transpose(m: &Matrix, dimensions: &[usize], sites: &[usize]) -> Matrix {
    let s = split(dimensions, sites);
    let mut out = Matrix::zeros(m.nrows(), m.ncols());
    for i in 0..s.kept {
        for j in 0..s.kept {
            for r in 0..s.rest {
                for q in 0..s.rest {
                    out[(s.index[j * s.rest + r], s.index[i * s.rest + q])] =
                        m[(s.index[i * s.rest + r], s.index[j * s.rest + q])];
                }
            }
        }
    }
    out
}

/// Keeps the elements between states whose labels agree in every list: the effect of an ideal crusher gradient.
pub fn crush(rho: &Matrix, labels: &[Vec<i64>]) -> Matrix {
    Matrix::from_fn(
        rho.nrows(),
        rho.ncols(),
        |i, j| {
            if labels.iter().all(|l| l[i] == l[j]) { rho[(i, j)] } else { ZERO }
        },
    )
}

/// Keeps the coherence orders `|m_i - m_j|` in `orders`, with m the total magnetic quantum number; `twice_m` is 2m per basis state.
pub fn keep_orders(rho: &Matrix, twice_m: &[i64], orders: &[i64]) -> Matrix {
    Matrix::from_fn(rho.nrows(), rho.ncols(), |i, j| {
        let order = (twice_m[i] - twice_m[j]).abs();
        if orders.iter().any(|k| 2 * k == order) { rho[(i, j)] } else { ZERO }
    })
}

/// The part of a state that commutes with a Hamiltonian: elements between different levels vanish, whole blocks of equal
/// energy remain. Levels within `1e-10` of the spread count as one: otherwise the result would depend on the arbitrary eigenbasis of a
/// degenerate level.
pub fn dephase(rho: &Matrix, eigen: &Eigen) -> Matrix {
    // Dephase only the traceless part: rounding of the identity would exceed a deviation of 1e-9.
    let mean = rho.trace() / rho.nrows() as f64;
    let mut deviation = rho.clone();
    crate::linalg::add_to_diagonal(&mut deviation, -mean);
    let mut inside = crate::linalg::conjugate_back(&eigen.vectors, &deviation);
    let mut label = vec![0; rho.nrows()];
    for (k, level) in eigen.levels(degeneracy(eigen)).into_iter().enumerate() {
        label[level].fill(k);
    }
    for j in 0..rho.ncols() {
        for i in 0..rho.nrows() {
            if label[i] != label[j] {
                inside[(i, j)] = ZERO;
            }
        }
    }
    let mut dephased = crate::linalg::conjugate(&eigen.vectors, &inside);
    crate::linalg::add_to_diagonal(&mut dephased, mean);
    dephased
}

/// Tolerance within which two levels count as degenerate.
pub fn degeneracy(eigen: &Eigen) -> f64 {
    match (eigen.values.first(), eigen.values.last()) {
        (Some(low), Some(high)) => degenerate_within(*low, *high),
        _ => 0.0,
    }
}

/// The same tolerance from the lowest and the highest level.
pub fn degenerate_within(lowest: f64, highest: f64) -> f64 {
    1e-10 * (highest - lowest).max(1e-6 * lowest.abs().max(highest.abs()))
}

/// Boltzmann populations `g exp(-e/T)/Z` of levels with degeneracies g. Levels within `1e-10` of the spread from the
/// lowest one count as the lowest, so that T = 0 populates the whole ground level.
pub fn boltzmann(levels: &[f64], copies: &[f64], temperature: f64) -> Vec<f64> {
    let (lowest, highest) = levels.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), e| (l.min(*e), h.max(*e)));
    let tolerance = degenerate_within(lowest, highest);
    let weight = |e: f64| {
        if e - lowest <= tolerance {
            1.0
        } else if temperature == 0.0 {
            0.0
        } else {
            (-(e - lowest) / temperature).exp()
        }
    };
    let weights: Vec<f64> = levels.iter().zip(copies).map(|(e, g)| weight(*e) * g).collect();
    let z: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / z).collect()
}

/// Gibbs state `exp(-H/T)/Z`, H and T in the same units. T = 0 gives the maximally mixed state of the ground level, infinite T the
/// maximally mixed state. The lowest energy is subtracted first to avoid overflow at low temperature.
///
/// # Errors
/// When the eigenvalues cannot be computed.
pub fn gibbs(h: &Matrix, temperature: f64) -> Result<Matrix, LinalgError> {
    let eigen = hermitian_eigen(h)?;
    let once = vec![1.0; eigen.values.len()];
    let populations = boltzmann(&eigen.values, &once, temperature);
    let mut scaled = eigen.vectors.clone();
    for (k, p) in populations.into_iter().enumerate() {
        scaled.column_mut(k).iter_mut().for_each(|x| *x *= p);
    }
    Ok(crate::linalg::product(&scaled, &eigen.vectors.adjoint()))
}

/// The density matrix nearest in Frobenius norm to a Hermitian matrix of trace 1: its eigenvalues are projected onto the simplex
/// (Smolin, Gambetta, Smith, Phys. Rev. Lett. 108, 070502). Clipping and renormalising would not give the nearest one.
///
/// # Errors
/// When the eigenvalues cannot be computed.
pub fn nearest_state(m: &Matrix) -> Result<Matrix, LinalgError> {
    let eigen = hermitian_eigen(m)?;
    let projected = project_to_simplex(&eigen.values);
    let mut scaled = eigen.vectors.clone();
    for (k, &p) in projected.iter().enumerate() {
        scaled.column_mut(k).iter_mut().for_each(|x| *x *= C64::new(p, 0.0));
    }
    Ok(crate::linalg::product(&scaled, &eigen.vectors.adjoint()))
}

/// Nearest point of the probability simplex: `max(x - shift, 0)` with the shift that makes the sum 1.
pub fn project_to_simplex(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let mut sum = 0.0;
    let mut shift = 0.0;
    for (k, &x) in sorted.iter().enumerate() {
        sum += x;
        let candidate = (sum - 1.0) / (k + 1) as f64;
        if x - candidate > 0.0 {
            shift = candidate;
        }
    }
    values.iter().map(|&x| (x - shift).max(0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{kron, real, trace_of_product};

    #[test]
    fn reduction_of_a_product_gives_its_factors() {
        let a = Matrix::from_diagonal(&Vector::from_vec(vec![real(0.3), real(0.7)]));
        let b = Matrix::from_diagonal(&Vector::from_vec(vec![real(0.2), real(0.5), real(0.3)]));
        let ab = kron(&a, &b);
        assert!((reduce(&ab, &[2, 3], &[0]) - &a).norm() < 1e-15);
        assert!((reduce(&ab, &[2, 3], &[1]) - &b).norm() < 1e-15);
        assert!((reduce(&ab, &[2, 3], &[1, 0]) - kron(&b, &a)).norm() < 1e-15);
    }

    #[test]
    fn what_is_named_twice_or_unknown_is_passed_over() {
        let a = Matrix::from_diagonal(&Vector::from_vec(vec![real(0.3), real(0.7)]));
        let ab = kron(&a, &a);
        assert_eq!(reduce(&ab, &[2, 2], &[0, 0, 7]), reduce(&ab, &[2, 2], &[0]));
        assert_eq!(partial_transpose(&ab, &[2, 2], &[1, 1]), partial_transpose(&ab, &[2, 2], &[1]));
    }

    #[test]
    fn gibbs_states_are_stable_from_zero_to_infinity() {
        let h = Matrix::from_diagonal(&Vector::from_vec(vec![real(-1.0), real(-1.0 + 4e-16), real(3.0)]));
        for (t, ground) in [(0.0, 0.5), (1e-3, 0.5), (1e-300, 0.5), (f64::INFINITY, 1.0 / 3.0)] {
            let rho = gibbs(&h, t).unwrap();
            assert!((rho[(0, 0)].re - ground).abs() < 1e-12, "T = {t}");
            assert!((trace_of_product(&rho, &Matrix::identity(3, 3)).re - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn the_simplex_projection_is_not_clipping() {
        let p = project_to_simplex(&[0.62, 0.33, 0.09, -0.04]);
        let expected = [0.62 - 0.04 / 3.0, 0.33 - 0.04 / 3.0, 0.09 - 0.04 / 3.0, 0.0];
        assert!(p.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{p:?}");
    }
}
