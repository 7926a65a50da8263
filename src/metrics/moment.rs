//! What a metric may look at: the state at a moment, where it came from, and where it is going.

use super::{Undefined, Value};
use crate::linalg::{C64, Eigen, LinalgError, Matrix, Vector, hermitian_eigen};
use crate::spin::{Action, Basis, Blocks, Operator, Reduction, Space, State};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::OnceLock;

/// Above this dimension no metric forms a density matrix or an operator of the whole system, or of the battery.
pub const LARGEST_MATRIX: usize = 4096;

fn too_large(what: &str, dimension: usize) -> Undefined {
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
    /// The Hamiltonian on the cells, rad/s.
    operator: Operator,
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
        Some(Cells { sites, levels, energy, operator, matrix: OnceCell::new(), eigen: OnceCell::new() })
    }

    /// The dimension of the cells.
    pub fn dimension(&self) -> usize {
        self.operator.dimension()
    }

    /// The Hamiltonian on the cells as a matrix, rad/s.
    ///
    /// # Errors
    /// When it is too large.
    pub fn hamiltonian(&self) -> Result<&Matrix, Undefined> {
        if self.dimension() > LARGEST_MATRIX {
            return Err(too_large("the battery", self.dimension()));
        }
        Ok(self.matrix.get_or_init(|| self.operator.matrix()))
    }

    /// Its eigenvalues and eigenvectors.
    ///
    /// # Errors
    /// When it is too large, or they cannot be computed.
    pub fn eigen(&self) -> Result<&Eigen, Undefined> {
        let h = self.hamiltonian()?;
        self.eigen.get_or_init(|| hermitian_eigen(h)).as_ref().map_err(|e| Undefined::Linalg(e.clone()))
    }
}

/// An operator on the whole system as an argument; matrices are made when they are asked for.
#[derive(Debug, Clone)]
pub struct OperatorArgument {
    operator: Operator,
    matrix: OnceLock<Matrix>,
    action: OnceLock<Action>,
}

impl OperatorArgument {
    /// An operator, rad/s where it is a Hamiltonian.
    pub fn new(operator: Operator) -> OperatorArgument {
        OperatorArgument { operator, matrix: OnceLock::new(), action: OnceLock::new() }
    }

