//! Arguments of `spectrum`.

use clap::Args;
use std::path::PathBuf;

/// `spectrum`
#[derive(Args)]
pub struct Spectrum {
    /// A file of decays, or the folder of an experiment: Bruker, Varian, JCAMP-DX, SIMPSON or NMRPipe
    pub path: PathBuf,
    /// The picture of the spectrum to write: .svg, .png, .pdf, or .csv for its numbers
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Overwrites the picture if there is one
    #[arg(long)]
    pub force: bool,
}
