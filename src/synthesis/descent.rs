//! Pulse shapes in steps of constant amplitude and phase that make a gate, by Gauss and Newton with exact derivatives.
//!
//! A step lasts tau with the Hamiltonian `H_k = H + sum_c rf_c (x Fx + y Fy)`, x and y in fractions of the largest nutation frequency of every
//! channel c. With `W = V^dagger U` for the wanted gate V, `phi = arg Tr W` and `exp(-i phi) W = C - i S`, C and S Hermitian,
//!
//! ```text
//! d (d - |Tr W|) = Tr[S K],  K = i U^dagger dU = B^dagger (i U_k^dagger dU_k) B,  B the propagator of all steps before k
//! (i U_k^dagger dU_k)_ab = X_ab (exp(i (l_a - l_b) tau) - 1) / (i (l_a - l_b))
//! ```
//!
//! for a change X of H_k, in the eigenvectors of H_k with eigenvalues l (Najfeld and Havel, Adv. Appl. Math. 16, 321 (1995)). Near a minimum
//! the curvature is `Tr[K K']`, K without its trace. `x + i y = v/sqrt(1 + |v|^2)` with a free complex v is never above the largest
//! nutation frequency.

use super::propagate::{Deviation, Machine};
use crate::linalg::{
    C64, Eigen, I, LinalgError, Matrix, adjoint, gram, hermitian_eigen, identity, product, real, solve_positive,
};
use rayon::prelude::*;

/// The gate that is to be made, with equal steps.
pub struct Shaping<'a> {
    /// The spins.
    pub machine: &'a Machine<'a>,
    /// The gate, unitary.
    pub gate: &'a Matrix,
    /// Duration of a step, s.
    pub step: f64,
    /// The members of the ensemble.
    pub members: Vec<Deviation>,
}

/// What is minimised, and how far.
#[derive(Debug, Clone)]
pub struct Descent {
    /// Weights of the costs `d - |Tr W|` of the members.
    pub weights: Vec<f64>,
    /// Largest number of iterations.
    pub iterations: usize,
    /// The cost of the first member, or if `of_all` the weighted sum of all costs, that is enough.
    pub enough: f64,
    /// What `enough` refers to.
    pub of_all: bool,
    /// The sum of costs must fall to this fraction in eight iterations, or the search ends.
    pub falling: f64,
}

/// Where a search ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The free variables.
    pub free: Vec<f64>,
    /// The costs `d - |Tr W|` of all members.
    pub costs: Vec<f64>,
    /// Number of gradients that were computed.
    pub gradients: usize,
}

/// x and y of free variables, two for each.
fn bounded(v: &[f64]) -> Vec<(f64, f64)> {
    let of = |[a, b]: &[f64; 2]| {
        let size = (1.0 + a * a + b * b).sqrt();
        (a / size, b / size)
    };
    v.as_chunks().0.iter().map(of).collect()
}

