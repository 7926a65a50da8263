//! Free induction decays of large spin systems under `H = H_x + H_y + H_z`, each part a sum of fields and couplings along its axis:
//! Strang splitting of pairs of state vectors.
//!
//! ```text
//! S(h) = exp(-i H_z h/2) exp(-i H_x h/2) exp(-i H_y h) exp(-i H_x h/2) exp(-i H_z h/2)
//! ```
//!
//! Each factor is a table of phases in its own product basis; butterflies on single spins change between the bases.

use super::device::{Device, Error, Kind};
use super::sweep::{Sweep, TILE, Turn, groups};
use num_complex::Complex64;

/// The part of a Hamiltonian along one axis, rad/s: `sum_i f_i s_i + sum_(i<j) g_ij s_i s_j` with Pauli matrices s.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// `f_i`, one per spin.
    pub fields: Vec<f64>,
    /// `g_ij` for `i < j`, row by row.
    pub couplings: Vec<f64>,
}

/// Workgroups of the kernel that evaluates means, each with its own sum.
const SUMS: usize = 1024;

/// Kernels and tables for one Hamiltonian, one observed operator and one pair of vectors on a device.
pub struct Decay<'a> {
    device: &'a Device,
    spins: usize,
    /// Real and imaginary parts of the initial vectors, and of the propagated ones.
    initial: [wgpu::Buffer; 2],
    moved: [wgpu::Buffer; 2],
    /// Fields, then couplings, of x, y and z.
    axes: [wgpu::Buffer; 3],
    weights: wgpu::Buffer,
    sweep_layout: wgpu::BindGroupLayout,
    /// Kernels that differ in their sweep.
    sweeps: Vec<(Sweep, wgpu::ComputePipeline)>,
    table_layout: wgpu::BindGroupLayout,
    table_kernel: wgpu::ComputePipeline,
    mean_layout: wgpu::BindGroupLayout,
    mean_kernel: wgpu::ComputePipeline,
    total_layout: wgpu::BindGroupLayout,
    total_kernel: wgpu::ComputePipeline,
}

/// The table of phases that a sweep multiplies by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    HalfX = 0,
    WholeY = 1,
    HalfZ = 2,
    WholeZ = 3,
}

/// A sweep and the table that it is bound to.
type Pass = (Sweep, Option<Table>);

impl<'a> Decay<'a> {
    /// Fewest spins: a tile of the kernels.
    pub const FEWEST: usize = TILE + 1;

    /// Most spins: the largest array that Vulkan can bind holds the real parts of two vectors. Llvmpipe leaves loops after 65,535 passes in
    /// all, without an error, which the tables of more spins need.
    pub fn most(kind: Kind) -> usize {
        match kind {
            Kind::Gpu => 26,
            Kind::Software => 24,
        }
    }

    /// Bytes of device memory for a number of spins.
    pub fn bytes(spins: usize) -> f64 {
        // Two vectors of 16 bytes an amplitude, twice, and four tables.
        128.0 * 2f64.powi(spins as i32)
    }

