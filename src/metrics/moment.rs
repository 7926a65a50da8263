//! Input of the metrics: the state at a moment, the prepared state, and the generator of the evolution.

#![expect(
    clippy::indexing_slicing,
    reason = "subsystem indices were resolved in the basis of the scene, and matrices and vectors have its dimension"
)]

use super::cells::{Argument, Cells, LARGEST_MATRIX, OperatorArgument, too_large};
use super::deviation::Spectrum;
use super::process::{Measured, Process};
use super::{NoHeat, NoPropagator, Undefined, Value};
use crate::linalg::{C64, Matrix, Vector};
use crate::spin::{Basis, Blocks, Operator, Reduction, Space, State};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Data shared by all moments of a run.
#[derive(Debug)]
pub struct Scene {
    /// State space.
    pub space: Space,
    /// Dimension of every subsystem.
    pub dimensions: Vec<usize>,
    /// The battery, if declared.
    pub cells: Option<Cells>,
    /// The state after `prepare`.
    pub initial: State,
    initial_whole: OnceCell<Matrix>,
    reductions: RefCell<HashMap<Vec<usize>, Rc<Reduction>>>,
    pub(super) averaged: Averaged,
    pub(super) even: OnceCell<Option<Vec<f64>>>,
    pub(super) even_energy: OnceCell<f64>,
    pub(super) initial_deviation: OnceCell<Option<Matrix>>,
    /// Cached eigenvalues of the whole state, and the unitary part of the run for which they hold.
    pub(super) conserved: RefCell<Option<(u64, Rc<Spectrum>)>>,
}

/// Collectives in which a product state of the spins was prepared. They are stored as the average over all permutations of the spins, which
/// has the same expectation values of collective operators and the same reduced state of all other subsystems, but a different spectrum.
#[derive(Debug, Clone, Default)]
pub struct Averaged {
    /// Indices of these collectives.
    pub sites: Vec<usize>,
    /// True if the prepared state of the whole system is pure.
    pub pure: bool,
}

impl Scene {
    /// The battery, if it is the whole system and each of its states counts once.
    pub fn whole_battery(&self) -> Option<&Cells> {
        let all = 0..self.dimensions.len();
        self.cells.as_ref().filter(|c| c.levels.is_none() && c.sites.iter().copied().eq(all))
    }

    /// Creates a scene from the space, the battery and the prepared state.
    pub fn new(space: Space, cells: Option<Cells>, initial: State) -> Scene {
        Scene {
            dimensions: space.basis().dimensions(),
            space,
            cells,
            initial,
            initial_whole: OnceCell::new(),
            reductions: RefCell::default(),
            averaged: Averaged::default(),
            even: OnceCell::new(),
            even_energy: OnceCell::new(),
            initial_deviation: OnceCell::new(),
            conserved: RefCell::default(),
        }
    }

    /// Marks the collectives that are stored as averages over permutations.
    pub fn with_averages(self, averaged: Averaged) -> Scene {
        Scene { averaged, ..self }
    }

    /// Decomposition of the space into the given subsystems and the rest; cached.
    pub(super) fn reduction(&self, keep: &[usize]) -> Rc<Reduction> {
        if let Some(found) = self.reductions.borrow().get(keep) {
            return found.clone();
        }
        let made = Rc::new(Reduction::new(&self.space, keep));
        self.reductions.borrow_mut().insert(keep.to_vec(), made.clone());
        made
    }

    /// Basis states of some subsystems, grouped by the multiplets of the collectives among them; one group if there are none.
    pub fn multiplets_of(&self, sites: &[usize]) -> Vec<Vec<usize>> {
        let all = self.space.basis();
        let part = Basis::new(sites.iter().map(|&s| all.site(s).clone()).collect());
        let mut lists: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        (0..part.dimension()).for_each(|k| lists.entry(part.multiplet(k)).or_default().push(k));
        lists.into_values().collect()
    }

    /// Density matrix of a state on the whole product space.
    fn whole(&self, state: &State) -> Result<Matrix, Undefined> {
        let n = self.space.basis().size();
        if n > LARGEST_MATRIX as f64 {
            return Err(too_large("the system", n as usize));
        }
        Ok(self.space.embedded(state).density())
    }

