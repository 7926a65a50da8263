//! Tomography within a run: planning, noisy readout, reconstruction, and energies with errors.

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

/// The results of a tomography.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// The readouts, as written.
    pub readouts: Vec<String>,
    /// Number of state parameters that the readouts determine.
    pub rank: usize,
    /// Total number of state parameters.
    pub parameters: usize,
    /// Condition number of the design matrix.
    pub condition: f64,
    /// Number of real values read.
    pub numbers: usize,
    /// Total number of scans of all readouts.
    pub scans: usize,
    /// Amplitude of the strongest line of the thermal state after a 90 degree pulse.
    pub reference: f64,
    /// Standard deviation of a real amplitude after adding scans, averaged over all amplitudes; 0 without noise.
    pub sigma: f64,
    /// Standard deviation of the noise per real or imaginary part of a point of its decays; 0 without noise, or if amplitudes were read.
    pub noise: f64,
    /// Keyword of the reconstruction method.
    pub method: &'static str,
    /// Smallest eigenvalue of the reconstructed state, and of the least-squares state.
    pub smallest: (f64, f64),
    /// Sum of squared residuals in units of the variance, if there is noise.
    pub chi_square: Option<f64>,
    /// True if the iteration converged, and the number of its steps.
    pub converged: (bool, usize),
    /// Correlation of the deviation from the maximally mixed state with that of the true state.
    pub correlation: f64,
    /// The amplitudes, line by line for every readout.
    pub amplitudes: Vec<Amplitude>,
    /// The emulated decays, if the amplitudes are fitted to decays.
    pub decays: Vec<Decay>,
    /// True if the data were measured, not emulated.
    pub measured: bool,
    /// True if the measured frequencies had the opposite sign to the spectrometer's and were mirrored.
    pub mirrored: bool,
    /// Energies of the battery, if one is declared, in reported units.
    pub energies: Option<Energies>,
}

/// The observables of the readout, as matrices.
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

/// Plans a tomography.
///
/// # Errors
/// If there is no plan, or the given readouts do not determine the state.
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
            .help("without `readouts` the smallest informationally complete set is used; `ergoseq plan FILE` prints it")
            .into()
    })
}

/// Amplitude of the strongest line of the thermal state after a 90 degree pulse about x on all channels.
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

/// The battery of the run as a subsystem, if one is declared.
fn battery(context: &RunContext, basis: &Basis) -> Option<Battery> {
    let cells = context.scene.cells.as_ref()?;
    Some(battery_of(basis, &cells.sites, cells.hamiltonian().ok()?.clone()))
}

/// A battery on some subsystems, with its Hamiltonian on these.
#[expect(clippy::indexing_slicing, reason = "a state has one digit per subsystem of its basis")]
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

/// The data of a tomography.
struct Reading {
    /// Real and imaginary parts, readout by readout and line by line.
    amplitudes: Vec<f64>,
    /// Standard deviation of the noise of whitened amplitudes, or of the amplitudes if these are white.
    sigma: f64,
    /// The whitening transformation of noise from fitted decays.
    whitening: Option<Whitening>,
    /// The decays.
    decays: Vec<Decay>,
    /// True if frequencies had the opposite sign.
    mirrored: bool,
}

/// Emulated data.
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
                format!("the FID of {} cannot be fitted: {why}", receiving.nucleus),
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

/// Measured data. Residuals that no state, or no sum of lines, explains give the noise level.
fn measured(m: &Measured, t: &Tomography, plan: &Plan, reference: f64) -> Result<Reading, Fault> {
    let wrong = |why: String| -> Fault {
        Diagnostic::new(Code::Contradiction, t.place.span(), format!("the measured data do not match the plan: {why}"))
            .help("`ergoseq plan FILE --amplitudes PATH`, or `--decays DIR`, writes the data of the emulated experiment as an example")
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

/// Mirrored frequencies are accepted if their residual is below this fraction of that with the spectrometer's sign.
const MIRROR_LEAVES: f64 = 0.5;

/// Fits measured decays with the spectrometer's sign of frequency, or mirrored if only that fits. The line positions are known; if they
/// are not symmetric about the carrier, only one of the two signs matches.
fn fitted(plan: &Plan, nuclei: &[String], decays: &[Decay]) -> Result<(decay::Read, bool), String> {
    /// Data whose residual is below this fraction fit: the residual is rounding of the written values.
    const FITS: f64 = 1e-6;
    let turned: Vec<Decay> = decays.iter().map(Decay::turned).collect();
    let read = decay::read(plan, nuclei, &turned)?;
    let (left, all) = read.left;
    if left <= FITS * all {
        return Ok((read, false));
    }
    let mirrored: Vec<Decay> = turned.iter().map(Decay::mirrored).collect();
    let other = decay::read(plan, nuclei, &mirrored)?;
    if other.left.0 >= MIRROR_LEAVES * left {
        return Ok((read, false));
    }
    // A mirror image whose residual is as large as what it explains is not accepted.
    if other.left.0 > MIRROR_LEAVES * other.left.1 {
        return Err(format!(
            "in them a higher shift has a lower frequency, contrary to the program, and with that sign the residual is {:.0} %: check the shifts, the carrier (O1) and the nuclei",
            100.0 * other.left.0 / other.left.1
        ));
    }
    Ok((other, true))
}

/// The same for a table of amplitudes, judged by the distance of its lines from their expected positions.
fn arranged(plan: &Plan, nuclei: &[String], table: &[Amplitude]) -> Result<(Vec<f64>, bool), String> {
    /// A line closer than this is at its expected position, Hz.
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

/// Checks that decays were recorded with the dwell time of the file, up to the rounding of a spectrometer.
fn dwells_agree(t: &Tomography, decays: &[Decay]) -> Result<(), String> {
    /// Allowed relative difference of sweep widths.
    const ROUNDED: f64 = 0.01;
    let Some((_, dwell)) = t.decay else { return Ok(()) };
    match decays.iter().find(|d| (d.dwell / dwell - 1.0).abs() > ROUNDED) {
        Some(d) => Err(format!(
            "the FID of {} has a sweep width of {} Hz, but the program has {} Hz (dwell {} s)",
            d.nucleus,
            number_text(1.0 / d.dwell),
            number_text(1.0 / dwell),
            number_text(dwell)
        )),
        None => Ok(()),
    }
}

/// Sets the noise of exact data to 0: their residual is rounding only.
fn without_rounding(sigma: f64, reference: f64) -> f64 {
    if sigma < 1e-9 * reference { 0.0 } else { sigma }
}

/// Performs a tomography: returns its results, and the reconstructed state.
///
/// # Errors
/// If there is no plan, measured amplitudes do not fit it, or a matrix operation fails.
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

/// Labels each amplitude with its readout, nucleus and frequency.
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

/// Cosine of the angle between two deviations from the maximally mixed state, in the trace inner product.
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

/// Adds to energies the conditions under which their intervals hold.
fn with_conditions(mut energies: Energies, plan: &Plan, measured: bool) -> Energies {
    // With this many residual degrees of freedom the standard deviation of the noise is known to 10 %.
    const FREEDOM: usize = 50;
    let unseen = plan.parameters - plan.rank;
    if unseen > 0 {
        let message = format!("valid if the {unseen} unobservable parameters are those of the maximally mixed state");
        energies.conditions.push(message);
    }
    let freedom = plan.design.len().saturating_sub(plan.rank);
    if measured && freedom < FREEDOM {
        energies.conditions.push(format!("valid if the noise is as estimated from {freedom} degrees of freedom"));
    }
    energies
}
