//! From an experiment at one point to its schedule.
//!
//! * [`builder`]: the walk through the events.
//! * [`transmit`]: what channels send.
//! * [`ready`]: what the electronics need between two events.
//! * [`sent`]: what they have sent so far.

mod builder;
mod ready;
mod sent;
mod transmit;

pub use builder::build;
