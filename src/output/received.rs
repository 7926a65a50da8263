//! Spectra of decays that a spectrometer has written, in one dimension and in two.
//!
//! In two dimensions every row is transformed, and then every column of rows along the indirect time t1:
//! * States, States-TPPI, echo-antiecho: `c(t1) + i s(t1)` of the cosine and sine rows, of an echo and an antiecho their two parts. The
//!   range is +-SW/2 of the indirect dimension.
//! * TPPI: rows every `1/(2 SW)`, whose phase goes on by a quarter of a turn: of the frequencies from 0 to SW, which the rows have as
//!   cosines, SW/2 is in the middle.

use super::figure::{Content, Curve, Figure, Panel};
use super::plane::shown;
use super::spectrum::{Processing, transform};
use crate::decays::digital_filter::without_delay;
use crate::decays::{Indirect, Series};
use crate::linalg::C64;

/// The most rows that are drawn as curves.
const MOST_CURVES: usize = 12;

/// The spectrum of every row, and for a two-dimensional experiment the map of magnitudes over both frequencies.
///
/// # Errors
/// When the number of rows is odd, or the time between points of the indirect dimension is not known.
pub fn received(name: &str, series: &Series) -> Result<Figure, String> {
    let figure = |panels| Figure { name: "spectrum".into(), title: name.into(), columns: 1, panels };
    let kind = series.indirect.unwrap_or(Indirect::Rows);
    if kind == Indirect::Rows {
        let rows: Vec<Vec<(f64, C64)>> = rows_of(series).iter().map(|row| direct(series, row)).collect();
        let curves = rows.iter().take(MOST_CURVES).enumerate().flat_map(|(k, row)| {
            let head = if rows.len() > 1 { format!("row {}, ", k + 1) } else { String::new() };
            let part = |f: fn(&C64) -> f64| row.iter().map(|(x, z)| (*x, f(z))).collect();
            [
                Curve::line(format!("{head}real"), part(|z| z.re)),
                Curve::line(format!("{head}magnitude"), part(|z| z.norm())),
            ]
        });
        return Ok(figure(vec![Panel::curves("spectrum", "frequency [Hz]", "signal", curves.collect())]));
    }
    let (right, up, heights) = plane(series, kind)?;
    let panel = Panel {
        title: "magnitude".into(),
        x: "frequency [Hz]".into(),
        y: "indirect frequency [Hz]".into(),
        content: Content::Map(shown(&right, &up, &heights)),
    };
    Ok(figure(vec![panel]))
}

/// The rows as the spectrometer counts frequencies, without the delay of the digital filter.
fn rows_of(series: &Series) -> Vec<Vec<C64>> {
    let trimmed = |row: Vec<C64>| -> Vec<C64> {
        if series.delay == 0.0 {
            return row;
        }
        // Its last points are those that came before the first.
        let kept = row.len().saturating_sub(series.delay.ceil() as usize);
        without_delay(&row, series.delay).into_iter().take(kept).collect()
    };
    series.spectrometer_rows().map(trimmed).collect()
}

fn direct(series: &Series, row: &[C64]) -> Vec<(f64, C64)> {
    transform(row, series.dwell, Processing::default())
}

/// Frequencies of both dimensions, and magnitudes by column.
type Plane = (Vec<f64>, Vec<f64>, Vec<Vec<f64>>);

