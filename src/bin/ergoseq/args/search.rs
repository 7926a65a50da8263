//! Arguments of the commands that search: `optimise`, `shape` and `fit`.

use super::given::{Given, How};
use clap::Args;
use clap::builder::PossibleValuesParser;
use ergoseq::search::CLIMBS;
use std::path::PathBuf;

/// `optimise`
#[derive(Args)]
pub struct Optimise {
    /// A `.seq` file, or an experiment in YAML
    pub file: PathBuf,
    /// A parameter and its bounds: `--vary "tau=0.2us .. 12us"`
    #[arg(long, value_name = "NAME=LOW..HIGH", required = true, allow_hyphen_values = true)]
    pub vary: Vec<String>,
    /// The objective to maximise: `ergotropy at charged`, `max(power)`
    #[arg(long, value_name = "RESULT", required_unless_present = "minimise", conflicts_with = "minimise")]
    pub maximise: Option<String>,
    /// The objective to minimise
    #[arg(long, value_name = "RESULT")]
    pub minimise: Option<String>,
    /// Number of starting points in the first round; default: 64 per parameter; every further round doubles them
    #[arg(long, value_name = "N")]
    pub starts: Option<usize>,
    /// The local optimiser: auto (L-BFGS with derivatives where the experiment has them, otherwise as cobyla), cobyla (gradient-free,
    /// followed by L-BFGS), or lbfgs with finite-difference gradients, for smooth results
    #[arg(long, default_value = "auto", value_parser = PossibleValuesParser::new(CLIMBS.iter().map(|c| c.0)))]
    pub climb: String,
    #[command(flatten)]
    pub given: Given,
    /// Number of threads; default: all cores
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    pub format: String,
    #[command(flatten)]
    pub how: How,
}

/// `shape`
#[derive(Args)]
pub struct Shape {
    /// A `.seq` file
    pub file: PathBuf,
    /// A shape, if the file declares more than one; may be repeated to optimise several together
    #[arg(long, value_name = "NAME")]
    pub shape: Vec<String>,
    /// The objective to maximise: `ergotropy at charged`
    #[arg(long, value_name = "RESULT", required_unless_present = "minimise", conflicts_with = "minimise")]
    pub maximise: Option<String>,
    /// The objective to minimise
    #[arg(long, value_name = "RESULT")]
    pub minimise: Option<String>,
    /// Starts with this number of equal steps, whether the shape file exists or not; default: the steps of the file
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub steps: Option<u32>,
    /// Number of random starting shapes, in addition to that of the file
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub starts: usize,
    /// Maximum number of iterations of a local optimisation
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub iterations: u64,
    /// The seed of the random shapes
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Optimises the phases alone; amplitudes remain those of the file (with `--steps`, the peak)
    #[arg(long)]
    pub phase_only: bool,
    /// Steps along the phase of the pulse, of either sign
    #[arg(long)]
    pub real: bool,
    /// Smooth shapes: the frequency, from the carrier, at which their spectrum falls to half the power, as in `50kHz`
    #[arg(long, value_name = "FREQUENCY")]
    pub bandwidth: Option<String>,
    /// The value that is enough: the search ends when it is reached, and fails if it is not
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub reach: Option<f64>,
    /// Finds the shortest duration of the shaped pulses that reaches `--reach`; the file gives the longest one
    #[arg(long, requires = "reach", conflicts_with = "spectrometer")]
    pub shortest: bool,
    /// The shape file to write: one line of amplitude and phase per step, as read by `shape NAME = "PATH"`; for several shapes a folder, in
    /// which the files have the names that the program gives them
    #[arg(long, short, value_name = "PATH")]
    pub output: PathBuf,
    /// Overwrites an existing file
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub given: Given,
    /// Number of threads; default: all cores
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    pub format: String,
    #[command(flatten)]
    pub how: How,
}

/// `fit`
#[derive(Args)]
pub struct Fit {
    /// A `.seq` file, or an experiment in YAML
    pub file: PathBuf,
    /// The table of measured results
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// A parameter and its bounds: `--vary "T1=0.1s .. 20s"`
    #[arg(long, value_name = "NAME=LOW..HIGH", required = true, allow_hyphen_values = true)]
    pub vary: Vec<String>,
    #[command(flatten)]
    pub given: Given,
    /// Number of threads; default: all cores
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    pub format: String,
    #[command(flatten)]
    pub how: How,
}
