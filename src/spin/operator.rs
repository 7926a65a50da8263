//! Operators as sums of products of local matrices: as they are written on paper. They can be applied to a vector without
//! ever being a matrix, and turned into one when the space is small.

use super::basis::{Basis, Site, SiteKind};
use crate::linalg::{C64, I, Matrix, ONE, Vector, ZERO, real};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A matrix on one subsystem, by its entries that are not zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Local {
    dimension: usize,
    pub(super) entries: Vec<(usize, usize, C64)>,
}

/// The local operators of the language, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalKind {
    /// Pauli matrix, spin 1/2 only.
    X,
    /// Pauli matrix, spin 1/2 only.
    Y,
    /// Pauli matrix, spin 1/2 only.
    Z,
    /// Spin operator.
    Ix,
    /// Spin operator.
    Iy,
    /// Spin operator.
    Iz,
    /// Raising operator of a spin.
    Ip,
    /// Lowering operator of a spin.
    Im,
    /// Annihilator of a mode.
    Lower,
    /// Creator of a mode.
    Raise,
    /// Number operator of a mode.
    Number,
}

/// Every local operator of the language: word, kind, meaning.
pub const LOCAL_OPERATORS: &[(&str, LocalKind, &str)] = &[
    ("X", LocalKind::X, "Pauli matrix sigma_x of a spin 1/2"),
    ("Y", LocalKind::Y, "Pauli matrix sigma_y of a spin 1/2"),
    ("Z", LocalKind::Z, "Pauli matrix sigma_z of a spin 1/2"),
    ("Ix", LocalKind::Ix, "spin operator I_x; of an array or a collective, the sum"),
    ("Iy", LocalKind::Iy, "spin operator I_y; of an array or a collective, the sum"),
    ("Iz", LocalKind::Iz, "spin operator I_z; of an array or a collective, the sum"),
    ("Ip", LocalKind::Ip, "ladder operator I_x + i I_y; of an array or a collective, the sum"),
    ("Im", LocalKind::Im, "ladder operator I_x - i I_y; of an array or a collective, the sum"),
    ("lower", LocalKind::Lower, "annihilation operator of a mode"),
    ("raise", LocalKind::Raise, "creation operator of a mode"),
    ("number", LocalKind::Number, "number operator of a mode"),
];

impl LocalKind {
    /// The operator written like this.
    pub fn named(word: &str) -> Option<LocalKind> {
        LOCAL_OPERATORS.iter().find(|(w, _, _)| *w == word).map(|(_, k, _)| *k)
    }

    /// Its matrix on a subsystem; `None` when the subsystem has no such operator.
    pub fn on(self, site: &Site) -> Option<Local> {
        let n = site.dimension;
        match self {
            LocalKind::X | LocalKind::Y | LocalKind::Z => {
                if site.kind != SiteKind::Spin || n != 2 {
                    return None;
                }
                let spin = match self {
                    LocalKind::X => LocalKind::Ix,
                    LocalKind::Y => LocalKind::Iy,
                    _ => LocalKind::Iz,
                };
                Some(spin.on(site)?.scaled(real(2.0)))
            }
            LocalKind::Lower | LocalKind::Raise | LocalKind::Number => {
                if site.kind != SiteKind::Mode {
                    return None;
                }
                let entries = match self {
                    LocalKind::Lower => (1..n).map(|k| (k - 1, k, real((k as f64).sqrt()))).collect(),
                    LocalKind::Raise => (1..n).map(|k| (k, k - 1, real((k as f64).sqrt()))).collect(),
                    _ => (1..n).map(|k| (k, k, real(k as f64))).collect(),
                };
                Some(Local { dimension: n, entries })
            }
            LocalKind::Iz => {
                if !site.has_spin() {
                    return None;
                }
                let entries =
                    (0..n).map(|k| (k, k, real(site.twice_m(k) as f64 / 2.0))).filter(|(_, _, v)| *v != ZERO).collect();
                Some(Local { dimension: n, entries })
            }
            LocalKind::Ip => {
                if !site.has_spin() {
                    return None;
                }
                let mut entries = Vec::with_capacity(n);
                let mut start = 0;
                for multiplet in site.multiplets() {
                    let spin = f64::from(multiplet.twice_j) / 2.0;
                    // <m+1| I+ |m> = sqrt(I(I+1) - m(m+1)) with m = I - k.
                    entries.extend((1..multiplet.dimension()).map(|k| {
                        let m = spin - k as f64;
                        (start + k - 1, start + k, real((spin * (spin + 1.0) - m * (m + 1.0)).sqrt()))
                    }));
                    start += multiplet.dimension();
                }
                Some(Local { dimension: n, entries })
            }
            LocalKind::Im => Some(LocalKind::Ip.on(site)?.adjoint()),
            LocalKind::Ix => {
                let (p, m) = (LocalKind::Ip.on(site)?, LocalKind::Im.on(site)?);
                Some(p.scaled(real(0.5)).plus(&m.scaled(real(0.5))))
            }
            LocalKind::Iy => {
                let (p, m) = (LocalKind::Ip.on(site)?, LocalKind::Im.on(site)?);
                Some(p.scaled(-I * 0.5).plus(&m.scaled(I * 0.5)))
            }
        }
    }
}

