//! The built-in library: `use "library:couplings"` works independently of the installation path.

/// Prefix of paths into the built-in library.
pub const PREFIX: &str = "library:";

/// (name, declarations, text) of every file.
pub const LIBRARY: &[(&str, &str, &str)] = &[
    (
        "couplings",
        "DM, KSEA, rhombic and other effective pair interactions from the scalar coupling",
        include_str!("../../sequences/library/couplings.seq"),
    ),
    (
        "dipolar",
        "the effective double-quantum interaction of like spins from their dipolar coupling",
        include_str!("../../sequences/library/dipolar.seq"),
    ),
];

/// Display name and text of a library file, or an error message.
pub fn file(name: &str) -> Result<(String, String), String> {
    let known = || LIBRARY.iter().map(|(name, ..)| format!("`{PREFIX}{name}`")).collect::<Vec<_>>().join(", ");
    let found = LIBRARY.iter().find(|(n, ..)| *n == name);
    found
        .map(|(n, _, text)| (format!("{PREFIX}{n}"), (*text).to_string()))
        .ok_or_else(|| format!("the library has no such file; its files are {}", known()))
}
