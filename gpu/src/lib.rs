//! Propagation on a graphics processor (GPU), in double precision:
//!
//! * [`Decay`]: free induction decays of large spin systems from pairs of state vectors, by Strang splitting.
//! * [`Members`]: many small spin systems that differ in numbers, such as the crystallites of a powder.
//!
//! Kernels are written in WGSL and run through Vulkan. A software device ([`Kind::Software`]) runs the same kernels on the processor, so
//! that tests need no GPU.

mod decay;
mod device;
mod members;
mod sweep;

pub use decay::{Axis, Decay};
pub use device::{Device, Error, Kind};
pub use members::{Acquisition, Block, Entry, Members, Term};