impl Local {
    /// A local matrix from a dense one.
    pub fn from_matrix(m: &Matrix) -> Local {
        let n = m.nrows();
        let all = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
        let entries = all.map(|(i, j)| (i, j, m[(i, j)])).filter(|(_, _, v)| *v != ZERO).collect();
        Local { dimension: n, entries }
    }

    fn scaled(&self, factor: C64) -> Local {
        let entries = self.entries.iter().map(|&(i, j, v)| (i, j, v * factor)).collect();
        Local { dimension: self.dimension, entries }
    }

    fn adjoint(&self) -> Local {
        let mut entries: Vec<_> = self.entries.iter().map(|&(i, j, v)| (j, i, v.conj())).collect();
        entries.sort_by_key(|&(i, j, _)| (i, j));
        Local { dimension: self.dimension, entries }
    }

    fn plus(&self, other: &Local) -> Local {
        collect(self.dimension, self.entries.iter().chain(&other.entries).copied().collect())
    }

    fn times(&self, other: &Local) -> Local {
        let mut by_row: Vec<Vec<(usize, C64)>> = vec![vec![]; self.dimension];
        for &(i, j, v) in &other.entries {
            by_row[i].push((j, v));
        }
        let entries =
            self.entries.iter().flat_map(|&(i, k, v)| by_row[k].iter().map(move |&(j, w)| (i, j, v * w))).collect();
        collect(self.dimension, entries)
    }

    /// The operator of the language of which this is a multiple, and the factor; else its size.
    fn name_on(&self, site: &Site) -> (C64, String) {
        let spin_half = site.kind == SiteKind::Spin && site.dimension == 2;
        for (word, kind, _) in LOCAL_OPERATORS {
            // One name for one thing: spin operators rather than Pauli matrices.
            if spin_half && matches!(kind, LocalKind::X | LocalKind::Y | LocalKind::Z) {
                continue;
            }
            let Some(known) = kind.on(site) else { continue };
            if known.entries.len() != self.entries.len() || known.entries.is_empty() {
                continue;
            }
            let factor = self.entries[0].2 / known.entries[0].2;
            let same = self
                .entries
                .iter()
                .zip(&known.entries)
                .all(|(a, b)| a.0 == b.0 && a.1 == b.1 && (a.2 - b.2 * factor).norm() <= 1e-12 * a.2.norm());
            if same {
                return (factor, format!("{word}({})", site.name));
            }
        }
        (ONE, format!("[{0} x {0} matrix]({1})", self.dimension, site.name))
    }

    /// The factor, if this is a multiple of the identity.
    fn multiple_of_identity(&self) -> Option<C64> {
        let first = self.entries.first()?.2;
        let diagonal =
            self.entries.len() == self.dimension && self.entries.iter().all(|&(i, j, v)| i == j && v == first);
        diagonal.then_some(first)
    }
}

