//! Checks whether the Fock cutoff of a mode affects the result.
//!
//! A mode is truncated at a highest Fock state. If the Hamiltonian does not lead beyond it from the reachable states, the truncation has no
//! effect; this is tested by building the Hamiltonian with one more Fock state. Otherwise the population of the highest state is monitored,
//! because population there would have continued upward. It is monitored throughout every statement, not only at its end: a population
//! oscillates at most at the bandwidth of H, and is evaluated every 0.8 rad of that.

use super::engines::{StepError, choose};
use super::generator::Generator;
use super::sectors::movers;
use super::settings::Options;
use super::trajectory::Trajectory;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, Segment, build};
use crate::spin::{Basis, Columns, SiteKind, Space, State};
use std::cell::Cell;
use std::sync::Arc;

/// Maximum allowed population of the highest Fock state; beyond it the energies would be wrong in about as many digits.
const MOST: f64 = 1e-6;

/// Maximum number of times at which a state is checked during a statement. Longer statements are checked at irregular times, which are
/// not commensurate with any frequency.
const MOST_LOOKS: usize = 4096;

/// A phase advance of this many radians between checks misses less than a tenth of a maximum of the population.
const TURN: f64 = 0.8;

/// The highest Fock state of a mode, as positions in the space.
pub struct Edge {
    name: String,
    site: usize,
    cutoff: usize,
    positions: Vec<usize>,
    highest: Cell<f64>,
}

/// The modes whose cutoff can change the result.
///
/// # Errors
/// If the Hamiltonian with a higher cutoff cannot be built.
#[expect(clippy::indexing_slicing, reason = "a state has one digit per subsystem, and modes are some of them")]
pub fn edges(e: &Evaluator, space: &Space) -> Result<Vec<Edge>, Fault> {
    let basis = space.basis();
    let mut edges = Vec::new();
    for (site, mode) in basis.sites.iter().enumerate().filter(|(_, s)| s.kind == SiteKind::Mode) {
        let top = mode.dimension - 1;
        let positions: Vec<usize> = (0..space.len()).filter(|&k| basis.digits(space.state(k))[site] == top).collect();
        if positions.is_empty() {
            continue;
        }
        let mut sites = basis.sites.clone();
        sites[site].dimension += 1;
        let wider = Arc::new(Basis::new(sites));
        let mut evaluator = Evaluator::new(e.experiment, &e.values)?;
        evaluator.basis = wider.clone();
        let (schedule, _) = build(&evaluator)?;
        let operators: Vec<Columns> = movers(&schedule.steps).iter().map(Columns::of).collect();
        let (mut digits, mut column) = (Vec::new(), Vec::new());
        let leads_on = positions.iter().any(|&k| {
            let state = wider.index(&basis.digits(space.state(k)));
            operators.iter().any(|columns| {
                columns.column(state, &mut digits, &mut column);
                column.iter().any(|(row, _)| wider.digits(*row)[site] > top)
            })
        });
        if leads_on {
            let name = mode.name.clone();
            edges.push(Edge { name, site, cutoff: mode.dimension, positions, highest: Cell::new(0.0) });
        }
    }
    Ok(edges)
}

/// Checks a state throughout a segment that starts with it; does nothing if no cutoff can change the result.
///
/// # Errors
/// If the propagation fails.
pub fn along(
    (edges, space): (&[Edge], &Space),
    segment: &Segment,
    begin: &State,
    options: &Options,
) -> Result<(), StepError> {
    if edges.is_empty() {
        return Ok(());
    }
    let generator = Generator::of(segment, space);
    let turns = segment.duration * generator.bandwidth(0.0, segment.duration) / TURN;
    // Written so that a NaN bandwidth counts as a large one.
    let looks = if turns < MOST_LOOKS as f64 { turns.ceil().max(1.0) as usize } else { MOST_LOOKS };
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    let place = |k: usize| {
        let inside = if looks < MOST_LOOKS { 0.0 } else { (k as f64 * golden).fract() };
        segment.duration * (k as f64 + inside) / looks as f64
    };
    let stepper = choose(&generator, segment, begin, options.method, options.tolerance)?;
    let mut trajectory = Trajectory::new(stepper, begin.clone());
    for k in 0..looks {
        let state = trajectory.state(place(k))?;
        edges.iter().for_each(|edge| edge.watch(&state));
    }
    Ok(())
}

impl Edge {
    /// Records the population of the highest Fock state.
    pub fn watch(&self, state: &State) {
        let population: f64 = match state {
            State::Pure(psi) => self.positions.iter().map(|&k| psi[k].norm_sqr()).sum(),
            State::Mixed(rho) => self.positions.iter().map(|&k| rho[(k, k)].re).sum(),
        };
        self.highest.set(self.highest.get().max(population));
    }

    /// The mode, and the maximum population of its highest Fock state.
    ///
    /// # Errors
    /// If the population is too large.
    pub fn found(&self, e: &Evaluator) -> Result<(String, f64), Fault> {
        let population = self.highest.get();
        if population <= MOST {
            return Ok((self.name.clone(), population));
        }
        let place = e.experiment.system.sites.get(self.declaration(e)).and_then(|d| d.place().0).unwrap_or_default();
        Err(Diagnostic::new(
            Code::CutoffTooLow,
            place,
            format!("{} Fock states are too few for `{}`", self.cutoff, self.name),
        )
        .label(format!(
            "the highest Fock state has a population of up to {population:.1e}; at most {MOST:e} is allowed"
        ))
        .help("raise the cutoff until the result no longer depends on it")
        .into())
    }

    /// Index of the declaration of the mode.
    fn declaration(&self, e: &Evaluator) -> usize {
        let sites = &e.experiment.system.sites;
        sites.iter().position(|d| e.arrays.get(d.name()).is_some_and(|(first, _)| *first == self.site)).unwrap_or(0)
    }
}
