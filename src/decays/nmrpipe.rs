//! NMRPipe's files: a header of 512 numbers of single precision, then for every row its real and then its imaginary numbers.

use super::{Indirect, MOST_POINTS, Sense, Series, bytes_at, nucleus, positive, whole};
use crate::linalg::C64;

/// Numbers in the header.
const HEADER: usize = 512;

// Places in the header. The direct dimension is the one that NMRPipe calls F2.
const ORDER: usize = 2;
const DIMENSIONS: usize = 9;
const LABEL: usize = 16;
const GROUP_DELAY: usize = 40;
const QUADRATURE_INDIRECT: usize = 55;
const QUADRATURE: usize = 56;
const POINTS: usize = 99;
const WIDTH: usize = 100;
const OBSERVED: usize = 119;
const CARRIER: usize = 66;
const ROWS: usize = 219;
const TRANSFORMED: usize = 220;
const TRANSPOSED: usize = 221;
const WIDTH_INDIRECT: usize = 229;

/// The value at [`ORDER`] in the right byte order.
const IN_ORDER: f32 = 2.345;

/// The bytes with the order of those of a number.
struct Floats<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl Floats<'_> {
    fn at(&self, place: usize) -> Option<f64> {
        let b = bytes_at::<4>(self.bytes, place.checked_mul(4)?)?;
        Some(f64::from(if self.little { f32::from_le_bytes(b) } else { f32::from_be_bytes(b) }))
    }
}

/// Decays of one or two dimensions.
///
/// # Errors
/// What is wrong with it: a spectrum, three dimensions, sizes that disagree.
pub fn nmrpipe(bytes: &[u8]) -> Result<Series, String> {
    let order = |little: bool| {
        let floats = Floats { bytes, little };
        floats.at(ORDER).is_some_and(|x| (x as f32 - IN_ORDER).abs() < 1e-6).then_some(floats)
    };
    let Some(floats) = order(true).or_else(|| order(false)) else {
        return Err("it is not an NMRPipe file: its byte order mark is missing".into());
    };
    let dimensions = whole(floats.at(DIMENSIONS), "the number of its dimensions")?;
    if !(1..=2).contains(&dimensions) {
        return Err(format!("it has {dimensions} dimensions; one or two are supported"));
    }
    if floats.at(TRANSFORMED) != Some(0.0) {
        return Err("it is a spectrum, not an FID".into());
    }
    if floats.at(TRANSPOSED) != Some(0.0) && dimensions == 2 {
        return Err("it is transposed, so its rows are not FIDs".into());
    }
    if floats.at(QUADRATURE) != Some(0.0) {
        return Err("its points are real: single-channel detection cannot distinguish the sign of frequency".into());
    }
    let width = positive(floats.at(WIDTH), "the sweep width")?;
    let count = whole(floats.at(POINTS), "the number of points")?;
    let rows = if dimensions == 1 { 1 } else { whole(floats.at(ROWS), "the number of rows")? };
    let wanted = count.checked_mul(rows).filter(|n| (1..=MOST_POINTS).contains(n));
    let size = wanted.and_then(|n| n.checked_mul(2)?.checked_add(HEADER)?.checked_mul(4));
    if size != Some(bytes.len()) {
        return Err(format!(
            "its header announces {rows} rows of {count} points, but the file has {} bytes",
            bytes.len()
        ));
    }
    let row = |k: usize| -> Option<Vec<C64>> {
        let from = HEADER + 2 * k * count;
        (0..count)
            .map(|i| {
                let z = C64::new(floats.at(from + i)?, floats.at(from + count + i)?);
                Some(z).filter(|z| z.re.is_finite() && z.im.is_finite())
            })
            .collect()
    };
    let rows: Option<Vec<Vec<C64>>> = (0..rows).map(row).collect();
    let rows = rows.ok_or(super::NOT_FINITE)?;
    let label = bytes.get(4 * LABEL..4 * LABEL + 8).unwrap_or_default();
    let label = String::from_utf8_lossy(label.split(|b| *b == 0).next().unwrap_or_default()).into_owned();
    let megahertz = floats.at(OBSERVED).filter(|x| *x > 0.0 && x.is_finite());
    // 0 means that it was not set.
    let carrier = floats.at(CARRIER).filter(|x| x.is_finite() && *x != 0.0);
    let hypercomplex = dimensions == 2 && floats.at(QUADRATURE_INDIRECT) == Some(0.0);
    let indirect = (dimensions == 2).then_some(if hypercomplex { Indirect::States } else { Indirect::Rows });
    let width_indirect = floats.at(WIDTH_INDIRECT).filter(|w| dimensions == 2 && *w > 0.0 && w.is_finite());
    let delay = floats.at(GROUP_DELAY).filter(|d| *d > 0.0 && 2.0 * d < count as f64).unwrap_or(0.0);
    Ok(Series {
        delay,
        nucleus: nucleus(&label),
        transmitter: megahertz.map(|x| x * 1e6),
        base: megahertz.zip(carrier).map(|(x, ppm)| 1e6 * x / (1.0 + 1e-6 * ppm)).filter(|f| f.is_finite()),
        sense: Sense::Spectrometer,
        indirect,
        indirect_dwell: width_indirect.map(|w| 1.0 / w),
        ..Series::bare(1.0 / width, rows)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(little: bool, rows: usize, changed: &[(usize, f32)]) -> Vec<u8> {
        let mut numbers = vec![0f32; HEADER];
        let dimensions = if rows > 1 { 2.0 } else { 1.0 };
        let own = [(ORDER, IN_ORDER), (DIMENSIONS, dimensions), (POINTS, 2.0), (ROWS, rows as f32), (WIDTH, 1000.0)];
        for (place, x) in own.iter().chain(changed) {
            numbers[*place] = *x;
        }
        numbers.extend((0..4 * rows).map(|k| k as f32));
        numbers.iter().flat_map(|x| if little { x.to_le_bytes() } else { x.to_be_bytes() }).collect()
    }

    #[test]
    fn rows_are_read_in_either_order() {
        for little in [true, false] {
            let found = nmrpipe(&file(little, 1, &[])).unwrap();
            assert_eq!(found.rows, [[C64::new(0.0, 2.0), C64::new(1.0, 3.0)]]);
            assert_eq!((found.dwell, found.indirect), (1e-3, None));
            let found = nmrpipe(&file(little, 3, &[])).unwrap();
            assert_eq!(found.rows[2], [C64::new(8.0, 10.0), C64::new(9.0, 11.0)]);
        }
        let bytes = file(true, 3, &[]);
        for n in 0..bytes.len() {
            assert!(nmrpipe(&bytes[..n]).is_err(), "{n}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (place, x, part) in [
            (ORDER, 1.0, "byte order"),
            (DIMENSIONS, 3.0, "3 dimensions"),
            (DIMENSIONS, 0.5, "integer"),
            (TRANSFORMED, 1.0, "spectrum"),
            (QUADRATURE, 1.0, "real"),
            (POINTS, 1e30, "absurdly large"),
            (POINTS, 4e9, "4000000000 points"),
            (POINTS, f32::NAN, "number of points"),
            (WIDTH, 0.0, "sweep width"),
        ] {
            let why = nmrpipe(&file(true, 1, &[(place, x)])).unwrap_err();
            assert!(why.contains(part), "{place}: {why}");
        }
    }
}
