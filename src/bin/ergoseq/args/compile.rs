//! Arguments of `compile`.

use super::given::Given;
use clap::Args;
use std::path::PathBuf;

/// `compile`
#[derive(Args)]
pub struct Compile {
    /// A `.seq` file with the system and the Hamiltonian
    pub file: PathBuf,
    /// The wanted Hamiltonian: its name in the file, or an expression; default: the only `hamiltonian` of the file
    #[arg(long, value_name = "H")]
    pub hamiltonian: Option<String>,
    /// Its time: `--for "2 ms"`, or an expression of the parameters
    #[arg(long = "for", value_name = "TIME")]
    pub time: String,
    /// The nutation frequency of the pulses: `--rf "100 kHz"` for all channels, `--rf "13C: 50 kHz"` for one; default: `rf` or `max_rf` of the channel
    #[arg(long, value_name = "RF")]
    pub rf: Vec<String>,
    /// Uses ideal (instantaneous) pulses
    #[arg(long)]
    pub ideal: bool,
    /// The largest infidelity 1 - F
    #[arg(long, value_name = "X", default_value_t = 1e-6)]
    pub infidelity: f64,
    /// The longest duration of the pulse sequence: `--within "10 ms"`
    #[arg(long, value_name = "TIME")]
    pub within: Option<String>,
    /// The offset for which the robustness is stated
    #[arg(long, value_name = "OFFSET", default_value = "100 Hz")]
    pub offset: String,
    /// The file to write; pulse shapes are written beside it, for dm.seq to dm_1H.txt
    #[arg(long, short, value_name = "PATH")]
    pub output: PathBuf,
    /// Overwrites existing output files
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub given: Given,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    pub format: String,
}
