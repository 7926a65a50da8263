//! What moves the state between two edges: `d rho/dt = -i [H(t), rho] + sum (c rho c^dagger - {c^dagger c, rho}/2)`.

use crate::hamiltonian::{Scalar, Segment};
use crate::linalg::{C64, I, Matrix, Vector, hermitian_part, product, real};
use crate::metrics::{Motion, Rate};
use crate::spin::{Sparse, State};

/// Up to this dimension pure states are moved by dense matrices.
pub const DENSE_VECTORS: usize = 600;

/// The operators of a segment as matrices.
pub struct Generator {
    /// The dimension of the space.
    pub dimension: usize,
    /// Coefficient and matrix.
    terms: Vec<(Scalar, Part)>,
    /// Lindblad operators.
    pub collapse: Vec<Matrix>,
    /// `sum c^dagger c`.
    decay: Option<Matrix>,
}

enum Part {
    Dense(Matrix),
    Sparse(Sparse),
}

impl Generator {
    /// The generator of a segment, dense for density matrices and small vectors, sparse for large vectors.
    pub fn of(segment: &Segment, pure: bool) -> Generator {
        let dimension = segment.hamiltonian.first().map_or(1, |(_, o)| o.dimension());
        let dense = !pure || dimension <= DENSE_VECTORS;
        // Terms with constant coefficients are added up once.
        let mut constant: Option<crate::spin::Operator> = None;
        let mut terms = Vec::new();
        let part = |o: &crate::spin::Operator| if dense { Part::Dense(o.matrix()) } else { Part::Sparse(o.sparse()) };
        for (c, operator) in &segment.hamiltonian {
            match c {
                Scalar::Constant(x) => {
                    let scaled = (**operator).clone().times_number(real(*x));
                    constant = Some(match constant {
                        Some(sum) => sum.plus(scaled),
                        None => scaled,
                    });
                }
                Scalar::Varying(_) => terms.push((c.clone(), part(operator))),
            }
        }
        if let Some(constant) = constant {
            terms.insert(0, (Scalar::Constant(1.0), part(&constant)));
        }
        let collapse: Vec<Matrix> = segment.collapse.iter().map(crate::spin::Operator::matrix).collect();
        let decay = (!collapse.is_empty()).then(|| {
            collapse.iter().fold(Matrix::zeros(dimension, dimension), |sum, c| sum + product(&c.adjoint(), c))
        });
        Generator { dimension, terms, collapse, decay }
    }

    /// Whether H is the same at all times.
    pub fn is_constant(&self) -> bool {
        self.terms.iter().all(|(c, _)| c.constant().is_some())
    }

    /// Whether the matrices are dense.
    pub fn is_dense(&self) -> bool {
        self.terms.iter().all(|(_, p)| matches!(p, Part::Dense(_)))
    }

    /// `H(t)` as a dense matrix; `None` when it is sparse.
    pub fn hamiltonian(&self, t: f64) -> Option<Matrix> {
        let mut sum = Matrix::zeros(self.dimension, self.dimension);
        for (c, part) in &self.terms {
            let Part::Dense(m) = part else { return None };
            let c = real(c.at(t));
            sum.zip_apply(m, |x, y| *x += c * y);
        }
        Some(sum)
    }

    /// The sparse matrix of a constant H.
    pub fn sparse(&self) -> Option<&Sparse> {
        match self.terms.as_slice() {
            [(Scalar::Constant(_), Part::Sparse(s))] => Some(s),
            _ => None,
        }
    }

    /// `H(t) psi`.
    pub fn apply(&self, t: f64, psi: &Vector) -> Vector {
        let mut sum = Vector::zeros(self.dimension);
        for (c, part) in &self.terms {
            let image = match part {
                Part::Dense(m) => m * psi,
                Part::Sparse(s) => s.apply(psi),
            };
            sum.axpy(real(c.at(t)), &image, real(1.0));
        }
        sum
    }

