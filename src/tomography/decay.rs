//! Line amplitudes from free induction decays (FIDs).
//!
//! The line frequencies are known, so `s(t_k) = sum_l a_l exp(2 pi i nu_l t_k - t_k/T2)` is linear in the amplitudes, and linear least
//! squares gives them with their covariance: `a = G^-1 F^ s`, `G = F^ F`; white noise of variance v in the real and imaginary part of each
//! point gives complex amplitudes the covariance `2 v G^-1`. Points in the dead time are left out, which costs precision but causes no
//! phase error. If T2 is not known, it is the one that minimises the residual.

use super::data::{self, Amplitude};
use super::lines::Line;
use super::plan::Plan;
use crate::decays::sign::sign;
use crate::linalg::{C64, Eigen, LinalgError, Matrix, ZERO, hermitian_eigen};
use crate::units::TWO_PI;

/// FID of one readout. Its points are those of `Tr[rho F+]`; files use the spectrometer's sign of frequency, which
/// [`crate::decays::sign`] converts.
#[derive(Debug, Clone, PartialEq)]
pub struct Decay {
    /// Readout word, or [`ROW`] followed by the 1-based index of the readout in the plan.
    pub readout: String,
    /// Detected nucleus.
    pub nucleus: String,
    /// Dwell time, s.
    pub dwell: f64,
    /// Time of the first point, s; negative if a digital filter delays the signal.
    pub start: f64,
    /// Complex points; `None` where nothing was recorded, as in the dead time.
    pub points: Vec<Option<C64>>,
}

/// Prefix of the readout name of a FID that is identified by its row number.
pub const ROW: &str = "row ";

/// Least-squares problem: the lines of one channel at the sampling times of a FID.
pub struct Fit {
    /// Design matrix: one column per line, one row per recorded point.
    model: Matrix,
    gram: Eigen,
}

/// Result of a fit.
pub struct Fitted {
    /// Complex line amplitudes.
    pub amplitudes: Vec<C64>,
    /// Residual sum of squares.
    pub left: f64,
    /// Degrees of freedom, in complex numbers: points minus lines.
    pub freedom: usize,
}

/// Resolved lines have eigenvalues of G near the number of points; below 1e-9 of the largest there is only rounding.
const TOLD_APART: f64 = 1e-9;

impl Fit {
    /// Model for lines at these frequencies (Hz) and sampling times (s), with decay time `t2` (s).
    ///
    /// # Errors
    /// When the lines cannot be resolved in this time.
    #[expect(clippy::indexing_slicing, reason = "the model has one row per time and one column per frequency")]
    pub fn new(frequencies: &[f64], times: &[f64], t2: f64) -> Result<Fit, String> {
        if times.len() < frequencies.len() {
            return Err(format!("{} points cannot resolve {} lines", times.len(), frequencies.len()));
        }
        let model = Matrix::from_fn(times.len(), frequencies.len(), |k, l| {
            C64::cis(TWO_PI * frequencies[l] * times[k]) * (-times[k] / t2).exp()
        });
        let gram = hermitian_eigen(&(model.adjoint() * &model)).map_err(|e: LinalgError| e.to_string())?;
        let largest = gram.values.last().copied().unwrap_or(0.0);
        if gram.values.first().is_none_or(|x| *x <= TOLD_APART * largest) {
            return Err("its lines are not resolved: acquire for a longer time, or with a shorter dwell time".into());
        }
        Ok(Fit { model, gram })
    }

    /// `G^-1`; times 2 v it is the covariance of the amplitudes.
    pub fn covariance(&self) -> Matrix {
        self.gram.function(|x| C64::new(1.0 / x, 0.0))
    }

    /// Fits the amplitudes to a FID.
    pub fn amplitudes(&self, signal: &[C64]) -> Fitted {
        let signal = Matrix::from_column_slice(signal.len(), 1, signal);
        let found = self.covariance() * (self.model.adjoint() * &signal);
        let left = (&self.model * &found - signal).iter().map(|z| z.norm_sqr()).sum();
        Fitted {
            amplitudes: found.iter().copied().collect(),
            left,
            freedom: self.model.nrows().saturating_sub(self.model.ncols()),
        }
    }

    /// FID of given amplitudes.
    pub fn decay(&self, amplitudes: &[C64]) -> Vec<C64> {
        let a = Matrix::from_column_slice(amplitudes.len(), 1, amplitudes);
        (&self.model * a).iter().copied().collect()
    }
}

