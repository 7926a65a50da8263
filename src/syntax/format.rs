//! Formats a text without changing its syntax tree: indentation by braces, single spaces where needed, no trailing whitespace. Comments,
//! line breaks, column alignment and the user's choice of tight or spaced operators are kept.
//!
//! It does not print the tree, since that would drop comments and the user's layout.

use super::token::{Token, TokenKind, tokenize};

/// Whitespace between tokens. Everything else is kept, also in comments.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\u{feff}'];

/// The mark of byte order that some editors begin a file with.
const MARK: char = '\u{feff}';

/// The tidy text. A text with unreadable characters comes back as it is. A mark of byte order stays, and so do the ends of lines: `\r\n`
/// where the first line ends so.
pub fn format(text: &str) -> String {
    let tidy = tidied(text);
    let windows = text.split_once('\n').is_some_and(|(first, _)| first.ends_with('\r'));
    let mark = if text.starts_with(MARK) && !tidy.starts_with(MARK) { MARK.to_string() } else { String::new() };
    mark + &if windows && !tidy.contains('\r') { tidy.replace('\n', "\r\n") } else { tidy }
}

fn tidied(text: &str) -> String {
    let (tokens, diagnostics) = tokenize(text, 0);
    if !diagnostics.is_empty() {
        return text.to_string();
    }
    let mut tokens = tokens.all(text).peekable();
    // Number of parentheses and brackets open since the last brace, and the last token before the line.
    let mut open = 0;
    let mut last: Option<Token> = None;
    let mut out = String::with_capacity(text.len());
    let mut depth: usize = 0;
    let mut blank = 0;
    let mut offset = 0;
    for whole in text.split_inclusive('\n') {
        let line = whole.strip_suffix('\n').map_or(whole, |l| l.strip_suffix('\r').unwrap_or(l));
        let start = offset;
        let end = start + line.len();
        offset += whole.len();
        let in_line = |t: &Token| (t.span.start as usize) < end && t.kind != TokenKind::End;
        let here: Vec<Token> = std::iter::from_fn(|| tokens.next_if(in_line)).collect();
        let content = line.trim_matches(BLANKS);
        if content.is_empty() {
            blank += 1;
            continue;
        }
        if blank > 0 && !out.is_empty() {
            out.push('\n');
        }
        blank = 0;
        let closes = here.iter().take_while(|t| t.kind == TokenKind::Sign("}")).count();
        let continued = match (&last, here.first()) {
            (Some(last), Some(first)) => open > 0 || joins(last) || joins(first),
            _ => false,
        };
        // Comments and continuation lines keep their own indentation if it is deep enough.
        let indent =
            if here.is_empty() || continued { leading(line).max(4 * depth) } else { 4 * depth.saturating_sub(closes) };
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str(&tidy_line(line, start, &here, open));
        out.push('\n');
        for token in here {
            match token.kind {
                TokenKind::Sign("{") => (depth, open) = (depth + 1, 0),
                TokenKind::Sign("}") => (depth, open) = (depth.saturating_sub(1), 0),
                _ => open += opened(&token.kind),
            }
            last = Some(token);
        }
    }
    out
}

