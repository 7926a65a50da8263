//! The battery, and operators as arguments of metrics: matrices and levels are worked out when they are asked for.

use super::Undefined;
use super::levels::Levels;
use crate::linalg::{Eigen, LinalgError, Matrix, hermitian_eigen};
use crate::spin::{Action, Operator, Space};
use std::cell::OnceCell;
use std::sync::OnceLock;

/// The largest block of a battery's Hamiltonian of which eigenvectors are computed.
const LARGEST_EIGEN: usize = 2048;

/// Above this dimension no metric forms a density matrix or an operator of the whole system, or of the battery.
pub const LARGEST_MATRIX: usize = 4096;

pub(super) fn too_large(what: &str, dimension: usize) -> Undefined {
    Undefined::Domain(format!("{what} has {dimension} states, and matrices of at most {LARGEST_MATRIX} are formed"))
}

/// The battery: which subsystems, and the Hamiltonian on them.
#[derive(Debug)]
pub struct Cells {
    /// The numbers of the subsystems.
    pub sites: Vec<usize>,
    /// The levels of the battery when every unitary on its constituents is allowed: (energy, how many states), ascending.
    /// Differs from those of the matrix when a collective of N spins has 2^N states but is kept in its multiplets.
    pub levels: Option<Vec<(f64, f64)>>,
    /// The Hamiltonian on the space, rad/s.
    energy: Action,
    /// The Hamiltonian on the cells, rad/s, with its levels where each state of the matrix counts once.
    inside: Levels,
    matrix: OnceCell<Matrix>,
    eigen: OnceCell<Result<Eigen, LinalgError>>,
}

impl Cells {
    /// The battery of some subsystems; `hamiltonian` is given on the whole system. `None` when it acts on others too.
    pub fn new(
        space: &Space,
        sites: Vec<usize>,
        hamiltonian: &Operator,
        levels: Option<Vec<(f64, f64)>>,
    ) -> Option<Cells> {
        let operator = hamiltonian.restricted(&sites)?;
        let energy = Action::of(hamiltonian, space);
        let inside = Levels::of(operator);
        Some(Cells { sites, levels, energy, inside, matrix: OnceCell::new(), eigen: OnceCell::new() })
    }

    /// The dimension of the cells.
    pub fn dimension(&self) -> usize {
        self.inside.operator().dimension()
    }

    /// How the Hamiltonian acts on states of the space.
    pub fn energy(&self) -> &Action {
        &self.energy
    }

    /// The Hamiltonian on the cells with its levels, each state of the matrix once.
    pub fn inside(&self) -> &Levels {
        &self.inside
    }

    /// How many states the battery has when every unitary on its constituents is allowed.
    pub fn states(&self) -> f64 {
        match &self.levels {
            Some(levels) => levels.iter().map(|l| l.1).sum(),
            None => self.inside.operator().dimensions().iter().map(|d| *d as f64).product(),
        }
    }

    /// All levels, ascending: (energy, how many states).
    ///
    /// # Errors
    /// When they cannot be computed at this size.
    pub fn all_levels(&self) -> Result<&[(f64, f64)], Undefined> {
        match &self.levels {
            Some(levels) => Ok(levels),
            None => self.inside.all(),
        }
    }

    /// The lowest and the highest level.
    ///
    /// # Errors
    /// When they cannot be computed at this size.
    pub fn ends(&self) -> Result<(f64, f64), Undefined> {
        match &self.levels {
            Some(levels) => Ok((levels.first().map_or(0.0, |l| l.0), levels.last().map_or(0.0, |l| l.0))),
            None => self.inside.ends(),
        }
    }

    /// The mean of all levels: the energy of the maximally mixed state.
    pub fn mean_level(&self) -> f64 {
        match &self.levels {
            Some(levels) => levels.iter().map(|(e, c)| e * c).sum::<f64>() / self.states(),
            None => self.inside.operator().mean().re,
        }
    }

    /// The Hamiltonian on the cells as a matrix, rad/s.
    ///
    /// # Errors
    /// When it is too large.
    pub fn hamiltonian(&self) -> Result<&Matrix, Undefined> {
        if self.dimension() > LARGEST_MATRIX {
            return Err(too_large("the battery", self.dimension()));
        }
        Ok(self.matrix.get_or_init(|| self.inside.operator().matrix()))
    }

    /// Its eigenvalues and eigenvectors.
    ///
    /// # Errors
    /// When it is too large, or they cannot be computed.
    pub fn eigen(&self) -> Result<&Eigen, Undefined> {
        let h = self.hamiltonian()?;
        if let (true, Some(largest)) = (h.nrows() > LARGEST_EIGEN, crate::linalg::largest_block(h, LARGEST_EIGEN)) {
            return Err(too_large("a part of the battery", largest));
        }
        self.eigen.get_or_init(|| hermitian_eigen(h)).as_ref().map_err(|e| Undefined::Linalg(e.clone()))
    }
}

/// An operator on the whole system as an argument; matrices are made when they are asked for.
#[derive(Debug, Clone)]
pub struct OperatorArgument {
    levels: Levels,
    matrix: OnceLock<Matrix>,
    action: OnceLock<Action>,
    sizes: OnceLock<(f64, f64)>,
}

impl OperatorArgument {
    /// An operator, rad/s where it is a Hamiltonian.
    pub fn new(operator: Operator) -> OperatorArgument {
        OperatorArgument {
            levels: Levels::of(operator),
            matrix: OnceLock::new(),
            action: OnceLock::new(),
            sizes: OnceLock::new(),
        }
    }

    /// The operator itself.
    pub fn operator(&self) -> &Operator {
        self.levels.operator()
    }

    /// Its levels on the whole system.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// How it acts on a space; that of the first space is kept, and all moments of a run have one.
    pub fn action(&self, space: &Space) -> &Action {
        self.action.get_or_init(|| Action::of(self.operator(), space))
    }

    /// `Tr[A]/N`, and `Tr[A^2]/N` of what is left without it.
    pub fn sizes(&self) -> (f64, f64) {
        *self.sizes.get_or_init(|| {
            let mean = self.operator().mean().re;
            (mean, self.operator().overlap(self.operator()).re - mean * mean)
        })
    }

    /// The matrix on the whole system.
    ///
    /// # Errors
    /// When it is too large.
    pub fn matrix(&self) -> Result<&Matrix, Undefined> {
        let n = self.operator().dimension();
        if n > LARGEST_MATRIX {
            return Err(too_large("the system", n));
        }
        Ok(self.matrix.get_or_init(|| self.operator().matrix()))
    }
}

/// An argument of a metric, as a value.
#[derive(Debug, Clone)]
pub enum Argument {
    /// A subsystem.
    Site(usize),
    /// Some subsystems.
    Sites(Vec<usize>),
    /// An operator on the whole system.
    Operator(Box<OperatorArgument>),
    /// A number.
    Number(f64),
    /// The word `energy`.
    EnergyBasis,
}

impl Argument {
    /// An operator on the whole system, rad/s where it is a Hamiltonian.
    pub fn operator(operator: Operator) -> Argument {
        Argument::Operator(Box::new(OperatorArgument::new(operator)))
    }
}
