//! Lengths and relations as expressions that have a value.

use super::lexer::{Token, TokenKind, lex};
use crate::source::Span;

/// An expression: a length of time, a count, a factor.
#[derive(Debug, Clone, PartialEq)]
pub struct Amount {
    /// The expression.
    pub expr: Expr,
    /// Where it stands.
    pub span: Span,
}

impl Amount {
    /// Its value where all names have one.
    pub fn value(&self, of: &dyn Fn(&str) -> Option<f64>) -> Option<f64> {
        self.expr.value(of)
    }

    /// The name that it is, where it is one alone.
    pub fn name(&self) -> Option<&str> {
        if let Expr::Name(name) = &self.expr { Some(name) } else { None }
    }
}

/// The form of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A number; times in seconds.
    Number(f64),
    /// A parameter, list or constant.
    Name(String),
    /// A function or an element of a list with its arguments.
    Call(String, Vec<Expr>),
    /// A negative.
    Minus(Box<Expr>),
    /// Two joined by `+`, `-`, `*` or `/`.
    Binary(char, Box<Expr>, Box<Expr>),
}

/// The units of times, in seconds.
const UNITS: &[(&str, f64)] = &[
    ("s", 1.0),
    ("sec", 1.0),
    ("m", 1e-3),
    ("ms", 1e-3),
    ("msec", 1e-3),
    ("u", 1e-6),
    ("us", 1e-6),
    ("usec", 1e-6),
    ("n", 1e-9),
    ("ns", 1e-9),
    // Lengths of pulses.
    ("sp", 1.0),
    ("mp", 1e-3),
    ("up", 1e-6),
    ("ud", 1e-6),
];

/// A number with its unit: the value in seconds, and whether there was a unit.
///
/// # Errors
/// The unit that is none.
pub fn number(text: &str) -> Result<(f64, bool), String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let (mut number, mut unit) = text.split_at(digits);
    // An exponent.
    if let Some(rest) = unit.strip_prefix(['e', 'E']) {
        let signed = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let more = signed.len() - signed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if more > 0 {
            (number, unit) = text.split_at(digits + 1 + (rest.len() - signed.len()) + more);
        }
    }
    let value: f64 = number.parse().map_err(|_| number.to_string())?;
    if unit.is_empty() {
        return Ok((value, false));
    }
    let found = UNITS.iter().find(|(u, _)| *u == unit).ok_or_else(|| unit.to_string())?;
    Ok((value * found.1, true))
}

impl Expr {
    /// Its value where all names have one.
    pub fn value(&self, of: &dyn Fn(&str) -> Option<f64>) -> Option<f64> {
        match self {
            Expr::Number(x) => Some(*x),
            Expr::Name(name) if name == "PI" => Some(std::f64::consts::PI),
            Expr::Name(name) => of(name),
            Expr::Minus(x) => Some(-x.value(of)?),
            Expr::Binary(sign, a, b) => {
                let (a, b) = (a.value(of)?, b.value(of)?);
                Some(match sign {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    _ => a / b,
                })
            }
            Expr::Call(name, arguments) => {
                let values: Vec<f64> = arguments.iter().map(|x| x.value(of)).collect::<Option<_>>()?;
                match (name.as_str(), values.as_slice()) {
                    ("larger" | "max", [a, b]) => Some(a.max(*b)),
                    ("smaller" | "min", [a, b]) => Some(a.min(*b)),
                    ("trunc", [a]) => Some(a.trunc()),
                    ("sqrt", [a]) => Some(a.sqrt()),
                    _ => None,
                }
            }
        }
    }

    /// Calls `visit` for every name.
    pub fn names<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        match self {
            Expr::Number(_) => {}
            Expr::Name(name) => visit(name),
            Expr::Minus(x) => x.names(visit),
            Expr::Binary(_, a, b) => {
                a.names(visit);
                b.names(visit);
            }
            Expr::Call(_, arguments) => arguments.iter().for_each(|x| x.names(visit)),
        }
    }
}

/// Reads the assignments of a relation: `p3=p1*0.5`, several with `;` between them; conditions and loops are left out.
pub fn assignments(relation: &str) -> Vec<(String, Expr)> {
    let mut out = Vec::new();
    for part in relation.split(';') {
        let Some((name, value)) = part.split_once('=') else { continue };
        let name = name.trim();
        let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !plain || value.starts_with('=') {
            continue;
        }
        let tokens: Vec<Token> = lex(value, 0).tokens.into_iter().filter(|t| t.kind != TokenKind::End).collect();
        let mut reader = Reader { tokens: &tokens, at: 0, spaced: true };
        if let Ok(expr) = reader.sum()
            && reader.at == tokens.len()
        {
            out.push((name.to_string(), expr));
        }
    }
    out
}

