//! Rows of one acquired signal, in the order of the points of a sweep: pseudo-2D experiments, hypercomplex ones, and points measured one
//! by one.
//!
//! A row is compared with the emulation of its point. Gain and phase of the receiver are unknown but the same in all rows, so each model is
//! fitted by one complex factor. The amplitude of a row is its projection on the strongest emulated row u, `Re <u, s> / <u, u>`, with the
//! standard error `sigma / |u|` for white noise of standard deviation sigma in each real and imaginary part.

use super::decays::{acquired_decay, acquired_names, agreement, aligned, empty, receiver, round, spectra, wrong};
use super::parts::{Comparison, Models, Row};
use crate::decays::sign::turned;
use crate::decays::{Indirect, Sense, Series};
use crate::emulator::{Emulator, Run, SweepAxis, axes, points};
use crate::hamiltonian::Fault;
use crate::ir::Experiment;
use crate::linalg::{C64, ZERO};
use crate::output::{Curve, Panel, received};
use crate::syntax::number_text;
use crate::tomography::decay::Decay;
use rayon::prelude::*;

/// Rows that are drawn as spectra, beside the curve of their amplitudes.
const MOST_SPECTRA: usize = 10;

/// The rows of one signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The trace: `fid`.
    pub trace: String,
    /// How the rows of the experiment belong together.
    pub indirect: Indirect,
    /// Between points of the indirect dimension, s, where the data tell it.
    pub indirect_dwell: Option<f64>,
    /// One FID per row, in the spectrometer's sense of frequency.
    pub decays: Vec<Decay>,
}

/// A row without its digital filter, and its models.
struct Sent {
    measured: Vec<Option<C64>>,
    theory: Vec<Option<C64>>,
    emulation: Vec<Option<C64>>,
}

pub(super) fn compare(models: &Models, signals: &[Rows]) -> Result<Comparison, Fault> {
    let axes = axes(models.written, models.values)?;
    let mut out = empty(models);
    for signal in signals {
        fits(signal, &axes)?;
    }
    let all = |experiment: &Experiment| -> Result<Vec<Run>, Fault> {
        let emulator = Emulator::new(experiment);
        let points: Vec<_> = points(&axes, models.values).collect();
        points.par_iter().map(|values| emulator.run(values, models.options, &[])).collect()
    };
    let (ideal, quiet) = (all(models.ideal)?, all(models.quiet)?);
    for signal in signals {
        one(&mut out, signal, &axes, &ideal, &quiet)?;
    }
    Ok(out)
}

/// Whether the program has a point for every row.
fn fits(signal: &Rows, axes: &[SweepAxis]) -> Result<(), Fault> {
    let nucleus = signal.decays.first().map_or("", |d| d.nucleus.as_str());
    let (rows, count) = (signal.decays.len(), axes.iter().map(SweepAxis::len).product::<usize>());
    if rows == count {
        return Ok(());
    }
    let name = format!("{}.{nucleus}", signal.trace);
    let message = match axes {
        [] => format!("the data of `{name}` have {rows} rows, but the program has no `sweep`"),
        _ => format!("the data of `{name}` have {rows} rows, but the sweeps of the program have {count} points"),
    };
    let pairs = matches!(signal.indirect, Indirect::States | Indirect::StatesTppi | Indirect::EchoAntiecho);
    let help = if pairs && rows == 2 * count {
        "two rows are one point of the indirect dimension: make the phase of the indirect dimension the last sweep, as in `sweep ph = 0 deg, 90 deg`"
    } else {
        "a row is one point of the sweep, in the order of `ergoseq run` (the last sweep varies fastest): `sweep tau = 1 ms .. 64 ms points 64`"
    };
    let mut fault = wrong(message);
    fault.help.push(help.into());
    Err(fault)
}

