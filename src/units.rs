//! Conventions for signs and factors of 2 pi, units and constants, defined here for the whole program.
//!
//! # Conventions
//!
//! * Internally, numbers are SI and Hamiltonians are angular frequencies (rad/s, hbar = 1).
//! * In a file with `units lab` a Hamiltonian may be given as an **ordinary frequency** (Hz), which the compiler multiplies by
//!   2 pi; as an **angular frequency** (rad/s), used as is; or as an **energy** (J), divided by hbar. Hz and rad/s
//!   are different dimensions, so their sum is an error and never a silent factor of 6.28.
//! * A collapse operator contains the square root of a rate in 1/s, without a factor of 2 pi.
//! * `rho -> U rho U^dagger` with `U = exp(-i H t)`; a pulse of flip angle theta and phase phi is
//!   `exp(-i theta (Ix cos phi + Iy sin phi))`, so 90 degrees about x rotates Iz to -Iy.
//! * Spin up is m = +1/2, written `0` in a ket; the first subsystem is the left factor of a Kronecker product.
//! * The laboratory Zeeman energy is `-gamma B0 (1 + delta) Iz`: for gamma > 0 spin up is the lower level. In the frame
//!   rotating with the carrier, `2 pi nu Iz` with `nu = -gamma B0 (delta - delta_carrier) / 2 pi` remains. Files use the
//!   sign of the spectrometer, which `spin/sense.rs` defines.
//! * `dipolar a b = d` means `2 pi d (3 Iz Iz - I.I)` between like spins and `2 pi d 2 Iz Iz` between unlike ones;
//!   `j a b = J` means `2 pi J I.I` or `2 pi J Iz Iz`.
//! * In a file with `units natural`, hbar = k_B = 1 and every number is dimensionless.

use std::fmt;
use std::sync::LazyLock;

/// Planck constant, J s (CODATA 2022, exact).
pub const PLANCK: f64 = 6.626_070_15e-34;
/// Reduced Planck constant, J s.
pub const HBAR: f64 = PLANCK / (2.0 * std::f64::consts::PI);
/// Boltzmann constant, J/K (CODATA 2022, exact).
pub const BOLTZMANN: f64 = 1.380_649e-23;
/// Vacuum permeability, N/A^2 (CODATA 2022: 1.256 637 061 27(20)e-6).
pub const MAGNETIC_CONSTANT: f64 = 1.256_637_061_27e-6;
/// Two pi, the factor from ordinary to angular frequency.
pub const TWO_PI: f64 = 2.0 * std::f64::consts::PI;

/// The two unit systems of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitSystem {
    /// Lab units: every dimensional number has a unit.
    #[default]
    Lab,
    /// hbar = k_B = 1: dimensionless numbers only.
    Natural,
}

/// Base quantities of dimensions.
const BASE: [&str; 7] = ["time", "angle", "length", "field", "temperature", "energy", "shift"];

/// A physical dimension: exponents of the seven base quantities, in twelfths, so that square and cube roots are exact.
///
/// Angle is a base quantity, which distinguishes rad/s from Hz. So is the chemical shift (ppm): a dimensionless number is not a shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Dimension([i16; 7]);

/// Exponent that represents the first power of a base quantity.
const WHOLE: i16 = 12;