    /// The dissipator's part of the rate.
    fn dissipation(&self, rho: &Matrix) -> Matrix {
        let Some(decay) = &self.decay else { return Matrix::zeros(self.dimension, self.dimension) };
        let half = product(decay, rho).map(|x| x * -0.5);
        let mut rate = &half + half.adjoint();
        for c in &self.collapse {
            rate += crate::linalg::conjugate(c, rho);
        }
        rate
    }

    /// The rate of change of a density matrix. Assumes it is Hermitian.
    pub fn rate_of_density(&self, t: f64, rho: &Matrix) -> Matrix {
        let h = self.hamiltonian(t).unwrap_or_else(|| Matrix::zeros(self.dimension, self.dimension));
        let half = product(&h, rho).map(|x| -I * x);
        &half + half.adjoint() + self.dissipation(rho)
    }

    /// The rate of change of any state.
    pub fn rate(&self, t: f64, state: &State) -> Rate {
        match state {
            State::Pure(psi) => Rate::Pure(self.apply(t, psi).map(|x| -I * x)),
            State::Mixed(rho) => Rate::Mixed(self.rate_of_density(t, rho)),
        }
    }

    /// The superoperator on density matrices stacked by columns, at a time.
    pub fn liouvillian(&self, t: f64) -> Matrix {
        let one = crate::linalg::identity(self.dimension);
        let h = self.hamiltonian(t).unwrap_or_else(|| Matrix::zeros(self.dimension, self.dimension));
        // vec(A rho B) = (B^T x A) vec(rho).
        let effective = match &self.decay {
            Some(decay) => h.map(|x| -I * x) - decay.map(|x| x * 0.5),
            None => h.map(|x| -I * x),
        };
        let mut l = one.kronecker(&effective) + effective.conjugate().kronecker(&one);
        for c in &self.collapse {
            l += c.conjugate().kronecker(c);
        }
        l
    }

    /// A bound of the difference between the highest and the lowest eigenvalue of H during the segment.
    pub fn bandwidth(&self, duration: f64) -> f64 {
        const SAMPLES: usize = 16;
        let mut bound = 0.0;
        for (c, part) in &self.terms {
            let width = match part {
                Part::Dense(m) => gershgorin_width(m),
                Part::Sparse(s) => {
                    let (low, high) = s.spectral_bounds();
                    high - low
                }
            };
            let strongest = (0..=SAMPLES).map(|k| c.at(duration * k as f64 / SAMPLES as f64).abs()).fold(0.0, f64::max);
            bound += width * strongest;
        }
        bound
    }
}

fn gershgorin_width(m: &Matrix) -> f64 {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for (j, column) in m.column_iter().enumerate() {
        let centre = column[j].re;
        let radius: f64 =
            column.iter().enumerate().filter(|(i, _)| *i != j).map(|(_, x): (usize, &C64)| x.norm()).sum();
        low = low.min(centre - radius);
        high = high.max(centre + radius);
    }
    high - low
}

/// A generator at a moment, as metrics see it.
pub struct At<'a> {
    /// The generator.
    pub generator: &'a Generator,
    /// The time since the segment began.
    pub time: f64,
}

impl Motion for At<'_> {
    fn hamiltonian(&self) -> Option<Matrix> {
        self.generator.hamiltonian(self.time)
    }

    fn rate(&self, state: &State) -> Rate {
        self.generator.rate(self.time, state)
    }
}

/// Moves a density matrix by a map that leaves the identity alone, through its deviation from the identity. At a polarisation of
/// 1e-8 the deviation is all there is, and the rounding of a long way must be small beside it, not beside the identity.
pub fn deviation(rho: &Matrix, map: impl FnOnce(&Matrix) -> Matrix) -> Matrix {
    let mean = rho.trace() / real(rho.nrows() as f64);
    let mut d = rho.clone();
    for k in 0..d.nrows() {
        d[(k, k)] -= mean;
    }
    let mut moved = tidy(&map(&d));
    for k in 0..d.nrows() {
        moved[(k, k)] += mean;
    }
    moved
}

/// Takes rounding out of a density matrix: makes it Hermitian.
pub fn tidy(rho: &Matrix) -> Matrix {
    hermitian_part(rho)
}
