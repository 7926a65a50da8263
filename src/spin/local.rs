//! Local operators: matrices on one subsystem, and the operator keywords of the language.

#![expect(
    clippy::indexing_slicing,
    reason = "entries are within the dimension of the subsystem, and compared operators have at least one entry"
)]

use super::site::{Site, SiteKind};
use crate::linalg::{C64, I, Matrix, ONE, ZERO, real};
use std::sync::OnceLock;

/// A sparse matrix on one subsystem.
#[derive(Debug, Clone)]
pub struct Local {
    dimension: usize,
    pub(super) entries: Vec<(usize, usize, C64)>,
    /// True if it is exactly Hermitian; computed on first use.
    hermitian: OnceLock<bool>,
}

impl PartialEq for Local {
    fn eq(&self, other: &Local) -> bool {
        self.dimension == other.dimension && self.entries == other.entries
    }
}

/// Local operators of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalKind {
    /// Pauli matrix sigma_x, spin 1/2 only.
    X,
    /// Pauli matrix sigma_y, spin 1/2 only.
    Y,
    /// Pauli matrix sigma_z, spin 1/2 only.
    Z,
    /// Spin operator Ix.
    Ix,
    /// Spin operator Iy.
    Iy,
    /// Spin operator Iz.
    Iz,
    /// Raising operator I+ of a spin.
    Ip,
    /// Lowering operator I- of a spin.
    Im,
    /// Annihilation operator of a mode.
    Lower,
    /// Creation operator of a mode.
    Raise,
    /// Number operator of a mode.
    Number,
}