/// Entries of the same place are added; zeros are dropped.
fn collect(dimension: usize, mut entries: Vec<(usize, usize, C64)>) -> Local {
    entries.sort_by_key(|&(i, j, _)| (i, j));
    let mut merged: Vec<(usize, usize, C64)> = Vec::with_capacity(entries.len());
    for (i, j, v) in entries {
        match merged.last_mut() {
            Some(last) if last.0 == i && last.1 == j => last.2 += v,
            _ => merged.push((i, j, v)),
        }
    }
    merged.retain(|e| e.2 != ZERO);
    Local { dimension, entries: merged }
}

/// A product of local matrices on different subsystems.
#[derive(Debug, Clone)]
struct Term {
    coefficient: C64,
    /// By ascending subsystem; the identity is left out.
    factors: Vec<(usize, Arc<Local>)>,
}

/// A sum of products of local matrices.
#[derive(Debug, Clone)]
pub struct Operator {
    dimensions: Arc<[usize]>,
    terms: Vec<Term>,
}

impl Operator {
    /// Zero.
    pub fn zero(basis: &Basis) -> Operator {
        Operator { dimensions: basis.dimensions().into(), terms: vec![] }
    }

    /// Zero on the space of another operator.
    pub fn zero_like(other: &Operator) -> Operator {
        Operator { dimensions: other.dimensions.clone(), terms: vec![] }
    }

    /// A multiple of the identity.
    pub fn identity(basis: &Basis, factor: C64) -> Operator {
        let term = Term { coefficient: factor, factors: vec![] };
        Operator { dimensions: basis.dimensions().into(), terms: vec![term] }
    }

    /// A local matrix on one subsystem.
    pub fn local(basis: &Basis, site: usize, local: Local) -> Operator {
        let term = Term { coefficient: ONE, factors: vec![(site, Arc::new(local))] };
        Operator { dimensions: basis.dimensions().into(), terms: vec![term] }
    }

    /// A local operator of the language; `None` when the subsystem has no such operator.
    pub fn of(basis: &Basis, kind: LocalKind, site: usize) -> Option<Operator> {
        Some(Operator::local(basis, site, kind.on(&basis.sites[site])?))
    }

    /// The dimension of the whole space.
    pub fn dimension(&self) -> usize {
        self.dimensions.iter().product()
    }

    /// How many products it has.
    pub fn terms(&self) -> usize {
        self.terms.len()
    }

    /// Whether it has no terms.
    pub fn is_zero(&self) -> bool {
        self.terms.iter().all(|t| t.coefficient == ZERO)
    }

    /// The sum of two operators.
    pub fn plus(mut self, other: Operator) -> Operator {
        self.terms.extend(other.terms);
        self
    }

    /// A multiple.
    pub fn times_number(mut self, factor: C64) -> Operator {
        self.terms.iter_mut().for_each(|t| t.coefficient *= factor);
        self
    }

    /// The product, `self` on the left.
    pub fn times(&self, other: &Operator) -> Operator {
        let mut terms = Vec::with_capacity(self.terms.len() * other.terms.len());
        for a in &self.terms {
            for b in &other.terms {
                let term = product_of_terms(a, b);
                if term.coefficient != ZERO {
                    terms.push(term);
                }
            }
        }
        Operator { dimensions: self.dimensions.clone(), terms }
    }

    /// The Hermitian conjugate.
    pub fn adjoint(&self) -> Operator {
        let terms = self
            .terms
            .iter()
            .map(|t| Term {
                coefficient: t.coefficient.conj(),
                factors: t.factors.iter().map(|(s, l)| (*s, Arc::new(l.adjoint()))).collect(),
            })
            .collect();
        Operator { dimensions: self.dimensions.clone(), terms }
    }

