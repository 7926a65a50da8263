//! Propagation of states: every method, batches and traces, beside each other and beside independent integrations.

mod batches;
mod extrema;
mod generator;
mod gradients;
mod member_batches;
mod observations;
mod physics;
mod physics_programs;
mod precision;
mod rates;
mod robustness;
mod state_vectors;
mod stroboscopic;
mod typical;
mod waveforms;

/// Small pieces of memory are as fast as in the command.
#[cfg(feature = "cli")]
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;
