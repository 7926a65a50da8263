//! What moves the state between two edges: `d rho/dt = -i [H(t), rho] + sum (c rho c^dagger - {c^dagger c, rho}/2)`, on the space
//! in which the state stays.

use super::mesh::Mesh;
use super::step_error::StepError;
use crate::hamiltonian::Segment;
use crate::linalg::{C64, I, Matrix, Vector, make_hermitian, norm_squared, product, real};
use crate::metrics::Rate;
use crate::spin::{Action, Operator, Space, Sparse, State, components};
use crate::waveform::Scalar;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Up to this dimension the propagators of pure states are kept as dense matrices.
pub const DENSE_VECTORS: usize = 600;

/// An operator on the space. The dense matrix is made when a method needs it.
struct Placed {
    action: Action,
    dense: OnceLock<Matrix>,
}

impl Placed {
    fn of(operator: &Operator, space: &Space) -> Placed {
        Placed { action: Action::of(operator, space), dense: OnceLock::new() }
    }
}

thread_local! {
    /// Operators that were met before: the points of a sweep and the statements of a sequence have them in common.
    static MET: RefCell<Vec<(Operator, Space, Arc<Placed>)>> = RefCell::default();
}

/// An operator on a space, made or remembered.
fn placed(operator: &Operator, space: &Space) -> Arc<Placed> {
    // Smaller ones are made as fast as found, and what larger ones would fill is better left to states.
    const FROM: usize = 17;
    const TO: usize = 512;
    const KEPT: usize = 8;
    if !(FROM..=TO).contains(&space.len()) {
        return Arc::new(Placed::of(operator, space));
    }
    let known = MET.with_borrow(|met| {
        met.iter().rev().find(|(o, s, _)| o.is_identical(operator) && s == space).map(|(_, _, p)| p.clone())
    });
    known.unwrap_or_else(|| {
        let made = Arc::new(Placed::of(operator, space));
        MET.with_borrow_mut(|met| {
            if met.len() == KEPT {
                met.remove(0);
            }
            met.push((operator.clone(), space.clone(), made.clone()));
        });
        made
    })
}

/// A term of H: its coefficient, and its operator on the space.
struct Term {
    coefficient: Scalar,
    placed: Arc<Placed>,
}

impl Term {
    fn action(&self) -> &Action {
        &self.placed.action
    }

    fn matrix(&self) -> &Matrix {
        let dense = || self.action().sparse().map_or_else(|| Matrix::zeros(0, 0), Sparse::dense);
        self.placed.dense.get_or_init(dense)
    }
}

/// The dimensions of all subsystems, and matrices of some of them by their number.
pub type Locals = (Vec<usize>, Vec<(usize, Matrix)>);

/// The operators of a segment on a space.
pub struct Generator {
    /// The dimension of the space.
    pub dimension: usize,
    /// How long the segment takes.
    pub duration: f64,
    /// The period of H, where it is periodic.
    pub period: Option<f64>,
    terms: Vec<Term>,
    mesh: OnceCell<Mesh>,
    /// H on the whole system.
    whole: Vec<(Scalar, Arc<Operator>)>,
    /// Lindblad operators.
    collapse: Vec<Matrix>,
    /// H and G of `d rho/dt = -Tr[G rho] H`.
    order: Option<(Matrix, Matrix)>,
    /// `sum c^dagger c`.
    decay: Option<Matrix>,
    /// The rate of change of the identity, where relaxation leads away from it.
    drift: OnceCell<Option<Matrix>>,
    parts: OnceCell<Vec<Vec<usize>>>,
    /// Whether the space is that of all products.
    products: bool,
}

impl Generator {
    /// The generator of a segment. Terms with constant coefficients are added up once.
    pub fn of(segment: &Segment, space: &Space) -> Generator {
        let dimension = space.len();
        let mut constant: Option<Operator> = None;
        let mut terms = Vec::new();
        let term = |coefficient: Scalar, o: &Operator| Term { coefficient, placed: placed(o, space) };
        for (c, operator) in segment.terms() {
            match c {
                Scalar::Constant(x) => {
                    let scaled = (**operator).clone().times_number(real(*x));
                    constant = Some(match constant {
                        Some(sum) => sum.plus(scaled),
                        None => scaled,
                    });
                }
                Scalar::Varying(_) => terms.push(term(c.clone(), operator)),
            }
        }
        if let Some(constant) = constant {
            terms.insert(0, term(Scalar::Constant(1.0), &constant));
        }
        let collapse: Vec<Matrix> = segment.relaxing.collapse.iter().map(|c| Sparse::of(c, space).dense()).collect();
        let inside = |o: &Operator| Sparse::of(o, space).dense();
        let order = segment.relaxing.order.as_ref().map(|o| (inside(&o.hamiltonian), inside(&o.lost)));
        let decay = (!collapse.is_empty()).then(|| {
            collapse.iter().fold(Matrix::zeros(dimension, dimension), |sum, c| sum + product(&c.adjoint(), c))
        });
        let products = space.is_whole() && space.groups().is_empty();
        Generator {
            dimension,
            duration: segment.duration,
            period: segment.period,
            terms,
            mesh: OnceCell::new(),
            whole: segment.terms().cloned().collect(),
            collapse,
            order,
            decay,
            drift: OnceCell::new(),
            parts: OnceCell::new(),
            products,
        }
    }

