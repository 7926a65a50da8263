//! Traces of operators, without their matrices.

#![expect(clippy::indexing_slicing, reason = "subsystems of factors index the operator's dimensions")]

use super::local::Local;
use super::operator::Operator;
use crate::linalg::{C64, ZERO};

impl Operator {
    /// `Tr[A^+ B]/N` with N the dimension, computed term by term as products of local traces.
    pub fn overlap(&self, other: &Operator) -> C64 {
        let mut sum = ZERO;
        for (a, left) in self.products() {
            for (b, right) in other.products() {
                let mut product = a.conj() * b;
                let mut sites: Vec<usize> = left.iter().chain(right).map(|(s, _)| *s).collect();
                sites.sort_unstable();
                sites.dedup();
                for site in sites {
                    let of = |all: &[(usize, std::sync::Arc<Local>)]| {
                        all.iter().find(|(s, _)| *s == site).map(|(_, l)| l.clone())
                    };
                    product *=
                        local_overlap(of(left).as_deref(), of(right).as_deref()) / self.dimensions()[site] as f64;
                }
                sum += product;
            }
        }
        sum
    }

    /// `Tr[A]/N`.
    pub fn mean(&self) -> C64 {
        let local = |l: &Local| l.entries.iter().filter(|(i, j, _)| i == j).map(|e| e.2).sum::<C64>();
        let of = |factors: &[(usize, std::sync::Arc<Local>)]| {
            factors.iter().map(|(s, l)| local(l) / self.dimensions()[*s] as f64).product::<C64>()
        };
        self.products().map(|(c, factors)| c * of(factors)).sum()
    }
}

/// `Tr[a^+ b]`; `None` stands for the identity.
fn local_overlap(a: Option<&Local>, b: Option<&Local>) -> C64 {
    let trace = |l: &Local| l.entries.iter().filter(|(i, j, _)| i == j).map(|e| e.2).sum::<C64>();
    match (a, b) {
        (Some(a), Some(b)) => a.entries.iter().map(|&(i, j, x)| x.conj() * b.entry(i, j)).sum(),
        (Some(a), None) => trace(a).conj(),
        (None, Some(b)) => trace(b),
        (None, None) => C64::new(1.0, 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::real;
    use crate::spin::{Basis, LocalKind, Site};

    #[test]
    fn traces_are_those_of_the_matrices() {
        let basis = Basis::new(vec![Site::spin("a", 1, None), Site::spin("b", 2, None), Site::mode("m", 3)]);
        let of = |kind, site| Operator::of(&basis, kind, site).unwrap();
        let a =
            of(LocalKind::Ix, 0).times(&of(LocalKind::Iz, 1)).plus(of(LocalKind::Number, 2)).plus(of(LocalKind::Ip, 1));
        let b = of(LocalKind::Ip, 1)
            .times_number(C64::new(0.3, 0.4))
            .plus(a.clone())
            .plus(Operator::identity(&basis, real(0.5)));
        let n = a.dimension() as f64;
        let by_matrix = (a.matrix().adjoint() * b.matrix()).trace() / n;
        assert!((a.overlap(&b) - by_matrix).norm() < 1e-14);
        assert!((b.mean() - b.matrix().trace() / n).norm() < 1e-14);
    }
}
