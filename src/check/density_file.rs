//! Density matrices from files: JSON with real and imaginary parts, as `ergoseq tomography --format json` writes them, or a table of numbers.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The elements of a matrix, row by row: real and imaginary part.
pub type Elements = Vec<Vec<(f64, f64)>>;

/// Largest dimension of a matrix from a file.
const LARGEST: usize = 1024;

/// Parses a density matrix.
///
/// * JSON: an object with the rows `re` and, unless the matrix is real, `im`, and nothing else; or an object whose `state` is such an object.
/// * A table: one row per line, of real or complex numbers separated by blanks, commas or semicolons: `0.5`, `0.1-0.2j`, `(1e-3+2e-3j)`,
///   `0.3i`, as `numpy.savetxt` writes them. `#` and `%` start a comment.
///
/// # Errors
/// A message with the line or the row: an entry that is not a number, rows of different lengths, or a matrix that is not square.
pub fn density_file(text: &str) -> Result<Elements, String> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let rows = if text.starts_with('{') { json(text)? } else { table(text)? };
    let n = rows.len();
    if n == 0 {
        return Err("it has no rows".into());
    }
    if n > LARGEST {
        return Err(format!("it has {n} rows, at most {LARGEST} are read"));
    }
    match rows.iter().enumerate().find(|(_, row)| row.len() != n) {
        Some((k, row)) => Err(format!("row {} has {} elements, but there are {n} rows", k + 1, row.len())),
        None => Ok(rows),
    }
}

/// The fields of a matrix, each at most once: [`Value`] keeps the last of several fields with one name.
#[derive(Deserialize)]
struct Once {
    #[serde(rename = "re")]
    _re: IgnoredAny,
    #[serde(rename = "im", default)]
    _im: Option<IgnoredAny>,
}

/// A matrix among other fields.
#[derive(Deserialize)]
struct StateOnce {
    #[serde(rename = "state")]
    _state: Once,
}

fn json(text: &str) -> Result<Elements, String> {
    let whole: Value = serde_json::from_str(text).map_err(|e| format!("it is not valid JSON: {e}"))?;
    let object = whole.get("state").unwrap_or(&whole);
    let part = |name: &str| -> Result<Option<Vec<Vec<f64>>>, String> {
        let Some(rows) = object.get(name) else { return Ok(None) };
        serde_json::from_value(rows.clone()).map(Some).map_err(|_| format!("`{name}` is not a list of rows of numbers"))
    };
    let Some(re) = part("re")? else {
        return Err("it has no `re`, the rows of the real parts".into());
    };
    // A matrix whose imaginary parts have another name would be read as real.
    let mut keys = object.as_object().into_iter().flat_map(|fields| fields.keys());
    if let Some(key) = keys.find(|key| !["re", "im"].contains(&key.as_str())) {
        return Err(format!("`{}` is neither `re` nor `im`", shown(key)));
    }
    let once = match whole.get("state") {
        Some(_) => serde_json::from_str::<StateOnce>(text).map(drop),
        None => serde_json::from_str::<Once>(text).map(drop),
    };
    once.map_err(|e| format!("it is ambiguous: {e}"))?;
    let im = part("im")?;
    if let Some(im) = &im
        && (im.len() != re.len() || im.iter().zip(&re).any(|(a, b)| a.len() != b.len()))
    {
        return Err("`re` and `im` have different sizes".into());
    }
    let imaginary = |i: usize, j: usize| {
        let row = im.as_ref().and_then(|rows| rows.get(i));
        row.and_then(|row| row.get(j)).copied().unwrap_or(0.0)
    };
    let row = |(i, row): (usize, &Vec<f64>)| row.iter().enumerate().map(|(j, x)| (*x, imaginary(i, j))).collect();
    Ok(re.iter().enumerate().map(row).collect())
}

