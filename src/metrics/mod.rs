//! Scalar quantities of states: extractable energy, correlations, bounds. The functions take matrices and are independent of sequences.
//! Each family has its own file with formula, reference and the laws that its tests check.
//!
//! [`METRICS`] is the single table of all metrics: the checker, the table of `grammar.md` and the help read names, arguments and
//! formulas from it. A new metric needs a file and an entry.

mod batch;
mod bohr_batch;
mod bohr_frequencies;
mod bounds;
mod cells;
mod coherence;
mod coherent;
mod conserving;
mod curve;
mod curve_batch;
mod curve_rows;
mod daemonic;
mod derivative;
mod deviation;
mod directions;
mod discord;
mod distance;
mod energy;
mod entanglement;
mod entropy;
mod ergotropy;
mod evolution;
mod heat;
mod levels;
mod linear_entropy;
mod local;
mod magnitudes;
mod measurement;
mod metric;
mod moment;
mod multiplets;
mod nmr;
mod parallel;
mod population;
mod process;
#[cfg(test)]
pub(crate) mod random;
mod single_site;
mod spectra;
mod speed;
mod table;
mod undefined;
mod work_distribution;
mod work_table;

pub use batch::{InLanes, SceneBatch};
pub use bohr_batch::{BohrBatch, LevelsBatch};
pub use bohr_frequencies::BohrExpansion;
pub use bounds::{free_energy_bound, thermodynamic_bound};
pub use cells::{Argument, Cells, LARGEST_MATRIX, OperatorArgument, TargetState};
pub use coherence::{l1_between_levels, l1_coherence, relative_entropy_coherence};
pub use coherent::{incoherent_capacity, incoherent_ergotropy};
pub use conserving::conserving_ergotropy;
pub use curve::Curve;
pub use curve_batch::{CurveBatch, PackedCurve, Phases, time};
pub use curve_rows::{Parabola, Smoothness};
pub use daemonic::{daemonic_ergotropy, daemonic_ergotropy_two_qubits};
pub use derivative::Derivative;
pub use deviation::Spectrum;
pub use discord::{classical_correlation, discord};
pub use distance::{bures_angle, fidelity, trace_distance};
pub use energy::energy;
pub use entanglement::{concurrence, log_negativity, negativity};
pub use entropy::{entropy, mutual_information, purity};
pub use ergotropy::{anti_ergotropy, capacity, ergotropy, ergotropy_rate, passive_energy};
pub use evolution::{gate_fidelity, gate_fidelity_derivative, gate_fidelity_of, unitary_phases};
pub use levels::{Level, Levels};
pub use linear_entropy::linear_entropy;
pub use local::{ergotropic_gap_bound, local_parts};
pub use measurement::SAME_LEVEL;
pub use metric::{Along, Metric, Parameter, Quantity};
pub use moment::{Averaged, Moment, Motion, Rate, Scene};
pub use nmr::{coherence_order, deviation_correlation, gibbs_correlation, gibbs_fidelity, spin_temperature};
pub use parallel::parallel_ergotropy;
pub use population::population;
pub use process::{Bundle, Measured, Process, Records};
pub use single_site::single_site_ergotropy;
pub use speed::{energy_fisher_information, mandelstam_tamm_time, margolus_levitin_time, standard_deviation};
pub use table::METRICS;
pub use undefined::{LARGEST_PROPAGATOR, NoHeat, NoPropagator, Undefined, Value};
pub use work_distribution::{WorkDistribution, work_distribution};