    /// The terms of H on the whole system: coefficients and operators.
    pub fn whole_system(&self) -> &[(Scalar, Arc<Operator>)] {
        &self.whole
    }

    /// Whether H is the same at all times.
    pub fn is_constant(&self) -> bool {
        self.terms.iter().all(|t| t.coefficient.constant().is_some())
    }

    /// The cells between whose ends every coefficient is smooth and resolved.
    ///
    /// # Errors
    /// When a coefficient is unbounded or cannot be resolved.
    pub fn mesh(&self, tolerance: f64) -> Result<&Mesh, StepError> {
        if self.mesh.get().is_none() {
            // Nobody else can have been first: a cell is not shared by threads.
            let _ = self.mesh.set(Mesh::of(self.coefficients(), self.duration, self.period, tolerance)?);
        }
        self.mesh.get().ok_or_else(|| StepError::Tolerance("the segment has no mesh".into()))
    }

    /// The coefficients of H, each with the difference of the outermost eigenvalues of its operator.
    pub fn coefficients(&self) -> impl Iterator<Item = (&Scalar, f64)> {
        self.terms.iter().map(|term| {
            let (low, high) = term.action().spectral_bounds();
            (&term.coefficient, high - low)
        })
    }

    /// Whether H is the same at some times.
    pub fn is_same_at(&self, mut times: impl Iterator<Item = f64>) -> bool {
        let Some(first) = times.next() else { return true };
        let at = |t: f64| self.terms.iter().map(move |term| term.coefficient.at(t));
        times.all(|t| at(t).eq(at(first)))
    }

    /// Whether nothing but H acts.
    pub fn is_closed(&self) -> bool {
        self.collapse.is_empty() && self.order.is_none()
    }

    /// A bound of the fastest rate at which anything decays.
    pub fn fastest_decay(&self) -> f64 {
        let order = self.order.as_ref().map_or(0.0, |(h, lost)| h.norm() * lost.norm());
        self.collapse.iter().map(norm_squared).sum::<f64>() + order
    }

    /// The dimensions of the subsystems, and what acts on each of them, where H is constant, alone, and moves each by itself.
    pub fn locals(&self) -> Option<Locals> {
        if !self.products || !self.is_closed() || !self.is_constant() {
            return None;
        }
        let mut dimensions = Vec::new();
        let mut sum: BTreeMap<usize, Matrix> = BTreeMap::new();
        for (c, operator) in &self.whole {
            dimensions = operator.dimensions().to_vec();
            for (site, local) in operator.locals()? {
                let local = local * real(c.constant()?);
                sum.entry(site).and_modify(|m| *m += &local).or_insert(local);
            }
        }
        (!sum.is_empty()).then(|| (dimensions, sum.into_iter().collect()))
    }

    /// The dimensions of the subsystems, and the field that changes, on each that it acts on: where H changes by one field that
    /// moves each subsystem by itself.
    pub fn changing_field(&self) -> Option<Locals> {
        let mut changing = self.whole.iter().filter(|(c, _)| c.constant().is_none());
        let (_, field) = changing.next()?;
        let alone = self.products && self.is_closed() && changing.all(|(_, other)| other.is_same(field));
        alone.then(|| Some((field.dimensions().to_vec(), field.locals()?))).flatten()
    }

    /// The terms of H as dense matrices, with their coefficients.
    pub fn terms(&self) -> impl Iterator<Item = (&Scalar, &Matrix)> {
        self.terms.iter().map(|t| (&t.coefficient, t.matrix()))
    }

    /// `H(t)` as a dense matrix.
    pub fn hamiltonian(&self, t: f64) -> Matrix {
        if let [term @ Term { coefficient: Scalar::Constant(1.0), .. }] = self.terms.as_slice() {
            return term.matrix().clone();
        }
        let mut sum = Matrix::zeros(self.dimension, self.dimension);
        for term in &self.terms {
            let c = real(term.coefficient.at(t));
            sum.zip_apply(term.matrix(), |x, y| *x += c * y);
        }
        sum
    }