impl Dimension {
    /// Dimensionless.
    pub const NUMBER: Dimension = Dimension([0; 7]);
    /// Second.
    pub const TIME: Dimension = Dimension::base(0);
    /// Radian.
    pub const ANGLE: Dimension = Dimension::base(1);
    /// Metre.
    pub const LENGTH: Dimension = Dimension::base(2);
    /// Tesla.
    pub const FIELD: Dimension = Dimension::base(3);
    /// Tesla per metre.
    pub const GRADIENT: Dimension = Dimension([0, 0, -WHOLE, WHOLE, 0, 0, 0]);
    /// Kelvin.
    pub const TEMPERATURE: Dimension = Dimension::base(4);
    /// Joule.
    pub const ENERGY: Dimension = Dimension::base(5);
    /// Parts per million of the Larmor frequency.
    pub const SHIFT: Dimension = Dimension::base(6);
    /// Hertz: an ordinary frequency, or a rate per second.
    pub const FREQUENCY: Dimension = Dimension([-WHOLE, 0, 0, 0, 0, 0, 0]);
    /// Radian per second per tesla.
    pub const GYROMAGNETIC_RATIO: Dimension = Dimension([-WHOLE, WHOLE, 0, -WHOLE, 0, 0, 0]);
    /// Radian per second.
    pub const ANGULAR_FREQUENCY: Dimension = Dimension([-WHOLE, WHOLE, 0, 0, 0, 0, 0]);

    #[expect(clippy::indexing_slicing, reason = "evaluated only in constants, where a wrong index does not compile")]
    const fn base(k: usize) -> Dimension {
        let mut exponents = [0; 7];
        exponents[k] = WHOLE;
        Dimension(exponents)
    }

    /// Dimension of a product.
    pub fn times(self, other: Dimension) -> Dimension {
        let mut sum = self;
        sum.0.iter_mut().zip(other.0).for_each(|(a, b)| *a = a.saturating_add(b));
        sum
    }

    /// Dimension of a quotient.
    pub fn over(self, other: Dimension) -> Dimension {
        let mut difference = self;
        difference.0.iter_mut().zip(other.0).for_each(|(a, b)| *a = a.saturating_sub(b));
        difference
    }

    /// Dimension of a power; `None` if an exponent would not be a multiple of one twelfth.
    pub fn power(self, exponent: f64) -> Option<Dimension> {
        let mut out = [0; 7];
        for (o, &e) in out.iter_mut().zip(&self.0) {
            let scaled = f64::from(e) * exponent;
            if (scaled - scaled.round()).abs() > 1e-9 || scaled.abs() > 1e4 {
                return None;
            }
            *o = scaled.round() as i16;
        }
        Some(Dimension(out))
    }

    /// Dimension of the square root.
    pub fn sqrt(self) -> Option<Dimension> {
        self.power(0.5)
    }

    /// Units of this dimension, for messages: `us, ms, s`.
    pub fn example_units(self) -> Option<&'static str> {
        NAMED.iter().find(|(d, _, _)| *d == self).and_then(|(_, _, units)| *units)
    }

    /// SI unit in which values of this dimension are printed; empty for dimensionless numbers.
    pub fn si_unit(self) -> String {
        if self == Dimension::FREQUENCY {
            return "Hz".into();
        }
        const SYMBOLS: [&str; 7] = ["s", "rad", "m", "T", "K", "J", "ppm"];
        let parts: Vec<String> =
            SYMBOLS.iter().zip(self.0).filter(|(_, e)| *e != 0).map(|(s, e)| power_text(s, e)).collect();
        parts.join(" ")
    }
}

/// Dimensions with a name, and examples of their units.
const NAMED: &[(Dimension, &str, Option<&str>)] = &[
    (Dimension::NUMBER, "a dimensionless number", None),
    (Dimension::TIME, "a time", Some("ns, us, ms, s")),
    (Dimension::FREQUENCY, "a frequency", Some("Hz, kHz, MHz")),
    (Dimension::ANGULAR_FREQUENCY, "an angular frequency", Some("rad/s, krad/s")),
    (Dimension::ANGLE, "an angle", Some("deg, rad, turn")),
    (Dimension::FIELD, "a magnetic field", Some("T, mT, G")),
    (Dimension::TEMPERATURE, "a temperature", Some("K, mK")),
    (Dimension::LENGTH, "a length", Some("angstrom, nm, m")),
    (Dimension::ENERGY, "an energy", Some("J")),
    (Dimension::SHIFT, "a chemical shift", Some("ppm")),
];

