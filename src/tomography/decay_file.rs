//! Free induction decays as programs write them: SIMPSON's text, JCAMP-DX, and the pair of files of a Bruker spectrometer.

use crate::linalg::C64;
use crate::syntax::number_text;

/// The points of a decay, and the times of the first of them and between them, s.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    /// Between points.
    pub dwell: f64,
    /// Of the first; negative where a filter delays the signal.
    pub start: f64,
    /// The points.
    pub points: Vec<C64>,
}

fn positive(x: Option<f64>, what: &str) -> Result<f64, String> {
    match x {
        Some(x) if x > 0.0 && x.is_finite() => Ok(x),
        Some(x) => Err(format!("{what} is positive, this is {}", number_text(x))),
        None => Err(format!("{what} is missing")),
    }
}

fn counted(points: Vec<C64>, dwell: f64, start: f64, n: f64) -> Result<Points, String> {
    if points.len() as f64 != n {
        return Err(format!("{} points are announced and {} are there", number_text(n), points.len()));
    }
    Ok(Points { dwell, start, points })
}

/// SIMPSON's text: `SIMP`, `NP=`, `SW=`, `TYPE=FID`, `DATA`, a pair a line, `END`.
///
/// # Errors
/// What is wrong with it.
pub fn simpson(text: &str) -> Result<Points, String> {
    let mut lines = text.lines().map(str::trim);
    if lines.next() != Some("SIMP") {
        return Err("it does not begin with SIMP".into());
    }
    let (mut count, mut width) = (None, None);
    for line in lines.by_ref().take_while(|l| *l != "DATA") {
        match line.split_once('=').map(|(k, v)| (k.trim(), v.trim())) {
            Some(("NP", v)) => count = v.parse().ok(),
            Some(("SW", v)) => width = v.parse().ok(),
            Some(("TYPE", v)) if v != "FID" => return Err(format!("it is of type {v}, not FID")),
            Some(("FORMAT", v)) => return Err(format!("its data are {v}, and text is read")),
            _ => {}
        }
    }
    let (count, width) = (positive(count, "NP")?, positive(width, "SW")?);
    let mut points = Vec::new();
    for line in lines.take_while(|l| *l != "END").filter(|l| !l.is_empty()) {
        let numbers: Vec<Option<f64>> = line.split_whitespace().map(|x| x.parse().ok()).collect();
        let [Some(re), Some(im)] = numbers.as_slice() else {
            return Err(format!("`{line}` is no pair of numbers"));
        };
        points.push(C64::new(*re, *im));
    }
    counted(points, 1.0 / width, 0.0, count)
}

/// The text that [`simpson`] reads; points that were not received are written as zeros.
pub fn simpson_text(dwell: f64, points: impl ExactSizeIterator<Item = C64>) -> String {
    let mut out = format!("SIMP\nNP={}\nSW={}\nTYPE=FID\nDATA\n", points.len(), number_text(1.0 / dwell));
    for s in points {
        out += &format!("{} {}\n", number_text(s.re), number_text(s.im));
    }
    out + "END\n"
}

/// JCAMP-DX of class NTUPLES with a real and an imaginary page of numbers in plain digits, as `ergoseq run --format jcamp` writes it.
///
/// # Errors
/// What is wrong with it.
pub fn jcamp(text: &str) -> Result<Points, String> {
    let label = |name: &str| -> Option<&str> {
        let head = format!("##{name}=");
        text.lines().find_map(|l| l.trim().strip_prefix(head.as_str())).map(str::trim)
    };
    let list = |name: &str| -> Vec<Option<f64>> {
        label(name).unwrap_or_default().split(',').map(|x| x.trim().parse().ok()).collect()
    };
    if label("DATA TYPE").is_none_or(|t| !t.contains("FID")) {
        return Err("it is no JCAMP-DX file of a free induction decay".into());
    }
    let entry = |name: &str, k: usize| list(name).get(k).copied().flatten();
    let count = positive(entry("VAR_DIM", 0), "the first number of VAR_DIM")?;
    let (first, last) = (entry("FIRST", 0).unwrap_or(0.0), positive(entry("LAST", 0), "the first number of LAST")?);
    let dwell = positive(Some((last - first) / (count - 1.0)), "the time between points")?;
    let page = |symbol: &str, k: usize| -> Result<Vec<f64>, String> {
        let begins = text.lines().position(|l| l.contains("##DATA TABLE") && l.contains(symbol));
        let begins = begins.ok_or_else(|| format!("the page {symbol} is missing"))?;
        let factor = entry("FACTOR", k).unwrap_or(1.0);
        let mut out = Vec::new();
        for line in text.lines().skip(begins + 1).take_while(|l| !l.trim().starts_with("##")) {
            // The first number of a line is the number of its first point.
            for number in line.split_whitespace().skip(1) {
                out.push(
                    factor
                        * number.parse::<f64>().map_err(|_| format!("`{number}` is not a number in plain digits"))?,
                );
            }
        }
        Ok(out)
    };
    let (re, im) = (page("R..R", 1)?, page("I..I", 2)?);
    if re.len() != im.len() {
        return Err(format!("{} real and {} imaginary numbers are there", re.len(), im.len()));
    }
    counted(re.into_iter().zip(im).map(|(a, b)| C64::new(a, b)).collect(), dwell, first, count)
}

