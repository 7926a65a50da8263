//! Shapes and gradients in Bruker's form of JCAMP-DX.

use super::super::number::scientific;
use crate::ir::MIRRORED_PHASES;

/// What the labels at the head of a file have in common.
fn head(name: &str, count: usize, ranges: [f64; 4], kind: &str, rotation: f64, integral: f64) -> String {
    let [x0, x1, y0, y1] = ranges.map(|x| scientific(x, 6));
    let (rotation, integral) = (scientific(rotation, 6), scientific(integral, 6));
    // No date: the same experiment gives the same bytes.
    format!(
        "##TITLE= {name}\n##JCAMP-DX= 5.00 Bruker JCAMP library\n##DATA TYPE= Shape Data\n##ORIGIN= ergoseq\n##OWNER= ergoseq\n\
         ##DATE= 1970/01/01\n##TIME= 00:00:00\n##$SHAPE_PARAMETERS= Type: ergoseq\n\
         ##MINX= {x0}\n##MAXX= {x1}\n##MINY= {y0}\n##MAXY= {y1}\n\
         ##$SHAPE_EXMODE= {kind}\n##$SHAPE_TOTROT= {rotation}\n##$SHAPE_TYPE= {kind}\n##$SHAPE_USER_DEF= \n\
         ##$SHAPE_REPHFAC= \n##$SHAPE_BWFAC= 0.000000e+00\n##$SHAPE_BWFAC50= \n##$SHAPE_INTEGFAC= {integral}\n\
         ##$SHAPE_MODE= 0\n##NPOINTS= {count}\n"
    )
}

fn range(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max))
}

/// A shape: amplitudes from 0 to 100 and phases in degrees. `SHAPE_INTEGFAC` is `|mean(a exp(i phi))|`, a from 0 to 1.
pub fn shape(name: &str, steps: &[(f64, f64)], mirrored: bool) -> String {
    let n = steps.len().max(1) as f64;
    let (re, im) = steps.iter().fold((0.0, 0.0), |(x, y), (a, p)| (x + a * p.cos(), y + a * p.sin()));
    let degrees = |phase: f64| phase.to_degrees().rem_euclid(360.0);
    let (low, high) = range(steps.iter().map(|s| 100.0 * s.0));
    let (first, last) = range(steps.iter().map(|s| degrees(s.1)));
    let mut out = head(name, steps.len(), [low, high, first, last], "Excitation", 90.0, (re / n).hypot(im / n));
    if mirrored {
        out = out.replace("##$SHAPE_USER_DEF= \n", &format!("##$SHAPE_USER_DEF= {MIRRORED_PHASES}\n"));
    }
    out += "##XYPOINTS= (XY..XY)\n";
    for (amplitude, phase) in steps {
        out += &format!("{}, {}\n", scientific(100.0 * amplitude, 12), scientific(degrees(*phase), 12));
    }
    out + "##END=\n"
}

/// A gradient: values from -1 to 1. `SHAPE_INTEGFAC` is their mean.
pub fn gradient(name: &str, steps: &[f64]) -> String {
    let mean = steps.iter().sum::<f64>() / steps.len().max(1) as f64;
    let (low, high) = range(steps.iter().copied());
    let ranges = [0.0, steps.len().saturating_sub(1) as f64, low, high];
    let mut out = head(name, steps.len(), ranges, "Gradient", 0.0, mean);
    out += "##XYDATA= (X++(Y..Y))\n";
    for value in steps {
        out += &format!("{}\n", scientific(*value, 12));
    }
    out + "##END=\n"
}
