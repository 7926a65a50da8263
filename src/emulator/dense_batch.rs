//! The dense engine of batches: Hamiltonians of up to [`LARGEST`] states as sums of constant operators, whose coefficients differ from lane
//! to lane; matrices, eigenvalues and evolution of all lanes at once.

use crate::hamiltonian::ensemble_program::Terms;
use crate::lanes::{Entry, LANES, Lane, MatrixBatch, sin_cos};
use crate::metrics::LevelsBatch;
use crate::spin::{Operator, Space, Sparse};
use crate::waveform::Slot;

/// The largest dimension of the dense engine of batches: beyond, a matrix a lane no longer fits into the cache.
pub const LARGEST: usize = 16;

/// A Hamiltonian as entries of constant matrices, each with its coefficient.
pub struct Assembly {
    terms: Vec<(Slot, Vec<Entry>)>,
    /// A bound of the spread of each term: the largest difference of its eigenvalues.
    spreads: Vec<(Slot, f64)>,
}

impl Assembly {
    /// The terms on a space.
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

    /// The matrices of a batch.
    pub fn matrix(&self, slots: &[Lane], n: usize) -> MatrixBatch {
        let mut out = MatrixBatch::zeros(n);
        let coefficients: Vec<Lane> = self.terms.iter().map(|(slot, _)| slot.of(slots)).collect();
        pulp::Arch::new().dispatch(Assemble { assembly: self, coefficients: &coefficients, out: &mut out });
        out
    }

    /// A bound of the largest difference of eigenvalues.
    pub fn spread(&self, slots: &[Lane]) -> Lane {
        self.spreads.iter().fold(Lane::zero(), |sum, (slot, most)| sum + slot.of(slots).abs() * *most)
    }

    /// All coefficients, where they are the same in all lanes of every batch.
    pub fn constants(&self, constant: impl Fn(&Slot) -> Option<f64>) -> Option<Vec<f64>> {
        self.terms.iter().map(|(c, _)| constant(c)).collect()
    }

    /// Eigenvalues and eigenvectors for coefficients that are the same in all lanes; `None` where they cannot be computed.
    pub fn levels(&self, numbers: &[f64], n: usize) -> Option<LevelsBatch> {
        let mut matrix = MatrixBatch::zeros(n);
        let coefficients: Vec<Lane> = numbers.iter().map(|x| Lane::splat(*x)).collect();
        pulp::Arch::new().dispatch(Assemble { assembly: self, coefficients: &coefficients, out: &mut matrix });
        let mut irregular = [false; LANES];
        let levels = levels_of(matrix, &mut irregular);
        (!irregular.contains(&true)).then_some(LevelsBatch { shared: true, ..levels })
    }
}

/// The sum of the terms of a Hamiltonian.
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

/// Eigenvalues and eigenvectors; lanes without any are irregular.
pub fn levels_of(matrix: MatrixBatch, irregular: &mut [bool; LANES]) -> LevelsBatch {
    let (levels, found) = LevelsBatch::of(matrix, false);
    found.iter().zip(irregular).for_each(|(found, irregular)| *irregular |= !found);
    levels
}

/// Evolution under a Hamiltonian: `rho(t)_ab = rho_ab exp(-i (E_a - E_b) t)` between its eigenvectors.
pub struct Evolving<'a> {
    levels: &'a LevelsBatch,
    /// The state at the time 0 between the eigenvectors.
    inside: MatrixBatch,
    moved: MatrixBatch,
    scratch: MatrixBatch,
}

impl<'a> Evolving<'a> {
    /// From a state on.
    pub fn new(levels: &'a LevelsBatch, rho: &MatrixBatch) -> Evolving<'a> {
        let zeros = MatrixBatch::zeros(rho.dimension());
        let mut evolving = Evolving { levels, inside: zeros.clone(), moved: zeros.clone(), scratch: zeros };
        pulp::Arch::new().dispatch(Begin { evolving: &mut evolving, rho });
        evolving
    }

    /// The state at the time 0 between the eigenvectors.
    pub fn inside(&self) -> &MatrixBatch {
        &self.inside
    }

    /// The rate of change at the time 0: `-i (E_a - E_b) rho_ab` between the eigenvectors.
    pub fn rate(&mut self, out: &mut MatrixBatch) {
        pulp::Arch::new().dispatch(Differentiate { evolving: self, out });
    }

    /// The state at a time of all lanes.
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
                // exp(-i (E_a - E_b) t) above the diagonal; below, its conjugate.
                let (sin, cos) = sin_cos((*y - *x) * self.t);
                let ((ur, ui), (lr, li)) = (inside.at(a, b), inside.at(b, a));
                moved.put(a, b, ur * cos - ui * sin, ui * cos + ur * sin);
                moved.put(b, a, lr * cos + li * sin, li * cos - lr * sin);
            }
        }
        MatrixBatch::conjugate(&levels.vectors, moved, scratch, self.out);
    }
}