fn power_text(base: &str, twelfths: i16) -> String {
    match twelfths {
        WHOLE => base.to_string(),
        e if e % WHOLE == 0 => format!("{base}^{}", e / WHOLE),
        e => {
            let divisor = [6, 4, 3, 2].into_iter().find(|d| e % d == 0).unwrap_or(1);
            format!("{base}^({}/{})", e / divisor, WHOLE / divisor)
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((_, name, _)) = NAMED.iter().find(|(d, _, _)| d == self) {
            return f.write_str(name);
        }
        let parts: Vec<String> =
            BASE.iter().zip(self.0).filter(|(_, e)| *e != 0).map(|(n, e)| power_text(n, e)).collect();
        write!(f, "a quantity of dimension {}", parts.join(" * "))
    }
}

/// A unit of the language.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// Symbol.
    pub symbol: &'static str,
    /// Size in SI units.
    pub factor: f64,
    /// Dimension.
    pub dimension: Dimension,
    /// Name in words.
    pub name: &'static str,
}

const fn unit(symbol: &'static str, factor: f64, dimension: Dimension, name: &'static str) -> Unit {
    Unit { symbol, factor, dimension, name }
}

/// All units that may follow a number. The lexer, completion, messages and `grammar.md` use this table.
pub const UNITS: &[Unit] = &[
    unit("s", 1.0, Dimension::TIME, "second"),
    unit("ms", 1e-3, Dimension::TIME, "millisecond"),
    unit("us", 1e-6, Dimension::TIME, "microsecond"),
    unit("ns", 1e-9, Dimension::TIME, "nanosecond"),
    unit("ps", 1e-12, Dimension::TIME, "picosecond"),
    unit("min", 60.0, Dimension::TIME, "minute"),
    unit("Hz", 1.0, Dimension::FREQUENCY, "hertz: cycles per second"),
    unit("mHz", 1e-3, Dimension::FREQUENCY, "millihertz"),
    unit("kHz", 1e3, Dimension::FREQUENCY, "kilohertz"),
    unit("MHz", 1e6, Dimension::FREQUENCY, "megahertz"),
    unit("GHz", 1e9, Dimension::FREQUENCY, "gigahertz"),
    unit("1/s", 1.0, Dimension::FREQUENCY, "per second: a rate"),
    unit("rad/s", 1.0, Dimension::ANGULAR_FREQUENCY, "radian per second"),
    unit("krad/s", 1e3, Dimension::ANGULAR_FREQUENCY, "thousand radians per second"),
    unit("Mrad/s", 1e6, Dimension::ANGULAR_FREQUENCY, "million radians per second"),
    unit("rad", 1.0, Dimension::ANGLE, "radian"),
    unit("deg", std::f64::consts::PI / 180.0, Dimension::ANGLE, "degree"),
    unit("turn", TWO_PI, Dimension::ANGLE, "full turn"),
    unit("T", 1.0, Dimension::FIELD, "tesla"),
    unit("mT", 1e-3, Dimension::FIELD, "millitesla"),
    unit("uT", 1e-6, Dimension::FIELD, "microtesla"),
    unit("G", 1e-4, Dimension::FIELD, "gauss"),
    unit("kG", 0.1, Dimension::FIELD, "kilogauss"),
    unit("T/m", 1.0, Dimension::GRADIENT, "tesla per metre"),
    unit("mT/m", 1e-3, Dimension::GRADIENT, "millitesla per metre"),
    unit("G/cm", 1e-2, Dimension::GRADIENT, "gauss per centimetre"),
    unit("K", 1.0, Dimension::TEMPERATURE, "kelvin"),
    unit("mK", 1e-3, Dimension::TEMPERATURE, "millikelvin"),
    unit("uK", 1e-6, Dimension::TEMPERATURE, "microkelvin"),
    unit("m", 1.0, Dimension::LENGTH, "metre"),
    unit("cm", 1e-2, Dimension::LENGTH, "centimetre"),
    unit("mm", 1e-3, Dimension::LENGTH, "millimetre"),
    unit("um", 1e-6, Dimension::LENGTH, "micrometre"),
    unit("nm", 1e-9, Dimension::LENGTH, "nanometre"),
    unit("pm", 1e-12, Dimension::LENGTH, "picometre"),
    unit("angstrom", 1e-10, Dimension::LENGTH, "angstrom"),
    unit("J", 1.0, Dimension::ENERGY, "joule"),
    unit("ppm", 1e-6, Dimension::SHIFT, "part per million"),
    unit("%", 1e-2, Dimension::NUMBER, "percent"),
];