    /// Density matrix of the prepared state on the whole product space.
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

/// The state at a moment, with everything needed to evaluate metrics.
pub struct Moment<'a> {
    /// Data shared by all moments.
    pub scene: &'a Scene,
    /// Current state.
    pub state: &'a State,
    /// Generator of the evolution; `None` if nothing acts.
    pub motion: Option<&'a dyn Motion>,
    /// Time since `prepare`, s; `None` if the members of an ensemble reach this moment at different times.
    pub time: Option<f64>,
    /// Index, from 0, of the part of the run within which the whole state evolves unitarily; `None` if unknown.
    pub(super) unitary_part: Option<u64>,
    /// Propagator from `prepare` to this moment, on the space of the scene.
    propagator: Result<&'a Matrix, NoPropagator>,
    /// The process up to this moment, if it contains projective measurements with feedback.
    measured: Option<&'a Measured>,
    /// Heat from `prepare` to this moment, rad/s.
    heat: Result<f64, NoHeat>,
    pub(super) cache: Cache,
}

/// Generator of the evolution. Used only by the metrics that need it: a rate costs two matrix products.
pub trait Motion {
    /// Hamiltonian currently acting on the whole system, rad/s.
    ///
    /// # Errors
    /// When nothing acts, or the members of an ensemble have different Hamiltonians.
    fn hamiltonian(&self) -> Result<Operator, Undefined>;
    /// Time derivative of a state, 1/s.
    fn rate(&self, state: &State) -> Rate;
    /// True if only one Hamiltonian acts, so that the eigenvalues of the state are constant.
    fn is_unitary(&self) -> bool;
    /// Duration for which this Hamiltonian has acted alone and unchanged, s.
    ///
    /// # Errors
    /// When it changes during its statement, the state relaxes, or the members of an ensemble have different Hamiltonians.
    fn constant_since(&self) -> Result<f64, Undefined>;
}

/// Time derivative of a state.
#[derive(Debug, Clone)]
pub enum Rate {
    /// d psi/dt.
    Pure(Vector),
    /// d rho/dt.
    Mixed(Matrix),
}

#[derive(Default)]
pub(super) struct Cache {
    density: OnceCell<Matrix>,
    blocks: OnceCell<Blocks>,
    cells: OnceCell<Matrix>,
    pub(super) deviation: OnceCell<Option<Matrix>>,
    pub(super) vector: OnceCell<Vector>,
    pub(super) spectrum: OnceCell<Result<Rc<Spectrum>, Undefined>>,
}

