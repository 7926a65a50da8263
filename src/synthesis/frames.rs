//! Toggling frames: which rotations of the spins, for how long, average the internal Hamiltonian to the wanted one.
//!
//! The average Hamiltonian is `sum_k t_k R_k^dagger H R_k = T H_wanted` (J. S. Waugh, L. M. Huber and U. Haeberlen, Phys. Rev. Lett. 20,
//! 180 (1968)); the shortest times are a linear program (arXiv 2410.19903). H commutes with Fz of every channel, so a frame is the
//! direction along which it takes z of every channel. Rotations of whole channels cost no time: they are free variables.

use super::bilinear::{Bilinear, Tensor, pairs};
use super::block::Transmitter;
use super::program::{Program, Rows, along, outside, span};
use super::turn::Turn;
use crate::linalg::{Matrix, Real3, hermitian_eigen, real, svd3};

/// A direction, normalised.
pub type Direction = [f64; 3];

/// More frames than this are not tried in one program.
const MOST_FRAMES: usize = 6000;

/// A frame: the direction of z of every channel.
pub type Frame = Vec<Direction>;

/// What is averaged, and what is wanted.
pub struct Task<'a> {
    /// The internal Hamiltonian, rad/s.
    pub internal: &'a Bilinear,
    /// The wanted Hamiltonian times its time, rad.
    pub wanted: &'a Bilinear,
    /// The channel of every spin.
    pub channel: &'a [Option<usize>],
    /// The channels.
    pub channels: &'a [Transmitter],
}

/// Frames with their times, and rotations of whole channels.
#[derive(Debug, Clone, PartialEq)]
pub struct Average {
    /// Frames and times, s.
    pub frames: Vec<(Frame, f64)>,
    /// Rotation vector of every channel, rad.
    pub fields: Vec<[f64; 3]>,
    /// True if frames beside the axes x, y, z are among the candidates.
    pub tilted: bool,
}

impl Average {
    /// The sum of the times, s.
    pub fn total(&self) -> f64 {
        self.frames.iter().map(|(_, t)| t).sum()
    }
}

/// Why no average of frames is the wanted Hamiltonian.
#[derive(Debug, Clone, PartialEq)]
pub enum NoAverage {
    /// The wanted Hamiltonian has a component that no frame has.
    Outside(Bilinear, Tried),
    /// The components of all frames along this operator are not positive, that of the wanted Hamiltonian is.
    Separated(Bilinear, Tried),
}

/// The frames for which something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// Number of frames in the linear program.
    pub frames: usize,
    /// True if it holds for frames along all other directions, too.
    pub all: bool,
}

/// The rotation that takes z to a direction: `U^dagger Iz U = n . I`.
pub fn turn_to(n: Direction) -> Turn {
    let [x, y, z] = n;
    let across = x.hypot(y);
    if across < 1e-14 {
        return if z < 0.0 { Turn::about([1.0, 0.0, 0.0], std::f64::consts::PI) } else { Turn::NONE };
    }
    Turn::about([y, -x, 0.0], across.atan2(z))
}

