//! Results of a table, point by point of the parameter that was changed.

use super::parts::{Agreement, Comparison, Models, Row};
use crate::emulator::{Emulator, Request, unit_of};
use crate::hamiltonian::Fault;
use crate::ir::Experiment;
use crate::ir::quantity_of;
use crate::output::{Curve, Figure, Panel};
use crate::results::{EnergyUnit, Units};
use crate::search::Data;

pub(super) fn compare(models: &Models, data: &[Data]) -> Result<Comparison, Fault> {
    let mut out = Comparison {
        rows: vec![],
        agreements: vec![],
        figure: Figure { name: "comparison".into(), title: models.written.title.clone(), columns: 2, panels: vec![] },
        notes: vec![],
    };
    for curve in data {
        let what = curve.at.as_ref().map_or_else(|| curve.expr.to_string(), |mark| format!("{} at {mark}", curve.expr));
        let theory = model(models, models.ideal, curve)?;
        let emulation = model(models, models.quiet, curve)?;
        let unit = quantity_of(&curve.expr).map_or("", |q| unit_of(q, models.written.units)).to_string();
        for ((point, theory), emulation) in curve.points.iter().zip(&theory).zip(&emulation) {
            let (x, y, error) = *point;
            out.rows.push(Row {
                what: what.clone(),
                at: Some((curve.parameter.clone(), x)),
                unit: unit.clone(),
                theory: *theory,
                emulation: emulation.map(|e| (e, None)),
                measurement: (y, error),
            });
        }
        out.agreements.push(agreement(&what, curve, [&theory, &emulation]));
        let x_unit = Units::new(models.written, EnergyUnit::Default).parameter(&curve.parameter).to_string();
        out.figure.panels.extend(panels(&what, curve, [&theory, &emulation], &x_unit, &unit));
    }
    Ok(out)
}

/// The model at all points.
fn model(models: &Models, experiment: &Experiment, curve: &Data) -> Result<Vec<Option<f64>>, Fault> {
    let emulator = Emulator::new(experiment);
    let request = [Request { expr: curve.expr.clone(), at: curve.at.clone() }];
    let at = |x: f64| {
        let mut values = models.values.clone();
        values.insert(curve.parameter.clone(), x);
        let run = emulator.run(&values, models.options, &request)?;
        Ok(run.values.first().copied().flatten().filter(|x| x.is_finite()))
    };
    curve.points.iter().map(|(x, ..)| at(*x)).collect()
}

fn agreement(what: &str, curve: &Data, of: [&Vec<Option<f64>>; 2]) -> Agreement {
    let all: f64 = curve.points.iter().map(|(_, y, _)| y * y).sum();
    let sum = |model: &Vec<Option<f64>>, weighted: bool| -> f64 {
        let points = curve.points.iter().zip(model).filter_map(|((_, y, e), m)| Some((y - (*m)?, e.unwrap_or(1.0))));
        points.map(|(d, e)| (if weighted { d / e } else { d }).powi(2)).sum()
    };
    let weighted = curve.points.iter().all(|(_, _, e)| e.is_some_and(|e| e > 0.0));
    Agreement {
        what: what.to_string(),
        numbers: curve.points.len(),
        left: of.map(|m| sum(m, false) / all.max(f64::MIN_POSITIVE)),
        chi_square: weighted.then(|| of.map(|m| sum(m, true))),
    }
}

fn panels(what: &str, curve: &Data, of: [&Vec<Option<f64>>; 2], x_unit: &str, unit: &str) -> [Panel; 2] {
    let named = |name: &str, unit: &str| if unit.is_empty() { name.to_string() } else { format!("{name} [{unit}]") };
    let (x, y) = (named(&curve.parameter, x_unit), named(what, unit));
    let line = |model: &Vec<Option<f64>>| {
        let mut points: Vec<(f64, f64)> =
            curve.points.iter().zip(model).filter_map(|((x, ..), m)| m.map(|m| (*x, m))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    };
    let [theory, emulation] = of;
    let measured = curve.points.iter().map(|(x, y, _)| (*x, *y)).collect();
    let known = curve.points.iter().any(|(_, _, e)| e.is_some());
    let errors = |of: &mut dyn Iterator<Item = Option<f64>>| -> Vec<f64> {
        if known { of.map(|e| e.filter(|e| e.is_finite()).unwrap_or(0.0)).collect() } else { vec![] }
    };
    let left = curve.points.iter().zip(emulation).filter_map(|((x, y, _), m)| m.map(|m| (*x, y - m))).collect();
    let of_left = errors(&mut curve.points.iter().zip(emulation).filter(|(_, m)| m.is_some()).map(|((_, _, e), _)| *e));
    let curves = vec![
        Curve::line("theory", line(theory)),
        Curve::line("emulation", line(emulation)),
        Curve::marks("measurement", measured).with_errors(errors(&mut curve.points.iter().map(|(_, _, e)| *e))),
    ];
    [
        Panel::curves(what, &x, &y, curves),
        Panel::curves(
            format!("{what}: measurement - emulation"),
            &x,
            &y,
            vec![Curve::marks("residual", left).with_errors(of_left)],
        ),
    ]
}
