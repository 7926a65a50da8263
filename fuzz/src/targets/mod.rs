//! What is given damaged inputs: one function for each reader. A function returns where an input is refused as it should be, and panics
//! where a law is broken.

mod consoles;
mod files;
mod language;
mod numbers;
pub mod server;

/// A reader under test.
pub struct Target {
    /// Its name, as an argument and as the folder of its corpus.
    pub name: &'static str,
    /// Reads an input and holds the laws against what was read.
    pub read: fn(&[u8]),
    /// Words that a mutation puts in.
    pub words: fn() -> Vec<&'static str>,
    /// Where good inputs lie, beside the corpus: a folder of the repository, and the ending of the names.
    #[allow(dead_code, reason = "libFuzzer is given folders")]
    pub seeds: &'static [(&'static str, &'static str)],
}

/// All readers.
pub const TARGETS: &[Target] = &[
    Target { name: "parse", read: language::parse, words: language::words, seeds: language::SEEDS },
    Target { name: "format", read: language::format, words: language::words, seeds: language::SEEDS },
    Target { name: "check", read: language::check, words: language::words, seeds: language::SEEDS },
    Target { name: "run", read: language::run, words: language::words, seeds: language::SMALL_SEEDS },
    Target { name: "yaml", read: language::yaml, words: language::words, seeds: &[] },
    Target { name: "shape", read: files::shape, words: files::shape_words, seeds: &[("tests/cases/shapes", "shape")] },
    Target { name: "density", read: files::density, words: files::table_words, seeds: &[] },
    Target { name: "spectrometer", read: files::spectrometer, words: language::words, seeds: &[] },
    Target { name: "table", read: files::table, words: files::table_words, seeds: &[("tests/cases/tables", "csv")] },
    Target { name: "decay", read: files::decay, words: files::decay_words, seeds: &[] },
    Target { name: "netcdf", read: files::netcdf, words: files::netcdf_words, seeds: &[("tests/cases/netcdf", "nc")] },
    Target {
        name: "pulse_program",
        read: consoles::pulse_program,
        words: consoles::pulse_program_words,
        seeds: &[("tests/cases/pulse_programs", "pp")],
    },
    Target {
        name: "simpson",
        read: consoles::simpson,
        words: consoles::simpson_words,
        seeds: &[("tests/cases/simpson", "in")],
    },
    Target { name: "server", read: server::talk, words: server::words, seeds: &[] },
];

/// The target of a name.
pub fn named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|t| t.name == name)
}

/// Numbers at the edges of what programs can count.
pub const EDGES: &[&str] = &numbers::EDGES;
