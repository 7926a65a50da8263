//! Options of a run: method, tolerance, limits, and data that replace the emulated readout.

use crate::tomography::Amplitude;
use crate::tomography::decay::Decay;

/// Method of propagation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// The most suitable method for each segment.
    #[default]
    Auto,
    /// An independent Runge-Kutta method of order 8.
    Dop853,
    /// Reference method: classical Runge-Kutta of order 4 with many small steps.
    Plain,
}

/// Command-line word and description of each [`Method`].
pub const METHODS: &[(&str, Method, &str)] = &[
    (
        "auto",
        Method::Auto,
        "exact for constant generators, otherwise power series or commutator-free exponentials; `dop853` with relaxation",
    ),
    ("dop853", Method::Dop853, "an independent Runge-Kutta method of order 8"),
    ("plain", Method::Plain, "a simple reference method: many small Runge-Kutta steps of order 4"),
];

/// What a run is computed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Processor {
    /// All cores of the processor.
    #[default]
    Cpu,
    /// A graphics processor, for the parts of a run that it has kernels for.
    Gpu,
    /// The kernels of the graphics processor on a software device.
    Software,
}

/// Command-line word and description of each [`Processor`].
pub const PROCESSORS: &[(&str, Processor, &str)] = &[
    ("cpu", Processor::Cpu, "all cores"),
    (
        "gpu",
        Processor::Gpu,
        "a graphics processor for FIDs of random vectors and of ensembles; needs a build with `--features gpu`",
    ),
    ("software", Processor::Software, "the same kernels on a software device, for tests; slow"),
];

/// Options of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Method of propagation.
    pub method: Method,
    /// Tolerance of adaptive methods, for the error of the state.
    pub tolerance: f64,
    /// Memory limit of a single point, bytes.
    pub max_memory: f64,
    /// Measured amplitudes that a tomography uses instead of emulated ones.
    pub measured: Option<Measured>,
    /// Name of the spectrometer whose time steps and limits apply; without it the sequence is run as written.
    pub spectrometer: Option<String>,
    /// What the run is computed on.
    pub processor: Processor,
    /// Random vectors instead of a density matrix.
    pub typical: Option<Typical>,
    /// Largest dimension of the whole space at which density matrices are kept at marks; 0 keeps none.
    pub states: usize,
}

/// The data measured for a tomography, with the spectrometer's sign of frequency ([`crate::decays::sign`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The table of amplitudes; empty if decays are given.
    pub table: Vec<Amplitude>,
    /// Free induction decays, to which amplitudes are fitted.
    pub decays: Vec<Decay>,
    /// Amplitude of the strongest line of the thermal state after a 90 degree pulse, in the units of the table; `None` if these
    /// are absolute.
    pub reference: Option<f64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            method: Method::Auto,
            tolerance: 1e-7,
            max_memory: 4e9,
            measured: None,
            spectrometer: None,
            processor: Processor::Cpu,
            typical: None,
            states: 0,
        }
    }
}

/// Settings of random vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typical {
    /// Number of vectors.
    pub vectors: usize,
    /// Seed of the random phases.
    pub seed: u64,
}
