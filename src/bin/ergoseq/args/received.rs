//! Arguments of `spectrum`.

use clap::Args;
use std::path::PathBuf;

/// `spectrum`
#[derive(Args)]
pub struct Spectrum {
    /// A file of FIDs, or the folder of an experiment: Bruker, Varian, JCAMP-DX, SIMPSON or NMRPipe
    pub path: PathBuf,
    /// The plot file of the spectrum: .svg, .png, .pdf, or .csv for the data
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Overwrites an existing plot file
    #[arg(long)]
    pub force: bool,
}
