//! The language reference as data: the tables, productions, blocks and sections of `grammar.md`, which is part of the command.

const GRAMMAR: &str = include_str!("../../../grammar.md");

/// A table of words.
pub struct Table {
    /// Its name between `<!-- table: ... -->`.
    pub name: &'static str,
    /// Section it belongs to.
    pub section: &'static str,
    /// Column headings.
    pub headings: Vec<&'static str>,
    /// Rows by column; the first column holds words between backticks.
    pub rows: Vec<Vec<&'static str>>,
}

/// A block of code.
pub struct Block {
    /// The text behind the fence: `seq`, `seq error[E404]`, `ebnf`.
    pub kind: &'static str,
    /// Its text.
    pub text: String,
}

/// The reference.
pub struct Book {
    /// All tables with a name.
    pub tables: Vec<Table>,
    /// All blocks.
    pub blocks: Vec<Block>,
}

impl Book {
    /// Reads the reference.
    pub fn read() -> Book {
        let mut book = Book { tables: vec![], blocks: vec![] };
        let mut section = "";
        let mut lines = GRAMMAR.lines();
        while let Some(line) = lines.next() {
            if let Some(title) = line.strip_prefix("## ").or(line.strip_prefix("### ")) {
                section = title;
            } else if let Some(name) = line.strip_prefix("<!-- table: ").and_then(|l| l.strip_suffix(" -->")) {
                let mut rows = lines.by_ref().take_while(|l| *l != "<!-- end -->").map(cells);
                let headings = rows.next().unwrap_or_default();
                let rows = rows.skip(1).collect();
                book.tables.push(Table { name, section, headings, rows });
            } else if let Some(kind) = line.strip_prefix("```") {
                let text = lines.by_ref().take_while(|l| *l != "```").map(|l| format!("{l}\n")).collect();
                book.blocks.push(Block { kind, text });
            }
        }
        book
    }

    /// The alternatives of productions that contain a word as a terminal, one line each.
    pub fn syntax(&self, word: &str) -> Vec<String> {
        let terminal = format!("\"{word}\"");
        let grammar = self.blocks.iter().filter(|b| b.kind == "ebnf").map(|b| b.text.as_str());
        let mut out = Vec::new();
        for production in grammar.flat_map(|text| text.split(" ;")) {
            let Some((_, right)) = production.split_once('=') else { continue };
            for alternative in alternatives(right) {
                if alternative.contains(&terminal) && !out.contains(&alternative) {
                    out.push(alternative);
                }
            }
        }
        out
    }
}

/// The alternatives at the top level of the right side of a production. A group that is the whole of an alternative, such as that of the
/// entries of `system`, is divided further.
fn alternatives(right: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut quoted) = (0usize, false);
    for c in right.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        match parts.last_mut() {
            Some(last) if c != '|' || quoted || depth > 0 => last.push(c),
            _ => parts.push(String::new()),
        }
    }
    let parts = parts.into_iter().map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "));
    parts
        .flat_map(|part| match part.strip_prefix("( ").and_then(|inner| Some(inner.split_once(" ) [")?.0)) {
            Some(inner) => alternatives(inner),
            None => vec![part.strip_prefix("( ").map_or(part.clone(), str::to_string)],
        })
        .collect()
}

fn cells(line: &'static str) -> Vec<&'static str> {
    line.trim_start_matches('|').trim_end_matches('|').split(" | ").map(str::trim).collect()
}

/// The word of a row: `ergotropy` of `` `ergotropy([H])` ``.
pub fn word_of<'a>(row: &[&'a str]) -> &'a str {
    let cell = row.first().copied().unwrap_or_default().trim_matches('`');
    cell.split(['(', ' ', '`']).next().unwrap_or(cell)
}

/// True if a text uses a word outside of comments.
pub fn uses(text: &str, word: &str) -> bool {
    occurs(text, word, |_| true)
}

/// True if a number stands before a word, as before a unit.
fn follows_number(text: &str, word: &str) -> bool {
    occurs(text, word, |before| {
        before.ends_with(' ') && before.trim_end().ends_with(|c: char| c.is_ascii_digit() || c == ')')
    })
}

/// True if a text uses a word outside of comments behind a text that is wanted.
fn occurs(text: &str, word: &str, wanted: impl Fn(&str) -> bool) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.lines().any(|line| {
        let line = line.split('#').next().unwrap_or_default();
        line.match_indices(word).any(|(k, _)| {
            let (before, after) = (line.get(..k).unwrap_or_default(), line.get(k + word.len()..).unwrap_or_default());
            !before.ends_with(part) && !after.starts_with(part) && wanted(before)
        })
    })
}

/// A block that is only a part of a file, with what it lacks: the version, units, a system of two spins, a sequence.
pub fn completed(text: &str) -> String {
    let has = |word: &str| text.lines().any(|l| l.trim_start().starts_with(word));
    let units = ["us", "ms", "s", "kHz", "Hz", "MHz", "deg", "ppm", "angstrom", "K", "uK", "T"];
    let lab = units.iter().any(|unit| follows_number(text, unit)) || ["1H", "13C"].iter().any(|n| uses(text, n));
    let mut out = String::new();
    if !has("ergoseq ") {
        out += "ergoseq 1\n";
    }
    if !has("units ") && !lab {
        out += "units natural\n";
    }
    out += text;
    if !has("system ") {
        out += if lab {
            "system {\n    field 9.4 T\n    temperature 300 K\n    spin a, b : 1H\n}\n"
        } else {
            "system { spin a, b : 1/2 }\n"
        };
    }
    if !has("sequence ") {
        out += "sequence { prepare mixed }\n";
    }
    out
}