fn one(out: &mut Comparison, signal: &Rows, axes: &[SweepAxis], ideal: &[Run], quiet: &[Run]) -> Result<(), Fault> {
    let Some(first) = signal.decays.first() else { return Ok(()) };
    let what = format!("{} of {}", signal.trace, first.nucleus);
    let signs = signs(out, signal, axes, &what);
    let mut rows = Vec::with_capacity(signal.decays.len());
    let mut dwell = first.dwell;
    for (((decay, ideal), quiet), sign) in signal.decays.iter().zip(ideal).zip(quiet).zip(&signs) {
        let (Some(theory), Some(emulation)) = (acquired_decay(ideal, decay), acquired_decay(quiet, decay)) else {
            return Err(acquired_names(quiet, decay));
        };
        dwell = emulation.dwell;
        let measured = aligned(&decay.turned(), dwell)?.into_iter().map(|z| z.map(|z| z * *sign)).collect();
        rows.push(Sent { measured, theory: theory.points, emulation: emulation.points });
    }
    // One receiver for all rows: they are fitted as one long signal. Rows of unequal length are cut to the shortest.
    let length = rows.iter().map(|r| r.measured.len().min(r.emulation.len()).min(r.theory.len())).min().unwrap_or(0);
    let joined = |part: fn(&Sent) -> &Vec<Option<C64>>| -> Vec<Option<C64>> {
        rows.iter().flat_map(|r| part(r).iter().take(length).copied()).collect()
    };
    let (theory, emulation) = (joined(|r| &r.theory), joined(|r| &r.emulation));
    let fit = receiver(out, &what, joined(|r| &r.measured), [&theory, &emulation], length, &first.nucleus);
    let models = [(&theory, fit.factors[0]), (&emulation, fit.factors[1])];
    out.agreements.push(agreement(&what, &fit.measured, models, fit.noise));
    indirect_step(out, signal, axes, &what);
    let amplitudes = amplitudes(out, &what, axes, [&fit.measured, &theory, &emulation], &fit, length);
    out.figure.panels.extend(amplitudes);
    match map(signal, &signs, &fit, &emulation, length, dwell) {
        Some(panels) => out.figure.panels.extend(panels),
        None => {
            let chunk = |all: &[Option<C64>], k: usize| -> Vec<Option<C64>> {
                all.chunks(length.max(1)).nth(k).unwrap_or_default().to_vec()
            };
            for k in 0..rows.len().min(MOST_SPECTRA) {
                let (theory, emulation) = (chunk(&theory, k), chunk(&emulation, k));
                let title = format!("{what}, {}", place(axes, k));
                let models = [(&theory, fit.factors[0]), (&emulation, fit.factors[1])];
                out.figure.panels.push(spectra(&title, &chunk(&fit.measured, k), models, (&first.nucleus, dwell)));
            }
        }
    }
    Ok(())
}

/// The sign of every row: States-TPPI data have that of every other pair turned, which a sweep of the phase over two points has not.
fn signs(out: &mut Comparison, signal: &Rows, axes: &[SweepAxis], what: &str) -> Vec<f64> {
    let pairs = axes.len() > 1 && axes.last().is_some_and(|axis| axis.len() == 2);
    let unfolded = signal.indirect == Indirect::StatesTppi && pairs;
    if unfolded {
        out.notes.push(format!("{what}: States-TPPI inverts every other pair of rows; this is undone"));
    }
    (0..signal.decays.len()).map(|k| if unfolded && (k / 2) % 2 == 1 { -1.0 } else { 1.0 }).collect()
}

/// Says where the increment of the indirect dimension differs from that of the first sweep of equal steps.
fn indirect_step(out: &mut Comparison, signal: &Rows, axes: &[SweepAxis], what: &str) {
    let Some(dwell) = signal.indirect_dwell.filter(|_| signal.indirect != Indirect::Rows) else { return };
    let step = if signal.indirect == Indirect::Tppi { 0.5 * dwell } else { dwell };
    let Some(axis) = axes.first().filter(|a| a.len() > 1) else { return };
    let (name, values) = axis.leading();
    // Rows with the phase in the same sweep repeat a time.
    let mut times = values.to_vec();
    times.dedup();
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return };
    let own = (last - first) / (times.len().max(2) - 1) as f64;
    if (own / step - 1.0).abs() > 0.01 && (2.0 * own / step - 1.0).abs() > 0.01 {
        out.notes.push(format!(
            "{what}: the increment of the indirect dimension is {} s in the data, that of `{name}` {} s",
            number_text(round(step)),
            number_text(round(own))
        ));
    }
}

