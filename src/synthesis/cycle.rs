//! Cycles of pulses that go through toggling frames.
//!
//! A cycle visits its frames in one order and then, with the inverse pulses, in the opposite one. It is symmetric in time, so all even
//! orders of its average Hamiltonian vanish (C. H. Wang and J. D. Ramshaw, Phys. Rev. B 6, 3253 (1972)), and it returns to its first
//! frame exactly. A relative error e of the rf rotates by e times the flip angle about an axis that is the same, in the toggling frame,
//! for a pulse and its inverse, but of opposite sense: to first order both cancel. Pulses of finite length are taken
//! into account to first order by the mean of the internal Hamiltonian over their arcs.

use super::bilinear::Bilinear;
use super::block::{Block, Element, Pulse, length};
use super::frames::{Average, Frame, Task, turn_to};
use super::program::{Program, Rows, along, span};
use super::turn::Turn;
use std::f64::consts::PI;

/// Frames in the order of a cycle, with their total times in s, and the rotation vectors of the channels, rad.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// Frames and times, s.
    pub frames: Vec<(Frame, f64)>,
    /// Rotation vector of every channel, rad.
    pub fields: Vec<[f64; 3]>,
}

/// The parts of a block: before the cycles, one cycle, after them.
struct Parts {
    before: Block,
    body: Block,
    after: Block,
}

/// The angle between two directions.
fn angle(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>().clamp(-1.0, 1.0).acos()
}

/// The flip angle of all channels from a frame to another one.
fn distance(a: &Frame, b: &Frame) -> f64 {
    a.iter().zip(b).map(|(p, q)| angle(*p, *q)).sum()
}

impl Path {
    /// The frames of an average in the order with the smallest flip angles, from the frame that is nearest to z.
    pub fn of(average: &Average) -> Path {
        const EXHAUSTIVE: usize = 7;
        let mut frames = average.frames.clone();
        let cost = |frames: &[(Frame, f64)]| {
            let steps: f64 = frames.windows(2).map(|w| distance(&w[0].0, &w[1].0)).sum();
            // Entered and left once, and passed by in every cycle: less than a step.
            let enter = frames.first().map_or(0.0, |(f, _)| f.iter().map(|n| angle(*n, [0.0, 0.0, 1.0])).sum());
            steps + 0.4 * enter + frames.last().map_or(0.0, |(f, _)| 0.8 * PI * turning_pulses(f, &average.fields))
        };
        let mut best = (f64::INFINITY, frames.clone());
        if frames.len() <= EXHAUSTIVE {
            orders(&mut frames, 0, &mut |order| {
                let c = cost(order);
                if c < best.0 - 1e-9 {
                    best = (c, order.to_vec());
                }
            });
        } else {
            for first in 0..frames.len() {
                let order = nearest_neighbours(&average.frames, first);
                let c = cost(&order);
                if c < best.0 - 1e-9 {
                    best = (c, order);
                }
            }
        }
        let mut frames = best.1;
        if frames.is_empty() {
            frames.push((vec![[0.0, 0.0, 1.0]; average.fields.len()], 0.0));
        }
        Path { frames, fields: average.fields.clone() }
    }

    /// The path followed by its image under a half turn of all spins about each of some axes, in the opposite order, for one axis after
    /// the other: `P`, then `P, R P^-1`, and so on. An arc and its image cancel in those parts of the mean of the internal
    /// Hamiltonian that change sign under the half turn. The times of the added frames are to be determined.
    pub fn with_images(&self, axes: &[usize]) -> Path {
        let mut frames = self.frames.clone();
        for &axis in axes {
            let half = |n: &[f64; 3]| std::array::from_fn(|k| if k == axis { n[k] } else { -n[k] });
            let images: Vec<Frame> = frames.iter().rev().map(|(f, _)| f.iter().map(half).collect()).collect();
            for frame in images {
                if frames.last().is_none_or(|(last, _)| distance(last, &frame) > 1e-9) {
                    frames.push((frame, 0.0));
                }
            }
        }
        Path { frames, fields: self.fields.clone() }
    }

    /// The path in the opposite order.
    pub fn reversed(&self) -> Path {
        Path { frames: self.frames.iter().rev().cloned().collect(), fields: self.fields.clone() }
    }

    /// The block of n cycles.
    pub fn block(&self, task: &Task, n: u64) -> Block {
        let parts = self.parts(task, n);
        let mut block = parts.before;
        match n {
            1 => block.elements.extend(parts.body.elements),
            _ if parts.body.elements.is_empty() => {}
            // Free evolution and commuting rotations need no cycles.
            _ if self.is_free(&parts.body) => block.delay(parts.body.free_time() * n as f64),
            _ => block.elements.push(Element::Loop(n, parts.body.elements)),
        }
        block.elements.extend(parts.after.elements);
        block
    }

