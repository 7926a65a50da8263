//! Free induction decays as spectrometers and programs write them.
//!
//! Every reader takes bytes or text and gives a [`Series`]: the numbers as they stand in the file, with what the file says of them.
//! * `bruker`: `fid` and `ser` with their `acqus` and `acqu2s`;
//! * `varian`: `fid` with `procpar`;
//! * `jcamp`: JCAMP-DX, whose packed numbers `ordinates` reads;
//! * `simpson`: SIMPSON's text and its packed form;
//! * `nmrpipe`: NMRPipe;
//! * `sign`: which way frequencies run;
//! * `digital_filter`: the points before the first.
//!
//! No reader allocates by what a file promises: sizes are compared with the bytes that are there first.

pub mod bruker;
pub mod digital_filter;
pub mod jcamp;
pub mod nmrpipe;
pub mod ordinates;
pub mod sign;
pub mod simpson;
pub mod varian;

pub use sign::Sense;

use crate::linalg::C64;
use crate::syntax::number_text;

/// The most points of a series: what a packed file may become.
pub const MOST_POINTS: usize = 1 << 24;

/// How the rows of a two-dimensional experiment belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indirect {
    /// Each row is an experiment of its own, of another delay or pulse: pseudo-2D.
    Rows,
    /// Two rows are one complex point of the indirect dimension, cosine and sine: States.
    States,
    /// The same with the sign of every other pair turned: States-TPPI.
    StatesTppi,
    /// Real points with a phase that goes on: TPPI.
    Tppi,
    /// Two rows are an echo and an antiecho.
    EchoAntiecho,
}

/// Decays of a file, and what it says of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Between points, s.
    pub dwell: f64,
    /// The time of the first point but for the digital filter, s.
    pub first: f64,
    /// The delay of the digital filter, points.
    pub delay: f64,
    /// The nucleus, as in `13C`, where the file tells it.
    pub nucleus: Option<String>,
    /// The frequency of 0 ppm, Hz, where the file tells it.
    pub base: Option<f64>,
    /// The frequency of the transmitter, Hz, where the file tells it.
    pub transmitter: Option<f64>,
    /// Which way frequencies run.
    pub sense: Sense,
    /// The points, row by row.
    pub rows: Vec<Vec<C64>>,
    /// How the rows belong together; `None` where there is one decay.
    pub indirect: Option<Indirect>,
    /// Between points of the indirect dimension, s, where there is one and the file tells it.
    pub indirect_dwell: Option<f64>,
    /// What of the file is not as it should be, and does not count.
    pub notes: Vec<String>,
}

impl Series {
    /// Decays of which no more is known than the time between points.
    pub(crate) fn bare(dwell: f64, rows: Vec<Vec<C64>>) -> Series {
        let indirect = (rows.len() > 1).then_some(Indirect::Rows);
        Series {
            dwell,
            first: 0.0,
            delay: 0.0,
            nucleus: None,
            base: None,
            transmitter: None,
            sense: Sense::Spectrometer,
            rows,
            indirect,
            indirect_dwell: None,
            notes: vec![],
        }
    }

    /// The time of the first point, s; negative where a filter delays the decay.
    pub fn start(&self) -> f64 {
        self.first - self.delay * self.dwell
    }

    /// The rows as the spectrometer counts frequencies.
    pub fn spectrometer_rows(&self) -> impl Iterator<Item = Vec<C64>> + '_ {
        self.rows.iter().map(|row| row.iter().map(|z| self.sense.to_spectrometer(*z)).collect())
    }

    /// Cosine and sine parts of a hypercomplex experiment, a pair a point of the indirect dimension: `cos - i sin` of the frequency of
    /// the indirect dimension is the sum of the first and i times the second. An echo and an antiecho become the two parts, and States-TPPI
    /// turns the sign of every other pair.
    ///
    /// # Errors
    /// When the experiment is not hypercomplex, or a row is left over.
    pub fn hypercomplex(&self) -> Result<Vec<[Vec<C64>; 2]>, String> {
        let kind =
            self.indirect.filter(|k| matches!(k, Indirect::States | Indirect::StatesTppi | Indirect::EchoAntiecho));
        let Some(kind) = kind else { return Err("its rows are not pairs of a hypercomplex experiment".into()) };
        let (pairs, odd) = self.rows.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(format!("{} rows are not pairs of a hypercomplex experiment", self.rows.len()));
        }
        let part = |k: usize, [a, b]: &[Vec<C64>; 2]| -> [Vec<C64>; 2] {
            match kind {
                Indirect::EchoAntiecho => {
                    let sum = a.iter().zip(b).map(|(a, b)| a + b);
                    let difference = a.iter().zip(b).map(|(a, b)| (a - b) * C64::new(0.0, 1.0));
                    [sum.collect(), difference.collect()]
                }
                Indirect::StatesTppi if k % 2 == 1 => [a, b].map(|row| row.iter().map(|z| -z).collect()),
                _ => [a.clone(), b.clone()],
            }
        };
        Ok(pairs.iter().enumerate().map(|(k, pair)| part(k, pair)).collect())
    }
}

