//! Free induction decays as files and as spectra, in the spectrometer's sense of frequency: a higher shift is a higher frequency
//! ([`crate::decays::sign`]).
//!
//! With `s(t) = sum_k A_k exp(2 pi i nu_k t)` the spectrum is `S(nu) = dwell (s_0/2 + sum_k s_k exp(-2 pi i nu t_k))`: the first point
//! counts half, as the trapezoidal rule asks, and a line of amplitude A and width 1/(pi T2) has the height A T2. Points of the
//! dead time were not seen and count as zero.

use crate::decays::sign::turned;
use crate::decays::simpson::simpson_text;
use crate::ir::Experiment;
use crate::linalg::C64;
use crate::results::{Point, ResultSet, Trace};
use crate::source::in_one_line;
use crate::spin::Isotope;
use crate::syntax::number_text;
use crate::units::TWO_PI;
use rustfft::FftPlanner;

/// How a decay becomes a spectrum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Processing {
    /// Every line is made wider by so much, Hz: the decay is multiplied by `exp(-pi broaden t)`.
    pub broaden: f64,
    /// The decay is filled up with zeros to so many times its length, and then to a power of two.
    pub zero_fill: usize,
}

impl Default for Processing {
    fn default() -> Processing {
        Processing { broaden: 0.0, zero_fill: 2 }
    }
}

/// A free induction decay.
#[derive(Clone, Copy)]
pub struct Decay<'a> {
    /// The word of the nucleus.
    pub nucleus: &'a str,
    trace: Trace<'a>,
}

impl Decay<'_> {
    /// Its points in the spectrometer's sense of frequency; those of the dead time are zero.
    pub fn samples(&self) -> Vec<C64> {
        let parts: Vec<&[f64]> = self.trace.columns().map(|(_, samples)| samples).collect();
        let part = |k: usize, i: usize| {
            let x = parts.get(k).and_then(|samples| samples.get(i)).copied();
            x.filter(|x| !x.is_nan()).unwrap_or(0.0)
        };
        (0..self.trace.time().len()).map(|i| turned(self.nucleus, C64::new(part(0, i), part(1, i)))).collect()
    }

    /// The time between two points.
    pub fn dwell(&self) -> f64 {
        match self.trace.time() {
            [first, second, ..] => second - first,
            _ => 1.0,
        }
    }
}

/// The free induction decays of a point.
pub fn decays_of(point: Point<'_>) -> impl Iterator<Item = Decay<'_>> {
    point.traces().filter_map(|trace| {
        let (column, _) = trace.columns().next()?;
        Some(Decay { nucleus: column.key.strip_prefix("signal(")?.strip_suffix(')')?, trace })
    })
}

/// Those of all points.
///
/// # Errors
/// When nothing was acquired.
fn decays(set: &ResultSet) -> Result<Vec<Decay<'_>>, String> {
    let all: Vec<Decay> = set.points().flat_map(decays_of).collect();
    if all.is_empty() { Err("nothing was acquired, so there is no FID".into()) } else { Ok(all) }
}

/// The single decay of a format that holds one.
///
/// # Errors
/// When nothing was acquired, or several decays were.
fn single<'a>(set: &'a ResultSet, format: &str) -> Result<Decay<'a>, String> {
    match decays(set)?.as_slice() {
        [decay] => Ok(*decay),
        several => Err(format!("a {format} file holds one FID, but {} were acquired", several.len())),
    }
}

/// Frequencies, ascending, and the spectrum of a decay.
pub fn transform(signal: &[C64], dwell: f64, processing: Processing) -> Vec<(f64, C64)> {
    let n = (signal.len() * processing.zero_fill.max(1)).next_power_of_two();
    let mut buffer: Vec<C64> = signal
        .iter()
        .enumerate()
        .map(|(k, s)| s * (-0.5 * TWO_PI * processing.broaden * dwell * k as f64).exp() * dwell)
        .collect();
    if let Some(first) = buffer.first_mut() {
        *first *= 0.5;
    }
    buffer.resize(n, C64::new(0.0, 0.0));
    FftPlanner::new().plan_fft_forward(n).process(&mut buffer);
    // Negative frequencies stand in the upper half.
    buffer.rotate_right(n / 2);
    let frequency = |k: usize| (k as f64 - (n / 2) as f64) / (n as f64 * dwell);
    buffer.into_iter().enumerate().map(|(k, z)| (frequency(k), z)).collect()
}