/// A constant of nature that expressions of laboratory files may name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constant {
    /// How it is written.
    pub symbol: &'static str,
    /// Its value in SI units.
    pub value: f64,
    /// Its dimension.
    pub dimension: Dimension,
    /// What it is.
    pub meaning: &'static str,
}

/// All constants of nature. A declared name hides a constant of the same name.
pub const CONSTANTS: &[Constant] = &[
    Constant {
        symbol: "h",
        value: PLANCK,
        dimension: Dimension([WHOLE, 0, 0, 0, 0, WHOLE, 0]),
        meaning: "Planck's constant, 6.62607015e-34 J s: an energy over a frequency in Hz",
    },
    Constant {
        symbol: "hbar",
        value: HBAR,
        dimension: Dimension([WHOLE, -WHOLE, 0, 0, 0, WHOLE, 0]),
        meaning: "Planck's constant over 2 pi: an energy over an angular frequency in rad/s",
    },
    Constant {
        symbol: "k_B",
        value: BOLTZMANN,
        dimension: Dimension([0, 0, 0, 0, -WHOLE, WHOLE, 0]),
        meaning: "Boltzmann's constant, 1.380649e-23 J/K",
    },
    Constant {
        symbol: "mu_0",
        value: MAGNETIC_CONSTANT,
        dimension: Dimension([0, 0, 3 * WHOLE, 2 * WHOLE, 0, -WHOLE, 0]),
        meaning: "the magnetic constant, 1.25663706127e-6 T^2 m^3/J",
    },
];

impl Constant {
    /// The constant of this symbol.
    pub fn named(symbol: &str) -> Option<&'static Constant> {
        CONSTANTS.iter().find(|c| c.symbol == symbol)
    }
}

/// The word of the gyromagnetic ratio of a nucleus: `gamma(1H)`, rad/s/T.
pub const GAMMA: &str = "gamma";

/// Alternative spellings of units: with the micro sign (U+00B5) or the Greek letter mu (U+03BC), the degree sign, and A with a ring
/// (U+00C5) or the angstrom sign (U+212B).
pub const SPELLINGS: &[(&str, &str)] = &[
    ("\u{b5}s", "us"),
    ("\u{3bc}s", "us"),
    ("\u{b5}T", "uT"),
    ("\u{3bc}T", "uT"),
    ("\u{b5}K", "uK"),
    ("\u{3bc}K", "uK"),
    ("\u{b5}m", "um"),
    ("\u{3bc}m", "um"),
    ("\u{b0}", "deg"),
    ("\u{c5}", "angstrom"),
    ("\u{212b}", "angstrom"),
];

/// SI prefixes, to recognise unsupported combinations with units.
const PREFIXES: &[(&str, &str)] = &[
    ("T", "1e12"),
    ("G", "1e9"),
    ("M", "1e6"),
    ("k", "1e3"),
    ("c", "1e-2"),
    ("m", "1e-3"),
    ("u", "1e-6"),
    ("\u{b5}", "1e-6"),
    ("\u{3bc}", "1e-6"),
    ("n", "1e-9"),
    ("p", "1e-12"),
];

