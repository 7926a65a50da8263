//! Tomography as a spectrometer does it: readout pulses, the amplitudes of the lines of free induction decays, a state from them, and
//! energies of that state with their errors.
//!
//! * [`mod@plan`]: which readouts are needed, and what they see;
//! * [`mod@reconstruct`]: the state from line amplitudes;
//! * [`counts`]: the state from counts of single shots;
//! * [`data`]: measured amplitudes;
//! * [`decay`]: amplitudes from free induction decays;
//! * [`estimate`]: energies of a battery whose state is known with errors;
//! * [`quantity`]: these as convex functions of the state;
//! * [`interval`]: their confidence intervals, by tests of possible truths.

mod battery;
mod coordinates;
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
pub use counts::{Counted, ESTIMATORS, Estimator, Settings, read_counts};
pub use data::Amplitude;
pub use estimate::{Energies, Quantity, counted_energies, energies};
pub use lines::{Line, Receiver, Sample, lines};
pub use plan::{Plan, PlanError, Readout, plan, plan_of};
pub use reconstruct::{METHODS, Method, Reconstruction, reconstruct};
