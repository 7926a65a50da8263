//! From an experiment at one point to its schedule.
//!
//! * [`builder`]: the walk through the events.
//! * [`transmit`]: what channels send.
//! * [`sent`]: what they have sent so far.

mod builder;
mod sent;
mod transmit;

pub use builder::build;
