//! What many commands are given beside a file: values of parameters, and how to emulate.

use clap::Args;
use clap::builder::PossibleValuesParser;
use ergoseq::emulator::{METHODS, PROCESSORS};

/// Values given beside a file.
#[derive(Args, Clone, Default)]
pub struct Given {
    /// Sets a parameter: `--set T=0.5`, `--set tau="12 us"`
    #[arg(long, value_name = "NAME=EXPR", allow_hyphen_values = true)]
    pub set: Vec<String>,
}

/// How to emulate.
#[derive(Args, Clone)]
pub struct How {
    /// The propagation method
    #[arg(long, default_value = "auto", value_parser = PossibleValuesParser::new(METHODS.iter().map(|(w, _, _)| *w)))]
    pub method: String,
    /// What the run is computed on: `gpu` needs a build with `--features gpu`
    #[arg(long, default_value = "cpu", value_parser = PossibleValuesParser::new(PROCESSORS.iter().map(|(w, _, _)| *w)))]
    pub processor: String,
    /// Tolerance of adaptive methods
    #[arg(long, default_value_t = 1e-7)]
    pub tolerance: f64,
    /// Maximum memory, such as 500MB or 16GB: a point that needs more is refused before it is emulated, and the command ends when the whole
    /// process has a quarter more
    #[arg(long, default_value = "4GB")]
    pub max_memory: String,
    /// Uses this number of random vectors instead of a density matrix (quantum typicality): signals, energies and spin order of many
    /// spins at high temperature, with standard errors
    #[arg(long, value_name = "VECTORS", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub typical: Option<u32>,
    /// The seed of the random vectors
    #[arg(long, value_name = "SEED", requires = "typical", default_value_t = 0)]
    pub typical_seed: u64,
    /// Applies the resolution and limits of a `spectrometer` that the file declares
    #[arg(long, value_name = "NAME")]
    pub spectrometer: Option<String>,
}
