//! How to run: the method, its tolerance, the limits, and what replaces the emulated readout.

use crate::tomography::Amplitude;
use crate::tomography::decay::Decay;

/// Which method propagates states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// The one that fits each segment.
    #[default]
    Auto,
    /// The independent Runge-Kutta method of order 8.
    Dop853,
    /// The slow, obvious method.
    Plain,
}

/// The words of [`Method`].
pub const METHODS: &[(&str, Method, &str)] = &[
    ("auto", Method::Auto, "exact for constant generators, else commutator-free; `dop853` with relaxation"),
    ("dop853", Method::Dop853, "an independent Runge-Kutta method of order 8"),
    ("plain", Method::Plain, "many small steps of order 4: slow and obvious"),
];

/// How to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Which method propagates states.
    pub method: Method,
    /// The tolerance of adaptive methods, on the state.
    pub tolerance: f64,
    /// Bytes that a single point may need.
    pub max_memory: f64,
    /// Measured amplitudes, which a tomography takes instead of emulated ones.
    pub measured: Option<Measured>,
    /// The name of the spectrometer whose steps and limits hold; as written when there is none.
    pub spectrometer: Option<String>,
    /// Random vectors in the place of a density matrix.
    pub typical: Option<Typical>,
    /// Up to which dimension of the whole space density matrices are kept at the marks; 0 keeps none.
    pub states: usize,
}

/// What a tomography has measured, in the spectrometer's sense of frequency ([`crate::decays::sign`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The table; empty where decays are given.
    pub table: Vec<Amplitude>,
    /// Free induction decays, to which amplitudes are fitted.
    pub decays: Vec<Decay>,
    /// The strongest line of the thermal state after 90 degrees, in the units of the table; `None` where these are absolute.
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
            typical: None,
            states: 0,
        }
    }
}

/// How many random vectors, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typical {
    /// How many.
    pub vectors: usize,
    /// Which.
    pub seed: u64,
}