    fn is_free(&self, body: &Block) -> bool {
        body.elements.iter().all(|e| matches!(e, Element::Delay(_)))
    }

    fn parts(&self, task: &Task, n: u64) -> Parts {
        let mut turns = vec![Turn::NONE; task.channels.len()];
        let mut parts = Parts { before: Block::default(), body: Block::default(), after: Block::default() };
        let mut made: Vec<Vec<Option<Pulse>>> = Vec::new();
        for (k, (frame, time)) in self.frames.iter().enumerate() {
            let pulses: Vec<Option<Pulse>> = turns.iter_mut().zip(frame).map(|(u, n)| to_frame(u, *n)).collect();
            match k {
                0 => parts.before.pulses(pulses.clone()),
                _ => parts.body.pulses(pulses.clone()),
            }
            made.push(pulses);
            parts.body.delay(0.5 * time / n as f64);
        }
        let rotations: Vec<Vec<Pulse>> = turns
            .iter()
            .zip(&self.fields)
            .map(|(u, b)| {
                let size = b.iter().map(|x| x * x).sum::<f64>().sqrt();
                Turn::about(u.rotate(*b), size / n as f64).pulses()
            })
            .collect();
        for k in 0..rotations.iter().map(Vec::len).max().unwrap_or(0) {
            parts.body.pulses(rotations.iter().map(|p| p.get(k).copied()).collect());
        }
        for (k, (_, time)) in self.frames.iter().enumerate().rev() {
            parts.body.delay(0.5 * time / n as f64);
            let back: Vec<Option<Pulse>> = made[k].iter().map(|p| p.map(Pulse::inverse)).collect();
            match k {
                0 => parts.after.pulses(back),
                _ => parts.body.pulses(back),
            }
        }
        parts
    }

    /// The path with the times and fields with which n cycles with pulses of finite length have the wanted average; `None` if the pulses
    /// are too long for this, or the times of these frames do not suffice.
    pub fn timed(&self, task: &Task, n: u64) -> Option<Path> {
        const ROUNDS: usize = 6;
        let mut path = self.clone();
        let scale = task.wanted.norm();
        let size = task.internal.norm();
        let all = self.frames.iter().map(|(f, _)| task.toggled(f).coordinates().iter().map(|x| x / size).collect());
        let (toggled, which) = distinct(all);
        let fields: Vec<Vec<f64>> = task.fields().iter().map(Bilinear::coordinates).collect();
        for _ in 0..ROUNDS {
            let arcs = path.arcs(task, n);
            let wanted: Vec<f64> = task.wanted.plus(-1.0, &arcs).coordinates().iter().map(|x| x / scale).collect();
            let basis = span(toggled.iter().chain(&fields).chain([&wanted]));
            let columns: Vec<Vec<f64>> = toggled.iter().chain(&fields).map(|c| along(&basis, c)).collect();
            let right = along(&basis, &wanted);
            let frame = |k: usize| k < toggled.len();
            let program = Program {
                cost: (0..columns.len()).map(|k| if frame(k) { 1.0 } else { 0.0 }).collect(),
                bounds: (0..columns.len())
                    .map(|k| (if frame(k) { 0.0 } else { f64::NEG_INFINITY }, f64::INFINITY))
                    .collect(),
                rows: right
                    .iter()
                    .enumerate()
                    .map(|(r, b)| (columns.iter().map(|c| c[r]).collect(), Rows::Equal, *b))
                    .collect(),
            };
            let x = program.solve_exactly()?;
            for (f, k) in path.frames.iter_mut().zip(&which) {
                let visits = which.iter().filter(|other| *other == k).count() as f64;
                f.1 = x[*k].max(0.0) * scale / size / visits;
            }
            for (c, field) in path.fields.iter_mut().enumerate() {
                *field = std::array::from_fn(|a| x[toggled.len() + 3 * c + a] * scale);
            }
        }
        Some(path)
    }

    /// The integral of the toggled internal Hamiltonian over all pulses of n cycles, rad.
    fn arcs(&self, task: &Task, n: u64) -> Bilinear {
        let parts = self.parts(task, n);
        let mut turns = vec![Turn::NONE; task.channels.len()];
        let mut sum = Bilinear::zero(task.channel.len());
        for (part, factor) in [(&parts.before, 1.0), (&parts.body, n as f64), (&parts.after, 1.0)] {
            for element in &part.elements {
                if let Element::Pulses(pulses) = element {
                    sum = sum.plus(factor, &arc(task, &turns, pulses));
                    for (u, p) in turns.iter_mut().zip(pulses) {
                        *u = p.map_or(*u, |p| u.then(Turn::of(p)));
                    }
                }
            }
        }
        sum
    }

