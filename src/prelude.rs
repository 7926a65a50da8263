//! The names that most users of the library need: `use ergoseq::prelude::*;`.
//!
//! | step | names |
//! | --- | --- |
//! | text to experiment | [`compile`], [`no_files`], [`Compiled`], [`Refused`], [`Experiment`], [`Values`], [`check_values`], [`setting`] |
//! | diagnostics | [`Diagnostic`], [`Code`], [`Severity`], [`Sources`] |
//! | experiment to results | [`run`], [`Emulator`], [`Options`], [`Method`], [`Run`], [`RunInfo`], [`Mark`], [`Trace`], [`plan`] |
//! | sweeps | [`axes`], [`points`], [`SweepAxis`] |
//! | results as columns | [`ResultSet`], [`Schema`], [`Column`], [`EnergyUnit`] |
//! | states between marks | [`observe`], [`Observation`], [`Observations`], [`Observed`], [`Moments`], [`Position`], [`Request`] |
//! | metrics of a state | [`METRICS`], [`Metric`], [`Matrix`], [`C64`], [`ergotropy`], [`capacity`], [`energy`], [`purity`], [`entropy`] |
//! | comparison with theory | [`verdicts`] |

pub use crate::compile::{Compiled, Refused, compile, no_files};
pub use crate::diagnostic::{Code, Diagnostic, Severity};
pub use crate::emulator::{
    Emulator, Mark, Method, Moments, Observation, Observations, Observed, Options, Position, Request, Run, RunInfo,
    SweepAxis, Trace, axes, observe, plan, points,
};
pub use crate::hamiltonian::Values;
pub use crate::ir::Experiment;
pub use crate::linalg::{C64, Matrix};
pub use crate::metrics::{METRICS, Metric, capacity, energy, entropy, ergotropy, purity};
pub use crate::results::{Column, EnergyUnit, ResultSet, Schema};
pub use crate::source::Sources;
pub use crate::verdict::verdicts;
pub use crate::{check_values, run, setting};
