//! State tomography of spins 1/2 from single-shot counts, each spin measured along x, y or z.
//!
//! A setting specifies one axis per spin; the probabilities of its outcomes are
//!
//! ```text
//! p_o = 2^-n sum_m (-1)^|o & m| r_m,   r_m = Tr[rho P_m]
//! ```
//!
//! over all subsets m of spins, with `P_m` the product of their Pauli matrices along the setting's axes: a Walsh transform. The
//! likelihood therefore depends on the state only through the `4^n - 1` means r, and is log-concave in them. If its maximum is a
//! density matrix, Newton's method finds it in a few steps; otherwise the maximum-likelihood state is on the boundary, and projected
//! gradients with Nesterov acceleration find it (Shang, Zhang, Ng, Phys. Rev. A 95, 062336). The textbook `R rho R` iteration is not
//! used: it needs thousands of steps.

#![expect(
    clippy::indexing_slicing,
    reason = "places are indices of Pauli products, one per mean, and states have as many spins as the settings"
)]

use crate::delimited;
use crate::linalg::{C64, LinalgError, Matrix, hermitian_values, norm_squared, real, solve_positive};
use crate::noise::Noise;
use crate::spin::nearest_state;
use std::ops::{Add, Sub};

/// Maximum number of spins: beyond this, a Newton step needs too much memory.
pub const MOST_SPINS: usize = 5;

/// Maximum number of shots in a table: beyond this, a 64-bit float no longer represents all integers.
pub const MOST_SHOTS: u64 = 1 << 53;

/// Maximum number of iterations.
const MOST_STEPS: usize = 5000;

/// Estimator of a state from counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimator {
    /// Linear inversion of the sample means.
    Linear,
    /// Density matrix nearest to the linear inversion.
    Nearest,
    /// Maximum likelihood for multinomial counts.
    MaximumLikelihood,
}

/// The estimators: (keyword, estimator, description).
pub const ESTIMATORS: &[(&str, Estimator, &str)] = &[
    ("maximum_likelihood", Estimator::MaximumLikelihood, "the maximum-likelihood density matrix of multinomial counts"),
    (
        "nearest",
        Estimator::Nearest,
        "the density matrix nearest to linear inversion, the maximum-likelihood one for white noise",
    ),
    ("linear", Estimator::Linear, "linear inversion; eigenvalues may be negative"),
];

/// Measurement axes of every setting: 0, 1, 2 for x, y, z, one per spin.
#[derive(Debug, Clone)]
pub struct Settings {
    spins: usize,
    /// For every setting, the index of the Pauli product of every subset of spins.
    places: Vec<Vec<usize>>,
}

/// State reconstructed from counts.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The density matrix (for `Linear`, possibly with negative eigenvalues).
    pub state: Matrix,
    /// Smallest eigenvalue of the linear-inversion estimate.
    pub smallest_linear: f64,
    /// Number of iterations.
    pub steps: usize,
    /// True if the iteration converged.
    pub converged: bool,
}

impl Settings {
    /// Builds from measurement axes; `None` if a setting has the wrong length or an axis is not 0, 1 or 2.
    pub fn new(spins: usize, axes: &[Vec<u8>]) -> Option<Settings> {
        let right = |setting: &Vec<u8>| setting.len() == spins && setting.iter().all(|a| *a < 3);
        if spins == 0 || spins > MOST_SPINS || !axes.iter().all(right) {
            return None;
        }
        let place = |setting: &[u8], m: usize| {
            setting.iter().enumerate().fold(0, |place, (k, axis)| {
                let has = m >> (spins - 1 - k) & 1 == 1;
                4 * place + if has { 1 + *axis as usize } else { 0 }
            })
        };
        let places = axes.iter().map(|s| (0..1 << spins).map(|m| place(s, m)).collect()).collect();
        Some(Settings { spins, places })
    }

    /// Number of outcomes of a setting, `2^n`.
    pub fn outcomes(&self) -> usize {
        1 << self.spins
    }

    /// For every setting, the index of the Pauli product of every subset of spins.
    pub(super) fn places(&self) -> &[Vec<usize>] {
        &self.places
    }

    /// Indices of the Pauli products that no setting measures.
    pub fn unseen(&self) -> usize {
        let mut seen = vec![false; 1 << (2 * self.spins)];
        self.places.iter().flatten().for_each(|k| seen[*k] = true);
        seen.iter().filter(|s| !**s).count()
    }

