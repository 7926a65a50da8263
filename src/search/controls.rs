//! Parametrisation of the steps of pulse shapes: free variables for an unconstrained search, whatever limits the steps.
//!
//! ```text
//! any amplitude up to the peak   x + i y = sin(w) exp(i phi)
//! phases only                    x + i y = a exp(i phi), with the amplitudes a that are given
//! real                           x = sin(w), y = 0
//! ```
//!
//! With a bandwidth B, these are not the steps themselves but the input v of a Gaussian filter whose response falls to half the power at B:
//!
//! ```text
//! z_j = sum_k K_(j-k) v_k,  K_m = exp(-(m tau)^2/(2 sigma^2)) / sum over all m,  sigma = sqrt(ln 2)/(2 pi B)
//! ```
//!
//! The weights are positive and add up to 1, so a filtered step never exceeds the peak. The input is zero within 3 sigma of both ends, so
//! that the filtered shape starts and ends below 0.2 % of the peak. Of phases-only shapes the phase is filtered, with weights that add up to
//! 1 at the ends too.

use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::Fault;
use crate::noise::Noise;
use std::f64::consts::{LN_2, PI, TAU};

/// Limits of the steps.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// True to optimise the phases alone: amplitudes remain those given.
    pub phase_only: bool,
    /// True for steps along the phase of the pulse, of either sign.
    pub real: bool,
    /// Bandwidth, Hz: the frequency at which the spectrum of the controls falls to half the power.
    pub bandwidth: Option<f64>,
}

/// The steps of some shapes as functions of free variables.
#[derive(Debug, Clone)]
pub(super) struct Controls {
    limits: Limits,
    /// Amplitudes that are kept.
    amplitudes: Vec<f64>,
    /// Filter of every shape, and its number of steps.
    filters: Vec<(Option<Filter>, usize)>,
    /// True for steps that are kept as they are, with their values.
    held: Vec<Option<(f64, f64)>>,
}

/// A Gaussian filter.
#[derive(Debug, Clone)]
struct Filter {
    /// `K_m` for m from 0 on; it is symmetric.
    weights: Vec<f64>,
    /// Number of inputs at each end that are zero.
    margin: usize,
    /// Sum of the weights that are inside, for every step, if they are to add up to 1.
    sums: Option<Vec<f64>>,
}

/// The filtered shape ends below this multiple of sigma from its last input.
const MARGIN: f64 = 3.0;

impl Filter {
    fn new(bandwidth: f64, step: f64, count: usize, phases: bool) -> Filter {
        let sigma = LN_2.sqrt() / (TAU * bandwidth) / step;
        let reach = (8.0 * sigma).ceil() as usize;
        let plain: Vec<f64> = (0..=reach).map(|m| (-0.5 * (m as f64 / sigma).powi(2)).exp()).collect();
        let all = 2.0 * plain.iter().sum::<f64>() - 1.0;
        let margin = if phases { 0 } else { (MARGIN * sigma - 0.5).ceil().max(0.0) as usize };
        let mut filter = Filter { weights: plain.iter().map(|w| w / all).collect(), margin, sums: None };
        if phases {
            filter.sums = Some(filter.applied(&vec![1.0; count]));
        }
        filter
    }

    /// `K v`; K is symmetric.
    #[expect(clippy::indexing_slicing, reason = "k lies within v, and within the weights from j")]
    fn applied(&self, v: &[f64]) -> Vec<f64> {
        let n = v.len();
        let weighted = |j: usize| {
            let (from, to) = (j.saturating_sub(self.weights.len() - 1), (j + self.weights.len()).min(n));
            (from..to).map(|k| self.weights[j.abs_diff(k)] * v[k]).sum::<f64>()
        };
        let mut out: Vec<f64> = (0..n).map(weighted).collect();
        if let Some(sums) = &self.sums {
            out.iter_mut().zip(sums).for_each(|(x, sum)| *x /= sum);
        }
        out
    }

    /// `K^T g`.
    fn back(&self, g: &[f64]) -> Vec<f64> {
        match &self.sums {
            None => self.applied(g),
            Some(sums) => {
                let divided: Vec<f64> = g.iter().zip(sums).map(|(x, sum)| x / sum).collect();
                Filter { sums: None, ..self.clone() }.applied(&divided)
            }
        }
    }

