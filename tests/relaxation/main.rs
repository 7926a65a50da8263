//! Relaxation, baths, noise and heat, beside closed forms and other programs.

mod baths;
mod changing_rates;
mod heat;
mod marked;
mod noises;
mod quadrupolar;
mod steady_states;
mod thermodynamics;
mod tumbling;
