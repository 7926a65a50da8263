//! Pulses and delays that make a gate in spite of the finite length of the pulses, by Levenberg and Marquardt.

use super::block::{Block, Element, Pulse, Transmitter, length};
use super::propagate::{How, Machine, fidelity};
use crate::linalg::{C64, LinalgError, Matrix, solve_positive, trace_of_product};

/// Changes flip angles, phases and delays of a block without loops such that it makes `wanted` with pulses of finite length. Delays stay
/// positive. The result is never worse than the given block.
///
/// # Errors
/// If an eigenvalue problem fails.
pub fn tune(machine: &Machine, block: &Block, wanted: &Matrix) -> Result<Block, LinalgError> {
    const ITERATIONS: usize = 60;
    const ENOUGH: f64 = 1e-14;
    let mut x = numbers(block);
    let mut r = residuals(machine, block, &x, wanted)?;
    let mut damping = 1e-3;
    for _ in 0..ITERATIONS {
        let size: f64 = r.iter().map(|x| x * x).sum();
        if size < ENOUGH {
            break;
        }
        let jacobian = derivatives(machine, block, &x, wanted)?;
        let n = x.len();
        let mut normal = vec![0.0; n * n];
        let mut right = vec![0.0; n];
        for i in 0..n {
            for j in 0..n {
                normal[i * n + j] = jacobian[i].iter().zip(&jacobian[j]).map(|(a, b)| a * b).sum();
            }
            right[i] = -jacobian[i].iter().zip(&r).map(|(a, b)| a * b).sum::<f64>();
        }
        let mut better = false;
        for _ in 0..8 {
            let mut damped = normal.clone();
            (0..n).for_each(|i| damped[i * n + i] += damping * (normal[i * n + i] + 1e-6));
            let Some(step) = solve_positive(&damped, &right) else { break };
            let tried: Vec<f64> = x.iter().zip(&step).map(|(a, b)| a + b).collect();
            let found = residuals(machine, block, &tried, wanted)?;
            if found.iter().map(|x| x * x).sum::<f64>() < size {
                (x, r, better) = (tried, found, true);
                damping = (0.2 * damping).max(1e-12);
                break;
            }
            damping *= 6.0;
        }
        if !better {
            break;
        }
    }
    let tuned = with_numbers(block, &x);
    let of = |b: &Block| machine.propagator(b, How::perfect(false)).map(|u| fidelity(&u, wanted));
    Ok(if of(&tuned)? >= of(block)? { tuned } else { block.clone() })
}

/// A block in which every delay is shorter by half of the pulses beside it, as far as it is long enough.
pub fn between_centres(block: &Block, channels: &[Transmitter]) -> Block {
    let half = |e: Option<&Element>| match e {
        Some(Element::Pulses(p)) => 0.5 * length(p, channels, false),
        _ => 0.0,
    };
    let all = &block.elements;
    let one = |(k, e): (usize, &Element)| match e {
        Element::Delay(t) => {
            let before = k.checked_sub(1).and_then(|k| all.get(k));
            Element::Delay((t - half(before) - half(all.get(k + 1))).max(1e-3 * t))
        }
        other => other.clone(),
    };
    Block { elements: all.iter().enumerate().map(one).collect() }
}

/// The free numbers: the logarithms of delays, flip angles, phases.
fn numbers(block: &Block) -> Vec<f64> {
    let mut out = Vec::new();
    for element in &block.elements {
        match element {
            Element::Delay(t) => out.push(t.ln()),
            Element::Pulses(pulses) => pulses.iter().flatten().for_each(|p| out.extend([p.angle, p.phase])),
            Element::Loop(..) => {}
        }
    }
    out
}

fn with_numbers(block: &Block, x: &[f64]) -> Block {
    let mut next = x.iter().copied();
    let mut take = || next.next().unwrap_or_default();
    let mut one = |e: &Element| match e {
        Element::Delay(_) => Element::Delay(take().exp()),
        Element::Pulses(pulses) => {
            Element::Pulses(pulses.iter().map(|p| p.map(|_| Pulse::new(take(), take()))).collect())
        }
        Element::Loop(..) => e.clone(),
    };
    Block { elements: block.elements.iter().map(&mut one).collect() }
}

/// `V^dagger U exp(-i phase) - 1`, real and imaginary parts.
fn residuals(machine: &Machine, block: &Block, x: &[f64], wanted: &Matrix) -> Result<Vec<f64>, LinalgError> {
    let u = machine.propagator(&with_numbers(block, x), How::perfect(false))?;
    let overlap = trace_of_product(&wanted.adjoint(), &u);
    let phase = C64::cis(-overlap.arg());
    let scale = 1.0 / (u.nrows() as f64).sqrt();
    Ok(u.iter()
        .zip(wanted.iter())
        .flat_map(|(a, b)| [(a * phase - b).re * scale, (a * phase - b).im * scale])
        .collect())
}

/// Central differences, one list for each number.
fn derivatives(machine: &Machine, block: &Block, x: &[f64], wanted: &Matrix) -> Result<Vec<Vec<f64>>, LinalgError> {
    const STEP: f64 = 1e-5;
    (0..x.len())
        .map(|k| {
            let at = |d: f64| {
                let mut moved = x.to_vec();
                moved[k] += d;
                residuals(machine, block, &moved, wanted)
            };
            let (up, down) = (at(STEP)?, at(-STEP)?);
            Ok(up.iter().zip(&down).map(|(a, b)| (a - b) / (2.0 * STEP)).collect())
        })
        .collect()
}
