//! Operators as sums of products of local matrices. They can be applied to a state vector without forming a matrix, and converted to a
//! dense one if the space is small.

#![expect(
    clippy::indexing_slicing,
    reason = "subsystems of factors index the operator's dimensions, and entries are within these"
)]

use super::basis::Basis;
use super::local::{Local, LocalKind};
use super::product::{Factors, Product, Term};
use crate::linalg::{C64, Matrix, ONE, Vector, ZERO};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Up to this dimension of the whole space, a product caches its matrix entries.
const SMALL: usize = 64;

/// A sum of products of local matrices.
#[derive(Debug, Clone)]
pub struct Operator {
    pub(super) dimensions: Arc<[usize]>,
    pub(super) terms: Vec<Term>,
}

impl Operator {
    /// The zero operator.
    pub fn zero(basis: &Basis) -> Operator {
        Operator { dimensions: basis.shape(), terms: vec![] }
    }

    /// The zero operator on the space of another operator.
    pub fn zero_like(other: &Operator) -> Operator {
        Operator { dimensions: other.dimensions.clone(), terms: vec![] }
    }

    /// `factor` times the identity.
    pub fn identity(basis: &Basis, factor: C64) -> Operator {
        let term = Term::new(factor, vec![]);
        Operator { dimensions: basis.shape(), terms: vec![term] }
    }

    /// `factor` times the identity on the space of another operator.
    pub fn scalar_like(other: &Operator, factor: C64) -> Operator {
        Operator { dimensions: other.dimensions.clone(), terms: vec![Term::new(factor, vec![])] }
    }

    /// A local matrix acting on one subsystem.
    pub fn local(basis: &Basis, site: usize, local: Local) -> Operator {
        let term = Term::new(ONE, vec![(site, Arc::new(local))]);
        Operator { dimensions: basis.shape(), terms: vec![term] }
    }

    /// A local operator of the language on a subsystem; `None` if it is not defined there.
    pub fn of(basis: &Basis, kind: LocalKind, site: usize) -> Option<Operator> {
        Operator::kept(basis, ((kind, site), None), || Some(vec![(site, Arc::new(kind.on(basis.site(site))?))]))
    }

    /// Product of the same local operator on two subsystems; `None` if it is not defined on one of them.
    pub fn pair(basis: &Basis, kind: LocalKind, a: usize, b: usize) -> Option<Operator> {
        let (a, b) = (a.min(b), a.max(b));
        Operator::kept(basis, ((kind, a), Some((kind, b))), || {
            let on = |site: usize| Some((site, Arc::new(kind.on(basis.site(site))?)));
            Some(vec![on(a)?, on(b)?])
        })
    }

    /// Looks up a product in the cache of the basis, or builds and caches it.
    fn kept(basis: &Basis, key: Factors, made: impl FnOnce() -> Option<Vec<(usize, Arc<Local>)>>) -> Option<Operator> {
        let of = |product: Arc<Product>| Operator {
            dimensions: basis.shape(),
            terms: vec![Term { coefficient: ONE, product }],
        };
        // A poisoned lock only disables the cache.
        if let Some(known) = basis.products.read().ok().and_then(|known| known.get(&key).cloned()) {
            return Some(of(known));
        }
        let product = Term::new(ONE, made()?).product;
        match basis.products.write() {
            Ok(mut known) => Some(of(known.entry(key).or_insert(product).clone())),
            Err(_) => Some(of(product)),
        }
    }

    /// Dimension of the whole space.
    pub fn dimension(&self) -> usize {
        self.dimensions.iter().product()
    }

    /// Number of terms.
    pub fn terms(&self) -> usize {
        self.terms.len()
    }

    /// True if all coefficients are zero.
    pub fn is_zero(&self) -> bool {
        self.terms.iter().all(|t| t.coefficient == ZERO)
    }

    /// Sum of two operators.
    pub fn plus(mut self, other: Operator) -> Operator {
        self.terms.extend(other.terms);
        self
    }