/// Reads an expression from words.
pub struct Reader<'a> {
    /// The words.
    pub tokens: &'a [Token],
    /// The next of them.
    pub at: usize,
    /// Whether blanks may stand before `+` and `-`: in relations, but not between the items of a line.
    pub spaced: bool,
}

/// What is wrong with an expression, and where.
pub type Wrong = (String, Option<Span>);

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_sign(&self, sign: &str) -> bool {
        self.peek().is_some_and(|t| t.kind == TokenKind::Sign && t.text == sign)
    }

    /// Whether the next word follows without a blank.
    fn adjacent(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|k| self.tokens.get(k));
        matches!((before, self.peek()), (Some(a), Some(b)) if a.span.end == b.span.start)
    }

    /// A sum.
    pub fn sum(&mut self) -> Result<Expr, Wrong> {
        let mut left = self.product()?;
        while (self.is_sign("+") || self.is_sign("-")) && (self.spaced || self.adjacent()) {
            let sign = if self.is_sign("+") { '+' } else { '-' };
            self.at += 1;
            left = Expr::Binary(sign, Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expr, Wrong> {
        let mut left = self.primary()?;
        while self.is_sign("*") || self.is_sign("/") {
            let sign = if self.is_sign("*") { '*' } else { '/' };
            self.at += 1;
            left = Expr::Binary(sign, Box::new(left), Box::new(self.primary()?));
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<Expr, Wrong> {
        let Some(token) = self.peek().cloned() else { return Err(("an expression ends too early".into(), None)) };
        self.at += 1;
        match (token.kind, token.text.as_str()) {
            (TokenKind::Number, text) => match number(text) {
                Ok((x, _)) => Ok(Expr::Number(x)),
                Err(unit) => Err((format!("no unit is called `{unit}`"), Some(token.span))),
            },
            (TokenKind::Sign, "-") => Ok(Expr::Minus(Box::new(self.primary()?))),
            (TokenKind::Sign, "+") => self.primary(),
            (TokenKind::Sign, "(") => {
                let spaced = std::mem::replace(&mut self.spaced, true);
                let inside = self.sum()?;
                self.spaced = spaced;
                if !self.is_sign(")") {
                    return Err(("a parenthesis is not closed".into(), Some(token.span)));
                }
                self.at += 1;
                Ok(inside)
            }
            (TokenKind::Word, name) => self.named(name),
            (_, text) => Err((format!("`{text}` has no value"), Some(token.span))),
        }
    }

    fn named(&mut self, name: &str) -> Result<Expr, Wrong> {
        let close = match self.peek().map(|t| t.text.as_str()) {
            Some("(") if self.adjacent() => ")",
            Some("[") if self.adjacent() => "]",
            _ => return Ok(Expr::Name(name.to_string())),
        };
        self.at += 1;
        let spaced = std::mem::replace(&mut self.spaced, true);
        let mut arguments = Vec::new();
        while !self.is_sign(close) {
            arguments.push(self.sum()?);
            if self.is_sign(",") {
                self.at += 1;
            } else if !self.is_sign(close) {
                return Err((format!("`{close}` is missing"), self.peek().map(|t| t.span)));
            }
        }
        self.at += 1;
        self.spaced = spaced;
        Ok(Expr::Call(name.to_string(), arguments))
    }
}

#[cfg(test)]
mod tests {
    use super::{Expr, assignments, number};

    #[test]
    fn relations_have_values() {
        let of = |name: &str| (name == "p1").then_some(2.5e-6);
        let value = |text: &str| assignments(text).first().and_then(|(_, e)| e.value(&of));
        assert_eq!(value("p3=p1*0.5"), Some(1.25e-6));
        assert_eq!(value("DELTA = 1s/(2*4) - p1 * 2"), Some(0.125 - 5e-6));
        assert_eq!(value("d2=larger(p1, 3u)"), Some(3e-6));
        assert_eq!(assignments("if (l1 == 2) { d3 = 1 }"), vec![]);
        assert!(matches!(assignments("d2=-3u").first(), Some((_, Expr::Minus(_)))));
        assert_eq!(
            (number("30m"), number("1e-3s"), number("2z")),
            (Ok((0.03, true)), Ok((1e-3, true)), Err("z".into()))
        );
    }
}
