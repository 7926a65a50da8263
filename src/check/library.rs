//! Files that come with the program: `use "library:couplings"` takes them from wherever the program stands.

/// What a path begins with that names a file of the library.
pub const PREFIX: &str = "library:";

/// Name, what it declares, text.
pub const LIBRARY: &[(&str, &str, &str)] = &[
    (
        "couplings",
        "DM, KSEA, rhombic and other interactions of a pair made from its scalar coupling",
        include_str!("../../sequences/library/couplings.seq"),
    ),
    (
        "dipolar",
        "double-quantum interaction of like spins made from their dipolar coupling",
        include_str!("../../sequences/library/dipolar.seq"),
    ),
];

/// The name to show and the text of a file of the library, or a sentence that says why not.
pub fn file(name: &str) -> Result<(String, String), String> {
    let known = || LIBRARY.iter().map(|(name, ..)| format!("`{PREFIX}{name}`")).collect::<Vec<_>>().join(", ");
    let found = LIBRARY.iter().find(|(n, ..)| *n == name);
    found
        .map(|(n, _, text)| (format!("{PREFIX}{n}"), (*text).to_string()))
        .ok_or_else(|| format!("the library has no such file; it has {}", known()))
}
