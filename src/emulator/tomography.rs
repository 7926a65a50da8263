//! A tomography in the course of a run: planned, read with noise, reconstructed, and its energies with their errors.

use super::context::RunContext;
use super::settings::Measured;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Fault, Tomography};
use crate::linalg::{C64, LinalgError, Matrix};
use crate::noise::Noise;
use crate::spin::Basis;
use crate::syntax::number_text;
use crate::tomography::data::arrange;
use crate::tomography::decay::{self, Decay, Fit, Whitening};
use crate::tomography::estimate::Battery;
use crate::tomography::reconstruct::Inverse;
use crate::tomography::{
    Amplitude, Energies, METHODS, Method, Plan, PlanError, Receiver, Reconstruction, Sample, coordinates, energies,
    plan, plan_of, reconstruct,
};

/// What a tomography has found.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// The readouts.
    pub readouts: Vec<String>,
    /// How many parameters of the state they see.
    pub rank: usize,
    /// How many there are.
    pub parameters: usize,
    /// The condition number.
    pub condition: f64,
    /// How many real numbers are read.
    pub numbers: usize,
    /// Scans of all readouts together.
    pub scans: usize,
    /// The strongest line of the thermal state after 90 degrees.
    pub reference: f64,
    /// The standard deviation of a real amplitude, the mean of all, scans added; 0 without noise.
    pub sigma: f64,
    /// The standard deviation of the noise of each part of a point of its decays; 0 without noise, or where amplitudes were read.
    pub noise: f64,
    /// The word of the method.
    pub method: &'static str,
    /// The smallest eigenvalue of the state, and of that of least squares.
    pub smallest: (f64, f64),
    /// The sum of squares of what is left over in units of the variance, where there is noise.
    pub chi_square: Option<f64>,
    /// Whether the iteration converged, and in how many steps.
    pub converged: (bool, usize),
    /// The correlation of the deviation from the maximally mixed state with that of the true state.
    pub correlation: f64,
    /// What was read: line by line of every readout.
    pub amplitudes: Vec<Amplitude>,
    /// The decays that were emulated, where the amplitudes come from such.
    pub decays: Vec<Decay>,
    /// Whether it was measured, not emulated.
    pub measured: bool,
    /// Whether the frequencies of measured data ran against the spectrometer's sense, and were read so.
    pub mirrored: bool,
    /// Energies of the battery, where one is declared, in the units of results.
    pub energies: Option<Energies>,
}

/// What is read, as matrices.
pub fn sample(t: &Tomography) -> Sample {
    let channels = t.channels.iter().map(|c| Receiver {
        nucleus: c.nucleus.clone(),
        x: c.x.matrix(),
        y: c.y.matrix(),
        detected: c.detected,
        resolution: c.width,
    });
    Sample { hamiltonian: t.hamiltonian.matrix(), channels: channels.collect() }
}

/// The plan of a tomography.
///
/// # Errors
/// When there is none, or the given one is blind for something.
pub fn plan_for(t: &Tomography) -> Result<Plan, Fault> {
    let sample = sample(t);
    let planned = if t.readouts.is_empty() { plan(&sample) } else { plan_of(&sample, &t.readouts) };
    planned.map_err(|e| {
        let code = match e {
            PlanError::Linalg(_) => Code::NotConverged,
            PlanError::Word(_) => Code::OutOfRange,
            PlanError::Blind(..) | PlanError::Dark => Code::BlindTomography,
        };
        Diagnostic::new(code, t.place.span(), e.to_string())
            .help("without `readouts` the smallest set that sees all is taken; `ergoseq plan FILE` prints it")
            .into()
    })
}

/// The amplitude of the strongest line of the thermal state, turned by 90 degrees about x on all channels.
fn reference(t: &Tomography, plan: &Plan) -> Result<f64, LinalgError> {
    let mut state = t.thermal.matrix();
    let states = state.nrows() as f64;
    for channel in &t.channels {
        let u = crate::linalg::hermitian_eigen(&channel.x.matrix())?.propagator(std::f64::consts::FRAC_PI_2);
        state = crate::linalg::conjugate(&u, &state);
    }
    let amplitude = |o: &Matrix| crate::linalg::trace_of_product(&state, o).norm() / states;
    Ok(plan.lines.iter().map(|l| amplitude(&l.operator)).fold(0.0, f64::max))
}

/// How the cells lie in the whole.
fn battery(context: &RunContext, basis: &Basis) -> Option<Battery> {
    let cells = context.scene.cells.as_ref()?;
    Some(battery_of(basis, &cells.sites, cells.hamiltonian().ok()?.clone()))
}