    /// Copies a pair `psi`, `phi` to the device. `axes` are the parts of the Hamiltonian along x, y and z; the observed operator is
    /// `sum_i w_i I+_i`. The first spin is the highest bit of a state's index, and 0 is spin up.
    ///
    /// # Errors
    /// If the device cannot hold the vectors, or fails.
    pub fn new(
        device: &'a Device,
        axes: &[Axis; 3],
        weights: &[f64],
        pair: [&[Complex64]; 2],
    ) -> Result<Decay<'a>, Error> {
        let spins = weights.len();
        let most = Self::most(device.kind());
        if spins < Self::FEWEST || spins > most {
            return Err(Error::Failed(format!("{spins} spins are not within {} .. {most}", Self::FEWEST)));
        }
        let states = 1u64 << spins;
        let vectors =
            || -> Result<[wgpu::Buffer; 2], Error> { Ok([device.buffer(16 * states)?, device.buffer(16 * states)?]) };
        let initial = vectors()?;
        for (k, vector) in pair.iter().enumerate() {
            let first = k as u64 * states;
            let (re, im): (Vec<f64>, Vec<f64>) = vector.iter().map(|x| (x.re, x.im)).unzip();
            device.write(&initial[0], first, &re)?;
            device.write(&initial[1], first, &im)?;
        }
        let numbers = |axis: &Axis| device.numbers(&[axis.fields.as_slice(), axis.couplings.as_slice()].concat());
        let [x, y, z] = axes;
        let sweep_layout = device.layout(2, 3);
        let table_layout = device.layout(1, 3);
        let mean_layout = device.layout(1, 4);
        let total_layout = device.layout(2, 3);
        let mut sweeps: Vec<(Sweep, wgpu::ComputePipeline)> = Vec::new();
        for (sweep, _) in step(spins, false).into_iter().chain(step(spins, true)).chain([begin(spins)]) {
            if !sweeps.iter().any(|(known, _)| *known == sweep) {
                sweeps.push((sweep, device.kernel(&sweep_layout, &sweep.wgsl(spins))?));
            }
        }
        Ok(Decay {
            spins,
            initial,
            moved: vectors()?,
            axes: [numbers(x)?, numbers(y)?, numbers(z)?],
            weights: device.numbers(weights)?,
            table_kernel: device.kernel(&table_layout, &with_spins(include_str!("table.wgsl"), spins))?,
            mean_kernel: device.kernel(&mean_layout, &with_spins(include_str!("mean.wgsl"), spins))?,
            total_kernel: device.kernel(&total_layout, &with_spins(include_str!("total.wgsl"), spins))?,
            sweep_layout,
            sweeps,
            table_layout,
            mean_layout,
            total_layout,
            device,
        })
    }

    /// `<psi|F+|phi>` and `<psi|F-|phi>` at `points` times, a `spacing` (s) apart, with `steps` Strang steps between two of them.
    ///
    /// # Errors
    /// If the device cannot hold the tables, or fails.
    pub fn sampled(&self, points: usize, spacing: f64, steps: usize) -> Result<Vec<[Complex64; 2]>, Error> {
        let device = self.device;
        let h = spacing / steps as f64;
        // Four unnormalised transforms multiply the norm by 2^(2n).
        let root = 0.5f64.powf(0.5 * self.spins as f64);
        let [x, y, z] = &self.axes;
        let tables = [
            self.table(x, 0.5 * h, root)?,
            self.table(y, h, root * root)?,
            self.table(z, 0.5 * h, 1.0)?,
            self.table(z, h, 1.0)?,
        ];
        let [re, im] = &self.moved;
        let bound = tables.each_ref().map(|table| device.bind(&self.sweep_layout, &[re, im, table]));
        let partial = device.buffer(32 * SUMS as u64)?;
        let results = device.buffer(32 * points as u64)?;
        let counter = device.numbers(&[0.0])?;
        let mean = device.bind(&self.mean_layout, &[&partial, re, im, &self.weights]);
        let total = device.bind(&self.total_layout, &[&results, &counter, &partial]);
        let passes = interval(self.spins, steps);
        let mut encoder = device.encoder();
        for (from, to) in self.initial.iter().zip(&self.moved) {
            encoder.copy_buffer_to_buffer(from, 0, to, 0, from.size());
        }
        device.submit(encoder)?;
        for point in 0..points {
            let mut encoder = device.encoder();
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                pass.set_pipeline(&self.mean_kernel);
                pass.set_bind_group(0, &mean, &[]);
                pass.dispatch_workgroups(SUMS as u32, 1, 1);
                pass.set_pipeline(&self.total_kernel);
                pass.set_bind_group(0, &total, &[]);
                pass.dispatch_workgroups(1, 1, 1);
                let last = point + 1 == points;
                for (sweep, table) in passes.iter().filter(|_| !last) {
                    let Some((_, kernel)) = self.sweeps.iter().find(|(known, _)| known == sweep) else { continue };
                    let [half_x, whole_y, half_z, whole_z] = &bound;
                    pass.set_pipeline(kernel);
                    let group = match table {
                        Some(Table::HalfX) | None => half_x,
                        Some(Table::WholeY) => whole_y,
                        Some(Table::HalfZ) => half_z,
                        Some(Table::WholeZ) => whole_z,
                    };
                    pass.set_bind_group(0, group, &[]);
                    pass.dispatch_workgroups(1 << (self.spins - TILE), 2, 1);
                }
            }
            device.submit(encoder)?;
            // Few submissions are ahead of the device, so that an error ends the run soon.
            if point % 16 == 15 {
                device.wait()?;
            }
        }
        let means = device.read(&results, 4 * points)?;
        let pair = |x: &[f64]| match x {
            [a, b, c, d] => [Complex64::new(*a, *b), Complex64::new(*c, *d)],
            _ => [Complex64::new(f64::NAN, f64::NAN); 2],
        };
        Ok(means.chunks_exact(4).map(pair).collect())
    }

    /// A table of phases `factor exp(-i E t)`.
    fn table(&self, axis: &wgpu::Buffer, t: f64, factor: f64) -> Result<wgpu::Buffer, Error> {
        let device = self.device;
        let table = device.buffer(16 << self.spins)?;
        let numbers = device.numbers(&[t, factor])?;
        let bound = device.bind(&self.table_layout, &[&table, axis, &numbers]);
        let mut encoder = device.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&self.table_kernel);
            pass.set_bind_group(0, &bound, &[]);
            pass.dispatch_workgroups(SUMS as u32, 1, 1);
        }
        device.submit(encoder)?;
        Ok(table)
    }
}