/// All local operators of the language: (keyword, kind, description).
pub const LOCAL_OPERATORS: &[(&str, LocalKind, &str)] = &[
    ("X", LocalKind::X, "Pauli matrix sigma_x of a spin 1/2; of an array, the sum"),
    ("Y", LocalKind::Y, "Pauli matrix sigma_y of a spin 1/2; of an array, the sum"),
    ("Z", LocalKind::Z, "Pauli matrix sigma_z of a spin 1/2; of an array, the sum"),
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
    /// Looks up an operator by its keyword.
    pub fn named(word: &str) -> Option<LocalKind> {
        LOCAL_OPERATORS.iter().find(|(w, _, _)| *w == word).map(|(_, k, _)| *k)
    }

    /// Matrix of the operator on a subsystem; `None` if it is not defined there.
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
                Some(Local::of(n, entries))
            }
            LocalKind::Iz => {
                if !site.has_spin() {
                    return None;
                }
                let entries =
                    (0..n).map(|k| (k, k, real(site.twice_m(k) as f64 / 2.0))).filter(|(_, _, v)| *v != ZERO).collect();
                Some(Local::of(n, entries))
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
                Some(Local::of(n, entries))
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
    /// From entries that are sorted by (row, column), one for each place.
    fn of(dimension: usize, entries: Vec<(usize, usize, C64)>) -> Local {
        Local { dimension, entries, hermitian: OnceLock::new() }
    }

    /// Sparse form of a dense local matrix.
    pub fn from_matrix(m: &Matrix) -> Local {
        let n = m.nrows();
        let all = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
        let entries = all.map(|(i, j)| (i, j, m[(i, j)])).filter(|(_, _, v)| *v != ZERO).collect();
        Local::of(n, entries)
    }

    /// Dense form.
    pub fn matrix(&self) -> Matrix {
        let mut out = Matrix::zeros(self.dimension, self.dimension);
        self.entries.iter().for_each(|&(i, j, v)| out[(i, j)] += v);
        out
    }

    /// A matrix of some dimension from entries (row, column, value); values at equal places are added.
    pub fn from_entries(dimension: usize, entries: Vec<(usize, usize, C64)>) -> Local {
        collect(dimension, entries)
    }

    /// Number of rows.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Entries other than zero: (row, column, value), sorted.
    pub fn entries(&self) -> &[(usize, usize, C64)] {
        &self.entries
    }

    /// The entry at (row, column).
    pub fn entry(&self, row: usize, column: usize) -> C64 {
        let found = self.entries.binary_search_by_key(&(row, column), |&(i, j, _)| (i, j));
        found.map_or(ZERO, |at| self.entries[at].2)
    }

    /// The Frobenius norm.
    pub fn norm(&self) -> f64 {
        self.entries.iter().map(|(_, _, v)| v.norm_sqr()).sum::<f64>().sqrt()
    }

    /// `factor` times the matrix.
    pub fn scaled(&self, factor: C64) -> Local {
        let entries = self.entries.iter().map(|&(i, j, v)| (i, j, v * factor)).collect();
        Local::of(self.dimension, entries)
    }

    pub(super) fn adjoint(&self) -> Local {
        let mut entries: Vec<_> = self.entries.iter().map(|&(i, j, v)| (j, i, v.conj())).collect();
        entries.sort_by_key(|&(i, j, _)| (i, j));
        Local::of(self.dimension, entries)
    }

    /// The sum of two matrices.
    pub fn plus(&self, other: &Local) -> Local {
        collect(self.dimension, self.entries.iter().chain(&other.entries).copied().collect())
    }

    /// Maximum absolute row sum.
    pub(super) fn largest_row_sum(&self) -> f64 {
        let mut rows = vec![0.0; self.dimension];
        self.entries.iter().for_each(|(i, _, v)| rows[*i] += v.norm());
        rows.into_iter().fold(0.0, f64::max)
    }

    /// A bound on the multiplications of matrix elements in `self * other`: the entries of the left matrix times those of the longest row of
    /// the right one, and the entries that are read.
    pub(super) fn multiplications(&self, other: &Local) -> u64 {
        let longest = other.entries.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len).max().unwrap_or(0);
        (self.entries.len() * longest + other.entries.len()) as u64
    }

    /// The product `self * other`, by rows: no list of all products of elements is held.
    pub(super) fn times(&self, other: &Local) -> Local {
        let starts = other.starts();
        // Every element of a row is read once before the next row.
        let mut row: Vec<Option<C64>> = vec![None; self.dimension];
        let mut columns = vec![];
        let mut entries = Vec::with_capacity(self.entries.len());
        for left in self.entries.chunk_by(|a, b| a.0 == b.0) {
            for &(_, k, v) in left {
                for &(_, j, w) in &other.entries[starts[k]..starts[k + 1]] {
                    match &mut row[j] {
                        Some(sum) => *sum += v * w,
                        new => {
                            *new = Some(v * w);
                            columns.push(j);
                        }
                    }
                }
            }
            columns.sort_unstable();
            let elements = columns.drain(..).filter_map(|j| row[j].take().map(|v| (left[0].0, j, v)));
            entries.extend(elements.filter(|e| e.2 != ZERO));
        }
        Local::of(self.dimension, entries)
    }

    /// The language's operator of which this is a multiple, and the factor; for other matrices the factor 1 and a text with the dimension.
    pub(super) fn name_on(&self, site: &Site) -> (C64, String) {
        let spin_half = site.kind == SiteKind::Spin && site.dimension == 2;
        for (word, kind, _) in LOCAL_OPERATORS {
            // Prefer spin operators to Pauli matrices, so that equal terms have equal names.
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

    /// True if it is exactly (bitwise) Hermitian.
    pub(super) fn is_hermitian(&self) -> bool {
        *self.hermitian.get_or_init(|| {
            // Entries (j, i) of a column i are met in the order of their rows, as the entries (i, j) of the row i are.
            let mut next = self.starts();
            self.entries.iter().all(|&(i, j, v)| {
                let mirrored = self.entries.get(next[j]);
                next[j] += 1;
                mirrored.is_some_and(|(a, b, w)| (*a, *b) == (j, i) && *w == v.conj())
            })
        })
    }

    /// Index of the first entry of each row, and the number of entries.
    fn starts(&self) -> Vec<usize> {
        let mut starts = vec![0; self.dimension + 1];
        self.entries.iter().for_each(|(i, _, _)| starts[i + 1] += 1);
        (0..self.dimension).for_each(|i| starts[i + 1] += starts[i]);
        starts
    }

    /// The factor, if this is a multiple of the identity.
    pub(super) fn multiple_of_identity(&self) -> Option<C64> {
        let first = self.entries.first()?.2;
        let diagonal =
            self.entries.len() == self.dimension && self.entries.iter().all(|&(i, j, v)| i == j && v == first);
        diagonal.then_some(first)
    }
}

/// Sums entries at equal positions and drops zeros.
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
    Local::of(dimension, merged)
}
