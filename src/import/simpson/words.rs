//! Tcl as words: commands end with their line or with `;`, braces keep a text as it is, quotes and bare words are substituted.

/// A part of a word that is substituted.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Letters as they are.
    Text(String),
    /// `$name`, or `$name(index)` with the parts of the index.
    Variable(String, Option<Vec<Part>>),
    /// `[command]`: its text, and where that begins.
    Command(String, usize),
}

/// A word of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    /// `{text}`: the text, and where it begins.
    Braced(String, usize),
    /// Parts that are substituted and joined.
    Parts(Vec<Part>),
}

/// A command, or a comment.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Its words, and where it begins and ends.
    Words(Vec<Word>, usize, usize),
    /// The text behind `#`, and where it begins.
    Comment(String, usize),
}

/// What is wrong, and where.
pub type Wrong = (String, usize);

/// The deepest nesting of brackets.
const DEEPEST: usize = 64;

/// The commands of a script whose text begins at a place of the file.
///
/// # Errors
/// A brace, bracket or quote that is not closed.
pub fn commands(text: &str, at: usize) -> Result<Vec<Command>, Wrong> {
    let mut reader = Reader { text, at, place: 0 };
    let mut out = Vec::new();
    loop {
        reader.skip(|c| c.is_whitespace() || c == ';');
        let begin = reader.place;
        match reader.peek() {
            None => return Ok(out),
            Some('#') => {
                let line = reader.comment();
                out.push(Command::Comment(line, at + begin));
            }
            Some(_) => {
                let words = reader.words()?;
                out.push(Command::Words(words, at + begin, at + reader.place));
            }
        }
    }
}

/// The first part of a text that is substituted, as those of an expression are, and how many bytes it has.
///
/// # Errors
/// A bracket or brace that is not closed.
pub fn first(text: &str, at: usize) -> Result<(Option<Part>, usize), Wrong> {
    let mut reader = Reader { text, at, place: 0 };
    let part = match reader.peek() {
        Some('[') => {
            let (command, at) = reader.nested('[', ']')?;
            Some(Part::Command(command, at))
        }
        Some('$') => reader.variable(0)?,
        _ => None,
    };
    Ok((part, reader.place))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    place: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.place..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.place += c.len_utf8();
        Some(c)
    }

    fn skip(&mut self, of: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&of) {
            self.next();
        }
    }

    /// Blanks between words: all that ends a bare word, except for the end of the line. A backslash joins the next line.
    fn blanks(&mut self) {
        loop {
            self.skip(|c| c.is_whitespace() && c != '\n');
            let joined = ["\\\n", "\\\r\n"].into_iter().find(|j| self.rest().starts_with(j));
            let Some(joined) = joined else { return };
            self.place += joined.len();
        }
    }

    /// The text of a comment to the end of its line.
    fn comment(&mut self) -> String {
        self.next();
        let begin = self.place;
        self.skip(|c| c != '\n');
        self.text.get(begin..self.place).unwrap_or_default().trim_end().to_string()
    }

    fn words(&mut self) -> Result<Vec<Word>, Wrong> {
        let mut out = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                None | Some('\n' | ';') => return Ok(out),
                Some('{') => {
                    let (text, at) = self.nested('{', '}')?;
                    out.push(Word::Braced(text, at));
                }
                Some('"') => {
                    let open = self.place;
                    self.next();
                    let parts = self.parts(|c| c == '"')?;
                    if self.next() != Some('"') {
                        return Err(("unclosed quote".into(), self.at + open));
                    }
                    out.push(Word::Parts(parts));
                }
                Some(_) => out.push(Word::Parts(self.parts(|c| c.is_whitespace() || c == ';')?)),
            }
        }
    }

    /// The text between an opening sign, at which the reader stands, and its closing one.
    fn nested(&mut self, open: char, close: char) -> Result<(String, usize), Wrong> {
        let begin = self.place;
        let mut depth = 0usize;
        while let Some(c) = self.next() {
            match c {
                '\\' => drop(self.next()),
                c if c == open => depth += 1,
                c if c == close => {
                    depth -= 1;
                    if depth == 0 {
                        let inside = self.text.get(begin + 1..self.place - 1).unwrap_or_default();
                        return Ok((inside.to_string(), self.at + begin + 1));
                    }
                }
                _ => {}
            }
        }
        Err((format!("`{open}` is not closed"), self.at + begin))
    }

    /// Parts up to an end, which is not taken.
    fn parts(&mut self, end: impl Fn(char) -> bool + Copy) -> Result<Vec<Part>, Wrong> {
        self.parts_within(end, 0)
    }

    fn parts_within(&mut self, end: impl Fn(char) -> bool + Copy, depth: usize) -> Result<Vec<Part>, Wrong> {
        let mut out = Vec::new();
        let mut text = String::new();
        if depth > DEEPEST {
            return Err(("it is nested too deeply".into(), self.at + self.place));
        }
        while let Some(c) = self.peek().filter(|c| !end(*c)) {
            let part = match c {
                '[' => {
                    let (command, at) = self.nested('[', ']')?;
                    Part::Command(command, at)
                }
                '$' => match self.variable(depth)? {
                    Some(part) => part,
                    None => {
                        text.push('$');
                        continue;
                    }
                },
                '\\' => {
                    self.next();
                    match self.next() {
                        Some('n') => text.push('\n'),
                        Some('t') => text.push('\t'),
                        Some('\n') => {
                            text.push(' ');
                            self.skip(|c| c == ' ' || c == '\t');
                        }
                        Some(c) => text.push(c),
                        None => text.push('\\'),
                    }
                    continue;
                }
                _ => {
                    text.push(c);
                    self.next();
                    continue;
                }
            };
            if !text.is_empty() {
                out.push(Part::Text(std::mem::take(&mut text)));
            }
            out.push(part);
        }
        if !text.is_empty() {
            out.push(Part::Text(text));
        }
        Ok(out)
    }

    /// `$name`, `${name}`, `$name(index)`; `None` where it is a lone sign.
    fn variable(&mut self, depth: usize) -> Result<Option<Part>, Wrong> {
        self.next();
        if self.peek() == Some('{') {
            let (name, _) = self.nested('{', '}')?;
            return Ok(Some(Part::Variable(name, None)));
        }
        let begin = self.place;
        self.skip(|c| c.is_alphanumeric() || c == '_' || c == ':');
        let name = self.text.get(begin..self.place).unwrap_or_default().to_string();
        if name.is_empty() {
            return Ok(None);
        }
        if self.peek() != Some('(') {
            return Ok(Some(Part::Variable(name, None)));
        }
        let open = self.place;
        self.next();
        let index = self.parts_within(|c| c == ')', depth + 1)?;
        if self.next() != Some(')') {
            return Err(("`(` is not closed".into(), self.at + open));
        }
        Ok(Some(Part::Variable(name, Some(index))))
    }
}

