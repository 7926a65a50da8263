//! Meshes of time on which waveforms are smooth and resolved, with a rigorous error bound instead of a grid of samples.
//!
//! A cell is accepted if every waveform is known to differ from a polynomial of degree 7 by no more than allowed: either
//! its enclosure over the cell is that narrow, or the interval enclosure `c` of its Taylor coefficient of order 8 is that small
//! (interpolation at the Chebyshev nodes of a cell of radius r has an error of at most `2 (r/2)^8 |c|`). A kink or jump is isolated
//! if its argument is monotonic: the cell is divided there, to the last bit, and each part keeps its branch. Any other cell is
//! bisected. A waveform that cannot be bounded within a budget gives an error that names the time; nothing is guessed.
//!
//! A grid of samples is not used: whatever its spacing, a narrower pulse can be missed between its points.

use super::jet::ORDER;
use super::model::Model;
use super::scalar::Waveform;
use super::tape::{Crossing, Side, Tape};
use std::fmt;

/// Maximum number of operations for a mesh; takes about two seconds.
const BUDGET: usize = 8_000_000;

/// Contributions this far below the tolerance are accepted whatever the length of their cell. They come from single points at which
/// no other bound is available, such as the vertical tangent of a square root.
const POINT_SHARE: f64 = 1e-4;

/// Cells shorter than this fraction of the whole are not divided further.
const SHORTEST: f64 = 1e-21;

/// Relative error of a polynomial that counts as rounding.
const ROUNDING: f64 = 1e-13;

/// A waveform, and the norm of the operator that it multiplies.
pub struct Weighted<'a> {
    /// The waveform.
    pub waveform: &'a Waveform,
    /// Spectral width of its operator, or any other factor of its error.
    pub norm: f64,
}

/// An interval of time: `between t = 4.81934 and 4.82178`, or `at t = 0.3` if its ends agree in six digits.
pub fn interval_text(from: f64, to: f64) -> String {
    let brief = |x: f64| {
        let x: f64 = format!("{x:.5e}").parse().unwrap_or(x);
        if x == 0.0 || (1e-4..1e6).contains(&x.abs()) { format!("{x}") } else { format!("{x:e}") }
    };
    match (brief(from), brief(to)) {
        (from, to) if from == to => format!("at t = {from}"),
        (from, to) => format!("between t = {from} and {to}"),
    }
}

/// Why the construction of a mesh failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Unresolved {
    /// Start of the cell at which it failed.
    pub from: f64,
    /// End of that cell.
    pub to: f64,
    /// True if the waveform is unbounded there, false if it varies too fast.
    pub unbounded: bool,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unresolved { from, to, .. } = self;
        match self.unbounded {
            true => {
                let place = interval_text(*from, *to);
                write!(f, "a coefficient of the Hamiltonian has no finite bound {place}")
            }
            false => {
                write!(
                    f,
                    "the coefficients of the Hamiltonian change too often: they are resolved only up to t = {from:e}"
                )
            }
        }
    }
}

impl std::error::Error for Unresolved {}

/// A cell whose waveforms are not yet resolved.
struct Cell {
    from: f64,
    to: f64,
    sides: Vec<Side>,
}

/// The ends of the cells into which `0 .. duration` is divided, ascending; the last one is the duration.
///
/// Integrated over the whole time, the difference between the waveforms and polynomials is at most `tolerance`.
///
/// # Errors
/// If a waveform is unbounded, or varies too often for the budget.
pub fn mesh(waveforms: &[Weighted], duration: f64, tolerance: f64) -> Result<Vec<f64>, Unresolved> {
    if waveforms.is_empty() || duration <= 0.0 {
        return Ok(vec![duration]);
    }
    let tape = Tape::of(waveforms.iter().map(|w| w.waveform));
    let norms: Vec<f64> = waveforms.iter().map(|w| w.norm).collect();
    let mut search =
        Search { tape: &tape, norms: &norms, duration, tolerance, models: vec![], scratch: vec![], work: 0 };
    let mut ends = Vec::new();
    let mut open = vec![Cell { from: 0.0, to: duration, sides: tape.sides() }];
    while let Some(cell) = open.pop() {
        if search.work > BUDGET {
            return Err(Unresolved { from: cell.from, to: cell.to, unbounded: false });
        }
        match search.examine(cell)? {
            Verdict::Resolved(end) => ends.push(end),
            Verdict::Open(cell) => open.push(cell),
            Verdict::Divided([left, right]) => {
                open.push(right);
                open.push(left);
            }
        }
    }
    Ok(ends)
}

/// The outcome for a cell.
enum Verdict {
    Resolved(f64),
    Open(Cell),
    Divided([Cell; 2]),
}

struct Search<'a> {
    tape: &'a Tape,
    norms: &'a [f64],
    duration: f64,
    tolerance: f64,
    models: Vec<Model>,
    scratch: Vec<f64>,
    /// Number of operations so far, weighted by their cost.
    work: usize,
}