impl Decay {
    /// Complex conjugate signal: frequencies of opposite sign.
    pub fn mirrored(&self) -> Decay {
        Decay { points: self.points.iter().map(|z| z.map(|z| z.conj())).collect(), ..self.clone() }
    }

    /// Converts between the spectrometer's sign of frequency and that of `Tr[rho F+]`.
    pub fn turned(&self) -> Decay {
        if sign(&self.nucleus) < 0.0 { self.mirrored() } else { self.clone() }
    }

    /// Times and values of the recorded points.
    fn received(&self) -> (Vec<f64>, Vec<C64>) {
        let time = |k: usize| self.start + self.dwell * k as f64;
        let points = self.points.iter().enumerate();
        points.filter_map(|(k, z)| z.filter(|_| time(k) >= -1e-12 * self.dwell).map(|z| (time(k), z))).unzip()
    }
}

/// Whitening of the correlated noise of fitted amplitudes: the components of `G^(1/2) a` of each channel have independent noise with the
/// variance of a FID point.
pub struct Whitening {
    /// `G^(1/2)` by channel, in the order of the lines.
    roots: Vec<Matrix>,
}

impl Whitening {
    /// From the fits of the detected channels, in the order of the lines.
    pub fn new(fits: &[&Fit]) -> Whitening {
        Whitening { roots: fits.iter().map(|f| f.gram.function(|x| C64::new(x.max(0.0).sqrt(), 0.0))).collect() }
    }

    /// Applies the transformation to real and imaginary parts, ordered by readout, then line.
    pub fn apply(&self, numbers: &mut [f64]) {
        let mut rest = numbers.as_chunks_mut().0;
        for root in self.roots.iter().filter(|root| !root.is_empty()).cycle() {
            let Some((own, behind)) = rest.split_at_mut_checked(root.nrows()) else { return };
            let a: Vec<C64> = own.iter().map(|[re, im]| C64::new(*re, *im)).collect();
            for (row, pair) in root.row_iter().zip(own) {
                let sum: C64 = row.iter().zip(&a).map(|(x, a)| x * a).sum();
                *pair = [sum.re, sum.im];
            }
            rest = behind;
        }
    }

    /// Root mean variance of an amplitude, for points of variance 1.
    pub fn of_an_amplitude(&self) -> f64 {
        let variances = self.roots.iter().flat_map(|root| {
            let gram = root * root;
            let inverse = gram.try_inverse();
            (0..root.nrows()).map(move |k| inverse.as_ref().map_or(f64::INFINITY, |g| g[(k, k)].re))
        });
        let all: Vec<f64> = variances.collect();
        (all.iter().sum::<f64>() / all.len().max(1) as f64).sqrt()
    }

    /// The plan for whitened amplitudes.
    pub fn plan(&self, plan: &Plan) -> Plan {
        let mut white = plan.clone();
        let columns = plan.design.first().map_or(0, Vec::len);
        for c in 0..columns {
            let mut column: Vec<f64> = plan.design.iter().filter_map(|row| row.get(c)).copied().collect();
            self.apply(&mut column);
            white.design.iter_mut().filter_map(|row| row.get_mut(c)).zip(column).for_each(|(old, x)| *old = x);
        }
        white
    }
}

/// Amplitudes of all FIDs of a plan.
pub struct Read {
    /// Fitted amplitudes.
    pub amplitudes: Vec<Amplitude>,
    /// T2 of every nucleus, s.
    pub t2: Vec<(String, f64)>,
    /// Standard deviation of the noise in the real and imaginary part of a point.
    pub noise: f64,
    /// Residual sum of squares, and sum of squares of all points.
    pub left: (f64, f64),
    /// The transformation that whitens the noise of the amplitudes.
    pub whitening: Whitening,
}

