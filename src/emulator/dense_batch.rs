//! The dense batch engine: Hamiltonians of up to [`LARGEST`] states as sums of constant operators with coefficients that differ from
//! lane to lane. Matrices, eigendecompositions and evolution are computed for all lanes at once.

use crate::hamiltonian::ensemble_program::Terms;
use crate::lanes::{Entry, LANES, Lane, MatrixBatch, sin_cos};
use crate::metrics::LevelsBatch;
use crate::spin::{Operator, Space, Sparse};
use crate::waveform::Slot;

/// Largest dimension of the dense batch engine: above it, one matrix per lane no longer fits into the cache.
pub const LARGEST: usize = 16;

/// A Hamiltonian as entries of constant matrices, one coefficient per matrix.
pub struct Assembly {
    terms: Vec<(Slot, Vec<Entry>)>,
    /// Upper bound of the spectral width (largest difference of eigenvalues) of each term.
    spreads: Vec<(Slot, f64)>,
}

impl Assembly {
    /// Expands the terms on a space.
    pub fn of(terms: &Terms, space: &Space) -> Assembly {
        let entries = |operator: &Operator| {
            let mut out = Vec::new();
            Sparse::of(operator, space).visit(|row, column, x| out.push((row, column, x.re, x.im)));
            out
        };
        Assembly {
            terms: terms.iter().map(|(slot, operator)| (*slot, entries(operator))).collect(),
            spreads: terms.iter().map(|(slot, operator)| (*slot, operator.spread_bound())).collect(),
        }
    }

    /// The terms: slots of the coefficients, and constant matrices.
    pub fn terms(&self) -> &[(Slot, Vec<Entry>)] {
        &self.terms
    }

    /// The n x n Hamiltonian of each lane.
    pub fn matrix(&self, slots: &[Lane], n: usize) -> MatrixBatch {
        let mut out = MatrixBatch::zeros(n);
        let coefficients: Vec<Lane> = self.terms.iter().map(|(slot, _)| slot.of(slots)).collect();
        pulp::Arch::new().dispatch(Assemble { assembly: self, coefficients: &coefficients, out: &mut out });
        out
    }

    /// Upper bound of the spectral width, per lane.
    pub fn spread(&self, slots: &[Lane]) -> Lane {
        self.spreads.iter().fold(Lane::zero(), |sum, (slot, most)| sum + slot.of(slots).abs() * *most)
    }

    /// All coefficients, if each is the same in all lanes of every batch.
    pub fn constants(&self, constant: impl Fn(&Slot) -> Option<f64>) -> Option<Vec<f64>> {
        self.terms.iter().map(|(c, _)| constant(c)).collect()
    }

    /// Eigendecomposition for coefficients that are the same in all lanes; `None` if it fails.
    pub fn levels(&self, numbers: &[f64], n: usize) -> Option<LevelsBatch> {
        let mut matrix = MatrixBatch::zeros(n);
        let coefficients: Vec<Lane> = numbers.iter().map(|x| Lane::splat(*x)).collect();
        pulp::Arch::new().dispatch(Assemble { assembly: self, coefficients: &coefficients, out: &mut matrix });
        let mut irregular = [false; LANES];
        let levels = levels_of(matrix, &mut irregular);
        (!irregular.contains(&true)).then_some(LevelsBatch { shared: true, ..levels })
    }
}

/// Sums the terms of a Hamiltonian.
struct Assemble<'a> {
    assembly: &'a Assembly,
    coefficients: &'a [Lane],
    out: &'a mut MatrixBatch,
}

impl pulp::NullaryFnOnce for Assemble<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for ((_, entries), coefficient) in self.assembly.terms.iter().zip(self.coefficients) {
            self.out.add_scaled(coefficient, entries);
        }
    }
}

/// Eigendecompositions; lanes in which it fails become irregular.
pub fn levels_of(matrix: MatrixBatch, irregular: &mut [bool; LANES]) -> LevelsBatch {
    let (levels, found) = LevelsBatch::of(matrix, false);
    found.iter().zip(irregular).for_each(|(found, irregular)| *irregular |= !found);
    levels
}

/// Evolution under a Hamiltonian: `rho(t)_ab = rho_ab exp(-i (E_a - E_b) t)` in its eigenbasis.
pub struct Evolving<'a> {
    levels: &'a LevelsBatch,
    /// The state at time 0, in the eigenbasis.
    inside: MatrixBatch,
    moved: MatrixBatch,
    scratch: MatrixBatch,
}

impl<'a> Evolving<'a> {
    /// Starts from the state `rho`.
    pub fn new(levels: &'a LevelsBatch, rho: &MatrixBatch) -> Evolving<'a> {
        let zeros = MatrixBatch::zeros(rho.dimension());
        let mut evolving = Evolving { levels, inside: zeros.clone(), moved: zeros.clone(), scratch: zeros };
        pulp::Arch::new().dispatch(Begin { evolving: &mut evolving, rho });
        evolving
    }

    /// The state at time 0, in the eigenbasis.
    pub fn inside(&self) -> &MatrixBatch {
        &self.inside
    }

    /// The time derivative at time 0, in the eigenbasis: `-i (E_a - E_b) rho_ab`.
    pub fn rate(&mut self, out: &mut MatrixBatch) {
        pulp::Arch::new().dispatch(Differentiate { evolving: self, out });
    }

    /// The state at time t in all lanes.
    pub fn at(&mut self, t: f64, out: &mut MatrixBatch) {
        pulp::Arch::new().dispatch(Advance { evolving: self, t, out });
    }
}

struct Begin<'e, 'a> {
    evolving: &'e mut Evolving<'a>,
    rho: &'e MatrixBatch,
}

impl pulp::NullaryFnOnce for Begin<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Evolving { levels, inside, scratch, .. } = self.evolving;
        MatrixBatch::conjugate_back(&levels.vectors, self.rho, scratch, inside);
    }
}

struct Differentiate<'e, 'a> {
    evolving: &'e mut Evolving<'a>,
    out: &'e mut MatrixBatch,
}

impl pulp::NullaryFnOnce for Differentiate<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Evolving { levels, inside, moved, scratch } = self.evolving;
        for (a, x) in levels.values.iter().enumerate() {
            for (b, y) in levels.values.iter().enumerate() {
                let (w, (re, im)) = (*x - *y, inside.at(a, b));
                moved.put(a, b, im * w, -(re * w));
            }
        }
        MatrixBatch::conjugate(&levels.vectors, moved, scratch, self.out);
    }
}

struct Advance<'e, 'a> {
    evolving: &'e mut Evolving<'a>,
    t: f64,
    out: &'e mut MatrixBatch,
}

impl pulp::NullaryFnOnce for Advance<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Evolving { levels, inside, moved, scratch } = self.evolving;
        for (a, x) in levels.values.iter().enumerate() {
            let (re, im) = inside.at(a, a);
            moved.put(a, a, re, im);
            for (b, y) in levels.values.iter().enumerate().skip(a + 1) {
                // exp(-i (E_a - E_b) t) above the diagonal, its conjugate below.
                let (sin, cos) = sin_cos((*y - *x) * self.t);
                let ((ur, ui), (lr, li)) = (inside.at(a, b), inside.at(b, a));
                moved.put(a, b, ur * cos - ui * sin, ui * cos + ur * sin);
                moved.put(b, a, lr * cos + li * sin, li * cos - lr * sin);
            }
        }
        MatrixBatch::conjugate(&levels.vectors, moved, scratch, self.out);
    }
}
