//! What can be typed. Words of formats and methods come from the library's tables.

mod compile;
mod export;
mod given;
#[cfg(feature = "pictures")]
mod received;
#[cfg(feature = "pictures")]
mod robustness;
mod search;

pub use self::compile::Compile;
pub use self::export::{Export, Import};
pub use self::given::{Given, How};
#[cfg(feature = "pictures")]
pub use self::received::Spectrum;
#[cfg(feature = "pictures")]
pub use self::robustness::Robustness;
pub use self::search::{Fit, Optimise, Shape};
use crate::workloads::WORKLOADS;
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use ergoseq::output::FORMATS;
use ergoseq::tomography::ESTIMATORS;
use std::path::PathBuf;

/// Compiles and emulates quantum-battery experiments on NMR spectrometers.
#[derive(Parser)]
#[command(
    name = "ergoseq",
    version,
    max_term_width = 80,
    after_help = "Exit codes: 0 success; 1 an error in the program or its physics; 2 an error in the command line; 3 an input or output could not be read or written.\n\nThe language is described in grammar.md; `ergoseq explain WORD` prints what it says about a word."
)]
pub struct Arguments {
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
    /// Ends the command after this time, such as 90s, 5min or 2h; output files stay complete
    #[arg(long, global = true, value_name = "TIME")]
    pub max_time: Option<String>,
    /// Allows programs to name files in this folder and below, in addition to their own folder
    #[arg(long, global = true, value_name = "DIR")]
    pub allow_path: Vec<PathBuf>,
}

