//! The kernels of `ergoseq-gpu`.

use super::program::{Acquisition, Block, Term};
use crate::emulator::engines::StepError;
use crate::emulator::engines::strang::{Curve, Observed};
use crate::linalg::C64;
use crate::spin::Split;
use ergoseq_gpu as gpu;
use std::sync::OnceLock;

/// A device.
pub struct Device(gpu::Device);

/// Opens a device, or returns the one that is open.
///
/// # Errors
/// If there is none.
pub fn open(software: bool) -> Result<&'static Device, String> {
    static GRAPHICS: OnceLock<Result<Device, String>> = OnceLock::new();
    static SOFTWARE: OnceLock<Result<Device, String>> = OnceLock::new();
    let (opened, kind) = if software { (&SOFTWARE, gpu::Kind::Software) } else { (&GRAPHICS, gpu::Kind::Gpu) };
    let device = opened.get_or_init(|| gpu::Device::open(kind).map(Device).map_err(|e| e.to_string()));
    device.as_ref().map_err(Clone::clone)
}

impl From<gpu::Error> for StepError {
    fn from(e: gpu::Error) -> StepError {
        StepError::Device(e.to_string())
    }
}

impl Device {
    /// True if the kernels have a pair of vectors of so many spins.
    pub fn takes_pair(&self, spins: usize) -> bool {
        (gpu::Decay::FEWEST..=gpu::Decay::most(self.0.kind())).contains(&spins)
    }

    /// Largest dimension of the density matrices of members.
    pub fn largest(&self) -> usize {
        gpu::Members::largest(self.0.kind())
    }
}

/// A pair of vectors on a device.
pub struct PairOnDevice(gpu::Decay<'static>);

impl PairOnDevice {
    /// Copies a pair to the device.
    ///
    /// # Errors
    /// If the device cannot hold it.
    pub fn new(
        device: &'static Device,
        split: &Split,
        observed: &Observed,
        pair: [&[C64]; 2],
    ) -> Result<PairOnDevice, StepError> {
        let axes = split
            .axes
            .each_ref()
            .map(|axis| gpu::Axis { fields: axis.fields.clone(), couplings: axis.couplings.clone() });
        let weight = |spin: usize| observed.iter().filter(|(site, _)| *site == spin).map(|(_, g)| g).sum();
        let weights: Vec<f64> = (0..split.spins).map(weight).collect();
        Ok(PairOnDevice(gpu::Decay::new(&device.0, &axes, &weights, pair)?))
    }

    /// Samples a curve: `points` points, a `spacing` apart, with `steps` steps between two of them.
    ///
    /// # Errors
    /// If the device fails.
    pub fn sampled(&self, points: usize, spacing: f64, steps: usize) -> Result<Curve, StepError> {
        Ok(self.0.sampled(points, spacing, steps)?)
    }
}

/// Signals of members.
pub struct Signals(gpu::Members<'static>);

impl Signals {
    /// Compiles a sequence: dimension and elements of the initial state, the steps and the acquisition, and the number of coefficients of a
    /// member.
    ///
    /// # Errors
    /// If the device cannot hold the arrays.
    pub fn new(
        device: &'static Device,
        initial: (usize, &[C64]),
        blocks: Vec<Block>,
        acquisition: Acquisition,
        rows: usize,
    ) -> Result<Signals, StepError> {
        let terms = |all: Vec<Term>| all.into_iter().map(|(row, entries)| gpu::Term { row, entries }).collect();
        let block = |block| match block {
            Block::Unitary(u) => gpu::Block::Unitary(u),
            Block::Evolve(all, duration) => gpu::Block::Evolve(terms(all), duration),
        };
        let blocks: Vec<gpu::Block> = blocks.into_iter().map(block).collect();
        let Acquisition { hamiltonian, raising, points, dwell } = acquisition;
        let acquisition = gpu::Acquisition { hamiltonian: terms(hamiltonian), raising, points, dwell };
        Ok(Signals(gpu::Members::new(&device.0, initial, &blocks, &acquisition, rows)?))
    }

    /// Number of members of a chunk.
    pub fn lanes(&self) -> usize {
        self.0.lanes()
    }

    /// Adds the signals of a chunk of members: coefficients row by row, and weights times the receiver's phase factor.
    ///
    /// # Errors
    /// If the device fails.
    pub fn add(&self, columns: &[Vec<f64>], factors: &[C64]) -> Result<(), StepError> {
        Ok(self.0.add(columns, factors)?)
    }

    /// The sum of all signals.
    ///
    /// # Errors
    /// If the device fails.
    pub fn total(&self) -> Result<Vec<C64>, StepError> {
        Ok(self.0.total()?)
    }
}
