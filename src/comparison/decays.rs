//! Free induction decays: those of a tomography with the energies that follow, or those of what the sequence acquires.

use super::parts::{Agreement, Comparison, Models, Row, left_over};
use crate::decays::digital_filter::without_delay;
use crate::decays::sign::turned;
use crate::diagnostic::{Code, Diagnostic};
use crate::emulator::{Measured, Options, Readings, Run, run};
use crate::hamiltonian::Fault;
use crate::linalg::{C64, ZERO};
use crate::output::{Curve, Figure, Panel, Processing, transform};
use crate::syntax::number_text;
use crate::tomography::Quantity;
use crate::tomography::decay::Decay;
use crate::units::UnitSystem;

/// The most decays of which spectra are drawn.
const MOST_PANELS: usize = 12;

pub(super) fn compare(models: &Models, decays: &[Decay], reference: Option<f64>) -> Result<Comparison, Fault> {
    let plain = |experiment| run(experiment, models.values, models.options, &[]);
    let (ideal, quiet) = (plain(models.ideal)?, plain(models.quiet)?);
    if ideal.tomographies.is_empty() {
        return acquired(models, decays, &ideal, &quiet);
    }
    let given = Measured { table: vec![], decays: decays.to_vec(), reference };
    let options = Options { measured: Some(given), ..models.options.clone() };
    let (written, measured) = (plain(models.written)?, run(models.written, models.values, &options, &[])?);
    let all = [&ideal, &quiet, &written, &measured].map(|run| run.tomographies.first());
    let [Some(ideal), Some(quiet), Some(written), Some(measured)] = all else {
        return Err(wrong("the program has no `tomography` for the data".into()));
    };
    let mut out = empty(models);
    out.rows = energies(models, ideal, written, measured);
    let scale = reference.map_or(1.0, |r| measured.reference / r);
    if measured.mirrored {
        out.notes.push(
            "in these data a higher shift has a lower frequency, contrary to the convention of spectrometers: they are read with that sign"
                .into(),
        );
    }
    for (row, decay) in decays.iter().enumerate() {
        let decay = if measured.mirrored { decay.turned().mirrored() } else { decay.turned() };
        let word = measured.readouts.iter().find(|w| **w == decay.readout);
        // Rows without a word stand in the order of the plan, nucleus by nucleus.
        let word = word.or_else(|| measured.readouts.get(row % measured.readouts.len().max(1)));
        let word = word.map_or("", String::as_str);
        let model = |r: &'_ Readings| -> Option<Decay> {
            r.decays.iter().find(|d| d.readout == word && d.nucleus == decay.nucleus).cloned()
        };
        let (Some(theory), Some(emulation)) = (model(ideal), model(quiet)) else {
            out.notes.push("the tomography reads amplitudes, not FIDs: set its `points` and `dwell`".into());
            break;
        };
        let points = aligned(&decay, emulation.dwell)?;
        let points: Vec<Option<C64>> = points.into_iter().map(|z| z.map(|z| z * scale)).collect();
        let what = format!("{word} of {}", decay.nucleus);
        let one = C64::new(1.0, 0.0);
        let noise = Some(measured.noise).filter(|s| *s > 0.0);
        add(&mut out, &what, &points, [(&theory.points, one), (&emulation.points, one)], noise, &decay);
    }
    Ok(out)
}

pub(super) fn wrong(message: String) -> Fault {
    Diagnostic::without_place(Code::Contradiction, message).into()
}

pub(super) fn empty(models: &Models) -> Comparison {
    let figure = Figure { name: "comparison".into(), title: models.written.title.clone(), columns: 2, panels: vec![] };
    Comparison { rows: vec![], agreements: vec![], figure, notes: vec![] }
}

/// The energies of the battery, where one is declared.
fn energies(models: &Models, ideal: &Readings, written: &Readings, measured: &Readings) -> Vec<Row> {
    let (Some(ideal), Some(emulated), Some(found)) = (&ideal.energies, &written.energies, &measured.energies) else {
        return vec![];
    };
    let unit = if models.written.units == UnitSystem::Lab { "J" } else { "" };
    let all = [
        ("energy", &ideal.energy, &emulated.energy, &found.energy),
        ("ergotropy", &ideal.ergotropy, &emulated.ergotropy, &found.ergotropy),
        ("capacity", &ideal.capacity, &emulated.capacity, &found.capacity),
    ];
    let uncertain = |q: &Quantity| (q.value, Some(q.error).filter(|e| *e > 0.0));
    let row = |(what, theory, emulation, measurement): (&str, &Quantity, &Quantity, &Quantity)| Row {
        what: what.into(),
        at: None,
        unit: unit.into(),
        theory: Some(theory.value),
        emulation: Some(uncertain(emulation)),
        measurement: uncertain(measurement),
    };
    all.into_iter().map(row).collect()
}

