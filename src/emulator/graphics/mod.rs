//! The graphics processor of a run. The kernels are in the package `ergoseq-gpu`, which the feature `gpu` adds; without it no device can be
//! opened, and the functions below that need one cannot be called.

#[cfg(not(feature = "gpu"))]
mod absent;
#[cfg(feature = "gpu")]
mod present;
mod program;

#[cfg(not(feature = "gpu"))]
use absent as kernels;
#[cfg(feature = "gpu")]
use present as kernels;

pub use kernels::{Device, PairOnDevice, Signals};
pub use program::{Acquisition, Block, Entry, Term};

use super::settings::Processor;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::Fault;
use std::borrow::Cow;

/// Name of the method that propagates random vectors on a graphics processor.
pub const SPLIT_STEPS: &str = "split steps on a graphics processor";

/// Name of the method that propagates the members of an ensemble on a graphics processor.
pub const EXACT: &str = "exact on a graphics processor";

/// The device of a run, opened once a process; `None` for the CPU.
///
/// # Errors
/// If there is no such device, or this build has no kernels.
pub fn device(processor: Processor) -> Result<Option<&'static Device>, Fault> {
    match processor {
        Processor::Cpu => Ok(None),
        other => kernels::open(other == Processor::Software).map(Some).map_err(|why| absent(&why)),
    }
}

fn absent(why: &str) -> Fault {
    let built = cfg!(feature = "gpu");
    let help = if built {
        "install the Vulkan driver of the graphics processor, or leave `--processor` out to run on the CPU"
    } else {
        "build ergoseq with `cargo install --locked --path . --features gpu`, or leave `--processor` out to run on the CPU"
    };
    Diagnostic::without_place(Code::NoProcessor, format!("no graphics processor can be used: {why}")).help(help).into()
}

/// A note if a run that was requested on a graphics processor used none.
pub fn unused(processor: Processor, methods: &[Cow<str>]) -> Option<String> {
    let used = methods.iter().any(|m| m == SPLIT_STEPS || m == EXACT);
    (processor != Processor::Cpu && !used).then(|| {
        "no part of this run is computed on the graphics processor: it propagates final FIDs of 13 to 26 spins with random vectors, and \
         FIDs of ensembles of up to 16 states without traces or metrics"
            .to_string()
    })
}
