//! Invariant subspace of the product space that contains a state.
//!
//! A state that starts on some basis states can only reach those that the operators connect to them. Every conservation law (excitation
//! number, its parity, a single spin's projection) shows as a reachable subset of the product basis; no conserved quantity has to be
//! named. If identical spins are exchange symmetric in all operators and in the state, the normalised sums over exchanges (orbits) form the
//! basis instead.

#![expect(
    clippy::indexing_slicing,
    reason = "states belong to the basis, positions to the list of states, and groups contain subsystems of the basis"
)]

use super::basis::Basis;
use super::columns::Columns;
use super::operator::Operator;
use super::state::State;
use crate::linalg::{C64, Matrix, Vector, ZERO, real};
use std::collections::HashSet;
use std::sync::Arc;

/// The reachable subspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    basis: Arc<Basis>,
    /// Indices in the product basis, ascending; `None` if the space is the whole product space.
    states: Option<Vec<usize>>,
    /// Groups of exchangeable subsystems; a basis state is then the normalised sum over all exchanges of its local states.
    groups: Vec<Vec<usize>>,
    /// Number of product states of each orbit; empty without groups.
    sizes: Vec<f64>,
}

/// Error: more states are reachable than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

/// Set of visited states: a bitmap if affordable.
enum Visited {
    Bits(Vec<u64>),
    Set(HashSet<usize>),
}

impl Visited {
    fn new(size: f64) -> Visited {
        if size <= 1e9 { Visited::Bits(vec![0; (size as usize).div_ceil(64)]) } else { Visited::Set(HashSet::new()) }
    }

    /// Adds a state; true if it is new.
    fn add(&mut self, state: usize) -> bool {
        match self {
            Visited::Set(set) => set.insert(state),
            Visited::Bits(bits) => {
                let (word, bit) = (state / 64, 1u64 << (state % 64));
                let new = bits[word] & bit == 0;
                bits[word] |= bit;
                new
            }
        }
    }
}

impl Space {
    /// The whole product space.
    pub fn whole(basis: Arc<Basis>) -> Space {
        Space { basis, states: None, groups: vec![], sizes: vec![] }
    }

    /// States reachable from some product states by some operators. `groups` are exchangeable subsystems: both the operators and the
    /// state must be invariant under their exchange, which the caller must ensure.
    ///
    /// # Errors
    /// When more than `most` states are reached.
    pub fn reached<'a>(
        basis: Arc<Basis>,
        seeds: &[usize],
        operators: impl IntoIterator<Item = &'a Operator>,
        groups: Vec<Vec<usize>>,
        most: usize,
    ) -> Result<Space, TooMany> {
        let operators: Vec<Columns> = operators.into_iter().map(Columns::of).collect();
        let mut visited = Visited::new(basis.size());
        let mut space = Space { basis, states: None, groups, sizes: vec![] };
        let mut found: Vec<usize> = Vec::new();
        for &seed in seeds {
            let state = space.canonical(seed);
            if visited.add(state) {
                found.push(state);
            }
        }
        let mut digits = Vec::new();
        let mut column: Vec<(usize, C64)> = Vec::new();
        let mut next = 0;
        while next < found.len() {
            if found.len() > most {
                return Err(TooMany);
            }
            let state = found[next];
            next += 1;
            for columns in &operators {
                columns.column(state, &mut digits, &mut column);
                for &(row, _) in &column {
                    let row = space.canonical(row);
                    if visited.add(row) {
                        found.push(row);
                    }
                }
            }
        }
        if found.len() > most {
            return Err(TooMany);
        }
        if space.groups.is_empty() && found.len() as f64 == space.basis.size() {
            return Ok(Space::whole(space.basis));
        }
        found.sort_unstable();
        if !space.groups.is_empty() {
            space.sizes = found.iter().map(|s| space.orbit_size(*s)).collect();
        }
        space.states = Some(found);
        Ok(space)
    }

    /// The product basis.
    pub fn basis(&self) -> &Arc<Basis> {
        &self.basis
    }

    /// Dimension of the space.
    pub fn len(&self) -> usize {
        self.states.as_ref().map_or_else(|| self.basis.dimension(), Vec::len)
    }

    /// True if it has no states, which never occurs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if it is the whole product space.
    pub fn is_whole(&self) -> bool {
        self.states.is_none()
    }

    /// Groups of exchangeable subsystems.
    pub fn groups(&self) -> &[Vec<usize>] {
        &self.groups
    }

    /// Product-basis index of the state at a position (of an orbit: its first member).
    pub fn state(&self, position: usize) -> usize {
        self.states.as_ref().map_or(position, |s| s[position])
    }

    /// Position of a product state, or of the orbit that contains it.
    pub fn position(&self, state: usize) -> Option<usize> {
        match &self.states {
            None => Some(state),
            Some(states) => states.binary_search(&self.canonical(state)).ok(),
        }
    }

    /// Number of product states in the orbit at a position.
    pub fn size_of(&self, position: usize) -> f64 {
        self.sizes.get(position).copied().unwrap_or(1.0)
    }

    /// Representative of an orbit: local states ascending within each group.
    fn canonical(&self, state: usize) -> usize {
        if self.groups.is_empty() {
            return state;
        }
        let mut digits = self.basis.digits(state);
        for group in &self.groups {
            let mut inside: Vec<usize> = group.iter().map(|&s| digits[s]).collect();
            inside.sort_unstable();
            group.iter().zip(inside).for_each(|(&s, d)| digits[s] = d);
        }
        self.basis.index(&digits)
    }

    /// Orbit size: product of the multinomial coefficients of the groups.
    fn orbit_size(&self, state: usize) -> f64 {
        let digits = self.basis.digits(state);
        let mut size = 1.0;
        for group in &self.groups {
            let mut counts = std::collections::BTreeMap::new();
            for (k, &s) in group.iter().enumerate() {
                let count = counts.entry(digits[s]).or_insert(0.0);
                *count += 1.0;
                size *= (k + 1) as f64 / *count;
            }
        }
        size.round()
    }

    /// All product states of the orbit at a position.
    pub fn members(&self, position: usize) -> Vec<usize> {
        if self.groups.is_empty() {
            return vec![self.state(position)];
        }
        let mut members = vec![self.basis.digits(self.state(position))];
        for group in &self.groups {
            members = members.iter().flat_map(|digits| arrangements(digits, group)).collect();
        }
        members.iter().map(|digits| self.basis.index(digits)).collect()
    }

    /// Embeds a state of this space in the whole product space.
    pub fn embedded(&self, state: &State) -> State {
        if self.is_whole() {
            return state.clone();
        }
        let n = self.basis.dimension();
        if let (State::Pure(psi), true) = (state, self.groups.is_empty()) {
            let mut out = Vector::zeros(n);
            psi.iter().enumerate().for_each(|(k, x)| out[self.state(k)] = *x);
            return State::Pure(out);
        }
        let members: Vec<(Vec<usize>, f64)> =
            (0..self.len()).map(|k| (self.members(k), 1.0 / self.size_of(k).sqrt())).collect();
        match state {
            State::Pure(psi) => {
                let mut out = Vector::zeros(n);
                for (k, (places, weight)) in members.iter().enumerate() {
                    places.iter().for_each(|&p| out[p] = psi[k] * *weight);
                }
                State::Pure(out)
            }
            State::Mixed(rho) => {
                let mut out = Matrix::zeros(n, n);
                for (j, (columns, v)) in members.iter().enumerate() {
                    for (i, (rows, w)) in members.iter().enumerate() {
                        let value: C64 = rho[(i, j)] * (v * w);
                        if value != ZERO {
                            columns.iter().for_each(|&c| rows.iter().for_each(|&r| out[(r, c)] = value));
                        }
                    }
                }
                State::Mixed(out)
            }
        }
    }

    /// Vector in this space from amplitudes of product states, all of which must be in this space.
    pub fn vector(&self, amplitudes: &[(usize, C64)]) -> Vector {
        let mut out = Vector::zeros(self.len());
        for &(state, amplitude) in amplitudes {
            if let Some(k) = self.position(state) {
                // All members of an orbit have the same amplitude a, so the normalised sum has a sqrt(size).
                out[k] = amplitude * real(self.size_of(k).sqrt());
            }
        }
        out
    }
}

