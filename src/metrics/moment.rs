//! What a metric may look at: the state at a moment, where it came from, and where it is going.

use super::{Undefined, Value};
use crate::linalg::{C64, Eigen, Matrix, Vector, hermitian_eigen};
use crate::spin::{State, reduce_outer};
use std::cell::OnceCell;

/// The battery: which subsystems, and the Hamiltonian on them.
#[derive(Debug, Clone)]
pub struct Cells {
    /// The numbers of the subsystems.
    pub sites: Vec<usize>,
    /// The Hamiltonian on them, rad/s.
    pub hamiltonian: Matrix,
    /// Its eigenvalues and eigenvectors.
    pub eigen: Eigen,
    /// The levels of the battery when every unitary on its constituents is allowed: (energy, how many states), ascending.
    /// Differs from `eigen` when a collective of N spins has 2^N states but is kept as one multiplet.
    pub levels: Option<Vec<(f64, f64)>>,
    /// The reduced state after `prepare`.
    pub initial: Matrix,
}

/// An argument of a metric, as a value.
#[derive(Debug, Clone)]
pub enum Argument {
    /// A subsystem.
    Site(usize),
    /// Some subsystems.
    Sites(Vec<usize>),
    /// An operator on the whole system, rad/s where it is a Hamiltonian.
    Operator(Matrix),
    /// A number.
    Number(f64),
    /// The word `energy`.
    EnergyBasis,
}

/// The state at a moment, with everything that a metric may ask for.
pub struct Moment<'a> {
    /// The dimension of every subsystem.
    pub dimensions: &'a [usize],
    /// Twice the total magnetic quantum number of every basis state.
    pub twice_m: &'a [i64],
    /// The battery, if one is declared.
    pub cells: Option<&'a Cells>,
    /// The state after `prepare`.
    pub initial: &'a State,
    /// The state now.
    pub state: &'a State,
    /// What moves the state; `None` where nothing acts.
    pub motion: Option<&'a dyn Motion>,
    /// The time since `prepare`.
    pub time: f64,
    cache: Cache,
}

/// What moves the state. Asked only by the metrics that need it: a rate costs two matrix products.
pub trait Motion {
    /// The Hamiltonian that acts now, rad/s; `None` where it was never built as a dense matrix.
    fn hamiltonian(&self) -> Option<Matrix>;
    /// The rate of change of a state.
    fn rate(&self, state: &State) -> Rate;
}

/// The rate of change of a state.
#[derive(Debug, Clone)]
pub enum Rate {
    /// d psi/dt.
    Pure(Vector),
    /// d rho/dt.
    Mixed(Matrix),
}

#[derive(Default)]
struct Cache {
    density: OnceCell<Matrix>,
    cells: OnceCell<Matrix>,
    eigen: OnceCell<Result<Eigen, crate::linalg::LinalgError>>,
}