/// Fits all FIDs required by a plan, one per readout and nucleus.
///
/// # Errors
/// When FIDs are missing, superfluous or ambiguous, or lines cannot be resolved.
pub fn read(plan: &Plan, nuclei: &[String], decays: &[Decay]) -> Result<Read, String> {
    let mut found =
        Read { amplitudes: vec![], t2: vec![], noise: 0.0, left: (0.0, 0.0), whitening: Whitening { roots: vec![] } };
    let (mut left, mut all, mut freedom) = (0.0, 0.0, 0);
    let decays = &with_words(plan, decays)?;
    let wanted: Vec<(usize, &String)> =
        nuclei.iter().enumerate().filter(|(c, _)| plan.lines.iter().any(|l| l.channel == *c)).collect();
    if let Some(other) = decays.iter().find(|d| !wanted.iter().any(|(_, n)| **n == d.nucleus)) {
        return Err(format!("there is an FID of {}, but no line of it is read", other.nucleus));
    }
    if let Some(other) = decays.iter().find(|d| !plan.readouts.iter().any(|r| r.word == d.readout)) {
        let words: Vec<&str> = plan.readouts.iter().map(|r| r.word.as_str()).collect();
        return Err(format!(
            "there is an FID of readout {}, but the readouts are {}; remove it from the folder, or add it to `readouts`",
            other.readout,
            words.join(", ")
        ));
    }
    for (channel, nucleus) in wanted {
        let lines: Vec<&Line> = plan.lines.iter().filter(|l| l.channel == channel).collect();
        let frequencies: Vec<f64> = lines.iter().map(|l| l.frequency).collect();
        let own =
            plan.readouts.iter().map(|r| one(decays, &r.word, nucleus)).collect::<Result<Vec<&Decay>, String>>()?;
        let signals: Vec<(Vec<f64>, Vec<C64>)> = own.iter().map(|d| d.received()).collect();
        // All FIDs share one covariance, so their sampling times must agree.
        let mut received = own.iter().zip(&signals);
        if let Some((first, (times, _))) = received.next()
            && let Some((other, _)) = received.find(|(_, (t, _))| t != times)
        {
            return Err(format!(
                "the FIDs of {nucleus} in readouts {} and {} have different time axes",
                first.readout, other.readout
            ));
        }
        if signals.iter().any(|(_, z)| z.iter().any(|z| !z.re.is_finite() || !z.im.is_finite())) {
            return Err(format!("an FID of {nucleus} has a point that is not a number"));
        }
        if signals.iter().all(|(_, z)| z.iter().all(|z| *z == ZERO)) {
            return Err(format!("all FIDs of {nucleus} are zero: nothing was measured"));
        }
        let residue = |t2: f64| -> Result<f64, String> {
            signals.iter().map(|(t, z)| Ok(Fit::new(&frequencies, t, t2)?.amplitudes(z).left)).sum()
        };
        let longest = signals.iter().filter_map(|(t, _)| t.last()).fold(0.0f64, |m, t| m.max(*t));
        let t2 = best((0.01 * longest, 1000.0 * longest), residue)?;
        for (decay, (times, z)) in own.iter().zip(&signals) {
            let fit =
                Fit::new(&frequencies, times, t2).map_err(|why| format!("{} of {nucleus}: {why}", decay.readout))?;
            let fitted = fit.amplitudes(z);
            left += fitted.left;
            all += z.iter().map(|z| z.norm_sqr()).sum::<f64>();
            freedom += fitted.freedom;
            found.amplitudes.extend(lines.iter().zip(&fitted.amplitudes).map(|(line, a)| Amplitude {
                readout: decay.readout.clone(),
                nucleus: nucleus.clone(),
                frequency: line.frequency,
                real: a.re,
                imaginary: a.im,
            }));
            if own.first().is_some_and(|first| std::ptr::eq(*decay, *first)) {
                found.whitening.roots.extend(Whitening::new(&[&fit]).roots);
            }
        }
        found.t2.push((nucleus.clone(), t2));
    }
    found.noise = (0.5 * left / freedom.max(1) as f64).sqrt();
    found.left = (left, all);
    Ok(found)
}

/// Replaces row numbers by the readout words of the plan.
fn with_words(plan: &Plan, decays: &[Decay]) -> Result<Vec<Decay>, String> {
    let named = |decay: &Decay| {
        let Some(row) = decay.readout.strip_prefix(ROW).and_then(|k| k.parse::<usize>().ok()) else {
            return Ok(decay.clone());
        };
        let rows = decays.iter().filter(|d| d.nucleus == decay.nucleus && d.readout.starts_with(ROW)).count();
        let word = plan.readouts.get(row.wrapping_sub(1)).filter(|_| rows == plan.readouts.len());
        let Some(readout) = word else {
            let words: Vec<&str> = plan.readouts.iter().map(|r| r.word.as_str()).collect();
            return Err(format!(
                "the experiment of {} has {rows} rows, but there are {} readouts with one row each: {}",
                decay.nucleus,
                words.len(),
                words.join(", ")
            ));
        };
        Ok(Decay { readout: readout.word.clone(), ..decay.clone() })
    };
    decays.iter().map(named).collect()
}

/// The FID of a readout and a nucleus; exactly one must exist.
fn one<'a>(decays: &'a [Decay], readout: &str, nucleus: &str) -> Result<&'a Decay, String> {
    let mut of = decays.iter().filter(|d| d.readout == readout && d.nucleus == nucleus);
    match (of.next(), of.next()) {
        (Some(decay), None) => Ok(decay),
        (None, _) => Err(format!("the FID of {nucleus} in readout {readout} is missing; {}", data::NAMES)),
        (Some(_), Some(_)) => Err(format!("readout {readout} of {nucleus} occurs twice")),
    }
}