/// The points of a decay at the times of the emulation, 0 and multiples of its dwell: the delay of a digital filter is taken off.
pub(super) fn aligned(decay: &Decay, dwell: f64) -> Result<Vec<Option<C64>>, Fault> {
    if (decay.dwell / dwell - 1.0).abs() > 1e-6 {
        return Err(wrong(format!(
            "the FID of {} has a dwell time of {} s, the program {} s: points are compared at equal times",
            decay.nucleus,
            number_text(decay.dwell),
            number_text(dwell)
        )));
    }
    let delay = -decay.start / decay.dwell;
    if delay.abs() < 1e-9 {
        return Ok(decay.points.clone());
    }
    let points: Vec<C64> = decay.points.iter().map(|z| z.unwrap_or(ZERO)).collect();
    let kept = points.len().saturating_sub(delay.max(0.0).ceil() as usize);
    Ok(without_delay(&points, delay).into_iter().take(kept).map(Some).collect())
}

/// What the sequence acquires, by the names of the traces.
fn acquired(models: &Models, decays: &[Decay], ideal: &Run, quiet: &Run) -> Result<Comparison, Fault> {
    let mut out = empty(models);
    for decay in decays {
        let (Some(theory), Some(emulation)) = (acquired_decay(ideal, decay), acquired_decay(quiet, decay)) else {
            return Err(acquired_names(quiet, decay));
        };
        let points = aligned(&decay.turned(), emulation.dwell)?;
        let what = format!("{} of {}", decay.readout, decay.nucleus);
        let length = points.len();
        let fit = receiver(&mut out, &what, points, [&theory.points, &emulation.points], length, &decay.nucleus);
        let models = [(&theory.points, fit.factors[0]), (&emulation.points, fit.factors[1])];
        add(&mut out, &what, &fit.measured, models, fit.noise, decay);
    }
    Ok(out)
}

/// That the program acquires no such FID.
pub(super) fn acquired_names(quiet: &Run, decay: &Decay) -> Fault {
    let names: Vec<String> = quiet
        .traces
        .iter()
        .flat_map(|t| t.values.iter().filter_map(|(k, _)| Some(format!("{}.{}", t.name, nucleus_of(k)?))))
        .collect();
    match names.len() {
        0 => wrong("the program has neither `acquire` nor `tomography`, so there is nothing to compare".into()),
        _ => wrong(format!(
            "the program acquires no FID `{}.{}`; it acquires {}",
            decay.readout,
            decay.nucleus,
            names.join(", ")
        )),
    }
}

/// A signal in the sense of frequency in which it fits, and the receiver: its gain and phase are not known, so each model is fitted by a
/// complex factor.
pub(super) struct Receiver {
    /// The points.
    pub measured: Vec<Option<C64>>,
    /// The factors of theory and emulation.
    pub factors: [C64; 2],
    /// The standard deviation of the noise in each real and imaginary part.
    pub noise: Option<f64>,
}

/// Fits the receiver to rows of so many points, one behind another.
pub(super) fn receiver(
    out: &mut Comparison,
    what: &str,
    points: Vec<Option<C64>>,
    models: [&Vec<Option<C64>>; 2],
    length: usize,
    nucleus: &str,
) -> Receiver {
    let [_, emulation] = models;
    let mirrored: Vec<Option<C64>> = points.iter().map(|z| z.map(|z| z.conj())).collect();
    let left = |points: &[Option<C64>]| left_over(points, emulation, factor(points, emulation)).0;
    let (direct, mirror) = (left(&points), left(&mirrored));
    let measured = if mirror < 0.5 * direct { mirrored } else { points };
    if mirror < 0.5 * direct {
        out.notes.push(format!("{what} fits with the opposite sign of frequency, and is used with that sign"));
    }
    let factors = models.map(|model| factor(&measured, model));
    let rest = left_over(&measured, emulation, factors[1]);
    // Noise is told from the last quarter of each row, where least of the decay is left.
    let tail = |all: &[Option<C64>]| -> Vec<Option<C64>> {
        all.chunks(length.max(1)).flat_map(|row| row.iter().skip(length * 3 / 4).copied()).collect()
    };
    let emulated: Vec<Option<C64>> = emulation.iter().take(measured.len()).copied().collect();
    let (end, _, n) = left_over(&tail(&measured), &tail(&emulated), factors[1]);
    let noise = Some((end / n.max(1) as f64).sqrt()).filter(|s| *s > 0.0 && rest.0 > 1e-12 * rest.1);
    out.notes.push(format!(
        "{what}: the receiver gain is {}, its phase {} deg",
        number_text(round(factors[1].norm())),
        number_text((turned(nucleus, factors[1]).arg().to_degrees() * 1e3).round() / 1e3)
    ));
    Receiver { measured, factors, noise }
}