impl Unit {
    /// Looks up a unit by symbol or alternative spelling.
    pub fn named(symbol: &str) -> Option<&'static Unit> {
        // Spellings that begin with the same byte stand together, since the words behind the numbers of a long text are looked up often.
        static BY_BYTE: LazyLock<Vec<Vec<(&'static str, &'static Unit)>>> = LazyLock::new(|| {
            let own = UNITS.iter().map(|unit| (unit.symbol, unit));
            let other = |(spelling, symbol): &(&'static str, &'static str)| {
                Some((*spelling, UNITS.iter().find(|u| u.symbol == *symbol)?))
            };
            let all: Vec<_> = own.chain(SPELLINGS.iter().filter_map(other)).collect();
            let begins = |first| all.iter().copied().filter(move |(word, _)| word.bytes().next() == Some(first));
            (0..=u8::MAX).map(|first| begins(first).collect()).collect()
        });
        let near = BY_BYTE.get(usize::from(symbol.bytes().next()?))?;
        near.iter().find(|(spelling, _)| *spelling == symbol).map(|(_, unit)| *unit)
    }

    /// Suggestion for a word that is not a unit. It never offers a unit of another dimension: short symbols that differ by one letter are
    /// unrelated.
    pub fn hint(word: &str) -> String {
        let lower = word.to_lowercase();
        if ["A", "a", "ang", "Ang"].contains(&word) {
            return "did you mean `angstrom`?".into();
        }
        if let Some((_, size)) = PREFIXES.iter().find(|(prefix, _)| *prefix == word) {
            return format!(
                "`{word}` alone is no unit: a number is written `2{}`, a frequency or time `2 {word}{}`",
                size.trim_start_matches('1'),
                if ["k", "M", "G", "T"].contains(&word) { "Hz" } else { "s" }
            );
        }
        if ["x", "y"].contains(&word) {
            return format!("an angle has a unit and a phase its word: `90 deg phase {word}`; a product needs `*`");
        }
        if ["c", "\u{b0}c", "degc", "celsius"].contains(&lower.as_str()) {
            return "temperatures are in kelvin: add 273.15 and write `K`".into();
        }
        let singular = lower.strip_suffix('s').unwrap_or(&lower);
        let of_name = |u: &&Unit| {
            let name = u.name.split(':').next().unwrap_or_default();
            name == lower || name == singular || (name == "second" && lower == "sec")
        };
        let same: Vec<String> = UNITS
            .iter()
            .filter(|u| u.symbol.to_lowercase() == lower)
            .chain(UNITS.iter().filter(of_name))
            .map(|u| format!("`{}`", u.symbol))
            .collect();
        if !same.is_empty() {
            return format!("did you mean {}?", same.join(" or "));
        }
        // A prefix on a unit that does not support it.
        for (prefix, size) in PREFIXES {
            let base = word.strip_prefix(prefix).and_then(Unit::named).filter(|u| u.factor == 1.0 || u.symbol == "G");
            if let Some(unit) = base {
                let others = unit.dimension.example_units().unwrap_or(unit.symbol);
                return format!("1 {word} is {size} {}; units of {} are {others}", unit.symbol, unit.dimension);
            }
        }
        // A letter typed twice.
        let letters: Vec<char> = word.chars().collect();
        let twice = letters.windows(2).enumerate().filter(|(_, pair)| pair.first() == pair.last()).map(|(k, _)| k);
        let without =
            |k: usize| letters.iter().enumerate().filter(|(i, _)| *i != k).map(|(_, c)| *c).collect::<String>();
        if let Some(unit) = twice.map(without).find_map(|word| Unit::named(&word)) {
            return format!("did you mean `{}`?", unit.symbol);
        }
        // Transposed letters, or one wrong letter in a long word.
        let sorted = |w: &str| {
            let mut letters: Vec<char> = w.chars().collect();
            letters.sort_unstable();
            letters
        };
        let own = sorted(&lower);
        let near = UNITS.iter().map(|u| u.symbol).filter(|s| s.len() > 5 || sorted(&s.to_lowercase()) == own);
        match crate::diagnostic::nearest(word, near) {
            Some(symbol) => format!("did you mean `{symbol}`?"),
            None => format!(
                "if `{word}` is a name, a product needs `*`; units are s, ms, us, ns, Hz, kHz, MHz, rad/s, deg, rad, T, G, K, angstrom, nm, J, ppm"
            ),
        }
    }
}

