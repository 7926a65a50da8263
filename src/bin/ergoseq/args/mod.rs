//! What can be typed. Words of formats and methods come from the library's tables.

mod export;
mod given;
#[cfg(feature = "pictures")]
mod received;
mod search;

pub use self::export::{Export, Import};
pub use self::given::{Given, How};
#[cfg(feature = "pictures")]
pub use self::received::Spectrum;
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
    after_help = "Exit codes: 0 done; 1 the file or the physics is wrong; 2 the command line is wrong; 3 an input or output could not be read or written.\n\nThe language is described in grammar.md."
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Ends the command after a time, such as 90s, 5min or 2h; what was written stays whole
    #[arg(long, global = true, value_name = "TIME")]
    pub max_time: Option<String>,
    /// Lets programs name files in this folder and below, besides those in their own
    #[arg(long, global = true, value_name = "DIR")]
    pub allow_path: Vec<PathBuf>,
}

/// The subcommands.
#[derive(Subcommand)]
pub enum Command {
    /// Finds mistakes without running anything
    #[command(
        after_help = "A file that ends in `.pp` is a Bruker pulse program.\n\nExamples:\n  ergoseq check sequences/*.seq\n  ergoseq check jb.pp"
    )]
    Check(Check),
    /// Emulates an experiment and prints what it measures
    #[command(
        after_help = "Examples:\n  ergoseq run sequences/dipolar_charging.seq\n  ergoseq run sequences/dipolar_charging.seq --set Delta=2 --sweep \"T=0.1 .. 4 points 40\" --format csv --output sweep.csv\n  ergoseq run sequences/jeener_broekaert.seq --set tau=\"3.3 us\" --energy Hz"
    )]
    Run(Run),
    /// Emulates a sweep of any length into a file that can be resumed: NetCDF, which xarray opens at once
    #[command(
        after_help = "A point that fails is recorded with the number of its error and stops no other. Whenever the program ends, what was computed is in the file.\n\nExamples:\n  ergoseq sweep sequences/jeener_broekaert.seq --output map.nc\n  ergoseq sweep sequences/jeener_broekaert.seq --output map.nc --resume\n  ergoseq sweep my.seq --sweep \"T=0.1 .. 4 points 1000\" --shard 2/8 --output part2.nc\n  python -c \"import xarray; print(xarray.open_dataset('map.nc'))\""
    )]
    Sweep(Sweep),
    /// Looks for the parameters at which a result is largest or smallest
    #[command(
        after_help = "Looks at many points, climbs from the best ones, and prints what it found with the command that runs it. An `ensemble` of the file is part of what is judged, so the best is the best for all of its members.\n\nExamples:\n  ergoseq optimise sequences/jeener_broekaert.seq --vary \"tau=0.1us .. 12us\" --maximise \"ergotropy at charged\"\n  ergoseq optimise my.seq --vary \"theta=0deg..180deg\" --vary \"rf=10kHz..100kHz\" --minimise \"abs(order(Iz(p))) at end\""
    )]
    Optimise(Optimise),
    /// Optimises the steps of a pulse shape for a result, by exact gradients (GRAPE)
    #[command(
        after_help = "The file declares the shape and has a pulse with `rf`, `duration` and `shape`; no step goes beyond that rf. An `ensemble` makes what is found robust.\n\nExample:\n  ergoseq shape examples/shaped_pulse/charge.seq --maximise \"work at charged\" --steps 40 --output charge.txt"
    )]
    Shape(Shape),
    /// Fits parameters to measured results
    #[command(
        after_help = "The table has a parameter in its first column and a result in each other; a column `error` holds the errors of the one before it.\n\n  t [ms], order(Iz(h)) at read, error\n  1, -0.98, 0.01\n  500, 0.11, 0.01\n\nExample:\n  ergoseq fit recovery.seq --data recovery.csv --vary \"T1=0.1s .. 20s\""
    )]
    Fit(Fit),
    /// Joins the shards of a sweep
    #[command(after_help = "Example:\n  ergoseq merge part*.nc --output map.nc")]
    Merge(Merge),
    /// Draws what an experiment measures: curves over time or a swept parameter, maps over two, spectra
    #[command(
        after_help = drawings()
    )]
    #[cfg(feature = "pictures")]
    Plot(Plot),
    /// Writes one page that shows everything about an experiment: source, sequence, levels, curves, verdicts
    #[command(
        after_help = "The page needs nothing but itself: it opens from the disk, without a network.\n\nExample:\n  ergoseq report sequences/jeener_broekaert.seq --output report.html"
    )]
    Report(Report),
    /// Writes the page anew whenever the file is saved
    #[command(
        after_help = "A file with mistakes becomes a page that shows them in place. Ctrl-C ends it.\n\nExample:\n  ergoseq watch my.seq --output my.html"
    )]
    Watch(Report),
    /// Does one of the jobs by which programs are compared, and says how long it took
    #[command(
        after_help = "Examples:\n  ergoseq bench w3 --size n8 --threads 1\n  ergoseq bench w1 --size small --out arrays"
    )]
    Bench(Bench),
    /// Says what an error code, a word, a metric or a unit means
    #[command(after_help = "Examples:\n  ergoseq explain E404\n  ergoseq explain ergotropy\n  ergoseq explain crush")]
    Explain(Explain),
    /// Lists the sequences that come with the program
    #[command(after_help = "Examples:\n  ergoseq list\n  ergoseq list tomography\n  ergoseq list --print lab/cycles")]
    List(List),
    /// Begins a file with a sequence that comes with the program
    #[command(after_help = "Examples:\n  ergoseq new my.seq\n  ergoseq new my.seq --like lab/jeener_broekaert_cycled")]
    New(New),
    /// Writes completions for a shell to standard output
    #[command(after_help = "Example:\n  ergoseq completions bash > /etc/bash_completion.d/ergoseq")]
    Completions(Completions),
    /// Writes the manual pages, one a command, into a folder
    #[command(after_help = "Example:\n  ergoseq man --output /usr/local/share/man/man1")]
    Man(Man),
    /// Answers an editor over standard input and output, in the language server protocol
    #[command(
        after_help = "Editors begin it by themselves: editors/README.md says how. It offers mistakes while you type, completion, meanings, definitions, references, renaming, outline, tidying, colours, hints and quick fixes."
    )]
    Lsp,
    /// Prints what a file becomes on its way: its tree, its experiment, its Hamiltonian
    #[command(after_help = "Example:\n  ergoseq show sequences/jeener_broekaert.seq --stage hamiltonian")]
    Show(Show),
    /// Tidies files in place: indentation, blanks, line ends; comments and layout stay
    #[command(after_help = "Examples:\n  ergoseq fmt my.seq\n  ergoseq fmt --check sequences/*.seq")]
    Fmt(Fmt),
    /// Compares an emulation with the file's `expect` and `theory` lines, at the parameters' defaults
    #[command(after_help = "Example:\n  ergoseq test sequences/*.seq")]
    Test(Test),
    /// Rehearses an experiment: timing, rf, coherence orders and energies, statement by statement
    #[command(after_help = "Example:\n  ergoseq dry-run sequences/jeener_broekaert.seq --set tau=\"3.3 us\"")]
    DryRun(DryRun),
    /// Writes an experiment as the program of a console, with shapes, lists and a script that sets the parameters
    #[command(
        after_help = "What no console can do is refused at its place. Ideal pulses become hard ones, and delays beside them shorter by their halves.\n\nExamples:\n  ergoseq export sequences/lab/jeener_broekaert_eight_steps.seq --to topspin --output jb --calibration \"1H: 2.5 us at 100 W\"\n  ergoseq export sequences/lab/tomography_pair.seq --to topspin --output readouts --calibration \"1H: 10 us at 20 W\" --calibration \"13C: 12 us at 80 W\""
    )]
    Export(Export),
    /// Reads a Bruker pulse program as a `.seq` file whose system is to be filled in
    #[command(
        after_help = "Comments are kept. A line that is not understood is kept as a comment, with a warning at its place.\n\nExample:\n  ergoseq import jb.pp --params data/1 --output jb.seq"
    )]
    Import(Import),
    /// Prints the readouts that a tomography needs, what they see, and how long they take
    #[command(
        after_help = "Examples:\n  ergoseq plan sequences/dipolar_tomography.seq\n  ergoseq plan sequences/lab/tomography_pair.seq --amplitudes amplitudes.csv"
    )]
    Plan(Plan),
    /// Takes measured line amplitudes instead of emulated ones: the state, and energies with their errors
    #[command(
        after_help = "Example:\n  ergoseq tomography sequences/lab/tomography_pair.seq --data amplitudes.csv --reference 9961.5"
    )]
    Tomography(Tomography),
    /// Puts theory, emulation and measurement side by side: a table, a picture, chi^2
    #[command(
        after_help = "Theory is the sequence without its `ensemble` and without noise of the receiver; the emulation has both.\n\nExamples:\n  ergoseq compare recovery.seq --data recovery.csv\n  ergoseq compare pair.seq --data decays --reference 9961.5 --output pair.svg"
    )]
    Compare(Compare),
    /// What the decays of a spectrometer are, and their spectrum in one or two dimensions
    #[cfg(feature = "pictures")]
    #[command(
        after_help = "Rows of States, States-TPPI, TPPI and echo-antiecho become the map of a two-dimensional spectrum.\n\nExamples:\n  ergoseq spectrum 12\n  ergoseq spectrum 13 --output plane.png"
    )]
    Spectrum(Spectrum),
    /// Computes the figures of a published paper anew, and judges what it says of them
    #[command(
        after_help = "Writes every figure as CSV, SVG, PNG and PDF, and prints a table of the paper's claims: what is printed, what was found, and whether they agree.\n\nExamples:\n  ergoseq reproduce spin-charger\n  ergoseq reproduce dipolar --figure 5 --output figures"
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
    /// A result to draw, or one of the drawings below; all results when not given
    #[arg(long, value_name = "RESULT")]
    pub what: Vec<String>,
    /// The picture, or its numbers: .svg, .png, .pdf or .csv
    #[arg(long, short, value_name = "PATH")]
    pub output: PathBuf,
    /// Overwrites the output file if there is one
    #[arg(long)]
    pub force: bool,
    /// Threads that work on the points of a sweep; all cores when not given
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    #[command(flatten)]
    pub how: How,
}

