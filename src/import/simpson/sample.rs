//! The sections `spinsys` and `par`: the sample, and what a decay begins with and is seen as.

use super::expression::{Surroundings, Value, evaluate};
use super::words::{Wrong, elements};
use super::work::{MOST_INTERACTIONS, MOST_NUCLEI, MOST_TERMS};
use crate::spin::{Isotope, mirrored};
use std::collections::BTreeMap;
use std::f64::consts::PI;

/// Parameters of `par` that are of the simulation and not of the experiment.
const OF_THE_SIMULATION: &[&str] = &[
    "method",
    "verbose",
    "name",
    "num_cores",
    "prop_method",
    "use_sparse",
    "ED_symmetry",
    "averaging_file",
    "conjugate_fid",
    "dipole_check",
    "real_spec",
    "block_diag",
    "points_per_cycle",
    "do_avg",
    "sparsity",
    "sparse_tol",
    "string",
    "ni",
    "sw1",
];

/// Parameters of `par` that are read.
const READ: &[&str] = &[
    "proton_frequency",
    "field",
    "spin_rate",
    "rotor_angle",
    "sw",
    "np",
    "crystal_file",
    "gamma_angles",
    "gamma_zero",
    "start_operator",
    "detect_operator",
    "variable",
    "pulse_sequence",
];

/// The temperature that is written, K.
pub const TEMPERATURE: f64 = 300.0;

/// The angle of the rotor where none is given, degrees.
fn magic() -> f64 {
    (1.0 / 3f64.sqrt()).acos().to_degrees()
}

/// A line of a section that is not read: from where to where, and why.
pub type Unread = (usize, usize, String);

/// A shift: the spin; isotropic shift and anisotropy, each in ppm or hertz as it says; asymmetry; angles.
type Shift = (usize, [(f64, bool); 2], f64, [f64; 3]);

/// The sample.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sections {
    channels: Vec<String>,
    nuclei: Vec<String>,
    /// Scalar couplings as they are written in a system.
    scalar: Vec<String>,
    /// Quadrupoles: the spin, the coupling in hertz, the asymmetry, the angles, and whether to second order.
    quadrupoles: Vec<(usize, f64, f64, [f64; 3], bool)>,
    /// Shifts of spins.
    shifts: Vec<Shift>,
    /// Pairs: the spins, the coupling in hertz, the angles.
    dipoles: Vec<(usize, usize, f64, [f64; 3])>,
}

/// Names of `par` in its own values.
struct Names<'a>(&'a BTreeMap<String, String>);

impl Surroundings for Names<'_> {
    fn substituted(&mut self, _: &str, at: usize) -> Result<(Value, usize), Wrong> {
        Err(("variables are undefined here".into(), at))
    }

    fn named(&mut self, name: &str) -> Option<Value> {
        self.0.get(&format!("par({name})")).map(|text| Value::of(text))
    }
}

/// Largest magnitude of a number: products of a few are finite.
pub const LARGEST: f64 = 1e60;

/// A number that may be an expression.
fn number(text: &str, names: &BTreeMap<String, String>) -> Result<f64, String> {
    let x = match evaluate(text, 0, &mut Names(names)).map_err(|(why, _)| why)? {
        Value::Whole(n) => n as f64,
        Value::Real(x) => x,
        Value::Text(t) => return Err(format!("`{t}` is not a number")),
    };
    if x.abs() <= LARGEST { Ok(x) } else { Err(format!("`{text}` is larger than {LARGEST:e}")) }
}

/// The lines of a section with their places.
fn lines(text: &str, at: usize) -> impl Iterator<Item = (&str, usize)> {
    let mut place = at;
    text.split('\n').filter_map(move |line| {
        let begin = place + (line.len() - line.trim_start().len());
        place += line.len() + 1;
        let line = line.trim();
        (!line.is_empty()).then_some((line, begin))
    })
}

/// A number as it is written.
pub fn shown(x: f64) -> String {
    crate::syntax::number_text(if x == 0.0 { 0.0 } else { x })
}

/// The Euler angles of SIMPSON as those of `axes`: in its mirror they are the same from the other end, and without it also
/// negative.
fn axes([a, b, c]: [f64; 3], back: bool) -> String {
    let sign = if back { -1.0 } else { 1.0 };
    format!("({}, {}, {})", shown(sign * c), shown(sign * b), shown(sign * a))
}

