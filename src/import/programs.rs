//! Decoupling programs of a console.

use crate::pulse_program::words::split;

/// What a decoupling program sends.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// A continuous wave.
    Wave,
    /// Composite pulses, counted in pulses of 90 degrees.
    Quarters,
    /// Pulses of one length.
    Pulses,
    /// Pulses of one length, whose phases differ by the number behind the name, degrees.
    Modulated,
}

/// Known decoupling programs: their names without the ending, the word of the language, and what it sends.
const PROGRAMS: &[(&str, &str, Kind)] = &[
    ("cw", "cw", Kind::Wave),
    ("waltz16", "waltz16", Kind::Quarters),
    ("garp", "garp", Kind::Quarters),
    ("mlev16", "mlev16", Kind::Quarters),
    ("mlev", "mlev16", Kind::Quarters),
    ("dipsi2", "dipsi2", Kind::Quarters),
    ("spinal64", "spinal64", Kind::Pulses),
    ("xix", "xix", Kind::Pulses),
    ("tppm", "tppm", Kind::Modulated),
];

/// A known program: its row, and the phase of one that is modulated. `tppm15.p31` counts in pulses P31.
pub fn program(name: &str) -> Option<(&'static str, Kind, Option<f64>)> {
    let low = name.to_ascii_lowercase();
    let bare = low.split('.').next().unwrap_or_default();
    let (head, digits) = split(bare);
    let found = PROGRAMS.iter().find(|(known, _, kind)| match kind {
        Kind::Modulated => *known == head && !digits.is_empty(),
        _ => *known == bare,
    });
    found.map(|(_, word, kind)| (*word, *kind, digits.parse().ok().filter(|_| *kind == Kind::Modulated)))
}

/// Whether a text is the name of a known decoupling program.
pub fn is_program(name: &str) -> bool {
    program(name).is_some()
}
