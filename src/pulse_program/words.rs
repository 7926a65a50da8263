//! The words of the language.

/// What a word is, where that matters to how it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A length of time.
    Time,
    /// A phase.
    Phase,
    /// A command, with whatever belongs to it.
    Command,
}

/// Words that a number follows without a blank: `p1`, `ph31`.
const NUMBERED: &[(&str, Kind)] = &[
    ("p", Kind::Time),
    ("d", Kind::Time),
    ("in", Kind::Time),
    ("inf", Kind::Time),
    ("inp", Kind::Time),
    ("vd", Kind::Time),
    ("vp", Kind::Time),
    ("ph", Kind::Phase),
    ("pl", Kind::Command),
    ("plw", Kind::Command),
    ("sp", Kind::Command),
    ("fq", Kind::Command),
    ("gp", Kind::Command),
    ("gron", Kind::Command),
    ("l", Kind::Command),
    ("cnst", Kind::Command),
    ("id", Kind::Command),
    ("dd", Kind::Command),
    ("rd", Kind::Command),
    ("ip", Kind::Command),
    ("dp", Kind::Command),
    ("rp", Kind::Command),
    ("ipp", Kind::Command),
    ("dpp", Kind::Command),
    ("rpp", Kind::Command),
    ("ipu", Kind::Command),
    ("dpu", Kind::Command),
    ("rpu", Kind::Command),
    ("iu", Kind::Command),
    ("du", Kind::Command),
    ("ru", Kind::Command),
    ("zu", Kind::Command),
    ("cpd", Kind::Command),
    ("cpds", Kind::Command),
    ("cpdn", Kind::Command),
    ("cpdns", Kind::Command),
    ("cpdhd", Kind::Command),
    ("cpdngs", Kind::Command),
    ("cw", Kind::Command),
    ("setnmr", Kind::Command),
    ("setrtp", Kind::Command),
    ("trigpe", Kind::Command),
    ("trigne", Kind::Command),
    ("trigpl", Kind::Command),
    ("trignl", Kind::Command),
    ("ze", Kind::Command),
    ("st", Kind::Command),
    ("wr", Kind::Command),
    ("if", Kind::Command),
    ("rf", Kind::Command),
    ("gatepulse", Kind::Command),
    ("amp", Kind::Command),
    ("zd", Kind::Command),
    ("ze", Kind::Command),
    ("eosc", Kind::Command),
    ("eoscnp", Kind::Command),
    ("aq", Kind::Time),
];

/// Words without a number.
const PLAIN: &[(&str, Kind)] = &[
    ("vd", Kind::Time),
    ("vp", Kind::Time),
    ("vdmin", Kind::Time),
    ("vdmax", Kind::Time),
    ("c", Kind::Time),
    ("vc", Kind::Time),
    ("de", Kind::Time),
    ("dw", Kind::Time),
    ("aq", Kind::Time),
    ("ze", Kind::Command),
    ("zd", Kind::Command),
    ("print", Kind::Command),
    ("dwellmode", Kind::Command),
    ("ippall", Kind::Command),
    ("dppall", Kind::Command),
    ("rppall", Kind::Command),
    ("exit", Kind::Command),
    ("stop", Kind::Command),
    ("wr", Kind::Command),
    ("if", Kind::Command),
    ("rf", Kind::Command),
    ("st", Kind::Command),
    ("do", Kind::Command),
    ("cw", Kind::Command),
    ("hd", Kind::Command),
    ("pl", Kind::Command),
    ("fq", Kind::Command),
    ("ivd", Kind::Command),
    ("ivp", Kind::Command),
    ("ivc", Kind::Command),
    ("iva", Kind::Command),
    ("va", Kind::Command),
    ("igrad", Kind::Command),
    ("dgrad", Kind::Command),
    ("rgrad", Kind::Command),
    ("zgrad", Kind::Command),
    ("groff", Kind::Command),
    ("gron", Kind::Command),
    ("eosc", Kind::Command),
    ("eoscnp", Kind::Command),
    ("adc", Kind::Command),
    ("aqseq", Kind::Command),
    ("prosol", Kind::Command),
    ("baseopt_echo", Kind::Command),
    ("gosc", Kind::Command),
    ("goscnp", Kind::Command),
    ("gonp", Kind::Command),
    ("preset", Kind::Command),
    ("dccorr", Kind::Command),
    ("subr", Kind::Command),
    ("call", Kind::Command),
    ("subroutine", Kind::Command),
    ("finally", Kind::Command),
    ("recph", Kind::Command),
    ("syrec", Kind::Command),
    ("lockh_on", Kind::Command),
    ("lockh_off", Kind::Command),
    ("unblank", Kind::Command),
    ("blank", Kind::Command),
    ("else", Kind::Command),
    ("while", Kind::Command),
    ("return", Kind::Command),
    ("lgrad", Kind::Command),
    ("grad", Kind::Command),
    ("grad_off", Kind::Command),
    ("grad_ramp", Kind::Command),
    ("grad_shape", Kind::Command),
    ("manifest_append", Kind::Command),
    ("gc_control", Kind::Command),
];

/// Words that the parser knows by what follows them.
pub const STRUCTURE: &[&str] = &["go", "lo", "mc", "define", "goto", "rcyc", "exit", "ze"];

/// What may stand behind a colon.
pub fn is_modifier(word: &str) -> bool {
    let (head, digits) = split(word);
    match digits {
        "" => matches!(head, "r" | "ngrad" | "e" | "sp" | "wvm" | "x" | "y" | "z") || head.len() > 2,
        _ => matches!(head, "f" | "sp" | "gp" | "ph" | "c" | "wvm"),
    }
}

/// The digits at the end of a word, and what is before.
pub fn split(word: &str) -> (&str, &str) {
    let head = word.trim_end_matches(|c: char| c.is_ascii_digit());
    (head, word.get(head.len()..).unwrap_or_default())
}

/// What a word of the language is.
pub fn kind_of(word: &str) -> Option<Kind> {
    let (head, digits) = split(word);
    let table = if digits.is_empty() { PLAIN } else { NUMBERED };
    table.iter().find(|(w, _)| *w == head).map(|(_, kind)| *kind)
}

/// All words, for hints.
pub fn all() -> impl Iterator<Item = &'static str> {
    PLAIN.iter().map(|(w, _)| *w).chain(STRUCTURE.iter().copied())
}

/// A word that begins with a number of its own kind in mind: `q1` may be meant as `p1` or `d1`.
pub fn near_numbered(word: &str) -> Option<String> {
    let (head, digits) = split(word);
    (head.chars().count() == 1 && !digits.is_empty()).then(|| format!("pulses are `p{digits}`, delays `d{digits}`"))
}
