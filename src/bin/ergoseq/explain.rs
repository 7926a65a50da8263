//! `ergoseq explain`: a word of the language with its meaning, its syntax, an example that runs, and related words.

use crate::book::{Block, Book, Table, completed, uses, word_of};
use crate::{Outcome, args, learn, terminal};
use ergoseq::diagnostic::{CODES, Code, Diagnostic};
use std::fmt::Write;

/// Number of related words.
const RELATED: usize = 8;

/// What the words of each table of the reference are. Words of tables marked `false` do not occur in files.
const TABLES: [(&str, &str, bool); 37] = [
    ("statements", "statement of a file", true),
    ("system", "entry of `system`", true),
    ("events", "statement of `sequence`", true),
    ("clauses", "keyword inside statements", true),
    ("units", "unit", true),
    ("relax", "setting of `relax`", true),
    ("bath", "setting of `bath`", true),
    ("powders", "orientation grid", true),
    ("isotopes", "nucleus", true),
    ("operators", "operator", true),
    ("parts", "part of the Hamiltonian", true),
    ("functions", "function", true),
    ("fixed names", "name in expressions", true),
    ("constants", "constant", true),
    ("other functions", "function", true),
    ("battery", "setting of `battery`", true),
    ("channel", "setting of `channel`", true),
    ("spectrometer", "setting of `spectrometer`", true),
    ("states", "state to prepare", true),
    ("pulse", "setting of a pulse", true),
    ("shapes", "pulse shape", true),
    ("ramps", "shape of a ramp", true),
    ("library", "subsequence of the library", true),
    ("distributions", "distribution of an `ensemble`", true),
    ("acquire", "setting of `acquire`", true),
    ("project", "setting of `project`", true),
    ("compile", "setting of `compile`", true),
    ("tomography", "setting of `tomography`", true),
    ("readouts", "letter of a readout", false),
    ("reconstruction", "method of reconstruction", true),
    ("aggregates", "aggregate of a curve", true),
    ("metrics", "metric", true),
    ("drawings", "drawing of `ergoseq plot`", false),
    ("methods", "propagation method", false),
    ("dialects", "target of `ergoseq export`", false),
    ("budgets", "limit", false),
    ("codes", "code of an error or warning", false),
];

/// Explains a word.
pub fn explain(a: &args::Explain) -> Outcome {
    let (word, book) = (a.word.trim(), Book::read());
    let is_it = |own: &str| own == word || (is_code(own) && own.eq_ignore_ascii_case(word));
    let found: Vec<(&Table, &Vec<&str>)> = book
        .tables
        .iter()
        // Rows of limits begin with a number.
        .filter(|table| table.name != "budgets")
        .flat_map(|table| table.rows.iter().filter(|row| is_it(word_of(row))).map(move |row| (table, row)))
        .collect();
    let Some((first, row)) = found.first() else {
        let known: Vec<&str> = book.tables.iter().flat_map(|t| t.rows.iter().map(|row| word_of(row))).collect();
        let diagnostic = Diagnostic::without_place(Code::UnknownName, format!("unknown word `{word}`"))
            .did_you_mean(word, known)
            .help("`ergoseq list WORD` searches the included sequences")
            .help("the tables of grammar.md list every keyword, metric, unit and code");
        return terminal::refuse(&[diagnostic], &Default::default());
    };
    let mut out = String::new();
    for (table, row) in &found {
        out += &meaning(table, row);
    }
    let occurs = found.iter().any(|(table, _)| kind(table).1);
    if occurs {
        let syntax = book.syntax(word);
        if !syntax.is_empty() {
            out += "\nSyntax:\n";
            syntax.iter().for_each(|line| out += &wrapped(line, 4));
        }
        // Settings of a statement have a table with its name.
        if let Some(settings) = book.tables.iter().find(|t| t.name == word && t.name != first.name) {
            out += "\nSettings:\n";
            settings.rows.iter().for_each(|row| out += &wrapped(&plain(&row.join(": ")), 4));
        }
        out += &example(&book, (first, row));
    }
    let errors = book.blocks.iter().filter(|b| b.kind.strip_prefix("seq error[").is_some_and(|k| names(k, word)));
    errors.for_each(|block| out += &rejected(block));
    let related = related(&book, first, word);
    if !related.is_empty() {
        let _ = write!(out, "\nRelated:\n{}", wrapped(&related.join(", "), 4));
    }
    let mut sections: Vec<&str> = found.iter().map(|(table, _)| table.section).collect();
    sections.dedup();
    let _ = write!(out, "\nSee grammar.md: {}\n", sections.join("; "));
    terminal::print(&out)
}