/// `explain`
#[derive(Args)]
pub struct Explain {
    /// An error code, or a word of the language
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
    /// The sequence to begin with, as `ergoseq list` calls it
    #[arg(long, value_name = "NAME", default_value = "jeener_broekaert")]
    pub like: String,
    /// Overwrites the file if there is one
    #[arg(long)]
    pub force: bool,
}

/// `man`
#[derive(Args)]
pub struct Man {
    /// The folder
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Overwrites pages that are there
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
    /// Goes on with a file that was begun: only what it does not have is computed
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Overwrites the output file if there is one
    #[arg(long)]
    pub force: bool,
    /// Computes one of so many parts, each into a file of its own, for `ergoseq merge`
    #[arg(long, value_name = "K/N", value_parser = shard)]
    pub shard: Option<(u64, u64)>,
    /// Threads that work on the points; all cores when not given
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
    /// What was measured, as `compare` takes it: a section puts it beside theory and emulation
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// The strongest line of the thermal state after 90 degrees, in the units of measured decays
    #[arg(long, value_name = "AMPLITUDE", requires = "data")]
    pub reference: Option<f64>,
    /// The page to write; the file's name with .html when not given
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Overwrites the page if there is one
    #[arg(long)]
    pub force: bool,
}

/// `compare`
#[derive(Args)]
pub struct Compare {
    /// The file
    pub file: PathBuf,
    /// What was measured: a table as `fit` reads it; or a folder of decays as `tomography` reads it, named READOUT.NUCLEUS, or
    /// TRACE.NUCLEUS after what the sequence acquires
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// The strongest line of the thermal state after 90 degrees, in the units of the decays; they are absolute when not given
    #[arg(long, value_name = "AMPLITUDE")]
    pub reference: Option<f64>,
    #[command(flatten)]
    pub given: Given,
    #[command(flatten)]
    pub how: How,
    /// table, json or csv
    #[arg(long, default_value = "table", value_parser = ["table", "json", "csv"])]
    pub format: String,
    /// The picture to write: .svg, .png, .pdf, or .csv for its curves
    #[cfg(feature = "pictures")]
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Overwrites the picture if there is one
    #[cfg(feature = "pictures")]
    #[arg(long)]
    pub force: bool,
}

