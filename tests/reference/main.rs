//! Numbers of other programs, of papers and of closed forms.

mod metrics;
mod programs;
mod reproduction;
mod workloads;

/// Small pieces of memory are as fast as in the command.
#[cfg(feature = "cli")]
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;