    /// The operator itself.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// The matrix on the whole system.
    ///
    /// # Errors
    /// When it is too large.
    pub fn matrix(&self) -> Result<&Matrix, Undefined> {
        let n = self.operator.dimension();
        if n > LARGEST_MATRIX {
            return Err(too_large("the system", n));
        }
        Ok(self.matrix.get_or_init(|| self.operator.matrix()))
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

/// What all moments of a run have in common.
#[derive(Debug)]
pub struct Scene {
    /// Where states live.
    pub space: Space,
    /// The dimension of every subsystem.
    pub dimensions: Vec<usize>,
    /// The battery, if one is declared.
    pub cells: Option<Cells>,
    /// The state after `prepare`.
    pub initial: State,
    initial_whole: OnceCell<Matrix>,
    twice_m: OnceCell<Vec<i64>>,
    reductions: RefCell<HashMap<Vec<usize>, Rc<Reduction>>>,
}

impl Scene {
    /// The battery, where it is the whole system and each of its states counts once.
    pub fn whole_battery(&self) -> Option<&Cells> {
        let all = 0..self.dimensions.len();
        self.cells.as_ref().filter(|c| c.levels.is_none() && c.sites.iter().copied().eq(all))
    }

    /// A scene.
    pub fn new(space: Space, cells: Option<Cells>, initial: State) -> Scene {
        Scene {
            dimensions: space.basis().dimensions(),
            space,
            cells,
            initial,
            initial_whole: OnceCell::new(),
            twice_m: OnceCell::new(),
            reductions: RefCell::default(),
        }
    }

    /// Twice the total magnetic quantum number of every state of the whole system.
    pub fn twice_m(&self) -> &[i64] {
        let basis = self.space.basis();
        self.twice_m.get_or_init(|| (0..basis.dimension()).map(|k| basis.twice_m(k)).collect())
    }

    /// How the space falls into some subsystems and the rest.
    fn reduction(&self, keep: &[usize]) -> Rc<Reduction> {
        if let Some(found) = self.reductions.borrow().get(keep) {
            return found.clone();
        }
        let made = Rc::new(Reduction::new(&self.space, keep));
        self.reductions.borrow_mut().insert(keep.to_vec(), made.clone());
        made
    }

    /// The states of some subsystems, sorted by the multiplets of the collectives among them: one list where there are none.
    pub fn multiplets_of(&self, sites: &[usize]) -> Vec<Vec<usize>> {
        let all = self.space.basis();
        let part = Basis::new(sites.iter().map(|&s| all.sites[s].clone()).collect());
        let mut lists: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        (0..part.dimension()).for_each(|k| lists.entry(part.multiplet(k)).or_default().push(k));
        lists.into_values().collect()
    }

    /// The whole density matrix of a state of the space.
    fn whole(&self, state: &State) -> Result<Matrix, Undefined> {
        let n = self.space.basis().size();
        if n > LARGEST_MATRIX as f64 {
            return Err(too_large("the system", n as usize));
        }
        Ok(self.space.embedded(state).density())
    }

    /// The whole density matrix after `prepare`.
    ///
    /// # Errors
    /// When it is too large.
    pub fn initial_density(&self) -> Result<&Matrix, Undefined> {
        if self.initial_whole.get().is_none() {
            let whole = self.whole(&self.initial)?;
            let _ = self.initial_whole.set(whole);
        }
        self.initial_whole.get().ok_or_else(|| too_large("the system", self.space.len()))
    }
}

/// The state at a moment, with everything that a metric may ask for.
pub struct Moment<'a> {
    /// What all moments have in common.
    pub scene: &'a Scene,
    /// The state now.
    pub state: &'a State,
    /// What moves the state; `None` where nothing acts.
    pub motion: Option<&'a dyn Motion>,
    /// The time since `prepare`; `None` where the members of an ensemble reach the moment at different times.
    pub time: Option<f64>,
    cache: Cache,
}

/// What moves the state. Asked only by the metrics that need it: a rate costs two matrix products.
pub trait Motion {
    /// The Hamiltonian that acts now on the whole system, rad/s.
    ///
    /// # Errors
    /// When it is too large for a matrix, or members of an ensemble have different ones.
    fn hamiltonian(&self) -> Result<Matrix, Undefined>;
    /// The rate of change of a state.
    fn rate(&self, state: &State) -> Rate;
    /// Whether nothing but a Hamiltonian acts now.
    fn is_unitary(&self) -> bool;
    /// For how long this Hamiltonian has acted, unchanged and alone.
    ///
    /// # Errors
    /// When it changes during its statement, the state relaxes, or members of an ensemble have different ones.
    fn constant_since(&self) -> Result<f64, Undefined>;
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
    blocks: OnceCell<Blocks>,
    cells: OnceCell<Matrix>,
    spectrum: OnceCell<Result<Vec<(f64, f64)>, LinalgError>>,
}

impl<'a> Moment<'a> {
    /// A moment.
    pub fn new(
        scene: &'a Scene,
        state: &'a State,
        motion: Option<&'a dyn Motion>,
        time: impl Into<Option<f64>>,
    ) -> Moment<'a> {
        Moment { scene, state, motion, time: time.into(), cache: Cache::default() }
    }

    /// The time since `prepare`.
    ///
    /// # Errors
    /// When the members of an ensemble reach the moment at different times.
    pub fn elapsed(&self) -> Value {
        self.time.ok_or_else(|| {
            Undefined::Domain(
                "the members of the ensemble reach this moment at different times; `member_mean` averages what each of them has"
                    .into(),
            )
        })
    }

    /// Whether there is a state: see [`State::is_normalised`].
    pub fn is_state(&self) -> bool {
        self.scene.space.basis().has_copies() || self.state.is_normalised()
    }

    /// The dimension of a subsystem.
    pub fn dimension(&self, site: usize) -> usize {
        self.scene.dimensions[site]
    }

    /// The dimensions of the subsystems.
    pub fn dimensions(&self) -> &[usize] {
        &self.scene.dimensions
    }

