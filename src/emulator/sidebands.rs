//! A decay under a periodic Hamiltonian from its lines: `s_(k + j n) = sum_l a_lk exp(-i p_l j)`, where a period is n points long.

use crate::linalg::{C64, ZERO};
use std::sync::Arc;

/// A phase multiplied from period to period drifts by rounding; it is recomputed after this number of periods.
const AFRESH: usize = 32;

/// Lines of a periodic Hamiltonian. Crystallites that differ in the rotor phase only share their phases.
pub struct Sidebands {
    /// Number of points in a period.
    pub block: usize,
    /// The phase of each line over a period, rad.
    pub phases: Arc<Vec<f64>>,
    /// Amplitudes at the points of the first period, line by line.
    pub amplitudes: Vec<C64>,
}

impl Sidebands {
    /// True if the lines of another decay have the same phases, so that their amplitudes can be added.
    pub fn shares(&self, other: &Sidebands) -> bool {
        self.block == other.block && Arc::ptr_eq(&self.phases, &other.phases)
    }

    /// Adds the amplitudes of another decay with the same phases, multiplied by `factor`.
    pub fn add(&mut self, other: &Sidebands, factor: C64) {
        self.amplitudes.iter_mut().zip(&other.amplitudes).for_each(|(sum, x)| *sum += x * factor);
    }

    /// Multiplies the decay by a number.
    pub fn times(mut self, factor: C64) -> Sidebands {
        self.amplitudes.iter_mut().for_each(|x| *x *= factor);
        self
    }

    /// The points of the decay.
    pub fn points(&self, points: usize) -> Vec<C64> {
        let parts = |f: fn(&C64) -> f64| self.amplitudes.iter().map(f).collect::<Vec<f64>>();
        let (mut re, mut im) = (vec![0.0; points], vec![0.0; points]);
        let amplitudes = (&*parts(|x| x.re), &*parts(|x| x.im));
        let sum = Summed { phases: &self.phases, amplitudes, block: self.block.max(1), re: &mut re, im: &mut im };
        pulp::Arch::new().dispatch(sum);
        re.into_iter().zip(im).map(|(re, im)| C64::new(re, im)).collect()
    }
}

/// Adds up the lines, period by period. Compiled for every SIMD width; the widest available at run time is used.
struct Summed<'a> {
    phases: &'a [f64],
    amplitudes: (&'a [f64], &'a [f64]),
    block: usize,
    re: &'a mut [f64],
    im: &'a mut [f64],
}

impl pulp::NullaryFnOnce for Summed<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (block, (x, y)) = (self.block, self.amplitudes);
        let steps: Vec<C64> = self.phases.iter().map(|p| C64::cis(-p)).collect();
        let mut turned = vec![ZERO; steps.len()];
        for (period, (re, im)) in self.re.chunks_mut(block).zip(self.im.chunks_mut(block)).enumerate() {
            if period % AFRESH == 0 {
                turned.iter_mut().zip(self.phases).for_each(|(z, p)| *z = C64::cis(-p * period as f64));
            }
            let lines = x.chunks_exact(block).zip(y.chunks_exact(block)).zip(turned.iter_mut().zip(&steps));
            for ((x, y), (z, step)) in lines {
                for ((re, im), (x, y)) in re.iter_mut().zip(im.iter_mut()).zip(x.iter().zip(y)) {
                    *re = x.mul_add(z.re, (-y).mul_add(z.im, *re));
                    *im = x.mul_add(z.im, y.mul_add(z.re, *im));
                }
                *z *= step;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    /// The points of lines with any amplitudes are those of the formula, each phase computed on its own, also over several hundred
    /// periods and in a last period that is cut off. Rounding: 1e-13 of the sum of all amplitudes, since phases reach 600 rad.
    #[test]
    fn points_are_those_of_the_formula() {
        let mut noise = Noise::new(11, 0);
        for (block, lines, points) in [(1, 3, 40), (7, 5, 1024), (10, 15, 203), (40, 2, 100)] {
            let phases: Vec<f64> = (0..lines).map(|_| noise.normal()).collect();
            let amplitudes: Vec<C64> = (0..lines * block).map(|_| C64::new(noise.normal(), noise.normal())).collect();
            let all: f64 = amplitudes.iter().map(|a| a.norm()).sum();
            let bands = Sidebands { block, phases: Arc::new(phases.clone()), amplitudes: amplitudes.clone() };
            let found = bands.points(points);
            assert_eq!(found.len(), points);
            for (t, x) in found.iter().enumerate() {
                let (j, k) = ((t / block) as f64, t % block);
                let right: C64 = (0..lines).map(|l| amplitudes[l * block + k] * C64::cis(-phases[l] * j)).sum();
                assert!((x - right).norm() < 1e-13 * all, "{block}, {t}: {x} for {right}");
            }
        }
    }
}
