//! What a paper says, what was found, and whether the two agree.

/// Whether a claim holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does, to all digits that are printed.
    Holds,
    /// The digits that are printed are right, but were cut off instead of rounded.
    CutOff,
    /// It does not.
    Fails,
}

impl Verdict {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::CutOff => "cut off",
            Verdict::Fails => "FALSE",
        }
    }
}

/// A claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Where it stands: `Fig. 3`, `Eq. 17`.
    pub place: &'static str,
    /// What is claimed.
    pub text: String,
    /// The value that is printed; empty when there is none.
    pub printed: String,
    /// What was found.
    pub found: String,
    /// Whether they agree.
    pub verdict: Verdict,
    /// What is right instead; empty when there is nothing to mend.
    pub instead: String,
}

impl Claim {
    /// A number as printed, and as found. It holds when the found number rounds to the printed one.
    pub fn number(place: &'static str, text: impl Into<String>, printed: &str, found: f64) -> Claim {
        let decimals = printed.split_once('.').map_or(0, |(_, d)| d.len()) as i32;
        let value: f64 = printed.parse().unwrap_or(f64::NAN);
        let unit = 10f64.powi(-decimals);
        // A hair is allowed for numbers that lie on the border.
        let verdict = if (found - value).abs() <= 0.5 * unit * (1.0 + 1e-9) {
            Verdict::Holds
        } else if ((found / unit + 1e-9).trunc() * unit - value).abs() < 1e-6 * unit {
            Verdict::CutOff
        } else {
            Verdict::Fails
        };
        Claim {
            place,
            text: text.into(),
            printed: printed.into(),
            found: digits(found),
            verdict,
            instead: String::new(),
        }
    }

    /// A statement, and whether it was found to hold.
    pub fn says(place: &'static str, text: impl Into<String>, holds: bool, found: impl Into<String>) -> Claim {
        Claim {
            place,
            text: text.into(),
            printed: String::new(),
            found: found.into(),
            verdict: if holds { Verdict::Holds } else { Verdict::Fails },
            instead: String::new(),
        }
    }

    /// With what is right instead, should the claim fail.
    pub fn instead(mut self, right: impl Into<String>) -> Claim {
        if self.verdict == Verdict::Fails {
            self.instead = right.into();
        }
        self
    }
}

/// A number in six significant digits.
pub fn digits(x: f64) -> String {
    if x == 0.0 {
        return "0".into();
    }
    let exponent = x.abs().log10().floor() as i32;
    if !(-4..7).contains(&exponent) {
        return format!("{x:.3e}");
    }
    let text = format!("{x:.*}", (5 - exponent).max(0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

/// Several numbers.
pub fn list(values: &[f64]) -> String {
    values.iter().map(|x| digits(*x)).collect::<Vec<_>>().join(", ")
}

/// Whether each value is larger than the one before.
pub fn rises(values: &[f64]) -> bool {
    values.is_sorted_by(|a, b| a < b)
}

/// Whether each value is smaller than the one before.
pub fn falls(values: &[f64]) -> bool {
    values.is_sorted_by(|a, b| a > b)
}

/// Cuts a text into lines of at most `width` characters, between words.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// The claims as a table of 80 columns: where, what, printed, found, verdict; below a false one what is right instead.
pub fn table(claims: &[Claim]) -> String {
    const WIDTHS: [usize; 5] = [8, 30, 8, 20, 7];
    let row = |cells: [&str; 5], out: &mut String| {
        let cells: Vec<Vec<String>> = cells.iter().zip(WIDTHS).map(|(c, w)| wrapped(c, w)).collect();
        for line in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let parts: Vec<String> = cells
                .iter()
                .zip(WIDTHS)
                .map(|(c, w)| format!("{:<w$}", c.get(line).map_or("", String::as_str)))
                .collect();
            *out += parts.join(" ").trim_end();
            out.push('\n');
        }
    };
    let mut out = String::new();
    row(["where", "claim", "printed", "found", "verdict"], &mut out);
    out += &("-".repeat(78) + "\n");
    for claim in claims {
        row([claim.place, &claim.text, &claim.printed, &claim.found, claim.verdict.word()], &mut out);
        if !claim.instead.is_empty() {
            for line in wrapped(&format!("instead: {}", claim.instead), 68) {
                out += &format!("         {line}\n");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_digits_are_judged_as_they_are_printed() {
        let verdict = |printed, found| Claim::number("", "", printed, found).verdict;
        assert_eq!(verdict("9.76", 9.757711), Verdict::Holds);
        assert_eq!(verdict("9.24", 9.246031), Verdict::CutOff);
        assert_eq!(verdict("7.48", 7.583121), Verdict::Fails);
        assert_eq!(verdict("84", 84.719), Verdict::CutOff);
        assert_eq!(verdict("2", 2.0), Verdict::Holds);
    }

    #[test]
    fn the_table_fits_80_columns() {
        let claim =
            Claim::says("Fig. 5", "a long claim with many words that must be broken", false, "1, 2, 3, 4, 5, 6, 7")
                .instead("something that is right and takes rather many words as well, more than one line can hold");
        assert!(table(&[claim]).lines().all(|l| l.chars().count() <= 80));
    }
}
