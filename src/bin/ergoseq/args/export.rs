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
    /// The target
    #[arg(long, value_name = "DIALECT", value_parser = PossibleValuesParser::new(
        DIALECTS.iter().map(|d| PossibleValue::new(d.name).help(d.meaning))
    ))]
    pub to: String,
    /// The folder to create
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Your 90 deg pulse length and its power, once for every nucleus with pulses: `--calibration "1H: 2.5 us at 100 W"`
    #[arg(long, value_name = "TEXT")]
    pub calibration: Vec<String>,
    /// The gradient strength at 100 percent, if the sequence has gradients: `--max-gradient "0.5 T/m"`
    #[arg(long, value_name = "TEXT")]
    pub max_gradient: Option<String>,
    #[command(flatten)]
    pub given: Given,
    /// Sweeps a parameter, replacing the sweeps of the file: `--sweep "tau=2us .. 20us points 10"`; the points become rows
    #[arg(long, value_name = "NAME=RANGE", allow_hyphen_values = true)]
    pub sweep: Vec<String>,
    /// Exports with the resolution and delays of a `spectrometer` that the file declares
    #[arg(long, value_name = "NAME")]
    pub spectrometer: Option<String>,
    /// Replaces an existing export folder
    #[arg(long)]
    pub force: bool,
}

/// `import`
#[derive(Args)]
pub struct Import {
    /// A Bruker pulse program, or a SIMPSON input file
    pub file: PathBuf,
    /// A data set whose `acqus` gives the parameters; default: the comments of the program
    #[arg(long, value_name = "DIR")]
    pub params: Option<PathBuf>,
    /// The file to write; default: standard output
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Overwrites an existing file
    #[arg(long)]
    pub force: bool,
}
