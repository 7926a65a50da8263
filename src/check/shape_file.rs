//! Pulse shapes from files: Bruker, Varian, and plain tables. Ambiguous files are rejected.

use crate::ir::MIRRORED_PHASES;

/// Full scale of Bruker amplitudes, which are percentages.
const PERCENT: f64 = 100.0;

/// Full scale of Varian amplitudes.
const VARIAN: f64 = 1023.0;

/// Some programs round the largest amplitude slightly above full scale; within this relative tolerance it counts as full scale.
const ROUNDING: f64 = 1e-3;

/// Amplitudes from this value on are rf amplitudes in Hz.
const HERTZ: f64 = 1100.0;

/// Maximum number of steps after expansion of relative durations.
const MOST_STEPS: usize = 1_000_000;

/// A step: amplitude as a fraction of the peak, phase in radian.
type Step = (f64, f64);

/// A row of numbers: line number and values.
type Row = (usize, Vec<f64>);

/// Parses a pulse shape file: steps of equal length with amplitude as a fraction of the peak and phase in radian.
///
/// * A Bruker shape file is a JCAMP-DX text with pairs of amplitude (0 to 100) and phase (degrees) between `##XYPOINTS=` and
///   `##END=`, and the number of pairs in `##NPOINTS=`. Labels are case-insensitive, `$$` starts a comment.
/// * A Varian shape file has lines of phase (degrees), amplitude (0 to 1023), and optionally relative duration and gate. It is
///   recognised by its comments (`# TYPE`, `# MODULATION`), or by three or four columns with amplitudes up to 1023.
/// * A plain table has two columns: amplitudes up to 1, up to 100 (percent), or in Hz from 1100 on, which are normalised to
///   the largest; and phases in degrees. A negative amplitude means opposite phase. `#` and `%` start a comment, and the
///   first line may name the columns. With `RFVERSION_F`, the first line of XWIN-NMR files, amplitudes are percentages.
///
/// Phases are angles in the frame that rotates with the spins, as those of a sequence are; `##$SHAPE_USER_DEF= phases mirrored`, or the
/// comment `# phases mirrored`, makes them those of a console for a nucleus of positive gamma, which have the other sign.
///
/// # Errors
/// A message that names the line: no steps, missing numbers, an amplitude outside of its scale, amplitudes that
/// are all zero, ambiguous columns.
pub fn shape_file(text: &str) -> Result<Vec<Step>, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with(['[', '{']) {
        return Err("it is JSON; write one line per step with an amplitude and a phase in degrees".into());
    }
    // Normalise line endings.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let steps = if text.lines().any(|l| l.trim_start().starts_with("##")) { bruker(&text)? } else { table(&text)? };
    if steps.is_empty() {
        return Err("it has no steps".into());
    }
    let steps: Vec<Step> = if is_mirrored(&text) {
        steps.into_iter().map(|(amplitude, phase)| (amplitude, if phase == 0.0 { phase } else { -phase })).collect()
    } else {
        steps
    };
    if steps.iter().all(|(amplitude, _)| *amplitude == 0.0) {
        return Err("all its amplitudes are zero; each line has an amplitude, then a phase, unless `# TYPE` marks a Varian file"
            .into());
    }
    Ok(steps)
}

/// Whether a file says that its phases are counted the other way than those of a sequence, as those that are exported for nuclei of
/// positive gamma are.
fn is_mirrored(text: &str) -> bool {
    let heads = ["##$SHAPE_USER_DEF=", "#"];
    text.lines().any(|line| {
        heads.iter().any(|head| line.trim().strip_prefix(head).is_some_and(|x| x.trim() == MIRRORED_PHASES))
    })
}

/// Numbers of a line, separated by blanks, commas or semicolons.
fn numbers(content: &str, line: usize) -> Result<Vec<f64>, String> {
    let words = content.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|w| !w.is_empty());
    words
        .map(|w| match w.parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(x),
            _ => Err(format!("line {line} contains something that is not a number")),
        })
        .collect()
}