    /// Probabilities of all outcomes of all settings.
    pub fn probabilities(&self, state: &Matrix) -> Vec<f64> {
        let mut p = vec![0.0; self.places.len() << self.spins];
        self.probabilities_of(&pauli_means(state), &mut p);
        p
    }

    fn probabilities_of(&self, r: &[f64], p: &mut [f64]) {
        let n = self.outcomes();
        for (places, p) in self.places.iter().zip(p.chunks_exact_mut(n)) {
            p.iter_mut().zip(places).for_each(|(p, k)| *p = r[*k] / n as f64);
            walsh(p);
        }
    }

    /// Gradient of the log-likelihood `sum f ln p` with respect to the means, from the ratios `f/p`.
    fn slope(&self, ratios: &[f64], g: &mut [f64]) {
        let n = self.outcomes();
        g.fill(0.0);
        let mut sums = vec![0.0; n];
        for (places, ratios) in self.places.iter().zip(ratios.chunks_exact(n)) {
            sums.copy_from_slice(ratios);
            walsh(&mut sums);
            places.iter().zip(&sums).for_each(|(k, s)| g[*k] += s / n as f64);
        }
    }

    /// Sample means of the Pauli products, each over all shots of all settings that measure it; 0 for those that none measures.
    fn means(&self, counts: &[u64]) -> Vec<f64> {
        let n = self.outcomes();
        let (mut sums, mut shots) = (vec![0.0; n * n], vec![0.0; n * n]);
        for (places, counts) in self.places.iter().zip(counts.chunks_exact(n)) {
            let mut own: Vec<f64> = counts.iter().map(|c| *c as f64).collect();
            walsh(&mut own);
            for (k, sum) in places.iter().zip(&own) {
                sums[*k] += sum;
                shots[*k] += own[0];
            }
        }
        sums.iter().zip(&shots).map(|(sum, shots)| if *shots > 0.0 { sum / shots } else { 0.0 }).collect()
    }

    /// Reconstructs the state from counts, ordered by setting, then outcome; the first spin is the highest bit of an outcome, and bit 0
    /// means spin up.
    ///
    /// # Errors
    /// When eigenvalues cannot be computed.
    pub fn reconstruct(&self, counts: &[u64], estimator: Estimator) -> Result<Counted, LinalgError> {
        let mut means = self.means(counts);
        means[0] = 1.0;
        let linear = state_of(&means);
        let smallest_linear = hermitian_values(&linear)?.first().copied().unwrap_or(0.0);
        let done = |state, steps, converged| Counted { state, smallest_linear, steps, converged };
        Ok(match estimator {
            Estimator::Linear => done(linear, 0, true),
            Estimator::Nearest if smallest_linear >= 0.0 => done(linear, 0, true),
            Estimator::Nearest => done(nearest_state(&linear)?, 0, true),
            Estimator::MaximumLikelihood => {
                let shots: u64 = counts.iter().sum();
                let f: Vec<f64> = counts.iter().map(|c| *c as f64 / shots.max(1) as f64).collect();
                let (newton, steps) = self.newton(&f, &means);
                let highest = newton.map(|r| state_of(&r));
                if let Some(state) = highest
                    && hermitian_values(&state)?.first().is_some_and(|x| *x >= 0.0)
                {
                    return Ok(done(state, steps, true));
                }
                let (state, more, converged) = self.projected(&f, &linear)?;
                done(state, steps + more, converged)
            }
        })
    }

