//! Real form of a Hermitian matrix, stored along its diagonals.
//!
//! A diagonal unitary `G` (a choice of phases of the basis states) can make `G^dagger H G` real, or make it imaginary behind a multiple of
//! the identity, if the phases of the matrix elements along every closed path of the graph of H cancel. Then `exp(-i H t)` acts on real and
//! imaginary parts of amplitudes by products with a real matrix. Elements of neighbouring rows on the same diagonal form runs, so that
//! these products read memory contiguously.

#![expect(
    clippy::indexing_slicing,
    reason = "phases are as many as rows; runs lie within the rows and columns of the matrix, which their construction ensures"
)]

use super::sparse::Sparse;
use crate::linalg::{C64, I, real};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Number of lanes that a product handles together; runs are padded with zeros to multiples of it.
pub const WIDTH: usize = 8;

/// Largest gap of a run that is filled with zeros. A run costs about as much as 16 elements in SIMD.
const GAP: usize = 16;

/// Rows that one core handles together; no run crosses their border.
const BLOCK: usize = 8192;

/// Relative size of a part of an element that is rounding of its phase.
const ROUNDING: f64 = 1e-15;

/// How the matrix acts in the basis of the chosen phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `G^dagger H G = A`, real and symmetric.
    Real,
    /// `G^dagger (H - c) G = i A` with A real and antisymmetric, where all diagonal elements of H are c: `-i H` conserves real vectors.
    Imaginary,
}

/// Elements of one diagonal in consecutive rows.
#[derive(Debug, Clone, Copy)]
struct Run {
    row: usize,
    column: usize,
    first: usize,
    length: usize,
}

/// The real matrix `s (A - c)`, with A as in [`Form`], c the centre and s the scale. Vectors have [`WIDTH`] zeros behind their last
/// element.
#[derive(Debug, Clone)]
pub struct Bands {
    form: Form,
    dimension: usize,
    /// Phases of the basis states; none if all are 1.
    phases: Option<Vec<C64>>,
    values: Vec<f64>,
    /// Runs by blocks of rows.
    blocks: Vec<Vec<Run>>,
}

impl Bands {
    /// The matrix `scale (H - centre)` in real form; `None` if there is none, or if its elements do not form runs.
    pub fn of(matrix: &Sparse, centre: f64, scale: f64) -> Option<Bands> {
        let imaginary = phases(matrix, Form::Imaginary).filter(|_| is_level(matrix, centre));
        let (form, phases) = match imaginary {
            Some(phases) => (Form::Imaginary, Some(phases)),
            None if is_real(matrix) => (Form::Real, None),
            None => (Form::Real, Some(phases(matrix, Form::Real)?)),
        };
        let mut runs = Runs::new(matrix.entries());
        for row in 0..matrix.dimension() {
            let mut diagonal = false;
            matrix.visit_row(row, |column, value| {
                diagonal |= column == row;
                let value = if column == row { value - centre } else { value };
                let element = match &phases {
                    Some(g) => g[row].conj() * value * g[column],
                    None => value,
                };
                let element = if form == Form::Imaginary { element.im } else { element.re };
                runs.push(row, column, scale * element);
            });
            if !diagonal && form == Form::Real && centre != 0.0 {
                runs.push(row, row, -scale * centre);
            }
        }
        let (values, blocks) = runs.finish(matrix.dimension())?;
        Some(Bands { form, dimension: matrix.dimension(), phases, values, blocks })
    }

    /// How the matrix acts.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Number of stored elements, zeros of gaps among them.
    pub fn entries(&self) -> usize {
        self.values.len()
    }

    /// Real and imaginary parts of `G^dagger psi`, padded; a part that vanishes but for rounding is left out.
    pub fn planes(&self, psi: &[C64]) -> [Option<Vec<f64>>; 2] {
        let mut planes = [vec![0.0; psi.len() + WIDTH], vec![0.0; psi.len() + WIDTH]];
        let [re, im] = &mut planes;
        for (k, x) in psi.iter().enumerate() {
            let x = self.phases.as_ref().map_or(*x, |g| g[k].conj() * x);
            (re[k], im[k]) = (x.re, x.im);
        }
        let largest = |plane: &[f64]| plane.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        let sizes = [largest(&planes[0]), largest(&planes[1])];
        let negligible = 0.5 * f64::EPSILON * sizes[0].max(sizes[1]);
        let mut sizes = sizes.into_iter();
        planes.map(|plane| sizes.next().is_some_and(|size| size > negligible).then_some(plane))
    }

    /// `factor G (re + i im)`, the inverse of [`Bands::planes`].
    pub fn amplitudes(&self, [re, im]: [&[f64]; 2], factor: C64) -> Vec<C64> {
        let parts = re.iter().zip(im).take(self.dimension);
        match &self.phases {
            Some(g) => parts.zip(g).map(|((re, im), g)| factor * g * C64::new(*re, *im)).collect(),
            None => parts.map(|(re, im)| factor * C64::new(*re, *im)).collect(),
        }
    }

