//! `explain`: every word of the reference has a meaning, and every example that is shown runs.

use super::{code, ergoseq, text};

/// The tables of the reference: name and words.
fn tables() -> Vec<(String, Vec<String>)> {
    let grammar = std::fs::read_to_string("grammar.md").unwrap();
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in grammar.lines() {
        if let Some(name) = line.strip_prefix("<!-- table: ") {
            tables.push((name.trim_end_matches(" -->").to_string(), vec![]));
            inside = true;
        } else if line == "<!-- end -->" {
            inside = false;
        } else if let (true, Some(cell)) = (inside, line.strip_prefix("| `")) {
            let word = cell.split(['(', ' ', '`']).next().unwrap();
            tables.last_mut().unwrap().1.push(word.to_string());
        }
    }
    tables
}

/// The indented lines below a heading.
fn below(shown: &str, heading: &str) -> Option<String> {
    let mut lines = shown.lines().skip_while(|l| *l != heading).skip(1).peekable();
    lines.peek()?;
    Some(
        lines
            .take_while(|l| l.is_empty() || l.starts_with("    "))
            .map(|l| format!("{}\n", l.trim_start_matches("    ")))
            .collect(),
    )
}

#[test]
fn every_word_is_explained_and_every_example_runs() {
    let mut without = Vec::new();
    for (table, words) in tables() {
        assert!(!words.is_empty() || table == "budgets", "{table}");
        for word in words {
            let done = ergoseq(&["explain", "--", &word]);
            let shown = text(&done.stdout);
            assert_eq!(code(&done), 0, "{word}: {}", text(&done.stderr));
            let what = shown.lines().next().unwrap();
            assert!(what.starts_with(&word) && !what.ends_with(": word"), "{what}");
            assert!(shown.contains("\nSee grammar.md: "), "{shown}");
            // Text is wrapped; examples keep their lines.
            let text = shown.lines().take_while(|l| !l.starts_with("Example"));
            assert!(text.into_iter().all(|l| l.chars().count() <= 80), "{shown}");
            match below(&shown, "Example:") {
                Some(example) => {
                    let compiled = ergoseq::compile("example.seq", &example, &mut ergoseq::prelude::no_files);
                    assert!(compiled.is_ok(), "{word}:\n{example}\n{}", compiled.err().unwrap());
                }
                None if shown.contains("\nExample: ") && shown.contains("    ergoseq list --print ") => {}
                None if !["readouts", "drawings", "methods", "dialects", "budgets", "codes", "isotopes"]
                    .contains(&table.as_str()) =>
                {
                    without.push(word);
                }
                None => {}
            }
        }
    }
    // Words that no block and no shipped sequence uses.
    assert!(without.len() < 50, "{} words have no example: {without:?}", without.len());
}

#[test]
fn a_statement_is_explained_by_its_syntax_settings_and_neighbours() {
    let shown = text(&ergoseq(&["explain", "pulse"]).stdout);
    for part in [
        "pulse: statement of `sequence`",
        "Syntax:\n    \"pulse\" nucleus [ expr ]",
        "Settings:\n    rf",
        "Example:\n    ergoseq 1\n",
        "Related:\n    ",
    ] {
        assert!(shown.contains(part.replace('`', "").as_str()), "{part}:\n{shown}");
    }
    let shown = text(&ergoseq(&["explain", "13C"]).stdout);
    assert!(shown.starts_with("13C: nucleus\n    spin: 1/2\n    gamma / (10^6 rad/s/T): 67.2828\n"), "{shown}");
    let shown = text(&ergoseq(&["explain", "e408"]).stdout);
    assert!(shown.contains("Example of the error:") && shown.contains("Message:\n    error[E408]"), "{shown}");
    let done = ergoseq(&["explain", "ergotropi"]);
    assert_eq!(code(&done), 1);
    assert!(text(&done.stderr).contains("did you mean `ergotropy`?"));
}