/// The subcommands.
#[derive(Subcommand)]
pub enum Command {
    /// Reports errors without running anything
    #[command(
        after_help = "A file that ends in `.pp` is a Bruker pulse program.\n\nExamples:\n  ergoseq check sequences/*.seq\n  ergoseq check jb.pp"
    )]
    Check(Check),
    /// Emulates an experiment and prints its results
    #[command(
        after_help = "Examples:\n  ergoseq run sequences/dipolar_charging.seq\n  ergoseq run sequences/dipolar_charging.seq --set Delta=2 --sweep \"T=0.1 .. 4 points 40\" --format csv --output sweep.csv\n  ergoseq run sequences/jeener_broekaert.seq --set tau=\"3.3 us\" --energy Hz"
    )]
    Run(Run),
    /// Emulates a sweep of any length into a NetCDF file, which can be resumed and opened with xarray
    #[command(
        after_help = "A failed point is recorded with its error number and does not stop the others. The file always contains all results computed so far.\n\nExamples:\n  ergoseq sweep sequences/jeener_broekaert.seq --output map.nc\n  ergoseq sweep sequences/jeener_broekaert.seq --output map.nc --resume\n  ergoseq sweep my.seq --sweep \"T=0.1 .. 4 points 1000\" --shard 2/8 --output part2.nc\n  python -c \"import xarray; print(xarray.open_dataset('map.nc'))\""
    )]
    Sweep(Sweep),
    /// Finds the parameters that maximise or minimise a result
    #[command(
        after_help = "Samples many points, starts local optimisations from the best ones, and prints the optimum with the command that runs it. With an `ensemble` in the file, the objective is that of the ensemble.\n\nExamples:\n  ergoseq optimise sequences/jeener_broekaert.seq --vary \"tau=0.1us .. 12us\" --maximise \"ergotropy at charged\"\n  ergoseq optimise my.seq --vary \"theta=0deg..180deg\" --vary \"rf=10kHz..100kHz\" --minimise \"abs(order(Iz(p))) at end\""
    )]
    Optimise(Optimise),
    /// Optimises the steps of pulse shapes with exact gradients (GRAPE)
    #[command(
        after_help = "The file declares the shape and has a pulse with `rf`, `duration` and `shape`; no step exceeds that rf. An `ensemble` makes the result robust.\n\nExamples:\n  ergoseq shape examples/shaped_pulse/charge.seq --maximise \"work at charged\" --steps 40 --output charge.txt\n  ergoseq shape examples/control/refocusing.seq --maximise \"gate_fidelity(pi*Ix(h))\" --steps 100 --bandwidth 30kHz --output refocusing.txt\n  ergoseq shape examples/control/charge.seq --maximise \"expectation(-Iz(a) - Iz(b))\" --real --steps 100 --reach 0.9999999 --shortest --output charge.txt"
    )]
    Shape(Shape),
    /// Finds the pulses and delays that make the evolution under a wanted Hamiltonian
    #[command(
        after_help = "The couplings and offsets are those of the `system`; the Hamiltonian is one of the file or an expression. Writes a `.seq` file with the block of pulses, its fidelity and robustness, and a check. What cannot be made is rejected with the proof.\n\nExamples:\n  ergoseq compile pair.seq --hamiltonian DM --for \"2 ms\" --rf \"50 kHz\" --output dm.seq\n  ergoseq compile chain.seq --for T --set T=\"100 us\" --ideal --output chain_pulses.seq"
    )]
    Compile(Compile),
    /// Fits parameters to measured results
    #[command(
        after_help = "The first column of the table is a parameter, the others are results; a column `error` holds the errors of the column before it.\n\n  t [ms], order(Iz(h)) at read, error\n  1, -0.98, 0.01\n  500, 0.11, 0.01\n\nExample:\n  ergoseq fit recovery.seq --data recovery.csv --vary \"T1=0.1s .. 20s\""
    )]
    Fit(Fit),
    /// Joins the shards of a sweep
    #[command(after_help = "Example:\n  ergoseq merge part*.nc --output map.nc")]
    Merge(Merge),
    /// Plots the results of an experiment: curves over time or a swept parameter, maps over two parameters, spectra
    #[command(
        after_help = drawings()
    )]
    #[cfg(feature = "pictures")]
    Plot(Plot),
    /// Maps results over errors of the rf amplitude and over the frequency offset
    #[command(
        after_help = "The file's own sweeps are replaced, and its distributions of rf and offset; others, such as a powder, remain.\n\nExamples:\n  ergoseq robustness sequences/lab/charge_composite.seq --output map.svg\n  ergoseq robustness my.seq --what ergotropy --rf \"-0.2 .. 0.2 points 41\" --offset \"-20 kHz .. 20 kHz points 41\" --output map.csv"
    )]
    #[cfg(feature = "pictures")]
    Robustness(Robustness),
    /// Writes one HTML page about an experiment: source, sequence, energy levels, curves, results of the checks
    #[command(
        after_help = "The page is self-contained: it opens from the disk, without a network.\n\nExample:\n  ergoseq report sequences/jeener_broekaert.seq --output report.html"
    )]
    Report(Report),
    /// Regenerates the report page on every save
    #[command(
        after_help = "For a file with errors, the page shows them in place. Press Ctrl-C to stop.\n\nExample:\n  ergoseq watch my.seq --output my.html"
    )]
    Watch(Report),
    /// Runs a benchmark job and reports its time
    #[command(
        after_help = "Examples:\n  ergoseq bench w3 --size n8 --threads 1\n  ergoseq bench w1 --size small --out arrays"
    )]
    Bench(Bench),
    /// Explains an error code, a keyword, a metric or a unit
    #[command(after_help = "Examples:\n  ergoseq explain E404\n  ergoseq explain ergotropy\n  ergoseq explain crush")]
    Explain(Explain),
    /// Lists the included sequences
    #[command(after_help = "Examples:\n  ergoseq list\n  ergoseq list tomography\n  ergoseq list --print lab/cycles")]
    List(List),
    /// Creates a file from an included sequence
    #[command(after_help = "Examples:\n  ergoseq new my.seq\n  ergoseq new my.seq --like lab/jeener_broekaert_cycled")]
    New(New),
    /// Writes completions for a shell to standard output
    #[command(after_help = "Example:\n  ergoseq completions bash > /etc/bash_completion.d/ergoseq")]
    Completions(Completions),
    /// Writes the manual pages, one per command, to a folder
    #[command(after_help = "Example:\n  ergoseq man --output /usr/local/share/man/man1")]
    Man(Man),
    /// Runs the language server on standard input and output
    #[command(
        after_help = "Editors start it themselves; see editors/README.md. It provides diagnostics, completion, hover documentation, definitions, references, renaming, outline, formatting, semantic highlighting, inlay hints and quick fixes."
    )]
    Lsp,
    /// Prints a compilation stage of a file: syntax tree, checked experiment, Hamiltonian or propagation plan
    #[command(after_help = "Example:\n  ergoseq show sequences/jeener_broekaert.seq --stage hamiltonian")]
    Show(Show),
    /// Formats files in place: indentation, blanks, line ends; keeps comments and layout
    #[command(after_help = "Examples:\n  ergoseq fmt my.seq\n  ergoseq fmt --check sequences/*.seq")]
    Fmt(Fmt),
    /// Compares the results at the default parameters with the `expect` and `theory` lines of the file
    #[command(after_help = "Example:\n  ergoseq test sequences/*.seq")]
    Test(Test),
    /// Dry run: prints timing, rf load, coherence orders and energies for every statement
    #[command(after_help = "Example:\n  ergoseq dry-run sequences/jeener_broekaert.seq --set tau=\"3.3 us\"")]
    DryRun(DryRun),
    /// Exports an experiment to a spectrometer console, with shapes, lists and a script that sets the parameters
    #[command(
        after_help = "Statements that cannot be exported are rejected at their position. Ideal pulses become hard pulses, and adjacent delays are shortened by half their length.\n\nExamples:\n  ergoseq export sequences/lab/jeener_broekaert_eight_steps.seq --to topspin --output jb --calibration \"1H: 2.5 us at 100 W\"\n  ergoseq export sequences/lab/tomography_pair.seq --to topspin --output readouts --calibration \"1H: 10 us at 20 W\" --calibration \"13C: 12 us at 80 W\""
    )]
    Export(Export),
    /// Converts a Bruker pulse program or a SIMPSON input file to a `.seq` file
    #[command(
        after_help = "Comments are kept. A line that cannot be converted is kept as a comment, with a warning at its position. Complete the `system` of the result.\n\nExample:\n  ergoseq import jb.pp --params data/1 --output jb.seq"
    )]
    Import(Import),
    /// Prints the readouts that a tomography needs, the observables they determine and their duration
    #[command(
        after_help = "Examples:\n  ergoseq plan sequences/dipolar_tomography.seq\n  ergoseq plan sequences/lab/tomography_pair.seq --amplitudes amplitudes.csv"
    )]
    Plan(Plan),
    /// Reconstructs the state from measured data, with battery energies and their errors
    #[command(
        after_help = "Example:\n  ergoseq tomography sequences/lab/tomography_pair.seq --data amplitudes.csv --reference 9961.5"
    )]
    Tomography(Tomography),
    /// Compares theory, emulation and measurement: a table, a plot, chi^2
    #[command(
        after_help = "Theory is the sequence without `ensemble` and receiver noise; the emulation includes both.\n\nExamples:\n  ergoseq compare recovery.seq --data recovery.csv\n  ergoseq compare pair.seq --data decays --reference 9961.5 --output pair.svg"
    )]
    Compare(Compare),
    /// Describes measured FIDs and plots their spectrum, in one or two dimensions
    #[cfg(feature = "pictures")]
    #[command(
        after_help = "Rows of States, States-TPPI, TPPI and echo-antiecho become the map of a two-dimensional spectrum.\n\nExamples:\n  ergoseq spectrum 12\n  ergoseq spectrum 13 --output plane.png"
    )]
    Spectrum(Spectrum),
    /// Recomputes the figures of a published paper and checks its claims
    #[command(
        after_help = "Writes every figure as CSV, SVG, PNG and PDF, and prints a table of the claims of the paper: the printed value, the computed value, and whether they agree.\n\nExamples:\n  ergoseq reproduce spin-charger\n  ergoseq reproduce dipolar --figure 5 --output figures"
    )]
    #[cfg(feature = "pictures")]
    Reproduce(Reproduce),
}