fn table(text: &str) -> Result<Elements, String> {
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let content = line.split(['#', '%']).next().unwrap_or_default();
        let words = content.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|w| !w.is_empty());
        let row =
            words.map(|w| complex(w).ok_or_else(|| format!("line {}: `{}` is not a number", number + 1, shown(w))));
        let row: Vec<(f64, f64)> = row.collect::<Result<_, String>>()?;
        if !row.is_empty() {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// The beginning of a word.
fn shown(word: &str) -> String {
    word.chars().take(24).collect()
}

/// A real or complex number.
fn complex(word: &str) -> Option<(f64, f64)> {
    let word = word.strip_prefix('(').and_then(|w| w.strip_suffix(')')).unwrap_or(word);
    let finite = |text: &str| text.parse::<f64>().ok().filter(|x| x.is_finite());
    let Some(body) = word.strip_suffix(['j', 'i']) else { return Some((finite(word)?, 0.0)) };
    // The sign between the parts is the last one that belongs to no exponent.
    let mut before = ' ';
    let mut split = None;
    for (k, c) in body.char_indices() {
        if (c == '+' || c == '-') && k > 0 && !matches!(before, 'e' | 'E') {
            split = Some(k);
        }
        before = c;
    }
    let (real, imaginary) = split.map_or(("0", body), |k| body.split_at(k));
    let imaginary = match imaginary {
        "" | "+" => 1.0,
        "-" => -1.0,
        other => finite(other)?,
    };
    Some((finite(real)?, imaginary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_real_or_complex() {
        let cases = [
            ("0.5", (0.5, 0.0)),
            ("-1e-3", (-1e-3, 0.0)),
            ("0.1-0.2j", (0.1, -0.2)),
            ("(1.0e-03+2.5e-03j)", (1e-3, 2.5e-3)),
            ("1e-3-2e-3i", (1e-3, -2e-3)),
            ("0.3j", (0.0, 0.3)),
            ("-j", (0.0, -1.0)),
            ("2+j", (2.0, 1.0)),
        ];
        for (text, value) in cases {
            assert_eq!(complex(text), Some(value), "{text}");
        }
        for text in ["", "x", "1+2", "nan", "inf+1j", "1+2k", "(1+2j", "1e", "--1j"] {
            assert_eq!(complex(text), None, "{text}");
        }
    }

    #[test]
    fn tables_and_json_give_the_same_matrix() {
        let expected = vec![vec![(0.7, 0.0), (0.1, -0.2)], vec![(0.1, 0.2), (0.3, 0.0)]];
        assert_eq!(density_file("# rho\n0.7, 0.1-0.2j\n(0.1+0.2j) 0.3\n"), Ok(expected.clone()));
        let json = r#"{"state": {"re": [[0.7, 0.1], [0.1, 0.3]], "im": [[0, -0.2], [0.2, 0]]}, "fidelity": 1}"#;
        assert_eq!(density_file(json), Ok(expected));
        assert_eq!(density_file(r#"{"re": [[1]]}"#), Ok(vec![vec![(1.0, 0.0)]]));
    }

    #[test]
    fn what_is_no_matrix_is_refused() {
        let cases = [
            ("", "no rows"),
            ("1 0\n0", "row 2 has 1 elements"),
            ("1 0 0\n0 1 0", "row 1 has 3 elements"),
            ("1 x\n0 1", "line 1: `x` is not a number"),
            ("{", "not valid JSON"),
            (r#"{"im": [[1]]}"#, "no `re`"),
            (r#"{"re": [[1, 0], [0, 1]], "im": [[0]]}"#, "different sizes"),
            (r#"{"re": 3}"#, "not a list of rows"),
            (r#"{"re": [[1]], "imag": [[0]]}"#, "`imag` is neither `re` nor `im`"),
            (r#"{"state": {"re": [[1]], "Im": [[0]]}}"#, "`Im` is neither"),
            (r#"{"re": [[1]], "im": [[0]], "im": [[0]]}"#, "duplicate field `im`"),
            (r#"{"re": [[1]], "re": [[1]]}"#, "duplicate field `re`"),
            (r#"{"state": {"re": [[1]], "im": [[0]], "im": [[0]]}}"#, "duplicate field `im`"),
            (r#"{"state": {"re": [[1]]}, "state": {"re": [[1]]}}"#, "duplicate field `state`"),
        ];
        for (text, why) in cases {
            let said = density_file(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
