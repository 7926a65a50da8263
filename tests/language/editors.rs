//! What editors are given: grammars whose words are those of the language's tables, and snippets that are right.

use ergoseq::ir::{AGGREGATES, FUNCTIONS, STATES, SYSTEM_PARTS};
use ergoseq::metrics::METRICS;
use ergoseq::spin::{ISOTOPES, LOCAL_OPERATORS};
use ergoseq::syntax::words::{Role, WORDS};
use ergoseq::units::UNITS;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("editors")
}

/// Compares a file with what the tables say, or writes it.
fn agrees(path: &str, text: &str) {
    let path = folder().join(path);
    if std::env::var_os("ERGOSEQ_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{} is not what the tables say: ERGOSEQ_BLESS=1 writes it", path.display());
}

/// Words as a choice of a regular expression, longer ones first.
fn choice<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = words.filter(|w| w.chars().all(|c| c.is_alphanumeric() || c == '_')).collect();
    all.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    all.dedup();
    all.join("|")
}

fn sorted<'a>(words: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all: Vec<&str> = words.collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn of(role: Role) -> impl Iterator<Item = &'static str> {
    WORDS.iter().filter(move |w| w.role == role).map(|w| w.word)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

/// The grammar of TextMate, by which Visual Studio Code and others colour before a language server has answered.
fn textmate() -> Value {
    let word = |choice: String| format!("(?<![\\p{{L}}\\p{{N}}_])(?:{choice})(?![\\p{{L}}\\p{{N}}_])");
    let units = choice(UNITS.iter().map(|u| u.symbol));
    let other: Vec<&str> = UNITS.iter().map(|u| u.symbol).filter(|s| !s.chars().all(|c| c.is_alphanumeric())).collect();
    let other: String = other.iter().map(|s| format!("|{}", s.replace('/', "\\/"))).collect();
    json!({
        "name": "ergoseq",
        "scopeName": "source.ergoseq",
        "patterns": [
            { "name": "comment.line.number-sign.ergoseq", "match": "#.*$" },
            { "name": "string.quoted.double.ergoseq", "begin": "\"", "end": "\"|$" },
            { "name": "support.type.nucleus.ergoseq",
              "match": format!("(?<![\\p{{L}}\\p{{N}}_.])(?:{})(?![\\p{{L}}\\p{{N}}_])", choice(ISOTOPES.iter().map(|i| i.symbol))) },
            { "match": format!("((?<![\\p{{L}}\\p{{N}}_])\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?)[ \\t]+({units}{other})(?![\\p{{L}}\\p{{N}}_])"),
              "captures": { "1": { "name": "constant.numeric.ergoseq" }, "2": { "name": "keyword.other.unit.ergoseq" } } },
            { "name": "constant.numeric.ergoseq", "match": "(?<![\\p{L}\\p{N}_])\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?" },
            { "name": "keyword.control.ergoseq", "match": format!("^\\s*{}", word(choice(of(Role::Statement)))) },
            { "name": "keyword.other.ergoseq",
              "match": word(choice(of(Role::SystemEntry).chain(of(Role::Event)).chain(of(Role::Clause)).chain(of(Role::Statement)))) },
            { "name": "support.function.metric.ergoseq", "match": word(choice(METRICS.iter().map(|m| m.name))) },
            { "name": "support.function.ergoseq",
              "match": word(choice(functions().chain(STATES.iter().map(|(w, ..)| *w)))) },
            { "name": "support.constant.operator.ergoseq",
              "match": word(choice(LOCAL_OPERATORS.iter().map(|(w, ..)| *w).chain(SYSTEM_PARTS.iter().map(|(w, _)| *w)))) },
            { "name": "keyword.operator.ergoseq", "match": "\\.\\.|[-+*/^=|]" },
        ],
    })
}

/// Functions of numbers, and aggregates of curves: `max` and `min` are both.
fn functions() -> impl Iterator<Item = &'static str> {
    let functions = FUNCTIONS.iter().map(|f| f.name);
    functions.chain(AGGREGATES.iter().map(|a| a.name).filter(|a| FUNCTIONS.iter().all(|f| f.name != *a)))
}

#[test]
fn words_of_textmate_are_those_of_the_language() {
    agrees("vscode/syntaxes/ergoseq.tmLanguage.json", &pretty(&textmate()));
}

