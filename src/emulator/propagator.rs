//! Propagators of segments and of loop bodies, as matrices.

use super::engines::DENSE_LIOUVILLE;
use super::engines::block_unitary::BlockUnitary;
use super::engines::exact::{stacked, unstacked};
use super::generator::deviation;
use crate::hamiltonian::Segment;
use crate::linalg::{C64, Matrix, ONE, conjugate, power, product};
use crate::spin::State;
use std::sync::Arc;

/// The propagator of a segment or of a loop body.
#[derive(Clone)]
pub enum Propagator {
    /// Acts on states: `U`.
    Unitary(Matrix),
    /// Acts on states block by block; with the dimension of the space.
    Blocks(BlockUnitary, usize),
    /// Acts on stacked density matrices.
    Super(Matrix),
}

/// Cache key of a constant segment: its operators with their coefficients, its dissipators, its duration.
#[derive(PartialEq, Eq, Hash)]
pub struct SegmentKey {
    terms: Vec<(usize, u64)>,
    relaxing: usize,
    duration: u64,
}

impl SegmentKey {
    /// The key of a segment; `None` if its Hamiltonian or a rate depends on time.
    pub fn of(segment: &Segment) -> Option<SegmentKey> {
        if !segment.relaxing.changing.is_empty() {
            return None;
        }
        let term =
            |(c, o): &(crate::hamiltonian::Scalar, Arc<_>)| Some((Arc::as_ptr(o) as usize, c.constant()?.to_bits()));
        let terms = segment.terms().map(term).collect::<Option<Vec<_>>>()?;
        let relaxing = if segment.relaxing.is_empty() { 0 } else { Arc::as_ptr(&segment.relaxing) as usize };
        Some(SegmentKey { terms, relaxing, duration: segment.duration.to_bits() })
    }
}

impl Propagator {
    /// The product of this propagator followed by `next`; `None` if it would be too large.
    pub fn then(self, next: Propagator) -> Option<Propagator> {
        match (self.whole(), next.whole()) {
            (Propagator::Unitary(a), Propagator::Unitary(b)) => Some(Propagator::Unitary(product(&b, &a))),
            (a, b) => Some(Propagator::Super(product(&b.superoperator()?, &a.superoperator()?))),
        }
    }

    /// The same propagator, a unitary as one matrix.
    pub fn whole(self) -> Propagator {
        match self {
            Propagator::Blocks(blocks, dimension) => Propagator::Unitary(blocks.whole(dimension)),
            other => other,
        }
    }

    /// The propagator of `count` repetitions.
    pub fn power(&self, count: u64) -> Propagator {
        match self {
            Propagator::Unitary(u) => Propagator::Unitary(power(u, count)),
            Propagator::Blocks(blocks, dimension) => Propagator::Blocks(blocks.power(count), *dimension),
            Propagator::Super(p) => Propagator::Super(power(p, count)),
        }
    }

    /// `rho -> U rho U^dagger` is `U* x U` on stacked deviations; the mean (last element) is unchanged.
    pub fn superoperator(self) -> Option<Matrix> {
        match self {
            Propagator::Super(m) => Some(m),
            Propagator::Unitary(u) if u.nrows() * u.nrows() <= DENSE_LIOUVILLE => {
                let moved = u.conjugate().kronecker(&u);
                let n = moved.nrows();
                let mut whole = moved.resize(n + 1, n + 1, C64::default());
                whole.as_mut_slice().iter_mut().rev().take(1).for_each(|mean| *mean = ONE);
                Some(whole)
            }
            Propagator::Unitary(_) | Propagator::Blocks(..) => None,
        }
    }

    /// Applies the propagator to a state.
    pub fn apply(&self, state: State) -> State {
        match (self, state) {
            (Propagator::Unitary(u), State::Pure(psi)) => State::Pure(u * psi),
            (Propagator::Unitary(u), State::Mixed(rho)) => State::Mixed(deviation(&rho, |d| conjugate(u, d))),
            (Propagator::Blocks(u, _), State::Pure(psi)) => State::Pure(u.vector(&psi)),
            (Propagator::Blocks(u, _), State::Mixed(rho)) => State::Mixed(deviation(&rho, |d| u.matrix(d))),
            (Propagator::Super(p), state) => State::Mixed(unstacked(&(p * stacked(&state.density())))),
        }
    }
}
