//! SIMPSON's files of decays: text, a pair of numbers a line, or packed, four letters for three bytes.

use super::{MOST_POINTS, Series, number, positive, whole};
use crate::linalg::C64;
use crate::syntax::number_text;

/// The head of a file.
#[derive(Default)]
struct Head {
    count: Option<f64>,
    rows: Option<f64>,
    elements: Option<f64>,
    width: Option<f64>,
    width_indirect: Option<f64>,
    packed: bool,
}

/// Decays: `SIMP`, `NP=`, `SW=`, `TYPE=FID`, `DATA`, the numbers, `END`.
///
/// # Errors
/// What is wrong with it: a spectrum, numbers that disagree with what is announced.
pub fn simpson(text: &str) -> Result<Series, String> {
    let mut lines = text.lines().zip(1..).map(|(l, k): (&str, usize)| (k, l.trim())).filter(|(_, l)| !l.is_empty());
    if lines.next().map(|(_, l)| l) != Some("SIMP") {
        return Err("it starts neither with SIMP (SIMPSON) nor with ## (JCAMP-DX)".into());
    }
    let head = head(&mut lines)?;
    let count = whole(head.count, "NP")?;
    let (rows, elements) =
        (whole(head.rows.or(Some(1.0)), "NI")?.max(1), whole(head.elements.or(Some(1.0)), "NELEM")?.max(1));
    let width = positive(head.width, "SW")?;
    let rows = rows.checked_mul(elements);
    let all = rows.and_then(|rows| count.checked_mul(rows)).filter(|n| (1..=MOST_POINTS).contains(n));
    let Some(all) = all else {
        return Err(format!("NP announces {count} points; expected 1 to {MOST_POINTS}"));
    };
    let data = lines.take_while(|(_, l)| *l != "END");
    let mut notes = Vec::new();
    let points = if head.packed { unpacked(data, all)? } else { pairs(data, (count, 1.0 / width), &mut notes)? };
    if points.len() != all {
        return Err(format!("{all} points are announced, but the file has {}", points.len()));
    }
    let rows = points.chunks(count.max(1)).map(<[C64]>::to_vec).collect();
    let indirect_dwell = head.width_indirect.filter(|w| *w > 0.0).map(|w| 1.0 / w);
    Ok(Series { indirect_dwell, notes, ..Series::bare(1.0 / width, rows) })
}

fn head<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Result<Head, String> {
    let mut head = Head::default();
    for (_, line) in lines.take_while(|(_, l)| *l != "DATA") {
        let Some((name, value)) = line.split_once('=').map(|(k, v)| (k.trim(), v.trim())) else { continue };
        let numeric = || number(value).ok_or_else(|| format!("`{value}` after {name} is not a number"));
        match name {
            "NP" => head.count = Some(numeric()?),
            "NI" => head.rows = Some(numeric()?),
            "NELEM" => head.elements = Some(numeric()?),
            "SW" => head.width = Some(numeric()?),
            "SW1" => head.width_indirect = Some(numeric()?),
            "TYPE" if value != "FID" => return Err(format!("it is of type {value}, not FID")),
            "FORMAT" => match value {
                "TEXT" => head.packed = false,
                "BINARY" => head.packed = true,
                _ => return Err(format!("its data are {value}; TEXT and BINARY are supported")),
            },
            "PREC" if value == "DOUBLE" => {
                return Err("its data are double precision, which SIMPSON does not define".into());
            }
            _ => {}
        }
    }
    Ok(head)
}

/// Whether so many seconds are those of an abscissa in seconds, milliseconds or microseconds, but for the rounding of its digits.
fn is_dwell(step: f64, dwell: f64) -> bool {
    [1.0, 1e3, 1e6].iter().any(|unit| (step / (dwell * unit) - 1.0).abs() < 0.01)
}

