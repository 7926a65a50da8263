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
    /// The result that shall be large: `ergotropy at charged`, `max(power)`
    #[arg(long, value_name = "RESULT", required_unless_present = "minimise", conflicts_with = "minimise")]
    pub maximise: Option<String>,
    /// The result that shall be small
    #[arg(long, value_name = "RESULT")]
    pub minimise: Option<String>,
    /// Points that are looked at before it climbs; 64 a parameter when not given; every further round doubles them
    #[arg(long, value_name = "N")]
    pub starts: Option<usize>,
    /// How it climbs: cobyla without a gradient, then along one until there is no gain; lbfgs along a gradient alone, by differences, for smooth results
    #[arg(long, default_value = "cobyla", value_parser = PossibleValuesParser::new(CLIMBS.iter().map(|c| c.0)))]
    pub climb: String,
    #[command(flatten)]
    pub given: Given,
    /// Threads; all cores when not given
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
    /// The shape, where the file declares more than one
    #[arg(long, value_name = "NAME")]
    pub shape: Option<String>,
    /// The result that shall be large: `ergotropy at charged`
    #[arg(long, value_name = "RESULT", required_unless_present = "minimise", conflicts_with = "minimise")]
    pub maximise: Option<String>,
    /// The result that shall be small
    #[arg(long, value_name = "RESULT")]
    pub minimise: Option<String>,
    /// Begins with so many equal steps, whether the file of the shape exists or not; with its own when not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub steps: Option<u32>,
    /// Random shapes from which it climbs, besides that of the file
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub starts: usize,
    /// The most iterations of a climb
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub iterations: u64,
    /// Of the random shapes
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Where the shape is written: a line of amplitude and phase a step, as `shape NAME = "PATH"` reads it
    #[arg(long, value_name = "PATH")]
    pub output: PathBuf,
    /// Writes over an existing file
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub given: Given,
    /// Threads; all cores when not given
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
    /// The measured results, comma-separated
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// A parameter and its bounds: `--vary "T1=0.1s .. 20s"`
    #[arg(long, value_name = "NAME=LOW..HIGH", required = true, allow_hyphen_values = true)]
    pub vary: Vec<String>,
    #[command(flatten)]
    pub given: Given,
    /// Threads; all cores when not given
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    pub format: String,
    #[command(flatten)]
    pub how: How,
}