/// The elements of a list.
pub fn elements(text: &str) -> Vec<String> {
    let mut reader = Reader { text, at: 0, place: 0 };
    let mut out = Vec::new();
    loop {
        reader.skip(char::is_whitespace);
        match reader.peek() {
            None => return out,
            Some('{') => match reader.nested('{', '}') {
                Ok((inside, _)) => out.push(inside),
                Err(_) => {
                    out.push(reader.rest().to_string());
                    return out;
                }
            },
            Some('"') => {
                reader.next();
                let begin = reader.place;
                reader.skip(|c| c != '"');
                out.push(reader.text.get(begin..reader.place).unwrap_or_default().to_string());
                reader.next();
            }
            Some(_) => {
                let begin = reader.place;
                reader.skip(|c| !c.is_whitespace());
                out.push(reader.text.get(begin..reader.place).unwrap_or_default().to_string());
            }
        }
    }
}

/// The list of these elements.
pub fn list(elements: &[String]) -> String {
    let one = |x: &String| {
        let plain = !x.is_empty() && !x.contains(|c: char| c.is_whitespace() || "{}[]$;\"\\".contains(c));
        if plain { x.clone() } else { format!("{{{x}}}") }
    };
    elements.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_words_and_comments_are_told_apart() {
        let read = commands("set a {x $y}; # note\nputs \"$a(1) [f 2]\" \\\n  b\n", 10).unwrap();
        let [Command::Words(set, 10, 22), Command::Comment(note, _), Command::Words(puts, ..)] = read.as_slice() else {
            panic!("{read:?}")
        };
        assert_eq!((set.len(), note.as_str(), puts.len()), (3, " note", 3));
        assert_eq!(set[2], Word::Braced("x $y".into(), 17));
        let Word::Parts(parts) = &puts[1] else { panic!("{puts:?}") };
        assert_eq!(parts[0], Part::Variable("a".into(), Some(vec![Part::Text("1".into())])));
        assert_eq!(parts[2], Part::Command("f 2".into(), 44));
        assert_eq!(elements("a {b c} \"d e\" {}"), ["a", "b c", "d e", ""]);
        assert_eq!(list(&["a".into(), "b c".into(), String::new()]), "a {b c} {}");
    }

    #[test]
    fn what_is_not_closed_is_said_with_its_place() {
        for (text, place) in [("set a {b", 6), ("puts \"a", 5), ("set b [f", 6), ("set c $d(1", 8)] {
            assert_eq!(commands(text, 0).unwrap_err().1, place, "{text}");
        }
    }
}
