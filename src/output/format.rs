//! The formats of results.

/// The formats of `run`: word, meaning.
pub const FORMATS: &[(&str, Format, &str)] = &[
    ("table", Format::Table, "for people"),
    ("json", Format::Json, "one object, for other programs"),
    ("csv", Format::Csv, "one row a point, or one row a sample of a trace, for spreadsheets"),
    ("spectrum", Format::Spectrum, "the spectra of what was acquired, a row a frequency in Hz and ppm"),
    ("jcamp", Format::Jcamp, "a free induction decay as JCAMP-DX 5.01, which programs of all makers read"),
    ("npy", Format::Npy, "the free induction decays as an array of NumPy, complex128; needs `--output`"),
    ("simpson", Format::Simpson, "a free induction decay as SIMPSON writes it, which nmrglue and others read"),
];

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// One object.
    Json,
    /// Rows.
    Csv,
    /// Spectra of free induction decays.
    Spectrum,
    /// The first decay as JCAMP-DX.
    Jcamp,
    /// The decays as an array of NumPy.
    Npy,
    /// A free induction decay as a SIMPSON text.
    Simpson,
}

impl Format {
    /// The format of a file's ending, if it has one: `.json`, `.csv`, `.npy`, `.jdx` and `.dx`, `.txt`.
    pub fn of_ending(path: &std::path::Path) -> Option<Format> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Format::Json),
            "csv" => Some(Format::Csv),
            "npy" => Some(Format::Npy),
            "jdx" | "dx" => Some(Format::Jcamp),
            "txt" => Some(Format::Table),
            _ => None,
        }
    }
}