    fn is_input(&self, k: usize, count: usize) -> bool {
        k >= self.margin && k + self.margin < count
    }
}

impl Controls {
    /// For shapes with these steps (amplitude, phase) and durations of a step, s.
    ///
    /// # Errors
    /// If limits contradict each other, or the bandwidth does not fit the steps or the duration of a shape.
    pub fn new(limits: Limits, shapes: &[(&[(f64, f64)], f64)]) -> Result<Controls, Fault> {
        if limits.real && limits.phase_only {
            let message = "steps that are real and of constant amplitude have nothing to optimise but signs";
            return Err(Diagnostic::without_place(Code::Contradiction, message)
                .help("leave out `--real` or `--phase-only`")
                .into());
        }
        let mut filters = Vec::with_capacity(shapes.len());
        for (steps, step) in shapes {
            let filter = limits.bandwidth.map(|b| filter(b, *step, steps.len(), limits.phase_only)).transpose()?;
            filters.push((filter, steps.len()));
        }
        let amplitudes: Vec<f64> = shapes.iter().flat_map(|(steps, _)| steps.iter().map(|s| s.0)).collect();
        let held = vec![None; amplitudes.len()];
        Ok(Controls { limits, amplitudes, filters, held })
    }

    /// The same with some steps kept as they are.
    pub fn holding(&self, held: Vec<Option<(f64, f64)>>) -> Controls {
        Controls { held, ..self.clone() }
    }

    /// The free variables from which a search starts for given steps (amplitude, phase). With a filter the steps are its input.
    pub fn variables_of(&self, steps: &[(f64, f64)]) -> Vec<f64> {
        // On the bound the derivative with respect to w vanishes, and the search would never leave it.
        let w = |a: f64| a.clamp(-0.999, 0.999).asin();
        let each = steps.iter();
        match (self.limits.phase_only, self.limits.real) {
            (true, _) => each.map(|(_, phase)| *phase).collect(),
            (_, true) => each.map(|(a, phase)| w(a * phase.cos())).collect(),
            _ => each.flat_map(|(a, phase)| [w(*a), *phase]).collect(),
        }
    }

    /// Random free variables.
    pub fn random(&self, noise: &mut Noise) -> Vec<f64> {
        let n = self.amplitudes.len();
        match (self.limits.phase_only, self.limits.real) {
            (true, _) => (0..n).map(|_| TAU * noise.even()).collect(),
            (_, true) => (0..n).map(|_| PI * (noise.even() - 0.5)).collect(),
            _ => (0..n).flat_map(|_| [0.5 * PI * noise.even(), TAU * noise.even()]).collect(),
        }
    }

    /// x and y of every step in front of the filters; of phases-only shapes, the phases.
    fn inputs(&self, free: &[f64]) -> Vec<(f64, f64)> {
        match (self.limits.phase_only, self.limits.real) {
            (true, _) => free.iter().map(|phi| (*phi, 0.0)).collect(),
            (_, true) => free.iter().map(|w| (w.sin(), 0.0)).collect(),
            _ => free.as_chunks().0.iter().map(|[w, phi]| (w.sin() * phi.cos(), w.sin() * phi.sin())).collect(),
        }
    }

    /// x and y of every step.
    pub fn steps(&self, free: &[f64]) -> Vec<(f64, f64)> {
        let mut steps = self.filtered(self.inputs(free), false);
        if self.limits.phase_only {
            steps.iter_mut().zip(&self.amplitudes).for_each(|(z, a)| *z = (a * z.0.cos(), a * z.0.sin()));
        }
        steps.iter_mut().zip(&self.held).for_each(|(z, held)| *z = held.unwrap_or(*z));
        steps
    }