impl Shaping<'_> {
    /// Amplitude and phase of every step of every channel, from the free variables: step after step, channel after channel.
    pub fn polar(&self, v: &[f64]) -> Vec<Vec<(f64, f64)>> {
        let n = self.machine.fields().len();
        let all: Vec<(f64, f64)> =
            bounded(v).iter().map(|(x, y)| (x.hypot(*y), y.atan2(*x).rem_euclid(std::f64::consts::TAU))).collect();
        (0..n).map(|c| all.iter().skip(c).step_by(n).copied().collect()).collect()
    }

    /// Eigenvectors and eigenvalues of the Hamiltonians of all steps.
    fn eigen(&self, z: &[(f64, f64)], member: &Deviation) -> Result<Vec<Eigen>, LinalgError> {
        let fields = self.machine.fields();
        let of = |(k, z): (usize, &[(f64, f64)])| {
            let (mut h, factors) = self.machine.deviating(member, self.times(k));
            for (((x, y), (fx, fy)), rf) in z.iter().zip(fields).zip(factors) {
                h += fx * real(x * rf) + fy * real(y * rf);
            }
            hermitian_eigen(&h)
        };
        z.chunks_exact(fields.len()).enumerate().map(of).collect()
    }

    /// The times at which a step begins and ends.
    fn times(&self, step: usize) -> (f64, f64) {
        (step as f64 * self.step, (step + 1) as f64 * self.step)
    }

    /// `d - |Tr W|` of every member.
    ///
    /// # Errors
    /// If an eigenvalue problem fails.
    pub fn costs(&self, v: &[f64]) -> Result<Vec<f64>, LinalgError> {
        let z = bounded(v);
        let d = self.gate.nrows();
        let one = |member: &Deviation| -> Result<f64, LinalgError> {
            let eigen = self.eigen(&z, member)?;
            let u = eigen.iter().fold(identity(d), |u, e| product(&e.propagator(self.step), &u));
            Ok(d as f64 - product(&adjoint(self.gate), &u).trace().norm())
        };
        self.members.par_iter().map(one).collect()
    }

    /// S and the K of all free variables of a member, one after another, as real vectors with the scalar product Tr[a b].
    fn rows(&self, v: &[f64], member: &Deviation) -> Result<(Vec<f64>, Vec<f64>), LinalgError> {
        let d = self.gate.nrows();
        let fields = self.machine.fields();
        let mut before = identity(d);
        let mut k = Vec::with_capacity(d * d * v.len());
        for (step, e) in self.eigen(&bounded(v), member)?.iter().enumerate() {
            let (_, factors) = self.machine.deviating(member, self.times(step));
            let to = product(&adjoint(&before), &e.vectors);
            let back = adjoint(&to);
            for (c, (fx, fy)) in fields.iter().enumerate() {
                let [x, y] = [fx, fy].map(|f| {
                    let own = product(&product(&adjoint(&e.vectors), f), &e.vectors);
                    product(&product(&to, &self.divided(own, e)), &back)
                });
                let at = 2 * (step * fields.len() + c);
                let [a, b] = [v[at], v[at + 1]];
                let size = 1.0 + a * a + b * b;
                let scale = factors[c] / (size * size.sqrt());
                for (p, q) in [(1.0 + b * b, -a * b), (-a * b, 1.0 + a * a)] {
                    k.extend(vector(&(&x * real(p * scale) + &y * real(q * scale))));
                }
            }
            before = product(&e.propagator(self.step), &before);
        }
        let w = product(&adjoint(self.gate), &before);
        let turned = &w * C64::cis(-w.trace().arg());
        let s = (&turned - adjoint(&turned)) * (I * 0.5);
        Ok((vector(&s), k))
    }

    /// `i U_k^dagger dU_k` from the change X of H_k, in its eigenvectors.
    fn divided(&self, mut x: Matrix, e: &Eigen) -> Matrix {
        for b in 0..x.ncols() {
            for a in 0..x.nrows() {
                let half = 0.5 * (e.values[a] - e.values[b]) * self.step;
                let sinc = if half.abs() < 1e-4 { 1.0 - half * half / 6.0 } else { half.sin() / half };
                x[(a, b)] *= C64::cis(half) * (sinc * self.step);
            }
        }
        x
    }

    /// The gradient of the weighted cost, and its curvature.
    ///
    /// # Errors
    /// If an eigenvalue problem fails.
    pub fn gradient(&self, v: &[f64], weights: &[f64]) -> Result<(Vec<f64>, Vec<f64>), LinalgError> {
        let n = v.len();
        let one = |(member, w): (&Deviation, &f64)| -> Result<(Vec<f64>, Vec<f64>), LinalgError> {
            let (s, k) = self.rows(v, member)?;
            let gradient =
                k.chunks_exact(s.len()).map(|k| w * k.iter().zip(&s).map(|(a, b)| a * b).sum::<f64>()).collect();
            Ok((gradient, gram(&k, s.len()).into_iter().map(|x| w * x).collect()))
        };
        let used: Vec<(&Deviation, &f64)> = self.members.iter().zip(weights).filter(|(_, w)| **w > 0.0).collect();
        let all: Vec<_> = used.into_par_iter().map(one).collect::<Result<_, _>>()?;
        let mut sum = (vec![0.0; n], vec![0.0; n * n]);
        for (gradient, curvature) in all {
            sum.0.iter_mut().zip(gradient).for_each(|(s, x)| *s += x);
            sum.1.iter_mut().zip(curvature).for_each(|(s, x)| *s += x);
        }
        Ok(sum)
    }

    /// Minimises the weighted cost from a start (Levenberg and Marquardt), until it is `enough`, or the sum no longer falls.
    ///
    /// # Errors
    /// If an eigenvalue problem fails.
    pub fn descend(&self, start: &[f64], descent: &Descent) -> Result<Ended, LinalgError> {
        const PATIENCE: usize = 8;
        let weighted = |costs: &[f64]| costs.iter().zip(&descent.weights).map(|(c, w)| c * w).sum::<f64>();
        let mut v = start.to_vec();
        let mut costs = self.costs(&v)?;
        let mut damping = 1e-2;
        let mut history: Vec<f64> = Vec::new();
        for _ in 0..descent.iterations {
            let cost = weighted(&costs);
            let earlier = history.len().checked_sub(PATIENCE).and_then(|k| history.get(k));
            let judged = if descent.of_all { Some(cost) } else { costs.first().copied() };
            if judged.is_some_and(|c| c <= descent.enough) || earlier.is_some_and(|e| cost > descent.falling * e) {
                break;
            }
            history.push(cost);
            let normal = self.gradient(&v, &descent.weights)?;
            let tried = self.step_from(&v, &normal, cost, &mut damping, &weighted)?;
            let Some((next, found)) = tried else { break };
            (v, costs) = (next, found);
        }
        Ok(Ended { free: v, costs, gradients: history.len() })
    }

    /// Floating-point operations of a gradient, about.
    pub fn work(&self, free: usize) -> f64 {
        let (d, n) = (self.gate.nrows() as f64, free as f64);
        self.members.len() as f64 * (32.0 * n * d.powi(3) + 2.0 * (n * d).powi(2))
    }

    /// A step that lowers the cost, with more damping as long as it does not; `None` if none does.
    fn step_from(
        &self,
        v: &[f64],
        (gradient, curvature): &(Vec<f64>, Vec<f64>),
        cost: f64,
        damping: &mut f64,
        weighted: &impl Fn(&[f64]) -> f64,
    ) -> Result<Option<Moved>, LinalgError> {
        const TRIES: usize = 8;
        let n = v.len();
        let mean = (0..n).map(|k| curvature[k * n + k]).sum::<f64>() / n as f64;
        for _ in 0..TRIES {
            let mut damped = curvature.clone();
            (0..n).for_each(|k| damped[k * n + k] += *damping * mean);
            if let Some(step) = solve_positive(&damped, gradient) {
                let next: Vec<f64> = v.iter().zip(&step).map(|(a, b)| a - b).collect();
                let found = self.costs(&next)?;
                if weighted(&found) < cost {
                    *damping = (0.3 * *damping).max(1e-9);
                    return Ok(Some((next, found)));
                }
            }
            *damping *= 5.0;
        }
        Ok(None)
    }
}