/// All distinct permutations of the local states of a group, the ascending one first.
fn arrangements(digits: &[usize], group: &[usize]) -> Vec<Vec<usize>> {
    let mut inside: Vec<usize> = group.iter().map(|&s| digits[s]).collect();
    inside.sort_unstable();
    let mut out = Vec::new();
    loop {
        let mut arranged = digits.to_vec();
        group.iter().zip(&inside).for_each(|(&s, &d)| arranged[s] = d);
        out.push(arranged);
        // Next permutation in lexicographic order.
        let Some(k) = (1..inside.len()).rev().find(|&k| inside[k - 1] < inside[k]) else { return out };
        let pivot = inside[k - 1];
        let swap = (k..inside.len()).rev().find(|&j| inside[j] > pivot).unwrap_or(k);
        inside.swap(k - 1, swap);
        inside[k..].reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::super::local::LocalKind;
    use super::super::site::Site;
    use super::super::sparse::Sparse;
    use super::*;
    use crate::linalg::ONE;

    fn spins(n: usize) -> Arc<Basis> {
        Arc::new(Basis::new((0..n).map(|k| Site::spin(format!("s[{k}]"), 1, None)).collect()))
    }

    /// `sum over pairs (I+ I- + I- I+)`: conserves the number of flipped spins.
    fn exchange(b: &Basis) -> Operator {
        let n = b.sites.len();
        let mut sum = Operator::zero(b);
        for i in 0..n {
            for j in 0..i {
                let hop = Operator::of(b, LocalKind::Ip, i).unwrap().times(&Operator::of(b, LocalKind::Im, j).unwrap());
                sum = sum.plus(hop.clone()).plus(hop.adjoint());
            }
        }
        sum
    }

    #[test]
    fn an_excitation_number_is_kept() {
        let b = spins(6);
        let seed = b.index(&[0, 1, 0, 1, 1, 1]);
        let space = Space::reached(b.clone(), &[seed], [&exchange(&b)], vec![], 1000).unwrap();
        assert_eq!(space.len(), 15, "two of six spins are up");
        assert_eq!(Space::reached(b.clone(), &[seed], [&exchange(&b)], vec![], 14), Err(TooMany));
    }

    #[test]
    fn orbits_move_as_the_whole_does() {
        let b = spins(5);
        let mut h = exchange(&b);
        for k in 0..5 {
            h = h.plus(Operator::of(&b, LocalKind::Ix, k).unwrap());
        }
        let seed = b.index(&[1; 5]);
        let space = Space::reached(b.clone(), &[seed], [&h], vec![(0..5).collect()], 1000).unwrap();
        assert_eq!(space.len(), 6);
        let small = crate::linalg::hermitian_eigen(&Sparse::of(&h, &space).dense()).unwrap();
        let State::Pure(large) = space.embedded(&State::Pure(&small.propagator(0.7) * space.vector(&[(seed, ONE)])))
        else {
            panic!("a pure state stays pure")
        };
        let whole = crate::linalg::hermitian_eigen(&h.matrix()).unwrap().propagator(0.7);
        assert!((large - whole.column(seed)).norm() < 1e-13);
    }
}
