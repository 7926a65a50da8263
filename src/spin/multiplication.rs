//! Products of operators whose number of multiplications is limited: a matrix on a subsystem of many states is multiplied with another once.

use super::local::Local;
use super::operator::Operator;
use crate::linalg::ZERO;
use std::collections::HashMap;
use std::sync::Arc;

/// Products of fewer multiplications are computed again rather than kept.
const SMALL: u64 = 1_000;

/// Products of operators up to a number of multiplications of matrix elements.
#[derive(Debug, Default)]
pub struct Multiplication {
    count: u64,
    /// Products of two matrices by their addresses, which stay theirs because the matrices are kept.
    known: HashMap<[usize; 2], Known>,
}

#[derive(Debug)]
struct Known {
    _factors: [Arc<Local>; 2],
    product: Arc<Local>,
}

impl Multiplication {
    /// Product `a * b`; `None` if all products would take more than `most` multiplications.
    pub fn product(&mut self, a: &Operator, b: &Operator, most: u64) -> Option<Operator> {
        let mut terms = Vec::with_capacity(a.terms.len() * b.terms.len());
        for left in &a.terms {
            for right in &b.terms {
                let term = left.times(right, |l, r| self.of_matrices(l, r, most))?;
                if term.coefficient != ZERO {
                    terms.push(term);
                }
            }
        }
        Some(Operator { dimensions: a.dimensions.clone(), terms })
    }

    fn of_matrices(&mut self, left: &Arc<Local>, right: &Arc<Local>, most: u64) -> Option<Arc<Local>> {
        let key = [Arc::as_ptr(left).addr(), Arc::as_ptr(right).addr()];
        if let Some(known) = self.known.get(&key) {
            return Some(known.product.clone());
        }
        let count = left.multiplications(right);
        self.count = self.count.saturating_add(count);
        if self.count > most {
            return None;
        }
        let product = Arc::new(left.times(right));
        if count > SMALL {
            self.known.insert(key, Known { _factors: [left.clone(), right.clone()], product: product.clone() });
        }
        Some(product)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spin::{Basis, LocalKind, Site};

    /// A product of many factors on a mode, with the count of each of them.
    #[test]
    fn multiplications_are_counted_once_for_the_same_matrices() {
        let basis = Basis::new(vec![Site::mode("a", 5_000)]);
        let raise = Operator::of(&basis, LocalKind::Raise, 0).unwrap();
        let x = raise.clone().plus(Operator::of(&basis, LocalKind::Lower, 0).unwrap()).collected();
        let mut multiplication = Multiplication::default();
        let square = multiplication.product(&x, &x, 1_000_000).unwrap();
        let count = multiplication.count;
        assert!(count >= 4 * 4_999 && square.is_same(&x.times(&x)));
        multiplication.product(&x, &x, count).unwrap();
        assert_eq!(multiplication.count, count);
        assert!(multiplication.product(&square, &x, count).is_none());
    }

    /// Products by rows are those of dense matrices.
    #[test]
    fn products_of_sparse_matrices_are_those_of_dense_ones() {
        let site = Site::mode("a", 7);
        let of = |kind: LocalKind| kind.on(&site).unwrap();
        let x = of(LocalKind::Raise).plus(&of(LocalKind::Lower).scaled(crate::linalg::I)).plus(&of(LocalKind::Number));
        let mut product = x.clone();
        for _ in 0..8 {
            let dense = crate::linalg::product(&product.matrix(), &x.matrix());
            assert!(product.multiplications(&x) >= product.entries.len() as u64);
            product = product.times(&x);
            assert!((product.matrix() - dense).norm() < 1e-13 * product.norm());
            assert!(product.entries.is_sorted_by_key(|e| (e.0, e.1)));
        }
        assert!(!x.is_hermitian() && x.times(&x.adjoint()).is_hermitian());
    }
}