/// A kernel's text for this number of spins.
fn with_spins(text: &str, spins: usize) -> String {
    let states = 1u64 << spins;
    let trigonometry = include_str!("trigonometry.wgsl");
    format!(
        "const SPINS: u32 = {spins}u;\nconst STATES: u32 = {states}u;\nconst GROUPS: u32 = {SUMS}u;\n{trigonometry}\n{text}"
    )
}

/// The sweep at the start of an interval: half of z, then the first transform.
fn begin(spins: usize) -> Pass {
    let last = *groups(spins).last().unwrap_or(&groups(TILE)[0]);
    (Sweep { group: last, before: None, multiply: true, after: Some(Turn::ZX) }, Some(Table::HalfZ))
}

/// The sweeps of a step after its first one; the last multiplies by half of z if an interval ends, otherwise by z, and starts the next
/// step. Transforms run through the groups of spins in alternating order, so that one group is in the last sweep of a transform and in the
/// first of the next.
fn step(spins: usize, ends: bool) -> Vec<Pass> {
    let groups = groups(spins);
    let (first, last) = (groups[0], groups[groups.len() - 1]);
    let between = &groups[1..groups.len() - 1];
    let plain = |turn: Turn| {
        move |group: &super::sweep::Group| {
            (Sweep { group: *group, before: Some(turn), multiply: false, after: None }, None)
        }
    };
    let fused =
        |group, before, table, after| (Sweep { group, before: Some(before), multiply: true, after }, Some(table));
    let mut out: Vec<Pass> = between.iter().rev().map(plain(Turn::ZX)).collect();
    out.push(fused(first, Turn::ZX, Table::HalfX, Some(Turn::XY)));
    out.extend(between.iter().map(plain(Turn::XY)));
    out.push(fused(last, Turn::XY, Table::WholeY, Some(Turn::YX)));
    out.extend(between.iter().rev().map(plain(Turn::YX)));
    out.push(fused(first, Turn::YX, Table::HalfX, Some(Turn::ZX)));
    out.extend(between.iter().map(plain(Turn::ZX)));
    out.push(match ends {
        true => fused(last, Turn::ZX, Table::HalfZ, None),
        false => fused(last, Turn::ZX, Table::WholeZ, Some(Turn::ZX)),
    });
    out
}

/// All sweeps of an interval of `steps` steps.
fn interval(spins: usize, steps: usize) -> Vec<Pass> {
    let steps = (1..=steps).flat_map(|k| step(spins, k == steps));
    std::iter::once(begin(spins)).chain(steps).collect()
}