/// Angular frequency (rad/s) of one unit of a Hamiltonian of this dimension; `None` if a Hamiltonian cannot have this dimension.
pub fn hamiltonian_factor(dimension: Dimension, system: UnitSystem) -> Option<f64> {
    match system {
        UnitSystem::Natural => Some(1.0),
        UnitSystem::Lab if dimension == Dimension::FREQUENCY => Some(angular_factor(system)),
        UnitSystem::Lab if dimension == Dimension::ANGULAR_FREQUENCY => Some(1.0),
        UnitSystem::Lab if dimension == Dimension::ENERGY => Some(1.0 / HBAR),
        UnitSystem::Lab => None,
    }
}

/// The angular frequency that one unit of an ordinary frequency stands for: 2 pi in lab files, 1 in natural ones.
pub fn angular_factor(system: UnitSystem) -> f64 {
    match system {
        UnitSystem::Lab => TWO_PI,
        UnitSystem::Natural => 1.0,
    }
}

/// Reported value of an energy of 1 rad/s: hbar (joule) in lab units, 1 in natural units.
pub fn energy_scale(system: UnitSystem) -> f64 {
    match system {
        UnitSystem::Lab => HBAR,
        UnitSystem::Natural => 1.0,
    }
}

/// Factor from a temperature, in the units of the file, to an angular frequency: k_B/hbar, or 1.
pub fn temperature_scale(system: UnitSystem) -> f64 {
    match system {
        UnitSystem::Lab => BOLTZMANN / HBAR,
        UnitSystem::Natural => 1.0,
    }
}

/// The shortest decimal that equals a number to 14 significant digits: rounding errors of sums and conversions do not show.
pub fn rounded(x: f64) -> f64 {
    format!("{x:.13e}").parse().unwrap_or(x)
}

