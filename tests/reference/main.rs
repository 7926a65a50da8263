//! Numbers of other programs, of papers and of closed forms.

mod metrics;
mod programs;
mod reproduction;
mod workloads;
