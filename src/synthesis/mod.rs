//! From the Hamiltonian that is wanted to the pulses that make it.
//!
//! A [`Problem`] names the internal Hamiltonian of some spins 1/2, the channels that rotate them, and `exp(-i H T)`. First it is
//! proved whether the controls can make it at all ([`reach`]); then the [`METHODS`] are tried in order, the cheapest first:
//!
//! 1. [`pair`]: two spins on different channels, exactly, by the Cartan decomposition ([`cartan`]).
//! 2. [`frames`] and [`cycle`]: toggling frames, by a linear program.
//! 3. [`shaped`] and [`descent`]: pulse shapes, by Gauss and Newton with exact derivatives.
//!
//! Others can be given to [`synthesise_with`].

#![expect(
    clippy::indexing_slicing,
    reason = "spins, channels and axes are numbered by the problem, and matrices have the dimension of its spins"
)]

pub mod bilinear;
pub mod block;
pub mod cartan;
pub mod cycle;
pub mod descent;
pub mod frames;
pub mod methods;
pub mod pair;
pub mod problem;
pub mod program;
pub mod propagate;
pub mod reach;
mod said;
pub mod shaped;
mod solve;
pub mod text;
pub mod tune;
pub mod turn;

pub use problem::{Answer, Candidate, MOST_SPINS, Method, Problem, Refusal, Setting};
pub use said::{infidelity, time};
pub use solve::{METHODS, Synthesis, synthesise, synthesise_with};