/// A time in s as it is written in a file: `2.5 us`, or `2.5` in natural units. At most 14 significant digits.
pub fn time_text(t: f64, system: UnitSystem) -> String {
    if system == UnitSystem::Natural || !t.is_finite() {
        return format!("{}", rounded(t));
    }
    // The largest unit of which it is at least 1, from a list in descending order; tiny times are written in the last.
    let sizes = [(1.0, "s"), (1e3, "ms"), (1e6, "us"), (1e9, "ns"), (1e12, "ps")];
    let rounded_in = |(per_second, unit): (f64, &'static str)| (rounded(t * per_second), unit);
    let fits = sizes.into_iter().map(rounded_in).find(|(x, _)| x.abs() >= 1.0);
    match fits {
        Some((x, unit)) => format!("{x} {unit}"),
        None if t == 0.0 => "0 s".into(),
        None => format!("{:e} s", rounded(t)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_the_unit_that_fits() {
        let text = |t| time_text(t, UnitSystem::Lab);
        // Sums and conversions that are off by one unit in the last place.
        assert_eq!(text(5e-6 - 10e-6), "-5 us");
        assert_eq!(text(9.999999999999999e-6), "10 us");
        assert_eq!(text(0.1 + 0.2), "300 ms");
        assert_eq!((text(0.0), text(120.0), text(1e-9)), ("0 s".into(), "120 s".into(), "1 ns".into()));
        assert_eq!((text(1e-15), text(3.2564e-6)), ("1e-15 s".into(), "3.2564 us".into()));
        assert_eq!(time_text(0.1 + 0.2, UnitSystem::Natural), "0.3");
    }

    #[test]
    fn hertz_and_radians_per_second_differ() {
        assert_ne!(Dimension::FREQUENCY, Dimension::ANGULAR_FREQUENCY);
        assert_eq!(Dimension::ANGLE.over(Dimension::TIME), Dimension::ANGULAR_FREQUENCY);
    }

    #[test]
    fn constants_have_the_dimensions_of_their_equations() {
        let of = |symbol: &str| Constant::named(symbol).unwrap().dimension;
        assert_eq!(of("h").times(Dimension::FREQUENCY), Dimension::ENERGY);
        assert_eq!(of("hbar").times(Dimension::ANGULAR_FREQUENCY), Dimension::ENERGY);
        assert_eq!(of("k_B").times(Dimension::TEMPERATURE), Dimension::ENERGY);
        assert_eq!(Dimension::GYROMAGNETIC_RATIO.times(Dimension::FIELD), Dimension::ANGULAR_FREQUENCY);
        // mu_0 gamma^2 hbar / r^3, the dipolar coupling.
        let square = Dimension::GYROMAGNETIC_RATIO.times(Dimension::GYROMAGNETIC_RATIO);
        let volume = Dimension::LENGTH.power(3.0).unwrap();
        assert_eq!(of("mu_0").times(square).times(of("hbar")).over(volume), Dimension::ANGULAR_FREQUENCY);
    }

    #[test]
    fn roots_are_exact() {
        let root = Dimension::FREQUENCY.sqrt().unwrap();
        assert_eq!(root.times(root), Dimension::FREQUENCY);
        assert_eq!(Dimension::TIME.power(1.0 / 7.0), None);
        assert_eq!(root.to_string(), "a quantity of dimension time^(-1/2)");
    }

    #[test]
    fn symbols_are_unique() {
        for (k, u) in UNITS.iter().enumerate() {
            assert!(UNITS[..k].iter().all(|v| v.symbol != u.symbol), "{}", u.symbol);
        }
    }

    #[test]
    fn every_micro_unit_takes_both_signs_and_no_spelling_is_a_symbol() {
        for unit in UNITS.iter().filter(|u| u.symbol.starts_with('u')) {
            for sign in ['\u{b5}', '\u{3bc}'] {
                assert_eq!(Unit::named(&format!("{sign}{}", &unit.symbol[1..])), Some(unit));
            }
        }
        for (spelling, symbol) in SPELLINGS {
            assert!(UNITS.iter().all(|u| u.symbol != *spelling));
            assert_eq!(Unit::named(spelling).map(|u| u.symbol), Some(*symbol));
        }
    }

    #[test]
    fn a_hint_never_changes_the_dimension() {
        let quoted =
            |hint: &str| -> Vec<Unit> { hint.split('`').skip(1).step_by(2).filter_map(Unit::named).copied().collect() };
        // For every prefix on every unit, suggestions have the dimension of the unit.
        for (prefix, _) in PREFIXES {
            for unit in UNITS.iter().filter(|u| u.symbol.chars().all(char::is_alphanumeric)) {
                let word = format!("{prefix}{}", unit.symbol);
                if Unit::named(&word).is_some() {
                    continue;
                }
                let hint = Unit::hint(&word);
                let wrong = quoted(&hint)
                    .into_iter()
                    .find(|u| u.dimension != unit.dimension && u.symbol.to_lowercase() != word.to_lowercase());
                assert_eq!(wrong, None, "{word}: {hint}");
            }
        }
        for (word, hint) in [
            ("Tesla", "`T`"),
            ("seconds", "`s`"),
            ("khz", "`kHz`"),
            ("degrees", "`deg`"),
            ("dge", "`deg`"),
            ("C", "kelvin"),
        ] {
            assert!(Unit::hint(word).contains(hint), "{word}: {}", Unit::hint(word));
        }
        assert!(Unit::hint("mhz").contains("`mHz` or `MHz`"));
    }

    #[test]
    fn a_hertz_of_hamiltonian_is_two_pi_radians_per_second() {
        assert_eq!(hamiltonian_factor(Dimension::FREQUENCY, UnitSystem::Lab), Some(TWO_PI));
        assert_eq!(hamiltonian_factor(Dimension::TIME, UnitSystem::Lab), None);
    }
}
