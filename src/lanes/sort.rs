//! Sorts the levels of a batch together with their eigenvectors.

#![expect(clippy::indexing_slicing, reason = "indices run over the dimension of the batch")]

use super::vector::Part;
use super::{Lane, MatrixBatch};
use pulp::Simd;

/// Sorts the levels and, with VECTORS, the rows of `v`, lane by lane (Batcher's merge exchange; Knuth, The Art of Computer Programming 3,
/// algorithm 5.2.2M).
#[inline(always)]
pub(super) fn sort<S: Simd, const VECTORS: bool>(part: Part<S>, values: &mut [Lane], v: &mut MatrixBatch) {
    let n = values.len();
    let top = n.next_power_of_two() / 2;
    let mut p = top;
    while p > 0 {
        let (mut q, mut r, mut d) = (top, 0, p);
        loop {
            for i in 0..n.saturating_sub(d) {
                if i & p == r {
                    exchange::<S, VECTORS>(part, values, v, i, i + d);
                }
            }
            if q == p {
                break;
            }
            d = q - p;
            q /= 2;
            r = p;
        }
        p /= 2;
    }
}

/// Exchanges two levels and their vectors in lanes where they are out of order.
#[inline(always)]
fn exchange<S: Simd, const VECTORS: bool>(part: Part<S>, values: &mut [Lane], v: &mut MatrixBatch, i: usize, j: usize) {
    let (n, s) = (values.len(), part.simd);
    let (x, y) = (part.of(&values[i]), part.of(&values[j]));
    let wrong = s.greater_than_f64s(x, y);
    if !part.any(wrong) {
        return;
    }
    part.put(&mut values[i], s.select_f64s(wrong, y, x));
    part.put(&mut values[j], s.select_f64s(wrong, x, y));
    if !VECTORS {
        return;
    }
    for parts in [&mut v.re, &mut v.im] {
        let (head, tail) = parts.split_at_mut(j * n);
        for (a, b) in head[i * n..i * n + n].iter_mut().zip(&mut tail[..n]) {
            let (x, y) = (part.of(a), part.of(b));
            part.put(a, s.select_f64s(wrong, y, x));
            part.put(b, s.select_f64s(wrong, x, y));
        }
    }
}
