//! Bruker's experiments: `fid` or `ser` with their parameters in `acqus`, and in `acqu2s` for two dimensions.

use super::digital_filter::{Filter, delay};
use super::{Indirect, Sense, Series, bytes_at, nucleus, number, positive, whole};
use crate::linalg::C64;
use crate::syntax::number_text;
use std::collections::BTreeMap;

/// The rows of `ser` begin at multiples of so many bytes.
const BLOCK: usize = 1024;

/// The parameters of `acqus` or `acqu2s`.
struct Parameters<'a> {
    file: &'static str,
    values: BTreeMap<String, &'a str>,
}

impl<'a> Parameters<'a> {
    fn of(file: &'static str, text: &'a str) -> Parameters<'a> {
        let records = text.lines().filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("##$")?.split_once('=')?;
            Some((name.trim().to_ascii_uppercase(), value.split("$$").next()?.trim()))
        });
        Parameters { file, values: records.collect() }
    }

    /// A number, where the parameter is there.
    fn number(&self, name: &str) -> Result<Option<f64>, String> {
        let Some(text) = self.values.get(&name.to_ascii_uppercase()) else { return Ok(None) };
        match number(text) {
            Some(x) => Ok(Some(x)),
            None => Err(format!("{name} of {} is not a number: `{text}`", self.file)),
        }
    }

    fn whole(&self, name: &str) -> Result<Option<i64>, String> {
        match self.number(name)? {
            Some(x) if x.fract() != 0.0 || x.abs() > 1e15 => {
                Err(format!("{name} of {} is not an integer: {}", self.file, number_text(x)))
            }
            x => Ok(x.map(|x| x as i64)),
        }
    }

    fn named(&self, name: &str) -> String {
        format!("{name} of {}", self.file)
    }
}

/// How numbers stand in `fid` and `ser`.
struct Numbers {
    double: bool,
    little: bool,
    scale: f64,
}

impl Numbers {
    fn of(acqus: &Parameters) -> Result<Numbers, String> {
        let double = match acqus.whole("DTYPA")?.unwrap_or(0) {
            0 => false,
            2 => true,
            other => {
                return Err(format!("unknown DTYPA {other}; supported are 0 (integer) and 2 (double precision)"));
            }
        };
        let little = match acqus.whole("BYTORDA")?.unwrap_or(0) {
            0 => true,
            1 => false,
            other => {
                return Err(format!("unknown BYTORDA {other}; supported are 0 (little-endian) and 1 (big-endian)"));
            }
        };
        let power = acqus.whole("NC")?.unwrap_or(0);
        if power.abs() > 1000 {
            return Err(format!("NC of acqus is the exponent of a power of two, this is {power}"));
        }
        Ok(Numbers { double, little, scale: 2f64.powi(power as i32) })
    }

    fn size(&self) -> usize {
        if self.double { 8 } else { 4 }
    }

    fn at(&self, bytes: &[u8], place: usize) -> Option<f64> {
        let from = place.checked_mul(self.size())?;
        Some(if self.double {
            let b = bytes_at::<8>(bytes, from)?;
            if self.little { f64::from_le_bytes(b) } else { f64::from_be_bytes(b) }
        } else {
            let b = bytes_at::<4>(bytes, from)?;
            f64::from(if self.little { i32::from_le_bytes(b) } else { i32::from_be_bytes(b) })
        })
    }

    /// The points of a row of so many numbers.
    fn row(&self, bytes: &[u8], numbers: usize) -> Result<Vec<C64>, String> {
        let point = |k: usize| {
            let z = C64::new(self.at(bytes, 2 * k)?, self.at(bytes, 2 * k + 1)?) * self.scale;
            Some(z).filter(|z| z.re.is_finite() && z.im.is_finite())
        };
        let points: Option<Vec<C64>> = (0..numbers / 2).map(point).collect();
        points.ok_or_else(|| super::NOT_FINITE.to_string())
    }
}

/// Which file holds the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `fid`: one decay.
    Fid,
    /// `ser`: rows.
    Ser,
}