/// Converts an amplitude to a fraction of full scale.
fn share(amplitude: f64, peak: f64, line: usize) -> Result<f64, String> {
    if !(0.0..=peak * (1.0 + ROUNDING)).contains(&amplitude) {
        return Err(format!("line {line}: the amplitude {amplitude} is not between 0 and {peak}"));
    }
    Ok((amplitude / peak).min(1.0))
}

/// Normalises a JCAMP-DX label: upper case, without blanks, dashes, slashes and underscores.
fn label(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !"-/_".contains(*c)).collect::<String>().to_uppercase()
}

fn bruker(text: &str) -> Result<Vec<Step>, String> {
    let mut promised: Option<usize> = None;
    let mut begun = false;
    let mut steps = Vec::new();
    for (k, line) in text.lines().enumerate() {
        let number = k + 1;
        let line = line.split("$$").next().unwrap_or("").trim();
        let mut content = line;
        if let Some(record) = line.strip_prefix("##") {
            let (name, value) = record.split_once('=').unwrap_or((record, ""));
            let value = value.trim();
            content = "";
            match label(name).as_str() {
                "NPOINTS" => {
                    promised = Some(value.parse().map_err(|_| format!("line {number}: NPOINTS is not a number"))?);
                }
                "$SHAPEEXMODE" if value.eq_ignore_ascii_case("gradient") => {
                    return Err(format!("line {number}: this is the shape of a gradient, not of a pulse"));
                }
                "XYPOINTS" | "XYDATA" => {
                    let form = value.find(')').map_or("", |end| value.get(..=end).unwrap_or(""));
                    if !form.to_uppercase().starts_with("(XY..") {
                        return Err(format!("line {number}: this is not a list of amplitudes and phases"));
                    }
                    begun = true;
                    content = value.get(form.len()..).unwrap_or("");
                }
                "END" => break,
                _ => {}
            }
        }
        if !begun || content.is_empty() {
            continue;
        }
        let found = numbers(content, number)?;
        let (pairs, odd) = found.as_chunks();
        if !odd.is_empty() {
            return Err(format!(
                "line {number}: expected pairs of an amplitude and a phase, found {} numbers",
                found.len()
            ));
        }
        for &[amplitude, phase] in pairs {
            steps.push((share(amplitude, PERCENT, number)?, phase.to_radians()));
        }
    }
    match promised {
        Some(promised) if promised != steps.len() => {
            Err(format!("NPOINTS announces {promised} steps, but the file has {}", steps.len()))
        }
        _ => Ok(steps),
    }
}

/// Comments and column names of a table.
#[derive(Default)]
struct Words {
    /// Comments, in lower case.
    comments: String,
    /// Column names, in lower case.
    columns: Vec<String>,
    /// True if it starts with `RFVERSION_F`.
    xwinnmr: bool,
}

impl Words {
    /// True if a comment or a column name contains this word.
    fn says(&self, word: &str) -> bool {
        self.comments.contains(word) || self.columns.iter().any(|c| c.contains(word))
    }

    /// True if the comments are those of Varian's software.
    fn varian(&self) -> bool {
        self.comments.lines().any(|line| {
            matches!(
                line.split_whitespace().next(),
                Some("type" | "modulation" | "stepsize" | "excitewidth" | "integral")
            )
        })
    }

    /// True if the columns are named as real and imaginary parts.
    fn complex(&self) -> bool {
        let lines = self.comments.lines().map(|l| l.split([' ', '\t', ',']).filter(|w| !w.is_empty()).collect());
        let names: Vec<Vec<&str>> = lines.chain([self.columns.iter().map(String::as_str).collect()]).collect();
        names.iter().any(|n| {
            matches!(n.as_slice(), ["x", "y"] | ["i", "q"] | ["b1x", "b1y"] | ["ux", "uy"])
                || matches!(n.as_slice(), [a, b] if a.starts_with("re") && b.starts_with("im"))
        })
    }
}