/// A number that must be positive.
fn positive(x: Option<f64>, what: &str) -> Result<f64, String> {
    match x {
        Some(x) if x > 0.0 && x.is_finite() => Ok(x),
        Some(x) => Err(format!("{what} must be positive, this is {}", number_text(x))),
        None => Err(format!("{what} is missing")),
    }
}

/// A number that must be whole, and not negative.
fn whole(x: Option<f64>, what: &str) -> Result<usize, String> {
    let x = x.ok_or_else(|| format!("{what} is missing"))?;
    if x < 0.0 || x.fract() != 0.0 {
        return Err(format!("{what} must be an integer that is not negative, this is {}", number_text(x)));
    }
    // No file has so many bytes, and doubles beyond this are no longer exact.
    if x > (1u64 << 53) as f64 {
        return Err(format!("{what} is absurdly large: {}", number_text(x)));
    }
    Ok(x as usize)
}

/// So many bytes at a place.
fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// `1H` from `1H`, `^1H`, `H1`, `<1H>` or `H-1`; `None` where it is no nucleus.
fn nucleus(text: &str) -> Option<String> {
    let letters: String = text.chars().filter(char::is_ascii_alphabetic).collect();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if letters.is_empty() || digits.is_empty() || letters.len() > 2 || digits.len() > 3 {
        return None;
    }
    let mut letters = letters.chars();
    let first = letters.next()?.to_ascii_uppercase();
    Some(format!("{digits}{first}{}", letters.as_str().to_ascii_lowercase()))
}

/// Why a file with such a number is refused.
const NOT_FINITE: &str = "it contains a number that is infinite or NaN";

/// A number in any notation of instruments: a comma or a point, an exponent of E or Fortran's D.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.parse::<f64>().ok();
    plain.or_else(|| text.replace(',', ".").replace(['D', 'd'], "e").parse().ok()).filter(|x| x.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nuclei_are_known_in_all_notations() {
        for text in ["1H", "^1H", "H1", "<1H>", "h-1"] {
            assert_eq!(nucleus(text).as_deref(), Some("1H"), "{text}");
        }
        assert_eq!(nucleus("Si29").as_deref(), Some("29Si"));
        assert_eq!((nucleus("<off>"), nucleus(""), nucleus("lk")), (None, None, None));
    }

    #[test]
    fn numbers_are_read_in_all_notations() {
        for text in ["2000.5", "2000,5", "2.0005D3", " 2.0005e+03 "] {
            assert_eq!(number(text), Some(2000.5), "{text}");
        }
        assert_eq!((number("1,2,3"), number("nan"), number("")), (None, None, None));
    }

    #[test]
    fn pairs_of_rows_are_cosine_and_sine() {
        let row = |x: f64| vec![C64::new(x, 0.0)];
        let mut series = Series::bare(1.0, vec![row(1.0), row(2.0), row(3.0), row(4.0)]);
        assert!(series.hypercomplex().is_err());
        series.indirect = Some(Indirect::StatesTppi);
        assert_eq!(series.hypercomplex().unwrap()[1], [row(-3.0), row(-4.0)]);
        series.indirect = Some(Indirect::EchoAntiecho);
        assert_eq!(series.hypercomplex().unwrap()[0], [row(3.0), vec![C64::new(0.0, -1.0)]]);
        series.rows.pop();
        assert!(series.hypercomplex().unwrap_err().contains("3 rows"));
    }
}
