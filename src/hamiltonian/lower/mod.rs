//! Compiles an experiment at one parameter point to its schedule.
//!
//! * [`builder`]: processes the events in order.
//! * [`decouple`]: decoupling sequences that run during statements.
//! * [`laboratory`]: channels whose spins are described in the laboratory frame.
//! * [`transmit`]: pulses and transients.
//! * [`ready`]: times that the electronics need between two events.
//! * [`running`]: a decoupling sequence that runs.
//! * [`sent`]: rf energy and on-time so far.

mod builder;
mod decouple;
mod laboratory;
mod loops;
mod project;
mod read;
mod ready;
mod running;
mod sent;
mod transmit;

pub use builder::build;