/// Numbers and words of a table without labels.
fn rows(text: &str) -> Result<(Vec<Row>, Words), String> {
    let mut words = Words::default();
    let mut rows: Vec<Row> = Vec::new();
    for (k, line) in text.lines().enumerate() {
        let at = [line.find('#'), line.find('%'), line.find("$$"), line.find("//")].into_iter().flatten().min();
        let (content, comment) = line.split_at(at.unwrap_or(line.len()));
        let comment = comment.trim_start_matches(['#', '%', '$', '/']).trim().to_lowercase();
        if !comment.is_empty() {
            words.comments += &format!("{comment}\n");
        }
        let content = content.trim();
        if content.is_empty() {
            continue;
        }
        if rows.is_empty() && content.eq_ignore_ascii_case("RFVERSION_F") {
            words.xwinnmr = true;
            continue;
        }
        let names: Vec<&str> = content.split([',', ';', ' ', '\t']).filter(|w| !w.is_empty()).collect();
        let named =
            names.iter().all(|w| w.starts_with(|c: char| c.is_alphabetic() || c == '"') && w.parse::<f64>().is_err());
        if rows.is_empty() && words.columns.is_empty() && named && names.len() > 1 {
            words.columns = names.iter().map(|w| w.trim_matches('"').to_lowercase()).collect();
            continue;
        }
        let found = numbers(content, k + 1)?;
        let fields = content.split_whitespace().count();
        if fields == 2 && found.len() > 2 && !content.contains('.') && !content.contains(", ") {
            return Err(format!("line {}: the decimal separator must be a point, as in `0.5 90`", k + 1));
        }
        rows.push((k + 1, found));
    }
    Ok((rows, words))
}

fn table(text: &str) -> Result<Vec<Step>, String> {
    let (rows, words) = rows(text)?;
    let Some((line, first)) = rows.first() else { return Ok(vec![]) };
    let columns = first.len();
    if let Some((line, other)) = rows.iter().find(|(_, r)| r.len() != columns) {
        return Err(format!("line {line}: expected {columns} numbers, as in the first line, found {}", other.len()));
    }
    match columns {
        2 if words.varian() => varian(&rows),
        2 => plain(&rows, &words),
        3 | 4 => {
            // A table with a time before the amplitude looks alike, but its amplitudes end at 1 or 100.
            let largest = rows.iter().filter_map(|(_, r)| r.get(1)).copied().fold(0.0, f64::max);
            let certain = (0.97 * VARIAN..=VARIAN * (1.0 + ROUNDING)).contains(&largest);
            if words.varian() || certain {
                return varian(&rows);
            }
            Err(format!(
                "it has {columns} columns; write an amplitude and a phase, or start a Varian file (phase, amplitude up to 1023, duration, gate) with `# TYPE`"
            ))
        }
        n => Err(no_pair(*line, n)),
    }
}

/// Error message for a line with the wrong number of columns.
fn no_pair(line: usize, found: usize) -> String {
    format!("line {line}: expected an amplitude and a phase, found {found} numbers")
}

/// Steps from columns phase, amplitude, relative duration, gate.
fn varian(rows: &[Row]) -> Result<Vec<Step>, String> {
    let durations: Vec<f64> = rows.iter().map(|(_, r)| r.get(2).copied().unwrap_or(1.0)).collect();
    if let Some(((line, _), x)) = rows.iter().zip(&durations).find(|(_, x)| **x <= 0.0) {
        return Err(format!("line {line}: the relative duration {x} must be positive"));
    }
    let unit = durations.iter().copied().fold(f64::INFINITY, f64::min);
    // Largest unit of which every duration is an integer multiple.
    let unit = (1..=100u32)
        .map(|n| unit / f64::from(n))
        .find(|u| durations.iter().all(|x| ((x / u).round() - x / u).abs() < 1e-6));
    let Some(unit) = unit else { return Err("its relative durations are not multiples of one step".into()) };
    let total: f64 = durations.iter().map(|x| (x / unit).round()).sum();
    if total > MOST_STEPS as f64 {
        return Err(format!("its relative durations make {total} steps, more than {MOST_STEPS}"));
    }
    let mut steps = Vec::new();
    for ((line, row), duration) in rows.iter().zip(&durations) {
        let [phase, amplitude, ..] = row.as_slice() else { return Err(no_pair(*line, row.len())) };
        let on = row.get(3).is_none_or(|gate| *gate != 0.0);
        let amplitude = if on { share(*amplitude, VARIAN, *line)? } else { 0.0 };
        steps.extend(std::iter::repeat_n((amplitude, phase.to_radians()), (duration / unit).round() as usize));
    }
    Ok(steps)
}