/// A pair of numbers a line, behind an abscissa in some files: it must rise evenly, and one that is no time of the dwell is said.
fn pairs<'a>(
    lines: impl Iterator<Item = (usize, &'a str)>,
    (count, dwell): (usize, f64),
    notes: &mut Vec<String>,
) -> Result<Vec<C64>, String> {
    let mut out = Vec::new();
    let mut columns = None;
    let mut abscissa: Vec<f64> = Vec::new();
    for (k, line) in lines {
        let numbers: Vec<Option<f64>> = line.split_whitespace().map(number).collect();
        let point = match numbers.as_slice() {
            [Some(re), Some(im)] | [Some(_), Some(re), Some(im)] => C64::new(*re, *im),
            _ => return Err(format!("line {k}: `{line}` is not a pair of numbers")),
        };
        if let [Some(x), _, _] = numbers.as_slice() {
            abscissa.push(*x);
        }
        if *columns.get_or_insert(numbers.len()) != numbers.len() {
            return Err(format!("line {k}: it has {} numbers, unlike other lines", numbers.len()));
        }
        out.push(point);
    }
    if let Some(note) = uneven(abscissa.get(..count.min(abscissa.len())).unwrap_or_default(), dwell)? {
        notes.push(note);
    }
    Ok(out)
}

/// What the abscissa of the first row says that SW does not.
fn uneven(first: &[f64], dwell: f64) -> Result<Option<String>, String> {
    let ([a, .., b], true) = (first, first.len() > 1) else { return Ok(None) };
    let step = (b - a) / (first.len() - 1) as f64;
    // Digits may be few, so half of a step is none.
    let far = |(k, x): (usize, &f64)| (x - a - step * k as f64).abs() > 0.51 * step;
    if step <= 0.0 || first.iter().enumerate().any(far) {
        return Err("the first of three columns does not increase in equal steps, so it is not a time".into());
    }
    Ok((!is_dwell(step, dwell)).then(|| {
        let (step, dwell) = (number_text(step), number_text(dwell));
        format!("the first of three columns has steps of {step}, but SW gives a dwell time of {dwell} s: SW is used")
    }))
}

/// Packed numbers: each letter has six bits above `!`, three bytes in four letters, four bytes a number.
fn unpacked<'a>(lines: impl Iterator<Item = (usize, &'a str)>, announced: usize) -> Result<Vec<C64>, String> {
    let mut bytes = Vec::new();
    for (k, line) in lines {
        let six = |c: &u8| c.checked_sub(b'!').filter(|x| *x < 64).map(u32::from);
        let (quads, odd) = line.as_bytes().as_chunks::<4>();
        for [a, b, c, d] in quads {
            let all = six(a).zip(six(b)).zip(six(c)).zip(six(d));
            let Some((((a, b), c), d)) = all else {
                return Err(format!("line {k}: a character that is not valid in packed data"));
            };
            // Bits of the later letters lie above those of the earlier ones.
            let three = a | (b & 0x30) << 2 | (b & 0x0f) << 8 | (c & 0x3c) << 10 | (c & 0x03) << 16 | d << 18;
            bytes.extend(three.to_le_bytes().iter().take(3));
        }
        if !odd.is_empty() {
            return Err(format!("line {k}: {} characters are not groups of four", line.len()));
        }
        if bytes.len() > announced.saturating_mul(8).saturating_add(2) {
            return Err(format!("line {k}: more than the {announced} announced points"));
        }
    }
    let point = |b: &[u8; 8]| {
        let [a, b, c, d, e, f, g, h] = *b;
        C64::new(float([a, b, c, d]), float([e, f, g, h]))
    };
    Ok(bytes.as_chunks::<8>().0.iter().map(point).collect())
}

/// SIMPSON's packed number: a mantissa of 23 bits below 1, an exponent above -127, a sign. It has no leading one, as others have.
fn float(bytes: [u8; 4]) -> f64 {
    let bits = u32::from_le_bytes(bytes);
    let mantissa = f64::from(bits & 0x7f_ffff) / f64::from(1 << 23);
    let size = mantissa * 2f64.powi((bits >> 23 & 0xff) as i32 - 127);
    if bits >> 31 == 1 { -size } else { size }
}