fn leading(line: &str) -> usize {
    line.chars().take_while(|c| *c == ' ' || *c == '\t').map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

/// Change of the number of open parentheses and brackets caused by a token.
fn opened(kind: &TokenKind) -> i64 {
    match kind {
        TokenKind::Sign("(" | "[") => 1,
        TokenKind::Sign(")" | "]") => -1,
        _ => 0,
    }
}

/// True if a token at the end of a line continues the statement on the next line, or at the start of a line continues the previous one.
fn joins(token: &Token) -> bool {
    matches!(token.kind, TokenKind::Sign("+" | "-" | "*" | "/" | "^" | "=" | ","))
}

/// Formats one line, starting at byte `start` of the text: its tokens with normalised spacing, then its comment at the original position.
#[expect(
    clippy::string_slice,
    reason = "the tokens come from this line, so their spans are at its character boundaries"
)]
fn tidy_line(line: &str, start: usize, tokens: &[Token], mut open: i64) -> String {
    let mut out = String::new();
    let mut position = 0;
    let mut left: Option<&TokenKind> = None;
    for token in tokens {
        let (from, to) = (token.span.start as usize - start, token.span.end as usize - start);
        let gap = from.saturating_sub(position);
        if let Some(left) = left {
            // In `mix(0.5: up(a))` there is no space between weight and colon; in a declaration, spaces before the colon may align columns.
            let weight = open > 0 && matches!(token.kind, TokenKind::Sign(":"));
            out.push_str(&" ".repeat(if weight { 0 } else { space_between(left, &token.kind, gap) }));
        }
        open += opened(&token.kind);
        out.push_str(&line[from..to]);
        position = to;
        left = Some(&token.kind);
    }
    let rest = line[position..].trim_end_matches(BLANKS);
    let comment = rest.trim_start_matches(BLANKS);
    if !comment.is_empty() {
        if !tokens.is_empty() {
            out.push_str(&" ".repeat((rest.len() - comment.len()).max(1)));
        }
        out.push_str(comment);
    }
    out
}

/// Number of spaces between two neighbouring tokens of a line, given the original `gap`.
fn space_between(left: &TokenKind, right: &TokenKind, gap: usize) -> usize {
    use TokenKind::Sign;
    match (left, right) {
        (_, Sign("," | ")" | "]")) | (Sign("(" | "["), _) => 0,
        // Spaces before a colon, an equals sign or a brace may align columns.
        (_, Sign(":" | "=" | "{")) => gap.max(1),
        (_, Sign("}")) | (Sign("{" | ":" | "=" | ","), _) => gap.max(1),
        // Spacing around operators is kept, limited to one space and made equal on both sides of a binary operator.
        (_, Sign("+" | "-" | "*" | "/" | "^" | ".." | "." | "|" | "(" | "[")) => gap.min(1),
        (Sign("+" | "-" | "*" | "/" | "^" | ".." | "." | "|"), _) => gap.min(1),
        // A number and its unit, an isotope, two words: keep the alignment.
        _ => gap,
    }
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn indentation_follows_braces() {
        assert_eq!(format("system {\nspin a :1/2\n   }\n"), "system {\n    spin a : 1/2\n}\n");
    }

    #[test]
    fn weights_of_a_mixture_keep_their_colons() {
        let text = "sequence { prepare mix(0.5 :up(a), 1 - p : down(a)) }\n";
        assert_eq!(format(text), "sequence { prepare mix(0.5: up(a), 1 - p: down(a)) }\n");
    }

    #[test]
    fn comments_and_continuations_stay() {
        let text = "hamiltonian H =\n    X(a)*X(b)\n    + Z(a)      # field\n";
        assert_eq!(format(text), text);
    }

    #[test]
    fn comments_keep_every_character() {
        let text = "title \"a\"  # b\u{b}\u{c}\u{a0}\u{2003}\u{0}\u{b}\t\n";
        assert_eq!(format(text), text.trim_end_matches(['\t', '\n']).to_string() + "\n");
    }

    #[test]
    fn ends_of_lines_and_the_mark_of_byte_order_stay() {
        let text = "\u{feff}units lab\r\nsystem {\r\nspin a : 1/2\r\n}\r\n";
        let tidy = "\u{feff}units lab\r\nsystem {\r\n    spin a : 1/2\r\n}\r\n";
        assert_eq!(format(text), tidy);
        assert_eq!(format(tidy), tidy);
    }

    #[test]
    fn blank_lines_are_single_and_blanks_at_the_end_go() {
        assert_eq!(format("title \"a\"   \n\n\n\nunits lab"), "title \"a\"\n\nunits lab\n");
    }
}
