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

impl Curve {
    /// A line.
    pub fn line(label: impl Into<String>, points: Vec<(f64, f64)>) -> Curve {
        Curve { label: label.into(), points, marks: false }
    }

    /// Points.
    pub fn marks(label: impl Into<String>, points: Vec<(f64, f64)>) -> Curve {
        Curve { label: label.into(), points, marks: true }
    }
}

impl Panel {
    /// A panel of curves.
    pub fn curves(title: impl Into<String>, x: &str, y: &str, curves: Vec<Curve>) -> Panel {
        Panel { title: title.into(), x: x.into(), y: y.into(), content: Content::Curves(curves) }
    }
}

impl Figure {
    /// Rows for a spreadsheet: one a point, with the panel and the curve it belongs to.
    pub fn csv(&self) -> String {
        let mut out = String::from("panel,curve,x,y,value\n");
        for panel in &self.panels {
            let title = field(&panel.title);
            match &panel.content {
                Content::Curves(curves) => {
                    for curve in curves {
                        let label = field(&curve.label);
                        for (x, y) in &curve.points {
                            out += &format!("{title},{label},{},{},\n", number_text(*x), number_text(*y));
                        }
                    }
                }
                Content::Map(map) => {
                    let label = field(&map.label);
                    for (y, row) in map.y.iter().zip(&map.values) {
                        for (x, value) in map.x.iter().zip(row) {
                            let value = number_text(*value);
                            out += &format!("{title},{label},{},{},{value}\n", number_text(*x), number_text(*y));
                        }
                    }
                }
            }
        }
        out
    }
}