/// The spectra of all decays, with the word of the nucleus.
pub fn spectra(set: &ResultSet, processing: Processing) -> Vec<(&str, Vec<(f64, C64)>)> {
    let all = set.points().flat_map(decays_of);
    all.map(|decay| (decay.nucleus, transform(&decay.samples(), decay.dwell(), processing))).collect()
}

/// The spectra of all decays, a row a frequency. In a field the shift in ppm stands beside it.
///
/// # Errors
/// When nothing was acquired.
pub fn spectrum(set: &ResultSet, experiment: &Experiment, processing: Processing) -> Result<String, String> {
    let decays = decays(set).map_err(|_| "nothing was acquired, so there is no spectrum")?;
    let mut out = String::from("decay,frequency [Hz],shift [ppm],real,imaginary,magnitude\n");
    for (number, decay) in decays.into_iter().enumerate() {
        let name = format!("{}.{}", number + 1, decay.trace.name());
        let scale = ppm(set, experiment, decay.nucleus);
        for (frequency, value) in transform(&decay.samples(), decay.dwell(), processing) {
            let shift =
                scale.map_or_else(String::new, |(carrier, hertz)| number_text(carrier + frequency / hertz * 1e6));
            out += &format!(
                "{name},{},{shift},{},{},{}\n",
                number_text(frequency),
                number_text(value.re),
                number_text(value.im),
                number_text(value.norm())
            );
        }
    }
    Ok(out)
}

/// The carrier in ppm, and the Larmor frequency in Hz, without its sign. An electron has no scale of shifts.
fn ppm(set: &ResultSet, experiment: &Experiment, nucleus: &str) -> Option<(f64, f64)> {
    if Isotope::named(nucleus)?.is_electron() {
        return None;
    }
    let values = set.at(0)?.parameters().map(|(column, x)| (column.key.clone(), x)).collect();
    let e = crate::hamiltonian::Evaluator::new(experiment, &values).ok()?;
    let field = e.number(experiment.system.field.as_ref()?).ok()?;
    let channel = experiment.channels.iter().find(|c| c.nucleus == nucleus);
    let carrier = channel.and_then(|c| c.carrier.as_ref()).map_or(Some(0.0), |x| e.number(x).ok())?;
    // A shift of one ppm is 1e-6 inside.
    Some((carrier * 1e6, (Isotope::named(nucleus)?.gamma * field / TWO_PI).abs()))
}

/// The first decay as SIMPSON writes it, which many programs read.
///
/// # Errors
/// When nothing was acquired, or several decays were.
pub fn simpson(set: &ResultSet) -> Result<String, String> {
    let decay = single(set, "SIMPSON")?;
    Ok(simpson_text(decay.dwell(), decay.samples().into_iter()))
}

/// All decays as an array of NumPy's format 1.0: complex128, of the shape (points) for one and (decays, points) for several, those of a
/// sweep in its order.
///
/// # Errors
/// When nothing was acquired, or decays differ in length.
pub fn npy(set: &ResultSet) -> Result<Vec<u8>, String> {
    let decays: Vec<Vec<C64>> = decays(set)?.iter().map(Decay::samples).collect();
    let first = decays.first().map_or(&[][..], Vec::as_slice);
    if decays.iter().any(|d| d.len() != first.len()) {
        return Err("the FIDs differ in length, so they do not form an array".into());
    }
    let shape = match decays.len() {
        1 => format!("({},)", first.len()),
        n => format!("({n}, {})", first.len()),
    };
    let mut header = format!("{{'descr': '<c16', 'fortran_order': False, 'shape': {shape}, }}");
    // Ten bytes stand before the header, and the numbers begin at a multiple of 64.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    // The header of a shape of two numbers is far shorter than 65,535 bytes.
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(decays.iter().flatten().flat_map(|x| [x.re.to_le_bytes(), x.im.to_le_bytes()]).flatten());
    Ok(out)
}