impl Sections {
    /// The nuclei of the channels.
    pub fn channels(&self) -> &[String] {
        &self.channels
    }

    /// The nuclei of the spins.
    pub fn nuclei(&self) -> &[String] {
        &self.nuclei
    }

    /// The channel of a nucleus.
    pub fn channel_of(&self, nucleus: &str) -> Option<usize> {
        self.channels.iter().position(|c| c == nucleus)
    }

    /// Reads `par`: values as they are where they are names, else their numbers. What is not read comes back.
    pub fn par(&mut self, text: &str, at: usize, variables: &mut BTreeMap<String, String>) -> Vec<Unread> {
        let mut unread = Vec::new();
        for (line, begin) in lines(text, at).filter(|(line, _)| !line.starts_with('#')) {
            let mut words = elements(line);
            if words.first().is_some_and(|w| w == "variable") {
                words.remove(0);
            }
            let Some((name, value)) = words.split_first() else { continue };
            let value = value.join(" ");
            let letters = [
                "crystal_file",
                "start_operator",
                "detect_operator",
                "pulse_sequence",
                "method",
                "name",
                "verbose",
                "string",
            ];
            let value = match number(&value, variables) {
                Ok(_) if letters.contains(&name.as_str()) => value,
                // A whole number stays one, for loops.
                Ok(x) if x.fract() == 0.0 && x.abs() < 1e15 && !value.contains('.') => format!("{x:.0}"),
                Ok(x) => shown(x),
                Err(_) => value,
            };
            variables.insert(format!("par({name})"), value);
            let variable = line.starts_with("variable");
            if !variable && !READ.contains(&name.as_str()) && !OF_THE_SIMULATION.contains(&name.as_str()) {
                unread.push((begin, begin + line.len(), format!("`{name}` has no counterpart here")));
            }
        }
        unread
    }

    /// Reads `spinsys`. What is not read comes back.
    pub fn spinsys(&mut self, text: &str, at: usize) -> Vec<Unread> {
        let mut unread = Vec::new();
        for (line, begin) in lines(text, at).filter(|(line, _)| !line.starts_with('#')) {
            if let Err(why) = self.interaction(line) {
                unread.push((begin, begin + line.len(), why));
            }
        }
        unread
    }

    fn interaction(&mut self, line: &str) -> Result<(), String> {
        let words = elements(line);
        let (name, values) = words.split_first().ok_or("it is empty")?;
        match name.as_str() {
            "channels" => return nuclei_of(values).map(|all| self.channels = all),
            "nuclei" => return nuclei_of(values).map(|all| self.nuclei = all),
            _ => {}
        }
        if self.shifts.len() + self.dipoles.len() + self.scalar.len() + self.quadrupoles.len() >= MOST_INTERACTIONS {
            return Err(format!("there are more than {MOST_INTERACTIONS} interactions"));
        }
        let none = BTreeMap::new();
        let real = |k: usize| number(values.get(k).map_or("", String::as_str), &none);
        let spin = |k: usize| -> Result<usize, String> {
            let n = real(k)?;
            let known = n.fract() == 0.0 && n >= 1.0 && n <= self.nuclei.len() as f64;
            if known { Ok(n as usize) } else { Err(format!("there is no spin {}", shown(n))) }
        };
        let angles = |k: usize| Ok::<_, String>([real(k)?, real(k + 1)?, real(k + 2)?]);
        match (name.as_str(), values.len()) {
            ("shift", 7) => {
                let size = |k: usize| -> Result<(f64, bool), String> {
                    let text = values.get(k).map_or("", String::as_str);
                    match text.strip_suffix('p') {
                        Some(ppm) => Ok((number(ppm, &none)?, true)),
                        None => Ok((number(text, &none)?, false)),
                    }
                };
                self.shifts.push((spin(0)?, [size(1)?, size(2)?], real(3)?, angles(4)?));
            }
            ("dipole", 6) => self.dipoles.push((spin(0)?, spin(1)?, real(2)?, angles(3)?)),
            ("jcoupling", 8) => {
                if real(3)? != 0.0 {
                    return Err("anisotropic J couplings are not supported".into());
                }
                self.scalar.push(format!("j s{} s{} = {} Hz", spin(0)?, spin(1)?, shown(real(2)?)));
            }
            ("quadrupole", 7) => {
                let order = real(1)?;
                let second = order >= 2.0;
                self.quadrupoles.push((spin(0)?, real(2)?, real(3)?, angles(4)?, second));
                if order != 1.0 && order != 2.0 {
                    return Err(
                        "quadrupolar couplings are supported up to second order; the second order is used".into()
                    );
                }
            }
            _ => return Err(format!("unknown interaction `{name}` with {} numbers", values.len())),
        }
        Ok(())
    }