impl<'a> Moment<'a> {
    /// Creates a moment.
    pub fn new(
        scene: &'a Scene,
        state: &'a State,
        motion: Option<&'a dyn Motion>,
        time: impl Into<Option<f64>>,
    ) -> Moment<'a> {
        Moment {
            scene,
            state,
            motion,
            time: time.into(),
            unitary_part: None,
            propagator: Err(NoPropagator::NotFollowed),
            measured: None,
            heat: Err(NoHeat::NotFollowed),
            cache: Cache::default(),
        }
    }

    /// Time since `prepare`, s.
    ///
    /// # Errors
    /// When the members of an ensemble reach the moment at different times.
    pub fn elapsed(&self) -> Value {
        self.time.ok_or_else(|| {
            Undefined::Domain(
                "the ensemble members reach this point at different times; `member_mean` averages their individual values"
                    .into(),
            )
        })
    }

    /// Marks the moment as belonging to a part of the run with unitary evolution of the whole state: the eigenvalues are the same at
    /// all moments of this part.
    pub fn in_unitary_part(self, part: Option<u64>) -> Moment<'a> {
        Moment { unitary_part: part, ..self }
    }

    /// Gives the moment the propagator from `prepare` on.
    pub fn with_propagator(self, propagator: Result<&'a Matrix, NoPropagator>) -> Moment<'a> {
        Moment { propagator, ..self }
    }

    /// Gives the moment the process from `prepare` on.
    pub fn with_process(self, process: Result<&'a Process, NoPropagator>) -> Moment<'a> {
        match process {
            Ok(Process::Unitary(u)) => self.with_propagator(Ok(u)),
            Ok(Process::Measured(measured)) => {
                Moment { propagator: Err(NoPropagator::Measured), measured: Some(measured), ..self }
            }
            Err(why) => self.with_propagator(Err(why)),
        }
    }

    /// The process from `prepare` to this moment, if it contains projective measurements with feedback.
    pub fn measured(&self) -> Option<&'a Measured> {
        self.measured
    }

    /// Gives the moment the heat from `prepare` on, rad/s.
    pub fn with_heat(self, heat: Result<f64, NoHeat>) -> Moment<'a> {
        Moment { heat, ..self }
    }

    /// Heat that the battery received from `prepare` to this moment, rad/s.
    ///
    /// # Errors
    /// When it was not followed.
    pub fn heat(&self) -> Value {
        self.heat.map_err(|why| Undefined::Domain(why.to_string()))
    }

    /// Propagator from `prepare` to this moment, on the space of the scene.
    ///
    /// # Errors
    /// When there is none: the evolution is not unitary, or the system is too large.
    pub fn propagator(&self) -> Result<&'a Matrix, Undefined> {
        self.propagator.map_err(|why| Undefined::Domain(why.to_string()))
    }

    /// True if this is a normalised state: see [`State::is_normalised`].
    pub fn is_state(&self) -> bool {
        self.scene.space.basis().has_copies() || self.state.is_normalised()
    }

    /// Dimension of a subsystem.
    pub fn dimension(&self, site: usize) -> usize {
        self.scene.dimensions[site]
    }

    /// Dimensions of all subsystems.
    pub fn dimensions(&self) -> &[usize] {
        &self.scene.dimensions
    }

    /// Density matrix of the whole system.
    ///
    /// # Errors
    /// When it is too large, or stored as an average over permutations.
    pub fn density(&self) -> Result<&Matrix, Undefined> {
        self.tells_spins_apart(&self.scene.averaged.sites)?;
        if let (State::Mixed(rho), true) = (self.state, self.scene.space.is_whole()) {
            return Ok(rho);
        }
        if self.cache.density.get().is_none() {
            let whole = self.scene.whole(self.state)?;
            let _ = self.cache.density.set(whole);
        }
        self.cache.density.get().ok_or_else(|| too_large("the system", self.scene.space.len()))
    }

    /// Density matrix of the whole system after `prepare`.
    ///
    /// # Errors
    /// When it is too large, or stored as an average over permutations.
    pub fn initial_density(&self) -> Result<&'a Matrix, Undefined> {
        self.tells_spins_apart(&self.scene.averaged.sites)?;
        self.scene.initial_density()
    }

    /// Reduced density matrix of some subsystems, in the given order.
    ///
    /// # Errors
    /// When it is too large, or stored as an average over permutations.
    pub fn reduced(&self, keep: &[usize]) -> Result<Matrix, Undefined> {
        self.tells_spins_apart(keep)?;
        let plain = self.scene.space.is_whole() && self.scene.space.groups().is_empty();
        if let (State::Pure(_), true, false) = (self.state, plain, self.scene.space.basis().has_copies()) {
            let n: f64 = keep.iter().map(|&s| self.scene.dimensions[s] as f64).product();
            if n > LARGEST_MATRIX as f64 {
                return Err(too_large("the part", n as usize));
            }
            return Ok(self.state.reduced(&self.scene.dimensions, keep));
        }
        let reduction = self.scene.reduction(keep);
        if reduction.dimension() > LARGEST_MATRIX {
            return Err(too_large("the part", reduction.dimension()));
        }
        Ok(reduction.reduce(self.state).dense())
    }

    /// The declared battery.
    ///
    /// # Errors
    /// When none is declared.
    pub fn battery(&self) -> Result<&'a Cells, Undefined> {
        self.scene.cells.as_ref().ok_or_else(|| Undefined::Domain("no battery is declared".into()))
    }

    /// Energy of the battery, rad/s. Needs no reduced state: it costs one sparse product for any size of the battery.
    ///
    /// # Errors
    /// When no battery is declared.
    pub fn energy(&self) -> Value {
        let cells = self.battery()?;
        Ok(match (self.state, self.deviation()) {
            (State::Pure(psi), _) => cells.energy().mean(psi).re,
            (State::Mixed(_), Some(deviation)) => {
                self.scene.even_energy(cells) + cells.energy().trace_with(deviation).re
            }
            (State::Mixed(rho), None) => cells.energy().trace_with(rho).re,
        })
    }

    /// Energy of the battery minus that after `prepare`, rad/s. Density matrices are subtracted first: at a polarisation of 1e-8 the
    /// difference of two energies would be lost in rounding.
    ///
    /// # Errors
    /// When no battery is declared.
    pub fn stored_energy(&self) -> Value {
        let cells = self.battery()?;
        Ok(match (self.state, &self.scene.initial) {
            (State::Mixed(rho), State::Mixed(initial)) => cells.energy().trace_with(&(rho - initial)).re,
            (_, State::Pure(psi)) => self.energy()? - cells.energy().mean(psi).re,
            (_, State::Mixed(rho)) => self.energy()? - cells.energy().trace_with(rho).re,
        })
    }

    /// Time derivative of the battery's energy; zero if nothing acts.
    ///
    /// # Errors
    /// When no battery is declared.
    pub fn energy_rate(&self) -> Value {
        let cells = self.battery()?;
        Ok(match (self.motion.map(|m| m.rate(self.state)), self.state) {
            (Some(Rate::Mixed(rate)), _) => cells.energy().trace_with(&rate).re,
            (Some(Rate::Pure(rate)), State::Pure(psi)) => 2.0 * rate.dotc(&cells.energy().apply(psi)).re,
            (Some(Rate::Pure(_)), State::Mixed(_)) | (None, _) => 0.0,
        })
    }

    /// Reduced density matrix of the battery, by blocks.
    ///
    /// # Errors
    /// When no battery is declared.
    pub fn battery_blocks(&self) -> Result<&Blocks, Undefined> {
        let cells = self.battery()?;
        Ok(self.cache.blocks.get_or_init(|| self.scene.reduction(&cells.sites).reduce(self.state)))
    }

    /// Reduced density matrix of the battery.
    ///
    /// # Errors
    /// When no battery is declared, it is too large, or it is stored as an average over permutations.
    pub fn battery_state(&self) -> Result<&Matrix, Undefined> {
        self.tells_spins_apart(&self.battery()?.sites)?;
        self.average_battery_state()
    }

    /// Reduced density matrix of the battery, averaged over the permutations of the spins of permutation-averaged collectives: exact for
    /// quantities that are linear in the state and symmetric in these spins.
    ///
    /// # Errors
    /// When no battery is declared, or it is too large.
    pub fn average_battery_state(&self) -> Result<&Matrix, Undefined> {
        let cells = self.battery()?;
        if cells.dimension() > LARGEST_MATRIX {
            return Err(too_large("the battery", cells.dimension()));
        }
        // If the battery is the whole system, there is nothing to trace out.
        if let (State::Mixed(rho), Some(_), true) =
            (self.state, self.scene.whole_battery(), self.scene.space.is_whole())
        {
            return Ok(rho);
        }
        let blocks = self.battery_blocks()?;
        Ok(self.cache.cells.get_or_init(|| blocks.dense()))
    }

    /// Time derivative of the battery's reduced state, with the same blocks as the state; `None` if nothing acts.
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

    /// Time derivative of the battery's reduced state; zero if nothing acts.
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

    /// The battery's Hamiltonian, or the operator given instead, on the battery's space: averaging over the other subsystems is exact
    /// if the operator acts on the battery alone, which is checked.
    ///
    /// # Errors
    /// When no battery is declared, or the operator acts on other subsystems too.
    pub fn hamiltonian(&self, arguments: &[Argument]) -> Result<Matrix, Undefined> {
        let cells = self.battery()?;
        match arguments.first() {
            Some(Argument::Operator(argument)) => match argument.operator().restricted(&cells.sites) {
                Some(inside) if inside.dimension() <= LARGEST_MATRIX => Ok(inside.matrix()),
                Some(inside) => Err(too_large("the battery", inside.dimension())),
                None => Err(Undefined::Domain(
                    "the operator acts outside the cells of the battery; `expectation` gives its mean".into(),
                )),
            },
            _ => Ok(cells.hamiltonian()?.clone()),
        }
    }

    /// The single subsystem of argument `k`.
    ///
    /// # Errors
    /// When the argument is of another kind.
    pub fn site(&self, arguments: &[Argument], k: usize) -> Result<usize, Undefined> {
        let wrong = || Undefined::Domain("expected a single subsystem".into());
        match arguments.get(k) {
            Some(Argument::Site(site)) => Ok(*site),
            Some(Argument::Sites(sites)) => match sites.as_slice() {
                [site] => Ok(*site),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }

    /// The subsystems of argument `k`.
    ///
    /// # Errors
    /// When the argument is of another kind.
    pub fn sites(&self, arguments: &[Argument], k: usize) -> Result<Vec<usize>, Undefined> {
        match arguments.get(k) {
            Some(Argument::Site(site)) => Ok(vec![*site]),
            Some(Argument::Sites(sites)) => Ok(sites.clone()),
            _ => Err(Undefined::Domain("expected subsystems".into())),
        }
    }

    /// The operator of argument `k` as a matrix on the whole system.
    ///
    /// # Errors
    /// When the argument is of another kind, or too large.
    pub fn operator<'b>(&self, arguments: &'b [Argument], k: usize) -> Result<&'b Matrix, Undefined> {
        match arguments.get(k) {
            Some(Argument::Operator(operator)) => operator.matrix(),
            _ => Err(Undefined::Domain("expected an operator".into())),
        }
    }

    /// The operator of argument `k`.
    ///
    /// # Errors
    /// When the argument is of another kind.
    pub fn operator_argument<'b>(
        &self,
        arguments: &'b [Argument],
        k: usize,
    ) -> Result<&'b OperatorArgument, Undefined> {
        match arguments.get(k) {
            Some(Argument::Operator(argument)) => Ok(argument),
            _ => Err(Undefined::Domain("expected an operator".into())),
        }
    }

    /// Expectation value of the operator of argument `k`, without forming a matrix of the whole system.
    ///
    /// # Errors
    /// When the argument is of another kind.
    pub fn mean_of(&self, arguments: &[Argument], k: usize) -> Value {
        let argument = self.operator_argument(arguments, k)?;
        let action = argument.action(&self.scene.space);
        Ok(match (self.state, self.deviation()) {
            (State::Pure(psi), _) => action.mean(psi).re,
            // A filter that removes order 0 also removes the identity, so only a normalised state has one to add.
            (State::Mixed(_), Some(deviation))
                if self.state.is_normalised() && !self.scene.space.basis().has_copies() =>
            {
                argument.sizes().0 + action.trace_with(deviation).re
            }
            (State::Mixed(rho), _) => action.trace_with(rho).re,
        })
    }

    /// Expectation value minus `reference`; if that is the operator's mean over all states, the trace with the deviation alone.
    pub(super) fn mean_above(&self, argument: &OperatorArgument, reference: f64) -> f64 {
        let action = argument.action(&self.scene.space);
        match (self.state, self.deviation()) {
            (State::Pure(psi), _) => action.mean(psi).re - reference,
            (State::Mixed(_), Some(deviation)) if reference != 0.0 || argument.sizes().0 == 0.0 => {
                action.trace_with(deviation).re
            }
            (State::Mixed(rho), _) => action.trace_with(rho).re - reference,
        }
    }

    /// The number of argument `k`.
    ///
    /// # Errors
    /// When the argument is of another kind.
    pub fn number(&self, arguments: &[Argument], k: usize) -> Value {
        match arguments.get(k) {
            Some(Argument::Number(x)) => Ok(*x),
            _ => Err(Undefined::Domain("expected a number".into())),
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
