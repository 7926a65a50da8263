//! Data that users write by hand are read strictly.

use super::files;

/// The declarations of a text that serde reads and that have named fields: each with its attributes.
fn with_fields(text: &str) -> impl Iterator<Item = &str> {
    let pieces = text.split("#[derive(").skip(1);
    pieces.filter(|piece| piece.split(')').next().is_some_and(|derived| derived.contains("Deserialize"))).filter_map(
        |piece| {
            let (declared, _) = piece.split_once("\n}")?;
            let mut lines = declared.lines().map(str::trim).filter(|line| !line.starts_with("//"));
            let is_struct = declared.contains("struct ") && declared.contains(" {\n");
            let has_variant = lines.any(|line| line.starts_with(char::is_uppercase) && line.ends_with(" {"));
            (is_struct || has_variant).then_some(declared)
        },
    )
}

/// A misspelled key of an optional field would otherwise be read as another experiment, without a word.
#[test]
fn experiments_accept_no_unknown_keys() {
    let mut found = 0;
    for (path, text) in files("src").iter().filter(|(path, _)| path.starts_with("ir/") || path == "syntax/ast.rs") {
        for declared in with_fields(text) {
            let strict = ["deny_unknown_fields", "serde(transparent)"].iter().any(|word| declared.contains(word));
            assert!(strict, "src/{path}: add #[serde(deny_unknown_fields)] to {declared}");
            assert!(!declared.contains("flatten"), "src/{path}: flattened fields accept unknown keys: {declared}");
            found += 1;
        }
    }
    assert!(found > 30, "{found} declarations were found");
}