    /// The terms by the names of the language, equal ones added up: `(coefficient, "Iz(a) Iz(b)")`.
    pub fn named_terms(&self, basis: &Basis) -> Vec<(C64, String)> {
        let mut out: Vec<(C64, String)> = Vec::new();
        for term in &self.terms {
            let mut coefficient = term.coefficient;
            let mut names = Vec::new();
            for (site, local) in &term.factors {
                let (factor, name) = local.name_on(&basis.sites[*site]);
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

    /// The same operator on some subsystems alone, in the order given; `None` when it acts on others.
    pub fn restricted(&self, sites: &[usize]) -> Option<Operator> {
        let dimensions: Vec<usize> = sites.iter().map(|&s| self.dimensions[s]).collect();
        let mut terms = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            let mut factors = Vec::with_capacity(term.factors.len());
            for (site, local) in &term.factors {
                factors.push((sites.iter().position(|s| s == site)?, local.clone()));
            }
            factors.sort_by_key(|(site, _)| *site);
            terms.push(Term { coefficient: term.coefficient, factors });
        }
        Some(Operator { dimensions: dimensions.into(), terms })
    }

    /// The subsystems it acts on, ascending.
    pub fn support(&self) -> Vec<usize> {
        let sites: std::collections::BTreeSet<usize> =
            self.products().flat_map(|(_, factors)| factors.iter().map(|(s, _)| *s)).collect();
        sites.into_iter().collect()
    }

    /// The matrix on every subsystem that it acts on, when each term acts on one alone; what acts on none is left out.
    pub fn locals(&self) -> Option<Vec<(usize, Matrix)>> {
        let mut sum: BTreeMap<usize, Matrix> = BTreeMap::new();
        for (coefficient, factors) in self.products() {
            let (site, local) = match factors {
                [] => continue,
                [(site, local)] => (*site, local),
                _ => return None,
            };
            let n = self.dimensions[site];
            let m = sum.entry(site).or_insert_with(|| Matrix::zeros(n, n));
            local.entries.iter().for_each(|&(i, j, v)| m[(i, j)] += v * coefficient);
        }
        Some(sum.into_iter().collect())
    }

    /// Subsystems of which all states are connected by terms that act on them alone.
    pub fn turned_alone(&self) -> Vec<usize> {
        let mut links: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for (_, factors) in self.products() {
            if let [(site, local)] = factors {
                let moved = local.entries.iter().filter(|(i, j, v)| i != j && *v != ZERO);
                links.entry(*site).or_default().extend(moved.map(|&(i, j, _)| (i, j)));
            }
        }
        let connected = |n: usize, links: &[(usize, usize)]| {
            let mut met = vec![false; n];
            let mut open = vec![0];
            while let Some(k) = open.pop() {
                if !std::mem::replace(&mut met[k], true) {
                    open.extend(links.iter().filter(|l| l.0 == k).map(|l| l.1));
                    open.extend(links.iter().filter(|l| l.1 == k).map(|l| l.0));
                }
            }
            met.into_iter().all(|m| m)
        };
        links.into_iter().filter(|(s, l)| connected(self.dimensions[*s], l)).map(|(s, _)| s).collect()
    }

    /// The diagonal, when the operator has no other entries.
    pub fn diagonal(&self) -> Option<Vec<f64>> {
        if self.terms.iter().any(|t| t.factors.iter().any(|(_, l)| l.entries.iter().any(|(i, j, _)| i != j))) {
            return None;
        }
        let mut diagonal = vec![0.0; self.dimension()];
        self.visit(|i, _, v| diagonal[i] += v.re);
        Some(diagonal)
    }

    /// The dense matrix; its size is the caller's care.
    pub fn matrix(&self) -> Matrix {
        let n = self.dimension();
        let mut out = Matrix::zeros(n, n);
        self.visit(|i, j, v| out[(i, j)] += v);
        out
    }

    /// Calls `visit` for every entry of every term; entries of different terms may meet at one place.
    fn visit(&self, mut visit: impl FnMut(usize, usize, C64)) {
        for term in &self.terms {
            if term.coefficient != ZERO {
                visit_term(&self.dimensions, term, 0, 0, 0, 0, term.coefficient, &mut visit);
            }
        }
    }

    /// The terms: coefficient, and the local matrices by ascending subsystem.
    pub(super) fn products(&self) -> impl Iterator<Item = (C64, &[(usize, Arc<Local>)])> {
        self.terms.iter().filter(|t| t.coefficient != ZERO).map(|t| (t.coefficient, t.factors.as_slice()))
    }

    /// The dimensions of the subsystems.
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
                let mut factors: Vec<_> = t.factors.iter().map(|(s, l)| (moved(*s), l.clone())).collect();
                factors.sort_by_key(|(s, _)| *s);
                Term { coefficient: t.coefficient, factors }
            })
            .collect();
        Operator { dimensions: self.dimensions.clone(), terms }
    }

    /// Whether two operators are equal, to rounding. Tested by their means in product states without symmetries: those determine
    /// an operator, and a mean costs as much as the local matrices have entries, however large the space is.
    pub fn is_same(&self, other: &Operator) -> bool {
        (0..PROBES).all(|seed| {
            let (a, b) = (self.mean_in_product(seed), other.mean_in_product(seed));
            (a.0 - b.0).norm() <= 1e-12 * a.1.max(b.1)
        })
    }

    /// Whether it equals its adjoint: all its means are real.
    pub fn is_hermitian(&self) -> bool {
        (0..PROBES).all(|seed| {
            let (mean, scale) = self.mean_in_product(seed);
            mean.im.abs() <= 1e-12 * scale
        })
    }

    /// The mean in a fixed product state, and the sum of the sizes of all contributions.
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

