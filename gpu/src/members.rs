//! Signals of many small spin systems that differ in numbers, such as the crystallites of a powder: one density matrix per thread.
//!
//! The sequence and the operators are written into the kernel; the coefficients of the Hamiltonians are columns, one number per member.

use super::device::{Device, Error, Kind};
use num_complex::Complex64;
use std::fmt::Write;

/// An element of an operator: row, column, value.
pub type Entry = (usize, usize, Complex64);

/// A term of a Hamiltonian: the row of its coefficients, rad/s, and its operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Row of the coefficients.
    pub row: usize,
    /// The operator.
    pub entries: Vec<Entry>,
}

/// A step of the sequence before the acquisition.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// `rho -> U rho U+`, the same for all members; row by row.
    Unitary(Vec<Complex64>),
    /// Evolution under a constant Hamiltonian for a time, s.
    Evolve(Vec<Term>, f64),
}

/// The acquisition that ends the sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Acquisition {
    /// The Hamiltonian.
    pub hamiltonian: Vec<Term>,
    /// The observed operator F+.
    pub raising: Vec<Entry>,
    /// Number of points.
    pub points: usize,
    /// Time between two points, s.
    pub dwell: f64,
}

/// A sequence for many members on a device.
pub struct Members<'a> {
    device: &'a Device,
    rows: usize,
    points: usize,
    groups: usize,
    lanes: usize,
    columns: wgpu::Buffer,
    /// Time between two points, number of members of the present chunk, dimension.
    numbers: wgpu::Buffer,
    sums: wgpu::Buffer,
    members: (wgpu::ComputePipeline, wgpu::BindGroup),
    signal: (wgpu::ComputePipeline, wgpu::BindGroup),
}

/// Points of a block, 8 for each of the 256 threads of a workgroup.
const BLOCK: usize = 2048;

impl<'a> Members<'a> {
    /// Largest dimension of a density matrix: three of them are the private memory of a thread. Llvmpipe leaves loops after 65,535 passes in
    /// all, without an error, which a larger matrix needs.
    pub fn largest(kind: Kind) -> usize {
        match kind {
            Kind::Gpu => 16,
            Kind::Software => 8,
        }
    }