    /// Applies the filter of every shape, or its transpose; inputs in the margins are zero.
    #[expect(clippy::indexing_slicing, reason = "the counts of all filters add up to the number of values")]
    fn filtered(&self, mut values: Vec<(f64, f64)>, transposed: bool) -> Vec<(f64, f64)> {
        let mut first = 0;
        for (filter, count) in &self.filters {
            let range = first..first + count;
            first += count;
            let Some(filter) = filter else { continue };
            let own = &mut values[range];
            let mask = |own: &mut [(f64, f64)]| {
                let outside = own.iter_mut().enumerate().filter(|(k, _)| !filter.is_input(*k, *count));
                outside.for_each(|(_, z)| *z = (0.0, 0.0));
            };
            if !transposed {
                mask(own);
            }
            let (x, y): (Vec<f64>, Vec<f64>) = own.iter().copied().unzip();
            let of = |part: &[f64]| if transposed { filter.back(part) } else { filter.applied(part) };
            own.iter_mut().zip(of(&x).into_iter().zip(of(&y))).for_each(|(z, new)| *z = new);
            if transposed {
                mask(own);
            }
        }
        values
    }

    /// The derivatives with respect to the free variables, from those with respect to x and y of every step.
    pub fn back(&self, free: &[f64], gradient: &[(f64, f64)]) -> Vec<f64> {
        let kept = gradient.iter().zip(&self.held);
        let mut g: Vec<(f64, f64)> = kept.map(|(g, held)| if held.is_some() { (0.0, 0.0) } else { *g }).collect();
        if self.limits.phase_only {
            let phases = self.filtered(self.inputs(free), false);
            for ((g, a), (phi, _)) in g.iter_mut().zip(&self.amplitudes).zip(phases) {
                *g = (a * (g.1 * phi.cos() - g.0 * phi.sin()), 0.0);
            }
        }
        let g = self.filtered(g, true);
        match (self.limits.phase_only, self.limits.real) {
            (true, _) => g.into_iter().map(|g| g.0).collect(),
            (_, true) => g.into_iter().zip(free).map(|(g, w)| g.0 * w.cos()).collect(),
            _ => {
                let of = |([w, phi], (x, y)): (&[f64; 2], (f64, f64))| {
                    let (along, across) = (x * phi.cos() + y * phi.sin(), y * phi.cos() - x * phi.sin());
                    [w.cos() * along, w.sin() * across]
                };
                free.as_chunks().0.iter().zip(g).flat_map(of).collect()
            }
        }
    }
}

/// Amplitudes from 0 to 1 and phases from 0 to 2 pi of steps given by x and y.
pub(super) fn polar(steps: &[(f64, f64)]) -> Vec<(f64, f64)> {
    steps.iter().map(|(x, y)| (x.hypot(*y).min(1.0), y.atan2(*x).rem_euclid(TAU))).collect()
}