/// What `plot --what` draws besides results, from the table of drawings.
#[cfg(feature = "pictures")]
fn drawings() -> String {
    let lines = ergoseq::report::DRAWINGS.iter().map(|(word, meaning, _)| format!("  {word:<12}{meaning}\n"));
    format!(
        "Drawings:\n{}\nExamples:\n  ergoseq plot sequences/dipolar_charging.seq --output charging.svg\n  \
         ergoseq plot sequences/jeener_broekaert.seq --what ergotropy --sweep \"theta=0deg .. 180deg points 61\" --output map.pdf\n  \
         ergoseq plot sequences/jeener_broekaert.seq --what city --output states.svg",
        lines.collect::<String>()
    )
}

/// `plot`
#[cfg(feature = "pictures")]
#[derive(Args)]
pub struct Plot {
    /// A `.seq` file, or an experiment in YAML
    pub file: PathBuf,
    #[command(flatten)]
    pub given: Given,
    /// Sweeps a parameter: `--sweep "T=0.1 .. 2 points 20"`, `--sweep Dz=0,0.5,1`
    #[arg(long, value_name = "NAME=RANGE", allow_hyphen_values = true)]
    pub sweep: Vec<String>,
    /// A result to plot, or one of the drawings below; default: all results
    #[arg(long, value_name = "RESULT")]
    pub what: Vec<String>,
    /// The plot file: .svg, .png, .pdf, or .csv for the data
    #[arg(long, short, value_name = "PATH")]
    pub output: PathBuf,
    /// Overwrites an existing output file
    #[arg(long)]
    pub force: bool,
    /// Number of threads for the points of a sweep; default: all cores
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    #[command(flatten)]
    pub how: How,
}