    /// Maximum of the likelihood over all means, physical or not; `None` if there is none. Also returns the number of steps.
    fn newton(&self, f: &[f64], start: &[f64]) -> (Option<Vec<f64>>, usize) {
        const STEPS: usize = 40;
        let (n, size) = (self.outcomes(), start.len());
        if self.unseen() > 0 {
            return (None, 0);
        }
        let mut r = start.to_vec();
        let mut p = vec![0.0; f.len()];
        let allowed = |p: &[f64]| p.iter().zip(f).all(|(p, f)| *f == 0.0 || *p > 0.0);
        self.probabilities_of(&r, &mut p);
        // The maximally mixed state has positive probabilities for all outcomes: mix it in.
        while !allowed(&p) {
            r.iter_mut().skip(1).for_each(|x| *x *= 0.9);
            self.probabilities_of(&r, &mut p);
        }
        let likelihood = |p: &[f64]| p.iter().zip(f).filter(|(_, f)| **f > 0.0).map(|(p, f)| f * p.ln()).sum::<f64>();
        let (mut g, mut ratios) = (vec![0.0; size], vec![0.0; f.len()]);
        let mut curvature = vec![0.0; (size - 1) * (size - 1)];
        let mut known = likelihood(&p);
        for step in 1..=STEPS {
            ratios.iter_mut().zip(&p).zip(f).for_each(|((x, p), f)| *x = if *f > 0.0 { f / p } else { 0.0 });
            self.slope(&ratios, &mut g);
            curvature.fill(0.0);
            let mut second = vec![0.0; n];
            for (places, (ratios, p)) in self.places.iter().zip(ratios.chunks_exact(n).zip(p.chunks_exact(n))) {
                // sum_o (f/p^2) (-1)^|o & (l ^ m)|, also a Walsh transform.
                second
                    .iter_mut()
                    .zip(ratios.iter().zip(p))
                    .for_each(|(s, (x, p))| *s = if *x > 0.0 { x / p } else { 0.0 });
                walsh(&mut second);
                for (l, a) in places.iter().enumerate().skip(1) {
                    for (m, b) in places.iter().enumerate().skip(1) {
                        curvature[(a - 1) * (size - 1) + b - 1] += second[l ^ m] / (n * n) as f64;
                    }
                }
            }
            let Some(direction) = solve_positive(&curvature, &g[1..]) else { return (None, step) };
            let mut length = 1.0;
            let before = r.clone();
            loop {
                r.iter_mut()
                    .skip(1)
                    .zip(&before[1..])
                    .zip(direction.iter())
                    .for_each(|((r, b), d)| *r = b + length * d);
                self.probabilities_of(&r, &mut p);
                if allowed(&p) && likelihood(&p) >= known - 1e-15 {
                    break;
                }
                length *= 0.5;
                if length < 1e-10 {
                    return (Some(before), step);
                }
            }
            known = likelihood(&p);
            if length * direction.iter().map(|d| d * d).sum::<f64>().sqrt() < 1e-11 {
                return (Some(r), step);
            }
        }
        // Outcomes that were never observed may drive the maximum to infinity.
        (None, STEPS)
    }

    /// Maximum-likelihood density matrix by accelerated projected gradients.
    fn projected(&self, f: &[f64], linear: &Matrix) -> Result<(Matrix, usize, bool), LinalgError> {
        let d = self.outcomes() as f64;
        let mut now = nearest_state(linear)? * real(0.99);
        crate::linalg::add_to_diagonal(&mut now, real(0.01 / d));
        let (mut ahead, mut momentum, mut length) = (now.clone(), 1.0f64, 0.25);
        let mut p = vec![0.0; f.len()];
        let mut g = vec![0.0; 1 << (2 * self.spins)];
        let mut ratios = vec![0.0; f.len()];
        let cost = |p: &[f64]| -> f64 {
            p.iter().zip(f).filter(|(_, f)| **f > 0.0).map(|(p, f)| -f * p.max(1e-300).ln()).sum()
        };
        for step in 1..=MOST_STEPS {
            self.probabilities_of(&pauli_means(&ahead), &mut p);
            let here = cost(&p);
            ratios.iter_mut().zip(&p).zip(f).for_each(|((x, p), f)| *x = -f / p.max(1e-300));
            self.slope(&ratios, &mut g);
            // df = sum_m g_m Tr[drho P_m], so the gradient is 2^n times the matrix with these Pauli means.
            let slope = state_of(&g) * real(d);
            let next = loop {
                let next = nearest_state(&(&ahead - &slope * real(length)))?;
                let moved = &next - &ahead;
                self.probabilities_of(&pauli_means(&next), &mut p);
                let promised =
                    here + crate::linalg::trace_of_product(&slope, &moved).re + norm_squared(&moved) / (2.0 * length);
                if cost(&p) <= promised + 1e-14 || length < 1e-12 {
                    break next;
                }
                length *= 0.5;
            };
            let change = &next - &now;
            let uphill = crate::linalg::trace_of_product(&(&ahead - &next), &change).re > 0.0;
            let before = if uphill { 1.0 } else { momentum };
            momentum = 0.5 * (1.0 + (1.0 + 4.0 * before * before).sqrt());
            let weight = if uphill { 0.0 } else { (before - 1.0) / momentum };
            let jump = (&next - &ahead).iter().map(|x| x.norm()).fold(0.0, f64::max);
            ahead = &next + &change * real(weight);
            now = next;
            if norm_squared(&change).sqrt() < 1e-10 && jump < 1e-9 {
                return Ok((now, step, true));
            }
            length *= 1.05;
        }
        Ok((now, MOST_STEPS, false))
    }

