//! The words and signs of a source text, for rules that must not see comments and texts.

pub fn tokens(text: &str) -> Vec<String> {
    tokens_in_lines(text).into_iter().map(|(token, _)| token).collect()
}

/// Names, and each other character on its own besides `::`, each with its line; without comments, texts, characters and lifetimes.
pub fn tokens_in_lines(text: &str) -> Vec<(String, usize)> {
    let c: Vec<char> = text.chars().collect();
    let at = |k: usize| c.get(k).copied().unwrap_or('\0');
    let word = |x: char| x.is_alphanumeric() || x == '_';
    let mut out = Vec::new();
    let (mut k, mut line, mut counted) = (0, 1, 0);
    while k < c.len() {
        line += c[counted..k].iter().filter(|x| **x == '\n').count();
        counted = k;
        // The `b` of a byte string stands for itself.
        let raw = |k: usize| at(k) == 'r' && (at(k + 1) == '"' || at(k + 1) == '#' && matches!(at(k + 2), '"' | '#'));
        if at(k) == 'b' && (raw(k + 1) || matches!(at(k + 1), '"' | '\'')) {
            k += 1;
        }
        if at(k) == '/' && at(k + 1) == '/' {
            k = (k..c.len()).find(|j| at(*j) == '\n').unwrap_or(c.len());
        } else if at(k) == '/' && at(k + 1) == '*' {
            let mut depth = 0;
            while k < c.len() {
                let step = match (at(k), at(k + 1)) {
                    ('/', '*') => 1,
                    ('*', '/') => -1,
                    _ => 0,
                };
                depth += step;
                k += if step == 0 { 1 } else { 2 };
                if depth == 0 {
                    break;
                }
            }
        } else if raw(k) {
            let marks = (k + 1..).take_while(|j| at(*j) == '#').count();
            let ends = |j: &usize| at(*j) == '"' && (1..=marks).all(|m| at(*j + m) == '#');
            k = (k + marks + 2..c.len()).find(ends).map_or(c.len(), |j| j + marks + 1);
        } else if at(k) == '"' {
            k += 1;
            while k < c.len() && at(k) != '"' {
                k += if at(k) == '\\' { 2 } else { 1 };
            }
            k += 1;
        } else if at(k) == '\'' && at(k + 1) == '\\' {
            k = (k + 3..c.len()).find(|j| at(*j) == '\'').map_or(c.len(), |j| j + 1);
        } else if at(k) == '\'' {
            // A lifetime has no second quote; its name is skipped all the same.
            k += if at(k + 2) == '\'' { 3 } else { 1 + (k + 1..).take_while(|j| word(at(*j))).count() };
        } else if word(at(k)) {
            let length = (k..).take_while(|j| word(at(*j))).count();
            out.push((c[k..k + length].iter().collect(), line));
            k += length;
        } else if at(k) == ':' && at(k + 1) == ':' {
            out.push(("::".into(), line));
            k += 2;
        } else {
            if !at(k).is_whitespace() {
                out.push((at(k).to_string(), line));
            }
            k += 1;
        }
    }
    out
}

pub fn is_variable(token: &str) -> bool {
    token.starts_with(|c: char| c.is_lowercase() || c == '_')
}

pub fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}