/// `explain`
#[derive(Args)]
pub struct Explain {
    /// An error code, keyword, metric or unit
    pub word: String,
}

/// `list`
#[derive(Args)]
pub struct List {
    /// Only sequences with this word in their name or title
    pub word: Option<String>,
    /// Prints this sequence
    #[arg(long, value_name = "NAME")]
    pub print: Option<String>,
}

/// `new`
#[derive(Args)]
pub struct New {
    /// The file to write
    pub file: PathBuf,
    /// The sequence to start from, by its name in `ergoseq list`
    #[arg(long, value_name = "NAME", default_value = "jeener_broekaert")]
    pub like: String,
    /// Overwrites an existing file
    #[arg(long)]
    pub force: bool,
}

/// `man`
#[derive(Args)]
pub struct Man {
    /// The folder
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Overwrites existing pages
    #[arg(long)]
    pub force: bool,
}

/// `completions`
#[derive(Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `sweep`
#[derive(Args)]
pub struct Sweep {
    /// A `.seq` file, or an experiment in YAML
    pub file: PathBuf,
    #[command(flatten)]
    pub given: Given,
    /// Sweeps a parameter: `--sweep "T=0.1 .. 2 points 20"`, `--sweep Dz=0,0.5,1`
    #[arg(long, value_name = "NAME=RANGE", allow_hyphen_values = true)]
    pub sweep: Vec<String>,
    /// The file to write
    #[arg(long, short, value_name = "PATH")]
    pub output: PathBuf,
    /// Continues an existing file: computes only the missing points
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Overwrites an existing output file
    #[arg(long)]
    pub force: bool,
    /// Computes part K of N into a separate file, for `ergoseq merge`
    #[arg(long, value_name = "K/N", value_parser = shard)]
    pub shard: Option<(u64, u64)>,
    /// Number of threads for the points; default: all cores
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    #[command(flatten)]
    pub how: How,
}

fn shard(text: &str) -> Result<(u64, u64), String> {
    let parsed = text.split_once('/').and_then(|(k, n)| Some((k.parse::<u64>().ok()?, n.parse::<u64>().ok()?)));
    match parsed {
        Some((k, n)) if 1 <= k && k <= n => Ok((k, n)),
        _ => Err("a shard is K/N, with K from 1 to N".into()),
    }
}

/// `report` and `watch`
#[derive(Args)]
pub struct Report {
    /// The file
    pub file: PathBuf,
    #[command(flatten)]
    pub given: Given,
    #[command(flatten)]
    pub how: How,
    /// Measured data as for `compare`: adds a section that compares them with theory and emulation
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// The strongest line of the thermal state after 90 degrees, in the units of measured decays
    #[arg(long, value_name = "AMPLITUDE", requires = "data")]
    pub reference: Option<f64>,
    /// The page to write; default: the name of the file with .html
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Overwrites a file that is not a page of `report` or `watch`
    #[arg(long)]
    pub force: bool,
}