    /// `out = sign out + s (A - c) v` for padded vectors.
    pub fn next(&self, v: &[f64], out: &mut [f64], sign: f64) {
        let arch = pulp::Arch::new();
        let of = |(block, out): (usize, &mut [f64])| {
            let (runs, values) = (self.blocks.get(block).map_or(&[][..], Vec::as_slice), self.values.as_slice());
            arch.dispatch(Product { runs, values, v, out, begin: block * BLOCK, sign });
        };
        let rows = &mut out[..self.dimension + WIDTH];
        if self.blocks.len() <= 2 {
            of((0, rows.split_at_mut(rows.len().min(BLOCK)).0));
            if rows.len() > BLOCK {
                of((1, &mut rows[BLOCK..]));
            }
            return;
        }
        rows.par_chunks_mut(BLOCK).enumerate().for_each(of);
    }
}

/// True if no element has an imaginary part.
fn is_real(matrix: &Sparse) -> bool {
    let mut real = true;
    matrix.visit(|_, _, v| real &= v.im == 0.0);
    real
}

/// True if all diagonal elements are equal to `centre`, up to rounding of the matrix.
fn is_level(matrix: &Sparse, centre: f64) -> bool {
    let mut diagonal = vec![0.0; matrix.dimension()];
    let mut largest = 0.0f64;
    matrix.visit(|i, j, v| {
        largest = largest.max(v.norm());
        if i == j {
            diagonal[i] = v.re;
        }
    });
    diagonal.iter().all(|d| (d - centre).abs() <= ROUNDING * largest)
}

/// Phases of the basis states in which all off-diagonal elements have the given form; `None` if there are none.
fn phases(matrix: &Sparse, form: Form) -> Option<Vec<C64>> {
    let n = matrix.dimension();
    let unit = if form == Form::Imaginary { I } else { real(1.0) };
    let mut phases: Vec<Option<C64>> = vec![None; n];
    let mut open = Vec::new();
    for root in 0..n {
        if phases[root].is_some() {
            continue;
        }
        phases[root] = Some(real(1.0));
        open.push(root);
        while let Some(row) = open.pop() {
            let of_row = phases[row]?;
            matrix.visit_row(row, |column, v| {
                if phases[column].is_none() && v.norm() > 0.0 {
                    let phase = of_row * unit * v.conj();
                    phases[column] = Some(phase / phase.norm());
                    open.push(column);
                }
            });
        }
    }
    let phases = phases.into_iter().collect::<Option<Vec<C64>>>()?;
    let mut fits = true;
    matrix.visit(|i, j, v| {
        let element = phases[i].conj() * v * phases[j] / unit;
        fits &= i == j || element.im.abs() <= 8.0 * ROUNDING * v.norm();
    });
    fits.then_some(phases)
}

/// Runs under construction.
struct Runs {
    /// By the difference of column and row: first row, and values.
    open: BTreeMap<isize, (usize, Vec<f64>)>,
    done: Vec<(usize, usize, Vec<f64>)>,
    most: usize,
    stored: usize,
}

impl Runs {
    /// For a matrix with this number of entries.
    fn new(entries: usize) -> Runs {
        Runs { open: BTreeMap::new(), done: vec![], most: 6 * entries + 64 * WIDTH, stored: 0 }
    }

    fn push(&mut self, row: usize, column: usize, value: f64) {
        let offset = column as isize - row as isize;
        if let Some((first, values)) = self.open.get_mut(&offset) {
            let end = *first + values.len();
            if row - end <= GAP && row / BLOCK == *first / BLOCK {
                values.resize(row - *first, 0.0);
                values.push(value);
                return;
            }
        }
        if let Some((first, values)) = self.open.insert(offset, (row, vec![value])) {
            self.close(offset, first, values);
        }
    }

    fn close(&mut self, offset: isize, row: usize, values: Vec<f64>) {
        let Some(column) = row.checked_add_signed(offset) else { return };
        self.stored += values.len() + GAP;
        self.done.push((row, column, values));
    }

    /// All values, and the runs by blocks; `None` if there are too many runs or zeros.
    fn finish(mut self, dimension: usize) -> Option<(Vec<f64>, Vec<Vec<Run>>)> {
        for (offset, (row, values)) in std::mem::take(&mut self.open) {
            self.close(offset, row, values);
        }
        if self.stored > self.most {
            return None;
        }
        self.done.sort_by_key(|(row, column, _)| (*row, *column));
        let mut blocks = vec![Vec::new(); (dimension + WIDTH).div_ceil(BLOCK)];
        let mut all = Vec::new();
        for (row, column, mut values) in self.done {
            let last = (row / BLOCK + 1) * BLOCK;
            let padded = values.len().next_multiple_of(WIDTH);
            if row + padded <= last {
                values.resize(padded, 0.0);
            }
            blocks[row / BLOCK].push(Run { row, column, first: all.len(), length: values.len() });
            all.extend(values);
        }
        Some((all, blocks))
    }
}

