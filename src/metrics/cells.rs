//! The battery, and operators as arguments of metrics; matrices and eigenvalues are computed on first use.

use super::Undefined;
use super::levels::Levels;
use crate::linalg::{Eigen, LinalgError, Matrix, hermitian_eigen};
use crate::spin::{Action, Operator, Space, State};
use std::cell::OnceCell;
use std::sync::{Arc, OnceLock};

/// Largest block of a battery Hamiltonian for which eigenvectors are computed.
const LARGEST_EIGEN: usize = 2048;

/// Largest dimension for which metrics form a dense density matrix or operator, of the whole system or of the battery.
pub const LARGEST_MATRIX: usize = 4096;

pub(super) fn too_large(what: &str, dimension: usize) -> Undefined {
    Undefined::Domain(format!("{what} has {dimension} states; matrices are formed for at most {LARGEST_MATRIX} states"))
}

fn too_many_levels() -> Undefined {
    Undefined::Domain(
        "the collectives of the battery have too many combinations of multiplets for all of its levels; use fewer spins or collectives".into(),
    )
}

/// The battery: its subsystems, and its Hamiltonian.
#[derive(Debug)]
pub struct Cells {
    /// Indices of the subsystems.
    pub sites: Vec<usize>,
    /// Energy levels of the battery if every unitary on its constituents is allowed: (energy, degeneracy), ascending. They differ from
    /// those of the matrix for a collective of N spins, which has 2^N states but is stored as total-J multiplets. Empty if they are too
    /// many.
    pub levels: Option<Vec<(f64, f64)>>,
    /// Hamiltonian acting on the whole space, rad/s.
    energy: Action,
    /// Hamiltonian on the battery's own space, rad/s, with its levels, each matrix state counted once.
    inside: Levels,
    matrix: OnceCell<Matrix>,
    eigen: OnceCell<Result<Eigen, LinalgError>>,
}

impl Cells {
    /// Battery on the given subsystems; `hamiltonian` acts on the whole system. `None` if it also acts on other subsystems.
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

    /// Dimension of the battery's space.
    pub fn dimension(&self) -> usize {
        self.inside.operator().dimension()
    }

    /// Action of the Hamiltonian on states of the whole space.
    pub fn energy(&self) -> &Action {
        &self.energy
    }

    /// Hamiltonian on the battery's space and its levels, each matrix state counted once.
    pub fn inside(&self) -> &Levels {
        &self.inside
    }

    /// Number of states of the battery if every unitary on its constituents is allowed.
    pub fn states(&self) -> f64 {
        match &self.levels {
            Some(levels) => levels.iter().map(|l| l.1).sum(),
            None => self.inside.operator().dimensions().iter().map(|d| *d as f64).product(),
        }
    }

    /// All levels, ascending: (energy, degeneracy), rad/s.
    ///
    /// # Errors
    /// When they cannot be computed at this size.
    pub fn all_levels(&self) -> Result<&[(f64, f64)], Undefined> {
        match &self.levels {
            Some(levels) if levels.is_empty() => Err(too_many_levels()),
            Some(levels) => Ok(levels),
            None => self.inside.all(),
        }
    }

    /// Lowest and highest level, rad/s.
    ///
    /// # Errors
    /// When they cannot be computed at this size.
    pub fn ends(&self) -> Result<(f64, f64), Undefined> {
        match &self.levels {
            Some(levels) if levels.is_empty() => Err(too_many_levels()),
            Some(levels) => Ok((levels.first().map_or(0.0, |l| l.0), levels.last().map_or(0.0, |l| l.0))),
            None => self.inside.ends(),
        }
    }

    /// Mean of all levels: the energy of the maximally mixed state, rad/s.
    pub fn mean_level(&self) -> f64 {
        match &self.levels {
            Some(levels) => levels.iter().map(|(e, c)| e * c).sum::<f64>() / self.states(),
            None => self.inside.operator().mean().re,
        }
    }

    /// Dense matrix of the Hamiltonian on the battery's space, rad/s.
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

/// An operator on the whole system as an argument of a metric; matrices are computed on first use.
#[derive(Debug, Clone)]
pub struct OperatorArgument {
    levels: Levels,
    battery_levels: Option<Vec<(f64, f64)>>,
    matrix: OnceLock<Matrix>,
    action: OnceLock<Action>,
    sizes: OnceLock<(f64, f64)>,
}

impl OperatorArgument {
    /// Wraps an operator, rad/s if it is a Hamiltonian.
    pub fn new(operator: Operator) -> OperatorArgument {
        OperatorArgument {
            levels: Levels::of(operator),
            battery_levels: None,
            matrix: OnceLock::new(),
            action: OnceLock::new(),
            sizes: OnceLock::new(),
        }
    }

    /// With its levels on a battery with collectives, as in [`Cells::levels`].
    pub fn with_battery_levels(self, levels: Option<Vec<(f64, f64)>>) -> OperatorArgument {
        OperatorArgument { battery_levels: levels, ..self }
    }

    /// Its levels on a battery with collectives, if they are known.
    pub fn battery_levels(&self) -> Option<&[(f64, f64)]> {
        self.battery_levels.as_deref()
    }

    /// The operator.
    pub fn operator(&self) -> &Operator {
        self.levels.operator()
    }

    /// Its levels on the whole system.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Its action on a space. The action on the first space is cached; all moments of a run share one space.
    pub fn action(&self, space: &Space) -> &Action {
        self.action.get_or_init(|| Action::of(self.operator(), space))
    }

    /// `Tr[A]/N`, and `Tr[B^2]/N` of the traceless part `B = A - Tr[A]/N`.
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

/// Value of an argument of a metric.
#[derive(Debug, Clone)]
pub enum Argument {
    /// A subsystem, by index.
    Site(usize),
    /// Several subsystems, by index.
    Sites(Vec<usize>),
    /// An operator on the whole system.
    Operator(Box<OperatorArgument>),
    /// A number.
    Number(f64),
    /// The keyword `energy`: the energy eigenbasis.
    EnergyBasis,
    /// A state to compare with.
    State(TargetState),
}

/// A state to compare with, on any space.
#[derive(Clone)]
pub struct TargetState {
    on: Arc<dyn Fn(&Space) -> State + Send + Sync>,
    /// True if it is an average over permutations of the spins of a collective.
    averaged: bool,
}

impl TargetState {
    /// `on` gives the part of the state on a space; `averaged` is true if it is an average over permutations of the spins of a
    /// collective.
    pub fn new(on: impl Fn(&Space) -> State + Send + Sync + 'static, averaged: bool) -> TargetState {
        TargetState { on: Arc::new(on), averaged }
    }

    /// True if it is an average over permutations of the spins of a collective.
    pub fn is_averaged(&self) -> bool {
        self.averaged
    }

    /// Its part on a space, whose trace is below 1 if the state leaves the space.
    pub fn on(&self, space: &Space) -> State {
        (self.on)(space)
    }
}

impl std::fmt::Debug for TargetState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TargetState")
    }
}

impl Argument {
    /// An operator on the whole system, rad/s where it is a Hamiltonian.
    pub fn operator(operator: Operator) -> Argument {
        Argument::Operator(Box::new(OperatorArgument::new(operator)))
    }
}
