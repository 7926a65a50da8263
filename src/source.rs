//! The text of a file, and places in it.
//!
//! A [`Span`] is a pair of byte offsets and the number of a file; [`Sources`] holds the texts, so that a place can be
//! turned into a line and a column when, and only when, a person is to read it.

/// A place in a source text: bytes `start..end` of file number `file`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Span {
    /// Index into [`Sources`].
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span from the beginning of `self` to the end of `other`; both lie in one file.
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty place right behind the span, where something is missing.
    pub fn after(self) -> Span {
        Span { file: self.file, start: self.end, end: self.end }
    }
}

/// Where a node of a tree stands in the text. Two trees are equal when they say the same, wherever they stand, so places
/// compare equal; a node that was never in a text has none.
#[derive(Debug, Clone, Copy, Default, Eq)]
pub struct Place(pub Option<Span>);

impl PartialEq for Place {
    fn eq(&self, _: &Place) -> bool {
        true
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Place {
        Place(Some(span))
    }
}

/// One file: its name as the user knows it, and its text.
#[derive(Debug, Clone)]
pub struct Source {
    /// What messages call the file.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// The files of one program, in the order in which they were read; the first is the one that the user named.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// Adds a file and returns its number.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u32 {
        self.files.push(Source { name: name.into(), text: text.into() });
        (self.files.len() - 1) as u32
    }

    /// The file with this number, if there is one.
    pub fn get(&self, file: u32) -> Option<&Source> {
        self.files.get(file as usize)
    }

    /// All files, by number.
    pub fn files(&self) -> &[Source] {
        &self.files
    }

    /// The words at a place; empty when the place does not exist.
    pub fn words(&self, span: Span) -> &str {
        self.get(span.file).and_then(|f| f.text.get(span.start as usize..span.end as usize)).unwrap_or("")
    }

    /// Line and column (both from 1; the column counts characters) of the beginning of a span.
    pub fn line_and_column(&self, span: Span) -> (usize, usize) {
        let Some(source) = self.get(span.file) else { return (1, 1) };
        let end = (span.start as usize).min(source.text.len());
        let before = &source.text.as_bytes()[..end];
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |p| p + 1);
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        (line, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
