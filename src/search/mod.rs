//! Parameters that are looked for: those at which a result is best, and those at which it is nearest to what was measured.
//!
//! Both take parameters within bounds, and both look about first: results of pulse sequences have many maxima, and a method that
//! climbs finds the one it stands on. The points from which they climb are those of Halton's sequence, so the same question has the
//! same answer, on any number of threads. Ensembles are part of the experiment, so what is found is best for all of their members.

mod climb;
pub mod fit;
mod halton;
mod local;
pub mod multistart;
pub mod optimise;
mod question;
mod range;
pub mod shape;

pub use fit::{Data, Fit, fit};
pub use optimise::{CLIMBS, Climb, Goal, Optimum, optimise};
pub use range::{MOST, Range};
pub use shape::{Search, Shaped, shape};