    /// The lines of the system. `turned` is where the sample is turned, and `back` where the rotor is written as one that turns the other
    /// way.
    ///
    /// # Errors
    /// A number that is missing or no number.
    pub fn system(
        &self,
        parameters: &BTreeMap<String, String>,
        offsets: &[f64],
        turned: bool,
        back: bool,
    ) -> Result<String, String> {
        let par = Par(parameters);
        let proton = Isotope::named("1H").map_or(267.522e6, |i| i.gamma);
        let field = match (par.number("field")?, par.number("proton_frequency")?) {
            (Some(field), _) => field,
            (None, Some(frequency)) => 2.0 * PI * frequency / proton,
            (None, None) => 2.0 * PI * 400e6 / proton,
        };
        if !(field.is_finite() && field != 0.0) {
            return Err("the field, or `proton_frequency`, must be a number other than 0".into());
        }
        let mut out =
            format!("    field {} T\n    temperature {} K    # SIMPSON has none\n", shown(field), shown(TEMPERATURE));
        for (k, nucleus) in self.nuclei.iter().enumerate() {
            out += &format!("    spin s{} : {nucleus}\n", k + 1);
        }
        for (k, nucleus) in self.nuclei.iter().enumerate() {
            out += &self.shift(k, nucleus, field, offsets, back)?;
        }
        for (spin, size, eta, frame, second) in &self.quadrupoles {
            let axes = axes(*frame, back);
            let order = if *second { " order 2" } else { "" };
            out +=
                &format!("    quadrupole s{spin} = {} Hz eta {} axes {axes} deg{order}\n", shown(*size), shown(*eta));
        }
        for line in &self.scalar {
            out += &format!("    {line}\n");
        }
        for (a, b, d, [_, beta, gamma]) in &self.dipoles {
            let (sine, cosine) = beta.to_radians().sin_cos();
            let (y, x) = gamma.to_radians().sin_cos();
            let x = if back { -x } else { x };
            let along = if turned || *beta != 0.0 {
                format!(" along ({}, {}, {})", shown(sine * x), shown(sine * y), shown(cosine))
            } else {
                String::new()
            };
            out += &format!("    dipolar s{a} s{b} = {} Hz{along}\n", shown(*d));
        }
        Ok(out)
    }

    /// The shift of a spin with the offset of its channel.
    ///
    /// # Errors
    /// A shift that is too large for a number in ppm.
    fn shift(&self, k: usize, nucleus: &str, field: f64, offsets: &[f64], back: bool) -> Result<String, String> {
        let larmor = Isotope::named(nucleus).map_or(1.0, |i| i.gamma.abs()) * field / (2.0 * PI);
        let ppm = |(x, is_ppm): (f64, bool)| if is_ppm { x } else { x / larmor * 1e6 };
        let offset = self.channel_of(nucleus).and_then(|c| offsets.get(c)).copied().unwrap_or(0.0);
        let mut isotropic = mirrored(nucleus, offset) / larmor * 1e6;
        let mut out = String::new();
        for (_, [size, anisotropy], eta, frame) in self.shifts.iter().filter(|s| s.0 == k + 1) {
            isotropic += ppm(*size);
            if !ppm(*anisotropy).is_finite() {
                return Err(format!("the shift anisotropy of `{nucleus}` is too large for this field"));
            }
            if anisotropy.0 != 0.0 {
                out += &format!(
                    "    csa s{} = {} ppm eta {} axes {} deg\n",
                    k + 1,
                    shown(ppm(*anisotropy)),
                    shown(*eta),
                    axes(*frame, back)
                );
            }
        }
        if !isotropic.is_finite() {
            return Err(format!("the shift of `{nucleus}` is too large for this field"));
        }
        if isotropic != 0.0 {
            out = format!("    shift s{} = {} ppm\n", k + 1, shown(isotropic)) + &out;
        }
        Ok(out)
    }

