//! Source texts, and positions in them.
//!
//! A [`Span`] is a pair of byte offsets and the index of a file; [`Sources`] holds the texts, so that a span is converted to line and
//! column only when it is displayed.

/// Maximum file size, bytes; larger files are not programs.
pub const LARGEST_FILE: u64 = 64 << 20;

/// Decodes a text file: UTF-8, or Latin-1 for data files that are not UTF-8. Instruments write names and units in this encoding.
///
/// # Errors
/// For a program (`.seq`, `.yaml`, `.yml`) that is not UTF-8: the offset of the first invalid byte.
pub fn decoded(name: &str, bytes: Vec<u8>) -> Result<String, usize> {
    let program = [".seq", ".yaml", ".yml"].iter().any(|ending| name.to_ascii_lowercase().ends_with(ending));
    String::from_utf8(bytes).or_else(|e| match program {
        true => Err(e.utf8_error().valid_up_to()),
        false => Ok(e.into_bytes().into_iter().map(char::from).collect()),
    })
}

/// Decodes a data file: UTF-8, UTF-16 with a byte order mark, or else Latin-1. Removes the mark and converts line endings to `\n`.
pub fn data_text(bytes: &[u8]) -> String {
    let wide = |from: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| from(*pair)).collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => wide(u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => wide(u16::from_be_bytes, rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_string(),
            Err(_) => bytes.iter().copied().map(char::from).collect(),
        },
    };
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Replaces control characters other than line feed and tab, and bidirectional formatting characters, so that a text cannot affect a
/// terminal or start a line. Each replacement has the same number of bytes, so that spans stay valid.
pub fn visible(text: &str) -> std::borrow::Cow<'_, str> {
    let hidden = |c: char| {
        c.is_control() && c != '\n' && c != '\t'
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(hidden) {
        return text.into();
    }
    let shown = |c: char| match (hidden(c), c.len_utf8()) {
        (false, _) => c,
        (true, 1) => '?',
        (true, 2) => '\u{bf}',
        (true, _) => char::REPLACEMENT_CHARACTER,
    };
    text.chars().map(shown).collect::<String>().into()
}

/// The same on one line: line feeds and tabs become blanks.
pub fn in_one_line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

/// A text of which at most so many characters are shown: of a longer one the beginning, and its end.
pub fn shortened(text: &str, most: usize) -> std::borrow::Cow<'_, str> {
    if text.len() <= most || text.chars().count() <= most {
        return text.into();
    }
    let head: String = text.chars().take(most / 2).collect();
    let mut tail: Vec<char> = text.chars().rev().take(most / 4).collect();
    tail.reverse();
    (head + " ... " + &tail.into_iter().collect::<String>()).into()
}

/// A place in a source text: bytes `start..end` of file number `file`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Span {
    /// Index into [`Sources`].
    pub file: u32,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The span from the start of `self` to the end of `other`, in the same file.
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Its number of bytes.
    pub fn length(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// The empty place right behind the span, where something is missing.
    pub fn after(self) -> Span {
        Span { file: self.file, start: self.end, end: self.end }
    }
}

/// Position of a tree node in the text. Trees are compared by content, independent of positions, so all places compare
/// equal; a node that is not from a text has none.
#[derive(Debug, Clone, Copy, Default, Eq)]
pub struct Place(pub Option<Span>);

impl PartialEq for Place {
    fn eq(&self, _: &Place) -> bool {
        true
    }
}

impl Place {
    /// The span; for a node that is not from a text, as in an experiment from YAML, the start of the first file.
    pub fn span(self) -> Span {
        self.0.unwrap_or_default()
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Place {
        Place(Some(span))
    }
}

/// A file: its display name and its text.
#[derive(Debug, Clone)]
pub struct Source {
    /// Name used in messages.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The files of a program, in the order in which they were read; the first is the main file.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// Adds a file and returns its index.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u32 {
        self.files.push(Source { name: name.into(), text: text.into() });
        (self.files.len() - 1) as u32
    }

    /// The file with this index.
    pub fn get(&self, file: u32) -> Option<&Source> {
        self.files.get(file as usize)
    }

    /// All files, by index.
    pub fn files(&self) -> &[Source] {
        &self.files
    }

    /// The text of a span; empty if the span is invalid.
    pub fn words(&self, span: Span) -> &str {
        self.get(span.file).and_then(|f| f.text.get(span.start as usize..span.end as usize)).unwrap_or("")
    }

    /// Line and column of the start of a span, both counted from 1; the column counts characters.
    pub fn line_and_column(&self, span: Span) -> (usize, usize) {
        let Some(source) = self.get(span.file) else { return (1, 1) };
        let bytes = source.text.as_bytes();
        let before = bytes.get(..span.start as usize).unwrap_or(bytes);
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        let last_line = before.rsplit(|&b| b == b'\n').next().unwrap_or(before);
        (line, String::from_utf8_lossy(last_line).chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced_by_as_many_bytes() {
        let text = "a\u{1b}[31m\r\u{9b}2J\u{202e}b\n\t\u{7f}é";
        let shown = visible(text);
        assert_eq!(shown, "a?[31m?\u{bf}2J\u{fffd}b\n\t?é");
        assert_eq!(shown.len(), text.len());
        assert_eq!(in_one_line("a\r\n##END="), "a? ##END=");
        assert!(matches!(visible("plain"), std::borrow::Cow::Borrowed(_)));
    }

    #[test]
    fn only_programs_must_be_utf8() {
        assert_eq!(decoded("a.shape", b"M\xfcller".to_vec()), Ok("Müller".into()));
        assert_eq!(decoded("a.shape", "Müller".into()), Ok("Müller".into()));
        assert_eq!(decoded("a.seq", b"M\xfcller".to_vec()), Err(1));
    }

    #[test]
    fn data_texts_are_decoded() {
        for bytes in [
            b"a \xb5s\r\nb\rc".as_slice(),
            "a µs\nb\nc".as_bytes(),
            b"\xef\xbb\xbfa \xc2\xb5s\r\nb\nc",
            b"\xff\xfea\0 \0\xb5\0s\0\n\0b\0\r\0c\0",
            b"\xfe\xff\0a\0 \0\xb5\0s\0\n\0b\0\r\0c",
        ] {
            assert_eq!(data_text(bytes), "a µs\nb\nc");
        }
    }

    #[test]
    fn columns_count_characters() {
        let mut sources = Sources::default();
        let file = sources.add("a.seq", "one\nµ two");
        let start = "one\nµ ".len() as u32;
        let span = Span { file, start, end: start + 3 };
        assert_eq!(sources.line_and_column(span), (2, 3));
        assert_eq!(sources.words(span), "two");
    }
}
