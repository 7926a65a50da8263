//! Documents, help texts and messages use the terms of the field.

use super::{files, product, root};

/// Phrases that may not return: literal translations and riddles, each with a plain alternative.
const PHRASES: &[(&str, &str)] = &[
    ("the even mixture", "the maximally mixed state"),
    ("in letters", "as text in the terminal"),
    ("exact slopes", "exact gradients"),
    ("it climbs", "it starts local optimisations"),
    ("takes the state through", "propagates the state"),
    ("of no duration", "instantaneous"),
    ("leans away", "quadrature phase error"),
    ("as a share of", "as a fraction of"),
    ("` is no ", "unknown X `...`, or `...` is not an X"),
    ("is called `", "unknown X `...`"),
    ("needs itself", "circular definition of"),
    ("each other in a circle", "circular `use`"),
    ("towers as high", "3-D bar plot"),
    ("squares as large", "Hinton diagram"),
    ("ways of the spins", "Bloch-sphere trajectories"),
    ("unheard", "not recorded during the dead time"),
    ("turned back by", "demodulated with"),
    ("drawn anew", "resampled (parametric bootstrap)"),
    ("writes it anew", "regenerates it"),
    ("belongs into", "belongs in"),
    ("belongs behind", "must follow"),
    ("stands behind", "follows"),
    ("the likeliest", "the maximum-likelihood"),
    ("touched through", "couples only through"),
    ("no readout can see", "unobservable"),
    ("no readout sees", "unobservable"),
    ("slow and obvious", "a simple reference method"),
    ("slow, obvious", "a simple reference method"),
    ("opposite directions look the same", "by inversion symmetry"),
    ("how fast the rotor turns", "the MAS rate"),
    ("what is in the magnet", "the spin system"),
    ("lies outside of", "is outside"),
    ("no relaxation does this", "unphysical"),
    ("no physical state", "not positive semidefinite"),
    ("has no strength", "no rf amplitude"),
    ("what pulses leave ringing", "probe ring-down"),
    ("judges its claims", "checks its claims"),
];

/// The lines of a text that a user reads: of a source those outside comments, and of the definitions of arguments all.
fn read_by_users(path: &str, text: &str) -> String {
    let help = path.starts_with("bin/ergoseq/args/");
    let read = |line: &&str| help || !line.trim_start().starts_with("//");
    product(text).lines().filter(read).collect::<Vec<_>>().join("\n")
}

#[test]
fn texts_for_users_use_the_terms_of_the_field() {
    let documents = [
        "README.md",
        "grammar.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "editors/README.md",
        "packaging/README.md",
        "python/README.md",
    ];
    let mut texts: Vec<(String, String)> =
        documents.iter().map(|name| (name.to_string(), std::fs::read_to_string(root().join(name)).unwrap())).collect();
    texts.extend(files("src").into_iter().map(|(path, text)| {
        let read = read_by_users(&path, &text);
        (format!("src/{path}"), read)
    }));
    let mut wrong = Vec::new();
    for (path, text) in &texts {
        for (k, line) in text.to_lowercase().lines().enumerate() {
            for (phrase, plain) in PHRASES.iter().filter(|(phrase, _)| line.contains(phrase)) {
                wrong.push(format!("{path}, line {} of what users read: `{phrase}`; write: {plain}", k + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn comments_are_not_read_by_users_but_help_is() {
    let text = "/// It climbs.\nfn f() {\n    g(\"it climbs\")\n}\n#[cfg(test)]\nmod tests {}\n";
    assert_eq!(read_by_users("a.rs", text).matches("climbs").count(), 1);
    assert_eq!(read_by_users("bin/ergoseq/args/a.rs", text).matches("climbs").count(), 2);
}