    /// Total flip angle of one cycle, rad.
    pub fn flips(&self) -> f64 {
        2.0 * self.frames.windows(2).map(|w| distance(&w[0].0, &w[1].0)).sum::<f64>()
    }
}

/// The different ones of some vectors, and which of them each is.
fn distinct(all: impl Iterator<Item = Vec<f64>>) -> (Vec<Vec<f64>>, Vec<usize>) {
    let mut found: Vec<Vec<f64>> = Vec::new();
    let which = all.map(|v| {
        let near = |w: &Vec<f64>| w.iter().zip(&v).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) < 1e-9;
        found.iter().position(near).unwrap_or_else(|| {
            found.push(v);
            found.len() - 1
        })
    });
    let which = which.collect();
    (found, which)
}

/// The pulse that changes a frame, with the rotation after it: in the rotating frame, it takes the present image of n to z.
fn to_frame(u: &mut Turn, n: [f64; 3]) -> Option<Pulse> {
    let [x, y, z] = u.rotate(n);
    let across = x.hypot(y);
    let flip = across.atan2(z);
    if flip < 1e-12 {
        return None;
    }
    // The axis m x z; for m = -z any axis.
    let phase = if across < 1e-12 { 0.0 } else { (-x).atan2(y) };
    let pulse = Pulse::new(flip, phase);
    *u = u.then(Turn::of(pulse));
    Some(pulse)
}

/// How many pulses the rotations of the channels need in a frame: those about an axis in the plane need one, others two.
fn turning_pulses(frame: &Frame, fields: &[[f64; 3]]) -> f64 {
    let of = |(n, b): (&[f64; 3], &[f64; 3])| {
        let pulses = turn_to(*n).rotate(*b);
        match b.iter().map(|x| x * x).sum::<f64>().sqrt() {
            size if size < 1e-12 => 0.0,
            size if pulses[2].abs() < 1e-9 * size => 1.0,
            _ => 3.0,
        }
    };
    frame.iter().zip(fields).map(of).sum()
}

fn orders(frames: &mut Vec<(Frame, f64)>, k: usize, visit: &mut impl FnMut(&[(Frame, f64)])) {
    if k == frames.len() {
        visit(frames);
        return;
    }
    for j in k..frames.len() {
        frames.swap(k, j);
        orders(frames, k + 1, visit);
        frames.swap(k, j);
    }
}

fn nearest_neighbours(frames: &[(Frame, f64)], first: usize) -> Vec<(Frame, f64)> {
    let mut rest: Vec<_> = frames.to_vec();
    let mut out = vec![rest.remove(first)];
    while !rest.is_empty() {
        let from = out[out.len() - 1].0.clone();
        let next = (0..rest.len()).min_by(|&a, &b| distance(&from, &rest[a].0).total_cmp(&distance(&from, &rest[b].0)));
        out.push(rest.remove(next.unwrap_or(0)));
    }
    out
}

/// The integral of the toggled internal Hamiltonian over simultaneous pulses, which start from the given rotations.
fn arc(task: &Task, start: &[Turn], pulses: &[Option<Pulse>]) -> Bilinear {
    // Gauss quadrature with five points on each eighth of a piece: the integrand is a polynomial of degree 2 in sines and cosines.
    const NODES: [(f64, f64); 5] = [
        (0.0, 0.568_888_888_888_888_9),
        (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
        (0.906_179_845_938_664, 0.236_926_885_056_189_1),
    ];
    const PARTS: usize = 8;
    let whole = length(pulses, task.channels, false);
    let lengths: Vec<f64> =
        pulses.iter().zip(task.channels).map(|(p, c)| p.map_or(0.0, |p| c.length(p, false))).collect();
    let mut edges: Vec<f64> = lengths.iter().flat_map(|l| [0.5 * (whole - l), 0.5 * (whole + l)]).collect();
    edges.sort_by(f64::total_cmp);
    let mut sum = Bilinear::zero(task.channel.len());
    let at = |t: f64| -> Bilinear {
        let turns: Vec<Turn> = (0..start.len())
            .map(|c| match pulses[c] {
                Some(p) if lengths[c] > 0.0 => {
                    let done = ((t - 0.5 * (whole - lengths[c])) / lengths[c]).clamp(0.0, 1.0);
                    start[c].then(Turn::of(Pulse { angle: p.angle * done, ..p }))
                }
                _ => start[c],
            })
            .collect();
        task.internal.toggled(&task.turns(&turns))
    };
    for w in edges.windows(2) {
        let step = (w[1] - w[0]) / PARTS as f64;
        if step <= 0.0 {
            continue;
        }
        for part in 0..PARTS {
            let centre = w[0] + (part as f64 + 0.5) * step;
            for (x, weight) in NODES {
                sum = sum.plus(0.5 * step * weight, &at(centre + 0.5 * step * x));
            }
        }
    }
    sum
}
