//! NMR state tomography: readout pulses, line amplitudes of free induction decays, state reconstruction, and energies of the
//! reconstructed state with uncertainties.
//!
//! * [`mod@plan`]: selection of readouts, and what they observe;
//! * [`mod@reconstruct`]: the state from line amplitudes;
//! * [`counts`]: the state from single-shot counts;
//! * [`count_batch`]: the states from many sets of them, in SIMD lanes;
//! * [`data`]: measured amplitudes;
//! * [`decay`]: amplitudes from free induction decays;
//! * [`estimate`]: energies of a battery in a measured state;
//! * [`quantity`]: these energies as convex functions of the state;
//! * [`interval`]: their confidence intervals, by inversion of tests.

mod battery;
mod coordinates;
pub mod count_batch;
mod count_newton;
mod count_table;
pub mod counts;
pub mod data;
pub mod decay;
pub mod estimate;
pub mod interval;
pub mod lines;
pub mod plan;
pub mod quantity;
pub mod reconstruct;

pub use coordinates::{coordinates, matrix_of};
pub use count_batch::CountedBatch;
pub use counts::{Counted, ESTIMATORS, Estimator, Settings, read_counts};
pub use data::Amplitude;
pub use estimate::{Energies, Quantity, counted_energies, energies};
pub use lines::{Line, Receiver, Sample, lines};
pub use plan::{Plan, PlanError, Readout, plan, plan_of};
pub use reconstruct::{METHODS, Method, Reconstruction, reconstruct};