    /// The same operator, where it has many terms with those of the same product as one: a sum of equal terms stays short.
    pub fn collected(mut self) -> Operator {
        const MANY: usize = 256;
        if self.terms.len() <= MANY {
            return self;
        }
        let mut places: HashMap<Vec<(usize, usize)>, usize> = HashMap::new();
        let mut terms: Vec<Term> = Vec::new();
        for term in self.terms {
            // Operators of the language are made once a subsystem and shared, so equal ones lie in one place of memory.
            let key = term.factors().iter().map(|(site, local)| (*site, Arc::as_ptr(local).addr())).collect();
            let place = *places.entry(key).or_insert(terms.len());
            match terms.get_mut(place) {
                Some(known) => known.coefficient += term.coefficient,
                None => terms.push(term),
            }
        }
        self.terms = terms;
        self
    }

    /// A multiple.
    pub fn times_number(mut self, factor: C64) -> Operator {
        self.terms.iter_mut().for_each(|t| t.coefficient *= factor);
        self
    }

    /// Product `self * other`.
    pub fn times(&self, other: &Operator) -> Operator {
        let mut terms = Vec::with_capacity(self.terms.len() * other.terms.len());
        for a in &self.terms {
            for b in &other.terms {
                let product = a.times(b, |left, right| Some(Arc::new(left.times(right))));
                terms.extend(product.filter(|term| term.coefficient != ZERO));
            }
        }
        Operator { dimensions: self.dimensions.clone(), terms }
    }

    /// Hermitian adjoint.
    pub fn adjoint(&self) -> Operator {
        let terms = self
            .terms
            .iter()
            .map(|t| match t.product.hermitian {
                true => Term { coefficient: t.coefficient.conj(), product: t.product.clone() },
                false => {
                    let factors = t.factors().iter().map(|(s, l)| (*s, Arc::new(l.adjoint()))).collect();
                    Term::new(t.coefficient.conj(), factors)
                }
            })
            .collect();
        Operator { dimensions: self.dimensions.clone(), terms }
    }

    /// Terms written with the operators of the language, equal terms merged: `(coefficient, "Iz(a) Iz(b)")`.
    pub fn named_terms(&self, basis: &Basis) -> Vec<(C64, String)> {
        let mut out: Vec<(C64, String)> = Vec::new();
        for term in &self.terms {
            let mut coefficient = term.coefficient;
            let mut names = Vec::new();
            for (site, local) in term.factors() {
                let (factor, name) = local.name_on(basis.site(*site));
                coefficient *= factor;
                names.push(name);
            }
            let name = if names.is_empty() { "1".to_string() } else { names.join(" ") };
            match out.iter_mut().find(|(_, n)| *n == name) {
                Some((sum, _)) => *sum += coefficient,
                None => out.push((coefficient, name)),
            }
        }
        let largest = out.iter().map(|(c, _)| c.norm()).fold(0.0, f64::max);
        out.retain(|(c, _)| c.norm() > 1e-14 * largest);
        out
    }

