//! Figures as data: panels of curves or of a map, the same for a spreadsheet and for a picture.

use super::csv::field;
use crate::syntax::number_text;

/// A figure: panels in rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The name of its files, without an ending.
    pub name: String,
    /// What stands above it.
    pub title: String,
    /// How many panels stand in a row.
    pub columns: usize,
    /// The panels, row by row.
    pub panels: Vec<Panel>,
}

/// A panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What stands above it.
    pub title: String,
    /// What runs to the right, with its unit if it has one.
    pub x: String,
    /// What runs upwards, with its unit if it has one.
    pub y: String,
    /// What is drawn.
    pub content: Content,
}

/// What is drawn in a panel.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Curves.
    Curves(Vec<Curve>),
    /// A quantity over two others.
    Map(Map),
}

/// A curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its name in the legend.
    pub label: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
    /// Whether points are drawn, rather than a line through them.
    pub marks: bool,
    /// The standard error of every point, 0 where it has none; empty where none has.
    pub errors: Vec<f64>,
}

/// A quantity over a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// What the colours mean.
    pub label: String,
    /// Ascending.
    pub x: Vec<f64>,
    /// Ascending.
    pub y: Vec<f64>,
    /// `values[row][column]`, row by y.
    pub values: Vec<Vec<f64>>,
}

impl Map {
    /// The edges of the columns, one more than there are columns, and whether they are drawn on a logarithmic axis.
    pub fn columns(&self) -> (Vec<f64>, bool) {
        edges(&self.x)
    }

    /// The same of the rows.
    pub fn rows(&self) -> (Vec<f64>, bool) {
        edges(&self.y)
    }
}

/// The edges of the cells about ascending values, and whether the axis is logarithmic: it is where positive values have equal
/// ratios and not equal differences. An edge is the mean of two neighbours, on a logarithmic axis their geometric mean; the outer
/// edges lie as far from the outer values as the inner ones.
fn edges(values: &[f64]) -> (Vec<f64>, bool) {
    let alike = |steps: &[f64]| {
        let (low, high) = steps.iter().fold((f64::INFINITY, 0.0f64), |(l, h), s| (l.min(s.abs()), h.max(s.abs())));
        high - low <= 1e-6 * high
    };
    let neighbours = |v: &[f64]| v.iter().copied().zip(v.iter().copied().skip(1)).collect::<Vec<(f64, f64)>>();
    let steps = |v: &[f64]| neighbours(v).iter().map(|(a, b)| b - a).collect::<Vec<f64>>();
    let between = |v: &[f64]| -> Vec<f64> {
        let (Some(first), Some(last)) = (v.first(), v.last()) else { return vec![0.0, 1.0] };
        let all = steps(v);
        let (Some(left), Some(right)) = (all.first(), all.last()) else { return vec![first - 0.5, last + 0.5] };
        let inner = neighbours(v).into_iter().map(|(a, b)| 0.5 * (a + b));
        std::iter::once(first - 0.5 * left).chain(inner).chain([last + 0.5 * right]).collect()
    };
    let log = values.len() > 2 && values.iter().all(|v| *v > 0.0) && !alike(&steps(values)) && {
        alike(&steps(&values.iter().map(|v| v.ln()).collect::<Vec<_>>()))
    };
    if log {
        let powers: Vec<f64> = values.iter().map(|v| v.ln()).collect();
        (between(&powers).into_iter().map(f64::exp).collect(), true)
    } else {
        (between(values), false)
    }
}

impl Curve {
    /// A line.
    pub fn line(label: impl Into<String>, points: Vec<(f64, f64)>) -> Curve {
        Curve { label: label.into(), points, marks: false, errors: vec![] }
    }

    /// Points.
    pub fn marks(label: impl Into<String>, points: Vec<(f64, f64)>) -> Curve {
        Curve { label: label.into(), points, marks: true, errors: vec![] }
    }

    /// The same with standard errors.
    pub fn with_errors(self, errors: Vec<f64>) -> Curve {
        Curve { errors, ..self }
    }
}