/// How many product states are looked at to compare operators.
const PROBES: u64 = 4;

/// A fixed vector without symmetries.
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

fn product_of_terms(a: &Term, b: &Term) -> Term {
    let mut coefficient = a.coefficient * b.coefficient;
    let mut factors: Vec<(usize, Arc<Local>)> = Vec::with_capacity(a.factors.len() + b.factors.len());
    let (mut i, mut j) = (0, 0);
    while i < a.factors.len() || j < b.factors.len() {
        let left = a.factors.get(i).map_or(usize::MAX, |f| f.0);
        let right = b.factors.get(j).map_or(usize::MAX, |f| f.0);
        if left < right {
            factors.push(a.factors[i].clone());
            i += 1;
        } else if right < left {
            factors.push(b.factors[j].clone());
            j += 1;
        } else {
            let local = a.factors[i].1.times(&b.factors[j].1);
            if local.entries.is_empty() {
                coefficient = ZERO;
            } else if let Some(factor) = local.multiple_of_identity() {
                coefficient *= factor;
            } else {
                factors.push((left, Arc::new(local)));
            }
            (i, j) = (i + 1, j + 1);
        }
    }
    Term { coefficient, factors }
}

/// Walks through the subsystems from the left; each local entry, or each diagonal place where there is no factor, leads on.
#[allow(clippy::too_many_arguments)]
fn visit_term(
    dimensions: &[usize],
    term: &Term,
    site: usize,
    factor: usize,
    row: usize,
    column: usize,
    value: C64,
    visit: &mut dyn FnMut(usize, usize, C64),
) {
    let Some(&n) = dimensions.get(site) else { return visit(row, column, value) };
    match term.factors.get(factor) {
        Some((at, local)) if *at == site => {
            for &(i, j, v) in &local.entries {
                visit_term(dimensions, term, site + 1, factor + 1, row * n + i, column * n + j, value * v, visit);
            }
        }
        _ => {
            for k in 0..n {
                visit_term(dimensions, term, site + 1, factor, row * n + k, column * n + k, value, visit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{commutator, kron};

    fn basis() -> Basis {
        Basis { sites: vec![Site::spin("a", 1, None), Site::spin("b", 2, None), Site::mode("m", 4)] }
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
        let b = Basis { sites: (0..3).map(|k| Site::spin(format!("s[{k}]"), 1, None)).collect() };
        let of = |kind, k| Operator::of(&b, kind, k).unwrap();
        let pair = |i, j| of(LocalKind::X, i).times(&of(LocalKind::X, j));
        let ring = pair(0, 1).plus(pair(1, 2)).plus(pair(0, 2));
        assert!(ring.is_same(&ring.exchanged(0, 2)));
        let chain = pair(0, 1).plus(pair(1, 2));
        assert!(chain.is_same(&chain.exchanged(0, 2)) && !chain.is_same(&chain.exchanged(0, 1)));
    }
}