/// Steps from columns amplitude and phase, or in the opposite order if the column names say so.
fn plain(rows: &[Row], words: &Words) -> Result<Vec<Step>, String> {
    if words.complex() {
        return Err("its columns are the parts of a complex number; write an amplitude and a phase in degrees".into());
    }
    let is = |k: usize, beginnings: &[&str]| {
        words.columns.get(k).is_some_and(|c| beginnings.iter().any(|b| c.starts_with(b)))
    };
    let swapped = is(0, &["ph", "deg"]);
    if !words.columns.is_empty()
        && !swapped
        && (!is(0, &["a", "mag", "share", "b1", "rf"]) || !is(1, &["ph", "deg", "ang"]))
    {
        return Err(format!("its columns `{}` are not an amplitude and a phase", words.columns.join(" ")));
    }
    let pair = |(line, row): &Row| match row.as_slice() {
        [phase, amplitude] if swapped => Ok((*line, *amplitude, *phase)),
        [amplitude, phase] => Ok((*line, *amplitude, *phase)),
        row => Err(no_pair(*line, row.len())),
    };
    let pairs = rows.iter().map(pair).collect::<Result<Vec<(usize, f64, f64)>, String>>()?;
    unambiguous(&pairs, words)?;
    let largest = pairs.iter().map(|(_, a, _)| a.abs()).fold(0.0, f64::max);
    let peak = match largest {
        _ if words.xwinnmr => PERCENT,
        x if x <= 1.0 + ROUNDING => 1.0,
        x if (x / PERCENT - 1.0).abs() <= ROUNDING => PERCENT,
        x if (x / VARIAN - 1.0).abs() <= ROUNDING => VARIAN,
        x if x >= HERTZ => x,
        x => {
            let line = pairs.iter().find(|(_, a, _)| a.abs() == x).map_or(0, |(line, ..)| *line);
            return Err(format!(
                "line {line}: the amplitude {x} is not between 0 and 1, and the largest amplitude fits neither percentages nor frequencies in Hz"
            ));
        }
    };
    let step = |(line, amplitude, phase): &(usize, f64, f64)| {
        let turned = if *amplitude < 0.0 { 180.0 } else { 0.0 };
        Ok((share(amplitude.abs(), peak, *line)?, (phase + turned).to_radians()))
    };
    pairs.iter().map(step).collect()
}

