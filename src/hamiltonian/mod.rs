//! Experiment to schedule: at one point of the parameters, what acts and when. Each interaction stands in its own file.

mod anisotropy;
mod build;
mod couplings;
mod display;
mod drive;
mod ensemble;
mod envelope;
mod function;
mod hardware;
mod lebedev;
mod orientation;
mod powder;
mod prepare;
mod readout;
mod relaxation;
mod schedule;
mod value;
mod zeeman;

pub use build::build;
pub use display::describe;
pub use ensemble::{Member, members, revival};
pub use function::{Curve, Function, Scalar};
pub use hardware::Spectrometer;
pub use prepare::{Prepared, prepare};
pub use schedule::{
    Acquire, Battery, Kick, Receiving, Record, Relaxing, Schedule, Segment, Step, Tomography, duration,
};
pub use value::{Evaluator, Fault, TimeOperator, Values, Variation};
