//! Generator of the motion between two edges: `d rho/dt = -i [H(t), rho] + sum g(t) (c rho c^dagger - {c^dagger c, rho}/2)`, restricted to
//! the invariant subspace that contains the state.

use super::functional::{ChangingShare, Functional, Share};
use super::mesh::Mesh;
use super::step_error::StepError;
use crate::hamiltonian::Segment;
use crate::linalg::{
    C64, I, Matrix, Vector, commutator, make_hermitian, norm_squared, product, real, trace_of_product,
};
use crate::metrics::Rate;
use crate::spin::{Action, Operator, Space, Sparse, State, components};
use crate::waveform::Scalar;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Largest dimension at which propagators of pure states are cached as dense matrices.
pub const DENSE_VECTORS: usize = 600;

/// An operator expanded on the space. The dense matrix is built on first use.
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
    /// Cache of operators expanded on a space, shared by sweep points and statements of a sequence.
    static RECENT: RefCell<Vec<(Operator, Space, Arc<Placed>)>> = RefCell::default();
}

/// An operator expanded on a space, from the cache if possible.
fn placed(operator: &Operator, space: &Space) -> Arc<Placed> {
    // Smaller operators are built as fast as they are looked up; larger ones would need too much memory.
    const FROM: usize = 17;
    const TO: usize = 512;
    const KEPT: usize = 8;
    if !(FROM..=TO).contains(&space.len()) {
        return Arc::new(Placed::of(operator, space));
    }
    let known = RECENT.with_borrow(|recent| {
        recent.iter().rev().find(|(o, s, _)| o.is_identical(operator) && s == space).map(|(_, _, p)| p.clone())
    });
    known.unwrap_or_else(|| {
        let made = Arc::new(Placed::of(operator, space));
        RECENT.with_borrow_mut(|recent| {
            if recent.len() == KEPT {
                recent.remove(0);
            }
            recent.push((operator.clone(), space.clone(), made.clone()));
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

/// A collapse operator c with a rate that depends on time.
struct Jump {
    rate: Scalar,
    c: Matrix,
    /// `c^dagger c`.
    square: Matrix,
    /// `c c^dagger - c^dagger c`, the time derivative of the identity at the rate 1.
    drift: Matrix,
}

impl Jump {
    fn of(rate: &Scalar, c: Matrix) -> Jump {
        let square = product(&c.adjoint(), &c);
        let drift = crate::linalg::conjugate(&c, &crate::linalg::identity(c.nrows())) - &square;
        Jump { rate: rate.clone(), c, square, drift }
    }

    /// `c rho c^dagger - {c^dagger c, rho}/2`.
    fn dissipation(&self, rho: &Matrix) -> Matrix {
        let half = product(&self.square, rho).map(|x| x * -0.5);
        crate::linalg::conjugate(&self.c, rho) + &half + half.adjoint()
    }
}

/// The dimensions of all subsystems, and matrices of some of them, each with its site index.
pub type Locals = (Vec<usize>, Vec<(usize, Matrix)>);

/// The operators of a segment on a space.
pub struct Generator {
    /// Dimension of the space.
    pub dimension: usize,
    /// Duration of the segment.
    pub duration: f64,
    /// Period of H, if it is periodic.
    pub period: Option<f64>,
    terms: Vec<Term>,
    mesh: OnceCell<Mesh>,
    /// Terms of H on the whole system.
    whole: Vec<(Scalar, Arc<Operator>)>,
    /// Collapse (Lindblad) operators.
    collapse: Vec<Matrix>,
    /// Collapse operators with rates that depend on time.
    changing: Vec<Jump>,
    /// H and G of `d rho/dt = -Tr[G rho] H`.
    order: Option<(Matrix, Matrix)>,
    /// `sum c^dagger c`.
    decay: Option<Matrix>,
    /// Time derivative of the identity, if relaxation does not conserve it.
    drift: OnceCell<Option<Matrix>>,
    parts: OnceCell<Vec<Vec<usize>>>,
    /// True if the space is the whole product space.
    products: bool,
}

impl Generator {
    /// The generator of a segment on a space. Terms with constant coefficients are summed once.
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
        let changing = segment.relaxing.changing.iter();
        let changing = changing.map(|c| Jump::of(&c.rate, Sparse::of(&c.operator, space).dense())).collect();
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
            changing,
            order,
            decay,
            drift: OnceCell::new(),
            parts: OnceCell::new(),
            products,
        }
    }

    /// Terms of H on the whole system: coefficients and operators.
    pub fn whole_system(&self) -> &[(Scalar, Arc<Operator>)] {
        &self.whole
    }

    /// True if H and all rates are independent of time.
    pub fn is_constant(&self) -> bool {
        self.changing.is_empty() && self.terms.iter().all(|t| t.coefficient.constant().is_some())
    }

    /// True if a rate depends on time.
    pub fn has_changing_rates(&self) -> bool {
        !self.changing.is_empty()
    }

    /// Number of collapse operators.
    pub fn jumps(&self) -> usize {
        self.collapse.len() + self.changing.len()
    }

    /// The mesh of cells within which every coefficient is smooth and resolved.
    ///
    /// # Errors
    /// If a coefficient is unbounded or cannot be resolved.
    pub fn mesh(&self, tolerance: f64) -> Result<&Mesh, StepError> {
        if self.mesh.get().is_none() {
            // The cell is empty: it is not shared between threads.
            let rates = self.changing.iter().map(|jump| (&jump.rate, 2.0 * norm_squared(&jump.c)));
            let _ = self.mesh.set(Mesh::of(self.coefficients().chain(rates), self.duration, self.period, tolerance)?);
        }
        self.mesh.get().ok_or_else(|| StepError::Tolerance("the segment has no mesh".into()))
    }

    /// The coefficients of H, each with the spectral width (largest minus smallest eigenvalue) of its operator.
    pub fn coefficients(&self) -> impl Iterator<Item = (&Scalar, f64)> {
        self.terms.iter().map(|term| {
            let (low, high) = term.action().spectral_bounds();
            (&term.coefficient, high - low)
        })
    }

    /// True if H has the same value at all given times.
    pub fn is_same_at(&self, mut times: impl Iterator<Item = f64>) -> bool {
        let Some(first) = times.next() else { return true };
        let rates = || self.changing.iter().map(|jump| &jump.rate);
        let at = |t: f64| self.terms.iter().map(|term| &term.coefficient).chain(rates()).map(move |c| c.at(t));
        times.all(|t| at(t).eq(at(first)))
    }

    /// True if there is no dissipator: only H acts.
    pub fn is_closed(&self) -> bool {
        self.collapse.is_empty() && self.changing.is_empty() && self.order.is_none()
    }

    /// Upper bound of the fastest decay rate.
    pub fn fastest_decay(&self) -> f64 {
        let order = self.order.as_ref().map_or(0.0, |(h, lost)| h.norm() * lost.norm());
        let changing =
            self.changing.iter().map(|jump| norm_squared(&jump.c) * self.largest(&jump.rate, 0.0, self.duration));
        self.collapse.iter().map(norm_squared).sum::<f64>() + changing.sum::<f64>() + order
    }

    /// Site dimensions and single-site Hamiltonians, if the system is closed and H is constant and a sum of terms on single sites of at most
    /// `largest` states.
    pub fn locals(&self, largest: usize) -> Option<Locals> {
        if !self.products || !self.is_closed() || !self.is_constant() {
            return None;
        }
        let mut dimensions = Vec::new();
        let mut sum: BTreeMap<usize, Matrix> = BTreeMap::new();
        for (c, operator) in &self.whole {
            dimensions = operator.dimensions().to_vec();
            for (site, local) in operator.locals(largest)? {
                let local = local * real(c.constant()?);
                sum.entry(site).and_modify(|m| *m += &local).or_insert(local);
            }
        }
        (!sum.is_empty()).then(|| (dimensions, sum.into_iter().collect()))
    }

    /// Site dimensions and single-site matrices of the time-dependent field, if H depends on time through a single field that is a sum of
    /// single-site terms.
    pub fn changing_field(&self) -> Option<Locals> {
        let mut changing = self.whole.iter().filter(|(c, _)| c.constant().is_none());
        let (_, field) = changing.next()?;
        let alone = self.products && self.is_closed() && changing.all(|(_, other)| other.is_same(field));
        alone.then(|| Some((field.dimensions().to_vec(), field.locals(self.dimension)?))).flatten()
    }

    /// The terms of H: coefficients and dense matrices.
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

    /// Lists of basis states connected by H, each spanning an invariant subspace. Without a matrix, a single list of all states.
    pub fn parts(&self) -> &[Vec<usize>] {
        self.parts.get_or_init(|| {
            let matrices: Option<Vec<&Sparse>> = self.terms.iter().map(|t| t.action().sparse()).collect();
            match matrices {
                Some(matrices) => components(self.dimension, matrices),
                None => vec![(0..self.dimension).collect()],
            }
        })
    }

    /// Block of a constant H on the states of an invariant subspace.
    #[expect(
        clippy::indexing_slicing,
        reason = "states are within the dimension, and each state that H connects to has a position in the list"
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

    /// Total number of entries of the matrices of H.
    pub fn entries(&self) -> usize {
        self.terms.iter().map(|t| t.action().entries()).sum()
    }

    /// The action of a constant H; `None` if H depends on time.
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

    /// The contribution of the dissipator at time t to the time derivative of rho.
    fn dissipation(&self, t: f64, rho: &Matrix) -> Matrix {
        let mut rate = self.constant_dissipation(rho);
        for jump in &self.changing {
            let now = jump.rate.at(t);
            rate.zip_apply(&jump.dissipation(rho), |x, y| *x += y * now);
        }
        rate
    }

    /// The contribution of what does not depend on time.
    fn constant_dissipation(&self, rho: &Matrix) -> Matrix {
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
            // Both are Hermitian: Tr[G rho] is the sum of conj(G_ij) rho_ij.
            let lost = lost.iter().zip(rho.iter()).map(|(a, b)| (a.conj() * b).re).sum::<f64>();
            rate -= h.map(|x| x * lost);
        }
        rate
    }

    /// `Tr[D(rho) A]` of the dissipator D and a Hermitian A: h is the sum of `(c^+ [A, c] + h.c.)/2` over the collapse operators c, and
    /// `-Tr[H_d A] G` of the decay of dipolar order. Diagonal matrices commute exactly, so dephasing in the eigenbasis of a diagonal A gives
    /// zero. The share of the identity is that of [`Generator::drift`], so that both cancel in a steady state of small polarisation.
    pub fn dissipated(&self, a: &Matrix) -> Functional {
        let taken = |c: &Matrix| {
            let half = product(&c.adjoint(), &commutator(a, c)).map(|x| x * 0.5);
            &half + half.adjoint()
        };
        let zero = Matrix::zeros(self.dimension, self.dimension);
        let mut sum = self.collapse.iter().fold(zero, |sum, c| sum + taken(c));
        if let Some((h, lost)) = &self.order {
            let share = trace_of_product(h, a).re;
            sum -= lost.map(|x| x * share);
        }
        let constant = Share { h: sum, mean: self.drift().map_or(0.0, |drift| trace_of_product(drift, a).re) };
        let changing = self.changing.iter().map(|jump| {
            let share = Share { h: taken(&jump.c), mean: trace_of_product(&jump.drift, a).re };
            let largest = self.largest(&jump.rate, 0.0, self.duration);
            ChangingShare { rate: jump.rate.clone(), largest, share }
        });
        Functional { constant, changing: changing.collect() }
    }

    /// The collapse operators.
    pub fn collapse(&self) -> &[Matrix] {
        &self.collapse
    }

    /// H and G of the decay of dipolar order, `d rho/dt = -Tr[G rho] H`.
    pub fn order_decay(&self) -> Option<&(Matrix, Matrix)> {
        self.order.as_ref()
    }

    /// Effective Hamiltonian part `-i H(0) - sum c^+ c / 2`.
    pub fn effective(&self) -> Matrix {
        let turning = self.hamiltonian(0.0).map(|x| -I * x);
        match &self.decay {
            Some(decay) => turning - decay.map(|x| x * 0.5),
            None => turning,
        }
    }

    /// Time derivative of the identity without the rates that depend on time; `None` if it is conserved, as by H and by relaxation to zero
    /// polarisation.
    pub fn drift(&self) -> Option<&Matrix> {
        let drift = || {
            let rate = self.constant_dissipation(&crate::linalg::identity(self.dimension));
            rate.iter().any(|x| *x != C64::default()).then_some(rate)
        };
        if self.is_closed() { None } else { self.drift.get_or_init(drift).as_ref() }
    }

    /// Time derivative of the identity at time t; `None` if it is conserved.
    fn drift_at(&self, t: f64) -> Option<Matrix> {
        let mut sum = self.drift().cloned();
        for jump in &self.changing {
            let now = jump.drift.map(|x| x * jump.rate.at(t));
            sum = Some(match sum {
                Some(sum) => sum + now,
                None => now,
            });
        }
        sum
    }

    /// Upper bound of the elements of the time derivative of the identity.
    pub fn largest_drift(&self) -> f64 {
        let largest = |m: &Matrix| m.iter().fold(0.0f64, |most, x| most.max(x.norm()));
        let changing =
            self.changing.iter().map(|jump| largest(&jump.drift) * self.largest(&jump.rate, 0.0, self.duration));
        self.drift().map_or(0.0, largest) + changing.sum::<f64>()
    }

    /// Time derivative of a density matrix `mean + deviation`, assumed Hermitian. The identity is not multiplied by H, because the rounding
    /// error would be large compared with a deviation of 1e-9.
    pub fn rate_of_deviation(&self, t: f64, deviation: &Matrix, mean: f64) -> Matrix {
        let half = self.times_density(t, deviation).map(|x| -I * x);
        let mut rate = &half + half.adjoint();
        if !self.is_closed() {
            rate += self.dissipation(t, deviation);
        }
        if let Some(drift) = self.drift_at(t) {
            rate += drift.map(|x| x * mean);
        }
        rate
    }

    /// Time derivative of a density matrix, assumed Hermitian.
    pub fn rate_of_density(&self, t: f64, rho: &Matrix) -> Matrix {
        let (mean, deviation) = apart(rho);
        self.rate_of_deviation(t, &deviation, mean)
    }

    /// `H(t) rho`, with sparse matrices if they have few entries.
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

    /// Time derivative of any state.
    pub fn rate(&self, t: f64, state: &State) -> Rate {
        match state {
            State::Pure(psi) => Rate::Pure(self.apply(t, psi).map(|x| -I * x)),
            State::Mixed(rho) => Rate::Mixed(self.rate_of_density(t, rho)),
        }
    }

    /// The superoperator at time t, acting on deviations stacked by columns with the mean as last element (see `stacked`). The last
    /// column is the time derivative of the identity.
    pub fn liouvillian(&self, t: f64) -> Matrix {
        let one = crate::linalg::identity(self.dimension);
        // vec(A rho B) = (B^T x A) vec(rho).
        let mut effective = self.hamiltonian(t).map(|x| -I * x);
        if let Some(decay) = &self.decay {
            effective -= decay.map(|x| x * 0.5);
        }
        for jump in &self.changing {
            effective -= jump.square.map(|x| x * 0.5 * jump.rate.at(t));
        }
        let mut l = one.kronecker(&effective) + effective.conjugate().kronecker(&one);
        for c in &self.collapse {
            l += c.conjugate().kronecker(c);
        }
        for jump in &self.changing {
            l += jump.c.conjugate().kronecker(&jump.c) * real(jump.rate.at(t));
        }
        if let Some((h, lost)) = &self.order {
            l -= Vector::from_column_slice(h.as_slice()) * Vector::from_column_slice(lost.as_slice()).adjoint();
        }
        let n = l.nrows();
        let mut l = l.resize(n + 1, n + 1, C64::default());
        if let Some(drift) = self.drift_at(t) {
            l.column_mut(n).iter_mut().zip(drift.iter()).for_each(|(element, x)| *element = *x);
        }
        l
    }

    /// Upper bound of the spectral width of H between two times.
    pub fn bandwidth(&self, from: f64, to: f64) -> f64 {
        self.coefficients().map(|(c, norm)| norm * self.largest(c, from, to)).sum()
    }

    /// Upper bound of the magnitude of a coefficient or rate.
    fn largest(&self, c: &Scalar, from: f64, to: f64) -> f64 {
        let bound = c.range(from, to).magnitude();
        if bound.is_finite() { bound } else { self.strongest(c, from, to) }
    }

    /// Largest magnitude of a coefficient, cell by cell, for coefficients whose range cannot be enclosed in a single evaluation.
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

/// Applies a map that conserves the identity to the deviation of a density matrix from the maximally mixed state. At a polarisation of
/// 1e-8, rounding over a long evolution must be small relative to the deviation, not to the identity.
pub fn deviation(rho: &Matrix, map: impl FnOnce(&Matrix) -> Matrix) -> Matrix {
    let (mean, d) = apart(rho);
    joined(mean, map(&d))
}

/// The mean diagonal element of a density matrix, and the deviation from it.
pub fn apart(rho: &Matrix) -> (f64, Matrix) {
    let mean = rho.trace().re / rho.nrows() as f64;
    let mut deviation = rho.clone();
    crate::linalg::add_to_diagonal(&mut deviation, real(-mean));
    (mean, deviation)
}

/// The density matrix with a mean and a deviation, made Hermitian.
pub fn joined(mean: f64, mut deviation: Matrix) -> Matrix {
    make_hermitian(&mut deviation);
    crate::linalg::add_to_diagonal(&mut deviation, real(mean));
    deviation
}

#[cfg(test)]
impl Generator {
    /// `H = sum c A` with constant coefficients, rad/s, and a relaxation, on the whole space: for tests of the engines.
    pub fn constant(
        basis: crate::spin::Basis,
        terms: Vec<(f64, Operator)>,
        relaxing: crate::hamiltonian::Relaxing,
    ) -> Generator {
        let segment = Segment {
            duration: 1.0,
            drift: terms.into_iter().map(|(c, operator)| (Scalar::Constant(c), Arc::new(operator))).collect(),
            controls: vec![],
            period: None,
            relaxing: Arc::new(relaxing),
            record: None,
            place: crate::source::Place::default(),
        };
        Generator::of(&segment, &Space::whole(Arc::new(basis)))
    }
}