/// Parameters after a step, and the costs there.
type Moved = (Vec<f64>, Vec<f64>);

/// A Hermitian matrix without its trace as a real vector with the scalar product Tr[a b].
fn vector(m: &Matrix) -> Vec<f64> {
    let n = m.nrows();
    let mean = m.trace().re / n as f64;
    let mut out = Vec::with_capacity(n * n);
    for c in 0..n {
        out.push(m[(c, c)].re - mean);
        for r in 0..c {
            out.extend([m[(r, c)].re * std::f64::consts::SQRT_2, m[(r, c)].im * std::f64::consts::SQRT_2]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;
    use crate::spin::{Basis, Site};
    use crate::synthesis::block::Transmitter;

    /// Two channels, two spins with a coupling and an offset; against central differences, whose error is about 1e-10.
    #[test]
    fn gradients_agree_with_finite_differences() {
        let basis = Basis::new(vec![Site::spin("a", 1, None), Site::spin("b", 1, None)]);
        let channel =
            |nucleus: &str, spin| Transmitter { nucleus: nucleus.into(), spins: vec![spin], rf: Some(3e4), rise: 0.0 };
        let mut channels = [channel("1H", 0), channel("13C", 1)];
        // A rise that lasts some steps.
        channels[1].rise = 3e-5;
        let internal = Matrix::from_diagonal(&[3e3, -2e3, 1e3, -2e3].map(real).to_vec().into());
        let machine = Machine::new(&basis, &channels, internal);
        let mut noise = Noise::new(5, 1);
        let mut h = Matrix::from_fn(4, 4, |_, _| C64::new(noise.normal(), noise.normal()));
        h += adjoint(&h);
        let gate = hermitian_eigen(&h).unwrap().propagator(1.0);
        let members = [
            Deviation { weight: 0.6, rf: vec![1.0, 1.0], offset: vec![0.0, 0.0] },
            Deviation { weight: 0.4, rf: vec![0.9, 1.05], offset: vec![2e3, -1e3] },
        ];
        let shaping = Shaping { machine: &machine, gate: &gate, step: 2e-5, members: members.to_vec() };
        let v: Vec<f64> = (0..24).map(|_| noise.normal()).collect();
        let weights = [0.6, 0.4];
        let (gradient, _) = shaping.gradient(&v, &weights).unwrap();
        for k in 0..v.len() {
            let at = |by: f64| {
                let mut moved = v.clone();
                moved[k] += by;
                shaping.costs(&moved).unwrap().iter().zip(weights).map(|(c, w)| c * w).sum::<f64>()
            };
            let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((gradient[k] - expected).abs() < 1e-8, "{k}: {} {expected}", gradient[k]);
        }
    }
}
