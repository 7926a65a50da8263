//! From a checked experiment to the program of a console, at all points of its sweeps.
//!
//! * `walk`: the walk through the events.
//! * `loops`: loops, and the repetitions of counters.
//! * `refused`: what no console can do, and what to write in its place.
//! * `readout`: the readouts of a tomography, and which nucleus is received.
//! * `ending`: the pulses of a readout, or what is received where the file receives nothing.

mod decouple;
mod ending;
mod loops;
mod readout;
pub(super) mod refused;
mod walk;

pub use readout::{Readout, readouts};
pub use refused::experiments as too_many_experiments;
pub use walk::{Lowered, Rejected, Wanted, lower};
