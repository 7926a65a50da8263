//! Characters and notations of other programs that this language writes differently: each gets one diagnostic that says what to write, and
//! where the meaning is certain the lexer continues with it.

use super::words;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// A notation found at the start of a text.
pub(super) struct Foreign {
    /// What it is.
    message: String,
    /// What to write instead.
    help: &'static str,
    /// The number of bytes to underline.
    pub length: usize,
    /// The number of bytes that the lexer skips.
    pub skipped: usize,
    /// What it stands for.
    pub instead: Option<Instead>,
}

/// What a foreign notation stands for.
pub(super) enum Instead {
    /// A sign of the language.
    Sign(&'static str),
    /// A string: the text between the quotation marks.
    Text,
}

impl Foreign {
    /// Its diagnostic at a position.
    pub fn diagnostic(&self, span: Span) -> Diagnostic {
        Diagnostic::new(Code::StrayCharacter, span, self.message.as_str()).help(self.help)
    }
}

/// Diagnostic of a carriage return that does not belong to the end of a line.
pub(super) fn carriage_return(span: Span) -> Diagnostic {
    Diagnostic::new(Code::StrayCharacter, span, "a carriage return without a line feed")
        .label("not the end of a line")
        .help("save the file with line ends LF (Unix) or CR LF (Windows)")
}

const COMMENT: &str = "a comment starts with `#`";

/// The foreign notation that a text begins with. The end of the line is looked for only where it matters: the time is linear in the
/// length of a line of many words.
pub(super) fn notation(rest: &str, first_of_line: bool) -> Option<Foreign> {
    let comment = |what: &str, length: usize| Foreign {
        message: format!("`{what}` does not start a comment"),
        help: COMMENT,
        length: what.len(),
        skipped: length,
        instead: None,
    };
    if rest.starts_with("//") {
        return Some(comment("//", line(rest).len()));
    }
    if rest.starts_with("/*") {
        return Some(comment("/*", rest.find("*/").map_or(rest.len(), |end| end + 2)));
    }
    let operator = |written: &str, sign: &'static str, help: &'static str| Foreign {
        message: format!("`{written}` is not an operator of the language"),
        help,
        length: written.len(),
        skipped: written.len(),
        instead: Some(Instead::Sign(sign)),
    };
    if rest.starts_with("**") {
        return Some(operator("**", "^", "a power is written with `^`, as in `2^3`"));
    }
    if rest.starts_with("==") {
        return Some(operator("==", "=", "write a single `=`"));
    }
    if let Some(after) = rest.strip_prefix(';') {
        return Some(semicolon(after, first_of_line));
    }
    if rest.starts_with(['\u{a0}', '\u{202f}', '\u{2007}']) {
        let c = rest.chars().next().unwrap_or(' ');
        return Some(Foreign {
            message: format!("a no-break space (U+{:04X})", u32::from(c)),
            help: "replace it by an ordinary space",
            length: c.len_utf8(),
            skipped: c.len_utf8(),
            instead: None,
        });
    }
    quoted(rest)
}

/// The rest of a line, without its end.
fn line(rest: &str) -> &str {
    rest.lines().next().unwrap_or_default()
}

/// A semicolon: at the start of a line, or before text that does not begin a statement, it is meant as a comment.
fn semicolon(after: &str, first_of_line: bool) -> Foreign {
    let behind = after.trim_start_matches([' ', '\t', '\r']);
    let last = behind.is_empty() || behind.starts_with('\n');
    let next: String = behind.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let remark = !last && (first_of_line || !words::is_word(&next));
    Foreign {
        message: if remark { "`;` does not start a comment".into() } else { "unexpected character `;`".into() },
        help: if remark { COMMENT } else { "statements end at the end of the line; no `;` is needed" },
        length: 1,
        skipped: if remark { 1 + line(after).len() } else { 1 },
        instead: None,
    }
}

/// Text in typographic or single quotes.
fn quoted(rest: &str) -> Option<Foreign> {
    let open = rest.chars().next().filter(|c| matches!(c, '“' | '”' | '„' | '‟' | '‘' | '’' | '\''))?;
    let inner = rest.get(open.len_utf8()..)?;
    let end = inner.find(['“', '”', '„', '‟', '‘', '’', '\'', '"', '\n'])?;
    let close = inner.get(end..)?.chars().next().filter(|c| *c != '\n')?;
    let length = open.len_utf8() + end + close.len_utf8();
    Some(Foreign {
        message: format!("`{open}` is not a quotation mark of the language"),
        help: "a string is written in double quotes: \"...\"",
        length,
        skipped: length,
        instead: Some(Instead::Text),
    })
}
