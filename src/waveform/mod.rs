//! Functions of time as expression trees: edges are isolated, ranges are bounded, and smooth parts are resolved
//! with an error bound. Nothing is sampled on a grid.
//!
//! * [`scalar`]: numbers and waveforms, and their algebra.
//! * [`mesh()`]: the times between which waveforms are smooth and resolved.
//! * [`mod@sign`]: whether a function is negative somewhere.
//! * [`integral`]: integrals over a mesh.
//! * [`numbers`]: numbers as straight-line code over lanes.
//! * [`interval`], [`jet`], [`model`], [`tape`]: interval arithmetic, Taylor coefficients in interval arithmetic, Taylor models, and
//!   expressions as lists of operations.

pub mod function;
pub mod integral;
pub mod interval;
pub mod jet;
pub mod mesh;
pub mod model;
pub mod numbers;
pub mod scalar;
pub mod sign;
pub mod tape;
pub mod train;

pub use function::Function;
pub use integral::{integrals, peak};
pub use interval::Interval;
pub use mesh::{Unresolved, Weighted, interval_text, mesh};
pub use numbers::{Numbers, Slot};
pub use scalar::{Scalar, Waveform, common_period, out_of_step};
pub use sign::{Sign, sign};
pub use train::Edges;
