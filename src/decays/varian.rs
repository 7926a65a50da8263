//! Varian's and Agilent's experiments: `fid` with its parameters in `procpar`.
//!
//! `fid` begins with 32 bytes: the numbers of blocks, traces a block and numbers a trace, bytes a number, a trace and a block, the version,
//! the status and the number of headers a block. Every block begins with headers of 28 bytes. The large end of a number comes first.

use super::{Indirect, MOST_POINTS, Sense, Series, bytes_at, nucleus, number, positive};
use crate::linalg::C64;

/// The header of the file, and of a block.
const HEADERS: (usize, usize) = (32, 28);

/// Bits of the status.
const DATA: u16 = 0x1;
const SPECTRUM: u16 = 0x2;
const WIDE: u16 = 0x4;
const FLOAT: u16 = 0x8;

/// The values of a parameter of `procpar`: its line is the name with attributes, the next one the count and the values.
fn values<'a>(procpar: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = procpar.lines();
    // The second word of a parameter's line is its kind, so a value that looks like a name is told apart.
    lines.find(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some(name) && words.clone().count() >= 2 && words.all(|w| number(w).is_some())
    })?;
    let (_count, values) = lines.next()?.trim().split_once(char::is_whitespace)?;
    Some(values.trim())
}

fn value(procpar: &str, name: &str) -> Option<f64> {
    values(procpar, name)?.split_whitespace().next().and_then(number)
}

/// The kinds of numbers.
#[derive(Clone, Copy)]
enum Number {
    Short,
    Long,
    Float,
}

impl Number {
    fn at(self, bytes: &[u8], place: usize) -> Option<f64> {
        Some(match self {
            Number::Short => f64::from(i16::from_be_bytes(bytes_at(bytes, place.checked_mul(2)?)?)),
            Number::Long => f64::from(i32::from_be_bytes(bytes_at(bytes, place.checked_mul(4)?)?)),
            Number::Float => f64::from(f32::from_be_bytes(bytes_at(bytes, place.checked_mul(4)?)?)),
        })
    }
}