impl Task<'_> {
    /// The rotation of every spin from those of the channels.
    pub fn turns(&self, of: &[Turn]) -> Vec<Turn> {
        self.channel.iter().map(|c| c.map_or(Turn::NONE, |c| of[c])).collect()
    }

    /// The internal Hamiltonian in a frame.
    pub fn toggled(&self, frame: &[Direction]) -> Bilinear {
        let turns: Vec<Turn> = frame.iter().map(|n| turn_to(*n)).collect();
        self.internal.toggled(&self.turns(&turns))
    }

    /// The Hamiltonian of a rotation of a channel: `axis . I`, summed over its spins.
    pub fn field(&self, channel: usize, axis: [f64; 3]) -> Bilinear {
        let mut out = Bilinear::zero(self.channel.len());
        for (v, c) in out.single.iter_mut().zip(self.channel) {
            if *c == Some(channel) {
                *v = axis.map(|x| 0.5 * x);
            }
        }
        out
    }

    /// The three fields of every channel.
    pub fn fields(&self) -> Vec<Bilinear> {
        let axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        (0..self.channels.len()).flat_map(|c| axes.map(|a| self.field(c, a))).collect()
    }

    /// The shortest average, over frames along the axes if they suffice, otherwise also along the diagonals between the axes and the
    /// principal axes of the wanted Hamiltonian.
    pub fn average(&self) -> Result<Average, NoAverage> {
        self.refocused(&vec![false; self.channels.len()])
    }

    /// The same, with frames over which offsets of some channels average to zero.
    pub fn refocused(&self, channels: &[bool]) -> Result<Average, NoAverage> {
        let axes = vec![axes(); self.channels.len()];
        match self.over(&product(&axes), (false, false), channels) {
            Ok(found) => Ok(found),
            Err(_) => {
                let principal = self.principal();
                let with = |diagonals: bool| -> Vec<Vec<Direction>> {
                    principal.iter().map(|p| directions(p, diagonals)).collect()
                };
                let size = |lists: &[Vec<Direction>]| lists.iter().map(Vec::len).product::<usize>();
                let diagonals = size(&with(true)) <= MOST_FRAMES;
                let lists = with(diagonals);
                if size(&lists) > MOST_FRAMES {
                    return self.over(&product(&axes), (false, false), channels);
                }
                self.over(&product(&lists), (true, diagonals), channels)
            }
        }
    }

    /// The shortest average over some frames. A frame depends on its directions by polynomials of second degree, of which those along the
    /// axes and all diagonals contain every one: if `diagonals` are among them, the span of the frames is that of all frames.
    fn over(
        &self,
        frames: &[Frame],
        (tilted, diagonals): (bool, bool),
        refocused: &[bool],
    ) -> Result<Average, NoAverage> {
        let size = self.internal.norm();
        let unit = if size > 0.0 { 1.0 / size } else { 0.0 };
        let toggled: Vec<Vec<f64>> =
            frames.iter().map(|f| self.toggled(f).coordinates().iter().map(|x| x * unit).collect()).collect();
        let fields: Vec<Vec<f64>> = self.fields().iter().map(Bilinear::coordinates).collect();
        let scale = self.wanted.norm();
        let wanted: Vec<f64> = self.wanted.coordinates().iter().map(|x| x / scale).collect();
        let basis = span(fields.iter().chain(&toggled));
        let n = self.channel.len();
        let rest = outside(&basis, &wanted);
        if rest.iter().map(|x| x * x).sum::<f64>().sqrt() > 1e-9 {
            let tried = Tried { frames: frames.len(), all: diagonals };
            return Err(NoAverage::Outside(Bilinear::from_coordinates(n, &rest), tried));
        }
        let right = along(&basis, &wanted);
        let columns: Vec<Vec<f64>> = toggled.iter().chain(&fields).map(|c| along(&basis, c)).collect();
        let program = Program {
            cost: columns.iter().enumerate().map(|(k, _)| if k < frames.len() { 1.0 } else { 0.0 }).collect(),
            bounds: (0..columns.len())
                .map(|k| (if k < frames.len() { 0.0 } else { f64::NEG_INFINITY }, f64::INFINITY))
                .collect(),
            rows: (0..basis.len())
                .map(|r| (columns.iter().map(|c| c[r]).collect(), Rows::Equal, right[r]))
                .chain(offset_rows(frames, columns.len(), refocused))
                .collect(),
        };
        let Some(x) = program.solve_exactly() else {
            let y = separation(&columns, frames.len(), &right);
            let operator = y.iter().zip(&basis).fold(vec![0.0; wanted.len()], |mut sum, (c, b)| {
                sum.iter_mut().zip(b).for_each(|(s, b)| *s += c * b);
                sum
            });
            let tried = Tried { frames: frames.len(), all: self.is_never_positive(&operator) };
            return Err(NoAverage::Separated(Bilinear::from_coordinates(n, &operator), tried));
        };
        let times = frames.iter().zip(&x).filter(|(_, t)| **t > 1e-10);
        let frames_used = times.map(|(f, t)| (f.clone(), t * scale * unit)).collect();
        let field = |c: usize| std::array::from_fn(|a| x[frames.len() + 3 * c + a] * scale);
        Ok(Average { frames: frames_used, fields: (0..self.channels.len()).map(field).collect(), tilted })
    }

    /// True if the component along an operator is proved not to be positive in frames along any direction n: for a single channel it is
    /// `n . Q n + b . n`, at most the largest eigenvalue of Q plus |b|.
    fn is_never_positive(&self, operator: &[f64]) -> bool {
        if self.channels.len() != 1 {
            return false;
        }
        let at =
            |n: Direction| -> f64 { self.toggled(&[n]).coordinates().iter().zip(operator).map(|(p, q)| p * q).sum() };
        let parts = |n: Direction| {
            let (there, opposite) = (at(n), at(n.map(|x| -x)));
            (0.5 * (there + opposite), 0.5 * (there - opposite))
        };
        let unit = |i: usize| -> Direction { std::array::from_fn(|k| if k == i { 1.0 } else { 0.0 }) };
        let own: [(f64, f64); 3] = std::array::from_fn(|i| parts(unit(i)));
        let q = Matrix::from_fn(3, 3, |i, j| {
            let diagonal: Direction =
                std::array::from_fn(|k| if k == i || k == j { std::f64::consts::FRAC_1_SQRT_2 } else { 0.0 });
            real(if i == j { own[i].0 } else { parts(diagonal).0 - 0.5 * (own[i].0 + own[j].0) })
        });
        let linear = own.iter().map(|(_, b)| b * b).sum::<f64>().sqrt();
        let size = self.internal.norm() * operator.iter().map(|x| x * x).sum::<f64>().sqrt();
        // The operator comes from a program that is solved to about 1e-8.
        hermitian_eigen(&q).is_ok_and(|e| e.values[2] + linear <= 1e-7 * size)
    }

    /// The principal axes of the wanted Hamiltonian for every channel: those of its couplings within the channel, those of its couplings
    /// to other channels, and the directions of its single-spin terms.
    fn principal(&self) -> Vec<Vec<Direction>> {
        let n = self.channel.len();
        let mut out: Vec<Vec<Direction>> = vec![vec![]; self.channels.len()];
        let add = |c: usize, v: Direction, out: &mut Vec<Vec<Direction>>| {
            let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            if length > 1e-9 {
                out[c].push(v.map(|x| x / length));
            }
        };
        for (v, c) in self.wanted.single.iter().zip(self.channel) {
            if let Some(c) = c {
                add(*c, *v, &mut out);
            }
        }
        for ((i, j), a) in pairs(n).zip(&self.wanted.pair) {
            let (Some(ci), Some(cj)) = (self.channel[i], self.channel[j]) else { continue };
            if a.iter().flatten().all(|x| *x == 0.0) {
                continue;
            }
            if ci == cj {
                symmetric_axes(a).into_iter().for_each(|v| add(ci, v, &mut out));
            } else if let Some((u, _, vt)) = svd3(&Real3::from_fn(|r, c| a[r][c])) {
                for k in 0..3 {
                    add(ci, [u[(0, k)], u[(1, k)], u[(2, k)]], &mut out);
                    add(cj, [vt[(k, 0)], vt[(k, 1)], vt[(k, 2)]], &mut out);
                }
            }
        }
        out
    }
}