    /// Whether the sample has tensors.
    pub fn is_anisotropic(&self) -> bool {
        !self.dipoles.is_empty()
            || self.shifts.iter().any(|(_, [_, (x, _)], ..)| *x != 0.0)
            || !self.quadrupoles.is_empty()
    }
}

fn nuclei_of(words: &[String]) -> Result<Vec<String>, String> {
    if words.len() > MOST_NUCLEI {
        return Err(format!("there are more than {MOST_NUCLEI} nuclei"));
    }
    match words.iter().find(|w| Isotope::named(w).is_none_or(Isotope::is_electron)) {
        Some(other) => Err(format!("unknown nucleus `{other}`")),
        None => Ok(words.to_vec()),
    }
}

/// The values of `par` in a scan.
pub struct Par<'a>(pub &'a BTreeMap<String, String>);

impl Par<'_> {
    /// A number, where there is one.
    ///
    /// # Errors
    /// When it is no number.
    pub fn number(&self, name: &str) -> Result<Option<f64>, String> {
        match self.0.get(name) {
            None => Ok(None),
            Some(text) => {
                let x = number(text, &BTreeMap::new()).map_err(|why| format!("`{name}`: {why}"))?;
                Ok(Some(x))
            }
        }
    }

    /// A word.
    pub fn word(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }

    /// Rate of the rotor in hertz and its angle in degrees, where it turns.
    ///
    /// # Errors
    /// When a number is none.
    pub fn rotor(&self) -> Result<Option<(f64, f64)>, String> {
        let rate = self.number("spin_rate")?.unwrap_or(0.0);
        let angle = match self.0.get("rotor_angle").map(|t| t.trim()) {
            None | Some("magic_angle" | "magic" | "ma") => magic(),
            Some(_) => self.number("rotor_angle")?.unwrap_or_else(magic),
        };
        Ok((rate != 0.0).then_some((rate, angle)))
    }
}

/// A sum of operators of single spins: `I1z+0.5*I2x`, `Inp`; the factor, the spin (`None` for all) and the letter.
pub fn operator(text: &str) -> Option<Vec<(f64, Option<usize>, char)>> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let mut rest = text.as_str();
    let mut out = Vec::new();
    while !rest.is_empty() && out.len() < MOST_TERMS {
        let (sign, after) = match rest.strip_prefix('-') {
            Some(after) => (-1.0, after),
            None => (1.0, rest.strip_prefix('+').unwrap_or(rest)),
        };
        let end = after.char_indices().skip(1).find(|(k, c)| {
            matches!(c, '+' | '-') && !after.get(..*k).is_some_and(|a| a.ends_with(['e', 'E']) && !a.contains('I'))
        });
        let (term, more) = after.split_at(end.map_or(after.len(), |(k, _)| k));
        let (factor, spin) = match term.split_once('*') {
            Some((factor, spin)) => (factor.parse::<f64>().ok().filter(|x| x.is_finite())?, spin),
            None => (1.0, term),
        };
        let inside = spin.strip_prefix('I')?;
        let letter = inside.chars().last()?;
        let number = inside.strip_suffix(letter)?;
        let number = if number == "n" { None } else { Some(number.parse::<usize>().ok()?) };
        out.push((sign * factor, number, letter));
        rest = more;
    }
    Some(out).filter(|all| !all.is_empty() && rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::operator;

    #[test]
    fn operators_are_sums() {
        assert_eq!(operator("Inz"), Some(vec![(1.0, None, 'z')]));
        assert_eq!(operator("I1z - 2.5e-1*I2x"), Some(vec![(1.0, Some(1), 'z'), (-0.25, Some(2), 'x')]));
        for text in ["", "I1z*I2z", "z", "2*", "I1", "I1z+", "nan*I1z", "1e999*I1z"] {
            assert!(operator(text).is_none_or(|all| text == "I1z+" && all.len() == 1), "{text}");
        }
    }
}