    /// Linear-inversion estimate; eigenvalues may be negative.
    pub fn plain(&self, counts: &[u64]) -> Matrix {
        let mut means = self.means(counts);
        means[0] = 1.0;
        state_of(&means)
    }

    /// Simulates counts for a state, `shots` per setting.
    pub fn drawn(&self, state: &Matrix, shots: &[u64], noise: &mut Noise) -> Vec<u64> {
        self.counts_of(&self.probabilities(state), shots, noise)
    }

    /// Simulates counts from probabilities: sequential binomial draws from the remaining shots, so the cost does not depend on the
    /// number of shots.
    pub fn counts_of(&self, probabilities: &[f64], shots: &[u64], noise: &mut Noise) -> Vec<u64> {
        let mut out = Vec::with_capacity(probabilities.len());
        for (p, shots) in probabilities.chunks_exact(self.outcomes()).zip(shots) {
            let mut left = *shots;
            let mut share: f64 = p.iter().map(|p| p.max(0.0)).sum();
            for (k, p) in p.iter().enumerate() {
                let p = p.max(0.0);
                let last = k + 1 == self.outcomes();
                let count = if last { left } else { noise.successes(left, if share > 0.0 { p / share } else { 0.0 }) };
                left -= count;
                share -= p;
                out.push(count);
            }
        }
        out
    }
}