/// Product of the runs of a block. Compiled for every SIMD width; the widest available at run time is used.
struct Product<'a> {
    runs: &'a [Run],
    values: &'a [f64],
    v: &'a [f64],
    out: &'a mut [f64],
    /// First row of `out`.
    begin: usize,
    sign: f64,
}

impl pulp::NullaryFnOnce for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Product { runs, values, v, out, begin, sign } = self;
        out.iter_mut().for_each(|x| *x *= sign);
        for run in runs {
            let into = &mut out[run.row - begin..][..run.length];
            let (from, values) = (&v[run.column..][..run.length], &values[run.first..][..run.length]);
            let whole = run.length - run.length % WIDTH;
            let (into, into_rest) = into.split_at_mut(whole);
            let (from, from_rest) = from.split_at(whole);
            let (values, rest) = values.split_at(whole);
            for ((o, a), x) in
                into.chunks_exact_mut(WIDTH).zip(values.chunks_exact(WIDTH)).zip(from.chunks_exact(WIDTH))
            {
                for k in 0..WIDTH {
                    o[k] += a[k] * x[k];
                }
            }
            for ((o, a), x) in into_rest.iter_mut().zip(rest).zip(from_rest) {
                *o += a * x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::basis::Basis;
    use super::super::local::LocalKind;
    use super::super::operator::Operator;
    use super::super::site::Site;
    use super::super::space::Space;
    use super::*;
    use std::sync::Arc;

    fn chain(sites: usize, terms: &[(LocalKind, f64)], field: f64) -> Sparse {
        let basis = Arc::new(Basis::new((0..sites).map(|k| Site::spin(format!("s{k}"), 1, None)).collect()));
        let of = |kind, site| Operator::of(&basis, kind, site).unwrap();
        let mut h = of(LocalKind::Iz, 0).times_number(real(field));
        for k in 1..sites {
            for (kind, strength) in terms {
                h = h
                    .plus(of(*kind, k - 1).times(&of(*kind, k)).times_number(real(*strength * (1.0 + 0.1 * k as f64))));
            }
            h = h.plus(of(LocalKind::Iy, k).times_number(real(field)));
        }
        Sparse::of(&h, &Space::whole(basis))
    }

    fn product_agrees(matrix: &Sparse, form: Form) {
        let (centre, scale) = (if form == Form::Imaginary { 0.0 } else { 0.3 }, 1.7);
        let bands = Bands::of(matrix, centre, scale).expect("a real form");
        assert_eq!(bands.form(), form);
        let n = matrix.dimension();
        let psi: Vec<C64> = (0..n).map(|k| C64::new((k as f64).sin(), (0.3 * k as f64).cos())).collect();
        let planes = bands.planes(&psi).map(|p| p.expect("a part that is not zero"));
        let mut images = [vec![0.0; n + WIDTH], vec![0.0; n + WIDTH]];
        images.iter_mut().zip(&planes).for_each(|(out, v)| bands.next(v, out, 1.0));
        let factor = if form == Form::Imaginary { I } else { real(1.0) };
        let found = bands.amplitudes([&images[0], &images[1]], factor);
        let mut wanted = vec![C64::default(); n];
        matrix.apply_into(&psi, &mut wanted);
        for k in 0..n {
            assert!((found[k] - (wanted[k] - psi[k] * centre) * scale).norm() < 1e-12, "{k}");
        }
    }

    #[test]
    fn products_are_those_of_the_matrix() {
        // A field along z and y beside XX and ZZ is real after a rotation of phases; without anything on the diagonal it is imaginary.
        product_agrees(&chain(6, &[(LocalKind::Ix, 1.0), (LocalKind::Iz, 0.4)], 0.7), Form::Real);
        product_agrees(&chain(6, &[(LocalKind::Ix, 1.0), (LocalKind::Iy, 0.4)], 0.0), Form::Imaginary);
        product_agrees(
            &chain(15, &[(LocalKind::Ix, 1.0), (LocalKind::Iy, 0.4), (LocalKind::Iz, 1.0)], 0.0),
            Form::Real,
        );
    }

    #[test]
    fn a_flux_has_no_real_form() {
        // Three states in a ring whose phases add up to pi/4.
        let basis = Arc::new(Basis::new(vec![Site::mode("m", 3)]));
        let of = |kind| Operator::of(&basis, kind, 0).unwrap();
        let (up, z) = (of(LocalKind::Raise), of(LocalKind::Number));
        let twice = up.times(&up).times_number(C64::cis(std::f64::consts::FRAC_PI_4));
        let h = up.clone().plus(up.adjoint()).plus(twice.clone()).plus(twice.adjoint()).plus(z);
        assert!(Bands::of(&Sparse::of(&h, &Space::whole(basis)), 0.0, 1.0).is_none());
    }
}