    /// The density matrix of the whole system.
    ///
    /// # Errors
    /// When it is too large.
    pub fn density(&self) -> Result<&Matrix, Undefined> {
        if let (State::Mixed(rho), true) = (self.state, self.scene.space.is_whole()) {
            return Ok(rho);
        }
        if self.cache.density.get().is_none() {
            let whole = self.scene.whole(self.state)?;
            let _ = self.cache.density.set(whole);
        }
        self.cache.density.get().ok_or_else(|| too_large("the system", self.scene.space.len()))
    }

    /// The reduced density matrix of some subsystems, in that order.
    ///
    /// # Errors
    /// When it is too large.
    pub fn reduced(&self, keep: &[usize]) -> Result<Matrix, Undefined> {
        let reduction = self.scene.reduction(keep);
        if reduction.dimension() > LARGEST_MATRIX {
            return Err(too_large("the part", reduction.dimension()));
        }
        Ok(reduction.reduce(self.state).dense())
    }

    /// Refuses quantities that count the states of the whole system, where a collective's copies are not kept one by one.
    ///
    /// # Errors
    /// When a collective is kept in several multiplets.
    pub fn counts_every_state(&self) -> Result<(), Undefined> {
        if self.scene.space.basis().has_copies() {
            return Err(Undefined::Domain(
                "a collective outside of its symmetric multiplet has more states than are kept".into(),
            ));
        }
        Ok(())
    }

