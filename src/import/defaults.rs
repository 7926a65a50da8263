//! Numbers to begin with, where nothing gives one: a written file runs, and says which they are.

use crate::pulse_program::words::split;
use crate::spin::Isotope;

/// What is said of a number that is assumed.
pub const NOT_GIVEN: &str = "assumed: its number is not given";

/// A number that is assumed.
pub struct Assumed {
    /// In seconds and hertz.
    pub number: f64,
    /// As a `.seq` file has it.
    pub text: String,
    /// What is said of it.
    pub note: &'static str,
}

/// By the custom of Bruker's library: name, seconds.
const TIMES: &[(&str, f64, &str)] = &[
    ("d0", 3e-6, "3 us"),
    ("d1", 1.0, "1 s"),
    ("d10", 3e-6, "3 us"),
    ("d11", 30e-3, "30 ms"),
    ("d12", 20e-6, "20 us"),
    ("d13", 4e-6, "4 us"),
    ("d16", 200e-6, "200 us"),
    ("de", 10e-6, "10 us"),
    ("dw", 50e-6, "50 us"),
    ("aq", 25e-3, "25 ms"),
];

/// Couplings that are counted in hertz: name, value.
const COUPLINGS: &[(&str, f64)] = &[("cnst1", 7.0), ("cnst2", 145.0), ("cnst4", 90.0), ("cnst13", 8.0)];

/// The field of the written file, tesla.
pub const FIELD: f64 = 11.7;

/// Nuclei of channels.
pub const NUCLEI: &[&str] = &["1H", "13C", "15N", "2H"];

/// The power of time that a parameter has.
pub fn power_of_time(name: &str) -> i32 {
    let (head, _) = split(name);
    i32::from(matches!(
        head,
        "p" | "d" | "in" | "inf" | "inp" | "vd" | "vp" | "aq" | "de" | "dw" | "pcpd" | "vdmin" | "vdmax"
    ))
}

/// Whether a name is one of the program, not one that every data set has.
pub fn is_own(name: &str) -> bool {
    let (head, digits) = split(name);
    let numbered = matches!(
        head,
        "p" | "d"
            | "in"
            | "inf"
            | "inp"
            | "l"
            | "cnst"
            | "pl"
            | "plw"
            | "sp"
            | "spw"
            | "spoff"
            | "spoffs"
            | "phcor"
            | "gpz"
            | "pcpd"
            | "bf"
            | "sfo"
            | "o"
            | "td"
            | "sw"
    );
    let plain =
        matches!(name, "vd" | "vp" | "vc" | "vdmin" | "vdmax" | "aq" | "de" | "dw" | "ns" | "ds" | "nbl" | "acqt");
    !(numbered && !digits.is_empty() || plain)
}

/// The number that is assumed for a parameter; pulses that are `long` are shaped, or gradients.
pub fn of(name: &str, long: bool) -> Assumed {
    let assumed = |number: f64, text: &str| Assumed { number, text: text.to_string(), note: NOT_GIVEN };
    let (head, digits) = split(name);
    if let Some((_, number, text)) = TIMES.iter().find(|(n, ..)| *n == name) {
        return assumed(*number, text);
    }
    if let Some((_, number)) = COUPLINGS.iter().find(|(n, _)| *n == name) {
        return assumed(*number, &format!("{number}"));
    }
    match head {
        "p" if long => assumed(1e-3, "1 ms"),
        "p" | "vp" | "pcpd" => assumed(10e-6, "10 us"),
        "in" | "inf" | "inp" => assumed(200e-6, "200 us"),
        "d" | "vd" | "vdmin" | "vdmax" => assumed(1e-3, "1 ms"),
        // No two are equal: their differences stand in quotients.
        "cnst" => {
            let number = 100.0 + digits.parse::<f64>().unwrap_or(0.0);
            assumed(number, &format!("{number}"))
        }
        "bf" | "sfo" => {
            let channel: usize = digits.parse().unwrap_or(1);
            let nucleus = NUCLEI.get(channel.saturating_sub(1)).copied().unwrap_or("1H");
            let gamma = Isotope::named(nucleus).map_or(0.0, |i| i.gamma.abs());
            let hertz = (gamma * FIELD / std::f64::consts::TAU).round();
            assumed(hertz, &format!("{hertz}"))
        }
        "o" | "spoff" | "spoffs" | "phcor" => assumed(0.0, "0"),
        "gpz" => assumed(30.0, "30"),
        "td" | "nbl" => assumed(8.0, "8"),
        _ if power_of_time(name) == 1 => assumed(1e-3, "1 ms"),
        _ => assumed(1.0, "1"),
    }
}

/// The strength that is assumed for a power level, hertz: a pulse of 90 degrees at the levels that pulses use takes 10 us.
pub fn strength(level: &str) -> f64 {
    match split(level) {
        ("pl", "1" | "2" | "3" | "4") => 25e3,
        ("pl", _) => 5e3,
        _ => 1e3,
    }
}
