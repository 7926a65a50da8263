//! The numbers of the parameters of a pulse program.

use super::programs::is_program;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers and names of parameters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters {
    /// `p1`, `d2` in seconds, `l4`, `cnst2`, `plw1` in watts, `td`, `swh` in hertz.
    pub numbers: BTreeMap<String, f64>,
    /// Strengths of `pl1` and `sp1` in hertz, of `gpz1` in T/m.
    pub strengths: BTreeMap<String, f64>,
    /// `nuc1`, `spnam1`.
    pub names: BTreeMap<String, String>,
    /// Lists by name, seconds or counts.
    pub lists: BTreeMap<String, Vec<f64>>,
    /// Lists by the file that they are in: `vdlist`.
    pub files: BTreeMap<String, Vec<f64>>,
    /// Whether the powers of VALIST are watts, and not decibels below one watt.
    pub in_watts: bool,
    /// Names that ZGOPTNS defines for the preprocessor.
    pub defined: BTreeSet<String>,
}

/// Files of lists beside `acqus`.
pub const LIST_FILES: &[&str] =
    &["vdlist", "vclist", "vplist", "valist", "fq1list", "fq2list", "fq3list", "fq4list", "fq5list", "fq6list"];

/// The pulse and the power that Bruker's library calibrates a channel with.
const CALIBRATIONS: &[(&str, &str)] = &[("p1", "plw1"), ("p3", "plw2"), ("p21", "plw3"), ("p41", "plw4")];

/// Units in the comments of a program.
const UNITS: &[(&str, f64)] = &[
    ("us", 1e-6),
    ("usec", 1e-6),
    ("u", 1e-6),
    ("ms", 1e-3),
    ("msec", 1e-3),
    ("m", 1e-3),
    ("s", 1.0),
    ("sec", 1.0),
    ("kHz", 1e3),
    ("Hz", 1.0),
    ("T/m", 1.0),
    ("", 1.0),
];

/// `2.5 us`, `30m`, `8`: the value, and whether it is a strength.
fn measured(text: &str) -> Option<(f64, bool)> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || "+-.eE".contains(c)).len();
    let (number, unit) = text.split_at(digits);
    // Text after the unit is an explanation and is skipped: `125 Hz for methyls`.
    let unit = unit.split_whitespace().next().unwrap_or_default();
    let (_, factor) = UNITS.iter().find(|(u, _)| *u == unit)?;
    let value = number.trim().parse::<f64>().ok().map(|x| x * factor).filter(|x| x.is_finite())?;
    Some((value, matches!(unit, "kHz" | "Hz" | "T/m")))
}

/// An entry of a list: `30m`, `0.1`, `4u`.
fn measured_time(word: &str) -> Option<f64> {
    crate::pulse_program::expression::number(word.trim_start_matches(['+', '-']))
        .ok()
        .map(|(x, _)| if word.starts_with('-') { -x } else { x })
}

/// Whether a word says that the powers of a list are watts; without one they are decibels.
pub fn is_watt(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "w" | "watt" | "watts")
}

/// The decoupling program that a comment names: `decoupling by waltz16`, `garp (aq C' decoupling)`.
fn program_of(meaning: &str) -> Option<&str> {
    let named = meaning.split("decoupling by ").nth(1).unwrap_or(meaning);
    named.split_whitespace().next().filter(|word| is_program(word))
}

