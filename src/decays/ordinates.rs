//! The numbers of a JCAMP-DX table: in plain digits (AFFN), packed between signs (PAC), squeezed (SQZ), as differences (DIF), repeated (DUP).
//!
//! Every line begins with its abscissa. A squeezed number begins with a letter that is its sign and first digit, a difference and a count
//! of repetitions with letters of their own. A line that ends in a difference repeats its last number as the first of the next line, as a
//! check.

use super::MOST_POINTS;

/// How a line is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notation {
    /// Whether letters are packed digits (ASDF); `E` is else an exponent.
    pub packed: bool,
    /// Whether a comma between digits is a decimal comma.
    pub decimal_comma: bool,
}

/// A number of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    /// Itself.
    Value(f64),
    /// The difference to the one before.
    Difference(f64),
    /// How often the one before stands there in all.
    Times(usize),
}

/// What a letter begins.
#[derive(Clone, Copy)]
enum Lead {
    Value,
    Difference,
    Times,
}

/// The kind, sign and first digit of a letter.
fn letter(c: char) -> Option<(Lead, f64, u32)> {
    let from = |first: char| u32::from(c) - u32::from(first);
    Some(match c {
        '@' => (Lead::Value, 1.0, 0),
        'A'..='I' => (Lead::Value, 1.0, from('A') + 1),
        'a'..='i' => (Lead::Value, -1.0, from('a') + 1),
        '%' => (Lead::Difference, 1.0, 0),
        'J'..='R' => (Lead::Difference, 1.0, from('J') + 1),
        'j'..='r' => (Lead::Difference, -1.0, from('j') + 1),
        'S'..='Z' => (Lead::Times, 1.0, from('S') + 1),
        's' => (Lead::Times, 1.0, 9),
        _ => return None,
    })
}

/// The tokens of a line.
fn tokens(line: &str, notation: Notation) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == ';');
        let Some(first) = rest.chars().next() else { return Ok(out) };
        if first == '?' {
            return Err("a point is missing (`?`)".into());
        }
        let packed = notation.packed.then(|| letter(first)).flatten();
        let own = if packed.is_some() { rest.get(first.len_utf8()..).unwrap_or_default() } else { rest };
        let length = digits(own, notation);
        let text = own.get(..length).unwrap_or_default();
        rest = own.get(length..).unwrap_or_default();
        let strange = || format!("`{}` is not a number", line.trim());
        let plain = |text: &str| text.replace(',', ".").parse::<f64>().ok().filter(|x| x.is_finite());
        out.push(match packed {
            None => Token::Value(plain(text).ok_or_else(strange)?),
            Some((lead, sign, digit)) => {
                let size = plain(&format!("{digit}{text}")).ok_or_else(strange)?;
                match lead {
                    Lead::Value => Token::Value(sign * size),
                    Lead::Difference => Token::Difference(sign * size),
                    Lead::Times if size < 1.0 || size.fract() != 0.0 || size > MOST_POINTS as f64 => {
                        return Err(strange());
                    }
                    Lead::Times => Token::Times(size as usize),
                }
            }
        });
    }
}

/// How many bytes of the text are one number: a sign, digits with a point, an exponent.
fn digits(text: &str, notation: Notation) -> usize {
    let bytes = text.as_bytes();
    let at = |k: usize| bytes.get(k).copied().unwrap_or(b' ');
    let run = |mut k: usize| {
        while at(k).is_ascii_digit() {
            k += 1;
        }
        k
    };
    let mut k = run(usize::from(matches!(at(0), b'+' | b'-')));
    let point = at(k) == b'.' || at(k) == b',' && notation.decimal_comma && at(k + 1).is_ascii_digit();
    if point {
        k = run(k + 1);
    }
    // In packed tables E and e are digits, but for `1.5E+03`: no packed number has a point and a sign behind.
    let signed = matches!(at(k + 1), b'+' | b'-');
    let exponent = matches!(at(k), b'E' | b'e') && (!notation.packed || point && signed);
    let end = run(k + 1 + usize::from(signed));
    let ends_in_digit = end > k + 1 + usize::from(signed);
    if exponent && ends_in_digit { end } else { k }
}