/// A Bruker experiment: the text of `acqus` and the bytes of `fid`. The digital filter's delay, GRPDLY points, goes before the decay.
///
/// # Errors
/// What is wrong with it.
pub fn bruker(acqus: &str, fid: &[u8]) -> Result<Points, String> {
    let value = |name: &str| -> Option<f64> {
        let head = format!("##${name}=");
        acqus.lines().find_map(|l| l.trim().strip_prefix(head.as_str())).and_then(|v| v.trim().parse().ok())
    };
    let width = positive(value("SW_h"), "SW_h of acqus")?;
    let count = positive(value("TD"), "TD of acqus")?;
    let little = value("BYTORDA").unwrap_or(0.0) == 0.0;
    let numbers: Vec<f64> = match value("DTYPA").unwrap_or(0.0) as i64 {
        0 => fid
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f64::from(if little { i32::from_le_bytes(*b) } else { i32::from_be_bytes(*b) }))
            .collect(),
        2 => fid
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| if little { f64::from_le_bytes(*b) } else { f64::from_be_bytes(*b) })
            .collect(),
        other => {
            return Err(format!("DTYPA {other} is no kind of numbers that is known: 0 whole, 2 of double precision"));
        }
    };
    let Some(numbers) = numbers.get(..count as usize).filter(|_| count <= numbers.len() as f64) else {
        return Err(format!("TD announces {} numbers, and {} are there", number_text(count), numbers.len()));
    };
    let scale = 2f64.powf(value("NC").unwrap_or(0.0));
    let dwell = 1.0 / width;
    let delay = value("GRPDLY").filter(|d| *d > 0.0).unwrap_or(0.0);
    let points = numbers.as_chunks::<2>().0.iter().map(|[re, im]| C64::new(*re, *im) * scale).collect();
    Ok(Points { dwell, start: -delay * dwell, points })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_their_mistakes_are_named() {
        let good = "SIMP\nNP=2\nSW=1000\nTYPE=FID\nDATA\n1 0\n0.5 -0.25\nEND\n";
        let found = simpson(good).unwrap();
        assert_eq!((found.dwell, found.points[1]), (1e-3, C64::new(0.5, -0.25)));
        assert_eq!(simpson(&good.replace("NP=2", "NP=3")).unwrap_err(), "3 points are announced and 2 are there");
        assert_eq!(simpson(&good.replace("1 0", "1")).unwrap_err(), "`1` is no pair of numbers");
        assert_eq!(simpson(&good.replace("SW=1000", "SW=0")).unwrap_err(), "SW is positive, this is 0");
        assert!(simpson("").is_err() && jcamp("").is_err());
    }

    #[test]
    fn bruker_numbers_are_whole_or_double_in_either_order() {
        let acqus = "##$TD= 4\n##$SW_h= 2000\n##$BYTORDA= 1\n##$DTYPA= 0\n##$NC= -1\n##$GRPDLY= 67.5\n";
        let bytes: Vec<u8> = [2i32, -4, 6, 8].iter().flat_map(|x| x.to_be_bytes()).collect();
        let found = bruker(acqus, &bytes).unwrap();
        assert_eq!(found.points, vec![C64::new(1.0, -2.0), C64::new(3.0, 4.0)]);
        assert_eq!((found.dwell, found.start), (5e-4, -67.5 * 5e-4));
        let bytes: Vec<u8> = [2f64, -4.0, 6.0, 8.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let acqus = acqus.replace("BYTORDA= 1", "BYTORDA= 0").replace("DTYPA= 0", "DTYPA= 2");
        assert_eq!(bruker(&acqus, &bytes).unwrap().points.len(), 2);
        assert!(bruker(&acqus, &bytes[..8]).unwrap_err().contains("TD announces 4"));
    }
}
