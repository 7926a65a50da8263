//! Sums of magnitudes of complex elements in a batch, in as few square roots as their symmetries allow.
//!
//! Two spins that are alike give elements of equal magnitude, and real or imaginary elements need no square root. Both are found by lane,
//! from the coefficients of the elements, so that the result of a lane does not depend on the other lanes: the work is saved where it is
//! saved in all of them.

#![allow(clippy::needless_range_loop, reason = "kernels are plain loops: iterators may not be inlined into them")]
#![expect(clippy::indexing_slicing, reason = "indices run over the elements and their common number of frequencies")]

use super::curve_batch::Wave;
use crate::lanes::Lane;

/// Coefficients count as equal, or as zero, within this fraction of the largest one: four units of rounding.
const SAME: f64 = 4.0 * f64::EPSILON;

/// The sum of the magnitudes of `x + i y` of some pairs of waves, times `factor`: real waves, and pairs.
pub(super) fn sum(mut elements: Vec<(Wave, Wave)>, factor: f64) -> (Vec<Wave>, Vec<(Wave, Wave)>) {
    let mut sizes: Vec<Wave> = elements.iter().map(|(x, _)| x.clone()).collect();
    let mut weights = vec![Lane::splat(factor); elements.len()];
    pulp::Arch::new().dispatch(Simplify { elements: &mut elements, sizes: &mut sizes, weights: &mut weights });
    sizes.retain(|x| !x.is_zero());
    elements.retain(|(x, y)| !(x.is_zero() && y.is_zero()));
    (sizes, elements)
}

/// Kernel: splits elements into real waves and pairs, with weights that count equal ones.
struct Simplify<'a> {
    elements: &'a mut [(Wave, Wave)],
    sizes: &'a mut [Wave],
    weights: &'a mut [Lane],
}

/// The largest magnitude of the coefficients.
#[inline(always)]
fn largest(wave: &Wave) -> Lane {
    let mut most = wave.still.abs();
    for (c, s) in &wave.parts {
        most = most.max(c.abs()).max(s.abs());
    }
    most
}

/// 1 where all coefficients of a wave are at most `within`, else 0.
#[inline(always)]
fn vanishes(wave: &Wave, within: Lane) -> Lane {
    Lane::if_greater(largest(wave), within, Lane::zero(), Lane::splat(1.0))
}

/// `x` where `mask` is 1, else `y`.
#[inline(always)]
fn choose(mask: Lane, x: Lane, y: Lane) -> Lane {
    Lane::if_greater(mask, Lane::splat(0.5), x, y)
}

/// `mask` where two differences are smaller than `within`, else 0; also 0 where one is NaN.
#[inline(always)]
fn within_both(within: Lane, x: Lane, y: Lane, mask: Lane) -> Lane {
    Lane::if_greater(within, x.abs(), Lane::if_greater(within, y.abs(), mask, Lane::zero()), Lane::zero())
}

/// 1 where two waves are equal or opposite within `within` and `mask` is 1, else 0.
#[inline(always)]
fn alike(a: &Wave, b: &Wave, within: Lane, mask: Lane) -> Lane {
    let zero = Lane::zero();
    let mut equal = Lane::if_greater(within, (a.still - b.still).abs(), mask, zero);
    let mut opposite = Lane::if_greater(within, (a.still + b.still).abs(), mask, zero);
    for ((c, s), (d, r)) in a.parts.iter().zip(&b.parts) {
        if !equal.max(opposite).any_greater(zero) {
            return zero;
        }
        equal = within_both(within, *c - *d, *s - *r, equal);
        opposite = within_both(within, *c + *d, *s + *r, opposite);
    }
    equal.max(opposite)
}

/// Multiplies a wave by a factor per lane, exactly zero where the factor is.
#[inline(always)]
fn scale(wave: &mut Wave, factor: Lane) {
    wave.still *= factor;
    for (c, s) in &mut wave.parts {
        *c *= factor;
        *s *= factor;
    }
}

