//! Products of local matrices on different subsystems: the terms of an operator.

#![expect(clippy::indexing_slicing, reason = "the loop over factors ends where both lists end")]

use super::local::{Local, LocalKind};
use crate::linalg::{C64, ZERO};
use std::sync::{Arc, OnceLock};

/// Cache key of a product: a local operator with its subsystem, and optionally a second one.
pub(super) type Factors = ((LocalKind, usize), Option<(LocalKind, usize)>);

/// An immutable product of local matrices on different subsystems, shared between sums.
#[derive(Debug)]
pub(super) struct Product {
    /// Local matrices by ascending subsystem; identities are omitted.
    pub(super) factors: Vec<(usize, Arc<Local>)>,
    /// True if every factor is Hermitian.
    pub(super) hermitian: bool,
    /// (row, column, value) of the whole matrix if it is small; computed on first use, valid for one basis only.
    pub(super) entries: OnceLock<Vec<(usize, usize, C64)>>,
}

impl Product {
    /// Product of these local matrices, sorted by ascending subsystem.
    pub(super) fn new(factors: Vec<(usize, Arc<Local>)>) -> Product {
        let hermitian = factors.iter().all(|(_, local)| local.is_hermitian());
        Product { factors, hermitian, entries: OnceLock::new() }
    }
}

/// A coefficient times a product of local matrices.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) coefficient: C64,
    pub(super) product: Arc<Product>,
}

impl Term {
    pub(super) fn new(coefficient: C64, factors: Vec<(usize, Arc<Local>)>) -> Term {
        Term { coefficient, product: Arc::new(Product::new(factors)) }
    }

    pub(super) fn factors(&self) -> &[(usize, Arc<Local>)] {
        &self.product.factors
    }

    /// The product `self * other`, with a product of two matrices on the same subsystem; `None` if there is none.
    pub(super) fn times(
        &self,
        other: &Term,
        mut of_matrices: impl FnMut(&Arc<Local>, &Arc<Local>) -> Option<Arc<Local>>,
    ) -> Option<Term> {
        let mut coefficient = self.coefficient * other.coefficient;
        let (left_factors, right_factors) = (self.factors(), other.factors());
        let mut factors: Vec<(usize, Arc<Local>)> = Vec::with_capacity(left_factors.len() + right_factors.len());
        let (mut i, mut j) = (0, 0);
        while i < left_factors.len() || j < right_factors.len() {
            let left = left_factors.get(i).map_or(usize::MAX, |f| f.0);
            let right = right_factors.get(j).map_or(usize::MAX, |f| f.0);
            if left < right {
                factors.push(left_factors[i].clone());
                i += 1;
            } else if right < left {
                factors.push(right_factors[j].clone());
                j += 1;
            } else {
                let local = of_matrices(&left_factors[i].1, &right_factors[j].1)?;
                if local.entries.is_empty() {
                    coefficient = ZERO;
                } else if let Some(factor) = local.multiple_of_identity() {
                    coefficient *= factor;
                } else {
                    factors.push((left, local));
                }
                (i, j) = (i + 1, j + 1);
            }
        }
        Some(Term::new(coefficient, factors))
    }
}
