//! Parameter search: optimisation of a result, and least-squares fits to measured data.
//!
//! Parameters have bounds. Both searches are multistart: results of pulse sequences have many local maxima, and a local method only finds
//! the nearest one. Start points are those of Halton's sequence, so the result is reproducible for any number of threads. Ensembles
//! are part of the experiment, so an optimum is that of the ensemble average.

mod climb;
mod climber;
mod controls;
mod derivatives;
pub mod fit;
mod grid;
mod halton;
mod local;
pub mod multistart;
pub mod optimise;
mod question;
mod range;
pub mod shape;
mod shortest;

pub use climber::optimise_steps;
pub use controls::Limits;
pub use derivatives::Derivatives;
pub use fit::{Data, Fit, fit};
pub use optimise::{CLIMBS, Climb, Goal, Optimum, optimise};
pub use range::{MOST, Range};
pub use shape::{Search, Shaped, duration_of, in_run, reshaped, shape};