fn filter(bandwidth: f64, step: f64, count: usize, phases: bool) -> Result<Filter, Fault> {
    let refused = |message: String, help: String| -> Fault {
        Diagnostic::without_place(Code::OutOfRange, message).help(help).into()
    };
    if !(bandwidth > 0.0 && bandwidth.is_finite()) {
        return Err(refused(
            format!("a bandwidth must be positive, this is {bandwidth} Hz"),
            "give a frequency: `--bandwidth 50kHz`".into(),
        ));
    }
    let highest = 0.5 / step;
    if bandwidth > highest * (1.0 + 1e-9) {
        let message =
            format!("a bandwidth of {bandwidth:e} Hz is above half the step rate of the shape, {highest:e} Hz");
        return Err(refused(message, "use more steps, or a lower bandwidth".into()));
    }
    let filter = Filter::new(bandwidth, step, count, phases);
    if 2 * filter.margin >= count {
        let least = 2.0 * MARGIN * LN_2.sqrt() / (TAU * step * count as f64);
        let message =
            format!("a pulse of {:e} s is too short for a bandwidth of {bandwidth:e} Hz", step * count as f64);
        return Err(refused(message, format!("its rise and its fall need a bandwidth of more than {least:.3e} Hz")));
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Limits> {
        let plain = Limits::default();
        let kinds = [plain, Limits { phase_only: true, ..plain }, Limits { real: true, ..plain }];
        kinds.iter().flat_map(|k| [*k, Limits { bandwidth: Some(60e3), ..*k }]).collect()
    }

    /// Derivatives of a quadratic function of the steps.
    #[test]
    fn derivatives_are_those_of_differences() {
        let mut noise = Noise::new(3, 1);
        let shapes: Vec<Vec<(f64, f64)>> =
            [40, 25].iter().map(|n| (0..*n).map(|_| (noise.even(), TAU * noise.even())).collect()).collect();
        for limits in all() {
            let controls = Controls::new(limits, &[(&shapes[0], 1e-6), (&shapes[1], 2e-6)]).unwrap();
            let free = controls.random(&mut noise);
            let weights: Vec<f64> = (0..65).map(|_| noise.normal()).collect();
            let value = |free: &[f64]| -> f64 {
                let steps = controls.steps(free);
                steps.iter().zip(&weights).map(|((x, y), w)| w * (x * x + 0.3 * y + x * y)).sum()
            };
            let gradient: Vec<(f64, f64)> = controls
                .steps(&free)
                .iter()
                .zip(&weights)
                .map(|((x, y), w)| (w * (2.0 * x + y), w * (0.3 + x)))
                .collect();
            let found = controls.back(&free, &gradient);
            for k in 0..free.len() {
                let at = |by: f64| {
                    let mut moved = free.clone();
                    moved[k] += by;
                    value(&moved)
                };
                let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                // The error of central differences is of the order of 1e-10.
                assert!((found[k] - expected).abs() < 1e-8, "{limits:?} {k}: {} {expected}", found[k]);
            }
        }
    }

    #[test]
    fn steps_keep_their_limits() {
        let mut noise = Noise::new(5, 1);
        let steps: Vec<(f64, f64)> = (0..100).map(|_| (0.6, 0.0)).collect();
        for limits in all() {
            let controls = Controls::new(limits, &[(&steps, 1e-6)]).unwrap();
            let found = controls.steps(&controls.random(&mut noise));
            assert!(found.iter().all(|(x, y)| x.hypot(*y) <= 1.0 + 1e-12), "{limits:?}");
            if limits.phase_only {
                assert!(found.iter().all(|(x, y)| (x.hypot(*y) - 0.6).abs() < 1e-12), "{limits:?}");
            } else if limits.bandwidth.is_some() {
                let ends = found[0].0.hypot(found[0].1).max(found[99].0.hypot(found[99].1));
                assert!(ends < 2e-3, "{limits:?}: {ends}");
            }
            if limits.real {
                assert!(found.iter().all(|z| z.1 == 0.0) && found.iter().any(|z| z.0 < 0.0), "{limits:?}");
            }
        }
    }

    /// At B the filter passes half of the power, at 2 B a sixteenth: |exp(-2 pi^2 sigma^2 f^2)|^2 = 2^(-(f/B)^2).
    #[test]
    fn the_bandwidth_is_that_of_half_the_power() {
        let (bandwidth, step, n) = (20e3, 1e-6, 2000);
        let limits = Limits { real: true, bandwidth: Some(bandwidth), ..Limits::default() };
        let steps = vec![(1.0, 0.0); n];
        let controls = Controls::new(limits, &[(&steps, step)]).unwrap();
        for (times, expected) in [(1.0, 0.5f64), (2.0, 1.0 / 16.0)] {
            let wave = |k: usize| (TAU * times * bandwidth * step * k as f64).cos();
            let free: Vec<f64> = (0..n).map(|k| (0.9 * wave(k)).asin()).collect();
            let middle = &controls.steps(&free)[900..1100];
            let passed = middle.iter().enumerate().map(|(k, z)| z.0 * wave(900 + k)).sum::<f64>()
                / (0..200).map(|k| 0.9 * wave(900 + k).powi(2)).sum::<f64>();
            // Sampling adds the copies of the Gaussian at multiples of the step rate, below 1e-9.
            assert!((passed - expected.sqrt()).abs() < 1e-6, "{times}: {passed}");
        }
    }

    #[test]
    fn limits_that_contradict_are_refused() {
        let steps = vec![(1.0, 0.0); 20];
        let refused = |limits: Limits| Controls::new(limits, &[(&steps, 1e-6)]).unwrap_err().message;
        let plain = Limits::default();
        assert!(refused(Limits { real: true, phase_only: true, ..plain }).contains("nothing to optimise but signs"));
        assert!(refused(Limits { bandwidth: Some(0.0), ..plain }).contains("must be positive"));
        assert!(refused(Limits { bandwidth: Some(501e3), ..plain }).contains("above half the step rate"));
        assert!(refused(Limits { bandwidth: Some(30e3), ..plain }).contains("too short"));
    }
}