/// Reads the lines of a table `(X++(Y..Y))` of so many numbers.
///
/// # Errors
/// The mistake with the number of its line: text that is not a number, a failed check, more numbers than announced.
pub fn ordinates<'a>(
    lines: impl Iterator<Item = (usize, &'a str)>,
    announced: usize,
    notation: Notation,
) -> Result<Vec<f64>, String> {
    let mut out: Vec<f64> = Vec::new();
    // The last difference, where the line before ended in one.
    let mut check = false;
    for (number, line) in lines {
        let wrong = |why: &str| format!("line {number}: {why}");
        let found = tokens(line, notation).map_err(|why| wrong(&why))?;
        let Some((Token::Value(_), own)) = found.split_first() else {
            return Err(wrong("it does not start with an abscissa"));
        };
        let mut own = own.iter();
        if std::mem::take(&mut check) {
            match (own.next(), out.last()) {
                (Some(Token::Value(x)), Some(last)) if (x - last).abs() <= 1e-9 * last.abs().max(1.0) => {}
                (Some(Token::Value(x)), Some(last)) => {
                    return Err(wrong(&format!("the check fails: found {x} instead of the repeated value {last}")));
                }
                _ => return Err(wrong("the check value that repeats the last number is missing")),
            }
        }
        let mut step = None;
        for token in own {
            let (times, next) = match *token {
                Token::Value(x) => {
                    step = None;
                    (1, x)
                }
                Token::Difference(d) => {
                    step = Some(d);
                    (1, out.last().ok_or_else(|| wrong("a difference has no preceding value"))? + d)
                }
                Token::Times(n) => {
                    let last = out.last().ok_or_else(|| wrong("a repetition has no preceding value"))?;
                    (n - 1, last + step.unwrap_or(0.0))
                }
            };
            if out.len() + times > announced {
                return Err(wrong(&format!("more than the {announced} announced numbers")));
            }
            let d = step.unwrap_or(0.0);
            out.extend((0..times).map(|k| next + d * k as f64));
        }
        check = step.is_some();
    }
    Ok(out)
}

/// Reads the lines of a table `(XY..XY)`: pairs of an abscissa and a number in plain digits.
///
/// # Errors
/// What is wrong, with the number of the line.
pub fn pairs<'a>(
    lines: impl Iterator<Item = (usize, &'a str)>,
    announced: usize,
    notation: Notation,
) -> Result<Vec<f64>, String> {
    let mut out = Vec::new();
    for (number, line) in lines {
        let found =
            tokens(line, Notation { packed: false, ..notation }).map_err(|why| format!("line {number}: {why}"))?;
        let (own, odd) = found.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(format!("line {number}: {} numbers do not form pairs", found.len()));
        }
        out.extend(own.iter().filter_map(|[_, y]| if let Token::Value(y) = y { Some(*y) } else { None }));
        if out.len() > announced {
            return Err(format!("line {number}: more than the {announced} announced numbers"));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, packed: bool, comma: bool) -> Result<Vec<f64>, String> {
        ordinates(text.lines().zip(1..).map(|(l, k)| (k, l)), 100, Notation { packed, decimal_comma: comma })
    }

    #[test]
    fn all_notations_are_the_same_numbers() {
        let numbers = [1.0, 1.0, 1.0, -12.0, -7.0, -2.0, 3.0, 0.0, 105.0];
        for (text, packed, comma) in [
            ("0 1 1 1 -12 -7\n5 -2 3 0 105", false, false),
            ("0, 1, 1, 1, -12, -7\n5, -2, 3, 0, 105", false, false),
            ("0 1,0 1,0 1,00 -12,0 -7\n5 -2 3 0 105,0", false, true),
            ("0.5 1E0 1.0E+00 1 -1.2E+1 -70e-1\n5 -2 3 0 105", false, false),
            ("0+1+1+1-12-7\n5-2+3+0+105", true, false),
            ("0 1 1 1 -12 -7\n5 -2 3 0 1.05E+02", true, false),
            ("0AAAa2g\n5bC@A05", true, false),
            ("0AUa2g\n5bC@A05", true, false),
            // The first line ends in a difference that is repeated, so the second begins with a check.
            ("0A%%j3NT\n5bNlJ05", true, false),
        ] {
            assert_eq!(read(text, packed, comma).unwrap(), numbers, "{text}");
        }
        assert_eq!(read("0A%V", true, false).unwrap(), [1.0; 5]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, packed, part) in [
            ("0A1J\n1C5", true, "line 2: the check fails: found 35 instead of the repeated value 12"),
            ("0A1J\n1J", true, "line 2: the check value that repeats the last number is missing"),
            ("0J", true, "a difference has no preceding value"),
            ("0S", true, "a repetition has no preceding value"),
            ("0A ?", true, "a point is missing"),
            ("0 x", false, "`0 x` is not a number"),
            ("0As99999", true, "more than the 100 announced"),
            ("0As99999999999999999999", true, "is not a number"),
            ("0 1e999", false, "is not a number"),
        ] {
            let why = read(text, packed, false).expect_err(text);
            assert!(why.contains(part), "{text}: {why}");
        }
    }

    #[test]
    fn pairs_have_an_abscissa_each() {
        let lines = |text: &'static str| text.lines().zip(1..).map(|(l, k)| (k, l));
        let plain = Notation { packed: false, decimal_comma: false };
        assert_eq!(pairs(lines("0, 1; 1, 2\n2 3"), 9, plain).unwrap(), [1.0, 2.0, 3.0]);
        assert!(pairs(lines("0, 1; 1"), 9, plain).unwrap_err().contains("3 numbers do not form pairs"));
        assert!(pairs(lines("0, 1; 1, 2"), 1, plain).unwrap_err().contains("more than the 1"));
    }
}