fn plane(series: &Series, kind: Indirect) -> Result<Plane, String> {
    let Some(dwell) = series.indirect_dwell else {
        return Err("the sweep width of its indirect dimension is unknown".into());
    };
    let own = Series { rows: rows_of(series), sense: crate::decays::Sense::Spectrometer, ..series.clone() };
    // The sum of cosine and i sine of every point, or real rows with half of the time between them.
    let (rows, step): (Vec<Vec<C64>>, f64) = match kind {
        Indirect::Tppi => (own.rows.clone(), 0.5 * dwell),
        _ => {
            let pairs = own.hypercomplex()?;
            let sum = |[c, s]: &[Vec<C64>; 2]| c.iter().zip(s).map(|(c, s)| c + C64::new(0.0, 1.0) * s).collect();
            (pairs.iter().map(sum).collect(), dwell)
        }
    };
    let direct: Vec<Vec<(f64, C64)>> = rows.iter().map(|row| direct(series, row)).collect();
    let right: Vec<f64> = direct.first().map_or(vec![], |row| row.iter().map(|(f, _)| *f).collect());
    let (mut up, mut heights) = (Vec::new(), Vec::with_capacity(right.len()));
    for column in 0..right.len() {
        let along: Vec<C64> = direct.iter().filter_map(|row| row.get(column).map(|(_, z)| *z)).collect();
        let spectrum = transform(&along, step, Processing::default());
        // A cosine has each frequency with both signs: the positive ones, less half of the width.
        let (frequencies, column): (Vec<f64>, Vec<f64>) = match kind {
            Indirect::Tppi => {
                spectrum.iter().filter(|(f, _)| *f >= 0.0).map(|(f, z)| (f - 0.5 / dwell, z.norm())).unzip()
            }
            _ => spectrum.iter().map(|(f, z)| (*f, z.norm())).unzip(),
        };
        up = frequencies;
        heights.push(column);
    }
    Ok((right, up, heights))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// A line at +300 Hz of the direct and -70 Hz of the indirect dimension, in every way of receiving it.
    #[test]
    fn every_way_of_quadrature_has_the_line_at_its_place() {
        let (nu2, nu1, dwell, step, n) = (300.0, -70.0, 5e-4, 2e-3, 64);
        let direct = |t1: C64| -> Vec<C64> {
            (0..256).map(|k| t1 * C64::cis(TAU * nu2 * dwell * f64::from(k)) * (-f64::from(k) / 40.0).exp()).collect()
        };
        let decay = |t: f64| (-t / 0.03).exp();
        let one = C64::new(1.0, 0.0);
        for kind in [Indirect::States, Indirect::StatesTppi, Indirect::EchoAntiecho, Indirect::Tppi] {
            let mut rows = Vec::new();
            for k in 0..n {
                let t = step * f64::from(k);
                let phase = TAU * nu1 * t;
                let (c, s) = (phase.cos() * decay(t), phase.sin() * decay(t));
                let sign = if kind == Indirect::StatesTppi && k % 2 == 1 { -1.0 } else { 1.0 };
                match kind {
                    // Echo and antiecho: exp(-i phase) and exp(i phase), whose sum and difference are cosine and sine.
                    Indirect::EchoAntiecho => {
                        rows.push(direct(C64::cis(-phase) * decay(t)));
                        rows.push(direct(C64::cis(phase) * decay(t)));
                    }
                    Indirect::Tppi => {
                        for half in 0..2 {
                            let t = step * (f64::from(k) + 0.5 * f64::from(half));
                            let turned = TAU * nu1 * t + 0.25 * TAU * f64::from(2 * k + half);
                            rows.push(direct(one * turned.cos() * decay(t)));
                        }
                    }
                    _ => {
                        rows.push(direct(one * (sign * c)));
                        rows.push(direct(one * (sign * s)));
                    }
                }
            }
            let series = Series { indirect: Some(kind), indirect_dwell: Some(step), ..Series::bare(dwell, rows) };
            let (right, up, heights) = plane(&series, kind).unwrap();
            let (mut best, mut at) = (0.0, (0.0, 0.0));
            for (x, column) in right.iter().zip(&heights) {
                for (y, height) in up.iter().zip(column) {
                    if *height > best {
                        (best, at) = (*height, (*x, *y));
                    }
                }
            }
            // Within a step of each axis.
            let near = (right[1] - right[0], up[1] - up[0]);
            assert!((at.0 - nu2).abs() <= near.0 && (at.1 - nu1).abs() <= near.1, "{kind:?}: {at:?}");
            assert!(received("x", &series).is_ok());
            let odd = Series { rows: series.rows[..3].to_vec(), ..series.clone() };
            assert_eq!(received("x", &odd).is_err(), kind != Indirect::Tppi, "{kind:?}: a row is left over");
            assert!(received("x", &Series { indirect_dwell: None, ..series }).unwrap_err().contains("sweep width"));
        }
    }
}