/// `bench`
#[derive(Args)]
pub struct Bench {
    /// Which job
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(
        WORKLOADS.iter().map(|w| clap::builder::PossibleValue::new(w.name).help(w.meaning))
    ))]
    pub workload: String,
    /// Its size; the usual one when not given
    #[arg(long)]
    pub size: Option<String>,
    /// How many threads; all cores when not given
    #[arg(long, short)]
    pub threads: Option<usize>,
    /// The folder for its results, one file NAME.f64 an array: 64-bit floats, little-endian, in C order
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What a job starts from, where it would else make it: the counts of w8, as 32-bit numbers
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
    /// Overwrites the output file if there is one
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
    /// Writes the amplitudes that the emulated experiment reads, as a table
    #[arg(long, value_name = "PATH")]
    pub amplitudes: Option<PathBuf>,
    /// Writes the free induction decays that it reads, as files READOUT.NUCLEUS.fid of a new folder
    #[arg(long, value_name = "DIR")]
    pub decays: Option<PathBuf>,
    /// Overwrites these files
    #[arg(long)]
    pub force: bool,
}

/// `tomography`
#[derive(Args)]
pub struct Tomography {
    /// A `.seq` file with a `tomography`, or an experiment in YAML
    pub file: PathBuf,
    /// A table of readout, nucleus, frequency in Hz, real and imaginary part; or a folder of decays: READOUT.NUCLEUS.fid of SIMPSON or
    /// NMRPipe, READOUT.NUCLEUS.jdx of JCAMP-DX, or folders READOUT.NUCLEUS of Bruker or Varian; NUCLEUS alone holds a row for every readout
    #[arg(long, value_name = "PATH", required_unless_present = "counts", conflicts_with = "counts")]
    pub data: Option<PathBuf>,
    /// A table of setting, outcome and count: single shots of spins 1/2, each measured along x, y or z, such as `XZ, 01, 237`. The file
    /// needs a `battery` and no `tomography`
    #[arg(long, value_name = "PATH")]
    pub counts: Option<PathBuf>,
    /// How a state is made of counts
    #[arg(long, conflicts_with = "data", default_value = "maximum_likelihood", value_parser = PossibleValuesParser::new(ESTIMATORS.iter().map(|e| e.0)))]
    pub estimator: String,
    /// How often counts are resampled for the errors
    #[arg(long, value_name = "N", conflicts_with = "data", default_value_t = 200, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub repetitions: u32,
    /// The strongest line of the thermal state after 90 degrees, in the units of the table; they are absolute when not given
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
    /// Which paper
    #[arg(value_parser = PossibleValuesParser::new(crate::papers::PAPERS.iter().map(|p| p.name)))]
    pub paper: String,
    /// Only this figure
    #[arg(long, value_name = "N")]
    pub figure: Option<u32>,
    /// The folder for the figures; that of the paper's name when not given
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Overwrites figures that are there
    #[arg(long)]
    pub force: bool,
    /// How many cores to use; all when not given
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
    /// Rounds to the steps of a `spectrometer` that the files declare, says each change and what it does to the results, and
    /// refuses what it cannot do
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
    /// How results are written
    #[arg(long, default_value = "table", value_parser = PossibleValuesParser::new(FORMATS.iter().map(|(w, _, _)| *w)))]
    pub format: String,
    /// Makes the lines of a spectrum wider by so many hertz
    #[arg(long, value_name = "HZ")]
    pub broaden: Option<f64>,
    /// Fills a decay up with zeros to so many times its length before it becomes a spectrum; 2 when not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub zero_fill: Option<u16>,
    /// Draws curves below the table, in letters
    #[cfg(feature = "pictures")]
    #[arg(long)]
    pub plot: bool,
    /// Writes to a file instead of standard output
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Overwrites the output file if there is one
    #[arg(long)]
    pub force: bool,
    /// Reports energies in joule, or divided by h in hertz
    #[arg(long, value_parser = PossibleValuesParser::new(["J", "Hz"]))]
    pub energy: Option<String>,
    /// Threads that work on the points of a sweep; all cores when not given
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
    /// Which stage
    #[arg(long, default_value = "hamiltonian", value_parser = PossibleValuesParser::new(["ast", "ir", "hamiltonian", "plan"]))]
    pub stage: String,
    #[command(flatten)]
    pub given: Given,
}

/// `fmt`
#[derive(Args)]
pub struct Fmt {
    /// Files to tidy
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Changes nothing; exit code 1 if a file is not tidy
    #[arg(long)]
    pub check: bool,
    /// Prints the tidy text instead of changing the file
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