/// Rejects columns whose values suggest real and imaginary parts, or phases in radian.
fn unambiguous(pairs: &[(usize, f64, f64)], words: &Words) -> Result<(), String> {
    if words.says("deg") {
        return Ok(());
    }
    let phases = || pairs.iter().map(|(_, _, phase)| phase.abs());
    let largest = phases().fold(0.0, f64::max);
    let fraction = phases().any(|p| p.fract() != 0.0);
    let help = "write phases in degrees, and state this in a comment: `# amplitude, phase in degrees`";
    let negative = pairs.iter().any(|(_, a, p)| *a < 0.0 || *p < 0.0);
    let inside = pairs.iter().all(|(_, a, p)| a.hypot(*p) <= 1.0 + ROUNDING);
    if fraction && inside && negative {
        return Err(format!("its second column may be a phase or the imaginary part of a complex number; {help}"));
    }
    let step = std::f64::consts::PI / 36.0;
    let of_pi = |p: f64| p > 1e-3 && (p / step - (p / step).round()).abs() * step < 2e-5;
    let telling = phases().filter(|p| *p > 1e-3).count();
    if words.says("rad")
        || fraction
            && largest <= 1.00001 * std::f64::consts::TAU
            && telling > 0
            && phases().filter(|p| *p > 1e-3).all(of_pi)
    {
        return Err(format!("its phases look like radians; {help}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::shape_file;
    use std::f64::consts::PI;

    #[test]
    fn every_kind_is_read() {
        let bruker = "##TITLE= a\n##NPOINTS= 2\n##XYPOINTS= (XY..XY)\n5.0e+01, 0.0\n1.0e+02, 180.0\n##END=\n";
        assert_eq!(shape_file(bruker).unwrap(), [(0.5, 0.0), (1.0, PI)]);
        for same in [
            "# amplitude phase\n0.5 0\n1 180 # last\n",
            "50 0\n100 180\n",
            "Amplitude;Phase\n50;0\n100.05;180\n",
            "phase amplitude\n0 0.5\n180 1\n",
            "0.5 0\n-1 0\n",
            "% amplitude\n25e3 0\r50e3 180\r",
            "RFVERSION_F\n50 0\n100 180\n",
            "# TYPE selective\n0 511.5\n180 1023\n",
            "0 511.5 2\n180 1023 2\n",
            "0 511.5 .5 1\n180 1023 .5 1\n",
            "##npoints = 2 $$ steps\n##XY_POINTS = (XY..XY) 50;0\n100, 180 $$ last\n##end",
            "##XYDATA= (XY..XY)\n50,0; 100,180;\n",
        ] {
            assert_eq!(shape_file(same).unwrap(), shape_file(bruker).unwrap(), "{same}");
        }
    }

    #[test]
    fn relative_durations_become_steps() {
        let mirrored = [(0.5, 0.0), (1.0, -PI / 2.0)];
        for text in [
            "##$SHAPE_USER_DEF= phases mirrored\n##NPOINTS= 2\n##XYPOINTS= (XY..XY)\n50, 0\n100, 90\n##END=\n",
            "# TYPE selective\n# phases mirrored\n0 511.5 1\n90 1023 1\n",
        ] {
            assert_eq!(shape_file(text).unwrap(), mirrored, "{text}");
        }
        let steps = shape_file("180 1023 3 1\n0 511.5 2 1\n90 1023 1 0\n").unwrap();
        assert_eq!(steps, [(1.0, PI), (1.0, PI), (1.0, PI), (0.5, 0.0), (0.5, 0.0), (0.0, PI / 2.0)]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let short = "##NPOINTS= 3\n##XYPOINTS= (XY..XY)\n50, 0\n100, 180\n##END=\n";
        assert_eq!(shape_file(short).unwrap_err(), "NPOINTS announces 3 steps, but the file has 2");
        assert_eq!(shape_file("0.5\n").unwrap_err(), "line 1: expected an amplitude and a phase, found 1 numbers");
        assert_eq!(shape_file("a 0\n").unwrap_err(), "line 1 contains something that is not a number");
        assert_eq!(shape_file("").unwrap_err(), "it has no steps");
        assert_eq!(
            shape_file("0,5 0\n1,0 180\n").unwrap_err(),
            "line 1: the decimal separator must be a point, as in `0.5 90`"
        );
        for (text, part) in [
            ("50 0\n", "the amplitude 50 is not between 0 and 1"),
            ("0.5 0\n250 0\n", "line 2: the amplitude 250"),
            ("0 0\n0 90\n", "all its amplitudes are zero"),
            ("0.0 204.6\n0.0 1023.0\n", "all its amplitudes are zero"),
            ("[[0.5, 0]]", "JSON"),
            ("##XYDATA= (T X Y)\n0.2\n", "not a list of amplitudes and phases"),
            ("##$SHAPE_EXMODE= Gradient\n##XYPOINTS= (XY..XY)\n1, 0\n", "gradient"),
            ("##XYPOINTS= (XY..XY)\n1\n", "found 1 numbers"),
            ("##XYPOINTS= (XY..XY)\n101, 0\n", "between 0 and 100"),
            ("0.0 0.2 0\n0.001 1.0 30\n", "3 columns"),
            ("0 1023 0\n", "must be positive"),
            ("0.2 0\n0.7\n", "line 2: expected 2 numbers"),
            ("# x y\n0.2 0\n-1 0\n", "complex"),
            ("0.6 0.35\n-1 0\n", "complex"),
            ("x y\n0.2 0\n1 0\n", "complex"),
            ("0.5 1.570796\n1 3.141593\n", "radian"),
            ("inf 0\n", "line 1 contains something that is not a number"),
            ("nan nan\n", "line 1 contains something that is not a number"),
        ] {
            let why = shape_file(text).expect_err(text);
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
