//! Files and functions are short.

use super::files;
use super::tokens::{is_name, tokens_in_lines};

/// A file has one subject, and can be read in one sitting; its tests count.
#[test]
fn files_have_one_subject() {
    const MOST_LINES: usize = 600;
    for folder in ["src", "fuzz/src", "gpu/src", "gpu/tests", "python/src", "tests", "benches"] {
        let lengths = files(folder).into_iter().map(|(path, text)| (path, text.lines().count()));
        let long: Vec<String> = lengths
            .filter(|(_, n)| *n > MOST_LINES)
            .map(|(path, n)| format!("{folder}/{path} has {n} lines"))
            .collect();
        assert!(long.is_empty(), "{}", long.join("\n"));
    }
}

/// The functions of a text that have a body: their names and how many lines they have, from `fn` to the closing brace.
fn functions(text: &str) -> Vec<(String, usize)> {
    let t = tokens_in_lines(text);
    let token = |k: usize| t.get(k).map_or("", |(token, _)| token.as_str());
    // The place behind the bracket that closes the one at `k`.
    let behind = |k: usize| {
        let mut depth = 0;
        for j in k..t.len() {
            depth += i32::from(matches!(token(j), "(" | "[" | "{")) - i32::from(matches!(token(j), ")" | "]" | "}"));
            if depth == 0 {
                return j + 1;
            }
        }
        panic!("a bracket in line {} is not closed", t[k].1)
    };
    let mut out = Vec::new();
    // `fn(f64) -> f64` is a type.
    for start in (0..t.len()).filter(|k| token(*k) == "fn" && is_name(token(k + 1))) {
        let mut k = start + 2;
        while !matches!(token(k), "{" | ";") {
            k = if matches!(token(k), "(" | "[") { behind(k) } else { k + 1 };
        }
        if token(k) == "{" {
            out.push((token(start + 1).to_string(), t[behind(k) - 1].1 - t[start].1 + 1));
        }
    }
    out
}

/// A function holds one thought, and fits on a screen.
#[test]
fn functions_are_short() {
    const MOST_LINES: usize = 80;
    let mut long = Vec::new();
    for folder in ["src", "fuzz/src", "gpu/src", "python/src"] {
        for (path, text) in files(folder) {
            let of_file = functions(&text).into_iter().filter(|(_, lines)| *lines > MOST_LINES);
            long.extend(of_file.map(|(name, lines)| format!("{folder}/{path}: `{name}` has {lines} lines")));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn lines_of_functions_are_counted() {
    let text = r##"
fn one() {}
fn quotes<'a>(f: fn(u8) -> u8, x: &'a [u8; { 2 }]) -> [u8; 3] {
    let (a, b) = ("}\\", '}'); // }
    let c = (r#"}" { "#, '\'', '{', b'}', br"}\"); /* } /* } */ } */
    fn inner() {
        "two
         lines"
    }
}
trait T {
    fn declared(&self) -> [u8; 2];
    fn given(&self) where Self: Sized {
    }
}
"##;
    let found = functions(text);
    let expected = [("one", 1), ("quotes", 8), ("inner", 4), ("given", 2)];
    assert_eq!(found, expected.map(|(name, lines)| (name.to_string(), lines)));
}