impl Panel {
    /// True for curves over positive values with equal ratios, such as those of `sweep ... log`: they are drawn on a logarithmic axis.
    pub fn is_log_x(&self) -> bool {
        let Content::Curves(curves) = &self.content else { return false };
        let mut lines = curves.iter().filter(|c| !c.marks && !c.points.is_empty());
        let logarithmic = |c: &Curve| edges(&c.points.iter().map(|p| p.0).collect::<Vec<_>>()).1;
        let positive = || curves.iter().flat_map(|c| &c.points).all(|p| p.0 > 0.0);
        lines.next().is_some_and(logarithmic) && lines.all(logarithmic) && positive()
    }

    /// A panel of curves.
    pub fn curves(title: impl Into<String>, x: &str, y: &str, curves: Vec<Curve>) -> Panel {
        Panel { title: title.into(), x: x.into(), y: y.into(), content: Content::Curves(curves) }
    }
}

impl Figure {
    /// Rows for a spreadsheet: one a point, with the panel and the curve it belongs to, and the names of the axes with their units.
    pub fn csv(&self) -> String {
        let uncertain = self.panels.iter().any(|panel| match &panel.content {
            Content::Curves(curves) => curves.iter().any(|c| !c.errors.is_empty()),
            Content::Map(_) => false,
        });
        let mut out = format!("panel,curve,x,y,value{},x axis,y axis\n", if uncertain { ",error" } else { "" });
        for panel in &self.panels {
            let (title, axes) = (field(&panel.title), format!("{},{}", field(&panel.x), field(&panel.y)));
            match &panel.content {
                Content::Curves(curves) => {
                    for curve in curves {
                        let label = field(&curve.label);
                        for (k, (x, y)) in curve.points.iter().enumerate() {
                            let error =
                                curve.errors.get(k).filter(|e| **e > 0.0).copied().map_or(String::new(), number_text);
                            let error = if uncertain { format!(",{error}") } else { String::new() };
                            out += &format!("{title},{label},{},{},{error},{axes}\n", place_text(*x), number_text(*y));
                        }
                    }
                }
                Content::Map(map) => {
                    let label = field(&map.label);
                    for (y, row) in map.y.iter().zip(&map.values) {
                        for (x, value) in map.x.iter().zip(row) {
                            let value = number_text(*value);
                            let end = if uncertain { "," } else { "" };
                            out +=
                                &format!("{title},{label},{},{},{value}{end},{axes}\n", place_text(*x), place_text(*y));
                        }
                    }
                }
            }
        }
        out
    }
}

/// A place on an axis: without the rounding errors of the conversion to the unit of the axis.
fn place_text(x: f64) -> String {
    number_text(crate::units::rounded(x))
}

#[cfg(test)]
mod tests {
    use super::{Curve, Panel, edges};

    #[test]
    fn sweeps_with_equal_ratios_have_a_logarithmic_axis() {
        let panel =
            |x: &[f64]| Panel::curves("", "a", "b", vec![Curve::line("", x.iter().map(|x| (*x, 1.0)).collect())]);
        assert!(panel(&[1.0, 10.0, 100.0, 1000.0]).is_log_x());
        for linear in [&[1.0, 2.0, 3.0][..], &[0.0, 1.0, 10.0], &[1.0, 10.0], &[-1.0, -10.0, -100.0]] {
            assert!(!panel(linear).is_log_x(), "{linear:?}");
        }
    }

    #[test]
    fn cells_reach_half_way_to_their_neighbours() {
        assert_eq!(edges(&[1.0, 2.0, 3.0]), (vec![0.5, 1.5, 2.5, 3.5], false));
        assert_eq!(edges(&[0.0, 1.0, 10.0]), (vec![-0.5, 0.5, 5.5, 14.5], false));
        assert_eq!(edges(&[7.0]), (vec![6.5, 7.5], false));
        let (found, log) = edges(&[1.0, 10.0, 100.0, 1000.0]);
        assert!(log);
        let root = 10f64.sqrt();
        for (x, power) in found.iter().zip([-1.0, 1.0, 3.0, 5.0, 7.0]) {
            assert!((x / root.powf(power) - 1.0).abs() < 1e-12, "{found:?}");
        }
        // Every value lies in its own cell.
        for values in [vec![1.0, 2.0, 1000.0], vec![-3.0, -1.0, 0.0, 50.0], vec![1e-9, 1e-6, 1e-3]] {
            let (found, _) = edges(&values);
            assert!(values.iter().enumerate().all(|(k, v)| found[k] < *v && *v < found[k + 1]), "{found:?}");
        }
    }
}