    /// Compiles the kernels: density matrices of `dimension` states, all beginning in the state `initial` (row by row); `rows` is the
    /// number of coefficients of a member.
    ///
    /// # Errors
    /// If the device cannot hold the arrays, or fails.
    pub fn new(
        device: &'a Device,
        (dimension, initial): (usize, &[Complex64]),
        blocks: &[Block],
        acquisition: &Acquisition,
        rows: usize,
    ) -> Result<Members<'a>, Error> {
        /// Lines of a chunk of members, at most: 24 bytes each.
        const LINES: usize = 1 << 22;
        /// Sums of a point by different workgroups, in all; at most, and at least per point.
        const SUMS: usize = 1 << 22;
        /// Lines that a workgroup sums in a chunk, at most.
        const SHARE: usize = 1 << 15;
        let largest = Self::largest(device.kind());
        if dimension > largest {
            return Err(Error::Failed(format!("density matrices of {dimension} states exceed its {largest} states")));
        }
        let elements = dimension * dimension;
        let points = acquisition.points;
        let groups = (SUMS / points.max(1)).clamp(8, 512);
        let lanes = (LINES.min(SHARE * groups) / elements).min(1 << 16);
        let mut matrices = initial.to_vec();
        let mut terms = Vec::new();
        let text = program((dimension, lanes, rows), blocks, acquisition, (&mut matrices, &mut terms));
        let flat = |all: &[Complex64]| all.iter().flat_map(|x| [x.re, x.im]).collect::<Vec<f64>>();
        let (matrices, numbers) =
            (device.numbers(&flat(&matrices))?, device.numbers(&[acquisition.dwell, 0.0, dimension as f64])?);
        let terms = device.numbers(&terms)?;
        let lines = device.buffer(24 * (elements * lanes) as u64)?;
        let columns = device.buffer(8 * ((rows + 2) * lanes) as u64)?;
        let sums = device.buffer(16 * (groups * points) as u64)?;
        let mut encoder = device.encoder();
        encoder.clear_buffer(&sums, 0, None);
        device.submit(encoder)?;
        let layout = device.layout(1, 5);
        let bound = device.bind(&layout, &[&lines, &columns, &matrices, &terms, &numbers]);
        let members = (device.kernel(&layout, &text)?, bound);
        let layout = device.layout(1, 3);
        let numbered = format!(
            "const NN: u32 = {elements}u;\nconst GROUPS: u32 = {groups}u;\nconst POINTS: u32 = {points}u;\n{}\n{}",
            include_str!("trigonometry.wgsl"),
            include_str!("signal.wgsl")
        );
        let signal = (device.kernel(&layout, &numbered)?, device.bind(&layout, &[&sums, &lines, &numbers]));
        Ok(Members { device, rows, points, groups, lanes, columns, numbers, sums, members, signal })
    }

    /// Number of members of a chunk.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Adds the signals of a chunk of members, of at most [`Self::lanes`]. `columns` holds the coefficients row by row, one per member;
    /// `factors` are the weights of the members times the receiver's phase factor. The result does not depend on how members are divided
    /// into chunks by less than rounding; chunks of the same size give the same bits.
    ///
    /// # Errors
    /// If the device fails.
    pub fn add(&self, columns: &[Vec<f64>], factors: &[Complex64]) -> Result<(), Error> {
        let device = self.device;
        let lanes = self.lanes;
        let count = factors.len().min(lanes);
        let (re, im): (Vec<f64>, Vec<f64>) = factors.iter().take(count).map(|x| (x.re, x.im)).unzip();
        let all = columns.iter().take(self.rows).map(|column| column.as_slice()).chain([re.as_slice(), &im]);
        for (row, column) in all.enumerate() {
            device.write(&self.columns, (row * lanes) as u64, column)?;
        }
        device.write(&self.numbers, 1, &[count as f64])?;
        let mut encoder = device.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&self.members.0);
            pass.set_bind_group(0, &self.members.1, &[]);
            pass.dispatch_workgroups(count.div_ceil(64) as u32, 1, 1);
            pass.set_pipeline(&self.signal.0);
            pass.set_bind_group(0, &self.signal.1, &[]);
            pass.dispatch_workgroups(self.groups as u32, self.points.div_ceil(BLOCK) as u32, 1);
        }
        device.submit(encoder)
    }

    /// The sum of all signals.
    ///
    /// # Errors
    /// If the device fails.
    pub fn total(&self) -> Result<Vec<Complex64>, Error> {
        let sums = self.device.read(&self.sums, 2 * self.groups * self.points)?;
        let mut out = vec![Complex64::default(); self.points];
        for group in sums.chunks(2 * self.points) {
            for (x, pair) in out.iter_mut().zip(group.chunks(2)) {
                if let [re, im] = pair {
                    *x += Complex64::new(*re, *im);
                }
            }
        }
        Ok(out)
    }
}

/// The kernel's text. Shared matrices are appended to `matrices`, which holds the initial state, and the elements of the Hamiltonians to
/// `terms`: place in the matrix, row of the coefficients, real and imaginary part.
fn program(
    (dimension, lanes, rows): (usize, usize, usize),
    blocks: &[Block],
    acquisition: &Acquisition,
    (matrices, terms): (&mut Vec<Complex64>, &mut Vec<f64>),
) -> String {
    let elements = dimension * dimension;
    let mut text = format!("const NN: u32 = {elements}u;\nconst LANES: u32 = {lanes}u;\n");
    text.push_str(include_str!("trigonometry.wgsl"));
    text.push_str(include_str!("members.wgsl"));
    text.push_str("fn sequence(lane: u32) {\n");
    // Sets the Hamiltonian in the kernel.
    let mut hamiltonian = |sum: &[Term]| {
        let first = terms.len() / 4;
        for Term { row, entries } in sum {
            for (i, j, x) in entries {
                terms.extend([(i * dimension + j) as f64, *row as f64, x.re, x.im]);
            }
        }
        format!("hamiltonian(lane, {first}u, {}u);", terms.len() / 4)
    };
    for block in blocks {
        let _ = match block {
            Block::Unitary(u) => {
                matrices.extend(u);
                writeln!(text, "transform({}u);", matrices.len() - elements)
            }
            Block::Evolve(sum, duration) => writeln!(text, "{} evolve({duration:e}lf);", hamiltonian(sum)),
        };
    }
    let mut raising = vec![Complex64::default(); elements];
    for (row, column, x) in &acquisition.raising {
        if let Some(element) = raising.get_mut(row * dimension + column) {
            *element += x;
        }
    }
    matrices.extend(raising);
    let _ = writeln!(
        text,
        "{}\nlet factor = vec2<f64>(rows[{}u + lane], rows[{}u + lane]);\nreceive(lane, {}u, factor);\n}}",
        hamiltonian(&acquisition.hamiltonian),
        rows * lanes,
        (rows + 1) * lanes,
        matrices.len() - elements
    );
    text
}