/// An experiment: the texts of `acqus` and, where it is there, of `acqu2s`, and the bytes of `fid` or `ser`.
///
/// # Errors
/// What is wrong with it: sizes that disagree, numbers of another kind, points of one channel alone.
pub fn bruker(acqus: &str, acqu2s: Option<&str>, data: &[u8], kind: Kind) -> Result<Series, String> {
    let acqus = Parameters::of("acqus", acqus);
    let acqu2s = acqu2s.map(|text| Parameters::of("acqu2s", text));
    let width = positive(acqus.number("SW_h")?, "SW_h of acqus")?;
    let count = whole(acqus.number("TD")?, "TD of acqus")?;
    if count == 0 || count % 2 != 0 {
        return Err(format!("TD of acqus counts real and imaginary numbers, so it must be even: this is {count}"));
    }
    match acqus.whole("AQ_mod")? {
        None | Some(1 | 3) => {}
        Some(0) => {
            return Err("AQ_mod is 0 (qf): single-channel detection cannot distinguish the sign of frequency; acquire with AQ_mod 3 (DQD)"
                .into());
        }
        Some(2) => {
            return Err("AQ_mod is 2 (qseq): real and imaginary numbers were acquired sequentially, at different times; acquire with AQ_mod 3 (DQD)"
                .into());
        }
        Some(other) => return Err(format!("unknown AQ_mod {other}; supported are 1 (qsim) and 3 (DQD)")),
    }
    let numbers = Numbers::of(&acqus)?;
    let rows = match kind {
        Kind::Fid => vec![fid(data, count, &numbers)?],
        Kind::Ser => ser(data, count, &numbers, acqu2s.as_ref())?,
    };
    let filter = Filter {
        group_delay: acqus.number("GRPDLY")?,
        firmware: acqus.whole("DSPFVS")?,
        decimation: acqus.number("DECIM")?.filter(|x| x.fract() == 0.0).map(|x| x as i64),
        mode: acqus.whole("DIGMOD")?,
    };
    let megahertz = |name: &str| Ok::<_, String>(acqus.number(name)?.map(|x| x * 1e6));
    let (base, offset) = (megahertz("BF1")?, acqus.number("O1")?);
    let transmitter = megahertz("SFO1")?.or(base.zip(offset).map(|(b, o)| b + o));
    let (indirect, indirect_dwell) = indirect(kind, rows.len(), acqu2s.as_ref())?;
    let delay = delay(&filter)?;
    if delay * 2.0 >= count as f64 {
        let (points, delay) = (count / 2, number_text(delay));
        return Err(format!(
            "its {points} points are fewer than the group delay of the digital filter, {delay} points"
        ));
    }
    Ok(Series {
        dwell: 1.0 / width,
        first: 0.0,
        delay,
        nucleus: acqus.values.get("NUC1").and_then(|text| nucleus(text)),
        base,
        transmitter,
        sense: Sense::Spectrometer,
        rows,
        indirect,
        indirect_dwell,
        notes: vec![],
    })
}

/// The decay of a `fid`, which ends with the last number or is filled up to a block.
fn fid(data: &[u8], count: usize, numbers: &Numbers) -> Result<Vec<C64>, String> {
    let there = data.len() / numbers.size();
    let wanted = count.checked_mul(numbers.size());
    let fits = wanted.is_some_and(|n| data.len() >= n && data.len() <= n.next_multiple_of(BLOCK));
    if !fits {
        return Err(format!("TD announces {count} numbers, but the file has {there}"));
    }
    numbers.row(data, count)
}

/// The rows of a `ser`, each filled up to a block.
fn ser(data: &[u8], count: usize, numbers: &Numbers, acqu2s: Option<&Parameters>) -> Result<Vec<Vec<C64>>, String> {
    let absurd = || format!("TD announces {count} numbers per row, but the file has {} bytes", data.len());
    let own = count.checked_mul(numbers.size()).filter(|n| *n <= data.len()).ok_or_else(absurd)?;
    let block = own.next_multiple_of(BLOCK);
    let announced = match acqu2s {
        Some(a) => Some(whole(a.number("TD")?, &a.named("TD"))?),
        None => None,
    };
    let size = |rows: usize, row: usize| rows.checked_mul(row) == Some(data.len());
    // Some programs write rows without filling, which can only be told from the number of rows.
    let (rows, row) = match announced {
        Some(rows) if size(rows, own) && own != block => (rows, own),
        // An experiment that was halted leaves rows behind that TD does not count.
        Some(rows) if rows.checked_mul(block).is_some_and(|n| n <= data.len()) && data.len().is_multiple_of(block) => {
            (rows, block)
        }
        Some(rows) => {
            return Err(format!(
                "TD announces {count} numbers in each of {rows} rows (acqu2s), {} bytes with padding, but the file has {} bytes",
                rows.saturating_mul(block),
                data.len()
            ));
        }
        None if data.len().is_multiple_of(block) => (data.len() / block, block),
        None => return Err(format!("{} bytes are not rows of {count} numbers, and acqu2s is missing", data.len())),
    };
    if rows == 0 {
        return Err("it has no rows".into());
    }
    data.chunks(row).take(rows).map(|bytes| numbers.row(bytes, count)).collect()
}

