//! Pulse shapes from files: Bruker's, and plain tables.

/// The steps of a shape, of equal length: amplitude as a share of the peak, phase in radian.
///
/// A Bruker shape file is a JCAMP-DX text with a line `amplitude, phase` a step between `##XYPOINTS=` and `##END=`, amplitudes from 0
/// to 100, phases in degrees, and the number of steps in `##NPOINTS=`. A plain table has two columns, amplitudes from 0 to 1 and
/// phases in degrees; `#` begins a comment.
///
/// # Errors
/// What is wrong, as a sentence that names the line.
pub fn shape_file(text: &str) -> Result<Vec<(f64, f64)>, String> {
    let bruker = text.lines().any(|l| l.trim_start().starts_with("##"));
    let peak = if bruker { 100.0 } else { 1.0 };
    let mut promised: Option<usize> = None;
    let mut begun = !bruker;
    let mut steps = Vec::new();
    for (k, line) in text.lines().enumerate() {
        let number = k + 1;
        let line = line.trim();
        if bruker && line.starts_with("##") {
            let (label, value) = line.split_once('=').unwrap_or((line, ""));
            match label {
                "##NPOINTS" => {
                    promised = Some(value.trim().parse().map_err(|_| format!("line {number}: NPOINTS is no number"))?);
                }
                "##XYPOINTS" => begun = true,
                "##END" => break,
                _ => {}
            }
            continue;
        }
        let content = if bruker { line } else { line.split('#').next().unwrap_or("").trim() };
        if content.is_empty() || !begun || content.starts_with("$$") {
            continue;
        }
        let numbers: Vec<f64> = content
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|w| !w.is_empty())
            .map(|w| w.parse().map_err(|_| format!("line {number}: `{w}` is no number")))
            .collect::<Result<_, String>>()?;
        let [amplitude, phase] = numbers.as_slice() else {
            return Err(format!(
                "line {number}: an amplitude and a phase are expected, {} numbers found",
                numbers.len()
            ));
        };
        if !(0.0..=peak).contains(amplitude) || !phase.is_finite() {
            return Err(format!("line {number}: the amplitude {amplitude} does not lie between 0 and {peak}"));
        }
        steps.push((amplitude / peak, phase.to_radians()));
    }
    if let Some(promised) = promised
        && promised != steps.len()
    {
        return Err(format!("NPOINTS promises {promised} steps, {} are there", steps.len()));
    }
    if steps.is_empty() {
        return Err("it has no steps".into());
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::shape_file;

    #[test]
    fn both_kinds_are_read() {
        let bruker = "##TITLE= a\n##NPOINTS= 2\n##XYPOINTS= (XY..XY)\n5.0e+01, 0.0\n1.0e+02, 180.0\n##END=\n";
        assert_eq!(shape_file(bruker).unwrap(), [(0.5, 0.0), (1.0, std::f64::consts::PI)]);
        assert_eq!(shape_file("# amplitude phase\n0.5 0\n1 180 # last\n").unwrap(), shape_file(bruker).unwrap());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let short = "##NPOINTS= 3\n##XYPOINTS= (XY..XY)\n50, 0\n100, 180\n##END=\n";
        assert_eq!(shape_file(short).unwrap_err(), "NPOINTS promises 3 steps, 2 are there");
        assert_eq!(shape_file("0.5\n").unwrap_err(), "line 1: an amplitude and a phase are expected, 1 numbers found");
        assert_eq!(shape_file("50 0\n").unwrap_err(), "line 1: the amplitude 50 does not lie between 0 and 1");
        assert_eq!(shape_file("a 0\n").unwrap_err(), "line 1: `a` is no number");
        assert_eq!(shape_file("").unwrap_err(), "it has no steps");
    }
}
