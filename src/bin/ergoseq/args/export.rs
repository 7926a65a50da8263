//! Arguments of `export` and `import`.

use super::given::Given;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use ergoseq::export::DIALECTS;
use std::path::PathBuf;

/// `export`
#[derive(Args)]
pub struct Export {
    /// A `.seq` file, or an experiment in YAML
    pub file: PathBuf,
    /// What for
    #[arg(long, value_name = "DIALECT", value_parser = PossibleValuesParser::new(
        DIALECTS.iter().map(|d| PossibleValue::new(d.name).help(d.meaning))
    ))]
    pub to: String,
    /// The folder to make
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Your pulse of 90 degrees and its power, once for every nucleus that is sent to: `--calibration "1H: 2.5 us at 100 W"`
    #[arg(long, value_name = "TEXT")]
    pub calibration: Vec<String>,
    /// The gradient at 100 percent, where the sequence has gradients of a given strength: `--max-gradient "0.5 T/m"`
    #[arg(long, value_name = "TEXT")]
    pub max_gradient: Option<String>,
    #[command(flatten)]
    pub given: Given,
    /// Sweeps a parameter, in the place of the file's: `--sweep "tau=2us .. 20us points 10"`; the points become rows
    #[arg(long, value_name = "NAME=RANGE", allow_hyphen_values = true)]
    pub sweep: Vec<String>,
    /// Exports the steps and delays of a `spectrometer` that the file declares
    #[arg(long, value_name = "NAME")]
    pub spectrometer: Option<String>,
    /// Replaces the folder if an export is in it
    #[arg(long)]
    pub force: bool,
}

/// `import`
#[derive(Args)]
pub struct Import {
    /// A Bruker pulse program, or an input file of SIMPSON
    pub file: PathBuf,
    /// A data set whose `acqus` has the numbers of the parameters; those in the comments of the program when not given
    #[arg(long, value_name = "DIR")]
    pub params: Option<PathBuf>,
    /// The file to write; standard output when not given
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Overwrites the file if there is one
    #[arg(long)]
    pub force: bool,
}
