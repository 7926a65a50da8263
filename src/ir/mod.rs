//! The typed experiment, the intermediate representation of a file. All names are resolved and all dimensions known; values stay symbolic,
//! since any parameter may be swept or optimised, and loops are kept. The experiment can be serialised to YAML and read back without loss.

mod calls;
mod compiled;
mod decoupling;
mod ensemble;
mod event;
mod experiment;
mod function;
mod look;
mod meaning;
mod measure;
mod noise;
mod quantity;
mod refusal;
mod robustness;
mod scope;
mod settings;
mod shape;
mod state;
mod system;

pub use crate::syntax::words::{Clause, InteractionKind};
pub use compiled::{COMPILE_SETTINGS, Compile, Compiled};
pub use decoupling::{DECOUPLE_SETTINGS, clash};
pub use ensemble::*;
pub use event::*;
pub use experiment::{
    Battery, Cycle, Expect, Experiment, List, ListValues, NamedOperator, NamedState, OperatorKind, Param, Sweep,
    Theory, scans_of,
};
pub use function::{FUNCTIONS, FunctionInfo, LARMOR, LENGTH, MEMBER_MEAN, OTHER_FUNCTIONS, Rule as FunctionRule, SIZE};
pub use look::{Detection, Look};
pub use meaning::{Meaning, Type};
pub use measure::{
    AGGREGATES, AggregateInfo, Aggregation, Measure, aggregation, at_mark, is_aggregate, key_of, marked_metrics,
};
pub use noise::{BATH_SETTINGS, Bath, BathSetting, Collapse, Noise};
pub use quantity::quantity_of;
pub use robustness::{OFFSET_ERROR, RF_ERROR, with_errors};
pub use scope::{FIXED_NAMES, Index, PHASES, SYSTEM_PARTS, Scope, is_fixed_name, phase_of_word, word_of_phase};
pub use settings::{ACQUIRE_SETTINGS, PROJECT_SETTINGS, PULSE_SETTINGS, TOMOGRAPHY_SETTINGS};
pub use shape::{MIRRORED_PHASES, PULSE_SHAPES, PulseShape, RAMPS, Ramp, ShapeArgument, ShapeTable, ShapeValues};
pub use state::*;
pub use system::*;