/// An experiment: the text of `procpar` and the bytes of `fid`.
///
/// # Errors
/// What is wrong with it: sizes that disagree, a spectrum, a sweep width that is missing.
pub fn varian(procpar: &str, fid: &[u8]) -> Result<Series, String> {
    let short = || format!("fid has {} bytes, fewer than its header", fid.len());
    let long = |at: usize| bytes_at(fid, at).map(i32::from_be_bytes).ok_or_else(short);
    let size = |at: usize, what: &str| -> Result<usize, String> {
        let n = long(at)?;
        usize::try_from(n).ok().filter(|n| *n > 0).ok_or_else(|| format!("the header of fid announces {n} {what}"))
    };
    let width = positive(value(procpar, "sw"), "sw of procpar")?;
    let (blocks, traces, numbers) = (size(0, "blocks")?, size(4, "traces per block")?, size(8, "numbers per trace")?);
    let (each, trace, block) =
        (size(12, "bytes per number")?, size(16, "bytes per trace")?, size(20, "bytes per block")?);
    let status = bytes_at(fid, 26).map(u16::from_be_bytes).ok_or_else(short)?;
    let headers = usize::try_from(long(28)?).ok().filter(|n| (1..=9).contains(n));
    let headers = headers.ok_or("the header of fid announces no block headers")?;
    if status & DATA == 0 || status & SPECTRUM != 0 {
        return Err("according to its status, fid holds no FID".into());
    }
    let kind = match (status & FLOAT != 0, status & WIDE != 0, each) {
        (true, _, 4) => Number::Float,
        (false, true, 4) => Number::Long,
        (false, false, 2) => Number::Short,
        _ => return Err(format!("the status of fid, {status:#x}, and {each} bytes a number disagree")),
    };
    if numbers % 2 != 0 {
        return Err(format!("np counts real and imaginary numbers, so it must be even: this is {numbers}"));
    }
    let head = headers * HEADERS.1;
    let agree = numbers.checked_mul(each) == Some(trace)
        && traces.checked_mul(trace).and_then(|n| n.checked_add(head)) == Some(block);
    if !agree {
        return Err(format!(
            "the header of fid is inconsistent: {traces} traces of {numbers} numbers of {each} bytes in blocks of {block}"
        ));
    }
    let wanted = blocks.checked_mul(block).and_then(|n| n.checked_add(HEADERS.0));
    if wanted != Some(fid.len()) {
        return Err(format!(
            "the header of fid announces {blocks} blocks of {block} bytes, but the file has {} bytes",
            fid.len()
        ));
    }
    let many = fid.len() / each.max(1);
    if many > MOST_POINTS {
        return Err(format!("it has {many} numbers, more than {MOST_POINTS}"));
    }
    let mut rows = Vec::new();
    for bytes in fid.get(HEADERS.0..).unwrap_or_default().chunks(block) {
        let points = bytes.get(head..).unwrap_or_default();
        for own in points.chunks(trace) {
            let point = |k: usize| Some(C64::new(kind.at(own, 2 * k)?, kind.at(own, 2 * k + 1)?));
            let row: Option<Vec<C64>> =
                (0..numbers / 2).map(|k| point(k).filter(|z| z.re.is_finite() && z.im.is_finite())).collect();
            rows.push(row.ok_or(super::NOT_FINITE)?);
        }
    }
    let transmitter = value(procpar, "sfrq").map(|x| x * 1e6);
    let indirect = (rows.len() > 1).then(|| match values(procpar, "phase").map(|v| v.split_whitespace().count()) {
        Some(2) => Indirect::States,
        _ => Indirect::Rows,
    });
    Ok(Series {
        dwell: 1.0 / width,
        first: 0.0,
        delay: 0.0,
        nucleus: values(procpar, "tn").and_then(nucleus),
        base: value(procpar, "reffrq").filter(|x| *x > 0.0).map(|x| x * 1e6),
        transmitter,
        sense: Sense::Mirrored,
        indirect,
        indirect_dwell: value(procpar, "sw1").filter(|w| *w > 0.0).map(|w| 1.0 / w).filter(|_| rows.len() > 1),
        rows,
        notes: vec![],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROCPAR: &str = "sw 1 1 5000000 1 2 2 8203 1 0 64\n1 2000 \n0 \ntn 2 2 4 0 0 2 1 9 1 64\n1 \"C13\"\n1 \"sw\"\nsfrq 1 1 1e9 0 0 2 1 11 1 64\n1 125.5\n0\n";

    fn fid(rows: &[[f32; 4]], status: u16) -> Vec<u8> {
        let mut out: Vec<u8> = [rows.len() as i32, 1, 4, 4, 16, 44].iter().flat_map(|x| x.to_be_bytes()).collect();
        out.extend([0, 0]);
        out.extend(status.to_be_bytes());
        out.extend(1i32.to_be_bytes());
        for row in rows {
            out.extend([0; 28]);
            out.extend(row.iter().flat_map(|x| x.to_be_bytes()));
        }
        out
    }

    #[test]
    fn blocks_of_floats_are_read() {
        let bytes = fid(&[[1.0, -2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]], DATA | WIDE | FLOAT);
        let found = varian(PROCPAR, &bytes).unwrap();
        assert_eq!(found.rows[0], [C64::new(1.0, -2.0), C64::new(3.0, 4.0)]);
        assert_eq!((found.rows.len(), found.dwell, found.nucleus.as_deref()), (2, 5e-4, Some("13C")));
        assert_eq!((found.sense, found.transmitter), (Sense::Mirrored, Some(125.5e6)));
        for n in 0..bytes.len() {
            assert!(varian(PROCPAR, &bytes[..n]).is_err(), "{n}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let bytes = fid(&[[1.0; 4]], DATA | WIDE | FLOAT);
        assert!(varian("sw 1 1\n", &bytes).unwrap_err().contains("sw of procpar is missing"));
        assert!(varian(PROCPAR, &fid(&[[1.0; 4]], DATA | SPECTRUM | FLOAT)).unwrap_err().contains("holds no FID"));
        assert!(varian(PROCPAR, &fid(&[[1.0; 4]], DATA)).unwrap_err().contains("disagree"));
        let mut large = bytes.clone();
        large[0] = 0x7f;
        assert!(varian(PROCPAR, &large).unwrap_err().contains("but the file has"));
        assert!(varian(PROCPAR, &[0; 64]).unwrap_err().contains("0 blocks"));
    }
}