impl Parameters {
    /// Those that the comments give: `;p1 : f1 channel - 90 degree pulse [2.5 us]`.
    pub fn of_comments<'a>(comments: impl Iterator<Item = &'a str>) -> Parameters {
        let mut out = Parameters::default();
        for comment in comments {
            let Some((name, meaning)) = comment.split_once(':') else { continue };
            let name = name.trim().to_ascii_lowercase();
            if name.contains(char::is_whitespace) {
                continue;
            }
            if let Some(nucleus) = meaning.split("nucleus ").nth(1) {
                out.names.insert(name.clone(), nucleus.trim().to_string());
            }
            // `shape NAME of 1H`, as the exporter writes it.
            let shape = meaning.split("- shape ").nth(1).and_then(|rest| rest.split_once(" of "));
            if let Some((file, _)) = shape.filter(|(file, _)| !file.contains(char::is_whitespace)) {
                out.names.insert(name.replace("sp", "spnam"), file.to_string());
            }
            if name.starts_with("cpdprg")
                && let Some(program) = program_of(meaning)
            {
                out.names.insert(name.clone(), program.to_string());
            }
            let Some(inside) = meaning.rsplit_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(x, _)| x)
            else {
                continue;
            };
            let values: Vec<(f64, bool)> = if name.ends_with("list") || name.contains("_list") {
                inside.split(',').filter_map(measured).collect()
            } else {
                measured(inside).into_iter().collect()
            };
            match values.as_slice() {
                [(value, true)] if !name.starts_with("cnst") => drop(out.strengths.insert(name, *value)),
                [(value, true)] => drop(out.numbers.insert(name, *value)),
                [(value, false)] if !name.contains("_list") => drop(out.numbers.insert(name, *value)),
                [] => {}
                all => drop(out.lists.insert(name, all.iter().map(|x| x.0).collect())),
            }
        }
        out
    }

    /// Those of an `acqus` file: arrays `##$P= (0..63)` and single values.
    pub fn of_acqus(text: &str) -> Parameters {
        let mut out = Parameters::default();
        let mut entries = text.split("##$");
        entries.next();
        for entry in entries {
            let Some((name, value)) = entry.split_once('=') else { continue };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.split("##").next().unwrap_or_default().trim());
            // Pulses are in microseconds.
            let scale = if matches!(name.as_str(), "p" | "pcpd") { 1e-6 } else { 1.0 };
            match value.strip_prefix('(').and_then(|v| v.split_once(')')) {
                Some((_, values)) => {
                    for (k, word) in values.split_whitespace().enumerate() {
                        match word.parse::<f64>() {
                            Ok(x) if x.is_finite() => drop(out.numbers.insert(format!("{name}{k}"), x * scale)),
                            _ => {
                                drop(out.names.insert(format!("{name}{k}"), word.trim_matches(['<', '>']).to_string()))
                            }
                        }
                    }
                }
                None => match value.parse::<f64>() {
                    Ok(x) if x.is_finite() => {
                        out.numbers.insert(if name == "sw_h" { "swh".into() } else { name }, x);
                    }
                    _ => drop(out.names.insert(name, value.trim_matches(['<', '>']).to_string())),
                },
            }
        }
        // Frequencies of channels are counted in MHz.
        for head in ["bf", "sfo"] {
            for k in 1..9 {
                if let Some(x) = out.numbers.get_mut(&format!("{head}{k}")) {
                    *x *= 1e6;
                }
            }
        }
        if let Some((_, options)) = text.split_once("##$ZGOPTNS=") {
            let options = options.split("##").next().unwrap_or_default().replace(['<', '>'], " ");
            let names = options.split_whitespace().filter_map(|word| word.strip_prefix("-D"));
            out.defined = names.map(|name| name.split('=').next().unwrap_or_default().to_string()).collect();
        }
        out
    }

    /// Reads a list that lies beside `acqus`: `vdlist`, `vclist`, `vplist`, `valist`, `fq1list`.
    pub fn add_list(&mut self, name: &str, text: &str) {
        // A list of frequencies may begin with the frame that they are counted in, a list of powers with their unit.
        let mut words = text.split_whitespace().filter(|word| !word.is_empty()).peekable();
        if name.eq_ignore_ascii_case("valist") {
            self.in_watts = words.peek().is_some_and(|word| is_watt(word));
        }
        self.files.insert(name.to_ascii_lowercase(), words.filter_map(measured_time).collect());
    }

    /// The pulse of 90 degrees of a channel, seconds, and its power, watts.
    pub fn calibration(&self, channel: usize) -> Option<(f64, f64)> {
        let of = |pulse: &str, power: &str| {
            let found = self.numbers.get(pulse).zip(self.numbers.get(power));
            found.map(|(p, w)| (*p, *w)).filter(|(p, w)| *p > 0.0 && *w > 0.0)
        };
        let own = CALIBRATIONS.get(channel.saturating_sub(1)).and_then(|(pulse, power)| of(pulse, power));
        own.or_else(|| of("p1", "plw1"))
    }

    /// The nutation frequency of a power, hertz, on a channel: `1/(4 P) sqrt(W/W_P)`.
    pub fn strength(&self, watts: f64, channel: usize) -> Option<f64> {
        let (pulse, power) = self.calibration(channel)?;
        (watts >= 0.0).then(|| 0.25 / pulse * (watts / power).sqrt())
    }

    /// Takes those that are given in the place of its own.
    pub fn extend(&mut self, given: &Parameters) {
        self.numbers.extend(given.numbers.clone());
        self.strengths.extend(given.strengths.clone());
        self.names.extend(given.names.clone());
        self.lists.extend(given.lists.clone());
        self.files.extend(given.files.clone());
        self.defined.extend(given.defined.clone());
        self.in_watts |= given.in_watts;
    }
}

#[cfg(test)]
mod tests {
    use super::Parameters;

    #[test]
    fn numbers_are_found() {
        let comments = [
            "p1 : f1 channel - 90 degree pulse [2.5 us]",
            "pl1 : f1 channel - power level of 1H [100 kHz]",
            "vd_list : rows [4u, 6u]",
        ];
        let read = Parameters::of_comments(comments.into_iter());
        // The rounding of a unit: 2.5 * 1e-6 is not the double 2.5e-6.
        assert!((read.numbers["p1"] / 2.5e-6 - 1.0).abs() < 1e-15);
        assert_eq!(read.strengths.get("pl1"), Some(&1e5));
        let list = read.lists["vd_list"].as_slice();
        assert!(list.len() == 2 && list.iter().zip([4e-6, 6e-6]).all(|(x, y)| (x / y - 1.0).abs() < 1e-15), "{list:?}");
        let acqus =
            "##TITLE= x\n##$P= (0..3)\n0 2.5 5 1000\n##$PLW= (0..2)\n0 100 25\n##$NUC1= <1H>\n##$SW_h= 10000\n##END=";
        let read = Parameters::of_acqus(acqus);
        assert_eq!(read.names.get("nuc1").map(String::as_str), Some("1H"));
        let strength = read.strength(read.numbers["plw2"], 1).unwrap();
        assert!((strength / 5e4 - 1.0).abs() < 1e-12 && read.numbers["swh"] == 1e4);
    }
}