/// The equations of offsets that average to zero: the times of the frames times the directions of z of a channel add up to nothing.
fn offset_rows(frames: &[Frame], variables: usize, refocused: &[bool]) -> impl Iterator<Item = (Vec<f64>, Rows, f64)> {
    let channels =
        refocused.iter().enumerate().filter(|(_, on)| **on).flat_map(|(c, _)| [0, 1, 2].map(|axis| (c, axis)));
    channels.map(move |(c, axis)| {
        let mut row: Vec<f64> = frames.iter().map(|f| f[c][axis]).collect();
        row.resize(variables, 0.0);
        (row, Rows::Equal, 0.0)
    })
}

/// An operator Y, as coefficients, with `Y . c <= 0` for every frame, `Y . f = 0` for every field and `Y . wanted` as large as
/// possible: by Farkas' lemma it is positive if no average of the frames is the wanted Hamiltonian.
fn separation(columns: &[Vec<f64>], frames: usize, wanted: &[f64]) -> Vec<f64> {
    let comparison = |k: usize| if k < frames { Rows::AtMost } else { Rows::Equal };
    let program = Program {
        cost: wanted.iter().map(|x| -x).collect(),
        bounds: vec![(-1.0, 1.0); wanted.len()],
        rows: columns.iter().enumerate().map(|(k, c)| (c.clone(), comparison(k), 0.0)).collect(),
    };
    program.solve().unwrap_or_else(|| vec![0.0; wanted.len()])
}

/// The principal axes of the symmetric part of a tensor.
fn symmetric_axes(a: &Tensor) -> Vec<Direction> {
    let m = Matrix::from_fn(3, 3, |i, j| real(0.5 * (a[i][j] + a[j][i])));
    let Ok(eigen) = hermitian_eigen(&m) else { return vec![] };
    (0..3).map(|k| std::array::from_fn(|i| eigen.vectors[(i, k)].re)).collect()
}

/// The directions of the axes, both signs.
fn axes() -> Vec<Direction> {
    let mut out = Vec::new();
    for a in [2, 0, 1] {
        for sign in [1.0, -1.0] {
            out.push(std::array::from_fn(|k| if k == a { sign } else { 0.0 }));
        }
    }
    out
}

/// The axes, the principal axes with both signs, and the diagonals of faces and of the cube; each direction once.
fn directions(principal: &[Direction], diagonals: bool) -> Vec<Direction> {
    let mut out = axes();
    let add = |v: Direction, out: &mut Vec<Direction>| {
        let v = v.map(|x| if x.abs() < 1e-12 { 0.0 } else { x });
        let near = |w: &Direction| w.iter().zip(v).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) < 1e-9;
        if !out.iter().any(near) {
            out.push(v);
        }
    };
    for v in principal {
        add(*v, &mut out);
        add(v.map(|x| -x), &mut out);
    }
    if diagonals {
        for (x, y, z) in (0..27).map(|k| (k % 3 - 1, k / 3 % 3 - 1, k / 9 - 1)) {
            let length = f64::from(x * x + y * y + z * z).sqrt();
            if length > 1.1 {
                add([x, y, z].map(|c| f64::from(c) / length), &mut out);
            }
        }
    }
    out
}

/// All combinations of a direction for every channel.
fn product(lists: &[Vec<Direction>]) -> Vec<Frame> {
    lists.iter().fold(vec![vec![]], |all, list| {
        all.iter().flat_map(|f| list.iter().map(move |n| f.iter().copied().chain([*n]).collect())).collect()
    })
}
