//! Pulses and delays that make a gate in spite of the finite length of the pulses, by Levenberg and Marquardt.

use super::block::{Block, Element, Pulse, Transmitter, length};
use super::propagate::{How, Machine, fidelity};
use crate::linalg::{C64, LinalgError, Matrix, solve_positive, trace_of_product};
use std::f64::consts::{PI, TAU};

/// Changes flip angles, phases and delays of a block such that it makes `wanted` with pulses of finite length. Delays stay positive. If `tied`,
/// what is symmetric in time stays so: a delay and its image stay equal, a pulse and its image inverse. The result is never worse than
/// the given block.
///
/// # Errors
/// If an eigenvalue problem fails.
pub fn tune(machine: &Machine, block: &Block, wanted: &Matrix, tied: bool) -> Result<Block, LinalgError> {
    const ITERATIONS: usize = 60;
    const ENOUGH: f64 = 1e-14;
    let mut x = numbers(&block.elements, tied);
    let at = |x: &[f64]| {
        let mut next = x.iter().copied();
        Block { elements: with_numbers(&block.elements, tied, &mut || next.next().unwrap_or_default()) }
    };
    let mut r = residuals(machine, &at(&x), wanted)?;
    let mut damping: f64 = 1e-3;
    for _ in 0..ITERATIONS {
        let size: f64 = r.iter().map(|x| x * x).sum();
        if size < ENOUGH {
            break;
        }
        let jacobian = derivatives(machine, &at, &x, wanted)?;
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
            let found = residuals(machine, &at(&tried), wanted)?;
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
    let tuned = at(&x);
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

/// True if an element undoes another one in the opposite order of time: equal delays, or inverse pulses.
fn is_image(a: &Element, b: &Element) -> bool {
    match (a, b) {
        (Element::Delay(s), Element::Delay(t)) => (s - t).abs() <= 1e-9 * s.abs(),
        (Element::Pulses(p), Element::Pulses(q)) => p.len() == q.len() && p.iter().zip(q).all(|(p, q)| inverse(p, q)),
        _ => false,
    }
}

fn inverse(p: &Option<Pulse>, q: &Option<Pulse>) -> bool {
    match (p, q) {
        (None, None) => true,
        (Some(p), Some(q)) => {
            let turned = (p.phase - q.phase - PI).rem_euclid(TAU);
            (p.angle - q.angle).abs() < 1e-9 && turned.min(TAU - turned) < 1e-9
        }
        _ => false,
    }
}

/// The element that each element is the image of, if it lies in the second half of a list that is symmetric in time.
fn originals(elements: &[Element], tied: bool) -> Vec<Option<usize>> {
    let n = elements.len();
    let of = |k: usize| (n - 1 - k < k && is_image(&elements[n - 1 - k], &elements[k])).then_some(n - 1 - k);
    (0..n).map(|k| if tied { of(k) } else { None }).collect()
}

/// The free numbers: the logarithms of delays, flip angles, phases. If `tied`, those of elements that are images of others are not free.
fn numbers(elements: &[Element], tied: bool) -> Vec<f64> {
    let mut out = Vec::new();
    for (element, _) in elements.iter().zip(originals(elements, tied)).filter(|(_, original)| original.is_none()) {
        match element {
            Element::Delay(t) => out.push(t.ln()),
            Element::Pulses(pulses) => pulses.iter().flatten().for_each(|p| out.extend([p.angle, p.phase])),
            Element::Loop(_, body) => out.extend(numbers(body, tied)),
            Element::Shaped(..) => {}
        }
    }
    out
}

fn with_numbers(elements: &[Element], tied: bool, take: &mut dyn FnMut() -> f64) -> Vec<Element> {
    let mut out: Vec<Element> = Vec::with_capacity(elements.len());
    for (element, original) in elements.iter().zip(originals(elements, tied)) {
        let next = match (original.and_then(|k| out.get(k)), element) {
            (Some(Element::Pulses(p)), _) => Element::Pulses(p.iter().map(|p| p.map(Pulse::inverse)).collect()),
            (Some(same), _) => same.clone(),
            (None, Element::Delay(_)) => Element::Delay(take().exp()),
            (None, Element::Pulses(p)) => {
                Element::Pulses(p.iter().map(|p| p.map(|_| Pulse::new(take(), take()))).collect())
            }
            (None, Element::Shaped(..)) => element.clone(),
            (None, Element::Loop(count, body)) => Element::Loop(*count, with_numbers(body, tied, &mut *take)),
        };
        out.push(next);
    }
    out
}

/// `V^dagger U exp(-i phase) - 1`, real and imaginary parts.
fn residuals(machine: &Machine, block: &Block, wanted: &Matrix) -> Result<Vec<f64>, LinalgError> {
    let u = machine.propagator(block, How::perfect(false))?;
    let overlap = trace_of_product(&wanted.adjoint(), &u);
    let phase = C64::cis(-overlap.arg());
    let scale = 1.0 / (u.nrows() as f64).sqrt();
    Ok(u.iter()
        .zip(wanted.iter())
        .flat_map(|(a, b)| [(a * phase - b).re * scale, (a * phase - b).im * scale])
        .collect())
}

/// Central differences, one list for each number.
fn derivatives(
    machine: &Machine,
    block: &impl Fn(&[f64]) -> Block,
    x: &[f64],
    wanted: &Matrix,
) -> Result<Vec<Vec<f64>>, LinalgError> {
    const STEP: f64 = 1e-5;
    (0..x.len())
        .map(|k| {
            let at = |d: f64| {
                let mut moved = x.to_vec();
                moved[k] += d;
                residuals(machine, &block(&moved), wanted)
            };
            let (up, down) = (at(STEP)?, at(-STEP)?);
            Ok(up.iter().zip(&down).map(|(a, b)| (a - b) / (2.0 * STEP)).collect())
        })
        .collect()
}
