//! The version of ergoseq and the oldest compiler are each stated in several files, which agree with `Cargo.toml`.

use super::root;

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// What stands in a text between two others, at every place where the first occurs.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).map(|rest| rest.split(after).next().unwrap()).collect()
}

/// A value of the section `[package]`.
fn of_package(key: &str) -> String {
    let manifest = read("Cargo.toml");
    let package = manifest.split("\n[").next().unwrap();
    between(package, &format!("\n{key} = \""), "\"")[0].to_string()
}

/// Each place states the value at least once, and no other value.
fn states_in(places: &[(&str, &str, &str)], value: &str) {
    for (file, before, after) in places {
        let text = read(file);
        let stated = between(&text, before, after);
        assert!(!stated.is_empty(), "{file} has no `{before}`");
        assert!(stated.iter().all(|s| *s == value), "{file} states {stated:?}; Cargo.toml states {value}");
    }
}

#[test]
fn the_oldest_compiler_is_the_same_everywhere() {
    let places = [
        ("README.md", "a Rust toolchain (", " or later)"),
        ("CONTRIBUTING.md", "You need Rust ", " or later"),
        ("python/Cargo.toml", "rust-version = \"", "\""),
        ("gpu/Cargo.toml", "rust-version = \"", "\""),
        (".github/workflows/ci.yml", "OLDEST_RUST: \"", "\""),
        ("packaging/conda/recipe.yaml", "- rust >=", "\n"),
    ];
    states_in(&places, &of_package("rust-version"));
}

#[test]
fn the_version_is_the_same_everywhere() {
    let version = of_package("version");
    let places = [
        ("python/Cargo.toml", "\nversion = \"", "\""),
        ("gpu/Cargo.toml", "\nversion = \"", "\""),
        ("python/pyproject.toml", "\nversion = \"", "\""),
        ("CITATION.cff", "\nversion: ", "\n"),
    ];
    states_in(&places, &version);
    let changes = read("CHANGELOG.md");
    let described = changes.lines().filter(|l| l.starts_with("## ")).any(|l| l.contains(&version));
    assert!(described, "CHANGELOG.md has no section on version {version}");
}

#[test]
fn values_are_found_at_every_place() {
    assert_eq!(between("a (1) b (2) c", "(", ")"), ["1", "2"]);
    assert!(between("a", "(", ")").is_empty());
}
