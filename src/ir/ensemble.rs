//! Ensembles: what differs between the members, and its distribution.

use crate::source::Place;
use crate::syntax::Expr;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};

/// A distribution over which results are averaged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// The varied quantity.
    pub varied: Varied,
    /// Shape of the distribution.
    pub shape: Shape,
    /// Its settings: those of [`SPREADS`] or [`GRIDS`].
    pub settings: Vec<(String, Expr)>,
    /// Number of points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<Expr>,
    /// Its position.
    #[serde(skip)]
    pub place: Place,
}

impl Distribution {
    /// Value of a setting, if given.
    pub fn setting(&self, name: &str) -> Option<&Expr> {
        self.settings.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// True for a powder: the orientation of the crystallites is varied.
    pub fn is_powder(&self) -> bool {
        self.varied == Varied::Orientation
    }
}

/// Quantity that differs between the members of an ensemble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Varied {
    /// Offset of a nucleus.
    Offset(String),
    /// Rf amplitude of a nucleus, relative to the nominal one.
    Rf(String),
    /// A parameter.
    Param(String),
    /// Orientation of the crystallite.
    Orientation,
    /// Position along the gradient.
    Position,
}

impl Varied {
    /// Keywords of the varied quantities.
    pub const WORDS: [&str; 5] = ["offset", "rf", "param", "orientation", "position"];

    /// Its keyword.
    pub fn word(&self) -> &'static str {
        match self {
            Varied::Offset(_) => "offset",
            Varied::Rf(_) => "rf",
            Varied::Param(_) => "param",
            Varied::Orientation => "orientation",
            Varied::Position => "position",
        }
    }
}

impl Display for Varied {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Varied::Offset(of) | Varied::Rf(of) | Varied::Param(of) => write!(f, "{} {of}", self.word()),
            Varied::Orientation | Varied::Position => f.write_str(self.word()),
        }
    }
}

/// Shape of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// A distribution of numbers.
    Spread(Spread),
    /// A grid on the sphere.
    Grid(Grid),
}

impl Shape {
    /// Its keyword.
    pub fn word(self) -> &'static str {
        match self {
            Shape::Spread(spread) => word_of(SPREADS, spread),
            Shape::Grid(grid) => word_of(GRIDS, grid),
        }
    }
}

impl Display for Shape {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Distributions of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spread {
    /// Lorentzian.
    Lorentzian,
    /// Gaussian.
    Gaussian,
    /// Uniform between two values.
    Uniform,
    /// The whole numbers from one to another.
    Integers,
}

/// Grids on the sphere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grid {
    /// Zaremba-Conroy-Cheng (ZCW).
    Zcw,
    /// Spiral.
    Spiral,
    /// Lebedev quadrature.
    Lebedev,
    /// Repulsion.
    Repulsion,
    /// Gauss quadrature in the cosine of the polar angle.
    Gauss,
    /// Triangulated faces of an octahedron.
    Octahedron,
}

/// A row of a table of distributions: (distribution, keyword, settings, description).
pub type Row<T> = (T, &'static str, &'static [&'static str], &'static str);

fn word_of<T: Copy + PartialEq>(table: &[Row<T>], of: T) -> &'static str {
    table.iter().find(|(kind, ..)| *kind == of).map_or("", |(_, word, ..)| word)
}

/// The distributions of numbers.
pub const SPREADS: &[Row<Spread>] = &[
    (Spread::Lorentzian, "lorentzian", &["fwhm", "centre", "seed"], "full width at half maximum"),
    (Spread::Gaussian, "gaussian", &["mean", "sd", "seed"], "mean and standard deviation"),
    (Spread::Uniform, "uniform", &["from", "to", "seed"], "uniform between two values"),
    (
        Spread::Integers,
        "integers",
        &["from", "to"],
        "the whole numbers from one to another, of equal weight; for the seed of random lists, realisations of a disorder",
    ),
];

/// Orientation grids. Their settings are counts.
pub const GRIDS: &[Row<Grid>] = &[
    (
        Grid::Zcw,
        "zcw",
        &["rotor"],
        "the Zaremba-Conroy-Wolfsberg (ZCW) grid; a Fibonacci number of points of equal weight",
    ),
    (
        Grid::Spiral,
        "spiral",
        &["rotor"],
        "points along a spiral over the whole sphere, of equal weight; any number of points",
    ),
    (
        Grid::Lebedev,
        "lebedev",
        &["rotor"],
        "Lebedev grids, exact for spherical harmonics up to a degree; 6, 14, 26, 38, 50, 86, 110, 146, 170, 194, 302 or 434 points over the whole sphere",
    ),
    (
        Grid::Repulsion,
        "repulsion",
        &["rotor"],
        "REPULSION: points that minimise their mutual repulsion, of equal weight",
    ),
    (
        Grid::Gauss,
        "gauss",
        &["azimuths", "rotor"],
        "Gauss quadrature in the cosine, with `points` polar angles per hemisphere, times equally spaced azimuths",
    ),
    (
        Grid::Octahedron,
        "octahedron",
        &["rotor"],
        "Alderman-Solum-Grant: equally spaced points on the faces of an octahedron; 4 n^2 + 2 points over the whole sphere",
    ),
];