/// A battery of some subsystems, with its Hamiltonian on these.
#[expect(clippy::indexing_slicing, reason = "a state has a digit for every subsystem of its basis")]
pub(super) fn battery_of(basis: &Basis, sites: &[usize], hamiltonian: Matrix) -> Battery {
    let mut parts = Vec::with_capacity(basis.size() as usize);
    for index in 0..basis.size() as usize {
        let digits = basis.digits(index);
        let number =
            |sites: &mut dyn Iterator<Item = usize>| sites.fold(0, |sum, k| sum * basis.sites[k].dimension + digits[k]);
        let own = number(&mut sites.iter().copied());
        let rest = number(&mut (0..basis.sites.len()).filter(|k| !sites.contains(k)));
        parts.push((own, rest));
    }
    Battery { hamiltonian, parts }
}

/// What a tomography reads.
struct Reading {
    /// Real and imaginary parts, readout by readout and line by line.
    amplitudes: Vec<f64>,
    /// The standard deviation of the noise of whitened amplitudes, or of the amplitudes where these are white.
    sigma: f64,
    /// What makes noise white that came with fitted decays.
    whitening: Option<Whitening>,
    /// The decays.
    decays: Vec<Decay>,
    /// Whether frequencies ran against the spectrometer's sense.
    mirrored: bool,
}

/// What would be measured.
fn emulated(t: &Tomography, plan: &Plan, state: &Matrix, reference: f64) -> Result<Reading, Fault> {
    let sigma = t.snr.map_or(0.0, |snr| reference / (snr * (t.scans as f64).sqrt()));
    let mut noise = Noise::new(t.seed, 0);
    let v = coordinates(state);
    let ideal = plan.design.iter().map(|row| row.iter().zip(&v).map(|(a, x)| a * x).sum::<f64>());
    let Some((points, dwell)) = t.decay else {
        let amplitudes = ideal.map(|y| y + sigma * noise.normal()).collect();
        return Ok(Reading { amplitudes, sigma, whitening: None, decays: vec![], mirrored: false });
    };
    let ideal: Vec<f64> = ideal.collect();
    let (mut fits, mut counts) = (Vec::new(), Vec::new());
    for (channel, receiving) in t.channels.iter().enumerate() {
        let frequencies: Vec<f64> = plan.lines.iter().filter(|l| l.channel == channel).map(|l| l.frequency).collect();
        if frequencies.is_empty() {
            continue;
        }
        let heard = |time: &f64| *time >= receiving.dead_time * (1.0 - 1e-9);
        let times: Vec<f64> = (0..points).map(|k| dwell * k as f64).filter(heard).collect();
        let t2 = if receiving.width > 0.0 { 2.0 / receiving.width } else { f64::INFINITY };
        let fit = Fit::new(&frequencies, &times, t2).map_err(|why| {
            Diagnostic::new(
                Code::Contradiction,
                t.place.span(),
                format!("the decay of {} cannot be fitted: {why}", receiving.nucleus),
            )
        })?;
        counts.push((receiving.nucleus.clone(), frequencies.len(), points - times.len()));
        fits.push(fit);
    }
    let (mut amplitudes, mut decays) = (Vec::with_capacity(ideal.len()), Vec::new());
    let mut ideal = ideal.as_chunks::<2>().0.iter();
    for readout in &plan.readouts {
        for (fit, (nucleus, lines, deaf)) in fits.iter().zip(&counts) {
            let own = ideal.by_ref().take(*lines).map(|[re, im]| C64::new(*re, *im));
            let mut signal = fit.decay(&own.collect::<Vec<_>>());
            signal.iter_mut().for_each(|z| *z += C64::new(noise.normal(), noise.normal()) * sigma);
            amplitudes.extend(fit.amplitudes(&signal).amplitudes.iter().flat_map(|a| [a.re, a.im]));
            let points = std::iter::repeat_n(None, *deaf).chain(signal.into_iter().map(Some)).collect();
            decays.push(Decay { readout: readout.word.clone(), nucleus: nucleus.clone(), dwell, start: 0.0, points });
        }
    }
    let whitening = Whitening::new(&fits.iter().collect::<Vec<_>>());
    Ok(Reading { amplitudes, sigma, whitening: Some(whitening), decays, mirrored: false })
}