/// `compare`
#[derive(Args)]
pub struct Compare {
    /// The file
    pub file: PathBuf,
    /// Measured data: a table as for `fit`, or a folder of FIDs as for `tomography`, named READOUT.NUCLEUS, or
    /// TRACE.NUCLEUS for an acquired signal; one row, or one FID TRACE.NUMBER.NUCLEUS, per point of the sweeps
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// The strongest line of the thermal state after 90 degrees, in the units of the FIDs; default: the data are absolute
    #[arg(long, value_name = "AMPLITUDE")]
    pub reference: Option<f64>,
    #[command(flatten)]
    pub given: Given,
    #[command(flatten)]
    pub how: How,
    /// table, json or csv
    #[arg(long, default_value = "table", value_parser = ["table", "json", "csv"])]
    pub format: String,
    /// The plot file: .svg, .png, .pdf, or .csv for the curves
    #[cfg(feature = "pictures")]
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Overwrites an existing plot file
    #[cfg(feature = "pictures")]
    #[arg(long)]
    pub force: bool,
}

/// `bench`
#[derive(Args)]
pub struct Bench {
    /// The job
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(
        WORKLOADS.iter().map(|w| clap::builder::PossibleValue::new(w.name).help(w.meaning))
    ))]
    pub workload: String,
    /// The size of the job
    #[arg(long)]
    pub size: Option<String>,
    /// Number of threads; default: all cores
    #[arg(long, short)]
    pub threads: Option<usize>,
    /// The folder for the results, one file NAME.f64 per array: 64-bit floats, little-endian, in C order
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Input data of the job instead of generated ones: the counts of w8, as 32-bit numbers
    #[arg(long, value_name = "PATH")]
    pub input: Option<PathBuf>,
}

/// `merge`
#[derive(Args)]
pub struct Merge {
    /// The files of the shards
    #[arg(required = true)]
    pub shards: Vec<PathBuf>,
    /// The file to write
    #[arg(long, short, value_name = "PATH")]
    pub output: PathBuf,
    /// Overwrites an existing output file
    #[arg(long)]
    pub force: bool,
}

/// `dry-run`
#[derive(Args)]
pub struct DryRun {
    /// A `.seq` file, or an experiment in YAML
    pub file: PathBuf,
    #[command(flatten)]
    pub given: Given,
    #[command(flatten)]
    pub how: How,
}

/// `plan`
#[derive(Args)]
pub struct Plan {
    /// A `.seq` file, or an experiment in YAML
    pub file: PathBuf,
    #[command(flatten)]
    pub given: Given,
    /// Writes the amplitudes of the emulated experiment, as a table
    #[arg(long, value_name = "PATH")]
    pub amplitudes: Option<PathBuf>,
    /// Writes the FIDs of the emulated experiment, as files READOUT.NUCLEUS.fid in a new folder
    #[arg(long, value_name = "DIR")]
    pub decays: Option<PathBuf>,
    /// Overwrites existing files
    #[arg(long)]
    pub force: bool,
}