#[test]
fn words_of_tree_sitter_are_those_of_the_language() {
    let keywords = sorted(WORDS.iter().map(|w| w.word));
    let units = sorted(UNITS.iter().map(|u| u.symbol));
    agrees("tree-sitter-ergoseq/words.json", &pretty(&json!({ "keywords": keywords, "units": units })));
    let names = |all: Vec<&str>| all.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(" ");
    let query = format!(
        "; Metrics, functions and operators are names until they are looked up here.\n\
         (comment) @comment\n(string) @string\n(number) @number\n(unit) @type\n(nucleus) @type.builtin\n(keyword) @keyword\n\
         (sign) @operator\n[\"{{\" \"}}\" \"(\" \")\" \"[\" \"]\"] @punctuation.bracket\n\
         ((identifier) @function.builtin (#any-of? @function.builtin {}))\n\
         ((identifier) @constant.builtin (#any-of? @constant.builtin {}))\n\
         (call name: (identifier) @function)\n",
        names(sorted(METRICS.iter().map(|m| m.name).chain(functions()).chain(STATES.iter().map(|(w, ..)| *w)))),
        names(sorted(LOCAL_OPERATORS.iter().map(|(w, ..)| *w).chain(SYSTEM_PARTS.iter().map(|(w, _)| *w)))),
    );
    agrees("tree-sitter-ergoseq/queries/highlights.scm", &query);
}

/// A snippet as it is before anything is changed: `${1:tau}` is `tau`, `${1|x,y|}` is `x`, `$0` is nothing.
fn filled(body: &Value) -> String {
    let text = match body {
        Value::String(line) => line.clone(),
        Value::Array(lines) => lines.iter().map(|l| l.as_str().unwrap()).collect::<Vec<_>>().join("\n"),
        _ => panic!("{body}"),
    };
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('$') {
        out += before;
        rest = if let Some(inside) = after.strip_prefix('{') {
            let (inside, after) = inside.split_once('}').expect("a closed placeholder");
            let value = inside.trim_start_matches(|c: char| c.is_ascii_digit());
            out += match value.as_bytes().first() {
                Some(b'|') => value.trim_matches('|').split(',').next().unwrap_or_default(),
                _ => value.trim_start_matches(':'),
            };
            after
        } else {
            after.trim_start_matches(|c: char| c.is_ascii_digit())
        };
    }
    out + rest
}

#[test]
fn snippets_are_right() {
    let text = std::fs::read_to_string(folder().join("vscode/snippets/ergoseq.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let frame = |piece: &str| {
        format!(
            "ergoseq 1\nparam tau = 2 us\nsystem {{\n    field 11.7 T\n    temperature 300 K\n    spin p, q : 1H\n    dipolar p q = -30 kHz\n}}\n\
             channel 1H {{ rf = 100 kHz }}\nbattery {{ energy = dipolar }}\nsequence {{\n    prepare thermal\n{piece}\n    mark charged\n}}\n\
             measure {{ ergotropy }}\n"
        )
    };
    for (name, snippet) in all.as_object().unwrap() {
        let piece = filled(&snippet["body"]);
        let program = match snippet["prefix"].as_str().unwrap() {
            "ergoseq" => piece,
            "jb" | "adrf" | "pulse" | "acquire" => frame(&piece),
            "define" => frame("") + &piece.replace("(argument)", "()"),
            _ => frame("") + &piece + "\n",
        };
        let compiled = ergoseq::compile("snippet.seq", &program, &mut ergoseq::no_files);
        let compiled = compiled.unwrap_or_else(|r| panic!("{name}:\n{program}\n{}", r.render()));
        ergoseq::check_values(&compiled.experiment, &Default::default())
            .unwrap_or_else(|d| panic!("{name}: {}", d.render(&compiled.sources, false)));
    }
}

/// The extension says nothing that is not there.
#[test]
fn the_extension_is_whole() {
    let text = std::fs::read_to_string(folder().join("vscode/package.json")).unwrap();
    let package: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    let script = std::fs::read_to_string(folder().join("vscode/extension.js")).unwrap();
    // No shell reads the name of a file: each has rules of its own, and a name may be a command to it.
    for word in ["createTerminal", "sendText", "ShellExecution", " exec(", "shell: true"] {
        assert!(!script.contains(word), "{word}");
    }
    assert!(script.contains("new vscode.ProcessExecution(command(), [word, file]"));
    for command in package["contributes"]["commands"].as_array().unwrap() {
        let name = command["command"].as_str().unwrap();
        assert!(script.contains(&format!("add(\"{name}\"")), "{name}");
    }
    for file in
        package["files"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).filter(|f| *f != "node_modules")
    {
        assert!(folder().join("vscode").join(file).exists(), "{file}");
    }
    for file in [
        "vscode/language-configuration.json",
        "tree-sitter-ergoseq/tree-sitter.json",
        "tree-sitter-ergoseq/package.json",
    ] {
        let text = std::fs::read_to_string(folder().join(file)).unwrap();
        serde_json::from_str::<Value>(&text).unwrap_or_else(|e| panic!("{file}: {e}"));
    }
}