    /// The operator restricted to some subsystems, in the given order; `None` if it acts on others.
    pub fn restricted(&self, sites: &[usize]) -> Option<Operator> {
        if sites.iter().copied().eq(0..self.dimensions.len()) {
            return Some(self.clone());
        }
        let dimensions: Vec<usize> = sites.iter().map(|&s| self.dimensions[s]).collect();
        let mut terms = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            let mut factors = Vec::with_capacity(term.factors().len());
            for (site, local) in term.factors() {
                factors.push((sites.iter().position(|s| s == site)?, local.clone()));
            }
            factors.sort_by_key(|(site, _)| *site);
            terms.push(Term::new(term.coefficient, factors));
        }
        Some(Operator { dimensions: dimensions.into(), terms })
    }

    /// Indices of the subsystems on which it acts, ascending.
    pub fn support(&self) -> Vec<usize> {
        let sites: std::collections::BTreeSet<usize> =
            self.products().flat_map(|(_, factors)| factors.iter().map(|(s, _)| *s)).collect();
        sites.into_iter().collect()
    }

    /// Sum of the terms that act on a subsystem.
    pub fn acting_on(&self, site: usize) -> Operator {
        let acts = |t: &&Term| t.factors().iter().any(|(s, _)| *s == site);
        Operator { dimensions: self.dimensions.clone(), terms: self.terms.iter().filter(acts).cloned().collect() }
    }

    /// Sum of the terms that act on no other subsystems than these.
    pub fn within(&self, sites: &[usize]) -> Operator {
        let inside = |t: &&Term| t.factors().iter().all(|(s, _)| sites.contains(s));
        Operator { dimensions: self.dimensions.clone(), terms: self.terms.iter().filter(inside).cloned().collect() }
    }

    /// Sum of the terms that act on one subsystem and no other; `None` if there is none. Multiples of the identity do not count.
    pub fn local_on(&self, site: usize) -> Option<Local> {
        let mut entries = Vec::new();
        for (coefficient, factors) in self.products() {
            if let [(s, local)] = factors
                && *s == site
            {
                entries.extend(local.entries.iter().map(|&(i, j, v)| (i, j, v * coefficient)));
            }
        }
        (!entries.is_empty()).then(|| Local::from_entries(self.dimensions[site], entries))
    }

    /// Sum of the local matrices on each subsystem, if every term acts on at most one, which has at most `largest` states; identity terms are
    /// omitted.
    pub fn locals(&self, largest: usize) -> Option<Vec<(usize, Matrix)>> {
        let mut sum: BTreeMap<usize, Matrix> = BTreeMap::new();
        for (coefficient, factors) in self.products() {
            let (site, local) = match factors {
                [] => continue,
                [(site, local)] => (*site, local),
                _ => return None,
            };
            let n = self.dimensions[site];
            if n > largest {
                return None;
            }
            let m = sum.entry(site).or_insert_with(|| Matrix::zeros(n, n));
            local.entries.iter().for_each(|&(i, j, v)| m[(i, j)] += v * coefficient);
        }
        Some(sum.into_iter().collect())
    }

    /// Subsystems on which single-site terms alone connect all local states.
    pub fn turned_alone(&self) -> Vec<usize> {
        let mut links: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for (_, factors) in self.products() {
            if let [(site, local)] = factors {
                let moved = local.entries.iter().filter(|(i, j, v)| i != j && *v != ZERO);
                links.entry(*site).or_default().extend(moved.map(|&(i, j, _)| (i, j)));
            }
        }
        let connected = |n: usize, links: &[(usize, usize)]| {
            let mut neighbours = vec![vec![]; n];
            for &(i, j) in links {
                neighbours[i].push(j);
                neighbours[j].push(i);
            }
            let mut seen = vec![false; n];
            let mut open = vec![0];
            while let Some(k) = open.pop() {
                if !std::mem::replace(&mut seen[k], true) {
                    open.extend(&neighbours[k]);
                }
            }
            seen.into_iter().all(|m| m)
        };
        links.into_iter().filter(|(s, l)| connected(self.dimensions[*s], l)).map(|(s, _)| s).collect()
    }

    /// The diagonal, if the operator is diagonal.
    pub fn diagonal(&self) -> Option<Vec<f64>> {
        if self.terms.iter().any(|t| t.factors().iter().any(|(_, l)| l.entries.iter().any(|(i, j, _)| i != j))) {
            return None;
        }
        let mut diagonal = vec![0.0; self.dimension()];
        self.visit(|i, _, v| diagonal[i] += v.re);
        Some(diagonal)
    }

    /// Dense matrix; the caller must check its size.
    pub fn matrix(&self) -> Matrix {
        let n = self.dimension();
        let mut out = Matrix::zeros(n, n);
        self.visit(|i, j, v| out[(i, j)] += v);
        out
    }

    /// Calls `visit` for every entry of every term; several terms may contribute to the same entry.
    pub(super) fn visit(&self, mut visit: impl FnMut(usize, usize, C64)) {
        // The total dimension may overflow.
        let dimension = self.dimensions.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        let small = dimension.is_some_and(|n| n <= SMALL);
        for term in self.terms.iter().filter(|t| t.coefficient != ZERO) {
            let walk = |value: C64, visit: &mut dyn FnMut(usize, usize, C64)| {
                visit_product(&self.dimensions, term.factors(), 0, (0, 0), value, visit);
            };
            if !small {
                walk(term.coefficient, &mut visit);
                continue;
            }
            let entries = term.product.entries.get_or_init(|| {
                let mut entries = Vec::new();
                walk(ONE, &mut |i, j, v| entries.push((i, j, v)));
                entries
            });
            entries.iter().for_each(|&(i, j, v)| visit(i, j, v * term.coefficient));
        }
    }

    /// Terms: coefficient, and local matrices by ascending subsystem.
    pub(super) fn products(&self) -> impl Iterator<Item = (C64, &[(usize, Arc<Local>)])> {
        self.terms.iter().filter(|t| t.coefficient != ZERO).map(|t| (t.coefficient, t.factors()))
    }

    /// Upper bound of the difference of any two eigenvalues of a Hermitian operator, without its matrix: twice the sum of the coefficient
    /// magnitudes, each times the maximum row sums of its local matrices. Multiples of the identity do not contribute.
    pub fn spread_bound(&self) -> f64 {
        let of = |(coefficient, factors): (C64, &[(usize, Arc<Local>)])| match factors {
            [] => 0.0,
            _ => 2.0 * coefficient.norm() * factors.iter().map(|(_, local)| local.largest_row_sum()).product::<f64>(),
        };
        self.products().map(of).sum()
    }

    /// Dimensions of the subsystems.
    pub fn dimensions(&self) -> &[usize] {
        &self.dimensions
    }

    /// The operator with two subsystems exchanged.
    pub fn exchanged(&self, a: usize, b: usize) -> Operator {
        let moved = |s: usize| {
            if s == a {
                b
            } else if s == b {
                a
            } else {
                s
            }
        };
        let terms = self
            .terms
            .iter()
            .map(|t| {
                let mut factors: Vec<_> = t.factors().iter().map(|(s, l)| (moved(*s), l.clone())).collect();
                factors.sort_by_key(|(s, _)| *s);
                Term::new(t.coefficient, factors)
            })
            .collect();
        Operator { dimensions: self.dimensions.clone(), terms }
    }

    /// True if both have the same terms in the same order with bitwise equal coefficients.
    pub fn is_identical(&self, other: &Operator) -> bool {
        let bits = |c: C64| (c.re.to_bits(), c.im.to_bits());
        let same = |a: &Product, b: &Product| {
            a.factors.len() == b.factors.len()
                && (a.factors.iter().zip(&b.factors))
                    .all(|(x, y)| x.0 == y.0 && (Arc::ptr_eq(&x.1, &y.1) || x.1 == y.1))
        };
        self.dimensions == other.dimensions
            && self.terms.len() == other.terms.len()
            && self.terms.iter().zip(&other.terms).all(|(a, b)| {
                bits(a.coefficient) == bits(b.coefficient)
                    && (Arc::ptr_eq(&a.product, &b.product) || same(&a.product, &b.product))
            })
    }

    /// True if two operators are equal up to rounding. Compares their expectation values in fixed product states without symmetry, in
    /// which any difference shows; the cost is the number of local matrix entries, for any dimension of the space.
    pub fn is_same(&self, other: &Operator) -> bool {
        (0..PROBES).all(|seed| {
            let (a, b) = (self.mean_in_product(seed), other.mean_in_product(seed));
            (a.0 - b.0).norm() <= 1e-12 * a.1.max(b.1)
        })
    }

    /// True if it is Hermitian: either a real sum of products of Hermitian factors, or all its expectation values tested are real.
    pub fn is_hermitian(&self) -> bool {
        let plainly =
            self.terms.iter().all(|t| t.product.hermitian && t.coefficient.im == 0.0 && t.coefficient.re.is_finite());
        plainly
            || (0..PROBES).all(|seed| {
                let (mean, scale) = self.mean_in_product(seed);
                mean.im.abs() <= 1e-12 * scale
            })
    }

    /// Expectation value in a fixed product state, and the sum of the magnitudes of all contributions.
    fn mean_in_product(&self, seed: u64) -> (C64, f64) {
        let states: Vec<Vector> = self
            .dimensions
            .iter()
            .enumerate()
            .map(|(site, &n)| probe(n, seed + 1 + PROBES * site as u64).normalize())
            .collect();
        let (mut sum, mut scale) = (ZERO, 0.0);
        for (c, factors) in self.products() {
            let (mut value, mut size) = (c, c.norm());
            for (site, local) in factors {
                let v = &states[*site];
                let parts = local.entries.iter().map(|&(i, j, x)| v[i].conj() * x * v[j]);
                let (mean, norm) = parts.fold((ZERO, 0.0), |(m, n), x| (m + x, n + x.norm()));
                value *= mean;
                size *= norm;
            }
            sum += value;
            scale += size;
        }
        (sum, scale)
    }
}