/// Walsh-Hadamard transform in place: sums with the sign `(-1)^|o & m|`.
#[inline(always)]
pub(super) fn walsh<T: Copy + Add<Output = T> + Sub<Output = T>>(x: &mut [T]) {
    let mut apart = 1;
    while apart < x.len() {
        for block in x.chunks_exact_mut(2 * apart) {
            let (up, down) = block.split_at_mut(apart);
            for (a, b) in up.iter_mut().zip(down) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        apart *= 2;
    }
}

/// Bit flips of a Pauli product, and its phase for a basis state as a power of i: `P|s> = i^k |s ^ flips>`.
pub(super) fn pauli(place: usize, spins: usize, state: usize) -> (usize, u8) {
    let (mut flips, mut phase) = (0, 0);
    for k in 0..spins {
        let up = state >> k & 1 == 0;
        match place >> (2 * k) & 3 {
            1 => flips |= 1 << k,
            2 => {
                flips |= 1 << k;
                phase += if up { 1 } else { 3 };
            }
            3 if !up => phase += 2,
            _ => {}
        }
    }
    (flips, phase % 4)
}

fn turned(x: C64, phase: u8) -> C64 {
    match phase {
        0 => x,
        1 => C64::new(-x.im, x.re),
        2 => -x,
        _ => C64::new(x.im, -x.re),
    }
}

/// Density matrix from Pauli means: `rho = 2^-n sum r_P P`.
fn state_of(means: &[f64]) -> Matrix {
    let spins = means.len().trailing_zeros() as usize / 2;
    let n = 1 << spins;
    let mut out = Matrix::zeros(n, n);
    for (place, r) in means.iter().enumerate() {
        for s in 0..n {
            let (flips, phase) = pauli(place, spins, s);
            out[(s ^ flips, s)] += turned(real(r / n as f64), phase);
        }
    }
    out
}

/// Pauli means `Tr[rho P]` of all Pauli products.
fn pauli_means(state: &Matrix) -> Vec<f64> {
    let n = state.nrows();
    let spins = n.trailing_zeros() as usize;
    (0..n * n)
        .map(|place| {
            let one = |s: usize| {
                let (flips, phase) = pauli(place, spins, s);
                turned(state[(s, s ^ flips)], phase).re
            };
            (0..n).map(one).sum()
        })
        .collect()
}

/// Parses a table of counts: one `setting, outcome, count` per line, such as `XZ, 01, 237`; `#` starts a comment. Outcomes not listed have
/// count 0. Returns the settings, in order of first appearance, and their counts.
///
/// # Errors
/// A message that names the line, if the table is not valid.
pub fn read_counts(text: &str, spins: usize) -> Result<(Settings, Vec<u64>), String> {
    let too_many = || format!("counts are supported for 1 to {MOST_SPINS} spins, these are {spins}");
    if spins > MOST_SPINS {
        return Err(too_many());
    }
    let mut table: Vec<(Vec<u8>, Vec<Option<u64>>)> = Vec::new();
    let named = |cells: &[String]| cells.iter().any(|cell| cell.eq_ignore_ascii_case("setting"));
    let read = delimited::table(text, named)?;
    let places = match read.head.as_slice() {
        [] => [0, 1, 2],
        head => delimited::columns(head, ["setting", "outcome", "count"])?,
    };
    for (line, cells) in &read.rows {
        if read.head.is_empty() && cells.len() != places.len() {
            return Err(format!(
                "line {line}: expected a setting, an outcome and a count, found {} cells",
                cells.len()
            ));
        }
        let [setting, outcome, count] = places.map(|k| cells.get(k).map_or("", String::as_str));
        let own: Option<Vec<u8>> =
            setting.chars().map(|c| "XYZ".find(c.to_ascii_uppercase()).map(|k| k as u8)).collect();
        let own = own.filter(|o| o.len() == spins).ok_or_else(|| {
            format!("line {line}: `{setting}` is not a setting of {spins} spins: one letter x, y or z per spin")
        })?;
        let bits = Some(outcome).filter(|o| o.len() == spins && o.chars().all(|c| c == '0' || c == '1'));
        let bits = bits.and_then(|o| usize::from_str_radix(o, 2).ok()).ok_or_else(|| {
            format!("line {line}: `{outcome}` is not an outcome of {spins} spins: 0 (up) or 1 (down) per spin")
        })?;
        // Spreadsheets may write `120.0`.
        let whole = |x: f64| (x >= 0.0 && x.fract() == 0.0 && x <= MOST_SHOTS as f64).then_some(x as u64);
        let number = count.parse::<u64>().ok().or_else(|| delimited::number(count).ok()?.and_then(whole));
        let number = number.filter(|n| *n <= MOST_SHOTS);
        let count = number.ok_or_else(|| {
            format!("line {line}: `{count}` is not a count: expected an integer from 0 to {MOST_SHOTS}")
        })?;
        let known = match table.iter().position(|(axes, _)| *axes == own) {
            Some(k) => table.get_mut(k),
            None => {
                table.push((own, vec![None; 1 << spins]));
                table.last_mut()
            }
        };
        let place = known.and_then(|(_, counts)| counts.get_mut(bits));
        if place.is_some_and(|place| place.replace(count).is_some()) {
            return Err(format!("line {line}: outcome {outcome} of setting {setting} occurs twice"));
        }
    }
    let (axes, counts): (Vec<Vec<u8>>, Vec<Vec<Option<u64>>>) = table.into_iter().unzip();
    let counts: Vec<u64> = counts.iter().flatten().map(|c| c.unwrap_or(0)).collect();
    let shots = counts.iter().try_fold(0u64, |sum, c| sum.checked_add(*c)).filter(|sum| *sum <= MOST_SHOTS);
    if shots.is_none() {
        return Err(format!("it contains more than {MOST_SHOTS} shots"));
    }
    if shots == Some(0) {
        return Err("it contains no counts".into());
    }
    let settings = Settings::new(spins, &axes).ok_or_else(too_many)?;
    Ok((settings, counts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::random::state;

    fn all(spins: usize) -> Settings {
        let axes: Vec<Vec<u8>> = (0..3usize.pow(spins as u32))
            .map(|k| (0..spins).map(|s| (k / 3usize.pow(s as u32) % 3) as u8).collect())
            .collect();
        Settings::new(spins, &axes).unwrap()
    }

    #[test]
    fn means_and_states_are_one_another() {
        for spins in 1..4 {
            let rho = state(1 << spins, 3);
            assert!((state_of(&pauli_means(&rho)) - &rho).norm() < 1e-14);
            let settings = all(spins);
            assert_eq!(settings.unseen(), 0);
            let p = settings.probabilities(&rho);
            assert!(
                p.chunks(1 << spins)
                    .all(|p| (p.iter().sum::<f64>() - 1.0).abs() < 1e-14 && p.iter().all(|x| *x >= 0.0))
            );
            // The first setting measures x on all spins: its probabilities must be those of the projectors.
            let y = |s: usize| pauli(2, 1, s);
            assert_eq!((y(0), y(1)), ((1, 1), (1, 3)));
        }
    }

    /// Counts are drawn as whole numbers, not shot by shot: 10^15 shots would take days. Each is within six standard deviations of its
    /// mean, which one in 5e8 is not, and not at its mean, which a number that is not drawn would be.
    #[test]
    fn any_number_of_shots_is_drawn_at_once() {
        const SHOTS: u64 = 1_000_000_000_000_000;
        let settings = all(2);
        let rho = state(4, 5);
        let counts = settings.drawn(&rho, &[SHOTS; 9], &mut Noise::new(11, 0));
        for (counts, p) in counts.chunks(4).zip(settings.probabilities(&rho).chunks(4)) {
            assert_eq!(counts.iter().sum::<u64>(), SHOTS);
            for (count, p) in counts.iter().zip(p) {
                let away = (*count as f64 - p * SHOTS as f64).abs() / (SHOTS as f64 * p * (1.0 - p)).sqrt();
                assert!(away < 6.0 && away > 1e-4, "{count} {p}: {away}");
            }
        }
    }

    #[test]
    fn the_likeliest_state_is_the_likeliest() {
        for (spins, seed) in [(1, 1), (2, 2), (2, 3), (3, 4)] {
            let settings = all(spins);
            let mut noise = Noise::new(seed, 0);
            let rho = state(1 << spins, seed);
            let counts = settings.drawn(&rho, &vec![300; 3usize.pow(spins as u32)], &mut noise);
            let found = settings.reconstruct(&counts, Estimator::MaximumLikelihood).unwrap();
            assert!(found.converged, "{spins} {seed}");
            let likelihood = |m: &Matrix| -> f64 {
                let p = settings.probabilities(m);
                p.iter().zip(&counts).filter(|(_, c)| **c > 0).map(|(p, c)| *c as f64 * p.max(1e-300).ln()).sum()
            };
            let best = likelihood(&found.state);
            assert!((found.state.trace().re - 1.0).abs() < 1e-12);
            assert!(hermitian_values(&found.state).unwrap()[0] > -1e-12);
            // No state in any direction has a higher likelihood; it is concave, so testing nearby states suffices.
            for k in 0..200 {
                let other = state(1 << spins, 100 + k);
                for share in [1e-4, 1e-2, 0.3] {
                    let mixed = &found.state * real(1.0 - share) + &other * real(share);
                    assert!(likelihood(&mixed) <= best + 1e-6, "{spins} {seed} {k}");
                }
            }
        }
    }

    #[test]
    fn both_ways_to_the_top_meet() {
        let settings = all(2);
        let rho = state(4, 8);
        let counts = settings.drawn(&rho, &[2000; 9], &mut Noise::new(5, 0));
        let shots: u64 = counts.iter().sum();
        let f: Vec<f64> = counts.iter().map(|c| *c as f64 / shots as f64).collect();
        let by_newton = settings.reconstruct(&counts, Estimator::MaximumLikelihood).unwrap().state;
        let (by_projection, ..) =
            settings.projected(&f, &settings.reconstruct(&counts, Estimator::Linear).unwrap().state).unwrap();
        assert!((by_newton - by_projection).norm() < 1e-7);
    }

    #[test]
    fn tables_of_counts_are_read() {
        let (settings, counts) = read_counts("setting, outcome, count\nXZ, 00, 3 # up\nxz,11,4\nYY,01,5\n", 2).unwrap();
        assert_eq!((settings.places.len(), counts), (2, vec![3, 0, 0, 4, 0, 5, 0, 0]));
        for (text, why) in [
            ("XA, 00, 3", "not a setting"),
            ("XZ, 02, 3", "not an outcome"),
            ("XZ, 00, -3", "not a count"),
            ("XZ, 00", "2 cells"),
            ("XZ, 00, 3\nXZ, 00, 4", "twice"),
            ("", "empty"),
        ] {
            let said = read_counts(text, 2).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
