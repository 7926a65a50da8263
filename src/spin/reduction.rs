//! Reduced states (partial traces) of states on a [`Space`].
//!
//! Two states of the kept subsystems can be coherent only if both occur together with the same state of the rest. With conserved quantities
//! the reduced state is therefore block diagonal: a battery that exchanges single excitations with its charger has a diagonal one. The
//! blocks are determined once; eigenvalues then cost what the blocks cost. A block of a collective's multiplet carries the number of copies
//! it represents.

#![expect(
    clippy::indexing_slicing,
    reason = "kept states are each in one block, and subsystem indices belong to the basis of the space"
)]

use super::space::Space;
use super::state::State;
use crate::linalg::{C64, Matrix, Vector, ZERO, product};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A (kept state, rest state) pair: position in the space, and weight in the orbit sum.
type Place = Option<(u32, f64)>;

/// A kept state combined with a given rest state: its index, its position in the space, its weight in the orbit sum.
type Beside = (usize, u32, f64);

/// Kept states that may be coherent with each other, and the rest states they occur with.
#[derive(Debug)]
struct Block {
    /// Indices in the product basis of the kept subsystems, ascending.
    kept: Arc<[usize]>,
    rest: usize,
    /// Indexed by `places[k * rest + r]`.
    places: Vec<Place>,
    copies: f64,
}

/// Decomposition of a space into kept subsystems and the rest.
#[derive(Debug)]
pub struct Reduction {
    dimension: usize,
    blocks: Vec<Block>,
}

/// A block of a reduced density matrix.
#[derive(Debug, Clone)]
pub struct ReducedBlock {
    /// Indices of the states of the kept subsystems.
    pub states: Arc<[usize]>,
    /// Their density matrix. Represents `copies` equal blocks, each of weight `1/copies`.
    pub matrix: Matrix,
    /// Number of copies it represents.
    pub copies: f64,
}

/// A reduced density matrix, or its time derivative, by blocks.
#[derive(Debug, Clone)]
pub struct Blocks {
    /// Dimension of the kept subsystems.
    pub dimension: usize,
    /// The blocks; kept states that are never occupied are in none.
    pub blocks: Vec<ReducedBlock>,
}

impl Reduction {
    /// Decomposition with the subsystems `keep`, in that order.
    pub fn new(space: &Space, keep: &[usize]) -> Reduction {
        let basis = space.basis();
        let n = basis.sites.len();
        let rest_sites: Vec<usize> = (0..n).filter(|s| !keep.contains(s)).collect();
        let index = |digits: &[usize], sites: &[usize]| {
            sites.iter().fold(0usize, |i, &s| i.wrapping_mul(basis.site(s).dimension).wrapping_add(digits[s]))
        };
        // For every rest state (and every multiplet label, which is conserved): the kept states that occur with it.
        let mut beside: BTreeMap<(usize, usize), Vec<Beside>> = BTreeMap::new();
        let mut copies_of: HashMap<usize, f64> = HashMap::new();
        for k in 0..space.len() {
            let weight = 1.0 / space.size_of(k).sqrt();
            for member in space.members(k) {
                let digits = basis.digits(member);
                let kept = index(&digits, keep);
                beside
                    .entry((index(&digits, &rest_sites), basis.multiplet(member)))
                    .or_default()
                    .push((kept, k as u32, weight));
                copies_of
                    .entry(kept)
                    .or_insert_with(|| keep.iter().map(|&s| basis.site(s).copies(digits[s])).product());
            }
        }
        // Kept states that share a rest state belong to one block (union-find).
        let mut states: Vec<usize> = copies_of.keys().copied().collect();
        states.sort_unstable();
        let number: HashMap<usize, usize> = states.iter().enumerate().map(|(k, s)| (*s, k)).collect();
        let mut parent: Vec<usize> = (0..states.len()).collect();
        fn root(parent: &mut [usize], mut k: usize) -> usize {
            while parent[k] != k {
                parent[k] = parent[parent[k]];
                k = parent[k];
            }
            k
        }
        for group in beside.values() {
            for pair in group.windows(2) {
                let (a, b) = (root(&mut parent, number[&pair[0].0]), root(&mut parent, number[&pair[1].0]));
                parent[a.max(b)] = a.min(b);
            }
        }
        let mut block_of_root: HashMap<usize, usize> = HashMap::new();
        let mut kept: Vec<Vec<usize>> = Vec::new();
        let mut place_of = vec![(0, 0); states.len()];
        for (k, &state) in states.iter().enumerate() {
            let r = root(&mut parent, k);
            let block = *block_of_root.entry(r).or_insert_with(|| {
                kept.push(vec![]);
                kept.len() - 1
            });
            place_of[k] = (block, kept[block].len());
            kept[block].push(state);
        }
        let mut rests: Vec<Vec<&Vec<Beside>>> = vec![vec![]; kept.len()];
        for group in beside.values() {
            rests[place_of[number[&group[0].0]].0].push(group);
        }
        let blocks = kept
            .into_iter()
            .zip(rests)
            .map(|(kept, rests)| {
                let mut places = vec![None; kept.len() * rests.len()];
                for (r, group) in rests.iter().enumerate() {
                    for &(state, position, weight) in *group {
                        places[place_of[number[&state]].1 * rests.len() + r] = Some((position, weight));
                    }
                }
                let copies = copies_of[&kept[0]];
                Block { kept: kept.into(), rest: rests.len(), places, copies }
            })
            .collect();
        Reduction { dimension: keep.iter().map(|&s| basis.site(s).dimension).product(), blocks }
    }