/// Number of product states in which operators are compared.
const PROBES: u64 = 4;

/// A fixed pseudo-random vector without symmetry.
fn probe(n: usize, seed: u64) -> Vector {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    Vector::from_fn(n, |_, _| C64::new(next(), next()))
}

/// Recursion over the subsystems from the left: over the entries of a local matrix, or over the diagonal where there is no factor.
fn visit_product(
    dimensions: &[usize],
    factors: &[(usize, Arc<Local>)],
    site: usize,
    (row, column): (usize, usize),
    value: C64,
    visit: &mut dyn FnMut(usize, usize, C64),
) {
    let Some(&n) = dimensions.get(site) else { return visit(row, column, value) };
    match factors.split_first() {
        Some(((at, local), rest)) if *at == site => {
            for &(i, j, v) in &local.entries {
                visit_product(dimensions, rest, site + 1, (row * n + i, column * n + j), value * v, visit);
            }
        }
        _ => {
            for k in 0..n {
                visit_product(dimensions, factors, site + 1, (row * n + k, column * n + k), value, visit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::site::Site;
    use super::*;
    use crate::linalg::{I, commutator, kron, real};

    fn basis() -> Basis {
        Basis::new(vec![Site::spin("a", 1, None), Site::spin("b", 2, None), Site::mode("m", 4)])
    }

    fn of(kind: LocalKind, k: usize) -> Matrix {
        Operator::of(&basis(), kind, k).unwrap().matrix()
    }

    #[test]
    fn spins_obey_their_commutators() {
        for k in 0..2 {
            let c = commutator(&of(LocalKind::Ix, k), &of(LocalKind::Iy, k));
            assert!((c - of(LocalKind::Iz, k).map(|x| x * I)).norm() < 1e-13);
        }
    }

    #[test]
    fn a_product_is_a_kronecker_product() {
        let b = basis();
        let op = Operator::of(&b, LocalKind::X, 0).unwrap().times(&Operator::of(&b, LocalKind::Number, 2).unwrap());
        let x = Matrix::from_row_slice(2, 2, &[ZERO, ONE, ONE, ZERO]);
        let n = Matrix::from_diagonal(&Vector::from_fn(4, |k, _| real(k as f64)));
        let expected = kron(&kron(&x, &Matrix::identity(3, 3)), &n);
        assert!((op.matrix() - expected).norm() < 1e-14);
    }

    #[test]
    fn hermitian_or_not_is_seen() {
        let b = basis();
        let op = Operator::of(&b, LocalKind::Ip, 1).unwrap().times(&Operator::of(&b, LocalKind::Raise, 2).unwrap());
        let op = op.plus(Operator::of(&b, LocalKind::Y, 0).unwrap().times_number(real(0.3)));
        assert!(!op.is_hermitian() && !op.is_same(&op.adjoint()));
        let sum = op.clone().plus(op.adjoint());
        assert!(sum.is_hermitian() && sum.is_same(&sum.adjoint()));
    }

    #[test]
    fn an_exchange_of_equal_spins_is_recognised() {
        let b = Basis::new((0..3).map(|k| Site::spin(format!("s[{k}]"), 1, None)).collect());
        let of = |kind, k| Operator::of(&b, kind, k).unwrap();
        let pair = |i, j| of(LocalKind::X, i).times(&of(LocalKind::X, j));
        let ring = pair(0, 1).plus(pair(1, 2)).plus(pair(0, 2));
        assert!(ring.is_same(&ring.exchanged(0, 2)));
        let chain = pair(0, 1).plus(pair(1, 2));
        assert!(chain.is_same(&chain.exchanged(0, 2)) && !chain.is_same(&chain.exchanged(0, 1)));
    }
}
