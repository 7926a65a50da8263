//! Numbers of other programs, of papers and of closed forms.

mod metrics;
mod papers;
mod programs;
mod workloads;