/// `tau = 0.001, ph = 1.5708` of a point.
fn place(axes: &[SweepAxis], index: usize) -> String {
    let values = crate::emulator::point(axes, &Default::default(), index);
    let one = |axis: &SweepAxis| {
        let name = axis.leading().0;
        format!("{name} = {}", number_text(round(values.get(name).copied().unwrap_or(0.0))))
    };
    axes.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The amplitude of every row as rows of the table, and as curves with their residuals.
fn amplitudes(
    out: &mut Comparison,
    what: &str,
    axes: &[SweepAxis],
    [measured, theory, emulation]: [&[Option<C64>]; 3],
    fit: &super::decays::Receiver,
    length: usize,
) -> Vec<Panel> {
    let chunks = |all: &[Option<C64>]| -> Vec<Vec<C64>> {
        all.chunks(length.max(1)).map(|row| row.iter().map(|z| z.unwrap_or(ZERO)).collect()).collect()
    };
    // Points that were not received count in no row.
    let heard =
        |model: &[Option<C64>]| -> Vec<Option<C64>> { model.iter().zip(measured).map(|(m, z)| z.and(*m)).collect() };
    let (found, theory, emulation) = (chunks(measured), chunks(&heard(theory)), chunks(&heard(emulation)));
    let size = |row: &[C64]| row.iter().map(|z| z.norm_sqr()).sum::<f64>();
    let Some(strongest) = emulation.iter().max_by(|a, b| size(a).total_cmp(&size(b))) else { return vec![] };
    let all = size(strongest);
    if all == 0.0 || fit.factors[1] == ZERO {
        return vec![];
    }
    let project = |row: &[C64], factor: C64| {
        let overlap: C64 = strongest.iter().zip(row).map(|(u, s)| u.conj() * (s * factor)).sum();
        overlap.re / all
    };
    let one = C64::new(1.0, 0.0);
    let error = fit.noise.map(|sigma| sigma / (fit.factors[1].norm() * all.sqrt()));
    let (mut of_theory, mut of_emulation, mut of_measured, mut left) = (vec![], vec![], vec![], vec![]);
    let single = if let [axis] = axes { Some(axis) } else { None };
    for (k, ((s, t), e)) in found.iter().zip(&theory).zip(&emulation).enumerate() {
        let values = [project(t, fit.factors[0] / fit.factors[1]), project(e, one), project(s, one / fit.factors[1])];
        let at = single.and_then(|axis| axis.leading().1.get(k).map(|x| (axis.leading().0.to_string(), *x)));
        let named = if at.is_some() { String::new() } else { format!(", {}", place(axes, k)) };
        let x = at.as_ref().map_or((k + 1) as f64, |(_, x)| *x);
        for (curve, y) in [&mut of_theory, &mut of_emulation, &mut of_measured].into_iter().zip(values) {
            curve.push((x, y));
        }
        left.push((x, values[2] - values[1]));
        out.rows.push(Row {
            what: format!("amplitude of {what}{named}"),
            at,
            unit: String::new(),
            theory: Some(values[0]),
            emulation: Some((values[1], None)),
            measurement: (values[2], error),
        });
    }
    let x = single.map_or("row", |axis| axis.leading().0);
    let errors = |n: usize| error.map_or(vec![], |e| vec![e; n]);
    let rows = left.len();
    vec![
        Panel::curves(
            format!("amplitude of {what}"),
            x,
            "amplitude",
            vec![
                Curve::line("theory", of_theory),
                Curve::line("emulation", of_emulation),
                Curve::marks("measurement", of_measured).with_errors(errors(rows)),
            ],
        ),
        Panel::curves(
            format!("amplitude of {what}: measurement - emulation"),
            x,
            "amplitude",
            vec![Curve::marks("residual", left).with_errors(errors(rows))],
        ),
    ]
}

/// The spectra of a hypercomplex experiment in two dimensions: of the measurement, of the emulation, and of what it leaves over.
fn map(
    signal: &Rows,
    signs: &[f64],
    fit: &super::decays::Receiver,
    emulation: &[Option<C64>],
    length: usize,
    dwell: f64,
) -> Option<Vec<Panel>> {
    if signal.indirect == Indirect::Rows || length == 0 {
        return None;
    }
    let nucleus = signal.decays.first().map_or("", |d| d.nucleus.as_str());
    let series = |points: &dyn Fn(usize) -> C64| -> Series {
        let row = |(k, sign): (usize, &f64)| -> Vec<C64> {
            (0..length).map(|j| turned(nucleus, points(k * length + j)) * *sign).collect()
        };
        let rows = signs.iter().enumerate().map(row).collect();
        let (indirect, sense) = (Some(signal.indirect), Sense::Spectrometer);
        Series { indirect, sense, indirect_dwell: signal.indirect_dwell, ..Series::bare(dwell, rows) }
    };
    let at = |all: &[Option<C64>], k: usize| all.get(k).copied().flatten().unwrap_or(ZERO);
    let model = |k: usize| at(emulation, k) * fit.factors[1];
    let found = |k: usize| at(&fit.measured, k);
    let left = |k: usize| found(k) - model(k);
    let all: [(&str, &dyn Fn(usize) -> C64); 3] = [("measurement", &found), ("emulation", &model), ("residual", &left)];
    let mut panels = Vec::new();
    for (name, points) in all {
        let figure = received(name, &series(points)).ok()?;
        panels.extend(figure.panels.into_iter().map(|panel| Panel { title: name.into(), ..panel }));
    }
    Some(panels)
}