/// Seven digits.
pub(super) fn round(x: f64) -> f64 {
    format!("{x:.6e}").parse().unwrap_or(x)
}

fn nucleus_of(key: &str) -> Option<&str> {
    key.strip_prefix("signal(")?.strip_suffix(')')
}

/// The decay of a trace as the emulation has it.
pub(super) fn acquired_decay(run: &Run, decay: &Decay) -> Option<Decay> {
    let trace = run.traces.iter().find(|t| t.name == decay.readout)?;
    let part = |name: &str| trace.curve(&format!("{name}({})", decay.nucleus));
    let (re, im) = (part("signal")?, part("signal_im")?);
    let [first, second, ..] = trace.time.as_slice() else { return None };
    let points = re.iter().zip(im).map(|(re, im)| Some(C64::new((*re)?, (*im)?))).collect();
    Some(Decay { points, dwell: second - first, start: 0.0, ..decay.clone() })
}

/// The factor by which a model is nearest to what was measured.
fn factor(measured: &[Option<C64>], model: &[Option<C64>]) -> C64 {
    let both = measured.iter().zip(model).filter_map(|(a, b)| Some((a.as_ref()?, b.as_ref()?)));
    let (overlap, size) = both.fold((ZERO, 0.0), |(o, s), (a, b)| (o + b.conj() * a, s + b.norm_sqr()));
    if size > 0.0 { overlap / size } else { ZERO }
}

/// Adds how well a decay is described, and its spectra.
fn add(
    out: &mut Comparison,
    what: &str,
    measured: &[Option<C64>],
    models: [(&Vec<Option<C64>>, C64); 2],
    noise: Option<f64>,
    decay: &Decay,
) {
    out.agreements.push(agreement(what, measured, models, noise));
    if out.figure.panels.len() < MOST_PANELS {
        out.figure.panels.push(spectra(what, measured, models, (&decay.nucleus, decay.dwell)));
    }
}

/// How well a signal is described.
pub(super) fn agreement(
    what: &str,
    measured: &[Option<C64>],
    models: [(&Vec<Option<C64>>, C64); 2],
    noise: Option<f64>,
) -> Agreement {
    let [(first, all, numbers), (second, ..)] = models.map(|(model, factor)| left_over(measured, model, factor));
    Agreement {
        what: what.to_string(),
        numbers,
        left: [first, second].map(|left| left / all.max(f64::MIN_POSITIVE)),
        chi_square: noise.map(|s| [first, second].map(|left| left / (s * s))),
    }
}

/// The spectra of theory, emulation and measurement, and of what the emulation leaves over. The axis is the spectrometer's.
pub(super) fn spectra(
    title: &str,
    measured: &[Option<C64>],
    models: [(&Vec<Option<C64>>, C64); 2],
    (nucleus, dwell): (&str, f64),
) -> Panel {
    let length = measured.len().min(models[1].0.len());
    let own = |points: &[Option<C64>], factor: C64| -> Vec<(f64, f64)> {
        let received: Vec<C64> =
            points.iter().take(length).map(|z| turned(nucleus, z.unwrap_or(ZERO) * factor)).collect();
        transform(&received, dwell, Processing::default()).into_iter().map(|(f, z)| (f, z.re)).collect()
    };
    let [theory, emulation] = models.map(|(model, factor)| own(model, factor));
    let found = own(measured, C64::new(1.0, 0.0));
    let left = found.iter().zip(&emulation).map(|((f, a), (_, b))| (*f, a - b)).collect();
    let curves = vec![
        Curve::line("theory", theory),
        Curve::line("emulation", emulation),
        Curve::line("measurement", found),
        Curve::line("residual", left),
    ];
    Panel::curves(title, "frequency [Hz]", "real part", curves)
}
