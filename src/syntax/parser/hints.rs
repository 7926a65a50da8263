//! Hints for text that cannot be parsed: what the writer probably means, and how it is written here.

use super::Parser;
use crate::spin::Isotope;
use crate::syntax::ast::Setting;
use crate::syntax::token::TokenKind;
use crate::syntax::words::{self, Role};
use crate::units::{Dimension, Unit};

fn some(text: &str) -> Option<String> {
    Some(text.to_string())
}

impl Parser<'_> {
    /// Where a sign is missing.
    pub(super) fn hint_of_sign(&self, sign: &str) -> Option<String> {
        let previous = self.at.checked_sub(1).and_then(|k| self.token(k)).map(|t| t.kind);
        match (sign, self.kind()) {
            ("{", TokenKind::Sign("(" | "[" | ":" | "=")) => some("a block is written in braces: `{ ... }`"),
            ("{", TokenKind::Name(next)) => match previous {
                Some(TokenKind::Name(name)) if !self.begins_line() && !words::is_word(name) => {
                    Some(format!("several names are separated by commas: `{name}, {next}`"))
                }
                _ => None,
            },
            ("=", TokenKind::Sign(":")) => some("a value is assigned with `=`"),
            ("=", TokenKind::Number(_) | TokenKind::Sign("(" | "-")) => match previous {
                Some(TokenKind::Name(name)) if !self.begins_line() => Some(format!("`=` is missing after `{name}`")),
                _ => None,
            },
            _ => None,
        }
    }

    /// Where a name is missing: a decimal comma, or a name in quotes.
    pub(super) fn hint_of_name(&self) -> Option<String> {
        match self.kind() {
            TokenKind::Text(text) => Some(format!("names are written without quotes: `{text}`")),
            TokenKind::Number(_) => self.decimal_comma(self.at),
            _ => None,
        }
    }

    /// Where a statement should end.
    pub(super) fn hint_at_end(&self) -> Option<String> {
        if let (TokenKind::Name(name), TokenKind::Number(_), false) = (self.kind(), self.peek(1), self.begins_line()) {
            return Some(format!("`=` is missing after `{name}`"));
        }
        self.decimal_comma(self.at).or_else(|| self.decimal_comma(self.at + 1))
    }

    /// Two numbers around a comma, without blanks, the second of them at this index.
    fn decimal_comma(&self, at: usize) -> Option<String> {
        let first = at.checked_sub(2)?;
        let (before, comma, after) = (self.token(first)?, self.token(first + 1)?, self.token(at)?);
        let adjacent = before.span.end == comma.span.start && comma.span.end == after.span.start;
        let (TokenKind::Number(x), TokenKind::Sign(","), TokenKind::Number(y)) = (before.kind, comma.kind, after.kind)
        else {
            return None;
        };
        adjacent.then(|| format!("the decimal separator is a point: `{x}.{y}`"))
    }

    /// Behind the flip angle of a pulse.
    pub(super) fn hint_of_clause(&self) -> Option<String> {
        let axis = |kind| match kind {
            TokenKind::Name(word) if word == "x" || word == "y" => Some(word),
            _ => None,
        };
        if let Some(axis) = axis(self.kind()) {
            return Some(format!("the phase follows the word `phase`: `phase {axis}`"));
        }
        if let (TokenKind::Sign("-"), Some(axis)) = (self.kind(), axis(self.peek(1))) {
            return Some(format!("the phase follows the word `phase`: `phase -{axis}`"));
        }
        match (self.kind(), self.peek(1)) {
            (TokenKind::Name(name), TokenKind::Number(_) | TokenKind::Sign("(")) => {
                Some(format!("`=` is missing after `{name}`"))
            }
            _ => None,
        }
    }

    /// A clause or unit at the start of a line.
    pub(super) fn hint_of_line_above(&self, word: &str) -> Option<String> {
        let begins = self.begins_line() && self.at > 0;
        let clause = words::WORDS.iter().any(|w| w.word == word && w.role == Role::Clause) || word == "phase";
        let unit = Unit::named(word).is_some()
            && matches!(self.token(self.at.wrapping_sub(1)).map(|t| t.kind), Some(TokenKind::Number(_)));
        (begins && (clause || unit))
            .then(|| format!("a statement ends with its line: write `{word}` at the end of the line above"))
    }

    /// Words that begin statements of other languages.
    pub(super) fn hint_of_statement(word: &str) -> Option<String> {
        match word {
            "for" | "repeat" | "while" | "do" | "lo" => some("statements are repeated with `loop 8 { ... }`"),
            "if" | "else" => some(
                "a sequence has no conditions; `project a along z { up { ... } down { ... } }` branches on a measurement",
            ),
            "end" | "END" | "endif" => some("a block ends with `}`, the file with its last line"),
            "wait" | "sleep" | "evolution" => some("a delay is written `delay 5 us`"),
            "let" | "const" | "var" | "set" => some("a parameter is declared with `param tau = 5 us`"),
            "import" | "include" => some("another file is included with `use \"file.seq\"`"),
            "print" => some("results are named in `measure { ... }`"),
            _ => None,
        }
    }
}

/// A unit after a blank where the nucleus should stand: the angle was written first.
pub(super) fn nucleus_first(word: &str) -> Option<String> {
    let unit = Unit::named(word).filter(|u| [Dimension::ANGLE, Dimension::TIME].contains(&u.dimension))?;
    Some(match unit.dimension {
        Dimension::ANGLE => "the nucleus comes first: `pulse 1H 90 deg`".to_string(),
        _ => "the nucleus comes first: `pulse 1H duration = 2.5 us`".to_string(),
    })
}

/// Where a nucleus is missing.
pub(super) fn nucleus(kind: TokenKind) -> Option<String> {
    let TokenKind::Name(word) = kind else { return None };
    Isotope::meant_by(word).map(|isotope| format!("did you mean `{}`?", isotope.symbol))
}

/// Settings of `acquire` that give the time between two points in the manner of a spectrometer's parameters.
pub(super) fn dwell(settings: &[Setting]) -> Option<String> {
    let setting =
        settings.iter().find(|s| ["dw", "dwell", "sw", "swh"].contains(&s.name.text.to_lowercase().as_str()))?;
    Some(match setting.name.text.to_lowercase().as_str() {
        "sw" | "swh" => {
            format!("the dwell time is the reciprocal of the spectral width: `dwell 1 / ({})`", setting.value)
        }
        _ => format!("the dwell time is written `dwell {}`, before the settings", setting.value),
    })
}