/// `tomography`
#[derive(Args)]
pub struct Tomography {
    /// A `.seq` file with a `tomography`, or an experiment in YAML
    pub file: PathBuf,
    /// A table of readout, nucleus, frequency in Hz, real and imaginary part; or a folder of FIDs: READOUT.NUCLEUS.fid of SIMPSON or
    /// NMRPipe, READOUT.NUCLEUS.jdx of JCAMP-DX, or folders READOUT.NUCLEUS of Bruker or Varian; NUCLEUS alone holds one row per readout
    #[arg(long, value_name = "PATH", required_unless_present = "counts", conflicts_with = "counts")]
    pub data: Option<PathBuf>,
    /// A table of setting, outcome and count: single shots of spins 1/2, each measured along x, y or z, such as `XZ, 01, 237`. The file
    /// needs a `battery` and no `tomography`
    #[arg(long, value_name = "PATH")]
    pub counts: Option<PathBuf>,
    /// The method that reconstructs the state from counts
    #[arg(long, conflicts_with = "data", default_value = "maximum_likelihood", value_parser = PossibleValuesParser::new(ESTIMATORS.iter().map(|e| e.0)))]
    pub estimator: String,
    /// Number of bootstrap repetitions for the errors
    #[arg(long, value_name = "N", conflicts_with = "data", default_value_t = 200, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub repetitions: u32,
    /// The strongest line of the thermal state after 90 degrees, in the units of the table; default: the data are absolute
    #[arg(long, value_name = "AMPLITUDE", conflicts_with = "counts")]
    pub reference: Option<f64>,
    #[command(flatten)]
    pub given: Given,
    #[command(flatten)]
    pub how: How,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    pub format: String,
}

/// `reproduce`
#[cfg(feature = "pictures")]
#[derive(Args)]
pub struct Reproduce {
    /// The paper
    #[arg(value_parser = PossibleValuesParser::new(crate::papers::PAPERS.iter().map(|p| p.name)))]
    pub paper: String,
    /// Only this figure
    #[arg(long, value_name = "N")]
    pub figure: Option<u32>,
    /// The folder for the figures; default: the name of the paper
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Overwrites existing figures
    #[arg(long)]
    pub force: bool,
    /// Number of threads; default: all cores
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// `check`
#[derive(Args)]
pub struct Check {
    /// Files to check
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub given: Given,
    /// Rounds to the resolution of a `spectrometer` that the files declare, reports each change and its effect on the results, and
    /// rejects what it cannot do
    #[arg(long, value_name = "NAME")]
    pub spectrometer: Option<String>,
}

/// `run`
#[derive(Args)]
pub struct Run {
    /// A `.seq` file, or an experiment in YAML
    pub file: PathBuf,
    #[command(flatten)]
    pub given: Given,
    /// Sweeps a parameter: `--sweep "T=0.1 .. 2 points 20"`, `--sweep Dz=0,0.5,1`
    #[arg(long, value_name = "NAME=RANGE", allow_hyphen_values = true)]
    pub sweep: Vec<String>,
    /// The output format; default: that of the ending of `--output`, otherwise a table
    #[arg(long, value_parser = PossibleValuesParser::new(FORMATS.iter().map(|(w, _, _)| *w)))]
    pub format: Option<String>,
    /// Line broadening of a spectrum, in Hz
    #[arg(long, value_name = "HZ")]
    pub broaden: Option<f64>,
    /// Zero-fills an FID to this multiple of its length before the Fourier transform; default: 2
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub zero_fill: Option<u16>,
    /// Plots curves as text below the table
    #[cfg(feature = "pictures")]
    #[arg(long)]
    pub plot: bool,
    /// Writes to a file instead of standard output
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Overwrites an existing output file
    #[arg(long)]
    pub force: bool,
    /// The unit of energies: joule, or divided by h in hertz
    #[arg(long, value_parser = PossibleValuesParser::new(["J", "Hz"]))]
    pub energy: Option<String>,
    /// Number of threads for the points of a sweep; default: all cores
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    #[command(flatten)]
    pub how: How,
}

/// `show`
#[derive(Args)]
pub struct Show {
    /// A `.seq` file, or an experiment in YAML
    pub file: PathBuf,
    /// The stage
    #[arg(long, default_value = "hamiltonian", value_parser = PossibleValuesParser::new(["ast", "ir", "hamiltonian", "plan"]))]
    pub stage: String,
    #[command(flatten)]
    pub given: Given,
}

/// `fmt`
#[derive(Args)]
pub struct Fmt {
    /// Files to format
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Changes nothing; exit code 1 if a file is not formatted
    #[arg(long)]
    pub check: bool,
    /// Prints the formatted text instead of changing the file
    #[arg(long, conflicts_with = "check")]
    pub print: bool,
}

/// `test`
#[derive(Args)]
pub struct Test {
    /// Files to test
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub given: Given,
    #[command(flatten)]
    pub how: How,
}