/// The first decay as JCAMP-DX 5.01, two pages of scaled whole numbers: the format in which programs of all makers exchange it.
///
/// # Errors
/// When nothing was acquired, or several decays were.
pub fn jcamp(set: &ResultSet, experiment: &Experiment) -> Result<String, String> {
    const PER_LINE: usize = 8;
    let decay = single(set, "JCAMP-DX")?;
    let (signal, nucleus) = (decay.samples(), decay.nucleus);
    let largest = signal.iter().fold(0.0f64, |m, x| m.max(x.re.abs()).max(x.im.abs()));
    let factor = if largest > 0.0 { largest / f64::from(1 << 30) } else { 1.0 };
    let whole = |x: f64| (x / factor).round() as i64;
    let (n, dwell) = (signal.len(), decay.dwell());
    let megahertz = ppm(set, experiment, nucleus).map_or(0.0, |(_, hertz)| hertz / 1e6);
    let element = nucleus.trim_start_matches(|c: char| c.is_ascii_digit());
    let title = in_one_line(set.schema().heading());
    let mut out = format!(
        "##TITLE= {title}\n##JCAMP-DX= 5.01\n##DATA TYPE= NMR FID\n##DATA CLASS= NTUPLES\n##ORIGIN= ergoseq {}\n##OWNER= unknown\n\
         ##.OBSERVE FREQUENCY= {}\n##.OBSERVE NUCLEUS= ^{}{}\n##.ACQUISITION MODE= SIMULTANEOUS\n##.DELAY= (0, 0)\n\
         ##NTUPLES= NMR FID\n##VAR_NAME= TIME, FID/REAL, FID/IMAG, PAGE NUMBER\n##SYMBOL= X, R, I, N\n\
         ##VAR_TYPE= INDEPENDENT, DEPENDENT, DEPENDENT, PAGE\n##VAR_FORM= AFFN, AFFN, AFFN, AFFN\n\
         ##VAR_DIM= {n}, {n}, {n}, 2\n##UNITS= SECONDS, ARBITRARY UNITS, ARBITRARY UNITS,\n",
        env!("CARGO_PKG_VERSION"),
        number_text(megahertz),
        nucleus.strip_suffix(element).unwrap_or_default(),
        element,
    );
    let parts: [Vec<i64>; 2] =
        [signal.iter().map(|x| whole(x.re)).collect(), signal.iter().map(|x| whole(x.im)).collect()];
    let of = |f: fn(&[i64]) -> i64| format!("{}, {}", f(&parts[0]), f(&parts[1]));
    out += &format!("##FIRST= 0, {}, 1\n", of(|p| p.first().copied().unwrap_or(0)));
    out += &format!("##LAST= {}, {}, 2\n", number_text(dwell * (n - 1) as f64), of(|p| p.last().copied().unwrap_or(0)));
    out += &format!("##MIN= 0, {}, 1\n", of(|p| p.iter().min().copied().unwrap_or(0)));
    out += &format!(
        "##MAX= {}, {}, 2\n",
        number_text(dwell * (n - 1) as f64),
        of(|p| p.iter().max().copied().unwrap_or(0))
    );
    out += &format!("##FACTOR= {}, {}, {}, 1\n", number_text(dwell), number_text(factor), number_text(factor));
    for (k, (symbol, part)) in ["R", "I"].iter().zip(&parts).enumerate() {
        out += &format!("##PAGE= N={}\n##DATA TABLE= (X++({symbol}..{symbol})), XYDATA\n", k + 1);
        for (line, numbers) in part.chunks(PER_LINE).enumerate() {
            let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
            out += &format!("{} {}\n", line * PER_LINE, numbers.join(" "));
        }
    }
    Ok(out + "##END NTUPLES= NMR FID\n##END=\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stands_at_its_frequency_with_its_height() {
        let (nu, t2, dwell) = (125.0, 0.02, 1e-3);
        let signal: Vec<C64> = (0..512)
            .map(|k| {
                let t = dwell * k as f64;
                C64::cis(TWO_PI * nu * t) * (-t / t2).exp()
            })
            .collect();
        let spectrum = transform(&signal, dwell, Processing { broaden: 0.0, zero_fill: 1 });
        let (at, top) = spectrum.iter().max_by(|a, b| a.1.re.total_cmp(&b.1.re)).unwrap();
        assert_eq!(*at, nu);
        // The trapezoidal sum over an exponential: (dwell/2) coth(dwell/2 T2).
        let exact = 0.5 * dwell / (0.5 * dwell / t2).tanh();
        assert!((top.re - exact).abs() < 1e-9 && top.im.abs() < 1e-9, "{top}");
        // Broadening to twice the width halves the height.
        let wide = transform(&signal, dwell, Processing { broaden: 1.0 / (std::f64::consts::PI * t2), zero_fill: 1 });
        let highest = wide.iter().map(|(_, x)| x.re).fold(0.0, f64::max);
        assert!((highest / top.re - 0.5).abs() < 1e-3);
    }
}