impl Search<'_> {
    fn examine(&mut self, cell: Cell) -> Result<Verdict, Unresolved> {
        // First derivatives show where a switch is crossed; the expensive coefficients are needed only where none is.
        self.work += 2 * self.tape.size();
        let crossing = self.tape.enclose((cell.from, cell.to), &cell.sides, 1, &mut self.models);
        if self.is_negligible(&cell) {
            return Ok(Verdict::Resolved(cell.to));
        }
        if let Some(crossing) = crossing
            && !self.is_harmless(&cell, crossing)
        {
            return self.divide(cell, crossing);
        }
        self.work += 10 * self.tape.size();
        self.tape.enclose((cell.from, cell.to), &cell.sides, ORDER, &mut self.models);
        match crossing {
            _ if self.is_polynomial(&cell) => Ok(Verdict::Resolved(cell.to)),
            Some(crossing) => {
                self.tape.enclose((cell.from, cell.to), &cell.sides, 1, &mut self.models);
                self.divide(cell, crossing)
            }
            None => self.halve(cell),
        }
    }

    /// True if every waveform that depends on a switch changes negligibly: a kink in the last bits of zero is not isolated, however much
    /// other waveforms change.
    fn is_harmless(&self, cell: &Cell, crossing: Crossing) -> bool {
        let length = cell.to - cell.from;
        let behind = self.tape.uses(crossing.argument);
        self.tape
            .outputs(&self.models)
            .zip(self.norms)
            .zip(behind)
            .all(|((model, norm), behind)| !behind || model.value().radius() <= self.allowed(*norm, length))
    }

    /// Allowed error of a waveform in a cell of this length, such that all cells together meet the tolerance.
    fn allowed(&self, norm: f64, length: f64) -> f64 {
        let density = self.tolerance / self.duration;
        density.max(POINT_SHARE * self.tolerance / length) / (norm.max(f64::MIN_POSITIVE) * self.norms.len() as f64)
    }

    /// True if every waveform changes negligibly.
    fn is_negligible(&self, cell: &Cell) -> bool {
        let outputs = self.tape.outputs(&self.models).zip(self.norms);
        let length = cell.to - cell.from;
        outputs.into_iter().all(|(model, norm)| model.value().radius() <= self.allowed(*norm, length))
    }

    /// True if every waveform is a polynomial within the allowed error.
    fn is_polynomial(&self, cell: &Cell) -> bool {
        let length = cell.to - cell.from;
        self.tape.outputs(&self.models).zip(self.norms).all(|(model, norm)| {
            let value = model.value();
            value.is_finite()
                && model.remainder(length) <= self.allowed(*norm, length).max(ROUNDING * value.magnitude())
        })
    }

    /// Divides a cell where a switch crosses its threshold, or decides that it does not.
    fn divide(&mut self, cell: Cell, crossing: Crossing) -> Result<Verdict, Unresolved> {
        let Crossing { switch, argument, threshold } = crossing;
        // The slope is that of the smooth part only; it is meaningless if there is an error term.
        let slope = self.models.get(argument).filter(|model| model.error == 0.0).map(|model| model.jet.0[1]);
        let monotone = slope.is_some_and(|s| s.lo > 0.0 || s.hi < 0.0);
        if !monotone {
            return self.halve(cell);
        }
        // The end of a cell belongs to the next one, where another branch may apply.
        let end = cell.to.next_down();
        let (first, last) = (self.is_above(crossing, cell.from), self.is_above(crossing, end));
        let (from, to) = (cell.from, cell.to);
        if first == last {
            return Ok(Verdict::Open(sided(cell, switch, threshold, first)));
        }
        let (mut low, mut high) = (from, end);
        while let Some(middle) = between(low, high) {
            if self.is_above(crossing, middle) == first { low = middle } else { high = middle }
        }
        if high <= from || high >= to {
            return self.halve(cell);
        }
        // The larger of the two neighbouring numbers: there the function has its new value.
        let left = Cell { from, to: high, sides: cell.sides.clone() };
        let right = Cell { from: high, to, sides: cell.sides };
        Ok(Verdict::Divided([sided(left, switch, threshold, first), sided(right, switch, threshold, last)]))
    }

    fn is_above(&mut self, crossing: Crossing, t: f64) -> bool {
        self.work += 1;
        self.tape.value(crossing.argument, t, &mut self.scratch) >= crossing.threshold
    }

    fn halve(&mut self, cell: Cell) -> Result<Verdict, Unresolved> {
        let middle = between(cell.from, cell.to).filter(|_| cell.to - cell.from > SHORTEST * self.duration);
        let Some(middle) = middle else {
            let finite = self.tape.outputs(&self.models).all(|model| model.value().is_finite());
            // So short a cell contributes nothing if the waveform is bounded in it.
            return match finite {
                true => Ok(Verdict::Resolved(cell.to)),
                false => Err(Unresolved { from: cell.from, to: cell.to, unbounded: true }),
            };
        };
        let left = Cell { from: cell.from, to: middle, sides: cell.sides.clone() };
        let right = Cell { from: middle, to: cell.to, sides: cell.sides };
        Ok(Verdict::Divided([left, right]))
    }
}

/// A number strictly between two others; `None` if they are neighbours.
fn between(low: f64, high: f64) -> Option<f64> {
    let middle = low + 0.5 * (high - low);
    (low < middle && middle < high).then_some(middle)
}

/// A cell in which the argument of a switch is known to be on one side of a threshold.
fn sided(mut cell: Cell, switch: usize, threshold: f64, above: bool) -> Cell {
    if let Some(side) = cell.sides.get_mut(switch) {
        if above { side.from = side.from.max(threshold) } else { side.below = side.below.min(threshold) }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_written_in_few_digits() {
        assert_eq!(interval_text(4.8193359375, 4.82177734375), "between t = 4.81934 and 4.82178");
        assert_eq!(interval_text(0.29999999999999993, 0.3), "at t = 0.3");
        assert_eq!(interval_text(0.0, 1e-9), "between t = 0 and 1e-9");
    }
}