/// What was measured. What it leaves over beyond any state, or any sum of lines, says how large its noise is.
fn measured(m: &Measured, t: &Tomography, plan: &Plan, reference: f64) -> Result<Reading, Fault> {
    let wrong = |why: String| -> Fault {
        Diagnostic::new(Code::Contradiction, t.place.span(), format!("the measured data do not fit: {why}"))
            .help("`ergoseq plan FILE --amplitudes PATH`, or `--decays DIR`, writes such data as the emulated experiment gives them")
            .into()
    };
    let nuclei: Vec<String> = t.channels.iter().map(|c| c.nucleus.clone()).collect();
    let scale = match m.reference {
        Some(r) if r > 0.0 && r.is_finite() => reference / r,
        Some(r) => return Err(wrong(format!("the reference line must be positive, it is {r}"))),
        None => 1.0,
    };
    if !m.decays.is_empty() {
        dwells_agree(t, &m.decays).map_err(wrong)?;
        let (read, mirrored) = fitted(plan, &nuclei, &m.decays).map_err(wrong)?;
        let (mut amplitudes, _) = arrange(plan, &nuclei, &read.amplitudes).map_err(wrong)?;
        amplitudes.iter_mut().for_each(|x| *x *= scale);
        let sigma = without_rounding(read.noise * scale, reference);
        return Ok(Reading { amplitudes, sigma, whitening: Some(read.whitening), decays: vec![], mirrored });
    }
    let (found, mirrored) = arranged(plan, &nuclei, &m.table).map_err(wrong)?;
    let amplitudes: Vec<f64> = found.iter().map(|x| x * scale).collect();
    let inverse = Inverse::of(plan).map_err(|e| wrong(e.to_string()))?;
    let again = inverse.amplitudes(&inverse.linear(&amplitudes));
    let left: f64 = again.iter().zip(&amplitudes).map(|(a, y)| (a - y).powi(2)).sum();
    let freedom = plan.design.len().saturating_sub(plan.rank);
    let sigma = if freedom > 0 { (left / freedom as f64).sqrt() } else { 0.0 };
    let sigma = without_rounding(sigma, reference);
    Ok(Reading { amplitudes, sigma, whitening: None, decays: vec![], mirrored })
}

/// What the mirror image must leave over at most, as a share of what the spectrometer's sense leaves over, to be taken instead.
const MIRROR_LEAVES: f64 = 0.5;

/// Fits measured decays, in the spectrometer's sense of frequency, or as the mirror image where that alone fits: the lines are known,
/// and where they do not lie symmetrically about the carrier only one of the two has them.
fn fitted(plan: &Plan, nuclei: &[String], decays: &[Decay]) -> Result<(decay::Read, bool), String> {
    /// What is left over of data that fit is no more than this share: rounding of what was written.
    const FITS: f64 = 1e-6;
    let turned: Vec<Decay> = decays.iter().map(Decay::turned).collect();
    let read = decay::read(plan, nuclei, &turned)?;
    let (left, all) = read.left;
    if left <= FITS * all {
        return Ok((read, false));
    }
    let mirrored: Vec<Decay> = turned.iter().map(Decay::mirrored).collect();
    let other = decay::read(plan, nuclei, &mirrored)?;
    Ok(if other.left.0 < MIRROR_LEAVES * left { (other, true) } else { (read, false) })
}

/// The same for a table of amplitudes, by how far its lines are from where they are expected.
fn arranged(plan: &Plan, nuclei: &[String], table: &[Amplitude]) -> Result<(Vec<f64>, bool), String> {
    /// A line as near as this is at its place, Hz.
    const NEAR: f64 = 1e-3;
    let turned: Vec<Amplitude> = table.iter().map(Amplitude::turned).collect();
    let mirrored: Vec<Amplitude> = turned.iter().map(Amplitude::mirrored).collect();
    let (read, other) = (arrange(plan, nuclei, &turned), arrange(plan, nuclei, &mirrored));
    match (read, other) {
        (Err(why), Err(_)) => Err(why),
        (Ok((_, away)), Ok((found, less))) if less < MIRROR_LEAVES * away && away > NEAR * table.len() as f64 => {
            Ok((found, true))
        }
        (Ok((found, _)), _) => Ok((found, false)),
        (Err(_), Ok((found, _))) => Ok((found, true)),
    }
}

/// Whether decays were received with the dwell of the file, but for what a spectrometer rounds.
fn dwells_agree(t: &Tomography, decays: &[Decay]) -> Result<(), String> {
    /// The share by which sweep widths may differ.
    const ROUNDED: f64 = 0.01;
    let Some((_, dwell)) = t.decay else { return Ok(()) };
    match decays.iter().find(|d| (d.dwell / dwell - 1.0).abs() > ROUNDED) {
        Some(d) => Err(format!(
            "the decay of {} has a sweep width of {} Hz, and the file has one of {} Hz (dwell {} s)",
            d.nucleus,
            number_text(1.0 / d.dwell),
            number_text(1.0 / dwell),
            number_text(dwell)
        )),
        None => Ok(()),
    }
}

/// Exact numbers leave their rounding over, which is no noise.
fn without_rounding(sigma: f64, reference: f64) -> f64 {
    if sigma < 1e-9 * reference { 0.0 } else { sigma }
}