impl pulp::NullaryFnOnce for Simplify<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Simplify { elements, sizes, weights } = self;
        let (zero, one) = (Lane::zero(), Lane::splat(1.0));
        let mut most = zero;
        for (x, y) in elements.iter() {
            most = most.max(largest(x)).max(largest(y));
        }
        let within = most * SAME;
        // An imaginary element is real times i.
        for (x, y) in elements.iter_mut() {
            let (imaginary, real) = (vanishes(x, within), vanishes(y, within));
            let keep = one - real.max(imaginary);
            x.still = choose(imaginary, y.still, x.still);
            y.still *= keep;
            for ((c, s), (d, r)) in x.parts.iter_mut().zip(&mut y.parts) {
                *c = choose(imaginary, *d, *c);
                *s = choose(imaginary, *r, *s);
                *d *= keep;
                *r *= keep;
            }
        }
        for k in 0..elements.len() {
            for m in k + 1..elements.len() {
                let ((xk, yk), (xm, ym)) = (&elements[k], &elements[m]);
                let mut same = alike(xk, xm, within, one);
                if same.any_greater(zero) {
                    same = alike(yk, ym, within, same);
                    let moved = weights[m] * same;
                    weights[k] += moved;
                    weights[m] -= moved;
                }
            }
        }
        for (((x, y), size), weight) in elements.iter_mut().zip(sizes).zip(weights) {
            let real = vanishes(y, zero);
            size.still = x.still;
            size.parts.copy_from_slice(&x.parts);
            scale(size, *weight * real);
            let weight = *weight * (one - real);
            scale(x, weight);
            scale(y, weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::LANES;
    use crate::noise::Noise;

    fn lane(noise: &mut Noise) -> Lane {
        Lane(std::array::from_fn(|_| noise.normal()))
    }

    fn wave(noise: &mut Noise, frequencies: usize) -> Wave {
        Wave { still: lane(noise), parts: (0..frequencies).map(|_| (lane(noise), lane(noise))).collect() }
    }

    fn value(wave: &Wave, l: usize, phases: &[f64]) -> f64 {
        let parts = wave.parts.iter().zip(phases.chunks_exact(2));
        parts.fold(wave.still.0[l], |sum, ((c, s), p)| sum + c.0[l] * p[0] + s.0[l] * p[1])
    }

    /// The sum at some phases, by its definition.
    fn total(sizes: &[Wave], elements: &[(Wave, Wave)], l: usize, phases: &[f64]) -> f64 {
        let of = |wave: &Wave| value(wave, l, phases);
        sizes.iter().map(|x| of(x).abs()).sum::<f64>() + elements.iter().map(|(x, y)| of(x).hypot(of(y))).sum::<f64>()
    }

    /// Six elements of which some are equal, opposite, conjugate, real, imaginary or zero in some lanes.
    fn elements(noise: &mut Noise) -> Vec<(Wave, Wave)> {
        let mut all: Vec<(Wave, Wave)> = (0..6).map(|_| (wave(noise, 2), wave(noise, 2))).collect();
        let first = all[0].clone();
        let put = |wave: &mut Wave, other: &Wave, l: usize, sign: f64| {
            wave.still.0[l] = sign * other.still.0[l];
            for ((c, s), (d, r)) in wave.parts.iter_mut().zip(&other.parts) {
                (c.0[l], s.0[l]) = (sign * d.0[l], sign * r.0[l]);
            }
        };
        for l in 0..LANES {
            for (k, sign) in [(1, 1.0), (2, -1.0)] {
                if l % 4 != k {
                    put(&mut all[k].0, &first.0, l, sign);
                    put(&mut all[k].1, &first.1, l, 1.0);
                }
            }
            if l % 2 == 0 {
                put(&mut all[3].1, &first.0, l, 1e-17);
                put(&mut all[4].0, &first.0, l, 0.0);
            }
            if l % 3 == 0 {
                put(&mut all[5].0, &first.0, l, 0.0);
                put(&mut all[5].1, &first.0, l, 0.0);
            }
        }
        all
    }

    #[test]
    fn the_sum_is_that_of_all_elements() {
        let mut noise = Noise::new(1, 0);
        for _ in 0..50 {
            let all = elements(&mut noise);
            let (sizes, lengths) = sum(all.clone(), 2.0);
            for l in 0..LANES {
                let phases: Vec<f64> = (0..4).map(|_| noise.normal()).collect();
                let (found, right) = (total(&sizes, &lengths, l, &phases), 2.0 * total(&[], &all, l, &phases));
                // Five coefficients near 1 in each of twelve waves.
                assert!((found - right).abs() <= 1e-14 * right, "{found} for {right}");
            }
        }
    }

    /// All lanes alike: of six elements one real and one complex magnitude are left, which count four times and twice.
    #[test]
    fn equal_elements_are_counted() {
        let mut noise = Noise::new(2, 0);
        let (x, y) = (wave(&mut noise, 1), wave(&mut noise, 1));
        let zero = Wave { still: Lane::zero(), parts: vec![(Lane::zero(), Lane::zero())] };
        let mut opposite = x.clone();
        opposite.scaled(-1.0);
        let all = vec![
            (x.clone(), zero.clone()),
            (x.clone(), y.clone()),
            (zero.clone(), opposite.clone()),
            (opposite, y.clone()),
            (zero.clone(), zero.clone()),
            (x.clone(), zero),
        ];
        let (sizes, lengths) = sum(all, 1.0);
        assert_eq!((sizes.len(), lengths.len()), (1, 1));
        assert_eq!((sizes[0].still, lengths[0].0.still), (x.still * 3.0, x.still * 2.0));
    }

    /// A lane has the same bits whatever the others are.
    #[test]
    fn lanes_do_not_depend_on_each_other() {
        let mut noise = Noise::new(3, 0);
        let all = elements(&mut noise);
        let (sizes, lengths) = sum(all.clone(), 2.0);
        let phases: Vec<f64> = (0..4).map(|_| noise.normal()).collect();
        for l in 0..LANES {
            let alone = |w: &Wave| Wave {
                still: Lane::splat(w.still.0[l]),
                parts: w.parts.iter().map(|(c, s)| (Lane::splat(c.0[l]), Lane::splat(s.0[l]))).collect(),
            };
            let own = all.iter().map(|(x, y)| (alone(x), alone(y))).collect();
            let (own_sizes, own_lengths) = sum(own, 2.0);
            let (one, other) = (total(&own_sizes, &own_lengths, 0, &phases), total(&sizes, &lengths, l, &phases));
            assert_eq!(one.to_bits(), other.to_bits());
        }
    }
}