fn is_code(word: &str) -> bool {
    CODES.iter().any(|(_, code, _)| code.eq_ignore_ascii_case(word))
}

fn names(code: &str, word: &str) -> bool {
    code.trim_end_matches(']').eq_ignore_ascii_case(word)
}

/// What the words of a table are, and whether they occur in files.
fn kind(table: &Table) -> (&'static str, bool) {
    let known = TABLES.iter().find(|(name, ..)| *name == table.name);
    known.map_or(("word", true), |(_, kind, in_files)| (kind, *in_files))
}

/// A row: the word, what it is, and the remaining columns with their headings.
fn meaning(table: &Table, row: &[&str]) -> String {
    let mut out = format!("{}: {}\n", plain(row.first().copied().unwrap_or_default()), plain(kind(table).0));
    for (heading, cell) in table.headings.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty()) {
        let cell = plain(cell);
        out += &wrapped(&if *heading == "meaning" { cell } else { format!("{heading}: {cell}") }, 4);
    }
    out
}

fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// The shortest block of the reference that uses a word, completed to a file that runs; without one, the shortest shipped sequence, or
/// for a metric without arguments the block that measures the ergotropy.
fn example(book: &Book, (table, row): (&Table, &[&str])) -> String {
    const MEASURE: &str = "measure { ergotropy }";
    let word = word_of(row);
    let runs = book.blocks.iter().filter(|b| b.kind == "seq" && uses(&b.text, word));
    if let Some(block) = runs.min_by_key(|b| b.text.len()) {
        let text: String = completed(&block.text).lines().map(|l| format!("    {l}\n")).collect();
        return format!("\nExample:\n{text}");
    }
    let sequences = learn::shipped();
    let shipped = sequences.iter().filter(|(_, _, text)| uses(text, word)).min_by_key(|(_, _, text)| text.len());
    if let Some((name, title, _)) = shipped {
        return format!("\nExample: {title}\n    ergoseq list --print {name}\n");
    }
    let alone = row.first().is_some_and(|cell| !cell.contains('(') || cell.contains("(["));
    match book.blocks.iter().filter(|b| b.kind == "seq" && b.text.contains(MEASURE)).min_by_key(|b| b.text.len()) {
        Some(block) if table.name == "metrics" && alone => {
            let text = completed(&block.text.replace(MEASURE, &format!("measure {{ {word} }}")));
            format!("\nExample:\n{}", text.lines().map(|l| format!("    {l}\n")).collect::<String>())
        }
        _ => String::new(),
    }
}

/// A block with an error, and the message that it gives.
fn rejected(block: &Block) -> String {
    let text = completed(&block.text);
    let shown: String = block.text.lines().map(|l| format!("    {l}\n")).collect();
    let mut out = format!("\nExample of the error:\n{shown}");
    if let Err(refused) = ergoseq::compile("example.seq", &text, &mut ergoseq::prelude::no_files) {
        let _ = write!(out, "\nMessage:\n");
        for line in refused.to_string().trim_end().lines() {
            let _ = writeln!(out, "{}", format!("    {line}").trim_end());
        }
    }
    out
}

/// Other words: those that share a part of the name, then the neighbours in the same table.
fn related(book: &Book, table: &Table, word: &str) -> Vec<String> {
    if is_code(word) {
        return vec![];
    }
    let parts = |w: &str| w.split('_').map(str::to_lowercase).collect::<Vec<_>>();
    let own = parts(word);
    let alike = |w: &str| w.len() > 2 && parts(w).iter().any(|p| p.len() > 2 && own.contains(p));
    let all = book.tables.iter().filter(|t| kind(t).1).flat_map(|t| t.rows.iter().map(|row| word_of(row)));
    let rows: Vec<&str> = table.rows.iter().map(|row| word_of(row)).collect();
    let at = rows.iter().position(|w| *w == word).unwrap_or_default();
    let near = rows.iter().skip(at.saturating_sub(RELATED / 2)).take(RELATED + 1).copied();
    let mut out: Vec<String> = Vec::new();
    for other in all.filter(|w| alike(w)).chain(near) {
        if other != word && !out.iter().any(|w| w == other) && out.len() < RELATED {
            out.push(other.to_string());
        }
    }
    out
}

/// A text in lines that fit the terminal, indented.
fn wrapped(text: &str, indent: usize) -> String {
    let width = terminal::columns().min(100).saturating_sub(indent).max(20);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = word.to_string(),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => *line += &format!(" {word}"),
            _ => lines.push(word.to_string()),
        }
    }
    lines.iter().map(|line| format!("{:indent$}{line}\n", "")).collect()
}