/// Reads the state out. Gives what was found, and the state.
///
/// # Errors
/// When there is no plan, measured amplitudes do not fit it, or a matrix operation fails.
pub fn read_out(
    t: &Tomography,
    context: &RunContext,
    state: &Matrix,
    given: Option<&Measured>,
) -> Result<(Readings, Matrix), Fault> {
    let failed = |e: LinalgError| -> Fault {
        Diagnostic::new(Code::NotConverged, t.place.span(), format!("the tomography cannot be computed: {e}")).into()
    };
    let plan = plan_for(t)?;
    let reference = reference(t, &plan).map_err(failed)?;
    let (method, kind, _) = METHODS.iter().find(|(w, ..)| Some(*w) == t.method.as_deref()).copied().unwrap_or((
        "linear",
        Method::Linear,
        "",
    ));
    let Reading { amplitudes, sigma, whitening, decays, mirrored } = match given {
        Some(m) => measured(m, t, &plan, reference)?,
        None => emulated(t, &plan, state, reference)?,
    };
    let mut white = amplitudes.clone();
    let inverse = match &whitening {
        Some(w) => {
            w.apply(&mut white);
            Inverse::of(&w.plan(&plan))
        }
        None => Inverse::of(&plan),
    };
    let inverse = inverse.map_err(failed)?;
    let found = reconstruct(&inverse, &white, sigma, kind).map_err(failed)?;
    let energies = match battery(context, context.space().basis()) {
        Some(battery) => {
            let repetitions = if sigma > 0.0 { t.repetitions } else { 1 };
            let found = energies(&inverse, &battery, &white, sigma, kind, (repetitions, t.seed)).map_err(failed)?;
            Some(with_conditions(found.times(t.energy_scale), &plan, given.is_some()))
        }
        None => None,
    };
    let Reconstruction { state: again, smallest, smallest_linear, chi_square, steps, converged } = found;
    let readings = Readings {
        readouts: plan.readouts.iter().map(|r| r.word.clone()).collect(),
        rank: plan.rank,
        parameters: plan.parameters,
        condition: plan.condition,
        numbers: plan.design.len(),
        scans: t.scans * plan.readouts.len(),
        reference,
        sigma: sigma * whitening.as_ref().map_or(1.0, Whitening::of_an_amplitude),
        noise: if whitening.is_some() { sigma } else { 0.0 },
        method,
        smallest: (smallest, smallest_linear),
        chi_square,
        converged: (converged, steps),
        correlation: correlation(&again, state),
        amplitudes: table(t, &plan, &amplitudes),
        decays,
        measured: given.is_some(),
        mirrored,
        energies,
    };
    Ok((readings, again))
}

/// The amplitudes with what they belong to.
fn table(t: &Tomography, plan: &Plan, amplitudes: &[f64]) -> Vec<Amplitude> {
    let rows = plan.readouts.iter().flat_map(|r| plan.lines.iter().map(move |l| (r, l)));
    rows.zip(amplitudes.as_chunks().0)
        .map(|((readout, line), [real, imaginary])| Amplitude {
            readout: readout.word.clone(),
            nucleus: t.channels.get(line.channel).map_or(String::new(), |channel| channel.nucleus.clone()),
            frequency: line.frequency,
            real: *real,
            imaginary: *imaginary,
        })
        .collect()
}

/// The cosine of the angle between two deviations from the maximally mixed state.
fn correlation(a: &Matrix, b: &Matrix) -> f64 {
    let deviation = |m: &Matrix| {
        let level = m.trace() / m.nrows() as f64;
        let mut out = m.clone();
        crate::linalg::add_to_diagonal(&mut out, -level);
        out
    };
    let (a, b) = (deviation(a), deviation(b));
    let product = crate::linalg::trace_of_product(&a, &b).re;
    product / (crate::linalg::norm_squared(&a) * crate::linalg::norm_squared(&b)).sqrt()
}

/// Energies with what their intervals take for granted of the readouts.
fn with_conditions(mut energies: Energies, plan: &Plan, measured: bool) -> Energies {
    // With so many numbers left over the standard deviation of the noise is known to 10 %.
    const FREEDOM: usize = 50;
    let unseen = plan.parameters - plan.rank;
    if unseen > 0 {
        let message =
            format!("right if the {unseen} parameters that no readout sees are those of the maximally mixed state");
        energies.conditions.push(message);
    }
    let freedom = plan.design.len().saturating_sub(plan.rank);
    if measured && freedom < FREEDOM {
        energies.conditions.push(format!("right if the noise is what {freedom} numbers left over say it is"));
    }
    energies
}