/// The text that [`simpson`] reads, of points in the spectrometer's sense.
pub fn simpson_text(dwell: f64, points: impl ExactSizeIterator<Item = C64>) -> String {
    let mut out = format!("SIMP\nNP={}\nSW={}\nTYPE=FID\nDATA\n", points.len(), number_text(1.0 / dwell));
    for s in points {
        out += &format!("{} {}\n", number_text(s.re), number_text(s.im));
    }
    out + "END\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "SIMP\nNP=2\nSW=1000\nTYPE=FID\nDATA\n1 0\n0.5 -0.25\nEND\n";

    #[test]
    fn texts_are_read() {
        let found = simpson(GOOD).unwrap();
        assert_eq!((found.dwell, found.rows[0][1]), (1e-3, C64::new(0.5, -0.25)));
        for same in [
            format!("\n{GOOD}"),
            GOOD.replace("TYPE=FID\n", "REF=100.5\nNI=1\n"),
            GOOD.replace("END\n", ""),
            GOOD.replace("1 0\n0.5", "0.0 1 0\n0.1 0.5"),
            simpson_text(1e-3, found.rows[0].clone().into_iter()),
        ] {
            assert_eq!(simpson(&same).unwrap().rows, found.rows, "{same}");
        }
        let timed = simpson(&GOOD.replace("1 0\n0.5", "0 1 0\n1 0.5")).unwrap();
        assert!(timed.notes.is_empty(), "a column in milliseconds: {:?}", timed.notes);
        let other = simpson(&GOOD.replace("1 0\n0.5", "0 1 0\n0.005 0.5")).unwrap();
        assert!(other.notes[0].contains("steps of 0.005") && other.dwell == 1e-3, "{:?}", other.notes);
        let two = simpson(&GOOD.replace("NP=2", "NP=1\nNI=2\nSW1=50")).unwrap();
        assert_eq!((two.rows.len(), two.indirect_dwell), (2, Some(0.02)));
    }

    #[test]
    fn packed_numbers_are_read() {
        // 0.5 is the mantissa 0.5 and the exponent 0: 0x3fc00000; -3 is -0.75 times 4: 0xc0e00000.
        let bytes = [0x3fc0_0000u32, 0xc0e0_0000].map(u32::to_le_bytes).concat();
        let bits: Vec<u8> = bytes.iter().flat_map(|b| (0..8).map(move |k| b >> k & 1)).collect();
        // Letter by letter as SIMPSON packs them: first six bits, the last two with the first four, the last four with the first two.
        let of = |places: [usize; 6]| {
            places.iter().enumerate().map(|(k, p)| bits.get(*p).map_or(0, |b| b << k)).sum::<u8>() + b'!'
        };
        let mut text = String::new();
        for k in (0..72).step_by(24) {
            for places in [[0, 1, 2, 3, 4, 5], [8, 9, 10, 11, 6, 7], [16, 17, 12, 13, 14, 15], [18, 19, 20, 21, 22, 23]]
            {
                text.push(char::from(of(places.map(|p| p + k))));
            }
        }
        let file = format!("SIMP\nNP=1\nSW=1000\nTYPE=FID\nFORMAT=BINARY\nDATA\n{text}\nEND\n");
        assert_eq!(simpson(&file).unwrap().rows, [[C64::new(0.5, -3.0)]]);
        assert!(
            simpson(&file.replace("NP=1", "NP=3")).unwrap_err().contains("3 points are announced, but the file has 1")
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (from, to, part) in [
            ("SIMP", "SIMPLE", "starts neither with SIMP"),
            ("NP=2", "NP=3", "3 points are announced, but the file has 2"),
            ("NP=2", "NP=1", "1 points are announced, but the file has 2"),
            ("NP=2", "NP=1e12", "expected 1 to 16777216"),
            ("NP=2", "NP=0", "NP announces 0 points"),
            ("NP=2", "NP=2\nNI=1e15", "NP announces"),
            ("1 0\n", "1\n", "line 6: `1` is not a pair of numbers"),
            ("1 0\n", "1 nan\n", "is not a pair of numbers"),
            ("1 0\n", "0 1 0\n", "line 7: it has 2 numbers"),
            ("1 0\n0.5", "5 1 0\n2 0.5", "does not increase in equal steps"),
            ("SW=1000", "SW=0", "SW must be positive, this is 0"),
            ("SW=1000", "SW=x", "`x` after SW is not a number"),
            ("TYPE=FID", "TYPE=SPE", "of type SPE"),
            ("TYPE=FID", "FORMAT=BINARY\nPREC=DOUBLE", "double precision"),
            ("TYPE=FID", "FORMAT=BINARY", "3 characters are not groups of four"),
        ] {
            let why = simpson(&GOOD.replace(from, to)).unwrap_err();
            assert!(why.contains(part), "{to}: {why}");
        }
    }
}
