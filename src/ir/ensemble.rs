//! What differs among the members of an ensemble, and how it is distributed.

use crate::source::Place;
use crate::syntax::Expr;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};

/// A distribution that results are averaged over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// What differs.
    pub varied: Varied,
    /// How it is distributed.
    pub shape: Shape,
    /// Its settings: those of [`SPREADS`] or [`GRIDS`].
    pub settings: Vec<(String, Expr)>,
    /// How many points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<Expr>,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

impl Distribution {
    /// The value of a setting, where it is given.
    pub fn setting(&self, name: &str) -> Option<&Expr> {
        self.settings.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// Whether the crystallites of a powder differ.
    pub fn is_powder(&self) -> bool {
        self.varied == Varied::Orientation
    }
}

/// What differs among the members of an ensemble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Varied {
    /// The offset of a nucleus.
    Offset(String),
    /// The strength of the rf field of a nucleus, as a share of the nominal one.
    Rf(String),
    /// A parameter.
    Param(String),
    /// How the crystallite lies.
    Orientation,
    /// Where the member lies along the gradient.
    Position,
}

impl Varied {
    /// The words that say what differs.
    pub const WORDS: [&str; 5] = ["offset", "rf", "param", "orientation", "position"];

    /// As written.
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

/// How members are distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// A distribution of numbers.
    Spread(Spread),
    /// Points of the sphere.
    Grid(Grid),
}

impl Shape {
    /// As written.
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

/// A distribution of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spread {
    /// Lorentz's.
    Lorentzian,
    /// Gauss's.
    Gaussian,
    /// Evenly between two values.
    Uniform,
}

/// Points of the sphere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grid {
    /// Of Zaremba, Conroy and Cheng.
    Zcw,
    /// Along a spiral.
    Spiral,
    /// Lebedev's.
    Lebedev,
    /// Points that repel each other.
    Repulsion,
    /// Gauss's quadrature of the cosine.
    Gauss,
    /// Points of the faces of an octahedron.
    Octahedron,
}

/// A row of a table of distributions: which, word, settings, meaning.
pub type Row<T> = (T, &'static str, &'static [&'static str], &'static str);

fn word_of<T: Copy + PartialEq>(table: &[Row<T>], of: T) -> &'static str {
    table.iter().find(|(kind, ..)| *kind == of).map_or("", |(_, word, ..)| word)
}

/// The distributions of numbers.
pub const SPREADS: &[Row<Spread>] = &[
    (Spread::Lorentzian, "lorentzian", &["fwhm", "centre", "seed"], "full width at half maximum"),
    (Spread::Gaussian, "gaussian", &["mean", "sd", "seed"], "mean and standard deviation"),
    (Spread::Uniform, "uniform", &["from", "to", "seed"], "evenly between two values"),
];

/// The grids of orientations. The settings are counts.
pub const GRIDS: &[Row<Grid>] = &[
    (Grid::Zcw, "zcw", &["rotor"], "of Zaremba, Conroy and Cheng; a Fibonacci number of points, of equal weight"),
    (Grid::Spiral, "spiral", &["rotor"], "along a spiral over the whole sphere, of equal weight; any number of points"),
    (
        Grid::Lebedev,
        "lebedev",
        &["rotor"],
        "Lebedev's grids, exact for spherical harmonics up to a degree; 6, 14, 26, 38, 50, 86, 110, 146, 170, 194, 302 or 434 points over the whole sphere",
    ),
    (Grid::Repulsion, "repulsion", &["rotor"], "points that repelled each other, of equal weight"),
    (
        Grid::Gauss,
        "gauss",
        &["azimuths", "rotor"],
        "Gauss's quadrature of the cosine, `points` polar angles a hemisphere, times even steps of the azimuth",
    ),
    (
        Grid::Octahedron,
        "octahedron",
        &["rotor"],
        "of Alderman, Solum and Grant: even points of the faces of an octahedron; 4 n^2 + 2 points over the whole sphere",
    ),
];