impl<'a> Moment<'a> {
    /// A moment.
    pub fn new(
        dimensions: &'a [usize],
        twice_m: &'a [i64],
        cells: Option<&'a Cells>,
        initial: &'a State,
        state: &'a State,
        motion: Option<&'a dyn Motion>,
        time: f64,
    ) -> Moment<'a> {
        Moment { dimensions, twice_m, cells, initial, state, motion, time, cache: Cache::default() }
    }

    /// The density matrix of the whole system.
    pub fn density(&self) -> &Matrix {
        match self.state {
            State::Mixed(rho) => rho,
            State::Pure(_) => self.cache.density.get_or_init(|| self.state.density()),
        }
    }

    /// The battery.
    ///
    /// # Errors
    /// When none is declared.
    pub fn battery(&self) -> Result<&'a Cells, Undefined> {
        self.cells.ok_or_else(|| Undefined::Domain("no battery is declared".into()))
    }

    /// The reduced state of the battery.
    ///
    /// # Errors
    /// When no battery is declared.
    pub fn battery_state(&self) -> Result<&Matrix, Undefined> {
        let cells = self.battery()?;
        Ok(self.cache.cells.get_or_init(|| self.state.reduced(self.dimensions, &cells.sites)))
    }

    /// Eigenvalues and eigenvectors of the battery's state.
    ///
    /// # Errors
    /// When no battery is declared or the eigenvalues cannot be computed.
    pub fn battery_eigen(&self) -> Result<&Eigen, Undefined> {
        let rho = self.battery_state()?;
        self.cache.eigen.get_or_init(|| hermitian_eigen(rho)).as_ref().map_err(|e| Undefined::Linalg(e.clone()))
    }

    /// The rate of change of the battery's state; zero where nothing acts.
    ///
    /// # Errors
    /// When no battery is declared.
    pub fn battery_rate(&self) -> Result<Matrix, Undefined> {
        let cells = self.battery()?;
        let n = cells.hamiltonian.nrows();
        Ok(match (self.motion.map(|m| m.rate(self.state)), self.state) {
            (Some(Rate::Mixed(rate)), _) => crate::spin::reduce(&rate, self.dimensions, &cells.sites),
            (Some(Rate::Pure(rate)), State::Pure(psi)) => {
                let half = reduce_outer(&rate, psi, self.dimensions, &cells.sites);
                &half + half.adjoint()
            }
            (Some(Rate::Pure(_)), State::Mixed(_)) | (None, _) => Matrix::zeros(n, n),
        })
    }

    /// The battery's Hamiltonian, or the operator given instead, reduced to the battery: the average over the other
    /// subsystems is exact when the operator acts on the battery alone, which is checked.
    ///
    /// # Errors
    /// When no battery is declared, or the operator reaches outside of it.
    pub fn hamiltonian(&self, arguments: &[Argument]) -> Result<Matrix, Undefined> {
        let cells = self.battery()?;
        match arguments.first() {
            Some(Argument::Operator(operator)) => restrict(operator, self.dimensions, &cells.sites),
            _ => Ok(cells.hamiltonian.clone()),
        }
    }

    /// The single subsystem of argument `k`.
    ///
    /// # Errors
    /// When the argument is something else.
    pub fn site(&self, arguments: &[Argument], k: usize) -> Result<usize, Undefined> {
        match arguments.get(k) {
            Some(Argument::Site(site)) => Ok(*site),
            Some(Argument::Sites(sites)) if sites.len() == 1 => Ok(sites[0]),
            _ => Err(Undefined::Domain("a single subsystem is needed here".into())),
        }
    }

    /// The subsystems of argument `k`.
    ///
    /// # Errors
    /// When the argument is something else.
    pub fn sites(&self, arguments: &[Argument], k: usize) -> Result<Vec<usize>, Undefined> {
        match arguments.get(k) {
            Some(Argument::Site(site)) => Ok(vec![*site]),
            Some(Argument::Sites(sites)) => Ok(sites.clone()),
            _ => Err(Undefined::Domain("subsystems are needed here".into())),
        }
    }

    /// The operator of argument `k`.
    ///
    /// # Errors
    /// When the argument is something else.
    pub fn operator<'b>(&self, arguments: &'b [Argument], k: usize) -> Result<&'b Matrix, Undefined> {
        match arguments.get(k) {
            Some(Argument::Operator(operator)) => Ok(operator),
            _ => Err(Undefined::Domain("an operator is needed here".into())),
        }
    }

    /// The number of argument `k`.
    ///
    /// # Errors
    /// When the argument is something else.
    pub fn number(&self, arguments: &[Argument], k: usize) -> Value {
        match arguments.get(k) {
            Some(Argument::Number(x)) => Ok(*x),
            _ => Err(Undefined::Domain("a number is needed here".into())),
        }
    }
}

/// An operator of the whole system as one of some subsystems.
///
/// # Errors
/// When it acts on the others too.
pub fn restrict(operator: &Matrix, dimensions: &[usize], sites: &[usize]) -> Result<Matrix, Undefined> {
    let rest: usize = (0..dimensions.len()).filter(|k| !sites.contains(k)).map(|k| dimensions[k]).product();
    let inside = crate::spin::reduce(operator, dimensions, sites).map(|x| x / rest as f64);
    // For operators of the form A x 1 the norms agree; anything on the other subsystems adds to the left side.
    let (whole, part) = (crate::linalg::norm_squared(operator), rest as f64 * crate::linalg::norm_squared(&inside));
    if (whole - part).abs() > 1e-9 * whole.max(f64::MIN_POSITIVE) {
        return Err(Undefined::Domain("the operator acts on subsystems outside of the battery's cells".into()));
    }
    Ok(inside)
}

/// `Tr[a b]` of Hermitian matrices.
pub(super) fn mean(a: &Matrix, b: &Matrix) -> f64 {
    crate::linalg::trace_of_product(a, b).re
}

/// `<v| m |v>` for column k of `vectors`.
pub(super) fn diagonal_element(vectors: &Matrix, k: usize, m: &Matrix) -> f64 {
    let v = vectors.column(k);
    let mut sum = C64::new(0.0, 0.0);
    for j in 0..m.ncols() {
        for i in 0..m.nrows() {
            sum += v[i].conj() * m[(i, j)] * v[j];
        }
    }
    sum.re
}
