//! Without kernels: there are no devices, so that none of these values exists.

use super::program::{Acquisition, Block};
use crate::emulator::engines::StepError;
use crate::emulator::engines::strang::{Curve, Observed};
use crate::linalg::C64;
use crate::spin::Split;

/// A device; there is none.
pub enum Device {}

/// Opens a device.
///
/// # Errors
/// Always.
pub fn open(_software: bool) -> Result<&'static Device, String> {
    Err("this build contains no kernels".into())
}

impl Device {
    /// True if the kernels have a pair of vectors of so many spins.
    pub fn takes_pair(&self, _spins: usize) -> bool {
        match *self {}
    }

    /// Largest dimension of the density matrices of members.
    pub fn largest(&self) -> usize {
        match *self {}
    }
}

/// A pair of vectors on a device.
pub struct PairOnDevice(&'static Device);

impl PairOnDevice {
    /// Copies a pair to the device.
    ///
    /// # Errors
    /// Never: there is no device.
    pub fn new(
        device: &'static Device,
        _split: &Split,
        _observed: &Observed,
        _pair: [&[C64]; 2],
    ) -> Result<PairOnDevice, StepError> {
        Ok(PairOnDevice(device))
    }

    /// Samples a curve.
    ///
    /// # Errors
    /// Never: there is no device.
    pub fn sampled(&self, _points: usize, _spacing: f64, _steps: usize) -> Result<Curve, StepError> {
        match *self.0 {}
    }
}

/// Signals of members.
pub struct Signals(&'static Device);

impl Signals {
    /// Compiles a sequence.
    ///
    /// # Errors
    /// Never: there is no device.
    pub fn new(
        device: &'static Device,
        _initial: (usize, &[C64]),
        _blocks: Vec<Block>,
        _acquisition: Acquisition,
        _rows: usize,
    ) -> Result<Signals, StepError> {
        Ok(Signals(device))
    }

    /// Number of members of a chunk.
    pub fn lanes(&self) -> usize {
        match *self.0 {}
    }

    /// Adds the signals of a chunk of members.
    ///
    /// # Errors
    /// Never: there is no device.
    pub fn add(&self, _columns: &[Vec<f64>], _factors: &[C64]) -> Result<(), StepError> {
        match *self.0 {}
    }

    /// The sum of all signals.
    ///
    /// # Errors
    /// Never: there is no device.
    pub fn total(&self) -> Result<Vec<C64>, StepError> {
        match *self.0 {}
    }
}