/// How rows belong together, and the time between points of the indirect dimension.
fn indirect(kind: Kind, rows: usize, acqu2s: Option<&Parameters>) -> Result<(Option<Indirect>, Option<f64>), String> {
    if kind == Kind::Fid {
        return Ok((None, None));
    }
    let Some(acqu2s) = acqu2s else { return Ok(((rows > 1).then_some(Indirect::Rows), None)) };
    let kind = match acqu2s.whole("FnMODE")?.unwrap_or(0) {
        0 | 1 => Indirect::Rows,
        2 | 3 => Indirect::Tppi,
        4 => Indirect::States,
        5 => Indirect::StatesTppi,
        6 => Indirect::EchoAntiecho,
        other => return Err(format!("unknown FnMODE {other} of acqu2s; supported are 0 to 6")),
    };
    let dwell = acqu2s.number("SW_h")?.filter(|w| *w > 0.0).map(|w| 1.0 / w);
    Ok((Some(kind), dwell))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACQUS: &str =
        "##$TD= 4\n##$SW_h= 2000\n##$BYTORDA= 1\n##$DTYPA= 0\n##$NC= -1\n##$NUC1= <13C>\n##$BF1= 125\n##$O1= 1000\n";

    fn whole_numbers(numbers: &[i32]) -> Vec<u8> {
        numbers.iter().flat_map(|x| x.to_be_bytes()).collect()
    }

    #[test]
    fn numbers_are_whole_or_double_in_either_order() {
        let found = bruker(ACQUS, None, &whole_numbers(&[2, -4, 6, 8]), Kind::Fid).unwrap();
        assert_eq!(found.rows, [[C64::new(1.0, -2.0), C64::new(3.0, 4.0)]]);
        assert_eq!((found.dwell, found.start()), (5e-4, 0.0));
        assert_eq!((found.nucleus.as_deref(), found.transmitter), (Some("13C"), Some(125_001_000.0)));
        let bytes: Vec<u8> = [2f64, -4.0, 6.0, 8.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let acqus = ACQUS.replace("BYTORDA= 1", "BYTORDA= 0").replace("DTYPA= 0", "DTYPA= 2");
        assert_eq!(bruker(&acqus, None, &bytes, Kind::Fid).unwrap().rows, found.rows);
        assert!(bruker(&acqus, None, &bytes[..8], Kind::Fid).unwrap_err().contains("TD announces 4"));
    }

    #[test]
    fn rows_are_filled_up_to_blocks() {
        let (rows, acqu2s) = ([[2, 4, 6, 8], [10, 12, 14, 16]], "##$TD= 2\n##$FnMODE= 4\n##$SW_h= 100\n");
        let filled: Vec<u8> = rows
            .iter()
            .flat_map(|row| {
                let mut bytes = whole_numbers(row);
                bytes.resize(1024, 7);
                bytes
            })
            .collect();
        let found = bruker(ACQUS, Some(acqu2s), &filled, Kind::Ser).unwrap();
        assert_eq!(found.rows[1], [C64::new(5.0, 6.0), C64::new(7.0, 8.0)]);
        assert_eq!((found.indirect, found.indirect_dwell), (Some(Indirect::States), Some(0.01)));
        let close: Vec<u8> = rows.iter().flat_map(|row| whole_numbers(row)).collect();
        assert_eq!(bruker(ACQUS, Some(acqu2s), &close, Kind::Ser).unwrap().rows, found.rows);
        assert_eq!(bruker(ACQUS, None, &filled, Kind::Ser).unwrap().rows, found.rows);
        assert!(bruker(ACQUS, None, &close, Kind::Ser).unwrap_err().contains("acqu2s is missing"));
        assert!(bruker(ACQUS, Some("##$TD= 3\n"), &filled, Kind::Ser).unwrap_err().contains("3 rows"));
        assert!(bruker(ACQUS, Some("##$TD= 1e15\n"), &filled, Kind::Ser).is_err());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let bytes = whole_numbers(&[2, -4, 6, 8]);
        for (from, to, part) in [
            ("TD= 4", "TD= 3", "even"),
            ("TD= 4", "TD= 0", "even"),
            ("TD= 4", "TD= -4", "integer"),
            ("TD= 4", "TD= 4000000000000", "but the file has 4"),
            ("TD= 4", "TD= 2e300", "absurdly large"),
            ("TD= 4", "XX= 4", "TD of acqus is missing"),
            ("TD= 4", "TD= four", "TD of acqus is not a number: `four`"),
            ("SW_h= 2000", "SW_h= 0", "SW_h of acqus must be positive"),
            ("NC= -1", "NC= 5000", "power of two"),
            ("DTYPA= 0", "DTYPA= 1", "DTYPA 1"),
            ("BYTORDA= 1", "BYTORDA= 5", "BYTORDA 5"),
            ("NC= -1", "AQ_mod= 0", "single-channel"),
            ("NC= -1", "AQ_mod= 2", "sequentially"),
            ("NC= -1", "GRPDLY= 68", "fewer than the group delay"),
        ] {
            let why = bruker(&ACQUS.replace(from, to), None, &bytes, Kind::Fid).unwrap_err();
            assert!(why.contains(part), "{to}: {why}");
        }
    }
}