    /// The states that H connects, as lists: a state never leaves the lists it is in. Where there is no matrix, all are in one.
    pub fn parts(&self) -> &[Vec<usize>] {
        self.parts.get_or_init(|| {
            let matrices: Option<Vec<&Sparse>> = self.terms.iter().map(|t| t.action().sparse()).collect();
            match matrices {
                Some(matrices) => components(self.dimension, matrices),
                None => vec![(0..self.dimension).collect()],
            }
        })
    }

    /// The part of a constant H inside a list of states, which H does not leave.
    #[expect(
        clippy::indexing_slicing,
        reason = "states lie within the dimension, and each of those that H leads to has a place"
    )]
    pub fn block(&self, states: &[usize]) -> Matrix {
        if states.len() == self.dimension {
            return self.hamiltonian(0.0);
        }
        let mut place = vec![usize::MAX; self.dimension];
        states.iter().enumerate().for_each(|(k, &s)| place[s] = k);
        let mut out = Matrix::zeros(states.len(), states.len());
        for term in &self.terms {
            let c = term.coefficient.at(0.0);
            let Some(sparse) = term.action().sparse() else { continue };
            for (k, &row) in states.iter().enumerate() {
                sparse.visit_row(row, |column, v| out[(k, place[column])] += v * c);
            }
        }
        out
    }

    /// How many entries the matrices of H have together.
    pub fn entries(&self) -> usize {
        self.terms.iter().map(|t| t.action().entries()).sum()
    }

    /// How a constant H acts; `None` when H changes.
    pub fn action(&self) -> Option<&Action> {
        match self.terms.as_slice() {
            [one @ Term { coefficient: Scalar::Constant(_), .. }] => Some(one.action()),
            _ => None,
        }
    }

    /// `H(t) psi`.
    pub fn apply(&self, t: f64, psi: &Vector) -> Vector {
        match self.terms.as_slice() {
            [one @ Term { coefficient: Scalar::Constant(c), .. }] if *c == 1.0 => one.action().apply(psi),
            terms => {
                let mut sum = Vector::zeros(self.dimension);
                for term in terms {
                    sum.axpy(real(term.coefficient.at(t)), &term.action().apply(psi), real(1.0));
                }
                sum
            }
        }
    }

    /// The dissipator's part of the rate.
    fn dissipation(&self, rho: &Matrix) -> Matrix {
        let mut rate = match &self.decay {
            Some(decay) => {
                let half = product(decay, rho).map(|x| x * -0.5);
                &half + half.adjoint()
            }
            None => Matrix::zeros(self.dimension, self.dimension),
        };
        for c in &self.collapse {
            rate += crate::linalg::conjugate(c, rho);
        }
        if let Some((h, lost)) = &self.order {
            // Both are Hermitian: Tr[G rho] is the sum of the products of entries, one of them conjugated.
            let lost = lost.iter().zip(rho.iter()).map(|(a, b)| (a.conj() * b).re).sum::<f64>();
            rate -= h.map(|x| x * lost);
        }
        rate
    }

    /// Collapse operators.
    pub fn collapse(&self) -> &[Matrix] {
        &self.collapse
    }

    /// H and G of the decay of dipolar order, `d rho/dt = -Tr[G rho] H`.
    pub fn order_decay(&self) -> Option<&(Matrix, Matrix)> {
        self.order.as_ref()
    }

    /// `-i H(0) - sum c^+ c / 2`.
    pub fn effective(&self) -> Matrix {
        let turning = self.hamiltonian(0.0).map(|x| -I * x);
        match &self.decay {
            Some(decay) => turning - decay.map(|x| x * 0.5),
            None => turning,
        }
    }

    /// The rate of change of the identity; `None` where it is left alone, as by H and by relaxation to no polarisation.
    pub fn drift(&self) -> Option<&Matrix> {
        let drift = || {
            let rate = self.dissipation(&crate::linalg::identity(self.dimension));
            rate.iter().any(|x| *x != C64::default()).then_some(rate)
        };
        if self.is_closed() { None } else { self.drift.get_or_init(drift).as_ref() }
    }

    /// The rate of change of a density matrix `mean + deviation`. Assumes it is Hermitian. The identity does not meet H, whose rounding
    /// would be large beside a deviation of 1e-9.
    pub fn rate_of_deviation(&self, t: f64, deviation: &Matrix, mean: f64) -> Matrix {
        let half = self.times_density(t, deviation).map(|x| -I * x);
        let mut rate = &half + half.adjoint();
        if !self.is_closed() {
            rate += self.dissipation(deviation);
        }
        if let Some(drift) = self.drift() {
            rate += drift.map(|x| x * mean);
        }
        rate
    }

    /// The rate of change of a density matrix. Assumes it is Hermitian.
    pub fn rate_of_density(&self, t: f64, rho: &Matrix) -> Matrix {
        let (mean, deviation) = apart(rho);
        self.rate_of_deviation(t, &deviation, mean)
    }

    /// `H(t) rho`; by sparse matrices where these are few entries.
    fn times_density(&self, t: f64, rho: &Matrix) -> Matrix {
        let few = self.dimension >= 64 && 16 * self.entries() < self.dimension * self.dimension;
        if !few {
            return product(&self.hamiltonian(t), rho);
        }
        let mut sum = Matrix::zeros(self.dimension, self.dimension);
        for term in &self.terms {
            let c = real(term.coefficient.at(t));
            match term.action().sparse() {
                Some(sparse) => sum.zip_apply(&sparse.times_matrix(rho), |x, y| *x += c * y),
                None => sum += product(term.matrix(), rho) * c,
            }
        }
        sum
    }

    /// The rate of change of any state.
    pub fn rate(&self, t: f64, state: &State) -> Rate {
        match state {
            State::Pure(psi) => Rate::Pure(self.apply(t, psi).map(|x| -I * x)),
            State::Mixed(rho) => Rate::Mixed(self.rate_of_density(t, rho)),
        }
    }

    /// The superoperator on deviations stacked by columns, with the mean below them (see `stacked`), at a time: the last column is the
    /// rate of change of the identity.
    pub fn liouvillian(&self, t: f64) -> Matrix {
        let one = crate::linalg::identity(self.dimension);
        // vec(A rho B) = (B^T x A) vec(rho).
        let turning = self.hamiltonian(t).map(|x| -I * x);
        let effective = match &self.decay {
            Some(decay) => turning - decay.map(|x| x * 0.5),
            None => turning,
        };
        let mut l = one.kronecker(&effective) + effective.conjugate().kronecker(&one);
        for c in &self.collapse {
            l += c.conjugate().kronecker(c);
        }
        if let Some((h, lost)) = &self.order {
            l -= Vector::from_column_slice(h.as_slice()) * Vector::from_column_slice(lost.as_slice()).adjoint();
        }
        let n = l.nrows();
        let mut l = l.resize(n + 1, n + 1, C64::default());
        if let Some(drift) = self.drift() {
            l.column_mut(n).iter_mut().zip(drift.iter()).for_each(|(element, x)| *element = *x);
        }
        l
    }

    /// A bound of the difference between the highest and the lowest eigenvalue of H between two times.
    pub fn bandwidth(&self, from: f64, to: f64) -> f64 {
        let strongest = |c: &Scalar| {
            let bound = c.range(from, to).magnitude();
            if bound.is_finite() { bound } else { self.strongest(c, from, to) }
        };
        self.coefficients().map(|(c, norm)| norm * strongest(c)).sum()
    }

    /// The largest magnitude of a coefficient, cell by cell, where its range over all of them cannot be enclosed at once.
    fn strongest(&self, coefficient: &Scalar, from: f64, to: f64) -> f64 {
        const ROUGH: f64 = 1e-6;
        let Ok(stops) = self.mesh(ROUGH).and_then(|mesh| mesh.stops(from, to)) else { return f64::INFINITY };
        let mut start = from;
        let mut largest = 0.0f64;
        for stop in stops {
            largest = largest.max(coefficient.range(start, stop).magnitude());
            start = stop;
        }
        largest
    }
}

/// Moves a density matrix by a map that leaves the identity alone, through its deviation from the identity. At a polarisation of
/// 1e-8 the deviation is all there is, and the rounding of a long way must be small beside it, not beside the identity.
pub fn deviation(rho: &Matrix, map: impl FnOnce(&Matrix) -> Matrix) -> Matrix {
    let (mean, d) = apart(rho);
    joined(mean, map(&d))
}

/// The mean of the diagonal of a density matrix, and what deviates from it.
pub fn apart(rho: &Matrix) -> (f64, Matrix) {
    let mean = rho.trace().re / rho.nrows() as f64;
    let mut deviation = rho.clone();
    crate::linalg::add_to_diagonal(&mut deviation, real(-mean));
    (mean, deviation)
}

/// The density matrix of a mean and a deviation, made Hermitian.
pub fn joined(mean: f64, mut deviation: Matrix) -> Matrix {
    make_hermitian(&mut deviation);
    crate::linalg::add_to_diagonal(&mut deviation, real(mean));
    deviation
}