/// Minimises a unimodal function on a logarithmic scale: grid search, then golden-section search.
fn best((low, high): (f64, f64), f: impl Fn(f64) -> Result<f64, String>) -> Result<f64, String> {
    const LOOKS: usize = 24;
    let at = |k: usize| low * (high / low).powf(k as f64 / (LOOKS - 1) as f64);
    let mut values = Vec::with_capacity(LOOKS);
    for k in 0..LOOKS {
        // If the lines decay before they are resolved, the fit is undefined, and there is no minimum.
        values.push(f(at(k)).unwrap_or(f64::INFINITY));
    }
    // The first of equal minima, and the last point if all are infinite.
    let lowest = values.iter().enumerate().filter(|(_, x)| x.is_finite()).min_by(|(_, a), (_, b)| a.total_cmp(b));
    let smallest = match lowest {
        Some((k, _)) => k,
        None => {
            f(at(LOOKS - 1))?;
            LOOKS - 1
        }
    };
    let ratio = 0.5 * (5f64.sqrt() - 1.0);
    let (mut a, mut b) = (at(smallest.saturating_sub(1)).ln(), at((smallest + 1).min(LOOKS - 1)).ln());
    let value = |x: f64| f(x.exp()).unwrap_or(f64::INFINITY);
    let (mut c, mut d) = (b - ratio * (b - a), a + ratio * (b - a));
    let (mut at_c, mut at_d) = (value(c), value(d));
    for _ in 0..60 {
        if at_c <= at_d {
            (b, d, at_d) = (d, c, at_c);
            c = b - ratio * (b - a);
            at_c = value(c);
        } else {
            (a, c, at_c) = (c, d, at_d);
            d = a + ratio * (b - a);
            at_d = value(d);
        }
    }
    Ok((0.5 * (a + b)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    fn times(n: usize, dwell: f64) -> Vec<f64> {
        (0..n).map(|k| dwell * k as f64).collect()
    }

    #[test]
    fn amplitudes_and_t2_come_back() {
        let (frequencies, t2) = ([-107.5, 107.5], 0.05);
        let t: Vec<f64> = times(400, 1e-3).into_iter().skip(3).collect();
        let given = [C64::new(0.25, -0.1), C64::new(-0.5, 0.3)];
        let signal = Fit::new(&frequencies, &t, t2).unwrap().decay(&given);
        let left = |t2: f64| Ok(Fit::new(&frequencies, &t, t2)?.amplitudes(&signal).left);
        let found = best((1e-3, 100.0), left).unwrap();
        assert!((found / t2 - 1.0).abs() < 1e-6, "{found}");
        let fitted = Fit::new(&frequencies, &t, found).unwrap().amplitudes(&signal);
        for (a, b) in fitted.amplitudes.iter().zip(given) {
            assert!((a - b).norm() < 1e-6);
        }
    }

    #[test]
    fn noise_has_the_covariance_of_the_fit() {
        // Overlapping lines: 10 Hz apart, observed for 60 ms.
        let t = times(60, 1e-3);
        let fit = Fit::new(&[0.0, 10.0], &t, 0.05).unwrap();
        let expected = fit.covariance();
        let mut sum = Matrix::zeros(2, 2);
        const RUNS: u64 = 4000;
        for k in 0..RUNS {
            let mut noise = Noise::new(3, k);
            let signal: Vec<C64> = t.iter().map(|_| C64::new(noise.normal(), noise.normal())).collect();
            let a = fit.amplitudes(&signal).amplitudes;
            sum += Matrix::from_fn(2, 2, |i, j| a[i] * a[j].conj() / (2.0 * RUNS as f64));
        }
        // Five standard errors of a variance estimated from 4000 complex numbers.
        assert!((sum - &expected).norm() < 0.08 * expected.norm());
    }

    #[test]
    fn lines_that_nothing_tells_apart_are_refused() {
        assert!(Fit::new(&[0.0, 0.0], &times(50, 1e-3), 1.0).is_err());
        // A dwell time of 1 ms aliases 1 kHz to 0.
        assert!(Fit::new(&[0.0, 1000.0], &times(50, 1e-3), 1.0).is_err());
        assert!(Fit::new(&[0.0, 10.0], &times(1, 1e-3), 1.0).is_err());
    }
}
