//! Laws of texts and trees: what is printed reads back to the same tree, a tidy text stays as it is and has the tree and every
//! character of the untidy one, and nests are as deep as `grammar.md` says.

use ergoseq::syntax::words::{Role, words_of};
use ergoseq::syntax::{format, parse};
use std::path::{Path, PathBuf};

fn programs(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            programs(&path, out);
        } else if path.extension().is_some_and(|e| e == "seq") {
            out.push(path);
        }
    }
}

fn law(name: &str, text: &str) {
    let (tree, diagnostics) = parse(text, 0);
    let tidy = format(text);
    assert_eq!(format(&tidy), tidy, "{name}: a tidy text changes");
    let kept = |t: &str| t.chars().filter(|c| !" \t\r\n\u{feff}".contains(*c)).collect::<String>();
    assert_eq!(kept(&tidy), kept(text), "{name}: characters are lost");
    if diagnostics.iter().any(|d| d.is_error()) {
        return;
    }
    let (again, diagnostics) = parse(&tidy, 0);
    assert!(diagnostics.iter().all(|d| !d.is_error()) && again == tree, "{name}: the tidy text has another tree");
    let printed = tree.to_string();
    let (again, diagnostics) = parse(&printed, 0);
    assert!(diagnostics.is_empty(), "{name}: {diagnostics:?}\n{printed}");
    assert!(again == tree, "{name}: what is printed has another tree\n{printed}");
    assert_eq!(again.to_string(), printed, "{name}");
}

#[test]
fn texts_and_trees_say_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["sequences", "examples", "tests/cases", "tests/diagnostics"] {
        programs(&root.join(folder), &mut paths);
    }
    assert!(paths.len() > 100);
    for path in paths {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        law(&path.display().to_string(), &text);
        law(&path.display().to_string(), &text.replace('\n', "\r\n"));
    }
}

#[test]
fn a_measure_may_begin_with_any_word() {
    let roles = [Role::Statement, Role::SystemEntry, Role::Event, Role::Clause];
    for word in roles.into_iter().flat_map(words_of) {
        for value in [format!("{word}/x"), format!("{word}*energy(a)"), format!("-{word}"), word.to_string()] {
            let text = format!(
                "ergoseq 1\nmeasure {{ energy, {value}, y = {value}, purity }}\nsequence {{ prepare mixed }}\n"
            );
            law(&text, &text);
        }
    }
}

#[test]
fn nests_are_as_deep_as_said() {
    let errors = |text: &str| parse(text, 0).1.iter().filter(|d| d.code.number() == "E111").count();
    let nested =
        |n: usize, open: &str, inside: &str, close: &str| format!("{}{inside}{}", open.repeat(n), close.repeat(n));
    for (deep, wrong) in [(1, 0), (31, 0), (64, 0), (65, 1), (1000, 1)] {
        for (open, inside, close) in
            [("(", "1", ")"), ("f(", "x", ")"), ("2^", "2", ""), ("-", "1", ""), ("1 + (", "2", ")")]
        {
            let value = nested(deep, open, inside, close);
            let declared = format!("ergoseq 1\nparam p = {value}\n");
            // A sign before a sum is no nest.
            if open != "-" || deep != 65 {
                assert_eq!(errors(&declared).min(1), wrong, "{deep} {open}");
            }
            let body = format!("ergoseq 1\nsequence {{ loop 2 {{ loop 2 {{ delay {value}\n}} }} }}\n");
            if open != "-" || deep != 65 {
                assert_eq!(errors(&body).min(1), wrong, "{deep} {open} in a loop");
            }
        }
        let loops = format!("ergoseq 1\nsequence {{ {} }}\n", nested(deep, "loop 2 { ", "delay 1", " }"));
        assert_eq!(errors(&loops).min(1), wrong, "{deep} loops");
    }
}
