//! Arguments of `robustness`.

use super::given::{Given, How};
use clap::Args;
use std::path::PathBuf;

/// `robustness`
#[derive(Args)]
pub struct Robustness {
    /// A `.seq` file, or an experiment in YAML
    pub file: PathBuf,
    /// The results to map; default: all results of the file
    #[arg(long, value_name = "RESULT")]
    pub what: Vec<String>,
    /// The nucleus whose pulses have the errors; default: the only one that is pulsed
    #[arg(long, value_name = "NUCLEUS")]
    pub nucleus: Option<String>,
    /// Errors of the rf amplitude, relative to the nominal one
    #[arg(long, value_name = "RANGE", default_value = "-0.1 .. 0.1 points 21", allow_hyphen_values = true)]
    pub rf: String,
    /// Frequency offsets of the nucleus
    #[arg(long, value_name = "RANGE", default_value = "-5 kHz .. 5 kHz points 21", allow_hyphen_values = true)]
    pub offset: String,
    /// The map: .svg, .png or .pdf, or .csv for the numbers
    #[arg(long, short, value_name = "PATH")]
    pub output: PathBuf,
    /// Overwrites an existing output file
    #[arg(long)]
    pub force: bool,
    /// Number of threads; default: all cores
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    #[command(flatten)]
    pub given: Given,
    #[command(flatten)]
    pub how: How,
}