    /// The battery.
    ///
    /// # Errors
    /// When none is declared.
    pub fn battery(&self) -> Result<&'a Cells, Undefined> {
        self.scene.cells.as_ref().ok_or_else(|| Undefined::Domain("no battery is declared".into()))
    }

    /// The energy of the battery, rad/s. Needs no reduced state, so it costs one sparse product whatever the battery's size.
    ///
    /// # Errors
    /// When no battery is declared.
    pub fn energy(&self) -> Value {
        let cells = self.battery()?;
        Ok(match self.state {
            State::Pure(psi) => cells.energy.mean(psi).re,
            State::Mixed(rho) => cells.energy.trace_with(rho).re,
        })
    }

    /// The energy of the battery above that after `prepare`. Of density matrices the difference is taken first: at a
    /// polarisation of 1e-8 the rest would be lost in rounding.
    ///
    /// # Errors
    /// When no battery is declared.
    pub fn stored_energy(&self) -> Value {
        let cells = self.battery()?;
        Ok(match (self.state, &self.scene.initial) {
            (State::Mixed(rho), State::Mixed(initial)) => cells.energy.trace_with(&(rho - initial)).re,
            (_, State::Pure(psi)) => self.energy()? - cells.energy.mean(psi).re,
            (_, State::Mixed(rho)) => self.energy()? - cells.energy.trace_with(rho).re,
        })
    }

    /// The rate of change of the battery's energy; zero where nothing acts.
    ///
    /// # Errors
    /// When no battery is declared.
    pub fn energy_rate(&self) -> Value {
        let cells = self.battery()?;
        Ok(match (self.motion.map(|m| m.rate(self.state)), self.state) {
            (Some(Rate::Mixed(rate)), _) => cells.energy.trace_with(&rate).re,
            (Some(Rate::Pure(rate)), State::Pure(psi)) => 2.0 * rate.dotc(&cells.energy.apply(psi)).re,
            (Some(Rate::Pure(_)), State::Mixed(_)) | (None, _) => 0.0,
        })
    }

    /// The reduced state of the battery, by blocks.
    ///
    /// # Errors
    /// When no battery is declared.
    pub fn battery_blocks(&self) -> Result<&Blocks, Undefined> {
        let cells = self.battery()?;
        Ok(self.cache.blocks.get_or_init(|| self.scene.reduction(&cells.sites).reduce(self.state)))
    }

    /// The reduced state of the battery.
    ///
    /// # Errors
    /// When no battery is declared, or it is too large.
    pub fn battery_state(&self) -> Result<&Matrix, Undefined> {
        let cells = self.battery()?;
        if cells.dimension() > LARGEST_MATRIX {
            return Err(too_large("the battery", cells.dimension()));
        }
        // Of a battery that is the whole system nothing is traced out.
        if let (State::Mixed(rho), Some(_), true) =
            (self.state, self.scene.whole_battery(), self.scene.space.is_whole())
        {
            return Ok(rho);
        }
        let blocks = self.battery_blocks()?;
        Ok(self.cache.cells.get_or_init(|| blocks.dense()))
    }

    /// Eigenvalues of the battery's state, ascending, each with the number of states that have it: more than one where a
    /// multiplet stands for its copies.
    ///
    /// # Errors
    /// When no battery is declared or the eigenvalues cannot be computed.
    pub fn battery_spectrum(&self) -> Result<&[(f64, f64)], Undefined> {
        let blocks = self.battery_blocks()?;
        let spectrum = self.cache.spectrum.get_or_init(|| blocks.spectrum());
        spectrum.as_deref().map_err(|e| Undefined::Linalg(e.clone()))
    }

    /// The rate of change of the battery's state by blocks, those of its state; `None` where nothing acts.
    ///
    /// # Errors
    /// When no battery is declared.
    pub fn battery_rate_blocks(&self) -> Result<Option<Blocks>, Undefined> {
        let reduction = self.scene.reduction(&self.battery()?.sites);
        Ok(match (self.motion.map(|m| m.rate(self.state)), self.state) {
            (Some(Rate::Mixed(rate)), _) => Some(reduction.matrix(&rate)),
            (Some(Rate::Pure(rate)), State::Pure(psi)) => {
                let mut half = reduction.outer(&rate, psi);
                half.blocks.iter_mut().for_each(|b| b.matrix = &b.matrix + b.matrix.adjoint());
                Some(half)
            }
            (Some(Rate::Pure(_)), State::Mixed(_)) | (None, _) => None,
        })
    }

    /// The rate of change of the battery's state; zero where nothing acts.
    ///
    /// # Errors
    /// When no battery is declared, or it is too large.
    pub fn battery_rate(&self) -> Result<Matrix, Undefined> {
        let n = self.battery()?.dimension();
        if n > LARGEST_MATRIX {
            return Err(too_large("the battery", n));
        }
        Ok(self.battery_rate_blocks()?.map_or_else(|| Matrix::zeros(n, n), |b| b.dense()))
    }

    /// The battery's Hamiltonian, or the operator given instead, reduced to the battery: the average over the other
    /// subsystems is exact when the operator acts on the battery alone, which is checked.
    ///
    /// # Errors
    /// When no battery is declared, or the operator reaches outside of it.
    pub fn hamiltonian(&self, arguments: &[Argument]) -> Result<Matrix, Undefined> {
        let cells = self.battery()?;
        match arguments.first() {
            Some(Argument::Operator(argument)) => match argument.operator.restricted(&cells.sites) {
                Some(inside) if inside.dimension() <= LARGEST_MATRIX => Ok(inside.matrix()),
                Some(inside) => Err(too_large("the battery", inside.dimension())),
                None => Err(Undefined::Domain("the operator acts on subsystems outside of the battery's cells".into())),
            },
            _ => Ok(cells.hamiltonian()?.clone()),
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

    /// The operator of argument `k` as a matrix on the whole system.
    ///
    /// # Errors
    /// When the argument is something else, or too large.
    pub fn operator<'b>(&self, arguments: &'b [Argument], k: usize) -> Result<&'b Matrix, Undefined> {
        match arguments.get(k) {
            Some(Argument::Operator(operator)) => operator.matrix(),
            _ => Err(Undefined::Domain("an operator is needed here".into())),
        }
    }

    /// The mean of the operator of argument `k`, without a matrix of the whole system.
    ///
    /// # Errors
    /// When the argument is something else.
    pub fn mean_of(&self, arguments: &[Argument], k: usize) -> Value {
        let Some(Argument::Operator(argument)) = arguments.get(k) else {
            return Err(Undefined::Domain("an operator is needed here".into()));
        };
        let action = argument.action.get_or_init(|| Action::of(&argument.operator, &self.scene.space));
        Ok(match self.state {
            State::Pure(psi) => action.mean(psi).re,
            State::Mixed(rho) => action.trace_with(rho).re,
        })
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