    /// Dimension of the kept subsystems.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Number of kept states in the largest block.
    pub fn largest_block(&self) -> usize {
        self.blocks.iter().map(|b| b.kept.len()).max().unwrap_or(0)
    }

    /// Reduced density matrix of a state.
    pub fn reduce(&self, state: &State) -> Blocks {
        match state {
            State::Pure(psi) => self.outer(psi, psi),
            State::Mixed(rho) => self.matrix(rho),
        }
    }

    fn collect(&self, f: impl Fn(&Block) -> Matrix) -> Blocks {
        let blocks = self
            .blocks
            .iter()
            .map(|b| ReducedBlock { states: b.kept.clone(), matrix: f(b), copies: b.copies })
            .collect();
        Blocks { dimension: self.dimension, blocks }
    }

    /// `Tr_rest[|a><b|]`.
    pub fn outer(&self, a: &Vector, b: &Vector) -> Blocks {
        self.collect(|block| {
            let rows = |v: &Vector| {
                Matrix::from_fn(block.kept.len(), block.rest, |i, r| match block.places[i * block.rest + r] {
                    Some((k, weight)) => v[k as usize] * weight,
                    None => ZERO,
                })
            };
            let (a, b) = (rows(a), rows(b));
            product(&a, &b.adjoint())
        })
    }

    /// `Tr_rest[m]` of a matrix on the space.
    pub fn matrix(&self, m: &Matrix) -> Blocks {
        self.collect(|block| {
            Matrix::from_fn(block.kept.len(), block.kept.len(), |i, j| {
                let (row, column) = (&block.places[i * block.rest..], &block.places[j * block.rest..]);
                row[..block.rest]
                    .iter()
                    .zip(column)
                    .filter_map(|pair| match pair {
                        (Some((a, v)), Some((b, w))) => Some(m[(*a as usize, *b as usize)] * (v * w)),
                        _ => None,
                    })
                    .sum::<C64>()
            })
        })
    }
}

impl Blocks {
    /// Density matrix on all states of the kept subsystems.
    pub fn dense(&self) -> Matrix {
        if let [one] = self.blocks.as_slice()
            && one.states.len() == self.dimension
        {
            return one.matrix.clone();
        }
        let mut out = Matrix::zeros(self.dimension, self.dimension);
        for block in &self.blocks {
            for (j, &column) in block.states.iter().enumerate() {
                for (i, &row) in block.states.iter().enumerate() {
                    out[(row, column)] = block.matrix[(i, j)];
                }
            }
        }
        out
    }

    /// `Tr[rho h]` for a Hermitian matrix on all states of the kept subsystems.
    pub fn mean(&self, h: &Matrix) -> f64 {
        let mut sum = 0.0;
        for block in &self.blocks {
            for (j, &column) in block.states.iter().enumerate() {
                for (i, &row) in block.states.iter().enumerate() {
                    sum += (block.matrix[(i, j)] * h[(column, row)]).re;
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::super::basis::Basis;
    use super::super::site::Site;
    use super::super::state::reduce;
    use super::*;

    #[test]
    fn a_reduction_is_the_partial_trace() {
        let basis =
            Arc::new(Basis::new(vec![Site::spin("a", 1, None), Site::spin("b", 2, None), Site::spin("c", 1, None)]));
        let space = Space::whole(basis);
        let psi = Vector::from_fn(12, |k, _| C64::new((k as f64).sin(), (2.0 * k as f64).cos())).normalize();
        let rho = &psi * psi.adjoint();
        for keep in [vec![0], vec![1], vec![2, 0], vec![0, 1, 2]] {
            let expected = reduce(&rho, &[2, 3, 2], &keep);
            let reduction = Reduction::new(&space, &keep);
            assert!((reduction.reduce(&State::Pure(psi.clone())).dense() - &expected).norm() < 1e-14);
            assert!((reduction.reduce(&State::Mixed(rho.clone())).dense() - &expected).norm() < 1e-14);
        }
    }
}
