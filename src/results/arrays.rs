//! Columns of a result set as labelled arrays: `ergotropy(tau, theta, mark)`, `charging.ergotropy(tau, theta, charging_sample)`. Files
//! and Python use this layout, which depends only on the schema.

use super::schema::{Column, Holds, Over, Schema};
use crate::diagnostic::{CODES, Code};

/// Status of a point that has not been computed yet.
pub const PENDING: i16 = -1;

/// Name of the status array.
pub const STATUS: &str = "status";

/// Number of a diagnostic code: 404 for E404.
pub fn number_of(code: Code) -> i16 {
    let text = CODES.iter().find(|(c, ..)| *c == code).map_or("", |(_, text, _)| text);
    text.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(i16::MAX)
}

/// A dimension.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Dimension {
    /// Name: the first parameter of a sweep, `mark`, or `NAME_sample`.
    pub name: String,
    /// Its length.
    pub length: usize,
}

/// Content of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Values of a swept parameter: index of its sweep, and its index within this sweep.
    Coordinate(usize, usize),
    /// Status of each point: -1 not computed, 0 computed, otherwise the number of the error.
    Status,
    /// Names of the marks.
    Marks,
    /// Values of the column with this index.
    Column(usize),
}

/// A labelled array.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Array {
    /// Unique name.
    pub name: String,
    /// Indices of its dimensions, row-major (last index fastest).
    pub dimensions: Vec<usize>,
    /// Unit, expression and formula, under their names in NetCDF and xarray.
    pub attributes: Vec<(String, String)>,
    /// Content.
    pub content: Content,
}

/// All arrays of a result set.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Arrays {
    /// Dimensions: the sweeps, then `mark`, then the samples of each trace.
    pub dimensions: Vec<Dimension>,
    /// Number of sweep dimensions.
    pub sweeps: usize,
    /// Coordinates, dependent parameters, status, and results in the order of the columns.
    pub arrays: Vec<Array>,
}

fn text(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_string(), value.into())
}

impl Column {
    /// Attributes `units`, `expression` and `long_name` (the formula), if available.
    pub fn attributes(&self) -> Vec<(String, String)> {
        let unit = Some(&self.unit).filter(|u| !u.is_empty()).map(|u| text("units", u));
        let expression = self.expression.as_ref().map(|e| text("expression", e));
        unit.into_iter().chain(expression).chain(self.formula.map(|f| text("long_name", f))).collect()
    }
}

fn status(grid: &[usize]) -> Array {
    let meanings: Vec<String> = CODES.iter().map(|(_, code, title)| format!("{code} {title}")).collect();
    let attributes = vec![
        text("long_name", "-1 not computed, 0 computed, else the number of the error"),
        text("errors", meanings.join("\n")),
    ];
    Array { name: STATUS.into(), dimensions: grid.to_vec(), attributes, content: Content::Status }
}

impl Schema {
    /// Layout of the columns as labelled arrays.
    pub fn arrays(&self) -> Arrays {
        let sweeps = self.axes.len();
        let grid: Vec<usize> = (0..sweeps).collect();
        let axes = self.axes.iter().map(|axis| (axis.leading().0.to_string(), axis.len()));
        let marks = (!self.marks().is_empty()).then(|| ("mark".to_string(), self.marks().len()));
        let first_trace = sweeps + usize::from(marks.is_some());
        let traces = self.traces().iter().map(|t| (format!("{}_sample", t.name), t.samples));
        let dimensions = axes.chain(marks).chain(traces);
        let over = |over: Over| match over {
            Over::Points => None,
            Over::Marks => Some(sweeps),
            Over::Samples(trace) => Some(first_trace + trace),
        };
        let column = |(k, c): (usize, &Column)| Array {
            name: c.name.clone(),
            dimensions: grid.iter().copied().chain(over(c.over)).collect(),
            attributes: c.attributes(),
            content: Content::Column(k),
        };
        let all = || self.columns().iter().enumerate();
        let mut arrays = self.coordinates();
        arrays.extend(all().filter(|(_, c)| c.holds == Holds::Dependent).map(column));
        arrays.push(status(&grid));
        for (k, c) in all().filter(|(_, c)| matches!(c.holds, Holds::Measured | Holds::Time)) {
            if c.holds == Holds::Time && c.over == Over::Marks && !self.marks().is_empty() {
                let (name, dimensions) = ("mark".to_string(), vec![sweeps]);
                arrays.push(Array { name, dimensions, attributes: vec![], content: Content::Marks });
            }
            arrays.push(column((k, c)));
        }
        Arrays { dimensions: dimensions.map(|(name, length)| Dimension { name, length }).collect(), sweeps, arrays }
    }

    /// Coordinate arrays: values of the swept parameters.
    fn coordinates(&self) -> Vec<Array> {
        let named = self.axes.iter().enumerate().flat_map(|(k, axis)| {
            axis.names.iter().enumerate().map(move |(own, name)| (name, k, Content::Coordinate(k, own)))
        });
        let array = |(name, axis, content): (&String, usize, Content)| Array {
            name: name.clone(),
            dimensions: vec![axis],
            attributes: self.parameter(name).map_or(vec![], |(_, column)| column.attributes()),
            content,
        };
        named.map(array).collect()
    }

    /// Parameters that are equal at all points, on one line: `T = 300 K; rf = 100000 Hz`.
    pub fn fixed_text(&self) -> String {
        let shown = self.fixed().map(|(c, x)| format!("{} = {} {}", c.name, crate::syntax::number_text(x), c.unit));
        shown.map(|t| t.trim_end().to_string()).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A status of which only the first byte was written ends in that of a pending one; such a point is computed again.
    #[test]
    fn no_status_ends_as_a_pending_one() {
        let ends = |status: i16| status.to_be_bytes()[1];
        for (code, text, ..) in CODES {
            assert_ne!(ends(number_of(*code)), ends(PENDING), "{text}");
        }
        assert_ne!(ends(0), ends(PENDING));
    }
}
